//! The certificate and key that the hub serves with: configured ones, else its own, made once and kept in the data folder.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::HubError;
use crate::config::{HubConfig, TlsFiles};

/// What the server speaks TLS with: 1.3 and 1.2, hybrid post-quantum key exchange preferred (aws-lc-rs).
pub(crate) fn server_config(config: &HubConfig) -> Result<RustlsConfig, HubError> {
    let files = match &config.tls {
        Some(files) => files.clone(),
        None => own_files(config)?,
    };
    let unusable = |path: &Path, error: &dyn std::fmt::Display| {
        HubError::new("tls", format!("`{}` cannot be used: {error}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| unusable(&files.certificate, &e))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| unusable(&files.key, &e))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| HubError::new("tls", e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| unusable(&files.certificate, &e))?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(tls)))
}

/// The self-made certificate: made where neither file is there. One without the other is not mended by making new ones, since
/// clients may have pinned the certificate.
fn own_files(config: &HubConfig) -> Result<TlsFiles, HubError> {
    let files = TlsFiles { certificate: config.data.join("tls.crt"), key: config.data.join("tls.key") };
    match (files.certificate.exists(), files.key.exists()) {
        (true, true) => Ok(files),
        (false, false) => {
            let (certificate, key) = make(config).map_err(|e| HubError::new("tls", e.to_string()))?;
            write_secret(&files.key, key.as_bytes())?;
            std::fs::write(&files.certificate, certificate)
                .map_err(|e| HubError::file(&files.certificate, &e))?;
            Ok(files)
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
