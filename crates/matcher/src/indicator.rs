use stix::{Id, Timestamp};

/// What the matcher needs of a STIX `indicator` object (STIX 2.1 §4.7).
#[derive(Debug, Clone)]
pub struct Indicator {
    /// The object's identifier.
    pub id: Id,
    /// The version (`modified`).
    pub version: Timestamp,
    /// `name`, else the pattern.
    pub name: String,
    /// The STIX pattern as written.
    pub pattern: String,
    /// 0–100; `None` where the producer gave none.
    pub confidence: Option<u8>,
    /// From when the indicator counts.
    pub valid_from: Timestamp,
    /// Until when it counts; `None` is open-ended.
    pub valid_until: Option<Timestamp>,
    /// Revoked indicators never match.
    pub revoked: bool,
}

/// Why an object cannot be matched with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unusable {
    /// A stable code, e.g. `pattern-not-stix`, `pattern-syntax`, `pattern-operator`, `warning-list`.
    pub code: &'static str,
    /// Why, for a person.
    pub message: String,
}
