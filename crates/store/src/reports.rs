//! What organisations report about incidents: events that are only ever added, the content of their attachments, the exact copies of
//! what was filed, and which turns of a clock were told.
//!
//! Nothing here changes or removes an event, a copy or an attachment. Who may write or see a report is the caller's to decide;
//! what its events come to, `regime` says. What passes to other hubs and comes from there is in [`abroad`], what the receipts
//! that come from there prove in [`receipts`], and the content of the attachments that go with it in [`contents`].

pub mod abroad;
pub mod contents;
pub mod receipts;

use std::collections::BTreeSet;

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};
use regime::{Event, EventId, Kind, Profile, Report};
use stix::Id;

use crate::sql::{Row, count, micros, organisation_id, params, parsed, stix_id, stored, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Reports of one organisation.
pub const REPORTS_MAX: i64 = 20_000;
/// Reports one list gives at most.
pub const LIST_MAX: usize = 500;
/// Bytes of all attachments of one report, as they are kept.
pub const FILES_BYTES_MAX: i64 = 256 << 20;
/// Things that were sent to one report and are remembered.
const SENDS_MAX: i64 = 10_000;

/// A report in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The STIX incident's identifier.
    pub id: Id,
    /// Whose report.
    pub organisation: OrganisationId,
    /// When it was begun.
    pub opened: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
    /// How many events it has.
    pub events: u64,
    /// What it is about, in a line.
    pub title: String,
    /// Of which kinds the incident is.
    pub kinds: BTreeSet<Kind>,
    /// The first deadline that is still open.
    pub next_due: Option<Timestamp>,
    /// When a clock next changes by itself.
    pub next_wake: Option<Timestamp>,
}

/// What is worked out of a report's events, for lists and clocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// See [`Head::title`].
    pub title: String,
    /// See [`Head::kinds`].
    pub kinds: BTreeSet<Kind>,
    /// See [`Head::next_due`].
    pub next_due: Option<Timestamp>,
    /// See [`Head::next_wake`].
    pub next_wake: Option<Timestamp>,
}

/// An event as it was logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its place in the report, from 1.
    pub sequence: i64,
    /// What it says.
    pub event: Event,
    /// The leaf of its act in the log.
    pub leaf: u64,
}

/// The exact copy of what was filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// The event that says so.
    pub event: EventId,
    /// The name that it was sent under.
    pub send: String,
    /// The regime.
    pub regime: String,
    /// The stage.
    pub stage: String,
    /// The recipient, as the regime calls it.
    pub recipient: String,
    /// The organisation that was given it: one of this council, or one of another hub, as all hubs name it.
    pub given_to: Option<OrganisationId>,
    /// When it was logged.
    pub at: Timestamp,
    /// The account that filed it.
    pub actor: String,
    /// The copy, byte for byte.
    pub copy: Vec<u8>,
    /// The leaf of the filing in the log.
    pub leaf: u64,
}

/// Which reports a list gives.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Those of this organisation, and those of which it was given a copy.
    pub organisation: OrganisationId,
    /// Whether its own are among them.
    pub own: bool,
    /// Those that come after this one in the list: its last change and identifier.
    pub after: Option<(Timestamp, Id)>,
    /// How many, at most [`LIST_MAX`].
    pub limit: usize,
}

/// Begins a report. Its events are added by [`append`].
///
/// # Errors
/// [`StoreError::Exists`]; [`StoreError::Limit`] beyond [`REPORTS_MAX`].
pub fn open(
    tx: &mut Tx<'_>,
    realm: &Realm,
    report: &Report,
    organisation: &OrganisationId,
) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let sql = "SELECT COUNT(*) FROM reports WHERE realm = ?1 AND organisation = ?2";
    if tx.number(sql, (realm, organisation.as_str()))? >= REPORTS_MAX {
        let limit = usize::try_from(REPORTS_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of your organisation's reports", limit });
    }
    tx.insert(
        "INSERT INTO reports (realm, id, organisation, opened, changed, events, bytes, title, kinds, next_due, next_wake)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, '', '', NULL, NULL)",
        params![
            realm,
            report.id().as_str(),
            organisation.as_str(),
            micros(report.opened()),
            micros(report.changed()),
        ],
        report.id().as_str(),
    )
}

