//! TAXII collections: named parts of the log.

use oversight::Realm;

use crate::sql::{Row, micros, parsed, time};
use crate::{Reader, StoreError, Tx};

/// A collection's number in this store.
pub type CollectionKey = i64;

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Its number here.
    pub key: CollectionKey,
    /// Its TAXII identifier.
    pub id: uuid::Uuid,
    /// Its title.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created: jiff::Timestamp,
}

/// Makes a collection.
///
/// # Errors
/// [`StoreError::Exists`] when the identifier is taken.
pub fn add(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: uuid::Uuid,
    title: &str,
    description: &str,
) -> Result<Collection, StoreError> {
    let realm_key = tx.realm_for_writing(realm)?;
    let id_text = id.to_string();
    tx.insert(
        "INSERT INTO collections (realm, id, title, description, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        (realm_key, &id_text, title, description, micros(tx.now())),
        &id_text,
    )?;
    get(tx, realm, &id)?.ok_or_else(|| StoreError::not_found(id_text))
}

/// A collection by its identifier.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &uuid::Uuid) -> Result<Option<Collection>, StoreError> {
    let sql =
        "SELECT collection, id, title, description, created FROM collections WHERE realm = ?1 AND id = ?2";
    reader.first(sql, (reader.realm(realm)?, id.to_string()), read)
}

/// All collections, by identifier (TAXII 2.1 interoperability wants them sorted).
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Collection>, StoreError> {
    let sql =
        "SELECT collection, id, title, description, created FROM collections WHERE realm = ?1 ORDER BY id";
    reader.rows(sql, [reader.realm(realm)?], read)
}

fn read(row: &Row<'_>) -> Result<Collection, StoreError> {
    let id: String = row.get(1)?;
    Ok(Collection {
        key: row.get(0)?,
        id: parsed("collection", &id, |id| uuid::Uuid::parse_str(id).ok())?,
        title: row.get(2)?,
        description: row.get(3)?,
        created: time(row.get(4)?)?,
    })
}
