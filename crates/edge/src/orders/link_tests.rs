//! A whole edge with a hub that a test makes: orders come over the link, the operator decides on the page, reports go back.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use api::{EdgeOrder, EdgeOrders, OrderReport, OrderReportsAccepted, OrderReportsPosted, OrderState};
use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use openc2::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::tests::{deny, key, order_of};
use crate::{Config, RunningEdge};

#[derive(Default)]
pub(super) struct Told {
    pub(super) orders: Vec<EdgeOrder>,
    pub(super) reports: Vec<OrderReport>,
}

pub(super) type Hub = Arc<Mutex<Told>>;

/// A hub that gives what it is told to, and where it is.
pub(super) async fn serve() -> (Hub, std::net::SocketAddr) {
    let hub = Hub::default();
    let router = Router::new()
        .route("/edge/v1/orders", get(orders))
        .route("/edge/v1/orders/reports", post(reports))
        .with_state(Arc::clone(&hub));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (hub, address)
}

#[derive(Deserialize)]
struct Asked {
    after: i64,
}

async fn orders(State(hub): State<Hub>, Query(asked): Query<Asked>) -> Json<EdgeOrders> {
    let given = || {
        let told = hub.lock().unwrap();
        told.orders.iter().filter(|order| order.sequence > asked.after).cloned().collect::<Vec<_>>()
    };
    for _ in 0..100 {
        if !given().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let orders = given();
    let sequence = orders.last().map_or(asked.after, |order| order.sequence);
    Json(EdgeOrders { orders, sequence })
}

async fn reports(
    State(hub): State<Hub>,
    Json(posted): Json<OrderReportsPosted>,
) -> Json<OrderReportsAccepted> {
    let kept = u32::try_from(posted.reports.len()).unwrap();
    hub.lock().unwrap().reports.extend(posted.reports);
    Json(OrderReportsAccepted { kept })
}

struct Scene {
    folder: tempfile::TempDir,
    hub: Hub,
    edge: RunningEdge,
    http: reqwest::Client,
}

fn now() -> DateTime {
    DateTime(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap())
}

fn configured(folder: &Path, hub: std::net::SocketAddr) -> Config {
    let list = folder.join("block.txt");
    let text = format!(
        "id = \"edge-1\"\ndata = {:?}\nlisten = \"127.0.0.1:0\"\n[hub]\nurl = \"http://{hub}\"\ntoken = \"t\"\n\
         [orders]\nenabled = true\n[[orders.hub_key]]\nissuer = \"council\"\nkey = \"{}\"\n\
         [[orders.allow]]\nnetworks = [\"198.51.100.0/24\"]\n[[orders.device]]\nkind = \"list\"\nholds = \"addresses\"\nfile = {list:?}\n",
        folder.join("data"),
        hex::encode(key(7).verifying_key().to_bytes()),
    );
    let path = folder.join("edge.toml");
    std::fs::write(&path, text).unwrap();
    Config::read(&path).unwrap()
}

impl Scene {
    async fn new() -> Self {
        let (hub, address) = serve().await;
        let folder = tempfile::tempdir().unwrap();
        let edge = crate::start(configured(folder.path(), address)).await.unwrap();
        Self { folder, hub, edge, http: reqwest::Client::new() }
    }

    fn give(&self, order: EdgeOrder) {
        self.hub.lock().unwrap().orders.push(order);
    }

    async fn wait_for(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            let reports = self.hub.lock().unwrap().reports.clone();
            assert!(begun.elapsed() < Duration::from_secs(30), "{what}: {reports:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn told(&self, id: &str, state: OrderState) {
        let is_told = |scene: &Self| {
            let told = scene.hub.lock().unwrap();
            told.reports
                .iter()
                .rev()
                .find(|report| report.command_id == id)
                .is_some_and(|report| report.state == state)
        };
        self.wait_for(&format!("{id} is {state:?}"), is_told).await;
    }

    fn list(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("block.txt")).unwrap_or_default()
    }

    fn url(&self) -> String {
        format!("http://{}/api/v1/orders", self.edge.address().unwrap())
    }

    async fn decide(&self, token: &str, id: &str, what: &str) -> u16 {
        let body = json!({"issuer": "council", "command_id": id, "do": what});
        let request = self.http.post(self.url()).header("x-yagura-edge", token).json(&body);
        request.send().await.unwrap().status().as_u16()
    }

    async fn shown(&self, id: &str) -> Value {
        let page: Value = self.http.get(self.url()).send().await.unwrap().json().await.unwrap();
        let orders = page["orders"].as_array().unwrap();
        orders.iter().find(|order| order["command_id"] == id).cloned().unwrap_or_default()
    }

    /// Follows the link that the edge prints.
    async fn token(&self) -> String {
        let link = self.edge.link().unwrap();
        let key = link.rsplit_once('#').unwrap().1;
        let url = format!("http://{}/api/v1/enter", self.edge.address().unwrap());
        let entered: Value =
            self.http.post(url).json(&json!({"key": key})).send().await.unwrap().json().await.unwrap();
        entered["token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_decides_on_the_page_and_the_hub_is_told() {
    let scene = Scene::new().await;
    scene.give(order_of("council", 7, 1, &deny("c-1", "198.51.100.7", 15), now()));
    scene.give(order_of("council", 9, 2, &deny("c-2", "198.51.100.8", 15), now()));
    scene.told("c-1", OrderState::Waiting).await;
    scene.told("c-2", OrderState::Refused).await;
    let shown = scene.shown("c-1").await;
    assert_eq!((&shown["state"], &shown["words"]), (&json!("waiting"), &json!("deny 198.51.100.7")));
    assert_eq!((&shown["may_decide"], &shown["may_undo"]), (&json!(true), &json!(false)));
    assert_eq!(shown["about"]["basis"], "consent of the operator");
    // Not without the link.
    assert_eq!(scene.decide("", "c-1", "agree").await, 401);
    let token = scene.token().await;
    assert_eq!(scene.decide(&token, "c-9", "agree").await, 409);
    assert_eq!(scene.decide(&token, "c-1", "agree").await, 204);
    scene.told("c-1", OrderState::Enforced).await;
    assert!(scene.list().contains("198.51.100.7\n"));
    assert_eq!(scene.decide(&token, "c-1", "refuse").await, 409, "it was decided");
    assert_eq!(scene.shown("c-1").await["may_undo"], json!(true));
    assert_eq!(scene.decide(&token, "c-1", "undo").await, 204);
    scene.told("c-1", OrderState::Released).await;
    assert!(!scene.list().contains("198.51.100.7"));
    scene.give(order_of("council", 7, 3, &deny("c-3", "198.51.100.9", 15), now()));
    scene.told("c-3", OrderState::Waiting).await;
    assert_eq!(scene.decide(&token, "c-3", "refuse").await, 204);
    scene.told("c-3", OrderState::Refused).await;
    let reports = scene.hub.lock().unwrap().reports.clone();
    for id in ["c-1", "c-2", "c-3"] {
        let numbers: Vec<u32> =
            reports.iter().filter(|report| report.command_id == id).map(|report| report.number).collect();
        let count = u32::try_from(numbers.len()).unwrap();
        assert_eq!(numbers, (1..=count).collect::<Vec<_>>(), "{id}");
    }
    scene.edge.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_outlives_a_stop_of_the_edge() {
    let scene = Scene::new().await;
    scene.give(order_of("council", 7, 1, &deny("c-1", "198.51.100.7", 15), now()));
    scene.told("c-1", OrderState::Waiting).await;
    let token = scene.token().await;
    assert_eq!(scene.decide(&token, "c-1", "agree").await, 204);
    scene.told("c-1", OrderState::Enforced).await;
    let Scene { folder, hub, edge, http } = scene;
    edge.stop().await;
    let list = std::fs::read_to_string(folder.path().join("block.txt")).unwrap();
    assert!(list.contains("198.51.100.7\n"));
    // Somebody empties the list meanwhile.
    std::fs::write(folder.path().join("block.txt"), "").unwrap();
    let config = Config::read(&folder.path().join("edge.toml")).unwrap();
    let edge = crate::start(config).await.unwrap();
    let scene = Scene { folder, hub, edge, http };
    scene.wait_for("it is put in again", |scene| scene.list().contains("198.51.100.7\n")).await;
    let states: Vec<OrderState> =
        scene.hub.lock().unwrap().reports.iter().map(|report| report.state).collect();
    assert!(
        states.starts_with(&[OrderState::Waiting, OrderState::Taken, OrderState::Enforced]),
        "{states:?}"
    );
    scene.edge.stop().await;
}
