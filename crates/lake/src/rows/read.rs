use std::collections::VecDeque;

use bytes::Bytes;

use super::row::{Head, Row};
use super::shape::Shape;
use super::{BLOCK_ROWS_MAX, FOOTER_BYTES, FRAME_BYTES_MAX, MAGIC, PACKED, PLAIN, VERSION, read_shapes};
use crate::error::FileError;
use crate::frame::{self, check_place, size, take, unseal, varint};
use crate::index::ROWS_MAX;
use crate::storage::ReadAt;

/// The rows of a segment, read where they are asked for.
pub(crate) struct RowsFile<F> {
    file: F,
    rows: u32,
    encoded: Vec<Vec<u8>>,
    shapes: Vec<Shape>,
    groups: Vec<Group>,
}

/// Blocks that are told of in one frame.
#[derive(Debug, Clone, Copy)]
struct Group {
    first_row: u32,
    /// Where its first block begins.
    offset: u64,
    blocks: usize,
    /// Where and how long its frame is.
    frame: (u64, usize),
}

/// A block in the file.
#[derive(Debug, Clone, Copy)]
struct BlockAt {
    first: u32,
    end: u32,
    offset: u64,
    bytes: usize,
}

const TORN: FileError = FileError::Damaged("ends in the middle of an entry");

impl<F: ReadAt> RowsFile<F> {
    /// Reads what stands at the end: shapes, and where the blocks are told of.
    pub(crate) fn open(file: F) -> Result<Self, FileError> {
        let start = file.size().checked_sub(FOOTER_BYTES as u64);
        let start = start.ok_or(FileError::Damaged("is shorter than any"))?;
        let mut footer = [0; FOOTER_BYTES];
        file.read_at(start, &mut footer)?;
        let sealed = footer.strip_suffix(MAGIC).ok_or(FileError::Damaged("does not end like one"))?;
        let mut rest = unseal(sealed)?;
        let mut word = |bytes: usize| {
            let taken = take(&mut rest, bytes).unwrap_or_default();
            taken.iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte))
        };
        let places = [(word(8), word(4) as usize), (word(8), word(4) as usize)];
        let (rows, version) = (word(4), word(4));
        if version != u64::from(VERSION) {
            return Err(FileError::Version(version as u32));
        }
        let rows = u32::try_from(rows).ok().filter(|rows| *rows <= ROWS_MAX);
        let rows = rows.ok_or(FileError::Damaged("says that the segment has more rows than any"))?;
        let [shapes, root] = places;
        let shapes = frame::read(&file, shapes.0, shapes.1, FRAME_BYTES_MAX)?;
        let mut rest = shapes.as_slice();
        let mut encoded = Vec::new();
        while !rest.is_empty() {
            let bytes = size(&mut rest).ok_or(TORN)?;
            encoded.push(take(&mut rest, bytes).ok_or(TORN)?.to_vec());
        }
        let shapes = read_shapes(&encoded)?;
        let root = frame::read(&file, root.0, root.1, FRAME_BYTES_MAX)?;
        let groups = read_root(&root, rows).ok_or(TORN)?;
        Ok(Self { file, rows, encoded, shapes, groups })
    }

    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    /// A row's shape as it is written; `None` where it stands in the row.
    pub(crate) fn encoded_shape(&self, row: Row<'_>) -> Option<&[u8]> {
        let at = (row.head.shape as usize).checked_sub(1)?;
        self.encoded.get(at).map(Vec::as_slice)
    }

    /// The blocks of a group.
    fn blocks(&self, number: usize) -> Result<Vec<BlockAt>, FileError> {
        let group = self.groups.get(number).ok_or(TORN)?;
        let end = self.groups.get(number + 1).map_or(self.rows, |next| next.first_row);
        let (offset, bytes) = group.frame;
        let body = frame::read(&self.file, offset, bytes, FRAME_BYTES_MAX)?;
        let mut rest = body.as_slice();
        let mut blocks = Vec::with_capacity(group.blocks.min(body.len() / 2));
        let (mut first, mut offset) = (group.first_row, group.offset);
        while !rest.is_empty() {
            let rows = varint(&mut rest).and_then(|rows| u32::try_from(rows).ok()).ok_or(TORN)?;
            let bytes = size(&mut rest).ok_or(TORN)?;
            let next =
                first.checked_add(rows).filter(|next| (1..=BLOCK_ROWS_MAX).contains(&rows) && *next <= end);
            let next = next.ok_or(FileError::Damaged("has blocks with more rows than there are"))?;
            check_place(&self.file, offset, bytes, FRAME_BYTES_MAX)?;
            blocks.push(BlockAt { first, end: next, offset, bytes });
            (first, offset) = (next, offset + bytes as u64);
        }
        if first != end || blocks.len() != group.blocks {
            return Err(FileError::Damaged("has fewer rows than it says"));
        }
        Ok(blocks)
    }
}

