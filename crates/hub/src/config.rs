//! Configuration in two steps: read without judgement ([`RawConfig`]), then resolved once into what the hub needs ([`HubConfig`]).

mod emergency;
mod evidence;
mod federation;
mod mail;
mod mqtt;
mod response;
mod room;
mod tls;
mod webhook;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use oversight::OrganisationId;
use serde::Deserialize;
use store::Place;
use store::blobs::Bucket;
use tlog::{Policy, VerifyingKey};
use url::Url;

pub use emergency::{EmergencyConfig, RawEmergency};
pub use evidence::{EvidenceConfig, RawEvidence};
pub use federation::{FederationConfig, RawFederation};
pub use mail::MailConfig;
pub use mqtt::{MqttConfig, RawMqtt};
pub use response::{AgentConfig, AuthorityConfig, RawAgent, RawResponse, ResponseConfig, SignerConfig};
pub use room::{Quiet, RawRoomCalls, RawRoomHook, RoomCalls};
pub use tls::{ClientAuthority, ClientCertificates, RawTls, TlsFiles};
pub use webhook::SignedWebhook;

use crate::log::Witnesses;
use crate::retention::RetentionConfig;
use crate::wake::WakeConfig;

/// Largest body of objects in bytes where the configuration says nothing: all of ATT&CK Enterprise in one envelope, with room.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most objects in one TAXII page where the configuration says nothing.
pub const PAGE_OBJECTS_MAX: u32 = 1_000;
/// Streams open at once where the configuration says nothing.
pub const STREAMS_MAX: u32 = 5_000;

/// What the hub needs to run.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// The data folder; made at the first start.
    pub data: PathBuf,
    /// The PostgreSQL database that holds the state, for several hubs at once; in the data folder where none is given. The data
    /// folder, one for each hub, keeps keys and what is published of the transparency log.
    pub store: Option<Place>,
    /// The NATS servers by which several hubs on one database wake each other, beside the database's own notifications.
    pub wake: Option<WakeConfig>,
    /// The bucket of an S3 server that holds the log's tiles, in place of the data folder.
    pub blobs: Option<Bucket>,
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The address others reach the hub by, where it is not the one it listens on (a proxy, a name). Sign-in links, passkeys and
    /// the log's origin are made from it.
    pub address: Option<Url>,
    /// The node's name in Japanese.
    pub name_ja: String,
    /// The node's name in English.
    pub name_en: String,
    /// Name of the TAXII API root, one path segment.
    pub api_root: String,
    /// Certificate and key; off loopback, one is made and kept in the data folder where none is given.
    pub tls: Option<TlsFiles>,
    /// Whose certificates clients may show; none: any, for a token that knows its own.
    pub clients: Option<ClientCertificates>,
    /// Speak TLS on loopback as well.
    pub tls_on_loopback: bool,
    /// Whether people may sign in by password.
    pub passwords: bool,
    /// Folder of Cedar policies in place of the built-in ones.
    pub policies: Option<PathBuf>,
    /// How policies are changed; [`HubConfig::changes`] says what holds where it is not said.
    pub policy_changes: Option<PolicyChanges>,
    /// The program that proves what a proposed set can and cannot allow (`yagura-prover`); without it proposals are tried only.
    pub policy_prover: Option<PathBuf>,
    /// Largest body of objects, in bytes (TAXII `max_content_length`).
    pub body_bytes_max: usize,
    /// Most objects in one TAXII page.
    pub page_objects_max: u32,
    /// Streams open at once. One organisation holds at most half of them, one program a quarter, one person a fiftieth.
    pub streams_max: u32,
    /// Whether a version that its originator brings under a freer marking than the one before is shown by it at once, without a second
    /// person of the originator.
    pub freer_versions_at_once: bool,
    /// How mail is sent; without it nobody is told by mail.
    pub mail: Option<MailConfig>,
    /// Whether webhooks may go to private addresses and without TLS: for hubs whose receivers are in their own network.
    pub webhooks_to_private_addresses: bool,
    /// How this hub meets others.
    pub federation: FederationConfig,
    /// The file with the frame that the commission is asked to take into force; without one no state-tasked monitoring can be
    /// authorised.
    pub frame: Option<PathBuf>,
    /// The keys that the commission signs statistics with; without one none can be published.
    pub statistics_keys: Vec<VerifyingKey>,
    /// What the public is told without signing in; nothing where absent.
    pub transparency: Option<TransparencyConfig>,
    /// The witnesses whose quorum cosigns the logs; none: each checkpoint is shown as it is signed.
    pub witnesses: Option<Witnesses>,
    /// How the size of the log of acts is kept from telling how much is done; none: each act makes it longer by one at once.
    pub padding: Option<Padding>,
    /// What is kept for how long and with which keys; without it nothing that is found under authorisations is taken in.
    pub retention: Option<RetentionConfig>,
    /// Folder of regimes of one's own, over those that are shipped: of two files with one name this folder's counts.
    pub regimes: Option<PathBuf>,
    /// What people open for themselves in an emergency.
    pub emergency: EmergencyConfig,
    /// What runs of playbooks may order.
    pub response: ResponseConfig,
    /// The MQTT broker by which orders go to edges as well; none: by the link that edges open alone.
    pub mqtt: Option<MqttConfig>,
    /// Organisations that are called into a case's room once a significant severity is declared there.
    pub room_agencies: Vec<OrganisationId>,
    /// How much evidence is taken in, and how long it is kept.
    pub evidence: EvidenceConfig,
    /// Who is told by mail that it is called into a case's room.
    pub room_calls: RoomCalls,
}

