//! Warning lists: values that are known to be benign, so that an indicator on them is a producer's mistake.

use std::net::IpAddr;

use foldhash::HashMap;
use serde::Deserialize;
use stix::observable::{ValueKind, canonical, recognise};

use crate::key::{Key, KeyKind, masked, seen};
use crate::suffix::{self, Suffix};

/// Values that no indicator should have. Judged when a set is built: such an indicator is refused with the list's name.
#[derive(Debug, Clone, Default)]
pub struct WarningLists {
    names: Vec<String>,
    exact: HashMap<KeyKind, HashMap<Box<[u8]>, u16>>,
    /// Names with everything below them.
    below: HashMap<Box<[u8]>, u16>,
    /// By length and first address, which is sixteen octets for either kind.
    net4: HashMap<(u8, [u8; 16]), u16>,
    net6: HashMap<(u8, [u8; 16]), u16>,
    net4_lengths: Vec<u8>,
    net6_lengths: Vec<u8>,
    substrings: Vec<(String, u16)>,
    /// The list's number where public suffixes are one.
    suffixes: Option<u16>,
}

/// The name of the list of [`suffix`](crate::suffix).
const SUFFIXES: &str = "public suffixes";

/// The text is no warning list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WarningListError {
    /// A stable code: `warning-list-json`, `warning-list-kind`, `warning-list-full`.
    pub code: &'static str,
    /// Why, for a person.
    pub message: String,
}

/// The parts of a MISP warning list that are used (github.com/MISP/misp-warninglists, `schema.json`).
#[derive(Deserialize)]
struct MispList {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    list: Vec<String>,
}

impl WarningLists {
    /// No list: every value may be matched.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The lists that Yagura brings along: networks that are not on the Internet, public resolvers, names that everybody
    /// visits, the hashes of the empty file, public suffixes. Networks for documentation are not on it: samples and drills use them.
    #[must_use]
    pub fn built_in() -> Self {
        let mut lists = Self::default();
        for (name, values) in crate::benign::LISTS {
            lists.add_values(name, values);
        }
        lists.suffixes = lists.number(SUFFIXES);
        lists
    }

    /// Whether there is no list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names of the lists.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Adds a MISP warning list: `string` (exact values), `hostname` (names with everything below them), `cidr`, `substring`.
    ///
    /// # Errors
    /// `warning-list-json` where the text is none; `warning-list-kind` for `regex` lists, which are not supported.
    pub fn add_misp(&mut self, json: &[u8]) -> Result<(), WarningListError> {
        let error = |code, message: String| WarningListError { code, message };
        let list: MispList = serde_json::from_slice(json)
            .map_err(|e| error("warning-list-json", format!("this is no MISP warning list: {e}")))?;
        let full = || error("warning-list-full", "there are more than 65,535 warning lists".to_owned());
        let number = self.number(&list.name).ok_or_else(full)?;
        match list.kind.as_str() {
            "string" | "cidr" => list.list.iter().for_each(|value| self.add_value(value, number)),
            "hostname" => list.list.iter().for_each(|value| self.add_below(value, number)),
            "substring" => {
                self.substrings.extend(list.list.iter().map(|part| (part.to_ascii_lowercase(), number)));
            }
            other => {
                self.names.pop();
                let message = format!(
                    "lists of type `{other}` are not supported; convert it to `string` or `hostname`"
                );
                return Err(error("warning-list-kind", message));
            }
        }
        Ok(())
    }

