//! The client and a real broker: what arrives, what does not, and what either end outlives.

use std::time::Duration;

use openc2::client::{Arrived, Client, Delivery, NotSent, Settings, State, Written, start};
use openc2::mqtt::{self, Connect, Publish, Subscription, Topic};
use openc2::{DateTime, Headers, Message};
use serde_json::json;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use crate::mosquitto::Mosquitto;

/// Longest wait for a state, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// After so long what has not come does not come.
const SILENCE: Duration = Duration::from_millis(700);

fn written(url: &str) -> Written {
    Written { url: url.to_owned(), ca: None, certificate: None, key: None, user: None, password_file: None }
}

fn settings(written: &Written, name: &str, subscriptions: Vec<Subscription>) -> Settings {
    let connect = Connect::new(name, 30).unwrap();
    Settings { broker: written.open().unwrap(), connect, subscriptions }
}

fn consumer() -> Vec<Subscription> {
    mqtt::subscriptions_of_consumer("edge-1", &["slpf"]).unwrap()
}

/// A client that is connected.
async fn client(
    written: &Written,
    name: &str,
    subscriptions: Vec<Subscription>,
) -> (Client, Receiver<Delivery>) {
    let (client, deliveries) = start(settings(written, name, subscriptions));
    connected(&client).await;
    (client, deliveries)
}

async fn connected(client: &Client) {
    let mut state = client.state();
    let is_there = timeout(PATIENCE, state.wait_for(|state| *state == State::Connected)).await;
    assert!(is_there.is_ok(), "{:?}", client.state().borrow());
}

fn order(id: &str) -> Message {
    let headers = Headers {
        request_id: Some(id.to_owned()),
        created: Some(DateTime(0)),
        from: Some("council".to_owned()),
        to: Vec::new(),
    };
    let command = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "command_id": id});
    Message { headers, content: openc2::Content::Request(command), signature: None }
}

/// An order for the edge that a broker drops after so many milliseconds.
fn packet(id: &str, holds_ms: u64) -> Publish {
    mqtt::publish(&order(id), &Topic::device("edge-1").unwrap(), DateTime(holds_ms), DateTime(0)).unwrap()
}

async fn next(deliveries: &mut Receiver<Delivery>) -> Delivery {
    timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap()
}

async fn is_silent(deliveries: &mut Receiver<Delivery>) -> bool {
    timeout(SILENCE, deliveries.recv()).await.is_err()
}

