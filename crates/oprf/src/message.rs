//! The messages of a round and their bytes. Every message has one encoding, and what is read is checked once, here.
//!
//! All begin with the version (1) and the message's number, one byte each; numbers are big-endian.

use std::fmt;

use crate::element::{ELEMENT_BYTES, Element, ElementError};
use crate::filter::{Filter, FilterError, padded_size};
use crate::proof::{PROOF_BYTES, Proof};
use crate::threads::Threads;

/// The most elements of one batch.
pub const BATCH_ELEMENTS_MAX: u32 = 1000;
/// The most elements that a round may be allowed.
pub const ROUND_ELEMENTS_MAX: u32 = 10_000_000;

const VERSION: u8 = 1;

/// An identifier that is bytes and nothing else.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $bytes]);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), hex::encode(self.0))
            }
        }
    };
}

identifier! {
    /// One round; drawn anew by the operator for each.
    RoundId, 16
}
identifier! {
    /// The authorisation: the SHA-256 hash of its text.
    AuthorisationId, 32
}
identifier! {
    /// The operator, by 16 bytes that both sides know it by.
    OperatorId, 16
}

/// What a round tells the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Which of its values the operator has.
    Match,
    /// How many of them, where the operator follows the protocol.
    Count,
}

/// Edge to hub: a round begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundOpen {
    /// The round.
    pub round: RoundId,
    /// Under which authorisation.
    pub authorisation: AuthorisationId,
    /// Whose set it is.
    pub operator: OperatorId,
    /// What it tells.
    pub mode: Mode,
    /// The public half of the round's key.
    pub public: Element,
    /// How many values the filter will have; a size bucket.
    pub filter_values: u32,
    /// How many elements the hub will send: no less and no more.
    pub elements: u32,
}

/// Edge to hub: the operator's set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterMessage {
    /// The round.
    pub round: RoundId,
    /// The set.
    pub filter: Filter,
}

/// Hub to edge: a batch of blinded elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The round.
    pub round: RoundId,
    /// The batch's number, from 0.
    pub batch: u32,
    /// 1 to [`BATCH_ELEMENTS_MAX`].
    pub elements: Vec<Element>,
}

/// Edge to hub: the batch evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The round.
    pub round: RoundId,
    /// The batch's number; in count-only rounds that of the answer, whose elements are of any batch.
    pub batch: u32,
    /// As many as were asked.
    pub elements: Vec<Element>,
    /// In rounds that match; shuffled elements have none.
    pub proof: Option<Proof>,
}

/// Why bytes are not the message that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The bytes end too early.
    #[error("the message is cut off")]
    CutOff,
    /// Bytes after the end.
    #[error("the message has bytes after its end")]
    Trailing,
    /// Another version or another message.
    #[error("this is not the message that was expected, or of another version")]
    Kind,
    /// No mode has this number.
    #[error("mode {0} is not known")]
    Mode(u8),
    /// No or too many elements.
    #[error("a batch has 1 to {BATCH_ELEMENTS_MAX} elements, a round 1 to {ROUND_ELEMENTS_MAX}")]
    Count,
    /// An element that is none.
    #[error(transparent)]
    Element(#[from] ElementError),
    /// A scalar of the proof is not reduced.
    #[error("the proof is not in its one encoding")]
    Proof,
    /// A filter that is none.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Count => "count",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Match, Self::Count].into_iter().find(|mode| mode.name() == name)
    }
}

impl RoundOpen {
    const NUMBER: u8 = 1;

    /// How many batches the round has: all full but the last.
    pub fn batches(&self) -> u32 {
        self.elements.div_ceil(BATCH_ELEMENTS_MAX)
    }

    /// How many elements a batch has; 0 beyond the last.
    pub fn batch_elements(&self, batch: u32) -> u32 {
        let before = batch.saturating_mul(BATCH_ELEMENTS_MAX);
        self.elements.saturating_sub(before).min(BATCH_ELEMENTS_MAX)
    }

    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, Self::NUMBER, self.mode as u8];
        bytes.extend_from_slice(&self.round.0);
        bytes.extend_from_slice(&self.authorisation.0);
        bytes.extend_from_slice(&self.operator.0);
        bytes.extend_from_slice(self.public.bytes());
        bytes.extend_from_slice(&self.filter_values.to_be_bytes());
        bytes.extend_from_slice(&self.elements.to_be_bytes());
        bytes
    }

    /// Reads the message.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::begin(bytes, Self::NUMBER)?;
        let mode = match reader.take()? {
            [0] => Mode::Match,
            [1] => Mode::Count,
            [other] => return Err(MessageError::Mode(other)),
        };
        let message = Self {
            mode,
            round: RoundId(reader.take()?),
            authorisation: AuthorisationId(reader.take()?),
            operator: OperatorId(reader.take()?),
            public: Element::decode(reader.take()?)?,
            filter_values: reader.number()?,
            elements: reader.number()?,
        };
        if padded_size(message.filter_values as usize) != Some(message.filter_values) {
            return Err(FilterError::Size(message.filter_values).into());
        }
        if !(1..=ROUND_ELEMENTS_MAX).contains(&message.elements) {
            return Err(MessageError::Count);
        }
        reader.end(message)
    }
}

