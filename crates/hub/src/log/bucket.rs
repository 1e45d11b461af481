//! The log in a bucket: what the folder holds elsewhere, filled behind the hub's back and read before the database is asked.
//!
//! One of several hubs fills it. The order is the folder's: tiles and bundles first, each under a name that nothing else is put
//! under; then the checkpoint over them, as it was read or not at all. So everything under the checkpoint in the bucket is there,
//! whoever filled it and wherever it stopped. A bucket that is away stops nothing: its checkpoint stays behind, and tiles
//! are made from the database.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use store::blobs::{Blob, BlobError, Bucket};
use store::trees::Tree;
use tlog::{Checkpoint, TILE_WIDTH, Tile, tiles_to_write};
use tokio::time::Instant;

use super::{PublishedLog, entry_bundle, nodes_of, prefix};
use crate::state::AppState;

/// How often it is filled: a bucket is paid for by the request.
const FILL_EVERY: Duration = Duration::from_secs(5);
/// Tiles that are read from the database at a time, so that no snapshot stands open while the bucket is written.
const TILES_AT_ONCE: usize = 32;
/// Requests to the bucket at a time.
const REQUESTS_AT_ONCE: usize = 8;
/// How long a reader waits for the bucket before the database is asked.
const READ_WAIT: Duration = Duration::from_secs(1);
/// How long the bucket is not asked after it did not answer.
const REST: Duration = Duration::from_secs(10);
/// The checkpoint's name, as in the folder.
const CHECKPOINT: &str = "checkpoint";

/// The duty of filling it.
fn duty(tree: Tree) -> &'static str {
    match tree {
        Tree::Acts => "log/",
        Tree::Authorisations => "log-authorisations/",
        Tree::Statistics => "log-statistics/",
    }
}

/// A bucket with the log in it.
pub(crate) struct Shelf {
    bucket: Bucket,
    /// Which log.
    tree: Tree,
    /// When it may be asked again.
    rests_until: Mutex<Option<Instant>>,
    trouble: Mutex<Option<Trouble>>,
    /// Leaves under the checkpoint in it, as far as this hub knows.
    size: Gauge,
    reads: Reads,
}

/// Tiles given from the bucket, and those that it was asked for in vain.
#[derive(Default)]
struct Reads {
    given: prometheus_client::metrics::counter::Counter,
    missed: prometheus_client::metrics::counter::Counter,
    filled: AtomicU64,
}

/// Why it is not filled.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    /// What anybody may be told.
    public: &'static str,
    detail: String,
}

const AWAY: &str = "blobs-away: the bucket cannot be written; tiles are made from the database";
const FOREIGN: &str =
    "blobs-differ: the bucket holds something else than this node's log; it is left as it is";

impl Shelf {
    pub(crate) fn new(bucket: Bucket, tree: Tree) -> Self {
        Self {
            bucket,
            tree,
            rests_until: Mutex::default(),
            trouble: Mutex::default(),
            size: Gauge::default(),
            reads: Reads::default(),
        }
    }

    /// What is counted.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = match self.tree {
            Tree::Acts => registry,
            other => registry.sub_registry_with_prefix(other.segment()),
        };
        let about = "Leaves under the checkpoint in the bucket";
        registry.register("yagura_blobs_checkpoint_size", about, self.size.clone());
        registry.register("yagura_blobs_given", "Tiles given from the bucket", self.reads.given.clone());
        let about = "Tiles that the bucket did not have, or not in time";
        registry.register("yagura_blobs_missed", about, self.reads.missed.clone());
    }

    /// What is wrong with it, as anybody may be told.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().map(|trouble| trouble.public)
    }

    /// The name in the bucket of a file of this log.
    fn name(&self, file: &str) -> String {
        format!("{}{file}", prefix(self.tree))
    }

    /// What stands under a name; `None` where it is not there, or not to be had in time.
    pub(super) async fn read(&self, name: &str) -> Option<Bytes> {
        let now = Instant::now();
        let rests_until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        if rests_until.is_some_and(|until| until > now) {
            self.reads.missed.inc();
            return None;
        }
        let given = match tokio::time::timeout(READ_WAIT, self.bucket.get(&self.name(name))).await {
            Ok(Ok(given)) => given.map(|blob| blob.bytes),
            Ok(Err(_)) | Err(_) => {
                let until = now + REST;
                *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
                None
            }
        };
        if given.is_some() {
            self.reads.given.inc()
        } else {
            self.reads.missed.inc()
        };
        given
    }

    fn set_trouble(&self, trouble: Option<Trouble>) {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == trouble {
            return;
        }
        match &trouble {
            Some(trouble) => tracing::warn!(trouble = trouble.detail, "{}", trouble.public),
            None => tracing::info!("the bucket is filled again"),
        }
        *known = trouble;
    }
}

/// Fills the bucket until the hub stops, where it is this hub's duty.
pub(crate) async fn run(state: AppState, log: PublishedLog, shelf: Arc<Shelf>) {
    loop {
        let wanted = BTreeSet::from(["bucket".to_owned()]);
        match state.duties.take(&state.store, duty(shelf.tree), wanted).await {
            Ok(own) if own.is_empty() => shelf.set_trouble(None),
            Ok(_) => {
                let filled = fill(&state, &log, &shelf).await.err();
                shelf.set_trouble(filled);
            }
            Err(error) => tracing::error!(%error, "it is not known whether this hub fills the bucket"),
        }
        tokio::select! {
            () = state.stopping.wait() => return,
            () = tokio::time::sleep(FILL_EVERY) => {}
        }
    }
}

