//! What a log does with a new checkpoint: asks the witnesses of its policy, all at once, until the quorum is there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use reqwest::{Client, StatusCode};
use tlog::witness::{AddCheckpoint, AddCheckpointError, WitnessAnswer};
use tlog::{Checkpoint, Hash, LogKey, NoteError, Policy, PolicyWitness, Unaccepted, Witnessed, open_by_any};
use tokio::time::{Instant, timeout_at};

use crate::http;

/// The longest answer that is read of a witness, in bytes: some lines of ML-DSA-44.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How often one witness is asked about one checkpoint: it may tell its size, and another may come in between.
const TRIES_MAX: usize = 3;

/// Whom to ask, and how long to wait.
#[derive(Debug)]
pub struct CollectConfig {
    /// The key of the log itself.
    pub log: LogKey,
    /// The witnesses, with their addresses, and the quorum.
    pub policy: Policy,
    /// How long to wait for a quorum.
    pub timeout: Duration,
    /// How long to wait for the others once there is a quorum: more cosignatures satisfy more verifiers.
    pub grace: Duration,
}

/// Collects cosignatures; keeps connections, and what size each witness knows.
#[derive(Debug)]
pub struct Collector {
    config: CollectConfig,
    http: Client,
    /// By the witness's place in the policy. Only saves a round trip: a witness says itself what it has.
    sizes: Mutex<HashMap<usize, u64>>,
}

