//! A witness: what it cosigned last of each log, on disk, and how it decides.
//!
//! In its folder each log has a folder named by the hash of its origin, with
//!
//! - `checkpoint`: the latest checkpoint cosigned, signed by the log and by the witness. It is the whole state;
//! - `evidence/`: what the log signed and the witness refused, beside what it had cosigned by then.
//!
//! The order, under a lock for each log: read the state, decide, make the new state durable, answer. A crash before the answer leaves a
//! checkpoint that nobody was given a cosignature of; the log then asks again and is told the size (409).

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tlog::mirror::origin_hash;
use tlog::witness::{AddCheckpoint, AddCheckpointError, Refusal, Refused, Suspicion};
use tlog::{
    Checkpoint, CosignError, CosignerKey, CosigningKey, LogKey, NoteError, open_by_any, signed_by_these,
};

use crate::disk;

/// The most files of evidence of one kind that are kept of one log. The first ones tell most; the rest is counted in the program's log.
pub const EVIDENCE_FILES_MAX: usize = 1000;
/// How far, in seconds, the clock may go back behind the last cosignature before the witness stops. Within it the time stands still.
const CLOCK_BACK_SECONDS_MAX: u64 = 300;

/// What a witness is made of.
#[derive(Debug)]
pub struct WitnessConfig {
    /// Where it keeps its state.
    pub folder: PathBuf,
    /// Whether the folder may be created. A witness whose folder is lost has forgotten what it cosigned, and starting it anew is a
    /// decision: logs can then show it another history.
    pub create: bool,
    /// Its keys; each cosigns. C2SP recommends ML-DSA-44; an Ed25519 key beside it serves verifiers that read nothing newer. To change
    /// a key, run with both until each log has sent a checkpoint.
    pub keys: Vec<CosigningKey>,
    /// The keys of the logs that it cosigns; the key's name is the log's origin, and a log may have several keys.
    pub logs: Vec<LogKey>,
}

/// A witness that is running.
#[derive(Debug)]
pub struct Witness {
    keys: Vec<CosigningKey>,
    /// By the hash of the origin, which is also the folder's name.
    logs: BTreeMap<String, Log>,
    /// Keeps other processes out of the folder.
    _lock: File,
}

#[derive(Debug)]
struct Log {
    origin: String,
    folder: PathBuf,
    keys: Vec<LogKey>,
    /// Held from reading the state to having written it.
    turn: Mutex<()>,
}

/// The state of a log.
struct Cosigned {
    checkpoint: Checkpoint,
    note: String,
    /// When it was cosigned, seconds since the epoch.
    time: u64,
}

/// Why a witness cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// No key to cosign with, or no log to cosign.
    #[error("a witness needs a key of its own, and the key of a log")]
    Nothing,
    /// The folder is not there, and may not be created.
    #[error("`{}` is not there; if this witness is new, let it be created: a witness that lost its folder has forgotten what it cosigned", .0.display())]
    NoFolder(PathBuf),
    /// A file or folder cannot be used.
    #[error("`{}`: {error}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What stands in the folder was not written by this witness.
    #[error("`{}` is not a checkpoint that this witness cosigned ({why}): keep the folder as it is, and restore it from a copy only if no log has sent a checkpoint since", .path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The clock went back.
    #[error("the clock is {seconds} seconds behind the last cosignature: set it right")]
    Clock {
        /// By how much.
        seconds: u64,
    },
    /// The library could not sign.
    #[error(transparent)]
    Cosign(#[from] CosignError),
}

/// Why `add-checkpoint` gives no cosignature.
#[derive(Debug, thiserror::Error)]
pub enum AddFailure {
    /// 400: not a request.
    #[error(transparent)]
    Request(#[from] AddCheckpointError),
    /// The witness does not cosign this.
    #[error("{}", .0)]
    Refused(Refusal),
    /// The witness cannot.
    #[error(transparent)]
    Witness(#[from] WitnessError),
}

impl Witness {
    /// Opens the folder, and checks the state of each log in it.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn open(config: WitnessConfig) -> Result<Self, WitnessError> {
        let WitnessConfig { folder, create, keys, logs } = config;
        if keys.is_empty() || logs.is_empty() {
            return Err(WitnessError::Nothing);
        }
        if !folder.is_dir() {
            if !create {
                return Err(WitnessError::NoFolder(folder));
            }
            disk::create_folders(&folder).map_err(at(&folder))?;
        }
        let lock = disk::lock(&folder).map_err(at(&folder))?;
        let mut witness = Self { keys, logs: BTreeMap::new(), _lock: lock };
        for key in logs {
            let hash = origin_hash(key.name());
            let log = witness.logs.entry(hash.clone()).or_insert_with(|| Log {
                origin: key.name().to_owned(),
                folder: folder.join(hash),
                keys: Vec::new(),
                turn: Mutex::new(()),
            });
            log.keys.push(key);
        }
        for log in witness.logs.values() {
            disk::create_folders(&log.folder).map_err(at(&log.folder))?;
            log.read(&witness.cosigner_keys())?;
        }
        Ok(witness)
    }

    /// The public keys, to be published.
    pub fn cosigner_keys(&self) -> Vec<CosignerKey> {
        self.keys.iter().map(CosigningKey::cosigner_key).collect()
    }

    /// Answers an `add-checkpoint` request: the signature lines, after the checkpoint has been made durable. `now` is in seconds since
    /// the epoch.
    ///
    /// # Errors
    /// [`AddFailure`]. What a log signed against itself is on disk when this returns.
    pub fn add_checkpoint(&self, body: &str, now: u64) -> Result<String, AddFailure> {
        let request = AddCheckpoint::parse(body)?;
        let unknown = || AddFailure::Refused(Refusal::UnknownLog(request.origin().to_owned()));
        let log = self.logs.get(&origin_hash(request.origin())).ok_or_else(unknown)?;
        // The lock guards no data in memory, so one that panicked leaves nothing half done.
        let _turn = log.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let state = log.read(&self.cosigner_keys())?;
        let latest = state.as_ref().map(|state| &state.checkpoint);
        match request.judge(&log.keys, latest) {
            Ok(checkpoint) => Ok(self.cosign(log, state.as_ref(), &checkpoint, request.checkpoint(), now)?),
            Err(refused) => {
                log.keep_evidence(&refused, state.as_ref(), body, now);
                Err(AddFailure::Refused(refused.refusal))
            }
        }
    }

    /// The latest checkpoint cosigned of the log whose origin has this hash, with the signatures of log and witness.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn checkpoint(&self, origin_hash: &str) -> Result<Option<String>, WitnessError> {
        let Some(log) = self.logs.get(origin_hash) else { return Ok(None) };
        Ok(log.read(&self.cosigner_keys())?.map(|state| state.note))
    }

