//! An edge's configuration: a TOML file as written, then resolved once into what the program needs.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use api::client::Identity;
use oversight::{Consent, Purpose};
use serde::Deserialize;
use stix::marking::Tlp;

mod authority;
mod history;
mod matching;
pub(crate) mod mqtt;
pub(crate) mod orders;
mod source;
pub(crate) mod tls;

use authority::WrittenAuthority;
pub use authority::{Authority, PrivateMatching};
use history::WrittenLake;
pub use history::{Hunts, Lake};
use matching::WrittenMatching;
pub use matching::{Matching, Quarantine};
pub use mqtt::OrdersByMqtt;
use orders::WrittenOrders;
pub use orders::{Allowed, Device, Orders, Protected, Radius, Secret, Shadow};
use source::WrittenSource;
pub(crate) use source::is_near;
pub use source::{
    Dnstap, HttpPush, Kafka, KafkaTls, Mechanism, Nats, Netflow, Origin, Place, Sasl, Source, Start, Syslog,
    Transport,
};

/// What an edge needs to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Short name, as registered at the hub.
    pub id: String,
    /// Where the spool is kept.
    pub data: PathBuf,
    /// Where the edge's own page listens; `None` for no page.
    pub listen: Option<SocketAddr>,
    /// The hub.
    pub hub: HubLink,
    /// What may leave.
    pub consent: Consent,
    /// What a sighting is let out for.
    pub purpose: Purpose,
    /// The logs.
    pub sources: Vec<Source>,
    /// How indicators are matched.
    pub matching: Matching,
    /// What is kept of what was read; `None` for nothing.
    pub lake: Option<Lake>,
    /// By what the edge judges what the state asks of it; `None`: it does nothing for the state.
    pub authority: Option<Authority>,
    /// Which orders are taken, and what carries them out; `None`: none are.
    pub orders: Option<Orders>,
}

/// How the hub is reached.
#[derive(Clone)]
pub struct HubLink {
    /// Address, e.g. `https://hub.example:8440`.
    pub url: String,
    /// The edge's token.
    pub token: String,
    /// A root certificate (PEM) to trust in place of the system's.
    pub certificate: Option<Vec<u8>>,
    /// What the edge shows of itself. The files are read anew when they are replaced.
    pub identity: Option<Identity>,
}

