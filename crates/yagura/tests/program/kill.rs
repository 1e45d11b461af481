//! Hub and edge killed in the middle of their work, again and again: nothing acknowledged is lost, nothing comes twice.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use crate::running::{
    CONSENT, Edge, Hub, edge_config, export, register_edge, wait_until, wait_until_or_tell, yagura,
};
use serde_json::{Value, json};

pub(crate) const INDICATORS: usize = 40;
const RECORDS: usize = 12_000;
/// One record in so many carries an indicator.
pub(crate) const HIT_EVERY: usize = 10;
const ROUNDS: usize = 6;

#[test]
fn killed_hub_and_edge_lose_nothing_and_repeat_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut hub = Hub::start(&folder.path().join("hub"));
    let token = register_edge(&hub);
    hub.post(&indicators());
    let log = folder.path().join("eve.json");
    std::fs::write(&log, "").unwrap();
    let config = edge_config(folder.path(), &hub, &token, CONSENT, &log);

    let mut acknowledged = BTreeSet::new();
    let mut edge = Edge::start(&config);
    for round in 0..ROUNDS {
        append(&log, round * RECORDS / ROUNDS..(round + 1) * RECORDS / ROUNDS);
        // Some of this round's sightings have come, others are on their way: now is the moment.
        let some = sightings_before(round * RECORDS / ROUNDS) + 20;
        let tell = || {
            format!("round {round}, wanted {some}, came {}, edge {}", sighting_ids(&hub).len(), edge.ledger())
        };
        wait_until_or_tell("sightings arrive", || sighting_ids(&hub).len() >= some, tell);
        edge.kill();
        if round % 2 == 1 {
            post_until_killed(&mut hub, round, &mut acknowledged);
            hub = hub.start_again();
        }
        edge = Edge::start(&config);
    }
    let all = sightings_before(RECORDS);
    wait_until("every sighting arrives", || sighting_ids(&hub).len() >= all);
    wait_until("the spool is empty", || edge.ledger()["waiting"] == 0);

    let objects = export(&hub);
    let sightings: Vec<&Value> = objects.iter().filter(|object| object["type"] == "sighting").collect();
    assert_eq!(sightings.len(), all, "each match gives one sighting");
    let seen: BTreeSet<&str> =
        sightings.iter().map(|sighting| sighting["first_seen"].as_str().unwrap()).collect();
    assert_eq!(seen.len(), all, "each record has a time of its own");
    let ids: BTreeSet<String> =
        objects.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect();
    let lost: Vec<&String> = acknowledged.difference(&ids).collect();
    assert!(
        acknowledged.len() >= 100 && lost.is_empty(),
        "{} acknowledged, lost: {lost:?}",
        acknowledged.len()
    );
    let data = hub.stop();
    let verified = yagura().args(["log", "verify", "--data"]).arg(&data).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

pub(crate) fn sightings_before(record: usize) -> usize {
    record.div_ceil(HIT_EVERY)
}

fn sighting_ids(hub: &Hub) -> BTreeSet<String> {
    let objects = export(hub);
    let sightings = objects.iter().filter(|object| object["type"] == "sighting");
    sightings.map(|sighting| sighting["id"].as_str().unwrap().to_owned()).collect()
}

/// Posts batches from a second thread while the hub is killed; what it answered for is acknowledged.
fn post_until_killed(hub: &mut Hub, round: usize, acknowledged: &mut BTreeSet<String>) {
    let poster = hub.poster();
    let posting = std::thread::spawn(move || {
        let mut taken = Vec::new();
        for batch in 0.. {
            let ids: Vec<String> = (0..50).map(|n| id("identity", &format!("{round} {batch} {n}"))).collect();
            let objects: Vec<Value> = ids.iter().map(|id| identity(id)).collect();
            if poster.try_post(&json!({ "objects": objects })).is_none() {
                break;
            }
            taken.extend(ids);
        }
        taken
    });
    let before = export(hub).len();
    wait_until("the hub takes batches", || export(hub).len() > before + 200);
    hub.kill();
    acknowledged.extend(posting.join().unwrap());
}

fn id(object_type: &str, name: &str) -> String {
    format!("{object_type}--{}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()))
}

fn identity(id: &str) -> Value {
    let time = "2026-01-01T00:00:00.000Z";
    json!({ "type": "identity", "spec_version": "2.1", "id": id, "created": time, "modified": time, "name": "test" })
}

fn address(number: usize) -> String {
    format!("198.51.100.{}", number % INDICATORS + 1)
}

pub(crate) fn indicators() -> Value {
    let time = "2026-01-01T00:00:00.000Z";
    let indicator = |number: usize| {
        json!({
            "type": "indicator", "spec_version": "2.1", "id": id("indicator", &number.to_string()), "created": time,
            "modified": time, "name": format!("C2 {number}"), "pattern": format!("[ipv4-addr:value = '{}']", address(number)),
            "pattern_type": "stix", "valid_from": time,
            "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        })
    };
    json!({ "objects": (0..INDICATORS).map(indicator).collect::<Vec<_>>() })
}

fn append(log: &Path, records: std::ops::Range<usize>) {
    let lines: String = records.map(|number| record(number) + "\n").collect();
    OpenOptions::new().append(true).open(log).unwrap().write_all(lines.as_bytes()).unwrap();
}

/// A record with a time of its own; one in so many carries an indicator.
pub(crate) fn record(number: usize) -> String {
    let destination =
        if number.is_multiple_of(HIT_EVERY) { address(number / HIT_EVERY) } else { "192.0.2.1".to_owned() };
    let time = format!(
        "2026-11-01T{:02}:{:02}:{:02}.{:06}+0000",
        number / 3600,
        number / 60 % 60,
        number % 60,
        number
    );
    format!(
        r#"{{"timestamp":"{time}","flow_id":{number},"event_type":"flow","src_ip":"10.0.0.5","src_port":50000,"dest_ip":"{destination}","dest_port":443,"proto":"TCP"}}"#
    )
}