/// Adds events to a report, in this order, as one act with the log's leaf `leaf`; and what the report now comes to.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Exists`] where it has one of them.
pub fn append(
    tx: &mut Tx<'_>,
    realm: &Realm,
    id: &Id,
    (events, leaf): (&[Event], u64),
    (changed, outline): (Timestamp, &Outline),
) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    let sql = "SELECT events FROM reports WHERE realm = ?1 AND id = ?2";
    let known = tx.first(sql, (realm, id.as_str()), |row| row.get::<i64>(0))?;
    let known = known.ok_or_else(|| StoreError::not_found(id.as_str()))?;
    let mut sequence = known;
    for event in events {
        sequence += 1;
        let name = event.id().to_string();
        tx.insert(
            "INSERT INTO report_events (realm, report, sequence, id, event, leaf) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![realm, id.as_str(), sequence, name, event.canonical(), stored(leaf)],
            &name,
        )?;
    }
    tx.execute(
        "UPDATE reports SET changed = ?3, events = ?4 WHERE realm = ?1 AND id = ?2",
        (realm, id.as_str(), micros(changed), sequence),
    )?;
    outlined(tx, realm, id, outline)
}

/// Notes what a report comes to by now.
///
/// # Errors
/// Those of the database.
pub fn outline(tx: &mut Tx<'_>, realm: &Realm, id: &Id, outline: &Outline) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    outlined(tx, realm, id, outline)
}

fn outlined(tx: &Tx<'_>, realm: i64, id: &Id, outline: &Outline) -> Result<(), StoreError> {
    let kinds: Vec<&str> = outline.kinds.iter().map(|kind| kind.name()).collect();
    tx.execute(
        "UPDATE reports SET title = ?3, kinds = ?4, next_due = ?5, next_wake = ?6 WHERE realm = ?1 AND id = ?2",
        params![
            realm,
            id.as_str(),
            outline.title,
            kinds.join("\n"),
            outline.next_due.map(micros),
            outline.next_wake.map(micros),
        ],
    )?;
    Ok(())
}

/// The first lines of a report.
///
/// # Errors
/// [`StoreError::Corrupt`] when they are not readable.
pub fn head(reader: &Reader<'_>, realm: &Realm, id: &Id) -> Result<Option<Head>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM reports WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id.as_str()), read)
}

/// A report with all its events.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable, or an event is not what its name says.
pub fn load(
    reader: &Reader<'_>,
    realm: &Realm,
    id: &Id,
) -> Result<Option<(Head, Report, Vec<Logged>)>, StoreError> {
    let Some(head) = head(reader, realm, id)? else { return Ok(None) };
    let sql = "SELECT sequence, id, event, leaf FROM report_events WHERE realm = ?1 AND report = ?2 ORDER BY sequence";
    let events = reader.rows(sql, (reader.realm(realm)?, id.as_str()), |row| {
        let event: Event = parsed("event", row.text(2)?, |text| serde_json::from_str(text).ok())?;
        if event.id().to_string() != row.text(1)? {
            return Err(StoreError::corrupt(format!("event {} of {id}", row.text(1)?)));
        }
        Ok(Logged { sequence: row.get(0)?, event, leaf: count(row.get(3)?) })
    })?;
    let report = Report::from_json(&serde_json::json!({
        "id": head.id,
        "realm": realm.to_string(),
        "organisation": head.organisation.as_str(),
        "opened": head.opened,
        "changed": head.changed,
        "events": events.iter().map(|logged| &logged.event).collect::<Vec<_>>(),
    }));
    let report = report.map_err(|error| StoreError::corrupt(format!("report {id}: {error}")))?;
    Ok(Some((head, report, events)))
}

