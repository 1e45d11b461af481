//! The content of items, sealed, in pieces: what comes by one upload is kept apart from what comes by another.

use oversight::Realm;
use uuid::Uuid;

use crate::sql::{params, stored};
use crate::{Reader, StoreError, Tx};

/// Keeps a piece.
///
/// # Errors
/// [`StoreError::Exists`] where the upload has that piece.
pub fn add(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (item, upload, number): (Uuid, Uuid, u64),
    sealed: &[u8],
) -> Result<(), StoreError> {
    let (item, upload) = (item.to_string(), upload.to_string());
    tx.insert(
        "INSERT INTO evidence_chunks (realm, item, upload, number, sealed) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![tx.realm(realm)?, item, upload, stored(number), sealed],
        &item,
    )
}

/// A piece.
///
/// # Errors
/// Those of the database.
pub fn get(
    reader: &Reader<'_>,
    realm: &Realm,
    (item, upload, number): (Uuid, Uuid, u64),
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql =
        "SELECT sealed FROM evidence_chunks WHERE realm = ?1 AND item = ?2 AND upload = ?3 AND number = ?4";
    let (item, upload) = (item.to_string(), upload.to_string());
    let realm = reader.realm(realm)?;
    reader.first(sql, (realm, &item, &upload, stored(number)), |row| row.get(0))
}

/// Removes the pieces of one upload.
///
/// # Errors
/// Those of the database.
pub fn remove_upload(tx: &mut Tx<'_>, realm: &Realm, item: Uuid, upload: Uuid) -> Result<(), StoreError> {
    let sql = "DELETE FROM evidence_chunks WHERE realm = ?1 AND item = ?2 AND upload = ?3";
    tx.execute(sql, (tx.realm(realm)?, item.to_string(), upload.to_string()))?;
    Ok(())
}

/// Removes the pieces of every upload but one.
///
/// # Errors
/// Those of the database.
pub fn remove_others(tx: &mut Tx<'_>, realm: &Realm, item: Uuid, upload: Uuid) -> Result<(), StoreError> {
    let sql = "DELETE FROM evidence_chunks WHERE realm = ?1 AND item = ?2 AND upload <> ?3";
    tx.execute(sql, (tx.realm(realm)?, item.to_string(), upload.to_string()))?;
    Ok(())
}

/// Removes all pieces of an item.
///
/// # Errors
/// Those of the database.
pub fn remove(tx: &mut Tx<'_>, realm: &Realm, item: Uuid) -> Result<(), StoreError> {
    let sql = "DELETE FROM evidence_chunks WHERE realm = ?1 AND item = ?2";
    tx.execute(sql, (tx.realm(realm)?, item.to_string()))?;
    Ok(())
}
