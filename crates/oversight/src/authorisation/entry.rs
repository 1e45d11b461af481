use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tlog::Hash;

use crate::organisation::vocabulary;

vocabulary! {
    /// What an entry of the log of authorisations is about.
    EntryKind {
        /// Somebody asks for an authorisation.
        Request = "request",
        /// It was granted.
        Grant = "grant",
        /// It was refused.
        Refuse = "refuse",
        /// Whoever asked took the request back before it was decided.
        Withdraw = "withdraw",
        /// A grant rests.
        Suspend = "suspend",
        /// It counts again.
        Resume = "resume",
        /// It is over.
        Revoke = "revoke",
        /// An operator's edge did something under it, and signed for that.
        Use = "use",
        /// A frame came into force.
        Frame = "frame",
        /// The commission's members changed.
        Commission = "commission",
        /// Nothing: so that nobody can count what happens from the length of the log.
        Padding = "padding",
    }
}

/// An entry of the log of authorisations: what everybody may see of an act. The record itself is kept elsewhere, and given to whom
/// it concerns together with its salt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// 1.
    pub v: u8,
    /// What it is about.
    pub kind: EntryKind,
    /// The hour in which it was done.
    pub hour: Timestamp,
    /// Which entry it follows: a decision and a withdrawal their request; a use, a suspension, a resumption and a revocation the grant.
    pub of: Option<u64>,
    /// [`Entry::commitment_of`] over salt and record, in hexadecimal.
    pub commitment: String,
}

/// An entry that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an entry of the log of authorisations cannot be read")]
pub struct EntryError;

/// Most bytes of an entry: longer ones are none of ours.
const ENTRY_BYTES_MAX: usize = 512;

impl Entry {
    /// An entry for a record, at the hour of `at`.
    #[must_use]
    pub fn new(kind: EntryKind, at: Timestamp, of: Option<u64>, (salt, record): (&[u8; 32], &[u8])) -> Self {
        let hour = at.as_second().div_euclid(3600).saturating_mul(3600);
        let hour = Timestamp::from_second(hour).unwrap_or_default();
        Self { v: 1, kind, hour, of, commitment: hex::encode(Self::commitment_of(salt, record)) }
    }

    /// SHA-256 of a domain byte, the salt and the record: the same commitment as that of the log of acts.
    #[must_use]
    pub fn commitment_of(salt: &[u8; 32], record: &[u8]) -> Hash {
        Sha256::new().chain_update([0x02]).chain_update(salt).chain_update(record).finalize().into()
    }

    /// The bytes that stand in the log (RFC 8785).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }

    /// Reads an entry as the log has it; one that is spelt in another way is none.
    ///
    /// # Errors
    /// [`EntryError`].
    pub fn read(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError);
        }
        let entry: Self = serde_json::from_slice(bytes).map_err(|_| EntryError)?;
        (entry.v == 1 && entry.to_bytes() == bytes).then_some(entry).ok_or(EntryError)
    }

    /// Whether it commits to this record.
    #[must_use]
    pub fn commits_to(&self, salt: &[u8; 32], record: &[u8]) -> bool {
        self.commitment == hex::encode(Self::commitment_of(salt, record))
    }
}