/// How policies are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyChanges {
    /// By whoever writes into the folder.
    Folder,
    /// By a proposal that a second person approves; the folder is only what there was before the first one.
    Proposals,
}

/// What the public is told without signing in.
#[derive(Debug, Clone, Default)]
pub struct TransparencyConfig {
    /// Where questions are answered.
    pub contact: Option<Url>,
}

/// The log of acts grows at set times and by a set number of entries, of which as many as are missing say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    /// By how many entries, or by a multiple of it where there were more acts.
    pub to: u64,
    /// How often.
    pub every: Duration,
}

/// A configuration file as written. Unknown keys are refused, so that a misspelt limit is not silently no limit.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// See [`HubConfig::data`].
    pub data: Option<PathBuf>,
    /// See [`HubConfig::store`].
    pub store: Option<Secret>,
    /// See [`HubConfig::wake`].
    pub wake: Option<Secret>,
    /// See [`HubConfig::blobs`].
    pub blobs: Option<Secret>,
    /// See [`HubConfig::listen`].
    pub listen: Option<String>,
    /// See [`HubConfig::address`].
    pub address: Option<String>,
    /// See [`HubConfig::name_ja`].
    pub name_ja: Option<String>,
    /// See [`HubConfig::name_en`].
    pub name_en: Option<String>,
    /// See [`HubConfig::api_root`].
    pub api_root: Option<String>,
    /// See [`HubConfig::tls`] and [`HubConfig::clients`].
    pub tls: Option<RawTls>,
    /// See [`HubConfig::tls_on_loopback`].
    pub tls_on_loopback: Option<bool>,
    /// See [`HubConfig::passwords`]; `true` where absent.
    pub passwords: Option<bool>,
    /// See [`HubConfig::policies`].
    pub policies: Option<PathBuf>,
    /// `folder` or `proposals` ([`HubConfig::policy_changes`]).
    pub policy_changes: Option<PolicyChanges>,
    /// See [`HubConfig::policy_prover`].
    pub policy_prover: Option<PathBuf>,
    /// See [`HubConfig::body_bytes_max`].
    pub body_bytes_max: Option<usize>,
    /// See [`HubConfig::page_objects_max`].
    pub page_objects_max: Option<u32>,
    /// See [`HubConfig::streams_max`].
    pub streams_max: Option<u32>,
    /// `confirmed`, or `at-once` ([`HubConfig::freer_versions_at_once`]).
    pub freer_versions: Option<String>,
    /// See [`HubConfig::mail`].
    pub mail: Option<MailConfig>,
    /// See [`HubConfig::webhooks_to_private_addresses`].
    pub webhooks_to_private_addresses: Option<bool>,
    /// See [`HubConfig::federation`].
    pub federation: Option<RawFederation>,
    /// See [`RawOversight`].
    pub oversight: Option<RawOversight>,
    /// See [`RawTransparency`].
    pub transparency: Option<RawTransparency>,
    /// See [`RawLog`].
    pub log: Option<RawLog>,
    /// See [`HubConfig::retention`].
    pub retention: Option<RetentionConfig>,
    /// See [`HubConfig::regimes`].
    pub regimes: Option<PathBuf>,
    /// See [`HubConfig::emergency`].
    pub emergency: Option<RawEmergency>,
    /// See [`HubConfig::response`].
    pub response: Option<RawResponse>,
    /// See [`HubConfig::mqtt`].
    pub mqtt: Option<RawMqtt>,
    /// See [`HubConfig::room_agencies`]: short names, at most 16.
    pub room_agencies: Option<Vec<String>>,
    /// See [`HubConfig::evidence`].
    pub evidence: Option<RawEvidence>,
    /// See [`HubConfig::room_calls`].
    pub room_calls: Option<RawRoomCalls>,
}

