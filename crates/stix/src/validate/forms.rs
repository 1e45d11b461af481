//! Forms of strings, from STIX 2.1 §2 and §3.1 and the standards it names.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::binary;
use crate::observable::{ValueKind, canonical};

/// STIX 2.1 §3.1 and §11.1.1; `id` is the one shorter name.
pub(super) fn is_property_name(name: &str) -> bool {
    (3..=250).contains(&name.len())
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// STIX 2.1 §7.3.2 and §11.3.1: as a property name, but that any of these may come first.
pub(super) fn is_extension_property(name: &str) -> bool {
    (3..=250).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// An encoded word of RFC 2047 §2, e.g. `=?iso-8859-1?q?text?=`.
pub(super) fn has_encoded_word(text: &str) -> bool {
    text.match_indices("=?").any(|(at, _)| {
        let mut parts = text.get(at + 2..).unwrap_or_default().splitn(3, '?');
        let charset = parts.next().unwrap_or_default();
        let encoding = parts.next().unwrap_or_default();
        let word = parts.next().and_then(|rest| rest.split_once("?=")).map_or("", |(word, _)| word);
        let is_token = !charset.is_empty() && charset.bytes().all(|b| b.is_ascii_graphic() && b != b'=');
        is_token
            && matches!(encoding, "b" | "B" | "q" | "Q")
            && !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_graphic() && b != b'?')
    })
}

/// A type name or a term (STIX 2.1 §3.1): no hyphen beside another.
pub(super) fn is_term(text: &str) -> bool {
    (3..=250).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.contains("--")
}

/// STIX 2.1 §11.3.1.
pub(super) fn is_extension_name(text: &str) -> bool {
    is_term(text) && text.ends_with("-ext")
}

/// STIX 2.1 §2.3.
pub(super) fn is_dictionary_key(key: &str) -> bool {
    (1..=250).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// STIX 2.1 §2.8.
pub(super) fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// RFC 4648 §4, as STIX 2.1 §2.1 asks.
pub(super) fn is_base64(text: &str) -> bool {
    binary::decode(text).is_some()
}

/// The form of a hash by its algorithm (STIX 2.1 §10.7); any string for algorithms that are not of the vocabulary.
pub(super) fn is_hash(algorithm: &str, text: &str) -> bool {
    let digits = |count| text.len() == count && text.bytes().all(|b| b.is_ascii_hexdigit());
    match algorithm {
        "MD5" => digits(32),
        "SHA-1" => digits(40),
        "SHA-256" | "SHA3-256" => digits(64),
        "SHA-512" | "SHA3-512" => digits(128),
        "SSDEEP" => {
            let mut parts = text.splitn(3, ':');
            let size =
                parts.next().is_some_and(|size| !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit()));
            size && parts.count() == 2
        }
        "TLSH" => {
            let body = text.strip_prefix("T1").unwrap_or(text);
            body.len() == 70 && body.bytes().all(|b| b.is_ascii_hexdigit())
        }
        _ => true,
    }
}

/// RFC 5646: well-formed, of registered subtags.
pub(super) fn is_language(text: &str) -> bool {
    language_tags::LanguageTag::parse(text).is_ok_and(|tag| tag.validate().is_ok())
}

/// A prefix length without leading zero, after an address.
fn is_prefix(length: Option<&str>, most: u8) -> bool {
    length.is_none_or(|text| {
        text.parse::<u8>().is_ok_and(|number| number <= most)
            && (text == "0" || !text.starts_with(['0', '+']))
    })
}

fn parts_of_network(text: &str) -> (&str, Option<&str>) {
    text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)))
}

pub(super) fn is_ipv4(text: &str) -> bool {
    let (address, length) = parts_of_network(text);
    address.parse::<Ipv4Addr>().is_ok() && is_prefix(length, 32)
}

pub(super) fn is_ipv6(text: &str) -> bool {
    let (address, length) = parts_of_network(text);
    address.parse::<Ipv6Addr>().is_ok() && is_prefix(length, 128)
}

/// STIX 2.1 §6.10.1: six octets in lower case with colons.
pub(super) fn is_mac(text: &str) -> bool {
    canonical(ValueKind::Mac, text).is_some_and(|(_, one)| one == text)
}

pub(super) fn is_domain(text: &str) -> bool {
    canonical(ValueKind::Domain, text).is_some()
}

/// An addr-spec of RFC 5322: no display name, no angle brackets.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, _)) = text.rsplit_once('@') else {
        return false;
    };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let plain = !local.contains([' ', '<', '>', '(', ')', ',', ';', ':', '\\', '"', '[', ']', '@']);
    (quoted || plain) && canonical(ValueKind::Email, text).is_some()
}

/// RFC 3986 with a scheme; letters beyond ASCII are let pass (RFC 3987), real reports are full of them.
pub(super) fn is_url(text: &str) -> bool {
    !text.contains(char::is_whitespace) && url::Url::parse(text).is_ok()
}

/// A CPE 2.3 formatted string (NISTIR 7695 §6.2): the prefix, the part, and ten more components.
pub(super) fn is_cpe(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("cpe:2.3:") else {
        return false;
    };
    let mut components = 1;
    let mut empty = true;
    let mut any_empty = false;
    let mut escaped = false;
    for c in rest.chars() {
        match c {
            ':' if !escaped => {
                components += 1;
                any_empty |= empty;
                empty = true;
            }
            c if c.is_whitespace() || c.is_control() => return false,
            _ => empty = false,
        }
        escaped = c == '\\' && !escaped;
    }
    let part = rest.split(':').next().is_some_and(|part| matches!(part, "a" | "h" | "o" | "*" | "-"));
    part && components == 11 && !any_empty && !empty
}

/// STIX 2.1 §6.17.1: the hive's name in full.
pub(super) fn has_full_hive(key: &str) -> bool {
    let hive = key.split('\\').next().unwrap_or_default();
    !["HKLM", "HKCC", "HKCR", "HKCU", "HKU"].iter().any(|short| hive.eq_ignore_ascii_case(short))
}

/// `type/subtype` of RFC 6838 §4.2, possibly with parameters.
pub(super) fn is_mime_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    essence.split_once('/').is_some_and(|(kind, subtype)| {
        let name = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
        };
        name(kind) && name(subtype)
    })
}
