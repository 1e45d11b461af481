//! STIX objects kept whole in MISP: an object named `stix2-object` for each, with the JSON text exactly as its producer wrote it.

use bytes::Bytes;
use serde_json::{Value, json};
use stix::Object;
use uuid::Uuid;

use crate::extension::derived;
use crate::lenient::{Fields, list, text};

/// The name of the MISP object.
pub(crate) const NAME: &str = "stix2-object";

/// STIX objects that one event may bring back.
const OBJECTS_MAX: usize = 250_000;

pub(crate) fn keep(object: &Object) -> Fields {
    let id = object.id().as_str();
    let version = object.version().map(stix::Timestamp::as_str).unwrap_or_default();
    let uuid = derived(&["stix2-object", id, version]);
    let moment =
        object.version().and_then(stix::Timestamp::instant).unwrap_or_default().as_second().to_string();
    let attribute = |relation: &str, value: &str| {
        json!({
            "uuid": derived(&[&uuid.to_string(), relation]).to_string(),
            "type": "text",
            "category": "Other",
            "object_relation": relation,
            "value": value,
            "to_ids": false,
            "disable_correlation": true,
            "timestamp": moment,
        })
    };
    let whole = String::from_utf8_lossy(object.bytes());
    let fields = json!({
        "uuid": uuid.to_string(),
        "name": NAME,
        "meta-category": "misc",
        "description": "A STIX object as its producer wrote it, so that it can leave again unchanged",
        "template_uuid": derived(&["stix2-object-template"]).to_string(),
        "template_version": "1",
        "timestamp": moment,
        "Attribute": [attribute("id", id), attribute("object", &whole)],
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

/// The STIX objects that an event keeps.
pub(crate) fn objects(event: &Fields) -> Vec<Object> {
    let keepers = list(event, "Object").filter(|object| text(object, "name").as_deref() == Some(NAME));
    keepers.filter_map(object).take(OBJECTS_MAX).collect()
}

/// The STIX object that a MISP object keeps.
pub(crate) fn object(fields: &Fields) -> Option<Object> {
    let mut attributes = list(fields, "Attribute");
    let whole =
        attributes.find(|attribute| text(attribute, "object_relation").as_deref() == Some("object"))?;
    let object = Object::parse(Bytes::from(text(whole, "value")?)).ok()?;
    // Our own extension is read where it was made, never from a copy that somebody could have written.
    crate::projection::extension(object.properties()).is_none().then_some(object)
}

/// The UUID of the event for objects that belong to none.
pub(crate) fn uuid_of_set(ids: &[&str]) -> Uuid {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    derived(&["no-report", &ids.join("\n")])
}
