//! A whole edge behind a real broker: whose orders are carried out, who is answered, and what nobody's orders do.

#[path = "../../../openc2/tests/broker/mosquitto.rs"]
#[expect(dead_code, reason = "an edge's tests need less of it than the client's")]
mod mosquitto;

use std::path::Path;
use std::time::{Duration, Instant};

use api::{EdgeOrder, OrderReport, OrderState};
use openc2::client::{Beside, Client, Delivery, Settings, Written, start};
use openc2::mqtt::{self, Connect, Publish, Topic};
use openc2::{Content, DateTime, Message};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use self::mosquitto::Mosquitto;
use super::link_tests::{Hub, serve};
use super::tests::{MINUTE, deny, key, order_of};
use crate::{Config, RunningEdge};

/// Longest wait for a state, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const TOKEN: &str = "ye_secret";

fn now() -> DateTime {
    DateTime(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap())
}

fn secret() -> [u8; 32] {
    Sha256::digest(TOKEN.as_bytes()).into()
}

struct Scene {
    broker: Mosquitto,
    folder: tempfile::TempDir,
    hub: Hub,
    address: std::net::SocketAddr,
    edge: Option<RunningEdge>,
    producer: Client,
    answers: Receiver<Delivery>,
}

fn configured(folder: &Path, hub: std::net::SocketAddr, broker: &str, only: bool) -> Config {
    let list = folder.join("block.txt");
    let public = |seed| hex::encode(key(seed).verifying_key().to_bytes());
    let text = format!(
        "id = \"edge-1\"\ndata = {:?}\nlisten = \"127.0.0.1:0\"\n[hub]\nurl = \"http://{hub}\"\ntoken = \"{TOKEN}\"\n\
         [orders]\nenabled = true\nconsent = \"automatic\"\nreconcile_seconds = 1\n\
         [[orders.hub_key]]\nissuer = \"council\"\nkey = \"{}\"\n[[orders.hub_key]]\nissuer = \"police/hq\"\nkey = \"{}\"\n\
         [[orders.allow]]\nnetworks = [\"198.51.100.0/24\"]\n[[orders.device]]\nkind = \"list\"\nholds = \"addresses\"\nfile = {list:?}\n\
         [orders.mqtt]\nurl = \"{broker}\"\nonly = {only}\n",
        folder.join("data"),
        public(7),
        public(8),
    );
    let path = folder.join("edge.toml");
    std::fs::write(&path, text).unwrap();
    Config::read(&path).unwrap()
}

impl Scene {
    /// `None`, said loudly, where there is no broker to be had.
    async fn new(only: bool) -> Option<Self> {
        let broker = Mosquitto::start()?;
        let (hub, address) = serve().await;
        let folder = tempfile::tempdir().unwrap();
        let edge = crate::start(configured(folder.path(), address, &broker.url(), only)).await.unwrap();
        let (producer, answers) = client(&broker, "hub1", &["council", "police/hq"]);
        let scene = Self { broker, folder, hub, address, edge: Some(edge), producer, answers };
        scene.connected().await;
        Some(scene)
    }

    /// Waits until edge and producer have the broker.
    async fn connected(&self) {
        let has = || {
            let edge = self.edge.as_ref().unwrap();
            let carried = &edge.shared.orders.as_ref().unwrap().carried;
            carried.is_connected.load(std::sync::atomic::Ordering::Relaxed) && self.producer.is_connected()
        };
        wait_for("the broker is reached", has).await;
    }

    async fn stop(&mut self) {
        self.edge.take().unwrap().stop().await;
    }

    async fn resume(&mut self, only: bool) {
        let config = configured(self.folder.path(), self.address, &self.broker.url(), only);
        self.edge = Some(crate::start(config).await.unwrap());
        self.connected().await;
    }

    /// Publishes an order as a hub does.
    async fn publish(&self, order: &EdgeOrder) {
        let packet = packet(order, &Topic::device("edge-1").unwrap(), 10 * MINUTE);
        let about = serde_json::to_vec(&order.about).unwrap();
        self.producer.publish(Beside::Order.seal(packet, &secret(), &about)).await.unwrap();
    }

