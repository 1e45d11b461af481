//! What the files of a lake are made of: bytes with a checksum, varints, and keys that share their beginning.

use crate::error::FileError;
use crate::key::KEY_BYTES_MAX;
use crate::storage::ReadAt;

const CHECKSUM_BYTES: usize = 4;

/// Puts the checksum behind the bytes.
pub(crate) fn seal(body: &mut Vec<u8>) {
    let checksum = crc32fast::hash(body);
    body.extend_from_slice(&checksum.to_le_bytes());
}

/// The bytes without their checksum, if it is right.
pub(crate) fn unseal(frame: &[u8]) -> Result<&[u8], FileError> {
    let wrong = FileError::Damaged("does not have the checksum that it says");
    let Some((body, checksum)) =
        frame.len().checked_sub(CHECKSUM_BYTES).and_then(|at| frame.split_at_checked(at))
    else {
        return Err(wrong);
    };
    if checksum == crc32fast::hash(body).to_le_bytes() { Ok(body) } else { Err(wrong) }
}

/// Reads a frame that another place in the file tells of; its body.
pub(crate) fn read(
    file: &impl ReadAt,
    offset: u64,
    bytes: usize,
    bytes_max: usize,
) -> Result<Vec<u8>, FileError> {
    check_place(file, offset, bytes, bytes_max)?;
    let mut frame = vec![0; bytes];
    file.read_at(offset, &mut frame)?;
    let body = unseal(&frame)?.len();
    frame.truncate(body);
    Ok(frame)
}

/// Refuses a place that is not in the file, before memory is taken for it.
pub(crate) fn check_place(
    file: &impl ReadAt,
    offset: u64,
    bytes: usize,
    bytes_max: usize,
) -> Result<(), FileError> {
    if bytes > bytes_max || offset.checked_add(bytes as u64).is_none_or(|end| end > file.size()) {
        return Err(FileError::Damaged("says that it is longer than it is"));
    }
    Ok(())
}

pub(crate) fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(crate) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0_u32);
    loop {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        if shift == 63 && *byte > 1 {
            return None;
        }
        number |= u64::from(*byte & 0x7f).checked_shl(shift)?;
        if *byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
        if shift > 63 {
            return None;
        }
    }
}

pub(crate) fn size(rest: &mut &[u8]) -> Option<usize> {
    usize::try_from(varint(rest)?).ok()
}

pub(crate) fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(count)?;
    *rest = behind;
    Some(taken)
}

/// Writes a key behind the one before it.
pub(crate) fn put_key(before: &[u8], key: &[u8], out: &mut Vec<u8>) {
    let shared = before.iter().zip(key).take_while(|(a, b)| a == b).count();
    let rest = key.get(shared..).unwrap_or_default();
    put_varint(shared as u64, out);
    put_varint(rest.len() as u64, out);
    out.extend_from_slice(rest);
}

/// Makes of the key before it the next key.
pub(crate) fn next_key(rest: &mut &[u8], key: &mut Vec<u8>) -> Option<()> {
    let shared = size(rest)?;
    let more = size(rest)?;
    if shared > key.len() || shared + more > KEY_BYTES_MAX {
        return None;
    }
    key.truncate(shared);
    key.extend_from_slice(take(rest, more)?);
    Some(())
}

/// Writes rows, which rise.
pub(crate) fn put_rows(rows: &[u32], out: &mut Vec<u8>) {
    let mut before = 0;
    for row in rows {
        put_varint(u64::from(row - before), out);
        before = *row;
    }
}

/// Reads so many rows, each below `end`.
pub(crate) fn rows(
    rest: &mut &[u8],
    count: usize,
    end: u32,
    each: &mut dyn FnMut(u32),
) -> Result<(), FileError> {
    let mut row = 0_u32;
    for number in 0..count {
        let step =
            varint(rest).and_then(|step| u32::try_from(step).ok()).filter(|step| number == 0 || *step > 0);
        row = step
            .and_then(|step| row.checked_add(step))
            .filter(|row| *row < end)
            .ok_or(FileError::Damaged("names rows that the segment does not have"))?;
        each(row);
    }
    Ok(())
}
