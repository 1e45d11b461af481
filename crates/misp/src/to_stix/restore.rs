//! Events that came from STIX: the objects that they keep leave as they came, and only what was added or changed in MISP is
//! converted.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use stix::Object;
use uuid::Uuid;

use super::{Frame, Making, stamp};
use crate::from_stix::foreign::{self, Shown};
use crate::from_stix::kept;
use crate::lenient::{Fields, list, text, truth, uuid};

impl Making {
    /// Takes the kept objects out of an event; the UUIDs of the elements that need no conversion.
    pub(super) fn restore(
        &mut self,
        event: &Fields,
        restored: &[Object],
        frame: &mut Frame,
    ) -> HashSet<Uuid> {
        let mut done = HashSet::new();
        if restored.is_empty() {
            return done;
        }
        for keeper in
            list(event, "Object").filter(|object| text(object, "name").as_deref() == Some(kept::NAME))
        {
            if kept::object(keeper).is_some() {
                done.extend(uuid(keeper, "uuid"));
            }
        }
        let all: Vec<&Object> = restored.iter().collect();
        let mut elements: HashMap<(&str, Uuid), &Fields> = HashMap::new();
        for name in ["Attribute", "Object", "EventReport"] {
            elements.extend(
                list(event, name).filter_map(|element| Some(((name, uuid(element, "uuid")?), element))),
            );
        }
        for (object, shown) in restored.iter().zip(foreign::all_projected(&all)) {
            let now = |name: &str, was: &Fields| {
                let id = uuid(was, "uuid")?;
                list(event, name)
                    .find(|element| uuid(element, "uuid") == Some(id))
                    .map(|element| (id, element))
            };
            let present = match &shown {
                Some(Shown::Attribute(was)) => {
                    now("Attribute", was).map(|(id, is)| (id, same_attribute(was, is)))
                }
                Some(Shown::Object(was)) => now("Object", was).map(|(id, is)| (id, same_object(was, is))),
                Some(Shown::EventReport(was)) => {
                    now("EventReport", was).map(|(id, is)| (id, text(was, "content") == text(is, "content")))
                }
                Some(Shown::Cluster { .. }) | None => None,
            };
            match present {
                Some((id, false)) => {
                    let message = "it was changed in MISP after it came from STIX: it leaves as a new object";
                    self.report().warn("changed", &id.to_string(), message);
                }
                Some((id, true)) => {
                    done.insert(id);
                    frame.became.insert(id, object.id().to_string());
                    self.keep_whole(object);
                }
                None => self.keep_whole(object),
            }
        }
        done
    }

    fn keep_whole(&mut self, object: &Object) {
        if !matches!(object.object_type(), "report" | "grouping") && self.ids.insert(object.id().to_string())
        {
            self.report().made(object.object_type());
            self.made.objects.push(object.bytes().clone());
        }
    }

    /// The report or grouping that the event was. Where the event has new elements, a new version that lists them, too.
    pub(super) fn restored_container(&mut self, event: &Fields, restored: &[Object], frame: &Frame) {
        let is_it = |object: &&Object| {
            matches!(object.object_type(), "report" | "grouping")
                && object
                    .id()
                    .as_str()
                    .split_once("--")
                    .is_some_and(|(_, id)| id.eq_ignore_ascii_case(&frame.event_uuid))
        };
        self.tell_of_changes(event, restored, frame);
        let mut containers =
            restored.iter().filter(|object| matches!(object.object_type(), "report" | "grouping"));
        let Some(container) = containers.find(is_it) else {
            if !frame.listed.is_empty() {
                let mut rest = event.clone();
                for name in ["Attribute", "Object", "EventReport"] {
                    rest.shift_remove(name);
                }
                self.container(&rest, frame);
            }
            return;
        };
        if !self.ids.insert(container.id().to_string()) {
            return;
        }
        self.report().made(container.object_type());
        if frame.listed.is_empty() {
            self.made.objects.push(container.bytes().clone());
            return;
        }
        let mut object = container.properties().clone();
        if let Some(Value::Array(refs)) = object.get_mut("object_refs") {
            refs.extend(frame.listed.iter().map(|id| json!(id)));
        }
        let before = container.version().and_then(stix::Timestamp::instant).unwrap_or_default();
        let after = before.checked_add(jiff::SignedDuration::from_millis(1)).unwrap_or(before);
        object.insert("modified".to_owned(), json!(stamp(frame.modified.max(after))));
        self.made.objects.push(Value::Object(object).to_string().into());
    }

    /// What was changed of the event itself has no place in the report that somebody else wrote.
    fn tell_of_changes(&mut self, event: &Fields, restored: &[Object], frame: &Frame) {
        let before = crate::to_misp(restored);
        let same = |event: &&crate::Event| {
            text(&event.0, "uuid").is_some_and(|uuid| uuid.eq_ignore_ascii_case(&frame.event_uuid))
        };
        let Some(before) = before.events.iter().find(same) else { return };
        let names = |fields: &Fields| -> HashSet<String> {
            list(fields, "Tag").filter_map(|tag| text(tag, "name")).collect()
        };
        let clusters = |fields: &Fields| -> HashSet<String> {
            let clusters = list(fields, "Galaxy").flat_map(|galaxy| list(galaxy, "GalaxyCluster"));
            clusters.filter_map(|cluster| text(cluster, "value")).collect()
        };
        let changed = [
            ("event.info", text(event, "info") != text(&before.0, "info")),
            ("event.Tag", names(event) != names(&before.0)),
            ("event.Galaxy", clusters(event) != clusters(&before.0)),
        ];
        for (field, _) in changed.into_iter().filter(|(_, changed)| *changed) {
            *self.report().lost.entry(field.to_owned()).or_default() += 1;
            let message =
                format!("`{field}` was changed in MISP; the report is its producer's and stays as it was");
            self.report().warn("producer-s-own", &frame.event_uuid, message);
        }
    }
}

fn same_attribute(was: &Fields, is: &Fields) -> bool {
    ["type", "value"].into_iter().all(|name| text(was, name) == text(is, name))
        && truth(was, "to_ids") == truth(is, "to_ids")
        && truth(was, "deleted").unwrap_or(false) == truth(is, "deleted").unwrap_or(false)
}

fn same_object(was: &Fields, is: &Fields) -> bool {
    let values = |fields: &Fields| -> HashSet<(Option<String>, Option<String>)> {
        list(fields, "Attribute")
            .map(|attribute| (text(attribute, "object_relation"), text(attribute, "value")))
            .collect()
    };
    text(was, "name") == text(is, "name") && values(was) == values(is)
}
