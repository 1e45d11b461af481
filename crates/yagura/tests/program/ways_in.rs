//! Telemetry that is pushed to edges or shared by them, while they are killed: what was acknowledged is found, and found once.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use async_nats::jetstream;
use serde_json::{Value, json};

use crate::kill::{HIT_EVERY, indicators, record, sightings_before};
use crate::nats::Cluster;
use crate::running::{
    CONSENT, Edge, Hub, RUNTIME, admin, edge_config_of, export, register_edge, wait_until, wait_until_or_tell,
};

pub(crate) const TOKEN: &str = "what the shippers of this test bear";

pub(crate) struct Scene {
    folder: tempfile::TempDir,
    pub(crate) hub: Hub,
    pub(crate) token: String,
}

impl Scene {
    pub(crate) fn set() -> Self {
        let scene = Self::set_without_indicators();
        scene.hub.post(&indicators());
        scene
    }

    pub(crate) fn set_without_indicators() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = Hub::start(&folder.path().join("hub"));
        let token = register_edge(&hub);
        std::fs::write(folder.path().join("token"), TOKEN).unwrap();
        Self { folder, hub, token }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config(&self, sources: &str) -> std::path::PathBuf {
        let sections = format!("[consent]\n{CONSENT}\n{sources}");
        edge_config_of(&self.path().join("edge"), "harbour-1", &self.hub, &self.token, &sections)
    }

    pub(crate) fn sightings(&self) -> Vec<Value> {
        export(&self.hub).into_iter().filter(|object| object["type"] == "sighting").collect()
    }

    /// Every planted record gave one sighting, and none gave two.
    #[track_caller]
    pub(crate) fn check_found_once(&self, records: usize) {
        let sightings = self.sightings();
        let seen: BTreeSet<&str> =
            sightings.iter().map(|sighting| sighting["first_seen"].as_str().unwrap()).collect();
        assert_eq!((sightings.len(), seen.len()), (sightings_before(records), sightings_before(records)));
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn source<'l>(ledger: &'l Value, name: &str) -> &'l Value {
    ledger["sources"].as_array().unwrap().iter().find(|source| source["name"] == name).unwrap_or(&Value::Null)
}

/// The status, or nothing where no answer came.
fn push(url: &str, packing: &str, body: Vec<u8>) -> Option<u16> {
    RUNTIME.block_on(async {
        let request = reqwest::Client::new().post(url).bearer_auth(TOKEN).body(body);
        let request =
            request.header("User-Agent", "Vector/0.43.1").header("Content-Type", "application/json");
        let request = if packing.is_empty() { request } else { request.header("Content-Encoding", packing) };
        Some(request.timeout(Duration::from_secs(20)).send().await.ok()?.status().as_u16())
    })
}

/// A batch in one of the forms of Vector and Fluent Bit.
fn batch(number: usize, records: &[String]) -> (&'static str, Vec<u8>) {
    let wrapped = |record: &String| json!({ "date": 1_793_491_200.5, "log": record }).to_string();
    match number % 4 {
        0 => ("", records.join("\n").into_bytes()),
        1 => ("zstd", zstd::encode_all(format!("[{}]", records.join(",")).as_bytes(), 1).unwrap()),
        2 => ("", records.concat().into_bytes()),
        _ => {
            let all: Vec<String> = records.iter().map(wrapped).collect();
            ("zstd", zstd::encode_all(format!("[{}]", all.join(",")).as_bytes(), 1).unwrap())
        }
    }
}

