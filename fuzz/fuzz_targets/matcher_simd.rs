//! A chunk of a log, looked through with each backend of the first stage and without it: all find the same.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use matcher::{Covers, Indicator, IndicatorSet, Options, Reach, Scanner, Simd, WarningLists};
use stix::{Id, Timestamp};
use telemetry::Reader;

/// What a log could hold, in every kind.
const PATTERNS: [&str; 12] = [
    "[ipv4-addr:value = '198.51.100.7']",
    "[ipv4-addr:value ISSUBSET '203.0.0.0/16']",
    "[ipv4-addr:value ISSUBSET '8.8.8.0/25']",
    "[ipv6-addr:value = '2001:db8::1']",
    "[ipv6-addr:value ISSUBSET '2001:db8:1::/48']",
    "[domain-name:value = 'evil.example']",
    "[domain-name:value = 'xn--bcher-kva.example']",
    "[url:value = 'http://evil.example/a']",
    "[url:value = 'http://127.0.0.1/a']",
    "[email-addr:value = 'boss@evil.example']",
    "[mac-addr:value = '00:0d:3a:13:e3:69']",
    "[file:hashes.MD5 = '0123456789abcdef0123456789abcdef']",
];

static SETS: LazyLock<[Arc<IndicatorSet>; 2]> = LazyLock::new(|| {
    [Covers::Host, Covers::Subtree].map(|covers| {
        let stamp = Timestamp::parse("2020-01-01T00:00:00.000Z").expect("a timestamp");
        let indicators = PATTERNS.iter().enumerate().map(|(number, pattern)| Indicator {
            id: Id::parse(&format!("indicator--00000000-0000-4000-8000-{number:012}"))
                .expect("an identifier"),
            version: stamp.clone(),
            name: String::new(),
            pattern: (*pattern).to_owned(),
            confidence: None,
            valid_from: stamp.clone(),
            valid_until: None,
            revoked: false,
            reach: None,
        });
        let reach = Reach { covers, ..Reach::default() };
        let options = Options { reach, any_time: true, ..Options::default() };
        Arc::new(IndicatorSet::build(indicators, &WarningLists::none(), &options, 1).set)
    })
});

fuzz_target!(|input: &[u8]| {
    for set in SETS.iter() {
        let found = |mut scanner: Scanner| {
            let mut found = Vec::new();
            let now = jiff::Timestamp::UNIX_EPOCH;
            scanner
                .scan(input, now, &mut |hit| found.push((hit.line, hit.line_offset, hit.indicator.number())));
            (found, scanner.tally().lines)
        };
        let right = found(Scanner::exhaustive(Arc::clone(set), Reader::auto()));
        for simd in Simd::all() {
            let seen = found(Scanner::with_simd(Arc::clone(set), Reader::auto(), simd));
            assert_eq!(seen, right, "{}", simd.name());
        }
    }
});
