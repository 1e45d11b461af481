//! The receipt of a filing: what shows anybody, without the node, that exactly this was filed and when it was written down.
//!
//! It is a C2SP tlog-proof of the filing's leaf in the log of acts. Its extra data is the record that the leaf commits to, with its
//! salt; the record names the SHA-256 of the copy. So who has copy, receipt and the log's key checks all of it offline:
//!
//! copy → its SHA-256 in the record → commitment of record and salt → leaf → checkpoint → the log's signature, and its witnesses'.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Digest;
use tlog::{Policy, TlogProof, TlogProofError, Unproved, leaf_hash};

use crate::{Action, AuditEvent, Outcome};

/// What the extra data says it is.
const KIND: &str = "urn:yagura:filing-receipt:1";
/// The fact of a filing's record that names its copy.
pub const COPY: &str = "copy";

/// A receipt. Nothing in it is to be believed before [`FilingReceipt::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilingReceipt {
    proof: TlogProof,
    extra: Extra,
}

/// What a receipt shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// When the filing was written down, by the node's clock.
    pub at: Timestamp,
    /// Its place in the log.
    pub leaf: u64,
    /// The act: who filed which report under which regime.
    pub event: AuditEvent,
    /// The log that it stands in.
    pub log: String,
    /// The witnesses that cosigned the checkpoint.
    pub witnesses: usize,
}

/// Why a receipt shows nothing.
#[derive(Debug, thiserror::Error)]
pub enum NoReceipt {
    /// Not a receipt.
    #[error("this is not the receipt of a filing: {0}")]
    Malformed(String),
    /// The copy is another one than the one that was filed.
    #[error("the copy is not the one that was filed: its SHA-256 is {found}, the receipt's is {wanted}")]
    OtherCopy {
        /// Of the copy in hand.
        found: String,
        /// Of the copy that was filed.
        wanted: String,
    },
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

impl FilingReceipt {
    /// The receipt out of the proof of the filing's leaf, its record and its salt.
    ///
    /// # Errors
    /// [`TlogProofError::TooLarge`].
    pub fn make(proof: TlogProof, record: &[u8], salt: &[u8; 32]) -> Result<Self, TlogProofError> {
        let record = String::from_utf8_lossy(record).into_owned();
        let extra = Extra { kind: KIND.to_owned(), record, salt: hex::encode(salt) };
        let written = serde_json::to_vec(&extra).unwrap_or_default();
        Ok(Self { proof: proof.with_extra(&written)?, extra })
    }

    /// Reads the text of a receipt.
    ///
    /// # Errors
    /// [`NoReceipt::Malformed`].
    pub fn parse(text: &str) -> Result<Self, NoReceipt> {
        let malformed = |why: &dyn std::fmt::Display| NoReceipt::Malformed(why.to_string());
        let proof = TlogProof::parse(text).map_err(|error| malformed(&error))?;
        let extra = proof.unauthenticated_extra().unwrap_or_default();
        let extra: Extra = serde_json::from_slice(extra).map_err(|error| malformed(&error))?;
        if extra.kind != KIND {
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

    /// Checks that these bytes are what was filed, and that a log of the policy says so.
    ///
    /// # Errors
    /// [`NoReceipt`].
    pub fn verify(&self, copy: &[u8], policy: &Policy) -> Result<Shown, NoReceipt> {
        let malformed = |why: &str| NoReceipt::Malformed(why.to_owned());
        let entry = self.entry().ok_or_else(|| malformed("its salt is none"))?;
        let witnessed = self.proof.verify(&leaf_hash(&entry), policy)?;
        // Only now is the record the one that the log commits to.
        let record: Record =
            serde_json::from_str(&self.extra.record).map_err(|_| malformed("its record is none"))?;
        let is_filing = record.event.action == Action::ReportFiled && record.event.outcome == Outcome::Done;
        let wanted = record.event.detail.get(COPY).filter(|_| is_filing);
        let wanted = wanted.ok_or_else(|| malformed("its record is of another act"))?;
        let found = hex::encode(sha2::Sha256::digest(copy));
        if found != *wanted {
            return Err(NoReceipt::OtherCopy { found, wanted: wanted.clone() });
        }
        Ok(Shown {
            at: record.at,
            leaf: self.proof.index(),
            log: witnessed.checkpoint().origin.clone(),
            witnesses: witnessed.cosigned().len(),
            event: record.event,
        })
    }
}
