//! What an attribute's type and value say about something that can be observed: as tests of a STIX pattern, and as
//! cyber-observable objects.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

/// One thing that an attribute says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) kind: FactKind,
    pub(crate) value: String,
}

/// What the value is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FactKind {
    Address,
    Source,
    Destination,
    /// What a domain name resolves to.
    Resolved,
    Domain,
    /// The other end of traffic, by name.
    DestinationName,
    Url,
    Email,
    MailFrom,
    MailTo,
    MailSubject,
    MailMessageId,
    FileName,
    /// A hash of a file, by the algorithm's name in STIX (§10.7) or, where it has none there, in MISP.
    Hash(&'static str),
    CertificateHash(&'static str),
    Mac,
    Mutex,
    System,
    RegistryKey,
    RegistryData,
    UserAgent,
    SourcePort,
    DestinationPort,
    Size,
    HttpMethod,
}

impl FactKind {
    /// Too common to be looked for alone: a pattern of nothing else would match half of the network.
    fn is_weak(self) -> bool {
        matches!(
            self,
            Self::SourcePort | Self::DestinationPort | Self::Size | Self::HttpMethod | Self::RegistryData
        )
    }

    pub(crate) fn is_hash(self) -> bool {
        matches!(self, Self::Hash(_))
    }

    fn path(self, value: &str) -> String {
        let address = |prefix: &str| {
            if value.contains(':') {
                format!("{prefix}ipv6-addr:value")
            } else {
                format!("{prefix}ipv4-addr:value")
            }
        };
        match self {
            Self::Address => address(""),
            Self::Source => "network-traffic:src_ref.value".to_owned(),
            Self::Destination | Self::DestinationName => "network-traffic:dst_ref.value".to_owned(),
            Self::Resolved => "domain-name:resolves_to_refs[*].value".to_owned(),
            Self::Domain => "domain-name:value".to_owned(),
            Self::Url => "url:value".to_owned(),
            Self::Email => "email-addr:value".to_owned(),
            Self::MailFrom => "email-message:from_ref.value".to_owned(),
            Self::MailTo => "email-message:to_refs[*].value".to_owned(),
            Self::MailSubject => "email-message:subject".to_owned(),
            Self::MailMessageId => "email-message:message_id".to_owned(),
            Self::FileName => "file:name".to_owned(),
            Self::Hash(algorithm) => format!("file:hashes.{}", quoted_key(algorithm)),
            Self::CertificateHash(algorithm) => format!("x509-certificate:hashes.{}", quoted_key(algorithm)),
            Self::Mac => "mac-addr:value".to_owned(),
            Self::Mutex => "mutex:name".to_owned(),
            Self::System => "autonomous-system:number".to_owned(),
            Self::RegistryKey => "windows-registry-key:key".to_owned(),
            Self::RegistryData => "windows-registry-key:values.data".to_owned(),
            Self::UserAgent => {
                "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'".to_owned()
            }
            Self::HttpMethod => "network-traffic:extensions.'http-request-ext'.request_method".to_owned(),
            Self::SourcePort => "network-traffic:src_port".to_owned(),
            Self::DestinationPort => "network-traffic:dst_port".to_owned(),
            Self::Size => "file:size".to_owned(),
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::System | Self::SourcePort | Self::DestinationPort | Self::Size)
    }
}

fn quoted_key(key: &str) -> String {
    if key.bytes().all(|b| b.is_ascii_alphanumeric()) { key.to_owned() } else { format!("'{key}'") }
}

/// The hash algorithms of MISP's types, and their names in STIX where it has them.
const HASHES: [(&str, &str); 22] = [
    ("md5", "MD5"),
    ("sha1", "SHA-1"),
    ("sha256", "SHA-256"),
    ("sha512", "SHA-512"),
    ("sha3-256", "SHA3-256"),
    ("sha3-512", "SHA3-512"),
    ("ssdeep", "SSDEEP"),
    ("tlsh", "TLSH"),
    ("sha224", "SHA224"),
    ("sha384", "SHA384"),
    ("sha512/224", "SHA512_224"),
    ("sha512/256", "SHA512_256"),
    ("sha3-224", "SHA3-224"),
    ("sha3-384", "SHA3-384"),
    ("authentihash", "AUTHENTIHASH"),
    ("imphash", "IMPHASH"),
    ("impfuzzy", "IMPFUZZY"),
    ("pehash", "PEHASH"),
    ("vhash", "VHASH"),
    ("telfhash", "TELFHASH"),
    ("cdhash", "CDHASH"),
    ("git-commit-id", "GIT_COMMIT"),
];

/// What an attribute says; nothing where its type is none that can be observed, or its value is not of its type.
/// `relation` is its role in a MISP object, with the object's name.
pub(crate) fn facts(kind: &str, value: &str, relation: Option<(&str, &str)>) -> Vec<Fact> {
    let value = value.trim();
    if value.is_empty() || value.len() > 8_192 || value.contains('\0') {
        return Vec::new();
    }
    if let Some((first, second)) = kind.split_once('|') {
        let Some((left, right)) = value.rsplit_once('|') else { return Vec::new() };
        return composite(first, second, left.trim(), right.trim());
    }
    single(kind, value, relation).into_iter().collect()
}

fn composite(first: &str, second: &str, left: &str, right: &str) -> Vec<Fact> {
    let direction = |kind| match first {
        "ip-src" => (Some("ip-src"), FactKind::SourcePort),
        _ => (kind, FactKind::DestinationPort),
    };
    let parts = match (first, second) {
        ("domain", "ip") => [
            single("domain", left, None),
            address(right).map(|value| Fact { kind: FactKind::Resolved, value }),
        ],
        ("ip-src" | "ip-dst", "port") => {
            let (kind, port_kind) = direction(Some("ip-dst"));
            [kind.and_then(|kind| single(kind, left, None)), port(right, port_kind)]
        }
        ("hostname", "port") => [
            Some(Fact { kind: FactKind::DestinationName, value: left.to_owned() }),
            port(right, FactKind::DestinationPort),
        ],
        ("regkey", "value") => [
            single("regkey", left, None),
            Some(Fact { kind: FactKind::RegistryData, value: right.to_owned() }),
        ],
        ("filename" | "malware-sample", hash) => [single("filename", left, None), single(hash, right, None)],
        _ => [None, None],
    };
    // Half of a composite would match more than its author meant.
    let facts: Vec<Fact> = parts.into_iter().flatten().collect();
    if facts.len() == 2 { facts } else { Vec::new() }
}

fn single(kind: &str, value: &str, relation: Option<(&str, &str)>) -> Option<Fact> {
    let fact = |kind: FactKind| Some(Fact { kind, value: value.to_owned() });
    if let Some((_, algorithm)) = HASHES.iter().find(|(name, _)| *name == kind) {
        return fact(FactKind::Hash(algorithm));
    }
    match kind {
        "ip-src" | "ip-dst" => {
            let kind = match (relation, kind) {
                (Some(("domain-ip" | "passive-dns" | "dns-record", _)), _) => FactKind::Resolved,
                (Some((_, relation)), _) if relation.contains("src") => FactKind::Source,
                (_, "ip-src") => FactKind::Source,
                _ => FactKind::Destination,
            };
            address(value).map(|value| Fact { kind, value })
        }
        "domain" | "hostname" => fact(FactKind::Domain),
        "url" | "uri" | "link" => fact(FactKind::Url),
        "email" => fact(FactKind::Email),
        "email-src" => fact(FactKind::MailFrom),
        "email-dst" => fact(FactKind::MailTo),
        "email-subject" => fact(FactKind::MailSubject),
        "email-message-id" => fact(FactKind::MailMessageId),
        "filename" | "email-attachment" => fact(FactKind::FileName),
        "x509-fingerprint-md5" => fact(FactKind::CertificateHash("MD5")),
        "x509-fingerprint-sha1" => fact(FactKind::CertificateHash("SHA-1")),
        "x509-fingerprint-sha256" => fact(FactKind::CertificateHash("SHA-256")),
        "mac-address" => {
            Some(Fact { kind: FactKind::Mac, value: value.to_ascii_lowercase().replace('-', ":") })
        }
        "mutex" => fact(FactKind::Mutex),
        "regkey" => fact(FactKind::RegistryKey),
        "user-agent" => fact(FactKind::UserAgent),
        "http-method" => fact(FactKind::HttpMethod),
        "AS" => number(value.trim_start_matches(['A', 'S', 'a', 's']), FactKind::System),
        "size-in-bytes" => number(value, FactKind::Size),
        "port" => {
            let is_source = relation.is_some_and(|(_, relation)| relation.contains("src"));
            port(value, if is_source { FactKind::SourcePort } else { FactKind::DestinationPort })
        }
        _ => None,
    }
}

/// An address or a network, as STIX writes it.
fn address(value: &str) -> Option<String> {
    let (host, length) = value.split_once('/').map_or((value, None), |(host, length)| (host, Some(length)));
    let parsed: IpAddr = host.parse().ok()?;
    let widest = if parsed.is_ipv4() { 32 } else { 128 };
    if let Some(length) = length {
        length.parse::<u8>().ok().filter(|length| *length <= widest)?;
    }
    Some(value.to_owned())
}

fn port(value: &str, kind: FactKind) -> Option<Fact> {
    value.parse::<u16>().ok().map(|port| Fact { kind, value: port.to_string() })
}

fn number(value: &str, kind: FactKind) -> Option<Fact> {
    value.parse::<u32>().ok().map(|number| Fact { kind, value: number.to_string() })
}

/// Whether the facts tell one thing from others well enough to be looked for.
pub(crate) fn are_specific(facts: &[Fact]) -> bool {
    facts.iter().any(|fact| !fact.kind.is_weak())
}

/// The pattern that asks for all of the facts at once; of several values of one kind, for any.
pub(crate) fn pattern(facts: &[Fact]) -> Option<String> {
    let mut tests: Vec<(FactKind, String, Vec<String>)> = Vec::new();
    for fact in facts {
        let path = fact.kind.path(&fact.value);
        let constant = if fact.kind.is_number() { fact.value.clone() } else { quoted(&fact.value) };
        match tests.iter_mut().find(|(_, known, _)| *known == path) {
            Some((_, _, constants)) if constants.contains(&constant) => {}
            Some((_, _, constants)) => constants.push(constant),
            None => tests.push((fact.kind, path, vec![constant])),
        }
    }
    let written: Vec<String> = tests
        .iter()
        .map(|(_, path, constants)| match constants.as_slice() {
            [one] => format!("{path} = {one}"),
            several => format!("{path} IN ({})", several.join(", ")),
        })
        .collect();
    (!written.is_empty()).then(|| format!("[{}]", written.join(" AND ")))
}

/// The pattern that asks for any of the facts: hashes of one file.
pub(crate) fn pattern_of_any(facts: &[&Fact]) -> Option<String> {
    let tests: Vec<String> = facts
        .iter()
        .map(|fact| format!("{} = {}", fact.kind.path(&fact.value), quoted(&fact.value)))
        .collect();
    (!tests.is_empty()).then(|| format!("[{}]", tests.join(" OR ")))
}

/// A string constant of a pattern (STIX 2.1 §9.2).
pub(crate) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A cyber-observable object without its identifier, and which of the others it refers to, by their position.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    pub(crate) object_type: &'static str,
    pub(crate) properties: Map<String, Value>,
    /// Property, position of the other one, and whether the property is a list.
    pub(crate) refers: Vec<(&'static str, usize, bool)>,
}

impl Draft {
    fn new(object_type: &'static str, name: &str, value: Value) -> Self {
        Self { object_type, properties: Map::from_iter([(name.to_owned(), value)]), refers: Vec::new() }
    }
}

/// The observables that the facts describe; what refers to another one stands after it.
pub(crate) fn observables(facts: &[Fact]) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut resolved = Vec::new();
    let mut names = Vec::new();
    for fact in facts {
        match fact.kind {
            FactKind::Address => drafts.push(address_draft(&fact.value)),
            FactKind::Resolved => {
                resolved.push(drafts.len());
                drafts.push(address_draft(&fact.value));
            }
            FactKind::Domain => names.push(fact),
            FactKind::Url => drafts.push(Draft::new("url", "value", json!(fact.value))),
            FactKind::Email => drafts.push(Draft::new("email-addr", "value", json!(fact.value))),
            FactKind::Mac => drafts.push(Draft::new("mac-addr", "value", json!(fact.value))),
            FactKind::Mutex => drafts.push(Draft::new("mutex", "name", json!(fact.value))),
            FactKind::System => {
                drafts.push(Draft::new("autonomous-system", "number", json!(fact.value.parse::<u32>().ok())));
            }
            _ => {}
        }
    }
    for name in names {
        let mut draft = Draft::new("domain-name", "value", json!(name.value));
        draft.refers = resolved.iter().map(|at| ("resolves_to_refs", *at, true)).collect();
        drafts.push(draft);
    }
    drafts.extend(file_draft(facts));
    drafts.extend(certificate_draft(facts));
    drafts.extend(registry_draft(facts));
    add_traffic(facts, &mut drafts);
    add_mail(facts, &mut drafts);
    drafts
}

