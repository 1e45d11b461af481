//! What a set might know, in so little memory that asking costs almost nothing. The answer "no" is certain.

use crate::key::{Key, KeyKind};
use crate::simd::HashKey;

/// A blocked Bloom filter over the values of a set. IPv4 addresses and networks are in it by their /24, IPv6 ones by a prefix.
#[derive(Default)]
pub(crate) struct Filter {
    /// Each value sets four bits of one word. Small, because every question reads it.
    first: Box<[u64]>,
    /// Asked where the first says yes; of other bits of the hash, so that next to no other value passes both.
    second: Box<[u64]>,
    /// One bit for each first octet of an IPv4 address: most of what is private is settled by it.
    heads: [u64; 4],
    /// One bit for each /16 that a network wider than [`NET4_BITS_MIN`] lies in or covers; empty where there is none.
    wide: Box<[u64]>,
    /// One bit for each /24 of IPv4, where there are so many that this is smaller than their hashes; otherwise empty.
    prefixes4: Box<[u64]>,
    /// The lengths of IPv6 prefixes in the filter.
    prefixes: Vec<u8>,
    /// What kinds of values the set has at all.
    pub(crate) has: Has,
}

/// What a set has, so that nothing is looked at in vain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Has {
    /// Names, or URLs (by their hosts).
    pub(crate) names: bool,
    /// Names with what is below them.
    pub(crate) below: bool,
    /// Names that are made of digits and dots.
    pub(crate) numeric_names: bool,
    pub(crate) urls: bool,
    /// URLs without a host, whose spelling alone counts.
    pub(crate) odd_urls: bool,
    pub(crate) v4: bool,
    /// Prefixes of IPv4 by their hashes.
    pub(crate) hashed_v4: bool,
    pub(crate) v6: bool,
    pub(crate) emails: bool,
    pub(crate) hashes: bool,
    pub(crate) macs: bool,
}

impl Has {
    /// What either set has.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            names: self.names | other.names,
            below: self.below | other.below,
            numeric_names: self.numeric_names | other.numeric_names,
            urls: self.urls | other.urls,
            odd_urls: self.odd_urls | other.odd_urls,
            v4: self.v4 | other.v4,
            hashed_v4: self.hashed_v4 | other.hashed_v4,
            v6: self.v6 | other.v6,
            emails: self.emails | other.emails,
            hashes: self.hashes | other.hashes,
            macs: self.macs | other.macs,
        }
    }
}

/// Bits of memory for each value: 2 % of other values pass.
const FIRST_BITS_PER_VALUE: usize = 10;

/// And of these, 0.5 %.
const SECOND_BITS_PER_VALUE: usize = 16;

/// A network of this length or longer is in the filter by each of its /24, sixteen at most.
const NET4_BITS_MIN: u8 = 20;

const WIDE_WORDS: usize = 1 << 10;

/// As many as there are /24, in bits.
const PREFIXES4_WORDS: usize = 1 << 18;

/// IPv6 addresses and longer networks are in the filter by the prefix of this length.
const PREFIX6_BITS_MAX: u8 = 64;

impl Filter {
    pub(crate) fn bytes(&self) -> usize {
        (self.first.len() + self.second.len() + self.wide.len() + self.prefixes4.len()) * size_of::<u64>()
    }

    /// Whether a value of this hash may be one of the set's; 2 % of others pass.
    #[inline(always)]
    pub(crate) fn may_have(&self, hash: u64) -> bool {
        has(&self.first, hash)
    }

    /// What [`may_have`](Self::may_have) will read.
    #[inline(always)]
    pub(crate) fn place(&self, hash: u64) -> (&[u64], usize) {
        (&self.first, place(self.first.len(), hash).0)
    }

    /// What [`is_likely`](Self::is_likely) will read.
    pub(crate) fn second_place(&self, hash: u64) -> (&[u64], usize) {
        (&self.second, place(self.second.len(), remixed(hash)).0)
    }

    /// Whether it really may be.
    pub(crate) fn is_likely(&self, hash: u64) -> bool {
        has(&self.first, hash) && has(&self.second, remixed(hash))
    }

    /// Whether any address that begins with this octet may be one of the set's.
    #[inline(always)]
    pub(crate) fn may_have_head(&self, address: u32) -> bool {
        self.heads.get((address >> 30) as usize).is_some_and(|word| word >> (address >> 24 & 63) & 1 == 1)
    }

