//! A report as events that are only ever added.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use regime::{
    Added, Attachment, EVENTS_MAX, Emergency, Event, Fields, Kind, Moment, Profile, Provenance, Refusal,
    Report, Sighted, Stated, Value, What, emergency_form, open, prefill,
};

use crate::given::{at, aware, event, filed, profile, report, report_of, shipped, stated, text, yes};

const NOW: &str = "2026-11-29T01:00:00Z";

#[test]
fn a_report_sent_twice_is_one() {
    let mut report = report();
    assert_eq!(report.add(aware(NOW), at(NOW)), Ok(Added::New));
    let before = report.clone();
    assert_eq!(report.add(aware(NOW), at("2026-11-29T02:00:00Z")), Ok(Added::Already));
    assert_eq!(report, before);
}

#[test]
fn each_change_is_later_than_the_last() {
    let mut report = report();
    report.add(aware(NOW), at(NOW)).unwrap();
    // The clock went back.
    report.add(stated(NOW, &[("summary", text("a"))]), at("2026-11-01T00:00:00Z")).unwrap();
    assert_eq!(report.changed(), at("2026-11-29T01:00:00.001Z"));
}

#[test]
fn a_version_for_every_amendment() {
    let report = report_of([
        stated("2026-11-29T01:00:00Z", &[("summary", text("一部が停止"))]),
        stated("2026-11-29T02:00:00Z", &[("summary", text("全部が停止")), ("ongoing", yes())]),
    ]);
    let record = report.record();
    let fields: Vec<(usize, Vec<String>)> =
        record.versions().iter().map(|version| (version.number, version.fields.clone())).collect();
    assert_eq!(
        fields,
        [(1, vec!["summary".to_owned()]), (2, vec!["ongoing".to_owned(), "summary".to_owned()])]
    );
    assert_eq!(record.value("summary"), Some(&text("全部が停止")));
}

#[test]
fn what_was_filed_cannot_be_withdrawn() {
    let filing = filed(NOW, "eu.nis2", "early-warning", "csirt");
    let mut report = report_of([filing.clone()]);
    let withdraw =
        event("2026-11-29T02:00:00Z", What::Withdrawn { event: filing.id(), reason: "誤り".into() });
    assert_eq!(report.add(withdraw.clone(), at(NOW)), Err(Refusal::Final));
    // It arrived at another copy before what it is about: there it changes nothing.
    let mut other = report_of([withdraw]);
    other.merge(&report, at(NOW)).unwrap();
    assert_eq!(other.record().filings.len(), 1);
}

#[test]
fn a_withdrawn_statement_gives_way_to_the_one_before() {
    let first = stated("2026-11-29T01:00:00Z", &[("summary", text("先"))]);
    let second = stated("2026-11-29T02:00:00Z", &[("summary", text("後"))]);
    let withdraw =
        event("2026-11-29T03:00:00Z", What::Withdrawn { event: second.id(), reason: "別の事案".into() });
    assert_eq!(report_of([first, second, withdraw]).record().value("summary"), Some(&text("先")));
}

#[test]
fn a_report_has_bounds() {
    let refused = |what| {
        let mut report = report();
        let before = report.clone();
        let result = report.add(event(NOW, what), at(NOW));
        assert_eq!(report, before);
        result
    };
    let holds = |value: Value| What::Stated {
        fields: [("summary".to_owned(), Stated { value: Some(value), provenance: Provenance::Person })]
            .into(),
    };
    let illegal = |result| assert!(matches!(result, Err(Refusal::Illegal { .. })), "{result:?}");
    illegal(refused(holds(Value::Text("x".repeat(20_001)))));
    illegal(refused(holds(Value::Text("\u{202e}gpj.exe".into()))));
    illegal(refused(holds(Value::Text("\u{1b}[2J".into()))));
    illegal(refused(holds(Value::Number(1 << 53))));
    illegal(refused(holds(Value::List(vec![String::new(); 1_001]))));
    illegal(refused(What::Stated { fields: [].into() }));
    illegal(refused(What::Ruled { regime: "jp.ppc".into(), applies: true, reason: " ".into() }));
    illegal(refused(What::Ruled { regime: "../etc".into(), applies: true, reason: "r".into() }));
    let names: BTreeSet<String> = (0..201).map(|n| format!("f{n}")).collect();
    illegal(refused(What::Consent {
        regime: "r".into(),
        recipient: "r".into(),
        fields: Fields::Only(names),
        given: true,
    }));
    let big = Attachment { name: "evidence.zip".into(), size: 2 << 30, sha256: "0".repeat(64) };
    illegal(refused(What::Attached { attachment: big }));
    let large = What::Stated {
        fields: (0..200)
            .map(|n| {
                let value = Some(Value::Text("あ".repeat(20_000)));
                (format!("f{n}"), Stated { value, provenance: Provenance::Person })
            })
            .collect(),
    };
    assert!(matches!(refused(large), Err(Refusal::Full(_))));
}

#[test]
fn a_full_report_takes_nothing_more() {
    let mut report = report();
    for n in 0..EVENTS_MAX {
        let logged = jiff::Timestamp::from_second(1_800_000_000 + i64::try_from(n).unwrap()).unwrap();
        let event = Event { logged, by: None, what: What::Kind { kind: Kind::Ddos } };
        assert_eq!(report.add(event, logged), Ok(Added::New));
    }
    assert!(matches!(report.add(aware(NOW), at(NOW)), Err(Refusal::Full(_))));
}

