use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use matcher::{IndicatorSet, Options, WarningLists};
use telemetry::Format;

use super::FileScanner;
use crate::config::{Origin, Source};

#[test]
fn what_patterns_over_several_records_remember_outlives_a_restart() {
    let indicator = serde_json::json!({
        "type": "indicator", "spec_version": "2.1", "id": "indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3a6f01",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "pattern_type": "stix",
        "pattern": "[ipv4-addr:value = '198.51.100.7'] REPEATS 2 TIMES WITHIN 60 SECONDS",
        "valid_from": "2026-01-01T00:00:00.000Z",
    });
    let object = stix::Object::parse(indicator.to_string().into_bytes().into()).unwrap();
    let indicator = matcher::Indicator::from_object(&object).unwrap();
    let built = IndicatorSet::build([indicator], &WarningLists::none(), &Options::default(), 1);
    let set = Arc::new(built.set);
    let (name, origin) = ("log".into(), Origin::StandardInput);
    let source = Source { name, origin, format: Some(Format::Eve), columns: None };
    let matches = |file: &mut FileScanner, second: u8| {
        let line = format!(
            r#"{{"timestamp":"2026-11-01T00:00:{second:02}.000000+0000","event_type":"flow","dest_ip":"198.51.100.7"}}"#
        );
        let mut count = 0;
        let now = "2026-11-01T01:00:00Z".parse().unwrap();
        file.scanner.scan(line.as_bytes(), now, &mut |_| count += 1);
        count
    };
    let mut before = FileScanner::new(&set, &source, b"");
    assert!(before.windows_to_keep().is_none(), "nothing is remembered yet");
    assert_eq!(matches(&mut before, 1), 0);
    let kept = before.windows_to_keep().unwrap();
    let mut forgetful = FileScanner::new(&set, &source, b"");
    assert_eq!(matches(&mut forgetful, 2), 0);
    let mut after = FileScanner::new(&set, &source, b"");
    after.remember(Ok(Some(kept)));
    assert_eq!(matches(&mut after, 2), 1);
}

#[test]
fn what_correlations_of_rules_remember_outlives_a_restart() {
    const RULES: &str = "title: address\nname: address\nlogsource:\n  product: suricata\ndetection:\n  s:\n    dest_ip: 198.51.100.7\n  condition: s\n---\n\
        title: twice\ncorrelation:\n  type: event_count\n  rules: [address]\n  group-by: [dest_ip]\n  timespan: 60s\n  condition:\n    gte: 2\n";
    let text = sigma::RuleText::of_file("own.yml", RULES.to_owned());
    let built = sigma::RuleSet::build([text], sigma::Options::default());
    assert!(built.refused.is_empty(), "{:?}", built.refused);
    let rules = Arc::new(built.set);
    let none = Arc::new(IndicatorSet::build([], &WarningLists::none(), &Options::default(), 1).set);
    let (name, origin) = ("log".into(), Origin::StandardInput);
    let source = Source { name, origin, format: Some(Format::Eve), columns: None };
    let twice = |file: &mut FileScanner, second: u8| {
        let line = format!(
            r#"{{"timestamp":"2026-11-01T00:00:{second:02}.000000+0000","event_type":"flow","dest_ip":"198.51.100.7"}}"#
        );
        let mut met = 0;
        let scanner = file.scanner_of_rules(&rules, &source);
        let now = "2026-11-01T01:00:00Z".parse().unwrap();
        scanner.scan(line.as_bytes(), now, &mut |hit| met += usize::from(hit.rule.title == "twice"));
        met
    };
    let mut before = FileScanner::new(&none, &source, b"");
    assert_eq!(twice(&mut before, 1), 0);
    let kept = before.windows_to_keep().unwrap();
    let mut after = FileScanner::new(&none, &source, b"");
    after.remember(Ok(Some(kept)));
    assert_eq!(twice(&mut after, 2), 1);
    assert!(after.windows_to_keep().is_some(), "the spool is told that nothing is remembered any more");
}

#[test]
fn names_of_columns_outlive_a_restart() {
    let set = Arc::new(IndicatorSet::build([], &WarningLists::none(), &Options::default(), 1).set);
    for (format, header, record) in [
        (Format::Csv, "time,src_ip\n", "2026-01-15T00:00:00Z,192.0.2.1\n"),
        (Format::Aws, "srcaddr dstaddr start\n", "192.0.2.1 198.51.100.7 1768435200\n"),
        (Format::Access, "#Fields: date time c-ip\n", "2026-01-15 00:00:00 192.0.2.1\n"),
        (Format::ZeekTsv, "#fields\tts\tid.orig_h\n", "1768435200\t192.0.2.1\n"),
    ] {
        let (name, origin) = ("log".into(), Origin::StandardInput);
        let source = Source { name, origin, format: Some(format), columns: None };
        let read = |file: &mut FileScanner, text: &str| {
            file.scanner.scan(text.as_bytes(), Timestamp::UNIX_EPOCH, &mut |_| {});
            file.keep_header(text.as_bytes());
        };
        let mut before = FileScanner::new(&set, &source, b"");
        read(&mut before, header);
        read(&mut before, record);
        assert_eq!(before.counts().unreadable, BTreeMap::new(), "{format:?}");
        let mut after = FileScanner::new(&set, &source, &before.header);
        read(&mut after, record);
        assert_eq!(after.counts().unreadable, BTreeMap::new(), "{format:?}");
        assert_eq!(after.header, before.header, "{format:?}");
        let time = after.time_of_last(record.as_bytes()).map(|time| time.to_string());
        assert_eq!(time.as_deref(), Some("2026-01-15T00:00:00Z"), "{format:?}");
    }
}
