//! MISP to STIX 2.1.
//!
//! | MISP | STIX |
//! |---|---|
//! | event | `report` with the event's UUID, whether it is published or not, so that publishing makes a new version and no new object |
//! | attribute for detection (`to_ids`) | `indicator`; if its type cannot be matched, or would match half of the network, as any other |
//! | other attribute | `observed-data` with its observables; `vulnerability`, `campaign` or `threat-actor` where it names one; else `note` |
//! | object | `indicator`, `observed-data`, `vulnerability`, `attack-pattern`, `course-of-action`; else `note` |
//! | reference | `relationship` |
//! | sighting | `sighting`; of type 1 (false positive) `opinion` |
//! | event report | `note` |
//! | galaxy cluster | object of its kind, and a `relationship` to it |
//! | organisation | `identity` |
//! | tags, distribution | markings ([`marking`](crate::marking)) and `labels` |
//!
//! An element bears the markings of its event and its own: of several, the strictest holds. A report lists what is marked like
//! itself; what is marked more strictly points to the report instead, so that the report does not tell of it.

mod attribute;
mod event;
mod galaxy;
mod object;
mod restore;
mod sighting;

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stix::marking::Tlp;
use stix::validate::Severity;
use uuid::Uuid;

use crate::document::Event;
use crate::extension::{MISP_EXTENSION, derived, extension_definition};
use crate::lenient::{Fields, list, text, time, truth, uuid};
use crate::marking::{self, Markings};
use crate::patch::Patch;
use crate::projection::{self, Kind};
use crate::report::Report;

/// Choices of a conversion.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The time of what bears none.
    pub now: Timestamp,
    /// The level of events that bear no TLP tag and may leave their organisation. Without it they stay unmarked, and what is
    /// unmarked stays with whoever brings it.
    pub unmarked: Option<Tlp>,
}

impl Options {
    /// Nothing is assumed.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now, unmarked: None }
    }
}

/// STIX objects, and the account of how they were made.
#[derive(Debug, Clone, Default)]
pub struct MadeObjects {
    /// The objects, each as its JSON text, without repetitions. Definitions of markings and of the extension come first.
    pub objects: Vec<Bytes>,
    /// The account.
    pub report: Report,
}

/// Converts events.
#[must_use]
pub fn to_stix(events: &[Event], options: &Options) -> MadeObjects {
    let mut making = Making { options: *options, made: MadeObjects::default(), ids: HashSet::new() };
    making.push_value(&extension_definition());
    for event in events {
        making.event(event);
    }
    making.made
}

/// A conversion under way.
struct Making {
    options: Options,
    made: MadeObjects,
    /// Every identifier given out, so that none is given out twice.
    ids: HashSet<String>,
}

/// What the elements of one event have in common.
struct Frame {
    report_id: String,
    event_uuid: String,
    created_by: Option<String>,
    /// Midnight of the event's date: nothing is created earlier, and editing does not move it.
    date: Timestamp,
    modified: Timestamp,
    markings: Markings,
    /// UUIDs of the event's attributes and objects, with the identifiers of what they became.
    became: HashMap<Uuid, String>,
    /// What the report lists.
    listed: Vec<String>,
    /// Those of it that are clusters, which several elements bear.
    clusters: HashSet<String>,
}

/// An element on its way to be an object.
struct Element<'a> {
    kind: Kind,
    fields: &'a Fields,
    uuid: Uuid,
    markings: Markings,
    inherited: Vec<String>,
    modified: Timestamp,
}

impl Making {
    fn report(&mut self) -> &mut Report {
        &mut self.made.report
    }

