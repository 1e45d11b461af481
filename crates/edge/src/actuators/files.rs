//! Devices that are files: a response policy zone for name servers, and plain lists for firewalls. Each is replaced as a whole, so that
//! nobody reads a half of it, and is read back like any other device.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use openc2::{DateTime, Direction};

use super::program::run;
use super::{Actuator, Block, Change, Desired, Failed, Found, Manner, Reading, What};

/// How long a name server may take to answer a probe.
const PROBE_PATIENCE: Duration = Duration::from_millis(800);
/// The most names that are asked for at one reading; beyond these the rest is asked for the next time.
const PROBES_MAX: usize = 8;
/// The largest file that is read back, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A response policy zone (draft-vixie-dnsop-dns-rpz): each name, and what is beneath it, does not exist.
pub(crate) struct Zone {
    file: PathBuf,
    zone: String,
    reload: Option<Vec<String>>,
    probe: Option<SocketAddr>,
    /// Whether the name server has been told of what is in the file.
    told: bool,
    /// Where among the names the next probes begin.
    probed: usize,
}

/// A list, one entry a line.
pub(crate) struct List {
    file: PathBuf,
    names: bool,
    reload: Option<Vec<String>>,
    told: bool,
}

impl Zone {
    pub(crate) fn new(
        file: PathBuf,
        zone: String,
        reload: Option<Vec<String>>,
        probe: Option<SocketAddr>,
    ) -> Self {
        Self { file, zone, reload, probe, told: false, probed: 0 }
    }

    fn text(&self, all: &Desired, serial: u32) -> String {
        let zone = &self.zone;
        let mut text = format!(
            "; Made by Yagura; changes are overwritten.\n$TTL 60\n{zone}. SOA localhost. yagura.localhost. {serial} 60 60 604800 60\n{zone}. NS localhost.\n"
        );
        for name in names(all) {
            let _ = writeln!(text, "{name}.{zone}. CNAME .");
            let _ = writeln!(text, "*.{name}.{zone}. CNAME .");
        }
        text
    }

    /// The names that the zone in the file has, and its serial.
    fn parse(&self, text: &str) -> (BTreeSet<String>, u32) {
        let end = format!(".{}.", self.zone);
        let mut serial = 0;
        let (mut plain, mut wild) = (BTreeSet::new(), BTreeSet::new());
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                [owner, "CNAME", "."] => {
                    let Some(name) = owner.strip_suffix(&end) else { continue };
                    match name.strip_prefix("*.") {
                        Some(name) => wild.insert(name.to_owned()),
                        None => plain.insert(name.to_owned()),
                    };
                }
                [_, "SOA", _, _, number, ..] => serial = number.parse().unwrap_or(0),
                _ => {}
            }
        }
        (plain.intersection(&wild).cloned().collect(), serial)
    }

    /// The names that the name server answers for in another way than it ought to.
    fn probe(&mut self, all: &BTreeSet<String>) -> Result<BTreeSet<String>, Failed> {
        let Some(server) = self.probe else { return Ok(BTreeSet::new()) };
        let mut wrong = BTreeSet::new();
        let count = all.len().min(PROBES_MAX);
        let asked = all.iter().cycle().skip(self.probed % all.len().max(1)).take(count);
        for name in asked {
            if !does_not_exist(server, name)? {
                wrong.insert(name.clone());
            }
        }
        self.probed = self.probed.wrapping_add(count);
        Ok(wrong)
    }
}

impl List {
    pub(crate) fn new(file: PathBuf, names: bool, reload: Option<Vec<String>>) -> Self {
        Self { file, names, reload, told: false }
    }

    fn text(all: &Desired) -> String {
        let mut lines: BTreeSet<String> = all.keys().map(|block| block.what.to_string()).collect();
        lines.insert("# Made by Yagura; changes are overwritten.".to_owned());
        lines.into_iter().fold(String::new(), |text, line| text + &line + "\n")
    }

    fn parse(&self, text: &str) -> Vec<What> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let read = |line: &str| {
            if self.names {
                return Some(What::Name(line.to_owned()));
            }
            let net = line.parse::<IpNet>().ok();
            net.or_else(|| line.parse::<std::net::IpAddr>().ok().map(IpNet::from)).map(What::Net)
        };
        lines.filter_map(read).collect()
    }
}

fn names(all: &Desired) -> impl Iterator<Item = &str> {
    all.keys().filter_map(|block| match &block.what {
        What::Name(name) => Some(name.as_str()),
        What::Net(_) => None,
    })
}

