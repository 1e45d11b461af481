//! The deprecated container of observables within `observed-data` (STIX 2.1 §2.13, §4.14.1): objects without identifiers, which
//! refer to each other by their keys.

use serde_json::{Map, Value};

use super::engine::{Walk, definition, shortened};
use super::model::{Class, Target, TypeDefinition};

/// Judges what a container holds.
pub(super) fn objects(walk: &mut Walk<'_>, container: &Map<String, Value>) {
    for (key, object) in container {
        walk.at("objects", |walk| {
            walk.at(key, |walk| match object.as_object() {
                Some(map) => within(walk, map),
                None => walk.error("wrong-type", "2.13", "the value is not an observable".to_owned()),
            });
        });
    }
}

fn within(walk: &mut Walk<'_>, map: &Map<String, Value>) {
    let Some(object_type) = map.get("type").and_then(Value::as_str) else {
        let message = "`type` is required and missing".to_owned();
        return walk.at("type", |walk| walk.error("missing-property", "2.13", message));
    };
    match definition(object_type) {
        Some(TypeDefinition { class: Class::Observable, record, extensions, .. }) => {
            walk.part(record, extensions, map);
        }
        Some(_) => {
            let message = format!("`{object_type}` is no observable");
            walk.at("type", |walk| walk.warn("wrong-type", "2.13", message));
        }
        None => map.iter().for_each(|(name, value)| walk.at(name, |walk| walk.free(value))),
    }
}

/// Judges a reference within a container: the key of another object of it, of a type that fits.
pub(super) fn reference(
    walk: &mut Walk<'_>,
    container: &Map<String, Value>,
    text: &str,
    target: &Target,
    section: &'static str,
) {
    let Some(object) = container.get(text) else {
        let message = format!("`{}` is the key of no object in the same container", shortened(text));
        return walk.error("dangling-reference", "2.13", message);
    };
    let named = object.get("type").and_then(Value::as_str).unwrap_or_default();
    if let Target::Only(types) = target
        && !types.contains(&named)
    {
        let message = format!(
            "the reference leads to `{}`, it must lead to `{}`",
            shortened(named),
            types.join("` or `")
        );
        walk.error("reference-target", section, message);
    }
}
