//! What a door for telemetry speaks TLS with: 1.3 and 1.2, by rustls.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;

use super::ConfigError;

/// Files in PEM.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenTls {
    certificate: PathBuf,
    key: PathBuf,
    /// Who issues the certificates of senders; then one without is refused.
    client_ca: Option<PathBuf>,
}

impl WrittenTls {
    pub(super) fn asks_clients(&self) -> bool {
        self.client_ca.is_some()
    }
}

/// What a server is configured with.
pub(crate) fn server(written: &WrittenTls) -> Result<Arc<ServerConfig>, ConfigError> {
    let chain = certificates(&written.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&written.key).map_err(|e| unusable(&written.key, &e))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| unusable(&written.certificate, &e))?;
    let builder = match &written.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(roots(path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|e| unusable(path, &e))?)
        }
    };
    let config = builder.with_single_cert(chain, key).map_err(|e| unusable(&written.certificate, &e))?;
    Ok(Arc::new(config))
}

/// Authorities out of a file.
pub(crate) fn roots(path: &Path) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|e| unusable(path, &e))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| unusable(path, &e))
}

fn unusable(path: &Path, cause: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Malformed { path: path.to_owned(), cause: cause.to_string() }
}
