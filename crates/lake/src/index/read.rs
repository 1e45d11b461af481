use bytes::Bytes;

use super::filter;
use super::{FOOTER_BYTES, FRAME_BYTES_MAX, MAGIC, ROWS_INLINE_MAX, ROWS_MAX, VERSION};
use crate::error::FileError;
use crate::frame::{self, check_place, next_key, size, take, unseal};
use crate::key::Range;
use crate::storage::ReadAt;

/// An index that is read where it is asked.
pub(crate) struct Index<F> {
    file: F,
    rows: u32,
    root: (u64, usize),
    filter: (u64, u32),
}

/// A block or a directory, by the first key in it.
#[derive(Debug, Clone)]
struct Child {
    first: Vec<u8>,
    offset: u64,
    bytes: usize,
}

/// A set of rows of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RowSet {
    words: Vec<u64>,
}

impl RowSet {
    fn new(rows: u32) -> Self {
        Self { words: vec![0; rows.div_ceil(64) as usize] }
    }

    fn insert(&mut self, row: u32) {
        if let Some(word) = self.words.get_mut((row / 64) as usize) {
            *word |= 1 << (row % 64);
        }
    }

    /// The rows, rising.
    fn rows(&self) -> Vec<u32> {
        let mut rows = Vec::with_capacity(self.words.iter().map(|word| word.count_ones() as usize).sum());
        for (at, word) in (0_u32..).zip(&self.words) {
            let mut left = *word;
            while left != 0 {
                rows.push(at * 64 + left.trailing_zeros());
                left &= left - 1;
            }
        }
        rows
    }
}

/// The answer of an index.
pub(crate) struct Found {
    /// The rows that show anything that was asked for, rising.
    pub(crate) rows: Vec<u32>,
    /// Whether the filter let anything through, so that keys were looked at.
    pub(crate) looked_up: bool,
}

fn damaged<T>(what: &'static str) -> impl Fn() -> Result<T, FileError> {
    move || Err(FileError::Damaged(what))
}

const TORN: &str = "ends in the middle of an entry";
const CIRCLE: &str = "leads backwards";

