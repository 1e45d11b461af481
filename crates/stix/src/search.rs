//! The words of an object that a person would search for.

use serde_json::{Map, Value};

/// Properties whose text people read, of any type of object, at any depth: shorter names first, so that most names are told apart
/// by their lengths.
const READ_BY_PEOPLE: [&str; 52] = [
    "cpe",
    "cwd",
    "key",
    "url",
    "body",
    "city",
    "name",
    "path",
    "goals",
    "roles",
    "title",
    "value",
    "issuer",
    "labels",
    "number",
    "region",
    "schema",
    "vendor",
    "aliases",
    "authors",
    "content",
    "context",
    "country",
    "opinion",
    "product",
    "sectors",
    "subject",
    "abstract",
    "objective",
    "statement",
    "definition",
    "phase_name",
    "tool_types",
    "description",
    "explanation",
    "external_id",
    "result_name",
    "source_name",
    "command_line",
    "display_name",
    "account_login",
    "malware_types",
    "street_address",
    "kill_chain_name",
    "relationship_type",
    "primary_motivation",
    "threat_actor_types",
    "x509_v3_extensions",
    "administrative_area",
    "contact_information",
    "infrastructure_types",
    "implementation_languages",
];

fn is_read_by_people(key: &str) -> bool {
    READ_BY_PEOPLE.binary_search_by(|known| known.len().cmp(&key.len()).then_with(|| known.cmp(&key))).is_ok()
}

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
            let wanted = if all { !is_mechanical(key) } else { is_read_by_people(key) };
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
        assert!(READ_BY_PEOPLE.is_sorted_by_key(|name| (name.len(), *name)));
    }
}
