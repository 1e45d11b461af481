//! A report and a copy as STIX objects.

use bytes::Bytes;
use regime::{
    Copy, Kind, Profile, REPORT_EXTENSION, Report, What, copy_to_stix, extension_definition,
    extension_identity, from_stix, render, to_stix,
};
use stix::marking::Tlp;
use stix::validate::{Severity, validate};
use stix::{Id, Object};

use crate::given::{at, aware, event, filed, report, report_of, shipped, stated, text};

fn identity() -> Id {
    Id::parse("identity--00000000-0000-4000-8000-000000000001").unwrap()
}

fn object(json: &serde_json::Value) -> Object {
    Object::parse(Bytes::from(json.to_string())).unwrap()
}

fn errors(object: &Object) -> Vec<String> {
    let findings = validate(object).into_iter().filter(|finding| finding.severity == Severity::Error);
    findings.map(|finding| format!("{} {}: {}", finding.path, finding.code, finding.message)).collect()
}

fn check(report: &Report) {
    let carried = object(&to_stix(report, &identity(), Tlp::AmberStrict));
    assert_eq!(errors(&carried), [""; 0]);
    let back = from_stix(&carried).unwrap();
    assert_eq!(&back, report);
    let again = object(&to_stix(&back, &identity(), Tlp::AmberStrict));
    assert_eq!(again.bytes(), carried.bytes(), "the same report is the same bytes");
}

#[test]
fn a_report_comes_back_as_it_was() {
    check(&report());
    let what = What::Kind { kind: Kind::Ddos };
    let full = report_of([
        event("2026-11-29T00:00:00.123456789Z", what),
        aware("2026-11-29T00:00:00Z"),
        stated("2026-11-29T00:10:00Z", &[("summary", text("サイトが重い\n続報します"))]),
        filed("2026-11-29T01:00:00Z", "jp.common.ddos", "first", "police"),
    ]);
    check(&full);
    let json = to_stix(&full, &identity(), Tlp::AmberStrict);
    assert_eq!(
        (json["name"].as_str(), json["created"].as_str()),
        (Some("サイトが重い"), Some("2026-11-29T00:00:00.000Z"))
    );
    assert_eq!(json["modified"].as_str(), Some("2026-11-29T01:00:00.000Z"));
}

#[test]
fn what_is_no_report_is_refused() {
    let mut json = to_stix(&report_of([aware("2026-11-29T00:00:00Z")]), &identity(), Tlp::Red);
    json["extensions"][REPORT_EXTENSION]["realm"] = "nowhere".into();
    assert!(from_stix(&object(&json)).is_err());
    json["extensions"].as_object_mut().unwrap().remove(REPORT_EXTENSION);
    assert!(from_stix(&object(&json)).is_err());
}

#[test]
fn a_copy_travels_byte_for_byte() {
    let report = report_of([
        aware("2026-11-29T00:00:00Z"),
        stated("2026-11-29T00:10:00Z", &[("summary", text("停止"))]),
    ]);
    let form = render(
        &report,
        &Profile::default(),
        shipped(),
        ("eu.nis2", "early-warning", "csirt"),
        at("2026-11-29T01:00:00Z"),
    );
    let copy = Copy::of(&form.unwrap());
    let artifact = object(&copy_to_stix(&copy, Tlp::AmberStrict));
    assert_eq!(errors(&artifact), [""; 0]);
    let payload = artifact.text("payload_bin").unwrap();
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, payload).unwrap();
    assert_eq!(decoded, copy.bytes());
    assert_eq!(
        copy_to_stix(&copy, Tlp::AmberStrict)["id"].as_str(),
        Some(artifact.id().as_str()),
        "its name is made of its bytes"
    );
}

#[test]
fn the_extension_is_defined() {
    for json in [extension_definition(), extension_identity()] {
        assert_eq!(errors(&object(&json)), [""; 0]);
    }
    let name = b"urn:yagura:stix:extension:incident-report";
    let expected = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name);
    assert_eq!(REPORT_EXTENSION, format!("extension-definition--{expected}"));
}
