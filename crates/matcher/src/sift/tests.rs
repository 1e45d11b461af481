use proptest::prelude::*;

use super::{digests, escaped};

/// One character after the other.
fn plain(blocks: &[u64]) -> Vec<u64> {
    let mut escape = false;
    let mut results = Vec::new();
    for backslashes in blocks {
        let mut escaped = 0;
        for at in 0..64 {
            escaped |= u64::from(escape) << at;
            escape = !escape && backslashes >> at & 1 == 1;
        }
        results.push(escaped);
    }
    results
}

proptest! {
    #[test]
    fn gaps_of_the_length_of_digests(gaps in prop::collection::vec(prop_oneof![1_u32..64, Just(33_u32), Just(41_u32)], 1..8)) {
        let mut places: Vec<u32> = Vec::new();
        for gap in gaps {
            places.push(places.last().map_or(0, |last| last + gap));
        }
        places.retain(|place| *place < 64);
        let borders = places.iter().fold(0_u64, |borders, place| borders | 1 << place);
        let at = |gap| places.windows(2).filter(|pair| pair[1] - pair[0] == gap).fold(0_u64, |m, pair| m | 1 << pair[0]);
        prop_assert_eq!(digests(borders), (at(33), at(41)));
    }

    #[test]
    fn escapes_without_a_branch(blocks in prop::collection::vec(prop_oneof![any::<u64>(), Just(u64::MAX), Just(u64::MAX << 31), Just(1 << 63)], 1..6)) {
        let mut carry = false;
        let fast: Vec<u64> = blocks.iter().map(|backslashes| escaped(*backslashes, &mut carry)).collect();
        prop_assert_eq!(fast, plain(&blocks));
    }
}
