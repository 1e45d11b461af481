//! Where the versions of an object stand in the log.
//!
//! Identifiers are random, so an index by identifier has every new object on a page of its own, and each page touched is written
//! twice. Therefore: a number stands for the identifier; new rows go to a small table, which stays in memory; when that has grown,
//! all of it is moved in order to the large one, many rows to a page. Both are ordinary tables, changed in the transaction of the
//! object, so there is nothing to be rebuilt after a crash.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::NewObject;
use crate::connection::Connection;
use crate::sql::{Bulk, Dialect, Prepared, Value};
use crate::{StoreError, Tx};

/// Rows that gather in the small table at least before they are moved.
const GATHERED_MIN: i64 = 32_768;
/// They are moved when they are this part of the whole log, so that a move touches each page of the large table for many rows.
const GATHERED_PART: i64 = 16;
/// Rows that a migration moves at a time.
const MIGRATED_AT_ONCE: i64 = 1_000;

/// The number that stands for an identifier. Two identifiers can share one, if hardly ever: whoever looks compares the
/// identifier as well.
pub(crate) fn object_key(realm: i64, id: &str) -> i64 {
    let digest = Sha256::new().chain_update(realm.to_be_bytes()).chain_update(id).finalize();
    i64::from_be_bytes(digest.first_chunk::<8>().copied().unwrap_or_default())
}

/// A SQL condition: `sequence` is a row of the object whose number is `object`, a parameter or a column.
pub(crate) fn rows_of(sequence: &str, object: &str) -> String {
    rows_of_any(sequence, &format!("= {object}"))
}

/// A SQL condition: `sequence` is a row of one of the objects whose numbers fit.
pub(crate) fn rows_of_any(sequence: &str, fit: &str) -> String {
    format!(
        "{sequence} IN (SELECT sequence FROM object_rows_new WHERE object {fit}
          UNION ALL SELECT sequence FROM object_rows WHERE object {fit})"
    )
}

/// Numbers that are looked up at a time.
const OBJECTS_MAX: usize = 1024;

/// Writes down where new rows stand, and finds whether there are any.
pub(super) struct Places<'c> {
    find_new: Prepared<'c>,
    find: Prepared<'c>,
    insert: Bulk<'c>,
    /// Objects of the batch of which the log knows nothing; `None`: each is asked for.
    unknown: Option<HashSet<i64>>,
}

impl<'c> Places<'c> {
    pub(super) fn new(tx: &Tx<'c>, realm: i64, objects: &[NewObject]) -> Result<Self, StoreError> {
        Ok(Self {
            unknown: unknown(tx, realm, objects)?,
            find_new: tx.prepare("SELECT sequence FROM object_rows_new WHERE object = ?1")?,
            find: tx.prepare("SELECT sequence FROM object_rows WHERE object = ?1")?,
            insert: tx.bulk("object_rows_new", "object, sequence")?,
        })
    }

    /// Whether an object with this number may be in the log.
    pub(super) fn any(&mut self, object: i64) -> Result<bool, StoreError> {
        // Taken out: the next version in this batch finds it there.
        if self.unknown.as_mut().is_some_and(|unknown| unknown.remove(&object)) {
            return Ok(false);
        }
        let found = self.find_new.first([object], |row| row.get::<i64>(0))?.is_some();
        Ok(found || self.find.first([object], |row| row.get::<i64>(0))?.is_some())
    }

    pub(super) fn insert(&mut self, object: i64, sequence: i64) -> Result<(), StoreError> {
        self.insert.push([object, sequence])
    }
}

