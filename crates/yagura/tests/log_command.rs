//! `yagura log` around a log of which there is nothing but files: verified, witnessed, mirrored, an entry proved.
#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tlog::{Checkpoint, Frontier, LogKey, Policy, SigningKey, encode_entries, leaf_hash, tiles_to_write};

const ENTRIES: usize = 300;

/// A log in a folder, its policy beside it.
struct Desk {
    folder: tempfile::TempDir,
    key: SigningKey,
}

impl Desk {
    fn new() -> Self {
        let key = SigningKey::from_seed("council.example/log", [7; 32]).unwrap();
        let desk = Self { folder: tempfile::tempdir().unwrap(), key };
        desk.write(ENTRIES);
        desk.policy("quorum none\n");
        desk
    }

    fn policy(&self, rest: &str) {
        let log = self.key.verifying_key().encode();
        std::fs::write(self.path("policy"), format!("log {log}\n{rest}")).unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The first so many entries as files; their tree.
    fn write(&self, count: usize) -> Tree {
        let entries: Vec<Vec<u8>> = (0..count).map(|number| format!("entry {number}").into_bytes()).collect();
        let mut tree = Tree { frontier: Frontier::new(), nodes: std::collections::HashMap::new() };
        for entry in &entries {
            tree.nodes
                .extend(tree.frontier.append(leaf_hash(entry)).into_iter().map(|(l, i, h)| ((l, i), h)));
        }
        for tile in tiles_to_write(0, count as u64) {
            let content = tile.content(|level, index| tree.nodes.get(&(level, index)).copied()).unwrap();
            self.put(&tile.path(), &content);
            if tile.level == 0 {
                let first = tile.index as usize * 256;
                let some = &entries[first..first + usize::from(tile.width)];
                self.put(&tile.entries_path(), &encode_entries(some).unwrap());
            }
        }
        self.put("checkpoint", self.note(&tree).as_bytes());
        tree
    }

    fn note(&self, tree: &Tree) -> String {
        let (origin, size, root) = (self.key.name().to_owned(), tree.frontier.size(), tree.frontier.root());
        self.key.sign_checkpoint(&Checkpoint { origin, size, root })
    }

    fn put(&self, name: &str, content: &[u8]) {
        let path = self.path("log").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env_remove("RUST_LOG").env("LANG", "C.UTF-8");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn check(&self, arguments: &[&str], code: i32, said: &str) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(said), "{arguments:?}: {text}");
        text
    }
}

struct Tree {
    frontier: Frontier,
    nodes: std::collections::HashMap<(u8, u64), tlog::Hash>,
}

/// A program that is killed with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_log_is_verified_from_its_files() {
    let desk = Desk::new();
    let verify = ["log", "verify", "--from", "log", "--policy", "policy"];
    desk.check(&verify, 0, "300 entries in 2 bundles make the signed root");
    let kept = std::fs::read(desk.path("log/checkpoint")).unwrap();
    std::fs::write(desk.path("kept"), &kept).unwrap();
    let since = [&verify[..], &["--since", "kept"]].concat();
    desk.check(&since, 0, "cosigned by nobody");
    // Rolled back: by itself nobody can tell, with what was kept everybody.
    std::fs::remove_dir_all(desk.path("log")).unwrap();
    desk.write(200);
    desk.check(&verify, 0, "only its witnesses can tell");
    desk.check(&since, 1, "it was rolled back");
    desk.write(ENTRIES);
    let tile = std::fs::read(desk.path("log/tile/0/000")).unwrap();
    desk.put("tile/0/000", &[tile.as_slice(), &[0; 32]].concat());
    desk.check(&verify, 1, "tile/0/000");
    // A quorum that nobody gave.
    desk.check(&["log", "key", "--out", "w.key", "--name", "witness.example/w"], 0, "witness.example/w+");
    let told =
        desk.run(&["--json", "log", "key", "--out", "v.key", "--name", "v.example/w", "--kind", "ed25519"]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    desk.policy(&format!("witness v {} http://127.0.0.1:9/\nquorum v\n", told["key"].as_str().unwrap()));
    desk.write(ENTRIES);
    desk.check(&verify, 1, "checkpoint");
    desk.check(&["log", "verify", "--from", "log"], 2, "--policy");
    desk.check(&["log", "key", "--out", "w.key", "--name", "witness.example/w"], 3, "w.key");
}

