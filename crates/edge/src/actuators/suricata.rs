//! A dataset of Suricata in a file, for a rule of the operator's own that drops or alerts on what is in it. One value a line, as Suricata's
//! manual says (Datasets, File formats): addresses as text (type `ip`), names in base64 (type `string`). A dataset has addresses and no networks.
//!
//! A set that a rule only loads is read again with the rules, which is what `reload` asks for; one that is defined in Suricata's
//! configuration is changed over its socket, value by value (`dataset-add`, `dataset-remove`), where `set` names it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openc2::{DateTime, Direction};

use super::files::{read_file, reload, replace};
use super::program::run;
use super::{Actuator, Block, Change, Desired, Failed, Found, Manner, Reading, What};

/// A dataset.
pub(crate) struct Dataset {
    file: PathBuf,
    names: bool,
    reload: Option<Vec<String>>,
    /// The set that is changed over the socket, and how `suricatasc` is called.
    set: Option<(String, Vec<String>)>,
    told: bool,
}

impl Dataset {
    pub(crate) fn new(
        file: PathBuf,
        names: bool,
        reload: Option<Vec<String>>,
        set: Option<(String, Vec<String>)>,
    ) -> Self {
        Self { file, names, reload, set, told: false }
    }

    fn kind(&self) -> &'static str {
        if self.names { "string" } else { "ip" }
    }

    /// A value as it stands in the file and on the socket: letters that no program takes for more.
    fn value(&self, what: &What) -> Option<String> {
        match what {
            What::Name(name) if self.names => Some(STANDARD.encode(name)),
            What::Net(net) if !self.names && net.prefix_len() == net.max_prefix_len() => {
                Some(net.addr().to_string())
            }
            What::Name(_) | What::Net(_) => None,
        }
    }

    /// What a line of the file says.
    fn what(&self, line: &str) -> Option<What> {
        if self.names {
            let bytes = STANDARD.decode(line).ok()?;
            return String::from_utf8(bytes).ok().map(What::Name);
        }
        line.parse::<std::net::IpAddr>().ok().map(|address| What::Net(address.into()))
    }

    fn text(&self, all: &Desired) -> String {
        let values: BTreeSet<String> = all.keys().filter_map(|block| self.value(&block.what)).collect();
        values.into_iter().fold(String::new(), |text, value| text + &value + "\n")
    }

    /// Changes the set of a Suricata that runs.
    fn tell(&self, change: Change<'_>) -> Result<(), Failed> {
        let Some((set, command)) = &self.set else { return Ok(()) };
        let kind = self.kind();
        let each = |blocks: &[Block], word: &str| -> Result<(), Failed> {
            for value in blocks.iter().filter_map(|block| self.value(&block.what)) {
                run(command, &["-c", &format!("{word} {set} {kind} {value}")], "")?;
            }
            Ok(())
        };
        each(change.put, "dataset-add")?;
        // Of several orders on one thing the last one that ends takes it out.
        let stays = |block: &&Block| !change.all.keys().any(|kept| kept.what == block.what);
        let gone: Vec<Block> = change.take.iter().filter(stays).cloned().collect();
        each(&gone, "dataset-remove")
    }
}

fn plainly(what: What) -> Block {
    Block { what, direction: Direction::Both, manner: Manner::Drop }
}

