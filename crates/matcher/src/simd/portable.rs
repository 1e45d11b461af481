//! Eight bytes at a time in an ordinary register: for any processor, and the measure of the other backends.

use super::{Borders, Characters, FOLD, HashKey, Lanes, Letters, Marks, lowest, product};

/// No particular instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Portable;

/// Eight bytes, the first in the lowest bits.
type Word = u64;

const ONES: Word = 0x0101_0101_0101_0101;
const HIGH: Word = 0x8080_8080_8080_8080;
const LOW: Word = !HIGH;

/// The highest bit of each byte that is equal.
#[inline(always)]
fn equal(word: Word, byte: u8) -> Word {
    let differing = word ^ ONES * byte as Word;
    !(((differing & LOW) + LOW) | differing) & HIGH
}

/// The highest bit of each byte from `first` to `last`, which are ASCII.
#[inline(always)]
fn within(word: Word, first: u8, last: u8) -> Word {
    let ascii = word & LOW;
    let reaches = ascii + ONES * (0x80 - first) as Word;
    let exceeds = ascii + ONES * (0x7f - last) as Word;
    reaches & !exceeds & !word & HIGH
}

/// The highest bits of the bytes, side by side.
#[inline(always)]
fn gather(highest: Word) -> u64 {
    (highest >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// The words of a block with the place of each in a mask.
#[inline(always)]
fn words(block: &[u8; 64]) -> impl Iterator<Item = (usize, Word)> {
    let (words, _) = block.as_chunks::<8>();
    words.iter().enumerate().map(|(number, bytes)| (number * 8, u64::from_le_bytes(*bytes)))
}

impl Lanes for Portable {
    #[inline(always)]
    fn json(self, block: &[u8; 64]) -> Borders {
        let mut found = Borders { newlines: 0, borders: 0, tabs: 0, backslashes: 0, telling: 0, high: 0 };
        for (at, word) in words(block) {
            let backslashes = equal(word, b'\\');
            let telling = equal(word, b'.') | equal(word, b':') | backslashes | word & HIGH;
            found.newlines |= gather(equal(word, b'\n')) << at;
            found.borders |= gather(equal(word, b'"')) << at;
            found.backslashes |= gather(backslashes) << at;
            found.telling |= gather(telling) << at;
            found.high |= gather(word & HIGH) << at;
        }
        found
    }

    #[inline(always)]
    fn tabs(self, block: &[u8; 64]) -> Borders {
        let mut found = Borders { newlines: 0, borders: 0, tabs: 0, backslashes: 0, telling: 0, high: 0 };
        for (at, word) in words(block) {
            let (newlines, tabs) = (equal(word, b'\n'), equal(word, b'\t'));
            let backslashes = equal(word, b'\\');
            let telling = equal(word, b'.') | equal(word, b':') | backslashes | word & HIGH;
            found.newlines |= gather(newlines) << at;
            found.borders |= gather(newlines | tabs | equal(word, b',')) << at;
            found.tabs |= gather(tabs) << at;
            found.backslashes |= gather(backslashes) << at;
            found.telling |= gather(telling) << at;
            found.high |= gather(word & HIGH) << at;
        }
        found
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
        let mut found = Letters { dots: 0, digits: 0, others: 0 };
        for (at, word) in words(window) {
            let (dots, digits) = (equal(word, b'.'), within(word, b'0', b'9'));
            let letters = within(word | ONES * FOLD as Word, b'a', b'z');
            let others = HIGH & !(dots | digits | letters | equal(word, b'-') | equal(word, b'_'));
            found.dots |= gather(dots) << at;
            found.digits |= gather(digits) << at;
            found.others |= gather(others) << at;
        }
        found
    }

    #[inline(always)]
    fn marks(self, window: &[u8; 64]) -> Marks {
        let mut found = Characters { colons: 0, slashes: 0, ats: 0, equals: 0, cs: 0, ns: 0, high: 0 };
        for (at, word) in words(window) {
            found.colons |= gather(equal(word, b':')) << at;
            found.slashes |= gather(equal(word, b'/')) << at;
            found.ats |= gather(equal(word, b'@')) << at;
            found.equals |= gather(equal(word, b'=')) << at;
            found.cs |= gather(equal(word, b'C')) << at;
            found.ns |= gather(equal(word, b'N')) << at;
            found.high |= gather(word & HIGH) << at;
        }
        found.marks()
    }

    #[inline(always)]
    fn hash(self, key: &HashKey, window: &[u8; 64], length: usize) -> u64 {
        let mut sum = 0_u64;
        let mut left = length;
        for ((_, word), key) in words(window).zip(&key.words) {
            if left == 0 {
                break;
            }
            let word = (word | ONES * FOLD as Word) & lowest(left.min(8) * 8);
            sum = sum.wrapping_add(product(word, *key));
            left = left.saturating_sub(8);
        }
        sum = sum.wrapping_add(key.rests.get(length.div_ceil(8)).copied().unwrap_or_default());
        key.finish(sum, length)
    }
}
