//! What the edge says of itself: written by the pipelines, read by the link and the page.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use api::SourceHealth;

/// The running edge's counters and troubles.
#[derive(Debug, Default)]
pub(crate) struct Status {
    /// The hub's sequence that the indicator set in use was made from.
    pub(crate) generation: AtomicI64,
    /// Indicators in use.
    pub(crate) indicators: AtomicU64,
    /// Indicators that could not be used.
    pub(crate) refused: AtomicU64,
    /// Records read since start.
    pub(crate) records: AtomicU64,
    /// Matches since start.
    pub(crate) matches: AtomicU64,
    /// Whether the hub has told everything it had to tell at least once, and it is compiled. Before that no log is read: what
    /// would be read without knowing what to look for is lost to matching.
    pub(crate) informed: AtomicBool,
    /// Whether the hub answered last time.
    pub(crate) connected: AtomicBool,
    sources: Mutex<BTreeMap<String, SourceHealth>>,
    troubles: Mutex<BTreeMap<&'static str, ()>>,
}

impl Status {
    /// Sets how a source is.
    pub(crate) fn set_source(&self, health: SourceHealth) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).insert(health.name.clone(), health);
    }

    /// How the sources are, by name.
    pub(crate) fn sources(&self) -> Vec<SourceHealth> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Raises or lowers a trouble, by its stable code: `disk-full`, `spool-full`, `log-unreadable`, `log-lost`, `indicators-unusable`.
    pub(crate) fn set_trouble(&self, code: &'static str, is_there: bool) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if is_there {
            troubles.insert(code, ());
        } else {
            troubles.remove(code);
        }
    }

    /// The gravest trouble there is just now.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        ["disk-full", "spool-full", "log-lost", "log-unreadable"]
            .into_iter()
            .find(|code| troubles.contains_key(code))
    }

    /// Adds to a counter.
    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}
