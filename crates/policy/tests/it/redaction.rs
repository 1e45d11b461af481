//! Redacted copies: what they hold, and who is shown which.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bytes::Bytes;
use oversight::{OrganisationRole, PersonRole, Realm};
use policy::redaction::{Profile, profiles};
use policy::{Engine, Label, Marking, Principal, PrincipalKind};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};
use stix::marking::{Granular, Tlp};
use stix::validate::Severity;
use stix::{Id, Object};

use crate::{engine, marking, organisation, person};

const ORIGINATOR: &str = "agency-1";
const SOURCE: &str = "malware--0f6e1b52-52d1-4d43-8bde-a5a1d1c4e6c1";

fn meaning(id: &Id) -> Option<Marking> {
    match () {
        () if *id == marking(1) => Some(Marking::Statement),
        () if *id == marking(2) => Some(Marking::OriginatorControl),
        () => None,
    }
}

fn copies(object: &Object) -> Vec<Profile> {
    profiles(object, &organisation(ORIGINATOR), &Realm::Live, meaning)
}

fn label_of(object: &Object) -> Label {
    Label::of(object, &organisation(ORIGINATOR), &Realm::Live, meaning)
}

fn copy_id(profile: &Profile, object: &Object) -> Id {
    profile.id(&[7; 32], &Realm::Live, object.id(), &organisation(ORIGINATOR))
}

fn hub() -> Id {
    Id::parse("identity--0f6e1b52-52d1-4d43-8bde-a5a1d1c4e6c9").unwrap()
}

fn object(value: &Value) -> Object {
    Object::parse(Bytes::from(value.to_string())).unwrap()
}

fn malware(granular: Value, more: Value) -> Value {
    let mut value = json!({
        "type": "malware", "spec_version": "2.1", "id": SOURCE, "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-02T00:00:00.000Z", "name": "ShadowFox", "description": "taken from victim 7", "is_family": false,
        "aliases": ["first-alias", "second-alias", "third-alias"], "x_size": 12345678901234567890.5,
        "external_references": [
            { "source_name": "report-one", "url": "https://one.example/" },
            { "source_name": "report-two", "url": "https://two.example/" },
        ],
        "object_marking_refs": [Tlp::Green.id()],
    });
    value["granular_markings"] = granular;
    if let Value::Object(more) = more {
        for (name, part) in more {
            value[name] = part;
        }
    }
    value
}

/// The withheld selectors of each copy, in the order in which they are offered.
fn check(granular: Value, expected: &[&[&str]]) {
    let object = object(&malware(granular, json!({})));
    let found: Vec<Vec<String>> = copies(&object).iter().map(Profile::withheld).collect();
    assert_eq!(found, expected);
}

fn under(level: Tlp, selectors: &[&str]) -> Value {
    json!({ "marking_ref": level.id(), "selectors": selectors })
}

#[test]
fn what_restricts_nothing_makes_no_copy() {
    check(json!([under(Tlp::Clear, &["name"])]), &[]);
    check(json!([under(Tlp::Green, &["name"])]), &[]);
    check(json!([{ "marking_ref": marking(1), "selectors": ["name"] }]), &[]);
    check(json!([{ "lang": "ja", "selectors": ["name"] }]), &[]);
}

#[test]
fn a_chain_of_levels_makes_a_copy_for_each_link() {
    check(json!([under(Tlp::Red, &["description"])]), &[&["description"]]);
    check(
        json!([under(Tlp::Amber, &["aliases"]), under(Tlp::Red, &["description", "aliases.[1]"])]),
        &[&["aliases.[1]", "description"], &["aliases", "aliases.[1]", "description"]],
    );
}

#[test]
fn nobody_is_offered_what_bears_a_marking_that_nobody_knows() {
    check(
        json!([under(Tlp::Amber, &["aliases"]), { "marking_ref": marking(9), "selectors": ["description"] }]),
        &[&["description"], &["aliases", "description"]],
    );
}

