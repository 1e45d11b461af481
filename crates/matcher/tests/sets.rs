//! Which indicators count, and when.
#![cfg(test)]

use std::sync::Arc;

use bytes::Bytes;
use matcher::{Indicator, IndicatorSet, Options, Scanner, WarningLists};
use stix::Object;
use telemetry::Reader;

const LINE: &str = r#"{"timestamp":"2026-01-15T12:00:00.000000+0000","event_type":"flow","src_ip":"10.1.2.3","dest_ip":"203.0.113.9","proto":"TCP"}"#;
const NO_TIME: &str = r#"{"event_type":"flow","src_ip":"10.1.2.3","dest_ip":"203.0.113.9","proto":"TCP"}"#;

fn object(extra: &str) -> Object {
    let text = format!(
        r#"{{"type":"indicator","spec_version":"2.1","id":"indicator--6c2b1b55-5c4a-4c0e-8e62-0a9f8f1f1a01",
        "created":"2026-01-01T00:00:00.000Z","pattern":"[ipv4-addr:value = '203.0.113.9']"{extra}}}"#
    );
    Object::parse(Bytes::from(text)).unwrap()
}

fn matches(indicators: impl IntoIterator<Item = Indicator>, options: &Options, line: &str) -> (u64, u64) {
    let set = IndicatorSet::build(indicators, &WarningLists::built_in(), options, 7).set;
    assert_eq!(set.generation(), 7);
    let mut scanner = Scanner::new(Arc::new(set), Reader::auto());
    scanner.scan_line(line.as_bytes(), "2026-02-01T00:00:00Z".parse().unwrap(), &mut |_| {});
    (scanner.tally().matches, scanner.tally().outside_validity)
}

fn check(extra: &str, options: &Options, line: &str, expected: (u64, u64)) {
    let indicator = Indicator::from_object(&object(extra)).unwrap();
    assert_eq!(matches([indicator], options, line), expected, "{extra}");
}

