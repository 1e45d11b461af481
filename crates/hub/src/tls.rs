//! The certificate and key that the hub serves with: configured ones, else its own, made once and kept in the data folder.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use sha2::{Digest, Sha256};

use crate::HubError;
use crate::config::{HubConfig, TlsFiles};
use crate::endings;

/// What the server speaks TLS with: 1.3 and 1.2, hybrid post-quantum key exchange preferred (aws-lc-rs).
pub(crate) fn server_config(config: &HubConfig) -> Result<RustlsConfig, HubError> {
    let files = files(config)?;
    let unusable = |path: &Path, error: &dyn std::fmt::Display| {
        HubError::new("tls", format!("`{}` cannot be used: {error}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| unusable(&files.certificate, &e))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| unusable(&files.key, &e))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| HubError::new("tls", e.to_string()))?
        .with_client_cert_verifier(Arc::new(AnyProgram::new(Arc::clone(&provider))))
        .with_single_cert(chain, key)
        .map_err(|e| unusable(&files.certificate, &e))?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(tls)))
}

/// What a certificate is known by (RFC 8705 §3.1, `x5t#S256`).
pub(crate) fn thumbprint(certificate: &[u8]) -> [u8; 32] {
    Sha256::digest(certificate).into()
}

/// Takes any client's certificate and demands none: who shows one has proved to hold its key, and a token may be bound to it. No
/// authority says who that is, so nobody gets in by a certificate alone.
struct AnyProgram {
    provider: Arc<CryptoProvider>,
    hint: [DistinguishedName; 1],
}

impl AnyProgram {
    fn new(provider: Arc<CryptoProvider>) -> Self {
        // A Name with the one attribute CN=`Yagura programs` (RFC 5280 §4.1.2.4). Browsers offer the certificates of named authorities
        // only, so that nobody is asked which of its own to show.
        let mut name = vec![0x30, 0x1a, 0x31, 0x18, 0x30, 0x16, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0f];
        name.extend(b"Yagura programs");
        Self { provider, hint: [DistinguishedName::from(name)] }
    }
}

impl std::fmt::Debug for AnyProgram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnyProgram")
    }
}

impl ClientCertVerifier for AnyProgram {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hint
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// When the certificate that the hub serves with ends, where it speaks TLS and the certificate says so.
pub(crate) fn ends(config: &HubConfig) -> Option<Timestamp> {
    let files = config.speaks_tls().then(|| files(config).ok()).flatten()?;
    let chain = CertificateDer::pem_file_iter(&files.certificate).ok()?;
    // The whole chain: one of an authority that ends ends all below it.
    chain.filter_map(|certificate| endings::end_of(&certificate.ok()?)).min()
}

fn files(config: &HubConfig) -> Result<TlsFiles, HubError> {
    match &config.tls {
        Some(files) => Ok(files.clone()),
        None => own_files(config),
    }
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
