//! Who is in which room now: told by their consoles every few seconds, and forgotten soon after.
//!
//! - Nothing of it is written anywhere. That somebody looks at a case can tell others that it may: so people are told of those only whose
//!   organisation they see in the room, and of their own. The process that is asked decides it, whoever heard of somebody first.
//! - A hub that runs as several processes tells itself ([`news`]): by NATS where that is configured, by the database's notifications where not
//!   ([`aside`]). What is lost on the way is said again by the next beat of a console, and a process that hears nobody knows its own people.
//! - What they say is sealed under a key that only this node's processes have, and tells when it was said ([`seal`]). Still it is read as a
//!   stranger's is, takes no more room than people here would, and none from them; and how long ago somebody was heard is known by the clock of
//!   who heard it.

pub(crate) mod aside;
mod news;
mod outbox;
mod seal;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};
use stix::Id;

use self::news::News;
use self::outbox::Outbox;
use self::seal::Unheard;

pub(crate) use self::seal::Seal;

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
    /// Whether they said it here, and not at another process.
    is_own: bool,
}

/// The people in one room, by account.
type People = BTreeMap<String, Present>;

/// Who is where.
pub(crate) struct Presence {
    rooms: Mutex<HashMap<(Realm, Id), People>>,
    /// What other processes are to be told.
    outbox: Outbox,
    /// By what they are told it so that nobody else is.
    seal: Seal,
}

impl Presence {
    /// Nobody is anywhere yet.
    pub(crate) fn new(seal: Seal) -> Self {
        Self { rooms: Mutex::default(), outbox: Outbox::default(), seal }
    }

    /// Hears of somebody who is in a room.
    pub(crate) fn hear(
        &self,
        room: (&Realm, &Id),
        who: (&str, &OrganisationId),
        writes: bool,
        (now, at): (Instant, Timestamp),
    ) {
        let news = self.news_of(room, who, (writes, false));
        self.note(&news, true, (now, at));
        self.outbox.put(news, now);
    }

    /// Hears that somebody left.
    pub(crate) fn leave(&self, room: (&Realm, &Id), who: (&str, &OrganisationId), now: Instant) {
        let news = self.news_of(room, who, (false, true));
        self.strike(&news);
        self.outbox.put(news, now);
    }

    /// Hears what another process says, or whoever else writes where they speak.
    pub(crate) fn hear_other(&self, message: &[u8], now: (Instant, Timestamp)) {
        let message = match self.seal.open(message, now.1) {
            Ok(message) => message,
            Err(Unheard::Foreign) => {
                tracing::debug!("a message about who is in a room is not of this node's processes");
                return;
            }
            Err(Unheard::Untimely(seconds)) => {
                if self.seal.warns(now.0) {
                    tracing::warn!(
                        seconds,
                        "another process tells who is in a room by a clock that is over a minute from this one's, or somebody \
                         repeats what it told; it is not listened to. Set the clocks of all the node's machines"
                    );
                }
                return;
            }
        };
        match News::read(&message) {
            // Some ways give back what one said.
            Ok(news) if news.process == self.outbox.process => {}
            Ok(news) if news.leaves => self.strike(&news),
            Ok(news) => self.note(&news, false, now),
            Err(why) => tracing::debug!(why, "a message about who is in a room is not understood"),
        }
    }

    /// From now on something carries [`Self::news`] to other processes.
    pub(crate) fn carry(&self) {
        self.outbox.carry();
    }

    /// Messages for other processes, as soon as there are any.
    pub(crate) async fn news(&self) -> Vec<String> {
        self.outbox.wait().await;
        self.due((Instant::now(), Timestamp::now()))
    }

    /// What is due now, sealed.
    fn due(&self, (now, at): (Instant, Timestamp)) -> Vec<String> {
        let due = self.outbox.take(now);
        due.iter().filter_map(|news| self.seal.seal(&news.written()?, at)).collect()
    }

    /// Hears that messages did not arrive.
    pub(crate) fn forget_told(&self) {
        self.outbox.forget();
    }

    /// Who is in a room, of those that `shows` lets through.
    pub(crate) fn here(
        &self,
        room: (&Realm, &Id),
        now: Instant,
        shows: impl Fn(&OrganisationId) -> bool,
    ) -> Vec<(String, Present)> {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let people = rooms.get(&(room.0.clone(), room.1.clone()));
        let there =
            people.into_iter().flatten().filter(|(_, one)| one.is_there(now) && shows(&one.organisation));
        there.map(|(account, one)| (account.clone(), one.clone())).collect()
    }

