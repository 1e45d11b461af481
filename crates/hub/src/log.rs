//! The transparency logs as files that anybody can fetch: of each a signed checkpoint, tiles, entry bundles (C2SP tlog-tiles).
//!
//! There are three: that of all acts, and below it those of authorisations and of statistics. A tree itself grows in the store, in the transaction of each
//! act. One task of each owns its files under `data/log`, and nobody else writes there. Where several hubs share a store, they sign one checkpoint between them: whoever sees growth first signs it in a
//! write transaction, of which there is one at a time over all of them, and keeps it in the store. So there is never a second
//! checkpoint of the same size, and whichever hub is asked, what it shows never goes back. What is published reveals no content: an entry is a salted commitment.

mod bucket;
mod cosigning;
mod padding;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::extract::{Path as UrlPath, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use prometheus_client::metrics::gauge::Gauge;
use store::trees::Tree;
use store::{Act, Reader, Store, StoreError, Tx, settings};
use tlog::{Checkpoint, SigningKey, TILE_WIDTH, Tile, tiles_to_write};

use crate::config::{HubConfig, Padding};
use crate::first_start::NodeIdentity;
use crate::listed::Listed;
use crate::problem::{Answer, Failure};
use crate::state::{AppState, Stopping};
use crate::{HubError, REALM};

pub(crate) use bucket::{Shelf, run as fill_bucket};
pub(crate) use cosigning::Cosigned;
pub use cosigning::Witnesses;

/// How often new leaves are published.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

pub(crate) fn routes() -> Listed {
    Listed::default()
        .get("/log/checkpoint", checkpoint)
        .get("/log/tile/{*place}", tile)
        .get("/log/authorisations/checkpoint", authorisations_checkpoint)
        .get("/log/authorisations/tile/{*place}", authorisations_tile)
        .get("/log/statistics/checkpoint", statistics_checkpoint)
        .get("/log/statistics/tile/{*place}", statistics_tile)
}

/// The setting that holds a log's newest checkpoint where several hubs share a store.
fn checkpoint_setting(tree: Tree) -> &'static str {
    match tree {
        Tree::Acts => "log.checkpoint",
        Tree::Authorisations => "log.authorisations.checkpoint",
        Tree::Statistics => "log.statistics.checkpoint",
    }
}

/// What stands before the names of a log's files.
fn prefix(tree: Tree) -> &'static str {
    match tree {
        Tree::Acts => "",
        Tree::Authorisations => "authorisations/",
        Tree::Statistics => "statistics/",
    }
}

/// What is published, as the server reads it.
#[derive(Clone)]
pub(crate) struct PublishedLog(Arc<Published>);

struct Published {
    tree: Tree,
    folder: PathBuf,
    checkpoint: ArcSwapOption<Bytes>,
    /// Whether other hubs publish the same log.
    is_shared: bool,
    key: Arc<SigningKey>,
    /// Where the tiles are instead of the folder.
    shelf: Option<Arc<Shelf>>,
    /// The witnesses, where there are any.
    cosigned: Option<Arc<Cosigned>>,
    /// Why nothing is published any more.
    trouble: Mutex<Option<String>>,
}

impl PublishedLog {
    /// Why the log stands still, where it does.
    pub(crate) fn trouble(&self) -> Option<String> {
        let own = self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        own.or_else(|| self.0.cosigned.as_ref()?.trouble())
    }

    /// What its witnesses say, where there are any.
    pub(crate) fn cosigned(&self) -> Option<&Arc<Cosigned>> {
        self.0.cosigned.as_ref()
    }

    /// Has its checkpoints cosigned until the hub stops.
    pub(crate) async fn run_cosigning(self, stopping: Stopping) {
        if let Some(cosigned) = self.0.cosigned.clone() {
            cosigned.run(self, stopping).await;
        }
    }

    /// The newest checkpoint as this hub signed it.
    fn signed(&self) -> Option<Bytes> {
        self.0.checkpoint.load_full().map(|note| Bytes::clone(&note))
    }

    fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// The bucket that holds the tiles, where there is one.
    pub(crate) fn shelf(&self) -> Option<&Arc<Shelf>> {
        self.0.shelf.as_ref()
    }

