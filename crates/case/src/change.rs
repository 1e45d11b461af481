//! How a case comes to be and changes: decisions on state, with the entries that tell of them.

use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};

use crate::{Case, CaseId, Change, Entry, EntryKind, Refusal, Seen, Severity, State};

/// Longest title in characters.
pub const TITLE_CHARS_MAX: usize = 200;
/// Longest note in characters.
pub const NOTE_CHARS_MAX: usize = 20_000;
/// Longest reason for closing in characters.
pub const REASON_CHARS_MAX: usize = 2_000;
/// Longest account id in characters.
pub const ASSIGNEE_CHARS_MAX: usize = 200;
/// People add objects to a case up to so many; sightings join it beyond.
const OBJECTS_MAX: usize = 5_000;
/// A timeline takes so many entries from the node itself. Sightings beyond still move the case's last sighting, members
/// and severity, but are no longer listed; they remain in the node's log. People may always write.
pub const ENTRIES_MAX: usize = 10_000;

/// What a case begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// A new STIX identifier, `incident--…`.
    pub id: CaseId,
    /// Which world.
    pub realm: Realm,
    /// The running number for people.
    pub number: i64,
    /// The rule that opens it: that of [`crate::Triage::Open`], or `person`.
    pub rule: String,
    /// What it is about; cut to [`TITLE_CHARS_MAX`].
    pub title: String,
    /// How grave.
    pub severity: Severity,
    /// What it bears: not freer than anything it is made of.
    pub marking: stix::marking::Tlp,
    /// Who opens it: account id and organisation, or `None` for the node itself.
    pub by: Option<(String, OrganisationId)>,
    /// Organisations concerned beside those of the sightings.
    pub members: BTreeSet<OrganisationId>,
}