fn id_of(delivery: &Delivery) -> String {
    let (_, message) = mqtt::read(&delivery.packet).unwrap();
    message.headers.request_id.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_through_a_broker_as_it_was_published() {
    let Some(broker) = Mosquitto::start() else { return };
    let at = written(&broker.url());
    let (_edge, mut deliveries) = client(&at, "edge1", consumer()).await;
    let (hub, _answers) = client(&at, "hub1", mqtt::subscriptions_of_producer("council").unwrap()).await;
    for (number, topic) in [Topic::All, Topic::profile("slpf").unwrap(), Topic::device("edge-1").unwrap()]
        .into_iter()
        .enumerate()
    {
        let id = format!("c-{number}");
        let sent = mqtt::publish(&order(&id), &topic, DateTime(60_000), DateTime(0)).unwrap();
        let begun = std::time::Instant::now();
        assert_eq!(hub.publish(sent.clone()).await, Ok(Arrived::Taken));
        let delivery = next(&mut deliveries).await;
        eprintln!("published, acknowledged and delivered within {:?}", begun.elapsed());
        let came = Publish { message_expiry_s: sent.message_expiry_s, ..delivery.packet.clone() };
        assert_eq!(came, sent);
        assert!(delivery.packet.message_expiry_s.is_some_and(|seconds| seconds <= 60));
        assert_eq!(mqtt::read(&delivery.packet).unwrap(), (topic, order(&id)));
        delivery.done();
    }
    // What nobody hears the broker does not keep, and says so.
    let other =
        mqtt::publish(&order("c-9"), &Topic::device("edge-9").unwrap(), DateTime(60_000), DateTime(0));
    assert_eq!(hub.publish(other.unwrap()).await, Ok(Arrived::ForNobody));
    assert!(is_silent(&mut deliveries).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_while_one_was_away_is_given_unless_its_time_is_over() {
    let Some(broker) = Mosquitto::start() else { return };
    let at = written(&broker.url());
    let (edge, deliveries) = client(&at, "edge1", consumer()).await;
    let (hub, _answers) = client(&at, "hub1", Vec::from([consumer()[0].clone()])).await;
    drop((edge, deliveries));
    tokio::time::sleep(SILENCE).await;
    assert_eq!(hub.publish(packet("c-1", 1_000)).await, Ok(Arrived::Taken));
    assert_eq!(hub.publish(packet("c-2", 600_000)).await, Ok(Arrived::Taken));
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let (_edge, mut deliveries) = client(&at, "edge1", consumer()).await;
    let delivery = next(&mut deliveries).await;
    assert_eq!(id_of(&delivery), "c-2");
    assert!(delivery.packet.message_expiry_s.is_some_and(|left| left < 600), "it says what is left");
    delivery.done();
    assert!(is_silent(&mut deliveries).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_acknowledged_is_given_again() {
    let Some(broker) = Mosquitto::start() else { return };
    let at = written(&broker.url());
    let (edge, mut deliveries) = client(&at, "edge1", consumer()).await;
    let (hub, _answers) = client(&at, "hub1", Vec::from([consumer()[0].clone()])).await;
    for id in ["c-1", "c-2"] {
        hub.publish(packet(id, 600_000)).await.unwrap();
    }
    next(&mut deliveries).await.done();
    assert_eq!(id_of(&next(&mut deliveries).await), "c-2");
    // The acknowledgement of the first is on its way; the second has none.
    tokio::time::sleep(SILENCE).await;
    drop((edge, deliveries));
    tokio::time::sleep(SILENCE).await;
    let (_edge, mut deliveries) = client(&at, "edge1", consumer()).await;
    let again = next(&mut deliveries).await;
    assert_eq!(id_of(&again), "c-2");
    again.done();
    assert!(is_silent(&mut deliveries).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_or_no_message_does_no_harm() {
    let Some(broker) = Mosquitto::start() else { return };
    let at = written(&broker.url());
    let (edge, mut deliveries) = client(&at, "edge1", consumer()).await;
    let (stranger, _answers) = client(&at, "stranger", Vec::from([consumer()[0].clone()])).await;
    let good = packet("c-1", 600_000);
    for payload in [vec![b' '; 1 << 20], vec![0xff; (1 << 20) + 1]] {
        // The broker takes it, and gives no client more than that client takes.
        let _ = stranger.publish(Publish { payload, ..good.clone() }).await;
    }
    assert!(is_silent(&mut deliveries).await);
    let property = |name: &str| (name.to_owned(), "x".repeat(20_000));
    for bad in [
        Publish { payload: b"nonsense".to_vec(), ..good.clone() },
        Publish { payload: Vec::new(), ..good.clone() },
        Publish { payload: vec![b'['; 100_000], ..good.clone() },
        Publish { content_type: None, ..good.clone() },
        Publish { user_properties: vec![property("a"), property("a")], ..good.clone() },
        Publish { response_topic: Some("oc2/cmd/all".to_owned()), ..good.clone() },
        Publish { retain: true, ..good.clone() },
    ] {
        stranger.publish(bad).await.unwrap();
        let delivery = next(&mut deliveries).await;
        // A retained message is given as such to whoever comes later, and here it is as it was sent.
        assert!(mqtt::read(&delivery.packet).is_err(), "{:?}", delivery.packet);
        delivery.done();
    }
    let long = Publish { user_properties: vec![("a".to_owned(), "x".repeat(70_000))], ..good.clone() };
    assert_eq!(stranger.publish(long).await, Err(NotSent::TooLarge), "no packet can hold it");
    assert!(edge.is_connected() && stranger.is_connected());
    stranger.publish(good).await.unwrap();
    assert_eq!(id_of(&next(&mut deliveries).await), "c-1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_is_found_again() {
    let Some(mut broker) = Mosquitto::start() else { return };
    let at = written(&broker.url());
    let (edge, mut deliveries) = client(&at, "edge1", consumer()).await;
    let (hub, _answers) = client(&at, "hub1", Vec::from([consumer()[0].clone()])).await;
    broker.kill();
    let mut state = hub.state();
    timeout(PATIENCE, state.wait_for(|state| matches!(state, State::Away(_)))).await.unwrap().unwrap();
    // It is said at once, and not waited for.
    assert!(matches!(hub.publish(packet("c-1", 600_000)).await, Err(NotSent::Away | NotSent::Silent)));
    broker.resume();
    connected(&hub).await;
    connected(&edge).await;
    hub.publish(packet("c-2", 600_000)).await.unwrap();
    let delivery = next(&mut deliveries).await;
    assert_eq!(id_of(&delivery), "c-2");
    delivery.done();
    // One that is stopped keeps what it has for others.
    drop((edge, deliveries));
    tokio::time::sleep(SILENCE).await;
    assert_eq!(hub.publish(packet("c-3", 600_000)).await, Ok(Arrived::Taken));
    broker.stop();
    broker.resume();
    let (_edge, mut deliveries) = client(&at, "edge1", consumer()).await;
    let mut delivery = next(&mut deliveries).await;
    if id_of(&delivery) == "c-2" {
        // Whoever goes away before the broker has heard that it is done is given it once more.
        delivery.done();
        delivery = next(&mut deliveries).await;
    }
    assert_eq!(id_of(&delivery), "c-3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_are_reached_by_tls_with_ones_own_certificate_or_password() {
    let tls = "allow_anonymous true\ncafile FOLDER/ca.pem\ncertfile FOLDER/broker.pem\nkeyfile FOLDER/broker.key\n\
        require_certificate true\nuse_identity_as_username true\n";
    let made = Mosquitto::start_with(tls, |folder| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut authority = rcgen::CertificateParams::default();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "The broker's authority");
        let ca = authority.self_signed(&key).unwrap();
        let issuer = rcgen::Issuer::from_params(&authority, &key);
        std::fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
        for (name, of) in [("broker", "127.0.0.1"), ("edge", "edge-1")] {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut one = rcgen::CertificateParams::new(vec![of.to_owned()]).unwrap();
            one.distinguished_name = rcgen::DistinguishedName::new();
            one.distinguished_name.push(rcgen::DnType::CommonName, of);
            let signed = one.signed_by(&key, &issuer).unwrap();
            std::fs::write(folder.join(format!("{name}.pem")), signed.pem()).unwrap();
            std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
        }
    });
    let Some(broker) = made else { return };
    let file = |name: &str| Some(broker.folder().join(name));
    let mut own = written(&format!("mqtts://127.0.0.1:{}", broker.port()));
    own.ca = file("ca.pem");
    let away = |written: &Written, name: &str| {
        let (client, _deliveries) = start(settings(written, name, consumer()));
        async move {
            let mut state = client.state();
            let tried = |state: &State| matches!(state, State::Away(why) if why != "it was not tried yet");
            timeout(PATIENCE, state.wait_for(tried)).await.unwrap().unwrap();
        }
    };
    away(&own, "nobody").await;
    own.certificate = file("edge.pem");
    own.key = file("edge.key");
    let (_edge, _deliveries) = client(&own, "edge1", consumer()).await;
    // Another authority's broker is not spoken to.
    let other = Written { ca: file("edge.pem"), ..own.clone() };
    away(&other, "edge2").await;

    // By name and password, which the broker compares.
    let by_name = "password_file FOLDER/passwords\n";
    let made = Mosquitto::start_with(by_name, |folder| {
        std::fs::write(folder.join("passwords"), "edge:hunter2\n").unwrap();
        std::fs::write(folder.join("password"), "hunter2\n").unwrap();
        std::fs::write(folder.join("wrong"), "hunter3\n").unwrap();
        let mut hash = std::process::Command::new("mosquitto_passwd");
        let _ = hash.arg("-U").arg(folder.join("passwords")).status();
    });
    let Some(broker) = made else { return };
    let mut own = written(&broker.url());
    own.user = Some("edge".to_owned());
    own.password_file = Some(broker.folder().join("wrong"));
    away(&own, "edge3").await;
    own.password_file = Some(broker.folder().join("password"));
    let (_edge, _deliveries) = client(&own, "edge1", consumer()).await;
}
