use proptest::prelude::*;
use proptest::sample::select;
use stix::{Id, Timestamp};

use super::*;
use crate::indicator::Indicator;
use crate::set::Options;
use crate::warning::WarningLists;

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

fn set_of_a_digest() -> IndicatorSet {
    let stamp = Timestamp::from_instant(jiff::Timestamp::UNIX_EPOCH);
    let indicator = Indicator {
        id: Id::parse("indicator--00000000-0000-4000-8000-000000000001").unwrap(),
        version: stamp.clone(),
        name: String::new(),
        pattern: "[file:hashes.MD5 = '0123456789abcdef0123456789abcdef']".to_owned(),
        confidence: None,
        valid_from: stamp,
        valid_until: None,
        revoked: false,
        reach: None,
    };
    IndicatorSet::build([indicator], &WarningLists::none(), &Options::default(), 1).set
}

/// The strings that the walk meets, as their first byte and the border behind them.
fn met(set: &IndicatorSet, text: &[u8], simd: Simd) -> Vec<(usize, usize)> {
    let (mut lines, mut spans, mut walk) = (Lines::default(), Spans::default(), Walk::new(set));
    lines.starts.push(0);
    let mut met = Vec::new();
    loop {
        let work = JsonBlocks { lines: &mut lines, spans: &mut spans, walk: &mut walk, text };
        let stop = simd.run(work);
        met.extend_from_slice(spans.met());
        spans.clear();
        if stop.is_some() {
            return met;
        }
    }
}

proptest! {
    /// Every string that is as long as a digest, or has something telling in it, is met where it begins and ends.
    #[test]
    fn strings_are_met(
        strings in prop::collection::vec(("[a-z0-9]{0,70}", select(&["", "", ".", ":"][..]), "[a-z]{0,3}"), 1..80),
    ) {
        let set = set_of_a_digest();
        let (mut text, mut all, mut worth) = (r#"{"list":["#.to_owned(), Vec::new(), Vec::new());
        for (before, telling, behind) in &strings {
            text.push('"');
            let start = text.len();
            text += &format!("{before}{telling}{behind}");
            all.push((start, text.len()));
            if text.len() - start >= 32 || !telling.is_empty() {
                worth.push((start, text.len()));
            }
            text += "\",";
        }
        text += "0]}\n";
        for simd in Simd::all() {
            let met = met(&set, text.as_bytes(), simd);
            prop_assert!(worth.iter().all(|string| met.contains(string)), "{}: {:?} of {}", simd.name(), met, text);
            prop_assert!(met.iter().all(|string| all.contains(string)), "{}: {:?} of {}", simd.name(), met, text);
        }
    }

    #[test]
    fn escapes_without_a_branch(blocks in prop::collection::vec(prop_oneof![any::<u64>(), Just(u64::MAX), Just(u64::MAX << 31), Just(1 << 63)], 1..6)) {
        let mut carry = false;
        let fast: Vec<u64> = blocks.iter().map(|backslashes| escaped(*backslashes, &mut carry)).collect();
        prop_assert_eq!(fast, plain(&blocks));
    }
}
