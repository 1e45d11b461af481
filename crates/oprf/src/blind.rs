//! The asking side of the function: blinding what is asked, checking what comes back, taking the blinds off.

use curve25519_dalek::ristretto::CompressedRistretto;
use curve25519_dalek::{RistrettoPoint, Scalar};
use zeroize::Zeroizing;

use crate::element::{ELEMENT_BYTES, Element};
use crate::proof::{Composites, Proof};
use crate::seed::Seed;
use crate::suite::{finalize, hash_to_group};

/// The secret factors of one batch, overwritten when they go. None is zero.
pub struct Blinds(Zeroizing<Vec<Scalar>>);

/// An answer that the announced key did not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not hold: these answers were not made with the key that was announced")]
pub struct BadProof;

impl Blinds {
    /// The blinds of batch `batch` under a seed: 64 bytes of the seed's stream each, reduced.
    pub fn derive(seed: &Seed, batch: u64, count: usize) -> Self {
        let mut stream = seed.stream(batch);
        let scalar = |bytes: [u8; 64]| {
            let scalar = Scalar::from_bytes_mod_order_wide(&bytes);
            // 64 bytes are a multiple of the group's order with a chance of 2^-252.
            if scalar == Scalar::ZERO { Scalar::ONE } else { scalar }
        };
        Self(Zeroizing::new((0..count).map(|_| scalar(stream.take())).collect()))
    }

    #[cfg(test)]
    pub(crate) fn of(scalars: Vec<Scalar>) -> Self {
        Self(Zeroizing::new(scalars))
    }

    /// One blind for all of a batch, as count-only rounds have it.
    pub(crate) fn same(seed: &Seed, count: usize) -> Self {
        let one = Self::derive(seed, 0, 1);
        Self(Zeroizing::new(one.0.iter().cycle().take(count).copied().collect()))
    }

    /// `Blind` (RFC 9497 §3.3.2) for each input with the blind at its place.
    pub fn blind<'i>(&self, inputs: impl IntoIterator<Item = &'i [u8]>) -> Vec<Element> {
        let halves: Vec<RistrettoPoint> = inputs
            .into_iter()
            .zip(self.0.iter())
            .map(|(input, blind)| hash_to_group(input) * blind.div_by_2())
            .collect();
        Element::doubles(&halves)
    }

    /// Takes the blinds off: the encodings of the evaluated, unblinded elements.
    pub(crate) fn unblind(mut self, evaluated: &[Element]) -> Vec<[u8; ELEMENT_BYTES]> {
        Scalar::invert_batch_alloc(&mut self.0);
        let halves: Vec<RistrettoPoint> = evaluated
            .iter()
            .zip(self.0.iter())
            .map(|(element, inverse)| element.point * inverse.div_by_2())
            .collect();
        RistrettoPoint::double_and_compress_batch(&halves).iter().map(CompressedRistretto::to_bytes).collect()
    }

    /// `Finalize` (RFC 9497 §3.3.2) for a batch: the function's outputs, once the proof holds. The four lists have one length.
    ///
    /// # Errors
    /// [`BadProof`], also where the lengths differ.
    pub fn finalize<'i>(
        self,
        public: &Element,
        inputs: impl IntoIterator<Item = &'i [u8]>,
        blinded: &[Element],
        evaluated: &[Element],
        proof: &Proof,
    ) -> Result<Vec<[u8; 64]>, BadProof> {
        check(public, blinded, evaluated, proof)?;
        if self.0.len() != blinded.len() {
            return Err(BadProof);
        }
        Ok(inputs
            .into_iter()
            .zip(self.unblind(evaluated))
            .map(|(input, element)| finalize(input, &element))
            .collect())
    }
}

/// Whether the evaluated elements are the blinded ones times the secret half of this key.
fn check(
    public: &Element,
    blinded: &[Element],
    evaluated: &[Element],
    proof: &Proof,
) -> Result<(), BadProof> {
    let one_length = blinded.len() == evaluated.len() && u16::try_from(blinded.len()).is_ok();
    if one_length && proof.holds(public, &Composites::without_key(public, blinded, evaluated)) {
        Ok(())
    } else {
        Err(BadProof)
    }
}
