//! The packet filter on real kernels, in network namespaces: packets are sent, and arrive or do not.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::*;
use crate::actuators::Wanted;
use crate::orders::engine::Engine;
use crate::orders::tests::{config, deny, order_of};
use crate::spool::Spool;

#[path = "nftables_shadow_tests.rs"]
mod shadow;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// From and to which nothing is ever blocked, in the attacker's namespace.
const WITNESSES: [&str; 2] = ["198.51.1.1", "2001:db8:1::99"];

/// Two namespaces: an attacker's at 198.51.100.7 and more, and that of the edge at 192.0.2.1.
struct Nets {
    attacker: String,
    edge: String,
}

fn sh(line: &str) -> bool {
    Command::new("sh").arg("-c").arg(line).output().is_ok_and(|output| output.status.success())
}

impl Nets {
    /// `None`, said loudly, where there can be none.
    fn new() -> Option<Self> {
        let tag = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let nets = Self { attacker: format!("yga-{tag}"), edge: format!("yge-{tag}") };
        let (a, e) = (&nets.attacker, &nets.edge);
        if !sh("command -v nft && command -v ip && command -v python3")
            || !sh(&format!("ip netns add {a} && ip netns add {e}"))
        {
            eprintln!("SKIPPED: real packets need nft, ip, python3 and the right to make network namespaces");
            return None;
        }
        let veth = format!(
            "ip -n {a} link add va type veth peer name ve netns {e} &&
             ip -n {a} addr add 198.51.100.7/16 dev va && ip -n {a} addr add 198.51.200.9/16 dev va &&
             ip -n {a} addr add 198.51.100.70/16 dev va && ip -n {a} addr add 198.51.1.1/16 dev va &&
             ip -n {a} link set va up && ip -n {a} link set lo up && ip -n {a} route add 192.0.2.0/24 dev va &&
             ip -n {e} addr add 192.0.2.1/24 dev ve && ip -n {e} link set ve up && ip -n {e} link set lo up &&
             ip -n {e} route add 198.51.0.0/16 dev ve &&
             ip -n {a} -6 addr add 2001:db8:1::7/64 dev va nodad &&
             ip -n {a} -6 addr add 2001:db8:1::99/64 dev va nodad && ip -n {e} -6 addr add 2001:db8:1::1/64 dev ve nodad"
        );
        assert!(sh(&veth), "the namespaces cannot be linked");
        Some(nets)
    }

    fn nft(&self) -> Vec<String> {
        ["ip", "netns", "exec", &self.edge, "nft"].map(str::to_owned).into()
    }

    fn device(&self) -> Nftables {
        Nftables::new(self.nft())
    }

    fn run_nft(&self, line: &str) {
        let (program, rest) = ("ip", ["netns", "exec", &self.edge, "nft"]);
        assert!(Command::new(program).args(rest).arg(line).status().unwrap().success(), "{line}");
    }

    fn python(net: &str, script: &str, rest: &[&str]) -> std::process::Child {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", net, "python3", "-c", script]).args(rest);
        command.stdout(std::process::Stdio::piped());
        command.spawn().unwrap()
    }

    /// A packet from an address in one namespace to an address in another: whether it arrives. How long a busy machine takes to send it
    /// does not matter: a witness's packet that nothing blocks is sent the same way after it, and it is waited for until that one is there.
    fn passes(nets: [&str; 2], [from, to]: [&str; 2], [witness_from, witness_to]: [&str; 2]) -> bool {
        let taking = r"
import select, socket, sys
def bound(address):
    s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 0))
    return s
meant, witness = map(bound, sys.argv[1:])
print(meant.getsockname()[1], flush=True)
print(witness.getsockname()[1], flush=True)
ready = select.select([meant, witness], [], [], 60)[0]
if ready == [witness]:
    # It was sent before the witness's; should it have been overtaken all the same, it is right behind.
    ready += select.select([meant], [], [], 0.3)[0]
