//! The thread that takes what counts of the journal into the lake, commits it, and keeps the lake in order.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lake::{Contents, LakeError, Limits, Origin, SourceState, Writer};
use telemetry::Reader;
use uuid::Uuid;

use super::entry::{self, Taken};
use super::report::Kept;
use super::{History, Lost, give_way};
use crate::Shared;
use crate::source::journal;
use crate::spool::history::FileOf;

/// How often the journal is looked at while nothing is there.
const POLL: Duration = Duration::from_millis(50);
/// How long to wait before a lake that failed is opened again.
const RETRY: Duration = Duration::from_secs(5);
/// How often segments are merged and what is too old is taken out.
const UPKEEP_EVERY: Duration = Duration::from_secs(3600);
/// After so many records they are committed.
const COMMIT_RECORDS: u64 = 1 << 18;
/// Files whose reader is remembered; each entry of the journal has what makes a new one.
const READERS_MAX: usize = 1024;
/// Memory of records that are not written yet: an edge stands beside what it watches.
const LIMITS: Limits = Limits { held_bytes: 24 << 20, held_rows: 1 << 17 };

/// Takes in until the edge stops. A lake that fails is opened again, and takes up the journal where it had committed.
pub(super) fn run(shared: &Shared, history: &History) {
    give_way();
    let mut upkeep_at = Instant::now();
    let mut trouble: Option<&'static str> = None;
    while !shared.is_stopping() {
        let opened = Intake::open(shared, history, &mut upkeep_at).inspect(|_| {
            history.stuck.store(false, Ordering::Relaxed);
            tell(shared, history, &mut trouble, None);
        });
        let Err(error) = opened.and_then(Intake::run) else { return };
        tracing::warn!(%error, "the history cannot be written; what is read meanwhile waits in the data folder");
        history.stuck.store(true, Ordering::Relaxed);
        let failed = Instant::now();
        while failed.elapsed() < RETRY && !shared.is_stopping() {
            tell(shared, history, &mut trouble, Some(error.code()));
            std::thread::sleep(POLL);
        }
    }
}

fn tell(shared: &Shared, history: &History, known: &mut Option<&'static str>, now: Option<&'static str>) {
    if let Some(code) = known.filter(|code| Some(*code) != now) {
        shared.status.set_trouble_of("lake", code, false);
    }
    if let Some(code) = now {
        shared.status.set_trouble_of("lake", code, true);
    }
    *known = now;
    shared.status.set_trouble_of("lake", "history-lost", history.is_full() && history.is_stuck());
    history.report(|report| {
        report.trouble = now;
        report.behind_bytes = history.journal.behind();
    });
}

struct Intake<'a> {
    shared: &'a Shared,
    history: &'a History,
    writer: Writer,
    reader: journal::Reader,
    /// Everything before this place was pushed to the lake, or does not count.
    place: u64,
    /// Where the lake was committed last.
    committed: u64,
    uncommitted: u64,
    since: Option<Instant>,
    readers: HashMap<FileOf, Reader>,
    upkeep_at: &'a mut Instant,
}

/// What an entry of the journal is worth.
enum Worth {
    Counts,
    /// Its stretch is read from the source again.
    Void,
    /// Its position is not kept yet.
    Open,
}

impl<'a> Intake<'a> {
    fn open(shared: &'a Shared, history: &'a History, upkeep_at: &'a mut Instant) -> Result<Self, LakeError> {
        let path = &history.config.path;
        let contents = if history.config.full { Contents::Full } else { Contents::Mechanical };
        let writer = Writer::open(path, contents, LIMITS)?;
        let known = writer.source(&history.name).map_or(0, |state| state.offset);
        let start = history.journal.start().unwrap_or(0);
        let place = known.max(start);
        history.journal.needs_from(place);
        history.in_lake.store(place, Ordering::Release);
        if let Err(error) = shared.spool.forget_runs(place) {
            tracing::warn!(%error, "the history's book-keeping could not be shortened");
        }
        let reader = history.journal.reader(place);
        let intake = Self {
            shared,
            history,
            writer,
            reader,
            place,
            committed: place,
            uncommitted: 0,
            since: None,
            readers: HashMap::new(),
            upkeep_at,
        };
        intake.report();
        Ok(intake)
    }

    fn run(mut self) -> Result<(), LakeError> {
        while !self.shared.is_stopping() {
            if *self.upkeep_at <= Instant::now() {
                *self.upkeep_at = Instant::now() + UPKEEP_EVERY;
                self.commit()?;
                self.keep_in_order()?;
            }
            match self.next() {
                Ok(Some(taken)) => self.take(&taken)?,
                Ok(None) => std::thread::sleep(POLL),
                Err(error) => {
                    tracing::warn!(%error, "the history's journal cannot be read");
                    std::thread::sleep(RETRY);
                }
            }
            self.shared.status.set_trouble_of("lake", "history-damaged", self.reader.damaged() > 0);
            if self.is_due() {
                self.commit()?;
            }
            self.history.report(|report| report.behind_bytes = self.history.journal.behind());
        }
        self.commit()
    }

