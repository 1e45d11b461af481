//! Orders by a broker: what goes to whom, whose answers count, and what waits while the broker is away.

use std::collections::BTreeSet;
use std::time::Duration;

use api::OrderReport;
use hub::{AgentConfig, MqttConfig};
use openc2::client::{Beside, Client, Delivery, Settings, Written, start};
use openc2::mqtt::{self, Connect, Topic};
use openc2::{Content, DateTime, Headers, Message};
use oversight::Realm;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::Act;
use store::certificates::{self, Certificate, Holder, Root};
use tokio::sync::mpsc::Receiver;

use crate::mosquitto::Mosquitto;
use crate::room_hubs::until;
use crate::runs::{Council, block, safeguards, verified};

/// Longest wait for a state, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn written(broker: &Mosquitto) -> Written {
    Written { url: broker.url(), ca: None, certificate: None, key: None, user: None, password_file: None }
}

async fn council(broker: &Mosquitto) -> Council {
    let broker = written(broker).open().unwrap();
    Council::with(|config| config.mqtt = Some(MqttConfig { broker, edges: ["kinki-1".to_owned()].into() }))
        .await
}

/// Something that says that it is an edge, as a broker sees it.
async fn at_broker(broker: &Mosquitto, name: &str) -> (Client, Receiver<Delivery>) {
    let settings = Settings {
        broker: written(broker).open().unwrap(),
        // Its own name at the broker has letters and digits only.
        connect: Connect::new(&name.replace('-', ""), 30).unwrap(),
        subscriptions: mqtt::subscriptions_of_consumer(name, &["slpf"]).unwrap(),
    };
    let (client, deliveries) = start(settings);
    until("the broker is there", async || client.is_connected()).await;
    (client, deliveries)
}

async fn next(deliveries: &mut Receiver<Delivery>) -> Delivery {
    tokio::time::timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap()
}

