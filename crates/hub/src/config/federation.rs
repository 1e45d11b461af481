//! Other hubs, as configured.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::ConfigError;

/// How this hub meets other hubs.
#[derive(Debug, Clone, Default)]
pub struct FederationConfig {
    /// Where peers are listened to; without it this hub opens all connections itself and sends of its own accord.
    pub listen: Option<SocketAddr>,
    /// The address on this hub's card, where it is not the one that it listens on.
    pub address: Option<Url>,
    /// Give only, and take nothing in: a source inside of an enclave.
    pub one_way: bool,
    /// Where the folders of one-way peers are; `one-way` in the data folder where absent. It has to be there.
    pub folders: Option<PathBuf>,
}

/// The table `federation` as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFederation {
    /// See [`FederationConfig::listen`].
    pub listen: Option<String>,
    /// See [`FederationConfig::address`].
    pub address: Option<String>,
    /// `both`, or `up`: give only ([`FederationConfig::one_way`]).
    pub direction: Option<String>,
    /// See [`FederationConfig::folders`].
    pub folders: Option<PathBuf>,
}

impl RawFederation {
    pub(super) fn resolve(self) -> Result<FederationConfig, ConfigError> {
        let listen = self.listen.map(|text| {
            text.parse().map_err(|_| {
                ConfigError::value(format!(
                    "federation.listen: `{text}` is not an address and port such as `0.0.0.0:8441`"
                ))
            })
        });
        let address = self.address.map(|text| {
            let url = Url::parse(&text).ok().filter(crate::federation::is_peer_address);
            url.ok_or_else(|| {
                ConfigError::value(format!(
                    "federation.address: `{text}` is not of the form `https://hub.example.jp:8441`"
                ))
            })
        });
        let one_way = match self.direction.as_deref() {
            None | Some("both") => false,
            Some("up") => true,
            Some(other) => {
                return Err(ConfigError::value(format!(
                    "federation.direction: `{other}` is not `both` or `up`"
                )));
            }
        };
        let (listen, address) = (listen.transpose()?, address.transpose()?);
        let config = FederationConfig { listen, address, one_way, folders: self.folders };
        if config.one_way && (config.listen.is_some() || config.address.is_some()) {
            return Err(ConfigError::value(
                "federation: a hub with `direction = \"up\"` takes nothing in; remove `listen` and `address`",
            ));
        }
        if config.address.is_some() && config.listen.is_none() {
            return Err(ConfigError::value(
                "federation.address: nothing listens there; set `federation.listen`, too",
            ));
        }
        Ok(config)
    }
}
