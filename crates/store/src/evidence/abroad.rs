//! Requests for evidence that pass between hubs: which object carried which step, and what they were fulfilled by at the other hub.

use oversight::Realm;
use stix::Id;
use uuid::Uuid;

use super::requests::ITEMS_MAX;
use super::uuid;
use crate::sql::{Row, count, params, stix_id, stored};
use crate::{Reader, StoreError, Tx};

/// Requests that the organisations of one other hub have open here, in all cases together.
pub const OPEN_OF_HUB_MAX: i64 = 1_000;

/// An object that carries a step of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The object.
    pub object: Id,
    /// The request.
    pub request: Uuid,
    /// Which of its steps.
    pub number: u64,
    /// The leaf of the step in the log of the hub that it came from; nothing for one that was made here.
    pub leaf: Option<u64>,
}

/// A file that a request was fulfilled by at another hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The item there.
    pub item: Uuid,
    /// What it is called.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// The SHA-256 of the newest entry of its custody there.
    pub custody: String,
    /// How many entries there are.
    pub entries: u64,
    /// The item here that its content was fetched into, or is to be.
    pub own: Option<Uuid>,
}

/// Notes which object carries a step.
///
/// # Errors
/// [`StoreError::Exists`] where it was noted before.
pub fn pass(tx: &mut Tx<'_>, realm: &Realm, note: &Note) -> Result<(), StoreError> {
    let (realm, request) = (tx.realm_for_writing(realm)?, note.request.to_string());
    tx.insert(
        "INSERT INTO evidence_request_notes (realm, object, request, number, leaf) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![realm, note.object.as_str(), request, stored(note.number), note.leaf.map(stored)],
        note.object.as_str(),
    )
}

/// Whether an object carried a step before, be it there still or not.
///
/// # Errors
/// Those of the database.
pub fn has_passed(reader: &Reader<'_>, realm: &Realm, object: &Id) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM evidence_request_notes WHERE realm = ?1 AND object = ?2";
    Ok(reader.number(sql, (reader.realm(realm)?, object.as_str()))? > 0)
}

/// The objects that carried the steps of a request, in the order of its steps.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn notes(reader: &Reader<'_>, realm: &Realm, request: Uuid) -> Result<Vec<Note>, StoreError> {
    let sql = "SELECT object, number, leaf FROM evidence_request_notes
        WHERE realm = ?1 AND request = ?2 ORDER BY number, object";
    reader.rows(sql, (reader.realm(realm)?, request.to_string()), |row| {
        Ok(Note {
            object: stix_id(row.text(0)?)?,
            request,
            number: count(row.get(1)?),
            leaf: row.get::<Option<i64>>(2)?.map(count),
        })
    })
}

/// Writes down what a request was fulfilled by at another hub; nothing of it is here yet.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`ITEMS_MAX`]; [`StoreError::Exists`] where an item is named twice.
pub fn name(tx: &mut Tx<'_>, realm: &Realm, request: Uuid, named: &[Named]) -> Result<(), StoreError> {
    if named.len() > ITEMS_MAX {
        return Err(StoreError::Limit { what: "the number of items of one request", limit: ITEMS_MAX });
    }
    let (realm, request) = (tx.realm_for_writing(realm)?, request.to_string());
    for one in named {
        let item = one.item.to_string();
        tx.insert(
            "INSERT INTO evidence_request_named (realm, request, item, name, size, sha256, custody, entries)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                realm,
                request,
                item,
                one.name,
                stored(one.size),
                one.sha256,
                one.custody,
                stored(one.entries),
            ],
            &item,
        )?;
    }
    Ok(())
}

/// What a request was fulfilled by at another hub, by name.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn named(reader: &Reader<'_>, realm: &Realm, request: Uuid) -> Result<Vec<Named>, StoreError> {
    let sql = "SELECT item, name, size, sha256, custody, entries, own FROM evidence_request_named
        WHERE realm = ?1 AND request = ?2 ORDER BY name, item";
    reader.rows(sql, (reader.realm(realm)?, request.to_string()), read_named)
}

/// Notes which item here the content of a named one is fetched into.
///
/// # Errors
/// [`StoreError::NotFound`] where no such item is named.
pub fn set_own(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (request, item): (Uuid, Uuid),
    own: Uuid,
) -> Result<(), StoreError> {
    let item = item.to_string();
    let changed = tx.execute(
        "UPDATE evidence_request_named SET own = ?4 WHERE realm = ?1 AND request = ?2 AND item = ?3",
        params![tx.realm(realm)?, request.to_string(), item, own.to_string()],
    )?;
    if changed == 0 { Err(StoreError::NotFound { what: item }) } else { Ok(()) }
}

/// What an item here is fetched from: the request, and what was named; nothing for an item that was brought in here.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn origin(reader: &Reader<'_>, realm: &Realm, own: Uuid) -> Result<Option<(Uuid, Named)>, StoreError> {
    let sql = "SELECT item, name, size, sha256, custody, entries, own, request FROM evidence_request_named
        WHERE realm = ?1 AND own = ?2";
    reader.first(sql, (reader.realm(realm)?, own.to_string()), |row| {
        Ok((uuid(row.text(7)?)?, read_named(row)?))
    })
}

fn read_named(row: &Row<'_>) -> Result<Named, StoreError> {
    let own: Option<String> = row.get(6)?;
    Ok(Named {
        item: uuid(row.text(0)?)?,
        name: row.get(1)?,
        size: count(row.get(2)?),
        sha256: row.get(3)?,
        custody: row.get(4)?,
        entries: count(row.get(5)?),
        own: own.as_deref().map(uuid).transpose()?,
    })
}

/// How many requests the organisations of another hub have open here. `hub` is what all their names begin with: 16 characters.
///
/// # Errors
/// Those of the database.
pub fn open_of_hub(reader: &Reader<'_>, realm: &Realm, hub: &str) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM evidence_requests WHERE realm = ?1 AND substr(asker, 1, 17) = ?2
        AND state IN ('asked', 'accepted')";
    reader.number(sql, (reader.realm(realm)?, format!("{hub}-")))
}
