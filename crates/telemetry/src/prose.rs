//! Addresses, names, URLs, hashes and mail addresses in text that was written for people.
//!
//! What is found here only becomes a match if an indicator asks for exactly this value, so the rules may let through what merely
//! looks like a name; they must not cut a value short or put two together.

use std::borrow::Cow;

use stix::observable::ValueKind;

use crate::Role;
use crate::reading::{Draft, Reading};
use crate::text::{address_kind, is_host_name};

/// Endings of file names and of units that are no top-level domains.
const NO_DOMAINS: [&str; 32] = [
    "bat", "bin", "cfg", "class", "cmd", "conf", "config", "css", "csv", "dat", "dll", "doc", "exe", "gif",
    "htm", "html", "ini", "jpg", "js", "json", "lock", "log", "pdf", "php", "png", "service", "slice",
    "socket", "target", "timer", "tmp", "txt",
];

/// Finds the values in a text. What stands behind `from`, `src` and the like belongs to the source, behind `to`, `dst` and the
/// like to the destination.
pub(crate) fn read<'a>(field: &str, text: &str, draft: &mut Draft<'a>) {
    let mut role = Role::Content;
    for word in text.split_whitespace() {
        if draft.is_full() {
            return;
        }
        let next = role_after(word);
        read_word(field, word, role, draft);
        role = next;
    }
}

fn role_after(word: &str) -> Role {
    const SOURCE: [&str; 4] = ["from", "src", "source", "client"];
    const DESTINATION: [&str; 5] = ["to", "dst", "dest", "destination", "server"];
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if word.len() > 11 {
        return Role::Content;
    }
    let word = word.to_ascii_lowercase();
    if SOURCE.contains(&word.as_str()) {
        Role::Source
    } else if DESTINATION.contains(&word.as_str()) {
        Role::Destination
    } else {
        Role::Content
    }
}

fn read_word(field: &str, word: &str, role: Role, draft: &mut Draft<'_>) {
    if let Some(url) = url_in(word) {
        draft.take(Reading::Url, Cow::Owned(field.to_owned()), Cow::Owned(url.to_owned()));
        return;
    }
    let borders = |c: char| {
        matches!(c, '"' | '\'' | '`' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | '|' | '=')
            || c == '\u{0}'
    };
    for token in word.split(borders) {
        read_token(field, token.trim_matches(['.', '!', '?', '*']), role, draft);
    }
}

/// The URL in a word, without what a sentence puts around it. A closing bracket belongs to the URL if its opening one does.
fn url_in(word: &str) -> Option<&str> {
    let at = word.find("://")?;
    let scheme = word.get(..at)?;
    let letters =
        scheme.bytes().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-')).count();
    let url = word.get(at - letters..)?;
    let end = url.find(['"', '<', '>', '\'', '`', '|']).unwrap_or(url.len());
    let mut url = url.get(..end)?;
    loop {
        let shorter = url.trim_end_matches(['.', ',', ';', ':', '!', '?', ']', '}']);
        let shorter = if shorter.contains('(') { shorter } else { shorter.trim_end_matches(')') };
        if shorter.len() == url.len() {
            return Some(url);
        }
        url = shorter;
    }
}

fn read_token(field: &str, token: &str, role: Role, draft: &mut Draft<'_>) {
    if token.len() < 3 || token.len() > 1024 {
        return;
    }
    let unzoned = token.split('%').next().unwrap_or(token);
    if let Some(kind) = address_kind(unzoned) {
        return push(field, kind, unzoned, role, draft);
    }
    let token = token.trim_matches(':');
    if token.len() == 17 && token.bytes().filter(|byte| *byte == b':').count() == 5 {
        return draft.take(Reading::Mac(role), Cow::Owned(field.to_owned()), Cow::Owned(token.to_owned()));
    }
    if token.contains('@') {
        return draft.take(Reading::Emails(role), Cow::Owned(field.to_owned()), Cow::Owned(token.to_owned()));
    }
    // `outside:192.0.2.1/80`, `a.example:443`, `a.example/path`; a path that begins with `/` names no host.
    for piece in token.split(':') {
        let piece = piece.split('/').next().unwrap_or(piece);
        match address_kind(piece).or_else(|| hash_kind(piece)) {
            Some(kind) => push(field, kind, piece, role, draft),
            None if is_name(piece) => push(field, ValueKind::Domain, piece, role, draft),
            None => {}
        }
    }
}

