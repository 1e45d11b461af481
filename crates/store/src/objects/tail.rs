use oversight::{OrganisationId, Realm};
use policy::{LabelKey, Visible};
use stix::Id;

use super::Row;
use crate::{Reader, StoreError};

/// Which part of the log's tail is wanted.
#[derive(Debug, Clone)]
pub struct TailFilter<'a> {
    /// What the reader may see.
    pub visible: &'a Visible,
    /// Only changes with a greater sequence.
    pub after: i64,
    /// Only these types; empty: all.
    pub types: &'a [&'a str],
    /// Whether superseded versions are left out: right for whoever wants the present state rather than the history.
    pub last_only: bool,
    /// How many changes at most.
    pub limit: usize,
}

/// Changes of the log in the order of their sequence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tail {
    /// What the reader may see of them.
    pub changes: Vec<Change>,
    /// Everything up to this sequence is dealt with, seen or not: read on after it. It never runs ahead of the snapshot.
    pub through: i64,
    /// Whether there is more to read at once.
    pub more: bool,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A version came in (and is still there).
    Added(Row),
    /// A version was removed.
    Removed {
        /// The removal's own place in the log.
        sequence: i64,
        /// The object.
        id: Id,
        /// The version, as written.
        version: Option<String>,
        /// When, in microseconds since 1970.
        date_added_us: i64,
        /// The label that the version bore.
        label: LabelKey,
        /// Who had brought it in.
        originator: OrganisationId,
        /// Whether no version of the object is left for this reader.
        gone: bool,
    },
}

/// The changes after a sequence, over all collections of a realm: what streams, edges and peers follow.
///
/// # Errors
/// Those of the database.
pub fn tail(_reader: &Reader<'_>, _realm: &Realm, _filter: &TailFilter<'_>) -> Result<Tail, StoreError> {
    Err(StoreError::Closed)
}
