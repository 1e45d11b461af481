//! Secrets of 32 bytes, and what is derived from them.

use std::fmt;

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::commitment::Hash;

/// Keeps a commitment to a seed from being taken for one to a value, or for a leaf or node of a tree.
const COMMITMENT_PREFIX: [u8; 1] = [0x03];

/// A secret of 32 uniformly random bytes, overwritten when it goes. Whoever calls draws it from the system's generator.
#[derive(Clone)]
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// The seed with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// What binds to the seed and does not show it: `SHA-256(0x03 || seed)`. A seed is no guessable value, so no salt is needed.
    pub fn commitment(&self) -> Hash {
        Sha256::new().chain_update(COMMITMENT_PREFIX).chain_update(self.0.as_slice()).finalize().into()
    }

    /// A secret for one purpose and context: `HKDF-SHA-256(seed, "yagura-oprf-v1", purpose || 0x00 || context)`, 32 bytes.
    pub(crate) fn derive(&self, purpose: &str, context: &[u8]) -> Self {
        let mut derived = Zeroizing::new([0; 32]);
        let info: [&[u8]; 3] = [purpose.as_bytes(), &[0], context];
        // Only an output of more than 8,160 bytes is refused (RFC 5869 §2.3).
        let expanded =
            Hkdf::<Sha256>::new(Some(b"yagura-oprf-v1"), &*self.0).expand_multi_info(&info, &mut *derived);
        debug_assert!(expanded.is_ok());
        Self(derived)
    }

    /// The bytes of a stream: ChaCha20 (RFC 8439) under the seed, the part's number as its nonce. At most 2^38 bytes are taken of one.
    pub(crate) fn stream(&self, part: u64) -> Stream {
        let mut nonce = [0; 12];
        let (_, number) = nonce.split_at_mut(4);
        number.copy_from_slice(&part.to_be_bytes());
        Stream(ChaCha20::new(&(*self.0).into(), &nonce.into()))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Shows nothing of the secret.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// Pseudorandom bytes, one after the other. The cipher's state is overwritten when it goes.
pub(crate) struct Stream(ChaCha20);

impl Stream {
    pub(crate) fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.apply_keystream(&mut bytes);
        bytes
    }

    pub(crate) fn number(&mut self) -> u64 {
        u64::from_be_bytes(self.take())
    }

    /// A number below `bound`, which is not 0, each with the same chance.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // Of the numbers that would make the first remainders likelier none is taken.
        let unfair = bound.wrapping_neg() % bound;
        loop {
            let number = self.number();
            if number >= unfair {
                return number % bound;
            }
        }
    }
}

/// Puts items into an order that the seed decides (Fisher–Yates).
pub(crate) fn shuffle<T>(items: &mut [T], seed: &Seed) {
    let mut stream = seed.stream(0);
    for left in (1..items.len()).rev() {
        items.swap(left, stream.below(left as u64 + 1) as usize);
    }
}
