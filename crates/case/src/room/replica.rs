use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::entry::{EntryId, RoomEntry, Says};
use super::report::Update;
use crate::change::{ASSIGNEE_CHARS_MAX, NOTE_CHARS_MAX, TITLE_CHARS_MAX};
use crate::mail::{LINE_CHARS_MAX, Mail};
use crate::{CaseId, REASON_CHARS_MAX};

/// A hub's clock may be ahead of ours by so much. What is later is refused and can be sent again when its time has come; otherwise one
/// wrong clock would have the last word in a room for good.
pub const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// The most entries of one room.
const ENTRIES_MAX: usize = 100_000;
/// The most identifiers, options or reasons of one entry.
const LIST_MAX: usize = 500;

/// An entry that a room may take, with its name: looked at once, however many copies of the room hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    id: EntryId,
    entry: Arc<RoomEntry>,
}

impl Named {
    /// Looks at an entry, and names it.
    ///
    /// # Errors
    /// [`RoomRefusal::Illegal`].
    pub fn of(entry: RoomEntry) -> Result<Self, RoomRefusal> {
        check(&entry)?;
        Ok(Self { id: entry.id(), entry: Arc::new(entry) })
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// It.
    #[must_use]
    pub fn entry(&self) -> &RoomEntry {
        &self.entry
    }

    /// Where it stands among others.
    fn place(&self) -> (Timestamp, EntryId) {
        (self.entry.at, self.id)
    }
}

/// One hub's copy of a case room. A copy of it costs little: entries are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    case: CaseId,
    entries: BTreeMap<EntryId, Arc<RoomEntry>>,
    /// The same, always in the order in which they count.
    order: Vec<Named>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoomAdded {
    /// It is new.
    New,
    /// The room has it.
    Already,
}

/// Why an entry is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoomRefusal {
    /// It is about another case.
    #[error("the entry is about another case")]
    AnotherCase,
    /// Its time has not come.
    #[error("the entry is from the future by more than five minutes; send it again later")]
    Future,
    /// A text is empty or too long, a list too long, or the salt is none.
    #[error("`{0}` is empty, too long or not legal")]
    Illegal(&'static str),
    /// The room is full.
    #[error("the room is full")]
    Full,
}

impl Room {
    /// An empty copy of a case's room.
    #[must_use]
    pub fn new(case: CaseId) -> Self {
        Self { case, entries: BTreeMap::new(), order: Vec::new() }
    }

    /// The case.
    #[must_use]
    pub fn case(&self) -> &CaseId {
        &self.case
    }

    /// Takes an entry. One that is there already changes nothing.
    ///
    /// # Errors
    /// [`RoomRefusal`]; then nothing is changed.
    pub fn take(&mut self, entry: RoomEntry, now: Timestamp) -> Result<RoomAdded, RoomRefusal> {
        self.fits(&entry, now)?;
        self.take_named(&Named::of(entry)?, now)
    }

    /// Takes an entry that was looked at.
    ///
    /// # Errors
    /// [`RoomRefusal`]; then nothing is changed.
    pub fn take_named(&mut self, named: &Named, now: Timestamp) -> Result<RoomAdded, RoomRefusal> {
        self.fits(&named.entry, now)?;
        if self.entries.contains_key(&named.id) {
            return Ok(RoomAdded::Already);
        }
        if self.entries.len() >= ENTRIES_MAX {
            return Err(RoomRefusal::Full);
        }
        self.entries.insert(named.id, Arc::clone(&named.entry));
        // Nearly always it is the last one.
        let place = self.order.partition_point(|other| other.place() < named.place());
        self.order.insert(place, named.clone());
        Ok(RoomAdded::New)
    }

    fn fits(&self, entry: &RoomEntry, now: Timestamp) -> Result<(), RoomRefusal> {
        if entry.case != self.case {
            return Err(RoomRefusal::AnotherCase);
        }
        if entry.at.duration_since(now) > SKEW {
            return Err(RoomRefusal::Future);
        }
        Ok(())
    }

    /// Every entry in the order in which they count: by time, then by name. The same in every copy.
    #[must_use]
    pub fn ordered(&self) -> Vec<(EntryId, &RoomEntry)> {
        self.entries().collect()
    }

    /// The same, one after the other.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (EntryId, &RoomEntry)> {
        self.order.iter().map(|named| (named.id, named.entry()))
    }

    /// Whether an entry would come last of all.
    #[must_use]
    pub fn ends_before(&self, named: &Named) -> bool {
        self.order.last().is_none_or(|last| last.place() < named.place())
    }

    /// One entry.
    #[must_use]
    pub fn get(&self, id: &EntryId) -> Option<&RoomEntry> {
        self.entries.get(id).map(|entry| &**entry)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The time for an entry that is written now: later than all that it refers to, even where those came from a clock that is ahead.
    #[must_use]
    pub fn time_for(&self, refers_to: &[EntryId], now: Timestamp) -> Timestamp {
        let last = refers_to.iter().filter_map(|id| self.entries.get(id)).map(|entry| entry.at).max();
        last.map_or(now, |last| now.max(super::entry::just_after(last)))
    }

    /// What another copy lacks, of what its hub may be given.
    pub fn missing<'a>(
        &'a self,
        has: impl Fn(&EntryId) -> bool + 'a,
        may_give: impl Fn(&RoomEntry) -> bool + 'a,
    ) -> impl Iterator<Item = &'a RoomEntry> {
        self.entries.iter().filter(move |(id, entry)| !has(id) && may_give(entry)).map(|(_, entry)| &**entry)
    }
}

