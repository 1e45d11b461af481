//! Reports with their reporters' names withheld. What is known of a report and who made it are kept apart: the name is sealed to a
//! key that the node does not hold.

use oversight::Realm;
use stix::Id;

use crate::secrets::SecretHash;
use crate::sql::{Row, count, micros, params, stix_id, stored, time};
use crate::{Reader, StoreError, Tx};

/// Reports one read gives at most.
pub const REPORTS_MAX: usize = 1_000;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its pseudonym.
    pub id: String,
    /// What it brought in.
    pub objects: Vec<Id>,
    /// When, to the hour.
    pub at: jiff::Timestamp,
    /// The leaf of the audit log that says so.
    pub leaf: u64,
}

/// A name under seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Which key opens it.
    pub key: String,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
}

/// Writes a report down, and apart from it the seal.
///
/// # Errors
/// [`StoreError::Exists`] for a pseudonym or receipt that is taken.
pub fn add(
    tx: &mut Tx<'_>,
    realm: &Realm,
    report: &Report,
    receipt: &SecretHash,
    seal: &Seal,
) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let objects: Vec<&str> = report.objects.iter().map(Id::as_str).collect();
    tx.insert(
        "INSERT INTO anonymous_reports (realm, id, receipt, objects, at, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![realm, report.id, *receipt, objects.join(" "), micros(report.at), stored(report.leaf)],
        &report.id,
    )?;
    tx.insert(
        "INSERT INTO seals (realm, report, key, sealed) VALUES (?1, ?2, ?3, ?4)",
        params![realm, report.id, seal.key, seal.sealed],
        &report.id,
    )
}

/// Reports, newest first.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm, limit: usize) -> Result<Vec<Report>, StoreError> {
    let sql =
        "SELECT id, objects, at, leaf FROM anonymous_reports WHERE realm = ?1 ORDER BY at DESC, id LIMIT ?2";
    let limit = i64::try_from(limit.min(REPORTS_MAX)).unwrap_or(1);
    reader.rows(sql, (reader.realm(realm)?, limit), read)
}

/// The report of a receipt.
///
/// # Errors
/// Those of the database.
pub fn by_receipt(
    reader: &Reader<'_>,
    realm: &Realm,
    receipt: &SecretHash,
) -> Result<Option<Report>, StoreError> {
    let sql = "SELECT id, objects, at, leaf FROM anonymous_reports WHERE realm = ?1 AND receipt = ?2";
    reader.first(sql, params![reader.realm(realm)?, *receipt], read)
}

/// The seal of a report.
///
/// # Errors
/// Those of the database.
pub fn seal(reader: &Reader<'_>, realm: &Realm, report: &str) -> Result<Option<Seal>, StoreError> {
    let sql = "SELECT key, sealed FROM seals WHERE realm = ?1 AND report = ?2";
    reader
        .first(sql, (reader.realm(realm)?, report), |row| Ok(Seal { key: row.get(0)?, sealed: row.get(1)? }))
}

fn read(row: &Row<'_>) -> Result<Report, StoreError> {
    let objects: String = row.get(1)?;
    Ok(Report {
        id: row.get(0)?,
        objects: objects.split_whitespace().map(stix_id).collect::<Result<_, _>>()?,
        at: time(row.get(2)?)?,
        leaf: count(row.get(3)?),
    })
}