/// The table `oversight` as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOversight {
    /// See [`HubConfig::frame`].
    pub frame: Option<PathBuf>,
    /// See [`HubConfig::statistics_keys`].
    pub statistics_keys: Option<Vec<String>>,
}

impl RawOversight {
    fn statistics_keys(&self) -> Result<Vec<VerifyingKey>, ConfigError> {
        const KEYS_MAX: usize = 16;
        let keys = self.statistics_keys.as_deref().unwrap_or_default();
        if keys.len() > KEYS_MAX {
            return Err(ConfigError::value(format!("oversight.statistics_keys: at most {KEYS_MAX}")));
        }
        let wrong = |text: &String, why: &dyn std::fmt::Display| {
            ConfigError::value(format!("oversight.statistics_keys: `{text}`: {why}"))
        };
        keys.iter().map(|text| VerifyingKey::parse(text).map_err(|error| wrong(text, &error))).collect()
    }
}

/// The table `transparency` as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTransparency {
    /// Whether the page is there.
    pub page: bool,
    /// See [`TransparencyConfig::contact`].
    pub contact: Option<String>,
}

impl RawTransparency {
    fn resolve(self) -> Result<Option<TransparencyConfig>, ConfigError> {
        let contact = self.contact.as_deref().map(|text| {
            let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http" | "mailto"));
            url.ok_or_else(|| {
                let why = format!("transparency.contact: `{text}` is no address (`https:` or `mailto:`)");
                ConfigError::value(why)
            })
        });
        Ok(Some(TransparencyConfig { contact: contact.transpose()? }).filter(|_| self.page))
    }
}

/// The table `log` as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLog {
    /// A file: the witnesses and their quorum ([`Witnesses::policy`]).
    pub witnesses: Option<PathBuf>,
    /// Hours ([`Witnesses::unwitnessed_max`]); 4 by default.
    pub unwitnessed_hours: Option<u32>,
    /// See [`Padding::to`].
    pub pad_to: Option<u32>,
    /// Seconds ([`Padding::every`]); 60 by default.
    pub pad_every_seconds: Option<u32>,
}

impl RawLog {
    fn witnesses(&self, is_shared: bool) -> Result<Option<Witnesses>, ConfigError> {
        const HOURS: u32 = 4;
        let Some(path) = &self.witnesses else {
            return match self.unwitnessed_hours {
                Some(_) => Err(ConfigError::value("log.unwitnessed_hours: there are no `log.witnesses`")),
                None => Ok(None),
            };
        };
        if is_shared {
            return Err(ConfigError::value(
                "log.witnesses: not possible yet where the state is in a database or the log in a bucket",
            ));
        }
        let hours = self.unwitnessed_hours.unwrap_or(HOURS);
        if hours == 0 {
            return Err(ConfigError::value("log.unwitnessed_hours: at least 1"));
        }
        let unusable = |why: &dyn std::fmt::Display| {
            ConfigError::value(format!("log.witnesses: `{}`: {why}", path.display()))
        };
        let policy = std::fs::read(path).map_err(|cause| unusable(&cause))?;
        let policy = Policy::parse(&policy).map_err(|error| unusable(&error))?;
        if let Some(silent) = policy.witnesses().iter().find(|witness| witness.url.is_none()) {
            return Err(unusable(&format!("the witness `{}` has no address to ask it at", silent.name)));
        }
        Ok(Some(Witnesses { policy, unwitnessed_max: Duration::from_secs(u64::from(hours) * 3600) }))
    }

