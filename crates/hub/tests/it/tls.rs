//! TLS: the self-made certificate, the key exchange, and no plain HTTP beside it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use hub::{Hub, HubConfig, HubError, RunningHub};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

async fn start(folder: &Path) -> Result<RunningHub, HubError> {
    let mut config = HubConfig::new(folder, SocketAddr::from(([127, 0, 0, 1], 0)));
    config.tls_on_loopback = true;
    Hub::start(config).await
}

/// The name of the key exchange that a client with aws-lc-rs' defaults comes to.
fn key_exchange(address: SocketAddr, certificate: CertificateDer<'static>) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut socket).unwrap();
    }
    format!("{:?}", connection.negotiated_key_exchange_group().unwrap().name())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_began_over_tls_stays_there() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // What is served decides, whatever address somebody has configured.
    for (address, tls, secure) in [
        (Some("http://hub.example.jp"), true, true),
        (None, true, true),
        (Some("https://hub.example.jp"), false, true),
        (None, false, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut config = HubConfig::new(folder.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
        config.tls_on_loopback = tls;
        config.address = address.map(|address| address.parse().unwrap());
        let running = Hub::start(config).await.unwrap();
        let client = reqwest::Client::builder().no_proxy();
        let client = match std::fs::read(folder.path().join("tls.crt")) {
            Ok(pem) => client.tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()]),
            Err(_) => client,
        };
        let link = running.first_start.as_ref().unwrap().sign_in.split_once("#link=").unwrap().1.to_owned();
        let scheme = if tls { "https" } else { "http" };
        let path = format!("{scheme}://localhost:{}/api/v1/session/link", running.listen.port());
        let body = serde_json::json!({ "link": link });
        let reply = client.build().unwrap().post(path).json(&body).send().await.unwrap();
        assert_eq!(reply.status(), 200);
        let cookie = reply.headers()["set-cookie"].to_str().unwrap();
        assert_eq!(cookie.contains("; Secure"), secure, "{address:?}, TLS {tls}: {cookie}");
        let stays = reply.headers().get("strict-transport-security").map(|value| value.to_str().unwrap());
        assert_eq!(stays, secure.then_some("max-age=31536000"), "{address:?}, TLS {tls}");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_makes_a_certificate_and_keeps_it() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path()).await.unwrap();
    assert_eq!(running.address.scheme(), "https");
    let pem = std::fs::read(folder.path().join("tls.crt")).unwrap();
    let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
    let root = reqwest::Certificate::from_pem(&pem).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let healthy = client.get(running.address.join("/healthz").unwrap()).send().await.unwrap();
    assert_eq!(healthy.status(), 200);
    let plain = client.get(format!("http://{}/healthz", running.listen)).send().await;
    assert!(plain.is_err_and(|error| !error.is_status()), "no plain HTTP is spoken on this port");
    let address = running.listen;
    let exchange = tokio::task::spawn_blocking(move || key_exchange(address, certificate)).await.unwrap();
    assert_eq!(exchange, "X25519MLKEM768");
    running.stop().await;

    let again = start(folder.path()).await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("tls.crt")).unwrap(), pem);
    again.stop().await;
    std::fs::remove_file(folder.path().join("tls.key")).unwrap();
    assert_eq!(start(folder.path()).await.map(|_| ()).unwrap_err().code, "tls");
}

/// TAXII 2.1 §8.2.2: TLS 1.2 is spoken beside 1.3, and data before the handshake's end (0-RTT) is not taken.
#[tokio::test(flavor = "multi_thread")]
async fn section_8_2_2_tls_1_2_is_accepted_and_0_rtt_is_not() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path()).await.unwrap();
    let pem = std::fs::read(folder.path().join("tls.crt")).unwrap();
    let certificate = CertificateDer::from_pem_slice(&pem).unwrap();
    let address = running.listen;
    let found = tokio::task::spawn_blocking(move || {
        let config = |versions: &[&'static rustls::SupportedProtocolVersion]| {
            let mut roots = RootCertStore::empty();
            roots.add(certificate.clone()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config =
                ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
            config.with_root_certificates(roots).with_no_client_auth()
        };
        let older = ask(address, &Arc::new(config(&[&rustls::version::TLS12])));
        let mut resuming = config(&[&rustls::version::TLS13]);
        resuming.enable_early_data = true;
        let resuming = Arc::new(resuming);
        (older, ask(address, &resuming), ask(address, &resuming))
    });
    let (older, first, resumed) = found.await.unwrap();
    assert_eq!(older, Spoken { version: rustls::ProtocolVersion::TLSv1_2, resumed: false, early: false });
    assert_eq!(first, Spoken { version: rustls::ProtocolVersion::TLSv1_3, resumed: false, early: false });
    // The session is taken up again, so that early data could have been offered, and it is not.
    assert_eq!(resumed, Spoken { version: rustls::ProtocolVersion::TLSv1_3, resumed: true, early: false });
    running.stop().await;
}

#[derive(Debug, PartialEq, Eq)]
struct Spoken {
    version: rustls::ProtocolVersion,
    resumed: bool,
    early: bool,
}

