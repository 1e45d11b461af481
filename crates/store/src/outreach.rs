//! What is asked of people outside (abuse notices, take-down requests, warnings to victims), and what became of it. Who may do so is the
//! caller's to check.

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};
use stix::Id;

use crate::sql::{Row, count, micros, organisation_id, params, stix_id, stored, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Requests one list gives at most.
pub const LISTED_MAX: usize = 200;
/// Steps of one at most.
pub const STEPS_MAX: u64 = 200;

/// How one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Written, and not sent.
    Draft,
    /// Sent, perhaps again.
    Sent,
    /// Whoever it went to has said that it is there.
    Acknowledged,
    /// What it asked for was done.
    Done,
    /// Whoever it went to will not do it.
    Refused,
    /// Nobody asks for it any more.
    Withdrawn,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Sent, Self::Acknowledged, Self::Done, Self::Refused, Self::Withdrawn];

    /// The word in storage and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Sent => "sent",
            Self::Acknowledged => "acknowledged",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of such a word.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether an answer is awaited.
    #[must_use]
    pub fn is_awaited(self) -> bool {
        matches!(self, Self::Sent | Self::Acknowledged)
    }

    /// Whether it may stand so next. What was sent can be sent again, also where it was refused.
    #[must_use]
    pub fn leads_to(self, next: Self) -> bool {
        match self {
            Self::Draft => matches!(next, Self::Sent | Self::Withdrawn),
            Self::Sent | Self::Acknowledged => next != Self::Draft,
            Self::Refused => matches!(next, Self::Sent | Self::Done | Self::Withdrawn),
            Self::Done | Self::Withdrawn => false,
        }
    }
}

/// What is asked of somebody outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Its id, made by whoever writes it.
    pub id: String,
    /// Whose it is.
    pub organisation: OrganisationId,
    /// The account that wrote it.
    pub person: String,
    /// The case.
    pub case: Option<Id>,
    /// The run that asked for it.
    pub run: Option<String>,
    /// `abuse`, `take-down` or `warning`.
    pub kind: String,
    /// To whom.
    pub recipient: String,
    /// How it reaches them.
    pub way: String,
    /// What it is about, as JSON.
    pub about: String,
    /// What it says.
    pub body: String,
    /// On which basis.
    pub basis: Option<String>,
    /// Its TLP level.
    pub tlp: String,
    /// When it was written.
    pub created: Timestamp,
}

/// One as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outreach {
    /// As it was written.
    pub new: New,
    /// When it last changed.
    pub changed: Timestamp,
    /// How it stands.
    pub state: State,
    /// How many steps there are.
    pub steps: u64,
    /// Until when an answer is expected.
    pub due: Option<Timestamp>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// The account.
    pub person: String,
    /// How it stands from then on.
    pub state: State,
    /// In words.
    pub words: Option<String>,
}

/// Writes one down as a draft; whether it is new. The same again changes nothing.
///
/// # Errors
/// [`StoreError::Exists`] where another one has its id.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, new: &New) -> Result<bool, StoreError> {
    if let Some(known) = get(tx, realm, &new.id)? {
        let same = New { created: known.new.created, ..new.clone() } == known.new;
        return if same { Ok(false) } else { Err(StoreError::Exists { what: new.id.clone() }) };
    }
    let key = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO outreach (realm, id, organisation, person, case_id, run, kind, recipient, way, about, body, basis, tlp, created,
             changed, state, steps, due, reminded)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, 'draft', 0, NULL, NULL)",
        params![
            key,
            new.id,
            new.organisation.as_str(),
            new.person,
            new.case.as_ref().map(Id::as_str),
            new.run,
            new.kind,
            new.recipient,
            new.way,
            new.about,
            new.body,
            new.basis,
            new.tlp,
            micros(new.created),
        ],
        &new.id,
    )?;
    let first = Step { at: new.created, person: new.person.clone(), state: State::Draft, words: None };
    put_step(tx, key, (&new.id, 1), &first, None)?;
    Ok(true)
}

/// Adds a step; `due` is until when an answer is expected from then on.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn step(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &str,
    step: &Step,
    due: Option<Timestamp>,
) -> Result<(), StoreError> {
    let known = get(tx, realm, id)?.ok_or_else(|| StoreError::not_found(id))?;
    let key = tx.realm(realm)?;
    put_step(tx, key, (id, known.steps.saturating_add(1)), step, due)
}

