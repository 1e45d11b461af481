//! A witness: what it answers over HTTP, what it refuses, what stays on disk.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tlog::mirror::origin_hash;
use tlog::witness::{AddCheckpoint, Refusal};
use tlog::{CosignatureKind, SigningKey, open_by_any};
use witness::{AddFailure, KeyFileError, Witness, WitnessError, create_key, read_key};

use crate::support::{Log, ORIGIN, config, cosigner, files, log_key, log_public, serve};

const NOW: u64 = 1_800_000_000;

fn request(log: &Log, old: u64) -> String {
    let note = log_key().sign_checkpoint(&log.head());
    AddCheckpoint::make(old, &note, |level, index| log.node(level, index)).unwrap().to_text()
}

fn status(answer: Result<String, AddFailure>) -> u16 {
    match answer {
        Ok(_) => 200,
        Err(AddFailure::Request(_)) => 400,
        Err(AddFailure::Refused(refusal)) => refusal.status(),
        Err(AddFailure::Witness(_)) => 500,
    }
}

fn evidence(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        files(folder).into_keys().filter(|name| name.contains("/evidence/")).collect();
    names.sort();
    names
}

#[test]
fn it_follows_a_log_and_never_another_history() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Witness::open(config(folder.path(), 1)).unwrap();
    let (small, grown, fork) = (Log::of(8, 99), Log::of(20, 99), Log::of(20, 5));
    let lines = witness.add_checkpoint(&request(&small, 0), NOW).unwrap();
    let note = log_key().sign_checkpoint(&small.head());
    assert_eq!(cosigner(1).cosigner_key().cosigned_at(&(note + &lines)), Ok(Some(NOW)));
    assert!(evidence(folder.path()).is_empty());

    // A fork of what was cosigned, a split view of it, a rollback.
    assert_eq!(status(witness.add_checkpoint(&request(&fork, 8), NOW)), 422);
    assert_eq!(status(witness.add_checkpoint(&request(&Log::of(8, 5), 8), NOW)), 422);
    assert_eq!(status(witness.add_checkpoint(&request(&Log::of(7, 99), 0), NOW)), 409);
    let found = evidence(folder.path());
    let kinds: Vec<_> = found.iter().map(|name| name.split('/').nth(2).unwrap()).collect();
    assert_eq!(kinds, ["fork", "rollback", "split-view"]);
    let text = fs::read_to_string(folder.path().join(&found[2])).unwrap();
    let (cosigned, refused) = text.split_once("== refused\n").unwrap();
    let cosigned = cosigned.split_once("== cosigned here by then\n").unwrap().1.trim_end().to_owned() + "\n";
    let refused = AddCheckpoint::parse(refused).unwrap();
    // Both halves are signed by the log: nobody needs to trust the witness.
    let (ours, _) = open_by_any(&cosigned, &[log_public()]).unwrap();
    let (theirs, _) = open_by_any(refused.checkpoint(), &[log_public()]).unwrap();
    assert!(ours.size == theirs.size && ours.root != theirs.root);
    // Brought again, it fills no disk.
    assert_eq!(status(witness.add_checkpoint(&request(&fork, 8), NOW)), 422);
    assert_eq!(evidence(folder.path()).len(), 3);

    // A replay of the first request is told the size, and the log goes on.
    assert_eq!(status(witness.add_checkpoint(&request(&small, 0), NOW)), 409);
    assert_eq!(evidence(folder.path()).len(), 3);
    witness.add_checkpoint(&request(&grown, 8), NOW + 1).unwrap();
    assert_eq!(status(witness.add_checkpoint(&request(&small, 8), NOW + 2)), 409);
    // The same checkpoint again, with the size that it has, is cosigned anew.
    assert!(witness.add_checkpoint(&request(&grown, 20), NOW + 3).is_ok());
}

