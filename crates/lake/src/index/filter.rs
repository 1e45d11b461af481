//! A blocked Bloom filter: seven bits of one block of 480 for each mark, so that a question costs one read of 64 bytes.

use crate::error::FileError;

pub(super) const BLOCK_BYTES: usize = 64;
const BITS: u64 = 480;
const PROBES: usize = 7;

/// Twenty bits for each mark: of a thousand values that are not there, less than one passes.
const MARKS_PER_BLOCK: usize = 24;

/// Which block a mark is in, of so many.
pub(super) fn block_of(mark: u64, blocks: u32) -> u32 {
    ((u128::from(mark) * u128::from(blocks)) >> 64) as u32
}

/// The bits of a mark in its block.
fn bits(mark: u64) -> impl Iterator<Item = usize> {
    // The high bits choose the block; these are stirred anew.
    let mut rest = (mark ^ (mark >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..PROBES).map(move |_| {
        let bit = ((rest & 0xffff_ffff) * BITS) >> 32;
        rest = rest.rotate_left(17).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bit as usize
    })
}

/// The filter of these marks, as it stands in the file.
pub(super) fn build(marks: &[u64]) -> Vec<u8> {
    let blocks = u32::try_from(marks.len().div_ceil(MARKS_PER_BLOCK)).unwrap_or(u32::MAX);
    let mut filter = vec![0; blocks as usize * BLOCK_BYTES];
    for mark in marks {
        let start = block_of(*mark, blocks) as usize * BLOCK_BYTES;
        let Some(block) = filter.get_mut(start..start + BLOCK_BYTES) else { continue };
        for bit in bits(*mark) {
            if let Some(byte) = block.get_mut(bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
    }
    for block in filter.chunks_exact_mut(BLOCK_BYTES) {
        let (body, checksum) = block.split_at_mut(BLOCK_BYTES - 4);
        checksum.copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    }
    filter
}

/// Whether the block may know the mark.
pub(super) fn may_have(block: &[u8], mark: u64) -> Result<bool, FileError> {
    let body = crate::frame::unseal(block)?;
    Ok(bits(mark).all(|bit| body.get(bit / 8).is_some_and(|byte| byte & (1 << (bit % 8)) != 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_is_known_and_little_else() {
        let mark = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (number << 7);
        let marks: Vec<u64> = (0..50_000).map(mark).collect();
        let filter = build(&marks);
        let blocks = (filter.len() / BLOCK_BYTES) as u32;
        let asks = |mark| {
            let start = block_of(mark, blocks) as usize * BLOCK_BYTES;
            may_have(&filter[start..start + BLOCK_BYTES], mark).unwrap()
        };
        assert!(marks.iter().all(|mark| asks(*mark)));
        let wrong = (1_000_000..1_100_000).filter(|number| asks(mark(*number))).count();
        assert!(wrong < 200, "{wrong} of 100,000 pass");
    }
}
