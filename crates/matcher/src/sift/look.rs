//! What one string of a line could be, and what the filter is asked about it.

use crate::filter::{Has, v4_hash};
use crate::set::IndicatorSet;
use crate::sift::probes::Probes;
use crate::sift::sort::{Seen, Sorted, sort};
use crate::simd::{HashKey, Lanes, Letters, Work, lowest, window};

/// What a text that is no plain name has in it.
enum Marked {
    /// Nothing that tells anything.
    Not,
    /// So many colons between the letters of names, and nothing else.
    Colons(u32),
    /// A certificate's subject, and nothing else that tells.
    Subject,
    /// Something else.
    Somehow,
}

/// Looks at the strings of a stretch.
pub(super) struct Look<'a> {
    pub(super) set: &'a IndicatorSet,
    pub(super) key: &'a HashKey,
    pub(super) has: Has,
    pub(super) text: &'a [u8],
    /// Strings are those of JSON; otherwise cells of tab-separated values.
    pub(super) quoted: bool,
    /// No backslash stands here or behind.
    backslash: usize,
    /// Where the string begins that is being looked at.
    pub(super) at: usize,
    probes: &'a mut Probes,
    marks: &'a mut Vec<usize>,
    pub(super) scratch: &'a mut Vec<u8>,
}

impl<'a> Look<'a> {
    pub(super) fn new(
        set: &'a IndicatorSet,
        text: &'a [u8],
        quoted: bool,
        backslash: usize,
        (probes, marks, scratch): (&'a mut Probes, &'a mut Vec<usize>, &'a mut Vec<u8>),
    ) -> Self {
        let (key, has) = (set.hash_key(), set.has());
        Self { set, key, has, text, quoted, backslash, at: 0, probes, marks, scratch }
    }

    /// The work of looking at strings that were sorted.
    pub(super) fn at(self, spans: &'a [(usize, usize)], sorted: &'a mut Sorted) -> At<'a> {
        At { look: self, spans, sorted }
    }

    /// Whether a backslash stands in a string.
    pub(super) fn has_backslash(&self, start: usize, end: usize) -> bool {
        self.backslash > start
            && self.text.get(start..end).is_some_and(|text| memchr::memchr(b'\\', text).is_some())
    }

    #[inline(always)]
    fn mixed<L: Lanes>(&mut self, lanes: L, string: &Seen) {
        let Seen { start, length, others, .. } = *string;
        self.at = start;
        match self.marked(lanes, others, start, length) {
            Marked::Not => {}
            Marked::Colons(count) => self.with_colons_at(start, start + length, count),
            Marked::Subject => self.common_names_at(start, start + length),
            Marked::Somehow => self.composed_at(start, start + length),
        }
    }

    #[inline(always)]
    fn address_or_name<L: Lanes>(&mut self, lanes: L, front: &[u8; 64], string: &Seen) {
        match string.is_numeric().then(|| octets(front, string.dots, string.length)).flatten() {
            Some(address) => self.v4_soon(lanes, string.start, address),
            None => self.name(lanes, front, string),
        }
    }

    /// Whether digits and three dots are settled by the first number: the set has no address that begins so.
    #[inline(always)]
    fn is_settled(&self, front: &[u8; 64], string: &Seen) -> bool {
        let (head, plain) = octet(front, 0, string.dots.trailing_zeros());
        plain & !self.has.numeric_names && !self.set.may_have_head(head << 24)
    }

    /// A text of nothing but the letters of names.
    #[inline(always)]
    fn name<L: Lanes>(&mut self, lanes: L, front: &[u8; 64], string: &Seen) {
        if !self.has.names && !self.has.urls {
            return;
        }
        let Seen { start, mut length, mut dots, digits, .. } = *string;
        let last = 1 << (length.wrapping_sub(1) & 63);
        length -= usize::from(dots & last != 0);
        dots &= !last;
        let hash = lanes.hash(self.key, front, length);
        self.probe_soon(lanes, hash, start, None);
        if self.has.below {
            let mut rest = dots;
            while rest != 0 {
                let skip = rest.trailing_zeros() as usize + 1;
                rest &= rest - 1;
                // A label alone covers too much for any set.
                if rest == 0 {
                    break;
                }
                let mut room = [0; 64];
                let hash = lanes.hash(self.key, window(self.text, start + skip, &mut room), length - skip);
                self.probe_soon(lanes, hash, start, None);
            }
        }
        // A host that ends in a number is an address to a URL, however oddly it is written.
        let last = 64 - dots.leading_zeros();
        if self.has.urls && last < 64 && digits >> last & 1 == 1 {
            self.at = start;
            self.odd_host_at(start, start + length);
        }
    }

