//! Logs of lines: syslog, web servers and proxies, name servers.

use std::borrow::Cow;

use telemetry::{Format, Reader, Role};

use crate::logsource::{DNS, Source, WEB};
use crate::network::split_target;
use crate::record::{Fields, Record};

/// A message of syslog: its text under `message`, for rules of keywords, and the pairs of the kernel's audit by their names.
pub(crate) fn syslog(line: &str) -> Record {
    let (program, message) = program(line);
    let mut fields = Fields::new();
    fields.insert("message".to_owned(), message.into());
    let is_audit = message.contains("type=") && message.contains("msg=audit(");
    if is_audit {
        for pair in message.split_ascii_whitespace() {
            if let Some((name, value)) = pair.split_once('=') {
                fields.insert(name.to_owned(), value.trim_matches(['"', '\'']).into());
            }
        }
    }
    let service = match program.to_ascii_lowercase().as_str() {
        _ if is_audit => Some("auditd"),
        "audispd" | "auditd" => Some("auditd"),
        "sshd" | "sshd-session" => Some("sshd"),
        "crond" | "cron" => Some("cron"),
        "clamd" | "freshclam" | "clamav" => Some("clamav"),
        "sudo" => Some("sudo"),
        "su" | "login" | "systemd-logind" => Some("auth"),
        "vsftpd" => Some("vsftpd"),
        "guacd" | "guacamole" => Some("guacamole"),
        _ => None,
    };
    let services = [Some(Cow::Borrowed("syslog")), service.map(Cow::Borrowed)];
    Record::new(fields, Source { products: &["linux"], services, categories: &[] })
}

/// The program that a line of syslog names, and what it says. RFC 5424: the fourth word after the version; RFC 3164: the
/// word before the first `: `.
fn program(line: &str) -> (&str, &str) {
    let after_priority =
        line.strip_prefix('<').and_then(|rest| rest.split_once('>')).map_or(line, |(_, rest)| rest);
    if let Some(rest) = after_priority.strip_prefix("1 ") {
        let program = rest.split(' ').nth(2).unwrap_or_default();
        let message = rest.splitn(6, ' ').nth(5).unwrap_or_default();
        return (program, message);
    }
    let Some((head, message)) = after_priority.split_once(": ") else { return ("", after_priority) };
    let tag = head.rsplit(' ').next().unwrap_or_default();
    (tag.split('[').next().unwrap_or_default(), message)
}

/// A request in an access log: common and combined, Squid's own, or W3C extended under `columns`.
pub(crate) fn access(line: &str, columns: &[String]) -> Option<Record> {
    let mut fields = if columns.is_empty() {
        combined(line).or_else(|| squid(line))?
    } else {
        let cells: Vec<&str> = line.split_ascii_whitespace().collect();
        if cells.len() != columns.len() {
            return None;
        }
        let named = columns.iter().zip(cells).filter(|(_, cell)| *cell != "-");
        named.map(|(name, cell)| (name.clone(), cell.into())).collect()
    };
    for (name, known) in [
        ("cs-user-agent", "cs(User-Agent)"),
        ("c-useragent", "cs(User-Agent)"),
        ("cs-referer", "cs(Referer)"),
        ("c-uri", "cs-uri"),
        ("c-uri", "cs-uri-stem"),
    ] {
        if let Some(value) = fields.get(known).cloned() {
            fields.entry(name).or_insert(value);
        }
    }
    split_target(&mut fields);
    let services = [Some(Cow::Borrowed("apache")), Some(Cow::Borrowed("nginx"))];
    Some(Record::new(fields, Source { products: &["apache", "nginx"], services, categories: WEB }))
}

/// `host ident user [time] "GET /path HTTP/1.1" 200 512 "referrer" "agent"`.
fn combined(line: &str) -> Option<Fields> {
    let mut quoted = line.split('"');
    let (head, request, counts) = (quoted.next()?, quoted.next()?, quoted.next()?);
    let mut head = head.split_ascii_whitespace();
    let (client, user) = (head.next()?, head.nth(1)?);
    let mut request = request.split(' ');
    let (method, target) = (request.next()?, request.next()?);
    let mut counts = counts.split_ascii_whitespace();
    let (status, bytes) = (counts.next()?, counts.next().unwrap_or("-"));
    let (referrer, agent) = (quoted.next().unwrap_or("-"), quoted.nth(1).unwrap_or("-"));
    let named = [
        ("c-ip", client),
        ("cs-username", user),
        ("cs-method", method),
        ("cs-uri", target),
        ("sc-status", status),
        ("sc-bytes", bytes),
        ("cs(Referer)", referrer),
        ("cs(User-Agent)", agent),
    ];
    Some(given(named))
}

/// `1700000000.000 12 192.0.2.1 TCP_MISS/200 512 GET http://example.com/ - DIRECT/198.51.100.7 text/html`.
fn squid(line: &str) -> Option<Fields> {
    let words: Vec<&str> = line.split_ascii_whitespace().take(10).collect();
    let [_, _, client, outcome, bytes, method, target, user, ..] = words.as_slice() else { return None };
    let (_, status) = outcome.split_once('/')?;
    let host = target
        .split_once("://")
        .map_or(*target, |(_, rest)| rest)
        .split(['/', '?'])
        .next()
        .unwrap_or_default();
    let named = [
        ("c-ip", *client),
        ("sc-status", status),
        ("sc-bytes", bytes),
        ("cs-method", method),
        ("cs-uri", target),
        ("cs-host", host),
        ("cs-username", user),
    ];
    Some(given(named))
}

fn given<const N: usize>(named: [(&str, &str); N]) -> Fields {
    let said = named.into_iter().filter(|(_, value)| *value != "-");
    said.map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// A query in the log of a name server, as `telemetry` reads it.
pub(crate) fn dns(line: &str) -> Option<Record> {
    let mut reader = Reader::new(Format::Dns);
    let observation = reader.read(line.as_bytes()).ok()??;
    let mut fields = Fields::new();
    fields.insert("message".to_owned(), line.into());
    for value in &observation.values {
        let name = match value.role {
            Role::Content => "query",
            Role::Source => "src_ip",
            Role::Destination => "dst_ip",
        };
        fields.entry(name).or_insert_with(|| value.value.as_ref().into());
    }
    Some(Record::new(fields, Source { products: &[], services: [None, None], categories: DNS }))
}
