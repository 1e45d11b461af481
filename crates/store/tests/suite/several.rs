//! Several processes on one PostgreSQL, and a server that goes away.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use oversight::Realm;
use store::objects::{self, Change, TailFilter};
use store::{Options, Place, Store, StoreError, audit};

use crate::fixture::{Council, seeing};
use crate::robustness::{check_whole, ingest};

/// Where a child finds the database, and which part of the numbers is its own.
const PLACE_VARIABLE: &str = "STORE_SUITE_CHILD_PLACE";
const PART_VARIABLE: &str = "STORE_SUITE_CHILD_PART";
/// Batches that each child writes.
const BATCHES: u64 = 60;
const WAIT: Duration = Duration::from_secs(120);

/// Two processes write while a third follows: it comes past no sequence that is filled later, sees each once and in order, and
/// there is one tree over the acts of both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_misses_nothing_that_several_write() {
    let Some(council) = Council::on_postgres().await else { return };
    let mut committed = council.store.committed();
    let visible = council.all();
    let mut children = [0, 1].map(|part| child(&council.place, part));
    let (mut after, mut seen) = (0, Vec::new());
    let begun = Instant::now();
    while seen.len() < usize::try_from(2 * BATCHES * 20).unwrap() {
        assert!(begun.elapsed() < WAIT, "{} seen", seen.len());
        let visible = visible.clone();
        let tail = council
            .store
            .read(move |reader| {
                let filter = TailFilter { visible: &visible, after, types: &[], last_only: false, limit: 37 };
                objects::tail(reader, &Realm::Live, &filter)
            })
            .await
            .unwrap();
        assert!(tail.through >= after);
        after = tail.through;
        seen.extend(tail.changes.iter().map(Change::sequence));
        if !tail.more {
            let _ = tokio::time::timeout(Duration::from_secs(5), committed.changed()).await;
        }
    }
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let expected: Vec<i64> = (1..).take(seen.len()).collect();
    assert_eq!(seen, expected, "every sequence once, in order, without a hole");
    let both = check_whole(&council.store, 2 * BATCHES).await;
    assert!(both.iter().any(|batch| *batch < BATCHES) && both.iter().any(|batch| *batch >= BATCHES));
    let rows = council.walk(&visible, 500, objects::Versions::all()).await;
    let dates: BTreeSet<i64> = rows.iter().map(|row| row.date_added_us).collect();
    assert_eq!(dates.len(), rows.len(), "each has a date of its own");
    assert!(rows.is_sorted_by_key(|row| row.sequence), "dates rise with the sequences");
}

