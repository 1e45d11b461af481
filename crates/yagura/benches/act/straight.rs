//! The limit: an address put straight into a set of the kernel's, with no order, no hub and no edge before it. By an `nft` that is kept running,
//! which is the library with a pipe before it, and by one that is run for it, as the edge runs it.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::nets::ATTACKER;

/// A table of its own, so that the edge takes nothing in it for its own.
const TABLE: &str = "inet straight";

/// A packet filter of one set, and the `nft` that is kept.
pub(crate) struct Straight {
    kept: Child,
    says: ChildStdin,
}

/// The address for half a second: the kernel takes it out again, so that nothing of that is measured.
fn put() -> String {
    format!("add element {TABLE} attackers {{ {ATTACKER} timeout 500ms }}")
}

impl Straight {
    pub(crate) fn open() -> Self {
        let mut kept =
            Command::new("nft").arg("-i").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let says = kept.stdin.take().unwrap();
        let mut straight = Self { kept, says };
        straight.say(&format!("add table {TABLE}"));
        straight.say(&format!("add set {TABLE} attackers {{ type ipv4_addr; flags timeout; }}"));
        straight.say(&format!(
            "add chain {TABLE} input {{ type filter hook input priority -20; policy accept; }}"
        ));
        straight.say(&format!("add rule {TABLE} input ip saddr @attackers drop"));
        straight
    }

    fn say(&mut self, line: &str) {
        writeln!(self.says, "{line}").unwrap();
    }

    /// By the `nft` that is kept.
    pub(crate) fn put(&mut self) {
        self.say(&put());
    }

    /// By an `nft` of its own.
    pub(crate) fn put_by_a_run() {
        assert!(Command::new("nft").arg(put()).status().unwrap().success());
    }
}

impl Drop for Straight {
    fn drop(&mut self) {
        let _ = self.kept.kill();
        let _ = self.kept.wait();
    }
}
