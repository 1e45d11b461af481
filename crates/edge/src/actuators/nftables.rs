//! The packet filter of the kernel, by `nft`, in a table of our own: `inet yagura`.
//!
//! Hosts are in hash sets and networks in small interval sets, since an interval set takes longer for each element the more there are.
//! Every element has a timeout: the kernel ends a block at its time though no process of ours lives to see it. An element is put in by
//! adding, deleting and adding it in one transaction: to add what is there changes its timeout with some kernels and with others does
//! nothing. Networks that overlap would fail a whole transaction, so they are cut into pieces that do not (see [`pieces`]).
//!
//! `nft` is run for each change and not kept running: measured on two cores, a run takes 4 to 11 ms, and one that was kept would answer
//! for a change only by what it prints, and be one more thing that can hang.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;

use ipnet::IpNet;
use openc2::{DateTime, Direction};
use serde_json::Value;

use super::program::run;
use super::{Actuator, Block, Change, Desired, Failed, Found, Manner, Reading, What};

mod pieces;
#[cfg(test)]
#[path = "nftables_tests.rs"]
mod tests;

use pieces::{Piece, pieces};

const TABLE: &str = "inet yagura";
/// The counter of every packet that is looked at.
const PASSED: &str = "passed";
/// By how much an element's end may be off before it is put in again: `nft` tells whole seconds.
const TOLERANCE_MS: u64 = 2_500;
/// Counting comes first: what is dropped is seen by no rule after it.
const MANNERS: [Manner; 3] = [Manner::Count, Manner::Drop, Manner::Reject];
const DIRECTIONS: [Direction; 3] = [Direction::Both, Direction::Ingress, Direction::Egress];
/// Where packets are looked at: those for this machine, through it, and of it. Before other tables' filters, after connection tracking.
const HOOKS: [&str; 3] = ["input", "forward", "output"];

/// The packet filter.
pub(crate) struct Nftables {
    command: Vec<String>,
    /// Whether our table was found whole, or made.
    is_made: bool,
    /// Packets that were looked at, as the table said last.
    passed: Option<u64>,
}

/// One of our sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Set {
    manner: Manner,
    direction: Direction,
    is_v4: bool,
    hosts: bool,
}

impl Set {
    fn all() -> impl Iterator<Item = Self> {
        MANNERS.into_iter().flat_map(|manner| {
            DIRECTIONS.into_iter().flat_map(move |direction| {
                [true, false].into_iter().flat_map(move |is_v4| {
                    [true, false].into_iter().map(move |hosts| Self { manner, direction, is_v4, hosts })
                })
            })
        })
    }

    fn of(block: &Block) -> Option<Self> {
        let What::Net(net) = &block.what else { return None };
        Some(Self {
            manner: block.manner,
            direction: block.direction,
            is_v4: net.addr().is_ipv4(),
            hosts: net.prefix_len() == net.max_prefix_len(),
        })
    }

    fn name(self) -> String {
        let manner = match self.manner {
            Manner::Count => "count",
            Manner::Drop => "drop",
            Manner::Reject => "reject",
        };
        let family = if self.is_v4 { "4" } else { "6" };
        let kind = if self.hosts { "host" } else { "net" };
        format!("{manner}_{}_{family}_{kind}", self.direction)
    }

    /// Which addresses of a packet are looked up: what comes in comes from there, what goes out goes there.
    fn fields(self) -> &'static [&'static str] {
        match self.direction {
            Direction::Both => &["saddr", "daddr"],
            Direction::Ingress => &["saddr"],
            Direction::Egress => &["daddr"],
        }
    }

    fn verdict(self) -> &'static str {
        match self.manner {
            Manner::Count => "",
            Manner::Drop => " drop",
            Manner::Reject => " reject with icmpx admin-prohibited",
        }
    }
}

/// The rules in their order: the field, the set, the verdict.
fn rules() -> impl Iterator<Item = (Set, &'static str)> {
    Set::all().flat_map(|set| set.fields().iter().map(move |field| (set, *field)))
}

