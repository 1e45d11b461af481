//! The few steps of the first stage that a processor's wide registers do at once: what stands where in 64 bytes, which of
//! them are inside of quotes, and the keyed hash of a short text.
//!
//! Each backend gives the same answers, bit by bit; [`Portable`] is the plain one that the others are tested against. Which
//! is used is chosen at run time. This module holds the project's only `unsafe`: loads of arrays whose length the type
//! states, and calls of functions whose instructions the processor is known to have. That knowledge is a value
//! (`Avx512`, `Avx2`) which only a detection makes.

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the processor's own loads; each block says why it is sound")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the processor's own loads; each block says why it is sound")]
mod avx512;
#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "the processor's own loads; each block says why it is sound")]
mod neon;
mod portable;

pub(crate) use portable::Portable;

/// The instructions that a scanner's first stage is made of. What a scanner finds does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Simd(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
    Portable(Portable),
}

impl Simd {
    /// The fastest that this processor has.
    #[must_use]
    pub fn best() -> Self {
        Self::all().next().unwrap_or(Self(Kind::Portable(Portable)))
    }

    /// All that this processor has, the fastest first. The last one needs no particular processor.
    pub fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let wide = [avx512::Avx512::detect().map(Kind::Avx512), avx2::Avx2::detect().map(Kind::Avx2)];
        #[cfg(target_arch = "aarch64")]
        let wide = [neon::Neon::detect().map(Kind::Neon)];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let wide: [Option<Kind>; 0] = [];
        wide.into_iter().flatten().chain([Kind::Portable(Portable)]).map(Self)
    }

    /// `avx512`, `avx2`, `neon` or `portable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => "neon",
            Kind::Portable(_) => "portable",
        }
    }

    /// As [`Lanes::fetch`].
    pub(crate) fn fetch<T>(self, slice: &[T], at: usize) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(lanes) => lanes.fetch(slice, at),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(lanes) => lanes.fetch(slice, at),
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(lanes) => lanes.fetch(slice, at),
            Kind::Portable(lanes) => lanes.fetch(slice, at),
        }
    }

    /// Does the work with these instructions.
    pub(crate) fn run<W: Work>(self, work: W) -> W::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(lanes) => lanes.run(work),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(lanes) => lanes.run(work),
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(lanes) => lanes.run(work),
            Kind::Portable(lanes) => work.run(lanes),
        }
    }
}

/// Work that is compiled once for each backend. `run` and all that it calls with the lanes must be inlined always: only then
/// are they compiled with the backend's instructions.
pub(crate) trait Work {
    type Output;
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// One backend. Masks have one bit for each byte, the lowest for the first.
pub(crate) trait Lanes: Copy {
    /// Has the processor fetch what stands at this place, if it can; nothing else happens.
    fn fetch<T>(self, slice: &[T], at: usize);

    /// What parts the strings of JSON, and what makes one worth a look.
    fn json(self, block: &[u8; 64]) -> Quotes;

    /// What few blocks have.
    fn odd(self, block: &[u8; 64]) -> Odd;

    /// What parts the cells of tab-separated values.
    fn tabs(self, block: &[u8; 64]) -> Cells;

    /// Each bit becomes the parity of the bits up to it: from an opening quote to before the closing one.
    fn parity(self, quotes: u64) -> u64;

    /// Where a byte stands.
    fn places(self, block: &[u8; 64], byte: u8) -> u64;

    /// What a text is made of.
    fn letters(self, window: &[u8; 64]) -> Letters;

    /// What makes a text that is no plain name worth a look.
    fn marks(self, window: &[u8; 64]) -> Marks;

    /// The keyed hash of the first `length` bytes, of 64 at most, with the case of letters folded ([`FOLD`]).
    fn hash(self, key: &HashKey, window: &[u8; 64], length: usize) -> u64;
}

/// Where the strings of JSON begin and end. Without a dot, a colon or something odd, no string is worth a look, hashes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quotes {
    pub(crate) quotes: u64,
    pub(crate) dots: u64,
    pub(crate) colons: u64,
    /// Whether there is anything of [`Odd`] in the block.
    pub(crate) has_odd: bool,
}

/// What is met in few blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Odd {
    pub(crate) newlines: u64,
    pub(crate) backslashes: u64,
    /// What is not ASCII.
    pub(crate) high: u64,
}

/// Where cells begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cells {
    pub(crate) newlines: u64,
    /// Tabs, commas and line ends.
    pub(crate) borders: u64,
    pub(crate) tabs: u64,
    pub(crate) backslashes: u64,
    /// Bytes without one of which no cell is worth a look, hashes apart: dots, colons, backslashes, and what is not ASCII.
    pub(crate) telling: u64,
    /// What is not ASCII.
    pub(crate) high: u64,
}

/// What the names of hosts are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letters {
    pub(crate) dots: u64,
    pub(crate) digits: u64,
    /// Bytes that are no ASCII letter, digit, hyphen, underscore or dot.
    pub(crate) others: u64,
}

/// What tells a URL, a mail address, a certificate's subject and a text in another script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) colons: u64,
    /// Colons that `//` follows, or may follow behind the window.
    pub(crate) schemes: u64,
    pub(crate) ats: u64,
    /// Equals signs that `CN` precedes, or may precede before the window.
    pub(crate) common_names: u64,
    pub(crate) high: u64,
}