/// Reads an entry in the one spelling that its name is made of.
pub(super) fn read_entry(json: &Json) -> Option<RoomEntry> {
    let entry: RoomEntry = serde::Deserialize::deserialize(json).ok()?;
    (serde_json::to_value(&entry).ok()? == *json).then_some(entry)
}

fn check(entry: &RoomEntry) -> Result<(), RoomRefusal> {
    let fits = |part, text: &str, max: usize| {
        let legal = !text.trim().is_empty() && text.chars().nth(max).is_none();
        if legal { Ok(()) } else { Err(RoomRefusal::Illegal(part)) }
    };
    let short = |part, count: usize| if count <= LIST_MAX { Ok(()) } else { Err(RoomRefusal::Illegal(part)) };
    if entry.salt.len() != 32 || !entry.salt.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    {
        return Err(RoomRefusal::Illegal("salt"));
    }
    if let Some(by) = &entry.by {
        fits("by", by, ASSIGNEE_CHARS_MAX)?;
    }
    if let Some(name) = &entry.name {
        fits("name", name, ASSIGNEE_CHARS_MAX)?;
    }
    short("only", entry.label.only.as_ref().map_or(0, std::collections::BTreeSet::len))?;
    match &entry.says {
        Says::Invited { .. } | Says::Commands | Says::TakesOver { .. } | Says::PublishedAs { .. } => Ok(()),
        Says::Note { text, .. } => fits("text", text, NOTE_CHARS_MAX),
        Says::Objects { ids } => short("ids", ids.len()),
        Says::HandOver { to, brief } => {
            fits("to", &to.account, ASSIGNEE_CHARS_MAX).and_then(|()| fits("brief", brief, NOTE_CHARS_MAX))
        }
        Says::Leads { person, .. } => fits("person", &person.account, ASSIGNEE_CHARS_MAX),
        Says::Period { from, until, objectives } => {
            if until <= from {
                return Err(RoomRefusal::Illegal("until"));
            }
            fits("objectives", objectives, NOTE_CHARS_MAX)
        }
        Says::TaskOffered { title, legal_basis, .. } => {
            fits("title", title, TITLE_CHARS_MAX)?;
            legal_basis.as_ref().map_or(Ok(()), |basis| fits("legal_basis", basis, REASON_CHARS_MAX))
        }
        Says::TaskAccepted { legal_basis, .. } => fits("legal_basis", legal_basis, REASON_CHARS_MAX),
        Says::TaskDeclined { reason, legal_basis, .. } => {
            fits("reason", reason, REASON_CHARS_MAX)?;
            legal_basis.as_ref().map_or(Ok(()), |basis| fits("legal_basis", basis, REASON_CHARS_MAX))
        }
        Says::TaskHandedBack { result, .. } => fits("result", result, NOTE_CHARS_MAX),
        Says::Decided { question, options, chosen, reason, evidence } => {
            fits("question", question, REASON_CHARS_MAX)?;
            short("options", options.len())?;
            short("evidence", evidence.len())?;
            options.iter().try_for_each(|option| fits("options", option, REASON_CHARS_MAX))?;
            if *chosen >= options.len() {
                return Err(RoomRefusal::Illegal("chosen"));
            }
            fits("reason", reason, REASON_CHARS_MAX)
        }
        Says::Typed { report, update } => match Update::from_text(update) {
            Ok(_) if *report > 0 => Ok(()),
            Ok(_) => Err(RoomRefusal::Illegal("report")),
            Err(_) => Err(RoomRefusal::Illegal("update")),
        },
        Says::Reported { report: 0, .. } => Err(RoomRefusal::Illegal("report")),
        Says::Reported { text, .. } => fits("text", text, NOTE_CHARS_MAX),
        Says::Mailed(mail) => check_mail(mail),
        Says::SeverityProposed { reasons, .. } => {
            short("reasons", reasons.len())?;
            reasons.iter().try_for_each(|reason| fits("reasons", reason, REASON_CHARS_MAX))
        }
        Says::TaskWithdrawn { reason, .. }
        | Says::SeverityDeclared { reason, .. }
        | Says::Merged { reason, .. }
        | Says::Unmerged { reason, .. } => fits("reason", reason, REASON_CHARS_MAX),
    }
}

/// A mail that another hub tells of is as short as one that is read here.
fn check_mail(mail: &Mail) -> Result<(), RoomRefusal> {
    let fits = |part, text: &str, max: usize| {
        if text.chars().nth(max).is_none() { Ok(()) } else { Err(RoomRefusal::Illegal(part)) }
    };
    let hash = |text: &str| {
        let legal =
            text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if legal { Ok(()) } else { Err(RoomRefusal::Illegal("sha256")) }
    };
    fits("from", &mail.from, LINE_CHARS_MAX)?;
    fits("subject", &mail.subject, LINE_CHARS_MAX)?;
    fits("message_id", mail.message_id.as_deref().unwrap_or_default(), LINE_CHARS_MAX)?;
    fits("text", &mail.text, NOTE_CHARS_MAX)?;
    hash(&mail.sha256)?;
    if mail.attachments.len() > LIST_MAX {
        return Err(RoomRefusal::Illegal("attachments"));
    }
    mail.attachments.iter().try_for_each(|part| {
        fits("name", &part.name, LINE_CHARS_MAX)?;
        fits("media_type", &part.media_type, LINE_CHARS_MAX)?;
        hash(&part.sha256)
    })
}
