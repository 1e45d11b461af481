use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::names::{Feature, Language, Reading, is_name, is_nsid};
use crate::net::{Connection, Ipv4Connection, Ipv4Net, Ipv6Connection, Ipv6Net, Packet};
use crate::read;
use crate::refusal::{At, Refusal};
use crate::text::{CommandId, DomainName, EmailAddr, IdnDomainName, IdnEmailAddr, Iri, Uri};
use crate::things::{Artifact, Device, File, Process};

/// What a command is about (LS 3.3.1.2): exactly one thing.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Bytes or where they are.
    Artifact(Artifact),
    /// A command that was given earlier.
    Command(CommandId),
    /// A device.
    Device(Device),
    /// A domain name.
    DomainName(DomainName),
    /// A mail address.
    EmailAddr(EmailAddr),
    /// What `query` is to tell; may be empty.
    Features(Vec<Feature>),
    /// A file.
    File(File),
    /// A domain name beyond ASCII.
    IdnDomainName(IdnDomainName),
    /// A mail address beyond ASCII.
    IdnEmailAddr(IdnEmailAddr),
    /// IPv4 addresses, as source or destination.
    Ipv4Net(Ipv4Net),
    /// IPv6 addresses, as source or destination.
    Ipv6Net(Ipv6Net),
    /// IPv4 connections.
    Ipv4Connection(Ipv4Connection),
    /// IPv6 connections.
    Ipv6Connection(Ipv6Connection),
    /// An IRI.
    Iri(Iri),
    /// A hardware address: six or eight bytes.
    MacAddr(MacAddr),
    /// A process.
    Process(Box<Process>),
    /// Names of an actuator's properties.
    Properties(Vec<String>),
    /// A URI.
    Uri(Uri),
    /// A rule of a packet filter (SLPF 2.1.2.2).
    RuleNumber(RuleNumber),
    /// Something of another profile, as it came.
    Extension {
        /// The profile's namespace.
        nsid: String,
        /// The target's name in it.
        name: String,
        /// What it says.
        value: Value,
    },
}

/// A hardware address (LS 3.4.1.14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MacAddr {
    /// Of 48 bits.
    Eui48([u8; 6]),
    /// Of 64 bits.
    Eui64([u8; 8]),
}

/// The number of a rule (SLPF 2.1.2.2): given when the rule is made, the same as long as there is the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleNumber(pub i64);

/// The kind of a target: its name. Profiles are tables of these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetName {
    /// One of the language's own, e.g. `ipv4_net`.
    Common(&'static str),
    /// A profile's.
    Extension {
        /// Its namespace.
        nsid: String,
        /// Its name there.
        name: String,
    },
}

/// The names that the language gives targets (LS 3.3.1.2).
pub const TARGETS: [&str; 18] = [
    "artifact",
    "command",
    "device",
    "domain_name",
    "email_addr",
    "features",
    "file",
    "idn_domain_name",
    "idn_email_addr",
    "ipv4_net",
    "ipv6_net",
    "ipv4_connection",
    "ipv6_connection",
    "iri",
    "mac_addr",
    "process",
    "properties",
    "uri",
];

const CLAUSE: &str = "LS 3.3.1.2";

impl TargetName {
    /// The target of this name in the language, or none.
    #[must_use]
    pub fn common(name: &str) -> Option<Self> {
        TARGETS.iter().copied().find(|common| *common == name).map(Self::Common)
    }

    /// `slpf:rule_number`.
    #[must_use]
    pub fn rule_number() -> Self {
        Self::Extension { nsid: "slpf".to_owned(), name: "rule_number".to_owned() }
    }

    /// A name as it stands in a command or in a list of pairs, in either spelling of extensions.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(common) = Self::common(text) {
            return Some(common);
        }
        let (nsid, name) = text.split_once([':', '/'])?;
        (is_nsid(nsid) && is_name(name))
            .then(|| Self::Extension { nsid: nsid.to_owned(), name: name.to_owned() })
    }

    /// The name as this version of the language spells it.
    #[must_use]
    pub fn spell(&self, language: Language) -> String {
        match (self, language) {
            (Self::Common(name), _) => (*name).to_owned(),
            (Self::Extension { nsid, name }, Language::V1_0) => format!("{nsid}:{name}"),
            (Self::Extension { nsid, name }, Language::V1_1) => format!("{nsid}/{name}"),
        }
    }
}

