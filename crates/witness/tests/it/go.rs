//! The same log verified by Go's `sumdb/tlog` and `sumdb/note` (tests/go/verify.go): both accept it, and both refuse each tampering.
//!
//! Needs Debian's `golang-go` and `golang-golang-x-mod-dev`, and says so where they are not there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tlog::{Checkpoint, SigningKey, decode_entries, encode_entries};
use witness::{Source, VerifyConfig, verify};

use crate::support::{Log, cosigner, log_key, policy};

const GO_PATH: &str = "/usr/share/gocode";
/// Three full tiles, a partial one, and a level above.
const SIZE: u64 = 800;

/// The Go program, built; `None` where there is no Go.
fn go_program(folder: &Path) -> Option<PathBuf> {
    let has_packages = Path::new(GO_PATH).join("src/golang.org/x/mod/sumdb/tlog").is_dir();
    let has_go = Command::new("go").arg("version").output().is_ok_and(|output| output.status.success());
    if !has_packages || !has_go {
        eprintln!("SKIPPED: the comparison with Go needs the packages golang-go and golang-golang-x-mod-dev");
        return None;
    }
    let program = folder.join("verify");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/verify.go");
    let built = Command::new("go")
        .args(["build", "-o"])
        .args([&program, &source])
        .envs([("GO111MODULE", "off"), ("GOPATH", GO_PATH), ("GOFLAGS", ""), ("CGO_ENABLED", "0")])
        .env("GOCACHE", folder.join("cache"))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Some(program)
}

/// A log in a folder, cosigned by two Ed25519 witnesses, and a checkpoint of it that was kept at 300 entries.
struct Case {
    log: Log,
    since: String,
}

fn cosigned_note(head: &Checkpoint) -> String {
    let text = head.to_text();
    let lines: String =
        [2, 4].iter().map(|number| cosigner(*number).cosign(&text, 1_800_000_000).unwrap()).collect();
    log_key().sign_checkpoint(head) + &lines
}

