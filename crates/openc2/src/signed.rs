//! Signed commands: who orders it, for whom, from when until when, and on which authority.
//!
//! OpenC2 leaves signatures to others: a message has a text `signature` and no form of it. Ours is two base64url texts with a dot between
//! them. The first is a statement in canonical JSON (RFC 8785), the second an Ed25519 signature (RFC 8032) over
//!
//! ```text
//! yagura-openc2-command/v1 LF {"command": …, "statement": …}
//! ```
//!
//! in canonical form, where the command is the one in the message's body. So the message stays one that any consumer of OpenC2 reads, the
//! command stands in it once, and a signature over a command can never be one over anything else that is signed here. As for playbooks,
//! what is signed is JSON in canonical form; it is signed itself and not the hexadecimal text of its hash, which CACAO's own example asks
//! for and nothing here does. A signed note, the form of this house's logs, would have held a second spelling of the command.
//!
//! A signature says who orders something. Whether that organisation may, is for whoever looks at the authority whose hash stands in the
//! statement.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::args::DateTime;
use crate::json;
use crate::message::{Content, Headers, Message};
use crate::response::Status;

const KIND: &str = "yagura-openc2-command/v1\n";

/// What a signature says of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Who orders it.
    pub issuer: String,
    /// Who may carry it out: names of consumers, never a pattern.
    pub audience: BTreeSet<String>,
    /// The command's identifier; the command says the same.
    pub command_id: String,
    /// From when it may be carried out.
    pub not_before: DateTime,
    /// From when it may not be carried out any more. It bounds when a command can be taken; how long its effect lasts is in its arguments.
    pub expires: DateTime,
    /// SHA-256, in hexadecimal, of the object by whose authority it is ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

/// The most consumers that one signature is for.
pub const AUDIENCE_MAX: usize = 256;
/// The longest signature, in bytes.
pub const SIGNATURE_BYTES_MAX: usize = 32 * 1024;

/// Why a command was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// There is no command in the message.
    #[error("the message carries no command")]
    NoCommand,
    /// A signed command has an identifier, or its replay could not be told.
    #[error("the command has no identifier, or another than the statement")]
    Identifier,
    /// Nobody would take it.
    #[error("the statement has no audience, too large a one, or no time in which it holds")]
    Statement,
}

/// Signs the command in the message.
///
/// # Errors
/// The statement does not fit the command, or nobody could ever take it.
pub fn sign(message: Message, statement: &Statement, key: &SigningKey) -> Result<Message, SigningError> {
    let Content::Request(command) = &message.content else { return Err(SigningError::NoCommand) };
    let id = command.get("command_id").and_then(Value::as_str);
    if id != Some(statement.command_id.as_str()) || statement.command_id.is_empty() {
        return Err(SigningError::Identifier);
    }
    let sound = (1..=AUDIENCE_MAX).contains(&statement.audience.len())
        && statement.not_before < statement.expires
        && statement.authority.as_deref().is_none_or(is_hash);
    if !sound {
        return Err(SigningError::Statement);
    }
    let said = serde_json::to_value(statement).map_err(|_| SigningError::Statement)?;
    let signature = key.sign(&signed_text(&said, command));
    let text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(json::canonical(&said)),
        URL_SAFE_NO_PAD.encode(signature.to_bytes())
    );
    Ok(Message { signature: Some(text), ..message })
}

fn signed_text(statement: &Value, command: &Value) -> Vec<u8> {
    let both = json!({"command": command, "statement": statement});
    [KIND.as_bytes(), &json::canonical(&both)].concat()
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A key that somebody signs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// Whose it is.
    pub issuer: String,
    /// The public key (RFC 8032 §5.1.2).
    pub key: [u8; 32],
    /// From when it counts.
    pub valid_from: Option<DateTime>,
    /// Until when it counts.
    pub valid_until: Option<DateTime>,
}

/// On which authority a command may be ordered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Authority {
    /// On one that the statement names by its hash; whoever carries the command out looks at it.
    #[default]
    Named,
    /// On one of these.
    OneOf(BTreeSet<String>),
    /// On none. For an operator's own orders to its own devices.
    NotAsked,
}

/// Who takes signed commands, and from whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// The names under which this consumer is in an audience.
    pub names: BTreeSet<String>,
    /// The keys that count.
    pub keys: Vec<TrustedKey>,
    /// On which authority.
    pub authority: Authority,
    /// The longest time for which one signature may hold.
    pub lifetime_max_ms: u64,
    /// By how much an issuer's clock may be ahead of ours.
    pub skew_ms: u64,
}

