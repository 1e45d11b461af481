//! Case rooms: entries that are notes in the one log.
//!
//! An entry goes in and out as any other object: labelled, released, federated, recalled. What is here finds the notes about an incident that
//! a reader may see, makes entries of them again, and writes new ones. There is no row beside the log and no door beside
//! [`crate::release::Door`]; what a room comes to is worked out by [`case::room`] for each reader.
//!
//! Organisations have short names of this hub's only. In entries they are named so that every hub means the same ([`Names`]).

pub(crate) mod admit;
pub(crate) mod circles;
pub(crate) mod given;
pub(crate) mod indicators;
mod kept;
pub(crate) mod letters;
pub(crate) mod names;
pub(crate) mod presence;
pub(crate) mod similar;
pub(crate) mod told;
pub(crate) mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use case::CaseId;
use case::room::{
    EntryId, Named, Report, Room, RoomAdded, RoomEntry, RoomRefusal, Says, Situation, Stub, joined,
};
use jiff::Timestamp;
use oversight::Realm;
use policy::{LabelKey, Visible};
use stix::{Id, Object};
use store::objects::{self, Row};
use store::{Reader, StoreError};

use crate::api::summaries::{leaving, parse};
use crate::release::Leaving;

pub(crate) use kept::{Kept, Mark};
pub(crate) use names::Names;

/// What a hub holds of rooms beside the log; nothing of it outlives the process.
pub(crate) struct RoomKeeper {
    /// What was read before.
    kept: Kept,
    /// What callers were given before.
    pub(crate) given: given::Given,
    /// Who is in which room.
    pub(crate) presence: presence::Presence,
}

impl RoomKeeper {
    /// Nothing yet; with what seals what processes of this node tell each other.
    pub(crate) fn new(seal: presence::Seal) -> Self {
        Self {
            kept: Kept::default(),
            given: given::Given::default(),
            presence: presence::Presence::new(seal),
        }
    }
}

/// Entries of one room that are read: the newest. A room with more takes no further ones here.
pub(crate) const ENTRIES_MAX: usize = 20_000;
/// Cases that are one incident, as far as they are followed.
const JOINED_MAX: usize = 50;

/// What one reader may see of a room.
pub(crate) struct Seen {
    /// The incident.
    pub(crate) incident: Row,
    /// It, read.
    pub(crate) object: Object,
    /// The entries.
    pub(crate) room: Arc<Room>,
    /// What they come to.
    pub(crate) situation: Arc<Situation>,
    /// What is told of entries that are for others.
    pub(crate) stubs: Vec<Stub>,
    /// Notes of a newer version: kept and not interpreted. When, and what they say in words.
    pub(crate) unknown: Vec<(Id, String, String)>,
    /// How far a telling of this goes.
    pub(crate) mark: Mark,
    /// Cases that this one is said to be the same incident as, in whichever of the two rooms.
    neighbours: BTreeSet<CaseId>,
    /// Entries that are no lines of their own.
    typed: usize,
    leaving: Leaving,
    notes: Arc<Vec<Arc<kept::Note>>>,
    labels: Arc<BTreeSet<LabelKey>>,
    report: Arc<Mutex<Option<Report>>>,
}

/// What a reader may see of the room of an incident; nothing where it may not see the incident.
///
/// # Errors
/// Those of the database.
pub(crate) fn seen(
    keeper: &RoomKeeper,
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Arc<Visible>,
    case: &Id,
) -> Result<Option<Seen>, StoreError> {
    if case.object_type() != "incident" {
        return Ok(None);
    }
    let Some(incident) = objects::get(reader, realm, visible, case)? else { return Ok(None) };
    let view = keeper.kept.view(reader, realm, visible, case)?;
    Ok(Some(Seen {
        object: parse(&incident)?,
        stubs: view.stubs(),
        mark: view.mark(),
        room: view.room,
        situation: view.situation,
        unknown: view.unknown,
        neighbours: view.neighbours,
        typed: view.typed,
        leaving: leaving(&incident),
        notes: view.notes,
        labels: view.labels,
        // What a transaction sees may be taken back, and must not be remembered.
        report: if reader.is_committed() { view.report } else { Arc::default() },
        incident,
    }))
}

