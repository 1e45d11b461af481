use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assertion::PublicKey;

/// Who decides: the members of the commission, their passkeys, and how many of them it takes. An edge's operator holds one of its
/// own, so that no hub can name commissioners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commission {
    /// Its number; a later one has a higher one.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// The domain that its passkeys are bound to (WebAuthn relying party).
    pub rp_id: String,
    /// The addresses at which they are used, e.g. `https://hub.example.jp`.
    pub origins: Vec<String>,
    /// How many members decide together.
    pub threshold: u32,
    /// The members.
    pub members: Vec<Member>,
}

/// A commissioner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// A short name of its own, stable for ever.
    pub id: String,
    /// For people.
    pub name: String,
    /// From when the member decides.
    pub from: Timestamp,
    /// Until when, exclusively.
    pub until: Timestamp,
    /// Passkeys by credential (base64url), e.g. one at hand and one in a safe.
    pub passkeys: std::collections::BTreeMap<String, PublicKey>,
}

/// A commission that cannot decide, or could be one person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommissionError {
    /// One alone never decides.
    #[error("at least two commissioners decide together, and no more than there are")]
    Threshold,
    /// Two members with one name or one passkey are one person.
    #[error("two members have the same name or the same passkey: {0}")]
    Twice(String),
    /// Nothing says where the passkeys are used.
    #[error("the commission names no site at which its passkeys are used")]
    Site,
}

impl Commission {
    /// Whether it can decide, and only together.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), CommissionError> {
        if self.rp_id.is_empty() || self.origins.is_empty() {
            return Err(CommissionError::Site);
        }
        if self.threshold < 2 || self.threshold as usize > self.members.len() {
            return Err(CommissionError::Threshold);
        }
        let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for member in &self.members {
            if !names.insert(&member.id) {
                return Err(CommissionError::Twice(member.id.clone()));
            }
            for (credential, key) in &member.passkeys {
                let key = serde_json::to_string(key).unwrap_or_default();
                if !keys.insert(credential.clone()) || !keys.insert(key) {
                    return Err(CommissionError::Twice(credential.clone()));
                }
            }
        }
        Ok(())
    }

    /// The member that a passkey belongs to, if it is one at that time.
    #[must_use]
    pub fn member_of(&self, credential: &str, at: Timestamp) -> Option<(&Member, &PublicKey)> {
        let of = |member: &'_ Member| (member.from..member.until).contains(&at);
        self.members
            .iter()
            .filter(|member| of(member))
            .find_map(|member| Some((member, member.passkeys.get(credential)?)))
    }

    /// SHA-256 of the canonical text (RFC 8785): what operators compare.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(serde_json_canonicalizer::to_vec(self).unwrap_or_default()).into()
    }
}
