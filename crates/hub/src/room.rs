//! Case rooms: entries that are notes in the one log.
//!
//! An entry goes in and out as any other object: labelled, released, federated, recalled. What is here finds the notes about an incident that
//! a reader may see, makes entries of them again, and writes new ones. There is no row beside the log and no door beside
//! [`crate::release::Door`]; what a room comes to is worked out by [`case::room`] for each reader.
//!
//! Organisations have short names of this hub's only. In entries they are named so that every hub means the same ([`Names`]).

pub(crate) mod admit;
mod circles;
mod names;
pub(crate) mod told;
pub(crate) mod write;

use std::collections::{BTreeMap, BTreeSet};

use case::CaseId;
use case::room::{
    Room, RoomEntry, Says, Stub, entry_from_stix, is_of_a_room, joined, stub_from_stix, stub_id,
};
use oversight::Realm;
use policy::Visible;
use stix::{Id, Object};
use store::objects::{self, Row};
use store::{Reader, StoreError};

use crate::api::summaries::{leaving, parse};
use crate::release::Leaving;

pub(crate) use names::Names;

/// Entries of one room that are read: the newest. A room with more takes no further ones here.
pub(crate) const ENTRIES_MAX: usize = 20_000;
/// Mentions of an incident that are read at once.
const PAGE: usize = 5_000;
/// Cases that are one incident, as far as they are followed.
const JOINED_MAX: usize = 50;

/// What one reader may see of a room.
pub(crate) struct Seen {
    /// The incident.
    pub(crate) incident: Row,
    /// It, read.
    pub(crate) object: Object,
    /// The entries.
    pub(crate) room: Room,
    /// What is told of entries that are for others.
    pub(crate) stubs: Vec<Stub>,
    /// Notes of a newer version: kept and not interpreted. When, and what they say in words.
    pub(crate) unknown: Vec<(Id, String, String)>,
    /// Cases in whose rooms this one was merged.
    pub(crate) merged_from: BTreeSet<CaseId>,
    /// Everything of this that leaves when it is told.
    pub(crate) leaving: Vec<Leaving>,
}

/// What a reader may see of the room of an incident; nothing where it may not see the incident.
///
/// # Errors
/// Those of the database.
pub(crate) fn seen(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    case: &Id,
) -> Result<Option<Seen>, StoreError> {
    if case.object_type() != "incident" {
        return Ok(None);
    }
    let Some(incident) = objects::get(reader, realm, visible, case)? else { return Ok(None) };
    let mut seen = Seen {
        object: parse(&incident)?,
        room: Room::new(case.clone()),
        stubs: Vec::new(),
        unknown: Vec::new(),
        merged_from: BTreeSet::new(),
        leaving: vec![leaving(&incident)],
        incident,
    };
    let (mut before, mut stubs) = (i64::MAX, Vec::new());
    loop {
        let page = objects::referring_before(reader, realm, visible, case, before, PAGE)?;
        let count = page.len();
        for mention in page {
            before = mention.row.sequence;
            seen.take(&mention.row, &mut stubs, reader.now())?;
        }
        if count < PAGE || seen.room.len() >= ENTRIES_MAX {
            break;
        }
    }
    // Whoever sees the entry is not told besides that there is one.
    let known: BTreeSet<Id> = seen.room.ordered().iter().map(|(id, _)| stub_id(id)).collect();
    seen.stubs = stubs.into_iter().filter(|(id, _)| !known.contains(id)).map(|(_, stub)| stub).collect();
    Ok(Some(seen))
}

impl Seen {
    fn take(
        &mut self,
        row: &Row,
        stubs: &mut Vec<(Id, Stub)>,
        now: jiff::Timestamp,
    ) -> Result<(), StoreError> {
        if row.id.object_type() != "note" || row.revoked {
            return Ok(());
        }
        let object = parse(row)?;
        if !is_of_a_room(&object) {
            return Ok(());
        }
        if let Some(stub) = stub_from_stix(&object) {
            self.leaving.push(leaving(row));
            stubs.push((row.id.clone(), stub));
            return Ok(());
        }
        match entry_from_stix(&object) {
            Ok(entry) if entry.case != *self.room.case() => {
                self.leaving.push(leaving(row));
                self.merged_from.insert(entry.case);
            }
            Ok(entry) => {
                // What is from the future counts when its time has come; anything else that is no entry was never let in.
                if self.room.take(entry, now).is_ok() {
                    self.leaving.push(leaving(row));
                }
            }
            Err(_) => {
                self.leaving.push(leaving(row));
                let text = |name: &str| object.text(name).unwrap_or_default().to_owned();
                self.unknown.push((row.id.clone(), text("created"), text("content")));
            }
        }
        Ok(())
    }

    /// Cases that this one is said to be the same incident as, in whichever of the two rooms.
    fn neighbours(&self) -> BTreeSet<CaseId> {
        let said = self.room.ordered().into_iter().filter_map(|(_, entry)| match &entry.says {
            Says::Merged { other, .. } => Some(other.clone()),
            _ => None,
        });
        said.chain(self.merged_from.iter().cloned()).collect()
    }
}

/// The rooms that are one incident with a case, its own among them, as far as the reader sees them.
///
/// # Errors
/// Those of the database.
pub(crate) fn campaign(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    first: Seen,
) -> Result<BTreeMap<CaseId, Seen>, StoreError> {
    let case = first.room.case().clone();
    let mut open: Vec<CaseId> = first.neighbours().into_iter().collect();
    let mut found = BTreeMap::from([(case.clone(), first)]);
    while let Some(next) = open.pop() {
        if found.contains_key(&next) || found.len() >= JOINED_MAX {
            continue;
        }
        if let Some(other) = seen(reader, realm, visible, &next)? {
            open.extend(other.neighbours());
            found.insert(next, other);
        }
    }
    if found.len() == 1 {
        return Ok(found);
    }
    let rooms: BTreeMap<CaseId, Room> =
        found.iter().map(|(id, seen)| (id.clone(), seen.room.clone())).collect();
    let one = joined(&rooms, &case, all);
    found.retain(|id, _| one.contains(id));
    Ok(found)
}

/// A [`Seen`] holds what its reader may see and nothing else.
pub(crate) fn all(_: &RoomEntry) -> bool {
    true
}
