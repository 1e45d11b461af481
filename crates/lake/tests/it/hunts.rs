//! A hunt finds what the matcher finds in all records, read in the order of time, whatever the lake has been through.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use lake::{Contents, Hunt, HuntTally, Keep, Lake, Limits, Origin, Writer};
use matcher::{BoundRecord, Covers, IndicatorSet, Reach, Scanner, UrlMode};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use telemetry::Reader;

use crate::made::{Made, at, odd_pattern, pattern, records, set};

/// Indicator, log and line, the values' numbers, and log and line of the others.
type Told = (String, (String, u64), Vec<usize>, Vec<(String, u64)>);

/// The matcher over all records, with no lake.
fn scanned(all: &[(Timestamp, Made)], set: &Arc<IndicatorSet>, now: Timestamp) -> Vec<Told> {
    let place = |number: u64| (all[number as usize].1.source.to_owned(), number + 1);
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|number| all[*number].0);
    let mut scanner = Scanner::new(Arc::clone(set), Reader::auto());
    let mut told = Vec::new();
    for number in order {
        let (time, made) = &all[number];
        let record = BoundRecord { time: *time, line: number as u64, offset: 0 };
        scanner.scan_record(&made.record, b"", record, now, &mut |found| {
            let others = found.bound.iter().map(|other| place(other.line)).collect();
            told.push((found.indicator.id().to_string(), place(number as u64), found.hits.to_vec(), others));
        });
    }
    told
}

fn hunted(lake: &Lake, hunt: &Hunt) -> (Vec<Told>, HuntTally) {
    let mut told = Vec::new();
    let tally = lake
        .hunt(hunt, &mut |_| {}, &mut |sighting| {
            let place = |place: &lake::Place| (place.source.clone(), place.line);
            let others = sighting.with.iter().map(place).collect();
            let found = sighting.found;
            told.push((found.indicator.id().to_string(), place(sighting.place), found.hits.to_vec(), others));
        })
        .unwrap();
    (told, tally)
}

fn hunt(set: &Arc<IndicatorSet>, now: Timestamp) -> Hunt {
    Hunt { set: Arc::clone(set), since: None, until: None, now, exhaustive: false }
}

/// Puts the records into a lake in several commits, and perhaps compacts it in between.
fn fill(folder: &std::path::Path, all: &[(Timestamp, Made)], commits: usize, compact_at: Option<Timestamp>) {
    let limits = Limits { held_bytes: usize::MAX, held_rows: 37 };
    let mut writer = Writer::open(folder, Contents::Mechanical, limits).unwrap();
    for (number, chunk) in all.chunks(all.len().div_ceil(commits).max(1)).enumerate() {
        let first = number * all.len().div_ceil(commits).max(1);
        for (number, (time, made)) in (first..).zip(chunk) {
            let line = number as u64 + 1;
            let origin = Origin { source: made.source, line, offset: line * 10, read: *time, text: b"" };
            writer.push(&made.record, &origin).unwrap();
        }
        writer.commit(&[], at(0)).unwrap();
        if let Some(now) = compact_at {
            writer.compact(&Keep::default(), now).unwrap();
        }
    }
}

#[derive(Debug, Clone)]
struct Case {
    all: Vec<(Timestamp, Made)>,
    patterns: Vec<String>,
    reach: Reach,
    commits: usize,
    compact_at: Option<i64>,
    span: (i64, i64),
}

fn reach() -> impl Strategy<Value = Reach> {
    let urls = prop::sample::select(vec![UrlMode::Exact, UrlMode::WithoutQuery, UrlMode::Prefix]);
    (prop::sample::select(vec![Covers::Host, Covers::Subtree]), urls)
        .prop_map(|(covers, urls)| Reach { covers, urls })
}

fn case() -> impl Strategy<Value = Case> {
    let days = prop::sample::select(vec![3600_i64, 86_400, 40 * 86_400]);
    let odd = prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(odd_pattern(), 1..3)];
    let patterns = (prop::collection::vec(pattern(), 1..60), odd).prop_map(|(mut all, odd)| {
        all.extend(odd);
        all
    });
    let patterns = patterns.boxed();
    days.prop_flat_map(|seconds| (records(150, seconds), Just(seconds)))
        .prop_flat_map(move |(all, seconds)| {
            let compact_at = prop::option::of(prop::sample::select(vec![0, 30 * 3600, 400 * 86_400]));
            (Just(all), patterns.clone(), reach(), 1_usize..4, compact_at, (0..seconds, 0..seconds))
        })
        .prop_map(|(all, patterns, reach, commits, compact_at, span)| Case {
            all,
            patterns,
            reach,
            commits,
            compact_at,
            span,
        })
}

