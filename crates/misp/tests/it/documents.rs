//! What is made of what.

use misp::{Event, Limits, Options};
use serde_json::{Value, json};

use crate::corpus::{objects, options, stix_comes_back, there_and_back};

const EVENT: &str = "5a6f1f2e-0000-4000-8000-000000000001";

pub(crate) fn event(fields: Value) -> Event {
    let mut event = json!({"uuid": EVENT, "info": "Test", "date": "2026-01-02", "timestamp": "1767323045",
        "Tag": [{"name": "tlp:green"}]});
    put_all(&mut event, fields);
    Event::from_value(event, &Limits::default()).unwrap()
}

fn put_all(to: &mut Value, fields: Value) {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    for (key, value) in fields {
        to[key] = value;
    }
}

fn attribute(fields: Value) -> Event {
    let mut attribute =
        json!({"uuid": "5a6f1f2e-0000-4000-8000-000000000002", "category": "Network activity"});
    put_all(&mut attribute, fields);
    event(json!({ "Attribute": [attribute] }))
}

fn made_of(event: &Event) -> Vec<Value> {
    let made = misp::to_stix(std::slice::from_ref(event), &options());
    made.objects.iter().map(|bytes| serde_json::from_slice(bytes).unwrap()).collect()
}

fn check(fields: Value, expected: Value) {
    let event = attribute(fields);
    there_and_back("attribute", &event);
    let made = made_of(&event);
    let object_type = expected["type"].as_str().unwrap();
    let object =
        made.iter().find(|object| object["type"] == object_type).unwrap_or_else(|| panic!("{made:#?}"));
    let Value::Object(expected) = expected else { panic!("an object is expected") };
    for (key, value) in expected {
        assert_eq!(object[&key], value, "{key} of {object:#}");
    }
}

#[test]
fn identifiers_follow_from_misp_s() {
    check(
        json!({"type": "domain", "value": "evil.example", "to_ids": true, "timestamp": "1767323045"}),
        json!({"type": "indicator", "id": "indicator--5a6f1f2e-0000-4000-8000-000000000002",
            "pattern": "[domain-name:value = 'evil.example']", "created": "2026-01-02T00:00:00.000Z",
            "modified": "2026-01-02T03:04:05.000Z"}),
    );
    check(
        json!({"type": "domain", "value": "evil.example", "to_ids": "0"}),
        json!({"type": "observed-data", "id": "observed-data--5a6f1f2e-0000-4000-8000-000000000002", "number_observed": 1}),
    );
    check(
        json!({"type": "domain", "value": "evil.example"}),
        json!({"type": "domain-name", "value": "evil.example"}),
    );
    check(
        json!({"type": "vulnerability", "value": "CVE-2026-0001", "to_ids": 1}),
        json!({"type": "vulnerability", "name": "CVE-2026-0001"}),
    );
    check(
        json!({"type": "btc", "value": "1Boat", "to_ids": "1"}),
        json!({"type": "note", "content": "1Boat"}),
    );
    check(
        json!({"type": "yara", "value": "rule x {}", "to_ids": 1}),
        json!({"type": "indicator", "pattern_type": "yara"}),
    );
    check(json!({"type": "port", "value": "443", "to_ids": true}), json!({"type": "note", "content": "443"}));
}

#[test]
fn wrong_types_come_back_as_they_were() {
    for fields in [
        json!({"type": 7, "value": 8, "to_ids": "yes", "timestamp": 1.5}),
        json!({"type": "ip-dst", "value": null, "to_ids": true, "Tag": "tlp:red"}),
        json!({"type": "ip-dst", "value": "999.1.1.1", "to_ids": [], "Sighting": [1, {"uuid": "x"}]}),
        json!({"type": "url", "value": "no url \u{0} at all", "Galaxy": {"a": null}}),
        json!({"type": "domain", "value": "a b", "Tag": [{"name": ""}, null, {"name": 3}], "deleted": "1"}),
        json!({"type": "email", "value": "x", "uuid": "not one", "comment": ""}),
        json!({"type": "ip-dst|port", "value": "198.51.100.7|99999", "to_ids": true, "first_seen": "yesterday"}),
    ] {
        there_and_back("wrong types", &attribute(fields));
    }
    for fields in [
        json!({"Attribute": {"a": 1}, "Object": "x", "EventReport": null, "Orgc": 3}),
        json!({"Attribute": [], "Object": [3, null], "Tag": {}}),
        json!({"info": null, "date": 20260102, "timestamp": "", "uuid": 1}),
        json!({"Attribute": [{}, {}, {"uuid": EVENT}, {"uuid": EVENT}]}),
        json!({"Object": [{"name": "file", "Attribute": [{"type": "md5", "value": "x", "to_ids": true}, 3]}]}),
    ] {
        there_and_back("wrong types", &event(fields));
    }
}

