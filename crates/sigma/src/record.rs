//! What a record looks like to a rule: its fields by the names that Sigma gives them, and the log that it is of.

use serde_json::{Map, Value};
use telemetry::{Format, Reader};

use crate::logsource::Source;
use crate::{cloud, line, network, windows};

/// The fields of a record.
pub(crate) type Fields = Map<String, Value>;

/// A record that rules can be held against.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) fields: Value,
    pub(crate) source: Source,
}

impl Record {
    pub(crate) fn new(fields: Fields, source: Source) -> Self {
        Self { fields: Value::Object(fields), source }
    }
}

/// Reads a line of this format; `None` where it is no record, or none that rules are written for. `reader` has read the
/// header of the log, and `columns` are those of a `#Fields:` line.
pub(crate) fn read(format: Format, line: &[u8], reader: &Reader, columns: &[String]) -> Option<Record> {
    match format {
        Format::ZeekTsv => network::zeek_tsv(std::str::from_utf8(line).ok()?, reader.tsv()),
        Format::Syslog => Some(line::syslog(std::str::from_utf8(line).ok()?)),
        Format::Access => line::access(std::str::from_utf8(line).ok()?, columns),
        Format::Dns => line::dns(std::str::from_utf8(line).ok()?),
        Format::Windows => object(line).map(windows::record),
        Format::ZeekJson => object(line).map(network::zeek),
        Format::Eve => object(line).map(network::eve),
        Format::Aws => object(line).map(cloud::aws),
        Format::Azure => object(line).map(cloud::azure),
        Format::Gcp => object(line).map(cloud::gcp),
        Format::Ocsf | Format::Ecs | Format::Csv => None,
    }
}

fn object(line: &[u8]) -> Option<Fields> {
    serde_json::from_slice(line).ok()
}

/// The text of a member, by its path.
pub(crate) fn text<'v>(fields: &'v Fields, path: &[&str]) -> Option<&'v str> {
    value(fields, path)?.as_str()
}

/// A member, by its path.
pub(crate) fn value<'v>(fields: &'v Fields, path: &[&str]) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(fields.get(*first)?, |value, name| value.get(*name))
}

/// Gives fields the names that rules know them by, too, where the record has nothing of that name.
pub(crate) fn alias(fields: &mut Fields, names: &[(&str, &[&str])]) {
    for (name, path) in names {
        if !fields.contains_key(*name)
            && let Some(known) = value(fields, path).filter(|value| !value.is_null()).cloned()
        {
            fields.insert((*name).to_owned(), known);
        }
    }
}
