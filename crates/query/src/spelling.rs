//! The spelling in which values of `observables` are told: that in which indicators and records meet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use matcher::{Sign, SignKind, Sought};
use stix::observable::ValueKind;

/// The kinds of which an index knows the values.
const KINDS: [ValueKind; 10] = [
    ValueKind::Ipv4,
    ValueKind::Ipv6,
    ValueKind::Domain,
    ValueKind::Url,
    ValueKind::Email,
    ValueKind::Md5,
    ValueKind::Sha1,
    ValueKind::Sha256,
    ValueKind::Sha512,
    ValueKind::Mac,
];

/// A sign as text; `None` where its bytes are none of its kind. Logs also call a bare name or address a URL: as text it would be taken
/// for what an index does not know it as, so it is told by nobody here.
pub(crate) fn spelt(sign: &Sign) -> Option<String> {
    let octets = &sign.bytes;
    match sign.kind {
        SignKind::V4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(&**octets).ok()?).to_string()),
        SignKind::V6 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(&**octets).ok()?).to_string()),
        SignKind::Md5 | SignKind::Sha1 | SignKind::Sha256 | SignKind::Sha512 => Some(hexadecimal(octets)),
        SignKind::Url => text(octets).filter(|url| name(url).is_none() && address(url).is_none()),
        SignKind::Name | SignKind::Email | SignKind::Mac => text(octets),
    }
}

fn text(octets: &[u8]) -> Option<String> {
    std::str::from_utf8(octets).ok().map(str::to_owned)
}

fn hexadecimal(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect()
}

/// A value of the kind of that name (`ipv4-addr`, `domain-name`, …) as an index knows it; `None` where it knows none.
pub(crate) fn canonical(kind: &str, value: &str) -> Option<String> {
    spelt(&Sign::of(ValueKind::from_name(kind)?, value)?)
}

/// Everything that is spelt like this, whatever its kind.
pub(crate) fn sought(text: &str) -> impl Iterator<Item = Sought> {
    KINDS.into_iter().filter_map(|kind| Sign::of(kind, text)).map(Sought::Value)
}

/// A name as names are told; `None` where it is none, or an address.
pub(crate) fn name(text: &str) -> Option<String> {
    // What is no name may still contain one.
    if text.contains(['/', '@', ':']) || text.parse::<IpAddr>().is_ok() {
        return None;
    }
    spelt(&Sign::of(ValueKind::Domain, text)?)
}

/// An address; IPv4 within IPv6 is IPv4.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(kind: ValueKind, written: &str, expected: Option<&str>) {
        assert_eq!(canonical(kind.name(), written).as_deref(), expected, "{written}");
    }

    #[test]
    fn values_are_told_as_indicators_are() {
        check(ValueKind::Ipv4, "198.51.100.7", Some("198.51.100.7"));
        check(ValueKind::Ipv6, "::ffff:198.51.100.7", Some("198.51.100.7"));
        check(ValueKind::Ipv6, "2001:DB8:0::1", Some("2001:db8::1"));
        check(ValueKind::Domain, "WWW.Example.JP.", Some("www.example.jp"));
        check(ValueKind::Md5, &"AB".repeat(16), Some(&"ab".repeat(16)));
        check(ValueKind::Ipv4, "198.51.100.0/24", None);
        check(ValueKind::UserAgent, "curl/8", None);
        assert_eq!(canonical("a-kind-of-a-later-version", "x"), None);
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-cA-C0-9._-]{1,20}",
            "[a-c]{1,3}@[a-cA-C.]{1,9}",
            "(http|HTTPS)://[a-cA-C.]{1,9}(:80)?/[a-c%/.?#=]{0,9}",
            "([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}",
            "[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128}",
            any::<Ipv4Addr>().prop_map(|it| it.to_string()),
            any::<Ipv6Addr>().prop_map(|it| it.to_string()),
            "\\PC{0,12}",
        ]
    }

    proptest! {
        /// What a value is told as leads to the value: otherwise the index would hide it from whoever asks for that.
        #[test]
        fn what_is_told_is_found_by_what_is_told(kind in prop::sample::select(ValueKind::ALL.to_vec()), text in texts()) {
            let Some(sign) = Sign::of(kind, &text) else { return Ok(()) };
            let Some(told) = spelt(&sign) else {
                prop_assert!(sign.kind == SignKind::Url && !text.contains('/'), "{sign:?}");
                return Ok(());
            };
            prop_assert!(sought(&told).any(|it| it == Sought::Value(sign.clone())), "{kind:?} {text:?} {told:?}");
        }

        /// A name that is told as one is a name in the index.
        #[test]
        fn a_name_is_told_of_names_alone(kind in prop::sample::select(ValueKind::ALL.to_vec()), text in texts()) {
            let Some(sign) = Sign::of(kind, &text) else { return Ok(()) };
            let told = spelt(&sign).unwrap_or_default();
            if sign.kind != SignKind::Name && told.contains('.') {
                prop_assert_eq!(name(&told), None);
            }
        }

        /// Only what is an address in the index, or a name that looks like one of IPv4, is an address as text.
        #[test]
        fn an_address_is_told_of_addresses(kind in prop::sample::select(ValueKind::ALL.to_vec()), text in texts()) {
            let Some(sign) = Sign::of(kind, &text) else { return Ok(()) };
            if let Some(address) = address(&spelt(&sign).unwrap_or_default()) {
                let named = sign.kind == SignKind::Name && address.is_ipv4();
                prop_assert!(named || matches!(sign.kind, SignKind::V4 | SignKind::V6), "{sign:?}");
            }
        }
    }
}