/// Makes a request, so that tickets for another connection come with the answer.
fn ask(address: SocketAddr, config: &Arc<ClientConfig>) -> Spoken {
    let mut connection = ClientConnection::new(Arc::clone(config), "localhost".try_into().unwrap()).unwrap();
    let early = connection.early_data().is_some();
    let mut socket = TcpStream::connect(address).unwrap();
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // The server may close the connection without saying so.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    let resumed = connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
    let early = early || connection.is_early_data_accepted();
    Spoken { version: connection.protocol_version().unwrap(), resumed, early }
}

/// A program's certificate and key in PEM form.
fn program() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::new(vec!["siem".to_owned()]).unwrap().self_signed(&key).unwrap();
    (made.pem(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_token_is_good_with_its_certificate_only() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path()).await.unwrap();
    let root = std::fs::read(folder.path().join("tls.crt")).unwrap();
    let client = |shown: Option<&(String, String)>, oldest: bool| {
        let root = reqwest::Certificate::from_pem(&root).unwrap();
        let mut client = reqwest::Client::builder().no_proxy().tls_certs_only([root]);
        if oldest {
            client = client.max_tls_version(reqwest::tls::Version::TLS_1_2);
        }
        if let Some((certificate, key)) = shown {
            let identity = reqwest::Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap();
            client = client.identity(identity);
        }
        client.build().unwrap()
    };
    let (own, other) = (program(), program());
    let first = running.first_start.as_ref().unwrap().token.clone();
    let new =
        serde_json::json!({ "organisation": "coordinator", "roles": ["analyst"], "certificate": own.0 });
    let issue = client(None, false).post(running.address.join("/api/v1/tokens").unwrap()).bearer_auth(&first);
    let issued: serde_json::Value = issue.json(&new).send().await.unwrap().json().await.unwrap();
    let token = issued["token"].as_str().unwrap();
    assert_eq!(issued["info"]["certificate"].as_str().unwrap().len(), 64);
    let board = running.address.join("/api/v1/board").unwrap();
    for (shown, oldest, expected) in [
        (Some(&own), false, 200),
        (Some(&own), true, 200),
        (Some(&other), false, 401),
        (Some(&other), true, 401),
        (None, false, 401),
    ] {
        let client = client(shown, oldest);
        // Twice: the second connection of a client takes the session up again.
        for _ in 0..2 {
            let reply = client.get(board.clone()).bearer_auth(token).header("connection", "close").send();
            assert_eq!(reply.await.unwrap().status(), expected, "TLS 1.2: {oldest}");
        }
    }
    // What is not bound is as good as ever, whatever is shown, and a certificate alone opens nothing.
    let others = client(Some(&other), false);
    assert_eq!(others.get(board.clone()).bearer_auth(&first).send().await.unwrap().status(), 200);
    assert_eq!(others.get(board).send().await.unwrap().status(), 401);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_runs_the_hub_is_told_what_ends_soon() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("soon.crt"), folder.path().join("soon.key"));
    let made = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(5 * 24);
    let day = end.to_zoned(jiff::tz::TimeZone::UTC).date();
    let [month, of_month] = [day.month(), day.day()].map(|part| u8::try_from(part).unwrap());
    parameters.not_after = rcgen::date_time_ymd(i32::from(day.year()), month, of_month);
    std::fs::write(&certificate, parameters.self_signed(&made).unwrap().pem()).unwrap();
    std::fs::write(&key, made.serialize_pem()).unwrap();
    let mut config = HubConfig::new(folder.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
    config.tls = Some(hub::TlsFiles { certificate: certificate.clone(), key });
    let running = Hub::start(config).await.unwrap();
    let root = reqwest::Certificate::from_pem(&std::fs::read(&certificate).unwrap()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let address = format!("https://localhost:{}", running.listen.port());
    let first = running.first_start.as_ref().unwrap().token.clone();
    for (name, hours) in [("feed", 24), ("quiet", 30 * 24)] {
        let expires = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours)).to_string();
        let new = serde_json::json!({ "organisation": "coordinator", "roles": ["analyst"], "name": name, "expires": expires });
        let issue = client.post(format!("{address}/api/v1/tokens")).bearer_auth(&first).json(&new);
        assert_eq!(issue.send().await.unwrap().status(), 200);
    }
    let told: serde_json::Value =
        client.get(format!("{address}/readyz")).send().await.unwrap().json().await.unwrap();
    let notices = told["notices"].to_string();
    assert!(notices.contains("certificate-ends: ") && notices.contains("tokens-end: 1 tokens"), "{notices}");
    assert!(!notices.contains("feed"), "no names for strangers: {notices}");
    let ask = client.get(format!("{address}/api/v1/endings")).bearer_auth(&first);
    let told: serde_json::Value = ask.send().await.unwrap().json().await.unwrap();
    let kinds: Vec<&str> =
        told["endings"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds, &told["endings"][0]["name"]), (vec!["token", "certificate"], &"feed".into()));
    let counted = client.get(format!("{address}/metrics")).bearer_auth(&first).send().await.unwrap();
    let counted = counted.text().await.unwrap();
    assert!(counted.contains("yagura_tokens_ending 1\n"), "{counted}");
    let line = counted.lines().find(|line| line.starts_with("yagura_certificate_end ")).unwrap();
    let seconds: i64 = line.split_once(' ').unwrap().1.parse().unwrap();
    assert!((end.as_second() - seconds) < 24 * 3600 && seconds <= end.as_second(), "{line}");
    running.stop().await;
}
