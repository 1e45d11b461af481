//! A resolver that tells what it is asked, over both kinds of socket.

use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::source::journal::Journal;

struct Scene {
    folder: tempfile::TempDir,
    inlet: Arc<Inlet>,
    address: Option<SocketAddr>,
}

impl Scene {
    async fn new(listen: impl Fn(&Path) -> Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (journal, writer) = Journal::open(&folder.path().join("journal"), 0, 1 << 20).unwrap();
        std::thread::spawn(move || writer.run());
        let inlet = Arc::new(Inlet { journal: Some(journal), ..Inlet::default() });
        let config = Dnstap { listen: listen(folder.path()), allow: Vec::new(), queue_bytes_max: 1 << 20 };
        let listener = Listener::bind(&config.listen).await.unwrap();
        let address = listener.address();
        tokio::spawn(Door::new(listener, Arc::clone(&inlet), &config).attend());
        Self { folder, inlet, address }
    }

    fn kept(&self) -> Vec<serde_json::Value> {
        let mut reader = self.inlet.journal.as_ref().unwrap().reader(0);
        let mut kept = Vec::new();
        while let Some(entry) = reader.next().unwrap() {
            let lines = entry.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            kept.extend(lines.map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap()));
        }
        kept
    }

    async fn wait_for(&self, what: &str, is_there: impl Fn(&[serde_json::Value]) -> bool) {
        let begun = Instant::now();
        while !is_there(&self.kept()) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}: {:?}", self.kept());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Unbound with one name of its own, which needs no network; ended with the test.
struct Unbound {
    process: Child,
    port: u16,
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Unbound {
    /// `None`, said loudly, where there is none.
    fn start(folder: &Path, to: &str) -> Option<Self> {
        let found = ["/usr/sbin/unbound", "/usr/local/sbin/unbound"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        let Some(program) = found else {
            eprintln!("SKIPPED: a real producer of dnstap needs unbound");
            return None;
        };
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.join("unbound.conf");
        let text = format!(
            "server:\n do-daemonize: no\n chroot: \"\"\n username: \"\"\n pidfile: \"\"\n use-syslog: no\n num-threads: 1\n\
             directory: {folder:?}\n interface: 127.0.0.1\n port: {port}\n module-config: \"iterator\"\n\
             local-zone: \"evil.example.\" static\n local-data: \"www.evil.example. 300 IN A 198.51.100.7\"\n\
             remote-control:\n control-enable: no\n\
             dnstap:\n dnstap-enable: yes\n dnstap-bidirectional: yes\n dnstap-send-identity: yes\n\
             dnstap-identity: \"resolver\"\n dnstap-log-client-query-messages: yes\n\
             dnstap-log-client-response-messages: yes\n{to}\n",
        );
        std::fs::write(&config, text).unwrap();
        let log = std::fs::File::create(folder.join("unbound.log")).unwrap();
        let mut command = Command::new(program);
        command.arg("-d").arg("-c").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Some(Self { process: command.spawn().unwrap(), port })
    }

    /// Asks until it answers.
    fn ask(&self, name: &str) {
        let labels =
            name.split('.').flat_map(|label| std::iter::once(label.len() as u8).chain(label.bytes()));
        let question: Vec<u8> = labels.chain([0, 0, 1, 0, 1]).collect();
        let query = [&[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &question].concat();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < Duration::from_secs(60), "unbound does not answer");
            let sent = socket.send_to(&query, ("127.0.0.1", self.port));
            if sent.is_ok() && socket.recv(&mut [0; 512]).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it as an operator does.
    fn end(mut self) {
        Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        self.process.wait().unwrap();
    }
}

async fn hears(scene: &Scene, to: &str) {
    let Some(unbound) = Unbound::start(scene.folder.path(), to) else { return };
    unbound.ask("www.evil.example");
    let of = |kept: &[serde_json::Value], kind: &str| {
        kept.iter().find(|line| line["dnstap"]["message"] == kind).cloned().unwrap_or_default()
    };
    scene
        .wait_for("both are told", |kept| {
            of(kept, "CLIENT_QUERY") != serde_json::Value::Null
                && of(kept, "CLIENT_RESPONSE") != serde_json::Value::Null
        })
        .await;
    let kept = scene.kept();
    let (query, response) = (of(&kept, "CLIENT_QUERY"), of(&kept, "CLIENT_RESPONSE"));
    assert_eq!(query["dns"]["queries"], serde_json::json!([{ "rrname": "www.evil.example", "rrtype": "A" }]));
    assert_eq!(
        (&response["src_ip"], &response["proto"], &response["dnstap"]["identity"]),
        (&"127.0.0.1".into(), &"UDP".into(), &"resolver".into())
    );
    assert_eq!(response["dns"]["answers"][0]["rdata"], "198.51.100.7");
    assert!(response["timestamp"].is_string());
    unbound.end();
    let counted = scene.inlet.counters.read();
    assert_eq!((counted.received, counted.dropped.len()), (scene.kept().len() as u64, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unbound_is_heard_over_a_socket_of_the_file_system() {
    let scene = Scene::new(|folder| Place::Unix(folder.join("dnstap.sock"))).await;
    let socket = scene.folder.path().join("dnstap.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    hears(&scene, &format!(" dnstap-socket-path: {socket:?}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unbound_is_heard_over_tcp() {
    let scene = Scene::new(|_| Place::Tcp("127.0.0.1:0".parse().unwrap())).await;
    let port = scene.address.unwrap().port();
    hears(&scene, &format!(" dnstap-ip: 127.0.0.1@{port}\n dnstap-tls: no")).await;
}

#[tokio::test]
async fn a_socket_that_is_in_use_is_left_alone_and_a_forgotten_one_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Unix(folder.path().join("dnstap.sock"));
    let first = Listener::bind(&place).await.unwrap();
    assert!(matches!(Listener::bind(&place).await, Err(EdgeError::Socket { .. })));
    drop(first);
    Listener::bind(&place).await.unwrap();
}

#[tokio::test]
async fn what_is_no_dnstap_is_cut_off_and_counted() {
    let scene = Scene::new(|_| Place::Tcp("127.0.0.1:0".parse().unwrap())).await;
    let mut stream = tokio::net::TcpStream::connect(scene.address.unwrap()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
    assert_eq!(scene.inlet.counters.read().dropped.get("frame-stream"), Some(&1));
}