/// 120 lakes, each with up to 62 indicators and 150 records: some thousands of indicators.
/// `YAGURA_LAKES` sets how many there are.
#[test]
fn a_hunt_is_a_scan_of_all() {
    let lakes = std::env::var("YAGURA_LAKES").ok().and_then(|count| count.parse().ok()).unwrap_or(120);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: lakes,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let [indicators, sightings, bound] = [(); 3].map(|()| Cell::new(0_usize));
    let done = runner.run(&case(), |case| {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &case.all, case.commits, case.compact_at.map(at));
        let lake = Lake::open(folder.path()).unwrap();
        let (set, now) = (Arc::new(set(&case.patterns, case.reach)), at(100 * 86_400));
        let expected = scanned(&case.all, &set, now);
        let (found, tally) = hunted(&lake, &hunt(&set, now));
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(tally.rows, case.all.len() as u64);
        let (all, everything) = hunted(&lake, &Hunt { exhaustive: true, ..hunt(&set, now) });
        prop_assert_eq!(&all, &expected);
        prop_assert_eq!(everything.rows_read, case.all.len() as u64);
        // A part of the time: what the records of that part give by themselves.
        let (since, until) = (at(case.span.0.min(case.span.1)), at(case.span.0.max(case.span.1)));
        let part = Hunt { since: Some(since), until: Some(until), ..hunt(&set, now) };
        let within: BTreeSet<(String, u64)> = (1..)
            .zip(&case.all)
            .filter(|(_, (time, _))| since <= *time && *time < until)
            .map(|(line, (_, made))| (made.source.to_owned(), line))
            .collect();
        let (found, _) = hunted(&lake, &part);
        let alone = |told: &Told| told.3.is_empty() && within.contains(&told.1);
        prop_assert!(found.iter().all(|told| within.contains(&told.1)));
        let singles = |all: &[Told]| all.iter().filter(|told| alone(told)).cloned().collect::<Vec<_>>();
        prop_assert_eq!(singles(&found), singles(&expected));
        indicators.set(indicators.get() + set.len());
        sightings.set(sightings.get() + expected.len());
        bound.set(bound.get() + expected.iter().filter(|told| !told.3.is_empty()).count());
        Ok(())
    });
    let [indicators, sightings, bound] = [indicators, sightings, bound].map(Cell::into_inner);
    println!(
        "{lakes} lakes, {indicators} indicators, {sightings} sightings, {bound} of them over several records"
    );
    done.unwrap();
    assert!(sightings > lakes as usize && bound > 0, "records and indicators are to meet");
}

/// What is not there costs no Parquet file.
#[test]
fn what_nothing_shows_is_not_opened() {
    let mut runner = TestRunner::deterministic();
    let all = records(400, 30 * 86_400).new_tree(&mut runner).unwrap().current();
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &all, 3, None);
    let lake = Lake::open(folder.path()).unwrap();
    let absent: Vec<String> =
        (0..200).map(|number| format!("[domain-name:value = 'absent{number}.example']")).collect();
    let (found, tally) = hunted(&lake, &hunt(&Arc::new(set(&absent, Covers::Subtree)), at(0)));
    assert!(found.is_empty());
    assert_eq!((tally.opened, tally.rows_read, tally.rows_bytes), (0, 0, 0));
    assert!(tally.cleared_by_filter * 10 > tally.segments * 9, "{tally:?}");
    // And a pattern that no value leads to says that it read everything.
    let odd = Arc::new(set(&["[network-traffic:dst_port = 4444]".to_owned()], Covers::Host));
    let (_, tally) = hunted(&lake, &hunt(&odd, at(0)));
    assert_eq!((tally.unanchored, tally.rows_read), (1, all.len() as u64));
}

#[test]
fn the_records_of_a_time_are_those_that_were_written() {
    let mut runner = TestRunner::deterministic();
    let mut all = Vec::new();
    while all.len() < 20 {
        all = records(150, 3600).new_tree(&mut runner).unwrap().current();
    }
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &all, 3, None);
    let lake = Lake::open(folder.path()).unwrap();
    let times: Vec<Timestamp> = all.iter().map(|(time, _)| *time).collect();
    let (first, last) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
    let middle = *{
        let mut sorted: Vec<_> = times.iter().collect();
        sorted.sort_unstable();
        sorted[sorted.len() / 2]
    };
    let values = |record: &telemetry::Observation<'_>| {
        let each = record.values.iter().map(|value| format!("{} {}", value.kind.name(), value.value));
        each.collect::<Vec<_>>()
    };
    for (since, until) in [(first, middle), (middle, last), (middle, Timestamp::MAX), (last, first)] {
        let mut found = Vec::new();
        let given = lake.records(since, until, &mut |record| {
            found.push(values(record));
            true
        });
        let within = all.iter().filter(|(time, _)| (since..until).contains(time));
        let mut expected: Vec<_> = within.map(|(_, made)| values(&made.record)).collect();
        assert_eq!(given.unwrap(), expected.len() as u64);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
    assert_eq!(lake.records(first, Timestamp::MAX, &mut |_| false).unwrap(), 1, "enough is enough");
}
