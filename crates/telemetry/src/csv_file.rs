//! Comma-separated values and their like: what a column means is said by a mapping or, for common names, known.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::reading::{Draft, Reading};
use crate::{Observation, Role, Unreadable};

/// What the columns of a log mean, as an operator writes it (TOML or JSON):
///
/// ```toml
/// separator = ";"                              # by default `,`
/// names = ["when", "from", "to", "name"]       # if the log has no first line that names its columns
/// kind = "proxy"                               # the record's kind; by default `csv`
/// [columns]
/// when = "time"
/// from = "source"
/// name = "http-host"
/// ```
///
/// Meanings: `time`, `epoch` (a whole number since 1970), `kind`, `protocol`, `source`, `destination`, `address` (an address or a
/// name), `source-port`, `destination-port`, `bytes`, `source-bytes`, `destination-bytes`, `http-host`, `http-target`,
/// `http-method`, `url`, `email`, `sender`, `recipient`, `md5`, `sha-1`, `sha-256`, `sha-512`, `hash`, `file`, `mac`, `source-mac`,
/// `destination-mac`, `user-agent`, `ja3`, `ja3s`, `ja4`, `certificate-hash`, `certificate-serial`, `command-line`,
/// `registry-key`, `account`, `text` (anything in which values stand).
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Columns {
    separator: u8,
    names: Vec<String>,
    kind: String,
    readings: BTreeMap<String, Reading>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    separator: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    columns: BTreeMap<String, String>,
}

impl Columns {
    /// Reads a mapping: JSON if the file's name ends so, else TOML.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str, file: &Path) -> Result<Self, String> {
        if file.extension().is_some_and(|ending| ending == "json") {
            serde_json::from_str(text).map_err(|error| error.to_string())
        } else {
            toml::from_str(text).map_err(|error| error.to_string())
        }
    }
}

impl TryFrom<Written> for Columns {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let separator = match written.separator.as_deref() {
            None => b',',
            Some("\\t") => b'\t',
            Some(text) => match text.as_bytes() {
                [byte] if byte.is_ascii() => *byte,
                _ => return Err(format!("`separator` is `{text}`; it must be one ASCII character")),
            },
        };
        let mut readings = BTreeMap::new();
        for (column, meaning) in written.columns {
            let reading = Reading::from_name(&meaning)
                .ok_or_else(|| format!("column `{column}` is said to be `{meaning}`, which is no meaning"))?;
            readings.insert(column, reading);
        }
        Ok(Self { separator, names: written.names, kind: written.kind.unwrap_or_default(), readings })
    }
}

/// Names of columns that mean the same wherever they stand, in lower case.
const KNOWN: [(&str, Reading); 44] = [
    ("time", Reading::Time),
    ("timestamp", Reading::Time),
    ("@timestamp", Reading::Time),
    ("start", Reading::TimeCount),
    ("protocol", Reading::Protocol),
    ("proto", Reading::Protocol),
    ("bytes", Reading::Bytes),
    ("src", Reading::Host(Role::Source)),
    ("src_ip", Reading::Address(Role::Source)),
    ("srcip", Reading::Address(Role::Source)),
    ("srcaddr", Reading::Address(Role::Source)),
    ("pkt_srcaddr", Reading::Address(Role::Source)),
    ("source", Reading::Host(Role::Source)),
    ("source_ip", Reading::Address(Role::Source)),
    ("source.ip", Reading::Address(Role::Source)),
    ("client_ip", Reading::Address(Role::Source)),
    ("src_port", Reading::SourcePort),
    ("srcport", Reading::SourcePort),
    ("source_port", Reading::SourcePort),
    ("source.port", Reading::SourcePort),
    ("dst", Reading::Host(Role::Destination)),
    ("dst_ip", Reading::Address(Role::Destination)),
    ("dstip", Reading::Address(Role::Destination)),
    ("dstaddr", Reading::Address(Role::Destination)),
    ("pkt_dstaddr", Reading::Address(Role::Destination)),
    ("dest_ip", Reading::Address(Role::Destination)),
    ("destination", Reading::Host(Role::Destination)),
    ("destination_ip", Reading::Address(Role::Destination)),
    ("destination.ip", Reading::Address(Role::Destination)),
    ("dst_port", Reading::DestinationPort),
    ("dstport", Reading::DestinationPort),
    ("dest_port", Reading::DestinationPort),
    ("destination_port", Reading::DestinationPort),
    ("destination.port", Reading::DestinationPort),
    ("host", Reading::Host(Role::Content)),
    ("hostname", Reading::Host(Role::Content)),
    ("domain", Reading::Host(Role::Content)),
    ("query", Reading::Host(Role::Content)),
    ("url", Reading::Url),
    ("user_agent", Reading::UserAgent),
    ("md5", Reading::Md5),
    ("sha1", Reading::Sha1),
    ("sha256", Reading::Sha256),
    ("command_line", Reading::CommandLine),
];

