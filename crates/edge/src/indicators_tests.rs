//! Changes of the indicators, put over the compiled set or compiled anew: what is found is always what is held.

use std::collections::BTreeMap;

use jiff::Timestamp;
use matcher::Scanner;
use proptest::prelude::*;
use telemetry::{Format, Reader};
use uuid::Uuid;

use super::*;

fn id(number: u16) -> Id {
    Id::new("indicator", Uuid::from_u128(u128::from(number) + 1))
}

fn put(number: u16, address: u8) -> IntelligenceChange {
    put_pattern(number, &format!("[ipv4-addr:value = '198.51.100.{address}']"))
}

fn put_pattern(number: u16, pattern: &str) -> IntelligenceChange {
    let time = "2026-01-01T00:00:00.000Z";
    let object = serde_json::json!({
        "type": "indicator", "spec_version": "2.1", "id": id(number).to_string(), "created": time, "modified": time,
        "pattern": pattern, "pattern_type": "stix", "valid_from": time,
    });
    IntelligenceChange::Put { object, tlp: Some("green".to_owned()) }
}

fn drop_of(number: u16) -> IntelligenceChange {
    IntelligenceChange::Drop { id: id(number).to_string() }
}

#[test]
fn a_producer_may_mean_more_than_the_others() {
    let producer = Id::new("identity", Uuid::from_u128(7));
    let reach = Reach { covers: matcher::Covers::Subtree, ..Reach::default() };
    let reach_of = HashMap::from([(producer.clone(), reach)]);
    let matching = Matching { reach_of, ..Matching::default() };
    let indicators = Indicators::new(&matching, Vec::new(), 0).unwrap();
    let by = |number: u16, name: &str, producer: Option<&Id>| {
        let IntelligenceChange::Put { mut object, tlp } =
            put_pattern(number, &format!("[domain-name:value = '{name}']"))
        else {
            panic!("an indicator is put in")
        };
        if let Some(producer) = producer {
            object["created_by_ref"] = producer.as_str().into();
        }
        IntelligenceChange::Put { object, tlp }
    };
    let changes = vec![
        by(1, "one.example", Some(&producer)),
        by(2, "two.example", Some(&id(9))),
        by(3, "three.example", None),
    ];
    indicators.change(&Intelligence { sequence: 1, more: false, reset: false, changes });
    indicators.rebuild(&Status::default(), |_| {});
    let mut scanner = Scanner::new(indicators.current(), Reader::new(Format::Eve));
    let mut found = Vec::new();
    for name in ["one", "two", "three"] {
        let line = format!(r#"{{"event_type":"dns","dns":{{"rrname":"a.{name}.example"}}}}"#);
        scanner.scan(line.as_bytes(), Timestamp::from_second(1_800_000_000).unwrap(), &mut |hit| {
            found.push(hit.indicator.id());
        });
    }
    assert_eq!(found, [id(1)]);
}

struct Scene {
    indicators: Indicators,
    status: Status,
    sequence: i64,
}

impl Scene {
    fn new() -> Self {
        let indicators = Indicators::new(&Matching::default(), Vec::new(), 0).unwrap();
        Self { indicators, status: Status::default(), sequence: 0 }
    }

    fn change(&mut self, reset: bool, changes: Vec<IntelligenceChange>) {
        self.sequence += 1;
        self.indicators.change(&Intelligence { sequence: self.sequence, more: false, reset, changes });
        self.indicators.rebuild(&self.status, |_| {});
        assert_eq!(self.indicators.current().generation(), self.sequence.cast_unsigned());
    }

    /// Which indicators find which of the 256 addresses.
    fn found(&self) -> BTreeMap<Id, Vec<u8>> {
        let mut scanner = Scanner::new(self.indicators.current(), Reader::new(Format::Eve));
        let mut found: BTreeMap<Id, Vec<u8>> = BTreeMap::new();
        for address in 0..=255_u8 {
            let line =
                format!(r#"{{"event_type":"flow","src_ip":"10.0.0.5","dest_ip":"198.51.100.{address}"}}"#);
            scanner.scan(line.as_bytes(), Timestamp::from_second(1_800_000_000).unwrap(), &mut |hit| {
                found.entry(hit.indicator.id()).or_default().push(address);
            });
        }
        found
    }

    #[track_caller]
    fn check(&self, expected: &[(u16, u8)]) {
        let expected: BTreeMap<Id, Vec<u8>> =
            expected.iter().map(|(number, address)| (id(*number), vec![*address])).collect();
        assert_eq!(self.found(), expected);
        assert_eq!(self.status.indicators.load(Ordering::Relaxed), expected.len() as u64);
    }
}

#[test]
fn a_few_changes_are_put_over_what_is_there() {
    let mut scene = Scene::new();
    scene.change(false, (0..20).map(|number| put(number, u8::try_from(number).unwrap())).collect());
    assert_eq!(scene.indicators.current().changes(), 0, "the first set is compiled whole");
    let unchanged: Vec<(u16, u8)> = (3..20).map(|number| (number, u8::try_from(number).unwrap())).collect();

    scene.change(false, vec![drop_of(0), put(1, 101), put(30, 130)]);
    assert!(scene.indicators.current().changes() > 0, "the changes are put over it");
    scene.check(&[&[(1, 101), (2, 2), (30, 130)], &unchanged[..]].concat());

    // Changed again, brought back, and dropped though it never was there.
    scene.change(false, vec![put(1, 102), put(0, 100), drop_of(30), drop_of(99)]);
    scene.check(&[&[(0, 100), (1, 102), (2, 2)], &unchanged[..]].concat());

    // The last word of one message counts.
    scene.change(false, vec![drop_of(2), put(2, 103), put(1, 104), drop_of(1)]);
    scene.check(&[&[(0, 100), (2, 103)], &unchanged[..]].concat());
    assert_eq!(scene.indicators.marking_of(&id(2)), Some(Tlp::Green));
    assert_eq!(scene.indicators.marking_of(&id(1)), None);

    scene.change(true, vec![put(7, 77)]);
    assert_eq!(scene.indicators.current().changes(), 0, "after a reset all is compiled anew");
    scene.check(&[(7, 77)]);
}

#[test]
fn one_that_cannot_be_used_any_more_finds_nothing_any_more() {
    let mut scene = Scene::new();
    scene.change(false, vec![put(0, 10), put(1, 11)]);
    scene.change(false, vec![put_pattern(0, "[ipv4-addr:value = ")]);
    scene.check(&[(1, 11)]);
    assert_eq!(scene.status.refused.load(Ordering::Relaxed), 1);
}

#[test]
fn what_cannot_be_used_counts_while_it_is_held() {
    let mut scene = Scene::new();
    let refused = |scene: &Scene| scene.status.refused.load(Ordering::Relaxed);
    let broken = |number| put_pattern(number, "[ipv4-addr:value = ");
    scene.change(false, vec![broken(0), broken(1), broken(2), put(3, 13)]);
    assert_eq!(refused(&scene), 3);
    scene.change(false, vec![broken(0), put(1, 11), drop_of(2)]);
    scene.check(&[(1, 11), (3, 13)]);
    assert_eq!(refused(&scene), 1, "one came again, one was mended, one was dropped");
    scene.change(true, vec![put(3, 13)]);
    assert_eq!(refused(&scene), 0);
}

#[test]
fn many_changes_are_compiled_anew() {
    let mut scene = Scene::new();
    scene.change(false, vec![put(0, 1)]);
    let many = u16::try_from(CHANGES_MIN).unwrap();
    scene.change(
        false,
        (1..=many).map(|number| put_pattern(number, "[ipv4-addr:value = '192.0.2.9']")).collect(),
    );
    assert_eq!(scene.indicators.current().changes(), CHANGES_MIN, "so many are still put over it");
    scene.change(false, vec![put(0, 2)]);
    assert_eq!(scene.indicators.current().changes(), 0);
    assert_eq!(scene.found(), [(id(0), vec![2])].into());
}

fn put_rule(number: u16, pattern: &str) -> IntelligenceChange {
    let IntelligenceChange::Put { mut object, tlp } = put_pattern(number, pattern) else {
        panic!("a pattern is put")
    };
    object["pattern_type"] = "sigma".into();
    IntelligenceChange::Put { object, tlp }
}

const RULE: &str = "title: whoami\nlogsource:\n  product: windows\n  category: process_creation\n\
                    detection:\n  s:\n    CommandLine: whoami\n  condition: s\n";

/// The indicators whose rules are met by a process.
fn ruled(scene: &Scene) -> Vec<Option<Id>> {
    let record = r#"{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"CommandLine":"whoami"}"#;
    let mut found = Vec::new();
    let mut scanner = sigma::Scanner::new(scene.indicators.rules(), Reader::auto());
    scanner.scan(record.as_bytes(), Timestamp::from_second(1_800_000_000).unwrap(), &mut |hit| {
        found.push(hit.rule.origin.indicator().map(|indicator| indicator.id.clone()));
    });
    found
}

#[test]
fn rules_come_change_and_go_as_indicators_do() {
    let mut scene = Scene::new();
    let counts = |scene: &Scene| {
        let status = &scene.status;
        [&status.indicators, &status.refused, &status.rules].map(|count| count.load(Ordering::Relaxed))
    };
    scene.change(false, vec![put(0, 10), put_rule(1, RULE), put_rule(2, "title: no rule")]);
    assert_eq!((ruled(&scene), counts(&scene)), (vec![Some(id(1))], [2, 1, 1]));
    assert_eq!(scene.indicators.marking_of(&id(1)), Some(Tlp::Green));
    scene.change(false, vec![put_rule(2, RULE)]);
    assert_eq!((ruled(&scene).len(), counts(&scene)), (2, [3, 0, 2]));
    scene.change(false, vec![drop_of(1), put(2, 12)]);
    assert_eq!((ruled(&scene), counts(&scene)), (vec![], [2, 0, 0]));
    assert_eq!(scene.found().len(), 2, "what was a rule is a pattern now");
    scene.change(true, vec![put_rule(3, RULE)]);
    assert_eq!((ruled(&scene), counts(&scene)), (vec![Some(id(3))], [1, 0, 1]));
}

#[test]
fn the_operators_own_rules_stand_beside_those_of_indicators() {
    let folder = tempfile::tempdir().unwrap();
    let put_file = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put_file("deep/own.yml", RULE.as_bytes());
    put_file("broken.yaml", b"title: [");
    put_file("binary.yml", b"\xff\xfe");
    put_file("notes.txt", b"no rule");
    let matching = Matching { sigma: vec![folder.path().to_owned()], ..Matching::default() };
    let indicators = Indicators::new(&matching, Vec::new(), 0).unwrap();
    let mut scene = Scene { indicators, status: Status::default(), sequence: 0 };
    scene.change(false, vec![put_rule(1, RULE)]);
    assert_eq!(ruled(&scene), [None, Some(id(1))]);
    assert_eq!(scene.status.rules_refused.load(Ordering::Relaxed), 2);
    assert_eq!(scene.status.indicators.load(Ordering::Relaxed), 1, "own rules are no indicators");
    let matching = Matching { sigma: vec![folder.path().join("absent")], ..Matching::default() };
    let error = Indicators::new(&matching, Vec::new(), 0).unwrap_err().to_string();
    assert!(error.contains("absent"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the hub says in whichever pieces, a set that grew by changes finds what one compiled at once finds.
    #[test]
    fn changes_and_the_whole_agree(
        messages in prop::collection::vec(
            (prop::bool::weighted(0.05), prop::collection::vec((0_u16..12, prop::option::of(any::<u8>())), 0..6)), 1..12),
    ) {
        let mut scene = Scene::new();
        let mut held: BTreeMap<u16, u8> = BTreeMap::new();
        for (reset, changes) in messages {
            if reset {
                held.clear();
            }
            for (number, address) in &changes {
                match address {
                    Some(address) => held.insert(*number, *address),
                    None => held.remove(number),
                };
            }
            let said = changes.iter().map(|(number, address)| match address {
                Some(address) => put(*number, *address),
                None => drop_of(*number),
            });
            scene.change(reset, said.collect());
            let mut whole = Scene::new();
            whole.change(false, held.iter().map(|(number, address)| put(*number, *address)).collect());
            prop_assert_eq!(scene.found(), whole.found());
            prop_assert_eq!(scene.found().len(), held.len());
        }
    }
}