/// Why a signed command is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// There is no command.
    #[error("the message carries no command")]
    NoCommand,
    /// There is no signature.
    #[error("the command is not signed")]
    NotSigned,
    /// The signature is not of our form.
    #[error("the signature cannot be read")]
    Malformed,
    /// No key of its issuer counts now.
    #[error("no key of the issuer is trusted")]
    UnknownIssuer,
    /// The signature is not over this command.
    #[error("the signature does not hold")]
    BadSignature,
    /// The message says that somebody else sent it.
    #[error("the message says another sender than its issuer")]
    OtherSender,
    /// The statement is about another command.
    #[error("the signature is for another command")]
    OtherCommand,
    /// It is for others.
    #[error("the signature is for others")]
    OtherAudience,
    /// It does not hold yet.
    #[error("the signature does not hold yet")]
    NotYet,
    /// It holds no longer.
    #[error("the signature has expired")]
    Expired,
    /// It would hold for too long.
    #[error("the signature would hold for too long")]
    TooLong,
    /// There is no authority, or one that does not count here.
    #[error("the command names no authority that counts here")]
    NoAuthority,
    /// It was taken before.
    #[error("the command was taken before")]
    Replayed,
    /// Another command was taken under its identifier.
    #[error("the identifier belongs to another command")]
    IdentifierUsed,
    /// No more can be remembered, so none can be told from a replay.
    #[error("too many commands are remembered")]
    Full,
}

impl Untrusted {
    /// The status to answer with.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::NoCommand | Self::Malformed | Self::OtherCommand | Self::IdentifierUsed => {
                Status::BadRequest
            }
            Self::NotSigned
            | Self::UnknownIssuer
            | Self::BadSignature
            | Self::OtherSender
            | Self::NotYet
            | Self::Expired
            | Self::TooLong => Status::Unauthorized,
            Self::OtherAudience | Self::NoAuthority | Self::Replayed => Status::Forbidden,
            Self::Full => Status::ServiceUnavailable,
        }
    }
}

/// A command whose signature was verified for this consumer at this time. Only [`Verifier::verify`] makes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    headers: Headers,
    command: Value,
    statement: Statement,
    digest: [u8; 32],
}

impl Verified {
    /// Who orders it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.statement.issuer
    }

    /// The command, as it was signed.
    #[must_use]
    pub fn command(&self) -> &Value {
        &self.command
    }

    /// The message's headers. They are not signed; the sender in them is the issuer, or is not said.
    #[must_use]
    pub fn headers(&self) -> &Headers {
        &self.headers
    }

    /// What the signature says.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// From when it may not be carried out any more.
    #[must_use]
    pub fn expires(&self) -> DateTime {
        self.statement.expires
    }
}

impl Verifier {
    /// Verifies the signature of the command in the message: is it over this command, by somebody who is trusted, for this consumer, now,
    /// and on an authority. Whether the command was taken before is for [`Seen`], or for the consumer, which remembers it.
    ///
    /// # Errors
    /// What stands against it.
    pub fn verify(&self, message: &Message, now: DateTime) -> Result<Verified, Untrusted> {
        let Content::Request(command) = &message.content else { return Err(Untrusted::NoCommand) };
        let text = message.signature.as_deref().ok_or(Untrusted::NotSigned)?;
        let (said, signature) = open(text).ok_or(Untrusted::Malformed)?;
        let statement: Statement = serde_json::from_value(said.clone()).map_err(|_| Untrusted::Malformed)?;
        let text = signed_text(&said, command);
        self.check_key(&statement.issuer, &text, &signature, now)?;
        self.check_statement(&statement, message, command, now)?;
        let digest = Sha256::digest(&text).into();
        Ok(Verified { headers: message.headers.clone(), command: command.clone(), statement, digest })
    }

    fn check_key(
        &self,
        issuer: &str,
        text: &[u8],
        signature: &Signature,
        now: DateTime,
    ) -> Result<(), Untrusted> {
        let counts = |key: &&TrustedKey| {
            key.issuer == issuer
                && key.valid_from.is_none_or(|from| from <= now)
                && key.valid_until.is_none_or(|until| now < until)
        };
        let mut keys = self.keys.iter().filter(counts).peekable();
        keys.peek().ok_or(Untrusted::UnknownIssuer)?;
        let holds = |key: &TrustedKey| {
            VerifyingKey::from_bytes(&key.key).is_ok_and(|key| key.verify_strict(text, signature).is_ok())
        };
        if keys.any(holds) { Ok(()) } else { Err(Untrusted::BadSignature) }
    }

