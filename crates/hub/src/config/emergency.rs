//! Emergency access, as configured.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{ConfigError, MailConfig};
use crate::notify::{recipient, webhook};

/// What people open for themselves in an emergency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyConfig {
    /// For how many minutes at most.
    pub minutes_max: u32,
    /// Who is told by mail, beside the inboxes.
    pub mail: Vec<String>,
    /// Which program is told.
    pub webhook: Option<EmergencyWebhook>,
}

/// A webhook that is told of emergencies.
#[derive(Clone, PartialEq, Eq)]
pub struct EmergencyWebhook {
    /// Its address.
    pub address: String,
    /// What its messages are signed with (Standard Webhooks).
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for EmergencyWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret stays out of every log, and an address may hold one.
        f.write_str("EmergencyWebhook")
    }
}

impl Default for EmergencyConfig {
    fn default() -> Self {
        Self { minutes_max: EMERGENCY_MINUTES_MAX, mail: Vec::new(), webhook: None }
    }
}

/// The longest emergency, in minutes.
const EMERGENCY_MINUTES_MAX: u32 = 240;

/// The table `emergency` as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawEmergency {
    /// See [`EmergencyConfig::minutes_max`]; 240 by default, and at most.
    pub minutes_max: Option<u32>,
    /// See [`EmergencyConfig::mail`].
    #[serde(default)]
    pub mail: Vec<String>,
    /// The address of a program that is told (Standard Webhooks).
    pub webhook: Option<String>,
    /// The file with the secret that its messages are signed with: `whsec_` and at least 24 bytes in Base64.
    pub webhook_secret_file: Option<PathBuf>,
}

impl RawEmergency {
    pub(super) fn resolve(
        self,
        mail: Option<&MailConfig>,
        to_private_addresses: bool,
    ) -> Result<EmergencyConfig, ConfigError> {
        let minutes_max = self.minutes_max.unwrap_or(EMERGENCY_MINUTES_MAX);
        if !(1..=EMERGENCY_MINUTES_MAX).contains(&minutes_max) {
            let why = format!("emergency.minutes_max: from 1 to {EMERGENCY_MINUTES_MAX}");
            return Err(ConfigError::value(why));
        }
        let domains = mail.map(|mail| mail.domains.as_slice()).unwrap_or_default();
        if let Some(wrong) = self.mail.iter().find(|to| recipient(to, domains).is_none()) {
            let why = format!("emergency.mail: `{wrong}` is no address in `mail.domains`");
            return Err(ConfigError::value(why));
        }
        let webhook = match (self.webhook, self.webhook_secret_file) {
            (None, None) => None,
            (Some(address), Some(file)) => {
                webhook::checked(&address, to_private_addresses)
                    .map_err(|why| ConfigError::value(format!("emergency.webhook: {why}")))?;
                Some(EmergencyWebhook { address, secret: secret(&file)? })
            }
            _ => {
                let why = "emergency.webhook: it goes with `webhook_secret_file`, which its messages are signed with";
                return Err(ConfigError::value(why));
            }
        };
        Ok(EmergencyConfig { minutes_max, mail: self.mail, webhook })
    }
}

fn secret(file: &Path) -> Result<Vec<u8>, ConfigError> {
    const BYTES_MIN: usize = 24;
    let wrong = |why: &dyn std::fmt::Display| {
        ConfigError::value(format!("emergency.webhook_secret_file: `{}`: {why}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let coded = text.trim().strip_prefix("whsec_");
    let secret =
        coded.and_then(|coded| STANDARD.decode(coded).ok()).filter(|secret| secret.len() >= BYTES_MIN);
    secret.ok_or_else(|| wrong(&"it is not of the form `whsec_` and at least 24 bytes in Base64"))
}
