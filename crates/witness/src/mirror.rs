//! A mirror: follows a log, keeps every hash and entry of it, and cosigns what it keeps (C2SP tlog-mirror).
//!
//! The mirror's folder is laid out as the log is served, so it can be served as it is, and verified by [`crate::verify`]. Beside that it
//! holds `pending`, the checkpoint that is being fetched, `lock`, and `evidence/`. The order of writes:
//!
//! 1. the new checkpoint is checked: signed, with its quorum, and consistent with the mirror's and with the pending one;
//! 2. it is made durable as `pending`: from here on the mirror is bound to it, whatever happens;
//! 3. tiles and bundles, each checked against it before it is written, from the top of the tree down, each level 0 tile with its entries;
//! 4. all of them made durable, names included;
//! 5. `checkpoint`, with the mirror's own cosignatures, made durable: only now the mirror says that it holds the log;
//! 6. partial tiles that a full one has replaced are removed.
//!
//! After a crash at any point the next round begins at 1, finds what was written, checks it as if it had been fetched, and goes on.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tlog::mirror::{MirrorError, above, check_bundle, check_edge, check_tile, edge_tiles};
use tlog::{
    Checkpoint, CosignError, CosigningKey, Hash, Policy, TILE_WIDTH, Tile, Unaccepted, open_by_any, proof,
    read_from_tiles, tiles_to_write,
};

use crate::disk;
use crate::source::{Source, SourceError};
use crate::tiles::{Tiles, TilesError};

/// What is mirrored, and where.
#[derive(Debug)]
pub struct MirrorConfig {
    /// The log's files.
    pub source: Source,
    /// Where the copy is kept.
    pub folder: PathBuf,
    /// The log, with its key, and whose cosignatures a checkpoint needs before it is mirrored.
    pub policy: Policy,
    /// The mirror's own keys; each cosigns what is held. May be empty. A mirror that is also a witness uses other keys, with other
    /// names (C2SP tlog-mirror, add-checkpoint).
    pub keys: Vec<CosigningKey>,
}

/// What one round did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirrored {
    /// The number of entries before.
    pub old: u64,
    /// The number of entries that the mirror holds now.
    pub size: u64,
    /// The tiles and bundles that were fetched; what a round before had left on disk is not counted.
    pub fetched: usize,
}

