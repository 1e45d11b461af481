//! Credentials of others that the hub itself has to use, and the content of attachments, as they are kept: sealed (AES-256-GCM) under a key that is not in the
//! database, so that a copy of the database opens no door elsewhere. Under another such key goes what the processes of a node say to each other.
//!
//! The key is derived (HKDF-SHA256, RFC 5869) from the node's own, `node.key` in the data folder, which every hub of a node has anyway
//! and which is backed up with it. Each seal is bound to what it is for: moved to another row, or to one whose address was changed,
//! it does not open, so that whoever can write the database cannot have a credential sent elsewhere.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, MAX_TAG_LEN, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

use crate::{HubError, first_start};

/// What is derived, each for itself; nothing else is made of the node's key in this way.
const AT_REST: &[u8] = b"yagura credentials at rest v1";
const BETWEEN_PROCESSES: &[u8] = b"yagura between processes v1";

/// By how many bytes what is sealed is longer: nonce and tag.
pub(crate) const SEAL_BYTES: usize = NONCE_LEN + MAX_TAG_LEN;

/// What seals and opens.
pub(crate) struct Vault(RandomizedNonceKey);

/// It was sealed by another node's key, for something else, or was altered; which of them does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be opened with this node's key")]
pub(crate) struct Unopenable;

impl Vault {
    /// The vault of the node whose key is in a data folder.
    ///
    /// # Errors
    /// `key` where there is none, or none that can be used.
    pub(crate) fn in_folder(data: &Path) -> Result<Self, HubError> {
        let seed = first_start::seed_in(data)?;
        Self::of(&seed, AT_REST).map_err(|_| HubError::new("key", "no key could be made of the node's key"))
    }

    /// What every process of a node has that has its key, and nobody else: for what they say to each other where others may listen and speak.
    /// What is sealed by it can be opened by no vault of what is kept, nor the other way round.
    ///
    /// # Errors
    /// Where no key can be made.
    pub(crate) fn between_processes(seed: &[u8; 32]) -> Result<Self, Unopenable> {
        Self::of(seed, BETWEEN_PROCESSES)
    }

    fn of(seed: &[u8; 32], info: &[u8]) -> Result<Self, Unopenable> {
        let (mut key, info) = ([0; 32], [info]);
        let derived = Salt::new(HKDF_SHA256, &[]).extract(seed);
        let derived = derived.expand(&info, HKDF_SHA256).map_err(|_| Unopenable)?;
        derived.fill(&mut key).map_err(|_| Unopenable)?;
        RandomizedNonceKey::new(&AES_256_GCM, &key).map(Self).map_err(|_| Unopenable)
    }

    /// Seals a text for one purpose: nonce, then ciphertext and tag.
    ///
    /// # Errors
    /// Where the machine gives no randomness.
    pub(crate) fn seal(&self, purpose: &str, text: &str) -> Result<Vec<u8>, Unopenable> {
        self.seal_bytes(purpose, text.as_bytes())
    }

    /// Seals bytes for one purpose, as [`Vault::seal`] does a text.
    ///
    /// # Errors
    /// Where the machine gives no randomness.
    pub(crate) fn seal_bytes(&self, purpose: &str, bytes: &[u8]) -> Result<Vec<u8>, Unopenable> {
        let mut sealed = bytes.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(purpose), &mut sealed);
        let nonce = nonce.map_err(|_| Unopenable)?;
        let nonce: &[u8; NONCE_LEN] = nonce.as_ref();
        Ok([nonce.as_slice(), sealed.as_slice()].concat())
    }

    /// Opens what was sealed for the same purpose.
    ///
    /// # Errors
    /// Where it was not.
    pub(crate) fn open(&self, purpose: &str, sealed: &[u8]) -> Result<String, Unopenable> {
        String::from_utf8(self.open_bytes(purpose, sealed)?).map_err(|_| Unopenable)
    }

    /// Opens bytes that were sealed for the same purpose.
    ///
    /// # Errors
    /// Where they were not.
    pub(crate) fn open_bytes(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, Unopenable> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(Unopenable)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopenable)?;
        let mut text = text.to_vec();
        let text = self.0.open_in_place(nonce, Aad::from(purpose), &mut text).map_err(|_| Unopenable)?;
        Ok(text.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_nodes_key_opens_and_only_for_the_purpose() {
        let at_rest = |seed| Vault::of(&[seed; 32], AT_REST).unwrap();
        let (own, other) = (at_rest(1), at_rest(2));
        let sealed = own.seal("a", "hunter2 合言葉").unwrap();
        assert_eq!(own.open("a", &sealed).as_deref(), Ok("hunter2 合言葉"));
        assert_eq!(at_rest(1).open("a", &sealed).as_deref(), Ok("hunter2 合言葉"));
        assert_eq!(other.open("a", &sealed), Err(Unopenable));
        assert_eq!(own.open("b", &sealed), Err(Unopenable));
        assert_ne!(
            own.seal("a", "hunter2 合言葉").unwrap(),
            sealed,
            "the same text is not sealed alike twice"
        );
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert_eq!(own.open("a", &altered), Err(Unopenable), "{place}");
            assert_eq!(own.open("a", &sealed[..place]), Err(Unopenable), "{place}");
        }
        assert_eq!(own.open("", &own.seal("", "").unwrap()).as_deref(), Ok(""));
        assert_eq!(sealed.len(), "hunter2 合言葉".len() + SEAL_BYTES);
    }

    #[test]
    fn what_is_kept_and_what_is_said_have_keys_of_their_own() {
        let kept = Vault::of(&[1; 32], AT_REST).unwrap();
        let said = Vault::between_processes(&[1; 32]).unwrap();
        for (one, other) in [(&kept, &said), (&said, &kept)] {
            let sealed = one.seal("a", "b").unwrap();
            assert_eq!(one.open("a", &sealed).as_deref(), Ok("b"));
            assert_eq!(other.open("a", &sealed), Err(Unopenable));
        }
    }
}
