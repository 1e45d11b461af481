//! Signs as the keys of an index, in an order in which all that a network or a parent name covers stands in a row; and what the
//! filter knows of them.

use matcher::{Sign, SignKind, Sought};

/// The longest key: a domain name of 253 bytes behind its tag.
pub(crate) const KEY_BYTES_MAX: usize = 254;

/// Of longer texts so many bytes stand in the key, and eight of a hash of the whole behind them.
const TEXT_BYTES: usize = 56;

/// Of digests the first eight bytes will do: rows are decided exactly.
const DIGEST_BYTES: usize = 8;

/// From the first key to the last, both included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    pub(crate) first: Vec<u8>,
    pub(crate) last: Vec<u8>,
    /// What the filter knows wherever any key of the range is; `None`: the filter cannot tell.
    pub(crate) mark: Option<u64>,
}

fn tag(kind: SignKind) -> u8 {
    match kind {
        SignKind::V4 => 1,
        SignKind::V6 => 2,
        SignKind::Name => 3,
        SignKind::Url => 4,
        SignKind::Email => 5,
        SignKind::Md5 => 6,
        SignKind::Sha1 => 7,
        SignKind::Sha256 => 8,
        SignKind::Sha512 => 9,
        SignKind::Mac => 10,
    }
}

const V4: u8 = 1;
const V6: u8 = 2;
const NAME: u8 = 3;

/// The key of a sign.
pub(crate) fn key(sign: &Sign) -> Vec<u8> {
    let mut key = Vec::with_capacity(sign.bytes.len() + 1);
    key.push(tag(sign.kind));
    match sign.kind {
        SignKind::V4 | SignKind::V6 => key.extend_from_slice(&sign.bytes),
        SignKind::Name => push_name(&sign.bytes, &mut key),
        SignKind::Md5 | SignKind::Sha1 | SignKind::Sha256 | SignKind::Sha512 => {
            key.extend(sign.bytes.iter().take(DIGEST_BYTES));
        }
        SignKind::Url | SignKind::Email | SignKind::Mac => push_text(&sign.bytes, &mut key),
    }
    key.truncate(KEY_BYTES_MAX);
    key
}

/// The labels of a name in reverse, so that what is below a name begins with it.
fn push_name(name: &[u8], key: &mut Vec<u8>) {
    for (number, label) in name.rsplit(|byte| *byte == b'.').enumerate() {
        if number > 0 {
            key.push(b'.');
        }
        key.extend_from_slice(label);
    }
}

fn push_text(text: &[u8], key: &mut Vec<u8>) {
    match text.get(..TEXT_BYTES) {
        Some(front) if text.len() > TEXT_BYTES + 8 => {
            key.extend_from_slice(front);
            key.extend_from_slice(&hash(text).to_be_bytes());
        }
        _ => key.extend_from_slice(text),
    }
}

/// The keys that what is sought has.
pub(crate) fn range(sought: &Sought) -> Range {
    match sought {
        Sought::Value(sign) => {
            let key = key(sign);
            Range { mark: Some(mark(ITSELF, &key)), first: key.clone(), last: key }
        }
        Sought::Below(sign) => {
            let name = key(sign);
            let mark = Some(mark(ABOVE, &name));
            let front = |byte| name.iter().copied().chain([b'.', byte]).collect::<Vec<u8>>();
            let mut first = front(0);
            first.pop();
            Range { mark, first, last: front(u8::MAX) }
        }
        Sought::UrlsFrom(sign) => {
            let text = sign.bytes.get(..TEXT_BYTES).unwrap_or(&sign.bytes);
            let first = [&[tag(sign.kind)], text].concat();
            // No text has this byte, and no hash more of them than the eight that it is of.
            let last = [first.as_slice(), &[u8::MAX; 9]].concat();
            Range { mark: None, first, last }
        }
        Sought::Network(sign, bits) => {
            let first = key(sign);
            let bits = usize::from(*bits);
            let last = first.iter().enumerate().map(|(at, byte)| match at.checked_sub(1) {
                None => *byte,
                Some(at) => byte | u8::MAX.checked_shr(bits.saturating_sub(at * 8) as u32).unwrap_or(0),
            });
            let steps: &[usize] = if sign.kind == SignKind::V4 { &V4_STEPS } else { &V6_STEPS };
            let step = steps.iter().find(|octets| **octets * 8 <= bits);
            let mark = step.and_then(|octets| Some(mark(ABOVE, first.get(..=*octets)?)));
            Range { mark, last: last.collect(), first }
        }
    }
}

/// Networks that the filter knows of each address, in octets, the narrowest first.
const V4_STEPS: [usize; 3] = [3, 2, 1];
const V6_STEPS: [usize; 4] = [8, 6, 4, 2];

