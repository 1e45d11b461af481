//! What is kept of rooms between two reads: notes that were read once, and what a room comes to under some labels.
//!
//! A room is read again at each change, by everybody who has it open. So a note of the log is read, checked and named once: what stands at a
//! place of the log never changes, for another label or version gets another place. And what a room comes to is kept for each set of labels
//! that somebody reads it under, with the place up to which it is true:
//!
//! 1. Who asks is found what may be read *now*; only what was kept under exactly the same labels is used.
//! 2. If behind its place notes only came in, those among them that refer to the case, and may be read, are added.
//! 3. If anything else happened to a note (a removal, a recall, another label, another version), the list of places is read anew under the
//!    labels. So whatever decides what is seen is asked of the database, and never remembered.
//!
//! A transaction uses what is kept and adds nothing to it: it may be taken back, and its numbers given to something else.
//!
//! What a reader was told before still stands as long as only lines were added; of that a [`Mark`] tells, so that an open room is told what
//! is new and not the same two hundred lines at each change.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use case::CaseId;
use case::room::{
    Named, Report, Room, RoomAdded, RoomRefusal, Says, Situation, Stub, entry_from_stix, is_of_a_room,
    stub_from_stix, stub_id,
};
use jiff::Timestamp;
use oversight::Realm;
use policy::{LabelKey, Visible};
use stix::{Id, Object};
use store::objects::{self, FOLLOWED_MAX, Following, Row};
use store::{Reader, StoreError};
use uuid::Uuid;

use super::ENTRIES_MAX;
use crate::api::summaries::{leaving, parse};
use crate::release::Leaving;

/// Notes are kept up to so many bytes of what was read; then all are forgotten and read again as they are asked for.
const NOTES_BYTES_MAX: usize = 64 << 20;
/// Rooms under some labels that are kept at most.
const VIEWS_MAX: usize = 128;
/// Entries in all of them at most: some hundred bytes each.
const VIEW_ENTRIES_MAX: usize = 400_000;
/// A kept room may outgrow what is read of one by so much.
const GROWTH_MAX: usize = 2_000;
/// Pages of mentions of one incident that are read.
const PAGES_MAX: usize = 10;
/// The type of object that an entry is.
const NOTE: &str = "note";

/// A note that was read once.
#[derive(Debug)]
pub(super) struct Note {
    id: Id,
    pub(super) leaving: Leaving,
    bytes: usize,
    what: What,
}

/// What a note is to a room.
#[derive(Debug)]
enum What {
    /// An entry, and what the stub is called that stands for it, where there may be one.
    Entry(Named, Option<Id>),
    /// It says that there is an entry.
    Stub(Stub),
    /// Of a newer version: what it is about, when, and what it says in words.
    Unknown(Vec<Id>, String, String),
    /// Nothing.
    Other,
}

/// How far a telling of a room went.
///
/// As long as the line of tellings is the same one, what was told stands, and what came since is in the notes behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Drawn by chance when a line of tellings begins, so that another process or another reader's labels cannot have the same.
    line: Uuid,
    /// Notes that were told.
    notes: usize,
}

/// What a room comes to under some labels. A copy costs little.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// It is true up to this place of the log.
    through: i64,
    /// Changes whenever something that was told does not stand any more.
    line: Uuid,
    pub(super) room: Arc<Room>,
    pub(super) situation: Arc<Situation>,
    stubs: BTreeMap<Id, Stub>,
    /// What stubs are called that stand for entries which are seen.
    needless: BTreeSet<Id>,
    pub(super) unknown: Vec<(Id, String, String)>,
    /// Cases that this one is said to be the same incident as, in whichever of the two rooms.
    pub(super) neighbours: BTreeSet<CaseId>,
    /// Entries that are no lines of their own.
    pub(super) typed: usize,
    /// Everything that this is made of; within a line of tellings it only grows at its end.
    pub(super) notes: Arc<Vec<Arc<Note>>>,
    /// Their labels.
    pub(super) labels: Arc<BTreeSet<LabelKey>>,
    /// Entries whose time has not come.
    later: Vec<Arc<Note>>,
    /// The situation report that was put together last.
    pub(super) report: Arc<Mutex<Option<Report>>>,
}

