//! Runs of playbooks: their events, which are only ever added, and in which session each approval was given.
//!
//! What the events come to, `cacao` says; here they are texts. Who may see a run or do something in it is the caller's to decide.

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};
use stix::Id;

use crate::secrets::SecretHash;
use crate::sql::{Row, count, micros, organisation_id, params, stix_id, stored, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Runs of one organisation that have not ended.
pub const OPEN_MAX: i64 = 200;
/// Runs one list gives at most.
pub const LIST_MAX: usize = 500;
/// Events of one run.
pub const EVENTS_MAX: u64 = 50_000;

/// A run that is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its identifier.
    pub id: String,
    /// Who asks for it.
    pub organisation: OrganisationId,
    /// The account.
    pub person: String,
    /// The case that it answers.
    pub case: Option<Id>,
    /// The playbook.
    pub playbook: String,
    /// Its version.
    pub version: String,
    /// Whose it is; none for those that came with the program.
    pub playbook_of: Option<OrganisationId>,
    /// What it says, hashed.
    pub digest: String,
    /// When.
    pub started: Timestamp,
    /// Whether it is only rehearsed.
    pub dry_run: bool,
}

/// What a run's events come to by now, for lists and for whoever drives it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// How it stands, in a word.
    pub state: String,
    /// Why it failed.
    pub why: Option<String>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Whom it ever asked to agree (STIX identities): none where it asked nobody, empty where any may.
    pub approvers: Option<Vec<String>>,
    /// Open questions.
    pub questions: u32,
    /// Manual steps to be done.
    pub tasks: u32,
    /// Commands of which nobody knows what became.
    pub unknown: u32,
    /// When it is to be looked at next.
    pub next_wake: Option<Timestamp>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How it began.
    pub begun: NewRun,
    /// When it last changed.
    pub changed: Timestamp,
    /// How many events it has.
    pub events: u64,
    /// See there.
    pub outline: Outline,
}

/// An event as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its place in the run, from 1.
    pub number: u64,
    /// What it says, as JSON.
    pub event: String,
    /// The leaf of its act in the log.
    pub leaf: u64,
}

/// An approval, and in which session it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The question's number.
    pub question: u32,
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

/// Begins a run; whether it is new. Its events are added by [`append`].
///
/// # Errors
/// [`StoreError::Exists`] where something else was begun under that identifier; [`StoreError::Limit`] beyond [`OPEN_MAX`].
pub fn open(tx: &mut Tx<'_>, realm: &Realm, new: &NewRun) -> Result<bool, StoreError> {
    if let Some(known) = get(tx, realm, &new.id)? {
        let same = NewRun { started: new.started, ..known.begun } == *new;
        return if same { Ok(false) } else { Err(StoreError::Exists { what: format!("run {}", new.id) }) };
    }
    let realm = tx.realm_for_writing(realm)?;
    let sql = "SELECT COUNT(*) FROM runs WHERE realm = ?1 AND organisation = ?2 AND ended IS NULL";
    if tx.number(sql, (realm, new.organisation.as_str()))? >= OPEN_MAX {
        let limit = usize::try_from(OPEN_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit {
            what: "the number of your organisation's runs that have not ended",
            limit,
        });
    }
    tx.insert(
        "INSERT INTO runs (realm, id, organisation, person, case_id, playbook, version, playbook_of, digest, started, changed,
             events, state, questions, tasks, unknown, dry_run)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, 0, 'running', 0, 0, 0, ?11)",
        params![
            realm,
            new.id,
            new.organisation.as_str(),
            new.person,
            new.case.as_ref().map(Id::as_str),
            new.playbook,
            new.version,
            new.playbook_of.as_ref().map(OrganisationId::as_str),
            new.digest,
            micros(new.started),
            i64::from(new.dry_run),
        ],
        &new.id,
    )?;
    Ok(true)
}

