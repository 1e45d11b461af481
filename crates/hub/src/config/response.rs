//! What runs of playbooks may order, as configured.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use openc2::mqtt::Topic;
use oversight::OrganisationId;
use policy::permit::{Bounds, Hit};
use serde::Deserialize;
use url::Url;

use super::ConfigError;

/// Entries of one list.
const ENTRIES_MAX: usize = 10_000;
/// The longest effect where nothing is said: a day.
const STOP_AFTER_MINUTES: u64 = 24 * 60;
/// The longest that may be configured: a month.
const STOP_AFTER_MINUTES_MAX: u64 = 31 * 24 * 60;

/// What runs of playbooks may order.
#[derive(Debug, Clone)]
pub struct ResponseConfig {
    /// What holds for every order, whatever its playbook says.
    pub bounds: Bounds,
    /// Agents that commands other than those to edges and people may go to; none where nothing is configured.
    pub agents: Vec<AgentConfig>,
    /// Whose signatures under playbooks count.
    pub signers: Vec<SignerConfig>,
    /// Orders and consents that stand here, beside the commission's authorisations.
    pub authorities: Vec<AuthorityConfig>,
    /// How long the effect of what one person approves alone may last, in milliseconds; 0 where nobody may.
    pub break_glass_max_ms: u64,
    /// How many organisations here must agree to what another hub asks for, from 0 to 2: the operator's and the coordinator's are asked.
    pub approvals_foreign: u32,
}

/// An agent that the hub's operator lets commands go to.
#[derive(Debug, Clone)]
pub struct AgentConfig {
    /// The name by which playbooks call it.
    pub name: String,
    /// The address that commands go to; the path of an `http-api` command is put behind it.
    pub url: Url,
    /// The file that holds the token it is signed in with.
    pub token_file: Option<PathBuf>,
    /// Which types of commands it carries out: `http-api`, `openc2-http`, `bash` …
    pub kinds: Vec<String>,
}

impl AgentConfig {
    /// The device that a consumer of OpenC2 is behind the hub's broker, where it is asked there: `mqtt:DEVICE`.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        let device = Some(self.url.path()).filter(|_| self.url.scheme() == "mqtt");
        device.filter(|device| Topic::device(device).is_some())
    }
}

/// An entry of `response.agents` as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAgent {
    /// See [`AgentConfig::name`].
    pub name: String,
    /// See [`AgentConfig::url`].
    pub url: String,
    /// See [`AgentConfig::token_file`].
    pub token_file: Option<PathBuf>,
    /// See [`AgentConfig::kinds`].
    pub kinds: Vec<String>,
}

impl RawAgent {
    fn resolve(self) -> Result<AgentConfig, ConfigError> {
        let why = format!(
            "response.agents: an agent has a name, an address with `https:` (`http:` on loopback), and types that are not `manual`; \
             or `mqtt:DEVICE`, the type `openc2-http` alone and no token; `{}` has not",
            self.name
        );
        let agent = Url::parse(&self.url).ok().map(|url| AgentConfig {
            name: self.name,
            url,
            token_file: self.token_file,
            kinds: self.kinds,
        });
        agent.filter(is_good).ok_or_else(|| ConfigError::value(why))
    }
}

/// Somebody whose signature under a playbook counts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignerConfig {
    /// Its STIX identity.
    pub identity: String,
    /// Its public key: SubjectPublicKeyInfo, DER, in base64.
    pub key: String,
}

impl SignerConfig {
    /// The key's bytes; none where it cannot be read.
    #[must_use]
    pub fn spki(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.key.trim()).ok()
    }
}

/// An order or a consent that a playbook can refer to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityConfig {
    /// What playbooks call it: the document's number, for instance.
    pub reference: String,
    /// In whose networks.
    pub operators: Vec<String>,
    /// From when, RFC 3339.
    pub from: Timestamp,
    /// Until when, exclusively.
    pub until: Timestamp,
}

impl AuthorityConfig {
    /// Whether it holds for an operator at a time.
    #[must_use]
    pub fn holds(&self, operator: &OrganisationId, at: Timestamp) -> bool {
        self.from <= at && at < self.until && self.operators.iter().any(|name| name == operator.as_str())
    }
}

