//! Key services, and all that touches disks, tokens and networks.
//!
//! | service | the root | a class key is destroyed by |
//! |---|---|---|
//! | [`FileService`] | a passphrase (argon2id) over one file | writing the file anew without it |
//! | [`Pkcs11Service`] | one AES key a class, in a token | `C_DestroyObject`, and looking that it is gone |
//! | [`KmsService`] | one key a class, in the service | `ScheduleKeyDeletion`, and waiting until it is gone |

mod file;
mod file_format;
mod folder;
mod kms;
mod kms_wire;
mod pkcs11;
mod replace;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::certificate::{CertificateError, PublicKey, Statement};
use crate::class::ClassKeyId;
use crate::crypt::CipherFailed;
use crate::secret::{Fill, NoRandomness, Secret, Wrapped};

pub use file::FileService;
pub use file_format::KdfParameters;
#[doc(hidden)]
pub use file_format::fuzz_parse;
pub use folder::{FolderLedger, RecordIds};
pub use kms::{KmsAddress, KmsService};
pub use kms_wire::KmsCredentials;
pub use pkcs11::Pkcs11Service;

/// What holds the roots of class keys, and signs when one is gone.
#[async_trait]
pub trait KeyService: Send + Sync {
    /// What it calls itself in certificates.
    fn name(&self) -> &str;

    /// Makes a class key. Called again for one that is there, as after a kill, it gives one that [`Self::unwrap_key`] opens as well.
    async fn create(&self, id: &ClassKeyId) -> Result<Wrapped, ServiceError>;

    /// The class key, of what [`Self::create`] gave.
    ///
    /// # Errors
    /// [`ServiceError::Gone`] only where the service is sure that it holds it no more; [`ServiceError::Pending`] where it can still be had back.
    async fn unwrap_key(&self, id: &ClassKeyId, wrapped: &Wrapped) -> Result<Secret, ServiceError>;

    /// Destroys what opens a class key. Done again, it is [`Destroyed::Gone`] again, and so it is for what was never there.
    async fn destroy(&self, id: &ClassKeyId, wrapped: Option<&Wrapped>) -> Result<Destroyed, ServiceError>;

    /// All class keys that it holds.
    async fn class_keys(&self) -> Result<Vec<ClassKeyId>, ServiceError>;

    /// The key that its certificates are verified with.
    async fn public_key(&self) -> Result<PublicKey, ServiceError>;

    /// Signs a certificate's statement, after having looked that the class key in it is gone.
    ///
    /// # Errors
    /// [`ServiceError::NotGone`].
    async fn sign(&self, statement: &Statement) -> Result<Vec<u8>, ServiceError>;

    /// Whether it could do its work now.
    async fn health(&self) -> Result<(), ServiceError>;

    /// Destroys all class keys, as when a node is taken out of service. What it signs with stays, so that each can be certified.
    async fn destroy_all(&self) -> Result<Vec<(ClassKeyId, Destroyed)>, ServiceError> {
        let mut destroyed = vec![];
        for id in self.class_keys().await? {
            let became = self.destroy(&id, None).await?;
            destroyed.push((id, became));
        }
        Ok(destroyed)
    }
}

/// What became of a class key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destroyed {
    /// The service holds nothing any more that opens it.
    Gone,
    /// It can be used no more and will be destroyed, and until then it could be had back.
    Pending {
        /// When, where the service says so.
        until: Option<Timestamp>,
    },
}

/// Why a key service did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// It is sure that it holds no such class key.
    #[error("the key service holds no class key `{0}`: it was destroyed, or never made")]
    Gone(ClassKeyId),
    /// Its destruction has begun.
    #[error("the class key `{0}` waits for its destruction")]
    Pending(ClassKeyId),
    /// A certificate was asked for, and the key is there.
    #[error("no certificate is signed for `{0}`: the key service still holds it")]
    NotGone(ClassKeyId),
    /// What was handed in is not what the service gave for this class key.
    #[error(
        "what is kept for the class key `{0}` is not what the key service gave: it was altered, or is another key service's"
    )]
    NotOurs(ClassKeyId),
    /// Another passphrase.
    #[error("the passphrase does not open `{0}`")]
    WrongPassphrase(String),
    /// Nothing there.
    #[error(
        "there is no key file `{0}`: name the right one, restore it, or make a new one. Without it nothing that it sealed opens"
    )]
    Missing(String),
    /// Not what was written.
    #[error(
        "the key file `{path}` is damaged: {why}. Restore the copy that is kept beside its passphrase, not one from a backup of the database"
    )]
    Damaged {
        /// Where.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something is there already.
    #[error("`{0}` exists: a key service is not made over another one")]
    Exists(String),
    /// It does not answer; perhaps later.
    #[error("the key service cannot be reached: {0}")]
    Unreachable(String),
    /// It answers and does not want to.
    #[error("the key service refuses: {0}")]
    Refused(String),
    /// It is not set up as it has to be.
    #[error("the key service cannot be used: {0}")]
    Unusable(String),
    /// No random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The library failed.
    #[error(transparent)]
    Cipher(#[from] CipherFailed),
    /// The statement is none.
    #[error(transparent)]
    Statement(#[from] CertificateError),
}

/// The system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Fill for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(bytes).map_err(|_| NoRandomness)
    }
}

/// Work that waits for a disk or a token, on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|cause| ServiceError::Unusable(format!("its thread ended: {cause}")))?
}
