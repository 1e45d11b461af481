//! The content of attachments between hubs: what copies that came list, whether it is here, sealed; and what is owed to hubs that cannot ask for it.
//!
//! Nothing here says who may see it: that does the label of the object that brought the copy.

use jiff::Timestamp;
use oversight::Realm;
use stix::Id;

use super::FILES_BYTES_MAX;
use crate::sql::{Row, count, micros, params, stix_id, stored};
use crate::{Reader, StoreError, Tx};

/// Contents that the copies of one report may list: as many as a report holds files.
pub const LISTED_MAX: i64 = 200;

/// A content that a copy lists, and that is not here yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The report.
    pub report: Id,
    /// SHA-256 of it, in hexadecimal.
    pub sha256: String,
    /// How many bytes it has, as the copy says.
    pub size: u64,
    /// How often its hub was asked for it.
    pub attempts: u64,
}

/// A content that is owed to another hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The hub, by its identifier.
    pub hub: String,
    /// The report.
    pub report: Id,
    /// SHA-256 of it, in hexadecimal.
    pub sha256: String,
    /// How often it was sent.
    pub attempts: u64,
}

/// Notes that a copy, brought by an object, lists a content. What is not here yet is wanted at once, also where it was given up before; of the
/// same object twice is once.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`LISTED_MAX`] of one report.
pub fn list(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (report, object): (&Id, &Id),
    (sha256, size): (&str, u64),
) -> Result<(), StoreError> {
    let (realm, now) = (tx.realm_for_writing(realm)?, micros(tx.now()));
    let sql = "SELECT COUNT(*) FROM report_content_came WHERE realm = ?1 AND report = ?2 AND sha256 = ?3";
    if tx.number(sql, (realm, report.as_str(), sha256))? == 0 {
        let sql = "SELECT COUNT(*) FROM report_content_came WHERE realm = ?1 AND report = ?2";
        if tx.number(sql, (realm, report.as_str()))? >= LISTED_MAX {
            let limit = usize::try_from(LISTED_MAX).unwrap_or(usize::MAX);
            return Err(StoreError::Limit { what: "the number of attachments of one report", limit });
        }
        tx.execute(
            "INSERT INTO report_content_came (realm, report, sha256, size, attempts, next_try, sealed)
             VALUES (?1, ?2, ?3, ?4, 0, ?5, NULL)",
            params![realm, report.as_str(), sha256, stored(size), now],
        )?;
    }
    let is_new = tx.execute(
        "INSERT INTO report_content_listed (realm, object, report, sha256) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (realm, object, sha256) DO NOTHING",
        params![realm, object.as_str(), report.as_str(), sha256],
    )?;
    if is_new > 0 {
        tx.execute(
            "UPDATE report_content_came SET attempts = 0, next_try = ?4
             WHERE realm = ?1 AND report = ?2 AND sha256 = ?3 AND sealed IS NULL",
            (realm, report.as_str(), sha256, now),
        )?;
    }
    Ok(())
}

/// Contents that are to be fetched by now, whoever's they are: for the node's own work.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn due(reader: &Reader<'_>, realm: &Realm, limit: usize) -> Result<Vec<Wanted>, StoreError> {
    let sql = "SELECT report, sha256, size, attempts FROM report_content_came
        WHERE realm = ?1 AND next_try <= ?2 ORDER BY next_try, report, sha256 LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(sql, (reader.realm(realm)?, micros(reader.now()), limit), read)
}

/// A content that a copy lists, if it is not here yet.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn wanted(
    reader: &Reader<'_>,
    realm: &Realm,
    report: &Id,
    sha256: &str,
) -> Result<Option<Wanted>, StoreError> {
    let sql = "SELECT report, sha256, size, attempts FROM report_content_came
        WHERE realm = ?1 AND report = ?2 AND sha256 = ?3 AND sealed IS NULL";
    reader.first(sql, (reader.realm(realm)?, report.as_str(), sha256), read)
}

/// Notes that a content's hub is asked once more, and when next; `None`: never by itself. Whether it still was to be fetched: of several processes one
/// does it.
///
/// # Errors
/// Those of the database.
pub fn put_off(
    tx: &mut Tx<'_>,
    realm: &Realm,
    wanted: &Wanted,
    next: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE report_content_came SET attempts = ?5, next_try = ?6
         WHERE realm = ?1 AND report = ?2 AND sha256 = ?3 AND attempts = ?4 AND sealed IS NULL",
        params![
            tx.realm(realm)?,
            wanted.report.as_str(),
            wanted.sha256,
            stored(wanted.attempts),
            stored(wanted.attempts.saturating_add(1)),
            next.map(micros),
        ],
    )?;
    Ok(changed > 0)
}