/// Adds events, in this order, to a run that has `known` of them, as one act with the log's leaf `leaf`; and what the run now comes to.
///
/// # Errors
/// [`StoreError::Stale`] where it has others; [`StoreError::Limit`] beyond [`EVENTS_MAX`].
pub fn append(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (id, known): (&str, u64),
    (events, leaf): (&[(Timestamp, String)], u64),
    outline: &Outline,
) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    let mut number = known;
    for (at, event) in events {
        number += 1;
        tx.insert(
            "INSERT INTO run_events (realm, run, number, at, event, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![realm, id, stored(number), micros(*at), event, stored(leaf)],
            id,
        )?;
    }
    if number > EVENTS_MAX {
        let limit = usize::try_from(EVENTS_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the events of one run", limit });
    }
    let changed = tx.execute(
        "UPDATE runs SET events = ?4, changed = COALESCE(?5, changed), state = ?6, why = ?7, ended = ?8,
             approvers = ?9, questions = ?10, tasks = ?11, unknown = ?12, next_wake = ?13
         WHERE realm = ?1 AND id = ?2 AND events = ?3",
        params![
            realm,
            id,
            stored(known),
            stored(number),
            (number > known).then(|| micros(tx.now())),
            outline.state,
            outline.why,
            outline.ended.map(micros),
            outline.approvers.as_ref().map(|all| all.join("\n")),
            i64::from(outline.questions),
            i64::from(outline.tasks),
            i64::from(outline.unknown),
            outline.next_wake.map(micros),
        ],
    )?;
    if changed == 0 { Err(StoreError::Stale { what: id.to_owned() }) } else { Ok(()) }
}

/// Puts off when a run is looked at next.
///
/// # Errors
/// Those of the database.
pub fn put_off(tx: &mut Tx<'_>, realm: &Realm, id: &str, until: Option<Timestamp>) -> Result<(), StoreError> {
    let sql = "UPDATE runs SET next_wake = ?3 WHERE realm = ?1 AND id = ?2";
    tx.execute(sql, (tx.realm(realm)?, id, until.map(micros)))?;
    Ok(())
}

/// A run.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Run>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM runs WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// Runs, the newest first, those that began before `before` (its start and identifier), at most [`LIST_MAX`].
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn list(
    reader: &Reader<'_>,
    realm: &Realm,
    before: Option<(Timestamp, &str)>,
    limit: usize,
) -> Result<Vec<Run>, StoreError> {
    let (at, id) = before.map_or((i64::MAX, ""), |(at, id)| (micros(at), id));
    let sql = format!(
        "SELECT {COLUMNS} FROM runs WHERE realm = ?1 AND (started < ?2 OR (started = ?2 AND id < ?3))
         ORDER BY started DESC, id DESC LIMIT ?4"
    );
    let limit = i64::try_from(limit.min(LIST_MAX)).unwrap_or(0);
    reader.rows(&sql, (reader.realm(realm)?, at, id, limit), read)
}

/// The events of a run, in order.
///
/// # Errors
/// Those of the database.
pub fn events(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Vec<Logged>, StoreError> {
    let sql = "SELECT number, event, leaf FROM run_events WHERE realm = ?1 AND run = ?2 ORDER BY number";
    reader.rows(sql, (reader.realm(realm)?, id), |row| {
        Ok(Logged { number: count(row.get(0)?), event: row.get(1)?, leaf: count(row.get(2)?) })
    })
}

/// Runs that are to be looked at by now.
///
/// # Errors
/// Those of the database.
pub fn awake(
    reader: &Reader<'_>,
    realm: &Realm,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT id FROM runs WHERE realm = ?1 AND next_wake <= ?2 ORDER BY next_wake, id LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(sql, (reader.realm(realm)?, micros(now), limit), |row| row.get(0))
}

/// Notes in which session an approval was given.
///
/// # Errors
/// Those of the database.
pub fn approve(tx: &mut Tx<'_>, realm: &Realm, run: &str, approval: &Approval) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO run_approvals (realm, run, question, person, organisation, session, at, revoked)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)
         ON CONFLICT (realm, run, question, person) DO UPDATE SET organisation = ?5, session = ?6, at = ?7, revoked = 0",
        params![
            tx.realm_for_writing(realm)?,
            run,
            i64::from(approval.question),
            approval.person,
            approval.organisation.as_str(),
            approval.session,
            micros(approval.at),
        ],
    )?;
    Ok(())
}

