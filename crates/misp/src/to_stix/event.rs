//! Events.

use serde_json::{Value, json};

use super::{Element, Frame, Making, extend, put_list, stamp};
use crate::document::Event;
use crate::extension::derived;
use crate::from_stix::kept;
use crate::lenient::{Fields, list, text, time, uuid};
use crate::marking::Markings;
use crate::projection::Kind;

/// Lists of an event whose members become objects of their own.
const CHILDREN: [&str; 3] = ["Attribute", "Object", "EventReport"];

impl Making {
    pub(super) fn event(&mut self, event: &Event) {
        self.report().events += 1;
        let restored = kept::objects(&event.0);
        let mut frame = self.frame(&event.0);
        if restored.is_empty() {
            self.define_markings(&frame.markings.clone(), &event.0);
            self.identity(&event.0, &frame);
        }
        let mut rest = event.0.clone();
        let (attributes, objects) = (take_list(&mut rest, "Attribute"), take_list(&mut rest, "Object"));
        let reports = take_list(&mut rest, "EventReport");
        self.foresee(&attributes, &objects, &mut frame);
        let skipped = self.restore(&event.0, &restored, &mut frame);
        let keep = |fields: &&Fields| uuid(fields, "uuid").is_none_or(|uuid| !skipped.contains(&uuid));
        for attribute in attributes.iter().filter_map(Value::as_object).filter(keep) {
            self.attribute(attribute, &mut frame);
        }
        for object in objects.iter().filter_map(Value::as_object).filter(keep) {
            self.object(object, &mut frame);
        }
        for object in objects.iter().filter_map(Value::as_object).filter(keep) {
            self.references(object, &mut frame);
        }
        for report in reports.iter().filter_map(Value::as_object).filter(keep) {
            self.event_report(report, &mut frame);
        }
        // What is no dictionary is no element, and stays as it was.
        for (name, list) in [("Attribute", attributes), ("Object", objects), ("EventReport", reports)] {
            let strange: Vec<Value> = list.into_iter().filter(|item| !item.is_object()).collect();
            if !strange.is_empty() {
                rest.insert(name.to_owned(), Value::Array(strange));
            }
        }
        if restored.is_empty() {
            self.galaxies(&event.0, None, &frame.markings.clone(), &mut frame);
            self.container(&rest, &frame);
        } else {
            self.restored_container(&event.0, &restored, &frame);
        }
    }

    fn frame(&mut self, fields: &Fields) -> Frame {
        let content = || Value::Object(fields.clone()).to_string();
        let given = uuid(fields, "uuid").filter(|uuid| !self.ids.contains(&format!("report--{uuid}")));
        let event_uuid = given.unwrap_or_else(|| derived(&["event", &content()]));
        let modified = time(fields, "timestamp")
            .or_else(|| time(fields, "publish_timestamp"))
            .or_else(|| time(fields, "date"))
            .unwrap_or(self.options.now);
        let organisation = fields.get("Orgc").or_else(|| fields.get("Org")).and_then(Value::as_object);
        let mut markings = Markings::of(fields);
        if let Some(tag) = &markings.unknown_tlp {
            let message = format!("nobody knows the level `{tag}`: the event stays with its originator");
            self.report().warn("unknown-tlp", &event_uuid.to_string(), message);
        }
        let has_tlp = markings
            .refs
            .iter()
            .any(|id| stix::Id::parse(id).is_ok_and(|id| stix::marking::tlp(&id).is_some()));
        if !has_tlp && !markings.is_closed {
            match self.options.unmarked {
                Some(level) => markings.refs.push(level.id()),
                None if markings.refs.is_empty() => {
                    let message =
                        "the event bears no TLP tag: it stays with its originator until it is marked";
                    self.report().warn("not-marked", &event_uuid.to_string(), message);
                }
                None => {}
            }
        }
        Frame {
            report_id: format!("report--{event_uuid}"),
            event_uuid: event_uuid.to_string(),
            created_by: organisation
                .and_then(|organisation| uuid(organisation, "uuid"))
                .map(|uuid| format!("identity--{uuid}")),
            date: time(fields, "date").unwrap_or(modified),
            modified,
            markings,
            became: std::collections::HashMap::new(),
            listed: Vec::new(),
            clusters: std::collections::HashSet::new(),
        }
    }

