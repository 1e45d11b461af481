//! Mirrors: of a folder and over HTTP, interrupted, damaged and cheated.

use std::fs;
use std::io::Write;
use std::path::Path;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use proptest::prelude::*;
use tokio::net::TcpListener;
use witness::{Fault, MirrorConfig, MirroringError, Source, VerifyConfig, mirror, mirror_once, verify};

use crate::support::{Log, cosigner, files, log_key, policy, put};

fn mirror_of(source: Source, folder: &Path) -> MirrorConfig {
    MirrorConfig { source, folder: folder.to_owned(), policy: policy(0, &[]), keys: vec![cosigner(1)] }
}

async fn verified(folder: &Path) -> Result<u64, String> {
    // The mirror is the cosigner: its statement is a part of what its copy shows.
    let config = VerifyConfig {
        source: Source::folder(folder),
        policy: policy(1, &[(1, "")]),
        log: None,
        since: None,
    };
    verify(&config).await.map(|log| log.witnessed.checkpoint().size).map_err(|faults| faults.to_string())
}

/// Serves the files of a folder, bundles packed with gzip.
async fn serve_files(folder: &Path) -> String {
    let folder = folder.to_owned();
    let answer = move |uri: Uri| {
        let path = folder.join(uri.path().trim_start_matches("/log/"));
        async move {
            let Ok(bytes) = fs::read(path) else { return StatusCode::NOT_FOUND.into_response() };
            if !uri.path().contains("/entries/") {
                return bytes.into_response();
            }
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(&bytes).unwrap();
            ([("content-encoding", "gzip")], packed.finish().unwrap()).into_response()
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/log", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    address
}

#[tokio::test]
async fn a_log_is_followed_from_a_folder() {
    let copy = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    let mut old = 0;
    for size in [0, 1, 200, 256, 257, 512, 700, 700] {
        log.grow(size, 9999);
        let mirrored = mirror_once(&mirror_of(Source::folder(log.path()), copy.path())).await.unwrap();
        assert_eq!((mirrored.old, mirrored.size), (old, size));
        assert_eq!(verified(copy.path()).await, Ok(size));
        old = size;
    }
    let mirrored = mirror_once(&mirror_of(Source::folder(log.path()), copy.path())).await.unwrap();
    assert_eq!(mirrored.fetched, 0, "what is held is not fetched again");
    // What the mirror holds is what the log has, byte for byte; partial tiles that are full now are gone.
    let (ours, theirs) = (files(copy.path()), files(log.path()));
    for (name, bytes) in ours.iter().filter(|(name, _)| name.starts_with("tile/")) {
        assert_eq!(theirs.get(name), Some(bytes), "{name}");
    }
    let partial: Vec<_> =
        ours.keys().filter(|name| name.contains("000.p/") && name.starts_with("tile/0/")).collect();
    assert!(partial.is_empty(), "{partial:?}");
}

#[tokio::test]
async fn a_log_is_followed_over_http() {
    let copy = tempfile::tempdir().unwrap();
    let mut log = Log::of(300, 9999);
    let source = Source::parse(&serve_files(log.path()).await).unwrap();
    let config = mirror_of(source, copy.path());
    assert_eq!(mirror_once(&config).await.unwrap().size, 300);
    log.grow(66_000, 99_999);
    // A log may remove partial tiles once the full ones are there.
    fs::remove_dir_all(log.path().join("tile/0/001.p")).unwrap();
    assert_eq!(mirror_once(&config).await.unwrap().size, 66_000);
    assert_eq!(verified(copy.path()).await, Ok(66_000));
    // A mirror of the mirror: partial tiles that it removed are taken of the full ones.
    let second = tempfile::tempdir().unwrap();
    let config = mirror_of(Source::folder(copy.path()), second.path());
    assert_eq!(mirror_once(&config).await.unwrap().size, 66_000);
}

#[tokio::test]
async fn an_interrupted_round_is_resumed() {
    let copy = tempfile::tempdir().unwrap();
    let log = Log::of(2000, 9999);
    let config = mirror_of(Source::folder(log.path()), copy.path());
    let bundle = log.path().join("tile/entries/003");
    let bytes = fs::read(&bundle).unwrap();
    fs::remove_file(&bundle).unwrap();
    let error = mirror_once(&config).await.unwrap_err();
    assert_eq!(error.to_string(), "`tile/entries/003` is missing");
    assert!(!copy.path().join("checkpoint").exists(), "nothing is said before everything is held");
    let left = files(copy.path()).len();
    assert!(left > 4);
    fs::write(&bundle, bytes).unwrap();
    let mirrored = mirror_once(&config).await.unwrap();
    assert!(mirrored.fetched < 16 && mirrored.fetched > 0, "{mirrored:?}");
    assert_eq!(verified(copy.path()).await, Ok(2000));
}

#[tokio::test]
async fn what_was_damaged_on_disk_in_between_is_fetched_again() {
    let copy = tempfile::tempdir().unwrap();
    let log = Log::of(700, 9999);
    let config = mirror_of(Source::folder(log.path()), copy.path());
    mirror_once(&config).await.unwrap();
    // As after a crash in the first round: everything written, nothing said yet, and some of it damaged.
    fs::remove_file(copy.path().join("checkpoint")).unwrap();
    for name in ["tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/001"] {
        let mut bytes = fs::read(copy.path().join(name)).unwrap();
        bytes[40] ^= 1;
        put(copy.path(), name, &bytes);
    }
    mirror_once(&config).await.unwrap();
    assert_eq!(verified(copy.path()).await, Ok(700));
}

#[tokio::test]
async fn a_fork_a_rollback_and_changed_files_are_refused() {
    let copy = tempfile::tempdir().unwrap();
    let log = Log::of(700, 9999);
    mirror_once(&mirror_of(Source::folder(log.path()), copy.path())).await.unwrap();
    let before = files(copy.path());

    let fork = Log::of(800, 100);
    let error = mirror_once(&mirror_of(Source::folder(fork.path()), copy.path())).await.unwrap_err();
    let MirroringError::Fork { evidence, .. } = error else { panic!("{error}") };
    let text = fs::read_to_string(evidence).unwrap();
    assert!(text.contains("\n700\n") && text.contains("\n800\n"));
    let split = Log::of(700, 100);
    let error = mirror_once(&mirror_of(Source::folder(split.path()), copy.path())).await.unwrap_err();
    assert!(matches!(error, MirroringError::Fork { .. }), "{error}");
    let smaller = Log::of(600, 9999);
    let error = mirror_once(&mirror_of(Source::folder(smaller.path()), copy.path())).await.unwrap_err();
    assert!(matches!(error, MirroringError::Behind { size: 600, held: 700 }), "{error}");

    let mut grown = Log::of(700, 9999);
    grown.grow(1000, 9999);
    for name in
        ["tile/0/002", "tile/0/003.p/232", "tile/1/000.p/3", "tile/entries/002", "tile/entries/003.p/232"]
    {
        let good = fs::read(grown.path().join(name)).unwrap();
        let mut bad = good.clone();
        bad[50] ^= 1;
        grown.put(name, &bad);
        // A copy of its own for each, or what one try wrote would stand in for what the next finds changed.
        let again = tempfile::tempdir().unwrap();
        before.iter().for_each(|(name, bytes)| put(again.path(), name, bytes));
        let error = mirror_once(&mirror_of(Source::folder(grown.path()), again.path())).await.unwrap_err();
        let refused = matches!(error, MirroringError::Wrong(_) | MirroringError::Fork { .. });
        assert!(refused, "{name}: {error}");
        assert_eq!(files(again.path())["checkpoint"], before["checkpoint"], "{name}");
        grown.put(name, &good);
    }
    assert_eq!(mirror_once(&mirror_of(Source::folder(grown.path()), copy.path())).await.unwrap().size, 1000);
    assert_eq!(verified(copy.path()).await, Ok(1000));
}

/// Once a checkpoint is pending the mirror is bound to it, also where its entries never came.
#[tokio::test]
async fn a_pending_checkpoint_binds() {
    let copy = tempfile::tempdir().unwrap();
    let log = Log::of(300, 9999);
    fs::remove_file(log.path().join("tile/entries/001.p/44")).unwrap();
    mirror_once(&mirror_of(Source::folder(log.path()), copy.path())).await.unwrap_err();
    let fork = Log::of(400, 290);
    let error = mirror_once(&mirror_of(Source::folder(fork.path()), copy.path())).await.unwrap_err();
    assert!(matches!(error, MirroringError::Fork { .. }), "{error}");
}

#[tokio::test]
async fn a_checkpoint_without_its_quorum_is_not_mirrored() {
    let copy = tempfile::tempdir().unwrap();
    let log = Log::of(3, 9);
    let mut config = mirror_of(Source::folder(log.path()), copy.path());
    config.policy = policy(1, &[(2, "")]);
    assert!(matches!(mirror_once(&config).await, Err(MirroringError::Unaccepted(_))));
    let note =
        log_key().sign_checkpoint(&log.head()) + &cosigner(2).cosign(&log.head().to_text(), 7).unwrap();
    log.put("checkpoint", note.as_bytes());
    assert_eq!(mirror_once(&config).await.unwrap().size, 3);
    let shown = fs::read_to_string(copy.path().join("checkpoint")).unwrap();
    assert!(shown.starts_with(&note) && shown.lines().count() == 7, "{shown}");
    assert!(Fault::Root.to_string().contains("another log"));
}

#[tokio::test]
async fn a_mirror_follows_until_it_is_told_to_stop() {
    let copy = tempfile::tempdir().unwrap();
    let log = std::sync::Mutex::new(Log::of(10, 9999));
    let folder = log.lock().unwrap().path().to_owned();
    let config = mirror_of(Source::folder(folder), copy.path());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (mut stop, mut sizes) = (Some(stop), Vec::new());
    let told = |outcome: Result<witness::Mirrored, MirroringError>| {
        let size = outcome.unwrap().size;
        sizes.push(size);
        log.lock().unwrap().grow(size + 300, 9999);
        if sizes.len() == 3 {
            stop.take().map(|stop| stop.send(()));
        }
    };
    let every = std::time::Duration::from_millis(1);
    mirror(&config, every, async { drop(stopped.await) }, told).await;
    assert_eq!(sizes, [10, 310, 610]);
    assert_eq!(verified(copy.path()).await, Ok(610));
}

/// What a crash within a round may leave: any of its files, whole, missing or (on a disk that lies) damaged, bound to the new checkpoint or not.
fn after_crash(before: &Path, after: &Path, fates: &[u8], bound: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let held = files(before);
    held.iter().for_each(|(name, bytes)| put(folder.path(), name, bytes));
    let mut new: Vec<_> = files(after)
        .into_iter()
        .filter(|(name, _)| name.starts_with("tile/") && !held.contains_key(name))
        .collect();
    new.sort();
    for ((name, mut bytes), fate) in new.into_iter().zip(fates.iter().cycle()) {
        match fate % 4 {
            0 => continue,
            1 => bytes.truncate(bytes.len() / 2),
            _ => {}
        }
        put(folder.path(), &name, &bytes);
    }
    if bound {
        put(folder.path(), "pending", &fs::read(after.join("pending")).unwrap());
    }
    folder
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn after_a_crash_anywhere_the_mirror_is_whole(fates in prop::collection::vec(any::<u8>(), 1..20), bound in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let mut log = Log::of(300, 9999);
            for folder in [&before, &after] {
                mirror_once(&mirror_of(Source::folder(log.path()), folder.path())).await.unwrap();
            }
            log.grow(900, 9999);
            mirror_once(&mirror_of(Source::folder(log.path()), after.path())).await.unwrap();
            let crashed = after_crash(before.path(), after.path(), &fates, bound);
            // Before anything else it holds what it said that it holds.
            assert_eq!(verified(crashed.path()).await, Ok(300));
            mirror_once(&mirror_of(Source::folder(log.path()), crashed.path())).await.unwrap();
            assert_eq!(verified(crashed.path()).await, Ok(900));
        });
    }
}
