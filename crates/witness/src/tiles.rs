//! Computing with a tree whose tiles are somewhere else: what is missing is fetched, and the computation tried again.

use std::cell::Cell;
use std::collections::HashMap;

use tlog::proof::ProofError;
use tlog::{Hash, Tile};

use crate::source::{Source, SourceError};

/// Tiles of a log of one size that were fetched. They are not authenticated: the proof that is made of them is.
pub(crate) struct Tiles<'s> {
    source: &'s Source,
    size: u64,
    fetched: HashMap<Tile, Vec<Hash>>,
}

/// Why a computation did not come to an end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TilesError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Tile(#[from] tlog::TileError),
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// Reads the hash of a node.
pub(crate) type Read<'r> = &'r mut dyn FnMut(u8, u64) -> Option<Hash>;

impl<'s> Tiles<'s> {
    pub(crate) fn new(source: &'s Source, size: u64) -> Self {
        Self { source, size, fetched: HashMap::new() }
    }

    /// Calls `compute` until no tile is missing. Each call brings one tile more, and a computation on one path of the tree needs few.
    pub(crate) async fn compute<T>(
        &mut self,
        compute: impl Fn(Read<'_>) -> Result<T, ProofError>,
    ) -> Result<T, TilesError> {
        loop {
            let missing = Cell::new(None);
            let answer = compute(&mut |level, index| self.node(level, index, &missing));
            match (answer, missing.get()) {
                (Err(ProofError::MissingHash { .. }), Some(tile)) => {
                    let hashes = tile.parse_content(&self.source.tile(&tile).await?)?;
                    self.fetched.insert(tile, hashes);
                }
                (answer, _) => return Ok(answer?),
            }
        }
    }

    fn node(&self, level: u8, index: u64, missing: &Cell<Option<Tile>>) -> Option<Hash> {
        let tile = Tile::of_node(level, index, self.size)?;
        let hashes = self.fetched.get(&tile);
        if hashes.is_none() {
            missing.set(Some(tile));
        }
        tile.node(hashes?, level, index)
    }
}
