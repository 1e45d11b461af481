//! One segment's two files: written whole, read where it is asked.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;
use matcher::Sign;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection, RowSelector,
};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use telemetry::Observation;

use crate::disk::{Place, Unfinished};
use crate::error::LakeError;
use crate::index::{Index, IndexWriter, RowSet};
use crate::key;
use crate::manifest::{INDEX, PARQUET, Segment};
use crate::rows::{Rows, SCHEMA, Whence};

/// Rows of a row group; the dictionaries of its columns are read for any row of it.
const GROUP_ROWS: usize = 1 << 17;

/// Rows of a page, which is read and decompressed for any row of it.
const PAGE_ROWS: usize = 512;

fn properties() -> WriterProperties {
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_dictionary_page_size_limit(1 << 18)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_statistics_enabled(ColumnPath::from("time"), EnabledStatistics::Page)
        .set_created_by(concat!("yagura lake ", env!("CARGO_PKG_VERSION")).to_owned());
    // Counts differ from row to row; a dictionary of them is larger than they are.
    ["time", "line", "position"]
        .iter()
        .fold(builder, |builder, name| builder.set_column_dictionary_enabled(ColumnPath::from(*name), false))
        .build()
}

/// Records of one segment in the making.
#[derive(Default)]
pub(crate) struct Draft {
    rows: Rows,
    keys: HashMap<Vec<u8>, Vec<u32>>,
}

impl Draft {
    /// Adds a record; about how many bytes of memory that takes.
    pub(crate) fn push(&mut self, seen: &Observation<'_>, from: &Whence<'_>) -> usize {
        /// What an entry of the map and its list cost beyond the key.
        const KEY_OVERHEAD_BYTES: usize = 96;
        /// The columns that are numbers, and the ends of the others.
        const ROW_BYTES: usize = 120;
        let row = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let mut added = ROW_BYTES + from.source.len() + from.text.map_or(0, str::len);
        self.rows.push(seen, from);
        for value in &seen.values {
            added += value.field.len() + value.value.len() + value.kind.name().len() + 28;
            let Some(sign) = Sign::of(value.kind, &value.value) else { continue };
            let key = key::key(&sign);
            let rows = match self.keys.get_mut(&key) {
                Some(rows) => rows,
                None => {
                    added += key.len() + KEY_OVERHEAD_BYTES;
                    self.keys.entry(key).or_default()
                }
            };
            if rows.last() != Some(&row) {
                rows.push(row);
                added += size_of::<u32>();
            }
        }
        added
    }

    /// Writes the files of the segment, which says kind, period and number; completes what it says.
    pub(crate) fn write(self, root: &Path, segment: &mut Segment) -> Result<(), LakeError> {
        let path = segment.path(root, PARQUET);
        let Self { rows, mut keys, .. } = self;
        let order = order_by_time(rows.times());
        segment.rows = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        segment.from = rows.times().iter().copied().min().unwrap_or_default();
        segment.until = rows.times().iter().copied().max().unwrap_or_default();
        let mut batch = rows.finish().map_err(|error| LakeError::arrow(&path, error))?;
        if let Some(order) = order {
            let mut moved = vec![0_u32; order.len()];
            for (to, from) in order.iter().enumerate() {
                if let Some(place) = moved.get_mut(*from as usize) {
                    *place = to as u32;
                }
            }
            for rows in keys.values_mut() {
                rows.iter_mut().for_each(|row| *row = moved.get(*row as usize).copied().unwrap_or(*row));
                rows.sort_unstable();
            }
            batch = take_record_batch(&batch, &UInt32Array::from(order))
                .map_err(|error| LakeError::arrow(&path, error))?;
        }
        let mut parquet = ParquetFile::create(&path)?;
        parquet.write(&batch)?;
        segment.parquet_bytes = parquet.finish()?;
        let path = segment.path(root, INDEX);
        let failed = |cause| LakeError::disk(&path, cause);
        let mut keys: Vec<(Vec<u8>, Vec<u32>)> = keys.into_iter().collect();
        keys.sort_unstable();
        let mut index = IndexWriter::new(Unfinished::create(&path)?, segment.rows).map_err(failed)?;
        for (key, rows) in &keys {
            index.push(key, rows).map_err(failed)?;
        }
        finish_index(index, segment, &path)
    }
}

/// The rows in the order of their time; `None` where they are so already.
fn order_by_time(times: &[i64]) -> Option<Vec<u32>> {
    if times.is_sorted() {
        return None;
    }
    let mut order: Vec<u32> = (0..u32::try_from(times.len()).unwrap_or(u32::MAX)).collect();
    order.sort_by_key(|row| times.get(*row as usize));
    Some(order)
}

/// Completes an index that all keys were pushed to.
pub(crate) fn finish_index(
    index: IndexWriter<Unfinished>,
    segment: &mut Segment,
    path: &Path,
) -> Result<(), LakeError> {
    let (file, keys) = index.finish().map_err(|cause| LakeError::disk(path, cause))?;
    segment.keys = keys;
    segment.index_bytes = file.finish()?;
    Ok(())
}