impl Actuator for Dataset {
    fn name(&self) -> &'static str {
        if self.names { "suricata (names)" } else { "suricata (addresses)" }
    }

    fn carries(&self, what: &What) -> bool {
        self.value(what).is_some()
    }

    fn apply(&mut self, change: Change<'_>, _now: DateTime) -> Result<(), Failed> {
        self.told = false;
        replace(&self.file, &self.text(change.all))?;
        self.tell(change)?;
        reload(self.reload.as_ref())?;
        self.told = true;
        Ok(())
    }

    fn read(&mut self, all: &Desired, now: DateTime) -> Result<Reading, Failed> {
        if !self.told {
            // Suricata may have been started anew, and so may the edge: everything is told again.
            let put: Vec<Block> = all.keys().cloned().collect();
            self.apply(Change { all, put: &put, take: &[] }, now)?;
        }
        let text = read_file(&self.file)?.unwrap_or_default();
        let found: BTreeSet<What> = text.lines().filter_map(|line| self.what(line.trim())).collect();
        let wanted: BTreeSet<&What> = all.keys().map(|block| &block.what).collect();
        let foreign = found.iter().filter(|what| !wanted.contains(what)).cloned().map(plainly).collect();
        let standing = found.iter().cloned().map(plainly);
        let also = all.keys().filter(|block| found.contains(&block.what)).cloned();
        Ok(Reading {
            standing: standing.chain(also).map(|block| (block, Found::default())).collect(),
            foreign,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actuators::Wanted;

    const NOW: DateTime = DateTime(1_790_000_000_000);

    fn all(whats: &[&str]) -> Desired {
        let what = |text: &&str| match text.parse::<std::net::IpAddr>() {
            Ok(address) => What::Net(address.into()),
            Err(_) => What::Name((*text).to_owned()),
        };
        let wanted = Wanted { until: DateTime(NOW.0 + 60_000), by: "c-1".to_owned() };
        whats.iter().map(|text| (plainly(what(text)), wanted.clone())).collect()
    }

    #[test]
    fn the_file_is_as_the_manual_says_and_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dataset.lst");
        let mut addresses = Dataset::new(path.clone(), false, None, None);
        let both = all(&["198.51.100.7", "2001:db8::7"]);
        let put: Vec<Block> = both.keys().cloned().collect();
        addresses.apply(Change { all: &both, put: &put, take: &[] }, NOW).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "198.51.100.7\n2001:db8::7\n");
        assert_eq!(addresses.read(&both, NOW).unwrap().standing.len(), 2);
        let one = all(&["198.51.100.7"]);
        assert_eq!(addresses.read(&one, NOW).unwrap().foreign.len(), 1);
        assert!(!addresses.carries(&What::Net("198.51.100.0/24".parse().unwrap())), "it has no networks");
        let mut names = Dataset::new(path.clone(), true, None, None);
        let name = all(&["evil.example"]);
        names.apply(Change { all: &name, put: &[], take: &[] }, NOW).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ZXZpbC5leGFtcGxl\n");
        assert_eq!(names.read(&name, NOW).unwrap().standing.len(), 1);
        std::fs::write(&path, "not base64\n").unwrap();
        assert!(names.read(&name, NOW).unwrap().standing.is_empty());
    }

    #[test]
    fn a_running_suricata_is_told_value_by_value() {
        let folder = tempfile::tempdir().unwrap();
        let (path, told) = (folder.path().join("dataset.lst"), folder.path().join("told"));
        let script = format!("echo \"$2\" >> {}", told.display());
        let command = ["sh", "-c", &script, "suricatasc"].map(str::to_owned).to_vec();
        let mut dataset = Dataset::new(path, false, None, Some(("blocked".to_owned(), command)));
        let one = all(&["198.51.100.7"]);
        let block: Vec<Block> = one.keys().cloned().collect();
        dataset.apply(Change { all: &one, put: &block, take: &[] }, NOW).unwrap();
        dataset.apply(Change { all: &Desired::new(), put: &[], take: &block }, NOW).unwrap();
        let said = std::fs::read_to_string(&told).unwrap();
        assert_eq!(said, "dataset-add blocked ip 198.51.100.7\ndataset-remove blocked ip 198.51.100.7\n");
        dataset.set = Some(("blocked".to_owned(), vec!["false".to_owned()]));
        assert!(dataset.apply(Change { all: &one, put: &block, take: &[] }, NOW).is_err());
        assert!(dataset.read(&one, NOW).is_err(), "it is told again before it is believed");
    }
}
