//! Mails about cases.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{RoomName, RoomPerson};

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

/// An entry of a room that is to be sent to people by mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRoomMail {
    /// A UUID that the sender draws: sent again under it, it is the same mail.
    #[schema(value_type = String)]
    pub key: uuid::Uuid,
    /// Accounts of this hub.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    /// Organisations: everybody of theirs who may read the entry and whom mail reaches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organisations: Vec<String>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomMailSent {
    /// STIX identifier of the incident.
    pub case: String,
    /// The entry's name.
    pub entry: String,
    /// The STIX note that it is in the log.
    pub object: String,
    /// When it was asked for, RFC 3339.
    pub at: String,
    /// How many people it goes to.
    pub recipients: usize,
    /// Their organisations, by short name.
    pub organisations: Vec<String>,
    /// Whether it was asked for already under this key.
    pub already: bool,
}

/// Who may be sent an entry by mail: whoever may read it, works cases, is of an organisation in the room, and gave an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomRecipients {
    /// People of one's own organisation, and of the others those whom the room names.
    pub persons: Vec<RoomPerson>,
    /// Organisations of which somebody may be sent it.
    pub members: Vec<String>,
    /// Whether there are more people.
    pub more: bool,
    /// What organisations are called.
    pub organisations: BTreeMap<String, RoomName>,
    /// What people are called, by account.
    pub people: BTreeMap<String, String>,
}

/// Where mail with entries of case rooms reaches one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnMail {
    /// The address; absent: none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// `ja` or `en`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Domains that this hub sends mail to; none: it sends none.
    pub domains: Vec<String>,
}

/// Where mail reaches one from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOwnMail {
    /// An address in one of the hub's domains.
    pub address: String,
    /// `ja` or `en`.
    pub language: String,
}
