//! A key service in one file, opened by a passphrase: for nodes without a token or a key service of their own.
//!
//! Class keys stand in this file and nowhere else, so it must never be where the database's backups are. Whoever has a copy of the file
//! from before a class key was destroyed, and the passphrase, has that key: keep few copies, on media that you can destroy, and none that is
//! older than your shortest retention class.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use super::file_format::{KdfParameters, Keys, PassphraseKey, Sealed};
use super::{Destroyed, KeyService, ServiceError, blocking, replace};
use crate::certificate::{Algorithm, PublicKey, Statement};
use crate::class::ClassKeyId;
use crate::crypt::CipherFailed;
use crate::secret::{Fill, Secret, Wrapped};

/// What is kept for a class key beside the file: nothing but a word that says where it is.
const ELSEWHERE: &[u8] = b"key file";

/// A key service in one file. Several processes may use one file: each call locks it, reads it and, where it changes something, replaces it.
pub struct FileService {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    passphrase: PassphraseKey,
    fill: Arc<dyn Fill>,
}

impl FileService {
    /// Makes a new key file, with a signing key of its own and no class key. Takes some 150 ms with the default parameters.
    ///
    /// # Errors
    /// [`ServiceError::Exists`]: nothing is written over.
    pub fn create(
        path: &Path,
        passphrase: &str,
        parameters: KdfParameters,
        fill: Arc<dyn Fill>,
    ) -> Result<Self, ServiceError> {
        let passphrase = PassphraseKey::new(passphrase, parameters, &*fill)?;
        let keys = Keys { seed: Secret::draw(&*fill)?, class_keys: BTreeMap::new() };
        let inner = Inner { path: path.to_owned(), passphrase, fill };
        let _lock = inner.lock()?;
        if path.try_exists().map_err(|cause| inner.failed(&cause))? {
            return Err(ServiceError::Exists(path.display().to_string()));
        }
        replace::tidy(path).map_err(|cause| inner.failed(&cause))?;
        let file = keys.seal(&inner.passphrase, &*inner.fill)?;
        replace::create(path, &file).map_err(|cause| inner.failed(&cause))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Opens a key file. Makes none where there is none.
    ///
    /// # Errors
    /// [`ServiceError::Missing`], [`ServiceError::Damaged`] and [`ServiceError::WrongPassphrase`].
    pub fn open(path: &Path, passphrase: &str, fill: Arc<dyn Fill>) -> Result<Self, ServiceError> {
        let file = read(path)?;
        let sealed = Sealed::parse(&file).map_err(|why| damaged(path, why))?;
        let passphrase = PassphraseKey::derive(passphrase, sealed.parameters, sealed.salt)?;
        let inner = Inner { path: path.to_owned(), passphrase, fill };
        let lock = inner.lock()?;
        // What a kill left is overwritten now, not when something changes next.
        replace::tidy(path).map_err(|cause| inner.failed(&cause))?;
        inner.load()?;
        drop(lock);
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Puts the file under another passphrase. Other processes that have it open have to open it again.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn change_passphrase(
        self,
        passphrase: &str,
        parameters: KdfParameters,
    ) -> Result<Self, ServiceError> {
        let passphrase = PassphraseKey::new(passphrase, parameters, &*self.inner.fill)?;
        let changed = Inner { path: self.inner.path.clone(), passphrase, fill: Arc::clone(&self.inner.fill) };
        let _lock = self.inner.lock()?;
        changed.save(&self.inner.load()?)?;
        Ok(Self { inner: Arc::new(changed) })
    }

    /// Overwrites and removes the whole file, signing key included: all that was sealed under its class keys is lost.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn destroy_file(self) -> Result<(), ServiceError> {
        let _lock = self.inner.lock()?;
        let path = &self.inner.path;
        replace::tidy(path).and_then(|()| replace::wipe(path)).map_err(|cause| self.inner.failed(&cause))
    }

    /// Does something with the keys, under the lock, on a thread that may wait for the disk.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, Keys) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let _lock = inner.lock()?;
            replace::tidy(&inner.path).map_err(|cause| inner.failed(&cause))?;
            work(&inner, inner.load()?)
        })
        .await
    }
}

