//! How fast records are read just now, how long after an event its match is known, and which indicators meet most. In memory:
//! it begins anew when the edge does.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use stix::Id;

/// The time over which the pace is an average.
const PACE_SECONDS: i64 = 60;
/// The newest delays, of which the median and the worst are told.
const DELAYS_MAX: usize = 1024;
/// Hours of which matches are counted by indicator.
const HOURS: usize = 24;
/// The most indicators that are counted in one hour; others together.
const INDICATORS_OF_HOUR_MAX: usize = 4096;
/// The indicators that are told of.
const TOP: usize = 10;
/// A record that is older than this when it is read comes from a log that is caught up with: it says nothing of the delay.
const LIVE_SECONDS: i64 = 300;

/// Counts what passes.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    inner: Mutex<Inner>,
}

/// Matches of each indicator, with its name.
type Counts = HashMap<Id, (String, u64)>;

#[derive(Debug, Default)]
struct Inner {
    /// Second, records and bytes.
    seconds: VecDeque<(i64, u64, u64)>,
    /// In milliseconds.
    delays: VecDeque<u64>,
    /// Hour, and matches of each indicator with its name.
    hours: VecDeque<(i64, Counts)>,
}

/// What is told of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Pace {
    /// Over the last minute.
    records_per_second: f64,
    bytes_per_second: f64,
    /// From the time of a record to its match, over the newest matches of live records; none where there were none.
    delay_median_ms: Option<u64>,
    delay_p99_ms: Option<u64>,
    delays: usize,
    /// The indicators with the most matches in this hour and the one before.
    top_hour: Vec<Top>,
    /// The same of the last 24 hours.
    top_day: Vec<Top>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Top {
    indicator: String,
    name: String,
    matches: u64,
}

impl Meter {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stretch was read.
    pub(crate) fn passed(&self, records: u64, bytes: u64, now: jiff::Timestamp) {
        let mut inner = self.inner();
        let second = now.as_second();
        match inner.seconds.back_mut().filter(|(last, _, _)| *last == second) {
            Some((_, known, size)) => (*known, *size) = (*known + records, *size + bytes),
            None => inner.seconds.push_back((second, records, bytes)),
        }
        while inner.seconds.front().is_some_and(|(first, _, _)| second - first > PACE_SECONDS) {
            inner.seconds.pop_front();
        }
    }

    /// An indicator met a record of this time.
    pub(crate) fn matched(
        &self,
        indicator: &Id,
        name: &str,
        (time, now): (jiff::Timestamp, jiff::Timestamp),
    ) {
        let mut inner = self.inner();
        let delay = now.as_millisecond() - time.as_millisecond();
        if (0..=LIVE_SECONDS * 1000).contains(&delay) {
            if inner.delays.len() >= DELAYS_MAX {
                inner.delays.pop_front();
            }
            inner.delays.push_back(delay.unsigned_abs());
        }
        let hour = now.as_second().div_euclid(3600);
        if inner.hours.back().is_none_or(|(last, _)| *last != hour) {
            inner.hours.push_back((hour, HashMap::new()));
            while inner.hours.len() > HOURS {
                inner.hours.pop_front();
            }
        }
        let Some((_, counts)) = inner.hours.back_mut() else { return };
        if let Some((_, count)) = counts.get_mut(indicator) {
            *count += 1;
        } else if counts.len() < INDICATORS_OF_HOUR_MAX {
            counts.insert(indicator.clone(), (name.to_owned(), 1));
        }
    }

    /// How it is now.
    pub(crate) fn read(&self, now: jiff::Timestamp) -> Pace {
        let inner = self.inner();
        let second = now.as_second();
        let recent = inner.seconds.iter().filter(|(at, _, _)| second - at <= PACE_SECONDS);
        let (records, bytes) =
            recent.fold((0, 0), |(records, bytes), (_, more, size)| (records + more, bytes + size));
        let mut delays: Vec<u64> = inner.delays.iter().copied().collect();
        delays.sort_unstable();
        let at = |part: usize| delays.get((delays.len() * part / 100).min(delays.len().saturating_sub(1)));
        let hour = second.div_euclid(3600);
        Pace {
            records_per_second: records as f64 / PACE_SECONDS as f64,
            bytes_per_second: bytes as f64 / PACE_SECONDS as f64,
            delay_median_ms: at(50).copied(),
            delay_p99_ms: at(99).copied(),
            delays: delays.len(),
            top_hour: inner.top(hour - 1),
            top_day: inner.top(hour + 1 - HOURS as i64),
        }
    }
}

impl Inner {
    /// The indicators with the most matches from an hour on.
    fn top(&self, from: i64) -> Vec<Top> {
        let mut sums: HashMap<&Id, (&str, u64)> = HashMap::new();
        for (id, (name, count)) in
            self.hours.iter().filter(|(hour, _)| *hour >= from).flat_map(|(_, all)| all)
        {
            sums.entry(id).or_insert((name, 0)).1 += count;
        }
        let mut top: Vec<Top> = sums
            .into_iter()
            .map(|(id, (name, matches))| Top { indicator: id.to_string(), name: name.to_owned(), matches })
            .collect();
        top.sort_by(|a, b| b.matches.cmp(&a.matches).then_with(|| a.indicator.cmp(&b.indicator)));
        top.truncate(TOP);
        top
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn the_pace_is_that_of_the_last_minute() {
        let meter = Meter::default();
        meter.passed(600, 6000, at(0));
        meter.passed(60, 600, at(30));
        assert_eq!(meter.read(at(31)).records_per_second, 11.0);
        assert_eq!(meter.read(at(80)).bytes_per_second, 10.0);
        assert_eq!(meter.read(at(200)).records_per_second, 0.0);
    }

    #[test]
    fn delays_are_of_live_records_and_the_top_of_its_hours() {
        let meter = Meter::default();
        let id = |number| Id::new("indicator", uuid::Uuid::from_u128(number));
        assert_eq!(meter.read(at(0)).delay_median_ms, None);
        for second in 0..100 {
            meter.matched(&id(1), "one", (at(0), at(second)));
        }
        meter.matched(&id(2), "two", (at(0), at(100_000)));
        let pace = meter.read(at(100_000));
        assert_eq!((pace.delay_median_ms, pace.delay_p99_ms, pace.delays), (Some(50_000), Some(99_000), 100));
        assert_eq!(pace.top_hour.iter().map(|top| top.name.as_str()).collect::<Vec<_>>(), ["two"]);
        let day = meter.read(at(3600 * 20)).top_day;
        assert_eq!((day[0].name.as_str(), day[0].matches), ("one", 100));
        for number in 0..5000 {
            meter.matched(&id(number + 10), "many", (at(0), at(100_000)));
        }
        assert_eq!(meter.read(at(100_000)).top_hour.len(), TOP);
    }
}