print('arrived' if meant in ready else 'stopped' if ready else 'lost', flush=True)
";
        // From one processor, so that they keep their order. What is dropped or rejected may come back as an error of the socket.
        let sending = r"
import os, socket, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
def send(source, to, port):
    s = socket.socket(socket.AF_INET6 if ':' in source else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, 0))
    s.sendto(b'hello', (to, int(port)))
try:
    send(*sys.argv[1:4])
except PermissionError:
    pass
send(*sys.argv[4:])
";
        let mut taker = Self::python(nets[1], taking, &[to, witness_to]);
        let mut said = BufReader::new(taker.stdout.take().unwrap()).lines();
        let mut line = || said.next().unwrap().unwrap();
        let (port, witness_port) = (line(), line());
        let rest = [from, to, &port, witness_from, witness_to, &witness_port];
        assert!(Self::python(nets[0], sending, &rest).wait().unwrap().success());
        let outcome = line();
        taker.wait().unwrap();
        assert_ne!(outcome, "lost", "what nothing blocks does not arrive either");
        outcome == "arrived"
    }

    /// Whether a packet from an address of the attacker arrives.
    fn arrives(&self, from: &str) -> bool {
        let is_v6 = from.contains(':');
        let to = if is_v6 { "2001:db8:1::1" } else { "192.0.2.1" };
        Self::passes([&self.attacker, &self.edge], [from, to], [WITNESSES[usize::from(is_v6)], to])
    }

    /// Whether a packet to an address of the attacker gets out.
    fn gets_out(&self, to: &str) -> bool {
        let from = "192.0.2.1";
        Self::passes([&self.edge, &self.attacker], [from, to], [from, WITNESSES[0]])
    }

    /// Waits until packets from an address arrive, which they do from a time on and not before.
    fn arrives_from(&self, from: &str, time: DateTime) {
        while !self.arrives(from) {
            assert!(now().0 < time.0 + 30_000, "it does not end");
        }
        // The kernel counts in ticks of some milliseconds.
        assert!(now().0 + 100 >= time.0, "it ended too soon");
    }
}

impl Drop for Nets {
    fn drop(&mut self) {
        sh(&format!("ip netns del {}; ip netns del {}", self.attacker, self.edge));
    }
}

fn now() -> DateTime {
    DateTime(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap())
}

fn block(net: &str, manner: Manner) -> Block {
    Block { what: What::Net(net.parse().unwrap()), direction: Direction::Both, manner }
}

fn wanted(blocks: &[(&str, Manner, u64)]) -> Desired {
    let wanted = |ms: u64| Wanted { until: DateTime(now().0 + ms), by: "c-1 \"; flush ruleset".to_owned() };
    blocks.iter().map(|(net, manner, ms)| (block(net, *manner), wanted(*ms))).collect()
}

fn put(device: &mut Nftables, all: &Desired) {
    let put: Vec<Block> = all.keys().cloned().collect();
    device.apply(Change { all, put: &put, take: &[] }, now()).unwrap();
}

#[test]
fn packets_are_dropped_until_the_time_ends_though_nobody_is_there() {
    let Some(nets) = Nets::new() else { return };
    assert!(nets.arrives("198.51.100.7") && nets.arrives("2001:db8:1::7"));
    let mut device = nets.device();
    let lasting = |ms: u64| {
        wanted(&[
            ("198.51.100.7/32", Manner::Drop, ms),
            ("198.51.200.0/24", Manner::Drop, ms),
            ("2001:db8:1::7/128", Manner::Reject, ms),
        ])
    };
    // So long that whatever is looked at is looked at in time.
    let all = lasting(600_000);
    put(&mut device, &all);
    assert!(!nets.arrives("198.51.100.7") && !nets.arrives("198.51.200.9") && !nets.arrives("2001:db8:1::7"));
    assert!(nets.arrives("198.51.100.70"), "others go through");
    let reading = device.read(&all, now()).unwrap();
    assert_eq!((reading.standing.len(), reading.foreign.len()), (3, 0), "{reading:?}");
    assert!(reading.standing.values().all(|found| found.stopped > Some(0)), "{reading:?}");
    // The same until soon.
    let all = lasting(10_000);
    put(&mut device, &all);
    let reading = device.read(&all, now()).unwrap();
    assert_eq!((reading.standing.len(), reading.foreign.len()), (3, 0), "{reading:?}");
    // The edge is gone. The kernel ends it.
    drop(device);
    let until = all.values().map(|wanted| wanted.until).min().unwrap();
    for from in ["198.51.100.7", "198.51.200.9", "2001:db8:1::7"] {
        nets.arrives_from(from, until);
    }
}

