//! Clearances and oaths of people: who entered one, who confirmed it, from when until when it holds, and who ended it.
//!
//! That two persons enter it is the caller's to check. What holds now is asked here, by the store's clock.

use std::collections::BTreeSet;

use oversight::{Qualification, Realm};

use crate::sql::{Row, micros, params, parsed, time, time_opt};
use crate::{Reader, StoreError, Tx, agreements, settings};

/// What waits or holds for one person at once.
pub const OPEN_MAX: i64 = 32;
/// Counts the changes of what holds for single persons.
const CHANGES_SETTING: &str = "personal.changes";

/// A clearance or an oath of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: String,
    /// The account.
    pub person: String,
    /// Which.
    pub qualification: Qualification,
    /// From when it holds: of an oath, when it was sworn.
    pub since: jiff::Timestamp,
    /// Until when; this instant is no more in it.
    pub until: jiff::Timestamp,
    /// What it is known by on paper: a file, a certificate's number.
    pub evidence: String,
    /// The account of who entered it, or what stands for the owner of the data folder.
    pub asked_by: String,
    /// When.
    pub asked: jiff::Timestamp,
    /// Until when it can be confirmed.
    pub expires: jiff::Timestamp,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided: Option<jiff::Timestamp>,
    /// How.
    pub approved: Option<bool>,
    /// Who ended it before its time.
    pub ended_by: Option<String>,
    /// When.
    pub ended: Option<jiff::Timestamp>,
    /// Why it was refused or ended.
    pub reason: Option<String>,
}

impl Held {
    /// Whether it waits for a decision at a time.
    #[must_use]
    pub fn is_open(&self, at: jiff::Timestamp) -> bool {
        self.decided.is_none() && at < self.expires
    }

    /// Whether it holds at a time.
    #[must_use]
    pub fn is_valid(&self, at: jiff::Timestamp) -> bool {
        self.approved == Some(true) && self.ended.is_none() && self.since <= at && at < self.until
    }
}

/// Writes down that somebody entered one. It holds for nobody until it is confirmed.
///
/// # Errors
/// [`StoreError::Exists`] where the same one waits for this person already; [`StoreError::Limit`] beyond [`OPEN_MAX`].
pub fn add(tx: &mut Tx<'_>, realm: &Realm, held: &Held) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let now = micros(tx.now());
    let waits = "SELECT COUNT(*) FROM qualifications WHERE realm = ?1 AND person = ?2 AND qualification = ?3
        AND decided IS NULL AND expires > ?4";
    let name = held.qualification.to_string();
    if tx.number(waits, (key, &held.person, &name, now))? > 0 {
        return Err(StoreError::Exists { what: format!("`{name}` waits for this account already") });
    }
    let open = "SELECT COUNT(*) FROM qualifications WHERE realm = ?1 AND person = ?2
        AND ((decided IS NULL AND expires > ?3) OR (approved = 1 AND ended IS NULL AND until > ?3))";
    if tx.number(open, (key, &held.person, now))? >= OPEN_MAX {
        let limit = usize::try_from(OPEN_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of clearances and oaths of a person", limit });
    }
    tx.insert(
        "INSERT INTO qualifications
             (realm, id, person, qualification, since, until, evidence, asked_by, asked, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            key,
            held.id,
            held.person,
            name,
            micros(held.since),
            micros(held.until),
            held.evidence,
            held.asked_by,
            micros(held.asked),
            micros(held.expires),
        ],
        &held.id,
    )
}

/// One by its id.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Held>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM qualifications WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// Those of one person, newest first.
///
/// # Errors
/// Those of the database.
pub fn of_person(
    reader: &Reader<'_>,
    realm: &Realm,
    person: &str,
    limit: i64,
) -> Result<Vec<Held>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM qualifications WHERE realm = ?1 AND person = ?2 ORDER BY asked DESC, id LIMIT ?3"
    );
    reader.rows(&sql, (reader.realm(realm)?, person, limit), read)
}

/// What waits or holds now, or will, for anybody; what ends first comes first.
///
/// # Errors
/// Those of the database.
pub fn standing(reader: &Reader<'_>, realm: &Realm, limit: i64) -> Result<Vec<Held>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM qualifications WHERE realm = ?1 AND until > ?2 AND ended IS NULL
             AND (approved = 1 OR (decided IS NULL AND expires > ?2)) ORDER BY until, id LIMIT ?3"
    );
    reader.rows(&sql, (reader.realm(realm)?, micros(reader.now()), limit), read)
}

/// What was confirmed and ends within a span of time, or ended within it by itself.
///
/// # Errors
/// Those of the database.
pub fn ending(
    reader: &Reader<'_>,
    realm: &Realm,
    (from, to): (jiff::Timestamp, jiff::Timestamp),
) -> Result<Vec<Held>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM qualifications WHERE realm = ?1 AND until >= ?2 AND until <= ?3
             AND approved = 1 AND ended IS NULL ORDER BY until, id LIMIT 1000"
    );
    reader.rows(&sql, (reader.realm(realm)?, micros(from), micros(to)), read)
}

