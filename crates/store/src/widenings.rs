//! Changes of a marking that let more organisations see an object: one person of the originator proposes, another one decides.

use oversight::{OrganisationId, Realm};
use stix::Id;
use stix::marking::Tlp;

use crate::sql::{Row, micros, organisation_id, params, parsed, stix_id, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Proposals one read gives at most.
pub const WIDENINGS_MAX: usize = 1_000;
/// Proposals of one organisation that may be open at once.
pub const OPEN_MAX: i64 = 500;

/// Where a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has decided.
    Open,
    /// Another person has confirmed it: the marking is changed.
    Confirmed,
    /// Another person has refused it.
    Refused,
    /// Who had proposed it took it back.
    Withdrawn,
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widening {
    /// Its own id.
    pub id: String,
    /// The object.
    pub object: Id,
    /// The version that it was proposed for, as written.
    pub version: String,
    /// The object's name.
    pub name: String,
    /// Whose object it is.
    pub originator: OrganisationId,
    /// The level that the next version is to bear.
    pub tlp: Tlp,
    /// Why.
    pub reason: String,
    /// The account or token that proposes.
    pub proposer: String,
    /// When.
    pub at: jiff::Timestamp,
    /// Where it stands.
    pub state: State,
    /// Whether the version is here already, under a stricter label, and waits for its own; else the next version is to bear the level.
    pub waits: bool,
    /// The account that decided.
    pub decider: Option<String>,
    /// When.
    pub decided: Option<jiff::Timestamp>,
    /// What was said to it.
    pub answer: Option<String>,
}

impl State {
    const ALL: [Self; 4] = [Self::Open, Self::Confirmed, Self::Refused, Self::Withdrawn];

    /// `open`, `confirmed`, `refused`, `withdrawn`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of such a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Writes a proposal down.
///
/// # Errors
/// [`StoreError::Exists`] where one of the same organisation's object is open; [`StoreError::Limit`] beyond [`OPEN_MAX`] open ones.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, widening: &Widening) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let sql = "SELECT COUNT(*) FROM widenings WHERE realm = ?1 AND object = ?2 AND originator = ?3 AND state = 'open'";
    if tx.number(sql, (realm, widening.object.as_str(), widening.originator.as_str()))? > 0 {
        return Err(StoreError::Exists { what: "a proposal for this object".to_owned() });
    }
    let sql = "SELECT COUNT(*) FROM widenings WHERE realm = ?1 AND originator = ?2 AND state = 'open'";
    if tx.number(sql, (realm, widening.originator.as_str()))? >= OPEN_MAX {
        let limit = usize::try_from(OPEN_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of your organisation's open proposals", limit });
    }
    tx.insert(
        "INSERT INTO widenings (realm, id, object, version, name, originator, tlp, reason, proposer, at, state,
             waits)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            realm,
            widening.id,
            widening.object.as_str(),
            widening.version,
            widening.name,
            widening.originator.as_str(),
            widening.tlp.name(),
            widening.reason,
            widening.proposer,
            micros(widening.at),
            widening.state.name(),
            i64::from(widening.waits),
        ],
        &widening.id,
    )
}

/// Writes the decision on an open proposal.
///
/// # Errors
/// [`StoreError::Stale`] where it is decided already.
pub fn decide(tx: &mut Tx<'_>, realm: &Realm, widening: &Widening) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE widenings SET state = ?3, decider = ?4, decided = ?5, answer = ?6
         WHERE realm = ?1 AND id = ?2 AND state = 'open'",
        params![
            tx.realm(realm)?,
            widening.id,
            widening.state.name(),
            widening.decider,
            widening.decided.map(micros),
            widening.answer,
        ],
    )?;
    if changed == 0 { Err(StoreError::Stale { what: widening.id.clone() }) } else { Ok(()) }
}

/// A proposal by its id.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Widening>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM widenings WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// The proposals that are open for an object: one for each organisation that brought it in, at most.
///
/// # Errors
/// Those of the database.
pub fn open_of(reader: &Reader<'_>, realm: &Realm, object: &Id) -> Result<Vec<Widening>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM widenings WHERE realm = ?1 AND object = ?2 AND state = 'open' ORDER BY id"
    );
    reader.rows(&sql, (reader.realm(realm)?, object.as_str()), read)
}

/// Whether a version waits, or waited and was not confirmed.
///
/// # Errors
/// Those of the database.
pub fn waits(
    reader: &Reader<'_>,
    realm: &Realm,
    originator: &OrganisationId,
    (object, version): (&Id, &str),
) -> Result<bool, StoreError> {
    let sql =
        "SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = 'confirmed' THEN 1 ELSE 0 END), 0) FROM widenings
         WHERE realm = ?1 AND object = ?2 AND originator = ?3 AND version = ?4 AND waits = 1";
    let params = (reader.realm(realm)?, object.as_str(), originator.as_str(), version);
    let counted = reader.first(sql, params, |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))?;
    Ok(counted.is_some_and(|(all, confirmed)| all > 0 && confirmed == 0))
}

/// The proposals of an organisation, the open ones first, each newest first.
///
/// # Errors
/// Those of the database.
pub fn of(
    reader: &Reader<'_>,
    realm: &Realm,
    originator: &OrganisationId,
    limit: usize,
) -> Result<Vec<Widening>, StoreError> {
    let mut found = Vec::new();
    let key = reader.realm(realm)?;
    for condition in ["= 'open'", "<> 'open'"] {
        let sql = format!(
            "SELECT {COLUMNS} FROM widenings WHERE realm = ?1 AND originator = ?2 AND state {condition}
             ORDER BY at DESC, id LIMIT ?3"
        );
        let rest = limit.min(WIDENINGS_MAX).saturating_sub(found.len());
        let rest = i64::try_from(rest).unwrap_or(0);
        found.extend(reader.rows(&sql, (key, originator.as_str(), rest), read)?);
    }
    Ok(found)
}

const COLUMNS: &str = "id, object, version, name, originator, tlp, reason, proposer, at, state, decider, decided, answer, waits";

fn read(row: &Row<'_>) -> Result<Widening, StoreError> {
    Ok(Widening {
        id: row.get(0)?,
        object: stix_id(row.text(1)?)?,
        version: row.get(2)?,
        name: row.get(3)?,
        originator: organisation_id(row.text(4)?)?,
        tlp: parsed("TLP level", row.text(5)?, Tlp::parse)?,
        reason: row.get(6)?,
        proposer: row.get(7)?,
        at: time(row.get(8)?)?,
        state: parsed("state", row.text(9)?, State::parse)?,
        decider: row.get(10)?,
        decided: time_opt(row.get(11)?)?,
        answer: row.get(12)?,
        waits: row.get::<i64>(13)? == 1,
    })
}
