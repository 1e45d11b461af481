//! Values that can be met in telemetry: what an observable, an indicator's pattern or a description of one mentions.

use crate::Object;

/// The kind of an observable value; its name is the STIX object path it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValueKind {
    /// `ipv4-addr:value`, a single address or a network in CIDR form.
    Ipv4,
    /// `ipv6-addr:value`, in RFC 5952 form.
    Ipv6,
    /// `domain-name:value`, A-labels, lower case, no trailing dot.
    Domain,
    /// `url:value`, normalised by RFC 3986 §6.2.
    Url,
    /// `email-addr:value`, domain in lower case.
    Email,
    /// `file:hashes.MD5`, lower-case hexadecimal, as all hashes.
    Md5,
    /// `file:hashes.'SHA-1'`.
    Sha1,
    /// `file:hashes.'SHA-256'`.
    Sha256,
    /// `file:hashes.'SHA-512'`.
    Sha512,
    /// `mac-addr:value`, lower case, colons.
    Mac,
    /// `file:name`.
    FileName,
    /// `autonomous-system:number`.
    AutonomousSystem,
    /// `user-account:account_login` or `user_id`.
    Account,
    /// `windows-registry-key:key`.
    RegistryKey,
    /// `mutex:name`.
    Mutex,
    /// `vulnerability` external id, e.g. `CVE-2026-0001`.
    Cve,
}

impl ValueKind {
    /// The stable name used in storage and on the wire, e.g. `ipv4-addr`, `file:hashes.SHA-256`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4-addr",
            Self::Ipv6 => "ipv6-addr",
            Self::Domain => "domain-name",
            Self::Url => "url",
            Self::Email => "email-addr",
            Self::Md5 => "file:hashes.MD5",
            Self::Sha1 => "file:hashes.SHA-1",
            Self::Sha256 => "file:hashes.SHA-256",
            Self::Sha512 => "file:hashes.SHA-512",
            Self::Mac => "mac-addr",
            Self::FileName => "file:name",
            Self::AutonomousSystem => "autonomous-system",
            Self::Account => "user-account",
            Self::RegistryKey => "windows-registry-key",
            Self::Mutex => "mutex",
            Self::Cve => "vulnerability",
        }
    }
}

/// Every observable value an object mentions, canonical and once each: an SCO's own values, the constants of equality and
/// `IN` comparisons in an indicator's STIX pattern, CVE numbers in external references.
#[must_use]
pub fn values(_object: &Object) -> Vec<(ValueKind, String)> {
    Vec::new()
}

/// Guesses what a person typed (possibly defanged: `hxxp://evil[.]example`) and gives the canonical value.
#[must_use]
pub fn recognise(_typed: &str) -> Option<(ValueKind, String)> {
    None
}