#[test]
fn an_object_that_is_closed_has_no_copies() {
    let unmarked = json!({ "object_marking_refs": [marking(9)] });
    let closed = object(&malware(json!([under(Tlp::Clear, &["name"])]), unmarked));
    assert_eq!(copies(&closed), []);
    // A part's marking does not open the parts that bear none.
    let mut bare = malware(json!([under(Tlp::Clear, &["name"])]), json!({}));
    bare.as_object_mut().unwrap().remove("object_marking_refs");
    let bare = object(&bare);
    assert_eq!(copies(&bare), []);
    let reader = person(OrganisationRole::Coordinator, "coordinator", &[PersonRole::Analyst]);
    assert!(engine().visible(&reader, [(1, &label_of(&bare))]).keys().is_empty());
}

#[test]
fn too_many_units_are_withheld_together() {
    let marks: Vec<Value> = (20..25)
        .zip(["name", "description", "aliases", "x_size", "external_references"])
        .map(|(n, part)| json!({ "marking_ref": marking(n), "selectors": [part] }))
        .collect();
    check(Value::Array(marks), &[&["aliases", "description", "external_references", "name", "x_size"]]);
}

fn copy_of(granular: Value, more: Value) -> Option<Value> {
    let object = object(&malware(granular, more));
    let profile = copies(&object).pop().unwrap();
    let copy = profile.copy(&object, &copy_id(&profile, &object), Some(&hub()))?;
    assert_eq!(copy.version(), object.version());
    serde_json::from_slice(copy.bytes()).ok()
}

#[test]
fn a_copy_is_another_object_and_its_selectors_move() {
    let granular = json!([
        under(Tlp::Red, &["aliases.[0]", "external_references.[0]", "description"]),
        { "lang": "ja", "selectors": ["aliases.[1]", "description"] },
        { "lang": "en", "selectors": ["aliases.[0]"] },
        { "marking_ref": marking(1), "selectors": ["external_references.[1].url"] },
    ]);
    let copy = copy_of(granular.clone(), json!({ "created_by_ref": SOURCE.replace("malware", "identity") }))
        .unwrap();
    assert_eq!(copy["aliases"], json!(["second-alias", "third-alias"]));
    assert_eq!(
        copy["external_references"],
        json!([{ "source_name": "report-two", "url": "https://two.example/" }])
    );
    assert_eq!(copy.get("description"), None);
    assert_eq!(copy["created_by_ref"], json!(hub()));
    assert_eq!(
        copy["granular_markings"],
        json!([
            { "lang": "ja", "selectors": ["aliases.[0]"] },
            { "marking_ref": marking(1), "selectors": ["external_references.[0].url"] },
        ])
    );
    let id = copy["id"].as_str().unwrap();
    assert!(id.starts_with("malware--") && id != SOURCE);
    // The same in every version, but not without the secret.
    let source = object(&malware(granular, json!({})));
    let profile = copies(&source).pop().unwrap();
    assert_eq!(copy_id(&profile, &source).as_str(), id);
    let other = profile.id(&[8; 32], &Realm::Live, source.id(), &organisation(ORIGINATOR));
    assert_ne!(other.as_str(), id);
    assert_eq!(other.as_str().as_bytes()[SOURCE.len() - 22], b'4', "{other}: version 4");
}

#[test]
fn digits_are_kept() {
    let text = malware(json!([under(Tlp::Red, &["description"])]), json!({})).to_string();
    let digits = "1234567890123456.78901234567890";
    let text = text.replace(&json!(12345678901234567890.5).to_string(), digits);
    let source = Object::parse(Bytes::from(text)).unwrap();
    let profile = copies(&source).pop().unwrap();
    let copy = profile.copy(&source, &copy_id(&profile, &source), None).unwrap();
    assert!(std::str::from_utf8(copy.bytes()).unwrap().contains(digits));
    assert_eq!(copy.created_by(), None);
}

#[test]
fn an_entry_that_would_be_none_goes_as_a_whole() {
    let copy =
        copy_of(json!([under(Tlp::Red, &["external_references.[0].source_name"])]), json!({})).unwrap();
    assert_eq!(
        copy["external_references"],
        json!([{ "source_name": "report-two", "url": "https://two.example/" }])
    );
    // And with the last entry the list.
    let all = ["external_references.[0]", "external_references.[1]"];
    let copy = copy_of(json!([under(Tlp::Red, &all)]), json!({})).unwrap();
    assert_eq!((copy.get("external_references"), copy.get("granular_markings")), (None, None));
}

