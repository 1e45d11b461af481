//! Every backend gives what a loop over the bytes gives.

use proptest::prelude::*;

use super::{Cells, HashKey, Lanes, Letters, Marks, Odd, Quotes, Simd, Work, below, lowest, window};

/// What a backend makes of a block.
#[derive(Debug, PartialEq)]
struct Answers {
    json: Quotes,
    odd: Odd,
    tabs: Cells,
    letters: Letters,
    marks: Marks,
    parity: u64,
    places: u64,
    hashes: Vec<u64>,
}

struct Ask<'a> {
    block: &'a [u8; 64],
    key: &'a HashKey,
    quotes: u64,
}

impl Work for Ask<'_> {
    type Output = Answers;

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> Answers {
        Answers {
            json: lanes.json(self.block),
            odd: lanes.odd(self.block),
            tabs: lanes.tabs(self.block),
            letters: lanes.letters(self.block),
            marks: lanes.marks(self.block),
            parity: lanes.parity(self.quotes),
            places: lanes.places(self.block, self.quotes as u8),
            hashes: (0..=64).map(|length| lanes.hash(self.key, self.block, length)).collect(),
        }
    }
}

/// One byte after the other.
fn plain(block: &[u8; 64], key: &HashKey, quotes: u64) -> Answers {
    let mask = |test: &dyn Fn(u8) -> bool| {
        block.iter().enumerate().fold(0, |mask, (at, byte)| mask | u64::from(test(*byte)) << at)
    };
    let is = |byte: u8| mask(&|other| other == byte);
    let high = mask(&|byte| byte >= 0x80);
    let telling = is(b'.') | is(b':') | is(b'\\') | high;
    let (newlines, backslashes) = (is(b'\n'), is(b'\\'));
    let follows = |at: usize, offset: usize, byte: u8| block.get(at + offset).is_none_or(|b| *b == byte);
    let precedes = |at: usize, offset: usize, byte: u8| {
        at.checked_sub(offset).is_none_or(|before| block[before] == byte)
    };
    let places = |byte: u8, test: &dyn Fn(usize) -> bool| {
        (0..64).filter(|at| block[*at] == byte && test(*at)).fold(0_u64, |mask, at| mask | 1 << at)
    };
    let mut inside = false;
    Answers {
        json: Quotes {
            quotes: is(b'"'),
            dots: is(b'.'),
            colons: is(b':'),
            has_odd: newlines | backslashes | high != 0,
        },
        odd: Odd { newlines, backslashes, high },
        tabs: Cells {
            newlines,
            borders: newlines | is(b'\t') | is(b','),
            tabs: is(b'\t'),
            backslashes,
            telling,
            high,
        },
        letters: Letters {
            dots: is(b'.'),
            digits: mask(&|byte| byte.is_ascii_digit()),
            others: mask(&|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))),
        },
        marks: Marks {
            colons: is(b':'),
            schemes: places(b':', &|at| follows(at, 1, b'/') && follows(at, 2, b'/')),
            ats: is(b'@'),
            common_names: places(b'=', &|at| precedes(at, 1, b'N') && precedes(at, 2, b'C')),
            high,
        },
        parity: (0..64).fold(0, |parity, at| {
            inside ^= quotes >> at & 1 == 1;
            parity | u64::from(inside) << at
        }),
        places: is(quotes as u8),
        hashes: (0..=64).map(|length| key.text(&block[..length])).collect(),
    }
}

fn check(block: &[u8; 64], seed: u64, quotes: u64) {
    let key = HashKey::new(seed);
    let right = plain(block, &key, quotes);
    for simd in Simd::all() {
        assert_eq!(simd.run(Ask { block, key: &key, quotes }), right, "{} of {block:?}", simd.name());
    }
}

proptest! {
    #[test]
    fn backends_agree_on_any_bytes(block in any::<[u8; 64]>(), seed in any::<u64>(), quotes in any::<u64>()) {
        check(&block, seed, quotes);
    }

    #[test]
    fn backends_agree_on_what_they_look_for(
        picks in prop::collection::vec(prop::sample::select(&b"\n\r\t,\"\\.:/@=CN-_0189azAZ`{[gG\x7f\x80\xaf\xff "[..]), 64),
        seed in any::<u64>(),
    ) {
        let block: [u8; 64] = picks.try_into().unwrap();
        check(&block, seed, u64::from_le_bytes(*block.first_chunk().unwrap()));
    }

    /// The case of letters does not count, what else differs does, and the key decides.
    #[test]
    fn texts_have_hashes_of_their_own(text in "[a-z0-9.-]{1,90}", other in "[a-z0-9.-]{1,90}", seed in any::<u64>()) {
        let (key, another) = (HashKey::new(seed), HashKey::new(seed ^ 1));
        prop_assert_eq!(key.text(text.as_bytes()), key.text(text.to_ascii_uppercase().as_bytes()));
        prop_assert_ne!(key.exact(0, text.as_bytes()), key.exact(1, text.as_bytes()));
        prop_assert_ne!(key.text(text.as_bytes()), another.text(text.as_bytes()));
        if text != other {
            prop_assert_ne!(key.exact(0, text.as_bytes()), key.exact(0, other.as_bytes()));
            if text.len() <= 64 && other.len() <= 64 {
                prop_assert_ne!(key.text(text.as_bytes()), key.text(other.as_bytes()));
            }
        }
    }

    #[test]
    fn a_window_is_the_text_and_then_zero(text in prop::collection::vec(1_u8.., 0..200), start in 0_usize..250) {
        let mut room = [7; 64];
        let seen = window(&text, start, &mut room);
        for (at, byte) in seen.iter().enumerate() {
            prop_assert_eq!(*byte, text.get(start + at).copied().unwrap_or(0));
        }
    }
}

#[test]
fn every_byte_at_every_place() {
    let key = HashKey::new(1);
    for byte in 0..=u8::MAX {
        let block = std::array::from_fn(|at| byte.wrapping_add(at as u8));
        let right = plain(&block, &key, 0);
        for simd in Simd::all() {
            assert_eq!(simd.run(Ask { block: &block, key: &key, quotes: 0 }), right, "{}", simd.name());
        }
    }
}

#[test]
fn masks() {
    assert_eq!((below(0), below(1), below(63)), (0, 1, u64::MAX >> 1));
    assert_eq!((lowest(0), lowest(1), lowest(63), lowest(64)), (0, 1, u64::MAX >> 1, u64::MAX));
}

#[test]
fn the_portable_backend_is_always_there_and_last() {
    let names: Vec<_> = Simd::all().map(Simd::name).collect();
    assert_eq!(names.last(), Some(&"portable"));
    assert_eq!(Simd::best().name(), names[0]);
}
