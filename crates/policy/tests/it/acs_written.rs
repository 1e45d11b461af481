//! Labels written as ACS markings: valid, the same each time, and read back as no more than they were written of.

use std::collections::BTreeSet;

use bytes::Bytes;
use oversight::{OrganisationId, OrganisationRole, PersonRole, Realm};
use policy::{
    ACS_EXTENSION, AcsStatement, AcsStatements, AcsTerms, Label, Marking, ORIGINATOR_CONTROL, Unsayable,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use stix::marking::{Pap, Tlp};
use stix::{Id, Object};

use crate::{engine, marking, organisation, person};

fn terms(tlp: Tlp, pap: Option<Pap>, originator_control: bool) -> AcsTerms {
    AcsTerms { tlp, pap, originator_control }
}

fn agency() -> AcsStatements {
    AcsStatements::by(&organisation("agency-a"))
}

fn statement(terms: AcsTerms) -> Result<AcsStatement, Unsayable> {
    agency().say(terms).cloned()
}

/// What a statement comes to when somebody reads it who has only its text.
fn read_back(statement: &AcsStatement) -> String {
    let definition = Object::parse(Bytes::from(statement.definition.clone())).unwrap();
    assert_eq!(*definition.id(), statement.id);
    let Some(Marking::Acs(acs)) = Marking::defined_by(&definition) else { panic!("{definition:?}") };
    assert_eq!(acs, statement.acs);
    assert!(!acs.hides_source, "the source stands on the object");
    format!("{} {}{}", acs.tlp.name(), acs.pap.name(), if acs.originator_control { " control" } else { "" })
}

fn check(tlp: Tlp, pap: Option<Pap>, control: bool, expected: &str) {
    let found = match statement(terms(tlp, pap, control)) {
        Ok(statement) => read_back(&statement),
        Err(error) => format!("refused: {error}"),
    };
    assert_eq!(found, expected, "{tlp:?} {pap:?} {control}");
}

#[test]
fn what_each_label_is_written_as() {
    check(Tlp::Clear, None, false, "clear green");
    check(Tlp::Clear, Some(Pap::Clear), false, "clear clear");
    check(Tlp::Green, Some(Pap::Green), false, "green green");
    check(Tlp::Green, Some(Pap::Red), false, "green red");
    // AMBER is written with the members that it may go to, and no permission goes further than what is named.
    check(Tlp::Amber, Some(Pap::Green), false, "amber green control");
    // Cross-checks that nobody notices are no action of ACS: analysis and display alone are left.
    check(Tlp::Green, Some(Pap::Amber), false, "green red");
    check(Tlp::Clear, Some(Pap::Green), true, "amber green control");
    check(Tlp::Amber, None, true, "amber green control");
    let none = "refused: has no words for TLP:RED; publish it without";
    check(Tlp::Red, None, false, none);
    check(Tlp::Red, None, true, none);
    check(Tlp::AmberStrict, None, false, "refused: has no words for TLP:AMBER+STRICT; publish it without");
}

/// label → ACS → label: no more ever, and no less where ACS can say it.
#[test]
fn every_label_comes_back_as_no_more() {
    let mut written = 0;
    for terms in AcsTerms::all() {
        let Ok(statement) = statement(terms) else {
            assert!(terms.tlp > Tlp::Amber, "{terms:?}");
            continue;
        };
        written += 1;
        let acs = statement.acs;
        assert!(acs.tlp >= terms.tlp && Some(acs.pap) >= terms.pap, "{terms:?}: {acs:?}");
        assert!(acs.originator_control || !terms.originator_control, "{terms:?}: {acs:?}");
        if terms.tlp < Tlp::Amber && !terms.originator_control {
            assert!(acs.tlp == terms.tlp && !acs.originator_control, "{terms:?}: {acs:?}");
        }
        if terms.pap.is_some() && terms.pap != Some(Pap::Amber) {
            assert_eq!(Some(acs.pap), terms.pap, "{terms:?}");
        }
    }
    assert_eq!((AcsTerms::all().count(), written), (50, 30));
}

fn object(markings: &[String]) -> Object {
    let text = json!({ "type": "tool", "spec_version": "2.1", "id": "tool--00000000-0000-4000-8000-000000000001", "name": "n",
        "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "object_marking_refs": markings });
    Object::parse(Bytes::from(text.to_string())).unwrap()
}

fn refs(terms: AcsTerms) -> Vec<String> {
    let mut refs = vec![terms.tlp.id()];
    refs.extend(terms.pap.map(Pap::id));
    refs.extend(terms.originator_control.then(|| ORIGINATOR_CONTROL.to_owned()));
    refs
}

/// The statement beside its label opens the object to nobody, and closes it to none of those whom ACS can name.
#[test]
fn beside_its_label_a_statement_opens_nothing() {
    let engine = engine();
    for terms in AcsTerms::all() {
        let Ok(statement) = statement(terms) else { continue };
        let plain = refs(terms);
        assert_eq!(agency().terms(&object(&plain)), Ok(terms));
        let label = |refs: &[String]| {
            let meaning = |id: &Id| (*id == statement.id).then_some(Marking::Acs(statement.acs));
            Label::of(&object(refs), &organisation("agency-a"), &Realm::Live, meaning)
        };
        let beside: Vec<String> = plain.iter().cloned().chain([statement.id.to_string()]).collect();
        assert_eq!(agency().terms(&object(&beside)), Ok(terms), "asked for again");
        let (plain, beside) = (label(&plain), label(&beside));
        assert!(beside.unknown.is_empty());
        for role in OrganisationRole::ALL {
            for organisation in ["agency-a", "other"] {
                let reader = person(*role, organisation, &[PersonRole::Analyst]);
                let (before, after) = (engine.explain(&reader, &plain).0, engine.explain(&reader, &beside).0);
                assert!(before || !after, "{terms:?} opened to {role:?} of {organisation}");
                let is_named = matches!(
                    role,
                    OrganisationRole::Coordinator | OrganisationRole::Agency | OrganisationRole::Operator
                );
                assert!(after || !before || !is_named, "{terms:?} closed to {role:?} of {organisation}");
            }
        }
    }
}

#[test]
fn what_acs_does_not_say_is_not_written() {
    let of = |refs: &[String]| agency().terms(&object(refs));
    assert_eq!(of(&[Pap::Green.id()]), Err(Unsayable::NoLevel));
    let group = marking(7);
    assert_eq!(of(&[Tlp::Green.id(), group.to_string()]), Err(Unsayable::Marking(group)));
    let strictest = of(&[Tlp::Green.id(), Tlp::Amber.id(), Pap::Green.id(), Pap::Red.id()]);
    assert_eq!(strictest, Ok(terms(Tlp::Amber, Some(Pap::Red), false)));
    let mut parts = object(&[Tlp::Green.id()]).properties().clone();
    parts.insert(
        "granular_markings".to_owned(),
        json!([{ "marking_ref": Tlp::Red.id(), "selectors": ["name"] }]),
    );
    let parts = Object::parse(Bytes::from(Value::Object(parts).to_string())).unwrap();
    assert_eq!(agency().terms(&parts), Err(Unsayable::Parts));
}

#[test]
fn the_same_statement_is_one_object() {
    let green = terms(Tlp::Green, Some(Pap::Green), false);
    let first = statement(green).unwrap();
    assert_eq!(first, statement(green).unwrap());
    // What differs in nothing that is said is the same statement.
    assert_eq!(first, statement(terms(Tlp::Green, None, false)).unwrap());
    let others = AcsStatements::by(&organisation("agency-b"));
    assert_ne!(first.id, others.say(green).unwrap().id);
    assert!(agency().hold(&first.id) && !others.hold(&first.id));
    let uuid =
        uuid::Uuid::parse_str(first.id.as_str().strip_prefix("marking-definition--").unwrap()).unwrap();
    assert_eq!(uuid.get_version_num(), 5);
    // Whoever has it must find the same the next year: a change here is another object under an old name.
    assert_eq!(first.id.as_str(), "marking-definition--e20af017-4b15-53a5-a875-f645a5cd5184");
}

/// The properties that the schema of the OASIS common object repository (`isa-acs-3-0.json`) knows, with those that it demands.
const PROPERTIES: [(&str, bool); 16] = [
    ("extension_type", true),
    ("identifier", true),
    ("name", false),
    ("create_date_time", true),
    ("responsible_entity_custodian", true),
    ("responsible_entity_originator", false),
    ("authority_reference", false),
    ("policy_reference", true),
    ("original_classification", false),
    ("derivative_classification", false),
    ("declassification", false),
    ("resource_disposition", false),
    ("public_release", false),
    ("access_privilege", false),
    ("further_sharing", false),
    ("control_set", true),
];

/// What that schema demands, of what is written here.
fn check_schema(extension: &Map<String, Value>) {
    for name in extension.keys() {
        assert!(PROPERTIES.iter().any(|(known, _)| known == name), "{name}");
    }
    for (name, _) in PROPERTIES.iter().filter(|(_, required)| *required) {
        assert!(extension.contains_key(*name), "{name}");
    }
    let text = |name: &str| extension[name].as_str().unwrap();
    assert_eq!(text("extension_type"), "property-extension");
    assert!(text("create_date_time").parse::<jiff::Timestamp>().is_ok());
    let custodian: Vec<&str> = text("responsible_entity_custodian").split('.').collect();
    let is_word =
        |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    assert!(custodian.len() >= 2 && custodian[..2].iter().all(is_word), "{custodian:?}");
    let policy = text("policy_reference").strip_prefix("urn:isa:policy:acs:ns:v3.0?").unwrap();
    assert!(
        policy == "privdefault=deny&sharedefault=permit" || policy == "privdefault=deny&sharedefault=deny"
    );
    let list = |value: &Value| -> BTreeSet<String> {
        let list = value.as_array().unwrap();
        assert!(!list.is_empty(), "lists hold something");
        list.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let control_set = extension["control_set"].as_object().unwrap();
    assert_eq!(control_set["classification"], "U");
    if let Some(words) = control_set.get("formal_determination") {
        let known = [
            "PUBREL",
            "NF",
            "AIS",
            "PII-NECESSARY-TO-UNDERSTAND-THREAT",
            "NO-PII-PRESENT",
            "FOUO",
            "INFORMATION-DIRECTLY-RELATED-TO-CYBERSECURITY-THREAT",
        ];
        assert!(list(words).iter().all(|word| known.contains(&word.as_str())));
    }
    assert!(control_set.keys().all(|name| name == "classification" || name == "formal_determination"));
    for rule in extension["access_privilege"].as_array().unwrap() {
        let keys: Vec<&String> = rule.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["privilege_action", "privilege_scope", "rule_effect"]);
        let known = [
            "DSPLY",
            "IDSRC",
            "TENOT",
            "NETDEF",
            "LEGAL",
            "INTEL",
            "TEARLINE",
            "OPACTION",
            "REQUEST",
            "ANONYMOUSACCESS",
            "CISAUSES",
        ];
        assert!(known.contains(&rule["privilege_action"].as_str().unwrap()), "{rule}");
        assert_eq!(rule["rule_effect"], "permit");
        for scope in rule["privilege_scope"].as_object().unwrap().values() {
            assert_eq!(*scope, json!(["ALL"]));
        }
    }
    if let Some(rules) = extension.get("further_sharing") {
        for rule in rules.as_array().unwrap() {
            assert_eq!(list(&rule["sharing_scope"]), BTreeSet::from(["FOREIGNGOV".into(), "SECTOR".into()]));
            assert_eq!(rule["rule_effect"], "permit");
        }
    }
    if let Some(release) = extension.get("public_release") {
        assert!(release.as_object().unwrap().keys().eq(["released_by"]));
    }
}

proptest! {
    /// Whoever writes it: a valid definition, in the shape that the schema asks for, that comes back as the terms it was made of.
    #[test]
    fn any_organisation_s_statement_is_valid(name in "[a-z0-9-]{1,64}", which in 0..50_usize) {
        let terms = AcsTerms::all().nth(which).unwrap();
        let custodian = OrganisationId::parse(&name).unwrap();
        let statements = AcsStatements::by(&custodian);
        if let Ok(statement) = statements.say(terms) {
            let object = Object::parse(Bytes::from(statement.definition.clone())).unwrap();
            let findings = stix::validate::validate(&object);
            prop_assert!(findings.iter().all(|finding| finding.severity != stix::validate::Severity::Error), "{findings:?}");
            let extension = object.get("extensions").and_then(|all| all.get(ACS_EXTENSION)).unwrap();
            check_schema(extension.as_object().unwrap());
            prop_assert!(statement.acs.tlp >= terms.tlp && Some(statement.acs.pap) >= terms.pap);
            prop_assert!(statements.hold(&statement.id));
        }
    }
}

/// What is written has the shape of the ACS markings in misp-stix's tests, which come from the specification's use cases.
#[test]
fn the_shape_is_that_of_the_examples_of_the_corpus() {
    let Some(root) = std::env::var_os("YAGURA_CORPUS") else {
        eprintln!("SKIPPED: the ACS markings of misp-stix's tests need YAGURA_CORPUS");
        return;
    };
    let path =
        std::path::Path::new(&root).join("misp/misp-stix-tests/extracted/external-stix21-bundles.jsonl");
    let mut shapes = BTreeSet::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        collect(&serde_json::from_str(line).unwrap(), &mut shapes);
    }
    assert!(shapes.contains("access_privilege/privilege_scope/permitted_nationalities"), "{shapes:?}");
    let definition = statement(terms(Tlp::Amber, Some(Pap::Green), false)).unwrap().definition;
    let mut ours = BTreeSet::new();
    collect(&serde_json::from_str(&definition).unwrap(), &mut ours);
    // The examples share freely by default and have no rule on it.
    let new: Vec<&String> = ours.difference(&shapes).collect();
    assert_eq!(new, ["further_sharing", "further_sharing/rule_effect", "further_sharing/sharing_scope"]);
}

/// The paths of names within the ACS extensions of a text.
fn collect(value: &Value, shapes: &mut BTreeSet<String>) {
    if let Some(extension) = value.get("extensions").and_then(|all| all.get(ACS_EXTENSION)) {
        paths(extension, "", shapes);
    }
    match value {
        Value::Array(list) => list.iter().for_each(|item| collect(item, shapes)),
        Value::Object(map) => map.values().for_each(|item| collect(item, shapes)),
        _ => {}
    }
}

fn paths(value: &Value, above: &str, shapes: &mut BTreeSet<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|item| paths(item, above, shapes)),
        Value::Object(map) => {
            for (name, value) in map {
                let path = if above.is_empty() { name.clone() } else { format!("{above}/{name}") };
                paths(value, &path, shapes);
                shapes.insert(path);
            }
        }
        _ => {}
    }
}
