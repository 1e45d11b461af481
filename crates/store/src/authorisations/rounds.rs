//! Rounds of private matching, and the hub's ledger of them. What a round works with (key, filter, queries, answers) is never here.

use jiff::{SignedDuration, Timestamp};
use oversight::{OrganisationId, Realm};
use uuid::Uuid;

use crate::sql::{Row, count, micros, organisation_id, params, stored, time};
use crate::{Reader, StoreError, Tx};

/// How long a round that was asked for waits to be opened, and one that was opened to end.
pub const LIFE: SignedDuration = SignedDuration::from_hours(1);
/// Rows one list gives at most.
pub const LIST_MAX: usize = 200;
/// Longest receipt, in bytes: its lines and one signature are some hundred.
pub const RECEIPT_BYTES_MAX: usize = 4 * 1024;

/// Where a round stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// It waits for an edge.
    Asked,
    /// An edge opened it.
    Open,
    /// It was held to its end.
    Matched,
    /// It was broken off.
    Failed,
    /// No edge opened it, or it was opened and nothing came of it.
    Lapsed,
}

impl Stand {
    /// The name on the wire and in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Open => "open",
            Self::Matched => "matched",
            Self::Failed => "failed",
            Self::Lapsed => "lapsed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Asked, Self::Open, Self::Matched, Self::Failed].into_iter().find(|known| known.name() == text)
    }
}

/// A round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// By which it is asked for.
    pub id: Uuid,
    /// Under which authorisation.
    pub authorisation: Uuid,
    /// At which operator.
    pub operator: OrganisationId,
    /// The account that asked.
    pub person: String,
    /// When.
    pub asked: Timestamp,
    /// Where it stands, by the reader's clock.
    pub stand: Stand,
    /// How it was opened, if it was.
    pub opening: Option<Opening>,
    /// When.
    pub opened: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How much was found, as a power of ten that is not larger; 0 where nothing was.
    pub found: Option<u64>,
    /// Why it was broken off.
    pub why: Option<String>,
    /// What the edge signed at its end, and when that came.
    pub receipt: Option<(String, Timestamp)>,
    /// What an audit found last.
    pub audit: Option<Audit>,
}

/// How an edge opened a round: its entry in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Which edge.
    pub edge: String,
    /// The day, UTC, counted from 1970.
    pub day: u32,
    /// The number that the edge drew for the round.
    pub round: [u8; 16],
    /// How many elements are asked.
    pub elements: u32,
    /// The message.
    pub message: Vec<u8>,
}

/// What the commission's audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// A word for it; `good` where nothing but the approved list was asked.
    pub verdict: String,
    /// When.
    pub at: Timestamp,
    /// The account that had it worked out.
    pub person: String,
}

/// What became of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept.
    Accepted,
    /// It was there already.
    Duplicate,
    /// Another one is there, and stays.
    Contradicts,
}

/// Asks for a round.
///
/// # Errors
/// [`StoreError::Exists`] where one waits, goes on, or was opened today under this authorisation at this operator.
pub fn ask(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (id, authorisation): (Uuid, Uuid),
    operator: &OrganisationId,
    person: &str,
) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let now = tx.now();
    let sql = "SELECT COUNT(*) FROM private_rounds WHERE realm = ?1 AND authorisation = ?2 AND operator = ?3
        AND (day = ?4 OR state = 'asked' AND asked > ?5)";
    let since = micros(now - LIFE);
    let of = (authorisation.to_string(), operator.as_str(), i64::from(day_of(now)));
    if tx.number(sql, params![key, of.0, of.1, of.2, since])? > 0 {
        return Err(StoreError::Exists { what: format!("a round of today at {operator}") });
    }
    let id = id.to_string();
    tx.insert(
        "INSERT INTO private_rounds (realm, id, authorisation, operator, person, asked, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'asked')",
        params![key, id, of.0, of.1, person, micros(now)],
        &id,
    )?;
    Ok(())
}

