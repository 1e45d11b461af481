//! What callers were given of rooms a short while ago.
//!
//! An open room is read again at each change. Were all of it written down each time, the ledger would tell of nothing else, and a room that
//! twenty entries a second come into could not be looked at. So of what one caller reads of one room again within the hour, for the same
//! purpose and under the same policies, only what is new to it is written down. What is read in an emergency is always written down.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use oversight::{Purpose, Realm};
use stix::Id;

use crate::principal::Caller;
use crate::release::Leaving;

/// So long it is remembered what somebody was given.
const REMEMBERED: Duration = Duration::from_hours(1);
/// Callers, each with a room, that are remembered at most.
const CALLERS_MAX: usize = 512;
/// Versions that are remembered at most, over all callers: some 20 bytes each.
const VERSIONS_MAX: usize = 2_000_000;

/// Who reads which room, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Reading {
    caller: String,
    organisation: String,
    purpose: Purpose,
    realm: Realm,
    case: Id,
    policies: u64,
}

struct Had {
    since: Instant,
    sequences: HashSet<i64>,
}

/// What callers were given.
#[derive(Default)]
pub(crate) struct Given(Mutex<HashMap<Reading, Had>>);

impl Reading {
    /// `None` where everything is to be written down each time.
    pub(crate) fn of(caller: &Caller, case: &Id, policies: u64) -> Option<Self> {
        let principal = &caller.principal;
        principal.personal.emergency.is_none().then(|| Self {
            caller: caller.id().to_owned(),
            organisation: principal.organisation.to_string(),
            purpose: caller.purpose,
            realm: principal.realm.clone(),
            case: case.clone(),
            policies,
        })
    }
}

impl Given {
    /// What of this is new to a reader.
    pub(crate) fn fresh<'a>(
        &self,
        reading: Option<&Reading>,
        leaving: impl Iterator<Item = &'a Leaving>,
        now: Instant,
    ) -> Vec<Leaving> {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let had = reading.and_then(|reading| given.get(reading)).filter(|had| had.is_recent(now));
        leaving
            .filter(|part| had.is_none_or(|had| !had.sequences.contains(&part.sequence)))
            .cloned()
            .collect()
    }

    /// Remembers what is on disk now.
    pub(crate) fn note(&self, reading: Option<Reading>, fresh: &[Leaving], now: Instant) {
        let Some(reading) = reading.filter(|_| !fresh.is_empty()) else { return };
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if given.len() >= CALLERS_MAX || versions(&given).saturating_add(fresh.len()) > VERSIONS_MAX {
            given.retain(|_, had| had.is_recent(now));
        }
        if given.len() >= CALLERS_MAX || versions(&given).saturating_add(fresh.len()) > VERSIONS_MAX {
            given.clear();
        }
        let had = given.entry(reading).or_insert_with(|| Had { since: now, sequences: HashSet::new() });
        if !had.is_recent(now) {
            *had = Had { since: now, sequences: HashSet::new() };
        }
        had.sequences.extend(fresh.iter().map(|part| part.sequence));
    }
}

impl Had {
    fn is_recent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < REMEMBERED
    }
}

fn versions(given: &HashMap<Reading, Had>) -> usize {
    given.values().map(|had| had.sequences.len()).sum()
}

#[cfg(test)]
mod tests {
    use oversight::OrganisationId;

    use super::*;

    fn leaving(sequence: i64) -> Leaving {
        Leaving { sequence, label: 1, originator: OrganisationId::parse("agency").unwrap() }
    }

    fn reading(caller: &str) -> Reading {
        Reading {
            caller: caller.to_owned(),
            organisation: "operator".to_owned(),
            purpose: Purpose::IncidentResponse,
            realm: Realm::Live,
            case: Id::parse("incident--00000000-0000-4000-8000-000000000001").unwrap(),
            policies: 7,
        }
    }

    #[test]
    fn only_what_is_new_to_a_caller_is_told_apart_for_an_hour() {
        let (given, begun, all) = (Given::default(), Instant::now(), [leaving(1), leaving(2)]);
        let fresh = |reading: &Reading, at| {
            let found = given.fresh(Some(reading), all.iter(), at);
            found.into_iter().map(|part| part.sequence).collect::<Vec<_>>()
        };
        let one = reading("one");
        assert_eq!(fresh(&one, begun), [1, 2]);
        given.note(Some(one.clone()), &all[..1], begun);
        assert_eq!(fresh(&one, begun), [2]);
        assert_eq!(fresh(&reading("other"), begun), [1, 2], "another caller was given nothing");
        assert_eq!(fresh(&Reading { policies: 8, ..one.clone() }, begun), [1, 2], "nor under other policies");
        assert_eq!(given.fresh(None, all.iter(), begun).len(), 2);
        assert_eq!(fresh(&one, begun + REMEMBERED), [1, 2]);
        given.note(Some(one.clone()), &all[1..], begun + REMEMBERED);
        assert_eq!(fresh(&one, begun + REMEMBERED), [1], "what was given an hour ago is told again");
    }

    #[test]
    fn no_more_is_remembered_than_may_be() {
        let (given, now) = (Given::default(), Instant::now());
        for number in 0..CALLERS_MAX + 3 {
            given.note(Some(reading(&number.to_string())), &[leaving(1)], now);
        }
        assert!(given.0.lock().unwrap().len() <= CALLERS_MAX);
    }
}
