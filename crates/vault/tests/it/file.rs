//! The key file.

use std::fs;
use std::sync::Arc;

use vault::service::{FileService, KdfParameters, KeyService, ServiceError, SystemRandom};

use crate::support::{CHEAP, PASSPHRASE, file_service, id};

fn open(path: &std::path::Path, passphrase: &str) -> Result<FileService, ServiceError> {
    FileService::open(path, passphrase, Arc::new(SystemRandom))
}

#[tokio::test]
async fn does_what_every_key_service_does() {
    let folder = tempfile::tempdir().unwrap();
    crate::service::check(Arc::new(file_service(&folder.path().join("keys"))), || {}).await;
}

#[tokio::test]
async fn a_lost_a_damaged_and_a_wrongly_opened_file_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    assert!(matches!(open(&path, PASSPHRASE), Err(ServiceError::Missing(_))));
    assert!(!path.exists(), "opening makes none");
    let service = file_service(&path);
    service.create(&id("a/2026-11-28/short")).await.unwrap();
    assert!(matches!(open(&path, "another passphrase"), Err(ServiceError::WrongPassphrase(_))));
    let again = FileService::create(&path, PASSPHRASE, CHEAP, Arc::new(SystemRandom));
    assert!(matches!(again, Err(ServiceError::Exists(_))), "nothing is written over");
    let short = FileService::create(&folder.path().join("b"), "hunter2", CHEAP, Arc::new(SystemRandom));
    assert!(matches!(short, Err(ServiceError::Unusable(_))));

    let good = fs::read(&path).unwrap();
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(matches!(open(&path, PASSPHRASE), Err(ServiceError::Damaged { .. })), "byte {place}");
        fs::write(&path, &good[..place]).unwrap();
        assert!(matches!(open(&path, PASSPHRASE), Err(ServiceError::Damaged { .. })), "cut at {place}");
    }
    // A running service says the same, and does not write over what it cannot read.
    fs::write(&path, b"nonsense").unwrap();
    assert!(matches!(service.create(&id("b/2026-11-28/short")).await, Err(ServiceError::Damaged { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"nonsense");
    fs::remove_file(&path).unwrap();
    assert!(matches!(service.health().await, Err(ServiceError::Missing(_))));
    assert!(matches!(service.destroy(&id("a/2026-11-28/short"), None).await, Err(ServiceError::Missing(_))));
    fs::write(&path, &good).unwrap();
    assert_eq!(open(&path, PASSPHRASE).unwrap().class_keys().await.unwrap(), [id("a/2026-11-28/short")]);
}

#[tokio::test]
async fn neither_names_of_keys_nor_keys_stand_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let service = file_service(&path);
    let wrapped = service.create(&id("watched-by-nobody/2026-11-28/short")).await.unwrap();
    let secret = service.unwrap_key(&id("watched-by-nobody/2026-11-28/short"), &wrapped).await.unwrap();
    let file = fs::read(&path).unwrap();
    assert!(!file.windows(17).any(|part| part == b"watched-by-nobody"));
    assert!(!file.windows(8).any(|part| part == &secret.expose()[..8]));
}

#[tokio::test]
async fn two_processes_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let services = [Arc::new(file_service(&path)), Arc::new(open(&path, PASSPHRASE).unwrap())];
    // Each opens, locks and replaces the file by itself, as processes do.
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let service = Arc::clone(&services[number % 2]);
            tokio::spawn(async move {
                let id = id(&format!("a{}/2026-11-28/short", number / 2));
                let wrapped = service.create(&id).await.unwrap();
                *service.unwrap_key(&id, &wrapped).await.unwrap().expose()
            })
        })
        .collect();
    let mut secrets = vec![];
    for task in tasks {
        secrets.push(task.await.unwrap());
    }
    for pair in secrets.chunks(2) {
        assert_eq!(pair[0], pair[1], "one class key has one secret, whoever made it");
    }
    assert_eq!(services[0].class_keys().await.unwrap().len(), 20);
    assert_eq!(open(&path, PASSPHRASE).unwrap().class_keys().await.unwrap().len(), 20);
}

#[tokio::test]
async fn another_passphrase_opens_and_the_earlier_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let (service, other) = (file_service(&path), open(&path, PASSPHRASE));
    service.create(&id("a/2026-11-28/short")).await.unwrap();
    let service = file_changed(service);
    assert_eq!(service.class_keys().await.unwrap().len(), 1);
    assert!(matches!(other.unwrap().health().await, Err(ServiceError::WrongPassphrase(_))));
    assert!(matches!(open(&path, PASSPHRASE), Err(ServiceError::WrongPassphrase(_))));
    assert_eq!(open(&path, "a passphrase of another").unwrap().class_keys().await.unwrap().len(), 1);
    service.destroy_file().unwrap();
    assert!(matches!(open(&path, PASSPHRASE), Err(ServiceError::Missing(_))));
}

fn file_changed(service: FileService) -> FileService {
    service.change_passphrase("a passphrase of another", CHEAP).unwrap()
}

#[test]
fn the_default_costs_what_rfc_9106_recommends() {
    assert_eq!(KdfParameters::default(), KdfParameters { memory_kib: 64 * 1024, passes: 3, lanes: 4 });
}
