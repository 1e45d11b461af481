//! The first stage: finds the lines in which the set might know something, without parsing them and without knowing their
//! fields. Whatever the second stage could match is let through; nearly everything else is not.
//!
//! A stretch of lines is walked in blocks of 64 bytes: quotes, line ends and the bytes that make a string worth a look come
//! out as masks, strings are looked at in batches ([`look`]), and what they ask of the filter in batches of its own
//! ([`probes`]). What is left are the numbers of the lines to read.

mod look;
mod probes;
mod text;

use crate::set::IndicatorSet;
use crate::sift::look::Look;
use crate::sift::probes::Probes;
use crate::simd::{Borders, Lanes, Simd, Work, below, window};

pub(crate) use text::plain_host;

/// A stretch is ended by the first line that begins behind this: what is read after it is still near.
const STRETCH_BYTES: usize = 256 << 10;

/// What lies so far ahead is fetched from memory while this is looked at.
const AHEAD_BYTES: usize = 1024;

/// The memory of the first stage, kept between stretches.
pub(crate) struct Sieve {
    simd: Simd,
    /// Where the lines of the stretch begin; behind the last stands where one more would.
    starts: Vec<usize>,
    /// Places in lines that have to be read.
    marks: Vec<usize>,
    /// The numbers of the lines that have to be read, rising.
    read: Vec<usize>,
    /// One string may hold several values, or one among words.
    composite: bool,
    spans: Spans,
    probes: Box<Probes>,
    scratch: Vec<u8>,
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
            starts: Vec::new(),
            marks: Vec::new(),
            read: Vec::new(),
            composite: false,
            spans: Spans::default(),
            probes: Box::new(Probes::new()),
            scratch: Vec::new(),
        }
    }

    /// Looks through lines that begin with `{`, from the text's beginning on, which is one, up to the first that does not.
    /// How many bytes they take, line ends included. `composite`: the lines may be of formats in which one string holds several
    /// values; those that are must be read.
    pub(crate) fn json(&mut self, set: &IndicatorSet, text: &[u8], composite: bool) -> usize {
        self.begin();
        self.composite = composite;
        let taken = self.simd.run(JsonLines { sieve: self, set, text });
        self.end(set, text, taken)
    }

    /// Looks through lines of tab-separated values with `width` columns, up to the first that begins as another kind of line
    /// does or ends in a carriage return. How many bytes they take; none where the first line is of such a kind.
    pub(crate) fn tabs(&mut self, set: &IndicatorSet, text: &[u8], width: usize) -> usize {
        self.begin();
        let taken = self.simd.run(TabLines { sieve: self, set, text, width });
        self.end(set, text, taken)
    }

    /// How many lines the last stretch had.
    pub(crate) fn lines(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The lines of the last stretch that have to be read, by their place among these.
    pub(crate) fn candidate(&self, index: usize) -> Option<Candidate> {
        let number = *self.read.get(index)?;
        let (start, next) = (*self.starts.get(number)?, *self.starts.get(number + 1)?);
        Some(Candidate { number, start, end: next.saturating_sub(1) })
    }

    fn begin(&mut self) {
        self.starts.clear();
        self.starts.push(0);
        self.marks.clear();
        self.read.clear();
    }

    fn end(&mut self, set: &IndicatorSet, text: &[u8], taken: usize) -> usize {
        self.probes.ask(set, &mut self.marks);
        // A line that was begun but is not taken is no line of this stretch.
        while self.starts.last().is_some_and(|start| *start >= taken) {
            self.starts.pop();
        }
        let ended = taken > 0 && text.get(taken - 1) == Some(&b'\n');
        self.starts.push(if ended { taken } else { taken + 1 });
        self.marks.sort_unstable();
        for mark in self.marks.iter().filter(|mark| **mark < taken) {
            let line = self.starts.partition_point(|start| start <= mark).saturating_sub(1);
            if self.read.last() != Some(&line) {
                self.read.push(line);
            }
        }
        taken
    }

    /// Looks at the strings that were met.
    #[inline(always)]
    fn look<L: Lanes>(&mut self, lanes: L, set: &IndicatorSet, text: &[u8], walk: &Walk, quoted: bool) {
        let Self { spans, probes, marks, scratch, .. } = self;
        let mut look = Look::new(set, text, quoted, walk.backslash, (probes.as_mut(), marks, scratch));
        for (start, end) in spans.met() {
            look.string(lanes, *start, *end);
        }
        spans.count = 0;
    }
}

/// Strings that are worth a look, as their first byte and the border behind them.
struct Spans {
    places: [(usize, usize); Self::MOST],
    count: usize,
}

impl Default for Spans {
    fn default() -> Self {
        Self { places: [(0, 0); Self::MOST], count: 0 }
    }
}

