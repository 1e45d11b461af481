//! An edge's configuration: a TOML file as written, then resolved once into what the program needs.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oversight::{Consent, Purpose};
use serde::Deserialize;
use stix::marking::Tlp;
use telemetry::{Columns, Format, Reader};

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
}

impl std::fmt::Debug for HubLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is a secret and stays out of every log.
        f.debug_struct("HubLink").field("url", &self.url).finish_non_exhaustive()
    }
}

/// One log source.
#[derive(Debug, Clone)]
pub struct Source {
    /// What the operator calls it; the only thing of it that the hub learns.
    pub name: String,
    /// A path or a glob; `-` is standard input.
    pub path: String,
    /// The format; `None` detects it.
    pub format: Option<Format>,
    /// What the columns of [`Format::Csv`] mean; `None`: what their names commonly do.
    pub columns: Option<Arc<Columns>>,
}

impl Source {
    /// A reader for one of the source's files.
    pub(crate) fn reader(&self) -> Reader {
        match (&self.columns, self.format) {
            (Some(columns), _) => Reader::csv(Arc::clone(columns)),
            (None, Some(format)) => Reader::new(format),
            (None, None) => Reader::auto(),
        }
    }
}

/// How indicators are matched.
#[derive(Debug, Clone, Default)]
pub struct Matching {
    /// Whether a domain name covers the names below it, too.
    pub subtree: bool,
    /// Indicators with less confidence are not used.
    pub confidence_min: u8,
    /// Files of well-known benign values.
    pub warning_lists: Vec<PathBuf>,
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
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WrittenMatching {
    covers: Option<String>,
    #[serde(default)]
    confidence_min: u8,
    #[serde(default)]
    warning_lists: Vec<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSource {
    name: String,
    path: String,
    format: Option<String>,
    columns: Option<PathBuf>,
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
        Ok(Config {
            id: self.id,
            data: self.data,
            listen,
            hub: self.hub.resolve()?,
            consent: self.consent.resolve()?,
            purpose: Purpose::CollectiveDefence,
            sources: self.sources.into_iter().map(WrittenSource::resolve).collect::<Result<_, _>>()?,
            matching: self.matching.resolve()?,
        })
    }
}

impl WrittenHub {
    fn resolve(self) -> Result<HubLink, ConfigError> {
        let read = |path: PathBuf| {
            std::fs::read(&path).map_err(|cause| ConfigError::Unreadable { path: path.clone(), cause })
        };
        let token = match (self.token, self.token_file) {
            (Some(token), None) => token,
            (None, Some(path)) => String::from_utf8_lossy(&read(path)?).trim().to_owned(),
            (given, _) => {
                let value = if given.is_some() { "given twice" } else { "absent" };
                return Err(ConfigError::Value {
                    name: "hub.token",
                    value: value.to_owned(),
                    wanted: "given once, as `token` or as `token_file`",
                });
            }
        };
        Ok(HubLink { url: self.url, token, certificate: self.certificate.map(read).transpose()? })
    }
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

impl WrittenSource {
    fn resolve(self) -> Result<Source, ConfigError> {
        let format = match self.format.as_deref() {
            None | Some("auto") => None,
            Some(name) => Some(Format::from_name(name).ok_or_else(|| ConfigError::Value {
                name: "source.format",
                value: name.to_owned(),
                wanted: "`auto`, `eve`, `zeek-json`, `zeek-tsv`, `ocsf`, `ecs`, `windows`, `aws`, `azure`, `gcp`, `syslog`, \
                         `dns`, `access` or `csv`",
            })?),
        };
        let columns = self.columns.map(|path| read_columns(&path)).transpose()?;
        if columns.is_some() && format != Some(Format::Csv) {
            return Err(ConfigError::Value {
                name: "source.columns",
                value: "given".to_owned(),
                wanted: "given only with `format = \"csv\"`",
            });
        }
        Ok(Source { name: self.name, path: self.path, format, columns: columns.map(Arc::new) })
    }
}

/// A mapping of columns.
fn read_columns(path: &Path) -> Result<Columns, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
    Columns::parse(&text, path).map_err(|cause| ConfigError::Malformed { path: path.to_owned(), cause })
}

impl WrittenMatching {
    fn resolve(self) -> Result<Matching, ConfigError> {
        let subtree = match self.covers.as_deref() {
            None | Some("host") => false,
            Some("subtree") => true,
            Some(other) => {
                return Err(ConfigError::Value {
                    name: "matching.covers",
                    value: other.to_owned(),
                    wanted: "`host` or `subtree`",
                });
            }
        };
        Ok(Matching { subtree, confidence_min: self.confidence_min, warning_lists: self.warning_lists })
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, ConfigError};
    use telemetry::Format;

    fn read(source: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let mapping = folder.path().join("columns.toml");
        std::fs::write(&mapping, "[columns]\na = \"time\"\n").unwrap();
        std::fs::write(folder.path().join("wrong.json"), r#"{"columns":{"a":"colour"}}"#).unwrap();
        let source = source.replace("FOLDER", &folder.path().to_string_lossy());
        let path = folder.path().join("edge.toml");
        let text = format!(
            "id = \"edge\"\ndata = \"d\"\n[hub]\nurl = \"u\"\ntoken = \"t\"\n[[source]]\nname = \"s\"\npath = \"p\"\n{source}"
        );
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
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
