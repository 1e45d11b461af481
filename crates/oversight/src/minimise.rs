use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use stix::Id;
use stix::marking::Tlp;
use stix::observable::ValueKind;
use telemetry::{Observation, Observed, Role};

use crate::{Consent, Purpose};

/// The transport protocols that may be named in mechanical information.
pub const PROTOCOLS: [&str; 12] =
    ["tcp", "udp", "icmp", "icmp6", "ipv6-icmp", "icmpv6", "sctp", "gre", "esp", "ah", "igmp", "udplite"];

/// The closed type of what may leave an edge: addresses, ports, protocol, times, sizes, domain names, hashes, fingerprints.
/// Bodies, subjects, URL paths and queries, names and account contents are not in it and cannot be put in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct MechanicalInformation {
    /// Addresses, RFC 5952 text, ascending: the two ends of the traffic, and what matched.
    pub addresses: Vec<IpAddr>,
    /// Domain names that matched, A-labels in lower case, ascending; of a URL only its host.
    pub domains: Vec<String>,
    /// Hashes that matched: algorithm name of STIX 2.1 §10.7 and lower-case hexadecimal, ascending.
    pub hashes: Vec<(String, String)>,
    /// Source and destination ports.
    pub ports: Vec<u16>,
    /// Transport protocol, one of the names in the IANA registry of protocol numbers that logs use.
    pub protocol: Option<String>,
    /// Bytes counted by the record.
    pub bytes: Option<u64>,
}

/// A proof: this sighting was made by [`minimise`] under a consent that covers it. There is no other constructor,
/// but for [`Minimised::unseal`], which takes only what [`Minimised::seal`] gave under the same key.
///
/// ```compile_fail
/// use oversight::{Minimised, MinimisedSighting};
/// fn forge(sighting: MinimisedSighting) -> Minimised {
///     Minimised { sighting } // the field is private
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimised {
    sighting: MinimisedSighting,
}

/// What a [`Minimised`] holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MinimisedSighting {
    /// The indicator that matched.
    pub indicator: Id,
    /// Its version, as its producer wrote it.
    pub indicator_version: String,
    /// When: the record's time, else when it was read.
    pub seen: jiff::Timestamp,
    /// What it was let out for.
    pub purpose: Purpose,
    /// What it bears.
    pub marking: Tlp,
    /// The values.
    pub information: MechanicalInformation,
}

/// Why a match stays inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// The operator has not consented to this purpose.
    #[error("the operator has not consented to this purpose")]
    Purpose,
    /// The indicator is marked more strictly than the operator's consent reaches.
    #[error("the indicator is marked more strictly than the operator's consent reaches")]
    Marking,
    /// The operator has not consented to opinions.
    #[error("the operator has not consented to opinions")]
    Opinion,
    /// Nothing in the record matched: what was not selected never leaves.
    #[error("nothing in the record matched the indicator")]
    Unmatched,
}

/// Makes the one thing that may leave from what was seen, if the operator's consent covers it. `matched` are the indices of
/// `observation.values` that the indicator hit; `read_at` stands in where the record bears no time.
///
/// The result depends on nothing but the matched values, the addresses of both ends, ports, protocol, size and time of the
/// record. Whatever else the record holds makes no difference to a single byte of it.
pub fn minimise(
    indicator: (&Id, &str, Option<Tlp>),
    observation: &Observation<'_>,
    matched: &[usize],
    purpose: Purpose,
    consent: &Consent,
    read_at: jiff::Timestamp,
) -> Result<Minimised, Withheld> {
    let (id, version, marking) = indicator;
    let marking = consent.covers(purpose, marking)?;
    if !matched.iter().any(|index| observation.values.get(*index).is_some()) {
        return Err(Withheld::Unmatched);
    }
    Ok(Minimised {
        sighting: MinimisedSighting {
            indicator: id.clone(),
            indicator_version: version.to_owned(),
            seen: observation.time.unwrap_or(read_at),
            purpose,
            marking: consent.marking_for(marking),
            information: mechanical(observation, matched, consent),
        },
    })
}

impl Minimised {
    /// What may be sent.
    #[must_use]
    pub fn sighting(&self) -> &MinimisedSighting {
        &self.sighting
    }

    /// For `seal`: the other door through which a proof may come back.
    pub(crate) fn restored(sighting: MinimisedSighting) -> Self {
        Self { sighting }
    }
}

/// The mechanical part of a record.
fn mechanical(observation: &Observation<'_>, matched: &[usize], consent: &Consent) -> MechanicalInformation {
    let Parts { mut others, own, domains, hashes } = parts(observation, matched, consent);
    if consent.own_addresses {
        others.extend(own);
    }
    MechanicalInformation {
        addresses: others.into_iter().collect(),
        domains: domains.into_iter().collect(),
        hashes: hashes.into_iter().collect(),
        ports: [observation.src_port, observation.dst_port].into_iter().flatten().collect(),
        protocol: observation.protocol.as_deref().and_then(known_protocol),
        bytes: observation.bytes,
    }
}

/// What a record holds of mechanical information, with whose addresses they are.
pub(crate) struct Parts {
    /// Addresses that may leave without the operator's consent to its own.
    pub(crate) others: BTreeSet<IpAddr>,
    /// The operator's own addresses, and ends of which it is not known whether they are.
    pub(crate) own: BTreeSet<IpAddr>,
    pub(crate) domains: BTreeSet<String>,
    pub(crate) hashes: BTreeSet<(String, String)>,
}

