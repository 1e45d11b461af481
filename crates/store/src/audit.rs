//! The audit log: a row and a leaf of the Merkle tree for each act, in the transaction of the act.
//!
//! Leaf `i` is the RFC 6962 hash of [`AuditEvent::commitment`] over the row's salt and canonical record
//! ([`Tree::Acts`]).

use oversight::{Actor, AuditEvent, Realm};
use tlog::{Hash, leaf_hash};

use crate::sql::{Row, Value, count, micros, params, stored, time};
use crate::trees::{Tree, VERIFY_CHUNK};
use crate::{Reader, StoreError, Tx, secrets};

/// Rows one list gives at most.
pub const LIST_MAX: usize = 1000;
/// Bytes of one canonical record at most; longer lists of objects belong into ranges of sequence numbers.
pub const RECORD_BYTES_MAX: usize = 60_000;

/// One act as it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its leaf in the tree, from 0.
    pub leaf: u64,
    /// In which world.
    pub realm: Realm,
    /// When, on the store's clock.
    pub at: jiff::Timestamp,
    /// What.
    pub event: AuditEvent,
    /// What stands in the log: [`AuditEvent::commitment`] over salt and record.
    pub commitment: Hash,
    /// The leaf's hash.
    pub hash: Hash,
}

/// Which rows a list gives; all given conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Rows before this leaf; `None` begins with the newest.
    pub before: Option<u64>,
    /// Only this action, by its name.
    pub action: Option<String>,
    /// Only acts of this organisation, by its short name.
    pub organisation: Option<String>,
    /// Only acts of this account, token or edge.
    pub actor: Option<String>,
    /// How many rows, at most [`LIST_MAX`].
    pub limit: usize,
}

/// The tree's size and root at this snapshot.
///
/// # Errors
/// [`StoreError::Corrupt`] when a node is missing.
pub fn head(reader: &Reader<'_>) -> Result<(u64, Hash), StoreError> {
    Tree::Acts.head(reader)
}

/// The leaf that the first event of the act in hand will get; its further events follow without a gap.
///
/// # Errors
/// [`StoreError::Corrupt`] when a node is missing.
pub fn next_leaf(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    Tree::Acts.next(tx)
}

/// Rows, newest first. What only fills the log is left out unless it is asked for.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn list(reader: &Reader<'_>, realm: &Realm, filter: &AuditFilter) -> Result<Vec<AuditRow>, StoreError> {
    let filters =
        [("action", &filter.action), ("organisation", &filter.organisation), ("actor", &filter.actor)];
    let mut texts: Vec<&str> = Vec::new();
    let mut conditions = String::new();
    for (column, wanted) in filters {
        if let Some(wanted) = wanted {
            texts.push(wanted);
            conditions.push_str(&format!(" AND {column} = ?{}", texts.len() + 3));
        }
    }
    if filter.action.is_none() {
        conditions.push_str(" AND action <> 'padding'");
    }
    // Without a filter the rows' own order is the way; the sum hides the realm from the indexes of the filters.
    let realm_column = if texts.is_empty() { "realm + 0" } else { "realm" };
    let mut sql = format!("SELECT {COLUMNS} FROM audit WHERE {realm_column} = ?1 AND leaf < ?2{conditions}");
    sql.push_str(" ORDER BY leaf DESC LIMIT ?3");
    let before = filter.before.map_or(i64::MAX, |leaf| i64::try_from(leaf).unwrap_or(i64::MAX));
    let limit = i64::try_from(filter.limit.min(LIST_MAX)).unwrap_or(0);
    let realm_key = reader.realm(realm)?;
    let mut params = vec![Value::Integer(realm_key), Value::Integer(before), Value::Integer(limit)];
    params.extend(texts.into_iter().map(Value::Text));
    reader.rows(&sql, params, |row| read_row(row).and_then(|stored| stored.decode(realm)))
}

/// A canonical record and its salt.
pub type Opening = (Vec<u8>, [u8; 32]);

/// What a leaf commits to: the canonical record and its salt ([`AuditEvent::commitment`]). For whoever is to be able to show it.
///
/// # Errors
/// Those of the database.
pub fn record(reader: &Reader<'_>, realm: &Realm, leaf: u64) -> Result<Option<Opening>, StoreError> {
    let sql = "SELECT record, salt FROM audit WHERE leaf = ?1 AND realm = ?2";
    reader.first(sql, (stored(leaf), reader.realm(realm)?), |row| Ok((row.get(0)?, row.get(1)?)))
}

/// The log's entries for tiles: the commitments of the leaves `from .. to`, in order.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn entries(reader: &Reader<'_>, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM audit WHERE leaf >= ?1 AND leaf < ?2 ORDER BY leaf");
    reader.rows(&sql, (stored(from), stored(to)), |row| Ok(read_row(row)?.commitment()))
}

/// The hash of a complete node of the tree; level 0 are the leaves. `None` where there is no such node yet.
///
/// # Errors
/// Those of the database.
pub fn node(reader: &Reader<'_>, level: u8, index: u64) -> Result<Option<Hash>, StoreError> {
    Tree::Acts.node(reader, level, index)
}

