//! Rooms as they are told: names for organisations and people beside what entries say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::{
    RoomCase, RoomDecision, RoomHandOver, RoomLabel, RoomLine, RoomName, RoomPeriod, RoomPerson, RoomReader,
    RoomReported, RoomSays, RoomSeverity, RoomSituation, RoomTask, RoomThing,
};
use case::room::{
    Brief, EntryId, Label, Lane, Period, Person, RoomEntry, Says, Situation, Stub, Task, TaskState, note_id,
};
use jiff::Timestamp;
use oversight::OrganisationId;
use policy::{Engine, ObjectClass, PrincipalKind, TlpLabel, Visible};
use stix::Id;
use stix::marking::Tlp;
use store::{Reader, StoreError, cases};

use super::{Mark, Names, Seen};
use crate::api::summaries::Teller;
use crate::principal::Caller;
use crate::release::Leaving;

/// Characters of a title at most.
const TITLE_CHARS_MAX: usize = 300;

/// What a line is made of.
enum Line<'a> {
    Entry(EntryId, &'a RoomEntry),
    Stub(&'a Stub),
    Unknown(&'a (Id, String, String)),
}

/// Who and what is named in an answer.
pub(crate) struct Telling<'a, 'b, 'c> {
    names: &'a Names,
    teller: &'a mut Teller<'b, 'c>,
    organisations: BTreeMap<String, RoomName>,
    people: BTreeMap<String, String>,
}

impl<'a, 'b, 'c> Telling<'a, 'b, 'c> {
    pub(crate) fn new(names: &'a Names, teller: &'a mut Teller<'b, 'c>) -> Self {
        Self { names, teller, organisations: BTreeMap::new(), people: BTreeMap::new() }
    }

    /// What was named so far.
    pub(crate) fn named(self) -> (BTreeMap<String, RoomName>, BTreeMap<String, String>) {
        (self.organisations, self.people)
    }

    /// Who asks.
    pub(crate) fn reader(&mut self, caller: &Caller) -> Result<RoomReader, StoreError> {
        let organisation = self.names.writer(&caller.principal.organisation)?;
        let account = match &caller.principal.kind {
            PrincipalKind::Person(id) => Some(id.clone()),
            _ => None,
        };
        if let Some(account) = &account {
            self.account(account)?;
        }
        Ok(RoomReader { account, organisation: self.organisation(&organisation) })
    }

    /// What the answer is made of, and what its reader may see.
    pub(crate) fn snapshot(&self) -> (&'b Reader<'c>, Arc<Visible>) {
        (self.teller.reader, Arc::clone(&self.teller.visible))
    }

    /// An object by its name, where the reader may see it.
    pub(crate) fn thing(&mut self, id: &Id) -> Result<Option<RoomThing>, StoreError> {
        Ok(self.teller.name(id)?.map(|name| RoomThing { id: id.to_string(), name }))
    }

    /// Something more that leaves when this is told.
    pub(crate) fn also(&mut self, leaving: Leaving) {
        self.teller.also(leaving);
    }

    /// The name under which the caller's organisation writes.
    pub(crate) fn own(&self, caller: &Caller) -> Result<OrganisationId, StoreError> {
        self.names.writer(&caller.principal.organisation)
    }

    /// Somebody who is in a room.
    pub(crate) fn present(
        &mut self,
        account: &str,
        organisation: &OrganisationId,
    ) -> Result<RoomPerson, StoreError> {
        self.person(&Person { account: account.to_owned(), organisation: organisation.clone() })
    }

    /// A case in a list of rooms.
    pub(crate) fn case(&mut self, caller: &Caller, seen: &Seen) -> Result<RoomCase, StoreError> {
        self.case_of(caller, &seen.incident, &seen.object)
    }

    /// The same of an incident.
    pub(crate) fn case_of(
        &mut self,
        caller: &Caller,
        row: &store::objects::Row,
        object: &stix::Object,
    ) -> Result<RoomCase, StoreError> {
        let own = cases::get(self.teller.reader, caller.realm(), &self.teller.visible, &row.id)?;
        let title = own.as_ref().map(|(case, _)| case.title.as_str());
        let title = title.or_else(|| object.text("name")).unwrap_or_default();
        Ok(RoomCase {
            id: row.id.to_string(),
            title: title.chars().take(TITLE_CHARS_MAX).collect(),
            number: own.as_ref().map(|(case, _)| case.number),
            originator: row.originator.to_string(),
            marking: self.teller.marking(row.label)?,
        })
    }

    /// The lines of a room, newest first. What is typed in its report is no line of its own.
    pub(crate) fn lines(&mut self, seen: &Seen, limit: usize) -> Result<Vec<RoomLine>, StoreError> {
        let ignored = ignored(seen);
        // Entries stand in the order in which they count, so that of a long room its end is enough; a stub beside others of its time may
        // stand anywhere.
        let entries = seen.room.entries().rev().filter(is_line).take(limit);
        let mut lines: Vec<(Timestamp, Line<'_>)> =
            entries.map(|(id, entry)| (entry.at, Line::Entry(id, entry))).collect();
        lines.reverse();
        lines.extend(seen.stubs.iter().map(|stub| (stub.at, Line::Stub(stub))));
        let unknown = seen.unknown.iter().map(|one| (one.1.parse().unwrap_or_default(), Line::Unknown(one)));
        lines.extend(unknown);
        lines.sort_by_key(|(at, _)| *at);
        let newest = lines.into_iter().rev().take(limit).map(|(_, line)| match line {
            Line::Entry(id, entry) => self.line(id, entry, ignored.get(&id).copied()),
            Line::Stub(stub) => Ok(self.stub(stub)),
            Line::Unknown((object, at, text)) => {
                let line = bare("unknown", at.clone(), seen.room.case().to_string());
                Ok(RoomLine { object: Some(object.to_string()), text: Some(text.clone()), ..line })
            }
        });
        newest.collect()
    }

    /// The lines that came since a telling, newest first; nothing where what was told then does not stand, or they are more than are asked for.
    pub(crate) fn lines_since(
        &mut self,
        seen: &Seen,
        mark: Mark,
        limit: usize,
    ) -> Result<Option<Vec<RoomLine>>, StoreError> {
        let Some(entries) = seen.since(mark).filter(|entries| entries.len() <= limit) else {
            return Ok(None);
        };
        let ignored = ignored(seen);
        let lines = entries.into_iter().rev().filter(is_line);
        lines
            .map(|(id, entry)| self.line(id, entry, ignored.get(&id).copied()))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn stub(&mut self, stub: &Stub) -> RoomLine {
        let organisation = Some(self.organisation(&stub.organisation));
        RoomLine { organisation, ..bare("stub", stub.at.to_string(), stub.case.to_string()) }
    }

    /// An entry as a line.
    pub(crate) fn line(
        &mut self,
        id: EntryId,
        entry: &RoomEntry,
        ignored: Option<&'static str>,
    ) -> Result<RoomLine, StoreError> {
        if let (Some(account), Some(name)) = (&entry.by, &entry.name) {
            // What this hub itself knows of an account goes before what an entry says.
            self.account(account)?;
            self.people.entry(account.clone()).or_insert_with(|| name.clone());
        }
        let says = self.says(entry)?;
        Ok(RoomLine {
            organisation: Some(self.organisation(&entry.organisation)),
            entry: Some(id.to_string()),
            object: Some(note_id(&id).to_string()),
            by: entry.by.clone(),
            label: Some(self.label(&entry.label)),
            says: Some(says),
            ignored: ignored.map(str::to_owned),
            ..bare("entry", entry.at.to_string(), entry.case.to_string())
        })
    }

    fn says(&mut self, entry: &RoomEntry) -> Result<RoomSays, StoreError> {
        match &entry.says {
            // Most entries are notes, and a way by JSON would be most of what a line costs.
            Says::Note { text, lane } => {
                let lane = lane.map(|lane| lane_word(lane).to_owned());
                return Ok(RoomSays::Note { text: text.clone(), lane });
            }
            Says::Invited { member: named } | Says::TaskOffered { to: named, .. } => {
                self.organisation(named);
            }
            Says::HandOver { to: person, .. } | Says::Leads { person, .. } => {
                self.person(person)?;
            }
            _ => {}
        }
        let unreadable = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
        let json = serde_json::to_value(&entry.says).map_err(unreadable)?;
        serde_json::from_value(json).map_err(unreadable)
    }

    fn label(&mut self, label: &Label) -> RoomLabel {
        let only = label.only.as_ref();
        RoomLabel {
            tlp: label.tlp.name().to_owned(),
            only: only.map(|only| only.iter().map(|name| self.organisation(name)).collect()),
            stub: label.stub,
        }
    }

    /// What a room comes to.
    pub(crate) fn situation(
        &mut self,
        situation: &Situation,
        now: Timestamp,
    ) -> Result<RoomSituation, StoreError> {
        let mut leads = BTreeMap::new();
        for (lane, person) in &situation.leads {
            leads.insert(lane_word(*lane).to_owned(), self.person(person)?);
        }
        let mut tasks: Vec<&Task> = situation.tasks.values().collect();
        tasks.sort_by_key(|task| {
            (!task.is_open(), !task.is_late(now), task.due.is_none(), task.due, task.offered, task.id)
        });
        Ok(RoomSituation {
            members: situation.members.iter().map(|member| self.organisation(member)).collect(),
            commander: situation.commander.as_ref().map(|person| self.person(person)).transpose()?,
            hand_over: match &situation.hand_over {
                None => None,
                Some(offer) => Some(RoomHandOver {
                    entry: offer.id.to_string(),
                    to: self.person(&offer.to)?,
                    brief: offer.brief.clone(),
                }),
            },
            leads,
            period: situation.period(now).map(period),
            periods: situation.periods.iter().map(period).collect(),
            tasks: tasks.into_iter().map(|one| self.task(one, now)).collect::<Result<_, _>>()?,
            decisions: situation
                .decisions
                .iter()
                .map(|decision| {
                    Ok(RoomDecision {
                        entry: decision.id.to_string(),
                        at: decision.at.to_string(),
                        by: self.person(&decision.by)?,
                        question: decision.question.clone(),
                        options: decision.options.clone(),
                        chosen: decision.chosen,
                        reason: decision.reason.clone(),
                        evidence: decision.evidence.iter().map(ToString::to_string).collect(),
                    })
                })
                .collect::<Result<_, StoreError>>()?,
            proposed: situation.proposed.as_ref().map(|proposed| RoomSeverity {
                level: proposed.level.level(),
                reasons: proposed.reasons.clone(),
                by: None,
                at: None,
            }),
            declared: match &situation.declared {
                None => None,
                Some(declared) => Some(RoomSeverity {
                    level: declared.level.level(),
                    reasons: vec![declared.reason.clone()],
                    by: Some(self.person(&declared.by)?),
                    at: Some(declared.at.to_string()),
                }),
            },
            objects: situation.objects.iter().map(ToString::to_string).collect(),
            reports: situation.reports,
            reported: self.reported(situation)?,
        })
    }

    /// The situation report that was given out last.
    fn reported(&mut self, situation: &Situation) -> Result<Option<RoomReported>, StoreError> {
        let Some(reported) = &situation.reported else { return Ok(None) };
        Ok(Some(RoomReported {
            entry: reported.id.to_string(),
            report: reported.number,
            by: self.person(&reported.by)?,
            at: reported.at.to_string(),
            text: reported.text.clone(),
        }))
    }

    /// What the next shift has to know: the situation with the open tasks only, and the lines since.
    pub(crate) fn brief(
        &mut self,
        seen: &Seen,
        brief: &Brief,
        now: Timestamp,
    ) -> Result<(RoomSituation, Vec<RoomLine>), StoreError> {
        let mut situation = self.situation(&brief.situation, now)?;
        let open: BTreeSet<String> = brief.open.iter().map(|task| task.id.to_string()).collect();
        situation.tasks.retain(|task| open.contains(&task.entry));
        let wanted: BTreeSet<EntryId> = brief
            .ended
            .iter()
            .chain(&brief.notes)
            .copied()
            .chain(brief.decisions.iter().map(|decision| decision.id))
            .collect();
        let mut lines = Vec::new();
        for (id, entry) in seen.room.ordered() {
            if wanted.contains(&id) {
                lines.push(self.line(id, entry, None)?);
            }
        }
        Ok((situation, lines))
    }

    fn task(&mut self, task: &Task, now: Timestamp) -> Result<RoomTask, StoreError> {
        let mut told = RoomTask {
            entry: task.id.to_string(),
            from: self.organisation(&task.from_organisation),
            to: self.organisation(&task.to),
            title: task.title.clone(),
            lane: lane_word(task.lane).to_owned(),
            due: task.due.map(|due| due.to_string()),
            legal_basis: task.legal_basis.clone(),
            offered: task.offered.to_string(),
            state: String::new(),
            late: task.is_late(now),
            by: None,
            at: None,
            done: None,
            answer: None,
            answer_basis: None,
        };
        told.state = match &task.state {
            TaskState::Offered => "offered",
            TaskState::Accepted { by, at, legal_basis } => {
                (told.by, told.at) = (Some(self.person(by)?), Some(at.to_string()));
                told.answer_basis = Some(legal_basis.clone());
                "accepted"
            }
            TaskState::Declined { reason, legal_basis } => {
                (told.answer, told.answer_basis) = (Some(reason.clone()), legal_basis.clone());
                "declined"
            }
            TaskState::HandedBack { at, done, result } => {
                (told.at, told.done) = (Some(at.to_string()), Some(*done));
                told.answer = Some(result.clone());
                "handed-back"
            }
            TaskState::Withdrawn { reason } => {
                told.answer = Some(reason.clone());
                "withdrawn"
            }
        }
        .to_owned();
        Ok(told)
    }

    fn person(&mut self, person: &Person) -> Result<RoomPerson, StoreError> {
        self.account(&person.account)?;
        let organisation = self.organisation(&person.organisation);
        Ok(RoomPerson { account: person.account.clone(), organisation })
    }

    fn account(&mut self, account: &str) -> Result<(), StoreError> {
        if let Some(name) = self.teller.person(account)? {
            self.people.insert(account.to_owned(), name);
        }
        Ok(())
    }

    /// An organisation that is named.
    pub(crate) fn organisation(&mut self, name: &OrganisationId) -> String {
        self.organisations.entry(name.to_string()).or_insert_with(|| self.names.told(name));
        name.to_string()
    }
}

/// By level: the roles of organisations that see what bears it and is for all.
pub(crate) fn audiences(engine: &Engine, caller: &Caller) -> BTreeMap<String, Vec<String>> {
    let told = |level: Tlp| {
        let label = policy::Label {
            tlp: TlpLabel::Level(level),
            class: ObjectClass::Report,
            ..policy::Label::unmarked(&caller.principal.organisation, caller.realm())
        };
        let roles = engine.audience(&label).into_iter().map(|role| role.name().to_owned());
        (level.name().to_owned(), roles.collect())
    };
    Tlp::ALL.into_iter().map(told).collect()
}

/// Why entries have no effect.
fn ignored(seen: &Seen) -> BTreeMap<EntryId, &'static str> {
    seen.situation.ignored.iter().map(|ignored| (ignored.entry, ignored.why)).collect()
}

fn is_line((_, entry): &(EntryId, &RoomEntry)) -> bool {
    !matches!(entry.says, Says::Typed { .. })
}

fn bare(kind: &str, at: String, case: String) -> RoomLine {
    RoomLine {
        kind: kind.to_owned(),
        at,
        case,
        organisation: None,
        entry: None,
        object: None,
        by: None,
        label: None,
        says: None,
        text: None,
        ignored: None,
    }
}

fn period(period: &Period) -> RoomPeriod {
    RoomPeriod {
        number: period.number,
        from: period.from.to_string(),
        until: period.until.to_string(),
        objectives: period.objectives.clone(),
    }
}

fn lane_word(lane: Lane) -> &'static str {
    match lane {
        Lane::Asset => "asset",
        Lane::Threat => "threat",
        Lane::Intelligence => "intelligence",
        Lane::AffectedEntity => "affected-entity",
    }
}
