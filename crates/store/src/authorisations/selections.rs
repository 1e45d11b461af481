//! What edges found under authorisations, as sealed records: the store has no key to them and knows nothing of what is in them. Beside
//! them what the commission is told: how many came, who looked at them, and what came that an edge which keeps to its grants never sends.

use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};
use uuid::Uuid;

use crate::sql::{Row, Value, count, micros, organisation_id, params, stored, time};
use crate::{Reader, StoreError, Tx};

/// Rows one page gives at most.
pub const PAGE_MAX: usize = 200;
/// Rows of one list for the commission at most, the newest.
pub const TOLD_MAX: usize = 1_000;
/// Bytes of one sealed record at most: a selection has a few hundred.
pub const SEALED_BYTES_MAX: usize = 32 * 1024;

/// A selection as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its place within its authorisation, from 1.
    pub number: u64,
    /// The hour in which it came.
    pub came: jiff::Timestamp,
    /// What is kept.
    pub selection: NewSelection,
}

/// A selection that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSelection {
    /// By which the edge knows it.
    pub id: Uuid,
    /// Under which authorisation.
    pub authorisation: Uuid,
    /// At which operator.
    pub operator: OrganisationId,
    /// From which edge.
    pub edge: String,
    /// What it is sealed under, as the vault names it.
    pub class_key: String,
    /// The sealed record.
    pub sealed: Vec<u8>,
}

/// Where a page of selections begins.
#[derive(Debug, Clone, Default)]
pub struct Page<'p> {
    /// Those before this number; `None`: the newest.
    pub before: Option<u64>,
    /// Only those that came from this operator's network.
    pub operator: Option<&'p OrganisationId>,
    /// How many, at most [`PAGE_MAX`].
    pub limit: usize,
}

/// How many came in an hour at an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The hour.
    pub hour: jiff::Timestamp,
    /// Where.
    pub operator: OrganisationId,
    /// How many.
    pub taken: u64,
}

/// A look at selections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: jiff::Timestamp,
    /// Whose person looked.
    pub organisation: OrganisationId,
    /// The account.
    pub person: String,
    /// How many it was given, as a power of ten that is not larger.
    pub given: u64,
    /// The leaf of the log of acts that says so.
    pub leaf: u64,
}

/// What an edge that keeps to its grants never sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// A word for what it is.
    pub kind: String,
    /// Whose edge.
    pub operator: OrganisationId,
    /// Which edge.
    pub edge: String,
    /// How often on that day.
    pub times: u64,
    /// When first.
    pub first: jiff::Timestamp,
    /// When last.
    pub last: jiff::Timestamp,
}

/// Keeps a selection.
///
/// # Errors
/// [`StoreError::Exists`] where there is one of this id; [`StoreError::Stale`] where the end of its class key was decided;
/// [`StoreError::Limit`] over [`SEALED_BYTES_MAX`].
pub fn add(tx: &mut Tx<'_>, realm: &Realm, new: &NewSelection) -> Result<(), StoreError> {
    check(tx, realm, new)?;
    let key = tx.realm_for_writing(realm)?;
    let (id, authorisation) = (new.id.to_string(), new.authorisation.to_string());
    let came = hour_of(micros(tx.now()));
    let sql = "SELECT COALESCE(MAX(number), 0) FROM selections WHERE realm = ?1 AND authorisation = ?2";
    let number = tx.number(sql, (key, authorisation.as_str()))?.saturating_add(1);
    tx.insert(
        "INSERT INTO selections (realm, authorisation, number, id, operator, edge, class_key, came, sealed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            key,
            authorisation,
            number,
            id,
            new.operator.as_str(),
            new.edge,
            new.class_key,
            came,
            new.sealed
        ],
        &id,
    )?;
    tx.execute(
        "INSERT INTO selection_tallies (realm, authorisation, hour, operator, taken) VALUES (?1, ?2, ?3, ?4, 1)
         ON CONFLICT (realm, authorisation, hour, operator) DO UPDATE SET taken = selection_tallies.taken + 1",
        params![key, authorisation, came, new.operator.as_str()],
    )?;
    Ok(())
}

/// Puts a sealed record in the place of the one that `before` has, under the same class key.
///
/// # Errors
/// [`StoreError::Stale`] where it was changed meanwhile, or the end of its class key was decided.
pub fn replace(tx: &mut Tx<'_>, realm: &Realm, before: &Kept, sealed: &[u8]) -> Result<(), StoreError> {
    let old = &before.selection;
    check(tx, realm, &NewSelection { sealed: sealed.to_vec(), ..old.clone() })?;
    let sql = "UPDATE selections SET sealed = ?4
        WHERE realm = ?1 AND authorisation = ?2 AND number = ?3 AND sealed = ?5";
    let (key, authorisation, number) =
        (tx.realm(realm)?, old.authorisation.to_string(), stored(before.number));
    match tx.execute(sql, params![key, authorisation, number, sealed, old.sealed])? {
        0 => Err(StoreError::Stale { what: old.id.to_string() }),
        _ => Ok(()),
    }
}

