use oversight::Realm;
use policy::Visible;
use stix::{Id, Timestamp};

use super::Row;
use crate::collections::CollectionKey;
use crate::{Reader, StoreError};

/// Rows of one page at most.
pub const PAGE_MAX: usize = 10_000;

/// Which rows of a collection a page gives.
#[derive(Debug, Clone)]
pub struct Filter<'a> {
    /// The collection.
    pub collection: CollectionKey,
    /// What the reader may see.
    pub visible: &'a Visible,
    /// Only rows beyond this `date_added`, in microseconds: after it when ascending, before it when descending. Give
    /// the last row's of one page for the next.
    pub after: Option<i64>,
    /// Also only rows added strictly after this `date_added`, in microseconds (TAXII 2.1 `added_after`), whatever the order.
    pub added_after: Option<i64>,
    /// Only these objects; empty: all.
    pub ids: IdFilter<'a>,
    /// Only these types; empty: all.
    pub types: &'a [&'a str],
    /// Which versions of each.
    pub versions: Versions,
    /// Only these specification versions, `2.0` or `2.1`; empty: all.
    pub spec_versions: &'a [&'a str],
    /// Whether revoked versions are given.
    pub revoked: bool,
    /// In which order.
    pub order: Order,
    /// How many rows at most, up to [`PAGE_MAX`].
    pub limit: usize,
}

/// Identifiers to filter by, as text (any text: what is no identifier matches nothing).
pub type IdFilter<'a> = &'a [&'a str];

/// By `date_added`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Oldest first, as TAXII asks.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// Which versions of an object (TAXII 2.1 §3.4.1 `match[version]`): those that fit any of these.
/// "Last" and "first" are those of the versions that the reader may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Versions {
    /// The last one.
    pub last: bool,
    /// The first one.
    pub first: bool,
    /// Every one.
    pub all: bool,
    /// These exactly.
    pub at: Vec<Timestamp>,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The rows, in order.
    pub rows: Vec<Row>,
    /// Whether there are rows beyond the last.
    pub more: bool,
}

impl Versions {
    /// The last one only.
    #[must_use]
    pub fn last() -> Self {
        Self { last: true, ..Self::default() }
    }

    /// Every one.
    #[must_use]
    pub fn all() -> Self {
        Self { all: true, ..Self::default() }
    }
}

impl<'a> Filter<'a> {
    /// The last versions of everything in a collection that the reader may see, oldest first, revoked ones too.
    #[must_use]
    pub fn new(collection: CollectionKey, visible: &'a Visible, limit: usize) -> Self {
        Self {
            collection,
            visible,
            after: None,
            added_after: None,
            ids: &[],
            types: &[],
            versions: Versions::last(),
            spec_versions: &[],
            revoked: true,
            order: Order::Ascending,
            limit,
        }
    }
}

/// A page of a collection. Its time does not depend on how deep it is, nor on how much is hidden from the reader.
///
/// # Errors
/// Those of the database.
pub fn page(_reader: &Reader<'_>, _realm: &Realm, _filter: &Filter<'_>) -> Result<Page, StoreError> {
    Err(StoreError::Closed)
}

/// The last version of an object that the reader may see, in any collection.
///
/// # Errors
/// Those of the database.
pub fn get(
    _reader: &Reader<'_>,
    _realm: &Realm,
    _visible: &Visible,
    _id: &Id,
) -> Result<Option<Row>, StoreError> {
    Err(StoreError::Closed)
}

/// One version of an object, in any collection.
///
/// # Errors
/// Those of the database.
pub fn get_version(
    _reader: &Reader<'_>,
    _realm: &Realm,
    _visible: &Visible,
    _id: &Id,
    _version: &Timestamp,
) -> Result<Option<Row>, StoreError> {
    Err(StoreError::Closed)
}

/// All versions of an object that the reader may see, newest first, at most [`PAGE_MAX`].
///
/// # Errors
/// Those of the database.
pub fn versions(
    _reader: &Reader<'_>,
    _realm: &Realm,
    _visible: &Visible,
    _id: &Id,
) -> Result<Vec<Row>, StoreError> {
    Err(StoreError::Closed)
}

/// How many objects the reader may see whose last version is not revoked, by any of the types (empty: all). Exact, and
/// as quick for a large log as for a small one.
///
/// # Errors
/// Those of the database.
pub fn count(
    _reader: &Reader<'_>,
    _realm: &Realm,
    _visible: &Visible,
    _types: &[&str],
) -> Result<u64, StoreError> {
    Err(StoreError::Closed)
}
