//! The sample campaign: valid, marked, and as grave as it says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bytes::Bytes;
use case::{CASE_EXTENSION, severity_of};
use stix::marking::{Tlp, marking_refs, tlp};
use stix::validate::{Severity, validate};
use stix::{Id, Object};

fn objects() -> Vec<Object> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../sample/campaign.ja-en.json"));
    let text =
        Bytes::from(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    stix::bundle::split(&text).unwrap().into_iter().map(|bytes| Object::parse(bytes).unwrap()).collect()
}

#[test]
fn every_object_is_valid() {
    let findings: Vec<String> = objects()
        .iter()
        .flat_map(validate)
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{} {} {}: {}", finding.object, finding.path, finding.code, finding.message))
        .collect();
    assert_eq!(findings, [""; 0]);
}

#[test]
fn every_reference_resolves_and_no_id_comes_twice() {
    let objects = objects();
    let ids: BTreeSet<Id> = objects.iter().map(|object| object.id().clone()).collect();
    assert_eq!(ids.len(), objects.len());
    for object in &objects {
        for (path, target) in object.references() {
            assert!(ids.contains(&target), "{} {path}: {target} is not in the bundle", object.id());
        }
    }
}

#[test]
fn everything_is_marked_and_all_levels_occur() {
    let level = |object: &Object| marking_refs(object).iter().filter_map(tlp).max();
    let objects = objects();
    let counts = objects.iter().filter(|object| object.object_type() == "indicator").fold(
        BTreeMap::new(),
        |mut counts, object| {
            *counts.entry(level(object).map(Tlp::name)).or_insert(0) += 1;
            counts
        },
    );
    for wanted in Tlp::ALL {
        assert!(counts.contains_key(&Some(wanted.name())), "{counts:?}");
    }
    for object in objects.iter().filter(|object| object.object_type() != "marking-definition") {
        assert!(level(object).is_some(), "{} bears no level", object.id());
    }
}

/// A tie or a list tells of what it names: it is marked as strictly as the strictest of that.
#[test]
fn what_names_others_is_marked_as_strictly() {
    let objects = objects();
    let level = |object: &Object| marking_refs(object).iter().filter_map(tlp).max();
    let levels: BTreeMap<&Id, Option<Tlp>> =
        objects.iter().map(|object| (object.id(), level(object))).collect();
    for object in &objects {
        let named =
            object.references().into_iter().filter(|(_, id)| id.object_type() != "marking-definition");
        for (path, target) in named {
            assert!(
                level(object) >= levels[&target],
                "{} {path} names {target}, which is stricter",
                object.id()
            );
        }
    }
}

#[test]
fn severities_are_said_by_our_extension_as_published() {
    let objects = objects();
    let definition = objects.iter().find(|object| object.id().as_str() == CASE_EXTENSION).unwrap();
    let published = case::extension_definition();
    assert_eq!(serde_json::Value::Object(definition.properties().clone()), published);
    let identity =
        objects.iter().find(|object| Some(object.id()) == definition.created_by().as_ref()).unwrap();
    assert_eq!(serde_json::Value::Object(identity.properties().clone()), case::extension_identity());
    let grave =
        objects.iter().filter(|o| o.object_type() == "indicator" && severity_of(o).level() >= 4).count();
    assert!((5..=15).contains(&grave), "{grave}");
}

#[test]
fn the_files_are_what_the_script_writes() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sample/generate.py");
    let run = std::process::Command::new("python3").args(["-B", script, "--check"]).output();
    let Ok(run) = run else {
        eprintln!("SKIPPED: the_files_are_what_the_script_writes needs python3");
        return;
    };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// What the sample's two edges see first, one second and five seconds into the attack, makes a case of both; the encryptor, later,
/// makes it grave.
#[test]
fn the_story_opens_a_case_and_makes_it_grave() {
    let objects = objects();
    let named = |name: &str| {
        let has = |o: &&Object| {
            o.object_type() == "indicator" && o.text("name").is_some_and(|text| text.ends_with(name))
        };
        objects.iter().find(has).unwrap_or_else(|| panic!("no indicator `{name}`"))
    };
    let seen = |number: u16, name: &str, of: &str, seconds: i64| {
        let indicator = named(name);
        let ties = objects.iter().filter(|tie| tie.text("source_ref") == Some(indicator.id().as_str()));
        case::Seen {
            indicator: indicator.id().clone(),
            indicator_name: indicator.text("name").unwrap().to_owned(),
            threads: ties.map(|tie| Id::parse(tie.text("target_ref").unwrap()).unwrap()).collect(),
            severity: severity_of(indicator),
            at: crate::minutes(0) + jiff::SignedDuration::from_secs(seconds),
            ..crate::seen(number, 0, &[], of, 0)
        }
    };
    let rules = case::Rules::default();
    let port = seen(1, "TAKOTSUBO command server posing as a carrier", "shiomi-port", 1);
    assert_eq!(case::triage(&port, &[], &[], &rules), case::Triage::Nothing);
    let hospital = seen(2, "command server posing as a maker of medical equipment", "hakuai-hospital", 5);
    let opened = case::triage(&hospital, &[], std::slice::from_ref(&port), &rules);
    let case::Triage::Open { rule: "several-members", title, severity, with } = opened else {
        panic!("{opened:?}")
    };
    assert_eq!((severity.level(), with), (3, vec![0]));
    let opening = case::Opening { title, severity, ..crate::opening(1) };
    let mut opened = case::Case::open(opening, [&port, &hospital], hospital.at);
    let encryptor = seen(3, "YAMIFUDA itself", "hakuai-hospital", 23);
    assert_eq!(
        case::triage(&encryptor, std::slice::from_ref(&opened), &[], &rules),
        case::Triage::Join(opened.id.clone())
    );
    opened.join(&encryptor, encryptor.at).unwrap();
    assert_eq!(opened.severity.level(), 5);
    let members: Vec<_> = opened.members.iter().map(oversight::OrganisationId::as_str).collect();
    assert_eq!(members, ["hakuai-hospital", "shiomi-port"]);
}
