//! Indicators looked for in what a lake holds.
//!
//! 1. What the set seeks becomes ranges of index keys, sorted, once.
//! 2. Each segment whose time overlaps is asked by its filter and then by its index which rows show any of it. Most segments
//!    are done with after this.
//! 3. The rows that are named are read, and no blocks without any, from all segments together in the order of time.
//! 4. The matcher decides on each as on a live record. Rows that show nothing that is sought satisfy no pattern, so this is the
//!    answer of a scan of all.
//!
//! Where the set holds patterns that no value leads to, every row is read instead of steps 2 and 3.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use matcher::{BoundRecord, IndicatorSet, Match, Scanner, Tally, WindowTally};
use telemetry::Reader;

use crate::columns::{nanoseconds, timestamp};
use crate::error::{FileError, LakeError};
use crate::key::{self, Range};
use crate::manifest::{INDEX, Lake, ROWS, Segment};
use crate::rows::{RowCursor, Wanted};
use crate::segment::BytesRead;
use crate::storage;

/// What is looked for, and when.
#[derive(Debug, Clone)]
pub struct Hunt {
    /// The indicators. Whether their validity counts is the set's choice ([`matcher::Options::any_time`]).
    pub set: Arc<IndicatorSet>,
    /// Records from this time on; `None`: all.
    pub since: Option<Timestamp>,
    /// Records before this time; `None`: all.
    pub until: Option<Timestamp>,
    /// What time it is: no pattern over several records is bound with one from the future.
    pub now: Timestamp,
    /// Reads every row, whatever the index says. Slower, and finds the same: for tests of that.
    pub exhaustive: bool,
}

/// Where a record of the lake came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name of the log.
    pub source: String,
    /// The line in it, from 1.
    pub line: u64,
    /// Where the line begins, in bytes of the decompressed log.
    pub offset: u64,
}

/// One indicator that a record of the lake satisfies.
#[derive(Debug)]
pub struct Sighting<'a> {
    /// What the matcher found, with the record.
    pub found: &'a Match<'a>,
    /// Where the record came from.
    pub place: &'a Place,
    /// The record's time; that of its reading where it bore none.
    pub time: Timestamp,
    /// The other records of a pattern over several, the earliest first.
    pub with: &'a [Place],
    /// The record as it was written, where the lake keeps that.
    pub text: Option<&'a str>,
}

/// What a hunt did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HuntTally {
    /// Segments of the lake, and their rows.
    pub segments: u64,
    /// All rows of these.
    pub rows: u64,
    /// Segments that lie outside of the time asked for.
    pub outside_time: u64,
    /// Segments of which the index's filter said that they show nothing that is sought.
    pub cleared_by_filter: u64,
    /// Segments of which the index said so.
    pub cleared_by_index: u64,
    /// Segments whose rows were opened.
    pub opened: u64,
    /// Rows that were read and decided.
    pub rows_read: u64,
    /// Bytes that were read of indexes.
    pub index_bytes: u64,
    /// Bytes that were read of rows.
    pub rows_bytes: u64,
    /// Comparisons that no value leads to. Where there is one, every row was read.
    pub unanchored: u64,
    /// What the matcher counted.
    pub matcher: Tally,
    /// What patterns over several records could not remember or decide.
    pub windows: WindowTally,
}

/// The most segments that are read side by side.
const OPEN_MAX: usize = 512;

/// So many segments' indexes are asked ahead of the rows that are decided.
const AHEAD: usize = 64;