    fn list(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("block.txt")).unwrap_or_default()
    }

    async fn blocks(&self, address: &str) {
        let line = format!("{address}\n");
        wait_for(&format!("{address} is blocked"), || self.list().contains(&line)).await;
    }

    fn reports(&self, id: &str) -> Vec<OrderState> {
        let told = self.hub.lock().unwrap();
        told.reports.iter().filter(|report| report.command_id == id).map(|report| report.state).collect()
    }

    fn carried(&self, count: impl Fn(&super::mqtt::Carried) -> &std::sync::atomic::AtomicU64) -> u64 {
        let edge = self.edge.as_ref().unwrap();
        let carried = &edge.shared.orders.as_ref().unwrap().carried;
        count(carried).load(std::sync::atomic::Ordering::Relaxed)
    }

    /// What the edge's page shows.
    async fn shown(&self, path: &str) -> Value {
        let url = format!("http://{}/api/v1/{path}", self.edge.as_ref().unwrap().address().unwrap());
        reqwest::get(url).await.unwrap().json().await.unwrap()
    }

    /// The next answer: its topic, its request, its status, and what is sealed beside it.
    async fn answer(&mut self) -> (String, Option<String>, u64, Option<OrderReport>) {
        let delivery = timeout(PATIENCE, self.answers.recv()).await.unwrap().unwrap();
        let (topic, message) = mqtt::read(&delivery.packet).unwrap();
        assert_eq!(message.headers.from.as_deref(), Some("edge-1"));
        let Content::Response(response) = &message.content else { panic!("{message:?}") };
        let told = Beside::Answer.open(&delivery.packet, &secret());
        let told = told.map(|text| serde_json::from_slice(&text).unwrap());
        let found =
            (topic.to_string(), message.headers.request_id, response["status"].as_u64().unwrap(), told);
        delivery.done();
        found
    }
}

fn client(broker: &Mosquitto, name: &str, producers: &[&str]) -> (Client, Receiver<Delivery>) {
    let written = Written {
        url: broker.url(),
        ca: None,
        certificate: None,
        key: None,
        user: None,
        password_file: None,
    };
    let subscriptions = producers
        .iter()
        .flat_map(|producer| mqtt::subscriptions_of_producer(&mqtt::level(producer)).unwrap())
        .filter(|one| one.topic != Topic::Responses)
        .collect();
    let connect = Connect::new(name, 30).unwrap();
    start(Settings { broker: written.open().unwrap(), connect, subscriptions })
}

fn packet(order: &EdgeOrder, topic: &Topic, holds: u64) -> Publish {
    let message = Message::parse(order.message.to_string().as_bytes()).unwrap();
    mqtt::publish(&message, topic, DateTime(now().0 + holds), now()).unwrap()
}

async fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_by_the_broker_is_carried_out_and_whoever_signed_it_is_answered() {
    let Some(mut scene) = Scene::new(true).await else { return };
    let begun = Instant::now();
    scene.publish(&order_of("council", 7, 1, &deny("c-1", "198.51.100.7", 15), now())).await;
    let (topic, request, status, report) = scene.answer().await;
    assert_eq!((topic.as_str(), request, status), ("oc2/rsp/council", None, 102));
    assert_eq!(report.unwrap().state, OrderState::Taken);
    let (_, _, status, report) = scene.answer().await;
    eprintln!("published → answered as in force: {:?}", begun.elapsed());
    let report = report.unwrap();
    assert_eq!((status, report.command_id.as_str(), report.state), (200, "c-1", OrderState::Enforced));
    assert!(scene.list().contains("198.51.100.7\n"));
    // What the hub told beside it is what the operator sees.
    let page = scene.shown("orders").await;
    assert_eq!(page["orders"][0]["about"]["basis"], "consent of the operator");

    // Another issuer is answered on its own topic, and on all topics of commands the same gates stand.
    let order = order_of("police/hq", 8, 1, &deny("p-1", "192.0.2.1", 15), now());
    let at = Topic::profile("slpf").unwrap();
    scene.producer.publish(packet(&order, &at, MINUTE)).await.unwrap();
    let (topic, _, status, report) = scene.answer().await;
    assert_eq!((topic.as_str(), status), ("oc2/rsp/police%2Fhq", 403));
    assert!(report.unwrap().why.unwrap().starts_with("allow-list:"), "the allow list");

    // The link is told of all of it as well.
    wait_for("the hub is told", || scene.reports("c-1").contains(&OrderState::Enforced)).await;
    wait_for("and of the refusal", || scene.reports("p-1") == [OrderState::Refused]).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_comes_twice_or_by_both_ways_is_carried_out_once() {
    let Some(mut scene) = Scene::new(false).await else { return };
    let order = order_of("council", 7, 1, &deny("c-1", "198.51.100.7", 15), now());
    scene.publish(&order).await;
    scene.publish(&order).await;
    scene.blocks("198.51.100.7").await;
    scene.hub.lock().unwrap().orders.push(order.clone());
    wait_for("the second is known", || scene.carried(|carried| &carried.known) == 1).await;
    wait_for("the hub is told", || scene.reports("c-1").contains(&OrderState::Enforced)).await;
    // Whatever anybody does to its headers on the way, it is the same order.
    let mut other = order.clone();
    other.message["headers"]["created"] = json!(1);
    scene.publish(&other).await;
    wait_for("it is known", || scene.carried(|carried| &carried.known) == 2).await;
    assert_eq!(scene.reports("c-1"), [OrderState::Taken, OrderState::Enforced]);
    assert_eq!(scene.carried(|carried| &carried.judged), 1);
    let orders = scene.shown("orders").await["orders"].as_array().unwrap().len();
    assert_eq!(orders, 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_was_away_takes_what_still_holds_and_nothing_else() {
    let Some(mut scene) = Scene::new(true).await else { return };
    scene.stop().await;
    // It leaves the broker in peace.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let at = Topic::device("edge-1").unwrap();
    let order = |id: &str, address: &str| order_of("council", 7, 1, &deny(id, address, 15), now());
    // The broker drops it; and one that a broker keeps for longer than it may is over by its signature.
    scene.producer.publish(packet(&order("c-1", "198.51.100.1"), &at, 1_000)).await.unwrap();
    let past = DateTime(now().0 - 20 * MINUTE);
    let old = order_of("council", 7, 1, &deny("c-2", "198.51.100.2", 15), past);
    scene.producer.publish(packet(&old, &at, 10 * MINUTE)).await.unwrap();
    scene.producer.publish(packet(&order("c-3", "198.51.100.3"), &at, 10 * MINUTE)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    scene.resume(true).await;
    scene.blocks("198.51.100.3").await;
    // It is counted when what came of it is written down; the device may have it before.
    wait_for("the one is counted", || scene.carried(|carried| &carried.judged) == 1).await;
    assert_eq!(scene.carried(|carried| &carried.refused), 1);
    assert!(!scene.list().contains("198.51.100.1\n") && !scene.list().contains("198.51.100.2\n"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_publish_is_refused_and_does_no_harm() {
    let Some(mut scene) = Scene::new(true).await else { return };
    let (stranger, _answers) = client(&scene.broker, "stranger", &["nobody"]);
    wait_for("the stranger is connected", || stranger.is_connected()).await;
    let at = Topic::device("edge-1").unwrap();
    // Signed by a key that nobody trusts, in the name of one that is; by nobody; for another edge; changed after it was signed.
    let forged = order_of("council", 9, 1, &deny("s-1", "198.51.100.66", 15), now());
    let mut unsigned = forged.clone();
    unsigned.message.as_object_mut().unwrap().shift_remove("signature");
    let mut changed = order_of("council", 7, 1, &deny("s-2", "198.51.100.6", 15), now());
    changed.message["body"]["openc2"]["request"]["target"]["ipv4_net"] = json!("198.51.100.66");
    for order in [&forged, &unsigned, &changed] {
        for topic in [&at, &Topic::All] {
            stranger.publish(packet(order, topic, MINUTE)).await.unwrap();
        }
    }
    let good = packet(&forged, &at, MINUTE);
    for payload in [b"nonsense".to_vec(), vec![b'['; 100_000], vec![b' '; 1 << 20]] {
        let _ = stranger.publish(Publish { payload, ..good.clone() }).await;
    }
    wait_for("all is refused", || {
        scene.carried(|carried| &carried.refused) == 6 && scene.carried(|carried| &carried.malformed) == 2
    })
    .await;
    // What stands beside an order was sealed by the hub, or it does not count.
    let order = order_of("council", 7, 1, &deny("c-1", "198.51.100.7", 15), now());
    let lie = serde_json::to_vec(&order.about).unwrap();
    stranger.publish(Beside::Order.seal(packet(&order, &at, MINUTE), &[0; 32], &lie)).await.unwrap();
    scene.blocks("198.51.100.7").await;
    let page = scene.shown("orders").await;
    assert_eq!(page["orders"].as_array().unwrap().len(), 1, "nothing of the strangers' is kept: {page}");
    assert_eq!(page["orders"][0]["about"]["basis"], Value::Null);
    assert_eq!(page["orders"][0]["about"]["requested_by"]["organisation"], "council");
    assert!(!scene.list().contains("198.51.100.66"));
    // The operator is told that somebody tried, and not once for each.
    let ledger = scene.shown("ledger").await;
    let rows = ledger["rows"].as_array().unwrap();
    let tried: Vec<&Value> = rows.iter().filter(|row| row["kind"] == "rejected").collect();
    assert!((1..=2).contains(&tried.len()), "{tried:?}");
    assert!(tried[0]["detail"].as_str().unwrap().contains("from nobody that is trusted"), "{tried:?}");
    assert!(scene.reports("s-1").is_empty() && scene.reports("s-2").is_empty());
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_was_killed_carries_again() {
    let Some(mut scene) = Scene::new(true).await else { return };
    scene.broker.kill();
    wait_for("the producer knows", || !scene.producer.is_connected()).await;
    let begun = Instant::now();
    while trouble_of(&scene).await != "broker-away" {
        assert!(begun.elapsed() < PATIENCE, "the operator is told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    scene.broker.resume();
    scene.connected().await;
    scene.publish(&order_of("council", 7, 1, &deny("c-1", "198.51.100.7", 15), now())).await;
    scene.blocks("198.51.100.7").await;
    assert_eq!(scene.answer().await.2, 102);
    assert_eq!(trouble_of(&scene).await, Value::Null);
    scene.stop().await;
}

async fn trouble_of(scene: &Scene) -> Value {
    scene.shown("ledger").await["trouble"].clone()
}