/// Where single characters stand, from which [`Marks`] are made.
struct Characters {
    colons: u64,
    slashes: u64,
    ats: u64,
    equals: u64,
    cs: u64,
    ns: u64,
    high: u64,
}

impl Characters {
    #[inline(always)]
    fn marks(self) -> Marks {
        const LAST: u64 = 1 << 63;
        const LAST_TWO: u64 = 3 << 62;
        Marks {
            colons: self.colons,
            schemes: self.colons & (self.slashes >> 1 | LAST) & (self.slashes >> 2 | LAST_TWO),
            ats: self.ats,
            common_names: self.equals & (self.ns << 1 | 1) & (self.cs << 2 | 3),
            high: self.high,
        }
    }
}

/// What folds the case of a letter. It folds a few other characters together too, which costs a look and loses nothing.
pub(crate) const FOLD: u8 = 0x20;

/// The bits below this one, which is of 63 at most.
#[inline(always)]
pub(crate) fn below(bit: u32) -> u64 {
    (1 << (bit & 63)) - 1
}

/// The lowest `count` bits, of 64 at most.
#[inline(always)]
pub(crate) fn lowest(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// The 64 bytes from `start` on; behind the end of the text they are zero.
#[inline(always)]
pub(crate) fn window<'w>(text: &'w [u8], start: usize, room: &'w mut [u8; 64]) -> &'w [u8; 64] {
    match text.get(start..).and_then(<[u8]>::first_chunk) {
        Some(window) => window,
        None => last_window(text, start, room),
    }
}

#[cold]
#[inline(never)]
fn last_window<'w>(text: &[u8], start: usize, room: &'w mut [u8; 64]) -> &'w [u8; 64] {
    *room = [0; 64];
    let rest = text.get(start..).unwrap_or_default();
    if let Some(front) = room.get_mut(..rest.len()) {
        front.copy_from_slice(rest);
    }
    room
}

/// The key of the hashes of a set. Strangers choose the texts that are hashed; who does not know the key finds two texts of
/// one hash by luck alone: NH (Black et al., UMAC, 1999) gives a pair of texts the same sum with a chance of 2⁻³² at most,
/// whatever they are, and a folded multiplication spreads the sum over all bits.
///
/// It is made of additions and multiplications of 32 bits because every processor has these in its wide registers, so that
/// all backends give one value and a set does not depend on who scans with it.
#[derive(Clone)]
pub(crate) struct HashKey {
    words: [u64; 8],
    /// At `n`, the sum for the words from `n` on where they are zero.
    rests: [u64; 9],
    before: u64,
    after: u64,
}

/// More bytes than a window has: only the last of them are hashed.
const LONGER: usize = 65;

impl HashKey {
    /// The key that belongs to a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut state = seed;
        // SplitMix64: what it gives tells nobody the seed who sees only hashes.
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        };
        let words: [u64; 8] = std::array::from_fn(|_| next());
        let mut rests = [0_u64; 9];
        for (at, place) in rests.iter_mut().enumerate() {
            *place = words.iter().skip(at).fold(0, |sum, word| sum.wrapping_add(product(0, *word)));
        }
        // The highest bit is set, so that no length makes a factor of zero.
        Self { words, rests, before: next(), after: next() | 1 << 63 }
    }

    /// The hash of a text with its case folded; of a text longer than a window its end is hashed. As [`Lanes::hash`].
    pub(crate) fn text(&self, text: &[u8]) -> u64 {
        let start = text.len().saturating_sub(64);
        let sum = self.sum(text.get(start..).unwrap_or_default(), FOLD);
        self.finish(sum, text.len().min(LONGER))
    }

    /// The hash of a number.
    pub(crate) fn number(&self, number: u64) -> u64 {
        folded_product(number ^ self.before, self.after)
    }

    /// The hash of all bytes as they are.
    pub(crate) fn exact(&self, tag: u16, bytes: &[u8]) -> u64 {
        let mut hash = self.number(u64::from(tag) << 48 ^ bytes.len() as u64);
        for block in bytes.chunks(64) {
            hash = folded_product(hash ^ self.sum(block, 0), self.after);
        }
        hash
    }

    /// The sum over 64 bytes at most.
    fn sum(&self, bytes: &[u8], fold: u8) -> u64 {
        let fold = u64::from_le_bytes([fold; 8]);
        let mut sum = 0_u64;
        let (whole, rest) = bytes.as_chunks::<8>();
        let mut keys = self.words.iter();
        for (word, key) in whole.iter().zip(&mut keys) {
            sum = sum.wrapping_add(product(u64::from_le_bytes(*word) | fold, *key));
        }
        let mut words = whole.len();
        if let Some(key) = keys.next().filter(|_| !rest.is_empty()) {
            let word = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            sum = sum.wrapping_add(product((word | fold) & lowest(rest.len() * 8), *key));
            words += 1;
        }
        sum.wrapping_add(self.rests.get(words).copied().unwrap_or_default())
    }

    #[inline(always)]
    fn finish(&self, sum: u64, length: usize) -> u64 {
        folded_product(sum ^ self.before, self.after ^ length as u64)
    }
}

/// NH of one word: its halves are added to those of the key and multiplied.
#[inline(always)]
fn product(word: u64, key: u64) -> u64 {
    let low = (word as u32).wrapping_add(key as u32);
    let high = ((word >> 32) as u32).wrapping_add((key >> 32) as u32);
    u64::from(low) * u64::from(high)
}

/// Both halves of a product of 128 bits, folded.
#[inline(always)]
fn folded_product(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests;
