//! Access logs of web servers and proxies: the common and combined forms (Apache, nginx), with a virtual host before or not,
//! Squid's own, and the W3C's extended form (IIS), whose `#Fields` line says what its columns are.

use std::borrow::Cow;

use crate::reading::{Draft, Reading};
use crate::text::{address_kind, is_host_name, without_port};
use crate::{Observation, Role, Unreadable, time};

const SRC: Role = Role::Source;
const DST: Role = Role::Destination;

/// Reads one line.
pub(crate) fn read(text: &str) -> Result<Observation<'_>, Unreadable> {
    let mut draft = Draft::new();
    combined(text, &mut draft).or_else(|| squid(text, &mut draft)).ok_or(Unreadable::OtherFormat)?;
    draft.set_kind(Cow::Borrowed("http"));
    Ok(draft.finish())
}

fn take<'a>(draft: &mut Draft<'a>, reading: Reading, field: &'static str, text: &'a str) {
    if text != "-" {
        draft.take(reading, Cow::Borrowed(field), Cow::Borrowed(text));
    }
}

/// `[host[:port] ]client identity user [time] "request" status bytes ["referrer" "agent" …]`
fn combined<'a>(text: &'a str, draft: &mut Draft<'a>) -> Option<()> {
    let (before, rest) = text.split_once(" [")?;
    let (stamp, rest) = rest.split_once("] \"")?;
    let instant = time::parse_access(stamp)?;
    let (request, rest) = quoted(rest)?;
    let mut words = before.split_ascii_whitespace();
    let first = words.next()?;
    let host = match words.next() {
        Some(second) if address_kind(second).is_some() => {
            take(draft, Reading::Address(SRC), "client", second);
            Some(first)
        }
        _ => {
            take(draft, Reading::Host(SRC), "client", first);
            None
        }
    };
    draft.set_time(Some(instant));
    take_request(request, host, draft);
    if let Some((referrer, rest)) = next_quoted(rest) {
        take(draft, Reading::Url, "referrer", referrer);
        if let Some((agent, _)) = next_quoted(rest).filter(|(agent, _)| *agent != "-") {
            let plain = if agent.contains('\\') {
                Cow::Owned(agent.replace("\\\"", "\""))
            } else {
                Cow::Borrowed(agent)
            };
            draft.take(Reading::UserAgent, Cow::Borrowed("agent"), plain);
        }
    }
    Some(())
}

/// `GET /path HTTP/1.1`. A line that is no request (a scan, TLS on the wrong port) still has a client.
fn take_request<'a>(request: &'a str, host: Option<&'a str>, draft: &mut Draft<'a>) {
    let mut words = request.split(' ');
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return };
    take(draft, Reading::HttpMethod, "method", method);
    if method == "CONNECT" {
        take(draft, Reading::HttpHost, "request", target);
        return;
    }
    take(draft, Reading::HttpTarget, "request", target);
    if let Some(host) = host.filter(|host| is_host_name(without_port(host))) {
        take(draft, Reading::HttpHost, "host", host);
    }
}

/// The next text in quotes, and what comes after.
fn next_quoted(text: &str) -> Option<(&str, &str)> {
    text.split_once('"').and_then(|(_, rest)| quoted(rest))
}

/// A text up to its closing quote, which a backslash escapes, and what comes after.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// `1768435200.123 456 192.0.2.1 TCP_MISS/200 1234 GET http://a.example/ user HIER_DIRECT/198.51.100.7 text/html`
fn squid<'a>(text: &'a str, draft: &mut Draft<'a>) -> Option<()> {
    let words: Vec<&str> = text.split_ascii_whitespace().take(16).collect();
    let [stamp, _elapsed, client, result, _bytes, method, target, _user, peer, ..] = words.as_slice() else {
        return None;
    };
    let known = ["TCP_", "UDP_", "NONE", "TAG_"].iter().any(|start| result.starts_with(start))
        && result.contains('/');
    if !known || !stamp.contains('.') {
        return None;
    }
    draft.set_time(Some(time::parse_count(stamp)?));
    take(draft, Reading::Host(SRC), "client", client);
    take(draft, Reading::HttpMethod, "method", method);
    let target_is = if *method == "CONNECT" { Reading::HttpHost } else { Reading::HttpTarget };
    take(draft, target_is, "request", target);
    if let Some((_, server)) = peer.split_once('/') {
        take(draft, Reading::Host(DST), "server", server);
    }
    Some(())
}

/// Columns of the W3C's extended form that bear an observable value.
const W3C: [(&str, Reading); 14] = [
    ("c-ip", Reading::Address(SRC)),
    ("c-port", Reading::SourcePort),
    ("s-ip", Reading::Address(DST)),
    ("s-port", Reading::DestinationPort),
    ("cs-bytes", Reading::SourceBytes),
    ("sc-bytes", Reading::DestinationBytes),
    ("cs-method", Reading::HttpMethod),
    ("cs-host", Reading::HttpHost),
    ("cs(Host)", Reading::HttpHost),
    ("cs-uri-stem", Reading::HttpTarget),
    ("cs-uri", Reading::Url),
    ("cs(Referer)", Reading::Url),
    ("cs(User-Agent)", Reading::UserAgent),
    ("x-forwarded-for", Reading::Address(SRC)),
];

/// Reads the W3C's extended form. `#Fields` names the columns, which blanks part.
#[derive(Debug, Clone, Default)]
pub(crate) struct W3cReader {
    names: Vec<String>,
}

impl W3cReader {
    /// Whether a `#Fields` line came.
    pub(crate) fn knows_its_columns(&self) -> bool {
        !self.names.is_empty()
    }

    /// Takes a line that begins with `#`; true if it is one of this form.
    pub(crate) fn read_header(&mut self, line: &str) -> bool {
        const COLUMNS_MAX: usize = 256;
        let Some(names) = line.strip_prefix("#Fields:") else {
            return ["#Software:", "#Version:", "#Date:", "#Remark:"]
                .iter()
                .any(|start| line.starts_with(start));
        };
        self.names = names.split_ascii_whitespace().take(COLUMNS_MAX).map(str::to_owned).collect();
        true
    }

    /// Reads a record.
    pub(crate) fn read<'a>(&self, text: &'a str) -> Result<Observation<'a>, Unreadable> {
        if self.names.is_empty() {
            return Err(Unreadable::NoHeader);
        }
        let cells: Vec<&str> = text.split_ascii_whitespace().take(self.names.len() + 1).collect();
        if cells.len() != self.names.len() {
            return Err(if cells.len() < self.names.len() {
                Unreadable::CutOff
            } else {
                Unreadable::OtherFormat
            });
        }
        let mut draft = Draft::new();
        let cell =
            |name: &str| self.names.iter().position(|known| known == name).and_then(|at| cells.get(at));
        if let (Some(date), Some(clock)) = (cell("date"), cell("time")) {
            draft.set_time(time::parse(&format!("{date}T{clock}Z")));
        }
        for (name, cell) in self.names.iter().zip(&cells).filter(|(_, cell)| **cell != "-") {
            let Some((known, reading)) = W3C.iter().find(|(known, _)| known == name) else { continue };
            // Blanks are written as `+`.
            let text = match reading {
                Reading::UserAgent => Cow::Owned(cell.replace('+', " ")),
                _ => Cow::Borrowed(*cell),
            };
            draft.take(*reading, Cow::Borrowed(*known), text);
        }
        draft.set_kind(Cow::Borrowed("http"));
        Ok(draft.finish())
    }
}
