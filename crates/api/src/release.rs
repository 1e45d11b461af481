use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Rows of the release ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseList {
    /// The rows.
    pub rows: Vec<ReleaseRow>,
    /// Give this back as `after` for the following rows; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One row of the release ledger: versions that one organisation was given together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseRow {
    /// The organisation that was given them.
    pub recipient: String,
    /// The first sequence number of the run.
    pub first_sequence: i64,
    /// The last one; all between were given too.
    pub last_sequence: i64,
    /// By which door, e.g. `stream`, `taxii-objects`, `edge`, `peer`.
    pub door: String,
    /// What for, e.g. `collective-defence`.
    pub purpose: String,
    /// The agreement it was given under, where one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<String>,
    /// The number of the agreement's term that gives it, from 1; absent where it came in under the agreement and is given on by the
    /// council's rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<u32>,
    /// How often.
    pub times: u64,
    /// When first: RFC 3339.
    pub first_at: String,
    /// When last: RFC 3339.
    pub last_at: String,
    /// The leaf of the audit log of the first time.
    pub first_leaf: u64,
    /// The leaf of the last time.
    pub last_leaf: u64,
    /// What the reader may see of the versions, at most 20.
    pub objects: Vec<GivenObject>,
}

/// An object that was given out, as far as the reader may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GivenObject {
    /// The sequence number of the version.
    pub sequence: i64,
    /// STIX identifier.
    pub id: String,
    /// STIX type.
    pub object_type: String,
    /// What a list shows.
    pub name: String,
}
