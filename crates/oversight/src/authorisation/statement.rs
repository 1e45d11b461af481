use tlog::{Hash, VerifyingKey, leaf_hash, open_text};

use super::statistics::Statistics;

/// What a statement of statistics says it is, on its first line after `yagura-`.
pub const STATEMENT_KIND: &str = "statistics/v1";
/// The longest statement in bytes: six grounds of eleven numbers, and signatures, with room.
pub const STATEMENT_BYTES_MAX: usize = 16 * 1024;

/// Statistics that somebody signed: an entry of the log of statistics is such a note, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The numbers.
    pub statistics: Statistics,
    /// The key that signed them.
    pub key: VerifyingKey,
    /// The note's hash as a leaf: by this a correction names it.
    pub hash: Hash,
    /// What `corrects` says, where it says something.
    pub corrects: Option<Hash>,
}

/// Why something is no statement that can be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Longer than [`STATEMENT_BYTES_MAX`].
    #[error("a statement has at most {STATEMENT_BYTES_MAX} bytes")]
    TooLarge,
    /// None of the keys signed it.
    #[error("it bears no valid signature of {0}")]
    NotSigned(String),
    /// A signed note of another kind.
    #[error("it is a signed note and no statistics: its first line is not `yagura-{STATEMENT_KIND}`")]
    Kind,
    /// Its body is not what the program writes.
    #[error("it holds no statistics as `yagura log statistics` writes them")]
    Malformed,
    /// The numbers contradict themselves.
    #[error("its statistics cannot be published: {0}")]
    Contradiction(&'static str),
}

impl Statement {
    /// Reads a signed note that one of the keys signed. What is spelt in another way than the program spells it is none: whoever
    /// counts again compares bytes.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn read(note: &str, keys: &[VerifyingKey]) -> Result<Self, StatementError> {
        if note.len() > STATEMENT_BYTES_MAX {
            return Err(StatementError::TooLarge);
        }
        let signed = keys.iter().find_map(|key| open_text(note, key).ok().map(|text| (key, text)));
        let (key, text) = signed.ok_or_else(|| {
            let names: Vec<String> = keys.iter().map(|key| format!("`{}`", key.name())).collect();
            StatementError::NotSigned(names.join(", "))
        })?;
        let body = text.strip_prefix("yagura-").and_then(|text| text.strip_prefix(STATEMENT_KIND));
        let body = body.and_then(|body| body.strip_prefix('\n')).ok_or(StatementError::Kind)?;
        let body = body.strip_suffix('\n').ok_or(StatementError::Malformed)?;
        let statistics: Statistics = serde_json::from_str(body).map_err(|_| StatementError::Malformed)?;
        if statistics.canonical() != body.as_bytes() {
            return Err(StatementError::Malformed);
        }
        statistics.check().map_err(StatementError::Contradiction)?;
        let corrects = match &statistics.corrects {
            None => None,
            Some(text) => {
                let mut hash = [0; 32];
                hex::decode_to_slice(text, &mut hash).map_err(|_| StatementError::Malformed)?;
                Some(hash)
            }
        };
        Ok(Self { statistics, key: key.clone(), hash: leaf_hash(note.as_bytes()), corrects })
    }
}
