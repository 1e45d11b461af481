//! Which orders this edge takes, from whom, and what carries them out: pinned by its operator, and nothing without it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ipnet::IpNet;
use openc2::DateTime;
use openc2::signed::{AUDIENCE_MAX, Authority, TrustedKey, Verifier};
use serde::Deserialize;

use super::mqtt::{OrdersByMqtt, WrittenMqtt};
use super::{ConfigError, read_file};
pub use crate::actuators::webhook::Secret;

/// What an operator lets be ordered.
#[derive(Debug, Clone)]
pub struct Orders {
    /// Whether orders are taken. Where not, what stands is taken back.
    pub enabled: bool,
    /// Whose signatures count, and under which names this edge is meant.
    pub verifier: Verifier,
    /// Whether the operator agrees to each order before it is carried out.
    pub asks: bool,
    /// The longest time for which something may be ordered.
    pub longest_ms: u64,
    /// What may be ordered; what none of these covers may not.
    pub allow: Vec<Allowed>,
    /// What is never blocked.
    pub protect: Protected,
    /// How much one order, and all together, may block.
    pub radius: Radius,
    /// How long an order against addresses only counts before it blocks; none: it blocks at once.
    pub shadow: Option<Shadow>,
    /// Whether what others put into our sets is taken out again.
    pub removes_foreign: bool,
    /// How often devices are read back.
    pub reconcile_ms: u64,
    /// What carries orders out.
    pub devices: Vec<Device>,
    /// The broker that orders come by as well; none: by the link to the hub alone.
    pub mqtt: Option<OrdersByMqtt>,
}

/// Something that may be ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// By whom; anybody whose key counts where there is none.
    pub issuers: BTreeSet<String>,
    /// Targets inside of these.
    pub networks: Vec<IpNet>,
    /// These names and what is beneath them; `.` is every name.
    pub names: Vec<String>,
}

/// What is never blocked, also not as a part of something larger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protected {
    /// Networks, the operator's own included.
    pub networks: Vec<IpNet>,
    /// Names and what is beneath them.
    pub names: Vec<String>,
    /// Files with one network a line, such as the published ranges of a cloud. They are read again when they change.
    pub files: Vec<PathBuf>,
    /// Whether this machine's own addresses, gateways and name servers are.
    pub surroundings: bool,
}

/// Bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Radius {
    /// The shortest prefix of an IPv4 network.
    pub ipv4_prefix_min: u8,
    /// The shortest prefix of an IPv6 network.
    pub ipv6_prefix_min: u8,
    /// The most addresses of one order; of IPv6, networks of 64 bits.
    pub addresses_max: u64,
    /// The most orders of one issuer in an hour.
    pub orders_an_hour_max: u64,
    /// The most orders that stand at a time.
    pub standing_max: usize,
}

/// How long is only counted, and how much may be hit then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shadow {
    /// How long.
    pub ms: u64,
    /// With more packets than these the order is given up.
    pub packets_max: u64,
}

/// Something that carries orders out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Device {
    /// The packet filter of this machine's kernel.
    Nftables {
        /// How `nft` is called.
        command: Vec<String>,
    },
    /// A name server, told over its control channel.
    Unbound {
        /// How `unbound-control` is called.
        command: Vec<String>,
    },
    /// A response policy zone in a file.
    Rpz {
        /// The file.
        file: PathBuf,
        /// The zone's name.
        zone: String,
        /// What has the name server read it; nothing where it looks by itself.
        reload: Option<Vec<String>>,
        /// A name server that is asked whether it answers so.
        probe: Option<std::net::SocketAddr>,
    },
    /// A device behind HTTP that is put the whole list and asked for it.
    Webhook {
        /// Where; `http://` to this machine only.
        url: String,
        /// What requests are signed with: SHA-256 of the secret in the configured file.
        secret: Secret,
        /// Whether it holds names; else it holds addresses and networks.
        names: bool,
    },
    /// A dataset of Suricata.
    Suricata {
        /// The file.
        file: PathBuf,
        /// Whether it holds names; else it holds addresses.
        names: bool,
        /// What has Suricata read its rules again.
        reload: Option<Vec<String>>,
        /// The set that is changed over Suricata's socket, and how `suricatasc` is called.
        set: Option<(String, Vec<String>)>,
    },
    /// A plain list in a file, for firewalls to read.
    List {
        /// The file.
        file: PathBuf,
        /// Whether it holds names; else it holds addresses and networks.
        names: bool,
        /// What is called when it has changed.
        reload: Option<Vec<String>>,
    },
}

