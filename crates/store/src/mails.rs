//! Entries of case rooms on their way to people by mail, and where mail reaches people. Nothing of an entry stands here: what is sent is made of the
//! log when it is sent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oversight::Realm;
use stix::Id;

use crate::sql::{Row, count, micros, params, stix_id, stored, time};
use crate::{Reader, StoreError, Tx};

/// Where mail reaches a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The mail address.
    pub address: String,
    /// `ja` or `en`.
    pub language: String,
}

/// An entry that is sent to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomMail {
    /// Its own id.
    pub id: String,
    /// The key of the request that asked for it.
    pub request: String,
    /// The case.
    pub case: Id,
    /// The entry's name.
    pub entry: String,
    /// The account that sends it.
    pub sender: String,
    /// The account that it is sent to.
    pub recipient: String,
    /// When it was asked for.
    pub at: Timestamp,
    /// How often it was tried.
    pub attempts: u64,
}

/// Writes down where mail reaches a person from now on; `None`: nowhere.
///
/// # Errors
/// Those of the database.
pub fn set_address(
    tx: &mut Tx<'_>,
    realm: &Realm,
    person: &str,
    address: Option<&Address>,
) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.execute("DELETE FROM mail_addresses WHERE realm = ?1 AND person = ?2", (realm, person))?;
    if let Some(Address { address, language }) = address {
        tx.execute(
            "INSERT INTO mail_addresses (realm, person, address, language) VALUES (?1, ?2, ?3, ?4)",
            params![realm, person, address, language],
        )?;
    }
    Ok(())
}

/// Where mail reaches a person.
///
/// # Errors
/// Those of the database.
pub fn address(reader: &Reader<'_>, realm: &Realm, person: &str) -> Result<Option<Address>, StoreError> {
    let sql = "SELECT address, language FROM mail_addresses WHERE realm = ?1 AND person = ?2";
    reader.first(sql, (reader.realm(realm)?, person), |row| {
        Ok(Address { address: row.get(0)?, language: row.get(1)? })
    })
}

/// Where mail reaches everybody who said so, by account.
///
/// # Errors
/// Those of the database.
pub fn addresses(reader: &Reader<'_>, realm: &Realm) -> Result<BTreeMap<String, Address>, StoreError> {
    let sql = "SELECT person, address, language FROM mail_addresses WHERE realm = ?1";
    let found = reader.rows(sql, [reader.realm(realm)?], |row| {
        Ok((row.get::<String>(0)?, Address { address: row.get(1)?, language: row.get(2)? }))
    })?;
    Ok(found.into_iter().collect())
}

/// Writes a mail down, to be sent at once.
///
/// # Errors
/// [`StoreError::Exists`] where its id is taken.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, mail: &RoomMail) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let at = micros(mail.at);
    tx.insert(
        "INSERT INTO room_mails (realm, id, request, case_id, entry, sender, recipient, at, attempts, due)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            realm,
            mail.id,
            mail.request,
            mail.case.as_str(),
            mail.entry,
            mail.sender,
            mail.recipient,
            at,
            stored(mail.attempts),
            at,
        ],
        &mail.id,
    )
}

/// What one person sent since a time, the oldest first.
///
/// # Errors
/// Those of the database.
pub fn sent_since(
    reader: &Reader<'_>,
    realm: &Realm,
    sender: &str,
    since: Timestamp,
) -> Result<Vec<RoomMail>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM room_mails WHERE realm = ?1 AND sender = ?2 AND at > ?3 ORDER BY at, id"
    );
    reader.rows(&sql, (reader.realm(realm)?, sender, micros(since)), read)
}

/// What is due, the oldest first.
///
/// # Errors
/// Those of the database.
pub fn due(reader: &Reader<'_>, realm: &Realm, limit: usize) -> Result<Vec<RoomMail>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM room_mails WHERE realm = ?1 AND due <= ?2 ORDER BY due, id LIMIT ?3");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(&sql, (reader.realm(realm)?, micros(reader.now()), limit), read)
}

/// Notes how often a mail was tried and when it is tried next; `None`: never again. Whether it was still as it was read.
///
/// # Errors
/// Those of the database.
pub fn put_off(
    tx: &mut Tx<'_>,
    realm: &Realm,
    mail: &RoomMail,
    (attempts, next): (u64, Option<Timestamp>),
) -> Result<bool, StoreError> {
    let realm = tx.realm(realm)?;
    let changed = tx.execute(
        "UPDATE room_mails SET attempts = ?4, due = ?5
         WHERE realm = ?1 AND id = ?2 AND attempts = ?3 AND due IS NOT NULL",
        params![realm, mail.id, stored(mail.attempts), stored(attempts), next.map(micros)],
    )?;
    Ok(changed > 0)
}

/// Forgets what was asked for before a time and is over.
///
/// # Errors
/// Those of the database.
pub fn forget(tx: &mut Tx<'_>, realm: &Realm, before: Timestamp) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    tx.execute(
        "DELETE FROM room_mails WHERE realm = ?1 AND due IS NULL AND at < ?2",
        (realm, micros(before)),
    )?;
    Ok(())
}

const COLUMNS: &str = "id, request, case_id, entry, sender, recipient, at, attempts";

fn read(row: &Row<'_>) -> Result<RoomMail, StoreError> {
    Ok(RoomMail {
        id: row.get(0)?,
        request: row.get(1)?,
        case: stix_id(row.text(2)?)?,
        entry: row.get(3)?,
        sender: row.get(4)?,
        recipient: row.get(5)?,
        at: time(row.get(6)?)?,
        attempts: count(row.get(7)?),
    })
}
