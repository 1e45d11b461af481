//! Private matching as real processes: a hub finds what an operator met of its list, and nothing else, without showing the list; the
//! commission works it out once more.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::running::{Edge, wait_until, wait_until_or_tell, yagura};
use crate::tasked::{Scene, rows};

/// N, of which 300 are the list's.
const ELEMENTS: u32 = 2_200;
const LISTED: usize = 300;

/// What is asked for: names and addresses, of which the operator meets every tenth.
fn patterns() -> Vec<String> {
    (0..LISTED)
        .map(|number| match number % 2 {
            0 => format!("[ipv4-addr:value = '203.0.{}.{}']", number / 200, number % 200),
            _ => format!("[domain-name:value = 'listed-{number}.example']"),
        })
        .collect()
}

fn planted() -> Vec<usize> {
    (0..LISTED).filter(|number| number % 10 < 2 && number % 20 < 10).collect()
}

/// The operator's day: what is planted, names below what is listed among them, and much that nobody asks for.
fn traffic() -> (String, usize) {
    let now = jiff::Timestamp::now();
    let (mut text, mut records) = (String::new(), 0);
    let mut flow = |to: &str| {
        records += 1;
        let line = format!(
            r#"{{"timestamp":"{now}","event_type":"flow","src_ip":"10.0.0.5","dest_ip":"{to}","dest_port":443,"proto":"TCP"}}"#
        );
        writeln!(text, "{line}").unwrap();
    };
    for number in planted().into_iter().filter(|number| number % 2 == 0) {
        flow(&format!("203.0.{}.{}", number / 200, number % 200));
    }
    for number in 0..3_000 {
        flow(&format!("198.51.{}.{}", 100 + number / 250, number % 250));
    }
    let mut dns = |name: &str| {
        records += 1;
        let line = format!(
            r#"{{"timestamp":"{now}","event_type":"dns","src_ip":"10.0.0.5","dest_ip":"10.0.0.2","proto":"UDP","dns":{{"type":"query","rrname":"{name}","rrtype":"A"}}}}"#
        );
        writeln!(text, "{line}").unwrap();
    };
    for number in planted().into_iter().filter(|number| number % 2 == 1) {
        dns(&format!("www.listed-{number}.example"));
    }
    for number in 0..1_000 {
        dns(&format!("benign-{number}.example"));
    }
    (text, records)
}

fn ask(scene: &Scene) -> Value {
    let now = jiff::Timestamp::now();
    scene.agency.done(
        "/api/v1/authorisations",
        &json!({
            "kind": "ordinary", "category": "foreign-domestic", "operators": ["harbour"], "indicators": patterns(),
            "fields": [], "queries_per_day": 1, "from": now.to_string(),
            "until": (now + jiff::SignedDuration::from_hours(20)).to_string(), "retention": "measures-2y",
            "purpose": "collective-defence", "reason": "who was reached by this campaign",
            "private": { "mode": "match", "elements": ELEMENTS, "filter_values_max": 12_288 },
        }),
    )
}

fn rounds(scene: &Scene, id: &str) -> Value {
    scene.commission[0].person.good(&format!("/api/v1/authorisations/{id}/rounds"))
}

