//! One segment's three files: written whole, read where it is asked.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::columns::{SCHEMA, columns};
use crate::error::{FileError, LakeError};
use crate::index::{Index, IndexWriter};
use crate::manifest::{ENDINGS, INDEX, PARQUET, ROWS, Segment};
use crate::observables::Observables;
use crate::rows::{HeldRows, RowCursor, RowsFile, RowsWriter, Shape, Wanted};
use crate::storage::{Finished, Place, Root, Unfinished};

/// Rows that become columns at a time.
const BATCH_ROWS: usize = 1 << 15;

static PROPERTIES: LazyLock<WriterProperties> = LazyLock::new(|| {
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(1 << 20))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_statistics_enabled(ColumnPath::from("time"), EnabledStatistics::Page)
        .set_created_by(concat!("yagura lake ", env!("CARGO_PKG_VERSION")).to_owned());
    // Counts differ from row to row; a dictionary of them is larger than they are.
    ["time", "line", "position"]
        .iter()
        .fold(builder, |builder, name| builder.set_column_dictionary_enabled(ColumnPath::from(*name), false))
        .build()
});

/// Rows that become one segment.
pub(crate) struct Part {
    pub(crate) segment: Segment,
    pub(crate) held: Arc<HeldRows>,
    pub(crate) rows: Range<usize>,
}

/// Writes the segments' files, several at a time, and completes what the segments say.
pub(crate) fn write_all(root: &Root, parts: &[Part]) -> Result<Vec<Segment>, LakeError> {
    let jobs = parts.len() * ENDINGS.len();
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, &str, Written)>, LakeError> {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let (at, ending) = (number / ENDINGS.len(), ENDINGS.get(number % ENDINGS.len()));
            let Some((part, ending)) = parts.get(at).zip(ending) else { return Ok(done) };
            done.push((at, *ending, part.write(root, ending)?));
        }
    };
    let hands = root.lanes().min(jobs);
    let done: Result<Vec<Vec<_>>, LakeError> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..hands).map(|_| scope.spawn(work)).collect();
        let mine = work();
        let theirs = others.into_iter().map(|other| other.join().unwrap_or(Err(LakeError::Stopped)));
        std::iter::once(mine).chain(theirs).collect()
    });
    let mut segments: Vec<Segment> = parts
        .iter()
        .map(|part| {
            let heads = part.held.heads().get(part.rows.clone()).unwrap_or_default();
            Segment {
                rows: u32::try_from(heads.len()).unwrap_or(u32::MAX),
                from: heads.first().map_or(0, |head| head.time),
                until: heads.last().map_or(0, |head| head.time),
                ..part.segment.clone()
            }
        })
        .collect();
    for (at, ending, written) in done?.into_iter().flatten() {
        if let Some(segment) = segments.get_mut(at) {
            segment.wrote(ending, written.file);
            segment.keys = segment.keys.max(written.keys);
        }
    }
    Ok(segments)
}

/// A file of a segment that was written; the keys that it has, if it is the index.
struct Written {
    file: Finished,
    keys: u64,
}

impl Part {
    fn write(&self, root: &Root, ending: &str) -> Result<Written, LakeError> {
        let whole = |file| Written { file, keys: 0 };
        match ending {
            PARQUET => self.write_parquet(root).map(whole),
            ROWS => self.write_rows(root).map(whole),
            _ => self.write_index(root),
        }
    }

    fn shapes(&self, path: &Path) -> Result<Vec<Shape>, LakeError> {
        self.held.shapes().map_err(|error| LakeError::file(path, error))
    }

    fn write_parquet(&self, root: &Root) -> Result<Finished, LakeError> {
        let mut file = ParquetFile::create(root, &self.segment)?;
        let shapes = self.shapes(&file.path)?;
        file.write(&self.held, &shapes, self.rows.clone())?;
        file.finish()
    }

    fn write_rows(&self, root: &Root) -> Result<Finished, LakeError> {
        let name = self.segment.name(ROWS);
        let path = root.path(&name);
        let failed = |cause| LakeError::disk(&path, cause);
        let mut rows = RowsWriter::new(root.create(&name)?).map_err(failed)?;
        rows.push(&self.held, self.rows.clone()).map_err(failed)?;
        rows.finish().map_err(failed)?.0.finish()
    }

    fn write_index(&self, root: &Root) -> Result<Written, LakeError> {
        let name = self.segment.name(INDEX);
        let path = root.path(&name);
        let failed = |cause| LakeError::disk(&path, cause);
        let observables = Observables::of(&self.held, &self.shapes(&path)?, self.rows.clone());
        let observables = observables.map_err(|error| LakeError::file(&path, error))?;
        let rows = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let mut index = IndexWriter::new(root.create(&name)?, rows).map_err(failed)?;
        observables.write(&mut index).map_err(failed)?;
        let (file, keys) = index.finish().map_err(failed)?;
        Ok(Written { file: file.finish()?, keys })
    }
}

/// A Parquet file that is being written.
pub(crate) struct ParquetFile {
    writer: ArrowWriter<Unfinished>,
    path: std::path::PathBuf,
}

impl ParquetFile {
    pub(crate) fn create(root: &Root, segment: &Segment) -> Result<Self, LakeError> {
        let name = segment.name(PARQUET);
        let path = root.path(&name);
        let writer = ArrowWriter::try_new(root.create(&name)?, Arc::clone(&SCHEMA), Some(PROPERTIES.clone()))
            .map_err(|error| LakeError::parquet(&path, error))?;
        Ok(Self { writer, path })
    }

    /// Adds rows, which are read with these shapes.
    pub(crate) fn write(
        &mut self,
        held: &HeldRows,
        shapes: &[Shape],
        rows: Range<usize>,
    ) -> Result<(), LakeError> {
        let mut start = rows.start;
        while start < rows.end {
            let end = held.batch_end(start, BATCH_ROWS).min(rows.end);
            let batch =
                columns(held, shapes, start..end).map_err(|error| LakeError::file(&self.path, error))?;
            self.writer.write(&batch).map_err(|error| LakeError::parquet(&self.path, error))?;
            start = end;
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Finished, LakeError> {
        let file = self.writer.into_inner().map_err(|error| LakeError::parquet(&self.path, error))?;
        file.finish()
    }
}

/// What was read of the files of a lake.
#[derive(Debug, Clone, Default)]
pub(crate) struct BytesRead {
    pub(crate) index: Arc<AtomicU64>,
    pub(crate) rows: Arc<AtomicU64>,
}

impl Segment {
    pub(crate) fn open_index(&self, root: &Root, read: &BytesRead) -> Result<Index<Place>, LakeError> {
        let name = self.name(INDEX);
        let file = root.open(&name, self.index_bytes, &read.index)?;
        Index::open(file).map_err(|error| LakeError::file(&root.path(&name), error))
    }

    /// The rows that are wanted, in their order.
    pub(crate) fn open_rows(
        &self,
        root: &Root,
        wanted: Wanted,
        read: &BytesRead,
    ) -> Result<RowCursor<Place>, LakeError> {
        let name = self.name(ROWS);
        let file = root.open(&name, self.rows_bytes, &read.rows)?;
        let open = |file| {
            let file = RowsFile::open(file)?;
            match file.rows() == self.rows {
                true => Ok(RowCursor::new(file, wanted)),
                false => Err(FileError::Damaged("has other rows than were written")),
            }
        };
        open(file).map_err(|error| LakeError::file(&root.path(&name), error))
    }
}
