//! What one string of a line could be, and what the filter is asked about it.

use std::net::IpAddr;

use crate::filter::{Has, Host, host_of_url, v4_hash, v6_hash};
use crate::key::{Key, KeyKind};
use crate::set::IndicatorSet;
use crate::sift::probes::Probes;
use crate::sift::text::{Class, has_scheme, is_timestamp, numeric_host, parse_v4};
use crate::simd::{HashKey, Lanes, Letters, lowest, window};

/// The most bytes of a domain name's text.
const NAME_BYTES_MAX: usize = 255;

/// What a text that is no plain name has in it.
enum Marked {
    /// Nothing that tells anything.
    Not,
    /// Colons between the letters of names, and nothing else.
    Colons,
    /// Something else.
    Somehow,
}

/// Looks at the strings of a stretch.
pub(super) struct Look<'a> {
    set: &'a IndicatorSet,
    key: &'a HashKey,
    has: Has,
    text: &'a [u8],
    /// Strings are those of JSON; otherwise cells of tab-separated values.
    quoted: bool,
    /// No backslash stands here or behind.
    backslash: usize,
    /// Where the string begins that is being looked at.
    at: usize,
    probes: &'a mut Probes,
    marks: &'a mut Vec<usize>,
    scratch: &'a mut Vec<u8>,
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

    /// Looks at the string from `start` to before `end`.
    #[inline(always)]
    pub(super) fn string<L: Lanes>(&mut self, lanes: L, start: usize, end: usize) {
        // A name of a field is no value.
        if end < start + 2 || self.quoted && self.text.get(end + 1) == Some(&b':') {
            return;
        }
        self.at = start;
        if self.backslash > start && self.has_backslash(start, end) {
            return self.escaped(start, end);
        }
        let length = end - start;
        let mut room = [0; 64];
        let front = window(self.text, start, &mut room);
        let letters = lanes.letters(front);
        if length <= 64 && letters.others & lowest(length) == 0 {
            self.plain(lanes, front, start, length, letters);
        } else if is_http(front) {
            self.http(lanes, start, end);
        } else if !is_time(front, letters, length) {
            match self.marked(lanes, letters, start, length) {
                Marked::Not => {}
                Marked::Colons => self.with_colons_at(start, end),
                Marked::Somehow => self.composed_at(start, end),
            }
        }
    }

    #[inline(never)]
    fn has_backslash(&self, start: usize, end: usize) -> bool {
        self.text.get(start..end).is_some_and(|text| memchr::memchr(b'\\', text).is_some())
    }

    /// A text of the letters of names, of 64 at most.
    #[inline(always)]
    fn plain<L: Lanes>(&mut self, lanes: L, front: &[u8; 64], start: usize, length: usize, letters: Letters) {
        let all = lowest(length);
        let (dots, digits) = (letters.dots & all, letters.digits & all);
        if dots != 0 {
            self.address_or_name(lanes, front, start, length, dots, digits);
        } else if self.has.hashes && matches!(length, 32 | 40 | 64) {
            let hash = lanes.hash(self.key, front, length);
            self.probe_soon(lanes, hash, None);
        }
    }

    #[inline(always)]
    fn address_or_name<L: Lanes>(
        &mut self,
        lanes: L,
        front: &[u8; 64],
        start: usize,
        length: usize,
        dots: u64,
        digits: u64,
    ) {
        if dots | digits == lowest(length)
            && dots.count_ones() == 3
            && length <= 15
            && let Some(address) = octets(front, dots, length)
        {
            self.v4_soon(lanes, address);
        } else {
            self.name(lanes, front, start, length, dots, digits);
        }
    }

    /// A text of nothing but the letters of names.
    #[inline(always)]
    fn name<L: Lanes>(
        &mut self,
        lanes: L,
        front: &[u8; 64],
        start: usize,
        length: usize,
        dots: u64,
        digits: u64,
    ) {
        if !self.has.names && !self.has.urls {
            return;
        }
        let (mut length, mut dots) = (length, dots);
        let end = 1 << (length - 1);
        if dots & end != 0 {
            length -= 1;
            dots &= !end;
        }
        let hash = lanes.hash(self.key, front, length);
        self.probe_soon(lanes, hash, None);
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
                self.probe_soon(lanes, hash, None);
            }
        }
        // A host that ends in a number is an address to a URL, however oddly it is written.
        let last = 64 - dots.leading_zeros();
        if self.has.urls && last < 64 && digits >> last & 1 == 1 {
            self.odd_host_at(start, start + length);
        }
    }

    #[inline(never)]
    fn odd_host_at(&mut self, start: usize, end: usize) {
        let text = self.text;
        self.odd_host(text.get(start..end).unwrap_or_default());
    }

    #[inline(always)]
    fn v4_soon<L: Lanes>(&mut self, lanes: L, address: u32) {
        if let Some(hash) = self.v4_hash(address) {
            self.probe_soon(lanes, hash, Some(address));
        }
    }

    /// What the filter is to be asked about an address, if that is not known without it.
    #[inline(always)]
    fn v4_hash(&mut self, address: u32) -> Option<u64> {
        if !self.set.may_have_head(address) {
            return None;
        }
        if self.set.may_have_wide(address) && self.set.knows_v4(address) {
            self.mark();
            return None;
        }
        Some(v4_hash(self.key, address))
    }

    /// A text that begins as a URL does. Its host as it is written is also looked up by itself.
    #[inline(always)]
    fn http<L: Lanes>(&mut self, lanes: L, start: usize, end: usize) {
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
        let all = lowest(length);
        self.address_or_name(lanes, front, host, length, letters.dots & all, letters.digits & all);
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
    fn marked<L: Lanes>(&mut self, lanes: L, letters: Letters, start: usize, length: usize) -> Marked {
        // Colons between the letters of names; an address in brackets.
        let mut colons_only = true;
        let (mut begin, mut others) = (0, letters.others);
        let mut named = self.text.get(start) == Some(&b'[');
        while begin < length {
            let mut room = [0; 64];
            let window = window(self.text, start + begin, &mut room);
            if begin > 0 {
                others = lanes.letters(window).others;
            }
            let all = lowest(length - begin);
            let marks = lanes.marks(window);
            colons_only &= others & !marks.colons & all == 0;
            let told = marks.schemes
                | marks.high
                | if self.has.emails { marks.ats } else { 0 }
                | if self.has.names { marks.common_names } else { 0 };
            named |= told & all != 0;
            if named {
                return Marked::Somehow;
            }
            begin += 64;
        }
        match (colons_only, length) {
            (true, ..=64) => Marked::Colons,
            // A long name, or a digest.
            (true, _) => Marked::Somehow,
            (false, _) => Marked::Not,
        }
    }

    /// Asks the filter, and has what it will read fetched meanwhile.
    #[inline(always)]
    fn probe_soon<L: Lanes>(&mut self, lanes: L, hash: u64, address: Option<u32>) {
        let (words, place) = self.set.place(hash);
        lanes.fetch(words, place);
        self.probe(hash, address);
    }

    #[inline(always)]
    fn probe(&mut self, hash: u64, address: Option<u32>) {
        self.probes.push(self.set, hash, self.at, address, self.marks);
    }

    fn mark(&mut self) {
        self.marks.push(self.at);
    }
}