/// Reports, the newest change first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn list(reader: &Reader<'_>, realm: &Realm, filter: &Filter) -> Result<Vec<Head>, StoreError> {
    let own = if filter.own { "organisation = ?2 OR" } else { "" };
    let sql = format!(
        "SELECT {COLUMNS} FROM reports WHERE realm = ?1
             AND ({own} id IN (SELECT report FROM report_filings WHERE realm = ?1 AND given_to = ?2))
             AND (changed < ?3 OR changed = ?3 AND id > ?4)
         ORDER BY changed DESC, id LIMIT ?5"
    );
    let (before, id) = match &filter.after {
        Some((changed, id)) => (micros(*changed), id.as_str()),
        None => (i64::MAX, ""),
    };
    let limit = i64::try_from(filter.limit.min(LIST_MAX)).unwrap_or(0);
    let realm = reader.realm(realm)?;
    reader.rows(&sql, (realm, filter.organisation.as_str(), before, id, limit), read)
}

/// An organisation's own reports with a deadline that is still open, the nearest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn pressing(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    limit: usize,
) -> Result<Vec<Head>, StoreError> {
    // Those without a deadline come last: something may be owed of them all the same, promptly or by an unknown day.
    let sql = format!(
        "SELECT {COLUMNS} FROM reports WHERE realm = ?1 AND organisation = ?2
         ORDER BY CASE WHEN next_due IS NULL THEN 1 ELSE 0 END, next_due, changed DESC, id LIMIT ?3"
    );
    let limit = i64::try_from(limit.min(LIST_MAX)).unwrap_or(0);
    reader.rows(&sql, (reader.realm(realm)?, organisation.as_str(), limit), read)
}

