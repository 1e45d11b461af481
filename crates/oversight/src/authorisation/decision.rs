use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::assertion::{Assertion, AssertionError};
use super::commission::Commission;
use super::frame::Frame;
use super::terms::{Kind, Terms};
use crate::organisation::vocabulary;

vocabulary! {
    /// What the commission decides.
    Verdict {
        /// The terms are granted.
        Grant = "grant",
        /// They are not.
        Refuse = "refuse",
        /// A grant rests.
        Suspend = "suspend",
        /// It counts again.
        Resume = "resume",
        /// It is over.
        Revoke = "revoke",
    }
}

/// A decision, as every commissioner who takes part signs it. All sign the same words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What is decided.
    pub verdict: Verdict,
    /// About which authorisation.
    pub authorisation: Uuid,
    /// The entry of the log at which it was asked for: a grant that is logged a second time is about the same request, and what
    /// stopped it once has stopped it.
    pub request: u64,
    /// SHA-256 of its terms, in hexadecimal.
    pub terms: String,
    /// Which kind of authorisation it is: how many it takes depends on that.
    pub kind: Kind,
    /// SHA-256 of the frame that the terms were held against, in hexadecimal.
    pub frame: String,
    /// The number of the decision about this authorisation, from 1: an older one cannot be used again.
    pub number: u32,
    /// When the question was put; who decides must be a commissioner then.
    pub asked: Timestamp,
    /// Why, for whoever inspects; required where something is stopped or refused.
    pub reason: String,
}

/// A decision and those who took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// What was decided.
    pub decision: Decision,
    /// Each commissioner's passkey over it.
    pub assertions: Vec<Assertion>,
}

/// A decision that does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecisionError {
    /// An answer is of no passkey of a commissioner.
    #[error("an answer is of a passkey that belongs to no commissioner of that time")]
    Stranger,
    /// An answer does not hold.
    #[error("the answer of {member}: {cause}")]
    Assertion {
        /// Whose.
        member: String,
        /// Why.
        cause: AssertionError,
    },
    /// Too few took part.
    #[error("{decided} of {needed} commissioners decided")]
    TooFew {
        /// How many did.
        decided: usize,
        /// How many it takes.
        needed: u32,
    },
    /// Another commission was asked.
    #[error("it was put to another commission than the one that stands")]
    OtherCommission,
    /// It does not say why.
    #[error("whoever stops or refuses something gives a reason")]
    Reason,
}

/// Set before the text under the hash, so that no other question has the same challenge.
const DOMAIN: &[u8] = b"yagura decision of the commission v1\0";

impl Decision {
    /// What each authenticator is asked to sign.
    #[must_use]
    pub fn challenge(&self) -> [u8; 32] {
        let text = serde_json_canonicalizer::to_vec(self).unwrap_or_default();
        Sha256::new().chain_update(DOMAIN).chain_update(text).finalize().into()
    }

    /// How many commissioners it takes. One can stop what several allowed; nobody alone allows anything.
    #[must_use]
    pub fn persons(&self, commission: &Commission, frame: &Frame) -> u32 {
        match (self.verdict, self.kind) {
            (Verdict::Refuse | Verdict::Suspend | Verdict::Revoke, _) => 1,
            (Verdict::Grant, Kind::Emergency) => frame.emergency.persons.max(2),
            (Verdict::Grant | Verdict::Resume, _) => commission.threshold.max(2),
        }
    }
}

impl Decided {
    /// Who took part, where they are enough: each a commissioner when the question was put, each by a passkey of their own.
    ///
    /// # Errors
    /// The first answer that does not hold (one that proves nothing is not passed over), or how many are missing.
    pub fn verify(&self, commission: &Commission, frame: &Frame) -> Result<BTreeSet<String>, DecisionError> {
        let members = self.members(commission)?;
        let needed = self.decision.persons(commission, frame);
        if members.len() < needed as usize {
            return Err(DecisionError::TooFew { decided: members.len(), needed });
        }
        let stops = matches!(self.decision.verdict, Verdict::Refuse | Verdict::Suspend | Verdict::Revoke);
        if stops && self.decision.reason.trim().is_empty() {
            return Err(DecisionError::Reason);
        }
        Ok(members)
    }

    /// Who took part so far.
    ///
    /// # Errors
    /// The first answer that does not hold.
    pub fn members(&self, commission: &Commission) -> Result<BTreeSet<String>, DecisionError> {
        signers(&self.assertions, &self.decision.challenge(), commission, self.decision.asked)
    }

    /// The record that the decision's entry commits to: terms and decision (RFC 8785).
    #[must_use]
    pub fn record(&self, terms: &Terms) -> Vec<u8> {
        let record = serde_json::json!({ "v": 1, "terms": terms, "decided": self });
        serde_json_canonicalizer::to_vec(&record).unwrap_or_default()
    }
}

/// The members whose passkeys answered a challenge; whoever answers must have been one when the question was put.
///
/// # Errors
/// The first answer that does not hold.
pub(crate) fn signers(
    assertions: &[Assertion],
    challenge: &[u8; 32],
    commission: &Commission,
    asked: Timestamp,
) -> Result<BTreeSet<String>, DecisionError> {
    let mut members = BTreeSet::new();
    for assertion in assertions {
        let known = commission.member_of(&assertion.credential, asked);
        let (member, key) = known.ok_or(DecisionError::Stranger)?;
        assertion
            .verify(key, challenge, (&commission.rp_id, &commission.origins))
            .map_err(|cause| DecisionError::Assertion { member: member.id.clone(), cause })?;
        members.insert(member.id.clone());
    }
    Ok(members)
}
