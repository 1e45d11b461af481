//! The log of authorisations: a row and a leaf ([`Tree::Authorisations`]) for whatever is asked of, decided by or done under the
//! commission, in the transaction of the act. Only the functions that change something append; there is no other way in.

use oversight::authorisation::{Entry, EntryKind};
use tlog::{Hash, leaf_hash};
use uuid::Uuid;

use crate::sql::{Row, count, micros, params, parsed, stored, time};
use crate::trees::{Tree, VERIFY_CHUNK};
use crate::{Reader, StoreError, Tx, secrets};

/// Bytes of one record at most: terms with 200 operators, and the answers of a large commission.
pub const RECORD_BYTES_MAX: usize = 512 * 1024;
/// Rows one list gives at most.
pub const LIST_MAX: usize = 1000;

/// One entry with what it commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its leaf in the tree, from 0.
    pub leaf: u64,
    /// When, on the store's clock.
    pub at: jiff::Timestamp,
    /// What it is about.
    pub kind: EntryKind,
    /// Under or about which authorisation, where it is about one.
    pub authorisation: Option<Uuid>,
    /// The bytes in the log.
    pub entry: Vec<u8>,
    /// What it commits to.
    pub record: Vec<u8>,
    /// With what it is salted.
    pub salt: [u8; 32],
}

/// What is appended.
pub(crate) struct NewEntry<'r> {
    pub(crate) kind: EntryKind,
    /// The leaf that it follows.
    pub(crate) about: Option<u64>,
    pub(crate) authorisation: Option<Uuid>,
    pub(crate) record: &'r [u8],
}

/// The bytes of the entries `from .. to`, in order.
///
/// # Errors
/// Those of the database.
pub fn entries(reader: &Reader<'_>, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
    let sql = "SELECT entry FROM authorisation_log WHERE leaf >= ?1 AND leaf < ?2 ORDER BY leaf";
    reader.rows(sql, (stored(from), stored(to)), |row| row.get(0))
}

/// The entries from `from` on with what they commit to, in order; at most [`LIST_MAX`].
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn logged(reader: &Reader<'_>, from: u64) -> Result<Vec<Logged>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM authorisation_log WHERE leaf >= ?1 ORDER BY leaf LIMIT {LIST_MAX}");
    reader.rows(&sql, [stored(from)], read)
}

/// What happened to an authorisation, oldest first, without its uses; at most [`LIST_MAX`].
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn of_authorisation(reader: &Reader<'_>, id: Uuid) -> Result<Vec<Logged>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM authorisation_log WHERE authorisation = ?1 AND kind <> ?2 ORDER BY leaf LIMIT ?3"
    );
    let limit = i64::try_from(LIST_MAX).unwrap_or(i64::MAX);
    reader.rows(&sql, params![id.to_string(), EntryKind::Use.name(), limit], read)
}

/// In which order what happened to an authorisation, and when on the store's clock, without its uses; at most [`LIST_MAX`].
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn steps_of(reader: &Reader<'_>, id: Uuid) -> Result<Vec<(EntryKind, jiff::Timestamp)>, StoreError> {
    let sql = "SELECT kind, at FROM authorisation_log WHERE authorisation = ?1 AND kind <> ?2 ORDER BY leaf LIMIT ?3";
    let limit = i64::try_from(LIST_MAX).unwrap_or(i64::MAX);
    reader.rows(sql, params![id.to_string(), EntryKind::Use.name(), limit], |row| {
        Ok((parsed("kind of entry", row.text(0)?, EntryKind::parse)?, time(row.get(1)?)?))
    })
}

/// The newest entry of a kind about an authorisation.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn last_of(reader: &Reader<'_>, id: Uuid, kind: EntryKind) -> Result<Option<Logged>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM authorisation_log WHERE authorisation = ?1 AND kind = ?2 ORDER BY leaf DESC LIMIT 1"
    );
    reader.first(&sql, params![id.to_string(), kind.name()], read)
}

/// One entry.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn get(reader: &Reader<'_>, leaf: u64) -> Result<Option<Logged>, StoreError> {
    reader.first(&format!("SELECT {COLUMNS} FROM authorisation_log WHERE leaf = ?1"), [stored(leaf)], read)
}

/// Computes every entry's commitment and the whole tree from the rows, and compares with what is stored. Gives size and root.
///
/// # Errors
/// [`StoreError::Corrupt`], naming the first leaf or node that is not what its row makes it.
pub fn verify(reader: &Reader<'_>) -> Result<(u64, Hash), StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, about FROM authorisation_log WHERE leaf >= ?1 ORDER BY leaf LIMIT {VERIFY_CHUNK}"
    );
    let rows =
        |from| reader.rows(&sql, [from], |row| Ok((read(row)?, row.get::<Option<i64>>(7)?.map(count))));
    Tree::Authorisations.verify(reader, rows, |(row, about), leaf| {
        if row.leaf != leaf {
            return Err("the row is missing");
        }
        let entry = Entry::read(&row.entry).map_err(|_| "its entry cannot be read")?;
        if !entry.commits_to(&row.salt, &row.record) {
            return Err("its entry does not commit to its record");
        }
        if entry.kind != row.kind || entry.of != *about {
            return Err("its columns are not those of its entry");
        }
        Ok(leaf_hash(&row.entry))
    })
}

/// Appends an entry; gives its leaf. Where the clock went back, the entry bears the hour of the one before it: time runs forward in
/// the log, and an edge follows no other.
pub(crate) fn append(tx: &Tx<'_>, new: &NewEntry<'_>) -> Result<u64, StoreError> {
    if new.record.is_empty() || new.record.len() > RECORD_BYTES_MAX {
        return Err(StoreError::Limit {
            what: "a record of the log of authorisations, in bytes,",
            limit: RECORD_BYTES_MAX,
        });
    }
    let leaf = Tree::Authorisations.next(tx)?;
    let before = leaf.checked_sub(1).map(|before| get(tx, before)).transpose()?.flatten();
    let hour = before.and_then(|before| Entry::read(&before.entry).ok()).map(|entry| entry.hour);
    let at = hour.map_or(tx.now(), |hour| tx.now().max(hour));
    let salt = secrets::random()?;
    let entry = Entry::new(new.kind, at, new.about, (&salt, new.record)).to_bytes();
    let hash = leaf_hash(&entry);
    tx.execute(
        "INSERT INTO authorisation_log (leaf, at, kind, about, authorisation, entry, record, salt, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            stored(leaf),
            micros(tx.now()),
            new.kind.name(),
            new.about.map(stored),
            new.authorisation.map(|id| id.to_string()),
            entry,
            new.record,
            salt,
            hash
        ],
    )?;
    Tree::Authorisations.grow(tx, hash)?;
    Ok(leaf)
}

const COLUMNS: &str = "leaf, at, kind, authorisation, entry, record, salt";

fn read(row: &Row<'_>) -> Result<Logged, StoreError> {
    let authorisation: Option<String> = row.get(3)?;
    Ok(Logged {
        leaf: count(row.get(0)?),
        at: time(row.get(1)?)?,
        kind: parsed("kind of entry", &row.get::<String>(2)?, EntryKind::parse)?,
        authorisation: authorisation.as_deref().map(super::id).transpose()?,
        entry: row.get(4)?,
        record: row.get(5)?,
        salt: row.get(6)?,
    })
}
