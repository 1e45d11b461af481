//! Small things of the node itself: its name, its keys, the id of its collection.

use oversight::Realm;

use crate::{Reader, StoreError, Tx};

/// The longest value in bytes.
pub const SETTING_BYTES_MAX: usize = 1 << 20;

/// A setting's value.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let realm = reader.realm(realm)?;
    reader.first("SELECT value FROM settings WHERE realm = ?1 AND name = ?2", (realm, name), |row| row.get(0))
}

/// Sets a value, in place of an older one.
///
/// # Errors
/// [`StoreError::Limit`] over [`SETTING_BYTES_MAX`].
pub fn put(tx: &mut Tx<'_>, realm: &Realm, name: &str, value: &[u8]) -> Result<(), StoreError> {
    if value.len() > SETTING_BYTES_MAX {
        return Err(StoreError::Limit { what: "a setting, in bytes,", limit: SETTING_BYTES_MAX });
    }
    let realm = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO settings (realm, name, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (realm, name) DO UPDATE SET value = excluded.value",
        (realm, name, value),
    )?;
    Ok(())
}