#[test]
fn its_state_outlives_it_and_cannot_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (small, grown) = (Log::of(8, 99), Log::of(20, 99));
    {
        let witness = Witness::open(config(folder.path(), 1)).unwrap();
        witness.add_checkpoint(&request(&small, 0), NOW).unwrap();
        // No second one at the same folder.
        assert!(matches!(Witness::open(config(folder.path(), 1)), Err(WitnessError::File { .. })));
    }
    let witness = Witness::open(config(folder.path(), 1)).unwrap();
    assert_eq!(status(witness.add_checkpoint(&request(&grown, 0), NOW)), 409);
    assert!(witness.add_checkpoint(&request(&grown, 8), NOW).is_ok());
    drop(witness);

    let state = folder.path().join(origin_hash(ORIGIN)).join("checkpoint");
    let good = fs::read_to_string(&state).unwrap();
    // A head that the log did sign, put in its place by somebody who has not the witness's key.
    for bad in [log_key().sign_checkpoint(&small.head()), good.replace("20\n", "21\n"), String::new()] {
        fs::write(&state, bad).unwrap();
        assert!(matches!(Witness::open(config(folder.path(), 1)), Err(WitnessError::State { .. })));
    }
    fs::write(&state, good).unwrap();
    // Another key does not take over what it has not signed; beside the old one it does.
    assert!(matches!(Witness::open(config(folder.path(), 3)), Err(WitnessError::State { .. })));
    let mut both = config(folder.path(), 1);
    both.keys.push(cosigner(2));
    let witness = Witness::open(both).unwrap();
    assert_eq!(witness.add_checkpoint(&request(&grown, 20), NOW).unwrap().lines().count(), 2);
    drop(witness);
    assert!(Witness::open(config(folder.path(), 2)).is_ok());
}

#[test]
fn a_lost_folder_is_not_made_anew_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    let mut config = config(&gone, 1);
    config.create = false;
    assert!(matches!(Witness::open(config), Err(WitnessError::NoFolder(_))));
    let mut nothing = crate::support::config(&gone, 1);
    nothing.logs.clear();
    assert!(matches!(Witness::open(nothing), Err(WitnessError::Nothing)));
}

#[test]
fn time_does_not_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Witness::open(config(folder.path(), 2)).unwrap();
    let (small, grown) = (Log::of(8, 99), Log::of(20, 99));
    witness.add_checkpoint(&request(&small, 0), NOW).unwrap();
    let far = witness.add_checkpoint(&request(&grown, 8), NOW - 301);
    assert!(matches!(far, Err(AddFailure::Witness(WitnessError::Clock { seconds: 301 }))));
    let lines = witness.add_checkpoint(&request(&grown, 8), NOW - 300).unwrap();
    let note = log_key().sign_checkpoint(&grown.head()) + &lines;
    assert_eq!(cosigner(2).cosigner_key().cosigned_at(&note), Ok(Some(NOW)), "as late as the one before");
}

#[test]
fn strangers_leave_nothing_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Witness::open(config(folder.path(), 1)).unwrap();
    let before = files(folder.path());
    let log = Log::of(8, 99);
    let forger = SigningKey::from_seed(ORIGIN, [9; 32]).unwrap();
    let forged = AddCheckpoint::make(0, &forger.sign_checkpoint(&log.head()), |_, _| None).unwrap().to_text();
    assert_eq!(status(witness.add_checkpoint(&forged, NOW)), 403);
    assert_eq!(status(witness.add_checkpoint("old 0\n\nnothing\n", NOW)), 400);
    let other = tlog::Checkpoint { origin: "other.example".into(), ..log.head() };
    let other_key = SigningKey::from_seed("other.example", [1; 32]).unwrap();
    let unknown = AddCheckpoint::make(0, &other_key.sign_checkpoint(&other), |_, _| None).unwrap();
    assert_eq!(status(witness.add_checkpoint(&unknown.to_text(), NOW)), 404);
    assert_eq!(files(folder.path()), before);
}

#[test]
fn of_many_at_once_one_history_is_cosigned() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Witness::open(config(folder.path(), 2)).unwrap();
    let logs: Vec<Log> = (0..8).map(|fork| Log::of(16 + fork, fork)).collect();
    let requests: Vec<String> = logs.iter().map(|log| request(log, 0)).collect();
    let cosigned = std::thread::scope(|scope| {
        let tasks: Vec<_> =
            requests.iter().map(|text| scope.spawn(|| witness.add_checkpoint(text, NOW).is_ok())).collect();
        tasks.into_iter().filter(|_| true).map(|task| usize::from(task.join().unwrap())).sum::<usize>()
    });
    assert_eq!(cosigned, 1);
}

