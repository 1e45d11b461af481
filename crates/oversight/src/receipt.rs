//! The receipt of a filing: what shows anybody, without the node, that exactly this was filed and when it was written down.
//!
//! It is a C2SP tlog-proof of the filing's leaf in the log of acts. Its extra data is the record that the leaf commits to, with its
//! salt; the record names the SHA-256 of the copy. So who has copy, receipt and the log's key checks all of it offline:
//!
//! copy → its SHA-256 in the record → commitment of record and salt → leaf → checkpoint → the log's signature, and its witnesses'.

use sha2::Digest;
use tlog::{Policy, TlogProof, TlogProofError, Unproved};

use crate::leaf_proof::{LeafProof, NoLeafProof, Shown};
use crate::reason::ReceiptReason;
use crate::{Action, Outcome};

/// What the extra data says it is.
const KIND: &str = "urn:yagura:filing-receipt:1";
/// The fact of a filing's record that names its copy.
pub const COPY: &str = "copy";

/// A receipt. Nothing in it is to be believed before [`FilingReceipt::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilingReceipt(LeafProof);

/// Why a receipt shows nothing.
#[derive(Debug, thiserror::Error)]
pub enum NoReceipt {
    /// Not a receipt.
    #[error("this is not the receipt of a filing: {0}")]
    Malformed(String),
    /// The copy is another one than the one that was filed.
    #[error("the copy is not the one that was filed: its SHA-256 is {found}, the receipt's is {wanted}")]
    OtherCopy {
        /// Of the copy in hand.
        found: String,
        /// Of the copy that was filed.
        wanted: String,
    },
    /// The log does not hold it.
    #[error("the log does not show it: {0}")]
    Unproved(#[from] Unproved),
}

impl NoReceipt {
    /// The same by its stable code.
    #[must_use]
    pub fn reason(&self) -> ReceiptReason {
        match self {
            Self::Malformed(_) => ReceiptReason::Malformed,
            Self::OtherCopy { .. } => ReceiptReason::OtherCopy,
            Self::Unproved(Unproved::Unaccepted(_)) => ReceiptReason::NotSigned,
            Self::Unproved(Unproved::Path(_)) => ReceiptReason::NotInLog,
        }
    }
}

impl From<NoLeafProof> for NoReceipt {
    fn from(error: NoLeafProof) -> Self {
        match error {
            NoLeafProof::Malformed(why) => Self::Malformed(why),
            NoLeafProof::Unproved(why) => Self::Unproved(why),
        }
    }
}

impl FilingReceipt {
    /// The receipt out of the proof of the filing's leaf, its record and its salt.
    ///
    /// # Errors
    /// [`TlogProofError::TooLarge`].
    pub fn make(proof: TlogProof, record: &[u8], salt: &[u8; 32]) -> Result<Self, TlogProofError> {
        LeafProof::make(KIND, proof, record, salt).map(Self)
    }

    /// Reads the text of a receipt.
    ///
    /// # Errors
    /// [`NoReceipt::Malformed`].
    pub fn parse(text: &str) -> Result<Self, NoReceipt> {
        Ok(Self(LeafProof::parse(KIND, text)?))
    }

    /// The text of its file, a `.tlog-proof`.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.0.to_text()
    }

    /// The entry of the log that it is about, as `yagura log verify --entry` takes it.
    #[must_use]
    pub fn entry(&self) -> Option<[u8; 32]> {
        self.0.entry()
    }

    /// Checks that these bytes are what was filed, and that a log of the policy says so.
    ///
    /// # Errors
    /// [`NoReceipt`].
    pub fn verify(&self, copy: &[u8], policy: &Policy) -> Result<Shown, NoReceipt> {
        let (shown, wanted) = self.filed(policy)?;
        let found = hex::encode(sha2::Sha256::digest(copy));
        if found != wanted {
            return Err(NoReceipt::OtherCopy { found, wanted });
        }
        Ok(shown)
    }

    /// What a log of the policy says was filed, and the SHA-256 of its copy in hexadecimal: for whoever has the copy later.
    ///
    /// # Errors
    /// [`NoReceipt`], but for [`NoReceipt::OtherCopy`].
    pub fn filed(&self, policy: &Policy) -> Result<(Shown, String), NoReceipt> {
        let shown = self.0.verify(policy)?;
        let is_filing = shown.event.action == Action::ReportFiled && shown.event.outcome == Outcome::Done;
        let copy = shown.event.detail.get(COPY).filter(|_| is_filing).cloned();
        let copy = copy.ok_or_else(|| NoReceipt::Malformed("its record is of another act".to_owned()))?;
        Ok((shown, copy))
    }
}