#[test]
fn what_the_object_needs_withholds_all_of_it() {
    for needed in ["is_family", "created", "revoked", "type"] {
        let copy = copy_of(json!([under(Tlp::Red, &[needed])]), json!({ "revoked": false }));
        assert_eq!(copy, None, "{needed}");
    }
    let indicator = |selector: &str| {
        let value = json!({
            "type": "indicator", "spec_version": "2.1", "id": SOURCE.replace("malware", "indicator"),
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-02T00:00:00.000Z", "pattern": "[url:value = 'x']",
            "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z",
            "name": "x-ray", "object_marking_refs": [Tlp::Green.id()], "granular_markings": [under(Tlp::Red, &[selector])],
        });
        let object = object(&value);
        let profile = copies(&object).pop().unwrap();
        profile.copy(&object, &copy_id(&profile, &object), None).is_some()
    };
    assert!(indicator("name"));
    for needed in ["pattern", "pattern_type", "valid_from", "valid_until"] {
        assert!(!indicator(needed), "{needed}");
    }
}

#[test]
fn what_is_told_elsewhere_is_not_withheld_by_half() {
    let red_name = json!([under(Tlp::Red, &["aliases.[0]"])]);
    assert!(copy_of(red_name.clone(), json!({})).is_some());
    assert_eq!(copy_of(red_name.clone(), json!({ "description": "also known as first-alias" })), None);
    assert_eq!(
        copy_of(red_name, json!({ "x_origin": { "see": [SOURCE] } })),
        None,
        "the original's identifier"
    );
}

#[test]
fn a_label_that_stands_in_for_others_is_read_from_its_text() {
    let red = crate::label(policy::TlpLabel::Level(Tlp::Red), "o");
    let label =
        crate::label(policy::TlpLabel::Level(Tlp::Green), "o").in_place_of([red.clone(), red.clone()]);
    assert_eq!(label.instead_of, [red]);
    assert_eq!(Label::from_text(&label.to_text()), Ok(label.clone()));
    assert!(Label::from_text(&label.to_text().replacen("\"v\":2", "\"v\":3", 1)).is_err());
    assert_ne!(label.id(), label.alone().id());
}

#[test]
fn readers_are_shown_the_original_or_one_copy() {
    let value =
        malware(json!([under(Tlp::Amber, &["aliases"]), under(Tlp::Red, &["description"])]), json!({}));
    let shown = |reader: &Principal| {
        let object = object(&value);
        let labels = shown_labels(&object);
        let labels = labels.iter().enumerate().map(|(key, label)| (i64::try_from(key).unwrap(), label));
        engine().visible(reader, labels).keys().to_vec()
    };
    let reader = |role, of: &str| person(role, of, &[PersonRole::Analyst]);
    assert_eq!(shown(&reader(OrganisationRole::Coordinator, "coordinator")), [0]);
    assert_eq!(shown(&reader(OrganisationRole::Agency, ORIGINATOR)), [0], "its own");
    assert_eq!(shown(&reader(OrganisationRole::Operator, "operator-1")), [1], "all but what is red");
    assert_eq!(shown(&reader(OrganisationRole::Partner, "partner-1")), [2], "what is green");
    let program = Principal {
        kind: PrincipalKind::Program("p".into()),
        ..reader(OrganisationRole::Coordinator, "coordinator")
    };
    assert_eq!(shown(&program), [1], "red is for persons");
    assert_eq!(shown(&reader(OrganisationRole::Oversight, "oversight")), [0; 0]);
    // The originator's own hub is given nothing made of what it brought.
    let peer =
        Principal { kind: PrincipalKind::Peer("h".into()), ..reader(OrganisationRole::Agency, ORIGINATOR) };
    assert_eq!(shown(&peer), [0; 0]);
}

/// The original's label, then those of its copies, each standing in for all before it.
fn shown_labels(object: &Object) -> Vec<Label> {
    let mut labels = vec![label_of(object)];
    for profile in copies(object) {
        labels.push(profile.label.in_place_of(labels.clone()));
    }
    labels
}

/// A word of its own for each part, so that it is seen where it goes.
fn word(number: usize) -> String {
    format!("word-{:08x}", number.wrapping_mul(0x9e37_79b1) & 0xffff_ffff)
}

