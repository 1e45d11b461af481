//! AES-256-GCM (NIST SP 800-38D) and HKDF-SHA-256 (RFC 5869), of the same library that speaks our TLS.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

use crate::secret::Secret;

/// The length of a nonce, in bytes.
pub(crate) const NONCE_BYTES: usize = 12;
/// The length of a tag, in bytes.
pub(crate) const TAG_BYTES: usize = 16;

/// The cryptographic library gave up where it has no reason to, as without memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library failed; is the machine out of memory?")]
pub struct CipherFailed;

/// A key for [`seal`] and [`open`].
pub(crate) fn key(bytes: &[u8; 32]) -> Result<LessSafeKey, CipherFailed> {
    UnboundKey::new(&AES_256_GCM, bytes).map(LessSafeKey::new).map_err(|_| CipherFailed)
}

/// Encrypts in place and gives the tag. A nonce is used once under one key; callers draw it at random, which is sound for 2³² uses of one
/// key (SP 800-38D §8.3).
pub(crate) fn seal(
    key: &LessSafeKey,
    nonce: [u8; NONCE_BYTES],
    bound: &[u8],
    content: &mut [u8],
) -> Result<[u8; TAG_BYTES], CipherFailed> {
    let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), content);
    tag.ok().and_then(|tag| tag.as_ref().try_into().ok()).ok_or(CipherFailed)
}

/// Decrypts ciphertext and tag in place; nothing where the key, the nonce, what it is bound to or any byte is another.
pub(crate) fn open<'s>(
    key: &LessSafeKey,
    nonce: [u8; NONCE_BYTES],
    bound: &[u8],
    sealed: &'s mut [u8],
) -> Option<&'s mut [u8]> {
    key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(bound), sealed).ok()
}

/// A key derived of a secret, for one purpose.
pub(crate) fn derive(secret: &Secret, info: &[&[u8]]) -> Result<Secret, CipherFailed> {
    let mut derived = zeroize::Zeroizing::new([0; 32]);
    let pseudo_random = Salt::new(HKDF_SHA256, &[]).extract(secret.expose());
    let expanded = pseudo_random.expand(info, HKDF_SHA256).map_err(|_| CipherFailed)?;
    expanded.fill(derived.as_mut_slice()).map_err(|_| CipherFailed)?;
    Secret::copy_of(derived.as_slice()).ok_or(CipherFailed)
}
