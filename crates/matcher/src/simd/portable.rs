//! What the compiler makes of sixteen bytes at a time for any processor: the measure of the other backends.

use wide::u8x16;

use super::{Cells, Characters, FOLD, HashKey, Lanes, Letters, Marks, Odd, Quotes, lowest, product};

/// No particular instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Portable;

/// 64 bytes.
type Four = [u8x16; 4];

#[inline(always)]
fn load(block: &[u8; 64]) -> Four {
    let (parts, _) = block.as_chunks::<16>();
    let mut four = [u8x16::splat(0); 4];
    for (part, bytes) in four.iter_mut().zip(parts) {
        *part = u8x16::new(*bytes);
    }
    four
}

/// The highest bits of what a test gives for each sixteen bytes.
#[inline(always)]
fn mask([a, b, c, d]: Four, test: impl Fn(u8x16) -> u8x16) -> u64 {
    let bits = |part| u64::from(test(part).to_bitmask());
    bits(a) | bits(b) << 16 | bits(c) << 32 | bits(d) << 48
}

#[inline(always)]
fn equal(v: u8x16, byte: u8) -> u8x16 {
    v.simd_eq(u8x16::splat(byte))
}

/// Bytes from `first` on, up to `more` above it.
#[inline(always)]
fn within(v: u8x16, first: u8, more: u8) -> u8x16 {
    let distance = v - u8x16::splat(first);
    distance.min(u8x16::splat(more)).simd_eq(distance)
}

/// The highest bit of a byte says that it is not ASCII.
#[inline(always)]
fn telling(v: u8x16) -> u8x16 {
    equal(v, b'.') | equal(v, b':') | equal(v, b'\\') | v
}

impl Lanes for Portable {
    #[inline(always)]
    fn fetch<T>(self, _: &[T], _: usize) {}

    #[inline(always)]
    fn json(self, block: &[u8; 64]) -> Quotes {
        let v = load(block);
        let [a, b, c, d] = v.map(|v| equal(v, b'\n') | equal(v, b'\\') | v);
        Quotes {
            quotes: mask(v, |v| equal(v, b'"')),
            dots: mask(v, |v| equal(v, b'.')),
            colons: mask(v, |v| equal(v, b':')),
            // The highest bit of a byte says that it is not ASCII.
            has_odd: (a | b | c | d).to_bitmask() != 0,
        }
    }

    #[inline(always)]
    fn odd(self, block: &[u8; 64]) -> Odd {
        let v = load(block);
        Odd {
            newlines: mask(v, |v| equal(v, b'\n')),
            backslashes: mask(v, |v| equal(v, b'\\')),
            high: mask(v, |v| v),
        }
    }

    #[inline(always)]
    fn tabs(self, block: &[u8; 64]) -> Cells {
        let v = load(block);
        Cells {
            newlines: mask(v, |v| equal(v, b'\n')),
            borders: mask(v, |v| equal(v, b'\n') | equal(v, b'\t') | equal(v, b',')),
            tabs: mask(v, |v| equal(v, b'\t')),
            backslashes: mask(v, |v| equal(v, b'\\')),
            telling: mask(v, telling),
            high: mask(v, |v| v),
        }
    }

    #[inline(always)]
    fn places(self, block: &[u8; 64], byte: u8) -> u64 {
        mask(load(block), |v| equal(v, byte))
    }

    #[inline(always)]
    fn parity(self, mut quotes: u64) -> u64 {
        for shift in [1, 2, 4, 8, 16, 32] {
            quotes ^= quotes << shift;
        }
        quotes
    }

    #[inline(always)]
    fn letters(self, window: &[u8; 64]) -> Letters {
        let v = load(window);
        let named = |v: u8x16| {
            let letters = within(v | u8x16::splat(FOLD), b'a', 25);
            letters | within(v, b'0', 9) | equal(v, b'.') | equal(v, b'-') | equal(v, b'_')
        };
        Letters {
            dots: mask(v, |v| equal(v, b'.')),
            digits: mask(v, |v| within(v, b'0', 9)),
            others: !mask(v, named),
        }
    }

    #[inline(always)]
    fn marks(self, window: &[u8; 64]) -> Marks {
        let v = load(window);
        Characters {
            colons: mask(v, |v| equal(v, b':')),
            slashes: mask(v, |v| equal(v, b'/')),
            ats: mask(v, |v| equal(v, b'@')),
            equals: mask(v, |v| equal(v, b'=')),
            cs: mask(v, |v| equal(v, b'C')),
            ns: mask(v, |v| equal(v, b'N')),
            high: mask(v, |v| v),
        }
        .marks()
    }

    #[inline(always)]
    fn hash(self, key: &HashKey, window: &[u8; 64], length: usize) -> u64 {
        const FOLDS: u64 = u64::from_le_bytes([FOLD; 8]);
        let (words, _) = window.as_chunks::<8>();
        let mut sum = 0_u64;
        let mut left = length;
        for (word, key) in words.iter().zip(&key.words) {
            if left == 0 {
                break;
            }
            let word = (u64::from_le_bytes(*word) | FOLDS) & lowest(left.min(8) * 8);
            sum = sum.wrapping_add(product(word, *key));
            left = left.saturating_sub(8);
        }
        sum = sum.wrapping_add(key.rests.get(length.div_ceil(8)).copied().unwrap_or_default());
        key.finish(sum, length)
    }
}
