//! The certificate and key that the hub serves with: configured ones, else its own, made once and kept in the data folder; and whose
//! certificates it takes of those who connect.

mod clients;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use axum_server::tls_rustls::RustlsConfig;
use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use sha2::{Digest, Sha256};
use store::Store;

use crate::config::{HubConfig, TlsFiles};
use crate::state::AppState;
use crate::{HubError, endings};
use clients::{AnyProgram, Clients, Known};

/// What the server speaks TLS with. What changes on disk or in the authority is taken up while it serves: connections that are open stay,
/// and each of their requests is held against what counts now.
pub(crate) struct Served {
    rustls: RustlsConfig,
    current: ArcSwap<Current>,
}

/// What counts now.
struct Current {
    served: Arc<Pair>,
    clients: Option<Arc<Clients>>,
}

/// The certificates that are shown, and their key.
struct Pair {
    /// What it was read from.
    stamp: Vec<Written>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// When the first of them ends: one of an authority that ends ends all below it.
    ends: Option<Timestamp>,
}

/// When a file was written, and how long it is: so that a change is noticed.
type Written = Option<(SystemTime, u64)>;

/// How often it is looked. A certificate that was revoked is good for nothing within a second.
const LOOK_EVERY: Duration = Duration::from_millis(300);

impl Served {
    /// As configured; `None` where the hub speaks no TLS.
    pub(crate) async fn open(config: &HubConfig, store: &Store) -> Result<Option<Self>, HubError> {
        if !config.speaks_tls() {
            return Ok(None);
        }
        if config.tls.is_none() {
            make_own(config)?;
        }
        let served = Arc::new(Pair::read(&files(config))?);
        let clients = match &config.clients {
            Some(wanted) => Some(Arc::new(Clients::load(wanted, store).await?)),
            None => None,
        };
        let tls = server_config(&served, clients.as_ref())?;
        let current = ArcSwap::from_pointee(Current { served, clients });
        Ok(Some(Self { rustls: RustlsConfig::from_config(Arc::new(tls)), current }))
    }

    /// For the listener.
    pub(crate) fn config(&self) -> RustlsConfig {
        self.rustls.clone()
    }

    /// When the certificate ends that is served with.
    pub(crate) fn ends(&self) -> Option<Timestamp> {
        self.current.load().served.ends
    }

    /// Whether the certificates that a connection has shown count still; `true` where it has shown none, which the handshake lets
    /// through where none is demanded.
    pub(crate) fn admits(&self, shown: &[Vec<u8>], now: Timestamp) -> bool {
        let current = self.current.load();
        let Some(clients) = &current.clients else { return true };
        shown.is_empty() || clients.admits(shown, now)
    }

    /// Takes up what changed; whether something did. What the hub shows and whom it lets in are apart: a key that cannot be used keeps
    /// no revocation from being taken up.
    ///
    /// # Errors
    /// What changed and cannot be used; all else is taken up.
    async fn renew(&self, config: &HubConfig, store: &Store) -> Result<bool, HubError> {
        let now = self.current.load_full();
        let (mut served, mut clients) = (Arc::clone(&now.served), now.clients.clone());
        let mut failed = None;
        if let (Some(wanted), Some(known)) = (&config.clients, &now.clients)
            && known.is_outdated(wanted, store).await?
        {
            match Clients::load(wanted, store).await {
                Ok(newer) => clients = Some(Arc::new(newer)),
                Err(error) => failed = Some(error),
            }
        }
        let files = files(config);
        if written(&files) != now.served.stamp {
            match Pair::read(&files).and_then(|pair| server_config(&pair, None).map(|_| pair)) {
                Ok(newer) => served = Arc::new(newer),
                Err(error) => failed = Some(error),
            }
        }
        let is_same = |one: &Option<Arc<Clients>>, other: &Option<Arc<Clients>>| match (one, other) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() == other.is_none(),
        };
        let changed = !Arc::ptr_eq(&served, &now.served) || !is_same(&clients, &now.clients);
        if changed {
            let tls = server_config(&served, clients.as_ref())?;
            self.rustls.reload_from_config(Arc::new(tls));
            self.current.store(Arc::new(Current { served, clients }));
        }
        failed.map_or(Ok(changed), Err)
    }
}

