//! An entry of a case room as a STIX `note` about the incident: so it travels in the log under its own marking.

use oversight::{OrganisationId, circle};
use serde_json::{Value as Json, json};
use stix::{Id, Object, Timestamp};
use uuid::Uuid;

use super::entry::{EntryId, RoomEntry, Says};
use super::replica::read_entry;
use crate::{CaseId, extension_identity};

/// Our own extension: an entry of a case room on a `note`. Its UUID is version 5 of `urn:yagura:stix:extension:case-room-entry` in the
/// URL namespace.
pub const ROOM_EXTENSION: &str = "extension-definition--1dd4c48c-6689-5e55-ac21-3c346487f05b";

/// What kind of extension it is.
const EXTENDS: &str = "property-extension";

/// When version 1.0.0 was defined.
const DEFINED: &str = "2026-11-29T00:00:00.000Z";

/// The object is not an entry that [`entry_to_stix`] wrote.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("the object is not an entry of a case room: {0}")]
pub struct NotAnEntry(&'static str);

/// The `extension-definition` object of [`ROOM_EXTENSION`] (STIX 2.1 §7.3), to be published beside the objects that use it.
#[must_use]
pub fn room_extension_definition() -> Json {
    json!({
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": ROOM_EXTENSION,
        "created_by_ref": extension_identity().get("id"),
        "created": DEFINED,
        "modified": DEFINED,
        "name": "Yagura case room entry",
        "description": "On a note about an incident: one entry of the case room (`entry`), with its label, its writer, its salt and what it \
            says; or `stub`: when and whose an entry is that others see. Entries are only ever added. 事案の部屋の記載一件を、取扱ラベルとともに表す。",
        "schema": "urn:yagura:stix:extension:case-room-entry:1.0.0",
        "version": "1.0.0",
        "extension_types": [EXTENDS],
        "object_marking_refs": [stix::marking::Tlp::Clear.id()],
    })
}

/// That somebody who may not see an entry is told of: when, and whose. Its identifier is made of the entry's name, which tells nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stub {
    /// The case.
    pub case: CaseId,
    /// When.
    pub at: jiff::Timestamp,
    /// Whose.
    pub organisation: OrganisationId,
}

/// The entry as a STIX 2.1 `note` (§4.13) about the incident. Its identifier is made of the entry's name, so that a hub that hears it twice
/// has one object. It bears its level and, where it is for some organisations only, the marking of their [`circle`]. `created_by` is the
/// identity of the organisation that wrote it.
#[must_use]
pub fn entry_to_stix(entry: &RoomEntry, created_by: &Id) -> Json {
    let refs = references(entry);
    let limit = entry.label.only.as_ref();
    let limit = limit.map(|only| Id::new("marking-definition", circle(only)).to_string());
    let markings: Vec<String> = [entry.label.tlp.id()].into_iter().chain(limit).collect();
    let (content, own) = (content(&entry.says), json!({ "extension_type": EXTENDS, "entry": entry }));
    note((note_id(&entry.id()), entry.at), created_by, &content, (&json!(refs), &json!(markings)), &own)
}

/// What the note is about: the case, and what is to lead to the entry when somebody asks for it.
fn references(entry: &RoomEntry) -> Vec<Id> {
    let named = match &entry.says {
        Says::Merged { other, .. } => std::slice::from_ref(other),
        Says::Objects { ids } => ids.as_slice(),
        _ => &[],
    };
    std::iter::once(&entry.case).chain(named).cloned().collect()
}

/// What is told of an entry to those who may not see it, under the markings of its case.
#[must_use]
pub fn stub_to_stix(entry: &RoomEntry, created_by: &Id, markings: &[Id]) -> Json {
    let id = stub_id(&entry.id());
    let own =
        json!({ "extension_type": EXTENDS, "stub": { "at": entry.at, "organisation": entry.organisation } });
    let refs = json!([entry.case]);
    note((id, entry.at), created_by, "entry for others", (&refs, &json!(markings)), &own)
}

