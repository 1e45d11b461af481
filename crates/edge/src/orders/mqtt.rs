//! Orders by a broker of MQTT 5, beside the link to the hub or in its place: the same signed orders, for the same engine and its gates. Only the
//! carriage is another one. Whoever signed an order that came so is answered by the broker; the hub's word beside an order, and
//! the edge's own beside an answer, are sealed under the token that the two share.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use api::{EdgeOrder, OrderContext, OrderPerson, OrderState};
use jiff::SignedDuration;
use openc2::client::{Beside, Client, Delivery, NotSent, Secret, Settings, State, start};
use openc2::mqtt::{Connect, Publish, Topic, publish, read, subscriptions_of_consumer};
use openc2::{Content, DateTime, Headers, Language, Message, Response, Status as Code};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

use super::engine::Heard;
use super::step::{moment, word};
use super::{Near, Orders, Said, now};
use crate::config::OrdersByMqtt;
use crate::ledger::{LedgerKind, LedgerRow};
use crate::link::Backoff;
use crate::spool::orders::Answer;
use crate::status::Status;
use crate::{Shared, SpoolError};

/// The most seconds of silence on the connection.
const KEEP_ALIVE_S: u16 = 30;
/// The profile whose commands are heard.
const PROFILE: &str = "slpf";
/// Answers of one look.
const ANSWERS_BATCH: usize = 100;
/// How long an answer is of use to anybody.
const ANSWER_HOLDS: SignedDuration = SignedDuration::from_hours(24);
/// What was not taken is written into the ledger so often, with how much of it there was: anybody may send it.
const REFUSED_EVERY: Duration = Duration::from_secs(60);
/// The longest reason in the ledger, in characters.
const WHY_CHARS_MAX: usize = 300;

/// What came by the broker and went to it, since the edge was started.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    pub(crate) is_connected: AtomicBool,
    /// Orders that were judged, and are written down.
    pub(crate) judged: AtomicU64,
    /// Those that were here before.
    pub(crate) known: AtomicU64,
    /// Those that nobody signed whose signature counts here now.
    pub(crate) refused: AtomicU64,
    /// What is no order at all.
    pub(crate) malformed: AtomicU64,
    /// Answers that the broker took.
    pub(crate) answered: AtomicU64,
}

/// Holds the connection to the broker. Never ends until stopped.
pub(super) async fn carry(shared: Arc<Shared>, orders: Arc<Orders>, config: OrdersByMqtt) {
    let mut backoff = Backoff::default();
    let settings = loop {
        match shared.blocking(|shared| shared.spool.broker_name()).await.map(|name| settings(&name, &config))
        {
            Ok(Ok(settings)) => break settings,
            Ok(Err(error)) => {
                tracing::error!(%error, "orders cannot come by the broker");
                return;
            }
            Err(error) => tracing::warn!(%error, "the spool cannot be read"),
        }
        backoff.wait().await;
    };
    let (client, deliveries) = start(settings);
    let secret: Secret = Sha256::digest(shared.config.hub.token.as_bytes()).into();
    tokio::join!(
        watch(&shared, &orders, &client, &config),
        hear(&shared, &orders, &secret, deliveries),
        answer(&shared, &orders, &client, (config.device.as_str(), &secret)),
    );
}

fn settings(name: &str, config: &OrdersByMqtt) -> Result<Settings, openc2::Refusal> {
    Ok(Settings {
        broker: config.broker.clone(),
        connect: Connect::new(name, KEEP_ALIVE_S)?,
        subscriptions: subscriptions_of_consumer(&config.device, &[PROFILE])?,
    })
}

/// Tells how the connection is, when that changes.
async fn watch(shared: &Shared, orders: &Orders, client: &Client, config: &OrdersByMqtt) {
    let (mut state, broker) = (client.state(), config.broker.shown());
    while state.changed().await.is_ok() {
        let found = state.borrow_and_update().clone();
        let was_connected = orders.carried.is_connected.swap(found == State::Connected, Ordering::Relaxed);
        shared.status.set_trouble("broker-away", found != State::Connected);
        match found {
            State::Connected => tracing::info!(broker, "connected to the broker; orders come by it"),
            State::Away(why) if was_connected => tracing::warn!(broker, why, "disconnected from the broker"),
            State::Away(why) => tracing::info!(broker, why, "the broker is away; it is tried again"),
        }
    }
}

