//! What slows down somebody who guesses passwords, links or tokens.
//!
//! Failures are counted for the pair of name and address, for the name, and for the address. The pair has the tightest limit, so
//! that a stranger who guesses somebody's password from elsewhere locks out himself first, and the person only much later.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Free failures of one name from one address; each further one doubles the pause.
const PAIR_FREE: u32 = 5;
/// Free failures of one name from anywhere.
const LOGIN_FREE: u32 = 30;
/// Free failures from one address for any name.
const ADDRESS_FREE: u32 = 60;
/// Free beginnings of passkey sign-ins from one address that came to nothing: far fewer than the ceremonies that are kept.
const START_FREE: u32 = 200;
/// The first pause.
const PAUSE_FIRST: Duration = Duration::from_secs(2);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// Failures are forgotten after this long without another.
const FORGET_AFTER: Duration = Duration::from_secs(60 * 60);
/// Most counters kept. When it is full, what is over is dropped first, then what is oldest.
const COUNTERS_MAX: usize = 65_536;

/// Who failed how often.
#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<HashMap<Counted, Failures>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    Pair(Box<str>, IpAddr),
    Login(Box<str>),
    Address(IpAddr),
    Start(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Limits {
    /// How long to wait before the next attempt of `login` (where one is named) from `address`; zero lets it through.
    pub(crate) fn pause(&self, login: Option<&str>, address: IpAddr, now: Instant) -> Duration {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys(login, address)
            .filter_map(|key| counters.get(&key).map(|failures| failures.pause(key.free(), now)))
            .max()
            .unwrap_or_default()
    }

    /// How long to wait before the next passkey sign-in may begin from `address`. Where it is zero, one is counted.
    pub(crate) fn start(&self, address: IpAddr, now: Instant) -> Duration {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= COUNTERS_MAX {
            make_room(&mut counters, now);
        }
        let key = Counted::Start(prefix(address));
        let free = key.free();
        let started = counters.entry(key).or_insert(Failures { count: 0, last: now });
        let pause = started.pause(free, now);
        if pause.is_zero() {
            started.count = if started.is_over(now) { 1 } else { started.count.saturating_add(1) };
            started.last = now;
        }
        pause
    }

    /// Takes one beginning back: it led to a session.
    pub(crate) fn finished(&self, address: IpAddr) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(started) = counters.get_mut(&Counted::Start(prefix(address))) {
            started.count = started.count.saturating_sub(1);
        }
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, login: Option<&str>, address: IpAddr, now: Instant) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.len() >= COUNTERS_MAX {
            make_room(&mut counters, now);
        }
        for key in keys(login, address) {
            let failures = counters.entry(key).or_insert(Failures { count: 0, last: now });
            failures.count = if failures.is_over(now) { 1 } else { failures.count.saturating_add(1) };
            failures.last = now;
        }
    }

    /// Takes one failure back that was counted in advance, and forgets those of the pair: its person is here. The other counts of
    /// name and address stay, or one account would wash them clean.
    pub(crate) fn succeeded(&self, login: &str, address: IpAddr) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(Some(login), address) {
            match counters.get_mut(&key) {
                Some(failures) if failures.count > 1 && !matches!(key, Counted::Pair(..)) => {
                    failures.count -= 1;
                }
                _ => drop(counters.remove(&key)),
            }
        }
    }
}

fn keys(login: Option<&str>, address: IpAddr) -> impl Iterator<Item = Counted> {
    let address = prefix(address);
    let named = login
        .into_iter()
        .flat_map(move |login| [Counted::Pair(login.into(), address), Counted::Login(login.into())]);
    named.chain([Counted::Address(address)])
}

/// IPv6 customers own a /64 at least: one of them is one address.
pub(crate) fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
    }
}

impl Counted {
    fn free(&self) -> u32 {
        match self {
            Self::Pair(..) => PAIR_FREE,
            Self::Login(_) => LOGIN_FREE,
            Self::Address(_) => ADDRESS_FREE,
            Self::Start(_) => START_FREE,
        }
    }
}

