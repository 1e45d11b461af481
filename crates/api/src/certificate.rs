//! The node's own certificate authority.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A certificate to be issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCertificate {
    /// `edge`, `token` (a program, by the id of its token), or `hub` (what a hub shows to whoever connects to it).
    pub holder: String,
    /// The edge's short name, the token's id, or the hub's host names and addresses, the first of them its name.
    pub subject: Vec<String>,
    /// For how many days; 397 by default, 825 at most, and never longer than the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// A certificate signing request (PKCS #10, PEM) of whoever keeps the key; only its key counts. Absent: a key is made, and told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateInfo {
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// The root that it is under.
    pub root: String,
    /// `edge`, `token` or `hub`.
    pub holder: String,
    /// Which of them.
    pub subject: String,
    /// SHA-256 of the certificate, hexadecimal.
    pub thumbprint: String,
    /// When it was issued, RFC 3339.
    pub issued: String,
    /// When it ends.
    pub ends: String,
    /// `good`, `revoked`, or `root-retired`.
    pub state: String,
    /// Why it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A root of the authority that is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RootInfo {
    /// Its serial number, hexadecimal.
    pub id: String,
    /// Whether it is the one that signs.
    pub signs: bool,
    /// When it was made, RFC 3339.
    pub created: String,
    /// When it ends.
    pub ends: String,
    /// The certificate, PEM.
    pub certificate: String,
}

/// The authority: its roots, and the certificates that are not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateList {
    /// The roots that are trusted, the one that signs first.
    pub roots: Vec<RootInfo>,
    /// The certificates, what ends first at the beginning; at most 10,000.
    pub certificates: Vec<CertificateInfo>,
}
