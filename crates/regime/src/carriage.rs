//! A report as a STIX `incident`, and a filed copy as an `artifact`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use stix::marking::Tlp;
use stix::{Id, Object, Timestamp};

use crate::event::Moment;
use crate::{Copy, Record, Report};

/// The OASIS incident core extension, version 2.0.
pub const INCIDENT_CORE_EXTENSION: &str = "extension-definition--ef765651-680c-498d-9894-99799f2fa126";

/// Our own extension: the events of a report on an `incident`. Its UUID is version 5 of `urn:yagura:stix:extension:incident-report` in
/// the URL namespace.
pub const REPORT_EXTENSION: &str = "extension-definition--625e8751-ae5b-55d5-a5a2-5ce4b770c09a";

/// Who defines it: version 5 of `urn:yagura:stix:identity:project` in the URL namespace.
const IDENTITY: &str = "identity--755c8f28-9c74-5e1d-b071-dbd793f62da8";

/// When version 1.0.0 was defined.
const DEFINED: &str = "2026-11-29T00:00:00.000Z";

/// The longest name of an incident, cut from the summary, in characters.
const NAME_CHARS_MAX: usize = 200;

/// The object is not a report that [`to_stix`] wrote.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("the object is not a report: {0}")]
pub struct NotAReport(pub String);

/// The `extension-definition` object of [`REPORT_EXTENSION`] (STIX 2.1 §7.3), to be published beside the objects that use it.
#[must_use]
pub fn extension_definition() -> Json {
    json!({
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": REPORT_EXTENSION,
        "created_by_ref": IDENTITY,
        "created": DEFINED,
        "modified": DEFINED,
        "name": "Yagura incident report",
        "description": "On an incident: what one organisation reports about it (`realm`, `organisation`, `opened`, `changed`, `events`), \
            beside the incident core extension. Events are only ever added: statements, moments, consents, filings with the hash of \
            the exact copy, answers of authorities. インシデントについて一組織が行う報告を、追記のみの記録として表す。",
        "schema": "urn:yagura:stix:extension:incident-report:1.0.0",
        "version": "1.0.0",
        "extension_types": ["property-extension"],
        "object_marking_refs": [Tlp::Clear.id()],
    })
}

/// The `identity` object that the definition refers to.
#[must_use]
pub fn extension_identity() -> Json {
    json!({
        "type": "identity",
        "spec_version": "2.1",
        "id": IDENTITY,
        "created": DEFINED,
        "modified": DEFINED,
        "name": "The Yagura project",
        "identity_class": "organization",
        "object_marking_refs": [Tlp::Clear.id()],
    })
}

/// The report as a STIX 2.1 `incident` with the OASIS incident core extension, and with our own for its events. `created_by` is the
/// identity of the reporting organisation or of its node; `marking` is what the report bears.
#[must_use]
pub fn to_stix(report: &Report, created_by: &Id, marking: Tlp) -> Json {
    let record = report.record();
    let core = json!({
        "extension_type": "property-extension",
        "determination": "suspected",
        "investigation_status": if record.moment(Moment::Handled).is_some() { "closed" } else { "open" },
        "detection_methods": ["human-review"],
    });
    // The report's own identifier is the object's.
    let mut own = report.to_json();
    if let Some(members) = own.as_object_mut() {
        members.remove("id");
        members.insert("extension_type".to_owned(), json!("property-extension"));
        // STIX 2.1 §2.12 forbids empty lists.
        if report.events().is_empty() {
            members.remove("events");
        }
    }
    json!({
        "type": "incident",
        "spec_version": "2.1",
        "id": report.id(),
        "created_by_ref": created_by,
        "created": Timestamp::from_instant(report.opened()),
        "modified": Timestamp::from_instant(report.changed()),
        "name": name(report, &record),
        "object_marking_refs": [marking.id()],
        "extensions": { (INCIDENT_CORE_EXTENSION): core, (REPORT_EXTENSION): own },
    })
}

/// Reads a report from what [`to_stix`] wrote.
///
/// # Errors
/// [`NotAReport`].
pub fn from_stix(object: &Object) -> Result<Report, NotAReport> {
    let own = object.get("extensions").and_then(|extensions| extensions.get(REPORT_EXTENSION));
    let mut own = own.cloned().ok_or_else(|| NotAReport("it has no report extension".to_owned()))?;
    let members = own.as_object_mut().ok_or_else(|| NotAReport("its extension is no object".to_owned()))?;
    members.insert("id".to_owned(), json!(object.id()));
    members.entry("events").or_insert_with(|| json!([]));
    Report::from_json(&own).map_err(|error| NotAReport(error.to_string()))
}

/// The exact copy as a STIX `artifact` (§6.1), byte for byte: so it travels in the log as any other object does.
#[must_use]
pub fn copy_to_stix(copy: &Copy, marking: Tlp) -> Json {
    let mut artifact = json!({
        "type": "artifact",
        "spec_version": "2.1",
        "mime_type": "application/json",
        "payload_bin": STANDARD.encode(copy.bytes()),
        "hashes": { "SHA-256": hex::encode(copy.sha256()) },
        "object_marking_refs": [marking.id()],
    });
    let id = artifact.as_object().and_then(|members| stix::sco_id::deterministic("artifact", members));
    if let (Some(members), Some(id)) = (artifact.as_object_mut(), id) {
        members.insert("id".to_owned(), json!(id));
    }
    artifact
}

/// What it is about: the first line of the summary, or the kinds.
fn name(report: &Report, record: &Record) -> String {
    let summary = match record.value("summary") {
        Some(crate::Value::Text(text)) => text.lines().find(|line| !line.trim().is_empty()),
        _ => None,
    };
    let kinds = record.kinds.iter().map(|kind| kind.label().ja).collect::<Vec<_>>().join("、");
    let name = summary.map_or(kinds, |line| line.trim().to_owned());
    let name = if name.is_empty() { report.id().to_string() } else { name };
    name.chars().take(NAME_CHARS_MAX).collect()
}
