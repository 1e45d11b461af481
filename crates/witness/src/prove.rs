//! A `.tlog-proof` file for an entry, made of nothing but the published files.

use tlog::proof;
use tlog::{
    Policy, TileError, TlogProof, TlogProofError, Unaccepted, Unproved, Witnessed, decode_entries, leaf_hash,
};

use crate::source::{Source, SourceError};
use crate::tiles::{Tiles, TilesError};

/// What is to be proved.
#[derive(Debug)]
pub struct ProveConfig {
    /// The log's files.
    pub source: Source,
    /// Which log is meant, and whose cosignatures its checkpoint needs.
    pub policy: Policy,
    /// The entry's place in the log, from 0.
    pub index: u64,
}

/// A proof that holds, with its entry.
#[derive(Debug)]
pub struct Proved {
    /// The proof; [`TlogProof::to_text`] is the file.
    pub proof: TlogProof,
    /// The entry, whose [`leaf_hash`] the proof is about.
    pub entry: Vec<u8>,
    /// The checkpoint that it stands under.
    pub witnessed: Witnessed,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// A file could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The policy does not accept the log's checkpoint.
    #[error(transparent)]
    Unaccepted(#[from] Unaccepted),
    /// A tile has the wrong length.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// The proof cannot be made.
    #[error(transparent)]
    Make(#[from] TlogProofError),
    /// The files do not fit each other: the proof made of them does not hold.
    #[error("the log's files do not fit each other: {0}")]
    Unproved(#[from] Unproved),
    /// The bundle does not have the entry.
    #[error("`{0}` does not have the entry")]
    NoEntry(String),
}

/// Makes the proof that an entry is in the log, and verifies it as its reader will.
///
/// # Errors
/// [`ProveError`].
pub async fn prove(config: &ProveConfig) -> Result<Proved, ProveError> {
    let ProveConfig { source, policy, index } = config;
    let note = source.checkpoint().await?;
    let size = policy.check(&note)?.checkpoint().size;
    let mut tiles = Tiles::new(source, size);
    let path = tiles.compute(|read| proof::inclusion(*index, size, read)).await.map_err(ProveError::from)?;
    let proof = TlogProof::of_path(*index, path, &note)?;
    let entry = entry_of(source, *index, size).await?;
    let witnessed = proof.verify(&leaf_hash(&entry), policy)?;
    Ok(Proved { proof, entry, witnessed })
}

async fn entry_of(source: &Source, index: u64, size: u64) -> Result<Vec<u8>, ProveError> {
    let tile = tlog::Tile::of_node(0, index, size);
    let tile = tile.ok_or(TlogProofError::Path(proof::ProofError::IndexOutOfRange { index, size }))?;
    let no_entry = || ProveError::NoEntry(tile.entries_path());
    let bundle = source.bundle(&tile).await?;
    let place = usize::try_from(index % u64::from(tlog::TILE_WIDTH)).map_err(|_| no_entry())?;
    let entry =
        decode_entries(&bundle).ok().and_then(|entries| entries.get(place).map(|entry| entry.to_vec()));
    entry.ok_or_else(no_entry)
}

impl From<TilesError> for ProveError {
    fn from(error: TilesError) -> Self {
        match error {
            TilesError::Source(error) => Self::Source(error),
            TilesError::Tile(error) => Self::Tile(error),
            TilesError::Proof(error) => Self::Make(TlogProofError::Path(error)),
        }
    }
}
