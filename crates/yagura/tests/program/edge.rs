//! An edge as its operator meets it: the hub away, no consent, logs that break.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::running::{CONSENT, Edge, Hub, edge_config, export, register_edge, wait_until};
use serde_json::{Value, json};

const BAD_ADDRESS: &str = "198.51.100.66";

struct Scene {
    folder: tempfile::TempDir,
    hub: Hub,
    config: PathBuf,
    log: PathBuf,
    records: usize,
}

impl Scene {
    fn set(consent: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::start(&folder.path().join("hub"));
        let token = register_edge(&hub);
        let time = "2026-01-01T00:00:00.000Z";
        hub.post(&json!({ "objects": [{
            "type": "indicator", "spec_version": "2.1", "id": "indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3a6f01", "created": time,
            "modified": time, "name": "C2", "pattern": format!("[ipv4-addr:value = '{BAD_ADDRESS}']"), "pattern_type": "stix",
            "valid_from": time, "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        }] }));
        let log = folder.path().join("eve.json");
        std::fs::write(&log, "").unwrap();
        let config = edge_config(folder.path(), &hub, &token, consent, &log);
        Self { folder, hub, config, log, records: 0 }
    }

    fn edge(&self) -> Edge {
        let edge = Edge::start(&self.config);
        wait_until("the edge has the indicator", || edge.ledger()["indicators"] == 1);
        edge
    }

    /// Appends records that match, each at a time of its own.
    fn attack(&mut self, count: usize) {
        for _ in 0..count {
            self.records += 1;
            let number = self.records;
            append(
                &self.log,
                &format!(
                    r#"{{"timestamp":"2026-11-01T00:00:00.{number:06}+0000","event_type":"flow","src_ip":"10.0.0.5","dest_ip":"{BAD_ADDRESS}","proto":"TCP"}}{}"#,
                    '\n'
                ),
            );
        }
    }
}

fn append(log: &Path, text: &str) {
    OpenOptions::new().append(true).open(log).unwrap().write_all(text.as_bytes()).unwrap();
}

fn sightings(hub: &Hub) -> usize {
    export(hub).iter().filter(|object| object["type"] == "sighting").count()
}

fn waiting(edge: &Edge, count: usize) {
    wait_until("sightings wait in the spool", || edge.ledger()["waiting"] == count);
}

#[test]
fn while_the_hub_is_away_the_edge_goes_on_matching_and_delivers_once_afterwards() {
    let mut scene = Scene::set(CONSENT);
    let mut edge = scene.edge();
    scene.hub.kill();
    scene.attack(30);
    waiting(&edge, 30);
    edge.kill();
    let edge = scene.edge();
    scene.attack(12);
    waiting(&edge, 42);
    scene.hub = scene.hub.start_again();
    wait_until("everything is delivered", || edge.ledger()["waiting"] == 0);
    assert_eq!(sightings(&scene.hub), 42);
    assert_eq!(edge.ledger()["counts"]["sent"], 42);
    drop(scene.folder);
}

#[test]
fn without_consent_nothing_leaves_and_the_operator_sees_that() {
    let mut scene = Scene::set("");
    let edge = scene.edge();
    scene.attack(5);
    wait_until("the matches are in the ledger", || edge.ledger()["counts"]["withheld"] == 5);
    let ledger = edge.ledger();
    assert_eq!(
        (&ledger["waiting"], &ledger["counts"]["sent"], &ledger["counts"]["matched"]),
        (&json!(0), &json!(0), &json!(5))
    );
    let withheld = ledger["rows"].as_array().unwrap().iter().filter(|row| row["kind"] == "withheld").count();
    assert_eq!(withheld, 5);
    assert_eq!(sightings(&scene.hub), 0);
}

#[test]
fn torn_foreign_and_garbled_lines_are_counted_and_harm_no_other() {
    let mut scene = Scene::set(CONSENT);
    let edge = scene.edge();
    scene.attack(1);
    append(
        &scene.log,
        "{\"timestamp\":\"2026-11-01T00:00:00.5+0000\",\"event_type\":\"flow\",\"src_ip\":\"10.0.\n",
    );
    append(&scene.log, "this is no record of any format\n\u{fffd}\u{0}\u{1}\n");
    append(&scene.log, &format!("{{\"a\":{}1{}}}\n", "[".repeat(10_000), "]".repeat(10_000)));
    append(
        &scene.log,
        "#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tid.resp_h\n#types\ttime\taddr\taddr\n",
    );
    append(&scene.log, &format!("1793491200.000001\t10.0.0.5\t{BAD_ADDRESS}\n"));
    scene.attack(1);
    wait_until("the good records arrive", || sightings(&scene.hub) == 3);
    let unreadable = |ledger: &Value| ledger["sources"][0]["unreadable"].as_u64().unwrap();
    // The deeply nested line is framed as a record and holds nothing that could match: it is passed over unread.
    assert_eq!(unreadable(&edge.ledger()), 3);
    assert_eq!(edge.ledger()["trouble"], Value::Null);
}

#[test]
fn a_pattern_that_is_half_met_when_the_edge_is_killed_is_met_afterwards() {
    let scene = Scene::set(CONSENT);
    let time = "2026-01-01T00:00:00.000Z";
    scene.hub.post(&json!({ "objects": [{
        "type": "indicator", "spec_version": "2.1", "id": "indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3a6f02", "created": time,
        "modified": time, "name": "C2 twice", "pattern_type": "stix", "valid_from": time,
        "pattern": "[ipv4-addr:value = '198.51.100.99'] REPEATS 2 TIMES WITHIN 60 SECONDS",
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
    }] }));
    let start = || {
        let edge = Edge::start(&scene.config);
        wait_until("the edge has the indicators", || edge.ledger()["indicators"] == 2);
        edge
    };
    let meet = |second: u32| {
        append(
            &scene.log,
            &format!(
                r#"{{"timestamp":"2026-11-01T00:00:{second:02}.000000+0000","event_type":"flow","src_ip":"10.0.0.5","dest_ip":"198.51.100.99"}}{}"#,
                '\n'
            ),
        );
    };
    let mut edge = start();
    meet(1);
    wait_until("the first is remembered", || edge.ledger()["sources"][0]["windows"]["held"] == 1);
    let spool = rusqlite::Connection::open(scene.folder.path().join("edge/edge.sqlite")).unwrap();
    let read_on =
        || spool.query_row("SELECT max(position) FROM position", [], |row| row.get::<_, Option<i64>>(0));
    wait_until("and will not be read again", || read_on().is_ok_and(|position| position.unwrap_or(0) > 0));
    edge.kill();
    let edge = start();
    meet(2);
    wait_until("the second meets the pattern", || sightings(&scene.hub) == 1);
    assert_eq!(edge.ledger()["counts"]["matched"], 1);
}
