//! Changes of an event, by MISP's own rules: what bears a newer time than before, or none, is a change; what bears an older one is
//! passed over; what is not mentioned stays.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use stix::Object;

use super::Fields;
use super::events::checked;
use super::gather::Gathered;
use crate::api::summaries::parse;
use crate::problem::{Answer, Failure};

/// A change of an event.
pub(super) enum Change {
    /// Fields and parts that are new or different.
    Merge(Fields),
    /// A tag put on, or taken from, the event or one of its parts.
    Tag { uuid: String, name: String, is_on: bool },
}

/// The objects to take in, so that the event is what the change makes of it.
pub(super) fn changed(gathered: &Gathered, change: Change, now: Timestamp) -> Answer<Vec<Bytes>> {
    let mut event = gathered.event.clone();
    // Seconds are MISP's precision: two changes within one are one second apart.
    let before = seconds(&event).unwrap_or_default();
    let now = now.as_second().max(before + 1);
    let mut touched = HashSet::new();
    match change {
        Change::Merge(fields) => merge(&mut event, fields, now, &mut touched),
        Change::Tag { uuid, name, is_on } => {
            if !tag(&mut event, &uuid, &name, is_on, now, &mut touched) {
                return Err(Failure::not_found());
            }
        }
    }
    if restrictions(&event) != restrictions(&gathered.event) {
        // Every part bears the event's markings, so every part is a new version under the new ones.
        stamp_all(&mut event, now, &mut touched);
    }
    event.insert("timestamp".to_owned(), json!(now.to_string()));
    let moment = Timestamp::from_second(now).map_err(Failure::internal)?;
    let made = ::misp::to_stix(&[checked(event)?], &::misp::Options::at(moment));
    let mut stored: HashMap<&str, Option<&str>> = HashMap::new();
    for row in &gathered.rows {
        stored.insert(row.id.as_str(), row.version.as_deref());
    }
    let mut objects = Vec::new();
    let mut ids: HashSet<String> = HashSet::new();
    for bytes in made.objects {
        let object = Object::parse(bytes.clone()).map_err(Failure::internal)?;
        ids.insert(object.id().to_string());
        if is_new(&object, &stored) {
            objects.push(bytes);
        }
    }
    objects.extend(replaced(gathered, &ids, &touched, moment)?);
    Ok(objects)
}

/// What is stored in this version already was not changed; it may be written in another order now, which says nothing.
fn is_new(object: &Object, stored: &HashMap<&str, Option<&str>>) -> bool {
    let Some(known) = stored.get(object.id().as_str()) else { return true };
    let known = known.and_then(|version| stix::Timestamp::parse(version).ok());
    match (known, object.version()) {
        (Some(known), Some(version)) => known < *version,
        _ => false,
    }
}

/// A part that became another type of object (an attribute that is no longer for detection) leaves its older form behind: revoked.
fn replaced(
    gathered: &Gathered,
    ids: &HashSet<String>,
    touched: &HashSet<String>,
    now: Timestamp,
) -> Answer<Vec<Bytes>> {
    let mut revoked = Vec::new();
    for row in gathered.rows.iter().skip(1).filter(|row| !row.revoked && !ids.contains(row.id.as_str())) {
        let uuid = row.id.as_str().split_once("--").map(|(_, uuid)| uuid).unwrap_or_default();
        let object = parse(row)?;
        if !touched.contains(uuid) || ::misp::element(&object).is_none() || row.version.is_none() {
            continue;
        }
        let mut properties = object.properties().clone();
        properties.insert("revoked".to_owned(), json!(true));
        properties.insert("modified".to_owned(), json!(stix::Timestamp::from_instant(now).as_str()));
        revoked.push(Bytes::from(Value::Object(properties).to_string()));
    }
    Ok(revoked)
}

/// What says who may have the event.
fn restrictions(event: &Fields) -> (Vec<String>, [Option<&Value>; 4]) {
    let tags = event.get("Tag").and_then(Value::as_array).into_iter().flatten();
    let names = tags.filter_map(|tag| tag.get("name")?.as_str()).map(str::to_ascii_lowercase);
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with("tlp") || name.starts_with("pap")).collect();
    names.sort_unstable();
    (names, ["distribution", "SharingGroup", "sharing_group_uuid", "Galaxy"].map(|name| event.get(name)))
}

fn stamp_all(event: &mut Fields, now: i64, touched: &mut HashSet<String>) {
    for name in ["Attribute", "Object", "EventReport"] {
        for part in event.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(part) = part.as_object_mut() else { continue };
            let stamped = now.max(seconds(part).unwrap_or_default() + 1);
            part.insert("timestamp".to_owned(), json!(stamped.to_string()));
            touched.extend(part.get("uuid").and_then(Value::as_str).map(str::to_ascii_lowercase));
            for reference in
                part.get_mut("ObjectReference").and_then(Value::as_array_mut).into_iter().flatten()
            {
                if let Some(reference) = reference.as_object_mut() {
                    let stamped = now.max(seconds(reference).unwrap_or_default() + 1);
                    reference.insert("timestamp".to_owned(), json!(stamped.to_string()));
                }
            }
        }
    }
}

