//! How one field of a record becomes observable values. The tables of the formats name a [`Reading`] for each field they
//! know; what is in no table is nobody's business and is not looked at.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use stix::observable::ValueKind;

use crate::time;
use crate::{Observation, Observed, Role};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The record's time.
    Time,
    /// The record's kind.
    Kind,
    /// Transport protocol.
    Protocol,
    /// Source port.
    SourcePort,
    /// Destination port.
    DestinationPort,
    /// A count of bytes; several are added up.
    Bytes,
    /// An address, or nothing.
    Address(Role),
    /// A host name or an address: what a DNS answer or a server name holds.
    Host(Role),
    /// The host that an HTTP client asked for, perhaps with a port; joined with [`Reading::HttpTarget`] to a URL.
    HttpHost,
    /// The port of the HTTP host where it stands alone.
    HttpPort,
    /// The request target: a path, or a whole URL.
    HttpTarget,
    /// An HTTP header as an object of `name` and `value`: those of HTTP/2 that say what HTTP/1 has in the request line.
    HttpHeader,
    /// A URL that stands whole in the field.
    Url,
    /// One or more e-mail addresses, bare, in angle brackets, or after a display name.
    Emails(Role),
    /// Hexadecimal MD5.
    Md5,
    /// Hexadecimal SHA-1.
    Sha1,
    /// Hexadecimal SHA-256.
    Sha256,
    /// A certificate's fingerprint: hexadecimal with or without colons; its length tells the algorithm.
    Fingerprint,
    /// The name of a file, perhaps behind a path.
    FileName,
    /// A hardware address.
    Mac(Role),
    /// A certificate's subject; its common name may be a host name.
    Subject,
}

/// An observation in the making.
pub(crate) struct Draft<'a> {
    observation: Observation<'a>,
    http_host: Option<(Cow<'a, str>, Cow<'a, str>)>,
    http_port: Option<u16>,
    http_target: Option<(Cow<'a, str>, Cow<'a, str>)>,
    http_over_tls: bool,
}

/// The most values one record may carry; a record beyond is cut there. A grouped DNS answer has hundreds at most.
const VALUES_MAX: usize = 4096;

impl<'a> Draft<'a> {
    pub(crate) fn new() -> Self {
        Self {
            observation: Observation {
                time: None,
                kind: Cow::Borrowed(""),
                protocol: None,
                src_port: None,
                dst_port: None,
                bytes: None,
                values: Vec::with_capacity(8),
            },
            http_host: None,
            http_port: None,
            http_target: None,
            http_over_tls: false,
        }
    }

    /// Takes one field's text.
    pub(crate) fn take(&mut self, reading: Reading, field: Cow<'a, str>, text: Cow<'a, str>) {
        match reading {
            Reading::Time => self.observation.time = time::parse(&text).or(self.observation.time),
            Reading::Kind => self.observation.kind = text,
            Reading::Protocol => self.observation.protocol = Some(lower_case(text)),
            Reading::SourcePort => self.observation.src_port = text.parse().ok(),
            Reading::DestinationPort => self.observation.dst_port = text.parse().ok(),
            Reading::Bytes => self.add_bytes(&text),
            Reading::HttpHost => self.http_host = Some((field, text)),
            Reading::HttpPort => self.http_port = text.parse().ok(),
            Reading::HttpTarget => self.http_target = Some((field, text)),
            Reading::Address(role) => self.address(role, field, text),
            Reading::Host(role) => self.host(role, field, text),
            Reading::Url => self.url(field, text),
            // An object, see `take_header`.
            Reading::HttpHeader => {}
            Reading::Emails(role) => self.emails(role, &field, text),
            Reading::Md5 => self.hash(32, ValueKind::Md5, field, text),
            Reading::Sha1 => self.hash(40, ValueKind::Sha1, field, text),
            Reading::Sha256 => self.hash(64, ValueKind::Sha256, field, text),
            Reading::Fingerprint => self.fingerprint(field, &text),
            Reading::FileName => self.file_name(field, part(text, base_name)),
            Reading::Mac(role) => self.mac(role, field, text),
            Reading::Subject => self.host(Role::Content, field, part(text, common_name)),
        }
    }

    /// Takes one header of an HTTP request. What stands in a field of its own goes before what stands in a header.
    pub(crate) fn take_header(&mut self, name: &str, field: Cow<'a, str>, value: Cow<'a, str>) {
        match name {
            ":authority" | "host" | "Host" if self.http_host.is_none() => {
                self.http_host = Some((field, value));
            }
            ":path" if self.http_target.is_none() => self.http_target = Some((field, value)),
            ":scheme" => self.http_over_tls = value == "https",
            _ => {}
        }
    }

