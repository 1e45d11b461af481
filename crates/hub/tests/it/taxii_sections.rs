//! The MUSTs of TAXII 2.1 on a server that `taxii.rs` does not show, each in a test named after its section. The whole list:
//! `docs/conformance-taxii-musts.md`.

use std::collections::BTreeSet;

use oversight::{OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::support::{Reply, TAXII, TestHub, V1, V2, V3, id_of, indicator, indicator_with, marked};

const STIX: &str = "application/stix+json;version=2.1";

/// A marking definition: an object that has `created` and no `modified`.
fn unversioned() -> Value {
    json!({ "type": "marking-definition", "spec_version": "2.1", "id": format!("marking-definition--{}", uuid::Uuid::new_v4()),
        "created": V2, "definition_type": "statement", "definition": { "statement": "for tests" } })
}

/// A hub whose collection holds an object in two versions, and one that has none.
async fn filled() -> (TestHub, String, String) {
    let hub = TestHub::start().await;
    let (id, definition) = (id_of(&indicator(V1)), unversioned());
    hub.post(&[indicator_with(&id, V1), indicator_with(&id, V2), definition.clone()]).await;
    (hub, id, id_of(&definition))
}

/// The reading endpoints, with the name of the resource that each gives.
fn reading(hub: &TestHub, id: &str) -> [(&'static str, String); 8] {
    [
        ("discovery", "/taxii2/".to_owned()),
        ("api-root", "/council/".to_owned()),
        ("collections", "/council/collections/".to_owned()),
        ("collection", hub.within("")),
        ("manifest", hub.within("manifest/")),
        ("envelope", hub.within("objects/")),
        ("envelope", hub.within(&format!("objects/{id}/"))),
        ("versions", hub.within(&format!("objects/{id}/versions/"))),
    ]
}

fn is_timestamp(text: &str) -> bool {
    text.len() == "2026-01-01T00:00:00.000000Z".len()
        && text.ends_with('Z')
        && text.as_bytes()[19] == b'.'
        && text.parse::<jiff::Timestamp>().is_ok()
}

fn is_uuid_v4(value: &Value) -> bool {
    uuid::Uuid::parse_str(value.as_str().unwrap()).is_ok_and(|id| id.get_version_num() == 4)
}

/// Whether the lists anywhere in a resource hold something, and its numbers are those of I-JSON.
fn check_types(value: &Value) {
    match value {
        Value::Array(list) => {
            assert!(!list.is_empty(), "an empty list");
            list.iter().for_each(check_types);
        }
        Value::Object(map) => map.values().for_each(check_types),
        Value::Number(number) => assert!(number.as_u64().is_some_and(|number| number < 1 << 53), "{number}"),
        Value::Null => panic!("no property is null"),
        Value::Bool(_) | Value::String(_) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_2_data_types() {
    let (hub, id, _) = filled().await;
    let status = hub.post(&[indicator(V1), json!({ "type": "tool", "id": "x" })]).await;
    let kept = hub.get(&format!("/council/status/{}/", status["id"].as_str().unwrap())).send().await.json();
    assert_eq!(kept, status);
    for (kind, path) in reading(&hub, &id) {
        let resource = hub.get(&path).send().await.json();
        if kind != "envelope" {
            check_types(&resource);
        }
        if kind == "collection" {
            assert!(is_uuid_v4(&resource["id"]), "{resource}");
            assert!(resource["can_read"].is_boolean() && resource["can_write"].is_boolean(), "{resource}");
        }
        if kind == "manifest" {
            for record in resource["objects"].as_array().unwrap() {
                assert!(is_timestamp(record["date_added"].as_str().unwrap()), "{record}");
            }
        }
    }
    check_types(&status);
    assert!(
        is_uuid_v4(&status["id"]) && is_timestamp(status["request_timestamp"].as_str().unwrap()),
        "{status}"
    );
    let nothing = hub.post(&[]).await;
    check_types(&nothing);
    assert_eq!(nothing["total_count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_1_every_success_has_its_media_type_and_body() {
    let (hub, id, _) = filled().await;
    for (_, path) in reading(&hub, &id) {
        let reply = hub.get(&path).send().await;
        assert_eq!((reply.status, reply.header("content-type")), (200, TAXII), "{path}");
        assert!(reply.json().is_object(), "{path}");
    }
    let added = hub.post_raw(json!({ "objects": [indicator(V1)] }).to_string()).send().await;
    assert_eq!((added.status, added.header("content-type")), (202, TAXII));
    let path = hub.within(&format!("objects/{id}/"));
    let deleted = hub.ask(Method::DELETE, &path).send().await;
    assert_eq!((deleted.status, deleted.header("content-type"), deleted.body.len()), (200, TAXII, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_1_media_types_of_an_endpoint_are_never_refused() {
    let (hub, id, _) = filled().await;
    let both = format!("{TAXII},{STIX}");
    for accept in [TAXII, "application/taxii+json", &both, "application/taxii+json; version=2.1"] {
        for (_, path) in reading(&hub, &id) {
            assert_eq!(hub.get(&path).header("accept", accept).send().await.status, 200, "{path}: {accept}");
        }
        for kind in [TAXII, "application/taxii+json", "application/taxii+json; version=2.1"] {
            let body = json!({ "objects": [indicator(V1)] }).to_string();
            let reply = hub.post_raw(body).header("accept", accept).header("content-type", kind).send().await;
            assert_eq!(reply.status, 202, "{accept}, {kind}");
        }
        let path = hub.within(&format!("objects/{}/", uuid::Uuid::new_v4()));
        assert_eq!(hub.ask(Method::DELETE, &path).header("accept", accept).send().await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_2_dates_of_the_first_and_the_last_object() {
    let (hub, id, _) = filled().await;
    let dates = |reply: &Reply| {
        ["x-taxii-date-added-first", "x-taxii-date-added-last"].map(|name| reply.header(name).to_owned())
    };
    let manifest = hub.get(&hub.within("manifest/?match[version]=all")).send().await;
    let records = manifest.json()["objects"].as_array().unwrap().clone();
    let date = |place: usize| records[place]["date_added"].as_str().unwrap().to_owned();
    assert!(records.iter().all(|record| is_timestamp(record["date_added"].as_str().unwrap())));
    assert_eq!(dates(&manifest), [date(0), date(2)]);
    for (path, first, last) in [
        (hub.within("objects/?match[version]=all"), 0, 2),
        (hub.within("objects/?match[version]=all&limit=2"), 0, 1),
        (hub.within(&format!("objects/{id}/")), 1, 1),
        (hub.within(&format!("objects/{id}/?match[version]=all")), 0, 1),
        (hub.within(&format!("objects/{id}/versions/")), 0, 1),
    ] {
        assert_eq!(dates(&hub.get(&path).send().await), [date(first), date(last)], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_3_sorting() {
    let hub = TestHub::start().await;
    // Later dates of their own come in first: only when they were added counts.
    let objects: Vec<Value> = [V3, V1, V2, V3, V1].map(indicator).into();
    for object in &objects {
        hub.post(std::slice::from_ref(object)).await;
    }
    let ids: Vec<String> = objects.iter().map(id_of).collect();
    assert_eq!(hub.get(&hub.within("objects/")).send().await.ids(), ids);
    let manifest = hub.get(&hub.within("manifest/")).send().await.json();
    let records = manifest["objects"].as_array().unwrap();
    assert_eq!(records.iter().map(id_of).collect::<Vec<_>>(), ids);
    let dates: Vec<&str> = records.iter().map(|record| record["date_added"].as_str().unwrap()).collect();
    assert!(dates.is_sorted_by(|left, right| left < right), "{dates:?}");
    let collections = async || hub.get("/council/collections/").send().await.body;
    assert_eq!(collections().await, collections().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_4_the_oldest_come_first_and_added_after_is_exclusive() {
    let hub = TestHub::start().await;
    let objects: Vec<Value> = (0..6).map(|_| indicator(V1)).collect();
    hub.post(&objects).await;
    let ids: Vec<String> = objects.iter().map(id_of).collect();
    let manifest = hub.get(&hub.within("manifest/")).send().await.json();
    let date = |place: usize| manifest["objects"][place]["date_added"].as_str().unwrap().to_owned();
    let first = hub.get(&hub.within("objects/?limit=2")).send().await;
    assert_eq!((first.ids(), &first.json()["more"]), (ids[..2].to_vec(), &json!(true)));
    for place in 0..6 {
        let rest = hub.get(&hub.within(&format!("objects/?added_after={}", date(place)))).send().await;
        let expected = &ids[place + 1..];
        if expected.is_empty() {
            assert_eq!(rest.body, b"{}");
        } else {
            assert_eq!(rest.ids(), expected);
        }
    }
    for twice in [
        format!("added_after={}&added_after={}", date(0), date(1)),
        format!("added_after={},{}", date(0), date(1)),
        "limit=0".to_owned(),
        "limit=-1".to_owned(),
        "limit=1.5".to_owned(),
        "match[version]=all,last".to_owned(),
        "match[version]=last,last".to_owned(),
    ] {
        assert_eq!(hub.get(&hub.within(&format!("objects/?{twice}"))).send().await.status, 400, "{twice}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_4_1_types_of_the_specification_are_no_error() {
    let hub = TestHub::start().await;
    let types = [
        "attack-pattern",
        "campaign",
        "course-of-action",
        "grouping",
        "identity",
        "incident",
        "indicator",
        "infrastructure",
        "intrusion-set",
        "location",
        "malware",
        "malware-analysis",
        "note",
        "observed-data",
        "opinion",
        "report",
        "threat-actor",
        "tool",
        "vulnerability",
        "relationship",
        "sighting",
        "artifact",
        "autonomous-system",
        "directory",
        "domain-name",
        "email-addr",
        "email-message",
        "file",
        "ipv4-addr",
        "ipv6-addr",
        "mac-addr",
        "mutex",
        "network-traffic",
        "process",
        "software",
        "url",
        "user-account",
        "windows-registry-key",
        "x509-certificate",
        "language-content",
        "marking-definition",
        "extension-definition",
        "x-example-com-type",
    ];
    for name in types {
        for path in ["objects", "manifest"] {
            let path = hub.within(&format!("{path}/?match[type]={name}"));
            assert_eq!(hub.get(&path).send().await.status, 200, "{path}");
        }
    }
    let all = types[..30].join(",");
    assert_eq!(hub.get(&hub.within(&format!("objects/?match[type]={all}"))).send().await.status, 200);
}

/// Where an object has no `modified`, `created` is its version, at every door.
#[tokio::test(flavor = "multi_thread")]
async fn section_3_4_1_what_has_no_versions_goes_by_its_creation() {
    let (hub, _, definition) = filled().await;
    let path = hub.within(&format!("objects/{definition}/"));
    assert_eq!(
        hub.get(&format!("{path}?match[version]={V2}")).send().await.ids(),
        std::slice::from_ref(&definition)
    );
    assert_eq!(hub.get(&format!("{path}?match[version]={V1}")).send().await.status, 404);
    let manifest = hub.get(&hub.within(&format!("manifest/?match[id]={definition}"))).send().await.json();
    assert_eq!(manifest["objects"][0]["version"], V2);
    let versions = hub.get(&format!("{path}versions/")).send().await.json();
    assert_eq!(versions["versions"], json!([V2]));
    let status = hub.post(&[unversioned()]).await;
    assert_eq!(status["successes"][0]["version"], V2);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_5_a_page_s_token_gives_no_more_than_its_reader_may_see() {
    let hub = TestHub::start().await;
    hub.organisation("rail", OrganisationRole::Operator).await;
    let mut objects: Vec<Value> = (0..6).map(|_| indicator(V1)).collect();
    objects.extend((0..3).map(|_| marked(indicator(V1), Tlp::Green)));
    hub.post(&objects).await;
    let reader = hub.token("rail", &[PersonRole::Analyst]).await;
    let first = hub.get(&hub.within("objects/?limit=2")).send().await.json();
    let token = first["next"].as_str().unwrap();
    let stolen =
        hub.get(&hub.within(&format!("objects/?limit=100&next={token}"))).bearer(&reader).send().await;
    let own = hub.get(&hub.within("objects/")).bearer(&reader).send().await.ids();
    assert_eq!((own.len(), stolen.status), (3, 200));
    assert!(stolen.ids().iter().all(|id| own.contains(id)), "{:?}", stolen.ids());
    // Another question has to be asked from its beginning.
    let other = hub.get(&hub.within(&format!("objects/?match[type]=malware&next={token}"))).send().await;
    assert_eq!(other.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_6_1_the_error_tells_the_status_that_the_header_tells() {
    let hub = TestHub::start_with(|config| config.body_bytes_max = 16 * 1024).await;
    hub.organisation("rail", OrganisationRole::Operator).await;
    let reads = hub.token("rail", &[PersonRole::Trainee]).await;
    let body = json!({ "objects": [indicator(V1)] }).to_string();
    for (expected, ask) in [
        (400, hub.get(&hub.within("objects/?limit=x"))),
        (401, hub.get("/council/").stranger()),
        (403, hub.post_raw(body.clone()).bearer(&reads)),
        (404, hub.get("/council/nowhere/")),
        (405, hub.ask(Method::PUT, "/council/collections/")),
        (406, hub.get("/council/").header("accept", "text/html")),
        (413, hub.post_raw("x".repeat(20 * 1024))),
        (415, hub.post_raw(body).header("content-type", "text/plain")),
        (422, hub.post_raw("[}")),
    ] {
        let reply = ask.send().await;
        assert_eq!((reply.status, reply.header("content-type")), (expected, TAXII));
        let error = reply.json();
        assert_eq!(error["http_status"], expected.to_string());
        assert!(error["title"].as_str().is_some_and(|title| !title.is_empty()), "{error}");
    }
}

/// The names of the tables, required ones first; a bar stands behind them.
const TABLES: [(&str, &str); 8] = [
    ("discovery", "title | description contact default api_roots"),
    ("api-root", "title versions max_content_length | description"),
    (
        "status",
        "id status total_count success_count failure_count pending_count | request_timestamp successes failures pendings",
    ),
    ("collections", "| collections"),
    ("collection", "id title can_read can_write | description alias media_types"),
    ("manifest", "| more next objects"),
    ("envelope", "| more next objects"),
    ("versions", "| more next versions"),
];

/// §3.8: every property is one of the tables, the required ones are there; so no custom property (§7.1.1) is written.
#[tokio::test(flavor = "multi_thread")]
async fn section_3_8_property_names() {
    let (hub, id, _) = filled().await;
    let check = |kind: &str, resource: &Value| {
        let (required, optional) =
            TABLES.iter().find(|(name, _)| *name == kind).unwrap().1.split_once('|').unwrap();
        for name in required.split_ascii_whitespace() {
            assert!(resource.get(name).is_some(), "{kind} has no {name}");
        }
        let known: BTreeSet<&str> =
            required.split_ascii_whitespace().chain(optional.split_ascii_whitespace()).collect();
        for name in resource.as_object().unwrap().keys() {
            assert!(known.contains(name.as_str()), "{kind} has {name}");
        }
    };
    for (kind, path) in reading(&hub, &id) {
        let path = if kind == "manifest" { format!("{path}?limit=1") } else { path };
        check(kind, &hub.get(&path).send().await.json());
    }
    let status = hub.post(&[indicator(V1), json!({ "type": "tool", "id": "x" })]).await;
    check("status", &status);
    for detail in ["successes", "failures"].map(|name| &status[name][0]) {
        assert!(detail["id"].is_string() && detail["version"].is_string(), "{detail}");
        assert!(
            detail
                .as_object()
                .unwrap()
                .keys()
                .all(|name| ["id", "version", "message"].contains(&name.as_str()))
        );
    }
    let record = hub.get(&hub.within("manifest/")).send().await.json()["objects"][0].clone();
    let names: BTreeSet<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["date_added", "id", "media_type", "version"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn section_4_1_1_api_roots_are_addresses_that_may_be_advertised() {
    let hub = TestHub::start().await;
    let discovery = hub.get("/taxii2/").send().await.json();
    let roots: Vec<&str> =
        discovery["api_roots"].as_array().unwrap().iter().map(|root| root.as_str().unwrap()).collect();
    assert!(roots.contains(&discovery["default"].as_str().unwrap()));
    let distinct: BTreeSet<&&str> = roots.iter().collect();
    assert_eq!(distinct.len(), roots.len(), "§4.2: each root has an address of its own");
    for root in roots {
        assert!(root.starts_with('/') && !root.starts_with("//") && !root.contains(['?', '#']), "{root}");
        assert_eq!(hub.get(root).send().await.status, 200, "{root}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_4_2_1_what_is_shorter_than_the_limit_is_not_too_long() {
    let hub = TestHub::start_with(|config| config.body_bytes_max = 16 * 1024).await;
    let root = hub.get("/council/").send().await.json();
    let limit = usize::try_from(root["max_content_length"].as_u64().unwrap()).unwrap();
    assert_eq!(limit, 16 * 1024);
    assert!(root["versions"].as_array().unwrap().contains(&json!(TAXII)));
    let padded = |length: usize| {
        let body = json!({ "objects": [indicator(V1)] }).to_string();
        format!("{}{body}", " ".repeat(length - body.len()))
    };
    for (length, expected) in [(limit - 1, 202), (limit, 202), (limit + 1, 413)] {
        assert_eq!(hub.post_raw(padded(length)).send().await.status, expected, "{length} of {limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_4_3_a_status_that_is_gone_or_was_never_there_is_404() {
    let hub = TestHub::start().await;
    for id in [uuid::Uuid::new_v4().to_string(), "nonsense".to_owned()] {
        let reply = hub.get(&format!("/council/status/{id}/")).send().await;
        assert_eq!((reply.status, reply.header("content-type")), (404, TAXII), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_4_3_1_a_status_tells_ids_versions_and_counts() {
    let hub = TestHub::start().await;
    let (good, definition) = (indicator(V3), unversioned());
    let mut bad = indicator(V2);
    bad["pattern"] = json!("[no pattern");
    let status = hub.post(&[good.clone(), bad.clone(), definition.clone()]).await;
    assert!(["complete", "pending"].contains(&status["status"].as_str().unwrap()));
    let counts =
        ["total_count", "success_count", "failure_count", "pending_count"].map(|name| status[name].as_u64());
    assert_eq!(counts, [3, 2, 1, 0].map(Some));
    let head = |detail: &Value| (id_of(detail), detail["version"].as_str().unwrap().to_owned());
    let successes: Vec<_> = status["successes"].as_array().unwrap().iter().map(head).collect();
    assert_eq!(successes, [(id_of(&good), V3.to_owned()), (id_of(&definition), V2.to_owned())]);
    assert_eq!(head(&status["failures"][0]), (id_of(&bad), V2.to_owned()));
    assert!(status["failures"][0]["message"].as_str().is_some_and(|why| why.contains("pattern")), "{status}");
}

/// Every endpoint of §5 for those who are not signed in, who may not read, and who may not write.
#[tokio::test(flavor = "multi_thread")]
async fn sections_5_1_to_5_8_who_may_not_is_told_so_or_finds_nothing() {
    let (hub, id, _) = filled().await;
    hub.organisation("rail", OrganisationRole::Operator).await;
    hub.organisation("watch", OrganisationRole::Oversight).await;
    let neither = hub.token("watch", &[PersonRole::Commissioner]).await;
    let reads = hub.token("rail", &[PersonRole::Trainee]).await;
    let object = hub.within(&format!("objects/{id}/"));
    let add = || hub.post_raw(json!({ "objects": [indicator(V1)] }).to_string());
    let delete = || hub.ask(Method::DELETE, &object);
    let paths: Vec<String> = reading(&hub, &id).into_iter().skip(2).map(|(_, path)| path).collect();
    for path in &paths {
        for stranger in [hub.get(path).stranger(), hub.get(path).bearer("yg_wrong")] {
            assert_eq!(stranger.send().await.status, 401, "{path}");
        }
    }
    for stranger in
        [add().stranger(), add().bearer("yg_wrong"), delete().stranger(), delete().bearer("yg_wrong")]
    {
        assert_eq!(stranger.send().await.status, 401);
    }
    // Neither: the list is empty, and an empty list is left out (§5.1.1).
    let none = hub.get("/council/collections/").bearer(&neither).send().await;
    assert_eq!((none.status, none.body.as_slice()), (200, b"{}".as_slice()));
    for path in &paths[1..] {
        assert_eq!(hub.get(path).bearer(&neither).send().await.status, 404, "{path}");
    }
    assert_eq!(add().bearer(&neither).send().await.status, 404);
    assert_eq!(delete().bearer(&neither).send().await.status, 404);
    // Reads and does not write.
    let collection = hub.get(&hub.within("")).bearer(&reads).send().await.json();
    assert_eq!((&collection["can_read"], &collection["can_write"]), (&json!(true), &json!(false)));
    assert_eq!(add().bearer(&reads).send().await.status, 403);
    assert_eq!(delete().bearer(&reads).send().await.status, 403);
}

/// Objects of STIX 2.0 are kept as they are, so they have a media type of their own (§5.2.1, §5.3.1), and a filter (§3.4.1).
#[tokio::test(flavor = "multi_thread")]
async fn section_5_2_1_a_collection_lists_the_media_types_that_it_stores() {
    let (hub, id, _) = filled().await;
    let older = json!({ "type": "tool", "id": format!("tool--{}", uuid::Uuid::new_v4()), "created": V1, "modified": V1,
        "labels": ["exploitation"], "name": "n" });
    assert_eq!(hub.post(std::slice::from_ref(&older)).await["failure_count"], 0);
    let collection = hub.get(&hub.within("")).send().await.json();
    let older_media_type = "application/stix+json;version=2.0";
    assert_eq!(collection["media_types"], json!([STIX, older_media_type]));
    let manifest = hub.get(&hub.within("manifest/?match[version]=all")).send().await.json();
    for record in manifest["objects"].as_array().unwrap() {
        let expected = if record["id"] == older["id"] { older_media_type } else { STIX };
        assert_eq!(record["media_type"], expected, "{record}");
    }
    let of = async |version: &str| {
        let path = hub.within(&format!("objects/?match[spec_version]={version}&match[type]=tool,indicator"));
        hub.get(&path).send().await.ids()
    };
    assert_eq!((of("2.0").await, of("2.1").await), (vec![id_of(&older)], vec![id]));
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_5_an_exact_duplicate_is_no_error() {
    let hub = TestHub::start().await;
    let objects = [indicator(V1), unversioned()];
    hub.post(&objects).await;
    let again = hub.post(&objects).await;
    assert_eq!((&again["success_count"], &again["failure_count"]), (&json!(2), &json!(0)));
    assert_eq!(
        hub.get(&hub.within("objects/?match[version]=all")).send().await.ids().len(),
        2,
        "and no second copy"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_7_what_is_deleted_is_gone_from_every_endpoint() {
    let hub = TestHub::start().await;
    let id = id_of(&indicator(V1));
    hub.post(&[indicator_with(&id, V1), indicator_with(&id, V2), indicator(V1)]).await;
    let object = hub.within(&format!("objects/{id}/"));
    let status = async |path: String| hub.get(&path).send().await.status;
    let listed = async || {
        let manifest = hub.get(&hub.within("manifest/?match[version]=all")).send().await.json();
        let records = manifest["objects"].as_array().unwrap().clone();
        records
            .iter()
            .filter(|record| record["id"] == id)
            .map(|record| record["version"].clone())
            .collect::<Vec<_>>()
    };
    let version = format!("{object}?match[version]={V1}");
    assert_eq!(status(version.clone()).await, 200);
    assert_eq!(hub.ask(Method::DELETE, &version).send().await.status, 200);
    assert_eq!(status(version.clone()).await, 404, "the version");
    assert_eq!(status(object.clone()).await, 200, "the other one is there");
    assert_eq!(status(format!("{object}?match[version]={V1},{V2}")).await, 200);
    assert_eq!(listed().await, [json!(V2)]);
    assert_eq!(hub.ask(Method::DELETE, &object).send().await.status, 200);
    for path in [object.clone(), version, format!("{object}versions/")] {
        assert_eq!(status(path.clone()).await, 404, "{path}");
    }
    assert!(listed().await.is_empty());
    let left = hub.get(&hub.within(&format!("objects/?match[id]={id}&match[version]=all"))).send().await;
    assert_eq!(left.body, b"{}");
}

#[tokio::test(flavor = "multi_thread")]
async fn section_7_1_1_custom_properties_are_passed_over() {
    let hub = TestHub::start().await;
    let object = indicator(V1);
    let body = json!({ "x_example_com_note": { "deep": [1] }, "objects": [object], "more": false });
    let reply = hub.post_raw(body.to_string()).send().await;
    assert_eq!((reply.status, reply.json()["success_count"].as_u64()), (202, Some(1)));
    assert_eq!(hub.get(&hub.within("objects/")).send().await.ids(), [id_of(&object)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_8_1_no_versions_are_an_empty_object() {
    let (hub, id, _) = filled().await;
    for query in ["added_after=2999-01-01T00:00:00.000000Z", "match[spec_version]=2.0"] {
        let reply = hub.get(&hub.within(&format!("objects/{id}/versions/?{query}"))).send().await;
        assert_eq!((reply.status, reply.body.as_slice()), (200, b"{}".as_slice()), "{query}");
    }
}