impl Device {
    /// What it is called on the page and in reports.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Nftables { .. } => "nftables",
            Self::Unbound { .. } => "unbound",
            Self::Rpz { .. } => "rpz",
            Self::Webhook { .. } => "webhook",
            Self::Suricata { .. } => "suricata",
            Self::List { names: true, .. } => "list of names",
            Self::List { names: false, .. } => "list of addresses",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenOrders {
    #[serde(default)]
    enabled: bool,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default, rename = "hub_key")]
    hub_keys: Vec<WrittenKey>,
    authority: Option<String>,
    #[serde(default)]
    authorities: Vec<String>,
    consent: Option<String>,
    longest_minutes: Option<u64>,
    signature_minutes_max: Option<u64>,
    foreign: Option<String>,
    reconcile_seconds: Option<u64>,
    #[serde(default)]
    allow: Vec<WrittenAllowed>,
    #[serde(default)]
    protect: WrittenProtected,
    #[serde(default)]
    radius: WrittenRadius,
    shadow: Option<WrittenShadow>,
    #[serde(default, rename = "device")]
    devices: Vec<WrittenDevice>,
    mqtt: Option<WrittenMqtt>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    issuer: String,
    key: String,
    valid_from: Option<String>,
    valid_until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAllowed {
    #[serde(default)]
    issuers: BTreeSet<String>,
    #[serde(default)]
    networks: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WrittenProtected {
    #[serde(default)]
    networks: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    files: Vec<PathBuf>,
    surroundings: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WrittenRadius {
    ipv4_prefix_min: Option<u8>,
    ipv6_prefix_min: Option<u8>,
    addresses_max: Option<u64>,
    orders_an_hour_max: Option<u64>,
    standing_max: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenShadow {
    seconds: u64,
    packets_max: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDevice {
    kind: String,
    command: Option<Vec<String>>,
    file: Option<PathBuf>,
    zone: Option<String>,
    holds: Option<String>,
    reload: Option<Vec<String>>,
    probe: Option<String>,
    set: Option<String>,
    url: Option<String>,
    secret_file: Option<PathBuf>,
}

/// The longest that a time box may be.
const LONGEST_MINUTES_MAX: u64 = 60 * 24 * 31;
/// By how much an issuer's clock may be ahead of ours.
const SKEW_MS: u64 = 60_000;
/// The most orders that may stand at a time, whatever is configured: all of them are read back every few seconds.
const STANDING_MAX: usize = 5_000;

fn wrong(name: &'static str, value: impl Into<String>, wanted: &'static str) -> ConfigError {
    ConfigError::Value { name, value: value.into(), wanted }
}

impl WrittenOrders {
    /// `own` are the networks that the operator calls its own.
    pub(super) fn resolve(self, edge: &str, own: &[IpNet]) -> Result<Orders, ConfigError> {
        let verifier = self.verifier(edge)?;
        let asks = match self.consent.as_deref() {
            None | Some("ask") => true,
            Some("automatic") => false,
            Some(other) => return Err(wrong("orders.consent", other, "`ask` or `automatic`")),
        };
        let removes_foreign = match self.foreign.as_deref() {
            None | Some("remove") => true,
            Some("leave") => false,
            Some(other) => return Err(wrong("orders.foreign", other, "`remove` or `leave`")),
        };
        let longest = self.longest_minutes.unwrap_or(60);
        if !(1..=LONGEST_MINUTES_MAX).contains(&longest) {
            return Err(wrong("orders.longest_minutes", longest.to_string(), "1 to 44640 minutes"));
        }
        let reconcile = self.reconcile_seconds.unwrap_or(3);
        if !(1..=60).contains(&reconcile) {
            return Err(wrong("orders.reconcile_seconds", reconcile.to_string(), "1 to 60 seconds"));
        }
        let mut protect = self.protect.resolve()?;
        protect.networks.extend_from_slice(own);
        let devices = self.devices.into_iter().map(WrittenDevice::resolve).collect::<Result<Vec<_>, _>>()?;
        if self.enabled && devices.is_empty() {
            return Err(wrong(
                "orders.device",
                "absent",
                "given at least once: something carries orders out",
            ));
        }
        Ok(Orders {
            enabled: self.enabled,
            verifier,
            asks,
            longest_ms: longest * 60_000,
            allow: self.allow.into_iter().map(WrittenAllowed::resolve).collect::<Result<_, _>>()?,
            protect,
            radius: self.radius.resolve()?,
            shadow: self.shadow.map(WrittenShadow::resolve).transpose()?,
            removes_foreign,
            reconcile_ms: reconcile * 1_000,
            devices,
            mqtt: self.mqtt.map(|written| written.resolve(edge)).transpose()?,
        })
    }

    fn verifier(&self, edge: &str) -> Result<Verifier, ConfigError> {
        let keys = self.hub_keys.iter().map(WrittenKey::resolve).collect::<Result<Vec<_>, _>>()?;
        if self.enabled && keys.is_empty() {
            return Err(wrong("orders.hub_key", "absent", "given at least once: whose orders count"));
        }
        let names: BTreeSet<String> = if self.names.is_empty() {
            [edge.to_owned()].into()
        } else {
            self.names.iter().cloned().collect()
        };
        if names.len() > AUDIENCE_MAX || names.iter().any(String::is_empty) {
            return Err(wrong("orders.names", names.len().to_string(), "1 to 256 names, none of them empty"));
        }
        let authority = match (self.authority.as_deref(), self.authorities.is_empty()) {
            (None | Some("named"), true) => Authority::Named,
            (Some("not-asked"), true) => Authority::NotAsked,
            (None, false) => {
                let wanted = "SHA-256 hashes of 64 hexadecimal digits";
                let is_hash = |text: &&String| hex::decode(text).is_ok_and(|bytes| bytes.len() == 32);
                if let Some(bad) = self.authorities.iter().find(|text| !is_hash(text)) {
                    return Err(wrong("orders.authorities", bad.clone(), wanted));
                }
                Authority::OneOf(self.authorities.iter().cloned().collect())
            }
            (Some(other), _) => {
                let wanted = "`named` or `not-asked`, without `authorities`; or left out beside them";
                return Err(wrong("orders.authority", other, wanted));
            }
        };
        let minutes = self.signature_minutes_max.unwrap_or(60);
        if !(1..=LONGEST_MINUTES_MAX).contains(&minutes) {
            return Err(wrong("orders.signature_minutes_max", minutes.to_string(), "1 to 44640 minutes"));
        }
        Ok(Verifier { names, keys, authority, lifetime_max_ms: minutes * 60_000, skew_ms: SKEW_MS })
    }
}

impl WrittenKey {
    fn resolve(&self) -> Result<TrustedKey, ConfigError> {
        let mut key = [0; 32];
        hex::decode_to_slice(&self.key, &mut key).map_err(|_| {
            wrong("orders.hub_key.key", &*self.key, "an Ed25519 public key, 64 hexadecimal digits")
        })?;
        let time = |text: &Option<String>| {
            text.as_ref()
                .map(|text| {
                    let at = text.parse::<jiff::Timestamp>().ok();
                    at.and_then(|at| u64::try_from(at.as_millisecond()).ok()).map(DateTime).ok_or_else(|| {
                        wrong("orders.hub_key.valid_from", &**text, "a time such as `2027-01-01T00:00:00Z`")
                    })
                })
                .transpose()
        };
        Ok(TrustedKey {
            issuer: self.issuer.clone(),
            key,
            valid_from: time(&self.valid_from)?,
            valid_until: time(&self.valid_until)?,
        })
    }
}

impl WrittenAllowed {
    fn resolve(self) -> Result<Allowed, ConfigError> {
        Ok(Allowed {
            issuers: self.issuers,
            networks: networks("orders.allow.networks", self.networks)?,
            names: names("orders.allow.names", self.names)?,
        })
    }
}

impl WrittenProtected {
    fn resolve(self) -> Result<Protected, ConfigError> {
        let protected = Protected {
            networks: networks("orders.protect.networks", self.networks)?,
            names: names("orders.protect.names", self.names)?,
            files: self.files,
            surroundings: self.surroundings.unwrap_or(true),
        };
        // A file that cannot be read protects nothing: said at the start, not in the hour of need.
        for file in &protected.files {
            let text = read_file(file)?;
            read_networks(&String::from_utf8_lossy(&text))
                .map_err(|cause| ConfigError::Malformed { path: file.clone(), cause })?;
        }
        Ok(protected)
    }
}

impl WrittenRadius {
    fn resolve(self) -> Result<Radius, ConfigError> {
        let radius = Radius {
            ipv4_prefix_min: self.ipv4_prefix_min.unwrap_or(24),
            ipv6_prefix_min: self.ipv6_prefix_min.unwrap_or(64),
            addresses_max: self.addresses_max.unwrap_or(256),
            orders_an_hour_max: self.orders_an_hour_max.unwrap_or(60),
            standing_max: self.standing_max.unwrap_or(1_000),
        };
        if !(8..=32).contains(&radius.ipv4_prefix_min) {
            let value = radius.ipv4_prefix_min.to_string();
            return Err(wrong("orders.radius.ipv4_prefix_min", value, "8 to 32"));
        }
        if !(16..=128).contains(&radius.ipv6_prefix_min) {
            let value = radius.ipv6_prefix_min.to_string();
            return Err(wrong("orders.radius.ipv6_prefix_min", value, "16 to 128"));
        }
        if !(1..=STANDING_MAX).contains(&radius.standing_max) {
            let value = radius.standing_max.to_string();
            return Err(wrong("orders.radius.standing_max", value, "1 to 5000"));
        }
        Ok(radius)
    }
}

impl WrittenShadow {
    fn resolve(self) -> Result<Shadow, ConfigError> {
        if !(1..=3_600).contains(&self.seconds) {
            return Err(wrong("orders.shadow.seconds", self.seconds.to_string(), "1 to 3600 seconds"));
        }
        Ok(Shadow { ms: self.seconds * 1_000, packets_max: self.packets_max })
    }
}

impl WrittenDevice {
    fn resolve(self) -> Result<Device, ConfigError> {
        let unfit = |wanted| Err(wrong("orders.device", self.kind.clone(), wanted));
        let is_called = |argv: &Option<Vec<String>>| {
            argv.as_ref().is_none_or(|argv| argv.first().is_some_and(|program| !program.is_empty()))
        };
        if !is_called(&self.command) || !is_called(&self.reload) {
            return unfit("given with commands as lists: the program and its arguments");
        }
        let files = self.file.is_some() || self.zone.is_some() || self.holds.is_some();
        let is_web = self.url.is_some() || self.secret_file.is_some();
        let others = files || is_web || self.reload.is_some() || self.probe.is_some() || self.set.is_some();
        if self.set.is_some() && self.kind != "suricata" {
            return unfit("given with `set` as `suricata` only");
        }
        if is_web && self.kind != "webhook" {
            return unfit("given with `url` and `secret_file` as a `webhook` only");
        }
        match self.kind.as_str() {
            "nftables" if !others => {
                Ok(Device::Nftables { command: self.command.unwrap_or_else(|| vec!["nft".to_owned()]) })
            }
            "unbound" if !others => {
                let command = self.command.unwrap_or_else(|| vec!["unbound-control".to_owned()]);
                Ok(Device::Unbound { command })
            }
            "nftables" | "unbound" => unfit("given with `command` at most"),
            "rpz" => {
                let (Some(file), None, None) = (self.file, self.command, self.holds) else {
                    return Err(wrong(
                        "orders.device",
                        "rpz",
                        "given with `file`, and with `zone`, `reload` or `probe`",
                    ));
                };
                let zone = self.zone.unwrap_or_else(|| "rpz.yagura".to_owned());
                let zone = name(&zone)
                    .filter(|zone| zone != ".")
                    .ok_or_else(|| wrong("orders.device.zone", zone, "the name of a zone"))?;
                let probe = self
                    .probe
                    .map(|text| {
                        let wanted = "an address and port such as `127.0.0.1:53`";
                        text.parse().map_err(|_| wrong("orders.device.probe", text, wanted))
                    })
                    .transpose()?;
                Ok(Device::Rpz { file, zone, reload: self.reload, probe })
            }
            "webhook" => self.webhook(),
            "suricata" => self.suricata(),
            "list" => {
                let holds = self.holds.as_deref();
                let (Some(file), None, None, None, Some(holds)) =
                    (self.file, self.command, self.zone, self.probe, holds)
                else {
                    return Err(wrong(
                        "orders.device",
                        "list",
                        "given with `file` and `holds`, and with `reload`",
                    ));
                };
                Ok(Device::List { file, names: holds_names(holds)?, reload: self.reload })
            }
            _ => unfit("of the kind `nftables`, `unbound`, `rpz`, `suricata`, `list` or `webhook`"),
        }
    }

    fn suricata(self) -> Result<Device, ConfigError> {
        let (Some(file), None, None, Some(holds)) = (self.file, self.zone, self.probe, self.holds.as_deref())
        else {
            let wanted = "given with `file` and `holds`, and with `reload`, or `set` and `command`";
            return Err(wrong("orders.device", "suricata", wanted));
        };
        let is_name = |set: &String| {
            (1..=63).contains(&set.len())
                && set.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        if let Some(set) = self.set.as_ref().filter(|set| !is_name(set)) {
            return Err(wrong("orders.device.set", set.clone(), "letters, digits, `_` and `-`"));
        }
        if self.set.is_none() && self.command.is_some() {
            return Err(wrong("orders.device", "suricata", "given with `command` beside `set` only"));
        }
        let command = self.command.unwrap_or_else(|| vec!["suricatasc".to_owned()]);
        let set = self.set.map(|set| (set, command));
        Ok(Device::Suricata { file, names: holds_names(holds)?, reload: self.reload, set })
    }

    fn webhook(self) -> Result<Device, ConfigError> {
        let (Some(url), Some(secret), Some(holds)) = (self.url, self.secret_file, self.holds) else {
            return Err(wrong("orders.device", "webhook", "given with `url`, `secret_file` and `holds`"));
        };
        if self.command.is_some() || self.file.is_some() || self.zone.is_some() || self.reload.is_some() {
            return Err(wrong(
                "orders.device",
                "webhook",
                "given with `url`, `secret_file` and `holds` alone",
            ));
        }
        let near = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        let is_near = near.iter().filter_map(|near| url.strip_prefix(near));
        let is_near = is_near.into_iter().any(|rest| rest.is_empty() || rest.starts_with([':', '/']));
        if !is_near && !url.starts_with("https://") {
            return Err(wrong(
                "orders.device.url",
                url,
                "an address `https://…`; `http://` to this machine only",
            ));
        }
        let secret = Secret(super::source::secret("orders.device.secret_file", &secret)?);
        Ok(Device::Webhook { url, secret, names: holds_names(&holds)? })
    }
}

fn holds_names(text: &str) -> Result<bool, ConfigError> {
    match text {
        "addresses" => Ok(false),
        "names" => Ok(true),
        other => Err(wrong("orders.device.holds", other, "`addresses` or `names`")),
    }
}

fn networks(setting: &'static str, texts: Vec<String>) -> Result<Vec<IpNet>, ConfigError> {
    let read =
        |text: String| network(&text).ok_or_else(|| wrong(setting, text, "networks such as `10.0.0.0/8`"));
    texts.into_iter().map(read).collect()
}

fn network(text: &str) -> Option<IpNet> {
    let net = text.parse::<IpNet>().ok();
    net.or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from)).map(|net| net.trunc())
}

/// Networks, one a line; what follows `#` is a remark.
pub(crate) fn read_networks(text: &str) -> Result<Vec<IpNet>, String> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index, line.split_once('#').map_or(line, |(before, _)| before).trim()));
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(index, line)| network(line).ok_or_else(|| format!("line {}: no network", index + 1)))
        .collect()
}

