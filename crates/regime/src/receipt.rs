//! The exact copy of what was filed. Its hash goes into a leaf of the log; an inclusion proof over that leaf is the receipt.

use jiff::Timestamp;
use serde_json::Value as Json;
use sha2::Digest;

use crate::Form;
use crate::event::{Event, What};
use crate::form::FORM_SCHEMA;

/// The largest copy in bytes.
const COPY_BYTES_MAX: usize = 8 << 20;

/// The exact copy of a form, in the one spelling of RFC 8785.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    text: String,
    regime: String,
    stage: String,
    recipient: String,
}

/// The bytes are not an exact copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are not the exact copy of a form: {0}")]
pub struct NotACopy(&'static str);

impl Copy {
    /// The copy of a form.
    #[must_use]
    pub fn of(form: &Form) -> Self {
        // A form has texts as keys and no floating-point numbers: it cannot fail to be written.
        let text = serde_json_canonicalizer::to_string(&form.to_json()).unwrap_or_default();
        let (regime, stage) = (form.regime.clone(), form.stage.clone());
        Self { text, regime, stage, recipient: form.recipient.clone() }
    }

    /// Reads a copy that was kept: the same bytes, or it is none.
    ///
    /// # Errors
    /// [`NotACopy`] where it is no form of ours, or not in the one spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotACopy> {
        if bytes.len() > COPY_BYTES_MAX {
            return Err(NotACopy("more than 8 MiB"));
        }
        let text = str::from_utf8(bytes).map_err(|_| NotACopy("not UTF-8"))?;
        let json: Json = serde_json::from_str(text).map_err(|_| NotACopy("not JSON"))?;
        let again = serde_json_canonicalizer::to_string(&json).map_err(|_| NotACopy("not JSON"))?;
        if again != text {
            return Err(NotACopy("not in canonical form"));
        }
        let part = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        if part("schema").as_deref() != Some(FORM_SCHEMA) {
            return Err(NotACopy("another schema"));
        }
        let parts = part("regime").zip(part("stage")).zip(part("recipient"));
        let ((regime, stage), recipient) = parts.ok_or(NotACopy("no regime, stage or recipient"))?;
        Ok(Self { text: again, regime, stage, recipient })
    }

    /// The bytes that are kept, and given to the recipient.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The regime, the stage and the recipient.
    #[must_use]
    pub fn names(&self) -> (&str, &str, &str) {
        (&self.regime, &self.stage, &self.recipient)
    }

    /// SHA-256 of the bytes.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        sha2::Sha256::digest(self.text.as_bytes()).into()
    }

    /// The event that says that this copy was filed.
    #[must_use]
    pub fn filed(&self, at: Timestamp, by: &str, logged: Timestamp) -> Event {
        let what = What::Filed {
            regime: self.regime.clone(),
            stage: self.stage.clone(),
            recipient: self.recipient.clone(),
            at,
            copy: hex::encode(self.sha256()),
        };
        Event { logged, by: Some(by.to_owned()), what }
    }
}
