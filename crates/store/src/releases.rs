//! The release ledger: which organisation was given which versions, by which door, what for, and by which leaf that can be proved.
//!
//! Versions are named by their places in the log. A version that got another place (a new label, taken in again) is found by all
//! the places it ever had, so that what was given out before is not forgotten.

use std::collections::{BTreeMap, BTreeSet};

use oversight::{OrganisationId, Purpose, Realm};
use policy::{LabelKey, Under};
use stix::Id;

use crate::objects::{self, object_key};
use crate::sql::{Row, count, micros, organisation_id, params, parsed, stored, time};
use crate::{Reader, StoreError, Tx};

/// Rows one read gives at most.
pub const RELEASES_MAX: usize = 1_000;
/// Places of one object that are looked up at most: ten for each version it may have.
const PLACES_MAX: i64 = 100_000;
/// No run is longer than 2^this.
const SPAN_MAX: i64 = 40;

/// What is given out in one act to one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// To whom.
    pub recipient: OrganisationId,
    /// By which door, e.g. `taxii-objects`.
    pub door: String,
    /// What for.
    pub purpose: Purpose,
    /// The agreement it was given under, where one was needed, and its term.
    pub under: Option<Under>,
    /// Runs of the log's sequence numbers, first and last.
    pub runs: Vec<(i64, i64)>,
    /// The leaf of the audit log that says so.
    pub leaf: u64,
}

/// A row of the ledger: one run of versions that an organisation was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// To whom.
    pub recipient: OrganisationId,
    /// The first sequence number of the run.
    pub first_sequence: i64,
    /// The last one; all between were given too.
    pub last_sequence: i64,
    /// By which door.
    pub door: String,
    /// What for.
    pub purpose: Purpose,
    /// The agreement it was given under, where one was needed, and its term.
    pub under: Option<Under>,
    /// How often.
    pub times: u64,
    /// When first.
    pub first_at: jiff::Timestamp,
    /// When last.
    pub last_at: jiff::Timestamp,
    /// The leaf of the first time.
    pub first_leaf: u64,
    /// The leaf of the last time.
    pub last_leaf: u64,
}

/// Where a list of what one organisation was given goes on: after this run, downwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseCursor {
    /// Its first sequence number.
    pub first_sequence: i64,
    /// Rows of that number that were given already.
    pub seen: usize,
}

/// Writes a delivery down. In the transaction that appends its leaf.
///
/// # Errors
/// Those of the database.
pub fn record(tx: &mut Tx<'_>, realm: &Realm, delivery: &Delivery) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let now = micros(tx.now());
    for (first, last) in &delivery.runs {
        tx.execute(
            "INSERT INTO releases (realm, recipient, first_sequence, last_sequence, door, purpose, agreement, span, times,
                 first_at, last_at, first_leaf, last_leaf)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?9, ?10, ?10)
             ON CONFLICT (realm, recipient, first_sequence, last_sequence, door, purpose, agreement) DO UPDATE SET
                 times = releases.times + 1, last_at = excluded.last_at, last_leaf = excluded.last_leaf",
            params![
                realm,
                delivery.recipient.as_str(),
                first,
                last,
                delivery.door,
                delivery.purpose.name(),
                delivery.under.as_ref().map(Under::to_string).unwrap_or_default(),
                span(*first, *last),
                now,
                stored(delivery.leaf),
            ],
        )?;
    }
    Ok(())
}

/// Who was given the version at a place of the log, or the one that was there once: one row for each recipient, door, purpose
/// and agreement.
///
/// # Errors
/// Those of the database.
pub fn of_version(reader: &Reader<'_>, realm: &Realm, sequence: i64) -> Result<Vec<Release>, StoreError> {
    let key = reader.realm(realm)?;
    let sql = "SELECT id, version_key FROM log WHERE sequence = ?2 AND realm = ?1
        UNION SELECT id, version_key FROM earlier_places WHERE realm = ?1 AND sequence = ?2";
    let version =
        reader.first(sql, (key, sequence), |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)))?;
    let Some((id, version_key)) = version else { return Ok(Vec::new()) };
    gather(reader, key, &places(reader, key, &id, Some(&version_key))?)
}

/// Who was given any version of an object.
///
/// # Errors
/// Those of the database.
pub fn of_object(reader: &Reader<'_>, realm: &Realm, id: &Id) -> Result<Vec<Release>, StoreError> {
    let key = reader.realm(realm)?;
    gather(reader, key, &places(reader, key, id.as_str(), None)?)
}