/// Takes a record apart: its two ends, and of all its other values those that matched.
pub(crate) fn parts(observation: &Observation<'_>, matched: &[usize], consent: &Consent) -> Parts {
    let hits: BTreeSet<usize> = matched.iter().copied().collect();
    let (mut others, mut own) = ends(observation, &hits, consent);
    let mut domains = BTreeSet::new();
    let mut hashes = BTreeSet::new();
    for value in hits.iter().filter_map(|index| observation.values.get(*index)) {
        match mechanical_value(value) {
            Some(Mechanical::Address(address)) if consent.is_own(address) => drop(own.insert(address)),
            Some(Mechanical::Address(address)) => drop(others.insert(address)),
            Some(Mechanical::Domain(domain)) => drop(domains.insert(domain)),
            Some(Mechanical::Hash(algorithm, digest)) => drop(hashes.insert((algorithm.to_owned(), digest))),
            None => {}
        }
    }
    Parts { others, own, domains, hashes }
}

/// The addresses of the two ends: those that may leave, and the operator's own. Where neither end is known to be its own, one of
/// them must be, so that only an end which itself matched is another's.
fn ends(
    observation: &Observation<'_>,
    hits: &BTreeSet<usize>,
    consent: &Consent,
) -> (BTreeSet<IpAddr>, BTreeSet<IpAddr>) {
    let ends: Vec<(usize, IpAddr)> = observation
        .values
        .iter()
        .enumerate()
        .filter(|(_, value)| value.role != Role::Content)
        .filter_map(|(index, value)| Some((index, address(value)?)))
        .collect();
    let own_known = ends.iter().any(|(_, address)| consent.is_own(*address));
    let is_others =
        |(index, address): &(usize, IpAddr)| !consent.is_own(*address) && (own_known || hits.contains(index));
    let (others, own): (Vec<_>, Vec<_>) = ends.into_iter().partition(is_others);
    let addresses = |ends: Vec<(usize, IpAddr)>| ends.into_iter().map(|(_, address)| address).collect();
    (addresses(others), addresses(own))
}

/// A value in the form in which it may leave.
enum Mechanical {
    Address(IpAddr),
    Domain(String),
    Hash(&'static str, String),
}

/// The mechanical part of one value; `None` where it has none. E-mail addresses, accounts, file names and the like have none.
fn mechanical_value(value: &Observed<'_>) -> Option<Mechanical> {
    match value.kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => address(value).map(Mechanical::Address),
        ValueKind::Domain => host(&value.value),
        ValueKind::Url => url_host(&value.value),
        ValueKind::Md5 => hash("MD5", 32, &value.value),
        ValueKind::Sha1 => hash("SHA-1", 40, &value.value),
        ValueKind::Sha256 => hash("SHA-256", 64, &value.value),
        ValueKind::Sha512 => hash("SHA-512", 128, &value.value),
        ValueKind::Email
        | ValueKind::Mac
        | ValueKind::FileName
        | ValueKind::AutonomousSystem
        | ValueKind::Account
        | ValueKind::RegistryKey
        | ValueKind::RegistryValue
        | ValueKind::RegistryData
        | ValueKind::CommandLine
        | ValueKind::CertificateSerial
        | ValueKind::UserAgent
        | ValueKind::Ja3
        | ValueKind::Ja3s
        | ValueKind::Ja4
        | ValueKind::FilePath
        | ValueKind::Mutex
        | ValueKind::Cve => None,
    }
}

fn address(value: &Observed<'_>) -> Option<IpAddr> {
    if !matches!(value.kind, ValueKind::Ipv4 | ValueKind::Ipv6) {
        return None;
    }
    value.value.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// A host as the web reads it (WHATWG URL §3.5), so that an address in any spelling (`167772161`, `0x0a.1`) is an address. A log's
/// author chooses what stands in a name field: nothing but letters, digits, hyphens, underscores and dots comes through.
fn host(text: &str) -> Option<Mechanical> {
    const NAME_CHARS_MAX: usize = 253;
    let name = match url::Host::parse(text).ok()? {
        url::Host::Ipv4(address) => return Some(Mechanical::Address(address.into())),
        url::Host::Ipv6(address) => return Some(Mechanical::Address(IpAddr::from(address).to_canonical())),
        url::Host::Domain(name) => name,
    };
    let name = name.strip_suffix('.').unwrap_or(&name);
    let legal = name.len() <= NAME_CHARS_MAX
        && name.split('.').all(|label| (1..=63).contains(&label.len()))
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
    legal.then(|| Mechanical::Domain(name.to_owned()))
}

/// The host of a URL, and nothing else of it: not the scheme, the user, the path, the query nor the fragment. The authority is cut
/// out by hand: a browser takes the first piece of the path for the host where that is empty (`http:///path`).
fn url_host(text: &str) -> Option<Mechanical> {
    let (_, rest) = text.split_once("://").unwrap_or(("", text));
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let ends = authority.rsplit('@').next()?;
    match ends.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host(name),
        _ => host(ends),
    }
}

fn hash(algorithm: &'static str, digits: usize, text: &str) -> Option<Mechanical> {
    let legal = text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit());
    legal.then(|| Mechanical::Hash(algorithm, text.to_ascii_lowercase()))
}

/// The protocol's name if it is one of the registry's; free text in its place is left out.
pub(crate) fn known_protocol(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    PROTOCOLS.contains(&text.as_str()).then_some(text)
}
