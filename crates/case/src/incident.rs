//! A case as a STIX `incident` and back.

use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stix::{Id, Object, Timestamp};

use crate::{CASE_EXTENSION, Case, Entry, EntryKind, INCIDENT_CORE_EXTENSION, Severity, State};

/// The object is not a case that [`to_stix`] wrote.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("the object is not a case: {0}")]
pub struct NotACase(pub String);

/// What our extension holds of a case.
#[derive(Serialize, Deserialize)]
struct CaseProperties {
    extension_type: String,
    realm: String,
    number: i64,
    severity: Severity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    assignee: Option<String>,
    // A list that holds nothing is left out: STIX 2.1 §2.12 forbids empty ones.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    members: BTreeSet<OrganisationId>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    object_refs: BTreeSet<Id>,
    /// To the nanosecond, where `created` and `modified` have milliseconds.
    opened: jiff::Timestamp,
    changed: jiff::Timestamp,
    last_seen: jiff::Timestamp,
    revision: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    timeline: Vec<Entry>,
}

/// The case as a STIX 2.1 `incident` with the OASIS incident core extension, and with our own for what that has no place for.
/// `created_by` is the identity of the node that keeps the case.
///
/// The severity is the core extension's `criticality` (its Appendix B, five words: 0, 15, 40, 60, 75, 95) and, exactly, a
/// score. The determination is `suspected`: that an attack was meant is for people to say, and no rule of ours does.
#[must_use]
pub fn to_stix(case: &Case, created_by: &Id) -> Value {
    let properties = CaseProperties {
        extension_type: "property-extension".to_owned(),
        realm: case.realm.to_string(),
        number: case.number,
        severity: case.severity,
        assignee: case.assignee.clone(),
        members: case.members.clone(),
        object_refs: case.objects.clone(),
        opened: case.opened,
        changed: case.changed,
        last_seen: case.last_seen,
        revision: case.revision,
        timeline: case.timeline.clone(),
    };
    let core = json!({
        "extension_type": "property-extension",
        "determination": "suspected",
        "investigation_status": investigation_status(case),
        "criticality": criticality(case.severity),
        "detection_methods": [detection_method(case)],
        "scores": [{ "name": "Yagura severity", "value": case.severity.level(), "description": "0 to 5" }],
    });
    json!({
        "type": "incident",
        "spec_version": "2.1",
        "id": case.id,
        "created_by_ref": created_by,
        "created": Timestamp::from_instant(case.opened),
        "modified": Timestamp::from_instant(case.changed),
        "name": case.title,
        "object_marking_refs": [case.marking.id()],
        "extensions": { (INCIDENT_CORE_EXTENSION): core, (CASE_EXTENSION): properties },
    })
}

/// Reads a case from what [`to_stix`] wrote.
pub fn from_stix(object: &Object) -> Result<Case, NotACase> {
    let not = |what: &str| NotACase(what.to_owned());
    if object.object_type() != "incident" {
        return Err(not("its type is not `incident`"));
    }
    let extension = |id: &str| object.get("extensions").and_then(|extensions| extensions.get(id));
    let core = extension(INCIDENT_CORE_EXTENSION).ok_or_else(|| not("it has no incident core extension"))?;
    let own = extension(CASE_EXTENSION).ok_or_else(|| not("it has no case extension"))?;
    let properties = CaseProperties::deserialize(own).map_err(|error| NotACase(error.to_string()))?;
    let marking = stix::marking::marking_refs(object).iter().filter_map(stix::marking::tlp).max();
    Ok(Case {
        id: object.id().clone(),
        realm: Realm::parse(&properties.realm).ok_or_else(|| not("`realm` is not one"))?,
        number: properties.number,
        title: object.text("name").ok_or_else(|| not("it has no name"))?.to_owned(),
        severity: properties.severity,
        state: match core.get("investigation_status").and_then(Value::as_str) {
            Some("closed") => State::Closed,
            Some(_) => State::Open,
            None => return Err(not("it has no investigation status")),
        },
        assignee: properties.assignee,
        members: properties.members,
        objects: properties.object_refs,
        opened: properties.opened,
        changed: properties.changed,
        last_seen: properties.last_seen,
        marking: marking.ok_or_else(|| not("it bears no TLP marking"))?,
        timeline: properties.timeline,
        revision: properties.revision,
    })
}

/// `new` until a person has touched it (core extension §4.6).
fn investigation_status(case: &Case) -> &'static str {
    let touched = case.assignee.is_some() || case.timeline.iter().any(|entry| entry.by.is_some());
    match case.state {
        State::Closed => "closed",
        State::Open if touched => "open",
        State::Open => "new",
    }
}

/// Who found it: the matching, or a person (core extension §4.2).
fn detection_method(case: &Case) -> &'static str {
    let by_a_person = case
        .timeline
        .iter()
        .any(|entry| matches!(&entry.kind, EntryKind::Opened { rule } if rule == "person"));
    if by_a_person { "human-review" } else { "automated-tool" }
}

fn criticality(severity: Severity) -> u8 {
    match severity.level() {
        0 => 0,
        1 => 15,
        2 => 40,
        3 => 60,
        4 => 75,
        _ => 95,
    }
}
