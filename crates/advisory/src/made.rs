//! What a conversion gives.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::extension::{ADVISORY_EXTENSION, extension_definition};

/// Version 5 of `urn:yagura:advisory` in the URL namespace: the namespace of identifiers that follow from a source.
pub(crate) const NAMESPACE: Uuid = Uuid::from_u128(0x1594_82b9_47b5_55b6_b0a6_d811_72c6_aea8);

/// Bytes of a document at most.
pub(crate) const BYTES_MAX: usize = 256 << 20;

/// Objects made of a source.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// The objects, each as its JSON text, without repetitions.
    pub objects: Vec<Bytes>,
    /// What deserves a look: entries that were passed over, with the reason.
    pub warnings: Vec<String>,
    known: std::collections::HashSet<String>,
}

/// The text is not what it is said to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ReadError {
    /// A stable code: `advisory-json`, `advisory-shape`, `advisory-limit`.
    pub code: &'static str,
    /// Where.
    pub path: String,
    /// What is wrong, for a person.
    pub message: String,
}

impl ReadError {
    pub(crate) fn shape(path: &str, message: impl Into<String>) -> Self {
        Self { code: "advisory-shape", path: path.to_owned(), message: message.into() }
    }
}

impl Made {
    pub(crate) fn new() -> Self {
        let mut made = Self::default();
        made.push(&extension_definition());
        made
    }

    /// Adds an object, once.
    pub(crate) fn push(&mut self, object: &Value) {
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if self.known.insert(id) {
            self.objects.push(Bytes::from(object.to_string()));
        }
    }
}

pub(crate) fn derived(parts: &[&str]) -> Uuid {
    Uuid::new_v5(&NAMESPACE, parts.join("\n").as_bytes())
}

pub(crate) fn read(json: &[u8]) -> Result<Map<String, Value>, ReadError> {
    let error = |code, message: String| ReadError { code, path: "document".to_owned(), message };
    if json.len() > BYTES_MAX {
        return Err(error("advisory-limit", format!("larger than {BYTES_MAX} bytes")));
    }
    let json = json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(json);
    match serde_json::from_slice(json).map_err(|e| error("advisory-json", format!("not JSON: {e}")))? {
        Value::Object(fields) => Ok(fields),
        _ => Err(error("advisory-shape", "it is no JSON object".to_owned())),
    }
}

pub(crate) fn text<'a>(fields: &'a Value, path: &str) -> Option<&'a str> {
    fields.pointer(path)?.as_str().filter(|text| !text.is_empty())
}

/// A date, or a date with a time, as STIX writes it.
pub(crate) fn moment(text: &str) -> Option<String> {
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let date = text.parse::<jiff::civil::Date>().ok()?;
        date.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    Some(stix::Timestamp::from_instant(at).as_str().to_owned())
}

/// The beginning of the year that a CVE number was reserved in: no statement on it is older, and it never changes.
pub(crate) fn year_of(cve: &str) -> Option<String> {
    let year: u16 = cve.get(4..8)?.parse().ok()?;
    (1990..=2200).contains(&year).then(|| format!("{year}-01-01T00:00:00.000Z"))
}

/// Whether it is an identifier of the CVE Program: a year of four digits, and a number of four to nineteen.
pub(crate) fn is_cve(text: &str) -> bool {
    let mut parts = text.split('-');
    let digits = |part: Option<&str>, lengths: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|part| lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    parts.next() == Some("CVE")
        && digits(parts.next(), 4..=4)
        && digits(parts.next(), 4..=19)
        && parts.next().is_none()
}

/// A `vulnerability` of one source.
pub(crate) struct Statement<'a> {
    pub(crate) source: &'a str,
    pub(crate) cve: &'a str,
    pub(crate) created: String,
    pub(crate) modified: String,
    pub(crate) description: Option<String>,
    pub(crate) extension: Value,
    pub(crate) references: Vec<Value>,
    pub(crate) marking: Option<String>,
}

impl Statement<'_> {
    pub(crate) fn object(self) -> Value {
        let id = derived(&[self.source, self.cve]);
        let mut references = vec![json!({ "source_name": "cve", "external_id": self.cve })];
        references.extend(self.references);
        let mut extension = self.extension;
        if let Some(extension) = extension.as_object_mut() {
            extension.insert("extension_type".to_owned(), json!("property-extension"));
        }
        let created = if self.created > self.modified { self.modified.clone() } else { self.created };
        let mut object = json!({
            "type": "vulnerability",
            "spec_version": "2.1",
            "id": format!("vulnerability--{id}"),
            "created": created,
            "modified": self.modified,
            "name": self.cve,
            "external_references": references,
            "extensions": { ADVISORY_EXTENSION: extension },
        });
        if let Some(fields) = object.as_object_mut() {
            if let Some(description) = self.description {
                fields.insert("description".to_owned(), json!(description));
            }
            if let Some(marking) = self.marking {
                fields.insert("object_marking_refs".to_owned(), json!([marking]));
            }
        }
        object
    }
}
