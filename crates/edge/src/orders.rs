//! What is ordered of this edge: taken from the hub, judged here, carried out by devices, read back, told, and ended.
//!
//! The hub is believed in nothing but what its operator configured a key for, and not in everything then: [`gates`] are this edge's own.
//! Nothing is carried out without an end, and with `consent = "ask"` nothing without the operator.

pub(crate) mod engine;
pub(crate) mod gates;
pub(crate) mod mqtt;
mod step;
mod surroundings;
pub(crate) mod trial;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::EdgeOrder;
use api::client::Client;
use openc2::DateTime;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

use self::engine::{Engine, Heard};
use crate::spool::Spool;
use crate::{Config, EdgeError, Shared, SpoolError, actuators};

#[cfg(test)]
#[path = "orders_tests.rs"]
pub(crate) mod tests;

#[cfg(test)]
mod link_tests;

#[cfg(test)]
mod mqtt_tests;

/// How long one request for orders waits.
const WAIT_SECONDS: u64 = 25;
/// Reports in one request.
const REPORTS_BATCH: usize = 500;
/// What may wait for the engine.
const WAITING_MAX: usize = 64;
/// The longest that the engine sleeps: it looks whether the edge stops.
const SLEEP_MAX: Duration = Duration::from_millis(250);
/// After a failure of the disk.
const AGAIN: Duration = Duration::from_secs(2);
/// Hubs at unknown names are looked up again after so long.
const LOOKED_UP: Duration = Duration::from_secs(300);
/// The same where one of them was not found.
const LOOKED_UP_IN_VAIN: Duration = Duration::from_secs(10);

/// Where orders and decisions go.
#[derive(Debug)]
pub(crate) struct Orders {
    door: SyncSender<Said>,
    /// Rung when there is something to report.
    told: Notify,
    /// Rung when somebody may have to be answered by the broker.
    answered: Notify,
    /// What came by the broker.
    pub(crate) carried: mqtt::Carried,
    /// What keeps the engine from going on, or a device from being read.
    trouble: Mutex<Option<String>>,
}

type Answered<T> = oneshot::Sender<Result<T, SpoolError>>;

/// What is said to the engine.
enum Said {
    Orders { orders: Vec<EdgeOrder>, hub: BTreeSet<IpAddr>, done: Answered<()> },
    Heard { order: Box<EdgeOrder>, hub: BTreeSet<IpAddr>, done: Answered<Heard> },
    Decided { key: engine::Key, what: Decision, done: Answered<bool> },
}

/// What the operator decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// An order that waits is carried out.
    Agree,
    /// An order that waits is not.
    Refuse,
    /// An order is taken back.
    Undo,
}

/// An engine that is open and not attended yet.
pub(crate) struct Opened {
    pub(crate) orders: Arc<Orders>,
    engine: Engine,
    said: Receiver<Said>,
}

/// Opens what the operator configured; nothing where it did not.
pub(crate) fn open(config: &Config, spool: &Spool) -> Result<Option<Opened>, EdgeError> {
    let Some(orders) = &config.orders else { return Ok(None) };
    let engine = Engine::open(orders, actuators::open(&orders.devices), spool)?;
    let (door, said) = sync_channel(WAITING_MAX);
    let orders = Orders {
        door,
        told: Notify::new(),
        answered: Notify::new(),
        carried: mqtt::Carried::default(),
        trouble: Mutex::new(None),
    };
    Ok(Some(Opened { orders: Arc::new(orders), engine, said }))
}

impl Opened {
    /// Starts the engine's thread.
    pub(crate) fn attend(self, shared: &Arc<Shared>) -> Result<std::thread::JoinHandle<()>, EdgeError> {
        let shared = Arc::clone(shared);
        std::thread::Builder::new()
            .name("orders".to_owned())
            .spawn(move || self.run(&shared))
            .map_err(EdgeError::Start)
    }

    fn run(mut self, shared: &Shared) {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let mut has_begun = false;
        while !shared.is_stopping() {
            let done = if has_begun {
                self.once(&shared.spool)
            } else {
                self.engine.begin(&shared.spool, boot.trim(), now())
            };
            let trouble = done.as_ref().err().map(ToString::to_string).or_else(|| self.engine.failing());
            self.orders.set_trouble(trouble);
            match done {
                Ok(()) => has_begun = true,
                Err(error) => {
                    tracing::warn!(%error, "orders do not go on");
                    std::thread::sleep(AGAIN);
                }
            }
            if self.engine.take_reported() {
                self.orders.told.notify_one();
                self.orders.answered.notify_one();
            }
        }
        // What stands goes on standing until its time: nobody's protection ends because a program is updated.
    }

    /// Waits until something is said or due, and does it.
    fn once(&mut self, spool: &Spool) -> Result<(), SpoolError> {
        let due = Duration::from_millis(self.engine.next_tick().0.saturating_sub(now().0));
        match self.said.recv_timeout(due.min(SLEEP_MAX)) {
            Ok(Said::Orders { orders, hub, done }) => {
                self.engine.set_hub(hub);
                let taken = orders.iter().try_for_each(|order| self.engine.take(spool, order, now()));
                // Nobody waits any more where the edge stops.
                let _ = done.send(taken);
            }
            Ok(Said::Heard { order, hub, done }) => {
                self.engine.set_hub(hub);
                let _ = done.send(self.engine.hear(spool, &order, now()));
            }
            Ok(Said::Decided { key, what, done }) => {
                let decided = match what {
                    Decision::Agree => self.engine.agree(spool, &key, now()),
                    Decision::Refuse => self.engine.refuse(spool, &key, now()),
                    Decision::Undo => self.engine.undo(spool, &key, now()),
                };
                let _ = done.send(decided);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(SLEEP_MAX),
        }
        if self.engine.next_tick() <= now() { self.engine.tick(spool, now()) } else { Ok(()) }
    }
}

fn now() -> DateTime {
    DateTime(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0))
}

