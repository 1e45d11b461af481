use serde::{Deserialize, Serialize};

use super::decision::Verdict;
use crate::organisation::vocabulary;

vocabulary! {
    /// Where an authorisation stands.
    State {
        /// Somebody asked for it.
        Requested = "requested",
        /// It counts, within its time.
        Granted = "granted",
        /// It rests.
        Suspended = "suspended",
        /// It was refused.
        Refused = "refused",
        /// Whoever asked took it back before it was decided.
        Withdrawn = "withdrawn",
        /// It is over for good.
        Revoked = "revoked",
    }
}

impl State {
    /// Where it stands after a decision; `None` where there is no such decision to take. What is refused, taken back or revoked
    /// stays so.
    #[must_use]
    pub fn after(self, verdict: Verdict) -> Option<Self> {
        match (self, verdict) {
            (Self::Requested, Verdict::Grant) | (Self::Suspended, Verdict::Resume) => Some(Self::Granted),
            (Self::Requested, Verdict::Refuse) => Some(Self::Refused),
            (Self::Granted, Verdict::Suspend) => Some(Self::Suspended),
            (Self::Granted | Self::Suspended, Verdict::Revoke) => Some(Self::Revoked),
            _ => None,
        }
    }

    /// Whether whoever asked may take it back: only before the commission has decided.
    #[must_use]
    pub fn may_be_withdrawn(self) -> bool {
        self == Self::Requested
    }

    /// Whether it was granted once, so that those whom it concerns know of it.
    #[must_use]
    pub fn was_granted(self) -> bool {
        matches!(self, Self::Granted | Self::Suspended | Self::Revoked)
    }
}