// The long way, for the few strings that are no plain name, address, digest or URL.
impl Look<'_> {
    fn v4(&mut self, address: u32) {
        if let Some(hash) = self.v4_hash(address) {
            self.probe(hash, Some(address));
        }
    }

    #[inline(never)]
    fn escaped(&mut self, start: usize, end: usize) {
        let text = self.text.get(start..end).unwrap_or_default();
        if !self.quoted {
            let plain = telemetry::unescape_tsv(text);
            return match plain {
                Some(plain) => self.any(&plain),
                None => self.mark(),
            };
        }
        let mut scratch = std::mem::take(self.scratch);
        if unescape_plainly(text, &mut scratch) {
            self.any(&scratch);
        } else {
            let quoted = start.checked_sub(1).and_then(|open| self.text.get(open..=end));
            match quoted.and_then(|quoted| sonic_rs::from_slice::<String>(quoted).ok()) {
                Some(plain) => self.any(plain.as_bytes()),
                None => self.mark(),
            }
        }
        *self.scratch = scratch;
    }

    #[inline(never)]
    fn with_colons_at(&mut self, start: usize, end: usize) {
        let text = self.text;
        let text = text.get(start..end).unwrap_or_default();
        if !is_timestamp(text) {
            self.with_colons(text);
        }
    }

    #[inline(never)]
    fn composed_at(&mut self, start: usize, end: usize) {
        let text = self.text;
        let text = text.get(start..end).unwrap_or_default();
        // Times are met in every record and can be nothing else.
        if !is_timestamp(text) {
            self.any(text);
        }
    }

    fn any(&mut self, text: &[u8]) {
        if text.len() < 2 {
            return;
        }
        if let Some(address) = parse_v4(text) {
            return self.v4(address);
        }
        let class = Class::of(text);
        if !class.any(Class::TELLING) {
            let digest = class.only(Class::DIGIT | Class::HEX) && matches!(text.len(), 32 | 40 | 64 | 128);
            if self.has.hashes && digest {
                self.probe_text(text);
            }
        } else if class.only(Class::NAME) {
            self.long_name(text);
        } else {
            self.composed(text, class);
        }
    }

    /// An address, or else a name.
    fn host(&mut self, text: &[u8]) {
        match parse_v4(text) {
            Some(address) => self.v4(address),
            None => self.long_name(text),
        }
    }

    fn long_name(&mut self, text: &[u8]) {
        if !self.has.names && !self.has.urls {
            return;
        }
        let text = text.strip_suffix(b".").unwrap_or(text);
        // A longer text is no name.
        if text.len() <= NAME_BYTES_MAX {
            self.probe_text(text);
            if self.has.below {
                let mut rest = text;
                while let Some(dot) = memchr::memchr(b'.', rest) {
                    rest = rest.get(dot + 1..).unwrap_or_default();
                    self.probe_text(rest);
                }
            }
        }
        let last = memchr::memrchr(b'.', text).and_then(|dot| text.get(dot + 1..)).unwrap_or(text);
        if self.has.urls && last.first().is_some_and(u8::is_ascii_digit) {
            self.odd_host(text);
        }
    }

    fn odd_host(&mut self, host: &[u8]) {
        if let Some(address) = numeric_host(host) {
            self.v4(address);
        }
    }

    fn address(&mut self, key: &Key) {
        match key.kind {
            KeyKind::V4 => {
                if let Some(octets) = key.bytes.first_chunk() {
                    self.v4(u32::from_be_bytes(*octets));
                }
            }
            _ => {
                let Some(octets) = key.bytes.first_chunk() else { return };
                let address = u128::from_be_bytes(*octets);
                let set = self.set;
                for bits in set.prefixes() {
                    let hash = v6_hash(self.key, address, bits);
                    self.probe(hash, None);
                }
            }
        }
    }

    /// Anything with other characters: URLs, addresses with colons, mail addresses, certificate subjects, host and port.
    fn composed(&mut self, text: &[u8], class: Class) {
        if class.any(Class::HIGH) {
            return self.not_ascii(text, class);
        }
        if class.any(Class::COLON) {
            if class.only(Class::NAME | Class::COLON) {
                self.with_colons(text);
            } else if class.any(Class::SLASH) && has_scheme(text) {
                self.url(text);
            } else if text.starts_with(b"[") {
                self.bracketed(text);
            }
        }
        if class.any(Class::AT) && self.has.emails {
            self.emails(text);
        }
        if class.any(Class::EQUALS) && self.has.names {
            self.common_names(text);
        }
    }

    /// Names in other scripts are canonicalised as the second stage does it.
    fn not_ascii(&mut self, text: &[u8], class: Class) {
        // Prose is no name, no URL and no address, unless something in it says so.
        let spaced = text.iter().any(u8::is_ascii_whitespace);
        let marked = class.any(Class::AT) || class.any(Class::EQUALS) || has_scheme(text);
        if (!spaced || marked) && (self.has.names || self.has.urls || self.has.emails) {
            self.mark();
        }
    }

    fn with_colons(&mut self, text: &[u8]) {
        /// `0000:0000:0000:0000:0000:ffff:255.255.255.255`
        const V6_BYTES_MAX: usize = 45;
        let colons = memchr::memchr_iter(b':', text).count();
        if colons == 1 {
            // A host and its port.
            let mut parts = text.split(|byte| *byte == b':');
            if let (Some(host), Some(port)) = (parts.next(), parts.next())
                && port.iter().all(u8::is_ascii_digit)
                && memchr::memchr(b'.', host).is_some()
            {
                self.host(host);
            }
        } else if colons <= 8
            && text.len() <= V6_BYTES_MAX
            && let Some(address) = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok())
        {
            self.address(&Key::address(address));
        }
        if self.has.macs && text.len() == 17 {
            self.probe_text(text);
        }
        if self.has.hashes && text.len() > 32 {
            self.digest_with_colons(text);
        }
    }

    fn digest_with_colons(&mut self, text: &[u8]) {
        let mut digits = [0; 65];
        let mut count = 0;
        for byte in text {
            // One place too many tells those that are too long.
            if let Some(place) = digits.get_mut(count) {
                *place = *byte;
            }
            count += usize::from(*byte != b':');
        }
        if let (32 | 40 | 64, Some(digits)) = (count, digits.get(..count)) {
            self.probe_text(digits);
        }
    }

    /// `[address]:port`
    fn bracketed(&mut self, text: &[u8]) {
        let inside = text.strip_prefix(b"[").and_then(|rest| rest.split(|byte| *byte == b']').next());
        let address = inside
            .and_then(|inside| std::str::from_utf8(inside).ok())
            .and_then(|text| text.parse::<IpAddr>().ok());
        if let Some(address) = address {
            self.address(&Key::address(address));
        }
    }

    fn url(&mut self, text: &[u8]) {
        let has = self.has;
        if !has.names && !has.urls && !has.v4 && !has.v6 {
            return;
        }
        let Ok(text) = std::str::from_utf8(text) else { return };
        // The host as it is written, which is also looked up by itself …
        if let Some(host) = super::plain_host(text) {
            return self.host(host.as_bytes());
        }
        // … and where it is written oddly, all that it could mean.
        if has.odd_urls {
            self.mark();
        }
        match host_of_url(text) {
            Some(Host::Name(name)) => self.long_name(name.as_bytes()),
            Some(Host::Address(key)) => self.address(&key),
            None => {}
        }
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
        let written = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if written.starts_with('[') {
            self.bracketed(written.as_bytes());
        } else {
            self.host(written.split(':').next().unwrap_or(written).as_bytes());
        }
    }

    fn emails(&mut self, text: &[u8]) {
        let ends = |byte: &u8| {
            byte.is_ascii_whitespace()
                || matches!(byte, b'<' | b'>' | b',' | b';' | b'"' | b'(' | b')' | b':' | 0x0b)
        };
        for token in text.split(ends).filter(|token| memchr::memchr(b'@', token).is_some()) {
            let token = token.strip_suffix(b"'").unwrap_or(token);
            let token = token.strip_prefix(b"'").unwrap_or(token);
            self.probe_text(token.strip_suffix(b".").unwrap_or(token));
            if token.contains(&b'\'') {
                self.mark();
            }
        }
    }

    /// The common name of a certificate's subject.
    fn common_names(&mut self, subject: &[u8]) {
        for at in memchr::memchr_iter(b'=', subject) {
            if !subject.get(..at).is_some_and(|before| before.ends_with(b"CN")) {
                continue;
            }
            let rest = subject.get(at + 1..).unwrap_or_default();
            let name = rest.split(|byte| matches!(byte, b',' | b'/')).next().unwrap_or_default().trim_ascii();
            if Class::of(name).only(Class::NAME) {
                self.host(name);
            }
        }
    }

    fn probe_text(&mut self, text: &[u8]) {
        let hash = self.key.text(text);
        self.probe(hash, None);
    }
}

