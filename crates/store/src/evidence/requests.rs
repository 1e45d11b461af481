//! Requests to preserve evidence or to hand it over: between two organisations, each step with its leaf.

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};
use stix::Id;
use uuid::Uuid;

use super::uuid;
use crate::sql::{Row, count, micros, organisation_id, params, parsed, stix_id, stored, time};
use crate::{Reader, StoreError, Tx};

/// Requests that one organisation has open in one case.
pub const OPEN_MAX: i64 = 200;
/// Requests one list gives at most.
pub const LIST_MAX: usize = 500;
/// Items that one request is fulfilled by.
pub const ITEMS_MAX: usize = 500;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// That nothing of it is destroyed.
    Preserve,
    /// That it is handed over.
    HandOver,
}

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits for an answer.
    Asked,
    /// The organisation that was asked will do it.
    Accepted,
    /// It will not.
    Refused,
    /// It did.
    Fulfilled,
    /// The asker took it back.
    Withdrawn,
    /// The asker has what it asked for.
    Closed,
}

/// A request that is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// Its identifier.
    pub id: Uuid,
    /// The case.
    pub case: Id,
    /// What is asked.
    pub kind: Kind,
    /// Who asks.
    pub asker: OrganisationId,
    /// Which account.
    pub asker_person: String,
    /// Who is asked.
    pub asked: OrganisationId,
    /// What is meant, in words.
    pub subject: String,
    /// On what legal basis it is asked.
    pub legal_basis: String,
    /// The number of the document, where there is one; else empty.
    pub reference: String,
    /// Until when.
    pub due: Timestamp,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What was asked.
    pub new: NewRequest,
    /// How it stands.
    pub state: State,
    /// When it was asked.
    pub opened: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
    /// How many steps it has.
    pub steps: u64,
}

/// Something that happened to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its place, from 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What, in a word.
    pub step: String,
    /// Whose people did it.
    pub organisation: OrganisationId,
    /// Which account.
    pub person: String,
    /// What was said with it.
    pub note: String,
    /// The leaf of its act in the log.
    pub leaf: u64,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Preserve => "preserve",
            Self::HandOver => "hand-over",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Preserve, Self::HandOver].into_iter().find(|kind| kind.name() == name)
    }
}

impl State {
    const ALL: [Self; 6] =
        [Self::Asked, Self::Accepted, Self::Refused, Self::Fulfilled, Self::Withdrawn, Self::Closed];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Fulfilled => "fulfilled",
            Self::Withdrawn => "withdrawn",
            Self::Closed => "closed",
        }
    }

    /// Whether somebody still has to do something.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Accepted)
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Writes a new request down; whether it is new.
///
/// # Errors
/// [`StoreError::Exists`] where another one has that identifier; [`StoreError::Limit`] beyond [`OPEN_MAX`].
pub fn ask(tx: &mut Tx<'_>, realm: &Realm, new: &NewRequest) -> Result<bool, StoreError> {
    let id = new.id.to_string();
    if let Some(known) = get(tx, realm, new.id)? {
        return if known.new == *new { Ok(false) } else { Err(StoreError::Exists { what: id }) };
    }
    let open = open_of(tx, realm, &new.case, &new.asker)?;
    let realm = tx.realm_for_writing(realm)?;
    if open >= OPEN_MAX {
        let limit = usize::try_from(OPEN_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of open requests in this case", limit });
    }
    tx.insert(
        "INSERT INTO evidence_requests (realm, id, case_id, kind, asker, asker_person, asked, subject, legal_basis, reference,
             due, state, opened, changed, steps)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'asked', ?12, ?12, 0)",
        params![
            realm,
            id,
            new.case.as_str(),
            new.kind.name(),
            new.asker.as_str(),
            new.asker_person,
            new.asked.as_str(),
            new.subject,
            new.legal_basis,
            new.reference,
            micros(new.due),
            micros(tx.now()),
        ],
        &id,
    )?;
    Ok(true)
}

/// How many requests an organisation has open in a case.
///
/// # Errors
/// Those of the database.
pub fn open_of(
    reader: &Reader<'_>,
    realm: &Realm,
    case: &Id,
    asker: &OrganisationId,
) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM evidence_requests WHERE realm = ?1 AND case_id = ?2 AND asker = ?3
        AND state IN ('asked', 'accepted')";
    reader.number(sql, (reader.realm(realm)?, case.as_str(), asker.as_str()))
}

/// Adds a step to a request, which then stands like this.
///
/// # Errors
/// [`StoreError::Stale`] where it has other steps than that.
pub fn step(tx: &mut Tx<'_>, realm: &Realm, id: Uuid, state: State, step: &Step) -> Result<(), StoreError> {
    let (realm, id) = (tx.realm(realm)?, id.to_string());
    tx.insert(
        "INSERT INTO evidence_request_steps (realm, request, number, at, step, organisation, person, note, leaf)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            realm,
            id,
            stored(step.number),
            micros(step.at),
            step.step,
            step.organisation.as_str(),
            step.person,
            step.note,
            stored(step.leaf),
        ],
        &id,
    )?;
    let changed = tx.execute(
        "UPDATE evidence_requests SET state = ?3, changed = ?4, steps = ?5 WHERE realm = ?1 AND id = ?2 AND steps = ?6",
        params![
            realm,
            id,
            state.name(),
            micros(step.at),
            stored(step.number),
            stored(step.number.saturating_sub(1)),
        ],
    )?;
    if changed == 0 { Err(StoreError::Stale { what: id }) } else { Ok(()) }
}

