//! What the entries that somebody may see come to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oversight::OrganisationId;
use stix::Id;

use super::entry::{EntryId, Lane, Person, RoomEntry, Says};
use super::replica::Room;
use super::task::{Task, TaskState};
use crate::Severity;

/// An offer of command that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOver {
    /// The offer.
    pub id: EntryId,
    /// To whom.
    pub to: Person,
    /// What there is to know.
    pub brief: String,
}

/// An operational period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Its number, from 1.
    pub number: usize,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// What is to be reached.
    pub objectives: String,
}

/// A line of the decision log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The entry.
    pub id: EntryId,
    /// When.
    pub at: Timestamp,
    /// Who decided.
    pub by: Person,
    /// The question.
    pub question: String,
    /// What there was to choose.
    pub options: Vec<String>,
    /// What was chosen, from 0.
    pub chosen: usize,
    /// Why.
    pub reason: String,
    /// On what evidence.
    pub evidence: Vec<Id>,
}

/// A severity that the system proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Which.
    pub level: Severity,
    /// Why.
    pub reasons: Vec<String>,
}

/// A severity that a person declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Which.
    pub level: Severity,
    /// Who.
    pub by: Person,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// A situation report that a person gave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The entry.
    pub id: EntryId,
    /// Which of the room's reports.
    pub number: u16,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Person,
    /// What it says.
    pub text: String,
}

/// An entry that stands in the room and has no effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ignored {
    /// Which.
    pub entry: EntryId,
    /// Why, as a stable code: `not-a-person`, `commanded`, `not-the-commander`, `no-such-offer`, `not-for-you`, `answered`,
    /// `no-such-report`.
    pub why: &'static str,
}

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown<'a> {
    /// An entry that one may see.
    Entry(EntryId, &'a RoomEntry),
    /// One that one may not see and whose originator wants it known that it is there.
    Stub {
        /// When.
        at: Timestamp,
        /// Whose.
        organisation: &'a OrganisationId,
    },
}

/// What the room comes to for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Situation {
    /// Who is in the room.
    pub members: BTreeSet<OrganisationId>,
    /// Who commands.
    pub commander: Option<Person>,
    /// The offer of command that waits.
    pub hand_over: Option<HandOver>,
    /// Who leads which lane.
    pub leads: BTreeMap<Lane, Person>,
    /// Operational periods, in the order in which they were set.
    pub periods: Vec<Period>,
    /// Every task.
    pub tasks: BTreeMap<EntryId, Task>,
    /// The decision log.
    pub decisions: Vec<Decision>,
    /// What the system proposes.
    pub proposed: Option<Proposed>,
    /// What a person declared.
    pub declared: Option<Declared>,
    /// The objects of the case.
    pub objects: BTreeSet<Id>,
    /// How many situation reports were begun: the last one is being written.
    pub reports: u16,
    /// The one that was given out last.
    pub reported: Option<Reported>,
    /// What has no effect.
    pub ignored: Vec<Ignored>,
}

impl Room {
    /// What the entries come to that `sees` lets through.
    #[must_use]
    pub fn situation(&self, sees: impl Fn(&RoomEntry) -> bool) -> Situation {
        let mut situation = Situation::default();
        for (id, entry) in self.ordered().into_iter().filter(|(_, entry)| sees(entry)) {
            situation.add(id, entry);
        }
        situation
    }

    /// The timeline for somebody: what `sees` lets through, and stubs of what it does not where their originator chose that.
    #[must_use]
    pub fn timeline(&self, sees: impl Fn(&RoomEntry) -> bool) -> Vec<Shown<'_>> {
        let shown = |(id, entry): (EntryId, &'_ RoomEntry)| sees(entry).then_some(id);
        self.ordered()
            .into_iter()
            .filter_map(|(id, entry)| match shown((id, entry)) {
                Some(id) => Some(Shown::Entry(id, entry)),
                None if entry.label.stub => {
                    Some(Shown::Stub { at: entry.at, organisation: &entry.organisation })
                }
                None => None,
            })
            .collect()
    }
}

impl Situation {
    /// The organisations that are to be called in: from `significant_from` on, those of `agencies` that are not in the room. A declared
    /// severity counts; a proposal calls nobody.
    #[must_use]
    pub fn to_call(
        &self,
        agencies: &BTreeSet<OrganisationId>,
        significant_from: Severity,
    ) -> BTreeSet<OrganisationId> {
        if self.declared.as_ref().is_none_or(|declared| declared.level < significant_from) {
            return BTreeSet::new();
        }
        agencies.difference(&self.members).cloned().collect()
    }

    /// The period that runs at an instant: of several the last that was set.
    #[must_use]
    pub fn period(&self, now: Timestamp) -> Option<&Period> {
        self.periods.iter().rfind(|period| period.from <= now && now < period.until)
    }

    /// What comes of one entry more. It has to be a later one than all that the situation is made of ([`Room::ends_before`]).
    pub fn add(&mut self, id: EntryId, entry: &RoomEntry) {
        if let Err(why) = self.apply(id, entry) {
            self.ignored.push(Ignored { entry: id, why });
        }
    }

