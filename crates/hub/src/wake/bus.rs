//! The way through NATS itself.

mod presence;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use async_nats::{Client, ConnectOptions, Event, Subscriber};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::address::{SignIn, WakeConfig};
use super::{Trouble, Wake};
use crate::state::AppState;

/// How long a connection may take.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// Longest pause between two attempts to connect.
const RECONNECT_WAIT_MAX: Duration = Duration::from_secs(2);
/// How often a server is asked whether it is still there: twice without an answer, and it is gone.
const PING_EVERY: Duration = Duration::from_secs(10);
/// How long it may take to hand a message over to the connection.
const HAND_OVER_WAIT: Duration = Duration::from_millis(50);
/// How long JetStream may take to answer; while it elects a leader it does not.
const ANSWER_WAIT: Duration = Duration::from_secs(3);
/// How soon JetStream is tried again when it did not answer.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Messages that may wait to be read; older ones say nothing that newer ones do not.
const WAITING_MAX: usize = 256;
/// Pause after a look that found nothing, so that whoever floods the bus cannot flood the database.
const LOOK_PAUSE: Duration = Duration::from_millis(5);
/// Pause between two messages about what is beside the log.
const BESIDE_PAUSE: Duration = Duration::from_millis(100);
/// How long JetStream keeps a message.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Servers that keep it, where there are as many.
const REPLICAS: usize = 3;

/// One node's part of the bus.
struct Bus {
    state: AppState,
    wake: Wake,
    client: Client,
    /// What the messages of this node begin with: others may share the servers.
    node: String,
    replicas: usize,
    /// The connection was made, or made anew.
    connected: Arc<Notify>,
    shown: String,
}

/// What a connection is made from, with everything read that files hold.
pub(crate) struct Prepared {
    config: WakeConfig,
    options: ConnectOptions,
}

impl Prepared {
    pub(super) async fn of(config: &WakeConfig) -> Result<Self, String> {
        Ok(Self { options: options(config).await?, config: config.clone() })
    }
}

pub(super) async fn start(state: &AppState, prepared: Prepared) -> Result<Vec<JoinHandle<()>>, String> {
    let Prepared { config, options } = prepared;
    let (wake, connected) = (state.wake.clone(), Arc::new(Notify::new()));
    wake.0.is_used.store(true, Ordering::Relaxed);
    let shown = config.shown();
    wake.set_trouble(Some(away(&shown, "not reached yet")));
    let options = options.event_callback({
        let (wake, connected, shown) = (wake.clone(), Arc::clone(&connected), shown.clone());
        move |event| {
            note(&wake, &connected, &shown, &event);
            futures::future::ready(())
        }
    });
    let client = options.connect(config.servers.clone()).await;
    let client = client.map_err(|error| format!("{shown}: {error}"))?;
    let digest = Sha256::digest(state.collection.id.as_bytes());
    let node = format!("yagura.{}", hex::encode(digest.first_chunk::<8>().unwrap_or(&[0; 8])));
    let replicas = if config.servers.len() >= REPLICAS { REPLICAS } else { 1 };
    let bus = Arc::new(Bus { state: state.clone(), wake, client, node, replicas, connected, shown });
    let heard = bus.client.subscribe(bus.subject("*")).await.map_err(|error| error.to_string())?;
    let present = bus.subscribe_presence().await?;
    Ok(vec![
        tokio::spawn(Arc::clone(&bus).tell()),
        tokio::spawn(Arc::clone(&bus).hear(heard)),
        tokio::spawn(Arc::clone(&bus).tell_presence()),
        tokio::spawn(Arc::clone(&bus).hear_presence(present)),
        tokio::spawn(bus.keep()),
    ])
}

/// The kinds of messages.
const LOG: &str = "log";
const BESIDE: &str = "beside";

impl Bus {
    fn subject(&self, kind: &str) -> String {
        format!("{}.{kind}", self.node)
    }

    /// Tells what this hub commits, until it stops.
    async fn tell(self: Arc<Self>) {
        let mut written = self.state.store.written();
        loop {
            let (kind, payload) = tokio::select! {
                changed = written.changed() => {
                    if changed.is_err() { return }
                    (LOG, written.borrow_and_update().to_string())
                }
                () = self.wake.0.tell_beside.notified() => {
                    tokio::time::sleep(BESIDE_PAUSE).await;
                    (BESIDE, String::new())
                }
                () = self.state.stopping.wait() => return,
            };
            let is_sent = self.hand_over(kind, Bytes::from(payload)).await;
            self.wake.count(if is_sent { "sent" } else { "dropped" });
        }
    }

