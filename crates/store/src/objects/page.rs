use bytes::Bytes;
use oversight::{OrganisationId, Realm};
use policy::{LabelKey, Visible};
use stix::{Id, Object, Timestamp};

use super::add::{Earlier, version_key};
use super::condition::{Conditions, label_condition, last_condition, line_condition};
use super::place::{object_key, rows_of};
use super::plan;
use super::row::{COLUMNS, Row, RowReader};
use crate::collections::CollectionKey;
use crate::sql::organisation_id;
use crate::{Reader, StoreError};

/// Identifiers, types, versions and specification versions that one filter names at most, each.
pub const FILTER_VALUES_MAX: usize = 1000;
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
/// [`StoreError::Limit`] when the filter names more than [`FILTER_VALUES_MAX`] of something.
pub fn page(reader: &Reader<'_>, realm: &Realm, filter: &Filter<'_>) -> Result<Page, StoreError> {
    check(filter)?;
    plan::page(reader, reader.realm(realm)?, filter)
}

/// Whether a filter names no more than it may.
pub(super) fn check(filter: &Filter<'_>) -> Result<(), StoreError> {
    let named = [filter.ids.len(), filter.types.len(), filter.spec_versions.len(), filter.versions.at.len()];
    if named.into_iter().any(|count| count > FILTER_VALUES_MAX) {
        return Err(StoreError::Limit { what: "a filter's list, in values,", limit: FILTER_VALUES_MAX });
    }
    Ok(())
}

/// The last version of an object that the reader may see, in any collection.
///
/// # Errors
/// Those of the database.
pub fn get(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    id: &Id,
) -> Result<Option<Row>, StoreError> {
    Ok(select_versions(reader, realm, visible, id, None, 1)?.pop())
}

/// One version of an object, in any collection.
///
/// # Errors
/// Those of the database.
pub fn get_version(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    id: &Id,
    version: &Timestamp,
) -> Result<Option<Row>, StoreError> {
    Ok(select_versions(reader, realm, visible, id, Some(version.sort_key()), 1)?.pop())
}

/// Who brought an object in, also where nobody may see it: for the node's own decisions, and never told to a reader.
///
/// # Errors
/// Those of the database.
pub fn originator(reader: &Reader<'_>, realm: &Realm, id: &Id) -> Result<Option<OrganisationId>, StoreError> {
    let sql = format!(
        "SELECT originators.organisation FROM log JOIN originators ON originators.originator = log.originator
         WHERE {} AND log.realm + 0 = ?1 AND log.id = ?2 AND log.kind < 2 ORDER BY log.line LIMIT 1",
        rows_of("log.sequence", "?3")
    );
    let realm = reader.realm(realm)?;
    let object = object_key(realm, id.as_str());
    let name: Option<String> = reader.first(&sql, (realm, id.as_str(), object), |row| row.get(0))?;
    name.as_deref().map(organisation_id).transpose()
}

/// The label of an object's last version that stands, also where nobody may see it: for the node's own decisions, and never told
/// to a reader.
///
/// # Errors
/// Those of the database.
pub fn standing_label(reader: &Reader<'_>, realm: &Realm, id: &Id) -> Result<Option<LabelKey>, StoreError> {
    let sql = format!(
        "SELECT label FROM log WHERE {} AND realm + 0 = ?1 AND id = ?2 AND kind = 0
         ORDER BY line, version_key DESC LIMIT 1",
        rows_of("sequence", "?3")
    );
    let realm = reader.realm(realm)?;
    reader.first(&sql, (realm, id.as_str(), object_key(realm, id.as_str())), |row| row.get(0))
}

/// One version that stands, whoever may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its place.
    pub sequence: i64,
    /// Its collection.
    pub collection: CollectionKey,
    /// As written.
    pub version: Option<String>,
    /// What versions are ordered by.
    pub version_key: String,
    /// Its label.
    pub label: LabelKey,
    /// Whether it revokes the object.
    pub revoked: bool,
}

/// The versions of an object that stand and that one organisation brought in, oldest first, also where nobody may see them: for the
/// node's own decisions, and never told to a reader.
///
/// # Errors
/// Those of the database.
pub fn standing(
    reader: &Reader<'_>,
    realm: &Realm,
    id: &Id,
    originator: &OrganisationId,
) -> Result<Vec<Standing>, StoreError> {
    let sql = format!(
        "SELECT log.sequence, log.collection, log.version, log.version_key, log.label, log.revoked
         FROM log JOIN originators ON originators.originator = log.originator
         WHERE {} AND log.realm + 0 = ?1 AND log.id = ?2 AND log.kind = 0 AND originators.organisation = ?4
         ORDER BY log.version_key, log.collection",
        rows_of("log.sequence", "?3")
    );
    let realm = reader.realm(realm)?;
    let params = (realm, id.as_str(), object_key(realm, id.as_str()), originator.as_str());
    reader.rows(&sql, params, |row| {
        Ok(Standing {
            sequence: row.get(0)?,
            collection: row.get(1)?,
            version: row.get(2)?,
            version_key: row.get(3)?,
            label: row.get(4)?,
            revoked: row.get(5)?,
        })
    })
}

