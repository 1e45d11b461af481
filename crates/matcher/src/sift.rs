//! The first stage: finds the strings of a line that the set might know, without parsing it and without knowing its fields.
//! Whatever the second stage could match is let through; nearly everything else is not.

mod text;

use std::net::IpAddr;

use wide::u8x16;

use crate::filter::{Filter, Host, fold, host_of_url};
use crate::key::{Key, KeyKind};
use crate::set::IndicatorSet;
use crate::sift::text::{Class, has_scheme, is_timestamp, parse_v4, plain_host};

/// What the first stage says of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing in it is known, and it is framed as a record is.
    Clear,
    /// It has to be read.
    Read,
}

/// How the strings of a line are parted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// Quoted strings.
    Json,
    /// Columns by tabs, members of sets by commas.
    Tabs,
}

/// The most bytes of a domain name's text.
const NAME_BYTES_MAX: usize = 255;

/// Nearly all names are shorter than this.
const SHORT_BYTES: usize = 64;

/// Probes are collected and asked together, so that their waits for memory overlap.
const PROBES: usize = 32;

/// The state of one line.
pub(crate) struct Sieve<'a> {
    set: &'a IndicatorSet,
    filter: &'a Filter,
    probes: [u64; PROBES],
    count: usize,
    found: bool,
}

/// Looks through a JSON line that begins with `{`, white space at its ends removed.
pub(crate) fn json_line(set: &IndicatorSet, line: &[u8]) -> Verdict {
    if !line.ends_with(b"}") {
        return Verdict::Read;
    }
    Sieve::new(set).line(line, Framing::Json)
}

/// Looks through a line of tab-separated values.
pub(crate) fn tabs_line(set: &IndicatorSet, line: &[u8]) -> Verdict {
    Sieve::new(set).line(line, Framing::Tabs)
}

/// The positions in 64 bytes at which something stands, one bit each.
#[derive(Clone, Copy)]
struct Masks {
    /// Quotes, or tabs and commas.
    borders: u64,
    backslashes: u64,
    /// Bytes without one of which no string is worth a look, hashes apart.
    telling: u64,
    high: u64,
}

impl Masks {
    #[inline(always)]
    fn of(block: &[u8; 64], framing: Framing) -> Self {
        let (parts, _) = block.as_chunks::<16>();
        let mut masks = Self { borders: 0, backslashes: 0, telling: 0, high: 0 };
        for (part, bytes) in parts.iter().enumerate() {
            let v = u8x16::new(*bytes);
            let is = |byte: u8| v.simd_eq(u8x16::splat(byte));
            let backslash = is(b'\\');
            let border = match framing {
                Framing::Json => is(b'"'),
                Framing::Tabs => is(b'\t') | is(b','),
            };
            let telling = is(b'.') | is(b':') | backslash | v;
            let at = part * 16;
            // `to_bitmask` takes the highest bit of each byte, so `v` itself gives the bytes that are not ASCII.
            masks.borders |= u64::from(border.to_bitmask()) << at;
            masks.backslashes |= u64::from(backslash.to_bitmask()) << at;
            masks.telling |= u64::from(telling.to_bitmask()) << at;
            masks.high |= u64::from(v.to_bitmask()) << at;
        }
        masks
    }
}

/// Which characters a backslash before them escapes; the carry says whether the first one is. Without a branch, because lines
/// with Windows paths are full of backslashes: adding the runs that begin at odd places carries to where they end.
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

/// The bits below this one.
fn below(bit: u32) -> u64 {
    (1 << bit) - 1
}

/// Each bit becomes the parity of the bits up to it: from an opening quote to before the closing one.
fn parity(mut quotes: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        quotes ^= quotes << shift;
    }
    quotes
}

/// Where the walk over the blocks of a line stands.
struct Walk {
    inside: bool,
    escape: bool,
    /// A backslash was met in the line.
    backslashes: bool,
    high: u64,
    /// Just behind the last border.
    start: usize,
    /// The string that begins there is worth a look.
    pending: bool,
}

