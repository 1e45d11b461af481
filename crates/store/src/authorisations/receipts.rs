//! What edges signed for having used authorisations, and the keys that they sign with.

use oversight::authorisation::{EntryKind, Receipt};
use oversight::{OrganisationId, Realm};
use uuid::Uuid;

use super::log::{self, NewEntry};
use crate::sql::{Row, Value, count, micros, params, parsed, stored, time};
use crate::{Reader, StoreError, Tx};

/// Rows one list gives at most.
pub const LIST_MAX: usize = 1000;

/// A receipt as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its leaf in the log of authorisations.
    pub leaf: u64,
    /// When it came in.
    pub at: jiff::Timestamp,
    /// The receipt.
    pub receipt: Receipt,
    /// The key that it was verified with, Ed25519.
    pub key: [u8; 32],
    /// The bytes in the log.
    pub entry: Vec<u8>,
    /// What they commit to: the receipt, as it was written down.
    pub record: Vec<u8>,
    /// With what that is salted.
    pub salt: [u8; 32],
}

/// What became of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is kept, at this leaf.
    Accepted(u64),
    /// It was there already, at this leaf.
    Duplicate(u64),
    /// The edge signed for something else under the same number of the same day before, at this leaf.
    Contradicts(u64),
}

/// Which receipts a list gives; all given conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct ReceiptFilter {
    /// Rows before this leaf; `None` begins with the newest.
    pub before: Option<u64>,
    /// Only under this authorisation.
    pub authorisation: Option<Uuid>,
    /// Only at this operator.
    pub operator: Option<OrganisationId>,
    /// How many rows, at most [`LIST_MAX`].
    pub limit: usize,
}

/// Takes a receipt in that was verified with `key`, and puts a leaf for it into the log. Whether it is about that grant is the
/// caller's to check.
///
/// # Errors
/// Those of the database.
pub fn take(tx: &mut Tx<'_>, realm: &Realm, receipt: &Receipt, key: &[u8; 32]) -> Result<Taken, StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let used = &receipt.used;
    let day = used.at.as_second().div_euclid(86_400);
    let text = serde_json::to_string(receipt).map_err(|error| StoreError::Database(error.to_string()))?;
    let sql = "SELECT receipt, leaf FROM authorisation_receipts
        WHERE realm = ?1 AND authorisation = ?2 AND edge = ?3 AND day = ?4 AND number = ?5";
    let id = used.authorisation.to_string();
    let known = tx.first(sql, params![realm, id, used.edge, day, used.number], |row| {
        Ok((row.get::<String>(0)?, count(row.get(1)?)))
    })?;
    match known {
        Some((known, leaf)) if known == text => return Ok(Taken::Duplicate(leaf)),
        Some((_, leaf)) => return Ok(Taken::Contradicts(leaf)),
        None => {}
    }
    let leaf = log::append(
        tx,
        &NewEntry {
            kind: EntryKind::Use,
            about: Some(used.grant),
            authorisation: Some(used.authorisation),
            record: text.as_bytes(),
        },
    )?;
    tx.execute(
        "INSERT INTO authorisation_receipts (realm, authorisation, edge, day, number, operator, receipt, key, leaf, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            realm,
            id,
            used.edge,
            day,
            used.number,
            used.operator.as_str(),
            text,
            hex::encode(key),
            stored(leaf),
            micros(tx.now())
        ],
    )?;
    Ok(Taken::Accepted(leaf))
}

/// Receipts, newest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn list(reader: &Reader<'_>, realm: &Realm, filter: &ReceiptFilter) -> Result<Vec<Received>, StoreError> {
    let id = filter.authorisation.map(|id| id.to_string());
    let wanted = [
        ("authorisation", id.as_deref()),
        ("operator", filter.operator.as_ref().map(OrganisationId::as_str)),
    ];
    let limit = i64::try_from(filter.limit.min(LIST_MAX)).unwrap_or(0);
    let before = filter.before.map_or(i64::MAX, stored);
    let mut params =
        vec![Value::Integer(reader.realm(realm)?), Value::Integer(before), Value::Integer(limit)];
    let mut sql = "SELECT receipts.leaf, receipts.at, receipts.receipt, receipts.key, logged.entry, logged.record, logged.salt
         FROM authorisation_receipts AS receipts JOIN authorisation_log AS logged ON logged.leaf = receipts.leaf
         WHERE receipts.realm = ?1 AND receipts.leaf < ?2"
        .to_owned();
    for (column, value) in wanted {
        if let Some(value) = value {
            params.push(Value::Text(value));
            sql.push_str(&format!(" AND receipts.{column} = ?{}", params.len()));
        }
    }
    sql.push_str(" ORDER BY receipts.leaf DESC LIMIT ?3");
    reader.rows(&sql, params, read)
}

/// How often an authorisation was used, as far as edges signed for it.
///
/// # Errors
/// Those of the database.
pub fn uses(reader: &Reader<'_>, realm: &Realm, id: Uuid) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM authorisation_receipts WHERE realm = ?1 AND authorisation = ?2";
    Ok(count(reader.number(sql, params![reader.realm(realm)?, id.to_string()])?))
}

/// Notes the key that an edge signs with. Another one is not taken: a new key is a new registration of the edge.
///
/// # Errors
/// [`StoreError::Exists`] where it has another one; [`StoreError::NotFound`] where there is no such edge.
pub fn register_key(tx: &mut Tx<'_>, realm: &Realm, edge: &str, key: &[u8; 32]) -> Result<bool, StoreError> {
    if crate::edges::get(tx, realm, edge)?.is_none() {
        return Err(StoreError::not_found(edge));
    }
    match key_of(tx, realm, edge)? {
        Some(known) if known == *key => return Ok(false),
        Some(_) => return Err(StoreError::Exists { what: format!("a key of {edge}") }),
        None => {}
    }
    let realm = tx.realm_for_writing(realm)?;
    let sql = "INSERT INTO edge_keys (realm, edge, key, at) VALUES (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![realm, edge, hex::encode(key), micros(tx.now())])?;
    Ok(true)
}

/// The key that an edge signs with.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is none.
pub fn key_of(reader: &Reader<'_>, realm: &Realm, edge: &str) -> Result<Option<[u8; 32]>, StoreError> {
    let sql = "SELECT key FROM edge_keys WHERE realm = ?1 AND edge = ?2";
    reader.first(sql, (reader.realm(realm)?, edge), |row| parsed("key", &row.get::<String>(0)?, bytes))
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok().map(|()| key)
}

fn read(row: &Row<'_>) -> Result<Received, StoreError> {
    let receipt: String = row.get(2)?;
    Ok(Received {
        leaf: count(row.get(0)?),
        at: time(row.get(1)?)?,
        receipt: parsed("receipt", &receipt, |text| serde_json::from_str(text).ok())?,
        key: parsed("key", &row.get::<String>(3)?, bytes)?,
        entry: row.get(4)?,
        record: row.get(5)?,
        salt: row.get(6)?,
    })
}
