//! TAXII status resources (TAXII 2.1 §4.3): what became of a post, for its submitter alone.

use oversight::Realm;

use crate::sql::micros;
use crate::{Reader, StoreError, Tx};

/// A status is kept at least this long, in hours (TAXII 2.1 §4.3: 24 hours).
pub const STATUS_HOURS_MIN: i64 = 24;
/// The largest status body in bytes.
pub const STATUS_BYTES_MAX: usize = 16 << 20;
/// Statuses of one realm at most; beyond it, posts are refused until old ones are a day old.
pub const STATUSES_MAX: usize = 1_000_000;

/// Stores a status, given as its JSON text, for the principal `submitter`, and removes what is older than
/// [`STATUS_HOURS_MIN`].
///
/// # Errors
/// [`StoreError::Exists`]; [`StoreError::Limit`].
pub fn put(tx: &mut Tx<'_>, realm: &Realm, id: &str, submitter: &str, body: &[u8]) -> Result<(), StoreError> {
    if body.len() > STATUS_BYTES_MAX {
        return Err(StoreError::Limit { what: "a status, in bytes,", limit: STATUS_BYTES_MAX });
    }
    purge(tx, realm)?;
    let realm = tx.realm_for_writing(realm)?;
    let max = i64::try_from(STATUSES_MAX).unwrap_or(i64::MAX);
    // The oldest by time stands in for a count, which would read every row.
    if tx.number(
        "SELECT COUNT(*) FROM (SELECT 1 FROM statuses WHERE realm = ?1 LIMIT ?2) AS few",
        (realm, max),
    )? >= max
    {
        return Err(StoreError::Limit { what: "the number of statuses within a day", limit: STATUSES_MAX });
    }
    tx.insert(
        "INSERT INTO statuses (realm, id, submitter, created, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        (realm, id, submitter, micros(tx.now()), body),
        id,
    )
}

/// The status with this id, if this principal submitted it.
///
/// # Errors
/// Those of the database.
pub fn get(
    reader: &Reader<'_>,
    realm: &Realm,
    id: &str,
    submitter: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT body FROM statuses WHERE realm = ?1 AND id = ?2 AND submitter = ?3";
    reader.first(sql, (reader.realm(realm)?, id, submitter), |row| row.get(0))
}

/// Removes statuses older than [`STATUS_HOURS_MIN`] and gives their number.
///
/// # Errors
/// Those of the database.
pub fn purge(tx: &mut Tx<'_>, realm: &Realm) -> Result<usize, StoreError> {
    let age = jiff::SignedDuration::from_hours(STATUS_HOURS_MIN);
    let before = tx.now().checked_sub(age).unwrap_or(jiff::Timestamp::MIN);
    tx.execute("DELETE FROM statuses WHERE realm = ?1 AND created < ?2", (tx.realm(realm)?, micros(before)))
}
