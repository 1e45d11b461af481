//! Trust policies (C2SP tlog-policy): which logs and witnesses are known, and which witnesses together are enough.

use crate::checkpoint::Checkpoint;
use crate::cosignature::CosignerKey;
use crate::hash::Hash;
use crate::log_key::{LogKey, open_parts};
use crate::note::{NoteError, Parts};

mod parse;

pub use parse::{POLICY_BYTES_MAX, POLICY_DEFINITIONS_MAX, PolicyError, PolicyFault};

/// A policy file that was read: logs, witnesses and the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    /// Each names only groups before itself.
    groups: Vec<Group>,
    /// `None` is the predefined `none`: no cosignature is needed.
    quorum: Option<Member>,
}

/// A log that a policy accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key; the key's name is the log's origin.
    pub key: LogKey,
    /// Where to reach it, as the file says; octets that are not UTF-8 are replaced.
    pub url: Option<String>,
}

/// A witness that a policy knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name within the file, for messages; octets that are not UTF-8 are replaced.
    pub name: String,
    /// Its key.
    pub key: CosignerKey,
    /// Its submission prefix (C2SP tlog-witness), as the file says; octets that are not UTF-8 are replaced.
    pub url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    /// From 1 to the number of members.
    needed: usize,
    /// Each stands in no other group.
    members: Vec<Member>,
}

/// A checkpoint that a policy accepts: one of its logs signed it, and its quorum of witnesses cosigned it.
///
/// Only [`Policy::check`] and [`Policy::check_log`] make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    checkpoint: Checkpoint,
    log: LogKey,
    cosigned: Vec<(String, u64)>,
    quorum_time: Option<u64>,
}

/// Why a policy does not accept a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unaccepted {
    /// The note is none, is of another log, is not signed, or bears a false signature of a known key.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// It is signed by the log; too few of the witnesses cosigned it.
    #[error("the checkpoint of `{origin}` at {size} entries lacks its quorum: cosigned by {}, not by {}", list(.cosigned), list(.missing))]
    NoQuorum {
        /// The log.
        origin: String,
        /// The checkpoint's number of entries.
        size: u64,
        /// The witnesses that cosigned, by their names in the policy.
        cosigned: Vec<String>,
        /// The witnesses that did not.
        missing: Vec<String>,
    },
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError`], with the line.
    pub fn parse(file: &[u8]) -> Result<Self, PolicyError> {
        parse::policy(file)
    }

    /// The logs, in the file's order; may be empty where the log is known otherwise.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses, in the file's order.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// Whether the checkpoint in a note is of one of the policy's logs and has its quorum.
    ///
    /// # Errors
    /// [`Unaccepted`].
    pub fn check(&self, note: &str) -> Result<Witnessed, Unaccepted> {
        self.check_keys(note, self.logs.iter().map(|log| &log.key))
    }

    /// As [`Policy::check`], for one log whose key the caller knows; the logs of the policy are passed over.
    ///
    /// # Errors
    /// [`Unaccepted`].
    pub fn check_log(&self, note: &str, log: &LogKey) -> Result<Witnessed, Unaccepted> {
        self.check_keys(note, [log])
    }

    /// Whether the quorum holds when these witnesses, by their places in [`Policy::witnesses`], have cosigned.
    pub fn is_quorum(&self, has_cosigned: impl Fn(usize) -> bool) -> bool {
        let Some(quorum) = self.quorum else { return true };
        let mut groups: Vec<bool> = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let count = group.members.iter().filter(|member| holds(**member, &groups, &has_cosigned)).count();
            groups.push(count >= group.needed);
        }
        holds(quorum, &groups, &has_cosigned)
    }

    fn check_keys<'k>(
        &self,
        note: &str,
        keys: impl IntoIterator<Item = &'k LogKey>,
    ) -> Result<Witnessed, Unaccepted> {
        let parts = Parts::parse(note)?;
        let (checkpoint, log) = open_parts(&parts, keys)?;
        let mut times = Vec::with_capacity(self.witnesses.len());
        for witness in &self.witnesses {
            times.push(witness.key.cosigned_parts_at(&parts, &checkpoint)?);
        }
        let time_of = |witness: usize| times.get(witness).copied().flatten();
        if !self.is_quorum(|witness| time_of(witness).is_some()) {
            return Err(self.no_quorum(checkpoint, &times));
        }
        let cosigned = self.witnesses.iter().zip(&times);
        let cosigned =
            cosigned.filter_map(|(witness, time)| Some((witness.name.clone(), (*time)?))).collect();
        Ok(Witnessed { checkpoint, log: log.clone(), cosigned, quorum_time: self.quorum_time(&times) })
    }

    fn no_quorum(&self, checkpoint: Checkpoint, times: &[Option<u64>]) -> Unaccepted {
        let named = |signed: bool| {
            let chosen = self.witnesses.iter().zip(times).filter(|(_, time)| time.is_some() == signed);
            chosen.map(|(witness, _)| witness.name.clone()).collect()
        };
        let Checkpoint { origin, size, .. } = checkpoint;
        Unaccepted::NoQuorum { origin, size, cosigned: named(true), missing: named(false) }
    }

    /// The latest time such that the cosignatures from then on are a quorum by themselves.
    fn quorum_time(&self, times: &[Option<u64>]) -> Option<u64> {
        self.quorum?;
        let since = |start: u64| {
            self.is_quorum(|witness| times.get(witness).copied().flatten().is_some_and(|time| time >= start))
        };
        times.iter().copied().flatten().filter(|start| since(*start)).max()
    }
}

/// `groups` holds the answer for each group before the one that asks.
fn holds(member: Member, groups: &[bool], has_cosigned: &impl Fn(usize) -> bool) -> bool {
    match member {
        Member::Witness(witness) => has_cosigned(witness),
        Member::Group(group) => groups.get(group).copied().unwrap_or(false),
    }
}

impl Witnessed {
    /// What the log says of itself.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The root hash of its tree.
    pub fn root(&self) -> &Hash {
        &self.checkpoint.root
    }

    /// The key by which the log signed.
    pub fn log(&self) -> &LogKey {
        &self.log
    }

    /// Which witnesses cosigned, by their names in the policy, and when (seconds since the epoch), in the file's order.
    pub fn cosigned(&self) -> &[(String, u64)] {
        &self.cosigned
    }

    /// The time (seconds since the epoch) from which on the cosignatures are a quorum by themselves: as of then, a quorum knew of no
    /// larger tree. `None` where the policy needs no witness. Who demands a fresh checkpoint compares this with the clock, and
    /// decides what a time in the future means.
    pub fn quorum_time(&self) -> Option<u64> {
        self.quorum_time
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}
