//! Log formats in, observations out.
//!
//! A format reads one line into one [`Observation`]; files, rotation and compression are the caller's. What senders pack many
//! records into, [`Lines`] and [`SyslogStream`] take apart into lines; so do [`BinaryFile`], [`FlowCollector`] and [`DnstapStream`]
//! with what is not made of lines.
//! Nothing here does I/O. What the formats' tables do not name is not looked at, but for the text of syslog messages.
//!
//! [`objects`] shows an observation as the graph of STIX observables that a pattern is written for.

mod format;
mod objects;
mod observation;
mod reader;

pub mod eve;
pub mod zeek;

mod access;
mod binary;
mod cloud;
mod csv_file;
mod dns;
mod ecs;
mod keyed;
mod ocsf;
mod prose;
mod pushed;
mod sniff;
mod syslog;
mod syslog_stream;
mod windows;

mod fields;
mod json;
mod reading;
mod text;
mod time;

pub use binary::{
    Binary, BinaryFile, Decoded, DnstapStream, EVENT_LOG_CHUNK_BYTES, EventChunk, EventLogHeader,
    FlowCollector, Undecoded, event_log_header,
};
pub use csv_file::Columns;
pub use format::Format;
pub use json::LINE_BYTES_MAX;
pub use objects::{OBJECT_TYPES, objects, resolves};
pub use observation::{Observation, Observed, Role};
pub use pushed::{BulkAction, Lines};
pub use reader::{Reader, Unreadable, detect};
pub use sniff::{format_of_json, values_stand_alone};
pub use syslog_stream::{Framed, SyslogStream, add_message};
pub use zeek::{TsvReader, unescape_tsv};