    fn padding(&self, has_database: bool) -> Result<Option<Padding>, ConfigError> {
        const SECONDS: u32 = 60;
        let Some(to) = self.pad_to else {
            return match self.pad_every_seconds {
                Some(_) => Err(ConfigError::value("log.pad_every_seconds: there is no `log.pad_to`")),
                None => Ok(None),
            };
        };
        if has_database {
            let why = "log.pad_to: not possible yet where several hubs may share a database";
            return Err(ConfigError::value(why));
        }
        let seconds = self.pad_every_seconds.unwrap_or(SECONDS);
        if !(2..=1024).contains(&to) || !(1..=3600).contains(&seconds) {
            let why = "log.pad_to: 2 to 1024 entries, every 1 to 3600 seconds";
            return Err(ConfigError::value(why));
        }
        Ok(Some(Padding { to: u64::from(to), every: Duration::from_secs(u64::from(seconds)) }))
    }
}

/// The configuration cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// A stable code: `config-read`, `config-syntax`, `config-value`.
    pub code: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl ConfigError {
    fn value(message: impl Into<String>) -> Self {
        Self { code: "config-value", message: message.into() }
    }
}

impl HubConfig {
    /// A hub with defaults, in a data folder, at an address.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>, listen: SocketAddr) -> Self {
        Self {
            data: data.into(),
            store: None,
            wake: None,
            blobs: None,
            listen,
            address: None,
            name_ja: "やぐら".to_owned(),
            name_en: "Yagura".to_owned(),
            api_root: "council".to_owned(),
            tls: None,
            clients: None,
            tls_on_loopback: false,
            passwords: true,
            policies: None,
            policy_changes: None,
            policy_prover: None,
            body_bytes_max: BODY_BYTES_MAX,
            page_objects_max: PAGE_OBJECTS_MAX,
            streams_max: STREAMS_MAX,
            federation: FederationConfig::default(),
            frame: None,
            statistics_keys: Vec::new(),
            transparency: None,
            witnesses: None,
            padding: None,
            retention: None,
            regimes: None,
            emergency: EmergencyConfig::default(),
            response: ResponseConfig::default(),
            mqtt: None,
            room_agencies: Vec::new(),
            evidence: EvidenceConfig::default(),
            room_calls: RoomCalls::default(),
            freer_versions_at_once: false,
            mail: None,
            webhooks_to_private_addresses: false,
        }
    }

    /// Where the state is.
    #[must_use]
    pub fn place(&self) -> Place {
        self.store.clone().unwrap_or_else(|| Place::from(&self.data))
    }

    /// How policies are changed. Where nothing is said: by proposals, but for a hub with a folder, where the folder counts as it
    /// did before there were proposals.
    #[must_use]
    pub fn changes(&self) -> PolicyChanges {
        let usual = if self.policies.is_some() { PolicyChanges::Folder } else { PolicyChanges::Proposals };
        self.policy_changes.unwrap_or(usual)
    }

    /// Whether the hub will speak TLS: always off loopback.
    #[must_use]
    pub fn speaks_tls(&self) -> bool {
        self.tls.is_some() || self.tls_on_loopback || !self.listen.ip().is_loopback()
    }
}

