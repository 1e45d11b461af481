//! The sealed form of a record.
//!
//! Version 1, every length in bytes:
//!
//! | length | what |
//! |---|---|
//! | 3 | `YVR` |
//! | 1 | the version, 1: AES-256-GCM in both layers |
//! | 1, then *a* | length and text of the class key's identifier, `authorisation/2026-11-29/class` |
//! | 1, then *b* | length and text of the record's identifier |
//! | 12 + 32 + 16 | nonce, data key under the class key, tag |
//! | 12 + *n* + 16 | nonce, content under the data key, tag |
//!
//! Both layers are bound to all bytes before the first nonce, and to which layer they are: a record that was moved to another identifier,
//! day, authorisation or class does not open.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::class::ClassKeyId;
use crate::crypt::{self, CipherFailed, NONCE_BYTES, TAG_BYTES};
use crate::secret::{ClassKey, Content, Fill, NoRandomness};

/// The longest content of a record, in bytes.
pub const CONTENT_BYTES_MAX: usize = 16 << 20;
/// The longest identifier of a record, in bytes.
pub const RECORD_ID_BYTES_MAX: usize = 255;

/// What a sealed record begins with, and its version.
const MAGIC: [u8; 4] = *b"YVR\x01";
/// How long a data key is, in bytes.
const DATA_KEY_BYTES: usize = 32;
/// The data key as it stands in a record.
const WRAP_BYTES: usize = NONCE_BYTES + DATA_KEY_BYTES + TAG_BYTES;
/// What the layers are bound to besides the header.
const WRAP_LAYER: &[u8] = b"data key";
const CONTENT_LAYER: &[u8] = b"content";

/// What a record is called: 1 to [`RECORD_ID_BYTES_MAX`] bytes of text without control characters.
///
/// Certificates bear a hash over identifiers, and a short value can be guessed from its hash: an identifier is random or a number, never
/// something out of telemetry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordId(String);

/// A sealed record, its header read. Whether it opens, only its class key tells.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedRecord {
    id: RecordId,
    class_key: ClassKeyId,
    /// All of it. Not shorter than `header_bytes` and what the layers need at least.
    bytes: Vec<u8>,
    /// How many bytes stand before the first nonce.
    header_bytes: usize,
}