fn read_root(mut rest: &[u8], rows: u32) -> Option<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    while !rest.is_empty() {
        let mut number = || varint(&mut rest);
        let first_row = u32::try_from(number()?).ok()?;
        let offset = number()?;
        let blocks = usize::try_from(number()?).ok()?;
        let frame = (number()?, usize::try_from(number()?).ok()?);
        let rises = groups.last().map_or(first_row == 0, |last| last.first_row < first_row);
        if !rises || first_row >= rows {
            return None;
        }
        groups.push(Group { first_row, offset, blocks, frame });
    }
    (rows == 0 || !groups.is_empty()).then_some(groups)
}

/// Which rows are read, rising.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    All,
    Some(Vec<u32>),
}

/// Reads the rows that are wanted, one after the other. Blocks without any are not read, and of the others several at a time.
pub(crate) struct RowCursor<F> {
    pub(crate) file: RowsFile<F>,
    wanted: Wanted,
    /// Of the wanted rows, so many were given.
    given: usize,
    group: Option<(usize, Vec<BlockAt>)>,
    fetched: VecDeque<(BlockAt, Bytes)>,
    open: OpenBlock,
    number: u32,
    head: Head,
}

/// A block whose rows are being read.
#[derive(Default)]
struct OpenBlock {
    end: u32,
    plain: Vec<u8>,
    base: (i64, u64, u64),
    /// The row that begins at this byte.
    next: u32,
    at: usize,
}

/// So many blocks are fetched at a time, or fewer if they are long.
const FETCH_BLOCKS: usize = 128;
const FETCH_BYTES: usize = 4 << 20;

impl<F: ReadAt> RowCursor<F> {
    pub(crate) fn new(file: RowsFile<F>, wanted: Wanted) -> Self {
        Self {
            file,
            wanted,
            given: 0,
            group: None,
            fetched: VecDeque::new(),
            open: OpenBlock::default(),
            number: 0,
            head: Head::default(),
        }
    }

    /// Goes to the next wanted row; whether there is one.
    pub(crate) fn next(&mut self) -> Result<bool, FileError> {
        let Some(row) = self.wanted(self.given) else { return Ok(false) };
        self.given += 1;
        if row >= self.open.end {
            self.open_block_of(row)?;
        }
        self.head = self
            .open
            .seek(row, self.file.shapes.len())
            .ok_or(FileError::Damaged("has a row that is none"))?;
        self.number = row;
        Ok(true)
    }

