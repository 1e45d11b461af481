//! Reports of incidents: one record out of events, clocks, filings and their receipts.
//!
//! What a report may say, what it comes to and what is owed, `regime` decides; here it is kept, in the transaction of the act. An
//! organisation sees its own reports; of others' it sees the exact copies that were given to it, and the thread of those. What passes between
//! hubs are objects of the log ([`passed`]): what is put on its way ([`abroad`]), what comes ([`came`]) and whether
//! its receipts hold ([`proved`]), what is seen of it ([`elsewhere`]), and the content of its attachments ([`contents`]).

pub(crate) mod abroad;
pub(crate) mod came;
pub(crate) mod clocks;
pub(crate) mod contents;
pub(crate) mod elsewhere;
pub(crate) mod passed;
mod proved;
pub(crate) mod receipts;
mod regimes;
pub(crate) mod told;

use jiff::Timestamp;
use oversight::OrganisationId;
use regime::{Added, Event, EventId, Owes, Profile, Record, Regimes, Report, Value, duties};
use serde::Serialize;
use sha2::Digest;
use stix::Id;
use store::reports::{self, Filed, Head, Logged, Outline};
use store::{Reader, StoreError, Tx};
use uuid::Uuid;

use crate::principal::Caller;
use crate::sharing::unfit;

pub use regimes::files as regime_files;
pub(crate) use regimes::{Known, read as read_regimes};

/// The longest line that a list shows of a report, in characters.
const TITLE_CHARS_MAX: usize = 200;
/// What reports are named after, with their organisation: the version 5 UUID of `urn:yagura:report` in the URL namespace.
const NAMESPACE: Uuid = Uuid::from_u128(0x7c10_1619_60a5_5afd_ae8b_487b_8771_1947);

/// Something that was sent, by the name that its sender gave it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    name: String,
    hash: [u8; 32],
}

impl Sent {
    /// What was sent to do something (`act`), with its body.
    pub(crate) fn of(name: Uuid, act: &str, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let hash = sha2::Sha256::new().chain_update(act).chain_update([0]).chain_update(body).finalize();
        Self { name: name.to_string(), hash: hash.into() }
    }

    /// Notes it; whether it is new.
    ///
    /// # Errors
    /// [`StoreError::Exists`] where something else was sent under that name.
    pub(crate) fn note(&self, tx: &mut Tx<'_>, caller: &Caller, report: &Id) -> Result<bool, StoreError> {
        reports::send(tx, caller.realm(), report, (&self.name, &self.hash))
    }
}

/// The identifier of the report that an organisation's people call `id`. It depends on the organisation, so that nobody learns from a
/// name that is taken that another one has a report.
pub(crate) fn report_id(organisation: &OrganisationId, id: Uuid) -> Id {
    let name = format!("{organisation}/{id}");
    Id::new("incident", Uuid::new_v5(&NAMESPACE, name.as_bytes()))
}

/// A report in hand.
pub(crate) struct InHand {
    pub(crate) head: Head,
    pub(crate) report: Report,
    pub(crate) profile: Profile,
    pub(crate) events: Vec<Logged>,
    pub(crate) filed: Vec<Filed>,
}

impl InHand {
    /// A report of the caller's own organisation.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for every other one.
    pub(crate) fn own(reader: &Reader<'_>, caller: &Caller, id: &Id) -> Result<Self, StoreError> {
        let found = Self::any(reader, caller.realm(), id)?;
        let own = found.filter(|found| found.head.organisation == caller.principal.organisation);
        own.ok_or_else(|| StoreError::NotFound { what: id.to_string() })
    }

    /// A report of the caller's own organisation, or one of which it was given a copy.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for every other one.
    pub(crate) fn seen(reader: &Reader<'_>, caller: &Caller, id: &Id) -> Result<Self, StoreError> {
        let organisation = &caller.principal.organisation;
        let seen = Self::any(reader, caller.realm(), id)?.filter(|found| {
            found.head.organisation == *organisation
                || found.filed.iter().any(|filed| filed.given_to.as_ref() == Some(organisation))
        });
        seen.ok_or_else(|| StoreError::NotFound { what: id.to_string() })
    }

    /// Any report, for the node's own work.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn any(
        reader: &Reader<'_>,
        realm: &oversight::Realm,
        id: &Id,
    ) -> Result<Option<Self>, StoreError> {
        let Some((head, report, events)) = reports::load(reader, realm, id)? else { return Ok(None) };
        let profile = reports::profile(reader, realm, &head.organisation)?;
        let filed = reports::filed(reader, realm, id)?;
        Ok(Some(Self { head, report, profile, events, filed }))
    }

    /// Whether it is the organisation's own.
    pub(crate) fn is_of(&self, organisation: &OrganisationId) -> bool {
        self.head.organisation == *organisation
    }

    /// The copy of a filing that an organisation has: its own, or the one that it was given.
    pub(crate) fn copy_for(&self, organisation: &OrganisationId, event: &str) -> Option<&Filed> {
        let found = self.filed.iter().find(|filed| filed.event.to_string() == event)?;
        let has = self.is_of(organisation) || found.given_to.as_ref() == Some(organisation);
        has.then_some(found)
    }

    /// Adds events, as the act whose leaf is `leaf`. Gives the names of those that are new, in order.
    ///
    /// # Errors
    /// [`StoreError::Abandoned`] where the report does not take one: then nothing is written.
    pub(crate) fn add(
        &mut self,
        tx: &mut Tx<'_>,
        regimes: &Regimes,
        events: Vec<Event>,
        leaf: u64,
    ) -> Result<Vec<EventId>, StoreError> {
        let now = tx.now();
        let mut new = Vec::new();
        for event in events {
            let taken = self.report.add(event.clone(), now);
            if taken.map_err(|refusal| unfit("report", refusal.to_string()))? == Added::New {
                new.push(event);
            }
        }
        // The clocks are looked at next: what is past half time already is told at once.
        let outline = Outline { next_wake: Some(now), ..outline(&self.report, &self.profile, regimes, now) };
        let realm = oversight::Realm::parse(self.report.realm());
        let realm = realm.ok_or_else(|| StoreError::Corrupt("the realm of a report".to_owned()))?;
        let changed = (self.report.changed(), &outline);
        reports::append(tx, &realm, self.report.id(), (&new, leaf), changed)?;
        Ok(new.iter().map(Event::id).collect())
    }
}

/// What a report comes to, for lists and clocks.
pub(crate) fn outline(report: &Report, profile: &Profile, regimes: &Regimes, now: Timestamp) -> Outline {
    let record = report.record();
    let duties = duties(report, profile, regimes, now);
    let own = duties.iter().filter(|duty| duty.owes == Owes::Organisation && duty.is_open());
    Outline {
        title: title(&record),
        next_due: own.filter_map(|duty| duty.clock.due).min(),
        next_wake: regime::next_wake(&duties, now),
        kinds: record.kinds,
    }
}

/// What it is about: the first line of the summary.
fn title(record: &Record) -> String {
    let summary = match record.value("summary") {
        Some(Value::Text(text)) => text.lines().map(str::trim).find(|line| !line.is_empty()),
        _ => None,
    };
    summary.unwrap_or_default().chars().take(TITLE_CHARS_MAX).collect()
}
