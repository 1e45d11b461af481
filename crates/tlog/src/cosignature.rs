//! Cosignatures (C2SP tlog-cosignature): a witness or mirror states, with the time, that it saw a log only grow.
//!
//! Two kinds are read and made: `cosignature/v1` with Ed25519, and the one with ML-DSA-44 (FIPS 204), which a quantum computer
//! does not break and which also binds the cosigner's name. Both are lines of the checkpoint's note.

use std::fmt;

use aws_lc_rs::signature::{KeyPair, ML_DSA_44, ML_DSA_44_SIGNING, PqdsaKeyPair, UnparsedPublicKey};
use ed25519_dalek::Signer;

use crate::checkpoint::Checkpoint;
use crate::note::{KeyError, KeyParts, NoteError, Parts, ed25519_point, encode_key, is_key_name, key_id};
use crate::note::{signature_line, unverified_checkpoint};

/// The signature type of timestamped Ed25519 cosignatures (C2SP signed-note, Signature types).
const TYPE_ED25519: u8 = 0x04;
/// The signature type of timestamped ML-DSA-44 cosignatures.
const TYPE_ML_DSA_44: u8 = 0x06;
/// Bytes of an ML-DSA-44 public key (FIPS 204, Table 2).
const ML_DSA_44_KEY_BYTES: usize = 1312;
/// Bytes of an ML-DSA-44 signature (FIPS 204, Table 2).
const ML_DSA_44_SIGNATURE_BYTES: usize = 2420;
/// The longest name of a cosigner and of a log in an ML-DSA-44 cosignature, in bytes: its length is one byte.
pub const COSIGNED_NAME_BYTES_MAX: usize = 255;
/// The last second that a cosignature can bear (C2SP tlog-cosignature, Format).
pub const COSIGNATURE_TIME_MAX: u64 = i64::MAX as u64;

/// How a cosigner signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CosignatureKind {
    /// `cosignature/v1` with Ed25519, key type 0x04.
    Ed25519,
    /// ML-DSA-44, key type 0x06.
    MlDsa44,
}

/// The secret key of a cosigner, with its name.
pub struct CosigningKey {
    secret: Secret,
    public: CosignerKey,
}

enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    MlDsa44(PqdsaKeyPair),
}

/// The public key of a cosigner, with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignerKey {
    /// Can stand in a signature line; with ML-DSA-44 at most [`COSIGNED_NAME_BYTES_MAX`] bytes.
    name: String,
    id: [u8; 4],
    key: Public,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Public {
    Ed25519(ed25519_dalek::VerifyingKey),
    /// As FIPS 204 encodes it, [`ML_DSA_44_KEY_BYTES`] long.
    MlDsa44(Box<[u8]>),
}

/// Why a checkpoint cannot be cosigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CosignError {
    /// The time is later than [`COSIGNATURE_TIME_MAX`].
    #[error("a cosignature cannot bear the time {0}")]
    Time(u64),
    /// The log's origin does not fit into what ML-DSA-44 signs.
    #[error("the log's origin is longer than {COSIGNED_NAME_BYTES_MAX} bytes")]
    Origin,
    /// The text is not a checkpoint's.
    #[error("only the text of a checkpoint is cosigned")]
    NotCheckpoint(#[from] crate::CheckpointError),
    /// The cryptographic library failed.
    #[error("the cryptographic library could not sign")]
    Library,
}