fn address_draft(value: &str) -> Draft {
    Draft::new(if value.contains(':') { "ipv6-addr" } else { "ipv4-addr" }, "value", json!(value))
}

fn first(facts: &[Fact], kind: FactKind) -> Option<&str> {
    facts.iter().find(|fact| fact.kind == kind).map(|fact| fact.value.as_str())
}

fn file_draft(facts: &[Fact]) -> Option<Draft> {
    let mut draft = Draft { object_type: "file", ..Draft::default() };
    let mut hashes = Map::new();
    for fact in facts {
        if let FactKind::Hash(algorithm) = fact.kind {
            hashes.entry(algorithm).or_insert_with(|| json!(fact.value));
        }
    }
    if !hashes.is_empty() {
        draft.properties.insert("hashes".to_owned(), Value::Object(hashes));
    }
    if let Some(name) = first(facts, FactKind::FileName) {
        draft.properties.insert("name".to_owned(), json!(name));
    }
    if let Some(size) = first(facts, FactKind::Size).and_then(|size| size.parse::<u64>().ok()) {
        draft.properties.insert("size".to_owned(), json!(size));
    }
    let is_one = draft.properties.contains_key("hashes") || draft.properties.contains_key("name");
    is_one.then_some(draft)
}

fn certificate_draft(facts: &[Fact]) -> Option<Draft> {
    let mut hashes = Map::new();
    for fact in facts {
        if let FactKind::CertificateHash(algorithm) = fact.kind {
            hashes.entry(algorithm).or_insert_with(|| json!(fact.value));
        }
    }
    (!hashes.is_empty()).then(|| Draft::new("x509-certificate", "hashes", Value::Object(hashes)))
}

