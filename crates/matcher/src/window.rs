//! What patterns over several observations remember: for each, the records that satisfied one of its comparisons.
//!
//! Time is that of the records. They may come late and out of order: whatever is remembered is bound, in whichever order it
//! came; records are forgotten when nothing that is at most [`LATENESS`] late can be bound with them any more, or when
//! there are too many. What is told is therefore always true; what is missed by a limit is counted ([`WindowTally`]).

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stix::pattern::evaluate::Hits;

use crate::part::{Part, PartKey};

/// The most records that one part of a pattern remembers.
pub(crate) const HITS_OF_PART_MAX: usize = 512;

/// The most records that all patterns together remember, some 100 bytes each.
const HITS_MAX: usize = 1 << 18;

/// How late a record may come and still be bound with all that it could be bound with; and how far ahead of now its time may
/// be. One hour, in nanoseconds.
const LATENESS: i64 = 3_600_000_000_000;

/// After how many observations tried a record is given up for one part.
const STEPS_MAX: u64 = 20_000;

/// The same comparison so often, in so many nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ring {
    pub(crate) times: usize,
    pub(crate) span: i64,
}

/// A record that a match over several observations was bound with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundRecord {
    /// The record's time; that of its reading where it bore none.
    pub time: Timestamp,
    /// The number of its line since the scanner was made, from 0.
    pub line: u64,
    /// Where its line began, in bytes since the scanner was made.
    pub offset: u64,
}

/// What was not remembered or not decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowTally {
    /// Records that came later than an hour after others; what they were to be bound with may have been forgotten.
    pub late: u64,
    /// Records whose time lies more than an hour ahead of now; they are not bound.
    pub future: u64,
    /// Records that were forgotten because a pattern had too many (512), or all patterns together had (262,144).
    pub forgotten: u64,
    /// Records for which it was given up to look for a binding.
    pub undecided: u64,
}

/// What the patterns of a set remember. A value: it can be written down and taken up again, also with another set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Windows {
    windows: HashMap<PartKey, Window>,
    /// How many records there are in all windows.
    held: usize,
    /// The latest time of a record, in nanoseconds since 1970.
    latest: Option<i64>,
    /// Counts what was fed.
    clock: u64,
    tally: WindowTally,
}

/// The form that is written down.
#[derive(Serialize, Deserialize)]
struct Saved {
    windows: Vec<(String, Window)>,
    latest: Option<i64>,
    clock: u64,
    tally: WindowTally,
}

impl From<Windows> for Saved {
    fn from(from: Windows) -> Self {
        let mut windows: Vec<_> =
            from.windows.into_iter().map(|(key, window)| (hex::encode(key), window)).collect();
        windows.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Self { windows, latest: from.latest, clock: from.clock, tally: from.tally }
    }
}

impl From<Saved> for Windows {
    fn from(from: Saved) -> Self {
        let key = |text: &str| PartKey::try_from(hex::decode(text).ok()?).ok();
        let windows: HashMap<PartKey, Window> =
            from.windows.into_iter().filter_map(|(text, window)| Some((key(&text)?, window))).collect();
        let held = windows.values().map(|window| window.hits.len()).sum();
        Self { windows, held, latest: from.latest, clock: from.clock, tally: from.tally }
    }
}

/// What one part remembers, in the order in which the records came.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Window {
    hits: VecDeque<Hit>,
    /// When it was last fed, by the count of [`Windows::clock`].
    fed: u64,
}

/// A record that satisfied some comparisons of a part.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Hit {
    /// Nanoseconds since 1970.
    time: i64,
    line: u64,
    offset: u64,
    /// The comparisons' numbers.
    tests: Box<[u32]>,
}

/// A record that completes a part together with others, and the comparisons of the part that it satisfied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) record: BoundRecord,
    pub(crate) tests: Box<[u32]>,
}

impl Hit {
    fn bound(&self) -> Bound {
        let time = Timestamp::from_nanosecond(i128::from(self.time)).unwrap_or_default();
        let record = BoundRecord { time, line: self.line, offset: self.offset };
        Bound { record, tests: self.tests.clone() }
    }
}

/// A record as it comes: where and when, and what time it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) record: BoundRecord,
    pub(crate) now: Timestamp,
}

impl Windows {
    /// What was not remembered or not decided since the beginning.
    #[must_use]
    pub fn tally(&self) -> WindowTally {
        self.tally
    }

    /// How many records are remembered, over all patterns; bounded.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }

    /// Forgets what belongs to parts that are no more.
    pub(crate) fn keep(&mut self, is_known: impl Fn(&PartKey) -> bool) {
        self.windows.retain(|key, _| is_known(key));
        self.held = self.windows.values().map(|window| window.hits.len()).sum();
    }

    /// Takes a record that satisfies some comparisons of the part. Where it completes the part, the others that it is bound
    /// with, in the order of time.
    pub(crate) fn feed(&mut self, part: &Part, tests: &[u32], arrival: &Arrival) -> Option<Vec<Bound>> {
        let time = nanoseconds(arrival.record.time);
        let BoundRecord { line, offset, .. } = arrival.record;
        let hit = Hit { time, line, offset, tests: tests.into() };
        if part.single {
            return decided(part, &[&hit], 0, &mut self.tally);
        }
        if time > nanoseconds(arrival.now).saturating_add(LATENESS) {
            self.tally.future += 1;
            return None;
        }
        let latest = self.latest.map_or(time, |latest| latest.max(time));
        self.latest = Some(latest);
        let watermark = latest.saturating_sub(LATENESS);
        if time < watermark {
            self.tally.late += 1;
        }
        self.clock += 1;
        let window = self.windows.entry(part.key).or_default();
        window.fed = self.clock;
        let before = window.hits.len();
        if let Some(horizon) = part.horizon {
            window.hits.retain(|hit| hit.time.saturating_add(horizon) >= watermark);
        }
        if window.hits.len() >= HITS_OF_PART_MAX {
            window.hits.pop_front();
            self.tally.forgotten += 1;
        }
        window.hits.push_back(hit);
        self.held = self.held.saturating_sub(before) + window.hits.len();
        let found = window.completed(part, &mut self.tally);
        if self.held > HITS_MAX {
            self.make_room();
        }
        found
    }

