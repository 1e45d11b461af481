//! Where telemetry comes from: files, and what is pushed or fetched.

mod kafka;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_nats::ServerAddr;
use ipnet::IpNet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use telemetry::{Binary, Columns, Format, Reader};

use super::ConfigError;
use super::tls::{self, WrittenTls};

use kafka::WrittenKafka;
pub(crate) use kafka::is_near;
pub use kafka::{Kafka, KafkaTls, Mechanism, Sasl, Start};

/// Bytes that may wait on disk for one source, unless the configuration says otherwise.
const QUEUE_BYTES_MAX: u64 = 1 << 30;
/// Less would be full with one body.
const QUEUE_BYTES_MIN: u64 = 1 << 20;
/// The shortest secret that is taken for one.
const SECRET_BYTES_MIN: usize = 16;
/// How long a message may be worked on before it is given to another edge of the group.
const ACK_WAIT_SECONDS: u64 = 30;

/// One log source.
#[derive(Debug, Clone)]
pub struct Source {
    /// What the operator calls it; the only thing of it that the hub learns.
    pub name: String,
    /// Where its records come from.
    pub origin: Origin,
    /// The format; `None` detects it.
    pub format: Option<Format>,
    /// What the columns of [`Format::Csv`] mean; `None`: what their names commonly do.
    pub columns: Option<Arc<Columns>>,
}

/// Where records come from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// A path or a glob.
    Files(String),
    /// Standard input.
    StandardInput,
    /// Bodies that others send.
    Http(HttpPush),
    /// Messages of syslog.
    Syslog(Syslog),
    /// Datagrams of NetFlow and IPFIX.
    Netflow(Netflow),
    /// Streams of dnstap.
    Dnstap(Dnstap),
    /// A stream of JetStream, shared with other edges.
    Nats(Nats),
    /// Topics of Kafka, shared with other edges.
    Kafka(Kafka),
}

/// A door for bodies.
#[derive(Debug, Clone)]
pub struct HttpPush {
    /// Where it listens.
    pub listen: SocketAddr,
    /// SHA-256 of the token that senders bear.
    pub token: [u8; 32],
    /// Off loopback always.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Bytes that may wait to be matched.
    pub queue_bytes_max: u64,
}

/// A door for messages of syslog.
#[derive(Debug, Clone)]
pub struct Syslog {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How messages come.
    pub transport: Transport,
    /// Who may send; empty: whoever reaches it.
    pub allow: Vec<IpNet>,
    /// Bytes that may wait to be matched.
    pub queue_bytes_max: u64,
}

/// How messages of syslog come.
#[derive(Debug, Clone)]
pub enum Transport {
    /// RFC 5426: one a datagram.
    Udp,
    /// RFC 6587.
    Tcp,
    /// RFC 5425.
    Tls(Arc<rustls::ServerConfig>),
}

/// A door for flows.
#[derive(Debug, Clone)]
pub struct Netflow {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who may send; empty: whoever reaches it.
    pub allow: Vec<IpNet>,
    /// Bytes that may wait to be matched.
    pub queue_bytes_max: u64,
}

/// A door for streams of dnstap.
#[derive(Debug, Clone)]
pub struct Dnstap {
    /// Where it listens.
    pub listen: Place,
    /// Who may send over TCP; empty: whoever reaches it.
    pub allow: Vec<IpNet>,
    /// Bytes that may wait to be matched.
    pub queue_bytes_max: u64,
}

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A socket of the file system.
    Unix(PathBuf),
    /// TCP.
    Tcp(SocketAddr),
}

/// A consumer of a stream.
#[derive(Clone)]
pub struct Nats {
    /// Where.
    pub servers: Vec<ServerAddr>,
    /// A file with a JWT and a seed, as `nsc` writes it.
    pub credentials: Option<PathBuf>,
    /// What the servers' certificates lead back to, in place of the public authorities.
    pub roots: Option<PathBuf>,
    /// Whether the connection is always by TLS.
    pub tls: bool,
    /// The stream.
    pub stream: String,
    /// The subjects of it that are read; `None`: all.
    pub subject: Option<String>,
    /// The consumer's name, the same at each edge of the group.
    pub consumer: String,
    /// What sightings' identifiers are made with, the same at each edge of the group.
    pub group_key: [u8; 32],
    /// How long a message may be worked on before it is given to another edge.
    pub ack_wait: Duration,
}