/// The hashes of consecutive complete nodes `from .. to` of one level, as far as they exist: what a tile is made of.
///
/// # Errors
/// Those of the database.
pub fn nodes(reader: &Reader<'_>, level: u8, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
    Tree::Acts.nodes(reader, level, from, to)
}

/// Computes every leaf and the whole tree from the rows, and compares with what is stored.
///
/// Gives size and root. The caller compares them with a signed checkpoint.
///
/// # Errors
/// [`StoreError::Corrupt`], naming the first leaf or node that is not what its row makes it.
pub fn verify(reader: &Reader<'_>) -> Result<(u64, Hash), StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM audit WHERE leaf >= ?1 ORDER BY leaf LIMIT {VERIFY_CHUNK}");
    let rows = |from| reader.rows(&sql, [from], read_row);
    Tree::Acts.verify(reader, rows, |row, leaf| {
        if count(row.leaf) != leaf {
            return Err("the row is missing");
        }
        if !row.columns_fit_record() {
            return Err("its columns are not those of its record");
        }
        Ok(leaf_hash(&row.commitment()))
    })
}

/// Adds an act to the rows and to the tree.
pub(crate) fn append(tx: &Tx<'_>, realm: &Realm, event: &AuditEvent) -> Result<(), StoreError> {
    let at = tx.now();
    let record = event.record(realm, at);
    if record.is_empty() || record.len() > RECORD_BYTES_MAX {
        return Err(StoreError::Limit { what: "an audit record, in bytes,", limit: RECORD_BYTES_MAX });
    }
    let salt = secrets::random()?;
    let leaf = stored(Tree::Acts.next(tx)?);
    let hash = leaf_hash(&AuditEvent::commitment(&salt, &record));
    let (actor_kind, actor, organisation) = actor_columns(&event.actor);
    tx.execute(
        "INSERT INTO audit (leaf, realm, at, action, outcome, actor_kind, actor, organisation, record, salt, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            leaf,
            tx.realm_for_writing(realm)?,
            micros(at),
            event.action.name(),
            outcome_name(event.outcome),
            actor_kind,
            actor,
            organisation,
            record,
            salt,
            hash
        ],
    )?;
    Tree::Acts.grow(tx, hash)
}

const COLUMNS: &str = "leaf, at, action, outcome, actor_kind, actor, organisation, record, salt, hash";

/// A row as it is stored.
struct Stored {
    leaf: i64,
    at: i64,
    action: String,
    outcome: String,
    actor_kind: String,
    actor: Option<String>,
    organisation: Option<String>,
    record: Vec<u8>,
    salt: [u8; 32],
    hash: Hash,
}

/// The canonical record, read back.
#[derive(serde::Deserialize)]
struct Record {
    realm: String,
    at: jiff::Timestamp,
    event: AuditEvent,
}

fn read_row(row: &Row<'_>) -> Result<Stored, StoreError> {
    Ok(Stored {
        leaf: row.get(0)?,
        at: row.get(1)?,
        action: row.get(2)?,
        outcome: row.get(3)?,
        actor_kind: row.get(4)?,
        actor: row.get(5)?,
        organisation: row.get(6)?,
        record: row.get(7)?,
        salt: row.get(8)?,
        hash: row.get(9)?,
    })
}

impl Stored {
    fn commitment(&self) -> Hash {
        AuditEvent::commitment(&self.salt, &self.record)
    }

    fn record(&self) -> Option<Record> {
        serde_json::from_slice(&self.record).ok()
    }

    /// The columns are for lists; the record is what was committed to. Altered columns would hide an act.
    fn columns_fit_record(&self) -> bool {
        self.record().is_some_and(|record| {
            let (kind, actor, organisation) = actor_columns(&record.event.actor);
            self.at == micros(record.at)
                && self.action == record.event.action.name()
                && self.outcome == outcome_name(record.event.outcome)
                && self.actor_kind == kind
                && self.actor.as_deref() == actor
                && self.organisation.as_deref() == organisation
        })
    }

    fn decode(self, realm: &Realm) -> Result<AuditRow, StoreError> {
        let unreadable = || StoreError::corrupt(format!("audit leaf {}", self.leaf));
        let record = self.record().ok_or_else(unreadable)?;
        if record.realm != realm.to_string() {
            return Err(unreadable());
        }
        Ok(AuditRow {
            leaf: count(self.leaf),
            realm: realm.clone(),
            at: time(self.at)?,
            event: record.event,
            commitment: self.commitment(),
            hash: self.hash,
        })
    }
}

fn actor_columns(actor: &Actor) -> (&'static str, Option<&str>, Option<&str>) {
    match actor {
        Actor::Person { id, organisation } => ("person", Some(id), Some(organisation.as_str())),
        Actor::Program { id, organisation } => ("program", Some(id), Some(organisation.as_str())),
        Actor::Edge { id, organisation } => ("edge", Some(id), Some(organisation.as_str())),
        Actor::Node => ("node", None, None),
        Actor::Stranger => ("stranger", None, None),
    }
}

fn outcome_name(outcome: oversight::Outcome) -> &'static str {
    match outcome {
        oversight::Outcome::Done => "done",
        oversight::Outcome::Refused => "refused",
    }
}