/// Whether a collection holds anything of a type, whoever may see it; for the node's own work.
///
/// # Errors
/// Those of the database.
pub fn holds_type(
    reader: &Reader<'_>,
    realm: &Realm,
    collection: CollectionKey,
    object_type: &str,
) -> Result<bool, StoreError> {
    let sql =
        "SELECT 1 FROM tallies WHERE realm = ?1 AND collection = ?2 AND type = ?3 AND versions > 0 LIMIT 1";
    let params = (reader.realm(realm)?, collection, object_type);
    Ok(reader.first(sql, params, |row| row.get::<i64>(0))?.is_some())
}

/// The object at a place of the log, as it was taken in; for the node's own work, and never told to a reader.
///
/// # Errors
/// Those of the database.
pub fn stored(reader: &Reader<'_>, sequence: i64) -> Result<Option<Object>, StoreError> {
    let sql = "SELECT body FROM log WHERE sequence = ?1 AND kind = 0";
    let body = reader.first(sql, [sequence], |row| Ok(Bytes::copy_from_slice(row.bytes(0)?)))?;
    let parsed = body.map(Object::parse).transpose();
    parsed.map_err(|_| StoreError::corrupt(format!("object of log row {sequence}")))
}

/// What an organisation brought of an object before, newest first, be it there or removed: as a [`super::Guard`] is told.
///
/// # Errors
/// Those of the database.
pub fn brought_before(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    object: &Object,
) -> Result<Vec<Earlier>, StoreError> {
    let realm = reader.realm(realm)?;
    let sql = format!(
        "SELECT sequence, label, version_key FROM log WHERE {} AND realm + 0 = ?2 AND id = ?3 AND kind < 2 AND originator =
             (SELECT originator FROM originators WHERE realm = ?2 AND organisation = ?4)
         ORDER BY version_key DESC, collection DESC",
        rows_of("sequence", "?1")
    );
    let id = object.id().as_str();
    let params = (object_key(realm, id), realm, id, organisation.as_str());
    reader.rows(&sql, params, |row| {
        let is_same = row.text(2)? == version_key(object);
        Ok(Earlier { sequence: row.get(0)?, label: row.get(1)?, is_same })
    })
}

/// All versions of an object that the reader may see, newest first, at most [`PAGE_MAX`].
///
/// # Errors
/// Those of the database.
pub fn versions(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    id: &Id,
) -> Result<Vec<Row>, StoreError> {
    select_versions(reader, realm, visible, id, None, PAGE_MAX)
}

/// How many objects the reader may see whose last version is not revoked, of any of the types (empty: all). Exact, and
/// as quick for a large log as for a small one.
///
/// # Errors
/// Those of the database.
pub fn count(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    types: &[&str],
) -> Result<u64, StoreError> {
    let realm = reader.realm(realm)?;
    let mut last = Conditions::in_realm(realm);
    last.and("log.is_last = 1");
    last.and(&label_condition("log.label", visible));
    last.one_of("log.type", types);
    // The table of counts has the same names for the same things.
    let sql = format!(
        "SELECT CAST(SUM(log.versions - log.revoked) AS BIGINT) FROM tallies AS log WHERE {}",
        last.sql
    );
    let settled = reader.number(&sql, last.params)?;
    Ok(crate::sql::count(settled + count_mixed(reader, realm, visible, types)?))
}

/// Of the versions that are the last one for some readers only, those that are for this reader.
fn count_mixed(
    reader: &Reader<'_>,
    realm: i64,
    visible: &Visible,
    types: &[&str],
) -> Result<i64, StoreError> {
    let mut mixed = Conditions::in_realm(realm);
    mixed.and("tallies.realm = log.realm AND tallies.is_last = 2 AND tallies.versions > 0");
    mixed
        .and("log.collection = tallies.collection AND log.type = tallies.type AND log.label = tallies.label");
    mixed.and("log.is_last = 2 AND log.kind = 0 AND log.revoked = 0");
    mixed.and(&label_condition("tallies.label", visible));
    mixed.and(&last_condition(visible));
    mixed.one_of("tallies.type", types);
    let sql = format!("SELECT COUNT(*) FROM tallies CROSS JOIN log WHERE {}", mixed.sql);
    reader.number(&sql, mixed.params)
}

fn select_versions(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    id: &Id,
    version: Option<&str>,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM log WHERE {} AND log.realm + 0 = ?2 AND log.id = ?3 AND log.kind = 0
         AND (?4 IS NULL OR log.version_key = ?4) AND {} AND {}
         ORDER BY log.version_key DESC, log.collection DESC LIMIT ?5",
        rows_of("log.sequence", "?1"),
        label_condition("log.label", visible),
        line_condition(visible)
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = RowReader::new(reader);
    let realm = reader.realm(realm)?;
    let object = object_key(realm, id.as_str());
    let mut found: Vec<Row> =
        reader.rows(&sql, (object, realm, id.as_str(), version, limit), |row| rows.read(row))?;
    // A version that stands in several collections is one version.
    found.dedup_by(|a, b| a.version == b.version && a.hash == b.hash);
    Ok(found)
}
