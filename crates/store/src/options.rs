use std::fmt;
use std::sync::Arc;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the store reads the time.
    pub clock: Clock,
    /// The most read connections at once; further readers wait.
    pub readers_max: usize,
    /// The largest size of the database in bytes; writes beyond it fail with [`crate::StoreError::Full`].
    /// `None`: as large as the disk.
    pub database_bytes_max: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { clock: Clock::system(), readers_max: 4, database_bytes_max: None }
    }
}

/// A source of the time, so that tests can move it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(jiff::Timestamp::now))
    }

    /// A clock of one's own.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> jiff::Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> jiff::Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
