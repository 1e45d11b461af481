//! Lists of indicators: free text (reports, mails, defanged or not) and CSV.

use std::collections::HashSet;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use stix::marking::Tlp;
use stix::observable::{ValueKind, recognise};

use crate::extension::derived;
use crate::facts::quoted;
use crate::lenient::parse_time;
use crate::report::Report;

/// Indicators that one list may hold.
pub const VALUES_MAX: usize = 2_000_000;
/// Shorter words are no values.
const SHORTEST: usize = 4;

/// Where a list comes from, and how far it is to be believed and shared.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name: stands in every indicator, and the indicators' identifiers follow from it and the value.
    pub name: String,
    /// Confidence, 0 to 100, of what does not say its own.
    pub confidence: Option<u8>,
    /// Who may have it; unmarked objects stay with whoever brings them.
    pub tlp: Option<Tlp>,
    /// The date of the list: a later one makes new versions.
    pub date: Timestamp,
}

/// Indicators, and the account of what was passed over.
#[derive(Debug, Clone, Default)]
pub struct MadeIndicators {
    /// The objects, each as its JSON text.
    pub objects: Vec<Bytes>,
    /// The account.
    pub report: Report,
}

/// What one entry of a list says.
#[derive(Debug, Default)]
struct Entry {
    value: String,
    confidence: Option<u8>,
    comment: Option<String>,
    seen: Option<Timestamp>,
    labels: Vec<String>,
}

/// Every address, domain name, URL, hash, e-mail address and CVE number of a text, also defanged (`hxxp://evil[.]example`).
/// `#` begins a comment. Other words are passed over: a report is prose.
#[must_use]
pub fn from_text(text: &str, source: &Source) -> MadeIndicators {
    let mut making = Making::new(source);
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('#') || line.starts_with("//") {
            continue;
        }
        for word in words(line) {
            making.add(Entry { value: word.to_owned(), ..Entry::default() }, false);
        }
    }
    making.made
}

/// The values of a text that can be looked for, each once, in the order in which they stand; `max` at most, and whether there are more. In
/// Japanese nothing stands between a value and what follows it, so a word with other letters is looked at without them first.
#[must_use]
pub fn values_in(text: &str, max: usize) -> (Vec<(ValueKind, String)>, bool) {
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    for word in words(text) {
        let parts = word.split(|c: char| !c.is_ascii()).map(trimmed);
        let mut values: Vec<(ValueKind, String)> = parts.filter_map(value_of).collect();
        if values.is_empty() {
            values.extend(value_of(word));
        }
        for value in values {
            if known.contains(&value) {
                continue;
            }
            if found.len() >= max {
                return (found, true);
            }
            known.insert(value.clone());
            found.push(value);
        }
    }
    (found, false)
}

/// The pattern by which a value is looked for; `None` for kinds that are no indicators by themselves.
#[must_use]
pub fn pattern(kind: ValueKind, value: &str) -> Option<String> {
    let constant = if kind == ValueKind::AutonomousSystem { value.to_owned() } else { quoted(value) };
    Some(format!("[{} = {constant}]", path(kind)?))
}

fn value_of(word: &str) -> Option<(ValueKind, String)> {
    recognise(word).filter(|(kind, _)| word.len() >= SHORTEST && path(*kind).is_some())
}

/// The words of a text in which values may be.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let between =
        |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '"' | '「' | '」' | '、' | '（' | '）');
    text.split(between).map(trimmed).filter(|word| word.len() >= SHORTEST)
}

/// A word without what prose puts around it.
fn trimmed(word: &str) -> &str {
    let word = word.trim_matches(|c: char| matches!(c, '.' | ':' | '!' | '?' | '\'' | '`' | '<' | '>' | '*'));
    let word = word.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(word);
    let word = word.strip_suffix(')').filter(|rest| !rest.contains('(')).unwrap_or(word);
    word.strip_prefix('(').filter(|rest| !rest.contains(')')).unwrap_or(word)
}

/// A CSV list. With a header, the columns `value` (or `indicator`, `ioc`, `ip`, `domain`, `url`, `hash`, …), `confidence`, `comment`
/// (or `description`), `first_seen` (or `date`) and `tags` are used; without one, the first column that holds values. `#` begins a
/// comment.
///
/// # Errors
/// Where it is no CSV, with the line.
pub fn from_csv(text: &[u8], source: &Source) -> Result<MadeIndicators, csv::Error> {
    let delimiter = [b';', b'\t', b',']
        .into_iter()
        .max_by_key(|delimiter| text.iter().take(4_096).filter(|byte| *byte == delimiter).count())
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text);
    let mut making = Making::new(source);
    let mut columns = None;
    for record in reader.byte_records() {
        let record = record?;
        let fields: Vec<String> =
            record.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect();
        let columns = match &columns {
            Some(columns) => columns,
            None => {
                let found = Columns::of(&fields);
                let is_header = found.is_header;
                let columns = columns.insert(found);
                if is_header {
                    continue;
                }
                columns
            }
        };
        making.add(columns.entry(&fields), true);
    }
    Ok(making.made)
}

/// Which column is what.
#[derive(Debug, Default)]
struct Columns {
    is_header: bool,
    value: Option<usize>,
    confidence: Option<usize>,
    comment: Option<usize>,
    seen: Option<usize>,
    labels: Option<usize>,
}

