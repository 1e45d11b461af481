//! The history cut into stretches of time, so that a hunt begins with the newest.

use lake::Segment;

/// A slice is wide enough when it holds so many records …
const ROWS: u64 = 1 << 20;
/// … or so many segments.
const SEGMENTS: u64 = 32;

/// A stretch of time, in nanoseconds since 1970: from one instant on, and before another where that is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) since: i64,
    pub(super) until: Option<i64>,
    /// Segments that begin in it.
    pub(super) segments: u64,
}

/// The slices before a time, or all, newest first. Together they hold every instant, whatever segments come later. No segment is in
/// two of them unless segments lie over one another without an end.
pub(super) fn slices(segments: &[Segment], before: Option<i64>) -> Vec<Slice> {
    let mut spans: Vec<&Segment> =
        segments.iter().filter(|segment| before.is_none_or(|before| segment.from < before)).collect();
    spans.sort_unstable_by_key(|segment| segment.from);
    // The latest end of what began before: where it lies before the next beginning, nothing is cut.
    let mut ends = Vec::with_capacity(spans.len());
    let mut latest = i64::MIN;
    for segment in &spans {
        ends.push(latest);
        latest = latest.max(segment.until);
    }
    let mut found = Vec::new();
    let (mut until, mut rows, mut held) = (before, 0, 0);
    for (segment, end_before) in spans.iter().zip(ends).rev() {
        rows += u64::from(segment.rows);
        held += 1;
        if end_before < segment.from && (rows >= ROWS || held >= SEGMENTS) {
            found.push(Slice { since: segment.from, until, segments: held });
            (until, rows, held) = (Some(segment.from), 0, 0);
        }
    }
    found.push(Slice { since: i64::MIN, until, segments: held });
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(number: u64, from: i64, length: i64, rows: u32) -> Segment {
        let text = serde_json::json!({
            "number": number, "kind": "flow", "period": "2026-11", "rows": rows, "from": from, "until": from + length,
            "parquet_bytes": 1, "rows_bytes": 1, "index_bytes": 1, "checksums": [0, 0, 0], "keys": 1,
        });
        serde_json::from_value(text).unwrap()
    }

    proptest! {
        #[test]
        fn every_instant_is_in_one_slice_and_no_segment_in_two(
            spans in prop::collection::vec((-1000_i64..1000, 0_i64..40, 0_u32..600_000), 0..120),
            before in prop::option::of(-1000_i64..1100),
        ) {
            let segments: Vec<Segment> =
                (0..).zip(&spans).map(|(number, (from, length, rows))| segment(number, *from, *length, *rows)).collect();
            let slices = slices(&segments, before);
            prop_assert_eq!(slices.first().unwrap().until, before);
            prop_assert_eq!(slices.last().unwrap().since, i64::MIN);
            for pair in slices.windows(2) {
                prop_assert_eq!(pair[1].until, Some(pair[0].since));
            }
            let counted: u64 = slices.iter().map(|slice| slice.segments).sum();
            let of_time = |it: &&Segment| before.is_none_or(|before| it.from < before);
            prop_assert_eq!(counted, segments.iter().filter(of_time).count() as u64);
            for cut in slices.iter().map(|slice| slice.since) {
                prop_assert!(segments.iter().all(|it| !(it.from < cut && it.until >= cut)));
            }
        }
    }

    #[test]
    fn much_is_cut_and_little_is_not() {
        let hours: Vec<Segment> = (0..100).map(|hour| segment(hour, hour as i64 * 100, 99, 10)).collect();
        assert_eq!(slices(&hours, None).len(), 4);
        assert_eq!(slices(&hours[..10], None).len(), 1);
        assert_eq!(slices(&hours, Some(500)).len(), 1);
    }
}
