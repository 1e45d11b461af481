//! `key=value` in the messages of firewalls, proxies and the Common Event Format (CEF). What no key names is read as prose.

use std::borrow::Cow;
use std::ops::Range;

use crate::Role;
use crate::prose;
use crate::reading::{Draft, Reading};

const SRC: Role = Role::Source;
const DST: Role = Role::Destination;
const IN: Role = Role::Content;

/// The keys that bear an observable value, in lower case: netfilter, FortiGate, CEF (its standard keys), pf, Sophos and the like.
const KEYS: [(&str, Reading); 67] = [
    ("src", Reading::Host(SRC)),
    ("srcip", Reading::Address(SRC)),
    ("src_ip", Reading::Address(SRC)),
    ("srcaddr", Reading::Address(SRC)),
    ("sourceip", Reading::Address(SRC)),
    ("source_ip", Reading::Address(SRC)),
    ("sourceaddress", Reading::Address(SRC)),
    ("client_ip", Reading::Address(SRC)),
    ("clientip", Reading::Address(SRC)),
    ("c_ip", Reading::Address(SRC)),
    ("remip", Reading::Address(SRC)),
    ("sourcetranslatedaddress", Reading::Address(SRC)),
    ("shost", Reading::Host(SRC)),
    ("sourcehost", Reading::Host(SRC)),
    ("dst", Reading::Host(DST)),
    ("dstip", Reading::Address(DST)),
    ("dst_ip", Reading::Address(DST)),
    ("dstaddr", Reading::Address(DST)),
    ("destip", Reading::Address(DST)),
    ("dest_ip", Reading::Address(DST)),
    ("destinationip", Reading::Address(DST)),
    ("destination_ip", Reading::Address(DST)),
    ("destinationaddress", Reading::Address(DST)),
    ("destinationtranslatedaddress", Reading::Address(DST)),
    ("dhost", Reading::Host(DST)),
    ("destinationdnsdomain", Reading::Host(DST)),
    ("spt", Reading::SourcePort),
    ("srcport", Reading::SourcePort),
    ("src_port", Reading::SourcePort),
    ("sport", Reading::SourcePort),
    ("dpt", Reading::DestinationPort),
    ("dstport", Reading::DestinationPort),
    ("dst_port", Reading::DestinationPort),
    ("dest_port", Reading::DestinationPort),
    ("dport", Reading::DestinationPort),
    ("proto", Reading::Protocol),
    ("protocol", Reading::Protocol),
    ("sentbyte", Reading::SourceBytes),
    ("out", Reading::SourceBytes),
    ("rcvdbyte", Reading::DestinationBytes),
    ("in", Reading::DestinationBytes),
    ("smac", Reading::AnyMac(SRC)),
    ("srcmac", Reading::AnyMac(SRC)),
    ("dmac", Reading::AnyMac(DST)),
    ("dstmac", Reading::AnyMac(DST)),
    ("hostname", Reading::HttpHost),
    ("url", Reading::HttpTarget),
    ("request", Reading::Url),
    ("requestmethod", Reading::HttpMethod),
    ("httpmethod", Reading::HttpMethod),
    ("requestclientapplication", Reading::UserAgent),
    ("agent", Reading::UserAgent),
    ("qname", Reading::Host(IN)),
    ("query", Reading::Host(IN)),
    ("fname", Reading::FileName),
    ("filename", Reading::FileName),
    ("filepath", Reading::FilePath),
    ("filehash", Reading::Hash),
    ("md5", Reading::Md5),
    ("sha1", Reading::Sha1),
    ("sha256", Reading::Sha256),
    ("suser", Reading::Account),
    ("duser", Reading::Account),
    ("from", Reading::Emails(SRC)),
    ("sender", Reading::Emails(SRC)),
    ("to", Reading::Emails(DST)),
    ("recipient", Reading::Emails(DST)),
];