    /// The row that was gone to.
    pub(crate) fn row(&self) -> Row<'_> {
        let body = self.open.plain.get(self.head.start..self.head.end).unwrap_or_default();
        Row { head: self.head, shapes: &self.file.shapes, body }
    }

    /// Its number in the segment.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    fn wanted(&self, at: usize) -> Option<u32> {
        match &self.wanted {
            Wanted::All => u32::try_from(at).ok(),
            Wanted::Some(rows) => rows.get(at).copied(),
        }
        .filter(|row| *row < self.file.rows)
    }

    fn open_block_of(&mut self, row: u32) -> Result<(), FileError> {
        loop {
            match self.fetched.pop_front() {
                Some((block, bytes)) if block.end > row => return self.open.load(block, &bytes),
                Some(_) => {}
                None => self.fetch(row)?,
            }
        }
    }

    /// Fetches the block of a row, and those of the wanted rows behind it.
    fn fetch(&mut self, mut row: u32) -> Result<(), FileError> {
        let (mut blocks, mut bytes, mut at) = (Vec::new(), 0, self.given);
        loop {
            let block = self.block_of(row)?;
            bytes += block.bytes;
            blocks.push(block);
            if blocks.len() >= FETCH_BLOCKS || bytes >= FETCH_BYTES {
                break;
            }
            let behind = loop {
                match self.wanted(at) {
                    Some(row) if row < block.end => {
                        at = if matches!(self.wanted, Wanted::All) { block.end as usize } else { at + 1 };
                    }
                    behind => break behind,
                }
            };
            let Some(behind) = behind else { break };
            row = behind;
        }
        let places: Vec<(u64, usize)> = blocks.iter().map(|block| (block.offset, block.bytes)).collect();
        let read = self.file.file.read_many(&places)?;
        self.fetched.extend(blocks.into_iter().zip(read));
        Ok(())
    }

    fn block_of(&mut self, row: u32) -> Result<BlockAt, FileError> {
        let group = self.file.groups.partition_point(|group| group.first_row <= row).saturating_sub(1);
        let blocks = match &self.group {
            Some((open, blocks)) if *open == group => blocks,
            _ => &self.group.insert((group, self.file.blocks(group)?)).1,
        };
        let at = blocks.partition_point(|block| block.first <= row).saturating_sub(1);
        blocks.get(at).copied().ok_or(TORN)
    }
}

impl OpenBlock {
    fn load(&mut self, block: BlockAt, frame: &[u8]) -> Result<(), FileError> {
        let body = unseal(frame)?;
        self.plain.clear();
        match body.split_first() {
            Some((&PLAIN, plain)) => self.plain.extend_from_slice(plain),
            Some((&PACKED, mut packed)) => {
                // LZ4 makes no more than 255 bytes of one.
                let bytes =
                    size(&mut packed).filter(|bytes| *bytes <= FRAME_BYTES_MAX.min(packed.len() * 256));
                let bytes = bytes.ok_or(TORN)?;
                self.plain.resize(bytes, 0);
                let unpacked = lz4_flex::block::decompress_into(packed, &mut self.plain);
                if unpacked.ok() != Some(bytes) {
                    return Err(FileError::Damaged("has a block that cannot be unpacked"));
                }
            }
            _ => return Err(FileError::Damaged("has a block of no known form")),
        }
        let mut rest = self.plain.as_slice();
        let mut word = || Some(u64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?));
        let base = word().zip(word()).zip(word()).ok_or(TORN)?;
        let ((time, line), position) = base;
        self.base = (time as i64, line, position);
        self.at = self.plain.len() - rest.len();
        (self.next, self.end) = (block.first, block.end);
        Ok(())
    }

    /// Goes to a row, which is not before the last one that was gone to.
    fn seek(&mut self, row: u32, shapes: usize) -> Option<Head> {
        loop {
            let mut rest = self.plain.get(self.at..)?;
            let bytes = size(&mut rest)?;
            let start = self.plain.len() - rest.len();
            let end = start.checked_add(bytes).filter(|end| *end <= self.plain.len())?;
            self.at = end;
            self.next += 1;
            if self.next <= row {
                continue;
            }
            let mut rest = self.plain.get(start..end)?;
            let shape = u32::try_from(varint(&mut rest)?).ok().filter(|shape| *shape as usize <= shapes)?;
            let time = self.base.0.wrapping_add(varint(&mut rest)? as i64);
            let line = self.base.1.wrapping_add(varint(&mut rest)?);
            let position = self.base.2.wrapping_add(varint(&mut rest)?);
            return Some(Head { time, line, position, shape, start: end - rest.len(), end });
        }
    }
}