/// Reports of which a clock has changed by itself by now, whoever's they are: for the node's own work.
///
/// # Errors
/// Those of the database.
pub fn awake(
    reader: &Reader<'_>,
    realm: &Realm,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Id>, StoreError> {
    let sql = "SELECT id FROM reports WHERE realm = ?1 AND next_wake <= ?2 ORDER BY next_wake, id LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(sql, (reader.realm(realm)?, micros(now), limit), |row| stix_id(row.text(0)?))
}

/// Has every report looked at again: the regimes may be others than before.
///
/// # Errors
/// Those of the database.
pub fn wake_all(tx: &mut Tx<'_>, realm: &Realm) -> Result<(), StoreError> {
    tx.execute("UPDATE reports SET next_wake = ?2 WHERE realm = ?1", (tx.realm(realm)?, micros(tx.now())))?;
    Ok(())
}

/// Notes that something was sent under a name that its sender chose; whether it is new. What is sent a second time is no second thing.
///
/// # Errors
/// [`StoreError::Exists`] where something else was sent under that name; [`StoreError::Limit`].
pub fn send(
    tx: &mut Tx<'_>,
    realm: &Realm,
    report: &Id,
    (name, hash): (&str, &[u8; 32]),
) -> Result<bool, StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let sql = "SELECT hash FROM report_sends WHERE realm = ?1 AND report = ?2 AND send = ?3";
    match tx.first(sql, (realm, report.as_str(), name), |row| row.get::<[u8; 32]>(0))? {
        Some(known) if known == *hash => return Ok(false),
        Some(_) => {
            return Err(StoreError::Exists { what: format!("report {name} with other content") });
        }
        None => {}
    }
    let sql = "SELECT COUNT(*) FROM report_sends WHERE realm = ?1 AND report = ?2";
    if tx.number(sql, (realm, report.as_str()))? >= SENDS_MAX {
        let limit = usize::try_from(SENDS_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of things sent to one report", limit });
    }
    tx.execute(
        "INSERT INTO report_sends (realm, report, send, hash, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![realm, report.as_str(), name, hash, micros(tx.now())],
    )?;
    Ok(true)
}

/// Keeps the content of an attachment, sealed; whether it is new.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`FILES_BYTES_MAX`] of one report.
pub fn keep_file(
    tx: &mut Tx<'_>,
    realm: &Realm,
    report: &Id,
    (sha256, sealed): (&str, &[u8]),
) -> Result<bool, StoreError> {
    let realm = tx.realm(realm)?;
    let sql = "SELECT COUNT(*) FROM report_files WHERE realm = ?1 AND report = ?2 AND sha256 = ?3";
    if tx.number(sql, (realm, report.as_str(), sha256))? > 0 {
        return Ok(false);
    }
    let bytes = i64::try_from(sealed.len()).unwrap_or(i64::MAX);
    let sql = "UPDATE reports SET bytes = bytes + ?3 WHERE realm = ?1 AND id = ?2 AND bytes <= ?4";
    let room = FILES_BYTES_MAX.saturating_sub(bytes);
    if tx.execute(sql, (realm, report.as_str(), bytes, room))? == 0 {
        let limit = usize::try_from(FILES_BYTES_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the attachments of one report, in bytes,", limit });
    }
    tx.execute(
        "INSERT INTO report_files (realm, report, sha256, sealed) VALUES (?1, ?2, ?3, ?4)",
        params![realm, report.as_str(), sha256, sealed],
    )?;
    Ok(true)
}

/// The sealed content of an attachment.
///
/// # Errors
/// Those of the database.
pub fn file(
    reader: &Reader<'_>,
    realm: &Realm,
    report: &Id,
    sha256: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT sealed FROM report_files WHERE realm = ?1 AND report = ?2 AND sha256 = ?3";
    reader.first(sql, (reader.realm(realm)?, report.as_str(), sha256), |row| row.get(0))
}

/// Keeps the exact copy of what was filed.
///
/// # Errors
/// [`StoreError::Exists`].
pub fn file_copy(tx: &mut Tx<'_>, realm: &Realm, report: &Id, filed: &Filed) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    let event = filed.event.to_string();
    tx.insert(
        "INSERT INTO report_filings (realm, report, event, send, regime, stage, recipient, given_to, at, actor, copy, leaf)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            realm,
            report.as_str(),
            event,
            filed.send,
            filed.regime,
            filed.stage,
            filed.recipient,
            filed.given_to.as_ref().map(OrganisationId::as_str),
            micros(filed.at),
            filed.actor,
            filed.copy,
            stored(filed.leaf),
        ],
        &event,
    )
}

/// The copies of a report, in the order in which they were filed.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn filed(reader: &Reader<'_>, realm: &Realm, report: &Id) -> Result<Vec<Filed>, StoreError> {
    let sql =
        "SELECT event, send, regime, stage, recipient, given_to, at, actor, copy, leaf FROM report_filings
        WHERE realm = ?1 AND report = ?2 ORDER BY leaf";
    reader.rows(sql, (reader.realm(realm)?, report.as_str()), |row| {
        let given_to: Option<String> = row.get(5)?;
        Ok(Filed {
            event: parsed("event", row.text(0)?, EventId::parse)?,
            send: row.get(1)?,
            regime: row.get(2)?,
            stage: row.get(3)?,
            recipient: row.get(4)?,
            given_to: given_to.as_deref().map(organisation_id).transpose()?,
            at: time(row.get(6)?)?,
            actor: row.get(7)?,
            copy: row.get(8)?,
            leaf: count(row.get(9)?),
        })
    })
}

/// Notes that a turn of a clock is told, and the address that mail of it goes to; whether it was not yet.
///
/// # Errors
/// Those of the database.
pub fn warn(
    tx: &mut Tx<'_>,
    realm: &Realm,
    report: &Id,
    (duty, turn, due): (&str, &str, Timestamp),
    mail: Option<&str>,
) -> Result<bool, StoreError> {
    let now = micros(tx.now());
    let added = tx.execute(
        "INSERT INTO report_warnings (realm, report, duty, turn, due, at, mail, attempts, next_try)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8) ON CONFLICT (realm, report, duty, turn, due) DO NOTHING",
        params![tx.realm(realm)?, report.as_str(), duty, turn, micros(due), now, mail, mail.map(|_| now),],
    )?;
    Ok(added > 0)
}