    /// Whether anything of the set is near this address that it is not told of by hashes: a wide network in its /16, or something
    /// in its /24.
    #[inline(always)]
    pub(crate) fn may_have_near(&self, address: u32) -> bool {
        bit(&self.wide, address >> 16) || bit(&self.prefixes4, address >> 8)
    }

    /// The lengths of prefixes by which IPv6 addresses are to be looked for.
    pub(crate) fn prefixes(&self) -> &[u8] {
        &self.prefixes
    }
}

/// The hash of an IPv4 address, which is that of its /24.
#[inline(always)]
pub(crate) fn v4_hash(key: &HashKey, address: u32) -> u64 {
    key.number(u64::from(address >> 8))
}

/// The hash of the first bits of an IPv6 address, of [`PREFIX6_BITS_MAX`] at most.
pub(crate) fn v6_hash(key: &HashKey, address: u128, bits: u8) -> u64 {
    let prefix = (address >> 64) as u64 & u64::MAX.checked_shl(64 - u32::from(bits.min(64))).unwrap_or(0);
    // Another range of numbers than that of IPv4 prefixes, for each length its own.
    key.number(key.number(prefix) ^ u64::from(bits) << 32)
}

/// Four bits of one word: the high half of the hash chooses the word, four groups of six low bits choose bits in it.
#[inline(always)]
fn place(words: usize, hash: u64) -> (usize, u64) {
    let word = ((hash >> 32) * words as u64) >> 32;
    let mask = 1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63) | 1 << (hash >> 18 & 63);
    (word as usize, mask)
}

#[inline(always)]
fn has(words: &[u64], hash: u64) -> bool {
    let (word, mask) = place(words.len(), hash);
    words.get(word).is_some_and(|word| word & mask == mask)
}

#[inline(always)]
fn bit(words: &[u64], number: u32) -> bool {
    words.get((number >> 6) as usize).is_some_and(|word| word >> (number & 63) & 1 == 1)
}

fn remixed(hash: u64) -> u64 {
    let mixed = (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ mixed >> 32
}

/// A filter in the making.
pub(crate) struct Gathering<'a> {
    key: &'a HashKey,
    hashes: Vec<u64>,
    /// Prefixes of IPv4 of 24 bits.
    prefixes4: Vec<u32>,
    filter: Filter,
}

impl<'a> Gathering<'a> {
    pub(crate) fn new(key: &'a HashKey, values: usize) -> Self {
        Self { key, hashes: Vec::with_capacity(values), prefixes4: Vec::new(), filter: Filter::default() }
    }

    pub(crate) fn finish(self) -> Filter {
        let Self { key, mut hashes, prefixes4, mut filter } = self;
        if prefixes4.len() * (FIRST_BITS_PER_VALUE + SECOND_BITS_PER_VALUE) > 64 * PREFIXES4_WORDS {
            filter.prefixes4 = vec![0; PREFIXES4_WORDS].into();
            for prefix in prefixes4 {
                if let Some(word) = filter.prefixes4.get_mut((prefix >> 6) as usize) {
                    *word |= 1 << (prefix & 63);
                }
            }
        } else {
            filter.has.hashed_v4 = !prefixes4.is_empty();
            hashes.extend(prefixes4.iter().map(|prefix| v4_hash(key, prefix << 8)));
        }
        // Hosts of URLs and networks are put in many times; and in order they fill the filter fastest.
        hashes.sort_unstable();
        hashes.dedup();
        filter.first = filled(&hashes, FIRST_BITS_PER_VALUE, |hash| hash);
        filter.second = filled(&hashes, SECOND_BITS_PER_VALUE, remixed);
        filter.prefixes.sort_unstable();
        filter.prefixes.dedup();
        filter
    }

    fn put(&mut self, text: &[u8]) {
        self.hashes.push(self.key.text(text));
    }

    fn put_name(&mut self, name: &[u8]) {
        let has = &mut self.filter.has;
        has.names = true;
        has.numeric_names |= name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        self.put(name);
    }

    fn put_v4(&mut self, first: u32, length: u8) {
        self.filter.has.v4 = true;
        let last = first | u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
        for head in first >> 24..=last >> 24 {
            if let Some(word) = self.filter.heads.get_mut((head >> 6) as usize) {
                *word |= 1 << (head & 63);
            }
        }
        if length >= NET4_BITS_MIN {
            self.prefixes4.extend(first >> 8..=last >> 8);
            return;
        }
        if self.filter.wide.is_empty() {
            self.filter.wide = vec![0; WIDE_WORDS].into();
        }
        for part in first >> 16..=last >> 16 {
            if let Some(word) = self.filter.wide.get_mut((part >> 6) as usize) {
                *word |= 1 << (part & 63);
            }
        }
    }

