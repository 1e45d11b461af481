//! What the edge itself asks of an order, whoever signed it: its time, an end, the operator's list of what may be ordered, what is never
//! blocked, and how much. Each gate is closed until something opens it, and each says in plain words why it stayed so.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use ipnet::IpNet;
use openc2::consumer::Denial;
use openc2::{Command, DateTime, Span, Status};
use oversight::reason::Reason;

use super::surroundings;
use crate::actuators::What;
use crate::config::orders::{Orders, read_networks};

/// Networks that nobody's order may touch: this machine, its links, and what is no single host's.
const NEVER: [&str; 9] = [
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/127",
    "::ffff:0:0/96",
    "fe80::/10",
    "ff00::/8",
];

/// The gates of one edge.
pub(crate) struct Gates {
    config: Orders,
    never: Vec<IpNet>,
    files: Vec<Listed>,
}

/// A file of networks, as it was when it was read last.
struct Listed {
    path: PathBuf,
    changed: Option<SystemTime>,
    networks: Vec<IpNet>,
}

/// What is known around an order.
#[derive(Debug, Clone)]
pub(crate) struct Around<'a> {
    pub(crate) issuer: &'a str,
    /// Orders of the issuer that were taken within the last hour.
    pub(crate) lately: u64,
    /// Orders that stand or wait.
    pub(crate) standing: usize,
    /// Where the hub is now.
    pub(crate) hub: &'a BTreeSet<IpAddr>,
    /// Whether something here carries such things out.
    pub(crate) is_carried: bool,
    pub(crate) now: DateTime,
}

/// What an order that passed asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) what: What,
    pub(crate) starts: DateTime,
    pub(crate) ends: DateTime,
}

/// A refusal: a word by which the page knows it, and what stands against it.
fn no(status: Status, gate: &str, why: impl std::fmt::Display) -> Denial {
    Denial { status, text: format!("{gate}: {why}") }
}

impl Gates {
    pub(crate) fn new(config: &Orders) -> Self {
        let never = NEVER.iter().filter_map(|text| text.parse().ok()).collect();
        let files = config.protect.files.iter();
        let files =
            files.map(|path| Listed { path: path.clone(), changed: None, networks: Vec::new() }).collect();
        Self { config: config.clone(), never, files }
    }

    /// Judges an order to keep something out.
    pub(crate) fn judge(&mut self, command: &Command, around: &Around<'_>) -> Result<Passed, Denial> {
        let Span { start, stop } = command
            .args
            .span(around.now)
            .map_err(|refusal| no(refusal.status(), "time", refusal.message()))?;
        let ends = stop.ok_or_else(|| no(Status::Forbidden, "end", Reason::EdgeNoEnd.say(&[])))?;
        let lasts = ends.0.saturating_sub(start.0.max(around.now.0));
        if lasts > self.config.longest_ms {
            let (minutes, most) = (lasts.div_ceil(60_000), self.config.longest_ms / 60_000);
            let why = Reason::EdgeTooLong.say(&[("minutes", &minutes), ("most", &most)]);
            return Err(no(Status::Forbidden, "end", why));
        }
        // What begins in a year would be decided by nobody who knows of it then.
        if start.0 > around.now.0.saturating_add(self.config.longest_ms) {
            return Err(no(Status::Forbidden, "time", Reason::EdgeTooEarly.say(&[])));
        }
        let what = What::of(&command.target)
            .filter(|_| around.is_carried)
            .ok_or_else(|| no(Status::NotImplemented, "device", Reason::EdgeNoDevice.say(&[])))?;
        self.allow(&what, around.issuer)?;
        self.protect(&what, around.hub)?;
        self.radius(&what, around)?;
        Ok(Passed { what, starts: start.max(around.now), ends })
    }

    /// Whether something that stands may stand on, by the configuration as it is now.
    pub(crate) fn stands(&mut self, what: &What, issuer: &str, hub: &BTreeSet<IpAddr>) -> Result<(), Denial> {
        self.allow(what, issuer)?;
        self.protect(what, hub)
    }

    fn allow(&self, what: &What, issuer: &str) -> Result<(), Denial> {
        let covers = |what: &What, networks: &[IpNet], names: &[String]| match what {
            What::Net(net) => networks.iter().any(|allowed| allowed.contains(net)),
            What::Name(name) => names.iter().any(|allowed| is_beneath(name, allowed)),
        };
        let opens = self.config.allow.iter().any(|allowed| {
            let is_meant = allowed.issuers.is_empty() || allowed.issuers.contains(issuer);
            is_meant && covers(what, &allowed.networks, &allowed.names)
        });
        if opens {
            return Ok(());
        }
        let why = Reason::EdgeNotAllowed.say(&[("issuer", &issuer), ("target", what)]);
        Err(no(Status::Forbidden, "allow-list", why))
    }

