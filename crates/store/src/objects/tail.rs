use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};
use policy::{LabelKey, Visible};
use stix::Id;

use super::add::last_sequence;
use super::condition::{Conditions, label_condition, last_condition, line_condition};
use super::place::{object_key, rows_of};
use super::row::{COLUMNS, Row, RowReader};
use crate::collections::CollectionKey;
use crate::sql::{self, stix_id};
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

/// Sequence numbers that one read of the tail looks at, at most.
const SCAN_SEQUENCES: i64 = 50_000;
/// Changes of one read at most.
pub const TAIL_MAX: usize = 10_000;

/// The changes after a sequence, over all collections of a realm: what streams, edges and peers follow.
///
/// # Errors
/// Those of the database.
pub fn tail(reader: &Reader<'_>, realm: &Realm, filter: &TailFilter<'_>) -> Result<Tail, StoreError> {
    narrow_tail(reader, realm, filter, &Narrow::default())
}

/// A part of the tail that only some readers want.
#[derive(Debug, Clone, Copy, Default)]
pub struct Narrow<'a> {
    /// Only this collection.
    pub collection: Option<CollectionKey>,
    /// Only these of the labels that the reader may see.
    pub labels: Option<&'a BTreeSet<LabelKey>>,
}

/// The same as [`tail`], narrowed.
///
/// # Errors
/// Those of the database.
pub fn narrow_tail(
    reader: &Reader<'_>,
    realm: &Realm,
    filter: &TailFilter<'_>,
    narrow: &Narrow<'_>,
) -> Result<Tail, StoreError> {
    scan(reader, realm, filter, narrow, &Scan::default())
}

/// A piece of the log.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scan<'a> {
    /// Only up to this sequence.
    pub(super) through: Option<i64>,
    /// What came in under these labels is left out; what was removed is told all the same.
    pub(super) hidden: Option<&'a BTreeSet<LabelKey>>,
    /// Whether removals are left out.
    pub(super) additions_only: bool,
}

/// A piece of the tail.
pub(super) fn scan(
    reader: &Reader<'_>,
    realm: &Realm,
    filter: &TailFilter<'_>,
    narrow: &Narrow<'_>,
    piece: &Scan<'_>,
) -> Result<Tail, StoreError> {
    let realm = reader.realm(realm)?;
    let newest = last_sequence(reader)?;
    let last = piece.through.map_or(newest, |through| through.min(newest));
    let bound = filter.after.saturating_add(SCAN_SEQUENCES).min(last);
    if filter.after >= last || filter.visible.keys().is_empty() {
        // Whoever may see nothing need not read on through it.
        return Ok(Tail { changes: Vec::new(), through: filter.after.max(last), more: false });
    }
    let limit = filter.limit.clamp(1, TAIL_MAX);
    let mut conditions = Conditions::in_realm(realm);
    // The sum keeps the plan on the log's own order: there are few other realms to pass over.
    conditions.sql = "log.realm + 0 = ?1".to_owned();
    conditions.compare("log.sequence >", filter.after);
    conditions.compare("log.sequence <=", bound);
    conditions.and(if piece.additions_only { "log.kind = 0" } else { "log.kind <> 1" });
    conditions.and(&label_condition("log.label", filter.visible));
    if let Some(hidden) = piece.hidden.filter(|hidden| !hidden.is_empty()) {
        let keys: Vec<String> = hidden.iter().map(LabelKey::to_string).collect();
        conditions.and(&format!("(log.kind = 2 OR log.label NOT IN ({}))", keys.join(",")));
    }
    if let Some(collection) = narrow.collection {
        conditions.compare("log.collection =", collection);
    }
    if let Some(labels) = narrow.labels {
        let keys: Vec<String> = labels.iter().map(LabelKey::to_string).collect();
        conditions.and(&format!("log.label IN ({})", keys.join(",")));
    }
    let shown =
        if filter.last_only { last_condition(filter.visible) } else { line_condition(filter.visible) };
    conditions.and(&format!("(log.kind = 2 OR {shown})"));
    conditions.one_of("log.type", filter.types);
    let sql = format!(
        "SELECT {COLUMNS}, log.kind FROM log
         WHERE {} ORDER BY log.sequence LIMIT {}",
        conditions.sql,
        limit + 1
    );
    let mut rows = RowReader::new(reader);
    let mut changes = reader.rows(&sql, conditions.params, |row| {
        if row.get::<i64>(10)? == 0 { rows.read(row).map(Change::Added) } else { removal(&mut rows, row) }
    })?;
    let full = changes.len() > limit;
    changes.truncate(limit);
    mark_gone(reader, realm, filter.visible, &mut changes)?;
    let through = changes.last().filter(|_| full).map_or(bound, Change::sequence);
    Ok(Tail { changes, through, more: through < last })
}

/// The versions that stand at places of the log, `first` to `last`, as far as the reader may see them.
///
/// # Errors
/// Those of the database.
pub fn between(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    (first, last): (i64, i64),
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let mut conditions = Conditions::in_realm(reader.realm(realm)?);
    // As in [`tail`].
    conditions.sql = "log.realm + 0 = ?1".to_owned();
    conditions.compare("log.sequence >=", first);
    conditions.compare("log.sequence <=", last);
    conditions.and("log.kind = 0");
    conditions.and(&label_condition("log.label", visible));
    let sql = format!(
        "SELECT {COLUMNS} FROM log WHERE {} ORDER BY log.sequence LIMIT {}",
        conditions.sql,
        limit.min(TAIL_MAX)
    );
    let mut rows = RowReader::new(reader);
    reader.rows(&sql, conditions.params, |row| rows.read(row))
}

impl Change {
    /// Its place in the log.
    #[must_use]
    pub fn sequence(&self) -> i64 {
        match self {
            Self::Added(row) => row.sequence,
            Self::Removed { sequence, .. } => *sequence,
        }
    }
}

fn removal(rows: &mut RowReader<'_, '_>, row: &sql::Row<'_>) -> Result<Change, StoreError> {
    Ok(Change::Removed {
        sequence: row.get(0)?,
        id: stix_id(&row.get::<String>(1)?)?,
        version: row.get(2)?,
        date_added_us: row.get(3)?,
        label: row.get(4)?,
        originator: rows.originator(row.get(5)?)?,
        gone: false,
    })
}

fn mark_gone(
    reader: &Reader<'_>,
    realm: i64,
    visible: &Visible,
    changes: &mut [Change],
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT COUNT(*) FROM log WHERE {} AND realm + 0 = ?2 AND id = ?3 AND kind = 0 AND {}",
        rows_of("sequence", "?1"),
        label_condition("label", visible)
    );
    for change in changes {
        if let Change::Removed { id, gone, .. } = change {
            *gone = reader.number(&sql, (object_key(realm, id.as_str()), realm, id.as_str()))? == 0;
        }
    }
    Ok(())
}
