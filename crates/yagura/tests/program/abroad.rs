//! An order at an edge of another hub, on real parts: two hubs, the links between them cut while it is asked for, people of both, an edge, and what
//! the edge's operator sees of it.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::blocking::playbook;
use crate::council::Member;
use crate::person::Person;
use crate::response::run;
use crate::running::{
    CONSENT, Edge, admin, edge_config_of, get, register_edge, wait_until, wait_until_or_tell, yagura,
};

const ATTACKER: &str = "198.51.100.7";
/// How long the order's effect lasts.
const LASTS: Duration = Duration::from_secs(1_200);

/// An order of a court's, say, that stands for one operator.
fn authority(operator: &str) -> String {
    format!(
        "[[response.authorities]]\nreference = \"2026-17\"\noperators = [\"{operator}\"]\n\
         from = \"2026-01-01T00:00:00Z\"\nuntil = \"2099-01-01T00:00:00Z\"\n"
    )
}

const AGREEMENT: &str = r#"
id = "orders"
parties = ["east", "harbour"]
from = "2026-01-01T00:00:00Z"
until = "2099-01-01T00:00:00Z"
title = { ja = "措置", en = "Orders" }
[[orders]]
by = ["east"]
at = ["harbour"]
actions = ["deny"]
minutes_max = 60
"#;

/// An edge that writes what it is to keep out into a list; its configuration.
fn edge(folder: &Path, west: &Member, token: &str, list: &Path) -> std::path::PathBuf {
    let hub = &west.hub;
    let key = &get(&format!("{}/api/v1/orders", hub.address), Some(&hub.token)).unwrap()["key"];
    let (issuer, key) = (&key["issuer"], &key["key"]);
    let sections = format!(
        "[consent]\n{CONSENT}\n[orders]\nenabled = true\nconsent = \"ask\"\n\
         [[orders.hub_key]]\nissuer = {issuer}\nkey = {key}\n[[orders.allow]]\nnetworks = [\"198.51.100.0/24\"]\n\
         [[orders.device]]\nkind = \"list\"\nfile = {list:?}\nholds = \"addresses\"\n"
    );
    edge_config_of(&folder.join("edge"), "harbour-1", hub, token, &sections)
}

#[test]
fn what_one_hub_asks_for_another_agrees_to_orders_and_takes_back() {
    let folder = tempfile::tempdir().unwrap();
    let east = Member::set(folder.path(), "east", &authority("west"));
    let west = Member::set(folder.path(), "west", &authority("harbour"));
    let ways = [east.knows(&west, "agency").unwrap(), west.knows(&east, "agency").unwrap()];
    let token = register_edge(&west.hub);
    west.agrees(AGREEMENT);
    let harbour = Person::of(&west.hub, "harbour", "approver");
    let list = folder.path().join("blocked.txt");
    let config = edge(folder.path(), &west, &token, &list);
    let _edge = Edge::start(&config);
    let blocked = || std::fs::read_to_string(&list).is_ok_and(|text| text.contains(ATTACKER));

    for (id, ja, en) in [("npa", "警察", "Police"), ("mod", "防衛省", "Ministry of Defense")] {
        admin(&east.hub, &["org", "add", id, "--name-ja", ja, "--name-en", en, "--role", "agency"]);
    }
    let approvers = [Person::of(&east.hub, "npa", "approver"), Person::of(&east.hub, "mod", "approver")];
    let wanted = playbook("harbour-1.west", &[json!({ "ipv4_net": ATTACKER })], LASTS);
    approvers[0].done("/api/v1/playbooks", &json!({ "document": wanted.to_string() }));
    let officer = admin(&east.hub, &["token", "add", "--org", "npa", "--role", "duty_officer"]);
    let start = ["playbook", "start", wanted["id"].as_str().unwrap()];

    // Rehearsed it passes every gate, and nothing leaves.
    let (code, _, said) = run(&east.hub, &officer, &[&start[..], &["--dry-run"]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(run(&east.hub, &officer, &["order", "list"]).1, "");

    // Asked for while nothing gets through, it arrives when something does.
    ways.iter().for_each(crate::council::Way::cut);
    let asker = Person::of(&east.hub, "npa", "duty_officer");
    let begun = asker.done("/api/v1/runs", &json!({ "id": uuid::Uuid::new_v4(), "playbook": wanted["id"] }));
    let path = format!("/api/v1/runs/{}", begun["summary"]["id"].as_str().unwrap());
    let answer = json!({ "hash": begun["questions"][0]["hash"], "reason": "seen" });
    for approver in &approvers {
        approver.done(&format!("{path}/questions/0/approve"), &answer);
    }
    let asked = || run(&west.hub, &west.hub.token, &["order", "asked"]);
    assert_eq!((asked().0, asked().1.as_str()), (Some(0), ""), "nothing got through");
    ways.iter().for_each(crate::council::Way::mend);
    wait_until_or_tell("it is asked there", || asked().0 == Some(1), || asked().2);
    assert!(asked().1.contains("harbour-1") && asked().1.contains(ATTACKER), "{}", asked().1);
    assert!(!blocked(), "nobody there has agreed");

    let request = harbour.good("/api/v1/orders/asked")["orders"][0].clone();
    let approve = format!("/api/v1/orders/asked/{}/approve", request["id"].as_str().unwrap());
    let answer = harbour.done(&approve, &json!({ "hash": request["hash"], "reason": null }));
    assert_eq!(answer["state"], "ordered", "{answer}");

    // The operator sees who asked at which hub, and on what authority, and agrees to it.
    let on_edge = |arguments: &[&str]| {
        let done =
            yagura().args(["edge", "--json", "--config"]).arg(&config).args(arguments).output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    };
    wait_until("the edge has it", || on_edge(&["orders"]).0 == Some(1));
    let order: Value = serde_json::from_str(on_edge(&["orders"]).1.lines().next().unwrap()).unwrap();
    for said in ["Police", "Ministry of Defense", "east", "west", "2026-17", "Harbour"] {
        assert!(order.to_string().contains(said), "`{said}` is not in {order}");
    }
    assert!(!blocked() && order["state"] == "waiting", "{order}");
    assert_eq!(on_edge(&["agree", order["command_id"].as_str().unwrap()]).0, Some(0));
    wait_until("the list has it", blocked);
    assert_ne!(on_edge(&["agree", order["command_id"].as_str().unwrap()]).0, Some(0), "once");

    // Who asked takes it back.
    let row = || asker.good("/api/v1/orders")["orders"].as_array().unwrap().last().unwrap().clone();
    wait_until_or_tell("who asked is told", || row()["state"] == "enforced", || row().to_string());
    assert_eq!(asker.good(&path)["summary"]["state"], "succeeded");
    let undo = format!("/api/v1/orders/{}/undo", row()["command_id"].as_str().unwrap());
    asker.done(&undo, &json!({ "reason": "over" }));
    wait_until("the list has it no more", || !blocked());
    wait_until_or_tell("who asked is told of it", || row()["state"] == "released", || row().to_string());
}
