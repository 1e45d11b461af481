//! Who is in a room of a hub that runs as several processes: people at one are told of those at the other, by NATS and by the database's
//! notifications, and of nobody whom they would not be told of at one process.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_nats::{Client, jetstream};
use bytes::Bytes;
use futures::StreamExt;
use oversight::{Action, OrganisationRole};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::TryRecvError;

use crate::database::Server;
use crate::nats::Cluster;
use crate::room::{Worker, note, only, open};
use crate::support::TestHub;
use crate::wake::{PATIENCE, wait_for_notice};
use crate::{several, wake};

/// Whoever says nothing is forgotten after 45 seconds: what is seen sooner was told.
const TOLD_WITHIN: Duration = Duration::from_secs(30);

/// Letters of what a process says, whatever it says.
const SAID_CHARS: usize = 731;

/// Who is in a room, as somebody is told: by account, and whether they write.
type Here = BTreeMap<String, bool>;

/// Says that somebody is in a room; gives who else is.
async fn here(worker: &Worker<'_>, case: &str, body: Value) -> Here {
    let told = worker.signed.done(&format!("/api/v1/cases/{case}/room/presence"), body).await;
    let people = told["here"].as_array().unwrap().iter();
    let one = |one: &Value| (one["person"]["account"].as_str().unwrap().to_owned(), one["writes"] == true);
    people.map(one).collect()
}

