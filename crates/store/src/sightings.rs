//! Sightings as rows beside their STIX objects: for the board, for triage, and so that each is taken in once.

use case::Severity;
use oversight::{OrganisationId, Realm};
use policy::{LabelKey, Visible};
use stix::Id;

use crate::objects::{label_condition, object_key, rows_of};
use crate::sql::{Row, count, micros, organisation_id, params, parsed, stix_id, stored, time};
use crate::{Reader, StoreError, Tx};

/// Sightings one read gives at most.
pub const SIGHTINGS_MAX: usize = 10_000;

/// A sighting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The STIX sighting; the edge chose its UUID.
    pub id: Id,
    /// Its sequence in the log; 0 if it is not there.
    pub sequence: i64,
    /// The indicator that matched.
    pub indicator: Id,
    /// Whose network.
    pub organisation: OrganisationId,
    /// First seen.
    pub first_seen: jiff::Timestamp,
    /// Last seen.
    pub last_seen: jiff::Timestamp,
    /// How often.
    pub count: u64,
    /// The indicator's severity.
    pub severity: Severity,
    /// Its label.
    pub label: LabelKey,
    /// When the hub took it in.
    pub added: jiff::Timestamp,
    /// The case it is in.
    pub case: Option<Id>,
    /// Whatever else the hub keeps of it (values to show, threads), as JSON.
    pub detail: String,
}

/// Takes a sighting in; whether it is new. The same id is taken in once, whatever else it says the second time.
///
/// # Errors
/// Those of the database.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, sighting: &Sighting) -> Result<bool, StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let added = tx.execute(
        "INSERT INTO sightings (realm, id, sequence, indicator, organisation, first_seen, last_seen, count,
             severity, label, added, case_id, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (realm, id) DO NOTHING",
        params![
            realm,
            sighting.id.as_str(),
            sighting.sequence,
            sighting.indicator.as_str(),
            sighting.organisation.as_str(),
            micros(sighting.first_seen),
            micros(sighting.last_seen),
            stored(sighting.count),
            sighting.severity.level(),
            sighting.label,
            micros(sighting.added),
            sighting.case.as_ref().map(Id::as_str),
            sighting.detail,
        ],
    )?;
    Ok(added > 0)
}

/// Forgets a sighting whose object is removed from the log, so that it counts nowhere any more.
pub(crate) fn forget(tx: &Tx<'_>, realm: i64, id: &Id, sequence: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM sightings WHERE realm = ?1 AND id = ?2 AND sequence = ?3";
    tx.execute(sql, (realm, id.as_str(), sequence))?;
    Ok(())
}

/// Whether a sighting was taken in before; also one that was withdrawn since, which does not come back by being sent again.
///
/// # Errors
/// Those of the database.
pub fn exists(reader: &Reader<'_>, realm: &Realm, id: &Id) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT (SELECT COUNT(*) FROM sightings WHERE realm = ?1 AND id = ?2)
         + (SELECT COUNT(*) FROM log WHERE {} AND realm + 0 = ?1 AND id = ?2 AND kind = 1)",
        rows_of("sequence", "?3")
    );
    let realm = reader.realm(realm)?;
    Ok(reader.number(&sql, (realm, id.as_str(), object_key(realm, id.as_str())))? > 0)
}

/// A sighting that the reader may see.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn get(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    id: &Id,
) -> Result<Option<Sighting>, StoreError> {
    let labels = label_condition("label", visible);
    let sql = format!("SELECT {COLUMNS} FROM sightings WHERE realm = ?1 AND id = ?2 AND {labels}");
    reader.first(&sql, (reader.realm(realm)?, id.as_str()), read)
}

/// Puts sightings into a case.
///
/// # Errors
/// [`StoreError::NotFound`] for a sighting that is not here.
pub fn join_case(tx: &mut Tx<'_>, realm: &Realm, sightings: &[Id], case: &Id) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    for id in sightings {
        let sql = "UPDATE sightings SET case_id = ?3 WHERE realm = ?1 AND id = ?2";
        if tx.execute(sql, (realm, id.as_str(), case.as_str()))? == 0 {
            return Err(StoreError::not_found(id.as_str()));
        }
    }
    Ok(())
}

/// The newest sightings that the reader may see, newest first.
///
/// # Errors
/// Those of the database.
pub fn recent(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    limit: usize,
) -> Result<Vec<Sighting>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sightings WHERE realm = ?1 AND {} ORDER BY added DESC, id LIMIT ?2",
        label_condition("label", visible)
    );
    reader.rows(&sql, (reader.realm(realm)?, row_limit(limit)), read)
}

/// Sightings added after a time that are in no case, oldest first, whoever may see them: what triage correlates.
/// Nothing of this goes to a reader.
///
/// # Errors
/// Those of the database.
pub fn for_triage(
    reader: &Reader<'_>,
    realm: &Realm,
    after: jiff::Timestamp,
) -> Result<Vec<Sighting>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sightings WHERE realm = ?1 AND added > ?2 AND case_id IS NULL
         ORDER BY added, id LIMIT {SIGHTINGS_MAX}"
    );
    reader.rows(&sql, (reader.realm(realm)?, micros(after)), read)
}

