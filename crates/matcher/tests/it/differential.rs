//! The engine against the literal evaluator: generated patterns and generated logs. For each line of a log the engine tells a
//! match exactly where the evaluator finds a binding of the lines so far that this line is part of; and what the engine says
//! that it bound satisfies the pattern by itself. `YAGURA_PATTERN_CASES` sets how many patterns are tried.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use matcher::{IndicatorSet, Options, Reach, Scanner, WarningLists, oracle};
use proptest::prelude::*;
use proptest::sample::select;
use stix::pattern::Pattern;
use stix::pattern::evaluate::{Evaluator, Hits, Scope};
use telemetry::Reader;

use crate::given::{indicator, reach};

const ADDRESSES: [&str; 4] = ["198.51.100.7", "198.51.100.8", "198.51.101.7", "10.0.0.255"];
const NETWORKS: [&str; 4] = ["198.51.100.0/24", "198.51.100.0/31", "198.51.96.0/20", "10.0.0.0/8"];
const NAMES: [&str; 5] =
    ["evil.example", "www.evil.example", "EVIL.example", "example.com", "bücher.example"];
const URLS: [&str; 4] = [
    "http://evil.example/a",
    "http://EVIL.example:80/a?q=1",
    "http://example.com/b.php",
    "http://www.evil.example/c",
];
const MAILS: [&str; 3] = ["boss@evil.example", "boss@EVIL.example", "you@example.com"];
const HASHES: [&str; 3] = [
    "0123456789abcdef0123456789abcdef",
    "0123456789ABCDEF0123456789abcdef",
    "fedcba9876543210fedcba9876543210",
];
const FILES: [&str; 2] = ["payload.exe", "other.bin"];
const LIKES: [&str; 10] = [
    "%.example",
    "%evil%",
    "e_il.example",
    "%",
    "http://%/a",
    "%.php",
    "boss@%",
    "0123%",
    "payload%",
    "%.evil.example",
];
const EXPRESSIONS: [&str; 9] = [
    "^www[.]",
    "example$",
    "(?i)EVIL",
    "a[?]q=[0-9]",
    "[0-9a-f]{32}",
    "^$",
    ".",
    "exe$",
    "^198[.]51[.]100[.]",
];

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn test() -> impl Strategy<Value = String> {
    let texts = |path: &'static str, values: &'static [&'static str]| {
        let not = || select(&["", "NOT "][..]);
        let list = prop::collection::vec(select(values), 1..4);
        prop_oneof![
            5 => (select(values), select(&["=", "=", "=", "!=", "<", ">="][..])).prop_map(move |(value, operator)| format!("{path} {operator} {}", quoted(value))),
            1 => (select(values), not()).prop_map(move |(value, not)| format!("{path} {not}= {}", quoted(value))),
            2 => (list, not()).prop_map(move |(values, not)| {
                format!("{path} {not}IN ({})", values.iter().map(|v| quoted(v)).collect::<Vec<_>>().join(", "))
            }),
            1 => (select(&LIKES[..]), not()).prop_map(move |(like, not)| format!("{path} {not}LIKE {}", quoted(like))),
            1 => (select(&EXPRESSIONS[..]), not()).prop_map(move |(expression, not)| format!("{path} {not}MATCHES {}", quoted(expression))),
            1 => select(&["", "NOT "][..]).prop_map(move |not| format!("{not}EXISTS {path}")),
        ]
    };
    let network = |path: &'static str| {
        (select(&NETWORKS[..]), select(&["ISSUBSET", "ISSUBSET", "NOT ISSUBSET", "ISSUPERSET"][..]))
            .prop_map(move |(network, operator)| format!("{path} {operator} {}", quoted(network)))
    };
    let port = (
        0_u16..4,
        select(&["=", "!=", "<", "<=", ">", ">=", "NOT =", "NOT <"][..]),
        select(&["src_port", "dst_port"][..]),
    )
        .prop_map(|(port, operator, end)| format!("network-traffic:{end} {operator} {port}"));
    prop_oneof![
        3 => texts("ipv4-addr:value", &ADDRESSES),
        2 => network("ipv4-addr:value"),
        1 => network("network-traffic:dst_ref.value"),
        2 => texts("network-traffic:dst_ref.value", &ADDRESSES),
        1 => texts("network-traffic:src_ref.value", &ADDRESSES),
        1 => select(&NETWORKS[..]).prop_map(|network| format!("ipv4-addr:value = {}", quoted(network))),
        4 => texts("domain-name:value", &NAMES),
        1 => texts("domain-name:resolves_to_refs[*].value", &ADDRESSES),
        2 => texts("url:value", &URLS),
        1 => texts("email-addr:value", &MAILS),
        1 => texts("email-message:from_ref.value", &MAILS),
        2 => texts("file:hashes.MD5", &HASHES),
        2 => texts("file:name", &FILES),
        3 => port,
        1 => select(&["network-traffic:protocols[*] = 'TCP'", "network-traffic:protocols[0] = 'udp'", "EXISTS network-traffic:src_port", "network-traffic:dst_ref.type = 'ipv4-addr'"][..]).prop_map(str::to_owned),
    ]
}