impl Target {
    /// Its kind.
    #[must_use]
    pub fn name(&self) -> TargetName {
        let common = match self {
            Self::Artifact(_) => "artifact",
            Self::Command(_) => "command",
            Self::Device(_) => "device",
            Self::DomainName(_) => "domain_name",
            Self::EmailAddr(_) => "email_addr",
            Self::Features(_) => "features",
            Self::File(_) => "file",
            Self::IdnDomainName(_) => "idn_domain_name",
            Self::IdnEmailAddr(_) => "idn_email_addr",
            Self::Ipv4Net(_) => "ipv4_net",
            Self::Ipv6Net(_) => "ipv6_net",
            Self::Ipv4Connection(_) => "ipv4_connection",
            Self::Ipv6Connection(_) => "ipv6_connection",
            Self::Iri(_) => "iri",
            Self::MacAddr(_) => "mac_addr",
            Self::Process(_) => "process",
            Self::Properties(_) => "properties",
            Self::Uri(_) => "uri",
            Self::RuleNumber(_) => return TargetName::rule_number(),
            Self::Extension { nsid, name, .. } => {
                return TargetName::Extension { nsid: nsid.clone(), name: name.clone() };
            }
        };
        TargetName::Common(common)
    }

    /// Whether it means this packet: a range of addresses means it by its source *or* its destination (SLPF 2.3.1.3); what a
    /// connection does not say is any. Other targets mean no packet.
    #[must_use]
    pub fn matches(&self, packet: &Packet) -> bool {
        let ends = [packet.source, packet.destination];
        let v4 = |net: &Ipv4Net| ends.iter().any(|end| matches!(end, IpAddr::V4(a) if net.contains(*a)));
        let v6 = |net: &Ipv6Net| ends.iter().any(|end| matches!(end, IpAddr::V6(a) if net.contains(*a)));
        match self {
            Self::Ipv4Net(net) => v4(net),
            Self::Ipv6Net(net) => v6(net),
            Self::Ipv4Connection(connection) => connection.matches(packet),
            Self::Ipv6Connection(connection) => connection.matches(packet),
            _ => false,
        }
    }

    pub(crate) fn read(value: &Value, at: &At, reading: &Reading) -> Result<Self, Refusal> {
        let map = read::object(value, at, CLAUSE)?;
        let mut entries = map.iter();
        let (Some((key, value)), None) = (entries.next(), entries.next()) else {
            return Err(Refusal::malformed(CLAUSE, at, "exactly one target belongs here"));
        };
        let at = at.to(key);
        match TargetName::parse(key) {
            Some(TargetName::Common(name)) => Self::read_common(name, value, &at, reading),
            Some(TargetName::Extension { nsid, name }) => {
                Self::read_extension(&nsid, &name, value, &at, reading)
            }
            None => Self::read_nested(key, value, &at, reading),
        }
    }

    fn read_common(name: &str, value: &Value, at: &At, reading: &Reading) -> Result<Self, Refusal> {
        Ok(match name {
            "artifact" => Self::Artifact(Artifact::read(value, at)?),
            "command" => Self::Command(CommandId::read(value, at)?),
            "device" => Self::Device(Device::read(value, at)?),
            "domain_name" => Self::DomainName(DomainName::read(value, at)?),
            "email_addr" => Self::EmailAddr(EmailAddr::read(value, at)?),
            "features" => Self::Features(features(value, at, reading)?),
            "file" => Self::File(File::read(value, at)?),
            "idn_domain_name" => Self::IdnDomainName(IdnDomainName::read(value, at)?),
            "idn_email_addr" => Self::IdnEmailAddr(IdnEmailAddr::read(value, at)?),
            "ipv4_net" => Self::Ipv4Net(Ipv4Net::read(value, at)?),
            "ipv6_net" => Self::Ipv6Net(Ipv6Net::read(value, at)?),
            "ipv4_connection" => Self::Ipv4Connection(Connection::read(value, at)?),
            "ipv6_connection" => Self::Ipv6Connection(Connection::read(value, at)?),
            "iri" => Self::Iri(Iri::read(value, at)?),
            "mac_addr" => Self::MacAddr(MacAddr::read(value, at)?),
            "process" => Self::Process(Box::new(Process::read(value, at)?)),
            "properties" => Self::Properties(properties(value, at)?),
            _ => Self::Uri(Uri::read(value, at)?),
        })
    }

    fn read_extension(
        nsid: &str,
        name: &str,
        value: &Value,
        at: &At,
        reading: &Reading,
    ) -> Result<Self, Refusal> {
        if !reading.takes(nsid) {
            return Err(Refusal::malformed("LS 3.1.4", at, "the target's namespace is not taken here"));
        }
        match (nsid, name) {
            ("slpf", "rule_number") => RuleNumber::read(value, at).map(Self::RuleNumber),
            ("slpf", _) => Err(Refusal::unsupported(
                "SLPF 2.1.2.2",
                at,
                crate::texts::TARGET_TYPE_NOT_SUPPORTED,
                "the profile has no such target",
            )),
            _ => Ok(Self::Extension { nsid: nsid.to_owned(), name: name.to_owned(), value: value.clone() }),
        }
    }

