//! Log formats in, observations out.
//!
//! A format reads one line into one [`Observation`]; framing (files, rotation, compression) is the caller's.
//! Nothing here does I/O. What the formats' tables do not name is not looked at.

mod observation;
mod reader;

pub mod eve;
pub mod zeek;

mod fields;
mod json;
mod reading;
mod time;

pub use json::LINE_BYTES_MAX;
pub use observation::{Observation, Observed, Role};
pub use reader::{Reader, Unreadable, detect};
pub use zeek::{TsvReader, unescape_tsv};

/// A log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Suricata EVE, one JSON object a line.
    Eve,
    /// Zeek logs as JSON, one object a line.
    ZeekJson,
    /// Zeek logs as tab-separated values under a `#fields` header.
    ZeekTsv,
}

impl Format {
    /// The name used in configuration and on the command line: `eve`, `zeek-json`, `zeek-tsv`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eve => "eve",
            Self::ZeekJson => "zeek-json",
            Self::ZeekTsv => "zeek-tsv",
        }
    }
}