fn merge(event: &mut Fields, fields: Fields, now: i64, touched: &mut HashSet<String>) {
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("Attribute" | "Object" | "EventReport", Value::Array(parts)) => {
                let list = event.entry(name).or_insert_with(|| json!([]));
                if !list.is_array() {
                    *list = json!([]);
                }
                if let Some(list) = list.as_array_mut() {
                    merge_parts(list, parts, now, touched);
                }
            }
            ("uuid" | "timestamp" | "Org" | "Orgc", _) => {}
            (_, value) => drop(event.insert(name, value)),
        }
    }
}

fn merge_parts(list: &mut Vec<Value>, parts: Vec<Value>, now: i64, touched: &mut HashSet<String>) {
    let mut places: HashMap<String, usize> = HashMap::new();
    for (place, part) in list.iter().enumerate() {
        if let Some(uuid) = part.get("uuid").and_then(Value::as_str) {
            places.insert(uuid.to_ascii_lowercase(), place);
        }
    }
    for part in parts {
        let Value::Object(mut part) = part else { continue };
        let uuid = part.get("uuid").and_then(Value::as_str).map(str::to_ascii_lowercase);
        let known = uuid.as_ref().and_then(|uuid| places.get(uuid)).and_then(|place| list.get_mut(*place));
        match known.and_then(Value::as_object_mut) {
            Some(known) => merge_part(known, part, now, touched),
            None => {
                stamp_part(&mut part, now);
                touched.extend(uuid);
                list.push(Value::Object(part));
            }
        }
    }
}

fn merge_part(known: &mut Fields, mut part: Fields, now: i64, touched: &mut HashSet<String>) {
    let inner = part.shift_remove("Attribute");
    let before = seconds(known).unwrap_or_default();
    let given = seconds(&part);
    // Clients mark what they delete without giving it a newer time.
    let is_deleted = |fields: &Fields| fields.get("deleted").is_some_and(is_true);
    let mut is_changed =
        given.is_none_or(|given| given > before) || (is_deleted(&part) && !is_deleted(known));
    if is_changed {
        // What others said of it is theirs: it is not changed through the event.
        part.shift_remove("Sighting");
        known.extend(part);
    }
    if let Some(Value::Array(inner)) = inner {
        let mut below = HashSet::new();
        let list = known.entry("Attribute").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            merge_parts(list, inner, now, &mut below);
        }
        is_changed |= !below.is_empty();
    }
    if is_changed {
        let stamped = given.filter(|given| *given > before).unwrap_or_else(|| now.max(before + 1));
        known.insert("timestamp".to_owned(), json!(stamped.to_string()));
        touched.extend(known.get("uuid").and_then(Value::as_str).map(str::to_ascii_lowercase));
    }
}

/// Gives a time to what came without one.
pub(super) fn stamp_missing(event: &mut Fields, now: Timestamp) {
    let now = now.as_second();
    if seconds(event).is_none() {
        event.insert("timestamp".to_owned(), json!(now.to_string()));
    }
    if !event.contains_key("date") {
        let day = Timestamp::from_second(now).unwrap_or_default().to_string();
        event.insert("date".to_owned(), json!(day.get(..10)));
    }
    for name in ["Attribute", "Object", "EventReport"] {
        for part in event.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(part) = part.as_object_mut() {
                stamp_part(part, now);
            }
        }
    }
}

fn stamp_part(part: &mut Fields, now: i64) {
    if seconds(part).is_none() {
        part.insert("timestamp".to_owned(), json!(now.to_string()));
    }
    for inner in part.get_mut("Attribute").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(inner) = inner.as_object_mut() {
            stamp_part(inner, now);
        }
    }
}

pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_i64() != Some(0),
        Value::String(text) => text == "1",
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

fn seconds(fields: &Fields) -> Option<i64> {
    match fields.get("timestamp")? {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}

/// Whether the event or a part of it has this UUID; then the tag is put on or taken off.
fn tag(
    event: &mut Fields,
    uuid: &str,
    name: &str,
    is_on: bool,
    now: i64,
    touched: &mut HashSet<String>,
) -> bool {
    let is_it = |fields: &Fields| {
        fields.get("uuid").and_then(Value::as_str).is_some_and(|known| known.eq_ignore_ascii_case(uuid))
    };
    if is_it(event) {
        set_tag(event, name, is_on);
        return true;
    }
    for list in ["Attribute", "Object"] {
        for part in event.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(part) = part.as_object_mut() else { continue };
            let mut is_found = is_it(part);
            if is_found {
                set_tag(part, name, is_on);
            }
            for inner in part.get_mut("Attribute").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(inner) = inner.as_object_mut().filter(|inner| is_it(inner)) {
                    set_tag(inner, name, is_on);
                    is_found = true;
                }
            }
            if is_found {
                let before = seconds(part).unwrap_or_default();
                part.insert("timestamp".to_owned(), json!(now.max(before + 1).to_string()));
                touched.extend(part.get("uuid").and_then(Value::as_str).map(str::to_ascii_lowercase));
                return true;
            }
        }
    }
    false
}

fn set_tag(fields: &mut Fields, name: &str, is_on: bool) {
    let list = fields.entry("Tag").or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.retain(|tag| tag.get("name").and_then(Value::as_str) != Some(name));
        if is_on {
            list.push(json!({ "name": name }));
        }
    }
}
