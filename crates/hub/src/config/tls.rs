//! What the hub speaks TLS with, as configured.

use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

/// Where certificate chain and private key are, in PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Whose certificates clients may show, and whether each has to show one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificates {
    /// Who signed them.
    pub authority: ClientAuthority,
    /// Whether a client that shows none is not let in at all: browsers and probes neither.
    pub demanded: bool,
}

/// Who signed the certificates of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAuthority {
    /// The node's own authority (`yagura admin ca`).
    Own,
    /// Somebody else's.
    Files {
        /// The roots, PEM.
        roots: PathBuf,
        /// The lists of what was revoked, PEM; none: nothing is looked up.
        revoked: Option<PathBuf>,
    },
}

/// The table `tls` as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTls {
    /// See [`TlsFiles::certificate`].
    pub certificate: Option<PathBuf>,
    /// See [`TlsFiles::key`].
    pub key: Option<PathBuf>,
    /// `own`, or a file of roots ([`ClientAuthority`]).
    pub client_ca: Option<PathBuf>,
    /// A file of revocation lists.
    pub client_crl: Option<PathBuf>,
    /// `asked`, which is the default, or `demanded`.
    pub client_certificates: Option<String>,
}

impl RawTls {
    pub(super) fn resolve(self) -> Result<(Option<TlsFiles>, Option<ClientCertificates>), ConfigError> {
        let files = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            _ => return Err(ConfigError::value("tls: `certificate` and `key` are given together")),
        };
        let demanded = match self.client_certificates.as_deref() {
            None | Some("asked") => false,
            Some("demanded") => true,
            Some(other) => {
                let why = format!("tls.client_certificates: `{other}` is not `asked` or `demanded`");
                return Err(ConfigError::value(why));
            }
        };
        let is_own = self.client_ca.as_deref().is_some_and(|path| path.as_os_str() == "own");
        let authority = match (self.client_ca, self.client_crl) {
            (None, None) if !demanded => return Ok((files, None)),
            (None, _) => {
                return Err(ConfigError::value(
                    "tls.client_ca: say whose certificates are taken: `own`, or a file of roots",
                ));
            }
            (Some(_), Some(_)) if is_own => {
                return Err(ConfigError::value(
                    "tls.client_crl: the node knows itself what its own authority has revoked; leave it out",
                ));
            }
            (Some(_), None) if is_own => ClientAuthority::Own,
            (Some(roots), revoked) => ClientAuthority::Files { roots, revoked },
        };
        Ok((files, Some(ClientCertificates { authority, demanded })))
    }
}
