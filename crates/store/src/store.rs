use std::fs::{File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, watch};

use crate::connection::Connection;
use crate::writer::Writer;
use crate::{Act, Clock, Options, Reader, StoreError, Tx, schema, sqlite};

/// The database's file within the folder.
const DATABASE_FILE: &str = "yagura.sqlite";
/// The file that is locked while a process has the folder open.
const LOCK_FILE: &str = "lock";

/// A handle to one data folder; clones share it. The folder is free again soon after the last one is dropped; to wait for
/// that there is [`Store::close`].
#[derive(Clone)]
pub struct Store {
    writer: Writer,
    readers: Arc<Readers>,
}

/// Connections that read, opened as they are needed.
struct Readers {
    file: PathBuf,
    clock: Clock,
    permits: Arc<Semaphore>,
    /// Never more than `permits` has.
    idle: Mutex<Vec<Connection>>,
}

impl Store {
    /// Opens a folder: creates it, locks it against a second process, brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::Corrupt`], [`StoreError::Io`].
    pub fn open(folder: &Path, options: Options) -> Result<Self, StoreError> {
        make_private(folder)?;
        let lock = lock(folder)?;
        let file = folder.join(DATABASE_FILE);
        // SQLite gives its other files the permissions of this one.
        File::options().create(true).append(true).mode(0o600).open(&file)?;
        let connection = sqlite::open_writer(&file, &options)?;
        schema::migrate(&connection)?;
        let readers_max = options.readers_max.max(1);
        let readers = Readers {
            file,
            clock: options.clock.clone(),
            permits: Arc::new(Semaphore::new(readers_max)),
            idle: Mutex::new(Vec::new()),
        };
        let writer = Writer::start(connection, options.clock, lock)?;
        Ok(Self { writer, readers: Arc::new(readers) })
    }

    /// Runs `f` on the writer and returns its value when it is on disk, with its audit events. Writes that wait
    /// at the same time share one commit, each in a savepoint: what one of them does wrong harms no other.
    ///
    /// Once begun, it is carried out even if the caller stops waiting.
    ///
    /// # Errors
    /// What `f` gave, or why the commit failed; then nothing of it is kept.
    pub async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Tx<'_>) -> Result<Act<T>, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(f).await
    }

    /// Runs `f` over one consistent snapshot, on a thread where it may block.
    ///
    /// # Errors
    /// What `f` gave, or why the database cannot be read.
    pub async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(&self.readers);
        let permit = Arc::clone(&readers.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = readers.read(f);
            drop(permit);
            result
        });
        done.await.map_err(|_| StoreError::Closed)?
    }

    /// Ends the store in order: waits until this and every other handle is dropped, what was begun is on disk and the
    /// folder is free.
    pub async fn close(self) {
        let mut committed = self.committed();
        drop(self);
        while committed.changed().await.is_ok() {}
    }

    /// The newest committed sequence of the log: wakes streams and fan-out.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<i64> {
        self.writer.committed()
    }
}

/// Reads a folder in one consistent snapshot, without locking or changing anything; another process may have it open. For
/// inspection from outside.
///
/// # Errors
/// What `f` gave, or why the folder cannot be read.
pub fn inspect<T>(
    folder: &Path,
    f: impl FnOnce(&Reader<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let file = folder.join(DATABASE_FILE);
    if !file.is_file() {
        return Err(StoreError::NotFound { what: file.display().to_string() });
    }
    let connection = sqlite::open_reader(&file)?;
    connection.run("BEGIN")?;
    f(&Reader::new(&connection, &Clock::system()))
}

impl Readers {
    fn read<T>(&self, f: impl FnOnce(&Reader<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => sqlite::open_reader(&self.file)?,
        };
        connection.run("BEGIN")?;
        let result = f(&Reader::new(&connection, &self.clock));
        // A connection whose snapshot cannot be ended is not used again.
        if connection.run("ROLLBACK").is_ok() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        result
    }
}

/// A folder that is made here is readable by its owner alone; one that was there keeps the permissions it was given.
fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let file = File::options().create(true).truncate(false).write(true).open(folder.join(LOCK_FILE))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