/// What was not taken and is not yet in the ledger.
#[derive(Default)]
struct Refused {
    count: u64,
    why: String,
    noted: Option<Instant>,
}

impl Refused {
    /// When it is to be written down.
    fn due(&self) -> Option<Instant> {
        let now = Instant::now();
        (self.count > 0).then(|| self.noted.map_or(now, |noted| noted + REFUSED_EVERY))
    }

    fn add(&mut self, why: String) {
        self.count += 1;
        self.why = why;
    }

    fn ledger(&mut self) -> LedgerRow {
        self.noted = Some(Instant::now());
        let count = std::mem::take(&mut self.count);
        let why: String = self.why.chars().filter(|c| !c.is_control()).take(WHY_CHARS_MAX).collect();
        LedgerRow {
            at: jiff::Timestamp::now(),
            kind: LedgerKind::Rejected,
            indicator: String::new(),
            name: "mqtt".to_owned(),
            detail: format!("{count} by the broker, from nobody that is trusted; the last one: {why}"),
        }
    }
}

/// Has what comes judged, one after the other. It is acknowledged when that is written down.
async fn hear(shared: &Arc<Shared>, orders: &Orders, secret: &Secret, mut deliveries: Receiver<Delivery>) {
    let (mut near, mut refused) = (Near::of(shared), Refused::default());
    loop {
        let due = refused.due();
        let delivery = tokio::select! {
            delivery = deliveries.recv() => delivery,
            () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                let row = refused.ledger();
                if let Err(error) = shared.blocking(move |shared| shared.spool.note_of_orders(&[row])).await {
                    tracing::warn!(%error, "what came by the broker and was refused is not in the ledger");
                }
                continue;
            }
        };
        let Some(delivery) = delivery else { return };
        let carried = &orders.carried;
        match order_in(&delivery.packet, secret) {
            Err(why) => {
                Status::add(&carried.malformed, 1);
                refused.add(why);
            }
            Ok(order) => match judge(orders, &order, near.addresses().await).await {
                Heard::Judged => Status::add(&carried.judged, 1),
                Heard::Known => Status::add(&carried.known, 1),
                Heard::Foreign(why) => {
                    Status::add(&carried.refused, 1);
                    refused.add(why);
                }
            },
        }
        delivery.done();
    }
}

/// Has an order judged; not before it is written down what came of it.
async fn judge(orders: &Orders, order: &EdgeOrder, hub: BTreeSet<IpAddr>) -> Heard {
    let mut backoff = Backoff::default();
    loop {
        let (order, hub) = (Box::new(order.clone()), hub.clone());
        match orders.say(|done| Said::Heard { order, hub, done }).await {
            Ok(heard) => return heard,
            Err(error) => tracing::info!(%error, "an order of the broker's waits"),
        }
        backoff.wait().await;
    }
}