impl FilterMessage {
    const NUMBER: u8 = 2;

    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, Self::NUMBER];
        bytes.extend_from_slice(&self.round.0);
        bytes.extend_from_slice(&self.filter.size().to_be_bytes());
        bytes.extend_from_slice(&self.filter.encode());
        bytes
    }

    /// Reads the message. `announced` is the size that the round was opened with; another is refused before any of it is read.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn decode(bytes: &[u8], announced: u32) -> Result<Self, MessageError> {
        let mut reader = Reader::begin(bytes, Self::NUMBER)?;
        let round = RoundId(reader.take()?);
        let size = reader.number()?;
        if size != announced {
            return Err(FilterError::Size(size).into());
        }
        Ok(Self { round, filter: Filter::decode(size, reader.0)? })
    }
}

impl Query {
    const NUMBER: u8 = 3;

    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode_batch(Self::NUMBER, self.round, self.batch, &self.elements)
    }

    /// Reads the message.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::begin(bytes, Self::NUMBER)?;
        let (round, batch) = (RoundId(reader.take()?), reader.number()?);
        let elements = reader.elements()?;
        reader.end(Self { round, batch, elements })
    }

    /// Reads several on several threads, in their order.
    ///
    /// # Errors
    /// [`MessageError`] of the first that is none.
    pub fn decode_all(
        messages: &[impl AsRef<[u8]> + Sync],
        threads: Threads,
    ) -> Result<Vec<Self>, MessageError> {
        decode_all(messages, threads, Self::decode)
    }
}

impl Answer {
    const PROVED: u8 = 4;
    const SHUFFLED: u8 = 5;

    /// The message's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let number = if self.proof.is_some() { Self::PROVED } else { Self::SHUFFLED };
        let mut bytes = encode_batch(number, self.round, self.batch, &self.elements);
        if let Some(proof) = &self.proof {
            bytes.extend_from_slice(&proof.encode());
        }
        bytes
    }

    /// Reads the message.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let proved = bytes.get(1) == Some(&Self::PROVED);
        let mut reader = Reader::begin(bytes, if proved { Self::PROVED } else { Self::SHUFFLED })?;
        let (round, batch) = (RoundId(reader.take()?), reader.number()?);
        let elements = reader.elements()?;
        let proof = if proved {
            Some(Proof::decode(&reader.take::<PROOF_BYTES>()?).ok_or(MessageError::Proof)?)
        } else {
            None
        };
        reader.end(Self { round, batch, elements, proof })
    }

    /// Reads several on several threads, in their order.
    ///
    /// # Errors
    /// [`MessageError`] of the first that is none.
    pub fn decode_all(
        messages: &[impl AsRef<[u8]> + Sync],
        threads: Threads,
    ) -> Result<Vec<Self>, MessageError> {
        decode_all(messages, threads, Self::decode)
    }
}

fn encode_batch(number: u8, round: RoundId, batch: u32, elements: &[Element]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(24 + elements.len() * ELEMENT_BYTES + PROOF_BYTES);
    bytes.extend_from_slice(&[VERSION, number]);
    bytes.extend_from_slice(&round.0);
    bytes.extend_from_slice(&batch.to_be_bytes());
    bytes.extend_from_slice(&(elements.len() as u16).to_be_bytes());
    for element in elements {
        bytes.extend_from_slice(element.bytes());
    }
    bytes
}

fn decode_all<M: Send>(
    messages: &[impl AsRef<[u8]> + Sync],
    threads: Threads,
    decode: impl Fn(&[u8]) -> Result<M, MessageError> + Sync,
) -> Result<Vec<M>, MessageError> {
    let decode_chunk = |_: usize, chunk: &[_]| {
        chunk.iter().map(|message: &_| decode(AsRef::as_ref(message))).collect::<Vec<_>>()
    };
    threads.map(messages, 1, decode_chunk).into_iter().flatten().collect()
}

/// Bytes from their beginning to their end.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn begin(bytes: &'b [u8], number: u8) -> Result<Self, MessageError> {
        let mut reader = Self(bytes);
        if reader.take()? == [VERSION, number] { Ok(reader) } else { Err(MessageError::Kind) }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(MessageError::CutOff)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u32, MessageError> {
        Ok(u32::from_be_bytes(self.take()?))
    }

    /// A count in 16 bits and as many elements.
    fn elements(&mut self) -> Result<Vec<Element>, MessageError> {
        let count = u16::from_be_bytes(self.take()?);
        if !(1..=BATCH_ELEMENTS_MAX).contains(&u32::from(count)) {
            return Err(MessageError::Count);
        }
        if self.0.len() < usize::from(count) * ELEMENT_BYTES {
            return Err(MessageError::CutOff);
        }
        (0..count).map(|_| Ok(Element::decode(self.take()?)?)).collect()
    }

    fn end<M>(self, message: M) -> Result<M, MessageError> {
        if self.0.is_empty() { Ok(message) } else { Err(MessageError::Trailing) }
    }
}
