use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::assertion::Assertion;
use super::commission::Commission;
use super::decision::{DecisionError, signers};
use crate::organisation::vocabulary;

vocabulary! {
    /// What the standing commission resolves on, beside authorisations.
    Subject {
        /// Who will be the commission.
        Commission = "commission",
        /// By which frame it will decide.
        Frame = "frame",
    }
}

/// What the standing commission is asked about itself or its frame, as each commissioner who takes part signs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    /// What it is about.
    pub subject: Subject,
    /// SHA-256 of the new text ([`Commission::digest`], [`Frame::digest`](super::Frame::digest)), in hexadecimal.
    pub digest: String,
    /// [`Commission::digest`] of the commission that resolves, in hexadecimal: an older one's answers are of no use to a later one.
    pub by: String,
    /// When the question was put; who answers must be a commissioner then.
    pub asked: Timestamp,
    /// Why, for whoever inspects.
    pub reason: String,
}

/// A resolution and those who took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolved {
    /// What was resolved.
    pub resolution: Resolution,
    /// Each commissioner's passkey over it.
    pub assertions: Vec<Assertion>,
}

/// Set before the text under the hash, so that no other question has the same challenge.
const DOMAIN: &[u8] = b"yagura resolution of the commission v1\0";

impl Resolution {
    /// What each authenticator is asked to sign.
    #[must_use]
    pub fn challenge(&self) -> [u8; 32] {
        let text = serde_json_canonicalizer::to_vec(self).unwrap_or_default();
        Sha256::new().chain_update(DOMAIN).chain_update(text).finalize().into()
    }

    /// How many commissioners it takes: as many as grant an authorisation.
    #[must_use]
    pub fn persons(commission: &Commission) -> u32 {
        commission.threshold.max(2)
    }
}

impl Resolved {
    /// Who took part, where they are enough and it is this commission that was asked.
    ///
    /// # Errors
    /// The first answer that does not hold, or how many are missing.
    pub fn verify(&self, commission: &Commission) -> Result<BTreeSet<String>, DecisionError> {
        let members = self.members(commission)?;
        let needed = Resolution::persons(commission);
        if members.len() < needed as usize {
            return Err(DecisionError::TooFew { decided: members.len(), needed });
        }
        Ok(members)
    }

    /// Who took part so far.
    ///
    /// # Errors
    /// The first answer that does not hold; [`DecisionError::OtherCommission`].
    pub fn members(&self, commission: &Commission) -> Result<BTreeSet<String>, DecisionError> {
        if self.resolution.by != hex::encode(commission.digest()) {
            return Err(DecisionError::OtherCommission);
        }
        signers(&self.assertions, &self.resolution.challenge(), commission, self.resolution.asked)
    }
}
