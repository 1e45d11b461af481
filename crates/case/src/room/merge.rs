use std::collections::{BTreeMap, BTreeSet};

use super::entry::{RoomEntry, Says};
use super::replica::Room;
use crate::CaseId;

/// The cases that are one incident with `case`, itself among them: those that stand in a chain of merges of which none was taken back.
/// Nothing is moved by a merge, so an un-merge leaves each room as it was. A merge and its un-merge count where `sees` lets them
/// through; a case that is not among `rooms` is named if a merge names it.
#[must_use]
pub fn joined(
    rooms: &BTreeMap<CaseId, Room>,
    case: &CaseId,
    sees: impl Fn(&RoomEntry) -> bool,
) -> BTreeSet<CaseId> {
    let mut pairs: Vec<(CaseId, CaseId)> = Vec::new();
    for (id, room) in rooms {
        let entries = room.ordered();
        let seen = || entries.iter().filter(|(_, entry)| sees(entry));
        let taken_back: BTreeSet<_> = seen()
            .filter_map(|(_, entry)| match &entry.says {
                Says::Unmerged { merge, .. } if entry.by.is_some() => Some(*merge),
                _ => None,
            })
            .collect();
        pairs.extend(seen().filter(|(entry_id, _)| !taken_back.contains(entry_id)).filter_map(
            |(_, entry)| {
                match &entry.says {
                    // A person says that two cases are one; no rule of ours does.
                    Says::Merged { other, .. } if entry.by.is_some() => Some((id.clone(), other.clone())),
                    _ => None,
                }
            },
        ));
    }
    let mut found = BTreeSet::from([case.clone()]);
    loop {
        let before = found.len();
        for (a, b) in &pairs {
            if found.contains(a) || found.contains(b) {
                found.extend([a.clone(), b.clone()]);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}