#[test]
fn validity_windows() {
    let plain = Options::default();
    let modified = r#","modified":"2026-01-02T00:00:00.000Z""#;
    check(&format!(r#"{modified},"valid_from":"2026-01-15T12:00:00Z""#), &plain, LINE, (1, 0));
    check(&format!(r#"{modified},"valid_from":"2026-01-15T12:00:00.001Z""#), &plain, LINE, (0, 1));
    check(
        &format!(r#"{modified},"valid_from":"2026-01-01T00:00:00Z","valid_until":"2026-01-15T12:00:00Z""#),
        &plain,
        LINE,
        (0, 1),
    );
    check(
        &format!(r#"{modified},"valid_from":"2026-01-01T00:00:00Z","valid_until":"2026-01-15T12:00:01Z""#),
        &plain,
        LINE,
        (1, 0),
    );
    // A record without a time counts as of now, which is February.
    check(&format!(r#"{modified},"valid_from":"2026-01-20T00:00:00Z""#), &plain, NO_TIME, (1, 0));
    check(&format!(r#"{modified},"valid_from":"2026-02-20T00:00:00Z""#), &plain, NO_TIME, (0, 1));
    let any = Options { any_time: true, ..Options::default() };
    check(&format!(r#"{modified},"valid_from":"2026-02-20T00:00:00Z""#), &any, LINE, (1, 0));
}

#[test]
fn revocation_and_versions() {
    let read = |extra| Indicator::from_object(&object(extra)).unwrap();
    let old = || read(r#","modified":"2026-01-02T00:00:00.000Z","valid_from":"2026-01-01T00:00:00Z""#);
    let revoked = || {
        read(r#","modified":"2026-01-03T00:00:00.000Z","valid_from":"2026-01-01T00:00:00Z","revoked":true"#)
    };
    let plain = Options::default();
    assert_eq!(matches([old()], &plain, LINE), (1, 0));
    assert_eq!(matches([old(), revoked()], &plain, LINE), (0, 0));
    assert_eq!(matches([revoked(), old()], &plain, LINE), (0, 0));
    let built = IndicatorSet::build([revoked(), old()], &WarningLists::none(), &plain, 1);
    assert_eq!(built.refused.iter().map(|(_, why)| why.code).collect::<Vec<_>>(), ["revoked"]);
}

#[test]
fn confidence() {
    let at_least = Options { confidence_min: Some(50), ..Options::default() };
    let base = r#","modified":"2026-01-02T00:00:00.000Z","valid_from":"2026-01-01T00:00:00Z""#;
    check(&format!(r#"{base},"confidence":50"#), &at_least, LINE, (1, 0));
    check(&format!(r#"{base},"confidence":49"#), &at_least, LINE, (0, 0));
    check(base, &at_least, LINE, (1, 0));
}

#[test]
fn what_is_no_usable_indicator() {
    let code = |extra| Indicator::from_object(&object(extra)).unwrap_err().code;
    assert_eq!(code(r#","pattern_type":"snort""#), "pattern-not-stix");
    assert_eq!(code(r#","valid_from":"yesterday""#), "validity");
}

#[test]
fn warning_lists() {
    let mut lists = WarningLists::built_in();
    lists.add_misp(br#"{"name":"Hosters","type":"hostname","version":1,"list":["hoster.example"]}"#).unwrap();
    lists.add_lines("ours", "203.0.113.0/24  # the office\n.internal.example\nfriend@partner.example\n");
    let check = |pattern: &str, expected: Option<&str>| {
        let mut indicator = Indicator::from_object(&object("")).unwrap();
        indicator.pattern = pattern.to_owned();
        let built = IndicatorSet::build([indicator], &lists, &Options::default(), 1);
        let refusal = built.refused.first().map(|(_, why)| (why.code, why.message.as_str()));
        match (expected, refusal) {
            (None, None) => {}
            (Some(list), Some(("warning-list", message))) => {
                assert!(message.contains(list), "{pattern}: {message}");
            }
            other => panic!("{pattern}: {other:?}"),
        }
    };
    check("[ipv4-addr:value = '192.168.1.1']", Some("not on the Internet"));
    check("[ipv4-addr:value ISSUBSET '10.1.0.0/16']", Some("not on the Internet"));
    check("[ipv4-addr:value = '8.8.8.8']", Some("public resolvers"));
    check("[ipv6-addr:value = '2001:4860:4860:0:0:0:0:8888']", Some("public resolvers"));
    check("[domain-name:value = 'www.google.com']", Some("everybody"));
    check("[domain-name:value = 'evil.google.com']", None);
    check("[url:value = 'https://www.google.com/']", Some("everybody"));
    check("[url:value = 'https://www.google.com/evil']", None);
    check("[domain-name:value = 'x.hoster.example']", Some("Hosters"));
    check("[domain-name:value = 'nothoster.example']", None);
    check("[ipv4-addr:value = '203.0.113.77']", Some("ours"));
    check("[domain-name:value = 'a.b.internal.example']", Some("ours"));
    check("[email-addr:value = 'friend@partner.example']", Some("ours"));
    check("[file:hashes.MD5 = 'D41D8CD98F00B204E9800998ECF8427E']", Some("empty file"));
    // Documentation networks are left to samples and drills.
    check("[ipv4-addr:value = '198.51.100.1']", None);
    // A branch beside it, or a partner in it, that is not benign saves the pattern.
    check("[ipv4-addr:value = '8.8.8.8' OR ipv4-addr:value = '198.51.100.1']", None);
    check(
        "[domain-name:value = 'www.google.com' AND domain-name:resolves_to_refs[*].value = '198.51.100.1']",
        None,
    );
    assert_eq!(
        lists.add_misp(br#"{"name":"R","type":"regex","list":["x"]}"#).unwrap_err().code,
        "warning-list-kind"
    );
    assert_eq!(lists.add_misp(b"[]").unwrap_err().code, "warning-list-json");
}

#[test]
fn a_set_is_swapped_between_lines() {
    let indicator = || Indicator::from_object(&object("")).unwrap();
    let one = Arc::new(IndicatorSet::build([indicator()], &WarningLists::none(), &Options::default(), 1).set);
    let mut scanner = Scanner::new(Arc::new(IndicatorSet::none()), Reader::auto());
    let now = "2026-02-01T00:00:00Z".parse().unwrap();
    let mut seen = Vec::new();
    scanner.scan(format!("{LINE}\n{LINE}\n").as_bytes(), now, &mut |found| seen.push(found.line));
    scanner.adopt(Arc::clone(&one));
    scanner.scan(format!("{LINE}\n\n{LINE}").as_bytes(), now, &mut |found| {
        seen.push(found.line);
        assert_eq!(found.text, LINE.as_bytes());
    });
    assert_eq!(seen, [0, 2]);
    assert_eq!(scanner.tally().lines, 5);
}
