//! What every key service has to do, run against each of them.

use std::sync::Arc;

use vault::service::{Destroyed, KeyService, ServiceError};
use vault::{Certificate, Count, Statement, Wrapped};

use crate::support::{Database, at, id, keyring, opens, seal};

fn statement(class_key: &str, signed_by: String, key_service: &str) -> Statement {
    let class_key = id(class_key);
    Statement {
        authorisation: class_key.authorisation().clone(),
        class_key,
        confirmed_gone: at("2026-12-01T00:00:00Z"),
        expired: at("2026-12-01T00:00:00Z"),
        key_service: key_service.to_owned(),
        records: Count::Exact(0),
        records_root: "0".repeat(64),
        signed_by,
        version: 1,
    }
}

/// Makes, unwraps, destroys and certifies. `let_it_end` has a service that only schedules a destruction carry it out.
pub(crate) async fn check(service: Arc<dyn KeyService>, let_it_end: impl Fn()) {
    let (one, other) = (id("a/2026-11-28/short"), id("a/2026-11-29/short"));
    assert_eq!(service.health().await, Ok(()));
    assert_eq!(service.class_keys().await.unwrap(), []);
    let wrapped = service.create(&one).await.unwrap();
    let other_wrapped = service.create(&other).await.unwrap();
    assert_eq!(service.class_keys().await.unwrap(), [one.clone(), other.clone()]);

    let secret = *service.unwrap_key(&one, &wrapped).await.unwrap().expose();
    assert_eq!(*service.unwrap_key(&one, &wrapped).await.unwrap().expose(), secret);
    assert_ne!(*service.unwrap_key(&other, &other_wrapped).await.unwrap().expose(), secret);
    assert!(
        !wrapped.as_bytes().windows(32).any(|part| part == secret),
        "the class key is not in what is kept"
    );
    // Made again after a kill: what comes of it opens, and so does what came first.
    let again = service.create(&one).await.unwrap();
    service.unwrap_key(&one, &again).await.unwrap();
    assert_eq!(*service.unwrap_key(&one, &wrapped).await.unwrap().expose(), secret);

    let key = service.public_key().await.unwrap();
    let certified = statement("a/2026-11-28/short", key.fingerprint(), service.name());
    assert_eq!(service.sign(&certified).await, Err(ServiceError::NotGone(one.clone())));

    while let Destroyed::Pending { .. } = service.destroy(&one, Some(&wrapped)).await.unwrap() {
        assert!(matches!(service.unwrap_key(&one, &wrapped).await, Err(ServiceError::Pending(_))));
        assert_eq!(service.sign(&certified).await, Err(ServiceError::NotGone(one.clone())));
        let_it_end();
    }
    for kept in [&wrapped, &again, &Wrapped::new(vec![]).unwrap()] {
        assert!(matches!(service.unwrap_key(&one, kept).await, Err(ServiceError::Gone(gone)) if gone == one));
    }
    assert_eq!(service.destroy(&one, Some(&wrapped)).await, Ok(Destroyed::Gone), "again");
    assert_eq!(service.destroy(&id("never/2026-11-28/short"), None).await, Ok(Destroyed::Gone));
    assert_eq!(service.class_keys().await.unwrap(), std::slice::from_ref(&other));
    service.unwrap_key(&other, &other_wrapped).await.unwrap();

    let signature = service.sign(&certified).await.unwrap();
    let certificate = Certificate::new(certified, key.algorithm(), &signature).unwrap();
    certificate.verify(&key).unwrap();

    service.destroy_all().await.unwrap();
    let_it_end();
    assert_eq!(service.class_keys().await.unwrap(), []);
    whole_life(service, let_it_end).await;
}

/// Seals, opens, expires and certifies through a keyring.
async fn whole_life(service: Arc<dyn KeyService>, let_it_end: impl Fn()) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::default();
    let ledger = Arc::new(database.ledger(folder.path()));
    let vault = keyring(Arc::clone(&service), Arc::clone(&ledger) as _);
    for number in 0..3 {
        seal(&vault, &database, number, "life/2026-11-28/short", "2026-11-28T12:00:00Z").await;
    }
    seal(&vault, &database, 3, "life/2026-11-28/long", "2026-11-28T12:00:00Z").await;
    let later = "2026-11-29T00:00:00Z";
    let mut report = vault.expire(at(later)).await;
    if let [(pending, _)] = report.pending.as_slice() {
        assert_eq!(*pending, id("life/2026-11-28/short"));
        assert!(report.certificates.is_empty(), "nothing is certified while the key could be had back");
        let_it_end();
        report = vault.expire(at(later)).await;
    }
    assert!(report.failures.is_empty() && report.pending.is_empty(), "{report:?}");
    let [certificate] = report.certificates.as_slice() else { panic!("{report:?}") };
    let verified = certificate.verify(&service.public_key().await.unwrap()).unwrap();
    verified.check_records(&database.ids(&id("life/2026-11-28/short"))).unwrap();
    // A new process, which has nothing in memory.
    let vault = keyring(service, ledger);
    for number in 0..3 {
        assert!(!opens(&vault, &database, number, "2026-11-28T12:00:00Z").await);
    }
    assert!(opens(&vault, &database, 3, later).await);
}
