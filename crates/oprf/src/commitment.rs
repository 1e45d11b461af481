//! What binds to a list without showing it: a Merkle tree (RFC 6962 §2.1) over salted commitments.

use sha2::{Digest, Sha256};

use crate::input::{Input, List};
use crate::seed::Seed;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Keeps a commitment to a value from being taken for a leaf (0x00), an inner node (0x01) or a commitment to a seed (0x03).
const COMMITMENT_PREFIX: [u8; 1] = [0x02];

/// The root that the authorisation names: over the list's values in their order, each under a salt of its own out of the seed.
///
/// The salts keep who sees the tree from trying values: without them all 2^32 IPv4 addresses are tried in minutes.
pub fn list_root(list: &List, seed: &Seed) -> Hash {
    root(&list.inputs().iter().zip(salts(seed)).map(|(input, salt)| leaf(input, &salt)).collect::<Vec<_>>())
}

/// The salts of a list's values, in their order. Shown for one value, its salt opens the commitment to it and to no other.
pub fn salts(seed: &Seed) -> impl Iterator<Item = [u8; 32]> + use<> {
    let mut stream = seed.derive("salts", &[]).stream(0);
    std::iter::repeat_with(move || stream.take())
}

/// The commitment to a value, which is what the tree's leaf holds: `SHA-256(0x02 || salt || value)`.
pub fn commitment(input: &Input, salt: &[u8; 32]) -> Hash {
    Sha256::new()
        .chain_update(COMMITMENT_PREFIX)
        .chain_update(salt)
        .chain_update(input.bytes())
        .finalize()
        .into()
}

fn leaf(input: &Input, salt: &[u8; 32]) -> Hash {
    Sha256::new().chain_update([0x00]).chain_update(commitment(input, salt)).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([0x01]).chain_update(left).chain_update(right).finalize().into()
}

/// The root over leaf hashes; joining neighbours level by level gives the tree of RFC 6962, an odd last one rising as it is.
fn root(leaves: &[Hash]) -> Hash {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node(left, right)),
                [last] => Some(*last),
                _ => None,
            })
            .collect();
    }
    level.first().copied().unwrap_or_else(|| Sha256::digest([]).into())
}
