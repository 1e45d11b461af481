//! The document is checked in: a change of the interface is a change of a file. `UPDATE=1` rewrites it.

use std::path::Path;

#[test]
fn the_checked_in_document_is_the_one_that_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/hub.json");
    let mut made = hub::openapi().to_pretty_json().unwrap();
    made.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "openapi/hub.json is not what the code says; run the test with UPDATE=1 and look at the difference"
    );
}

#[test]
fn operations_and_codes_are_told_apart() {
    let document = serde_json::to_value(hub::openapi()).unwrap();
    let mut names = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{method} {path}: `{name}` is another's name");
        }
    }
    assert!(names.contains("getObjectsByIdReferences"), "{names:?}");
    let codes: Vec<&str> = document["components"]["schemas"]["Code"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect();
    assert_eq!(codes, api::Code::ALL.iter().map(|code| code.name()).collect::<Vec<_>>());
}

#[test]
fn every_operation_is_described() {
    let document = serde_json::to_value(hub::openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{what}: no summary");
            assert!(operation["security"].is_array(), "{what}: how one signs in is not said");
            assert!(operation["tags"].is_array(), "{what}: no tag");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{what}: no good answer");
            let failure = &responses.iter().find(|(status, _)| status.starts_with('5')).unwrap().1["content"];
            assert_eq!(
                failure["application/problem+json"]["schema"]["$ref"], "#/components/schemas/Problem",
                "{what}"
            );
            for parameter in operation["parameters"].as_array().unwrap_or(&Vec::new()) {
                assert!(
                    parameter["description"].as_str().is_some_and(|text| !text.is_empty()),
                    "{what}: {parameter}"
                );
            }
        }
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"].get(name).is_some(),
            "`{name}` is referred to and not there"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_served() {
    let hub = crate::support::TestHub::start().await;
    let reply = hub.get("/api/openapi.json").stranger().send().await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    assert_eq!(reply.json()["info"]["title"], "Yagura hub");
}
