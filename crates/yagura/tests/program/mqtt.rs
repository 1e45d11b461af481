//! Orders by a broker on real parts: a hub's people agree, a broker carries, an edge that takes orders no other way writes its list, and what it
//! says comes back. Then each part is away for a while.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::blocking::{AUTHORITY, add_agencies, playbook, taking_orders};
use crate::mosquitto::Mosquitto;
use crate::person::Person;
use crate::running::{
    Edge, Hub, RUNTIME, edge_config_of, get, register_edge, wait_until, wait_until_or_tell,
};

/// How long an order's effect lasts.
const LASTS: Duration = Duration::from_secs(1_200);

/// A hub with people, an edge that takes orders by a broker alone, and the broker.
struct Scene {
    broker: Mosquitto,
    hub: Hub,
    config: PathBuf,
    list: PathBuf,
    asker: Person,
    approvers: [Person; 2],
}

impl Scene {
    /// `None`, said loudly, where there is no broker to be had.
    fn set(folder: &Path) -> Option<Self> {
        let broker = Mosquitto::start()?;
        let config = folder.join("hub.toml");
        let text = format!("{AUTHORITY}[mqtt]\nurl = \"{}\"\nedges = [\"harbour-1\"]\n", broker.url());
        std::fs::write(&config, text).unwrap();
        let hub = Hub::start_with(&folder.join("hub"), &config);
        let token = register_edge(&hub);
        add_agencies(&hub);
        let list = folder.join("blocked.txt");
        let sections = format!(
            "{}[[orders.allow]]\nnetworks = [\"198.51.100.0/24\"]\n\
             [[orders.device]]\nkind = \"list\"\nfile = {list:?}\nholds = \"addresses\"\n\
             [orders.mqtt]\nurl = \"{}\"\nonly = true\n",
            taking_orders(&hub, "reconcile_seconds = 1\n"),
            broker.url()
        );
        let config = edge_config_of(&folder.join("edge"), "harbour-1", &hub, &token, &sections);
        let approvers = [Person::of(&hub, "mod", "approver"), Person::of(&hub, "harbour", "approver")];
        let asker = Person::of(&hub, "npa", "duty_officer");
        Some(Self { broker, hub, config, list, asker, approvers })
    }

    /// Orders an address to be kept out for so long, as far as both organisations have agreed; its command.
    fn order(&self, address: &str, lasts: Duration) -> String {
        let wanted = playbook("harbour-1", &[json!({ "ipv4_net": address })], lasts);
        let bringer = Person::of(&self.hub, "npa", "approver");
        bringer.done("/api/v1/playbooks", &json!({ "document": wanted.to_string() }));
        let begun =
            self.asker.done("/api/v1/runs", &json!({ "id": uuid::Uuid::new_v4(), "playbook": wanted["id"] }));
        let answer = json!({ "hash": begun["questions"][0]["hash"], "reason": "seen" });
        let path = format!("/api/v1/runs/{}", begun["summary"]["id"].as_str().unwrap());
        for approver in &self.approvers {
            approver.done(&format!("{path}/questions/0/approve"), &answer);
        }
        let mut command = String::new();
        wait_until(&format!("{address} is ordered"), || {
            let orders = self.asker.good("/api/v1/orders");
            let is_it = |order: &&Value| order["command"].to_string().contains(&format!("\"{address}\""));
            let order = orders["orders"].as_array().unwrap().iter().find(is_it);
            let found = order.and_then(|order| order["command_id"].as_str());
            found.inspect(|id| command.push_str(id)).is_some()
        });
        command
    }

    fn state_of(&self, command: &str) -> Value {
        let orders = self.asker.good("/api/v1/orders");
        let is_it = |order: &&Value| order["command_id"] == command;
        orders["orders"].as_array().unwrap().iter().find(is_it).unwrap()["state"].clone()
    }

    #[track_caller]
    fn becomes(&self, command: &str, state: &str) {
        let tell = || self.state_of(command).to_string();
        wait_until_or_tell(&format!("{command} is {state}"), || self.state_of(command) == state, tell);
    }

    fn blocks(&self, address: &str) -> bool {
        std::fs::read_to_string(&self.list).is_ok_and(|text| text.contains(&format!("{address}\n")))
    }

