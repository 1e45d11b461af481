//! The first stage: finds the lines in which the set might know something, without parsing them and without knowing their
//! fields. Whatever the second stage could match is let through; nearly everything else is not.
//!
//! A stretch of lines is walked in blocks of 64 bytes: quotes, line ends and the bytes that make a string worth a look come
//! out as masks, strings are looked at in batches ([`look`]), and what they ask of the filter in batches of its own
//! ([`probes`]). What is left are the numbers of the lines to read.

mod long;
mod look;
mod probes;
mod sort;
mod text;
mod walk;

use crate::set::IndicatorSet;
use crate::sift::look::Look;
use crate::sift::probes::Probes;
use crate::sift::sort::{Sort, Sorted};
use crate::sift::walk::{Spans, Strings, Walk, escaped};
use crate::simd::{Cells, Lanes, Odd, Quotes, Simd, Work, below, window};

pub(crate) use text::{hex_value, plain_host};

/// A stretch is ended by the first line that begins behind this: what is read after it is still near.
const STRETCH_BYTES: usize = 256 << 10;

/// What lies so far ahead is fetched from memory while this is looked at.
const AHEAD_BYTES: usize = 1024;

/// The memory of the first stage, kept between stretches.
pub(crate) struct Sieve {
    simd: Simd,
    lines: Lines,
    /// The numbers of the lines that have to be read, rising.
    read: Vec<usize>,
    spans: Spans,
    sorted: Box<Sorted>,
    probes: Box<Probes>,
    scratch: Vec<u8>,
}

/// The lines of a stretch.
#[derive(Default)]
struct Lines {
    /// Where they begin; behind the last stands where one more would.
    starts: Vec<usize>,
    /// Places in lines that have to be read.
    marks: Vec<usize>,
    /// One string may hold several values, or one among words.
    composite: bool,
}

/// A line that has to be read: its number within the stretch, and where it begins and ends there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) number: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Sieve {
    pub(crate) fn new(simd: Simd) -> Self {
        Self {
            simd,
            lines: Lines::default(),
            read: Vec::new(),
            spans: Spans::default(),
            sorted: Box::default(),
            probes: Box::new(Probes::new(simd)),
            scratch: Vec::new(),
        }
    }

    /// Looks through lines that begin with `{`, from the text's beginning on, which is one, up to the first that does not.
    /// How many bytes they take, line ends included. `composite`: the lines may be of formats in which one string holds several
    /// values; those that are must be read.
    pub(crate) fn json(&mut self, set: &IndicatorSet, text: &[u8], composite: bool) -> usize {
        self.begin(composite);
        let mut walk = Walk::new(set);
        loop {
            let Self { simd, lines, spans, .. } = &mut *self;
            let taken = simd.run(JsonBlocks { lines, spans, walk: &mut walk, text });
            self.look(set, text, &walk, true);
            if let Some(taken) = taken {
                return self.end(set, text, taken);
            }
        }
    }

    /// Looks through lines of tab-separated values with `width` columns, up to the first that begins as another kind of line
    /// does or ends in a carriage return. How many bytes they take; none where the first line is of such a kind.
    pub(crate) fn tabs(&mut self, set: &IndicatorSet, text: &[u8], width: usize) -> usize {
        self.begin(false);
        let mut walk = Walk::new(set);
        loop {
            let Self { simd, lines, spans, .. } = &mut *self;
            let taken = simd.run(TabBlocks { lines, spans, walk: &mut walk, text, width });
            self.look(set, text, &walk, false);
            if let Some(taken) = taken {
                return self.end(set, text, taken);
            }
        }
    }

    /// How many lines the last stretch had.
    pub(crate) fn lines(&self) -> usize {
        self.lines.starts.len().saturating_sub(1)
    }

    /// The lines of the last stretch that have to be read, by their place among these.
    pub(crate) fn candidate(&self, index: usize) -> Option<Candidate> {
        let number = *self.read.get(index)?;
        let starts = &self.lines.starts;
        let (start, next) = (*starts.get(number)?, *starts.get(number + 1)?);
        Some(Candidate { number, start, end: next.saturating_sub(1) })
    }

    fn begin(&mut self, composite: bool) {
        self.lines.starts.clear();
        self.lines.starts.push(0);
        self.lines.marks.clear();
        self.lines.composite = composite;
        self.read.clear();
    }

    fn end(&mut self, set: &IndicatorSet, text: &[u8], taken: usize) -> usize {
        let Lines { starts, marks, .. } = &mut self.lines;
        self.probes.finish(set, marks);
        // A line that was begun but is not taken is no line of this stretch.
        while starts.last().is_some_and(|start| *start >= taken) {
            starts.pop();
        }
        let ended = taken > 0 && text.get(taken - 1) == Some(&b'\n');
        starts.push(if ended { taken } else { taken + 1 });
        marks.sort_unstable();
        for mark in marks.iter().filter(|mark| **mark < taken) {
            let line = starts.partition_point(|start| start <= mark).saturating_sub(1);
            if self.read.last() != Some(&line) {
                self.read.push(line);
            }
        }
        taken
    }

    /// Looks at the strings that were met.
    fn look(&mut self, set: &IndicatorSet, text: &[u8], walk: &Walk, quoted: bool) {
        let Self { simd, lines, spans, sorted, probes, scratch, .. } = self;
        simd.run(Sort { text, spans: spans.met(), sorted });
        let look = Look::new(set, text, quoted, walk.backslash, (probes, &mut lines.marks, scratch));
        simd.run(look.at(spans.met(), sorted));
        spans.clear();
    }
}

