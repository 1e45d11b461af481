//! The node's own certificate authority as it is kept.

use oversight::Realm;
use store::certificates::{self, Binding, Certificate, Holder, Root};
use store::{Act, StoreError, Tx};

use crate::fixture::{Council, START_US};
use crate::on_every_store;

on_every_store!(
    a_holder_is_bound_by_its_first_certificate_and_stays_so,
    two_roots_at_most_and_what_is_under_a_retired_one_counts_no_more,
    one_holder_has_few_and_what_ends_is_found,
);

const LIVE: Realm = Realm::Live;

async fn write<T: Send + 'static>(
    council: &Council,
    f: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    council.store.write(move |tx| f(tx).map(Act::bookkeeping)).await
}

fn at(micros: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(START_US + micros).unwrap()
}

async fn add_root(council: &Council, id: &'static str, created: i64) -> Result<(), StoreError> {
    let root = Root {
        id: id.to_owned(),
        certificate: vec![1, 2],
        sealed: Some(vec![3]),
        created: at(created),
        ends: at(1_000),
        retired: None,
    };
    write(council, move |tx| certificates::add_root(tx, &LIVE, &root)).await
}

fn certificate(number: u8, root: &str, subject: &str, ends: i64) -> Certificate {
    Certificate {
        serial: format!("{number:02x}"),
        root: root.to_owned(),
        holder: Holder::Edge,
        subject: subject.to_owned(),
        thumbprint: [number; 32],
        issued: at(0),
        ends: at(ends),
        revoked: None,
        reason: None,
    }
}

async fn issue(council: &Council, new: Certificate) -> Result<(), StoreError> {
    write(council, move |tx| certificates::add(tx, &LIVE, &new)).await
}

async fn binding(council: &Council, subject: &'static str, shown: Option<u8>) -> Binding {
    let shown = shown.map(|number| [number; 32]);
    let read = move |reader: &store::Reader<'_>| {
        certificates::binding(reader, &LIVE, (Holder::Edge, subject), shown.as_ref())
    };
    council.store.read(read).await.unwrap()
}

async fn living(council: &Council) -> usize {
    council.store.read(|reader| certificates::living(reader, &LIVE)).await.unwrap().len()
}

async fn a_holder_is_bound_by_its_first_certificate_and_stays_so(council: Council) {
    let changes = async || council.store.read(|reader| certificates::changes(reader, &LIVE)).await.unwrap();
    assert_eq!(changes().await, 0);
    add_root(&council, "r1", 0).await.unwrap();
    assert_eq!(binding(&council, "a", None).await, Binding::Unbound);
    assert_eq!(binding(&council, "a", Some(9)).await, Binding::Unbound);
    issue(&council, certificate(1, "r1", "a", 100)).await.unwrap();
    issue(&council, certificate(2, "r1", "b", 100)).await.unwrap();
    for (shown, expected) in [(None, Binding::Broken), (Some(1), Binding::Good), (Some(2), Binding::Broken)] {
        assert_eq!(binding(&council, "a", shown).await, expected, "{shown:?}");
    }
    let hub = Certificate { holder: Holder::Hub, ..certificate(3, "r1", "hub.example", 100) };
    issue(&council, hub).await.unwrap();
    assert_eq!(living(&council).await, 2, "what the hub shows is not for clients");
    let before = changes().await;
    assert!(write(&council, |tx| certificates::revoke(tx, &LIVE, "01", "lost")).await.unwrap());
    assert!(changes().await > before, "so that it is read anew");
    assert!(!write(&council, |tx| certificates::revoke(tx, &LIVE, "01", "again")).await.unwrap());
    assert!(!write(&council, |tx| certificates::revoke(tx, &LIVE, "ff", "none")).await.unwrap());
    let kept = council.store.read(|reader| certificates::get(reader, &LIVE, "01")).await.unwrap().unwrap();
    assert_eq!((kept.revoked, kept.reason.as_deref()), (Some(at(0)), Some("lost")));
    assert_eq!((binding(&council, "a", Some(1)).await, living(&council).await), (Binding::Broken, 1));
    assert_eq!(binding(&council, "a", None).await, Binding::Broken, "it does not become free again");
    council.pass_time(100);
    assert_eq!((binding(&council, "b", Some(2)).await, living(&council).await), (Binding::Broken, 0), "over");
    write(&council, |tx| certificates::forget_holder(tx, &LIVE, Holder::Edge, "a")).await.unwrap();
    assert_eq!(binding(&council, "a", None).await, Binding::Unbound);
}

async fn two_roots_at_most_and_what_is_under_a_retired_one_counts_no_more(council: Council) {
    add_root(&council, "r1", 0).await.unwrap();
    issue(&council, certificate(1, "r1", "a", 100)).await.unwrap();
    add_root(&council, "r2", 1).await.unwrap();
    assert!(matches!(add_root(&council, "r3", 2).await, Err(StoreError::Limit { .. })));
    issue(&council, certificate(2, "r2", "a", 100)).await.unwrap();
    let trusted = async || {
        let roots = council.store.read(|reader| certificates::trusted_roots(reader, &LIVE)).await.unwrap();
        roots.into_iter().map(|root| (root.id, root.sealed.is_some())).collect::<Vec<_>>()
    };
    assert_eq!(trusted().await, [("r2".to_owned(), true), ("r1".to_owned(), true)], "the newest signs");
    assert_eq!(living(&council).await, 2);
    assert!(write(&council, |tx| certificates::retire_root(tx, &LIVE, "r1")).await.unwrap());
    assert!(!write(&council, |tx| certificates::retire_root(tx, &LIVE, "r1")).await.unwrap());
    assert_eq!(trusted().await, [("r2".to_owned(), true)]);
    assert_eq!((binding(&council, "a", Some(1)).await, living(&council).await), (Binding::Broken, 1));
    assert_eq!(binding(&council, "a", Some(2)).await, Binding::Good);
}

async fn one_holder_has_few_and_what_ends_is_found(council: Council) {
    add_root(&council, "r1", 0).await.unwrap();
    for number in 1..=4 {
        issue(&council, certificate(number, "r1", "a", i64::from(number) * 10)).await.unwrap();
    }
    assert!(matches!(issue(&council, certificate(5, "r1", "a", 90)).await, Err(StoreError::Limit { .. })));
    assert!(matches!(issue(&council, certificate(4, "r1", "b", 90)).await, Err(StoreError::Exists { .. })));
    let ending = async |until: i64| {
        let read = move |reader: &store::Reader<'_>| certificates::ending(reader, &LIVE, (at(0), at(until)));
        let found = council.store.read(read).await.unwrap();
        found.into_iter().map(|one| one.serial).collect::<Vec<_>>()
    };
    assert_eq!(ending(25).await, ["01", "02"]);
    write(&council, |tx| certificates::revoke(tx, &LIVE, "01", "r")).await.unwrap();
    assert_eq!(ending(25).await, ["02"]);
    issue(&council, certificate(5, "r1", "a", 90)).await.unwrap();
    council.pass_time(20);
    let listed = council.store.read(|reader| certificates::list(reader, &LIVE, 10)).await.unwrap();
    let serials: Vec<&str> = listed.iter().map(|one| one.serial.as_str()).collect();
    assert_eq!(serials, ["03", "04", "05"], "what is over is not listed");
    let of_one = |reader: &store::Reader<'_>| certificates::of_holder(reader, &LIVE, Holder::Edge, "a");
    assert_eq!(council.store.read(of_one).await.unwrap().len(), 5);
}