/// The identifier of the object that an entry is.
#[must_use]
pub fn note_id(entry: &EntryId) -> Id {
    Id::new("note", Uuid::new_v5(&Uuid::NAMESPACE_URL, entry.to_string().as_bytes()))
}

/// The identifier of the object that says that an entry is there.
#[must_use]
pub fn stub_id(entry: &EntryId) -> Id {
    let name = format!("urn:yagura:case-room-stub:{entry}");
    Id::new("note", Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
}

/// Whether an object says of itself that it is of a case room, be it what this version knows or not.
#[must_use]
pub fn is_of_a_room(object: &Object) -> bool {
    object.get("extensions").is_some_and(|extensions| extensions.get(ROOM_EXTENSION).is_some())
}

/// Reads what [`stub_to_stix`] wrote.
#[must_use]
pub fn stub_from_stix(object: &Object) -> Option<Stub> {
    let stub = object.get("extensions")?.get(ROOM_EXTENSION)?.get("stub")?;
    let refs = object.get("object_refs")?.as_array()?;
    let [case] = refs.as_slice() else { return None };
    Some(Stub {
        case: Id::parse(case.as_str()?).ok()?,
        at: stub.get("at")?.as_str()?.parse().ok()?,
        organisation: OrganisationId::parse(stub.get("organisation")?.as_str()?)?,
    })
}

/// Reads an entry from what [`entry_to_stix`] wrote. Identifier, case and marking of the object must be those of the entry, or a reader who
/// goes by the object would be shown another one.
///
/// # Errors
/// [`NotAnEntry`].
pub fn entry_from_stix(object: &Object) -> Result<RoomEntry, NotAnEntry> {
    let extensions = object.get("extensions").and_then(|extensions| extensions.get(ROOM_EXTENSION));
    let written =
        extensions.and_then(|own| own.get("entry")).ok_or(NotAnEntry("it has no such extension"))?;
    let entry =
        read_entry(written).ok_or(NotAnEntry("the entry has members that this version does not know"))?;
    let author = object.created_by().ok_or(NotAnEntry("it has no author"))?;
    let expected = entry_to_stix(&entry, &author);
    let agrees = |name: &str| object.get(name) == expected.get(name);
    // Entries of before objects were among the references name their case alone.
    let names_case_alone = || {
        matches!(entry.says, Says::Objects { .. })
            && object.get("object_refs").is_some_and(|refs| *refs == json!([entry.case]))
    };
    if agrees("id") && agrees("object_marking_refs") && (agrees("object_refs") || names_case_alone()) {
        return Ok(entry);
    }
    Err(NotAnEntry("the object and the entry in it disagree"))
}

fn note(
    (id, at): (Id, jiff::Timestamp),
    created_by: &Id,
    content: &str,
    (refs, markings): (&Json, &Json),
    own: &Json,
) -> Json {
    let at = Timestamp::from_instant(at);
    json!({
        "type": "note",
        "spec_version": "2.1",
        "id": id,
        "created_by_ref": created_by,
        "created": at,
        "modified": at,
        "content": content,
        "object_refs": refs,
        "object_marking_refs": markings,
        "extensions": { (ROOM_EXTENSION): own },
    })
}

/// What a reader without the extension is shown. Never empty: a note has content.
fn content(says: &Says) -> String {
    match says {
        Says::Note { text, .. } | Says::Reported { text, .. } => text.clone(),
        Says::TaskOffered { title, .. } => title.clone(),
        Says::Mailed(mail) => {
            let (from, subject) = (&mail.from, &mail.subject);
            format!("mail, claimed to be from `{from}`: {subject}\n\n{}", mail.text)
        }
        Says::Decided { question, options, chosen, .. } => {
            let chosen = options.get(*chosen).map(String::as_str).unwrap_or_default();
            format!("{question}: {chosen}")
        }
        other => {
            let json = serde_json::to_value(other).unwrap_or_default();
            json.get("says").and_then(Json::as_str).unwrap_or("entry").to_owned()
        }
    }
}
