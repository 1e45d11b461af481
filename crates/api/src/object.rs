use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ObjectRoute;

/// One object in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectSummary {
    /// The log's sequence number of this version.
    pub sequence: i64,
    /// STIX identifier.
    pub id: String,
    /// STIX type.
    pub object_type: String,
    /// `name`, else the value, the pattern or the identifier: what a list shows.
    pub name: String,
    /// The beginning of `description`, at most 280 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `modified`, else `created`, as written; SCOs have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When this node took it in: RFC 3339, microseconds.
    pub date_added: String,
    /// Its marking.
    pub marking: Marking,
    /// The organisation that brought it in.
    pub originator: String,
    /// Whether it is revoked.
    pub revoked: bool,
    /// `confidence`, 0–100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// `labels`, `indicator_types`, `malware_types` and the like.
    pub tags: Vec<String>,
}

/// An object's marking in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Marking {
    /// `clear`, `green`, `amber`, `amber+strict`, `red`; absent where the object bears no TLP marking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tlp: Option<String>,
    /// Texts of the statements it bears.
    pub statements: Vec<String>,
}

/// A page of a list or a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectPage {
    /// The objects.
    pub objects: Vec<ObjectSummary>,
    /// How many there are that the reader may see, counted up to `count_max`.
    pub count: u64,
    /// Counting stops here; `count == count_max` means "at least".
    pub count_max: u64,
    /// Give this back as `next` for the following page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// On the first page of a search by words: objects whose name or alias is nearly what was typed and that the words did not
    /// find.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub similar: Vec<ObjectSummary>,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// Everything about one object that the reader may know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectDetail {
    /// The summary of the version shown.
    pub summary: ObjectSummary,
    /// The object's JSON, as its producer wrote it.
    pub object: serde_json::Value,
    /// Who can see it: roles of organisations, by name.
    pub audience: Vec<String>,
    /// Why the reader may: the policies that allowed it.
    pub because: Vec<String>,
    /// All versions that the reader may see, newest first.
    pub versions: Vec<ObjectVersion>,
    /// How often it was sighted (sum of `count` of visible sightings).
    pub sightings: u64,
    /// By which hubs its versions came; empty for what was brought in here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<ObjectRoute>,
}

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ObjectVersion {
    /// Sequence number.
    pub sequence: i64,
    /// The version as written.
    pub version: Option<String>,
    /// When this node took it in.
    pub date_added: String,
    /// SHA-256 of the canonical form, hexadecimal.
    pub hash: String,
}

/// What an object refers to and what refers to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectReferences {
    /// Objects it names.
    pub refers_to: Vec<Reference>,
    /// Objects that name it.
    pub referred_by: Vec<Reference>,
    /// Whether there are more than were given (each list is cut at 200).
    pub more: bool,
}

/// One reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Reference {
    /// The property it stands in, e.g. `source_ref`; for a relationship seen from its end: its `relationship_type`.
    pub property: String,
    /// The other object.
    pub object: ObjectSummary,
    /// For a relationship: the object at its far end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub far: Option<Box<ObjectSummary>>,
}

/// An observable value and what mentions it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ValueHit {
    /// The kind, e.g. `domain-name`.
    pub kind: String,
    /// The canonical value.
    pub value: String,
    /// The objects that mention it.
    pub objects: Vec<ObjectSummary>,
}

/// What became of a posted bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ingested {
    /// How many new versions were taken in.
    pub accepted: u64,
    /// How many were here already (same id, version and content).
    pub duplicates: u64,
    /// What was refused, and why.
    pub refused: Vec<RefusedObject>,
    /// The last sequence number given out.
    pub sequence: i64,
    /// Of what was taken in, the versions whose marking is freer than that of the one before: each is shown by the stricter of both until
    /// another person of the originator confirms it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingObject>,
}

/// A version that was taken in and waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingObject {
    /// Its place in the list, from 0.
    pub index: usize,
    /// Its identifier.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The proposal, as in `/api/v1/widenings`.
    pub widening: String,
}

/// One object that was not taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedObject {
    /// Its place in the list, from 0.
    pub index: usize,
    /// Its identifier, as far as it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its version, as far as it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// A stable code, e.g. `missing-property`, `content-conflict`, `not-creator`.
    pub code: String,
    /// Why, for a person, with property path and section.
    pub message: String,
}
