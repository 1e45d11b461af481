//! An entry is written.
//!
//! 1. What was sent under the same key before is answered as it was then.
//! 2. The hub sets time, writer and salt; a label freer than the case's is refused.
//! 3. The room as the writer sees it says whether the entry would count. What would not is refused, with the reason.
//! 4. Note, circle, stub, what the system adds to it, notices and the leaf are one transaction.

use std::collections::{BTreeSet, HashMap};

use api::{RoomLabel, RoomSays, RoomTaken};
use case::Severity;
use case::room::{
    EntryId, Label, Person, REPORT_BYTES_MAX, REPORT_UPDATES_MAX, Room, RoomEntry, RoomRefusal, Says,
    entry_to_stix, note_id, stub_to_stix,
};
use jiff::Timestamp;
use oversight::{Action, AuditEvent, OrganisationId, PersonRole, Purpose, circle};
use policy::{Marking, Operation, Personal, Principal, PrincipalKind, TlpLabel, Visible};
use sha2::{Digest, Sha256};
use stix::Id;
use stix::marking::Tlp;
use store::calls::{self, Call};
use store::objects::{AddOutcome, Bringer, NewObject};
use store::{StoreError, Tx, labels, objects, organisations, people};
use uuid::Uuid;

use super::{ENTRIES_MAX, Names, Seen, circles, seen};
use crate::first_start::coordinator;
use crate::meanings::Markings;
use crate::principal::Caller;
use crate::sharing::{add_object, tell_by, unfit};
use crate::state::AppState;

/// The kind of notice that tells an organisation that it was called into a room.
const INVITED: &str = "room-invited";
/// The kind of notice that tells an organisation that a task was offered to it.
const TASK: &str = "room-task";

/// The part under which mails are written: nobody says in person that one came.
pub(crate) const MAIL: &str = "mail";

/// Somebody who writes, within a transaction.
pub(crate) struct Writer<'a> {
    pub(crate) state: &'a AppState,
    pub(crate) caller: &'a Caller,
    pub(crate) names: Names,
    visible: std::sync::Arc<Visible>,
    /// The acts.
    pub(crate) events: Vec<AuditEvent>,
    /// Whether somebody may see something now that nobody could be named for before: policies are to be asked anew.
    pub(crate) has_new_circle: bool,
    /// What was brought in by this very write.
    brought: BTreeSet<Id>,
}

/// What is to be written.
pub(crate) struct Wanted {
    pub(crate) key: Uuid,
    /// Tells entries apart that are written under one key.
    pub(crate) part: &'static str,
    pub(crate) label: Label,
    pub(crate) says: Says,
    /// Whether the system says it, and nobody in person.
    pub(crate) by_system: bool,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(tx: &Tx<'_>, state: &'a AppState, caller: &'a Caller) -> Result<Self, StoreError> {
        Ok(Self {
            state,
            caller,
            names: Names::read(tx, caller.realm(), &state.federation.own.hub)?,
            visible: state.door.visible(tx, &caller.principal)?,
            events: Vec::new(),
            has_new_circle: false,
            brought: BTreeSet::new(),
        })
    }

    /// The room as the writer sees it.
    ///
    /// # Errors
    /// Not found.
    pub(crate) fn room(&self, tx: &Tx<'_>, case: &Id) -> Result<Seen, StoreError> {
        seen(&self.state.rooms, tx, self.caller.realm(), &self.visible, case)?
            .ok_or_else(|| StoreError::NotFound { what: case.to_string() })
    }

    /// Reads who an entry is to be for.
    ///
    /// # Errors
    /// No level; a freer one than the case's; an organisation that is not known.
    pub(crate) fn label(&self, tx: &Tx<'_>, seen: &Seen, asked: &RoomLabel) -> Result<Label, StoreError> {
        let level = Tlp::parse(&asked.tlp).ok_or_else(|| {
            unfit("tlp", "label.tlp: it is one of `clear`, `green`, `amber`, `amber+strict`, `red`")
        })?;
        let least = self.level(tx, seen)?;
        if level < least {
            let why =
                format!("an entry is not marked more freely than its case, which is TLP:{}", least.name());
            return Err(unfit("freer-than-the-case", why));
        }
        let own = self.names.writer(&self.caller.principal.organisation)?;
        let only = asked.only.as_ref().map(|only| {
            let named = only.iter().map(|name| {
                // By its short name one means oneself as one writes here.
                let is_own = *name == self.caller.principal.organisation.as_str();
                if is_own { Ok(own.clone()) } else { self.names.asked(name) }
            });
            named.chain([Ok(own.clone())]).collect::<Result<BTreeSet<_>, StoreError>>()
        });
        let only = only.transpose()?;
        if asked.stub && only.is_none() {
            return Err(unfit(
                "stub-for-all",
                "label.stub: it is for entries that only some organisations see",
            ));
        }
        Ok(Label { tlp: level, only, stub: asked.stub })
    }

