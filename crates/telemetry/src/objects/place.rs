//! Which object a value belongs to, told by the field it stands in.

use stix::observable::ValueKind;

use crate::Observed;

/// Where a value belongs. Values of the same place are of the same object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A file.
    File(String),
    /// The file that a process runs, and that process.
    Image(String, String),
    /// A certificate.
    Certificate(String),
    /// A process itself: its command line.
    Process(String),
    /// No such object.
    Elsewhere,
}

/// Fields of Windows events that name the image of a process or its command line, and what tells that process from the others.
const ACTORS: [(&str, &str); 12] = [
    ("Image", ""),
    ("NewProcessName", ""),
    ("ProcessName", ""),
    ("Application", ""),
    ("CommandLine", ""),
    ("ProcessCommandLine", ""),
    ("ServiceFileName", ""),
    ("ImagePath", ""),
    ("ParentImage", "Parent"),
    ("ParentProcessName", "Parent"),
    ("ParentCommandLine", "Parent"),
    ("SourceImage", "Source"),
];

impl Place {
    /// Where a value belongs, in a record of these fields.
    pub(super) fn of(value: &Observed<'_>, fields: &[&str]) -> Self {
        let field = value.field.as_ref();
        match value.kind {
            ValueKind::CertificateSerial => Self::Certificate(certificate(field)),
            ValueKind::CommandLine => Self::Process(process(field).unwrap_or_default()),
            ValueKind::FileName | ValueKind::FilePath => match process(field) {
                Some(process) => Self::Image(file(field, fields), process),
                None => Self::File(file(field, fields)),
            },
            ValueKind::Md5 | ValueKind::Sha1 | ValueKind::Sha256 | ValueKind::Sha512 => {
                if is_certificate(field) {
                    Self::Certificate(certificate(field))
                } else {
                    Self::File(file(field, fields))
                }
            }
            _ => Self::Elsewhere,
        }
    }
}

/// The last name of a path, without its place in a list.
pub(super) fn leaf(field: &str) -> &str {
    let last = field.rsplit('.').next().unwrap_or(field);
    last.split('[').next().unwrap_or(last)
}

/// All but the last name of a path.
pub(super) fn parent(field: &str) -> &str {
    field.rsplit_once('.').map_or("", |(parent, _)| parent)
}

/// Whether a field holds the name that was asked for.
pub(super) fn is_question(field: &str) -> bool {
    let lower = field.to_ascii_lowercase();
    let asked = matches!(leaf(&lower), "rrname" | "query" | "queryname" | "query_name");
    let nested = lower.ends_with("query.hostname") || lower.ends_with("question.name");
    (asked || nested) && !["answers", "authorities", "additionals"].iter().any(|list| lower.contains(list))
}

/// Whether a field holds the name to which the answer beside it belongs.
pub(super) fn is_owner(field: &str) -> bool {
    field.contains("answers") && matches!(leaf(field), "rrname" | "name")
}

/// Whether a field holds the data of an answer.
pub(super) fn is_answer(field: &str) -> bool {
    let lower = field.to_ascii_lowercase();
    let lists = ["grouped", "resolved_ip", "queryresults"].iter().any(|part| lower.contains(part));
    // Zeek's `answers` are the data themselves.
    lists || matches!(leaf(&lower), "rdata" | "data" | "answer" | "answers")
}

/// Whether a URL is the one that was asked for, and no referrer or the like.
pub(super) fn is_request(field: &str) -> bool {
    let lower = field.to_ascii_lowercase();
    !["refer", "redirect", "email"].iter().any(|part| lower.contains(part))
}

/// Where the process stands that started the one at this place, in the forms that the formats have.
pub(super) fn parents(place: &str) -> Vec<String> {
    let mut parents = vec![format!("{place}.parent_process"), format!("{place}.parent")];
    // Flat records: the process itself is at the path that the names of its fields follow.
    if place.is_empty() || place.ends_with('.') {
        parents.push(format!("{place}Parent"));
    }
    // OCSF's process activity: who acted started the other.
    if place == "process" {
        parents.push("actor.process".to_owned());
    }
    parents
}

fn is_certificate(field: &str) -> bool {
    let lower = field.to_ascii_lowercase();
    ["fingerprint", "cert", "x509"].iter().any(|part| leaf(&lower).contains(part))
        || lower.contains("certificate")
        || lower.starts_with("tls.")
}

/// What tells certificates apart: members of a list are one each, else the object that they stand in.
fn certificate(field: &str) -> String {
    let (before, last) = field.rsplit_once('.').unwrap_or(("", field));
    let owner = before.strip_suffix(".hash").or_else(|| before.strip_suffix(".x509")).unwrap_or(before);
    if last.ends_with(']') && !last.starts_with("fingerprints[") {
        field.to_owned()
    } else {
        owner.to_owned()
    }
}

/// The process that a field is about, if it is about one.
fn process(field: &str) -> Option<String> {
    let (before, last) =
        field.rsplit_once('.').map_or((String::new(), field), |(before, last)| (format!("{before}."), last));
    if last == "TargetImage" {
        return Some(format!("{before}Target"));
    }
    if let Some((_, actor)) = ACTORS.iter().find(|(name, _)| *name == last) {
        return Some(format!("{before}{actor}"));
    }
    // Structured: everything up to the last part that is a process.
    let parts: Vec<&str> = field.split('.').collect();
    let at = parts.iter().rposition(|part| matches!(*part, "process" | "parent_process" | "parent"))?;
    parts.contains(&"process").then(|| parts.get(..=at).unwrap_or_default().join("."))
}

/// What tells files apart.
fn file(field: &str, fields: &[&str]) -> String {
    let (before, last) = field.rsplit_once('.').unwrap_or(("", field));
    let is_windows = |name: &str| {
        ACTORS.iter().any(|(known, _)| *known == name)
            || matches!(
                name,
                "TargetImage" | "ImageLoaded" | "TargetFilename" | "RelativeTargetName" | "ObjectName"
            )
    };
    if is_windows(last) {
        return field.to_owned();
    }
    // Sysmon writes the hashes of what the event is about: the module, the file, else the image.
    if matches!(last, "Hashes" | "Hash") {
        let beside =
            |name: &str| if before.is_empty() { name.to_owned() } else { format!("{before}.{name}") };
        let about = ["ImageLoaded", "TargetFilename", "Image"].into_iter().map(beside);
        return about
            .into_iter()
            .find(|name| fields.contains(&name.as_str()))
            .unwrap_or_else(|| field.to_owned());
    }
    // `file.hashes[0]`, `process.hash.sha256`, `process.file.path`: the object that holds them all.
    let owner = before.strip_suffix(".hash").unwrap_or(before);
    // The file of a process and the process are one image.
    match owner.strip_suffix(".file").filter(|rest| rest.ends_with("process")) {
        Some(process) => process.to_owned(),
        None => owner.to_owned(),
    }
}
