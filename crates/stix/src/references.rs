//! Which other objects an object names.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::Id;

/// Adds every `*_ref` and `*_refs` of the dictionary, and of what lies in it. `path` is where the dictionary stands; it is
/// given back as it was.
pub(crate) fn collect(map: &Map<String, Value>, path: &mut String, found: &mut Vec<(String, Id)>) {
    for (key, value) in map {
        let length = path.len();
        if length > 0 {
            path.push('.');
        }
        path.push_str(key);
        if key.ends_with("_ref") || key.ends_with("_refs") {
            collect_named(value, path, found);
        } else {
            collect_nested(value, path, found);
        }
        path.truncate(length);
    }
}

fn collect_named(value: &Value, path: &mut String, found: &mut Vec<(String, Id)>) {
    match value {
        Value::String(text) => found.extend(Id::parse(text).ok().map(|id| (path.clone(), id))),
        _ => each_member(value, path, found, collect_named),
    }
}

fn collect_nested(value: &Value, path: &mut String, found: &mut Vec<(String, Id)>) {
    each_member(value, path, found, collect_nested);
}

fn each_member(
    value: &Value,
    path: &mut String,
    found: &mut Vec<(String, Id)>,
    visit: fn(&Value, &mut String, &mut Vec<(String, Id)>),
) {
    match value {
        Value::Object(map) => collect(map, path, found),
        Value::Array(list) => {
            let length = path.len();
            for (index, item) in list.iter().enumerate() {
                if matches!(item, Value::String(_) | Value::Object(_) | Value::Array(_)) {
                    // Writing into a string cannot fail.
                    let _ = write!(path, "[{index}]");
                    visit(item, path, found);
                    path.truncate(length);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
