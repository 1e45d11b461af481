//! A witness that is killed with SIGKILL while it cosigns, again and again: whatever it answered, it still knows.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tlog::witness::AddCheckpoint;
use tlog::{LogKey, open_by_any};
use witness::Witness;

use crate::support::{Log, config, cosigner, log_key, log_public, serve};

const FOLDER: &str = "YAGURA_TEST_WITNESS_FOLDER";

/// Not a test by itself: the process that is killed.
#[test]
fn the_witness_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let witness = Arc::new(Witness::open(config(folder, 2)).unwrap());
        println!("address {}", serve(witness).await);
        std::future::pending::<()>().await;
    });
}

fn start(folder: &std::path::Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::the_witness_that_is_killed", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once("address ").map(|(_, rest)| rest.to_owned()));
    (child, address.expect("the witness says where it is"))
}

fn post(address: &str, body: String) -> Option<(u16, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let answer = client.post(format!("{address}/add-checkpoint")).body(body).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.text().await.ok()?))
    })
}

#[test]
fn what_it_cosigned_it_knows_after_being_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, mut known) = (Log::of(1, u64::MAX), 0);
    let keys: [LogKey; 1] = [log_public()];
    for round in 0..8_u64 {
        let (mut child, address) = start(folder.path());
        // Killed at another moment each time, in the middle of requests that follow each other without a pause.
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20 + 23 * round));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        let mut cosigned = known;
        loop {
            let note = log_key().sign_checkpoint(&log.head());
            let size = log.head().size;
            let request = AddCheckpoint::make(known, &note, |level, index| log.node(level, index)).unwrap();
            match post(&address, request.to_text()) {
                Some((200, lines)) => {
                    assert!(cosigner(2).cosigner_key().cosigned_at(&(note + &lines)).unwrap().is_some());
                    (known, cosigned) = (size, size);
                    log.grow(size + 1, u64::MAX);
                }
                // It was killed between having written and having answered, and says so now.
                Some((409, size)) => known = size.trim_end().parse().unwrap(),
                Some(other) => panic!("{other:?}"),
                None => break,
            }
        }
        killer.join().unwrap();
        // Its state is whole, and no older than the last answer.
        let witness = Witness::open(config(folder.path(), 2)).unwrap();
        let state = witness.checkpoint(&tlog::mirror::origin_hash(crate::support::ORIGIN)).unwrap();
        let size = state.map_or(0, |note| open_by_any(&note, &keys).unwrap().0.size);
        assert!(size >= cosigned, "it has forgotten {cosigned}, its state is of {size}");
    }
    assert!(known > 8, "only {known} checkpoints were cosigned");
}