    /// The UUID of an element, or one that follows from its content where it has none or one that is taken.
    fn uuid_for(&mut self, fields: &Fields, frame: &Frame, kind: Kind) -> Uuid {
        let given = uuid(fields, "uuid").filter(|uuid| !self.ids.contains(&uuid.to_string()));
        let mut chosen = given;
        let mut round = 0_u32;
        while chosen.is_none() {
            let content = Value::Object(fields.clone()).to_string();
            let next = derived(&[&frame.event_uuid, kind.name(), &content, &round.to_string()]);
            chosen = Some(next).filter(|uuid| !self.ids.contains(&uuid.to_string()));
            round += 1;
        }
        let chosen = chosen.unwrap_or_default();
        if given.is_none() && fields.contains_key("uuid") {
            let message = "its UUID is none, or stands twice; another one was derived from its content";
            self.report().warn("uuid", &chosen.to_string(), message);
        }
        self.ids.insert(chosen.to_string());
        chosen
    }

    fn element<'a>(&mut self, kind: Kind, fields: &'a Fields, frame: &Frame) -> Element<'a> {
        let uuid = self.uuid_for(fields, frame, kind);
        let own = Markings::of(fields);
        if let Some(tag) = &own.unknown_tlp {
            self.report().warn(
                "unknown-tlp",
                &uuid.to_string(),
                format!("nobody knows the level `{tag}`: it stays with its originator"),
            );
        }
        let mut markings = Markings { is_closed: own.is_closed || frame.markings.is_closed, ..own };
        let mut inherited = Vec::new();
        for marking in &frame.markings.refs {
            if !markings.refs.contains(marking) {
                inherited.push(marking.clone());
                markings.refs.push(marking.clone());
            }
        }
        let modified = time(fields, "timestamp").unwrap_or(frame.modified);
        Element { kind, fields, uuid, markings, inherited, modified }
    }

    /// The properties that every object made of an element has.
    fn draft(&self, object_type: &str, element: &Element<'_>, frame: &Frame) -> Map<String, Value> {
        let mut draft = self.bare(object_type, element.uuid, element.modified, frame);
        if let Some(comment) = text(element.fields, "comment") {
            draft.insert("description".to_owned(), json!(comment));
        }
        if truth(element.fields, "deleted") == Some(true) {
            draft.insert("revoked".to_owned(), json!(true));
        }
        if !element.markings.labels.is_empty() {
            draft.insert("labels".to_owned(), json!(element.markings.labels));
        }
        if let Some(confidence) = confidence(&element.markings.labels) {
            draft.insert("confidence".to_owned(), json!(confidence));
        }
        let mut extension = Fields::new();
        extension.insert("extension_type".to_owned(), json!("property-extension"));
        extension.insert("kind".to_owned(), json!(element.kind.name()));
        if !element.markings.is_closed {
            put_list(&mut draft, "object_marking_refs", &element.markings.refs);
            put_list(&mut extension, "inherited", &element.inherited);
        }
        draft.insert("extensions".to_owned(), json!({ MISP_EXTENSION: extension }));
        draft
    }

    fn bare(&self, object_type: &str, uuid: Uuid, modified: Timestamp, frame: &Frame) -> Map<String, Value> {
        let mut draft = Map::new();
        draft.insert("type".to_owned(), json!(object_type));
        draft.insert("spec_version".to_owned(), json!("2.1"));
        draft.insert("id".to_owned(), json!(format!("{object_type}--{uuid}")));
        if let Some(creator) = &frame.created_by {
            draft.insert("created_by_ref".to_owned(), json!(creator));
        }
        draft.insert("created".to_owned(), json!(stamp(frame.date.min(modified))));
        draft.insert("modified".to_owned(), json!(stamp(modified)));
        draft
    }

    /// Completes an object with the difference from its original, and takes it if it is valid STIX.
    fn finish(
        &mut self,
        mut object: Map<String, Value>,
        element: &Element<'_>,
        original: &Fields,
    ) -> Option<String> {
        let kind = element.kind;
        let projected = projection::projected(kind, &object);
        let original = aligned(&projected, original);
        let rest = Patch::between(&Value::Object(projected), &Value::Object(original));
        if let Some(rest) = &rest {
            extend(&mut object, "rest", json!(rest.to_text()));
        }
        let id = self.take(object)?;
        if let Some(rest) = rest {
            rest.count(kind.name(), &mut self.report().kept_in_extension);
        }
        Some(id)
    }

    /// Keeps an object if it is valid; its identifier.
    fn take(&mut self, object: Map<String, Value>) -> Option<String> {
        let bytes = Bytes::from(Value::Object(object).to_string());
        let parsed = stix::Object::parse(bytes).ok()?;
        if stix::validate::validate(&parsed).iter().any(|finding| finding.severity == Severity::Error) {
            return None;
        }
        let id = parsed.id().to_string();
        self.report().made(parsed.object_type());
        self.made.objects.push(parsed.bytes().clone());
        self.ids.insert(id.clone());
        Some(id)
    }

    fn push_value(&mut self, object: &Value) {
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if self.ids.insert(id) {
            self.made.objects.push(Bytes::from(object.to_string()));
        }
    }

    /// Lists an object in the report, or has it point to the report where it is marked more strictly.
    fn is_listed(element: &Element<'_>, frame: &Frame) -> bool {
        frame.markings.is_closed
            || (!element.markings.is_closed
                && element.markings.refs.iter().all(|marking| frame.markings.refs.contains(marking)))
    }

    /// The definitions of the markings that an element bears.
    fn define_markings(&mut self, markings: &Markings, fields: &Fields) {
        if markings.is_closed {
            return;
        }
        for marking in &markings.refs {
            if let Some(definition) = marking::definition(marking)
                && self.ids.insert(marking.clone())
            {
                self.made.objects.push(Bytes::from(definition));
            }
        }
        if let Some(group) =
            marking::sharing_group(fields).filter(|group| markings.refs.contains(&marking::group_id(*group)))
        {
            self.push_value(&marking::group_definition(group));
        }
    }
}

