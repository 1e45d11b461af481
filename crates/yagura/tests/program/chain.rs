//! The whole way on real parts: an edge sees an attack, its sighting opens a case, a playbook runs for the case and asks two organisations,
//! an order goes out, a kernel drops real packets and a name server denies a name; the operator sees who ordered what and on what authority;
//! both end at their time.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::person::Person;
use crate::running::{
    CONSENT, Edge, Hub, admin, edge_config_of, get, register_edge, wait_until, wait_until_or_tell,
};

const ATTACKER: &str = "198.51.100.7";
const NAME: &str = "c2.evil.example";
const SAFEGUARDS: &str = "extension-definition--6cee69f3-60da-437f-91f8-8c918b75decb";
/// How long the order's effect lasts.
const LASTS: Duration = Duration::from_secs(8);

fn sh(line: &str) -> bool {
    Command::new("sh").arg("-c").arg(line).output().is_ok_and(|output| output.status.success())
}

/// An attacker's network and that of the operator, with packets on the way from one to the other.
struct Nets {
    attacker: String,
    operator: String,
    running: Vec<Child>,
    arrived: PathBuf,
}

impl Nets {
    /// `None`, said loudly, where there can be none.
    fn new(folder: &Path) -> Option<Self> {
        let number = std::process::id();
        let (attacker, operator) = (format!("ygc-{number}"), format!("ygo-{number}"));
        if !sh("command -v nft && command -v ip && command -v python3 && command -v unbound-control")
            || !sh(&format!("ip netns add {attacker} && ip netns add {operator}"))
        {
            eprintln!(
                "SKIPPED: the whole way needs nft, ip, python3, unbound and the right to make network namespaces"
            );
            return None;
        }
        let linked = format!(
            "ip -n {attacker} link add va type veth peer name vo netns {operator} &&
             ip -n {attacker} addr add {ATTACKER}/16 dev va && ip -n {attacker} link set va up &&
             ip -n {attacker} route add 192.0.2.0/24 dev va &&
             ip -n {operator} addr add 192.0.2.1/24 dev vo && ip -n {operator} link set vo up &&
             ip -n {operator} route add 198.51.0.0/16 dev vo"
        );
        assert!(sh(&linked), "the namespaces cannot be linked");
        let nets = Self { attacker, operator, running: Vec::new(), arrived: folder.join("arrived") };
        Some(nets)
    }

    fn python(&mut self, net: &str, program: &str, argument: &Path) {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", net, "python3", "-u", "-c", program]).arg(argument);
        self.running.push(command.stdin(Stdio::null()).spawn().unwrap());
    }

    /// A packet a millisecond; each that arrives leaves the time at which it did, in nanoseconds since 1970.
    fn attack(&mut self) {
        let (attacker, operator, arrived) =
            (self.attacker.clone(), self.operator.clone(), self.arrived.clone());
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
        json!(["ip", "netns", "exec", self.operator, "nft"])
    }
}

