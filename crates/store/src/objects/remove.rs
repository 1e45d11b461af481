use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};
use policy::{LabelKey, Visible};
use stix::Id;

use super::add::next_place;
use super::condition::{label_condition, line_condition};
use super::flags;
use super::index::unindex;
use super::place::{object_key, rows_of};
use super::tally::Tallies;
use crate::collections::CollectionKey;
use crate::sql::micros;
use crate::{StoreError, Tx, sightings};

/// What stays of the bytes of a removed version.
const NO_BODY: &[u8] = &[];

/// Removes every version of an object that the caller may see from a collection, and gives their number. The bodies are
/// gone; id, version and hash stay, and the log gets a removal for each, which the tail shows.
///
/// # Errors
/// Those of the database.
pub fn remove(
    tx: &mut Tx<'_>,
    realm: &Realm,
    collection: CollectionKey,
    visible: &Visible,
    id: &Id,
) -> Result<usize, StoreError> {
    let which = format!("{} AND {}", label_condition("log.label", visible), line_condition(visible));
    remove_where(tx, realm, collection, &which, id, None)
}

/// Removes one version of an object from a collection; the number removed, 0 or 1.
///
/// # Errors
/// Those of the database.
pub fn remove_version(
    tx: &mut Tx<'_>,
    realm: &Realm,
    collection: CollectionKey,
    visible: &Visible,
    id: &Id,
    version: &stix::Timestamp,
) -> Result<usize, StoreError> {
    let which = format!("{} AND {}", label_condition("log.label", visible), line_condition(visible));
    remove_where(tx, realm, collection, &which, id, Some(version.sort_key()))
}

/// Removes a version that the node itself made on behalf of an organisation, whoever may see it.
///
/// # Errors
/// Those of the database.
pub fn remove_made(
    tx: &mut Tx<'_>,
    realm: &Realm,
    collection: CollectionKey,
    originator: &OrganisationId,
    (id, version_key): (&Id, &str),
) -> Result<usize, StoreError> {
    let sql = "SELECT originator FROM originators WHERE realm = ?1 AND organisation = ?2";
    let number = tx.first(sql, (tx.realm(realm)?, originator.as_str()), |row| row.get::<i64>(0))?;
    let Some(number) = number else { return Ok(0) };
    remove_where(tx, realm, collection, &format!("log.originator = {number}"), id, Some(version_key))
}

fn remove_where(
    tx: &Tx<'_>,
    realm: &Realm,
    collection: CollectionKey,
    which: &str,
    id: &Id,
    version: Option<&str>,
) -> Result<usize, StoreError> {
    let realm = tx.realm(realm)?;
    let sql = format!(
        "SELECT log.sequence, log.label, log.is_last, log.revoked, log.line FROM log
         WHERE {} AND log.realm + 0 = ?2 AND log.id = ?3 AND log.collection + 0 = ?4 AND log.kind = 0
         AND (?5 IS NULL OR log.version_key = ?5) AND {which} ORDER BY log.version_key",
        rows_of("log.sequence", "?1")
    );
    let object = object_key(realm, id.as_str());
    let found: Vec<(i64, LabelKey, i64, bool, i64)> =
        tx.rows(&sql, (object, realm, id.as_str(), collection, version), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })?;
    let mut tallies = Tallies::default();
    let mut lines = BTreeSet::new();
    for (sequence, label, is_last, revoked, line) in &found {
        lines.insert(*line);
        if *is_last != 0 {
            unindex(tx, *sequence)?;
        }
        tallies.remove(id.object_type(), *label, *is_last, *revoked);
        remove_row(tx, realm, collection, *sequence)?;
        if id.object_type() == "sighting" {
            sightings::forget(tx, realm, id, *sequence)?;
        }
    }
    if !found.is_empty() {
        for line in lines {
            flags::settle(tx, realm, collection, id, line, &mut tallies)?;
        }
        tallies.write(tx, realm, collection)?;
    }
    Ok(found.len())
}

fn remove_row(tx: &Tx<'_>, realm: i64, collection: CollectionKey, sequence: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE log SET kind = 1, is_last = 0, is_first = 0, body = ?2 WHERE sequence = ?1",
        (sequence, NO_BODY),
    )?;
    let (removal, date_added) = next_place(tx, realm, collection, micros(tx.now()))?;
    tx.execute(
        "INSERT INTO log (sequence, realm, collection, kind, label, date_added, is_last, is_first, revoked,
             originator, object, line, type, id, version, version_key, spec_version, hash, body)
         SELECT ?2, realm, collection, 2, label, ?3, 0, 0, revoked, originator, object, line, type, id, version, version_key,
             spec_version, hash, body
         FROM log WHERE sequence = ?1",
        (sequence, removal, date_added),
    )?;
    Ok(())
}
