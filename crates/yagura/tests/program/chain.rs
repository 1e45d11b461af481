//! The whole way on real parts: an edge sees an attack, its sighting opens a case, a playbook runs for the case and asks two organisations,
//! an order goes out, a kernel drops real packets and a name server denies a name; the operator sees who ordered what and on what authority;
//! both end at their time.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::blocking::{AUTHORITY, add_agencies, playbook, taking_orders};
use crate::nets::{ATTACKER, Nets};
use crate::person::Person;
use crate::running::{Edge, Hub, edge_config_of, get, register_edge, wait_until, wait_until_or_tell};

const NAME: &str = "c2.evil.example";
/// How long the order's effect lasts.
const LASTS: Duration = Duration::from_secs(8);

/// Packets on the way from the attacker's network to the operator's.
struct Traffic {
    running: Vec<Child>,
    arrived: PathBuf,
    nets: Nets,
}

impl Traffic {
    /// `None`, said loudly, where there can be none.
    fn new(folder: &Path) -> Option<Self> {
        let nets = Nets::new("the whole way", &["python3", "unbound-control"])?;
        Some(Self { running: Vec::new(), arrived: folder.join("arrived"), nets })
    }

    fn python(&mut self, net: &str, program: &str, argument: &Path) {
        let mut command = Nets::command(net, "python3");
        command.args(["-u", "-c", program]).arg(argument);
        self.running.push(command.stdin(Stdio::null()).spawn().unwrap());
    }

