//! The client against servers that are scripted line by line: what honest ones may do, and what dishonest ones try.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use taxii::client::{Client, Credentials, Cursor, Error, Filters, Place, Settings};
use taxii::{StatusState, media};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

/// A request: its first line, its headers in lower case, its body.
struct Asked<'a> {
    line: &'a str,
    headers: &'a str,
    body: &'a str,
}

type Script = dyn Fn(&Asked<'_>) -> String + Send + Sync;

/// A server that answers as its script says, and keeps what it was asked.
pub(crate) struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(script: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Self {
        Self::start_with(None, script).await
    }

    /// One whose script looks at bodies and not at headers.
    pub(crate) async fn start_reading(script: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> Self {
        Self::run(None, move |asked| script(asked.line, asked.body)).await
    }

    async fn start_with(
        tls: Option<ServerConfig>,
        script: impl Fn(&str, &str) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::run(tls, move |asked| script(asked.line, asked.headers)).await
    }

    async fn run(
        tls: Option<ServerConfig>,
        script: impl Fn(&Asked<'_>) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, script): (_, Arc<Script>) = (Arc::clone(&asked), Arc::new(script));
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, script, tls) = (Arc::clone(&kept), Arc::clone(&script), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &kept, &*script).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &kept, &*script).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, asked }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.settings()).unwrap()
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings::new(format!("{}/taxii2/", self.address))
    }

    pub(crate) fn place(&self) -> Place {
        Place { root: format!("{}/trust/", self.address).parse().unwrap(), collection: "c".to_owned() }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, kept: &Mutex<Vec<String>>, script: &Script) {
    let mut read = Vec::new();
    let (head, body) = loop {
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return,
            Ok(count) => read.extend_from_slice(&part[..count]),
        }
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= announced(head)
        {
            break (head.to_owned(), body.to_owned());
        }
    };
    let (line, headers) = head.split_once("\r\n").unwrap();
    let asked = line.rsplit_once(' ').unwrap().0.to_owned();
    kept.lock().unwrap().push(asked.clone());
    let answer = script(&Asked { line: &asked, headers: &headers.to_ascii_lowercase(), body: &body });
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn announced(head: &str) -> usize {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().map_or(0, |(_, length)| length.trim().parse().unwrap())
}

pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        media::TAXII,
        body.len()
    )
}

pub(crate) fn good(body: &str) -> String {
    answer("200 OK", "", body)
}

/// Reads every page; the number of objects, or what went wrong.
async fn read_all(server: &Server, cursor: Cursor) -> (usize, Cursor, Option<Error>) {
    let mut poll = server.client().poll(server.place(), Filters::default(), cursor);
    let mut count = 0;
    loop {
        match tokio::time::timeout(Duration::from_secs(60), poll.next_page())
            .await
            .expect("no poll lasts for ever")
        {
            Ok(Some(page)) => count += page.objects.len(),
            Ok(None) => return (count, poll.cursor(), None),
            Err(error) => return (count, poll.cursor(), Some(error)),
        }
    }
}

fn after(added_after: &str) -> Cursor {
    Cursor { added_after: Some(added_after.to_owned()), next: None }
}

#[tokio::test]
async fn api_roots_are_relative_or_absolute_and_never_another_servers() {
    let discovery = r#"{"title":"t","default":"/trust/","api_roots":["/trust/","deep","http://elsewhere.example/x/","https://[bad"]}"#;
    let server = Server::start(move |_, _| good(discovery)).await;
    let client = server.client();
    let found: Vec<String> = client
        .api_roots(&client.discovery().await.unwrap())
        .iter()
        .map(|url| url.path().to_owned())
        .collect();
    assert_eq!(found, ["/trust/", "/taxii2/deep/"]);
    let settings = Settings { origins: vec!["https://elsewhere.example".to_owned()], ..server.settings() };
    let client = Client::new(&settings).unwrap();
    let foreign = Place { root: "http://elsewhere.example/x/".parse().unwrap(), collection: "c".to_owned() };
    let refused = client.collection(&foreign).await.unwrap_err();
    assert!(matches!(refused, Error::Settings(_)), "another scheme is another origin: {refused}");
}

