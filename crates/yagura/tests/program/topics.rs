//! Topics of Kafka that edges share as a group.

use std::path::PathBuf;
use std::sync::Arc;

use krafka::{Compression, Kafka, Record};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};

use crate::broker::Broker;
use crate::kill::{HIT_EVERY, record, sightings_before};
use crate::running::{CONSENT, Edge, RUNTIME, admin, edge_config_of, wait_until, wait_until_or_tell};
use crate::ways_in::{Scene, free_port, source};

const TOPIC: &str = "telemetry";
const PARTITIONS: i32 = 4;
const PACKINGS: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

/// A section that reads the topic from a broker, with these lines as well.
fn section(scene: &Scene, servers: &str, more: &str) -> String {
    let group_key = scene.path().join("group.key");
    std::fs::write(&group_key, "what the edges of this group share").unwrap();
    format!(
        "[consent]\n{CONSENT}\n[[source]]\nname = \"bus\"\nkind = \"kafka\"\nservers = [\"{servers}\"]\ntopics = [\"{TOPIC}\"]\n\
         group = \"yagura\"\ngroup_key_file = {group_key:?}\nsession_seconds = 6\n{more}"
    )
}

/// Publishes records, and among them what gives nothing: a tombstone, and a message that is no record.
async fn publish(kafka: &Kafka, records: std::ops::Range<usize>) {
    for (number, chunk) in records.collect::<Vec<_>>().chunks(100).enumerate() {
        let packing = PACKINGS[number % PACKINGS.len()];
        let producer = kafka.producer().compression(packing).build().await.unwrap();
        let mut sent = Vec::new();
        for number in chunk {
            // What is found is in every partition: whoever has any of them finds something.
            let partition = i32::try_from((number + number / HIT_EVERY) % PARTITIONS as usize).unwrap();
            let message = Record::new(TOPIC, record(*number)).partition(partition);
            let message = message.key(format!("host-{number}")).header("sensor", &b"s1"[..]);
            sent.push(producer.enqueue(message).await.unwrap());
        }
        sent.push(producer.enqueue(Record::tombstone(TOPIC, "host-1").partition(1)).await.unwrap());
        sent.push(producer.enqueue(Record::new(TOPIC, "[{\"cut\": ").partition(2)).await.unwrap());
        for one in sent {
            one.await.map(drop).unwrap();
        }
        producer.close().await.unwrap();
    }
}

#[test]
fn of_edges_in_a_group_one_takes_over_the_partitions_of_a_killed_one() {
    let Some(mut pair) = Pair::killed_in_turn("") else { return };
    pair.bring_back();
    wait_until("the other has partitions again", || partitions(&pair.edges[0]) > 0);
    pair.check_found_once();
    let told = pair.edges[0].ledger();
    let (received, repeated) = (&source(&told, "bus")["received"], &source(&told, "bus")["repeated"]);
    assert_eq!((received, repeated), (&json!(0), &json!(0)), "every offset was committed: {told}");
}

/// A named member is waited for within its session. Of one that comes later nothing is asked here but that what it
/// had found arrives: the broker of these tests does not take it into the group again (see the operators' page on edges).
#[test]
fn a_named_member_that_is_killed_loses_and_doubles_nothing() {
    let Some(mut pair) = Pair::killed_in_turn("member = \"harbour-1\"\n") else { return };
    pair.bring_back();
    pair.check_found_once();
}

/// Two edges of a group, a hub and a broker.
struct Pair {
    _broker: Broker,
    scene: Scene,
    configs: [PathBuf; 2],
    edges: [Edge; 2],
}

impl Pair {
    const RECORDS: usize = 8_000;

    /// Each is killed twice while records come; the first of them stays dead, and the other reads to the end. `None` where there is
    /// no broker.
    fn killed_in_turn(first: &str) -> Option<Self> {
        let broker = Broker::start()?;
        let scene = Scene::set();
        let kafka = broker.with_topic(TOPIC, PARTITIONS);
        let second =
            admin(&scene.hub, &["edge", "add", "harbour-2", "--org", "harbour", "--name", "Harbour 2"]);
        let edges_of = [("harbour-1", &scene.token, first), ("harbour-2", &second, "")];
        let configs = edges_of.map(|(id, token, more)| {
            let sections = section(&scene, &broker.address(), more);
            edge_config_of(&scene.path().join(id), id, &scene.hub, token, &sections)
        });
        let mut edges = configs.each_ref().map(|config| Edge::start(config));
        wait_until("each edge has partitions", || edges.iter().all(|edge| partitions(edge) > 0));
        // Not all at once: an edge that has every partition while the other is dead reads faster than that one is killed and back.
        RUNTIME.block_on(publish(&kafka, 0..Self::RECORDS / 6));
        let found = |edge: &Edge| edge.ledger()["counts"]["matched"].as_u64().unwrap();
        wait_until("both have found something", || edges.iter().all(|edge| found(edge) > 0));
        let rest = Self::RECORDS / 6..Self::RECORDS;
        let publishing = std::thread::spawn(move || RUNTIME.block_on(publish(&kafka, rest)));
        for round in 1..=4 {
            let some = round * sightings_before(Self::RECORDS) / 6;
            let tell = || format!("round {round}, {} of {some}", scene.sightings().len());
            wait_until_or_tell("sightings arrive", || scene.sightings().len() >= some, tell);
            let number = round % 2;
            edges[number].kill();
            if round < 4 {
                edges[number] = Edge::start(&configs[number]);
            }
        }
        publishing.join().unwrap();
        let has_read_all = |edge: &Edge| {
            partitions(edge) == PARTITIONS as usize && source(&edge.ledger(), "bus")["behind_messages"] == 0
        };
        wait_until("the one that lives has every partition and has read it", || has_read_all(&edges[1]));
        Some(Self { _broker: broker, scene, configs, edges })
    }