fn secret(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn report(command: &str, state: &str) -> OrderReport {
    let report = json!({ "command_id": command, "number": 1, "at": jiff::Timestamp::now().to_string(), "state": state,
        "response": null, "why": null, "stopped": null });
    serde_json::from_value(report).unwrap()
}

/// An answer of an edge, sealed with what it shares with the hub.
fn answer(from: &str, issuer: &str, secret: &[u8; 32], report: &OrderReport) -> mqtt::Publish {
    let now = DateTime::from(jiff::Timestamp::now());
    let headers = Headers {
        request_id: Some(report.command_id.clone()),
        created: Some(now),
        from: Some(from.to_owned()),
        to: vec![issuer.to_owned()],
    };
    let message = Message { headers, content: Content::Response(json!({ "status": 200 })), signature: None };
    let packet = mqtt::publish(&message, &Topic::answering(issuer), now.after(60_000).unwrap(), now).unwrap();
    Beside::Answer.seal(packet, secret, &serde_json::to_vec(report).unwrap())
}

async fn ordered(council: &Council) -> Value {
    let run = council.started(&block("198.51.100.7", safeguards("198.51.100.7", 2))).await;
    let run = council.approved(&council.ministry, &run).await;
    council.approved(&council.kinki, &run).await
}

async fn counted(council: &Council, line: &str) -> u64 {
    let metrics = council.hub.get("/metrics").send().await;
    let text = String::from_utf8(metrics.body).unwrap();
    let found = text.lines().find_map(|known| known.strip_prefix(line)?.trim().parse().ok());
    found.unwrap_or(0)
}

const FOREIGN: &str = "yagura_broker_messages_total{outcome=\"foreign\"}";
const TAKEN: &str = "yagura_broker_messages_total{outcome=\"taken\"}";

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_published_for_its_edge_and_only_what_the_edge_sealed_answers_it() {
    let Some(broker) = Mosquitto::start() else { return };
    let (edge, mut deliveries) = at_broker(&broker, "kinki-1").await;
    let council = council(&broker).await;
    let run = ordered(&council).await;

    let delivery = next(&mut deliveries).await;
    let (topic, message) = mqtt::read(&delivery.packet).unwrap();
    assert_eq!(topic.to_string(), "oc2/cmd/device/kinki-1");
    assert!(delivery.packet.message_expiry_s.is_some_and(|seconds| (1..=3_600).contains(&seconds)));
    let key = council.hub.good(&council.hub.token, "/api/v1/orders").await["key"].clone();
    assert!(verified(&key, &message.write(), "kinki-1").is_ok());
    let given = council.orders(0).await["orders"][0].clone();
    assert_eq!(message.write(), given["message"], "the link gives the same");
    let told = Beside::Order.open(&delivery.packet, &secret(&council.edge)).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&told).unwrap(), given["about"]);
    assert!(!String::from_utf8_lossy(&delivery.packet.payload).contains("an order under the law"));
    delivery.done();

    // Whoever cannot seal it says nothing: strangers, and edges of this hub about the orders of others.
    let (command, issuer) = (message.headers.request_id.unwrap(), key["issuer"].as_str().unwrap().to_owned());
    let enforced = report(&command, "enforced");
    let other = council.hub.edge("kanto-1", "kanto").await;
    edge.publish(answer("kinki-1", &issuer, &[0; 32], &enforced)).await.unwrap();
    edge.publish(answer("kinki-1", &issuer, &secret(&other), &enforced)).await.unwrap();
    edge.publish(answer("nobody", &issuer, &secret(&council.edge), &enforced)).await.unwrap();
    edge.publish(answer("kanto-1", &issuer, &secret(&other), &enforced)).await.unwrap();
    until("they came", async || counted(&council, FOREIGN).await == 3 && counted(&council, TAKEN).await == 1)
        .await;
    let shown = council.hub.good(&council.hub.token, "/api/v1/orders").await["orders"][0].clone();
    assert_eq!(shown["state"], Value::Null);

    // The edge itself; the second time is nothing new.
    for _ in 0..2 {
        edge.publish(answer("kinki-1", &issuer, &secret(&council.edge), &enforced)).await.unwrap();
    }
    council.settled(&run, &["succeeded"]).await;
    until("both came", async || counted(&council, TAKEN).await == 3).await;
    let shown = council.hub.good(&council.hub.token, "/api/v1/orders").await["orders"][0].clone();
    assert_eq!((&shown["state"], shown["reports"].as_array().unwrap().len()), (&json!("enforced"), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_waits_for_no_broker_and_goes_by_it_when_it_is_back() {
    let Some(mut broker) = Mosquitto::start() else { return };
    broker.kill();
    let council = council(&broker).await;
    let notices = async || council.hub.get("/readyz").stranger().send().await.json()["notices"].to_string();
    until("it is told", async || notices().await.contains("broker-away")).await;
    ordered(&council).await;
    assert!(council.orders(0).await["orders"][0].is_object(), "the link has it at once");
    broker.resume();
    let (_edge, mut deliveries) = at_broker(&broker, "kinki-1").await;
    let delivery = next(&mut deliveries).await;
    assert_eq!(mqtt::read(&delivery.packet).unwrap().0.to_string(), "oc2/cmd/device/kinki-1");
    until("all is well", async || !notices().await.contains("broker-away")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_is_bound_to_a_certificate_has_the_link_alone() {
    let Some(broker) = Mosquitto::start() else { return };
    let (edge, mut deliveries) = at_broker(&broker, "kinki-1").await;
    let council = council(&broker).await;
    let bound = council.hub.running.store().write(|tx| {
        let (now, ends) = (tx.now(), tx.now() + jiff::SignedDuration::from_hours(24));
        let root = Root {
            id: "01".to_owned(),
            certificate: vec![1],
            sealed: None,
            created: now,
            ends,
            retired: None,
        };
        certificates::add_root(tx, &Realm::Live, &root)?;
        let certificate = Certificate {
            serial: "02".to_owned(),
            root: "01".to_owned(),
            holder: Holder::Edge,
            subject: "kinki-1".to_owned(),
            thumbprint: [7; 32],
            issued: now,
            ends,
            revoked: None,
            reason: None,
        };
        certificates::add(tx, &Realm::Live, &certificate).map(Act::bookkeeping)
    });
    bound.await.unwrap();
    ordered(&council).await;
    let shown = council.hub.good(&council.hub.token, "/api/v1/orders").await;
    let (order, issuer) = (&shown["orders"][0], shown["key"]["issuer"].as_str().unwrap());
    let enforced = report(order["command_id"].as_str().unwrap(), "enforced");
    edge.publish(answer("kinki-1", issuer, &secret(&council.edge), &enforced)).await.unwrap();
    until("it came", async || counted(&council, FOREIGN).await == 1).await;
    let came = tokio::time::timeout(Duration::from_secs(2), deliveries.recv()).await;
    assert!(came.is_err(), "{came:?}");
    let shown = council.hub.good(&council.hub.token, "/api/v1/orders").await["orders"][0].clone();
    assert_eq!(shown["state"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_behind_the_broker_is_asked_and_its_answer_ends_the_step() {
    let Some(broker) = Mosquitto::start() else { return };
    let (firewall, mut commands) = at_broker(&broker, "fw-7").await;
    let at = written(&broker).open().unwrap();
    let council = Council::with(|config| {
        config.mqtt = Some(MqttConfig { broker: at, edges: BTreeSet::new() });
        // As the playbook calls its target.
        config.response.agents = vec![AgentConfig {
            name: "Edge".to_owned(),
            url: "mqtt:fw-7".parse().unwrap(),
            token_file: None,
            kinds: vec!["openc2-http".to_owned()],
        }];
        config.response.authorities[0].operators.push("police".to_owned());
    })
    .await;
    until("the hub has the broker", async || counted(&council, "yagura_broker_connected").await == 1).await;
    let run = ordered(&council).await;
    let delivery = next(&mut commands).await;
    let (_, message) = mqtt::read(&delivery.packet).unwrap();
    assert!(delivery.packet.message_expiry_s.is_some_and(|seconds| seconds <= 10));
    let Content::Request(command) = &message.content else { panic!("{message:?}") };
    assert_eq!(
        (&command["action"], &command["target"]["ipv4_net"]),
        (&json!("deny"), &json!("198.51.100.7"))
    );
    delivery.done();
    for (from, status) in [("fw-8", 200), ("fw-7", 102), ("fw-7", 200)] {
        let now = DateTime::from(jiff::Timestamp::now());
        let headers = message.headers.answering(from, now);
        let content = Content::Response(json!({ "status": status }));
        let reply = Message { headers, content, signature: None };
        let to = Topic::answering(message.headers.from.as_deref().unwrap());
        let packet = mqtt::publish(&reply, &to, now.after(60_000).unwrap(), now).unwrap();
        firewall.publish(packet).await.unwrap();
    }
    council.settled(&run, &["succeeded"]).await;
}