/// A turn of a clock that is to be told by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The report.
    pub report: Id,
    /// The duty: regime, stage and recipient with `/` between them.
    pub duty: String,
    /// `half-time` or `overdue`.
    pub turn: String,
    /// The deadline.
    pub due: Timestamp,
    /// Where the mail goes.
    pub mail: String,
    /// How often it was tried.
    pub attempts: u64,
}

/// Those that are to be told by mail by now, the longest due first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn mails_due(reader: &Reader<'_>, realm: &Realm, limit: usize) -> Result<Vec<Warning>, StoreError> {
    let sql = "SELECT report, duty, turn, due, mail, attempts FROM report_warnings
        WHERE realm = ?1 AND next_try <= ?2 ORDER BY next_try, report, duty, turn LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    reader.rows(sql, (reader.realm(realm)?, micros(reader.now()), limit), |row| {
        Ok(Warning {
            report: stix_id(row.text(0)?)?,
            duty: row.get(1)?,
            turn: row.get(2)?,
            due: time(row.get(3)?)?,
            mail: row.get(4)?,
            attempts: count(row.get(5)?),
        })
    })
}

/// Notes when a mail is tried next, and that it was tried once more; `None`: never, it was sent or is given up. Whether it was still to
/// be sent: of several processes one sends it.
///
/// # Errors
/// Those of the database.
pub fn put_off_mail(
    tx: &mut Tx<'_>,
    realm: &Realm,
    warning: &Warning,
    (attempts, next): (u64, Option<Timestamp>),
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE report_warnings SET attempts = ?7, next_try = ?8
         WHERE realm = ?1 AND report = ?2 AND duty = ?3 AND turn = ?4 AND due = ?5 AND attempts = ?6 AND next_try IS NOT NULL",
        params![
            tx.realm(realm)?,
            warning.report.as_str(),
            warning.duty,
            warning.turn,
            micros(warning.due),
            stored(warning.attempts),
            stored(attempts),
            next.map(micros),
        ],
    )?;
    Ok(changed > 0)
}

/// What an organisation declared in peacetime; nothing declared is an empty profile.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is not readable.
pub fn profile(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
) -> Result<Profile, StoreError> {
    let sql = "SELECT profile FROM report_profiles WHERE realm = ?1 AND organisation = ?2";
    let found = reader.first(sql, (reader.realm(realm)?, organisation.as_str()), |row| {
        parsed("profile", row.text(0)?, |text| serde_json::from_str(text).ok())
    })?;
    Ok(found.unwrap_or_default())
}

/// Puts a profile in place of what an organisation declared before.
///
/// # Errors
/// Those of the database.
pub fn declare(
    tx: &mut Tx<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    (profile, actor): (&Profile, &str),
) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let text = serde_json::to_string(profile).map_err(|error| StoreError::Database(error.to_string()))?;
    tx.execute(
        "INSERT INTO report_profiles (realm, organisation, profile, changed, actor) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (realm, organisation) DO UPDATE SET profile = ?3, changed = ?4, actor = ?5",
        params![realm, organisation.as_str(), text, micros(tx.now()), actor],
    )?;
    // A condition of a regime may read the profile: every clock of the organisation is looked at again.
    let sql = "UPDATE reports SET next_wake = ?3 WHERE realm = ?1 AND organisation = ?2";
    tx.execute(sql, (realm, organisation.as_str(), micros(tx.now())))?;
    Ok(())
}

const COLUMNS: &str = "id, organisation, opened, changed, events, title, kinds, next_due, next_wake";

fn read(row: &Row<'_>) -> Result<Head, StoreError> {
    let kind = |name: &str| parsed("kind of incident", name, Kind::parse);
    Ok(Head {
        id: stix_id(row.text(0)?)?,
        organisation: organisation_id(row.text(1)?)?,
        opened: time(row.get(2)?)?,
        changed: time(row.get(3)?)?,
        events: count(row.get(4)?),
        title: row.get(5)?,
        kinds: row.text(6)?.lines().map(kind).collect::<Result<_, _>>()?,
        next_due: time_opt(row.get(7)?)?,
        next_wake: time_opt(row.get(8)?)?,
    })
}