impl<F: ReadAt> Index<F> {
    /// Reads the footer.
    pub(crate) fn open(file: F) -> Result<Self, FileError> {
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
            return Err(FileError::Version(version as u32));
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
        })
    }

    /// Which of the ranges the filter lets through.
    fn passing<'r>(&self, ranges: &'r [Range]) -> Result<Vec<&'r Range>, FileError> {
        let (start, blocks) = self.filter;
        // One read of all is cheaper than very many small ones.
        let whole = if ranges.len() > blocks as usize / 32 {
            let mut whole = vec![0; blocks as usize * filter::BLOCK_BYTES];
            self.file.read_at(start, &mut whole)?;
            Some(Bytes::from(whole))
        } else {
            None
        };
        let block_of = |mark| filter::block_of(mark, blocks) as usize * filter::BLOCK_BYTES;
        let mut passing = Vec::new();
        for some in ranges.chunks(FILTER_BLOCKS_AT_ONCE) {
            let marks = some.iter().filter_map(|range| range.mark).filter(|_| blocks > 0);
            let mut read = match &whole {
                Some(_) => Vec::new(),
                None => {
                    let places = marks.map(|mark| (start + block_of(mark) as u64, filter::BLOCK_BYTES));
                    self.file.read_many(&places.collect::<Vec<_>>())?
                }
            }
            .into_iter();
            for range in some {
                let passes = match (range.mark, &whole) {
                    (None, _) => true,
                    (Some(_), _) if blocks == 0 => false,
                    (Some(mark), Some(whole)) => {
                        let at = block_of(mark);
                        let block = whole.get(at..at + filter::BLOCK_BYTES);
                        filter::may_have(block.unwrap_or_default(), mark)?
                    }
                    (Some(mark), None) => filter::may_have(&read.next().unwrap_or_default(), mark)?,
                };
                if passes {
                    passing.push(range);
                }
            }
        }
        Ok(passing)
    }

    /// The rows that any of the ranges names; the ranges are sorted.
    pub(crate) fn rows(&self, ranges: &[Range]) -> Result<Found, FileError> {
        let passing = self.passing(ranges)?;
        if passing.is_empty() {
            return Ok(Found { rows: Vec::new(), looked_up: false });
        }
        let ranges = apart(&passing);
        let root = self.root()?;
        let directories = self.children_of(&met(&root, &ranges)?)?;
        let blocks = met(&directories, &ranges)?;
        let mut rows = RowSet::new(self.rows);
        let mut lists = Vec::new();
        let mut next = 0;
        for some in blocks.chunks(FRAMES_AT_ONCE) {
            for frame in self.frames(some)? {
                let body = unseal(&frame)?;
                self.rows_of_block(body, &ranges, &mut next, &mut |row| rows.insert(row), &mut lists)?;
            }
        }
        for some in lists.chunks(FRAMES_AT_ONCE) {
            let places: Vec<(u64, usize)> = some.iter().map(|list| (list.offset, list.bytes)).collect();
            for (list, frame) in some.iter().zip(self.read_many(&places)?) {
                let mut body = unseal(&frame)?;
                frame::rows(&mut body, list.count, self.rows, &mut |row| rows.insert(row))?;
            }
        }
        Ok(Found { looked_up: true, rows: rows.rows() })
    }

    /// The rows that a block's keys name, of those that are in any range from the next on.
    fn rows_of_block(
        &self,
        body: &[u8],
        ranges: &[(&[u8], &[u8])],
        next: &mut usize,
        each: &mut dyn FnMut(u32),
        lists: &mut Vec<List>,
    ) -> Result<(), FileError> {
        let (mut rest, mut key) = (body, Vec::new());
        while !rest.is_empty() {
            let count = self.next_entry(&mut rest, &mut key)?;
            while ranges.get(*next).is_some_and(|(_, last)| *last < key.as_slice()) {
                *next += 1;
            }
            let Some((first, _)) = ranges.get(*next) else { return Ok(()) };
            let is_asked = *first <= key.as_slice();
            if count <= ROWS_INLINE_MAX {
                frame::rows(&mut rest, count, self.rows, &mut |row| {
                    if is_asked {
                        each(row);
                    }
                })?;
            } else {
                let list = List::read(&mut rest, count)?;
                if is_asked && lists.last().is_some_and(|last| last.offset >= list.offset) {
                    return Err(FileError::Damaged(CIRCLE));
                }
                if is_asked {
                    lists.push(list);
                }
            }
        }
        Ok(())
    }

    /// Goes to the next key; of how many rows it tells.
    fn next_entry(&self, rest: &mut &[u8], key: &mut Vec<u8>) -> Result<usize, FileError> {
        let count = next_key(rest, key).and_then(|()| size(rest));
        count.filter(|count| *count <= self.rows as usize).ok_or(FileError::Damaged(TORN))
    }

    fn root(&self) -> Result<Vec<Child>, FileError> {
        let body = frame::read(&self.file, self.root.0, self.root.1, FRAME_BYTES_MAX)?;
        let mut children = Vec::new();
        push_children(&body, &mut children)?;
        Ok(children)
    }

    /// The children of all these, in their order.
    fn children_of(&self, parents: &[Child]) -> Result<Vec<Child>, FileError> {
        let mut children = Vec::new();
        for some in parents.chunks(FRAMES_AT_ONCE) {
            for frame in self.frames(some)? {
                push_children(unseal(&frame)?, &mut children)?;
            }
        }
        Ok(children)
    }

    fn frames(&self, children: &[Child]) -> Result<Vec<Bytes>, FileError> {
        let places: Vec<(u64, usize)> = children.iter().map(|child| (child.offset, child.bytes)).collect();
        self.read_many(&places)
    }

    fn read_many(&self, places: &[(u64, usize)]) -> Result<Vec<Bytes>, FileError> {
        for (offset, bytes) in places {
            check_place(&self.file, *offset, *bytes, FRAME_BYTES_MAX)?;
        }
        Ok(self.file.read_many(places)?)
    }

    /// All keys with their rows, in order.
    pub(crate) fn keys(&self) -> Result<Keys<'_, F>, FileError> {
        let directories = self.root()?.into_iter();
        let none = Vec::new().into_iter();
        Ok(Keys {
            index: self,
            directories,
            blocks: none,
            body: Vec::new(),
            at: 0,
            key: Vec::new(),
            rows: Vec::new(),
            lists_from: 0,
        })
    }
}

/// So many small frames are read at a time.
const FRAMES_AT_ONCE: usize = 256;

const FILTER_BLOCKS_AT_ONCE: usize = 1024;

/// Rows that stand in a frame of their own.
struct List {
    count: usize,
    offset: u64,
    bytes: usize,
}

