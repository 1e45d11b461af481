//! Takes out of a report what would tell who made it, before it is accepted; says what and why.
//!
//! Who republishes an object with changes or omissions mints a new identifier (STIX 2.1 §3.5, §3.6), and the reporter's own
//! identifiers could be compared with what it shares elsewhere under its name. So every object gets a new identifier and new times.
//! Observables keep theirs: those are computed from their values (§2.9) and tell nothing else.

use std::collections::HashMap;

use api::AnonymousChange;
use serde_json::{Map, Value};
use stix::Id;

/// Properties that name who made an object.
const NAMING: [&str; 2] = ["created_by_ref", "x_opencti_creator_ids"];
/// A name shorter than this occurs in other words by accident.
const NAME_CHARS_MIN: usize = 3;

/// A report that names nobody.
#[derive(Debug, Default)]
pub(crate) struct Withheld {
    /// What is shared.
    pub(crate) objects: Vec<Value>,
    /// What was changed.
    pub(crate) changed: Vec<AnonymousChange>,
    /// What cannot be taken.
    pub(crate) refused: Vec<AnonymousChange>,
}

/// Prepares a report. `names` are the words by which its reporter is known; `now` is the time that the objects get, as STIX
/// writes it; `fresh` draws an identifier.
pub(crate) fn prepare(
    objects: Vec<Value>,
    names: &[String],
    now: &str,
    mut fresh: impl FnMut() -> uuid::Uuid,
) -> Withheld {
    let mut withheld = Withheld::default();
    let mut renamed: HashMap<String, String> = HashMap::new();
    for object in &objects {
        let id = object.get("id").and_then(Value::as_str);
        if let Some(id) = id.and_then(|id| Id::parse(id).ok())
            && is_versioned(object)
        {
            renamed.insert(id.to_string(), Id::new(id.object_type(), fresh()).to_string());
        }
    }
    for (index, object) in (0_u64..).zip(objects) {
        withheld.take(index, object, names, now, &renamed);
    }
    withheld
}

impl Withheld {
    fn take(
        &mut self,
        index: u64,
        object: Value,
        names: &[String],
        now: &str,
        renamed: &HashMap<String, String>,
    ) {
        let Value::Object(mut object) = object else {
            return self.refuse(index, "not-an-object", "it is not a STIX object");
        };
        match object.get("type").and_then(Value::as_str) {
            Some("identity") => {
                let why = "an identity object says who somebody is; name victims and sources in words that fit many, or not at all";
                return self.refuse(index, "identity", why);
            }
            Some("marking-definition" | "extension-definition" | "bundle") => {
                let why = "definitions bear their maker's name, and a bundle is taken apart first: send the objects alone";
                return self.refuse(index, "definition", why);
            }
            _ => {}
        }
        if object.get("object_marking_refs").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            let why = "mark it: what bears no marking would be shown to nobody";
            return self.refuse(index, "unmarked", why);
        }
        for name in NAMING {
            if object.remove(name).is_some() {
                let why = format!("`{name}` names the maker; it is left out (optional, STIX 2.1 §3.2)");
                self.change(index, "creator-removed", &why);
            }
        }
        let versioned = is_versioned(&Value::Object(object.clone()));
        if versioned {
            for property in ["created", "modified"] {
                object.insert(property.to_owned(), Value::String(now.to_owned()));
            }
            self.change(index, "new-id", "who leaves something out mints a new identifier (STIX 2.1 §3.5), and the old one could be compared with what you share elsewhere");
            self.change(index, "new-times", "the times at which you worked on it could be compared too");
        }
        let mut object = Value::Object(object);
        rename(&mut object, renamed);
        let text = object.to_string().to_lowercase();
        if let Some(name) =
            names.iter().find(|name| name.chars().count() >= NAME_CHARS_MIN && text.contains(&quoted(name)))
        {
            let why = format!("it names you: `{name}` stands in it; take it out");
            return self.refuse(index, "names-you", &why);
        }
        self.objects.push(object);
    }

    fn change(&mut self, index: u64, code: &str, message: &str) {
        self.changed.push(AnonymousChange { index, code: code.to_owned(), message: message.to_owned() });
    }

    pub(crate) fn refuse(&mut self, index: u64, code: &str, message: &str) {
        self.refused.push(AnonymousChange { index, code: code.to_owned(), message: message.to_owned() });
    }
}

