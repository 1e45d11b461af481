//! Whether what was deleted is gone: an old backup against the certificates.

use std::collections::{BTreeSet, HashMap};

use crate::certificate::VerifiedCertificate;
use crate::class::ClassKeyId;
use crate::record::{RecordError, RecordId, SealedRecord};
use crate::secret::{ClassKey, Content, Wrapped};
use crate::service::{KeyService, ServiceError};

/// The most records that a report names; all are counted.
const NAMED_MAX: usize = 100;
/// The most class keys that a check has unwrapped at a time.
const KEYS_MAX: usize = 256;

/// What came of trying to open a record of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The key service is sure that it holds the class key no more.
    KeyGone,
    /// It opened.
    Opened,
    /// It did not open, yet its class key is there or can still be had back.
    KeyThere,
    /// It was not found out, as when the key service did not answer. A key that cannot be asked for is not a key that is gone.
    CannotTell(String),
}

/// Holds attempts against certificates.
pub struct DeletionCheck {
    destroyed: BTreeSet<ClassKeyId>,
    report: DeletionReport,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletionReport {
    /// Records tried.
    pub tried: u64,
    /// Of a destroyed class, and their key is gone.
    pub failed_as_they_must: u64,
    /// Of a destroyed class, and yet they open or their key is there: what was certified is not true.
    pub still_open: u64,
    /// The first hundred of these.
    pub still_open_named: Vec<(RecordId, ClassKeyId)>,
    /// Of a destroyed class, and it could not be found out.
    pub undecided: u64,
    /// Why, once each, a hundred at most.
    pub undecided_because: BTreeSet<String>,
    /// Of no destroyed class, and they open: they may still be kept.
    pub not_covered_open: u64,
    /// Of no destroyed class, and they do not open: their key is lost without a certificate, or they are damaged.
    pub not_covered_closed: u64,
    /// Not sealed records at all.
    pub unreadable: u64,
}

impl DeletionCheck {
    /// A check against these certificates.
    pub fn new<'c>(certificates: impl IntoIterator<Item = &'c VerifiedCertificate>) -> Self {
        let destroyed =
            certificates.into_iter().map(|certificate| certificate.statement().class_key.clone()).collect();
        Self { destroyed, report: DeletionReport::default() }
    }

    /// Takes an attempt into the report.
    pub fn note(&mut self, record: &SealedRecord, attempt: Attempt) {
        let report = &mut self.report;
        report.tried += 1;
        match (self.destroyed.contains(record.class_key()), attempt) {
            (true, Attempt::KeyGone) => report.failed_as_they_must += 1,
            (true, Attempt::Opened | Attempt::KeyThere) => {
                report.still_open += 1;
                if report.still_open_named.len() < NAMED_MAX {
                    report.still_open_named.push((record.id().clone(), record.class_key().clone()));
                }
            }
            (true, Attempt::CannotTell(why)) => {
                report.undecided += 1;
                if report.undecided_because.len() < NAMED_MAX {
                    report.undecided_because.insert(why);
                }
            }
            (false, Attempt::Opened) => report.not_covered_open += 1,
            (false, Attempt::KeyGone | Attempt::KeyThere | Attempt::CannotTell(_)) => {
                report.not_covered_closed += 1;
            }
        }
    }

    /// Takes something into the report that is no sealed record.
    pub fn note_unreadable(&mut self) {
        self.report.unreadable += 1;
    }

    /// What was found.
    pub fn finish(self) -> DeletionReport {
        self.report
    }

    /// Tries all records of a backup.
    ///
    /// `wrapped` gives what the *backup* keeps for a class key: the point is that it opens nothing any more. Nothing of a keyring's memory
    /// is used. An error of `records` is one of reading the backup and ends the check.
    ///
    /// # Errors
    /// The first error of `records`.
    pub async fn run<E>(
        mut self,
        service: &dyn KeyService,
        wrapped: impl Fn(&ClassKeyId) -> Option<Wrapped>,
        records: impl IntoIterator<Item = Result<Vec<u8>, E>>,
    ) -> Result<DeletionReport, E> {
        let mut keys: HashMap<ClassKeyId, Result<ClassKey, Attempt>> = HashMap::new();
        for bytes in records {
            let Ok(record) = SealedRecord::parse(bytes?) else {
                self.note_unreadable();
                continue;
            };
            let id = record.class_key();
            if !keys.contains_key(id) {
                if keys.len() >= KEYS_MAX {
                    keys.clear();
                }
                keys.insert(id.clone(), unwrapped(service, id, wrapped(id)).await);
            }
            let attempt = match keys.get(id) {
                Some(Ok(key)) => match opened(&record, key) {
                    Ok(_) => Attempt::Opened,
                    Err(attempt) => attempt,
                },
                Some(Err(attempt)) => attempt.clone(),
                None => Attempt::CannotTell("its class key was not asked for".to_owned()),
            };
            self.note(&record, attempt);
        }
        Ok(self.finish())
    }
}

impl DeletionReport {
    /// Whether what was certified held: some record of a destroyed class was tried, each failed, and nothing was left undecided. A check
    /// that tried nothing has shown nothing.
    pub fn passed(&self) -> bool {
        self.failed_as_they_must > 0 && self.still_open == 0 && self.undecided == 0 && self.unreadable == 0
    }
}

/// Tries one record of a backup, as [`DeletionCheck::run`] does, for who needs its content to go on.
///
/// # Errors
/// Every attempt but [`Attempt::Opened`].
pub async fn try_record(
    service: &dyn KeyService,
    record: &SealedRecord,
    wrapped: Option<Wrapped>,
) -> Result<Content, Attempt> {
    opened(record, &unwrapped(service, record.class_key(), wrapped).await?)
}

fn opened(record: &SealedRecord, key: &ClassKey) -> Result<Content, Attempt> {
    record.open(key).map_err(|cause| match cause {
        RecordError::Cipher(cause) => Attempt::CannotTell(cause.to_string()),
        _ => Attempt::KeyThere,
    })
}

async fn unwrapped(
    service: &dyn KeyService,
    id: &ClassKeyId,
    wrapped: Option<Wrapped>,
) -> Result<ClassKey, Attempt> {
    // Without what the service gave, it is still asked: it knows whether it holds the key.
    let wrapped = wrapped.or_else(|| Wrapped::new(vec![]));
    let wrapped =
        wrapped.ok_or_else(|| Attempt::CannotTell("nothing is kept for its class key".to_owned()))?;
    let secret = service.unwrap_key(id, &wrapped).await.map_err(|cause| match cause {
        ServiceError::Gone(_) => Attempt::KeyGone,
        ServiceError::Pending(_) | ServiceError::NotOurs(_) => Attempt::KeyThere,
        other => Attempt::CannotTell(other.to_string()),
    })?;
    ClassKey::new(id.clone(), &secret).map_err(|cause| Attempt::CannotTell(cause.to_string()))
}
