//! What happens when the process is killed or the disk is full.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use oversight::Realm;
use store::objects::{self, AddOutcome, NewObject, Versions};
use store::{Act, Options, Place, Store, StoreError, audit};

use crate::fixture::{Council, added_event, indicator, organisation, parse, seeing};
use crate::on_folder;

on_folder!(a_full_disk_loses_nothing_acknowledged, writes_that_share_a_full_disk_are_all_told,);

/// Objects of one batch of the child.
const BATCH: u64 = 20;
/// Where the child finds its store.
const PLACE_VARIABLE: &str = "STORE_SUITE_KILLED_CHILD_PLACE";

async fn a_full_disk_loses_nothing_acknowledged(council: Council) {
    drop(council);
    let council = Council::with(|options| Options { database_bytes_max: Some(1 << 21), ..options }).await;
    let mut acknowledged = 0_u64;
    let error = loop {
        let from = acknowledged * BATCH;
        let objects = (from..from + BATCH).map(indicator).collect();
        match council.try_add(Realm::Live, council.collection, "a", council.clear, objects).await {
            Ok(outcomes) => {
                assert!(outcomes.iter().all(|outcome| matches!(outcome, AddOutcome::Added { .. })));
            }
            Err(error) => break error,
        }
        acknowledged += 1;
    };
    assert_eq!(error.code(), "store-full");
    assert!(error.is_passing());
    assert!(acknowledged > 3);
    check_whole(&council.store, acknowledged).await;
    // Room is made: it goes on where it was, without a gap in sequence or tree.
    let council = council.reopen().await;
    check_whole(&council.store, acknowledged).await;
    let from = acknowledged * BATCH;
    let outcomes = council.add("a", council.clear, (from..from + BATCH).map(indicator).collect()).await;
    let next = i64::try_from(from).unwrap() + 1;
    assert!(matches!(outcomes[0], AddOutcome::Added { sequence, .. } if sequence == next), "{outcomes:?}");
    check_whole(&council.store, acknowledged + 1).await;
}

async fn writes_that_share_a_full_disk_are_all_told(council: Council) {
    // How much an empty store takes grows with the schema. What was closed is folded into the file.
    let council = council.reopen().await;
    let empty = std::fs::metadata(council.folder.path().join("yagura.sqlite")).unwrap().len() / 4096;
    drop(council);
    // Each limit is met at another step of a group: within a job, where a job begins, at the commit.
    for pages in (empty + 24..empty + 72).step_by(4) {
        let most = pages * 4096;
        let council = Council::with(|options| Options { database_bytes_max: Some(most), ..options }).await;
        // One stands already: what follows may all share one commit, which the full disk takes back as a whole.
        ingest(&council.store, council.collection, council.clear, 0).await.unwrap();
        let tasks: Vec<_> = (1..100_u64)
            .map(|batch| {
                let (store, collection, label) = (council.store.clone(), council.collection, council.clear);
                tokio::spawn(async move { ingest(&store, collection, label, batch).await })
            })
            .collect();
        let (mut taken, mut full) = (1, 0);
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => taken += 1,
                Err(StoreError::Full) => full += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert!(full > 0, "{taken} {full}");
        check_whole(&council.store, taken).await;
    }
}

pub(crate) async fn ingest(store: &Store, collection: i64, label: i64, batch: u64) -> Result<(), StoreError> {
    let new: Vec<NewObject> = (batch * BATCH..(batch + 1) * BATCH)
        .map(|number| NewObject { object: parse(&indicator(number)), label })
        .collect();
    store
        .write(move |tx| {
            let from = organisation("a");
            objects::add(tx, &Realm::Live, collection, &from, &new)?;
            Ok(Act::audited((), &Realm::Live, added_event(&from).with("batch", batch.to_string())))
        })
        .await
}

