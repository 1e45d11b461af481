//! Indicators looked for in what a lake holds.
//!
//! 1. What the set seeks becomes ranges of index keys, sorted, once.
//! 2. Each segment whose time overlaps is asked by its filter and then by its index which rows show any of it. Most segments
//!    are done with after this.
//! 3. The rows that are named are read, and no others, from all segments together in the order of time.
//! 4. The matcher decides on each as on a live record. Rows that show nothing that is sought satisfy no pattern, so this is the
//!    answer of a scan of all.
//!
//! Where the set holds patterns that no value leads to, every row is read instead of steps 2 and 3.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use matcher::{BoundRecord, IndicatorSet, Match, Scanner, Tally, WindowTally};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use telemetry::Reader;

use crate::error::LakeError;
use crate::index::RowSet;
use crate::key::{self, Range};
use crate::manifest::{Lake, PARQUET, Segment};
use crate::rows::{ReadRows, nanoseconds};
use crate::segment::{BytesRead, next_batch};

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
    /// Segments whose Parquet file was opened.
    pub opened: u64,
    /// Rows that were read and decided.
    pub rows_read: u64,
    /// Bytes that were read of indexes.
    pub index_bytes: u64,
    /// Bytes that were read of Parquet files.
    pub parquet_bytes: u64,
    /// Comparisons that no value leads to. Where there is one, every row was read.
    pub unanchored: u64,
    /// What the matcher counted.
    pub matcher: Tally,
    /// What patterns over several records could not remember or decide.
    pub windows: WindowTally,
}

/// The most segments that are read side by side.
const OPEN_MAX: usize = 512;

/// Rows that are decoded at a time: few where few are asked for.
const BATCH_ROWS: usize = 512;

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
        for (number, segment) in (0_u64..).zip(&self.manifest.segments) {
            open.decide_until(segment.from, &asked, &mut scanner, &mut tally, found)?;
            progress(number);
            if let Some(rows) = asked.rows_of(segment, self, &read, &mut tally)? {
                open.add(number, segment, rows, &mut tally)?;
            }
            if open.streams.len() > OPEN_MAX {
                return Err(LakeError::Overlapping(OPEN_MAX));
            }
        }
        open.decide_rest(&asked, &mut scanner, &mut tally, found)?;
        progress(tally.segments);
        tally.matcher = scanner.tally().clone();
        tally.windows = scanner.windows().tally();
        tally.index_bytes = read.index.load(Ordering::Relaxed);
        tally.parquet_bytes = read.parquet.load(Ordering::Relaxed);
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

/// What is to be read of a segment.
enum Wanted {
    All,
    Some(RowSet),
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

    fn rows_of(
        &self,
        segment: &Segment,
        lake: &Lake,
        read: &BytesRead,
        tally: &mut HuntTally,
    ) -> Result<Option<Wanted>, LakeError> {
        if segment.until < self.since || (segment.from >= self.until && self.until != i64::MAX) {
            tally.outside_time += 1;
            return Ok(None);
        }
        if self.all {
            return Ok(Some(Wanted::All));
        }
        let index = segment.open_index(lake.root(), read)?;
        let path = segment.path(lake.root(), crate::manifest::INDEX);
        let found = index.rows(&self.ranges).map_err(|error| LakeError::index(&path, error))?;
        if !found.looked_up {
            tally.cleared_by_filter += 1;
            return Ok(None);
        }
        if found.rows.is_empty() {
            tally.cleared_by_index += 1;
            return Ok(None);
        }
        Ok(Some(Wanted::Some(found.rows)))
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
    segment: Segment,
    reader: ParquetRecordBatchReader,
    rows: ReadRows,
    at: usize,
    /// Numbers of the rows in the segment, where not all are read; of the batch's first row where they are.
    wanted: Option<std::vec::IntoIter<u32>>,
    next_row: u32,
}

impl Stream {
    fn row_number(&mut self) -> u32 {
        match &mut self.wanted {
            Some(wanted) => wanted.next().unwrap_or(u32::MAX),
            None => {
                self.next_row += 1;
                self.next_row - 1
            }
        }
    }
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
        let rows = match &wanted {
            Wanted::All => None,
            Wanted::Some(rows) => Some(rows),
        };
        tally.opened += 1;
        let mut reader = segment.open_rows(self.lake.root(), rows, BATCH_ROWS, self.read)?;
        let path = segment.path(self.lake.root(), PARQUET);
        let Some(rows) = next_rows(&mut reader, &path)? else { return Ok(()) };
        let wanted = match wanted {
            Wanted::All => None,
            Wanted::Some(rows) => Some(rows.iter().collect::<Vec<_>>().into_iter()),
        };
        let time = rows.time(0);
        let segment = segment.clone();
        self.streams.push(Reverse(Stream {
            time,
            number,
            segment,
            reader,
            rows,
            at: 0,
            wanted,
            next_row: 0,
        }));
        Ok(())
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
        let Some(Reverse(mut stream)) = self.streams.pop() else { return Ok(()) };
        let row = stream.row_number();
        if asked.is_within(stream.time) {
            tally.rows_read += 1;
            self.decide(&stream, row, asked, scanner, found)?;
        }
        stream.at += 1;
        if stream.at >= stream.rows.len() {
            let path = stream.segment.path(self.lake.root(), PARQUET);
            let Some(rows) = next_rows(&mut stream.reader, &path)? else { return Ok(()) };
            (stream.rows, stream.at) = (rows, 0);
        }
        stream.time = stream.rows.time(stream.at);
        self.streams.push(Reverse(stream));
        Ok(())
    }