fn arbitrary_objects() -> impl Strategy<Value = Value> {
    let marks = select(vec![
        Tlp::Clear.id(),
        Tlp::Green.id(),
        Tlp::Amber.id(),
        Tlp::AmberStrict.id(),
        Tlp::Red.id(),
        marking(1).to_string(),
        marking(2).to_string(),
        marking(9).to_string(),
    ]);
    let granular = vec((marks.clone(), vec(any::<Index>(), 1..4)), 0..6);
    let languages = vec(vec(any::<Index>(), 1..4), 0..2);
    (vec(0_usize..4, 6), vec(marks, 0..2), granular, languages).prop_map(
        |(counts, whole, granular, languages)| {
            let mut number = 0;
            let mut next = || {
                number += 1;
                word(number)
            };
            let mut value = json!({
                "type": "malware", "spec_version": "2.1", "id": SOURCE, "created": "2026-01-01T00:00:00.000Z",
                "modified": "2026-01-02T00:00:00.000Z", "is_family": true, "name": next(), "description": next(),
            });
            let map = value.as_object_mut().unwrap();
            let mut list = |name: &str, count: usize, entry: &mut dyn FnMut() -> Value| {
                if count > 0 {
                    map.insert(name.to_owned(), (0..count).map(|_| entry()).collect());
                }
            };
            list("aliases", counts[0], &mut || json!(next()));
            list("labels", counts[1], &mut || json!(next()));
            list(
                "external_references",
                counts[2],
                &mut || json!({ "source_name": next(), "description": next(), "external_id": next() }),
            );
            list(
                "kill_chain_phases",
                counts[3],
                &mut || json!({ "kill_chain_name": next(), "phase_name": next() }),
            );
            list("x_nested", counts[4], &mut || json!([{ "deep": { "deeper": [next(), next()] } }, next()]));
            let mut selectors = Vec::new();
            for (name, value) in value.as_object().unwrap() {
                selectors_of(name.clone(), value, &mut selectors);
            }
            let pick = |places: Vec<Index>| -> Vec<String> {
                let mut picked: Vec<String> =
                    places.iter().map(|place| place.get(&selectors).clone()).collect();
                picked.sort();
                picked.dedup();
                picked
            };
            let mut markings: Vec<Value> = granular
                .into_iter()
                .map(|(mark, places)| json!({ "marking_ref": mark, "selectors": pick(places) }))
                .collect();
            markings.extend(
                languages.into_iter().map(|places| json!({ "lang": "ja", "selectors": pick(places) })),
            );
            if !markings.is_empty() {
                value["granular_markings"] = Value::Array(markings);
            }
            if !whole.is_empty() {
                value["object_marking_refs"] = json!(whole.into_iter().collect::<BTreeSet<_>>());
            }
            value
        },
    )
}

fn selectors_of(path: String, value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(place, value)| selectors_of(format!("{path}.[{place}]"), value, into));
        }
        Value::Object(map) => {
            map.iter().for_each(|(name, value)| selectors_of(format!("{path}.{name}"), value, into));
        }
        _ => {}
    }
    into.push(path);
}

/// Each text with the markings that count for it, worked out in the most obvious way.
fn leaves(properties: &Map<String, Value>, granular: &[Granular]) -> Vec<(String, BTreeSet<Id>)> {
    let mut paths = Vec::new();
    for (name, value) in properties.iter().filter(|(name, _)| *name != "granular_markings") {
        selectors_of(name.clone(), value, &mut paths);
    }
    let text =
        |path: &String| stix::marking::select(properties, path).and_then(Value::as_str).map(str::to_owned);
    let counts = |path: &str, selector: &str| path == selector || path.starts_with(&format!("{selector}."));
    let marked = |path: &str| {
        let fit = granular.iter().filter(|one| one.selectors.iter().any(|selector| counts(path, selector)));
        fit.filter_map(|one| one.marking_ref.clone()).collect()
    };
    paths.iter().filter_map(|path| Some((text(path)?, marked(path)))).collect()
}

