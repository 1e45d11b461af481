//! Passkey ceremonies under way: what the authenticator's answer will be checked against. In the store, since the answer may reach
//! another hub than the question came from.

use oversight::Realm;

use crate::sql::micros;
use crate::{Reader, StoreError, Tx};

/// Most ceremonies under way; beyond it the oldest is dropped, so that strangers cannot fill the store.
pub const CHALLENGES_MAX: i64 = 4_096;

/// Keeps a ceremony until a time, and drops those that have ended.
///
/// # Errors
/// [`StoreError::Exists`] when the id is taken.
pub fn keep(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &uuid::Uuid,
    expires: jiff::Timestamp,
    body: &str,
) -> Result<(), StoreError> {
    let (realm, id) = (tx.realm_for_writing(realm)?, id.to_string());
    tx.execute("DELETE FROM challenges WHERE realm = ?1 AND expires <= ?2", (realm, micros(tx.now())))?;
    let beyond = tx.number("SELECT COUNT(*) FROM challenges WHERE realm = ?1", [realm])? - CHALLENGES_MAX + 1;
    if beyond > 0 {
        tx.execute(
            "DELETE FROM challenges WHERE realm = ?1
             AND id IN (SELECT id FROM challenges WHERE realm = ?1 ORDER BY expires, id LIMIT ?2)",
            (realm, beyond),
        )?;
    }
    tx.insert(
        "INSERT INTO challenges (realm, id, expires, body) VALUES (?1, ?2, ?3, ?4)",
        (realm, &id, micros(expires), body),
        &id,
    )
}

/// Takes a ceremony out: an answer can be tried once, wherever. `None` when it is unknown, used or ended.
///
/// # Errors
/// Those of the database.
pub fn take(tx: &mut Tx<'_>, realm: &Realm, id: &uuid::Uuid) -> Result<Option<String>, StoreError> {
    let (realm, id) = (tx.realm(realm)?, id.to_string());
    let sql = "SELECT body FROM challenges WHERE realm = ?1 AND id = ?2 AND expires > ?3";
    let body = tx.first(sql, (realm, &id, micros(tx.now())), |row| row.get(0))?;
    tx.execute("DELETE FROM challenges WHERE realm = ?1 AND id = ?2", (realm, &id))?;
    Ok(body)
}

/// How many ceremonies are under way.
///
/// # Errors
/// Those of the database.
pub fn count(reader: &Reader<'_>, realm: &Realm) -> Result<u64, StoreError> {
    let open = reader.number("SELECT COUNT(*) FROM challenges WHERE realm = ?1", [reader.realm(realm)?])?;
    Ok(crate::sql::count(open))
}