impl Columns {
    fn of(fields: &[String]) -> Self {
        let find = |names: &[&str]| {
            names.iter().find_map(|name| {
                fields.iter().position(|field| field.to_ascii_lowercase().replace([' ', '-'], "_") == *name)
            })
        };
        let value = find(&[
            "value",
            "indicator",
            "ioc",
            "ioc_value",
            "observable",
            "ip",
            "ip_address",
            "dst_ip",
            "domain",
            "hostname",
            "url",
            "hash",
            "sha256",
            "sha1",
            "md5",
            "email",
        ]);
        if value.is_some() {
            return Self {
                is_header: true,
                value,
                confidence: find(&["confidence", "confidence_level", "score"]),
                comment: find(&["comment", "description", "note", "malware", "threat"]),
                seen: find(&["first_seen", "date", "firstseen", "first_seen_utc", "timestamp"]),
                labels: find(&["tags", "labels", "tag"]),
            };
        }
        let value = fields.iter().position(|field| recognise(field).is_some());
        Self { value: Some(value.unwrap_or(0)), ..Self::default() }
    }

    fn entry(&self, fields: &[String]) -> Entry {
        let get = |column: Option<usize>| {
            column.and_then(|at| fields.get(at)).filter(|text| !text.is_empty()).cloned()
        };
        let labels = get(self.labels).map(|tags| {
            tags.split([',', ' ', ';']).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
        });
        Entry {
            value: get(self.value).unwrap_or_default(),
            confidence: get(self.confidence)
                .and_then(|text| text.parse::<u8>().ok())
                .filter(|value| *value <= 100),
            comment: get(self.comment),
            seen: get(self.seen).and_then(|text| parse_time(&text)),
            labels: labels.unwrap_or_default(),
        }
    }
}

struct Making<'a> {
    source: &'a Source,
    made: MadeIndicators,
    known: HashSet<(ValueKind, String)>,
}

impl<'a> Making<'a> {
    fn new(source: &'a Source) -> Self {
        let mut made = MadeIndicators::default();
        if let Some(level) = source.tlp {
            made.objects.push(Bytes::from(level.definition()));
        }
        Self { source, made, known: HashSet::new() }
    }

    /// Adds the indicator of an entry. What is no value is told where it should have been one.
    fn add(&mut self, entry: Entry, is_expected: bool) {
        let report = &mut self.made.report;
        let found =
            recognise(&entry.value).and_then(|(kind, value)| Some((kind, pattern(kind, &value)?, value)));
        let Some((kind, pattern, value)) = found else {
            if is_expected && !entry.value.is_empty() {
                let shown: String = entry.value.chars().take(100).collect();
                report.warn(
                    "no-value",
                    &shown,
                    "this is no address, name, URL, hash or other value that can be looked for",
                );
            }
            return;
        };
        if self.known.len() >= VALUES_MAX || !self.known.insert((kind, value.clone())) {
            return;
        }
        if let Some(suspicion) = crate::suspicion(&entry.value) {
            report.warn("homograph", &value, suspicion);
        }
        self.made.objects.push(self.indicator(kind, &value, &pattern, entry));
        self.made.report.made("indicator");
    }

    fn indicator(&self, kind: ValueKind, value: &str, pattern: &str, entry: Entry) -> Bytes {
        let date = stix::Timestamp::from_instant(self.source.date);
        let from =
            stix::Timestamp::from_instant(entry.seen.unwrap_or(self.source.date).min(self.source.date));
        let id = derived(&["list", &self.source.name, kind.name(), value]);
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        put("type", json!("indicator"));
        put("spec_version", json!("2.1"));
        put("id", json!(format!("indicator--{id}")));
        // The same for every version (STIX 2.1 §3.6), whichever list was read first.
        put("created", json!("1970-01-01T00:00:00.000Z"));
        put("modified", json!(date.as_str()));
        put("name", json!(value));
        put("pattern", json!(pattern));
        put("pattern_type", json!("stix"));
        put("valid_from", json!(from.as_str()));
        if let Some(comment) = entry.comment {
            put("description", json!(comment));
        }
        if let Some(confidence) = entry.confidence.or(self.source.confidence) {
            put("confidence", json!(confidence));
        }
        if !entry.labels.is_empty() {
            put("labels", json!(entry.labels));
        }
        put(
            "external_references",
            json!([{ "source_name": self.source.name, "description": "indicator list" }]),
        );
        if let Some(level) = self.source.tlp {
            put("object_marking_refs", json!([level.id()]));
        }
        Bytes::from(Value::Object(object).to_string())
    }
}

/// Where a value of this kind is looked for. Names of files and accounts are no indicators by themselves.
fn path(kind: ValueKind) -> Option<&'static str> {
    Some(match kind {
        ValueKind::Ipv4 => "ipv4-addr:value",
        ValueKind::Ipv6 => "ipv6-addr:value",
        ValueKind::Domain => "domain-name:value",
        ValueKind::Url => "url:value",
        ValueKind::Email => "email-addr:value",
        ValueKind::Md5 => "file:hashes.MD5",
        ValueKind::Sha1 => "file:hashes.'SHA-1'",
        ValueKind::Sha256 => "file:hashes.'SHA-256'",
        ValueKind::Sha512 => "file:hashes.'SHA-512'",
        ValueKind::Mac => "mac-addr:value",
        ValueKind::AutonomousSystem => "autonomous-system:number",
        ValueKind::RegistryKey => "windows-registry-key:key",
        ValueKind::CertificateSerial => "x509-certificate:serial_number",
        ValueKind::CommandLine => "process:command_line",
        ValueKind::UserAgent => "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
        ValueKind::FileName
        | ValueKind::FilePath
        | ValueKind::RegistryValue
        | ValueKind::RegistryData
        | ValueKind::Ja3
        | ValueKind::Ja3s
        | ValueKind::Ja4
        | ValueKind::Account
        | ValueKind::Mutex
        | ValueKind::Cve => return None,
    })
}
