use std::fs::{File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, broadcast, watch};

use crate::connection::Connection;
use crate::postgresql::{self, Server, listener};
use crate::writer::Writer;
use crate::{Act, Clock, Options, Reader, StoreError, Tx, objects, schema, sqlite};

/// The database's file within the folder.
const DATABASE_FILE: &str = "yagura.sqlite";
/// The file that is locked while a process has the folder open.
const LOCK_FILE: &str = "lock";

/// Things said aside that may wait to be heard; older ones are dropped.
const ASIDES_MAX: usize = 256;

/// Where a store is.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder with one SQLite database, for one process at a time.
    Folder(PathBuf),
    /// A PostgreSQL database, for any number of processes, as `postgres://user@host/database`.
    Postgres(String),
}

/// A handle to one store; clones share it. A folder is free again soon after the last one is dropped; to wait for
/// that there is [`Store::close`].
#[derive(Clone)]
pub struct Store {
    writer: Writer,
    readers: Arc<Readers>,
    /// What is said aside; in a folder nobody says anything.
    asides: broadcast::Sender<Arc<str>>,
}

/// Connections that read, opened as they are needed.
struct Readers {
    source: Connect,
    clock: Clock,
    permits: Arc<Semaphore>,
    /// Never more than `permits` has.
    idle: Mutex<Vec<Connection>>,
}

/// How a connection that reads is opened.
enum Connect {
    Sqlite(PathBuf),
    Postgres(Box<Server>),
}

impl Store {
    /// Opens a store and brings its schema up to date. A folder is created and locked against a second process.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Newer`], [`StoreError::Corrupt`], [`StoreError::Io`];
    /// of a server, [`StoreError::Address`] and [`StoreError::Unreachable`].
    pub fn open(place: impl Into<Place>, options: Options) -> Result<Self, StoreError> {
        match place.into() {
            Place::Folder(folder) => Self::open_folder(&folder, options),
            Place::Postgres(address) => outside_of_runtime(|| Self::open_server(&address, options)),
        }
    }

    fn open_folder(folder: &Path, options: Options) -> Result<Self, StoreError> {
        make_private(folder)?;
        let lock = lock(folder)?;
        let file = folder.join(DATABASE_FILE);
        // SQLite gives its other files the permissions of this one.
        File::options().create(true).append(true).mode(0o600).open(&file)?;
        let connection = sqlite::open_writer(&file, &options)?;
        schema::migrate(&connection)?;
        let folding = sqlite::Folding::start(&file)?;
        let readers = Readers::new(Connect::Sqlite(file), &options);
        let writer = Writer::start(connection, options.clock, Some(lock), Some(folding))?;
        Ok(Self { writer, readers: Arc::new(readers), asides: broadcast::channel(1).0 })
    }

    fn open_server(address: &str, options: Options) -> Result<Self, StoreError> {
        let server = Server::parse(address)?;
        let connection = postgresql::open(&server, true)?;
        schema::migrate(&connection)?;
        let readers = Readers::new(Connect::Postgres(Box::new(server.clone())), &options);
        let writer = Writer::start(connection, options.clock, None, None)?;
        let asides = broadcast::channel(ASIDES_MAX).0;
        listener::start(server, writer.announce(), writer.tell(), asides.clone())?;
        Ok(Self { writer, readers: Arc::new(readers), asides })
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
        self.on_reader(move |readers| readers.read(f)).await
    }

