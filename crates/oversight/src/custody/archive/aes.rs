//! The encryption of an entry: a key by PBKDF2-HMAC-SHA1 (1,000 rounds), AES-256 in counter mode with the counter written from its lowest byte on, and
//! the first ten bytes of an HMAC-SHA1 over the ciphertext. What is weak in it is the password: its rounds are of 2003.

use std::io;
use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hmac, pbkdf2};

/// The length of a salt, in bytes.
pub const SALT_BYTES: usize = 16;
/// What tells a wrong password early.
pub(super) const VERIFICATION_BYTES: usize = 2;
/// What tells that the ciphertext is unchanged.
pub(super) const AUTHENTICATION_BYTES: usize = 10;

const KEY_BYTES: usize = 32;
const ROUNDS: NonZeroU32 = match NonZeroU32::new(1_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};
const BLOCK_BYTES: usize = 16;
/// Key stream that is made at once.
const STREAM_BYTES: usize = 32 * 1024;

/// Encrypts, or decrypts: the mode is its own inverse.
struct Stream {
    key: EncryptingKey,
    /// Of the block that comes next, from 1.
    counter: u128,
    stream: Vec<u8>,
    used: usize,
}

/// An entry that is being encrypted.
pub(super) struct Sealing {
    stream: Stream,
    code: hmac::Context,
}

/// An entry that is being decrypted.
pub(super) struct Opening {
    stream: Stream,
    code: hmac::Context,
}

impl Sealing {
    /// Begins; gives what tells a wrong password.
    pub(super) fn new(
        password: &str,
        salt: &[u8; SALT_BYTES],
    ) -> io::Result<(Self, [u8; VERIFICATION_BYTES])> {
        let (stream, code, verification) = begin(password, salt)?;
        Ok((Self { stream, code }, verification))
    }

    pub(super) fn encrypt(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.stream.apply(bytes)?;
        self.code.update(bytes);
        Ok(())
    }

    pub(super) fn code(self) -> [u8; AUTHENTICATION_BYTES] {
        shortened(self.code)
    }
}

impl Opening {
    /// Begins; nothing where the password is another one.
    pub(super) fn new(
        password: &str,
        salt: &[u8; SALT_BYTES],
        verification: &[u8; VERIFICATION_BYTES],
    ) -> io::Result<Option<Self>> {
        let (stream, code, expected) = begin(password, salt)?;
        let is_right = verify_slices_are_equal(&expected, verification).is_ok();
        Ok(is_right.then_some(Self { stream, code }))
    }

    pub(super) fn decrypt(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.code.update(bytes);
        self.stream.apply(bytes)
    }

    /// Whether all that was decrypted is what was encrypted.
    pub(super) fn ends_in(self, code: &[u8; AUTHENTICATION_BYTES]) -> bool {
        verify_slices_are_equal(&shortened(self.code), code).is_ok()
    }
}

fn begin(
    password: &str,
    salt: &[u8; SALT_BYTES],
) -> io::Result<(Stream, hmac::Context, [u8; VERIFICATION_BYTES])> {
    let mut derived = [0; 2 * KEY_BYTES + VERIFICATION_BYTES];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, ROUNDS, salt, password.as_bytes(), &mut derived);
    let (key, rest) = derived.split_at(KEY_BYTES);
    let (code_key, verification) = rest.split_at(KEY_BYTES);
    let key = UnboundCipherKey::new(&AES_256, key).and_then(EncryptingKey::ecb).map_err(failed)?;
    let code_key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, code_key);
    let verification = verification.try_into().map_err(failed)?;
    let stream = Stream { key, counter: 1, stream: Vec::new(), used: 0 };
    Ok((stream, hmac::Context::with_key(&code_key), verification))
}

impl Stream {
    fn apply(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.used >= self.stream.len() {
                self.refill()?;
            }
            let ready = self.stream.get(self.used..).unwrap_or_default();
            let (now, later) = rest.split_at_mut(ready.len().min(rest.len()));
            for (byte, key) in now.iter_mut().zip(ready) {
                *byte ^= key;
            }
            self.used += now.len();
            rest = later;
        }
        Ok(())
    }

    fn refill(&mut self) -> io::Result<()> {
        self.stream.resize(STREAM_BYTES, 0);
        for block in self.stream.chunks_exact_mut(BLOCK_BYTES) {
            block.copy_from_slice(&self.counter.to_le_bytes());
            self.counter = self.counter.wrapping_add(1);
        }
        self.key.encrypt(&mut self.stream).map_err(failed)?;
        self.used = 0;
        Ok(())
    }
}

fn shortened(code: hmac::Context) -> [u8; AUTHENTICATION_BYTES] {
    let tag = code.sign();
    let mut short = [0; AUTHENTICATION_BYTES];
    for (to, from) in short.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    short
}

fn failed(_: impl std::fmt::Debug) -> io::Error {
    io::Error::other("the cryptographic library failed; is the machine out of memory?")
}
