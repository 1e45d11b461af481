//! How writes are grouped, refused and announced.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oversight::Realm;
use store::{Act, Options, Store, StoreError, settings};

use crate::fixture::{Council, indicator};
use crate::{on_every_store, on_folder};

on_folder!(the_folder_has_one_owner);

on_every_store!(
    one_write_that_fails_harms_no_other,
    a_panic_in_a_write_is_its_own,
    what_is_kept_of_a_mixed_group_is_announced,
    what_fails_halfway_leaves_nothing,
    the_commit_is_announced,
    a_read_sees_one_snapshot,
    a_newer_schema_is_left_alone,
    settings_are_kept,
    cursors_never_go_back,
);

async fn one_write_that_fails_harms_no_other(council: Council) {
    let store = council.store.clone();
    let tasks: Vec<_> = (0..200_u32)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .write(move |tx| {
                        settings::put(tx, &Realm::Live, &format!("n{number}"), b"x")?;
                        if number % 3 == 0 {
                            let message = "no".to_owned();
                            return Err(StoreError::Abandoned { code: "test", message });
                        }
                        Ok(Act::bookkeeping(number))
                    })
                    .await
            })
        })
        .collect();
    for (number, task) in (0_u32..).zip(tasks) {
        let result = task.await.unwrap();
        match number % 3 {
            0 => assert_eq!(result.unwrap_err().code(), "test"),
            _ => assert_eq!(result.unwrap(), number),
        }
    }
    let there = council
        .store
        .read(|reader| {
            (0..200_u32)
                .map(|n| Ok(settings::get(reader, &Realm::Live, &format!("n{n}"))?.is_some()))
                .collect::<Result<Vec<_>, _>>()
        })
        .await
        .unwrap();
    assert!((0_u32..).zip(there).all(|(number, there)| there == (number % 3 != 0)));
}

async fn a_panic_in_a_write_is_its_own(council: Council) {
    let panicked: Result<(), StoreError> = council
        .store
        .write(|tx| {
            settings::put(tx, &Realm::Live, "half", b"x")?;
            std::panic::resume_unwind(Box::new("this test's own"));
        })
        .await;
    assert_eq!(panicked.unwrap_err().code(), "store-database");
    council.add("a", council.clear, vec![indicator(1)]).await;
    assert_eq!(council.store.read(|reader| settings::get(reader, &Realm::Live, "half")).await.unwrap(), None);
}

async fn what_is_kept_of_a_mixed_group_is_announced(council: Council) {
    // The first write holds the writer, so that the two behind it share a commit.
    let (held, go_on) = std::sync::mpsc::channel::<()>();
    let (entered, wait_entered) = std::sync::mpsc::channel();
    let store = council.store.clone();
    let holding = tokio::spawn(async move {
        store
            .write(move |_| {
                entered.send(()).unwrap();
                go_on.recv().unwrap();
                Ok(Act::bookkeeping(()))
            })
            .await
    });
    tokio::task::spawn_blocking(move || wait_entered.recv().unwrap()).await.unwrap();
    let adding = council.add("a", council.clear, vec![indicator(1)]);
    let failing = council.store.write(|_| Err::<Act<()>, _>(StoreError::NotFound { what: "x".to_owned() }));
    let releasing = async move { held.send(()).unwrap() };
    // Polled in this order: both are in the queue before the writer goes on.
    let (added, failed, ()) = tokio::join!(adding, failing, releasing);
    holding.await.unwrap().unwrap();
    assert_eq!(failed.unwrap_err().code(), "not-found");
    assert!(matches!(added[..], [store::objects::AddOutcome::Added { sequence: 1, .. }]), "{added:?}");
    assert_eq!(*council.store.committed().borrow(), 1);
}

async fn what_fails_halfway_leaves_nothing(council: Council) {
    let (collection, label) = (council.collection, council.clear);
    let failed = council
        .store
        .write(move |tx| {
            let new = [store::objects::NewObject { object: crate::fixture::parse(&indicator(1)), label }];
            store::objects::add(tx, &Realm::Live, collection, &crate::fixture::organisation("a"), &new)?;
            Err::<Act<()>, _>(StoreError::NotFound { what: "the rest".to_owned() })
        })
        .await;
    assert_eq!(failed.unwrap_err().code(), "not-found");
    // Sequence, date, counts and words go on as if it had never been.
    let outcome = council.add("a", council.clear, vec![indicator(2)]).await;
    assert_eq!(
        outcome,
        [store::objects::AddOutcome::Added { sequence: 1, date_added_us: crate::fixture::START_US }]
    );
    let visible = council.all();
    let count =
        council.store.read(move |reader| store::objects::count(reader, &Realm::Live, &visible, &[])).await;
    assert_eq!(count.unwrap(), 1);
}