#[async_trait]
impl KeyService for FileService {
    fn name(&self) -> &str {
        "file"
    }

    async fn create(&self, id: &ClassKeyId) -> Result<Wrapped, ServiceError> {
        let id = id.clone();
        self.with(move |inner, mut keys| {
            if let Entry::Vacant(free) = keys.class_keys.entry(id) {
                free.insert(Secret::draw(&*inner.fill)?);
                inner.save(&keys)?;
            }
            Wrapped::new(ELSEWHERE.to_vec()).ok_or(CipherFailed.into())
        })
        .await
    }

    async fn unwrap_key(&self, id: &ClassKeyId, _: &Wrapped) -> Result<Secret, ServiceError> {
        let id = id.clone();
        self.with(move |_, mut keys| keys.class_keys.remove(&id).ok_or(ServiceError::Gone(id))).await
    }

    async fn destroy(&self, id: &ClassKeyId, _: Option<&Wrapped>) -> Result<Destroyed, ServiceError> {
        let id = id.clone();
        self.with(move |inner, mut keys| {
            if keys.class_keys.remove(&id).is_some() {
                inner.save(&keys)?;
            }
            Ok(Destroyed::Gone)
        })
        .await
    }

    async fn class_keys(&self) -> Result<Vec<ClassKeyId>, ServiceError> {
        self.with(|_, keys| Ok(keys.class_keys.keys().cloned().collect())).await
    }

    async fn public_key(&self) -> Result<PublicKey, ServiceError> {
        self.with(|_, keys| {
            let pair = pair(&keys)?;
            Ok(PublicKey::new(Algorithm::Ed25519, pair.public_key().as_ref())?)
        })
        .await
    }

    async fn sign(&self, statement: &Statement) -> Result<Vec<u8>, ServiceError> {
        let statement = statement.clone();
        self.with(move |_, keys| {
            if keys.class_keys.contains_key(&statement.class_key) {
                return Err(ServiceError::NotGone(statement.class_key));
            }
            Ok(pair(&keys)?.sign(&statement.to_signed_bytes()?).as_ref().to_vec())
        })
        .await
    }

    async fn health(&self) -> Result<(), ServiceError> {
        self.with(|_, _| Ok(())).await
    }
}

impl Inner {
    fn lock(&self) -> Result<fs::File, ServiceError> {
        replace::lock(&self.path).map_err(|cause| self.failed(&cause))
    }

    fn load(&self) -> Result<Keys, ServiceError> {
        let file = read(&self.path)?;
        let sealed = Sealed::parse(&file).map_err(|why| damaged(&self.path, why))?;
        let wrong = || ServiceError::WrongPassphrase(self.path.display().to_string());
        if !self.passphrase.is_of(&sealed) {
            return Err(wrong());
        }
        sealed.open(&self.passphrase).map_err(|why| damaged(&self.path, why))?.ok_or_else(wrong)
    }

    fn save(&self, keys: &Keys) -> Result<(), ServiceError> {
        let file = keys.seal(&self.passphrase, &*self.fill)?;
        replace::replace(&self.path, &file).map_err(|cause| self.failed(&cause))
    }

    fn failed(&self, cause: &io::Error) -> ServiceError {
        ServiceError::Unusable(format!("`{}`: {cause}", self.path.display()))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ServiceError> {
    fs::read(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => ServiceError::Missing(path.display().to_string()),
        _ => ServiceError::Unusable(format!("`{}`: {cause}", path.display())),
    })
}

fn damaged(path: &Path, why: &str) -> ServiceError {
    ServiceError::Damaged { path: path.display().to_string(), why: why.to_owned() }
}

fn pair(keys: &Keys) -> Result<Ed25519KeyPair, ServiceError> {
    Ed25519KeyPair::from_seed_unchecked(keys.seed.expose()).map_err(|_| CipherFailed.into())
}