#[test]
fn an_entry_is_proved_and_the_proof_stands_alone() {
    let desk = Desk::new();
    let prove =
        ["log", "prove", "--from", "log", "--policy", "policy", "--entry", "258", "--out", "258.tlog-proof"];
    desk.check(&prove, 0, "proves entry 258 of council.example/log");
    std::fs::remove_dir_all(desk.path("log")).unwrap();
    assert_eq!(std::fs::read(desk.path("258.tlog-proof.entry")).unwrap(), b"entry 258");
    let verify = [
        "log",
        "verify",
        "--proof",
        "258.tlog-proof",
        "--entry",
        "258.tlog-proof.entry",
        "--policy",
        "policy",
    ];
    desk.check(&verify, 0, "the entry is in the log of 300 entries");
    desk.check(&[&["--lang", "ja"], &verify[..]].concat(), 0, "300 件のログに含まれています");
    std::fs::write(desk.path("258.tlog-proof.entry"), "entry 259").unwrap();
    desk.check(&verify, 1, "the log does not verify");
}

#[test]
fn a_mirror_is_the_log_again() {
    let desk = Desk::new();
    let mirror = ["log", "mirror", "--from", "log", "--folder", "copy", "--policy", "policy", "--once"];
    desk.check(&mirror, 0, "300 entries are mirrored, 300 of them new");
    desk.check(&mirror, 0, "300 entries are mirrored, 0 of them new");
    desk.check(&["log", "verify", "--from", "copy", "--policy", "policy"], 0, "300 entries");
    std::fs::remove_dir_all(desk.path("log")).unwrap();
    desk.write(100);
    desk.check(&mirror, 3, "100");
    desk.check(&["log", "verify", "--from", "copy", "--policy", "policy"], 0, "300 entries");
}

#[test]
fn a_witness_cosigns_what_continues_and_nothing_else() {
    let desk = Desk::new();
    let key = desk.run(&["--json", "log", "key", "--out", "w.key", "--name", "witness.example/w"]);
    let key: Value = serde_json::from_slice(&key.stdout).unwrap();
    let key = key["key"].as_str().unwrap().to_owned();
    let log = desk.key.verifying_key().encode();
    let serve = [
        "--json",
        "log",
        "witness",
        "--folder",
        "memory",
        "--key",
        "w.key",
        "--log",
        &log,
        "--listen",
        "127.0.0.1:0",
    ];
    // What was lost is not begun anew by itself.
    desk.check(&serve, 3, "memory");
    let start = || {
        let arguments = [&serve[..], if desk.path("memory").exists() { &[] } else { &["--new"] }].concat();
        let mut child =
            desk.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["keys"][0].as_str(), Some(key.as_str()));
        (Running(child), ready["address"].as_str().unwrap().to_owned())
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cosigned = |address: &str, tree: &Tree| {
        desk.policy(&format!("witness w {key} {address}\nquorum w\n"));
        let config = witness::CollectConfig {
            log: LogKey::parse(&log).unwrap(),
            policy: Policy::parse(&std::fs::read(desk.path("policy")).unwrap()).unwrap(),
            timeout: Duration::from_secs(20),
            grace: Duration::ZERO,
        };
        let collector = witness::Collector::new(config).unwrap();
        let read = |level, index| tree.nodes.get(&(level, index)).copied();
        runtime.block_on(collector.collect(&desk.note(tree), read)).unwrap()
    };
    let (running, address) = start();
    let first = cosigned(&address, &desk.write(200));
    assert!(first.judged.is_ok(), "{:?}", first.failed);
    drop(running);
    let (_running, address) = start();
    let next = cosigned(&address, &desk.write(ENTRIES));
    assert!(next.judged.is_ok(), "after a kill: {:?}", next.failed);
    desk.put("checkpoint", next.note.as_bytes());
    desk.check(&["log", "verify", "--from", "log", "--policy", "policy"], 0, "cosigned by w");
    assert!(cosigned(&address, &desk.write(250)).judged.is_err(), "rolled back");
    assert!(evidence(&desk.path("memory")) > 0, "what was shown is kept");
}

/// Files of evidence in a witness's folder.
fn evidence(folder: &Path) -> usize {
    let folders =
        std::fs::read_dir(folder).unwrap().filter_map(|entry| Some(entry.ok()?.path().join("evidence")));
    folders.filter_map(|folder| std::fs::read_dir(folder).ok()).map(Iterator::count).sum()
}