/// Reads a message. The fields are named by their keys, what is found between them by `field`.
pub(crate) fn read<'a>(field: &str, message: &'a str, draft: &mut Draft<'a>) {
    let spaced = message.starts_with("CEF:");
    let pairs = pairs(message, spaced);
    let mut end = 0;
    for Pair { key, value, whole } in pairs {
        let lower = key.to_ascii_lowercase();
        let Some((_, reading)) = KEYS.iter().find(|(known, _)| *known == lower) else { continue };
        if matches!(reading, Reading::Emails(_)) && !value.contains('@') {
            continue;
        }
        prose::read(field, message.get(end..whole.start).unwrap_or_default(), draft);
        end = whole.end;
        draft.take(*reading, Cow::Borrowed(key), plain(value, spaced));
    }
    prose::read(field, message.get(end..).unwrap_or_default(), draft);
}

struct Pair<'a> {
    key: &'a str,
    value: &'a str,
    whole: Range<usize>,
}

/// The pairs of a message. A value in quotes ends with them, another at the next blank; where blanks may stand in values
/// (`spaced`), at the last blank before the next key.
fn pairs(message: &str, spaced: bool) -> Vec<Pair<'_>> {
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    let mut from = 0;
    while let Some(equals) = message.get(from..).and_then(|rest| rest.find('=')).map(|at| from + at) {
        let before = message.get(from..equals).unwrap_or_default();
        let key_start = before
            .rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'))
            .map_or(from, |at| {
                from + at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
            });
        let key = message.get(key_start..equals).unwrap_or_default();
        let rest = message.get(equals + 1..).unwrap_or_default();
        let length = match rest.strip_prefix('"') {
            Some(quoted) => 1 + closing_quote(quoted),
            None if spaced => spaced_length(rest),
            None => rest
                .find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | ')' | ']'))
                .unwrap_or(rest.len()),
        };
        let end = equals + 1 + length;
        if !key.is_empty() {
            let value = message.get(equals + 1..end).unwrap_or_default();
            pairs.push(Pair { key, value, whole: key_start..end });
        }
        from = end.max(equals + 1);
    }
    pairs
}

/// How far a quoted value goes, its closing quote included.
fn closing_quote(quoted: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in quoted.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    quoted.len()
}

/// How far a value with blanks goes: to the blank before the word that holds the next `=`.
fn spaced_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'=' => return rest.get(..at).and_then(|before| before.rfind(' ')).unwrap_or(at),
            _ => {}
        }
    }
    rest.len()
}

/// A value without its quotes and escapes.
fn plain(value: &str, spaced: bool) -> Cow<'_, str> {
    let inner = value.strip_prefix('"').map_or(value, |rest| rest.strip_suffix('"').unwrap_or(rest));
    if (!spaced && inner.len() == value.len()) || !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        out.push(c);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::reading::Draft;

    fn check(text: &str, expected: &[&str]) {
        let mut draft = Draft::new();
        read("message", text, &mut draft);
        let found: Vec<String> = draft
            .finish()
            .values
            .iter()
            .map(|value| format!("{} {} {}", value.field, value.kind.name(), value.value))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn pairs_of_several_writers() {
        check(
            "IN=eth0 OUT= MAC=00:11 SRC=192.0.2.1 DST=198.51.100.7 LEN=60 PROTO=TCP SPT=4242 DPT=443",
            &["SRC ipv4-addr 192.0.2.1", "DST ipv4-addr 198.51.100.7"],
        );
        check(
            r#"srcip=192.0.2.1 hostname="a.example" url="/x \"y\"" agent="Some Agent/1.0" note="see b.example""#,
            &[
                "srcip ipv4-addr 192.0.2.1",
                "agent user-agent Some Agent/1.0",
                "message domain-name b.example",
                r#"url url http://a.example/x "y""#,
                "hostname domain-name a.example",
            ],
        );
        check(
            r"CEF:0|Maker|Product|1|100|Title|5|src=192.0.2.1 requestClientApplication=Some Agent (X; Y) request=http://a.example/?x\=y dst=198.51.100.7",
            &[
                "src ipv4-addr 192.0.2.1",
                "requestClientApplication user-agent Some Agent (X; Y)",
                "request url http://a.example/?x=y",
                "request domain-name a.example",
                "dst ipv4-addr 198.51.100.7",
            ],
        );
        check("=== a==b =", &[]);
    }
}
