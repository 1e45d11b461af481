//! Labels: from objects, as text, joined.

use std::collections::BTreeSet;

use bytes::Bytes;
use oversight::Realm;
use policy::{Label, Marking, ObjectClass, TlpLabel};
use stix::Object;
use stix::marking::Tlp;

use crate::{label, marking, organisation};

const TLP_GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
const TLP_RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
const TLP_1_WHITE: &str = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9";

fn check(rest: &str, expected: &str) {
    let text = format!(
        r#"{{"type":"indicator","id":"indicator--00000000-0000-4000-8000-000000000001","created":"2026-01-01T00:00:00Z",
            "modified":"2026-01-01T00:00:00Z"{rest}}}"#
    );
    let object = Object::parse(Bytes::from(text)).unwrap();
    let label = Label::of(&object, &organisation("o"), &Realm::Live, |id| {
        (*id == marking(1)).then_some(Marking::Statement)
    });
    assert_eq!(label.to_text(), expected);
    assert_eq!(Label::from_text(expected).unwrap(), label);
}

#[test]
fn a_label_is_read_from_markings() {
    check(
        "",
        r#"{"agreement":null,"class":"indicator","granted":[],"groups":[],"originator":"o","originator_control":false,"pap":null,"realm":"live","statements":[],"tlp":"unmarked","unknown":[],"v":2}"#,
    );
    check(
        &format!(r#","object_marking_refs":["{TLP_1_WHITE}"]"#),
        r#"{"agreement":null,"class":"indicator","granted":[],"groups":[],"originator":"o","originator_control":false,"pap":null,"realm":"live","statements":[],"tlp":"clear","unknown":[],"v":2}"#,
    );
    check(
        &format!(r#","object_marking_refs":["{}","{TLP_GREEN}","{}"]"#, marking(2), marking(1)),
        r#"{"agreement":null,"class":"indicator","granted":[],"groups":[],"originator":"o","originator_control":false,"pap":null,"realm":"live","statements":["marking-definition--00000000-0000-4000-8000-000000000001"],"tlp":"green","unknown":["marking-definition--00000000-0000-4000-8000-000000000002"],"v":2}"#,
    );
}

#[test]
fn a_granular_marking_counts_for_the_whole() {
    check(
        &format!(
            r#","name":"x","object_marking_refs":["{TLP_GREEN}"],"granular_markings":[{{"marking_ref":"{TLP_RED}","selectors":["name"]}}]"#
        ),
        r#"{"agreement":null,"class":"indicator","granted":[],"groups":[],"originator":"o","originator_control":false,"pap":null,"realm":"live","statements":[],"tlp":"red","unknown":[],"v":2}"#,
    );
}

#[test]
fn a_marking_definition_is_bound_by_what_it_defines() {
    let of = |id: &str| {
        let text = format!(r#"{{"type":"marking-definition","id":"{id}","created":"2026-01-01T00:00:00Z"}}"#);
        let object = Object::parse(Bytes::from(text)).unwrap();
        Label::of(&object, &organisation("o"), &Realm::Live, |id| {
            (*id == marking(1)).then_some(Marking::Statement)
        })
    };
    assert_eq!(of(TLP_RED).tlp, TlpLabel::Level(Tlp::Clear));
    assert_eq!(of(marking(1).as_str()).statements, BTreeSet::from([marking(1)]));
    let unknown = Label { class: ObjectClass::Marking, ..label(TlpLabel::Unmarked, "o") };
    assert_eq!(of(marking(2).as_str()), unknown);
}

#[test]
fn only_the_canonical_text_is_read() {
    let refused = |text: &str| assert!(Label::from_text(text).is_err(), "{text}");
    let good = label(TlpLabel::Level(Tlp::Amber), "o").to_text();
    refused(&good.replace("amber", "AMBER"));
    refused(&good.replace(':', ": "));
    refused(&good.replace("\"v\":2", "\"v\":3"));
    refused(&good.replace("live", "dead"));
    refused(&good.replace("\"tlp\"", "\"tpl\""));
    refused("");
    let twice = format!("[\"{0}\",\"{0}\"]", marking(1));
    refused(&good.replacen("[]", &twice, 1));
}

#[test]
fn the_text_of_the_first_version_is_still_read() {
    let text = r#"{"originator":"o","realm":"live","statements":[],"tlp":"amber","unknown":[],"v":1}"#;
    assert_eq!(Label::from_text(text), Ok(label(TlpLabel::Level(Tlp::Amber), "o")));
    assert!(Label::from_text(&text.replace(":1", ": 1")).is_err());
}

#[test]
fn an_id_stays_what_it_is() {
    // Stored in databases: a change of this value is a change of format.
    expect_test::expect!["d307ef171d09c197b21ebe4af6bf7d14"]
        .assert_eq(&label(TlpLabel::Level(Tlp::Amber), "o").id().to_hex());
}

/// Beside something freer, what lets somebody read the one part must not let them read the whole.
#[test]
fn a_join_gives_no_more_than_either_part() {
    let bearing = |tlp, statements: bool| Label {
        statements: statements.then(|| marking(1)).into_iter().collect(),
        ..label(tlp, "o")
    };
    let granted = |label: Label| Label { granted: BTreeSet::from([organisation("p")]), ..label };
    // A program to which both are granted may read the closed one, but never TLP:RED: the join shows no level to forbid by.
    let closed = granted(bearing(TlpLabel::Unmarked, false));
    let red = granted(bearing(TlpLabel::Level(Tlp::Red), false));
    assert_eq!(closed.join(&red).unwrap().granted, BTreeSet::new());
    assert_eq!(closed.join(&closed).unwrap().granted, closed.granted);
    assert_eq!(red.join(&red).unwrap().granted, red.granted);
    // An agreement up to AMBER gives the level, but never terms that bear none: the join counts as AMBER.
    let terms = bearing(TlpLabel::Unmarked, true);
    let clear = bearing(TlpLabel::Level(Tlp::Clear), false);
    let joined = terms.join(&clear).unwrap();
    assert_eq!((joined.tlp, joined.originator_control), (TlpLabel::Level(Tlp::Amber), true));
    assert!(!terms.join(&terms).unwrap().originator_control);
}
