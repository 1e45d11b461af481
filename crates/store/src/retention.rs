//! The end of what is kept for a time only: which class keys of the vault are to be destroyed, which are, and what goes with them.

use oversight::Realm;
use uuid::Uuid;

use crate::sql::{Row, micros, params, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Rows one list gives at most.
pub const LIST_MAX: usize = 1_000;

/// The end of a class key. `intent` and `certificate` are texts of the vault's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Which.
    pub class_key: String,
    /// When it was decided.
    pub decided: jiff::Timestamp,
    /// What was decided; `None` where only the certificate was found.
    pub intent: Option<String>,
    /// When the certificate came.
    pub certified: Option<jiff::Timestamp>,
    /// The certificate.
    pub certificate: Option<String>,
}

/// Whether the end of a class key was decided: nothing is sealed under it any more.
///
/// # Errors
/// Those of the database.
pub fn is_over(reader: &Reader<'_>, realm: &Realm, class_key: &str) -> Result<bool, StoreError> {
    Ok(get(reader, realm, class_key)?.is_some())
}

/// The end of a class key, where it was decided.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn get(reader: &Reader<'_>, realm: &Realm, class_key: &str) -> Result<Option<End>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM class_key_ends WHERE realm = ?1 AND class_key = ?2");
    reader.first(&sql, (reader.realm(realm)?, class_key), read)
}

/// Writes down that a class key is to be destroyed.
///
/// # Errors
/// [`StoreError::Exists`] where that was decided before.
pub fn decide(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (class_key, authorisation): (&str, &str),
    intent: &str,
) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO class_key_ends (realm, class_key, authorisation, decided, intent, certified, certificate)
         VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL)",
        params![realm, class_key, authorisation, micros(tx.now()), intent],
        class_key,
    )
}

/// Keeps the certificate that a class key is gone, and removes what was sealed under it; gives how many went.
///
/// # Errors
/// [`StoreError::Exists`] where there is a certificate.
pub fn certify(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (class_key, authorisation): (&str, &str),
    certificate: &str,
) -> Result<usize, StoreError> {
    if get(tx, realm, class_key)?.is_some_and(|end| end.certificate.is_some()) {
        return Err(StoreError::Exists { what: class_key.to_owned() });
    }
    let realm = tx.realm_for_writing(realm)?;
    let now = micros(tx.now());
    tx.execute(
        "INSERT INTO class_key_ends (realm, class_key, authorisation, decided, intent, certified, certificate)
         VALUES (?1, ?2, ?3, ?4, NULL, ?4, ?5)
         ON CONFLICT (realm, class_key) DO UPDATE SET certified = excluded.certified, certificate = excluded.certificate",
        params![realm, class_key, authorisation, now, certificate],
    )?;
    tx.execute("DELETE FROM selections WHERE class_key = ?1", [class_key])
}

/// The ends of an authorisation's class keys, the last day first.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn of_authorisation(reader: &Reader<'_>, realm: &Realm, id: Uuid) -> Result<Vec<End>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM class_key_ends WHERE realm = ?1 AND authorisation = ?2 ORDER BY class_key DESC LIMIT ?3"
    );
    let limit = i64::try_from(LIST_MAX).unwrap_or(i64::MAX);
    reader.rows(&sql, (reader.realm(realm)?, id.to_string().as_str(), limit), read)
}

const COLUMNS: &str = "class_key, decided, intent, certified, certificate";

fn read(row: &Row<'_>) -> Result<End, StoreError> {
    Ok(End {
        class_key: row.get(0)?,
        decided: time(row.get(1)?)?,
        intent: row.get(2)?,
        certified: time_opt(row.get(3)?)?,
        certificate: row.get(4)?,
    })
}
