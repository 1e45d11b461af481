//! A real name server: names that are ordered away do not exist, and exist again.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use openc2::DateTime;

use crate::actuators::files::Zone;
use crate::actuators::unbound::Unbound;
use crate::actuators::{Actuator, Block, Change, Desired, Manner, Wanted, What};
use crate::orders::engine::Engine;
use crate::orders::tests::{config, deny, order_of};
use crate::spool::Spool;

/// Unbound with two zones of its own, over which a test has control.
struct Server {
    folder: tempfile::TempDir,
    process: Option<Child>,
    address: SocketAddr,
    program: PathBuf,
}

fn found(name: &str) -> Option<PathBuf> {
    let paths = ["/usr/sbin", "/usr/local/sbin"].map(|folder| Path::new(folder).join(name));
    paths.into_iter().find(|path| path.exists())
}

impl Server {
    /// `None`, said loudly, where there is none.
    fn start() -> Option<Self> {
        let (Some(program), Some(_)) = (found("unbound"), found("unbound-control")) else {
            eprintln!("SKIPPED: a real name server needs unbound and unbound-control");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = folder.path();
        let text = format!(
            "server:\n do-daemonize: no\n chroot: \"\"\n username: \"\"\n pidfile: \"\"\n use-syslog: no\n num-threads: 1\n\
             directory: {path:?}\n interface: 127.0.0.1\n port: {port}\n module-config: \"respip iterator\"\n\
             local-zone: \"own.example.com.\" static\n local-data: \"own.example.com. 300 IN A 203.0.113.8\"\n\
             remote-control:\n control-enable: yes\n control-interface: {path:?}/control.sock\n control-use-cert: no\n\
             auth-zone:\n name: evil.example.com\n for-downstream: no\n for-upstream: yes\n zonefile: {path:?}/evil.zone\n\
             rpz:\n name: rpz.yagura\n zonefile: {path:?}/rpz.zone\n"
        );
        let text = text.replace(&format!("{path:?}/"), &format!("{}/", path.display()));
        let zone = "$TTL 300\nevil.example.com. SOA localhost. y.localhost. 1 60 60 604800 60\nevil.example.com. NS localhost.\nwww.evil.example.com. A 203.0.113.7\n";
        std::fs::write(path.join("evil.zone"), zone).unwrap();
        std::fs::write(path.join("unbound.conf"), text).unwrap();
        std::fs::write(
            path.join("rpz.zone"),
            "$TTL 60\nrpz.yagura. SOA localhost. y.localhost. 1 60 60 604800 60\nrpz.yagura. NS localhost.\n",
        )
        .unwrap();
        let mut server = Self { folder, process: None, address: ([127, 0, 0, 1], port).into(), program };
        server.run();
        Some(server)
    }

    fn run(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("unbound.log")).unwrap();
        let mut command = Command::new(&self.program);
        command.arg("-d").arg("-c").arg(self.folder.path().join("unbound.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.process = Some(command.spawn().unwrap());
        let begun = Instant::now();
        while self.answer("own.example.com").is_none() {
            let log = std::fs::read_to_string(self.folder.path().join("unbound.log")).unwrap();
            assert!(begun.elapsed() < Duration::from_secs(60), "unbound does not answer: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn control(&self) -> Vec<String> {
        let config = self.folder.path().join("unbound.conf");
        vec!["unbound-control".into(), "-c".into(), config.to_string_lossy().into_owned()]
    }

    /// The response code and the number of answers.
    fn answer(&self, name: &str) -> Option<(u8, u8)> {
        let labels =
            name.split('.').flat_map(|label| std::iter::once(label.len() as u8).chain(label.bytes()));
        let question: Vec<u8> = labels.chain([0, 0, 1, 0, 1]).collect();
        let query = [&[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &question].concat();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        socket.send_to(&query, self.address).ok()?;
        let mut answer = [0; 512];
        let length = socket.recv(&mut answer).ok()?;
        (length >= 12).then_some((answer[3] & 0x0f, answer[7]))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

const EXISTS: Option<(u8, u8)> = Some((0, 1));
const NONE: Option<(u8, u8)> = Some((3, 0));

fn now() -> DateTime {
    DateTime(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap())
}

fn names(names: &[&str]) -> Desired {
    let block = |name: &&str| Block {
        what: What::Name((*name).to_owned()),
        direction: openc2::Direction::Both,
        manner: Manner::Drop,
    };
    let wanted = Wanted { until: DateTime(now().0 + 60_000), by: "c-1".to_owned() };
    names.iter().map(|name| (block(name), wanted.clone())).collect()
}

/// What is beneath a name goes with it, comes back with it, and a restart of the server is found out.
fn puts_and_takes(server: &mut Server, device: &mut dyn Actuator, outlives_a_restart: bool) {
    assert_eq!(server.answer("www.evil.example.com"), EXISTS);
    let all = names(&["www.evil.example.com"]);
    let put: Vec<Block> = all.keys().cloned().collect();
    device.apply(Change { all: &all, put: &put, take: &[] }, now()).unwrap();
    assert_eq!(server.answer("www.evil.example.com"), NONE);
    assert_eq!(server.answer("a.b.www.evil.example.com"), NONE);
    assert_eq!(server.answer("own.example.com"), EXISTS);
    assert!(device.read(&all, now()).unwrap().standing.contains_key(&put[0]));
    server.stop();
    server.run();
    let stands = device.read(&all, now()).unwrap().standing.contains_key(&put[0]);
    assert_eq!(stands, outlives_a_restart);
    assert_eq!(server.answer("www.evil.example.com") == NONE, outlives_a_restart);
    device.apply(Change { all: &all, put: &put, take: &[] }, now()).unwrap();
    assert_eq!(server.answer("www.evil.example.com"), NONE);
    let none = Desired::new();
    for _ in 0..2 {
        device.apply(Change { all: &none, put: &[], take: &put }, now()).unwrap();
    }
    assert_eq!(server.answer("www.evil.example.com"), EXISTS);
    assert!(!device.read(&none, now()).unwrap().standing.contains_key(&put[0]));
}

#[test]
fn a_local_zone_is_fast_and_gone_with_the_server() {
    let Some(mut server) = Server::start() else { return };
    let mut device = Unbound::new(server.control());
    puts_and_takes(&mut server, &mut device, false);
    // The operator's own zone is not ours to replace.
    let all = names(&["own.example.com"]);
    let put: Vec<Block> = all.keys().cloned().collect();
    let failed = device.apply(Change { all: &all, put: &put, take: &[] }, now()).unwrap_err();
    assert!(failed.to_string().contains("a local zone of its own for own.example.com"), "{failed}");
    assert_eq!(server.answer("own.example.com"), EXISTS);
}

#[test]
fn a_response_policy_zone_outlives_the_server() {
    let Some(mut server) = Server::start() else { return };
    let reload = [server.control(), vec!["auth_zone_reload".into(), "rpz.yagura".into()]].concat();
    let file = server.folder.path().join("rpz.zone");
    let mut device = Zone::new(file.clone(), "rpz.yagura".into(), Some(reload), Some(server.address));
    puts_and_takes(&mut server, &mut device, true);
    // A server that does not read the file answers as before, and is believed rather than the file.
    let mut deaf = Zone::new(file, "rpz.yagura".into(), Some(vec!["true".into()]), Some(server.address));
    let all = names(&["www.evil.example.com"]);
    let put: Vec<Block> = all.keys().cloned().collect();
    deaf.apply(Change { all: &all, put: &put, take: &[] }, now()).unwrap();
    assert!(deaf.read(&all, now()).unwrap().standing.is_empty());
}

#[test]
fn an_order_takes_a_name_away_and_its_end_gives_it_back() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(folder.path()).unwrap();
    let devices = || -> Vec<Box<dyn Actuator>> { vec![Box::new(Unbound::new(server.control()))] };
    let mut engine = Engine::open(&config(), devices(), &spool).unwrap();
    engine.begin(&spool, "boot", now()).unwrap();
    let order = order_of("council", 7, 1, &deny("c-1", "WWW.evil.example.com.", 5), now());
    engine.take(&spool, &order, now()).unwrap();
    engine.tick(&spool, now()).unwrap();
    assert_eq!(server.answer("www.evil.example.com"), NONE);
    // The edge is killed, and comes back when the time is over.
    drop(engine);
    let later = DateTime(now().0 + 6 * 60_000);
    let mut engine = Engine::open(&config(), devices(), &spool).unwrap();
    engine.begin(&spool, "boot", later).unwrap();
    assert_eq!(server.answer("www.evil.example.com"), EXISTS);
    let states: Vec<_> =
        spool.waiting_order_reports(100).unwrap().into_iter().map(|(_, report)| report.state).collect();
    use api::OrderState::{Enforced, Expired, Taken};
    assert_eq!(states, [Taken, Enforced, Expired]);
}
