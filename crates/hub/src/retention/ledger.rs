//! What the vault has to find again, in two places: in the folder what the key service wrapped; in the store, with a leaf each, what was
//! decided and what is certified. No log, no act: a decision is in the store before anything is destroyed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use oversight::{Action, Actor, AuditEvent, Purpose};
use store::authorisations::selections;
use store::{Act, Reader, Store, StoreError, Tx, evidence, retention};
use vault::service::FolderLedger;
use vault::{
    Certificate, ClassKeyId, Count, Intent, KeptClassKey, Ledger, LedgerError, RecordId, record_root,
};

use crate::REALM;

/// The ledger of this node.
pub(super) struct NodeLedger {
    folder: FolderLedger,
    store: Store,
}

impl NodeLedger {
    pub(super) fn open(folder: &Path, store: Store) -> Result<Self, LedgerError> {
        let elsewhere = |_: &ClassKeyId| Err(unusable("the records are known to the store"));
        Ok(Self { folder: FolderLedger::open(folder, Arc::new(elsewhere))?, store })
    }

    /// Takes up certificates that the folder has and the store has not: the store was put back to an earlier state, and what the
    /// certificates are about is in it again, unreadable.
    pub(super) async fn take_up(&self) -> Result<(), LedgerError> {
        for certificate in self.folder.certificates()? {
            let name = certificate.statement().class_key.to_string();
            let end = self.store.read(move |reader| retention::get(reader, &REALM, &name)).await;
            if end.map_err(unusable)?.is_none_or(|end| end.certificate.is_none()) {
                self.certify(certificate).await?;
            }
        }
        Ok(())
    }

    /// Keeps a certificate, with its leaf, and removes what was sealed under the key; gives the one that stands.
    async fn certify(&self, certificate: Certificate) -> Result<Certificate, LedgerError> {
        let write = move |tx: &mut Tx<'_>| {
            let statement = certificate.statement();
            let name = statement.class_key.to_string();
            if let Some(text) = retention::get(tx, &REALM, &name)?.and_then(|end| end.certificate) {
                let stands = Certificate::parse(&text);
                let stands = stands.map_err(|error| StoreError::Corrupt(error.to_string()))?;
                return Ok(Act::bookkeeping(stands));
            }
            let text = certificate.to_text().map_err(|error| StoreError::Corrupt(error.to_string()))?;
            let removed = retention::certify(tx, &REALM, (&name, statement.authorisation.as_str()), &text)?;
            let event = event(Action::ClassKeyDestroyed, &statement.class_key)
                .with("certificate", text)
                .with("removed", selections::bucket(u64::try_from(removed).unwrap_or(u64::MAX)).to_string());
            let events = crate::evidence::clock::ended(tx, &name, event)?;
            Ok(Act::audited_all(certificate, &REALM, events))
        };
        self.store.write(write).await.map_err(unusable)
    }
}

#[async_trait]
impl Ledger for NodeLedger {
    async fn class_key(&self, id: &ClassKeyId) -> Result<Option<KeptClassKey>, LedgerError> {
        self.folder.class_key(id).await
    }

    async fn keep(&self, kept: KeptClassKey) -> Result<KeptClassKey, LedgerError> {
        let name = kept.id.to_string();
        let over = self.store.read(move |reader| retention::is_over(reader, &REALM, &name)).await;
        if over.map_err(unusable)? {
            return Err(LedgerError::Over(kept.id));
        }
        self.folder.keep(kept).await
    }

    async fn class_keys(&self) -> Result<Vec<KeptClassKey>, LedgerError> {
        self.folder.class_keys().await
    }

    async fn record_ids(&self, id: &ClassKeyId) -> Result<BTreeSet<RecordId>, LedgerError> {
        let id = id.clone();
        self.store.read(move |reader| record_ids(reader, &id)).await.map_err(unusable)
    }

    /// The store first. Which records it is about is read in the transaction that closes the class key for more, so that no record comes
    /// between the two.
    async fn begin(&self, intent: Intent) -> Result<Intent, LedgerError> {
        let write = move |tx: &mut Tx<'_>| {
            let name = intent.id.to_string();
            if let Some(end) = retention::get(tx, &REALM, &name)? {
                let stands = end.intent.map(|text| serde_json::from_str(&text)).transpose();
                let stands = stands.map_err(|error| StoreError::Corrupt(error.to_string()))?;
                return Ok(Act::bookkeeping(stands.unwrap_or(intent)));
            }
            let intent = counted(&record_ids(tx, &intent.id)?, intent);
            let text =
                serde_json::to_string(&intent).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            retention::decide(tx, &REALM, (&name, intent.id.authorisation().as_str()), &text)?;
            let event = event(Action::ClassKeyEnded, &intent.id)
                .with("expired", intent.expired.to_string())
                .with("records_root", intent.records_root.clone());
            Ok(Act::audited(intent, &REALM, event))
        };
        let stands = self.store.write(write).await.map_err(unusable)?;
        self.folder.begin(stands).await
    }

    async fn begun(&self) -> Result<Vec<Intent>, LedgerError> {
        self.folder.begun().await
    }

    /// The store first: while the folder still has the decision, the next expiry comes here again and finds what stands.
    async fn finish(&self, certificate: Certificate) -> Result<Certificate, LedgerError> {
        let stands = self.certify(certificate).await?;
        self.folder.finish(stands).await
    }
}

