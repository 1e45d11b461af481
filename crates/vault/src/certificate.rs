//! What a key service says when it has destroyed a class key.

use std::collections::BTreeSet;
use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::class::{ClassKeyId, Name};
use crate::merkle::record_root;
use crate::record::RecordId;

/// The longest certificate that is read, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = 8_192;

/// Set before the statement under the signature, so that a key used elsewhere too cannot be made to sign a certificate.
const DOMAIN: &[u8] = b"yagura destruction certificate v1\n";

/// What is said: this class key is gone from the key service, and with it these records.
///
/// Its signed form is its canonical JSON (RFC 8785) after a line that says what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Of which authorisation; that of `class_key`, written out for who reads without a program.
    pub authorisation: Name,
    /// Which key.
    pub class_key: ClassKeyId,
    /// When the key service confirmed that it holds the key no more. It was destroyed at this time or before.
    pub confirmed_gone: Timestamp,
    /// When its time was over.
    pub expired: Timestamp,
    /// What the key service calls itself.
    pub key_service: String,
    /// How many records.
    pub records: Count,
    /// [`record_root`] over their identifiers, in hexadecimal digits.
    pub records_root: String,
    /// [`PublicKey::fingerprint`] of the key that signs.
    pub signed_by: String,
    /// 1.
    pub version: u8,
}

/// A number of records, or what it is not above: a small exact number may tell what is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// So many.
    Exact(u64),
    /// So many at most: a power of ten from ten on.
    AtMost(u64),
}

/// How a key service signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// ECDSA with P-256 and SHA-256, the signature as `r || s` (PKCS#11 2.40 §2.3.1).
    EcdsaP256Raw,
    /// The same, the signature as ASN.1 (RFC 3279 §2.2.3), which is what AWS KMS gives.
    EcdsaP256Der,
}

/// The public half of a key service's signing key, to be noted down when the service is set up.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    /// 32 bytes of Ed25519, or the 65 of an uncompressed point of P-256 (SEC 1 §2.3.3).
    bytes: Vec<u8>,
}

/// A statement with its signature, read and not yet verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    algorithm: Algorithm,
    /// In hexadecimal digits.
    signature: String,
    statement: Statement,
}

/// A certificate whose signature holds. [`Certificate::verify`] alone makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCertificate(Certificate);

/// Why a certificate or a key is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a certificate, or another spelling of one.
    #[error("this is not a destruction certificate: {0}")]
    Malformed(String),
    /// Of later programs.
    #[error("the certificate is of version {0}, this program reads version 1: use a newer one")]
    Version(u8),
    /// Not a public key of a key service.
    #[error(
        "a key service's public key is written `ed25519:…`, `ecdsa-p256-raw:…` or `ecdsa-p256-der:…`, in hexadecimal digits"
    )]
    Key,
    /// Signed by another.
    #[error(
        "the certificate names the key {named}, not {given}: compare it with the key that was noted when the key service was set up"
    )]
    OtherKey {
        /// The fingerprint in it.
        named: String,
        /// That of the key which was given.
        given: String,
    },
    /// The signature does not hold.
    #[error("the certificate's signature does not hold: it was altered, or signed by someone else")]
    Signature,
    /// The list of records is not the one that was certified.
    #[error("the certificate is about other records than these {0}")]
    OtherRecords(usize),
}

impl Statement {
    /// What is signed.
    ///
    /// # Errors
    /// Where it cannot be written as canonical JSON, which no such statement has a reason for.
    pub fn to_signed_bytes(&self) -> Result<Vec<u8>, CertificateError> {
        let json = serde_json_canonicalizer::to_vec(self);
        let json = json.map_err(|cause| CertificateError::Malformed(cause.to_string()))?;
        Ok([DOMAIN, &json].concat())
    }

    fn check(&self) -> Result<(), CertificateError> {
        let malformed = |why: &str| Err(CertificateError::Malformed(why.to_owned()));
        if self.version != 1 {
            return Err(CertificateError::Version(self.version));
        }
        if self.authorisation != *self.class_key.authorisation() {
            return malformed("its authorisation is not that of its key");
        }
        if !is_hash(&self.records_root) || !is_hash(&self.signed_by) {
            return malformed("a hash in it is not 64 hexadecimal digits");
        }
        match self.records {
            // Larger ones would not survive canonical JSON, whose numbers are those of IEEE 754.
            Count::Exact(number) | Count::AtMost(number) if number > 1 << 53 => {
                malformed("no node has so many records")
            }
            Count::AtMost(bound) if Count::bucket(bound) != self.records => {
                malformed("its number of records is no power of ten")
            }
            _ => Ok(()),
        }
    }
}

impl Count {
    /// The smallest power of ten, from ten on, that a number is not above.
    pub fn bucket(number: u64) -> Self {
        let powers = std::iter::successors(Some(10_u64), |power| power.checked_mul(10));
        let mut powers = powers.skip_while(|power| *power < number);
        Self::AtMost(powers.next().unwrap_or(u64::MAX))
    }

    /// Whether so many can be meant.
    pub fn fits(self, number: u64) -> bool {
        self == Self::Exact(number) || self == Self::bucket(number)
    }
}

