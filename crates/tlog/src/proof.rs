//! Inclusion and consistency proofs: made from stored hashes, verified from nothing but the proof.
//!
//! The paths are those of RFC 6962 §2.1.1 and §2.1.2; the checks are the algorithms of RFC 9162 §2.1.3.2 and
//! §2.1.4.2, which define the same proofs. A reader is a closure from `(level, index)` to the stored hash of
//! the node that covers the leaves `index << level .. (index + 1) << level`; only nodes whose leaves all exist
//! are ever asked for.

use crate::hash::{Hash, empty_root, node_hash};

/// Why a proof could not be made, or does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The index is not in a tree of this size.
    #[error("entry {index} is not in a tree of {size} entries")]
    IndexOutOfRange {
        /// The entry asked for, from 0.
        index: u64,
        /// The number of leaves.
        size: u64,
    },
    /// The tree that is said to be older has more leaves.
    #[error("a tree of {old} entries cannot have grown into one of {new}")]
    Shrunk {
        /// The number of leaves before.
        old: u64,
        /// The number of leaves after.
        new: u64,
    },
    /// The reader did not give a hash that a tree of this size has.
    #[error("the stored tree lacks the hash of level {level}, index {index}")]
    MissingHash {
        /// The level, 0 for leaves.
        level: u8,
        /// The index within the level.
        index: u64,
    },
    /// The proof has fewer or more hashes than trees of these sizes need.
    #[error("the proof has the wrong number of hashes for trees of these sizes")]
    WrongLength,
    /// The proof does not lead to the root.
    #[error("the proof does not lead to the root hash: the entry or the tree is not the one that was signed")]
    RootMismatch,
}

/// The proof that entry `index` (from 0) is in the tree of `size` leaves, lowest sibling first.
///
/// # Errors
/// [`ProofError::IndexOutOfRange`], or [`ProofError::MissingHash`] when `read` lacks a hash of the tree.
pub fn inclusion(
    index: u64,
    size: u64,
    mut read: impl FnMut(u8, u64) -> Option<Hash>,
) -> Result<Vec<Hash>, ProofError> {
    if index >= size {
        return Err(ProofError::IndexOutOfRange { index, size });
    }
    let (mut low, mut high) = (0, size);
    let mut path = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            path.push(range_root(middle, high, &mut read)?);
            high = middle;
        } else {
            path.push(range_root(low, middle, &mut read)?);
            low = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Checks that the entry with this leaf hash is entry `index` of the tree with `size` leaves and this root.
///
/// # Errors
/// [`ProofError`] when it is not, or when the proof is not one for this place.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::IndexOutOfRange { index, size });
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if is_right_child(node, last) {
            hash = node_hash(sibling, &hash);
            (node, last) = skip_lone_levels(node, last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::WrongLength);
    }
    same_root(&hash, root)
}

/// The proof that the tree of `old` leaves is the beginning of the tree of `new` leaves.
///
/// It is empty when `old` is 0 or equal to `new`.
///
/// # Errors
/// [`ProofError::Shrunk`], or [`ProofError::MissingHash`] when `read` lacks a hash of the tree.
pub fn consistency(
    old: u64,
    new: u64,
    mut read: impl FnMut(u8, u64) -> Option<Hash>,
) -> Result<Vec<Hash>, ProofError> {
    if old > new {
        return Err(ProofError::Shrunk { old, new });
    }
    let mut path = Vec::new();
    if old == 0 {
        return Ok(path);
    }
    let (mut low, mut high) = (0, new);
    while high != old {
        let middle = low + split(high - low);
        if old <= middle {
            path.push(range_root(middle, high, &mut read)?);
            high = middle;
        } else {
            path.push(range_root(low, middle, &mut read)?);
            low = middle;
        }
    }
    // A subtree that begins at the first leaf is the old tree itself, which the verifier has.
    if low != 0 {
        path.push(range_root(low, high, &mut read)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that the tree of `new` leaves begins with the tree of `old` leaves: that nothing was changed,
/// removed or put in between.
///
/// # Errors
/// [`ProofError`] when it does not, or when the proof is not one for these sizes.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Shrunk { old, new });
    }
    if old == 0 || old == new {
        if !path.is_empty() {
            return Err(ProofError::WrongLength);
        }
        // Every tree begins with the empty one, but only with that.
        return same_root(old_root, &if old == new { *new_root } else { empty_root() });
    }
    // An old tree that is one complete subtree is its own first node, so the proof leaves it out.
    let (first, rest) = if old.is_power_of_two() {
        (*old_root, path)
    } else {
        let (first, rest) = path.split_first().ok_or(ProofError::WrongLength)?;
        (*first, rest)
    };
    let lone = (old - 1).trailing_ones();
    let (mut node, mut last) = (shift(old - 1, lone), shift(new - 1, lone));
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::WrongLength);
        }
        if is_right_child(node, last) {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            (node, last) = skip_lone_levels(node, last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::WrongLength);
    }
    same_root(&old_hash, old_root)?;
    same_root(&new_hash, new_root)
}

/// The root of the tree of the first `size` leaves (RFC 6962 §2.1), from stored hashes.
///
/// # Errors
/// [`ProofError::MissingHash`] when `read` lacks a hash of the tree.
pub fn root(size: u64, read: impl FnMut(u8, u64) -> Option<Hash>) -> Result<Hash, ProofError> {
    range_root(0, size, read)
}

/// The roots of the complete subtrees that the leaves `low..high` decompose into, largest first.
///
/// `low` must be a multiple of the largest power of two that fits the range, as every range is that a proof
/// splits a tree into.
pub(crate) fn peaks_of(
    mut low: u64,
    high: u64,
    mut read: impl FnMut(u8, u64) -> Option<Hash>,
) -> Result<Vec<Hash>, ProofError> {
    let mut peaks = Vec::new();
    while let Some(level) = (high - low).checked_ilog2() {
        // A logarithm of a 64-bit number is below 64.
        let (level, index) = (level as u8, low >> level);
        peaks.push(read(level, index).ok_or(ProofError::MissingHash { level, index })?);
        low += 1 << level;
    }
    Ok(peaks)
}

/// The Merkle tree hash of the leaves `low..high`.
fn range_root(low: u64, high: u64, read: impl FnMut(u8, u64) -> Option<Hash>) -> Result<Hash, ProofError> {
    let peaks = peaks_of(low, high, read)?;
    Ok(peaks.into_iter().rev().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root))
}

/// The largest power of two below `count`, which is at least 2 (RFC 6962 §2.1: `k < n <= 2k`).
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// Whether the node's sibling in the proof stands to its left: it is a right child, or the last node of a
/// level that is promoted until it becomes one.
fn is_right_child(node: u64, last: u64) -> bool {
    node & 1 == 1 || node == last
}

/// Goes up past the levels on which a last node stands alone, which have no hash in the proof.
fn skip_lone_levels(node: u64, last: u64) -> (u64, u64) {
    let lone = if node == 0 { 0 } else { node.trailing_zeros() };
    (node >> lone, last >> lone)
}

/// `value >> by`, also where `by` is the whole width.
fn shift(value: u64, by: u32) -> u64 {
    value.checked_shr(by).unwrap_or(0)
}

fn same_root(found: &Hash, expected: &Hash) -> Result<(), ProofError> {
    if found == expected { Ok(()) } else { Err(ProofError::RootMismatch) }
}