    /// The key that its checkpoints are signed with, by which others know it.
    pub(crate) fn key(&self) -> tlog::VerifyingKey {
        self.0.key.verifying_key()
    }

    /// The newest signed checkpoint, where there are witnesses the newest that they cosigned; `None` before the first.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn newest(&self, store: &Store) -> Result<Option<Bytes>, StoreError> {
        if self.0.is_shared {
            let tree = self.0.tree;
            let note = store.read(move |reader| shared_note(reader, tree)).await?;
            return Ok(note.map(Bytes::from));
        }
        let note = match &self.0.cosigned {
            Some(cosigned) => cosigned.note(),
            None => self.0.checkpoint.load_full(),
        };
        Ok(note.map(|note| Bytes::clone(&note)))
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// Loads the log and publishes what the store has and the files have not. Nothing is written before the old checkpoint is checked.
///
/// Where could we have crashed? Before the checkpoint was renamed: then the old one stands, and tiles beyond it are written
/// again with the same bytes. After: then all of it stands. So the checkpoint on disk must be one that the store can explain;
/// a store that is shorter, or another tree, was rolled back or altered, and the node refuses to serve.
///
/// # Errors
/// `log` where the checkpoint and the store contradict each other; `file`.
pub(crate) async fn open(
    config: &HubConfig,
    store: &Store,
    node: &NodeIdentity,
    tree: Tree,
) -> Result<Owner, HubError> {
    let folder = config.data.join("log").join(tree.segment());
    let key = match tree {
        Tree::Acts => &node.key,
        Tree::Authorisations => &node.authorisations_key,
        Tree::Statistics => &node.statistics_key,
    };
    std::fs::create_dir_all(&folder).map_err(|e| HubError::file(&folder, &e))?;
    let key = Arc::clone(key);
    let path = folder.join("checkpoint");
    let is_shared = config.store.is_some();
    if is_shared {
        check_shared(store, &key, tree).await?;
    }
    let published = match std::fs::read_to_string(&path) {
        Ok(note) => {
            let seen = tlog::open_log(&note, &key.verifying_key(), key.name());
            let seen = seen.map_err(|e| {
                HubError::new("log", format!("`{}` is not of this node: {e}", path.display()))
            })?;
            check_against_store(store, seen.clone(), tree).await?;
            Some((seen.size, note))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(HubError::file(&path, &error)),
    };
    let size = published.as_ref().map_or(0, |(size, _)| *size);
    let checkpoint = ArcSwapOption::from_pointee(published.map(|(_, note)| Bytes::from(note)));
    let witnesses = config.witnesses.as_ref();
    let cosigned = witnesses.map(|all| Cosigned::open(all, &key.verifying_key(), &folder)).transpose()?;
    let log = PublishedLog(Arc::new(Published {
        tree,
        cosigned: cosigned.map(Arc::new),
        folder,
        checkpoint,
        is_shared,
        key: Arc::clone(&key),
        shelf: config.blobs.clone().map(|bucket| Arc::new(Shelf::new(bucket, tree))),
        trouble: Mutex::new(None),
    }));
    let padding = config.padding.filter(|_| tree == Tree::Acts);
    let mut owner = Owner { store: store.clone(), key, log, size, padding };
    // The first checkpoint is there before the first request.
    owner.publish().await.map_err(|trouble| HubError::new("log", trouble))?;
    Ok(owner)
}

/// Checks the checkpoint that hubs signed before into the store itself.
async fn check_shared(store: &Store, key: &SigningKey, tree: Tree) -> Result<(), HubError> {
    let Some(note) = store.read(move |reader| shared_note(reader, tree)).await? else { return Ok(()) };
    let seen = tlog::open_log(&note, &key.verifying_key(), key.name())
        .map_err(|e| HubError::new("log", format!("the checkpoint in the store is not of this node: {e}")))?;
    check_against_store(store, seen, tree).await
}

fn shared_note(reader: &Reader<'_>, tree: Tree) -> Result<Option<String>, StoreError> {
    let value = settings::get(reader, &REALM, checkpoint_setting(tree))?;
    value
        .map(|value| String::from_utf8(value).map_err(|_| StoreError::Corrupt("checkpoint".to_owned())))
        .transpose()
}

async fn check_against_store(store: &Store, seen: Checkpoint, tree: Tree) -> Result<(), HubError> {
    let size = seen.size;
    let explained = store.read(move |reader| {
        let (stored, _) = tree.head(reader)?;
        if stored < seen.size {
            return Ok(false);
        }
        let root =
            tlog::proof::root(seen.size, |level, index| tree.node(reader, level, index).ok().flatten());
        Ok(root.is_ok_and(|root| root == seen.root))
    });
    if explained.await? {
        return Ok(());
    }
    let message = format!(
        "the store does not explain the signed checkpoint of {size} leaves: it was rolled back or altered; restore a newer backup, \
         and tell those who watch the log"
    );
    Err(HubError::new("log", message))
}

/// The one that writes the files.
pub(crate) struct Owner {
    store: Store,
    key: Arc<SigningKey>,
    log: PublishedLog,
    /// Leaves under the checkpoint on disk.
    size: u64,
    /// How its size is kept from telling anything.
    padding: Option<Padding>,
}

impl Owner {
    /// What it publishes, as the server reads it.
    pub(crate) fn published(&self) -> PublishedLog {
        self.log.clone()
    }

    /// Publishes until the hub stops, and once more then.
    pub(crate) async fn run(mut self, size: Gauge, stopping: Stopping) {
        let every = self.padding.map_or(PUBLISH_EVERY, |padding| padding.every);
        loop {
            size.set(i64::try_from(self.size).unwrap_or(i64::MAX));
            let is_stopping = stopping.is_set();
            let trouble = self.publish().await.err();
            if let Some(trouble) = &trouble {
                tracing::error!(trouble, "the transparency log cannot be published; trying again");
            }
            self.log.set_trouble(trouble);
            if is_stopping {
                break;
            }
            tokio::select! { () = tokio::time::sleep(every) => {} () = stopping.wait() => {} }
        }
    }

    /// Publishes what the store has and the files have not. The order is the design:
    ///
    /// 1. Size and root are read from one snapshot of the store, where each leaf is committed with its act.
    /// 2. Every tile and entry bundle, where no bucket holds them, that the growth completes or widens is written under its final name, through a temporary
    ///    file, and synced. Nothing refers to them yet; written twice, they have the same bytes.
    /// 3. The checkpoint over size and root is signed, written to a temporary file, synced, and renamed over the old one.
    /// 4. It is served.
    /// 5. Partial tiles that a full one has replaced are removed; the server cuts them from the full one.
    async fn publish(&mut self) -> Result<(), String> {
        let (old, key, folder, tree) =
            (self.size, Arc::clone(&self.key), self.log.0.folder.clone(), self.log.0.tree);
        let agreed = match self.padding {
            Some(padding) => Some(padding::fill(&self.store, &key, old, padding.to).await?),
            None if self.log.0.is_shared => Some(self.agree().await?),
            None => None,
        };
        let has_tiles = self.log.0.shelf.is_none();
        let published = self
            .store
            .read(move |reader| write_growth(reader, (tree, &key), (&folder, has_tiles), old, agreed));
        if let Some((size, note)) = published.await.map_err(|error| error.to_string())? {
            self.log.0.checkpoint.store(Some(Arc::new(Bytes::from(note))));
            if has_tiles {
                remove_partial(&self.log.0.folder, old, size);
            }
            self.size = size;
        }
        Ok(())
    }
}

impl Owner {
    /// The checkpoint that all hubs on this store show: the one in it, or a new one where the log has grown.
    async fn agree(&self) -> Result<(u64, String), String> {
        let (key, tree) = (Arc::clone(&self.key), self.log.0.tree);
        let agreed = self.store.read({
            let key = Arc::clone(&key);
            move |reader| signed_head(reader, &key, tree)
        });
        if let Some(agreed) = agreed.await.map_err(|error| error.to_string())? {
            return Ok(agreed);
        }
        let signed = self.store.write(move |tx: &mut Tx<'_>| {
            // Another hub may have been first.
            if let Some(agreed) = signed_head(tx, &key, tree)? {
                return Ok(Act::bookkeeping(agreed));
            }
            let (size, root) = tree.head(tx)?;
            let note = key.sign_checkpoint(&Checkpoint { origin: key.name().to_owned(), size, root });
            settings::put(tx, &REALM, checkpoint_setting(tree), note.as_bytes())?;
            Ok(Act::bookkeeping((size, note)))
        });
        signed.await.map_err(|error| error.to_string())
    }
}

/// The checkpoint in the store with its size, if it is of all leaves.
fn signed_head(
    reader: &Reader<'_>,
    key: &SigningKey,
    tree: Tree,
) -> Result<Option<(u64, String)>, StoreError> {
    let Some(note) = shared_note(reader, tree)? else { return Ok(None) };
    let signed = tlog::open_log(&note, &key.verifying_key(), key.name())
        .map_err(|error| StoreError::Corrupt(format!("checkpoint: {error}")))?;
    let (size, root) = tree.head(reader)?;
    if signed.size > size || signed.size == size && signed.root != root {
        return Err(StoreError::Corrupt("the signed checkpoint is not of this tree".to_owned()));
    }
    Ok((signed.size == size).then_some((size, note)))
}

/// Writes what the files have not: tiles, where they stand in the folder, and the checkpoint. `agreed`: the size and checkpoint that are published instead of the store's newest.
fn write_growth(
    reader: &Reader<'_>,
    (tree, key): (Tree, &SigningKey),
    (folder, has_tiles): (&Path, bool),
    old: u64,
    agreed: Option<(u64, String)>,
) -> Result<Option<(u64, String)>, StoreError> {
    let (size, note) = match agreed {
        Some(agreed) => agreed,
        None => {
            let (size, root) = tree.head(reader)?;
            (size, key.sign_checkpoint(&Checkpoint { origin: key.name().to_owned(), size, root }))
        }
    };
    if size <= old && folder.join("checkpoint").exists() {
        return Ok(None);
    }
    for tile in tiles_to_write(old, size).into_iter().filter(|_| has_tiles) {
        let nodes = nodes_of(reader, tree, &tile)?;
        write_synced(&folder.join(tile.path()), &nodes.concat())?;
        if tile.level == 0 {
            write_synced(&folder.join(tile.entries_path()), &entry_bundle(reader, tree, &tile)?)?;
        }
    }
    write_synced(&folder.join("checkpoint"), note.as_bytes())?;
    Ok(Some((size, note)))
}

fn nodes_of(reader: &Reader<'_>, tree: Tree, tile: &Tile) -> Result<Vec<tlog::Hash>, StoreError> {
    let level = tile.level.saturating_mul(8);
    let first = tile.index.saturating_mul(u64::from(TILE_WIDTH));
    let nodes = tree.nodes(reader, level, first, first.saturating_add(u64::from(tile.width)))?;
    if nodes.len() == usize::from(tile.width) {
        return Ok(nodes);
    }
    Err(StoreError::Corrupt(format!("the tree lacks nodes of tile `{}`", tile.path())))
}

/// Makes a folder with those above it, each of them on disk: a checkpoint outlives no loss of power that its tiles do not.
fn create_folders(folder: &Path) -> std::io::Result<()> {
    let Some(above) = folder.parent().filter(|_| !folder.is_dir()) else { return Ok(()) };
    create_folders(above)?;
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(if above.as_os_str().is_empty() { Path::new(".") } else { above })?.sync_all()
}

/// Writes a file so that it is whole under its name or not there.
fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folders(folder)?;
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}

