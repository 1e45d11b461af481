//! What a [`Keyring`](crate::Keyring) has to find again after the program was killed, and who keeps it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, Count};
use crate::class::ClassKeyId;
use crate::record::RecordId;
use crate::secret::Wrapped;

/// A class key that was made, as it is kept. It holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptClassKey {
    /// Which.
    pub id: ClassKeyId,
    /// What the key service gave back for it.
    pub wrapped: Wrapped,
    /// When it is to be destroyed, as its class said on the day it was made. A class that is made longer later does not keep it longer; one that is
    /// made shorter destroys it earlier.
    pub expires: Timestamp,
}

/// The decision to destroy a class key, written down before anything is destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// Which.
    pub id: ClassKeyId,
    /// When its time was over.
    pub expired: Timestamp,
    /// [`record_root`](crate::record_root) over the identifiers of its records, in hexadecimal digits.
    pub records_root: String,
    /// How many records.
    pub records: Count,
    /// When it was decided.
    pub begun: Timestamp,
}

/// Where class keys, decisions and certificates are kept: a node's database, or a folder ([`crate::service::FolderLedger`]).
///
/// What a method wrote is durable when it returns: after a power cut it is found again.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The class key of this name, where one was kept and no certificate has ended it.
    async fn class_key(&self, id: &ClassKeyId) -> Result<Option<KeptClassKey>, LedgerError>;

    /// Keeps a class key. Of several with one name, by several processes too, the first stands and is what all get back.
    ///
    /// # Errors
    /// [`LedgerError::Over`] where a decision or a certificate has ended it.
    async fn keep(&self, kept: KeptClassKey) -> Result<KeptClassKey, LedgerError>;

    /// All class keys that no certificate has ended.
    async fn class_keys(&self) -> Result<Vec<KeptClassKey>, LedgerError>;

    /// The identifiers of all records that were sealed under a class key.
    async fn record_ids(&self, id: &ClassKeyId) -> Result<BTreeSet<RecordId>, LedgerError>;

    /// Writes a decision down. Of several about one class key the first stands and is what all get back.
    async fn begin(&self, intent: Intent) -> Result<Intent, LedgerError>;

    /// All decisions without a certificate.
    async fn begun(&self) -> Result<Vec<Intent>, LedgerError>;

    /// Writes a certificate down; the class key and the decision are forgotten. Of several about one class key the first stands and is
    /// what all get back.
    async fn finish(&self, certificate: Certificate) -> Result<Certificate, LedgerError>;
}

/// Why something could not be kept or found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// It was decided to destroy this class key, or that was done.
    #[error("the class key `{0}` is over: nothing is sealed under it any more")]
    Over(ClassKeyId),
    /// It cannot be read or written.
    #[error("the ledger of class keys cannot be used: {0}")]
    Unusable(String),
}
