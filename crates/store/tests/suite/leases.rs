//! Leases: one holder at a time, taken over when they have run out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use oversight::Realm;
use store::{Act, Options, Store, leases};

use crate::fixture::{Council, START_US, clock};

crate::on_every_store!(one_holds_it_until_it_runs_out, what_is_given_back_is_free_at_once,);

const MINUTE_US: i64 = 60_000_000;

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn take(store: &Store, wanted: &[&str], holder: &'static str, for_us: i64) -> BTreeSet<String> {
    let wanted = names(wanted);
    let taken =
        store.write(move |tx| leases::take(tx, &Realm::Live, &wanted, holder, for_us).map(Act::bookkeeping));
    taken.await.unwrap()
}

async fn one_holds_it_until_it_runs_out(council: Council) {
    let store = &council.store;
    assert_eq!(take(store, &["a", "b"], "one", MINUTE_US).await, names(&["a", "b"]));
    assert_eq!(take(store, &["b", "c"], "two", MINUTE_US).await, names(&["c"]), "one holds b");
    // Whoever holds it goes on holding it; a lease that runs no time is over at once.
    assert_eq!(take(store, &["a", "b"], "one", 0).await, names(&["a", "b"]));
    assert_eq!(take(store, &["a"], "two", MINUTE_US).await, names(&["a"]));
    assert_eq!(take(store, &["a"], "one", MINUTE_US).await, names(&[]));
    let running = store.read(|reader| leases::running(reader, &Realm::Live)).await.unwrap();
    let held: Vec<(&str, &str)> =
        running.iter().map(|lease| (lease.name.as_str(), lease.holder.as_str())).collect();
    assert_eq!(held, [("a", "two"), ("c", "two")], "b has run out");
    assert!(running.iter().all(|lease| (1..=MINUTE_US).contains(&lease.left_us)), "{running:?}");
}

async fn what_is_given_back_is_free_at_once(council: Council) {
    let store = &council.store;
    take(store, &["a", "b"], "one", MINUTE_US).await;
    let back =
        store.write(|tx| leases::keep_only(tx, &Realm::Live, &names(&["b"]), "one").map(Act::bookkeeping));
    back.await.unwrap();
    assert_eq!(take(store, &["a", "b"], "two", MINUTE_US).await, names(&["a"]));
}

/// Two processes whose clocks differ by an hour agree on when a lease ends: by the server's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_is_the_servers() {
    let Some(council) = Council::on_postgres().await else { return };
    let an_hour_ahead = clock(&Arc::new(AtomicI64::new(START_US + 60 * MINUTE_US)));
    let options = Options { clock: an_hour_ahead, ..Options::default() };
    let ahead = Store::open(&council.place, options).unwrap();
    assert_eq!(take(&council.store, &["a"], "one", MINUTE_US).await, names(&["a"]));
    assert_eq!(take(&ahead, &["a"], "two", MINUTE_US).await, names(&[]), "an hour ahead, and it still runs");
    ahead.close().await;
}
