//! NEON: 64 bytes in four registers. Every 64-bit ARM processor has it.

use std::arch::aarch64::{
    uint8x16_t, vandq_u8, vceqq_u8, vcgeq_u8, vcleq_u8, vdupq_n_u8, vgetq_lane_u64, vld1q_u8, vmaxvq_u8,
    vorrq_u8, vpaddq_u8, vreinterpretq_u64_u8, vsubq_u8,
};

use super::{Cells, Characters, FOLD, HashKey, Lanes, Letters, Marks, Odd, Portable, Quotes, Work};

/// Proof that the processor has the instructions of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Neon(());

impl Neon {
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    pub(super) fn run<W: Work>(self, work: W) -> W::Output {
        // SAFETY: `detect` made `self`, so the processor has these instructions.
        unsafe { run(self, work) }
    }
}

#[target_feature(enable = "neon")]
fn run<W: Work>(lanes: Neon, work: W) -> W::Output {
    work.run(lanes)
}

impl Lanes for Neon {
    #[inline(always)]
    fn fetch<T>(self, _: &[T], _: usize) {}

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
        Portable.parity(quotes)
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

    // Multiplying in the ordinary registers is as fast here: most texts are three words long.
    #[inline(always)]
    fn hash(self, key: &HashKey, window: &[u8; 64], length: usize) -> u64 {
        Portable.hash(key, window, length)
    }
}

/// 64 bytes.
type Four = [uint8x16_t; 4];

#[target_feature(enable = "neon")]
#[inline]
fn quarter(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the reference is to 16 bytes, which is what is read; the load asks for no alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
fn load(block: &[u8; 64]) -> Four {
    match block.as_chunks::<16>().0 {
        [a, b, c, d] => [quarter(a), quarter(b), quarter(c), quarter(d)],
        // 64 bytes are four quarters.
        _ => [vdupq_n_u8(0); 4],
    }
}

/// One bit for each byte that is all ones; the others are zero.
#[target_feature(enable = "neon")]
#[inline]
fn bits([a, b, c, d]: Four) -> u64 {
    let places = quarter(&[1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128]);
    let front = vpaddq_u8(vandq_u8(a, places), vandq_u8(b, places));
    let back = vpaddq_u8(vandq_u8(c, places), vandq_u8(d, places));
    let sums = vpaddq_u8(front, back);
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)))
}

#[target_feature(enable = "neon")]
#[inline]
fn equal([a, b, c, d]: Four, byte: u8) -> Four {
    let byte = vdupq_n_u8(byte);
    [vceqq_u8(a, byte), vceqq_u8(b, byte), vceqq_u8(c, byte), vceqq_u8(d, byte)]
}

#[target_feature(enable = "neon")]
#[inline]
fn high([a, b, c, d]: Four) -> Four {
    let first = vdupq_n_u8(0x80);
    [vcgeq_u8(a, first), vcgeq_u8(b, first), vcgeq_u8(c, first), vcgeq_u8(d, first)]
}

#[target_feature(enable = "neon")]
#[inline]
fn either(a: Four, b: Four) -> Four {
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a, b);
    [vorrq_u8(a0, b0), vorrq_u8(a1, b1), vorrq_u8(a2, b2), vorrq_u8(a3, b3)]
}

/// Bytes from `first` on, up to `more` above it.
#[target_feature(enable = "neon")]
#[inline]
fn within([a, b, c, d]: Four, first: u8, more: u8) -> Four {
    let (first, more) = (vdupq_n_u8(first), vdupq_n_u8(more));
    let quarter = |v| vcleq_u8(vsubq_u8(v, first), more);
    [quarter(a), quarter(b), quarter(c), quarter(d)]
}

#[target_feature(enable = "neon")]
#[inline]
fn telling(v: Four, backslashes: Four) -> u64 {
    bits(either(either(equal(v, b'.'), equal(v, b':')), either(backslashes, high(v))))
}

#[target_feature(enable = "neon")]
#[inline]
fn json(block: &[u8; 64]) -> Quotes {
    let v = load(block);
    let [a, b, c, d] = either(either(equal(v, b'\n'), equal(v, b'\\')), v);
    Quotes {
        quotes: bits(equal(v, b'"')),
        dots: bits(equal(v, b'.')),
        colons: bits(equal(v, b':')),
        has_odd: vmaxvq_u8(vorrq_u8(vorrq_u8(a, b), vorrq_u8(c, d))) >= 0x80,
    }
}

#[target_feature(enable = "neon")]
#[inline]
fn odd(block: &[u8; 64]) -> Odd {
    let v = load(block);
    Odd { newlines: bits(equal(v, b'\n')), backslashes: bits(equal(v, b'\\')), high: bits(high(v)) }
}

#[target_feature(enable = "neon")]
#[inline]
fn tabs(block: &[u8; 64]) -> Cells {
    let v = load(block);
    let (newlines, tabs, backslashes) = (equal(v, b'\n'), equal(v, b'\t'), equal(v, b'\\'));
    Cells {
        newlines: bits(newlines),
        borders: bits(either(either(newlines, tabs), equal(v, b','))),
        tabs: bits(tabs),
        backslashes: bits(backslashes),
        telling: telling(v, backslashes),
        high: bits(high(v)),
    }
}

#[target_feature(enable = "neon")]
#[inline]
fn places(block: &[u8; 64], byte: u8) -> u64 {
    bits(equal(load(block), byte))
}

#[target_feature(enable = "neon")]
#[inline]
fn letters(window: &[u8; 64]) -> Letters {
    let v = load(window);
    let [a, b, c, d] = v;
    let (dots, digits) = (equal(v, b'.'), within(v, b'0', 9));
    let fold = vdupq_n_u8(FOLD);
    let folded = [vorrq_u8(a, fold), vorrq_u8(b, fold), vorrq_u8(c, fold), vorrq_u8(d, fold)];
    let letters = either(within(folded, b'a', 25), either(equal(v, b'-'), equal(v, b'_')));
    Letters { dots: bits(dots), digits: bits(digits), others: !bits(either(letters, either(dots, digits))) }
}

#[target_feature(enable = "neon")]
#[inline]
fn marks(window: &[u8; 64]) -> Marks {
    let v = load(window);
    Characters {
        colons: bits(equal(v, b':')),
        slashes: bits(equal(v, b'/')),
        ats: bits(equal(v, b'@')),
        equals: bits(equal(v, b'=')),
        cs: bits(equal(v, b'C')),
        ns: bits(equal(v, b'N')),
        high: bits(high(v)),
    }
    .marks()
}