fn child(place: &Place, part: u64) -> Child {
    let Place::Postgres(address) = place else { panic!("several processes need a server") };
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "several::the_child_that_writes", "--ignored", "--nocapture", "--test-threads=1"])
        .env(PLACE_VARIABLE, address)
        .env(PART_VARIABLE, part.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test that has several of it"]
async fn the_child_that_writes() {
    let Ok(address) = std::env::var(PLACE_VARIABLE) else { return };
    let part: u64 = std::env::var(PART_VARIABLE).unwrap().parse().unwrap();
    let store = Store::open(Place::parse(&address), Options::default()).unwrap();
    let (collection, label) = store
        .read(|reader| {
            let collection = store::collections::list(reader, &Realm::Live)?[0].key;
            Ok((collection, store::labels::all(reader, &Realm::Live)?[0].0))
        })
        .await
        .unwrap();
    // Two at a time, so that some share a commit and some do not.
    let writers = [0, 1].map(|half| {
        let store = store.clone();
        tokio::spawn(async move {
            for batch in (half..BATCHES).step_by(2) {
                ingest(&store, collection, label, part * BATCHES + batch).await.unwrap();
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    store.close().await;
}

/// What one process says aside, the others hear at once, and commits are told as before; nothing of it stays, and more than that is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_aside_is_heard_by_all_and_kept_by_nobody() {
    let Some(council) = Council::on_postgres().await else { return };
    let other = Store::open(council.place.clone(), Options::default()).unwrap();
    let (mut here, mut there) = (council.store.asides(), other.asides());
    let texts: Vec<String> = (0..100).map(|number| format!("{{\"said\": \"{number} 近畿\"}}")).collect();
    let begun = Instant::now();
    // The listeners may not listen yet: it is said until they do.
    for listener in [&mut here, &mut there] {
        loop {
            assert!(begun.elapsed() < WAIT, "nothing was heard");
            council.store.say_aside(vec!["first".to_owned()]).await.unwrap();
            if let Ok(heard) = tokio::time::timeout(Duration::from_millis(100), listener.recv()).await {
                assert_eq!(&*heard.unwrap(), "first");
                break;
            }
        }
    }
    council.store.say_aside(texts.clone()).await.unwrap();
    for listener in [&mut here, &mut there] {
        let mut heard = Vec::new();
        while heard.len() < texts.len() {
            let one = tokio::time::timeout(WAIT, listener.recv()).await.unwrap().unwrap();
            heard.extend((&*one != "first").then(|| one.to_string()));
        }
        assert_eq!(heard, texts, "each once, in order");
    }
    // Whoever talks without end keeps nobody from hearing of commits.
    let mut committed = other.committed();
    let before = *committed.borrow_and_update();
    let talker = tokio::spawn({
        let store = council.store.clone();
        async move {
            loop {
                store.say_aside(vec!["again".to_owned(); 50]).await.unwrap();
            }
        }
    });
    ingest(&council.store, council.collection, council.clear, 0).await.unwrap();
    let newer = tokio::time::timeout(WAIT, committed.wait_for(|newest| *newest > before)).await;
    assert!(newer.is_ok_and(|newer| newer.is_ok()));
    talker.abort();
    let long = council.store.say_aside(vec!["x".repeat(4_001)]).await;
    assert!(matches!(long, Err(StoreError::Limit { .. })), "{long:?}");
}

/// The server is stopped in the middle of batches, again and again. Each batch is acknowledged and whole, or refused for now and
/// not there; whoever tries again succeeds, without a new start of anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_halves_nothing() {
    let Some(mut council) = Council::on_postgres().await else { return };
    let mut server = council.server.take().unwrap();
    let (store, collection, label) = (council.store.clone(), council.collection, council.clear);
    let writing = tokio::spawn(async move {
        let (mut refused, mut batch) = (0, 0);
        let begun = Instant::now();
        while batch < 400 || refused < 3 {
            assert!(begun.elapsed() < WAIT, "{batch} written, {refused} refused");
            match ingest(&store, collection, label, batch).await {
                Ok(()) => batch += 1,
                Err(error) => {
                    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
                    assert!(error.is_passing());
                    refused += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        batch
    });
    for crash in [true, false, true] {
        // Only how far the writing has come differs by this.
        tokio::time::sleep(Duration::from_millis(400)).await;
        tokio::task::block_in_place(|| {
            if crash {
                server.crash();
            } else {
                server.shut_down();
            }
            server.resume();
        });
    }
    let batches = writing.await.unwrap();
    check_whole(&council.store, batches).await;
    let (visible, all) = (seeing(&[council.clear]), batches * 20);
    let through = council
        .store
        .read(move |reader| {
            let filter =
                TailFilter { visible: &visible, after: 0, types: &[], last_only: false, limit: 10_000 };
            assert_eq!(audit::verify(reader)?, audit::head(reader)?);
            Ok(objects::tail(reader, &Realm::Live, &filter)?.through)
        })
        .await
        .unwrap();
    assert_eq!(through, i64::try_from(all).unwrap(), "no sequence was lost or given twice");
}

/// What one process commits, another one is told of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_wakes_another() {
    let Some(council) = Council::on_postgres().await else { return };
    let other = Store::open(&council.place, Options::default()).unwrap();
    let mut committed = other.committed();
    assert_eq!(*committed.borrow_and_update(), 0);
    ingest(&council.store, council.collection, council.clear, 0).await.unwrap();
    tokio::time::timeout(WAIT, committed.wait_for(|sequence| *sequence == 20)).await.unwrap().unwrap();
    // And the other way round; each remembers the end of the log only as long as nobody else wrote.
    ingest(&other, council.collection, council.clear, 1).await.unwrap();
    ingest(&council.store, council.collection, council.clear, 2).await.unwrap();
    check_whole(&other, 3).await;
    other.close().await;
}

/// The planner is told what there is soon after it came in: it chooses badly otherwise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_planner_knows_what_came_in() {
    const KNOWN: &str = "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_stats WHERE tablename = 'log') THEN RAISE 'no'; END IF; END $$";
    let Some(council) = Council::on_postgres().await else { return };
    let server = council.server.as_ref().unwrap();
    assert!(!server.is_so(KNOWN));
    for batch in 0..55 {
        ingest(&council.store, council.collection, council.clear, batch).await.unwrap();
    }
    let begun = Instant::now();
    while !server.is_so(KNOWN) {
        // Sooner than the server does it by itself.
        assert!(begun.elapsed() < Duration::from_secs(40));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Where there is no server, it is said at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_said() {
    let code = |address: &str| Store::open(Place::parse(address), Options::default()).err().map(|e| e.code());
    assert_eq!(code("postgres:///yagura?host=/nowhere"), Some("store-unreachable"));
    assert_eq!(code("postgres://u@db.example.jp/y?sslmode=disable"), Some("store-address"));
}