impl<'a> Sieve<'a> {
    fn new(set: &'a IndicatorSet) -> Self {
        Self { set, filter: set.filter(), probes: [0; PROBES], count: 0, found: false }
    }

    fn line(&mut self, line: &[u8], framing: Framing) -> Verdict {
        let mut walk = Walk {
            inside: framing == Framing::Tabs,
            escape: false,
            backslashes: false,
            high: 0,
            start: 0,
            pending: false,
        };
        let (blocks, rest) = line.as_chunks::<64>();
        for (number, block) in blocks.iter().enumerate() {
            self.block(line, number * 64, Masks::of(block, framing), framing, &mut walk);
        }
        if !rest.is_empty() {
            let mut block = [0_u8; 64];
            if let Some(front) = block.get_mut(..rest.len()) {
                front.copy_from_slice(rest);
            }
            self.block(line, blocks.len() * 64, Masks::of(&block, framing), framing, &mut walk);
        }
        match framing {
            // The line ends within a string: it is cut off.
            Framing::Json if walk.inside => return Verdict::Read,
            Framing::Json => {}
            Framing::Tabs => self.string(line, walk.start, line.len(), framing, walk.backslashes),
        }
        self.ask();
        if self.found || walk.high != 0 && std::str::from_utf8(line).is_err() {
            return Verdict::Read;
        }
        Verdict::Clear
    }

    fn block(&mut self, line: &[u8], base: usize, masks: Masks, framing: Framing, walk: &mut Walk) {
        let Masks { mut borders, mut telling, .. } = masks;
        walk.high |= masks.high;
        walk.backslashes |= masks.backslashes != 0;
        if framing == Framing::Json {
            if masks.backslashes != 0 || walk.escape {
                borders &= !escaped(masks.backslashes, &mut walk.escape);
            }
            let inside = parity(borders) ^ if walk.inside { u64::MAX } else { 0 };
            walk.inside = inside >> 63 == 1;
            telling &= inside;
        }
        if borders == 0 {
            walk.pending |= telling != 0;
            return;
        }
        // The string that began in an earlier block.
        let first = borders.trailing_zeros();
        let end = base + first as usize;
        if walk.pending || telling & below(first) != 0 || self.is_digest(end - walk.start) {
            self.string(line, walk.start, end, framing, walk.backslashes);
        }
        // Strings that lie in this block as a whole: only those with a telling byte, and digests by their length.
        let last = 63 - borders.leading_zeros();
        let mut rest = telling & below(last) & !below(first);
        while rest != 0 {
            let at = rest.trailing_zeros();
            let open = 63 - (borders & below(at)).leading_zeros();
            let close = (borders & !below(at)).trailing_zeros();
            self.string(line, base + open as usize + 1, base + close as usize, framing, walk.backslashes);
            rest &= !below(close);
        }
        if self.filter.has.hashes {
            self.digests(line, base, borders, framing, walk.backslashes);
        }
        walk.start = base + last as usize + 1;
        walk.pending = telling & !below(last) != 0;
    }

    fn is_digest(&self, length: usize) -> bool {
        self.filter.has.hashes && matches!(length, 32 | 40 | 64 | 128)
    }

    /// Strings of 32 or 40 bytes between neighbouring borders of one block; longer ones cross blocks.
    fn digests(&mut self, line: &[u8], base: usize, borders: u64, framing: Framing, backslashes: bool) {
        let mut opens = borders & (borders >> 33 | borders >> 41);
        while opens != 0 {
            let open = opens.trailing_zeros();
            opens &= opens - 1;
            let close = (borders & !below(open) & !(1 << open)).trailing_zeros();
            if matches!(close - open, 33 | 41) {
                self.string(line, base + open as usize + 1, base + close as usize, framing, backslashes);
            }
        }
    }

