//! Decisions of people that two objects are one, or are not, in the eyes of their organisation. No object is changed by one; an
//! undone decision stays on record.

use oversight::{OrganisationId, Realm};
use stix::Id;

use crate::sql::{Row, micros, organisation_id, params, stix_id, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Decisions in force of one organisation at most.
pub const DECISIONS_MAX: usize = 50_000;

/// A decision about two objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its id.
    pub id: String,
    /// In whose eyes.
    pub organisation: OrganisationId,
    /// The two, the lesser identifier first.
    pub pair: (Id, Id),
    /// Whether they are one; else they are not, and are not proposed again.
    pub same: bool,
    /// Why, in the person's words.
    pub reason: String,
    /// Who decided: account.
    pub person: String,
    /// When.
    pub decided: jiff::Timestamp,
    /// When it was undone.
    pub undone: Option<jiff::Timestamp>,
    /// Who undid it.
    pub undone_by: Option<String>,
}

/// Writes a decision down.
///
/// # Errors
/// [`StoreError::Exists`] where one about the two is in force; [`StoreError::Limit`].
pub fn add(tx: &mut Tx<'_>, realm: &Realm, decision: &Decision) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let sql =
        "SELECT COUNT(*) FROM sameness WHERE realm = ?1 AND one = ?2 AND other = ?3 AND organisation = ?4
        AND undone IS NULL";
    let (one, other) = (decision.pair.0.as_str(), decision.pair.1.as_str());
    if tx.number(sql, (key, one, other, decision.organisation.as_str()))? > 0 {
        return Err(StoreError::Exists { what: "a decision about these two".to_owned() });
    }
    let sql = "SELECT COUNT(*) FROM sameness WHERE realm = ?1 AND organisation = ?2";
    if tx.number(sql, (key, decision.organisation.as_str()))?
        >= i64::try_from(DECISIONS_MAX).unwrap_or(i64::MAX)
    {
        return Err(StoreError::Limit { what: "decisions of one organisation", limit: DECISIONS_MAX });
    }
    tx.insert(
        "INSERT INTO sameness (realm, id, organisation, one, other, same, reason, person, decided)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            key,
            decision.id,
            decision.organisation.as_str(),
            one,
            other,
            i64::from(decision.same),
            decision.reason,
            decision.person,
            micros(decision.decided),
        ],
        &decision.id,
    )
}

/// Undoes a decision of an organisation's; whether it was in force.
///
/// # Errors
/// Those of the database.
pub fn undo(
    tx: &mut Tx<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    id: &str,
    person: &str,
) -> Result<Option<Decision>, StoreError> {
    let found = get(tx, realm, id)?
        .filter(|decision| decision.organisation == *organisation && decision.undone.is_none());
    if found.is_some() {
        let sql = "UPDATE sameness SET undone = ?3, undone_by = ?4 WHERE realm = ?1 AND id = ?2";
        tx.execute(sql, (tx.realm(realm)?, id, micros(tx.now()), person))?;
    }
    Ok(found)
}

/// A decision by its id, whosever it is.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Decision>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sameness WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// An organisation's decisions, newest first, undone ones too.
///
/// # Errors
/// Those of the database.
pub fn of_organisation(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    limit: usize,
) -> Result<Vec<Decision>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sameness WHERE realm = ?1 AND organisation = ?2 ORDER BY decided DESC, id LIMIT ?3"
    );
    let limit = i64::try_from(limit.min(DECISIONS_MAX)).unwrap_or(0);
    reader.rows(&sql, (reader.realm(realm)?, organisation.as_str(), limit), read)
}

/// The decisions in force that name an object, of one organisation.
///
/// # Errors
/// Those of the database.
pub fn about(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    object: &Id,
) -> Result<Vec<Decision>, StoreError> {
    let mut all = Vec::new();
    for column in ["one", "other"] {
        let sql = format!(
            "SELECT {COLUMNS} FROM sameness WHERE realm = ?1 AND {column} = ?2 AND organisation = ?3 AND undone IS NULL
             ORDER BY decided, id LIMIT 1000"
        );
        let found =
            reader.rows(&sql, (reader.realm(realm)?, object.as_str(), organisation.as_str()), read)?;
        all.extend(found);
    }
    Ok(all)
}

const COLUMNS: &str = "id, organisation, one, other, same, reason, person, decided, undone, undone_by";

fn read(row: &Row<'_>) -> Result<Decision, StoreError> {
    Ok(Decision {
        id: row.get(0)?,
        organisation: organisation_id(row.text(1)?)?,
        pair: (stix_id(row.text(2)?)?, stix_id(row.text(3)?)?),
        same: row.get::<i64>(4)? == 1,
        reason: row.get(5)?,
        person: row.get(6)?,
        decided: time(row.get(7)?)?,
        undone: time_opt(row.get(8)?)?,
        undone_by: row.get(9)?,
    })
}
