//! Flows, DNS messages and event logs reach the hub as sightings, each once, also over an edge that is killed.

use std::io::{Read as _, Write as _};
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::kill::indicators;
use crate::running::{
    CONSENT, Edge, Hub, edge_config_of, export, register_edge, wait_until, wait_until_or_tell,
};

fn account() -> Value {
    let (id, time) = ("indicator--7d0c6a52-3f0e-4b7c-9d0c-2f6a1b4a7e01", "2010-01-01T00:00:00.000Z");
    json!({ "objects": [{
        "type": "indicator", "spec_version": "2.1", "id": id, "created": time, "modified": time, "name": "account",
        "pattern": "[user-account:account_login = 'IEUser']", "pattern_type": "stix", "valid_from": time,
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
    }] })
}

/// One event of four is about the account.
fn event_log() -> Vec<u8> {
    let packed = include_bytes!("../../../telemetry/tests/data/new-user-security.evtx.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// A datagram of NetFlow 5 with one flow, of which this is the number.
fn flow(number: u32) -> Vec<u8> {
    let seconds = 1_793_491_200_u32 + number;
    let numbers =
        |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
    let header = [vec![0, 5, 0, 1], numbers(&[60_000, seconds, 0, number, 0])].concat();
    let flow =
        [numbers(&[0x0a00_0005, 0xc633_6401, 0, 0, 3, 1500, 50_000, 59_000]), vec![0xc3, 0x50, 1, 0xbb]]
            .concat();
    [header, flow, vec![0, 0x1b, 6, 0], vec![0; 8]].concat()
}

/// A stream of dnstap with one CLIENT_QUERY to an address that is looked for.
fn dnstap() -> Vec<u8> {
    let control = |kind: u8, rest: &[u8]| {
        [&[0, 0, 0, 0, 0, 0, 0, 4 + rest.len() as u8, 0, 0, 0, kind][..], rest].concat()
    };
    let content = [&[0, 0, 0, 1, 0, 0, 0, 22][..], b"protobuf:dnstap.Dnstap"].concat();
    // Kind, the addresses, and 2026-11-01T00:00:00Z as seconds.
    let message = [
        &[0x08, 5, 0x22, 4, 10, 0, 0, 5, 0x2a, 4, 198, 51, 100, 2, 0x40][..],
        &[0x80, 0x82, 0x9a, 0xd7, 0x06],
    ]
    .concat();
    let frame = [&[0x72, message.len() as u8][..], &message, &[0x78, 1]].concat();
    [control(2, &content), vec![0, 0, 0, frame.len() as u8], frame, control(3, &[])].concat()
}

fn sightings(hub: &Hub) -> usize {
    export(hub).iter().filter(|object| object["type"] == "sighting").count()
}

fn matched(edge: &Edge) -> Value {
    edge.ledger()["counts"]["matched"].clone()
}

#[test]
fn flows_dns_messages_and_event_logs_are_found_once() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let token = register_edge(&hub);
    hub.post(&indicators());
    hub.post(&account());
    let (logs, socket) = (folder.path().join("logs"), folder.path().join("dnstap.sock"));
    std::fs::create_dir(&logs).unwrap();
    std::fs::write(logs.join("Security.evtx"), event_log()).unwrap();
    let sources = format!(
        "[matching]\nunanchored = \"all\"\n[consent]\n{CONSENT}\n[[source]]\nname = \"routers\"\nkind = \"netflow\"\nlisten = \"127.0.0.1:0\"\n\
         [[source]]\nname = \"resolver\"\nkind = \"dnstap\"\nlisten = {socket:?}\n\
         [[source]]\nname = \"windows\"\npath = \"{}/*\"\n",
        logs.display()
    );
    let config = edge_config_of(&folder.path().join("edge"), "harbour-1", &hub, &token, &sources);
    let mut edge = Edge::start(&config);
    let routers = |edge: &Edge| {
        let mut listens = Value::Null;
        wait_until("the edge says where it listens", || {
            let ledger = edge.ledger();
            let sources = ledger["sources"].as_array().unwrap();
            listens = sources
                .iter()
                .find(|source| source["name"] == "routers")
                .map_or(Value::Null, |s| s["listens"].clone());
            listens.is_string()
        });
        listens.as_str().unwrap().to_owned()
    };
    let exporter = UdpSocket::bind("127.0.0.1:0").unwrap();
    exporter.send_to(&flow(1), routers(&edge)).unwrap();
    UnixStream::connect(&socket).unwrap().write_all(&dnstap()).unwrap();
    wait_until_or_tell("each is matched", || matched(&edge) == 3, || edge.ledger().to_string());
    let is_told = || sightings(&hub) >= 2 && edge.ledger()["waiting"] == 0;
    wait_until_or_tell("the hub is told", is_told, || edge.ledger().to_string());
    let told = sightings(&hub);
    edge.kill();
    std::fs::write(logs.join("Copy.evtx"), event_log()).unwrap();
    let edge = Edge::start(&config);
    exporter.send_to(&flow(2), routers(&edge)).unwrap();
    wait_until_or_tell(
        "the next flow is matched",
        || sightings(&hub) == told + 1,
        || edge.ledger().to_string(),
    );
    // The copy is read once it is quiet, and gives nothing.
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(matched(&edge), 4);
}