    /// Hands a message over to the connection; whether that could be done at once.
    async fn hand_over(&self, kind: &str, payload: Bytes) -> bool {
        let is_connected = self.client.connection_state() == async_nats::connection::State::Connected;
        let handed = async { is_connected && self.client.publish(self.subject(kind), payload).await.is_ok() };
        tokio::time::timeout(HAND_OVER_WAIT, handed).await.unwrap_or(false)
    }

    /// Looks at the database whenever another hub says that there is something to be seen, until this one stops.
    async fn hear(self: Arc<Self>, mut messages: Subscriber) {
        loop {
            let first = tokio::select! {
                message = messages.next() => message,
                () = self.state.stopping.wait() => return,
            };
            let Some(first) = first else { return };
            let mut newest = None;
            let mut take = |subject: &str, payload: &[u8]| {
                if subject == self.subject(BESIDE) {
                    self.wake.count("heard");
                    self.wake.0.beside.notify_one();
                } else {
                    newest = newest.max(sequence(payload));
                }
            };
            take(&first.subject, &first.payload);
            while let Some(Some(more)) = messages.next().now_or_never() {
                take(&more.subject, &more.payload);
            }
            if let Some(newest) = newest {
                self.look(newest).await;
            }
        }
    }

    /// Looks whether the database has what somebody says it has.
    async fn look(&self, sequence: i64) {
        let committed = self.state.store.committed();
        let known = *committed.borrow();
        self.wake.0.heard.fetch_max(sequence, Ordering::Relaxed);
        if sequence <= known {
            // The database's own notification was faster.
            self.wake.count("stale");
            return;
        }
        if let Err(error) = self.state.store.look().await {
            tracing::debug!(%error, "the log cannot be looked at; the look every second finds what is new");
        }
        if *committed.borrow() > known {
            self.wake.count("heard");
        } else {
            self.wake.count("stale");
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Sees to it that JetStream keeps the newest message of each kind, and asks for it after every connection, until the hub stops.
    async fn keep(self: Arc<Self>) {
        loop {
            let asked = tokio::time::timeout(ANSWER_WAIT, self.ask_newest()).await;
            let trouble = match asked {
                Ok(Ok(())) => None,
                Ok(Err(why)) => Some(why),
                Err(_) => Some("JetStream does not answer; it may be electing a leader".to_owned()),
            };
            let is_well = trouble.is_none();
            if self.client.connection_state() == async_nats::connection::State::Connected {
                self.wake.set_trouble(trouble.map(|why| Trouble {
                    public: "wake-stream: JetStream does not keep the newest wake; a hub that reconnects looks at the database instead",
                    detail: format!("{}: {why}", self.shown),
                }));
            }
            tokio::select! {
                () = self.state.stopping.wait() => return,
                () = self.connected.notified() => {}
                () = tokio::time::sleep(AGAIN_AFTER), if !is_well => {}
            }
        }
    }

    async fn ask_newest(&self) -> Result<(), String> {
        let told = |error: &dyn std::fmt::Display| {
            let error = error.to_string();
            if error.contains("no responders") {
                "its servers run without JetStream; start them with `-js`".to_owned()
            } else {
                error
            }
        };
        let context = jetstream::new(self.client.clone());
        let stream = context.get_or_create_stream(stream::Config {
            name: self.node.replace('.', "-"),
            description: Some("how far each hub of a Yagura node has written; nothing lives here".to_owned()),
            subjects: vec![self.subject("*")],
            max_messages_per_subject: 1,
            max_message_size: 64,
            max_age: KEPT_FOR,
            storage: stream::StorageType::File,
            num_replicas: self.replicas,
            ..stream::Config::default()
        });
        let stream = stream.await.map_err(|error| told(&error))?;
        // Nothing is there before the first message.
        if let Ok(newest) = stream.get_last_raw_message_by_subject(&self.subject(LOG)).await
            && let Some(sequence) = sequence(&newest.payload)
        {
            self.look(sequence).await;
        }
        // An edge that spoke meanwhile.
        self.wake.0.beside.notify_one();
        Ok(())
    }
}

/// What a message says of the log. Whoever else writes on the bus says nothing.
fn sequence(payload: &[u8]) -> Option<i64> {
    const DIGITS_MAX: usize = 19;
    let text = std::str::from_utf8(payload).ok().filter(|text| text.len() <= DIGITS_MAX)?;
    text.parse().ok().filter(|sequence| *sequence > 0)
}

fn note(wake: &Wake, connected: &Notify, shown: &str, event: &Event) {
    match event {
        Event::Connected => {
            wake.0.connected.set(1);
            wake.set_trouble(None);
            connected.notify_one();
        }
        Event::Disconnected | Event::Closed => {
            wake.0.connected.set(0);
            wake.set_trouble(Some(away(shown, "the connection was lost")));
        }
        Event::ClientError(error) => wake.set_trouble(Some(away(shown, &remedy(&error.to_string())))),
        Event::ServerError(error) => wake.set_trouble(Some(away(shown, &remedy(&error.to_string())))),
        Event::LameDuckMode | Event::Draining | Event::SlowConsumer(_) => {}
    }
}

fn away(shown: &str, why: &str) -> Trouble {
    Trouble {
        public: "wake-away: NATS cannot be reached; hubs hear of each other by the database alone",
        detail: format!("{shown}: {why}"),
    }
}

/// What the servers say, with what to do.
fn remedy(said: &str) -> String {
    let lower = said.to_lowercase();
    let remedy = if lower.contains("authorization") || lower.contains("authentication") {
        ": what signs in is not known there; check user, token or file in `wake`"
    } else if lower.contains("certificate") || lower.contains("tls") {
        ": name the certificate to check the servers' by as `?ca=FILE` in `wake`"
    } else if lower.contains("permissions violation") {
        ": let this user publish and subscribe to `yagura.>` and `$JS.API.>`, and subscribe to `_INBOX.>`"
    } else {
        ""
    };
    format!("{said}{remedy}")
}

async fn options(config: &WakeConfig) -> Result<ConnectOptions, String> {
    let mut options = ConnectOptions::new()
        .name(concat!("yagura/", env!("CARGO_PKG_VERSION")))
        .connection_timeout(CONNECT_WAIT)
        .request_timeout(Some(ANSWER_WAIT))
        .ping_interval(PING_EVERY)
        .subscription_capacity(WAITING_MAX)
        .reconnect_delay_callback(|attempts| {
            let shift = u32::try_from(attempts.min(8)).unwrap_or(8);
            Duration::from_millis(10).saturating_mul(1 << shift).min(RECONNECT_WAIT_MAX)
        })
        // A hub need not hear itself.
        .no_echo()
        // Only what the operator named: what servers tell of each other was not checked for TLS.
        .ignore_discovered_servers()
        .retry_on_initial_connect();
    options = match &config.sign_in {
        SignIn::Nothing => options,
        SignIn::Password(user, password) => options.user_and_password(user.clone(), password.0.clone()),
        SignIn::Token(token) => options.token(token.0.clone()),
        SignIn::Credentials(file) => {
            let text = read(file).await?;
            options.credentials(&text).map_err(|error| unusable(file, &error))?
        }
        SignIn::Nkey(file) => options.nkey(read(file).await?.trim().to_owned()),
    };
    if config.tls {
        options = options.require_tls(true).tls_client_config(tls(config)?);
    }
    Ok(options)
}

async fn read(file: &Path) -> Result<String, String> {
    tokio::fs::read_to_string(file).await.map_err(|error| unusable(file, &error))
}

fn unusable(file: &Path, error: &dyn std::fmt::Display) -> String {
    format!("`{}` cannot be used: {error}", file.display())
}

fn tls(config: &WakeConfig) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match &config.roots {
        Some(file) => {
            for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unusable(file, &e))? {
                let certificate = certificate.map_err(|e| unusable(file, &e))?;
                roots.add(certificate).map_err(|e| unusable(file, &e))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("there is no certificate to check the servers' by; name a file as `?ca=FILE`".to_owned());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.map_err(|error| error.to_string())?.with_root_certificates(roots);
    let Some((certificate, key)) = &config.certificate else { return Ok(tls.with_no_client_auth()) };
    let chain = CertificateDer::pem_file_iter(certificate).map_err(|e| unusable(certificate, &e))?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|e| unusable(certificate, &e))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|e| unusable(key, &e))?;
    tls.with_client_auth_cert(chain, secret).map_err(|e| unusable(certificate, &e))
}