impl Orders {
    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says something to the engine and waits for its answer.
    async fn say<T>(&self, said: impl FnOnce(Answered<T>) -> Said) -> Result<T, SpoolError> {
        let (done, answer) = oneshot::channel();
        let busy = || SpoolError::Unusable("the edge is busy with other orders, or stops".to_owned());
        self.door.try_send(said(done)).map_err(|_| busy())?;
        answer.await.unwrap_or_else(|_| Err(busy()))
    }

    /// The operator decides; whether there was anything to decide.
    pub(crate) async fn decide(
        &self,
        issuer: String,
        command: String,
        what: Decision,
    ) -> Result<bool, SpoolError> {
        self.say(|done| Said::Decided { key: (issuer, command), what, done }).await
    }
}

/// What goes between the hub and the engine.
pub(crate) fn link(shared: &Arc<Shared>, client: &Client, tasks: &mut JoinSet<()>) {
    let Some(orders) = &shared.orders else { return };
    if let Some(config) = shared.config.orders.as_ref().filter(|orders| orders.enabled) {
        if config.mqtt.as_ref().is_none_or(|mqtt| !mqtt.only) {
            tasks.spawn(fetch(Arc::clone(shared), Arc::clone(orders), client.clone()));
        }
        if let Some(mqtt) = &config.mqtt {
            tasks.spawn(mqtt::carry(Arc::clone(shared), Arc::clone(orders), mqtt.clone()));
        }
    }
    tasks.spawn(report(Arc::clone(shared), Arc::clone(orders), client.clone()));
}

/// Fetches orders and has them judged. Never ends until stopped.
async fn fetch(shared: Arc<Shared>, orders: Arc<Orders>, client: Client) {
    let mut backoff = crate::link::Backoff::default();
    let mut near = Near::of(&shared);
    while !shared.is_stopping() {
        let fetched = async {
            let after =
                shared.blocking(|shared| shared.spool.order_sequence()).await.map_err(|e| e.to_string())?;
            let news = client.orders_for_edge(after, WAIT_SECONDS).await.map_err(|e| e.to_string())?;
            if !news.orders.is_empty() {
                let hub = near.addresses().await;
                let given = news.orders;
                let taken = orders.say(|done| Said::Orders { orders: given, hub, done }).await;
                taken.map_err(|e| e.to_string())?;
            }
            Ok::<_, String>(())
        };
        match fetched.await {
            Ok(()) => backoff.reset(),
            Err(error) => {
                tracing::info!(error, "no orders from the hub; what stands goes on to its end");
                backoff.wait().await;
            }
        }
    }
}

/// Where the hub is, and the broker, so that no order cuts the edge off from them.
struct Near {
    places: Vec<String>,
    addresses: BTreeSet<IpAddr>,
    /// When they are looked up again.
    again: Option<std::time::Instant>,
}

impl Near {
    fn of(shared: &Shared) -> Self {
        let mqtt = shared.config.orders.as_ref().and_then(|orders| orders.mqtt.as_ref());
        let broker = mqtt.map(|mqtt| mqtt.broker.shown());
        let places = std::iter::once(shared.config.hub.url.clone()).chain(broker).collect();
        Self { places, addresses: BTreeSet::new(), again: None }
    }

    async fn addresses(&mut self) -> BTreeSet<IpAddr> {
        let now = std::time::Instant::now();
        if self.again.is_none_or(|again| again <= now) {
            let (mut all, mut are_known) = (BTreeSet::new(), true);
            for place in &self.places {
                match tokio::net::lookup_host(named(place)).await {
                    Ok(found) => all.extend(found.map(|address| address.ip())),
                    Err(_) => are_known = false,
                }
            }
            if are_known {
                self.addresses = all;
                self.again = Some(now + LOOKED_UP);
            } else {
                // What was known of one that cannot be looked up now is not forgotten.
                self.addresses.extend(all);
                self.again = Some(now + LOOKED_UP_IN_VAIN);
            }
        }
        self.addresses.clone()
    }
}

/// An address as names are looked up by it, with or without a scheme and a port.
fn named(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    if host.starts_with('[') && host.ends_with(']') || !host.contains(':') {
        format!("{host}:443")
    } else {
        host.to_owned()
    }
}

/// Tells the hub what became of orders, oldest first. Never ends until stopped.
async fn report(shared: Arc<Shared>, orders: Arc<Orders>, client: Client) {
    let mut backoff = crate::link::Backoff::default();
    while !shared.is_stopping() {
        let waiting = match shared.blocking(|shared| shared.spool.waiting_order_reports(REPORTS_BATCH)).await
        {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::warn!(%error, "the spool cannot be read");
                backoff.wait().await;
                continue;
            }
        };
        if waiting.is_empty() {
            orders.told.notified().await;
            continue;
        }
        let (numbers, reports): (Vec<i64>, Vec<_>) = waiting.into_iter().unzip();
        let told = match client.send_order_reports(reports).await {
            Ok(_) => shared
                .blocking(move |shared| shared.spool.acknowledge_order_reports(&numbers))
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match told {
            Ok(()) => backoff.reset(),
            Err(error) => {
                tracing::info!(error, "reports on orders wait for the hub");
                backoff.wait().await;
            }
        }
    }
}
