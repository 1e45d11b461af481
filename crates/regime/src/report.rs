use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use stix::Id;

use crate::event::{
    Answer, Event, EventId, Fields, REASON_CHARS_MAX, STATED_MAX, What, is_id, is_name, parse_hash,
};
use crate::text::is_unclean;
use crate::{Attachment, Provenance, Record, Stated};

/// The most events of one report.
pub const EVENTS_MAX: usize = 5_000;
/// The most attachments of one report, withdrawn ones included.
const ATTACHMENTS_MAX: usize = 200;
/// The largest event in bytes of canonical JSON.
const EVENT_BYTES_MAX: usize = 256 * 1024;
/// The largest report in bytes of canonical JSON: what fits into one object of the log.
const REPORT_BYTES_MAX: usize = 8 << 20;
/// The longest account, organisation or realm in characters.
const ACCOUNT_CHARS_MAX: usize = 200;
/// The most identifiers of one event.
const IDS_MAX: usize = 100;

/// What one organisation says about one incident: events that are only ever added, in whatever order they arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    id: Id,
    realm: String,
    organisation: String,
    opened: Timestamp,
    changed: Timestamp,
    events: BTreeMap<EventId, Event>,
    bytes: usize,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is new.
    New,
    /// The report has it: it was sent twice.
    Already,
}

