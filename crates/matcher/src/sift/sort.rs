//! What the strings are that were met, by their bytes alone.

use crate::sift::walk::Spans;
use crate::simd::{Lanes, Letters, Work, lowest, window};

/// A string that was met.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub(super) start: usize,
    pub(super) length: usize,
    /// Its dots and digits, of the first 64 bytes.
    pub(super) dots: u64,
    pub(super) digits: u64,
    /// What names are not made of, also behind the string.
    pub(super) others: u64,
}

impl Seen {
    #[inline(always)]
    pub(super) fn new(start: usize, length: usize, letters: Letters) -> Self {
        let all = lowest(length);
        Self { start, length, dots: letters.dots & all, digits: letters.digits & all, others: letters.others }
    }

    /// Whether its first 64 bytes are digits and three dots.
    #[inline(always)]
    pub(super) fn is_numeric(&self) -> bool {
        (self.dots | self.digits == lowest(self.length)) & (self.dots.count_ones() == 3)
    }
}

/// The sorts of strings.
#[expect(clippy::module_inception, reason = "what follows reads as `sort::NAME`")]
pub(super) mod sort {
    /// Of no interest.
    pub(in super::super) const NONE: u8 = 0;
    /// Digits and three dots.
    pub(in super::super) const ADDRESS: u8 = 1;
    /// What names are made of, a dot among it.
    pub(in super::super) const NAME: u8 = 2;
    /// What names are made of, without a dot: nearly always a digest.
    pub(in super::super) const WORD: u8 = 3;
    pub(in super::super) const OTHER: u8 = 4;
    /// One of the others that begins as a URL does.
    pub(in super::super) const URL: u8 = 5;
    /// One of the others that is neither URL nor time.
    pub(in super::super) const MIXED: u8 = 6;
    /// With a backslash in it.
    pub(in super::super) const ESCAPED: u8 = 7;
}

/// What is asked of a string to sort it, one bit each.
mod traits {
    /// It has two bytes or more.
    pub(super) const LONG: usize = 1;
    /// It is made of what names are made of, and not too long for one register.
    pub(super) const PLAIN: usize = 2;
    pub(super) const DOTTED: usize = 4;
    pub(super) const NUMERIC: usize = 8;
    pub(super) const COUNT: usize = 16;
}

/// The sort that each combination of traits makes.
static SORTS: [u8; traits::COUNT] = {
    let mut sorts = [sort::NONE; traits::COUNT];
    let mut at = 0;
    while at < traits::COUNT {
        #[expect(clippy::indexing_slicing, reason = "computed by the compiler, and within bounds")]
        {
            sorts[at] = sort_of(at);
        }
        at += 1;
    }
    sorts
};

const fn sort_of(has: usize) -> u8 {
    if has & traits::LONG == 0 {
        sort::NONE
    } else if has & traits::PLAIN == 0 {
        sort::OTHER
    } else if has & traits::NUMERIC != 0 {
        sort::ADDRESS
    } else if has & traits::DOTTED != 0 {
        sort::NAME
    } else {
        sort::WORD
    }
}

/// Strings by what they are.
pub(super) struct Sorted {
    seen: [Seen; Spans::MOST],
    sorts: [u8; Spans::MOST],
    count: usize,
}

impl Default for Sorted {
    fn default() -> Self {
        let seen = Seen { start: 0, length: 0, dots: 0, digits: 0, others: 0 };
        Self { seen: [seen; Spans::MOST], sorts: [sort::NONE; Spans::MOST], count: 0 }
    }
}

impl Sorted {
    /// Sorts those out that have a backslash in them.
    #[inline(never)]
    pub(super) fn sort_escaped(
        &mut self,
        spans: &[(usize, usize)],
        is_escaped: impl Fn(usize, usize) -> bool,
    ) {
        for ((start, end), sort) in spans.iter().zip(&mut self.sorts) {
            if end.saturating_sub(*start) >= 2 && is_escaped(*start, *end) {
                *sort = sort::ESCAPED;
            }
        }
    }

    /// Says of one of the others what it is.
    #[inline(always)]
    pub(super) fn set(&mut self, number: usize, sort: u8) {
        if let Some(place) = self.sorts.get_mut(number) {
            *place = sort;
        }
    }

    #[inline(always)]
    pub(super) fn get(&self, number: usize) -> Option<&Seen> {
        self.seen.get(number)
    }

    /// The numbers of the strings of a sort.
    #[inline(always)]
    pub(super) fn numbers<L: Lanes>(&self, lanes: L, sort: u8) -> Numbers {
        let (halves, _) = self.sorts.as_chunks::<64>();
        let places = |half: usize| {
            let places = halves.get(half).map_or(0, |block| lanes.places(block, sort));
            places & lowest(self.count.saturating_sub(64 * half))
        };
        Numbers { places: places(0), rest: places(1), base: 0 }
    }

    #[inline(always)]
    pub(super) fn of<L: Lanes>(&self, lanes: L, sort: u8) -> impl Iterator<Item = &Seen> {
        self.numbers(lanes, sort).filter_map(|number| self.get(number))
    }
}

/// Numbers of strings.
pub(super) struct Numbers {
    places: u64,
    rest: u64,
    base: usize,
}

impl Iterator for Numbers {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.places == 0 {
            (self.places, self.rest, self.base) = (self.rest, 0, 64);
        }
        let number = self.base + self.places.trailing_zeros() as usize;
        let is_any = self.places != 0;
        self.places &= self.places.wrapping_sub(1);
        is_any.then_some(number)
    }
}

/// The work of finding what strings are. There is no branch in it: what a string is, is as good as random to the processor.
pub(super) struct Sort<'a> {
    pub(super) text: &'a [u8],
    pub(super) spans: &'a [(usize, usize)],
    pub(super) sorted: &'a mut Sorted,
}

impl Work for Sort<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { text, spans, sorted } = self;
        let mut room = [0; 64];
        for (((start, end), seen), sort) in spans.iter().zip(&mut sorted.seen).zip(&mut sorted.sorts) {
            let front = window(text, *start, &mut room);
            let length = end.wrapping_sub(*start);
            let string = Seen::new(*start, length, lanes.letters(front));
            // Shifted, it is zero up to 64 bytes; a comparison would be made a branch.
            let other = string.others & lowest(length) | (length.wrapping_sub(1) >> 6) as u64;
            let has = (usize::from(length >= 2) * traits::LONG)
                | (usize::from(other == 0) * traits::PLAIN)
                | (usize::from(string.dots != 0) * traits::DOTTED)
                | (usize::from(string.is_numeric()) * traits::NUMERIC);
            *sort = SORTS.get(has).copied().unwrap_or_default();
            *seen = string;
        }
        sorted.count = spans.len();
    }
}