/// The organisations that were given any version of an object, with the doors by which each was.
///
/// # Errors
/// Those of the database.
pub fn recipients(
    reader: &Reader<'_>,
    realm: &Realm,
    id: &Id,
) -> Result<BTreeMap<OrganisationId, BTreeSet<String>>, StoreError> {
    recipients_of(reader, realm, id, None)
}

/// The same for one version, by the key that sorts it ([`crate::routes::version_key`]).
///
/// # Errors
/// Those of the database.
pub fn recipients_of(
    reader: &Reader<'_>,
    realm: &Realm,
    id: &Id,
    version_key: Option<&str>,
) -> Result<BTreeMap<OrganisationId, BTreeSet<String>>, StoreError> {
    let key = reader.realm(realm)?;
    let mut found: BTreeMap<OrganisationId, BTreeSet<String>> = BTreeMap::new();
    for place in places(reader, key, id.as_str(), version_key)? {
        for release in holding(reader, key, place, None, i64::MAX)? {
            found.entry(release.recipient).or_default().insert(release.door);
        }
    }
    Ok(found)
}

/// Whether an organisation was given any version of an object, by any door.
///
/// # Errors
/// Those of the database.
pub fn was_given(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    id: &Id,
) -> Result<bool, StoreError> {
    let key = reader.realm(realm)?;
    for place in places(reader, key, id.as_str(), None)? {
        if !holding(reader, key, place, Some(organisation), 1)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What an organisation was given, newest objects first, and where to read on.
///
/// # Errors
/// Those of the database.
pub fn to_organisation(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    after: Option<ReleaseCursor>,
    limit: usize,
) -> Result<(Vec<Release>, Option<ReleaseCursor>), StoreError> {
    let realm = reader.realm(realm)?;
    let limit = limit.clamp(1, RELEASES_MAX);
    let (start, skip) = after.map_or((i64::MAX, 0), |cursor| (cursor.first_sequence, cursor.seen));
    let sql = format!(
        "SELECT {COLUMNS} FROM releases WHERE realm = ?1 AND recipient = ?2 AND first_sequence <= ?3
         ORDER BY first_sequence DESC, last_sequence DESC, door DESC, purpose DESC, agreement DESC LIMIT ?4 OFFSET ?5"
    );
    let take = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let params = (realm, organisation.as_str(), start, take, i64::try_from(skip).unwrap_or(i64::MAX));
    let mut rows = reader.rows(&sql, params, read)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|last| {
        let here = rows.iter().rev().take_while(|row| row.first_sequence == last.first_sequence).count();
        let before = if last.first_sequence == start { skip } else { 0 };
        ReleaseCursor { first_sequence: last.first_sequence, seen: before + here }
    });
    Ok((rows, next))
}

/// How many rows the ledger has.
///
/// # Errors
/// Those of the database.
pub fn size(reader: &Reader<'_>, realm: &Realm) -> Result<u64, StoreError> {
    Ok(count(reader.number("SELECT COUNT(*) FROM releases WHERE realm = ?1", [reader.realm(realm)?])?))
}

/// Whether a version stood before at a place up to `through`, under a label that `was_read` is true of: whoever read it there is told
/// nothing new where it stands now.
///
/// # Errors
/// Those of the database.
pub fn stood_under(
    reader: &Reader<'_>,
    realm: &Realm,
    row: &objects::Row,
    through: i64,
    was_read: impl Fn(LabelKey) -> bool,
) -> Result<bool, StoreError> {
    let sql = "SELECT label FROM earlier_places WHERE realm = ?1 AND id = ?2 AND version_key = ?3 AND sequence <= ?4";
    let key = crate::routes::version_key(row.version.as_deref());
    let labels: Vec<LabelKey> =
        reader.rows(sql, params![reader.realm(realm)?, row.id.as_str(), key, through], |row| row.get(0))?;
    Ok(labels.into_iter().any(was_read))
}

/// Remembers that a version stood at a place, before the log's row of it goes away.
pub(crate) fn remember_place(tx: &Tx<'_>, sequence: i64) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO earlier_places (realm, sequence, id, version_key, label)
         SELECT realm, sequence, id, version_key, label FROM log WHERE sequence = ?1
         ON CONFLICT (realm, sequence) DO NOTHING",
        [sequence],
    )?;
    Ok(())
}