/// Where a room is kept, and how many entries it had last.
type Place = (Arc<Mutex<Option<View>>>, Arc<AtomicUsize>);

/// A room under some labels.
struct Slot {
    visible: Arc<Visible>,
    used: u64,
    entries: Arc<AtomicUsize>,
    view: Arc<Mutex<Option<View>>>,
}

#[derive(Default)]
struct Notes {
    known: HashMap<i64, Arc<Note>>,
    bytes: usize,
}

#[derive(Default)]
struct Slots {
    of: HashMap<(Realm, CaseId), Vec<Slot>>,
    /// Counts up with each use.
    used: u64,
}

/// What this process keeps of rooms.
#[derive(Default)]
pub(crate) struct Kept {
    notes: Mutex<Notes>,
    slots: Mutex<Slots>,
}

impl Note {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let what = if row.revoked { What::Other } else { What::of(&parse(row)?) };
        Ok(Self { id: row.id.clone(), leaving: leaving(row), bytes: row.body.len(), what })
    }
}

impl Note {
    /// The entry that it is, where it is one.
    pub(super) fn entry(&self) -> Option<&Named> {
        match &self.what {
            What::Entry(named, _) => Some(named),
            _ => None,
        }
    }
}

impl Mark {
    /// The notes that were told, where what was told of this line still stands.
    pub(super) fn told_of(self, now: Self) -> Option<usize> {
        (self.line == now.line && self.notes <= now.notes).then_some(self.notes)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.line.simple(), self.notes)
    }
}

impl FromStr for Mark {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (line, notes) = text.split_once('-').ok_or(())?;
        let line = Uuid::try_parse(line).map_err(|_| ())?;
        Ok(Self { line, notes: notes.parse().map_err(|_| ())? })
    }
}

impl What {
    fn of(object: &Object) -> Self {
        if !is_of_a_room(object) {
            return Self::Other;
        }
        if let Some(stub) = stub_from_stix(object) {
            return Self::Stub(stub);
        }
        match entry_from_stix(object) {
            Ok(entry) => {
                let has_stub = entry.label.stub;
                // What is no entry was never let in.
                let Ok(named) = Named::of(entry) else { return Self::Other };
                let stub = has_stub.then(|| stub_id(&named.id()));
                Self::Entry(named, stub)
            }
            Err(_) => {
                let about = object.references().into_iter().map(|(_, id)| id).collect();
                let text = |name: &str| object.text(name).unwrap_or_default().to_owned();
                Self::Unknown(about, text("created"), text("content"))
            }
        }
    }
}

impl View {
    fn new(case: &CaseId) -> Self {
        Self {
            through: 0,
            line: Uuid::new_v4(),
            room: Arc::new(Room::new(case.clone())),
            situation: Arc::default(),
            stubs: BTreeMap::new(),
            needless: BTreeSet::new(),
            unknown: Vec::new(),
            neighbours: BTreeSet::new(),
            typed: 0,
            notes: Arc::default(),
            labels: Arc::default(),
            later: Vec::new(),
            report: Arc::default(),
        }
    }

    /// How far a telling of this goes.
    pub(super) fn mark(&self) -> Mark {
        Mark { line: self.line, notes: self.notes.len() }
    }

    /// What is told of entries that are for others. Whoever sees the entry is not told besides that there is one.
    pub(super) fn stubs(&self) -> Vec<Stub> {
        let untold = self.stubs.iter().filter(|(id, _)| !self.needless.contains(*id));
        untold.map(|(_, stub)| stub.clone()).collect()
    }

    /// Takes notes in, older ones first.
    fn extend(&mut self, notes: impl IntoIterator<Item = Arc<Note>>, now: Timestamp) {
        let mut has_kept_up = true;
        for note in notes {
            has_kept_up &= self.take(note, now);
        }
        if !has_kept_up {
            let situation = self.room.situation(super::all);
            if situation.ignored != self.situation.ignored {
                self.line = Uuid::new_v4();
            }
            self.situation = Arc::new(situation);
        }
    }

