//! How deliveries are written down: what waits at the same time goes into one write.
//!
//! One object that comes in is given to every open stream at once. Each recipient gets its own leaf and its own rows of the ledger,
//! and a thousand of them share one transaction: while one is being committed, the next ones gather. Nobody's bytes leave before
//! its own entry is on disk.

use std::sync::{Arc, Mutex, PoisonError};

use oversight::{AuditEvent, Realm};
use store::releases::{self, Delivery};
use store::{Act, Store, StoreError, Tx, audit, emergencies};
use tokio::sync::oneshot;

use crate::problem::{Answer, Failure};

/// Deliveries that share one transaction at most.
const GROUP_MAX: usize = 1_024;
/// Deliveries that wait at most; as many as streams may be open, twice over.
const WAITING_MAX: usize = 10_000;

/// One delivery: the act, and its rows of the ledger. The leaf of the rows is filled in when it is written.
pub(crate) struct Entry {
    pub(crate) realm: Realm,
    pub(crate) event: AuditEvent,
    pub(crate) delivery: Delivery,
    /// The emergency under which alone it is given.
    pub(crate) emergency: Option<String>,
}

/// The deliveries that wait to be written down.
#[derive(Clone, Default)]
pub(crate) struct Deliveries(Arc<Mutex<Waiting>>);

/// The entries of one answer, and who waits for them.
type One = (Vec<Entry>, oneshot::Sender<Answer<()>>);

#[derive(Default)]
struct Waiting {
    entries: Vec<One>,
    /// Whether a task is writing; it goes on until nothing waits.
    is_written: bool,
}

impl Deliveries {
    /// Returns when the entries are on disk.
    ///
    /// # Errors
    /// The store's; then nothing may be given out.
    pub(crate) async fn write_down(&self, store: &Store, entries: Vec<Entry>) -> Answer<()> {
        let (reply, answer) = oneshot::channel();
        let begin = {
            let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.entries.len() >= WAITING_MAX {
                return Err(Failure::new(api::Code::Unavailable, "the node is overloaded; try again later"));
            }
            waiting.entries.push((entries, reply));
            !std::mem::replace(&mut waiting.is_written, true)
        };
        if begin {
            // A task of its own: whoever waits may go away, the others' entries are written all the same.
            tokio::spawn(self.clone().write_all(store.clone()));
        }
        answer.await.map_err(|_| Failure::internal("a delivery was not written down"))?
    }

    async fn write_all(self, store: Store) {
        while let Some(group) = self.next_group() {
            let (entries, replies): (Vec<Vec<Entry>>, Vec<_>) = group.into_iter().unzip();
            let written = store.write(move |tx| write(tx, entries.into_iter().flatten().collect())).await;
            let answer = written.map_err(Failure::from);
            for reply in replies {
                // The recipient may have gone away.
                let _ = reply.send(answer.clone());
            }
        }
    }

    fn next_group(&self) -> Option<Vec<One>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.entries.is_empty() {
            waiting.is_written = false;
            return None;
        }
        let count = waiting.entries.len().min(GROUP_MAX);
        Some(waiting.entries.drain(..count).collect())
    }
}

/// The rows, and the acts in the same order, so that each row bears the leaf that its act will get.
fn write(tx: &mut Tx<'_>, entries: Vec<Entry>) -> Result<Act<()>, StoreError> {
    let first = audit::next_leaf(tx)?;
    let mut events = Vec::with_capacity(entries.len());
    for (leaf, entry) in (first..).zip(entries) {
        if let Some(emergency) = &entry.emergency {
            let lengths = entry.delivery.runs.iter().map(|(first, last)| last.abs_diff(*first) + 1);
            emergencies::count_read(tx, &entry.realm, emergency, lengths.sum())?;
        }
        releases::record(tx, &entry.realm, &Delivery { leaf, ..entry.delivery })?;
        events.push((entry.realm, entry.event));
    }
    Ok(Act::audited_in((), events))
}