/// Writes the entry of the ledger, before the round goes on.
///
/// # Errors
/// [`StoreError::Stale`] where the round does not wait any more; [`StoreError::Exists`] where this number was used before, or this
/// authorisation had its round of the day at this operator.
pub fn open(tx: &mut Tx<'_>, realm: &Realm, id: Uuid, opening: &Opening) -> Result<(), StoreError> {
    let stale = || StoreError::Stale { what: id.to_string() };
    let found = get(tx, realm, id)?.filter(|found| found.stand == Stand::Asked).ok_or_else(stale)?;
    let key = tx.realm(realm)?;
    let round = hex::encode(opening.round);
    let sql = "SELECT COUNT(*) FROM private_rounds WHERE realm = ?1
        AND (round = ?2 OR operator = ?3 AND day = ?4 AND authorisation = ?5)";
    let (authorisation, day) = (found.authorisation.to_string(), i64::from(opening.day));
    if tx.number(sql, params![key, round, found.operator.as_str(), day, authorisation])? > 0 {
        return Err(StoreError::Exists { what: format!("round {round}, or one of this day") });
    }
    tx.execute(
        "UPDATE private_rounds SET state = 'open', edge = ?3, day = ?4, round = ?5, elements = ?6, opening = ?7, opened = ?8
         WHERE realm = ?1 AND id = ?2",
        params![
            key,
            id.to_string(),
            opening.edge,
            day,
            round,
            i64::from(opening.elements),
            opening.message,
            micros(tx.now())
        ],
    )?;
    Ok(())
}

/// Ends a round that is open: with how much was found, or with why it was broken off.
///
/// # Errors
/// [`StoreError::Stale`] where it is not open.
pub fn end(tx: &mut Tx<'_>, realm: &Realm, id: Uuid, outcome: Result<u64, &str>) -> Result<(), StoreError> {
    let (state, found, why) = match outcome {
        Ok(found) => ("matched", Some(stored(found)), None),
        Err(why) => ("failed", None, Some(why)),
    };
    let sql = "UPDATE private_rounds SET state = ?3, found = ?4, why = ?5, ended = ?6
        WHERE realm = ?1 AND id = ?2 AND state = 'open'";
    match tx.execute(sql, params![tx.realm(realm)?, id.to_string(), state, found, why, micros(tx.now())])? {
        0 => Err(StoreError::Stale { what: id.to_string() }),
        _ => Ok(()),
    }
}

/// Keeps what an edge signed at the end of a round. Whether it is of this round and edge is the caller's to check.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Limit`] over [`RECEIPT_BYTES_MAX`].
pub fn receive(tx: &mut Tx<'_>, realm: &Realm, id: Uuid, receipt: &str) -> Result<Kept, StoreError> {
    if receipt.len() > RECEIPT_BYTES_MAX {
        return Err(StoreError::Limit { what: "a round's receipt, in bytes,", limit: RECEIPT_BYTES_MAX });
    }
    let found = get(tx, realm, id)?.ok_or_else(|| StoreError::not_found(id.to_string()))?;
    match found.receipt {
        Some((known, _)) if known == receipt => return Ok(Kept::Duplicate),
        Some(_) => return Ok(Kept::Contradicts),
        None => {}
    }
    let sql = "UPDATE private_rounds SET receipt = ?3, received = ?4 WHERE realm = ?1 AND id = ?2";
    tx.execute(sql, params![tx.realm(realm)?, id.to_string(), receipt, micros(tx.now())])?;
    Ok(Kept::Accepted)
}

/// Notes what an audit found.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn note_audit(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: Uuid,
    (verdict, person): (&str, &str),
) -> Result<(), StoreError> {
    let sql = "UPDATE private_rounds SET audit = ?3, audited = ?4, auditor = ?5 WHERE realm = ?1 AND id = ?2";
    match tx.execute(sql, params![tx.realm(realm)?, id.to_string(), verdict, micros(tx.now()), person])? {
        0 => Err(StoreError::not_found(id.to_string())),
        _ => Ok(()),
    }
}

/// A round.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: Uuid) -> Result<Option<Round>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM private_rounds WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, params![reader.realm(realm)?, id.to_string()], |row| read(row, reader.now()))
}