    /// Looks at one string; `backslashes` says whether one may be in it.
    fn string(&mut self, line: &[u8], start: usize, end: usize, framing: Framing, backslashes: bool) {
        let Some(text) = line.get(start..end).filter(|text| text.len() >= 2) else { return };
        // A name of a field is no value.
        if framing == Framing::Json && line.get(end + 1) == Some(&b':') {
            return;
        }
        if backslashes && memchr::memchr(b'\\', text).is_some() {
            let plain = match framing {
                Framing::Json => unescape_json(line.get(start - 1..=end).unwrap_or_default()),
                Framing::Tabs => telemetry::unescape_tsv(text),
            };
            match plain {
                Some(plain) => self.text(&plain),
                None => self.found = true,
            }
            return;
        }
        self.text(text);
    }

    fn text(&mut self, text: &[u8]) {
        // Addresses and times make up most of what is looked at.
        if let Some(address) = parse_v4(text) {
            return self.v4(address);
        }
        if is_timestamp(text) {
            return;
        }
        let class = Class::of(text);
        let has = &self.filter.has;
        if !class.any(Class::TELLING) {
            if has.hashes && class.only(Class::DIGIT | Class::HEX) && matches!(text.len(), 32 | 40 | 64 | 128)
            {
                self.probe_folded(text);
            }
        } else if class.only(Class::NAME) {
            self.name(text);
        } else {
            self.composed(text, class);
        }
    }

    /// An address, or else a name.
    fn host(&mut self, text: &[u8]) {
        match parse_v4(text) {
            Some(address) => self.v4(address),
            None => self.name(text),
        }
    }

    fn v4(&mut self, address: u32) {
        if self.filter.may_have_v4(address) && self.set.knows_v4(address) {
            self.found = true;
        }
    }

    /// A text of nothing but the letters of names, with a dot.
    fn name(&mut self, text: &[u8]) {
        let has = self.filter.has;
        if !has.names && !has.urls {
            return;
        }
        let text = text.strip_suffix(b".").unwrap_or(text);
        if text.len() <= SHORT_BYTES {
            self.folded_name(text, &mut [0; SHORT_BYTES]);
        } else {
            self.folded_name(text, &mut [0; NAME_BYTES_MAX]);
        }
        let last = memchr::memrchr(b'.', text).and_then(|dot| text.get(dot + 1..)).unwrap_or(text);
        // A host that ends in a number is an address to a URL, however oddly it is written.
        if has.urls && last.first().is_some_and(u8::is_ascii_digit) {
            self.odd_host(text);
        }
    }

    fn folded_name(&mut self, text: &[u8], room: &mut [u8]) {
        // A longer text is no name.
        let Some(folded) = room.get_mut(..text.len()) else { return };
        for (to, from) in folded.iter_mut().zip(text) {
            *to = fold(*from);
        }
        self.probe(self.filter.hash(folded));
        if self.filter.has.below {
            let mut rest: &[u8] = folded;
            while let Some(dot) = memchr::memchr(b'.', rest) {
                rest = rest.get(dot + 1..).unwrap_or_default();
                self.probe(self.filter.hash(rest));
            }
        }
    }

    fn odd_host(&mut self, host: &[u8]) {
        let Ok(host) = std::str::from_utf8(host) else { return };
        match host_of_url(&format!("http://{host}/")) {
            Some(Host::Name(name)) => self.probe_folded(name.as_bytes()),
            Some(Host::Address(key)) => self.address(&key),
            None => {}
        }
    }

    fn address(&mut self, key: &Key) {
        match (key.kind, key.bytes.first_chunk()) {
            (KeyKind::V4, Some(octets)) => self.v4(u32::from_be_bytes(*octets)),
            // An address of a URL's host is not in the tables of addresses; such sets are few.
            _ => self.found |= self.filter.has.urls || self.set.knows(key),
        }
    }

