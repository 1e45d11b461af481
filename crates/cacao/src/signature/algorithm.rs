//! Algorithms by their names in CACAO, carried out by aws-lc-rs.

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey,
    VerificationAlgorithm,
};

/// The names of the signature algorithms that are verified here. `Ed448`, XMSS and LMS are not; symmetric ones never are.
pub const ALGORITHMS: [&str; 10] =
    ["Ed25519", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

/// The text that is signed: the hash of `document` in hexadecimal.
pub(super) fn hash(name: &str, document: &[u8]) -> Option<String> {
    let algorithm = match name {
        "sha-256" => &SHA256,
        "sha-384" => &SHA384,
        "sha-512" => &SHA512,
        _ => return None,
    };
    Some(hex::encode(digest::digest(algorithm, document)))
}

/// Whether the signature is that of the key; `None` where the algorithm is not known here.
pub(super) fn verifies(algorithm: &str, spki: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let (how, raw): (&'static dyn VerificationAlgorithm, bool) = match algorithm {
        "Ed25519" => (&ED25519, true),
        "ES256" => (&ECDSA_P256_SHA256_FIXED, true),
        "ES384" => (&ECDSA_P384_SHA384_FIXED, true),
        "ES512" => (&ECDSA_P521_SHA512_FIXED, true),
        "RS256" => (&RSA_PKCS1_2048_8192_SHA256, false),
        "RS384" => (&RSA_PKCS1_2048_8192_SHA384, false),
        "RS512" => (&RSA_PKCS1_2048_8192_SHA512, false),
        "PS256" => (&RSA_PSS_2048_8192_SHA256, false),
        "PS384" => (&RSA_PSS_2048_8192_SHA384, false),
        "PS512" => (&RSA_PSS_2048_8192_SHA512, false),
        _ => return None,
    };
    // RSA keys are taken as they stand; of the others the library wants the bare point.
    let key = if raw { key_of_spki(spki) } else { Some(spki) };
    Some(key.is_some_and(|key| UnparsedPublicKey::new(how, key).verify(message, signature).is_ok()))
}

/// The key bits of a SubjectPublicKeyInfo (RFC 5280 §4.1): a sequence of an algorithm and a bit string without unused bits.
fn key_of_spki(spki: &[u8]) -> Option<&[u8]> {
    let (outer, rest) = element(spki, 0x30)?;
    if !rest.is_empty() {
        return None;
    }
    let (_, after) = element(outer, 0x30)?;
    let (bits, rest) = element(after, 0x03)?;
    bits.strip_prefix(&[0]).filter(|_| rest.is_empty())
}

/// The content of one DER element with this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *first != tag {
        return None;
    }
    let (length, rest) = match *length {
        short @ ..=0x7f => (usize::from(short), rest),
        0x81 => rest.split_first().map(|(byte, rest)| (usize::from(*byte), rest))?,
        0x82 => {
            let (high, rest) = rest.split_first()?;
            let (low, rest) = rest.split_first()?;
            (usize::from(*high) << 8 | usize::from(*low), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
