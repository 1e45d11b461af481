//! Verifying a log from its files, and proving single entries: what is wrong is said exactly.

use std::fs;

use tlog::{TlogProof, decode_entries, encode_entries, leaf_hash};
use witness::{Faults, ProveConfig, ProveError, Source, VerifyConfig, prove, verify};

use crate::support::{Log, cosigner, log_key, policy};

async fn faults(log: &Log) -> Result<u64, String> {
    let config = VerifyConfig {
        source: Source::folder(log.path()),
        policy: policy(1, &[(1, ""), (2, "")]),
        log: None,
        since: None,
    };
    let verified = verify(&config).await;
    verified.map(|log| log.witnessed.checkpoint().size).map_err(|faults: Faults| faults.to_string())
}

/// A log that two witnesses cosigned.
pub(crate) fn cosigned(size: u64) -> Log {
    let log = Log::of(size, u64::MAX);
    let text = log.head().to_text();
    let lines: String =
        [1, 2].iter().map(|number| cosigner(*number).cosign(&text, 1_800_000_000).unwrap()).collect();
    log.put("checkpoint", (log_key().sign_checkpoint(&log.head()) + &lines).as_bytes());
    log
}

/// The same log with one file changed, and what is said of it.
async fn changed(log: &Log, name: &str, change: impl Fn(&mut Vec<u8>)) -> String {
    let good = fs::read(log.path().join(name)).unwrap();
    let mut bad = good.clone();
    change(&mut bad);
    assert_ne!(good, bad);
    log.put(name, &bad);
    let said = faults(log).await.unwrap_err();
    log.put(name, &good);
    said
}

#[tokio::test]
async fn whole_logs_are_accepted() {
    for size in [0, 1, 255, 256, 257, 700, 66_000] {
        assert_eq!(faults(&cosigned(size)).await, Ok(size));
    }
}

