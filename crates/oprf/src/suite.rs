//! The cipher suite of RFC 9497 §4.1, ristretto255 with SHA-512, in mode 1 (VOPRF): how bytes become group elements and scalars.

use std::sync::LazyLock;

use curve25519_dalek::{RistrettoPoint, Scalar};
use sha2::{Digest, Sha512};

/// `CreateContextString(0x01, "ristretto255-SHA512")` (RFC 9497 §3.1), after the name of what is derived.
macro_rules! domain {
    ($name:literal) => {
        concat!($name, "OPRFV1-\x01-ristretto255-SHA512").as_bytes()
    };
}

pub(crate) const HASH_TO_GROUP: &[u8] = domain!("HashToGroup-");
pub(crate) const HASH_TO_SCALAR: &[u8] = domain!("HashToScalar-");
pub(crate) const DERIVE_KEY_PAIR: &[u8] = domain!("DeriveKeyPair");
pub(crate) const SEED: &[u8] = domain!("Seed-");

/// SHA-512 after the block of zeros that `expand_message_xmd` begins with, which is the same each time.
static AFTER_ZERO_BLOCK: LazyLock<Sha512> = LazyLock::new(|| Sha512::new().chain_update([0; 128]));

/// Hashes to a group element (RFC 9497 §4.1, `HashToGroup`).
pub(crate) fn hash_to_group(input: &[u8]) -> RistrettoPoint {
    RistrettoPoint::from_uniform_bytes(&expand(&[input], HASH_TO_GROUP))
}

/// Hashes to a scalar (RFC 9497 §4.1, `HashToScalar`), with another domain where one asks for it.
pub(crate) fn hash_to_scalar(parts: &[&[u8]], domain: &[u8]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&expand(parts, domain))
}

/// `expand_message_xmd` of RFC 9380 §5.3.1 with SHA-512 for 64 bytes, which is one block of output. The domain has at most 255 bytes.
fn expand(parts: &[&[u8]], domain: &[u8]) -> [u8; 64] {
    let ending = [domain.len() as u8];
    let mut first = AFTER_ZERO_BLOCK.clone();
    for part in parts {
        first.update(part);
    }
    let first = first.chain_update([0, 64, 0]).chain_update(domain).chain_update(ending).finalize();
    Sha512::new()
        .chain_update(first)
        .chain_update([1])
        .chain_update(domain)
        .chain_update(ending)
        .finalize()
        .into()
}

/// What turns an evaluated element into the function's output (RFC 9497 §3.3.1, `Finalize`). An input has at most 65,535 bytes.
pub(crate) fn finalize(input: &[u8], evaluated: &[u8; 32]) -> [u8; 64] {
    Sha512::new()
        .chain_update((input.len() as u16).to_be_bytes())
        .chain_update(input)
        .chain_update([0, 32])
        .chain_update(evaluated)
        .chain_update("Finalize")
        .finalize()
        .into()
}

/// The same without the input, for rounds that count only: an output that holds its input would tell whoever shuffles nothing
/// but has the list which value an answer is of.
pub(crate) fn finalize_unnamed(evaluated: &[u8; 32]) -> [u8; 64] {
    Sha512::new()
        .chain_update([0, 32])
        .chain_update(evaluated)
        .chain_update("yagura-oprf-count")
        .finalize()
        .into()
}