/// A Parquet file that is being written.
pub(crate) struct ParquetFile<'p> {
    writer: ArrowWriter<Unfinished>,
    path: &'p Path,
}

impl<'p> ParquetFile<'p> {
    pub(crate) fn create(path: &'p Path) -> Result<Self, LakeError> {
        let file = Unfinished::create(path)?;
        let writer = ArrowWriter::try_new(file, Arc::clone(&SCHEMA), Some(properties()))
            .map_err(|error| LakeError::parquet(path, error))?;
        Ok(Self { writer, path })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        self.writer.write(batch).map_err(|error| LakeError::parquet(self.path, error))
    }

    /// The size of the file.
    pub(crate) fn finish(self) -> Result<u64, LakeError> {
        let file = self.writer.into_inner().map_err(|error| LakeError::parquet(self.path, error))?;
        file.finish()
    }
}

/// What was read of the files of a lake.
#[derive(Debug, Clone, Default)]
pub(crate) struct BytesRead {
    pub(crate) index: Arc<AtomicU64>,
    pub(crate) parquet: Arc<AtomicU64>,
}

impl Segment {
    pub(crate) fn open_index(&self, root: &Path, read: &BytesRead) -> Result<Index<Place>, LakeError> {
        let path = self.path(root, INDEX);
        let file = Place::open(&path, &read.index)?;
        Index::open(file).map_err(|error| LakeError::index(&path, error))
    }

    /// The rows of a set, or all; some at a time, in their order.
    pub(crate) fn open_rows(
        &self,
        root: &Path,
        rows: Option<&RowSet>,
        batch_rows: usize,
        read: &BytesRead,
    ) -> Result<ParquetRecordBatchReader, LakeError> {
        let policy = if rows.is_some() { PageIndexPolicy::Required } else { PageIndexPolicy::Skip };
        let builder = self.open_parquet(root, policy, read)?;
        let builder = match rows {
            Some(rows) => builder.with_row_selection(selection(rows, self.rows)),
            None => builder,
        };
        let path = self.path(root, PARQUET);
        builder.with_batch_size(batch_rows).build().map_err(|error| LakeError::parquet(&path, error))
    }

    /// The times of all rows, the first column and no other.
    pub(crate) fn open_times(
        &self,
        root: &Path,
        read: &BytesRead,
    ) -> Result<ParquetRecordBatchReader, LakeError> {
        let builder = self.open_parquet(root, PageIndexPolicy::Skip, read)?;
        let first = ProjectionMask::leaves(builder.parquet_schema(), [0]);
        let path = self.path(root, PARQUET);
        builder.with_projection(first).build().map_err(|error| LakeError::parquet(&path, error))
    }

    fn open_parquet(
        &self,
        root: &Path,
        policy: PageIndexPolicy,
        read: &BytesRead,
    ) -> Result<ParquetRecordBatchReaderBuilder<Place>, LakeError> {
        let path = self.path(root, PARQUET);
        let failed = |error| LakeError::parquet(&path, error);
        let file = Place::open(&path, &read.parquet)?;
        let options = ArrowReaderOptions::new().with_offset_index_policy(policy);
        let metadata = ArrowReaderMetadata::load(&file, options).map_err(failed)?;
        let columns = metadata.schema().fields() == SCHEMA.fields();
        if !columns || metadata.metadata().file_metadata().num_rows() != i64::from(self.rows) {
            return Err(LakeError::damaged(&path, "it has other columns or rows than were written"));
        }
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata))
    }
}

fn selection(rows: &RowSet, end: u32) -> RowSelection {
    let mut selectors: Vec<RowSelector> = Vec::new();
    let mut next = 0_u32;
    for row in rows.iter() {
        let skipped = (row - next) as usize;
        match selectors.last_mut() {
            Some(last) if skipped == 0 && !last.skip => last.row_count += 1,
            _ => {
                if skipped > 0 {
                    selectors.push(RowSelector::skip(skipped));
                }
                selectors.push(RowSelector::select(1));
            }
        }
        next = row + 1;
    }
    if next < end {
        selectors.push(RowSelector::skip((end - next) as usize));
    }
    selectors.into()
}

/// What cannot be read of a batch, as an error of the lake.
pub(crate) fn next_batch(
    reader: &mut ParquetRecordBatchReader,
    path: &Path,
) -> Result<Option<RecordBatch>, LakeError> {
    reader.next().transpose().map_err(|error| match error {
        arrow_schema::ArrowError::IoError(_, cause) => LakeError::disk(path, cause),
        other => LakeError::arrow(path, other),
    })
}

/// A write that failed for want of a file, told with its path.
pub(crate) fn on_write(path: &Path) -> impl Fn(io::Error) -> LakeError {
    move |cause| LakeError::disk(path, cause)
}