fn plainly(what: What) -> Block {
    Block { what, direction: Direction::Both, manner: Manner::Drop }
}

impl Actuator for Zone {
    fn name(&self) -> &'static str {
        "rpz"
    }

    fn carries(&self, what: &What) -> bool {
        matches!(what, What::Name(_))
    }

    fn apply(&mut self, change: Change<'_>, now: DateTime) -> Result<(), Failed> {
        let before = read_file(&self.file)?;
        let (_, last) = before.as_deref().map(|text| self.parse(text)).unwrap_or_default();
        // Serials only grow, or name servers would keep what they have (RFC 1982).
        let serial = last.wrapping_add(1).max(u32::try_from(now.0 / 1_000).unwrap_or(0));
        self.told = false;
        replace(&self.file, &self.text(change.all, serial))?;
        reload(self.reload.as_ref())?;
        self.told = true;
        Ok(())
    }

    fn read(&mut self, all: &Desired, now: DateTime) -> Result<Reading, Failed> {
        let text = read_file(&self.file)?.unwrap_or_default();
        let (found, _) = self.parse(&text);
        if !self.told {
            // The file was written and the name server was not told, or that is not known.
            self.apply(Change { all, put: &[], take: &[] }, now)?;
            return self.read(all, now);
        }
        let wanted: BTreeSet<String> = names(all).map(str::to_owned).collect();
        let wrong = self.probe(&wanted)?;
        let foreign = found.difference(&wanted).cloned().map(What::Name).map(plainly).collect();
        let holds = found.into_iter().filter(|name| !wrong.contains(name));
        let standing = holds.map(|name| (plainly(What::Name(name)), Found::default())).collect();
        Ok(Reading { standing, foreign })
    }
}

impl Actuator for List {
    fn name(&self) -> &'static str {
        if self.names { "list of names" } else { "list of addresses" }
    }

    fn carries(&self, what: &What) -> bool {
        matches!(what, What::Name(_)) == self.names
    }

    fn apply(&mut self, change: Change<'_>, _now: DateTime) -> Result<(), Failed> {
        self.told = false;
        replace(&self.file, &Self::text(change.all))?;
        reload(self.reload.as_ref())?;
        self.told = true;
        Ok(())
    }

    fn read(&mut self, all: &Desired, now: DateTime) -> Result<Reading, Failed> {
        if !self.told {
            self.apply(Change { all, put: &[], take: &[] }, now)?;
        }
        let found: BTreeSet<What> =
            self.parse(&read_file(&self.file)?.unwrap_or_default()).into_iter().collect();
        let wanted: BTreeSet<&What> = all.keys().map(|block| &block.what).collect();
        let foreign = found.iter().filter(|what| !wanted.contains(what)).cloned().map(plainly).collect();
        // A list knows neither directions nor manners: what is in it stands for each block of it.
        let mut standing: BTreeMap<Block, Found> =
            found.iter().cloned().map(|what| (plainly(what), Found::default())).collect();
        for block in all.keys().filter(|block| found.contains(&block.what)) {
            standing.insert(block.clone(), Found::default());
        }
        Ok(Reading { standing, foreign })
    }
}

pub(super) fn reload(command: Option<&Vec<String>>) -> Result<(), Failed> {
    command.map_or(Ok(()), |command| run(command, &[], "").map(drop))
}

pub(super) fn read_file(path: &Path) -> Result<Option<String>, Failed> {
    let failed = |error: std::io::Error| Failed(format!("`{}` cannot be read: {error}", path.display()));
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
        Ok(about) if about.len() > FILE_BYTES_MAX => {
            Err(Failed(format!("`{}` is too large to be ours", path.display())))
        }
        Ok(_) => std::fs::read(path)
            .map(|bytes| Some(String::from_utf8_lossy(&bytes).into_owned()))
            .map_err(failed),
    }
}

/// Replaces a file as a whole; it is on disk when this returns. Others read it: it is no secret what is kept out.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failed> {
    use std::os::unix::fs::OpenOptionsExt;
    let write = || -> std::io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o644).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|error| Failed(format!("`{}` cannot be written: {error}", path.display())))
}