impl RawConfig {
    /// Reads a file in TOML.
    ///
    /// # Errors
    /// `config-read` where the file cannot be read, `config-syntax` where it is no TOML or holds a key that is not known.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError {
            code: "config-read",
            message: format!("`{}` cannot be read: {e}", path.display()),
        })?;
        toml::from_str(&text).map_err(|e| ConfigError {
            code: "config-syntax",
            message: format!("`{}`: {}", path.display(), e.to_string().trim_end()),
        })
    }

    /// Turns what was written into what the hub needs.
    ///
    /// # Errors
    /// `config-value` for a value that cannot be used.
    pub fn resolve(self) -> Result<HubConfig, ConfigError> {
        let listen = self.listen.as_deref().unwrap_or("127.0.0.1:8440");
        let listen = listen.parse().map_err(|_| {
            ConfigError::value(format!(
                "listen: `{listen}` is not an address and port such as `127.0.0.1:8440`"
            ))
        })?;
        let has_database = self.store.is_some();
        let is_shared = has_database || self.blobs.is_some();
        let log = self.log.clone().unwrap_or_default();
        let oversight = self.oversight.unwrap_or_default();
        let (tls, clients) = self.tls.unwrap_or_default().resolve()?;
        let private = self.webhooks_to_private_addresses.unwrap_or(false);
        let emergency = self.emergency.unwrap_or_default();
        let response = self.response.unwrap_or_default().resolve()?;
        let defaults = HubConfig::new(self.data.unwrap_or_else(|| PathBuf::from("yagura-data")), listen);
        let resolved = HubConfig {
            wake: wake(self.wake.as_ref(), self.store.is_some())?,
            blobs: self.blobs.as_ref().map(bucket).transpose()?,
            store: self.store.map(|Secret(address)| database(&address)).transpose()?,
            address: self.address.as_deref().map(public_address).transpose()?,
            name_ja: self.name_ja.unwrap_or(defaults.name_ja),
            name_en: self.name_en.unwrap_or(defaults.name_en),
            api_root: api_root(self.api_root.unwrap_or(defaults.api_root))?,
            tls,
            clients,
            tls_on_loopback: self.tls_on_loopback.unwrap_or(false),
            passwords: self.passwords.unwrap_or(true),
            policies: self.policies,
            policy_changes: self.policy_changes,
            policy_prover: self.policy_prover,
            body_bytes_max: at_least(
                "body_bytes_max",
                self.body_bytes_max.unwrap_or(BODY_BYTES_MAX),
                64 * 1024,
            )?,
            page_objects_max: at_least(
                "page_objects_max",
                self.page_objects_max.unwrap_or(PAGE_OBJECTS_MAX),
                1,
            )?,
            streams_max: at_least("streams_max", self.streams_max.unwrap_or(STREAMS_MAX), 4)?,
            federation: self.federation.unwrap_or_default().resolve()?,
            statistics_keys: oversight.statistics_keys()?,
            frame: oversight.frame,
            transparency: self.transparency.map(RawTransparency::resolve).transpose()?.flatten(),
            witnesses: log.witnesses(is_shared)?,
            padding: log.padding(has_database)?,
            evidence: self.evidence.unwrap_or_default().resolve(self.retention.as_ref())?,
            retention: self.retention.map(retention).transpose()?,
            regimes: self.regimes,
            freer_versions_at_once: freer_versions(self.freer_versions.as_deref())?,
            emergency: emergency.resolve(self.mail.as_ref(), private)?,
            mqtt: mqtt::resolve(self.mqtt, &response.agents)?,
            response,
            room_agencies: room::agencies(&self.room_agencies.unwrap_or_default())?,
            room_calls: self.room_calls.unwrap_or_default().resolve(self.mail.as_ref(), private)?,
            mail: self.mail.map(MailConfig::checked).transpose()?,
            webhooks_to_private_addresses: private,
            ..HubConfig::new(defaults.data, listen)
        };
        if resolved.clients.is_some() && !resolved.speaks_tls() {
            return Err(ConfigError::value(
                "tls.client_ca: this hub speaks no TLS; set `tls.certificate` and `tls.key`, or `tls_on_loopback`",
            ));
        }
        Ok(resolved)
    }
}

fn retention(retention: RetentionConfig) -> Result<RetentionConfig, ConfigError> {
    if retention.classes.iter().next().is_none() {
        return Err(ConfigError::value("retention.classes: name at least one class"));
    }
    Ok(retention)
}

fn freer_versions(word: Option<&str>) -> Result<bool, ConfigError> {
    match word {
        None | Some("confirmed") => Ok(false),
        Some("at-once") => Ok(true),
        Some(other) => {
            Err(ConfigError::value(format!("freer_versions: `{other}` is not `confirmed` or `at-once`")))
        }
    }
}

/// What must not be shown because a password may be in it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

fn database(address: &str) -> Result<Place, ConfigError> {
    match Place::parse(address) {
        place @ Place::Postgres(_) => Ok(place),
        Place::Folder(_) => Err(ConfigError::value(
            "store: not of the form `postgres://user@host/database`; leave it out to keep the state in `data`",
        )),
    }
}

fn wake(address: Option<&Secret>, has_database: bool) -> Result<Option<WakeConfig>, ConfigError> {
    let Some(Secret(address)) = address else { return Ok(None) };
    if !has_database {
        return Err(ConfigError::value(
            "wake: only hubs that share a database wake each other; set `store`, too, or remove `wake`",
        ));
    }
    WakeConfig::parse(address).map(Some).map_err(|why| ConfigError::value(format!("wake: {why}")))
}

fn bucket(Secret(address): &Secret) -> Result<Bucket, ConfigError> {
    Bucket::parse(address).map_err(|why| ConfigError::value(format!("blobs: {why}")))
}

