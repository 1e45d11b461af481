use std::cell::OnceCell;

use super::filter;
use super::frame::{self, next_key, size, take, unseal};
use super::{FOOTER_BYTES, FRAME_BYTES_MAX, IndexError, MAGIC, ROWS_INLINE_MAX, ROWS_MAX, VERSION};
use crate::disk::ReadAt;
use crate::key::Range;

/// An index that is read where it is asked.
pub(crate) struct Index<F> {
    file: F,
    rows: u32,
    root: (u64, usize),
    filter: (u64, u32),
    directories: OnceCell<Vec<Child>>,
}

/// A block or a directory, by the first key in it.
struct Child {
    first: Vec<u8>,
    offset: u64,
    bytes: usize,
}

/// A set of rows of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowSet {
    words: Vec<u64>,
}

impl RowSet {
    fn new(rows: u32) -> Self {
        Self { words: vec![0; rows.div_ceil(64) as usize] }
    }

    /// One row of a segment of so many.
    pub(crate) fn one(row: u32, rows: u32) -> Self {
        let mut only = Self::new(rows);
        only.insert(row);
        only
    }

    fn insert(&mut self, row: u32) {
        if let Some(word) = self.words.get_mut((row / 64) as usize) {
            *word |= 1 << (row % 64);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The rows, rising.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(at as u32 * 64 + bit)
            })
        })
    }
}

/// The answer of an index.
pub(crate) struct Found {
    /// The rows that show anything that was asked for.
    pub(crate) rows: RowSet,
    /// Whether the filter let anything through, so that keys were looked at.
    pub(crate) looked_up: bool,
}

fn damaged<T>(what: &'static str) -> impl Fn() -> Result<T, IndexError> {
    move || Err(IndexError::Damaged(what))
}

const TORN: &str = "ends in the middle of an entry";
const CIRCLE: &str = "leads backwards";

impl<F: ReadAt> Index<F> {
    /// Reads the footer.
    pub(crate) fn open(file: F) -> Result<Self, IndexError> {
        let end = file.size();
        let Some(start) = end.checked_sub(FOOTER_BYTES as u64) else {
            return damaged("is shorter than any")();
        };
        let mut footer = [0; FOOTER_BYTES];
        file.read_at(start, &mut footer)?;
        let Some(sealed) = footer.strip_suffix(MAGIC) else { return damaged("does not end like one")() };
        let mut rest = unseal(sealed)?;
        let mut word = |bytes: usize| -> u64 {
            let mut word = [0; 8];
            let taken = take(&mut rest, bytes).unwrap_or_default();
            word.iter_mut().zip(taken).for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(word)
        };
        let (root, root_bytes, filter, blocks) = (word(8), word(4), word(8), word(4));
        let (_keys, rows, version) = (word(8), word(4), word(4));
        if version != u64::from(VERSION) {
            return Err(IndexError::Version(version as u32));
        }
        if rows > u64::from(ROWS_MAX) {
            return damaged("says that the segment has more rows than any")();
        }
        let filter_end = filter.checked_add(blocks * filter::BLOCK_BYTES as u64);
        if filter_end.is_none_or(|end| end > start) || root.saturating_add(root_bytes) > start {
            return damaged("says that it is longer than it is")();
        }
        Ok(Self {
            file,
            rows: rows as u32,
            root: (root, root_bytes as usize),
            filter: (filter, blocks as u32),
            directories: OnceCell::new(),
        })
    }

    fn frame(&self, offset: u64, bytes: usize) -> Result<Vec<u8>, IndexError> {
        if bytes > FRAME_BYTES_MAX || offset.saturating_add(bytes as u64) > self.file.size() {
            return damaged("says that it is longer than it is")();
        }
        let mut frame = vec![0; bytes];
        self.file.read_at(offset, &mut frame)?;
        let body = unseal(&frame)?.len();
        frame.truncate(body);
        Ok(frame)
    }

