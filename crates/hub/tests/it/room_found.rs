//! Values that are typed in a room, and cases that have something in common.

use std::collections::BTreeSet;

use oversight::Action;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::rest::{named, relationship};
use crate::room::{Worker, council, only, open};
use crate::support::{TestHub, V1, id_of, indicator, marked};

fn looks_for(value: &str, level: Tlp) -> Value {
    let mut object = marked(indicator(V1), level);
    object["name"] = json!(value);
    object["pattern"] = json!(format!("[domain-name:value = '{value}']"));
    object
}

fn links(ids: &[&Value]) -> Value {
    json!({ "says": "objects", "ids": ids })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_becomes_indicators_under_the_entrys_label() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let case = nco.opens("侵入").await;
    let known = looks_for("known.example.com", Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&known)).await;
    let before = hub.audit(Action::ObjectsAdded).await.len();
    let path = |rest: &str| format!("/api/v1/cases/{case}/room/{rest}");
    let text = json!({ "text": "端末が198[.]51[.]100[.]7へ接続。hxxps://new[.]example[.]com/a と known[.]example[.]com も見た。" });
    let found = power.signed.done(&path("values"), text).await;
    let values: Vec<(&str, usize)> = found["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["value"].as_str().unwrap(), one["known"].as_array().unwrap().len()))
        .collect();
    assert_eq!(values, [("198.51.100.7", 0), ("https://new.example.com/a", 0), ("known.example.com", 1)]);
    assert_eq!(found["values"][2]["known"][0]["id"], known["id"]);
    let label = json!({ "tlp": "amber", "only": ["coordinator"] });
    let body = json!({ "key": uuid::Uuid::new_v4(), "label": label, "indicators": ["198[.]51[.]100[.]7"],
        "observables": ["hxxps://new[.]example[.]com/a"], "objects": [known["id"]] });
    let taken = power.signed.done(&path("indicators"), body.clone()).await;
    let objects: Vec<&str> =
        taken["objects"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(objects.len(), 3);
    let again = power.signed.done(&path("indicators"), body).await;
    assert_eq!((&again["objects"], &again["taken"]["already"]), (&taken["objects"], &json!(true)));
    // Who may see the entry sees them, and nobody else does.
    for (worker, sees) in [(&power, true), (&nco, true), (&police, false)] {
        for id in objects.iter().filter(|id| **id != known["id"].as_str().unwrap()) {
            let reply = worker.signed.get(&format!("/api/v1/objects/{id}")).await;
            assert_eq!(reply.status, if sees { 200 } else { 404 }, "{id}");
        }
        let room = worker.room(&case).await;
        assert_eq!(room["situation"]["objects"].as_array().unwrap().len(), if sees { 3 } else { 0 });
        let text = json!({ "text": "198.51.100.7" });
        let found = worker.signed.done(&path("values"), text).await;
        assert_eq!(found["values"][0]["linked"], sees, "{found}");
        assert_eq!(found["values"][0]["known"].as_array().unwrap().len(), usize::from(sees));
    }
    let pattern = power
        .signed
        .good(&format!(
            "/api/v1/objects/{}",
            objects
                .iter()
                .find(|id| id.starts_with("indicator") && **id != known["id"].as_str().unwrap())
                .unwrap()
        ))
        .await;
    assert_eq!(pattern["object"]["pattern"], "[ipv4-addr:value = '198.51.100.7']");
    assert_eq!(hub.audit(Action::ObjectsAdded).await.len(), before + 2, "each is a leaf");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_become_an_indicator_is_refused_with_all_else() {
    let hub = TestHub::start().await;
    let [nco, police, _] = council(&hub).await;
    let case = nco.opens("侵入").await;
    let before = hub.audit(Action::ObjectsAdded).await.len();
    let path = format!("/api/v1/cases/{case}/room/indicators");
    let body = |indicators: Value, objects: Value| json!({ "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" }, "indicators": indicators, "objects": objects });
    for (bad, status) in [
        (body(json!([]), json!([])), 422),
        (body(json!(vec!["198.51.100.7"; 51]), json!([])), 422),
        (body(json!(["198.51.100.7", "no value"]), json!([])), 422),
        (body(json!(["update.exe"]), json!([])), 422),
        (body(json!([]), json!([format!("indicator--{}", uuid::Uuid::new_v4())])), 404),
        (body(json!([]), json!(["x"])), 404),
    ] {
        assert_eq!(police.signed.post(&path, bad.clone()).await.status, status, "{bad}");
    }
    let mut freer = body(json!(["198.51.100.7"]), json!([]));
    freer["label"]["tlp"] = json!("green");
    assert_eq!(police.signed.post(&path, freer).await.status, 422);
    let long = json!({ "text": "x".repeat(20_001) });
    assert_eq!(police.signed.post(&format!("/api/v1/cases/{case}/room/values"), long).await.status, 422);
    assert_eq!(nco.room(&case).await["lines"], 0);
    assert_eq!(hub.audit(Action::ObjectsAdded).await.len(), before, "nothing of it was written");
}

async fn similar(worker: &Worker<'_>, case: &str) -> Vec<(String, BTreeSet<(String, String)>)> {
    let found = worker.signed.good(&format!("/api/v1/cases/{case}/similar")).await;
    let because = |one: &Value| {
        let because = one["because"].as_array().unwrap().iter();
        because
            .map(|why| (why["kind"].as_str().unwrap().to_owned(), why["name"].as_str().unwrap().to_owned()))
            .collect()
    };
    let cases = found["cases"].as_array().unwrap().iter();
    cases.map(|one| (one["case"]["id"].as_str().unwrap().to_owned(), because(one))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_are_alike_by_what_their_reader_may_see_and_by_nothing_else() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let mut cases = Vec::new();
    for title in ["一", "二", "三", "四"] {
        cases.push(nco.opens(title).await);
    }
    let [one, two, three, four] = [&cases[0], &cases[1], &cases[2], &cases[3]];
    let shared = looks_for("shared.example.com", Tlp::Green);
    let [first, second] = [1, 2].map(|_| looks_for("c2.example.com", Tlp::Green));
    let actor = named("intrusion-set", "FOG", Tlp::Green);
    let [mine, theirs] = ["m.example.com", "t.example.com"].map(|value| looks_for(value, Tlp::Green));
    let ties = [
        relationship(&mine, "indicates", &actor, Tlp::Green),
        relationship(&theirs, "indicates", &actor, Tlp::Green),
    ];
    let all =
        [&[shared.clone(), first.clone(), second.clone(), actor, mine.clone(), theirs.clone()][..], &ties]
            .concat();
    hub.publish(&hub.token, &all).await;
    nco.says(one, open(links(&[&shared["id"], &first["id"], &mine["id"]]))).await;
    nco.says(two, open(links(&[&shared["id"]]))).await;
    nco.says(three, open(links(&[&second["id"]]))).await;
    nco.says(four, open(links(&[&theirs["id"]]))).await;
    let found = similar(&power, one).await;
    let because = |case: &str| {
        let known = found.iter().find(|(id, _)| id == case);
        known.map(|(_, because)| {
            because.iter().map(|(kind, name)| format!("{kind} {name}")).collect::<Vec<_>>()
        })
    };
    assert_eq!(because(two), Some(vec!["object shared.example.com".to_owned()]));
    assert_eq!(because(three), Some(vec!["value c2.example.com".to_owned()]));
    assert_eq!(because(four), Some(vec!["thread FOG".to_owned()]));
    assert_eq!(found.len(), 3);
    assert_eq!(found[2].0, *four, "that the same actor is about tells least");
    // What the police noted for itself alone makes cases alike for it, and for nobody else.
    let secret = looks_for("secret.example.com", Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&secret)).await;
    let five = nco.opens("五").await;
    police.says(one, only(&["police"], false, links(&[&secret["id"]]))).await;
    nco.says(&five, open(links(&[&secret["id"]]))).await;
    assert!(similar(&police, one).await.iter().any(|(id, _)| *id == five));
    assert!(similar(&police, &five).await.iter().any(|(id, _)| id == one));
    for worker in [&nco, &power] {
        assert!(!similar(worker, one).await.iter().any(|(id, _)| *id == five));
        assert!(similar(worker, &five).await.is_empty(), "nor from the other side");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_is_hidden_is_alike_to_nothing() {
    let hub = TestHub::start().await;
    let [nco, _, power] = council(&hub).await;
    let [shared, strict] =
        [looks_for("a.example.com", Tlp::Green), looks_for("b.example.com", Tlp::AmberStrict)];
    hub.publish(&hub.token, &[shared.clone(), strict.clone()]).await;
    let open_case = nco.opens("開").await;
    nco.says(&open_case, open(links(&[&shared["id"], &strict["id"]]))).await;
    let new = json!({ "title": "厳格", "severity": 2, "objects": [id_of(&shared), id_of(&strict)] });
    let closed = nco.signed.done("/api/v1/cases", new).await["summary"]["id"].as_str().unwrap().to_owned();
    let found = similar(&nco, &open_case).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0.as_str(), found[0].1.len()), (closed.as_str(), 2));
    assert!(similar(&power, &open_case).await.is_empty());
    let text = power.signed.good(&format!("/api/v1/cases/{open_case}/similar")).await.to_string();
    assert!(!text.contains(&closed) && !text.contains("b.example.com"), "{text}");
    assert_eq!(power.signed.get(&format!("/api/v1/cases/{closed}/similar")).await.status, 404);
}
