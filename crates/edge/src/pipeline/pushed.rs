//! What was pushed: the journal is read as a log is, entry by entry.

use std::time::{Duration, Instant};

use super::{Pipeline, RECORD, RETRY, Yield};
use crate::SpoolError;
use crate::source::Mark;
use crate::source::journal::{Entry, Journal, Key};
use crate::source::tail::Stretch;
use crate::source::taken::Taken;
use crate::spool::Position;

/// The journal's position as the spool keeps it; the keys of what was taken in since it was last kept.
struct Reading {
    position: Position,
    taken: Taken,
    unrecorded: Vec<Key>,
    moved: bool,
    /// Whether the journal has what was matched, and since when.
    unreleased: bool,
    released: Instant,
}

impl Pipeline<'_> {
    /// Matches what was pushed to the source, until the edge stops.
    pub(super) fn take_pushed(&mut self) -> Result<(), SpoolError> {
        let shared = self.shared;
        let Some(inlet) = shared.inlets.get(&self.source.name) else { return Ok(()) };
        let Some(journal) = &inlet.journal else { return Ok(()) };
        let mut reading = Reading {
            position: shared.spool.position_of_row(&self.source.name)?,
            taken: Taken::new(shared.spool.taken(&self.source.name)?),
            unrecorded: Vec::new(),
            moved: false,
            unreleased: false,
            released: Instant::now(),
        };
        let mut entries = journal.reader(reading.position.position);
        while !shared.is_stopping() {
            if self.must_wait()? {
                self.record_reading(&mut reading, journal, RECORD)?;
                self.tell_of(journal);
                std::thread::sleep(self.patience());
                continue;
            }
            match entries.next() {
                Ok(Some(entry)) => self.take_entry(&mut reading, entry, journal)?,
                Ok(None) => {
                    self.record_reading(&mut reading, journal, RECORD)?;
                    std::thread::sleep(self.pause());
                }
                Err(error) => {
                    tracing::warn!(source = self.source.name, %error, "what was pushed cannot be read");
                    std::thread::sleep(RETRY);
                }
            }
            self.report.damaged = entries.damaged();
            self.tell_of(journal);
        }
        self.record_reading(&mut reading, journal, Duration::ZERO)?;
        self.release(&mut reading, journal, Duration::ZERO)
    }

    fn take_entry(
        &mut self,
        reading: &mut Reading,
        entry: Entry,
        journal: &Journal,
    ) -> Result<(), SpoolError> {
        let has_key = entry.key != [0; 16];
        reading.moved = true;
        reading.position.position = entry.end;
        if has_key && !reading.taken.is_new(entry.key) {
            self.report.repeated += 1;
            return self.record_reading(reading, journal, RECORD);
        }
        if has_key {
            reading.unrecorded.push(entry.key);
        }
        let lines = memchr::memchr_iter(b'\n', &entry.lines).count() as u64;
        let stretch = Stretch {
            file: reading.position.file,
            offset: entry.offset,
            line: reading.position.line + 1,
            bytes: entry.lines,
            oversize: 0,
            mark: if has_key { Mark::Pushed(entry.key) } else { Mark::Place },
        };
        let found = self.scan(&stretch, &reading.position.header);
        if let Some(scanner) = self.scanners.get(&stretch.file) {
            reading.position.header.clone_from(&scanner.header);
        }
        reading.position.line += lines;
        self.note_lag(&found);
        if found.is_empty() {
            return self.record_reading(reading, journal, RECORD);
        }
        self.keep_reading(reading, journal, &found)
    }

    /// Writes how far the journal was read without a match, so that a restart need not read it again.
    fn record_reading(
        &mut self,
        reading: &mut Reading,
        journal: &Journal,
        not_within: Duration,
    ) -> Result<(), SpoolError> {
        if !reading.moved || self.recorded.elapsed() < not_within {
            return self.release(reading, journal, RECORD);
        }
        self.keep_reading(reading, journal, &Yield::default())
    }

    fn keep_reading(
        &mut self,
        reading: &mut Reading,
        journal: &Journal,
        found: &Yield,
    ) -> Result<(), SpoolError> {
        if !self.store_all(&reading.position, found, &reading.unrecorded)? {
            return Ok(());
        }
        if !found.sightings.is_empty() {
            self.shared.spooled.notify_one();
        }
        reading.unrecorded.clear();
        reading.moved = false;
        self.recorded = Instant::now();
        reading.unreleased = true;
        self.release(reading, journal, RECORD)
    }

    /// Frees the journal of what was matched. What it gave is on disk before; that takes some milliseconds, so it is done seldom.
    fn release(
        &mut self,
        reading: &mut Reading,
        journal: &Journal,
        not_within: Duration,
    ) -> Result<(), SpoolError> {
        if !reading.unreleased || reading.released.elapsed() < not_within {
            return Ok(());
        }
        if self.until_stored(|shared, _| shared.spool.settle())?.is_none() {
            return Ok(());
        }
        (reading.unreleased, reading.released) = (false, Instant::now());
        if let Err(error) = journal.release(reading.position.position) {
            tracing::warn!(source = self.source.name, %error, "what was matched cannot be removed");
        }
        Ok(())
    }

    fn tell_of(&mut self, journal: &Journal) {
        self.report.health.behind_bytes = journal.behind();
        let (status, name) = (&self.shared.status, &self.source.name);
        status.set_trouble_of(name, "queue-full", journal.is_full());
        status.set_trouble_of(name, "pushed-damaged", self.report.damaged > 0);
        self.tell();
    }
}