/// Why a round failed. What the mirror held before it holds still.
#[derive(Debug, thiserror::Error)]
pub enum MirroringError {
    /// A file could not be read of the log.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file could not be read or written here.
    #[error("`{}`: {error}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The policy does not accept the log's checkpoint.
    #[error(transparent)]
    Unaccepted(#[from] Unaccepted),
    /// The mirror's own files are not what it wrote.
    #[error("`{}` is not a checkpoint of this log: {why}", .path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The log shows a smaller tree than before. Where that does not end, the log was rolled back.
    #[error("the log shows {size} entries, the mirror has been shown {held} already")]
    Behind {
        /// The entries that the log shows.
        size: u64,
        /// The entries that it showed before.
        held: u64,
    },
    /// The log does not show that its new checkpoint continues the one before. Both are kept as evidence.
    #[error("the log does not continue what it signed before ({why}); both checkpoints are kept in `{}`", .evidence.display())]
    Fork {
        /// The file with both.
        evidence: PathBuf,
        /// What failed.
        why: String,
    },
    /// A tile or bundle is not what the checkpoint covers.
    #[error(transparent)]
    Wrong(#[from] MirrorError),
    /// A tile has the wrong length.
    #[error(transparent)]
    Tile(#[from] tlog::TileError),
    /// The mirror could not cosign.
    #[error(transparent)]
    Cosign(#[from] CosignError),
}

/// Follows the log, a round every so often, until `stop` ends. Each round's outcome goes to `told`; a round that fails is tried again.
pub async fn mirror(
    config: &MirrorConfig,
    every: Duration,
    stop: impl Future<Output = ()>,
    mut told: impl FnMut(Result<Mirrored, MirroringError>),
) {
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            outcome = mirror_once(config) => told(outcome),
            () = &mut stop => return,
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = &mut stop => return,
        }
    }
}

/// Brings the mirror to the log's latest checkpoint.
///
/// # Errors
/// [`MirroringError`].
pub async fn mirror_once(config: &MirrorConfig) -> Result<Mirrored, MirroringError> {
    disk::create_folders(&config.folder).map_err(at(&config.folder))?;
    let _lock = disk::lock(&config.folder).map_err(at(&config.folder))?;
    let note = config.source.checkpoint().await?;
    let head = config.policy.check(&note)?.checkpoint().clone();
    let held = held(config, "checkpoint", &head)?;
    for name in ["checkpoint", "pending"] {
        if let Some((before_note, before)) = self::held(config, name, &head)? {
            check_continues(config, (&before_note, &before), (&note, &head)).await?;
        }
    }
    let old = held.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size);
    let path = config.folder.join("pending");
    disk::write_durably(&path, note.as_bytes()).map_err(at(&path))?;
    let mut round =
        Round { config, size: head.size, checked: HashMap::new(), folders: BTreeSet::new(), fetched: 0 };
    round.edge(&head).await?;
    round.below(old).await?;
    for folder in &round.folders {
        disk::sync_folder(folder).map_err(at(folder))?;
    }
    let path = config.folder.join("checkpoint");
    disk::write_durably(&path, cosigned(config, &note)?.as_bytes()).map_err(at(&path))?;
    remove_partial(&config.folder, old, head.size);
    Ok(Mirrored { old, size: head.size, fetched: round.fetched })
}

/// A checkpoint that the mirror has on disk, with its note.
fn held(
    config: &MirrorConfig,
    name: &str,
    head: &Checkpoint,
) -> Result<Option<(String, Checkpoint)>, MirroringError> {
    let path = config.folder.join(name);
    let Some(bytes) = disk::read(&path).map_err(at(&path))? else { return Ok(None) };
    let bad = |why: String| MirroringError::State { path: path.clone(), why };
    let note = String::from_utf8(bytes).map_err(|_| bad("it is not text".to_owned()))?;
    let keys = config.policy.logs().iter().map(|log| &log.key);
    let (checkpoint, _) = open_by_any(&note, keys).map_err(|error| bad(error.to_string()))?;
    if checkpoint.origin != head.origin {
        return Err(bad(format!("it is of `{}`, a folder holds one log", checkpoint.origin)));
    }
    Ok(Some((note, checkpoint)))
}

/// Checks that the new checkpoint continues one before, and keeps both where it does not.
async fn check_continues(
    config: &MirrorConfig,
    (before_note, before): (&str, &Checkpoint),
    (note, head): (&str, &Checkpoint),
) -> Result<(), MirroringError> {
    let (old, new) = (before.size, head.size);
    if old > new {
        return Err(MirroringError::Behind { size: new, held: old });
    }
    let mut tiles = Tiles::new(&config.source, new);
    let path = match tiles.compute(|read| proof::consistency(old, new, read)).await {
        Ok(path) => path,
        Err(TilesError::Source(error)) => return Err(error.into()),
        Err(TilesError::Tile(error)) => return Err(error.into()),
        Err(TilesError::Proof(error)) => return Err(MirrorError::Edge(error).into()),
    };
    let Err(why) = proof::verify_consistency(old, &before.root, new, &head.root, &path) else {
        return Ok(());
    };
    let folder = config.folder.join("evidence");
    disk::create_folders(&folder).map_err(at(&folder))?;
    let root: String = head.root.iter().map(|byte| format!("{byte:02x}")).collect();
    let evidence = folder.join(format!("fork-{old:020}-{new:020}-{root}.txt"));
    let text = format!("fork: {why}\n\n== mirrored\n{before_note}\n== shown later\n{note}");
    disk::write_durably(&evidence, text.as_bytes()).map_err(at(&evidence))?;
    Err(MirroringError::Fork { evidence, why: why.to_string() })
}

/// The note with the mirror's own cosignatures.
fn cosigned(config: &MirrorConfig, note: &str) -> Result<String, MirroringError> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (text, _) = note.split_once("\n\n").unwrap_or((note, ""));
    let mut note = note.to_owned();
    for key in &config.keys {
        note.push_str(&key.cosign(&format!("{text}\n"), now)?);
    }
    Ok(note)
}

/// One round of fetching.
struct Round<'c> {
    config: &'c MirrorConfig,
    size: u64,
    /// Tiles that the checkpoint vouches for: those of the edge, and all above level 0.
    checked: HashMap<Tile, Vec<Hash>>,
    /// Folders with new names.
    folders: BTreeSet<PathBuf>,
    fetched: usize,
}

