//! What the edge says of itself: written by the pipelines, read by the link and the page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use api::SourceHealth;
use matcher::{WindowTally, Windows};
use serde::Serialize;
use telemetry::Unreadable;

use crate::source::kafka::PartitionLag;

/// How a source is, in full: the hub is told the first of it.
#[derive(Debug, Clone)]
pub(crate) struct SourceReport {
    pub(crate) health: SourceHealth,
    /// Lines that could not be read, by reason.
    pub(crate) unreadable: BTreeMap<&'static str, u64>,
    /// Pushed bodies and messages that had been taken in before, and were passed over.
    pub(crate) repeated: u64,
    /// Bytes of what was pushed that could not be read back.
    pub(crate) damaged: u64,
    /// Messages of a stream that wait for the group.
    pub(crate) behind_messages: Option<u64>,
    /// Of which partitions, the furthest behind first.
    pub(crate) partitions: Vec<PartitionLag>,
    pub(crate) windows: WindowsReport,
}

/// What patterns over several records remember, and what they could not decide.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct WindowsReport {
    pub(crate) held: u64,
    #[serde(flatten)]
    pub(crate) tally: WindowTally,
}

impl SourceReport {
    pub(crate) fn new(health: SourceHealth) -> Self {
        Self {
            health,
            unreadable: BTreeMap::new(),
            repeated: 0,
            damaged: 0,
            behind_messages: None,
            partitions: Vec::new(),
            windows: WindowsReport::default(),
        }
    }

    pub(crate) fn count_unreadable(&mut self, why: Unreadable, by: u64) {
        if by > 0 {
            *self.unreadable.entry(why.code()).or_default() += by;
        }
    }
}

impl From<&Windows> for WindowsReport {
    fn from(windows: &Windows) -> Self {
        Self { held: windows.held() as u64, tally: windows.tally() }
    }
}

impl std::iter::Sum for WindowsReport {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            sum.held += one.held;
            sum.tally.late += one.tally.late;
            sum.tally.future += one.tally.future;
            sum.tally.forgotten += one.tally.forgotten;
            sum.tally.undecided += one.tally.undecided;
            sum
        })
    }
}

/// The running edge's counters and troubles.
#[derive(Debug, Default)]
pub(crate) struct Status {
    /// The hub's sequence that the indicator set in use was made from.
    pub(crate) generation: AtomicI64,
    /// Indicators in use.
    pub(crate) indicators: AtomicU64,
    /// Indicators that could not be used.
    pub(crate) refused: AtomicU64,
    /// Sigma rules in use, and those that cannot be used.
    pub(crate) rules: AtomicU64,
    pub(crate) rules_refused: AtomicU64,
    /// Records that met a Sigma rule since start; they are among the matches as well.
    pub(crate) rule_matches: AtomicU64,
    /// Records read since start.
    pub(crate) records: AtomicU64,
    /// Matches since start.
    pub(crate) matches: AtomicU64,
    /// Whether the hub has told everything it had to tell at least once, and it is compiled. Before that no log is read: what
    /// would be read without knowing what to look for is lost to matching.
    pub(crate) informed: AtomicBool,
    /// Whether the hub answered last time.
    pub(crate) connected: AtomicBool,
    sources: Mutex<BTreeMap<String, SourceReport>>,
    /// Codes, and the source where it is one's.
    troubles: Mutex<BTreeSet<(&'static str, String)>>,
}

impl Status {
    /// Sets how a source is.
    pub(crate) fn set_source(&self, report: SourceReport) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.insert(report.health.name.clone(), report);
    }

    /// How the sources are, by name, as the hub is told.
    pub(crate) fn sources(&self) -> Vec<SourceHealth> {
        self.reports().into_iter().map(|report| report.health).collect()
    }

    /// How the sources are, by name, in full.
    pub(crate) fn reports(&self) -> Vec<SourceReport> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Raises or lowers a trouble, by its stable code: `disk-full`, `spool-full`, `log-unreadable`, `log-lost`,
    /// `queue-full`, `stream-away`, `broker-away`, `pushed-damaged`, `authorisation-log`, those of the history (`history-lost`, `history-damaged`) and those of its
    /// lake ([`lake::LakeError::code`]).
    pub(crate) fn set_trouble(&self, code: &'static str, is_there: bool) {
        self.set_trouble_of("", code, is_there);
    }

    /// The same, of one source.
    pub(crate) fn set_trouble_of(&self, source: &str, code: &'static str, is_there: bool) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if is_there {
            troubles.insert((code, source.to_owned()));
        } else {
            troubles.remove(&(code, source.to_owned()));
        }
    }

    /// The gravest trouble there is just now.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        [
            "authorisation-log",
            "disk-full",
            "spool-full",
            "pushed-damaged",
            "log-lost",
            "log-unreadable",
            "stream-away",
            "broker-away",
            "queue-full",
            "history-lost",
            "history-damaged",
            "lake-damaged",
            "lake-disk",
            "lake-format",
            "lake-contents",
            "lake-busy",
            "lake-overlapping",
            "lake-none",
        ]
        .into_iter()
        .find(|code| troubles.iter().any(|(known, _)| known == code))
    }

    /// Adds to a counter.
    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}