/// Whether a text begins with `http://` or `https://`.
#[inline(always)]
fn is_http(front: &[u8; 64]) -> bool {
    matches!(
        front,
        [b'h', b't', b't', b'p', b':', b'/', b'/', ..] | [b'h', b't', b't', b'p', b's', b':', b'/', b'/', ..]
    )
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
fn is_time(front: &[u8; 64], letters: Letters, length: usize) -> bool {
    // The digits and the colons of `yyyy-mm-ddThh:mm:ss`.
    const DIGITS: u64 = 0b110_1101_1011_0110_1111;
    const COLONS: u64 = 1 << 13 | 1 << 16;
    let all = lowest(length);
    let others = letters.others & all;
    let told =
        (letters.digits & DIGITS == DIGITS) & (others & lowest(19) == COLONS) & (19..=40).contains(&length);
    // Behind it nothing but a fraction and an offset.
    let zone = others & !lowest(19);
    let minutes = zone & zone.wrapping_sub(1);
    let at = |mask: u64| front.get(mask.trailing_zeros() as usize & 63).copied().unwrap_or_default();
    let signed = (zone == 0) | (at(zone) == b'+') | (at(zone) == b':');
    let whole = (minutes == 0) | ((minutes & minutes.wrapping_sub(1) == 0) & (at(minutes) == b':'));
    let separated =
        (front.get(10) == Some(&b'T')) & (front.get(13) == Some(&b':')) & (front.get(16) == Some(&b':'));
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
        let count = end.wrapping_sub(start);
        let at = start as usize & 15;
        let four = front.get(at..at + 4).and_then(|four| four.first_chunk()).copied().unwrap_or_default();
        // The digits, the hundreds lowest; what is not there is zero.
        let digits = (u32::from_le_bytes(four) << (8 * (4_u32.wrapping_sub(count) & 3)) >> 8) & 0x000f_0f0f;
        let octet = digits.wrapping_mul(100 << 16 | 10 << 8 | 1) >> 16;
        // In this order digits compare as the numbers do. No zero stands in front.
        let ordered = digits.swap_bytes() >> 8;
        let least = u32::from(count > 1) << (8 * (count.wrapping_sub(1) & 3));
        plain &= (count.wrapping_sub(1) < 3) & (ordered >= least) & (ordered <= 0x0002_0505);
        address = address << 8 | octet & 0xff;
        start = end.wrapping_add(1);
    }
    plain.then_some(address)
}

