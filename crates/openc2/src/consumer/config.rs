use std::fmt;

use crate::message::Message;
use crate::signed::Verified;
use crate::slpf::{Identity, Support};
use crate::{Command, Content, DateTime, Headers, Status};

/// What a consumer is.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Its name in headers.
    pub id: String,
    /// Its names in specifiers.
    pub identity: Identity,
    /// What it does.
    pub support: Support,
    /// The most commands of one minute, duplicates not counted; `query features` tells it. As many as come where there is none.
    pub rate_limit: Option<u32>,
    /// Whether a producer may delete what another ordered. Where it may not, others' rules do not exist for it.
    pub delete_others: bool,
    /// Bounds.
    pub limits: Limits,
}

/// What a consumer keeps, at most. Beyond it answers 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rules, those of the future included.
    pub rules_max: usize,
    /// Commands that are remembered, so that none is carried out twice.
    pub commands_max: usize,
    /// How long a command is remembered after it ended.
    pub remember_ms: u64,
    /// After how long the removal of a rule that has ended is tried again.
    pub retry_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rules_max: 100_000, commands_max: 200_000, remember_ms: 24 * 60 * 60 * 1_000, retry_ms: 5_000 }
    }
}

/// Whether a command was sent to this consumer or to everybody who listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To this one: whoever sent it wants to hear if it is the wrong one.
    Direct,
    /// To many: whoever is not meant keeps still.
    Broadcast,
}

/// A command as it reached this consumer, and who sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub(crate) producer: String,
    pub(crate) headers: Headers,
    pub(crate) content: Content,
    pub(crate) reach: Reach,
    pub(crate) keep_until: Option<DateTime>,
}

impl Request {
    /// A command whose sender the transport has authenticated: over HTTPS the peer's certificate says who it is. A broker's certificate says
    /// nothing of who published something: what comes by MQTT is signed, or its broker is trusted to have compared `from`.
    #[must_use]
    pub fn authenticated(message: Message, producer: &str, reach: Reach) -> Self {
        let Message { headers, content, .. } = message;
        Self { producer: producer.to_owned(), headers, content, reach, keep_until: None }
    }

    /// A command whose signature holds. It is remembered at least until the signature has expired, so a replay meets the memory of it.
    #[must_use]
    pub fn signed(verified: &Verified, reach: Reach) -> Self {
        Self {
            producer: verified.issuer().to_owned(),
            headers: verified.headers().clone(),
            content: Content::Request(verified.command().clone()),
            reach,
            keep_until: Some(verified.expires()),
        }
    }
}

/// What a gate of the caller's says to a command that the consumer would carry out.
pub type Gate<'g> = &'g mut dyn FnMut(&str, &Command) -> Result<(), Denial>;

/// Why a command is not let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The answer's status, 401, 403 or 503.
    pub status: Status,
    /// The answer's text.
    pub text: String,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.code(), self.text)
    }
}