/// Why an event is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The report is full.
    #[error("the report is full: {0}")]
    Full(&'static str),
    /// A part of the event is not what it must be.
    #[error("`{part}` is not legal: {wanted}")]
    Illegal {
        /// Which part.
        part: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// What was filed or answered cannot be withdrawn, nor can a withdrawal.
    #[error("what was filed, answered or withdrawn cannot be withdrawn")]
    Final,
    /// The bytes are not a report.
    #[error("this is not a report: {0}")]
    NotAReport(String),
    /// Two reports are not of one incident, organisation and realm.
    #[error("the two are not copies of one report")]
    AnotherReport,
}

impl Report {
    /// A report without events. `realm` is written as in the rest of the house: `live` or `exercise:<id>`.
    ///
    /// # Errors
    /// [`Refusal::Illegal`] where the identifier is not that of an `incident`, or a name is none.
    pub fn new(id: Id, realm: &str, organisation: &str, opened: Timestamp) -> Result<Self, Refusal> {
        let illegal = |part, wanted| Refusal::Illegal { part, wanted };
        if id.object_type() != "incident" {
            return Err(illegal("id", "the identifier of an `incident`"));
        }
        if realm != "live" && realm.strip_prefix("exercise:").is_none_or(|name| !is_account(name)) {
            return Err(illegal("realm", "`live` or `exercise:` and a name"));
        }
        if !is_account(organisation) {
            return Err(illegal("organisation", "1 to 200 characters"));
        }
        let (realm, organisation) = (realm.to_owned(), organisation.to_owned());
        Ok(Self { id, realm, organisation, opened, changed: opened, events: BTreeMap::new(), bytes: 0 })
    }

    /// Takes an event. One that is there already changes nothing.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing is changed.
    pub fn add(&mut self, event: Event, now: Timestamp) -> Result<Added, Refusal> {
        let id = event.id();
        if self.events.contains_key(&id) {
            return Ok(Added::Already);
        }
        if let What::Withdrawn { event: target, .. } = &event.what
            && self.events.get(target).is_some_and(|target| is_final(&target.what))
        {
            return Err(Refusal::Final);
        }
        self.put(id, event)?;
        self.touch(now);
        Ok(Added::New)
    }

    /// Takes every event of another copy of the same report. Gives back how many were new.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing is changed.
    pub fn merge(&mut self, other: &Self, now: Timestamp) -> Result<usize, Refusal> {
        let same =
            self.id == other.id && self.realm == other.realm && self.organisation == other.organisation;
        if !same || self.opened != other.opened {
            return Err(Refusal::AnotherReport);
        }
        let mut merged = self.clone();
        for (id, event) in other.events.iter().filter(|(id, _)| !self.events.contains_key(*id)) {
            merged.put(*id, event.clone())?;
        }
        let new = merged.events.len() - self.events.len();
        if new > 0 {
            merged.changed = merged.changed.max(other.changed);
            merged.touch(now);
            *self = merged;
        }
        Ok(new)
    }

    /// The STIX identifier of the incident.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// `live` or `exercise:<id>`.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Whose report it is.
    #[must_use]
    pub fn organisation(&self) -> &str {
        &self.organisation
    }

    /// When it was begun.
    #[must_use]
    pub fn opened(&self) -> Timestamp {
        self.opened
    }

    /// When this copy last changed; later than before by at least a millisecond at each change, for it is the STIX object's
    /// `modified` (STIX 2.1 §3.6).
    #[must_use]
    pub fn changed(&self) -> Timestamp {
        self.changed
    }

    /// Every event by its name.
    #[must_use]
    pub fn events(&self) -> &BTreeMap<EventId, Event> {
        &self.events
    }

    /// What the events come to.
    #[must_use]
    pub fn record(&self) -> Record {
        Record::of(self)
    }

    /// The report as JSON, to be kept or sent.
    #[must_use]
    pub fn to_json(&self) -> Json {
        serde_json::json!({
            "id": self.id,
            "realm": self.realm,
            "organisation": self.organisation,
            "opened": self.opened,
            "changed": self.changed,
            "events": self.events.values().collect::<Vec<_>>(),
        })
    }

    /// Reads what [`to_json`](Self::to_json) wrote. An event with members that this version does not know is refused: it would lose them.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn from_json(json: &Json) -> Result<Self, Refusal> {
        let text = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default();
        let not = |what: &str| Refusal::NotAReport(what.to_owned());
        let id = Id::parse(text("id")).map_err(|_| not("`id` is no identifier"))?;
        let instant = |name: &'static str| text(name).parse::<Timestamp>().map_err(|_| not(name));
        let mut report = Self::new(id, text("realm"), text("organisation"), instant("opened")?)?;
        let events =
            json.get("events").and_then(Json::as_array).ok_or_else(|| not("it has no list `events`"))?;
        if events.len() > EVENTS_MAX {
            return Err(Refusal::Full("too many events"));
        }
        for written in events {
            let event = read_event(written)?;
            report.put(event.id(), event)?;
        }
        report.changed = instant("changed")?.max(report.opened);
        Ok(report)
    }

    fn put(&mut self, id: EventId, event: Event) -> Result<(), Refusal> {
        if self.events.len() >= EVENTS_MAX {
            return Err(Refusal::Full("it has 5,000 events"));
        }
        check(&event)?;
        let bytes = serde_json::to_vec(&event).map_or(0, |bytes| bytes.len());
        if bytes > EVENT_BYTES_MAX || self.bytes + bytes > REPORT_BYTES_MAX {
            return Err(Refusal::Full("it would be larger than 8 MiB, or one of its events than 256 KiB"));
        }
        let is_attachment = |event: &Event| matches!(event.what, What::Attached { .. });
        if is_attachment(&event)
            && self.events.values().filter(|e| is_attachment(e)).count() >= ATTACHMENTS_MAX
        {
            return Err(Refusal::Full("it has 200 attachments"));
        }
        self.bytes += bytes;
        self.events.insert(id, event);
        Ok(())
    }

    fn touch(&mut self, now: Timestamp) {
        let next = self.changed.checked_add(SignedDuration::from_millis(1)).unwrap_or(self.changed);
        self.changed = now.max(next);
    }
}

/// Whether a later event can no longer take it back.
pub(crate) fn is_final(what: &What) -> bool {
    matches!(what, What::Filed { .. } | What::Answered { .. } | What::Withdrawn { .. })
}

