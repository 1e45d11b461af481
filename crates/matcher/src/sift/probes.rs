//! Questions to the filter, collected so that their waits for memory overlap.

use crate::set::IndicatorSet;

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
    hashes: [u64; PROBES],
    origins: [Origin; PROBES],
    count: usize,
}

impl Probes {
    pub(super) fn new() -> Self {
        Self { hashes: [0; PROBES], origins: [Origin { at: 0, address: None }; PROBES], count: 0 }
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
        self.count = 0;
        for number in passed.get(..count).unwrap_or_default() {
            let number = usize::from(*number);
            let (Some(hash), Some(origin)) = (self.hashes.get(number), self.origins.get(number)) else {
                continue;
            };
            if !set.is_likely(*hash) {
                continue;
            }
            if origin.address.is_none_or(|address| set.knows_v4(address)) {
                marks.push(origin.at);
            }
        }
    }
}
