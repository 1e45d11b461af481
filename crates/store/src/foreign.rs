//! What other hubs asked to be ordered of edges here, who agreed to it here, and how it stands.

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};

use crate::secrets::SecretHash;
use crate::sql::{Row, count, micros, organisation_id, params, stored, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Requests one read gives at most.
pub const LISTED_MAX: usize = 500;
/// Requests of one peer that wait for people here.
pub const WAITING_MAX: u64 = 500;
/// Requests of one peer that are kept when they are over.
pub const OVER_MAX: i64 = 10_000;

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// People here are to agree.
    Waiting,
    /// The edge was ordered.
    Ordered,
    /// It was refused here.
    Refused,
    /// It was taken back before anything was ordered.
    Withdrawn,
    /// It is over.
    Over,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Ordered, Self::Refused, Self::Withdrawn, Self::Over];

    /// The word in storage and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ordered => "ordered",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Over => "over",
        }
    }

    /// The state of such a word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A request of another hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The peer that asked.
    pub peer: String,
    /// Its name for the command.
    pub command: String,
    /// This hub's name for it.
    pub local: String,
    /// The edge; empty where there is none that it may ask.
    pub edge: String,
    /// The edge's operator; the requester itself where there is no edge.
    pub organisation: OrganisationId,
    /// The organisation that the peer is bound to.
    pub requester: OrganisationId,
    /// SHA-256 of the signed request, in hexadecimal.
    pub digest: String,
    /// The signed request.
    pub note: String,
    /// What is told of it here, as JSON.
    pub about: String,
    /// The agreement that lets it ask.
    pub agreement: Option<String>,
    /// How it stands.
    pub state: State,
    /// Why, in words.
    pub why: Option<String>,
    /// When it came.
    pub asked: Timestamp,
    /// From when it may not be ordered any more.
    pub expires: Timestamp,
    /// When its effect ends.
    pub stops: Option<Timestamp>,
    /// The other hub's name for the command that it undoes.
    pub undoes: Option<String>,
    /// How often the peer was told of it.
    pub told: u64,
}

/// Somebody here agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The account.
    pub person: String,
    /// Its organisation.
    pub organisation: OrganisationId,
    /// The session.
    pub session: SecretHash,
    /// When.
    pub at: Timestamp,
    /// Whether that session was revoked since: then it does not count.
    pub revoked: bool,
}

/// Writes a request down; of a peer's that are over, the oldest beyond [`OVER_MAX`] are forgotten.
///
/// # Errors
/// [`StoreError::Exists`] where its command or its name here is taken.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, new: &Foreign) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO foreign_orders (realm, peer, command, local, edge, organisation, requester, digest, note, about, agreement,
             state, why, asked, expires, stops, undoes, told)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            realm,
            new.peer,
            new.command,
            new.local,
            new.edge,
            new.organisation.as_str(),
            new.requester.as_str(),
            new.digest,
            new.note,
            new.about,
            new.agreement,
            new.state.name(),
            new.why,
            micros(new.asked),
            micros(new.expires),
            new.stops.map(micros),
            new.undoes,
            stored(new.told),
        ],
        &new.command,
    )?;
    let over = "realm = ?1 AND peer = ?2 AND state NOT IN ('waiting', 'ordered')";
    let sql = format!("SELECT asked FROM foreign_orders WHERE {over} ORDER BY asked DESC LIMIT 1 OFFSET ?3");
    if let Some(oldest) = tx.first(&sql, (realm, new.peer.as_str(), OVER_MAX), |row| row.get::<i64>(0))? {
        let forgotten = format!("FROM foreign_orders WHERE {over} AND asked <= ?3");
        let of = "DELETE FROM foreign_approvals WHERE realm = ?1 AND local IN";
        tx.execute(&format!("{of} (SELECT local {forgotten})"), (realm, new.peer.as_str(), oldest))?;
        tx.execute(&format!("DELETE {forgotten}"), (realm, new.peer.as_str(), oldest))?;
    }
    Ok(())
}

/// How many requests of a peer wait for people here.
///
/// # Errors
/// Those of the database.
pub fn waiting(reader: &Reader<'_>, realm: &Realm, peer: &str) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM foreign_orders WHERE realm = ?1 AND peer = ?2 AND state = 'waiting'";
    Ok(count(reader.number(sql, (reader.realm(realm)?, peer))?))
}

/// Changes how a request stands.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn put_state(
    tx: &mut Tx<'_>,
    realm: &Realm,
    local: &str,
    (state, why): (State, Option<&str>),
) -> Result<(), StoreError> {
    let sql = "UPDATE foreign_orders SET state = ?3, why = ?4 WHERE realm = ?1 AND local = ?2";
    let changed = tx.execute(sql, (tx.realm(realm)?, local, state.name(), why))?;
    if changed == 0 { Err(StoreError::not_found(local)) } else { Ok(()) }
}

/// Counts up what the peer was told of a request; gives the number.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn tell(tx: &mut Tx<'_>, realm: &Realm, local: &str) -> Result<u64, StoreError> {
    let key = tx.realm(realm)?;
    let sql = "UPDATE foreign_orders SET told = told + 1 WHERE realm = ?1 AND local = ?2";
    if tx.execute(sql, (key, local))? == 0 {
        return Err(StoreError::not_found(local));
    }
    let sql = "SELECT told FROM foreign_orders WHERE realm = ?1 AND local = ?2";
    Ok(count(tx.number(sql, (key, local))?))
}

