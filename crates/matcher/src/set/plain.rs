//! The short way for patterns of one equality, which nearly all are: `[domain-name:value = 'evil.example']` with a value that
//! is canonical as it stands. It says nothing of any other pattern, and the same as [`compile`](crate::compile::compile) of
//! these; a test holds it to that.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::record::Asked;
use crate::key::{KeyKind, is_plain_name};
use crate::reach::Reach;
use crate::sift::hex_value;

/// What such a pattern asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain<'a> {
    pub(super) asked: Asked,
    pub(super) value: Value<'a>,
}

/// The value in the form of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Text(&'a str),
    /// The first so many of these.
    Octets([u8; 64], usize),
}

impl Value<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Octets(octets, length) => octets.get(..*length).unwrap_or_default(),
        }
    }

    fn octets(from: &[u8]) -> Option<Self> {
        let mut octets = [0; 64];
        octets.get_mut(..from.len())?.copy_from_slice(from);
        Some(Self::Octets(octets, from.len()))
    }
}

/// Reads a pattern of one equality; `None` for all that asks for more thought.
pub(super) fn read(pattern: &str, reach: Reach) -> Option<Plain<'_>> {
    let (path, rest) = pattern.strip_prefix('[')?.split_once('=')?;
    let value = rest.trim_matches(' ').strip_suffix(']')?.trim_end_matches(' ');
    let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
    if value.contains(['\'', '\\']) {
        return None;
    }
    let one = |kind| Some(Asked::One(kind));
    let (asked, value) = match path.trim_matches(' ') {
        "ipv4-addr:value" | "ipv6-addr:value" => address(value)?,
        "domain-name:value" => {
            let plain = is_plain_name(value) && value.contains('.');
            let below = plain && reach.covers.reaches_below(value);
            let asked = if below { Some(Asked::NameAndBelow) } else { one(KeyKind::Domain) };
            (asked.filter(|_| plain)?, Value::Text(value))
        }
        "url:value" if is_plain_url(value) => {
            let (kind, url) = reach.urls.asked(value);
            (one(kind)?, Value::Text(url))
        }
        "file:hashes.MD5" | "file:hashes.'MD5'" => (one(KeyKind::Md5)?, digest(value, 16)?),
        "file:hashes.'SHA-1'" => (one(KeyKind::Sha1)?, digest(value, 20)?),
        "file:hashes.'SHA-256'" => (one(KeyKind::Sha256)?, digest(value, 32)?),
        "file:hashes.'SHA-512'" => (one(KeyKind::Sha512)?, digest(value, 64)?),
        _ => return None,
    };
    Some(Plain { asked, value })
}

fn address(text: &str) -> Option<(Asked, Value<'static>)> {
    if let Ok(v4) = text.parse::<Ipv4Addr>() {
        return Some((Asked::One(KeyKind::V4), Value::octets(&v4.octets())?));
    }
    // One that maps an IPv4 address is that address.
    let v6 = text.parse::<Ipv6Addr>().ok().filter(|v6| IpAddr::V6(*v6).to_canonical().is_ipv6())?;
    Some((Asked::One(KeyKind::V6), Value::octets(&v6.octets())?))
}

fn digest(text: &str, length: usize) -> Option<Value<'static>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != length || !rest.is_empty() {
        return None;
    }
    // Without a branch on the digits, which are as good as random.
    let (mut octets, mut worst) = ([0; 64], 0);
    for (octet, [high, low]) in octets.iter_mut().zip(pairs) {
        let (high, low) = (hex_value(*high), hex_value(*low));
        worst |= high | low;
        *octet = high << 4 | low & 0xf;
    }
    (worst < 16).then_some(Value::Octets(octets, length))
}

