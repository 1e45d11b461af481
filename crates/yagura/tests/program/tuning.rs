//! An operator tunes its edge, over a real hub: what hits too much or what is its own is held back, what is a false alarm stays
//! inside, and its opinion goes to whoever made the indicator, if the consent says so.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::running::{
    CONSENT, Edge, Hub, RUNTIME, edge_config_of, export, get, register_edge, wait_until, yagura,
};

const ID: &str = "indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3a6f01";
const BAD_ADDRESS: &str = "198.51.100.66";

struct Scene {
    folder: tempfile::TempDir,
    hub: Hub,
    config: PathBuf,
    records: usize,
}

impl Scene {
    fn set(consent: &str, matching: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::start(&folder.path().join("hub"));
        let token = register_edge(&hub);
        let time = "2026-01-01T00:00:00.000Z";
        hub.post(&json!({ "objects": [{
            "type": "indicator", "spec_version": "2.1", "id": ID, "created": time, "modified": time, "name": "C2",
            "pattern": format!("[ipv4-addr:value = '{BAD_ADDRESS}']"), "pattern_type": "stix", "valid_from": time,
            "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        }] }));
        let log = folder.path().join("eve.json");
        std::fs::write(&log, "").unwrap();
        let sections = format!(
            "[consent]\n{consent}\n[[source]]\nname = \"suricata\"\npath = {log:?}\n[matching]\n{matching}"
        );
        let config = edge_config_of(&folder.path().join("edge"), "harbour-1", &hub, &token, &sections);
        Self { folder, hub, config, records: 0 }
    }

    fn edge(&self) -> Edge {
        let edge = Edge::start(&self.config);
        wait_until("the edge has the indicator", || edge.ledger()["indicators"] == 1);
        edge
    }

    /// Appends records that match, all within one minute.
    fn attack(&mut self, count: usize) {
        let mut log = OpenOptions::new().append(true).open(self.folder.path().join("eve.json")).unwrap();
        for _ in 0..count {
            self.records += 1;
            let number = self.records;
            writeln!(
                log,
                r#"{{"timestamp":"2026-11-01T00:00:00.{number:06}+0000","event_type":"flow","src_ip":"10.0.0.5","dest_ip":"{BAD_ADDRESS}","proto":"TCP"}}"#
            )
            .unwrap();
        }
    }

    fn sightings(&self) -> usize {
        export(&self.hub).iter().filter(|object| object["type"] == "sighting").count()
    }

    /// `yagura edge …` over the data folder of the running edge; whether it succeeded, and what it printed.
    fn command(&self, arguments: &[&str]) -> (bool, String) {
        let done = yagura().args(["edge", "--config"]).arg(&self.config).args(arguments).output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8(text).unwrap())
    }

    /// What the hub knows of the edge.
    fn hello(&self) -> Value {
        let edges = get(&format!("{}/api/v1/edges", self.hub.address), Some(&self.hub.token)).unwrap();
        edges["edges"][0]["hello"].clone()
    }

    fn false_alarms(&self) -> Value {
        let url = format!("{}/api/v1/contributions", self.hub.address);
        get(&url, Some(&self.hub.token)).unwrap()["contributions"][0]["false_alarm"].clone()
    }
}

/// A request to the edge's page; its status and body.
fn post(edge: &Edge, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
    RUNTIME.block_on(async {
        let mut request = reqwest::Client::new().post(format!("{}{path}", edge.page())).json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    })
}

#[test]
fn what_is_the_operators_own_is_held_back_until_a_person_has_looked() {
    let mut scene = Scene::set(CONSENT, "own_assets = [\"198.51.100.0/24\"]\n");
    let mut edge = scene.edge();
    let decided =
        |edge: &Edge| get(&format!("{}/api/v1/tuning", edge.page()), None).unwrap()["decided"].clone();
    assert_eq!(decided(&edge)[0]["reason"], "own-asset");
    // Before it matched, its name would tell what is ours.
    wait_until("the hub knows that one is held back", || scene.hello()["quarantined"] == 1);
    assert_eq!(scene.hello()["quarantined_indicators"], json!([]));
    scene.attack(7);
    wait_until("matches are counted", || decided(&edge)[0]["count"] == 7);
    edge.kill();
    let edge = scene.edge();
    assert_eq!(
        (&decided(&edge)[0]["state"], &decided(&edge)[0]["count"]),
        (&json!("quarantined"), &json!(7))
    );
    wait_until("the hub knows which", || scene.hello()["quarantined_indicators"] == json!([ID]));
    let counts = edge.ledger()["counts"].clone();
    assert_eq!((&counts["matched"], &counts["held"], &counts["withheld"]), (&json!(7), &json!(7), &json!(0)));
    let (_, listed) = scene.command(&["decided"]);
    assert!(listed.starts_with("quarantined\town-asset\t7\t2026-11-01T00:00:00"), "{listed}");
    assert_eq!(scene.command(&["release", ID]), (true, String::new()));
    scene.attack(2);
    wait_until("what comes from then on leaves", || scene.sightings() == 2);
    let (again, why) = scene.command(&["release", ID]);
    assert!(!again && why.contains("not held back"), "{why}");
    wait_until("the hub knows of none", || scene.hello()["quarantined"] == 0);
}

#[test]
fn what_matches_too_often_is_counted_and_not_sent() {
    let mut scene = Scene::set(CONSENT, "[matching.quarantine]\nmatches_per_minute = 5\n");
    let edge = scene.edge();
    scene.attack(40);
    wait_until("all are counted", || edge.ledger()["counts"]["matched"] == 40);
    wait_until("the first have left", || edge.ledger()["counts"]["sent"] == 5);
    assert_eq!(edge.ledger()["counts"]["held"], 35);
    assert_eq!(scene.sightings(), 5);
    let rows = edge.ledger()["rows"].clone();
    let quarantined: Vec<&Value> =
        rows.as_array().unwrap().iter().filter(|row| row["kind"] == "quarantined").collect();
    assert_eq!((quarantined.len(), &quarantined[0]["detail"]), (1, &json!("rate 6/min")));
}

#[test]
fn a_false_alarm_stays_inside_and_the_opinion_goes_to_whoever_made_the_indicator() {
    let mut scene = Scene::set(&format!("{CONSENT}\nopinions = true"), "");
    let edge = scene.edge();
    let mark = json!({ "do": "mark", "indicator": ID, "reason": "our own scanner", "send_reason": true });
    // Nobody without a link, and no other page.
    let refused = post(&edge, "/api/v1/changes", &[], &mark);
    assert_eq!((refused.0, &refused.1["code"]), (401, &json!("link-needed")));
    let (_, link) = scene.command(&["link"]);
    let key = link.trim().split_once('#').unwrap().1.to_owned();
    let enter = json!({ "key": key });
    assert_eq!(post(&edge, "/api/v1/enter", &[("origin", "http://evil.example")], &enter).0, 421);
    assert_eq!(post(&edge, "/api/v1/enter", &[("host", "evil.example")], &enter).0, 421);
    let entered = post(&edge, "/api/v1/enter", &[], &enter);
    assert_eq!(entered.0, 200);
    assert_eq!(post(&edge, "/api/v1/enter", &[], &enter).0, 401, "a link is good once");
    let token = entered.1["token"].as_str().unwrap();
    let with = [("x-yagura-edge", token)];
    for (name, value) in
        [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site"), ("host", "evil.example")]
    {
        assert_eq!(post(&edge, "/api/v1/changes", &[with[0], (name, value)], &mark).0, 421, "{name}");
    }
    let unknown = json!({ "do": "mark", "indicator": "indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3a6f99" });
    assert_eq!(post(&edge, "/api/v1/changes", &with, &unknown).0, 404);
    assert_eq!(post(&edge, "/api/v1/changes", &with, &mark).0, 204);
    scene.attack(3);
    wait_until("matches are counted", || edge.ledger()["counts"]["held"] == 3);
    assert_eq!(scene.sightings(), 0);

    let opinions = || -> Vec<Value> {
        export(&scene.hub).into_iter().filter(|object| object["type"] == "opinion").collect()
    };
    wait_until("the opinion is at the hub", || !opinions().is_empty());
    let opinion = opinions().remove(0);
    assert_eq!((&opinion["opinion"], &opinion["object_refs"]), (&json!("disagree"), &json!([ID])));
    assert_eq!(opinion["explanation"], "our own scanner");
    assert_eq!(
        opinion["object_marking_refs"],
        json!(["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]),
        "as the consent says"
    );
    assert_eq!(scene.false_alarms(), 1);
    let told = |detail: &str| {
        let rows = edge.ledger()["rows"].clone();
        rows.as_array().unwrap().iter().any(|row| row["kind"] == "sent" && row["detail"] == detail)
    };
    wait_until("it stands in what left", || told("opinion: disagree, our own scanner"));

    assert_eq!(post(&edge, "/api/v1/changes", &with, &json!({ "do": "undo", "indicator": ID })).0, 204);
    wait_until("the opinion is taken back", || told("opinion: withdrawn"));
    assert_eq!(scene.false_alarms(), 0);
    scene.attack(1);
    wait_until("sightings leave again", || scene.sightings() == 1);
    let kinds: Vec<Value> =
        edge.ledger()["rows"].as_array().unwrap().iter().map(|row| row["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "decided").count(), 2, "each change is in the ledger");
}

#[test]
fn without_consent_an_opinion_stays_inside() {
    let scene = Scene::set(CONSENT, "");
    let edge = scene.edge();
    assert!(scene.command(&["mark", ID, "--reason", "a test", "--strongly", "--send-reason"]).0);
    let decided = get(&format!("{}/api/v1/tuning", edge.page()), None).unwrap()["decided"].clone();
    assert_eq!(
        (&decided[0]["state"], &decided[0]["note"], &decided[0]["opinion"]),
        (&json!("false-alarm"), &json!("a test"), &json!(false))
    );
    let spool = rusqlite::Connection::open(scene.folder.path().join("edge/edge.sqlite")).unwrap();
    let opinions: i64 = spool.query_row("SELECT count(*) FROM opinion", [], |row| row.get(0)).unwrap();
    assert_eq!(opinions, 0);
    let (again, why) = scene.command(&["mark", ID]);
    assert!(!again && why.contains("undo that first"), "{why}");
    assert!(scene.command(&["undo", ID]).0);
}
