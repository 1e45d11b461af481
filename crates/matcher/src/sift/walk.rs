//! Where strings that are worth a look begin and end, block by block. Next to nothing here branches on the text: what a
//! block holds is as good as random to the processor, and a branch foreseen wrongly costs as much as a block.

use crate::set::IndicatorSet;

/// Strings that are worth a look, as their first byte and the border behind them.
pub(super) struct Spans {
    places: [(usize, usize); Self::ROOM],
    count: usize,
}

impl Default for Spans {
    fn default() -> Self {
        Self { places: [(0, 0); Self::ROOM], count: 0 }
    }
}

impl Spans {
    /// The most that are met before they are looked at.
    pub(super) const MOST: usize = 128;
    /// No block adds more: one string that ends in it, one for each two bytes, and one behind the text's end.
    const BLOCK: usize = 36;
    const ROOM: usize = Self::MOST + Self::AT_ONCE;
    /// Two places are written for each block, met or not.
    const AT_ONCE: usize = 2;

    #[inline(always)]
    pub(super) fn push(&mut self, start: usize, end: usize) {
        if let Some(place) = self.places.get_mut(self.count) {
            *place = (start, end);
            self.count += 1;
        }
    }

    /// To write into while its count lies in a register: in memory it would be what each block waits for.
    #[inline(always)]
    pub(super) fn open(&mut self) -> OpenSpans<'_> {
        OpenSpans { count: self.count, places: &mut self.places, closed: &mut self.count }
    }

    pub(super) fn met(&self) -> &[(usize, usize)] {
        self.places.get(..self.count).unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }
}

/// Strings that are being met.
pub(super) struct OpenSpans<'a> {
    places: &'a mut [(usize, usize); Spans::ROOM],
    count: usize,
    closed: &'a mut usize,
}

impl OpenSpans<'_> {
    /// Takes the strings that end at these borders of a block; `start` is where the one began that goes on from an earlier one.
    #[inline(always)]
    fn push_ends(&mut self, base: usize, start: usize, borders: u64, ends: u64) {
        let next = base + 64;
        // The border before the lowest of the ends, the string behind it, and the ends above.
        let string = |ends: u64| {
            let above = ends & ends.wrapping_sub(1);
            let before = borders & (ends ^ ends.wrapping_sub(1)) >> 1;
            (before, (behind_last(next, before), base + ends.trailing_zeros() as usize), above)
        };
        let room =
            self.places.get_mut(self.count..).and_then(<[_]>::split_first_chunk_mut::<{ Spans::AT_ONCE }>);
        let Some(([first, second], room)) = room else { return };
        // Most blocks end two strings at most: these are written without asking.
        let (before, (begin, end), rest) = string(ends);
        *first = (if before == 0 { start } else { begin }, end);
        let (_, place, mut rest) = string(rest);
        *second = place;
        let mut room = room.iter_mut();
        while rest != 0 {
            let (_, string, above) = string(rest);
            if let Some(place) = room.next() {
                *place = string;
            }
            rest = above;
        }
        self.count += ends.count_ones() as usize;
    }

    #[inline(always)]
    pub(super) fn is_full(&self) -> bool {
        self.count > Spans::MOST - Spans::BLOCK
    }

    #[inline(always)]
    pub(super) fn close(self) {
        *self.closed = self.count;
    }
}

/// Where the walk over the blocks of a stretch stands.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    /// Where the next block begins.
    pub(super) base: usize,
    /// All ones within a string.
    pub(super) inside: u64,
    pub(super) escape: bool,
    /// Behind the last backslash met.
    pub(super) backslash: usize,
    /// The line so far is not ASCII.
    pub(super) high: bool,
    /// Just behind the last border.
    pub(super) start: usize,
    /// The string that begins there is worth a look.
    pending: bool,
    /// Tabs in the line so far.
    pub(super) tabs: u32,
    /// Strings as long as digests are worth a look.
    digests: bool,
}

/// The strings of a block.
#[derive(Clone, Copy)]
pub(super) struct Strings {
    /// What parts them.
    pub(super) borders: u64,
    /// Those of the borders that end one.
    pub(super) closing: u64,
    /// The bytes of strings, and perhaps the border before each.
    pub(super) inside: u64,
    /// Bytes that make a string worth a look.
    pub(super) telling: u64,
}

impl Strings {
    #[inline(always)]
    pub(super) fn of_json(quotes: u64, telling: u64, inside: u64) -> Self {
        Self { borders: quotes, closing: quotes & !inside, inside, telling }
    }
}

impl Walk {
    pub(super) fn new(set: &IndicatorSet) -> Self {
        Self {
            base: 0,
            inside: 0,
            escape: false,
            backslash: 0,
            high: false,
            start: 0,
            pending: false,
            tabs: 0,
            digests: set.has().hashes,
        }
    }

    /// The borders at which strings end that are worth a look; notes whether the string that goes on is.
    #[inline(always)]
    pub(super) fn ends(&mut self, strings: Strings) -> u64 {
        let Strings { borders, closing, inside, mut telling } = strings;
        if self.digests {
            // No digest is shorter than 32 bytes, so that it has sixteen beside each other, counted from the block's beginning, without a
            // border. Few other strings have; what tells them is the last of the sixteen. (A carry may tell others too.)
            const FIRSTS: u64 = 0x0001_0001_0001_0001;
            telling |= borders.wrapping_sub(FIRSTS) & !borders & FIRSTS << 15;
        }
        // The bytes of a string are a run of ones. Adding a telling one to the run carries out of it, into the border that ends
        // it; where the run goes on in the next block, so does the carry.
        let (sum, pending) = inside.overflowing_add(telling & inside | u64::from(self.pending));
        self.pending = pending;
        sum & closing
    }

    /// Takes the strings of a block of JSON that are worth a look.
    #[inline(always)]
    pub(super) fn take_json(&mut self, strings: Strings, colons: u64, spans: &mut OpenSpans<'_>) {
        self.inside = if strings.inside >> 63 == 1 { u64::MAX } else { 0 };
        // A name of a field is no value; that of one which ends with the block is looked at in vain.
        let ends = self.ends(strings) & !(colons >> 1);
        self.take(strings.borders, ends, spans);
    }

    /// Takes the strings of the block that end at these borders.
    #[inline(always)]
    pub(super) fn take(&mut self, borders: u64, ends: u64, spans: &mut OpenSpans<'_>) {
        spans.push_ends(self.base, self.start, borders, ends);
        self.base += 64;
        self.start = if borders == 0 { self.start } else { behind_last(self.base, borders) };
    }
}

/// Just behind the last of a block's borders, of which there is one; `next` is where the next block begins.
#[inline(always)]
fn behind_last(next: usize, borders: u64) -> usize {
    next - borders.leading_zeros() as usize
}

/// Which characters a backslash before them escapes; the carry says whether the first one is. Without a branch, because lines
/// with Windows paths are full of backslashes: adding the runs that begin at odd places carries to where they end.
#[inline(always)]
pub(super) fn escaped(backslashes: u64, carry: &mut bool) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let first = u64::from(*carry);
    let backslashes = backslashes & !first;
    let follows = backslashes << 1 | first;
    let odd_starts = backslashes & !EVEN & !follows;
    let (ends_of_even, overflow) = odd_starts.overflowing_add(backslashes);
    *carry = overflow;
    (EVEN ^ (ends_of_even << 1)) & follows
}
