//! RFC 6962 §2.1: how leaves and nodes are hashed.

use sha2::{Digest, Sha256};

/// A SHA-256 hash of a leaf or of an inner node.
pub type Hash = [u8; 32];

/// Keeps a leaf from being taken for an inner node (RFC 6962 §2.1).
const LEAF_PREFIX: [u8; 1] = [0x00];
/// Keeps an inner node from being taken for a leaf (RFC 6962 §2.1).
const NODE_PREFIX: [u8; 1] = [0x01];

/// The hash of one log entry: `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update(LEAF_PREFIX).chain_update(entry).finalize().into()
}

/// The hash of an inner node over its two children: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update(NODE_PREFIX).chain_update(left).chain_update(right).finalize().into()
}

/// The root of a tree without leaves: the hash of the empty string (RFC 6962 §2.1).
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}
