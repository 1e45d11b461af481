//! Topics of Kafka, as the file says them.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{secret, value};
use crate::config::ConfigError;

/// How long a member may be silent before its partitions go to another edge of the group.
const SESSION_SECONDS: u64 = 45;
/// Topics of one source.
const TOPICS_MAX: usize = 100;
/// The longest name that Kafka gives to a topic.
const TOPIC_CHARACTERS_MAX: usize = 249;

/// A member of a consumer group.
#[derive(Clone)]
pub struct Kafka {
    /// Where, as `host:port`; the cluster tells the other brokers.
    pub servers: Vec<String>,
    /// How brokers are spoken to by TLS; `None`: in the open, on this machine only.
    pub tls: Option<KafkaTls>,
    /// Who signs in.
    pub sasl: Option<Sasl>,
    /// What is read.
    pub topics: Vec<String>,
    /// The group's name, the same at each edge of the group.
    pub group: String,
    /// What sightings' identifiers are made with, the same at each edge of the group.
    pub group_key: [u8; 32],
    /// A name of this edge alone, by which it keeps its partitions over a restart.
    pub member: Option<String>,
    /// Where a group begins that has never read.
    pub start: Start,
    /// How long a member may be silent before its partitions go to another edge.
    pub session: Duration,
}

/// Files in PEM.
#[derive(Debug, Clone)]
pub struct KafkaTls {
    /// What the brokers' certificates lead back to, in place of the system's authorities.
    pub roots: Option<PathBuf>,
    /// The edge's own certificate and key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// How an edge signs in at brokers.
#[derive(Debug, Clone)]
pub struct Sasl {
    /// By which mechanism.
    pub mechanism: Mechanism,
    /// As whom.
    pub user: String,
    /// The file with the password, read at each connection.
    pub password: PathBuf,
}

/// Mechanisms of SASL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// RFC 7677.
    ScramSha256,
    /// The same with SHA-512.
    ScramSha512,
}

/// Where a group begins that has never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With everything that the topics hold.
    Earliest,
    /// With what comes from then on.
    Latest,
}

impl std::fmt::Debug for Kafka {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is a secret.
        f.debug_struct("Kafka")
            .field("topics", &self.topics)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenKafka {
    servers: Vec<String>,
    #[serde(default)]
    tls: bool,
    certificate: Option<PathBuf>,
    client: Option<WrittenIdentity>,
    sasl: Option<WrittenSasl>,
    topics: Vec<String>,
    group: String,
    group_key_file: PathBuf,
    member: Option<String>,
    start: Option<String>,
    session_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenIdentity {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSasl {
    mechanism: String,
    user: String,
    password_file: PathBuf,
}

impl WrittenKafka {
    pub(super) fn resolve(self) -> Result<Kafka, ConfigError> {
        let mut by_tls = self.tls || self.certificate.is_some() || self.client.is_some();
        for server in &self.servers {
            by_tls |= !is_near(host_of(server)?);
        }
        if self.servers.is_empty() {
            return Err(value("source.servers", "empty", "at least one address"));
        }
        let is_topic = |name: &String| {
            let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            (1..=TOPIC_CHARACTERS_MAX).contains(&name.len()) && name.chars().all(letters)
        };
        if !(1..=TOPICS_MAX).contains(&self.topics.len()) || !self.topics.iter().all(is_topic) {
            let wanted = "1 to 100 names of topics: letters, digits, `.`, `_`, `-`";
            return Err(value("source.topics", self.topics.join(", "), wanted));
        }
        if self.group.is_empty() {
            return Err(value("source.group", "empty", "the name of the group"));
        }
        let session = self.session_seconds.unwrap_or(SESSION_SECONDS);
        if !(6..=1800).contains(&session) {
            return Err(value("source.session_seconds", session.to_string(), "6 to 1800"));
        }
        let identity = self.client.map(|client| (client.certificate, client.key));
        Ok(Kafka {
            servers: self.servers,
            tls: by_tls.then_some(KafkaTls { roots: self.certificate, identity }),
            sasl: self.sasl.map(WrittenSasl::resolve).transpose()?,
            topics: self.topics,
            group: self.group,
            group_key: secret("source.group_key_file", &self.group_key_file)?,
            member: self.member.filter(|name| !name.is_empty()),
            start: start(self.start.as_deref())?,
            session: Duration::from_secs(session),
        })
    }
}

impl WrittenSasl {
    fn resolve(self) -> Result<Sasl, ConfigError> {
        let mechanism = match self.mechanism.as_str() {
            "plain" => Mechanism::Plain,
            "scram-sha-256" => Mechanism::ScramSha256,
            "scram-sha-512" => Mechanism::ScramSha512,
            other => {
                let wanted = "`scram-sha-512`, `scram-sha-256` or `plain`";
                return Err(value("source.sasl.mechanism", other, wanted));
            }
        };
        Ok(Sasl { mechanism, user: self.user, password: self.password_file })
    }
}

fn start(written: Option<&str>) -> Result<Start, ConfigError> {
    match written.unwrap_or("earliest") {
        "earliest" => Ok(Start::Earliest),
        "latest" => Ok(Start::Latest),
        other => Err(value("source.start", other, "`earliest` or `latest`")),
    }
}

fn host_of(server: &str) -> Result<&str, ConfigError> {
    let wrong = || {
        let wanted = "addresses such as `kafka1.example.jp:9093`, without a scheme, user and password";
        value("source.servers", server.rsplit('@').next().unwrap_or_default(), wanted)
    };
    let (host, port) = server.rsplit_once(':').ok_or_else(wrong)?;
    port.parse::<u16>().map_err(|_| wrong())?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_host = !host.is_empty() && !host.contains(['/', '@', ',', ' ']);
    is_host.then_some(host).ok_or_else(wrong)
}

/// Whether a host is this machine.
pub(crate) fn is_near(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