/// Keeps a content, sealed; whether it was wanted: it may be here, or its copies may be gone.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`FILES_BYTES_MAX`] of one report.
pub fn keep(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (report, sha256): (&Id, &str),
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let realm = tx.realm(realm)?;
    let sql = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM report_content_came
        WHERE realm = ?1 AND report = ?2 AND sealed IS NOT NULL";
    let bytes = i64::try_from(sealed.len()).unwrap_or(i64::MAX);
    if tx.number(sql, (realm, report.as_str()))? > FILES_BYTES_MAX.saturating_sub(bytes) {
        let limit = usize::try_from(FILES_BYTES_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the attachments of one report, in bytes,", limit });
    }
    let changed = tx.execute(
        "UPDATE report_content_came SET sealed = ?4, next_try = NULL
         WHERE realm = ?1 AND report = ?2 AND sha256 = ?3 AND sealed IS NULL",
        params![realm, report.as_str(), sha256, sealed],
    )?;
    Ok(changed > 0)
}

/// Whether a content is here.
///
/// # Errors
/// Those of the database.
pub fn is_here(reader: &Reader<'_>, realm: &Realm, report: &Id, sha256: &str) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM report_content_came
        WHERE realm = ?1 AND report = ?2 AND sha256 = ?3 AND sealed IS NOT NULL";
    Ok(reader.number(sql, (reader.realm(realm)?, report.as_str(), sha256))? > 0)
}

/// A content, sealed, once it is here.
///
/// # Errors
/// Those of the database.
pub fn content(
    reader: &Reader<'_>,
    realm: &Realm,
    report: &Id,
    sha256: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT sealed FROM report_content_came
        WHERE realm = ?1 AND report = ?2 AND sha256 = ?3 AND sealed IS NOT NULL";
    reader.first(sql, (reader.realm(realm)?, report.as_str(), sha256), |row| row.get(0))
}

/// Forgets what an object listed that is gone, and removes every content that no other one lists.
///
/// # Errors
/// Those of the database.
pub fn forget(tx: &mut Tx<'_>, realm: &Realm, object: &Id) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    let sql = "SELECT report FROM report_content_listed WHERE realm = ?1 AND object = ?2 LIMIT 1";
    let Some(report) = tx.first(sql, (realm, object.as_str()), |row| row.get::<String>(0))? else {
        return Ok(());
    };
    let sql = "DELETE FROM report_content_listed WHERE realm = ?1 AND object = ?2";
    tx.execute(sql, (realm, object.as_str()))?;
    let sql = "DELETE FROM report_content_came WHERE realm = ?1 AND report = ?2 AND NOT EXISTS
        (SELECT 1 FROM report_content_listed AS listed WHERE listed.realm = report_content_came.realm
             AND listed.report = report_content_came.report AND listed.sha256 = report_content_came.sha256)";
    tx.execute(sql, (realm, report.as_str()))?;
    Ok(())
}

/// Notes that a content is owed to a hub, at once.
///
/// # Errors
/// Those of the database.
pub fn owe(
    tx: &mut Tx<'_>,
    realm: &Realm,
    hub: &str,
    (report, sha256): (&Id, &str),
) -> Result<(), StoreError> {
    let (realm, now) = (tx.realm_for_writing(realm)?, micros(tx.now()));
    tx.execute(
        "INSERT INTO report_content_owed (realm, hub, report, sha256, attempts, next_try) VALUES (?1, ?2, ?3, ?4, 0, ?5)
         ON CONFLICT (realm, hub, report, sha256) DO UPDATE SET attempts = 0, next_try = excluded.next_try",
        params![realm, hub, report.as_str(), sha256, now],
    )?;
    Ok(())
}

/// The next content that is owed to a hub by now.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn owed(reader: &Reader<'_>, realm: &Realm, hub: &str) -> Result<Option<Owed>, StoreError> {
    let sql = "SELECT report, sha256, attempts FROM report_content_owed
        WHERE realm = ?1 AND hub = ?2 AND next_try <= ?3 ORDER BY next_try, report, sha256 LIMIT 1";
    reader.first(sql, (reader.realm(realm)?, hub, micros(reader.now())), |row| {
        Ok(Owed {
            hub: hub.to_owned(),
            report: stix_id(row.text(0)?)?,
            sha256: row.get(1)?,
            attempts: count(row.get(2)?),
        })
    })
}

/// Notes that a content is sent once more, and when next; `None`: never, it was sent or is given up. Whether it was still owed.
///
/// # Errors
/// Those of the database.
pub fn put_off_owed(
    tx: &mut Tx<'_>,
    realm: &Realm,
    owed: &Owed,
    next: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let (realm, report, attempts) = (tx.realm(realm)?, owed.report.as_str(), stored(owed.attempts));
    let changed = match next {
        Some(next) => tx.execute(
            "UPDATE report_content_owed SET attempts = attempts + 1, next_try = ?6
             WHERE realm = ?1 AND hub = ?2 AND report = ?3 AND sha256 = ?4 AND attempts = ?5",
            params![realm, owed.hub, report, owed.sha256, attempts, micros(next)],
        )?,
        None => tx.execute(
            "DELETE FROM report_content_owed
             WHERE realm = ?1 AND hub = ?2 AND report = ?3 AND sha256 = ?4 AND attempts = ?5",
            params![realm, owed.hub, report, owed.sha256, attempts],
        )?,
    };
    Ok(changed > 0)
}

fn read(row: &Row<'_>) -> Result<Wanted, StoreError> {
    Ok(Wanted {
        report: stix_id(row.text(0)?)?,
        sha256: row.get(1)?,
        size: count(row.get(2)?),
        attempts: count(row.get(3)?),
    })
}