fn names(setting: &'static str, texts: Vec<String>) -> Result<Vec<String>, ConfigError> {
    let read =
        |text: String| name(&text).ok_or_else(|| wrong(setting, text, "domain names in ASCII, or `.`"));
    texts.into_iter().map(read).collect()
}

/// A name in lower case without the dot at its end; `.` is the root.
fn name(text: &str) -> Option<String> {
    if text == "." {
        return Some(".".to_owned());
    }
    let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    openc2::DomainName::parse(&text).map(|name| name.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Orders, String> {
        let written: WrittenOrders = toml::from_str(text).map_err(|e| e.to_string())?;
        written.resolve("edge-1", &["192.0.2.0/24".parse().unwrap()]).map_err(|e| e.to_string())
    }

    const KEY: &str = "[[hub_key]]\nissuer = \"council\"\nkey = \"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a\"\n";

    #[test]
    fn nothing_is_on_without_being_said() {
        let orders = read("").unwrap();
        assert!(!orders.enabled && orders.asks && orders.allow.is_empty() && orders.removes_foreign);
        assert_eq!(orders.verifier.authority, Authority::Named);
        assert_eq!(orders.verifier.names, ["edge-1".to_owned()].into());
        assert_eq!(orders.longest_ms, 3_600_000);
        assert_eq!(orders.protect.networks, ["192.0.2.0/24".parse().unwrap()]);
        assert!(orders.protect.surroundings && orders.mqtt.is_none());
        let mqtt = read("[mqtt]\nurl = \"mqtt://127.0.0.1\"").unwrap().mqtt.unwrap();
        assert_eq!(
            (mqtt.device.as_str(), mqtt.only, mqtt.broker.shown().as_str()),
            ("edge-1", false, "127.0.0.1:1883")
        );
        assert!(read("enabled = true").unwrap_err().contains("orders.hub_key"));
        assert!(read(&format!("enabled = true\n{KEY}")).unwrap_err().contains("orders.device"));
        assert!(read(&format!("enabled = true\n{KEY}[[device]]\nkind = \"nftables\"\n")).is_ok());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, why) in [
            ("consent = \"never\"", "`ask` or `automatic`"),
            ("longest_minutes = 0", "1 to 44640"),
            ("foreign = \"keep\"", "`remove` or `leave`"),
            ("authority = \"none\"", "`named` or `not-asked`"),
            ("authorities = [\"ab\"]", "64 hexadecimal digits"),
            ("[[hub_key]]\nissuer = \"c\"\nkey = \"00\"", "Ed25519"),
            ("[[allow]]\nnetworks = [\"300.1.1.1\"]", "networks such as"),
            ("[[allow]]\nactions = [\"deny\"]", "unknown field `actions`"),
            ("[radius]\nipv4_prefix_min = 4", "8 to 32"),
            ("[shadow]\nseconds = 0\npackets_max = 1", "1 to 3600"),
            ("[protect]\nfiles = [\"/nowhere/at/all\"]", "cannot read"),
            ("[mqtt]\nurl = \"mqtt://broker.example\"", "with TLS only"),
            ("[mqtt]\nurl = \"mqtts://broker.example\"\nkey = \"k\"", "given together"),
            ("[mqtt]\nurl = \"mqtt://127.0.0.1\"\ndevice = \"a/b\"", "without `/`"),
            ("[mqtt]\nurl = \"mqtt://127.0.0.1\"\ntopic = \"a\"", "unknown field `topic`"),
            (
                "[[device]]\nkind = \"iptables\"",
                "`nftables`, `unbound`, `rpz`, `suricata`, `list` or `webhook`",
            ),
            (
                "[[device]]\nkind = \"webhook\"\nurl = \"https://fw.example\"",
                "`url`, `secret_file` and `holds`",
            ),
            (
                "[[device]]\nkind = \"webhook\"\nurl = \"http://fw.example\"\nsecret_file = \"f\"\nholds = \"names\"",
                "to this machine only",
            ),
            ("[[device]]\nkind = \"nftables\"\nfile = \"f\"", "`command` at most"),
            ("[[device]]\nkind = \"unbound\"\ncommand = []", "the program and its arguments"),
            ("[[device]]\nkind = \"rpz\"", "given with `file`"),
            ("[[device]]\nkind = \"suricata\"\nfile = \"f\"", "given with `file` and `holds`"),
            (
                "[[device]]\nkind = \"suricata\"\nfile = \"f\"\nholds = \"names\"\nset = \"a b\"",
                "letters, digits",
            ),
            (
                "[[device]]\nkind = \"list\"\nfile = \"f\"\nholds = \"names\"\nset = \"a\"",
                "as `suricata` only",
            ),
            ("[[device]]\nkind = \"list\"\nfile = \"f\"\nholds = \"urls\"", "`addresses` or `names`"),
            ("[[device]]\nkind = \"rpz\"\nfile = \"f\"\nprobe = \"ns.example\"", "127.0.0.1:53"),
        ] {
            let error = read(text).map(drop).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn files_of_networks_have_remarks() {
        let read = |text| read_networks(text).map(|all| all.len());
        assert_eq!(read("# cloud\n192.0.2.0/24 # one\n\n2001:db8::/32\n198.51.100.7\n"), Ok(3));
        assert_eq!(read("192.0.2.0/24\nexample.org\n"), Err("line 2: no network".to_owned()));
    }
}
