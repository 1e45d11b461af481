use std::io::{self, Write};
use std::ops::Range;

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};

use super::held::HeldRows;
use super::row::{self, Head};
use super::shape::{INLINE, Shapes};
use super::{BLOCK_BYTES, BLOCK_ROWS, FOOTER_BYTES, GROUP_BLOCKS, MAGIC, PACKED, PLAIN, VERSION};
use crate::frame::{put_varint, seal};

/// Writes the rows of a segment, in the order of their time.
pub(crate) struct RowsWriter<W: Write> {
    out: W,
    written: u64,
    shapes: Shapes,
    block: Block,
    /// Of the blocks that were written since the last group: rows and bytes of each.
    group: Group,
    groups: Vec<Group>,
    rows: u32,
    table: CompressTable,
    packed: Vec<u8>,
}

/// Rows until they are written.
#[derive(Default)]
struct Block {
    rows: Vec<(Head, Range<usize>)>,
    bodies: Vec<u8>,
    plain: Vec<u8>,
}

#[derive(Default)]
struct Group {
    first_row: u32,
    offset: u64,
    blocks: usize,
    body: Vec<u8>,
}

impl<W: Write> RowsWriter<W> {
    pub(crate) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        let written = (MAGIC.len() + size_of_val(&VERSION)) as u64;
        Ok(Self {
            out,
            written,
            shapes: Shapes::default(),
            block: Block::default(),
            group: Group { offset: written, ..Group::default() },
            groups: Vec::new(),
            rows: 0,
            table: CompressTable::small(),
            packed: Vec::new(),
        })
    }

    /// Adds rows that come after those that were added.
    pub(crate) fn push(&mut self, held: &HeldRows, rows: Range<usize>) -> io::Result<()> {
        let mut numbers: Vec<Option<u32>> = vec![None; held.encoded_shapes().len()];
        for head in held.heads().get(rows).unwrap_or_default() {
            let at = (head.shape as usize).checked_sub(1);
            let encoded = at.and_then(|at| held.encoded_shapes().get(at)).map(Vec::as_slice);
            let number = match (at.and_then(|at| numbers.get_mut(at)), encoded) {
                (Some(known), Some(encoded)) => *known.get_or_insert_with(|| self.shapes.number(encoded)),
                _ => INLINE,
            };
            let start = self.block.bodies.len();
            row::put_again(number, encoded, held.body(head), &mut self.block.bodies);
            let body = start..self.block.bodies.len();
            self.block.rows.push((Head { shape: number, ..*head }, body));
            if self.block.rows.len() >= BLOCK_ROWS || self.block.bodies.len() >= BLOCK_BYTES {
                self.close_block()?;
            }
        }
        Ok(())
    }

    fn close_block(&mut self) -> io::Result<()> {
        let rows = self.block.rows.len();
        if rows == 0 {
            return Ok(());
        }
        self.block.put_plain();
        let plain = &self.block.plain;
        self.packed.resize(get_maximum_output_size(plain.len()), 0);
        let bytes = compress_into_with_table(plain, &mut self.packed, &mut self.table);
        let mut frame = Vec::with_capacity(plain.len() + 8);
        match bytes.ok().and_then(|bytes| self.packed.get(..bytes)) {
            Some(packed) if packed.len() + packed.len() / 16 < plain.len() => {
                frame.push(PACKED);
                put_varint(plain.len() as u64, &mut frame);
                frame.extend_from_slice(packed);
            }
            _ => {
                frame.push(PLAIN);
                frame.extend_from_slice(plain);
            }
        }
        seal(&mut frame);
        self.write(&frame)?;
        self.block.rows.clear();
        self.block.bodies.clear();
        put_varint(rows as u64, &mut self.group.body);
        put_varint(frame.len() as u64, &mut self.group.body);
        self.group.blocks += 1;
        self.rows += rows as u32;
        if self.group.blocks >= GROUP_BLOCKS {
            self.close_group();
        }
        Ok(())
    }

    fn close_group(&mut self) {
        let next = Group { first_row: self.rows, offset: self.written, ..Group::default() };
        let closed = std::mem::replace(&mut self.group, next);
        if closed.blocks > 0 {
            self.groups.push(closed);
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Writes what remains; what the rows were written to, and how many there are.
    pub(crate) fn finish(mut self) -> io::Result<(W, u32)> {
        self.close_block()?;
        self.close_group();
        let mut root = Vec::new();
        for Group { first_row, offset, blocks, mut body } in std::mem::take(&mut self.groups) {
            seal(&mut body);
            for number in [u64::from(first_row), offset, blocks as u64, self.written, body.len() as u64] {
                put_varint(number, &mut root);
            }
            self.write(&body)?;
        }
        let mut shapes = Vec::new();
        for shape in self.shapes.encoded() {
            put_varint(shape.len() as u64, &mut shapes);
            shapes.extend_from_slice(shape);
        }
        let mut footer = Vec::with_capacity(FOOTER_BYTES);
        for mut frame in [shapes, root] {
            seal(&mut frame);
            footer.extend_from_slice(&self.written.to_le_bytes());
            footer.extend_from_slice(&(frame.len() as u32).to_le_bytes());
            self.write(&frame)?;
        }
        footer.extend_from_slice(&self.rows.to_le_bytes());
        footer.extend_from_slice(&VERSION.to_le_bytes());
        seal(&mut footer);
        footer.extend_from_slice(MAGIC);
        self.write(&footer)?;
        Ok((self.out, self.rows))
    }
}

impl Block {
    /// The rows as they stand in the file.
    fn put_plain(&mut self) {
        let heads = || self.rows.iter().map(|(head, _)| head);
        let time = heads().map(|head| head.time).min().unwrap_or_default();
        let line = heads().map(|head| head.line).min().unwrap_or_default();
        let position = heads().map(|head| head.position).min().unwrap_or_default();
        self.plain.clear();
        self.plain.extend_from_slice(&time.to_le_bytes());
        self.plain.extend_from_slice(&line.to_le_bytes());
        self.plain.extend_from_slice(&position.to_le_bytes());
        let mut front = Vec::with_capacity(32);
        for (head, body) in &self.rows {
            let body = self.bodies.get(body.clone()).unwrap_or_default();
            front.clear();
            put_varint(u64::from(head.shape), &mut front);
            put_varint(head.time.wrapping_sub(time) as u64, &mut front);
            put_varint(head.line - line, &mut front);
            put_varint(head.position - position, &mut front);
            put_varint((front.len() + body.len()) as u64, &mut self.plain);
            self.plain.extend_from_slice(&front);
            self.plain.extend_from_slice(body);
        }
    }
}
