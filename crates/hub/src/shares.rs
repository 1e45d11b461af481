//! How much of what the whole hub has one caller may hold at once: memory for bodies, open streams.
//!
//! The hub's own limits keep it alive; shares keep it there for the others when one organisation's programs run wild.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oversight::OrganisationId;
use tokio::sync::Notify;

/// Who holds something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// All of an organisation's people and programs together.
    Organisation(OrganisationId),
    /// One account or token.
    Caller(String),
}

/// What is held of one kind of thing. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shares(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Only those who hold something; so the table is never larger than what is held.
    held: Mutex<HashMap<Holder, u64>>,
    freed: Notify,
}

/// A part that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    shares: Shares,
    holders: Vec<Holder>,
    amount: u64,
}

impl Shares {
    /// Takes an amount in the name of all holders, each with the most that it may hold; nothing where one would hold more.
    pub(crate) fn try_take(&self, holders: &[(Holder, u64)], amount: u64) -> Option<Share> {
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = |(holder, most): &(Holder, u64)| {
            held.get(holder).copied().unwrap_or(0).saturating_add(amount) <= *most
        };
        if !holders.iter().all(has_room) {
            return None;
        }
        for (holder, _) in holders {
            *held.entry(holder.clone()).or_default() += amount;
        }
        let holders = holders.iter().map(|(holder, _)| holder.clone()).collect();
        Some(Share { shares: self.clone(), holders, amount })
    }

    /// The same, with patience for others of the same holder to finish.
    pub(crate) async fn take(
        &self,
        holders: &[(Holder, u64)],
        amount: u64,
        patience: Duration,
    ) -> Option<Share> {
        let wait = async {
            loop {
                let freed = self.0.freed.notified();
                if let Some(share) = self.try_take(holders, amount) {
                    return share;
                }
                freed.await;
            }
        };
        tokio::time::timeout(patience, wait).await.ok()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        for holder in &self.holders {
            if let Some(amount) = held.get_mut(holder) {
                *amount = amount.saturating_sub(self.amount);
                if *amount == 0 {
                    held.remove(holder);
                }
            }
        }
        drop(held);
        self.shares.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(organisation: &str, caller: &str) -> [(Holder, u64); 2] {
        let organisation = OrganisationId::parse(organisation).unwrap();
        [(Holder::Organisation(organisation), 10), (Holder::Caller(caller.to_owned()), 6)]
    }

    #[test]
    fn nobody_holds_more_than_a_share() {
        let shares = Shares::default();
        let first = shares.try_take(&of("rail", "a"), 6).unwrap();
        assert!(shares.try_take(&of("rail", "a"), 1).is_none(), "the caller's share");
        assert!(shares.try_take(&of("rail", "b"), 5).is_none(), "the organisation's share");
        let second = shares.try_take(&of("rail", "b"), 4).unwrap();
        let other = shares.try_take(&of("power", "c"), 6).unwrap();
        drop(first);
        assert!(shares.try_take(&of("rail", "a"), 6).is_some());
        drop((second, other));
        assert!(shares.0.held.lock().unwrap().is_empty(), "who holds nothing is forgotten");
    }

    #[tokio::test]
    async fn who_is_patient_gets_what_is_given_back() {
        let shares = Shares::default();
        let first = shares.try_take(&of("rail", "a"), 6).unwrap();
        assert!(shares.take(&of("rail", "a"), 6, Duration::from_millis(1)).await.is_none());
        let (waiting, holders) = (shares.clone(), of("rail", "a"));
        let waiter =
            tokio::spawn(async move { waiting.take(&holders, 6, Duration::from_secs(60)).await.is_some() });
        drop(first);
        assert!(waiter.await.unwrap());
    }
}