fn registry_draft(facts: &[Fact]) -> Option<Draft> {
    let mut draft = Draft::new("windows-registry-key", "key", json!(first(facts, FactKind::RegistryKey)?));
    if let Some(data) = first(facts, FactKind::RegistryData) {
        draft.properties.insert("values".to_owned(), json!([{ "data": data }]));
    }
    Some(draft)
}

fn add_traffic(facts: &[Fact], drafts: &mut Vec<Draft>) {
    let source = first(facts, FactKind::Source);
    let destination = first(facts, FactKind::Destination);
    let name = first(facts, FactKind::DestinationName);
    let Some(an_end) = source.or(destination).or(name) else { return };
    // What carries it is all that is known for certain.
    let layer = match (source.or(destination).is_some(), an_end.contains(':')) {
        (true, true) => "ipv6",
        (true, false) => "ipv4",
        (false, _) => "ip",
    };
    let mut traffic = Draft::new("network-traffic", "protocols", json!([layer]));
    for (property, value) in [("src_ref", source), ("dst_ref", destination)] {
        if let Some(value) = value {
            traffic.refers.push((property, drafts.len(), false));
            drafts.push(address_draft(value));
        }
    }
    if let Some(name) = name.filter(|_| destination.is_none()) {
        traffic.refers.push(("dst_ref", drafts.len(), false));
        drafts.push(Draft::new("domain-name", "value", json!(name)));
    }
    for (property, kind) in [("src_port", FactKind::SourcePort), ("dst_port", FactKind::DestinationPort)] {
        if let Some(port) = first(facts, kind).and_then(|port| port.parse::<u16>().ok()) {
            traffic.properties.insert(property.to_owned(), json!(port));
        }
    }
    drafts.push(traffic);
}

