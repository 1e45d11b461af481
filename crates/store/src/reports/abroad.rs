//! Copies that passed to organisations of other hubs, and from there: which object carries what.
//!
//! Nothing here says who may see a copy: that does the label of its object.

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};
use regime::EventId;
use stix::Id;

use super::LIST_MAX;
use crate::sql::{Row, micros, organisation_id, params, parsed, stix_id, time};
use crate::{Reader, StoreError, Tx};

/// Reports of other hubs of which one organisation here has copies.
pub const CAME_MAX: i64 = 20_000;

/// A copy on its way to another hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenAbroad {
    /// The report.
    pub report: Id,
    /// The filing, by its event.
    pub event: EventId,
    /// The object that carries it.
    pub object: Id,
}

/// A report that is kept at another hub, and of which an organisation here was given copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    /// The STIX incident's identifier.
    pub report: Id,
    /// Whose report it is, as all hubs name that organisation.
    pub giver: OrganisationId,
    /// When the first copy came.
    pub came: Timestamp,
    /// When something last passed.
    pub changed: Timestamp,
}

/// Notes by which object a filing was given to an organisation of another hub.
///
/// # Errors
/// [`StoreError::Exists`].
pub fn give(tx: &mut Tx<'_>, realm: &Realm, given: &GivenAbroad) -> Result<(), StoreError> {
    let (realm, event) = (tx.realm_for_writing(realm)?, given.event.to_string());
    tx.insert(
        "INSERT INTO report_given_abroad (realm, report, event, object, receipt) VALUES (?1, ?2, ?3, ?4, 0)",
        params![realm, given.report.as_str(), event, given.object.as_str()],
        &event,
    )
}

/// What of a report was given to organisations of other hubs.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn given(reader: &Reader<'_>, realm: &Realm, report: &Id) -> Result<Vec<GivenAbroad>, StoreError> {
    let sql = "SELECT report, event, object FROM report_given_abroad
        WHERE realm = ?1 AND report = ?2 ORDER BY event";
    reader.rows(sql, (reader.realm(realm)?, report.as_str()), read_given)
}

/// Copies whose receipts are not on their way yet, whoever's they are: for the node's own work.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn without_receipt(
    reader: &Reader<'_>,
    realm: &Realm,
    limit: usize,
) -> Result<Vec<GivenAbroad>, StoreError> {
    let sql = "SELECT report, event, object FROM report_given_abroad
        WHERE realm = ?1 AND receipt = 0 ORDER BY report, event LIMIT ?2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(sql, (reader.realm(realm)?, limit), read_given)
}

/// Notes that a copy's receipt is on its way; whether it was not yet: of several processes one sends it.
///
/// # Errors
/// Those of the database.
pub fn send_receipt(
    tx: &mut Tx<'_>,
    realm: &Realm,
    report: &Id,
    event: &EventId,
) -> Result<bool, StoreError> {
    let sql = "UPDATE report_given_abroad SET receipt = 1
        WHERE realm = ?1 AND report = ?2 AND event = ?3 AND receipt = 0";
    Ok(tx.execute(sql, (tx.realm(realm)?, report.as_str(), event.to_string()))? > 0)
}

/// Notes that something of a report of another hub's came for an organisation here; whether it is the first.
///
/// # Errors
/// Those of the database.
pub fn take(
    tx: &mut Tx<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    (report, giver): (&Id, &OrganisationId),
) -> Result<bool, StoreError> {
    let (realm, now) = (tx.realm_for_writing(realm)?, micros(tx.now()));
    let sql = "UPDATE report_came SET changed = ?4 WHERE realm = ?1 AND organisation = ?2 AND report = ?3";
    if tx.execute(sql, (realm, organisation.as_str(), report.as_str(), now))? > 0 {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO report_came (realm, organisation, report, giver, came, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        params![realm, organisation.as_str(), report.as_str(), giver.as_str(), now],
    )?;
    Ok(true)
}

/// How many reports of other hubs an organisation has copies of.
///
/// # Errors
/// Those of the database.
pub fn came_count(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM report_came WHERE realm = ?1 AND organisation = ?2";
    reader.number(sql, (reader.realm(realm)?, organisation.as_str()))
}

/// Whose a report of another hub's is, whoever was given copies of it here.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn giver(reader: &Reader<'_>, realm: &Realm, report: &Id) -> Result<Option<OrganisationId>, StoreError> {
    let sql = "SELECT giver FROM report_came WHERE realm = ?1 AND report = ?2 LIMIT 1";
    reader.first(sql, (reader.realm(realm)?, report.as_str()), |row| organisation_id(row.text(0)?))
}

/// A report of another hub's of which an organisation was given copies.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn came(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    report: &Id,
) -> Result<Option<Came>, StoreError> {
    let sql =
        format!("SELECT {CAME} FROM report_came WHERE realm = ?1 AND organisation = ?2 AND report = ?3");
    reader.first(&sql, (reader.realm(realm)?, organisation.as_str(), report.as_str()), read_came)
}

/// Those of one organisation after a place of the list, the newest change first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn came_to(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    after: Option<&(Timestamp, Id)>,
    limit: usize,
) -> Result<Vec<Came>, StoreError> {
    let sql = format!(
        "SELECT {CAME} FROM report_came WHERE realm = ?1 AND organisation = ?2
             AND (changed < ?3 OR changed = ?3 AND report > ?4)
         ORDER BY changed DESC, report LIMIT ?5"
    );
    let (before, report) = match after {
        Some((changed, report)) => (micros(*changed), report.as_str()),
        None => (i64::MAX, ""),
    };
    let limit = i64::try_from(limit.min(LIST_MAX)).unwrap_or(0);
    reader.rows(&sql, (reader.realm(realm)?, organisation.as_str(), before, report, limit), read_came)
}

const CAME: &str = "report, giver, came, changed";

fn read_given(row: &Row<'_>) -> Result<GivenAbroad, StoreError> {
    Ok(GivenAbroad {
        report: stix_id(row.text(0)?)?,
        event: parsed("event", row.text(1)?, EventId::parse)?,
        object: stix_id(row.text(2)?)?,
    })
}

fn read_came(row: &Row<'_>) -> Result<Came, StoreError> {
    Ok(Came {
        report: stix_id(row.text(0)?)?,
        giver: organisation_id(row.text(1)?)?,
        came: time(row.get(2)?)?,
        changed: time(row.get(3)?)?,
    })
}
