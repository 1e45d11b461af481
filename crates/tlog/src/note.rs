//! Signed notes (C2SP signed-note) with Ed25519 keys, and checkpoints in them. The form of notes and verifier keys that is
//! read and written here serves every kind of key.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use sha2::{Digest, Sha256};

use crate::checkpoint::{Checkpoint, CheckpointError};

/// The longest note that is looked at, in bytes: room for 16 signatures of 5 kB and more.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;
/// The most signature lines a note may have.
pub const NOTE_SIGNATURES_MAX: usize = 64;

/// The signature type of Ed25519 (C2SP signed-note, Signature types).
const TYPE_ED25519: u8 = 0x01;
/// What every signature line begins with: an em dash and a space.
const SIGNATURE_START: &str = "\u{2014} ";

/// The secret key of a log, with its name.
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    public: VerifyingKey,
}

/// The public key of a log, with its name: all that a verifier must have been given beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    /// Not empty, without spaces, control characters and `+`.
    name: String,
    /// Names key and algorithm in a signature line; not a secret and not a proof.
    id: [u8; 4],
    key: ed25519_dalek::VerifyingKey,
}

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name cannot stand in a signature line.
    #[error("`{0}` cannot name a key: use a name without spaces and `+`, such as `council.example/log`")]
    Name(String),
    /// The text is not a verifier key.
    #[error("a verifier key has the form `name+hash+base64`")]
    Form,
    /// The key is of a kind that has no place where it stands.
    #[error(
        "the verifier key is of type {0:#04x}, which is not read here: a log has 0x01, a cosigner 0x04 or 0x06"
    )]
    Algorithm(u8),
    /// The bytes are not a public key of the kind that they are said to be.
    #[error("the verifier key does not hold a public key of its type")]
    Point,
    /// The hash in the text is not that of name and key: a part of it was changed or mistyped.
    #[error("the hash in the verifier key is not that of its name and key: compare it with its source")]
    Hash,
}

/// Why a signed note is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Larger than [`NOTE_BYTES_MAX`] or with more than [`NOTE_SIGNATURES_MAX`] signatures.
    #[error("the note is too large or has too many signatures")]
    TooLarge,
    /// Not a signed note at all.
    #[error("this is not a signed note: {0}")]
    Malformed(&'static str),
    /// No signature is by this key.
    #[error("the note bears no signature of `{0}` by the key that was given")]
    NotSigned(String),
    /// A signature that claims to be by this key is not.
    #[error("the signature of `{0}` is not valid: the note was changed, or signed by someone else")]
    BadSignature(String),
    /// The text is not a checkpoint.
    #[error("the text of the note is not a checkpoint")]
    NotCheckpoint(#[from] CheckpointError),
    /// The checkpoint is of a log of which no key was given.
    #[error("the checkpoint is of the log `{0}`, of which no key is known here")]
    UnknownLog(String),
    /// The signature holds, the checkpoint is of another log.
    #[error("the checkpoint is of the log `{found}`, not of `{expected}`")]
    OtherLog {
        /// The origin that was asked for.
        expected: String,
        /// The origin in the note.
        found: String,
    },
}

impl SigningKey {
    /// The key with this name and secret seed (RFC 8032 §5.1.5). Whoever calls draws the seed from the
    /// system's generator and keeps it secret.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        let public = VerifyingKey::new(name, key.verifying_key())?;
        Ok(Self { key, public })
    }

    /// The name in this key's signature lines.
    pub fn name(&self) -> &str {
        self.public.name()
    }

    /// The public half, to be published.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.public.clone()
    }

    /// The checkpoint as a note signed by this key, ready to be served.
    ///
    /// The caller never signs two checkpoints of one origin that contradict each other (C2SP
    /// tlog-checkpoint, Signatures); the key's name should be the origin.
    pub fn sign_checkpoint(&self, checkpoint: &Checkpoint) -> String {
        self.sign_text(&checkpoint.to_text())
    }

    /// A statement of another kind than a checkpoint as a note signed by this key: `kind` on a line of its own, then the lines of
    /// `body`. [`open_text`] gives both back.
    ///
    /// A kind begins with `yagura-`, so that no statement can pass for a checkpoint, whose first line is the log's origin.
    pub fn sign_statement(&self, kind: &str, body: &str) -> String {
        self.sign_text(&format!("yagura-{kind}\n{}\n", body.trim_end_matches('\n')))
    }

    fn sign_text(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes());
        let line = signature_line(&self.public.name, self.public.id, &signature.to_bytes());
        format!("{text}\n{line}")
    }
}