/// A name as it would stand in JSON.
fn quoted(name: &str) -> String {
    let quoted = Value::String(name.to_lowercase()).to_string();
    quoted.trim_matches('"').to_owned()
}

/// Objects with versions have identifiers that were drawn.
fn is_versioned(object: &Value) -> bool {
    object.get("modified").is_some() || object.get("created").is_some()
}

/// Gives every identifier that is known its new form, wherever it stands.
fn rename(value: &mut Value, renamed: &HashMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = renamed.get(text.as_str()) {
                text.clone_from(new);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, renamed)),
        Value::Object(properties) => rename_all(properties, renamed),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn rename_all(properties: &mut Map<String, Value>, renamed: &HashMap<String, String>) {
    properties.values_mut().for_each(|value| rename(value, renamed));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const AMBER: &str = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";

    fn check(object: Value, refused: &[&str], changed: &[&str]) -> Vec<Value> {
        let names = ["Kita Power".to_owned(), "北電力".to_owned(), "kp".to_owned()];
        let mut number = 0;
        let fresh = || {
            number += 1;
            uuid::Uuid::from_u128(number)
        };
        let withheld = prepare(vec![object], &names, "2026-11-23T05:00:00.000Z", fresh);
        let codes = |list: &[AnonymousChange]| list.iter().map(|one| one.code.clone()).collect::<Vec<_>>();
        assert_eq!(codes(&withheld.refused), refused);
        assert_eq!(codes(&withheld.changed), changed);
        withheld.objects
    }

    fn campaign(changes: &Value) -> Value {
        let mut object = json!({ "type": "campaign", "id": "campaign--6f2b2c1a-6a3c-4e0f-9f0e-2f7f1f6c9a11", "name": "c",
            "spec_version": "2.1", "created": "2026-11-22T23:11:12.123Z", "modified": "2026-11-22T23:11:12.123Z",
            "object_marking_refs": [AMBER] });
        for (name, value) in changes.as_object().unwrap() {
            object[name] = value.clone();
        }
        object
    }

    #[test]
    fn what_names_its_maker_goes_and_the_rest_stays() {
        let new = ["new-id", "new-times"];
        let kept = check(campaign(&json!({})), &[], &new);
        assert_eq!(kept[0]["id"], "campaign--00000000-0000-0000-0000-000000000001");
        assert_eq!(kept[0]["modified"], "2026-11-23T05:00:00.000Z");
        let maker = json!({ "created_by_ref": "identity--6f2b2c1a-6a3c-4e0f-9f0e-2f7f1f6c9a12" });
        let kept = check(campaign(&maker), &[], &["creator-removed", "new-id", "new-times"]);
        assert_eq!(kept[0].get("created_by_ref"), None);
        check(campaign(&json!({ "description": "kp is short" })), &[], &new);
        check(campaign(&json!({ "description": "seen at KITA POWER" })), &["names-you"], &new);
        check(campaign(&json!({ "x_note": { "at": ["北電力の網"] } })), &["names-you"], &new);
        check(campaign(&json!({ "object_marking_refs": [] })), &["unmarked"], &[]);
        check(
            json!({ "type": "identity", "id": "identity--6f2b2c1a-6a3c-4e0f-9f0e-2f7f1f6c9a12" }),
            &["identity"],
            &[],
        );
        check(json!("text"), &["not-an-object"], &[]);
    }

    #[test]
    fn relations_between_the_objects_of_a_report_hold() {
        let one = campaign(&json!({}));
        let two = json!({ "type": "relationship", "id": "relationship--6f2b2c1a-6a3c-4e0f-9f0e-2f7f1f6c9a13", "spec_version": "2.1",
            "created": "2026-11-22T23:11:12.123Z", "modified": "2026-11-22T23:11:12.123Z", "relationship_type": "uses",
            "source_ref": one["id"], "target_ref": "tool--6f2b2c1a-6a3c-4e0f-9f0e-2f7f1f6c9a14", "object_marking_refs": [AMBER] });
        let mut number = 0;
        let fresh = || {
            number += 1;
            uuid::Uuid::from_u128(number)
        };
        let withheld = prepare(vec![one, two], &[], "2026-11-23T05:00:00.000Z", fresh);
        assert_eq!(withheld.objects[1]["source_ref"], withheld.objects[0]["id"]);
        assert_eq!(withheld.objects[1]["target_ref"], "tool--6f2b2c1a-6a3c-4e0f-9f0e-2f7f1f6c9a14");
    }
}
