//! The seal over a withheld name: HPKE (RFC 9180) to a key whose private half the node does not keep.

use oversight::OrganisationId;
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_CHACHA20_POLY1305 as SUITE;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke, HpkePrivateKey, HpkePublicKey};
use serde::{Deserialize, Serialize};

/// What the seal is for; it opens nothing else.
const INFO: &[u8] = b"yagura anonymous report v1";
/// Every sealed name is as long as any other.
const PADDED_BYTES: usize = 512;
/// Bytes of an encapsulated X25519 secret.
const ENCAPSULATED_BYTES: usize = 32;

/// Who reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reporter {
    pub(crate) organisation: OrganisationId,
    pub(crate) account: String,
    pub(crate) at: String,
}

/// The key, or the seal, is not what it should be; which of them does not matter to whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsealable;

/// A new pair, public half first, in hexadecimal.
pub(crate) fn generate() -> Result<(String, String), Unsealable> {
    let (public, private) = SUITE.generate_key_pair().map_err(|_| Unsealable)?;
    Ok((hex::encode(&public.0), hex::encode(private.secret_bytes())))
}

/// Seals a name to a public key, for one report and no other.
pub(crate) fn seal(public: &str, report: &str, reporter: &Reporter) -> Result<Vec<u8>, Unsealable> {
    let key = HpkePublicKey(hex::decode(public).map_err(|_| Unsealable)?);
    let mut text = serde_json::to_vec(reporter).map_err(|_| Unsealable)?;
    if text.len() > PADDED_BYTES {
        return Err(Unsealable);
    }
    // JSON may be followed by blanks.
    text.resize(PADDED_BYTES, b' ');
    let (encapsulated, sealed) = SUITE.seal(INFO, report.as_bytes(), &text, &key).map_err(|_| Unsealable)?;
    Ok([encapsulated.0, sealed].concat())
}

/// Opens a seal.
pub(crate) fn open(private: &str, report: &str, sealed: &[u8]) -> Result<Reporter, Unsealable> {
    let key = HpkePrivateKey::from(hex::decode(private.trim()).map_err(|_| Unsealable)?);
    let (encapsulated, sealed) = sealed.split_at_checked(ENCAPSULATED_BYTES).ok_or(Unsealable)?;
    let encapsulated = EncapsulatedSecret(encapsulated.to_vec());
    let text = SUITE.open(&encapsulated, INFO, report.as_bytes(), sealed, &key).map_err(|_| Unsealable)?;
    serde_json::from_slice(&text).map_err(|_| Unsealable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_opens_and_only_for_its_report() {
        let reporter = |organisation: &str| Reporter {
            organisation: OrganisationId::parse(organisation).unwrap(),
            account: "a".to_owned(),
            at: "2026-01-01T00:00:00Z".to_owned(),
        };
        let (public, private) = generate().unwrap();
        let (_, other) = generate().unwrap();
        let sealed = seal(&public, "anonymous-1", &reporter("operator-a")).unwrap();
        assert_eq!(open(&private, "anonymous-1", &sealed), Ok(reporter("operator-a")));
        assert_eq!(open(&other, "anonymous-1", &sealed), Err(Unsealable));
        assert_eq!(open(&private, "anonymous-2", &sealed), Err(Unsealable));
        assert_eq!(open("no key", "anonymous-1", &sealed), Err(Unsealable));
        assert_eq!(open(&private, "anonymous-1", &sealed[..20]), Err(Unsealable));
        let mut altered = sealed.clone();
        altered[40] ^= 1;
        assert_eq!(open(&private, "anonymous-1", &altered), Err(Unsealable));
        let longer = seal(&public, "anonymous-1", &reporter("a-much-longer-name-of-an-operator")).unwrap();
        assert_eq!(longer.len(), sealed.len(), "the length tells nothing");
        assert_ne!(seal(&public, "anonymous-1", &reporter("operator-a")).unwrap(), sealed);
    }
}
