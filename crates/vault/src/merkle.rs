//! The Merkle root over the identifiers of records (RFC 6962 §2.1).

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::record::RecordId;

/// The root of the tree whose leaves are the identifiers, in the order of their bytes: whoever has the list computes the same.
///
/// Of no identifiers it is the hash of nothing.
pub fn record_root(ids: &BTreeSet<RecordId>) -> [u8; 32] {
    // The roots of complete subtrees so far, the largest first, each with the number of its leaves.
    let mut peaks: Vec<(u64, [u8; 32])> = Vec::new();
    for id in ids {
        let mut new = (1, leaf_hash(id.as_str().as_bytes()));
        while let Some((_, left)) = peaks.pop_if(|(leaves, _)| *leaves == new.0) {
            new = (2 * new.0, node_hash(&left, &new.1));
        }
        peaks.push(new);
    }
    let root = peaks.into_iter().map(|(_, hash)| hash).rev().reduce(|right, left| node_hash(&left, &right));
    root.unwrap_or_else(|| Sha256::digest([]).into())
}

/// `SHA-256(0x00 || leaf)`.
fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// `SHA-256(0x01 || left || right)`.
fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}