/// What makes our table; where there is one already it stays with what is in its sets, and its chains are made anew.
fn making() -> String {
    let mut script = format!("add table {TABLE}\n");
    for set in Set::all() {
        let kind = if set.is_v4 { "ipv4_addr" } else { "ipv6_addr" };
        let flags = if set.hosts { "timeout" } else { "interval, timeout" };
        let _ = writeln!(script, "add set {TABLE} {} {{ type {kind}; flags {flags}; counter; }}", set.name());
    }
    let _ = writeln!(script, "add chain {TABLE} check\nflush chain {TABLE} check");
    // A machine that cannot speak to itself is of no use to anybody.
    let _ = writeln!(
        script,
        "add rule {TABLE} check meta iif lo return\nadd rule {TABLE} check meta oif lo return"
    );
    let _ = writeln!(script, "add counter {TABLE} {PASSED}\nadd rule {TABLE} check counter name {PASSED}");
    for (set, field) in rules() {
        let family = if set.is_v4 { "ip" } else { "ip6" };
        let _ = writeln!(script, "add rule {TABLE} check {family} {field} @{}{}", set.name(), set.verdict());
    }
    for hook in HOOKS {
        let _ = writeln!(
            script,
            "add chain {TABLE} {hook} {{ type filter hook {hook} priority -10; policy accept; }}\nflush chain {TABLE} {hook}\nadd rule {TABLE} {hook} jump check"
        );
    }
    script
}

/// A comment holds what told it from others' elements: the command's identifier, of letters that need no quoting.
fn comment(by: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.:".contains(c) { c } else { '_' };
    format!("yagura {}", by.chars().map(plain).take(64).collect::<String>())
}

fn timeout(until: DateTime, now: DateTime) -> Option<String> {
    let left = until.0.checked_sub(now.0).filter(|left| *left > 0)?;
    Some(format!("{}s{}ms", left / 1_000, left % 1_000))
}

/// An element as a device has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Element {
    /// When it ends; none where it does not.
    until: Option<DateTime>,
    packets: u64,
    is_ours: bool,
}

/// What is in our sets, and whether all that acts on them is there.
#[derive(Debug, Default)]
struct Table {
    sets: BTreeMap<Set, BTreeMap<(IpAddr, IpAddr), Element>>,
    is_whole: bool,
    passed: Option<u64>,
}

impl Nftables {
    pub(crate) fn new(command: Vec<String>) -> Self {
        Self { command, is_made: false, passed: None }
    }

    fn run(&self, script: &str) -> Result<(), Failed> {
        run(&self.command, &["-f", "-"], script).map(drop)
    }

    /// Makes what is missing of our table, once.
    fn make(&mut self) -> Result<(), Failed> {
        if !self.is_made {
            self.run(&making())?;
            self.is_made = true;
        }
        Ok(())
    }

    fn table(&mut self, now: DateTime) -> Result<Table, Failed> {
        self.make()?;
        let listed = run(&self.command, &["-j", "list", "table", "inet", "yagura"], "");
        // Somebody took it away; that is drift and no failure.
        let Ok(listed) = listed else { return Ok(Table::default()) };
        let value: Value = serde_json::from_str(&listed)
            .map_err(|error| Failed(format!("what `nft` lists cannot be read: {error}")))?;
        Ok(Table::of(&value, now))
    }

    fn script(change: Change<'_>, now: DateTime) -> String {
        let mut script = String::new();
        let mut networks = BTreeSet::new();
        for block in change.put.iter().chain(change.take) {
            let (Some(set), What::Net(net)) = (Set::of(block), &block.what) else { continue };
            if !set.hosts {
                networks.insert(set);
                continue;
            }
            let (name, address) = (set.name(), net.addr());
            // To delete what is not there fails; to add what is there does not.
            let _ = writeln!(script, "add element {TABLE} {name} {{ {address} }}");
            let _ = writeln!(script, "delete element {TABLE} {name} {{ {address} }}");
            let wanted = change.all.get(block).filter(|_| !change.take.contains(block));
            if let Some((wanted, timeout)) = wanted.and_then(|w| Some((w, timeout(w.until, now)?))) {
                let _ = writeln!(
                    script,
                    "add element {TABLE} {name} {{ {address} timeout {timeout} comment \"{}\" }}",
                    comment(&wanted.by)
                );
            }
        }
        for set in networks {
            let name = set.name();
            let _ = writeln!(script, "flush set {TABLE} {name}");
            for piece in pieces_of(change.all, set) {
                let Some(timeout) = timeout(piece.until, now) else { continue };
                let _ = writeln!(
                    script,
                    "add element {TABLE} {name} {{ {piece} timeout {timeout} comment \"{}\" }}",
                    comment(&piece.by)
                );
            }
        }
        script
    }
}

/// What the interval set is to have.
fn pieces_of(all: &Desired, set: Set) -> Vec<Piece> {
    let of_set = all.iter().filter(|(block, _)| Set::of(block) == Some(set));
    pieces(of_set.filter_map(|(block, wanted)| match block.what {
        What::Net(net) => Some((net, wanted)),
        What::Name(_) => None,
    }))
}

