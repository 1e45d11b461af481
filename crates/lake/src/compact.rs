//! Many small segments made few large ones, and what is older than it may be kept taken out.
//!
//! 1. The segments of a kind that belong together are read in the order of time, row by row, without what is too old.
//! 2. The new segment's two files are written and made durable. No reader knows of them; after a crash the next writer removes
//!    them.
//! 3. The manifest names the new segment in place of the old ones. From here on readers see it.
//! 4. The old files are removed: after some minutes, because a hunt may be reading them; at once where something in them was
//!    too old.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use jiff::Timestamp;

use crate::columns::nanoseconds;
use crate::error::LakeError;
use crate::index::{DROPPED, IndexWriter, ROWS_MAX, merge};
use crate::manifest::{self, INDEX, PARQUET, ROWS, Segment};
use crate::period::{Period, Width};
use crate::rows::{HeldRows, RowCursor, RowsWriter, Wanted};
use crate::segment::{BytesRead, ParquetFile};
use crate::storage::{Place, Root};
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

/// So many segments of about one size are merged in a period that is not over; what comes of it is in the next size, so that
/// a record is written a few times in all, however small and many the commits are.
const ALIKE_MAX: usize = 8;

/// Rows that are merged at a time, while those before become Parquet.
const BATCH_ROWS: usize = 1 << 15;

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
        if old.iter().any(|segment| cutoff.is_none_or(|cutoff| segment.until >= cutoff)) {
            merge_files(&self.root, old, cutoff, &mut new)?;
        }
        if new.rows > 0 {
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
}

/// Writes the three files of one segment of those of several.
fn merge_files(
    root: &Root,
    old: &[Segment],
    cutoff: Option<i64>,
    new: &mut Segment,
) -> Result<(), LakeError> {
    let mut parquet = ParquetFile::create(root, new)?;
    let (to_parquet, batches) = sync_channel(2);
    let (parquet, rows) = std::thread::scope(|scope| {
        let parquet = scope.spawn(move || {
            write_batches(root, &batches, &mut parquet)?;
            parquet.finish()
        });
        let rows = merge_rows(root, old, cutoff, new, to_parquet)
            .and_then(|moved| merge_indexes(root, old, &moved, new));
        (parquet.join().unwrap_or(Err(LakeError::Stopped)), rows)
    });
    // Where Parquet fails, rows go on for nothing; what it says comes first.
    new.wrote(PARQUET, parquet?);
    rows?;
    Ok(())
}

fn write_batches(
    root: &Root,
    batches: &Receiver<HeldRows>,
    parquet: &mut ParquetFile,
) -> Result<(), LakeError> {
    for held in batches {
        let shapes = held.shapes().map_err(|error| LakeError::file(root.shown(), error))?;
        parquet.write(&held, &shapes, 0..held.len())?;
    }
    Ok(())
}

/// Writes the rows in the order of time, without those from before the cutoff, and hands them on. For each segment where each
/// of its rows went.
fn merge_rows(
    root: &Root,
    old: &[Segment],
    cutoff: Option<i64>,
    new: &mut Segment,
    to_parquet: SyncSender<HeldRows>,
) -> Result<Vec<Vec<u32>>, LakeError> {
    let name = new.name(ROWS);
    let path = root.path(&name);
    let failed = |cause| LakeError::disk(&path, cause);
    let mut writer = RowsWriter::new(root.create(&name)?).map_err(failed)?;
    let mut moved: Vec<Vec<u32>> = old.iter().map(|it| vec![DROPPED; it.rows as usize]).collect();
    let mut inputs = Inputs::open(root, old)?;
    let mut held = HeldRows::default();
    let mut span: Option<(i64, i64)> = None;
    while let Some((number, input)) = inputs.next()? {
        let row = input.row();
        let time = row.head.time;
        if cutoff.is_none_or(|cutoff| time >= cutoff) {
            let place = moved.get_mut(number).and_then(|rows| rows.get_mut(input.number() as usize));
            place.into_iter().for_each(|place| *place = new.rows);
            new.rows += 1;
            span = Some((span.map_or(time, |(from, _)| from), time));
            held.copy(row, input.file.encoded_shape(row));
        }
        if held.batch_end(0, BATCH_ROWS) < held.len() || held.len() == BATCH_ROWS {
            writer.push(&held, 0..held.len()).map_err(failed)?;
            // Whoever reads it has failed if it is gone, and will say why.
            let _ = to_parquet.send(std::mem::take(&mut held));
        }
    }
    writer.push(&held, 0..held.len()).map_err(failed)?;
    let _ = to_parquet.send(held);
    drop(to_parquet);
    (new.from, new.until) = span.unwrap_or_default();
    new.wrote(ROWS, writer.finish().map_err(failed)?.0.finish()?);
    Ok(moved)
}