#[test]
fn what_overlaps_stands_and_ends_each_at_its_time() {
    let Some(nets) = Nets::new() else { return };
    let mut device = nets.device();
    // A host within a network within a network, and two lengths.
    let all = wanted(&[
        ("198.51.100.0/24", Manner::Drop, 600_000),
        ("198.51.100.64/26", Manner::Drop, 1_200_000),
        ("198.51.100.7/32", Manner::Drop, 900_000),
    ]);
    put(&mut device, &all);
    assert!(!nets.arrives("198.51.100.7") && !nets.arrives("198.51.100.70"));
    let reading = device.read(&all, now()).unwrap();
    assert_eq!((reading.standing.len(), reading.foreign.len()), (3, 0), "{reading:?}");
    // A longer order on the same: the element's end moves.
    let longer = wanted(&[("198.51.100.7/32", Manner::Drop, 3_000_000)]);
    assert_eq!(
        device
            .read(&longer, now())
            .unwrap()
            .standing
            .keys()
            .filter(|b| **b == block("198.51.100.7/32", Manner::Drop))
            .count(),
        0
    );
    put(&mut device, &longer);
    assert_eq!(
        device.read(&longer, now()).unwrap().standing.len(),
        4,
        "the host, and three pieces of networks that nobody wants any more"
    );
    let take = [block("198.51.100.0/24", Manner::Drop), block("198.51.100.64/26", Manner::Drop)];
    device.apply(Change { all: &longer, put: &[], take: &take }, now()).unwrap();
    assert!(!nets.arrives("198.51.100.7") && nets.arrives("198.51.100.70"));
    let take = [block("198.51.100.7/32", Manner::Drop)];
    let none = Desired::new();
    for _ in 0..2 {
        device.apply(Change { all: &none, put: &[], take: &take }, now()).unwrap();
    }
    assert!(nets.arrives("198.51.100.7"));
}

#[test]
fn counting_lets_through_and_directions_are_kept() {
    let Some(nets) = Nets::new() else { return };
    let mut device = nets.device();
    let all = wanted(&[("198.51.100.7/32", Manner::Count, 600_000)]);
    put(&mut device, &all);
    assert!(nets.arrives("198.51.100.7"));
    let reading = device.read(&all, now()).unwrap();
    assert_eq!(reading.standing.values().next().unwrap().stopped, Some(1));
    assert!(nets.gets_out("198.51.100.7"));
    let egress = Block { direction: Direction::Egress, ..block("198.51.100.7/32", Manner::Drop) };
    let until = DateTime(now().0 + 600_000);
    let all: Desired = [(egress.clone(), Wanted { until, by: "c-2".into() })].into();
    put(&mut device, &all);
    assert!(nets.arrives("198.51.100.7"), "what comes in is not meant");
    assert!(!nets.gets_out("198.51.100.7"), "what goes out is");
}

