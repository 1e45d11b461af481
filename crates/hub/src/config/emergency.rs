//! Emergency access, as configured.

use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, MailConfig, SignedWebhook};
use crate::notify::recipient;

/// What people open for themselves in an emergency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyConfig {
    /// For how many minutes at most.
    pub minutes_max: u32,
    /// Who is told by mail, beside the inboxes.
    pub mail: Vec<String>,
    /// Which program is told.
    pub webhook: Option<SignedWebhook>,
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
        let given = (self.webhook, self.webhook_secret_file);
        let webhook = SignedWebhook::resolve("emergency", given, to_private_addresses)?;
        Ok(EmergencyConfig { minutes_max, mail: self.mail, webhook })
    }
}
