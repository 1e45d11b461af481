//! A case as a STIX object.

use bytes::Bytes;
use case::{CASE_EXTENSION, Case, Change, from_stix, to_stix};
use oversight::Realm;
use proptest::prelude::proptest;
use stix::marking::Tlp;
use stix::validate::{Severity, validate};
use stix::{Id, Object};

use crate::{case_of, id, minutes, opening, organisation, seen, severity};

fn identity() -> Id {
    id("identity", 1)
}

fn object(case: &Case) -> Object {
    Object::parse(Bytes::from(to_stix(case, &identity()).to_string())).expect("an object")
}

fn errors(object: &Object) -> Vec<String> {
    let findings = validate(object).into_iter().filter(|finding| finding.severity == Severity::Error);
    findings.map(|finding| format!("{} {}: {}", finding.path, finding.code, finding.message)).collect()
}

#[test]
fn a_case_becomes_an_incident() {
    let mut case = case_of(7, &[seen(1, 2, &[3], "kinki-power", 0)]);
    case.apply(Change::Note("確認中です。".into()), "hanako", &organisation("o"), minutes(2)).unwrap();
    expect_test::expect![[r#"
        {
          "type": "incident",
          "spec_version": "2.1",
          "id": "incident--00000000-0000-4000-8000-000000000007",
          "created_by_ref": "identity--00000000-0000-4000-8000-000000000001",
          "created": "2027-01-15T08:01:00.000Z",
          "modified": "2027-01-15T08:02:00.000Z",
          "name": "港湾を狙う攻撃 / attacks on ports",
          "object_marking_refs": [
            "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
          ],
          "extensions": {
            "extension-definition--ef765651-680c-498d-9894-99799f2fa126": {
              "extension_type": "property-extension",
              "determination": "suspected",
              "investigation_status": "open",
              "criticality": 60,
              "detection_methods": [
                "automated-tool"
              ],
              "scores": [
                {
                  "name": "Yagura severity",
                  "value": 3,
                  "description": "0 to 5"
                }
              ]
            },
            "extension-definition--9c539667-3c16-59c4-aa6c-aa3c7d9343bb": {
              "extension_type": "property-extension",
              "realm": "live",
              "number": 7,
              "severity": 3,
              "members": [
                "kinki-power"
              ],
              "object_refs": [
                "campaign--00000000-0000-4000-8000-000000000003",
                "indicator--00000000-0000-4000-8000-000000000002",
                "sighting--00000000-0000-4000-8000-000000000001"
              ],
              "opened": "2027-01-15T08:01:00Z",
              "changed": "2027-01-15T08:02:00Z",
              "last_seen": "2027-01-15T08:00:00Z",
              "revision": 2,
              "timeline": [
                {
                  "at": "2027-01-15T08:01:00Z",
                  "by": null,
                  "organisation": null,
                  "kind": {
                    "kind": "opened",
                    "rule": "several-members"
                  }
                },
                {
                  "at": "2027-01-15T08:01:00Z",
                  "by": null,
                  "organisation": null,
                  "kind": {
                    "kind": "sighting",
                    "id": "sighting--00000000-0000-4000-8000-000000000001",
                    "organisation": "kinki-power",
                    "indicator": "indicator--00000000-0000-4000-8000-000000000002"
                  }
                },
                {
                  "at": "2027-01-15T08:02:00Z",
                  "by": "hanako",
                  "organisation": "o",
                  "kind": {
                    "kind": "note",
                    "text": "確認中です。"
                  }
                }
              ]
            }
          }
        }"#]]
    .assert_eq(&format!("{:#}", to_stix(&case, &identity())));
}

#[test]
fn what_is_written_is_valid_stix() {
    let mut case = case_of(7, &[seen(1, 2, &[3], "a", 0)]);
    assert_eq!(errors(&object(&case)), [""; 0]);
    case.apply(Change::Close("終結".into()), "p", &organisation("o"), minutes(2)).unwrap();
    assert_eq!(errors(&object(&case)), [""; 0]);
    for published in [case::extension_definition(), case::extension_identity()] {
        let object = Object::parse(Bytes::from(published.to_string())).unwrap();
        assert_eq!(errors(&object), [""; 0]);
    }
}

#[test]
fn the_extensions_id_is_what_its_name_makes_it() {
    let uuid = |name: &str| uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name.as_bytes());
    assert_eq!(
        CASE_EXTENSION,
        format!("extension-definition--{}", uuid("urn:yagura:stix:extension:case-and-severity"))
    );
    let definition = case::extension_definition();
    let identity = format!("identity--{}", uuid("urn:yagura:stix:identity:project"));
    assert_eq!(definition["created_by_ref"], identity.as_str());
    assert_eq!(case::extension_identity()["id"], identity.as_str());
}

#[test]
fn what_is_not_a_case_is_refused_with_the_reason() {
    let good = to_stix(&case_of(1, &[]), &identity());
    let refused = |change: &dyn Fn(&mut serde_json::Value), because: &str| {
        let mut value = good.clone();
        change(&mut value);
        let object = Object::parse(Bytes::from(value.to_string())).unwrap();
        let error = from_stix(&object).unwrap_err().to_string();
        assert!(error.contains(because), "{error}");
    };
    refused(&|v| drop(v.as_object_mut().unwrap().remove("extensions")), "no incident core extension");
    refused(&|v| drop(v["extensions"].as_object_mut().unwrap().remove(CASE_EXTENSION)), "no case extension");
    refused(&|v| drop(v.as_object_mut().unwrap().remove("object_marking_refs")), "no TLP marking");
    refused(&|v| v["extensions"][CASE_EXTENSION]["severity"] = 9.into(), "severity 9");
    refused(&|v| v["extensions"][CASE_EXTENSION]["realm"] = "elsewhere".into(), "`realm`");
    refused(&|v| v["extensions"][CASE_EXTENSION]["members"] = vec!["No Name"].into(), "No Name");
    refused(&|v| drop(v.as_object_mut().unwrap().remove("name")), "no name");
}

proptest! {
    #[test]
    fn a_case_survives_the_way_through_stix(
        level in 0..=5_u8,
        nanoseconds in 0..1_000_000_000_i64,
        exercise in proptest::bool::ANY,
        notes in proptest::collection::vec("\\PC{1,40}", 0..4),
        close in proptest::bool::ANY,
        tlp in proptest::sample::select(Tlp::ALL.to_vec()),
    ) {
        let mut opening = opening(1);
        opening.severity = severity(level);
        opening.marking = tlp;
        if exercise {
            opening.realm = Realm::Exercise("fuji-2026".into());
        }
        let now = minutes(1) + jiff::SignedDuration::from_nanos(nanoseconds);
        let mut case = Case::open(opening, &[seen(1, 2, &[3], "a", 0), seen(2, 2, &[], "b", -5)], now);
        for note in notes {
            drop(case.apply(Change::Note(note), "p", &organisation("o"), now));
        }
        if close {
            case.apply(Change::Close("done".into()), "p", &organisation("o"), now).unwrap();
        }
        assert_eq!(from_stix(&object(&case)), Ok(case));
    }
}
