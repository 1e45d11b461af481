//! Patterns over several observations, met by lines one after the other: what completes them, what is told, what is forgotten.

use std::sync::Arc;

use matcher::{IndicatorSet, Options, Scanner, WarningLists, Windows};
use stix::Timestamp;
use telemetry::Reader;

use crate::given::{indicator, now};

fn set(patterns: &[&str]) -> Arc<IndicatorSet> {
    let indicators = (1..).zip(patterns).map(|(number, pattern)| indicator(number, pattern));
    let built = IndicatorSet::build(indicators, &WarningLists::none(), &Options::default(), 1);
    assert_eq!(built.refused, []);
    Arc::new(built.set)
}

/// A lookup of `NAME.example`, so many seconds after noon.
fn line(name: &str, seconds: i64) -> String {
    let time = "2026-01-15T12:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let time = time + jiff::SignedDuration::from_secs(seconds);
    format!(
        r#"{{"timestamp":"{time}","event_type":"dns","src_ip":"10.1.2.3","dest_port":53,"dns":{{"rrname":"{name}.example"}}}}"#
    )
}

fn log(lines: &[(&str, i64)]) -> String {
    lines.iter().map(|(name, seconds)| line(name, *seconds) + "\n").collect()
}

/// Each line that completes the pattern, with the lines that it is bound with.
fn check(pattern: &str, lines: &[(&str, i64)], expected: &str) {
    let pattern = ["a", "b", "c"].iter().fold(pattern.to_owned(), |text, name| {
        text.replace(&format!("[{name}]"), &format!("[domain-name:value = '{name}.example']"))
    });
    let mut told = Vec::new();
    let mut scanner = Scanner::new(set(&[&pattern]), Reader::auto());
    scanner.scan(log(lines).as_bytes(), now(), &mut |found| {
        let bound: Vec<String> = found.bound.iter().map(|record| record.line.to_string()).collect();
        assert!(!found.hits.is_empty() && found.place.line == found.line);
        told.push(format!("{}:{}", found.line, bound.join("+")));
    });
    assert_eq!(told.join(" "), expected, "{pattern}");
}

#[test]
fn every_operator() {
    check("[a] AND [b]", &[("a", 0), ("x", 1), ("b", 2)], "2:0");
    check("[a] AND [b]", &[("b", 2), ("a", 0)], "1:0");
    check("[a] AND [a]", &[("a", 0), ("a", 0), ("a", 1)], "1:0 2:1");
    check("[a] FOLLOWEDBY [b]", &[("b", 0), ("a", 1), ("b", 1)], "2:1");
    check("[a] FOLLOWEDBY [b]", &[("a", 5), ("b", 4)], "");
    check("[a] FOLLOWEDBY [b] FOLLOWEDBY [c]", &[("a", 0), ("b", 1), ("a", 2), ("c", 3), ("b", 4)], "3:0+1");
    check("([a] FOLLOWEDBY [b]) WITHIN 5 SECONDS", &[("a", 0), ("b", 6), ("a", 7), ("b", 12)], "3:2");
    check("[a] REPEATS 3 TIMES", &[("a", 0), ("a", 100), ("b", 1), ("a", 5)], "3:0+1");
    check(
        "[a] REPEATS 3 TIMES WITHIN 10 SECONDS",
        &[("a", 0), ("a", 8), ("a", 11), ("a", 18), ("a", 30)],
        "3:1+2",
    );
    check("([a] OR [b]) REPEATS 2 TIMES WITHIN 3 SECONDS", &[("a", 0), ("c", 1), ("b", 2)], "2:0");
    check(
        "([a] AND [b]) WITHIN 2 SECONDS REPEATS 2 TIMES",
        &[("a", 0), ("b", 1), ("a", 50), ("b", 53), ("a", 54)],
        "4:0+1+3",
    );
    check(
        "[a] START t'2026-01-15T12:00:05Z' STOP t'2026-01-15T12:00:07Z'",
        &[("a", 4), ("a", 5), ("a", 7)],
        "1:",
    );
    check(
        "([a] AND [b]) START t'2026-01-15T12:00:05Z' STOP t'2026-01-15T12:00:07Z'",
        &[("a", 4), ("b", 5), ("a", 6)],
        "2:1",
    );
    check("[c] OR [a] FOLLOWEDBY [b]", &[("a", 0), ("c", 1), ("b", 2)], "2:1");
    check("[a] OR ([b] REPEATS 2 TIMES) OR ([b] REPEATS 2 TIMES)", &[("b", 0), ("a", 1), ("b", 2)], "1: 2:0");
}

/// Records come late and out of order; what they complete is told when they come.
#[test]
fn late_records() {
    check("([a] FOLLOWEDBY [b]) WITHIN 60 SECONDS", &[("b", 50), ("c", 3000), ("a", 10)], "2:0");
    check(
        "[a] REPEATS 3 TIMES WITHIN 10 SECONDS",
        &[("a", 100), ("a", 0), ("a", 105), ("a", 2), ("a", 103)],
        "4:0+2",
    );
    // More than an hour later, what was within the window is forgotten; without a window nothing is.
    check("([a] FOLLOWEDBY [b]) WITHIN 60 SECONDS", &[("a", 0), ("a", 3700), ("b", 1)], "");
    check("[a] FOLLOWEDBY [b]", &[("a", 0), ("a", 3700), ("b", 1)], "2:0");
}