impl Spans {
    const MOST: usize = 160;
    /// No block adds more: one string that ends in it, one for each two bytes, three digests.
    const BLOCK: usize = 40;

    #[inline(always)]
    fn push(&mut self, start: usize, end: usize) {
        if let Some(place) = self.places.get_mut(self.count) {
            *place = (start, end);
            self.count += 1;
        }
    }

    fn met(&self) -> &[(usize, usize)] {
        self.places.get(..self.count).unwrap_or_default()
    }

    fn is_full(&self) -> bool {
        self.count > Self::MOST - Self::BLOCK
    }
}

/// Where the walk over the blocks of a stretch stands.
struct Walk {
    /// All ones within a string.
    inside: u64,
    escape: bool,
    /// Behind the last backslash met.
    backslash: usize,
    /// The line so far is not ASCII.
    high: bool,
    /// Just behind the last border.
    start: usize,
    /// The string that begins there is worth a look.
    pending: bool,
    /// Tabs in the line so far.
    tabs: u32,
    /// Strings of the lengths of digests are worth a look.
    digests: bool,
}

impl Walk {
    fn new(set: &IndicatorSet, inside: u64) -> Self {
        Self {
            inside,
            escape: false,
            backslash: 0,
            high: false,
            start: 0,
            pending: false,
            tabs: 0,
            digests: set.has().hashes,
        }
    }

    /// Takes the string around the first of these bytes, if there is one; what is left of them behind it.
    #[inline(always)]
    fn string_around(base: usize, borders: u64, telling: u64, spans: &mut Spans) -> u64 {
        const FIRST: u64 = 1;
        const LAST: u64 = 1 << 63;
        let at = telling.trailing_zeros() & 63;
        // There is a border on either side.
        let open = 63 - (borders & below(at) | FIRST).leading_zeros();
        let close = (borders & !below(at) | LAST).trailing_zeros();
        spans.push(base + open as usize + 1, base + close as usize);
        telling & !below(close)
    }

    /// Takes the strings that end in a block, and notes the one that goes on.
    #[inline(always)]
    fn strings(&mut self, base: usize, borders: u64, telling: u64, inside: bool, spans: &mut Spans) {
        if borders == 0 {
            self.pending |= telling != 0;
            return;
        }
        // The string that began in an earlier block.
        let first = borders.trailing_zeros();
        let end = base + first as usize;
        let length = end - self.start;
        let digest = (length == 32) | (length == 40) | (length == 64) | (length == 128);
        let told = self.pending | (telling & below(first) != 0) | (self.digests & inside & digest);
        if told {
            spans.push(self.start, end);
        }
        // Strings that lie in this block as a whole: only those with a telling byte, and digests by their length.
        let last = 63 - borders.leading_zeros();
        let mut rest = telling & below(last) & !below(first);
        while rest != 0 {
            rest = Self::string_around(base, borders, rest, spans);
        }
        if self.digests {
            // Strings of 32 or 40 bytes between neighbouring borders of one block; longer ones cross blocks.
            let (mut short, mut long) = digests(borders);
            while short != 0 {
                let start = base + short.trailing_zeros() as usize + 1;
                short &= short - 1;
                spans.push(start, start + 32);
            }
            while long != 0 {
                let start = base + long.trailing_zeros() as usize + 1;
                long &= long - 1;
                spans.push(start, start + 40);
            }
        }
        self.start = base + last as usize + 1;
        self.pending = telling & !below(last) != 0;
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

struct JsonLines<'a> {
    sieve: &'a mut Sieve,
    set: &'a IndicatorSet,
    text: &'a [u8],
}

impl Work for JsonLines<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> usize {
        let Self { sieve, set, text } = self;
        let mut walk = Walk::new(set, 0);
        let mut base = 0;
        while base < text.len() {
            let mut room = [0; 64];
            lanes.fetch(text, base + AHEAD_BYTES);
            let mut masks = lanes.json(window(text, base, &mut room));
            if masks.backslashes != 0 {
                walk.backslash = base + 64 - masks.backslashes.leading_zeros() as usize;
            }
            if masks.backslashes != 0 || walk.escape {
                masks.borders &= !escaped(masks.backslashes, &mut walk.escape);
            }
            let inside_before = walk.inside != 0;
            let mut inside = lanes.parity(masks.borders) ^ walk.inside;
            let mut stop = None;
            if masks.newlines == 0 {
                walk.high |= masks.high != 0;
            } else {
                let ended = sieve.end_json_lines(text, base, masks, inside, walk.high);
                (masks.borders, masks.telling, inside) = (ended.borders, ended.telling, ended.inside);
                (walk.high, stop) = (ended.high, ended.stop);
            }
            walk.inside = if inside >> 63 == 1 { u64::MAX } else { 0 };
            walk.strings(base, masks.borders, masks.telling & inside, inside_before, &mut sieve.spans);
            base += 64;
            if sieve.spans.is_full() || stop.is_some() || base >= text.len() {
                sieve.look(lanes, set, text, &walk, true);
            }
            if let Some(stop) = stop {
                return stop;
            }
        }
        sieve.end_json_line(text, text.len(), walk.inside != 0, walk.high);
        text.len()
    }
}