impl Lake {
    /// Looks for the indicators. Sightings come in the order of the records' time, those of one record in the order of the set.
    /// `progress` is told how many of all segments are done with.
    ///
    /// # Errors
    /// A file cannot be read, or is damaged; what was found until then was told.
    pub fn hunt(
        &self,
        hunt: &Hunt,
        progress: &mut dyn FnMut(u64),
        found: &mut dyn FnMut(&Sighting<'_>),
    ) -> Result<HuntTally, LakeError> {
        let read = BytesRead::default();
        let mut tally = HuntTally {
            segments: self.manifest.segments.len() as u64,
            rows: self.manifest.segments.iter().map(|segment| u64::from(segment.rows)).sum(),
            unanchored: hunt.set.unanchored() as u64,
            ..HuntTally::default()
        };
        let asked = Asked::new(hunt);
        let mut scanner = Scanner::new(Arc::clone(&hunt.set), Reader::auto());
        let mut open = Open { lake: self, read: &read, streams: BinaryHeap::new() };
        let mut number = 0;
        for some in self.manifest.segments.chunks(AHEAD) {
            for (segment, answer) in some.iter().zip(asked.answers(some, self, &read)) {
                open.decide_until(segment.from, &asked, &mut scanner, &mut tally, found)?;
                progress(number);
                if let Some(wanted) = tally.count(answer?) {
                    open.add(number, segment, wanted, &mut tally)?;
                }
                if open.streams.len() > OPEN_MAX {
                    return Err(LakeError::Overlapping(OPEN_MAX));
                }
                number += 1;
            }
        }
        open.decide_rest(&asked, &mut scanner, &mut tally, found)?;
        progress(tally.segments);
        tally.matcher = scanner.tally().clone();
        tally.windows = scanner.windows().tally();
        tally.index_bytes = read.index.load(Ordering::Relaxed);
        tally.rows_bytes = read.rows.load(Ordering::Relaxed);
        Ok(tally)
    }
}

/// A hunt, made ready.
struct Asked {
    ranges: Vec<Range>,
    /// Every row is read.
    all: bool,
    /// In nanoseconds since 1970; the second is not included.
    since: i64,
    until: i64,
    now: Timestamp,
}

/// What a segment holds of what is asked for.
enum Answer {
    OutsideTime,
    ClearedByFilter,
    ClearedByIndex,
    Rows(Wanted),
}

impl HuntTally {
    /// Counts an answer; the rows that it names.
    fn count(&mut self, answer: Answer) -> Option<Wanted> {
        match answer {
            Answer::OutsideTime => self.outside_time += 1,
            Answer::ClearedByFilter => self.cleared_by_filter += 1,
            Answer::ClearedByIndex => self.cleared_by_index += 1,
            Answer::Rows(wanted) => return Some(wanted),
        }
        None
    }
}

impl Asked {
    fn new(hunt: &Hunt) -> Self {
        let mut ranges: Vec<Range> = hunt.set.sought().iter().map(key::range).collect();
        ranges.sort_unstable();
        ranges.dedup();
        Self {
            ranges,
            all: hunt.exhaustive || hunt.set.unanchored() > 0,
            since: hunt.since.map_or(i64::MIN, nanoseconds),
            until: hunt.until.map_or(i64::MAX, nanoseconds),
            now: hunt.now,
        }
    }

    fn is_within(&self, time: i64) -> bool {
        self.since <= time && (time < self.until || self.until == i64::MAX)
    }

    /// The answers of segments, several of which are asked at once.
    fn answers(&self, segments: &[Segment], lake: &Lake, read: &BytesRead) -> Vec<Result<Answer, LakeError>> {
        let next = AtomicUsize::new(0);
        let ask = || {
            let mut answers = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(segment) = segments.get(number) else { return answers };
                answers.push((number, self.answer(segment, lake, read)));
            }
        };
        let hands = lake.root.lanes().min(segments.len());
        let mut answers = std::thread::scope(|scope| {
            let others: Vec<_> = (1..hands).map(|_| scope.spawn(ask)).collect();
            let mut answers = ask();
            for other in others {
                answers.extend(other.join().unwrap_or_default());
            }
            answers
        });
        answers.sort_unstable_by_key(|(number, _)| *number);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    fn answer(&self, segment: &Segment, lake: &Lake, read: &BytesRead) -> Result<Answer, LakeError> {
        if segment.until < self.since || (segment.from >= self.until && self.until != i64::MAX) {
            return Ok(Answer::OutsideTime);
        }
        if self.all {
            return Ok(Answer::Rows(Wanted::All));
        }
        let index = segment.open_index(&lake.root, read)?;
        let found = index.rows(&self.ranges);
        let found = found.map_err(|error| LakeError::file(&lake.root.path(&segment.name(INDEX)), error))?;
        Ok(match (found.looked_up, found.rows.is_empty()) {
            (false, _) => Answer::ClearedByFilter,
            (true, true) => Answer::ClearedByIndex,
            (true, false) => Answer::Rows(Wanted::Some(found.rows)),
        })
    }
}

/// Segments that are being read, by the time of the next row of each.
struct Open<'l> {
    lake: &'l Lake,
    read: &'l BytesRead,
    streams: BinaryHeap<Reverse<Stream>>,
}

struct Stream {
    /// The next row's time.
    time: i64,
    /// The segment's place among those of the lake.
    number: u64,
    rows: Box<RowCursor<storage::Place>>,
}

impl PartialEq for Stream {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Stream {}

impl PartialOrd for Stream {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Stream {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.number).cmp(&(other.time, other.number))
    }
}

