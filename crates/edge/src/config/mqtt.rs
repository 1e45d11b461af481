//! The broker by which orders come as well, as the file says it.

use std::path::PathBuf;

use openc2::client::{Broker, Written};
use openc2::mqtt::Topic;
use serde::Deserialize;

use super::ConfigError;

/// A broker of MQTT 5 that orders come by.
#[derive(Debug, Clone)]
pub struct OrdersByMqtt {
    /// The broker.
    pub broker: Broker,
    /// The name under which orders for this edge alone are published.
    pub device: String,
    /// Whether orders come by it alone, and none are fetched from the hub.
    pub only: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenMqtt {
    url: String,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    device: Option<String>,
    #[serde(default)]
    only: bool,
}

impl WrittenMqtt {
    /// `edge` is what the edge is called where nothing else is said.
    pub(super) fn resolve(self, edge: &str) -> Result<OrdersByMqtt, ConfigError> {
        let device = self.device.unwrap_or_else(|| edge.to_owned());
        if Topic::device(&device).is_none() {
            return Err(ConfigError::Value {
                name: "orders.mqtt.device",
                value: device,
                wanted: "a name of 1 to 256 bytes without `/`, `+` and `#`",
            });
        }
        let written = Written {
            url: self.url,
            ca: self.ca,
            certificate: self.certificate,
            key: self.key,
            user: self.user,
            password_file: self.password_file,
        };
        let broker = written.open().map_err(ConfigError::Broker)?;
        Ok(OrdersByMqtt { broker, device, only: self.only })
    }
}
