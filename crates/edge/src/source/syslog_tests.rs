//! Messages over each transport, and what becomes of strangers'.

use std::time::Instant;

use rustls::pki_types::ServerName;

use super::*;
use crate::source::journal::Journal;

struct Scene {
    _folder: tempfile::TempDir,
    inlet: Arc<Inlet>,
    address: SocketAddr,
}

impl Scene {
    async fn new(transport: Transport, allow: &[&str], queue_bytes_max: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (journal, writer) = Journal::open(folder.path(), 0, queue_bytes_max).unwrap();
        std::thread::spawn(move || writer.run());
        let inlet = Arc::new(Inlet { journal: Some(journal), ..Inlet::default() });
        let listen = "127.0.0.1:0".parse().unwrap();
        let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
        let config = Syslog { listen, transport, allow, queue_bytes_max };
        let socket = Socket::bind(&config).await.unwrap();
        let address = socket.address().unwrap();
        let door = Door::new(socket, Arc::clone(&inlet), &config);
        tokio::spawn(door.attend());
        Self { _folder: folder, inlet, address }
    }

    fn kept(&self) -> String {
        let mut reader = self.inlet.journal.as_ref().unwrap().reader(0);
        let mut kept = String::new();
        while let Some(entry) = reader.next().unwrap() {
            kept.push_str(&String::from_utf8(entry.lines).unwrap());
        }
        kept
    }

    async fn wait_for(&self, expected: &str) {
        let begun = Instant::now();
        while self.kept() != expected {
            assert!(begun.elapsed() < Duration::from_secs(60), "{:?} is not {expected:?}", self.kept());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn datagrams_are_kept_and_strangers_are_not_heard() {
    let scene = Scene::new(Transport::Udp, &[], 1 << 20).await;
    let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for text in ["<13>one", "<14>two\nlines\n", "\n"] {
        sender.send_to(text.as_bytes(), scene.address).await.unwrap();
    }
    scene.wait_for("<13>one\n<14>two lines\n").await;
    assert_eq!(scene.inlet.counters.read().received, 2);

    let scene = Scene::new(Transport::Udp, &["192.0.2.0/24"], 1 << 20).await;
    sender.send_to(b"<13>one", scene.address).await.unwrap();
    let begun = Instant::now();
    while scene.inlet.counters.read().refused.get("sender") != Some(&1) {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(scene.kept(), "");
}

#[tokio::test]
async fn streams_are_taken_apart_and_ended_ones_leave_a_place() {
    let scene = Scene::new(Transport::Tcp, &["127.0.0.0/8"], 1 << 20).await;
    let mut sender = TcpStream::connect(scene.address).await.unwrap();
    sender.write_all(b"9 <13>hello<14>line\n9 <15>").await.unwrap();
    scene.wait_for("<13>hello\n<14>line\n").await;
    sender.write_all(b"again<13>last").await.unwrap();
    drop(sender);
    scene.wait_for("<13>hello\n<14>line\n<15>again\n<13>last\n").await;
    assert_eq!(scene.inlet.counters.read().received, 4);
}

#[tokio::test]
async fn a_stream_waits_while_there_is_no_room_and_loses_nothing() {
    let scene = Scene::new(Transport::Tcp, &[], 1 << 20).await;
    let line = format!("<13>{}\n", "x".repeat(995));
    let mut sender = TcpStream::connect(scene.address).await.unwrap();
    let text = line.repeat(4000);
    let sending = tokio::spawn(async move { sender.write_all(text.as_bytes()).await });
    let journal = scene.inlet.journal.as_ref().unwrap();
    let (mut reader, mut taken, begun) = (journal.reader(0), 0, Instant::now());
    while taken < 4000 {
        assert!(begun.elapsed() < Duration::from_secs(120), "{taken}");
        assert!(journal.behind() <= (1 << 20) + (1 << 17));
        match reader.next().unwrap() {
            Some(entry) => {
                taken += entry.lines.iter().filter(|byte| **byte == b'\n').count();
                journal.release(entry.end).unwrap();
            }
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    sending.await.unwrap().unwrap();
    assert_eq!(taken, 4000);
}

#[tokio::test]
async fn by_tls_only_who_has_a_certificate_of_ours_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    let path = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let server = issued(&authority, "localhost");
    let (ca, certificate, key) = (
        path("ca.pem", authority.as_ref().pem()),
        path("server.pem", server.0.pem()),
        path("server.key", server.1.serialize_pem()),
    );
    let written = format!("certificate = {certificate:?}\nkey = {key:?}\nclient_ca = {ca:?}");
    let tls = crate::config::tls::server(&toml::from_str(&written).unwrap()).unwrap();
    let scene = Scene::new(Transport::Tls(tls), &[], 1 << 20).await;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = crate::config::tls::roots(&ca).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let sender = issued(&authority, "sensor");
    let known = client.clone().with_client_auth_cert(vec![sender.0.der().clone()], sender.1.into()).unwrap();
    let send = async |config: rustls::ClientConfig| -> io::Result<()> {
        let stream = TcpStream::connect(scene.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        stream.write_all(b"9 <13>hello").await?;
        stream.shutdown().await?;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.map(drop)
    };
    assert!(send(client.with_no_client_auth()).await.is_err());
    send(known).await.unwrap();
    scene.wait_for("<13>hello\n").await;
    assert_eq!(scene.inlet.counters.read().refused.get("tls"), Some(&1));
}

type Authority = rcgen::CertifiedIssuer<'static, rcgen::KeyPair>;

fn authority() -> Authority {
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    rcgen::CertifiedIssuer::self_signed(parameters, rcgen::KeyPair::generate().unwrap()).unwrap()
}

fn issued(authority: &Authority, name: &str) -> (rcgen::Certificate, rcgen::KeyPair) {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    (parameters.signed_by(&key, authority).unwrap(), key)
}

#[test]
fn the_kernels_table_is_read() {
    let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
                 100: 0100007F:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0\n\
                 101: 0100007F:0203 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 17\n";
    assert_eq!(drops_of(table, "4712"), Some(17));
    assert_eq!(drops_of(table, "4711"), Some(0));
    assert_eq!(drops_of(table, "4"), None);
}
