use unicode_normalization::UnicodeNormalization;

use super::{EvaluateError, LIKE_CHARS_MAX};

/// The operand of `LIKE` (STIX 2.1 §9.6.1): `%` stands for any run of characters, `_` for any one; the whole value must fit.
#[derive(Debug)]
pub(super) struct Like(Vec<char>);

impl Like {
    /// # Errors
    /// An operand beyond [`LIKE_CHARS_MAX`].
    pub(super) fn new(operand: &str) -> Result<Self, EvaluateError> {
        let operand: Vec<char> = operand.nfc().collect();
        if operand.len() > LIKE_CHARS_MAX {
            return Err(EvaluateError::LikeTooLong(operand.len()));
        }
        Ok(Self(operand))
    }

    /// Whether the value, in normal form C, fits. Takes time of at most the product of both lengths.
    pub(super) fn fits(&self, value: &str) -> bool {
        let value: Vec<char> = value.nfc().collect();
        let (mut at, mut asked) = (0, 0);
        // The last `%` met, and where in the value what follows it was tried.
        let mut retry: Option<(usize, usize)> = None;
        while let Some(seen) = value.get(at) {
            match self.0.get(asked) {
                Some('%') => {
                    retry = Some((asked + 1, at));
                    asked += 1;
                }
                Some(c) if *c == '_' || c == seen => {
                    at += 1;
                    asked += 1;
                }
                _ => match &mut retry {
                    Some((after, from)) => {
                        *from += 1;
                        (asked, at) = (*after, *from);
                    }
                    None => return false,
                },
            }
        }
        self.0.iter().skip(asked).all(|c| *c == '%')
    }
}
