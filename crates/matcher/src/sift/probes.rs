//! Questions to the filter, collected so that their waits for memory overlap.

use crate::set::IndicatorSet;

/// How many questions are asked together.
const PROBES: usize = 256;

/// How many answers of no are remembered; values repeat.
const CLEARED: usize = 4096;

/// Where a question came from.
#[derive(Clone, Copy)]
struct Origin {
    /// The place in the stretch of the string that it is about.
    at: usize,
    /// An IPv4 address, which is then asked for exactly.
    address: Option<u32>,
}

pub(super) struct Probes {
    hashes: [u64; PROBES],
    origins: [Origin; PROBES],
    count: usize,
    /// Hashes that the set has not, each at the place that its low bits say.
    cleared: Box<[u64]>,
}

impl Probes {
    pub(super) fn new() -> Self {
        let mut probes = Self {
            hashes: [0; PROBES],
            origins: [Origin { at: 0, address: None }; PROBES],
            count: 0,
            cleared: vec![0; CLEARED].into(),
        };
        probes.forget();
        probes
    }

    /// Forgets what an earlier set said.
    pub(super) fn forget(&mut self) {
        self.cleared.fill(0);
        // No hash that belongs there is one, so this place remembers nothing, as the others do with zero.
        if let Some(first) = self.cleared.first_mut() {
            *first = 1;
        }
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
        // Whether it is known to be unknown is even chances: the question is written and perhaps written over, without a branch.
        let cleared = self.cleared.get(slot(hash)) == Some(&hash);
        if self.count == PROBES {
            self.ask(set, marks);
        }
        if let (Some(place), Some(origin)) =
            (self.hashes.get_mut(self.count), self.origins.get_mut(self.count))
        {
            *place = hash;
            *origin = Origin { at, address };
            self.count += usize::from(!cleared);
        }
    }

    /// Asks all that was noted.
    #[inline(never)]
    pub(super) fn ask(&mut self, set: &IndicatorSet, marks: &mut Vec<usize>) {
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
        for hash in hashes {
            if let Some(place) = self.cleared.get_mut(slot(*hash)) {
                *place = *hash;
            }
        }
        self.count = 0;
        for number in passed.get(..count).unwrap_or_default() {
            let number = usize::from(*number);
            let (Some(hash), Some(origin)) = (self.hashes.get(number), self.origins.get(number)) else {
                continue;
            };
            if !set.is_likely(*hash) {
                continue;
            }
            if let Some(place) = self.cleared.get_mut(slot(*hash)).filter(|place| **place == *hash) {
                *place = !*hash;
            }
            if origin.address.is_none_or(|address| set.knows_v4(address)) {
                marks.push(origin.at);
            }
        }
    }
}

/// Where a hash is remembered.
#[inline(always)]
fn slot(hash: u64) -> usize {
    hash as usize % CLEARED
}
