//! Requests for release: an organisation asks an originator to let it (or another one) see an object, and is answered.

use oversight::{OrganisationId, Purpose, Realm};
use stix::Id;
use stix::marking::Tlp;

use crate::sql::{Row, micros, organisation_id, params, parsed, stix_id, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Requests one read gives at most.
pub const REQUESTS_MAX: usize = 1_000;
/// Requests of one organisation that may be open at once.
pub const OPEN_MAX: i64 = 500;

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not answered.
    Open,
    /// Granted, and in force.
    Granted,
    /// Refused.
    Refused,
    /// Answered with another offer.
    Offered,
    /// Taken back by who had asked.
    Withdrawn,
    /// Was granted; its end has come.
    Ended,
}

impl State {
    const ALL: [Self; 6] =
        [Self::Open, Self::Granted, Self::Refused, Self::Offered, Self::Withdrawn, Self::Ended];

    /// `open`, `granted`, `refused`, `offered`, `withdrawn`, `ended`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Offered => "offered",
            Self::Withdrawn => "withdrawn",
            Self::Ended => "ended",
        }
    }

    /// The state of such a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A request for release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its own id.
    pub id: String,
    /// The object.
    pub object: Id,
    /// The name under which the asker knows it.
    pub name: String,
    /// Who brought it in, and answers.
    pub originator: OrganisationId,
    /// Who asks.
    pub asker: OrganisationId,
    /// The account or token that asked.
    pub person: String,
    /// Who is to see the object.
    pub recipient: OrganisationId,
    /// Under which level it is wanted, if another one.
    pub tlp: Option<Tlp>,
    /// What for.
    pub purpose: Purpose,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub state: State,
    /// When it was made.
    pub at: jiff::Timestamp,
    /// When it was answered.
    pub answered: Option<jiff::Timestamp>,
    /// The account that answered.
    pub answerer: Option<String>,
    /// What was answered: a reason, another offer.
    pub answer: Option<String>,
    /// On which conditions it was granted.
    pub conditions: Option<String>,
    /// When the grant ends.
    pub until: Option<jiff::Timestamp>,
}

/// Writes a request down.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`OPEN_MAX`] open ones of the asker.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, request: &Request) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let sql = "SELECT COUNT(*) FROM release_requests WHERE realm = ?1 AND asker = ?2 AND state = 'open'";
    if tx.number(sql, (realm, request.asker.as_str()))? >= OPEN_MAX {
        let limit = usize::try_from(OPEN_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of your organisation's open requests", limit });
    }
    tx.insert(
        "INSERT INTO release_requests (realm, id, object, name, originator, asker, person, recipient, tlp, purpose, reason,
             state, at, answered, answerer, answer, conditions, until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            realm,
            request.id,
            request.object.as_str(),
            request.name,
            request.originator.as_str(),
            request.asker.as_str(),
            request.person,
            request.recipient.as_str(),
            request.tlp.map(Tlp::name),
            request.purpose.name(),
            request.reason,
            request.state.name(),
            micros(request.at),
            request.answered.map(micros),
            request.answerer,
            request.answer,
            request.conditions,
            request.until.map(micros),
        ],
        &request.id,
    )
}

/// Writes the answer to a request that stands in state `from`.
///
/// # Errors
/// [`StoreError::Stale`] where it stands otherwise by now.
pub fn answer(tx: &mut Tx<'_>, realm: &Realm, request: &Request, from: State) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    let changed = tx.execute(
        "UPDATE release_requests SET state = ?3, answered = ?4, answerer = ?5, answer = ?6, conditions = ?7, until = ?8
         WHERE realm = ?1 AND id = ?2 AND state = ?9",
        params![
            realm,
            request.id,
            request.state.name(),
            request.answered.map(micros),
            request.answerer,
            request.answer,
            request.conditions,
            request.until.map(micros),
            from.name(),
        ],
    )?;
    if changed == 0 {
        return Err(StoreError::Stale { what: request.id.clone() });
    }
    Ok(())
}

/// A request by its id.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Request>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM release_requests WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// The requests that an organisation made or has to answer, newest first.
///
/// # Errors
/// Those of the database.
pub fn of(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    limit: usize,
) -> Result<Vec<Request>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM release_requests WHERE realm = ?1 AND (originator = ?2 OR asker = ?2)
         ORDER BY at DESC, id LIMIT ?3"
    );
    let limit = i64::try_from(limit.min(REQUESTS_MAX)).unwrap_or(1);
    reader.rows(&sql, (reader.realm(realm)?, organisation.as_str(), limit), read)
}

