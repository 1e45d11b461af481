//! The hub's server: TAXII 2.1, REST, the live stream, the edge's link, the transparency log, the console.
//!
//! [`Hub::start`] opens the data folder, does what a first start needs, and serves until [`RunningHub::stop`].
//!
//! Inside, each noun is one file. The order in which to read: [`server`](self) puts the routes together, `principal` says who
//! asks, `release` is the one way out, `ingest` the one way in, `problem` the form of every error.

mod api;
mod casework;
mod commission;
mod config;
mod console;
mod duties;
mod edge_link;
mod endings;
mod evidence;
mod federation;
mod finding;
mod first_start;
mod foreign;
mod ingest;
mod ledger;
mod listed;
mod log;
mod meanings;
mod misp;
mod mqtt;
mod names;
mod neighbours;
mod notify;
mod operations;
mod principal;
mod problem;
mod redaction;
mod relations;
mod release;
mod reports;
mod request;
mod room;
mod server;
mod shares;
mod sharing;
mod sign_in;
mod state;
mod strangers;
mod stream;
mod taxii;
mod tls;
mod vault;
mod wake;

use std::fs::{File, TryLockError};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use oversight::Realm;
use store::trees::Tree;
use store::{Options, Store, StoreError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;
use uuid::Uuid;

pub mod administration;
pub mod ca;
pub mod emergencies;
pub mod policies;
pub mod qualifications;
pub mod retention;
mod rounds;
mod runs;
pub mod statistics;
mod transparency;

pub use config::{
    AgentConfig, AuthorityConfig, BODY_BYTES_MAX, ClientAuthority, ClientCertificates, ConfigError,
    EmergencyConfig, EvidenceConfig, FederationConfig, HubConfig, MailConfig, MqttConfig, PAGE_OBJECTS_MAX,
    Padding, PolicyChanges, Quiet, RawAgent, RawConfig, RawEmergency, RawEvidence, RawFederation, RawLog,
    RawMqtt, RawOversight, RawResponse, RawRoomCalls, RawRoomHook, RawTls, RawTransparency, ResponseConfig,
    RoomCalls, STREAMS_MAX, Secret, SignedWebhook, SignerConfig, TlsFiles, TransparencyConfig,
};
pub use federation::administration::{add_peer, change_peer, remove_peer, signed_card};
pub use federation::one_way::resend;
pub use first_start::FirstStart;
pub use foreign::administration::{add_taxii_link, change_taxii_link, remove_taxii_link};
pub use log::Witnesses;
pub use reports::regime_files;
pub use server::{all_operations, openapi};
pub use sign_in::link_address;
pub use wake::WakeConfig;

use policies::PolicyKeeper;
use state::{AppState, Inner, Stopping};

/// How long a stop waits for requests that are being answered.
const STOP_WAIT: Duration = Duration::from_secs(10);

/// How long a connection may take to send the head of its next request.
const HEADERS_WAIT: Duration = Duration::from_secs(75);

/// The file of the data folder that is locked while a process has it.
const LOCK_FILE: &str = "lock";

/// Events about edges that a slow stream may be behind.
const LIVE_EVENTS_MAX: usize = 256;

/// A hub that is to be started.
#[derive(Debug)]
pub struct Hub;

/// A hub that serves.
pub struct RunningHub {
    /// The address it is reached by, without a path.
    pub address: Url,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The path of the TAXII API root, with slashes, e.g. `/council/`.
    pub api_root: String,
    /// The id of the collection that takes and gives every object.
    pub collection: Uuid,
    /// What only the start that made the data folder gives.
    pub first_start: Option<FirstStart>,
    /// Where peers reach it; `None` where it opens all connections itself.
    pub federation: Option<Url>,
    state: AppState,
    /// Of each listener.
    handles: Vec<Handle<SocketAddr>>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Why a hub does not start.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct HubError {
    /// A stable code: `listen`, `tls`, `file`, `key`, `policy`, `retention`, `wake`, `store-…`.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl HubError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::new("file", format!("`{}` cannot be read or written: {error}", path.display()))
    }
}

impl From<StoreError> for HubError {
    fn from(error: StoreError) -> Self {
        Self { code: error.code(), message: error.to_string() }
    }
}

impl Hub {
    /// Starts a hub and returns when it serves.
    ///
    /// # Errors
    /// The data folder, the key, the certificate, the policies or the address cannot be used.
    pub async fn start(config: HubConfig) -> Result<RunningHub, HubError> {
        let listener = TcpListener::bind(config.listen)
            .map_err(|e| HubError::new("listen", format!("cannot listen on {}: {e}", config.listen)))?;
        let listen = listener.local_addr().map_err(|e| HubError::new("listen", e.to_string()))?;
        let address = public_address(&config, listen)?;
        let lock = hold_folder(&config)?;
        let store = Store::open(config.place(), options(&config))?;
        match Ready::prepare(&config, &store, &address).await {
            Ok(ready) => ready.serve(config, store, address, (listener, listen), lock).await,
            Err(error) => {
                drop((store, lock));
                wait_for_store(&config.data).await;
                Err(error)
            }
        }
    }
}

/// All that can fail before something runs.
struct Ready {
    tls: Option<Arc<tls::Served>>,
    policies: PolicyKeeper,
    node: first_start::NodeIdentity,
    sign_in: sign_in::SignIn,
    log: log::Owner,
    authorisations_log: log::Owner,
    statistics_log: log::Owner,
    frame: Option<oversight::authorisation::Frame>,
    federation: federation::Federation,
    peers_listener: Option<TcpListener>,
    wake: Option<wake::Prepared>,
    vault: vault::Vault,
    retention: Option<retention::Retention>,
    regimes: reports::Known,
    response: runs::Response,
    rooms: room::RoomKeeper,
}

impl Ready {
    async fn prepare(config: &HubConfig, store: &Store, address: &Url) -> Result<Self, HubError> {
        let regimes = reports::read_regimes(config.regimes.as_deref())?;
        let tls = tls::Served::open(config, store).await?.map(Arc::new);
        let policies = PolicyKeeper::start(
            config.policies.as_deref(),
            config.changes(),
            config.policy_prover.as_deref(),
            store,
        )
        .await?;
        let policy_set = policies.status().hash;
        let sign_in = sign_in::SignIn::new(address, &config.name_en);
        let frame = config.frame.as_deref().map(commission::read_frame).transpose()?;
        let node = first_start::prepare(config, store, address, &policy_set).await?;
        let log = log::open(config, store, &node, Tree::Acts).await?;
        let authorisations_log = log::open(config, store, &node, Tree::Authorisations).await?;
        let statistics_log = log::open(config, store, &node, Tree::Statistics).await?;
        if node.first_start.is_none() {
            first_start::audit_start(store, &policy_set).await?;
        }
        policies.write_down_start().await?;
        let (federation, peers_listener) = federation::prepare(config, store, &node.key).await?;
        let vault = vault::Vault::in_folder(&config.data)?;
        foreign::administration::seal_what_is_not(store, &vault).await?;
        let node_key = node.key.verifying_key().encode();
        let retention = retention::Retention::open(config, store, frame.as_ref(), &node_key).await?;
        let wake = wake::prepare(config.wake.as_ref()).await?;
        let seed = first_start::seed_in(&config.data)?;
        let signing = (node.key.name(), &seed);
        let response = runs::Response::new(config.response.clone(), policies.engine(), signing)?;
        let response = response.with_peers(&federation);
        let rooms = room::RoomKeeper::new(room::presence::Seal::new(&seed, &node.collection.id)?);
        Ok(Self {
            tls,
            policies,
            node,
            sign_in,
            log,
            authorisations_log,
            statistics_log,
            frame,
            federation,
            peers_listener,
            wake,
            vault,
            retention,
            regimes,
            response,
            rooms,
        })
    }

    async fn serve(
        self,
        config: HubConfig,
        store: Store,
        address: Url,
        (listener, listen): (TcpListener, SocketAddr),
        folder_lock: Option<File>,
    ) -> Result<RunningHub, HubError> {
        let ((stop, stopping), wake, mqtt) = (Stopping::new(), wake::Wake::default(), mqtt::Mqtt::default());
        let (log, authorisations_log) = (self.log.published(), self.authorisations_log.published());
        let statistics_log = self.statistics_log.published();
        let state = AppState::new(Inner {
            metrics: operations::Metrics::new((&wake, &mqtt), [&log, &authorisations_log, &statistics_log]),
            door: release::Door::new(self.policies.engine()).with_witnesses(log.cosigned().cloned()),
            ingest: ingest::Ingest::new(&config),
            address: address.clone(),
            collection: self.node.collection.clone(),
            sign_in: self.sign_in,
            live: tokio::sync::broadcast::channel(LIVE_EVENTS_MAX).0,
            watched: edge_link::watch::Watched::default(),
            wake,
            mqtt,
            duties: duties::Duties::new(config.store.is_some()),
            put_off: casework::PutOff::default(),
            reporters: api::anonymous::Reporters::default(),
            withheld_statuses: taxii::Statuses::default(),
            strangers: strangers::Strangers::default(),
            looks: stream::Looks::default(),
            streams: shares::Shares::default(),
            names: names::Names::default(),
            vault: self.vault,
            retention: self.retention,
            regimes: self.regimes,
            response: self.response,
            rounds: rounds::Rounds::default(),
            rooms: self.rooms,
            counted: api::matrix::Counted::default(),
            log,
            publisher: statistics::Publisher::new(&config, &authorisations_log.key()),
            transparency: transparency::Transparency::default(),
            authorisations_log,
            statistics_log,
            frame: self.frame,
            tls: self.tls,
            federation: self.federation,
            engine: self.policies.engine(),
            policies: self.policies,
            store,
            stopping,
            config,
            _folder_lock: folder_lock,
        });
        let (mut tasks, handles) = serve_all(&state, listener, self.peers_listener)?;
        tasks.extend(publish(&state, [self.log, self.authorisations_log, self.statistics_log]));
        state.policies.renew().await?;
        tasks.extend(look_after(&state, self.wake).await?);
        futures::future::join_all(handles.iter().map(Handle::listening)).await;
        Ok(RunningHub {
            address,
            listen,
            api_root: format!("/{}/", state.config.api_root),
            collection: self.node.collection.id,
            first_start: self.node.first_start,
            federation: state.federation.own.address.clone(),
            state,
            handles,
            stop,
            tasks,
        })
    }
}

impl RunningHub {
    /// The hub's store, for what has no request: seeding, administration on the spot.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.state.store
    }

    /// Where the state is.
    #[must_use]
    pub fn place(&self) -> store::Place {
        self.state.config.place()
    }

    /// What publishes statistics.
    #[must_use]
    pub fn publisher(&self) -> statistics::Publisher {
        self.state.publisher.clone()
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.state.config.data
    }

    /// Puts other policies in force, at once and for open streams too.
    ///
    /// # Errors
    /// The policies do not compile, or the change cannot be written down; then the old ones stay.
    pub async fn replace_policies(&self, policies: &[(String, String)]) -> Result<(), HubError> {
        self.state.policies.replace(policies).await
    }

    /// Where the policies in force come from.
    #[must_use]
    pub fn policies(&self) -> PolicyKeeper {
        self.state.policies.clone()
    }

    /// Stops: takes no new requests, ends streams, waits for answers that are under way, publishes the last checkpoint. When this
    /// returns the data folder is free for another process.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for handle in &self.handles {
            handle.graceful_shutdown(Some(STOP_WAIT));
        }
        for task in self.tasks {
            // A task that failed said so in the log.
            let _ = task.await;
        }
        let folder = self.state.config.data.clone();
        drop(self.state);
        wait_for_store(&folder).await;
    }
}

