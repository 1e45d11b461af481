//! STIX 2.1 to MISP.
//!
//! What came from MISP becomes what it was. What did not (somebody else's STIX) becomes attributes, objects, event reports and
//! galaxy clusters that a MISP shows and correlates, and beside them each STIX object is kept whole, in a MISP object named
//! `stix2-object`, so that converting back gives the same bytes.
//!
//! Every `report` and `grouping` is an event; what belongs to none is one event more.

pub(crate) mod foreign;
pub(crate) mod kept;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use stix::Object;

use crate::document::Event;
use crate::lenient::Fields;
use crate::projection::{self, Kind};
use crate::report::Report;

/// MISP events, and the account of how they were made.
#[derive(Debug, Clone, Default)]
pub struct MadeEvents {
    /// The events.
    pub events: Vec<Event>,
    /// The account.
    pub report: Report,
}

/// Converts objects. Of several versions of one object the newest counts. Objects that are not there (because the reader may
/// not see them) are simply not in the events.
#[must_use]
pub fn to_misp(objects: &[Object]) -> MadeEvents {
    let mut newest: HashMap<&str, &Object> = HashMap::with_capacity(objects.len());
    for object in objects {
        let entry = newest.entry(object.id().as_str()).or_insert(object);
        if entry.version() < object.version() {
            *entry = object;
        }
    }
    let mut gathering =
        Gathering { newest, placed: HashSet::new(), pointing: HashMap::new(), report: Report::default() };
    gathering.find_pointers(objects);
    let mut events = Vec::new();
    for object in objects {
        if matches!(object.object_type(), "report" | "grouping") && gathering.is_newest(object) {
            events.push(gathering.event(object));
        }
    }
    events.extend(gathering.leftover(objects));
    gathering.report.events = events.len() as u64;
    MadeEvents { events: events.into_iter().map(Event).collect(), report: gathering.report }
}

struct Gathering<'a> {
    newest: HashMap<&'a str, &'a Object>,
    /// Objects that are part of an event already.
    placed: HashSet<&'a str>,
    /// Objects that point to a report which does not list them, by the report.
    pointing: HashMap<&'a str, Vec<&'a Object>>,
    report: Report,
}

/// The parts of one event.
#[derive(Default)]
struct Parts<'a> {
    ours: Vec<(Kind, &'a Object)>,
    foreign: Vec<&'a Object>,
}

impl<'a> Gathering<'a> {
    fn is_newest(&self, object: &Object) -> bool {
        self.newest.get(object.id().as_str()).is_some_and(|known| std::ptr::eq(*known, object))
    }

    fn find_pointers(&mut self, objects: &'a [Object]) {
        let newest: Vec<&'a Object> = objects.iter().filter(|object| self.is_newest(object)).collect();
        for object in newest {
            let extension = projection::extension(object.properties());
            if let Some(report) = extension.and_then(|(_, extension)| extension.get("event_ref")?.as_str()) {
                self.pointing.entry(report).or_default().push(object);
            }
        }
    }

    fn event(&mut self, container: &'a Object) -> Fields {
        let is_ours = matches!(projection::extension(container.properties()), Some((Kind::Event, _)));
        self.placed.insert(container.id().as_str());
        let listed = container.get("object_refs").and_then(Value::as_array).into_iter().flatten();
        let listed = listed.filter_map(|id| self.newest.get(id.as_str()?).copied());
        // A report of ours with nothing to list names its author, because it must list something.
        let creator = container.text("created_by_ref").filter(|_| is_ours);
        let listed = listed.filter(move |object| Some(object.id().as_str()) != creator);
        let pointing = self.pointing.get(container.id().as_str()).into_iter().flatten().copied();
        let members: Vec<&'a Object> = listed.chain(pointing).collect();
        let mut parts = self.parts(members);
        let mut event = if is_ours {
            self.report.made("event");
            projection::restored(Kind::Event, container.properties())
        } else {
            parts.foreign.push(container);
            self.report.made("event");
            foreign::container(container, &self.newest)
        };
        self.fill(&mut event, &parts);
        event
    }

