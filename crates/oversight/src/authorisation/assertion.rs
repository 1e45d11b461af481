use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A passkey's public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "algorithm", rename_all = "lowercase", deny_unknown_fields)]
pub enum PublicKey {
    /// ECDSA over P-256 with SHA-256 (COSE -7): the uncompressed point, 65 bytes in hexadecimal.
    Es256 {
        /// `04` and both coordinates.
        point: String,
    },
    /// Ed25519 (COSE -8): 32 bytes in hexadecimal.
    Ed25519 {
        /// The key.
        key: String,
    },
}

/// What an authenticator answers to a challenge (WebAuthn Level 3 §5.2.2), all fields base64url without padding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// Which credential.
    pub credential: String,
    /// Hash of the relying party, flags, counter.
    pub authenticator_data: String,
    /// JSON of type, challenge and origin.
    pub client_data: String,
    /// Over both.
    pub signature: String,
}

/// An assertion that proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// A field is not base64url, or not of the form that it must have.
    #[error("the authenticator's answer is not of the form of one")]
    Form,
    /// It answers another challenge: other terms, another decision, an older question.
    #[error("the authenticator's answer is to another question")]
    Challenge,
    /// It was made for another site.
    #[error("the authenticator's answer was made for another site")]
    Site,
    /// Nobody touched the authenticator, or it did not verify who did.
    #[error("the authenticator did not verify who was in front of it")]
    Unverified,
    /// The key is none, or the signature is not its.
    #[error("the authenticator's signature does not hold")]
    Signature,
}

/// What the browser adds (§5.8.1). Other members may come (§5.8.1.2).
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 4;

impl Assertion {
    /// Verifies the answer to `challenge`, made for the relying party `rp_id` on one of `origins` (WebAuthn Level 3 §7.2, steps 11
    /// to 20). The signature counter is not looked at: synchronised passkeys have none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(
        &self,
        key: &PublicKey,
        challenge: &[u8; 32],
        (rp_id, origins): (&str, &[String]),
    ) -> Result<(), AssertionError> {
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| AssertionError::Form);
        let authenticator_data = decode(&self.authenticator_data)?;
        let client_data = decode(&self.client_data)?;
        let signature = decode(&self.signature)?;
        let told: ClientData = serde_json::from_slice(&client_data).map_err(|_| AssertionError::Form)?;
        if told.kind != "webauthn.get" || told.challenge != URL_SAFE_NO_PAD.encode(challenge) {
            return Err(AssertionError::Challenge);
        }
        if told.cross_origin || !origins.contains(&told.origin) {
            return Err(AssertionError::Site);
        }
        // §6.1: 32 bytes of hash, a byte of flags, 4 of counter.
        let (site, rest) = authenticator_data.split_at_checked(32).ok_or(AssertionError::Form)?;
        let flags = rest.first().filter(|_| rest.len() >= 5).ok_or(AssertionError::Form)?;
        if site != Sha256::digest(rp_id).as_slice() {
            return Err(AssertionError::Site);
        }
        if flags & USER_PRESENT == 0 || flags & USER_VERIFIED == 0 {
            return Err(AssertionError::Unverified);
        }
        let signed = [authenticator_data.as_slice(), Sha256::digest(&client_data).as_slice()].concat();
        key.verify(&signed, &signature)
    }
}

impl PublicKey {
    fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), AssertionError> {
        let bytes = |hexadecimal: &str| hex::decode(hexadecimal).map_err(|_| AssertionError::Signature);
        let verified = match self {
            Self::Es256 { point } => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, bytes(point)?).verify(signed, signature)
            }
            Self::Ed25519 { key } => UnparsedPublicKey::new(&ED25519, bytes(key)?).verify(signed, signature),
        };
        verified.map_err(|_| AssertionError::Signature)
    }
}
