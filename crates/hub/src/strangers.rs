//! How many refusals of people who are not signed in are written down, and what becomes of the others.
//!
//! Nobody may fill the audit log without signing in, and nobody may hide in the crowd that does: who fails to sign in to an account
//! that exists is written down apart from the junk that addresses send, and of what is too much the number is written down at the
//! end of each minute.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use oversight::{Actor, AuditEvent, Purpose};
use store::Act;

use crate::sign_in::limits::prefix;
use crate::state::AppState;

/// Failed sign-ins to one account that are written down in a minute one by one.
const PER_ACCOUNT_MAX: u32 = 30;
/// Other refusals of one address that are written down in a minute one by one.
const PER_ADDRESS_MAX: u32 = 10;
/// Other refusals of all addresses together.
const JUNK_MAX: u32 = 60;
/// Addresses told apart in a minute; all further ones share what is left.
const ADDRESSES_MAX: usize = 4_096;
/// Accounts that one summary names at most.
const ACCOUNTS_NAMED_MAX: usize = 400;
/// What is counted is counted for so long.
const MINUTE: Duration = Duration::from_secs(60);
/// How often is looked whether the minute is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a refusal is counted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tried {
    /// Signing in to an account that exists.
    Account(String),
    /// Anything else, from an address.
    From(IpAddr),
}

/// The present minute.
#[derive(Debug, Default)]
pub(crate) struct Strangers(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    began: Option<Instant>,
    accounts: HashMap<String, u32>,
    addresses: HashMap<IpAddr, u32>,
    junk: u32,
    suppressed: Suppressed,
}

/// What was not written down one by one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Suppressed {
    /// Failed sign-ins, by account.
    accounts: BTreeMap<String, u64>,
    /// Everything else.
    junk: u64,
    /// From how many addresses, as far as they are told apart.
    addresses: HashSet<IpAddr>,
}

impl Tried {
    /// The account where one was tried, else the address.
    pub(crate) fn of(account: Option<String>, address: IpAddr) -> Self {
        account.map_or(Self::From(address), Self::Account)
    }

    /// The account that was tried.
    pub(crate) fn account(self) -> Option<String> {
        match self {
            Self::Account(account) => Some(account),
            Self::From(_) => None,
        }
    }
}

impl Strangers {
    /// Whether one more is written down now by itself; else it is counted.
    pub(crate) fn admit(&self, tried: &Tried, now: Instant) -> bool {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        minute.began.get_or_insert(now);
        match tried {
            Tried::Account(account) => minute.admit_account(account),
            Tried::From(address) => minute.admit_junk(prefix(*address)),
        }
    }

    /// Ends the minute when it is over, or in any case; gives what is still to be written down of it.
    fn turn(&self, now: Instant, in_any_case: bool) -> Option<Suppressed> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = minute.began.is_some_and(|began| now.saturating_duration_since(began) >= MINUTE);
        if !is_over && !in_any_case {
            return None;
        }
        Some(std::mem::take(&mut *minute).suppressed)
            .filter(|suppressed| *suppressed != Suppressed::default())
    }
}

impl Minute {
    fn admit_account(&mut self, account: &str) -> bool {
        let count = self.accounts.entry(account.to_owned()).or_default();
        *count = count.saturating_add(1);
        let admitted = *count <= PER_ACCOUNT_MAX;
        if !admitted {
            *self.suppressed.accounts.entry(account.to_owned()).or_default() += 1;
        }
        admitted
    }

    fn admit_junk(&mut self, address: IpAddr) -> bool {
        let is_told_apart = self.addresses.len() < ADDRESSES_MAX || self.addresses.contains_key(&address);
        let count = if is_told_apart {
            let count = self.addresses.entry(address).or_default();
            *count = count.saturating_add(1);
            *count
        } else {
            1
        };
        if count <= PER_ADDRESS_MAX && self.junk < JUNK_MAX {
            self.junk += 1;
            return true;
        }
        self.suppressed.junk += 1;
        if self.suppressed.addresses.len() < ADDRESSES_MAX {
            self.suppressed.addresses.insert(address);
        }
        false
    }
}

impl Suppressed {
    fn event(&self) -> AuditEvent {
        let sign_ins: u64 = self.accounts.values().sum();
        AuditEvent::refused(Actor::Stranger, Purpose::Administration, "suppressed")
            .on(self.accounts.keys().take(ACCOUNTS_NAMED_MAX).cloned())
            .with("suppressed", (sign_ins + self.junk).to_string())
            .with("sign-ins", sign_ins.to_string())
            .with("addresses", self.addresses.len().to_string())
    }
}

/// Writes down, at the end of each minute, how many were not written down one by one; for the last time when the hub stops.
pub(crate) async fn run(state: AppState) {
    loop {
        let is_last = tokio::select! {
            () = state.stopping.wait() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        if let Some(suppressed) = state.strangers.turn(Instant::now(), is_last) {
            let event = suppressed.event();
            let written = state.store.write(move |_| Ok(Act::audited((), &crate::REALM, event))).await;
            if let Err(error) = written {
                tracing::error!(%error, "the number of suppressed refusals could not be written to the audit log");
            }
        }
        if is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Tried {
        Tried::From(IpAddr::from([192, 0, 2, last]))
    }

    /// Tries each so often, and tells how many were admitted.
    fn check(strangers: &Strangers, tried: &Tried, times: u32, expected: u32) {
        let now = Instant::now();
        let admitted = (0..times).filter(|_| strangers.admit(tried, now)).count();
        assert_eq!(admitted, expected as usize, "{tried:?}");
    }

    #[test]
    fn junk_does_not_crowd_out_failed_sign_ins() {
        let strangers = Strangers::default();
        for last in 1..=100 {
            check(&strangers, &address(last), 20, if last <= 6 { 10 } else { 0 });
        }
        check(&strangers, &Tried::Account("sato".to_owned()), 40, 30);
        check(&strangers, &Tried::Account("suzuki".to_owned()), 5, 5);
    }

    #[test]
    fn what_is_too_much_is_counted_and_told_once() {
        let strangers = Strangers::default();
        let began = Instant::now();
        check(&strangers, &address(1), 15, 10);
        check(&strangers, &address(2), 11, 10);
        check(&strangers, &Tried::Account("sato".to_owned()), 32, 30);
        assert_eq!(strangers.turn(began + Duration::from_secs(59), false), None);
        let event = strangers.turn(began + Duration::from_secs(61), false).unwrap().event();
        assert_eq!(
            (&*event.detail["suppressed"], &*event.detail["sign-ins"], &*event.detail["addresses"]),
            ("8", "2", "2")
        );
        assert_eq!(event.objects, ["sato"]);
        assert_eq!(strangers.turn(began + Duration::from_secs(130), true), None);
        check(&strangers, &address(1), 15, 10);
        assert!(strangers.turn(began, true).is_some(), "a stop writes down what there is");
    }

    #[test]
    fn the_tables_stay_bounded() {
        let strangers = Strangers::default();
        let now = Instant::now();
        for number in 0..20_000_u32 {
            strangers.admit(&Tried::From(IpAddr::from(number.to_be_bytes())), now);
        }
        let minute = strangers.0.lock().unwrap();
        assert_eq!((minute.junk, minute.suppressed.junk), (60, 19_940));
        assert!(
            minute.addresses.len() <= ADDRESSES_MAX && minute.suppressed.addresses.len() <= ADDRESSES_MAX
        );
    }
}
