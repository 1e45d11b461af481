//! What a STIX object says about the MISP element that it was made of, in its own properties and the plain ones of the extension.
//! The one reading that both directions share: on the way out the difference from the original is taken from it, on the way
//! back that difference is put upon it.

use serde_json::{Map, Value, json};

use crate::extension::MISP_EXTENSION;
use crate::lenient::Fields;
use crate::marking;
use crate::patch::Patch;

/// What an object was in MISP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    Attribute,
    Object,
    Reference,
    Sighting,
    EventReport,
    /// A galaxy cluster, made for readers of STIX; the original stands in the element that bears it.
    Cluster,
    /// The tie of an element to a cluster, likewise.
    Link,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Event,
        Self::Attribute,
        Self::Object,
        Self::Reference,
        Self::Sighting,
        Self::EventReport,
        Self::Cluster,
        Self::Link,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Attribute => "attribute",
            Self::Object => "object",
            Self::Reference => "reference",
            Self::Sighting => "sighting",
            Self::EventReport => "event-report",
            Self::Cluster => "cluster",
            Self::Link => "link",
        }
    }
}

/// What an object that was made of MISP was there, for readers outside of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementKind {
    /// An event: the report.
    Event,
    /// An attribute, object or event report.
    Part,
    /// Something said of a part: a reference, a sighting.
    Remark,
    /// What only shows what another object holds in full.
    Shown,
}

/// What an object was in MISP, and the report that it points to where that may not list it. `None` for what never was MISP.
#[must_use]
pub fn element(object: &stix::Object) -> Option<(ElementKind, Option<&str>)> {
    let (kind, extension) = extension(object.properties())?;
    let kind = match kind {
        Kind::Event => ElementKind::Event,
        Kind::Attribute | Kind::Object | Kind::EventReport => ElementKind::Part,
        Kind::Reference | Kind::Sighting => ElementKind::Remark,
        Kind::Cluster | Kind::Link => ElementKind::Shown,
    };
    Some((kind, extension.get("event_ref").and_then(Value::as_str)))
}

/// The extension of an object, if it has a readable one.
pub(crate) fn extension(properties: &Map<String, Value>) -> Option<(Kind, &Fields)> {
    let extension = properties.get("extensions")?.get(MISP_EXTENSION)?.as_object()?;
    let name = extension.get("kind")?.as_str()?;
    Kind::ALL.into_iter().find(|kind| kind.name() == name).map(|kind| (kind, extension))
}

/// The element as MISP had it.
pub(crate) fn restored(kind: Kind, properties: &Map<String, Value>) -> Fields {
    let mut element = Value::Object(projected(kind, properties));
    let rest =
        extension(properties).and_then(|(_, extension)| Patch::parse(extension.get("rest")?.as_str()?));
    if let Some(rest) = rest {
        rest.apply(&mut element);
    }
    match element {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

/// What the object says without the rest.
pub(crate) fn projected(kind: Kind, properties: &Map<String, Value>) -> Fields {
    let empty = Fields::new();
    let extension = extension(properties).map_or(&empty, |(_, extension)| extension);
    let mut fields = Fields::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    put("uuid", uuid_of(properties).map(Value::from));
    let text = |name: &str| properties.get(name).filter(|value| value.is_string()).cloned();
    let ours = |name: &str| extension.get(name).cloned();
    match kind {
        Kind::Event => {
            put("info", text("name"));
            put("date", text("created").and_then(|created| Some(json!(created.as_str()?.get(..10)?))));
            put("timestamp", epoch(properties, "modified"));
            put("Tag", tags(properties, extension));
            put(
                "Orgc",
                text("created_by_ref").and_then(|id| {
                    id.as_str()?.strip_prefix("identity--").map(|uuid| json!({ "uuid": uuid }))
                }),
            );
        }
        Kind::Attribute => {
            put("type", ours("misp_type"));
            put("category", ours("category"));
            put("value", ours("value").or_else(|| text("name")).or_else(|| text("content")));
            put("to_ids", Some(json!(properties.contains_key("pattern"))));
            put("comment", text("description"));
            put("timestamp", epoch(properties, "modified"));
            put("Tag", tags(properties, extension));
            put("deleted", properties.get("revoked").cloned());
        }
        Kind::Object => {
            put("name", ours("misp_type"));
            put("meta-category", ours("category"));
            put("comment", text("description"));
            put("timestamp", epoch(properties, "modified"));
            put("deleted", properties.get("revoked").cloned());
        }
        Kind::Reference => {
            put("object_uuid", end(properties, "source_ref"));
            put("referenced_uuid", end(properties, "target_ref"));
            put("relationship_type", text("relationship_type"));
            put("comment", text("description"));
            put("timestamp", epoch(properties, "modified"));
            put("deleted", properties.get("revoked").cloned());
        }
        Kind::Sighting => {
            let is_sighting = properties.contains_key("sighting_of_ref");
            put("type", Some(json!(if is_sighting { "0" } else { "1" })));
            put("attribute_uuid", ours("attribute_uuid"));
            put("date_sighting", epoch(properties, "created"));
        }
        Kind::EventReport => {
            put("name", text("abstract"));
            put("content", text("content"));
            put("timestamp", epoch(properties, "modified"));
            put("deleted", properties.get("revoked").cloned());
        }
        Kind::Cluster | Kind::Link => {}
    }
    fields
}

fn uuid_of(properties: &Map<String, Value>) -> Option<&str> {
    properties.get("id")?.as_str()?.split_once("--").map(|(_, uuid)| uuid)
}

fn end(properties: &Map<String, Value>, name: &str) -> Option<Value> {
    properties.get(name)?.as_str()?.split_once("--").map(|(_, uuid)| json!(uuid))
}

/// A timestamp as MISP writes it: seconds since 1970, as text.
fn epoch(properties: &Map<String, Value>, name: &str) -> Option<Value> {
    let moment: jiff::Timestamp = properties.get(name)?.as_str()?.parse().ok()?;
    Some(json!(moment.as_second().to_string()))
}

/// Labels, and the tags of those markings that the event does not bear.
fn tags(properties: &Map<String, Value>, extension: &Fields) -> Option<Value> {
    let texts = |map: &Map<String, Value>, name: &str| -> Vec<String> {
        let list = map.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let inherited = texts(extension, "inherited");
    let markings = texts(properties, "object_marking_refs");
    let own = markings.iter().filter(|marking| !inherited.contains(marking));
    let names =
        texts(properties, "labels").into_iter().chain(own.filter_map(|marking| marking::tag_of(marking)));
    let tags: Vec<Value> = names.map(|name| json!({ "name": name })).collect();
    (!tags.is_empty()).then_some(Value::Array(tags))
}
