//! The messages of TAXII 2.1 §4 and §5. Absent optional properties are left out, as the specification asks.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a server offers (§4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// A name for people.
    pub title: String,
    /// What the server is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whom to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The API root to use where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// API roots, absolute or relative to the server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub api_roots: Vec<String>,
}

/// About an API root (§4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiRoot {
    /// A name for people.
    pub title: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Media types of TAXII versions spoken, e.g. `application/taxii+json;version=2.1`.
    pub versions: Vec<String>,
    /// Largest body of a POST in bytes.
    pub max_content_length: u64,
}

/// The collections of an API root that one may know of (§5.1).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Collections {
    /// By id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<Collection>,
}

/// A collection (§5.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// A UUID.
    pub id: String,
    /// A name for people.
    pub title: String,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A readable name that stands for the id in addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Whether the asker may read.
    pub can_read: bool,
    /// Whether the asker may add.
    pub can_write: bool,
    /// Media types of objects; absent means STIX of any version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media_types: Vec<String>,
}

/// One object version in a manifest (§5.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRecord {
    /// The object.
    pub id: String,
    /// When it was added to the collection, with six digits of fraction.
    pub date_added: String,
    /// Its version: `modified`, else `created`, else when it was added.
    pub version: String,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// Whether a request to add has been dealt with (§4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusState {
    /// All objects are dealt with.
    Complete,
    /// Some are still waiting.
    Pending,
}

/// What became of a request to add (§4.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// A UUID.
    pub id: String,
    /// Where it stands.
    pub status: StatusState,
    /// When the request came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_timestamp: Option<String>,
    /// Objects in the request.
    pub total_count: u64,
    /// Objects taken in, those that were there already among them.
    pub success_count: u64,
    /// Which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successes: Vec<StatusDetail>,
    /// Objects refused.
    pub failure_count: u64,
    /// Which, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<StatusDetail>,
    /// Objects still waiting.
    pub pending_count: u64,
    /// Which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pendings: Vec<StatusDetail>,
}

/// One object of a status (§4.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusDetail {
    /// The object, as far as its identifier could be read.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An error (§3.6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorMessage {
    /// What happened, in a few words.
    pub title: String,
    /// This case in particular, and the remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The request's id, to quote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_id: Option<String>,
    /// A stable code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The HTTP status, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<String>,
    /// Where more is to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_details: Option<String>,
    /// More facts, of any form.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub details: Map<String, Value>,
}

/// Writes an envelope (§3.7) around the stored bytes of objects: nothing is parsed, every object leaves as it came.
///
/// `next` must be a token of `A–Z a–z 0–9 - _` only. An envelope of nothing is `{}`.
#[must_use]
pub fn envelope<O: AsRef<[u8]>>(objects: &[O], next: Option<&str>) -> Vec<u8> {
    let more: &[u8] = if next.is_some() { b"\"more\":true" } else { b"\"more\":false" };
    if objects.is_empty() && next.is_none() {
        return b"{}".to_vec();
    }
    let length: usize = objects.iter().map(|object| object.as_ref().len() + 1).sum();
    let mut bytes = Vec::with_capacity(length + 64 + next.map_or(0, str::len));
    bytes.push(b'{');
    bytes.extend_from_slice(more);
    if let Some(next) = next {
        bytes.extend_from_slice(b",\"next\":\"");
        bytes.extend_from_slice(next.as_bytes());
        bytes.push(b'"');
    }
    if !objects.is_empty() {
        bytes.extend_from_slice(b",\"objects\":[");
        for (place, object) in objects.iter().enumerate() {
            if place > 0 {
                bytes.push(b',');
            }
            bytes.extend_from_slice(object.as_ref());
        }
        bytes.push(b']');
    }
    bytes.push(b'}');
    bytes
}

/// The members of an envelope or manifest besides its objects, as a client reads them (§3.7, §5.3).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct EnvelopeHead {
    /// Whether there is more.
    #[serde(default)]
    pub more: bool,
    /// Give this back for what comes next.
    #[serde(default)]
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_keep_bytes() {
        let check = |objects: &[&str], next: Option<&str>, expected: &str| {
            assert_eq!(String::from_utf8(envelope(objects, next)).unwrap(), expected);
        };
        check(&[], None, "{}");
        check(&[r#"{ "a" : 1.0 }"#], None, r#"{"more":false,"objects":[{ "a" : 1.0 }]}"#);
        check(&["{}", "[]"], Some("abc"), r#"{"more":true,"next":"abc","objects":[{},[]]}"#);
        check(&[], Some("abc"), r#"{"more":true,"next":"abc"}"#);
    }
}
