//! Many small segments made few large ones, and what is older than it may be kept taken out.
//!
//! 1. The segments of a kind that belong together are read in the order of time, row by row, without what is too old.
//! 2. The new segment's two files are written and made durable. No reader knows of them; after a crash the next writer removes
//!    them.
//! 3. The manifest names the new segment in place of the old ones. From here on readers see it.
//! 4. The old files are removed: after some minutes, because a hunt may be reading them; at once where something in them was
//!    too old.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{Array, RecordBatch};
use arrow_select::interleave::interleave_record_batch;
use jiff::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use crate::disk::Unfinished;
use crate::error::LakeError;
use crate::index::{DROPPED, IndexWriter, ROWS_MAX, merge};
use crate::manifest::{self, INDEX, PARQUET, Segment};
use crate::period::{Period, Width};
use crate::rows::nanoseconds;
use crate::segment::{BytesRead, ParquetFile, finish_index, next_batch, on_write};
use crate::writer::Writer;

/// How long records are kept, by the kind of their folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keep {
    /// Days for kinds that are not named; `None`: for ever.
    pub days: Option<u32>,
    /// Days for each kind.
    pub by_kind: BTreeMap<String, u32>,
}

impl Keep {
    /// Records of the kind before this time are not kept; nanoseconds since 1970.
    fn cutoff(&self, kind: &str, now: Timestamp) -> Option<i64> {
        const DAY: i64 = 86_400_000_000_000;
        let days = self.by_kind.get(kind).copied().or(self.days)?;
        Some(nanoseconds(now).saturating_sub(DAY.saturating_mul(i64::from(days))))
    }
}

/// What compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Segments that were read.
    pub merged: u64,
    /// Segments that were written.
    pub written: u64,
    /// Records that were taken out because they may not be kept any longer.
    pub expired: u64,
}

/// Segments of one period that is not over are merged when there are so many.
const OPEN_SEGMENTS_MAX: usize = 8;

/// Rows that are written at a time.
const BATCH_ROWS: usize = 8192;

impl Writer {
    /// Takes out what is too old, and merges segments: those of hours that are over to days and months that are over.
    /// Everything that was pushed is to be committed before.
    ///
    /// # Errors
    /// The files cannot be read or written; what was done until then counts.
    pub fn compact(&mut self, keep: &Keep, now: Timestamp) -> Result<Compacted, LakeError> {
        let mut done = Compacted::default();
        for group in self.expired(keep, now) {
            self.replace(&group, None, keep, now, &mut done)?;
        }
        let mut groups: BTreeMap<(String, Period), Vec<Segment>> = BTreeMap::new();
        for segment in &self.manifest.segments {
            let Some(period) = segment.period() else { continue };
            let target = [Width::Month, Width::Day].map(|width| period.within(width));
            let over = target.into_iter().find(|period| period.is_over(now));
            groups.entry((segment.kind.clone(), over.unwrap_or(period))).or_default().push(segment.clone());
        }
        for ((_, period), segments) in groups {
            for group in worth_merging(segments, period, now) {
                self.replace(&group, Some(period), keep, now, &mut done)?;
            }
        }
        Ok(done)
    }

    /// Segments that hold anything too old, each for itself.
    fn expired(&self, keep: &Keep, now: Timestamp) -> Vec<Vec<Segment>> {
        let too_old =
            |segment: &&Segment| keep.cutoff(&segment.kind, now).is_some_and(|cutoff| segment.from < cutoff);
        self.manifest.segments.iter().filter(too_old).map(|segment| vec![segment.clone()]).collect()
    }

