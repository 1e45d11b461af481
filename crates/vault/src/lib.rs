//! Envelope keys and retention classes: what is kept only as long as it may be.
//!
//! A record is sealed under a data key of its own; data keys under a class key; class keys under something that a key service
//! holds and nobody else: a file with a passphrase, a token that speaks PKCS#11, or a service that speaks the interface of AWS KMS.
//!
//! ```text
//! record ── data key ── class key ── root
//!           (one each)  (authorisation × day × retention class)  (in the key service)
//! ```
//!
//! When the time of a class is over, [`Keyring::expire`] has the key service destroy the class key. What was sealed under it can
//! then be opened nowhere, in no backup either, and the service signs a [`Certificate`] that says so. What it proves is that the
//! key is gone *from the key service*; that nobody took a copy beforehand, no certificate can prove.
//!
//! Formats and rules are values: they read no clock (`now` is an argument) and draw no randomness ([`Fill`] is handed in). What
//! touches disks, tokens and networks stands in [`service`].

mod certificate;
mod check;
mod class;
mod crypt;
mod hold;
mod keyring;
mod ledger;
mod merkle;
mod pseudonym;
mod record;
mod secret;
pub mod service;

pub use certificate::{
    Algorithm, CERTIFICATE_BYTES_MAX, Certificate, CertificateError, Count, PublicKey, Statement,
    VerifiedCertificate,
};
pub use check::{Attempt, DeletionCheck, DeletionReport, try_record};
pub use class::{
    ClassError, ClassKeyId, DAYS_MAX, NAME_BYTES_MAX, Name, RetentionClass, RetentionClasses, day_of,
};
pub use crypt::CipherFailed;
pub use hold::{HoldError, HoldScope, Holds, LegalHold, TwoPersons};
pub use keyring::{CacheLimits, ExpiryReport, Keyring, NewRecord, Parts, VaultError};
pub use ledger::{Intent, KeptClassKey, Ledger, LedgerError};
pub use merkle::record_root;
pub use pseudonym::{PSEUDONYM_BYTES, Pseudonym, Pseudonyms};
pub use record::{CONTENT_BYTES_MAX, RECORD_ID_BYTES_MAX, RecordError, RecordId, SealedRecord};
pub use secret::{ClassKey, Content, Fill, NoRandomness, Secret, Wrapped};
