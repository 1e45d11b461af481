//! The form of a key file.
//!
//! | length in bytes | what |
//! |---|---|
//! | 4 | `YKF` and the version, 1 |
//! | 4, 4, 4 | argon2id: memory in KiB, passes, lanes, each big-endian |
//! | 16 | salt |
//! | 12 + 32 + 16 | nonce, root key under the key of the passphrase, tag |
//! | 12 + *n* + 16 | nonce, content under the root key, tag |
//! | 32 | SHA-256 over all before it, which tells damage from a wrong passphrase |
//!
//! The content: 32 bytes of the signing key's seed; then for each class key one byte with the length of its identifier, the
//! identifier, and 32 bytes. Each layer is bound to all that stands before its nonce.

use std::collections::BTreeMap;

use argon2::{Argon2, Params, Version};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::class::ClassKeyId;
use crate::crypt::{self, CipherFailed, NONCE_BYTES, TAG_BYTES};
use crate::secret::{Fill, Secret};
use crate::service::ServiceError;

/// The largest key file, in bytes: some hundred thousand class keys.
pub(super) const FILE_BYTES_MAX: usize = 32 << 20;
/// The fewest characters of a passphrase.
const PASSPHRASE_CHARS_MIN: usize = 12;

const MAGIC: [u8; 4] = *b"YKF\x01";
const SALT_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const SUM_BYTES: usize = 32;

/// What argon2id (RFC 9106) costs. The file says what it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfParameters {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for KdfParameters {
    /// 64 MiB, 3 passes, 4 lanes: the second of the two that RFC 9106 §4 recommends.
    fn default() -> Self {
        Self { memory_kib: 65_536, passes: 3, lanes: 4 }
    }
}

/// What a key file holds.
pub(super) struct Keys {
    /// Of the Ed25519 key that signs certificates.
    pub(super) seed: Secret,
    pub(super) class_keys: BTreeMap<ClassKeyId, Secret>,
}

/// The key that a passphrase gives with a salt.
pub(super) struct PassphraseKey {
    parameters: KdfParameters,
    salt: [u8; SALT_BYTES],
    key: Secret,
}

/// A key file taken apart; nothing of it is decrypted.
pub(super) struct Sealed<'f> {
    pub(super) parameters: KdfParameters,
    pub(super) salt: [u8; SALT_BYTES],
    root_bound: &'f [u8],
    root_nonce: [u8; NONCE_BYTES],
    root: [u8; KEY_BYTES + TAG_BYTES],
    content_bound: &'f [u8],
    content_nonce: [u8; NONCE_BYTES],
    content: &'f [u8],
}

impl PassphraseKey {
    /// With a new salt.
    pub(super) fn new(
        passphrase: &str,
        parameters: KdfParameters,
        fill: &dyn Fill,
    ) -> Result<Self, ServiceError> {
        if passphrase.chars().count() < PASSPHRASE_CHARS_MIN {
            let why =
                format!("a passphrase has {PASSPHRASE_CHARS_MIN} characters or more; let a machine draw it");
            return Err(ServiceError::Unusable(why));
        }
        let mut salt = [0; SALT_BYTES];
        fill.fill(&mut salt)?;
        Self::derive(passphrase, parameters, salt)
    }

    /// With the salt of a file.
    pub(super) fn derive(
        passphrase: &str,
        parameters: KdfParameters,
        salt: [u8; SALT_BYTES],
    ) -> Result<Self, ServiceError> {
        let KdfParameters { memory_kib, passes, lanes } = parameters;
        let unusable = |cause: argon2::Error| ServiceError::Unusable(format!("argon2id: {cause}"));
        let params = Params::new(memory_kib, passes, lanes, Some(KEY_BYTES)).map_err(unusable)?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        Argon2::new(argon2::Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, key.as_mut_slice())
            .map_err(unusable)?;
        let key = Secret::copy_of(key.as_slice()).ok_or(CipherFailed)?;
        Ok(Self { parameters, salt, key })
    }

    /// Whether it was made for this file; not so when the passphrase was changed meanwhile.
    pub(super) fn is_of(&self, sealed: &Sealed<'_>) -> bool {
        self.salt == sealed.salt && self.parameters == sealed.parameters
    }
}

impl Keys {
    /// A file with these keys, under a new root key: what an earlier file's root key opened, this one's does not.
    pub(super) fn seal(&self, passphrase: &PassphraseKey, fill: &dyn Fill) -> Result<Vec<u8>, ServiceError> {
        let KdfParameters { memory_kib, passes, lanes } = passphrase.parameters;
        let mut file = MAGIC.to_vec();
        for number in [memory_kib, passes, lanes] {
            file.extend_from_slice(&number.to_be_bytes());
        }
        file.extend_from_slice(&passphrase.salt);
        let root = Secret::draw(fill)?;
        seal_onto(&mut file, &passphrase.key, &mut Zeroizing::new(root.expose().to_vec()), fill)?;
        seal_onto(&mut file, &root, &mut self.content(), fill)?;
        let sum = Sha256::digest(&file);
        file.extend_from_slice(&sum);
        if file.len() > FILE_BYTES_MAX {
            return Err(ServiceError::Unusable("it holds as many class keys as it can".to_owned()));
        }
        Ok(file)
    }