/// A checkpoint after the witnesses were asked.
#[derive(Debug)]
pub struct Collected {
    /// The note with every cosignature that came and holds.
    pub note: String,
    /// Whether it has its quorum. A log does not publish what has none.
    pub judged: Result<Witnessed, Unaccepted>,
    /// The witnesses that did not cosign, by their names in the policy, and why.
    pub failed: Vec<(String, CollectFailure)>,
}

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
pub enum CollectFailure {
    /// The policy has no address of it.
    #[error("the policy has no address of this witness")]
    NoAddress,
    /// It did not answer in time.
    #[error("it did not answer in time")]
    Late,
    /// It could not be reached, or answered nothing that can be read.
    #[error("{0}")]
    Unreachable(String),
    /// It refused; 422 means that it holds the log for forked.
    #[error("it refused with status {0}")]
    Refused(u16),
    /// It has cosigned a larger tree: this log was rolled back, or is not the only one with this key.
    #[error("it has cosigned a tree of {0} entries already, which this log does not have")]
    Ahead(u64),
    /// Its size changes with every request.
    #[error("it told another size with each of {TRIES_MAX} requests")]
    Restless,
    /// What it answered is not its cosignature of this checkpoint.
    #[error("its answer is not a cosignature of this checkpoint: {0}")]
    Answer(#[from] NoteError),
    /// It answered without a line of its own.
    #[error("its answer has no line by its key")]
    NoLine,
    /// The consistency proof cannot be made: the log's own tree lacks something.
    #[error("the proof for it cannot be made: {0}")]
    Proof(#[from] AddCheckpointError),
}

impl Collector {
    /// Prepares to ask the witnesses of a policy.
    ///
    /// # Errors
    /// Why no HTTP client can be set up.
    pub fn new(config: CollectConfig) -> Result<Self, String> {
        let addresses = config.policy.witnesses().iter().filter_map(|witness| witness.url.as_deref());
        let plain = addresses.into_iter().all(|address| address.starts_with("http://"));
        Ok(Self { http: http::client(plain)?, config, sizes: Mutex::default() })
    }

    /// Asks every witness to cosign the log's new checkpoint, and returns when all have answered, when the quorum and the grace are
    /// over, or when the time is up. `read` gives stored hashes of the tree, as for [`tlog::proof::consistency`].
    ///
    /// # Errors
    /// [`NoteError`] where the note is not a checkpoint that the log signed.
    pub async fn collect(
        &self,
        note: &str,
        read: impl Fn(u8, u64) -> Option<Hash>,
    ) -> Result<Collected, NoteError> {
        let (checkpoint, _) = open_by_any(note, [&self.config.log])?;
        let witnesses = self.config.policy.witnesses();
        let mut end = Instant::now() + self.config.timeout;
        let asked = witnesses.iter().enumerate();
        let mut running: FuturesUnordered<_> = asked
            .map(|(place, witness)| {
                let answer = self.ask(place, witness, note, &checkpoint, &read);
                async move { (place, answer.await) }
            })
            .collect();
        let mut answers: HashMap<usize, Result<String, CollectFailure>> = HashMap::new();
        let mut has_quorum = false;
        while let Ok(Some((place, answer))) = timeout_at(end, running.next()).await {
            answers.insert(place, answer);
            let cosigned = |place| answers.get(&place).is_some_and(Result::is_ok);
            if !has_quorum && self.config.policy.is_quorum(cosigned) {
                has_quorum = true;
                end = end.min(Instant::now() + self.config.grace);
            }
        }
        Ok(self.collected(note, answers))
    }

    fn collected(
        &self,
        note: &str,
        mut answers: HashMap<usize, Result<String, CollectFailure>>,
    ) -> Collected {
        let (mut note, mut failed) = (note.to_owned(), Vec::new());
        for (place, witness) in self.config.policy.witnesses().iter().enumerate() {
            match answers.remove(&place).unwrap_or(Err(CollectFailure::Late)) {
                Ok(lines) => note.push_str(&lines),
                Err(failure) => failed.push((witness.name.clone(), failure)),
            }
        }
        let judged = self.config.policy.check_log(&note, &self.config.log);
        Collected { note, judged, failed }
    }

    /// The lines by which one witness cosigns.
    async fn ask(
        &self,
        place: usize,
        witness: &PolicyWitness,
        note: &str,
        checkpoint: &Checkpoint,
        read: &impl Fn(u8, u64) -> Option<Hash>,
    ) -> Result<String, CollectFailure> {
        let prefix = witness.url.as_deref().ok_or(CollectFailure::NoAddress)?;
        let address = format!("{}/add-checkpoint", prefix.trim_end_matches('/'));
        let mut old = self.known_size(place).filter(|size| *size <= checkpoint.size).unwrap_or(0);
        for _ in 0..TRIES_MAX {
            let request = AddCheckpoint::make(old, note, read)?.to_text();
            match self.post(&address, request).await? {
                WitnessAnswer::Cosigned(answer) => {
                    let lines = witness.key.lines_for(note, &answer)?;
                    if lines.is_empty() {
                        return Err(CollectFailure::NoLine);
                    }
                    self.know_size(place, checkpoint.size);
                    return Ok(lines);
                }
                WitnessAnswer::Conflict(size) if size > checkpoint.size => {
                    return Err(CollectFailure::Ahead(size));
                }
                WitnessAnswer::Conflict(size) => old = size,
                WitnessAnswer::Refused(status) => return Err(CollectFailure::Refused(status)),
            }
        }
        Err(CollectFailure::Restless)
    }

    async fn post(&self, address: &str, request: String) -> Result<WitnessAnswer, CollectFailure> {
        let unreachable = |error: reqwest::Error| CollectFailure::Unreachable(http::causes(&error));
        let response = self.http.post(address).body(request).send().await.map_err(unreachable)?;
        let status = response.status();
        if !matches!(status, StatusCode::OK | StatusCode::CONFLICT) {
            return Ok(WitnessAnswer::Refused(status.as_u16()));
        }
        let body = http::body(response, ANSWER_BYTES_MAX).await.map_err(CollectFailure::Unreachable)?;
        let body = String::from_utf8(body);
        let body = body.map_err(|_| CollectFailure::Unreachable("its answer is not text".to_owned()))?;
        Ok(WitnessAnswer::parse(status.as_u16(), &body))
    }

    fn known_size(&self, place: usize) -> Option<u64> {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner).get(&place).copied()
    }

    fn know_size(&self, place: usize, size: u64) {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner).insert(place, size);
    }
}
