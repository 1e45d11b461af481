//! The packet filter on real kernels, in network namespaces: packets are sent, and arrive or do not.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::actuators::Wanted;
use crate::orders::engine::Engine;
use crate::orders::tests::{config, deny, order_of};
use crate::spool::Spool;

static NUMBER: AtomicU32 = AtomicU32::new(0);

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
             ip -n {a} addr add 198.51.100.70/16 dev va &&
             ip -n {a} link set va up && ip -n {a} link set lo up && ip -n {a} route add 192.0.2.0/24 dev va &&
             ip -n {e} addr add 192.0.2.1/24 dev ve && ip -n {e} link set ve up && ip -n {e} link set lo up &&
             ip -n {e} route add 198.51.0.0/16 dev ve &&
             ip -n {a} -6 addr add 2001:db8:1::7/64 dev va nodad && ip -n {e} -6 addr add 2001:db8:1::1/64 dev ve nodad"
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

    /// A packet from an address in one namespace to an address in another: whether it arrives.
    fn passes((from_net, from): (&str, &str), (to_net, to): (&str, &str)) -> bool {
        let taking = r"
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
print(s.getsockname()[1], flush=True)
s.settimeout(0.7)
try:
    s.recv(16)
    print('arrived', flush=True)
except TimeoutError:
    print('nothing', flush=True)
";
        // A reject comes back as an error of the socket.
        let sending = r"
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
try:
    s.sendto(b'hello', (sys.argv[2], int(sys.argv[3])))
except OSError:
    pass
";
        let python = |net: &str, script: &str, rest: &[&str]| {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", net, "python3", "-c", script]).args(rest);
            command.stdout(std::process::Stdio::piped());
            command.spawn().unwrap()
        };
        let mut taker = python(to_net, taking, &[to]);
        let mut said = BufReader::new(taker.stdout.take().unwrap()).lines();
        let port = said.next().unwrap().unwrap();
        assert!(python(from_net, sending, &[from, to, &port]).wait().unwrap().success());
        let arrived = said.next().unwrap().unwrap() == "arrived";
        taker.wait().unwrap();
        arrived
    }

    /// Whether a packet from an address of the attacker arrives.
    fn arrives(&self, from: &str) -> bool {
        let to = if from.contains(':') { "2001:db8:1::1" } else { "192.0.2.1" };
        Self::passes((&self.attacker, from), (&self.edge, to))
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
    let all = wanted(&[
        ("198.51.100.7/32", Manner::Drop, 9_000),
        ("198.51.200.0/24", Manner::Drop, 9_000),
        ("2001:db8:1::7/128", Manner::Reject, 9_000),
    ]);
    put(&mut device, &all);
    let begun = Instant::now();
    assert!(!nets.arrives("198.51.100.7") && !nets.arrives("198.51.200.9") && !nets.arrives("2001:db8:1::7"));
    assert!(nets.arrives("198.51.100.70"), "others go through");
    let reading = device.read(&all, now()).unwrap();
    assert_eq!((reading.standing.len(), reading.foreign.len()), (3, 0), "{reading:?}");
    assert!(reading.standing.values().all(|found| found.stopped > Some(0)), "{reading:?}");
    // The edge is gone. The kernel ends it.
    drop(device);
    while !nets.arrives("198.51.100.7") {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not end");
    }
    assert!(begun.elapsed() > Duration::from_millis(7_500), "it ended too soon");
    std::thread::sleep(Duration::from_millis(600));
    assert!(nets.arrives("198.51.200.9") && nets.arrives("2001:db8:1::7"));
}

#[test]
fn what_overlaps_stands_and_ends_each_at_its_time() {
    let Some(nets) = Nets::new() else { return };
    let mut device = nets.device();
    // A host within a network within a network, and two lengths.
    let all = wanted(&[
        ("198.51.100.0/24", Manner::Drop, 60_000),
        ("198.51.100.64/26", Manner::Drop, 120_000),
        ("198.51.100.7/32", Manner::Drop, 90_000),
    ]);
    put(&mut device, &all);
    assert!(!nets.arrives("198.51.100.7") && !nets.arrives("198.51.100.70"));
    let reading = device.read(&all, now()).unwrap();
    assert_eq!((reading.standing.len(), reading.foreign.len()), (3, 0), "{reading:?}");
    // A longer order on the same: the element's end moves.
    let longer = wanted(&[("198.51.100.7/32", Manner::Drop, 300_000)]);
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
    let all = wanted(&[("198.51.100.7/32", Manner::Count, 60_000)]);
    put(&mut device, &all);
    assert!(nets.arrives("198.51.100.7"));
    let reading = device.read(&all, now()).unwrap();
    assert_eq!(reading.standing.values().next().unwrap().stopped, Some(1));
    let egress = Block { direction: Direction::Egress, ..block("198.51.100.7/32", Manner::Drop) };
    let until = DateTime(now().0 + 60_000);
    let all: Desired = [(egress.clone(), Wanted { until, by: "c-2".into() })].into();
    put(&mut device, &all);
    assert!(nets.arrives("198.51.100.7"), "what comes in is not meant");
    let out = Nets::passes((&nets.edge, "192.0.2.1"), (&nets.attacker, "198.51.100.7"));
    assert!(!out, "what goes out is");
}

#[test]
fn what_others_do_to_our_table_is_seen() {
    let Some(nets) = Nets::new() else { return };
    let mut device = nets.device();
    let all = wanted(&[("198.51.100.7/32", Manner::Drop, 60_000), ("198.51.200.0/24", Manner::Drop, 60_000)]);
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
    let brief = serde_json::json!({"action": "deny", "target": {"ipv4_net": "198.51.100.7"}, "args": {"duration": 6_000}, "command_id": "brief"});
    engine.take(&spool, &order_of("council", 7, 99, &brief, now()), now()).unwrap();
    assert!(!nets.arrives("198.51.100.7"));
    // Killed: nothing is left that would end it but the kernel.
    drop(engine);
    std::thread::sleep(Duration::from_millis(6_500));
    assert!(nets.arrives("198.51.100.7"));
    let mut engine = Engine::open(&config(), vec![Box::new(nets.device())], &spool).unwrap();
    engine.begin(&spool, "boot", now()).unwrap();
    let reports = spool.waiting_order_reports(1_000).unwrap();
    let last = reports.iter().rev().find(|(_, report)| report.command_id == "brief").unwrap();
    assert_eq!(last.1.state, api::OrderState::Expired);
}
