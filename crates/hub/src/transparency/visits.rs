//! How often one address is answered where nobody signs in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::sign_in::limits::prefix;

/// Requests of one address in a minute.
const PER_ADDRESS_MAX: u32 = 300;
/// Requests of all addresses in a minute. A proxy in front may keep answers, and asks then for everybody.
const ALL_MAX: u32 = 6_000;
/// Addresses told apart in a minute; all further ones share what one of them has.
const ADDRESSES_MAX: usize = 4_096;
/// What is counted is counted for so long.
const MINUTE: Duration = Duration::from_secs(60);

/// The present minute.
#[derive(Debug, Default)]
pub(super) struct Visits(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    began: Option<Instant>,
    addresses: HashMap<IpAddr, u32>,
    others: u32,
    all: u32,
}

impl Visits {
    /// Counts one more.
    ///
    /// # Errors
    /// How long to wait, where it is too many.
    pub(super) fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.saturating_duration_since(*minute.began.get_or_insert(now));
        if age >= MINUTE {
            *minute = Minute { began: Some(now), ..Minute::default() };
        }
        let address = prefix(address);
        let is_told_apart = minute.addresses.len() < ADDRESSES_MAX || minute.addresses.contains_key(&address);
        let count = match is_told_apart {
            true => minute.addresses.entry(address).or_default(),
            false => &mut minute.others,
        };
        *count = count.saturating_add(1);
        let count = *count;
        minute.all = minute.all.saturating_add(1);
        if count <= PER_ADDRESS_MAX && minute.all <= ALL_MAX {
            return Ok(());
        }
        Err(MINUTE.saturating_sub(age))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(visits: &Visits, last: u32, times: u32, now: Instant) -> usize {
        let address = IpAddr::from((0xc000_0200 + last).to_be_bytes());
        (0..times).filter(|_| visits.admit(address, now).is_ok()).count()
    }

    #[test]
    fn one_address_does_not_keep_the_others_out() {
        let (visits, now) = (Visits::default(), Instant::now());
        assert_eq!(admitted(&visits, 1, 400, now), 300);
        assert_eq!(admitted(&visits, 2, 10, now), 10);
        let address = IpAddr::from([192, 0, 2, 1]);
        let pause = visits.admit(address, now + Duration::from_secs(20)).unwrap_err();
        assert_eq!(pause, Duration::from_secs(40));
        assert_eq!(visits.admit(address, now + MINUTE), Ok(()));
    }

    #[test]
    fn all_of_them_together_are_bounded_and_so_is_the_table() {
        let (visits, now) = (Visits::default(), Instant::now());
        let all: usize = (0..9_000).map(|last| admitted(&visits, last, 2, now)).sum();
        assert_eq!(all, ALL_MAX as usize);
        assert!(visits.0.lock().unwrap().addresses.len() <= ADDRESSES_MAX);
    }
}
