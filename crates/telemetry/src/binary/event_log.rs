//! Files of Windows event logs (EVTX), chunk by chunk. A file is a header and chunks of one size; each chunk holds whole events
//! and all that is needed to read them. What an event says is found out by the crate `evtx`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use evtx::{EvtxChunkData, EvtxFileHeader, EvtxRecord, ParserSettings};

use super::{Decoded, Undecoded};
use crate::LINE_BYTES_MAX;

/// The size of each chunk behind the header.
pub const EVENT_LOG_CHUNK_BYTES: usize = 64 << 10;

/// How a file begins.
const MAGIC: &[u8] = b"ElfFile\0";
/// The part of the header that says how long it is.
const HEADER_BYTES_MIN: usize = 128;
/// A header takes one block of this size; one that says more than a chunk's is none.
const HEADER_BYTES_MAX: usize = EVENT_LOG_CHUNK_BYTES;

/// Compact JSON in which attributes stand below `#attributes`.
static SETTINGS: LazyLock<Arc<ParserSettings>> =
    LazyLock::new(|| Arc::new(ParserSettings::new().indent(false).separate_json_attributes(false)));

pub(super) fn begins_so(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// What the header of an event log's file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventLogHeader {
    /// Where the first chunk begins.
    pub bytes: u64,
}

/// Reads the beginning of a file; `None` if it is no event log's. The first 128 bytes are enough.
#[must_use]
pub fn event_log_header(start: &[u8]) -> Option<EventLogHeader> {
    let header = EvtxFileHeader::from_bytes(start).ok()?;
    let bytes = usize::from(header.header_block_size);
    (HEADER_BYTES_MIN..=HEADER_BYTES_MAX).contains(&bytes).then_some(EventLogHeader { bytes: bytes as u64 })
}

/// One chunk.
pub struct EventChunk(Result<Box<EvtxChunkData>, Empty>);

impl std::fmt::Debug for EventChunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventChunk").field("first", &self.first()).field("last", &self.last()).finish()
    }
}

/// A chunk without events: one that was set aside for later, or a damaged one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Empty {
    Unused,
    Damaged,
}

impl EventChunk {
    /// Reads a chunk's header.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        // Windows sets chunks aside ahead of their use; what is behind a log's last event is zeros.
        if bytes.iter().all(|byte| *byte == 0) {
            return Self(Err(Empty::Unused));
        }
        if bytes.len() != EVENT_LOG_CHUNK_BYTES {
            return Self(Err(Empty::Damaged));
        }
        // Checksums of a log that is being written are behind its events; each event is checked by itself.
        Self(EvtxChunkData::new(bytes, false).map(Box::new).map_err(|_| Empty::Damaged))
    }

    /// Whether it holds nothing: it was set aside for later.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        matches!(self.0, Err(Empty::Unused))
    }

    /// The number of its first event, as its header has it.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.0.as_ref().ok().map(|chunk| chunk.header.first_event_record_id)
    }

    /// The number of its last event, as its header has it.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.0.as_ref().ok().map(|chunk| chunk.header.last_event_record_id)
    }

    /// Writes each event whose number is larger than `after` to `lines` as one line, and gives the largest number among them. A
    /// damaged event is counted and passed over.
    pub fn take(self, after: Option<u64>, lines: &mut Vec<u8>) -> (Decoded, Option<u64>) {
        let mut decoded = Decoded::default();
        let mut chunk = match self.0 {
            Ok(chunk) => chunk,
            Err(Empty::Unused) => return (decoded, None),
            Err(Empty::Damaged) => {
                decoded.refuse(Undecoded::EventChunk, 1);
                return (decoded, None);
            }
        };
        let begun = lines.len();
        // What a stranger wrote must not end the program, whatever it finds in the crate.
        let read = catch_unwind(AssertUnwindSafe(|| take_events(&mut chunk, after, lines, &mut decoded)));
        let last = read.unwrap_or_else(|_| {
            lines.truncate(begun);
            decoded = Decoded::default();
            decoded.refuse(Undecoded::EventChunk, 1);
            None
        });
        (decoded, last)
    }
}