impl std::fmt::Debug for Nats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is a secret, and so may be what stands in an address.
        f.debug_struct("Nats")
            .field("stream", &self.stream)
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// What its records are called, as far as the configuration tells.
    pub(crate) fn format_name(&self) -> &'static str {
        match (&self.origin, self.format) {
            (Origin::Netflow(_), _) => Binary::Netflow.name(),
            (Origin::Dnstap(_), _) => Binary::Dnstap.name(),
            (_, format) => format.map_or("auto", Format::name),
        }
    }

    /// A reader for one of the source's files.
    pub(crate) fn reader(&self) -> Reader {
        match (&self.columns, self.format) {
            (Some(columns), _) => Reader::csv(Arc::clone(columns)),
            (None, Some(format)) => Reader::new(format),
            (None, None) => Reader::auto(),
        }
    }
}

/// A section of the file: what every kind has, and the rest of its kind.
#[derive(Deserialize)]
pub(super) struct WrittenSource {
    name: String,
    kind: Option<String>,
    format: Option<String>,
    columns: Option<PathBuf>,
    #[serde(flatten)]
    rest: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFiles {
    path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHttp {
    listen: String,
    token_file: PathBuf,
    tls: Option<WrittenTls>,
    queue_bytes_max: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSyslog {
    listen: String,
    transport: String,
    #[serde(default)]
    allow: Vec<String>,
    tls: Option<WrittenTls>,
    queue_bytes_max: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBinary {
    listen: String,
    #[serde(default)]
    allow: Vec<String>,
    queue_bytes_max: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenNats {
    servers: Vec<String>,
    credentials: Option<PathBuf>,
    certificate: Option<PathBuf>,
    stream: String,
    subject: Option<String>,
    consumer: String,
    group_key_file: PathBuf,
    ack_wait_seconds: Option<u64>,
}

impl WrittenSource {
    pub(super) fn resolve(self) -> Result<Source, ConfigError> {
        let format = self.format.as_deref().map_or(Ok(None), read_format)?;
        let columns = self.columns.map(|path| read_columns(&path)).transpose()?;
        if columns.is_some() && format != Some(Format::Csv) {
            return Err(value("source.columns", "given", "given only with `format = \"csv\"`"));
        }
        let (name, rest) = (self.name, self.rest);
        let origin = match self.kind.as_deref().unwrap_or("file") {
            "file" => files(read::<WrittenFiles>(&name, rest)?),
            "http" => Origin::Http(read::<WrittenHttp>(&name, rest)?.resolve()?),
            "syslog" => Origin::Syslog(read::<WrittenSyslog>(&name, rest)?.resolve()?),
            "netflow" => Origin::Netflow(read::<WrittenBinary>(&name, rest)?.netflow()?),
            "dnstap" => Origin::Dnstap(read::<WrittenBinary>(&name, rest)?.dnstap()?),
            "nats" => Origin::Nats(read::<WrittenNats>(&name, rest)?.resolve()?),
            "kafka" => Origin::Kafka(read::<WrittenKafka>(&name, rest)?.resolve()?),
            other => {
                let wanted = "`file`, `http`, `syslog`, `netflow`, `dnstap`, `nats` or `kafka`";
                return Err(value("source.kind", other, wanted));
            }
        };
        let of_kind = match &origin {
            Origin::Netflow(_) => Some(Binary::Netflow),
            Origin::Dnstap(_) => Some(Binary::Dnstap),
            _ => None,
        };
        if of_kind.is_some() && self.format.is_some() {
            return Err(value("source.format", "given", "left out: what this kind of source reads is known"));
        }
        let format = format.or(of_kind.map(Binary::lines));
        Ok(Source { name, origin, format, columns: columns.map(Arc::new) })
    }
}

/// What only this kind has; a key of another kind is told by its name.
fn read<T: DeserializeOwned>(name: &str, rest: toml::Table) -> Result<T, ConfigError> {
    rest.try_into().map_err(|cause: toml::de::Error| ConfigError::Source {
        name: name.to_owned(),
        cause: cause.message().to_owned(),
    })
}

fn files(written: WrittenFiles) -> Origin {
    if written.path == "-" { Origin::StandardInput } else { Origin::Files(written.path) }
}

impl WrittenHttp {
    fn resolve(self) -> Result<HttpPush, ConfigError> {
        let listen = address(&self.listen)?;
        let tls = self.tls.as_ref().map(tls::server).transpose()?;
        if tls.is_none() && !listen.ip().is_loopback() {
            return Err(value(
                "source.listen",
                self.listen,
                "a loopback address, or `tls` given: a token would be read on the way",
            ));
        }
        let token = secret("source.token_file", &self.token_file)?;
        Ok(HttpPush { listen, token, tls, queue_bytes_max: queue(self.queue_bytes_max)? })
    }
}

impl WrittenSyslog {
    fn resolve(self) -> Result<Syslog, ConfigError> {
        let listen = address(&self.listen)?;
        let allow = self.allow.into_iter().map(network).collect::<Result<Vec<_>, _>>()?;
        let knows_senders = self.tls.as_ref().is_some_and(WrittenTls::asks_clients) || !allow.is_empty();
        let transport = match (self.transport.as_str(), &self.tls) {
            ("udp", None) => Transport::Udp,
            ("tcp", None) => Transport::Tcp,
            ("tls", Some(files)) => Transport::Tls(tls::server(files)?),
            ("tls", None) => return Err(value("source.tls", "absent", "given with `transport = \"tls\"`")),
            ("udp" | "tcp", Some(_)) => {
                return Err(value("source.tls", "given", "given only with `transport = \"tls\"`"));
            }
            (other, _) => return Err(value("source.transport", other, "`udp`, `tcp` or `tls`")),
        };
        if !knows_senders && !listen.ip().is_loopback() {
            let wanted = "a loopback address, or the senders named: their networks as `allow`, or the authority of their \
                          certificates as `tls.client_ca`";
            return Err(value("source.listen", self.listen, wanted));
        }
        Ok(Syslog { listen, transport, allow, queue_bytes_max: queue(self.queue_bytes_max)? })
    }
}

impl WrittenBinary {
    fn netflow(self) -> Result<Netflow, ConfigError> {
        let listen = address(&self.listen)?;
        let allow = allowed(&self.listen, listen, self.allow)?;
        Ok(Netflow { listen, allow, queue_bytes_max: queue(self.queue_bytes_max)? })
    }

    fn dnstap(self) -> Result<Dnstap, ConfigError> {
        let queue_bytes_max = queue(self.queue_bytes_max)?;
        if self.listen.starts_with('/') {
            if !self.allow.is_empty() {
                let wanted = "given only with an address; the folder of a socket says who may write to it";
                return Err(value("source.allow", "given", wanted));
            }
            return Ok(Dnstap {
                listen: Place::Unix(self.listen.into()),
                allow: Vec::new(),
                queue_bytes_max,
            });
        }
        let listen = address(&self.listen)?;
        let allow = allowed(&self.listen, listen, self.allow)?;
        Ok(Dnstap { listen: Place::Tcp(listen), allow, queue_bytes_max })
    }
}

/// Who may send; off loopback somebody has to be named.
fn allowed(written: &str, listen: SocketAddr, allow: Vec<String>) -> Result<Vec<IpNet>, ConfigError> {
    let allow = allow.into_iter().map(network).collect::<Result<Vec<_>, _>>()?;
    if allow.is_empty() && !listen.ip().is_loopback() {
        let wanted = "a loopback address, or the senders' networks named as `allow`";
        return Err(value("source.listen", written, wanted));
    }
    Ok(allow)
}

impl WrittenNats {
    fn resolve(self) -> Result<Nats, ConfigError> {
        let mut tls = self.certificate.is_some();
        let mut servers = Vec::with_capacity(self.servers.len());
        for text in self.servers {
            let wrong = "addresses such as `nats://127.0.0.1:4222` or `tls://nats.example:4222`, without user and password";
            // What stands in an address may sign somebody in, so it is not told.
            let server: ServerAddr =
                text.parse().map_err(|_| value("source.servers", "no address", wrong))?;
            if server.username().is_some() || !(text.starts_with("nats://") || text.starts_with("tls://")) {
                return Err(value("source.servers", "something else", wrong));
            }
            tls |= !is_near(server.host()) || text.starts_with("tls://");
            servers.push(server);
        }
        if servers.is_empty() {
            return Err(value("source.servers", "empty", "at least one address"));
        }
        let is_name = |name: &str| !name.is_empty() && !name.contains(['.', '*', '>', '/', '\\', ' ', '\t']);
        for (setting, name) in [("source.stream", &self.stream), ("source.consumer", &self.consumer)] {
            if !is_name(name) {
                return Err(value(
                    setting,
                    name,
                    "a name without spaces and without `.`, `*`, `>`, `/` or `\\`",
                ));
            }
        }
        let ack_wait = self.ack_wait_seconds.unwrap_or(ACK_WAIT_SECONDS);
        if !(1..=3600).contains(&ack_wait) {
            return Err(value("source.ack_wait_seconds", ack_wait.to_string(), "1 to 3600"));
        }
        Ok(Nats {
            servers,
            credentials: self.credentials,
            roots: self.certificate,
            tls,
            stream: self.stream,
            subject: self.subject,
            consumer: self.consumer,
            group_key: secret("source.group_key_file", &self.group_key_file)?,
            ack_wait: Duration::from_secs(ack_wait),
        })
    }
}

fn value(name: &'static str, value: impl Into<String>, wanted: &'static str) -> ConfigError {
    ConfigError::Value { name, value: value.into(), wanted }
}

fn address(text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| value("source.listen", text, "an address and port, e.g. `127.0.0.1:8442`"))
}

fn network(text: String) -> Result<IpNet, ConfigError> {
    let read = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    read.map_err(|_| value("source.allow", text, "networks or addresses such as `10.0.0.0/8`"))
}

fn queue(written: Option<u64>) -> Result<u64, ConfigError> {
    let bytes = written.unwrap_or(QUEUE_BYTES_MAX);
    let wrong = || value("source.queue_bytes_max", bytes.to_string(), "at least 1048576");
    (bytes >= QUEUE_BYTES_MIN).then_some(bytes).ok_or_else(wrong)
}

/// SHA-256 of the secret in a file.
pub(super) fn secret(name: &'static str, path: &Path) -> Result<[u8; 32], ConfigError> {
    let text = super::read_file(path)?;
    let secret = text.trim_ascii();
    if secret.len() < SECRET_BYTES_MIN {
        return Err(value(
            name,
            path.display().to_string(),
            "a file with a secret of at least 16 characters",
        ));
    }
    Ok(Sha256::digest(secret).into())
}

fn read_format(name: &str) -> Result<Option<Format>, ConfigError> {
    if name == "auto" {
        return Ok(None);
    }
    // Files of event logs are told by themselves; told so, lines of them are Windows events.
    if name == Binary::Evtx.name() {
        return Ok(Some(Binary::Evtx.lines()));
    }
    let wanted = "`auto`, `eve`, `zeek-json`, `zeek-tsv`, `ocsf`, `ecs`, `windows`, `evtx`, `aws`, `azure`, `gcp`, \
                  `syslog`, `dns`, `access` or `csv`";
    Format::from_name(name).map(Some).ok_or_else(|| value("source.format", name, wanted))
}

/// A mapping of columns.
fn read_columns(path: &Path) -> Result<Columns, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
    Columns::parse(&text, path).map_err(|cause| ConfigError::Malformed { path: path.to_owned(), cause })
}