impl PublicKey {
    /// A key of these bytes: 32 of Ed25519, or an uncompressed point of P-256.
    ///
    /// # Errors
    /// [`CertificateError::Key`].
    pub fn new(algorithm: Algorithm, bytes: impl Into<Vec<u8>>) -> Result<Self, CertificateError> {
        let bytes = bytes.into();
        let fits = match algorithm {
            Algorithm::Ed25519 => bytes.len() == 32,
            Algorithm::EcdsaP256Raw | Algorithm::EcdsaP256Der => {
                bytes.len() == 65 && bytes.first() == Some(&4)
            }
        };
        if fits { Ok(Self { algorithm, bytes }) } else { Err(CertificateError::Key) }
    }

    /// Reads `algorithm:bytes`, as [`Self`] is displayed.
    ///
    /// # Errors
    /// [`CertificateError::Key`].
    pub fn parse(text: &str) -> Result<Self, CertificateError> {
        let (algorithm, bytes) = text.split_once(':').ok_or(CertificateError::Key)?;
        let known = [Algorithm::Ed25519, Algorithm::EcdsaP256Raw, Algorithm::EcdsaP256Der];
        let algorithm = known.into_iter().find(|known| known.name() == algorithm);
        let key = Self::new(
            algorithm.ok_or(CertificateError::Key)?,
            hex::decode(bytes).map_err(|_| CertificateError::Key)?,
        )?;
        // Digits in lower case only, so that a key has one spelling.
        if key.to_string() == text { Ok(key) } else { Err(CertificateError::Key) }
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// SHA-256 over its text, in hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(self.to_string()))
    }
}

impl Certificate {
    /// A statement with the signature that a key service gave.
    ///
    /// # Errors
    /// Where the statement is not one that would be read again.
    pub fn new(
        statement: Statement,
        algorithm: Algorithm,
        signature: &[u8],
    ) -> Result<Self, CertificateError> {
        statement.check()?;
        Ok(Self { algorithm, signature: hex::encode(signature), statement })
    }

    /// Reads a certificate: its canonical JSON (RFC 8785), perhaps with a line feed at its end, and no other spelling.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] and [`CertificateError::Version`].
    pub fn parse(text: &str) -> Result<Self, CertificateError> {
        let malformed = |why: &str| CertificateError::Malformed(why.to_owned());
        if text.len() > CERTIFICATE_BYTES_MAX {
            return Err(malformed("it is too long"));
        }
        let text = text.strip_suffix('\n').unwrap_or(text);
        let certificate: Self =
            serde_json::from_str(text).map_err(|cause| CertificateError::Malformed(cause.to_string()))?;
        certificate.statement.check()?;
        if certificate.to_text()? == text {
            Ok(certificate)
        } else {
            Err(malformed("it is not in canonical form (RFC 8785)"))
        }
    }

    /// Its text, one line of canonical JSON without a line feed: the form to be published and to be made a leaf of the log.
    ///
    /// # Errors
    /// Where it cannot be written, which no certificate has a reason for.
    pub fn to_text(&self) -> Result<String, CertificateError> {
        serde_json_canonicalizer::to_string(self)
            .map_err(|cause| CertificateError::Malformed(cause.to_string()))
    }

    /// What it says, whoever said it.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Checks that the key service with this key signed it.
    ///
    /// # Errors
    /// [`CertificateError::OtherKey`] and [`CertificateError::Signature`].
    pub fn verify(&self, key: &PublicKey) -> Result<VerifiedCertificate, CertificateError> {
        let given = key.fingerprint();
        if self.statement.signed_by != given || self.algorithm != key.algorithm {
            return Err(CertificateError::OtherKey { named: self.statement.signed_by.clone(), given });
        }
        let signature = hex::decode(&self.signature).map_err(|_| CertificateError::Signature)?;
        let verifier = UnparsedPublicKey::new(key.algorithm.verifier(), &key.bytes);
        let holds = verifier.verify(&self.statement.to_signed_bytes()?, &signature);
        holds.map_err(|_| CertificateError::Signature)?;
        Ok(VerifiedCertificate(self.clone()))
    }
}

impl VerifiedCertificate {
    /// What it says.
    pub fn statement(&self) -> &Statement {
        &self.0.statement
    }

    /// Checks that it is about exactly these records.
    ///
    /// # Errors
    /// [`CertificateError::OtherRecords`].
    pub fn check_records(&self, ids: &BTreeSet<RecordId>) -> Result<(), CertificateError> {
        let number = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        let root = hex::encode(record_root(ids));
        if self.0.statement.records.fits(number) && self.0.statement.records_root == root {
            Ok(())
        } else {
            Err(CertificateError::OtherRecords(ids.len()))
        }
    }
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256Raw => "ecdsa-p256-raw",
            Self::EcdsaP256Der => "ecdsa-p256-der",
        }
    }

    fn verifier(self) -> &'static dyn aws_lc_rs::signature::VerificationAlgorithm {
        match self {
            Self::Ed25519 => &ED25519,
            Self::EcdsaP256Raw => &ECDSA_P256_SHA256_FIXED,
            Self::EcdsaP256Der => &ECDSA_P256_SHA256_ASN1,
        }
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), hex::encode(&self.bytes))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}
