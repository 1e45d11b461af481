//! Deterministic identifiers agree with those that python-stix2 computes.

use crate::corpus;
use stix::sco_id::deterministic;

#[test]
fn golden_vectors() {
    let Some(vectors) = corpus::json_lines("stix/golden/sco-ids-python-stix2-3.0.2.jsonl") else { return };
    assert_eq!(vectors.len(), 64);
    for vector in vectors {
        let object = vector["object"].as_object().unwrap();
        let computed = deterministic(vector["type"].as_str().unwrap(), object);
        let expected = (vector["uuid_version"] == 5).then(|| object["id"].as_str().unwrap().to_owned());
        assert_eq!(computed.map(|id| id.to_string()), expected, "{object:?}");
    }
}

fn check(object_type: &str, json: &str, expected: Option<&str>) {
    let properties = serde_json::from_str(json).unwrap();
    assert_eq!(deterministic(object_type, &properties).map(|id| id.to_string()).as_deref(), expected);
}

#[test]
fn examples_of_the_specification() {
    // STIX 2.1 §6.10 and §6.3, as printed there.
    check(
        "ipv4-addr",
        r#"{"value":"198.51.100.3"}"#,
        Some("ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"),
    );
    check(
        "domain-name",
        r#"{"value":"example.com"}"#,
        Some("domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"),
    );
}

#[test]
fn nothing_that_contributes_means_a_random_identifier() {
    check("process", r#"{"pid":1}"#, None);
    check("user-account", r#"{"display_name":"x"}"#, None);
    check("file", r#"{"hashes":{},"size":3}"#, None);
    check("indicator", r#"{"pattern":"x"}"#, None);
}

#[test]
fn the_order_of_unpreferred_hashes_does_not_matter() {
    let one = serde_json::from_str(r#"{"hashes":{"TLSH":"a","SSDEEP":"b"}}"#).unwrap();
    let other = serde_json::from_str(r#"{"hashes":{"SSDEEP":"b","TLSH":"a"}}"#).unwrap();
    assert_eq!(deterministic("file", &one), deterministic("file", &other));
}
