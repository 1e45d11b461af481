//! A ledger in a folder, for nodes whose database does not keep one.
//!
//! | file | what |
//! |---|---|
//! | `keys/A.DAY.C.json` | a class key that was kept |
//! | `begun/A.DAY.C.json` | a decision without a certificate |
//! | `certificates/A.DAY.C.json` | a certificate |
//!
//! A file appears whole and durable or not at all, and the first of one name stands.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::certificate::Certificate;
use crate::class::ClassKeyId;
use crate::ledger::{Intent, KeptClassKey, Ledger, LedgerError};
use crate::record::RecordId;

/// Gives the identifiers of all records under a class key: whoever keeps the records knows them.
pub type RecordIds = Arc<dyn Fn(&ClassKeyId) -> Result<BTreeSet<RecordId>, LedgerError> + Send + Sync>;

const KEYS: &str = "keys";
const BEGUN: &str = "begun";
const CERTIFICATES: &str = "certificates";

/// A [`Ledger`] in a folder. It holds nothing secret and belongs into backups.
#[derive(Clone)]
pub struct FolderLedger {
    folder: PathBuf,
    record_ids: RecordIds,
}

impl FolderLedger {
    /// The ledger in a folder, which is made where it is missing: an empty one says of no class key that it is gone.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn open(folder: &Path, record_ids: RecordIds) -> Result<Self, LedgerError> {
        for part in [KEYS, BEGUN, CERTIFICATES] {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(|cause| unusable(&part, &cause))?;
        }
        let ledger = Self { folder: folder.to_owned(), record_ids };
        // Decided and certified, and killed before the decision was removed.
        for intent in ledger.all::<Intent>(BEGUN)? {
            if ledger.find::<Certificate>(CERTIFICATES, &intent.id)?.is_some() {
                ledger.forget(&intent.id)?;
            }
        }
        Ok(ledger)
    }

    /// All certificates that were written down.
    ///
    /// # Errors
    /// Where one cannot be read.
    pub fn certificates(&self) -> Result<Vec<Certificate>, LedgerError> {
        self.all(CERTIFICATES)
    }

    fn path(&self, part: &str, id: &ClassKeyId) -> PathBuf {
        // Names have no dot, so each identifier has a file of its own.
        self.folder.join(part).join(format!("{}.json", id.to_string().replace('/', ".")))
    }

    fn find<T: DeserializeOwned>(&self, part: &str, id: &ClassKeyId) -> Result<Option<T>, LedgerError> {
        read(&self.path(part, id))
    }

    fn all<T: DeserializeOwned>(&self, part: &str) -> Result<Vec<T>, LedgerError> {
        let folder = self.folder.join(part);
        let entries = fs::read_dir(&folder).map_err(|cause| unusable(&folder, &cause))?;
        let mut found = vec![];
        for entry in entries {
            let path = entry.map_err(|cause| unusable(&folder, &cause))?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                found.extend(read(&path)?);
            }
        }
        Ok(found)
    }

    /// Writes a value where there is none, and gives what stands there then.
    fn first<T: Serialize + DeserializeOwned>(
        &self,
        part: &str,
        id: &ClassKeyId,
        value: &T,
    ) -> Result<T, LedgerError> {
        let path = self.path(part, id);
        let mut line = serde_json::to_vec(value).map_err(|cause| LedgerError::Unusable(cause.to_string()))?;
        line.push(b'\n');
        place(&path, &line).map_err(|cause| unusable(&path, &cause))?;
        read(&path)?.ok_or_else(|| LedgerError::Unusable(format!("`{}` is gone", path.display())))
    }

    fn forget(&self, id: &ClassKeyId) -> Result<(), LedgerError> {
        // The decision last: while it stands, what is left is found again.
        for part in [KEYS, BEGUN] {
            let path = self.path(part, id);
            match fs::remove_file(&path) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(unusable(&path, &cause)),
                _ => sync_folder(&path).map_err(|cause| unusable(&path, &cause))?,
            }
        }
        Ok(())
    }

    fn is_over(&self, id: &ClassKeyId) -> Result<bool, LedgerError> {
        let begun = self.find::<Intent>(BEGUN, id)?.is_some();
        Ok(begun || self.find::<Certificate>(CERTIFICATES, id)?.is_some())
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let ledger = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&ledger)).await;
        done.map_err(|cause| LedgerError::Unusable(format!("its thread ended: {cause}")))?
    }
}

#[async_trait]
impl Ledger for FolderLedger {
    async fn class_key(&self, id: &ClassKeyId) -> Result<Option<KeptClassKey>, LedgerError> {
        let id = id.clone();
        self.with(move |ledger| ledger.find(KEYS, &id)).await
    }

    async fn keep(&self, kept: KeptClassKey) -> Result<KeptClassKey, LedgerError> {
        self.with(move |ledger| {
            if ledger.is_over(&kept.id)? {
                return Err(LedgerError::Over(kept.id));
            }
            ledger.first(KEYS, &kept.id, &kept)
        })
        .await
    }

    async fn class_keys(&self) -> Result<Vec<KeptClassKey>, LedgerError> {
        self.with(|ledger| ledger.all(KEYS)).await
    }

    async fn record_ids(&self, id: &ClassKeyId) -> Result<BTreeSet<RecordId>, LedgerError> {
        let id = id.clone();
        self.with(move |ledger| (ledger.record_ids)(&id)).await
    }

    async fn begin(&self, intent: Intent) -> Result<Intent, LedgerError> {
        self.with(move |ledger| ledger.first(BEGUN, &intent.id, &intent)).await
    }

    async fn begun(&self) -> Result<Vec<Intent>, LedgerError> {
        self.with(|ledger| ledger.all(BEGUN)).await
    }

    async fn finish(&self, certificate: Certificate) -> Result<Certificate, LedgerError> {
        self.with(move |ledger| {
            let id = &certificate.statement().class_key;
            let stands = ledger.first(CERTIFICATES, id, &certificate)?;
            ledger.forget(id)?;
            Ok(stands)
        })
        .await
    }
}

/// Writes a file where there is none, whole and durable; one that is there stays.
fn place(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut mark = [0; 8];
    getrandom::fill(&mut mark).map_err(io::Error::other)?;
    let new = path.with_extension(format!("new-{}", hex::encode(mark)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    let placed = fs::hard_link(&new, path);
    fs::remove_file(&new)?;
    match placed {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(cause),
        _ => sync_folder(path),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, LedgerError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(unusable(path, &cause)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|cause| unusable(path, &cause))
}

fn unusable(path: &Path, cause: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Unusable(format!("`{}`: {cause}", path.display()))
}