/// A request by the name that the peer has for it.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn get(
    reader: &Reader<'_>,
    realm: &Realm,
    (peer, command): (&str, &str),
) -> Result<Option<Foreign>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM foreign_orders WHERE realm = ?1 AND peer = ?2 AND command = ?3");
    reader.first(&sql, (reader.realm(realm)?, peer, command), read)
}

/// A request by the name that it has here.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn by_local(reader: &Reader<'_>, realm: &Realm, local: &str) -> Result<Option<Foreign>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM foreign_orders WHERE realm = ?1 AND local = ?2");
    reader.first(&sql, (reader.realm(realm)?, local), read)
}

/// Requests, the newest first, that came before `before` (its time and name here); where `operator` is said, those about its edges.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn list(
    reader: &Reader<'_>,
    realm: &Realm,
    operator: Option<&OrganisationId>,
    before: Option<(Timestamp, &str)>,
    limit: usize,
) -> Result<Vec<Foreign>, StoreError> {
    let (at, local) = before.map_or((i64::MAX, ""), |(at, local)| (micros(at), local));
    let whose = operator.map_or("", OrganisationId::as_str);
    let sql = format!(
        "SELECT {COLUMNS} FROM foreign_orders
         WHERE realm = ?1 AND (asked < ?2 OR (asked = ?2 AND local < ?3)) AND (?4 = '' OR organisation = ?4)
         ORDER BY asked DESC, local DESC LIMIT ?5"
    );
    let limit = i64::try_from(limit.min(LISTED_MAX)).unwrap_or(0);
    reader.rows(&sql, (reader.realm(realm)?, at, local, whose, limit), read)
}

/// Requests in a state, those first that expire first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn in_state(reader: &Reader<'_>, realm: &Realm, state: State) -> Result<Vec<Foreign>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM foreign_orders WHERE realm = ?1 AND state = ?2 ORDER BY expires, local LIMIT ?3"
    );
    let limit = i64::try_from(LISTED_MAX).unwrap_or(0);
    reader.rows(&sql, (reader.realm(realm)?, state.name(), limit), read)
}

/// Notes that somebody here agreed.
///
/// # Errors
/// Those of the database.
pub fn approve(tx: &mut Tx<'_>, realm: &Realm, local: &str, approval: &Approval) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO foreign_approvals (realm, local, person, organisation, session, at, revoked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)
         ON CONFLICT (realm, local, person) DO UPDATE SET organisation = ?4, session = ?5, at = ?6, revoked = 0",
        params![
            tx.realm_for_writing(realm)?,
            local,
            approval.person,
            approval.organisation.as_str(),
            approval.session,
            micros(approval.at),
        ],
    )?;
    Ok(())
}

/// Who agreed to a request here, in order.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn approvals(reader: &Reader<'_>, realm: &Realm, local: &str) -> Result<Vec<Approval>, StoreError> {
    let sql = "SELECT person, organisation, session, at, revoked FROM foreign_approvals
        WHERE realm = ?1 AND local = ?2 ORDER BY at, person";
    reader.rows(sql, (reader.realm(realm)?, local), |row| {
        Ok(Approval {
            person: row.get(0)?,
            organisation: organisation_id(row.text(1)?)?,
            session: row.get(2)?,
            at: time(row.get(3)?)?,
            revoked: row.get::<i64>(4)? != 0,
        })
    })
}

/// Lets the approvals not count any more that a person gave in a session, or in all of its sessions.
pub(crate) fn revoke_approvals(
    tx: &Tx<'_>,
    realm: &Realm,
    person: &str,
    session: Option<&SecretHash>,
) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    let sql = "UPDATE foreign_approvals SET revoked = 1 WHERE realm = ?1 AND person = ?2 AND revoked = 0";
    match session {
        Some(session) => {
            let sql = format!("{sql} AND session = ?3");
            tx.execute(&sql, (realm, person, session))?
        }
        None => tx.execute(sql, (realm, person))?,
    };
    Ok(())
}

const COLUMNS: &str = "peer, command, local, edge, organisation, requester, digest, note, about, agreement, state, why, asked, expires,
    stops, undoes, told";

fn read(row: &Row<'_>) -> Result<Foreign, StoreError> {
    let state: String = row.get(10)?;
    Ok(Foreign {
        peer: row.get(0)?,
        command: row.get(1)?,
        local: row.get(2)?,
        edge: row.get(3)?,
        organisation: organisation_id(row.text(4)?)?,
        requester: organisation_id(row.text(5)?)?,
        digest: row.get(6)?,
        note: row.get(7)?,
        about: row.get(8)?,
        agreement: row.get(9)?,
        state: State::parse(&state)
            .ok_or_else(|| StoreError::Corrupt(format!("the state of a request: {state}")))?,
        why: row.get(11)?,
        asked: time(row.get(12)?)?,
        expires: time(row.get(13)?)?,
        stops: time_opt(row.get(14)?)?,
        undoes: row.get(15)?,
        told: count(row.get(16)?),
    })
}
