//! Cases: correlation of sightings, timeline, severity; decisions on state, no state of its own.
//!
//! A case travels as a STIX `incident` object with the OASIS incident core extension; [`Case`] is the working form.
//! [`triage`] decides what becomes of a sighting, [`Case::open`], [`Case::join`] and [`Case::apply`] change a case,
//! [`to_stix`] and [`from_stix`] carry it over. In [`room`], organisations work on it together; [`mail`] reads what mail systems hand in for it.
//!
//! What must not be here: storage, the clock, and who may see a case (that is `policy`).

mod change;
mod extension;
mod incident;
mod model;
mod severity;
mod triage;

pub mod mail;
pub mod room;

pub use change::{
    ASSIGNEE_CHARS_MAX, ENTRIES_MAX, NOTE_CHARS_MAX, Opening, REASON_CHARS_MAX, TITLE_CHARS_MAX,
};
pub use extension::{CASE_EXTENSION, INCIDENT_CORE_EXTENSION, extension_definition, extension_identity};
pub use incident::{NotACase, from_stix, to_stix};
pub use model::{Case, CaseId, Change, Entry, EntryKind, Refusal, Severity, State};
pub use severity::severity_of;
pub use triage::{Rules, Seen, Triage, WITH_MAX, triage};
