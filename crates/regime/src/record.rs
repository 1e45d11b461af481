//! What the events of a report come to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::event::{Answer, Event, EventId, Fields, Kind, Moment, What};
use crate::report::{Report, is_final};
use crate::{Attachment, Provenance, Stated, Value};

/// When something happened, by the accounts that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// From when clocks run: the earliest account, and never later than it was logged.
    pub at: Timestamp,
    /// When the event with that account was logged.
    pub logged: Timestamp,
}

/// One form that was given to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filing {
    /// The event.
    pub event: EventId,
    /// The regime.
    pub regime: String,
    /// The stage.
    pub stage: String,
    /// The recipient.
    pub recipient: String,
    /// When, never later than it was logged.
    pub at: Timestamp,
    /// SHA-256 of the exact copy, in hexadecimal.
    pub copy: String,
}

/// One answer of an authority, in the thread of what it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The event.
    pub event: EventId,
    /// The regime.
    pub regime: String,
    /// The stage that it answers.
    pub stage: String,
    /// Which recipient answers.
    pub recipient: String,
    /// When, never later than it was logged.
    pub at: Timestamp,
    /// What it says.
    pub answer: Answer,
}

/// One version of the record: what an event added to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1.
    pub number: usize,
    /// The event that made it.
    pub event: EventId,
    /// When it was logged.
    pub logged: Timestamp,
    /// Who made it.
    pub by: Option<String>,
    /// The fields that it stated.
    pub fields: Vec<String>,
}

/// What a report comes to. The same events give the same record in whatever order they arrived.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Of which kinds the incident is.
    pub kinds: BTreeSet<Kind>,
    /// When what happened.
    pub moments: BTreeMap<Moment, Moments>,
    /// What each field holds.
    pub fields: BTreeMap<String, Stated>,
    /// The files.
    pub attachments: Vec<Attachment>,
    /// What was filed, by time.
    pub filings: Vec<Filing>,
    /// What authorities answered, by time.
    pub replies: Vec<Reply>,
    /// When each field last changed, for what is owed on change.
    pub(crate) stated_at: BTreeMap<String, BTreeSet<Timestamp>>,
    pub(crate) rulings: BTreeMap<String, (bool, String)>,
    pub(crate) extensions: BTreeMap<(String, String), Timestamp>,
    consents: BTreeMap<(String, String), Vec<(Fields, bool)>>,
    versions: Vec<Version>,
}

impl Record {
    /// What the events of a report come to.
    pub(crate) fn of(report: &Report) -> Self {
        let withdrawn: BTreeSet<EventId> = report
            .events()
            .values()
            .filter_map(|event| match &event.what {
                What::Withdrawn { event, .. } => Some(*event),
                _ => None,
            })
            .collect();
        let counts = |id: &EventId, event: &Event| is_final(&event.what) || !withdrawn.contains(id);
        let mut ordered: Vec<(&EventId, &Event)> =
            report.events().iter().filter(|(id, event)| counts(id, event)).collect();
        // The log's time decides what came after what; the name, where two have the same.
        ordered.sort_by_key(|(id, event)| (event.logged, **id));
        let mut record = Self::default();
        for (id, event) in ordered {
            record.take(*id, event);
        }
        record.filings.sort_by_key(|filing| (filing.at, filing.event));
        record.replies.sort_by_key(|reply| (reply.at, reply.event));
        record
    }

    /// A field's value, if it is stated and known.
    #[must_use]
    pub fn value(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).and_then(|stated| stated.value.as_ref())
    }

    /// When something happened.
    #[must_use]
    pub fn moment(&self, moment: Moment) -> Option<Timestamp> {
        self.moments.get(&moment).map(|found| found.at)
    }

    /// The versions of the record, oldest first: each amendment is one.
    #[must_use]
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// The first filing of a stage with a recipient.
    #[must_use]
    pub fn filing(&self, regime: &str, stage: &str, recipient: &str) -> Option<&Filing> {
        self.filings
            .iter()
            .find(|filing| filing.regime == regime && filing.stage == stage && filing.recipient == recipient)
    }

    /// Whether a recipient may be given a field, where `unasked` says what holds while nobody has decided. The latest decision about the
    /// field counts.
    #[must_use]
    pub fn may_give(&self, regime: &str, recipient: &str, field: &str, unasked: bool) -> bool {
        let decisions = self.consents.get(&(regime.to_owned(), recipient.to_owned()));
        let about = |fields: &Fields| match fields {
            Fields::All => true,
            Fields::Only(names) => names.contains(field),
        };
        decisions
            .into_iter()
            .flatten()
            .rev()
            .find(|(fields, _)| about(fields))
            .map_or(unasked, |(_, given)| *given)
    }

    fn take(&mut self, id: EventId, event: &Event) {
        match &event.what {
            What::Kind { kind } => {
                self.kinds.insert(*kind);
            }
            What::Happened { moment, at } => {
                let new = Moments { at: event.counts_from(*at), logged: event.logged };
                let kept = self.moments.entry(*moment).or_insert(new);
                if new.at < kept.at {
                    *kept = new;
                }
            }
            What::Stated { fields } => {
                for (name, stated) in fields {
                    self.stated_at.entry(name.clone()).or_default().insert(event.logged);
                    self.fields.insert(name.clone(), stated.clone());
                }
                self.count_version(id, event, fields.keys().cloned().collect());
            }
            What::Attached { attachment } => {
                self.stated_at.entry("@attachments".to_owned()).or_default().insert(event.logged);
                self.attachments.push(attachment.clone());
                self.count_version(id, event, vec!["@attachments".to_owned()]);
            }
            What::Consent { regime, recipient, fields, given } => {
                let key = (regime.clone(), recipient.clone());
                self.consents.entry(key).or_default().push((fields.clone(), *given));
            }
            What::Ruled { regime, applies, reason } => {
                self.rulings.insert(regime.clone(), (*applies, reason.clone()));
            }
            What::Extended { regime, stage, until, .. } => {
                let kept = self.extensions.entry((regime.clone(), stage.clone())).or_insert(*until);
                *kept = (*kept).max(*until);
            }
            What::Filed { regime, stage, recipient, at, copy } => self.filings.push(Filing {
                event: id,
                regime: regime.clone(),
                stage: stage.clone(),
                recipient: recipient.clone(),
                at: event.counts_from(*at),
                copy: copy.clone(),
            }),
            What::Answered { regime, stage, recipient, at, answer } => self.replies.push(Reply {
                event: id,
                regime: regime.clone(),
                stage: stage.clone(),
                recipient: recipient.clone(),
                at: event.counts_from(*at),
                answer: answer.clone(),
            }),
            What::Withdrawn { .. } => {}
        }
    }

    fn count_version(&mut self, event_id: EventId, event: &Event, fields: Vec<String>) {
        let number = self.versions.len() + 1;
        self.versions.push(Version {
            number,
            event: event_id,
            logged: event.logged,
            by: event.by.clone(),
            fields,
        });
    }

    /// What counsel or an authority settled about a regime, and why; the latest word counts.
    #[must_use]
    pub fn ruling(&self, regime: &str) -> Option<(bool, &str)> {
        self.rulings.get(regime).map(|(applies, reason)| (*applies, reason.as_str()))
    }

    /// Who says what a field holds.
    #[must_use]
    pub fn provenance(&self, field: &str) -> Option<&Provenance> {
        self.fields.get(field).map(|stated| &stated.provenance)
    }
}
