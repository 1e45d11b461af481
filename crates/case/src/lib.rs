//! Cases: correlation of sightings, timeline, severity; decisions on state, no state of its own.
//!
//! A case travels as a STIX `incident` object with the OASIS incident core extension; [`Case`] is the working form.

mod model;
mod triage;

pub use model::{Case, CaseId, Change, Entry, EntryKind, Refusal, Severity, State};
pub use triage::{Rules, Seen, Triage, triage};
