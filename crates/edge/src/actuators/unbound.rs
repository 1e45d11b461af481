//! A name server of NLnet Labs, told over its control channel: fast, and gone when it is restarted. What is to outlive that goes into a
//! response policy zone as well; reading back finds what a restart took and puts it in again.

use super::program::run;
use super::{Actuator, Block, Change, Desired, Failed, Found, Manner, Reading, What};
use openc2::{DateTime, Direction};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A name server.
pub(crate) struct Unbound {
    command: Vec<String>,
}

/// What a name that does not exist any more is to it.
const TYPE: &str = "always_nxdomain";

impl Unbound {
    pub(crate) fn new(command: Vec<String>) -> Self {
        Self { command }
    }

    /// Its local zones with their types.
    fn zones(&self) -> Result<BTreeMap<String, String>, Failed> {
        let said = run(&self.command, &["list_local_zones"], "")?;
        let zone = |line: &str| {
            let (name, kind) = line.trim().rsplit_once(' ')?;
            Some((name.trim().trim_end_matches('.').to_ascii_lowercase(), kind.to_owned()))
        };
        Ok(said.lines().filter_map(zone).collect())
    }
}

fn name(block: &Block) -> Option<&str> {
    match &block.what {
        What::Name(name) => Some(name),
        What::Net(_) => None,
    }
}

impl Actuator for Unbound {
    fn name(&self) -> &'static str {
        "unbound"
    }

    fn carries(&self, what: &What) -> bool {
        matches!(what, What::Name(_))
    }

    fn apply(&mut self, change: Change<'_>, _now: DateTime) -> Result<(), Failed> {
        let (mut put, mut take) = (String::new(), String::new());
        if !change.put.is_empty() {
            // A zone that the operator made is not ours to replace: it would be gone when the order ends.
            let zones = self.zones()?;
            for name in change.put.iter().filter_map(name) {
                if zones.get(name).is_some_and(|kind| kind != TYPE) {
                    return Err(Failed(format!("the name server has a local zone of its own for {name}")));
                }
                let _ = writeln!(put, "{name}. {TYPE}");
            }
        }
        for name in change.take.iter().filter_map(name) {
            let _ = writeln!(take, "{name}.");
        }
        if !put.is_empty() {
            run(&self.command, &["local_zones"], &put)?;
        }
        if !take.is_empty() {
            run(&self.command, &["local_zones_remove"], &take)?;
        }
        Ok(())
    }

    fn read(&mut self, _all: &Desired, _now: DateTime) -> Result<Reading, Failed> {
        let zones = self.zones()?;
        let block =
            |name: String| Block { what: What::Name(name), direction: Direction::Both, manner: Manner::Drop };
        let ours = zones.into_iter().filter(|(_, kind)| kind == TYPE);
        // Zones of this type that nobody ordered are the operator's: nothing tells them from ours, and they stay.
        Ok(Reading {
            standing: ours.map(|(name, _)| (block(name), Found::default())).collect(),
            foreign: Vec::new(),
        })
    }
}
