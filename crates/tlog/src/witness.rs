//! The witness protocol (C2SP tlog-witness) as values: what is asked, what is answered, and how a witness decides.
//!
//! Who keeps a witness reads the latest checkpoint that it cosigned, decides with [`AddCheckpoint::judge`], makes the new one durable
//! and only then answers, all of it under one lock for each log: between reading and writing nobody else may decide.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::Checkpoint;
use crate::hash::{Hash, empty_root};
use crate::log_key::{LogKey, open_parts};
use crate::note::{NOTE_BYTES_MAX, NoteError, Parts, unverified_checkpoint};
use crate::proof::{self, ProofError};
use crate::tlog_proof::{decimal, parse_hashes};

/// The most lines of a consistency proof (C2SP tlog-witness, add-checkpoint).
pub const CONSISTENCY_HASHES_MAX: usize = 63;
/// The longest request that is read, in bytes: a note and a full proof before it.
pub const ADD_CHECKPOINT_BYTES_MAX: usize = NOTE_BYTES_MAX + 4096;
/// The media type of an answer that tells a size (409).
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// The body of an `add-checkpoint` request. Nothing in it is authenticated before [`AddCheckpoint::judge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    old: u64,
    /// At most [`CONSISTENCY_HASHES_MAX`].
    path: Vec<Hash>,
    checkpoint: String,
    origin: String,
}

/// Why a text is not an `add-checkpoint` request, or none can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddCheckpointError {
    /// Longer than [`ADD_CHECKPOINT_BYTES_MAX`].
    #[error("the request is too large")]
    TooLarge,
    /// Not the form of a request.
    #[error("this is not an add-checkpoint request: {0}")]
    Malformed(&'static str),
    /// What follows the empty line is not a checkpoint.
    #[error("the request bears no checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The consistency proof cannot be made.
    #[error(transparent)]
    Path(#[from] ProofError),
}

/// Why a witness does not cosign. [`Refusal::status`] is what HTTP says of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 404: no key of this log is known.
    #[error("the log `{0}` is not known to this witness")]
    UnknownLog(String),
    /// 403: no signature by a key of the log, or a false one.
    #[error("{0}")]
    Forbidden(NoteError),
    /// 400: the old size is beyond the checkpoint's.
    #[error("the old size {old} is larger than the {size} entries of the checkpoint")]
    OldBeyondNew {
        /// The old size in the request.
        old: u64,
        /// The size of the checkpoint in it.
        size: u64,
    },
    /// 409: the old size is not that of the latest checkpoint that was cosigned.
    #[error("the latest checkpoint cosigned here has {latest} entries")]
    Conflict {
        /// The size of the latest checkpoint, 0 where there was none.
        latest: u64,
    },
    /// 422: the proof does not lead from the old tree to the new one, or a tree of this size cannot have this root.
    #[error("the checkpoint does not continue what was cosigned: {0}")]
    Inconsistent(ProofError),
}

/// A refusal, with the checkpoint where the log did sign it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// What the log signed; `None` where nothing signed was brought.
    pub signed: Option<Checkpoint>,
}

/// What a checkpoint that a log signed, and a witness refused, says about the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspicion {
    /// Two trees of one size: with both notes, proof that the log signed a split view.
    SplitView,
    /// A smaller tree than the one cosigned: the log was rolled back, or somebody replays what it once signed.
    Rollback,
    /// A larger tree that was not shown to contain the one cosigned: a fork, or a wrong proof.
    Fork,
}

impl AddCheckpoint {
    /// The request to cosign this checkpoint for a witness that cosigned one of `old` entries; `read` gives stored hashes of the tree, as
    /// for [`proof::consistency`]. The note's signatures are not checked.
    ///
    /// # Errors
    /// [`AddCheckpointError`].
    pub fn make(
        old: u64,
        checkpoint: &str,
        read: impl FnMut(u8, u64) -> Option<Hash>,
    ) -> Result<Self, AddCheckpointError> {
        let head = unverified_checkpoint(&Parts::parse(checkpoint)?)?;
        let path = proof::consistency(old, head.size, read)?;
        Ok(Self { old, path, checkpoint: checkpoint.to_owned(), origin: head.origin })
    }

    /// The old size.
    pub fn old(&self) -> u64 {
        self.old
    }

    /// The checkpoint's note, verbatim.
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// The log's name as the checkpoint has it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The text of the request.
    pub fn to_text(&self) -> String {
        let path: String = self.path.iter().map(|hash| format!("{}\n", STANDARD.encode(hash))).collect();
        format!("old {}\n{path}\n{}", self.old, self.checkpoint)
    }

