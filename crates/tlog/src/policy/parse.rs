//! Reading a policy file, octet by octet as C2SP tlog-policy says.

use std::collections::{BTreeMap, BTreeSet};

use super::{Group, Member, Policy, PolicyLog, PolicyWitness};
use crate::cosignature::CosignerKey;
use crate::log_key::LogKey;
use crate::note::KeyError;

/// The longest policy file that is read, in bytes. An ML-DSA-44 key takes 1.8 kB.
pub const POLICY_BYTES_MAX: usize = 1024 * 1024;
/// The most logs, witnesses and groups, of each.
pub const POLICY_DEFINITIONS_MAX: usize = 256;

/// Why a file is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct PolicyError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: PolicyFault,
}

/// What is wrong with a line of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// The file is longer than [`POLICY_BYTES_MAX`].
    #[error("the file is longer than {POLICY_BYTES_MAX} bytes")]
    TooLarge,
    /// More than [`POLICY_DEFINITIONS_MAX`] of one kind.
    #[error("there are more than {POLICY_DEFINITIONS_MAX} definitions of this kind")]
    TooMany,
    /// A control character that the format does not have.
    #[error("the octet {0:#04x} may not be in a policy: lines end with a line feed alone")]
    Octet(u8),
    /// The last line is not ended.
    #[error("the last line is not ended: the file may be cut off")]
    CutOff,
    /// The line begins with none of the four words.
    #[error("a line begins with `log`, `witness`, `group`, `quorum` or `#`, not with `{0}`")]
    Keyword(String),
    /// The line has too few or too many items.
    #[error("this line has the form `{0}`")]
    Form(&'static str),
    /// The verifier key cannot be used.
    #[error("the key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// The public key stands on an earlier line of the same kind.
    #[error("this public key has been given already: one key cannot count twice")]
    DuplicateKey,
    /// The name is taken, or is `none`.
    #[error("the name `{0}` is taken already")]
    NameTaken(String),
    /// The name is not defined on an earlier line.
    #[error("`{0}` is not defined on an earlier line")]
    Unknown(String),
    /// The name is a member of a group already.
    #[error("`{0}` is a member of a group already: each counts in one way only")]
    MemberTwice(String),
    /// How many members are needed is not a number from 1 to all.
    #[error("`{found}` is not `all`, `any` or a number from 1 to the {members} members")]
    Threshold {
        /// What stands there.
        found: String,
        /// The number of members.
        members: usize,
    },
    /// There is a quorum already.
    #[error("a policy has one quorum, and this is the second")]
    SecondQuorum,
    /// There is no quorum.
    #[error("the policy ends without a quorum: write `quorum none` where no witness is needed")]
    NoQuorum,
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    /// `Some(None)` is `quorum none`.
    quorum: Option<Option<Member>>,
    /// Names are opaque octets.
    names: BTreeMap<Vec<u8>, Member>,
    members: BTreeSet<Vec<u8>>,
    log_keys: BTreeSet<Vec<u8>>,
    witness_keys: BTreeSet<Vec<u8>>,
}

pub(super) fn policy(file: &[u8]) -> Result<Policy, PolicyError> {
    if file.len() > POLICY_BYTES_MAX {
        return Err(PolicyError { line: 1, fault: PolicyFault::TooLarge });
    }
    let mut reading = Reading::default();
    let mut lines = 0;
    for line in file.split_inclusive(|octet| *octet == b'\n') {
        lines += 1;
        reading.line(line).map_err(|fault| PolicyError { line: lines, fault })?;
    }
    let quorum = reading.quorum.ok_or(PolicyError { line: lines.max(1), fault: PolicyFault::NoQuorum })?;
    let Reading { logs, witnesses, groups, .. } = reading;
    Ok(Policy { logs, witnesses, groups, quorum })
}

