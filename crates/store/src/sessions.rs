//! Sessions of people who are signed in; the cookie's secret is kept as its hash.

use oversight::Realm;

use crate::secrets::SecretHash;
use crate::sql::{micros, params, time};
use crate::{Reader, StoreError, Tx};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The hash of the cookie's secret.
    pub hash: SecretHash,
    /// The account.
    pub person: String,
    /// What requests that change something must bring.
    pub csrf: String,
    /// When it began.
    pub created: jiff::Timestamp,
    /// When it ends.
    pub expires: jiff::Timestamp,
    /// When it was last used.
    pub seen: jiff::Timestamp,
}

/// Adds a session.
///
/// # Errors
/// Those of the database.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, session: &Session) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO sessions (realm, hash, person, csrf, created, expires, seen)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            realm,
            session.hash,
            session.person,
            session.csrf,
            micros(session.created),
            micros(session.expires),
            micros(session.seen),
        ],
        "session",
    )
}

/// The session of a secret, unless it has expired on the store's clock.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, hash: &SecretHash) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT hash, person, csrf, created, expires, seen FROM sessions
        WHERE realm = ?1 AND hash = ?2 AND expires > ?3";
    reader.first(sql, (reader.realm(realm)?, hash, micros(reader.now())), |row| {
        Ok(Session {
            hash: row.get(0)?,
            person: row.get(1)?,
            csrf: row.get(2)?,
            created: time(row.get(3)?)?,
            expires: time(row.get(4)?)?,
            seen: time(row.get(5)?)?,
        })
    })
}

/// Notes that a session was used, and until when it now lasts.
///
/// # Errors
/// Those of the database.
pub fn touch(
    tx: &mut Tx<'_>,
    realm: &Realm,
    hash: &SecretHash,
    expires: jiff::Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE sessions SET seen = ?3, expires = ?4 WHERE realm = ?1 AND hash = ?2";
    tx.execute(sql, (tx.realm(realm)?, hash, micros(tx.now()), micros(expires)))?;
    Ok(())
}

/// Ends a session; whether there was one.
///
/// # Errors
/// Those of the database.
pub fn end(tx: &mut Tx<'_>, realm: &Realm, hash: &SecretHash) -> Result<bool, StoreError> {
    let sql = "DELETE FROM sessions WHERE realm = ?1 AND hash = ?2";
    Ok(tx.execute(sql, (tx.realm(realm)?, hash))? > 0)
}

/// Ends all sessions of a person and gives their number.
///
/// # Errors
/// Those of the database.
pub fn end_all(tx: &mut Tx<'_>, realm: &Realm, person: &str) -> Result<usize, StoreError> {
    tx.execute("DELETE FROM sessions WHERE realm = ?1 AND person = ?2", (tx.realm(realm)?, person))
}

/// Removes the sessions that have expired and gives their number.
///
/// # Errors
/// Those of the database.
pub fn purge(tx: &mut Tx<'_>, realm: &Realm) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM sessions WHERE realm = ?1 AND expires <= ?2",
        (tx.realm(realm)?, micros(tx.now())),
    )
}
