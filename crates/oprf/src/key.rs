//! The operator's key of one round.

use std::fmt;

use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::{RistrettoPoint, Scalar};
use zeroize::Zeroize;

use crate::element::Element;
use crate::input::Input;
use crate::message::Mode;
use crate::proof::{Composites, Proof, public_key};
use crate::seed::Seed;
use crate::suite::{self, DERIVE_KEY_PAIR, hash_to_group, hash_to_scalar};

/// Separates the nonces of proofs from everything else that is hashed.
const PROOF_NONCE: &[u8] = b"yagura-oprf-proof-nonce-v1";

/// A secret key, overwritten when it goes.
pub struct SecretKey {
    key: Scalar,
    /// Half of the key: a batch of elements is cheaply encoded only as its doubles.
    half: Scalar,
    public: Element,
}

impl SecretKey {
    /// `DeriveKeyPair` (RFC 9497 §3.2.1) from a secret seed and public words that separate uses of it (at most 65,535 bytes; what
    /// is longer is cut off). `None` with a chance of 2^-64,000.
    pub fn derive(seed: &Seed, info: &[u8]) -> Option<Self> {
        let info = info.get(..usize::from(u16::MAX)).unwrap_or(info);
        let length = (info.len() as u16).to_be_bytes();
        (0..=u8::MAX)
            .map(|counter| hash_to_scalar(&[seed.bytes(), &length, info, &[counter]], DERIVE_KEY_PAIR))
            .find(|key| *key != Scalar::ZERO)
            .map(Self::of)
    }

    fn of(key: Scalar) -> Self {
        Self { key, half: key.div_by_2(), public: public_key(&key) }
    }

    /// The public key.
    pub fn public(&self) -> &Element {
        &self.public
    }

    #[cfg(test)]
    pub(crate) fn secret(&self) -> &Scalar {
        &self.key
    }

    /// The function's outputs on the operator's own inputs: `Evaluate` of RFC 9497 §3.3.1, or the form of count-only rounds.
    pub(crate) fn evaluate(&self, inputs: &[Input], mode: Mode) -> Vec<[u8; 64]> {
        let halves: Vec<RistrettoPoint> =
            inputs.iter().map(|input| hash_to_group(input.bytes()) * self.half).collect();
        let evaluated = RistrettoPoint::double_and_compress_batch(&halves);
        let finish = |(input, element): (&Input, &[u8; 32])| match mode {
            Mode::Match => suite::finalize(input.bytes(), element),
            Mode::Count => suite::finalize_unnamed(element),
        };
        inputs.iter().zip(evaluated.iter().map(CompressedRistretto::as_bytes)).map(finish).collect()
    }

    /// Evaluates blinded elements without a proof (`BlindEvaluate` of RFC 9497 §3.3.1).
    pub fn evaluate_blinded(&self, blinded: &[Element]) -> Vec<Element> {
        let halves: Vec<RistrettoPoint> = blinded.iter().map(|element| element.point * self.half).collect();
        Element::doubles(&halves)
    }

    /// `BlindEvaluate` of RFC 9497 §3.3.2 for a batch of at most 65,535, with one proof for all of it.
    ///
    /// The proof's nonce is derived from key, batch and `fresh`, which may be anything: should it repeat, as after a restored
    /// backup, another batch has another nonce all the same, and the key stays secret.
    pub fn prove_batch(&self, blinded: &[Element], fresh: &Seed) -> (Vec<Element>, Proof) {
        let evaluated = self.evaluate_blinded(blinded);
        let sums = Composites::with_key(&self.key, &self.public, blinded, &evaluated);
        let parts: [&[u8]; 4] = [self.key.as_bytes(), fresh.bytes(), self.public.bytes(), &sums.encode()];
        let mut nonce = hash_to_scalar(&parts, PROOF_NONCE);
        let proof = Proof::generate(&self.key, &self.public, &sums, &nonce);
        nonce.zeroize();
        (evaluated, proof)
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.key.zeroize();
        self.half.zeroize();
    }
}

/// Shows the public half only.
impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("public", &self.public).finish_non_exhaustive()
    }
}