impl Sieve {
    /// Ends the lines that end in a block.
    #[inline(never)]
    fn end_json_lines(&mut self, text: &[u8], base: usize, masks: Borders, inside: u64, high: bool) -> Ended {
        let Borders { borders, telling, .. } = masks;
        let mut ended = Ended { borders, telling, inside, high, tabs: 0, stop: None };
        let (mut newlines, mut above) = (masks.newlines, u64::MAX);
        while newlines != 0 {
            let at = newlines.trailing_zeros();
            newlines &= newlines - 1;
            // A line end within a string: the line is torn, and the next one begins outside of any.
            let torn = ended.inside >> at & 1 == 1;
            if torn {
                ended.inside ^= !below(at);
            }
            let end = base + at as usize;
            let high = ended.high || masks.high & above & below(at) != 0;
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
        ended.high |= masks.high & above != 0;
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
        masks: Borders,
        (high, tabs): (bool, u32),
        width: usize,
    ) -> Ended {
        let Borders { borders, telling, .. } = masks;
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

struct TabLines<'a> {
    sieve: &'a mut Sieve,
    set: &'a IndicatorSet,
    text: &'a [u8],
    width: usize,
}

impl Work for TabLines<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> usize {
        let Self { sieve, set, text, width } = self;
        let mut walk = Walk::new(set, u64::MAX);
        let mut base = 0;
        while base < text.len() {
            let mut room = [0; 64];
            lanes.fetch(text, base + AHEAD_BYTES);
            let mut masks = lanes.tabs(window(text, base, &mut room));
            if masks.backslashes != 0 {
                walk.backslash = base + 64 - masks.backslashes.leading_zeros() as usize;
            }
            let mut stop = None;
            if masks.newlines == 0 {
                walk.high |= masks.high != 0;
                walk.tabs += masks.tabs.count_ones();
            } else {
                let ended = sieve.end_tab_lines(text, base, masks, (walk.high, walk.tabs), width);
                (masks.borders, masks.telling) = (ended.borders, ended.telling);
                (walk.high, walk.tabs, stop) = (ended.high, ended.tabs, ended.stop);
            }
            walk.strings(base, masks.borders, masks.telling, true, &mut sieve.spans);
            base += 64;
            let done = base >= text.len() && stop.is_none();
            if done {
                // The last cell of a line that no line end follows.
                sieve.spans.push(walk.start, text.len());
            }
            if sieve.spans.is_full() || stop.is_some() || done {
                sieve.look(lanes, set, text, &walk, false);
            }
            if let Some(stop) = stop {
                return stop;
            }
        }
        sieve.end_tab_line(text, text.len(), walk.tabs, width, walk.high);
        text.len()
    }
}

/// The borders whose next one stands 33 or 41 places behind: between them are 32 or 40 bytes.
#[inline(always)]
fn digests(borders: u64) -> (u64, u64) {
    // Where a border follows within so many places.
    let two = borders >> 1 | borders >> 2;
    let four = two | two >> 2;
    let eight = four | four >> 4;
    let sixteen = eight | eight >> 8;
    let within_32 = sixteen | sixteen >> 16;
    let within_40 = within_32 | within_32 >> 8;
    (borders & !within_32 & borders >> 33, borders & !within_40 & borders >> 41)
}

/// Whether a line is longer than any record, or not UTF-8.
fn is_unfit(line: &[u8], high: bool) -> bool {
    line.len() > telemetry::LINE_BYTES_MAX || high && std::str::from_utf8(line).is_err()
}

/// Which characters a backslash before them escapes; the carry says whether the first one is. Without a branch, because lines
/// with Windows paths are full of backslashes: adding the runs that begin at odd places carries to where they end.
#[inline(always)]
fn escaped(backslashes: u64, carry: &mut bool) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let first = u64::from(*carry);
    let backslashes = backslashes & !first;
    let follows = backslashes << 1 | first;
    let odd_starts = backslashes & !EVEN & !follows;
    let (ends_of_even, overflow) = odd_starts.overflowing_add(backslashes);
    *carry = overflow;
    (EVEN ^ (ends_of_even << 1)) & follows
}

#[cfg(test)]
mod tests;