#[test]
fn objects_references_sightings_and_reports_become_objects() {
    let event = event(json!({
        "Orgc": {"uuid": "5a6f1f2e-0000-4000-8000-0000000000aa", "name": "CERT", "id": "2"},
        "Attribute": [{"uuid": "5a6f1f2e-0000-4000-8000-000000000002", "type": "ip-dst", "value": "198.51.100.7", "to_ids": true,
            "Sighting": [
                {"uuid": "5a6f1f2e-0000-4000-8000-000000000020", "type": "0", "date_sighting": "1767323000",
                 "Organisation": {"uuid": "5a6f1f2e-0000-4000-8000-0000000000bb", "name": "Plant"}},
                {"uuid": "5a6f1f2e-0000-4000-8000-000000000021", "type": "1", "date_sighting": "1767323001"}]}],
        "Object": [{"uuid": "5a6f1f2e-0000-4000-8000-000000000003", "name": "file", "meta-category": "file",
            "Attribute": [
                {"type": "md5", "object_relation": "md5", "value": "d41d8cd98f00b204e9800998ecf8427e", "to_ids": true},
                {"type": "sha256", "object_relation": "sha256", "to_ids": true,
                 "value": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                {"type": "filename", "object_relation": "filename", "value": "x.exe", "to_ids": true}],
            "ObjectReference": [
                {"uuid": "5a6f1f2e-0000-4000-8000-000000000030", "referenced_uuid": "5a6f1f2e-0000-4000-8000-000000000002",
                 "object_uuid": "5a6f1f2e-0000-4000-8000-000000000003", "relationship_type": "Connects To"}]}],
        "EventReport": [{"uuid": "5a6f1f2e-0000-4000-8000-000000000040", "name": "報告", "content": "# 概要"}],
    }));
    there_and_back("everything", &event);
    let made = made_of(&event);
    let of =
        |object_type: &str| made.iter().filter(|object| object["type"] == object_type).collect::<Vec<_>>();
    assert_eq!(of("sighting").len(), 1);
    assert_eq!(of("opinion").len(), 1);
    assert_eq!(of("relationship")[0]["relationship_type"], "connects-to");
    assert_eq!(of("note")[0]["abstract"], "報告");
    let file = of("indicator")
        .into_iter()
        .find(|object| object["name"].as_str().unwrap().starts_with("file"))
        .unwrap();
    assert_eq!(
        file["pattern"],
        "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e' OR file:hashes.'SHA-256' = \
         'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']"
    );
    assert_eq!(of("report")[0]["object_refs"].as_array().unwrap().len(), 6, "{:#}", of("report")[0]);
}

#[test]
fn a_level_may_be_assumed_for_what_bears_none() {
    let event =
        event(json!({"Tag": [], "Attribute": [{"type": "domain", "value": "evil.example", "to_ids": true}]}));
    let made = misp::to_stix(std::slice::from_ref(&event), &options());
    assert!(made.report.warnings.iter().any(|warning| warning.code == "not-marked"));
    let marked = |made: &misp::MadeObjects| {
        objects(&made.objects)
            .iter()
            .filter(|object| matches!(object.object_type(), "indicator" | "report"))
            .all(|object| object.get("object_marking_refs").is_some())
    };
    assert!(!marked(&made));
    let assumed = Options { unmarked: Some(stix::marking::Tlp::Amber), ..options() };
    assert!(marked(&misp::to_stix(std::slice::from_ref(&event), &assumed)));
}

#[test]
fn what_stix_has_no_place_for_is_named() {
    let event = attribute(
        json!({"type": "domain", "value": "evil.example", "to_ids": true, "distribution": "5", "id": "77"}),
    );
    let report = there_and_back("named", &event);
    assert_eq!(report.kept_in_extension.get("attribute.distribution"), Some(&1));
    assert_eq!(report.kept_in_extension.get("attribute.id"), Some(&1));
    assert_eq!(report.kept_in_extension.get("attribute.value"), None);
}

#[test]
fn a_name_that_deceives_is_told_and_kept_exactly() {
    let event = attribute(json!({"type": "domain", "value": "аpple.com", "to_ids": true}));
    let report = there_and_back("homograph", &event);
    assert_eq!(report.warnings.first().map(|warning| warning.code), Some("homograph"));
    assert!(made_of(&event).iter().any(|object| object["pattern"] == "[domain-name:value = 'аpple.com']"));
}

#[test]
fn what_was_changed_in_misp_leaves_as_something_new() {
    let bundle = json!({"type": "bundle", "id": "bundle--5a6f1f2e-0000-4000-8000-000000000009", "objects": [
        {"type": "report", "spec_version": "2.1", "id": "report--5a6f1f2e-0000-4000-8000-000000000001", "name": "R",
         "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "published": "2026-01-01T00:00:00Z",
         "object_refs": ["indicator--5a6f1f2e-0000-4000-8000-000000000002"]},
        {"type": "indicator", "spec_version": "2.1", "id": "indicator--5a6f1f2e-0000-4000-8000-000000000002",
         "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "valid_from": "2026-01-01T00:00:00Z",
         "pattern": "[domain-name:value = 'evil.example']", "pattern_type": "stix"}]});
    let members = stix::bundle::split(&bundle.to_string().into()).unwrap();
    let objects = objects(&members);
    stix_comes_back("unchanged", &objects);
    let mut event = misp::to_misp(&objects).events.remove(0).into_json();
    event["Event"]["Attribute"][0]["value"] = json!("worse.example");
    event["Event"]["Attribute"][0]["timestamp"] = json!("1800000000");
    event["Event"]["info"] = json!("changed");
    let event = Event::from_value(event, &Limits::default()).unwrap();
    let made = misp::to_stix(&[event], &options());
    let text: String = made.objects.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    assert!(text.contains("worse.example") && !text.contains("'evil.example'"), "{text}");
    let codes: Vec<&str> = made.report.warnings.iter().map(|warning| warning.code).collect();
    assert!(codes.contains(&"changed") && codes.contains(&"producer-s-own"), "{codes:?}");
    assert_eq!(made.report.lost.get("event.info"), Some(&1));
}