    /// The level that the case bears; what bears none is as strict as can be.
    fn level(&self, tx: &Tx<'_>, seen: &Seen) -> Result<Tlp, StoreError> {
        let label = labels::get(tx, self.caller.realm(), seen.incident.label)?
            .ok_or_else(|| StoreError::Corrupt("a case's label".to_owned()))?;
        Ok(match label.tlp {
            TlpLabel::Level(level) => level,
            TlpLabel::Unmarked => Tlp::Red,
        })
    }

    /// What bears the case's own level and is for all who see the case.
    pub(crate) fn open_label(&self, tx: &Tx<'_>, seen: &Seen) -> Result<Label, StoreError> {
        Ok(Label { tlp: self.level(tx, seen)?, only: None, stub: false })
    }

    /// Writes an entry into a room that was read, and what follows from it.
    ///
    /// # Errors
    /// Why it is not written, in words.
    pub(crate) fn write_into(
        &mut self,
        tx: &mut Tx<'_>,
        seen: &mut Seen,
        wanted: Wanted,
    ) -> Result<RoomTaken, StoreError> {
        let own = self.names.writer(&self.caller.principal.organisation)?;
        let salt = self.salt(&own, &wanted);
        let organisation = self.author(&wanted, own)?;
        let known = seen
            .room
            .ordered()
            .into_iter()
            .find(|(_, entry)| entry.salt == salt && entry.organisation == organisation);
        if let Some((id, entry)) = known {
            if entry.says != wanted.says || entry.label != wanted.label {
                return Err(unfit("key-used", "key: another entry was sent under it; draw a new one"));
            }
            return Ok(taken(&id, entry, true));
        }
        if seen.room.len() >= ENTRIES_MAX {
            return Err(unfit(
                "room-full",
                format!("the room holds {ENTRIES_MAX} entries and takes no more"),
            ));
        }
        self.check(tx, seen, &wanted)?;
        let person = if wanted.by_system { None } else { self.person(tx)? };
        let (by, name) = person.unzip();
        let mut before = referred(&wanted.says);
        // What is written in one transaction has one time, and is to count in the order in which it is written.
        before.extend(written_now(&seen.room, &organisation, tx.now()));
        let at = seen.room.time_for(&before, tx.now());
        let case = seen.room.case().clone();
        let Wanted { key, label, says, .. } = wanted;
        let entry = RoomEntry { case, at, by, name, organisation, label, salt, says };
        let id = seen.take(entry.clone(), tx.now()).map_err(|refusal| not_taken(&refusal))?;
        demand_effect(seen, id)?;
        self.add(tx, seen, &entry)?;
        if entry.by.is_some() {
            // Whoever says something in the room has looked.
            calls::answered(tx, self.caller.realm(), &self.caller.principal.organisation, &entry.case)?;
        }
        let mut taken = taken(&id, &entry, false);
        taken.not_called = self.follow(tx, seen, &entry, key)?;
        Ok(taken)
    }

    /// The system speaks for the hub.
    fn author(&self, wanted: &Wanted, own: OrganisationId) -> Result<OrganisationId, StoreError> {
        if wanted.by_system { self.names.writer(&coordinator()?) } else { Ok(own) }
    }

    /// The account and the name of a person; a program writes as its organisation's system.
    fn person(&self, tx: &Tx<'_>) -> Result<Option<(String, String)>, StoreError> {
        let PrincipalKind::Person(id) = &self.caller.principal.kind else { return Ok(None) };
        let known = people::get(tx, self.caller.realm(), id)?;
        let name = known.map(|person| person.name).unwrap_or_default();
        let name: String = name.chars().take(case::ASSIGNEE_CHARS_MAX).collect();
        Ok(Some((id.clone(), if name.trim().is_empty() { id.clone() } else { name })))
    }