    /// Adds a list of values, one a line; `#` begins a comment; `.name` is a name with everything below it.
    pub fn add_lines(&mut self, name: &str, text: &str) {
        let values: Vec<&str> =
            text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).collect();
        self.add_values(name, &values);
    }

    fn add_values(&mut self, name: &str, values: &[&str]) {
        let Some(number) = self.number(name) else { return };
        for value in values.iter().filter(|value| !value.is_empty()) {
            match value.strip_prefix('.') {
                Some(parent) => self.add_below(parent, number),
                None => self.add_value(value, number),
            }
        }
    }

    fn number(&mut self, name: &str) -> Option<u16> {
        let number = u16::try_from(self.names.len()).ok()?;
        self.names.push(name.to_owned());
        Some(number)
    }

    fn add_value(&mut self, value: &str, list: u16) {
        let Some(key) = recognise(value).and_then(|(kind, text)| Key::from_canonical(kind, &text)) else {
            return;
        };
        match key.kind {
            KeyKind::Net4(length) => {
                self.net4.extend(masked(&key.bytes, length).map(|first| ((length, first.octets()), list)));
                insert_sorted(&mut self.net4_lengths, length);
            }
            KeyKind::Net6(length) => {
                self.net6.extend(masked(&key.bytes, length).map(|first| ((length, first.octets()), list)));
                insert_sorted(&mut self.net6_lengths, length);
            }
            kind => {
                self.exact.entry(kind).or_default().insert(key.bytes, list);
            }
        }
    }

    fn add_below(&mut self, name: &str, list: u16) {
        if let Some((_, name)) = canonical(ValueKind::Domain, name.trim_start_matches('.')) {
            self.below.insert(name.into_bytes().into(), list);
        }
    }

    /// The list that an observed value is on.
    #[must_use]
    pub fn list_of(&self, kind: ValueKind, text: &str) -> Option<&str> {
        let key = seen(kind, text)?;
        self.find(key.kind, &key.bytes)
    }

    /// The list that a value is on. A network is on a list if it lies within one of the list's networks.
    pub(crate) fn find(&self, kind: KeyKind, value: &[u8]) -> Option<&str> {
        if self.names.is_empty() {
            return None;
        }
        let list = self.find_exact(kind, value).or_else(|| match kind {
            KeyKind::V4 => within(&self.net4, &self.net4_lengths, 32, value),
            KeyKind::V6 => within(&self.net6, &self.net6_lengths, 128, value),
            KeyKind::Net4(length) => within(&self.net4, &self.net4_lengths, length, value),
            KeyKind::Net6(length) => within(&self.net6, &self.net6_lengths, length, value),
            KeyKind::Domain | KeyKind::DomainBelow => {
                self.find_name(value).or_else(|| self.find_suffix(kind, value))
            }
            KeyKind::Url => self.find_site(value),
            KeyKind::UrlPath | KeyKind::UrlBelow => {
                self.find_exact(KeyKind::Url, value).or_else(|| self.find_site(value))
            }
            _ => None,
        });
        let list = list.or_else(|| self.find_substring(value));
        list.and_then(|number| self.names.get(usize::from(number))).map(String::as_str)
    }

    fn find_exact(&self, kind: KeyKind, value: &[u8]) -> Option<u16> {
        self.exact.get(&kind)?.get(value).copied()
    }

    fn find_name(&self, name: &[u8]) -> Option<u16> {
        let mut rest = name;
        loop {
            if let Some(list) = self.below.get(rest) {
                return Some(*list);
            }
            match memchr::memchr(b'.', rest).and_then(|dot| rest.get(dot + 1..)) {
                Some(parent) => rest = parent,
                None => return self.find_exact(KeyKind::Domain, name),
            }
        }
    }

    /// A registry's name tells nothing, and what is below it is everybody's; a service's own name may be asked for.
    fn find_suffix(&self, kind: KeyKind, name: &[u8]) -> Option<u16> {
        let list = self.suffixes?;
        match suffix::of(name)? {
            Suffix::Registry => Some(list),
            Suffix::Service => (kind == KeyKind::DomainBelow).then_some(list),
        }
    }

    /// A URL of a benign site counts as benign only if it is the site itself: malware is also put on well-known hosts.
    fn find_site(&self, url: &[u8]) -> Option<u16> {
        let text = std::str::from_utf8(url).ok()?;
        let (_, rest) = text.split_once("://")?;
        let host = rest.strip_suffix('/').filter(|host| !host.contains(['/', '?']))?;
        match host.parse::<IpAddr>() {
            Ok(address) => {
                let key = Key::address(address);
                self.find(key.kind, &key.bytes).and_then(|name| self.number_of(name))
            }
            Err(_) => self.find_name(host.as_bytes()),
        }
    }

    fn number_of(&self, name: &str) -> Option<u16> {
        self.names.iter().position(|known| known == name).and_then(|at| u16::try_from(at).ok())
    }

    fn find_substring(&self, value: &[u8]) -> Option<u16> {
        if self.substrings.is_empty() {
            return None;
        }
        let text = std::str::from_utf8(value).ok()?.to_ascii_lowercase();
        self.substrings.iter().find(|(part, _)| text.contains(part.as_str())).map(|(_, list)| *list)
    }
}

fn insert_sorted(lengths: &mut Vec<u8>, length: u8) {
    if let Err(at) = lengths.binary_search(&length) {
        lengths.insert(at, length);
    }
}

fn within(nets: &HashMap<(u8, [u8; 16]), u16>, lengths: &[u8], at_most: u8, address: &[u8]) -> Option<u16> {
    lengths
        .iter()
        .take_while(|length| **length <= at_most)
        .find_map(|length| nets.get(&(*length, masked(address, *length)?.octets())).copied())
}
