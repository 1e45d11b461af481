//! Query logs of DNS servers: BIND (also its response policy zones), Unbound, dnsmasq (Pi-hole), CoreDNS, and the debug log of
//! Windows DNS. A line may stand behind the header of a syslog daemon.

use std::borrow::Cow;

use crate::reading::{Draft, Reading};
use crate::{Observation, Role, Unreadable, time};

/// Reads one line, with or without what the server's own log writes before it.
pub(crate) fn read(text: &str) -> Result<Observation<'_>, Unreadable> {
    let mut draft = Draft::new();
    let read = bind(text, &mut draft)
        .or_else(|| unbound(text, &mut draft))
        .or_else(|| dnsmasq(text, &mut draft))
        .or_else(|| core_dns(text, &mut draft))
        .or_else(|| windows(text, &mut draft));
    read.ok_or(Unreadable::OtherFormat)?;
    draft.set_kind(Cow::Borrowed("dns"));
    Ok(draft.finish())
}

fn take<'a>(draft: &mut Draft<'a>, reading: Reading, field: &'static str, text: &'a str) {
    draft.take(reading, Cow::Borrowed(field), Cow::Borrowed(text));
}

const CLIENT: Reading = Reading::AddressPort(Role::Source);
const NAME: Reading = Reading::Host(Role::Content);

/// `… client @0x7f0 192.0.2.1#53123 (a.example): query: a.example IN A +E(0)K (192.0.2.53)`, and `rpz QNAME … rewrite …` in the
/// place of `query`.
fn bind<'a>(text: &'a str, draft: &mut Draft<'a>) -> Option<()> {
    let (before, rest) = text.split_once("client ")?;
    let rest = if rest.starts_with('@') { rest.split_once(' ')?.1 } else { rest };
    let (client, rest) = rest.split_once(' ').filter(|(client, _)| client.contains('#'))?;
    let named = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    match (rest.split_once("query: "), named) {
        (Some((_, query)), _) => {
            let mut words = query.split_ascii_whitespace();
            let name = words.next()?;
            take(draft, CLIENT, "client", client.trim_end_matches(':'));
            take(draft, NAME, "query", name);
            let server = words.last().and_then(|word| word.strip_prefix('(')?.strip_suffix(')'));
            if let Some(server) = server {
                take(draft, Reading::Address(Role::Destination), "server", server);
            }
        }
        (None, Some((name, rest))) if rest.contains("rpz ") => {
            take(draft, CLIENT, "client", client);
            take(draft, NAME, "query", name);
        }
        _ => return None,
    }
    // `15-Jan-2026 09:00:00.000 queries: info: `
    draft.set_time(before.get(..24).and_then(time::parse_bind));
    Some(())
}

/// `[1768435200] unbound[1:0] info: 192.0.2.1 a.example. A IN`, perhaps with `query: ` or `reply: ` before and the answer's code
/// behind.
fn unbound<'a>(text: &'a str, draft: &mut Draft<'a>) -> Option<()> {
    let (before, rest) = ["info: ", "query: ", "reply: "].iter().find_map(|tag| text.split_once(*tag))?;
    let rest = rest.strip_prefix("query: ").or_else(|| rest.strip_prefix("reply: ")).unwrap_or(rest);
    let mut words = rest.split_ascii_whitespace();
    let (client, name, _kind, class) = (words.next()?, words.next()?, words.next()?, words.next()?);
    crate::text::address_kind(client)?;
    if !matches!(class, "IN" | "CH" | "HS" | "ANY") {
        return None;
    }
    take(draft, Reading::Address(Role::Source), "client", client);
    take(draft, NAME, "query", name);
    let stamp = before.trim_ascii().strip_prefix('[').and_then(|rest| rest.split_once(']'));
    draft.set_time(stamp.and_then(|(stamp, _)| time::parse_count(stamp)));
    Some(())
}

/// `query[A] a.example from 192.0.2.1`, `reply a.example is 198.51.100.7`, `forwarded a.example to 192.0.2.53`.
fn dnsmasq<'a>(text: &'a str, draft: &mut Draft<'a>) -> Option<()> {
    let mut words = text.split_ascii_whitespace().skip_while(|word| {
        !(word.starts_with("query[")
            || matches!(*word, "reply" | "cached" | "forwarded" | "config" | "validation"))
    });
    let (verb, name, link, value) = (words.next()?, words.next()?, words.next()?, words.next()?);
    match (verb, link) {
        (verb, "from") if verb.starts_with("query[") && verb.ends_with(']') => {
            take(draft, NAME, "query", name);
            take(draft, Reading::Address(Role::Source), "client", value);
        }
        ("reply" | "cached" | "config", "is") => {
            take(draft, NAME, "query", name);
            take(draft, NAME, "answer", value);
        }
        ("forwarded", "to") => {
            take(draft, NAME, "query", name);
            take(draft, Reading::AddressPort(Role::Destination), "server", value);
        }
        _ => return None,
    }
    Some(())
}

/// `[INFO] 192.0.2.1:40212 - 50759 "A IN a.example. udp 41 false 4096" NOERROR qr,rd,ra 106 0.0s`
fn core_dns<'a>(text: &'a str, draft: &mut Draft<'a>) -> Option<()> {
    let (before, rest) = text.split_once(" - ")?;
    let client = before.rsplit(' ').next()?;
    let question = rest.split('"').nth(1)?;
    let mut words = question.split_ascii_whitespace();
    let (_kind, class, name, protocol) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if class != "IN" || !matches!(protocol, "udp" | "tcp" | "tls" | "https" | "grpc") {
        return None;
    }
    take(draft, CLIENT, "client", client);
    take(draft, NAME, "query", name);
    if matches!(protocol, "udp" | "tcp") {
        take(draft, Reading::Protocol, "protocol", protocol);
    }
    Some(())
}

/// `1/15/2026 9:00:00 AM 0E70 PACKET  00000000028657F0 UDP Rcv 192.0.2.1 0002 Q [0001 D NOERROR] A (1)a(7)example(0)`. The time is
/// written as the machine's language has it, so it is not read.
fn windows<'a>(text: &'a str, draft: &mut Draft<'a>) -> Option<()> {
    let (_, rest) = text.split_once(" PACKET ")?;
    let mut words = rest.split_ascii_whitespace().skip(1);
    let (protocol, way, peer) = (words.next()?, words.next()?, words.next()?);
    let role = match way {
        "Rcv" => Role::Source,
        "Snd" => Role::Destination,
        _ => return None,
    };
    let labels = words.last().filter(|last| last.starts_with('(') && last.ends_with(')'))?;
    let mut name = String::with_capacity(labels.len());
    for label in labels.split('(').filter_map(|part| part.split_once(')')).map(|(_, label)| label) {
        if !label.is_empty() {
            name.push_str(label);
            name.push('.');
        }
    }
    take(draft, Reading::Protocol, "protocol", protocol);
    take(draft, Reading::Address(role), "peer", peer);
    draft.take(NAME, Cow::Borrowed("query"), Cow::Owned(name));
    Some(())
}