    /// A packet a millisecond; each that arrives leaves the time at which it did, in nanoseconds since 1970.
    fn attack(&mut self) {
        let (attacker, operator) = (self.nets.attacker.clone(), self.nets.operator.clone());
        let arrived = self.arrived.clone();
        let taking = r"
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('192.0.2.1', 9999))
with open(sys.argv[1], 'w', buffering=1) as out:
    while True:
        s.recv(16); print(time.time_ns(), file=out)
";
        let sending = r"
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try: s.sendto(b'x', ('192.0.2.1', 9999))
    except OSError: pass
    time.sleep(0.001)
";
        std::fs::write(&arrived, "").unwrap();
        self.python(&operator, taking, &arrived);
        self.python(&attacker, sending, Path::new("-"));
        wait_until("packets arrive", || !self.arrivals().is_empty());
    }

    fn arrivals(&self) -> Vec<i128> {
        let text = std::fs::read_to_string(&self.arrived).unwrap();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// Whether packets arrive now.
    fn passes(&self) -> bool {
        let before = Timestamp::now().as_nanosecond();
        std::thread::sleep(Duration::from_millis(200));
        self.arrivals().last().is_some_and(|last| *last > before)
    }

    fn nft(&self) -> Value {
        json!(["ip", "netns", "exec", self.nets.operator, "nft"])
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The operator's name server, which knows the attacker's name.
struct NameServer {
    config: PathBuf,
    port: u16,
    process: Child,
}

impl NameServer {
    fn start(folder: &Path) -> Self {
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (config, at) = (folder.join("unbound.conf"), folder.display());
        let zone = format!(
            "$TTL 300\nevil.example. SOA localhost. y.localhost. 1 60 60 604800 60\nevil.example. NS localhost.\n{NAME}. A {ATTACKER}\n"
        );
        std::fs::write(folder.join("evil.zone"), zone).unwrap();
        std::fs::write(
            &config,
            format!(
                "server:\n do-daemonize: no\n chroot: \"\"\n username: \"\"\n pidfile: \"\"\n use-syslog: no\n num-threads: 1\n\
                 directory: \"{at}\"\n interface: 127.0.0.1\n port: {port}\n module-config: \"iterator\"\n\
                 remote-control:\n control-enable: yes\n control-interface: {at}/control.sock\n control-use-cert: no\n\
                 auth-zone:\n name: evil.example\n for-downstream: no\n for-upstream: yes\n zonefile: {at}/evil.zone\n"
            ),
        )
        .unwrap();
        let mut command = Command::new("unbound");
        command
            .arg("-d")
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let server = Self { config, port, process: command.spawn().unwrap() };
        wait_until("the name server answers", || server.code() == Some(0));
        server
    }

    /// The response code for the attacker's name: 0 where it is there, 3 where there is no such name.
    fn code(&self) -> Option<u8> {
        let labels =
            NAME.split('.').flat_map(|label| std::iter::once(label.len() as u8).chain(label.bytes()));
        let question: Vec<u8> = labels.chain([0, 0, 1, 0, 1]).collect();
        let query = [&[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &question].concat();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        socket.send_to(&query, ("127.0.0.1", self.port)).ok()?;
        let mut answer = [0; 512];
        let length = socket.recv(&mut answer).ok()?;
        (length >= 12).then_some(answer[3] & 0x0f)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A hub, its people, and an edge that takes orders and reads one log.
struct Scene {
    hub: Hub,
    edge: Edge,
    log: PathBuf,
    asker: Person,
    approvers: [Person; 2],
}

impl Scene {
    fn set(folder: &Path, traffic: &Traffic, names: &NameServer) -> Self {
        let config = folder.join("hub.toml");
        std::fs::write(&config, AUTHORITY).unwrap();
        let hub = Hub::start_with(&folder.join("hub"), &config);
        let token = register_edge(&hub);
        add_agencies(&hub);
        let asker = Person::of(&hub, "npa", "duty_officer");
        let playbook =
            playbook("harbour-1", &[json!({ "ipv4_net": ATTACKER }), json!({ "domain_name": NAME })], LASTS);
        Person::of(&hub, "npa", "approver")
            .done("/api/v1/playbooks", &json!({ "document": playbook.to_string() }));
        let approvers = [Person::of(&hub, "mod", "approver"), Person::of(&hub, "harbour", "approver")];
        let time = "2026-01-01T00:00:00.000Z";
        hub.post(&json!({ "objects": [{
            "type": "indicator", "spec_version": "2.1", "id": "indicator--5b7e1a4c-7a42-4c0e-8a38-0d9d3f3a6f01", "created": time,
            "modified": time, "name": "C2 of the campaign", "pattern": format!("[ipv4-addr:value = '{ATTACKER}']"), "pattern_type": "stix",
            "valid_from": time, "labels": ["severity:4"], "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        }] }));
        let log = folder.join("eve.json");
        std::fs::write(&log, "").unwrap();
        let sections = format!(
            "{}[[orders.allow]]\nnetworks = [\"198.51.100.0/24\"]\nnames = [\"evil.example\"]\n\
             [[orders.device]]\nkind = \"nftables\"\ncommand = {}\n\
             [[orders.device]]\nkind = \"unbound\"\ncommand = [\"unbound-control\", \"-c\", {:?}]\n\
             [[source]]\nname = \"suricata\"\npath = {log:?}\n",
            taking_orders(&hub, ""),
            traffic.nft(),
            names.config
        );
        let edge = Edge::start(&edge_config_of(&folder.join("edge"), "harbour-1", &hub, &token, &sections));
        wait_until("the edge has the indicator", || edge.ledger()["indicators"] == 1);
        Self { hub, edge, log, asker, approvers }
    }

    /// The attack in the operator's telemetry, as far as the case that it opens; the case's identifier.
    fn seen(&self) -> String {
        let now = Timestamp::now();
        let line = format!(
            "{{\"timestamp\":\"{now}\",\"event_type\":\"flow\",\"src_ip\":\"{ATTACKER}\",\"dest_ip\":\"192.0.2.1\",\"dest_port\":9999,\"proto\":\"UDP\"}}\n"
        );
        std::fs::write(&self.log, line).unwrap();
        let mut case = String::new();
        wait_until("the sighting opens a case", || {
            let cases = self.asker.good("/api/v1/cases");
            let id = cases["cases"][0]["id"].as_str().map(str::to_owned);
            id.inspect(|id| case.clone_from(id)).is_some()
        });
        case
    }

    fn orders(&self) -> Vec<Value> {
        self.asker.good("/api/v1/orders")["orders"].as_array().unwrap().clone()
    }

    fn all_are(&self, states: &[&str]) {
        let are = || {
            let orders = self.orders();
            orders.len() >= 2
                && orders.iter().all(|order| states.contains(&order["state"].as_str().unwrap_or("")))
        };
        wait_until_or_tell(&format!("the orders are {states:?}"), are, || json!(self.orders()).to_string());
    }
}

#[test]
fn an_attack_is_seen_agreed_on_dropped_and_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut traffic) = Traffic::new(folder.path()) else { return };
    let names = NameServer::start(folder.path());
    traffic.attack();
    let scene = Scene::set(folder.path(), &traffic, &names);
    let case = scene.seen();

    let playbooks = scene.asker.good("/api/v1/playbooks");
    let ours = playbooks["playbooks"].as_array().unwrap().iter().find(|one| one["library"] == false).unwrap();
    let run = json!({ "id": uuid::Uuid::new_v4(), "playbook": ours["id"], "case": case });
    let run = scene.asker.done("/api/v1/runs", &run);
    let question = &run["questions"][0];
    assert_eq!(
        (&question["required"], question["commands"].as_array().unwrap().len()),
        (&json!(2), 2),
        "{run}"
    );
    let path =
        format!("/api/v1/runs/{}/questions/{}", run["summary"]["id"].as_str().unwrap(), question["number"]);
    let answer = json!({ "hash": question["hash"], "reason": "seen" });
    assert!(scene.asker.refused(&format!("{path}/approve"), &answer) == 403, "who asks does not agree");
    scene.approvers[0].done(&format!("{path}/approve"), &answer);
    assert!(traffic.passes() && names.code() == Some(0), "one organisation is not enough");

    let agreed = Timestamp::now().as_nanosecond();
    scene.approvers[1].done(&format!("{path}/approve"), &answer);
    wait_until("packets are dropped", || !traffic.passes());
    wait_until("the name is denied", || names.code() == Some(3));
    let last = traffic.arrivals().last().copied().unwrap();
    eprintln!("second approval sent → last packet that arrived: {} ms", (last - agreed) / 1_000_000);
    scene.all_are(&["enforced", "released", "expired"]);

    // The operator sees who ordered what, and on what authority.
    let shown = get(&format!("{}/api/v1/orders", scene.edge.page()), None)
        .unwrap_or_else(|| scene.edge.ledger())
        .to_string();
    for said in [
        ATTACKER,
        NAME,
        "Order under the law on active cyber defence",
        "2026-17",
        "Police",
        "Ministry of Defense",
    ] {
        assert!(shown.contains(said), "`{said}` is not in {shown}");
    }

    // The time-box ends, and both are let go.
    wait_until("packets pass again", || traffic.passes());
    wait_until("the name is back", || names.code() == Some(0));
    let arrivals = traffic.arrivals();
    let silence = arrivals.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    let seconds = silence as f64 / 1e9;
    eprintln!("packets were dropped for {seconds:.2} s of {LASTS:?}");
    assert!(seconds > LASTS.as_secs_f64() / 2.0, "{seconds}");
    scene.all_are(&["expired", "released"]);
    let sightings =
        crate::running::export(&scene.hub).into_iter().filter(|object| object["type"] == "sighting");
    assert_eq!(sightings.count(), 1);
}