impl Case {
    /// Opens a case with the sightings that belong to it, whatever their order.
    #[must_use]
    pub fn open<'a>(
        opening: Opening,
        sightings: impl IntoIterator<Item = &'a Seen>,
        now: jiff::Timestamp,
    ) -> Self {
        let mut sightings: Vec<&Seen> = sightings.into_iter().collect();
        sightings.sort_by(|a, b| (a.at, &a.sighting).cmp(&(b.at, &b.sighting)));
        let (by, organisation) = opening.by.unzip();
        let mut case = Self {
            id: opening.id,
            realm: opening.realm,
            number: opening.number,
            title: opening.title.chars().take(TITLE_CHARS_MAX).collect(),
            severity: opening.severity,
            state: State::Open,
            assignee: None,
            members: opening.members,
            objects: BTreeSet::new(),
            opened: now,
            changed: now,
            last_seen: sightings.iter().map(|seen| seen.at).max().unwrap_or(now),
            marking: opening.marking,
            timeline: vec![Entry {
                at: now,
                by,
                organisation,
                kind: EntryKind::Opened { rule: opening.rule },
            }],
            revision: 1,
        };
        for seen in sightings {
            case.take_in(seen, now);
        }
        case
    }

    /// Adds a sighting. `false` where it is in the case already: nothing changes then. The severity rises to the sighting's,
    /// unless a person has set it.
    pub fn join(&mut self, seen: &Seen, now: jiff::Timestamp) -> Result<bool, Refusal> {
        if self.state == State::Closed {
            return Err(Refusal::Closed);
        }
        if self.objects.contains(&seen.sighting) {
            return Ok(false);
        }
        self.take_in(seen, now);
        self.touch(now);
        let set_by_a_person = self
            .timeline
            .iter()
            .any(|entry| entry.by.is_some() && matches!(entry.kind, EntryKind::Severity { .. }));
        if seen.severity > self.severity && !set_by_a_person {
            let kind = EntryKind::Severity { from: self.severity, to: seen.severity };
            self.severity = seen.severity;
            self.timeline.push(Entry { at: self.changed, by: None, organisation: None, kind });
        }
        Ok(true)
    }

    /// Makes a change for a person, and gives back the entries that tell of it. A refused change changes nothing.
    pub fn apply(
        &mut self,
        change: Change,
        by: &str,
        organisation: &OrganisationId,
        now: jiff::Timestamp,
    ) -> Result<Vec<Entry>, Refusal> {
        let kind = match (self.state, change) {
            (State::Closed, Change::Reopen) => {
                self.state = State::Open;
                EntryKind::Reopened
            }
            (State::Open, Change::Reopen) => return Err(Refusal::Nothing),
            (State::Closed, _) => return Err(Refusal::Closed),
            (State::Open, change) => self.change_open(change)?,
        };
        self.touch(now);
        let entry = Entry {
            at: self.changed,
            by: Some(by.to_owned()),
            organisation: Some(organisation.clone()),
            kind,
        };
        self.timeline.push(entry.clone());
        Ok(vec![entry])
    }

    /// Makes one change of an open case; checks first, so that a refusal leaves everything as it was.
    fn change_open(&mut self, change: Change) -> Result<EntryKind, Refusal> {
        Ok(match change {
            Change::Title(to) => {
                let to = checked(&to, TITLE_CHARS_MAX)?;
                differs(&self.title, &to)?;
                self.title.clone_from(&to);
                EntryKind::Title { to }
            }
            Change::Severity(to) => {
                differs(&self.severity, &to)?;
                let from = std::mem::replace(&mut self.severity, to);
                EntryKind::Severity { from, to }
            }
            Change::Assign(to) => {
                let to = to.map(|to| checked(&to, ASSIGNEE_CHARS_MAX)).transpose()?;
                differs(&self.assignee, &to)?;
                self.assignee.clone_from(&to);
                EntryKind::Assigned { to }
            }
            Change::Note(text) => EntryKind::Note { text: checked(&text, NOTE_CHARS_MAX)? },
            Change::Close(reason) => {
                let reason = checked(&reason, REASON_CHARS_MAX)?;
                self.state = State::Closed;
                EntryKind::Closed { reason }
            }
            Change::Reopen => return Err(Refusal::Nothing),
            Change::Objects(ids) => {
                let mut new: Vec<_> = ids.into_iter().filter(|id| !self.objects.contains(id)).collect();
                new.truncate(OBJECTS_MAX.saturating_sub(self.objects.len()));
                if new.is_empty() {
                    return Err(Refusal::Nothing);
                }
                self.objects.extend(new.iter().cloned());
                EntryKind::Objects { ids: new }
            }
        })
    }

    fn take_in(&mut self, seen: &Seen, now: jiff::Timestamp) {
        self.members.insert(seen.organisation.clone());
        self.last_seen = self.last_seen.max(seen.at);
        if self.timeline.len() >= ENTRIES_MAX || !self.objects.insert(seen.sighting.clone()) {
            return;
        }
        self.objects.insert(seen.indicator.clone());
        self.objects.extend(seen.threads.iter().cloned());
        let kind = EntryKind::Sighting {
            id: seen.sighting.clone(),
            organisation: seen.organisation.clone(),
            indicator: seen.indicator.clone(),
        };
        self.timeline.push(Entry { at: now, by: None, organisation: None, kind });
    }

    /// Counts a revision. Its time is later than the last one's by at least a millisecond, even if the clock went back: it is
    /// the STIX object's `modified`, and two contents under one `modified` must never be (STIX 2.1 §3.6).
    fn touch(&mut self, now: jiff::Timestamp) {
        let next = self.changed.checked_add(jiff::SignedDuration::from_millis(1)).unwrap_or(self.changed);
        self.changed = now.max(next);
        self.revision += 1;
    }
}

/// The text without blanks around it, if something is left and it is not too long.
fn checked(text: &str, limit: usize) -> Result<String, Refusal> {
    let text = text.trim();
    let legal = !text.is_empty() && text.chars().take(limit + 1).count() <= limit;
    if legal { Ok(text.to_owned()) } else { Err(Refusal::Text { limit }) }
}

fn differs<T: PartialEq>(now: &T, to: &T) -> Result<(), Refusal> {
    if now == to { Err(Refusal::Nothing) } else { Ok(()) }
}