    /// Takes a note in; whether the situation has kept up with it.
    fn take(&mut self, note: Arc<Note>, now: Timestamp) -> bool {
        let mut has_kept_up = true;
        match &note.what {
            What::Stub(stub) if stub.case == *self.room.case() => {
                self.stubs.insert(note.id.clone(), stub.clone());
                self.line = Uuid::new_v4();
            }
            What::Unknown(about, at, text) if about.contains(self.room.case()) => {
                self.unknown.push((note.id.clone(), at.clone(), text.clone()));
                self.line = Uuid::new_v4();
            }
            What::Entry(named, _) if named.entry().case != *self.room.case() => match &named.entry().says {
                Says::Merged { other, .. } if other == self.room.case() => {
                    self.neighbours.insert(named.entry().case.clone());
                }
                _ => return true,
            },
            What::Entry(named, stub) => {
                let comes_last = self.room.ends_before(named);
                match Arc::make_mut(&mut self.room).take_named(named, now) {
                    Ok(RoomAdded::New) => has_kept_up = self.follow(named, comes_last),
                    Ok(RoomAdded::Already) => {}
                    // It counts when its time has come.
                    Err(RoomRefusal::Future) => {
                        self.later.push(Arc::clone(&note));
                        return true;
                    }
                    Err(_) => return true,
                }
                if stub.as_ref().is_some_and(|stub| self.stubs.contains_key(stub)) {
                    self.line = Uuid::new_v4();
                }
                self.needless.extend(stub.clone());
            }
            _ => return true,
        }
        if !self.labels.contains(&note.leaving.label) {
            Arc::make_mut(&mut self.labels).insert(note.leaving.label);
        }
        Arc::make_mut(&mut self.notes).push(note);
        has_kept_up
    }

    /// Has the situation follow an entry that was taken in; whether it could.
    fn follow(&mut self, named: &Named, comes_last: bool) -> bool {
        let says = &named.entry().says;
        match says {
            Says::Merged { other, .. } => drop(self.neighbours.insert(other.clone())),
            Says::Typed { .. } => self.typed += 1,
            _ => {}
        }
        let can = comes_last || says.counts_anywhere();
        if can {
            Arc::make_mut(&mut self.situation).add(named.id(), named.entry());
        }
        can
    }

    /// Takes those in whose time has come.
    fn ripen(&mut self, now: Timestamp) {
        if !self.later.is_empty() {
            let later = std::mem::take(&mut self.later);
            self.extend(later, now);
        }
    }
}

impl Kept {
    /// What a room comes to for whoever may read these labels.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) fn view(
        &self,
        reader: &Reader<'_>,
        realm: &Realm,
        visible: &Arc<Visible>,
        case: &CaseId,
    ) -> Result<View, StoreError> {
        let reading = Reading { kept: self, reader, realm, visible, case };
        if !reader.is_committed() {
            let base = self.slot(realm, case, visible, false);
            let base = base.and_then(|(view, _)| lock(&view).clone());
            return reading.advance(base);
        }
        let Some((slot, entries)) = self.slot(realm, case, visible, true) else {
            return reading.advance(None);
        };
        // Of several readers that come at once one reads, and the others find it done.
        let mut held = lock(&slot);
        let view = reading.advance(held.take())?;
        entries.store(view.notes.len(), Ordering::Relaxed);
        *held = Some(view.clone());
        Ok(view)
    }

    /// The place of a room under some labels; where there is none, one is made if that is wanted.
    fn slot(&self, realm: &Realm, case: &CaseId, visible: &Arc<Visible>, make: bool) -> Option<Place> {
        let mut slots = lock(&self.slots);
        slots.used += 1;
        let used = slots.used;
        let key = (realm.clone(), case.clone());
        let is_same =
            |slot: &&mut Slot| Arc::ptr_eq(&slot.visible, visible) || slot.visible.keys() == visible.keys();
        if let Some(slot) = slots.of.get_mut(&key).and_then(|of| of.iter_mut().find(is_same)) {
            slot.used = used;
            // The next comparison is one of addresses.
            if make {
                slot.visible = Arc::clone(visible);
            }
            return Some((Arc::clone(&slot.view), Arc::clone(&slot.entries)));
        }
        if !make {
            return None;
        }
        slots.make_room();
        let slot = Slot { visible: Arc::clone(visible), used, entries: Arc::default(), view: Arc::default() };
        let found = (Arc::clone(&slot.view), Arc::clone(&slot.entries));
        slots.of.entry(key).or_default().push(slot);
        Some(found)
    }

    fn note(&self, sequence: i64) -> Option<Arc<Note>> {
        lock(&self.notes).known.get(&sequence).cloned()
    }

    fn keep(&self, sequence: i64, note: &Arc<Note>) {
        let mut notes = lock(&self.notes);
        if notes.bytes.saturating_add(note.bytes) > NOTES_BYTES_MAX {
            *notes = Notes::default();
        }
        notes.bytes += note.bytes;
        notes.known.insert(sequence, Arc::clone(note));
    }
}