    /// Sorts members into what came from MISP and what did not; what was made beside an element goes with it.
    fn parts(&mut self, members: Vec<&'a Object>) -> Parts<'a> {
        let mut parts = Parts::default();
        let mut beside: HashSet<&str> = HashSet::new();
        let mut seen: HashSet<&str> = HashSet::new();
        for object in &members {
            if projection::extension(object.properties()).is_some() && object.object_type() == "observed-data"
            {
                let refs = object.get("object_refs").and_then(Value::as_array).into_iter().flatten();
                beside.extend(refs.filter_map(Value::as_str));
            }
        }
        for object in members {
            let id = object.id().as_str();
            if matches!(object.object_type(), "report" | "grouping") || !seen.insert(id) {
                continue;
            }
            self.placed.insert(id);
            match projection::extension(object.properties()) {
                Some((kind, _)) if kind.is_shown_only() => {}
                Some((Kind::Event, _)) => {}
                Some((kind, _)) => parts.ours.push((kind, object)),
                None if beside.contains(id) || is_ours_to_define(object) => {}
                None => parts.foreign.push(object),
            }
        }
        // Observables that the report does not list, because they are marked more strictly than it.
        self.placed
            .extend(beside.iter().filter_map(|id| self.newest.get(id).map(|object| object.id().as_str())));
        parts
    }

    fn fill(&mut self, event: &mut Fields, parts: &Parts<'a>) {
        let mut attributes: Vec<Fields> = Vec::new();
        let mut objects: Vec<Fields> = Vec::new();
        let mut reports: Vec<Fields> = Vec::new();
        let mut place: HashMap<String, (bool, usize)> = HashMap::new();
        for (kind, object) in &parts.ours {
            let element = projection::restored(*kind, object.properties());
            let id = object.id().as_str().to_owned();
            match kind {
                Kind::Attribute => {
                    place.insert(id, (true, attributes.len()));
                    attributes.push(element);
                    self.report.attributes += 1;
                }
                Kind::Object => {
                    place.insert(id, (false, objects.len()));
                    self.report.attributes +=
                        element.get("Attribute").and_then(Value::as_array).map_or(0, Vec::len) as u64;
                    objects.push(element);
                    self.report.objects += 1;
                }
                Kind::EventReport => reports.push(element),
                _ => continue,
            }
            self.report.made(kind.name());
        }
        for (kind, object) in &parts.ours {
            let text = |name: &str| object.text(name).map(str::to_owned);
            let parent = match kind {
                Kind::Reference => text("source_ref"),
                Kind::Sighting => text("sighting_of_ref")
                    .or_else(|| Some(object.get("object_refs")?.as_array()?.first()?.as_str()?.to_owned())),
                _ => continue,
            };
            let element = projection::restored(*kind, object.properties());
            let found = parent.and_then(|parent| place.get(&parent).copied());
            let bearer = match found {
                Some((true, at)) => attributes.get_mut(at),
                Some((false, at)) => objects.get_mut(at),
                // Its parent is not there for this reader; without it, it says nothing.
                None => None,
            };
            if let Some(bearer) = bearer {
                append(
                    bearer,
                    if *kind == Kind::Reference { "ObjectReference" } else { "Sighting" },
                    element,
                );
                self.report.made(kind.name());
            }
        }
        for (name, list) in [("Attribute", attributes), ("Object", objects), ("EventReport", reports)] {
            list.into_iter().for_each(|element| append(event, name, element));
        }
        self.add_foreign(event, &parts.foreign);
    }

    fn add_foreign(&mut self, event: &mut Fields, objects: &[&'a Object]) {
        for (object, shown) in objects.iter().zip(foreign::all_projected(objects)) {
            match shown {
                Some(foreign::Shown::Attribute(element)) => {
                    self.report.attributes += 1;
                    append(event, "Attribute", element);
                    self.report.made("attribute");
                }
                Some(foreign::Shown::Object(element)) => {
                    self.report.objects += 1;
                    append(event, "Object", element);
                    self.report.made("object");
                }
                Some(foreign::Shown::EventReport(element)) => {
                    append(event, "EventReport", element);
                    self.report.made("event-report");
                }
                Some(foreign::Shown::Cluster { galaxy, cluster }) => {
                    foreign::add_cluster(event, &galaxy, cluster);
                    self.report.made("galaxy-cluster");
                }
                None => {}
            }
            *self
                .report
                .kept_in_extension
                .entry(format!("stix2-object.{}", object.object_type()))
                .or_default() += 1;
            append(event, "Object", kept::keep(object));
        }
    }

    /// What no event holds, as one event more.
    fn leftover(&mut self, objects: &'a [Object]) -> Option<Fields> {
        let rest: Vec<&Object> = objects
            .iter()
            .filter(|object| self.is_newest(object) && !self.placed.contains(object.id().as_str()))
            .filter(|object| !is_ours_to_define(object))
            .collect();
        // An organisation that an event names is told there.
        let named: HashSet<String> = objects
            .iter()
            .filter(|object| projection::extension(object.properties()).is_some())
            .filter_map(|object| object.text("created_by_ref").map(str::to_owned))
            .collect();
        let mut parts = self.parts(rest);
        parts.foreign.retain(|object| {
            !named.contains(object.id().as_str()) && stix::marking::tlp(object.id()).is_none()
        });
        if parts.ours.is_empty() && parts.foreign.is_empty() {
            return None;
        }
        let mut ids: Vec<&str> = parts.ours.iter().map(|(_, object)| object.id().as_str()).collect();
        ids.extend(parts.foreign.iter().map(|object| object.id().as_str()));
        let uuid = kept::uuid_of_set(&ids);
        let newest = parts.foreign.iter().chain(parts.ours.iter().map(|(_, object)| object));
        let newest = newest.filter_map(|object| object.version()?.instant()).max().unwrap_or_default();
        let mut event = Fields::new();
        event.insert("uuid".to_owned(), json!(uuid.to_string()));
        event.insert("info".to_owned(), json!("STIX objects without a report"));
        event.insert("date".to_owned(), json!(newest.to_string().get(..10)));
        event.insert("timestamp".to_owned(), json!(newest.as_second().to_string()));
        self.report.made("event");
        self.fill(&mut event, &parts);
        Some(event)
    }
}

/// Definitions that every conversion brings along by itself.
fn is_ours_to_define(object: &Object) -> bool {
    object.id().as_str() == crate::MISP_EXTENSION || crate::marking::is_made_here(object)
}

fn append(fields: &mut Fields, name: &str, element: Fields) {
    match fields.get_mut(name) {
        Some(Value::Array(list)) => list.push(Value::Object(element)),
        _ => drop(fields.insert(name.to_owned(), Value::Array(vec![Value::Object(element)]))),
    }
}