    fn cosign(
        &self,
        log: &Log,
        state: Option<&Cosigned>,
        checkpoint: &Checkpoint,
        note: &str,
        now: u64,
    ) -> Result<String, WitnessError> {
        let last = state.map_or(0, |state| state.time);
        if now.saturating_add(CLOCK_BACK_SECONDS_MAX) < last {
            return Err(WitnessError::Clock { seconds: last - now });
        }
        // Two statements of one witness must not contradict each other: the later tree has no earlier time. Zero would mean no time.
        let time = now.max(last).max(1);
        let signed = signed_by_these(note, &log.keys).map_err(|error| log.bad(&error))?;
        let text = open_by_any(&signed, &log.keys).map_err(|error| log.bad(&error))?.1;
        let lines: String = self.keys.iter().map(|key| key.cosign(text, time)).collect::<Result<_, _>>()?;
        let path = log.path();
        disk::write_durably(&path, format!("{signed}{lines}").as_bytes()).map_err(at(&path))?;
        tracing::info!(origin = %log.origin, size = checkpoint.size, "cosigned");
        Ok(lines)
    }
}

impl Log {
    fn path(&self) -> PathBuf {
        self.folder.join("checkpoint")
    }

    /// Reads the state, and checks that it is what this witness wrote.
    fn read(&self, own: &[CosignerKey]) -> Result<Option<Cosigned>, WitnessError> {
        let path = self.path();
        let Some(bytes) = disk::read(&path).map_err(at(&path))? else { return Ok(None) };
        let note = String::from_utf8(bytes).map_err(|_| self.bad("it is not text"))?;
        let (checkpoint, _) = open_by_any(&note, &self.keys).map_err(|error| self.bad(&error))?;
        let mut time = None;
        for key in own {
            time = time.max(key.cosigned_at(&note).map_err(|error| self.bad(&error))?);
        }
        let time = time.ok_or_else(|| self.bad("none of its keys signed it"))?;
        Ok(Some(Cosigned { checkpoint, note, time }))
    }

    fn bad(&self, why: &(impl ToString + ?Sized)) -> WitnessError {
        WitnessError::State { path: self.path(), why: why.to_string() }
    }

    /// Keeps what the log signed against itself. A failure to do so changes nothing about the refusal.
    fn keep_evidence(&self, refused: &Refused, state: Option<&Cosigned>, body: &str, now: u64) {
        let latest = state.map(|state| &state.checkpoint);
        let (Some(suspicion), Some(signed)) = (refused.suspicion(latest), &refused.signed) else { return };
        tracing::warn!(origin = %self.origin, size = signed.size, suspicion = suspicion.name(), "refused");
        let cosigned = state.map_or("nothing yet\n", |state| &state.note);
        let text = format!(
            "{}: {}\nrefused at {now} seconds since the epoch\n\n== cosigned here by then\n{cosigned}\n== refused\n{body}",
            suspicion.name(),
            refused.refusal
        );
        if let Err(error) = self.write_evidence(suspicion, signed, &text) {
            tracing::error!(origin = %self.origin, %error, "the evidence could not be kept");
        }
    }

    /// One file for each checkpoint: who brings the same one again fills no disk.
    fn write_evidence(&self, suspicion: Suspicion, signed: &Checkpoint, text: &str) -> io::Result<()> {
        let folder = self.folder.join("evidence").join(suspicion.name());
        disk::create_folders(&folder)?;
        let digest: String =
            Sha256::digest(signed.to_text()).iter().map(|byte| format!("{byte:02x}")).collect();
        let path = folder.join(format!("{:020}-{digest}.txt", signed.size));
        if path.exists() {
            return Ok(());
        }
        if std::fs::read_dir(&folder)?.count() >= EVIDENCE_FILES_MAX {
            return Err(io::Error::other("there are as many files of evidence as are kept"));
        }
        disk::write_durably(&path, text.as_bytes())
    }
}

impl From<NoteError> for AddFailure {
    fn from(error: NoteError) -> Self {
        Self::Request(AddCheckpointError::Note(error))
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> WitnessError {
    let path = path.to_owned();
    |error| WitnessError::File { path, error }
}
