//! Secrets that are shown once and kept as hashes: tokens, sessions, links.

use sha2::{Digest, Sha256};

use crate::StoreError;

/// How a secret is kept: SHA-256 of its text. The secret is 256 random bits, so a slow hash would add nothing.
pub type SecretHash = [u8; 32];

/// A new secret of 256 random bits: `prefix` and 64 hexadecimal digits.
///
/// # Errors
/// [`StoreError::Io`] when the operating system gives no randomness.
pub fn generate(prefix: &str) -> Result<String, StoreError> {
    Ok(format!("{prefix}{}", hex::encode(random()?)))
}

/// The hash a secret is looked up by.
#[must_use]
pub fn hash(secret: &str) -> SecretHash {
    Sha256::digest(secret.as_bytes()).into()
}

/// 32 random bytes.
///
/// # Errors
/// [`StoreError::Io`] when the operating system gives no randomness.
pub fn random() -> Result<[u8; 32], StoreError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Io(std::io::Error::other(error.to_string())))?;
    Ok(bytes)
}
