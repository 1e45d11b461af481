//! Sightings.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Frame, Making, extend, put_list, stamp};
use crate::lenient::{Fields, number, text, time, uuid};
use crate::marking::Markings;
use crate::projection::Kind;

impl Making {
    /// The attribute without the sightings that become objects: all of them, or none.
    pub(super) fn without_sightings(&self, fields: &Fields) -> Fields {
        let mut original = fields.clone();
        if self.convertible(fields) {
            original.shift_remove("Sighting");
        }
        original
    }

    fn convertible(&self, fields: &Fields) -> bool {
        let Some(Value::Array(sightings)) = fields.get("Sighting") else { return false };
        !sightings.is_empty()
            && sightings.iter().all(|sighting| {
                sighting.as_object().is_some_and(|sighting| {
                    uuid(sighting, "uuid").is_some_and(|uuid| !self.ids.contains(&uuid.to_string()))
                        && matches!(number(sighting, "type"), None | Some(0 | 1))
                        && time(sighting, "date_sighting").is_some()
                })
            })
            && distinct(sightings)
    }

    pub(super) fn sightings(
        &mut self,
        fields: &Fields,
        attribute: Uuid,
        parent: &str,
        markings: &Markings,
        frame: &mut Frame,
    ) {
        if !self.convertible(fields) {
            return;
        }
        let Some(Value::Array(sightings)) = fields.get("Sighting") else { return };
        for sighting in sightings.iter().filter_map(Value::as_object) {
            let mut element = self.element(Kind::Sighting, sighting, frame);
            // Who saw something is told to those who may see what was seen.
            let inherited =
                markings.refs.iter().filter(|marking| !element.markings.refs.contains(marking)).cloned();
            let inherited: Vec<String> = inherited.collect();
            element.inherited.extend(inherited.iter().cloned());
            element.markings.refs.extend(inherited);
            element.markings.is_closed |= markings.is_closed;
            let seen = time(sighting, "date_sighting").unwrap_or(frame.modified);
            element.modified = seen;
            let is_false_positive = number(sighting, "type") == Some(1);
            let mut object =
                self.draft(if is_false_positive { "opinion" } else { "sighting" }, &element, frame);
            object.insert("created".to_owned(), json!(stamp(seen)));
            object.shift_remove("created_by_ref");
            let organisation = sighting.get("Organisation").and_then(Value::as_object);
            let organisation = organisation.and_then(|organisation| uuid(organisation, "uuid"));
            let seer: Vec<String> = organisation.iter().map(|uuid| format!("identity--{uuid}")).collect();
            if is_false_positive {
                object.insert("opinion".to_owned(), json!("strongly-disagree"));
                object.insert("object_refs".to_owned(), json!([parent]));
                object.insert("explanation".to_owned(), json!("False positive (MISP sighting)"));
            } else {
                object.insert("sighting_of_ref".to_owned(), json!(parent));
                object.insert("first_seen".to_owned(), json!(stamp(seen)));
                object.insert("count".to_owned(), json!(1));
                put_list(&mut object, "where_sighted_refs", &seer);
            }
            if let Some(source) = text(sighting, "source").filter(|_| !is_false_positive) {
                object.insert("description".to_owned(), json!(source));
            }
            extend(&mut object, "attribute_uuid", json!(attribute.to_string()));
            if self.place(object, &element, sighting, frame).is_none() {
                *self.report().lost.entry("sighting".to_owned()).or_default() += 1;
            }
        }
    }
}

fn distinct(sightings: &[Value]) -> bool {
    let mut uuids: Vec<&str> =
        sightings.iter().filter_map(|sighting| sighting.get("uuid").and_then(Value::as_str)).collect();
    let count = uuids.len();
    uuids.sort_unstable();
    uuids.dedup();
    uuids.len() == count
}