/// Whether a URL is canonical as it stands: a plain name as its host, no port, and a path and query of characters that no rule
/// changes.
fn is_plain_url(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else {
        return false;
    };
    let Some((host, path)) = rest.split_once('/') else { return false };
    // What ends in a number is an address.
    let last = host.rsplit('.').next().unwrap_or_default();
    let plain_host = is_plain_name(host) && !last.bytes().next().is_none_or(|byte| byte.is_ascii_digit());
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'~' | b'=' | b'&' | b'?' | b'+' | b',')
    };
    // A segment that begins with a dot may be one that is resolved.
    plain_host
        && path.bytes().all(plain)
        && !path.starts_with('.')
        && !path.as_bytes().windows(2).any(|pair| pair == b"/.")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compile::compile;
    use crate::condition::Condition;
    use crate::key::Key;
    use crate::reach::{Covers, UrlMode};

    /// What the long way makes of a pattern: the keys of its only branch, which asks for nothing else.
    fn long_way(pattern: &str, reach: Reach) -> Option<Vec<Key>> {
        let compiled = compile(pattern, reach, false).ok().filter(|compiled| compiled.unusable.is_empty())?;
        match compiled.branches.as_slice() {
            [branch] => match branch.as_ref() {
                [Condition::Value { role: None, keys, .. }] => Some(keys.to_vec()),
                _ => None,
            },
            _ => None,
        }
    }

    fn check(pattern: &str, reach: Reach) -> bool {
        let Some(plain) = read(pattern, reach) else { return false };
        let key = |kind| Key::new(kind, plain.value.bytes());
        let keys = match plain.asked {
            Asked::One(kind) => vec![key(kind)],
            Asked::NameAndBelow => vec![key(KeyKind::Domain), key(KeyKind::DomainBelow)],
            Asked::Elsewhere => Vec::new(),
        };
        assert_eq!(Some(keys), long_way(pattern, reach), "{pattern}");
        true
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn the_short_way_says_what_the_long_one_says(
            path in "(ipv[46]-addr:value|domain-name:value|url:value|file:hashes\\.('?MD5'?|'SHA-(1|256|512)'))",
            spaces in "[ ]{0,2}",
            value in prop_oneof![
                "[0-9]{1,3}(\\.[0-9]{1,3}){3}",
                "[0-9a-f:.]{2,20}",
                "[a-z0-9_-]{1,8}(\\.[a-zA-Z0-9_-]{1,8}){0,3}\\.?",
                "https?://[a-z0-9-]{1,6}(\\.[a-z0-9-]{1,6}){0,3}\\.?(:80)?(/[a-zA-Z0-9./?&=~+,:@!$%-]{0,20})?",
                "[0-9a-fA-F]{32}", "[0-9a-fA-F]{40}", "[0-9a-fA-F]{64}", "[0-9a-fA-F]{128}",
                ".{0,20}",
            ],
            covers in prop::sample::select(&[Covers::Host, Covers::Subtree][..]),
            urls in prop::sample::select(&[UrlMode::Exact, UrlMode::WithoutQuery, UrlMode::Prefix][..]),
        ) {
            let reach = Reach { covers, urls };
            check(&format!("[{path}{spaces}={spaces}'{value}'{spaces}]"), reach);
        }
    }

    #[test]
    fn ordinary_patterns_go_the_short_way() {
        for pattern in [
            "[ipv4-addr:value = '198.51.100.7']",
            "[ipv6-addr:value='2001:db8::1']",
            "[domain-name:value = 'www.evil.example']",
            "[ url:value = 'http://evil.example/a/b.php?id=1' ]",
            "[url:value = 'https://evil.example/']",
            "[file:hashes.MD5 = '0123456789abcdef0123456789ABCDEF']",
            "[file:hashes.'SHA-256' = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff']",
        ] {
            let of = |covers: Covers| check(pattern, covers.into());
            assert!(of(Covers::Host) && of(Covers::Subtree), "{pattern}");
        }
    }

    #[test]
    fn others_do_not() {
        for pattern in [
            "",
            "[ipv4-addr:value = '198.51.100.0/24']",
            "[ipv6-addr:value = '::ffff:198.51.100.7']",
            "[domain-name:value = 'EVIL.example']",
            "[domain-name:value = 'evil.example' OR domain-name:value = 'b.example']",
            "[domain-name:value != 'evil.example']",
            "[domain-name:value == 'evil.example']",
            "[domain-name:value = 'com']",
            "[url:value = 'http://evil.example']",
            "[url:value = 'http://evil.example/../a']",
            "[url:value = 'http://evil.example/%61']",
            "[url:value = 'http://1.2/']",
            "[file:hashes.MD5 = '0123']",
            "[file:name = 'a']",
            "[domain-name:value = 'evil.example'] OR [domain-name:value = 'b.example']",
            "[domain-name:value = 'evil.example'] WITHIN 5 SECONDS",
        ] {
            assert_eq!(read(pattern, Reach::default()), None, "{pattern}");
        }
    }
}
