//! Expiry over kills, holds, and what stays in memory.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use jiff::{SignedDuration, ToSpan};
use proptest::prelude::*;
use vault::service::{Destroyed, FileService, FolderLedger, KeyService, ServiceError, SystemRandom};
use vault::{
    CacheLimits, Certificate, ClassKeyId, Count, ExpiryReport, HoldScope, Holds, Intent, KeptClassKey,
    Keyring, Ledger, LedgerError, LegalHold, NewRecord, Parts, PublicKey, RecordId, RetentionClass,
    RetentionClasses, Secret, Statement, TwoPersons, VaultError, Wrapped,
};

use crate::support::{
    Database, PASSPHRASE, at, classes, content, file_service, id, keyring, name, opens, record_id, seal,
};

const OVER: &str = "2026-11-30T00:00:00Z";

/// Lets so many calls through; then the program is dead, and the call at which it died was or was not carried out.
struct Kill {
    calls_left: AtomicUsize,
    /// How many calls were asked for in all.
    asked: AtomicUsize,
    last_is_done: bool,
}

impl Kill {
    fn after(calls: usize, last_is_done: bool) -> Arc<Self> {
        Arc::new(Self { calls_left: AtomicUsize::new(calls), asked: AtomicUsize::new(0), last_is_done })
    }

    /// Whether a call is carried out, and whether its answer arrives.
    fn next(&self) -> (bool, bool) {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let calls = self.calls_left.load(Ordering::SeqCst);
        (asked < calls || (asked == calls && self.last_is_done), asked < calls)
    }
}

struct Faulty<T>(T, Arc<Kill>);

macro_rules! killed {
    ($self:ident, $dead:expr, $call:expr) => {{
        let (carried_out, answered) = $self.1.next();
        let answer = if carried_out { Some($call.await) } else { None };
        match answer {
            Some(answer) if answered => answer,
            _ => Err($dead),
        }
    }};
}

fn dead() -> ServiceError {
    ServiceError::Unreachable("killed".to_owned())
}

fn lost() -> LedgerError {
    LedgerError::Unusable("killed".to_owned())
}

#[async_trait]
impl KeyService for Faulty<Arc<FileService>> {
    fn name(&self) -> &str {
        self.0.name()
    }
    async fn create(&self, id: &ClassKeyId) -> Result<Wrapped, ServiceError> {
        killed!(self, dead(), self.0.create(id))
    }
    async fn unwrap_key(&self, id: &ClassKeyId, wrapped: &Wrapped) -> Result<Secret, ServiceError> {
        killed!(self, dead(), self.0.unwrap_key(id, wrapped))
    }
    async fn destroy(&self, id: &ClassKeyId, wrapped: Option<&Wrapped>) -> Result<Destroyed, ServiceError> {
        killed!(self, dead(), self.0.destroy(id, wrapped))
    }
    async fn class_keys(&self) -> Result<Vec<ClassKeyId>, ServiceError> {
        killed!(self, dead(), self.0.class_keys())
    }
    async fn public_key(&self) -> Result<PublicKey, ServiceError> {
        killed!(self, dead(), self.0.public_key())
    }
    async fn sign(&self, statement: &Statement) -> Result<Vec<u8>, ServiceError> {
        killed!(self, dead(), self.0.sign(statement))
    }
    async fn health(&self) -> Result<(), ServiceError> {
        killed!(self, dead(), self.0.health())
    }
}

#[async_trait]
impl Ledger for Faulty<Arc<FolderLedger>> {
    async fn class_key(&self, id: &ClassKeyId) -> Result<Option<KeptClassKey>, LedgerError> {
        killed!(self, lost(), self.0.class_key(id))
    }
    async fn keep(&self, kept: KeptClassKey) -> Result<KeptClassKey, LedgerError> {
        killed!(self, lost(), self.0.keep(kept))
    }
    async fn class_keys(&self) -> Result<Vec<KeptClassKey>, LedgerError> {
        killed!(self, lost(), self.0.class_keys())
    }
    async fn record_ids(&self, id: &ClassKeyId) -> Result<BTreeSet<RecordId>, LedgerError> {
        killed!(self, lost(), self.0.record_ids(id))
    }
    async fn begin(&self, intent: Intent) -> Result<Intent, LedgerError> {
        killed!(self, lost(), self.0.begin(intent))
    }
    async fn begun(&self) -> Result<Vec<Intent>, LedgerError> {
        killed!(self, lost(), self.0.begun())
    }
    async fn finish(&self, certificate: Certificate) -> Result<Certificate, LedgerError> {
        killed!(self, lost(), self.0.finish(certificate))
    }
}

/// A node with three class keys past their time, of two and of no records, and one that goes on.
struct Node {
    folder: tempfile::TempDir,
    database: Database,
    service: Arc<FileService>,
}

