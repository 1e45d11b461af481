//! How the links are just now: kept in memory, told on the peers' page.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use store::peers::Counts;

/// Strangers that are remembered.
const STRANGERS_MAX: usize = 20;

/// How each link is. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Lives(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    peers: HashMap<String, Live>,
    strangers: VecDeque<Stranger>,
}

/// How one link is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    /// Streams that this hub reads from the peer, or sends to it of its own accord.
    pub(crate) opened: usize,
    /// Another hub of this node keeps the link that this one would.
    pub(crate) is_elsewhere: bool,
    /// Streams that the peer reads.
    pub(crate) served: usize,
    /// Which of those is the newest; an older one ends.
    pub(crate) newest_served: u64,
    /// Attachments of reports that the peer fetches or sends just now.
    pub(crate) contents: usize,
    /// Contents of evidence that the peer fetches just now.
    pub(crate) evidence: usize,
    /// What last went wrong.
    pub(crate) trouble: Option<(String, Timestamp)>,
    /// When a frame last came.
    pub(crate) heard: Option<Timestamp>,
    /// Whether that frame said that there is nothing more.
    pub(crate) caught_up: bool,
    /// How many seconds its clock is ahead.
    pub(crate) clock_ahead_seconds: Option<i64>,
    /// What was sent and is not yet written down.
    pub(crate) sent: Counts,
    /// Faults in the peer's frames since the last good hour.
    pub(crate) faults: u32,
    /// When the first of those was.
    pub(crate) faults_since: Option<Timestamp>,
    /// How the folder of a one-way peer is.
    pub(crate) folder: Folder,
}

/// How the folder of a one-way peer is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folder {
    /// Where it is.
    pub(crate) path: String,
    /// Batches in it: those that the agent has not taken, or that wait for earlier ones.
    pub(crate) files: i64,
    /// How long they are together.
    pub(crate) bytes: i64,
    /// Whether nothing is added until the agent takes some.
    pub(crate) is_full: bool,
    /// Runs of numbers that are missing, first and last.
    pub(crate) missing: Vec<(i64, i64)>,
    /// Files that are no batches.
    pub(crate) aside: u64,
    /// The last of those: its name, why, and when.
    pub(crate) last_aside: Option<(String, String, Timestamp)>,
}

/// A node that was turned away.
#[derive(Debug, Clone)]
pub(crate) struct Stranger {
    pub(crate) fingerprint: String,
    pub(crate) times: u64,
    pub(crate) at: Timestamp,
    /// Whether it is in the audit log.
    pub(crate) is_audited: bool,
}

impl Lives {
    /// Looks at a link, or changes what is known of it.
    pub(crate) fn with<T>(&self, peer: &str, f: impl FnOnce(&mut Live) -> T) -> T {
        f(self.lock().peers.entry(peer.to_owned()).or_default())
    }

    /// Notes what went wrong.
    pub(crate) fn trouble(&self, peer: &str, what: impl Into<String>) {
        let what = what.into();
        tracing::warn!(peer, trouble = what, "a peer's link has trouble");
        self.with(peer, |live| live.trouble = Some((what, Timestamp::now())));
    }

    /// Forgets peers that are gone.
    pub(crate) fn keep(&self, known: impl Fn(&str) -> bool) {
        self.lock().peers.retain(|id, _| known(id));
    }

    /// Notes a node that was turned away.
    pub(crate) fn turned_away(&self, fingerprint: &str) {
        let mut state = self.lock();
        let at = Timestamp::now();
        let known = state.strangers.iter().position(|stranger| stranger.fingerprint == fingerprint);
        let stranger = known.and_then(|place| state.strangers.remove(place));
        let stranger = stranger.map_or_else(
            || Stranger { fingerprint: fingerprint.to_owned(), times: 1, at, is_audited: false },
            |known| Stranger { times: known.times.saturating_add(1), at, ..known },
        );
        state.strangers.push_front(stranger);
        state.strangers.truncate(STRANGERS_MAX);
    }

    /// Who was turned away, newest first.
    pub(crate) fn strangers(&self) -> Vec<Stranger> {
        self.lock().strangers.iter().cloned().collect()
    }

    /// Strangers that are not yet in the audit log; they count as written down from now on.
    pub(crate) fn take_unaudited(&self) -> Vec<Stranger> {
        let mut state = self.lock();
        let new = state.strangers.iter_mut().filter(|stranger| !stranger.is_audited);
        new.map(|stranger| {
            stranger.is_audited = true;
            stranger.clone()
        })
        .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
