//! Whether a text is what it is said to be.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine;
use serde_json::Value;

/// Splits `type--UUID` (§10.10): RFC 4122, versions 1 to 5 as the specification's own expression says.
pub(crate) fn split_id(text: &str) -> Option<(&str, &str)> {
    let (kind, uuid) = text.split_once("--")?;
    let name_fits = kind.len() >= 3
        && kind.starts_with(|c: char| c.is_ascii_lowercase())
        && !kind.ends_with('-')
        && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let parsed = uuid::Uuid::try_parse(uuid).ok().filter(|_| uuid.len() == 36)?;
    let fits = (1..=5).contains(&parsed.get_version_num()) && parsed.get_variant() == uuid::Variant::RFC4122;
    (name_fits && fits).then_some((kind, uuid))
}

/// The version of an identifier's UUID.
pub(crate) fn uuid_version(text: &str) -> Option<usize> {
    split_id(text).and_then(|(_, uuid)| uuid::Uuid::try_parse(uuid).ok()).map(|uuid| uuid.get_version_num())
}

/// Whether a timestamp has exactly three digits of fraction.
pub(crate) fn has_milliseconds(text: &str) -> bool {
    text.split_once('.').is_some_and(|(_, fraction)| fraction.len() == 4 && fraction.ends_with('Z'))
}

pub(crate) fn is_base64(text: &str) -> bool {
    decode(text).is_some()
}

/// RFC 4648 §4, with padding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// Whether the text is a key as the specification allows them (§10.6).
pub(crate) fn is_dictionary_key(key: &str) -> bool {
    (1..=250).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Whether the text is an address of the kind (§10.1).
pub(crate) fn is_address(kind: &str, text: &str) -> bool {
    match kind {
        "ipv4" => is_ipv4(text),
        "ipv6" => is_ipv6(text),
        "l2mac" => is_mac(text),
        "vlan" => text.parse::<u16>().is_ok_and(|number| number <= 4095),
        "dname" => is_domain(text),
        "url" => is_uri(text),
        _ => false,
    }
}

fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok() || text.parse::<ipnet::Ipv4Net>().is_ok()
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok() || text.parse::<ipnet::Ipv6Net>().is_ok()
}

fn is_mac(text: &str) -> bool {
    text.len() == 17 && text.split([':', '-']).all(|part| part.len() == 2 && is_hex(part))
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_domain(text: &str) -> bool {
    let host = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=253).contains(&host.len()) && host.split('.').all(label)
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && !rest.is_empty()
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Whether a variable of this type may have this value. Null means unknown and fits every type (§10.18).
pub(crate) fn fits(kind: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text_fits(kind, text),
        Value::Object(_) => {
            matches!(kind, "dictionary") || !crate::vocabulary::VARIABLE_TYPES.contains(&kind)
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
    }
}

fn text_fits(kind: &str, text: &str) -> bool {
    match kind {
        "bool" => matches!(text, "true" | "false"),
        "integer" => text.parse::<i32>().is_ok(),
        "long" => text.parse::<i64>().is_ok(),
        "float" => text.parse::<f64>().is_ok_and(f64::is_finite),
        "ipv4-addr" => is_ipv4(text),
        "ipv6-addr" => is_ipv6(text),
        "mac-addr" => is_mac(text),
        "hexstring" | "hash" => is_hex(text),
        "md5-hash" => is_hex(text) && text.len() == 32,
        "sha256-hash" => is_hex(text) && text.len() == 64,
        "uri" => is_uri(text),
        "uuid" => uuid::Uuid::try_parse(text).is_ok() && text.len() == 36,
        "dictionary" => serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object()),
        _ => true,
    }
}
