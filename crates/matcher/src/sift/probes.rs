//! Questions to the filter, collected so that their waits for memory overlap.

use crate::set::IndicatorSet;
use crate::simd::Simd;

/// How many questions are asked together.
const PROBES: usize = 256;

/// Where a question came from.
#[derive(Clone, Copy)]
struct Origin {
    /// The place in the stretch of the string that it is about.
    at: usize,
    /// An IPv4 address, which is then asked for exactly.
    address: Option<u32>,
}

pub(super) struct Probes {
    simd: Simd,
    hashes: [u64; PROBES],
    origins: [Origin; PROBES],
    count: usize,
    /// What the first filter said yes to, last time.
    passed: Vec<(u64, Origin)>,
}

impl Probes {
    pub(super) fn new(simd: Simd) -> Self {
        let origins = [Origin { at: 0, address: None }; PROBES];
        Self { simd, hashes: [0; PROBES], origins, count: 0, passed: Vec::new() }
    }

    /// Notes a question; places of strings that something is known of come out in `marks`.
    #[inline(always)]
    pub(super) fn push(
        &mut self,
        set: &IndicatorSet,
        hash: u64,
        at: usize,
        address: Option<u32>,
        marks: &mut Vec<usize>,
    ) {
        if self.count == PROBES {
            self.ask(set, marks);
        }
        if let (Some(place), Some(origin)) =
            (self.hashes.get_mut(self.count), self.origins.get_mut(self.count))
        {
            *place = hash;
            *origin = Origin { at, address };
            self.count += 1;
        }
    }

    /// Asks all that was noted. What the first filter says yes to is asked again the next time: by then what the second one reads
    /// is there.
    #[inline(never)]
    fn ask(&mut self, set: &IndicatorSet, marks: &mut Vec<usize>) {
        self.ask_again(set, marks);
        let hashes = self.hashes.get(..self.count).unwrap_or_default();
        let mut passed = [0_u16; PROBES];
        let mut count = 0;
        // Without a branch on the answer, so that the processor reads ahead.
        for (number, hash) in hashes.iter().enumerate() {
            if let Some(place) = passed.get_mut(count) {
                *place = number as u16;
            }
            count += usize::from(set.may_have(*hash));
        }
        self.count = 0;
        for number in passed.get(..count).unwrap_or_default() {
            let number = usize::from(*number);
            if let (Some(hash), Some(origin)) = (self.hashes.get(number), self.origins.get(number)) {
                let (words, place) = set.second_place(*hash);
                self.simd.fetch(words, place);
                self.passed.push((*hash, *origin));
            }
        }
    }

    fn ask_again(&mut self, set: &IndicatorSet, marks: &mut Vec<usize>) {
        for (hash, Origin { at, address }) in self.passed.drain(..) {
            if set.is_likely(hash) && address.is_none_or(|address| set.knows_v4(address)) {
                marks.push(at);
            }
        }
    }

    /// Asks all that was noted to the end.
    pub(super) fn finish(&mut self, set: &IndicatorSet, marks: &mut Vec<usize>) {
        self.ask(set, marks);
        self.ask_again(set, marks);
    }
}
