//! How long it takes from the approval of the second organisation until a packet is dropped: a hub, an edge, and the packet filter of a real
//! kernel, between two network namespaces. Beside it in the same rounds: the address put straight into a set of that kernel's.
//!
//! `cargo bench -p yagura --bench act -- [ROUNDS]` (60 unless told); as root, for the namespaces.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends where something is wrong"
)]

#[path = "../tests/program/blocking.rs"]
mod blocking;
#[path = "../tests/program/nets.rs"]
mod nets;
#[path = "act/packets.rs"]
mod packets;
#[path = "../tests/program/person.rs"]
#[expect(dead_code, reason = "the program's tests need more of it")]
mod person;
#[path = "../tests/program/running.rs"]
#[expect(dead_code, reason = "the program's tests need more of it")]
mod running;
#[path = "act/straight.rs"]
mod straight;

use std::net::UdpSocket;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use blocking::{AUTHORITY, add_agencies, playbook, taking_orders};
use nets::{ATTACKER, Nets};
use packets::Packets;
use person::Person;
use running::{Edge, Hub, edge_config_of, register_edge, wait_until_or_tell};
use straight::Straight;

/// Where the attacker's packets go.
const ATTACKED: &str = "192.0.2.1:9999";
/// How long an order's effect lasts: long enough to be seen, and no longer, for each round waits until it is over.
const LASTS: Duration = Duration::from_secs(2);
/// What is wanted of the 99th percentile.
const GOAL: Duration = Duration::from_millis(100);

/// The program starts itself in one namespace after the other: a socket stays in the namespace that it was made in, and so one process has
/// both, and one clock.
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *words.as_slice() {
        ["--attacker", operator, rounds] => {
            let from = UdpSocket::bind((ATTACKER, 0)).unwrap();
            from.connect(ATTACKED).unwrap();
            go_on_in(operator, &["--operator", rounds], Some(from));
        }
        ["--operator", rounds] => {
            let from = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
            measure(rounds.parse().unwrap(), UdpSocket::from(from));
        }
        _ => {
            let rounds = words.iter().find_map(|word| word.parse::<usize>().ok()).unwrap_or(60).max(1);
            let Some(nets) = Nets::new("the way from an approval to a dropped packet", &[]) else { return };
            go_on_in(&nets.attacker, &["--attacker", &nets.operator, &rounds.to_string()], None);
        }
    }
}

fn go_on_in(net: &str, words: &[&str], socket: Option<UdpSocket>) {
    let mut command = Nets::command(net, std::env::current_exe().unwrap());
    command.args(words);
    if let Some(socket) = socket {
        command.stdin(OwnedFd::from(socket));
    }
    assert!(command.status().unwrap().success(), "it failed in the namespace {net}");
}

/// A hub, its people, and an edge that drops packets where this runs.
struct Scene {
    _hub: Hub,
    _edge: Edge,
    playbook: Value,
    asker: Person,
    approvers: [Person; 2],
}

/// What the second organisation is asked: where it answers, and what.
struct Question {
    path: String,
    answer: Value,
}

impl Scene {
    fn set(folder: &Path) -> Self {
        let config = folder.join("hub.toml");
        std::fs::write(&config, format!("[response]\nactions_per_hour_max = 100000\n{AUTHORITY}")).unwrap();
        let hub = Hub::start_with(&folder.join("hub"), &config);
        let token = register_edge(&hub);
        add_agencies(&hub);
        let playbook = playbook("harbour-1", &[json!({ "ipv4_net": ATTACKER })], LASTS);
        Person::of(&hub, "npa", "approver")
            .done("/api/v1/playbooks", &json!({ "document": playbook.to_string() }));
        let asker = Person::of(&hub, "npa", "duty_officer");
        let approvers = [Person::of(&hub, "mod", "approver"), Person::of(&hub, "harbour", "approver")];
        let sections = format!(
            "{}[orders.radius]\norders_an_hour_max = 100000\n[[orders.allow]]\nnetworks = [\"198.51.100.0/24\"]\n\
             [[orders.device]]\nkind = \"nftables\"\ncommand = [\"nft\"]\n",
            taking_orders(&hub, "")
        );
        let edge = Edge::start(&edge_config_of(&folder.join("edge"), "harbour-1", &hub, &token, &sections));
        Self { _hub: hub, _edge: edge, playbook: playbook["id"].clone(), asker, approvers }
    }

