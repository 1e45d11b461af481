//! A sighting that is added by itself, and not as a part of its event.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stix::Object;
use uuid::Uuid;

use crate::extension::MISP_EXTENSION;
use crate::patch::Patch;
use crate::projection::{self, Kind};

/// That somebody saw what an attribute or object describes, or calls it a false positive.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The sighting's UUID.
    pub uuid: Uuid,
    /// When.
    pub at: Timestamp,
    /// Whether it is called a false positive.
    pub is_false_positive: bool,
    /// By what, e.g. the name of a sensor.
    pub source: Option<String>,
    /// The UUID of the organisation that saw it.
    pub organisation: Option<String>,
    /// What that organisation is called.
    pub organisation_name: String,
}

impl Seen {
    /// The STIX object that says it of another one, under the other's markings. `report` is the event's, which cannot list what
    /// somebody else adds.
    #[must_use]
    pub fn of(&self, parent: &Object, report: Option<&str>) -> Bytes {
        let at = stix::Timestamp::from_instant(self.at);
        let at = at.as_str();
        let object_type = if self.is_false_positive { "opinion" } else { "sighting" };
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        put("type", json!(object_type));
        put("spec_version", json!("2.1"));
        put("id", json!(format!("{object_type}--{}", self.uuid)));
        let seer = self.organisation.as_ref().map(|uuid| format!("identity--{uuid}"));
        if let Some(seer) = &seer {
            put("created_by_ref", json!(seer));
        }
        put("created", json!(at));
        put("modified", json!(at));
        if self.is_false_positive {
            put("opinion", json!("strongly-disagree"));
            put("explanation", json!("False positive (MISP sighting)"));
            put("object_refs", json!([parent.id()]));
        } else {
            put("sighting_of_ref", json!(parent.id()));
            put("first_seen", json!(at));
            put("count", json!(1));
            if let Some(seer) = &seer {
                put("where_sighted_refs", json!([seer]));
            }
        }
        let markings = stix::marking::marking_refs(parent);
        if !markings.is_empty() {
            put("object_marking_refs", json!(markings));
        }
        let mut extension = json!({
            "extension_type": "property-extension",
            "kind": Kind::Sighting.name(),
            "inherited": markings,
            "attribute_uuid": parent.id().as_str().split_once("--").map(|(_, uuid)| uuid),
        });
        if let (Some(extension), true) = (extension.as_object_mut(), markings.is_empty()) {
            extension.shift_remove("inherited");
        }
        if let (Some(extension), Some(report)) = (extension.as_object_mut(), report) {
            extension.insert("event_ref".to_owned(), json!(report));
        }
        put("extensions", json!({ MISP_EXTENSION: extension }));
        let projected = projection::projected(Kind::Sighting, &object);
        let mut whole = projected.clone();
        whole.insert("source".to_owned(), json!(self.source.clone().unwrap_or_default()));
        whole.insert(
            "Organisation".to_owned(),
            json!({ "uuid": self.organisation, "name": self.organisation_name }),
        );
        let rest =
            Patch::between(&Value::Object(projected), &Value::Object(whole)).map(|rest| rest.to_text());
        let ours = object
            .get_mut("extensions")
            .and_then(|all| all.get_mut(MISP_EXTENSION))
            .and_then(Value::as_object_mut);
        if let (Some(ours), Some(rest)) = (ours, rest) {
            ours.insert("rest".to_owned(), json!(rest));
        }
        Bytes::from(Value::Object(object).to_string())
    }
}
