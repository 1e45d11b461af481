//! What the edge read, kept in a lake of its own, and hunted when intelligence comes.
//!
//! Everything that a source reads is in the lake once, whatever crashes. It goes there in this order:
//!
//! 1. A stretch that was matched is appended to the history's journal, which all sources share.
//! 2. When it is on disk, the spool keeps the source's position, and in the same transaction the place in the journal before
//!    which everything of that file counts ([`recorder`]).
//! 3. What counts is parsed and pushed to the lake ([`intake`]).
//! 4. Seldom, since small segments are slow to hunt, the lake commits: the manifest that names the segments names the place in
//!    the journal up to which they reach.
//! 5. Journal files before that place are removed.
//!
//! A crash between 1 and 2 leaves entries that do not count: their stretches are read from the source again. Which entries those
//! are is written down at the next start, before anything is read ([`Spool::begin_run`]), for later marks of the same file would
//! seem to cover them. A crash between 2 and 4 loses what the lake had not committed, and the journal has it.

mod entry;
mod hunter;
mod intake;
pub(crate) mod metrics;
mod recorder;
pub(crate) mod report;
mod slices;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::Instant;

use uuid::Uuid;

use crate::config::{Config, Lake};
use crate::source::journal::{self, Journal};
use crate::spool::Spool;
use crate::spool::history::{FileOf, MarksBefore};
use crate::{EdgeError, Shared};

pub(crate) use recorder::Recorder;
use report::Report;

/// The history of an edge that keeps one.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) config: Lake,
    journal: Journal,
    /// What names the journal in the lake.
    name: String,
    /// Where the journal ended when this run began, and what counted at the end of each earlier one.
    run_began: u64,
    before: MarksBefore,
    /// What counts of this run, by file.
    confirmed: Mutex<HashMap<FileOf, u64>>,
    /// Sources that stopped for good: what of theirs does not count by now is read again after a restart.
    stopped: Mutex<HashSet<String>>,
    /// Held for reading while a stretch is matched and handed to the journal: who holds it for writing knows that whatever was
    /// matched with an earlier set is on its way.
    scanning: RwLock<()>,
    /// Everything before this place is in the lake, or never will be.
    in_lake: AtomicU64,
    /// The place that somebody waits to be in the lake.
    wanted: AtomicU64,
    /// Whether the lake takes nothing just now.
    stuck: AtomicBool,
    lost_by: Mutex<BTreeMap<&'static str, u64>>,
    /// Since when there is intelligence to hunt with, and when the newest came.
    news: Mutex<Option<(Instant, Instant)>>,
    pub(crate) report: Mutex<Report>,
}

/// Why lines are not in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// As much waits for the lake as may, and the lake takes nothing.
    JournalFull,
    /// The disk of the data folder did not take them, and took the position behind them.
    Disk,
    /// More in one piece than the journal holds.
    TooLong,
    /// They could not be read back from the journal.
    JournalDamaged,
}

impl Lost {
    fn code(self) -> &'static str {
        match self {
            Self::JournalFull => "journal-full",
            Self::Disk => "disk",
            Self::TooLong => "too-long",
            Self::JournalDamaged => "journal-damaged",
        }
    }
}

/// A history that is open and not attended yet.
pub(crate) struct Opened {
    pub(crate) history: Arc<History>,
    writer: journal::Writer,
}

/// Opens the history's journal, where a history is configured. The lake may be out of order: that is told, and stops nothing.
pub(crate) fn open(config: &Config, spool: &mut Spool) -> Result<Option<Opened>, EdgeError> {
    let Some(lake) = config.lake.clone() else { return Ok(None) };
    spool.begin_history()?;
    let folder = config.data.join("history");
    let (journal, writer) = Journal::open(&folder, spool.journal_end()?, u64::MAX)
        .map_err(|cause| EdgeError::Journal { folder: folder.clone(), cause })?;
    let (run_began, _) = journal.end();
    let history = History {
        report: Mutex::new(Report::new(&lake)),
        config: lake,
        name: format!("history of {} {}", config.id, spool.journal_name()?),
        run_began,
        before: spool.begin_run(run_began)?,
        journal,
        confirmed: Mutex::default(),
        stopped: Mutex::default(),
        scanning: RwLock::default(),
        in_lake: AtomicU64::new(0),
        wanted: AtomicU64::new(0),
        stuck: AtomicBool::new(true),
        lost_by: Mutex::default(),
        news: Mutex::default(),
    };
    Ok(Some(Opened { history: Arc::new(history), writer }))
}

impl Opened {
    /// Starts what keeps and hunts. Gives the thread that is to be waited for: hunts go on where they were.
    pub(crate) fn attend(self, shared: &Arc<Shared>) -> Result<JoinHandle<()>, EdgeError> {
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let writer = self.writer;
        thread("history").spawn(move || writer.run()).map_err(EdgeError::Start)?;
        let (for_hunts, history) = (Arc::clone(shared), Arc::clone(&self.history));
        thread("hunts").spawn(move || hunter::run(&for_hunts, &history)).map_err(EdgeError::Start)?;
        let (for_intake, history) = (Arc::clone(shared), self.history);
        thread("lake").spawn(move || intake::run(&for_intake, &history)).map_err(EdgeError::Start)
    }
}

impl History {
    /// To be held while a stretch is matched and handed to the journal.
    pub(crate) fn scanning(&self) -> RwLockReadGuard<'_, ()> {
        self.scanning.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether as much waits for the lake as may.
    pub(crate) fn is_full(&self) -> bool {
        self.journal.behind() >= self.config.behind_bytes_max
    }

    /// Whether the lake takes nothing just now.
    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// Whether reading is to wait: the lake is slower than the logs. Nothing waits for a lake that is out of order.
    pub(crate) fn must_wait(&self) -> bool {
        self.is_full() && !self.is_stuck()
    }

    /// Says that the set in use is another one, so that there may be something to hunt.
    pub(crate) fn hear_news(&self) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        *news = Some((news.map_or(now, |(first, _)| first), now));
    }

    /// Lines that are not in the history, since the start, by reason.
    pub(crate) fn lost_by(&self) -> BTreeMap<&'static str, u64> {
        self.lost_by.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Nothing of a source's will count any more in this run.
    pub(crate) fn give_up(&self, source: &str) {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).insert(source.to_owned());
    }

    fn confirm(&self, source: &str, file: Uuid, place: u64) {
        let mut confirmed = self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        confirmed.insert((source.to_owned(), file), place);
    }

    fn count_lost(&self, why: Lost, lines: u64) {
        if lines > 0 {
            let mut lost = self.lost_by.lock().unwrap_or_else(PoisonError::into_inner);
            *lost.entry(why.code()).or_default() += lines;
            tracing::warn!(lines, reason = why.code(), "records are missing from the history");
        }
    }

    fn report(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Work that can wait gives way to what cannot; where the system does not allow it, it goes on as it is.
fn give_way() {
    let _ = rustix::process::nice(10);
}