    #[inline(never)]
    fn odd_host_at(&mut self, start: usize, end: usize) {
        let text = self.text;
        self.odd_host(text.get(start..end).unwrap_or_default());
    }

    #[inline(always)]
    fn v4_soon<L: Lanes>(&mut self, lanes: L, at: usize, address: u32) {
        self.at = at;
        if let Some(hash) = self.v4_hash(address) {
            self.probe_soon(lanes, hash, at, Some(address));
        }
    }

    /// What the filter is to be asked about an address, if that is not known without it.
    #[inline(always)]
    pub(super) fn v4_hash(&mut self, address: u32) -> Option<u64> {
        if !self.set.may_have_head(address) {
            return None;
        }
        if self.set.may_have_near(address) && self.set.knows_v4(address) {
            self.mark();
            return None;
        }
        self.has.hashed_v4.then(|| v4_hash(self.key, address))
    }

    /// A text that begins as a URL does. Its host as it is written is also looked up by itself.
    #[inline(always)]
    fn http<L: Lanes>(&mut self, lanes: L, start: usize, end: usize) {
        self.at = start;
        let secure = self.text.get(start + 4) == Some(&b's');
        let host = start + if secure { 8 } else { 7 };
        let mut room = [0; 64];
        let front = window(self.text, host, &mut room);
        let letters = lanes.letters(front);
        let behind = letters.others & lowest(end.saturating_sub(host));
        let length = if behind == 0 { end.saturating_sub(host) } else { behind.trailing_zeros() as usize };
        let closed = behind == 0 || matches!(self.text.get(host + length), Some(b'/' | b'?' | b'#'));
        if length == 0 || length > 64 || !closed || !is_plain_host(front, length, letters) {
            return self.composed_at(start, end);
        }
        self.address_or_name(lanes, front, &Seen::new(host, length, letters));
        self.at = start;
        self.behind_host(host + length, end);
    }

    /// Fields of other kinds may hold what begins as a URL.
    #[inline(always)]
    fn behind_host(&mut self, start: usize, end: usize) {
        let rest = self.text.get(start..end).unwrap_or_default();
        if (self.has.emails || self.has.names) && memchr::memchr2(b'@', b'=', rest).is_some() {
            let rest = self.text.get(self.at..end).unwrap_or_default();
            self.mails_and_names(rest);
        }
    }

    #[inline(never)]
    fn mails_and_names(&mut self, text: &[u8]) {
        if self.has.emails {
            self.emails(text);
        }
        if self.has.names {
            self.common_names(text);
        }
    }

    /// Whether there is anything in a text that more than a look is for.
    #[inline(always)]
    fn marked<L: Lanes>(&mut self, lanes: L, others: u64, start: usize, length: usize) -> Marked {
        // Colons between the letters of names; an address in brackets.
        let (mut colons_only, mut colons) = (true, 0);
        let (mut begin, mut others) = (0, others);
        let named = self.text.get(start) == Some(&b'[');
        while begin < length {
            let mut room = [0; 64];
            let window = window(self.text, start + begin, &mut room);
            if begin > 0 {
                others = lanes.letters(window).others;
            }
            let all = lowest(length - begin);
            let marks = lanes.marks(window);
            colons_only &= others & !marks.colons & all == 0;
            colons += (marks.colons & all).count_ones();
            let names = if self.has.names { marks.common_names & all } else { 0 };
            let told = (marks.schemes | marks.high | if self.has.emails { marks.ats } else { 0 }) & all;
            if named || told != 0 {
                return Marked::Somehow;
            }
            if names != 0 {
                // More may tell something in a longer one.
                return if length <= 64 { Marked::Subject } else { Marked::Somehow };
            }
            begin += 64;
        }
        match (colons_only, length) {
            (true, ..=64) => Marked::Colons(colons),
            // A long name, or a digest.
            (true, _) => Marked::Somehow,
            (false, _) => Marked::Not,
        }
    }