/// Notes that an item fulfils a request.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`ITEMS_MAX`].
pub fn add_item(tx: &mut Tx<'_>, realm: &Realm, id: Uuid, item: Uuid) -> Result<(), StoreError> {
    let (realm, id) = (tx.realm(realm)?, id.to_string());
    let sql = "SELECT COUNT(*) FROM evidence_request_items WHERE realm = ?1 AND request = ?2";
    if usize::try_from(tx.number(sql, (realm, &id))?).unwrap_or(usize::MAX) >= ITEMS_MAX {
        return Err(StoreError::Limit { what: "the number of items of one request", limit: ITEMS_MAX });
    }
    tx.execute(
        "INSERT INTO evidence_request_items (realm, request, item, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (realm, request, item) DO NOTHING",
        (realm, &id, item.to_string(), micros(tx.now())),
    )?;
    Ok(())
}

/// The items that fulfil a request, in the order in which they were named.
///
/// # Errors
/// Those of the database.
pub fn items(reader: &Reader<'_>, realm: &Realm, id: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let sql = "SELECT item FROM evidence_request_items WHERE realm = ?1 AND request = ?2 ORDER BY at, item";
    reader.rows(sql, (reader.realm(realm)?, id.to_string()), |row| uuid(row.text(0)?))
}

/// A request; who may see it is the caller's to decide.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: Uuid) -> Result<Option<Request>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM evidence_requests WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id.to_string()), read)
}

/// The requests of a case that an organisation made or was asked, the newest first; at most [`LIST_MAX`].
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn list(
    reader: &Reader<'_>,
    realm: &Realm,
    case: &Id,
    organisation: &OrganisationId,
) -> Result<Vec<Request>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM evidence_requests WHERE realm = ?1 AND case_id = ?2 AND (asker = ?3 OR asked = ?3)
         ORDER BY opened DESC, id LIMIT ?4"
    );
    let limit = i64::try_from(LIST_MAX).unwrap_or(i64::MAX);
    reader.rows(&sql, (reader.realm(realm)?, case.as_str(), organisation.as_str(), limit), read)
}

/// Open requests whose time is over and of which nobody was told so yet.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn overdue(
    reader: &Reader<'_>,
    realm: &Realm,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Request>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM evidence_requests WHERE realm = ?1 AND told IS NULL AND due <= ?2
             AND state IN ('asked', 'accepted') ORDER BY due, id LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(&sql, (reader.realm(realm)?, micros(now), limit), read)
}

/// Notes that it was told that a request's time is over.
///
/// # Errors
/// Those of the database.
pub fn told(tx: &mut Tx<'_>, realm: &Realm, id: Uuid) -> Result<(), StoreError> {
    let sql = "UPDATE evidence_requests SET told = ?3 WHERE realm = ?1 AND id = ?2";
    tx.execute(sql, (tx.realm(realm)?, id.to_string(), micros(tx.now())))?;
    Ok(())
}

/// The steps of a request, in order.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn steps(reader: &Reader<'_>, realm: &Realm, id: Uuid) -> Result<Vec<Step>, StoreError> {
    let sql = "SELECT number, at, step, organisation, person, note, leaf FROM evidence_request_steps
        WHERE realm = ?1 AND request = ?2 ORDER BY number";
    reader.rows(sql, (reader.realm(realm)?, id.to_string()), |row| {
        Ok(Step {
            number: count(row.get(0)?),
            at: time(row.get(1)?)?,
            step: row.get(2)?,
            organisation: organisation_id(row.text(3)?)?,
            person: row.get(4)?,
            note: row.get(5)?,
            leaf: count(row.get(6)?),
        })
    })
}

const COLUMNS: &str = "id, case_id, kind, asker, asker_person, asked, subject, legal_basis, reference, due, state, opened, changed, steps";

fn read(row: &Row<'_>) -> Result<Request, StoreError> {
    Ok(Request {
        new: NewRequest {
            id: uuid(row.text(0)?)?,
            case: stix_id(row.text(1)?)?,
            kind: parsed("kind of a request", row.text(2)?, Kind::parse)?,
            asker: organisation_id(row.text(3)?)?,
            asker_person: row.get(4)?,
            asked: organisation_id(row.text(5)?)?,
            subject: row.get(6)?,
            legal_basis: row.get(7)?,
            reference: row.get(8)?,
            due: time(row.get(9)?)?,
        },
        state: parsed("state of a request", row.text(10)?, State::parse)?,
        opened: time(row.get(11)?)?,
        changed: time(row.get(12)?)?,
        steps: count(row.get(13)?),
    })
}