fn push(field: &str, kind: ValueKind, text: &str, role: Role, draft: &mut Draft<'_>) {
    draft.push(Cow::Owned(field.to_owned()), kind, Cow::Owned(text.to_owned()), role);
}

/// Hexadecimal digits of a hash's length, with letters and figures: a long number is none.
fn hash_kind(token: &str) -> Option<ValueKind> {
    let kind = match token.len() {
        32 => ValueKind::Md5,
        40 => ValueKind::Sha1,
        64 => ValueKind::Sha256,
        128 => ValueKind::Sha512,
        _ => return None,
    };
    let hexadecimal = token.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mixed = token.bytes().any(|byte| byte.is_ascii_digit())
        && token.bytes().any(|byte| byte.is_ascii_alphabetic());
    (hexadecimal && mixed).then_some(kind)
}

/// Whether a word of a text can be a domain name: its last label is letters and no ending of files.
fn is_name(word: &str) -> bool {
    let Some((before, last)) = word.trim_end_matches('.').rsplit_once('.') else { return false };
    let top = last.len() >= 2
        && (last.bytes().all(|byte| byte.is_ascii_alphabetic())
            || last.starts_with("xn--")
            || !last.is_ascii());
    let labels = before
        .split('.')
        .all(|label| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-'));
    top && labels
        && is_host_name(word)
        && before.bytes().any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
        && !NO_DOMAINS.contains(&last.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::reading::Draft;

    fn check(text: &str, expected: &[&str]) {
        let mut draft = Draft::new();
        read("text", text, &mut draft);
        let found: Vec<String> = draft
            .finish()
            .values
            .iter()
            .map(|value| format!("{} {} {:?}", value.kind.name(), value.value, value.role))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn values_among_words() {
        check("Failed password for root from 192.0.2.1 port 22 ssh2", &["ipv4-addr 192.0.2.1 Source"]);
        check(
            "Deny tcp src outside:198.51.100.7/80 dst inside:10.0.0.5/8277 by access-group \"in\"",
            &["ipv4-addr 198.51.100.7 Source", "ipv4-addr 10.0.0.5 Destination"],
        );
        check(
            "fetched (https://a.example:8443/x?y=z,1). Then <hxxp> b.example, c.example/path and d.example:53!",
            &[
                "url https://a.example:8443/x?y=z,1 Content",
                "domain-name a.example Content",
                "domain-name b.example Content",
                "domain-name c.example Content",
                "domain-name d.example Content",
            ],
        );
        check(
            "mail=<a@b.example> addr=[2001:db8::1]:443 fe80::1%eth0 mac 00:11:22:aa:bb:cc",
            &[
                "email-addr a@b.example Content",
                "ipv6-addr 2001:db8::1 Content",
                "ipv6-addr fe80::1 Content",
                "mac-addr 00:11:22:aa:bb:cc Content",
            ],
        );
        check(
            "sha1:0aa118c304453007c84a08ba8002ff4c6e9da51e and d41d8cd98f00b204e9800998ecf8427e",
            &[
                "file:hashes.SHA-1 0aa118c304453007c84a08ba8002ff4c6e9da51e Content",
                "file:hashes.MD5 d41d8cd98f00b204e9800998ecf8427e Content",
            ],
        );
    }

    #[test]
    fn what_only_looks_like_a_value() {
        check(
            "at 12:34:56 version 1.2 sshd.service config.json /etc/a.example/b 12345678901234567890123456789012",
            &[],
        );
        check("3.14 e.g. i.e. ... -- . :: v2.0.1-rc a..b -x.example", &[]);
    }
}