/// Shows the public half only.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public.encode()).finish_non_exhaustive()
    }
}

impl VerifyingKey {
    /// The name in the signature lines of this key.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The 32 bytes of the public key (RFC 8032 §5.1.2).
    pub fn to_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The verifier key as text, `name+hash+base64` (C2SP signed-note, Verifier keys).
    pub fn encode(&self) -> String {
        encode_key(&self.name, self.id, TYPE_ED25519, self.key.as_bytes())
    }

    /// The verifier key of this name whose public key is known as its 32 bytes.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_bytes(name: &str, key: &[u8; 32]) -> Result<Self, KeyError> {
        Self::new(name, ed25519_point(key)?)
    }

    /// Reads a verifier key; the hash in it must be that of its name and key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let parts = KeyParts::parse(text)?;
        if parts.algorithm != TYPE_ED25519 {
            return Err(KeyError::Algorithm(parts.algorithm));
        }
        let key = ed25519_point(&parts.key)?;
        parts.check_id()?;
        Self::new(parts.name, key)
    }

    fn new(name: &str, key: ed25519_dalek::VerifyingKey) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), id: key_id(name, TYPE_ED25519, key.as_bytes()), key })
    }
}

/// A verifier key taken apart. Its name can stand in a signature line.
pub(crate) struct KeyParts<'t> {
    pub(crate) name: &'t str,
    id: &'t str,
    /// The signature type (C2SP signed-note, Signature types).
    pub(crate) algorithm: u8,
    /// The public key as the type has it.
    pub(crate) key: Vec<u8>,
}

impl<'t> KeyParts<'t> {
    pub(crate) fn parse(text: &'t str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        if !is_key_name(name) {
            return Err(KeyError::Name(name.to_owned()));
        }
        let bytes = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
        let (algorithm, key) = bytes.split_first().ok_or(KeyError::Form)?;
        Ok(Self { name, id, algorithm: *algorithm, key: key.to_vec() })
    }

    /// The hash in the text must be that of name, type and key.
    pub(crate) fn check_id(&self) -> Result<(), KeyError> {
        let id = u32::from_be_bytes(key_id(self.name, self.algorithm, &self.key));
        if format!("{id:08x}") == self.id { Ok(()) } else { Err(KeyError::Hash) }
    }
}

/// A verifier key as text, `name+hash+base64`.
pub(crate) fn encode_key(name: &str, id: [u8; 4], algorithm: u8, key: &[u8]) -> String {
    let bytes = [&[algorithm], key].concat();
    format!("{name}+{:08x}+{}", u32::from_be_bytes(id), STANDARD.encode(bytes))
}

/// A signature line with its line feed.
pub(crate) fn signature_line(name: &str, id: [u8; 4], signature: &[u8]) -> String {
    let bytes = [&id, signature].concat();
    format!("{SIGNATURE_START}{name} {}\n", STANDARD.encode(bytes))
}

pub(crate) fn ed25519_point(key: &[u8]) -> Result<ed25519_dalek::VerifyingKey, KeyError> {
    let point = key.try_into().map_err(|_| KeyError::Point)?;
    ed25519_dalek::VerifyingKey::from_bytes(&point).map_err(|_| KeyError::Point)
}

/// Checks the key's signature on a note and returns the signed text.
///
/// Signatures of other keys are passed over; every one of this key must hold (C2SP signed-note, Signatures).
///
/// # Errors
/// [`NoteError`].
pub fn open_text<'n>(note: &'n str, key: &VerifyingKey) -> Result<&'n str, NoteError> {
    let parts = Parts::parse(note)?;
    if verify_parts(&parts, key)? { Ok(parts.text) } else { Err(NoteError::NotSigned(key.name.clone())) }
}

/// Whether the key signed the text. Every signature that claims to be by it must hold.
pub(crate) fn verify_parts(parts: &Parts<'_>, key: &VerifyingKey) -> Result<bool, NoteError> {
    let mut signed = false;
    for signature in parts.by(&key.name, key.id) {
        let bad = || NoteError::BadSignature(key.name.clone());
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| bad())?;
        key.key.verify_strict(parts.text.as_bytes(), &signature).map_err(|_| bad())?;
        signed = true;
    }
    Ok(signed)
}