impl CosigningKey {
    /// The key with this name and secret seed of 32 bytes (RFC 8032 §5.1.5; ξ of FIPS 204, Algorithm 1). Whoever calls draws the
    /// seed from the system's generator and keeps it secret. One seed serves one cosigner: the Ed25519 kind does not bind the
    /// name, so two cosigners with one key could be given each other's statements.
    ///
    /// # Errors
    /// [`KeyError::Name`].
    pub fn from_seed(name: &str, kind: CosignatureKind, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let (secret, key) = match kind {
            CosignatureKind::Ed25519 => {
                let key = ed25519_dalek::SigningKey::from_bytes(seed);
                let public = Public::Ed25519(key.verifying_key());
                (Secret::Ed25519(key), public)
            }
            CosignatureKind::MlDsa44 => {
                let key = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, seed).map_err(|_| KeyError::Point)?;
                let public = Public::MlDsa44(key.public_key().as_ref().into());
                (Secret::MlDsa44(key), public)
            }
        };
        Ok(Self { secret, public: CosignerKey::new(name, key)? })
    }

    /// The public half, to be published.
    pub fn cosigner_key(&self) -> CosignerKey {
        self.public.clone()
    }

    /// The signature line, with its line feed, that states: at `time` (seconds since the epoch) this was the largest consistent
    /// tree of its log that the cosigner had seen.
    ///
    /// `text` is the signed text of the checkpoint as the log wrote it, extension lines included. The ML-DSA-44 kind draws
    /// randomness of its library while signing; the signature is good either way.
    ///
    /// # Errors
    /// [`CosignError`].
    pub fn cosign(&self, text: &str, time: u64) -> Result<String, CosignError> {
        let checkpoint = Checkpoint::parse(text)?;
        if time > COSIGNATURE_TIME_MAX {
            return Err(CosignError::Time(time));
        }
        let mut signature = time.to_be_bytes().to_vec();
        match &self.secret {
            Secret::Ed25519(key) => {
                signature.extend_from_slice(&key.sign(ed25519_message(text, time).as_bytes()).to_bytes());
            }
            Secret::MlDsa44(key) => {
                let message =
                    ml_dsa_44_message(&self.public.name, &checkpoint, time).ok_or(CosignError::Origin)?;
                let mut bytes = [0; ML_DSA_44_SIGNATURE_BYTES];
                key.sign(&message, &mut bytes).map_err(|_| CosignError::Library)?;
                signature.extend_from_slice(&bytes);
            }
        }
        Ok(signature_line(&self.public.name, self.public.id, &signature))
    }
}

/// Shows the public half only.
impl fmt::Debug for CosigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CosigningKey").field("public", &self.public.encode()).finish_non_exhaustive()
    }
}