    /// Asks the filter, and has what it will read fetched meanwhile.
    #[inline(always)]
    fn probe_soon<L: Lanes>(&mut self, lanes: L, hash: u64, at: usize, address: Option<u32>) {
        let (words, place) = self.set.place(hash);
        lanes.fetch(words, place);
        self.probes.push(self.set, hash, at, address, self.marks);
    }

    #[inline(always)]
    pub(super) fn probe(&mut self, hash: u64, address: Option<u32>) {
        self.probes.push(self.set, hash, self.at, address, self.marks);
    }

    pub(super) fn mark(&mut self) {
        self.marks.push(self.at);
    }
}

/// The work of looking at strings that were sorted: sort by sort, so that what is done next does not depend on the text.
pub(super) struct At<'a> {
    look: Look<'a>,
    spans: &'a [(usize, usize)],
    sorted: &'a mut Sorted,
}

impl Work for At<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { mut look, spans, sorted } = self;
        if spans.first().is_some_and(|(start, _)| look.backslash > *start) {
            sorted.sort_escaped(spans, |start, end| look.has_backslash(start, end));
        }
        let (text, mut room) = (look.text, [0; 64]);
        for string in sorted.of(lanes, sort::ADDRESS) {
            let front = window(text, string.start, &mut room);
            if !look.is_settled(front, string) {
                look.address_or_name(lanes, front, string);
            }
        }
        for string in sorted.of(lanes, sort::NAME) {
            look.name(lanes, window(text, string.start, &mut room), string);
        }
        for string in sorted.of(lanes, sort::WORD) {
            if look.has.hashes && matches!(string.length, 32 | 40 | 64) {
                let hash = lanes.hash(look.key, window(text, string.start, &mut room), string.length);
                look.probe_soon(lanes, hash, string.start, None);
            }
        }
        // Most of what is left are times.
        for number in sorted.numbers(lanes, sort::OTHER) {
            if let Some(string) = sorted.get(number) {
                let front = window(text, string.start, &mut room);
                let mixed = if is_time(front, string) { sort::NONE } else { sort::MIXED };
                sorted.set(number, if is_http(front) { sort::URL } else { mixed });
            }
        }
        for string in sorted.of(lanes, sort::URL) {
            look.http(lanes, string.start, string.start + string.length);
        }
        for string in sorted.of(lanes, sort::MIXED) {
            look.mixed(lanes, string);
        }
        for string in sorted.of(lanes, sort::ESCAPED) {
            look.at = string.start;
            look.escaped(string.start, string.start + string.length);
        }
    }
}

/// Whether a text begins with `http://` or `https://`.
#[inline(always)]
fn is_http(front: &[u8; 64]) -> bool {
    const BUT_LAST: u64 = u64::MAX >> 8;
    let word = front.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    (word & BUT_LAST == u64::from_le_bytes(*b"http://\0")) | (word == u64::from_le_bytes(*b"https://"))
}

/// Whether a host does not end in a number, or is a plain address.
#[inline(always)]
fn is_plain_host(front: &[u8; 64], length: usize, letters: Letters) -> bool {
    let all = lowest(length);
    let (dots, digits) = (letters.dots & all, letters.digits & all);
    let inner = dots & !(1 << (length - 1));
    let last = 64 - inner.leading_zeros();
    // An empty last label is as odd as a number.
    let named = last < 64 && (last as usize) < length && (digits | dots) >> last & 1 == 0;
    named || dots | digits == all && dots.count_ones() == 3 && octets(front, dots, length).is_some()
}

/// Whether a text is a time such as `2026-01-31T09:00:00.000000+0900`, which every record has and which can be nothing else.
/// Not every time is told.
#[inline(always)]
fn is_time(front: &[u8; 64], string: &Seen) -> bool {
    // The digits and the colons of `yyyy-mm-ddThh:mm:ss`.
    const DIGITS: u64 = 0b110_1101_1011_0110_1111;
    const COLONS: u64 = 1 << 13 | 1 << 16;
    let Seen { length, digits, .. } = *string;
    let all = lowest(length);
    let others = string.others & all;
    let told = (digits & DIGITS == DIGITS) & (others & lowest(19) == COLONS) & (19..=40).contains(&length);
    // Behind it nothing but a fraction and an offset.
    let zone = others & !lowest(19);
    let minutes = zone & zone.wrapping_sub(1);
    let at = |mask: u64| front.get(mask.trailing_zeros() as usize & 63).copied().unwrap_or_default();
    let signed = (zone == 0) | (at(zone) == b'+') | (at(zone) == b':');
    let whole = (minutes == 0) | ((minutes & minutes.wrapping_sub(1) == 0) & (at(minutes) == b':'));
    const SEPARATORS: u64 = u64::from_le_bytes(*b"T\0\0:\0\0:\0");
    const SEPARATED: u64 = u64::from_le_bytes([0xff, 0, 0, 0xff, 0, 0, 0xff, 0]);
    let middle = front.get(10..18).and_then(|middle| middle.first_chunk()).copied().unwrap_or_default();
    let separated = u64::from_le_bytes(middle) & SEPARATED == SEPARATORS;
    told & signed & whole & separated
}

