//! Shadows on a real kernel: what orders would hit is counted while every packet still arrives; what would hit too much is given up, the rest is
//! carried out.

use api::{OrderReport, OrderState};

use super::*;

/// Addresses of the attacker's that packets are sent to.
const BUSY: &str = "198.51.100.7";
const QUIET: &str = "198.51.100.70";
const BYSTANDER: &str = "198.51.200.9";
/// What is ordered against the quiet one.
const QUIET_NET: &str = "198.51.100.68/30";
/// How long is counted: packets are sent within it on a busy machine, too.
const SHADOW_MS: u64 = 15_000;

impl Nets {
    /// Sends packets from the edge, so many to each address of the attacker's; how many of them arrived. What nothing blocks is sent last and
    /// waited for.
    fn send(&self, packets: &[(&str, u32)]) -> Vec<u32> {
        // All fit into its memory, however late it comes to read them (33: `SO_RCVBUFFORCE`).
        let taking = r"
import select, socket, sys
def bound(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)
    s.bind((address, 0))
    return s
sockets = [bound(address) for address in sys.argv[1:]]
print(*(s.getsockname()[1] for s in sockets), flush=True)
counts, patience = [0] * len(sockets), 60
while ready := select.select(sockets, [], [], patience)[0]:
    for s in ready:
        s.recv(16)
        counts[sockets.index(s)] += 1
    if counts[-1]:
        patience = 0.3
print(*counts, flush=True)
";
        // From one processor, so that they keep their order. What is dropped on its way out is an error of the socket.
        let sending = r"
import os, socket, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for address, port, count in zip(*[iter(sys.argv[1:])] * 3):
    for _ in range(int(count)):
        try:
            s.sendto(b'hello', (address, int(port)))
        except PermissionError:
            pass
";
        let all = [packets, &[(WITNESSES[0], 1)]].concat();
        let addresses: Vec<&str> = all.iter().map(|(address, _)| *address).collect();
        let mut taker = Self::python(&self.attacker, taking, &addresses);
        let mut said = BufReader::new(taker.stdout.take().unwrap()).lines();
        let mut numbers = || -> Vec<u32> {
            let line = said.next().unwrap().unwrap();
            line.split(' ').map(|number| number.parse().unwrap()).collect()
        };
        let ports = numbers();
        let asked = all.iter().zip(&ports).flat_map(|((address, count), port)| {
            [(*address).to_owned(), port.to_string(), count.to_string()]
        });
        let asked: Vec<String> = asked.collect();
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        assert!(Self::python(&self.edge, sending, &asked).wait().unwrap().success());
        let mut arrived = numbers();
        taker.wait().unwrap();
        assert_eq!(arrived.pop(), Some(1), "what nothing blocks does not arrive either");
        arrived
    }

    fn ruleset(&self) -> String {
        let listed =
            Command::new("ip").args(["netns", "exec", &self.edge, "nft", "list", "ruleset"]).output();
        String::from_utf8(listed.unwrap().stdout).unwrap()
    }
}

/// An order against a network, to be tried first: at most a tenth of what goes by may be hit.
fn tried(id: &str, net: &str) -> Value {
    let mut command = deny(id, net, 5);
    command["args"]["x-yagura"] = serde_json::json!({ "shadow": SHADOW_MS, "traffic_percent_max": 10 });
    command
}

/// An edge's engine as its thread drives it: nothing is done that is not due.
struct Driven {
    engine: Engine,
    spool: Spool,
    _folder: tempfile::TempDir,
    sequence: i64,
}