    /// The children that a directory or the root tells of.
    fn children(&self, offset: u64, bytes: usize) -> Result<Vec<Child>, IndexError> {
        let body = self.frame(offset, bytes)?;
        let mut rest = body.as_slice();
        let (mut children, mut key) = (Vec::new(), Vec::new());
        while !rest.is_empty() {
            let child = next_key(&mut rest, &mut key).and_then(|()| {
                let offset = frame::varint(&mut rest)?;
                Some(Child { first: key.clone(), offset, bytes: size(&mut rest)? })
            });
            children.push(child.ok_or(IndexError::Damaged(TORN))?);
        }
        Ok(children)
    }

    fn directories(&self) -> Result<&[Child], IndexError> {
        if let Some(known) = self.directories.get() {
            return Ok(known);
        }
        let read = self.children(self.root.0, self.root.1)?;
        Ok(self.directories.get_or_init(|| read))
    }

    /// Which of the ranges the filter lets through.
    fn passing<'r>(&self, ranges: &'r [Range]) -> Result<Vec<&'r Range>, IndexError> {
        let (start, blocks) = self.filter;
        let bytes = blocks as usize * filter::BLOCK_BYTES;
        // One read of all is cheaper than very many small ones.
        let whole = if ranges.len() > blocks as usize / 32 {
            let mut whole = vec![0; bytes];
            self.file.read_at(start, &mut whole)?;
            Some(whole)
        } else {
            None
        };
        let mut passing = Vec::new();
        for range in ranges {
            let Some(mark) = range.mark else {
                passing.push(range);
                continue;
            };
            if blocks == 0 {
                continue;
            }
            let at = filter::block_of(mark, blocks) as usize * filter::BLOCK_BYTES;
            let mut block = [0; filter::BLOCK_BYTES];
            match &whole {
                Some(whole) => block.copy_from_slice(
                    whole.get(at..at + filter::BLOCK_BYTES).ok_or(IndexError::Damaged(TORN))?,
                ),
                None => self.file.read_at(start + at as u64, &mut block)?,
            }
            if filter::may_have(&block, mark)? {
                passing.push(range);
            }
        }
        Ok(passing)
    }

    /// The rows that any of the ranges names; the ranges are sorted.
    pub(crate) fn rows(&self, ranges: &[Range]) -> Result<Found, IndexError> {
        let passing = self.passing(ranges)?;
        let mut rows = RowSet::new(if passing.is_empty() { 0 } else { self.rows });
        let mut cursor = Cursor::new(self);
        for range in &passing {
            cursor.seek(&range.first)?;
            while let Some(entry) = cursor.next()? {
                if cursor.key.as_slice() > range.last.as_slice() {
                    break;
                }
                if cursor.key.as_slice() >= range.first.as_slice() {
                    self.each_row(&entry, &mut |row| rows.insert(row))?;
                }
            }
        }
        Ok(Found { looked_up: !passing.is_empty(), rows })
    }

    fn each_row(&self, entry: &Entry, each: &mut dyn FnMut(u32)) -> Result<(), IndexError> {
        match entry {
            Entry::Inline(rows) => rows.iter().for_each(|row| each(*row)),
            Entry::List { count, offset, bytes } => {
                let list = self.frame(*offset, *bytes)?;
                frame::rows(&mut list.as_slice(), *count, self.rows, each)?;
            }
        }
        Ok(())
    }

    /// All keys with their rows, in order.
    pub(crate) fn keys(&self) -> Result<Keys<'_, F>, IndexError> {
        let mut cursor = Cursor::new(self);
        cursor.seek(&[])?;
        Ok(Keys { cursor, rows: Vec::new() })
    }
}

/// What stands behind a key.
enum Entry {
    Inline(Vec<u32>),
    List { count: usize, offset: u64, bytes: usize },
}

/// A place among the keys. Going on costs little, and so does seeking what stands in the same block.
struct Cursor<'i, F> {
    index: &'i Index<F>,
    /// The number of the directory that is open, and its blocks.
    directory: Option<(usize, Vec<Child>)>,
    /// The number of the open block in its directory.
    block: usize,
    body: Vec<u8>,
    is_open: bool,
    at: usize,
    key: Vec<u8>,
    /// Where what comes next begins at the earliest: offsets rise, so that no file is read in circles.
    lists_from: u64,
    blocks_from: u64,
}

impl<'i, F: ReadAt> Cursor<'i, F> {
    fn new(index: &'i Index<F>) -> Self {
        Self {
            index,
            directory: None,
            block: 0,
            body: Vec::new(),
            is_open: false,
            at: 0,
            key: Vec::new(),
            lists_from: 0,
            blocks_from: 0,
        }
    }