impl Seen {
    /// What of this leaves when it is told: the incident, and the notes behind the first `told`.
    pub(crate) fn leaving(&self, told: usize) -> impl Iterator<Item = &Leaving> {
        let notes = self.notes.get(told..).unwrap_or_default();
        std::iter::once(&self.leaving).chain(notes.iter().map(|note| &note.leaving))
    }

    /// The labels of all of it.
    pub(crate) fn labels(&self) -> impl Iterator<Item = LabelKey> {
        std::iter::once(self.leaving.label).chain(self.labels.iter().copied())
    }

    /// The entries that came since a telling, in the order in which they count; nothing where what was told then does not stand.
    pub(crate) fn since(&self, mark: Mark) -> Option<Vec<(EntryId, &RoomEntry)>> {
        let notes = self.notes.get(mark.told_of(self.mark)?..)?;
        let named = notes.iter().filter_map(|note| note.entry());
        let own = named.filter(|named| named.entry().case == *self.room.case());
        let mut entries: Vec<_> = own.map(|named| (named.id(), named.entry())).collect();
        entries.sort_unstable_by_key(|(id, entry)| (entry.at, *id));
        entries.dedup_by_key(|(id, _)| *id);
        Some(entries)
    }

    /// How many lines a timeline of this has.
    pub(crate) fn lines(&self) -> usize {
        self.room.len() - self.typed + self.stubs.len() + self.unknown.len()
    }

    /// Takes an entry in that is being written.
    ///
    /// # Errors
    /// [`RoomRefusal`].
    pub(crate) fn take(&mut self, entry: RoomEntry, now: Timestamp) -> Result<EntryId, RoomRefusal> {
        let named = Named::of(entry)?;
        let is_last = self.room.ends_before(&named);
        if Arc::make_mut(&mut self.room).take_named(&named, now)? == RoomAdded::Already {
            return Ok(named.id());
        }
        match &named.entry().says {
            Says::Merged { other, .. } => drop(self.neighbours.insert(other.clone())),
            Says::Typed { .. } => self.typed += 1,
            _ => {}
        }
        if is_last || named.entry().says.counts_anywhere() {
            Arc::make_mut(&mut self.situation).add(named.id(), named.entry());
        } else {
            self.situation = Arc::new(self.room.situation(all));
        }
        Ok(named.id())
    }

    /// Tells of one of the room's situation reports.
    pub(crate) fn report<T>(&self, number: u16, tell: impl FnOnce(&Report) -> T) -> T {
        let mut kept = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.take().filter(|report| report.number() == number);
        let report = before.unwrap_or_else(|| Report::new(number)).with(&self.room.ordered());
        let told = tell(&report);
        *kept = Some(report);
        told
    }

    /// Cases that this one is said to be the same incident as, in whichever of the two rooms.
    pub(crate) fn neighbours(&self) -> &BTreeSet<CaseId> {
        &self.neighbours
    }
}

/// The rooms that are one incident with a case, its own among them, as far as the reader sees them.
///
/// # Errors
/// Those of the database.
pub(crate) fn campaign(
    keeper: &RoomKeeper,
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Arc<Visible>,
    first: Seen,
) -> Result<BTreeMap<CaseId, Seen>, StoreError> {
    let case = first.room.case().clone();
    let mut open: Vec<CaseId> = first.neighbours().iter().cloned().collect();
    let mut found = BTreeMap::from([(case.clone(), first)]);
    while let Some(next) = open.pop() {
        if found.contains_key(&next) || found.len() >= JOINED_MAX {
            continue;
        }
        if let Some(other) = seen(keeper, reader, realm, visible, &next)? {
            open.extend(other.neighbours().iter().cloned());
            found.insert(next, other);
        }
    }
    if found.len() == 1 {
        return Ok(found);
    }
    let rooms: BTreeMap<CaseId, Room> =
        found.iter().map(|(id, seen)| (id.clone(), Room::clone(&seen.room))).collect();
    let one = joined(&rooms, &case, all);
    found.retain(|id, _| one.contains(id));
    Ok(found)
}

/// A [`Seen`] holds what its reader may see and nothing else.
pub(crate) fn all(_: &RoomEntry) -> bool {
    true
}
