//! An exporter that makes flows of packets, in each version.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::*;
use crate::source::journal::Journal;
use crate::source::syslog::bind_datagrams;

struct Scene {
    folder: tempfile::TempDir,
    inlet: Arc<Inlet>,
    address: SocketAddr,
}

impl Scene {
    async fn new(allow: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (journal, writer) = Journal::open(&folder.path().join("journal"), 0, 1 << 20).unwrap();
        std::thread::spawn(move || writer.run());
        let inlet = Arc::new(Inlet { journal: Some(journal), ..Inlet::default() });
        let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
        let config = Netflow { listen: "127.0.0.1:0".parse().unwrap(), allow, queue_bytes_max: 1 << 20 };
        let socket = bind_datagrams(config.listen).await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(Door::new(socket, Arc::clone(&inlet), &config).attend());
        Self { folder, inlet, address }
    }

    fn kept(&self) -> Vec<Value> {
        let mut reader = self.inlet.journal.as_ref().unwrap().reader(0);
        let mut kept = Vec::new();
        while let Some(entry) = reader.next().unwrap() {
            let lines = entry.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            kept.extend(lines.map(|line| serde_json::from_slice::<Value>(line).unwrap()));
        }
        kept
    }
}

/// Packets of UDP over Ethernet in a file of `tcpdump`: three from a client to a server, two back.
fn capture(path: &Path) {
    let mut bytes = Vec::new();
    for number in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        bytes.extend(number.to_le_bytes());
    }
    let (client, server) = (([10, 0, 0, 1], 40_000_u16), ([198, 51, 100, 7], 53_u16));
    for (at, (from, to)) in
        [(client, server), (server, client), (client, server), (server, client), (client, server)]
            .into_iter()
            .enumerate()
    {
        let data = [7_u8; 100];
        let udp =
            [&from.1.to_be_bytes()[..], &to.1.to_be_bytes(), &108_u16.to_be_bytes(), &[0, 0], &data].concat();
        let ip = [&[0x45, 0, 0, 128, 0, 1, 0, 0, 64, 17, 0, 0][..], &from.0, &to.0, &udp].concat();
        let frame = [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0][..], &ip].concat();
        for number in [1_768_435_200 + at as u32, 0, frame.len() as u32, frame.len() as u32] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(frame);
    }
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn softflowd_is_understood_in_each_version() {
    let program = Path::new("/usr/sbin/softflowd");
    if !program.exists() {
        eprintln!("SKIPPED: a real exporter of flows needs softflowd");
        return;
    }
    for version in ["5", "9", "10"] {
        let scene = Scene::new(&["127.0.0.0/8"]).await;
        let packets = scene.folder.path().join("packets.pcap");
        capture(&packets);
        let log = std::fs::File::create(scene.folder.path().join("softflowd.log")).unwrap();
        let mut exporter = Command::new(program);
        exporter.arg("-r").arg(&packets).args(["-v", version, "-n", &scene.address.to_string(), "-d"]);
        // With a control socket it now and then waits for a command before it reads.
        exporter.arg("-p").arg(scene.folder.path().join("pid")).args(["-c", "none"]);
        let mut exporter = exporter.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let begun = Instant::now();
        while scene.kept().len() < 2 && begun.elapsed() < Duration::from_secs(60) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let _ = exporter.kill();
        let _ = exporter.wait();
        let kept = scene.kept();
        assert!(kept.len() >= 2, "version {version}: {kept:?}, {:?}", scene.inlet.counters.read());
        let there = kept.iter().find(|flow| flow["dest_ip"] == "198.51.100.7").unwrap();
        let back = kept.iter().find(|flow| flow["src_ip"] == "198.51.100.7").unwrap();
        for (flow, packets, ports) in [(there, 3, (40_000, 53)), (back, 2, (53, 40_000))] {
            assert_eq!(flow["proto"], "17", "{flow}");
            assert_eq!((&flow["src_port"], &flow["dest_port"]), (&ports.0.into(), &ports.1.into()), "{flow}");
            assert_eq!(flow["flow"]["pkts_toserver"], packets, "{flow}");
            assert_eq!(flow["flow"]["bytes_toserver"], packets * 128, "{flow}");
            assert_eq!(flow["netflow"]["version"].to_string(), version);
            assert!(
                flow["flow"]["start"].as_str().unwrap() < flow["flow"]["end"].as_str().unwrap(),
                "{flow}"
            );
        }
        let counted = scene.inlet.counters.read();
        assert_eq!((counted.received, counted.dropped.len()), (2, 0), "{counted:?}");
    }
}

#[tokio::test]
async fn strangers_are_not_heard_and_other_datagrams_are_counted() {
    let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let wait_for = async |scene: &Scene, is_there: &dyn Fn(&Inlet) -> bool| {
        let begun = Instant::now();
        while !is_there(&scene.inlet) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", scene.inlet.counters.read());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(scene.kept().is_empty());
    };
    let scene = Scene::new(&["192.0.2.0/24"]).await;
    sender.send_to(b"<13>syslog", scene.address).await.unwrap();
    wait_for(&scene, &|inlet| inlet.counters.read().refused.get("sender") == Some(&1)).await;
    let scene = Scene::new(&[]).await;
    sender.send_to(b"<13>syslog", scene.address).await.unwrap();
    wait_for(&scene, &|inlet| inlet.counters.read().dropped.get("flow-message") == Some(&1)).await;
}