/// The address that a text of digits and three dots is, written in the one plain way.
#[inline(always)]
fn octets(front: &[u8; 64], dots: u64, length: usize) -> Option<u32> {
    let (mut address, mut plain, mut start) = (0, true, 0_u32);
    let mut rest = dots | 1 << (length & 63);
    for _ in 0..4 {
        let end = rest.trailing_zeros();
        rest &= rest.wrapping_sub(1);
        let (number, is_plain) = octet(front, start, end.wrapping_sub(start));
        plain &= is_plain;
        address = address << 8 | number;
        start = end.wrapping_add(1);
    }
    plain.then_some(address)
}

/// The number that so many digits are, and whether it is one of up to 255 without a zero in front.
#[inline(always)]
fn octet(front: &[u8; 64], start: u32, count: u32) -> (u32, bool) {
    let at = start as usize & 15;
    let four = front.get(at..at + 4).and_then(|four| four.first_chunk()).copied().unwrap_or_default();
    // The digits, the hundreds lowest; what is not there is zero.
    let digits = (u32::from_le_bytes(four) << (8 * (4_u32.wrapping_sub(count) & 3)) >> 8) & 0x000f_0f0f;
    let octet = digits.wrapping_mul(100 << 16 | 10 << 8 | 1) >> 16;
    // In this order digits compare as the numbers do. No zero stands in front.
    let ordered = digits.swap_bytes() >> 8;
    let least = u32::from(count > 1) << (8 * (count.wrapping_sub(1) & 3));
    let plain = (count.wrapping_sub(1) < 3) & (ordered >= least) & (ordered <= 0x0002_0505);
    (octet & 0xff, plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<u32> {
        let mut room = [0; 64];
        let front = window(text.as_bytes(), 0, &mut room);
        let dots = text.bytes().enumerate().filter(|(_, b)| *b == b'.').fold(0, |m, (at, _)| m | 1 << at);
        octets(front, dots, text.len())
    }

    proptest! {
        /// An address is what the standard library takes for one.
        #[test]
        fn addresses(parts in prop::collection::vec("[0-9]{0,4}", 4)) {
            let text = parts.join(".");
            if text.len() <= 15 {
                prop_assert_eq!(read(&text), text.parse().ok().map(|v4: std::net::Ipv4Addr| v4.to_bits()));
            }
        }

        #[test]
        fn plain_addresses(address in any::<u32>()) {
            prop_assert_eq!(read(&std::net::Ipv4Addr::from_bits(address).to_string()), Some(address));
        }
    }

    #[test]
    fn times() {
        let portable = crate::simd::Portable;
        let check = |text: &str| {
            let mut room = [0; 64];
            let front = window(text.as_bytes(), 0, &mut room);
            is_time(front, &Seen::new(0, text.len(), portable.letters(front)))
        };
        for time in ["", ".5", ".000014Z", ".000014+0900", "+09:00", "-09:00", "Z", ".123456789+09:00"] {
            assert!(check(&format!("2026-11-22T02:13:20{time}")), "{time}");
        }
        for other in ["+09:00:00", "@b.example", "=", "/a", "+0900+1", ":8080/", " evil.example", "+a=b"] {
            assert!(!check(&format!("2026-11-22T02:13:20{other}")), "{other}");
        }
        for other in
            ["2026-11-22 02:13:20", "2026:11:22T02:13:20", "fe80:11:22T02:13:20", "2026-11-22T02:13", ""]
        {
            assert!(!check(other), "{other}");
        }
    }
}
