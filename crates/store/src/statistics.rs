//! The log of statistics: what the public is told in numbers of state-tasked monitoring. An entry is a statement that somebody signed, byte
//! for byte, so whoever reads the published log needs nothing else ([`Tree::Statistics`]).
//!
//! Whether a statement may be published is decided by the caller, in the transaction that appends it.

use oversight::authorisation::{STATEMENT_BYTES_MAX, Statement};
use tlog::{Hash, VerifyingKey, leaf_hash};

use crate::sql::{Row, count, micros, params, stored, time};
use crate::trees::{Tree, VERIFY_CHUNK};
use crate::{Reader, StoreError, Tx};

/// Rows one page gives at most.
pub const PAGE_MAX: usize = 100;

/// A statement in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its leaf in the tree, from 0.
    pub leaf: u64,
    /// When it was published, on the store's clock.
    pub at: jiff::Timestamp,
    /// What it says, and who signed it.
    pub statement: Statement,
    /// The note itself.
    pub note: String,
    /// The statement that it takes the place of.
    pub corrects: Option<u64>,
    /// The one that took its place.
    pub corrected_by: Option<u64>,
}

/// Appends a statement; gives its leaf. `corrects` is the leaf that it takes the place of.
///
/// # Errors
/// [`StoreError::Exists`] where the same note is there, or that leaf was corrected before; [`StoreError::Limit`].
pub fn append(
    tx: &mut Tx<'_>,
    (statement, note): (&Statement, &str),
    corrects: Option<u64>,
) -> Result<u64, StoreError> {
    if note.len() > STATEMENT_BYTES_MAX {
        return Err(StoreError::Limit { what: "a statement, in bytes,", limit: STATEMENT_BYTES_MAX });
    }
    let leaf = Tree::Statistics.next(tx)?;
    let hash = leaf_hash(note.as_bytes());
    tx.insert(
        "INSERT INTO statistics_log (leaf, at, period_from, period_until, corrects, key, note, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            stored(leaf),
            micros(tx.now()),
            micros(statement.statistics.from),
            micros(statement.statistics.until),
            corrects.map(stored),
            statement.key.encode(),
            note.as_bytes(),
            hash
        ],
        "this statement, or a correction of the one that it corrects",
    )?;
    Tree::Statistics.grow(tx, hash)?;
    Ok(leaf)
}

/// Statements, newest first: before a leaf, at most [`PAGE_MAX`].
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn page(reader: &Reader<'_>, before: Option<u64>, limit: usize) -> Result<Vec<Published>, StoreError> {
    let limit = i64::try_from(limit.min(PAGE_MAX)).unwrap_or(0);
    let sql = format!("{SELECT} WHERE leaf < ?1 ORDER BY leaf DESC LIMIT ?2");
    reader.rows(&sql, (before.map_or(i64::MAX, stored), limit), read)
}

/// One statement.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn get(reader: &Reader<'_>, leaf: u64) -> Result<Option<Published>, StoreError> {
    reader.first(&format!("{SELECT} WHERE leaf = ?1"), [stored(leaf)], read)
}

/// The statement whose note has this hash as a leaf.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn by_hash(reader: &Reader<'_>, hash: &Hash) -> Result<Option<Published>, StoreError> {
    reader.first(&format!("{SELECT} WHERE hash = ?1"), [*hash], read)
}

/// The first statement that stands (nothing took its place) about a period that shares time with this one, but for `except`.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn standing_within(
    reader: &Reader<'_>,
    (from, until): (jiff::Timestamp, jiff::Timestamp),
    except: Option<u64>,
) -> Result<Option<Published>, StoreError> {
    let sql = format!(
        "{SELECT} WHERE period_from < ?2 AND period_until > ?1 AND leaf <> ?3
           AND NOT EXISTS (SELECT 1 FROM statistics_log AS later WHERE later.corrects = statistics_log.leaf)
         ORDER BY leaf LIMIT 1"
    );
    reader.first(&sql, (micros(from), micros(until), except.map_or(-1, stored)), read)
}

/// The bytes of the entries `from .. to`, in order.
///
/// # Errors
/// Those of the database.
pub fn entries(reader: &Reader<'_>, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
    let sql = "SELECT note FROM statistics_log WHERE leaf >= ?1 AND leaf < ?2 ORDER BY leaf";
    reader.rows(sql, (stored(from), stored(to)), |row| row.get(0))
}

/// Reads every statement, computes the whole tree from the rows, and compares with what is stored. Gives size and root.
///
/// # Errors
/// [`StoreError::Corrupt`], naming the first leaf or node that is not what its row makes it.
pub fn verify(reader: &Reader<'_>) -> Result<(u64, Hash), StoreError> {
    let sql = format!(
        "SELECT leaf, period_from, period_until, corrects, key, note FROM statistics_log WHERE leaf >= ?1
         ORDER BY leaf LIMIT {VERIFY_CHUNK}"
    );
    let rows = |from| reader.rows(&sql, [from], raw);
    Tree::Statistics.verify(reader, rows, |row, leaf| {
        if row.leaf != leaf {
            return Err("the row is missing");
        }
        let statement = row.statement().ok_or("its note is not a statement of its key")?;
        let said = (micros(statement.statistics.from), micros(statement.statistics.until));
        let corrected = row.corrects.map(|corrected| by_hash_of(reader, corrected)).transpose();
        let is_same = said == row.period && corrected.ok() == Some(statement.corrects);
        if is_same { Ok(statement.hash) } else { Err("its columns are not those of its note") }
    })
}

/// A row as it is compared.
struct Raw {
    leaf: u64,
    period: (i64, i64),
    corrects: Option<i64>,
    key: String,
    note: Vec<u8>,
}

impl Raw {
    fn statement(&self) -> Option<Statement> {
        let key = VerifyingKey::parse(&self.key).ok()?;
        Statement::read(std::str::from_utf8(&self.note).ok()?, &[key]).ok()
    }
}

fn raw(row: &Row<'_>) -> Result<Raw, StoreError> {
    Ok(Raw {
        leaf: count(row.get(0)?),
        period: (row.get(1)?, row.get(2)?),
        corrects: row.get(3)?,
        key: row.get(4)?,
        note: row.get(5)?,
    })
}

fn by_hash_of(reader: &Reader<'_>, leaf: i64) -> Result<Hash, StoreError> {
    let hash = reader.first("SELECT hash FROM statistics_log WHERE leaf = ?1", [leaf], |row| row.get(0))?;
    hash.ok_or_else(|| StoreError::corrupt(format!("statistics leaf {leaf} is missing")))
}

const SELECT: &str = "SELECT leaf, at, key, note, corrects,
    (SELECT MIN(later.leaf) FROM statistics_log AS later WHERE later.corrects = statistics_log.leaf) FROM statistics_log";

fn read(row: &Row<'_>) -> Result<Published, StoreError> {
    let leaf = count(row.get(0)?);
    let wrong = || StoreError::corrupt(format!("statistics leaf {leaf}"));
    let key = VerifyingKey::parse(row.text(2)?).map_err(|_| wrong())?;
    let note = String::from_utf8(row.get(3)?).map_err(|_| wrong())?;
    Ok(Published {
        leaf,
        at: time(row.get(1)?)?,
        statement: Statement::read(&note, &[key]).map_err(|_| wrong())?,
        note,
        corrects: row.get::<Option<i64>>(4)?.map(count),
        corrected_by: row.get::<Option<i64>>(5)?.map(count),
    })
}