impl Table {
    fn of(value: &Value, now: DateTime) -> Self {
        let mut table = Self::default();
        let sets: BTreeMap<String, Set> = Set::all().map(|set| (set.name(), set)).collect();
        let mut found_rules = Vec::new();
        let mut jumps = BTreeSet::new();
        let mut hooks = BTreeSet::new();
        for entry in value.get("nftables").and_then(Value::as_array).into_iter().flatten() {
            if let Some(listed) = entry.get("set") {
                let set = listed.get("name").and_then(Value::as_str).and_then(|name| sets.get(name));
                let Some(set) = set else { continue };
                let elements = listed.get("elem").and_then(Value::as_array).into_iter().flatten();
                table.sets.insert(*set, elements.filter_map(|element| read_element(element, now)).collect());
            } else if let Some(counter) = entry.get("counter") {
                let is_ours = counter.get("name").and_then(Value::as_str) == Some(PASSED);
                let packets = counter.get("packets").and_then(Value::as_u64);
                table.passed = packets.filter(|_| is_ours).or(table.passed);
            } else if let Some(chain) = entry.get("chain") {
                let hook = chain.get("hook").and_then(Value::as_str);
                let named = chain.get("name").and_then(Value::as_str);
                hooks.extend(hook.filter(|_| hook == named).map(str::to_owned));
            } else if let Some(rule) = entry.get("rule") {
                match rule.get("chain").and_then(Value::as_str) {
                    Some("check") => found_rules.extend(read_rule(rule)),
                    Some(chain) if jumps_to_check(rule) => {
                        jumps.insert(chain.to_owned());
                    }
                    _ => {}
                }
            }
        }
        let wanted: Vec<(String, &str, &str)> =
            rules().map(|(set, field)| (set.name(), field, verdict_word(set.manner))).collect();
        let rules_hold = found_rules.len() == wanted.len()
            && found_rules.iter().zip(&wanted).all(|(found, wanted)| {
                (found.0.as_str(), found.1.as_str(), found.2) == (wanted.0.as_str(), wanted.1, wanted.2)
            });
        let is_hooked = |hook: &&&str| hooks.contains(**hook) && jumps.contains(**hook);
        table.is_whole = table.sets.len() == sets.len()
            && rules_hold
            && HOOKS.iter().filter(is_hooked).count() == HOOKS.len();
        table
    }

    /// Whether a block stands as it is wanted, and what it stopped.
    fn stands(&self, cut: &BTreeMap<Set, Vec<Piece>>, block: &Block, until: DateTime) -> Option<Found> {
        let (set, What::Net(net)) = (Set::of(block)?, &block.what) else { return None };
        let elements = self.sets.get(&set)?;
        let near = |found: Option<DateTime>, wanted: DateTime| {
            found.is_some_and(|found| found.0.abs_diff(wanted.0) <= TOLERANCE_MS)
        };
        if set.hosts {
            let element = elements.get(&(net.addr(), net.addr()))?;
            return near(element.until, until).then_some(Found { stopped: Some(element.packets) });
        }
        let (first, last) = (net.network(), net.broadcast());
        let mut packets = 0;
        let pieces = cut.get(&set)?.iter();
        for piece in pieces.filter(|piece| first <= piece.first && piece.last <= last) {
            let element = elements.get(&(piece.first, piece.last))?;
            if !near(element.until, piece.until) {
                return None;
            }
            packets += element.packets;
        }
        Some(Found { stopped: Some(packets) })
    }
}

fn verdict_word(manner: Manner) -> &'static str {
    match manner {
        Manner::Count => "",
        Manner::Drop => "drop",
        Manner::Reject => "reject",
    }
}

/// Which set a rule looks a packet's field up in, and what it does then. Our rules about the loopback are not told, and neither is
/// whatever cannot be understood: then there are too few.
fn read_rule(rule: &Value) -> Option<(String, String, &'static str)> {
    let expressions = rule.get("expr")?.as_array()?;
    let found = expressions.first()?.get("match")?;
    let set = found.get("right")?.as_str()?.strip_prefix('@')?.to_owned();
    let field = found.get("left")?.get("payload")?.get("field")?.as_str()?.to_owned();
    let verdict = match expressions.get(1) {
        None => "",
        Some(last) if last.get("drop").is_some() => "drop",
        Some(last) if last.get("reject").is_some() => "reject",
        Some(_) => return None,
    };
    (found.get("op").and_then(Value::as_str) == Some("==")).then_some((set, field, verdict))
}

fn jumps_to_check(rule: &Value) -> bool {
    let expressions = rule.get("expr").and_then(Value::as_array);
    let first = expressions.and_then(|all| all.first()).and_then(|first| first.get("jump"));
    first.and_then(|jump| jump.get("target")).and_then(Value::as_str) == Some("check")
}

