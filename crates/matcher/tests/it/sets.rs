//! Which indicators count, and when.

use std::sync::Arc;

use bytes::Bytes;
use matcher::{Delta, Indicator, IndicatorSet, Options, Scanner, WarningLists};
use proptest::prelude::*;
use stix::{Id, Object};
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

/// An indicator of a number on an address or name that some records bear; some are plain and some are not.
fn numbered(number: u8, value: u8, version: u8) -> Indicator {
    let pattern = match value % 6 {
        0 => "[ipv4-addr:value = '203.0.113.9']",
        1 => "[ipv4-addr:value ISSUBSET '203.0.113.0/24']",
        2 => "[ipv4-addr:value = '10.1.2.3' AND ipv4-addr:value = '203.0.113.9']",
        3 => "[network-traffic:dst_ref.value = '203.0.113.9' AND network-traffic:protocols[*] = 'tcp']",
        4 => "[ipv4-addr:value IN ('203.0.113.9', '10.1.2.3')]",
        _ => "[domain-name:value = 'evil.example']",
    };
    // Every seventh is written in capitals, which is kept.
    let id = format!("indicator--00000000-0000-4000-8000-0000000000{number:02x}");
    let id =
        if number.is_multiple_of(7) { id.replace("indicator--00000000", "indicator--0000000A") } else { id };
    Indicator {
        id: Id::parse(&id).unwrap(),
        name: format!("{number} {value} {version}"),
        pattern: pattern.to_owned(),
        ..Indicator::from_object(&object(&format!(
            r#","modified":"2026-01-02T00:00:00.{version:03}Z","valid_from":"2026-01-01T00:00:00Z""#
        )))
        .unwrap()
    }
}

/// Names and versions of what matches, sorted.
fn matching(set: &Arc<IndicatorSet>) -> Vec<(String, String, String)> {
    let lines = [LINE, r#"{"event_type":"dns","dns":{"rrname":"evil.example"}}"#].join("\n");
    let mut met = Vec::new();
    let now = "2026-02-01T00:00:00Z".parse().unwrap();
    Scanner::new(Arc::clone(set), Reader::auto()).scan(lines.as_bytes(), now, &mut |hit| {
        assert_eq!(hit.generation, set.generation());
        let indicator = hit.indicator;
        met.push((indicator.id().to_string(), indicator.name().to_owned(), indicator.version()));
    });
    met.sort();
    met
}

proptest! {
    /// A set that was changed many times matches what a set of what is left does.
    #[test]
    fn changes_add_up(
        first in prop::collection::vec((0_u8..20, 0_u8..6), 0..15),
        changes in prop::collection::vec(prop::collection::vec((0_u8..20, prop::option::of(0_u8..6)), 0..5), 0..5),
    ) {
        let (lists, options) = (WarningLists::none(), Options::default());
        let mut held = std::collections::BTreeMap::new();
        for (number, value) in first {
            held.insert(number, numbered(number, value, 0));
        }
        let mut set = IndicatorSet::build(held.values().cloned(), &lists, &options, 0).set;
        for (generation, change) in (1_u8..).zip(changes) {
            let mut delta = Delta::default();
            let last: std::collections::BTreeMap<u8, Option<u8>> = change.into_iter().collect();
            for (number, value) in last {
                match value {
                    Some(value) => {
                        let indicator = numbered(number, value, generation);
                        held.insert(number, indicator.clone());
                        delta.put.push(indicator);
                    }
                    None => {
                        held.remove(&number);
                        delta.dropped.push(numbered(number, 0, 0).id);
                    }
                }
            }
            let built = set.apply(delta, &lists, &options, generation.into());
            prop_assert!(built.refused.iter().all(|(_, why)| why.code == "pattern-never-matches"));
            set = built.set;
            let whole = IndicatorSet::build(held.values().cloned(), &lists, &options, generation.into()).set;
            prop_assert_eq!(set.len(), whole.len());
            prop_assert_eq!(set.generation(), u64::from(generation));
            let shared = Arc::new(set);
            prop_assert_eq!(matching(&shared), matching(&Arc::new(whole)));
            set = Arc::into_inner(shared).unwrap();
        }
    }
}

#[test]
fn what_a_change_refuses_is_told() {
    let (lists, options) = (WarningLists::built_in(), Options::default());
    let set = IndicatorSet::build([numbered(1, 0, 0)], &lists, &options, 1).set;
    let refused = Indicator { pattern: "[ipv4-addr:value = '8.8.8.8']".to_owned(), ..numbered(1, 0, 1) };
    let built = set.apply(Delta { put: vec![refused], dropped: Vec::new() }, &lists, &options, 2);
    assert_eq!(built.refused.iter().map(|(_, why)| why.code).collect::<Vec<_>>(), ["warning-list"]);
    assert!(built.set.is_empty(), "what it replaced does not count any more");
    assert_eq!(set.len(), 1, "the earlier set is as it was");
    assert_eq!(built.set.changes(), 1);
    let again =
        built.set.apply(Delta { put: vec![numbered(1, 0, 2)], dropped: Vec::new() }, &lists, &options, 3);
    assert_eq!(matching(&Arc::new(again.set)).len(), 1);
}