/// Says it until somebody is told so.
async fn until(worker: &Worker<'_>, case: &str, what: &str, is_so: impl Fn(&Here) -> bool) -> Here {
    let begun = Instant::now();
    loop {
        let seen = here(worker, case, json!({})).await;
        if is_so(&seen) {
            return seen;
        }
        assert!(begun.elapsed() < TOLD_WITHIN, "waited too long until {what}: {seen:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How many messages of processes are among these. Each is sealed: it shows nothing, and is as long as any other.
fn sealed_among(overheard: &[Vec<u8>], garbage: &[String]) -> usize {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let is_garbage = |said: &[u8]| garbage.iter().any(|text| text.as_bytes() == said);
    let said: Vec<&Vec<u8>> = overheard.iter().filter(|said| !is_garbage(said)).collect();
    for said in &said {
        let text = String::from_utf8_lossy(said);
        assert!(said.len() == SAID_CHARS && said.iter().all(is_letter), "it can be read: {text}");
    }
    said.len()
}

/// What is true of two processes, whatever carries it from one to the other.
async fn people_see_each_other(one: &TestHub, two: &TestHub) {
    for (name, role) in [
        ("police", OrganisationRole::Agency),
        ("ministry", OrganisationRole::Agency),
        ("kinki-power", OrganisationRole::Operator),
    ] {
        one.organisation(name, role).await;
    }
    let [nco, power, silent] = [
        Worker::new(one, "coordinator").await,
        Worker::new(one, "kinki-power").await,
        Worker::new(one, "ministry").await,
    ];
    let [chief, police, colleague] = [
        Worker::new(two, "coordinator").await,
        Worker::new(two, "police").await,
        Worker::new(two, "ministry").await,
    ];
    let case = nco.opens("侵入").await;
    nco.says(&case, open(note("はじめ"))).await;
    police.says(&case, open(note("捜査"))).await;
    power.says(&case, only(&["coordinator"], false, note("調整機関だけへ"))).await;
    for (worker, writes) in [(&nco, false), (&power, true), (&silent, false), (&police, false)] {
        here(worker, &case, json!({ "writes": writes })).await;
    }
    // Those who are at the one are seen at the other, and the other way round.
    let seen = until(&chief, &case, "the coordinator sees those of the first process", |seen| {
        seen.contains_key(&nco.account) && seen.get(&power.account) == Some(&true)
    })
    .await;
    assert!(!seen.contains_key(&silent.account), "who says nothing is not told of");
    until(&nco, &case, "the coordinator sees the police", |seen| seen.contains_key(&police.account)).await;
    // It arrived there, so that it is a decision that others are not told.
    until(&colleague, &case, "one's own organisation is seen", |seen| seen.contains_key(&silent.account))
        .await;
    let seen =
        until(&police, &case, "the police see the coordinator", |seen| seen.contains_key(&nco.account)).await;
    assert!(!seen.contains_key(&power.account), "what it wrote is for others, and so is that it is there");
    assert!(!seen.contains_key(&silent.account) && !seen.contains_key(&colleague.account));
    // Typing and leaving.
    here(&police, &case, json!({ "writes": true })).await;
    until(&nco, &case, "typing is seen", |seen| seen.get(&police.account) == Some(&true)).await;
    here(&police, &case, json!({ "leaves": true })).await;
    until(&nco, &case, "leaving is seen", |seen| !seen.contains_key(&police.account)).await;
    assert_eq!(one.audit(Action::CaseChanged).await.len(), 3, "nothing of it is written down");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_at_two_processes_see_each_other_through_nats() {
    let (Some(server), Some(cluster)) = (Server::start(), Cluster::start(1)) else { return };
    let address = format!("nats://{}", cluster.hosts());
    let [one, two] = wake::two_hubs(&server, &address).await;
    for hub in [&one, &two] {
        wait_for_notice(hub, "NATS is there", |notices| notices == &json!([])).await;
    }
    let client = async_nats::connect(address.as_str()).await.unwrap();
    let mut overheard = client.subscribe("yagura.*.room.presence").await.unwrap();
    client.flush().await.unwrap();
    // What others write there harms nobody.
    let node = node(&client).await;
    let subject = format!("yagura.{node}.room.presence");
    let garbage = ["", "{}", "17", "\u{0}", &"x".repeat(SAID_CHARS), &"x".repeat(100_000)].map(str::to_owned);
    for garbage in &garbage {
        client.publish(subject.clone(), Bytes::from(garbage.clone())).await.unwrap();
    }
    people_see_each_other(&one, &two).await;
    let mut messages = Vec::new();
    while let Ok(Some(message)) = tokio::time::timeout(Duration::from_millis(200), overheard.next()).await {
        messages.push(message.payload.to_vec());
    }
    let said = sealed_among(&messages, &garbage);
    // Six people, what changed about them, and what was asked again and again while it was waited for.
    assert!((6..200).contains(&said), "{said} messages");
    let stream = jetstream::new(client.clone()).get_stream(format!("yagura-{node}")).await.unwrap();
    assert!(stream.get_last_raw_message_by_subject(&subject).await.is_err(), "nothing keeps it");
    for hub in [&one, &two] {
        wait_for_notice(hub, "NATS is well", |notices| notices == &json!([])).await;
    }
}

/// The node's part of its subjects, from the stream that it keeps.
async fn node(client: &Client) -> String {
    let context = jetstream::new(client.clone());
    let begun = Instant::now();
    loop {
        let names: Vec<String> =
            context.stream_names().filter_map(|name| std::future::ready(name.ok())).collect().await;
        if let Some(node) = names.iter().find_map(|name| name.strip_prefix("yagura-")) {
            return node.to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "the hubs made no stream: {names:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_at_two_processes_see_each_other_through_the_database() {
    let Some((_server, one, two)) = several::two_hubs().await else { return };
    // Whoever may connect to the database hears what is said there, and may say something.
    let store = one.running.store();
    let mut overheard = store.asides();
    let garbage = ["", "{}", "17", &"x".repeat(SAID_CHARS), &"x".repeat(4_000)].map(str::to_owned);
    store.say_aside(garbage.to_vec()).await.unwrap();
    people_see_each_other(&one, &two).await;
    let mut messages = Vec::new();
    loop {
        match overheard.try_recv() {
            Ok(said) => messages.push(said.as_bytes().to_vec()),
            Err(TryRecvError::Lagged(_)) => {}
            Err(_) => break,
        }
    }
    let said = sealed_among(&messages, &garbage);
    assert!(said >= 6, "{said} messages");
}

/// Without its servers a process knows its own people; when they are back it knows the others again, and nobody does anything for it.
#[tokio::test(flavor = "multi_thread")]
async fn while_nats_is_away_each_process_knows_its_own_people() {
    let (Some(server), Some(mut cluster)) = (Server::start(), Cluster::start(1)) else { return };
    let [one, two] = wake::two_hubs(&server, &format!("nats://{}", cluster.hosts())).await;
    for hub in [&one, &two] {
        wait_for_notice(hub, "NATS is there", |notices| notices == &json!([])).await;
    }
    one.organisation("police", OrganisationRole::Agency).await;
    let [nco, police] = [Worker::new(&one, "coordinator").await, Worker::new(&two, "police").await];
    let case = nco.opens("侵入").await;
    nco.says(&case, open(note("はじめ"))).await;
    cluster.kill(0);
    let is_away = |notices: &Value| notices[0].as_str().is_some_and(|told| told.starts_with("wake-away: "));
    for hub in [&one, &two] {
        wait_for_notice(hub, "NATS is away", is_away).await;
    }
    let near = Worker::new(&one, "coordinator").await;
    here(&near, &case, json!({})).await;
    let seen = here(&nco, &case, json!({})).await;
    assert!(seen.contains_key(&near.account), "people of one process see each other");
    assert!(!here(&police, &case, json!({})).await.contains_key(&nco.account));
    cluster.resume(0);
    for hub in [&one, &two] {
        wait_for_notice(hub, "NATS is back", |notices| notices == &json!([])).await;
    }
    let begun = Instant::now();
    while !here(&police, &case, json!({})).await.contains_key(&nco.account) {
        // A console says it again every fifteen seconds; this one is in a hurry.
        here(&nco, &case, json!({})).await;
        assert!(begun.elapsed() < PATIENCE, "the other process's people are not seen again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
