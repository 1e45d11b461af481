//! Mail, as configured.

use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

/// How mail is sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailConfig {
    /// The mail server's name.
    pub server: String,
    /// Its port; 587 with STARTTLS where absent.
    pub port: Option<u16>,
    /// `starttls` where absent, `tls`, or `none` for a server on the same machine.
    pub security: Option<String>,
    /// The certificate (PEM) of an authority that the server's own is from, where the system does not know it.
    pub certificate: Option<PathBuf>,
    /// Who signs in there.
    pub user: Option<String>,
    /// The file that holds the password.
    pub password_file: Option<PathBuf>,
    /// The address that mail comes from.
    pub from: String,
    /// Domains that mail may go to.
    pub domains: Vec<String>,
}

impl MailConfig {
    pub(super) fn checked(self) -> Result<Self, ConfigError> {
        if !matches!(self.security.as_deref(), None | Some("starttls" | "tls" | "none")) {
            return Err(ConfigError::value("mail.security: it is `starttls`, `tls` or `none`"));
        }
        if self.from.parse::<lettre::message::Mailbox>().is_err() {
            return Err(ConfigError::value(format!("mail.from: `{}` is no address", self.from)));
        }
        if self.domains.is_empty() {
            return Err(ConfigError::value("mail.domains: name the domains that mail may go to"));
        }
        Ok(self)
    }
}
