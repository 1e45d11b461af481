use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

/// An edge's key for pseudonyms. It never leaves the edge, so nobody else can try addresses; and under each authorisation the same
/// address has another pseudonym, so that what two of them found cannot be joined.
#[derive(Clone)]
pub struct PseudonymKey([u8; 32]);

impl std::fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PseudonymKey")
    }
}

const ADDRESS_DOMAIN: &[u8] = b"yagura own address v1\0";
const ID_DOMAIN: &[u8] = b"yagura selection id v1\0";

impl PseudonymKey {
    /// From 32 bytes that were drawn by chance.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// An address under an authorisation: 32 hexadecimal digits.
    #[must_use]
    pub fn of(&self, authorisation: Uuid, address: IpAddr) -> String {
        hex::encode(self.digest(ADDRESS_DOMAIN, authorisation, address.to_canonical().to_string().as_bytes()))
    }

    /// An identifier of what the bytes name under an authorisation (UUID version 8, RFC 9562 §5.8).
    #[must_use]
    pub fn id(&self, authorisation: Uuid, name: &[u8]) -> Uuid {
        uuid::Builder::from_custom_bytes(self.digest(ID_DOMAIN, authorisation, name)).into_uuid()
    }

    fn digest(&self, domain: &[u8], authorisation: Uuid, bytes: &[u8]) -> [u8; 16] {
        // RFC 2104 §2: a key shorter than the block is padded with zeros. Done here, no failure is possible.
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(&self.0) {
            *to = *from;
        }
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(domain);
        mac.update(authorisation.as_bytes());
        mac.update(bytes);
        let digest = mac.finalize().into_bytes();
        let mut short = [0; 16];
        for (to, from) in short.iter_mut().zip(digest) {
            *to = from;
        }
        short
    }
}