    fn put_v6(&mut self, first: &[u8], length: u8) {
        self.filter.has.v6 = true;
        let bits = length.min(PREFIX6_BITS_MAX);
        if !self.filter.prefixes.contains(&bits) {
            self.filter.prefixes.push(bits);
        }
        let address = first.first_chunk().map_or(0, |octets| u128::from_be_bytes(*octets));
        self.hashes.push(v6_hash(self.key, address, bits));
    }

    /// Puts in a value of the set; the address that is the host of a URL is given back.
    pub(crate) fn insert(&mut self, kind: KeyKind, value: &[u8]) -> Option<u32> {
        let has = &mut self.filter.has;
        match kind {
            KeyKind::V4 => self.put_v4(octets(value), 32),
            KeyKind::Net4(length) => self.put_v4(octets(value), length),
            KeyKind::V6 => self.put_v6(value, 128),
            KeyKind::Net6(length) => self.put_v6(value, length),
            KeyKind::Domain => self.put_name(value),
            KeyKind::DomainBelow => {
                has.below = true;
                self.put_name(value);
            }
            KeyKind::Url | KeyKind::UrlPath | KeyKind::UrlBelow => return self.insert_url(value),
            KeyKind::Email => {
                has.emails = true;
                self.put(value);
            }
            KeyKind::Md5 | KeyKind::Sha1 | KeyKind::Sha256 | KeyKind::Sha512 => {
                has.hashes = true;
                // 128 digits at most.
                let mut digits = [0; 128];
                if let Some(digits) = digits.get_mut(..value.len() * 2)
                    && hex::encode_to_slice(value, digits).is_ok()
                {
                    self.put(digits);
                }
            }
            KeyKind::Mac => {
                has.macs = true;
                self.put(value);
            }
            KeyKind::FileName => {}
        }
        None
    }

    /// A URL is found by its host, which stands alone or in a URL in the record.
    fn insert_url(&mut self, url: &[u8]) -> Option<u32> {
        self.filter.has.urls = true;
        let host = std::str::from_utf8(url).ok().and_then(host_of_canonical);
        match host {
            Some(Host::Name(name)) => self.put_name(name.as_bytes()),
            Some(Host::Address(key)) => match key.kind {
                KeyKind::V4 => {
                    let address = octets(&key.bytes);
                    self.put_v4(address, 32);
                    return Some(address);
                }
                _ => self.put_v6(&key.bytes, 128),
            },
            None => self.filter.has.odd_urls = true,
        }
        None
    }
}

/// The host of a URL in canonical form.
pub(crate) enum Host<'a> {
    Name(std::borrow::Cow<'a, str>),
    Address(Key),
}

/// The host of a canonical URL, most of which begin with a plain name.
pub(crate) fn host_of_canonical(url: &str) -> Option<Host<'_>> {
    match crate::sift::plain_host(url) {
        Some(host) if !host.ends_with('.') && host.bytes().any(|byte| byte.is_ascii_lowercase()) => {
            let plain = crate::key::is_plain_name(host);
            if plain { Some(Host::Name(host.into())) } else { host_of_url(url) }
        }
        _ => host_of_url(url),
    }
}

/// The host of a URL, by the same rules as those by which URLs are compared.
pub(crate) fn host_of_url(url: &str) -> Option<Host<'static>> {
    let url = url::Url::parse(url.trim()).ok()?;
    match url.host()? {
        url::Host::Domain(name) => Some(Host::Name(name.trim_end_matches('.').to_owned().into())),
        url::Host::Ipv4(v4) => Some(Host::Address(Key::address(v4.into()))),
        url::Host::Ipv6(v6) => Some(Host::Address(Key::address(v6.into()))),
    }
}

/// A word for so many bits of memory for each of the hashes, which rise.
fn filled(hashes: &[u64], bits_per_value: usize, by: impl Fn(u64) -> u64) -> Box<[u64]> {
    if hashes.is_empty() {
        return Box::default();
    }
    let mut words = vec![0; (hashes.len() * bits_per_value).div_ceil(64)];
    for hash in hashes {
        let (word, mask) = place(words.len(), by(*hash));
        if let Some(word) = words.get_mut(word) {
            *word |= mask;
        }
    }
    words.into()
}

