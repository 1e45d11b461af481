use telemetry::Observation;

use super::read_shapes;
use super::row::{self, Head, Row};
use super::shape::{self, INLINE, Shape, Shapes};
use crate::columns::Whence;
use crate::error::FileError;
use crate::frame::put_varint;

/// Rows in memory, in the form that they have in files.
#[derive(Debug, Default)]
pub(crate) struct HeldRows {
    heads: Vec<Head>,
    bodies: Vec<u8>,
    shapes: Shapes,
    scratch: Vec<u8>,
}

/// A text that is longer is not kept: no log has such lines.
const TEXT_BYTES_MAX: usize = 16 << 20;

impl HeldRows {
    /// Adds a record; how many bytes of memory that takes.
    pub(crate) fn push(&mut self, seen: &Observation<'_>, from: &Whence<'_>) -> usize {
        let text = from.text.filter(|text| text.len() <= TEXT_BYTES_MAX);
        self.scratch.clear();
        shape::put(seen, from.source, text.is_some(), &mut self.scratch);
        let number = self.shapes.number(&self.scratch);
        let start = self.bodies.len();
        if number == INLINE {
            put_varint(self.scratch.len() as u64, &mut self.bodies);
            self.bodies.extend_from_slice(&self.scratch);
        }
        row::put(seen, text, &mut self.bodies);
        let end = self.bodies.len();
        let (line, position) = (from.line, from.offset);
        self.heads.push(Head { time: from.time, line, position, shape: number, start, end });
        size_of::<Head>() + end - start
    }

    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }

    /// Puts the rows in the order of their time; those of one time stay as they came.
    pub(crate) fn sort(&mut self) {
        self.heads.sort_by_key(|head| head.time);
    }

    pub(crate) fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// The shapes, to read rows with.
    pub(crate) fn shapes(&self) -> Result<Vec<Shape>, FileError> {
        read_shapes(self.shapes.encoded())
    }

    /// The shapes as they are written, from number 1 on.
    pub(super) fn encoded_shapes(&self) -> &[Vec<u8>] {
        self.shapes.encoded()
    }

    /// Takes a row over from elsewhere, with its shape as it is written; `None` where that stands in the row.
    pub(crate) fn copy(&mut self, row: Row<'_>, shape: Option<&[u8]>) {
        let number = shape.map_or(INLINE, |shape| self.shapes.number(shape));
        let start = self.bodies.len();
        row::put_again(number, shape, row.body, &mut self.bodies);
        self.heads.push(Head { shape: number, start, end: self.bodies.len(), ..row.head });
    }

    /// Where a batch of rows that begins here ends: at so many rows, or so many bytes of them.
    pub(crate) fn batch_end(&self, start: usize, rows: usize) -> usize {
        const BATCH_BYTES: usize = 64 << 20;
        let (mut end, mut bytes) = (start, 0);
        for head in self.heads.iter().skip(start).take(rows) {
            bytes += head.end - head.start;
            end += 1;
            if bytes >= BATCH_BYTES {
                break;
            }
        }
        end.max(start + 1)
    }

    pub(super) fn body(&self, head: &Head) -> &[u8] {
        self.bodies.get(head.start..head.end).unwrap_or_default()
    }

    pub(crate) fn row<'a>(&'a self, head: &Head, shapes: &'a [Shape]) -> Row<'a> {
        Row { head: *head, shapes, body: self.body(head) }
    }
}
