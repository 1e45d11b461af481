//! The difference between two JSON values, small where they are alike, and exact: applying it gives the second value again.
//!
//! This is what makes the conversion lose nothing. What a STIX object says in its own properties is read back first; whatever
//! of the MISP original differs from that is the difference, and travels in the extension.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// How one value differs from another one. JSON has one form for each: `{"is": …}` in place of the old value; `{"with": {…},
/// "without": […]}` for dictionaries; `{"items": {"0": …}, "cut": 3, "more": […]}` for lists.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Patch(Value);

impl Patch {
    /// What leads from `from` to `to`; nothing where they are equal.
    pub(crate) fn between(from: &Value, to: &Value) -> Option<Self> {
        if from == to {
            return None;
        }
        Some(Self(match (from, to) {
            (Value::Object(from), Value::Object(to)) => between_maps(from, to),
            (Value::Array(from), Value::Array(to)) => between_lists(from, to),
            _ => json!({ "is": to }),
        }))
    }

    /// Reads the text that [`Patch::to_text`] wrote.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    pub(crate) fn to_text(&self) -> String {
        self.0.to_string()
    }

    /// Carries it out. A patch that does not fit (somebody altered it) changes what it can.
    pub(crate) fn apply(&self, value: &mut Value) {
        apply(&self.0, value);
    }

    /// Which fields it holds values for, as paths without positions, and how often each: for the report.
    pub(crate) fn count(&self, path: &str, counts: &mut BTreeMap<String, u64>) {
        count(&self.0, path, counts);
    }
}

fn between_maps(from: &Map<String, Value>, to: &Map<String, Value>) -> Value {
    let mut with = Map::new();
    for (key, new) in to {
        let patch = match from.get(key) {
            Some(old) => Patch::between(old, new).map(|patch| patch.0),
            None => Some(json!({ "is": new })),
        };
        with.extend(patch.map(|patch| (key.clone(), patch)));
    }
    let without: Vec<&String> = from.keys().filter(|key| !to.contains_key(*key)).collect();
    let mut patch = Map::new();
    if !with.is_empty() {
        patch.insert("with".to_owned(), Value::Object(with));
    }
    if !without.is_empty() {
        patch.insert("without".to_owned(), json!(without));
    }
    Value::Object(patch)
}

fn between_lists(from: &[Value], to: &[Value]) -> Value {
    let mut items = Map::new();
    for (index, (old, new)) in from.iter().zip(to).enumerate() {
        items.extend(Patch::between(old, new).map(|patch| (index.to_string(), patch.0)));
    }
    let mut patch = Map::new();
    if !items.is_empty() {
        patch.insert("items".to_owned(), Value::Object(items));
    }
    if to.len() < from.len() {
        patch.insert("cut".to_owned(), json!(to.len()));
    }
    if let Some(more) = to.get(from.len()..).filter(|more| !more.is_empty()) {
        patch.insert("more".to_owned(), json!(more));
    }
    Value::Object(patch)
}

fn apply(patch: &Value, value: &mut Value) {
    if let Some(new) = patch.get("is") {
        *value = new.clone();
        return;
    }
    match value {
        Value::Object(map) => {
            for key in patch.get("without").and_then(Value::as_array).into_iter().flatten() {
                key.as_str().and_then(|key| map.shift_remove(key));
            }
            for (key, inner) in patch.get("with").and_then(Value::as_object).into_iter().flatten() {
                apply(inner, map.entry(key).or_insert(Value::Null));
            }
        }
        Value::Array(list) => {
            for (index, inner) in patch.get("items").and_then(Value::as_object).into_iter().flatten() {
                if let Some(item) = index.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
                    apply(inner, item);
                }
            }
            if let Some(length) = patch.get("cut").and_then(Value::as_u64) {
                list.truncate(usize::try_from(length).unwrap_or(usize::MAX));
            }
            list.extend(patch.get("more").and_then(Value::as_array).into_iter().flatten().cloned());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn count(patch: &Value, path: &str, counts: &mut BTreeMap<String, u64>) {
    let below = |key: &str| format!("{path}.{key}");
    if let Some(new) = patch.get("is") {
        count_value(new, path, counts);
    }
    for (key, inner) in patch.get("with").and_then(Value::as_object).into_iter().flatten() {
        count(inner, &below(key), counts);
    }
    for (_, inner) in patch.get("items").and_then(Value::as_object).into_iter().flatten() {
        count(inner, path, counts);
    }
    for item in patch.get("more").and_then(Value::as_array).into_iter().flatten() {
        count_value(item, path, counts);
    }
}

fn count_value(value: &Value, path: &str, counts: &mut BTreeMap<String, u64>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| count_value(value, &format!("{path}.{key}"), counts));
        }
        Value::Array(list) => list.iter().for_each(|value| count_value(value, path, counts)),
        _ => *counts.entry(path.to_owned()).or_default() += 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-c]|is|with|without|items|cut|more", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn applying_the_difference_gives_the_second(from in json_value(), to in json_value()) {
            let mut value = from.clone();
            if let Some(patch) = Patch::between(&from, &to) {
                Patch::parse(&patch.to_text()).unwrap().apply(&mut value);
            }
            prop_assert_eq!(value, to);
        }

        #[test]
        fn a_foreign_patch_does_no_harm(patch in json_value(), mut value in json_value()) {
            Patch(patch).apply(&mut value);
        }
    }
}
