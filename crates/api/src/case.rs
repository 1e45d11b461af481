use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Marking, ObjectSummary};

/// A case in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CaseSummary {
    /// STIX identifier of the incident.
    pub id: String,
    /// Running number for people.
    pub number: i64,
    /// Title.
    pub title: String,
    /// 0–5.
    pub severity: u8,
    /// `open` or `closed`.
    pub state: String,
    /// Account id of the person who works it.
    pub assignee: Option<String>,
    /// That person's name.
    pub assignee_name: Option<String>,
    /// Short names of the organisations concerned.
    pub members: Vec<String>,
    /// Sectors concerned.
    pub sectors: Vec<String>,
    /// How many sightings are in it.
    pub sightings: u64,
    /// RFC 3339.
    pub opened: String,
    /// RFC 3339.
    pub changed: String,
    /// RFC 3339.
    pub last_seen: String,
    /// What it bears.
    pub marking: Marking,
    /// Send this back with a change.
    pub revision: i64,
}

/// All cases one may see.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CaseList {
    /// Newest change first.
    pub cases: Vec<CaseSummary>,
    /// How many open ones there are.
    pub open: u64,
    /// RFC 3339.
    pub as_of: String,
}

/// One case, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Case {
    /// The list's line.
    pub summary: CaseSummary,
    /// Oldest first.
    pub timeline: Vec<CaseEntry>,
    /// The objects concerned that the reader may see.
    pub objects: Vec<ObjectSummary>,
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CaseEntry {
    /// RFC 3339.
    pub at: String,
    /// Account id of the writer; the node itself where absent.
    pub by: Option<String>,
    /// The writer's name.
    pub by_name: Option<String>,
    /// The organisation concerned.
    pub organisation: Option<String>,
    /// `opened`, `sighting`, `title`, `severity`, `assigned`, `note`, `closed`, `reopened`.
    pub kind: String,
    /// A note's or reason's text, the opening rule's name, the new title.
    pub text: Option<String>,
    /// A severity before.
    pub from: Option<u8>,
    /// A severity after.
    pub to: Option<u8>,
    /// The object concerned: a sighting, a person's account id.
    pub object: Option<String>,
    /// The indicator of a sighting.
    pub indicator: Option<String>,
    /// Its name.
    pub indicator_name: Option<String>,
}

/// Opens a case by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCase {
    /// 1–200 characters.
    pub title: String,
    /// 0–5.
    pub severity: u8,
    /// STIX identifiers of objects concerned.
    #[serde(default)]
    pub objects: Vec<String>,
}

/// Objects to be added to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseObjects {
    /// STIX identifiers, at most 200.
    pub objects: Vec<String>,
}

/// A note for the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEntry {
    /// 1–20,000 characters.
    pub text: String,
}

/// A change; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseChange {
    /// The revision that the change was made on; another is answered `conflict`.
    pub revision: i64,
    /// New title.
    #[serde(default)]
    pub title: Option<String>,
    /// New severity.
    #[serde(default)]
    pub severity: Option<u8>,
    /// Account id, or an empty text for nobody.
    #[serde(default)]
    pub assignee: Option<String>,
    /// `open` or `closed`.
    #[serde(default)]
    pub state: Option<String>,
    /// Why it is closed.
    #[serde(default)]
    pub reason: Option<String>,
}
