//! Values that can be met in telemetry: what an observable, an indicator's pattern or a description of one mentions.

mod canonical;
mod extract;
mod recognise;

use crate::Object;
use crate::pattern::{Constant, ObjectPath, Pattern};

pub use recognise::{recognise, refang};

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
    /// A file with the folder it lies in: `directory:path` and a name.
    FilePath,
    /// `autonomous-system:number`.
    AutonomousSystem,
    /// `user-account:account_login` or `user_id`.
    Account,
    /// `windows-registry-key:key`.
    RegistryKey,
    /// `windows-registry-key:values[*].name`.
    RegistryValue,
    /// `windows-registry-key:values[*].data`.
    RegistryData,
    /// `process:command_line`.
    CommandLine,
    /// `x509-certificate:serial_number`.
    CertificateSerial,
    /// `network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'`.
    UserAgent,
    /// A JA3 fingerprint of a TLS client; STIX has no property for it, as for the next two.
    Ja3,
    /// A JA3S fingerprint of a TLS server.
    Ja3s,
    /// A JA4 fingerprint of a TLS client.
    Ja4,
    /// `mutex:name`.
    Mutex,
    /// `vulnerability` external id, e.g. `CVE-2026-0001`.
    Cve,
}

impl ValueKind {
    /// All kinds, in the order of the enumeration.
    pub const ALL: [Self; 25] = [
        Self::Ipv4,
        Self::Ipv6,
        Self::Domain,
        Self::Url,
        Self::Email,
        Self::Md5,
        Self::Sha1,
        Self::Sha256,
        Self::Sha512,
        Self::Mac,
        Self::FileName,
        Self::FilePath,
        Self::AutonomousSystem,
        Self::Account,
        Self::RegistryKey,
        Self::RegistryValue,
        Self::RegistryData,
        Self::CommandLine,
        Self::CertificateSerial,
        Self::UserAgent,
        Self::Ja3,
        Self::Ja3s,
        Self::Ja4,
        Self::Mutex,
        Self::Cve,
    ];

    /// The kind of that name, as [`name`](Self::name) gives it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

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
            Self::FilePath => "file:path",
            Self::AutonomousSystem => "autonomous-system",
            Self::Account => "user-account",
            Self::RegistryKey => "windows-registry-key",
            Self::RegistryValue => "registry-value",
            Self::RegistryData => "registry-data",
            Self::CommandLine => "process:command_line",
            Self::CertificateSerial => "x509-certificate:serial_number",
            Self::UserAgent => "user-agent",
            Self::Ja3 => "ja3",
            Self::Ja3s => "ja3s",
            Self::Ja4 => "ja4",
            Self::Mutex => "mutex",
            Self::Cve => "vulnerability",
        }
    }
}

/// Every observable value an object mentions, canonical and once each: an SCO's own values, those of the observables inside a
/// STIX 2.0 `observed-data`, the constants of equality, `IN` and `ISSUBSET` comparisons in an indicator's STIX pattern (negated
/// ones apart), CVE numbers in external references. Sorted.
#[must_use]
pub fn values(object: &Object) -> Vec<(ValueKind, String)> {
    let mut found = Found::new();
    let properties = object.properties();
    extract::of_observable(object.object_type(), properties, &mut found);
    match object.object_type() {
        // STIX 2.0 knows no other language and has no `pattern_type`.
        "indicator" if object.text("pattern_type").is_none_or(|language| language == "stix") => {
            let pattern = object.text("pattern").and_then(|text| Pattern::parse(text).ok());
            pattern.iter().for_each(|pattern| extract::of_pattern(pattern, &mut found));
        }
        "observed-data" => {
            let inner = properties.get("objects").and_then(serde_json::Value::as_object);
            for observable in inner.into_iter().flat_map(|map| map.values()).filter_map(|v| v.as_object()) {
                let object_type = observable.get("type").and_then(|v| v.as_str()).unwrap_or_default();
                extract::of_observable(object_type, observable, &mut found);
            }
        }
        _ => {}
    }
    extract::of_references(object, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

/// The one spelling of a value of this kind, as [`values`] gives it; `None` where the text cannot be of the kind. The kind may
/// change: an IPv4-mapped IPv6 address is IPv4.
#[must_use]
pub fn canonical(kind: ValueKind, text: &str) -> Option<(ValueKind, String)> {
    canonical::of_kind(kind, text)
}

/// What the constants of an equality test on this object path are, e.g. a domain name for `network-traffic:dst_ref.value`
/// compared to `'evil.example'`; `None` where the path leads to no kind of value that is indexed.
#[must_use]
pub fn pattern_value(path: &ObjectPath, constant: &Constant) -> Option<(ValueKind, String)> {
    extract::of_test(path, constant)
}

type Found = Vec<(ValueKind, String)>;