impl Pair {
    fn read(files: &TlsFiles) -> Result<Self, HubError> {
        // Before they are read: what is written meanwhile is seen at the next look.
        let stamp = written(files);
        let chain = CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|e| unusable(&files.certificate, &e))?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| unusable(&files.key, &e))?;
        let ends = chain.iter().filter_map(endings::end_of).min();
        Ok(Self { stamp, chain, key, ends })
    }
}

fn written(files: &TlsFiles) -> Vec<Written> {
    [&files.certificate, &files.key].map(|path| when_written(path)).to_vec()
}

fn when_written(path: &Path) -> Written {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> HubError {
    HubError::new("tls", format!("`{}` cannot be used: {why}", path.display()))
}

/// Takes up what changes, until the hub stops. What cannot be used changes nothing and is said once.
pub(crate) async fn run(state: AppState) {
    let Some(served) = state.tls.clone() else { return };
    let mut said = String::new();
    loop {
        tokio::select! {
            () = state.stopping.wait() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        match served.renew(&state.config, &state.store).await {
            Ok(false) => {}
            Ok(true) => {
                said.clear();
                tracing::info!("certificates were read anew");
            }
            Err(error) if error.message == said => {}
            Err(error) => {
                tracing::error!(%error, "the new certificates cannot be used; the older ones stay");
                said = error.message;
            }
        }
    }
}

/// TLS 1.3 and 1.2, hybrid post-quantum key exchange preferred (aws-lc-rs).
fn server_config(served: &Pair, clients: Option<&Arc<Clients>>) -> Result<ServerConfig, HubError> {
    let failed =
        |error: rustls::Error| HubError::new("tls", format!("the hub's certificate and key: {error}"));
    let provider = clients::provider();
    let verifier: Arc<dyn ClientCertVerifier> = match clients {
        Some(clients) => Arc::new(Known(Arc::clone(clients))),
        None => Arc::new(AnyProgram::new(Arc::clone(&provider))),
    };
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(served.chain.clone(), served.key.clone_key())
        .map_err(failed)?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}

/// What a certificate is known by (RFC 8705 §3.1, `x5t#S256`).
pub(crate) fn thumbprint(certificate: &[u8]) -> [u8; 32] {
    Sha256::digest(certificate).into()
}

fn files(config: &HubConfig) -> TlsFiles {
    let own = || TlsFiles { certificate: config.data.join("tls.crt"), key: config.data.join("tls.key") };
    config.tls.clone().unwrap_or_else(own)
}

/// The self-made certificate: made where neither file is there. One without the other is not mended by making new ones, since
/// clients may have pinned the certificate.
fn make_own(config: &HubConfig) -> Result<(), HubError> {
    let files = files(config);
    match (files.certificate.exists(), files.key.exists()) {
        (true, true) => Ok(()),
        (false, false) => {
            let (certificate, key) = make(config).map_err(|e| HubError::new("tls", e.to_string()))?;
            write_secret(&files.key, key.as_bytes())?;
            std::fs::write(&files.certificate, certificate)
                .map_err(|e| HubError::file(&files.certificate, &e))
        }
        (has_certificate, _) => {
            let missing = if has_certificate { &files.key } else { &files.certificate };
            let message = format!(
                "`{}` is missing; restore it, or remove the other file to make both anew",
                missing.display()
            );
            Err(HubError::new("tls", message))
        }
    }
}

fn make(config: &HubConfig) -> Result<(String, String), rcgen::Error> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !config.listen.ip().is_unspecified() {
        names.push(config.listen.ip().to_string());
    }
    names.extend(config.address.as_ref().and_then(|address| address.host_str()).map(str::to_owned));
    names.sort();
    names.dedup();
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, "Yagura hub");
    Ok((parameters.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// Writes a file that nobody but the node's own account may read; refuses to replace one.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), HubError> {
    let written = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(
        |mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        },
    );
    written.map_err(|e| HubError::file(path, &e))
}
