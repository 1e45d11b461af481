//! Values in the one spelling in which indicators and observations meet.

use std::net::IpAddr;

use stix::observable::{ValueKind, canonical};

use crate::reach::is_at_or_below;

/// What a key is a key of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum KeyKind {
    /// Four octets.
    V4,
    /// Sixteen octets.
    V6,
    /// The network's first address, four octets, and the prefix length.
    Net4(u8),
    /// The network's first address, sixteen octets, and the prefix length.
    Net6(u8),
    /// A name and nothing below it.
    Domain,
    /// Every name below this one, and not the name itself.
    DomainBelow,
    /// A whole URL.
    Url,
    /// A URL without its query, whatever the query.
    UrlPath,
    /// A URL and every one below it ([`crate::reach::is_at_or_below`]).
    UrlBelow,
    /// An e-mail address.
    Email,
    /// 16 octets.
    Md5,
    /// 20 octets.
    Sha1,
    /// 32 octets.
    Sha256,
    /// 64 octets.
    Sha512,
    /// A hardware address as text.
    Mac,
    /// The name of a file.
    FileName,
}

impl KeyKind {
    /// Whether a key of this kind is met by more than one value.
    pub(crate) fn is_range(self) -> bool {
        matches!(self, Self::Net4(_) | Self::Net6(_) | Self::DomainBelow | Self::UrlPath | Self::UrlBelow)
    }
}

/// A value that an indicator asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) kind: KeyKind,
    pub(crate) bytes: Box<[u8]>,
}

impl Key {
    pub(crate) fn new(kind: KeyKind, bytes: impl Into<Box<[u8]>>) -> Self {
        Self { kind, bytes: bytes.into() }
    }

    /// From a canonical value of [`stix::observable`]; an address with a prefix is a network. `None` for the kinds that are
    /// not matched.
    pub(crate) fn from_canonical(kind: ValueKind, text: &str) -> Option<Self> {
        let hash = |kind| Some(Self::new(kind, hex::decode(text).ok()?));
        match kind {
            ValueKind::Ipv4 | ValueKind::Ipv6 => match text.parse::<ipnet::IpNet>() {
                Ok(network) => Some(Self::network(network)),
                Err(_) => text.parse().ok().map(Self::address),
            },
            ValueKind::Domain => Some(Self::new(KeyKind::Domain, text.as_bytes())),
            ValueKind::Url => Some(Self::new(KeyKind::Url, text.as_bytes())),
            ValueKind::Email => Some(Self::new(KeyKind::Email, text.as_bytes())),
            ValueKind::Mac => Some(Self::new(KeyKind::Mac, text.as_bytes())),
            ValueKind::FileName => Some(Self::new(KeyKind::FileName, text.as_bytes())),
            ValueKind::Md5 => hash(KeyKind::Md5),
            ValueKind::Sha1 => hash(KeyKind::Sha1),
            ValueKind::Sha256 => hash(KeyKind::Sha256),
            ValueKind::Sha512 => hash(KeyKind::Sha512),
            ValueKind::AutonomousSystem
            | ValueKind::Account
            | ValueKind::RegistryKey
            | ValueKind::RegistryValue
            | ValueKind::RegistryData
            | ValueKind::CommandLine
            | ValueKind::CertificateSerial
            | ValueKind::UserAgent
            | ValueKind::Ja3
            | ValueKind::Ja3s
            | ValueKind::Ja4
            | ValueKind::FilePath
            | ValueKind::Mutex
            | ValueKind::Cve => None,
        }
    }

    pub(crate) fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::new(KeyKind::V4, v4.octets()),
            IpAddr::V6(v6) => Self::new(KeyKind::V6, v6.octets()),
        }
    }

    fn network(network: ipnet::IpNet) -> Self {
        let network = network.trunc();
        if network.prefix_len() == network.max_prefix_len() {
            return Self::address(network.addr());
        }
        match network {
            ipnet::IpNet::V4(v4) => Self::new(KeyKind::Net4(v4.prefix_len()), v4.addr().octets()),
            ipnet::IpNet::V6(v6) => Self::new(KeyKind::Net6(v6.prefix_len()), v6.addr().octets()),
        }
    }

    /// Whether an observed value is what this key asks for.
    pub(crate) fn matches(&self, seen: &Key) -> bool {
        match (self.kind, seen.kind) {
            (KeyKind::Net4(length), KeyKind::V4) | (KeyKind::Net6(length), KeyKind::V6) => {
                masked(&seen.bytes, length).as_deref() == Some(self.bytes.as_ref())
            }
            (KeyKind::DomainBelow, KeyKind::Domain) => seen
                .bytes
                .strip_suffix(self.bytes.as_ref())
                .is_some_and(|before| before.len() > 1 && before.ends_with(b".")),
            (KeyKind::UrlPath, KeyKind::Url) => {
                let is_behind = |rest: &[u8]| matches!(rest.first(), None | Some(b'?'));
                seen.bytes.strip_prefix(self.bytes.as_ref()).is_some_and(is_behind)
            }
            (KeyKind::UrlBelow, KeyKind::Url) => is_at_or_below(&seen.bytes, &self.bytes),
            (asked, observed) => asked == observed && self.bytes == seen.bytes,
        }
    }
}

/// The first octets of an address, without an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Masked {
    octets: [u8; 16],
    length: usize,
}

impl Masked {
    /// The octets and zeros behind them.
    pub(crate) fn octets(self) -> [u8; 16] {
        self.octets
    }
}

impl std::ops::Deref for Masked {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }
}

/// The first `length` bits of an address of 16 octets at most, the others zero.
pub(crate) fn masked(address: &[u8], length: u8) -> Option<Masked> {
    if usize::from(length) > address.len() * 8 {
        return None;
    }
    let mut masked = Masked { octets: [0; 16], length: address.len() };
    masked.octets.get_mut(..address.len())?.copy_from_slice(address);
    let mut left = u32::from(length);
    for octet in &mut masked.octets {
        let keep = left.min(8);
        left -= keep;
        *octet &= u8::MAX.checked_shl(8 - keep).unwrap_or(0);
    }
    Some(masked)
}

/// What an observed value is as a key; `None` where it is of a kind that is not matched or no value of its kind.
pub(crate) fn seen(kind: ValueKind, text: &str) -> Option<Key> {
    match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => text.parse().ok().map(Key::address),
        ValueKind::Domain if is_plain_name(text) => Some(Key::new(KeyKind::Domain, text.as_bytes())),
        _ => {
            let (kind, text) = canonical(kind, text)?;
            Key::from_canonical(kind, &text)
        }
    }
}

/// Whether a name is canonical as it stands: most are, and asking is cheaper than canonicalising.
pub(crate) fn is_plain_name(name: &str) -> bool {
    // No two dots and no two hyphens stand side by side, and no dot stands at an end.
    let mut before = b'.';
    let plain = name.bytes().all(|byte| {
        let fits = match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' => true,
            b'.' | b'-' => byte != before,
            _ => false,
        };
        before = byte;
        fits
    });
    plain && !name.is_empty() && name.len() <= 63 && before != b'.'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// In one pass as by all that it asks for.
        #[test]
        fn plain_names(name in "[a-cA1_.-]{0,9}|[a-z.]{50,70}") {
            let regular = name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'));
            let parted = !name.is_empty() && !name.starts_with('.') && !name.ends_with('.');
            let plain = regular && parted && !name.contains("..") && !name.contains("--") && name.len() <= 63;
            prop_assert_eq!(is_plain_name(&name), plain, "{}", name);
        }
    }
}
