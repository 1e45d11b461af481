use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::OrganisationId;

/// What an edge did under an authorisation: it signs for that, and the signature goes to the hub, the commission and the operator's
/// own ledger alike. It holds no telemetry and no number of matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// Under which authorisation.
    pub authorisation: Uuid,
    /// Its grant's place in the log of authorisations.
    pub grant: u64,
    /// At which operator.
    pub operator: OrganisationId,
    /// By which edge.
    pub edge: String,
    /// Whose question it was.
    pub asked_by: OrganisationId,
    /// What was asked, in hexadecimal: the list's root, or the SHA-256 hash of the message that opened a round of private matching. What was
    /// asked in it stands in the round's own receipt.
    pub asked: String,
    /// How many indicators were asked for.
    pub count: u32,
    /// When.
    pub at: Timestamp,
    /// Which use of that day it was, from 1.
    pub number: u32,
}

/// A use that was signed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// What was done.
    pub used: Use,
    /// The edge's Ed25519 signature over [`Use::signed`], in hexadecimal.
    pub signature: String,
}

/// Set before the text under the signature.
const DOMAIN: &[u8] = b"yagura receipt v1\0";

impl Use {
    /// The bytes that are signed.
    #[must_use]
    pub fn signed(&self) -> Vec<u8> {
        [DOMAIN, &serde_json_canonicalizer::to_vec(self).unwrap_or_default()].concat()
    }
}

impl Receipt {
    /// Signs for a use. `sign` is the edge's key.
    #[must_use]
    pub fn sign(used: Use, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Self {
        let signature = hex::encode(sign(&used.signed()));
        Self { used, signature }
    }

    /// Whether the edge with this Ed25519 key signed it.
    #[must_use]
    pub fn is_of(&self, key: &[u8; 32]) -> bool {
        use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
        let Ok(signature) = hex::decode(&self.signature) else { return false };
        UnparsedPublicKey::new(&ED25519, key).verify(&self.used.signed(), &signature).is_ok()
    }
}