/// Reads a log of separated values, one record a line.
#[derive(Debug, Clone, Default)]
pub(crate) struct CsvReader {
    columns: Arc<Columns>,
    /// The names in the first line, and that line.
    header: Option<(String, Vec<String>)>,
}

impl CsvReader {
    pub(crate) fn new(columns: Arc<Columns>) -> Self {
        Self { columns, header: None }
    }

    /// The line that named the columns, if one did.
    pub(crate) fn header(&self) -> Option<&str> {
        self.header.as_ref().map(|(line, _)| line.as_str())
    }

    /// Reads a record, or `None` for the line that names the columns.
    pub(crate) fn read<'a>(&mut self, text: &'a str) -> Result<Option<Observation<'a>>, Unreadable> {
        let separator = if self.columns.separator == 0 { b',' } else { self.columns.separator };
        let cells = split(text, separator)?;
        if self.columns.names.is_empty() && self.header.is_none() {
            let names =
                cells.iter().map(|cell| cell.trim_start_matches('\u{feff}').trim().to_owned()).collect();
            self.header = Some((text.to_owned(), names));
            return Ok(None);
        }
        let names = self.header.as_ref().map_or(&self.columns.names, |(_, names)| names);
        if cells.len() != names.len() {
            return Err(if cells.len() < names.len() { Unreadable::CutOff } else { Unreadable::OtherFormat });
        }
        let mut draft = Draft::new();
        for (name, cell) in names.iter().zip(cells) {
            let Some(reading) = self.reading(name).filter(|_| !matches!(cell.trim(), "" | "-")) else {
                continue;
            };
            draft.take(reading, Cow::Owned(name.clone()), Cow::Owned(cell.trim().to_owned()));
        }
        if draft.kind().is_empty() {
            let kind = if self.columns.kind.is_empty() { "csv" } else { self.columns.kind.as_str() };
            draft.set_kind(Cow::Owned(kind.to_owned()));
        }
        Ok(Some(draft.finish()))
    }

    /// What a mapping says goes before what is known.
    fn reading(&self, name: &str) -> Option<Reading> {
        if !self.columns.readings.is_empty() {
            return self.columns.readings.get(name).copied();
        }
        let lower = name.to_ascii_lowercase();
        KNOWN.iter().find(|(known, _)| *known == lower).map(|(_, reading)| *reading)
    }
}

/// The cells of one line, by RFC 4180.
fn split(text: &str, separator: u8) -> Result<Vec<String>, Unreadable> {
    const COLUMNS_MAX: usize = 1024;
    let reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(text.as_bytes())
        .into_records()
        .next();
    let record = reader.ok_or(Unreadable::OtherFormat)?.map_err(|_| Unreadable::OtherFormat)?;
    if record.len() > COLUMNS_MAX {
        return Err(Unreadable::TooLong);
    }
    Ok(record.iter().map(str::to_owned).collect())
}