#[test]
fn what_the_operator_met_of_a_list_is_found_and_the_list_stays_hidden() {
    let mut scene = Scene::set_with(|folder| {
        let lake = folder.join("lake");
        format!("[authorisations.private]\nhours = 24\n[lake]\npath = {lake:?}\ncommit_seconds = 1\n")
    });
    let edge = Edge::start(&scene.config);
    scene.wait(&edge, "the log of authorisations is followed", |ledger| {
        ledger["authority"]["witnessed"].is_string()
    });
    let (text, records) = traffic();
    OpenOptions::new().append(true).open(&scene.log).unwrap().write_all(text.as_bytes()).unwrap();
    scene.wait(&edge, "the day is in the lake", |ledger| ledger["history"]["records"] == json!(records));

    let asked = ask(&scene);
    for member in scene.commission.iter_mut().take(2) {
        member.decide(&asked, "grant");
    }
    let id = asked["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/authorisations/{id}/rounds");
    let round = scene.agency.done(&path, &json!({ "operator": "harbour" }));
    let told = || rounds(&scene, &id)["rounds"][0].clone();
    let is_over = || told()["state"] == "matched" && told()["receipt"].is_string();
    wait_until_or_tell("the round is over", is_over, || format!("{:#} {:#}", told(), edge.ledger()["rows"]));

    let found = scene.agency.good(&format!("{path}/{}/found", round["id"].as_str().unwrap()));
    assert_eq!(found["members"], json!(planted()), "all that was planted, and nothing else");
    assert_eq!((&found["count"], &found["cut"]), (&json!(planted().len()), &json!(false)));
    let mine = scene.agency.good(&path)["rounds"][0].clone();
    assert_eq!((&mine["at_least"], &mine["receipt"]), (&json!(10), &Value::Null));

    // The operator reads that there was a round, how large, and under what; neither list nor hits.
    let ledger = edge.ledger();
    let begun = rows(&ledger, "tasked");
    assert_eq!(begun.len(), 1);
    let detail = begun[0]["detail"].as_str().unwrap();
    assert!(detail.contains("2200 elements") && detail.contains("private matching"), "{detail}");
    assert_eq!(begun[0]["indicator"], json!(id));
    let ended = rows(&ledger, "ended");
    assert!(ended[0]["detail"].as_str().unwrap().contains("2200 of 2200 elements answered"), "{ended:?}");
    assert_eq!(ledger["authority"]["tasks"], json!([]), "nothing is looked for");
    assert!(!ledger.to_string().contains("listed-"), "the list is not here");
    // What was used is told by another loop than what became of the round.
    wait_until("the receipt of the use is at the hub", || !scene.receipts().is_empty());
    let receipts = scene.receipts();
    assert_eq!((receipts.len(), &receipts[0]["count"]), (1, &json!(ELEMENTS)));

    the_commission_works_it_out(&scene, &id, &ledger);
    assert_eq!(scene.agency.refused(&path, &json!({ "operator": "harbour" })), 409, "one round a day");
}

/// By the hub, and on a computer of its own with what the asker and the operator gave it.
fn the_commission_works_it_out(scene: &Scene, id: &str, ledger: &Value) {
    let member = &scene.commission[2].person;
    let round = rounds(scene, id)["rounds"][0].clone();
    let audit =
        format!("/api/v1/oversight/authorisations/{id}/rounds/{}/audit", round["id"].as_str().unwrap());
    assert_eq!(member.done(&audit, &json!({}))["audit"]["verdict"], "good");

    let file = |name: &str, text: &Value| {
        let path = scene.folder.path().join(name);
        std::fs::write(&path, text.to_string()).unwrap();
        path
    };
    let mut list = member.good(&format!("/api/v1/authorisations/{id}/list"));
    let authorisation = file("authorisation.json", &member.good(&format!("/api/v1/authorisations/{id}")));
    let told = file("rounds.json", &rounds(scene, id));
    let key = ledger["authority"]["key"].as_str().unwrap();
    assert_eq!(round["receipt_key"], json!(key), "the operator tells the key that the hub knows");
    let check = |list: &Value, key: &str| {
        let done = yagura()
            .args(["--json", "check", "round", "--key", key, "--authorisation"])
            .arg(&authorisation)
            .arg("--list")
            .arg(file("list.json", list))
            .arg("--rounds")
            .arg(&told)
            .output()
            .unwrap();
        let text = String::from_utf8(done.stdout).unwrap();
        let told: Value = serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("{text} {}", String::from_utf8_lossy(&done.stderr)));
        (done.status.code(), told["rounds"][0]["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(check(&list, key), (Some(0), "good".to_owned()));
    let other = tlog::SigningKey::from_seed("harbour-1", [1; 32]).unwrap().verifying_key().encode();
    assert_eq!(check(&list, &other), (Some(1), "signature".to_owned()));
    list["patterns"][0] = json!("[ipv4-addr:value = '192.0.2.1']");
    assert_eq!(check(&list, key), (Some(1), "list".to_owned()));
}