fn check(reader: &Reader<'_>, realm: &Realm, new: &NewSelection) -> Result<(), StoreError> {
    if new.sealed.len() > SEALED_BYTES_MAX {
        return Err(StoreError::Limit { what: "a sealed selection, in bytes,", limit: SEALED_BYTES_MAX });
    }
    if crate::retention::is_over(reader, realm, &new.class_key)? {
        return Err(StoreError::Stale { what: new.class_key.clone() });
    }
    Ok(())
}

/// A selection by its id.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn by_id(reader: &Reader<'_>, realm: &Realm, id: Uuid) -> Result<Option<Kept>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM selections WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id.to_string().as_str()), read)
}

/// Selections under an authorisation, the last one first.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn page(
    reader: &Reader<'_>,
    realm: &Realm,
    authorisation: Uuid,
    page: &Page<'_>,
) -> Result<Vec<Kept>, StoreError> {
    let id = authorisation.to_string();
    let mut params = vec![
        Value::Integer(reader.realm(realm)?),
        Value::Text(&id),
        Value::Integer(page.before.map_or(i64::MAX, stored)),
        Value::Integer(i64::try_from(page.limit.min(PAGE_MAX)).unwrap_or(0)),
    ];
    let mut condition = "";
    if let Some(operator) = page.operator {
        params.push(Value::Text(operator.as_str()));
        condition = "AND operator = ?5";
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM selections WHERE realm = ?1 AND authorisation = ?2 AND number < ?3 {condition}
         ORDER BY number DESC LIMIT ?4"
    );
    reader.rows(&sql, params, read)
}

/// How many are kept under an authorisation.
///
/// # Errors
/// Those of the database.
pub fn kept(reader: &Reader<'_>, realm: &Realm, authorisation: Uuid) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM selections WHERE realm = ?1 AND authorisation = ?2";
    Ok(count(reader.number(sql, (reader.realm(realm)?, authorisation.to_string().as_str()))?))
}

/// How many are kept under a class key: of one edge, and of all.
///
/// # Errors
/// Those of the database.
pub fn under(reader: &Reader<'_>, class_key: &str, edge: &str) -> Result<(u64, u64), StoreError> {
    let own = "SELECT COUNT(*) FROM selections WHERE class_key = ?1 AND edge = ?2";
    let all = "SELECT COUNT(*) FROM selections WHERE class_key = ?1";
    Ok((count(reader.number(own, [class_key, edge])?), count(reader.number(all, [class_key])?)))
}

/// The ids of all that are kept under a class key.
///
/// # Errors
/// Those of the database.
pub fn ids_under(reader: &Reader<'_>, class_key: &str) -> Result<BTreeSet<String>, StoreError> {
    let ids = reader.rows("SELECT id FROM selections WHERE class_key = ?1", [class_key], |row| row.get(0))?;
    Ok(ids.into_iter().collect())
}

/// Sealed records of all authorisations and realms, in a fixed order, after a place in it; and the place where the next ones begin. For who
/// checks a backup.
///
/// # Errors
/// Those of the database.
pub fn sealed_after(
    reader: &Reader<'_>,
    (authorisation, number): (&str, u64),
    limit: usize,
) -> Result<Vec<(String, u64, Vec<u8>)>, StoreError> {
    let sql = "SELECT authorisation, number, sealed FROM selections
        WHERE authorisation > ?1 OR authorisation = ?1 AND number > ?2 ORDER BY authorisation, number LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(sql, (authorisation, stored(number), limit), |row| {
        Ok((row.get(0)?, count(row.get(1)?), row.get(2)?))
    })
}

/// How many came under an authorisation, by hour and operator; the newest hour first.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn tallies(reader: &Reader<'_>, realm: &Realm, authorisation: Uuid) -> Result<Vec<Tally>, StoreError> {
    let sql = "SELECT hour, operator, taken FROM selection_tallies WHERE realm = ?1 AND authorisation = ?2
        ORDER BY hour DESC, operator LIMIT ?3";
    told(reader, sql, realm, authorisation, |row| {
        let operator = organisation_id(row.text(1)?)?;
        Ok(Tally { hour: time(row.get(0)?)?, operator, taken: count(row.get(2)?) })
    })
}

