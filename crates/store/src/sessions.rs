//! Sessions of people who are signed in; the cookie's secret is kept as its hash.

use oversight::Realm;

use crate::secrets::SecretHash;
use crate::sql::{Row, micros, params, time};
use crate::{Reader, StoreError, Tx, runs};

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
    /// How and from where it began.
    pub origin: Origin,
}

/// How and from where a session began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// By what the person proved who it is, such as `passkey`; empty where an older program did not write it down.
    pub means: String,
    /// The identity provider that vouched for the person, where one did.
    pub provider: Option<String>,
    /// The network address; empty where an older program did not write it down.
    pub address: String,
    /// What the browser called itself.
    pub agent: String,
}

impl Session {
    /// What others may call it by. It tells nothing of the secret, nor of the hash that the secret is looked up by.
    #[must_use]
    pub fn id(&self) -> String {
        let named = crate::secrets::hash(&format!("session {}", hex::encode(self.hash)));
        hex::encode(named).chars().take(32).collect()
    }
}

/// Adds a session.
///
/// # Errors
/// Those of the database.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, session: &Session) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO sessions (realm, hash, person, csrf, created, expires, seen, means, provider, address, agent)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            realm,
            session.hash,
            session.person,
            session.csrf,
            micros(session.created),
            micros(session.expires),
            micros(session.seen),
            session.origin.means,
            session.origin.provider,
            session.origin.address,
            session.origin.agent,
        ],
        "session",
    )
}

/// The session of a secret, unless it has expired on the store's clock.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, hash: &SecretHash) -> Result<Option<Session>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sessions WHERE realm = ?1 AND hash = ?2 AND expires > ?3");
    reader.first(&sql, (reader.realm(realm)?, hash, micros(reader.now())), read)
}

/// A person's sessions that have not expired, the one used last first.
///
/// # Errors
/// Those of the database.
pub fn of_person(reader: &Reader<'_>, realm: &Realm, person: &str) -> Result<Vec<Session>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions WHERE realm = ?1 AND person = ?2 AND expires > ?3 ORDER BY seen DESC, hash"
    );
    reader.rows(&sql, (reader.realm(realm)?, person, micros(reader.now())), read)
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

/// Ends a session because its person signs out, or in again; whether there was one. What was approved in it counts on.
///
/// # Errors
/// Those of the database.
pub fn end(tx: &mut Tx<'_>, realm: &Realm, hash: &SecretHash) -> Result<bool, StoreError> {
    let sql = "DELETE FROM sessions WHERE realm = ?1 AND hash = ?2";
    Ok(tx.execute(sql, (tx.realm(realm)?, hash))? > 0)
}

/// Ends a session that may be in wrong hands; whether there was one. What was approved in it does not count any more.
///
/// # Errors
/// Those of the database.
pub fn revoke(tx: &mut Tx<'_>, realm: &Realm, session: &Session) -> Result<bool, StoreError> {
    runs::revoke_approvals(tx, realm, &session.person, Some(&session.hash))?;
    end(tx, realm, &session.hash)
}

/// Ends all sessions of a person and gives their number. What was approved in them does not count any more.
///
/// # Errors
/// Those of the database.
pub fn end_all(tx: &mut Tx<'_>, realm: &Realm, person: &str) -> Result<usize, StoreError> {
    runs::revoke_approvals(tx, realm, person, None)?;
    tx.execute("DELETE FROM sessions WHERE realm = ?1 AND person = ?2", (tx.realm(realm)?, person))
}

/// Ends all sessions that an identity provider vouched for, and gives their number. What was approved in them does not count any more.
///
/// # Errors
/// Those of the database.
pub fn end_of_provider(tx: &mut Tx<'_>, realm: &Realm, provider: &str) -> Result<usize, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sessions WHERE realm = ?1 AND provider = ?2");
    for session in tx.rows(&sql, (tx.realm(realm)?, provider), read)? {
        runs::revoke_approvals(tx, realm, &session.person, Some(&session.hash))?;
    }
    tx.execute("DELETE FROM sessions WHERE realm = ?1 AND provider = ?2", (tx.realm(realm)?, provider))
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

const COLUMNS: &str = "hash, person, csrf, created, expires, seen, means, provider, address, agent";

fn read(row: &Row<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        hash: row.get(0)?,
        person: row.get(1)?,
        csrf: row.get(2)?,
        created: time(row.get(3)?)?,
        expires: time(row.get(4)?)?,
        seen: time(row.get(5)?)?,
        origin: Origin {
            means: row.get(6)?,
            provider: row.get(7)?,
            address: row.get(8)?,
            agent: row.get(9)?,
        },
    })
}
