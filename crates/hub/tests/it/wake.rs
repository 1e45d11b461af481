//! Hubs on one database that wake each other through NATS: what it adds, and that nothing is lost without it.

use std::time::{Duration, Instant};

use serde_json::Value;
use stix::marking::Tlp;
use store::Place;

use crate::database::Server;
use crate::nats::Cluster;
use crate::stream::Follow;
use crate::support::{TestHub, V1, id_of, indicator, marked};

/// Longer than anything takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Two hubs on one database that wake each other at these servers.
pub(crate) async fn two_hubs(server: &Server, wake: &str) -> [TestHub; 2] {
    let place = Place::parse(&server.address());
    let wake = Some(hub::WakeConfig::parse(wake).unwrap());
    let one = TestHub::start_with(|config| {
        config.store = Some(place.clone());
        config.wake.clone_from(&wake);
    });
    let one = one.await;
    let two = one.beside_with(&place, |config| config.wake.clone_from(&wake)).await;
    [one, two]
}

/// Waits for a state that `/readyz` tells.
pub(crate) async fn wait_for_notice(hub: &TestHub, what: &str, is_so: impl Fn(&Value) -> bool) {
    let begun = Instant::now();
    loop {
        let ready = hub.get("/readyz").stranger().send().await;
        assert_eq!(ready.status, 200, "a hub without NATS serves");
        let notices = ready.json()["notices"].clone();
        if is_so(&notices) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "waited too long until {what}: {notices}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A count of `/metrics`.
async fn counted(hub: &TestHub, name: &str) -> f64 {
    let metrics = hub.get("/metrics").send().await;
    let text = String::from_utf8(metrics.body).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

const HEARD: &str = "yagura_wake_messages_total{outcome=\"heard\"}";

/// Without the database's notifications, the other hub's streams hear of a write through NATS before they would look by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_wakes_the_other_hub() {
    let (Some(server), Some(cluster)) = (Server::start(), Cluster::start(1)) else { return };
    let [one, two] = two_hubs(&server, &format!("nats://{}", cluster.hosts())).await;
    for hub in [&one, &two] {
        wait_for_notice(hub, "NATS is there", |notices| notices == &serde_json::json!([])).await;
    }
    let mut stream = Follow::open(&two, &two.token, "").await;
    let begun = Instant::now();
    let mut writes = 0;
    while counted(&two, HEARD).await < 3.0 {
        assert!(begun.elapsed() < PATIENCE, "no wake was heard in {writes} writes");
        tokio::task::block_in_place(|| deafen(&server));
        let object = marked(indicator(V1), Tlp::Green);
        one.publish(&one.token, std::slice::from_ref(&object)).await;
        assert_eq!(stream.next().await.unwrap().object(), id_of(&object));
        writes += 1;
    }
    assert_eq!(counted(&two, "yagura_wake_connected").await, 1.0);
    assert!(counted(&one, "yagura_wake_messages_total{outcome=\"sent\"}").await >= 3.0);
}

/// Cuts the connections by which hubs hear of commits from the database; they come back after half a second.
fn deafen(server: &Server) {
    server.alter(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yagura listener'",
    );
}

/// One of three servers is killed under writes, then the others: every object comes on each hub's stream, once and in order.
#[tokio::test(flavor = "multi_thread")]
async fn killed_servers_lose_nothing_and_repeat_nothing() {
    let (Some(server), Some(mut cluster)) = (Server::start(), Cluster::start(3)) else { return };
    let hubs = two_hubs(&server, &format!("nats://{}", cluster.hosts())).await;
    for hub in &hubs {
        wait_for_notice(hub, "NATS is there", |notices| notices == &serde_json::json!([])).await;
    }
    let mut streams =
        [Follow::open(&hubs[0], &hubs[0].token, "").await, Follow::open(&hubs[1], &hubs[1].token, "").await];
    let mut published = Vec::new();
    for round in 0..90 {
        match round {
            // Whichever of them leads, the stream goes on.
            20 => cluster.kill(0),
            40 => {
                cluster.kill(1);
                cluster.kill(2);
            }
            60 => (0..3).for_each(|number| cluster.resume(number)),
            _ => {}
        }
        let object = marked(indicator(V1), Tlp::Green);
        let hub = &hubs[round % 2];
        hub.publish(&hub.token, std::slice::from_ref(&object)).await;
        published.push(id_of(&object));
    }
    for stream in &mut streams {
        for expected in &published {
            assert_eq!(stream.next().await.unwrap().object(), expected, "each once, in order");
        }
    }
    for hub in &hubs {
        wait_for_notice(hub, "NATS is back", |notices| notices == &serde_json::json!([])).await;
    }
}

/// No server at all: hubs start, serve, say so, and hear of each other.
#[tokio::test(flavor = "multi_thread")]
async fn without_any_server_the_database_wakes_them() {
    let Some(server) = Server::start() else { return };
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let [one, two] = two_hubs(&server, &format!("nats://{nobody}")).await;
    let is_told = |notices: &Value| notices[0].as_str().is_some_and(|told| told.starts_with("wake-away: "));
    wait_for_notice(&two, "it says so", is_told).await;
    let mut stream = Follow::open(&two, &two.token, "").await;
    let object = marked(indicator(V1), Tlp::Green);
    one.publish(&one.token, std::slice::from_ref(&object)).await;
    assert_eq!(stream.next().await.unwrap().object(), id_of(&object));
}

/// Servers that ask who is there and speak TLS; whoever cannot sign in is told what to do, and serves.
#[tokio::test(flavor = "multi_thread")]
async fn hubs_sign_in_and_speak_tls() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen_key(folder.path());
    let (Some(server), Some(cluster)) = (
        Server::start(),
        Cluster::start_with(
            1,
            &format!(
                "authorization {{ user: hub, password: \"s3cret\" }}\ntls {{ cert_file: {key:?}, key_file: \"{}\" }}\n",
                key.with_extension("key").display()
            ),
        ),
    ) else {
        return;
    };
    let at = |user: &str| {
        format!("tls://{user}@{}?ca={}", cluster.hosts().replace("127.0.0.1", "localhost"), key.display())
    };
    let [one, two] = two_hubs(&server, &at("hub:s3cret")).await;
    for hub in [&one, &two] {
        wait_for_notice(hub, "NATS is there", |notices| notices == &serde_json::json!([])).await;
    }
    let place = Place::parse(&server.address());
    let wrong = one
        .beside_with(&place, |config| config.wake = Some(hub::WakeConfig::parse(&at("hub:wrong")).unwrap()));
    let is_told = |notices: &Value| notices[0].as_str().is_some_and(|told| told.starts_with("wake-away: "));
    wait_for_notice(&wrong.await, "it says so", is_told).await;
}

/// By a token, and by a key whose seed stands in a file.
#[tokio::test(flavor = "multi_thread")]
async fn hubs_sign_in_by_token_and_by_key() {
    // The pair of NATS' own documentation.
    const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    const KEY: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hub.nk");
    std::fs::write(&file, format!("{SEED}\n")).unwrap();
    let Some(server) = Server::start() else { return };
    let first = TestHub::start_with(|config| config.store = Some(Place::parse(&server.address()))).await;
    for (configuration, before, after) in [
        ("authorization { token: \"s3cret\" }".to_owned(), "s3cret@", String::new()),
        (
            format!("authorization {{ users: [ {{ nkey: {KEY} }} ] }}"),
            "",
            format!("?nkey={}", file.display()),
        ),
    ] {
        let Some(cluster) = Cluster::start_with(1, &configuration) else { return };
        let config = hub::WakeConfig::parse(&format!("nats://{before}{}{after}", cluster.hosts())).unwrap();
        let hub = first.beside_with(&first.running.place(), |it| it.wake = Some(config)).await;
        wait_for_notice(&hub, "NATS is there", |notices| notices == &serde_json::json!([])).await;
    }
    let nowhere = hub::WakeConfig::parse("nats://localhost?creds=/nowhere/hub.creds").unwrap();
    let mut config = hub::HubConfig::new(folder.path(), ([127, 0, 0, 1], 0).into());
    (config.store, config.wake) = (Some(first.running.place()), Some(nowhere));
    for name in ["node.key", "peer.key", "peer.crt"] {
        std::fs::copy(first.folder.path().join(name), folder.path().join(name)).unwrap();
    }
    let refused = hub::Hub::start(config).await.err().unwrap();
    assert_eq!(refused.code, "wake");
    assert!(refused.message.contains("`/nowhere/hub.creds` cannot be used"), "{}", refused.message);
}

/// A certificate for `localhost` and its key beside it.
fn rcgen_key(folder: &std::path::Path) -> std::path::PathBuf {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let path = folder.join("nats.pem");
    std::fs::write(&path, made.cert.pem()).unwrap();
    std::fs::write(path.with_extension("key"), made.signing_key.serialize_pem()).unwrap();
    path
}

/// How soon the other hub knows of a commit, from when the writer has its answer: by the database's notification alone, with NATS
/// beside it, and by NATS alone. Prints what it measures.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; run it with --run-ignored and --no-capture"]
async fn how_soon_a_wake_comes() {
    let (Some(server), Some(cluster)) = (Server::start(), Cluster::start(3)) else { return };
    let wake = format!("nats://{}", cluster.hosts());
    let place = Place::parse(&server.address());
    let alone = TestHub::start_with(|config| config.store = Some(place.clone())).await;
    let beside = alone.beside(&place).await;
    measure("NOTIFY alone", &alone, &beside, || {}).await;
    let config = Some(hub::WakeConfig::parse(&wake).unwrap());
    let one = alone.beside_with(&place, |it| it.wake.clone_from(&config)).await;
    let two = alone.beside_with(&place, |it| it.wake.clone_from(&config)).await;
    for hub in [&one, &two] {
        wait_for_notice(hub, "NATS is there", |notices| notices == &serde_json::json!([])).await;
    }
    measure("NOTIFY and NATS", &one, &two, || {}).await;
    measure("NATS alone", &one, &two, || tokio::task::block_in_place(|| deafen(&server))).await;
    measure("look every second alone", &alone, &beside, || tokio::task::block_in_place(|| deafen(&server)))
        .await;
}

async fn measure(what: &str, from: &TestHub, to: &TestHub, before: impl Fn()) {
    let mut took = Vec::new();
    let mut committed = to.running.store().committed();
    for _ in 0..if what.contains("second") { 20 } else { 200 } {
        before();
        let object = marked(indicator(V1), Tlp::Green);
        let known = *committed.borrow_and_update();
        let heard = tokio::spawn({
            let mut committed = committed.clone();
            async move {
                committed.wait_for(|newest| *newest > known).await.unwrap();
                Instant::now()
            }
        });
        from.publish(&from.token, std::slice::from_ref(&object)).await;
        let answered = Instant::now();
        took.push(heard.await.unwrap().saturating_duration_since(answered));
    }
    took.sort_unstable();
    let at = |part: usize| took[took.len() * part / 100].as_micros();
    println!("{what}: p50 {} µs, p90 {} µs, p99 {} µs after the writer's answer", at(50), at(90), at(99));
}