/// Undoes the escapes of a JSON string that stand for one byte each; says no where there is another.
fn unescape_plainly(text: &[u8], plain: &mut Vec<u8>) -> bool {
    plain.clear();
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        plain.extend_from_slice(rest.get(..at).unwrap_or_default());
        plain.push(match rest.get(at + 1) {
            Some(escaped @ (b'\\' | b'/' | b'"')) => *escaped,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'f') => 0x0c,
            Some(b'b') => 0x08,
            _ => return false,
        });
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    plain.extend_from_slice(rest);
    true
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

        #[test]
        fn plain_escapes(text in "[a\\\\\"/n]{0,20}") {
            let json = serde_json::to_string(&text).unwrap();
            let mut plain = Vec::new();
            prop_assert!(unescape_plainly(&json.as_bytes()[1..json.len() - 1], &mut plain));
            prop_assert_eq!(plain, text.as_bytes());
        }
    }

    #[test]
    fn times() {
        let portable = crate::simd::Portable;
        let check = |text: &str| {
            let mut room = [0; 64];
            let front = window(text.as_bytes(), 0, &mut room);
            is_time(front, portable.letters(front), text.len())
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

    #[test]
    fn odd_escapes() {
        let check = |text: &str, expected: Option<&str>| {
            let mut plain = Vec::new();
            let done = unescape_plainly(text.as_bytes(), &mut plain);
            assert_eq!(done.then(|| std::str::from_utf8(&plain).unwrap()), expected, "{text}");
        };
        check(r"http:\/\/evil.example\/a", Some("http://evil.example/a"));
        check(r"C:\\Windows\\x.exe", Some(r"C:\Windows\x.exe"));
        check(r"a\nb\tc", Some("a\nb\tc"));
        check(r"evil\u002eexample", None);
        check(r"a\", None);
        check(r"a\x", None);
    }
}