#[test]
fn what_was_answered_for_outlives_an_edge_that_is_killed_while_it_is_pushed_to() {
    const RECORDS: usize = 9_000;
    const BATCH: usize = 30;
    const ROUNDS: usize = 5;
    let scene = Scene::set();
    let port = free_port();
    let config = scene.config(&format!(
        "[[source]]\nname = \"vector\"\nkind = \"http\"\nlisten = \"127.0.0.1:{port}\"\ntoken_file = {:?}\n",
        scene.path().join("token")
    ));
    let mut edge = Edge::start(&config);
    let shipper = std::thread::spawn(move || {
        let url = format!("http://127.0.0.1:{port}/");
        let mut again = 0;
        for number in 0..RECORDS / BATCH {
            let records: Vec<String> = (number * BATCH..(number + 1) * BATCH).map(record).collect();
            let (packing, body) = batch(number, &records);
            while push(&url, packing, body.clone()) != Some(200) {
                again += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        again
    });
    for round in 1..=ROUNDS {
        let some = round * sightings_before(RECORDS) / (ROUNDS + 2);
        let tell = || format!("round {round}, wanted {some}, edge {}", edge.ledger());
        wait_until_or_tell("sightings arrive", || scene.sightings().len() >= some, tell);
        edge.kill();
        edge = Edge::start(&config);
    }
    let again = shipper.join().unwrap();
    assert!(again > 0, "the shipper noticed that the edge was killed");
    let all = sightings_before(RECORDS);
    wait_until("every sighting arrives", || scene.sightings().len() >= all);
    wait_until("everything is matched", || {
        let ledger = edge.ledger();
        ledger["waiting"] == 0 && source(&ledger, "vector")["behind_bytes"] == 0
    });
    scene.check_found_once(RECORDS);
    // The edge's own account, which it keeps over restarts, is that nothing was matched twice.
    assert_eq!(edge.ledger()["counts"]["matched"], all);
}

#[test]
fn while_nothing_is_matched_pushes_are_sent_away_and_nothing_taken_is_lost() {
    let mut scene = Scene::set();
    let port = free_port();
    let config = scene.config(&format!(
        "[[source]]\nname = \"vector\"\nkind = \"http\"\nlisten = \"127.0.0.1:{port}\"\ntoken_file = {:?}\n\
         queue_bytes_max = 1048576\n",
        scene.path().join("token")
    ));
    // Without a hub the edge does not know yet what to look for, so that it matches nothing.
    scene.hub.kill();
    let edge = Edge::start(&config);
    let url = format!("http://127.0.0.1:{port}/");
    let lines = |from: usize, to: usize| (from..to).map(|number| record(number) + "\n").collect::<String>();
    let mut taken = 0;
    let refused = loop {
        match push(&url, "", lines(taken, taken + 500).into_bytes()) {
            Some(200) => taken += 500,
            status => break status,
        }
        assert!(taken < 100_000, "the queue is bounded");
    };
    assert_eq!(refused, Some(429));
    assert!(taken >= 2000);
    scene.hub = scene.hub.start_again();
    wait_until("there is room again", || push(&url, "", lines(taken, taken + 500).into_bytes()) == Some(200));
    let records = taken + 500;
    wait_until("every sighting arrives", || scene.sightings().len() >= sightings_before(records));
    wait_until("everything is matched", || source(&edge.ledger(), "vector")["behind_bytes"] == 0);
    scene.check_found_once(records);
    let ledger = edge.ledger();
    let vector = source(&ledger, "vector");
    assert_eq!(vector["records"], records);
    assert_eq!(vector["format"], "eve");
    assert!(vector["refused"]["queue-full"].as_u64().unwrap() >= 1);
    assert_eq!(vector["dropped"], json!({}));
}

#[test]
fn messages_of_syslog_are_matched_whatever_they_carry() {
    let scene = Scene::set();
    let config = scene.config(
        "[[source]]\nname = \"udp\"\nkind = \"syslog\"\ntransport = \"udp\"\nlisten = \"127.0.0.1:0\"\n\
         [[source]]\nname = \"tcp\"\nkind = \"syslog\"\ntransport = \"tcp\"\nlisten = \"127.0.0.1:0\"\n",
    );
    let mut edge = Edge::start(&config);
    let bad = "198.51.100.1";
    let address = |edge: &Edge, name: &str| {
        wait_until("the edge says where it listens", || source(&edge.ledger(), name)["listens"].is_string());
        source(&edge.ledger(), name)["listens"].as_str().unwrap().to_owned()
    };
    let eve = format!("<13>1 2026-11-01T00:00:01Z sensor suricata - - - {}", record(0));
    let cef = format!(
        "<134>1 2026-11-01T00:00:02Z fw cef - - - CEF:0|V|P|1|1|deny|5|src=10.0.0.5 dst={bad} proto=TCP"
    );
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(cef.as_bytes(), address(&edge, "udp")).unwrap();
    let mut tcp = TcpStream::connect(address(&edge, "tcp")).unwrap();
    write!(tcp, "{} {eve}", eve.len()).unwrap();
    wait_until("both are found", || scene.sightings().len() == 2);
    wait_until("nothing waits", || edge.ledger()["waiting"] == 0);
    edge.kill();
    let edge = Edge::start(&config);
    let mut tcp = TcpStream::connect(address(&edge, "tcp")).unwrap();
    writeln!(tcp, "<134>Nov  1 00:00:03 fw kernel: DROP SRC=10.0.0.5 DST={bad} PROTO=TCP").unwrap();
    wait_until("what came after the restart is found", || scene.sightings().len() == 3);
    assert_eq!(edge.ledger()["counts"]["matched"], 3);
}

#[test]
fn of_edges_that_share_a_stream_one_takes_over_what_a_killed_one_had() {
    const RECORDS: usize = 8_000;
    let Some(nats) = Cluster::start(1) else { return };
    let scene = Scene::set();
    let second = admin(&scene.hub, &["edge", "add", "harbour-2", "--org", "harbour", "--name", "Harbour 2"]);
    let group_key = scene.path().join("group.key");
    std::fs::write(&group_key, "what the edges of this group share").unwrap();
    let sections = format!(
        "[consent]\n{CONSENT}\n[[source]]\nname = \"bus\"\nkind = \"nats\"\nservers = [\"nats://{}\"]\nstream = \"TELEMETRY\"\n\
         consumer = \"yagura\"\ngroup_key_file = {group_key:?}\nack_wait_seconds = 2\n",
        nats.hosts()
    );
    let configs = [("harbour-1", &scene.token), ("harbour-2", &second)]
        .map(|(id, token)| edge_config_of(&scene.path().join(id), id, &scene.hub, token, &sections));
    let bus = RUNTIME.block_on(async {
        let bus = jetstream::new(async_nats::connect(nats.hosts()).await.unwrap());
        let subjects = vec!["logs.>".to_owned()];
        let stream =
            jetstream::stream::Config { name: "TELEMETRY".to_owned(), subjects, ..Default::default() };
        bus.create_stream(stream).await.unwrap();
        bus
    });
    let publisher = bus.clone();
    let publishing = std::thread::spawn(move || {
        RUNTIME.block_on(async {
            for number in 0..RECORDS {
                let sent = publisher.publish("logs.eve", record(number).into()).await.unwrap();
                sent.await.unwrap();
            }
        });
    });
    let mut edges = configs.each_ref().map(|config| Edge::start(config));
    for round in 1..=4 {
        let some = round * sightings_before(RECORDS) / 6;
        wait_until("sightings arrive", || scene.sightings().len() >= some);
        let number = round % 2;
        edges[number].kill();
        if round < 4 {
            edges[number] = Edge::start(&configs[number]);
        }
    }
    publishing.join().unwrap();
    // The first of them stays dead: the other finishes alone, but for what the dead one found and did not send.
    let consumer = || {
        RUNTIME.block_on(async {
            let stream = bus.get_stream("TELEMETRY").await.unwrap();
            let info = stream.consumer_info("yagura").await.unwrap();
            (info.num_pending, info.num_ack_pending)
        })
    };
    wait_until("every message is acknowledged", || consumer() == (0, 0));
    edges[0] = Edge::start(&configs[0]);
    wait_until("every sighting arrives", || scene.sightings().len() >= sightings_before(RECORDS));
    wait_until("nothing waits", || edges.iter().all(|edge| edge.ledger()["waiting"] == 0));
    scene.check_found_once(RECORDS);
    let counts = edges.each_ref().map(|edge| edge.ledger()["counts"].clone());
    let sent: u64 = counts.iter().map(|counts| counts["sent"].as_u64().unwrap()).sum();
    let duplicate: u64 = counts.iter().map(|counts| counts["duplicate"].as_u64().unwrap()).sum();
    assert!(sent as usize <= RECORDS / HIT_EVERY, "{counts:?}");
    assert!((sent + duplicate) as usize >= RECORDS / HIT_EVERY, "{counts:?}");
    assert!(counts.iter().all(|counts| counts["sent"].as_u64().unwrap() > 0), "both worked: {counts:?}");
}
