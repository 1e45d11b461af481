//! What was found out about the receipts that came from other hubs, and the hashes of the copies that they are held against.
//!
//! It outlives the objects that brought both. Whoever may not see those is told nothing of it: that is the caller's to ask.

use jiff::Timestamp;
use oversight::Realm;
use regime::EventId;
use stix::Id;

use crate::sql::{Row, micros, params, parsed, stix_id, time};
use crate::{Reader, StoreError, Tx};

/// Receipts, or copies, of one report that are looked at.
const LOOKED_MAX: i64 = 2_000;

/// What a receipt shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The log of its hub holds that a copy with this SHA-256, in hexadecimal, was filed.
    Proved {
        /// The hash.
        copy: String,
    },
    /// It shows nothing.
    Wrong {
        /// The stable code of why.
        why: String,
    },
    /// It cannot be checked: the key of its hub's log is not known.
    NoKey,
}

/// A receipt that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The filing that it is about, by its event.
    pub event: EventId,
    /// The object that brought it.
    pub object: Id,
    /// What was found.
    pub found: Found,
    /// When.
    pub checked: Timestamp,
}

/// Notes the hash of a copy that came; twice is once.
///
/// # Errors
/// Those of the database.
pub fn note_copy(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (report, event): (&Id, &EventId),
    sha256: &str,
) -> Result<(), StoreError> {
    let (realm, event) = (tx.realm_for_writing(realm)?, event.to_string());
    tx.execute(
        "INSERT INTO report_copy_came (realm, report, event, sha256) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (realm, report, event, sha256) DO NOTHING",
        params![realm, report.as_str(), event, sha256],
    )?;
    Ok(())
}

/// The hashes of the copies of a filing that came.
///
/// # Errors
/// Those of the database.
pub fn copies(
    reader: &Reader<'_>,
    realm: &Realm,
    (report, event): (&Id, &EventId),
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT sha256 FROM report_copy_came
        WHERE realm = ?1 AND report = ?2 AND event = ?3 ORDER BY sha256 LIMIT ?4";
    let event = event.to_string();
    reader.rows(sql, (reader.realm(realm)?, report.as_str(), event, LOOKED_MAX), |row| row.get(0))
}

/// Notes what was found out about a receipt; of one that comes again, what is found then.
///
/// # Errors
/// Those of the database.
pub fn note(tx: &mut Tx<'_>, realm: &Realm, report: &Id, checked: &Checked) -> Result<(), StoreError> {
    let (realm, event, at) =
        (tx.realm_for_writing(realm)?, checked.event.to_string(), micros(checked.checked));
    let (found, said) = match &checked.found {
        Found::Proved { copy } => ("proved", copy.as_str()),
        Found::Wrong { why } => ("wrong", why.as_str()),
        Found::NoKey => ("no-key", ""),
    };
    tx.execute(
        "INSERT INTO report_receipt_came (realm, report, event, object, found, said, checked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (realm, report, event, object) DO UPDATE SET
             found = excluded.found, said = excluded.said, checked = excluded.checked",
        params![realm, report.as_str(), event, checked.object.as_str(), found, said, at],
    )?;
    Ok(())
}

/// The receipts of a report that were looked at, the newest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn checked(reader: &Reader<'_>, realm: &Realm, report: &Id) -> Result<Vec<Checked>, StoreError> {
    let sql = "SELECT event, object, found, said, checked FROM report_receipt_came
        WHERE realm = ?1 AND report = ?2 ORDER BY checked DESC, object LIMIT ?3";
    reader.rows(sql, (reader.realm(realm)?, report.as_str(), LOOKED_MAX), read)
}

fn read(row: &Row<'_>) -> Result<Checked, StoreError> {
    let said = row.text(3)?.to_owned();
    let found = parsed("finding", row.text(2)?, |found| match found {
        "proved" => Some(Found::Proved { copy: said }),
        "wrong" => Some(Found::Wrong { why: said }),
        "no-key" => Some(Found::NoKey),
        _ => None,
    })?;
    Ok(Checked {
        event: parsed("event", row.text(0)?, EventId::parse)?,
        object: stix_id(row.text(1)?)?,
        found,
        checked: time(row.get(4)?)?,
    })
}