#[test]
fn what_others_do_to_our_table_is_seen() {
    let Some(nets) = Nets::new() else { return };
    let mut device = nets.device();
    let all =
        wanted(&[("198.51.100.7/32", Manner::Drop, 600_000), ("198.51.200.0/24", Manner::Drop, 600_000)]);
    put(&mut device, &all);
    nets.run_nft("add element inet yagura drop_both_4_host { 203.0.113.5 }");
    nets.run_nft("add element inet yagura drop_both_4_net { 203.0.113.64/26 }");
    nets.run_nft("add element inet yagura drop_both_4_net { 203.0.113.9 }");
    nets.run_nft("delete element inet yagura drop_both_4_host { 198.51.100.7 }");
    let reading = device.read(&all, now()).unwrap();
    let mut foreign: Vec<String> = reading.foreign.iter().map(|block| block.what.to_string()).collect();
    foreign.sort();
    assert_eq!(foreign, ["203.0.113.5", "203.0.113.64/26", "203.0.113.8/31"]);
    assert!(!reading.standing.contains_key(&block("198.51.100.7/32", Manner::Drop)));
    assert!(reading.standing.contains_key(&block("198.51.200.0/24", Manner::Drop)));
    let missing = [block("198.51.100.7/32", Manner::Drop)];
    device.apply(Change { all: &all, put: &missing, take: &reading.foreign }, now()).unwrap();
    let reading = device.read(&all, now()).unwrap();
    assert_eq!((reading.standing.len(), reading.foreign.len()), (2, 0), "{reading:?}");
    // The rules are taken away, and the elements stay: nothing is dropped, and nothing is said to be.
    nets.run_nft("flush chain inet yagura check");
    assert!(nets.arrives("198.51.100.7"));
    assert_eq!(device.read(&all, now()).unwrap().standing.len(), 0);
    assert!(!nets.arrives("198.51.100.7"), "the rules were made again");
    assert_eq!(device.read(&all, now()).unwrap().standing.len(), 2);
    // All of it is.
    nets.run_nft("flush ruleset");
    assert_eq!(device.read(&all, now()).unwrap().standing.len(), 0);
    put(&mut device, &all);
    assert!(!nets.arrives("198.51.100.7"));
    assert_eq!(device.read(&all, now()).unwrap().standing.len(), 2);
    nets.run_nft("flush ruleset");
    put(&mut device, &all);
    assert!(!nets.arrives("198.51.100.7"), "also where it was not read before");
}

/// From the order's coming to the first packet that is not seen any more, as the engine does it: verified, judged, written down on disk,
/// carried out. The figure is printed and not judged: it is the machine's.
#[test]
fn an_order_stops_packets_and_its_end_lets_them_through() {
    let Some(nets) = Nets::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let mut engine = Engine::open(&config(), vec![Box::new(nets.device())], &spool).unwrap();
    engine.begin(&spool, "boot", now()).unwrap();
    let mut took = Vec::new();
    for number in 0..40_i64 {
        let id = format!("c-{number}");
        let order = order_of("council", 7, number + 1, &deny(&id, "198.51.100.7", 5), now());
        let begun = Instant::now();
        engine.take(&spool, &order, now()).unwrap();
        took.push(begun.elapsed());
        if number == 0 {
            assert!(!nets.arrives("198.51.100.7"));
        }
        engine.tick(&spool, now()).unwrap();
        engine.undo(&spool, &("council".to_owned(), id), now()).unwrap();
    }
    assert!(nets.arrives("198.51.100.7"));
    took.sort();
    println!("order to enforced: median {:?}, 95th {:?}, slowest of 40 {:?}", took[20], took[37], took[39]);
    let brief = serde_json::json!({"action": "deny", "target": {"ipv4_net": "198.51.100.7"}, "args": {"duration": 20_000}, "command_id": "brief"});
    let taken = now();
    engine.take(&spool, &order_of("council", 7, 99, &brief, taken), taken).unwrap();
    assert!(!nets.arrives("198.51.100.7"));
    // Killed: nothing is left that would end it but the kernel.
    drop(engine);
    nets.arrives_from("198.51.100.7", DateTime(taken.0 + 20_000));
    let mut engine = Engine::open(&config(), vec![Box::new(nets.device())], &spool).unwrap();
    engine.begin(&spool, "boot", now()).unwrap();
    let reports = spool.waiting_order_reports(1_000).unwrap();
    let last = reports.iter().rev().find(|(_, report)| report.command_id == "brief").unwrap();
    assert_eq!(last.1.state, api::OrderState::Expired);
}
