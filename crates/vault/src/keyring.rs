//! Seals, opens and expires, with the class keys of a key service.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};

use crate::certificate::{Certificate, CertificateError, Count, PublicKey, Statement};
use crate::class::{ClassKeyId, Name, RetentionClasses};
use crate::crypt::CipherFailed;
use crate::hold::Holds;
use crate::ledger::{Intent, KeptClassKey, Ledger, LedgerError};
use crate::merkle::record_root;
use crate::pseudonym::{Pseudonym, Pseudonyms};
use crate::record::{RecordError, RecordId, SealedRecord};
use crate::secret::{ClassKey, Content, Fill};
use crate::service::{Destroyed, KeyService, ServiceError};

/// What a [`Keyring`] is made of.
pub struct Parts {
    /// Who holds the roots.
    pub service: Arc<dyn KeyService>,
    /// Who keeps what has to be found again.
    pub ledger: Arc<dyn Ledger>,
    /// Where random bytes come from.
    pub fill: Arc<dyn Fill>,
    /// The configured classes.
    pub classes: RetentionClasses,
    /// What may stay in memory.
    pub cache: CacheLimits,
    /// Whether certificates bear a power of ten in place of the exact number of records.
    pub bucket_counts: bool,
}

/// How many class keys stay in memory, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// The most class keys at a time. At one more, the one that was used longest ago is overwritten.
    pub keys_max: usize,
    /// How long after it was unwrapped a class key is overwritten, however much it is used.
    pub held_for: SignedDuration,
}

/// Class keys of a key service in use, the last ones unwrapped in memory. Shared by reference between tasks.
pub struct Keyring {
    parts: Parts,
    /// What must not be destroyed.
    holds: RwLock<Holds>,
    /// Never locked while something is waited for.
    cache: Mutex<HashMap<ClassKeyId, Cached>>,
}

/// A record that is to be sealed.
#[derive(Clone, Debug)]
pub struct NewRecord<'c> {
    /// What it is called.
    pub id: RecordId,
    /// Authorisation, day and class.
    pub class_key: ClassKeyId,
    /// Its content.
    pub content: &'c [u8],
}

/// What an expiry did, and what it left.
#[derive(Debug, Default)]
pub struct ExpiryReport {
    /// The class keys that are gone, as the key service signed. They are in the ledger already.
    pub certificates: Vec<Certificate>,
    /// Destruction has begun and the service has not ended it; until when, where it says so. The next expiry looks again.
    pub pending: Vec<(ClassKeyId, Option<Timestamp>)>,
    /// Past their time and held.
    pub held: Vec<ClassKeyId>,
    /// Of classes that are not configured and whose time nobody wrote down: somebody has to decide.
    pub unconfigured: Vec<ClassKeyId>,
    /// What failed, for which class key where it was one. The next expiry tries again.
    pub failures: Vec<(Option<ClassKeyId>, VaultError)>,
}

/// Why something was not sealed, opened or destroyed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The class is not configured.
    #[error("there is no retention class `{0}`: configure it before anything is kept in it")]
    UnknownClass(Name),
    /// Its time is over.
    #[error("the time of the class key `{id}` was over at {expired}")]
    Expired {
        /// Which.
        id: ClassKeyId,
        /// Since when.
        expired: Timestamp,
    },
    /// The key service.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The library failed.
    #[error(transparent)]
    Cipher(#[from] CipherFailed),
}

struct Cached {
    key: Arc<ClassKey>,
    expires: Timestamp,
    unwrapped: Timestamp,
    used: Timestamp,
}

impl Keyring {
    /// A keyring with nothing in memory and no holds.
    pub fn new(parts: Parts) -> Self {
        Self { parts, holds: RwLock::default(), cache: Mutex::default() }
    }

    /// Sets what must not be destroyed; the caller keeps holds, and calls this before the first [`Self::expire`] and at every change.
    pub fn set_holds(&self, holds: Holds) {
        *self.holds.write().unwrap_or_else(PoisonError::into_inner) = holds;
    }