    fn decide(
        &self,
        stream: &Stream,
        row: u32,
        asked: &Asked,
        scanner: &mut Scanner,
        found: &mut dyn FnMut(&Sighting<'_>),
    ) -> Result<(), LakeError> {
        let (rows, at) = (&stream.rows, stream.at);
        let observation = rows.observation(at);
        let text = rows.text(at);
        // Segment and row lead back to the record, however many are remembered.
        let line = (stream.number << 32) | u64::from(row);
        let time = observation.time.unwrap_or_else(|| crate::rows::timestamp(stream.time));
        let record = BoundRecord { time, line, offset: rows.offset(at) };
        let mut failed = None;
        scanner.scan_record(
            &observation,
            text.unwrap_or_default().as_bytes(),
            record,
            asked.now,
            &mut |it| {
                let with: Result<Vec<Place>, LakeError> =
                    it.bound.iter().map(|other| self.place_of(other)).collect();
                match with {
                    Ok(with) => {
                        let place = place(rows, at);
                        found(&Sighting { found: it, place: &place, time, with: &with, text });
                    }
                    Err(error) => failed = Some(error),
                }
            },
        );
        failed.map_or(Ok(()), Err)
    }

    /// Where a record came from that a pattern remembered.
    fn place_of(&self, record: &BoundRecord) -> Result<Place, LakeError> {
        let (number, row) = (record.line >> 32, record.line as u32);
        let segment = usize::try_from(number).ok().and_then(|number| self.lake.manifest.segments.get(number));
        let Some(segment) = segment else {
            return Err(LakeError::damaged(self.lake.root(), "a record that was read is in no segment"));
        };
        let path = segment.path(self.lake.root(), PARQUET);
        let only = RowSet::one(row, segment.rows);
        let mut reader = segment.open_rows(self.lake.root(), Some(&only), 1, self.read)?;
        match next_rows(&mut reader, &path)? {
            Some(rows) => Ok(place(&rows, 0)),
            None => Err(LakeError::damaged(&path, "it has fewer rows than were written")),
        }
    }
}

fn place(rows: &ReadRows, at: usize) -> Place {
    Place { source: rows.source(at).to_owned(), line: rows.line(at), offset: rows.offset(at) }
}

/// The next rows that there are.
fn next_rows(
    reader: &mut ParquetRecordBatchReader,
    path: &std::path::Path,
) -> Result<Option<ReadRows>, LakeError> {
    while let Some(batch) = next_batch(reader, path)? {
        if batch.num_rows() > 0 {
            let rows = ReadRows::new(&batch);
            return rows
                .map(Some)
                .ok_or_else(|| LakeError::damaged(path, "it has other columns than were written"));
        }
    }
    Ok(None)
}
