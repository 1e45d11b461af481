//! What a piece of text can be: an address, a name, a host of a URL. Shared by the formats and the readings.

use std::borrow::Cow;
use std::net::IpAddr;

use stix::observable::ValueKind;

/// A part of a text, borrowed where the text is borrowed.
pub(crate) fn part<'a>(text: Cow<'a, str>, part: impl Fn(&str) -> &str) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) => Cow::Owned(part(&text).to_owned()),
    }
}

/// The name behind a path of either kind.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

pub(crate) fn lower_case(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) { Cow::Owned(text.to_ascii_lowercase()) } else { text }
}

/// Which kind of address the text is, if it is one.
pub(crate) fn address_kind(text: &str) -> Option<ValueKind> {
    match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(_) => Some(ValueKind::Ipv4),
        IpAddr::V6(_) => Some(ValueKind::Ipv6),
    }
}

/// Whether the text can be a host's full name: of more than one label, with nothing in it that no name holds. A wildcard of
/// a certificate names no host.
pub(crate) fn is_host_name(text: &str) -> bool {
    let dotted = text.contains('.') || !text.is_ascii();
    dotted
        && text.len() <= 1024
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.') || !b.is_ascii())
        && text.bytes().any(|b| b != b'.')
}

/// The host of `host:port`, `[address]:port` or `host`.
pub(crate) fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(host, |(address, _)| address);
    }
    match host.split_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The host of a URL as it is written there.
pub(crate) fn url_host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    without_port(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
}

/// Every e-mail address in a header or envelope field.
pub(crate) fn email_addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '(' | ')' | ':'))
        .map(|token| token.trim_matches('\''))
        .filter(|token| {
            token.split_once('@').is_some_and(|(local, domain)| {
                let full = domain.contains(['.', '[']) || !domain.is_ascii();
                !local.is_empty() && full && !domain.contains('@') && token.len() <= 1024
            })
        })
}

/// The common name of a distinguished name in either of its two spellings: `C=US, CN=name` and `/C=US/CN=name`; empty if none.
pub(crate) fn common_name(subject: &str) -> &str {
    let slashed = subject.starts_with('/');
    let mut parts = subject.split(|c| if slashed { c == '/' } else { c == ',' });
    parts.find_map(|part| part.trim().strip_prefix("CN=")).map(str::trim).unwrap_or_default()
}

/// The name of a transport protocol by its number (IANA), those that logs have.
pub(crate) fn protocol_of_number(number: &str) -> Option<&'static str> {
    Some(match number {
        "1" => "icmp",
        "2" => "igmp",
        "6" => "tcp",
        "17" => "udp",
        "47" => "gre",
        "50" => "esp",
        "51" => "ah",
        "58" => "ipv6-icmp",
        "132" => "sctp",
        "136" => "udplite",
        _ => return None,
    })
}

/// A key as the kernel writes it (`\REGISTRY\MACHINE\…`) as everybody else does; `None` where it is written so already.
pub(crate) fn registry_path(key: &str) -> Option<String> {
    const ROOTS: [(&str, &str); 2] =
        [("\\REGISTRY\\MACHINE", "HKEY_LOCAL_MACHINE"), ("\\REGISTRY\\USER", "HKEY_USERS")];
    ROOTS.iter().find_map(|(kernel, hive)| {
        let start = key.get(..kernel.len())?;
        let rest = key.get(kernel.len()..).filter(|rest| rest.starts_with('\\'))?;
        start.eq_ignore_ascii_case(kernel).then(|| format!("{hive}{rest}"))
    })
}
