//! Key files of cosigners: one line, in the form that Go's `sumdb/note` gives secret keys.
//!
//! `PRIVATE+KEY+<name>+<key id in hex>+<base64 of type and seed>`

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tlog::{CosignatureKind, CosignerKey, CosigningKey, KeyError, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::disk;

const START: &str = "PRIVATE+KEY+";

/// Why a key file cannot be created or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("key file `{}`: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The system gave no randomness.
    #[error("the system gave no random numbers: {0}")]
    Random(getrandom::Error),
    /// The name cannot name a key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file is not a key file, or was changed.
    #[error("`{}` is not a key file of a cosigner", .0.display())]
    Form(PathBuf),
}

/// Draws a new key and writes it to a file that only its owner may read. An existing file is never replaced.
///
/// # Errors
/// [`KeyFileError`].
pub fn create_key(path: &Path, name: &str, kind: CosignatureKind) -> Result<CosignerKey, KeyFileError> {
    let mut seed = Zeroizing::new([0_u8; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(KeyFileError::Random)?;
    let key = CosigningKey::from_seed(name, kind, &seed)?.cosigner_key();
    let failed = |error| KeyFileError::File { path: path.to_owned(), error };
    write_new(path, line(&key, &seed).as_bytes()).map_err(failed)?;
    Ok(key)
}

/// Reads a key file.
///
/// # Errors
/// [`KeyFileError`].
pub fn read_key(path: &Path) -> Result<CosigningKey, KeyFileError> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| KeyFileError::File { path: path.to_owned(), error })?;
    parse(&text).ok_or_else(|| KeyFileError::Form(path.to_owned()))
}

/// Draws a new key for statements (an Ed25519 key of a signed note, which cosigns nothing) and writes it as [`create_key`] does.
///
/// # Errors
/// [`KeyFileError`].
pub fn create_statement_key(path: &Path, name: &str) -> Result<VerifyingKey, KeyFileError> {
    let mut seed = Zeroizing::new([0_u8; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(KeyFileError::Random)?;
    let key = SigningKey::from_seed(name, *seed)?.verifying_key();
    let failed = |error| KeyFileError::File { path: path.to_owned(), error };
    write_new(path, statement_line(&key, &seed).as_bytes()).map_err(failed)?;
    Ok(key)
}

/// Reads a key file for statements.
///
/// # Errors
/// [`KeyFileError`].
pub fn read_statement_key(path: &Path) -> Result<SigningKey, KeyFileError> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| KeyFileError::File { path: path.to_owned(), error })?;
    parse_statement(&text).ok_or_else(|| KeyFileError::Form(path.to_owned()))
}

fn statement_line(key: &VerifyingKey, seed: &[u8; 32]) -> Zeroizing<String> {
    written(key.name(), &key.encode(), TYPE_STATEMENT, seed)
}

fn parse_statement(text: &str) -> Option<SigningKey> {
    let (name, seed) = taken(text, |algorithm| algorithm == TYPE_STATEMENT)?;
    let key = SigningKey::from_seed(name, *seed).ok()?;
    (*statement_line(&key.verifying_key(), &seed) == *text).then_some(key)
}

/// The signature type of signed notes (C2SP signed-note).
const TYPE_STATEMENT: u8 = 0x01;

fn written(name: &str, public: &str, algorithm: u8, seed: &[u8; 32]) -> Zeroizing<String> {
    let bytes = Zeroizing::new([[algorithm].as_slice(), seed].concat());
    let id = public.split('+').nth(1).unwrap_or_default();
    Zeroizing::new(format!("{START}{name}+{id}+{}\n", STANDARD.encode(bytes.as_slice())))
}

/// Name and seed of a key file of such an algorithm.
fn taken(text: &str, is_wanted: impl Fn(u8) -> bool) -> Option<(&str, Zeroizing<[u8; 32]>)> {
    let (name, rest) = text.strip_prefix(START)?.split_once('+')?;
    let bytes = Zeroizing::new(STANDARD.decode(rest.trim_end().split_once('+')?.1).ok()?);
    let (_, seed) = bytes.split_first().filter(|(algorithm, _)| is_wanted(**algorithm))?;
    Some((name, Zeroizing::new(<[u8; 32]>::try_from(seed).ok()?)))
}

fn line(key: &CosignerKey, seed: &[u8; 32]) -> Zeroizing<String> {
    written(key.name(), &key.encode(), type_of(key.kind()), seed)
}

fn parse(text: &str) -> Option<CosigningKey> {
    let of = |kind| {
        let (name, seed) = taken(text, |algorithm| algorithm == type_of(kind))?;
        let key = CosigningKey::from_seed(name, kind, &seed).ok()?;
        // The key id catches a file that was damaged.
        (*line(&key.cosigner_key(), &seed) == *text).then_some(key)
    };
    of(CosignatureKind::Ed25519).or_else(|| of(CosignatureKind::MlDsa44))
}

fn type_of(kind: CosignatureKind) -> u8 {
    match kind {
        CosignatureKind::Ed25519 => 0x04,
        CosignatureKind::MlDsa44 => 0x06,
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    disk::sync_folder(folder.unwrap_or(Path::new(".")))
}