#[tokio::test]
async fn each_change_is_named() {
    let log = cosigned(66_000);
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;
    let entry = |path: &str, index: u64| {
        format!("`{path}`: entry {index} is not the one that the log signed: it was changed")
    };
    let tile = |path: &str| format!("`{path}` is not what the entries make: the tile was changed");
    assert_eq!(changed(&log, "tile/entries/001", flip(2)).await, entry("tile/entries/001", 256));
    let tail = "tile/entries/257.p/208";
    assert_eq!(changed(&log, tail, |bytes| *bytes.last_mut().unwrap() ^= 1).await, entry(tail, 65_999));
    for name in ["tile/0/000", "tile/0/257.p/208", "tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"] {
        assert_eq!(changed(&log, name, flip(5)).await, tile(name));
    }
    let swapped = changed(&log, "tile/entries/002", |bytes| {
        let mut entries: Vec<Vec<u8>> =
            decode_entries(bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect();
        entries.swap(0, 1);
        *bytes = encode_entries(entries).unwrap();
    });
    let both = format!("{}; {}", entry("tile/entries/002", 512), entry("tile/entries/002", 513));
    assert_eq!(swapped.await, both);
    let short = changed(&log, "tile/0/003", |bytes| bytes.truncate(8191)).await;
    assert_eq!(short, "`tile/0/003`: a tile of 256 hashes has 8192 bytes, this one has 8191");
    let short = changed(&log, "tile/entries/003", |bytes| bytes.truncate(100)).await;
    assert!(short.starts_with("`tile/entries/003`: the bundle is cut off within entry"), "{short}");
    let one_less = changed(&log, "tile/entries/003", |bytes| {
        let entries: Vec<Vec<u8>> = decode_entries(bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect();
        *bytes = encode_entries(&entries[..255]).unwrap();
    });
    assert_eq!(one_less.await, "`tile/entries/003`: it has 255 entries, not 256");
    let missing = log.path().join("tile/1/000");
    let bytes = fs::read(&missing).unwrap();
    fs::remove_file(&missing).unwrap();
    assert_eq!(faults(&log).await.unwrap_err(), "`tile/1/000` is missing");
    fs::write(missing, bytes).unwrap();
    assert_eq!(faults(&log).await, Ok(66_000));
}

#[tokio::test]
async fn another_log_under_the_checkpoint_is_another_log() {
    let (log, other) = (cosigned(700), Log::of(700, 10));
    other.put("checkpoint", &fs::read(log.path().join("checkpoint")).unwrap());
    let said = faults(&other).await.unwrap_err();
    assert!(said.starts_with("neither the entries nor the tiles make the signed root"), "{said}");
    // Entries and their tile changed together: the tile above gives them away.
    let bundle = fs::read(other.path().join("tile/entries/001")).unwrap();
    let tile = fs::read(other.path().join("tile/0/001")).unwrap();
    log.put("tile/entries/001", &bundle);
    log.put("tile/0/001", &tile);
    let said = faults(&log).await.unwrap_err();
    assert_eq!(
        said,
        "`tile/0/001` and `tile/entries/001` fit each other, but not the tile above, which is signed: both were changed"
    );
}

#[tokio::test]
async fn checkpoints_that_are_not_accepted_are_told() {
    let log = cosigned(10);
    let said = changed(&log, "checkpoint", |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.split_inclusive('\n').take(5).collect::<String>().into_bytes();
    });
    let said = said.await;
    assert_eq!(
        said,
        "checkpoint: the checkpoint of `council.example/log` at 10 entries lacks its quorum: cosigned by nobody, not by w1, w2"
    );
    let said = changed(&log, "checkpoint", |bytes| bytes[20] = b'2').await;
    assert!(said.starts_with("checkpoint: the signature of `council.example/log` is not valid"), "{said}");
}

#[tokio::test]
async fn every_entry_can_be_proved() {
    let log = cosigned(700);
    let policy = || policy(2, &[(1, ""), (2, "")]);
    for index in [0, 1, 255, 256, 511, 512, 699] {
        let config = ProveConfig { source: Source::folder(log.path()), policy: policy(), index };
        let proved = prove(&config).await.unwrap();
        assert_eq!(proved.entry, format!("entry {index}").into_bytes());
        // What is in the file is enough for somebody who has the policy and the entry.
        let read = TlogProof::parse(&proved.proof.to_text()).unwrap();
        assert_eq!(read.verify(&leaf_hash(&proved.entry), &policy()).unwrap(), proved.witnessed);
    }
    let beyond = ProveConfig { source: Source::folder(log.path()), policy: policy(), index: 700 };
    assert!(matches!(prove(&beyond).await, Err(ProveError::Make(_))));
    let mut bytes = fs::read(log.path().join("tile/entries/000")).unwrap();
    bytes[2] ^= 1;
    log.put("tile/entries/000", &bytes);
    let changed = ProveConfig { source: Source::folder(log.path()), policy: policy(), index: 0 };
    assert!(matches!(prove(&changed).await, Err(ProveError::Unproved(_))));
}

#[tokio::test]
async fn a_checkpoint_kept_from_before_must_be_continued() {
    let log = cosigned(300);
    let since = async |before: &Log| {
        let since = Some(log_key().sign_checkpoint(&before.head()));
        let policy = policy(1, &[(1, "")]);
        let config = VerifyConfig { source: Source::folder(log.path()), policy, log: None, since };
        verify(&config).await.map_err(|faults| faults.to_string())
    };
    for size in [0, 1, 256, 299, 300] {
        assert!(since(&Log::of(size, u64::MAX)).await.is_ok(), "{size}");
    }
    let rolled_back = since(&Log::of(301, u64::MAX)).await.unwrap_err();
    assert_eq!(rolled_back, "the log has 300 entries and had 301: it was rolled back");
    for size in [12, 300] {
        let forked = since(&Log::of(size, 11)).await.unwrap_err();
        assert!(
            forked.starts_with(&format!("the log does not continue the checkpoint of {size} entries")),
            "{forked}"
        );
    }
}
