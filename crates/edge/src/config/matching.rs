//! How indicators are matched.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use matcher::{Covers, OwnAssets, Reach, UrlMode};
use serde::Deserialize;
use stix::Id;
use stix::observable::ValueKind;

use super::{ConfigError, read_file};
use crate::worth::Worth;

/// How indicators are matched.
#[derive(Debug, Clone, Default)]
pub struct Matching {
    /// What `=` covers in a pattern.
    pub reach: Reach,
    /// What it covers in the patterns of these producers.
    pub reach_of: HashMap<Id, Reach>,
    /// Indicators with less confidence are not used.
    pub confidence_min: u8,
    /// Files of well-known benign values.
    pub warning_lists: Vec<PathBuf>,
    /// The operator's own Sigma rules: files, and folders of them.
    pub sigma: Vec<PathBuf>,
    /// The most comparisons that every record is held against because no value leads to them; with none, patterns that have
    /// any are refused.
    pub unanchored_max: usize,
    /// What is the operator's own.
    pub own_assets: Option<Arc<OwnAssets>>,
    /// When an indicator is held back.
    pub quarantine: Quarantine,
    /// How confidence decays; `None`: it does not.
    pub worth: Option<Worth>,
}

/// When an indicator that hits too much is held back. Nought switches a rule off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarantine {
    /// Where it meets more than this part of the operator's hosts, in percent …
    pub hosts_percent: u8,
    /// … of which at least so many are known.
    pub hosts_min: u64,
    /// Where it matches more often than this within a minute of the records' time.
    pub matches_per_minute: u64,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self { hosts_percent: 25, hosts_min: 50, matches_per_minute: 10_000 }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenMatching {
    covers: Option<String>,
    urls: Option<String>,
    #[serde(default, rename = "feed")]
    feeds: Vec<WrittenFeed>,
    #[serde(default)]
    confidence_min: u8,
    #[serde(default)]
    warning_lists: Vec<PathBuf>,
    #[serde(default)]
    sigma: Vec<PathBuf>,
    unanchored: Option<String>,
    unanchored_max: Option<usize>,
    #[serde(default)]
    own_assets: Vec<String>,
    #[serde(default)]
    own_asset_files: Vec<PathBuf>,
    #[serde(default)]
    quarantine: WrittenQuarantine,
    #[serde(default)]
    decay: bool,
    #[serde(default)]
    lifetimes: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFeed {
    producer: String,
    covers: Option<String>,
    urls: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WrittenQuarantine {
    hosts_percent: Option<u8>,
    hosts_min: Option<u64>,
    matches_per_minute: Option<u64>,
}

fn reach(covers: Option<&str>, urls: Option<&str>, usual: Reach) -> Result<Reach, ConfigError> {
    let wrong = |name, value: &str, wanted| ConfigError::Value { name, value: value.to_owned(), wanted };
    Ok(Reach {
        covers: match covers {
            None => usual.covers,
            Some("host") => Covers::Host,
            Some("subtree") => Covers::Subtree,
            Some(other) => return Err(wrong("matching.covers", other, "`host` or `subtree`")),
        },
        urls: match urls {
            None => usual.urls,
            Some("exact") => UrlMode::Exact,
            Some("without-query") => UrlMode::WithoutQuery,
            Some("prefix") => UrlMode::Prefix,
            Some(other) => return Err(wrong("matching.urls", other, "`exact`, `without-query` or `prefix`")),
        },
    })
}

impl WrittenMatching {
    pub(super) fn resolve(self) -> Result<Matching, ConfigError> {
        let reach = reach(self.covers.as_deref(), self.urls.as_deref(), Reach::default())?;
        Ok(Matching {
            reach,
            reach_of: self.reach_of(reach)?,
            confidence_min: self.confidence_min,
            unanchored_max: self.unanchored_max()?,
            own_assets: self.own_assets()?,
            quarantine: self.quarantine.resolve()?,
            worth: self.worth()?,
            warning_lists: self.warning_lists,
            sigma: self.sigma,
        })
    }

    /// What producers are known to mean where it is not what the others do.
    fn reach_of(&self, usual: Reach) -> Result<HashMap<Id, Reach>, ConfigError> {
        let mut known = HashMap::new();
        for feed in &self.feeds {
            let wrong = |wanted| ConfigError::Value {
                name: "matching.feed.producer",
                value: feed.producer.clone(),
                wanted,
            };
            let producer = Id::parse(&feed.producer).ok().filter(|id| id.object_type() == "identity");
            let producer = producer.ok_or_else(|| wrong("an identifier such as `identity--…`"))?;
            let reach = reach(feed.covers.as_deref(), feed.urls.as_deref(), usual)?;
            if known.insert(producer, reach).is_some() {
                return Err(wrong("each producer once"));
            }
        }
        Ok(known)
    }

    fn worth(&self) -> Result<Option<Worth>, ConfigError> {
        let mut lifetime_days = HashMap::new();
        for (name, days) in &self.lifetimes {
            let kind = ValueKind::from_name(name).filter(|_| *days > 0.0 && days.is_finite());
            let kind = kind.ok_or_else(|| ConfigError::Value {
                name: "matching.lifetimes",
                value: format!("{name} = {days}"),
                wanted: "a kind such as `ipv4-addr` or `file:hashes.SHA-256`, and days above 0",
            })?;
            lifetime_days.insert(kind, *days);
        }
        Ok(self.decay.then_some(Worth { confidence_min: self.confidence_min, lifetime_days }))
    }

    /// What may be held against every record; each costs some microseconds a record, so there is a bound.
    fn unanchored_max(&self) -> Result<usize, ConfigError> {
        const DEFAULT: usize = 16;
        const MOST: usize = 1024;
        let most = self.unanchored_max.unwrap_or(DEFAULT);
        match self.unanchored.as_deref() {
            None | Some("refuse") => Ok(0),
            Some("all") if (1..=MOST).contains(&most) => Ok(most),
            Some("all") => Err(ConfigError::Value {
                name: "matching.unanchored_max",
                value: most.to_string(),
                wanted: "1 to 1024",
            }),
            Some(other) => Err(ConfigError::Value {
                name: "matching.unanchored",
                value: other.to_owned(),
                wanted: "`refuse` or `all`",
            }),
        }
    }

    fn own_assets(&self) -> Result<Option<Arc<OwnAssets>>, ConfigError> {
        let mut lines = self.own_assets.clone();
        for path in &self.own_asset_files {
            let text = String::from_utf8_lossy(&read_file(path)?).into_owned();
            let values = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
            lines.extend(values.filter(|value| !value.is_empty()).map(str::to_owned));
        }
        let assets =
            OwnAssets::read(lines.iter().map(String::as_str)).map_err(|value| ConfigError::Value {
                name: "matching.own_assets",
                value: value.to_owned(),
                wanted: "networks, addresses, domain names or hashes",
            })?;
        Ok((!assets.is_empty()).then(|| Arc::new(assets)))
    }
}

impl WrittenQuarantine {
    fn resolve(&self) -> Result<Quarantine, ConfigError> {
        let usual = Quarantine::default();
        let hosts_percent = self.hosts_percent.unwrap_or(usual.hosts_percent);
        if hosts_percent > 100 {
            return Err(ConfigError::Value {
                name: "matching.quarantine.hosts_percent",
                value: hosts_percent.to_string(),
                wanted: "0 to 100",
            });
        }
        Ok(Quarantine {
            hosts_percent,
            hosts_min: self.hosts_min.unwrap_or(usual.hosts_min).max(1),
            matches_per_minute: self.matches_per_minute.unwrap_or(usual.matches_per_minute),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(text: &str) -> Result<Matching, String> {
        let written: WrittenMatching = toml::from_str(text).map_err(|error| error.to_string())?;
        written.resolve().map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_producer_means_is_written_once() {
        let producer = "identity--00000000-0000-4000-8000-000000000001";
        let feed = |rest: &str| format!("[[feed]]\nproducer = \"{producer}\"\n{rest}");
        let text = format!("covers = \"subtree\"\nurls = \"without-query\"\n{}", feed("urls = \"prefix\""));
        let read = matching(&text).unwrap();
        assert_eq!(read.reach, Reach { covers: Covers::Subtree, urls: UrlMode::WithoutQuery });
        let own = Reach { covers: Covers::Subtree, urls: UrlMode::Prefix };
        assert_eq!(read.reach_of, HashMap::from([(Id::parse(producer).unwrap(), own)]));
        for (text, why) in [
            ("covers = \"all\"".to_owned(), "`host` or `subtree`"),
            ("urls = \"path\"".to_owned(), "`exact`, `without-query` or `prefix`"),
            (feed("covers = \"\""), "`host` or `subtree`"),
            (feed("") + &feed(""), "each producer once"),
            (feed("").replace("identity", "indicator"), "an identifier such as"),
            (feed("names = 1"), "unknown field `names`"),
        ] {
            let error = matching(&text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
