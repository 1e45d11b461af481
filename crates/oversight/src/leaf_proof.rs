//! What shows anybody, without the node, that an act stands in the log of acts: a C2SP tlog-proof of its leaf, with the record that the
//! leaf commits to and its salt as extra data.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tlog::{Policy, TlogProof, TlogProofError, Unproved, leaf_hash};

use crate::AuditEvent;

/// A proof. Nothing in it is to be believed before [`LeafProof::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafProof {
    proof: TlogProof,
    extra: Extra,
}

/// What a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// When the act was written down, by the node's clock.
    pub at: Timestamp,
    /// Its place in the log.
    pub leaf: u64,
    /// The act.
    pub event: AuditEvent,
    /// The log that it stands in.
    pub log: String,
    /// The witnesses that cosigned the checkpoint.
    pub witnesses: usize,
}

/// Why a proof shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoLeafProof {
    /// Not such a proof.
    #[error("{0}")]
    Malformed(String),
    /// The log does not hold it.
    #[error("the log does not show it: {0}")]
    Unproved(#[from] Unproved),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extra {
    kind: String,
    /// The canonical record.
    record: String,
    /// In hexadecimal.
    salt: String,
}

/// The canonical record, read back.
#[derive(Deserialize)]
struct Record {
    at: Timestamp,
    event: AuditEvent,
}

impl LeafProof {
    /// Out of the proof of the act's leaf, its record and its salt; `kind` says what it is a proof of.
    ///
    /// # Errors
    /// [`TlogProofError::TooLarge`].
    pub fn make(
        kind: &str,
        proof: TlogProof,
        record: &[u8],
        salt: &[u8; 32],
    ) -> Result<Self, TlogProofError> {
        let record = String::from_utf8_lossy(record).into_owned();
        let extra = Extra { kind: kind.to_owned(), record, salt: hex::encode(salt) };
        let written = serde_json::to_vec(&extra).unwrap_or_default();
        Ok(Self { proof: proof.with_extra(&written)?, extra })
    }

    /// Reads the text of a proof of this kind.
    ///
    /// # Errors
    /// [`NoLeafProof::Malformed`].
    pub fn parse(kind: &str, text: &str) -> Result<Self, NoLeafProof> {
        let malformed = |why: &dyn std::fmt::Display| NoLeafProof::Malformed(why.to_string());
        let proof = TlogProof::parse(text).map_err(|error| malformed(&error))?;
        let extra = proof.unauthenticated_extra().unwrap_or_default();
        let extra: Extra = serde_json::from_slice(extra).map_err(|error| malformed(&error))?;
        if extra.kind != kind {
            return Err(malformed(&"it is the proof of something else"));
        }
        Ok(Self { proof, extra })
    }

    /// The text of its file, a `.tlog-proof`.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.proof.to_text()
    }

    /// The entry of the log that it is about, as `yagura log verify --entry` takes it.
    #[must_use]
    pub fn entry(&self) -> Option<[u8; 32]> {
        let mut salt = [0; 32];
        hex::decode_to_slice(&self.extra.salt, &mut salt).ok()?;
        Some(AuditEvent::commitment(&salt, self.extra.record.as_bytes()))
    }

    /// Checks that a log of the policy holds the act. Only what this gives is the record that the log commits to.
    ///
    /// # Errors
    /// [`NoLeafProof`].
    pub fn verify(&self, policy: &Policy) -> Result<Shown, NoLeafProof> {
        let malformed = |why: &str| NoLeafProof::Malformed(why.to_owned());
        let entry = self.entry().ok_or_else(|| malformed("its salt is none"))?;
        let witnessed = self.proof.verify(&leaf_hash(&entry), policy)?;
        let record: Record =
            serde_json::from_str(&self.extra.record).map_err(|_| malformed("its record is none"))?;
        Ok(Shown {
            at: record.at,
            leaf: self.proof.index(),
            log: witnessed.checkpoint().origin.clone(),
            witnesses: witnessed.cosigned().len(),
            event: record.event,
        })
    }
}
