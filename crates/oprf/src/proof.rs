//! The proof that a batch was evaluated with the key that was announced: RFC 9497 §2.2, a discrete-log equality over all pairs at once.

use curve25519_dalek::traits::VartimeMultiscalarMul;
use curve25519_dalek::{RistrettoPoint, Scalar};
use sha2::{Digest, Sha512};

use crate::element::{ELEMENT_BYTES, Element};
use crate::suite::{HASH_TO_SCALAR, SEED, hash_to_scalar};

/// The length that stands before each encoded element in a transcript.
const LENGTH: [u8; 2] = [0, ELEMENT_BYTES as u8];

/// A proof over a batch: challenge and response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    challenge: Scalar,
    response: Scalar,
}

/// The bytes of a proof.
pub const PROOF_BYTES: usize = 64;

/// The weighted sums of a batch's inputs and outputs: if each output is its input times the key, so are the sums; if not, they
/// are not, but for a chance of 2^-252.
pub(crate) struct Composites {
    inputs: RistrettoPoint,
    outputs: RistrettoPoint,
}

impl Proof {
    /// Challenge and response, 32 bytes each, little-endian (RFC 9497 §4.1).
    pub fn encode(&self) -> [u8; PROOF_BYTES] {
        let mut bytes = [0; PROOF_BYTES];
        let (challenge, response) = bytes.split_at_mut(ELEMENT_BYTES);
        challenge.copy_from_slice(self.challenge.as_bytes());
        response.copy_from_slice(self.response.as_bytes());
        bytes
    }

    /// Reads a proof; `None` where a scalar is not below the group's order.
    pub fn decode(bytes: &[u8; PROOF_BYTES]) -> Option<Self> {
        let (challenge, response) = bytes.split_first_chunk::<ELEMENT_BYTES>()?;
        let scalar = |bytes: [u8; ELEMENT_BYTES]| Scalar::from_canonical_bytes(bytes).into_option();
        Some(Self { challenge: scalar(*challenge)?, response: scalar(response.try_into().ok()?)? })
    }

    /// `GenerateProof` (RFC 9497 §2.2.1). `nonce` must never serve for two challenges: the caller derives it from key and batch.
    pub(crate) fn generate(key: &Scalar, public: &Element, sums: &Composites, nonce: &Scalar) -> Self {
        let challenge = challenge(public, sums, &RistrettoPoint::mul_base(nonce), &(sums.inputs * nonce));
        Self { challenge, response: nonce - challenge * key }
    }

    /// `VerifyProof` (RFC 9497 §2.2.2). All that goes in is known to both sides, so time may depend on it.
    pub(crate) fn holds(&self, public: &Element, sums: &Composites) -> bool {
        let base = RistrettoPoint::vartime_double_scalar_mul_basepoint(
            &self.challenge,
            &public.point,
            &self.response,
        );
        let batch = RistrettoPoint::vartime_multiscalar_mul(
            [self.response, self.challenge],
            [sums.inputs, sums.outputs],
        );
        challenge(public, sums, &base, &batch) == self.challenge
    }
}

impl Composites {
    /// `ComputeCompositesFast` (RFC 9497 §2.2.1): who holds the key needs one sum only.
    pub(crate) fn with_key(key: &Scalar, public: &Element, inputs: &[Element], outputs: &[Element]) -> Self {
        let weights = weights(public, inputs, outputs);
        let inputs = weighted(&weights, inputs);
        Self { inputs, outputs: inputs * key }
    }

    /// `ComputeComposites` (RFC 9497 §2.2.2).
    pub(crate) fn without_key(public: &Element, inputs: &[Element], outputs: &[Element]) -> Self {
        let weights = weights(public, inputs, outputs);
        Self { inputs: weighted(&weights, inputs), outputs: weighted(&weights, outputs) }
    }

    pub(crate) fn encode(&self) -> [u8; 2 * ELEMENT_BYTES] {
        let mut bytes = [0; 2 * ELEMENT_BYTES];
        let (inputs, outputs) = bytes.split_at_mut(ELEMENT_BYTES);
        inputs.copy_from_slice(self.inputs.compress().as_bytes());
        outputs.copy_from_slice(self.outputs.compress().as_bytes());
        bytes
    }
}

/// Pippenger's sum: a third of what as many single products would cost and less. Elements and weights are known to both sides.
fn weighted(weights: &[Scalar], elements: &[Element]) -> RistrettoPoint {
    RistrettoPoint::vartime_multiscalar_mul(weights, elements.iter().map(|element| element.point))
}

/// A weight for each pair, out of the key and the pair. A batch has at most 65,535 pairs.
fn weights(public: &Element, inputs: &[Element], outputs: &[Element]) -> Vec<Scalar> {
    let seed = Sha512::new()
        .chain_update(LENGTH)
        .chain_update(public.bytes())
        .chain_update((SEED.len() as u16).to_be_bytes())
        .chain_update(SEED)
        .finalize();
    let weight = |(place, (input, output)): (usize, (&Element, &Element))| {
        let place = (place as u16).to_be_bytes();
        let transcript: [&[u8]; 8] =
            [&[0, 64], &seed, &place, &LENGTH, input.bytes(), &LENGTH, output.bytes(), b"Composite"];
        hash_to_scalar(&transcript, HASH_TO_SCALAR)
    };
    inputs.iter().zip(outputs).enumerate().map(weight).collect()
}

fn challenge(public: &Element, sums: &Composites, base: &RistrettoPoint, batch: &RistrettoPoint) -> Scalar {
    let [inputs, outputs, base, batch] =
        [&sums.inputs, &sums.outputs, base, batch].map(|point| point.compress().to_bytes());
    let transcript: [&[u8]; 11] = [
        &LENGTH,
        public.bytes(),
        &LENGTH,
        &inputs,
        &LENGTH,
        &outputs,
        &LENGTH,
        &base,
        &LENGTH,
        &batch,
        b"Challenge",
    ];
    hash_to_scalar(&transcript, HASH_TO_SCALAR)
}

/// The public key of a secret one.
pub(crate) fn public_key(key: &Scalar) -> Element {
    Element::of(RistrettoPoint::mul_base(key))
}
