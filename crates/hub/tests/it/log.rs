//! The transparency log as a stranger fetches it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use hub::{Hub, HubConfig, RunningHub};
use oversight::{Action, Actor, AuditEvent, Purpose, Realm};
use store::Act;
use tlog::{Checkpoint, Tile, proof, tiles_to_write};

use crate::support::TestHub;

/// Adds so many acts.
async fn act(running: &RunningHub, count: usize) {
    let event = AuditEvent::done(Action::PolicyChanged, Actor::Node, Purpose::Administration);
    let events = vec![event; count];
    running.store().write(move |_| Ok(Act::audited_all((), &Realm::Live, events))).await.unwrap();
}

/// The log's public key, as its reader was once told it.
pub fn key(folder: &Path, note: &str) -> tlog::VerifyingKey {
    let mut seed = [0; 32];
    let text = std::fs::read_to_string(folder.join("node.key")).unwrap();
    hex::decode_to_slice(text.trim(), &mut seed).unwrap();
    tlog::SigningKey::from_seed(note.lines().next().unwrap(), seed).unwrap().verifying_key()
}

/// Waits until a checkpoint of at least this size is served.
pub async fn checkpoint(hub: &TestHub, size: u64) -> Checkpoint {
    checkpoint_of(hub, "/log", size).await
}

