//! One-time sign-in links; a link's secret is kept as its hash.

use oversight::Realm;

use crate::secrets::SecretHash;
use crate::sql::micros;
use crate::{StoreError, Tx};

/// Adds a link that signs a person in once, until `expires`.
///
/// # Errors
/// Those of the database.
pub fn add(
    tx: &mut Tx<'_>,
    realm: &Realm,
    hash: &SecretHash,
    person: &str,
    expires: jiff::Timestamp,
) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO links (realm, hash, person, expires) VALUES (?1, ?2, ?3, ?4)",
        (realm, hash, person, micros(expires)),
        "sign-in link",
    )
}

/// Uses a link up and gives its person; `None` when it is unknown, used or expired. Of two at the same time one wins,
/// for there is one writer.
///
/// # Errors
/// Those of the database.
pub fn redeem(tx: &mut Tx<'_>, realm: &Realm, hash: &SecretHash) -> Result<Option<String>, StoreError> {
    let (realm, now) = (tx.realm(realm)?, micros(tx.now()));
    let sql = "SELECT person FROM links WHERE realm = ?1 AND hash = ?2 AND expires > ?3";
    let person = tx.first(sql, (realm, hash, now), |row| row.get(0))?;
    tx.execute("DELETE FROM links WHERE realm = ?1 AND hash = ?2", (realm, hash))?;
    Ok(person)
}

/// Removes the links of a person, for instance when a new one is printed, and gives their number.
///
/// # Errors
/// Those of the database.
pub fn remove_all(tx: &mut Tx<'_>, realm: &Realm, person: &str) -> Result<usize, StoreError> {
    tx.execute("DELETE FROM links WHERE realm = ?1 AND person = ?2", (tx.realm(realm)?, person))
}

/// Removes the links that have expired and gives their number.
///
/// # Errors
/// Those of the database.
pub fn purge(tx: &mut Tx<'_>, realm: &Realm) -> Result<usize, StoreError> {
    tx.execute("DELETE FROM links WHERE realm = ?1 AND expires <= ?2", (tx.realm(realm)?, micros(tx.now())))
}
