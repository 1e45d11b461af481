//! What a mirror checks (C2SP tlog-mirror): each tile and each bundle of entries against a signed checkpoint, before it is kept.
//!
//! The last tile of each level gives the root. Every other tile is whole, and its root is a hash of the tile above. So a mirror goes
//! from the top down, and keeps nothing that the checkpoint does not vouch for, whatever happens in between.

use sha2::{Digest, Sha256};

use crate::checkpoint::Checkpoint;
use crate::entries::{EntriesError, decode_entries};
use crate::hash::{Hash, leaf_hash};
use crate::proof::{self, ProofError};
use crate::tile::{TILE_WIDTH, Tile};

/// Why a tile or bundle is not the one that a checkpoint covers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// The last tiles of the levels do not make the root hash of the checkpoint.
    #[error("the last tiles of the levels do not make the signed root hash: {0}")]
    Edge(#[from] ProofError),
    /// The tile's root is not what the tile above it has.
    #[error("`{path}` is not what the tile above it says")]
    Tile {
        /// Its path.
        path: String,
    },
    /// The bundle is cut off, or not one.
    #[error("`{path}`: {error}")]
    Bundle {
        /// Its path.
        path: String,
        /// Why.
        error: EntriesError,
    },
    /// The bundle has fewer or more entries than its tile.
    #[error("`{path}` has {found} entries, its tile {expected}")]
    Count {
        /// Its path.
        path: String,
        /// The entries in it.
        found: usize,
        /// The hashes in the tile.
        expected: usize,
    },
    /// An entry is not the one whose hash is in the tile.
    #[error("`{path}`: entry {index} is not the one whose hash the log signed")]
    Entry {
        /// The bundle's path.
        path: String,
        /// The entry's place in the log, from 0.
        index: u64,
    },
}

/// The folder of a log under a witness's or mirror's monitoring prefix: the SHA-256 hash of the origin in lower-case hex.
pub fn origin_hash(origin: &str) -> String {
    Sha256::digest(origin).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The last tile of each level in a tree of `size` leaves, lowest level first: enough to compute the root.
pub fn edge_tiles(size: u64) -> Vec<Tile> {
    let last = |level| {
        let hashes = size.checked_shr(u32::from(level) * 8).filter(|hashes| *hashes > 0)?;
        Tile::at(level, (hashes - 1) / u64::from(TILE_WIDTH), size)
    };
    (0..8).map_while(last).collect()
}

/// Checks that the hashes that `read` gives, which should come of [`edge_tiles`], make the root of the checkpoint.
///
/// # Errors
/// [`MirrorError::Edge`].
pub fn check_edge(
    checkpoint: &Checkpoint,
    read: impl FnMut(u8, u64) -> Option<Hash>,
) -> Result<(), MirrorError> {
    let root = proof::root(checkpoint.size, read)?;
    if root == checkpoint.root { Ok(()) } else { Err(MirrorError::Edge(ProofError::RootMismatch)) }
}

/// Where the root of a full tile stands: the tile above it, in the width it has in a tree of `size` leaves, and the place within it.
/// `None` for a partial tile, and for what such a tree does not have.
pub fn above(tile: &Tile, size: u64) -> Option<(Tile, usize)> {
    if tile.width < TILE_WIDTH {
        return None;
    }
    let parent = Tile::at(tile.level.checked_add(1)?, tile.index / u64::from(TILE_WIDTH), size)?;
    let place = tile.index % u64::from(TILE_WIDTH);
    (place < u64::from(parent.width)).then_some((parent, usize::try_from(place).ok()?))
}

/// Checks a full tile against the hashes of the tile above it, which were checked before.
///
/// # Errors
/// [`MirrorError::Tile`].
pub fn check_tile(tile: &Tile, hashes: &[Hash], place: usize, above: &[Hash]) -> Result<(), MirrorError> {
    let root = tile.root(hashes);
    if root.is_some() && root.as_ref() == above.get(place) {
        return Ok(());
    }
    Err(MirrorError::Tile { path: tile.path() })
}

/// Checks a bundle against the hashes of its tile of level 0, which were checked before.
///
/// # Errors
/// [`MirrorError::Bundle`], [`MirrorError::Count`], [`MirrorError::Entry`].
pub fn check_bundle(tile: &Tile, bundle: &[u8], hashes: &[Hash]) -> Result<(), MirrorError> {
    let path = || tile.entries_path();
    let entries = decode_entries(bundle).map_err(|error| MirrorError::Bundle { path: path(), error })?;
    if entries.len() != hashes.len() {
        return Err(MirrorError::Count { path: path(), found: entries.len(), expected: hashes.len() });
    }
    let first = tile.index.saturating_mul(u64::from(TILE_WIDTH));
    for (index, (entry, hash)) in (first..).zip(entries.iter().zip(hashes)) {
        if leaf_hash(entry) != *hash {
            return Err(MirrorError::Entry { path: path(), index });
        }
    }
    Ok(())
}
