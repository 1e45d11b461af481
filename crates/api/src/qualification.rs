//! Clearances and oaths of people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The clearances and oaths that there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DefinedQualifications {
    /// By kind and name.
    pub qualifications: Vec<DefinedQualification>,
}

/// A clearance or an oath, as the policies in force define it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DefinedQualification {
    /// `clearance:` or `oath:` and its short name.
    pub qualification: String,
    /// What it is called in Japanese.
    pub name_ja: String,
    /// In English.
    pub name_en: String,
    /// The law that it is under, in Japanese.
    pub law_ja: String,
    /// In English.
    pub law_en: String,
    /// For how many years it is entered at most.
    pub years_max: i32,
    /// What it stands for besides.
    pub includes: Vec<String>,
    /// The marking definition by which an object demands it of its readers.
    pub marking: String,
}

/// Clearances and oaths of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QualificationList {
    /// Those of one person: newest first; of all: what ends first comes first.
    pub qualifications: Vec<HeldQualification>,
}

/// A clearance or an oath of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldQualification {
    /// Its id.
    pub id: String,
    /// The account.
    pub person: String,
    /// Its person's name.
    pub person_name: String,
    /// The person's organisation.
    pub organisation: String,
    /// `clearance:` or `oath:` and its short name.
    pub qualification: String,
    /// From when it holds, RFC 3339; of an oath, when it was sworn.
    pub since: String,
    /// Until when, RFC 3339; this instant is no more in it.
    pub until: String,
    /// What it is known by on paper.
    pub evidence: String,
    /// The name of who entered it.
    pub asked_by_name: String,
    /// The account of who entered it; `node` for whoever has the data folder in hand.
    pub asked_by: String,
    /// When, RFC 3339.
    pub asked: String,
    /// Until when it can be confirmed, RFC 3339.
    pub expires: String,
    /// The name of who confirmed or refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by_name: Option<String>,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<String>,
    /// The name of who ended it before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by_name: Option<String>,
    /// When, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Why it was refused or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `asked`, `expired` (nobody confirmed it in time), `refused`, `coming`, `valid`, `over`, `ended`.
    pub state: String,
}

/// A clearance or an oath to be entered for a person. It holds once a second administrator has confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQualification {
    /// `clearance:` or `oath:` and its short name.
    pub qualification: String,
    /// From when it holds: a time as in RFC 3339, or a date, which is its beginning in UTC. Of an oath, when it was sworn.
    pub since: String,
    /// Until when: a time, or a date, which is its end in UTC.
    pub until: String,
    /// What it is known by on paper: a file, a certificate's number.
    pub evidence: String,
}

/// Refuses or ends a clearance or an oath.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QualificationEnd {
    /// Why, in one line.
    pub reason: String,
}