impl Reading {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyFault> {
        let line = line.strip_suffix(b"\n").ok_or(PolicyFault::CutOff)?;
        if let Some(octet) = line.iter().find(|octet| !matches!(octet, b'\t' | 0x20..=0x7E | 0x80..=0xFF)) {
            return Err(PolicyFault::Octet(*octet));
        }
        let items: Vec<&[u8]> =
            line.split(|octet| matches!(octet, b' ' | b'\t')).filter(|item| !item.is_empty()).collect();
        let Some((keyword, rest)) = items.split_first() else { return Ok(()) };
        match *keyword {
            [b'#', ..] => Ok(()),
            b"log" => self.log(rest),
            b"witness" => self.witness(rest),
            b"group" => self.group(rest),
            b"quorum" => self.set_quorum(rest),
            other => Err(PolicyFault::Keyword(shown(other))),
        }
    }

    fn log(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let (key, url) = match items {
            [key] => (key, None),
            [key, url] => (key, Some(shown(url))),
            _ => return Err(PolicyFault::Form("log <vkey> [<url>]")),
        };
        let key = LogKey::parse(text(key)?)?;
        if !self.log_keys.insert(key.to_bytes()) {
            return Err(PolicyFault::DuplicateKey);
        }
        push(&mut self.logs, PolicyLog { key, url })
    }

    fn witness(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let (name, key, url) = match items {
            [name, key] => (name, key, None),
            [name, key, url] => (name, key, Some(shown(url))),
            _ => return Err(PolicyFault::Form("witness <name> <vkey> [<url>]")),
        };
        let key = CosignerKey::parse(text(key)?)?;
        if !self.witness_keys.insert(key.to_bytes().to_vec()) {
            return Err(PolicyFault::DuplicateKey);
        }
        self.define(name, Member::Witness(self.witnesses.len()))?;
        push(&mut self.witnesses, PolicyWitness { name: shown(name), key, url })
    }

    fn group(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let [name, threshold, members @ ..] = items else { return Err(PolicyFault::Form(GROUP)) };
        if members.is_empty() {
            return Err(PolicyFault::Form(GROUP));
        }
        let needed = needed(threshold, members.len())?;
        let mut found = Vec::with_capacity(members.len());
        for member in members {
            found.push(self.defined(member)?);
            if !self.members.insert(member.to_vec()) {
                return Err(PolicyFault::MemberTwice(shown(member)));
            }
        }
        self.define(name, Member::Group(self.groups.len()))?;
        push(&mut self.groups, Group { needed, members: found })
    }

    fn set_quorum(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let [name] = items else { return Err(PolicyFault::Form("quorum <name>")) };
        let quorum = if *name == NONE { None } else { Some(self.defined(name)?) };
        match self.quorum.replace(quorum) {
            None => Ok(()),
            Some(_) => Err(PolicyFault::SecondQuorum),
        }
    }

    fn define(&mut self, name: &[u8], member: Member) -> Result<(), PolicyFault> {
        if name == NONE || self.names.insert(name.to_vec(), member).is_some() {
            return Err(PolicyFault::NameTaken(shown(name)));
        }
        Ok(())
    }

    fn defined(&self, name: &[u8]) -> Result<Member, PolicyFault> {
        self.names.get(name).copied().ok_or_else(|| PolicyFault::Unknown(shown(name)))
    }
}

const GROUP: &str = "group <name> all|any|<number> <name>...";
/// The predefined name of the quorum that needs nobody.
const NONE: &[u8] = b"none";

fn needed(threshold: &[u8], members: usize) -> Result<usize, PolicyFault> {
    let number = match threshold {
        b"all" => Some(members),
        b"any" => Some(1),
        // One number has one spelling: no sign and no leading zeroes.
        digits => str::from_utf8(digits)
            .ok()
            .and_then(|text| text.parse().ok().filter(|number: &usize| number.to_string() == text)),
    };
    number
        .filter(|number| (1..=members).contains(number))
        .ok_or_else(|| PolicyFault::Threshold { found: shown(threshold), members })
}

fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), PolicyFault> {
    if list.len() == POLICY_DEFINITIONS_MAX {
        return Err(PolicyFault::TooMany);
    }
    list.push(item);
    Ok(())
}

/// A verifier key is UTF-8, as the notes are in which its name stands.
fn text(octets: &[u8]) -> Result<&str, PolicyFault> {
    str::from_utf8(octets).map_err(|_| PolicyFault::Key(KeyError::Form))
}

fn shown(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
