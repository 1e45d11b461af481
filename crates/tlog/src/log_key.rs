//! The keys by which logs are known: of a log's note signature, or of the cosignature that a log makes over its own checkpoints.

use crate::checkpoint::Checkpoint;
use crate::cosignature::CosignerKey;
use crate::note::{KeyError, NoteError, Parts, VerifyingKey, signature_line, verify_parts};

/// The public key of a log, of any type that a checkpoint may be signed with (C2SP tlog-checkpoint, Signatures). The key's name is
/// the log's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogKey {
    /// A note signature with Ed25519, type 0x01.
    Note(VerifyingKey),
    /// A timestamped signature of the log itself, type 0x04 or 0x06.
    Timestamped(CosignerKey),
}

impl LogKey {
    /// Reads a verifier key of type 0x01, 0x04 or 0x06.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        match VerifyingKey::parse(text) {
            Ok(key) => Ok(Self::Note(key)),
            Err(KeyError::Algorithm(_)) => CosignerKey::parse(text).map(Self::Timestamped),
            Err(error) => Err(error),
        }
    }

    /// The log's origin.
    pub fn name(&self) -> &str {
        match self {
            Self::Note(key) => key.name(),
            Self::Timestamped(key) => key.name(),
        }
    }

    /// The verifier key as text.
    pub fn encode(&self) -> String {
        match self {
            Self::Note(key) => key.encode(),
            Self::Timestamped(key) => key.encode(),
        }
    }

    /// The public key alone, without name and type.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Note(key) => key.to_bytes().to_vec(),
            Self::Timestamped(key) => key.to_bytes().to_vec(),
        }
    }

    fn id(&self) -> [u8; 4] {
        match self {
            Self::Note(key) => key.id(),
            Self::Timestamped(key) => key.id(),
        }
    }

    /// Whether this key signed the checkpoint.
    pub(crate) fn signed(&self, parts: &Parts<'_>, checkpoint: &Checkpoint) -> Result<bool, NoteError> {
        match self {
            Self::Note(key) => verify_parts(parts, key),
            Self::Timestamped(key) => Ok(key.cosigned_parts_at(parts, checkpoint)?.is_some()),
        }
    }
}

impl From<VerifyingKey> for LogKey {
    fn from(key: VerifyingKey) -> Self {
        Self::Note(key)
    }
}

/// The checkpoint in a note that at least one of the keys signed and none is abused for, together with the note's text. The keys that
/// count are those whose name is the checkpoint's origin.
///
/// # Errors
/// [`NoteError::UnknownLog`] where no key is of this log, [`NoteError::NotSigned`] where none of its keys signed,
/// [`NoteError::BadSignature`] where a signature claims to be by one and is not.
pub fn open_by_any<'n, 'k>(
    note: &'n str,
    keys: impl IntoIterator<Item = &'k LogKey>,
) -> Result<(Checkpoint, &'n str), NoteError> {
    let parts = Parts::parse(note)?;
    let (checkpoint, _) = open_parts(&parts, keys)?;
    Ok((checkpoint, parts.text))
}

/// The note with the signature lines of these keys alone; those of others are left out. No signature is checked.
///
/// # Errors
/// [`NoteError`] where it is not a note.
pub fn signed_by_these(note: &str, keys: &[LogKey]) -> Result<String, NoteError> {
    let parts = Parts::parse(note)?;
    let mut kept = format!("{}\n", parts.text);
    for key in keys {
        for signature in parts.by(key.name(), key.id()) {
            kept.push_str(&signature_line(key.name(), key.id(), signature));
        }
    }
    Ok(kept)
}

/// As [`open_by_any`]; gives the key that signed.
pub(crate) fn open_parts<'k>(
    parts: &Parts<'_>,
    keys: impl IntoIterator<Item = &'k LogKey>,
) -> Result<(Checkpoint, &'k LogKey), NoteError> {
    let checkpoint = crate::note::unverified_checkpoint(parts)?;
    let (mut known, mut signer) = (false, None);
    for key in keys.into_iter().filter(|key| key.name() == checkpoint.origin) {
        known = true;
        if key.signed(parts, &checkpoint)? {
            signer = signer.or(Some(key));
        }
    }
    match signer {
        Some(key) => Ok((checkpoint, key)),
        None if known => Err(NoteError::NotSigned(checkpoint.origin)),
        None => Err(NoteError::UnknownLog(checkpoint.origin)),
    }
}