impl Drop for Nets {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        sh(&format!("ip netns del {}; ip netns del {}", self.attacker, self.operator));
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

fn openc2(action: &str, target: &Value) -> Value {
    let body = json!({ "action": action, "target": target }).to_string();
    json!({ "type": "openc2-http", "command": "POST /.well-known/openc2 HTTP/1.1", "content_b64": base64::engine::general_purpose::STANDARD.encode(body),
        "headers": { "Content-Type": ["application/openc2+json;version=1.0"] } })
}

/// One step: keep things out of the network of an edge, for a time.
pub(crate) fn playbook(edge: &str, targets: &[Value], lasts: Duration) -> Value {
    let id = |kind: &str, number: u8| format!("{kind}--{number:08}-0000-4000-8000-000000000000");
    let safeguards = json!({ "type": "safeguards", "approval": { "required": 2, "expires_after": 600_000 },
        "authority": { "basis": "Order under the law on active cyber defence", "reference": "2026-17" },
        "inverse": targets.iter().map(|target| openc2("allow", target)).collect::<Vec<_>>(),
        "blast_radius": { "addresses_max": 1 }, "stop_after": lasts.as_millis() as u64, "idempotent": true });
    json!({
        "type": "playbook", "spec_version": "cacao-2.0", "id": format!("playbook--{}", uuid::Uuid::new_v4()), "name": "Keep it out",
        "created_by": id("identity", 4), "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "workflow_start": id("start", 0),
        "workflow": {
            id("start", 0): { "type": "start", "on_completion": id("action", 1) },
            id("action", 1): { "type": "action", "name": "Block address and name", "agent": id("security-category", 2),
                "targets": [id("http-api", 3)], "commands": targets.iter().map(|target| openc2("deny", target)).collect::<Vec<_>>(),
                "on_completion": id("end", 5), "step_extensions": { SAFEGUARDS: safeguards } },
            id("end", 5): { "type": "end" },
        },
        "agent_definitions": { id("security-category", 2): { "type": "security-category", "name": "Hub", "category": ["orchestrator"] } },
        "target_definitions": { id("http-api", 3): { "type": "http-api", "name": "Edge", "address": { "dname": [edge] } } },
        "extension_definitions": { SAFEGUARDS: { "type": "extension-definition", "name": "Safeguards", "created_by": id("identity", 4),
            "schema": "https://example.com/s.json", "version": "1.0.0" } },
    })
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
    fn set(folder: &Path, nets: &Nets, names: &NameServer) -> Self {
        let config = folder.join("hub.toml");
        let text = "[[response.authorities]]\nreference = \"2026-17\"\noperators = [\"harbour\"]\n\
            from = \"2026-01-01T00:00:00Z\"\nuntil = \"2099-01-01T00:00:00Z\"\n";
        std::fs::write(&config, text).unwrap();
        let hub = Hub::start_with(&folder.join("hub"), &config);
        let token = register_edge(&hub);
        for (id, ja, en) in [("npa", "警察", "Police"), ("mod", "防衛省", "Ministry of Defense")] {
            admin(&hub, &["org", "add", id, "--name-ja", ja, "--name-en", en, "--role", "agency"]);
        }
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
        let key = &get(&format!("{}/api/v1/orders", hub.address), Some(&hub.token)).unwrap()["key"];
        let sections = format!(
            "[consent]\n{CONSENT}\n[orders]\nenabled = true\nconsent = \"automatic\"\n\
             [[orders.hub_key]]\nissuer = {}\nkey = {}\n[[orders.allow]]\nnetworks = [\"198.51.100.0/24\"]\nnames = [\"evil.example\"]\n\
             [[orders.device]]\nkind = \"nftables\"\ncommand = {}\n\
             [[orders.device]]\nkind = \"unbound\"\ncommand = [\"unbound-control\", \"-c\", {:?}]\n\
             [[source]]\nname = \"suricata\"\npath = {log:?}\n",
            key["issuer"],
            key["key"],
            nets.nft(),
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
    let Some(mut nets) = Nets::new(folder.path()) else { return };
    let names = NameServer::start(folder.path());
    nets.attack();
    let scene = Scene::set(folder.path(), &nets, &names);
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
    assert!(nets.passes() && names.code() == Some(0), "one organisation is not enough");

    let agreed = Timestamp::now().as_nanosecond();
    scene.approvers[1].done(&format!("{path}/approve"), &answer);
    wait_until("packets are dropped", || !nets.passes());
    wait_until("the name is denied", || names.code() == Some(3));
    let last = nets.arrivals().last().copied().unwrap();
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
    wait_until("packets pass again", || nets.passes());
    wait_until("the name is back", || names.code() == Some(0));
    let arrivals = nets.arrivals();
    let silence = arrivals.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    let seconds = silence as f64 / 1e9;
    eprintln!("packets were dropped for {seconds:.2} s of {LASTS:?}");
    assert!(seconds > LASTS.as_secs_f64() / 2.0, "{seconds}");
    scene.all_are(&["expired", "released"]);
    let sightings =
        crate::running::export(&scene.hub).into_iter().filter(|object| object["type"] == "sighting");
    assert_eq!(sightings.count(), 1);
}
