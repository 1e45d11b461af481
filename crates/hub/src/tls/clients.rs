//! Whose certificates clients may show.
//!
//! Without an authority the hub takes any: a token knows its own. With one, the handshake lets in what leads to one of its roots and
//! was not revoked, and each request on a connection that is open asks again.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};
use store::{Store, StoreError, certificates};

use super::{Written, thumbprint, unusable, when_written};
use crate::config::{ClientAuthority, ClientCertificates};
use crate::{HubError, REALM, endings};

/// Certificates whose chain is remembered as judged; those beyond it are judged at each request.
const JUDGED_MAX: usize = 10_000;

/// The certificates that count, as they were when this was made; a change makes another one.
pub(super) struct Clients {
    stamp: Stamp,
    chains: Arc<dyn ClientCertVerifier>,
    counted: Counted,
}

/// What it was made of, so that a change is noticed: how often the authority changed, or when the files were written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stamp {
    Own(u64),
    Files(Vec<Written>),
}

/// What the node's TLS is made with.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What is asked of a certificate beside its chain.
enum Counted {
    /// It was issued here: by thumbprint, until when. Who has the authority's key and not the database makes none.
    Issued(HashMap<[u8; 32], Timestamp>),
    /// Nothing, so its chain is judged again on open connections; until when those count that were.
    Chained(Mutex<HashMap<[u8; 32], Option<Timestamp>>>),
}

impl Clients {
    pub(super) async fn load(wanted: &ClientCertificates, store: &Store) -> Result<Self, HubError> {
        let (stamp, roots, revoked, counted) = match &wanted.authority {
            ClientAuthority::Own => {
                let known = store.read(|reader| {
                    let changes = certificates::changes(reader, &REALM)?;
                    let roots = certificates::trusted_roots(reader, &REALM)?;
                    Ok((changes, roots, certificates::living(reader, &REALM)?))
                });
                let (changes, roots, living) = known.await?;
                if roots.is_empty() {
                    let why = "`tls.client_ca` is `own` and there is no certificate authority: make it with `yagura admin ca init`";
                    return Err(HubError::new("tls", why));
                }
                let roots = roots.into_iter().map(|root| CertificateDer::from(root.certificate)).collect();
                (Stamp::Own(changes), roots, None, Counted::Issued(living.into_iter().collect()))
            }
            ClientAuthority::Files { roots, revoked } => {
                let stamp = Stamp::Files(of_files(roots, revoked.as_deref()));
                let (roots, revoked) = (pem(roots)?, revoked.as_deref().map(pem).transpose()?);
                (stamp, roots, revoked, Counted::Chained(Mutex::default()))
            }
        };
        let chains = chains(roots, revoked, wanted.demanded)?;
        Ok(Self { stamp, chains, counted })
    }

    /// Whether something changed since it was made.
    pub(super) async fn is_outdated(
        &self,
        wanted: &ClientCertificates,
        store: &Store,
    ) -> Result<bool, StoreError> {
        let stamp = match &wanted.authority {
            ClientAuthority::Own => {
                Stamp::Own(store.read(|reader| certificates::changes(reader, &REALM)).await?)
            }
            ClientAuthority::Files { roots, revoked } => Stamp::Files(of_files(roots, revoked.as_deref())),
        };
        Ok(stamp != self.stamp)
    }

    /// Whether what a connection showed in its handshake counts now.
    pub(super) fn admits(&self, shown: &[Vec<u8>], now: Timestamp) -> bool {
        let Some((own, chain)) = shown.split_first() else { return false };
        let print = thumbprint(own);
        match &self.counted {
            Counted::Issued(living) => living.get(&print).is_some_and(|ends| now < *ends),
            Counted::Chained(judged) => {
                let mut judged = judged.lock().unwrap_or_else(PoisonError::into_inner);
                let until = match judged.get(&print) {
                    Some(until) => *until,
                    None => {
                        let until = self.judge(own, chain, now);
                        if judged.len() < JUDGED_MAX {
                            judged.insert(print, until);
                        }
                        until
                    }
                };
                until.is_some_and(|ends| now < ends)
            }
        }
    }

    /// Until when a chain counts; `None`: not at all.
    fn judge(&self, own: &[u8], chain: &[Vec<u8>], now: Timestamp) -> Option<Timestamp> {
        let own = CertificateDer::from(own);
        let chain: Vec<_> = chain.iter().map(|one| CertificateDer::from(one.as_slice())).collect();
        let seconds = u64::try_from(now.as_second()).ok()?;
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        self.chains.verify_client_cert(&own, &chain, at).ok()?;
        std::iter::once(&own).chain(&chain).filter_map(endings::end_of).min()
    }
}

fn of_files(roots: &Path, revoked: Option<&Path>) -> Vec<Written> {
    std::iter::once(roots).chain(revoked).map(when_written).collect()
}

/// All of a kind that is in a file; at least one.
fn pem<T: PemObject>(path: &Path) -> Result<Vec<T>, HubError> {
    let found = T::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<T>, _>>);
    let found = found.map_err(|error| unusable(path, &error))?;
    if found.is_empty() {
        return Err(unusable(path, &"it holds none of what is looked for in PEM form"));
    }
    Ok(found)
}

/// What judges chains. With revocation lists, a certificate that none of them speaks for is refused, and so is everything when the
/// lists are over: who cannot say that something was not revoked does not let it in.
fn chains(
    roots: Vec<CertificateDer<'static>>,
    revoked: Option<Vec<CertificateRevocationListDer<'static>>>,
    demanded: bool,
) -> Result<Arc<dyn ClientCertVerifier>, HubError> {
    let failed = |why: &dyn std::fmt::Display| HubError::new("tls", format!("the roots for clients: {why}"));
    let mut known = RootCertStore::empty();
    for root in roots {
        known.add(root).map_err(|error| failed(&error))?;
    }
    let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(known), provider());
    if let Some(lists) = revoked {
        verifier =
            verifier.with_crls(lists).only_check_end_entity_revocation().enforce_revocation_expiration();
    }
    if !demanded {
        verifier = verifier.allow_unauthenticated();
    }
    verifier.build().map_err(|error| failed(&error))
}

/// Lets in whom [`Clients`] counts.
pub(super) struct Known(pub(super) Arc<Clients>);

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known")
    }
}

impl ClientCertVerifier for Known {
    fn client_auth_mandatory(&self) -> bool {
        self.0.chains.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.chains.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.0.chains.verify_client_cert(own, chain, now)?;
        if let Counted::Issued(living) = &self.0.counted {
            // Its end is in the certificate as well, and was judged.
            if !living.contains_key(&thumbprint(own)) {
                return Err(Error::InvalidCertificate(CertificateError::Revoked));
            }
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.chains.supported_verify_schemes()
    }
}

/// Takes any client's certificate and demands none: who shows one has proved to hold its key, and a token may be bound to it. No
/// authority says who that is, so nobody gets in by a certificate alone.
pub(super) struct AnyProgram {
    provider: Arc<CryptoProvider>,
    hint: [DistinguishedName; 1],
}

impl AnyProgram {
    pub(super) fn new(provider: Arc<CryptoProvider>) -> Self {
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
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
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
