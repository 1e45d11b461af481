//! The certificate that a hub shows to its peers, and the check of theirs: the one on the card, byte for byte, and no other.
//!
//! No authority is asked, so none can be fooled: a peer's certificate was compared by people when the peer was added. Whoever
//! cannot prove to hold its key does not get through the handshake.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};

use super::card::fingerprint;
use super::{Lives, Pins};
use crate::HubError;
use crate::tls::write_secret;

/// A hub's certificate and key for its peers.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads both from the data folder; makes them where neither is there. One without the other is not mended by making new
    /// ones, since peers have pinned the certificate.
    pub(crate) fn load(data: &Path) -> Result<Self, HubError> {
        let (certificate, key) = (data.join("peer.crt"), data.join("peer.key"));
        match (certificate.exists(), key.exists()) {
            (true, true) => {}
            (false, false) => {
                let (made, secret) = make().map_err(|e| HubError::new("tls", e.to_string()))?;
                write_secret(&key, secret.as_bytes())?;
                std::fs::write(&certificate, made).map_err(|e| HubError::file(&certificate, &e))?;
            }
            (has_certificate, _) => {
                let missing = if has_certificate { &key } else { &certificate };
                let message = format!(
                    "`{}` is missing; restore it, or remove the other file to make both anew and give every peer a new card",
                    missing.display()
                );
                return Err(HubError::new("tls", message));
            }
        }
        let unusable = |path: &Path, error: &dyn std::fmt::Display| {
            HubError::new("tls", format!("`{}` cannot be used: {error}", path.display()))
        };
        Ok(Self {
            certificate: CertificateDer::from_pem_file(&certificate)
                .map_err(|e| unusable(&certificate, &e))?,
            key: PrivateKeyDer::from_pem_file(&key).map_err(|e| unusable(&key, &e))?,
        })
    }

    /// Whether a data folder has any of it.
    pub(crate) fn is_in(data: &Path) -> bool {
        data.join("peer.crt").exists() || data.join("peer.key").exists()
    }

    /// The certificate.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Its fingerprint.
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(&self.certificate)
    }
}

fn make() -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(vec!["yagura-peer.invalid".to_owned()])?;
    parameters.distinguished_name.push(DnType::CommonName, "Yagura peer");
    Ok((parameters.self_signed(&key)?.pem(), key.serialize_pem()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What peers are listened to with: TLS 1.3, a client certificate that is a peer's, no session taken up again (a peer that was
/// removed would come in by it).
pub(super) fn server_config(
    identity: &Identity,
    pins: Pins,
    lives: Lives,
) -> Result<Arc<ServerConfig>, HubError> {
    let failed = |e: Error| HubError::new("tls", e.to_string());
    let verifier = Arc::new(PeersOnly { pins, lives, provider: provider() });
    let mut tls = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(failed)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
        .map_err(failed)?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    Ok(Arc::new(tls))
}

/// What a peer is spoken to with.
pub(super) fn client_config(identity: &Identity, expected: &str) -> Result<ClientConfig, Error> {
    let verifier = Arc::new(ThisPeer { expected: expected.to_owned(), provider: provider() });
    let mut tls = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_auth_cert(vec![identity.certificate.clone()], identity.key.clone_key())?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    tls.resumption = Resumption::disabled();
    Ok(tls)
}

/// Lets in the peers' certificates.
struct PeersOnly {
    pins: Pins,
    lives: Lives,
    provider: Arc<CryptoProvider>,
}

/// Accepts one certificate.
struct ThisPeer {
    expected: String,
    provider: Arc<CryptoProvider>,
}

impl std::fmt::Debug for PeersOnly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PeersOnly")
    }
}

impl std::fmt::Debug for ThisPeer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ThisPeer")
    }
}

impl ClientCertVerifier for PeersOnly {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let fingerprint = fingerprint(end_entity);
        if self.pins.load().contains_key(&fingerprint) {
            return Ok(ClientCertVerified::assertion());
        }
        self.lives.turned_away(&fingerprint);
        // The other side reads the alert `access_denied`.
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("peers speak TLS 1.3".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for ThisPeer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if fingerprint(end_entity) == self.expected {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("peers speak TLS 1.3".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