#[test]
fn two_reports_are_not_mixed() {
    let mut own = report_of([aware(NOW)]);
    let id = stix::Id::parse("incident--00000000-0000-4000-8000-000000000001").unwrap();
    let drill = Report::new(id, "exercise:autumn", "kinki-power", at("2026-11-29T00:00:00Z")).unwrap();
    assert_eq!(own.merge(&drill, at(NOW)), Err(Refusal::AnotherReport));
}

#[test]
fn what_this_version_does_not_know_is_refused_and_not_lost() {
    let report = report_of([aware(NOW), stated(NOW, &[("summary", text("a"))])]);
    let json = report.to_json();
    assert_eq!(Report::from_json(&json), Ok(report));
    let mut newer = json.clone();
    newer["events"][0]["colour"] = "blue".into();
    assert!(matches!(Report::from_json(&newer), Err(Refusal::NotAReport(_))));
    let mut other = json;
    other["events"][0]["logged"] = "2026-11-29T01:00:00.000Z".into();
    assert!(
        matches!(Report::from_json(&other), Err(Refusal::NotAReport(_))),
        "two spellings would be two events"
    );
}

#[test]
fn the_emergency_report_asks_six_things() {
    let catalogue = &shipped().catalogue;
    let profile = profile(&[("contact", text("03-0000-0000"))]);
    let form = emergency_form(catalogue, &profile);
    let asked: Vec<&str> = form.iter().map(|(name, _, _)| name.as_str()).collect();
    assert_eq!(asked, ["@kind", "@aware", "summary", "service_state", "ongoing", "contact"]);
    assert_eq!(form[5].2, Some(text("03-0000-0000")));
    let emergency = Emergency {
        kind: Kind::Ransomware,
        aware: at("2026-11-28T23:00:00Z"),
        fields: [("summary".to_owned(), text("暗号化された"))].into(),
    };
    let events = open(&emergency, catalogue, "hanako", at(NOW)).unwrap();
    let record = report_of(events).record();
    assert_eq!(record.kinds, [Kind::Ransomware].into());
    assert_eq!(record.moment(Moment::Aware), Some(at("2026-11-28T23:00:00Z")));
    let too_much = Emergency { fields: [("cause".to_owned(), text("x"))].into(), ..emergency };
    assert!(open(&too_much, catalogue, "hanako", at(NOW)).is_err(), "the cause is for later");
}

#[test]
fn what_is_known_is_filled_in_and_says_where_it_is_from() {
    let catalogue = &shipped().catalogue;
    let profile = profile(&[("organisation_name", text("近畿電力")), ("contact", text("03-0000-0000"))]);
    let seen = |n: u8, value: &str, at_: &str| Sighted {
        id: stix::Id::parse(&format!("sighting--00000000-0000-4000-8000-0000000000{n:02}")).unwrap(),
        value: value.into(),
        at: at(at_),
    };
    let sightings = [
        seen(2, "198.51.100.7", "2026-11-28T22:00:00Z"),
        seen(1, "evil.example", "2026-11-28T21:00:00Z"),
        seen(3, "evil.example", "2026-11-28T23:00:00Z"),
    ];
    let stated_already = BTreeSet::from(["contact".to_owned()]);
    let record = report_of(prefill(&profile, &sightings, catalogue, &stated_already, at(NOW))).record();
    assert_eq!(record.value("indicators"), Some(&Value::list(["evil.example", "198.51.100.7"])));
    assert!(matches!(record.provenance("indicators"), Some(Provenance::Sightings { ids }) if ids.len() == 3));
    assert_eq!(record.provenance("organisation_name"), Some(&Provenance::Profile));
    assert_eq!(record.provenance("contact"), None, "a person has stated it");
    assert_eq!(record.moment(Moment::Detected), Some(at("2026-11-28T21:00:00Z")));
    assert_eq!(prefill(&Profile::default(), &[], catalogue, &BTreeSet::new(), at(NOW)), []);
}

fn simple() -> impl Strategy<Value = Event> {
    (0..50_u8, 0..1_000_i64, 0..3_usize).prop_map(|(n, second, field)| {
        let name = ["summary", "impact", "cause"][field].to_owned();
        let fields =
            [(name, Stated { value: Some(Value::Number(n.into())), provenance: Provenance::Person })].into();
        let logged = jiff::Timestamp::from_second(1_800_000_000 + second).unwrap();
        Event { logged, by: None, what: What::Stated { fields } }
    })
}

proptest! {
    #[test]
    fn copies_that_have_heard_each_other_are_equal(events in vec((simple(), any::<bool>(), any::<bool>()), 0..40)) {
        let of = |side: fn(&(Event, bool, bool)) -> bool| report_of(events.iter().filter(|entry| side(entry)).map(|entry| entry.0.clone()));
        let (a, b) = (of(|entry| entry.1), of(|entry| entry.2));
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(&b, at(NOW)).unwrap();
        ba.merge(&a, at(NOW)).unwrap();
        prop_assert_eq!(ab.events(), ba.events());
        prop_assert_eq!(ab.record(), ba.record());
        let before = ab.clone();
        prop_assert_eq!(ab.merge(&ba, at(NOW)), Ok(0));
        prop_assert!(ab == before, "hearing nothing new changes nothing");
    }
}