    /// `{"slpf": {"rule_number": 1}}`, the third spelling: drafts of 1.1 have it in their device schemas.
    fn read_nested(key: &str, value: &Value, at: &At, reading: &Reading) -> Result<Self, Refusal> {
        let unknown = || Refusal::malformed(CLAUSE, at, "there is no such target");
        if reading.language == Some(Language::V1_0) || !is_nsid(key) {
            return Err(unknown());
        }
        let mut entries = value.as_object().ok_or_else(unknown)?.iter();
        match (entries.next(), entries.next()) {
            (Some((name, value)), None) if is_name(name) => {
                Self::read_extension(key, name, value, &at.to(name), reading)
            }
            _ => Err(unknown()),
        }
    }

    pub(crate) fn write(&self, language: Language) -> Value {
        let value = match self {
            Self::Artifact(artifact) => artifact.write(),
            Self::Command(id) => id.into(),
            Self::Device(device) => device.write(),
            Self::DomainName(name) => name.into(),
            Self::EmailAddr(address) => address.into(),
            Self::Features(features) => features.iter().map(|feature| feature.as_str()).collect(),
            Self::File(file) => file.write(),
            Self::IdnDomainName(name) => name.into(),
            Self::IdnEmailAddr(address) => address.into(),
            Self::Ipv4Net(net) => net.to_string().into(),
            Self::Ipv6Net(net) => net.to_string().into(),
            Self::Ipv4Connection(connection) => connection.write(),
            Self::Ipv6Connection(connection) => connection.write(),
            Self::Iri(iri) => iri.into(),
            Self::MacAddr(address) => address.to_string().into(),
            Self::Process(process) => process.write(),
            Self::Properties(names) => names.iter().map(String::as_str).collect(),
            Self::Uri(uri) => uri.into(),
            Self::RuleNumber(RuleNumber(number)) => (*number).into(),
            Self::Extension { value, .. } => value.clone(),
        };
        Value::Object(Map::from_iter([(self.name().spell(language), value)]))
    }
}

/// Targets are kept as the JSON of version 1.0.
impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.write(Language::V1_0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let any = Reading { language: Some(Language::V1_1), ..Reading::default() };
        Self::read(&value, &At::root(), &any).map_err(serde::de::Error::custom)
    }
}

fn features(value: &Value, at: &At, reading: &Reading) -> Result<Vec<Feature>, Refusal> {
    const CLAUSE: &str = "LS 3.4.1.5";
    let features = read::unique(value, at, CLAUSE, Feature::read)?;
    if features.contains(&Feature::Args) && reading.language == Some(Language::V1_0) {
        return Err(Refusal::malformed(CLAUSE, at, "version 1.0 does not know the feature `args`"));
    }
    Ok(features)
}

fn properties(value: &Value, at: &At) -> Result<Vec<String>, Refusal> {
    const CLAUSE: &str = "LS 3.4.1.16";
    let names = read::unique(value, at, CLAUSE, |value, at| read::text(value, at, CLAUSE))?;
    if names.is_empty() {
        return Err(Refusal::malformed(CLAUSE, at, "at least one property belongs here"));
    }
    Ok(names)
}

impl RuleNumber {
    pub(crate) fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        let number = crate::json::integer(value);
        number.map(Self).ok_or_else(|| Refusal::malformed("SLPF 2.1.2.2", at, "a whole number belongs here"))
    }
}

impl std::fmt::Display for RuleNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl MacAddr {
    /// Six or eight bytes in hexadecimal with colons between them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let byte = |part: &str| {
            let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
            plain.then(|| u8::from_str_radix(part, 16).ok()).flatten()
        };
        let bytes: Vec<u8> = text.split(':').map(byte).collect::<Option<_>>()?;
        let eui48 = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(Self::Eui48);
        eui48.or_else(|| <[u8; 8]>::try_from(bytes.as_slice()).ok().map(Self::Eui64))
    }

    fn read(value: &Value, at: &At) -> Result<Self, Refusal> {
        const CLAUSE: &str = "LS 3.4.1.14";
        Self::parse(&read::text(value, at, CLAUSE)?)
            .ok_or_else(|| Refusal::malformed(CLAUSE, at, "six or eight bytes with colons belong here"))
    }
}

impl std::fmt::Display for MacAddr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes: &[u8] = match self {
            Self::Eui48(bytes) => bytes,
            Self::Eui64(bytes) => bytes,
        };
        let parts: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        f.write_str(&parts.join(":"))
    }
}