/// Where each question is a journey, those that the log knows are asked for together; SQLite answers sooner than the list is made.
fn unknown(tx: &Tx<'_>, realm: i64, objects: &[NewObject]) -> Result<Option<HashSet<i64>>, StoreError> {
    if tx.dialect() == Dialect::Sqlite {
        return Ok(None);
    }
    let mut unknown: HashSet<i64> =
        objects.iter().map(|new| object_key(realm, new.object.id().as_str())).collect();
    let all: Vec<i64> = unknown.iter().copied().collect();
    for some in all.chunks(OBJECTS_MAX) {
        // As many places as a power of two, the last filled up with one of the same: a handful of statements to prepare.
        let places = some.len().next_power_of_two();
        let list: Vec<String> = (1..=places).map(|place| format!("?{place}")).collect();
        let list = list.join(",");
        let sql = format!(
            "SELECT object FROM object_rows_new WHERE object IN ({list})
             UNION ALL SELECT object FROM object_rows WHERE object IN ({list})"
        );
        let params: Vec<Value<'_>> =
            some.iter().cycle().take(places).map(|object| Value::Integer(*object)).collect();
        for object in tx.rows(&sql, params, |row| row.get::<i64>(0))? {
            unknown.remove(&object);
        }
    }
    Ok(Some(unknown))
}

/// Forgets a row that is deleted from the log.
pub(super) fn forget(tx: &Tx<'_>, object: i64, sequence: i64) -> Result<(), StoreError> {
    let gone =
        tx.execute("DELETE FROM object_rows_new WHERE object = ?1 AND sequence = ?2", [object, sequence])?;
    if gone == 0 {
        tx.execute("DELETE FROM object_rows WHERE object = ?1 AND sequence = ?2", [object, sequence])?;
    }
    Ok(())
}

/// Notes that a row has another sequence.
pub(super) fn moved(tx: &Tx<'_>, object: i64, from: i64, to: i64) -> Result<(), StoreError> {
    forget(tx, object, from)?;
    tx.execute("INSERT INTO object_rows_new (object, sequence) VALUES (?1, ?2)", [object, to])?;
    Ok(())
}

/// Moves what has gathered, if it is enough. `gathered` counts the rows of the small table; `last` is the newest sequence.
pub(super) fn gather(tx: &Tx<'_>, gathered: i64, last: i64) -> Result<bool, StoreError> {
    if gathered < GATHERED_MIN.max(last / GATHERED_PART) {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO object_rows (object, sequence)
         SELECT object, sequence FROM object_rows_new ORDER BY object, sequence",
        (),
    )?;
    tx.execute("DELETE FROM object_rows_new", ())?;
    Ok(true)
}

/// The migration's part that SQL cannot do: moves every row of the old log to the new one, with its object's number.
pub(crate) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    let copy = "INSERT INTO log (sequence, realm, collection, kind, label, date_added, is_last, is_first, revoked, originator,
            object, line, type, id, version, version_key, spec_version, hash, body)
        SELECT sequence, realm, collection, kind, label, date_added, is_last, is_first, revoked, originator,
            ?2, 0, type, id, version, version_key, spec_version, hash, body
        FROM log_before WHERE sequence = ?1";
    let mut after = i64::MIN;
    loop {
        let mut rows: Vec<(i64, i64, i64)> = Vec::new();
        let sql = format!(
            "SELECT sequence, kind, realm, id FROM log_before WHERE sequence > ?1 ORDER BY sequence LIMIT {MIGRATED_AT_ONCE}"
        );
        connection.query(&sql, &[Value::Integer(after)], |row| {
            rows.push((row.get(0)?, row.get(1)?, object_key(row.get(2)?, row.text(3)?)));
            Ok(true)
        })?;
        let Some((last, ..)) = rows.last() else { break };
        after = *last;
        for (sequence, kind, object) in rows {
            connection.execute(copy, &[Value::Integer(sequence), Value::Integer(object)])?;
            if kind < 2 {
                let place = "INSERT INTO object_rows_new (object, sequence) VALUES (?1, ?2)";
                connection.execute(place, &[Value::Integer(object), Value::Integer(sequence)])?;
            }
        }
    }
    connection.execute(
        "INSERT INTO object_rows (object, sequence)
         SELECT object, sequence FROM object_rows_new ORDER BY object, sequence",
        &[],
    )?;
    connection.execute("DELETE FROM object_rows_new", &[])?;
    Ok(())
}
