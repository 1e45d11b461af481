use datafusion::common::DataFusionError;
use lake::LakeError;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The lake cannot be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// It would change something, or is about something else than the lake.
    #[error("`{0}` is no question: `SELECT`, `EXPLAIN`, `SHOW` and `DESCRIBE` are")]
    NotAQuestion(String),
    /// There is none, or more than one.
    #[error("ask one question at a time, not {0}")]
    HowMany(usize),
    /// It is longer than any that a person writes.
    #[error("the question is of more than {0} bytes; ask for fewer values at a time")]
    TooLong(usize),
    /// It is not understood, or is about what is not there.
    #[error("{0}; `yagura lake sql LAKE_DIR 'SHOW COLUMNS FROM observables'` lists what there is")]
    NotUnderstood(String),
    /// It needs more memory than it may have.
    #[error("{0}; raise `--memory-mib`, or narrow the question")]
    Memory(String),
    /// The scheduler is not there, or an executor failed.
    #[error(
        "the cluster at `{scheduler}` gave no answer: {what}; see that its scheduler and an executor run and reach the lake"
    )]
    Cluster {
        /// Where it was looked for.
        scheduler: String,
        /// What was wrong.
        what: String,
    },
    /// An address is reached from other machines.
    #[error(
        "`{0}` can be reached from other machines, and whoever reaches it can read the lake and every Parquet file beside it; use a network of its own and say `--allow-network`, or listen on 127.0.0.1"
    )]
    Exposed(std::net::SocketAddr),
    /// Something else.
    #[error("the question failed: {0}")]
    Failed(String),
}

impl QueryError {
    /// A stable code: `sql-not-a-question`, `sql-how-many`, `sql-too-long`, `sql-not-understood`, `sql-memory`, `sql-cluster`,
    /// `sql-exposed`, `sql-failed`, or that of the lake's error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Lake(error) => error.code(),
            Self::NotAQuestion(_) => "sql-not-a-question",
            Self::HowMany(_) => "sql-how-many",
            Self::TooLong(_) => "sql-too-long",
            Self::NotUnderstood(_) => "sql-not-understood",
            Self::Memory(_) => "sql-memory",
            Self::Cluster { .. } => "sql-cluster",
            Self::Exposed(_) => "sql-exposed",
            Self::Failed(_) => "sql-failed",
        }
    }

    /// What DataFusion says, without its names for its parts.
    pub(crate) fn of(error: &DataFusionError) -> Self {
        let root = error.find_root();
        let what = root.strip_backtrace();
        match root {
            DataFusionError::External(cause) if cause.is::<LakeError>() => Self::Failed(cause.to_string()),
            DataFusionError::SQL(..) | DataFusionError::Plan(_) | DataFusionError::SchemaError(..) => {
                Self::NotUnderstood(plain(&what))
            }
            DataFusionError::ResourcesExhausted(_) => Self::Memory(plain(&what)),
            _ => Self::Failed(plain(&what)),
        }
    }
}

/// Without the word in front that says which part of DataFusion it is.
fn plain(what: &str) -> String {
    let parts = [
        "SQL error: ",
        "Error during planning: ",
        "Schema error: ",
        "Resources exhausted: ",
        "Execution error: ",
    ];
    let plain = parts.iter().fold(what, |what, part| what.strip_prefix(part).unwrap_or(what));
    plain.trim_end_matches(['.', '\n', ' ']).to_owned()
}