    /// Seals a record; its class key is made where there is none yet.
    ///
    /// # Errors
    /// [`VaultError::UnknownClass`], and [`VaultError::Expired`] from the class's last moment on, held or not: nothing is added any more.
    pub async fn seal(&self, record: NewRecord<'_>, now: Timestamp) -> Result<SealedRecord, VaultError> {
        let NewRecord { id, class_key, content } = record;
        let key = self.key_to_write(&class_key, now).await?;
        Ok(SealedRecord::seal(&key, id, content, &*self.parts.fill)?)
    }

    /// Opens a record.
    ///
    /// # Errors
    /// [`VaultError::Expired`] when its time is over and it is not held, even before its key is destroyed; [`ServiceError::Gone`] afterwards.
    pub async fn open(&self, record: &SealedRecord, now: Timestamp) -> Result<Content, VaultError> {
        Ok(record.open(&*self.key_to_read(record.class_key(), now).await?)?)
    }

    /// The pseudonym of a value under a class key, which is made where there is none yet ([`Pseudonyms`]).
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub async fn pseudonym(
        &self,
        class_key: &ClassKeyId,
        kind: &str,
        value: &[u8],
        now: Timestamp,
    ) -> Result<Pseudonym, VaultError> {
        Ok(Pseudonyms::new(&*self.key_to_write(class_key, now).await?).of(kind, value))
    }

    /// Overwrites the class keys in memory whose time in it is over. Called by a timer, so that nothing stays where nothing is asked.
    pub fn sweep(&self, now: Timestamp) {
        let held_for = self.parts.cache.held_for;
        self.cached_keys().retain(|_, cached| fresh(cached, held_for, now) && now < cached.expires);
    }

    /// How many class keys are in memory.
    pub fn keys_in_memory(&self) -> usize {
        self.cached_keys().len()
    }

    /// Destroys all class keys whose time is over, and has each certified.
    ///
    /// For each, in this order, so that it may be killed anywhere and the next call ends what was begun:
    ///
    /// 1. the decision, with the root over the records' identifiers, is written down;
    /// 2. the key service destroys the key, and says that it is gone;
    /// 3. it signs the certificate, which it refuses while it holds the key;
    /// 4. the certificate is written down, in place of the decision.
    ///
    /// Killed before 1, nothing has happened. Between 1 and 4 the next call finds the decision and goes through 2 to 4; destroying again what
    /// is gone is no error. A certificate that was signed and not written down was seen by nobody. What fails for one class key is reported
    /// and stops no other.
    pub async fn expire(&self, now: Timestamp) -> ExpiryReport {
        let mut report = ExpiryReport::default();
        let begun = match self.parts.ledger.begun().await {
            Ok(begun) => begun,
            Err(cause) => {
                report.failures.push((None, cause.into()));
                return report;
            }
        };
        let mut known = self.class_keys(&mut report).await;
        for intent in begun {
            let kept = known.remove(&intent.id).flatten();
            self.end(intent, kept, now, &mut report).await;
        }
        for (id, kept) in known {
            let Some(expires) = self.expires(&id, kept.as_ref()) else {
                report.unconfigured.push(id);
                continue;
            };
            if now < expires {
                continue;
            }
            if self.is_held(&id) {
                report.held.push(id);
                continue;
            }
            match self.begin(&id, expires, now).await {
                Ok(intent) => self.end(intent, kept, now, &mut report).await,
                Err(cause) => report.failures.push((Some(id), cause)),
            }
        }
        report
    }

    /// Destroys one class key before its time, because somebody decided that what is under it ends; in the steps of [`Self::expire`], which
    /// ends what is begun here and was interrupted. One that is held stays.
    pub async fn end_early(&self, id: &ClassKeyId, now: Timestamp) -> ExpiryReport {
        let mut report = ExpiryReport::default();
        if self.is_held(id) {
            report.held.push(id.clone());
            return report;
        }
        let kept = match self.parts.ledger.class_key(id).await {
            Ok(kept) => kept,
            Err(cause) => {
                report.failures.push((Some(id.clone()), cause.into()));
                return report;
            }
        };
        match self.begin(id, now, now).await {
            Ok(intent) => self.end(intent, kept, now, &mut report).await,
            Err(cause) => report.failures.push((Some(id.clone()), cause)),
        }
        report
    }