impl Default for ResponseConfig {
    fn default() -> Self {
        let bounds = Bounds {
            protected: Vec::new(),
            addresses_max: 16,
            ipv4_prefix_min: 24,
            ipv6_prefix_min: 48,
            actions_per_hour_max: 100,
            stop_after_max_ms: STOP_AFTER_MINUTES * 60_000,
            approvals_own: 1,
            approvals_other: 2,
        };
        Self {
            bounds,
            agents: Vec::new(),
            signers: Vec::new(),
            authorities: Vec::new(),
            break_glass_max_ms: 0,
            approvals_foreign: 1,
        }
    }
}

/// The table `response` as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawResponse {
    /// See [`Bounds::protected`].
    #[serde(default)]
    pub protected: Vec<String>,
    /// See [`Bounds::addresses_max`]; 16 by default.
    pub addresses_max: Option<u64>,
    /// See [`Bounds::ipv4_prefix_min`]; 24 by default.
    pub ipv4_prefix_min: Option<u8>,
    /// See [`Bounds::ipv6_prefix_min`]; 48 by default.
    pub ipv6_prefix_min: Option<u8>,
    /// See [`Bounds::actions_per_hour_max`]; 100 by default.
    pub actions_per_hour_max: Option<u64>,
    /// The longest effect, in minutes; a day by default.
    pub stop_after_minutes_max: Option<u64>,
    /// See [`Bounds::approvals_own`]; 1 by default, and at least.
    pub approvals_own: Option<u32>,
    /// See [`Bounds::approvals_other`]; 2 by default.
    pub approvals_other: Option<u32>,
    /// See [`ResponseConfig::break_glass_max_ms`], in minutes, at most a day; nobody by default.
    #[serde(default)]
    pub break_glass_minutes_max: u64,
    /// See [`ResponseConfig::approvals_foreign`]; 1 by default.
    pub approvals_foreign: Option<u32>,
    /// See [`ResponseConfig::agents`].
    #[serde(default)]
    pub agents: Vec<RawAgent>,
    /// See [`ResponseConfig::signers`].
    #[serde(default)]
    pub signers: Vec<SignerConfig>,
    /// See [`ResponseConfig::authorities`].
    #[serde(default)]
    pub authorities: Vec<AuthorityConfig>,
}

impl RawResponse {
    pub(super) fn resolve(self) -> Result<ResponseConfig, ConfigError> {
        let ResponseConfig { bounds, approvals_foreign, .. } = ResponseConfig::default();
        let approvals_foreign = self.approvals_foreign.unwrap_or(approvals_foreign);
        if self.break_glass_minutes_max > STOP_AFTER_MINUTES {
            return Err(ConfigError::value(format!(
                "response.break_glass_minutes_max: from 0 to {STOP_AFTER_MINUTES}"
            )));
        }
        if approvals_foreign > 2 {
            return Err(ConfigError::value("response.approvals_foreign: from 0 to 2"));
        }
        let minutes = self.stop_after_minutes_max.unwrap_or(STOP_AFTER_MINUTES);
        if !(1..=STOP_AFTER_MINUTES_MAX).contains(&minutes) {
            let why = format!("response.stop_after_minutes_max: from 1 to {STOP_AFTER_MINUTES_MAX}");
            return Err(ConfigError::value(why));
        }
        let lists = [self.protected.len(), self.agents.len(), self.signers.len(), self.authorities.len()];
        if lists.iter().any(|length| *length > ENTRIES_MAX) {
            return Err(ConfigError::value(format!("response: at most {ENTRIES_MAX} entries in a list")));
        }
        let hit = |text: &String| {
            let why = || format!("response.protected: `{text}` is no address, network or domain name");
            Hit::parse(text).ok_or_else(|| ConfigError::value(why()))
        };
        let bounds = Bounds {
            protected: self.protected.iter().map(hit).collect::<Result<_, _>>()?,
            addresses_max: self.addresses_max.unwrap_or(bounds.addresses_max),
            ipv4_prefix_min: self.ipv4_prefix_min.unwrap_or(bounds.ipv4_prefix_min),
            ipv6_prefix_min: self.ipv6_prefix_min.unwrap_or(bounds.ipv6_prefix_min),
            actions_per_hour_max: self.actions_per_hour_max.unwrap_or(bounds.actions_per_hour_max),
            stop_after_max_ms: minutes * 60_000,
            approvals_own: approvals("approvals_own", self.approvals_own, bounds.approvals_own)?,
            approvals_other: approvals("approvals_other", self.approvals_other, bounds.approvals_other)?,
        };
        if let Some(wrong) = self.signers.iter().find(|signer| signer.spki().is_none()) {
            let why = format!("response.signers: the key of `{}` is not base64", wrong.identity);
            return Err(ConfigError::value(why));
        }
        for wrong in self.authorities.iter().flat_map(|authority| &authority.operators) {
            if OrganisationId::parse(wrong).is_none() {
                let why =
                    format!("response.authorities.operators: `{wrong}` is no short name of an organisation");
                return Err(ConfigError::value(why));
            }
        }
        Ok(ResponseConfig {
            bounds,
            agents: self.agents.into_iter().map(RawAgent::resolve).collect::<Result<_, _>>()?,
            signers: self.signers,
            authorities: self.authorities,
            break_glass_max_ms: self.break_glass_minutes_max * 60_000,
            approvals_foreign,
        })
    }
}

