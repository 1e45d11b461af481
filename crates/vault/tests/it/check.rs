//! The drill: an old backup against the certificates.

use std::convert::Infallible;
use std::sync::Arc;

use vault::service::{FileService, KeyService, SystemRandom};
use vault::{DeletionCheck, DeletionReport, VerifiedCertificate};

use crate::support::{Database, PASSPHRASE, at, file_service, id, keyring, seal};

const OVER: &str = "2026-11-30T00:00:00Z";

struct Drill {
    folder: tempfile::TempDir,
    service: Arc<FileService>,
    backup: Vec<Vec<u8>>,
    certificates: Vec<VerifiedCertificate>,
}

impl Drill {
    /// A backup of two records of a class that was destroyed since, and one of a class that was not.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let service = Arc::new(file_service(&path));
        let database = Database::default();
        let ledger = Arc::new(database.ledger(&folder.path().join("ledger")));
        let vault = keyring(service.clone(), ledger);
        for (number, class_key) in
            [(1, "a/2026-11-28/short"), (2, "a/2026-11-28/short"), (3, "a/2026-11-28/long")]
        {
            seal(&vault, &database, number, class_key, "2026-11-28T01:00:00Z").await;
        }
        // The mistake that a drill has to find: a copy of the key file from before.
        std::fs::copy(&path, folder.path().join("copy")).unwrap();
        let report = vault.expire(at(OVER)).await;
        let key = service.public_key().await.unwrap();
        let certificates =
            report.certificates.iter().map(|certificate| certificate.verify(&key).unwrap()).collect();
        Self { folder, service, backup: database.backup(), certificates }
    }

    async fn run(&self, service: &dyn KeyService, certificates: &[VerifiedCertificate]) -> DeletionReport {
        let records = self.backup.iter().cloned().map(Ok::<_, Infallible>);
        DeletionCheck::new(certificates).run(service, |_| None, records).await.unwrap()
    }
}

#[tokio::test]
async fn what_was_destroyed_does_not_open() {
    let drill = Drill::new().await;
    let report = drill.run(&*drill.service, &drill.certificates).await;
    let expected =
        DeletionReport { tried: 3, failed_as_they_must: 2, not_covered_open: 1, ..DeletionReport::default() };
    assert_eq!(report, expected);
    assert!(report.passed());
}

#[tokio::test]
async fn a_copy_of_the_keys_is_found() {
    let drill = Drill::new().await;
    let copy =
        FileService::open(&drill.folder.path().join("copy"), PASSPHRASE, Arc::new(SystemRandom)).unwrap();
    let report = drill.run(&copy, &drill.certificates).await;
    assert_eq!((report.still_open, report.failed_as_they_must, report.passed()), (2, 0, false));
    assert!(report.still_open_named.iter().all(|(_, class_key)| *class_key == id("a/2026-11-28/short")));
}

#[tokio::test]
async fn a_key_service_that_does_not_answer_proves_nothing() {
    let drill = Drill::new().await;
    std::fs::remove_file(drill.folder.path().join("keys")).unwrap();
    let report = drill.run(&*drill.service, &drill.certificates).await;
    assert_eq!((report.undecided, report.not_covered_closed, report.passed()), (2, 1, false));
    assert_eq!(report.undecided_because.len(), 1);
}

#[tokio::test]
async fn a_drill_that_tried_nothing_has_not_passed() {
    let drill = Drill::new().await;
    let report = drill.run(&*drill.service, &[]).await;
    assert_eq!((report.not_covered_closed, report.not_covered_open, report.passed()), (2, 1, false));
    let mut drill = drill;
    drill.backup = vec![b"not a record".to_vec()];
    let report = drill.run(&*drill.service, &drill.certificates).await;
    assert_eq!((report.unreadable, report.tried, report.passed()), (1, 0, false));
}

#[tokio::test]
async fn a_damaged_record_of_a_key_that_is_there_is_no_deletion() {
    let mut drill = Drill::new().await;
    let copy =
        FileService::open(&drill.folder.path().join("copy"), PASSPHRASE, Arc::new(SystemRandom)).unwrap();
    for record in &mut drill.backup {
        *record.last_mut().unwrap() ^= 1;
    }
    let report = drill.run(&copy, &drill.certificates).await;
    assert_eq!((report.still_open, report.not_covered_closed, report.passed()), (2, 1, false));
}
