//! What carries orders out: the kernel's packet filter, name servers, lists that firewalls read.
//!
//! A device is told what it is to have and is read back; nobody believes its exit status. Whatever it does is done by value, so doing it
//! twice is the same as once. Names of hosts never reach a device: what it is given was parsed before.

pub(crate) mod files;
pub(crate) mod nftables;
pub(crate) mod program;
pub(crate) mod suricata;
pub(crate) mod unbound;
#[cfg(test)]
mod unbound_tests;
pub(crate) mod webhook;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use openc2::consumer::Rule;
use openc2::{Action, Command, DateTime, Direction, DropProcess, Target};

use crate::config::orders::Device;

/// What is kept out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum What {
    /// Packets from or to these addresses; bits beyond the prefix are zero.
    Net(IpNet),
    /// A name and all beneath it, in lower case and without a dot at its end.
    Name(String),
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Manner {
    /// It is only counted.
    Count,
    /// It is dropped; a name does not exist.
    Drop,
    /// It is dropped, and its source is told.
    Reject,
}

/// One thing on a device, whoever ordered it and however often: what orders have in common is there once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Block {
    pub(crate) what: What,
    pub(crate) direction: Direction,
    pub(crate) manner: Manner,
}

/// Until when a device is to have something, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The end of the order that ends last.
    pub(crate) until: DateTime,
    /// The command that ends last.
    pub(crate) by: String,
}

/// All that a device is to have.
pub(crate) type Desired = BTreeMap<Block, Wanted>;

/// What a device has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// How often it stopped something, where the device counts.
    pub(crate) stopped: Option<u64>,
}

/// What was read back from a device.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// What it has as it ought to, and what it has beyond that and can be told from what others put there.
    pub(crate) standing: BTreeMap<Block, Found>,
    /// What is in a place of ours and nobody asked for.
    pub(crate) foreign: Vec<Block>,
}

/// What is to become of a device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'c> {
    /// All that it is to have afterwards.
    pub(crate) all: &'c Desired,
    /// Of these what is put in, or put in again.
    pub(crate) put: &'c [Block],
    /// What is taken out.
    pub(crate) take: &'c [Block],
}

/// Why a device did not do something. In words without anything secret: it goes to the hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failed(pub(crate) String);

/// A device that carries orders out.
pub(crate) trait Actuator: Send {
    /// What it is called on the page and in reports.
    fn name(&self) -> &str;

    /// Whether orders about such things are for it.
    fn carries(&self, what: &What) -> bool;

    /// Whether it tells directions apart, rejects and counts.
    fn is_filter(&self) -> bool {
        false
    }

    /// What it has counted of all that goes by, as it was read last; nothing where it does not.
    fn passed(&self) -> Option<u64> {
        None
    }

    /// Whether it would take a change, as far as it can say without doing it.
    fn check(&mut self, _change: Change<'_>, _now: DateTime) -> Result<(), Failed> {
        Ok(())
    }

    /// Changes it. When this returns, what was put in holds.
    fn apply(&mut self, change: Change<'_>, now: DateTime) -> Result<(), Failed>;

    /// Reads it back.
    fn read(&mut self, all: &Desired, now: DateTime) -> Result<Reading, Failed>;
}

/// Opens what is configured. Nothing is touched yet.
pub(crate) fn open(devices: &[Device]) -> Vec<Box<dyn Actuator>> {
    devices
        .iter()
        .map(|device| -> Box<dyn Actuator> {
            match device {
                Device::Nftables { command } => Box::new(nftables::Nftables::new(command.clone())),
                Device::Unbound { command } => Box::new(unbound::Unbound::new(command.clone())),
                Device::Rpz { file, zone, reload, probe } => {
                    Box::new(files::Zone::new(file.clone(), zone.clone(), reload.clone(), *probe))
                }
                Device::Webhook { url, secret, names } => {
                    Box::new(webhook::Webhook::new(url.clone(), secret.clone(), *names))
                }
                Device::Suricata { file, names, reload, set } => {
                    Box::new(suricata::Dataset::new(file.clone(), *names, reload.clone(), set.clone()))
                }
                Device::List { file, names, reload } => {
                    Box::new(files::List::new(file.clone(), *names, reload.clone()))
                }
            }
        })
        .collect()
}

impl What {
    /// What a target means here; `None` where nothing here carries such a thing out.
    pub(crate) fn of(target: &Target) -> Option<Self> {
        let net =
            |address: IpAddr, prefix| IpNet::new(address, prefix).ok().map(|net| Self::Net(net.trunc()));
        match target {
            Target::Ipv4Net(range) => net(range.address().into(), range.prefix()),
            Target::Ipv6Net(range) => net(range.address().into(), range.prefix()),
            Target::DomainName(name) => {
                let name = name.as_str();
                let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
                Some(Self::Name(name))
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().fmt(f),
            Self::Net(net) => net.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl Manner {
    fn of(drop_process: DropProcess) -> Option<Self> {
        match drop_process {
            DropProcess::None => Some(Self::Drop),
            DropProcess::Reject => Some(Self::Reject),
            DropProcess::FalseAck => None,
        }
    }
}

impl Block {
    /// What a rule keeps out; nothing where it lets something in.
    pub(crate) fn of(rule: &Rule) -> Option<Self> {
        let what = What::of(&rule.target).filter(|_| rule.action == Action::Deny)?;
        Some(Self { what, direction: rule.direction, manner: Manner::of(rule.drop_process)? })
    }

    /// What a command asks to be kept out; nothing where it asks for something else.
    pub(crate) fn asked(command: &Command) -> Option<Self> {
        let what = What::of(&command.target).filter(|_| command.action == Action::Deny)?;
        let args = &command.args.slpf;
        let manner = Manner::of(args.drop_process.unwrap_or(DropProcess::None))?;
        Some(Self { what, direction: args.direction.unwrap_or(Direction::Both), manner })
    }
}

impl std::fmt::Display for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.what.fmt(f)?;
        if self.direction != Direction::Both {
            write!(f, " {}", self.direction)?;
        }
        match self.manner {
            Manner::Count => f.write_str(" (counted only)"),
            Manner::Reject => f.write_str(" (rejected)"),
            Manner::Drop => Ok(()),
        }
    }
}