fn comparison() -> impl Strategy<Value = String> {
    test().prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            prop::collection::vec(inner, 2..4).prop_map(|parts| format!("({})", parts.join(" AND "))),
        ]
    })
}

fn pattern() -> impl Strategy<Value = String> {
    let one = comparison().prop_map(|comparison| format!("[{comparison}]"));
    let qualifier = prop_oneof![
        (1_u8..4).prop_map(|times| format!("REPEATS {times} TIMES")),
        (1_u8..60).prop_map(|seconds| format!("WITHIN {seconds} SECONDS")),
        (1_u8..4, 1_u8..60)
            .prop_map(|(times, seconds)| format!("REPEATS {times} TIMES WITHIN {seconds} SECONDS")),
        (0_u8..60, 0_u8..60).prop_map(|(start, stop)| format!(
            "START t'{}' STOP t'{}'",
            stamp(start),
            stamp(stop)
        )),
    ];
    one.prop_recursive(3, 5, 3, move |inner| {
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" AND "))),
            2 => prop::collection::vec(inner.clone(), 2..3).prop_map(|parts| format!("({})", parts.join(" OR "))),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" FOLLOWEDBY "))),
            3 => (inner, qualifier.clone()).prop_map(|(inner, qualifier)| format!("({inner}) {qualifier}")),
        ]
    })
}

fn stamp(second: u8) -> String {
    format!("2026-01-15T12:00:{second:02}Z")
}

