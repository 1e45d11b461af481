//! A whole log, verified from nothing but its files: checkpoint, cosignatures, entry bundles, tiles.
//!
//! The tree is computed anew from the entries and compared with each tile as it is completed, so memory does not grow with the log. When
//! something differs, the signed root decides who is wrong: where the entries lead to it, the tile is; where the tiles lead to it, the
//! entry is.

use std::collections::BTreeMap;

use tlog::mirror::{above, check_tile};
use tlog::{
    Checkpoint, Frontier, Hash, LogKey, NoteError, Policy, TILE_WIDTH, Tile, Unaccepted, Witnessed,
    decode_entries, leaf_hash, open_by_any, proof, tiles_to_write,
};

use crate::source::{Source, SourceError};
use crate::tiles::Tiles;

/// The most faults that one verification tells.
pub const FAULTS_MAX: usize = 100;

/// What is to be verified.
#[derive(Debug)]
pub struct VerifyConfig {
    /// The log's files.
    pub source: Source,
    /// Which logs are meant, and whose cosignatures a checkpoint needs.
    pub policy: Policy,
    /// The log's key where it is known otherwise than by the policy.
    pub log: Option<LogKey>,
    /// A checkpoint's note that was kept from before, which the log must continue. Without one nobody can tell from the files alone that
    /// a log was rolled back, or shows others something else; the cosignatures of witnesses can.
    pub since: Option<String>,
}

/// A log in which everything fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its checkpoint, with who cosigned it.
    pub witnessed: Witnessed,
    /// The tiles that were compared.
    pub tiles: usize,
    /// The bundles of entries that were hashed.
    pub bundles: usize,
}

/// What does not fit; at most [`FAULTS_MAX`] are told.
#[derive(Debug, thiserror::Error)]
#[error("{}", list(.0))]
pub struct Faults(pub Vec<Fault>);

/// One thing that does not fit.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The checkpoint is not one that the policy accepts.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] Unaccepted),
    /// A file is missing or cannot be read.
    #[error(transparent)]
    File(#[from] SourceError),
    /// A file has not the form of what it should be.
    #[error("`{path}`: {why}")]
    Form {
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The tile is not the one that the signed root covers; the entries are.
    #[error("`{0}` is not what the entries make: the tile was changed")]
    Tile(String),
    /// The entry is not the one that the signed root covers; the tile is.
    #[error("`{path}`: entry {index} is not the one that the log signed: it was changed")]
    Entry {
        /// The bundle.
        path: String,
        /// The entry's place in the log, from 0.
        index: u64,
    },
    /// The checkpoint kept from before is not one of this log.
    #[error("the checkpoint kept from before: {0}")]
    Since(NoteError),
    /// The log is smaller than it was.
    #[error("the log has {size} entries and had {before}: it was rolled back")]
    RolledBack {
        /// Its entries now.
        size: u64,
        /// Its entries in the checkpoint kept from before.
        before: u64,
    },
    /// The log is another one than it was.
    #[error(
        "the log does not continue the checkpoint of {before} entries that was kept from before: two histories are signed"
    )]
    Forked {
        /// The entries in the checkpoint kept from before.
        before: u64,
    },
    /// Neither entries nor tiles make the signed root.
    #[error(
        "neither the entries nor the tiles make the signed root hash: what is here is another log than the one that was signed"
    )]
    Root,
    /// A tile and its bundle fit each other and not the signed root.
    #[error(
        "`{tile}` and `{bundle}` fit each other, but not the tile above, which is signed: both were changed"
    )]
    Together {
        /// The tile.
        tile: String,
        /// The bundle.
        bundle: String,
    },
    /// Entry and tile differ, and nothing in the files tells which is right.
    #[error("`{path}`: entry {index} and its tile differ")]
    Differ {
        /// The bundle.
        path: String,
        /// The entry's place in the log, from 0.
        index: u64,
    },
}

/// Verifies everything that the log published.
///
/// # Errors
/// [`Faults`], which says of each file what is wrong with it.
pub async fn verify(config: &VerifyConfig) -> Result<Verified, Faults> {
    let note = config.source.checkpoint().await.map_err(|error| Faults(vec![error.into()]))?;
    let witnessed = match &config.log {
        Some(log) => config.policy.check_log(&note, log),
        None => config.policy.check(&note),
    };
    let witnessed = witnessed.map_err(|error| Faults(vec![error.into()]))?;
    let before = before(config, &witnessed).map_err(|fault| Faults(vec![fault]))?;
    let mut run = Run::new(&config.source, witnessed.checkpoint(), before);
    run.entries().await;
    run.judge().await;
    let Run { faults, tiles, bundles, .. } = run;
    if faults.is_empty() { Ok(Verified { witnessed, tiles, bundles }) } else { Err(Faults(faults)) }
}