/// Marks of keys themselves, and of what lies above them.
const ITSELF: u8 = 0;
const ABOVE: u8 = 1;

/// Gives the filter what it is to know of a key: the key, and the networks or names above it that the key before it, in the
/// order of the index, does not share.
pub(crate) fn marks(before: &[u8], key: &[u8], each: &mut dyn FnMut(u64)) {
    each(mark(ITSELF, key));
    let octets = |steps: &[usize], each: &mut dyn FnMut(u64)| {
        for octets in steps {
            let Some(network) = key.get(..=*octets) else { continue };
            if before.get(..=*octets) != Some(network) {
                each(mark(ABOVE, network));
            }
        }
    };
    match key.first() {
        Some(&V4) => octets(&V4_STEPS, each),
        Some(&V6) => octets(&V6_STEPS, each),
        Some(&NAME) => {
            for (dot, _) in key.iter().enumerate().filter(|(_, byte)| **byte == b'.') {
                // With the dot: a name beside the other that goes on as it does is not below it.
                if before.get(..=dot) != key.get(..=dot) {
                    each(mark(ABOVE, key.get(..dot).unwrap_or_default()));
                }
            }
        }
        _ => {}
    }
}

fn mark(what: u8, bytes: &[u8]) -> u64 {
    hash_from(0xcbf2_9ce4_8422_2325 ^ u64::from(what), bytes)
}

/// FNV-1a of 64 bits with the finaliser of MurmurHash3. It stands in files, so it never changes; strangers who choose values
/// with equal hashes gain nothing but rows that are read and decided in vain.
fn hash(bytes: &[u8]) -> u64 {
    hash_from(0xcbf2_9ce4_8422_2325, bytes)
}

fn hash_from(start: u64, bytes: &[u8]) -> u64 {
    let hash = bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use matcher::{Sign, SignKind, Sought};
    use stix::observable::ValueKind;

    use super::*;

    fn of(kind: ValueKind, text: &str) -> Vec<u8> {
        key(&Sign::of(kind, text).unwrap())
    }

    fn covers(range: &Range, key: &[u8]) -> bool {
        let mut known = false;
        marks(b"", key, &mut |mark| known |= range.mark.is_none_or(|asked| asked == mark));
        let within = range.first.as_slice() <= key && key <= range.last.as_slice();
        assert!(known || !within, "what is in the range is known to the filter");
        within
    }

    #[test]
    fn names_below_a_name_stand_in_a_row() {
        let sign = Sign::of(ValueKind::Domain, "evil.example").unwrap();
        let below = range(&Sought::Below(sign.clone()));
        for (name, is_below) in [
            ("evil.example", false),
            ("a.evil.example", true),
            ("x.y.evil.example", true),
            ("evil-1.example", false),
            ("notevil.example", false),
            ("example", false),
        ] {
            assert_eq!(covers(&below, &of(ValueKind::Domain, name)), is_below, "{name}");
        }
        assert!(covers(&range(&Sought::Value(sign)), &of(ValueKind::Domain, "EVIL.example.")));
    }

    #[test]
    fn addresses_of_a_network_stand_in_a_row() {
        let network =
            |text: &str, bits| range(&Sought::Network(Sign::of(ValueKind::Ipv4, text).unwrap(), bits));
        let v4 = |text| of(ValueKind::Ipv4, text);
        for (base, bits, inside, outside) in [
            ("192.0.2.0", 24, "192.0.2.255", "192.0.3.0"),
            ("192.0.2.16", 28, "192.0.2.31", "192.0.2.32"),
            ("10.0.0.0", 8, "10.255.255.255", "11.0.0.0"),
            ("172.16.0.0", 12, "172.31.1.1", "172.32.0.0"),
            ("8.0.0.0", 7, "9.9.9.9", "10.0.0.1"),
        ] {
            assert!(covers(&network(base, bits), &v4(inside)), "{base}/{bits}");
            assert!(!covers(&network(base, bits), &v4(outside)), "{base}/{bits}");
        }
        let v6 = range(&Sought::Network(Sign::of(ValueKind::Ipv6, "2001:db8::").unwrap(), 33));
        assert!(covers(&v6, &of(ValueKind::Ipv6, "2001:db8:7fff::1")));
        assert!(!covers(&v6, &of(ValueKind::Ipv6, "2001:db8:8000::1")));
        assert_eq!(Sign::of(ValueKind::Ipv6, "::ffff:192.0.2.1").unwrap().kind, SignKind::V4);
    }

    #[test]
    fn long_texts_are_told_apart() {
        let long = |end: &str| of(ValueKind::Url, &format!("http://host.example/{}{end}", "x".repeat(300)));
        assert_ne!(long("a"), long("b"));
        assert!(long("a").len() < KEY_BYTES_MAX);
    }
}