    /// Reads the text of a request; any other spelling is refused (400).
    ///
    /// # Errors
    /// [`AddCheckpointError`].
    pub fn parse(text: &str) -> Result<Self, AddCheckpointError> {
        if text.len() > ADD_CHECKPOINT_BYTES_MAX {
            return Err(AddCheckpointError::TooLarge);
        }
        let malformed = AddCheckpointError::Malformed;
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(malformed("no empty line parts it from its checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
        let old = old.ok_or(malformed("its first line is not `old` and a number"))?;
        let path = parse_hashes(lines, CONSISTENCY_HASHES_MAX);
        let path = path.ok_or(malformed("its proof is not at most 63 lines of one hash each"))?;
        let origin = unverified_checkpoint(&Parts::parse(checkpoint)?)?.origin;
        Ok(Self { old, path, checkpoint: checkpoint.to_owned(), origin })
    }

    /// What a witness decides that knows these keys, and that cosigned `latest` last of this log (`None`: nothing yet). The checkpoint
    /// returned is to be made durable, and then cosigned.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn judge(&self, keys: &[LogKey], latest: Option<&Checkpoint>) -> Result<Checkpoint, Refused> {
        let unsigned = |refusal| Refused { refusal, signed: None };
        let parts = Parts::parse(&self.checkpoint).map_err(|error| unsigned(Refusal::Forbidden(error)))?;
        let (checkpoint, _) = open_parts(&parts, keys).map_err(|error| {
            unsigned(match error {
                NoteError::UnknownLog(origin) => Refusal::UnknownLog(origin),
                other => Refusal::Forbidden(other),
            })
        })?;
        match self.judge_signed(&checkpoint, latest) {
            Ok(()) => Ok(checkpoint),
            Err(refusal) => Err(Refused { refusal, signed: Some(checkpoint) }),
        }
    }

    fn judge_signed(&self, checkpoint: &Checkpoint, latest: Option<&Checkpoint>) -> Result<(), Refusal> {
        let size = checkpoint.size;
        if self.old > size {
            return Err(Refusal::OldBeyondNew { old: self.old, size });
        }
        let (latest_size, latest_root) =
            latest.map_or_else(|| (0, empty_root()), |latest| (latest.size, latest.root));
        if self.old != latest_size {
            return Err(Refusal::Conflict { latest: latest_size });
        }
        if size == 0 && checkpoint.root != empty_root() {
            return Err(Refusal::Inconsistent(ProofError::RootMismatch));
        }
        proof::verify_consistency(self.old, &latest_root, size, &checkpoint.root, &self.path)
            .map_err(Refusal::Inconsistent)
    }
}

impl Refusal {
    /// The status of the answer (C2SP tlog-witness, add-checkpoint).
    pub fn status(&self) -> u16 {
        match self {
            Self::OldBeyondNew { .. } => 400,
            Self::Forbidden(_) => 403,
            Self::UnknownLog(_) => 404,
            Self::Conflict { .. } => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// The body of the answer: for a conflict the size, as the specification has it; else a sentence.
    pub fn body(&self) -> String {
        match self {
            Self::Conflict { latest } => format!("{latest}\n"),
            other => format!("{other}\n"),
        }
    }
}

impl Refused {
    /// What the refused checkpoint says about the log, where it says anything: a request with an old size that is out of date, or a
    /// checkpoint brought again, is nobody's fault.
    pub fn suspicion(&self, latest: Option<&Checkpoint>) -> Option<Suspicion> {
        let signed = self.signed.as_ref()?;
        let latest_size = latest.map_or(0, |latest| latest.size);
        let same_root = latest.map_or(signed.root == empty_root(), |latest| latest.root == signed.root);
        match signed.size.cmp(&latest_size) {
            std::cmp::Ordering::Less => Some(Suspicion::Rollback),
            std::cmp::Ordering::Equal => (!same_root).then_some(Suspicion::SplitView),
            std::cmp::Ordering::Greater => {
                matches!(self.refusal, Refusal::Inconsistent(_)).then_some(Suspicion::Fork)
            }
        }
    }
}

impl Suspicion {
    /// Its name in files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::SplitView => "split-view",
            Self::Rollback => "rollback",
            Self::Fork => "fork",
        }
    }
}

/// What a witness answered, as its client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// 200: lines of signatures, of which the client keeps those of keys that it knows and that hold.
    Cosigned(String),
    /// 409: the latest checkpoint that the witness cosigned has this size.
    Conflict(u64),
    /// Anything else, with the status.
    Refused(u16),
}

impl WitnessAnswer {
    /// Reads an answer.
    pub fn parse(status: u16, body: &str) -> Self {
        match status {
            200 => Self::Cosigned(body.to_owned()),
            409 => body.strip_suffix('\n').and_then(decimal).map_or(Self::Refused(status), Self::Conflict),
            other => Self::Refused(other),
        }
    }
}