    /// Whether a class key must not be destroyed now.
    pub fn is_held(&self, id: &ClassKeyId) -> bool {
        self.holds.read().unwrap_or_else(PoisonError::into_inner).is_held(id)
    }

    /// All class keys of the ledger and of the service. One that the service holds and the ledger does not know was made just before a kill,
    /// or the ledger is older than the service.
    async fn class_keys(&self, report: &mut ExpiryReport) -> BTreeMap<ClassKeyId, Option<KeptClassKey>> {
        let mut known = BTreeMap::new();
        match self.parts.service.class_keys().await {
            Ok(ids) => known.extend(ids.into_iter().map(|id| (id, None))),
            Err(cause) => report.failures.push((None, cause.into())),
        }
        match self.parts.ledger.class_keys().await {
            Ok(kept) => known.extend(kept.into_iter().map(|kept| (kept.id.clone(), Some(kept)))),
            Err(cause) => report.failures.push((None, cause.into())),
        }
        known
    }

    async fn begin(&self, id: &ClassKeyId, expired: Timestamp, now: Timestamp) -> Result<Intent, VaultError> {
        let ids = self.parts.ledger.record_ids(id).await?;
        let number = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        let intent = Intent {
            id: id.clone(),
            expired,
            records_root: hex::encode(record_root(&ids)),
            records: if self.parts.bucket_counts { Count::bucket(number) } else { Count::Exact(number) },
            begun: now,
        };
        Ok(self.parts.ledger.begin(intent).await?)
    }

    async fn end(
        &self,
        intent: Intent,
        kept: Option<KeptClassKey>,
        now: Timestamp,
        report: &mut ExpiryReport,
    ) {
        let id = intent.id.clone();
        match self.try_to_end(intent, kept, now).await {
            Ok(Ended::Certified(certificate)) => report.certificates.push(*certificate),
            Ok(Ended::Pending(until)) => report.pending.push((id, until)),
            Ok(Ended::Held) => report.held.push(id),
            Err(cause) => report.failures.push((Some(id), cause)),
        }
    }

    async fn try_to_end(
        &self,
        intent: Intent,
        kept: Option<KeptClassKey>,
        now: Timestamp,
    ) -> Result<Ended, VaultError> {
        let service = &self.parts.service;
        let wrapped = kept.as_ref().map(|kept| &kept.wrapped);
        // A hold may have come after the decision; it still keeps what is still there.
        if self.is_held(&intent.id) && !self.is_gone(&intent.id, kept.as_ref()).await {
            return Ok(Ended::Held);
        }
        self.cached_keys().remove(&intent.id);
        if let Destroyed::Pending { until } = service.destroy(&intent.id, wrapped).await? {
            return Ok(Ended::Pending(until));
        }
        let public_key = service.public_key().await?;
        let statement = statement(intent, service.name(), &public_key, now);
        let signature = service.sign(&statement).await?;
        let certificate = Certificate::new(statement, public_key.algorithm(), &signature)?;
        // What does not verify is not kept: better no certificate and another try than one that proves nothing.
        certificate.verify(&public_key)?;
        Ok(Ended::Certified(Box::new(self.parts.ledger.finish(certificate).await?)))
    }

    async fn is_gone(&self, id: &ClassKeyId, kept: Option<&KeptClassKey>) -> bool {
        let Some(kept) = kept else { return false };
        matches!(self.parts.service.unwrap_key(id, &kept.wrapped).await, Err(ServiceError::Gone(_)))
    }

    /// When a class key is to be destroyed: what was written down when it was made, or what its class says now, whichever comes first.
    fn expires(&self, id: &ClassKeyId, kept: Option<&KeptClassKey>) -> Option<Timestamp> {
        let written = kept.map(|kept| kept.expires);
        written.into_iter().chain(self.parts.classes.expires(id)).min()
    }