/// The smallest s with 2^s at least the length of the run.
fn span(first: i64, last: i64) -> i64 {
    let length = u64::try_from(last.saturating_sub(first).saturating_add(1)).unwrap_or(1).max(1);
    i64::from(length.next_power_of_two().trailing_zeros()).min(SPAN_MAX)
}

/// All places at which versions of an object stand or stood.
fn places(
    reader: &Reader<'_>,
    realm: i64,
    id: &str,
    version_key: Option<&str>,
) -> Result<Vec<i64>, StoreError> {
    let sql = format!(
        "SELECT sequence FROM log
         WHERE {} AND realm + 0 = ?1 AND id = ?2 AND kind < 2 AND (?3 IS NULL OR version_key = ?3)
         UNION SELECT sequence FROM earlier_places WHERE realm = ?1 AND id = ?2 AND (?3 IS NULL OR version_key = ?3)
         ORDER BY 1 DESC LIMIT ?4",
        objects::rows_of("sequence", "?5")
    );
    reader.rows(&sql, (realm, id, version_key, PLACES_MAX, object_key(realm, id)), |row| row.get(0))
}

/// The rows of several places, one for each recipient, door, purpose and agreement.
fn gather(reader: &Reader<'_>, realm: i64, places: &[i64]) -> Result<Vec<Release>, StoreError> {
    let mut found: BTreeMap<(OrganisationId, String, &'static str, Option<Under>), Release> = BTreeMap::new();
    for place in places {
        for release in holding(reader, realm, *place, None, i64::MAX)? {
            let release = Release { first_sequence: *place, last_sequence: *place, ..release };
            let key = (
                release.recipient.clone(),
                release.door.clone(),
                release.purpose.name(),
                release.under.clone(),
            );
            match found.get_mut(&key) {
                None => drop(found.insert(key, release)),
                Some(known) => known.add(&release),
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The rows whose run holds a place, of one recipient or of all: for each span that occurs, those that begin close enough before it.
fn holding(
    reader: &Reader<'_>,
    realm: i64,
    place: i64,
    recipient: Option<&OrganisationId>,
    limit: i64,
) -> Result<Vec<Release>, StoreError> {
    let longest = reader.number("SELECT MAX(span) FROM releases WHERE realm = ?1", [realm])?;
    let sql = format!(
        "SELECT {COLUMNS} FROM releases
         WHERE realm = ?1 AND span = ?2 AND first_sequence > ?3 AND first_sequence <= ?4 AND last_sequence >= ?4
             AND (?5 IS NULL OR recipient = ?5) LIMIT ?6"
    );
    let mut found = Vec::new();
    for span in 0..=longest.clamp(0, SPAN_MAX) {
        let from = place.saturating_sub(1_i64 << span);
        let recipient = recipient.map(OrganisationId::as_str);
        found.extend(reader.rows(&sql, params![realm, span, from, place, recipient, limit], read)?);
    }
    Ok(found)
}

impl Release {
    fn add(&mut self, other: &Self) {
        self.times = self.times.saturating_add(other.times);
        self.first_sequence = self.first_sequence.min(other.first_sequence);
        self.last_sequence = self.last_sequence.max(other.last_sequence);
        if other.first_leaf < self.first_leaf {
            (self.first_leaf, self.first_at) = (other.first_leaf, other.first_at);
        }
        if other.last_leaf > self.last_leaf {
            (self.last_leaf, self.last_at) = (other.last_leaf, other.last_at);
        }
    }
}

const COLUMNS: &str =
    "recipient, first_sequence, last_sequence, door, purpose, agreement, times, first_at, last_at,
    first_leaf, last_leaf";

fn read(row: &Row<'_>) -> Result<Release, StoreError> {
    let under: String = row.get(5)?;
    let under = Some(under).filter(|under| !under.is_empty());
    Ok(Release {
        recipient: organisation_id(&row.get::<String>(0)?)?,
        first_sequence: row.get(1)?,
        last_sequence: row.get(2)?,
        door: row.get(3)?,
        purpose: parsed("purpose", &row.get::<String>(4)?, Purpose::parse)?,
        under: under.map(|under| parsed("agreement", &under, Under::parse)).transpose()?,
        times: count(row.get(6)?),
        first_at: time(row.get(7)?)?,
        last_at: time(row.get(8)?)?,
        first_leaf: count(row.get(9)?),
        last_leaf: count(row.get(10)?),
    })
}