fn public_address(text: &str) -> Result<Url, ConfigError> {
    let url =
        Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    let url = url.filter(|url| url.path() == "/" && url.query().is_none() && url.username().is_empty());
    url.ok_or_else(|| {
        ConfigError::value(format!("address: `{text}` is not of the form `https://hub.example.jp`"))
    })
}

/// Names that the hub itself needs cannot be an API root.
fn api_root(name: String) -> Result<String, ConfigError> {
    const TAKEN: [&str; 18] = [
        "attributes",
        "events",
        "objects",
        "servers",
        "sightings",
        "tags",
        "users",
        "taxii2",
        "api",
        "edge",
        "log",
        "healthz",
        "readyz",
        "metrics",
        "assets",
        "sign-in",
        "cases",
        "transparency",
    ];
    let legal = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !TAKEN.contains(&name.as_str());
    if legal {
        return Ok(name);
    }
    let taken = TAKEN.join("`, `");
    Err(ConfigError::value(format!("api_root: `{name}` is not 1–64 of `a–z 0–9 -`, or is one of `{taken}`")))
}

fn at_least<T: PartialOrd + Copy + std::fmt::Display>(
    name: &str,
    value: T,
    least: T,
) -> Result<T, ConfigError> {
    if value >= least {
        Ok(value)
    } else {
        Err(ConfigError::value(format!("{name}: {value} is less than {least}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let raw: Result<RawConfig, _> = toml::from_str(text);
        let found = match raw {
            Err(error) => error.message().to_owned(),
            Ok(raw) => raw.resolve().map_or_else(
                |e| e.message,
                |c| format!("{} {} tls {}", c.listen, c.api_root, c.speaks_tls()),
            ),
        };
        assert!(found.starts_with(expected), "`{text}` gave `{found}`");
    }

    #[test]
    fn unknown_keys_are_refused() {
        check("bodybytes = 3", "unknown field `bodybytes`");
    }

    #[test]
    fn defaults_listen_on_loopback_without_tls() {
        check("", "127.0.0.1:8440 council tls false");
    }

    #[test]
    fn off_loopback_there_is_always_tls() {
        check("listen = '0.0.0.0:8440'\ntls_on_loopback = false", "0.0.0.0:8440 council tls true");
    }

    #[test]
    fn a_database_is_a_server_and_its_password_is_not_shown() {
        check("store = '/var/lib'", "store: not of the form");
        let raw: RawConfig = toml::from_str("store = 'postgres://u:hunter2@db/yagura'").unwrap();
        assert!(!format!("{raw:?}").contains("hunter2"));
        let config = raw.resolve().unwrap();
        assert_eq!(config.place().to_string(), "postgres://db/yagura");
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    /// Before anything is made: a first start shows its sign-in link once.
    #[test]
    fn witnesses_are_judged_when_resolved() {
        let folder = tempfile::tempdir().unwrap();
        let key = tlog::CosigningKey::from_seed("w.example/w", tlog::CosignatureKind::MlDsa44, &[1; 32]);
        let key = key.unwrap().cosigner_key().encode();
        let with = |policy: &str, more: &str| {
            let path = folder.path().join("policy");
            std::fs::write(&path, policy).unwrap();
            format!("{more}[log]\nwitnesses = {path:?}\n")
        };
        let good = format!("witness w {key} http://127.0.0.1:9/\nquorum w\n");
        check(&with(&good, ""), "127.0.0.1:8440");
        let wrong = |text: String, expected: &str| {
            let error = toml::from_str::<RawConfig>(&text).unwrap().resolve().unwrap_err().message;
            assert!(error.contains(expected), "{error}");
        };
        wrong(with("quorum w\n", ""), "line 1");
        wrong(with(&good.replace(" http://127.0.0.1:9/", ""), ""), "the witness `w` has no address");
        wrong(with(&good, "store = 'postgres://u@db/yagura'\n"), "not possible yet");
        wrong(with(&good, "") + "unwitnessed_hours = 0\n", "at least 1");
        wrong("[log]\nwitnesses = '/absent'\n".to_owned(), "log.witnesses: `/absent`");
        wrong("[log]\nunwitnessed_hours = 4\n".to_owned(), "there are no `log.witnesses`");
    }

    #[test]
    fn padding_is_judged_when_resolved() {
        let padded: RawConfig = toml::from_str("[log]\npad_to = 16").unwrap();
        let expected = Padding { to: 16, every: Duration::from_secs(60) };
        assert_eq!(padded.resolve().unwrap().padding, Some(expected));
        check("[log]\npad_to = 1", "log.pad_to: 2 to 1024");
        check("[log]\npad_to = 2\npad_every_seconds = 0", "log.pad_to: 2 to 1024 entries, every 1 to 3600");
        check("[log]\npad_every_seconds = 60", "log.pad_every_seconds: there is no `log.pad_to`");
        check("store = 'postgres://u@db/yagura'\n[log]\npad_to = 16", "log.pad_to: not possible yet");
    }

    #[test]
    fn values_are_judged_when_resolved() {
        check("listen = 'here'", "listen: `here` is not an address");
        check("api_root = 'api'", "api_root: `api` is not");
        check("address = 'hub.example.jp'", "address: `hub.example.jp` is not");
        check("freer_versions = 'always'", "freer_versions: `always` is not `confirmed`");
        check("streams_max = 3", "streams_max: 3 is less than 4");
        check("page_objects_max = 0", "page_objects_max: 0 is less than 1");
        check("blobs = 'http://bucket'", "blobs: not of the form");
        check("wake = 'nats://127.0.0.1'", "wake: only hubs that share a database");
        check("store = 'postgres:///y'\nwake = 'http://a'", "wake: not of the form");
        check("[oversight]\nstatistics_keys = ['x']", "oversight.statistics_keys: `x`: a verifier key");
        check(
            "[transparency]\npage = true\ncontact = 'javascript:x'",
            "transparency.contact: `javascript:x`",
        );
        check("[tls]\ncertificate = 'c'", "tls: `certificate` and `key` are given together");
        check("[tls]\nclient_certificates = 'demanded'", "tls.client_ca: say whose");
        check("[tls]\nclient_ca = 'own'", "tls.client_ca: this hub speaks no TLS");
        check("tls_on_loopback = true\n[tls]\nclient_ca = 'own'", "127.0.0.1:8440 council tls true");
        check("[tls]\nclient_ca = 'own'\nclient_crl = 'x'", "tls.client_crl: the node knows itself");
        check("[tls]\nclient_ca = 'x'\nclient_certificates = 'y'", "tls.client_certificates: `y` is not");
        check("[transparency]\ncontact = 'https://a.jp/'", "missing field `page`");
        check("[federation]\nlisten = 'x'", "federation.listen: `x` is not an address");
        check("[federation]\ndirection = 'down'", "federation.direction: `down` is not");
        check("[federation]\nlisten = '127.0.0.1:1'\ndirection = 'up'", "federation: a hub with `direction");
        check("[federation]\naddress = 'https://h:1'", "federation.address: nothing listens there");
        check(
            "[federation]\nlisten = '127.0.0.1:1'\naddress = 'http://h'",
            "federation.address: `http://h` is not",
        );
        check("mail = { server = 'm', from = 'x', domains = ['a.jp'] }", "mail.from: `x` is no address");
        check("mail = { server = 'm', from = 'x@a.jp', domains = [] }", "mail.domains: name the domains");
        check("emergency = { webhook = 'https://a.jp/' }", "emergency.webhook: it goes with");
        check("[evidence]\nitem_bytes_max = 0", "evidence.item_bytes_max: from 1 to");
        check("[evidence]\nclass = 'e'", "evidence.class: `e` is none of `retention.classes`");
        check("emergency = { minutes_max = 241 }", "emergency.minutes_max: from 1 to 240");
        check(
            "emergency = { mail = ['x@a.jp'] }",
            "emergency.mail: `x@a.jp` is no address in `mail.domains`",
        );
        check("room_calls = { minutes = 0 }", "room_calls.minutes: from 1 to 240");
        check("room_calls = { quiet = '22:00' }", "room_calls.quiet: it is written as");
        check("room_calls = { mail = { police = [] } }", "room_calls.mail: `police` has 1 to 8");
        check("room_calls = { mail = { police = ['x@a.jp'] } }", "room_calls.mail: `x@a.jp` is no address");
        check("[room_calls.webhooks.police]", "room_calls.webhooks.police: name `webhook` and");
        check("[room_calls.webhooks.'P!']", "room_calls.webhooks: `P!` is no organisation's short name");
        check(
            "[room_calls.webhooks.police]\nwebhook = 'http://a.jp/'\nwebhook_secret_file = 'x'",
            "room_calls.webhooks.police.webhook: it must begin with `https://`",
        );
    }
}
