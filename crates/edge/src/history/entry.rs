//! A stretch of a log as it waits in the history's journal: what it is of, and its lines, packed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::source::journal::{ENTRY_BYTES_MAX, NewEntry};

/// What an entry says of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The source.
    pub(super) source: String,
    /// The file of it, whatever it is called.
    pub(super) file: Uuid,
    /// What the records' source is called in the lake.
    pub(super) label: String,
    /// Where the lines begin in the source, in bytes, and the number of the first.
    pub(super) offset: u64,
    pub(super) line: u64,
    /// When they were read.
    pub(super) read: Timestamp,
    /// How long the header is that the format needs to read them; it stands before them.
    pub(super) header_bytes: usize,
    /// How long header and lines are, unpacked.
    pub(super) bytes: usize,
    /// Whether they count as they are: they are not read again after a crash.
    pub(super) counts: bool,
}

/// An entry that was read back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) head: Head,
    text: Vec<u8>,
}

impl Taken {
    /// The header that the format needs, without the lines.
    pub(super) fn header(&self) -> &[u8] {
        self.text.get(..self.head.header_bytes).unwrap_or_default()
    }

    pub(super) fn lines(&self) -> &[u8] {
        self.text.get(self.head.header_bytes..).unwrap_or_default()
    }
}

/// What is written: the length of the head, the head, and header and lines packed. `None` where they are more than an entry holds.
pub(super) fn packed(head: &Head, header: &[u8], lines: &[u8]) -> Option<NewEntry> {
    const LEVEL: i32 = 1;
    let said = serde_json::to_vec(head).ok()?;
    let text = zstd::bulk::compress(&[header, lines].concat(), LEVEL).ok()?;
    let length = u32::try_from(said.len()).ok()?.to_le_bytes();
    let lines = [&length[..], &said, &text].concat();
    (lines.len() <= ENTRY_BYTES_MAX).then_some(NewEntry { key: [0; 16], lines })
}

/// Reads an entry back; `None` where it is none.
pub(super) fn unpacked(entry: &[u8]) -> Option<Taken> {
    let (length, rest) = entry.split_first_chunk()?;
    let (said, text) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let head: Head = serde_json::from_slice(said).ok()?;
    let text = zstd::bulk::decompress(text, head.bytes.min(ENTRY_BYTES_MAX)).ok()?;
    (text.len() == head.bytes && head.header_bytes <= head.bytes).then_some(Taken { head, text })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_packed_is_read_back(
            header: Vec<u8>, lines: Vec<u8>, source: String, file: u128, offset: u64, line: u64, counts: bool,
        ) {
            let (header_bytes, bytes) = (header.len(), header.len() + lines.len());
            let head = Head {
                label: format!("{source}@1"), source, file: Uuid::from_u128(file), offset, line,
                read: Timestamp::UNIX_EPOCH, header_bytes, bytes, counts,
            };
            let taken = unpacked(&packed(&head, &header, &lines).unwrap().lines).unwrap();
            prop_assert_eq!((taken.header(), taken.lines()), (&header[..], &lines[..]));
            prop_assert_eq!(taken.head, head);
        }

        #[test]
        fn whatever_stands_there_is_read_or_refused(entry: Vec<u8>) {
            let _ = unpacked(&entry);
        }
    }
}