/// Removes the partial forms of tiles that are full now. A failure leaves files that nobody needs.
fn remove_partial(folder: &Path, old: u64, new: u64) {
    for tile in tiles_to_write(old, new).into_iter().filter(|tile| tile.width == TILE_WIDTH) {
        let _ = std::fs::remove_dir_all(folder.join(format!("{}.p", tile.path())));
        let _ = std::fs::remove_dir_all(folder.join(format!("{}.p", tile.entries_path())));
    }
}

/// The newest signed checkpoint of all acts.
async fn checkpoint(State(state): State<AppState>) -> Answer<Response> {
    give_checkpoint(&state, &state.log).await
}

/// The newest signed checkpoint of authorisations.
async fn authorisations_checkpoint(State(state): State<AppState>) -> Answer<Response> {
    give_checkpoint(&state, &state.authorisations_log).await
}

/// The newest signed checkpoint of statistics.
async fn statistics_checkpoint(State(state): State<AppState>) -> Answer<Response> {
    give_checkpoint(&state, &state.statistics_log).await
}

async fn give_checkpoint(state: &AppState, log: &PublishedLog) -> Answer<Response> {
    let note = log.newest(&state.store).await?.ok_or_else(|| {
        Failure::new(api::Code::Unavailable, "the log has no checkpoint yet; try again later")
    })?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

/// A tile or entry bundle of the log of acts.
async fn tile(State(state): State<AppState>, UrlPath(place): UrlPath<String>) -> Answer<Response> {
    give_tile(&state, &state.log, &place).await
}

/// A tile or entry bundle of the log of authorisations.
async fn authorisations_tile(
    State(state): State<AppState>,
    UrlPath(place): UrlPath<String>,
) -> Answer<Response> {
    give_tile(&state, &state.authorisations_log, &place).await
}

/// A tile or entry bundle of the log of statistics.
async fn statistics_tile(State(state): State<AppState>, UrlPath(place): UrlPath<String>) -> Answer<Response> {
    give_tile(&state, &state.statistics_log, &place).await
}

/// Tiles never change, so everybody may keep them.
async fn give_tile(state: &AppState, log: &PublishedLog, place: &str) -> Answer<Response> {
    let path = format!("tile/{place}");
    let is_entries = place.starts_with("entries/");
    let tile = if is_entries { Tile::parse_entries_path(&path) } else { Tile::parse_path(&path) };
    let tile = tile.map_err(|_| Failure::not_found())?;
    let bytes = match find(&log.0, &path, &tile, is_entries).await? {
        Some(bytes) => bytes,
        None if log.0.is_shared || log.0.shelf.is_some() => {
            from_store(&state.store, log.0.tree, tile, is_entries).await?
        }
        None => return Err(Failure::not_found()),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, bytes).into_response())
}

