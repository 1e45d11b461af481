//! An edge that keeps history and hunts in it by itself, also while it is killed: every record is in the lake once, everything
//! that is found is told once.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::kill::{HIT_EVERY, INDICATORS, indicators, record, sightings_before};
use crate::running::{
    CONSENT, Edge, Hub, edge_config_of, export, register_edge, wait_until, wait_until_or_tell, yagura,
};

struct Scene {
    folder: tempfile::TempDir,
    hub: Hub,
    config: PathBuf,
    log: PathBuf,
    lake: PathBuf,
}

impl Scene {
    /// An edge that reads one log; the lake's settings are what is added.
    fn set(lake_settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::start(&folder.path().join("hub"));
        let token = register_edge(&hub);
        let (log, lake) = (folder.path().join("eve.json"), folder.path().join("lake"));
        std::fs::write(&log, "").unwrap();
        let sections = format!(
            "[consent]\n{CONSENT}\n[[source]]\nname = \"border\"\npath = {log:?}\n\
             [lake]\npath = {lake:?}\ncommit_seconds = 1\nhunts = {{ gather_seconds = 0 }}\n{lake_settings}\n"
        );
        let config = edge_config_of(&folder.path().join("edge"), "harbour-1", &hub, &token, &sections);
        Self { folder, hub, config, log, lake }
    }

    fn edge(&self) -> Edge {
        Edge::start(&self.config)
    }

    fn append(&self, lines: &str) {
        OpenOptions::new().append(true).open(&self.log).unwrap().write_all(lines.as_bytes()).unwrap();
    }

    fn append_records(&self, records: std::ops::Range<usize>) {
        self.append(&records.map(|number| record(number) + "\n").collect::<String>());
    }