const PAST: [&str; 3] = ["a/2026-11-28/short", "a/2026-11-29/short", "b/2026-11-28/short"];

impl Node {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let service = Arc::new(file_service(&folder.path().join("keys")));
        let node = Self { folder, database: Database::default(), service };
        let vault = keyring(node.service.clone(), node.ledger());
        for (number, class_key) in [(1, PAST[0]), (2, PAST[0]), (3, PAST[1]), (4, "a/2026-11-29/long")] {
            seal(&vault, &node.database, number, class_key, "2026-11-28T01:00:00Z").await;
        }
        vault.pseudonym(&id(PAST[2]), "ipv4-addr", b"192.0.2.1", at("2026-11-28T01:00:00Z")).await.unwrap();
        node
    }

    fn ledger(&self) -> Arc<FolderLedger> {
        Arc::new(self.database.ledger(&self.folder.path().join("ledger")))
    }

    /// As a program that is started anew: file and ledger opened again.
    fn restarted(&self) -> Keyring {
        let service = FileService::open(&self.folder.path().join("keys"), PASSPHRASE, Arc::new(SystemRandom));
        keyring(Arc::new(service.unwrap()), self.ledger())
    }

    /// Everything past its time is gone and certified once; the rest is there.
    async fn check_done(&self) {
        let vault = self.restarted();
        let key = self.service.public_key().await.unwrap();
        let certificates = self.ledger().certificates().unwrap();
        let of: Vec<_> = certificates.iter().map(|certificate| &certificate.statement().class_key).collect();
        assert_eq!(
            BTreeSet::from_iter(of.iter().map(ToString::to_string)),
            BTreeSet::from(PAST.map(String::from))
        );
        assert_eq!(of.len(), PAST.len());
        for certificate in &certificates {
            let verified = certificate.verify(&key).unwrap();
            verified.check_records(&self.database.ids(&certificate.statement().class_key)).unwrap();
        }
        assert_eq!(self.service.class_keys().await.unwrap(), [id("a/2026-11-29/long")]);
        assert_eq!(self.ledger().begun().await.unwrap(), []);
        assert_eq!(self.ledger().class_keys().await.unwrap().len(), 1);
        for number in 1..=3 {
            assert!(!opens(&vault, &self.database, number, "2026-11-28T01:00:00Z").await);
        }
        assert!(opens(&vault, &self.database, 4, OVER).await);
        let report = vault.expire(at(OVER)).await;
        assert!(is_empty(&report), "nothing is left to do: {report:?}");
    }
}

fn is_empty(report: &ExpiryReport) -> bool {
    let ExpiryReport { certificates, pending, held, unconfigured, failures } = report;
    certificates.is_empty()
        && pending.is_empty()
        && held.is_empty()
        && unconfigured.is_empty()
        && failures.is_empty()
}

#[tokio::test]
async fn what_is_past_its_time_is_destroyed_and_certified() {
    let node = Node::new().await;
    let vault = node.restarted();
    let before = vault.expire(at("2026-11-28T23:59:59Z")).await;
    assert!(is_empty(&before), "{before:?}");
    let report = vault.expire(at(OVER)).await;
    assert_eq!(report.certificates.len(), 3, "{report:?}");
    let counts = report.certificates.iter().map(|certificate| certificate.statement().records);
    assert_eq!(counts.collect::<Vec<_>>(), [Count::Exact(2), Count::Exact(1), Count::Exact(0)]);
    node.check_done().await;
}