/// What serves, and by what it is stopped.
type Serving = (Vec<JoinHandle<()>>, Vec<Handle<SocketAddr>>);

/// Serves everybody, and peers where they are listened to.
fn serve_all(
    state: &AppState,
    listener: TcpListener,
    peers_listener: Option<TcpListener>,
) -> Result<Serving, HubError> {
    let handle = Handle::new();
    let tls = state.tls.as_ref().map(|served| served.config());
    let mut tasks = vec![serve(listener, tls, server::router(state.clone()), handle.clone())?];
    let mut handles = vec![handle];
    if let Some(listener) = peers_listener {
        let handle = Handle::new();
        tasks.push(serve_peers(state, listener, handle.clone())?);
        handles.push(handle);
    }
    Ok((tasks, handles))
}

/// Serves peers, on a listener of their own.
fn serve_peers(
    state: &AppState,
    listener: TcpListener,
    handle: Handle<SocketAddr>,
) -> Result<JoinHandle<()>, HubError> {
    let tls = RustlsConfig::from_config(federation::server_config(&state.federation)?);
    serve(listener, Some(tls), server::peers_router(state.clone()), handle)
}

/// Publishes the logs, until the hub stops.
fn publish(state: &AppState, owners: [log::Owner; 3]) -> impl Iterator<Item = JoinHandle<()>> {
    let metrics = &state.metrics;
    let sizes = [&metrics.checkpoint, &metrics.authorisations, &metrics.statistics];
    owners
        .into_iter()
        .zip(sizes)
        .map(|(owner, size)| tokio::spawn(owner.run(size.clone(), state.stopping.clone())))
}

