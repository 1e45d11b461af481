//! The log in a bucket: whole under its checkpoint, whoever fills it, and no hindrance when it is away.

use std::path::Path;
use std::time::{Duration, Instant};

use stix::marking::Tlp;
use store::Place;
use store::blobs::Bucket;

use crate::database::Server;
use crate::log::{checkpoint, root_from_tiles};
use crate::s3::S3;
use crate::support::{TestHub, V1, indicator, marked};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

async fn wait_for(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn publish(hub: &TestHub, count: usize) {
    for _ in 0..count {
        hub.publish(&hub.token, &[marked(indicator(V1), Tlp::Clear)]).await;
    }
}

/// The size that a checkpoint tells in its second line.
fn size_in(folder: &Path) -> u64 {
    let note = std::fs::read_to_string(folder.join("checkpoint")).unwrap_or_default();
    note.lines().nth(1).and_then(|line| line.parse().ok()).unwrap_or(0)
}

async fn notices(hub: &TestHub) -> String {
    let ready = hub.get("/readyz").stranger().send().await;
    assert_eq!(ready.status, 200, "a hub whose bucket is away serves");
    ready.json()["notices"].to_string()
}

fn all_files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(all_files(&path));
        } else {
            files.push(path.display().to_string());
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_and_checkpoint_are_in_the_bucket_and_served_from_it() {
    let s3 = S3::start();
    let bucket = Bucket::parse(&s3.blobs()).unwrap();
    let hub = TestHub::start_with(|config| config.blobs = Some(bucket)).await;
    // Enough for a full tile of the lowest level and a partial one.
    publish(&hub, 270).await;
    let seen = checkpoint(&hub, 270).await;
    wait_for("the bucket has it", async || size_in(&s3.holds()) >= seen.size).await;
    assert_eq!(root_from_tiles(&hub, seen.size).await, seen.root);
    let files = all_files(&s3.holds());
    assert!(files.iter().any(|file| file.ends_with("tile/0/000")), "{files:?}");
    assert!(files.iter().any(|file| file.ends_with("tile/entries/000")), "{files:?}");
    let partial = async || all_files(&s3.holds()).iter().any(|file| file.contains("tile/0/000.p/"));
    wait_for("partial forms of the full tile are gone", async || !partial().await).await;
    let in_folder = all_files(&hub.folder.path().join("log"));
    assert!(in_folder.iter().all(|file| file.ends_with("checkpoint")), "{in_folder:?}");
    // The log of authorisations is beside it, under its own name.
    crate::commissioners::granted_behind(&hub, "npa", "harbour").await;
    let authorisations = crate::log::checkpoint_of(&hub, "/log/authorisations", 2).await;
    let beside = s3.holds().join("authorisations");
    wait_for("the bucket has it, too", async || size_in(&beside) >= authorisations.size).await;
    let root = crate::log::root_of(&hub, "/log/authorisations", authorisations.size).await;
    assert_eq!(root, authorisations.root);
    assert!(beside.join("tile/entries/000.p/2").is_file(), "{:?}", all_files(&beside));
    // What the hub gives is what the bucket holds: an altered tile is seen.
    let tile = s3.holds().join("tile/0/000");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&tile, &bytes).unwrap();
    assert_eq!(hub.get("/log/tile/0/000").send().await.body, bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_away_or_slow_stops_nothing() {
    let mut s3 = S3::start();
    let bucket = Bucket::parse(&s3.blobs()).unwrap();
    let hub = TestHub::start_with(|config| config.blobs = Some(bucket)).await;
    publish(&hub, 20).await;
    let before = checkpoint(&hub, 20).await;
    wait_for("the bucket has it", async || size_in(&s3.holds()) >= before.size).await;
    s3.kill();
    publish(&hub, 20).await;
    let after = checkpoint(&hub, before.size + 20).await;
    assert_eq!(root_from_tiles(&hub, after.size).await, after.root, "made from the database");
    wait_for("it says so", async || notices(&hub).await.contains("blobs-away")).await;
    s3.resume();
    wait_for("the bucket has caught up", async || size_in(&s3.holds()) >= after.size).await;
    wait_for("all is well", async || notices(&hub).await == "[]").await;
    s3.take_over_each(Duration::from_secs(20));
    let begun = Instant::now();
    publish(&hub, 5).await;
    let slow = checkpoint(&hub, after.size + 5).await;
    assert_eq!(root_from_tiles(&hub, slow.size).await, slow.root);
    assert!(begun.elapsed() < Duration::from_secs(20), "nobody waits for it: {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_hubs_fill_one_bucket() {
    let Some(server) = Server::start() else { return };
    let s3 = S3::start();
    let (place, bucket) = (Place::parse(&server.address()), Bucket::parse(&s3.blobs()).unwrap());
    let one = TestHub::start_with(|config| {
        config.store = Some(place.clone());
        config.blobs = Some(bucket.clone());
    });
    let one = one.await;
    let two = one.beside_with(&place, |config| config.blobs = Some(bucket)).await;
    publish(&one, 10).await;
    publish(&two, 10).await;
    let seen = checkpoint(&two, 20).await;
    wait_for("the bucket has it", async || size_in(&s3.holds()) >= seen.size).await;
    // The one that filled it stops: the other one goes on.
    one.running.stop().await;
    publish(&two, 10).await;
    let seen = checkpoint(&two, seen.size + 10).await;
    wait_for("the bucket has it", async || size_in(&s3.holds()) >= seen.size).await;
    assert_eq!(root_from_tiles(&two, seen.size).await, seen.root);
    assert_eq!(notices(&two).await, "[]");
}

/// Another node's log, or something altered, is neither gone on with nor written over.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_with_something_else_in_it_is_left_as_it_is() {
    let s3 = S3::start();
    let bucket = Bucket::parse(&s3.blobs()).unwrap();
    let first = TestHub::start_with(|config| config.blobs = Some(bucket.clone())).await;
    publish(&first, 5).await;
    let seen = checkpoint(&first, 5).await;
    wait_for("the bucket has it", async || size_in(&s3.holds()) >= seen.size).await;
    first.running.stop().await;
    let before = std::fs::read(s3.holds().join("checkpoint")).unwrap();
    let other = TestHub::start_with(|config| config.blobs = Some(bucket)).await;
    publish(&other, 10).await;
    wait_for("it says so", async || notices(&other).await.contains("blobs-differ")).await;
    assert_eq!(std::fs::read(s3.holds().join("checkpoint")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_is_of_a_free_name_or_of_what_was_read() {
    use bytes::Bytes;
    let s3 = S3::start();
    let bucket = Bucket::parse(&s3.blobs()).unwrap();
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    assert!(bucket.get("a/b").await.unwrap().is_none());
    bucket.put_new("a/b", text("one")).await.unwrap();
    bucket.put_new("a/b", text("one")).await.unwrap();
    assert!(
        bucket.put_new("a/b", text("two")).await.unwrap_err().to_string().contains("holds something else")
    );
    let read = bucket.get("a/b").await.unwrap().unwrap();
    assert_eq!(read.bytes, text("one"));
    assert!(bucket.replace("a/b", text("two"), None).await.is_err(), "there is something");
    bucket.replace("a/b", text("two"), Some(&read)).await.unwrap();
    assert!(bucket.replace("a/b", text("three"), Some(&read)).await.is_err(), "it was replaced since");
    assert_eq!(bucket.get("a/b").await.unwrap().unwrap().bytes, text("two"));
    assert_eq!(bucket.names_in("a").await.unwrap(), ["a/b"]);
    bucket.remove_all(vec!["a/b".to_owned(), "a/gone".to_owned()]).await.unwrap();
    assert!(bucket.get("a/b").await.unwrap().is_none());
    let wrong = Bucket::parse(&s3.blobs().replace("s3cret", "wrong")).unwrap();
    let told = wrong.get("a/b").await.unwrap_err().to_string();
    assert!(told.contains("does not let this program in") && !told.contains("wrong"), "{told}");
}
