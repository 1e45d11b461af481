use std::path::PathBuf;

/// Why the store could not do what was asked. [`StoreError::code`] is stable.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database's address cannot be used.
    #[error("the database's address cannot be used: {0}")]
    Address(String),
    /// The database server is away, or refused for now. Nothing was written.
    #[error("the database cannot be reached: {0}; nothing was written, try again")]
    Unreachable(String),
    /// The database server went away while it committed and did not come back in time.
    #[error(
        "the database was lost during a commit: {0}; whether it was written is not known, look before you try again"
    )]
    Undecided(String),
    /// Another process has the folder open.
    #[error("the data folder `{}` is in use by another process; stop it first", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder was written by a newer program.
    #[error("the data folder has schema version {found}, this program knows {known}; use the newer program")]
    Newer {
        /// The version found.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// The disk, or the configured size, is full. Nothing was written; it works again when there is room.
    #[error("the disk is full: nothing was written; make room and try again")]
    Full,
    /// A row cannot be read back: the database was damaged or altered from outside.
    #[error("stored data cannot be read: {0}; restore a backup")]
    Corrupt(String),
    /// Somebody else changed it meanwhile: the revision is not the expected one.
    #[error("`{what}` was changed meanwhile; read it again")]
    Stale {
        /// What.
        what: String,
    },
    /// A name that must be unique is taken.
    #[error("`{what}` exists already")]
    Exists {
        /// What.
        what: String,
    },
    /// It is not there.
    #[error("`{what}` does not exist")]
    NotFound {
        /// What.
        what: String,
    },
    /// Something is larger than the store takes.
    #[error("{what} is larger than {limit}")]
    Limit {
        /// What, in words.
        what: &'static str,
        /// The limit, in the unit that `what` names.
        limit: usize,
    },
    /// The caller of [`crate::Store::write`] gave up: nothing of its closure is kept.
    #[error("{message}")]
    Abandoned {
        /// The caller's code.
        code: &'static str,
        /// The caller's words.
        message: String,
    },
    /// The store is closing or its writer has stopped.
    #[error("the store is closed")]
    Closed,
    /// The disk or the operating system failed.
    #[error("the data folder cannot be used: {0}")]
    Io(#[from] std::io::Error),
    /// The database refused: our own mistake, or a failing disk.
    #[error("the database failed: {0}")]
    Database(String),
}

impl StoreError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address(_) => "store-address",
            Self::Unreachable(_) => "store-unreachable",
            Self::Undecided(_) => "store-undecided",
            Self::InUse { .. } => "store-in-use",
            Self::Newer { .. } => "store-newer",
            Self::Full => "store-full",
            Self::Corrupt(_) => "store-corrupt",
            Self::Stale { .. } => "stale",
            Self::Exists { .. } => "exists",
            Self::NotFound { .. } => "not-found",
            Self::Limit { .. } => "too-large",
            Self::Abandoned { code, .. } => code,
            Self::Closed => "store-closed",
            Self::Io(_) => "store-io",
            Self::Database(_) => "store-database",
        }
    }

    /// Whether trying the same again later can succeed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Full | Self::Closed | Self::InUse { .. } | Self::Io(_) | Self::Unreachable(_))
    }

    /// The same for another caller whom it struck. Errors cannot be cloned; what decides the answer can.
    pub(crate) fn for_another(&self) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::Corrupt(what) => Self::Corrupt(what.clone()),
            Self::Unreachable(why) => Self::Unreachable(why.clone()),
            Self::Undecided(why) => Self::Undecided(why.clone()),
            Self::Io(error) => Self::Io(std::io::Error::other(error.to_string())),
            other => Self::Database(other.to_string()),
        }
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }
}
