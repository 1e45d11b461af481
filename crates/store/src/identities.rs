//! Whom an identity provider means: an account is known by issuer and subject together, and by nothing else that a provider says.

use oversight::Realm;

use crate::sql::{Row, micros, params, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// What ties an account to an issuer's subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The issuer.
    pub issuer: String,
    /// The subject there. Issuers give it to nobody else.
    pub subject: String,
    /// The account.
    pub person: String,
    /// Since when.
    pub created: jiff::Timestamp,
    /// When it last signed somebody in.
    pub last_used: Option<jiff::Timestamp>,
}

/// Ties an account to a subject.
///
/// # Errors
/// [`StoreError::Exists`] where the subject is tied to an account, or the account to a subject of this issuer.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, identity: &Identity) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO identities (realm, issuer, subject, person, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![realm, identity.issuer, identity.subject, identity.person, micros(identity.created)],
        "a tie to this issuer",
    )
}

/// Whom an issuer means by a subject.
///
/// # Errors
/// Those of the database.
pub fn get(
    reader: &Reader<'_>,
    realm: &Realm,
    issuer: &str,
    subject: &str,
) -> Result<Option<Identity>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM identities WHERE realm = ?1 AND issuer = ?2 AND subject = ?3");
    reader.first(&sql, (reader.realm(realm)?, issuer, subject), read)
}

/// An account's ties, oldest first.
///
/// # Errors
/// Those of the database.
pub fn of_person(reader: &Reader<'_>, realm: &Realm, person: &str) -> Result<Vec<Identity>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM identities WHERE realm = ?1 AND person = ?2 ORDER BY created, issuer");
    reader.rows(&sql, (reader.realm(realm)?, person), read)
}

/// Notes that somebody signed in by it.
///
/// # Errors
/// Those of the database.
pub fn used(tx: &mut Tx<'_>, realm: &Realm, issuer: &str, subject: &str) -> Result<(), StoreError> {
    let sql = "UPDATE identities SET last_used = ?4 WHERE realm = ?1 AND issuer = ?2 AND subject = ?3";
    tx.execute(sql, (tx.realm(realm)?, issuer, subject, micros(tx.now())))?;
    Ok(())
}

/// Unties an account from an issuer; whether it was tied.
///
/// # Errors
/// Those of the database.
pub fn remove(tx: &mut Tx<'_>, realm: &Realm, issuer: &str, person: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM identities WHERE realm = ?1 AND issuer = ?2 AND person = ?3";
    Ok(tx.execute(sql, (tx.realm(realm)?, issuer, person))? > 0)
}

const COLUMNS: &str = "issuer, subject, person, created, last_used";

fn read(row: &Row<'_>) -> Result<Identity, StoreError> {
    Ok(Identity {
        issuer: row.get(0)?,
        subject: row.get(1)?,
        person: row.get(2)?,
        created: time(row.get(3)?)?,
        last_used: time_opt(row.get(4)?)?,
    })
}