/// Verifies everything that the log published, and gives its entries, in order. For logs that fit into memory.
///
/// # Errors
/// As [`verify`]; also where what was verified was not there any more a moment later.
pub async fn read(config: &VerifyConfig) -> Result<(Verified, Vec<Vec<u8>>), Faults> {
    let verified = verify(config).await?;
    let size = verified.witnessed.checkpoint().size;
    let mut entries = Vec::new();
    let mut tree = Frontier::new();
    for tile in tiles_to_write(0, size).into_iter().filter(|tile| tile.level == 0) {
        let bytes = config.source.bundle(&tile).await.map_err(|error| Faults(vec![error.into()]))?;
        let form = |why: String| Faults(vec![Fault::Form { path: tile.entries_path(), why }]);
        for entry in decode_entries(&bytes).map_err(|error| form(error.to_string()))? {
            let _ = tree.append(leaf_hash(entry));
            entries.push(entry.to_vec());
        }
    }
    // The files may have been exchanged between the two readings.
    if tree.size() != size || tree.root() != *verified.witnessed.root() {
        return Err(Faults(vec![Fault::Root]));
    }
    Ok((verified, entries))
}

/// The checkpoint kept from before.
fn before(config: &VerifyConfig, witnessed: &Witnessed) -> Result<Option<Checkpoint>, Fault> {
    let Some(note) = &config.since else { return Ok(None) };
    let keys = config.policy.logs().iter().map(|log| &log.key).chain(&config.log);
    let (before, _) = open_by_any(note, keys).map_err(Fault::Since)?;
    let head = witnessed.checkpoint();
    if before.origin != head.origin {
        let (expected, found) = (head.origin.clone(), before.origin);
        return Err(Fault::Since(NoteError::OtherLog { expected, found }));
    }
    if before.size > head.size {
        return Err(Fault::RolledBack { size: head.size, before: before.size });
    }
    Ok(Some(before))
}

struct Run<'c> {
    source: &'c Source,
    head: &'c Checkpoint,
    /// What the log must continue, until the tree has grown past it.
    before: Option<Checkpoint>,
    /// Grows with the hashes of the entries as they are in the bundles.
    frontier: Frontier,
    /// For each level of tiles the hashes of the tile that is being filled.
    filling: BTreeMap<u8, Vec<Hash>>,
    /// Tiles that are not what the entries make.
    differing: Vec<Tile>,
    /// Tiles of level 0, by number, whose root is not what the published tile above has.
    astray: Vec<u64>,
    /// Entries that are not those of their tile.
    strange: Vec<(Tile, u64)>,
    /// The size at which the entries were not those of the checkpoint kept from before.
    forked: Option<u64>,
    /// Whether every bundle could be read.
    complete: bool,
    faults: Vec<Fault>,
    tiles: usize,
    bundles: usize,
}

impl<'c> Run<'c> {
    fn new(source: &'c Source, head: &'c Checkpoint, before: Option<Checkpoint>) -> Self {
        Self {
            source,
            head,
            before,
            frontier: Frontier::new(),
            filling: BTreeMap::new(),
            differing: Vec::new(),
            astray: Vec::new(),
            strange: Vec::new(),
            forked: None,
            complete: true,
            faults: Vec::new(),
            tiles: 0,
            bundles: 0,
        }
    }

    /// Reads every bundle and tile once.
    async fn entries(&mut self) {
        let size = self.head.size;
        self.compare_before();
        for tile in tiles_to_write(0, size).into_iter().filter(|tile| tile.level == 0) {
            if self.is_full() {
                return;
            }
            let hashes = self.tile(&tile).await;
            let leaves = self.leaves(&tile).await;
            self.compare_leaves(&tile, hashes.as_deref(), leaves.as_deref());
            // Where a bundle cannot be read its tile stands in for it, so that what follows is still compared.
            let Some(leaves) = leaves.or(hashes) else { return };
            for leaf in leaves {
                self.append(leaf).await;
                self.compare_before();
            }
        }
        for (level, hashes) in std::mem::take(&mut self.filling) {
            self.compare(level, &hashes).await;
        }
    }

    async fn tile(&mut self, tile: &Tile) -> Option<Vec<Hash>> {
        self.tiles += 1;
        let bytes = match self.source.tile(tile).await {
            Ok(bytes) => bytes,
            Err(error) => {
                self.fault(error);
                return None;
            }
        };
        match tile.parse_content(&bytes) {
            Ok(hashes) => Some(hashes),
            Err(error) => {
                self.fault(Fault::Form { path: tile.path(), why: error.to_string() });
                None
            }
        }
    }

    async fn leaves(&mut self, tile: &Tile) -> Option<Vec<Hash>> {
        self.bundles += 1;
        let path = tile.entries_path();
        let read = self.source.bundle(tile).await.map_err(Fault::from).and_then(|bytes| {
            let form = |why: String| Fault::Form { path: path.clone(), why };
            let entries = decode_entries(&bytes).map_err(|error| form(error.to_string()))?;
            if entries.len() != usize::from(tile.width) {
                return Err(form(format!("it has {} entries, not {}", entries.len(), tile.width)));
            }
            Ok(entries.into_iter().map(leaf_hash).collect())
        });
        match read {
            Ok(leaves) => Some(leaves),
            Err(fault) => {
                self.complete = false;
                self.fault(fault);
                None
            }
        }
    }

