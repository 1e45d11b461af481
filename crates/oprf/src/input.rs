//! What is compared: a value's kind and its one spelling, as bytes; and lists of such.

use std::fmt;

use zeroize::Zeroize;

/// The most bytes of a value. What the function takes ends at 65,535 (RFC 9497 §5.1).
pub const VALUE_BYTES_MAX: usize = 32 * 1024;
/// The most values of a list: an operator's day, several times over.
pub const LIST_VALUES_MAX: usize = 1 << 25;

/// A value as it is hashed: `length of kind (1 byte) || kind || canonical value`, overwritten when it goes.
///
/// The kind is that of `stix::observable` by its stable name (`ipv4-addr`, `domain-name`, `file:hashes.SHA-256`), the value is in
/// that kind's one spelling. Both sides must spell alike or nothing matches; `testdata/canonical.tsv` holds what they agree on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input(Box<[u8]>);

/// Why a value cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// A kind has a name of 1 to 255 bytes.
    #[error("a kind is named in 1 to 255 bytes")]
    Kind,
    /// Empty, or longer than [`VALUE_BYTES_MAX`].
    #[error("a value has 1 to {VALUE_BYTES_MAX} bytes")]
    Value,
    /// More than [`LIST_VALUES_MAX`] values.
    #[error("a list has at most {LIST_VALUES_MAX} values")]
    List,
}

impl Input {
    /// The value of this kind, which the caller has brought into its one spelling.
    ///
    /// # Errors
    /// [`InputError::Kind`], [`InputError::Value`].
    pub fn new(kind: &str, canonical: &[u8]) -> Result<Self, InputError> {
        let length = u8::try_from(kind.len()).ok().filter(|length| *length > 0).ok_or(InputError::Kind)?;
        if canonical.is_empty() || canonical.len() > VALUE_BYTES_MAX {
            return Err(InputError::Value);
        }
        Ok(Self([&[length], kind.as_bytes(), canonical].concat().into()))
    }

    /// A value that stands for nothing: its kind has no name, so no value of anybody equals it.
    pub(crate) fn dummy(random: [u8; 32]) -> Self {
        let mut bytes = vec![0];
        bytes.extend_from_slice(&random);
        Self(bytes.into())
    }

    /// What is hashed.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Shows the length only: what is asked is classified, what is answered is an operator's.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Input({} bytes)", self.0.len())
    }
}

/// Values in order, each once; so one set of values is one list, with one commitment and one sequence of queries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(Vec<Input>);

impl List {
    /// The list of these values.
    ///
    /// # Errors
    /// [`InputError::List`].
    pub fn new(mut inputs: Vec<Input>) -> Result<Self, InputError> {
        if inputs.len() > LIST_VALUES_MAX {
            return Err(InputError::List);
        }
        inputs.sort_unstable();
        inputs.dedup();
        Ok(Self(inputs))
    }

    /// The values, sorted by their bytes.
    pub fn inputs(&self) -> &[Input] {
        &self.0
    }

    /// The place of a value.
    pub fn position(&self, input: &Input) -> Option<usize> {
        self.0.binary_search(input).ok()
    }
}
