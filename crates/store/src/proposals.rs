//! Changes of the policies, proposed and approved, and the sets that came into force so. That the two are two persons is checked
//! here; who may be one of them, and what the files say, is the caller's.

use oversight::Realm;

use crate::sql::{Row, micros, params, parsed, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Proposals that may be open at once.
pub const OPEN_MAX: i64 = 20;
/// Proposals one read gives at most.
pub const PROPOSALS_MAX: usize = 200;

/// A set of policy files: names and texts.
pub type Files = Vec<(String, String)>;

/// Where a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has decided.
    Open,
    /// Another person has approved it: its set came into force.
    Approved,
    /// Another person has refused it.
    Refused,
    /// It was taken back.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
}

/// A proposal, without its files ([`files`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its id.
    pub id: String,
    /// Stands for the set that is proposed.
    pub set: String,
    /// Stands for the set that was in force when it was proposed; it takes the place of no other one.
    pub base: String,
    /// Why.
    pub reason: String,
    /// The account that proposes, or what stands for the owner of the data folder.
    pub proposer: String,
    /// When.
    pub at: jiff::Timestamp,
    /// Until when it can be approved.
    pub expires: jiff::Timestamp,
    /// Where it stands.
    pub state: State,
    /// What was found out about it: a text of the hub's.
    pub examined: String,
    /// Who decided.
    pub decider: Option<String>,
    /// When.
    pub decided: Option<jiff::Timestamp>,
    /// What was said to it.
    pub answer: Option<String>,
}

/// A set of policies that came into force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySet {
    /// Which, from 1.
    pub number: i64,
    /// Stands for it.
    pub set: String,
    /// Its files.
    pub files: Files,
    /// The proposal; `None` for the set that was there before all proposals.
    pub proposal: Option<String>,
    /// Since when.
    pub since: jiff::Timestamp,
}

impl State {
    const ALL: [Self; 5] = [Self::Open, Self::Approved, Self::Refused, Self::Withdrawn, Self::Expired];

    /// `open`, `approved`, `refused`, `withdrawn`, `expired`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
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
/// [`StoreError::Limit`] beyond [`OPEN_MAX`] open ones.
pub fn add(
    tx: &mut Tx<'_>,
    realm: &Realm,
    proposal: &Proposal,
    files: &[(String, String)],
) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let open = "SELECT COUNT(*) FROM policy_proposals WHERE realm = ?1 AND state = 'open'";
    if tx.number(open, [realm])? >= OPEN_MAX {
        let limit = usize::try_from(OPEN_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of open proposals of policies", limit });
    }
    tx.insert(
        "INSERT INTO policy_proposals (realm, id, set_hash, base_hash, files, reason, proposer, at, expires, state, examined)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            realm,
            proposal.id,
            proposal.set,
            proposal.base,
            text(files)?,
            proposal.reason,
            proposal.proposer,
            micros(proposal.at),
            micros(proposal.expires),
            proposal.state.name(),
            proposal.examined,
        ],
        &proposal.id,
    )
}

/// Writes the decision on an open proposal: another person approves or refuses, whoever proposed withdraws.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Stale`] where it is decided or its time is over; [`StoreError::Exists`] where who proposed
/// it is to approve or refuse it.
pub fn decide(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &str,
    (state, decider): (State, &str),
    answer: &str,
) -> Result<Proposal, StoreError> {
    let found = get(tx, realm, id)?.ok_or_else(|| StoreError::not_found(id))?;
    if found.state != State::Open || found.expires <= tx.now() {
        return Err(StoreError::Stale { what: id.to_owned() });
    }
    if found.proposer == decider && state != State::Withdrawn {
        return Err(StoreError::Exists { what: "your own word: another person has to agree".to_owned() });
    }
    let now = tx.now();
    tx.execute(
        "UPDATE policy_proposals SET state = ?3, decider = ?4, decided = ?5, answer = ?6 WHERE realm = ?1 AND id = ?2",
        params![tx.realm(realm)?, id, state.name(), decider, micros(now), answer],
    )?;
    let (decider, answer) = (Some(decider.to_owned()), Some(answer.to_owned()));
    Ok(Proposal { state, decider, decided: Some(now), answer, ..found })
}

