//! The operator's node: tails telemetry, matches it, lets out consented sightings only.
//!
//! Towards the hub it opens connections outwards only; telemetry comes in by the doors that its operator configured. No function here sends an observation: what leaves is an `oversight::Minimised`, and
//! nothing else fits into the client's call.

mod config;
mod history;
mod indicators;
mod ledger;
mod link;
mod metrics;
mod page;
mod pipeline;
mod source;
mod spool;
mod status;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use api::client::{Client, Settings};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

pub use config::{
    Config, ConfigError, HttpPush, HubLink, Hunts, Lake, Matching, Nats, Origin, Source, Syslog, Transport,
};
pub use ledger::{Counts, LedgerKind, LedgerRow};
pub use spool::SpoolError;

use crate::history::History;
use crate::indicators::Indicators;
use crate::source::Inlet;
use crate::spool::Spool;
use crate::status::Status;

/// Why an edge does not start.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The spool cannot be opened.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The hub's address or certificate cannot be used.
    #[error(transparent)]
    Hub(#[from] api::client::Error),
    /// The edge's own page cannot listen there.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
    /// What was pushed to a source cannot be kept.
    #[error("`{folder}` cannot be used: {cause}")]
    Journal {
        /// Where it is kept.
        folder: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A thread could not be started.
    #[error("cannot start: {0}")]
    Start(std::io::Error),
}

/// What the parts of a running edge share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) spool: Spool,
    pub(crate) status: Status,
    pub(crate) indicators: Indicators,
    /// What was read, where it is kept.
    pub(crate) history: Option<Arc<History>>,
    /// The ways in, by source.
    pub(crate) inlets: BTreeMap<String, Arc<Inlet>>,
    /// Rung when sightings were spooled.
    pub(crate) spooled: Notify,
    /// Rung when the edge stops.
    pub(crate) stopped: Notify,
    stopping: AtomicBool,
}

impl Shared {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Runs work that touches the disk away from the asynchronous threads.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let shared = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&shared))
            .await
            .unwrap_or_else(|e| Err(SpoolError::Unusable(e.to_string())))
    }
}

/// A running edge.
#[derive(Debug)]
pub struct RunningEdge {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    threads: Vec<std::thread::JoinHandle<()>>,
    address: Option<SocketAddr>,
}

/// Starts an edge: opens the spool, takes up the kept indicators, follows the logs, talks to the hub. The hub need not be there.
pub async fn start(config: Config) -> Result<RunningEdge, EdgeError> {
    let client = Client::new(&Settings {
        address: config.hub.url.clone(),
        token: Some(config.hub.token.clone()),
        root_certificate: config.hub.certificate.clone(),
    })?;
    let mut spool = Spool::open(&config.data)?;
    let history = history::open(&config, &mut spool)?;
    let (sequence, kept) = spool.intelligence()?;
    let indicators = Indicators::new(&config.matching, kept, sequence)?;
    let mut opened = source::open(&config, &spool).await?;
    let shared = Arc::new(Shared {
        inlets: std::mem::take(&mut opened.inlets),
        config,
        spool,
        status: Status::default(),
        indicators,
        history: history.as_ref().map(|opened| Arc::clone(&opened.history)),
        spooled: Notify::new(),
        stopped: Notify::new(),
        stopping: AtomicBool::new(false),
    });
    shared.indicators.rebuild(&shared.status);
    // What was kept from before is enough to go on with, also while the hub is away.
    shared.status.informed.store(sequence > 0, Ordering::Relaxed);
    let (address, listener) = listen(&shared.config).await?;
    let mut threads = pipeline::start(&shared)?;
    if let Some(history) = history {
        threads.push(history.attend(&shared)?);
    }
    let mut tasks = JoinSet::new();
    opened.attend(&mut tasks)?;
    let (changed, news) = watch::channel(link::Told::default());
    tasks.spawn(link::intelligence(Arc::clone(&shared), client.clone(), changed, sequence));
    tasks.spawn(indicators::keep_compiled(Arc::clone(&shared), news));
    tasks.spawn(link::sightings(Arc::clone(&shared), client.clone()));
    tasks.spawn(link::hello(Arc::clone(&shared), client));
    if let Some(listener) = listener {
        let router = page::router(Arc::clone(&shared));
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the edge's page stopped");
            }
        });
    }
    shared.spooled.notify_one();
    Ok(RunningEdge { shared, tasks, threads, address })
}

async fn listen(config: &Config) -> Result<(Option<SocketAddr>, Option<tokio::net::TcpListener>), EdgeError> {
    let Some(address) = config.listen else { return Ok((None, None)) };
    let cannot = |cause| EdgeError::Listen { address, cause };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok((Some(address), Some(listener)))
}

impl RunningEdge {
    /// Where the edge's own page is.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// What was counted since the spool was made.
    pub fn counts(&self) -> Result<Counts, SpoolError> {
        self.shared.spool.counts()
    }

    /// The hub's sequence that the indicator set in use was made from.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.shared.status.generation.load(Ordering::Relaxed)
    }

    /// Stops: what was read is recorded, what waits stays in the spool.
    pub async fn stop(mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.shared.stopped.notify_waiters();
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a log's thread ended badly");
                }
            }
        });
        if joined.await.is_err() {
            tracing::error!("the logs' threads could not be awaited");
        }
        self.tasks.shutdown().await;
    }
}