#[tokio::test]
async fn over_http_as_specified() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Arc::new(Witness::open(config(folder.path(), 1)).unwrap());
    let address = serve(Arc::clone(&witness)).await;
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let post = async |body: String| {
        let answer = client.post(format!("{address}/add-checkpoint")).body(body).send().await.unwrap();
        let media = answer.headers().get("content-type").unwrap().to_str().unwrap().to_owned();
        (answer.status().as_u16(), media, answer.text().await.unwrap())
    };
    let monitor = format!("{address}/{}/checkpoint", origin_hash(ORIGIN));
    let get = async || {
        let answer = client.get(&monitor).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let log = Log::of(8, 99);
    assert_eq!(get().await.0, 404);
    let (code, _, lines) = post(request(&log, 0)).await;
    assert_eq!(code, 200);
    assert!(lines.starts_with("\u{2014} witness.example/1 ") && lines.ends_with('\n'), "{lines}");
    let (code, note) = get().await;
    assert_eq!(code, 200);
    assert_eq!(open_by_any(&note, &[log_public()]).unwrap().0, log.head());
    assert!(note.ends_with(&lines));
    assert!(cosigner(1).cosigner_key().cosigned_at(&note).unwrap().unwrap() > NOW / 2);
    let (code, media, body) = post(request(&Log::of(9, 99), 0)).await;
    assert_eq!((code, media.as_str(), body.as_str()), (409, "text/x.tlog.size", "8\n"));
    assert_eq!(post(request(&Log::of(9, 3), 8)).await.0, 422);
    assert_eq!(post("old 1\n".into()).await.0, 400);
    assert_eq!(post("x".repeat(300_000)).await.0, 400);
    let answer = client.get(format!("{address}/{}/checkpoint", origin_hash("other"))).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 404);
    assert_eq!(Refusal::Conflict { latest: 8 }.body(), "8\n");
}

#[test]
fn key_files_are_made_once_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [CosignatureKind::Ed25519, CosignatureKind::MlDsa44] {
        let path = folder.path().join(format!("{kind:?}"));
        let public = create_key(&path, "witness.example", kind).unwrap();
        assert_eq!(read_key(&path).unwrap().cosigner_key(), public);
        assert!(matches!(create_key(&path, "witness.example", kind), Err(KeyFileError::File { .. })));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let damaged = fs::read_to_string(&path).unwrap().replace("witness.", "witless.");
        fs::write(&path, damaged).unwrap();
        assert!(matches!(read_key(&path), Err(KeyFileError::Form(_))));
    }
}

/// What cannot be made durable is not cosigned; the next request begins with what the disk has.
#[test]
fn nothing_is_cosigned_that_is_not_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let witness = Witness::open(config(folder.path(), 1)).unwrap();
    let (small, grown) = (Log::of(8, 99), Log::of(20, 99));
    witness.add_checkpoint(&request(&small, 0), NOW).unwrap();
    let state = folder.path().join(origin_hash(ORIGIN));
    let before = fs::read(state.join("checkpoint")).unwrap();
    // In the way of the new file, so that writing fails.
    fs::create_dir(state.join("checkpoint.new")).unwrap();
    assert_eq!(status(witness.add_checkpoint(&request(&grown, 8), NOW)), 500);
    assert_eq!(fs::read(state.join("checkpoint")).unwrap(), before);
    fs::remove_dir(state.join("checkpoint.new")).unwrap();
    // The other way a write fails: it was kept, and the answer was lost.
    let kept = witness.add_checkpoint(&request(&grown, 8), NOW);
    assert!(kept.is_ok());
    assert_eq!(status(witness.add_checkpoint(&request(&grown, 8), NOW)), 409);
    assert_eq!(status(witness.add_checkpoint(&request(&Log::of(21, 12), 8), NOW)), 409);
    assert!(witness.add_checkpoint(&request(&grown, 20), NOW).is_ok());
}

#[test]
fn logs_do_not_touch_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let other_key = SigningKey::from_seed("other.example/log", [7; 32]).unwrap();
    let mut both = config(folder.path(), 2);
    both.logs.push(other_key.verifying_key().into());
    let witness = Witness::open(both).unwrap();
    let log = Log::of(8, 99);
    witness.add_checkpoint(&request(&log, 0), NOW).unwrap();
    let head = tlog::Checkpoint { origin: "other.example/log".into(), ..Log::of(3, 1).head() };
    let first = AddCheckpoint::make(0, &other_key.sign_checkpoint(&head), |_, _| None).unwrap();
    assert!(witness.add_checkpoint(&first.to_text(), NOW).is_ok());
    let sizes = [ORIGIN, "other.example/log"].map(|origin| {
        let note = witness.checkpoint(&origin_hash(origin)).unwrap().unwrap();
        note.lines().nth(1).unwrap().to_owned()
    });
    assert_eq!(sizes, ["8", "3"]);
    // One log's key does not sign for the other.
    let foreign = AddCheckpoint::make(0, &log_key().sign_checkpoint(&head), |_, _| None).unwrap();
    assert_eq!(status(witness.add_checkpoint(&foreign.to_text(), NOW)), 403);
}
