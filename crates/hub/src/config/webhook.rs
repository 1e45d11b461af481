//! A webhook that the hub's operator configures: an address, and a file with the secret that its messages are signed with.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ConfigError;
use crate::notify::webhook;

/// A program that is told, by signed messages (Standard Webhooks).
#[derive(Clone, PartialEq, Eq)]
pub struct SignedWebhook {
    /// Its address.
    pub address: String,
    /// What its messages are signed with.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for SignedWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret stays out of every log, and an address may hold one.
        f.write_str("SignedWebhook")
    }
}

impl SignedWebhook {
    /// The webhook of a table, whose settings are called `webhook` and `webhook_secret_file`; nothing where it names none.
    pub(super) fn resolve(
        table: &str,
        given: (Option<String>, Option<PathBuf>),
        to_private_addresses: bool,
    ) -> Result<Option<Self>, ConfigError> {
        match given {
            (None, None) => Ok(None),
            (Some(address), Some(file)) => {
                webhook::checked(&address, to_private_addresses)
                    .map_err(|why| ConfigError::value(format!("{table}.webhook: {why}")))?;
                Ok(Some(Self { address, secret: secret(table, &file)? }))
            }
            _ => Err(ConfigError::value(format!(
                "{table}.webhook: it goes with `webhook_secret_file`, which its messages are signed with"
            ))),
        }
    }
}

fn secret(table: &str, file: &Path) -> Result<Vec<u8>, ConfigError> {
    const BYTES_MIN: usize = 24;
    let wrong = |why: &dyn std::fmt::Display| {
        ConfigError::value(format!("{table}.webhook_secret_file: `{}`: {why}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let coded = text.trim().strip_prefix("whsec_");
    let secret =
        coded.and_then(|coded| STANDARD.decode(coded).ok()).filter(|secret| secret.len() >= BYTES_MIN);
    secret.ok_or_else(|| wrong(&"it is not of the form `whsec_` and at least 24 bytes in Base64"))
}