/// The order in a packet, with what the hub tells of it.
fn order_in(packet: &Publish, secret: &Secret) -> Result<EdgeOrder, String> {
    let (_, message) = read(packet).map_err(|refusal| refusal.to_string())?;
    let Content::Request(command) = &message.content else {
        return Err("there is no command in it".to_owned());
    };
    let id = command.get("command_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let told = Beside::Order.open(packet, secret);
    let told = told.and_then(|text| serde_json::from_slice::<OrderContext>(&text).ok());
    let about = told.filter(|about| about.command_id == id).unwrap_or_else(|| untold(&id, &message));
    // It has no place in the hub's list for this edge.
    Ok(EdgeOrder { sequence: 0, message: message.write(), about })
}

/// What is known of an order of which nobody tells more: who sent it, and when it says that was.
fn untold(id: &str, message: &Message) -> OrderContext {
    let headers = &message.headers;
    let person = OrderPerson {
        organisation: headers.from.clone().unwrap_or_default(),
        name: None,
        at: moment(headers.created.unwrap_or_else(now)).to_string(),
    };
    OrderContext {
        command_id: id.to_owned(),
        run: None,
        playbook: None,
        step: None,
        case: None,
        requested_by: person,
        approved_by: Vec::new(),
        basis: None,
        reference: None,
        undoes: None,
        hubs: None,
    }
}

/// Publishes answers, oldest first. One goes when the broker has it, or will never take it.
async fn answer(shared: &Arc<Shared>, orders: &Orders, client: &Client, (device, secret): (&str, &Secret)) {
    let (mut backoff, mut state) = (Backoff::default(), client.state());
    loop {
        let waiting = match shared.blocking(|shared| shared.spool.waiting_answers(ANSWERS_BATCH)).await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::warn!(%error, "the spool cannot be read");
                backoff.wait().await;
                continue;
            }
        };
        if waiting.is_empty() {
            orders.answered.notified().await;
            continue;
        }
        // Only whoever keeps the connection ends, and then so does this.
        let Ok(()) = state.wait_for(|state| *state == State::Connected).await.map(drop) else { return };
        let (gone, is_whole) = give(orders, client, &waiting, (device, secret)).await;
        let ended: Result<(), SpoolError> =
            shared.blocking(move |shared| shared.spool.end_answers(&gone)).await;
        match ended {
            Ok(()) if is_whole => backoff.reset(),
            Ok(()) => backoff.wait().await,
            Err(error) => {
                tracing::warn!(%error, "that answers left is not kept; they are given again");
                backoff.wait().await;
            }
        }
    }
}

/// Gives answers to the broker; which of them are done with, and whether all are.
async fn give(
    orders: &Orders,
    client: &Client,
    waiting: &[(i64, Answer)],
    (device, secret): (&str, &Secret),
) -> (Vec<i64>, bool) {
    let mut gone = Vec::with_capacity(waiting.len());
    for (number, answer) in waiting {
        if let Some(packet) = packet(answer, (device, secret), now()) {
            match client.publish(packet).await {
                Ok(_) => Status::add(&orders.carried.answered, 1),
                Err(NotSent::Away | NotSent::Silent) => return (gone, false),
                Err(error) => tracing::warn!(%error, "an answer cannot be given by the broker"),
            }
        }
        gone.push(*number);
    }
    (gone, true)
}

/// An answer as it is published; nothing where it is of no use any more.
fn packet(answer: &Answer, (device, secret): (&str, &Secret), now: DateTime) -> Option<Publish> {
    let report = &answer.report;
    let expires = report.at.parse::<jiff::Timestamp>().ok()?.checked_add(ANSWER_HOLDS).ok()?;
    let headers = Headers {
        request_id: answer.to.request.clone(),
        created: Some(now),
        from: Some(device.to_owned()),
        to: vec![answer.to.producer.clone()],
    };
    let message = Message { headers, content: Content::Response(response(report)), signature: None };
    let topic = Topic::answering(&answer.to.producer);
    let packet = publish(&message, &topic, DateTime::from(expires), now).ok()?;
    // Where it cannot be written it is an answer all the same.
    let told = serde_json::to_vec(report).ok()?;
    Some(Beside::Answer.seal(packet, secret, &told))
}

/// How an order stands, as a response of OpenC2.
fn response(report: &api::OrderReport) -> Value {
    let status = match report.state {
        OrderState::Taken | OrderState::Waiting | OrderState::Shadow => Code::Processing,
        OrderState::Enforced | OrderState::Released | OrderState::Expired => Code::Ok,
        OrderState::Refused => Code::Forbidden,
        OrderState::Drifted | OrderState::Failed => Code::InternalError,
    };
    let is_told = !matches!(report.state, OrderState::Drifted | OrderState::Waiting | OrderState::Shadow);
    if let Some(given) = report.response.clone().filter(|_| is_told) {
        return given;
    }
    let words = word(report.state);
    let text = report.why.as_ref().map_or_else(|| words.to_owned(), |why| format!("{words}; {why}"));
    Response::with_text(status, text).write(Language::V1_0)
}
