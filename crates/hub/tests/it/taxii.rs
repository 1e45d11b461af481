//! TAXII 2.1, section by section.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, TAXII, TestHub, V1, V2, V3, id_of, indicator, indicator_with};

async fn check_status(hub: &TestHub, path: &str, header: (&str, &str), expected: u16) {
    let reply = hub.get(path).header(header.0, header.1).send().await;
    assert_eq!(reply.status, expected, "{path} with {header:?}: {}", String::from_utf8_lossy(&reply.body));
    assert_eq!(reply.header("content-type"), TAXII, "{path} with {header:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn section_1_6_8_media_types() {
    let hub = TestHub::start().await;
    for path in ["/taxii2/", "/council/", "/council/collections/", &hub.within("objects/")] {
        check_status(&hub, path, ("accept", "application/taxii+json;version=2.1"), 200).await;
        check_status(&hub, path, ("accept", "application/taxii+json; version=2.1"), 200).await;
        check_status(&hub, path, ("accept", "application/taxii+json"), 200).await;
        check_status(&hub, path, ("accept", "*/*"), 200).await;
        check_status(&hub, path, ("accept", "application/taxii+json;version=9.9"), 406).await;
        check_status(&hub, path, ("accept", "application/vnd.oasis.taxii+json"), 406).await;
        check_status(&hub, path, ("accept", "text/html"), 406).await;
    }
    let post =
        |media_type: &'static str| hub.post_raw("{\"objects\":[]}").header("content-type", media_type).send();
    for wrong in [
        "application/json",
        "application/stix+json;version=2.1",
        "application/taxii+json;version=2.0",
        "text/plain",
    ] {
        assert_eq!(post(wrong).await.status, 415, "{wrong}");
    }
    assert_eq!(hub.post_raw("").header("content-type", "").send().await.status, 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_6_1_errors_have_a_title_and_quote_the_request() {
    let hub = TestHub::start().await;
    let reply = hub.get("/council/collections/nowhere/objects/").send().await;
    assert_eq!(reply.status, 404);
    let error = reply.json();
    assert_eq!(error["title"], "not found");
    assert_eq!(error["http_status"], "404");
    assert_eq!(error["error_code"], "not-found");
    assert_eq!(error["error_id"], reply.header("x-request-id"));
    let method = hub.ask(Method::PUT, "/council/collections/").send().await;
    assert_eq!((method.status, method.header("content-type")), (405, TAXII));
    assert!(method.header("allow").contains("GET"), "{:?}", method.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_4_1_and_4_2_discovery() {
    let hub = TestHub::start().await;
    for path in ["/taxii2/", "/taxii2"] {
        let discovery = hub.get(path).send().await.json();
        assert_eq!(discovery["default"], "/council/");
        assert_eq!(discovery["api_roots"], json!(["/council/"]));
    }
    let root = hub.get("/council/").send().await.json();
    assert_eq!(root["versions"], json!([TAXII]));
    assert_eq!(root["max_content_length"], hub::BODY_BYTES_MAX);
    for unknown in ["/taxii2/x/", "/council/x/", "/council/collections/x/y/z/", "/council/status/x/"] {
        check_status(&hub, unknown, ("accept", TAXII), 404).await;
    }
    let head = hub.ask(Method::HEAD, "/taxii2/").send().await;
    assert_eq!((head.status, head.header("content-type"), head.body.len()), (200, TAXII, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_1_and_5_2_collections() {
    let hub = TestHub::start().await;
    let all = hub.get("/council/collections/").send().await.json();
    let one = hub.get(&hub.within("")).send().await.json();
    assert_eq!(all["collections"], json!([one]));
    assert_eq!(one["id"], hub.running.collection.to_string());
    assert_eq!((&one["can_read"], &one["can_write"]), (&json!(true), &json!(true)));
    let both = ["2.1", "2.0"].map(|version| format!("application/stix+json;version={version}"));
    assert_eq!(one["media_types"], json!(both));
}

/// Follows `next` to the end and gives every page.
async fn pages(hub: &TestHub, path: &str, query: &str) -> Vec<Reply> {
    let mut all = Vec::new();
    let mut next = String::new();
    loop {
        let page = hub.get(&format!("{path}?{query}{next}")).send().await;
        assert_eq!(page.status, 200, "{}", String::from_utf8_lossy(&page.body));
        let envelope = page.json();
        all.push(page);
        match envelope["next"].as_str() {
            Some(token) => next = format!("&next={token}"),
            None => return all,
        }
        assert_eq!(envelope["more"], true);
        assert!(all.len() < 100, "the pages do not end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_5_pages_give_everything_once_in_order() {
    let hub = TestHub::start().await;
    let objects: Vec<Value> = (0..25).map(|_| indicator(V1)).collect();
    hub.post(&objects).await;
    let ids: Vec<String> = objects.iter().map(id_of).collect();
    let path = hub.within("objects/");
    for limit in [1, 7, 24, 25, 26] {
        let pages = pages(&hub, &path, &format!("limit={limit}")).await;
        let seen: Vec<String> = pages.iter().flat_map(Reply::ids).collect();
        assert_eq!(seen, ids, "limit {limit}");
        assert!(pages.iter().all(|page| page.ids().len() <= limit));
        assert_eq!(pages.last().unwrap().json()["more"], false);
    }
    // What is added while one pages is not lost, and nothing comes twice.
    let first = hub.get(&format!("{path}?limit=10")).send().await;
    let late = indicator(V1);
    hub.post(std::slice::from_ref(&late)).await;
    let token = first.json()["next"].as_str().unwrap().to_owned();
    let rest = hub.get(&format!("{path}?limit=100&next={token}")).send().await;
    let seen: Vec<String> = first.ids().into_iter().chain(rest.ids()).collect();
    assert_eq!(seen, [ids, vec![id_of(&late)]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_5_paging_by_date_loses_nothing() {
    let hub = TestHub::start().await;
    let objects: Vec<Value> = (0..20).map(|_| indicator(V1)).collect();
    hub.post(&objects).await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = hub.get(&hub.within(&format!("objects/?limit=2{after}"))).send().await;
        seen.extend(page.ids());
        let (first, last) = (page.header("x-taxii-date-added-first"), page.header("x-taxii-date-added-last"));
        assert!(first < last && last.len() == "2026-01-01T00:00:00.000000Z".len(), "{first} {last}");
        if page.json()["more"] == false {
            break;
        }
        after = format!("&added_after={last}");
    }
    assert_eq!(seen, objects.iter().map(id_of).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_4_what_cannot_be_read_is_400() {
    let hub = TestHub::start().await;
    hub.post(&[indicator(V1), indicator(V1)]).await;
    let token =
        hub.get(&hub.within("objects/?limit=1")).send().await.json()["next"].as_str().unwrap().to_owned();
    let bad = [
        "objects/?limit=0",
        "objects/?added_after=garbage",
        "objects/?match[type]=indicator&match[type]=malware",
        "objects/?match[colour]=red",
        "objects/?match[version]=newest",
        "objects/?next=garbage",
        &format!("objects/?match[type]=indicator&next={token}"),
        &format!("manifest/?next={token}"),
    ];
    for path in bad {
        check_status(&hub, &hub.within(path), ("accept", TAXII), 400).await;
    }
    check_status(&hub, &hub.within(&format!("objects/?limit=9&next={token}")), ("accept", TAXII), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_7_an_empty_envelope_is_empty() {
    let hub = TestHub::start().await;
    hub.post(&[indicator(V1)]).await;
    for path in [
        "objects/?added_after=2999-01-01T00:00:00.000000Z",
        "objects/?match[type]=malware",
        "manifest/?match[id]=x",
    ] {
        let reply = hub.get(&hub.within(path)).send().await;
        assert_eq!((reply.status, reply.body.as_slice()), (200, b"{}".as_slice()), "{path}");
        assert_eq!(reply.header("x-taxii-date-added-first"), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_3_4_1_filters() {
    let hub = TestHub::start().await;
    let id = id_of(&indicator(V1));
    let address = json!({"type": "ipv4-addr", "spec_version": "2.1", "id": "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4", "value": "198.51.100.3"});
    hub.post(&[
        indicator_with(&id, V1),
        indicator_with(&id, V3),
        indicator_with(&id, V2),
        address,
        indicator(V1),
    ])
    .await;
    let count =
        async |query: &str| hub.get(&hub.within(&format!("objects/?{query}"))).send().await.ids().len();
    assert_eq!(count("").await, 3);
    assert_eq!(count("match[version]=all").await, 5);
    assert_eq!(count("match[type]=ipv4-addr").await, 1);
    assert_eq!(count("match[type]=indicator,ipv4-addr").await, 3);
    assert_eq!(count(&format!("match[id]={id}")).await, 1);
    assert_eq!(count(&format!("match[id]={id}&match[version]=first,last")).await, 2);
    assert_eq!(count(&format!("match[id]={id}&match[type]=malware")).await, 0);
    assert_eq!(count("match[spec_version]=2.1").await, 3);
    assert_eq!(count("match[spec_version]=2.0").await, 0);
    let version = async |filter: &str| {
        let reply = hub.get(&hub.within(&format!("objects/{id}/?{filter}"))).send().await;
        let modified = |text: String| {
            serde_json::from_str::<Value>(&text).unwrap()["modified"].as_str().unwrap().to_owned()
        };
        reply.objects().into_iter().map(modified).collect::<Vec<_>>()
    };
    assert_eq!(version("").await, [V3]);
    assert_eq!(version("match[version]=first").await, [V1]);
    assert_eq!(version(&format!("match[version]={V2}")).await, [V2]);
    assert_eq!(version(&format!("match[version]={V2},last")).await, [V3, V2]);
    assert_eq!(version("match[version]=all").await, [V1, V3, V2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_3_manifest() {
    let hub = TestHub::start().await;
    let id = id_of(&indicator(V1));
    hub.post(&[indicator_with(&id, V1), indicator_with(&id, V2)]).await;
    let pages = pages(&hub, &hub.within("manifest/"), "match[version]=all&limit=1").await;
    let records: Vec<Value> =
        pages.iter().flat_map(|page| page.json()["objects"].as_array().unwrap().clone()).collect();
    assert_eq!(records.iter().map(|record| &record["version"]).collect::<Vec<_>>(), [V1, V2]);
    assert!(
        records
            .iter()
            .all(|record| record["id"] == id && record["media_type"] == "application/stix+json;version=2.1")
    );
    assert_eq!(records[1]["date_added"], pages[1].header("x-taxii-date-added-last"));
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_5_add_and_4_3_status() {
    let hub = TestHub::start().await;
    let (good, bad) = (indicator(V1), json!({"type": "indicator", "id": "nonsense"}));
    let status = hub.post(&[good.clone(), bad, good.clone()]).await;
    assert_eq!(status["status"], "complete");
    let counts = ["total_count", "success_count", "failure_count", "pending_count"]
        .map(|name| status[name].as_u64().unwrap());
    assert_eq!(counts, [3, 2, 1, 0]);
    assert_eq!(status["failures"][0]["id"], "nonsense");
    assert!(status["failures"][0]["message"].as_str().unwrap().starts_with("stix-"), "{status}");
    let again = hub.post(std::slice::from_ref(&good)).await;
    assert_eq!((&again["success_count"], &again["failure_count"]), (&json!(1), &json!(0)));
    let path = format!("/council/status/{}/", status["id"].as_str().unwrap());
    assert_eq!(hub.get(&path).send().await.json(), status);
    let other = hub.token("coordinator", &[oversight::PersonRole::Administrator]).await;
    assert_eq!(hub.get(&path).bearer(&other).send().await.status, 404, "a status is its submitter's");
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_5_objects_leave_as_they_came() {
    let hub = TestHub::start().await;
    let id = format!("indicator--{}", uuid::Uuid::new_v4());
    let text = format!(
        "{{ \"type\" : \"indicator\",\t\"spec_version\":\"2.1\", \"id\":\"{id}\",\"created\":\"2024-01-01T00:00:00.000Z\", \
         \"modified\":\"2024-01-01T00:00:00.000000Z\",\"pattern\":\"[ipv4-addr:value = '198.51.100.1']\",\"pattern_type\":\"stix\", \
         \"valid_from\":\"2024-01-01T00:00:00Z\",\"x_number\":1.00e2,\"x_big\":123456789012345678901234567890,\
         \"x_text\":\"\\u00e9\\ud83d\\ude00é\",\"name\":\"\" }}"
    );
    let reply = hub.post_raw(format!("{{\"objects\":[ {text} ]}}")).send().await;
    assert_eq!(reply.json()["failure_count"], 0, "{}", reply.json());
    assert_eq!(hub.get(&hub.within("objects/")).send().await.objects(), [text]);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_6_object() {
    let hub = TestHub::start().await;
    let object = indicator(V1);
    hub.post(std::slice::from_ref(&object)).await;
    let path = hub.within(&format!("objects/{}/", id_of(&object)));
    assert_eq!(hub.get(&path).send().await.ids(), [id_of(&object)]);
    let later = hub.get(&format!("{path}?added_after=2999-01-01T00:00:00Z")).send().await;
    assert_eq!((later.status, later.body.as_slice()), (200, b"{}".as_slice()));
    for unknown in [format!("indicator--{}", uuid::Uuid::new_v4()), "nonsense".to_owned()] {
        check_status(&hub, &hub.within(&format!("objects/{unknown}/")), ("accept", TAXII), 404).await;
        check_status(&hub, &hub.within(&format!("objects/{unknown}/versions/")), ("accept", TAXII), 404)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_7_delete() {
    let hub = TestHub::start().await;
    let id = id_of(&indicator(V1));
    hub.post(&[indicator_with(&id, V1), indicator_with(&id, V2), indicator_with(&id, V3)]).await;
    let path = hub.within(&format!("objects/{id}/"));
    let delete = async |filter: &str| hub.ask(Method::DELETE, &format!("{path}{filter}")).send().await.status;
    let versions = async || hub.get(&format!("{path}versions/")).send().await.json()["versions"].clone();
    assert_eq!(delete(&format!("?match[version]={V2}")).await, 200);
    assert_eq!(versions().await, json!([V1, V3]));
    assert_eq!(delete("?match[version]=first").await, 200);
    assert_eq!(versions().await, json!([V3]));
    assert_eq!(delete(&format!("?match[version]={V2}")).await, 404);
    assert_eq!(delete("?match[version]=newest").await, 400);
    assert_eq!(delete("").await, 200);
    assert_eq!(hub.get(&path).send().await.status, 404);
    assert_eq!(delete("").await, 404);
    assert_eq!(hub.audit(oversight::Action::ObjectsDeleted).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn section_5_8_versions() {
    let hub = TestHub::start().await;
    let id = id_of(&indicator(V1));
    hub.post(&[indicator_with(&id, V1), indicator_with(&id, V3), indicator_with(&id, V2)]).await;
    let path = hub.within(&format!("objects/{id}/versions/"));
    let pages = pages(&hub, &path, "limit=2").await;
    let versions: Vec<Value> =
        pages.iter().flat_map(|page| page.json()["versions"].as_array().unwrap().clone()).collect();
    assert_eq!(versions, [V1, V3, V2]);
    check_status(&hub, &format!("{path}?match[version]=all"), ("accept", TAXII), 400).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_s_limit_of_a_page_holds() {
    let hub = TestHub::start_with(|config| config.page_objects_max = 4).await;
    let objects: Vec<Value> = (0..10).map(|_| indicator(V1)).collect();
    hub.post(&objects).await;
    let pages = pages(&hub, &hub.within("objects/"), "limit=1000").await;
    assert_eq!(pages.iter().map(|page| page.ids().len()).collect::<Vec<_>>(), [4, 4, 2]);
    let seen: BTreeSet<String> = pages.iter().flat_map(Reply::ids).collect();
    assert_eq!(seen.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_after_a_restart() {
    let hub = TestHub::start().await;
    let object = indicator(V1);
    hub.post(std::slice::from_ref(&object)).await;
    let TestHub { running, token, folder, .. } = hub;
    let collection = running.collection;
    running.stop().await;
    let config = hub::HubConfig::new(folder.path(), std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    let running = hub::Hub::start(config).await.unwrap();
    assert!(running.first_start.is_none(), "secrets are shown once");
    assert_eq!(running.collection, collection);
    let url = format!("http://{}/council/collections/{collection}/objects/", running.listen);
    let reply =
        reqwest::Client::new().get(url).bearer_auth(token).header("accept", TAXII).send().await.unwrap();
    assert_eq!(reply.json::<Value>().await.unwrap()["objects"], json!([object]));
}
