use std::io;
use std::path::{Path, PathBuf};

/// Why one of a lake's own files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused, or the file ends before it should.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// A later version wrote it.
    #[error("it is of format {0}, which is not known")]
    Version(u32),
    /// It is not what was written.
    #[error("it {0}")]
    Damaged(&'static str),
}

/// Why a lake cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The system refused.
    #[error("`{path}`: {cause}")]
    Disk {
        /// What was to be read or written.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// Another process writes.
    #[error("another process writes to this lake; wait until it has ended")]
    Busy,
    /// There is no lake in the folder.
    #[error("`{0}` holds no lake: `yagura lake add` begins one")]
    NoLake(PathBuf),
    /// The folder was written by a later version.
    #[error("the lake is of format {0}, which this version does not know; use a newer one")]
    Format(u32),
    /// The lake was written by an earlier version, in a form that is not read any more.
    #[error("the lake is of format {0}, which no release had; lay the logs down in a new lake")]
    Outdated(u32),
    /// A file is not what was written.
    #[error("`{path}` is damaged: {what}; put it back from a backup, or lay the logs down in a new lake")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Another process has written to the lake since this one read it.
    #[error(
        "another process has written to this lake meanwhile, and nothing of this was committed; do it again"
    )]
    Overtaken,
    /// What writes in the background has stopped before its end.
    #[error("what writes the lake's files has stopped before its end; nothing of this was committed")]
    Stopped,
    /// Too many segments lie over one another in time.
    #[error("more than {0} segments overlap in time; run `yagura lake compact` first")]
    Overlapping(usize),
    /// The lake keeps records in another way.
    #[error("the lake was begun to keep {0}, and a lake keeps one of both")]
    Contents(&'static str),
}

impl LakeError {
    /// A stable code: `lake-disk`, `lake-busy`, `lake-none`, `lake-format`, `lake-outdated`,
    /// `lake-damaged`, `lake-overtaken`, `lake-stopped`, `lake-overlapping`, `lake-contents`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Disk { .. } => "lake-disk",
            Self::Busy => "lake-busy",
            Self::NoLake(_) => "lake-none",
            Self::Outdated(_) => "lake-outdated",
            Self::Format(_) => "lake-format",
            Self::Damaged { .. } => "lake-damaged",
            Self::Overtaken => "lake-overtaken",
            Self::Stopped => "lake-stopped",
            Self::Overlapping(_) => "lake-overlapping",
            Self::Contents(_) => "lake-contents",
        }
    }

    pub(crate) fn disk(path: &Path, cause: io::Error) -> Self {
        Self::Disk { path: path.to_owned(), cause }
    }

    pub(crate) fn damaged(path: &Path, what: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.to_string() }
    }

    pub(crate) fn file(path: &Path, error: FileError) -> Self {
        match error {
            FileError::Read(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
                Self::damaged(path, "it is torn")
            }
            FileError::Read(cause) => Self::disk(path, cause),
            other => Self::damaged(path, other),
        }
    }

    pub(crate) fn parquet(path: &Path, error: parquet::errors::ParquetError) -> Self {
        match error {
            parquet::errors::ParquetError::External(cause) => match cause.downcast::<io::Error>() {
                Ok(cause) => Self::disk(path, *cause),
                Err(other) => Self::damaged(path, other),
            },
            other => Self::damaged(path, other),
        }
    }
}
