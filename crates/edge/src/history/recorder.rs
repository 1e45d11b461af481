//! A source's side of the history: what was read goes to the journal, and counts when the spool keeps how far it was read.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::entry::{self, Head};
use super::{History, Lost};
use crate::config::{Origin, Source};
use crate::source::journal::{NewEntry, Refused};
use crate::source::tail::Stretch;

/// Stretches that are on their way to the disk at a time.
const COMING_MAX: usize = 8;
/// Stretches that the disk did not take and that are brought again.
const OWED_MAX: usize = 32;

/// What a source brings to the journal.
pub(crate) struct Recorder {
    history: Arc<History>,
    source: String,
    by_file: bool,
    counts: bool,
    coming: VecDeque<Coming>,
    /// What the disk did not take.
    owed: VecDeque<Brought>,
    /// The place behind what is on disk and was not kept with a position yet, by file.
    places: HashMap<Uuid, u64>,
    /// Lines that will not come, of which the spool does not know yet.
    lost: u64,
}

struct Brought {
    file: Uuid,
    lines: u64,
    entry: NewEntry,
}

struct Coming {
    brought: Brought,
    told: oneshot::Receiver<Result<u64, Refused>>,
}

/// What can be kept together with a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Settled {
    pub(crate) place: Option<u64>,
    pub(crate) lost: u64,
}

impl Recorder {
    pub(crate) fn new(history: Arc<History>, source: &Source) -> Self {
        Self {
            history,
            source: source.name.clone(),
            by_file: matches!(source.origin, Origin::Files(_) | Origin::StandardInput),
            counts: matches!(source.origin, Origin::StandardInput),
            coming: VecDeque::new(),
            owed: VecDeque::new(),
            places: HashMap::new(),
            lost: 0,
        }
    }

    /// What the records of a file are called in the lake: the source's name, and what tells the file from others of it.
    pub(crate) fn label(&self, file: Uuid) -> String {
        label(&self.source, self.by_file, file)
    }

    /// Brings a stretch, with the header that its format needs. It is on disk when [`settle`](Self::settle) says so.
    pub(crate) fn add(&mut self, stretch: &Stretch, header: &[u8], read: Timestamp) {
        if stretch.bytes.is_empty() {
            return;
        }
        let lines = memchr::memchr_iter(b'\n', &stretch.bytes).count() as u64
            + u64::from(stretch.bytes.last() != Some(&b'\n'));
        if self.history.is_full() && self.history.is_stuck() {
            return self.lose(lines, Lost::JournalFull);
        }
        let head = Head {
            source: self.source.clone(),
            file: stretch.file,
            label: self.label(stretch.file),
            offset: stretch.offset,
            line: stretch.line,
            read,
            header_bytes: header.len(),
            bytes: header.len() + stretch.bytes.len(),
            counts: self.counts,
        };
        match entry::packed(&head, header, &stretch.bytes) {
            Some(entry) => self.bring(Brought { file: stretch.file, lines, entry }),
            None => self.lose(lines, Lost::TooLong),
        }
        if self.coming.len() > COMING_MAX
            && let Some(first) = self.coming.pop_front()
        {
            self.await_one(first);
        }
    }

    /// Waits until what was brought is on disk, and brings again what the disk did not take before. What it does not take now
    /// either is lost when the position is kept nevertheless.
    pub(crate) fn settle(&mut self, file: Uuid) -> Settled {
        for brought in std::mem::take(&mut self.owed) {
            self.bring(brought);
        }
        while let Some(first) = self.coming.pop_front() {
            self.await_one(first);
        }
        let owed: u64 = self.owed.iter().map(|brought| brought.lines).sum();
        Settled { place: self.places.get(&file).copied(), lost: self.lost + owed }
    }

    /// The position was kept with what was settled.
    pub(crate) fn kept(&mut self, file: Uuid) {
        if let Some(place) = self.places.remove(&file) {
            self.history.confirm(&self.source, file, place);
        }
        let owed: u64 = self.owed.drain(..).map(|brought| brought.lines).sum();
        self.history.count_lost(Lost::Disk, owed);
        self.lost = 0;
    }

    fn bring(&mut self, brought: Brought) {
        match self.history.journal.hand_in(&brought.entry) {
            Ok(told) => self.coming.push_back(Coming { brought, told }),
            Err(_) => self.owe(brought),
        }
    }

    fn await_one(&mut self, coming: Coming) {
        match coming.told.blocking_recv() {
            Ok(Ok(place)) => _ = self.places.insert(coming.brought.file, place),
            Ok(Err(_)) | Err(_) => self.owe(coming.brought),
        }
    }

    fn owe(&mut self, brought: Brought) {
        self.owed.push_back(brought);
        if self.owed.len() > OWED_MAX
            && let Some(oldest) = self.owed.pop_front()
        {
            self.lose(oldest.lines, Lost::Disk);
        }
    }

    fn lose(&mut self, lines: u64, why: Lost) {
        self.lost += lines;
        self.history.count_lost(why, lines);
    }
}

fn label(source: &str, by_file: bool, file: Uuid) -> String {
    if !by_file {
        return source.to_owned();
    }
    let mut known = file.simple().to_string();
    known.truncate(12);
    format!("{source}@{known}")
}
