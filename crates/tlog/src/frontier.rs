//! The growing right edge of a tree.

use crate::hash::{Hash, empty_root, node_hash};
use crate::proof::{ProofError, peaks_of};

/// The right edge of a tree: appends leaves, gives size and root, and yields every node hash completed by an
/// append, so that the caller can store hashes and write tiles.
///
/// It holds one hash per set bit of the size (at most 64), whatever the tree's size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    /// The number of leaves.
    size: u64,
    /// The roots of the complete subtrees that the leaves decompose into, largest (leftmost) first.
    /// Always exactly `size.count_ones()` of them.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// The edge of a tree of `size` leaves whose node hashes are stored; `read(level, index)` gives one.
    ///
    /// Reads at most 64 hashes.
    ///
    /// # Errors
    /// [`ProofError::MissingHash`] when `read` does not give a hash that a tree of this size has.
    pub fn restore(size: u64, read: impl FnMut(u8, u64) -> Option<Hash>) -> Result<Self, ProofError> {
        Ok(Self { size, peaks: peaks_of(0, size, read)? })
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf hash and returns every node that is complete with it as `(level, index, hash)`, the
    /// leaf itself (level 0) first.
    ///
    /// The node `(level, index)` covers the leaves `index << level .. (index + 1) << level`.
    pub fn append(&mut self, leaf: Hash) -> Vec<(u8, u64, Hash)> {
        let (mut level, mut index, mut hash) = (0_u8, self.size, leaf);
        let mut completed = vec![(level, index, hash)];
        // An odd index closes a pair: its left sibling is the smallest peak.
        while index & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            hash = node_hash(&left, &hash);
            level += 1;
            index >>= 1;
            completed.push((level, index, hash));
        }
        self.peaks.push(hash);
        self.size += 1;
        completed
    }

    /// The root hash over all leaves (RFC 6962 §2.1); [`empty_root`] when there are none.
    pub fn root(&self) -> Hash {
        let fold = self.peaks.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
        fold.unwrap_or_else(empty_root)
    }
}