    /// Puts one segment in the place of several of one kind; of the first one's period where no other is given.
    fn replace(
        &mut self,
        old: &[Segment],
        period: Option<Period>,
        keep: &Keep,
        now: Timestamp,
        done: &mut Compacted,
    ) -> Result<(), LakeError> {
        let Some((first, period)) = old.first().and_then(|first| Some((first, period.or(first.period())?)))
        else {
            return Ok(());
        };
        let cutoff = keep.cutoff(&first.kind, now);
        let mut new = self.next_segment(first.kind.clone(), period);
        let order = Order::new(&self.root, old, cutoff)?;
        new.rows = u32::try_from(order.rows.len()).unwrap_or(u32::MAX);
        if new.rows > 0 {
            self.merge_rows(old, &order, &mut new)?;
            self.merge_indexes(old, order, &mut new)?;
            self.make_durable(std::slice::from_ref(&new))?;
        }
        let rows: u64 = old.iter().map(|segment| u64::from(segment.rows)).sum();
        let expired = rows - u64::from(new.rows);
        done.merged += old.len() as u64;
        done.written += u64::from(new.rows > 0);
        done.expired += expired;
        if new.rows > 0 {
            self.manifest.segments.push(new);
        }
        old.iter().for_each(|segment| self.manifest.retire(segment.number, now));
        if expired > 0 {
            let gone = |stem: &str| old.iter().any(|segment| segment.stem() == stem);
            self.manifest.retired.retain(|it| !gone(&it.stem));
        }
        self.manifest.commit(&self.root, now)?;
        if expired > 0 {
            old.iter().try_for_each(|segment| manifest::remove(&self.root, &segment.stem()))?;
        }
        Ok(())
    }

    fn merge_rows(&self, old: &[Segment], order: &Order, new: &mut Segment) -> Result<(), LakeError> {
        let path = new.path(&self.root, PARQUET);
        let read = BytesRead::default();
        let mut inputs = Vec::with_capacity(old.len());
        for segment in old {
            let reader = segment.open_rows(&self.root, None, BATCH_ROWS, &read)?;
            inputs.push(Input { reader, segment, batches: VecDeque::new(), first: 0, end: 0 });
        }
        let mut file = ParquetFile::create(&path)?;
        for chunk in order.rows.chunks(BATCH_ROWS) {
            let mut places = Vec::with_capacity(chunk.len());
            for (number, row) in chunk {
                let Some(input) = inputs.get_mut(*number as usize) else { continue };
                input.load_until(*row, &self.root)?;
                places.push((*number as usize, *row));
            }
            let mut starts = Vec::with_capacity(inputs.len());
            let mut batches: Vec<&RecordBatch> = Vec::new();
            for input in &inputs {
                starts.push(batches.len());
                batches.extend(&input.batches);
            }
            let indices: Vec<(usize, usize)> = places
                .iter()
                .filter_map(|(number, row)| {
                    let (batch, at) = inputs.get(*number)?.find(*row)?;
                    Some((starts.get(*number)? + batch, at))
                })
                .collect();
            let merged = interleave_record_batch(&batches, &indices)
                .map_err(|error| LakeError::arrow(&path, error))?;
            file.write(&merged)?;
            for (number, row) in places {
                inputs.get_mut(number).into_iter().for_each(|input| input.forget_before(row));
            }
        }
        new.parquet_bytes = file.finish()?;
        (new.from, new.until) = order.span;
        Ok(())
    }

    fn merge_indexes(&self, old: &[Segment], order: Order, new: &mut Segment) -> Result<(), LakeError> {
        let path = new.path(&self.root, INDEX);
        let read = BytesRead::default();
        let indexes: Vec<_> =
            old.iter().map(|segment| segment.open_index(&self.root, &read)).collect::<Result<_, _>>()?;
        let moved = order.moved(old);
        let mut writer = IndexWriter::new(Unfinished::create(&path)?, new.rows).map_err(on_write(&path))?;
        merge(&indexes, &moved, &mut writer).map_err(|error| LakeError::index(&path, error))?;
        finish_index(writer, new, &path)
    }
}

/// The groups of a kind's and period's segments that make one segment each.
fn worth_merging(mut segments: Vec<Segment>, period: Period, now: Timestamp) -> Vec<Vec<Segment>> {
    segments.sort_by_key(|segment| (segment.from, segment.number));
    let mut groups: Vec<(u64, Vec<Segment>)> = Vec::new();
    for segment in segments {
        let rows = u64::from(segment.rows);
        match groups.last_mut() {
            Some((held, group)) if *held + rows <= u64::from(ROWS_MAX) => {
                *held += rows;
                group.push(segment);
            }
            _ => groups.push((rows, vec![segment])),
        }
    }
    let few = if period.is_over(now) { 2 } else { OPEN_SEGMENTS_MAX };
    let is_new = |group: &[Segment]| group.iter().any(|segment| segment.period() != Some(period));
    groups.into_iter().map(|(_, group)| group).filter(|group| group.len() >= few || is_new(group)).collect()
}

