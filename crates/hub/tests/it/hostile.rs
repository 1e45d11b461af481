//! Peers that mean harm, or know no better: circles, crowds, wrong types everywhere, names that look like other names.

use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::rest::{ids, named, relationship};
use crate::support::{TestHub, V1, id_of, indicator, marked};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_objects_of_which_few_are_good() {
    let hub = TestHub::start().await;
    let good: Vec<Value> = (0..10).map(|_| marked(indicator(V1), Tlp::Green)).collect();
    let mut all = vec![json!({ "type": "tool", "id": "tool--x" }); 99_990];
    all.extend(good.iter().cloned());
    let status = hub.post(&all).await;
    let counts = ["total_count", "success_count", "failure_count"].map(|name| status[name].as_u64().unwrap());
    assert_eq!(counts, [100_000, 10, 99_990]);
    assert_eq!(status["failures"].as_array().unwrap().len(), 99_990, "what was refused is named");
    let kept = hub.get(&hub.within("objects/")).send().await.ids();
    assert_eq!(kept, good.iter().map(id_of).collect::<Vec<_>>());
    // The same again adds nothing.
    assert_eq!(hub.post(&all).await["success_count"], 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn circles_of_relationships_and_references_have_an_end() {
    const RING: usize = 60;
    let hub = TestHub::start().await;
    let ring: Vec<Value> = (0..RING).map(|n| named("campaign", &format!("輪 {n}"), Tlp::Green)).collect();
    let mut ties = Vec::new();
    for (n, one) in ring.iter().enumerate() {
        ties.push(relationship(one, "related-to", &ring[(n + 1) % RING], Tlp::Green));
        ties.push(relationship(one, "related-to", one, Tlp::Green));
    }
    // Two reports, each a part of the other, and one that is a part of itself.
    let mut reports = [
        named("report", "a", Tlp::Green),
        named("report", "b", Tlp::Green),
        named("report", "c", Tlp::Green),
    ];
    let of = reports.clone().map(|report| id_of(&report));
    for (report, within) in reports.iter_mut().zip([&of[1], &of[0], &of[2]]) {
        report["published"] = json!(V1);
        report["object_refs"] = json!([within]);
    }
    hub.publish(&hub.token, &ring).await;
    hub.publish(&hub.token, &ties).await;
    hub.publish(&hub.token, &reports).await;
    let good = async |path: String| hub.good(&hub.token, &path).await;
    let [first, last, far] = [&ring[0], &ring[RING - 1], &ring[RING / 2]].map(id_of);
    let near = good(format!("/api/v1/graph/path?one={first}&other={last}")).await;
    assert_eq!(near["path"], json!([first, last]), "the short way round");
    let round = good(format!("/api/v1/graph/path?one={first}&other={far}")).await;
    assert!(round["outcome"].is_string(), "{round}");
    let around = good(format!("/api/v1/graph?nodes={first}&expand={first}%0A{last}")).await;
    assert_eq!(around["nodes"].as_array().unwrap().len(), 4);
    for report in &of {
        let told = good(format!("/api/v1/objects/{report}/references")).await;
        assert!(told.to_string().contains("report--"), "{told}");
        good(format!("/api/v1/graph?nodes={report}&expand={report}")).await;
    }
    assert_eq!(hub.get(&hub.within("objects/?limit=1000")).send().await.ids().len(), RING * 3 + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_types_in_every_place_end_nothing() {
    let hub = TestHub::start().await;
    let (one, other) = (named("campaign", "x", Tlp::Green), named("tool", "y", Tlp::Green));
    let mut whole = marked(indicator(V1), Tlp::Green);
    for (name, value) in [
        ("external_references", json!([{ "source_name": "s", "external_id": "1" }])),
        ("kill_chain_phases", json!([{ "kill_chain_name": "k", "phase_name": "p" }])),
        ("granular_markings", json!([{ "lang": "ja", "selectors": ["pattern"] }])),
        (
            "extensions",
            json!({ "extension-definition--48e4f3c6-45a0-49d9-aa9a-34699f2f4df3": { "extension_type": "property-extension", "own": 1 } }),
        ),
        ("labels", json!(["l"])),
        ("confidence", json!(50)),
    ] {
        whole[name] = value;
    }
    let strange = [
        json!(null),
        json!(7),
        json!(-1.5e300),
        json!("x"),
        json!(""),
        json!([]),
        json!([[[]]]),
        json!({}),
        json!({ "a": null }),
        json!(true),
    ];
    let mut odd = Vec::new();
    for object in [&whole, &relationship(&one, "uses", &other, Tlp::Green)] {
        for name in object.as_object().unwrap().keys() {
            for value in &strange {
                let mut changed = object.clone();
                changed[name] = value.clone();
                odd.push(changed);
            }
        }
    }
    let count = odd.len() as u64;
    odd.push(one.clone());
    for object in &odd {
        let answer = hub.post_raw(json!({ "objects": [object] }).to_string()).send().await;
        assert_eq!(answer.status, 202, "{object}");
        assert_eq!(answer.json()["total_count"], 1, "{object}");
    }
    assert!(count > 200, "{count}");
    assert!(hub.get(&hub.within("objects/")).send().await.ids().contains(&id_of(&one)));
    // Whatever was taken is there for every way of asking.
    for path in ["/api/v1/objects", "/api/v1/objects/facets", "/api/v1/board"] {
        hub.good(&hub.token, path).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_looks_like_another_is_another() {
    let hub = TestHub::start().await;
    let with = |domain: &str| {
        let mut object = marked(indicator(V1), Tlp::Green);
        object["pattern"] = json!(format!("[domain-name:value = '{domain}']"));
        object
    };
    // The second begins with a Cyrillic letter, the third is the second as it stands in the DNS.
    let [plain, cyrillic, encoded] =
        [with("apple.example"), with("аpple.example"), with("xn--pple-43d.example")];
    let status = hub.post(&[plain.clone(), cyrillic.clone(), encoded.clone()]).await;
    assert_eq!(status["success_count"], 3, "{status}");
    let found = async |words: &str| {
        let hits = hub.good(&hub.token, &format!("/api/v1/values?value={words}")).await;
        let mut found: Vec<String> =
            hits.as_array().unwrap().iter().flat_map(|hit| ids(&hit["objects"])).collect();
        found.sort();
        found
    };
    assert_eq!(found("apple.example").await, [id_of(&plain)]);
    let mut both = [id_of(&cyrillic), id_of(&encoded)];
    both.sort();
    assert_eq!(found("%D0%B0pple.example").await, both, "one name in two spellings");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_unpacked_before_it_is_bounded() {
    let hub = TestHub::start().await;
    // The beginning of a gzip file: whatever it says, nobody looks.
    let packed = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0];
    let by_taxii = hub.post_raw(packed).header("content-encoding", "gzip").send().await;
    assert_eq!(by_taxii.status, 415);
    let ask = hub.ask(Method::POST, "/api/v1/objects").header("content-encoding", "gzip");
    let by_rest = ask.header("accept", "*/*").body(packed).send().await;
    assert!(matches!(by_rest.status, 415 | 422), "{}", by_rest.status);
}
