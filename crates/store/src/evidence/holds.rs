//! What of evidence may not be destroyed, and why. One person sets a hold, another one lifts it: that they are two is checked here, who may
//! be one of them by the caller.

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};
use uuid::Uuid;

use super::uuid;
use crate::sql::{Row, micros, organisation_id, params, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Holds of one item that stand at once.
pub const HOLDS_MAX: i64 = 50;

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its identifier.
    pub id: Uuid,
    /// The item.
    pub item: Uuid,
    /// Whose people set it.
    pub organisation: OrganisationId,
    /// Which account.
    pub person: String,
    /// Why.
    pub reason: String,
    /// On what legal basis.
    pub legal_basis: String,
    /// Since when.
    pub set: Timestamp,
    /// Who lifted it, why and when.
    pub lifted: Option<(String, String, Timestamp)>,
}

/// Sets a hold.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`HOLDS_MAX`].
pub fn set(tx: &mut Tx<'_>, realm: &Realm, hold: &Hold) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    let (id, item) = (hold.id.to_string(), hold.item.to_string());
    let sql = "SELECT COUNT(*) FROM evidence_holds WHERE realm = ?1 AND item = ?2 AND lifted_at IS NULL";
    if tx.number(sql, (realm, &item))? >= HOLDS_MAX {
        let limit = usize::try_from(HOLDS_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of holds on one item", limit });
    }
    tx.insert(
        "INSERT INTO evidence_holds (realm, id, item, organisation, person, reason, legal_basis, set_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            realm,
            id,
            item,
            hold.organisation.as_str(),
            hold.person,
            hold.reason,
            hold.legal_basis,
            micros(hold.set),
        ],
        &id,
    )
}

/// Lifts a hold of an item.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Stale`] where it is lifted; [`StoreError::Exists`] from the person who set it.
pub fn lift(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (item, id): (Uuid, Uuid),
    (person, reason): (&str, &str),
) -> Result<Hold, StoreError> {
    let name = id.to_string();
    let hold = of_item(tx, realm, item)?.into_iter().find(|hold| hold.id == id);
    let hold = hold.ok_or_else(|| StoreError::not_found(name.clone()))?;
    if hold.lifted.is_some() {
        return Err(StoreError::Stale { what: name });
    }
    if hold.person == person {
        return Err(StoreError::Exists { what: "your own word: another person has to lift it".to_owned() });
    }
    let now = tx.now();
    tx.execute(
        "UPDATE evidence_holds SET lifted_by = ?3, lift_reason = ?4, lifted_at = ?5 WHERE realm = ?1 AND id = ?2",
        (tx.realm(realm)?, &name, person, reason, micros(now)),
    )?;
    Ok(Hold { lifted: Some((person.to_owned(), reason.to_owned(), now)), ..hold })
}

/// The holds of an item, the oldest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn of_item(reader: &Reader<'_>, realm: &Realm, item: Uuid) -> Result<Vec<Hold>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM evidence_holds WHERE realm = ?1 AND item = ?2 ORDER BY set_at, id");
    reader.rows(&sql, (reader.realm(realm)?, item.to_string()), read)
}

/// Whether an item is held.
///
/// # Errors
/// Those of the database.
pub fn is_held(reader: &Reader<'_>, realm: &Realm, item: Uuid) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM evidence_holds WHERE realm = ?1 AND item = ?2 AND lifted_at IS NULL";
    Ok(reader.number(sql, (reader.realm(realm)?, item.to_string()))? > 0)
}

/// The class keys of all items that are held.
///
/// # Errors
/// Those of the database.
pub fn class_keys(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<String>, StoreError> {
    let sql =
        "SELECT DISTINCT class_key FROM evidence_items WHERE realm = ?1 AND class_key IS NOT NULL AND id IN
        (SELECT item FROM evidence_holds WHERE realm = ?1 AND lifted_at IS NULL)";
    reader.rows(sql, [reader.realm(realm)?], |row| row.get(0))
}

const COLUMNS: &str =
    "id, item, organisation, person, reason, legal_basis, set_at, lifted_by, lift_reason, lifted_at";

fn read(row: &Row<'_>) -> Result<Hold, StoreError> {
    let (by, why): (Option<String>, Option<String>) = (row.get(7)?, row.get(8)?);
    let lifted = by.zip(why).zip(time_opt(row.get(9)?)?).map(|((by, why), at)| (by, why, at));
    Ok(Hold {
        id: uuid(row.text(0)?)?,
        item: uuid(row.text(1)?)?,
        organisation: organisation_id(row.text(2)?)?,
        person: row.get(3)?,
        reason: row.get(4)?,
        legal_basis: row.get(5)?,
        set: time(row.get(6)?)?,
        lifted,
    })
}