/// The sightings in a case that the reader may see, oldest first.
///
/// # Errors
/// Those of the database.
pub fn of_case(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    case: &Id,
    limit: usize,
) -> Result<Vec<Sighting>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sightings WHERE realm = ?1 AND case_id = ?2 AND {} ORDER BY added, id LIMIT ?3",
        label_condition("label", visible)
    );
    reader.rows(&sql, (reader.realm(realm)?, case.as_str(), row_limit(limit)), read)
}

/// How often an indicator was sighted, over the sightings that the reader may see.
///
/// # Errors
/// Those of the database.
pub fn times_seen(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    indicator: &Id,
) -> Result<u64, StoreError> {
    let sql = format!(
        "SELECT CAST(SUM(count) AS BIGINT) FROM sightings WHERE realm = ?1 AND indicator = ?2 AND {}",
        label_condition("label", visible)
    );
    reader.number(&sql, (reader.realm(realm)?, indicator.as_str())).map(count)
}

/// The newest sightings of an indicator that the reader may see, newest first.
///
/// # Errors
/// Those of the database.
pub fn of_indicator(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    indicator: &Id,
    limit: usize,
) -> Result<Vec<Sighting>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sightings WHERE realm = ?1 AND indicator = ?2 AND {} ORDER BY added DESC, id LIMIT ?3",
        label_condition("label", visible)
    );
    reader.rows(&sql, (reader.realm(realm)?, indicator.as_str(), row_limit(limit)), read)
}

/// The sightings of one organisation that were last seen since a time, the earliest first.
///
/// # Errors
/// Those of the database.
pub fn of_organisation(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    (organisation, from): (&OrganisationId, jiff::Timestamp),
    limit: usize,
) -> Result<Vec<Sighting>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sightings WHERE realm = ?1 AND organisation = ?2 AND last_seen >= ?3 AND {}
         ORDER BY first_seen, id LIMIT ?4",
        label_condition("label", visible)
    );
    let params = (reader.realm(realm)?, organisation.as_str(), micros(from), row_limit(limit));
    reader.rows(&sql, params, read)
}

/// How often each indicator was sighted, over the sightings that the reader may see since a time: the most often first.
///
/// # Errors
/// Those of the database.
pub fn per_indicator(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    from: jiff::Timestamp,
    limit: usize,
) -> Result<Vec<(Id, u64)>, StoreError> {
    let sql = format!(
        "SELECT indicator, COUNT(*) FROM sightings WHERE realm = ?1 AND added >= ?2 AND {}
         GROUP BY indicator ORDER BY COUNT(*) DESC, indicator LIMIT ?3",
        label_condition("label", visible)
    );
    reader.rows(&sql, (reader.realm(realm)?, micros(from), row_limit(limit)), |row| {
        Ok((stix_id(row.text(0)?)?, count(row.get(1)?)))
    })
}

/// Visible sightings by minute, of `from` (inclusive) to `to` (exclusive): the minute's beginning and how many.
/// Minutes without any are left out.
///
/// # Errors
/// Those of the database.
pub fn per_minute(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    from: jiff::Timestamp,
    to: jiff::Timestamp,
) -> Result<Vec<(jiff::Timestamp, u64)>, StoreError> {
    let sql = format!(
        "SELECT added / 60000000 AS minute, COUNT(*) FROM sightings
         WHERE realm = ?1 AND added >= ?2 AND added < ?3 AND {} GROUP BY added / 60000000 ORDER BY minute",
        label_condition("label", visible)
    );
    reader.rows(&sql, (reader.realm(realm)?, micros(from), micros(to)), |row| {
        let minute: i64 = row.get(0)?;
        Ok((time(minute.saturating_mul(60_000_000))?, count(row.get(1)?)))
    })
}

/// Visible sightings by organisation since a time.
///
/// # Errors
/// Those of the database.
pub fn per_organisation(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    from: jiff::Timestamp,
) -> Result<Vec<(OrganisationId, u64)>, StoreError> {
    let sql = format!(
        "SELECT organisation, COUNT(*) FROM sightings WHERE realm = ?1 AND added >= ?2 AND {}
         GROUP BY organisation ORDER BY organisation",
        label_condition("label", visible)
    );
    reader.rows(&sql, (reader.realm(realm)?, micros(from)), |row| {
        Ok((organisation_id(&row.get::<String>(0)?)?, count(row.get(1)?)))
    })
}

const COLUMNS: &str =
    "id, sequence, indicator, organisation, first_seen, last_seen, count, severity, label, added,
    case_id, detail";

fn read(row: &Row<'_>) -> Result<Sighting, StoreError> {
    let severity: u8 = row.get(7)?;
    Ok(Sighting {
        id: stix_id(&row.get::<String>(0)?)?,
        sequence: row.get(1)?,
        indicator: stix_id(&row.get::<String>(2)?)?,
        organisation: organisation_id(&row.get::<String>(3)?)?,
        first_seen: time(row.get(4)?)?,
        last_seen: time(row.get(5)?)?,
        count: count(row.get(6)?),
        severity: parsed("severity", &severity.to_string(), |_| Severity::new(severity))?,
        label: row.get(8)?,
        added: time(row.get(9)?)?,
        case: row.get::<Option<String>>(10)?.map(|id| stix_id(&id)).transpose()?,
        detail: row.get(11)?,
    })
}

fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit.min(SIGHTINGS_MAX)).unwrap_or(0)
}
