//! Which of several hubs on one database does what only one of them may do.
//!
//! Each hub has a random name for as long as it runs. What it should do, it asks for every second; a duty that another hub has is
//! left to that one until its lease runs out, by the database's clock, or is given back. A hub that is alone with its folder has
//! every duty, and asks nobody.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use store::{Act, Store, StoreError, leases};
use tokio::time::Instant;

use crate::REALM;

/// How long a duty stays with a hub that is not heard of any more.
const LEASE: Duration = Duration::from_secs(5);
/// How often a hub says that it is there: two of three may be lost.
const RENEW_EVERY: Duration = Duration::from_millis(1_500);

/// The duties of this hub.
pub(crate) struct Duties {
    /// The name that this hub's leases bear; `None`: it is alone.
    holder: Option<String>,
    kept: Mutex<Kept>,
    /// What one asker writes, another one must not take back.
    one_at_a_time: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Kept {
    wanted: BTreeSet<String>,
    held: BTreeSet<String>,
    renewed: Option<Instant>,
}

impl Duties {
    pub(crate) fn new(is_shared: bool) -> Self {
        let holder = is_shared.then(|| uuid::Uuid::new_v4().to_string());
        Self { holder, kept: Mutex::default(), one_at_a_time: tokio::sync::Mutex::default() }
    }

    /// Those of the wanted duties that are this hub's for now. Those it had and wants no more are given back.
    ///
    /// # Errors
    /// Those of the database; duties that were held until then may be another's soon.
    pub(crate) async fn take(
        &self,
        store: &Store,
        prefix: &'static str,
        wanted: BTreeSet<String>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let Some(holder) = &self.holder else { return Ok(wanted) };
        let _alone = self.one_at_a_time.lock().await;
        let named: BTreeSet<String> = wanted.iter().map(|name| format!("{prefix}{name}")).collect();
        let all = {
            let mut kept = self.lock();
            kept.wanted.retain(|name| !name.starts_with(prefix));
            kept.wanted.extend(named.iter().cloned());
            kept.wanted.clone()
        };
        if self.is_due(store, holder, &all).await? {
            self.renew(store, holder.clone(), all).await?;
        }
        let held = self.lock().held.clone();
        let own = wanted.into_iter().filter(|name| held.contains(&format!("{prefix}{name}")));
        Ok(own.collect())
    }

    /// Gives everything back: another hub takes it up at once.
    pub(crate) async fn end(&self, store: &Store) {
        let Some(holder) = self.holder.clone() else { return };
        let _alone = self.one_at_a_time.lock().await;
        self.lock().wanted.clear();
        if self.lock().held.is_empty() {
            return;
        }
        if let Err(error) = self.renew(store, holder, BTreeSet::new()).await {
            tracing::warn!(%error, "duties are not given back; another hub takes them in a few seconds");
        }
    }

    /// Whether something is to be renewed, taken up or given back: a hub that others leave nothing to do does not write.
    async fn is_due(
        &self,
        store: &Store,
        holder: &str,
        wanted: &BTreeSet<String>,
    ) -> Result<bool, StoreError> {
        {
            let kept = self.lock();
            let is_fresh = kept.renewed.is_some_and(|at| at.elapsed() < RENEW_EVERY);
            if !kept.held.is_empty() && !is_fresh || kept.held.iter().any(|name| !wanted.contains(name)) {
                return Ok(true);
            }
        }
        let running = store.read(|reader| leases::running(reader, &REALM)).await?;
        let of_others =
            |name: &String| running.iter().any(|lease| lease.name == *name && lease.holder != holder);
        let mut kept = self.lock();
        // What ran out while this hub stood still may be another's by now.
        kept.held.retain(|name| !of_others(name));
        Ok(wanted.iter().any(|name| !kept.held.contains(name) && !of_others(name)))
    }

    async fn renew(&self, store: &Store, holder: String, wanted: BTreeSet<String>) -> Result<(), StoreError> {
        let begun = Instant::now();
        let for_us = i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX);
        let taken = store.write(move |tx| {
            leases::keep_only(tx, &REALM, &wanted, &holder)?;
            leases::take(tx, &REALM, &wanted, &holder, for_us).map(Act::bookkeeping)
        });
        let held = taken.await?;
        let mut kept = self.lock();
        (kept.held, kept.renewed) = (held, Some(begun));
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