impl Failures {
    fn is_over(self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) >= FORGET_AFTER
    }

    fn pause(self, free: u32, now: Instant) -> Duration {
        if self.count < free || self.is_over(now) {
            return Duration::ZERO;
        }
        let doublings = (self.count - free).min(20);
        let pause = PAUSE_FIRST.saturating_mul(1 << doublings).min(PAUSE_MAX);
        pause.saturating_sub(now.saturating_duration_since(self.last))
    }
}

fn make_room(counters: &mut HashMap<Counted, Failures>, now: Instant) {
    counters.retain(|_, failures| !failures.is_over(now));
    if counters.len() >= COUNTERS_MAX {
        let mut ages: Vec<Instant> = counters.values().map(|failures| failures.last).collect();
        let (_, median, _) = ages.select_nth_unstable(COUNTERS_MAX / 2);
        let median = *median;
        counters.retain(|_, failures| failures.last > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn check(failures: u32, expected_seconds: u64) {
        let (limits, now) = (Limits::default(), Instant::now());
        for _ in 0..failures {
            limits.failed(Some("sato"), HERE, now);
        }
        assert_eq!(
            limits.pause(Some("sato"), HERE, now),
            Duration::from_secs(expected_seconds),
            "{failures} failures"
        );
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        check(0, 0);
        check(4, 0);
        check(5, 2);
        check(6, 4);
        check(10, 64);
        check(200, 900);
    }

    #[test]
    fn a_guesser_locks_out_himself_first() {
        let (limits, now) = (Limits::default(), Instant::now());
        for _ in 0..20 {
            limits.failed(Some("sato"), HERE, now);
        }
        assert!(limits.pause(Some("sato"), HERE, now) > Duration::ZERO);
        assert_eq!(limits.pause(Some("sato"), THERE, now), Duration::ZERO);
        assert_eq!(limits.pause(Some("suzuki"), HERE, now), Duration::ZERO);
    }

    #[test]
    fn many_names_from_one_address_are_slowed_as_well() {
        let (limits, now) = (Limits::default(), Instant::now());
        for number in 0..60 {
            limits.failed(Some(&format!("name{number}")), HERE, now);
        }
        assert!(limits.pause(Some("other"), HERE, now) > Duration::ZERO);
        assert!(limits.pause(None, HERE, now) > Duration::ZERO);
    }

    #[test]
    fn pauses_pass_and_success_forgets() {
        let (limits, now) = (Limits::default(), Instant::now());
        for _ in 0..5 {
            limits.failed(Some("sato"), HERE, now);
        }
        assert_eq!(limits.pause(Some("sato"), HERE, now + PAUSE_FIRST), Duration::ZERO);
        limits.failed(Some("sato"), HERE, now + FORGET_AFTER);
        assert_eq!(limits.pause(Some("sato"), HERE, now + FORGET_AFTER), Duration::ZERO);
        limits.succeeded("sato", HERE);
        assert_eq!(limits.pause(Some("sato"), HERE, now), Duration::ZERO);
    }

    #[test]
    fn a_busy_office_behind_one_address_is_not_locked_out() {
        let (limits, now) = (Limits::default(), Instant::now());
        for number in 0..500 {
            let login = format!("name{}", number % 40);
            assert_eq!(limits.pause(Some(&login), HERE, now), Duration::ZERO, "{number}");
            limits.failed(Some(&login), HERE, now);
            limits.succeeded(&login, HERE);
        }
        assert!(limits.0.lock().unwrap().is_empty());
    }

    #[test]
    fn the_table_stays_bounded() {
        let (limits, now) = (Limits::default(), Instant::now());
        for number in 0..100_000_u64 {
            let at = now + Duration::from_millis(number);
            limits.failed(Some(&format!("n{number}")), HERE, at);
        }
        assert!(limits.0.lock().unwrap().len() <= COUNTERS_MAX + 3);
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        let (limits, now) = (Limits::default(), Instant::now());
        for number in 0..60_u32 {
            limits.failed(None, format!("2001:db8:1:2::{number:x}").parse().unwrap(), now);
        }
        assert!(limits.pause(None, "2001:db8:1:2:ffff::1".parse().unwrap(), now) > Duration::ZERO);
        assert_eq!(limits.pause(None, "2001:db8:1:3::1".parse().unwrap(), now), Duration::ZERO);
    }
}