    /// What the dead one found and did not send is still to come.
    fn bring_back(&mut self) {
        self.edges[0] = Edge::start(&self.configs[0]);
    }

    fn check_found_once(&self) {
        let Self { scene, edges, .. } = self;
        let due = Self::RECORDS / HIT_EVERY;
        wait_until("every sighting arrives", || scene.sightings().len() >= sightings_before(Self::RECORDS));
        wait_until("nothing waits", || edges.iter().all(|edge| edge.ledger()["waiting"] == 0));
        scene.check_found_once(Self::RECORDS);
        let counts = edges.each_ref().map(|edge| edge.ledger()["counts"].clone());
        let sum =
            |name: &str| counts.iter().map(|counts| counts[name].as_u64().unwrap()).sum::<u64>() as usize;
        assert!(sum("sent") <= due && sum("sent") + sum("duplicate") >= due, "{counts:?}");
        let has_sent = |counts: &Value| counts["sent"].as_u64().unwrap() > 0;
        assert!(counts.iter().all(has_sent), "both worked: {counts:?}");
    }
}

/// How many partitions an edge has.
fn partitions(edge: &Edge) -> usize {
    source(&edge.ledger(), "bus")["partitions"].as_array().map_or(0, Vec::len)
}

#[test]
fn an_edge_alone_counts_every_message_once_over_a_restart() {
    const RECORDS: usize = 1_000;
    let Some(broker) = Broker::start() else { return };
    let scene = Scene::set();
    let kafka = broker.with_topic(TOPIC, PARTITIONS);
    RUNTIME.block_on(publish(&kafka, 0..RECORDS / 2));
    let sections = section(&scene, &broker.address(), "member = \"harbour-1\"\n");
    let config = edge_config_of(&scene.path().join("edge"), "harbour-1", &scene.hub, &scene.token, &sections);
    let mut edge = Edge::start(&config);
    let all_read =
        |edge: &Edge| partitions(edge) == 4 && source(&edge.ledger(), "bus")["behind_messages"] == 0;
    wait_until("everything is read", || all_read(&edge));
    let told = edge.ledger();
    let counted = source(&told, "bus");
    assert_eq!(counted["records"], RECORDS / 2);
    assert_eq!(counted["refused"]["tombstone"], 5, "{counted}");
    assert_eq!(counted["refused"].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>(), 10);
    assert_eq!(counted["dropped"], json!({}));
    edge.kill();
    let edge = Edge::start(&config);
    RUNTIME.block_on(publish(&kafka, RECORDS / 2..RECORDS));
    wait_until("every sighting arrives", || scene.sightings().len() >= sightings_before(RECORDS));
    wait_until("everything is read", || all_read(&edge) && edge.ledger()["waiting"] == 0);
    scene.check_found_once(RECORDS);
    assert_eq!(edge.ledger()["counts"]["matched"], sightings_before(RECORDS));
}

#[test]
fn records_come_by_tls_or_from_this_machine() {
    let scene = Scene::set();
    let (port, front) = (free_port(), free_port());
    let Some(broker) = Broker::start_told(port, &format!("localhost:{front}")) else { return };
    let certificate = in_front_of(&broker, front, &scene);
    RUNTIME.block_on(async {
        let tls = krafka::auth::TlsConfig::new().with_ca_cert(certificate.to_string_lossy());
        let security = krafka::auth::AuthConfig::ssl(tls);
        let kafka = Kafka::builder(format!("localhost:{front}")).security(security);
        let kafka = kafka.connect().await.unwrap();
        let topic = krafka::admin::NewTopic::new(TOPIC, PARTITIONS, 1).unwrap();
        kafka.admin().create_topics([topic], Default::default()).await.unwrap();
        publish(&kafka, 0..100).await;
    });
    let sections =
        section(&scene, &format!("localhost:{front}"), &format!("certificate = {certificate:?}\n"));
    let config = edge_config_of(&scene.path().join("edge"), "harbour-1", &scene.hub, &scene.token, &sections);
    let _edge = Edge::start(&config);
    wait_until("every sighting arrives", || scene.sightings().len() == sightings_before(100));

    // Asked on this machine, a cluster that names brokers elsewhere is not read in the open.
    let port = free_port();
    let Some(far) = Broker::start_told(port, "kafka.example:9092") else { return };
    let second = admin(&scene.hub, &["edge", "add", "harbour-2", "--org", "harbour", "--name", "Harbour 2"]);
    let sections = section(&scene, &far.address(), "");
    let config = edge_config_of(&scene.path().join("edge-2"), "harbour-2", &scene.hub, &second, &sections);
    let edge = Edge::start(&config);
    wait_until("the edge says that it cannot read", || edge.ledger()["trouble"] == "stream-away");
}

/// TLS before a broker that speaks none; gives what its certificate leads back to.
fn in_front_of(broker: &Broker, port: u16, scene: &Scene) -> PathBuf {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let path = scene.path().join("broker.pem");
    std::fs::write(&path, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config.unwrap()));
    let behind = broker.address();
    let listener = RUNTIME.block_on(tokio::net::TcpListener::bind(("127.0.0.1", port))).unwrap();
    RUNTIME.spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let Ok(mut server) = tokio::net::TcpStream::connect(behind).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    path
}
