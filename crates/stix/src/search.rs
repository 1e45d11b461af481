//! The words of an object that a person would search for.

use serde_json::{Map, Value};

/// Properties whose text people read, of any type of object, at any depth.
const READ_BY_PEOPLE: [&str; 52] = [
    "abstract",
    "account_login",
    "administrative_area",
    "aliases",
    "authors",
    "body",
    "city",
    "command_line",
    "contact_information",
    "content",
    "context",
    "country",
    "cpe",
    "cwd",
    "definition",
    "description",
    "display_name",
    "explanation",
    "external_id",
    "goals",
    "implementation_languages",
    "infrastructure_types",
    "issuer",
    "key",
    "kill_chain_name",
    "labels",
    "malware_types",
    "name",
    "number",
    "objective",
    "opinion",
    "path",
    "phase_name",
    "primary_motivation",
    "product",
    "region",
    "relationship_type",
    "result_name",
    "roles",
    "schema",
    "sectors",
    "source_name",
    "statement",
    "street_address",
    "subject",
    "threat_actor_types",
    "title",
    "tool_types",
    "url",
    "value",
    "vendor",
    "x509_v3_extensions",
];

/// Properties of machines inside of extensions and custom properties.
fn is_mechanical(key: &str) -> bool {
    key.ends_with("_ref")
        || key.ends_with("_refs")
        || matches!(key, "extension_type" | "id" | "type" | "spec_version")
}

/// The texts, in the order of the object's properties.
pub(crate) fn texts<'a>(object_type: &str, properties: &'a Map<String, Value>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (key, value) in properties {
        // Translations, extensions and custom properties have names of their producers' making: all their text counts.
        let all = key == "extensions"
            || key.starts_with("x_")
            || (key == "contents" && object_type == "language-content");
        visit(key, value, all, &mut found);
    }
    found
}

fn visit<'a>(key: &str, value: &'a Value, all: bool, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => {
            let wanted = if all { !is_mechanical(key) } else { READ_BY_PEOPLE.binary_search(&key).is_ok() };
            if wanted && !text.trim().is_empty() {
                found.push(text);
            }
        }
        Value::Array(list) => list.iter().for_each(|item| visit(key, item, all, found)),
        Value::Object(map) => map.iter().for_each(|(key, value)| visit(key, value, all, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::READ_BY_PEOPLE;

    #[test]
    fn the_list_is_sorted_for_binary_search() {
        assert!(READ_BY_PEOPLE.is_sorted());
    }
}
