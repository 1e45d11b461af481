//! Keys in memory, and where their randomness comes from.

use std::fmt;
use std::ops::Deref;

use aws_lc_rs::aead::LessSafeKey;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::class::ClassKeyId;
use crate::crypt::{self, CipherFailed};

/// What is derived of a class key to wrap data keys; its identifier follows.
const WRAP_INFO: &[u8] = b"yagura vault wrap v1\0";
/// What is derived of a class key for pseudonyms; the authorisation follows.
const PSEUDONYM_INFO: &[u8] = b"yagura vault pseudonyms v1\0";

/// Where random bytes come from. [`crate::service::SystemRandom`] asks the system; tests hand in their own.
pub trait Fill: Send + Sync {
    /// Fills all bytes with random ones, fit for keys.
    ///
    /// # Errors
    /// Where there are none; no key is made of anything less.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The machine gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

/// Thirty-two secret bytes. They stand in one place in memory, which is overwritten when they are dropped.
pub struct Secret(Box<[u8; 32]>);

/// A class key, ready for use: what wraps data keys and what makes pseudonyms are derived of it apart (HKDF-SHA-256, RFC 5869).
///
/// The bytes are overwritten when it is dropped. The cipher's own schedule of the wrapping key lies in the cryptographic
/// library, which frees without overwriting it.
pub struct ClassKey {
    id: ClassKeyId,
    pub(crate) wrap: LessSafeKey,
    pub(crate) pseudonyms: Secret,
}

/// The content of a record, overwritten when it is dropped.
pub struct Content(Zeroizing<Vec<u8>>);

/// What a key service gives back for a class key that it made, to be kept wherever records are kept and handed in again. Without what the
/// service holds it opens nothing, so it may be in backups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Wrapped(Vec<u8>);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn draw(fill: &dyn Fill) -> Result<Self, NoRandomness> {
        let mut secret = Self(Box::new([0; 32]));
        fill.fill(secret.0.as_mut_slice())?;
        Ok(secret)
    }

    /// The one with these bytes; nothing where they are not 32. The caller overwrites its own.
    pub fn copy_of(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self(Box::new([0; 32]));
        if bytes.len() != secret.0.len() {
            return None;
        }
        secret.0.copy_from_slice(bytes);
        Some(secret)
    }

    /// Its bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl ClassKey {
    /// The class key with these secret bytes.
    ///
    /// # Errors
    /// Where the cryptographic library gives up, as without memory.
    pub fn new(id: ClassKeyId, secret: &Secret) -> Result<Self, CipherFailed> {
        let name = id.to_string();
        let wrap = crypt::derive(secret, &[WRAP_INFO, name.as_bytes()])?;
        let pseudonyms = crypt::derive(secret, &[PSEUDONYM_INFO, id.authorisation().as_str().as_bytes()])?;
        Ok(Self { wrap: crypt::key(wrap.expose())?, pseudonyms, id })
    }

    /// Which it is.
    pub fn id(&self) -> &ClassKeyId {
        &self.id
    }
}

impl Content {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }
}

impl Wrapped {
    /// The most bytes of one: the largest that a service of ours makes has some 300.
    pub const BYTES_MAX: usize = 8_192;

    /// Takes what a service gave; nothing where it is longer than [`Self::BYTES_MAX`].
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() <= Self::BYTES_MAX).then_some(Self(bytes))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Debug for ClassKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClassKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.0.len())
    }
}

impl TryFrom<String> for Wrapped {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let bytes = hex::decode(text).map_err(|_| "a wrapped class key is written in hexadecimal digits")?;
        Self::new(bytes).ok_or("a wrapped class key is not so long")
    }
}

impl From<Wrapped> for String {
    fn from(wrapped: Wrapped) -> Self {
        hex::encode(wrapped.0)
    }
}