/// The grants of an object that are in force.
///
/// # Errors
/// Those of the database.
pub fn grants(reader: &Reader<'_>, realm: &Realm, object: &Id) -> Result<Vec<Request>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM release_requests WHERE realm = ?1 AND state = 'granted' AND object = ?2 ORDER BY at"
    );
    reader.rows(&sql, (reader.realm(realm)?, object.as_str()), read)
}

/// Has a grant cover the versions that come after it, too.
///
/// # Errors
/// Those of the database.
pub fn stand(tx: &mut Tx<'_>, realm: &Realm, grant: &Request) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO standing_grants (realm, object, request, originator, recipient) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (realm, object, request) DO NOTHING",
        params![
            realm,
            grant.object.as_str(),
            grant.id,
            grant.originator.as_str(),
            grant.recipient.as_str()
        ],
    )?;
    Ok(())
}

/// A grant that is over covers nothing any more.
///
/// # Errors
/// Those of the database.
pub fn fall(tx: &mut Tx<'_>, realm: &Realm, grant: &Request) -> Result<(), StoreError> {
    let sql = "DELETE FROM standing_grants WHERE realm = ?1 AND object = ?2 AND request = ?3";
    tx.execute(sql, (tx.realm(realm)?, grant.object.as_str(), grant.id.as_str()))?;
    Ok(())
}

/// Whether any grant covers later versions: where none does, nobody need ask for each object.
///
/// # Errors
/// Those of the database.
pub fn any_stands(reader: &Reader<'_>, realm: &Realm) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM standing_grants WHERE realm = ?1 LIMIT 1) AS one";
    Ok(reader.number(sql, [reader.realm(realm)?])? > 0)
}

/// To whom new versions of an originator's object are granted by what was said of an older one.
///
/// # Errors
/// Those of the database.
pub fn standing(
    reader: &Reader<'_>,
    realm: &Realm,
    object: &Id,
    originator: &OrganisationId,
) -> Result<Vec<OrganisationId>, StoreError> {
    let sql = "SELECT recipient FROM standing_grants WHERE realm = ?1 AND object = ?2 AND originator = ?3";
    let params = (reader.realm(realm)?, object.as_str(), originator.as_str());
    reader.rows(sql, params, |row| organisation_id(row.text(0)?))
}

/// Whether a grant covers later versions.
///
/// # Errors
/// Those of the database.
pub fn stands(reader: &Reader<'_>, realm: &Realm, grant: &Request) -> Result<bool, StoreError> {
    let sql = "SELECT COUNT(*) FROM standing_grants WHERE realm = ?1 AND object = ?2 AND request = ?3";
    Ok(reader.number(sql, (reader.realm(realm)?, grant.object.as_str(), grant.id.as_str()))? > 0)
}

/// Grants whose end has come, at most 100.
///
/// # Errors
/// Those of the database.
pub fn ended(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Request>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM release_requests WHERE realm = ?1 AND state = 'granted' AND until <= ?2 ORDER BY until LIMIT 100"
    );
    reader.rows(&sql, (reader.realm(realm)?, micros(reader.now())), read)
}

const COLUMNS: &str =
    "id, object, name, originator, asker, person, recipient, tlp, purpose, reason, state, at, answered,
    answerer, answer, conditions, until";

fn read(row: &Row<'_>) -> Result<Request, StoreError> {
    let tlp: Option<String> = row.get(7)?;
    Ok(Request {
        id: row.get(0)?,
        object: stix_id(row.text(1)?)?,
        name: row.get(2)?,
        originator: organisation_id(row.text(3)?)?,
        asker: organisation_id(row.text(4)?)?,
        person: row.get(5)?,
        recipient: organisation_id(row.text(6)?)?,
        tlp: tlp.map(|name| parsed("TLP level", &name, Tlp::parse)).transpose()?,
        purpose: parsed("purpose", row.text(8)?, Purpose::parse)?,
        reason: row.get(9)?,
        state: parsed("state", row.text(10)?, State::parse)?,
        at: time(row.get(11)?)?,
        answered: time_opt(row.get(12)?)?,
        answerer: row.get(13)?,
        answer: row.get(14)?,
        conditions: row.get(15)?,
        until: time_opt(row.get(16)?)?,
    })
}