impl Round<'_> {
    /// The last tile of each level, which together make the root.
    async fn edge(&mut self, head: &Checkpoint) -> Result<(), MirroringError> {
        let tiles = edge_tiles(self.size);
        // What is on disk may be damaged, so a root that does not come out is tried with what the log has now.
        for use_disk in [true, false] {
            let mut contents = HashMap::new();
            for tile in &tiles {
                contents.insert(*tile, self.content(tile, use_disk).await?);
            }
            let read = read_from_tiles(self.size, |tile| contents.get(tile).cloned());
            match check_edge(head, read) {
                Err(_) if use_disk => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return self.keep_edge(contents),
            }
        }
        Ok(())
    }

    fn keep_edge(&mut self, contents: HashMap<Tile, Vec<u8>>) -> Result<(), MirroringError> {
        for (tile, bytes) in contents {
            self.checked.insert(tile, tile.parse_content(&bytes)?);
            self.write(&tile.path(), &bytes)?;
        }
        Ok(())
    }

    /// Every tile that is new since `old`, from the top down, and the entries.
    async fn below(&mut self, old: u64) -> Result<(), MirroringError> {
        for tile in tiles_to_write(old, self.size).into_iter().rev() {
            let hashes = match self.checked.get(&tile) {
                Some(hashes) => hashes.clone(),
                None => self.inner(&tile).await?,
            };
            if tile.level == 0 {
                self.entries(&tile, &hashes).await?;
            } else {
                self.checked.insert(tile, hashes);
            }
        }
        Ok(())
    }

    /// A tile within the tree, checked against the one above it.
    async fn inner(&mut self, tile: &Tile) -> Result<Vec<Hash>, MirroringError> {
        let unvouched = || MirrorError::Tile { path: tile.path() };
        let (parent, place) = above(tile, self.size).ok_or_else(unvouched)?;
        let above = self.checked.get(&parent).cloned().ok_or_else(unvouched)?;
        let stored = self.stored(&tile.path())?;
        if let Some(hashes) = stored.and_then(|bytes| tile.parse_content(&bytes).ok())
            && check_tile(tile, &hashes, place, &above).is_ok()
        {
            return Ok(hashes);
        }
        let bytes = self.content(tile, false).await?;
        let hashes = tile.parse_content(&bytes)?;
        check_tile(tile, &hashes, place, &above)?;
        self.write(&tile.path(), &bytes)?;
        Ok(hashes)
    }

    async fn entries(&mut self, tile: &Tile, hashes: &[Hash]) -> Result<(), MirroringError> {
        let path = tile.entries_path();
        if self.stored(&path)?.is_some_and(|bundle| check_bundle(tile, &bundle, hashes).is_ok()) {
            return Ok(());
        }
        let bundle = self.config.source.bundle(tile).await?;
        self.fetched += 1;
        check_bundle(tile, &bundle, hashes)?;
        self.write(&path, &bundle)
    }

    /// The bytes of a tile, of the disk where it is there already.
    async fn content(&mut self, tile: &Tile, use_disk: bool) -> Result<Vec<u8>, MirroringError> {
        if use_disk
            && let Some(bytes) = self.stored(&tile.path())?
            && tile.parse_content(&bytes).is_ok()
        {
            return Ok(bytes);
        }
        let bytes = self.config.source.tile(tile).await?;
        self.fetched += 1;
        tile.parse_content(&bytes)?;
        Ok(bytes)
    }

    fn stored(&self, name: &str) -> Result<Option<Vec<u8>>, MirroringError> {
        let path = self.config.folder.join(name);
        disk::read(&path).map_err(at(&path))
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), MirroringError> {
        let path = self.config.folder.join(name);
        if let Some(folder) = path.parent() {
            disk::create_folders(folder).map_err(at(folder))?;
            self.folders.insert(folder.to_owned());
        }
        disk::write_whole(&path, bytes).map_err(at(&path))
    }
}

/// Removes the partial tiles that a full one has replaced, of all widths (C2SP tlog-tiles, Partial Tiles). Whatever is left over by a crash
/// or a failure costs room and nothing else.
fn remove_partial(folder: &Path, old: u64, new: u64) {
    for tile in edge_tiles(old).into_iter().filter(|tile| tile.width < TILE_WIDTH) {
        if Tile::at(tile.level, tile.index, new).is_none_or(|now| now.width < TILE_WIDTH) {
            continue;
        }
        let paths = [Some(tile.path()), (tile.level == 0).then(|| tile.entries_path())];
        for path in paths.into_iter().flatten() {
            // The folder `<N>.p` holds the widths of this tile and nothing else.
            let _ = folder.join(path).parent().map(std::fs::remove_dir_all);
        }
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> MirroringError {
    let path = path.to_owned();
    |error| MirroringError::File { path, error }
}
