//! Hubs on one database wake each other through NATS, beside the database's own notifications.
//!
//! - What wakes is a number and no content: how far a hub has written the log, or that something beside the log has changed.
//!   Whoever hears of it looks at the database, which alone is believed. So a message that is lost, late, repeated or forged changes
//!   nothing but when somebody looks.
//! - Beside it goes who is in which case room, which stands in no database ([`crate::room::presence`]). It is
//!   sealed under a key that only the node's hubs have, changes nothing but what is shown of presence, and nothing keeps it.
//! - Nothing waits for NATS. A hub that cannot reach it goes on by the database's notifications and its look every second; a message
//!   that cannot be handed over at once is dropped, for the next one says more.
//! - JetStream keeps the newest message of each kind, so that a hub that comes back, to whichever server, hears what it missed.

mod address;
mod bus;

pub use address::WakeConfig;
pub(crate) use bus::Prepared;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::HubError;
use crate::state::AppState;

/// How hubs wake each other, as every handler can reach it. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Wake(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Whether there is a bus at all.
    is_used: AtomicBool,
    /// Something beside the log has changed here, and other hubs are to be told.
    tell_beside: Notify,
    /// Something beside the log has changed at another hub.
    beside: Notify,
    /// The newest sequence that was heard of.
    heard: AtomicI64,
    trouble: Mutex<Option<Trouble>>,
    connected: Gauge,
    messages: Family<Message, Counter>,
}

/// Why hubs hear of each other by the database alone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    /// What anybody may be told.
    public: &'static str,
    /// What is wrong, for whoever runs the node.
    detail: String,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Message {
    /// `sent`, `dropped`, `heard`; `stale` where it told nothing new.
    outcome: &'static str,
}

impl Wake {
    /// What is counted.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let about = "1 while the NATS servers that hubs wake each other through are reached";
        registry.register("yagura_wake_connected", about, self.0.connected.clone());
        let about = "Messages by which hubs wake each other through NATS, by outcome";
        registry.register("yagura_wake_messages", about, self.0.messages.clone());
    }

    /// Says that something beside the log has changed, such as how an edge is.
    pub(crate) fn tell_beside(&self) {
        if self.0.is_used.load(Ordering::Relaxed) {
            self.0.tell_beside.notify_one();
        }
    }

    /// Returns when another hub has changed something beside the log.
    pub(crate) async fn beside(&self) {
        self.0.beside.notified().await;
    }

    /// What is wrong with it, as anybody may be told.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        let trouble = self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().map(|trouble| trouble.public)
    }

    fn set_trouble(&self, trouble: Option<Trouble>) {
        let mut known = self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == trouble {
            return;
        }
        match &trouble {
            Some(trouble) => tracing::warn!(trouble = trouble.detail, "{}", trouble.public),
            None => tracing::info!("hubs wake each other through NATS"),
        }
        *known = trouble;
    }

    fn count(&self, outcome: &'static str) {
        self.0.messages.get_or_create(&Message { outcome }).inc();
    }
}

/// Reads what the configuration names.
///
/// # Errors
/// `wake` where a file that the address names cannot be used.
pub(crate) async fn prepare(config: Option<&WakeConfig>) -> Result<Option<Prepared>, HubError> {
    let Some(config) = config else { return Ok(None) };
    let prepared = Prepared::of(config).await;
    prepared.map(Some).map_err(|why| HubError::new("wake", format!("wake: {why}")))
}

/// Begins to wake and be woken. Servers that are away are no error: they are tried again and again.
///
/// # Errors
/// `wake` where the connection cannot even be tried.
pub(crate) async fn start(state: &AppState, prepared: Prepared) -> Result<Vec<JoinHandle<()>>, HubError> {
    bus::start(state, prepared).await.map_err(|why| HubError::new("wake", format!("wake: {why}")))
}