    /// A run of the playbook, as far as the second approval.
    fn ask(&self) -> Question {
        let run = json!({ "id": uuid::Uuid::new_v4(), "playbook": self.playbook });
        let run = self.asker.done("/api/v1/runs", &run);
        let (id, question) = (&run["summary"]["id"], &run["questions"][0]);
        let path = format!("/api/v1/runs/{}/questions/{}/approve", id.as_str().unwrap(), question["number"]);
        let answer = json!({ "hash": question["hash"], "reason": "seen" });
        self.approvers[0].done(&path, &answer);
        Question { path, answer }
    }

    /// Waits until nothing is in force any more and the hub was told so: the next round is to find everybody at rest.
    fn wait_until_over(&self) {
        let orders = || self.asker.good("/api/v1/orders?limit=3")["orders"].clone();
        let is_over = |order: &Value| matches!(order["state"].as_str(), Some("expired" | "released"));
        let are_over = || orders().as_array().is_some_and(|orders| orders.iter().all(is_over));
        wait_until_or_tell("the order is over", are_over, || orders().to_string());
    }
}

/// What the rounds took.
#[derive(Default)]
struct Times {
    dropped: Vec<Duration>,
    answered: Vec<Duration>,
    kept: Vec<Duration>,
    run: Vec<Duration>,
    /// Between the last packet that arrived and the first that did not: by so much, the others may be too long.
    between: Vec<Duration>,
}

fn measure(rounds: usize, from: UdpSocket) {
    let packets = Packets::start(from, UdpSocket::bind(ATTACKED).unwrap());
    // Not on a file system that is memory: what is durable has to reach a disk.
    let folder = std::env::var("BENCH_FOLDER").unwrap_or_else(|_| "/var/tmp".to_owned());
    let folder = tempfile::tempdir_in(folder).unwrap();
    let scene = Scene::set(folder.path());
    let mut straight = Straight::open();
    let mut times = Times::default();
    for round in 1..=rounds {
        packets.wait_until_they_pass();
        let overrun = packets::overrun();
        let mut one = Times::default();
        one.order(&scene, &packets);
        one.straight(&packets, || straight.put(), |times| &mut times.kept);
        one.straight(&packets, Straight::put_by_a_run, |times| &mut times.run);
        if packets::overrun() == overrun {
            times.add(one);
        } else {
            eprintln!("round {round} does not count: the receiver had no room for packets");
        }
    }
    times.report(rounds);
}

impl Times {
    /// From sending the second approval to the first packet that did not arrive.
    fn order(&mut self, scene: &Scene, packets: &Packets) {
        let question = scene.ask();
        let sent = Instant::now();
        scene.approvers[1].done(&question.path, &question.answer);
        self.answered.push(sent.elapsed());
        let lost = packets.first_lost();
        assert!(lost.at >= sent, "packets were lost before anybody agreed");
        self.dropped.push(lost.at - sent);
        self.between.push(lost.after);
        packets.wait_until_they_pass();
        scene.wait_until_over();
    }

    fn straight(&mut self, packets: &Packets, put: impl FnOnce(), to: fn(&mut Self) -> &mut Vec<Duration>) {
        let begun = Instant::now();
        put();
        let lost = packets.first_lost();
        assert!(lost.at >= begun, "packets were lost before anybody dropped them");
        to(self).push(lost.at - begun);
        self.between.push(lost.after);
        packets.wait_until_they_pass();
    }

    fn add(&mut self, one: Self) {
        let Self { dropped, answered, kept, run, between } = one;
        self.dropped.extend(dropped);
        self.answered.extend(answered);
        self.kept.extend(kept);
        self.run.extend(run);
        self.between.extend(between);
    }

    fn report(self, rounds: usize) {
        let counted = self.dropped.len();
        assert!(counted > 0, "no round counts");
        println!("{counted} of {rounds} rounds count; the first one took {} ms", ms(self.dropped[0]));
        let p99 = line("second approval sent → first packet dropped", self.dropped);
        line("second approval sent → answered", self.answered);
        line("limit: put into a set by a running nft → dropped", self.kept);
        line("put into a set by a run of nft → dropped", self.run);
        line("between two packets, where they ended", self.between);
        let met = if p99 < GOAL { "met" } else { "MISSED" };
        println!("goal: p99 below {} ms: {met}", ms(GOAL));
    }
}

/// Prints a line of percentiles, by the nearest rank; the 99th.
fn line(name: &str, mut times: Vec<Duration>) -> Duration {
    times.sort();
    let at = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
    let [p50, p95, p99, max] = [50, 95, 99, 100].map(at);
    println!(
        "{name:<50} p50 {:>8} ms   p95 {:>8} ms   p99 {:>8} ms   max {:>8} ms",
        ms(p50),
        ms(p95),
        ms(p99),
        ms(max)
    );
    p99
}

fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}
