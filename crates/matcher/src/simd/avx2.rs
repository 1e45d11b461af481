//! AVX2: 64 bytes in two registers.

use std::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_add_epi64, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_loadu_si128,
    _mm_prefetch, _mm_set_epi64x, _mm_set1_epi8, _mm_unpackhi_epi64, _mm256_add_epi8, _mm256_add_epi32,
    _mm256_add_epi64, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_castsi256_si128,
    _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_movemask_epi8,
    _mm256_mul_epu32, _mm256_or_si256, _mm256_set1_epi8, _mm256_shuffle_epi8, _mm256_srli_epi16,
    _mm256_srli_epi64,
};

use super::{Cells, Characters, FOLD, HashKey, Lanes, Letters, Marks, Odd, Quotes, Work};

/// Proof that the processor has the instructions of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        has.then_some(Self(()))
    }

    pub(super) fn run<W: Work>(self, work: W) -> W::Output {
        // SAFETY: `detect` made `self`, so the processor has these instructions.
        unsafe { run(self, work) }
    }
}

#[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
fn run<W: Work>(lanes: Avx2, work: W) -> W::Output {
    work.run(lanes)
}

impl Lanes for Avx2 {
    #[inline(always)]
    fn fetch<T>(self, slice: &[T], at: usize) {
        // SAFETY: a prefetch reads nothing and faults at no address, so this one may lie behind the slice.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(slice.as_ptr().wrapping_add(at).cast()) };
    }

    #[inline(always)]
    fn json(self, block: &[u8; 64]) -> Quotes {
        // SAFETY: `detect` made `self`, so the processor has these instructions.
        unsafe { json(block) }
    }

    #[inline(always)]
    fn odd(self, block: &[u8; 64]) -> Odd {
        // SAFETY: `detect` made `self`, so the processor has these instructions.
        unsafe { odd(block) }
    }

    #[inline(always)]
    fn tabs(self, block: &[u8; 64]) -> Cells {
        // SAFETY: `detect` made `self`, so the processor has these instructions.
        unsafe { tabs(block) }
    }

    #[inline(always)]
    fn places(self, block: &[u8; 64], byte: u8) -> u64 {
        // SAFETY: `detect` made `self`, so the processor has these instructions.
        unsafe { places(block, byte) }
    }

    #[inline(always)]
    fn parity(self, quotes: u64) -> u64 {
        // SAFETY: `detect` made `self`, so the processor has these instructions.
        unsafe { parity(quotes) }
    }

    #[inline(always)]
    fn letters(self, window: &[u8; 64]) -> Letters {
        // SAFETY: `detect` made `self`, so the processor has these instructions.
        unsafe { letters(window) }
    }

    #[inline(always)]
    fn marks(self, window: &[u8; 64]) -> Marks {
        // SAFETY: `detect` made `self`, so the processor has these instructions.
        unsafe { marks(window) }
    }

    #[inline(always)]
    fn hash(self, key: &HashKey, window: &[u8; 64], length: usize) -> u64 {
        // SAFETY: `detect` made `self`, so the processor has these instructions.
        unsafe { hash(key, window, length) }
    }
}

/// 64 bytes.
#[derive(Clone, Copy)]
struct Pair(__m256i, __m256i);