    /// A line of what the hub counts.
    fn counted(&self, line: &str) -> u64 {
        let url = format!("{}/metrics", self.hub.address);
        let text = RUNTIME.block_on(async {
            let answer = reqwest::Client::new().get(url).bearer_auth(&self.hub.token).send().await.unwrap();
            answer.text().await.unwrap()
        });
        let found = text.lines().find_map(|known| known.strip_prefix(line)?.trim().parse().ok());
        found.unwrap_or(0)
    }

    fn notices(&self) -> String {
        get(&format!("{}/readyz", self.hub.address), None)
            .map(|answer| answer["notices"].to_string())
            .unwrap()
    }
}

const SENT: &str = "yagura_broker_messages_total{outcome=\"sent\"}";
const TAKEN: &str = "yagura_broker_messages_total{outcome=\"taken\"}";
const CONNECTED: &str = "yagura_broker_connected";

#[test]
fn an_order_goes_by_a_broker_and_its_answer_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let Some(scene) = Scene::set(folder.path()) else { return };
    let edge = Edge::start(&scene.config);
    wait_until("the hub has the broker", || scene.counted(CONNECTED) == 1);
    let command = scene.order("198.51.100.7", LASTS);
    wait_until("the list has it", || scene.blocks("198.51.100.7"));
    scene.becomes(&command, "enforced");
    assert!(scene.counted(SENT) >= 1);
    wait_until("the answers came by the broker", || scene.counted(TAKEN) >= 2);

    // The operator sees what it would have seen by the link.
    let shown = get(&format!("{}/api/v1/orders", edge.page()), None).unwrap();
    assert_eq!(shown["orders"].as_array().unwrap().len(), 1, "{shown}");
    for said in
        ["Order under the law on active cyber defence", "2026-17", "Police", "Ministry of Defense", "Harbour"]
    {
        assert!(shown.to_string().contains(said), "`{said}` is not in {shown}");
    }
    let undo = format!("/api/v1/orders/{command}/undo");
    scene.asker.done(&undo, &json!({ "reason": "over" }));
    wait_until("the list has it no more", || !scene.blocks("198.51.100.7"));
    scene.becomes(&command, "released");
}

#[test]
fn who_is_away_misses_no_order_that_still_holds() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut scene) = Scene::set(folder.path()) else { return };
    let mut edge = Edge::start(&scene.config);
    wait_until("the edge has the broker", || is_connected(&edge));
    wait_until("the hub has the broker", || scene.counted(CONNECTED) == 1);

    // The edge is away: what still holds is carried out when it is back, and what is over is not.
    edge.kill();
    let over = scene.order("198.51.100.1", Duration::from_secs(3));
    let kept = scene.order("198.51.100.2", LASTS);
    std::thread::sleep(Duration::from_secs(4));
    edge = Edge::start(&scene.config);
    wait_until("the list has what holds", || scene.blocks("198.51.100.2"));
    scene.becomes(&kept, "enforced");
    assert_eq!(scene.state_of(&over), Value::Null, "nobody took it");
    assert!(!scene.blocks("198.51.100.1"));

    // The broker is away: the order waits at the hub.
    scene.broker.kill();
    wait_until_or_tell("it is told", || scene.notices().contains("broker-away"), || scene.notices());
    let waits = scene.order("198.51.100.3", LASTS);
    std::thread::sleep(Duration::from_millis(500));
    assert!(!scene.blocks("198.51.100.3"), "there is no other way");
    scene.broker.resume();
    wait_until("the list has it", || scene.blocks("198.51.100.3"));
    scene.becomes(&waits, "enforced");
    wait_until("all is well", || !scene.notices().contains("broker-away"));

    // The hub is killed: it goes on where it was, and gives nothing twice to anybody who could tell.
    scene.hub = scene.hub.start_again();
    wait_until("the hub has the broker", || scene.counted(CONNECTED) == 1);
    let last = scene.order("198.51.100.4", LASTS);
    scene.becomes(&last, "enforced");
    assert!(scene.blocks("198.51.100.2") && scene.blocks("198.51.100.3"));
    drop(edge);
}

/// Whether an edge is connected to its broker.
fn is_connected(edge: &Edge) -> bool {
    let text = RUNTIME.block_on(async {
        let answer = reqwest::get(format!("{}/metrics", edge.page())).await.ok()?;
        answer.text().await.ok()
    });
    text.is_some_and(|text| text.lines().any(|line| line == "yagura_edge_broker_connected 1"))
}
