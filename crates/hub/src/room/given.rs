//! What callers were given of rooms a short while ago.
//!
//! An open room is read again at each change. Were all of it written down each time, the ledger would tell of nothing else, and a room that
//! twenty entries a second come into could not be looked at. So of what one caller reads of one room again within the hour, for the same
//! purpose and under the same policies, only what is new to it is written down. What is read in an emergency is always written down.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use case::CaseId;
use oversight::{Purpose, Realm};
use stix::Id;

use super::{Mark, Seen};
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
    /// How far tellings of each room went: of what is before it nothing has to be looked at.
    told: HashMap<CaseId, Mark>,
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

/// What of a telling is new to its reader.
pub(crate) struct Fresh {
    /// What is to be written down.
    pub(crate) parts: Vec<Leaving>,
    /// How far the telling goes, by room.
    told: Vec<(CaseId, Mark)>,
    /// Since when it was remembered what else was left out; nothing where nothing was left out.
    besides: Option<Instant>,
}

impl Given {
    /// What of rooms, and of what they name, is new to a reader.
    pub(crate) fn fresh<'a>(
        &self,
        reading: Option<&Reading>,
        rooms: impl Iterator<Item = &'a Seen>,
        named: &'a [Leaving],
        now: Instant,
    ) -> Fresh {
        let given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let had = reading.and_then(|reading| given.get(reading)).filter(|had| had.is_recent(now));
        let mut told = Vec::new();
        let of_rooms = rooms.flat_map(|seen| {
            let case = seen.room.case();
            told.push((case.clone(), seen.mark));
            let before = had.and_then(|had| had.told.get(case)?.told_of(seen.mark));
            seen.leaving(before.unwrap_or_default())
        });
        let parts = Had::lacks(had, of_rooms.chain(named));
        Fresh { parts, told, besides: had.map(|had| had.since) }
    }

    /// Remembers what is on disk now.
    pub(crate) fn note(&self, reading: Option<Reading>, fresh: Fresh, now: Instant) {
        let Some(reading) = reading else { return };
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |given: &HashMap<Reading, Had>| {
            given.len() >= CALLERS_MAX || versions(given).saturating_add(fresh.parts.len()) > VERSIONS_MAX
        };
        if is_full(&given) {
            given.retain(|_, had| had.is_recent(now));
        }
        if is_full(&given) {
            given.clear();
        }
        let had = given.entry(reading).or_insert_with(|| Had::begun(now));
        if !had.is_recent(now) {
            *had = Had::begun(now);
        }
        had.sequences.extend(fresh.parts.iter().map(|part| part.sequence));
        // What was left out stood in an account that may have ended meanwhile; the one that began after it knows nothing of it.
        if fresh.besides.is_none_or(|since| since == had.since) {
            had.told.extend(fresh.told);
        }
    }
}

impl Had {
    fn begun(since: Instant) -> Self {
        Self { since, sequences: HashSet::new(), told: HashMap::new() }
    }

    fn is_recent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < REMEMBERED
    }

    fn lacks<'a>(had: Option<&Self>, leaving: impl Iterator<Item = &'a Leaving>) -> Vec<Leaving> {
        let is_new = |part: &&Leaving| had.is_none_or(|had| !had.sequences.contains(&part.sequence));
        leaving.filter(is_new).cloned().collect()
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

    /// What of some parts is new to a caller who reads no room.
    fn fresh(given: &Given, reading: Option<&Reading>, parts: &[Leaving], at: Instant) -> Fresh {
        given.fresh(reading, std::iter::empty(), parts, at)
    }

    fn sequences(fresh: &Fresh) -> Vec<i64> {
        fresh.parts.iter().map(|part| part.sequence).collect()
    }

    #[test]
    fn only_what_is_new_to_a_caller_is_told_apart_for_an_hour() {
        let (given, begun, all) = (Given::default(), Instant::now(), [leaving(1), leaving(2)]);
        let read = |reading: &Reading, at| sequences(&fresh(&given, Some(reading), &all, at));
        let one = reading("one");
        assert_eq!(read(&one, begun), [1, 2]);
        given.note(Some(one.clone()), fresh(&given, Some(&one), &all[..1], begun), begun);
        assert_eq!(read(&one, begun), [2]);
        assert_eq!(read(&reading("other"), begun), [1, 2], "another caller was given nothing");
        assert_eq!(read(&Reading { policies: 8, ..one.clone() }, begun), [1, 2], "nor under other policies");
        assert_eq!(sequences(&fresh(&given, None, &all, begun)).len(), 2);
        let later = begun + REMEMBERED;
        assert_eq!(read(&one, later), [1, 2]);
        given.note(Some(one.clone()), fresh(&given, Some(&one), &all[1..], later), later);
        assert_eq!(read(&one, later), [1], "what was given an hour ago is told again");
    }

    #[test]
    fn an_account_that_began_later_does_not_take_over_how_far_tellings_went() {
        let (given, begun, one) = (Given::default(), Instant::now(), reading("one"));
        let (case, mark) = (one.case.clone(), "00000000000040008000000000000001-9".parse::<Mark>().unwrap());
        let tell = |besides| Fresh { parts: vec![leaving(1)], told: vec![(case.clone(), mark)], besides };
        let told = || given.0.lock().unwrap()[&one].told.get(&case).copied();
        given.note(Some(one.clone()), tell(None), begun);
        assert_eq!(told(), Some(mark));
        let later = begun + REMEMBERED;
        given.note(Some(one.clone()), tell(Some(begun)), later);
        assert_eq!(told(), None, "nine notes were given by the account before");
        given.note(Some(one.clone()), tell(Some(later)), later);
        assert_eq!(told(), Some(mark));
    }

    #[test]
    fn no_more_is_remembered_than_may_be() {
        let (given, now) = (Given::default(), Instant::now());
        for number in 0..CALLERS_MAX + 3 {
            let reading = reading(&number.to_string());
            given.note(Some(reading.clone()), fresh(&given, Some(&reading), &[leaving(1)], now), now);
        }
        assert!(given.0.lock().unwrap().len() <= CALLERS_MAX);
    }
}
