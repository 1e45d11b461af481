//! What comes back to those who contribute: how many others saw the same thing, and how it was judged.

use std::collections::BTreeMap;

use oversight::{OrganisationId, Realm};
use stix::Id;

use crate::sql::{count, micros, organisation_id, params};
use crate::{Reader, StoreError, Tx};

/// How many organisations other than one reported sightings of an indicator, or of a redacted copy of it, that were taken in before a time.
///
/// # Errors
/// Those of the database.
pub fn seen_by_others(
    reader: &Reader<'_>,
    realm: &Realm,
    indicator: &Id,
    than: &OrganisationId,
    before: jiff::Timestamp,
) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(DISTINCT organisation) FROM sightings
        WHERE realm = ?1
         AND indicator IN (SELECT CAST(?2 AS TEXT) UNION ALL SELECT copy FROM copies WHERE realm = ?1 AND original = ?2 AND originator = ?3)
         AND organisation <> ?3 AND added < ?4";
    let params = (reader.realm(realm)?, indicator.as_str(), than.as_str(), micros(before));
    Ok(count(reader.number(sql, params)?))
}

/// Writes down how an organisation judges an object; its last word counts.
///
/// # Errors
/// Those of the database.
pub fn judge(
    tx: &mut Tx<'_>,
    realm: &Realm,
    object: &Id,
    organisation: &OrganisationId,
    (judgement, opinion): (&str, &Id),
) -> Result<(), StoreError> {
    let (realm, now) = (tx.realm_for_writing(realm)?, micros(tx.now()));
    tx.execute(
        "INSERT INTO judgements (realm, object, organisation, judgement, opinion, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (realm, object, organisation) DO UPDATE SET
             judgement = excluded.judgement, opinion = excluded.opinion, at = excluded.at",
        params![realm, object.as_str(), organisation.as_str(), judgement, opinion.as_str(), now],
    )?;
    Ok(())
}

/// Takes an organisation's judgement back, if its last word was this opinion.
///
/// # Errors
/// Those of the database.
pub fn withdraw(
    tx: &mut Tx<'_>,
    realm: &Realm,
    object: &Id,
    organisation: &OrganisationId,
    opinion: &Id,
) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.execute(
        "DELETE FROM judgements WHERE realm = ?1 AND object = ?2 AND organisation = ?3 AND opinion = ?4",
        params![realm, object.as_str(), organisation.as_str(), opinion.as_str()],
    )?;
    Ok(())
}

/// Writes down that an object led to a block in an organisation's network.
///
/// # Errors
/// Those of the database.
pub fn block(
    tx: &mut Tx<'_>,
    realm: &Realm,
    object: &Id,
    organisation: &OrganisationId,
    opinion: &Id,
) -> Result<(), StoreError> {
    let (realm, now) = (tx.realm_for_writing(realm)?, micros(tx.now()));
    tx.execute(
        "INSERT INTO blocks (realm, object, organisation, opinion, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (realm, object, organisation) DO UPDATE SET opinion = excluded.opinion, at = excluded.at",
        params![realm, object.as_str(), organisation.as_str(), opinion.as_str(), now],
    )?;
    Ok(())
}

/// How many organisations other than one say that an object led to a block.
///
/// # Errors
/// Those of the database.
pub fn blocked_by_others(
    reader: &Reader<'_>,
    realm: &Realm,
    object: &Id,
    than: &OrganisationId,
) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM blocks WHERE realm = ?1 AND object = ?2 AND organisation <> ?3";
    Ok(count(reader.number(sql, (reader.realm(realm)?, object.as_str(), than.as_str()))?))
}

/// How organisations judge an object: the judgement of each.
///
/// # Errors
/// Those of the database.
pub fn judgements(
    reader: &Reader<'_>,
    realm: &Realm,
    object: &Id,
) -> Result<BTreeMap<OrganisationId, String>, StoreError> {
    let sql = "SELECT organisation, judgement FROM judgements WHERE realm = ?1 AND object = ?2";
    let found = reader.rows(sql, (reader.realm(realm)?, object.as_str()), |row| {
        Ok((organisation_id(row.text(0)?)?, row.get(1)?))
    })?;
    Ok(found.into_iter().collect())
}