/// What the ends of lines leave of a block.
struct Ended {
    borders: u64,
    telling: u64,
    inside: u64,
    /// Of the line that goes on: whether it is not ASCII, and its tabs.
    high: bool,
    tabs: u32,
    /// The stretch's length, where it ends in the block; what lies behind is taken out of the masks.
    stop: Option<usize>,
}

/// Walks over blocks of JSON until enough strings are met; the stretch's length, where it ends.
struct JsonBlocks<'a> {
    lines: &'a mut Lines,
    spans: &'a mut Spans,
    walk: &'a mut Walk,
    text: &'a [u8],
}

impl Work for JsonBlocks<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Option<usize> {
        let Self { lines, spans, walk: state, text } = self;
        let mut walk = *state;
        let mut open = spans.open();
        let mut room = [0; 64];
        let mut stop = None;
        while stop.is_none() {
            // Most blocks have nothing odd. They have a loop of their own, so that the odd ones take no registers from it.
            for block in text.get(walk.base..).unwrap_or_default().as_chunks::<64>().0 {
                lanes.fetch(block, AHEAD_BYTES);
                let Quotes { quotes, dots, colons, has_odd } = lanes.json(block);
                if has_odd | walk.escape | open.is_full() {
                    break;
                }
                let inside = lanes.parity(quotes) ^ walk.inside;
                walk.take_json(Strings::of_json(quotes, dots | colons, inside), colons, &mut open);
            }
            if walk.base >= text.len() || open.is_full() {
                break;
            }
            let block = window(text, walk.base, &mut room);
            let Quotes { mut quotes, dots, colons, .. } = lanes.json(block);
            let odd = lanes.odd(block);
            let mut telling = dots | colons | odd.backslashes | odd.high;
            if odd.backslashes != 0 {
                walk.backslash = walk.base + 64 - odd.backslashes.leading_zeros() as usize;
            }
            quotes &= !escaped(odd.backslashes, &mut walk.escape);
            let mut inside = lanes.parity(quotes) ^ walk.inside;
            if odd.newlines == 0 {
                walk.high |= odd.high != 0;
            } else if walk.high || !lines.end_usual_line(text, walk.base, &odd, inside) {
                let before = Ended { borders: quotes, telling, inside, high: walk.high, tabs: 0, stop };
                let ended = lines.end_json_lines(text, walk.base, &odd, before);
                (quotes, telling, inside) = (ended.borders, ended.telling, ended.inside);
                (walk.high, stop) = (ended.high, ended.stop);
            }
            walk.take_json(Strings::of_json(quotes, telling, inside), colons, &mut open);
        }
        open.close();
        if stop.is_none() && walk.base >= text.len() {
            lines.end_json_line(text, text.len(), walk.inside != 0, walk.high);
            stop = Some(text.len());
        }
        *state = walk;
        stop
    }
}

/// Walks over blocks of tab-separated values until enough cells are met; the stretch's length, where it ends.
struct TabBlocks<'a> {
    lines: &'a mut Lines,
    spans: &'a mut Spans,
    walk: &'a mut Walk,
    text: &'a [u8],
    width: usize,
}

impl Work for TabBlocks<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Option<usize> {
        let Self { lines, spans, walk: state, text, width } = self;
        let mut walk = *state;
        let mut open = spans.open();
        let mut room = [0; 64];
        let mut stop = None;
        while walk.base < text.len() && !open.is_full() && stop.is_none() {
            lanes.fetch(text, walk.base + AHEAD_BYTES);
            let mut cells = lanes.tabs(window(text, walk.base, &mut room));
            if cells.backslashes != 0 {
                walk.backslash = walk.base + 64 - cells.backslashes.leading_zeros() as usize;
            }
            if cells.newlines == 0 {
                walk.high |= cells.high != 0;
                walk.tabs += cells.tabs.count_ones();
            } else {
                let ended = lines.end_tab_lines(text, walk.base, &cells, (walk.high, walk.tabs), width);
                (cells.borders, cells.telling) = (ended.borders, ended.telling);
                (walk.high, walk.tabs, stop) = (ended.high, ended.tabs, ended.stop);
            }
            let Cells { borders, telling, .. } = cells;
            let ends = walk.ends(Strings { borders, closing: borders, inside: !borders, telling });
            walk.take(borders, ends, &mut open);
        }
        open.close();
        if stop.is_none() && walk.base >= text.len() {
            // The last cell of a line that no line end follows.
            spans.push(walk.start, text.len());
            lines.end_tab_line(text, text.len(), walk.tabs, width, walk.high);
            stop = Some(text.len());
        }
        *state = walk;
        stop
    }
}

