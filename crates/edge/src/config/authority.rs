//! By what this edge judges what the state asks of it: pinned by its operator, so that no hub can name commissioners or witnesses.

use std::path::{Path, PathBuf};

use oversight::OrganisationId;
use oversight::authorisation::{Commission, Frame, Trusted};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tlog::Policy;

use super::{ConfigError, read_file};

/// What an operator pinned: without it an edge does nothing for anybody but its operator.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Whose edge it is, who decides, by which rules.
    pub trusted: Trusted,
    /// The log of authorisations, and the witnesses that vouch for it (C2SP tlog-policy).
    pub policy: Policy,
    /// Whether and how private matching is taken part in; `None`: it is not.
    pub private: Option<PrivateMatching>,
}

/// How private matching is taken part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrivateMatching {
    /// The set of a round is what the lake has of so many hours before it.
    pub hours: u32,
    /// The most elements that are answered on one day, over all authorisations.
    pub elements_a_day_max: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPrivate {
    hours: Option<u32>,
    elements_a_day_max: Option<u64>,
}

impl WrittenPrivate {
    fn resolve(self) -> Result<PrivateMatching, ConfigError> {
        let wrong = |name, value: String, wanted| ConfigError::Value { name, value, wanted };
        let hours = self.hours.unwrap_or(24);
        if !(1..=24 * 31).contains(&hours) {
            return Err(wrong("authorisations.private.hours", hours.to_string(), "1 to 744 hours"));
        }
        let most = self.elements_a_day_max.unwrap_or(100_000);
        if most == 0 {
            let name = "authorisations.private.elements_a_day_max";
            return Err(wrong(
                name,
                most.to_string(),
                "at least 1; without the section there is no private matching",
            ));
        }
        Ok(PrivateMatching { hours, elements_a_day_max: most })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenAuthority {
    operator: String,
    commission: PathBuf,
    frame: PathBuf,
    policy: PathBuf,
    private: Option<WrittenPrivate>,
}

impl WrittenAuthority {
    /// `keeps` is whether there is a lake, whose records are what is matched privately.
    pub(super) fn resolve(self, edge: &str, keeps: bool) -> Result<Authority, ConfigError> {
        if self.private.is_some() && !keeps {
            return Err(ConfigError::Value {
                name: "authorisations.private",
                value: "given".to_owned(),
                wanted: "given with `[lake]`: what is kept there is what is matched",
            });
        }
        let private = self.private.map(WrittenPrivate::resolve).transpose()?;
        let operator = OrganisationId::parse(&self.operator).ok_or(ConfigError::Value {
            name: "authorisations.operator",
            value: self.operator,
            wanted: "the short name of the operator's organisation at the hub",
        })?;
        let commission: Commission = read_document(&self.commission)?;
        commission.check().map_err(|e| malformed(&self.commission, &e))?;
        let frame: Frame = read_document(&self.frame)?;
        frame.check().map_err(|e| malformed(&self.frame, &e))?;
        let policy = Policy::parse(&read_file(&self.policy)?).map_err(|e| malformed(&self.policy, &e))?;
        // Nobody would vouch for the time of a head of the log, and nobody for there being one log.
        if policy.is_quorum(|_| false) {
            return Err(malformed(
                &self.policy,
                &"its quorum is `none`: name the witnesses that have to cosign",
            ));
        }
        let trusted = Trusted { operator, edge: edge.to_owned(), commission, frame };
        Ok(Authority { trusted, policy, private })
    }
}

fn read_document<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    serde_json::from_slice(&read_file(path)?).map_err(|e| malformed(path, &e))
}

fn malformed(path: &Path, cause: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::Malformed { path: path.to_owned(), cause: cause.to_string() }
}
