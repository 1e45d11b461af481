//! Reporting duties as data: from one record of an incident to whom it is owed, until when, and in which form.
//!
//! [`Regimes::read`] reads the files of a folder like `regimes/`: the fields of a record, a severity scheme, and one file for each
//! regime. A [`Report`] is what an organisation says about one incident, as events that are only ever added; its [`Record`] is what
//! they come to. [`duties`] says which regimes apply and where each clock stands, [`next_wake`] when to look again, [`render`] makes
//! the form for one recipient, [`Copy`] the exact bytes that were filed, and [`to_stix`] carries the report.
//!
//! What must not be here: the clock, files, who may see a report, and a deadline, recipient or form in the code.

mod attachment;
mod basis;
mod carriage;
mod catalogue;
mod clock;
mod condition;
mod draft;
mod duty;
mod event;
mod file;
mod finding;
mod form;
mod print;
mod problem;
mod receipt;
mod record;
mod regime;
mod report;
mod set;
mod severity;
mod table;
mod text;
mod value;

pub use attachment::{ATTACHMENT_BYTES_MAX, Attachment, NAME_CHARS_MAX, SafeName, safe_name};
pub use basis::{Basis, Verified};
pub use carriage::{
    INCIDENT_CORE_EXTENSION, NotAReport, REPORT_EXTENSION, copy_to_stix, extension_definition,
    extension_identity, from_stix, to_stix,
};
pub use catalogue::{Catalogue, Choice, EMERGENCY_FIELDS_MAX, Field, FieldType, WrongValue};
pub use clock::{Calendar, Ending, Length};
pub use condition::{Because, Condition, Judged, Truth};
pub use draft::{Emergency, Profile, Sighted, emergency_form, open, prefill};
pub use duty::{Clock, Duty, Light, State, Verdict, duties, next_wake};
pub use event::{Answer, Event, EventId, Fields, Kind, Moment, Provenance, Stated, What};
pub use finding::{Finding, findings};
pub use form::{Form, LeftOut, Line, Mark, NoForm, render};
pub use problem::{Gravity, Problem};
pub use receipt::{Copy, NotACopy};
pub use record::{Filing, Moments, Record, Reply, Version};
pub use regime::{ClockSpec, Due, FormItem, FormSpec, Owes, Recipient, Regime, Stage, Start};
pub use report::{Added, EVENTS_MAX, Refusal, Report};
pub use set::{FIELDS_FILE, FILE_BYTES_MAX, FILES_MAX, Read, Regimes, SEVERITY_FILE};
pub use severity::{Factor, Level, Proposal, Scheme};
pub use table::{Row, rows, table};
pub use text::{Lang, Text};
pub use value::Value;