    fn protect(&mut self, what: &What, hub: &BTreeSet<IpAddr>) -> Result<(), Denial> {
        let refuse = |why: String| Err(no(Status::Forbidden, "protected", why));
        let net = match what {
            What::Name(name) => {
                let touches = |own: &&String| is_beneath(name, own) || is_beneath(own, name);
                return match self.config.protect.names.iter().find(touches) {
                    Some(own) => refuse(Reason::EdgeProtectedName.say(&[("name", name), ("own", own)])),
                    None => Ok(()),
                };
            }
            What::Net(net) => net,
        };
        self.read_files()?;
        let configured = self.never.iter().chain(&self.config.protect.networks);
        let files = self.files.iter().flat_map(|file| &file.networks);
        if let Some(own) = configured.chain(files).find(|own| overlap(own, net)) {
            return refuse(Reason::EdgeProtectedNetwork.say(&[("target", what), ("own", own)]));
        }
        let around = if self.config.protect.surroundings { surroundings::read() } else { BTreeSet::new() };
        match around.iter().chain(hub).find(|address| net.contains(*address)) {
            Some(address) => refuse(Reason::EdgeProtectedMachine.say(&[("address", address)])),
            None => Ok(()),
        }
    }

    /// Reads the files of networks that changed. One that cannot be read closes the gate: it may say what must not be blocked.
    fn read_files(&mut self) -> Result<(), Denial> {
        for file in &mut self.files {
            let closed = |why: String| {
                let why = Reason::EdgeListUnreadable.say(&[("cause", &why)]);
                no(Status::ServiceUnavailable, "protected", why)
            };
            let changed = std::fs::metadata(&file.path).and_then(|about| about.modified());
            let changed = changed.map_err(|error| closed(error.to_string()))?;
            if file.changed != Some(changed) {
                let text = std::fs::read(&file.path).map_err(|error| closed(error.to_string()))?;
                file.networks = read_networks(&String::from_utf8_lossy(&text)).map_err(closed)?;
                file.changed = Some(changed);
            }
        }
        Ok(())
    }

    fn radius(&self, what: &What, around: &Around<'_>) -> Result<(), Denial> {
        let radius = &self.config.radius;
        let refuse = |status, why: String| Err(no(status, "radius", why));
        match what {
            What::Net(net) => {
                let least =
                    if net.addr().is_ipv4() { radius.ipv4_prefix_min } else { radius.ipv6_prefix_min };
                if net.prefix_len() < least {
                    let why = Reason::EdgeTooWide.say(&[("target", what), ("least", &least)]);
                    return refuse(Status::Forbidden, why);
                }
                if addresses(net) > radius.addresses_max {
                    let most = radius.addresses_max;
                    let why = Reason::EdgeTooMany.say(&[("target", what), ("most", &most)]);
                    return refuse(Status::Forbidden, why);
                }
            }
            // `co.jp` and `github.io` are many organisations' names; so is whatever nobody knows to be one's.
            What::Name(name) => {
                if psl::domain(name.as_bytes()).is_none() {
                    return refuse(Status::Forbidden, Reason::EdgeSuffix.say(&[("name", name)]));
                }
            }
        }
        if around.standing >= radius.standing_max {
            let most = radius.standing_max;
            return refuse(Status::ServiceUnavailable, Reason::EdgeStanding.say(&[("most", &most)]));
        }
        if around.lately >= radius.orders_an_hour_max {
            let (most, issuer) = (radius.orders_an_hour_max, around.issuer);
            let why = Reason::EdgeRate.say(&[("issuer", &issuer), ("most", &most)]);
            return refuse(Status::ServiceUnavailable, why);
        }
        Ok(())
    }
}

/// How many addresses a network has; of IPv6, how many networks of 64 bits, at least one.
fn addresses(net: &IpNet) -> u64 {
    let bits = match net {
        IpNet::V4(net) => 32 - net.prefix_len(),
        IpNet::V6(net) => 64_u8.saturating_sub(net.prefix_len()),
    };
    1_u64.checked_shl(bits.into()).unwrap_or(u64::MAX)
}

/// IPv4 addresses that are written as IPv6 ones are among what nobody's order may touch, so families need not be compared.
fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

fn is_beneath(name: &str, other: &str) -> bool {
    other == "." || name.strip_suffix(other).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
#[path = "gates_tests.rs"]
mod tests;
