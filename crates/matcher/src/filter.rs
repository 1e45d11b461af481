//! What a set might know, in so little memory that asking costs almost nothing. The answer "no" is certain.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::SeedableRandomState;

use crate::key::{Key, KeyKind};

/// A blocked Bloom filter over the values of a set, and the /24 networks of its IPv4 addresses.
pub(crate) struct Filter {
    hasher: SeedableRandomState,
    /// Each value sets four bits of one word.
    words: Vec<u64>,
    /// One bit for each /24; empty where the set has no IPv4.
    prefixes: Vec<u64>,
    /// What kinds of values the set has at all.
    pub(crate) has: Has,
}

/// What a set has, so that nothing is looked at in vain.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Has {
    /// Names, or URLs (by their hosts).
    pub(crate) names: bool,
    /// Names with what is below them.
    pub(crate) below: bool,
    pub(crate) urls: bool,
    /// URLs without a host, whose spelling alone counts.
    pub(crate) odd_urls: bool,
    pub(crate) v4: bool,
    pub(crate) v6: bool,
    pub(crate) emails: bool,
    pub(crate) hashes: bool,
    pub(crate) macs: bool,
}

/// Bits of memory for each value: 0.5 % of other values pass.
const BITS_PER_VALUE: usize = 16;

const PREFIX_WORDS: usize = 1 << 18;

impl Filter {
    pub(crate) fn new(hasher: SeedableRandomState) -> Self {
        Self { hasher, words: Vec::new(), prefixes: Vec::new(), has: Has::default() }
    }

    /// Makes room for the values that are about to be put in.
    pub(crate) fn make_room(&mut self, values: usize) {
        self.words = vec![0; (values * BITS_PER_VALUE).div_ceil(64).max(1)];
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.words.capacity() + self.prefixes.capacity()) * size_of::<u64>()
    }

    /// The hash of a text whose letters are folded, see [`fold`].
    pub(crate) fn hash(&self, folded: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(folded);
        hasher.finish()
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        // The high half chooses the word, four groups of six low bits choose bits in it.
        let word = ((hash >> 32) * self.words.len() as u64) >> 32;
        let mask = 1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63) | 1 << (hash >> 18 & 63);
        (word as usize, mask)
    }

    pub(crate) fn may_have(&self, hash: u64) -> bool {
        let (word, mask) = self.place(hash);
        self.words.get(word).is_some_and(|word| word & mask == mask)
    }

    /// Whether the set has an address or network within the /24 of this address.
    pub(crate) fn may_have_v4(&self, address: u32) -> bool {
        self.prefixes.get((address >> 14) as usize).is_some_and(|word| word >> (address >> 8 & 63) & 1 == 1)
    }

    fn put(&mut self, text: &[u8]) {
        let folded: Vec<u8> = text.iter().map(|byte| fold(*byte)).collect();
        let (word, mask) = self.place(self.hash(&folded));
        if let Some(word) = self.words.get_mut(word) {
            *word |= mask;
        }
    }

    fn put_v4(&mut self, first: u32, length: u8) {
        self.has.v4 = true;
        if self.prefixes.is_empty() {
            self.prefixes = vec![0; PREFIX_WORDS];
        }
        let last = first | u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
        for prefix in first >> 8..=last >> 8 {
            if let Some(word) = self.prefixes.get_mut((prefix >> 6) as usize) {
                *word |= 1 << (prefix & 63);
            }
        }
    }

    /// Puts in a value of the set.
    pub(crate) fn insert(&mut self, kind: KeyKind, value: &[u8]) {
        match kind {
            KeyKind::V4 => self.put_v4(octets(value), 32),
            KeyKind::Net4(length) => self.put_v4(octets(value), length),
            KeyKind::V6 | KeyKind::Net6(_) => self.has.v6 = true,
            KeyKind::Domain => {
                self.has.names = true;
                self.put(value);
            }
            KeyKind::DomainBelow => {
                self.has.names = true;
                self.has.below = true;
                self.put(value);
            }
            KeyKind::Url => self.insert_url(value),
            KeyKind::Email => {
                self.has.emails = true;
                self.put(value);
            }
            KeyKind::Md5 | KeyKind::Sha1 | KeyKind::Sha256 | KeyKind::Sha512 => {
                self.has.hashes = true;
                self.put(hex::encode(value).as_bytes());
            }
            KeyKind::Mac => {
                self.has.macs = true;
                self.put(value);
            }
            KeyKind::FileName => {}
        }
    }

    /// A URL is found by its host, which stands alone or in a URL in the record.
    fn insert_url(&mut self, url: &[u8]) {
        self.has.urls = true;
        match std::str::from_utf8(url).ok().and_then(host_of_url) {
            Some(Host::Name(name)) => {
                self.has.names = true;
                self.put(name.as_bytes());
            }
            Some(Host::Address(key)) => match key.kind {
                KeyKind::V4 => self.put_v4(octets(&key.bytes), 32),
                _ => self.has.v6 = true,
            },
            None => self.has.odd_urls = true,
        }
    }
}

/// The host of a URL in canonical form.
pub(crate) enum Host {
    Name(String),
    Address(Key),
}

/// The host of a URL, by the same rules as those by which URLs are compared.
pub(crate) fn host_of_url(url: &str) -> Option<Host> {
    let url = url::Url::parse(url.trim()).ok()?;
    match url.host()? {
        url::Host::Domain(name) => Some(Host::Name(name.trim_end_matches('.').to_owned())),
        url::Host::Ipv4(v4) => Some(Host::Address(Key::address(v4.into()))),
        url::Host::Ipv6(v6) => Some(Host::Address(Key::address(v6.into()))),
    }
}

/// Folds the case of a letter. It folds a few other characters together too, which costs a look and loses nothing.
pub(crate) fn fold(byte: u8) -> u8 {
    byte | 0x20
}

fn octets(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |octets| u32::from_be_bytes(*octets))
}