/// The same of one of the logs, by its path.
pub async fn checkpoint_of(hub: &TestHub, log: &str, size: u64) -> Checkpoint {
    let begun = Instant::now();
    loop {
        let reply = hub.get(&format!("{log}/checkpoint")).stranger().send().await;
        assert_eq!(reply.status, 200);
        let note = String::from_utf8(reply.body).unwrap();
        let seen = tlog::open(&note, &key(hub.folder.path(), &note)).unwrap();
        if seen.size >= size {
            return seen;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the log stands at {}", seen.size);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Fetches every tile of a tree of that size, and computes its root from them.
pub async fn root_from_tiles(hub: &TestHub, size: u64) -> tlog::Hash {
    root_of(hub, "/log", size).await
}

/// The same of one of the logs, by its path.
pub async fn root_of(hub: &TestHub, log: &str, size: u64) -> tlog::Hash {
    let mut tiles: HashMap<Tile, Vec<u8>> = HashMap::new();
    for tile in tiles_to_write(0, size) {
        let reply = hub.get(&format!("{log}/{}", tile.path())).stranger().send().await;
        assert_eq!(reply.status, 200, "{}", tile.path());
        if tile.level == 0 {
            let bundle = hub.get(&format!("{log}/{}", tile.entries_path())).stranger().send().await;
            let leaves: Vec<u8> =
                tlog::decode_entries(&bundle.body).unwrap().into_iter().flat_map(tlog::leaf_hash).collect();
            assert_eq!(leaves, reply.body, "the entries of {}", tile.path());
        }
        tiles.insert(tile, reply.body);
    }
    let read = tlog::read_from_tiles(size, |tile: &Tile| tiles.get(tile).cloned());
    proof::root(size, read).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_can_check_all_of_it() {
    let hub = TestHub::start().await;
    let small = checkpoint(&hub, 1).await;
    assert_eq!(root_from_tiles(&hub, small.size).await, small.root);
    act(&hub.running, 700).await;
    let large = checkpoint(&hub, small.size + 700).await;
    assert_eq!(root_from_tiles(&hub, large.size).await, large.root);
    // What was a partial tile once is the beginning of the full one, and the old tree is still to be had.
    assert_eq!(root_from_tiles(&hub, small.size).await, small.root);
    for wrong in ["tile/0/999", "tile/0/000.p/0", "tile/0/0", "tile/../../node.key", "tile/0/%2e%2e/x"] {
        assert_eq!(hub.get(&format!("/log/{wrong}")).stranger().send().await.status, 404, "{wrong}");
    }
}

/// The size of every checkpoint that is shown until it has grown so often.
async fn sizes(hub: &TestHub, growths: usize) -> Vec<u64> {
    let mut sizes = vec![checkpoint(hub, 1).await.size];
    while sizes.len() <= growths {
        let next = sizes.last().unwrap() + 1;
        sizes.push(checkpoint(hub, next).await.size);
    }
    sizes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_padded_log_does_not_tell_how_much_is_done() {
    let padding = hub::Padding { to: 16, every: Duration::from_secs(1) };
    let [idle, busy] = [(); 2].map(|()| TestHub::start_with(|config| config.padding = Some(padding)));
    let (idle, busy) = tokio::join!(idle, busy);
    let acting = async {
        for count in [1, 4, 0, 2, 5, 1] {
            act(&busy.running, count).await;
            tokio::time::sleep(Duration::from_millis(800)).await;
        }
    };
    let (quiet, loud, ()) = tokio::join!(sizes(&idle, 5), sizes(&busy, 5), acting);
    let growths = |sizes: &[u64]| sizes.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
    assert_eq!(growths(&quiet), [16; 5]);
    assert_eq!(growths(&loud), [16; 5], "{loud:?}");
    // More than fits grows by the next multiple.
    act(&busy.running, 20).await;
    let more = sizes(&busy, 2).await;
    assert!(growths(&more).iter().all(|growth| growth % 16 == 0) && more[2] - more[0] >= 32, "{more:?}");
    // The log is as good as any other, and every entry looks alike.
    let head = checkpoint(&busy, 1).await;
    assert_eq!(root_from_tiles(&busy, head.size).await, head.root);
    let (rows, _) = busy.running.store().read(store::audit::verify).await.unwrap();
    assert!(rows >= head.size);
    let first = tiles_to_write(0, head.size.min(256)).remove(0);
    let bundle = busy.get(&format!("/log/{}", first.entries_path())).stranger().send().await.body;
    assert!(tlog::decode_entries(&bundle).unwrap().iter().all(|entry| entry.len() == 32));
    // Who supervises reads acts, and padding where it is asked for.
    let filter = store::audit::AuditFilter { limit: 1000, ..Default::default() };
    let listed = busy
        .running
        .store()
        .read(move |reader| store::audit::list(reader, &Realm::Live, &filter))
        .await
        .unwrap();
    let all = listed.iter().filter(|row| row.event.action == Action::PolicyChanged).count();
    assert_eq!((all, listed.iter().any(|row| row.event.action == Action::Padding)), (33, false));
    assert!(!busy.audit(Action::Padding).await.is_empty());
    let folder = busy.folder;
    busy.running.stop().await;
    start(folder.path()).await.unwrap().stop().await;
}

pub async fn start(folder: &Path) -> Result<RunningHub, hub::HubError> {
    Hub::start(HubConfig::new(folder, SocketAddr::from(([127, 0, 0, 1], 0)))).await
}

/// The database with its write-ahead log, which may stay behind when the program ends.
pub fn database_files(folder: &Path) -> Vec<(&'static str, Option<Vec<u8>>)> {
    ["yagura.sqlite", "yagura.sqlite-wal"].map(|name| (name, std::fs::read(folder.join(name)).ok())).into()
}

pub fn put_back(folder: &Path, files: &[(&'static str, Option<Vec<u8>>)]) {
    // The index of the write-ahead log is made anew.
    let _ = std::fs::remove_file(folder.join("yagura.sqlite-shm"));
    for (name, content) in files {
        let path = folder.join(name);
        match content {
            Some(content) => std::fs::write(path, content).unwrap(),
            None => drop(std::fs::remove_file(path)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_rolled_back_is_not_served() {
    let TestHub { running, folder, .. } = TestHub::start().await;
    let folder = folder.path();
    running.stop().await;
    let before = database_files(folder);
    let running = start(folder).await.unwrap();
    act(&running, 3).await;
    running.stop().await;
    let after = database_files(folder);
    put_back(folder, &before);
    let refused = start(folder).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code, "log", "{refused}");
    put_back(folder, &after);
    start(folder).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_not_started_with_another_key() {
    let TestHub { running, folder, .. } = TestHub::start().await;
    let folder = folder.path();
    running.stop().await;
    let key = folder.join("node.key");
    let text = std::fs::read(&key).unwrap();
    std::fs::write(&key, "00".repeat(32)).unwrap();
    assert_eq!(start(folder).await.map(|_| ()).unwrap_err().code, "key");
    std::fs::remove_file(&key).unwrap();
    assert_eq!(
        start(folder).await.map(|_| ()).unwrap_err().code,
        "key",
        "no key appears because a file is missing"
    );
    std::fs::write(&key, text).unwrap();
    start(folder).await.unwrap().stop().await;
}
