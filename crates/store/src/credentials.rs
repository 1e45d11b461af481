//! People's passkeys.

use oversight::Realm;

use crate::sql::{Row, micros, params, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// A registered passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its id here.
    pub id: String,
    /// The account.
    pub person: String,
    /// The authenticator's credential id, unique in the realm.
    pub credential_id: Vec<u8>,
    /// What the person called it.
    pub name: String,
    /// The library's credential as JSON.
    pub credential: String,
    /// When it was registered.
    pub created: jiff::Timestamp,
    /// When it last signed somebody in.
    pub last_used: Option<jiff::Timestamp>,
}

/// Adds a passkey.
///
/// # Errors
/// [`StoreError::Exists`] when the credential is registered already.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, passkey: &Passkey) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO passkeys (realm, id, person, credential_id, name, credential, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            realm,
            passkey.id,
            passkey.person,
            passkey.credential_id,
            passkey.name,
            passkey.credential,
            micros(passkey.created),
        ],
        &passkey.name,
    )
}

/// A person's passkeys, oldest first.
///
/// # Errors
/// Those of the database.
pub fn of_person(reader: &Reader<'_>, realm: &Realm, person: &str) -> Result<Vec<Passkey>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM passkeys WHERE realm = ?1 AND person = ?2 ORDER BY created, id");
    reader.rows(&sql, (reader.realm(realm)?, person), read)
}

/// The passkey with an authenticator's credential id.
///
/// # Errors
/// Those of the database.
pub fn by_credential_id(
    reader: &Reader<'_>,
    realm: &Realm,
    id: &[u8],
) -> Result<Option<Passkey>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM passkeys WHERE realm = ?1 AND credential_id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// Notes that a passkey signed somebody in, with the credential as it is now (its counter moves).
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn used(tx: &mut Tx<'_>, realm: &Realm, id: &str, credential: &str) -> Result<(), StoreError> {
    let sql = "UPDATE passkeys SET credential = ?3, last_used = ?4 WHERE realm = ?1 AND id = ?2";
    match tx.execute(sql, (tx.realm(realm)?, id, credential, micros(tx.now())))? {
        0 => Err(StoreError::not_found(id)),
        _ => Ok(()),
    }
}

/// Removes a person's passkey; whether there was one.
///
/// # Errors
/// Those of the database.
pub fn remove(tx: &mut Tx<'_>, realm: &Realm, person: &str, id: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM passkeys WHERE realm = ?1 AND person = ?2 AND id = ?3";
    Ok(tx.execute(sql, (tx.realm(realm)?, person, id))? > 0)
}

const COLUMNS: &str = "id, person, credential_id, name, credential, created, last_used";

fn read(row: &Row<'_>) -> Result<Passkey, StoreError> {
    Ok(Passkey {
        id: row.get(0)?,
        person: row.get(1)?,
        credential_id: row.get(2)?,
        name: row.get(3)?,
        credential: row.get(4)?,
        created: time(row.get(5)?)?,
        last_used: time_opt(row.get(6)?)?,
    })
}