#[tokio::test]
async fn pages_are_followed_by_next_and_by_date() {
    let server = Server::start(|asked, _| match asked {
        "GET /trust/collections/c/objects/?added_after=d0&limit=1000" => answer(
            "200 OK",
            "x-taxii-date-added-last: d2\r\n",
            r#"{"more":true,"next":"n1","objects":[{"a":1},{"a":2}]}"#,
        ),
        // The filter is repeated beside `next`; this page names none, so the next one is asked for by its date.
        "GET /trust/collections/c/objects/?added_after=d0&next=n1&limit=1000" => {
            answer("200 OK", "x-taxii-date-added-last: d3\r\n", r#"{"more":true,"objects":[{"a":3}]}"#)
        }
        "GET /trust/collections/c/objects/?added_after=d3&limit=1000" => {
            answer("200 OK", "x-taxii-date-added-last: d4\r\n", r#"{"objects":[ { "a" : 4.0 } ]}"#)
        }
        "GET /trust/collections/c/objects/?added_after=d4&limit=1000" => good("{}"),
        other => panic!("{other}"),
    })
    .await;
    let (count, cursor, error) = read_all(&server, after("d0")).await;
    assert_eq!((count, error.map(|e| e.to_string())), (4, None));
    assert_eq!(cursor, after("d4"));
    let (count, cursor, _) = read_all(&server, cursor).await;
    assert_eq!((count, cursor), (0, after("d4")), "nothing new, and from the same place the next time");
}

#[tokio::test]
async fn a_poll_that_broke_off_goes_on_from_its_cursor() {
    let broken = Arc::new(Mutex::new(true));
    let switch = Arc::clone(&broken);
    let server = Server::start(move |asked, _| match asked {
        "GET /trust/collections/c/objects/?limit=1000" => {
            good(r#"{"more":true,"next":"n1","objects":[{"a":1}]}"#)
        }
        "GET /trust/collections/c/objects/?next=n1&limit=1000" if *switch.lock().unwrap() => {
            answer("503 Service Unavailable", "retry-after: 7\r\n", r#"{"title":"busy"}"#)
        }
        "GET /trust/collections/c/objects/?next=n1&limit=1000" => good(r#"{"objects":[{"a":2}]}"#),
        other => panic!("{other}"),
    })
    .await;
    let (count, cursor, error) = read_all(&server, Cursor::default()).await;
    assert_eq!(count, 1);
    assert!(
        matches!(error, Some(Error::Busy { status: 503, retry_after: Some(pause), .. }) if pause == Duration::from_secs(7))
    );
    *broken.lock().unwrap() = false;
    let kept: Cursor = serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap();
    assert_eq!(read_all(&server, kept).await.0, 1);
}

#[tokio::test]
async fn a_server_that_keeps_the_place_itself_gives_the_same_next() {
    let turn = Mutex::new(0);
    let server = Server::start(move |_, _| {
        let mut turn = turn.lock().unwrap();
        *turn += 1;
        good(&format!(r#"{{"more":{},"next":"session","objects":[{{"a":{turn}}}]}}"#, *turn < 5))
    })
    .await;
    let (count, _, error) = read_all(&server, Cursor::default()).await;
    assert_eq!((count, error.map(|e| e.to_string())), (5, None));
}

/// A server whose every page of objects is `page` of how many it gave before.
async fn check_circle(page: impl Fn(usize) -> String + Send + Sync + 'static, expected: &str) {
    let turn = Mutex::new(0);
    let server = Server::start(move |_, _| {
        let mut turn = turn.lock().unwrap();
        *turn += 1;
        good(&page(*turn))
    })
    .await;
    let error = read_all(&server, Cursor::default()).await.2.expect(expected);
    assert!(matches!(&error, Error::Answer(why) if why.contains(expected)), "{error}");
    assert!(server.asked().len() < 50, "{}", server.asked().len());
}

#[tokio::test]
async fn a_server_that_leads_in_a_circle_is_left() {
    check_circle(|_| r#"{"more":true,"next":"same","objects":[{"a":1}]}"#.to_owned(), "again").await;
    check_circle(|turn| format!(r#"{{"more":true,"next":"n{turn}","objects":[{{"a":1}}]}}"#), "again").await;
    check_circle(
        |turn| format!(r#"{{"more":true,"next":"n{}","objects":[{{"a":{}}}]}}"#, turn % 3, turn % 3),
        "again",
    )
    .await;
    check_circle(|turn| format!(r#"{{"more":true,"next":"n{turn}"}}"#), "empty pages").await;
    check_circle(|_| r#"{"more":true,"next":"same"}"#.to_owned(), "empty pages").await;
    check_circle(|_| r#"{"more":true,"objects":[{"a":1}]}"#.to_owned(), "neither").await;
}

#[tokio::test]
async fn what_is_no_taxii_is_not_read() {
    for (reply, expected) in [
        ("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>".to_owned(), "text/html"),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}".to_owned(), "`nothing`"),
        (good("[]"), "no TAXII message"),
        (good(r#"{"objects":{}}"#), "no TAXII message"),
        (good(r#"{"more":"yes"}"#), "no TAXII message"),
        (good(r#"{"objects":[{"#), "no TAXII message"),
        ("HTTP/1.1 200 OK\r\ncontent-type: application/taxii+json;version=2.0\r\nconnection: close\r\n\r\n{}".to_owned(), "2.0"),
    ] {
        let shown = reply.clone();
        let server = Server::start(move |_, _| reply.clone()).await;
        let error = read_all(&server, Cursor::default()).await.2.unwrap();
        assert!(matches!(&error, Error::Answer(why) if why.contains(expected)), "{shown}: {error}");
        assert!(!error.is_passing());
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut() {
    let body = format!(r#"{{"objects":[{{"a":"{}"}}]}}"#, "x".repeat(100_000));
    let server = Server::start(move |_, _| good(&body)).await;
    let client = Client::new(&Settings { answer_bytes_max: 10_000, ..server.settings() }).unwrap();
    let error = client.objects(&server.place(), &Filters::default(), &Cursor::default()).await.unwrap_err();
    assert!(matches!(&error, Error::Answer(why) if why.contains("larger than 10000 bytes")), "{error}");
}

#[tokio::test]
async fn redirects_stay_on_the_server_and_carry_nothing_elsewhere() {
    let stranger = Server::start(|_, _| good("{}")).await;
    let elsewhere = format!("{}/trust/collections/c/objects/", stranger.address);
    let server = Server::start(move |asked, headers| {
        assert!(headers.contains("authorization: bearer secret"));
        match asked {
            "GET /trust/collections/c/objects/" => {
                answer("307 Temporary Redirect", "location: /moved/\r\n", "")
            }
            "GET /moved/" => good(r#"{"objects":[{"a":1}]}"#),
            "GET /trust/collections/c/" => answer("302 Found", &format!("location: {elsewhere}\r\n"), ""),
            "POST /trust/collections/c/objects/" => {
                answer("301 Moved Permanently", "location: /moved/\r\n", "")
            }
            _ => answer("302 Found", "location: /round/\r\n", ""),
        }
    })
    .await;
    let settings = Settings { credentials: Credentials::Bearer("secret".to_owned()), ..server.settings() };
    let client = Client::new(&settings).unwrap();
    let page = client.objects(&server.place(), &Filters::default(), &Cursor::default()).await.unwrap();
    assert_eq!(page.objects.len(), 1);
    for error in [
        client.collection(&server.place()).await.map(drop).unwrap_err(),
        client.add(&server.place(), &["{}"]).await.map(drop).unwrap_err(),
        client.discovery().await.map(drop).unwrap_err(),
    ] {
        assert!(matches!(&error, Error::Answer(why) if why.contains("points to")), "{error}");
    }
    assert!(stranger.asked().is_empty(), "{:?}", stranger.asked());
    assert!(server.asked().len() < 12);
}

#[tokio::test]
async fn errors_say_whose_fault_it_is() {
    let check = async |status: &'static str, body: &'static str, passing: bool, expected: &str| {
        let server = Server::start(move |_, _| answer(status, "", body)).await;
        let error = server.client().discovery().await.unwrap_err();
        assert_eq!((error.is_passing(), error.to_string().as_str()), (passing, expected));
    };
    let told = r#"{"title":"No","description":"not\u0000 for\nyou"}"#;
    check("401 Unauthorized", told, false, "the TAXII server refuses (HTTP 401): No: not  for you").await;
    check("404 Not Found", "", false, "the TAXII server refuses (HTTP 404): Not Found").await;
    check(
        "413 Content Too Large",
        "<html>",
        false,
        "the TAXII server cannot take this (HTTP 413): Payload Too Large",
    )
    .await;
    check(
        "429 Too Many Requests",
        "{}",
        true,
        "the TAXII server is busy or failed (HTTP 429): Too Many Requests",
    )
    .await;
    check(
        "500 Internal Server Error",
        "",
        true,
        "the TAXII server is busy or failed (HTTP 500): Internal Server Error",
    )
    .await;
    let nobody = Client::new(&Settings::new("http://127.0.0.1:1/taxii2/")).unwrap();
    assert!(matches!(nobody.discovery().await, Err(Error::Unreachable(_))));
}

#[tokio::test]
async fn a_push_is_followed_until_it_is_settled() {
    let turns = Mutex::new(0);
    let status = |state: &str, done: u64| {
        format!(
            r#"{{"id":"s1","status":"{state}","total_count":2,"success_count":{done},"failure_count":0,"pending_count":{}}}"#,
            2 - done
        )
    };
    let server = Server::start(move |asked, headers| match asked {
        "POST /trust/collections/c/objects/" => {
            assert!(headers.contains("content-type: application/taxii+json;version=2.1"));
            assert!(headers.contains("accept: application/taxii+json;version=2.1"));
            assert!(headers.contains("user-agent: yagura/") && headers.contains("authorization: basic dtpw"));
            answer("202 Accepted", "", &status("pending", 0))
        }
        "GET /trust/status/s1/" => {
            let mut turns = turns.lock().unwrap();
            *turns += 1;
            match *turns {
                1 => answer("429 Too Many Requests", "retry-after: 0\r\n", "{}"),
                2 => good(&status("pending", 1)),
                _ => good(&status("complete", 2)),
            }
        }
        other => panic!("{other}"),
    })
    .await;
    let credentials = Credentials::Basic { user: "u".to_owned(), password: "p".to_owned() };
    let client = Client::new(&Settings { credentials, ..server.settings() }).unwrap();
    let place = server.place();
    let begun = client.add(&place, &[r#"{"id":"a"}"#, r#"{"id":"b"}"#]).await.unwrap();
    assert_eq!(begun.status, StatusState::Pending);
    let patient = client.settled(&place.root, begun.clone(), Duration::from_secs(30)).await.unwrap();
    assert_eq!((patient.status, patient.success_count), (StatusState::Complete, 2));
    let impatient = client.settled(&place.root, begun, Duration::ZERO).await.unwrap();
    assert_eq!(impatient.status, StatusState::Pending, "who has no patience learns where it stands");
}

#[tokio::test]
async fn names_of_strangers_are_one_segment_of_a_path() {
    let server = Server::start(|_, _| good("{}")).await;
    let place = Place { collection: "../../admin?x=".to_owned(), ..server.place() };
    let _ = server.client().objects(&place, &Filters::default(), &Cursor::default()).await;
    let matches = BTreeMap::from([("type", "indicator,malware".to_owned())]);
    let filters = Filters { limit: NonZeroU32::new(5), matches };
    let _ = server.client().manifest(&server.place(), &filters, &after("2026-01-01T00:00:00.000000Z")).await;
    let _ = server.client().delete(&server.place(), "a/b", Some("2026-01-01T00:00:00Z")).await;
    let _ = server.client().versions(&server.place(), "a", Some("n")).await;
    assert_eq!(
        server.asked(),
        [
            "GET /trust/collections/..%2F..%2Fadmin%3Fx=/objects/",
            "GET /trust/collections/c/manifest/?added_after=2026-01-01T00%3A00%3A00.000000Z&limit=5&match%5Btype%5D=indicator%2Cmalware",
            "DELETE /trust/collections/c/objects/a%2Fb/?match%5Bversion%5D=2026-01-01T00%3A00%3A00Z",
            "GET /trust/collections/c/objects/a/versions/?next=n",
        ]
    );
}

/// An authority, and a certificate with its key that it has signed for `name`.
struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap();
        Self { certificate, issuer: rcgen::Issuer::new(parameters, key) }
    }

    fn sign(&self, name: &str, from_year: i32) -> (rcgen::Certificate, rcgen::KeyPair) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(from_year, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(from_year + 10, 1, 1);
        (parameters.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn server(
        &self,
        name: &str,
        from_year: i32,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ServerConfig {
        let (certificate, key) = self.sign(name, from_year);
        let chain = vec![certificate.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.certificate.der().to_vec())).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
        ServerConfig::builder_with_protocol_versions(versions)
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .unwrap()
    }
}

#[tokio::test]
async fn mutual_tls_and_certificates_that_prove_nothing() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (ours, other) = (Authority::new(), Authority::new());
    let (certificate, key) = ours.sign("client", 2020);
    let identity = format!("{}{}", certificate.pem(), key.serialize_pem()).into_bytes();
    let discovery = r#"{"title":"t"}"#;
    let root = |authority: &Authority| Some(authority.certificate.pem().into_bytes());
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13][..]] {
        let server =
            Server::start_with(Some(ours.server("localhost", 2020, versions)), move |_, _| good(discovery))
                .await;
        let settings =
            Settings { root_certificate: root(&ours), identity: Some(identity.clone()), ..server.settings() };
        assert_eq!(Client::new(&settings).unwrap().discovery().await.unwrap().title, "t", "{versions:?}");
        let unknown = Settings { root_certificate: root(&other), ..settings.clone() };
        let error = Client::new(&unknown).unwrap().discovery().await.unwrap_err();
        assert!(matches!(&error, Error::Certificate(_)) && !error.is_passing(), "{error}");
        assert!(error.to_string().contains("give the certificate of its authority"), "{error}");
        let nameless = Settings { identity: None, ..settings };
        assert!(
            Client::new(&nameless).unwrap().discovery().await.is_err(),
            "the server wants to know who we are"
        );
    }
    for (name, from_year) in [("elsewhere.example", 2020), ("localhost", 2000)] {
        let config = ours.server(name, from_year, rustls::ALL_VERSIONS);
        let server = Server::start_with(Some(config), move |_, _| good(discovery)).await;
        let settings =
            Settings { root_certificate: root(&ours), identity: Some(identity.clone()), ..server.settings() };
        let error = Client::new(&settings).unwrap().discovery().await.unwrap_err();
        assert!(matches!(&error, Error::Certificate(_)), "{name} from {from_year}: {error}");
    }
    let wrong = Settings { identity: Some(b"no key".to_vec()), ..Settings::new("https://localhost/") };
    assert!(matches!(Client::new(&wrong), Err(Error::Settings(_))));
}