/// What a person holds now.
///
/// # Errors
/// Those of the database.
pub fn valid(
    reader: &Reader<'_>,
    realm: &Realm,
    person: &str,
) -> Result<BTreeSet<Qualification>, StoreError> {
    let sql = "SELECT qualification FROM qualifications WHERE realm = ?1 AND person = ?2 AND approved = 1
        AND ended IS NULL AND since <= ?3 AND until > ?3";
    let found = reader.rows(sql, (reader.realm(realm)?, person, micros(reader.now())), |row| {
        qualification(&row.get::<String>(0)?)
    })?;
    Ok(found.into_iter().collect())
}

/// When something of this begins or ends next, for anybody.
///
/// # Errors
/// Those of the database.
pub fn next_boundary(reader: &Reader<'_>, realm: &Realm) -> Result<Option<jiff::Timestamp>, StoreError> {
    let sql = "SELECT MIN(at) FROM (
            SELECT MIN(until) AS at FROM qualifications WHERE realm = ?1 AND approved = 1 AND ended IS NULL AND until > ?2
            UNION ALL
            SELECT MIN(since) AS at FROM qualifications WHERE realm = ?1 AND approved = 1 AND ended IS NULL AND since > ?2
        ) AS boundaries";
    let found = reader.first(sql, (reader.realm(realm)?, micros(reader.now())), |row| time_opt(row.get(0)?));
    Ok(found?.flatten())
}

/// Confirms or refuses what waits.
///
/// # Errors
/// [`StoreError::NotFound`] where nothing waits for a decision.
pub fn decide(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &str,
    by: &str,
    refused: Option<&str>,
) -> Result<(), StoreError> {
    let sql = "UPDATE qualifications SET decided_by = ?3, decided = ?4, approved = ?5, reason = ?6
        WHERE realm = ?1 AND id = ?2 AND decided IS NULL AND expires > ?4";
    let now = micros(tx.now());
    match tx.execute(sql, params![tx.realm(realm)?, id, by, now, refused.is_none(), refused])? {
        0 => Err(StoreError::not_found(id)),
        _ => count_change(tx, realm),
    }
}

/// Ends what holds, or will, before its time.
///
/// # Errors
/// [`StoreError::NotFound`] where it neither holds nor will.
pub fn end(tx: &mut Tx<'_>, realm: &Realm, id: &str, by: &str, reason: &str) -> Result<(), StoreError> {
    let sql = "UPDATE qualifications SET ended_by = ?3, ended = ?4, reason = ?5
        WHERE realm = ?1 AND id = ?2 AND approved = 1 AND ended IS NULL AND until > ?4";
    let now = micros(tx.now());
    match tx.execute(sql, params![tx.realm(realm)?, id, by, now, reason])? {
        0 => Err(StoreError::not_found(id)),
        _ => count_change(tx, realm),
    }
}

/// How often what holds for single persons was changed.
///
/// # Errors
/// Those of the database.
pub fn changes(reader: &Reader<'_>, realm: &Realm) -> Result<i64, StoreError> {
    let value = settings::get(reader, realm, CHANGES_SETTING)?;
    Ok(value.and_then(|value| String::from_utf8(value).ok()?.parse().ok()).unwrap_or(0))
}

/// Counts a change, so that every process looks at it at once, for open streams too.
pub(crate) fn count_change(tx: &mut Tx<'_>, realm: &Realm) -> Result<(), StoreError> {
    let count = changes(tx, realm)?.saturating_add(1);
    settings::put(tx, realm, CHANGES_SETTING, count.to_string().as_bytes())?;
    agreements::count_change(tx, realm)
}

const COLUMNS: &str = "id, person, qualification, since, until, evidence, asked_by, asked, expires, decided_by, decided, approved,
    ended_by, ended, reason";

fn read(row: &Row<'_>) -> Result<Held, StoreError> {
    Ok(Held {
        id: row.get(0)?,
        person: row.get(1)?,
        qualification: qualification(&row.get::<String>(2)?)?,
        since: time(row.get(3)?)?,
        until: time(row.get(4)?)?,
        evidence: row.get(5)?,
        asked_by: row.get(6)?,
        asked: time(row.get(7)?)?,
        expires: time(row.get(8)?)?,
        decided_by: row.get(9)?,
        decided: time_opt(row.get(10)?)?,
        approved: row.get::<Option<i64>>(11)?.map(|approved| approved != 0),
        ended_by: row.get(12)?,
        ended: time_opt(row.get(13)?)?,
        reason: row.get(14)?,
    })
}

fn qualification(text: &str) -> Result<Qualification, StoreError> {
    parsed("qualification", text, |text| text.parse().ok())
}