/// A moment as STIX writes it, to the millisecond.
fn stamp(moment: Timestamp) -> String {
    stix::Timestamp::from_instant(moment).as_str().to_owned()
}

fn put_list(map: &mut Map<String, Value>, name: &str, list: &[String]) {
    if !list.is_empty() {
        map.insert(name.to_owned(), json!(list));
    }
}

/// Puts a property into our extension of an object.
fn extend(object: &mut Map<String, Value>, name: &str, value: Value) {
    let extension = object
        .get_mut("extensions")
        .and_then(|extensions| extensions.get_mut(MISP_EXTENSION))
        .and_then(Value::as_object_mut);
    if let Some(extension) = extension {
        extension.insert(name.to_owned(), value);
    }
}

/// The original with its tags in the order in which they will be read back: their order means nothing, and the difference
/// becomes small.
fn aligned(projected: &Fields, original: &Fields) -> Fields {
    let mut original = original.clone();
    let order: Vec<String> = list(projected, "Tag").filter_map(|tag| text(tag, "name")).collect();
    if let Some(Value::Array(tags)) = original.get_mut("Tag") {
        tags.sort_by_key(|tag| {
            let name = tag.as_object().and_then(|tag| text(tag, "name"));
            name.and_then(|name| order.iter().position(|known| *known == name)).unwrap_or(usize::MAX)
        });
    }
    original
}

/// The confidence that tags speak of, on the scale of STIX (Appendix A): MISP's own, the admiralty code's credibility.
fn confidence(labels: &[String]) -> Option<u8> {
    const SCALES: [(&str, u8); 10] = [
        ("misp:confidence-level=\"completely-confident\"", 100),
        ("misp:confidence-level=\"usually-confident\"", 75),
        ("misp:confidence-level=\"fairly-confident\"", 50),
        ("misp:confidence-level=\"rarely-confident\"", 25),
        ("misp:confidence-level=\"unconfident\"", 0),
        ("admiralty-scale:information-credibility=\"1\"", 90),
        ("admiralty-scale:information-credibility=\"2\"", 70),
        ("admiralty-scale:information-credibility=\"3\"", 50),
        ("admiralty-scale:information-credibility=\"4\"", 30),
        ("admiralty-scale:information-credibility=\"5\"", 10),
    ];
    SCALES
        .into_iter()
        .find_map(|(tag, confidence)| labels.iter().any(|label| label == tag).then_some(confidence))
}