    /// Goes to the beginning of the block that the key would stand in.
    fn seek(&mut self, key: &[u8]) -> Result<(), IndexError> {
        (self.lists_from, self.blocks_from) = (0, 0);
        let before = |children: &[Child]| {
            children.partition_point(|child| child.first.as_slice() <= key).saturating_sub(1)
        };
        let number = before(self.index.directories()?);
        self.open_directory(number)?;
        let block = self.directory.as_ref().map_or(0, |(_, blocks)| before(blocks));
        self.open_block(block)
    }

    fn open_directory(&mut self, number: usize) -> Result<(), IndexError> {
        if self.directory.as_ref().is_some_and(|(open, _)| *open == number) {
            return Ok(());
        }
        self.is_open = false;
        let directory = self.index.directories()?.get(number);
        let children = directory.map(|child| self.index.children(child.offset, child.bytes)).transpose()?;
        self.directory = children.map(|children| (number, children));
        Ok(())
    }

    fn open_block(&mut self, number: usize) -> Result<(), IndexError> {
        self.at = 0;
        self.key.clear();
        if self.is_open && self.block == number {
            return Ok(());
        }
        self.block = number;
        let child = self.directory.as_ref().and_then(|(_, blocks)| blocks.get(number));
        self.is_open = child.is_some();
        self.body = match child {
            Some(child) if child.offset < self.blocks_from => return damaged(CIRCLE)(),
            Some(child) => {
                self.blocks_from = child.offset + 1;
                self.index.frame(child.offset, child.bytes)?
            }
            None => Vec::new(),
        };
        Ok(())
    }

    /// Whether there is a block behind the open one; it is opened.
    fn next_block(&mut self) -> Result<bool, IndexError> {
        let Some((number, blocks)) = &self.directory else { return Ok(false) };
        if self.block + 1 < blocks.len() {
            self.open_block(self.block + 1)?;
            return Ok(true);
        }
        let next = *number + 1;
        if next >= self.index.directories()?.len() {
            return Ok(false);
        }
        self.open_directory(next)?;
        self.open_block(0)?;
        Ok(true)
    }

    /// The next entry; its key is in `key`.
    fn next(&mut self) -> Result<Option<Entry>, IndexError> {
        while self.at >= self.body.len() {
            if !self.next_block()? {
                return Ok(None);
            }
        }
        let mut rest = self.body.get(self.at..).unwrap_or_default();
        let count = next_key(&mut rest, &mut self.key).and_then(|()| size(&mut rest));
        let count = count.filter(|count| *count <= self.index.rows as usize);
        let count = count.ok_or(IndexError::Damaged(TORN))?;
        let entry = if count <= ROWS_INLINE_MAX {
            let mut rows = Vec::with_capacity(count);
            frame::rows(&mut rest, count, self.index.rows, &mut |row| rows.push(row))?;
            Entry::Inline(rows)
        } else {
            let list = frame::varint(&mut rest).zip(size(&mut rest));
            let (offset, bytes) = list.ok_or(IndexError::Damaged(TORN))?;
            if offset < self.lists_from {
                return damaged(CIRCLE)();
            }
            self.lists_from = offset + 1;
            Entry::List { count, offset, bytes }
        };
        self.at = self.body.len() - rest.len();
        Ok(Some(entry))
    }
}

/// A key and the rows that show it.
pub(crate) type KeyRows<'a> = (&'a [u8], &'a [u32]);

/// The keys of an index in order.
pub(crate) struct Keys<'i, F> {
    cursor: Cursor<'i, F>,
    rows: Vec<u32>,
}

impl<F: ReadAt> Keys<'_, F> {
    /// The next key and its rows.
    pub(crate) fn next(&mut self) -> Result<Option<KeyRows<'_>>, IndexError> {
        let Some(entry) = self.cursor.next()? else { return Ok(None) };
        self.rows.clear();
        let rows = &mut self.rows;
        self.cursor.index.each_row(&entry, &mut |row| rows.push(row))?;
        Ok(Some((self.cursor.key.as_slice(), self.rows.as_slice())))
    }
}