    /// The observation; the HTTP parts become a host and a URL.
    pub(crate) fn finish(mut self) -> Observation<'a> {
        let host = self.http_host.take();
        match self.http_target.take() {
            Some((field, target)) if target.contains("://") => self.url(field, target),
            Some((field, target)) => {
                if let Some(url) = host.as_ref().and_then(|(_, host)| self.joined(host, &target)) {
                    self.push(field, ValueKind::Url, Cow::Owned(url), Role::Content);
                }
            }
            None => {}
        }
        if let Some((field, host)) = host {
            self.host(Role::Destination, field, part(host, without_port));
        }
        self.observation
    }

    /// `http://host[:port]/target`, if the host can be one and the target is a path. Traffic that is read at all was not
    /// encrypted, or was decrypted by who says so.
    fn joined(&self, host: &str, target: &str) -> Option<String> {
        let scheme = if self.http_over_tls { "https" } else { "http" };
        let name = without_port(host);
        if !target.starts_with('/') || !(is_host_name(name) || address_kind(name).is_some()) {
            return None;
        }
        let bare_v6 = name.len() == host.len() && name.parse::<Ipv6Addr>().is_ok();
        let host = if bare_v6 { Cow::Owned(format!("[{host}]")) } else { Cow::Borrowed(host) };
        Some(match self.http_port {
            Some(port) if name.len() == host.len() || bare_v6 => format!("{scheme}://{host}:{port}{target}"),
            _ => format!("{scheme}://{host}{target}"),
        })
    }

    /// Whether anything at all was understood.
    pub(crate) fn is_empty(&self) -> bool {
        let seen = &self.observation;
        seen.time.is_none() && seen.values.is_empty() && self.http_host.is_none() && seen.kind.is_empty()
    }

    /// The record's kind so far.
    pub(crate) fn kind(&self) -> &str {
        &self.observation.kind
    }

    pub(crate) fn set_kind(&mut self, kind: Cow<'a, str>) {
        self.observation.kind = kind;
    }

    fn push(&mut self, field: Cow<'a, str>, kind: ValueKind, value: Cow<'a, str>, role: Role) {
        if self.observation.values.len() < VALUES_MAX {
            self.observation.values.push(Observed { field, kind, value, role });
        }
    }

    fn add_bytes(&mut self, text: &str) {
        if let Ok(count) = text.parse::<u64>() {
            self.observation.bytes = Some(self.observation.bytes.unwrap_or(0).saturating_add(count));
        }
    }

    fn address(&mut self, role: Role, field: Cow<'a, str>, text: Cow<'a, str>) {
        if let Some(kind) = address_kind(&text) {
            self.push(field, kind, text, role);
        }
    }

    fn host(&mut self, role: Role, field: Cow<'a, str>, text: Cow<'a, str>) {
        let kind = match address_kind(&text) {
            Some(kind) => kind,
            None if is_host_name(&text) => ValueKind::Domain,
            None => return,
        };
        self.push(field, kind, text, role);
    }

    /// A URL and, beside it, the host it names.
    fn url(&mut self, field: Cow<'a, str>, text: Cow<'a, str>) {
        if !text.contains("://") {
            return;
        }
        let host = part(text.clone(), url_host);
        self.push(field.clone(), ValueKind::Url, text, Role::Content);
        self.host(Role::Content, field, host);
    }

    fn emails(&mut self, role: Role, field: &str, text: Cow<'a, str>) {
        match text {
            Cow::Borrowed(text) => {
                for address in email_addresses(text) {
                    self.push(Cow::Owned(field.to_owned()), ValueKind::Email, Cow::Borrowed(address), role);
                }
            }
            Cow::Owned(text) => {
                for address in email_addresses(&text) {
                    self.push(
                        Cow::Owned(field.to_owned()),
                        ValueKind::Email,
                        Cow::Owned(address.to_owned()),
                        role,
                    );
                }
            }
        }
    }

    fn hash(&mut self, digits: usize, kind: ValueKind, field: Cow<'a, str>, text: Cow<'a, str>) {
        if text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            self.push(field, kind, text, Role::Content);
        }
    }

    fn fingerprint(&mut self, field: Cow<'a, str>, text: &str) {
        let plain: String = text.chars().filter(|c| *c != ':').collect();
        match plain.len() {
            32 => self.hash(32, ValueKind::Md5, field, Cow::Owned(plain)),
            40 => self.hash(40, ValueKind::Sha1, field, Cow::Owned(plain)),
            64 => self.hash(64, ValueKind::Sha256, field, Cow::Owned(plain)),
            _ => {}
        }
    }

    fn file_name(&mut self, field: Cow<'a, str>, name: Cow<'a, str>) {
        if !name.is_empty() {
            self.push(field, ValueKind::FileName, name, Role::Content);
        }
    }

    fn mac(&mut self, role: Role, field: Cow<'a, str>, text: Cow<'a, str>) {
        let plain = text.len() == 17
            && text.bytes().enumerate().all(|(at, b)| match at % 3 {
                2 => b == b':',
                _ => b.is_ascii_hexdigit(),
            });
        if plain {
            self.push(field, ValueKind::Mac, text, role);
        }
    }
}

/// A part of a text, borrowed where the text is borrowed.
fn part<'a>(text: Cow<'a, str>, part: impl Fn(&str) -> &str) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) => Cow::Owned(part(&text).to_owned()),
    }
}

/// The name behind a path of either kind.
fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn lower_case(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) { Cow::Owned(text.to_ascii_lowercase()) } else { text }
}

/// Which kind of address the text is, if it is one.
fn address_kind(text: &str) -> Option<ValueKind> {
    match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(_) => Some(ValueKind::Ipv4),
        IpAddr::V6(_) => Some(ValueKind::Ipv6),
    }
}

/// Whether the text can be a host's full name: of more than one label, with nothing in it that no name holds. A wildcard of
/// a certificate names no host.
fn is_host_name(text: &str) -> bool {
    let dotted = text.contains('.') || !text.is_ascii();
    dotted
        && text.len() <= 1024
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.') || !b.is_ascii())
        && text.bytes().any(|b| b != b'.')
}

/// The host of `host:port`, `[address]:port` or `host`.
fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map_or(host, |(address, _)| address);
    }
    match host.split_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The host of a URL as it is written there.
fn url_host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
    without_port(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
}

/// Every e-mail address in a header or envelope field.
fn email_addresses(text: &str) -> impl Iterator<Item = &str> {
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
fn common_name(subject: &str) -> &str {
    let slashed = subject.starts_with('/');
    let mut parts = subject.split(|c| if slashed { c == '/' } else { c == ',' });
    parts.find_map(|part| part.trim().strip_prefix("CN=")).map(str::trim).unwrap_or_default()
}