    fn post(&self, number: u32, modified: &str, pattern: &str) {
        self.hub.post(&json!({ "objects": [{
            "type": "indicator", "spec_version": "2.1",
            "id": format!("indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3a{number:04x}"),
            "created": "2026-11-20T00:00:00.000Z", "modified": modified, "name": format!("C2 {number}"),
            "pattern": pattern, "pattern_type": "stix", "valid_from": "2026-11-20T00:00:00.000Z",
            "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        }] }));
    }

    fn sightings(&self) -> Vec<Value> {
        export(&self.hub).into_iter().filter(|object| object["type"] == "sighting").collect()
    }

    /// Places of all records of the lake that show an address of the tests' own, as `yagura hunt` finds them.
    fn places(&self, pattern: &str) -> Vec<(String, u64)> {
        let intel = self.folder.path().join("intel.json");
        let indicator = json!({
            "type": "indicator", "spec_version": "2.1", "id": "indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3affff",
            "created": "2026-11-20T00:00:00.000Z", "modified": "2026-11-20T00:00:00.000Z", "pattern": pattern,
            "pattern_type": "stix", "valid_from": "2026-11-20T00:00:00.000Z",
        });
        std::fs::write(&intel, indicator.to_string()).unwrap();
        let done = yagura().args(["--json", "hunt", "--intel"]).arg(&intel).arg(&self.lake).output().unwrap();
        assert!(done.status.code().unwrap() < 2, "{}", String::from_utf8_lossy(&done.stderr));
        let lines = String::from_utf8(done.stdout).unwrap();
        let places = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        places.map(|it| (it["file"].as_str().unwrap().to_owned(), it["line"].as_u64().unwrap())).collect()
    }

    /// The lake holds so many records of the log, and each once.
    #[track_caller]
    fn check_kept_once(&self, records: usize) {
        let places =
            self.places("[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value ISSUBSET '198.51.100.0/24']");
        let distinct: BTreeSet<&(String, u64)> = places.iter().collect();
        assert_eq!((places.len(), distinct.len()), (records, records));
    }
}

fn history<'l>(ledger: &'l Value, what: &str) -> &'l Value {
    &ledger["history"][what]
}

fn kept(edge: &Edge, records: usize) {
    let tell = || edge.ledger()["history"].to_string();
    wait_until_or_tell("records are in the lake", || history(&edge.ledger(), "records") == records, tell);
}

fn flow(time: &str, destination: &str) -> String {
    format!(
        r#"{{"timestamp":"{time}","event_type":"flow","src_ip":"10.0.0.5","dest_ip":"{destination}","proto":"TCP"}}{}"#,
        '\n'
    )
}

fn hunts_done(edge: &Edge) -> usize {
    let ledger = edge.ledger();
    if history(&ledger, "seeking") != 0 || !history(&ledger, "hunting").is_null() {
        return 0;
    }
    history(&ledger, "hunts").as_array().unwrap().len()
}

#[test]
fn an_indicator_that_comes_later_finds_what_was_read_before_and_tells_it_once() {
    let scene = Scene::set("");
    let mut edge = scene.edge();
    scene.append(&flow("2026-10-01T08:00:00.000000+0000", "198.51.100.66"));
    for second in [10, 20] {
        scene.append(&flow(&format!("2026-10-02T08:00:{second}.000000+0000"), "198.51.100.77"));
    }
    scene.append(&flow("2026-10-03T08:00:00.000000+0000", "192.0.2.1"));
    kept(&edge, 4);
    scene.post(1, "2026-11-20T00:00:00.000Z", "[ipv4-addr:value = '198.51.100.66']");
    wait_until("the old record is told", || scene.sightings().len() == 1);
    assert_eq!(scene.sightings()[0]["first_seen"], "2026-10-01T08:00:00.000Z");
    let ledger = edge.ledger();
    let found = ledger["rows"].as_array().unwrap().iter().find(|row| row["kind"] == "found").unwrap();
    assert!(found["detail"].as_str().unwrap().starts_with("2026-10-01T08:00:00Z border@"), "{found}");
    assert_eq!((&ledger["counts"]["matched"], &ledger["counts"]["found"]), (&json!(0), &json!(1)));

    // A pattern over several records; a live match of an indicator that then changes; all of that beside a hunt from outside.
    scene.post(
        2,
        "2026-11-20T00:00:00.000Z",
        "[ipv4-addr:value = '198.51.100.77'] REPEATS 2 TIMES WITHIN 60 SECONDS",
    );
    wait_until("the pattern over two is told", || scene.sightings().len() == 2);
    scene.append(&flow("2026-11-25T08:00:00.000000+0000", "198.51.100.66"));
    wait_until("the live match is told", || scene.sightings().len() == 3);
    kept(&edge, 5);
    assert_eq!(scene.places("[ipv4-addr:value = '198.51.100.66']").len(), 2);
    wait_until("the hunts are done", || hunts_done(&edge) == 2);
    scene.post(
        1,
        "2026-11-21T00:00:00.000Z",
        "[ipv4-addr:value = '198.51.100.66' OR domain-name:value = 'a.example']",
    );
    wait_until("the changed one is hunted", || hunts_done(&edge) == 3);
    edge.kill();
    let edge = scene.edge();
    wait_until("nothing waits", || edge.ledger()["waiting"] == 0 && hunts_done(&edge) == 3);
    assert_eq!(scene.sightings().len(), 3);
    assert_eq!(edge.ledger()["counts"]["matched"], 1);
}

#[test]
fn killed_while_it_keeps_and_hunts_an_edge_loses_nothing_and_doubles_nothing() {
    const RECORDS: usize = 12_000;
    const ROUNDS: usize = 8;
    let scene = Scene::set("");
    let mut edge = scene.edge();
    for round in 0..ROUNDS {
        let (from, to) = (round * RECORDS / ROUNDS, (round + 1) * RECORDS / ROUNDS);
        scene.append_records(from..to);
        // Killed when the lake has some of this round, a moment after it was read, or while it hunts.
        match round {
            3 => {
                scene.hub.post(&indicators());
                wait_until("the indicators came", || edge.ledger()["indicators"] == INDICATORS);
            }
            4 => wait_until("a hunt tells something", || !scene.sightings().is_empty()),
            _ if round % 2 == 0 => wait_until("it is read", || edge.ledger()["records"].as_u64() > Some(100)),
            _ => wait_until("some are kept", || {
                history(&edge.ledger(), "records").as_u64() > Some(from as u64)
            }),
        }
        edge.kill();
        edge = scene.edge();
    }
    kept(&edge, RECORDS);
    let all = sightings_before(RECORDS);
    let tell = || format!("{} of {all}, {}", scene.sightings().len(), edge.ledger());
    wait_until_or_tell("every planted record is told", || scene.sightings().len() >= all, tell);
    wait_until("the hunts are done", || hunts_done(&edge) > 0 && edge.ledger()["waiting"] == 0);
    let sightings = scene.sightings();
    let seen: BTreeSet<&str> =
        sightings.iter().map(|sighting| sighting["first_seen"].as_str().unwrap()).collect();
    assert_eq!((sightings.len(), seen.len()), (all, all));
    let counts = &edge.ledger()["counts"];
    assert_eq!(counts["matched"].as_u64().unwrap() + counts["found"].as_u64().unwrap(), all as u64);
    // The records of the first rounds were in the lake before there were indicators.
    assert!(counts["found"].as_u64().unwrap() >= sightings_before(RECORDS / ROUNDS) as u64, "{counts}");
    assert_eq!(history(&edge.ledger(), "lost"), 0);
    scene.check_kept_once(RECORDS);
    assert_eq!(RECORDS / HIT_EVERY, all);
}

#[test]
fn a_lake_that_cannot_be_written_stops_no_matching_and_is_made_up_for() {
    let scene = Scene::set("");
    // Where the lake's folder should be there is a file.
    std::fs::write(&scene.lake, "in the way").unwrap();
    scene.hub.post(&indicators());
    let edge = scene.edge();
    wait_until("the indicators came", || edge.ledger()["indicators"] == INDICATORS);
    scene.append_records(0..1000);
    wait_until("live matches are told", || scene.sightings().len() == sightings_before(1000));
    assert_eq!(edge.ledger()["trouble"], "lake-disk");
    let address = format!("{}/api/v1/edges/harbour-1", scene.hub.address);
    wait_until("the hub hears of it", || {
        let edge = crate::running::get(&address, Some(&scene.hub.token)).unwrap_or_default();
        edge["hello"]["trouble"] == "lake-disk"
    });
    std::fs::remove_file(&scene.lake).unwrap();
    kept(&edge, 1000);
    wait_until("the trouble is over", || edge.ledger()["trouble"].is_null());
    assert_eq!(history(&edge.ledger(), "lost"), 0);
    scene.check_kept_once(1000);
}

#[test]
fn what_is_too_old_is_taken_out_by_its_kind() {
    let scene = Scene::set("keep_days = 400\nkeep = { flow = 90 }");
    let day = |days: i64| {
        let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
        then.strftime("%Y-%m-%dT%H:%M:%S.000000+0000").to_string()
    };
    let dns = |days: i64| {
        format!(
            r#"{{"timestamp":"{}","event_type":"dns","src_ip":"10.0.0.5","dest_ip":"192.0.2.53","dns":{{"type":"query","rrname":"a.example"}}}}{}"#,
            day(days),
            '\n'
        )
    };
    let mut edge = scene.edge();
    for days in [1, 89, 91, 399, 401] {
        scene.append(&(flow(&day(days), "192.0.2.1") + &dns(days)));
    }
    kept(&edge, 10);
    edge.kill();
    // At the start, and once an hour.
    let edge = scene.edge();
    kept(&edge, 6);
    assert_eq!(history(&edge.ledger(), "expired"), 4);
    let kinds = status(&scene.lake);
    assert_eq!((&kinds["flow"]["records"], &kinds["dns"]["records"]), (&json!(2), &json!(4)));
    assert_eq!(scene.places("[domain-name:value = 'a.example']").len(), 4);
}

fn status(lake: &Path) -> Value {
    let done = yagura().args(["--json", "lake", "status"]).arg(lake).output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap()
}