/// Brings the bucket to the node's newest checkpoint.
async fn fill(state: &AppState, log: &PublishedLog, shelf: &Shelf) -> Result<(), Trouble> {
    let Some(note) = newest_note(state, log).await? else { return Ok(()) };
    let newest = signed_by_this_node(state, log, &note)?;
    let is_filled = shelf.reads.filled.load(Ordering::Relaxed) == newest.size;
    // A log without entries has nothing to put there.
    if is_filled || newest.size == 0 {
        return Ok(());
    }
    let checkpoint = shelf.name(CHECKPOINT);
    let there = shelf.bucket.get(&checkpoint).await.map_err(|error| told(&error))?;
    let old = match &there {
        Some(there) => is_of_this_log(state, log, there).await?,
        None => 0,
    };
    if old < newest.size {
        for tiles in tiles_to_write(old, newest.size).chunks(TILES_AT_ONCE) {
            let named = made(state, shelf.tree, tiles.to_vec()).await?;
            let put = futures::stream::iter(named)
                .map(|(name, bytes)| async move { shelf.bucket.put_new(&shelf.name(&name), bytes).await })
                .buffer_unordered(REQUESTS_AT_ONCE);
            put.try_collect::<()>().await.map_err(|error| told(&error))?;
            if state.stopping.is_set() {
                return Ok(());
            }
        }
        let put = shelf.bucket.replace(&checkpoint, Bytes::from(note), there.as_ref()).await;
        match put {
            Ok(()) => {}
            // Another hub has filled it meanwhile: the next round sees how far.
            Err(BlobError::Replaced(_)) => return Ok(()),
            Err(error) => return Err(told(&error)),
        }
        remove_partial(shelf, old, newest.size).await.map_err(|error| told(&error))?;
    }
    let size = old.max(newest.size);
    shelf.reads.filled.store(size, Ordering::Relaxed);
    shelf.size.set(i64::try_from(size).unwrap_or(i64::MAX));
    Ok(())
}

async fn newest_note(state: &AppState, log: &PublishedLog) -> Result<Option<String>, Trouble> {
    let note = log.newest(&state.store).await;
    let note = note.map_err(|error| Trouble { public: AWAY, detail: error.to_string() })?;
    Ok(note.and_then(|note| String::from_utf8(note.to_vec()).ok()))
}

fn signed_by_this_node(state: &AppState, log: &PublishedLog, note: &str) -> Result<Checkpoint, Trouble> {
    let key = log.key();
    tlog::open_log(note, &key, key.name()).map_err(|error| Trouble {
        public: FOREIGN,
        detail: format!("{:?}: the checkpoint is not of this node: {error}", state.config.blobs),
    })
}

/// The size under the bucket's checkpoint, if the database can explain it.
async fn is_of_this_log(state: &AppState, log: &PublishedLog, there: &Blob) -> Result<u64, Trouble> {
    let note = String::from_utf8_lossy(&there.bytes).into_owned();
    let seen = signed_by_this_node(state, log, &note)?;
    let size = seen.size;
    super::check_against_store(&state.store, seen, log.0.tree).await.map_err(|error| Trouble {
        public: FOREIGN,
        detail: format!("{:?}: {}", state.config.blobs, error.message),
    })?;
    Ok(size)
}

/// Tiles and bundles by their names.
async fn made(state: &AppState, tree: Tree, tiles: Vec<Tile>) -> Result<Vec<(String, Bytes)>, Trouble> {
    let made = state.store.read(move |reader| {
        let mut named = Vec::with_capacity(tiles.len() * 2);
        for tile in tiles {
            named.push((tile.path(), Bytes::from(nodes_of(reader, tree, &tile)?.concat())));
            if tile.level == 0 {
                named.push((tile.entries_path(), Bytes::from(entry_bundle(reader, tree, &tile)?)));
            }
        }
        Ok(named)
    });
    made.await.map_err(|error| Trouble { public: AWAY, detail: error.to_string() })
}

/// Removes the partial forms of tiles that are full now: the hub cuts them from the full one. Of each level only the first tile that
/// grew can have been there in part.
async fn remove_partial(shelf: &Shelf, old: u64, new: u64) -> Result<(), BlobError> {
    let grown = tiles_to_write(old, new);
    let first = grown.chunk_by(|a, b| a.level == b.level).filter_map(<[Tile]>::first);
    for tile in first.filter(|tile| tile.width == TILE_WIDTH) {
        for full in [tile.path(), tile.entries_path()] {
            let names = shelf.bucket.names_in(&shelf.name(&format!("{full}.p"))).await?;
            shelf.bucket.remove_all(names).await?;
        }
    }
    Ok(())
}

fn told(error: &BlobError) -> Trouble {
    let public = match error {
        BlobError::Differs(_) => FOREIGN,
        BlobError::Replaced(_) | BlobError::Away(_) => AWAY,
    };
    Trouble { public, detail: error.to_string() }
}