    fn content(&self) -> Zeroizing<Vec<u8>> {
        // Room for all of it at once: a buffer that grows leaves copies behind.
        let entry = |id: &ClassKeyId| 1 + id.to_string().len() + KEY_BYTES;
        let length = KEY_BYTES + self.class_keys.keys().map(entry).sum::<usize>();
        let mut content = Zeroizing::new(Vec::with_capacity(length));
        content.extend_from_slice(self.seed.expose());
        for (id, key) in &self.class_keys {
            let id = id.to_string();
            // Two names and a day: 139 bytes at most.
            content.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
            content.extend_from_slice(id.as_bytes());
            content.extend_from_slice(key.expose());
        }
        content
    }
}

impl<'f> Sealed<'f> {
    /// Takes a file apart; what is wrong with it, where it is not one.
    pub(super) fn parse(file: &'f [u8]) -> Result<Self, &'static str> {
        const CUT: &str = "it is cut off";
        if file.len() > FILE_BYTES_MAX {
            return Err("it is too large");
        }
        match file.first_chunk::<4>() {
            Some(magic) if *magic == MAGIC => {}
            Some([b'Y', b'K', b'F', _]) => return Err("it is of a version that this program does not read"),
            _ => return Err("it is not a key file"),
        }
        let (sealed, sum) = file.split_last_chunk::<SUM_BYTES>().ok_or(CUT)?;
        if Sha256::digest(sealed).as_slice() != sum {
            return Err("its checksum is not that of its content");
        }
        let (_, rest) = sealed.split_first_chunk::<4>().ok_or(CUT)?;
        let (memory_kib, rest) = rest.split_first_chunk::<4>().ok_or(CUT)?;
        let (passes, rest) = rest.split_first_chunk::<4>().ok_or(CUT)?;
        let (lanes, rest) = rest.split_first_chunk::<4>().ok_or(CUT)?;
        let parameters = KdfParameters {
            memory_kib: u32::from_be_bytes(*memory_kib),
            passes: u32::from_be_bytes(*passes),
            lanes: u32::from_be_bytes(*lanes),
        };
        // A file that asks for all of the machine's memory is none of ours.
        if parameters.memory_kib > 4 << 20 || parameters.passes > 1_000 || parameters.lanes > 64 {
            return Err("it asks for more memory or time than any of ours");
        }
        let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>().ok_or(CUT)?;
        let before = |rest: &[u8]| sealed.get(..sealed.len() - rest.len()).ok_or(CUT);
        let root_bound = before(rest)?;
        let (root_nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(CUT)?;
        let (root, rest) = rest.split_first_chunk::<{ KEY_BYTES + TAG_BYTES }>().ok_or(CUT)?;
        let content_bound = before(rest)?;
        let (content_nonce, content) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(CUT)?;
        Ok(Self {
            parameters,
            salt: *salt,
            root_bound,
            root_nonce: *root_nonce,
            root: *root,
            content_bound,
            content_nonce: *content_nonce,
            content,
        })
    }

    /// Opens it; `Ok(None)` where the passphrase is another.
    pub(super) fn open(&self, passphrase: &PassphraseKey) -> Result<Option<Keys>, &'static str> {
        const FAILED: &str = "the cryptographic library failed";
        let mut root = Zeroizing::new(self.root);
        let key = crypt::key(passphrase.key.expose()).map_err(|_| FAILED)?;
        let root = crypt::open(&key, self.root_nonce, self.root_bound, root.as_mut_slice());
        let Some(root) = root.and_then(|root| root.first_chunk::<KEY_BYTES>()) else { return Ok(None) };
        let mut content = Zeroizing::new(self.content.to_vec());
        let key = crypt::key(root).map_err(|_| FAILED)?;
        let content = crypt::open(&key, self.content_nonce, self.content_bound, content.as_mut_slice());
        keys(content.ok_or("its content does not open")?).map(Some)
    }
}

fn seal_onto(
    file: &mut Vec<u8>,
    key: &Secret,
    content: &mut Zeroizing<Vec<u8>>,
    fill: &dyn Fill,
) -> Result<(), ServiceError> {
    let mut nonce = [0; NONCE_BYTES];
    fill.fill(&mut nonce)?;
    let tag = crypt::seal(&crypt::key(key.expose())?, nonce, file, content)?;
    file.extend_from_slice(&nonce);
    file.extend_from_slice(content);
    file.extend_from_slice(&tag);
    Ok(())
}

fn keys(content: &[u8]) -> Result<Keys, &'static str> {
    const WRONG: &str = "its content is not that of a key file";
    let (seed, mut rest) = content.split_first_chunk::<KEY_BYTES>().ok_or(WRONG)?;
    let seed = Secret::copy_of(seed).ok_or(WRONG)?;
    let mut class_keys = BTreeMap::new();
    while let Some((length, after)) = rest.split_first() {
        let (id, after) = after.split_at_checked(usize::from(*length)).ok_or(WRONG)?;
        let id = str::from_utf8(id).ok().and_then(|id| ClassKeyId::parse(id).ok()).ok_or(WRONG)?;
        let (key, after) = after.split_first_chunk::<KEY_BYTES>().ok_or(WRONG)?;
        class_keys.insert(id, Secret::copy_of(key).ok_or(WRONG)?);
        rest = after;
    }
    Ok(Keys { seed, class_keys })
}

/// For the fuzz target: whatever the bytes, both readers give an answer.
#[doc(hidden)]
pub fn fuzz_parse(bytes: &[u8]) {
    let _ = Sealed::parse(bytes);
    let _ = keys(bytes);
    // With a right sum, as whoever writes such a file would give it.
    let sum = Sha256::digest(bytes);
    let _ = Sealed::parse(&[bytes, &sum].concat());
}