    fn check_statement(
        &self,
        statement: &Statement,
        message: &Message,
        command: &Value,
        now: DateTime,
    ) -> Result<(), Untrusted> {
        if message.headers.from.as_ref().is_some_and(|from| *from != statement.issuer) {
            return Err(Untrusted::OtherSender);
        }
        let id = command.get("command_id").and_then(Value::as_str);
        if statement.command_id.is_empty() || id != Some(statement.command_id.as_str()) {
            return Err(Untrusted::OtherCommand);
        }
        if statement.audience.len() > AUDIENCE_MAX || statement.audience.is_disjoint(&self.names) {
            return Err(Untrusted::OtherAudience);
        }
        if now.0.saturating_add(self.skew_ms) < statement.not_before.0 {
            return Err(Untrusted::NotYet);
        }
        if statement.expires <= now {
            return Err(Untrusted::Expired);
        }
        let lifetime = statement.expires.0.saturating_sub(statement.not_before.0);
        if lifetime > self.lifetime_max_ms {
            return Err(Untrusted::TooLong);
        }
        let named = statement.authority.as_deref();
        let counts = match &self.authority {
            Authority::NotAsked => named.is_none_or(is_hash),
            Authority::Named => named.is_some_and(is_hash),
            Authority::OneOf(known) => named.is_some_and(|hash| known.contains(hash)),
        };
        if counts { Ok(()) } else { Err(Untrusted::NoAuthority) }
    }
}

/// The statement and the signature of a text of our form. The statement must be in canonical form: what is signed has one spelling.
fn open(text: &str) -> Option<(Value, Signature)> {
    if text.len() > SIGNATURE_BYTES_MAX {
        return None;
    }
    let (said, signature) = text.split_once('.')?;
    let said = URL_SAFE_NO_PAD.decode(said).ok()?;
    let signature: [u8; 64] = URL_SAFE_NO_PAD.decode(signature).ok()?.try_into().ok()?;
    let value = json::parse(&said).ok()?;
    (json::canonical(&value) == said).then(|| (value, Signature::from_bytes(&signature)))
}

/// The signed commands that were taken, each until its signature has expired. For whoever carries signed commands out without a
/// [`crate::consumer::Consumer`], which remembers them itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// By issuer and identifier.
    taken: BTreeMap<(String, String), ([u8; 32], DateTime)>,
    expiries: BTreeSet<(DateTime, String, String)>,
    /// The latest moment up to which was forgotten: a clock that goes back brings nothing back.
    forgotten: DateTime,
}

/// A command was taken. Written down before anything of it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// Who ordered it.
    pub issuer: String,
    /// Its identifier.
    pub command_id: String,
    /// SHA-256 of what was signed, in hexadecimal.
    pub digest: String,
    /// Until when it is remembered.
    pub expires: DateTime,
}

/// The most commands that are remembered; each for as long as its signature holds.
pub const SEEN_MAX: usize = 100_000;

impl Seen {
    /// What was written down.
    #[must_use]
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a Admitted>) -> Self {
        let mut seen = Self::default();
        events.into_iter().for_each(|event| seen.apply(event));
        seen
    }

    /// Takes a command once.
    ///
    /// # Errors
    /// It was taken before, or another was under its identifier, or no more can be remembered.
    pub fn admit(&mut self, verified: &Verified, now: DateTime) -> Result<Admitted, Untrusted> {
        self.forget(now);
        let Statement { issuer, command_id, expires, .. } = &verified.statement;
        if *expires <= self.forgotten {
            return Err(Untrusted::Expired);
        }
        match self.taken.get(&(issuer.clone(), command_id.clone())) {
            Some((digest, _)) if *digest == verified.digest => return Err(Untrusted::Replayed),
            Some(_) => return Err(Untrusted::IdentifierUsed),
            None if self.taken.len() >= SEEN_MAX => return Err(Untrusted::Full),
            None => {}
        }
        let event = Admitted {
            issuer: issuer.clone(),
            command_id: command_id.clone(),
            digest: hex::encode(verified.digest),
            expires: *expires,
        };
        self.apply(&event);
        Ok(event)
    }

    fn apply(&mut self, event: &Admitted) {
        let mut digest = [0; 32];
        // One that cannot be read is remembered as none that there is, so the identifier stays used.
        let _ = hex::decode_to_slice(&event.digest, &mut digest);
        let Admitted { issuer, command_id, expires, .. } = event;
        self.taken.insert((issuer.clone(), command_id.clone()), (digest, *expires));
        self.expiries.insert((*expires, issuer.clone(), command_id.clone()));
    }

    fn forget(&mut self, now: DateTime) {
        self.forgotten = self.forgotten.max(now);
        while let Some((expires, issuer, id)) = self.expiries.first().cloned() {
            if expires > self.forgotten {
                break;
            }
            self.expiries.pop_first();
            self.taken.remove(&(issuer, id));
        }
    }
}