/// Ends the open proposals whose time is over; which.
///
/// # Errors
/// Those of the database.
pub fn expire(tx: &mut Tx<'_>, realm: &Realm) -> Result<Vec<Proposal>, StoreError> {
    let (key, now) = (tx.realm(realm)?, micros(tx.now()));
    let sql = format!(
        "SELECT {COLUMNS} FROM policy_proposals WHERE realm = ?1 AND state = 'open' AND expires <= ?2 ORDER BY at, id"
    );
    let over = tx.rows(&sql, (key, now), read)?;
    tx.execute(
        "UPDATE policy_proposals SET state = 'expired', decided = ?2 WHERE realm = ?1 AND state = 'open' AND expires <= ?2",
        (key, now),
    )?;
    Ok(over)
}

/// When the time of the next open proposal is over.
///
/// # Errors
/// Those of the database.
pub fn next_expiry(reader: &Reader<'_>, realm: &Realm) -> Result<Option<jiff::Timestamp>, StoreError> {
    let sql = "SELECT MIN(expires) FROM policy_proposals WHERE realm = ?1 AND state = 'open'";
    let soonest = reader.first(sql, [reader.realm(realm)?], |row| row.get::<Option<i64>>(0))?;
    time_opt(soonest.flatten())
}

/// A proposal by its id.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Proposal>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM policy_proposals WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// The files of a proposal.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn files(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Files>, StoreError> {
    let sql = "SELECT files FROM policy_proposals WHERE realm = ?1 AND id = ?2";
    reader.first(sql, (reader.realm(realm)?, id), |row| from_text(row.text(0)?))
}

/// Proposals, the open ones first, each newest first; at most [`PROPOSALS_MAX`].
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Proposal>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM policy_proposals WHERE realm = ?1
         ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, at DESC, id LIMIT ?2"
    );
    let limit = i64::try_from(PROPOSALS_MAX).unwrap_or(i64::MAX);
    reader.rows(&sql, (reader.realm(realm)?, limit), read)
}

/// The set that came into force last.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn in_force(reader: &Reader<'_>, realm: &Realm) -> Result<Option<PolicySet>, StoreError> {
    set(reader, realm, "DESC")
}

/// The set that came into force first.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn first_in_force(reader: &Reader<'_>, realm: &Realm) -> Result<Option<PolicySet>, StoreError> {
    set(reader, realm, "ASC")
}

/// The number of the set that came into force last; 0 where none did.
///
/// # Errors
/// Those of the database.
pub fn newest(reader: &Reader<'_>, realm: &Realm) -> Result<i64, StoreError> {
    reader.number("SELECT COALESCE(MAX(number), 0) FROM policy_sets WHERE realm = ?1", [reader.realm(realm)?])
}

/// Puts a set in force; its number.
///
/// # Errors
/// Those of the database.
pub fn put_in_force(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (set, files): (&str, &[(String, String)]),
    proposal: Option<&str>,
) -> Result<i64, StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let number = newest(tx, realm)?.saturating_add(1);
    tx.insert(
        "INSERT INTO policy_sets (realm, number, set_hash, files, proposal, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![key, number, set, text(files)?, proposal.unwrap_or_default(), micros(tx.now())],
        set,
    )?;
    Ok(number)
}

/// `order` is ours.
fn set(reader: &Reader<'_>, realm: &Realm, order: &'static str) -> Result<Option<PolicySet>, StoreError> {
    let sql = format!(
        "SELECT number, set_hash, files, proposal, since FROM policy_sets WHERE realm = ?1 ORDER BY number {order} LIMIT 1"
    );
    reader.first(&sql, [reader.realm(realm)?], |row| {
        Ok(PolicySet {
            number: row.get(0)?,
            set: row.get(1)?,
            files: from_text(row.text(2)?)?,
            proposal: Some(row.get::<String>(3)?).filter(|proposal| !proposal.is_empty()),
            since: time(row.get(4)?)?,
        })
    })
}

fn text(files: &[(String, String)]) -> Result<String, StoreError> {
    serde_json::to_string(files).map_err(|error| StoreError::Database(error.to_string()))
}

fn from_text(text: &str) -> Result<Files, StoreError> {
    parsed("set of policies", text, |text| serde_json::from_str(text).ok())
}

const COLUMNS: &str =
    "id, set_hash, base_hash, reason, proposer, at, expires, state, examined, decider, decided, answer";

fn read(row: &Row<'_>) -> Result<Proposal, StoreError> {
    Ok(Proposal {
        id: row.get(0)?,
        set: row.get(1)?,
        base: row.get(2)?,
        reason: row.get(3)?,
        proposer: row.get(4)?,
        at: time(row.get(5)?)?,
        expires: time(row.get(6)?)?,
        state: parsed("state", row.text(7)?, State::parse)?,
        examined: row.get(8)?,
        decider: row.get(9)?,
        decided: time_opt(row.get(10)?)?,
        answer: row.get(11)?,
    })
}
