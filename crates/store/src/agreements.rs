//! Agreements between organisations, and where their parties stand.

use std::collections::BTreeMap;

use oversight::{OrganisationId, Realm};
use policy::{Agreement, AgreementId, SideState, Standing};

use crate::sql::{Row, micros, organisation_id, params, parsed, time};
use crate::{Reader, StoreError, Tx, settings};

/// Agreements of one realm at most.
pub const AGREEMENTS_MAX: usize = 1_000;

/// Steps of one agreement that are kept; of older ones the record of acts tells.
pub const STEPS_MAX: i64 = 1_000;

/// The setting that counts changes of agreements and sharing groups.
const CHANGES_SETTING: &str = "circumstances.changes";

/// Where a party of an agreement stands, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The agreement.
    pub agreement: AgreementId,
    /// The party.
    pub party: OrganisationId,
    /// Where it stands.
    pub state: SideState,
    /// The account of the person who said so.
    pub person: String,
    /// Hash of the agreement's canonical text that the person had before it, hexadecimal.
    pub hash: String,
    /// When.
    pub at: jiff::Timestamp,
}

/// A party's word about an agreement, as one line of its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was said.
    pub side: Side,
    /// The name of the person who said it.
    pub name: String,
    /// Why.
    pub reason: Option<String>,
}

/// Who drafted an agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drafted {
    /// The agreement.
    pub agreement: AgreementId,
    /// The organisation.
    pub by: OrganisationId,
    /// When.
    pub at: jiff::Timestamp,
}

/// Writes a draft down; nobody has signed it yet.
///
/// # Errors
/// [`StoreError::Exists`] where its id is taken; [`StoreError::Limit`] beyond [`AGREEMENTS_MAX`].
pub fn draft(
    tx: &mut Tx<'_>,
    realm: &Realm,
    agreement: &Agreement,
    by: &OrganisationId,
) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let count = tx.number("SELECT COUNT(*) FROM agreements WHERE realm = ?1", [key])?;
    if usize::try_from(count).unwrap_or(usize::MAX) >= AGREEMENTS_MAX {
        return Err(StoreError::Limit { what: "the number of agreements", limit: AGREEMENTS_MAX });
    }
    let now = micros(tx.now());
    tx.insert(
        "INSERT INTO agreements (realm, id, text, drafted_by, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![key, agreement.id.as_str(), agreement.to_text(), by.as_str(), now],
        agreement.id.as_str(),
    )?;
    count_change(tx, realm)
}

/// Every agreement that was drafted here, by id.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Agreement>, StoreError> {
    let key = reader.realm(realm)?;
    reader.rows("SELECT text FROM agreements WHERE realm = ?1 ORDER BY id", [key], |row| {
        parsed("agreement", &row.get::<String>(0)?, |text| Agreement::from_text(text).ok())
    })
}

/// Where parties stand, of all agreements.
///
/// # Errors
/// Those of the database.
pub fn sides(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Side>, StoreError> {
    let sql = "SELECT agreement, party, state, person, hash, at FROM agreement_sides
        WHERE realm = ?1 ORDER BY agreement, party";
    reader.rows(sql, [reader.realm(realm)?], read_side)
}

fn set_side(tx: &mut Tx<'_>, realm: &Realm, side: &Side) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO agreement_sides (realm, agreement, party, state, person, hash, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (realm, agreement, party) DO UPDATE SET
             state = excluded.state, person = excluded.person, hash = excluded.hash, at = excluded.at",
        params![
            key,
            side.agreement.as_str(),
            side.party.as_str(),
            state_name(side.state),
            side.person,
            side.hash,
            micros(side.at),
        ],
    )?;
    count_change(tx, realm)
}

/// Puts a party's state down together with who said so and why. What it may change from and to is the caller's to check.
///
/// # Errors
/// Those of the database.
pub fn step(tx: &mut Tx<'_>, realm: &Realm, step: &Step) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let side = &step.side;
    let sql = "SELECT COALESCE(MAX(number), 0) FROM agreement_steps WHERE realm = ?1 AND agreement = ?2";
    let number = tx.number(sql, params![key, side.agreement.as_str()])?.saturating_add(1);
    tx.execute(
        "INSERT INTO agreement_steps (realm, agreement, number, party, state, person, name, reason, hash, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            key,
            side.agreement.as_str(),
            number,
            side.party.as_str(),
            state_name(side.state),
            side.person,
            step.name,
            step.reason,
            side.hash,
            micros(side.at),
        ],
    )?;
    tx.execute(
        "DELETE FROM agreement_steps WHERE realm = ?1 AND agreement = ?2 AND number <= ?3",
        params![key, side.agreement.as_str(), number.saturating_sub(STEPS_MAX)],
    )?;
    set_side(tx, realm, side)
}