impl Driven {
    fn new(nets: &Nets) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let mut engine = Engine::open(&config(), vec![Box::new(nets.device())], &spool).unwrap();
        engine.begin(&spool, "boot", now()).unwrap();
        Self { engine, spool, _folder: folder, sequence: 0 }
    }

    fn order(&mut self, command: &Value) {
        self.sequence += 1;
        let order = order_of("council", 7, self.sequence, command, now());
        self.engine.take(&self.spool, &order, now()).unwrap();
        self.attend();
    }

    fn attend(&mut self) {
        if self.engine.next_tick() <= now() {
            self.engine.tick(&self.spool, now()).unwrap();
        }
    }

    fn told(&self, id: &str) -> Vec<OrderReport> {
        let all = self.spool.waiting_order_reports(1_000).unwrap();
        all.into_iter().map(|(_, report)| report).filter(|report| report.command_id == id).collect()
    }

    fn states(&self, id: &str) -> Vec<OrderState> {
        self.told(id).iter().map(|report| report.state).collect()
    }

    /// Goes on until the last that was told of an order is this.
    fn until(&mut self, id: &str, state: OrderState) {
        let begun = Instant::now();
        while self.states(id).last() != Some(&state) {
            assert!(begun.elapsed().as_secs() < 120, "{id}: {:?}", self.told(id));
            self.attend();
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// `shadow: it would have hit 5 packets, 0.981 % of …` → 0.981
fn percent(why: &str) -> f64 {
    let before = why.split_once(" %").unwrap().0;
    before.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[test]
fn what_a_shadow_counts_is_what_was_sent_and_decides() {
    use OrderState::{Enforced, Failed as Broke, Released, Shadow, Taken};
    let Some(nets) = Nets::new() else { return };
    let mut driven = Driven::new(&nets);
    // Of others: a rule in a chain of their own in our table, and an element in a set of ours.
    nets.run_nft("add chain inet yagura others { type filter hook output priority 0; policy accept; }");
    nets.run_nft("add rule inet yagura others ip daddr 203.0.113.9 drop");
    nets.run_nft("add element inet yagura count_both_4_host { 203.0.113.5 }");
    // Everybody has looked up everybody's link address afterwards: packets that wait for that are few.
    assert_eq!(nets.send(&[(BUSY, 1), (QUIET, 1), (BYSTANDER, 1)]), [1, 1, 1]);

    let begun = now();
    driven.order(&tried("busy", BUSY));
    driven.order(&tried("quiet", QUIET_NET));
    assert_eq!((driven.states("busy"), driven.states("quiet")), (vec![Taken, Shadow], vec![Taken, Shadow]));
    let sent = [(BUSY, 300), (QUIET, 5), (BYSTANDER, 200)];
    assert_eq!(nets.send(&sent), [300, 5, 200], "what is only counted arrives");
    // Another network comes and goes: the set of the quiet one's network is made anew, and nothing of its count is lost.
    driven.order(&tried("brief", "203.0.113.64/26"));
    let brief = ("council".to_owned(), "brief".to_owned());
    assert!(driven.engine.undo(&driven.spool, &brief, now()).unwrap());
    assert_eq!(driven.states("brief").last(), Some(&Released));
    assert!(now().0 < begun.0 + SHADOW_MS, "this machine is so busy that the shadow was over too soon");

    driven.until("busy", Broke);
    driven.until("quiet", Enforced);
    assert_eq!(driven.states("busy"), [Taken, Shadow, Broke]);
    let given_up = driven.told("busy").pop().unwrap();
    let why = given_up.why.unwrap();
    assert_eq!(given_up.stopped, Some(300), "{why}");
    assert!(
        why.starts_with("shadow: it would have hit ") && why.ends_with("; at most 10 % are let"),
        "{why}"
    );
    // Of 506 that were sent; beside them, the machines' own packets of IPv6 go by.
    assert!((45.0..59.3).contains(&percent(&why)), "{why}");
    assert_eq!(driven.states("quiet"), [Taken, Shadow, Taken, Enforced]);
    let why = driven.told("quiet").into_iter().find_map(|report| report.why).unwrap();
    assert!(why.starts_with("shadow: it would have hit 5 packets, "), "{why}");
    assert!(why.ends_with(" % of what goes by; it is carried out"), "{why}");
    assert!((0.7..0.99).contains(&percent(&why)), "{why}");

    // One of them really drops; the other one has left nothing, and others' rules are where they were.
    assert_eq!(nets.send(&sent), [300, 0, 200]);
    let table = nets.device().table(now()).unwrap();
    let left = table.sets.iter().flat_map(|(set, elements)| {
        elements.iter().map(move |((first, last), element)| {
            (set.name(), first.to_string(), last.to_string(), element.packets)
        })
    });
    let quiet = ("198.51.100.68".to_owned(), "198.51.100.71".to_owned());
    assert_eq!(left.collect::<Vec<_>>(), [("drop_both_4_net".to_owned(), quiet.0, quiet.1, 5)]);
    let ruleset = nets.ruleset();
    assert!(ruleset.contains("ip daddr 203.0.113.9 drop"), "{ruleset}");
    let found = "nftables: 203.0.113.5 (counted only) was there and nobody ordered it; taken out";
    let ledger = driven.spool.ledger(500).unwrap();
    assert!(ledger.iter().any(|row| row.detail == found), "{ledger:?}");
}
