use std::io::{self, Write};

use super::filter;
use super::{BLOCK_BYTES, FOOTER_BYTES, MAGIC, ROWS_INLINE_MAX, VERSION};
use crate::frame::{put_key, put_rows, put_varint, seal};
use crate::key;

/// Writes an index; keys come in rising order.
pub(crate) struct IndexWriter<W: Write> {
    out: W,
    written: u64,
    block: Entries,
    directory: Entries,
    /// Directories that are closed and stand behind the blocks.
    directories: Vec<(Vec<u8>, Vec<u8>)>,
    before: Vec<u8>,
    /// What the filter is to know: eight bytes for each key and for each network and name above keys.
    marks: Vec<u64>,
    keys: u64,
    rows: u32,
}

/// Keys with what stands behind each, until they are written.
#[derive(Default)]
struct Entries {
    body: Vec<u8>,
    first: Vec<u8>,
    last: Vec<u8>,
}

impl Entries {
    fn push(&mut self, key: &[u8]) {
        if self.body.is_empty() {
            self.first = key.to_vec();
            self.last.clear();
        }
        put_key(&self.last, key, &mut self.body);
        self.last.clear();
        self.last.extend_from_slice(key);
    }

    /// The frame and the first key in it, if there is any.
    fn close(&mut self) -> Option<(Vec<u8>, Vec<u8>)> {
        if self.body.is_empty() {
            return None;
        }
        let mut frame = std::mem::take(&mut self.body);
        seal(&mut frame);
        Some((std::mem::take(&mut self.first), frame))
    }
}

impl<W: Write> IndexWriter<W> {
    /// Begins the index of a segment of so many rows.
    pub(crate) fn new(mut out: W, rows: u32) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        Ok(Self {
            out,
            written: (MAGIC.len() + size_of_val(&VERSION)) as u64,
            block: Entries::default(),
            directory: Entries::default(),
            directories: Vec::new(),
            before: Vec::new(),
            marks: Vec::new(),
            keys: 0,
            rows,
        })
    }

    /// Adds a key that is greater than the one before it, with its rows, which rise.
    pub(crate) fn push(&mut self, key: &[u8], rows: &[u32]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        key::marks(&self.before, key, &mut |mark| self.marks.push(mark));
        self.before.clear();
        self.before.extend_from_slice(key);
        self.keys += 1;
        let list = if rows.len() > ROWS_INLINE_MAX {
            let mut list = Vec::with_capacity(rows.len() * 2);
            put_rows(rows, &mut list);
            seal(&mut list);
            Some((self.write(&list)?, list.len()))
        } else {
            None
        };
        self.block.push(key);
        put_varint(rows.len() as u64, &mut self.block.body);
        match list {
            None => put_rows(rows, &mut self.block.body),
            Some((offset, bytes)) => {
                put_varint(offset, &mut self.block.body);
                put_varint(bytes as u64, &mut self.block.body);
            }
        }
        if self.block.body.len() >= BLOCK_BYTES { self.close_block() } else { Ok(()) }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let offset = self.written;
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(offset)
    }

    fn close_block(&mut self) -> io::Result<()> {
        let Some((first, frame)) = self.block.close() else { return Ok(()) };
        let offset = self.write(&frame)?;
        self.directory.push(&first);
        put_varint(offset, &mut self.directory.body);
        put_varint(frame.len() as u64, &mut self.directory.body);
        if self.directory.body.len() >= BLOCK_BYTES {
            self.directories.extend(self.directory.close());
        }
        Ok(())
    }

    /// Writes what remains; what the index was written to, and how many keys it has.
    pub(crate) fn finish(mut self) -> io::Result<(W, u64)> {
        self.close_block()?;
        self.directories.extend(self.directory.close());
        let mut root = Entries::default();
        for (first, frame) in std::mem::take(&mut self.directories) {
            let offset = self.write(&frame)?;
            root.push(&first);
            put_varint(offset, &mut root.body);
            put_varint(frame.len() as u64, &mut root.body);
        }
        let mut root = root.body;
        seal(&mut root);
        let root_offset = self.write(&root)?;
        let filter = filter::build(&std::mem::take(&mut self.marks));
        let filter_offset = self.write(&filter)?;
        let mut footer = Vec::with_capacity(FOOTER_BYTES);
        footer.extend_from_slice(&root_offset.to_le_bytes());
        footer.extend_from_slice(&(root.len() as u32).to_le_bytes());
        footer.extend_from_slice(&filter_offset.to_le_bytes());
        footer.extend_from_slice(&((filter.len() / filter::BLOCK_BYTES) as u32).to_le_bytes());
        footer.extend_from_slice(&self.keys.to_le_bytes());
        footer.extend_from_slice(&self.rows.to_le_bytes());
        footer.extend_from_slice(&VERSION.to_le_bytes());
        seal(&mut footer);
        footer.extend_from_slice(MAGIC);
        self.write(&footer)?;
        Ok((self.out, self.keys))
    }
}
