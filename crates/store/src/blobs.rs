//! A bucket of an S3 server, for what is published and can be made from the database at any time: tiles of the log.
//!
//! Nothing lives only here, and nothing waits for it: whoever asks bounds how long, and goes to the database instead. Names are given
//! once: what stands under one never changes, but for the one that a caller replaces on purpose, and that only as it was read.

use std::sync::Arc;
use std::time::Duration;

use bucket::Waits;
use bytes::Bytes;
use object_store::aws::AmazonS3;
use object_store::{
    Error, GetOptions, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion, path,
};

/// What is published can wait; whoever asks for it cannot.
const WAITS: Waits = Waits {
    connect: Duration::from_secs(3),
    answer: Duration::from_secs(10),
    try_for: Duration::from_secs(15),
    tries: 2,
};
/// The largest blob that is read.
const BLOB_BYTES_MAX: u64 = 64 << 20;
/// A bucket, and a prefix in it.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    prefix: path::Path,
    shown: String,
}

/// What stands under a name, and which writing of it this is.
#[derive(Debug, Clone)]
pub struct Blob {
    /// What stands there.
    pub bytes: Bytes,
    version: UpdateVersion,
}

/// Why a bucket does not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// Something else stands under the name.
    #[error("`{0}` holds something else than the database makes")]
    Differs(String),
    /// Somebody else has replaced it since it was read.
    #[error("`{0}` was replaced meanwhile")]
    Replaced(String),
    /// The server is away, or refuses.
    #[error("{0}")]
    Away(String),
}

impl std::fmt::Debug for Bucket {
    /// Without what signs in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Bucket {
    /// Reads an address such as `s3://bucket/prefix?endpoint=https://s3.example.jp`. Nothing is asked of the server.
    ///
    /// # Errors
    /// What is wrong with it; never what signs in.
    pub fn parse(address: &str) -> Result<Self, String> {
        let opened = bucket::open(address, WAITS)?;
        let shown = format!("{opened:?}");
        Ok(Self { store: opened.store, prefix: opened.prefix, shown })
    }

    /// What stands under a name.
    ///
    /// # Errors
    /// [`BlobError::Away`].
    pub async fn get(&self, name: &str) -> Result<Option<Blob>, BlobError> {
        let given = match self.store.get_opts(&self.at(name), GetOptions::default()).await {
            Ok(given) => given,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.away(&error)),
        };
        if given.meta.size > BLOB_BYTES_MAX {
            return Err(BlobError::Differs(name.to_owned()));
        }
        let version = UpdateVersion { e_tag: given.meta.e_tag.clone(), version: given.meta.version.clone() };
        let bytes = given.bytes().await.map_err(|error| self.away(&error))?;
        Ok(Some(Blob { bytes, version }))
    }

    /// Puts something under a name that has nothing, or the same.
    ///
    /// # Errors
    /// [`BlobError::Differs`], [`BlobError::Away`].
    pub async fn put_new(&self, name: &str, bytes: Bytes) -> Result<(), BlobError> {
        match self.put(name, bytes.clone(), PutMode::Create).await {
            Err(BlobError::Replaced(_)) => {}
            done => return done,
        }
        // Another hub was first, or this one before its last answer came.
        match self.get(name).await? {
            Some(there) if there.bytes == bytes => Ok(()),
            _ => Err(BlobError::Differs(name.to_owned())),
        }
    }

    /// Replaces what stands under a name, if it is still what was read there; `None`: nothing.
    ///
    /// # Errors
    /// [`BlobError::Replaced`], [`BlobError::Away`].
    pub async fn replace(&self, name: &str, bytes: Bytes, read: Option<&Blob>) -> Result<(), BlobError> {
        let mode = read.map_or(PutMode::Create, |read| PutMode::Update(read.version.clone()));
        self.put(name, bytes, mode).await
    }

    /// Removes what stands under these names; what is gone already is no error.
    ///
    /// # Errors
    /// [`BlobError::Away`].
    pub async fn remove_all(&self, names: Vec<String>) -> Result<(), BlobError> {
        for name in names {
            match self.store.delete(&self.at(&name)).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(self.away(&error)),
            }
        }
        Ok(())
    }

    /// The names that begin with a folder.
    ///
    /// # Errors
    /// [`BlobError::Away`].
    pub async fn names_in(&self, folder: &str) -> Result<Vec<String>, BlobError> {
        let listed = self.store.list_with_delimiter(Some(&self.at(folder))).await;
        let listed = listed.map_err(|error| self.away(&error))?;
        let beneath = |place: &path::Path| {
            let parts: Vec<String> =
                place.prefix_match(&self.prefix)?.map(|part| part.as_ref().to_owned()).collect();
            Some(parts.join("/"))
        };
        Ok(listed.objects.iter().filter_map(|object| beneath(&object.location)).collect())
    }

    async fn put(&self, name: &str, bytes: Bytes, mode: PutMode) -> Result<(), BlobError> {
        let options = PutOptions { mode, ..PutOptions::default() };
        match self.store.put_opts(&self.at(name), bytes.into(), options).await {
            Ok(_) => Ok(()),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                Err(BlobError::Replaced(name.to_owned()))
            }
            Err(error) => Err(self.away(&error)),
        }
    }

    fn at(&self, name: &str) -> path::Path {
        name.split('/').fold(self.prefix.clone(), path::Path::join)
    }

    fn away(&self, error: &Error) -> BlobError {
        BlobError::Away(format!("{}: {}", self.shown, bucket::cause(error)))
    }
}