fn octets(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |octets| u32::from_be_bytes(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(values: &[(KeyKind, &[u8])], key: &HashKey) -> Filter {
        let mut gathering = Gathering::new(key, values.len());
        for (kind, value) in values {
            gathering.insert(*kind, value);
        }
        gathering.finish()
    }

    #[test]
    fn what_was_put_in_is_known_and_little_else() {
        let key = HashKey::new(7);
        let names: Vec<String> = (0..20_000).map(|number| format!("host-{number}.example")).collect();
        let values: Vec<(KeyKind, &[u8])> = names.iter().map(|n| (KeyKind::Domain, n.as_bytes())).collect();
        let filter = filter(&values, &key);
        assert!(names.iter().all(|name| filter.is_likely(key.text(name.as_bytes()))));
        let others = (0..100_000).map(|number| key.text(format!("other-{number}.example").as_bytes()));
        let (mut first, mut both) = (0, 0);
        for hash in others {
            first += u32::from(filter.may_have(hash));
            both += u32::from(filter.is_likely(hash));
        }
        assert!((500..4000).contains(&first), "{first} of 100,000 pass the first");
        assert!(both < 100, "{both} of 100,000 pass both");
    }

    #[test]
    fn networks_are_known_by_every_address() {
        let key = HashKey::new(7);
        let check = |first: [u8; 4], length: u8| {
            let filter = filter(&[(KeyKind::Net4(length), first.as_slice())], &key);
            let start = u32::from_be_bytes(first);
            let end = start | u32::MAX >> length;
            for address in [start, start + 1, (start >> 1) + (end >> 1), end] {
                assert!(filter.may_have_head(address), "{first:?}/{length}");
                let hash = v4_hash(&key, address);
                assert!(filter.may_have_near(address) || filter.is_likely(hash), "{first:?}/{length}");
            }
            let outside = end.wrapping_add(1 << 24);
            assert!(!filter.may_have_head(outside));
        };
        check([11, 0, 0, 0], 8);
        check([11, 4, 0, 0], 15);
        check([11, 4, 0, 0], 16);
        check([11, 4, 128, 0], 17);
        check([11, 4, 32, 0], 19);
        check([11, 4, 16, 0], 20);
        check([11, 4, 16, 0], 24);
        check([11, 4, 16, 128], 25);
        check([11, 4, 16, 4], 31);
    }

    #[test]
    fn many_addresses_are_known_by_bits() {
        let key = HashKey::new(7);
        let mut gathering = Gathering::new(&key, 0);
        let network = |number: u32| (11 << 24) + (number << 13);
        for number in 0..50_000 {
            gathering.insert(KeyKind::Net4(20), &network(number).to_be_bytes());
        }
        let filter = gathering.finish();
        assert!(filter.has.v4 && !filter.has.hashed_v4);
        for number in 0..50_000 {
            let (first, last) = (network(number), network(number) + 0xfff);
            assert!(filter.may_have_near(first) && filter.may_have_near(last), "{number}");
            assert!(!filter.may_have_near(last + 1) && filter.may_have_head(first), "{number}");
        }
    }

    #[test]
    fn an_empty_filter_knows_nothing() {
        let filter = Filter::default();
        assert!(!filter.may_have(0) && !filter.is_likely(u64::MAX));
        assert!(!filter.may_have_head(0) && !filter.may_have_near(u32::MAX));
        assert_eq!(filter.bytes(), 0);
    }

    #[test]
    fn the_short_way_to_a_host_says_the_same() {
        let plain = |host: Option<Host<'_>>| match host {
            Some(Host::Name(name)) => name.into_owned(),
            Some(Host::Address(key)) => format!("{key:?}"),
            None => "none".to_owned(),
        };
        for url in [
            "http://evil.example/a",
            "https://evil.example",
            "http://a--b.example/",
            "http://xn--bcher-kva.example/a",
            "http://evil.example:8080/a",
            "http://198.51.100.7/a",
            "http://0x7f.1/",
            "http://1.2.3/",
            "http://[2001:db8::1]/",
            "http://intranet/a",
            "http://evil.example./a",
            "http://evil..example/a",
            "http://_dmarc.evil.example/?q",
            "ftp://evil.example/a",
            "mailto:a@b.example",
            "nothing",
        ] {
            let canonical = stix::observable::canonical(stix::observable::ValueKind::Url, url).unwrap().1;
            assert_eq!(plain(host_of_canonical(&canonical)), plain(host_of_url(&canonical)), "{url}");
        }
    }
}