/// Which row of which segment comes where.
struct Order {
    rows: Vec<(u32, u32)>,
    span: (i64, i64),
}

impl Order {
    /// In the order of time, without rows from before the cutoff.
    fn new(root: &std::path::Path, segments: &[Segment], cutoff: Option<i64>) -> Result<Self, LakeError> {
        let read = BytesRead::default();
        let mut times: Vec<Vec<i64>> = Vec::with_capacity(segments.len());
        for segment in segments {
            times.push(segment.times(root, &read)?);
        }
        let mut next: BinaryHeap<Reverse<(i64, u32, u32)>> = BinaryHeap::new();
        for (number, times) in (0..).zip(&times) {
            next.extend(times.first().map(|time| Reverse((*time, number, 0))));
        }
        let (mut rows, mut span) = (Vec::with_capacity(times.iter().map(Vec::len).sum()), None);
        while let Some(Reverse((time, number, row))) = next.pop() {
            if cutoff.is_none_or(|cutoff| time >= cutoff) {
                rows.push((number, row));
                span = Some((span.map_or(time, |(from, _)| from), time));
            }
            let after = times.get(number as usize).and_then(|times| times.get(row as usize + 1));
            next.extend(after.map(|time| Reverse((*time, number, row + 1))));
        }
        Ok(Self { rows, span: span.unwrap_or_default() })
    }

    /// For each segment where each of its rows went.
    fn moved(self, segments: &[Segment]) -> Vec<Vec<u32>> {
        let mut moved: Vec<Vec<u32>> =
            segments.iter().map(|segment| vec![DROPPED; segment.rows as usize]).collect();
        for (to, (number, row)) in (0..).zip(self.rows) {
            let place = moved.get_mut(number as usize).and_then(|rows| rows.get_mut(row as usize));
            place.into_iter().for_each(|place| *place = to);
        }
        moved
    }
}

/// A segment that is read once, from its beginning.
struct Input<'s> {
    reader: ParquetRecordBatchReader,
    segment: &'s Segment,
    batches: VecDeque<RecordBatch>,
    /// The number of the first row that is loaded, and of the first that is not yet.
    first: u32,
    end: u32,
}

impl Input<'_> {
    fn load_until(&mut self, row: u32, root: &std::path::Path) -> Result<(), LakeError> {
        let path = self.segment.path(root, PARQUET);
        while self.end <= row {
            let batch = next_batch(&mut self.reader, &path)?
                .ok_or_else(|| LakeError::damaged(&path, "it has fewer rows than were written"))?;
            self.end += u32::try_from(batch.num_rows()).unwrap_or(0);
            self.batches.push_back(batch);
        }
        Ok(())
    }

    fn find(&self, row: u32) -> Option<(usize, usize)> {
        let mut at = row.checked_sub(self.first)? as usize;
        for (number, batch) in self.batches.iter().enumerate() {
            match at.checked_sub(batch.num_rows()) {
                Some(rest) => at = rest,
                None => return Some((number, at)),
            }
        }
        None
    }

    fn forget_before(&mut self, row: u32) {
        while let Some(batch) = self.batches.front() {
            let end = self.first + u32::try_from(batch.num_rows()).unwrap_or(0);
            if end > row {
                return;
            }
            self.first = end;
            self.batches.pop_front();
        }
    }
}

impl Segment {
    /// The times of the rows; eight bytes for each.
    fn times(&self, root: &std::path::Path, read: &BytesRead) -> Result<Vec<i64>, LakeError> {
        let path = self.path(root, PARQUET);
        let mut reader = self.open_times(root, read)?;
        let mut times = Vec::with_capacity(self.rows as usize);
        while let Some(batch) = next_batch(&mut reader, &path)? {
            let column =
                batch.columns().first().and_then(|it| it.as_primitive_opt::<TimestampNanosecondType>());
            let column = column.filter(|column| column.null_count() == 0);
            times.extend_from_slice(
                column.ok_or_else(|| LakeError::damaged(&path, "it has no times"))?.values(),
            );
        }
        Ok(times)
    }
}
