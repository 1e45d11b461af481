//! Collecting cosignatures: quorums, slow, false and hostile witnesses.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use tlog::{Policy, Unaccepted};
use tokio::net::TcpListener;
use witness::{CollectConfig, CollectFailure, Collected, Collector, Witness};

use crate::support::{Log, config, cosigner, log_key, log_public, policy, serve};

async fn witnesses(numbers: &[u8]) -> (Vec<tempfile::TempDir>, Vec<(u8, String)>) {
    let (mut folders, mut addresses) = (Vec::new(), Vec::new());
    for number in numbers {
        let folder = tempfile::tempdir().unwrap();
        let witness = Arc::new(Witness::open(config(folder.path(), *number)).unwrap());
        addresses.push((*number, serve(witness).await));
        folders.push(folder);
    }
    (folders, addresses)
}

fn collector(needed: usize, addresses: &[(u8, String)]) -> Collector {
    let pairs: Vec<(u8, &str)> = addresses.iter().map(|(number, url)| (*number, url.as_str())).collect();
    with_policy(policy(needed, &pairs))
}

fn with_policy(policy: Policy) -> Collector {
    let (timeout, grace) = (Duration::from_secs(5), Duration::from_millis(200));
    Collector::new(CollectConfig { log: log_public(), policy, timeout, grace }).unwrap()
}

async fn collect(collector: &Collector, log: &Log) -> Collected {
    let note = log_key().sign_checkpoint(&log.head());
    collector.collect(&note, |level, index| log.node(level, index)).await.unwrap()
}

/// A witness that answers what it is told to, after a while.
async fn stub(status: u16, body: String, after: Duration) -> String {
    let answer = move || {
        let body = body.clone();
        async move {
            tokio::time::sleep(after).await;
            (StatusCode::from_u16(status).unwrap(), body)
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/add-checkpoint", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn a_log_that_grows_has_its_quorum() {
    let (_folders, addresses) = witnesses(&[1, 2, 3]).await;
    let first = collector(2, &addresses);
    let mut log = Log::new();
    for size in [1, 2, 7, 300] {
        log.grow(size, 999);
        let collected = collect(&first, &log).await;
        assert_eq!(collected.judged.unwrap().cosigned().len(), 3, "all are waited for a little");
    }
    // A collector that was started anew knows no sizes, and is told them.
    log.grow(301, 999);
    let collected = collect(&collector(2, &addresses), &log).await;
    assert!(collected.failed.is_empty(), "{:?}", collected.failed);
    assert_eq!(collected.judged.unwrap().checkpoint(), &log.head());
}

#[tokio::test]
async fn the_dead_and_the_slow_delay_little() {
    let (_folders, mut addresses) = witnesses(&[1, 2]).await;
    let log = Log::of(5, 99);
    addresses.push((3, stub(200, String::new(), Duration::from_secs(60)).await));
    addresses.push((4, "http://127.0.0.1:1".into()));
    let started = Instant::now();
    let collected = collect(&collector(2, &addresses), &log).await;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert!(collected.judged.is_ok());
    let failed: Vec<_> = collected.failed.iter().map(|(name, why)| (name.as_str(), why)).collect();
    assert!(
        matches!(failed[..], [("w3", CollectFailure::Late), ("w4", CollectFailure::Unreachable(_))]),
        "{failed:?}"
    );
    // Where the quorum needs them the time is used up, and there is none.
    let collected = collect(&collector(3, &addresses), &log).await;
    assert!(matches!(collected.judged, Err(Unaccepted::NoQuorum { .. })));
}

#[tokio::test]
async fn what_hostile_witnesses_answer_is_left_out() {
    let (_folders, mut addresses) = witnesses(&[1]).await;
    let log = Log::of(5, 99);
    let other = Log::of(6, 99);
    let line = |number: u8, log: &Log, time| cosigner(number).cosign(&log.head().to_text(), time).unwrap();
    let now = Duration::ZERO;
    let answers = [
        (2, 200, line(2, &other, 7)), // of another tree
        (3, 200, line(3, &log, 0)),   // without a time
        (4, 200, line(1, &log, 7)),   // of another witness
        (5, 200, format!("{}\n\n{}", line(5, &log, 7), line(5, &log, 7))), // an end of the text put in
        (6, 200, "<html>".to_owned()),
        (7, 409, "6\n".to_owned()), // ahead of the log
        (8, 409, "4\n".to_owned()), // for ever
        (9, 422, "fork\n".to_owned()),
    ];
    for (number, status, body) in answers {
        addresses.push((number, stub(status, body, now).await));
    }
    let collected = collect(&collector(1, &addresses), &log).await;
    assert_eq!(collected.judged.unwrap().cosigned().len(), 1);
    assert_eq!(collected.note.matches('\u{2014}').count(), 2, "{}", collected.note);
    let failed: Vec<&CollectFailure> = collected.failed.iter().map(|(_, why)| why).collect();
    assert!(
        matches!(
            failed[..],
            [
                CollectFailure::Answer(_),
                CollectFailure::Answer(_),
                CollectFailure::NoLine,
                CollectFailure::Answer(_),
                CollectFailure::Answer(_),
                CollectFailure::Ahead(6),
                CollectFailure::Restless,
                CollectFailure::Refused(422),
            ]
        ),
        "{failed:?}"
    );
}

/// A log that shows its witnesses two histories gets a quorum for one of them at most.
#[tokio::test]
async fn a_split_view_has_no_second_quorum() {
    let (folders, addresses) = witnesses(&[1, 2, 3]).await;
    let (ours, theirs) = (Log::of(20, 99), Log::of(20, 7));
    assert!(collect(&collector(2, &addresses[..2]), &ours).await.judged.is_ok());
    let collected = collect(&collector(2, &addresses), &theirs).await;
    assert!(matches!(collected.judged, Err(Unaccepted::NoQuorum { .. })));
    let kept = |folder: &tempfile::TempDir| {
        crate::support::files(folder.path()).keys().any(|name| name.contains("split-view"))
    };
    assert!(kept(&folders[0]) && kept(&folders[1]) && !kept(&folders[2]));
    // Rolled back, it gets none either.
    let collected = collect(&collector(2, &addresses), &Log::of(10, 99)).await;
    assert!(collected.judged.is_err());
    assert!(collected.failed.iter().all(|(_, why)| matches!(why, CollectFailure::Ahead(20))));
}

#[tokio::test]
async fn a_witness_without_an_address_cannot_be_asked() {
    let text = format!("witness w {}\nquorum w\n", cosigner(1).cosigner_key().encode());
    let collected = collect(&with_policy(Policy::parse(text.as_bytes()).unwrap()), &Log::of(1, 9)).await;
    assert!(matches!(collected.failed[..], [(_, CollectFailure::NoAddress)]));
}