impl Slots {
    /// Forgets what was not used for longest, until there is room for one more.
    fn make_room(&mut self) {
        loop {
            let all = self.of.values().flatten();
            let (count, entries) = all.fold((0, 0), |(count, entries), slot| {
                (count + 1, entries + slot.entries.load(Ordering::Relaxed))
            });
            if count < VIEWS_MAX && entries < VIEW_ENTRIES_MAX {
                return;
            }
            let Some(oldest) = self.of.values().flatten().map(|slot| slot.used).min() else { return };
            for of in self.of.values_mut() {
                of.retain(|slot| slot.used != oldest);
            }
            self.of.retain(|_, of| !of.is_empty());
        }
    }
}

/// One reading of a room.
struct Reading<'a, 'c> {
    kept: &'a Kept,
    reader: &'a Reader<'c>,
    realm: &'a Realm,
    visible: &'a Visible,
    case: &'a CaseId,
}

impl Reading<'_, '_> {
    /// The room as it is now, out of what it was.
    fn advance(&self, base: Option<View>) -> Result<View, StoreError> {
        let newest = objects::newest_sequence(self.reader)?;
        let Some(mut view) = base else { return self.whole(newest) };
        if newest > view.through {
            let after = view.through;
            if view.room.len() > ENTRIES_MAX + GROWTH_MAX
                || !objects::only_came_in(self.reader, self.realm, NOTE, after)?
            {
                return self.whole(newest);
            }
            let new = self.page(after, i64::MAX)?;
            if new.len() >= FOLLOWED_MAX {
                return self.whole(newest);
            }
            view.extend(new.into_iter().rev(), self.reader.now());
            view.through = newest;
        }
        view.ripen(self.reader.now());
        Ok(view)
    }

    /// The room, all of it read anew; of more entries than are read the newest.
    fn whole(&self, newest: i64) -> Result<View, StoreError> {
        let (mut before, mut notes, mut entries) = (i64::MAX, Vec::new(), 0);
        for _ in 0..PAGES_MAX {
            let page = self.page(0, before)?;
            let count = page.len();
            for note in page {
                before = note.leaving.sequence;
                entries += usize::from(matches!(note.what, What::Entry(..)));
                notes.push(note);
                if entries >= ENTRIES_MAX {
                    break;
                }
            }
            if count < FOLLOWED_MAX || entries >= ENTRIES_MAX {
                break;
            }
        }
        let mut view = View::new(self.case);
        view.extend(notes.into_iter().rev(), self.reader.now());
        view.through = newest;
        Ok(view)
    }

    /// Notes about the case, newest first.
    fn page(&self, after: i64, before: i64) -> Result<Vec<Arc<Note>>, StoreError> {
        let what = Following { id: self.case, object_type: NOTE, after, before };
        let known: RefCell<HashMap<i64, Arc<Note>>> = RefCell::default();
        let knows = |sequence| {
            let note = self.kept.note(sequence);
            let is_known = note.is_some();
            known.borrow_mut().extend(note.map(|note| (sequence, note)));
            is_known
        };
        let found = objects::following(self.reader, self.realm, self.visible, what, knows)?;
        let mut known = known.into_inner();
        let mut notes = Vec::with_capacity(found.len());
        for place in found {
            let note = match (place.row, known.remove(&place.sequence)) {
                (None, Some(note)) => note,
                (Some(row), _) => {
                    let note = Arc::new(Note::read(&row)?);
                    if self.reader.is_committed() {
                        self.kept.keep(place.sequence, &note);
                    }
                    note
                }
                (None, None) => return Err(StoreError::Corrupt("a note that was known".to_owned())),
            };
            notes.push(note);
        }
        Ok(notes)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
