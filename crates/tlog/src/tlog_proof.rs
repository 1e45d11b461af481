//! Proofs in a file (C2SP tlog-proof): an entry's place in a log and the witnessed checkpoint that covers it, verified offline.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;
use crate::log_key::LogKey;
use crate::note::{NOTE_BYTES_MAX, NoteError, Parts, unverified_checkpoint};
use crate::policy::{Policy, Unaccepted, Witnessed};
use crate::proof::{self, ProofError};

/// What the file begins with.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The most hashes in the path of an entry: one for each level of a tree.
const PATH_HASHES_MAX: usize = 64;
/// The longest extra data, in bytes.
pub const PROOF_EXTRA_BYTES_MAX: usize = 64 * 1024;
/// The longest proof file that is read, in bytes: header, extra data in base64, path and note.
pub const PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + PROOF_EXTRA_BYTES_MAX * 2;

/// A `.tlog-proof` file. Nothing in it is authenticated before [`TlogProof::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Data for the application, which nothing authenticates; not empty.
    extra: Option<Vec<u8>>,
    index: u64,
    path: Vec<Hash>,
    /// The note, verbatim.
    checkpoint: String,
}

/// Why a text is not a proof, or a proof cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// Longer than [`PROOF_BYTES_MAX`], or its extra data than [`PROOF_EXTRA_BYTES_MAX`].
    #[error("the proof is too large")]
    TooLarge,
    /// Not the form of a proof.
    #[error("this is not a tlog-proof: {0}")]
    Malformed(&'static str),
    /// What follows the empty line is not a checkpoint.
    #[error("the proof bears no checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The path cannot be made.
    #[error(transparent)]
    Path(#[from] ProofError),
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    /// The policy does not accept the checkpoint.
    #[error(transparent)]
    Unaccepted(#[from] Unaccepted),
    /// The entry is not at its place under the checkpoint.
    #[error(transparent)]
    Path(#[from] ProofError),
}

impl TlogProof {
    /// The proof that entry `index` is in the log whose signed and cosigned checkpoint this note is; `read` gives stored hashes of the
    /// tree, as for [`proof::inclusion`]. The note's signatures are not checked.
    ///
    /// # Errors
    /// [`TlogProofError`].
    pub fn make(
        index: u64,
        checkpoint: &str,
        read: impl FnMut(u8, u64) -> Option<Hash>,
    ) -> Result<Self, TlogProofError> {
        let size = unverified_checkpoint(&Parts::parse(checkpoint)?)?.size;
        Self::of_path(index, proof::inclusion(index, size, read)?, checkpoint)
    }

    /// As [`TlogProof::make`], with an inclusion proof that was made already and is not checked.
    ///
    /// # Errors
    /// [`TlogProofError`].
    pub fn of_path(index: u64, path: Vec<Hash>, checkpoint: &str) -> Result<Self, TlogProofError> {
        unverified_checkpoint(&Parts::parse(checkpoint)?)?;
        if path.len() > PATH_HASHES_MAX {
            return Err(TlogProofError::TooLarge);
        }
        Ok(Self { extra: None, index, path, checkpoint: checkpoint.to_owned() })
    }

    /// The same proof with data for the application, which nothing authenticates. Empty data is none.
    ///
    /// # Errors
    /// [`TlogProofError::TooLarge`].
    pub fn with_extra(mut self, extra: &[u8]) -> Result<Self, TlogProofError> {
        if extra.len() > PROOF_EXTRA_BYTES_MAX {
            return Err(TlogProofError::TooLarge);
        }
        self.extra = Some(extra.to_vec()).filter(|extra| !extra.is_empty());
        Ok(self)
    }

    /// The data for the application. Nothing authenticates it.
    pub fn unauthenticated_extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }

    /// The entry's place in the log, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The checkpoint's note, verbatim.
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if let Some(extra) = &self.extra {
            text.push_str(&format!("extra {}\n", STANDARD.encode(extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.path {
            text.push_str(&format!("{}\n", STANDARD.encode(hash)));
        }
        text + "\n" + &self.checkpoint
    }

    /// Reads the text of a file; any other spelling of the same proof is refused.
    ///
    /// # Errors
    /// [`TlogProofError`].
    pub fn parse(text: &str) -> Result<Self, TlogProofError> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(TlogProofError::TooLarge);
        }
        let malformed = TlogProofError::Malformed;
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(malformed("no empty line parts it from its checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(malformed("its first line is not `c2sp.org/tlog-proof@v1`"));
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(base64) => {
                lines.next();
                Some(parse_extra(base64)?)
            }
            None => None,
        };
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.and_then(decimal).ok_or(malformed("it has no line `index` with a number"))?;
        let path = parse_hashes(lines, PATH_HASHES_MAX).ok_or(malformed("its path is not one of hashes"))?;
        unverified_checkpoint(&Parts::parse(checkpoint)?)?;
        Ok(Self { extra, index, path, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that the entry with this leaf hash (see [`crate::leaf_hash`]) is in one of the policy's logs, at this proof's place, under
    /// a checkpoint with the policy's quorum.
    ///
    /// # Errors
    /// [`Unproved`].
    pub fn verify(&self, leaf: &Hash, policy: &Policy) -> Result<Witnessed, Unproved> {
        self.lead_to(leaf, policy.check(&self.checkpoint)?)
    }

    /// As [`TlogProof::verify`], for one log whose key the caller knows; the logs of the policy are passed over.
    ///
    /// # Errors
    /// [`Unproved`].
    pub fn verify_in(&self, leaf: &Hash, log: &LogKey, policy: &Policy) -> Result<Witnessed, Unproved> {
        self.lead_to(leaf, policy.check_log(&self.checkpoint, log)?)
    }

    fn lead_to(&self, leaf: &Hash, witnessed: Witnessed) -> Result<Witnessed, Unproved> {
        let head = witnessed.checkpoint();
        proof::verify_inclusion(leaf, self.index, head.size, &self.path, &head.root)?;
        Ok(witnessed)
    }
}

fn parse_extra(base64: &str) -> Result<Vec<u8>, TlogProofError> {
    let extra =
        STANDARD.decode(base64).map_err(|_| TlogProofError::Malformed("its extra data is not base64"))?;
    match extra.len() {
        0 => Err(TlogProofError::Malformed("its extra data is empty: such a line is left out")),
        1..=PROOF_EXTRA_BYTES_MAX => Ok(extra),
        _ => Err(TlogProofError::TooLarge),
    }
}

/// A number in decimal; one number has one spelling: no sign and no leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// Lines of one hash each in base64, at most `max`.
pub(crate) fn parse_hashes<'t>(lines: impl Iterator<Item = &'t str>, max: usize) -> Option<Vec<Hash>> {
    let mut hashes = Vec::new();
    for line in lines {
        if hashes.len() == max {
            return None;
        }
        hashes.push(STANDARD.decode(line).ok()?.try_into().ok()?);
    }
    Some(hashes)
}
