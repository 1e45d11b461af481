//! The long way to what the filter is asked about a string, for the few that are no plain name, address, digest or URL.

use std::net::{IpAddr, Ipv6Addr};

use crate::filter::{Host, host_of_url, v6_hash};
use crate::key::{Key, KeyKind};
use crate::sift::look::Look;
use crate::sift::text::{Class, has_scheme, is_timestamp, numeric_host, parse_plain_v6, parse_v4};

/// The most bytes of a domain name's text.
const NAME_BYTES_MAX: usize = 255;

impl Look<'_> {
    fn v4(&mut self, address: u32) {
        if let Some(hash) = self.v4_hash(address) {
            self.probe(hash, Some(address));
        }
    }

    #[inline(never)]
    pub(super) fn escaped(&mut self, start: usize, end: usize) {
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
    pub(super) fn with_colons_at(&mut self, start: usize, end: usize, colons: u32) {
        let text = self.text;
        let text = text.get(start..end).unwrap_or_default();
        if !is_timestamp(text) {
            self.with_colons(text, colons as usize);
        }
    }

    #[inline(never)]
    pub(super) fn composed_at(&mut self, start: usize, end: usize) {
        let text = self.text;
        let text = text.get(start..end).unwrap_or_default();
        // Times are met in every record and can be nothing else.
        if !is_timestamp(text) {
            self.any(text);
        }
    }

    pub(super) fn any(&mut self, text: &[u8]) {
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

    pub(super) fn odd_host(&mut self, host: &[u8]) {
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
                self.with_colons(text, memchr::memchr_iter(b':', text).count());
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

    fn with_colons(&mut self, text: &[u8], colons: usize) {
        /// `0000:0000:0000:0000:0000:ffff:255.255.255.255`
        const V6_BYTES_MAX: usize = 45;
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
            && let Some(address) = parse_v6(text)
        {
            self.address(&Key::address(address.into()));
        }
        if self.has.macs && text.len() == 17 {
            self.probe_text(text);
        }
        if self.has.hashes && text.len() > 32 {
            self.digest_with_colons(text);
        }
    }

    #[inline(never)]
    pub(super) fn common_names_at(&mut self, start: usize, end: usize) {
        let text = self.text;
        self.common_names(text.get(start..end).unwrap_or_default());
    }

    fn digest_with_colons(&mut self, text: &[u8]) {
        // Most have colons between pairs of digits.
        let mut pairs = [0; 64];
        if let Some(digits) = without_colons(text, &mut pairs) {
            return self.probe_text(digits);
        }
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

    pub(super) fn emails(&mut self, text: &[u8]) {
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
    pub(super) fn common_names(&mut self, subject: &[u8]) {
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

fn parse_v6(text: &[u8]) -> Option<Ipv6Addr> {
    let plain = parse_plain_v6(text).map(Ipv6Addr::from_bits);
    plain.or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
}

/// The digits of a digest that is written in pairs with colons between them.
fn without_colons<'d>(text: &[u8], digits: &'d mut [u8; 64]) -> Option<&'d [u8]> {
    let count = text.len() / 3 + 1;
    if !matches!((count, text.len() % 3), (16 | 20 | 32, 2)) {
        return None;
    }
    let digits = digits.get_mut(..2 * count)?;
    let (pairs, last) = text.as_chunks::<3>();
    let (places, _) = digits.as_chunks_mut::<2>();
    let mut regular = true;
    for (place, [high, low, colon]) in places.iter_mut().zip(pairs) {
        *place = [*high, *low];
        regular &= (*colon == b':') & (*high != b':') & (*low != b':');
    }
    let (place, last) = (places.last_mut()?, last.first_chunk::<2>()?);
    *place = *last;
    (regular && !last.contains(&b':')).then_some(digits)
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

    proptest! {
        #[test]
        fn digests_with_colons(text in "[0-9a-f]{2}(:[0-9a-f]{2}){14,33}", at in 0_usize..100, byte in "[0-9a-f:]") {
            let mut text = text.into_bytes();
            let at = at % text.len();
            text[at] = byte.as_bytes()[0];
            let plain: Vec<u8> = text.iter().copied().filter(|byte| *byte != b':').collect();
            let mut digits = [0; 64];
            if let Some(digits) = without_colons(&text, &mut digits) {
                prop_assert_eq!(digits, plain);
            } else {
                let regular = text.iter().enumerate().all(|(at, byte)| (at % 3 == 2) == (*byte == b':'));
                prop_assert!(!regular || !matches!(plain.len(), 32 | 40 | 64));
            }
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