    fn news_of(
        &self,
        room: (&Realm, &Id),
        (account, organisation): (&str, &OrganisationId),
        (writes, leaves): (bool, bool),
    ) -> News {
        News {
            process: self.outbox.process,
            realm: room.0.clone(),
            case: room.1.clone(),
            account: account.to_owned(),
            organisation: organisation.clone(),
            writes,
            leaves,
        }
    }

    /// Writes down that somebody is there.
    fn note(&self, news: &News, is_own: bool, (now, at): (Instant, Timestamp)) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (news.realm.clone(), news.case.clone());
        if rooms.len() >= ROOMS_MAX && !rooms.contains_key(&key) {
            rooms.retain(|_, people| people.values().any(|one| one.is_there(now)));
            if rooms.len() >= ROOMS_MAX && is_own {
                let others = rooms.iter().find(|(_, people)| people.values().all(|one| !one.is_own));
                if let Some(others) = others.map(|(room, _)| room.clone()) {
                    rooms.remove(&others);
                }
            }
            if rooms.len() >= ROOMS_MAX {
                return;
            }
        }
        let people = rooms.entry(key).or_default();
        people.retain(|_, one| one.is_there(now));
        if people.len() >= PEOPLE_MAX && !people.contains_key(&news.account) {
            let other = people.iter().find(|(_, one)| is_own && !one.is_own);
            let Some(other) = other.map(|(account, _)| account.clone()) else { return };
            people.remove(&other);
        }
        let since = people.get(&news.account).map_or(at, |one| one.since.min(at));
        let (organisation, writes) = (news.organisation.clone(), news.writes);
        people.insert(news.account.clone(), Present { organisation, since, writes, heard: now, is_own });
    }

    /// Strikes out who left.
    fn strike(&self, news: &News) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (news.realm.clone(), news.case.clone());
        if let Some(people) = rooms.get_mut(&key) {
            people.remove(&news.account);
            if people.is_empty() {
                rooms.remove(&key);
            }
        }
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

    fn case(number: u128) -> Id {
        Id::new("incident", uuid::Uuid::from_u128(number))
    }

    fn organisation(name: &str) -> OrganisationId {
        OrganisationId::parse(name).unwrap()
    }

    fn of_node(seed: u8) -> Presence {
        Presence::new(Seal::new(&[seed; 32], &uuid::Uuid::nil()).unwrap())
    }

    /// Two processes, with what carries from each.
    fn two() -> [Presence; 2] {
        let two = [of_node(1), of_node(1)];
        two.iter().for_each(Presence::carry);
        two
    }

    /// Carries what is due from one process to all.
    fn carry(from: &Presence, to: &[Presence], now: (Instant, Timestamp)) -> usize {
        let messages = from.due(now);
        for message in &messages {
            to.iter().for_each(|process| process.hear_other(message.as_bytes(), now));
        }
        messages.len()
    }

    fn names(presence: &Presence, now: Instant) -> Vec<(String, bool, Timestamp)> {
        let here = presence.here((&Realm::Live, &case(1)), now, |_| true);
        here.into_iter().map(|(account, one)| (account, one.writes, one.since)).collect()
    }

    #[test]
    fn who_is_not_heard_any_more_has_left() {
        let (presence, begun, at) = (of_node(1), Instant::now(), Timestamp::UNIX_EPOCH);
        let case = Id::parse("incident--00000000-0000-4000-8000-000000000001").unwrap();
        let [nco, police] = ["nco", "police"].map(organisation);
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
        presence.leave(room, ("a", &nco), later);
        assert_eq!(names(begun + LIFE, |_| true), []);
        for number in 0..PEOPLE_MAX + 2 {
            presence.hear(room, (&number.to_string(), &nco), false, (later, at));
        }
        assert_eq!(names(later, |_| true).len(), PEOPLE_MAX);
    }

    #[test]
    fn what_one_process_hears_the_other_one_tells() {
        let (two, begun, at) = (two(), Instant::now(), Timestamp::UNIX_EPOCH);
        let [one, other] = &two;
        let (nco, room) = (organisation("nco"), (&Realm::Live, &case(1)));
        one.hear(room, ("a", &nco), false, (begun, at));
        assert_eq!(carry(one, &two, (begun, at)), 1);
        let a = |writes| ("a".to_owned(), writes, at);
        for process in &two {
            assert_eq!(names(process, begun), [a(false)]);
        }
        assert!(one.here(room, begun, |_| true)[0].1.is_own, "what comes back says nothing new");
        assert!(
            other.here(room, begun, |name| name.as_str() == "police").is_empty(),
            "the reader's process decides"
        );
        // A balancer sends the next beat elsewhere, later: still since the first one, by whichever clock.
        let later = begun + Duration::from_secs(15);
        let late = at + jiff::SignedDuration::from_secs(15);
        other.hear(room, ("a", &nco), true, (later, late));
        assert_eq!(carry(other, &two, (later, late)), 1);
        for process in &two {
            assert_eq!(names(process, later), [a(true)]);
            assert_eq!(names(process, begun + LIFE), [a(true)]);
        }
        one.leave(room, ("a", &nco), later);
        assert_eq!(carry(one, &two, (later, late)), 1);
        for process in &two {
            assert_eq!(names(process, later), []);
        }
        assert_eq!(carry(other, &two, (later, late)), 0, "what was heard is not told on");
    }

    #[test]
    fn other_rooms_and_exercises_are_not_this_one() {
        let (two, begun, at) = (two(), Instant::now(), Timestamp::UNIX_EPOCH);
        let nco = organisation("nco");
        let exercise = Realm::Exercise("e".into());
        two[0].hear((&exercise, &case(1)), ("a", &nco), false, (begun, at));
        two[0].hear((&Realm::Live, &case(2)), ("a", &nco), false, (begun, at));
        assert_eq!(carry(&two[0], &two, (begun, at)), 2);
        assert_eq!(names(&two[1], begun), []);
        assert_eq!(two[1].here((&exercise, &case(1)), begun, |_| true).len(), 1);
    }

    #[test]
    fn only_the_nodes_own_processes_are_believed_and_only_for_a_while() {
        let (begun, at) = (Instant::now(), Timestamp::UNIX_EPOCH);
        let [one, other] = two();
        let stranger = of_node(2);
        stranger.carry();
        let (nco, room) = (organisation("nco"), (&Realm::Live, &case(1)));
        stranger.hear(room, ("b", &nco), false, (begun, at));
        let forged = stranger.due((begun, at));
        let plain = one.news_of(room, ("c", &nco), (false, false)).written().unwrap();
        for message in forged.iter().chain([&plain]) {
            other.hear_other(message.as_bytes(), (begun, at));
        }
        assert_eq!((forged.len(), names(&other, begun)), (1, Vec::new()));
        one.hear(room, ("a", &nco), false, (begun, at));
        let told = one.due((begun, at));
        let hear = |seconds: i64| {
            let clock = at + jiff::SignedDuration::from_secs(seconds);
            told.iter().for_each(|message| other.hear_other(message.as_bytes(), (begun, clock)));
            names(&other, begun).len()
        };
        assert_eq!(
            (told.len(), hear(61), hear(-61)),
            (1, 0, 0),
            "the clocks differ too much, or it is repeated"
        );
        assert_eq!(hear(60), 1);
    }

    #[test]
    fn a_process_that_floods_takes_no_place_from_people_here() {
        let (presence, begun, at) = (of_node(1), Instant::now(), Timestamp::UNIX_EPOCH);
        let (nco, now) = (organisation("nco"), (begun, at));
        let news = |room: usize, account: usize| News {
            process: presence.outbox.process.wrapping_add(1),
            realm: Realm::Live,
            case: case(room as u128),
            account: account.to_string(),
            organisation: nco.clone(),
            writes: false,
            leaves: false,
        };
        let said = |news: News| presence.seal.seal(&news.written().unwrap(), at).unwrap();
        let hear = |news: News| presence.hear_other(said(news).as_bytes(), now);
        presence.hear((&Realm::Live, &case(1)), ("own", &nco), false, now);
        (0..PEOPLE_MAX + 5).for_each(|account| hear(news(1, account)));
        (2..ROOMS_MAX + 5).for_each(|room| hear(news(room, 0)));
        assert_eq!(presence.rooms.lock().unwrap().len(), ROOMS_MAX);
        assert_eq!(names(&presence, begun).len(), PEOPLE_MAX);
        presence.hear((&Realm::Live, &case(1)), ("second", &nco), false, now);
        let here = names(&presence, begun);
        assert_eq!(here.len(), PEOPLE_MAX);
        assert!(["own", "second"].iter().all(|own| here.iter().any(|(account, ..)| account == own)));
        let new = case(u128::MAX);
        presence.hear((&Realm::Live, &new), ("own", &nco), false, now);
        assert_eq!(presence.here((&Realm::Live, &new), begun, |_| true).len(), 1);
        assert_eq!(presence.rooms.lock().unwrap().len(), ROOMS_MAX);
        for garbage in [&b""[..], b"\xff\xfe", b"{}", &[b'x'; 4_096]] {
            presence.hear_other(garbage, now);
        }
    }
}
