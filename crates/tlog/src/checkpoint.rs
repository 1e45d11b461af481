//! Checkpoints: what a log says of itself at one size (C2SP tlog-checkpoint).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;

/// The head of a log: whose it is, how many entries it has, and the hash over all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's unique name; by recommendation its address without a scheme. One line, not empty.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The root hash of the tree over those entries.
    pub root: Hash,
}

/// Why a text is not a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// A line is missing, empty, or not ended; or there is a control character.
    #[error("a checkpoint needs three lines or more, none empty, each ended by a line feed")]
    Lines,
    /// The second line is not a number of entries.
    #[error("the second line of a checkpoint is the number of entries in decimal without leading zeroes")]
    Size,
    /// The third line is not a hash.
    #[error("the third line of a checkpoint is a SHA-256 hash in standard base64")]
    Root,
}

impl Checkpoint {
    /// The text that is signed: origin, size and root, each with its line feed.
    ///
    /// Extension lines are not written: nobody can audit them, and the newer cosignatures do not cover them.
    /// A control character in the origin, which would forge a line, becomes U+FFFD.
    pub fn to_text(&self) -> String {
        let origin = self.origin.replace(char::is_control, "\u{FFFD}");
        format!("{origin}\n{}\n{}\n", self.size, STANDARD.encode(self.root))
    }

    /// Reads the text of a checkpoint. Extension lines are checked for their form and passed over; see
    /// [`Checkpoint::parse_extended`].
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        Self::parse_extended(text).map(|(checkpoint, _)| checkpoint)
    }

    /// Reads the text of a checkpoint and returns its extension lines beside it, which are opaque.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn parse_extended(text: &str) -> Result<(Self, Vec<&str>), CheckpointError> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?.split('\n').collect();
        if lines.iter().any(|line| line.is_empty() || line.chars().any(|c| c < ' ')) {
            return Err(CheckpointError::Lines);
        }
        let [origin, size, root, extensions @ ..] = lines.as_slice() else {
            return Err(CheckpointError::Lines);
        };
        let checkpoint =
            Self { origin: (*origin).to_owned(), size: parse_size(size)?, root: parse_root(root)? };
        Ok((checkpoint, extensions.to_vec()))
    }
}

fn parse_size(text: &str) -> Result<u64, CheckpointError> {
    let size: u64 = text.parse().map_err(|_| CheckpointError::Size)?;
    // One number has one spelling: no sign and no leading zeroes.
    if size.to_string() == text { Ok(size) } else { Err(CheckpointError::Size) }
}

fn parse_root(text: &str) -> Result<Hash, CheckpointError> {
    let bytes = STANDARD.decode(text).map_err(|_| CheckpointError::Root)?;
    bytes.try_into().map_err(|_| CheckpointError::Root)
}