fn merge_indexes(
    root: &Root,
    old: &[Segment],
    moved: &[Vec<u32>],
    new: &mut Segment,
) -> Result<(), LakeError> {
    let name = new.name(INDEX);
    let path = root.path(&name);
    let failed = |cause| LakeError::disk(&path, cause);
    let read = BytesRead::default();
    let indexes: Vec<_> =
        old.iter().map(|segment| segment.open_index(root, &read)).collect::<Result<_, _>>()?;
    let mut writer = IndexWriter::new(root.create(&name)?, new.rows).map_err(failed)?;
    merge(&indexes, moved, &mut writer).map_err(|error| LakeError::file(&path, error))?;
    let (file, keys) = writer.finish().map_err(failed)?;
    new.keys = keys;
    new.wrote(INDEX, file.finish()?);
    Ok(())
}

/// The groups of a kind's and period's segments that make one segment each.
fn worth_merging(mut segments: Vec<Segment>, period: Period, now: Timestamp) -> Vec<Vec<Segment>> {
    if !period.is_over(now) {
        return alike(segments);
    }
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
    let is_new = |group: &[Segment]| group.iter().any(|segment| segment.period() != Some(period));
    groups.into_iter().map(|(_, group)| group).filter(|group| group.len() > 1 || is_new(group)).collect()
}

/// Segments of about one size, in groups of so many that they are worth merging.
fn alike(segments: Vec<Segment>) -> Vec<Vec<Segment>> {
    let mut sizes: BTreeMap<u32, Vec<Segment>> = BTreeMap::new();
    for segment in segments {
        sizes.entry(segment.rows.max(1).ilog2() / ALIKE_MAX.ilog2()).or_default().push(segment);
    }
    let few = |group: &Vec<Segment>| {
        group.iter().map(|segment| u64::from(segment.rows)).sum::<u64>() <= u64::from(ROWS_MAX)
    };
    sizes.into_values().filter(|group| group.len() >= ALIKE_MAX).filter(few).collect()
}

/// Segments that are read once, from their beginning, in the order of time.
struct Inputs<'o> {
    root: &'o Root,
    old: &'o [Segment],
    cursors: Vec<RowCursor<Place>>,
    next: BinaryHeap<Reverse<(i64, usize)>>,
    /// The one that was given last, which is to go on.
    last: Option<usize>,
}

impl<'o> Inputs<'o> {
    fn open(root: &'o Root, old: &'o [Segment]) -> Result<Self, LakeError> {
        let read = BytesRead::default();
        let open = |segment: &Segment| segment.open_rows(root, Wanted::All, &read);
        let cursors = old.iter().map(open).collect::<Result<_, _>>()?;
        let mut inputs = Self { root, old, cursors, next: BinaryHeap::new(), last: None };
        (0..old.len()).try_for_each(|number| inputs.go_on(number))?;
        Ok(inputs)
    }

    /// The segment whose next row is the earliest, at that row.
    fn next(&mut self) -> Result<Option<(usize, &RowCursor<Place>)>, LakeError> {
        if let Some(last) = self.last.take() {
            self.go_on(last)?;
        }
        let Some(Reverse((_, number))) = self.next.pop() else { return Ok(None) };
        self.last = Some(number);
        Ok(self.cursors.get(number).map(|cursor| (number, cursor)))
    }

    fn go_on(&mut self, number: usize) -> Result<(), LakeError> {
        let Some((cursor, segment)) = self.cursors.get_mut(number).zip(self.old.get(number)) else {
            return Ok(());
        };
        let failed = |error| LakeError::file(&self.root.path(&segment.name(ROWS)), error);
        if cursor.next().map_err(failed)? {
            self.next.push(Reverse((cursor.row().head.time, number)));
        }
        Ok(())
    }
}
