//! A log in a folder, with keys, as a test needs it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tlog::{
    Checkpoint, CosignatureKind, CosigningKey, Frontier, Hash, LogKey, Policy, SigningKey, encode_entries,
    leaf_hash, tiles_to_write,
};
use tokio::net::TcpListener;
use witness::{Witness, WitnessConfig};

pub(crate) const ORIGIN: &str = "council.example/log";

/// A log that publishes into a folder.
pub(crate) struct Log {
    pub(crate) folder: TempDir,
    entries: Vec<Vec<u8>>,
    frontier: Frontier,
    nodes: HashMap<(u8, u64), Hash>,
    published: u64,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            entries: Vec::new(),
            frontier: Frontier::new(),
            nodes: HashMap::new(),
            published: 0,
        }
    }

    /// A log of so many entries, whose entries from `fork` on are other ones.
    pub(crate) fn of(size: u64, fork: u64) -> Self {
        let mut log = Self::new();
        log.grow(size, fork);
        log
    }

    /// Adds entries up to `size` and publishes them, not cosigned.
    pub(crate) fn grow(&mut self, size: u64, fork: u64) -> String {
        for at in self.entries.len() as u64..size {
            let entry = if at < fork { format!("entry {at}") } else { format!("other entry {at}") };
            let nodes = self.frontier.append(leaf_hash(entry.as_bytes()));
            self.nodes.extend(nodes.into_iter().map(|(level, index, hash)| ((level, index), hash)));
            self.entries.push(entry.into_bytes());
        }
        self.publish_tiles();
        let note = log_key().sign_checkpoint(&self.head());
        self.put("checkpoint", note.as_bytes());
        note
    }

    fn publish_tiles(&mut self) {
        for tile in tiles_to_write(self.published, self.frontier.size()) {
            self.put(&tile.path(), &tile.content(|level, index| self.node(level, index)).unwrap());
            if tile.level == 0 {
                let first = tile.index as usize * 256;
                let bundle = encode_entries(&self.entries[first..first + usize::from(tile.width)]).unwrap();
                self.put(&tile.entries_path(), &bundle);
            }
        }
        self.published = self.frontier.size();
    }

    pub(crate) fn head(&self) -> Checkpoint {
        Checkpoint { origin: ORIGIN.into(), size: self.frontier.size(), root: self.frontier.root() }
    }

    pub(crate) fn node(&self, level: u8, index: u64) -> Option<Hash> {
        self.nodes.get(&(level, index)).copied()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        put(self.path(), name, bytes);
    }
}

pub(crate) fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

pub(crate) fn log_key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, [1; 32]).unwrap()
}

pub(crate) fn log_public() -> LogKey {
    log_key().verifying_key().into()
}

/// The key of a test's witness; odd ones are ML-DSA-44.
pub(crate) fn cosigner(number: u8) -> CosigningKey {
    let kind = if number.is_multiple_of(2) { CosignatureKind::Ed25519 } else { CosignatureKind::MlDsa44 };
    CosigningKey::from_seed(&format!("witness.example/{number}"), kind, &[100 + number; 32]).unwrap()
}

/// A policy that knows the log and these witnesses, by their addresses, of which so many are needed.
pub(crate) fn policy(needed: usize, witnesses: &[(u8, &str)]) -> Policy {
    Policy::parse(policy_text(needed, witnesses).as_bytes()).unwrap()
}

pub(crate) fn policy_text(needed: usize, witnesses: &[(u8, &str)]) -> String {
    let mut text = format!("log {}\n", log_key().verifying_key().encode());
    let mut names = String::new();
    for (number, url) in witnesses {
        text += &format!("witness w{number} {} {url}\n", cosigner(*number).cosigner_key().encode());
        names += &format!(" w{number}");
    }
    if needed == 0 {
        text + "quorum none\n"
    } else {
        format!("{text}group quorum {needed}{names}\nquorum quorum\n")
    }
}

pub(crate) fn config(folder: impl Into<PathBuf>, number: u8) -> WitnessConfig {
    WitnessConfig {
        folder: folder.into(),
        create: true,
        keys: vec![cosigner(number)],
        logs: vec![log_public()],
    }
}

/// Serves a witness on a free port; gives its address.
pub(crate) async fn serve(witness: Arc<Witness>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(witness::serve(witness, listener, std::future::pending()));
    address
}

/// Every file below a folder, by its path within it.
pub(crate) fn files(folder: &Path) -> HashMap<String, Vec<u8>> {
    let (mut found, mut left) = (HashMap::new(), vec![folder.to_owned()]);
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}