/// Asks a name server whether a name does not exist (RFC 1035, response code 3).
fn does_not_exist(server: SocketAddr, name: &str) -> Result<bool, Failed> {
    let silent = |error: std::io::Error| Failed(format!("the name server {server} does not answer: {error}"));
    let own: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(own).map_err(silent)?;
    socket.set_read_timeout(Some(PROBE_PATIENCE)).map_err(silent)?;
    socket.connect(server).map_err(silent)?;
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(|_| Failed("the system gives no chance".to_owned()))?;
    let labels = name
        .split('.')
        .flat_map(|label| std::iter::once(u8::try_from(label.len()).unwrap_or(0)).chain(label.bytes()));
    let header = [1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let query: Vec<u8> = id.into_iter().chain(header).chain(labels).chain([0, 0, 1, 0, 1]).collect();
    socket.send(&query).map_err(silent)?;
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer).map_err(silent)?;
    let [first, second, _, flags, ..] = answer.get(..length).unwrap_or_default() else {
        return Err(Failed(format!("the name server {server} answers nonsense")));
    };
    Ok([*first, *second] == id && flags & 0x0f == 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actuators::Wanted;

    fn all(whats: &[What]) -> Desired {
        let wanted = Wanted { until: DateTime(1_000_000), by: "c-1".to_owned() };
        whats.iter().map(|what| (plainly(what.clone()), wanted.clone())).collect()
    }

    fn is_read_back(device: &mut dyn Actuator, path: &Path, whats: &[What; 2]) {
        let now = DateTime(1_790_000_000_000);
        let both = all(whats);
        let keys: Vec<Block> = both.keys().cloned().collect();
        device.apply(Change { all: &both, put: &keys, take: &[] }, now).unwrap();
        let reading = device.read(&both, now).unwrap();
        assert_eq!(reading.standing.keys().cloned().collect::<Vec<_>>(), keys);
        assert_eq!(reading.foreign, []);
        // What somebody wrote into it is told apart, and goes with the next change.
        let one = all(&whats[..1]);
        let reading = device.read(&one, now).unwrap();
        assert_eq!(reading.foreign, [plainly(whats[1].clone())]);
        device.apply(Change { all: &one, put: &[], take: &reading.foreign }, now).unwrap();
        assert_eq!(device.read(&one, now).unwrap().standing.len(), 1);
        // It was emptied.
        std::fs::write(path, "").unwrap();
        assert_eq!(device.read(&one, now).unwrap().standing.len(), 0);
        std::fs::remove_file(path).unwrap();
        assert_eq!(device.read(&one, now).unwrap().standing.len(), 0);
    }

    #[test]
    fn files_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("device");
        let names = [What::Name("a.example".into()), What::Name("b.example".into())];
        is_read_back(&mut Zone::new(path.clone(), "rpz.yagura".into(), None, None), &path, &names);
        is_read_back(&mut List::new(path.clone(), true, None), &path, &names);
        let nets = ["192.0.2.1/32", "2001:db8::/64"].map(|net| What::Net(net.parse().unwrap()));
        is_read_back(&mut List::new(path.clone(), false, None), &path, &nets);
    }

    #[test]
    fn serials_grow_and_half_a_name_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zone");
        let mut zone = Zone::new(path.clone(), "rpz.yagura".into(), None, None);
        let one = all(&[What::Name("a.example".into())]);
        let serial = |zone: &Zone| zone.parse(&std::fs::read_to_string(&path).unwrap()).1;
        let now = DateTime(1_790_000_000_000);
        zone.apply(Change { all: &one, put: &[], take: &[] }, now).unwrap();
        assert_eq!(serial(&zone), 1_790_000_000);
        zone.apply(Change { all: &one, put: &[], take: &[] }, now).unwrap();
        assert_eq!(serial(&zone), 1_790_000_001);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("*.a.example.rpz.yagura. CNAME .\n", "")).unwrap();
        assert!(zone.read(&one, now).unwrap().standing.is_empty(), "what is beneath it exists");
    }

    #[test]
    fn a_program_that_fails_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let mut list = List::new(path, true, Some(vec!["false".into()]));
        let one = all(&[What::Name("a.example".into())]);
        let failed = list.apply(Change { all: &one, put: &[], take: &[] }, DateTime(1)).unwrap_err();
        assert!(failed.to_string().contains("`false` refuses"), "{failed}");
        // Nobody was told of what is in the file, so it is told before it is believed.
        assert!(list.read(&one, DateTime(2)).is_err());
        list.reload = None;
        assert_eq!(list.read(&one, DateTime(3)).unwrap().standing.len(), 1);
    }
}
