//! Legal holds: what must not be destroyed although its time is over. Two persons place one, two lift it; that they are two is checked
//! here, who may be one of them by the caller.

use oversight::Realm;

use crate::sql::{Row, micros, params, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Holds that are not lifted, at most: they are looked through at each expiry.
pub const HOLDS_MAX: usize = 1_000;

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: String,
    /// What is held: a text of the vault's.
    pub scope: String,
    /// Why.
    pub reason: String,
    /// Who asked for it, by account, and when.
    pub asked: (String, jiff::Timestamp),
    /// The second person, and since when it holds.
    pub placed: Option<(String, jiff::Timestamp)>,
    /// Who asked to lift it.
    pub lift_asked: Option<(String, jiff::Timestamp)>,
    /// The second one, and since when it is lifted.
    pub lifted: Option<(String, jiff::Timestamp)>,
}

/// How far a hold is, or its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One person asked.
    Asked,
    /// Two did: it is so from now on.
    Done,
}

/// Asks for a hold.
///
/// # Errors
/// [`StoreError::Limit`] over [`HOLDS_MAX`].
pub fn ask(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &str,
    (scope, reason): (&str, &str),
    person: &str,
) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let open = tx.number("SELECT COUNT(*) FROM legal_holds WHERE realm = ?1 AND lifted IS NULL", [key])?;
    if usize::try_from(open).unwrap_or(usize::MAX) >= HOLDS_MAX {
        return Err(StoreError::Limit { what: "the number of legal holds", limit: HOLDS_MAX });
    }
    tx.insert(
        "INSERT INTO legal_holds (realm, id, scope, reason, asked_by, asked) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![key, id, scope, reason, person, micros(tx.now())],
        id,
    )
}

/// The second person's word: from now on it holds.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Stale`] where it holds already or was taken back; [`StoreError::Exists`] from the person who asked.
pub fn place(tx: &mut Tx<'_>, realm: &Realm, id: &str, person: &str) -> Result<(), StoreError> {
    let hold = get(tx, realm, id)?.ok_or_else(|| StoreError::not_found(id))?;
    if hold.placed.is_some() || hold.lifted.is_some() {
        return Err(StoreError::Stale { what: id.to_owned() });
    }
    second(&hold.asked.0, person)?;
    set(tx, realm, id, ("placed_with", "placed"), person)
}

/// A person's word to lift a hold; the second one's lifts it. One that does not hold yet is taken back by either.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Stale`] where it is lifted; [`StoreError::Exists`] from the person who asked.
pub fn lift(tx: &mut Tx<'_>, realm: &Realm, id: &str, person: &str) -> Result<Step, StoreError> {
    let hold = get(tx, realm, id)?.ok_or_else(|| StoreError::not_found(id))?;
    if hold.lifted.is_some() {
        return Err(StoreError::Stale { what: id.to_owned() });
    }
    match &hold.lift_asked {
        None if hold.placed.is_some() => {
            set(tx, realm, id, ("lift_asked_by", "lift_asked"), person)?;
            return Ok(Step::Asked);
        }
        None => {}
        Some((first, _)) => second(first, person)?,
    }
    set(tx, realm, id, ("lifted_with", "lifted"), person)?;
    Ok(Step::Done)
}

fn second(first: &str, person: &str) -> Result<(), StoreError> {
    if first == person {
        return Err(StoreError::Exists { what: "your own word: another person has to agree".to_owned() });
    }
    Ok(())
}

/// `columns` are ours.
fn set(
    tx: &Tx<'_>,
    realm: &Realm,
    id: &str,
    (by, at): (&'static str, &'static str),
    person: &str,
) -> Result<(), StoreError> {
    let sql = format!("UPDATE legal_holds SET {by} = ?3, {at} = ?4 WHERE realm = ?1 AND id = ?2");
    tx.execute(&sql, params![tx.realm(realm)?, id, person, micros(tx.now())])?;
    Ok(())
}

/// A hold by its id.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Hold>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM legal_holds WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// Holds, those that are not lifted first, then the newest; at most [`HOLDS_MAX`].
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Hold>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM legal_holds WHERE realm = ?1
         ORDER BY CASE WHEN lifted IS NULL THEN 0 ELSE 1 END, asked DESC, id LIMIT ?2"
    );
    let limit = i64::try_from(HOLDS_MAX).unwrap_or(i64::MAX);
    reader.rows(&sql, (reader.realm(realm)?, limit), read)
}

const COLUMNS: &str =
    "id, scope, reason, asked_by, asked, placed_with, placed, lift_asked_by, lift_asked, lifted_with, lifted";

fn read(row: &Row<'_>) -> Result<Hold, StoreError> {
    let word = |by: usize| -> Result<Option<(String, jiff::Timestamp)>, StoreError> {
        Ok(row.get::<Option<String>>(by)?.zip(time_opt(row.get(by + 1)?)?))
    };
    Ok(Hold {
        id: row.get(0)?,
        scope: row.get(1)?,
        reason: row.get(2)?,
        asked: (row.get(3)?, time(row.get(4)?)?),
        placed: word(5)?,
        lift_asked: word(7)?,
        lifted: word(9)?,
    })
}
