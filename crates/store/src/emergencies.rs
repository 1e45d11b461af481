//! What people opened for themselves in an emergency (break-glass): what for, until when, how much was read, and the review by
//! another person. Who may, and that the reviewer is another person, is the caller's to check.

use oversight::{OrganisationId, Realm};

use crate::qualifications::count_change;
use crate::sql::{Row, micros, organisation_id, params, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// An access that somebody raised for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emergency {
    /// Its id.
    pub id: String,
    /// The account.
    pub person: String,
    /// The account's organisation when it was raised.
    pub organisation: OrganisationId,
    /// What it covers: a text of the policies'.
    pub scope: String,
    /// Why, in the person's words.
    pub reason: String,
    /// When.
    pub raised: jiff::Timestamp,
    /// Until when; this instant is no more in it. Of one that was ended early, when that was.
    pub until: jiff::Timestamp,
    /// Who ended it early.
    pub ended_by: Option<String>,
    /// Until when it is to be reviewed.
    pub review_due: jiff::Timestamp,
    /// How often an object was given under it.
    pub objects_read: u64,
    /// Who reviewed it.
    pub reviewed_by: Option<String>,
    /// When.
    pub reviewed: Option<jiff::Timestamp>,
    /// Whether it was justified, says the reviewer.
    pub justified: Option<bool>,
    /// What the reviewer found.
    pub finding: Option<String>,
}

impl Emergency {
    /// Whether it is on at a time.
    #[must_use]
    pub fn is_on(&self, at: jiff::Timestamp) -> bool {
        self.raised <= at && at < self.until
    }

    /// Whether its review should be there at a time and is not.
    #[must_use]
    pub fn is_overdue(&self, at: jiff::Timestamp) -> bool {
        self.reviewed.is_none() && self.review_due <= at
    }
}

/// Writes one down. From this commit on it is on.
///
/// # Errors
/// [`StoreError::Exists`] where one of this person's is on already: each is for one thing.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, emergency: &Emergency) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let on = "SELECT COUNT(*) FROM emergencies WHERE realm = ?1 AND person = ?2 AND until > ?3";
    if tx.number(on, (key, &emergency.person, micros(tx.now())))? > 0 {
        return Err(StoreError::Exists { what: "an emergency of this account: end it first".to_owned() });
    }
    tx.insert(
        "INSERT INTO emergencies (realm, id, person, organisation, scope, reason, raised, until, review_due, objects_read, ring_due)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?7)",
        params![
            key,
            emergency.id,
            emergency.person,
            emergency.organisation.as_str(),
            emergency.scope,
            emergency.reason,
            micros(emergency.raised),
            micros(emergency.until),
            micros(emergency.review_due),
        ],
        &emergency.id,
    )?;
    count_change(tx, realm)
}

/// One by its id.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Emergency>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM emergencies WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// The one of a person's that is on now.
///
/// # Errors
/// Those of the database.
pub fn on(reader: &Reader<'_>, realm: &Realm, person: &str) -> Result<Option<Emergency>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM emergencies WHERE realm = ?1 AND person = ?2 AND until > ?3 ORDER BY until DESC LIMIT 1"
    );
    reader.first(&sql, (reader.realm(realm)?, person, micros(reader.now())), read)
}

/// Those that nobody has reviewed, what is due first; then the newest of the others.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm, limit: i64) -> Result<Vec<Emergency>, StoreError> {
    let key = reader.realm(realm)?;
    let open = format!(
        "SELECT {COLUMNS} FROM emergencies WHERE realm = ?1 AND reviewed IS NULL ORDER BY review_due, id LIMIT ?2"
    );
    let closed = format!(
        "SELECT {COLUMNS} FROM emergencies WHERE realm = ?1 AND reviewed IS NOT NULL ORDER BY raised DESC, id LIMIT ?2"
    );
    let mut found = reader.rows(&open, (key, limit), read)?;
    found.extend(reader.rows(&closed, (key, limit), read)?);
    Ok(found)
}

/// When one that is on ends next.
///
/// # Errors
/// Those of the database.
pub fn next_boundary(reader: &Reader<'_>, realm: &Realm) -> Result<Option<jiff::Timestamp>, StoreError> {
    let sql = "SELECT MIN(until) FROM emergencies WHERE realm = ?1 AND until > ?2";
    let found = reader.first(sql, (reader.realm(realm)?, micros(reader.now())), |row| time_opt(row.get(0)?));
    Ok(found?.flatten())
}

/// How many are on now, and how many reviews are overdue.
///
/// # Errors
/// Those of the database.
pub fn counts(reader: &Reader<'_>, realm: &Realm) -> Result<(i64, i64), StoreError> {
    let (key, now) = (reader.realm(realm)?, micros(reader.now()));
    let on = reader.number("SELECT COUNT(*) FROM emergencies WHERE realm = ?1 AND until > ?2", (key, now))?;
    let overdue =
        "SELECT COUNT(*) FROM emergencies WHERE realm = ?1 AND reviewed IS NULL AND review_due <= ?2";
    Ok((on, reader.number(overdue, (key, now))?))
}