impl CosignerKey {
    /// The name in this cosigner's signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn id(&self) -> [u8; 4] {
        self.id
    }

    /// How this cosigner signs.
    pub fn kind(&self) -> CosignatureKind {
        match self.key {
            Public::Ed25519(_) => CosignatureKind::Ed25519,
            Public::MlDsa44(_) => CosignatureKind::MlDsa44,
        }
    }

    /// The public key alone: 32 bytes (RFC 8032 §5.1.2) or 1312 (FIPS 204).
    pub fn to_bytes(&self) -> &[u8] {
        match &self.key {
            Public::Ed25519(key) => key.as_bytes(),
            Public::MlDsa44(key) => key,
        }
    }

    /// The verifier key as text (C2SP signed-note, Verifier keys).
    pub fn encode(&self) -> String {
        encode_key(&self.name, self.id, self.key.algorithm(), self.to_bytes())
    }

    /// Reads a verifier key of type 0x04 or 0x06; the hash in it must be that of its name and key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let parts = KeyParts::parse(text)?;
        let key = match parts.algorithm {
            TYPE_ED25519 => Public::Ed25519(ed25519_point(&parts.key)?),
            TYPE_ML_DSA_44 if parts.key.len() == ML_DSA_44_KEY_BYTES => {
                Public::MlDsa44(parts.key.as_slice().into())
            }
            TYPE_ML_DSA_44 => return Err(KeyError::Point),
            other => return Err(KeyError::Algorithm(other)),
        };
        parts.check_id()?;
        Self::new(parts.name, key)
    }

    fn new(name: &str, key: Public) -> Result<Self, KeyError> {
        let too_long = matches!(key, Public::MlDsa44(_)) && name.len() > COSIGNED_NAME_BYTES_MAX;
        if !is_key_name(name) || too_long {
            return Err(KeyError::Name(name.to_owned()));
        }
        let bytes = match &key {
            Public::Ed25519(key) => key.as_bytes().as_slice(),
            Public::MlDsa44(key) => key,
        };
        Ok(Self { name: name.to_owned(), id: key_id(name, key.algorithm(), bytes), key })
    }

    /// The time at which this cosigner cosigned the checkpoint in the note, in seconds since the epoch; the latest, where it did so
    /// several times; `None` where it did not. The log's own signature is not looked at.
    ///
    /// A time of zero, which the ML-DSA-44 kind allows, says that the tree is consistent, but not that it was the largest.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] where a line claims to be by this cosigner and is not; [`NoteError`] where the note is not one
    /// of a checkpoint.
    pub fn cosigned_at(&self, note: &str) -> Result<Option<u64>, NoteError> {
        let parts = Parts::parse(note)?;
        let checkpoint = unverified_checkpoint(&parts)?;
        self.cosigned_parts_at(&parts, &checkpoint)
    }

    /// The lines, out of those that a witness answered, by which this cosigner cosigns the checkpoint in the note; lines of others are
    /// left out. The text may be empty.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] where a line claims to be by this cosigner and does not hold, or bears no time, which a witness
    /// must not leave out (C2SP tlog-witness, add-checkpoint); [`NoteError`] where these are not lines for a note of a checkpoint.
    pub fn lines_for(&self, note: &str, answer: &str) -> Result<String, NoteError> {
        let text = Parts::parse(note)?.text;
        let joined = format!("{text}\n{answer}");
        let parts = Parts::parse(&joined)?;
        // An answer with an empty line in it would have moved the end of the text.
        if parts.text != text {
            return Err(NoteError::Malformed("there is an empty line among the signatures"));
        }
        let checkpoint = unverified_checkpoint(&parts)?;
        let mut lines = String::new();
        for signature in parts.by(&self.name, self.id) {
            let time = self.verify(text, &checkpoint, signature).filter(|time| *time > 0);
            time.ok_or_else(|| NoteError::BadSignature(self.name.clone()))?;
            lines.push_str(&signature_line(&self.name, self.id, signature));
        }
        Ok(lines)
    }

    pub(crate) fn cosigned_parts_at(
        &self,
        parts: &Parts<'_>,
        checkpoint: &Checkpoint,
    ) -> Result<Option<u64>, NoteError> {
        let mut latest = None;
        for signature in parts.by(&self.name, self.id) {
            let time = self.verify(parts.text, checkpoint, signature);
            latest = latest.max(Some(time.ok_or_else(|| NoteError::BadSignature(self.name.clone()))?));
        }
        Ok(latest)
    }

    /// The time in a `timestamped_signature` that holds for this text.
    fn verify(&self, text: &str, checkpoint: &Checkpoint, signature: &[u8]) -> Option<u64> {
        let (time, signature) = signature.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        if time > COSIGNATURE_TIME_MAX {
            return None;
        }
        match &self.key {
            Public::Ed25519(key) => {
                let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
                key.verify_strict(ed25519_message(text, time).as_bytes(), &signature).ok()?;
            }
            Public::MlDsa44(key) => {
                let message = ml_dsa_44_message(&self.name, checkpoint, time)?;
                UnparsedPublicKey::new(&ML_DSA_44, key).verify(&message, signature).ok()?;
            }
        }
        Some(time)
    }
}

impl Public {
    fn algorithm(&self) -> u8 {
        match self {
            Self::Ed25519(_) => TYPE_ED25519,
            Self::MlDsa44(_) => TYPE_ML_DSA_44,
        }
    }
}

/// What an Ed25519 cosigner signs (C2SP tlog-cosignature, Ed25519 signed message).
fn ed25519_message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// What an ML-DSA-44 cosigner signs: the structure `cosigned_message` of C2SP tlog-cosignature for a whole tree. `None` where a
/// name does not fit.
fn ml_dsa_44_message(cosigner: &str, checkpoint: &Checkpoint, time: u64) -> Option<Vec<u8>> {
    let mut message = b"subtree/v1\n\0".to_vec();
    push_name(&mut message, cosigner)?;
    message.extend_from_slice(&time.to_be_bytes());
    push_name(&mut message, &checkpoint.origin)?;
    message.extend_from_slice(&0_u64.to_be_bytes());
    message.extend_from_slice(&checkpoint.size.to_be_bytes());
    message.extend_from_slice(&checkpoint.root);
    Some(message)
}

fn push_name(message: &mut Vec<u8>, name: &str) -> Option<()> {
    message.push(u8::try_from(name.len()).ok()?);
    message.extend_from_slice(name.as_bytes());
    Some(())
}