/// What runs beside the answers to requests, until the hub stops.
async fn look_after(state: &AppState, wake: Option<wake::Prepared>) -> Result<Vec<JoinHandle<()>>, HubError> {
    let mut tasks = vec![
        tokio::spawn(edge_link::watch::run(state.clone())),
        tokio::spawn(state.policies.clone().watch(state.stopping.clone())),
        tokio::spawn(state.policies.clone().keep_current(state.stopping.clone())),
        tokio::spawn(strangers::run(state.clone())),
        tokio::spawn(tls::run(state.clone())),
        tokio::spawn(endings::run(state.clone())),
        tokio::spawn(sharing::run(state.clone())),
        tokio::spawn(federation::run(state.clone())),
        tokio::spawn(names::run(state.clone())),
        tokio::spawn(notify::run(state.clone())),
        tokio::spawn(retention::run(state.clone())),
        tokio::spawn(reports::clocks::run(state.clone())),
        tokio::spawn(reports::contents::run(state.clone())),
        tokio::spawn(runs::clock::run(state.clone())),
        tokio::spawn(mqtt::run(state.clone())),
        tokio::spawn(evidence::clock::run(state.clone())),
        tokio::spawn(stream::told::run(state.clone())),
        tokio::spawn(room::presence::aside::run(state.clone())),
    ];
    for log in state.logs() {
        if let Some(shelf) = log.shelf() {
            tasks.push(tokio::spawn(log::fill_bucket(state.clone(), log.clone(), Arc::clone(shelf))));
        }
        tasks.push(tokio::spawn(log.clone().run_cosigning(state.stopping.clone())));
    }
    if let Some(prepared) = wake {
        tasks.extend(wake::start(state, prepared).await?);
    }
    Ok(tasks)
}