/// Checks the key's signature on a note and reads the checkpoint in it.
///
/// A key may sign for several logs: who expects one of them uses [`open_log`].
///
/// # Errors
/// [`NoteError`].
pub fn open(note: &str, key: &VerifyingKey) -> Result<Checkpoint, NoteError> {
    Ok(Checkpoint::parse(open_text(note, key)?)?)
}

/// As [`open`], and the checkpoint must be of the log with this origin.
///
/// # Errors
/// [`NoteError`].
pub fn open_log(note: &str, key: &VerifyingKey, origin: &str) -> Result<Checkpoint, NoteError> {
    let checkpoint = open(note, key)?;
    if checkpoint.origin != origin {
        return Err(NoteError::OtherLog { expected: origin.to_owned(), found: checkpoint.origin });
    }
    Ok(checkpoint)
}

/// A note taken apart; nothing in it is authenticated by this.
pub(crate) struct Parts<'n> {
    /// The text with its last line feed.
    pub(crate) text: &'n str,
    /// The signature lines: name, key id, signature.
    signatures: Vec<(&'n str, [u8; 4], Vec<u8>)>,
}

impl<'n> Parts<'n> {
    pub(crate) fn parse(note: &'n str) -> Result<Self, NoteError> {
        let (text, lines) = split(note)?;
        let signatures = lines.into_iter().map(parse_signature).collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }

    /// The signatures that claim to be by the key of this name and id.
    pub(crate) fn by(&self, name: &str, id: [u8; 4]) -> impl Iterator<Item = &[u8]> {
        let lines = self.signatures.iter().filter(move |line| line.0 == name && line.1 == id);
        lines.map(|line| line.2.as_slice())
    }
}

/// Reads the checkpoint of a note of which nothing is known yet: to find out whose keys to try.
pub(crate) fn unverified_checkpoint(parts: &Parts<'_>) -> Result<Checkpoint, NoteError> {
    Ok(Checkpoint::parse(parts.text)?)
}

/// `SHA-256(name || 0x0A || type || public key)[:4]` (C2SP signed-note, Signatures).
pub(crate) fn key_id(name: &str, algorithm: u8, key: &[u8]) -> [u8; 4] {
    let hash = Sha256::new().chain_update(name).chain_update([b'\n', algorithm]).chain_update(key).finalize();
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash);
    [a, b, c, d]
}

pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// Text (with its last line feed) and signature lines of a note.
fn split(note: &str) -> Result<(&str, Vec<&str>), NoteError> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(NoteError::TooLarge);
    }
    if note.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteError::Malformed("it has a control character"));
    }
    // The last empty line parts them; the text keeps the line feed before it.
    let blank = note.rfind("\n\n").ok_or(NoteError::Malformed("no empty line parts text and signatures"))?;
    let (text, rest) = note.split_at_checked(blank + 1).ok_or(NoteError::Malformed("it is cut off"))?;
    let lines = rest
        .strip_prefix('\n')
        .and_then(|rest| rest.strip_suffix('\n'))
        .filter(|lines| !lines.is_empty())
        .ok_or(NoteError::Malformed("it does not end in signature lines"))?;
    let lines: Vec<&str> = lines.split('\n').collect();
    if lines.len() > NOTE_SIGNATURES_MAX { Err(NoteError::TooLarge) } else { Ok((text, lines)) }
}

/// Name, key id and signature of a signature line.
fn parse_signature(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), NoteError> {
    let (name, base64) = line
        .strip_prefix(SIGNATURE_START)
        .and_then(|rest| rest.split_once(' '))
        .filter(|(name, _)| is_key_name(name))
        .ok_or(NoteError::Malformed("a signature line is not an em dash, a key name and base64"))?;
    let bytes = STANDARD.decode(base64).map_err(|_| NoteError::Malformed("a signature is not base64"))?;
    match bytes.split_first_chunk::<4>() {
        Some((id, signature)) if !signature.is_empty() => Ok((name, *id, signature.to_vec())),
        _ => Err(NoteError::Malformed("a signature is too short")),
    }
}