/// The approvals that were ever given in a run, in order.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn approvals(reader: &Reader<'_>, realm: &Realm, run: &str) -> Result<Vec<Approval>, StoreError> {
    let sql = "SELECT question, person, organisation, session, at, revoked FROM run_approvals
        WHERE realm = ?1 AND run = ?2 ORDER BY at, person";
    reader.rows(sql, (reader.realm(realm)?, run), |row| {
        Ok(Approval {
            question: small(row.get(0)?),
            person: row.get(1)?,
            organisation: organisation_id(row.text(2)?)?,
            session: row.get(3)?,
            at: time(row.get(4)?)?,
            revoked: row.get::<i64>(5)? != 0,
        })
    })
}

/// Lets the approvals not count any more that a person gave in a session, or in all of its sessions, and has their runs looked at.
pub(crate) fn revoke_approvals(
    tx: &Tx<'_>,
    realm: &Realm,
    person: &str,
    session: Option<&SecretHash>,
) -> Result<(), StoreError> {
    crate::foreign::revoke_approvals(tx, realm, person, session)?;
    let (realm, now) = (tx.realm(realm)?, micros(tx.now()));
    let of = "realm = ?1 AND person = ?2 AND revoked = 0";
    let changed = match session {
        Some(session) => {
            let sql = format!("UPDATE run_approvals SET revoked = 1 WHERE {of} AND session = ?3");
            tx.execute(&sql, (realm, person, session))?
        }
        None => tx.execute(&format!("UPDATE run_approvals SET revoked = 1 WHERE {of}"), (realm, person))?,
    };
    if changed > 0 {
        tx.execute(
            "UPDATE runs SET next_wake = ?3 WHERE realm = ?1 AND ended IS NULL
             AND id IN (SELECT run FROM run_approvals WHERE realm = ?1 AND person = ?2 AND revoked = 1)",
            (realm, person, now),
        )?;
    }
    Ok(())
}

const COLUMNS: &str = "id, organisation, person, case_id, playbook, version, playbook_of, digest, started, changed, events, state, why,
    ended, approvers, questions, tasks, unknown, next_wake, dry_run";

fn read(row: &Row<'_>) -> Result<Run, StoreError> {
    let (case, playbook_of): (Option<String>, Option<String>) = (row.get(3)?, row.get(6)?);
    let approvers: Option<String> = row.get(14)?;
    let begun = NewRun {
        id: row.get(0)?,
        organisation: organisation_id(row.text(1)?)?,
        person: row.get(2)?,
        case: case.as_deref().map(stix_id).transpose()?,
        playbook: row.get(4)?,
        version: row.get(5)?,
        playbook_of: playbook_of.as_deref().map(organisation_id).transpose()?,
        digest: row.get(7)?,
        started: time(row.get(8)?)?,
        dry_run: row.get::<i64>(19)? != 0,
    };
    let outline = Outline {
        state: row.get(11)?,
        why: row.get(12)?,
        ended: time_opt(row.get(13)?)?,
        approvers: approvers.map(|all| all.lines().map(str::to_owned).collect()),
        questions: small(row.get(15)?),
        tasks: small(row.get(16)?),
        unknown: small(row.get(17)?),
        next_wake: time_opt(row.get(18)?)?,
    };
    Ok(Run { begun, changed: time(row.get(9)?)?, events: count(row.get(10)?), outline })
}

fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}