fn take_events(
    chunk: &mut EvtxChunkData,
    after: Option<u64>,
    lines: &mut Vec<u8>,
    decoded: &mut Decoded,
) -> Option<u64> {
    let Ok(mut chunk) = chunk.parse(Arc::clone(&SETTINGS)) else {
        decoded.refuse(Undecoded::EventChunk, 1);
        return None;
    };
    let mut last = None;
    for event in chunk.iter() {
        let Ok(event) = event else {
            decoded.refuse(Undecoded::Event, 1);
            continue;
        };
        let number = event.event_record_id;
        if after.is_none_or(|after| number > after) {
            give(event, lines, decoded);
            last = last.max(Some(number));
        }
    }
    last
}

fn give(event: EvtxRecord<'_>, lines: &mut Vec<u8>, decoded: &mut Decoded) {
    let Ok(written) = event.into_json_bytes() else { return decoded.refuse(Undecoded::Event, 1) };
    if written.data.len() > LINE_BYTES_MAX {
        return decoded.refuse(Undecoded::TooLong, 1);
    }
    // JSON has no line end within a string; between its parts it may be written as a space.
    lines.extend(written.data.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    lines.push(b'\n');
    decoded.records += 1;
}

/// A whole file, in the order in which its chunks stand.
#[derive(Debug, Default)]
pub(super) struct EventLogFile {
    pending: Vec<u8>,
    place: Place,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Header,
    /// So many bytes of the header are left.
    Skipping(usize),
    Chunks,
    /// What it was taken for is not what it is.
    NoEventLog,
}

impl EventLogFile {
    pub(super) fn take(&mut self, mut bytes: &[u8], lines: &mut Vec<u8>) -> Decoded {
        let mut decoded = Decoded::default();
        while !bytes.is_empty() {
            match self.place {
                Place::Header => {
                    bytes = self.fill(bytes, HEADER_BYTES_MIN);
                    if self.pending.len() == HEADER_BYTES_MIN {
                        self.read_header(&mut decoded);
                    }
                }
                Place::Skipping(left) => {
                    let skipped = left.min(bytes.len());
                    bytes = bytes.get(skipped..).unwrap_or_default();
                    let left = left - skipped;
                    self.place = if left == 0 { Place::Chunks } else { Place::Skipping(left) };
                }
                Place::Chunks => {
                    bytes = self.fill(bytes, EVENT_LOG_CHUNK_BYTES);
                    if self.pending.len() == EVENT_LOG_CHUNK_BYTES {
                        let chunk = EventChunk::new(std::mem::take(&mut self.pending));
                        decoded.add(&chunk.take(None, lines).0);
                    }
                }
                Place::NoEventLog => break,
            }
        }
        decoded
    }

    /// Takes what is missing of `wanted` bytes; gives the rest.
    fn fill<'a>(&mut self, bytes: &'a [u8], wanted: usize) -> &'a [u8] {
        let missing = wanted.saturating_sub(self.pending.len()).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        self.pending.extend_from_slice(taken);
        rest
    }

    fn read_header(&mut self, decoded: &mut Decoded) {
        let header = event_log_header(&self.pending);
        self.pending.clear();
        let left =
            header.and_then(|header| usize::try_from(header.bytes).ok()?.checked_sub(HEADER_BYTES_MIN));
        self.place = match left {
            Some(0) => Place::Chunks,
            Some(left) => Place::Skipping(left),
            None => {
                decoded.refuse(Undecoded::EventChunk, 1);
                Place::NoEventLog
            }
        };
    }

    /// A chunk whose end is not there may still hold whole events.
    pub(super) fn finish(&mut self, lines: &mut Vec<u8>) -> Decoded {
        let mut decoded = Decoded::default();
        let mut rest = std::mem::take(&mut self.pending);
        if rest.is_empty() {
            return decoded;
        }
        if self.place == Place::Chunks {
            rest.resize(EVENT_LOG_CHUNK_BYTES, 0);
            decoded = EventChunk::new(rest).take(None, lines).0;
        }
        decoded.refuse(Undecoded::CutOff, 1);
        decoded
    }
}
