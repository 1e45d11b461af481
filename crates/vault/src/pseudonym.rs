//! Names in place of values, the same ones within an authorisation and unlinkable beyond it.

use std::fmt;

use aws_lc_rs::hmac;

use crate::secret::ClassKey;

/// The length of a pseudonym, in bytes: two values share one with a chance of 2⁻⁶⁴ only among some four thousand million.
pub const PSEUDONYM_BYTES: usize = 16;

/// Makes pseudonyms with a key that was derived of a class key, and that is gone when the class key is.
pub struct Pseudonyms(hmac::Key);

/// What stands in place of a value: HMAC-SHA-256 (RFC 2104) over kind and value, its first [`PSEUDONYM_BYTES`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pseudonym(pub [u8; PSEUDONYM_BYTES]);

impl Pseudonyms {
    /// Those of the class key. To be the same over a whole authorisation, they are all made with one class key: that of the day on which the
    /// authorisation begins, of a class that lasts as long.
    pub fn new(key: &ClassKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.pseudonyms.expose()))
    }

    /// The pseudonym of a value. A kind (`ipv4-addr`, `email-addr`) keeps equal texts that mean different things apart.
    ///
    /// The value comes in its canonical spelling: other spellings give other pseudonyms.
    pub fn of(&self, kind: &str, value: &[u8]) -> Pseudonym {
        let mut context = hmac::Context::with_key(&self.0);
        // The length before the kind: no kind and value can pass for another pair.
        context.update(&(kind.len() as u64).to_be_bytes());
        context.update(kind.as_bytes());
        context.update(value);
        let tag = context.sign();
        let mut pseudonym = [0; PSEUDONYM_BYTES];
        for (to, from) in pseudonym.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Pseudonym(pseudonym)
    }
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(…)")
    }
}
