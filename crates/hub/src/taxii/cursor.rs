//! Where a page ended, as an opaque token: nothing is kept for a client between two requests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The form of the token; another form is another number.
const FORM: u8 = 1;

/// What a token is bound to: the same question, asked of the same endpoint.
pub(super) struct Question([u8; 8]);

impl Question {
    pub(super) fn new(endpoint: &str, fingerprint: &str) -> Self {
        let hash =
            Sha256::new().chain_update(endpoint).chain_update([0]).chain_update(fingerprint).finalize();
        Self(hash.first_chunk().copied().unwrap_or_default())
    }

    /// The token that goes on after a row's `date_added`, in microseconds.
    pub(super) fn token(&self, after_us: i64) -> String {
        let mut bytes = vec![FORM];
        bytes.extend_from_slice(&after_us.to_be_bytes());
        bytes.extend_from_slice(&self.0);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Where to go on; `None` for what is no token of this question.
    pub(super) fn read(&self, token: &str) -> Option<i64> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (form, rest) = bytes.split_first()?;
        let (after, question) = rest.split_first_chunk()?;
        (*form == FORM && question == self.0).then(|| i64::from_be_bytes(*after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_answers_its_own_question_only() {
        let question = Question::new("objects", "types");
        let token = question.token(1_700_000_000_000_001);
        assert_eq!(question.read(&token), Some(1_700_000_000_000_001));
        assert_eq!(Question::new("objects", "other").read(&token), None);
        assert_eq!(Question::new("manifest", "types").read(&token), None);
        for broken in ["", "A", "!!", token.trim_start_matches('A'), &format!("{token}AA")] {
            assert_eq!(question.read(broken), None, "{broken}");
        }
    }
}