async fn the_commit_is_announced(council: Council) {
    let mut committed = council.store.committed();
    assert_eq!(*committed.borrow_and_update(), 0);
    council.add("a", council.clear, vec![indicator(1), indicator(2)]).await;
    assert!(committed.has_changed().unwrap());
    assert_eq!(*committed.borrow_and_update(), 2);
    council
        .store
        .write(|tx| {
            settings::put(tx, &Realm::Live, "a", b"")?;
            Ok(Act::bookkeeping(()))
        })
        .await
        .unwrap();
    assert!(!committed.has_changed().unwrap());
    let council = council.reopen().await;
    assert_eq!(*council.store.committed().borrow(), 2);
}

async fn a_read_sees_one_snapshot(council: Council) {
    let store = council.store.clone();
    let (entered, wait_entered) = std::sync::mpsc::channel();
    let (go_on, wait_go_on) = std::sync::mpsc::channel();
    let reading = tokio::spawn(async move {
        store
            .read(move |reader| {
                let before = settings::get(reader, &Realm::Live, "a")?;
                entered.send(()).unwrap();
                wait_go_on.recv().unwrap();
                Ok((before, settings::get(reader, &Realm::Live, "a")?))
            })
            .await
    });
    tokio::task::spawn_blocking(move || wait_entered.recv().unwrap()).await.unwrap();
    council
        .store
        .write(|tx| {
            settings::put(tx, &Realm::Live, "a", b"new")?;
            Ok(Act::bookkeeping(()))
        })
        .await
        .unwrap();
    go_on.send(()).unwrap();
    assert_eq!(reading.await.unwrap().unwrap(), (None, None));
}

async fn the_folder_has_one_owner(council: Council) {
    let second = Store::open(council.folder.path(), Options::default());
    assert_eq!(second.err().map(|error| error.code()), Some("store-in-use"));
    council.reopen().await;
}

async fn a_newer_schema_is_left_alone(council: Council) {
    council.alter("INSERT INTO schema_version VALUES (999)");
    let Council { store, folder, place, server, .. } = council;
    store.close().await;
    let opened = Store::open(&place, Options::default());
    assert_eq!(opened.err().map(|error| error.code()), Some("store-newer"));
    drop((folder, server));
}

async fn settings_are_kept(council: Council) {
    let reader_count = Arc::new(AtomicUsize::new(0));
    let put = |value: Vec<u8>| {
        council.store.write(move |tx| {
            settings::put(tx, &Realm::Live, "key", &value)?;
            Ok(Act::bookkeeping(()))
        })
    };
    put(b"one".to_vec()).await.unwrap();
    put(b"two".to_vec()).await.unwrap();
    assert_eq!(put(vec![0; settings::SETTING_BYTES_MAX + 1]).await.unwrap_err().code(), "too-large");
    let council = council.reopen().await;
    let counted = Arc::clone(&reader_count);
    let (live, drill) = council
        .store
        .read(move |reader| {
            counted.fetch_add(1, Ordering::SeqCst);
            let drill = Realm::parse("exercise:x").unwrap();
            Ok((settings::get(reader, &Realm::Live, "key")?, settings::get(reader, &drill, "key")?))
        })
        .await
        .unwrap();
    assert_eq!((live.as_deref(), drill), (Some(&b"two"[..]), None));
    assert_eq!(reader_count.load(Ordering::SeqCst), 1);
}

async fn cursors_never_go_back(council: Council) {
    use store::outbox;
    let advance = |to: i64| {
        council.store.write(move |tx| {
            outbox::advance(tx, &Realm::Live, "peer", to)?;
            Ok(Act::bookkeeping(outbox::cursor(tx, &Realm::Live, "peer")?))
        })
    };
    assert_eq!(advance(5).await.unwrap(), 5);
    assert_eq!(advance(3).await.unwrap(), 5);
    let council = council.reopen().await;
    let (peer, other) = council
        .store
        .read(|reader| {
            Ok((outbox::cursor(reader, &Realm::Live, "peer")?, outbox::cursor(reader, &Realm::Live, "x")?))
        })
        .await
        .unwrap();
    assert_eq!((peer, other), (5, 0));
}
