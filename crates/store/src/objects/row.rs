use bytes::Bytes;
use oversight::OrganisationId;
use policy::LabelKey;
use stix::Id;

/// One version of an object as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place in the node's log.
    pub sequence: i64,
    /// The object's identifier.
    pub id: Id,
    /// `modified`, else `created`, as its producer wrote it; `None` for objects without versions.
    pub version: Option<String>,
    /// When this node took it in: microseconds since 1970, unique and rising within a collection.
    pub date_added_us: i64,
    /// Its label.
    pub label: LabelKey,
    /// The organisation that brought it in.
    pub originator: OrganisationId,
    /// Whether this version revokes the object.
    pub revoked: bool,
    /// `2.0` or `2.1`.
    pub spec_version: String,
    /// SHA-256 of the canonical form.
    pub hash: [u8; 32],
    /// The JSON exactly as its producer wrote it.
    pub body: Bytes,
}
