//! Rounds of private matching while they last: what an edge sends and is sent, in the memory of this process and nowhere else.
//!
//! A round that is opened here ends here. Its key is the edge's, its blinds and the filter are gone with its entry in [`Rounds`]: when
//! it is over, when a message of it is not as it must be, when an hour went by, and when the process ends. What stays is in the store:
//! the entry of the ledger, how much was found, and the hits, sealed.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use oprf::{Answer, FilterMessage, Hash, Matching, Outcome, Query, RoundOpen, Threads};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Rounds that are held at a time: each takes up to some 100 bytes of memory for a value of filter and list.
const HELD_MAX: usize = 16;
/// After this a round is given up.
const LIFE: Duration = Duration::from_secs(3600);

/// The rounds of this process.
#[derive(Default)]
pub(crate) struct Rounds(Mutex<HashMap<Uuid, Held>>);

struct Held {
    edge: String,
    since: Instant,
    open: RoundOpen,
    /// Hash of the filter that was taken: the same one again changes nothing.
    filter: Option<Hash>,
    /// Of the answers that were taken, by batch.
    taken: BTreeMap<u32, Hash>,
    /// What is asked, by batch, once the filter is here.
    queries: Vec<Bytes>,
    stage: Stage,
}

enum Stage {
    /// A message is being computed on.
    Busy,
    Opened(Box<oprf::Hub>),
    Asked(Box<Matching>),
    /// All was answered; what was found is not written down yet.
    Over(Outcome),
}

/// Why a message is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// Another process of this node has it, or had it and was stopped.
    #[error("this round is held by another process of this node, or by one that was stopped; try again")]
    NotHere,
    /// Another message of it is being computed on, or is to come first.
    #[error("this is not the next step of the round; try again")]
    NotNow,
    /// As many rounds are held as may be.
    #[error("this node holds as many rounds as it may; try again later")]
    Full,
    /// The message is not as it must be: the round is over.
    #[error("{0}")]
    Broken(String),
}

fn broken(error: impl std::fmt::Display) -> Trouble {
    Trouble::Broken(error.to_string())
}

impl Rounds {
    /// Whether one more may be held.
    pub(crate) fn has_room(&self) -> bool {
        self.held().len() < HELD_MAX
    }

    /// Takes a round in that was opened and written down.
    pub(crate) fn hold(&self, id: Uuid, edge: &str, open: RoundOpen, hub: oprf::Hub) -> Result<(), Trouble> {
        let mut all = self.held();
        if all.len() >= HELD_MAX {
            return Err(Trouble::Full);
        }
        let held = Held {
            edge: edge.to_owned(),
            since: Instant::now(),
            open,
            filter: None,
            taken: BTreeMap::new(),
            queries: Vec::new(),
            stage: Stage::Opened(Box::new(hub)),
        };
        all.insert(id, held);
        Ok(())
    }

    /// Forgets a round, and with it all that it worked with.
    pub(crate) fn forget(&self, id: Uuid) {
        self.held().remove(&id);
    }

    /// Takes the operator's set, and makes what is asked. To be called where computing keeps nobody waiting.
    pub(crate) fn take_filter(&self, id: Uuid, edge: &str, message: &[u8]) -> Result<(), Trouble> {
        let hash: Hash = Sha256::digest(message).into();
        let (hub, open) = {
            let mut all = self.held();
            let held = of(&mut all, id, edge)?;
            if held.filter == Some(hash) {
                return Ok(());
            }
            match std::mem::replace(&mut held.stage, Stage::Busy) {
                Stage::Opened(hub) => (hub, held.open.clone()),
                other => {
                    held.stage = other;
                    return Err(Trouble::NotNow);
                }
            }
        };
        let asked = FilterMessage::decode(message, open.filter_values)
            .map_err(broken)
            .and_then(|filter| hub.ask(filter, threads()).map_err(broken));
        let (matching, queries) = asked?;
        let mut all = self.held();
        let held = of(&mut all, id, edge)?;
        held.queries = queries.iter().map(Query::encode).map(Bytes::from).collect();
        held.filter = Some(hash);
        held.stage = Stage::Asked(Box::new(matching));
        Ok(())
    }

    /// A batch of what is asked.
    pub(crate) fn query(&self, id: Uuid, edge: &str, batch: u32) -> Result<Option<Bytes>, Trouble> {
        let mut all = self.held();
        let held = of(&mut all, id, edge)?;
        if held.filter.is_none() {
            return Err(Trouble::NotNow);
        }
        Ok(held.queries.get(batch as usize).cloned())
    }

    /// Takes an answer; gives what was found where it was the last one, and again until the round is forgotten. To be called where
    /// computing keeps nobody waiting.
    pub(crate) fn take_answer(
        &self,
        id: Uuid,
        edge: &str,
        message: &[u8],
    ) -> Result<Option<Outcome>, Trouble> {
        let hash: Hash = Sha256::digest(message).into();
        let answer = Answer::decode(message).map_err(broken)?;
        let (mut matching, batches) = {
            let mut all = self.held();
            let held = of(&mut all, id, edge)?;
            if held.taken.get(&answer.batch) == Some(&hash) {
                return Ok(match &held.stage {
                    Stage::Over(outcome) => Some(outcome.clone()),
                    _ => None,
                });
            }
            match std::mem::replace(&mut held.stage, Stage::Busy) {
                Stage::Asked(matching) => (matching, held.open.batches()),
                other => {
                    held.stage = other;
                    return Err(Trouble::NotNow);
                }
            }
        };
        matching.take(std::slice::from_ref(&answer), threads()).map_err(broken)?;
        let mut all = self.held();
        let held = of(&mut all, id, edge)?;
        held.taken.insert(answer.batch, hash);
        if held.taken.len() < batches as usize {
            held.stage = Stage::Asked(matching);
            return Ok(None);
        }
        // Filter and blinds end here; the queries with the entry.
        let outcome = matching.finish().map_err(broken)?;
        held.stage = Stage::Over(outcome.clone());
        held.queries = Vec::new();
        Ok(Some(outcome))
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Uuid, Held>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, held| held.since.elapsed() < LIFE);
        all
    }
}

fn of<'h>(all: &'h mut HashMap<Uuid, Held>, id: Uuid, edge: &str) -> Result<&'h mut Held, Trouble> {
    all.get_mut(&id).filter(|held| held.edge == edge).ok_or(Trouble::NotHere)
}

/// Half of the machine: the other half answers the others.
pub(crate) fn threads() -> Threads {
    let all = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Threads(NonZeroUsize::new(all / 2).unwrap_or(NonZeroUsize::MIN))
}