impl std::fmt::Debug for HubLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is a secret and stays out of every log.
        f.debug_struct("HubLink").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{path}`: {cause}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// It is no such configuration.
    #[error("`{path}` is not an edge's configuration: {cause}")]
    Malformed {
        /// Which.
        path: PathBuf,
        /// Where and why.
        cause: String,
    },
    /// A source lacks a key, or has one that its kind does not know.
    #[error("the source `{name}` in the edge's configuration: {cause}")]
    Source {
        /// Which.
        name: String,
        /// What.
        cause: String,
    },
    /// The broker that orders are to come by cannot be used.
    #[error("`orders.mqtt` in the edge's configuration: {0}")]
    Broker(String),
    /// Two sources bear one name, by which what was read of each is remembered.
    #[error("two sources in the edge's configuration are called `{0}`")]
    SameName(String),
    /// A value is outside of what it may be.
    #[error("`{name}` in the edge's configuration is `{value}`; it must be {wanted}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        wanted: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    data: PathBuf,
    listen: Option<String>,
    hub: WrittenHub,
    #[serde(default)]
    consent: WrittenConsent,
    #[serde(default)]
    matching: WrittenMatching,
    lake: Option<WrittenLake>,
    #[serde(rename = "authorisations")]
    authority: Option<WrittenAuthority>,
    orders: Option<WrittenOrders>,
    #[serde(default, rename = "source")]
    sources: Vec<WrittenSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHub {
    url: String,
    token: Option<String>,
    token_file: Option<PathBuf>,
    certificate: Option<PathBuf>,
    client: Option<WrittenIdentity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenIdentity {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WrittenConsent {
    #[serde(default)]
    purposes: Vec<String>,
    up_to: Option<String>,
    mark_as: Option<String>,
    #[serde(default)]
    own_networks: Vec<String>,
    #[serde(default)]
    own_addresses: bool,
    #[serde(default)]
    opinions: bool,
}

impl Config {
    /// Reads and resolves a file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
        let written: Written = toml::from_str(&text)
            .map_err(|e| ConfigError::Malformed { path: path.to_owned(), cause: e.to_string() })?;
        written.resolve()
    }
}

impl Written {
    fn resolve(self) -> Result<Config, ConfigError> {
        if oversight::OrganisationId::parse(&self.id).is_none() {
            return Err(ConfigError::Value {
                name: "id", value: self.id, wanted: "1–64 of `a–z 0–9 -`"
            });
        }
        let listen = self
            .listen
            .map(|text| {
                text.parse::<SocketAddr>().ok().filter(|address| address.ip().is_loopback()).ok_or(
                    ConfigError::Value {
                        name: "listen",
                        value: text,
                        wanted: "a loopback address and port, e.g. `127.0.0.1:8441`",
                    },
                )
            })
            .transpose()?;
        let sources = self.sources.into_iter().map(WrittenSource::resolve).collect::<Result<Vec<_>, _>>()?;
        let mut names = BTreeSet::new();
        if let Some(again) = sources.iter().find(|source| !names.insert(&source.name)) {
            return Err(ConfigError::SameName(again.name.clone()));
        }
        let authority =
            self.authority.map(|written| written.resolve(&self.id, self.lake.is_some())).transpose()?;
        let consent = self.consent.resolve()?;
        let orders =
            self.orders.map(|written| written.resolve(&self.id, &consent.own_networks)).transpose()?;
        Ok(Config {
            authority,
            orders,
            id: self.id,
            data: self.data,
            listen,
            hub: self.hub.resolve()?,
            consent,
            purpose: Purpose::CollectiveDefence,
            sources,
            matching: self.matching.resolve()?,
            lake: self.lake.map(WrittenLake::resolve).transpose()?,
        })
    }
}

impl WrittenHub {
    fn resolve(self) -> Result<HubLink, ConfigError> {
        let token = match (self.token, self.token_file) {
            (Some(token), None) => token,
            (None, Some(path)) => String::from_utf8_lossy(&read_file(&path)?).trim().to_owned(),
            (given, _) => {
                let value = if given.is_some() { "given twice" } else { "absent" };
                return Err(ConfigError::Value {
                    name: "hub.token",
                    value: value.to_owned(),
                    wanted: "given once, as `token` or as `token_file`",
                });
            }
        };
        let certificate = self.certificate.map(|path| read_file(&path)).transpose()?;
        let identity =
            self.client.map(|written| Identity { certificate: written.certificate, key: written.key });
        Ok(HubLink { url: self.url, token, certificate, identity })
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })
}

impl WrittenConsent {
    fn resolve(self) -> Result<Consent, ConfigError> {
        let purposes = self
            .purposes
            .into_iter()
            .map(|text| {
                Purpose::parse(&text).ok_or(ConfigError::Value {
                    name: "consent.purposes",
                    value: text,
                    wanted: "`collective-defence`, `incident-response` or another purpose",
                })
            })
            .collect::<Result<BTreeSet<_>, _>>()?;
        let own_networks = self
            .own_networks
            .into_iter()
            .map(|text| {
                text.parse().map_err(|_| ConfigError::Value {
                    name: "consent.own_networks",
                    value: text,
                    wanted: "networks such as `10.0.0.0/8`",
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Consent {
            purposes,
            up_to: self.up_to.map(|text| tlp("consent.up_to", text)).transpose()?,
            mark_as: self.mark_as.map(|text| tlp("consent.mark_as", text)).transpose()?,
            own_addresses: self.own_addresses,
            own_networks,
            opinions: self.opinions,
        })
    }
}

fn tlp(name: &'static str, value: String) -> Result<Tlp, ConfigError> {
    oversight::tlp_from_word(&value).ok_or(ConfigError::Value {
        name,
        value,
        wanted: "`clear`, `green`, `amber`, `amber+strict` or `red`",
    })
}

#[cfg(test)]
mod tests {
    use super::{Config, ConfigError, Origin};
    use telemetry::Format;

    fn read(source: &str) -> Result<Config, ConfigError> {
        read_sources(&format!("[[source]]\nname = \"s\"\npath = \"p\"\n{source}"))
    }

    fn read_sources(sources: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        file("columns.toml", "[columns]\na = \"time\"\n");
        file("wrong.json", r#"{"columns":{"a":"colour"}}"#);
        file("token", "sixteen characters\n");
        file("short", "short\n");
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        file("cert.pem", &made.cert.pem());
        file("key.pem", &made.signing_key.serialize_pem());
        let sources = sources.replace("FOLDER", &folder.path().to_string_lossy());
        let path = folder.path().join("edge.toml");
        let text = format!("id = \"edge\"\ndata = \"d\"\n[hub]\nurl = \"u\"\ntoken = \"t\"\n{sources}");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    fn source(kind: &str, rest: &str) -> Result<Config, ConfigError> {
        read_sources(&format!("[[source]]\nname = \"s\"\nkind = \"{kind}\"\n{rest}"))
    }

    const TLS: &str = "tls = { certificate = \"FOLDER/cert.pem\", key = \"FOLDER/key.pem\" }\n";
    const CLIENT: &str = "client = { certificate = \"FOLDER/cert.pem\", key = \"FOLDER/key.pem\" }\n";
    const CLIENTS: &str = "tls = { certificate = \"FOLDER/cert.pem\", key = \"FOLDER/key.pem\", client_ca = \"FOLDER/cert.pem\" }\n";

    #[test]
    fn doors_are_not_opened_to_strangers() {
        let http = "listen = \"127.0.0.1:1\"\ntoken_file = \"FOLDER/token\"\n";
        let open_http = http.replace("127.0.0.1", "0.0.0.0");
        let syslog =
            |transport: &str, rest: &str| format!("listen = \"[::]:1\"\ntransport = \"{transport}\"\n{rest}");
        let allow = "allow = [\"10.0.0.0/8\", \"192.0.2.1\"]\n";
        for (kind, text) in [
            ("http", http.to_owned()),
            ("http", open_http.clone() + TLS),
            ("syslog", "listen = \"127.0.0.1:1\"\ntransport = \"udp\"\n".to_owned()),
            ("syslog", syslog("udp", allow)),
            ("syslog", syslog("tls", &(allow.to_owned() + TLS))),
            ("syslog", syslog("tls", CLIENTS)),
            ("netflow", "listen = \"127.0.0.1:1\"\n".to_owned()),
            ("netflow", "listen = \"[::]:1\"\n".to_owned() + allow),
            ("dnstap", "listen = \"/run/dnstap.sock\"\n".to_owned()),
            ("dnstap", "listen = \"[::]:1\"\n".to_owned() + allow),
        ] {
            assert!(source(kind, &text).is_ok(), "{kind} {text}: {}", source(kind, &text).unwrap_err());
        }
        for (kind, text, why) in [
            ("http", open_http.clone(), "a token would be read on the way"),
            ("http", http.replace("FOLDER/token", "FOLDER/short"), "at least 16 characters"),
            ("http", http.replace("token_file = \"FOLDER/token\"\n", ""), "missing field `token_file`"),
            ("http", http.to_owned() + "path = \"p\"\n", "unknown field `path`"),
            ("syslog", syslog("tcp", ""), "the senders named"),
            ("syslog", syslog("tls", TLS), "the senders named"),
            ("syslog", syslog("tls", allow), "given with `transport = \"tls\"`"),
            ("syslog", syslog("udp", CLIENTS), "given only with"),
            ("syslog", syslog("smtp", allow), "`udp`, `tcp` or `tls`"),
            ("netflow", "listen = \"[::]:1\"\n".to_owned(), "the senders' networks"),
            ("netflow", "listen = \"127.0.0.1:1\"\nformat = \"eve\"\n".to_owned(), "left out"),
            ("dnstap", "listen = \"[::]:1\"\n".to_owned(), "the senders' networks"),
            ("dnstap", "listen = \"/run/dnstap.sock\"\n".to_owned() + allow, "given only with an address"),
            ("pulsar", String::new(), "`file`, `http`, `syslog`, `netflow`, `dnstap`, `nats` or `kafka`"),
        ] {
            let error = source(kind, &text).unwrap_err().to_string();
            assert!(error.contains(why), "{kind} {text}: {error}");
        }
    }

    #[test]
    fn streams_are_named_without_what_signs_in() {
        let nats = |servers: &str, rest: &str| {
            format!(
                "servers = [\"{servers}\"]\nstream = \"LOGS\"\nconsumer = \"c\"\ngroup_key_file = \"FOLDER/token\"\n{rest}"
            )
        };
        for (servers, by_tls) in
            [("nats://127.0.0.1:1", false), ("nats://n1.example:4222", true), ("tls://127.0.0.1:1", true)]
        {
            let config = source("nats", &nats(servers, "")).unwrap();
            let Origin::Nats(read) = &config.sources[0].origin else { panic!("a stream was configured") };
            assert_eq!(read.tls, by_tls, "{servers}");
            assert!(!format!("{config:?}").contains("sixteen"));
        }
        for (text, why) in [
            (nats("nats://u:hunter2@127.0.0.1", ""), "without user and password"),
            (nats("http://127.0.0.1", ""), "addresses such as"),
            (nats("nats://127.0.0.1:1", "ack_wait_seconds = 0\n"), "1 to 3600"),
            (nats("nats://127.0.0.1:1", "").replace("LOGS", "LO.GS"), "without `.`"),
        ] {
            let error = source("nats", &text).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn topics_are_read_in_the_open_on_this_machine_only() {
        let kafka = |servers: &str, rest: &str| {
            format!(
                "servers = [{servers}]\ntopics = [\"eve\", \"zeek.dns\"]\ngroup = \"g\"\ngroup_key_file = \"FOLDER/token\"\n{rest}"
            )
        };
        let near = "\"127.0.0.1:9092\"";
        let sasl = |mechanism: &str| {
            format!(
                "sasl = {{ mechanism = \"{mechanism}\", user = \"u\", password_file = \"FOLDER/token\" }}\n"
            )
        };
        for (servers, rest, by_tls) in [
            (near, String::new(), false),
            ("\"localhost:9092\", \"[::1]:9092\"", sasl("plain"), false),
            ("\"127.0.0.1:9092\", \"k1.example:9093\"", sasl("scram-sha-512"), true),
            (near, "tls = true\nstart = \"latest\"\nmember = \"edge-1\"\n".to_owned(), true),
            (near, "certificate = \"FOLDER/cert.pem\"\n".to_owned(), true),
            (near, CLIENT.to_owned(), true),
        ] {
            let config = source("kafka", &kafka(servers, &rest)).unwrap();
            let Origin::Kafka(read) = &config.sources[0].origin else { panic!("topics were configured") };
            assert_eq!(read.tls.is_some(), by_tls, "{servers} {rest}");
            assert!(!format!("{config:?}").contains("sixteen"));
        }
        for (text, why) in [
            (kafka("", ""), "at least one address"),
            (kafka("\"u:hunter2@k1.example:9093\"", ""), "without a scheme, user and password"),
            (kafka("\"k1.example\"", ""), "addresses such as"),
            (kafka(near, &sasl("gssapi")), "`scram-sha-512`, `scram-sha-256` or `plain`"),
            (kafka(near, "start = \"now\"\n"), "`earliest` or `latest`"),
            (kafka(near, "session_seconds = 5\n"), "6 to 1800"),
            (kafka(near, "offset = 1\n"), "unknown field `offset`"),
            (kafka(near, "").replace("zeek.dns", "zeek*"), "names of topics"),
            (kafka(near, "").replace("\"g\"", "\"\""), "the name of the group"),
        ] {
            let error = source("kafka", &text).unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn names_of_sources_are_their_own() {
        let twice = "[[source]]\nname = \"s\"\npath = \"a\"\n[[source]]\nname = \"s\"\npath = \"b\"\n";
        let error = read_sources(twice).unwrap_err().to_string();
        assert!(error.contains("two sources") && error.contains("`s`"), "{error}");
    }

    #[test]
    fn every_format_can_be_named() {
        for format in Format::ALL {
            let config = read(&format!("format = \"{}\"", format.name())).unwrap();
            assert_eq!(config.sources[0].format, Some(format));
        }
        assert_eq!(read("").unwrap().sources[0].format, None);
        assert_eq!(read("format = \"auto\"").unwrap().sources[0].format, None);
        let error = read("format = \"evelog\"").unwrap_err().to_string();
        for format in Format::ALL {
            assert!(error.contains(&format!("`{}`", format.name())), "{error}");
        }
    }

    #[test]
    fn columns_are_for_separated_values() {
        let config = read("format = \"csv\"\ncolumns = \"FOLDER/columns.toml\"").unwrap();
        assert!(config.sources[0].columns.is_some());
        for (source, why) in [
            ("columns = \"FOLDER/columns.toml\"", "given only with `format = \"csv\"`"),
            ("format = \"csv\"\ncolumns = \"FOLDER/wrong.json\"", "`colour`, which is no meaning"),
            ("format = \"csv\"\ncolumns = \"FOLDER/absent.toml\"", "cannot read"),
        ] {
            let error = read(source).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