    /// The salt is made of the key, so that the same key gives the same one; it is the writer who draws it.
    fn salt(&self, organisation: &OrganisationId, wanted: &Wanted) -> String {
        let mut hash = Sha256::new_with_prefix("yagura case room salt");
        for part in [organisation.as_str(), self.caller.id(), &wanted.key.to_string(), wanted.part] {
            hash.update("\n");
            hash.update(part);
        }
        let mut salt = hex::encode(hash.finalize());
        salt.truncate(32);
        salt
    }

    /// What a room does not refuse and a hub does.
    fn check(&self, tx: &Tx<'_>, seen: &Seen, wanted: &Wanted) -> Result<(), StoreError> {
        let is_person = matches!(self.caller.principal.kind, PrincipalKind::Person(_));
        let personal =
            matches!(wanted.says, Says::Merged { .. } | Says::Unmerged { .. } | Says::Invited { .. });
        if personal && !wanted.by_system && !is_person {
            return Err(without_effect("not-a-person"));
        }
        match &wanted.says {
            Says::Merged { other, .. } => {
                if other == seen.room.case() {
                    return Err(unfit("merge-itself", "a case is not merged with itself"));
                }
                let row = objects::get(tx, self.caller.realm(), &self.visible, other)?;
                let row = row.filter(|row| row.id.object_type() == "incident");
                let row = row.ok_or_else(|| StoreError::NotFound { what: other.to_string() })?;
                let label = labels::get(tx, self.caller.realm(), row.label)?;
                // The entry names the other case to whoever reads it.
                match label.map(|label| label.tlp) {
                    Some(TlpLabel::Level(level)) if level <= wanted.label.tlp => Ok(()),
                    _ => Err(unfit("merge-stricter", "the merge names a case that is marked more strictly")),
                }
            }
            Says::Unmerged { merge, .. } => match seen.room.get(merge).map(|entry| &entry.says) {
                Some(Says::Merged { .. }) => Ok(()),
                _ => Err(unfit("no-such-merge", "there is no such merge in this room that you may see")),
            },
            Says::Invited { member } if !self.may_see(tx, seen.incident.label, member)? => {
                let name = self.names.told(member).en;
                Err(unfit("not-visible", format!("{name} may not see this case; release it to them first")))
            }
            Says::TaskOffered { to, .. }
                if wanted.label.only.as_ref().is_some_and(|only| !only.contains(to)) =>
            {
                Err(unfit(
                    "task-not-visible",
                    "the organisation that is to do the task would not see the entry",
                ))
            }
            Says::SeverityProposed { .. } | Says::PublishedAs { .. } if wanted.part.is_empty() => {
                Err(unfit("entry-of-the-system", "this is said by the system alone"))
            }
            Says::Mailed(_) if wanted.part != MAIL => {
                Err(unfit("entry-mail", "a mail is handed in (`/mail`), and not said to have come"))
            }
            Says::Typed { .. } => self.check_typed(tx, seen, wanted),
            Says::Objects { ids } if ids.is_empty() => {
                Err(unfit("entry-no-objects", "ids: name one object at least"))
            }
            Says::Objects { ids } => {
                for id in ids.iter().filter(|id| !self.brought.contains(*id)) {
                    objects::get(tx, self.caller.realm(), &self.visible, id)?
                        .ok_or_else(|| StoreError::NotFound { what: id.to_string() })?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Who sees the room's report sees all of it: a change that only some saw would leave the others with what follows it, and without it.
    fn check_typed(&self, tx: &Tx<'_>, seen: &Seen, wanted: &Wanted) -> Result<(), StoreError> {
        let Says::Typed { report, update } = &wanted.says else { return Ok(()) };
        if wanted.label != self.open_label(tx, seen)? {
            let why =
                "the situation report is for all in the room: `label` has the case's own level and no `only`";
            return Err(unfit("report-label", why));
        }
        let entries = seen.room.ordered();
        let typed = entries.iter().filter_map(|(_, entry)| match &entry.says {
            Says::Typed { report: of, update } if of == report => Some(update.len()),
            _ => None,
        });
        let (changes, letters) =
            typed.fold((0, update.len()), |(changes, letters), more| (changes + 1, letters + more));
        if changes >= REPORT_UPDATES_MAX || letters > REPORT_BYTES_MAX {
            let why = "this situation report takes no more changes: give it out, and begin the next one";
            return Err(unfit("situation-report-full", why));
        }
        Ok(())
    }

    /// Whether people of an organisation who work cases may read what bears a label; of the members of other hubs nothing is known.
    fn may_see(
        &self,
        tx: &Tx<'_>,
        label: policy::LabelKey,
        name: &OrganisationId,
    ) -> Result<bool, StoreError> {
        let realm = self.caller.realm();
        let Some(here) = self.names.here(name) else { return Ok(true) };
        let Some(organisation) = organisations::get(tx, realm, here)? else { return Ok(true) };
        let Some(label) = labels::get(tx, realm, label)? else { return Ok(false) };
        let principal = Principal {
            kind: PrincipalKind::Person(String::new()),
            organisation: organisation.id,
            organisation_role: organisation.role,
            roles: BTreeSet::from([PersonRole::Analyst, PersonRole::DutyOfficer]),
            realm: realm.clone(),
            purpose: Purpose::IncidentResponse,
            personal: Personal::default(),
        };
        Ok(self.state.engine.load().check(&principal, Operation::Read, &label))
    }

    /// What was written under a key before.
    pub(crate) fn written(
        &self,
        seen: &Seen,
        wanted: &Wanted,
    ) -> Result<Option<(RoomTaken, Says)>, StoreError> {
        let own = self.names.writer(&self.caller.principal.organisation)?;
        let salt = self.salt(&own, wanted);
        let known = seen.room.ordered().into_iter();
        let known = known.filter(|(_, entry)| entry.salt == salt && entry.organisation == own);
        Ok(known.map(|(id, entry)| (taken(&id, entry, true), entry.says.clone())).next())
    }

    /// Brings objects in that were made here on behalf of the writer's organisation, for those whom a label names. What the writer sees
    /// here under another marking stays as it is.
    ///
    /// # Errors
    /// Why one is not taken in.
    pub(crate) fn bring(
        &mut self,
        tx: &mut Tx<'_>,
        label: &Label,
        made: &[serde_json::Value],
    ) -> Result<Vec<Id>, StoreError> {
        let (realm, collection) = (self.caller.realm().clone(), self.state.collection.key);
        let principal = self.caller.principal.clone();
        let batch = self.circle_of(tx, label)?;
        let mut ids = Vec::new();
        for text in made {
            let object = stix::Object::parse(text.to_string().into());
            let object = object.map_err(|error| unfit("not-stix", error.message))?;
            if let Some(finding) = crate::ingest::fault(&object) {
                return Err(unfit("not-stix", finding));
            }
            let its = Markings::of(&self.state.door, &principal, &batch).label(tx, &object)?;
            let new = NewObject { object: object.clone(), label: labels::intern(tx, &its)? };
            let bringer = Bringer { organisation: &principal.organisation, visible: Some(&self.visible) };
            let added = objects::add_from(tx, &realm, collection, bringer, &[new])?;
            match added.outcomes.into_iter().next() {
                Some(AddOutcome::Added { .. }) => {
                    let event = AuditEvent::done(
                        Action::ObjectsAdded,
                        self.caller.actor.clone(),
                        self.caller.purpose,
                    );
                    self.events.push(event.on([object.id().as_str()]));
                    self.brought.insert(object.id().clone());
                }
                Some(AddOutcome::Duplicate { .. } | AddOutcome::Refused { code: "content-conflict", .. }) => {
                }
                Some(AddOutcome::Refused { code, message }) => return Err(unfit(code, message)),
                None => return Err(StoreError::Corrupt("an outcome".to_owned())),
            }
            ids.push(object.id().clone());
        }
        Ok(ids)
    }

    /// What the marking of a label's circle means, drawn where it was not yet.
    fn circle_of(&mut self, tx: &mut Tx<'_>, label: &Label) -> Result<HashMap<Id, Marking>, StoreError> {
        let mut batch = HashMap::new();
        if let Some(only) = &label.only {
            let place = (self.caller.realm(), self.state.collection.key);
            let (group, changed) = circles::draw(tx, &self.names, place, only)?;
            self.has_new_circle |= changed;
            batch.insert(Id::new("marking-definition", circle(only)), Marking::Group(group));
        }
        Ok(batch)
    }

    /// Puts an entry into the log: its circle, itself, its stub.
    pub(crate) fn add(&mut self, tx: &mut Tx<'_>, seen: &Seen, entry: &RoomEntry) -> Result<(), StoreError> {
        let realm = self.caller.realm().clone();
        let own = self.caller.principal.organisation.clone();
        let author = if entry.organisation == self.names.writer(&own)? { own } else { coordinator()? };
        let identity = organisations::get(tx, &realm, &author)?
            .ok_or_else(|| StoreError::Corrupt("the writer's organisation".to_owned()))?
            .identity;
        let batch = self.circle_of(tx, &entry.label)?;
        let principal = Principal { organisation: author.clone(), ..self.caller.principal.clone() };
        let text = entry_to_stix(entry, &identity);
        self.put(tx, (&principal, &batch), &text)?;
        if entry.label.stub && entry.label.only.is_some() {
            let markings = stix::marking::object_marking_refs(&seen.object);
            let text = stub_to_stix(entry, &identity, &markings);
            self.put(tx, (&principal, &HashMap::new()), &text)?;
        }
        let event = AuditEvent::done(Action::CaseChanged, self.caller.actor.clone(), self.caller.purpose)
            .on([entry.case.as_str(), note_id(&entry.id()).as_str()])
            .with("room", word(&entry.says));
        self.events.push(event);
        Ok(())
    }

    fn put(
        &self,
        tx: &mut Tx<'_>,
        (principal, batch): (&Principal, &HashMap<Id, Marking>),
        text: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let object =
            stix::Object::parse(text.to_string().into()).map_err(|error| unfit("not-stix", error.message))?;
        let label = Markings::of(&self.state.door, principal, batch).label(tx, &object)?;
        let place = (self.state.collection.key, &principal.organisation);
        add_object(tx, &principal.realm, place, text, |_| label).map(drop)
    }

    /// What follows: notices, and, once a significant severity is declared, the agencies that are called in. Gives those that are named in
    /// the configuration and may not see the case.
    fn follow(
        &mut self,
        tx: &mut Tx<'_>,
        seen: &mut Seen,
        entry: &RoomEntry,
        key: Uuid,
    ) -> Result<Vec<String>, StoreError> {
        match &entry.says {
            Says::Invited { member } => self.notify(tx, member, (INVITED, &*seen), entry),
            Says::TaskOffered { to, .. } => self.notify(tx, to, (TASK, &*seen), entry),
            Says::SeverityDeclared { .. } => return self.call(tx, seen, key),
            _ => Ok(()),
        }?;
        Ok(Vec::new())
    }

    fn notify(
        &self,
        tx: &mut Tx<'_>,
        member: &OrganisationId,
        (kind, seen): (&'static str, &Seen),
        entry: &RoomEntry,
    ) -> Result<(), StoreError> {
        let Some(here) = self.names.here(member).cloned() else { return Ok(()) };
        if here == self.caller.principal.organisation || !self.may_see(tx, seen.incident.label, member)? {
            return Ok(());
        }
        let text = match &entry.says {
            Says::TaskOffered { title, .. } => title.clone(),
            _ => seen.object.text("name").unwrap_or_default().to_owned(),
        };
        let case = seen.room.case();
        let realm = self.caller.realm();
        let to = BTreeSet::from([here.clone()]);
        let notice = tell_by(tx, realm, to, (kind, case.as_str()), (Some(case), text.as_str()))?;
        if !self.state.config.room_calls.tell(&here) {
            return Ok(());
        }
        let from = Severity::new(self.state.regimes.severity.significant_from);
        let declared = seen.situation.declared.as_ref().map(|declared| declared.level);
        let call = Call {
            organisation: here,
            notice,
            kind: kind.to_owned(),
            case: case.clone(),
            tlp: self.level(tx, seen)?.name().to_owned(),
            urgent: declared.is_some_and(|level| level >= from.unwrap_or(Severity::CONSIDERABLE)),
            attempts: 0,
        };
        calls::add(tx, realm, &call)
    }

    fn call(&mut self, tx: &mut Tx<'_>, seen: &mut Seen, key: Uuid) -> Result<Vec<String>, StoreError> {
        let from =
            Severity::new(self.state.regimes.severity.significant_from).unwrap_or(Severity::CONSIDERABLE);
        let named = self.state.config.room_agencies.iter();
        let mut agencies = BTreeSet::new();
        for name in named {
            // Whoever is in the room as a member here is there.
            let here = self.names.writer(name)?;
            if !seen.situation.members.contains(&here) {
                agencies.insert(self.names.meant(name)?);
            }
        }
        let called = seen.situation.to_call(&agencies, from);
        let label = self.open_label(tx, seen)?;
        let mut not_called = Vec::new();
        for (place, member) in called.into_iter().enumerate() {
            if !self.may_see(tx, seen.incident.label, &member)? {
                not_called.push(member.to_string());
                continue;
            }
            let part = PARTS.get(place).copied().unwrap_or("called");
            let (label, says) = (label.clone(), Says::Invited { member });
            self.write_into(tx, seen, Wanted { key, part, label, says, by_system: true })?;
        }
        Ok(not_called)
    }
}

/// Names for the agencies that one declaration calls in; there are not more ([`crate::config`]).
const PARTS: [&str; 16] = [
    "called-1",
    "called-2",
    "called-3",
    "called-4",
    "called-5",
    "called-6",
    "called-7",
    "called-8",
    "called-9",
    "called-10",
    "called-11",
    "called-12",
    "called-13",
    "called-14",
    "called-15",
    "called-16",
];

/// What a request says, with organisations and persons by the names that entries have for them.
///
/// # Errors
/// It cannot be read, or names somebody who is not known.
pub(crate) fn read_says(tx: &Tx<'_>, writer: &Writer<'_>, asked: &RoomSays) -> Result<Says, StoreError> {
    let (names, realm) = (&writer.names, writer.caller.realm());
    let mut asked = asked.clone();
    match &mut asked {
        RoomSays::Invited { member: name } | RoomSays::TaskOffered { to: name, .. } => {
            *name = names.asked(name)?.to_string();
        }
        RoomSays::HandOver { to: person, .. } | RoomSays::Leads { person, .. } => {
            *person = names.person(tx, realm, person)?;
        }
        _ => {}
    }
    let json = serde_json::to_value(&asked).map_err(|error| unfit("entry-unreadable", error.to_string()))?;
    serde_json::from_value(json).map_err(|error| unfit("entry-unreadable", format!("entry: {error}")))
}

/// What takes an entry back, of those that can be; a person asks for it.
///
/// # Errors
/// Nothing takes it back.
pub(crate) fn inverse(seen: &Seen, entry: &EntryId, reason: &str) -> Result<(Label, Says), StoreError> {
    let found = seen.room.get(entry).ok_or_else(|| StoreError::NotFound { what: entry.to_string() })?;
    let reason = reason.to_owned();
    let says = match &found.says {
        Says::Merged { .. } => Says::Unmerged { merge: *entry, reason },
        Says::TaskOffered { .. } => Says::TaskWithdrawn { task: *entry, reason },
        Says::SeverityDeclared { .. } => {
            let declared = seen.room.ordered().into_iter().filter_map(|(id, other)| match &other.says {
                Says::SeverityDeclared { level, .. } => Some((id, *level)),
                _ => None,
            });
            let declared: Vec<(EntryId, Severity)> = declared.collect();
            match declared.as_slice() {
                [.., (_, before), (last, _)] if last == entry => {
                    Says::SeverityDeclared { level: *before, reason }
                }
                _ => {
                    return Err(unfit(
                        "undo-severity",
                        "another severity was declared since, or none before",
                    ));
                }
            }
        }
        _ => return Err(unfit("undo-kind", "an entry of this kind is not taken back; write another one")),
    };
    Ok((found.label.clone(), says))
}

/// An entry's name out of a request.
///
/// # Errors
/// It is none.
pub(crate) fn entry_id(text: &str) -> Result<EntryId, StoreError> {
    serde_json::from_value(serde_json::Value::String(text.to_owned()))
        .map_err(|_| StoreError::NotFound { what: text.to_owned() })
}

/// Makes an entry of a side room known to more.
///
/// # Errors
/// It is another organisation's, or cannot be published.
pub(crate) fn publish(
    tx: &mut Tx<'_>,
    writer: &mut Writer<'_>,
    (case, entry): (&Id, &str),
    body: &api::NewRoomPublication,
) -> Result<RoomTaken, StoreError> {
    let mut seen = writer.room(tx, case)?;
    let name = entry_id(entry)?;
    let found = seen.room.get(&name).cloned();
    let found = found.ok_or_else(|| StoreError::NotFound { what: entry.to_owned() })?;
    let label = writer.label(tx, &seen, &body.label)?;
    let PrincipalKind::Person(account) = &writer.caller.principal.kind else {
        return Err(without_effect("not-a-person"));
    };
    let organisation = writer.names.writer(&writer.caller.principal.organisation)?;
    let person = Person { account: account.clone(), organisation };
    let salts = ["published", "kept"].map(|part| {
        let (label, says) = (label.clone(), found.says.clone());
        writer.salt(&person.organisation, &Wanted { key: body.key, part, label, says, by_system: false })
    });
    let [of_published, _] = &salts;
    if let Some((id, known)) = seen.room.ordered().into_iter().find(|(_, known)| known.salt == *of_published)
    {
        return Ok(taken(&id, known, true));
    }
    let refused = || unfit("publish-own", "only the organisation that wrote an entry publishes it");
    let [published, kept] = found.publish(&person, label, tx.now(), salts).ok_or_else(refused)?;
    let id = published.id();
    for entry in [&published, &kept] {
        seen.take(entry.clone(), tx.now()).map_err(|refusal| not_taken(&refusal))?;
    }
    demand_effect(&seen, id)?;
    writer.add(tx, &seen, &published)?;
    writer.add(tx, &seen, &kept)?;
    Ok(taken(&id, &published, false))
}

fn taken(id: &EntryId, entry: &RoomEntry, already: bool) -> RoomTaken {
    RoomTaken {
        case: entry.case.to_string(),
        entry: id.to_string(),
        object: note_id(id).to_string(),
        at: entry.at.to_string(),
        already,
        not_called: Vec::new(),
    }
}

/// An organisation's entries of this very moment.
fn written_now<'a>(
    room: &'a Room,
    whose: &'a OrganisationId,
    now: Timestamp,
) -> impl Iterator<Item = EntryId> + 'a {
    let is_of_now = move |entry: &RoomEntry| {
        entry.organisation == *whose && entry.at >= now && entry.at.duration_since(now).as_millis() < 1
    };
    room.ordered().into_iter().filter(move |(_, entry)| is_of_now(entry)).map(|(id, _)| id)
}

/// Refuses what stands in the room and has no effect.
fn demand_effect(seen: &Seen, id: EntryId) -> Result<(), StoreError> {
    match seen.situation.ignored.iter().find(|ignored| ignored.entry == id) {
        Some(ignored) => Err(without_effect(ignored.why)),
        None => Ok(()),
    }
}

/// The entries that something refers to: it is later than each.
fn referred(says: &Says) -> Vec<EntryId> {
    match says {
        Says::TakesOver { hand_over: entry }
        | Says::TaskAccepted { task: entry, .. }
        | Says::TaskDeclined { task: entry, .. }
        | Says::TaskHandedBack { task: entry, .. }
        | Says::TaskWithdrawn { task: entry, .. }
        | Says::Unmerged { merge: entry, .. } => vec![*entry],
        _ => Vec::new(),
    }
}

/// The word for what an entry says.
fn word(says: &Says) -> String {
    let json = serde_json::to_value(says).unwrap_or_default();
    json.get("says").and_then(serde_json::Value::as_str).unwrap_or("entry").to_owned()
}

/// Why a room does not take an entry.
fn not_taken(refusal: &RoomRefusal) -> StoreError {
    let reason = match refusal {
        RoomRefusal::AnotherCase => "entry-of-another-case",
        RoomRefusal::Future => "entry-from-the-future",
        RoomRefusal::Illegal(_) => "entry-part",
        RoomRefusal::Full => "room-full",
    };
    unfit(reason, refusal.to_string())
}

/// Why an entry would have no effect, in words.
fn without_effect(why: &'static str) -> StoreError {
    let words = match why {
        "not-a-person" => "only a person can do this: sign in as one",
        "commanded" => "somebody commands this room already; let command be handed over",
        "not-the-commander" => "only the one who commands the room can do this",
        "no-such-offer" => {
            "there is no such offer in this room that you may see, or another one took its place"
        }
        "not-for-you" => "this was offered to somebody else",
        "answered" => "this was answered already",
        "no-such-report" => "that situation report was not begun; type in the one before, or in the next one",
        other => other,
    };
    unfit(why, words)
}

/// A time out of a request.
///
/// # Errors
/// It is none.
pub(crate) fn instant(what: &str, text: &str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|_| unfit("time", format!("{what}: it is a time as in RFC 3339")))
}
