//! The broker by which orders go to edges as well, as configured.

use std::collections::BTreeSet;
use std::path::PathBuf;

use openc2::client::{Broker, Written};
use openc2::mqtt::Topic;
use serde::Deserialize;

use super::{AgentConfig, ConfigError};

/// Edges that may be named.
const EDGES_MAX: usize = 1_000;

/// A broker of MQTT 5 that orders go by.
#[derive(Debug, Clone)]
pub struct MqttConfig {
    /// The broker.
    pub broker: Broker,
    /// The edges whose orders go by it as well, by their short names.
    pub edges: BTreeSet<String>,
}

/// The table `mqtt` as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMqtt {
    /// See [`Written::url`].
    pub url: String,
    /// See [`Written::ca`].
    pub ca: Option<PathBuf>,
    /// See [`Written::certificate`].
    pub certificate: Option<PathBuf>,
    /// See [`Written::key`].
    pub key: Option<PathBuf>,
    /// See [`Written::user`].
    pub user: Option<String>,
    /// See [`Written::password_file`].
    pub password_file: Option<PathBuf>,
    /// See [`MqttConfig::edges`].
    #[serde(default)]
    pub edges: BTreeSet<String>,
}

/// Reads what is written, where something is, together with the agents that are behind the broker.
pub(super) fn resolve(
    raw: Option<RawMqtt>,
    agents: &[AgentConfig],
) -> Result<Option<MqttConfig>, ConfigError> {
    let behind = agents.iter().find(|agent| agent.device().is_some());
    match (raw, behind) {
        (Some(raw), behind) => raw.resolve(behind.is_some()).map(Some),
        (None, None) => Ok(None),
        (None, Some(agent)) => {
            let why =
                format!("response.agents: `{}` is behind a broker, and no `[mqtt]` names one", agent.name);
            Err(ConfigError::value(why))
        }
    }
}

impl RawMqtt {
    fn resolve(self, has_agents: bool) -> Result<MqttConfig, ConfigError> {
        let is_used = has_agents || !self.edges.is_empty();
        if !is_used || self.edges.len() > EDGES_MAX {
            let why = format!(
                "mqtt.edges: name 1 to {EDGES_MAX} edges whose orders go by the broker, or an agent with `mqtt:DEVICE`"
            );
            return Err(ConfigError::value(why));
        }
        if let Some(wrong) = self.edges.iter().find(|name| Topic::device(name).is_none()) {
            let why = format!("mqtt.edges: `{wrong}` is no short name of an edge");
            return Err(ConfigError::value(why));
        }
        let written = Written {
            url: self.url,
            ca: self.ca,
            certificate: self.certificate,
            key: self.key,
            user: self.user,
            password_file: self.password_file,
        };
        let broker = written.open().map_err(|why| ConfigError::value(format!("mqtt: {why}")))?;
        Ok(MqttConfig { broker, edges: self.edges })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match toml::from_str::<RawMqtt>(text).map_err(|e| e.to_string()) {
            Ok(raw) => match raw.resolve(false) {
                Ok(config) => format!("{config:?}"),
                Err(error) => error.to_string(),
            },
            Err(error) => error,
        };
        assert!(found.contains(expected), "`{text}` gave `{found}`");
    }

    #[test]
    fn a_broker_is_named_with_the_edges_behind_it() {
        check("url = \"mqtt://127.0.0.1\"\nedges = [\"harbour-1\"]", "127.0.0.1:1883");
        check("url = \"mqtt://127.0.0.1\"", "mqtt.edges: name 1 to");
        let agent = AgentConfig {
            name: "Firewall".to_owned(),
            url: "mqtt:fw-7".parse().unwrap(),
            token_file: None,
            kinds: vec!["openc2-http".to_owned()],
        };
        let raw = || toml::from_str::<RawMqtt>("url = \"mqtt://127.0.0.1\"").unwrap();
        assert!(resolve(Some(raw()), std::slice::from_ref(&agent)).unwrap().is_some());
        assert!(resolve(None, &[agent]).unwrap_err().message.contains("no `[mqtt]` names one"));
        assert!(resolve(None, &[]).unwrap().is_none());
        check("url = \"mqtt://127.0.0.1\"\nedges = [\"a/b\"]", "no short name");
        check(
            "url = \"mqtt://broker.example\"\nedges = [\"harbour-1\"]",
            "mqtt: url: a broker that is not on",
        );
        check("url = \"mqtt://127.0.0.1\"\nedges = [\"harbour-1\"]\ntopic = \"a\"", "unknown field `topic`");
    }
}