/// Counts objects that are given under one.
///
/// # Errors
/// Those of the database.
pub fn count_read(tx: &mut Tx<'_>, realm: &Realm, id: &str, objects: u64) -> Result<(), StoreError> {
    let objects = i64::try_from(objects).unwrap_or(i64::MAX);
    let sql = "UPDATE emergencies SET objects_read = objects_read + ?3 WHERE realm = ?1 AND id = ?2";
    tx.execute(sql, params![tx.realm(realm)?, id, objects]).map(drop)
}

/// Ends one that is on.
///
/// # Errors
/// [`StoreError::NotFound`] where it is not.
pub fn end(tx: &mut Tx<'_>, realm: &Realm, id: &str, by: &str) -> Result<(), StoreError> {
    let sql = "UPDATE emergencies SET until = ?3, ended_by = ?4 WHERE realm = ?1 AND id = ?2 AND until > ?3";
    match tx.execute(sql, params![tx.realm(realm)?, id, micros(tx.now()), by])? {
        0 => Err(StoreError::not_found(id)),
        _ => count_change(tx, realm),
    }
}

/// Writes a review down.
///
/// # Errors
/// [`StoreError::NotFound`] where it is on still, or was reviewed.
pub fn review(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &str,
    by: &str,
    (justified, finding): (bool, &str),
) -> Result<(), StoreError> {
    let sql = "UPDATE emergencies SET reviewed_by = ?3, reviewed = ?4, justified = ?5, finding = ?6
        WHERE realm = ?1 AND id = ?2 AND reviewed IS NULL AND until <= ?4";
    match tx.execute(sql, params![tx.realm(realm)?, id, by, micros(tx.now()), justified, finding])? {
        0 => Err(StoreError::not_found(id)),
        _ => Ok(()),
    }
}

/// Those raised after a time of which a webhook is to be told now, each with how often that was tried.
///
/// # Errors
/// Those of the database.
pub fn rings_due(
    reader: &Reader<'_>,
    realm: &Realm,
    after: jiff::Timestamp,
) -> Result<Vec<(Emergency, u64)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, ring_attempts FROM emergencies
         WHERE realm = ?1 AND raised > ?2 AND ring_due <= ?3 ORDER BY raised LIMIT 50"
    );
    let bounds = (reader.realm(realm)?, micros(after), micros(reader.now()));
    reader.rows(&sql, bounds, |row| {
        let attempts: i64 = row.get(ATTEMPTS_COLUMN)?;
        Ok((read(row)?, u64::try_from(attempts).unwrap_or(0)))
    })
}

/// Notes how often a webhook was tried, and when it is tried next (`None`: never again); `false` where another process was there first.
///
/// # Errors
/// Those of the database.
pub fn put_off_ring(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &str,
    (found, tried): (u64, u64),
    next: Option<jiff::Timestamp>,
) -> Result<bool, StoreError> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let sql = "UPDATE emergencies SET ring_attempts = ?4, ring_due = ?5 WHERE realm = ?1 AND id = ?2 AND ring_attempts = ?3";
    let (found, tried, next) = (number(found), number(tried), next.map(micros));
    Ok(tx.execute(sql, (tx.realm(realm)?, id, found, tried, next))? > 0)
}

/// Those raised after a time of which nobody was told by mail yet.
///
/// # Errors
/// Those of the database.
pub fn untold(
    reader: &Reader<'_>,
    realm: &Realm,
    after: jiff::Timestamp,
) -> Result<Vec<Emergency>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM emergencies WHERE realm = ?1 AND raised > ?2 AND told IS NULL ORDER BY raised LIMIT 50"
    );
    reader.rows(&sql, (reader.realm(realm)?, micros(after)), read)
}

/// Notes that its mail was sent.
///
/// # Errors
/// Those of the database.
pub fn mark_told(tx: &mut Tx<'_>, realm: &Realm, id: &str) -> Result<(), StoreError> {
    let sql = "UPDATE emergencies SET told = ?3 WHERE realm = ?1 AND id = ?2";
    tx.execute(sql, params![tx.realm(realm)?, id, micros(tx.now())]).map(drop)
}

/// The place of what is read beside [`COLUMNS`].
const ATTEMPTS_COLUMN: usize = 14;
const COLUMNS: &str =
    "id, person, organisation, scope, reason, raised, until, ended_by, review_due, objects_read, reviewed_by,
    reviewed, justified, finding";

fn read(row: &Row<'_>) -> Result<Emergency, StoreError> {
    Ok(Emergency {
        id: row.get(0)?,
        person: row.get(1)?,
        organisation: organisation_id(&row.get::<String>(2)?)?,
        scope: row.get(3)?,
        reason: row.get(4)?,
        raised: time(row.get(5)?)?,
        until: time(row.get(6)?)?,
        ended_by: row.get(7)?,
        review_due: time(row.get(8)?)?,
        objects_read: u64::try_from(row.get::<i64>(9)?).unwrap_or(0),
        reviewed_by: row.get(10)?,
        reviewed: time_opt(row.get(11)?)?,
        justified: row.get::<Option<i64>>(12)?.map(|justified| justified != 0),
        finding: row.get(13)?,
    })
}
