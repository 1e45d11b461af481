//! When two MISP documents say the same.

use serde_json::{Map, Value};

/// Lists whose order means nothing in MISP: its database keeps none.
const UNORDERED: [&str; 16] = [
    "Attribute",
    "Object",
    "ObjectReference",
    "Tag",
    "EventTag",
    "AttributeTag",
    "Galaxy",
    "GalaxyCluster",
    "Sighting",
    "ShadowAttribute",
    "EventReport",
    "RelatedEvent",
    "SharingGroupOrg",
    "SharingGroupServer",
    "Note",
    "Opinion",
];

/// The document with those lists in one order, to be compared. Everything else counts as it is written: a number is not
/// the text of it, an empty list is not a missing one.
#[must_use]
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut out = Map::new();
            for (key, value) in map {
                let mut value = canonical(value);
                if let Value::Array(list) = &mut value
                    && UNORDERED.contains(&key.as_str())
                {
                    list.sort_by_cached_key(sorted_text);
                }
                out.insert(key.clone(), value);
            }
            Value::Object(out)
        }
        Value::Array(list) => Value::Array(list.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

/// A text that does not depend on the order of keys.
fn sorted_text(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut parts: Vec<String> =
                map.iter().map(|(key, value)| format!("{key:?}:{}", sorted_text(value))).collect();
            parts.sort_unstable();
            parts.join(",")
        }
        Value::Array(list) => format!("[{}]", list.iter().map(sorted_text).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
