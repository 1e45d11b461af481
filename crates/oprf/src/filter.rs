//! The operator's set as the hub gets it: 64 bits of each output, sorted, padded, as Golomb–Rice coded differences.

use bitstream_io::{BigEndian, BitRead, BitReader, BitWrite, BitWriter};
use zeroize::Zeroize;

use crate::input::LIST_VALUES_MAX;
use crate::seed::Seed;

/// The smallest padded size.
const PADDED_MIN: u64 = 1024;
/// The greatest padded size, in values: 268 MB in memory.
pub const FILTER_VALUES_MAX: u32 = LIST_VALUES_MAX as u32;

/// Numbers in ascending order, each once, as many as a size bucket has. They are overwritten when it goes: the hub keeps no
/// operator's set longer than the round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Vec<u64>);

impl Drop for Filter {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Why bytes are no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// No bucket has this size.
    #[error("a filter of {0} values is of no size bucket")]
    Size(u32),
    /// The bytes end before the last value.
    #[error("the filter is cut off")]
    CutOff,
    /// A value beyond 64 bits: differences that no sorted list has.
    #[error("the filter's values exceed 64 bits")]
    Overflow,
    /// Bytes after the last value, or bits other than zeros in the last byte.
    #[error("the filter has bits after its last value")]
    Trailing,
}

/// The size that a set of `count` values is padded to: 1,024 or 1,536 times a power of two. `None` above [`FILTER_VALUES_MAX`].
///
/// What the hub learns of the set's size is the bucket, which is at most half as large again.
pub fn padded_size(count: usize) -> Option<u32> {
    let count = u64::try_from(count).ok().filter(|count| *count <= u64::from(FILTER_VALUES_MAX))?;
    let power = count.max(PADDED_MIN).next_power_of_two();
    let size = if power > PADDED_MIN && count <= power / 4 * 3 { power / 4 * 3 } else { power };
    u32::try_from(size).ok()
}

impl Filter {
    /// The filter of these outputs, filled up to its bucket with values of the seed that nothing tells from outputs.
    /// `None` where there are more than [`FILTER_VALUES_MAX`].
    pub(crate) fn new(mut values: Vec<u64>, padding: &Seed) -> Option<Self> {
        let size = padded_size(values.len())? as usize;
        let mut stream = padding.stream(0);
        values.reserve_exact(size - values.len());
        loop {
            values.sort_unstable();
            values.dedup();
            // Two of these may be equal, with a chance of one in thirty thousand at the greatest size: then one more is drawn.
            let missing = size - values.len();
            if missing == 0 {
                return Some(Self(values));
            }
            values.extend((0..missing).map(|_| stream.number()));
        }
    }

    /// How many values it has, padding included.
    pub fn size(&self) -> u32 {
        self.0.len() as u32
    }

    /// Whether the value is in it.
    pub fn contains(&self, value: u64) -> bool {
        self.0.binary_search(&value).is_ok()
    }

    /// The differences less one (the first value as it is), each as its quotient by a power of two in ones before a zero and the
    /// remainder in bits. The power follows from the size; the last byte is filled with zeros.
    pub fn encode(&self) -> Vec<u8> {
        let bits = remainder_bits(self.size());
        let mut writer =
            BitWriter::endian(Vec::with_capacity(self.0.len() * (bits as usize + 3) / 8), BigEndian);
        let mut next = 0_u64;
        for value in &self.0 {
            let difference = value.wrapping_sub(next);
            next = value.wrapping_add(1);
            // Writing to memory does not fail, and both parts fit.
            let written = writer
                .write_unary::<0>((difference >> bits) as u32)
                .and_then(|()| writer.write_var(bits, difference & ((1 << bits) - 1)));
            debug_assert!(written.is_ok());
        }
        let aligned = writer.byte_align();
        debug_assert!(aligned.is_ok());
        writer.into_writer()
    }

    /// Reads a filter of the size that was announced. Time and memory are bounded by the size and the bytes.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn decode(size: u32, bytes: &[u8]) -> Result<Self, FilterError> {
        if padded_size(size as usize) != Some(size) {
            return Err(FilterError::Size(size));
        }
        let bits = remainder_bits(size);
        // Before anything is allocated: each value has its remainder and a bit more at least, and what all quotients add up to is
        // at most twice the size.
        let (given, least) = ((bytes.len() as u64) * 8, u64::from(size) * u64::from(bits + 1));
        if given < least {
            return Err(FilterError::CutOff);
        }
        if given > least + 2 * u64::from(size) + 7 {
            return Err(FilterError::Trailing);
        }
        let mut rest = bytes;
        let values = read_values(size, bits, &mut BitReader::endian(&mut rest, BigEndian))?;
        if rest.is_empty() { Ok(Self(values)) } else { Err(FilterError::Trailing) }
    }
}

/// The bits of a remainder: the most with which no quotient of an evenly spread list of this size is long.
fn remainder_bits(size: u32) -> u32 {
    63 - size.max(1).ilog2()
}

/// The values and the zeros that fill the last byte.
fn read_values<R: std::io::Read>(
    size: u32,
    bits: u32,
    reader: &mut BitReader<R, BigEndian>,
) -> Result<Vec<u64>, FilterError> {
    let mut values = Vec::with_capacity(size as usize);
    let mut next = Some(0_u64);
    for _ in 0..size {
        let difference = read_difference(reader, bits)?;
        let value = next.and_then(|next| next.checked_add(difference)).ok_or(FilterError::Overflow)?;
        values.push(value);
        next = value.checked_add(1);
    }
    while !reader.byte_aligned() {
        if reader.read_bit().map_err(|_| FilterError::CutOff)? {
            return Err(FilterError::Trailing);
        }
    }
    Ok(values)
}

fn read_difference(reader: &mut impl BitRead, bits: u32) -> Result<u64, FilterError> {
    let quotient = reader.read_unary::<0>().map_err(|_| FilterError::CutOff)?;
    let remainder: u64 = reader.read_var(bits).map_err(|_| FilterError::CutOff)?;
    let high = u64::from(quotient).checked_mul(1 << bits).ok_or(FilterError::Overflow)?;
    Ok(high | remainder)
}