/// What was said about an agreement, newest first.
///
/// # Errors
/// Those of the database.
pub fn steps(
    reader: &Reader<'_>,
    realm: &Realm,
    agreement: &AgreementId,
    limit: usize,
) -> Result<Vec<Step>, StoreError> {
    let sql = "SELECT agreement, party, state, person, hash, at, name, reason FROM agreement_steps
        WHERE realm = ?1 AND agreement = ?2 ORDER BY number DESC LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(sql, params![reader.realm(realm)?, agreement.as_str(), limit], |row| {
        Ok(Step { side: read_side(row)?, name: row.get(6)?, reason: row.get(7)? })
    })
}

/// Who drafted what is no file's, by id.
///
/// # Errors
/// Those of the database.
pub fn drafted(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Drafted>, StoreError> {
    let sql = "SELECT id, drafted_by, created FROM agreements WHERE realm = ?1 ORDER BY id";
    reader.rows(sql, [reader.realm(realm)?], |row| {
        Ok(Drafted {
            agreement: parsed("agreement", &row.get::<String>(0)?, AgreementId::parse)?,
            by: organisation_id(&row.get::<String>(1)?)?,
            at: time(row.get(2)?)?,
        })
    })
}

/// The agreements of files and those drafted here, with where their parties stand. Parties to one in a file have signed it unless
/// they have said otherwise since. A file's agreement takes the place of a draft of the same id.
///
/// # Errors
/// Those of the database.
pub fn standings(
    reader: &Reader<'_>,
    realm: &Realm,
    in_files: &[Agreement],
) -> Result<Vec<Standing>, StoreError> {
    let mut standings: BTreeMap<AgreementId, Standing> = BTreeMap::new();
    for agreement in list(reader, realm)? {
        standings.insert(agreement.id.clone(), Standing { agreement, sides: BTreeMap::new() });
    }
    for agreement in in_files {
        standings.insert(agreement.id.clone(), Standing::signed(agreement.clone()));
    }
    for side in sides(reader, realm)? {
        if let Some(standing) = standings.get_mut(&side.agreement) {
            // What was signed was another text: it does not count for this one.
            let is_this = side.hash == hex::encode(standing.agreement.hash());
            if is_this || side.state != SideState::Signed {
                standing.sides.insert(side.party, side.state);
            }
        }
    }
    Ok(standings.into_values().collect())
}

/// Counts up with every change of agreements and sharing groups.
///
/// # Errors
/// Those of the database.
pub fn changes(reader: &Reader<'_>, realm: &Realm) -> Result<i64, StoreError> {
    let value = settings::get(reader, realm, CHANGES_SETTING)?;
    Ok(value.and_then(|value| String::from_utf8(value).ok()?.parse().ok()).unwrap_or(0))
}

pub(crate) fn count_change(tx: &mut Tx<'_>, realm: &Realm) -> Result<(), StoreError> {
    let count = changes(tx, realm)?.saturating_add(1);
    settings::put(tx, realm, CHANGES_SETTING, count.to_string().as_bytes())
}

fn read_side(row: &Row<'_>) -> Result<Side, StoreError> {
    Ok(Side {
        agreement: parsed("agreement", &row.get::<String>(0)?, AgreementId::parse)?,
        party: organisation_id(&row.get::<String>(1)?)?,
        state: parsed("state of a party", &row.get::<String>(2)?, parse_state)?,
        person: row.get(3)?,
        hash: row.get(4)?,
        at: time(row.get(5)?)?,
    })
}

const STATES: [(SideState, &str); 4] = [
    (SideState::Unsigned, "unsigned"),
    (SideState::Signed, "signed"),
    (SideState::Suspended, "suspended"),
    (SideState::Ended, "ended"),
];

/// The name of a party's state.
#[must_use]
pub fn state_name(state: SideState) -> &'static str {
    STATES.iter().find(|(known, _)| *known == state).map_or("unsigned", |(_, name)| name)
}

/// The state of that name.
#[must_use]
pub fn parse_state(name: &str) -> Option<SideState> {
    STATES.iter().find(|(_, known)| *known == name).map(|(state, _)| *state)
}