impl Open<'_> {
    fn add(
        &mut self,
        number: u64,
        segment: &Segment,
        wanted: Wanted,
        tally: &mut HuntTally,
    ) -> Result<(), LakeError> {
        tally.opened += 1;
        let rows = segment.open_rows(&self.lake.root, wanted, self.read)?;
        self.go_on(Stream { time: 0, number, rows: Box::new(rows) })
    }

    /// Goes to the stream's next row, and forgets the stream where there is none.
    fn go_on(&mut self, mut stream: Stream) -> Result<(), LakeError> {
        if stream.rows.next().map_err(|error| self.damaged(stream.number, error))? {
            stream.time = stream.rows.row().head.time;
            self.streams.push(Reverse(stream));
        }
        Ok(())
    }

    fn damaged(&self, number: u64, error: FileError) -> LakeError {
        let segment = usize::try_from(number).ok().and_then(|number| self.lake.manifest.segments.get(number));
        let name = segment.map(|segment| segment.name(ROWS)).unwrap_or_default();
        LakeError::file(&self.lake.root.path(&name), error)
    }

    /// Decides on the rows from before that time.
    fn decide_until(
        &mut self,
        time: i64,
        asked: &Asked,
        scanner: &mut Scanner,
        tally: &mut HuntTally,
        found: &mut dyn FnMut(&Sighting<'_>),
    ) -> Result<(), LakeError> {
        while self.streams.peek().is_some_and(|Reverse(stream)| stream.time < time) {
            self.decide_next(asked, scanner, tally, found)?;
        }
        Ok(())
    }

    fn decide_rest(
        &mut self,
        asked: &Asked,
        scanner: &mut Scanner,
        tally: &mut HuntTally,
        found: &mut dyn FnMut(&Sighting<'_>),
    ) -> Result<(), LakeError> {
        while !self.streams.is_empty() {
            self.decide_next(asked, scanner, tally, found)?;
        }
        Ok(())
    }

    fn decide_next(
        &mut self,
        asked: &Asked,
        scanner: &mut Scanner,
        tally: &mut HuntTally,
        found: &mut dyn FnMut(&Sighting<'_>),
    ) -> Result<(), LakeError> {
        let Some(Reverse(stream)) = self.streams.pop() else { return Ok(()) };
        if asked.is_within(stream.time) {
            tally.rows_read += 1;
            self.decide(&stream, asked, scanner, found)?;
        }
        self.go_on(stream)
    }

    fn decide(
        &self,
        stream: &Stream,
        asked: &Asked,
        scanner: &mut Scanner,
        found: &mut dyn FnMut(&Sighting<'_>),
    ) -> Result<(), LakeError> {
        let row = stream.rows.row();
        let record = row.record().map_err(|error| self.damaged(stream.number, error))?;
        // Segment and row lead back to the record, however many are remembered.
        let line = (stream.number << 32) | u64::from(stream.rows.number());
        let time = record.observation.time.unwrap_or_else(|| timestamp(stream.time));
        let bound = BoundRecord { time, line, offset: row.head.position };
        let mut failed = None;
        let text = record.text.unwrap_or_default().as_bytes();
        scanner.scan_record(&record.observation, text, bound, asked.now, &mut |it| {
            let with: Result<Vec<Place>, LakeError> =
                it.bound.iter().map(|other| self.place_of(other)).collect();
            match with {
                Ok(with) => {
                    let place = Place {
                        source: record.source.to_string(),
                        line: row.head.line,
                        offset: row.head.position,
                    };
                    found(&Sighting { found: it, place: &place, time, with: &with, text: record.text });
                }
                Err(error) => failed = Some(error),
            }
        });
        failed.map_or(Ok(()), Err)
    }

    /// Where a record came from that a pattern remembered.
    fn place_of(&self, record: &BoundRecord) -> Result<Place, LakeError> {
        let (number, row) = (record.line >> 32, record.line as u32);
        let segment = usize::try_from(number).ok().and_then(|number| self.lake.manifest.segments.get(number));
        let Some(segment) = segment else {
            return Err(LakeError::damaged(self.lake.root(), "a record that was read is in no segment"));
        };
        let mut rows = segment.open_rows(&self.lake.root, Wanted::Some(vec![row]), self.read)?;
        let failed = |error| self.damaged(number, error);
        if !rows.next().map_err(failed)? {
            return Err(failed(FileError::Damaged("has fewer rows than were written")));
        }
        let row = rows.row();
        let source = row.record().map_err(failed)?.source.into_owned();
        Ok(Place { source, line: row.head.line, offset: row.head.position })
    }
}