    /// Does something with one of the connections that read, on a thread where it may block.
    async fn on_reader<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Readers) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(&self.readers);
        let permit = Arc::clone(&readers.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = f(&readers);
            drop(permit);
            result
        });
        done.await.map_err(|_| StoreError::Closed)?
    }

    /// Says something to every process that has the same database open, this one among them. It is written nowhere, reaches whoever listens
    /// now ([`Store::asides`]), and may be lost. A folder has no other processes: there nothing happens.
    ///
    /// # Errors
    /// [`StoreError::Limit`] where a text is longer than 4,000 bytes; [`StoreError::Unreachable`].
    pub async fn say_aside(&self, texts: Vec<String>) -> Result<(), StoreError> {
        self.on_reader(move |readers| readers.say_aside(&texts)).await
    }

    /// What is said aside from now on, by whichever process or whoever else may connect to the database. Whoever is late misses the oldest.
    #[must_use]
    pub fn asides(&self) -> broadcast::Receiver<Arc<str>> {
        self.asides.subscribe()
    }

    /// Ends the store in order: waits until this and every other handle is dropped, what was begun is on disk and the
    /// folder is free.
    pub async fn close(self) {
        let mut committed = self.committed();
        drop(self);
        while committed.changed().await.is_ok() {}
    }

    /// Looks whether another process committed to the log, and wakes who follows [`Store::committed`] if so. It happens by itself
    /// within a second; whoever hears of a commit by a faster way asks for it here.
    ///
    /// # Errors
    /// Why the database cannot be read.
    pub async fn look(&self) -> Result<(), StoreError> {
        let newest = self.read(objects::last_sequence).await?;
        if let Some(announce) = self.writer.announce().upgrade() {
            listener::announce_newer(&announce, newest);
        }
        Ok(())
    }

    /// The newest committed sequence of the log: wakes streams and fan-out.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<i64> {
        self.writer.committed()
    }

    /// The newest committed number of what is told beside the log ([`crate::tellings`]), whichever process told it.
    #[must_use]
    pub fn told(&self) -> watch::Receiver<i64> {
        self.writer.told()
    }

    /// The newest committed sequence of those that this process gave out: what other processes are to be told of.
    #[must_use]
    pub fn written(&self) -> watch::Receiver<i64> {
        self.writer.written()
    }
}

/// Reads a store in one consistent snapshot, without locking or changing anything; other processes may have it open. For
/// inspection from outside.
///
/// # Errors
/// What `f` gave, or why the store cannot be read.
pub fn inspect<T: Send>(
    place: impl Into<Place>,
    f: impl FnOnce(&Reader<'_>) -> Result<T, StoreError> + Send,
) -> Result<T, StoreError> {
    let connect = match place.into() {
        Place::Folder(folder) => {
            let file = folder.join(DATABASE_FILE);
            if !file.is_file() {
                return Err(StoreError::NotFound { what: file.display().to_string() });
            }
            Connect::Sqlite(file)
        }
        Place::Postgres(address) => Connect::Postgres(Box::new(Server::parse(&address)?)),
    };
    outside_of_runtime(|| {
        let connection = connect.open()?;
        connection.begin_reading()?;
        f(&Reader::new(&connection, &Clock::system()))
    })
}

impl Place {
    /// The address of a server, or a folder's path.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Postgres(text.to_owned())
        } else {
            Self::Folder(PathBuf::from(text))
        }
    }
}

impl std::fmt::Display for Place {
    /// As it may be told: an address without its password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Postgres(address) => f.write_str(&postgresql::shown(address)),
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl From<&Path> for Place {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<&PathBuf> for Place {
    fn from(folder: &PathBuf) -> Self {
        Self::Folder(folder.clone())
    }
}

impl From<&Place> for Place {
    fn from(place: &Place) -> Self {
        place.clone()
    }
}

impl Connect {
    fn open(&self) -> Result<Connection, StoreError> {
        match self {
            Self::Sqlite(file) => sqlite::open_reader(file),
            Self::Postgres(server) => postgresql::open(server, false),
        }
    }
}

impl Readers {
    fn new(source: Connect, options: &Options) -> Self {
        Self {
            source,
            clock: options.clock.clone(),
            permits: Arc::new(Semaphore::new(options.readers_max.max(1))),
            idle: Mutex::new(Vec::new()),
        }
    }

    fn connection(&self) -> Result<Connection, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.source.open(), Ok)
    }

    fn say_aside(&self, texts: &[String]) -> Result<(), StoreError> {
        let connection = self.connection()?;
        connection.say_aside(texts)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(())
    }

    fn read<T>(&self, f: impl FnOnce(&Reader<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let connection = self.connection()?;
        connection.begin_reading()?;
        let result = f(&Reader::new(&connection, &self.clock));
        // A connection whose snapshot cannot be ended is not used again.
        if connection.run("ROLLBACK").is_ok() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        result
    }
}

/// PostgreSQL's driver brings a runtime of its own, which cannot begin where another one is at work.
fn outside_of_runtime<T: Send>(f: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
    std::thread::scope(|scope| scope.spawn(f).join().unwrap_or(Err(StoreError::Closed)))
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
