//! Durable cursors over the log, which is the outbox.
//!
//! An object and its removal are rows of the log in the transaction that accepts them; nothing is copied into a
//! second queue. Whoever sends things on (fan-out, a peer's feed) reads [`crate::objects::tail`] from its cursor
//! and advances it once what it read is delivered. A crash between the two delivers again, never loses:
//! recipients know each object by id and version.

use oversight::Realm;

use crate::{Reader, StoreError, Tx};

/// How far a consumer has come: everything up to this sequence is delivered. 0 before the first.
///
/// # Errors
/// Those of the database.
pub fn cursor(reader: &Reader<'_>, realm: &Realm, consumer: &str) -> Result<i64, StoreError> {
    let realm = reader.realm(realm)?;
    reader.number("SELECT sequence FROM cursors WHERE realm = ?1 AND consumer = ?2", (realm, consumer))
}

/// Notes that everything up to `sequence` is delivered. A cursor never goes back.
///
/// # Errors
/// Those of the database.
pub fn advance(tx: &mut Tx<'_>, realm: &Realm, consumer: &str, sequence: i64) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO cursors (realm, consumer, sequence) VALUES (?1, ?2, ?3)
         ON CONFLICT (realm, consumer) DO UPDATE SET sequence = excluded.sequence
         WHERE excluded.sequence > cursors.sequence",
        (realm, consumer, sequence),
    )?;
    Ok(())
}

/// Forgets a consumer.
///
/// # Errors
/// Those of the database.
pub fn forget(tx: &mut Tx<'_>, realm: &Realm, consumer: &str) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    tx.execute("DELETE FROM cursors WHERE realm = ?1 AND consumer = ?2", (realm, consumer))?;
    Ok(())
}