    fn compare_leaves(&mut self, tile: &Tile, hashes: Option<&[Hash]>, leaves: Option<&[Hash]>) {
        let (Some(hashes), Some(leaves)) = (hashes, leaves) else { return };
        let first = tile.index.saturating_mul(u64::from(TILE_WIDTH));
        let different = (first..).zip(hashes.iter().zip(leaves)).filter(|(_, (tile, entry))| tile != entry);
        let places: Vec<u64> = different.map(|(index, _)| index).take(FAULTS_MAX).collect();
        if !places.is_empty() {
            self.differing.push(*tile);
        }
        self.strange.extend(places.into_iter().map(|index| (*tile, index)));
    }

    /// Compares the tree with the checkpoint kept from before when it has grown that far.
    fn compare_before(&mut self) {
        if let Some(before) = self.before.take_if(|before| before.size == self.frontier.size())
            && before.root != self.frontier.root()
        {
            self.forked = Some(before.size);
        }
    }

    /// Adds a leaf to the tree; compares each tile above level 0 when it is full.
    async fn append(&mut self, leaf: Hash) {
        for (level, _, hash) in self.frontier.append(leaf) {
            if level == 0 || level % 8 != 0 {
                continue;
            }
            let filling = self.filling.entry(level / 8).or_default();
            filling.push(hash);
            if filling.len() == usize::from(TILE_WIDTH) {
                let full = std::mem::take(filling);
                self.compare(level / 8, &full).await;
            }
        }
    }

    /// Compares the last tile of a level so far with these hashes.
    async fn compare(&mut self, level: u8, hashes: &[Hash]) {
        let nodes = self.frontier.size().checked_shr(u32::from(level) * 8).unwrap_or(0);
        let Some(last) = nodes.checked_sub(1).filter(|_| !hashes.is_empty()) else { return };
        let Some(tile) = Tile::at(level, last / u64::from(TILE_WIDTH), self.frontier.size()) else { return };
        let Some(published) = self.tile(&tile).await.filter(|published| published != hashes) else { return };
        self.differing.push(tile);
        if level == 1 {
            let first = tile.index.saturating_mul(u64::from(TILE_WIDTH));
            let places = (first..).zip(published.iter().zip(hashes));
            self.astray.extend(places.filter(|(_, (above, made))| above != made).map(|(index, _)| index));
        }
    }

    /// Decides by the signed root who is wrong where something differs.
    async fn judge(&mut self) {
        let made = self.frontier.size() == self.head.size && self.frontier.root() == self.head.root;
        if made {
            if let Some(before) = self.forked {
                self.fault(Fault::Forked { before });
            }
            for tile in std::mem::take(&mut self.differing) {
                self.fault(Fault::Tile(tile.path()));
            }
            return;
        }
        let edge = self.edge_holds().await;
        if edge {
            self.judge_entries().await;
        } else if self.complete || self.faults.is_empty() {
            self.fault(Fault::Root);
        }
        if self.faults.is_empty() {
            self.fault(Fault::Root);
        }
    }

    /// The published tiles lead to the signed root; so they say which entries are wrong, as far as they hang together themselves.
    async fn judge_entries(&mut self) {
        let mut named = Vec::new();
        for (tile, index) in std::mem::take(&mut self.strange) {
            let path = tile.entries_path();
            let vouched = self.is_vouched_for(&tile).await;
            self.fault(if vouched { Fault::Entry { path, index } } else { Fault::Differ { path, index } });
            named.push(tile.index);
        }
        for index in std::mem::take(&mut self.astray) {
            let tile = Tile { level: 0, index, width: TILE_WIDTH };
            if !named.contains(&index) {
                self.fault(Fault::Together { tile: tile.path(), bundle: tile.entries_path() });
            }
        }
    }

    /// Whether the published tiles lead to the signed root.
    async fn edge_holds(&self) -> bool {
        let (size, root) = (self.head.size, self.head.root);
        let made = Tiles::new(self.source, size).compute(|read| proof::root(size, read)).await;
        made.is_ok_and(|made| made == root)
    }

    /// Whether the signed root covers this published tile: from it upwards each is what the one above says.
    async fn is_vouched_for(&self, tile: &Tile) -> bool {
        let size = self.head.size;
        let hashes_of = async |tile: &Tile| -> Option<Vec<Hash>> {
            tile.parse_content(&self.source.tile(tile).await.ok()?).ok()
        };
        let mut tile = *tile;
        let Some(mut hashes) = hashes_of(&tile).await else { return false };
        while let Some((parent, place)) = above(&tile, size) {
            let Some(above) = hashes_of(&parent).await else { return false };
            if check_tile(&tile, &hashes, place, &above).is_err() {
                return false;
            }
            (tile, hashes) = (parent, above);
        }
        true
    }

    fn fault(&mut self, fault: impl Into<Fault>) {
        if !self.is_full() {
            self.faults.push(fault.into());
        }
    }

    fn is_full(&self) -> bool {
        self.faults.len() >= FAULTS_MAX
    }
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
