//! AVX-512: 64 bytes in one register, comparisons straight into masks.

use std::arch::x86_64::{
    __m512i, _MM_HINT_T0, _mm_clmulepi64_si128, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_prefetch,
    _mm_set_epi64x, _mm_set1_epi8, _mm512_add_epi32, _mm512_and_si512, _mm512_broadcast_i32x4,
    _mm512_cmpeq_epi8_mask, _mm512_loadu_si512, _mm512_maskz_mov_epi8, _mm512_movepi8_mask, _mm512_mul_epu32,
    _mm512_or_si512, _mm512_reduce_add_epi64, _mm512_set1_epi8, _mm512_shuffle_epi8, _mm512_srli_epi16,
    _mm512_srli_epi64, _mm512_test_epi8_mask, _mm512_testn_epi8_mask,
};

use super::avx2::{DOT, HIGH_HALVES, LOW_HALVES};
use super::{Cells, Characters, FOLD, HashKey, Lanes, Letters, Marks, Odd, Quotes, Work, lowest};

/// Proof that the processor has the instructions of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
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

#[target_feature(enable = "avx512f,avx512bw,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
fn run<W: Work>(lanes: Avx512, work: W) -> W::Output {
    work.run(lanes)
}

impl Lanes for Avx512 {
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

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load(block: &[u8; 64]) -> __m512i {
    // SAFETY: the reference is to 64 bytes, which is what is read; the load asks for no alignment.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn load_words(words: &[u64; 8]) -> __m512i {
    // SAFETY: the reference is to eight words, 64 bytes, which is what is read; the load asks for no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn splat(byte: u8) -> __m512i {
    _mm512_set1_epi8(byte.cast_signed())
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn equal(v: __m512i, byte: u8) -> u64 {
    _mm512_cmpeq_epi8_mask(v, splat(byte))
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn table(halves: &[u8; 16]) -> __m512i {
    // SAFETY: the reference is to 16 bytes, which is what is read; the load asks for no alignment.
    _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(halves.as_ptr().cast()) })
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn json(block: &[u8; 64]) -> Quotes {
    let v = load(block);
    Quotes {
        quotes: equal(v, b'"'),
        dots: equal(v, b'.'),
        colons: equal(v, b':'),
        has_odd: equal(v, b'\n') | equal(v, b'\\') | _mm512_movepi8_mask(v) != 0,
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn odd(block: &[u8; 64]) -> Odd {
    let v = load(block);
    Odd { newlines: equal(v, b'\n'), backslashes: equal(v, b'\\'), high: _mm512_movepi8_mask(v) }
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn tabs(block: &[u8; 64]) -> Cells {
    let v = load(block);
    let (newlines, tabs) = (equal(v, b'\n'), equal(v, b'\t'));
    let (backslashes, high) = (equal(v, b'\\'), _mm512_movepi8_mask(v));
    Cells {
        newlines,
        borders: newlines | tabs | equal(v, b','),
        tabs,
        backslashes,
        telling: equal(v, b'.') | equal(v, b':') | backslashes | high,
        high,
    }
}

#[target_feature(enable = "pclmulqdq")]
#[inline]
fn parity(quotes: u64) -> u64 {
    // Multiplying by ones without carries is the exclusive or of all shifts to the left.
    let product = _mm_clmulepi64_si128::<0>(_mm_set_epi64x(0, quotes.cast_signed()), _mm_set1_epi8(-1));
    _mm_cvtsi128_si64(product).cast_unsigned()
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn places(block: &[u8; 64], byte: u8) -> u64 {
    equal(load(block), byte)
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn letters(window: &[u8; 64]) -> Letters {
    let v = load(window);
    let above = _mm512_and_si512(_mm512_srli_epi16::<4>(v), splat(0x0f));
    let (low, high) = (table(&LOW_HALVES), table(&HIGH_HALVES));
    let classes = _mm512_and_si512(_mm512_shuffle_epi8(low, v), _mm512_shuffle_epi8(high, above));
    Letters {
        dots: _mm512_test_epi8_mask(classes, splat(DOT)),
        digits: _mm512_movepi8_mask(classes),
        others: _mm512_testn_epi8_mask(classes, classes),
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn marks(window: &[u8; 64]) -> Marks {
    let v = load(window);
    Characters {
        colons: equal(v, b':'),
        slashes: equal(v, b'/'),
        ats: equal(v, b'@'),
        equals: equal(v, b'='),
        cs: equal(v, b'C'),
        ns: equal(v, b'N'),
        high: _mm512_movepi8_mask(v),
    }
    .marks()
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn hash(key: &HashKey, window: &[u8; 64], length: usize) -> u64 {
    let folded = _mm512_maskz_mov_epi8(lowest(length), _mm512_or_si512(load(window), splat(FOLD)));
    let sums = _mm512_add_epi32(folded, load_words(&key.words));
    let products = _mm512_mul_epu32(sums, _mm512_srli_epi64::<32>(sums));
    key.finish(_mm512_reduce_add_epi64(products).cast_unsigned(), length)
}