/// Writes a look down. In the transaction that appends its leaf.
///
/// # Errors
/// Those of the database.
pub fn note_look(
    tx: &mut Tx<'_>,
    realm: &Realm,
    authorisation: Uuid,
    (organisation, person): (&OrganisationId, &str),
    (given, leaf): (u64, u64),
) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let id = authorisation.to_string();
    let sql = "SELECT COALESCE(MAX(number), 0) FROM selection_looks WHERE realm = ?1 AND authorisation = ?2";
    let number = tx.number(sql, (realm, id.as_str()))?.saturating_add(1);
    tx.execute(
        "INSERT INTO selection_looks (realm, authorisation, number, at, organisation, person, given, leaf)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            realm,
            id,
            number,
            micros(tx.now()),
            organisation.as_str(),
            person,
            stored(bucket(given)),
            stored(leaf)
        ],
    )?;
    Ok(())
}

/// Who looked at selections under an authorisation, the last one first.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn looks(reader: &Reader<'_>, realm: &Realm, authorisation: Uuid) -> Result<Vec<Look>, StoreError> {
    let sql = "SELECT at, organisation, person, given, leaf FROM selection_looks
        WHERE realm = ?1 AND authorisation = ?2 ORDER BY number DESC LIMIT ?3";
    told(reader, sql, realm, authorisation, |row| {
        Ok(Look {
            at: time(row.get(0)?)?,
            organisation: organisation_id(row.text(1)?)?,
            person: row.get(2)?,
            given: count(row.get(3)?),
            leaf: count(row.get(4)?),
        })
    })
}

/// Notes what an edge should never have sent; whether it is the first of its kind on this day.
///
/// # Errors
/// Those of the database.
pub fn note_anomaly(
    tx: &mut Tx<'_>,
    realm: &Realm,
    authorisation: Uuid,
    (operator, edge): (&OrganisationId, &str),
    kind: &str,
) -> Result<bool, StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let id = authorisation.to_string();
    let (now, day) = (micros(tx.now()), tx.now().as_second().div_euclid(86_400));
    let again = tx.execute(
        "UPDATE selection_anomalies SET times = times + 1, last_at = ?6
         WHERE realm = ?1 AND authorisation = ?2 AND edge = ?3 AND day = ?4 AND kind = ?5",
        params![realm, id, edge, day, kind, now],
    )?;
    if again > 0 {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO selection_anomalies (realm, authorisation, edge, day, kind, operator, times, first_at, last_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?7)",
        params![realm, id, edge, day, kind, operator.as_str(), now],
    )?;
    Ok(true)
}

/// What edges should never have sent under an authorisation, the last one first.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn anomalies(
    reader: &Reader<'_>,
    realm: &Realm,
    authorisation: Uuid,
) -> Result<Vec<Anomaly>, StoreError> {
    let sql = "SELECT kind, operator, edge, times, first_at, last_at FROM selection_anomalies
        WHERE realm = ?1 AND authorisation = ?2 ORDER BY last_at DESC, edge, kind LIMIT ?3";
    told(reader, sql, realm, authorisation, |row| {
        Ok(Anomaly {
            kind: row.get(0)?,
            operator: organisation_id(row.text(1)?)?,
            edge: row.get(2)?,
            times: count(row.get(3)?),
            first: time(row.get(4)?)?,
            last: time(row.get(5)?)?,
        })
    })
}

/// The largest power of ten that is not larger; nought for nought: how numbers of selections are told.
#[must_use]
pub fn bucket(number: u64) -> u64 {
    number.checked_ilog10().map_or(0, |digits| 10_u64.pow(digits))
}

fn told<T>(
    reader: &Reader<'_>,
    sql: &str,
    realm: &Realm,
    authorisation: Uuid,
    read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let limit = i64::try_from(TOLD_MAX).unwrap_or(i64::MAX);
    reader.rows(sql, (reader.realm(realm)?, authorisation.to_string().as_str(), limit), read)
}

const COLUMNS: &str = "number, came, id, authorisation, operator, edge, class_key, sealed";

fn read(row: &Row<'_>) -> Result<Kept, StoreError> {
    Ok(Kept {
        number: count(row.get(0)?),
        came: time(row.get(1)?)?,
        selection: NewSelection {
            id: super::id(row.text(2)?)?,
            authorisation: super::id(row.text(3)?)?,
            operator: organisation_id(row.text(4)?)?,
            edge: row.get(5)?,
            class_key: row.get(6)?,
            sealed: row.get(7)?,
        },
    })
}

/// The beginning of the hour, in microseconds.
fn hour_of(us: i64) -> i64 {
    const HOUR_US: i64 = 3_600_000_000;
    us.div_euclid(HOUR_US) * HOUR_US
}
