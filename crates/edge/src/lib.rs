//! The operator's node: tails telemetry, matches it, lets out consented sightings only.
//!
//! Towards the hub it opens connections outwards only; telemetry comes in by the doors that its operator configured. No function here sends an observation: what leaves is an `oversight::Minimised`, and
//! nothing else fits into the client's call.

mod actuators;
mod authority;
mod config;
mod history;
mod indicators;
mod ledger;
mod link;
mod meter;
mod metrics;
mod orders;
mod page;
mod pipeline;
mod rules;
mod source;
mod spool;
mod status;
mod tuning;
mod worth;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use api::client::{Client, Settings};
use stix::Id;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

pub use config::{
    Allowed, Authority as PinnedAuthority, Config, ConfigError, Device, Dnstap, HttpPush, HubLink, Hunts,
    Kafka, KafkaTls, Lake, Matching, Mechanism, Nats, Netflow, Orders, OrdersByMqtt, Origin, Place,
    PrivateMatching, Protected, Quarantine, Radius, Sasl, Secret, Shadow, Source, Start, Syslog, Transport,
};
pub use ledger::{Counts, LedgerKind, LedgerRow};
pub use orders::Decision as OrderDecision;
pub use page::orders::Ordered;
pub use page::tuning::Decided;
pub use rules::files::{RuleFiles, read_rules};
pub use spool::SpoolError;
pub use tuning::control::{Change, Refused};
pub use tuning::socket::{Answer, Request, ask};
pub use worth::Worth;

use crate::authority::Authority;
use crate::history::History;
use crate::indicators::Indicators;
use crate::meter::Meter;
use crate::page::guard::Guard;
use crate::source::Inlet;
use crate::spool::Spool;
use crate::spool::verdicts::Decision;
use crate::status::Status;
use crate::tuning::{Tuning, Verdict};

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
    /// A socket of the file system cannot be listened on.
    #[error("cannot listen on `{path}`: {cause}")]
    Socket {
        /// Where.
        path: PathBuf,
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
    /// What was decided about indicators.
    pub(crate) tuning: Tuning,
    /// Held while a person decides: one after another.
    pub(crate) deciding: Mutex<()>,
    /// Rung when an opinion was spooled.
    pub(crate) opined: Notify,
    pub(crate) meter: Meter,
    pub(crate) guard: Guard,
    /// Where the edge's own page is.
    pub(crate) address: OnceLock<SocketAddr>,
    /// What the state asks, where the operator pinned who may.
    pub(crate) authority: Option<Arc<Authority>>,
    /// What is ordered, where the operator configured who may.
    pub(crate) orders: Option<Arc<orders::Orders>>,
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

    /// Compiles what changed among the indicators; those that ask for what is the operator's own are held back from the start.
    pub(crate) fn rebuild_indicators(&self) {
        self.indicators.rebuild(&self.status, |own| self.hold_own(own));
    }

    fn hold_own(&self, indicators: &[Id]) {
        let now = jiff::Timestamp::now();
        let held = self.tuning.hold_own(indicators, now);
        let row = |(id, verdict): &(Id, Verdict)| LedgerRow {
            at: now,
            kind: LedgerKind::Quarantined,
            indicator: id.to_string(),
            name: self.indicators.name_of(id),
            detail: verdict.reason.to_string(),
        };
        let ledger: Vec<LedgerRow> = held.iter().map(row).collect();
        let verdicts: Vec<_> = held.into_iter().map(|(id, verdict)| (id, Some(verdict))).collect();
        let decision = Decision { verdicts: &verdicts, opinion: None, ledger: &ledger };
        if let Err(error) = self.spool.decide(&decision) {
            // They are held back all the same, and judged again at the next start.
            tracing::warn!(%error, "what is held back could not be written down");
        }
    }

    /// A link with which the edge's page may be used to decide; none without a page.
    pub(crate) fn new_link(&self) -> Option<String> {
        let address = self.address.get()?;
        Some(format!("http://{address}/#{}", self.guard.new_link()?))
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
        identity: config.hub.identity.clone(),
    })?;
    let mut spool = Spool::open(&config.data)?;
    let history = history::open(&config, &mut spool)?;
    let (sequence, kept) = spool.intelligence()?;
    let indicators = Indicators::new(&config.matching, kept, sequence)?;
    let tuning =
        Tuning::new(spool.verdicts()?, spool.history(jiff::Timestamp::now())?, config.matching.quarantine);
    let authority = config.authority.as_ref().map(|pinned| Authority::open(pinned, &spool)).transpose()?;
    let ordered = orders::open(&config, &spool)?;
    let door = tuning::socket::open(&config.data)?;
    let mut opened = source::open(&config, &spool).await?;
    let shared = Arc::new(Shared {
        inlets: std::mem::take(&mut opened.inlets),
        config,
        spool,
        status: Status::default(),
        indicators,
        tuning,
        deciding: Mutex::default(),
        opined: Notify::new(),
        meter: Meter::default(),
        guard: Guard::default(),
        authority: authority.map(Arc::new),
        orders: ordered.as_ref().map(|opened| Arc::clone(&opened.orders)),
        address: OnceLock::new(),
        history: history.as_ref().map(|opened| Arc::clone(&opened.history)),
        spooled: Notify::new(),
        stopped: Notify::new(),
        stopping: AtomicBool::new(false),
    });
    shared.rebuild_indicators();
    // What was kept from before is enough to go on with, also while the hub is away.
    shared.status.informed.store(sequence > 0, Ordering::Relaxed);
    let (address, listener) = listen(&shared.config).await?;
    if let Some(address) = address {
        let _ = shared.address.set(address);
    }
    let mut threads = pipeline::start(&shared)?;
    if let Some(history) = history {
        threads.push(history.attend(&shared)?);
    }
    if let Some(ordered) = ordered {
        threads.push(ordered.attend(&shared)?);
    }
    let mut tasks = JoinSet::new();
    opened.attend(&mut tasks)?;
    let (changed, news) = watch::channel(link::Told::default());
    tasks.spawn(link::intelligence(Arc::clone(&shared), client.clone(), changed, sequence));
    tasks.spawn(indicators::keep_compiled(Arc::clone(&shared), news));
    tasks.spawn(link::sightings(Arc::clone(&shared), client.clone()));
    tasks.spawn(link::opinions(Arc::clone(&shared), client.clone()));
    if let Some(authority) = &shared.authority {
        tasks.spawn(authority::attend(Arc::clone(&shared), Arc::clone(authority), client.clone()));
        tasks.spawn(authority::attend_rounds(Arc::clone(&shared), Arc::clone(authority), client.clone()));
    }
    orders::link(&shared, &client, &mut tasks);
    tasks.spawn(link::hello(Arc::clone(&shared), client));
    tasks.spawn(tuning::socket::attend(Arc::clone(&shared), door));
    tasks.spawn(keep_settled(Arc::clone(&shared)));
    page::attend(&shared, listener, &mut tasks);
    shared.spooled.notify_one();
    shared.opined.notify_one();
    Ok(RunningEdge { shared, tasks, threads, address })
}

/// What nobody waits for is on disk within a second, too.
async fn keep_settled(shared: Arc<Shared>) {
    const EVERY: Duration = Duration::from_secs(1);
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = shared.blocking(|shared| shared.spool.settle()).await {
            tracing::warn!(%error, "what was found is not on disk yet");
        }
    }
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

    /// A link with which the edge's own page may be used to decide, for one use; none without a page.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        self.shared.new_link()
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