fn readers() -> Vec<Principal> {
    let reader = |role, of: &str| person(role, of, &[PersonRole::Analyst]);
    let mut readers = vec![
        reader(OrganisationRole::Coordinator, "coordinator"),
        reader(OrganisationRole::Agency, "agency-2"),
        reader(OrganisationRole::Operator, "operator-1"),
        reader(OrganisationRole::Partner, "partner-1"),
        reader(OrganisationRole::Academy, "academy-1"),
    ];
    for kind in
        [PrincipalKind::Program("p".into()), PrincipalKind::Edge("e".into()), PrincipalKind::Peer("h".into())]
    {
        readers.push(Principal { kind: kind.clone(), ..readers[0].clone() });
        readers.push(Principal { kind, ..readers[2].clone() });
    }
    readers
}

fn bearing(object: &Object, marks: &BTreeSet<Id>) -> Label {
    let mut value = Value::Object(object.properties().clone());
    value.as_object_mut().unwrap().remove("granular_markings");
    let whole = stix::marking::object_marking_refs(object);
    value["object_marking_refs"] =
        json!(whole.into_iter().chain(marks.iter().cloned()).collect::<BTreeSet<_>>());
    if value["object_marking_refs"] == json!([]) {
        value.as_object_mut().unwrap().remove("object_marking_refs");
    }
    label_of(&self::object(&value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nobody_reads_a_part_that_is_not_for_it(value in arbitrary_objects()) {
        static ENGINE: LazyLock<Engine> = LazyLock::new(engine);
        let object = object(&value);
        let leaves = leaves(object.properties(), &stix::marking::granular(&object));
        let profiles = copies(&object);
        let labels = shown_labels(&object);
        for reader in readers() {
            let sees = |label: &Label| !ENGINE.visible(&reader, [(1, label)]).keys().is_empty();
            let shown: Vec<usize> = (0..labels.len()).filter(|place| sees(&labels[*place])).collect();
            prop_assert!(shown.len() <= 1, "one of the original and its copies: {shown:?}");
            let text = match shown.first() {
                None => continue,
                Some(0) => object.bytes().clone(),
                Some(place) => {
                    let profile = &profiles[place - 1];
                    let Some(copy) = profile.copy(&object, &copy_id(profile, &object), Some(&hub())) else { continue };
                    prop_assert!(!std::str::from_utf8(copy.bytes()).unwrap().contains(SOURCE.trim_start_matches("malware--")));
                    copy.bytes().clone()
                }
            };
            let text = std::str::from_utf8(&text).unwrap();
            for (leaf, marks) in leaves.iter().filter(|(leaf, _)| leaf.starts_with("word-")) {
                if text.contains(leaf.as_str()) {
                    prop_assert!(sees(&bearing(&object, marks)), "{reader:?} reads {leaf} under {marks:?}: {text}");
                }
            }
        }
    }

    #[test]
    fn a_copy_is_valid_and_the_same_each_time(value in arbitrary_objects()) {
        let object = object(&value);
        for profile in copies(&object) {
            let id = copy_id(&profile, &object);
            let Some(copy) = profile.copy(&object, &id, Some(&hub())) else { continue };
            let again = profile.copy(&object, &id, Some(&hub())).unwrap();
            prop_assert_eq!(copy.bytes(), again.bytes());
            prop_assert_eq!(copy.id(), &id);
            let faults: Vec<_> =
                stix::validate::validate(&copy).into_iter().filter(|found| found.severity == Severity::Error).collect();
            prop_assert!(faults.is_empty(), "{faults:?} in {:?}", copy.bytes());
            // Selectors name what they named, and only markings that are for this copy are left.
            let found = leaves(copy.properties(), &stix::marking::granular(&copy));
            let before = leaves(object.properties(), &stix::marking::granular(&object));
            for (leaf, marks) in found.into_iter().filter(|(leaf, _)| leaf.starts_with("word-")) {
                let known = before.iter().find(|(known, _)| *known == leaf);
                prop_assert_eq!(known.map(|(_, marks)| marks), Some(&marks), "{}", leaf);
            }
            for marking in stix::marking::granular(&copy) {
                for selector in marking.selectors {
                    prop_assert!(stix::marking::select(copy.properties(), &selector).is_some(), "{}", selector);
                }
            }
        }
    }
}