impl List {
    fn read(rest: &mut &[u8], count: usize) -> Result<Self, FileError> {
        let place = frame::varint(rest).zip(size(rest));
        let (offset, bytes) = place.ok_or(FileError::Damaged(TORN))?;
        Ok(Self { count, offset, bytes })
    }
}

fn push_children(body: &[u8], children: &mut Vec<Child>) -> Result<(), FileError> {
    let (mut rest, mut key) = (body, Vec::new());
    while !rest.is_empty() {
        let child = next_key(&mut rest, &mut key).and_then(|()| {
            let offset = frame::varint(&mut rest)?;
            Some(Child { first: key.clone(), offset, bytes: size(&mut rest)? })
        });
        let child = child.ok_or(FileError::Damaged(TORN))?;
        // Keys and places rise, so that no file is read in circles.
        if children.last().is_some_and(|last| last.first >= child.first || last.offset >= child.offset) {
            return Err(FileError::Damaged(CIRCLE));
        }
        children.push(child);
    }
    Ok(())
}

/// The ranges as spans that do not overlap, first and last key of each.
fn apart<'r>(ranges: &[&'r Range]) -> Vec<(&'r [u8], &'r [u8])> {
    let mut spans: Vec<(&[u8], &[u8])> = Vec::with_capacity(ranges.len());
    for range in ranges {
        let (first, last) = (range.first.as_slice(), range.last.as_slice());
        match spans.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => spans.push((first, last)),
        }
    }
    spans
}

/// Those of the children that may hold anything within the ranges; both are in order.
fn met(children: &[Child], ranges: &[(&[u8], &[u8])]) -> Result<Vec<Child>, FileError> {
    let mut met = Vec::new();
    let mut at = 0;
    for (number, child) in children.iter().enumerate() {
        while ranges.get(at).is_some_and(|(_, last)| *last < child.first.as_slice()) {
            at += 1;
        }
        let Some((first, _)) = ranges.get(at) else { break };
        // The child ends before its neighbour's first key. A range that ended before this one begins asks for nothing here.
        if children.get(number + 1).is_none_or(|next| *first < next.first.as_slice()) {
            met.push(child.clone());
        }
    }
    Ok(met)
}

/// A key and the rows that show it.
pub(crate) type KeyRows<'a> = (&'a [u8], &'a [u32]);

/// The keys of an index in order.
pub(crate) struct Keys<'i, F> {
    index: &'i Index<F>,
    directories: std::vec::IntoIter<Child>,
    blocks: std::vec::IntoIter<Child>,
    body: Vec<u8>,
    at: usize,
    key: Vec<u8>,
    rows: Vec<u32>,
    /// Where the next list begins at the earliest.
    lists_from: u64,
}

impl<F: ReadAt> Keys<'_, F> {
    /// The next key and its rows.
    pub(crate) fn next(&mut self) -> Result<Option<KeyRows<'_>>, FileError> {
        while self.at >= self.body.len() {
            let Some(block) = self.next_block()? else { return Ok(None) };
            self.body = frame::read(&self.index.file, block.offset, block.bytes, FRAME_BYTES_MAX)?;
            self.at = 0;
            self.key.clear();
        }
        let mut rest = self.body.get(self.at..).unwrap_or_default();
        let count = self.index.next_entry(&mut rest, &mut self.key)?;
        self.rows.clear();
        let rows = &mut self.rows;
        if count <= ROWS_INLINE_MAX {
            frame::rows(&mut rest, count, self.index.rows, &mut |row| rows.push(row))?;
        } else {
            let list = List::read(&mut rest, count)?;
            if list.offset < self.lists_from {
                return Err(FileError::Damaged(CIRCLE));
            }
            self.lists_from = list.offset + 1;
            let list = frame::read(&self.index.file, list.offset, list.bytes, FRAME_BYTES_MAX)?;
            frame::rows(&mut list.as_slice(), count, self.index.rows, &mut |row| rows.push(row))?;
        }
        self.at = self.body.len() - rest.len();
        Ok(Some((self.key.as_slice(), self.rows.as_slice())))
    }

    fn next_block(&mut self) -> Result<Option<Child>, FileError> {
        loop {
            if let Some(block) = self.blocks.next() {
                return Ok(Some(block));
            }
            let Some(directory) = self.directories.next() else { return Ok(None) };
            self.blocks = self.index.children_of(&[directory])?.into_iter();
        }
    }
}
