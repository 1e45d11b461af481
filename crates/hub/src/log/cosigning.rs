//! Witnesses' cosignatures under the checkpoints of the logs (C2SP tlog-witness).
//!
//! A checkpoint is signed and on disk before a witness sees it, and with witnesses it is not shown before their quorum has cosigned it:
//! what others go by has always been looked at. Where the quorum stays away for too long, the hub gives nothing of one organisation to
//! another any more and hands out no authorisations; what an organisation brought itself, it still gets.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use api::Code;
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use jiff::Timestamp;
use tlog::{LogKey, Policy, Tile, read_from_tiles};
use witness::{CollectConfig, Collected, Collector};

use super::{PublishedLog, write_synced};
use crate::HubError;
use crate::problem::Failure;
use crate::state::Stopping;

/// How often it is looked whether a log has grown.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A checkpoint that does not grow is cosigned anew this often, so that it stays fresh.
const REFRESH_EVERY: Duration = Duration::from_secs(600);
/// How long witnesses have to answer, and how long the others have when the quorum is there.
const TIMEOUT: Duration = Duration::from_secs(10);
const GRACE: Duration = Duration::from_millis(500);
/// How long to wait before they are asked again after a quorum stayed away.
const RETRY: Duration = Duration::from_secs(5);

/// Who has to cosign, and for how long it may be done without.
#[derive(Debug, Clone)]
pub struct Witnesses {
    /// The witnesses with their addresses, and the quorum (C2SP tlog-policy).
    pub policy: Policy,
    /// How long nothing may be cosigned before nothing is released to others.
    pub unwitnessed_max: Duration,
}

/// One log's side of it.
pub(crate) struct Cosigned {
    /// The newest checkpoint with its cosignatures.
    note: ArcSwapOption<Bytes>,
    collector: Collector,
    log: LogKey,
    path: PathBuf,
    unwitnessed_max: Duration,
    /// When the quorum was last there, on the monotonic clock; since the start where it never was.
    witnessed: Mutex<Instant>,
    /// Whether it has been away for too long.
    is_late: AtomicBool,
    trouble: Mutex<Option<String>>,
}

impl std::fmt::Debug for Cosigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cosigned").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Cosigned {
    /// Takes up what was cosigned before.
    pub(super) fn open(
        witnesses: &Witnesses,
        key: &tlog::VerifyingKey,
        folder: &std::path::Path,
    ) -> Result<Self, HubError> {
        let unusable = |why: String| HubError::new("log", format!("the witnesses of the log: {why}"));
        let policy = &witnesses.policy;
        let log = LogKey::parse(&key.encode()).map_err(|error| unusable(error.to_string()))?;
        let config = CollectConfig {
            log: log.clone(),
            policy: policy.clone(),
            timeout: TIMEOUT.min(witnesses.unwitnessed_max),
            grace: GRACE,
        };
        let path = folder.join("checkpoint.cosigned");
        let kept = std::fs::read_to_string(&path).ok();
        let kept = kept.and_then(|note| policy.check_log(&note, &log).ok().map(|seen| (note, seen)));
        let now = Instant::now();
        let age = kept.as_ref().and_then(|(_, seen)| seen.quorum_time()).and_then(age);
        let witnessed = age.and_then(|age| now.checked_sub(age)).unwrap_or(now);
        Ok(Self {
            note: ArcSwapOption::from_pointee(kept.map(|(note, _)| Bytes::from(note))),
            collector: Collector::new(config).map_err(unusable)?,
            log,
            path,
            unwitnessed_max: witnesses.unwitnessed_max,
            witnessed: Mutex::new(witnessed),
            is_late: AtomicBool::new(false),
            trouble: Mutex::default(),
        })
    }

    /// The newest checkpoint that the quorum cosigned.
    pub(super) fn note(&self) -> Option<Arc<Bytes>> {
        self.note.load_full()
    }

    /// What a person has to know.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses what needs a log that others look at, where none has for too long.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) fn demand(&self) -> Result<(), Failure> {
        if !self.is_late.load(Ordering::Acquire) {
            return Ok(());
        }
        let detail = "no quorum of witnesses has cosigned the log for too long, so nothing is given to others; the hub's operator \
             has to bring its witnesses back";
        Err(Failure::new(Code::Unavailable, detail))
    }

    /// Has the log's checkpoints cosigned until the hub stops.
    pub(super) async fn run(&self, log: PublishedLog, stopping: Stopping) {
        let mut done: Option<(Bytes, Instant)> = None;
        // In time before it is late.
        let refresh_every = REFRESH_EVERY.min(self.unwitnessed_max / 3);
        loop {
            let newest = log.signed();
            let is_due = |newest: &Bytes| {
                done.as_ref().is_none_or(|(note, at)| note != newest || at.elapsed() >= refresh_every)
            };
            let mut pause = LOOK_EVERY;
            if let Some(newest) = newest.filter(|newest| is_due(newest)) {
                match self.cosign(&log, &newest).await {
                    Ok(()) => done = Some((newest, Instant::now())),
                    Err(trouble) => {
                        tracing::warn!(trouble, "the log is not cosigned");
                        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
                        pause = RETRY.min(self.unwitnessed_max);
                    }
                }
            }
            self.judge();
            if stopping.is_set() {
                return;
            }
            tokio::select! { () = tokio::time::sleep(pause) => {} () = stopping.wait() => {} }
        }
    }

    async fn cosign(&self, log: &PublishedLog, signed: &Bytes) -> Result<(), String> {
        let note = String::from_utf8_lossy(signed).into_owned();
        let size = tlog::open_by_any(&note, [&self.log]).map_err(|error| error.to_string())?.0.size;
        let folder = log.folder().to_owned();
        let read = Mutex::new(read_from_tiles(size, move |tile: &Tile| {
            std::fs::read(folder.join(tile.path())).ok()
        }));
        let read = |level, index| read.lock().unwrap_or_else(PoisonError::into_inner)(level, index);
        let collected = self.collector.collect(&note, read).await.map_err(|error| error.to_string())?;
        let Collected { note, judged, failed } = collected;
        let away: Vec<String> = failed.iter().map(|(name, why)| format!("{name}: {why}")).collect();
        judged.map_err(|why| format!("{why} ({})", away.join("; ")))?;
        let (path, kept) = (self.path.clone(), note.clone());
        let written = tokio::task::spawn_blocking(move || write_synced(&path, kept.as_bytes())).await;
        written.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        self.note.store(Some(Arc::new(Bytes::from(note))));
        *self.witnessed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
        if !away.is_empty() {
            tracing::info!(away = away.join("; "), "the log has its quorum, some witnesses did not cosign");
        }
        Ok(())
    }

    fn judge(&self) {
        let since = self.witnessed.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        let is_late = since > self.unwitnessed_max;
        if is_late != self.is_late.swap(is_late, Ordering::AcqRel) {
            tracing::warn!(is_late, "release to others depends on witnesses");
        }
    }
}

/// How long ago a time in seconds since 1970 is.
fn age(seconds: u64) -> Option<Duration> {
    let then = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Duration::try_from(Timestamp::now().duration_since(then)).ok()
}