fn line() -> impl Strategy<Value = String> {
    let head = (
        select(&ADDRESSES[..]),
        select(&ADDRESSES[..]),
        prop::option::of(0_u16..4),
        0_u16..4,
        select(&["TCP", "UDP"][..]),
    );
    let dns = (select(&NAMES[..]), select(&ADDRESSES[..]));
    let mail = (select(&MAILS[..]), select(&MAILS[..]));
    let files = prop::collection::vec((select(&FILES[..]), select(&HASHES[..])), 0..3);
    let parts = (prop::option::of(dns), prop::option::of(select(&URLS[..])), prop::option::of(mail), files);
    (head, parts, 0_u8..60).prop_map(|((src, dst, src_port, dst_port, proto), (dns, url, mail, files), second)| {
        let mut line = format!(
            r#"{{"timestamp":"{}","event_type":"dns","src_ip":"{src}","dest_ip":"{dst}","dest_port":{dst_port},"proto":"{proto}""#,
            stamp(second)
        );
        line += &src_port.map_or(String::new(), |port| format!(r#","src_port":{port}"#));
        line += &dns.map_or(String::new(), |(name, data)| {
            format!(r#","dns":{{"rrname":"{name}","answers":[{{"rrname":"{name}","rdata":"{data}"}}]}}"#)
        });
        line += &url.map_or(String::new(), |url| format!(r#","http":{{"http_refer":"{url}"}}"#));
        line += &mail.map_or(String::new(), |(from, to)| {
            format!(r#","smtp":{{"mail_from":"<{from}>","rcpt_to":["<{to}>"]}}"#)
        });
        let files: Vec<String> = files.iter().map(|(name, hash)| format!(r#"{{"filename":"{name}","md5":"{hash}"}}"#)).collect();
        format!(r#"{line},"files":[{}]}}"#, files.join(","))
    })
}

/// What the engine tells: each completing line with the lines that it bound. `None`: it does not take the whole pattern.
fn told(pattern: &str, log: &str, options: &Options) -> Option<Vec<(usize, Vec<usize>)>> {
    let built = IndicatorSet::build([indicator(1, pattern)], &WarningLists::none(), options, 1);
    if !built.refused.is_empty() || !built.partial.is_empty() {
        return None;
    }
    let mut told = Vec::new();
    let mut scanner = Scanner::new(Arc::new(built.set), Reader::auto());
    let index = |line: u64| usize::try_from(line).unwrap();
    scanner.scan(log.as_bytes(), "2026-02-01T00:00:00Z".parse().unwrap(), &mut |found| {
        told.push((index(found.line), found.bound.iter().map(|record| index(record.line)).collect()));
    });
    assert_eq!(scanner.windows().tally(), matcher::WindowTally::default());
    Some(told)
}

static PAIRS: AtomicUsize = AtomicUsize::new(0);
static MET: AtomicUsize = AtomicUsize::new(0);
static LED: AtomicUsize = AtomicUsize::new(0);

fn check(text: &str, lines: &[String], reach: Reach) {
    let log: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let pattern = oracle::asked(&Pattern::parse(text).unwrap(), reach);
    let options = |unanchored| Options { reach, unanchored, ..Options::default() };
    let Some(engine) = told(text, &log, &options(true)) else { return };
    let evaluator = Evaluator::new(&pattern, Scope::Observation).unwrap();
    let mut reader = Reader::auto();
    let records: Vec<_> = lines.iter().map(|line| reader.read(line.as_bytes()).unwrap().unwrap()).collect();
    let graphs: Vec<_> = records.iter().map(oracle::graph).collect();
    let spans: Vec<(i128, i128)> = records
        .iter()
        .map(|record| (record.time.unwrap().as_nanosecond(), record.time.unwrap().as_nanosecond()))
        .collect();
    // The evaluator on some of the lines, with one of them that must be bound.
    let judged = |some: &[usize], including: usize| {
        let satisfied = |predicate: &stix::pattern::evaluate::Predicate| {
            (0..some.len()).filter(|at| predicate.holds(&graphs[some[*at]]).unwrap()).collect::<Vec<_>>()
        };
        let tests: Vec<Vec<usize>> = evaluator.predicates().iter().map(satisfied).collect();
        let spans: Vec<_> = some.iter().map(|line| spans[*line]).collect();
        let numbers = vec![1; some.len()];
        let hits = Hits {
            tests: &tests,
            spans: &spans,
            numbers: &numbers,
            including: Some(including),
            steps_max: 10_000_000,
        };
        evaluator.bind(&hits).unwrap().is_some()
    };
    for line in 0..lines.len() {
        PAIRS.fetch_add(1, Ordering::Relaxed);
        let before: Vec<usize> = (0..=line).collect();
        let right = judged(&before, line);
        let found = engine.iter().find(|(completing, _)| *completing == line);
        assert_eq!(found.is_some(), right, "{text} at line {line} of\n{log}");
        if let Some((_, bound)) = found {
            MET.fetch_add(1, Ordering::Relaxed);
            let mut some = bound.clone();
            some.push(line);
            assert!(judged(&some, some.len() - 1), "{text}: {some:?} of\n{log}");
        }
    }
    // Led to by values only, the engine finds the same.
    if let Some(led) = told(text, &log, &options(false)) {
        LED.fetch_add(lines.len(), Ordering::Relaxed);
        let lines = |told: &[(usize, Vec<usize>)]| told.iter().map(|(line, _)| *line).collect::<Vec<_>>();
        assert_eq!(lines(&led), lines(&engine), "{text} led to in\n{log}");
    }
}

#[test]
fn the_engine_agrees_with_the_evaluator() {
    let cases =
        std::env::var("YAGURA_PATTERN_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000);
    let case = (
        prop_oneof![1 => comparison().prop_map(|c| format!("[{c}]")), 3 => pattern()],
        prop::collection::vec(line(), 1..9),
        reach(),
    );
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let outcome = proptest::test_runner::TestRunner::new(config).run(&case, |(pattern, lines, reach)| {
        check(&pattern, &lines, reach);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let [pairs, met, led] = [&PAIRS, &MET, &LED].map(|count| count.load(Ordering::Relaxed));
    println!("{pairs} pairs of pattern and line, {met} of them matches; {led} led to by values");
    assert!(met > pairs / 20 && led > pairs / 20, "the cases say something: {pairs} {met} {led}");
}