    /// Forgets the half of the parts that were not fed for the longest.
    fn make_room(&mut self) {
        let mut fed: Vec<u64> = self.windows.values().map(|window| window.fed).collect();
        let middle = fed.len() / 2;
        if middle < fed.len() {
            let (_, pivot, _) = fed.select_nth_unstable(middle);
            let pivot = *pivot;
            self.windows.retain(|_, window| window.fed > pivot);
        }
        let held = self.windows.values().map(|window| window.hits.len()).sum();
        self.tally.forgotten += self.held.saturating_sub(held) as u64;
        self.held = held;
    }
}

impl Window {
    /// Whether the newest record completes the part.
    fn completed(&self, part: &Part, tally: &mut WindowTally) -> Option<Vec<Bound>> {
        let newest = self.hits.back()?;
        let near = |hit: &&Hit| {
            part.horizon.is_none_or(|horizon| hit.time.abs_diff(newest.time) <= horizon.unsigned_abs())
        };
        let candidates: Vec<&Hit> = self.hits.iter().filter(near).collect();
        if (candidates.len() as u64) < part.evaluator.observations_min() {
            return None;
        }
        match part.ring {
            Some(ring) => ring.around(&candidates, newest.time),
            None => decided(part, &candidates, candidates.len() - 1, tally),
        }
    }
}

impl Ring {
    /// As many records in the span as are asked for, with the last of the list among them. All of them satisfy the one
    /// comparison, so only their times matter.
    fn around(self, hits: &[&Hit], newest: i64) -> Option<Vec<Bound>> {
        let (_, others) = hits.split_last()?;
        let mut others: Vec<&&Hit> = others.iter().collect();
        others.sort_by_key(|hit| hit.time);
        let at = others.partition_point(|hit| hit.time <= newest);
        let wanted = self.times.checked_sub(1)?;
        // With the newest, `wanted` others that stand in a row: from each that could be the first of them.
        for first in at.saturating_sub(wanted)..=at {
            let Some(row) = others.get(first..first + wanted) else { continue };
            let start = row.first().map_or(newest, |hit| hit.time.min(newest));
            let end = row.last().map_or(newest, |hit| hit.time.max(newest));
            if end.saturating_sub(start) <= self.span {
                return Some(row.iter().map(|hit| hit.bound()).collect());
            }
        }
        None
    }
}

/// Whether the records satisfy the part together, with the one of that number among them.
fn decided(part: &Part, hits: &[&Hit], including: usize, tally: &mut WindowTally) -> Option<Vec<Bound>> {
    let mut tests: Vec<Vec<usize>> = vec![Vec::new(); part.evaluator.predicates().len()];
    // The nearest in time first: they are bound with the fewest trials.
    for (number, hit) in hits.iter().enumerate().rev() {
        for test in &hit.tests {
            if let Some(known) = tests.get_mut(*test as usize) {
                known.push(number);
            }
        }
    }
    let spans: Vec<(i128, i128)> =
        hits.iter().map(|hit| (i128::from(hit.time), i128::from(hit.time))).collect();
    let numbers = vec![1; hits.len()];
    let known = Hits {
        tests: &tests,
        spans: &spans,
        numbers: &numbers,
        including: Some(including),
        steps_max: STEPS_MAX,
    };
    match part.evaluator.bind(&known) {
        Ok(binding) => {
            let bound = binding?.observations();
            let others =
                bound.iter().filter(|number| **number != including).filter_map(|number| hits.get(*number));
            let mut others: Vec<Bound> = others.map(|hit| hit.bound()).collect();
            others.sort_by_key(|bound| bound.record.time);
            Some(others)
        }
        Err(_) => {
            tally.undecided += 1;
            None
        }
    }
}

fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time.as_second() < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use stix::pattern::Pattern;

    use super::*;

    /// Each record is of another pattern: what is remembered stays within its bound, and every record is accounted for.
    /// `YAGURA_WINDOWS` sets how many there are.
    #[test]
    fn millions_of_windows_are_bounded() {
        let windows_fed: u64 =
            std::env::var("YAGURA_WINDOWS").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
        let pattern = Pattern::parse("[domain-name:value = 'evil.example'] REPEATS 2 TIMES").unwrap();
        let mut part = crate::part::compile(&pattern.root, crate::Reach::default(), false).unwrap();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut windows = Windows::default();
        for number in 0..windows_fed {
            part.key = u128::from(number).to_le_bytes();
            let record = BoundRecord { time: now, line: number, offset: 0 };
            assert_eq!(windows.feed(&part, &[0], &Arrival { record, now }), None);
            assert!(windows.held <= HITS_MAX);
        }
        assert_eq!(windows.held as u64 + windows.tally.forgotten, windows_fed);
        assert!(windows.held >= HITS_MAX / 2 && windows.windows.len() == windows.held);
        // The newest are there.
        let record = BoundRecord { time: now, line: windows_fed, offset: 0 };
        let found = windows.feed(&part, &[0], &Arrival { record, now });
        assert_eq!(
            found.map(|others| others.iter().map(|other| other.record.line).collect()),
            Some(vec![windows_fed - 1])
        );
    }
}