/// The rounds that wait for an edge of this operator, the first one first.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn waiting_at(
    reader: &Reader<'_>,
    realm: &Realm,
    operator: &OrganisationId,
) -> Result<Vec<Round>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM private_rounds WHERE realm = ?1 AND operator = ?2 AND state = 'asked' AND asked > ?3
         ORDER BY asked LIMIT {LIST_MAX}"
    );
    let now = reader.now();
    let since = micros(now - LIFE);
    reader.rows(&sql, params![reader.realm(realm)?, operator.as_str(), since], |row| read(row, now))
}

/// The rounds under an authorisation, the last one first.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn of_authorisation(reader: &Reader<'_>, realm: &Realm, id: Uuid) -> Result<Vec<Round>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM private_rounds WHERE realm = ?1 AND authorisation = ?2 ORDER BY asked DESC LIMIT {LIST_MAX}"
    );
    let now = reader.now();
    reader.rows(&sql, params![reader.realm(realm)?, id.to_string()], |row| read(row, now))
}

/// What the ledger holds of an operator's day, and of a round's number.
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn ledger(
    reader: &Reader<'_>,
    realm: &Realm,
    (operator, day): (&OrganisationId, u32),
    round: &[u8; 16],
) -> Result<Vec<Round>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM private_rounds WHERE realm = ?1 AND (operator = ?2 AND day = ?3 OR round = ?4)"
    );
    let (now, round) = (reader.now(), hex::encode(round));
    reader.rows(&sql, params![reader.realm(realm)?, operator.as_str(), i64::from(day), round], |row| {
        read(row, now)
    })
}

/// The day of a time, UTC, counted from 1970.
#[must_use]
pub fn day_of(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().div_euclid(86_400)).unwrap_or(0)
}

const COLUMNS: &str = "id, authorisation, operator, person, asked, state, edge, day, round, elements, opening, opened, ended, found, why,
    receipt, received, audit, audited, auditor";

fn read(row: &Row<'_>, now: Timestamp) -> Result<Round, StoreError> {
    let at = |column: usize| row.get::<Option<i64>>(column)?.map(time).transpose();
    let asked = time(row.get(4)?)?;
    let opened = at(11)?;
    let written = crate::sql::parsed("state of a round", row.text(5)?, Stand::parse)?;
    let since = if written == Stand::Asked { Some(asked) } else { opened };
    let is_over = since.is_none_or(|since| now.duration_since(since) > LIFE);
    let stand = match written {
        Stand::Asked | Stand::Open if is_over => Stand::Lapsed,
        other => other,
    };
    let audit = match (row.get::<Option<String>>(17)?, at(18)?, row.get::<Option<String>>(19)?) {
        (Some(verdict), Some(at), Some(person)) => Some(Audit { verdict, at, person }),
        _ => None,
    };
    Ok(Round {
        id: super::id(row.text(0)?)?,
        authorisation: super::id(row.text(1)?)?,
        operator: organisation_id(row.text(2)?)?,
        person: row.get(3)?,
        asked,
        stand,
        opening: opening(row)?,
        opened,
        ended: at(12)?,
        found: row.get::<Option<i64>>(13)?.map(count),
        why: row.get(14)?,
        receipt: row.get::<Option<String>>(15)?.zip(at(16)?),
        audit,
    })
}

fn opening(row: &Row<'_>) -> Result<Option<Opening>, StoreError> {
    let Some(edge) = row.get::<Option<String>>(6)? else { return Ok(None) };
    let lost = || StoreError::corrupt("how a round was opened");
    let number = |column: usize| {
        row.get::<Option<i64>>(column)?.and_then(|number| u32::try_from(number).ok()).ok_or_else(lost)
    };
    let mut round = [0; 16];
    let text: Option<String> = row.get(8)?;
    hex::decode_to_slice(text.unwrap_or_default(), &mut round).map_err(|_| lost())?;
    let message: Option<Vec<u8>> = row.get(10)?;
    Ok(Some(Opening {
        edge,
        day: number(7)?,
        round,
        elements: number(9)?,
        message: message.ok_or_else(lost)?,
    }))
}