/// What nobody has to agree to is not ordered.
fn approvals(name: &str, given: Option<u32>, usual: u32) -> Result<u32, ConfigError> {
    let given = given.unwrap_or(usual);
    if (1..=16).contains(&given) {
        return Ok(given);
    }
    Err(ConfigError::value(format!("response.{name}: from 1 to 16")))
}

fn is_good(agent: &AgentConfig) -> bool {
    let loopback = match agent.url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let address = match agent.url.scheme() {
        "https" => agent.url.host().is_some(),
        "http" => loopback,
        "mqtt" => agent.device().is_some() && agent.kinds == ["openc2-http"] && agent.token_file.is_none(),
        _ => false,
    };
    let kinds = !agent.kinds.is_empty() && agent.kinds.iter().all(|kind| kind != "manual");
    !agent.name.trim().is_empty() && address && kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ResponseConfig, ConfigError> {
        toml::from_str::<RawResponse>(text).unwrap().resolve()
    }

    #[test]
    fn nothing_said_is_strict_and_no_agent() {
        let config = read("").unwrap();
        assert_eq!((config.bounds.approvals_own, config.bounds.approvals_other), (1, 2));
        assert!(config.agents.is_empty() && config.signers.is_empty() && config.authorities.is_empty());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for wrong in [
            "approvals_other = 0",
            "approvals_foreign = 3",
            "break_glass_minutes_max = 1441",
            "stop_after_minutes_max = 0",
            "protected = [\"not a name\"]",
            "[[agents]]\nname = \"soar\"\nurl = \"http://soar.example/\"\nkinds = [\"http-api\"]",
            "[[agents]]\nname = \"fw\"\nurl = \"mqtt:fw-7\"\nkinds = [\"http-api\"]",
            "[[agents]]\nname = \"fw\"\nurl = \"mqtt://broker.example\"\nkinds = [\"openc2-http\"]",
            "[[agents]]\nname = \"people\"\nurl = \"https://soar.example/\"\nkinds = [\"manual\"]",
            "[[signers]]\nidentity = \"identity--1\"\nkey = \"?\"",
            "[[authorities]]\nreference = \"1\"\noperators = [\"Not A Name\"]\nfrom = \"2026-01-01T00:00:00Z\"\nuntil = \"2027-01-01T00:00:00Z\"",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("protected = [\"192.0.2.0/24\", \"bank.example\"]").is_ok());
        let config =
            read("[[agents]]\nname = \"fw\"\nurl = \"mqtt:fw-7\"\nkinds = [\"openc2-http\"]").unwrap();
        assert_eq!(config.agents[0].device(), Some("fw-7"));
    }

    #[test]
    fn an_authority_holds_for_its_operators_and_its_time() {
        let config = read(
            "[[authorities]]\nreference = \"2026-17\"\noperators = [\"kinki\"]\nfrom = \"2026-01-01T00:00:00Z\"\nuntil = \"2027-01-01T00:00:00Z\"",
        )
        .unwrap();
        let (kinki, kanto) =
            (OrganisationId::parse("kinki").unwrap(), OrganisationId::parse("kanto").unwrap());
        let authority = &config.authorities[0];
        assert!(authority.holds(&kinki, "2026-06-01T00:00:00Z".parse().unwrap()));
        assert!(!authority.holds(&kanto, "2026-06-01T00:00:00Z".parse().unwrap()));
        assert!(!authority.holds(&kinki, "2027-01-01T00:00:00Z".parse().unwrap()));
    }
}
