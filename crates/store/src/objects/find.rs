use oversight::Realm;
use policy::Visible;
use stix::Id;
use stix::observable::ValueKind;

use super::Row;
use crate::{Reader, StoreError};

/// Counting stops here.
pub const COUNT_MAX: u64 = 1000;

/// An object that mentions another one, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The object that mentions.
    pub row: Row,
    /// The properties in which it does, e.g. `source_ref`, `object_refs[2]`.
    pub properties: Vec<String>,
}

/// What to search for.
#[derive(Debug, Clone)]
pub struct SearchFilter<'a> {
    /// What the reader may see.
    pub visible: &'a Visible,
    /// Words, in Japanese or English; all must be there. The last letters of an English word may be missing.
    pub query: &'a str,
    /// Only these types; empty: all.
    pub types: &'a [&'a str],
    /// Whether revoked objects are found.
    pub revoked: bool,
    /// Read on after this.
    pub after: Option<SearchCursor>,
    /// How many hits at most.
    pub limit: usize,
}

/// Where a page of hits ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchCursor {
    /// Whether the last hit was one in the name.
    pub in_name: bool,
    /// Its sequence.
    pub sequence: i64,
}

/// Hits: those with all words in the name first, newest first within each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hits {
    /// Last versions that fit.
    pub rows: Vec<Row>,
    /// Where to read on; `None` on the last page.
    pub next: Option<SearchCursor>,
}

/// Objects whose last version refers to an object, newest first. References in `object_marking_refs` are not followed.
///
/// # Errors
/// Those of the database.
pub fn referring_to(
    _reader: &Reader<'_>,
    _realm: &Realm,
    _visible: &Visible,
    _id: &Id,
    _limit: usize,
) -> Result<Vec<Mention>, StoreError> {
    Err(StoreError::Closed)
}

/// Objects whose last version mentions an observable value (in the canonical form of `stix::observable`), newest first.
///
/// # Errors
/// Those of the database.
pub fn mentioning(
    _reader: &Reader<'_>,
    _realm: &Realm,
    _visible: &Visible,
    _kind: ValueKind,
    _value: &str,
    _limit: usize,
) -> Result<Vec<Row>, StoreError> {
    Err(StoreError::Closed)
}

/// Full-text search over last versions. A query without a word finds nothing.
///
/// # Errors
/// Those of the database.
pub fn search(_reader: &Reader<'_>, _realm: &Realm, _filter: &SearchFilter<'_>) -> Result<Hits, StoreError> {
    Err(StoreError::Closed)
}

/// How many objects a search finds, over all of its pages, up to [`COUNT_MAX`].
///
/// # Errors
/// Those of the database.
pub fn search_count(
    _reader: &Reader<'_>,
    _realm: &Realm,
    _filter: &SearchFilter<'_>,
) -> Result<u64, StoreError> {
    Err(StoreError::Closed)
}
