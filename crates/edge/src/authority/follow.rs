//! The log of authorisations, as this edge sees it: cosigned heads only, every entry, and never backwards.

use jiff::Timestamp;
use oversight::authorisation::{Contradiction, Gate, Witnessed};
use tlog::Unaccepted;

use super::Authority;
use crate::config;
use crate::spool::authority::SeenLog;
use crate::{Shared, SpoolError};

/// What became of what the hub showed of the log.
#[derive(Debug)]
pub(super) enum Followed {
    /// It goes on from what was seen.
    Yes,
    /// It is not cosigned by enough witnesses: nothing new is known.
    Unwitnessed(String),
    /// It contradicts what was seen, or is no log of the operator's policy: evidence against whoever keeps it.
    No(String),
}

/// The gate as far as the spool remembers. What the operator's policy does not accept any more is followed anew; the entries that
/// were seen stay, and are compared then.
pub(super) fn restored(pinned: &config::Authority, seen: SeenLog) -> Gate {
    let fresh = Gate::new(pinned.trusted.clone());
    let Some(checkpoint) = seen.checkpoint else { return fresh };
    let mut gate = fresh.clone();
    match head(pinned, &checkpoint).map_err(|e| e.to_string()) {
        Ok(head) => match gate.follow(&head, &seen.entries) {
            Ok(()) => gate,
            Err(contradiction) => {
                tracing::error!(%contradiction, "what was kept of the log of authorisations is damaged; it is followed anew");
                fresh
            }
        },
        Err(error) => {
            tracing::warn!(%error, "the kept head of the log of authorisations is not accepted; the log is followed anew");
            fresh
        }
    }
}

/// The cosigned head that a checkpoint is.
fn head(pinned: &config::Authority, checkpoint: &str) -> Result<Witnessed, Unaccepted> {
    let accepted = pinned.policy.check(checkpoint)?;
    let at = accepted.quorum_time().and_then(|second| Timestamp::from_second(second.cast_signed()).ok());
    // A quorum of nobody is refused with the configuration, so there is a time.
    let at = at.unwrap_or(Timestamp::MIN);
    Ok(Witnessed { size: accepted.checkpoint().size, root: *accepted.root(), at })
}

impl Authority {
    /// Follows the log to a checkpoint; `entries` are those since what was seen. What is followed is on disk.
    pub(super) fn follow(
        &self,
        shared: &Shared,
        checkpoint: &str,
        entries: &[Vec<u8>],
    ) -> Result<Followed, SpoolError> {
        let head = match head(&self.pinned, checkpoint) {
            Ok(head) => head,
            Err(Unaccepted::NoQuorum { .. }) => {
                return Ok(Followed::Unwitnessed("too few witnesses cosigned its head".to_owned()));
            }
            Err(other) => return Ok(Followed::No(other.to_string())),
        };
        let mut next = self.gate().clone();
        let first = next.seen();
        if let Err(contradiction) = next.follow(&head, entries) {
            return Ok(Followed::No(contradiction.to_string()));
        }
        if !shared.spool.see_log(checkpoint, first, entries)? {
            return Ok(Followed::No(Contradiction::Forked.to_string()));
        }
        *self.gate() = next;
        Ok(Followed::Yes)
    }
}
