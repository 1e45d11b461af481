use proptest::prelude::*;

use super::escaped;

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
    fn escapes_without_a_branch(blocks in prop::collection::vec(prop_oneof![any::<u64>(), Just(u64::MAX), Just(u64::MAX << 31), Just(1 << 63)], 1..6)) {
        let mut carry = false;
        let fast: Vec<u64> = blocks.iter().map(|backslashes| escaped(*backslashes, &mut carry)).collect();
        prop_assert_eq!(fast, plain(&blocks));
    }
}