    /// Notes which elements there will be, so that references find those that come later.
    fn foresee(&mut self, attributes: &[Value], objects: &[Value], frame: &mut Frame) {
        let objects = objects.iter().filter_map(Value::as_object);
        for fields in attributes.iter().filter_map(Value::as_object).chain(objects) {
            if let Some(uuid) = uuid(fields, "uuid") {
                frame.became.insert(uuid, String::new());
            }
            for attribute in list(fields, "Attribute") {
                if let Some(uuid) = uuid(attribute, "uuid") {
                    frame.became.insert(uuid, String::new());
                }
            }
        }
    }

    pub(super) fn container(&mut self, rest: &Fields, frame: &Frame) {
        let uuid = frame.event_uuid.parse().unwrap_or_default();
        let element = Element {
            kind: Kind::Event,
            fields: rest,
            uuid,
            markings: frame.markings.clone(),
            inherited: Vec::new(),
            modified: frame.modified,
        };
        let mut report = self.draft("report", &element, frame);
        report.shift_remove("description");
        report.shift_remove("revoked");
        let title = text(rest, "info").unwrap_or_else(|| "(no title)".to_owned());
        report.insert("name".to_owned(), json!(title));
        let published =
            time(rest, "publish_timestamp").filter(|time| time.as_second() > 0).unwrap_or(frame.modified);
        report.insert("published".to_owned(), json!(stamp(published)));
        let mut listed = frame.listed.clone();
        if listed.is_empty() {
            // A report lists one object at least (STIX 2.1 §4.16).
            listed.push(frame.created_by.clone().unwrap_or_else(|| crate::MISP_EXTENSION.to_owned()));
        }
        put_list(&mut report, "object_refs", &listed);
        if self.finish(report, &element, rest).is_none() {
            self.report().warn(
                "event-unfit",
                &frame.event_uuid,
                "the event could not be written as a STIX report",
            );
            *self.report().lost.entry("event".to_owned()).or_default() += 1;
        }
    }

    /// The organisation that wrote the event. Its version never changes: what it is called belongs to whoever knows it, and the
    /// event itself keeps the name that it came with.
    fn identity(&mut self, fields: &Fields, frame: &Frame) {
        let Some(id) = &frame.created_by else { return };
        let organisation = fields.get("Orgc").or_else(|| fields.get("Org")).and_then(Value::as_object);
        let Some(name) = organisation.and_then(|organisation| text(organisation, "name")) else { return };
        if self.ids.contains(id) {
            return;
        }
        let epoch = stamp(jiff::Timestamp::UNIX_EPOCH);
        let mut identity = json!({
            "type": "identity",
            "spec_version": "2.1",
            "id": id,
            "created": epoch,
            "modified": epoch,
            "name": name,
            "identity_class": "organization",
        });
        if let Some(identity) = identity.as_object_mut() {
            if !frame.markings.is_closed {
                put_list(identity, "object_marking_refs", &frame.markings.refs);
            }
            self.take(identity.clone());
        }
    }

    fn event_report(&mut self, fields: &Fields, frame: &mut Frame) {
        let element = self.element(Kind::EventReport, fields, frame);
        let mut note = self.draft("note", &element, frame);
        note.shift_remove("description");
        if let Some(name) = text(fields, "name") {
            note.insert("abstract".to_owned(), json!(name));
        }
        let content = text(fields, "content").unwrap_or_else(|| "(empty)".to_owned());
        note.insert("content".to_owned(), json!(content));
        note.insert("object_refs".to_owned(), json!([frame.report_id]));
        self.place(note, &element, fields, frame);
    }

    /// Finishes an object of an event and lists it.
    pub(super) fn place(
        &mut self,
        mut object: serde_json::Map<String, Value>,
        element: &Element<'_>,
        original: &Fields,
        frame: &mut Frame,
    ) -> Option<String> {
        let is_listed = Self::is_listed(element, frame);
        if !is_listed {
            extend(&mut object, "event_ref", json!(frame.report_id));
        }
        let id = self.finish(object, element, original)?;
        self.define_markings(&element.markings, element.fields);
        if is_listed {
            frame.listed.push(id.clone());
        }
        Some(id)
    }
}

/// Takes a list out of an event; an empty one stays, because it is not the same as none.
fn take_list(fields: &mut Fields, name: &str) -> Vec<Value> {
    debug_assert!(CHILDREN.contains(&name));
    match fields.get_mut(name) {
        Some(Value::Array(list)) if !list.is_empty() => {
            let list = std::mem::take(list);
            fields.shift_remove(name);
            list
        }
        _ => Vec::new(),
    }
}