fn read_element(element: &Value, now: DateTime) -> Option<((IpAddr, IpAddr), Element)> {
    let inner = element.get("elem").unwrap_or(element);
    let value = inner.get("val").unwrap_or(inner);
    let address = |value: &Value| value.as_str()?.parse::<IpAddr>().ok();
    let range = if let Some(prefix) = value.get("prefix") {
        let len = u8::try_from(prefix.get("len")?.as_u64()?).ok()?;
        let net = IpNet::new(address(prefix.get("addr")?)?, len).ok()?;
        (net.network(), net.broadcast())
    } else if let Some(range) = value.get("range").and_then(Value::as_array) {
        (address(range.first()?)?, address(range.get(1)?)?)
    } else {
        let address = address(value)?;
        (address, address)
    };
    let left = inner.get("expires").and_then(Value::as_u64);
    let packets = inner.get("counter").and_then(|counter| counter.get("packets")).and_then(Value::as_u64);
    let said = inner.get("comment").and_then(Value::as_str);
    let element = Element {
        until: left.and_then(|seconds| now.after(seconds * 1_000)),
        packets: packets.unwrap_or(0),
        is_ours: said.is_some_and(|text| text.starts_with("yagura ")),
    };
    Some((range, element))
}

impl Actuator for Nftables {
    fn name(&self) -> &'static str {
        "nftables"
    }

    fn carries(&self, what: &What) -> bool {
        matches!(what, What::Net(_))
    }

    fn is_filter(&self) -> bool {
        true
    }

    fn passed(&self) -> Option<u64> {
        self.passed
    }

    fn check(&mut self, change: Change<'_>, now: DateTime) -> Result<(), Failed> {
        self.make()?;
        run(&self.command, &["-c", "-f", "-"], &Self::script(change, now)).map(drop)
    }

    fn apply(&mut self, change: Change<'_>, now: DateTime) -> Result<(), Failed> {
        self.make()?;
        let script = Self::script(change, now);
        if script.is_empty() {
            return Ok(());
        }
        // Where our table was taken away under us, it is made again first.
        self.run(&script).or_else(|_| {
            self.is_made = false;
            self.make()?;
            self.run(&script)
        })
    }

    fn read(&mut self, all: &Desired, now: DateTime) -> Result<Reading, Failed> {
        let mut table = self.table(now)?;
        let mut was_whole = true;
        if !table.is_whole {
            // Elements in a set that no rule looks at stop nothing. So nothing stands at this reading, and the next one says what does.
            self.is_made = false;
            table = self.table(now)?;
            was_whole = false;
        }
        self.passed = table.passed;
        let mut standing = BTreeMap::new();
        let mut expected = BTreeSet::new();
        let cut: BTreeMap<Set, Vec<Piece>> =
            Set::all().filter(|set| !set.hosts).map(|set| (set, pieces_of(all, set))).collect();
        for (block, wanted) in all {
            if let Some(found) = table.stands(&cut, block, wanted.until).filter(|_| was_whole) {
                standing.insert(block.clone(), found);
            }
            if let (Some(set), What::Net(net)) = (Set::of(block).filter(|set| set.hosts), &block.what) {
                expected.insert((set, net.addr(), net.addr()));
            }
        }
        for (set, pieces) in &cut {
            expected.extend(pieces.iter().map(|piece| (*set, piece.first, piece.last)));
        }
        let mut foreign = Vec::new();
        for (set, elements) in &table.sets {
            for ((first, last), element) in elements {
                // What has ended is on its way out.
                let ends = element.until.is_some_and(|until| until.0 <= now.0 + 1_000);
                if expected.contains(&(*set, *first, *last)) || (ends && element.is_ours) {
                    continue;
                }
                let block = Block {
                    what: What::Net(enclosing(*first, *last, set.hosts)),
                    direction: set.direction,
                    manner: set.manner,
                };
                if !all.contains_key(&block) {
                    standing.insert(block.clone(), Found { stopped: Some(element.packets) });
                }
                foreign.push(block);
            }
        }
        Ok(Reading { standing, foreign })
    }
}

/// The smallest network that has both; one that is no host where the set is none of hosts.
fn enclosing(first: IpAddr, last: IpAddr, hosts: bool) -> IpNet {
    let bits = if first.is_ipv4() { 32 } else { 128 };
    let max = if hosts { bits } else { bits - 1 };
    let fits = |prefix: &u8| IpNet::new(first, *prefix).is_ok_and(|net| net.contains(&last));
    let prefix = (0..=max).rev().find(fits).unwrap_or(0);
    IpNet::new(first, prefix).map_or_else(|_| IpNet::from(first), |net| net.trunc())
}