/// Exactly so many batches are there, each whole, each with its leaf, and everything that is counted fits.
pub(crate) async fn check_whole(store: &Store, batches: u64) -> Vec<u64> {
    let found = store
        .read(move |reader| {
            let collection = store::collections::list(reader, &Realm::Live)?[0].key;
            let keys: Vec<i64> =
                store::labels::all(reader, &Realm::Live)?.iter().map(|(key, _)| *key).collect();
            let visible = seeing(&keys);
            let mut filter = objects::Filter::new(collection, &visible, objects::PAGE_MAX);
            filter.versions = Versions::all();
            let rows = objects::page(reader, &Realm::Live, &filter)?.rows;
            assert_eq!(objects::count(reader, &Realm::Live, &visible, &[])?, rows.len() as u64);
            assert_eq!(audit::verify(reader)?.0, batches, "a leaf for each batch");
            let filter = objects::SearchFilter {
                visible: &visible,
                query: "indicator",
                types: &[],
                revoked: true,
                after: None,
                limit: objects::PAGE_MAX,
            };
            assert_eq!(objects::search(reader, &Realm::Live, &filter)?.rows.len(), rows.len());
            Ok(rows)
        })
        .await
        .unwrap();
    let mut numbers: Vec<u64> = found
        .iter()
        .map(|row| u64::from_str_radix(row.id.as_str().rsplit('-').next().unwrap(), 16).unwrap())
        .collect();
    numbers.sort_unstable();
    let mut there: Vec<u64> = numbers.iter().map(|number| number / BATCH).collect();
    there.dedup();
    let whole: Vec<u64> = there.iter().flat_map(|batch| batch * BATCH..(batch + 1) * BATCH).collect();
    assert_eq!(numbers, whole, "no half batch");
    assert_eq!(there.len() as u64, batches);
    there
}

/// Kills a process in the middle of ingest, again and again; what it had acknowledged is there, and nothing is there by half.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    kill_again_and_again(&Place::from(folder.path())).await;
}

/// The same of a process with its database on a server, which takes back what the process had begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_on_a_server_loses_nothing_acknowledged() {
    if let Some(server) = crate::server::Server::start() {
        kill_again_and_again(&Place::parse(&server.address())).await;
    }
}

async fn kill_again_and_again(place: &Place) {
    let mut acknowledged: Vec<u64> = Vec::new();
    for round in 0..6_usize {
        let said = run_and_kill(place, 5 + 17 * round);
        acknowledged.extend(said);
        let store = Store::open(place, Options::default()).unwrap();
        let leaves = store.read(|reader| Ok(audit::head(reader)?.0)).await.unwrap();
        let there = check_whole(&store, leaves).await;
        for batch in &acknowledged {
            assert!(there.contains(batch), "batch {batch} was acknowledged and is lost");
        }
        store.close().await;
    }
    assert!(acknowledged.len() >= 6 * 5);
}

/// Starts the child, waits until it has acknowledged so many batches, kills it (SIGKILL), and gives all that it said.
fn run_and_kill(place: &Place, after: usize) -> Vec<u64> {
    let text = match place {
        Place::Folder(folder) => folder.display().to_string(),
        Place::Postgres(address) => address.clone(),
    };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "robustness::the_child_that_is_killed",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(PLACE_VARIABLE, text)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines {
        // The last line may be cut in half.
        let Ok(line) = line else { break };
        said.extend(
            line.strip_prefix("acknowledged ")
                .and_then(|rest| rest.strip_suffix('.'))
                .and_then(|n| n.parse::<u64>().ok()),
        );
        if said.len() == after {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test that kills it"]
async fn the_child_that_is_killed() {
    let Ok(place) = std::env::var(PLACE_VARIABLE) else {
        return;
    };
    let store = Store::open(Place::parse(&place), Options::default()).unwrap();
    let (collection, label, next) = store
        .write(|tx| {
            let collection = match store::collections::list(tx, &Realm::Live)?.first() {
                Some(collection) => collection.key,
                None => store::collections::add(tx, &Realm::Live, uuid::Uuid::from_u128(1), "all", "")?.key,
            };
            let label = store::labels::intern(tx, &crate::fixture::label(stix::marking::Tlp::Clear))?;
            Ok(Act::bookkeeping((collection, label, audit::head(tx)?.0)))
        })
        .await
        .unwrap();
    // Batches of before may lie beyond their number, for two are under way at a time: begin well after them.
    let first = next * 2 + 10;
    let writers = [0, 1].map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for batch in (first + writer..).step_by(2) {
                ingest(&store, collection, label, batch).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "acknowledged {batch}.").unwrap();
                out.flush().unwrap();
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
}
