//! Mails about cases.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a mail that was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaseMailTaken {
    /// STIX identifier of the incident.
    pub case: String,
    /// The entry's name: the hash of what it is.
    pub entry: String,
    /// The STIX note that it is in the log.
    pub object: String,
    /// RFC 3339.
    pub at: String,
    /// Whether the same mail was here already.
    pub already: bool,
    /// Whether it waits in the side room until a person publishes it.
    pub waits: bool,
}

/// A part of a mail that is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomMailPart {
    /// What it claims to be called.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The media type that it claims.
    pub media_type: String,
    /// How long it is, decoded.
    pub bytes: u64,
    /// The SHA-256 of it, decoded, in hexadecimal.
    pub sha256: String,
}
