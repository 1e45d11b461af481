//! Who is in which room now, of the people of this process: told by their consoles every few seconds, and forgotten soon after.
//!
//! Nothing of it is written anywhere. That somebody looks at a case can tell others that it may: so people are told of those only whose
//! organisation they see in the room, and of their own.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};
use stix::Id;

/// Who was not heard for so long has left: three times as long as a console takes to tell again.
const LIFE: Duration = Duration::from_secs(45);
/// Rooms with somebody in them that are told of at most.
const ROOMS_MAX: usize = 1_000;
/// People in one room at most.
const PEOPLE_MAX: usize = 500;

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Present {
    /// Whose, as entries name it.
    pub(crate) organisation: OrganisationId,
    /// Since when.
    pub(crate) since: Timestamp,
    /// Whether they are writing something.
    pub(crate) writes: bool,
    heard: Instant,
}

/// The people in one room, by account.
type People = BTreeMap<String, Present>;

/// Who is where.
#[derive(Default)]
pub(crate) struct Presence(Mutex<HashMap<(Realm, Id), People>>);

impl Presence {
    /// Hears of somebody who is in a room.
    pub(crate) fn hear(
        &self,
        room: (&Realm, &Id),
        (account, organisation): (&str, &OrganisationId),
        writes: bool,
        (now, at): (Instant, Timestamp),
    ) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (room.0.clone(), room.1.clone());
        if rooms.len() >= ROOMS_MAX && !rooms.contains_key(&key) {
            rooms.retain(|_, people| people.values().any(|one| one.is_there(now)));
            if rooms.len() >= ROOMS_MAX {
                return;
            }
        }
        let people = rooms.entry(key).or_default();
        people.retain(|_, one| one.is_there(now));
        if people.len() >= PEOPLE_MAX && !people.contains_key(account) {
            return;
        }
        let since = people.get(account).map_or(at, |one| one.since);
        let present = Present { organisation: organisation.clone(), since, writes, heard: now };
        people.insert(account.to_owned(), present);
    }

    /// Hears that somebody left.
    pub(crate) fn leave(&self, room: (&Realm, &Id), account: &str) {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (room.0.clone(), room.1.clone());
        if let Some(people) = rooms.get_mut(&key) {
            people.remove(account);
            if people.is_empty() {
                rooms.remove(&key);
            }
        }
    }

    /// Who is in a room, of those that `shows` lets through.
    pub(crate) fn here(
        &self,
        room: (&Realm, &Id),
        now: Instant,
        shows: impl Fn(&OrganisationId) -> bool,
    ) -> Vec<(String, Present)> {
        let rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let people = rooms.get(&(room.0.clone(), room.1.clone()));
        let there =
            people.into_iter().flatten().filter(|(_, one)| one.is_there(now) && shows(&one.organisation));
        there.map(|(account, one)| (account.clone(), one.clone())).collect()
    }
}

impl Present {
    fn is_there(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard) < LIFE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_heard_any_more_has_left() {
        let (presence, begun, at) = (Presence::default(), Instant::now(), Timestamp::UNIX_EPOCH);
        let case = Id::parse("incident--00000000-0000-4000-8000-000000000001").unwrap();
        let [nco, police] = ["nco", "police"].map(|name| OrganisationId::parse(name).unwrap());
        let room = (&Realm::Live, &case);
        let later = begun + Duration::from_secs(40);
        presence.hear(room, ("a", &nco), false, (begun, at));
        presence.hear(room, ("b", &police), true, (begun, at));
        presence.hear(room, ("a", &nco), true, (later, at + jiff::SignedDuration::from_secs(40)));
        let names = |now, shows: fn(&OrganisationId) -> bool| {
            let here = presence.here(room, now, shows);
            here.into_iter().map(|(account, one)| (account, one.writes, one.since)).collect::<Vec<_>>()
        };
        let (a, b) = (("a".to_owned(), true, at), ("b".to_owned(), true, at));
        assert_eq!(names(later, |_| true), [a.clone(), b]);
        let only_a = [a.clone()];
        assert_eq!(names(later, |name| name.as_str() == "nco"), only_a);
        assert_eq!(names(begun + LIFE, |_| true), only_a);
        presence.leave(room, "a");
        assert_eq!(names(begun + LIFE, |_| true), []);
        for number in 0..PEOPLE_MAX + 2 {
            presence.hear(room, (&number.to_string(), &nco), false, (later, at));
        }
        assert_eq!(names(later, |_| true).len(), PEOPLE_MAX);
    }
}
