//! Patterns and sets that are larger than any reason: an answer comes, and soon.

use std::sync::Arc;
use std::time::{Duration, Instant};

use matcher::{IndicatorSet, Options, Scanner, WarningLists};
use telemetry::Reader;

use crate::given::indicator;

const LINE: &str = r#"{"event_type":"flow","src_ip":"198.51.100.1","dest_ip":"203.0.113.9","dest_port":443,"files":[{"filename":"a","md5":"0123456789abcdef0123456789abcdef"}]}"#;

/// The reason for refusal, or how many of a thousand equal lines match; within ten seconds.
fn check(what: &str, pattern: &str, expected: Result<u64, &str>) {
    let start = Instant::now();
    let built =
        IndicatorSet::build([indicator(1, pattern)], &WarningLists::built_in(), &Options::default(), 1);
    let outcome = match built.refused.first() {
        Some((_, why)) => Err(why.code),
        None => {
            let mut scanner = Scanner::new(Arc::new(built.set), Reader::auto());
            scanner.scan(
                format!("{LINE}\n").repeat(1000).as_bytes(),
                "2026-01-01T00:00:00Z".parse().unwrap(),
                &mut |_| {},
            );
            Ok(scanner.tally().matches)
        }
    };
    assert_eq!(outcome, expected, "{what}");
    assert!(start.elapsed() < Duration::from_secs(10), "{what} took {:?}", start.elapsed());
}

fn joined(count: usize, by: &str, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(by)
}

#[test]
fn large_patterns() {
    let address = |n: usize| format!("ipv4-addr:value = '203.0.{}.{}'", n / 256 % 256, n % 256);
    check("29,000 alternatives", &format!("[{}]", joined(29_000, " OR ", address)), Ok(1000));
    check(
        "20,000 observations",
        &format!("[{}] OR [ipv4-addr:value = '203.0.113.9']", joined(20_000, "] OR [", address)),
        Ok(1000),
    );
    check(
        "10,000 conditions",
        &format!("[{}]", joined(10_000, " AND ", address)),
        Err("pattern-never-matches"),
    );
    let same = |_| "file:name = 'a'".to_owned();
    let many = format!(
        "[file:hashes.MD5 = '0123456789abcdef0123456789abcdef' AND {}]",
        joined(10_000, " AND ", same)
    );
    check("10,000 times the same condition", &many, Err("pattern-too-complex"));
    let few =
        format!("[file:hashes.MD5 = '0123456789abcdef0123456789abcdef' AND {}]", joined(60, " AND ", same));
    check("60 times the same condition", &few, Ok(1000));
    let pair = |n: usize| format!("({} OR {})", address(n), address(n + 1));
    check("2^40 branches", &format!("[{}]", joined(40, " AND ", pair)), Err("pattern-too-complex"));
    let list = joined(20_000, ", ", |n| format!("'203.0.{}.{}'", n / 256, n % 256));
    check("a list of 20,000", &format!("[ipv4-addr:value IN ({list}, '203.0.113.9')]"), Ok(1000));
    let list_and_port =
        format!("[network-traffic:dst_ref.value IN ({list}) AND network-traffic:dst_port = 443]");
    check("a list of 20,000 and a port", &list_and_port, Err("pattern-too-complex"));
    check("100,000 brackets", &"[".repeat(100_000), Err("pattern-syntax"));
    let deep = format!("[{}ipv4-addr:value = '203.0.113.9'{}]", "(".repeat(100_000), ")".repeat(100_000));
    check("100,000 parentheses", &deep, Err("pattern-syntax"));
}

/// Patterns that need the whole record, or several of them.
#[test]
fn large_parts() {
    let address = "ipv4-addr:value = '203.0.113.9'";
    let like = |n: usize| format!("file:name LIKE '%{n}%'");
    let many = format!("[{address} AND ({})]", joined(10_000, " OR ", like));
    check("10,000 terms beside a value", &many, Err("pattern-too-complex"));
    let some = format!("[{address} AND (file:name LIKE 'a%' OR {})]", joined(254, " OR ", like));
    check("256 terms", &some, Ok(1000));
    let list = joined(20_000, ", ", |n| format!("'203.0.{}.{}'", n / 256, n % 256));
    let led = format!("[ipv4-addr:value IN ({list}) AND file:name LIKE 'a%']");
    check("a list of 20,000 beside a term", &led, Err("pattern-too-complex"));
    let bomb = format!("[{address} AND file:name MATCHES '((((a{{90}}){{90}}){{90}}){{90}})']");
    check("an expression of 65 million states", &bomb, Err("pattern-expression"));
    let slow = format!("[{address} AND file:name MATCHES '^(a+)+(b|a+)*$']");
    check("an expression that others try for ever", &slow, Ok(1000));
    let observations = joined(10_000, " AND ", |_| format!("[{address}]"));
    check("10,000 observations", &observations, Err("pattern-too-complex"));
    let observations = joined(127, " AND ", |_| format!("[{address}]"));
    check("127 observations", &observations, Ok(874));
    check("a million times", &format!("[{address}] REPEATS 1000000 TIMES"), Err("pattern-too-complex"));
    check("500 times", &format!("[{address}] REPEATS 500 TIMES WITHIN 1 SECONDS"), Ok(501));
    // Each record is given up after so many trials, and that is soon.
    let twice = format!("([{address}] FOLLOWEDBY [{address}]) REPEATS 200 TIMES");
    check("200 times two", &twice, Ok(0));
    let never = format!("[{address}] AND [{address}] AND [{address}] AND [{address}]");
    let never = format!("({never}) START t'9999-01-01T00:00:00Z' STOP t'9999-12-31T23:59:59Z'");
    check("the year 9999", &never, Ok(0));
    let deep = format!("{}[{address}]{}", "(".repeat(60), ") REPEATS 1 TIMES".repeat(60));
    check("60 qualifiers", &deep, Ok(1000));
    let deep = format!("{}[{address}]{}", "(".repeat(5), ") REPEATS 3 TIMES".repeat(5));
    check("243 in five steps", &deep, Ok(0));
}

#[test]
fn an_indicator_takes_little_memory() {
    let indicators =
        (0..100_000).map(|n| indicator(n, &format!("[domain-name:value = 'host-{n}.evil.example']")));
    let set = IndicatorSet::build(indicators, &WarningLists::none(), &Options::default(), 1).set;
    assert_eq!(set.len(), 100_000);
    assert!(set.bytes() / set.len() < 80, "{} bytes each", set.bytes() / set.len());
}

#[test]
fn one_value_of_many_indicators() {
    let indicators = (0..5000).map(|n| indicator(n, "[ipv4-addr:value = '203.0.113.9']"));
    let set = Arc::new(IndicatorSet::build(indicators, &WarningLists::none(), &Options::default(), 1).set);
    let mut scanner = Scanner::new(set, Reader::auto());
    let mut numbers = Vec::new();
    scanner.scan_line(LINE.as_bytes(), "2026-01-01T00:00:00Z".parse().unwrap(), &mut |hit| {
        numbers.push(hit.indicator.number());
    });
    assert!(numbers.iter().copied().eq(0..5000), "each once, in the order of the set");
}