    /// Anything with other characters: URLs, addresses with colons, mail addresses, certificate subjects, host and port.
    fn composed(&mut self, text: &[u8], class: Class) {
        let has = self.filter.has;
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
        if class.any(Class::AT) && has.emails {
            self.emails(text);
        }
        if class.any(Class::EQUALS) && has.names {
            self.common_names(text);
        }
    }

    /// Names in other scripts are canonicalised as the second stage does it.
    fn not_ascii(&mut self, text: &[u8], class: Class) {
        // Prose is no name, no URL and no address, unless something in it says so.
        let spaced = text.iter().any(u8::is_ascii_whitespace);
        let marked = class.any(Class::AT) || class.any(Class::EQUALS) || has_scheme(text);
        if !spaced || marked {
            self.found |= self.filter.has.names || self.filter.has.urls || self.filter.has.emails;
        }
    }

    fn with_colons(&mut self, text: &[u8]) {
        let has = self.filter.has;
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
        } else if let Some(address) =
            std::str::from_utf8(text).ok().and_then(|text| text.parse::<IpAddr>().ok())
        {
            self.address(&Key::address(address));
        }
        if has.macs && text.len() == 17 {
            self.probe_folded(text);
        }
        if has.hashes && text.len() > 32 {
            let plain: Vec<u8> = text.iter().copied().filter(|byte| *byte != b':').collect();
            if matches!(plain.len(), 32 | 40 | 64) {
                self.probe_folded(&plain);
            }
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
        let has = self.filter.has;
        if !has.names && !has.urls && !has.v4 && !has.v6 {
            return;
        }
        let Ok(text) = std::str::from_utf8(text) else { return };
        // The host as it is written, which is also looked up by itself …
        if let Some(host) = plain_host(text) {
            return self.host(host.as_bytes());
        }
        // … and where it is written oddly, all that it could mean.
        self.found |= has.odd_urls;
        match host_of_url(text) {
            Some(Host::Name(name)) => self.name(name.as_bytes()),
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
            self.probe_folded(token.strip_suffix(b".").unwrap_or(token));
            if token.contains(&b'\'') {
                self.found = true;
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

    fn probe_folded(&mut self, text: &[u8]) {
        let folded: Vec<u8> = text.iter().map(|byte| fold(*byte)).collect();
        self.probe(self.filter.hash(&folded));
    }

    fn probe(&mut self, hash: u64) {
        if self.count == PROBES {
            self.ask();
        }
        if let Some(place) = self.probes.get_mut(self.count) {
            *place = hash;
            self.count += 1;
        }
    }

    fn ask(&mut self) {
        let probes = self.probes.get(..self.count).unwrap_or_default();
        let known = probes.iter().fold(false, |known, hash| known | self.filter.may_have(*hash));
        self.found |= known;
        self.count = 0;
    }
}

/// The text of a JSON string, with its quotes, or `None` where it is broken.
fn unescape_json(quoted: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    let text: String = sonic_rs::from_slice(quoted).ok()?;
    Some(text.into_bytes().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::escaped;

    /// One character after the other.
    fn plain(blocks: &[u64]) -> Vec<u64> {
        let mut escape = false;
        let mut results = Vec::new();
        for backslashes in blocks {
            let mut escaped = 0;
            for at in 0..64 {
                escaped |= u64::from(escape) << at;
                escape = !escape && backslashes >> at & 1 == 1;
            }
            results.push(escaped);
        }
        results
    }

    proptest! {
        #[test]
        fn escapes_without_a_branch(blocks in prop::collection::vec(prop_oneof![any::<u64>(), Just(u64::MAX), Just(u64::MAX << 31), Just(1 << 63)], 1..6)) {
            let mut carry = false;
            let fast: Vec<u64> = blocks.iter().map(|backslashes| escaped(*backslashes, &mut carry)).collect();
            prop_assert_eq!(fast, plain(&blocks));
        }
    }
}