fn add_mail(facts: &[Fact], drafts: &mut Vec<Draft>) {
    let from = first(facts, FactKind::MailFrom);
    let to: Vec<&Fact> = facts.iter().filter(|fact| fact.kind == FactKind::MailTo).collect();
    let subject = first(facts, FactKind::MailSubject);
    let message_id = first(facts, FactKind::MailMessageId);
    if from.is_none() && to.is_empty() && subject.is_none() && message_id.is_none() {
        return;
    }
    let mut mail = Draft::new("email-message", "is_multipart", json!(false));
    if let Some(from) = from {
        mail.refers.push(("from_ref", drafts.len(), false));
        drafts.push(Draft::new("email-addr", "value", json!(from)));
    }
    for address in to {
        mail.refers.push(("to_refs", drafts.len(), true));
        drafts.push(Draft::new("email-addr", "value", json!(address.value)));
    }
    for (property, value) in [("subject", subject), ("message_id", message_id)] {
        if let Some(value) = value {
            mail.properties.insert(property.to_owned(), json!(value));
        }
    }
    drafts.push(mail);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, value: &str, expected: Option<&str>) {
        let facts = facts(kind, value, None);
        let found = pattern(&facts).filter(|_| are_specific(&facts));
        assert_eq!(found.as_deref(), expected, "{kind} {value}");
        if let Some(found) = found {
            stix::pattern::Pattern::parse(&found).unwrap();
        }
    }

    #[test]
    fn patterns_of_attribute_types() {
        check("ip-dst", "198.51.100.7", Some("[network-traffic:dst_ref.value = '198.51.100.7']"));
        check("ip-src", "2001:db8::/32", Some("[network-traffic:src_ref.value = '2001:db8::/32']"));
        check("ip-dst", "not an address", None);
        check(
            "ip-dst|port",
            "198.51.100.7|443",
            Some("[network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = 443]"),
        );
        check(
            "domain|ip",
            "evil.example|198.51.100.7",
            Some(
                "[domain-name:value = 'evil.example' AND domain-name:resolves_to_refs[*].value = '198.51.100.7']",
            ),
        );
        check(
            "filename|sha256",
            r"a'b\c.exe|e3b0",
            Some(r"[file:name = 'a\'b\\c.exe' AND file:hashes.'SHA-256' = 'e3b0']"),
        );
        check("sha512/256", "aa", Some("[file:hashes.'SHA512_256' = 'aa']"));
        check("port", "443", None);
        check("size-in-bytes", "12", None);
        check("domain|ip", "evil.example", None);
        check("comment", "x", None);
        check("AS", "AS64496", Some("[autonomous-system:number = 64496]"));
    }
}