#[tokio::test]
async fn a_kill_at_any_call_is_ended_by_the_next_expiry() {
    // How many calls an expiry makes, to kill it at each.
    let node = Node::new().await;
    let counter = Kill::after(usize::MAX, true);
    let vault = faulty(&node, &counter);
    vault.expire(at(OVER)).await;
    let calls = counter.asked.load(Ordering::SeqCst);
    assert!(calls > 15, "{calls}");
    for at_call in 0..calls {
        for last_is_done in [false, true] {
            let node = Node::new().await;
            let killed = faulty(&node, &Kill::after(at_call, last_is_done)).expire(at(OVER)).await;
            assert!(!killed.failures.is_empty(), "it was killed at {at_call}");
            // Whatever was certified before the kill is gone.
            let left = node.service.class_keys().await.unwrap();
            for certificate in node.ledger().certificates().unwrap() {
                assert!(!left.contains(&certificate.statement().class_key), "{at_call} {last_is_done}");
            }
            // And whatever is gone was decided before.
            let known: Vec<_> =
                node.ledger().class_keys().await.unwrap().into_iter().map(|kept| kept.id).collect();
            let begun: Vec<_> =
                node.ledger().begun().await.unwrap().into_iter().map(|intent| intent.id).collect();
            for gone in known.iter().filter(|id| !left.contains(id)) {
                assert!(begun.contains(gone), "{at_call} {last_is_done}");
            }
            let report = node.restarted().expire(at("2026-11-30T06:00:00Z")).await;
            assert!(report.failures.is_empty(), "{at_call} {last_is_done}: {report:?}");
            node.check_done().await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn several_kills_in_a_row_are_ended_too(kills in prop::collection::vec((0_usize..30, any::<bool>()), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let node = Node::new().await;
            for (calls, last_is_done) in kills {
                faulty(&node, &Kill::after(calls, last_is_done)).expire(at(OVER)).await;
            }
            let report = node.restarted().expire(at(OVER)).await;
            assert!(report.failures.is_empty(), "{report:?}");
            node.check_done().await;
        });
    }
}

fn faulty(node: &Node, kill: &Arc<Kill>) -> Keyring {
    let service = Faulty(Arc::clone(&node.service), Arc::clone(kill));
    keyring(Arc::new(service), Arc::new(Faulty(node.ledger(), Arc::clone(kill))))
}

#[tokio::test]
async fn a_kill_while_a_class_key_is_made_loses_no_record() {
    for at_call in 0..6 {
        for last_is_done in [false, true] {
            let node = Node::new().await;
            let kill = Kill::after(at_call, last_is_done);
            let bytes = content(9);
            let record =
                || NewRecord { id: record_id(9), class_key: id("c/2026-11-29/long"), content: &bytes };
            let first = faulty(&node, &kill).seal(record(), at("2026-11-29T01:00:00Z")).await;
            let vault = node.restarted();
            let sealed = match first {
                Ok(sealed) => sealed,
                Err(_) => vault.seal(record(), at("2026-11-29T01:00:00Z")).await.unwrap(),
            };
            assert_eq!(*node.restarted().open(&sealed, at("2026-11-29T02:00:00Z")).await.unwrap(), *bytes);
        }
    }
}

#[tokio::test]
async fn a_class_key_that_the_ledger_lost_expires_too() {
    let node = Node::new().await;
    node.service.create(&id("lost/2026-11-28/short")).await.unwrap();
    node.service.create(&id("lost/2026-11-28/unknown")).await.unwrap();
    let report = node.restarted().expire(at(OVER)).await;
    assert_eq!(report.certificates.len(), 4);
    assert_eq!(report.unconfigured, [id("lost/2026-11-28/unknown")], "somebody has to decide");
}

#[tokio::test]
async fn what_is_held_is_not_destroyed_until_both_persons_lift_it() {
    let node = Node::new().await;
    let vault = node.restarted();
    let two = || TwoPersons::new("sato", "suzuki").unwrap();
    let hold = LegalHold::place(HoldScope::Authorisation(name("a")), "inspection", two(), at(OVER)).unwrap();
    vault.set_holds(Holds::new([hold.clone()]));
    let report = vault.expire(at(OVER)).await;
    assert_eq!(report.held, [id(PAST[0]), id(PAST[1])]);
    assert_eq!(report.certificates.len(), 1);
    // It can be read for what it is held for, and nothing is added.
    assert!(opens(&vault, &node.database, 1, OVER).await);
    let more = NewRecord { id: record_id(7), class_key: id(PAST[0]), content: b"more" };
    assert!(matches!(vault.seal(more, at(OVER)).await, Err(VaultError::Expired { .. })));
    vault.set_holds(Holds::new([hold.lift(two(), at("2026-12-05T00:00:00Z")).unwrap()]));
    assert!(!opens(&vault, &node.database, 1, OVER).await, "over, and held no more");
    assert_eq!(vault.expire(at("2026-12-05T00:00:00Z")).await.certificates.len(), 2);
    node.check_done().await;
}

#[tokio::test]
async fn a_hold_that_comes_after_the_decision_keeps_what_is_still_there() {
    // The calls until the first decision is written down: begun, two lists, identifiers, begin.
    let node = Node::new().await;
    faulty(&node, &Kill::after(4, true)).expire(at(OVER)).await;
    assert_eq!(node.ledger().begun().await.unwrap().len(), 1);
    let vault = node.restarted();
    let two = TwoPersons::new("sato", "suzuki").unwrap();
    let scope = HoldScope::ClassKey(id(PAST[0]));
    vault.set_holds(Holds::new([LegalHold::place(scope, "court", two, at(OVER)).unwrap()]));
    let report = vault.expire(at(OVER)).await;
    assert_eq!((report.held.as_slice(), report.certificates.len()), ([id(PAST[0])].as_slice(), 2));
    assert!(opens(&vault, &node.database, 1, OVER).await);
    vault.set_holds(Holds::default());
    assert_eq!(vault.expire(at(OVER)).await.certificates.len(), 1);
    node.check_done().await;
}

#[tokio::test]
async fn a_class_made_longer_keeps_nothing_longer_and_one_made_shorter_does() {
    let node = Node::new().await;
    let with = |days| {
        let classes = [("short", days), ("long", days)]
            .map(|(class, days)| RetentionClass::new(name(class), days, "a law").unwrap());
        Keyring::new(Parts { classes: RetentionClasses::new(classes).unwrap(), ..parts(&node, 8) })
    };
    assert_eq!(
        with(50).expire(at("2026-11-29T00:00:00Z")).await.certificates.len(),
        2,
        "as when they were made"
    );
    assert_eq!(with(2).expire(at("2026-12-01T00:00:00Z")).await.certificates.len(), 2, "one short, one long");
}

fn parts(node: &Node, keys_max: usize) -> Parts {
    Parts {
        service: node.service.clone(),
        ledger: node.ledger(),
        fill: Arc::new(SystemRandom),
        classes: classes(),
        cache: CacheLimits { keys_max, held_for: SignedDuration::from_mins(10) },
        bucket_counts: true,
    }
}

#[tokio::test]
async fn few_keys_stay_in_memory_and_not_for_long() {
    let node = Node::new().await;
    let vault = Keyring::new(parts(&node, 2));
    let start = at("2026-11-29T12:00:00Z");
    for authorisation in ["p", "q", "r"] {
        let key = id(&format!("{authorisation}/2026-11-29/long"));
        vault.pseudonym(&key, "kind", b"value", start).await.unwrap();
    }
    assert_eq!(vault.keys_in_memory(), 2);
    vault.sweep(start + 9.minutes());
    assert_eq!(vault.keys_in_memory(), 2);
    vault.sweep(start + 10.minutes());
    assert_eq!(vault.keys_in_memory(), 0);
    // A clock that was set back says nothing about how long a key has been there.
    vault.pseudonym(&id("p/2026-11-29/long"), "kind", b"value", start).await.unwrap();
    vault.sweep(start - 1.second());
    assert_eq!(vault.keys_in_memory(), 0);
    // What is in memory does not outlive the class.
    vault.pseudonym(&id("p/2026-11-29/short"), "kind", b"value", at("2026-11-29T23:59:59Z")).await.unwrap();
    let over = vault.pseudonym(&id("p/2026-11-29/short"), "kind", b"value", at(OVER)).await;
    assert!(matches!(over, Err(VaultError::Expired { .. })));
    vault.sweep(at(OVER));
    assert_eq!(vault.keys_in_memory(), 0);
    let report = vault.expire(at(OVER)).await;
    assert!(
        report.certificates.iter().all(|certificate| certificate.statement().records == Count::AtMost(10))
    );
}

#[tokio::test]
async fn nothing_is_kept_in_a_class_that_is_not_configured() {
    let node = Node::new().await;
    let record = NewRecord { id: record_id(8), class_key: id("a/2026-11-29/forever"), content: b"x" };
    let refused = node.restarted().seal(record, at("2026-11-29T00:00:00Z")).await;
    assert_eq!(refused, Err(VaultError::UnknownClass(name("forever"))));
    assert!(!node.service.class_keys().await.unwrap().contains(&id("a/2026-11-29/forever")));
}

#[tokio::test]
async fn one_class_key_ends_before_its_time_unless_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::default();
    let service = Arc::new(file_service(&folder.path().join("keys")));
    let keyring = keyring(service, Arc::new(database.ledger(&folder.path().join("ledger"))));
    let (ends, stays, now) = ("e/2026-11-29/long", "f/2026-11-29/long", "2026-11-29T12:00:00Z");
    seal(&keyring, &database, 1, ends, now).await;
    seal(&keyring, &database, 2, stays, now).await;
    keyring.set_holds(Holds::default().and_keys([id(ends)]));
    assert!(keyring.is_held(&id(ends)) && !keyring.is_held(&id(stays)));
    let held = keyring.end_early(&id(ends), at(now)).await;
    assert_eq!((held.held, held.certificates.len()), (vec![id(ends)], 0));
    // Held beyond its time it stays, too, and opens.
    let later = "2027-11-29T12:00:00Z";
    let expired = keyring.expire(at(later)).await;
    assert_eq!((expired.held, expired.certificates.len()), (vec![id(ends)], 1));
    assert!(opens(&keyring, &database, 1, later).await && !opens(&keyring, &database, 2, later).await);
    keyring.set_holds(Holds::default());
    let report = keyring.end_early(&id(ends), at(now)).await;
    let [certificate] = report.certificates.as_slice() else { panic!("{report:?}") };
    assert_eq!((&certificate.statement().class_key, certificate.statement().expired), (&id(ends), at(now)));
    assert!(!opens(&keyring, &database, 1, now).await);
}
