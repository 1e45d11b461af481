//! MISP feeds: a folder (or a web server's directory) with `manifest.json`, one `<uuid>.json` for each event, and `hashes.csv`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::document::{Limits, ReadError};
use crate::lenient::{text, time};

/// The file that lists a feed's events.
pub const MANIFEST: &str = "manifest.json";

/// The file that lists hashes of values, with the event that holds each.
pub const HASHES: &str = "hashes.csv";

/// One event of a feed, as its manifest lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The event.
    pub uuid: Uuid,
    /// What it is about.
    pub info: String,
    /// When it was last changed; nothing where the feed does not say.
    pub timestamp: Option<Timestamp>,
}

impl Entry {
    /// The name of the event's file, beside the manifest. It is made of the UUID and nothing that the feed wrote, so it can lead
    /// nowhere else.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.json", self.uuid)
    }
}

/// The events that a manifest lists, the oldest first. Entries whose name is no UUID are left out: they cannot be a file's name.
///
/// # Errors
/// `misp-json` and `misp-shape` where it is no manifest; `misp-limit` where it lists too many events.
pub fn manifest(json: &[u8], limits: &Limits) -> Result<Vec<Entry>, ReadError> {
    let error = |code, message: String| ReadError { code, path: MANIFEST.to_owned(), message };
    if json.len() > limits.bytes_max {
        return Err(error("misp-limit", format!("it is larger than {} bytes", limits.bytes_max)));
    }
    let value: Value =
        serde_json::from_slice(json).map_err(|e| error("misp-json", format!("not JSON: {e}")))?;
    let Value::Object(listed) = value else {
        return Err(error("misp-shape", "a manifest is a JSON object with a UUID for each event".to_owned()));
    };
    if listed.len() > limits.events_max {
        return Err(error("misp-limit", format!("more than {} events", limits.events_max)));
    }
    let entries = listed.iter().filter_map(|(uuid, about)| {
        let about = about.as_object()?;
        let uuid = Uuid::try_parse(uuid).ok().filter(|_| uuid.len() == 36)?;
        Some(Entry {
            uuid,
            info: text(about, "info").unwrap_or_default(),
            timestamp: time(about, "timestamp"),
        })
    });
    let mut entries: Vec<Entry> = entries.collect();
    entries.sort_by_key(|entry| (entry.timestamp, entry.uuid));
    Ok(entries)
}

/// The events that `hashes.csv` (`MD5,event UUID`, one a line) names: each should be in the manifest.
///
/// # Errors
/// `misp-shape` for a line of another form, with its number.
pub fn hashed_events(csv: &[u8]) -> Result<BTreeSet<Uuid>, ReadError> {
    let mut events = BTreeSet::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv);
    for (index, record) in reader.byte_records().enumerate() {
        let event = record.ok().and_then(|record| {
            let uuid = std::str::from_utf8(record.get(1)?).ok()?;
            Uuid::try_parse(uuid.trim()).ok()
        });
        let wrong = || ReadError {
            code: "misp-shape",
            path: format!("{HASHES}, line {}", index + 1),
            message: "a line is a hash, a comma, and the UUID of an event".to_owned(),
        };
        events.insert(event.ok_or_else(wrong)?);
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_and_its_names_lead_nowhere_else() {
        let json = br#"{"5a6f1f2e-0000-4000-8000-000000000002": {"info": "b", "timestamp": "1700000001"},
                        "5a6f1f2e-0000-4000-8000-000000000001": {"info": "a", "timestamp": 1700000000},
                        "../../etc/passwd": {"info": "c"}, "5a6f1f2e-0000-4000-8000-000000000003": 7}"#;
        let entries = manifest(json, &Limits::default()).unwrap();
        assert_eq!(entries.iter().map(|entry| entry.info.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(entries[0].file_name(), "5a6f1f2e-0000-4000-8000-000000000001.json");
        for (bad, code) in [("[]", "misp-shape"), ("{", "misp-json")] {
            assert_eq!(manifest(bad.as_bytes(), &Limits::default()).unwrap_err().code, code);
        }
        let few = Limits { events_max: 1, ..Limits::default() };
        assert_eq!(manifest(json, &few).unwrap_err().code, "misp-limit");
    }

    #[test]
    fn hashes_name_events() {
        let csv = b"b2f3,5a6f1f2e-0000-4000-8000-000000000001\nb2f4,5a6f1f2e-0000-4000-8000-000000000001\n";
        assert_eq!(hashed_events(csv).unwrap().len(), 1);
        assert_eq!(hashed_events(b"b2f3\n").unwrap_err().path, "hashes.csv, line 1");
    }
}