/// A tile as it stands in the folder or the bucket, or cut from the full one there.
async fn find(log: &Published, path: &str, tile: &Tile, is_entries: bool) -> Answer<Option<Vec<u8>>> {
    if let Some(bytes) = read(log, path).await {
        return Ok(Some(bytes));
    }
    let full = Tile { width: TILE_WIDTH, ..*tile };
    let path = if is_entries { full.entries_path() } else { full.path() };
    if tile.width == TILE_WIDTH {
        return Ok(None);
    }
    let Some(full) = read(log, &path).await else { return Ok(None) };
    let cut = beginning(full, tile, is_entries);
    cut.map(Some).ok_or_else(|| Failure::internal("a tile is damaged"))
}

async fn read(log: &Published, path: &str) -> Option<Vec<u8>> {
    match &log.shelf {
        Some(shelf) => shelf.read(path).await.map(Vec::from),
        None => tokio::fs::read(log.folder.join(path)).await.ok(),
    }
}

/// A tile that is signed and not written yet, or not to be had from where it was written.
async fn from_store(store: &Store, tree: Tree, tile: Tile, is_entries: bool) -> Answer<Vec<u8>> {
    let made = store.read(move |reader| {
        let nodes = match nodes_of(reader, tree, &tile) {
            Ok(nodes) => nodes,
            // The tree is not so large yet.
            Err(StoreError::Corrupt(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        if is_entries { entry_bundle(reader, tree, &tile).map(Some) } else { Ok(Some(nodes.concat())) }
    });
    made.await?.ok_or_else(Failure::not_found)
}

fn entry_bundle(reader: &Reader<'_>, tree: Tree, tile: &Tile) -> Result<Vec<u8>, StoreError> {
    let first = tile.index.saturating_mul(u64::from(TILE_WIDTH));
    let entries = tree.entries(reader, first, first.saturating_add(u64::from(tile.width)))?;
    tlog::encode_entries(entries).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A partial tile is the beginning of the full one.
fn beginning(mut full: Vec<u8>, tile: &Tile, is_entries: bool) -> Option<Vec<u8>> {
    let width = usize::from(tile.width);
    let length = if is_entries {
        let entries = tlog::decode_entries(&full).ok()?;
        entries.iter().take(width).map(|entry| entry.len() + 2).sum()
    } else {
        width * 32
    };
    (length <= full.len()).then(|| {
        full.truncate(length);
        full
    })
}