/// A server takes more readers at once than a folder on one disk.
fn options(config: &HubConfig) -> Options {
    const SERVER_READERS_MAX: usize = 16;
    let mut options = Options::default();
    if config.store.is_some() {
        options.readers_max = SERVER_READERS_MAX;
    }
    options
}

/// Where the state is on a server, the data folder is held by the hub itself: two hubs on one would write the same files.
fn hold_folder(config: &HubConfig) -> Result<Option<File>, HubError> {
    if config.store.is_none() {
        return Ok(None);
    }
    let failed = |error: &std::io::Error| HubError::file(&config.data, error);
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&config.data);
    made.map_err(|error| failed(&error))?;
    let file = File::options().create(true).truncate(false).write(true).open(config.data.join(LOCK_FILE));
    let file = file.map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: config.data.clone() }.into()),
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

async fn wait_for_store(folder: &Path) {
    if tokio::time::timeout(STOP_WAIT, store_closed(folder)).await.is_err() {
        tracing::warn!("the store was not closed in time; what was acknowledged is on disk");
    }
}

/// Returns when the store's lock is free: the last writes are folded into the database by then.
async fn store_closed(folder: &Path) {
    const LOOK_EVERY: Duration = Duration::from_millis(5);
    while File::open(folder.join(LOCK_FILE)).is_ok_and(|lock| lock.try_lock().is_err()) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn serve(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    router: axum::Router,
    handle: Handle<SocketAddr>,
) -> Result<JoinHandle<()>, HubError> {
    let failed = |e: std::io::Error| HubError::new("listen", e.to_string());
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    Ok(match tls {
        Some(tls) => {
            let mut server = axum_server::from_tcp_rustls(listener, tls).map_err(failed)?.handle(handle);
            server.http_builder().http1().header_read_timeout(HEADERS_WAIT);
            tokio::spawn(async move { report(server.serve(service).await) })
        }
        None => {
            let mut server = axum_server::from_tcp(listener).map_err(failed)?.handle(handle);
            server.http_builder().http1().header_read_timeout(HEADERS_WAIT);
            tokio::spawn(async move { report(server.serve(service).await) })
        }
    })
}

fn report(served: std::io::Result<()>) {
    if let Err(error) = served {
        tracing::error!(%error, "the server ended");
    }
}

/// The address that links are made from: the configured one, else the one listened on.
fn public_address(config: &HubConfig, listen: SocketAddr) -> Result<Url, HubError> {
    if let Some(address) = &config.address {
        return Ok(address.clone());
    }
    let scheme = if config.speaks_tls() { "https" } else { "http" };
    let host = if listen.ip().is_unspecified() {
        format!("localhost:{}", listen.port())
    } else {
        listen.to_string()
    };
    Url::parse(&format!("{scheme}://{host}")).map_err(|e| HubError::new("listen", e.to_string()))
}

/// The world that this hub serves.
pub(crate) const REALM: Realm = Realm::Live;
