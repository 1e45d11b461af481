//! Orders by a broker of MQTT 5, beside the link that edges open: the same signed orders, out of the same table, for the edges that the
//! configuration names.
//!
//! - Nothing is kept here. An order goes out until its edge has said something of it, or until it may not be taken any more; the table
//!   knows both. So no order is lost with a broker, a connection or a hub, and none waits for them: the link gives it out as ever.
//! - An edge's answer counts as if it had come by the link, where it is sealed under the edge's own token. What is not sealed so anybody may
//!   have published, and it changes nothing.
//! - Agents of playbooks may be behind the broker as well ([`agents`]).
//! - Of several hubs on one database one has the connection: the one that calls agents.

mod agents;
mod answers;
mod orders;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openc2::client::{Client, Settings, State, start};
use openc2::mqtt::{Connect, level, subscriptions_of_producer};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use sha2::{Digest, Sha256};

use crate::config::MqttConfig;
use crate::runs::agents::{AGENTS, DUTY};
use crate::state::AppState;

/// How often it is looked whose it is.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The most seconds of silence on the connection.
const KEEP_ALIVE_S: u16 = 30;
/// What the hub's name at the broker is made from, beside its key of orders.
const NAME_DOMAIN: &[u8] = b"yagura name at a broker v1";
/// What anybody may be told of a broker that is away.
const AWAY: &str =
    "broker-away: the MQTT broker that orders go by is not reached; edges fetch theirs by the link as ever";

/// How orders go by a broker, as every handler can reach it. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Mqtt(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Why there is no connection, as it was last told.
    trouble: Mutex<Option<String>>,
    /// The connection, while this hub holds it.
    client: Mutex<Option<Client>>,
    asked: agents::Asked,
    connected: Gauge,
    messages: Family<Message, Counter>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Message {
    /// Of orders `sent`, `nobody` (the edge has never connected) or `refused`; of answers `taken`, `agent` or `foreign`.
    outcome: &'static str,
}

impl Mqtt {
    /// What is counted.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let about = "1 while the MQTT broker that orders go by is reached";
        registry.register("yagura_broker_connected", about, self.0.connected.clone());
        let about = "Orders that went by the MQTT broker and answers that came, by what became of them";
        registry.register("yagura_broker_messages", about, self.0.messages.clone());
    }

    /// What is wrong with it, as anybody may be told.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|_| AWAY)
    }

    fn client(&self) -> Option<Client> {
        self.0.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_client(&self, client: Option<Client>) {
        *self.0.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }

    fn count(&self, outcome: &'static str) {
        self.0.messages.get_or_create(&Message { outcome }).inc();
    }

    /// Notes how the connection is, and tells it where that is new.
    fn note(&self, broker: &str, state: &State) {
        let mut known = self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match state {
            State::Connected => {
                tracing::info!(broker, "connected to the broker; orders go by it");
                self.0.connected.set(1);
                *known = None;
            }
            State::Away(why) => {
                self.0.connected.set(0);
                // The same again is not told again: a broker may be away for a day.
                if known.as_ref() != Some(why) {
                    tracing::warn!(broker, why, "the broker is away; orders go by the link");
                }
                *known = Some(why.clone());
            }
        }
    }

    /// It is another hub's, or this one stops.
    fn leave(&self) {
        self.set_client(None);
        self.0.connected.set(0);
        *self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Holds the connection, while it is this hub's to hold, until the hub stops.
pub(crate) async fn run(state: AppState) {
    let Some(config) = state.config.mqtt.clone() else { return };
    let settings = match settings(&state, &config) {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!(%error, "orders cannot go by the broker");
            return;
        }
    };
    while !state.stopping.is_set() {
        if is_ours(&state).await {
            serve(&state, &config, settings.clone()).await;
            state.mqtt.leave();
        }
        tokio::select! {
            () = state.stopping.wait() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

fn settings(state: &AppState, config: &MqttConfig) -> Result<Settings, openc2::Refusal> {
    let own = state.response.order_key();
    let name = Sha256::new_with_prefix(NAME_DOMAIN).chain_update(own.key.as_bytes()).finalize();
    // As many letters and digits as every broker takes; the same for all hubs of the node, since they have one session.
    let name: String = hex::encode(name).chars().take(23).collect();
    Ok(Settings {
        broker: config.broker.clone(),
        connect: Connect::new(&name, KEEP_ALIVE_S)?,
        subscriptions: subscriptions_of_producer(&level(&own.issuer))?,
    })
}

async fn is_ours(state: &AppState) -> bool {
    let wanted = BTreeSet::from([AGENTS.to_owned()]);
    match state.duties.take(&state.store, DUTY, wanted).await {
        Ok(held) => !held.is_empty(),
        Err(error) => {
            tracing::warn!(%error, "it is not known whose the connection to the broker is");
            false
        }
    }
}

/// Gives orders out and takes answers in, until the hub stops or the connection is another hub's.
async fn serve(state: &AppState, config: &MqttConfig, settings: Settings) {
    let (client, deliveries) = start(settings);
    state.mqtt.set_client(Some(client.clone()));
    tokio::select! {
        () = watch(state, config, &client) => {}
        () = orders::give(state, config, &client) => {}
        () = answers::take(state, deliveries) => {}
        () = until_lost(state) => {}
        () = state.stopping.wait() => {}
    }
}

async fn until_lost(state: &AppState) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if !is_ours(state).await {
            return;
        }
    }
}

/// Tells how the connection is, when that changes.
async fn watch(state: &AppState, config: &MqttConfig, client: &Client) {
    let (mut found, broker) = (client.state(), config.broker.shown());
    while found.changed().await.is_ok() {
        let now = found.borrow_and_update().clone();
        state.mqtt.note(&broker, &now);
    }
}
