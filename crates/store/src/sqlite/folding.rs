//! The write-ahead log is folded into the database beside the writer, so that no writer waits for it.
//!
//! SQLite has the connection that commits do it by itself, and whoever writes then waits for as long as it takes: half a second for
//! 80 MB on a slow disk. A passive checkpoint on another connection keeps neither readers nor the writer waiting. It cannot keep up
//! with a writer that never pauses, because the log begins anew only where all of it is folded in; what is left is small then, and the
//! writer does it at [`super::CHECKPOINT_PAGES`].

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::StoreError;

/// Bytes of the log from which on it is folded.
const FOLD_BYTES: u64 = 64 << 20;
/// Bytes that the log's file keeps when it begins anew: less than would have it folded, for its size is how one sees what is in it.
pub(super) const KEPT_BYTES: i64 = 16 << 20;

/// The thread that folds. Dropping it waits for what it has begun.
pub(crate) struct Folding {
    log: PathBuf,
    wanted: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Folding {
    /// Starts the thread for a database that is in WAL mode.
    pub(crate) fn start(file: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(super::BUSY_WAIT)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        let (wanted, wishes) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("store-folding".to_owned())
            .spawn(move || fold_when_wanted(&connection, &wishes))?;
        Ok(Self { log: log.into(), wanted: Some(wanted), thread: Some(thread) })
    }

    /// To be called after each commit.
    pub(crate) fn after_commit(&self) {
        if std::fs::metadata(&self.log).is_ok_and(|log| log.len() > FOLD_BYTES)
            && let Some(wanted) = &self.wanted
        {
            // One that waits already will see this commit, too.
            let _ = wanted.try_send(());
        }
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        drop(self.wanted.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn fold_when_wanted(connection: &Connection, wishes: &Receiver<()>) {
    while wishes.recv().is_ok() {
        // What fails here the writer meets at its own limit, where somebody is told.
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(())) {
            tracing::warn!(%error, "the write-ahead log was not folded into the database");
        }
    }
}
