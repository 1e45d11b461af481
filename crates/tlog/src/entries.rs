//! Entry bundles: up to 256 log entries in one file, each with its length before it (C2SP tlog-tiles, Log
//! entries).

use crate::tile::TILE_WIDTH;

/// The longest entry a bundle can hold, in bytes: its length is written in 16 bits.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// Why entries cannot be written as a bundle, or bytes are not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntriesError {
    /// An entry is longer than [`ENTRY_BYTES_MAX`].
    #[error("a log entry of {bytes} bytes is too long: the limit is {ENTRY_BYTES_MAX}")]
    TooLong {
        /// The entry's length.
        bytes: usize,
    },
    /// More entries than one bundle holds.
    #[error("a bundle holds at most {TILE_WIDTH} entries")]
    TooMany,
    /// The bytes end within an entry or its length.
    #[error("the bundle is cut off within entry {entry}")]
    CutOff {
        /// The entry's place in the bundle, from 0.
        entry: usize,
    },
}

/// The bytes of the bundle with these entries: each a big-endian 16-bit length and the entry.
///
/// # Errors
/// [`EntriesError::TooLong`], [`EntriesError::TooMany`].
pub fn encode_entries<E: AsRef<[u8]>>(entries: impl IntoIterator<Item = E>) -> Result<Vec<u8>, EntriesError> {
    let mut bytes = Vec::new();
    for (place, entry) in entries.into_iter().enumerate() {
        let entry = entry.as_ref();
        if place >= usize::from(TILE_WIDTH) {
            return Err(EntriesError::TooMany);
        }
        let length = u16::try_from(entry.len()).map_err(|_| EntriesError::TooLong { bytes: entry.len() })?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries of a bundle.
///
/// # Errors
/// [`EntriesError::CutOff`], [`EntriesError::TooMany`].
pub fn decode_entries(mut bytes: &[u8]) -> Result<Vec<&[u8]>, EntriesError> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        if entries.len() == usize::from(TILE_WIDTH) {
            return Err(EntriesError::TooMany);
        }
        let (entry, rest) = split_entry(bytes).ok_or(EntriesError::CutOff { entry: entries.len() })?;
        entries.push(entry);
        bytes = rest;
    }
    Ok(entries)
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}
