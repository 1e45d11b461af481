//! Which format a JSON record is of, told by the names of its members.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use sonic_rs::LazyValue;

use crate::fields::read_object;
use crate::reading::Draft;
use crate::{Format, Observation, Unreadable, cloud, ecs, eve, json, ocsf, windows, zeek};

/// Members that only records of one format have.
const MARKS: [(&str, Format); 31] = [
    ("event_type", Format::Eve),
    ("ts", Format::ZeekJson),
    ("_path", Format::ZeekJson),
    ("@path", Format::ZeekJson),
    ("@stream", Format::ZeekJson),
    ("class_uid", Format::Ocsf),
    ("category_uid", Format::Ocsf),
    ("type_uid", Format::Ocsf),
    ("winlog", Format::Windows),
    ("Event", Format::Windows),
    ("EventID", Format::Windows),
    ("EventData", Format::Windows),
    ("event_data", Format::Windows),
    ("eventSource", Format::Aws),
    ("awsRegion", Format::Aws),
    ("query_timestamp", Format::Aws),
    ("srcaddr", Format::Aws),
    ("webaclId", Format::Aws),
    ("flowRecords", Format::Azure),
    ("callerIpAddress", Format::Azure),
    ("operationName", Format::Azure),
    ("resourceId", Format::Azure),
    ("resourceID", Format::Azure),
    ("insertId", Format::Gcp),
    ("logName", Format::Gcp),
    ("jsonPayload", Format::Gcp),
    ("protoPayload", Format::Gcp),
    ("textPayload", Format::Gcp),
    ("winlog.channel", Format::Windows),
    ("winlog.event_id", Format::Windows),
    ("winlog.provider_name", Format::Windows),
];

/// Members that documents of the Elastic Common Schema have, and perhaps others; a mark of another format goes before.
const ELASTIC: [&str; 9] = [
    "ecs",
    "ecs.version",
    "@timestamp",
    "agent",
    "event",
    "source",
    "destination",
    "source.ip",
    "destination.ip",
];

/// The format of a record, if its members tell.
pub(crate) fn format_of(object: LazyValue<'_>) -> Option<Format> {
    let mut elastic = false;
    for (name, _) in object.into_object_iter()?.flatten() {
        let name: &str = &name;
        if let Some((_, format)) = MARKS.iter().find(|(mark, _)| *mark == name) {
            return Some(*format);
        }
        elastic |= ELASTIC.contains(&name);
    }
    elastic.then_some(Format::Ecs)
}

/// The format of one line of JSON, told by the names of its members alone; `None` where it is no object or bears no mark.
#[must_use]
pub fn format_of_json(line: &[u8]) -> Option<Format> {
    format_of(json::object(line).ok()?)
}

/// Reads one line of JSON, whichever format it is of.
pub(crate) fn read(line: &[u8]) -> Result<(Format, Observation<'_>), Unreadable> {
    let object = json::object(line)?;
    let mut draft = Draft::new();
    read_object(eve::fields(), object.clone(), &mut draft);
    if !draft.kind().is_empty() {
        return Ok((Format::Eve, draft.finish()));
    }
    // A record that bears no mark of any format is read by Zeek's names, as logs of Zeek without a time always were.
    let marked = format_of(object.clone());
    let format = marked.unwrap_or(Format::ZeekJson);
    read_by(format, object, marked).map(|observation| (format, observation))
}

/// Reads one line of JSON as a record of this format; a record that bears the mark of another is none.
pub(crate) fn read_as(format: Format, line: &[u8]) -> Result<Observation<'_>, Unreadable> {
    let object = json::object(line)?;
    let marked = format_of(object.clone());
    let agrees = match marked {
        None | Some(Format::Ecs) => true,
        // Winlogbeat's documents are both.
        Some(Format::Windows) if format == Format::Ecs => true,
        Some(other) => other == format,
    };
    if agrees { read_by(format, object, marked) } else { Err(Unreadable::OtherFormat) }
}

/// A record that bears the mark of the format is one also if nothing in it is of use here; one that does not has to have something.
fn read_by<'a>(
    format: Format,
    object: LazyValue<'a>,
    marked: Option<Format>,
) -> Result<Observation<'a>, Unreadable> {
    let mut draft = Draft::new();
    match format {
        Format::Ocsf => ocsf::read(object, &mut draft),
        Format::Ecs => ecs::read(object, &mut draft),
        Format::Windows => windows::read(object, &mut draft),
        Format::Aws => cloud::read_aws(object, &mut draft),
        Format::Azure => cloud::read_azure(object, &mut draft),
        Format::Gcp => cloud::read_gcp(object, &mut draft),
        Format::ZeekJson => return zeek::read_object_json(object),
        Format::Eve | Format::ZeekTsv | Format::Syslog | Format::Dns | Format::Access | Format::Csv => {
            return Err(Unreadable::OtherFormat);
        }
    }
    let certain = marked.is_some_and(|marked| marked != Format::Ecs);
    if draft.is_empty() && !certain {
        return Err(Unreadable::OtherFormat);
    }
    if draft.kind().is_empty() {
        draft.set_kind(format.name().into());
    }
    Ok(draft.finish())
}

/// Fields whose text holds several values, or a value among other words, as their names end a quoted string.
const COMPOSITE: [&str; 9] = [
    "Hashes\"",
    "Hash\"",
    "QueryResults\"",
    "flowTuples\"",
    "textPayload\"",
    "rdata\"",
    "Rdata\"",
    "msg\"",
    // Written with hyphens, which make no string worth a look.
    "mac\"",
];

static COMPOSITE_FINDERS: LazyLock<Vec<Finder<'static>>> =
    LazyLock::new(|| COMPOSITE.iter().map(|name| Finder::new(name.as_bytes())).collect());

/// Whether each value that the formats read from this line of JSON is a string by itself, a host and its port, a URL, a
/// certificate's subject or a list of mail addresses, as it is in all of Suricata's and Zeek's records. Where it is not, a search
/// that looks at strings without knowing their fields would miss some; such a line has to be read.
#[must_use]
pub fn values_stand_alone(line: &[u8]) -> bool {
    begins_like_a_sensor(line) || COMPOSITE_FINDERS.iter().all(|finder| finder.find(line).is_none())
}

/// Whether a line begins as Suricata's and Zeek's do. Nearly all lines that are looked at are theirs, so this is the quick way out.
fn begins_like_a_sensor(line: &[u8]) -> bool {
    const ZEEK: [&[u8]; 4] = [b"{\"ts\":", b"{\"_path\":", b"{\"@path\":", b"{\"@stream\":"];
    const SURICATA: [&[u8]; 3] = [b"\",\"flow_id\":", b"\",\"event_type\":", b"\",\"in_iface\":"];
    const TIME_BYTES_MAX: usize = 40;
    let Some(rest) = line.strip_prefix(b"{\"timestamp\":\"") else {
        return ZEEK.iter().any(|start| line.starts_with(start));
    };
    let time = rest.get(..TIME_BYTES_MAX).unwrap_or(rest);
    let after = memchr::memchr(b'"', time).and_then(|quote| rest.get(quote..)).unwrap_or_default();
    SURICATA.iter().any(|next| after.starts_with(next))
}