    /// The next entry that counts.
    fn next(&mut self) -> std::io::Result<Option<Taken>> {
        while let Some(entry) = self.reader.next()? {
            let Some(taken) = entry::unpacked(&entry.lines) else {
                self.history.count_lost(Lost::JournalDamaged, 1);
                self.pass(entry.end);
                continue;
            };
            match self.worth(&taken, entry.end) {
                Worth::Counts => {
                    self.place = entry.end;
                    return Ok(Some(taken));
                }
                Worth::Void => self.pass(entry.end),
                Worth::Open => {
                    // The entry may still be taken back, where the disk does not take it for good.
                    self.reader = self.history.journal.reader(self.place);
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    fn pass(&mut self, end: u64) {
        self.place = end;
        if self.uncommitted == 0 {
            self.settled();
        }
    }

    fn worth(&self, taken: &Taken, end: u64) -> Worth {
        if taken.head.counts {
            return Worth::Counts;
        }
        let of = (taken.head.source.clone(), taken.head.file);
        let covers = |mark: Option<&u64>| mark.is_some_and(|mark| end <= *mark);
        if end <= self.history.run_began {
            let run = self.history.before.range(end..).next();
            return match run {
                Some((_, marks)) if covers(marks.get(&of)) => Worth::Counts,
                _ => Worth::Void,
            };
        }
        // Asked before the marks, which do not change once a source has stopped.
        let has_stopped = self.history.stopped.lock().unwrap_or_else(PoisonError::into_inner).contains(&of.0);
        let confirmed = self.history.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        match covers(confirmed.get(&of)) {
            true => Worth::Counts,
            false if has_stopped => Worth::Void,
            false => Worth::Open,
        }
    }

    fn take(&mut self, taken: &Taken) -> Result<(), LakeError> {
        let head = &taken.head;
        let mut reader = self.reader_of(taken);
        let (mut offset, mut line, mut records) = (head.offset, head.line, 0);
        for text in taken.lines().split_inclusive(|byte| *byte == b'\n') {
            let plain = text.strip_suffix(b"\n").unwrap_or(text);
            if let Ok(Some(record)) = reader.read(plain) {
                let origin = Origin { source: &head.label, line, offset, read: head.read, text: plain };
                self.writer.push(&record, &origin)?;
                records += 1;
            }
            offset += text.len() as u64;
            line += 1;
        }
        self.readers.insert((head.source.clone(), head.file), reader);
        if records > 0 {
            self.uncommitted += records;
            self.since.get_or_insert_with(Instant::now);
        } else if self.uncommitted == 0 {
            self.settled();
        }
        Ok(())
    }

    fn reader_of(&mut self, taken: &Taken) -> Reader {
        let of: (String, Uuid) = (taken.head.source.clone(), taken.head.file);
        if let Some(known) = self.readers.remove(&of) {
            return known;
        }
        if self.readers.len() >= READERS_MAX {
            self.readers.clear();
        }
        let source = self.shared.config.sources.iter().find(|source| source.name == of.0);
        let mut reader = source.map_or_else(Reader::auto, crate::config::Source::reader);
        for line in taken.header().split(|byte| *byte == b'\n') {
            // Lines of a header are no records; what the reader needs of them, it keeps.
            let _ = reader.read(line);
        }
        reader
    }

    fn is_due(&self) -> bool {
        let wanted = self.history.wanted.load(Ordering::Acquire);
        let is_wanted = wanted > self.committed && self.place >= wanted.min(self.history.journal.end().0);
        self.uncommitted >= COMMIT_RECORDS
            || self.since.is_some_and(|since| since.elapsed() >= self.history.config.commit_after)
            || (self.uncommitted > 0 && is_wanted)
            || self.place - self.committed >= self.history.config.behind_bytes_max / 4
    }

    /// Makes what was pushed durable, and with it up to where the journal was taken in.
    fn commit(&mut self) -> Result<(), LakeError> {
        if self.uncommitted > 0 {
            let state = SourceState { offset: self.place, ..SourceState::default() };
            self.writer.commit(&[(self.history.name.clone(), state)], Timestamp::now())?;
            (self.uncommitted, self.since) = (0, None);
            self.report();
        }
        self.settled();
        Ok(())
    }

    /// Nothing before the place is needed any more.
    fn settled(&mut self) {
        self.committed = self.place;
        self.history.in_lake.store(self.place, Ordering::Release);
        if let Err(error) = self.history.journal.release(self.place) {
            tracing::warn!(%error, "what is in the lake cannot be removed from the data folder");
        }
    }

    /// Merges segments, and takes out what is too old or too much. What fails here is tried again in an hour; the lake is opened
    /// anew, and takes in as before.
    fn keep_in_order(&mut self) -> Result<(), LakeError> {
        let now = Timestamp::now();
        let done = self.writer.compact(&self.history.config.keep, now).and_then(|compacted| {
            let shed = self.history.config.bytes_max.map_or(Ok(0), |most| self.writer.shed(most, now))?;
            Ok(compacted.expired + shed)
        });
        self.report();
        let code = done.as_ref().err().map(LakeError::code);
        self.history.report(|report| {
            let before = report.upkeep_trouble.take();
            if let Some(code) = before.filter(|before| Some(*before) != code) {
                self.shared.status.set_trouble_of("upkeep", code, false);
            }
            if let Some(code) = code {
                self.shared.status.set_trouble_of("upkeep", code, true);
            }
            report.upkeep_trouble = code;
            report.upkeep = Some(now);
            report.expired += done.as_ref().copied().unwrap_or(0);
        });
        done.map(drop)
    }

    fn report(&self) {
        let kept = Kept::of(self.writer.segments());
        self.history.report(|report| report.kept = kept);
    }
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