impl Lines {
    /// Ends a line of ASCII if it is the only one that ends in the block, is whole, and another of its stretch follows; otherwise says
    /// that it did not.
    #[inline(always)]
    fn end_usual_line(&mut self, text: &[u8], base: usize, odd: &Odd, inside: u64) -> bool {
        let next = base + odd.newlines.trailing_zeros() as usize + 1;
        let start = self.starts.last().copied().unwrap_or_default();
        let around = text.get(next.wrapping_sub(2)..next + 1).and_then(|around| around.first_chunk());
        let is_usual = odd.newlines & (odd.newlines - 1) == 0
            && odd.newlines & inside == 0
            && odd.high == 0
            && around == Some(b"}\n{")
            && next <= STRETCH_BYTES
            && next - start <= telemetry::LINE_BYTES_MAX
            && (!self.composite || text.get(start..next).is_some_and(telemetry::values_stand_alone));
        if is_usual {
            self.starts.push(next);
        }
        is_usual
    }

    /// Ends the lines that end in a block.
    #[inline(never)]
    fn end_json_lines(&mut self, text: &[u8], base: usize, odd: &Odd, before: Ended) -> Ended {
        let mut ended = before;
        let (mut newlines, mut above) = (odd.newlines, u64::MAX);
        while newlines != 0 {
            let at = newlines.trailing_zeros();
            newlines &= newlines - 1;
            // A line end within a string: the line is torn, and the next one begins outside of any.
            let torn = ended.inside >> at & 1 == 1;
            if torn {
                ended.inside ^= !below(at);
            }
            let end = base + at as usize;
            let high = ended.high || odd.high & above & below(at) != 0;
            above = !below(at);
            ended.high = false;
            self.end_json_line(text, end, torn, high);
            let next = end + 1;
            if next > STRETCH_BYTES || text.get(next) != Some(&b'{') {
                ended.borders &= below(at);
                ended.telling &= below(at);
                ended.stop = Some(next);
                return ended;
            }
            self.starts.push(next);
        }
        ended.high |= odd.high & above != 0;
        ended
    }

    /// Has a line read that is not whole, closed and UTF-8, or in whose strings not every value stands by itself.
    fn end_json_line(&mut self, text: &[u8], end: usize, torn: bool, high: bool) {
        let start = self.starts.last().copied().unwrap_or_default();
        let line = text.get(start..end).unwrap_or_default();
        let closed = line.ends_with(b"}") || line.trim_ascii_end().ends_with(b"}");
        let stand_alone = !self.composite || telemetry::values_stand_alone(line);
        if torn || !closed || !stand_alone || is_unfit(line, high) {
            self.marks.push(start);
        }
    }

    /// Ends the lines of tab-separated values that end in a block.
    #[inline(never)]
    fn end_tab_lines(
        &mut self,
        text: &[u8],
        base: usize,
        masks: &Cells,
        (high, tabs): (bool, u32),
        width: usize,
    ) -> Ended {
        let Cells { borders, telling, .. } = *masks;
        let mut ended = Ended { borders, telling, inside: u64::MAX, high, tabs, stop: None };
        let (mut newlines, mut above) = (masks.newlines, u64::MAX);
        while newlines != 0 {
            let at = newlines.trailing_zeros();
            newlines &= newlines - 1;
            let end = base + at as usize;
            let start = self.starts.last().copied().unwrap_or_default();
            let next = end + 1;
            if end > start && text.get(end - 1) == Some(&b'\r') {
                ended.stop = Some(start);
            } else {
                let tabs = ended.tabs + (masks.tabs & above & below(at)).count_ones();
                let high = ended.high || masks.high & above & below(at) != 0;
                above = !below(at);
                (ended.high, ended.tabs) = (false, 0);
                self.end_tab_line(text, end, tabs, width, high);
                let is_other = |byte: &u8| matches!(byte, b'#' | b'{') || byte.is_ascii_whitespace();
                if next > STRETCH_BYTES || text.get(next).is_none_or(is_other) {
                    ended.stop = Some(next);
                }
            }
            if ended.stop.is_some() {
                // The line end is the border of the last cell.
                ended.borders &= below(at) | 1 << at;
                ended.telling &= below(at);
                return ended;
            }
            self.starts.push(next);
        }
        ended.high |= masks.high & above != 0;
        ended.tabs += (masks.tabs & above).count_ones();
        ended
    }

    /// Has a line read that has not the header's columns, or is not UTF-8.
    fn end_tab_line(&mut self, text: &[u8], end: usize, tabs: u32, width: usize, high: bool) {
        let start = self.starts.last().copied().unwrap_or_default();
        let line = text.get(start..end).unwrap_or_default();
        if tabs as usize + 1 != width || is_unfit(line, high) {
            self.marks.push(start);
        }
    }
}

/// Whether a line is longer than any record, or not UTF-8.
fn is_unfit(line: &[u8], high: bool) -> bool {
    line.len() > telemetry::LINE_BYTES_MAX || high && std::str::from_utf8(line).is_err()
}

#[cfg(test)]
mod tests;