#[test]
fn what_is_not_remembered_is_counted() {
    let pattern =
        "([domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']) WITHIN 60 SECONDS";
    let mut scanner = Scanner::new(set(&[pattern]), Reader::auto());
    let mut matches = 0;
    let mut scan =
        |scanner: &mut Scanner, text: String| scanner.scan(text.as_bytes(), now(), &mut |_| matches += 1);
    scan(&mut scanner, log(&[("a", 0), ("a", 5000), ("b", 1)]));
    assert_eq!(scanner.windows().tally().late, 1);
    // A clock that is wrong does not make everything else late. After 2262 no indicator counts.
    for date in ["2200-01-15", "9999-01-15"] {
        scan(&mut scanner, line("a", 5001).replace("2026-01-15", date));
    }
    assert_eq!(scanner.windows().tally().future, 1);
    scan(&mut scanner, log(&[("b", 5002)]));
    assert_eq!(matches, 1);
    let mut scanner = Scanner::new(set(&[pattern]), Reader::auto());
    let many: Vec<(&str, i64)> = (0..600).map(|_| ("a", 0)).collect();
    scanner.scan(log(&many).as_bytes(), now(), &mut |_| {});
    assert_eq!((scanner.windows().held(), scanner.windows().tally().forgotten), (512, 88));
}

#[test]
fn an_indicator_that_does_not_count_remembers_nothing() {
    let mut early = indicator(1, "[domain-name:value = 'a.example'] REPEATS 2 TIMES");
    early.valid_from = Timestamp::parse("2026-01-15T12:00:05Z").unwrap();
    let built = IndicatorSet::build([early], &WarningLists::none(), &Options::default(), 1);
    let mut scanner = Scanner::new(Arc::new(built.set), Reader::auto());
    let mut lines = Vec::new();
    let text = log(&[("a", 4), ("a", 5), ("a", 6)]);
    scanner.scan(text.as_bytes(), now(), &mut |found| lines.push(found.line));
    assert_eq!(lines, [2]);
}

/// What is remembered is a value: it is written down, read, and goes on in another scanner with another set.
#[test]
fn memory_outlives_a_restart_and_a_new_set() {
    let pattern = "[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']";
    let other = "[domain-name:value = 'b.example'] REPEATS 2 TIMES";
    let mut first = Scanner::new(set(&[pattern]), Reader::auto());
    first.scan(log(&[("a", 0)]).as_bytes(), now(), &mut |_| {});
    let written = serde_json::to_string(&first.take_windows()).unwrap();
    assert_eq!(first.windows().held(), 0);
    let windows: Windows = serde_json::from_str(&written).unwrap();
    assert_eq!((windows.held(), serde_json::to_string(&windows).unwrap()), (1, written));
    let mut second = Scanner::new(set(&[pattern, other]), Reader::auto());
    second.remember(windows);
    let mut told = Vec::new();
    second.scan(log(&[("b", 5)]).as_bytes(), now(), &mut |found| {
        told.push((
            found.indicator.number(),
            found.bound.iter().map(|record| record.time.to_string()).collect::<Vec<_>>(),
        ));
    });
    assert_eq!(told, [(0, vec!["2026-01-15T12:00:00Z".to_owned()])]);
    assert_eq!(second.windows().held(), 3);
    // A set without the first pattern forgets what that one remembered.
    let mut only = indicator(2, other);
    only.name = "only".to_owned();
    let built = IndicatorSet::build([only], &WarningLists::none(), &Options::default(), 2);
    second.adopt(Arc::new(built.set));
    assert_eq!(second.windows().held(), 1);
    let mut told = 0;
    second.scan(log(&[("b", 6)]).as_bytes(), now(), &mut |_| told += 1);
    assert_eq!(told, 1);
}

/// Lines and places are counted over chunks.
#[test]
fn places_are_counted_from_the_beginning() {
    let mut scanner =
        Scanner::new(set(&["[domain-name:value = 'a.example'] REPEATS 2 TIMES"]), Reader::auto());
    let (one, two) = (log(&[("c", 0), ("a", 1)]), log(&[("c", 2), ("c", 3), ("a", 4)]));
    scanner.scan(one.as_bytes(), now(), &mut |_| {});
    let mut told = Vec::new();
    scanner
        .scan(two.as_bytes(), now(), &mut |found| told.push((found.line, found.place, found.bound.to_vec())));
    let [(line_in_chunk, place, bound)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((*line_in_chunk, place.line, bound[0].line), (2, 4, 1));
    let all = one + &two;
    for record in [place, &bound[0]] {
        let at = usize::try_from(record.offset).unwrap();
        assert_eq!(
            all.split_at(at).1.lines().next().unwrap(),
            line("a", if record.line == 4 { 4 } else { 1 })
        );
    }
}
