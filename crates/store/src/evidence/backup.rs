//! What a backup holds of evidence, for who checks whether it can still be read.

use oversight::Realm;
use uuid::Uuid;

use super::uuid;
use crate::sql::{count, parsed, stored};
use crate::{Reader, StoreError};

/// The version of the schema that brought the tables; a backup of an earlier one holds no evidence.
const SINCE: i64 = 34;

/// An item whose content a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its realm.
    pub realm: Realm,
    /// Which.
    pub item: Uuid,
    /// The upload whose pieces count.
    pub upload: Uuid,
    /// Pieces that it is kept in.
    pub chunks: u64,
    /// The class key that its key is sealed under; none: the node's own.
    pub class_key: Option<String>,
    /// Its key, sealed.
    pub sealed_key: Vec<u8>,
    /// Its place in the order of [`after`].
    pub place: (String, i64),
}

/// Items of all realms whose content is here, in a fixed order, behind a place in it.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn after(reader: &Reader<'_>, place: &(String, i64), limit: usize) -> Result<Vec<Held>, StoreError> {
    if reader.number("SELECT MAX(version) FROM schema_version", ())? < SINCE {
        return Ok(Vec::new());
    }
    let sql = "SELECT realms.name, items.id, items.upload, items.chunks, items.class_key, items.sealed_key, items.realm
        FROM evidence_items AS items JOIN realms ON realms.realm = items.realm
        WHERE items.state = 'kept' AND items.sealed_key IS NOT NULL AND (items.id > ?1 OR items.id = ?1 AND items.realm > ?2)
        ORDER BY items.id, items.realm LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(sql, (place.0.as_str(), place.1, limit), |row| {
        let id: String = row.get(1)?;
        Ok(Held {
            realm: parsed("realm", row.text(0)?, Realm::parse)?,
            item: uuid(&id)?,
            upload: uuid(row.text(2)?)?,
            chunks: count(row.get(3)?),
            class_key: row.get(4)?,
            sealed_key: row.get(5)?,
            place: (id, row.get(6)?),
        })
    })
}

/// The first and the last piece of an item, each with its number; a piece that is missing is left out.
///
/// # Errors
/// Those of the database.
pub fn ends(reader: &Reader<'_>, held: &Held) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let sql =
        "SELECT number, sealed FROM evidence_chunks WHERE realm = ?1 AND item = ?2 AND upload = ?3 AND number IN (0, ?4)
         ORDER BY number";
    let last = stored(held.chunks.saturating_sub(1));
    reader.rows(sql, (held.place.1, held.place.0.as_str(), held.upload.to_string(), last), |row| {
        Ok((count(row.get(0)?), row.get(1)?))
    })
}