/// One event in the one spelling that its name is made of.
fn read_event(written: &Json) -> Result<Event, Refusal> {
    let event: Event = serde::Deserialize::deserialize(written).map_err(|error: serde_json::Error| {
        Refusal::NotAReport(error.to_string().chars().take(200).collect())
    })?;
    let again = serde_json::to_value(&event).unwrap_or_default();
    if again == *written {
        Ok(event)
    } else {
        Err(Refusal::NotAReport(
            "an event has members or spellings that this version does not know".to_owned(),
        ))
    }
}

fn is_account(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().nth(ACCOUNT_CHARS_MAX).is_none() && !text.chars().any(is_unclean)
}

/// Whether the event is within bounds.
fn check(event: &Event) -> Result<(), Refusal> {
    let unless =
        |legal: bool, part, wanted| if legal { Ok(()) } else { Err(Refusal::Illegal { part, wanted }) };
    unless(event.by.as_deref().is_none_or(is_account), "by", "1 to 200 characters")?;
    let ids =
        |names: &[&String]| unless(names.iter().all(|name| is_id(name)), "regime", "names of a regime file");
    let reason = |text: &str| {
        let legal = text.chars().nth(REASON_CHARS_MAX).is_none() && !text.chars().any(is_unclean);
        unless(legal && !text.trim().is_empty(), "reason", "a text of at most 5,000 characters")
    };
    match &event.what {
        What::Kind { .. } | What::Happened { .. } => Ok(()),
        What::Stated { fields } => check_fields(fields),
        What::Attached { attachment } => check_attachment(attachment),
        What::Consent { regime, recipient, fields, .. } => {
            ids(&[regime, recipient])?;
            let legal = match fields {
                Fields::All => true,
                Fields::Only(names) => {
                    names.len() <= STATED_MAX && names.iter().all(|name| is_name(name) || is_builtin(name))
                }
            };
            unless(legal, "fields", "at most 200 names of fields")
        }
        What::Ruled { regime, reason: why, .. } => ids(&[regime]).and_then(|()| reason(why)),
        What::Extended { regime, stage, reason: why, .. } => ids(&[regime, stage]).and_then(|()| reason(why)),
        What::Filed { regime, stage, recipient, copy, .. } => {
            ids(&[regime, stage, recipient])?;
            unless(parse_hash(copy).is_some(), "copy", "a SHA-256 in hexadecimal")
        }
        What::Answered { regime, stage, recipient, answer, .. } => {
            ids(&[regime, stage, recipient])?;
            match answer {
                Answer::Acknowledged => Ok(()),
                Answer::Advice { text } | Answer::Requested { text } => reason(text),
                Answer::SimilarCases { ids } => unless(ids.len() <= IDS_MAX, "ids", "at most 100"),
            }
        }
        What::Withdrawn { reason: why, .. } => reason(why),
    }
}

/// `@kind` and its like: what a form can ask beside fields.
fn is_builtin(name: &str) -> bool {
    name.strip_prefix('@').is_some_and(is_name)
}

fn check_fields(fields: &BTreeMap<String, Stated>) -> Result<(), Refusal> {
    let unless =
        |legal: bool, part, wanted| if legal { Ok(()) } else { Err(Refusal::Illegal { part, wanted }) };
    unless((1..=STATED_MAX).contains(&fields.len()), "fields", "1 to 200 fields")?;
    for (name, stated) in fields {
        unless(is_name(name), "fields", "names of fields")?;
        let bounded = stated.value.as_ref().is_none_or(crate::Value::is_bounded);
        unless(bounded, "value", "a value within bounds and without control characters")?;
        if let Provenance::Sightings { ids } = &stated.provenance {
            unless(ids.len() <= IDS_MAX, "ids", "at most 100")?;
        }
    }
    Ok(())
}

fn check_attachment(attachment: &Attachment) -> Result<(), Refusal> {
    if attachment.is_legal() {
        return Ok(());
    }
    let wanted = "a safe name, at most 512 MiB, and a SHA-256; hand larger files over as evidence";
    Err(Refusal::Illegal { part: "attachment", wanted })
}
