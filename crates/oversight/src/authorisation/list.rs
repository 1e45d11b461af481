use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tlog::{Frontier, Hash, leaf_hash};

/// What is looked for under an authorisation: STIX patterns, in an order that counts. The terms name only its root, so that whoever
/// reads them learns nothing of it; the commission and the edges concerned are given the list itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndicatorList {
    /// 64 hexadecimal digits, drawn by chance, so that the root of a short list cannot be guessed at.
    pub salt: String,
    /// The patterns.
    pub patterns: Vec<String>,
}

/// A list that is not the one that was granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The salt is not 32 bytes in hexadecimal.
    #[error("the list's salt is not of 64 hexadecimal digits")]
    Salt,
    /// Other patterns, another order, another salt.
    #[error("the list is not the one that was granted: its root is {found}")]
    Root {
        /// The root that it has.
        found: String,
    },
    /// More than was granted.
    #[error("the list has {found} indicators, and {granted} were granted")]
    Size {
        /// How many it has.
        found: usize,
        /// How many were granted.
        granted: u32,
    },
}

/// What stands before each member under the hash; no other hash of this program begins so.
const MEMBER: &[u8] = b"yagura authorised indicator v1\0";

impl IndicatorList {
    /// The root of the tree (RFC 6962 §2.1) over a salted commitment to each pattern.
    ///
    /// # Errors
    /// [`ListError::Salt`].
    pub fn root(&self) -> Result<Hash, ListError> {
        let mut salt = [0; 32];
        hex::decode_to_slice(&self.salt, &mut salt).map_err(|_| ListError::Salt)?;
        let mut tree = Frontier::new();
        for (number, pattern) in (0_u64..).zip(&self.patterns) {
            let commitment = Sha256::new()
                .chain_update(MEMBER)
                .chain_update(salt)
                .chain_update(number.to_be_bytes())
                .chain_update(pattern.as_bytes())
                .finalize();
            let _ = tree.append(leaf_hash(&commitment));
        }
        Ok(tree.root())
    }

    /// Whether this is the list of which terms name root and size.
    ///
    /// # Errors
    /// What is different.
    pub fn check(&self, root: &str, granted: u32) -> Result<(), ListError> {
        if self.patterns.is_empty() || self.patterns.len() > granted as usize {
            return Err(ListError::Size { found: self.patterns.len(), granted });
        }
        let found = hex::encode(self.root()?);
        if found == root { Ok(()) } else { Err(ListError::Root { found }) }
    }
}