    fn apply(&mut self, id: EntryId, entry: &RoomEntry) -> Result<(), &'static str> {
        match &entry.says {
            Says::Invited { member } => {
                self.members.insert(member.clone());
            }
            Says::Note { .. }
            | Says::Mailed(_)
            | Says::PublishedAs { .. }
            | Says::Merged { .. }
            | Says::Unmerged { .. } => {}
            Says::Objects { ids } => self.objects.extend(ids.iter().cloned()),
            Says::Commands
            | Says::HandOver { .. }
            | Says::TakesOver { .. }
            | Says::Leads { .. }
            | Says::Period { .. } => self.command(id, entry)?,
            Says::TaskOffered { .. } => self.offer(id, entry),
            Says::TaskAccepted { .. }
            | Says::TaskDeclined { .. }
            | Says::TaskHandedBack { .. }
            | Says::TaskWithdrawn { .. } => self.answer(entry)?,
            Says::Decided { question, options, chosen, reason, evidence } => self.decisions.push(Decision {
                id,
                at: entry.at,
                by: entry.person().ok_or("not-a-person")?,
                question: question.clone(),
                options: options.clone(),
                chosen: *chosen,
                reason: reason.clone(),
                evidence: evidence.clone(),
            }),
            Says::SeverityProposed { level, reasons } => {
                self.proposed = Some(Proposed { level: *level, reasons: reasons.clone() });
            }
            Says::SeverityDeclared { level, reason } => {
                let by = entry.person().ok_or("not-a-person")?;
                self.declared = Some(Declared { level: *level, by, at: entry.at, reason: reason.clone() });
            }
            Says::Typed { .. } | Says::Reported { .. } => self.report(id, entry)?,
        }
        // Who writes is there.
        if !self.members.contains(&entry.organisation) {
            self.members.insert(entry.organisation.clone());
        }
        Ok(())
    }

    /// Reports are begun one after the other; so nobody can begin one with a number that leaves no room for a next one.
    fn report(&mut self, id: EntryId, entry: &RoomEntry) -> Result<(), &'static str> {
        match &entry.says {
            Says::Typed { report, .. } if *report <= self.reports => {}
            Says::Typed { report, .. } if self.reports.checked_add(1) == Some(*report) => {
                self.reports = *report;
            }
            Says::Reported { report, text } if *report <= self.reports => {
                let by = entry.person().ok_or("not-a-person")?;
                self.reported = Some(Reported { id, number: *report, at: entry.at, by, text: text.clone() });
            }
            _ => return Err("no-such-report"),
        }
        Ok(())
    }

    fn command(&mut self, id: EntryId, entry: &RoomEntry) -> Result<(), &'static str> {
        let person = entry.person().ok_or("not-a-person")?;
        let commands = self.commander.as_ref() == Some(&person);
        match &entry.says {
            Says::Commands if self.commander.is_some() => return Err("commanded"),
            Says::Commands => self.commander = Some(person),
            Says::TakesOver { hand_over } => {
                let offer =
                    self.hand_over.as_ref().filter(|offer| offer.id == *hand_over).ok_or("no-such-offer")?;
                if offer.to != person {
                    return Err("not-for-you");
                }
                self.commander = Some(person);
                self.hand_over = None;
            }
            _ if !commands => return Err("not-the-commander"),
            Says::HandOver { to, brief } => {
                self.hand_over = Some(HandOver { id, to: to.clone(), brief: brief.clone() });
            }
            Says::Leads { lane, person } => {
                self.leads.insert(*lane, person.clone());
            }
            Says::Period { from, until, objectives } => {
                let number = self.periods.len() + 1;
                self.periods.push(Period {
                    number,
                    from: *from,
                    until: *until,
                    objectives: objectives.clone(),
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn offer(&mut self, id: EntryId, entry: &RoomEntry) {
        let Says::TaskOffered { to, title, lane, due, legal_basis } = &entry.says else { return };
        let task = Task {
            id,
            from: entry.person(),
            from_organisation: entry.organisation.clone(),
            to: to.clone(),
            title: title.clone(),
            lane: *lane,
            due: *due,
            legal_basis: legal_basis.clone(),
            offered: entry.at,
            state: TaskState::Offered,
        };
        self.tasks.insert(id, task);
    }

    /// Of two answers to one offer the first counts, wherever they were given.
    fn answer(&mut self, entry: &RoomEntry) -> Result<(), &'static str> {
        let person = entry.person().ok_or("not-a-person")?;
        let (Says::TaskAccepted { task, .. }
        | Says::TaskDeclined { task, .. }
        | Says::TaskHandedBack { task, .. }
        | Says::TaskWithdrawn { task, .. }) = &entry.says
        else {
            return Ok(());
        };
        let commands = self.commander.as_ref() == Some(&person);
        let task = self.tasks.get_mut(task).ok_or("no-such-offer")?;
        let is_withdrawal = matches!(entry.says, Says::TaskWithdrawn { .. });
        let may = if is_withdrawal {
            commands || task.from_organisation == entry.organisation
        } else {
            task.to == entry.organisation
        };
        if !may {
            return Err("not-for-you");
        }
        task.state = match (&task.state, &entry.says) {
            (TaskState::Offered, Says::TaskAccepted { legal_basis, .. }) => {
                TaskState::Accepted { by: person, at: entry.at, legal_basis: legal_basis.clone() }
            }
            (TaskState::Offered, Says::TaskDeclined { reason, legal_basis, .. }) => {
                TaskState::Declined { reason: reason.clone(), legal_basis: legal_basis.clone() }
            }
            (TaskState::Accepted { .. }, Says::TaskHandedBack { done, result, .. }) => {
                TaskState::HandedBack { at: entry.at, done: *done, result: result.clone() }
            }
            (TaskState::Offered | TaskState::Accepted { .. }, Says::TaskWithdrawn { reason, .. }) => {
                TaskState::Withdrawn { reason: reason.clone() }
            }
            _ => return Err("answered"),
        };
        Ok(())
    }
}
