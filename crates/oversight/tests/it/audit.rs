//! The record of acts.

use oversight::{Action, Actor, AuditEvent, OrganisationId, Outcome, Purpose, Realm};
use proptest::prelude::{any, proptest};

use crate::noon;

fn event() -> AuditEvent {
    let organisation = OrganisationId::parse("kinki-power").unwrap();
    let actor = Actor::Person { id: "u-1".into(), organisation };
    AuditEvent::done(Action::ObjectsReleased, actor, Purpose::CollectiveDefence)
        .on(["indicator--00000000-0000-4000-8000-000000000001", "#5-9"])
        .with("recipient", "aurora-cert")
        .with("count", "6")
}

#[test]
fn a_record_is_canonical_and_stays_what_it_is() {
    // Every leaf of every log commits to this text: a change of it is a change of format.
    let record = String::from_utf8(event().record(&Realm::Live, noon())).unwrap();
    expect_test::expect![[r##"{"at":"2026-11-23T03:00:00Z","event":{"action":"objects-released","actor":{"id":"u-1","kind":"person","organisation":"kinki-power"},"detail":{"count":"6","recipient":"aurora-cert"},"objects":["indicator--00000000-0000-4000-8000-000000000001","#5-9"],"outcome":"done","purpose":"collective-defence"},"realm":"live","v":1}"##]].assert_eq(&record);
    // The order in which facts are added makes no difference.
    let mut other = event();
    other.detail.clear();
    let other = other.with("count", "6").with("recipient", "aurora-cert");
    assert_eq!(other.record(&Realm::Live, noon()), record.as_bytes());
    // RFC 8785: written once more from what was read, it is the same.
    let read: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(serde_json_canonicalizer::to_string(&read).unwrap(), record);
}

#[test]
fn everything_in_an_event_is_in_its_record() {
    let record = |event: AuditEvent| event.record(&Realm::Live, noon());
    let changed: [fn(&mut AuditEvent); 6] = [
        |e| e.action = Action::ObjectsAdded,
        |e| e.actor = Actor::Stranger,
        |e| e.purpose = Purpose::Exercise,
        |e| e.outcome = Outcome::Refused,
        |e| e.objects.truncate(1),
        |e| drop(e.detail.insert("code".into(), "x".into())),
    ];
    for change in changed {
        let mut event = event();
        change(&mut event);
        assert_ne!(record(event), record(self::event()));
    }
    assert_ne!(event().record(&Realm::Exercise("fuji".into()), noon()), record(event()));
    let later = noon() + jiff::SignedDuration::from_nanos(1);
    assert_ne!(event().record(&Realm::Live, later), record(event()));
}

#[test]
fn an_event_survives_as_json() {
    let text = serde_json::to_string(&event()).unwrap();
    assert_eq!(serde_json::from_str::<AuditEvent>(&text).unwrap(), event());
    let refused = AuditEvent::refused(Actor::Stranger, Purpose::OwnDefence, "sign-in-refused");
    assert_eq!((refused.action, refused.outcome), (Action::Refused, Outcome::Refused));
    assert_eq!(refused.detail["code"], "sign-in-refused");
}

#[test]
fn a_commitment_needs_its_salt() {
    let record = event().record(&Realm::Live, noon());
    let commitment = AuditEvent::commitment(&[1; 32], &record);
    assert_ne!(commitment, AuditEvent::commitment(&[2; 32], &record));
    use sha2::Digest;
    let plain: [u8; 32] = sha2::Sha256::digest(&record).into();
    assert_ne!(commitment, plain);
    let by_hand: [u8; 32] = sha2::Sha256::digest([&[2], [1; 32].as_slice(), &record].concat()).into();
    assert_eq!(commitment, by_hand);
}

proptest! {
    /// Whatever stands in an event, its record is one JSON text that reads back; ids and facts come from outside.
    #[test]
    fn a_record_is_always_json(object in any::<String>(), name in any::<String>(), value in any::<String>()) {
        let event = event().on([object.clone()]).with(&name, value.clone());
        let record: serde_json::Value = serde_json::from_slice(&event.record(&Realm::Live, noon())).unwrap();
        assert_eq!(record["event"]["objects"][2], object);
        assert_eq!(record["event"]["detail"][&name], value);
    }

    #[test]
    fn another_record_has_another_commitment(salt in any::<[u8; 32]>(), a in any::<Vec<u8>>(), b in any::<Vec<u8>>()) {
        assert_eq!(AuditEvent::commitment(&salt, &a) == AuditEvent::commitment(&salt, &b), a == b);
    }
}