fn record_ids(reader: &Reader<'_>, id: &ClassKeyId) -> Result<BTreeSet<RecordId>, StoreError> {
    let name = id.to_string();
    let items = evidence::under(reader, &name)?.into_iter().map(|item| item.to_string());
    let ids = selections::ids_under(reader, &name)?.into_iter().chain(items);
    let ids = ids.map(RecordId::new).collect::<Result<_, _>>();
    ids.map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn counted(ids: &BTreeSet<RecordId>, intent: Intent) -> Intent {
    let number = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    let records = match intent.records {
        Count::Exact(_) => Count::Exact(number),
        Count::AtMost(_) => Count::bucket(number),
    };
    Intent { records_root: hex::encode(record_root(ids)), records, ..intent }
}

fn event(action: Action, id: &ClassKeyId) -> AuditEvent {
    AuditEvent::done(action, Actor::Node, Purpose::Administration)
        .with("authorisation", id.authorisation().as_str())
        .with("class_key", id.to_string())
}

fn unusable(cause: impl std::fmt::Display) -> LedgerError {
    LedgerError::Unusable(cause.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use jiff::{SignedDuration, Timestamp};
    use oversight::{OrganisationId, Realm};
    use store::Options;
    use store::authorisations::selections::NewSelection;
    use vault::service::{Destroyed, FileService, KdfParameters, KeyService, ServiceError, SystemRandom};
    use vault::{
        CacheLimits, Keyring, Name, NewRecord, Parts, PublicKey, RetentionClass, RetentionClasses, Secret,
        Statement, Wrapped, day_of,
    };

    use super::*;

    /// Fails at one of its calls, as a process that is killed there: before the call is carried out, or after.
    #[derive(Clone)]
    struct Kill {
        at: usize,
        is_kept: bool,
        calls: Arc<AtomicUsize>,
    }

    impl Kill {
        async fn at<T, E>(
            &self,
            call: impl Future<Output = Result<T, E>>,
            killed: impl Fn() -> E,
        ) -> Result<T, E> {
            let number = self.calls.fetch_add(1, Ordering::SeqCst);
            // What is dead does nothing more.
            if number > self.at || number == self.at && !self.is_kept {
                return Err(killed());
            }
            let done = call.await;
            if number == self.at { Err(killed()) } else { done }
        }
    }

    struct Mortal<I> {
        inner: I,
        kill: Kill,
    }

    fn killed() -> LedgerError {
        unusable("killed")
    }

    fn dead() -> ServiceError {
        ServiceError::Unreachable("killed".to_owned())
    }

    #[async_trait]
    impl Ledger for Mortal<Arc<NodeLedger>> {
        async fn class_key(&self, id: &ClassKeyId) -> Result<Option<KeptClassKey>, LedgerError> {
            self.inner.class_key(id).await
        }

        async fn keep(&self, kept: KeptClassKey) -> Result<KeptClassKey, LedgerError> {
            self.inner.keep(kept).await
        }

        async fn class_keys(&self) -> Result<Vec<KeptClassKey>, LedgerError> {
            self.inner.class_keys().await
        }

        async fn record_ids(&self, id: &ClassKeyId) -> Result<BTreeSet<RecordId>, LedgerError> {
            self.inner.record_ids(id).await
        }

        async fn begin(&self, intent: Intent) -> Result<Intent, LedgerError> {
            self.kill.at(self.inner.begin(intent), killed).await
        }

        async fn begun(&self) -> Result<Vec<Intent>, LedgerError> {
            self.inner.begun().await
        }

        async fn finish(&self, certificate: Certificate) -> Result<Certificate, LedgerError> {
            self.kill.at(self.inner.finish(certificate), killed).await
        }
    }

    #[async_trait]
    impl KeyService for Mortal<FileService> {
        fn name(&self) -> &str {
            self.inner.name()
        }

        async fn create(&self, id: &ClassKeyId) -> Result<Wrapped, ServiceError> {
            self.inner.create(id).await
        }

        async fn unwrap_key(&self, id: &ClassKeyId, wrapped: &Wrapped) -> Result<Secret, ServiceError> {
            self.inner.unwrap_key(id, wrapped).await
        }

        async fn destroy(
            &self,
            id: &ClassKeyId,
            wrapped: Option<&Wrapped>,
        ) -> Result<Destroyed, ServiceError> {
            self.kill.at(self.inner.destroy(id, wrapped), dead).await
        }

        async fn class_keys(&self) -> Result<Vec<ClassKeyId>, ServiceError> {
            self.inner.class_keys().await
        }

        async fn public_key(&self) -> Result<PublicKey, ServiceError> {
            self.inner.public_key().await
        }

        async fn sign(&self, statement: &Statement) -> Result<Vec<u8>, ServiceError> {
            self.kill.at(self.inner.sign(statement), dead).await
        }

        async fn health(&self) -> Result<(), ServiceError> {
            self.inner.health().await
        }
    }

    /// A node with three records of one day under one class key.
    struct Node {
        folder: tempfile::TempDir,
        store: Store,
        id: ClassKeyId,
        now: Timestamp,
    }

    impl Node {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path();
            let fast = KdfParameters { memory_kib: 64, passes: 1, lanes: 1 };
            FileService::create(&path.join("keys"), "long enough to be one", fast, Arc::new(SystemRandom))
                .unwrap();
            let store = Store::open(path.join("data").as_path(), Options::default()).unwrap();
            let now = Timestamp::now();
            let authorisation = uuid::Uuid::from_u128(7);
            let id = ClassKeyId::new(
                Name::new(authorisation.to_string()).unwrap(),
                day_of(now),
                Name::new("r").unwrap(),
            );
            let node = Self { folder, store, id: id.unwrap(), now };
            let keyring = node.keyring(usize::MAX, true);
            for number in 0..3 {
                let id = uuid::Uuid::from_u128(number);
                let record = RecordId::new(id.to_string()).unwrap();
                let new = NewRecord { id: record, class_key: node.id.clone(), content: b"x" };
                let sealed = keyring.seal(new, now).await.unwrap();
                let new = NewSelection {
                    id,
                    authorisation,
                    operator: OrganisationId::parse("harbour").unwrap(),
                    edge: "harbour-1".to_owned(),
                    class_key: node.id.to_string(),
                    sealed: sealed.to_bytes().to_vec(),
                };
                let add = move |tx: &mut Tx<'_>| selections::add(tx, &REALM, &new).map(Act::bookkeeping);
                node.store.write(add).await.unwrap();
            }
            node
        }

        fn ledger(&self) -> NodeLedger {
            NodeLedger::open(&self.folder.path().join("ledger"), self.store.clone()).unwrap()
        }

        fn service(&self) -> FileService {
            let path = self.folder.path().join("keys");
            FileService::open(&path, "long enough to be one", Arc::new(SystemRandom)).unwrap()
        }

        /// As after a start; it dies at a call.
        fn keyring(&self, at: usize, is_kept: bool) -> Keyring {
            let kill = Kill { at, is_kept, calls: Arc::default() };
            let class = RetentionClass::new(Name::new("r").unwrap(), 1, "art. 23").unwrap();
            Keyring::new(Parts {
                service: Arc::new(Mortal { inner: self.service(), kill: kill.clone() }),
                ledger: Arc::new(Mortal { inner: Arc::new(self.ledger()), kill }),
                fill: Arc::new(SystemRandom),
                classes: RetentionClasses::new([class]).unwrap(),
                cache: CacheLimits { keys_max: 1, held_for: SignedDuration::from_mins(1) },
                bucket_counts: false,
            })
        }

        fn later(&self) -> Timestamp {
            self.now + SignedDuration::from_hours(48)
        }

        /// One decision, one certificate that verifies and is about the three records, a leaf for each, no row, no key.
        async fn check(&self, when: &str) {
            let name = self.id.to_string();
            let (end, rows, events) = self
                .store
                .read(move |reader| {
                    let filter = store::audit::AuditFilter { limit: 10, ..Default::default() };
                    Ok((
                        retention::get(reader, &REALM, &name)?.unwrap(),
                        selections::sealed_after(reader, ("", 0), 10)?,
                        store::audit::list(reader, &Realm::Live, &filter)?,
                    ))
                })
                .await
                .unwrap();
            let certificate = Certificate::parse(&end.certificate.unwrap()).unwrap();
            let key = self.service().public_key().await.unwrap();
            let ids = (0..3).map(|number| RecordId::new(uuid::Uuid::from_u128(number).to_string()).unwrap());
            certificate.verify(&key).unwrap().check_records(&ids.collect()).unwrap();
            assert_eq!(rows, [], "{when}");
            let mut actions: Vec<_> = events.iter().map(|row| row.event.action).collect();
            actions.reverse();
            assert_eq!(actions, [Action::ClassKeyEnded, Action::ClassKeyDestroyed], "{when}");
            assert_eq!(self.service().class_keys().await.unwrap(), [], "{when}");
            let ledger = self.ledger();
            assert_eq!((ledger.class_keys().await.unwrap(), ledger.begun().await.unwrap()), (vec![], vec![]));
            assert_eq!(ledger.folder.certificates().unwrap(), [certificate], "both places have the same one");
        }
    }

    /// Killed before or after each step, then started again: always the same end. The steps are: decide, destroy, sign, certify.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_kill_anywhere_leaves_nothing_half_destroyed() {
        for at in 0..=4 {
            for is_kept in [false, true] {
                let (when, node) = (format!("{at} {is_kept}"), Node::new().await);
                let report = node.keyring(at, is_kept).expire(node.later()).await;
                assert_eq!(report.failures.len(), usize::from(at < 4), "{when}: {:?}", report.failures);
                let report = node.keyring(usize::MAX, true).expire(node.later()).await;
                assert_eq!(report.failures.len(), 0, "{when}: {:?}", report.failures);
                node.check(&when).await;
                let again = node.keyring(usize::MAX, true).expire(node.later()).await;
                assert!(again.certificates.is_empty() && again.failures.is_empty());
                node.check(&when).await;
            }
        }
    }

    /// Killed between the store and the folder, in the two steps that write to both.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_kill_between_store_and_folder_leaves_them_agreeing() {
        // The store knows the decision, the folder does not.
        let node = Node::new().await;
        let keys = node.folder.path().join("ledger/begun");
        let away = node.folder.path().join("away");
        let keyring = node.keyring(usize::MAX, true);
        std::fs::rename(&keys, &away).unwrap();
        std::fs::write(&keys, "in the way").unwrap();
        let report = keyring.expire(node.later()).await;
        assert!(!report.failures.is_empty() && report.certificates.is_empty());
        std::fs::remove_file(&keys).unwrap();
        std::fs::rename(&away, &keys).unwrap();
        let report = node.keyring(usize::MAX, true).expire(node.later()).await;
        assert_eq!((report.certificates.len(), report.failures.len()), (1, 0), "{:?}", report.failures);
        node.check("decided in the store alone").await;

        // The store has the certificate, the folder does not: it takes the store's, and signs for no second one.
        let node = Node::new().await;
        let report = node.keyring(3, false).expire(node.later()).await;
        assert_eq!(report.failures.len(), 1);
        let intent = node.ledger().begun().await.unwrap().remove(0);
        let service = node.service();
        let key = service.public_key().await.unwrap();
        let statement = Statement {
            authorisation: intent.id.authorisation().clone(),
            class_key: intent.id.clone(),
            confirmed_gone: node.later(),
            expired: intent.expired,
            key_service: "file".to_owned(),
            records: intent.records,
            records_root: intent.records_root.clone(),
            signed_by: key.fingerprint(),
            version: 1,
        };
        let signature = service.sign(&statement).await.unwrap();
        let first = Certificate::new(statement, key.algorithm(), &signature).unwrap();
        node.ledger().certify(first.clone()).await.unwrap();
        let report =
            node.keyring(usize::MAX, true).expire(node.later() + SignedDuration::from_hours(1)).await;
        assert_eq!(report.certificates, [first]);
        node.check("certified in the store alone").await;
    }

    /// A store that was put back to before the end has the rows again: they go with the certificate that the folder kept.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_store_that_was_put_back_takes_up_what_the_folder_has() {
        let Node { folder, store, id, now } = Node::new().await;
        let data = folder.path().join("data");
        store.close().await;
        let elsewhere = folder.path().join("put-back");
        std::fs::create_dir(&elsewhere).unwrap();
        std::fs::copy(data.join("yagura.sqlite"), elsewhere.join("yagura.sqlite")).unwrap();
        let store = Store::open(data.as_path(), Options::default()).unwrap();
        let mut node = Node { folder, store, id, now };
        let report = node.keyring(usize::MAX, true).expire(node.later()).await;
        assert_eq!(report.certificates.len(), 1);
        node.store = Store::open(elsewhere.as_path(), Options::default()).unwrap();
        let rows = node.store.read(|reader| selections::sealed_after(reader, ("", 0), 10)).await.unwrap();
        assert_eq!(rows.len(), 3);
        node.ledger().take_up().await.unwrap();
        node.ledger().take_up().await.unwrap();
        let acts = store::audit::AuditFilter { limit: 10, ..Default::default() };
        let (rows, acts) = node
            .store
            .read(move |reader| {
                Ok((
                    selections::sealed_after(reader, ("", 0), 10)?,
                    store::audit::list(reader, &Realm::Live, &acts)?,
                ))
            })
            .await
            .unwrap();
        assert_eq!((rows.len(), acts.len()), (0, 1));
    }
}
