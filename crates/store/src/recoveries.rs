//! Recoveries of accounts: who asked for one, who decided, and whether its link was used.

use oversight::Realm;

use crate::secrets::SecretHash;
use crate::sql::{Row, micros, params, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// The recovery of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Its id.
    pub id: String,
    /// The account.
    pub person: String,
    /// Why, in the asker's words.
    pub reason: String,
    /// The account of who asked.
    pub asked_by: String,
    /// When.
    pub asked: jiff::Timestamp,
    /// Until when it can be decided.
    pub expires: jiff::Timestamp,
    /// The account of who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided: Option<jiff::Timestamp>,
    /// How.
    pub approved: Option<bool>,
    /// When its link was used.
    pub used: Option<jiff::Timestamp>,
}

impl Recovery {
    /// Whether it waits for a decision at a time.
    #[must_use]
    pub fn is_open(&self, at: jiff::Timestamp) -> bool {
        self.decided.is_none() && at < self.expires
    }
}

/// Writes down that somebody asked.
///
/// # Errors
/// [`StoreError::Exists`] where one for the same account waits already.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, recovery: &Recovery) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let open = "SELECT COUNT(*) FROM recoveries WHERE realm = ?1 AND person = ?2 AND decided IS NULL AND expires > ?3";
    if tx.number(open, (key, &recovery.person, micros(tx.now())))? > 0 {
        return Err(StoreError::Exists { what: "a recovery of this account".to_owned() });
    }
    tx.insert(
        "INSERT INTO recoveries (realm, id, person, reason, asked_by, asked, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            key,
            recovery.id,
            recovery.person,
            recovery.reason,
            recovery.asked_by,
            micros(recovery.asked),
            micros(recovery.expires),
        ],
        "a recovery",
    )
}

/// A recovery by its id.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Recovery>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM recoveries WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// The newest recoveries, newest first.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm, limit: i64) -> Result<Vec<Recovery>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM recoveries WHERE realm = ?1 ORDER BY asked DESC, id LIMIT ?2");
    reader.rows(&sql, (reader.realm(realm)?, limit), read)
}

/// Writes a decision down, with the hash of the link where it is granted.
///
/// # Errors
/// [`StoreError::NotFound`] where nothing waits for one.
pub fn decide(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &str,
    by: &str,
    link: Option<&SecretHash>,
) -> Result<(), StoreError> {
    let now = micros(tx.now());
    let sql = "UPDATE recoveries SET decided_by = ?3, decided = ?4, approved = ?5, link = ?6
        WHERE realm = ?1 AND id = ?2 AND decided IS NULL AND expires > ?4";
    match tx.execute(sql, params![tx.realm(realm)?, id, by, now, link.is_some(), link.copied()])? {
        0 => Err(StoreError::not_found(id)),
        _ => Ok(()),
    }
}

/// Notes that a link was used, where it is a recovery's; the recovery's id.
///
/// # Errors
/// Those of the database.
pub fn used(tx: &mut Tx<'_>, realm: &Realm, link: &SecretHash) -> Result<Option<String>, StoreError> {
    let key = tx.realm(realm)?;
    let sql = "SELECT id FROM recoveries WHERE realm = ?1 AND link = ?2 AND used IS NULL";
    let id: Option<String> = tx.first(sql, (key, link), |row| row.get(0))?;
    if let Some(id) = &id {
        let sql = "UPDATE recoveries SET used = ?3 WHERE realm = ?1 AND id = ?2";
        tx.execute(sql, (key, id, micros(tx.now())))?;
    }
    Ok(id)
}

const COLUMNS: &str = "id, person, reason, asked_by, asked, expires, decided_by, decided, approved, used";

fn read(row: &Row<'_>) -> Result<Recovery, StoreError> {
    Ok(Recovery {
        id: row.get(0)?,
        person: row.get(1)?,
        reason: row.get(2)?,
        asked_by: row.get(3)?,
        asked: time(row.get(4)?)?,
        expires: time(row.get(5)?)?,
        decided_by: row.get(6)?,
        decided: time_opt(row.get(7)?)?,
        approved: row.get::<Option<i64>>(8)?.map(|approved| approved != 0),
        used: time_opt(row.get(9)?)?,
    })
}