#[target_feature(enable = "avx2")]
#[inline]
fn half(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: the reference is to 32 bytes, which is what is read; the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load(block: &[u8; 64]) -> Pair {
    match block.as_chunks::<32>().0 {
        [first, second] => Pair(half(first), half(second)),
        // 64 bytes are two halves.
        _ => Pair(splat(0), splat(0)),
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_words(words: &[u64; 8]) -> Pair {
    let half = |words: &[u64; 4]| {
        // SAFETY: the reference is to four words, 32 bytes, which is what is read; the load asks for no alignment.
        unsafe { _mm256_loadu_si256(words.as_ptr().cast()) }
    };
    match words.as_chunks::<4>().0 {
        [first, second] => Pair(half(first), half(second)),
        // Eight words are two halves.
        _ => Pair(splat(0), splat(0)),
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn splat(byte: u8) -> __m256i {
    _mm256_set1_epi8(byte.cast_signed())
}

/// The highest bits of the bytes.
#[target_feature(enable = "avx2")]
#[inline]
fn highest(Pair(first, second): Pair) -> u64 {
    let bits = |half| u64::from(_mm256_movemask_epi8(half).cast_unsigned());
    bits(first) | bits(second) << 32
}

#[target_feature(enable = "avx2")]
#[inline]
fn equal(Pair(first, second): Pair, byte: u8) -> Pair {
    let byte = splat(byte);
    Pair(_mm256_cmpeq_epi8(first, byte), _mm256_cmpeq_epi8(second, byte))
}

#[target_feature(enable = "avx2")]
#[inline]
fn either(a: Pair, b: Pair) -> Pair {
    Pair(_mm256_or_si256(a.0, b.0), _mm256_or_si256(a.1, b.1))
}

#[target_feature(enable = "avx2")]
#[inline]
fn json(block: &[u8; 64]) -> Quotes {
    let v = load(block);
    let Pair(first, second) = either(either(equal(v, b'\n'), equal(v, b'\\')), v);
    Quotes {
        quotes: highest(equal(v, b'"')),
        dots: highest(equal(v, b'.')),
        colons: highest(equal(v, b':')),
        has_odd: _mm256_movemask_epi8(_mm256_or_si256(first, second)) != 0,
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn odd(block: &[u8; 64]) -> Odd {
    let v = load(block);
    Odd { newlines: highest(equal(v, b'\n')), backslashes: highest(equal(v, b'\\')), high: highest(v) }
}

#[target_feature(enable = "avx2")]
#[inline]
fn tabs(block: &[u8; 64]) -> Cells {
    let v = load(block);
    let (newlines, tabs, backslashes) = (equal(v, b'\n'), equal(v, b'\t'), equal(v, b'\\'));
    Cells {
        newlines: highest(newlines),
        borders: highest(either(either(newlines, tabs), equal(v, b','))),
        tabs: highest(tabs),
        backslashes: highest(backslashes),
        telling: highest(either(either(equal(v, b'.'), equal(v, b':')), either(backslashes, v))),
        high: highest(v),
    }
}

#[target_feature(enable = "pclmulqdq")]
#[inline]
fn parity(quotes: u64) -> u64 {
    // Multiplying by ones without carries is the exclusive or of all shifts to the left.
    let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, quotes.cast_signed()), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product).cast_unsigned()
}

#[target_feature(enable = "avx2")]
#[inline]
fn places(block: &[u8; 64], byte: u8) -> u64 {
    highest(equal(load(block), byte))
}

/// What a character is, by the halves of its code: it is what both tables agree on. Not ASCII is nothing, since the low half is then
/// looked up as nothing.
pub(super) const LOW_HALVES: [u8; 16] = halves([
    (DIGIT, 0b0000_0011_1111_1111),
    (DOT, 1 << 0xe),
    (HYPHEN, 1 << 0xd),
    (UNDERSCORE, 1 << 0xf),
    (A_TO_O, 0b1111_1111_1111_1110),
    (P_TO_Z, 0b0000_0111_1111_1111),
]);
pub(super) const HIGH_HALVES: [u8; 16] = halves([
    (DIGIT, 1 << 3),
    (DOT, 1 << 2),
    (HYPHEN, 1 << 2),
    (UNDERSCORE, 1 << 5),
    (A_TO_O, 1 << 4 | 1 << 6),
    (P_TO_Z, 1 << 5 | 1 << 7),
]);
/// The highest bit, and the one below: these are asked for alone.
const DIGIT: u8 = 0x80;
pub(super) const DOT: u8 = 0x40;
const HYPHEN: u8 = 1;
const UNDERSCORE: u8 = 2;
const A_TO_O: u8 = 4;
const P_TO_Z: u8 = 8;

/// A table of halves from what each of them may be.
const fn halves(classes: [(u8, u16); 6]) -> [u8; 16] {
    let mut table = [0; 16];
    let mut at = 0;
    while at < 16 {
        let mut class = 0;
        while class < classes.len() {
            #[expect(clippy::indexing_slicing, reason = "computed by the compiler, and within bounds")]
            {
                table[at] |= if classes[class].1 >> at & 1 == 1 { classes[class].0 } else { 0 };
            }
            class += 1;
        }
        at += 1;
    }
    table
}

#[target_feature(enable = "avx2")]
#[inline]
fn table(halves: &[u8; 16]) -> __m256i {
    // SAFETY: the reference is to 16 bytes, which is what is read; the load asks for no alignment.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(halves.as_ptr().cast()) })
}

#[target_feature(enable = "avx2")]
#[inline]
fn letters(window: &[u8; 64]) -> Letters {
    let v = load(window);
    let (low, high) = (table(&LOW_HALVES), table(&HIGH_HALVES));
    let half = |v| {
        let above = _mm256_and_si256(_mm256_srli_epi16::<4>(v), splat(0x0f));
        _mm256_and_si256(_mm256_shuffle_epi8(low, v), _mm256_shuffle_epi8(high, above))
    };
    let classes = Pair(half(v.0), half(v.1));
    Letters {
        dots: highest(Pair(_mm256_add_epi8(classes.0, classes.0), _mm256_add_epi8(classes.1, classes.1))),
        digits: highest(classes),
        others: highest(equal(classes, 0)),
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn marks(window: &[u8; 64]) -> Marks {
    let v = load(window);
    Characters {
        colons: highest(equal(v, b':')),
        slashes: highest(equal(v, b'/')),
        ats: highest(equal(v, b'@')),
        equals: highest(equal(v, b'=')),
        cs: highest(equal(v, b'C')),
        ns: highest(equal(v, b'N')),
        high: highest(v),
    }
    .marks()
}

/// The places of the bytes.
const PLACES: [u8; 64] = {
    let mut places = [0; 64];
    let mut at = 0_u8;
    while at < 64 {
        #[expect(clippy::indexing_slicing, reason = "computed by the compiler, and within bounds")]
        {
            places[at as usize] = at;
        }
        at += 1;
    }
    places
};

#[target_feature(enable = "avx2")]
#[inline]
fn hash(key: &HashKey, window: &[u8; 64], length: usize) -> u64 {
    let (v, places, keys) = (load(window), load(&PLACES), load_words(&key.words));
    // A length is of 64 at most, so it is no negative number as a signed byte.
    let end = splat(length.min(64) as u8);
    let half = |v, places, keys| {
        let folded = _mm256_and_si256(_mm256_or_si256(v, splat(FOLD)), _mm256_cmpgt_epi8(end, places));
        let sums = _mm256_add_epi32(folded, keys);
        _mm256_mul_epu32(sums, _mm256_srli_epi64::<32>(sums))
    };
    let sum = _mm256_add_epi64(half(v.0, places.0, keys.0), half(v.1, places.1, keys.1));
    let sum = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
    let sum = _mm_add_epi64(sum, _mm_unpackhi_epi64(sum, sum));
    key.finish(_mm_cvtsi128_si64(sum).cast_unsigned(), length)
}