    async fn key_to_write(&self, id: &ClassKeyId, now: Timestamp) -> Result<Arc<ClassKey>, VaultError> {
        let configured = self.parts.classes.expires(id);
        let configured = configured.ok_or_else(|| VaultError::UnknownClass(id.class().clone()))?;
        in_time(id, configured, now)?;
        if let Some((key, expires)) = self.cached(id, now) {
            in_time(id, expires, now)?;
            return Ok(key);
        }
        let kept = match self.parts.ledger.class_key(id).await? {
            Some(kept) => kept,
            None => {
                let wrapped = self.parts.service.create(id).await?;
                let new = KeptClassKey { id: id.clone(), wrapped, expires: configured };
                // Another process may have been first: what stands in the ledger counts, and is unwrapped below.
                self.parts.ledger.keep(new).await?
            }
        };
        in_time(id, kept.expires.min(configured), now)?;
        self.unwrap_kept(&kept, now).await
    }

    async fn key_to_read(&self, id: &ClassKeyId, now: Timestamp) -> Result<Arc<ClassKey>, VaultError> {
        let held = self.is_held(id);
        if let Some((key, expires)) = self.cached(id, now) {
            if !held {
                in_time(id, expires, now)?;
            }
            return Ok(key);
        }
        let kept = self.parts.ledger.class_key(id).await?.ok_or_else(|| ServiceError::Gone(id.clone()))?;
        if !held {
            in_time(id, self.expires(id, Some(&kept)).unwrap_or(kept.expires), now)?;
        }
        self.unwrap_kept(&kept, now).await
    }

    async fn unwrap_kept(&self, kept: &KeptClassKey, now: Timestamp) -> Result<Arc<ClassKey>, VaultError> {
        let secret = self.parts.service.unwrap_key(&kept.id, &kept.wrapped).await?;
        let key = Arc::new(ClassKey::new(kept.id.clone(), &secret)?);
        let expires = self.expires(&kept.id, Some(kept)).unwrap_or(kept.expires);
        let CacheLimits { keys_max, held_for } = self.parts.cache;
        let mut cache = self.cached_keys();
        cache.retain(|_, cached| fresh(cached, held_for, now));
        while cache.len() >= keys_max.max(1) {
            let oldest = cache.iter().min_by_key(|(_, cached)| cached.used).map(|(id, _)| id.clone());
            oldest.and_then(|id| cache.remove(&id));
        }
        if keys_max > 0 {
            let cached = Cached { key: Arc::clone(&key), expires, unwrapped: now, used: now };
            cache.insert(kept.id.clone(), cached);
        }
        Ok(key)
    }

    fn cached(&self, id: &ClassKeyId, now: Timestamp) -> Option<(Arc<ClassKey>, Timestamp)> {
        let mut cache = self.cached_keys();
        let cached = cache.get_mut(id)?;
        if !fresh(cached, self.parts.cache.held_for, now) {
            cache.remove(id);
            return None;
        }
        cached.used = now;
        Some((Arc::clone(&cached.key), cached.expires))
    }

    fn cached_keys(&self) -> MutexGuard<'_, HashMap<ClassKeyId, Cached>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Parts { service, classes, cache, .. } = &self.parts;
        f.debug_struct("Keyring")
            .field("service", &service.name())
            .field("classes", classes)
            .field("cache", cache)
            .finish_non_exhaustive()
    }
}

enum Ended {
    Certified(Box<Certificate>),
    Pending(Option<Timestamp>),
    Held,
}

/// Whether a key may stay in memory. A clock that was set back counts as the end of its time: how long it has been there is not known.
fn fresh(cached: &Cached, held_for: SignedDuration, now: Timestamp) -> bool {
    let age = now.duration_since(cached.unwrapped);
    !age.is_negative() && age < held_for
}

fn in_time(id: &ClassKeyId, expires: Timestamp, now: Timestamp) -> Result<(), VaultError> {
    if now < expires { Ok(()) } else { Err(VaultError::Expired { id: id.clone(), expired: expires }) }
}

fn statement(intent: Intent, service: &str, key: &PublicKey, now: Timestamp) -> Statement {
    Statement {
        authorisation: intent.id.authorisation().clone(),
        class_key: intent.id,
        confirmed_gone: now,
        expired: intent.expired,
        key_service: service.to_owned(),
        records: intent.records,
        records_root: intent.records_root,
        signed_by: key.fingerprint(),
        version: 1,
    }
}
