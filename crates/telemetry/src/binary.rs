//! Telemetry that is not made of lines: Windows event logs as files, flows of NetFlow and IPFIX, DNS messages of dnstap. It is
//! taken apart into lines that the formats of text read, so that whatever holds of a line (how it is matched, kept, shown,
//! counted, read again after a crash) holds of these records, too: an event becomes the JSON that [`Format::Windows`] reads, a
//! flow and a DNS message become the records that a network sensor would have written of them ([`Format::Eve`]).

mod dns_message;
mod dnstap;
mod event_log;
mod flow;
mod frames;
mod ipfix_file;
mod netflow;

use std::collections::BTreeMap;

use serde::Serialize;

pub use dnstap::DnstapStream;
pub use event_log::{EVENT_LOG_CHUNK_BYTES, EventChunk, EventLogHeader, event_log_header};
pub use netflow::FlowCollector;

use crate::{Format, LINE_BYTES_MAX};
use event_log::EventLogFile;
use ipfix_file::IpfixFile;

/// A format of records in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Binary {
    /// Windows event logs as files (EVTX).
    Evtx,
    /// IPFIX messages behind each other (RFC 5655). NetFlow of other versions comes by UDP, to a [`FlowCollector`].
    Netflow,
    /// DNS messages in Frame Streams.
    Dnstap,
}

impl Binary {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Evtx, Self::Netflow, Self::Dnstap];

    /// The name used in configuration and on the command line: `evtx`, `netflow`, `dnstap`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Evtx => "evtx",
            Self::Netflow => "netflow",
            Self::Dnstap => "dnstap",
        }
    }

    /// What it is, for people, in a line.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Evtx => "Windows event logs as files",
            Self::Netflow => "Flows: IPFIX messages in a file",
            Self::Dnstap => "DNS messages in Frame Streams",
        }
    }

    /// The format of the lines that its records become.
    #[must_use]
    pub fn lines(self) -> Format {
        match self {
            Self::Evtx => Format::Windows,
            Self::Netflow | Self::Dnstap => Format::Eve,
        }
    }

    /// The format of a file that begins so, if it is one of these. Thirty-two bytes are enough.
    #[must_use]
    pub fn detect(start: &[u8]) -> Option<Self> {
        if event_log::begins_so(start) {
            Some(Self::Evtx)
        } else if frames::begins_so(start) {
            Some(Self::Dnstap)
        } else {
            ipfix_file::begins_so(start).then_some(Self::Netflow)
        }
    }
}

/// Why something of a binary format gives no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Undecoded {
    /// Where the file of an event log has to have a chunk there is something else.
    #[error("a chunk of the event log is damaged")]
    EventChunk,
    /// An event cannot be read.
    #[error("an event of the event log is damaged")]
    Event,
    /// No message of NetFlow 5, 9 or IPFIX, or one that does not hold together.
    #[error("no message of NetFlow 5, 9 or IPFIX, or a damaged one")]
    FlowMessage,
    /// Flows whose template never came, or came when no more could be held back for it.
    #[error("flows whose template has not come")]
    FlowTemplate,
    /// A flow that names neither an address nor a hardware address.
    #[error("a flow without an address")]
    FlowAddress,
    /// What comes is no stream of dnstap.
    #[error("no stream of dnstap")]
    Stream,
    /// A frame that is no message of dnstap.
    #[error("a frame that is no message of dnstap")]
    Frame,
    /// A DNS message that cannot be read to its end; what could be read of it was given.
    #[error("a damaged DNS message")]
    DnsMessage,
    /// Longer than any record is.
    #[error("a record that is too long")]
    TooLong,
    /// The file or the stream ends in the middle of a record.
    #[error("a record that is cut off")]
    CutOff,
}

impl Undecoded {
    /// A stable code: `event-chunk`, `event`, `flow-message`, `flow-template`, `flow-address`, `frame-stream`, `frame`,
    /// `dns-message`, `record-too-long`, `record-cut-off`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::EventChunk => "event-chunk",
            Self::Event => "event",
            Self::FlowMessage => "flow-message",
            Self::FlowTemplate => "flow-template",
            Self::FlowAddress => "flow-address",
            Self::Stream => "frame-stream",
            Self::Frame => "frame",
            Self::DnsMessage => "dns-message",
            Self::TooLong => "record-too-long",
            Self::CutOff => "record-cut-off",
        }
    }
}

/// What came out of some bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Lines that were given, one a record.
    pub records: u64,
    /// What gave none, by reason: records, or where they cannot be told apart, what they came in.
    pub refused: BTreeMap<Undecoded, u64>,
}

impl Decoded {
    /// Adds what came out of further bytes.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        for (why, count) in &other.refused {
            self.refuse(*why, *count);
        }
    }

    fn refuse(&mut self, why: Undecoded, by: u64) {
        if by > 0 {
            *self.refused.entry(why).or_default() += by;
        }
    }

    /// Gives a record as a line.
    fn give(&mut self, record: &impl Serialize, lines: &mut Vec<u8>) {
        let begun = lines.len();
        let written = serde_json::to_writer(&mut *lines, record);
        // Writing to memory fails for no record of ours.
        if written.is_err() || lines.len() - begun > LINE_BYTES_MAX {
            lines.truncate(begun);
            return self.refuse(Undecoded::TooLong, 1);
        }
        lines.push(b'\n');
        self.records += 1;
    }
}

/// The records of one file, whichever format it is of.
#[derive(Debug)]
pub struct BinaryFile(Inner);

#[derive(Debug)]
enum Inner {
    Evtx(EventLogFile),
    Netflow(Box<IpfixFile>),
    Dnstap(DnstapStream),
}

impl BinaryFile {
    /// A file of this format, at its beginning.
    #[must_use]
    pub fn new(format: Binary) -> Self {
        Self(match format {
            Binary::Evtx => Inner::Evtx(EventLogFile::default()),
            Binary::Netflow => Inner::Netflow(Box::default()),
            Binary::Dnstap => Inner::Dnstap(DnstapStream::default()),
        })
    }

    /// Takes the next bytes, cut wherever, and writes each whole record to `lines` as one line.
    pub fn take(&mut self, bytes: &[u8], lines: &mut Vec<u8>) -> Decoded {
        match &mut self.0 {
            Inner::Evtx(file) => file.take(bytes, lines),
            Inner::Netflow(file) => file.take(bytes, lines),
            Inner::Dnstap(stream) => stream.take(bytes, lines),
        }
    }

    /// The file ended.
    pub fn finish(&mut self, lines: &mut Vec<u8>) -> Decoded {
        match &mut self.0 {
            Inner::Evtx(file) => file.finish(lines),
            Inner::Netflow(file) => file.finish(),
            Inner::Dnstap(stream) => stream.finish(),
        }
    }
}