impl Case {
    fn new(size: u64, fork: u64) -> Self {
        let log = Log::of(size, fork);
        log.put("checkpoint", cosigned_note(&log.head()).as_bytes());
        Self { log, since: log_key().sign_checkpoint(&Log::of(300.min(size), u64::MAX).head()) }
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.log.path().join(name)).unwrap();
        let good = bytes.clone();
        change(&mut bytes);
        assert_ne!(good, bytes, "{name}");
        self.log.put(name, &bytes);
    }

    fn checkpoint(&self, note: &str) {
        self.change("checkpoint", |bytes| *bytes = note.as_bytes().to_vec());
    }

    async fn rust(&self) -> Result<(), String> {
        let policy = policy(2, &[(2, ""), (4, "")]);
        let since = Some(self.since.clone());
        let config = VerifyConfig { source: Source::folder(self.log.path()), policy, log: None, since };
        verify(&config).await.map(drop).map_err(|faults| faults.to_string())
    }

    fn go(&self, program: &Path) -> Result<(), String> {
        let since = self.log.path().join("since");
        fs::write(&since, &self.since).unwrap();
        let output = Command::new(program)
            .arg(self.log.path())
            .arg(log_key().verifying_key().encode())
            .arg(since)
            .args([2, 4].map(|number| cosigner(number).cosigner_key().encode()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        match output.status.code() {
            Some(0) => Ok(()),
            Some(1) => Err(said),
            other => panic!("{other:?}: {said} {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}

fn entries(bytes: &[u8]) -> Vec<Vec<u8>> {
    decode_entries(bytes).unwrap().into_iter().map(<[u8]>::to_vec).collect()
}

fn flip(at: usize) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| bytes[at] ^= 1
}

/// The name of a tampering, and what it does to a log of [`SIZE`] entries.
type Tampering = (&'static str, fn() -> Case);

const TAMPERINGS: [Tampering; 17] = [
    ("a flipped bit of an entry in the partial bundle", || changed("tile/entries/003.p/32", flip(4))),
    ("a flipped bit of a leaf's hash", || changed("tile/0/001", flip(100))),
    ("a truncated tile", || changed("tile/0/002", |bytes| bytes.truncate(8191))),
    ("a tile with more than its hashes", || changed("tile/0/002", |bytes| bytes.push(0))),
    ("two swapped entries", || {
        changed("tile/entries/000", |bytes| {
            let mut entries = entries(bytes);
            entries.swap(10, 11);
            *bytes = encode_entries(entries).unwrap();
        })
    }),
    ("a forged signature of the log", || {
        let case = Case::new(SIZE, u64::MAX);
        let note = cosigned_note(&case.log.head());
        let line = note.lines().nth(4).unwrap();
        let (name, base64) = line.rsplit_once(' ').unwrap();
        let mut bytes = STANDARD.decode(base64).unwrap();
        bytes[40] ^= 1;
        case.checkpoint(&note.replace(line, &format!("{name} {}", STANDARD.encode(bytes))));
        case
    }),
    ("a signature by another key of the log's name", || {
        let case = Case::new(SIZE, u64::MAX);
        let forger = SigningKey::from_seed(log_key().name(), [66; 32]).unwrap();
        case.checkpoint(&cosigned_note(&case.log.head()).replace(
            log_key().sign_checkpoint(&case.log.head()).lines().last().unwrap(),
            forger.sign_checkpoint(&case.log.head()).lines().last().unwrap(),
        ));
        case
    }),
    ("the checkpoint of another origin, signed by the same key", || {
        let case = Case::new(SIZE, u64::MAX);
        case.checkpoint(&cosigned_note(&Checkpoint {
            origin: "other.example/log".into(),
            ..case.log.head()
        }));
        case
    }),
    ("a log that was rolled back, signed and cosigned", || {
        let mut case = Case::new(200, u64::MAX);
        case.since = log_key().sign_checkpoint(&Log::of(300, u64::MAX).head());
        case
    }),
    ("a split view: another log, signed and cosigned", || Case::new(SIZE, 250)),
    ("a cosignature of another tree", || {
        let case = Case::new(SIZE, u64::MAX);
        let other = cosigner(4).cosign(&Log::of(799, u64::MAX).head().to_text(), 1_800_000_000).unwrap();
        let note = cosigned_note(&case.log.head());
        let ours = note.lines().last().unwrap().to_owned();
        case.checkpoint(&note.replace(&ours, other.trim_end()));
        case
    }),
    ("a cosignature that is missing", || {
        let case = Case::new(SIZE, u64::MAX);
        let note = cosigned_note(&case.log.head());
        case.checkpoint(
            note.trim_end().rsplit_once('\n').map(|(rest, _)| format!("{rest}\n")).as_deref().unwrap(),
        );
        case
    }),
    ("a corrupted partial tile", || changed("tile/0/003.p/32", flip(1000))),
    ("a corrupted tile of the level above", || changed("tile/1/000.p/3", flip(70))),
    ("a bundle with one entry replaced by another of its length", || {
        changed("tile/entries/001", |bytes| {
            let mut entries = entries(bytes);
            entries[3].reverse();
            *bytes = encode_entries(entries).unwrap();
        })
    }),
    ("a bundle that is missing", || {
        let case = Case::new(SIZE, u64::MAX);
        fs::remove_file(case.log.path().join("tile/entries/002")).unwrap();
        case
    }),
    ("a bundle and its tile that were changed together", || {
        let case = Case::new(SIZE, u64::MAX);
        let other = Log::of(SIZE, 300);
        for name in ["tile/entries/001", "tile/0/001"] {
            case.log.put(name, &fs::read(other.path().join(name)).unwrap());
        }
        case
    }),
];

fn changed(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Case {
    let case = Case::new(SIZE, u64::MAX);
    case.change(name, change);
    case
}

#[tokio::test]
async fn both_accept_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let program = go_program(folder.path());
    for size in [1, 2, 255, 256, 257, SIZE, 66_000] {
        let case = Case::new(size, u64::MAX);
        assert_eq!(case.rust().await, Ok(()), "{size}");
        if let Some(program) = &program {
            assert_eq!(case.go(program), Ok(()), "{size}");
        }
    }
}

#[tokio::test]
async fn both_refuse_each_tampering() {
    let folder = tempfile::tempdir().unwrap();
    let program = go_program(folder.path());
    for (name, tampered) in TAMPERINGS {
        let case = tampered();
        let rust = case.rust().await;
        assert!(rust.is_err(), "{name}");
        if let Some(program) = &program {
            let go = case.go(program);
            assert!(go.is_err(), "{name}: Go accepts it, and here: {rust:?}");
        }
    }
}