/// Why a record cannot be read, sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not an identifier.
    #[error("a record's identifier is text of 1 to {RECORD_ID_BYTES_MAX} bytes without control characters")]
    Id,
    /// Content longer than [`CONTENT_BYTES_MAX`].
    #[error("the content has {0} bytes, a record holds {CONTENT_BYTES_MAX} at most: split it")]
    TooLong(usize),
    /// Not a sealed record, or cut off.
    #[error("this is not a sealed record: {0}")]
    Malformed(&'static str),
    /// A version of later programs.
    #[error("the record is of version {0}, this program reads version 1: use a newer one")]
    Version(u8),
    /// Not of this class key.
    #[error("the record is of the class key `{of}`, not of `{given}`")]
    OtherKey {
        /// What it was sealed under.
        of: ClassKeyId,
        /// What was handed in.
        given: ClassKeyId,
    },
    /// It was altered, moved to another name, or sealed under other bytes.
    #[error("the record does not open: it was altered, or sealed under another key")]
    Unopenable,
    /// No random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The library failed.
    #[error(transparent)]
    Cipher(#[from] CipherFailed),
}

impl RecordId {
    /// Reads an identifier.
    ///
    /// # Errors
    /// [`RecordError::Id`].
    pub fn new(text: impl Into<String>) -> Result<Self, RecordError> {
        let text = text.into();
        let fits = (1..=RECORD_ID_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text)) } else { Err(RecordError::Id) }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SealedRecord {
    /// Seals a content under a new data key, and that under the class key.
    ///
    /// # Errors
    /// [`RecordError::TooLong`] and [`RecordError::NoRandomness`].
    pub fn seal(key: &ClassKey, id: RecordId, content: &[u8], fill: &dyn Fill) -> Result<Self, RecordError> {
        if content.len() > CONTENT_BYTES_MAX {
            return Err(RecordError::TooLong(content.len()));
        }
        let class_key = key.id().clone();
        let header = header(&class_key, &id)?;
        // One call for all randomness: asking the system costs more than the bytes.
        let mut random = Zeroizing::new([0; DATA_KEY_BYTES + 2 * NONCE_BYTES]);
        fill.fill(random.as_mut_slice())?;
        let (data_key, nonces) = random.split_first_chunk::<DATA_KEY_BYTES>().ok_or(CipherFailed)?;
        let (wrap_nonce, nonces) = nonces.split_first_chunk::<NONCE_BYTES>().ok_or(CipherFailed)?;
        let content_nonce = nonces.first_chunk::<NONCE_BYTES>().ok_or(CipherFailed)?;

        let mut bytes =
            Vec::with_capacity(header.len() + WRAP_BYTES + NONCE_BYTES + content.len() + TAG_BYTES);
        bytes.extend_from_slice(&header);
        let mut wrapped = Zeroizing::new(*data_key);
        let tag = crypt::seal(&key.wrap, *wrap_nonce, &bound(&header, WRAP_LAYER), wrapped.as_mut_slice())?;
        bytes.extend_from_slice(wrap_nonce);
        bytes.extend_from_slice(wrapped.as_slice());
        bytes.extend_from_slice(&tag);
        bytes.extend_from_slice(content_nonce);
        let begins = bytes.len();
        bytes.extend_from_slice(content);
        let place = bytes.get_mut(begins..).ok_or(CipherFailed)?;
        let tag = crypt::seal(&crypt::key(data_key)?, *content_nonce, &bound(&header, CONTENT_LAYER), place)?;
        bytes.extend_from_slice(&tag);
        Ok(Self { id, class_key, bytes, header_bytes: header.len() })
    }

    /// Reads a sealed record, as [`Self::to_bytes`] gives it. No other spelling of the same record is accepted.
    ///
    /// # Errors
    /// [`RecordError::Malformed`], [`RecordError::Version`] and [`RecordError::TooLong`].
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self, RecordError> {
        let bytes = bytes.into();
        let (magic, rest) =
            bytes.split_first_chunk::<4>().ok_or(RecordError::Malformed("it is too short"))?;
        match (magic, MAGIC) {
            (found, wanted) if *found == wanted => {}
            ([a, b, c, version], [x, y, z, _]) if [*a, *b, *c] == [x, y, z] => {
                return Err(RecordError::Version(*version));
            }
            _ => return Err(RecordError::Malformed("it does not begin with `YVR`")),
        }
        let (class_key, rest) = short_text(rest)?;
        let class_key = ClassKeyId::parse(class_key)
            .map_err(|_| RecordError::Malformed("the name of its class key is none"))?;
        let (id, rest) = short_text(rest)?;
        let id = RecordId::new(id).map_err(|_| RecordError::Malformed("its identifier is none"))?;
        match rest.len().checked_sub(WRAP_BYTES + NONCE_BYTES + TAG_BYTES) {
            None => Err(RecordError::Malformed("it is cut off")),
            Some(content) if content > CONTENT_BYTES_MAX => Err(RecordError::TooLong(content)),
            Some(_) => {
                let header_bytes = bytes.len() - rest.len();
                Ok(Self { id, class_key, bytes, header_bytes })
            }
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`RecordError::OtherKey`] and [`RecordError::Unopenable`].
    pub fn open(&self, key: &ClassKey) -> Result<Content, RecordError> {
        if *key.id() != self.class_key {
            return Err(RecordError::OtherKey { of: self.class_key.clone(), given: key.id().clone() });
        }
        let cut = || RecordError::Malformed("it is cut off");
        let (header, layers) = self.bytes.split_at_checked(self.header_bytes).ok_or_else(cut)?;
        let (wrap_nonce, rest) = layers.split_first_chunk::<NONCE_BYTES>().ok_or_else(cut)?;
        let (wrapped, rest) = rest.split_first_chunk::<{ DATA_KEY_BYTES + TAG_BYTES }>().ok_or_else(cut)?;
        let (content_nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(cut)?;

        let mut data_key = Zeroizing::new(*wrapped);
        let opened = crypt::open(&key.wrap, *wrap_nonce, &bound(header, WRAP_LAYER), data_key.as_mut_slice());
        let data_key = opened.and_then(|key| key.first_chunk()).ok_or(RecordError::Unopenable)?;
        let mut content = Content::new(sealed.to_vec());
        let length = {
            let opened = crypt::open(
                &crypt::key(data_key)?,
                *content_nonce,
                &bound(header, CONTENT_LAYER),
                content.bytes_mut(),
            );
            opened.ok_or(RecordError::Unopenable)?.len()
        };
        content.truncate(length);
        Ok(content)
    }

    /// What the record is called.
    pub fn id(&self) -> &RecordId {
        &self.id
    }

    /// The class key that it was sealed under.
    pub fn class_key(&self) -> &ClassKeyId {
        &self.class_key
    }

    /// Its bytes, to be stored.
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn header(class_key: &ClassKeyId, id: &RecordId) -> Result<Vec<u8>, RecordError> {
    let class_key = class_key.to_string();
    let mut header = Vec::with_capacity(MAGIC.len() + 2 + class_key.len() + id.0.len());
    header.extend_from_slice(&MAGIC);
    for text in [class_key.as_str(), id.as_str()] {
        header.push(u8::try_from(text.len()).map_err(|_| RecordError::Id)?);
        header.extend_from_slice(text.as_bytes());
    }
    Ok(header)
}

/// What a layer is bound to: the header, and which layer it is. The header tells its own length, so the two cannot be parted otherwise.
fn bound(header: &[u8], layer: &[u8]) -> Vec<u8> {
    [header, layer].concat()
}

/// A text with its length before it in one byte, and what follows.
fn short_text(bytes: &[u8]) -> Result<(&str, &[u8]), RecordError> {
    let cut = RecordError::Malformed("it is cut off");
    let (length, rest) = bytes.split_first().ok_or(cut.clone())?;
    let (text, rest) = rest.split_at_checked(usize::from(*length)).ok_or(cut)?;
    let text = str::from_utf8(text).map_err(|_| RecordError::Malformed("a name in it is no text"))?;
    Ok((text, rest))
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RecordId {
    type Error = RecordError;

    fn try_from(text: String) -> Result<Self, RecordError> {
        Self::new(text)
    }
}

impl From<RecordId> for String {
    fn from(id: RecordId) -> Self {
        id.0
    }
}

impl fmt::Debug for SealedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, class_key, bytes, .. } = self;
        write!(f, "SealedRecord({id} under {class_key}, {} bytes)", bytes.len())
    }
}
