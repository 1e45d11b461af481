//! What several tests share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use vault::service::{FileService, FolderLedger, KdfParameters, KeyService, SystemRandom};
use vault::{
    CacheLimits, ClassKeyId, Fill, Keyring, Ledger, Name, NewRecord, NoRandomness, Parts, RecordId,
    RetentionClass, RetentionClasses, SealedRecord,
};

pub(crate) const PASSPHRASE: &str = "correct horse battery staple";
/// As cheap as argon2id gets: what is tested is not how long it takes.
pub(crate) const CHEAP: KdfParameters = KdfParameters { memory_kib: 8, passes: 1, lanes: 1 };

/// Bytes that follow from a seed.
pub(crate) struct Seeded(Mutex<(u64, u64)>);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new((seed, 0)))
    }
}

impl Fill for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        let (seed, count) = &mut *self.0.lock().unwrap();
        for part in bytes.chunks_mut(32) {
            let block =
                Sha256::new().chain_update(seed.to_be_bytes()).chain_update(count.to_be_bytes()).finalize();
            *count += 1;
            part.copy_from_slice(&block[..part.len()]);
        }
        Ok(())
    }
}

/// The sealed records of a node, as its database would keep them.
#[derive(Clone, Default)]
pub(crate) struct Database(Arc<Mutex<BTreeMap<RecordId, SealedRecord>>>);

impl Database {
    pub(crate) fn insert(&self, record: SealedRecord) {
        self.0.lock().unwrap().insert(record.id().clone(), record);
    }

    pub(crate) fn ids(&self, class_key: &ClassKeyId) -> BTreeSet<RecordId> {
        let records = self.0.lock().unwrap();
        records
            .values()
            .filter(|record| record.class_key() == class_key)
            .map(|record| record.id().clone())
            .collect()
    }

    /// All records, as a backup would have them.
    pub(crate) fn backup(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().values().map(|record| record.to_bytes().to_vec()).collect()
    }

    pub(crate) fn ledger(&self, folder: &Path) -> FolderLedger {
        let database = self.clone();
        FolderLedger::open(folder, Arc::new(move |id| Ok(database.ids(id)))).unwrap()
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn id(text: &str) -> ClassKeyId {
    ClassKeyId::parse(text).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// `short` keeps for a day, `long` for a hundred.
pub(crate) fn classes() -> RetentionClasses {
    let class = |text: &str, days| RetentionClass::new(name(text), days, "Act 42/2025, a test").unwrap();
    RetentionClasses::new([class("short", 1), class("long", 100)]).unwrap()
}

pub(crate) fn file_service(path: &Path) -> FileService {
    FileService::create(path, PASSPHRASE, CHEAP, Arc::new(SystemRandom)).unwrap()
}

pub(crate) fn keyring(service: Arc<dyn KeyService>, ledger: Arc<dyn Ledger>) -> Keyring {
    let cache = CacheLimits { keys_max: 8, held_for: SignedDuration::from_mins(10) };
    let (fill, classes) = (Arc::new(SystemRandom), classes());
    Keyring::new(Parts { service, ledger, fill, classes, cache, bucket_counts: false })
}

/// Seals a record of this number and puts it into the database.
pub(crate) async fn seal(keyring: &Keyring, database: &Database, number: u32, class_key: &str, now: &str) {
    let content = content(number);
    let record = NewRecord { id: record_id(number), class_key: id(class_key), content: &content };
    database.insert(keyring.seal(record, at(now)).await.unwrap());
}

pub(crate) fn record_id(number: u32) -> RecordId {
    RecordId::new(format!("record-{number}")).unwrap()
}

pub(crate) fn content(number: u32) -> Vec<u8> {
    format!("what was seen, {number}").into_bytes()
}

/// Whether a record opens, and to what it was.
pub(crate) async fn opens(keyring: &Keyring, database: &Database, number: u32, now: &str) -> bool {
    let record = database.0.lock().unwrap()[&record_id(number)].clone();
    match keyring.open(&record, at(now)).await {
        Ok(opened) => {
            assert_eq!(*opened, *content(number));
            true
        }
        Err(_) => false,
    }
}