fn put_step(
    tx: &mut Tx<'_>,
    realm: i64,
    (id, number): (&str, u64),
    step: &Step,
    due: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.insert(
        "INSERT INTO outreach_steps (realm, id, number, at, person, state, words) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![realm, id, stored(number), micros(step.at), step.person, step.state.name(), step.words],
        id,
    )?;
    tx.execute(
        "UPDATE outreach SET state = ?3, steps = ?4, changed = ?5, due = ?6 WHERE realm = ?1 AND id = ?2",
        params![realm, id, step.state.name(), stored(number), micros(step.at), due.map(micros)],
    )?;
    Ok(())
}

/// One by its id.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Outreach>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM outreach WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// Those that were written before `before` (time and id), the newest first; of an organisation alone, or about a case alone.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn list(
    reader: &Reader<'_>,
    realm: &Realm,
    (whose, case): (Option<&OrganisationId>, Option<&str>),
    before: Option<(Timestamp, &str)>,
    limit: usize,
) -> Result<Vec<Outreach>, StoreError> {
    let (at, id) = before.map_or((i64::MAX, ""), |(at, id)| (micros(at), id));
    let (whose, case) = (whose.map_or("", OrganisationId::as_str), case.unwrap_or_default());
    let sql = format!(
        "SELECT {COLUMNS} FROM outreach
         WHERE realm = ?1 AND (created < ?2 OR (created = ?2 AND id < ?3)) AND (?4 = '' OR organisation = ?4)
             AND (?5 = '' OR case_id = ?5)
         ORDER BY created DESC, id DESC LIMIT ?6"
    );
    let limit = i64::try_from(limit.min(LISTED_MAX)).unwrap_or(0);
    reader.rows(&sql, (reader.realm(realm)?, at, id, whose, case, limit), read)
}

/// What was done about one, in order.
///
/// # Errors
/// [`StoreError::Corrupt`] when a step is not readable.
pub fn steps(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Vec<Step>, StoreError> {
    let sql =
        "SELECT at, person, state, words FROM outreach_steps WHERE realm = ?1 AND id = ?2 ORDER BY number";
    reader.rows(sql, (reader.realm(realm)?, id), |row| {
        Ok(Step {
            at: time(row.get(0)?)?,
            person: row.get(1)?,
            state: state_of(row.text(2)?)?,
            words: row.get(3)?,
        })
    })
}

/// Those whose answer is overdue and of which nobody was told so.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn overdue(reader: &Reader<'_>, realm: &Realm, now: Timestamp) -> Result<Vec<Outreach>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM outreach WHERE realm = ?1 AND due <= ?2 AND (reminded IS NULL OR reminded <> due)
             AND state IN ('sent', 'acknowledged')
         ORDER BY due, id LIMIT 100"
    );
    reader.rows(&sql, (reader.realm(realm)?, micros(now)), read)
}

/// Notes that somebody was told.
///
/// # Errors
/// Those of the database.
pub fn remind(tx: &mut Tx<'_>, realm: &Realm, id: &str) -> Result<(), StoreError> {
    let sql = "UPDATE outreach SET reminded = due WHERE realm = ?1 AND id = ?2";
    tx.execute(sql, (tx.realm(realm)?, id)).map(|_| ())
}

const COLUMNS: &str = "id, organisation, person, case_id, run, kind, recipient, way, about, body, basis, tlp, created, changed, state,
    steps, due";

fn state_of(name: &str) -> Result<State, StoreError> {
    State::parse(name)
        .ok_or_else(|| StoreError::corrupt(format!("the state of what is asked outside: {name}")))
}

fn read(row: &Row<'_>) -> Result<Outreach, StoreError> {
    let case: Option<String> = row.get(3)?;
    Ok(Outreach {
        new: New {
            id: row.get(0)?,
            organisation: organisation_id(row.text(1)?)?,
            person: row.get(2)?,
            case: case.as_deref().map(stix_id).transpose()?,
            run: row.get(4)?,
            kind: row.get(5)?,
            recipient: row.get(6)?,
            way: row.get(7)?,
            about: row.get(8)?,
            body: row.get(9)?,
            basis: row.get(10)?,
            tlp: row.get(11)?,
            created: time(row.get(12)?)?,
        },
        changed: time(row.get(13)?)?,
        state: state_of(row.text(14)?)?,
        steps: count(row.get(15)?),
        due: time_opt(row.get(16)?)?,
    })
}
