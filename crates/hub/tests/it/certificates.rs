//! The node's own certificate authority, over real handshakes: who shows which certificate is let in, and until when.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use api::client::{Client, Identity, Settings};
use api::{NewCertificate, NewEdge, NewToken};
use hub::administration::{self, By};
use hub::ca::{self, Issued};
use hub::{ClientAuthority, ClientCertificates, Hub, HubConfig, RunningHub};
use oversight::{Action, Realm};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use store::Place;
use store::audit::AuditFilter;
use tempfile::TempDir;

use crate::database::Server;

/// What an edge asks first.
const INTELLIGENCE: &str = "/edge/v1/intelligence?after=0&wait=0";
/// What everybody may ask.
const HEALTH: &str = "/healthz";

/// A hub with its authority, and two edges with their tokens.
struct Node {
    running: RunningHub,
    folder: TempDir,
    edges: [String; 2],
    first: String,
}

fn by() -> By {
    By::node(Realm::Live)
}

fn config(folder: &Path, place: Option<&Place>, clients: Option<ClientCertificates>) -> HubConfig {
    let mut config = HubConfig::new(folder, SocketAddr::from(([127, 0, 0, 1], 0)));
    config.tls_on_loopback = true;
    config.store = place.cloned();
    config.clients = clients;
    config
}

fn own(demanded: bool) -> ClientCertificates {
    ClientCertificates { authority: ClientAuthority::Own, demanded }
}

impl Node {
    /// Two starts: the authority is made in a folder that is there.
    async fn start(place: Option<&Place>, clients: ClientCertificates) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let begun = Hub::start(config(folder.path(), place, None)).await.unwrap();
        let first = begun.first_start.as_ref().unwrap().token.clone();
        ca::init(begun.store(), folder.path(), by(), 10).await.unwrap();
        let mut edges = Vec::new();
        for id in ["power-1", "power-2"] {
            let new =
                NewEdge { id: id.to_owned(), organisation: "coordinator".to_owned(), name: id.to_owned() };
            edges.push(administration::add_edge(begun.store(), by(), &new).await.unwrap().1);
        }
        begun.stop().await;
        let running = Hub::start(config(folder.path(), place, Some(clients))).await.unwrap();
        Self { running, folder, edges: edges.try_into().unwrap(), first }
    }

    async fn issue(&self, holder: &str, subject: &str) -> Issued {
        let new = NewCertificate {
            holder: holder.to_owned(),
            subject: vec![subject.to_owned()],
            days: None,
            request: None,
        };
        ca::issue(self.running.store(), self.folder.path(), by(), &new).await.unwrap()
    }

    fn client(&self, shown: Option<(&str, &str)>) -> reqwest::Client {
        client(&self.root(), shown)
    }

    fn root(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("tls.crt")).unwrap()
    }

    /// The status, or `None` where the handshake came to nothing.
    async fn ask(&self, client: &reqwest::Client, path: &str, token: &str) -> Option<u16> {
        ask(client, &format!("https://localhost:{}{path}", self.running.listen.port()), token).await
    }
}

fn client(root: &[u8], shown: Option<(&str, &str)>) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(root).unwrap();
    let mut client = reqwest::Client::builder().no_proxy().tls_certs_only([root]);
    if let Some((certificate, key)) = shown {
        let pem = format!("{certificate}{key}");
        client = client.identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap());
    }
    client.build().unwrap()
}

async fn ask(client: &reqwest::Client, address: &str, token: &str) -> Option<u16> {
    let reply = client.get(address).bearer_auth(token).send().await;
    reply.ok().map(|reply| reply.status().as_u16())
}

fn pair(issued: &Issued) -> (&str, &str) {
    (&issued.certificate, issued.key.as_deref().unwrap())
}

/// An authority that the hub knows nothing of.
struct Strange {
    key: KeyPair,
    parameters: CertificateParams,
    pem: String,
}

impl Strange {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { key, parameters, pem }
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.parameters, &self.key)
    }

    /// A certificate for showing to hubs, good until so many hours from now, and its key.
    fn issue(&self, serial: u64, hours: i64) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec!["power-1".to_owned()]).unwrap();
        parameters.serial_number = Some(serial.into());
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let end = jiff::Timestamp::now().as_second() + hours * 3600;
        let since_1970 = Duration::from_secs(u64::try_from(end).unwrap());
        parameters.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_1970;
        let made = parameters.signed_by(&key, &self.issuer()).unwrap();
        (made.pem(), key.serialize_pem())
    }

    /// The list of what it has revoked, which says that another one comes within an hour.
    fn revoke(&self, serials: &[u64]) -> String {
        let now = jiff::Timestamp::now().as_second();
        let at = |seconds: i64| {
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).unwrap())
        };
        let revoked = |serial: &u64| rcgen::RevokedCertParams {
            serial_number: (*serial).into(),
            revocation_time: at(now - 60),
            reason_code: None,
            invalidity_date: None,
        };
        let list = rcgen::CertificateRevocationListParams {
            this_update: at(now - 60),
            next_update: at(now + 3600),
            crl_number: u64::try_from(now).unwrap().into(),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer()).unwrap().pem().unwrap()
    }
}

/// Asks again until the answer is the expected one; how long that took.
async fn eventually<F: Future<Output = Option<u16>>>(expected: Option<u16>, ask: impl Fn() -> F) -> Duration {
    const PATIENCE: Duration = Duration::from_secs(30);
    let begun = Instant::now();
    loop {
        let found = ask().await;
        let took = begun.elapsed();
        if found == expected {
            return took;
        }
        assert!(took < PATIENCE, "{found:?} after {took:?}, not {expected:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn tokens_are_bound(place: Option<&Place>) {
    let node = Node::start(place, own(false)).await;
    let [one, two] = &node.edges;
    let bare = node.client(None);
    assert_eq!(node.ask(&bare, INTELLIGENCE, one).await, Some(200), "nothing was issued to it yet");
    let (mine, theirs) = (node.issue("edge", "power-1").await, node.issue("edge", "power-2").await);
    let (self_made, strange) = (self_made(), Strange::new("other").issue(1, 24));
    let hub = node.issue("hub", "localhost").await;
    settle(&node, &theirs, two).await;
    for (shown, token, expected, why) in [
        (Some(pair(&mine)), one, Some(200), "its own"),
        (Some(pair(&theirs)), two, Some(200), "the other one's own"),
        (Some(pair(&theirs)), one, Some(401), "another node's certificate"),
        (Some(pair(&mine)), two, Some(401), "another node's certificate, the other way round"),
        (None, one, Some(401), "none is shown"),
        (Some((&self_made.0, &self_made.1)), one, None, "self-made"),
        (Some((&strange.0, &strange.1)), one, None, "another authority's"),
        (Some(pair(&hub)), one, None, "a hub's own is not for clients"),
    ] {
        // Twice: the second connection of a client takes the session up again.
        let client = node.client(shown);
        for _ in 0..2 {
            assert_eq!(node.ask(&client, INTELLIGENCE, token).await, expected, "{why}");
        }
    }
    // Whoever signs in by nothing that is bound may come without, and a certificate alone opens nothing.
    assert_eq!(node.ask(&bare, "/api/v1/board", &node.first).await, Some(200));
    assert_eq!(node.ask(&node.client(Some(pair(&mine))), "/api/v1/board", "").await, Some(401));
    node.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edges_token_is_good_with_a_certificate_of_its_own_only() {
    tokens_are_bound(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edges_token_is_bound_on_postgresql_too() {
    let Some(server) = Server::start() else { return };
    tokens_are_bound(Some(&Place::parse(&server.address()))).await;
}

/// Waits until the listener knows of what was issued last.
async fn settle(node: &Node, issued: &Issued, token: &str) {
    eventually(Some(200), || async {
        let client = node.client(Some(pair(issued)));
        node.ask(&client, INTELLIGENCE, token).await
    })
    .await;
}

fn self_made() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec!["power-1".to_owned()]).unwrap();
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

async fn revocation_is_quick(place: Option<&Place>) {
    let node = Node::start(place, own(false)).await;
    let [one, _] = &node.edges;
    let issued = node.issue("edge", "power-1").await;
    let open = node.client(Some(pair(&issued)));
    eventually(Some(200), || node.ask(&open, INTELLIGENCE, one)).await;
    let serial = issued.info.serial.clone();
    ca::revoke(node.running.store(), by(), &serial, "the machine was stolen").await.unwrap();
    // The connection is open still, and its next request is refused, whatever it asks for within the second.
    assert_eq!(node.ask(&open, INTELLIGENCE, one).await, Some(401));
    let address = format!("https://localhost:{}{HEALTH}", node_port(&node));
    let took = eventually(None, || async {
        let fresh = node.client(Some(pair(&issued)));
        ask(&fresh, &address, "").await
    })
    .await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(ca::revoke(node.running.store(), by(), &serial, "again").await.is_err());
    let told = ca::list(node.running.store(), &by()).await.unwrap();
    assert_eq!(
        (told.certificates[0].state.as_str(), told.certificates[0].reason.is_some()),
        ("revoked", true)
    );
    // Who was bound once is not let in without: a revocation does not loosen anything.
    assert_eq!(node.ask(&node.client(None), INTELLIGENCE, one).await, Some(401));
    let another = node.issue("edge", "power-1").await;
    let client = node.client(Some(pair(&another)));
    eventually(Some(200), || node.ask(&client, INTELLIGENCE, one)).await;
    node.running.stop().await;
}

fn node_port(node: &Node) -> u16 {
    node.running.listen.port()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_is_refused_on_open_connections_and_new_ones_within_a_second() {
    revocation_is_quick(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_is_refused_on_postgresql_too() {
    let Some(server) = Server::start() else { return };
    revocation_is_quick(Some(&Place::parse(&server.address()))).await;
}

/// An edge goes on while one root takes another one's place: no request of it fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_goes_on_while_the_root_changes() {
    let node = Node::start(None, own(true)).await;
    let (store, folder) = (node.running.store(), node.folder.path());
    let files = Identity { certificate: folder.join("edge.crt"), key: folder.join("edge.key") };
    let write = |issued: &Issued| {
        std::fs::write(&files.certificate, &issued.certificate).unwrap();
        std::fs::write(&files.key, issued.key.as_ref().unwrap()).unwrap();
    };
    let first = node.issue("edge", "power-1").await;
    write(&first);
    let settings = Settings {
        address: format!("https://localhost:{}", node_port(&node)),
        token: Some(node.edges[0].clone()),
        root_certificate: Some(node.root()),
        identity: Some(files.clone()),
    };
    let edge = Client::new(&settings).unwrap();
    // The listener learns of a first certificate within a second.
    let first_client = node.client(Some(pair(&first)));
    eventually(Some(200), || node.ask(&first_client, INTELLIGENCE, &node.edges[0])).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let going_on = tokio::spawn(async move {
        let mut stopped = stopped;
        let mut asked = 0_u32;
        while stopped.try_recv().is_err() {
            edge.intelligence(0, 0).await.unwrap();
            asked += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        asked
    });
    assert!(ca::finish(store, by(), false).await.is_err(), "nothing is under way");
    let newer = ca::rotate(store, folder, by(), 10).await.unwrap();
    assert!(ca::rotate(store, folder, by(), 10).await.is_err(), "one change at a time");
    let second = node.issue("edge", "power-1").await;
    assert_eq!(second.info.root, newer.id);
    let why = ca::finish(store, by(), false).await.unwrap_err().to_string();
    assert!(why.contains("1 certificates are still under the older root"), "{why}");
    // The hub takes the newer root up before anybody shows what is under it.
    let second_client = node.client(Some(pair(&second)));
    eventually(Some(200), || node.ask(&second_client, INTELLIGENCE, &node.edges[0])).await;
    assert_eq!(node.ask(&first_client, INTELLIGENCE, &node.edges[0]).await, Some(200), "both are trusted");
    write(&second);
    tokio::time::sleep(Duration::from_millis(300)).await;
    ca::revoke(store, by(), &first.info.serial, "replaced").await.unwrap();
    ca::finish(store, by(), false).await.unwrap();
    eventually(None, || async {
        let client = node.client(Some(pair(&first)));
        node.ask(&client, HEALTH, "").await
    })
    .await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.send(()).unwrap();
    assert!(going_on.await.unwrap() > 20, "it went on all the while");
    assert_eq!(node.ask(&second_client, INTELLIGENCE, &node.edges[0]).await, Some(200));
    let steps = audited(&node, Action::CertificateAuthorityChanged).await;
    assert_eq!(steps, 3, "made, rotated, retired");
    assert_eq!(audited(&node, Action::CertificateIssued).await, 2);
    assert_eq!(audited(&node, Action::CertificateRevoked).await, 1);
    node.running.stop().await;
}

async fn audited(node: &Node, action: Action) -> usize {
    let filter = AuditFilter { action: Some(action.name().to_owned()), limit: 100, ..AuditFilter::default() };
    let rows = node.running.store().read(move |reader| store::audit::list(reader, &Realm::Live, &filter));
    rows.await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_certificates_are_demanded_nobody_comes_without() {
    let node = Node::start(None, own(true)).await;
    assert_eq!(node.ask(&node.client(None), HEALTH, "").await, None);
    let program = NewToken {
        organisation: "coordinator".to_owned(),
        roles: vec!["analyst".to_owned()],
        name: "siem".to_owned(),
        expires: None,
        doors: Vec::new(),
        certificate: None,
    };
    let store = node.running.store();
    let (token, secret) =
        administration::add_token(store, by(), &program, jiff::Timestamp::now()).await.unwrap();
    let (mine, other) = (node.issue("token", &token.id).await, node.issue("edge", "power-1").await);
    let client = node.client(Some(pair(&mine)));
    eventually(Some(200), || node.ask(&client, "/api/v1/board", &secret)).await;
    let client = node.client(Some(pair(&other)));
    assert_eq!(
        node.ask(&client, "/api/v1/board", &secret).await,
        Some(401),
        "a program's token is bound as well"
    );
    node.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roots_and_lists_of_another_authority_are_taken_up_while_serving() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let (agency, other) = (Strange::new("agency"), Strange::new("other"));
    std::fs::write(path("roots.pem"), &agency.pem).unwrap();
    std::fs::write(path("lists.pem"), agency.revoke(&[2])).unwrap();
    let authority = ClientAuthority::Files { roots: path("roots.pem"), revoked: Some(path("lists.pem")) };
    let clients = ClientCertificates { authority, demanded: true };
    let running = Hub::start(config(folder.path(), None, Some(clients))).await.unwrap();
    let address = format!("https://localhost:{}{HEALTH}", running.listen.port());
    let root = std::fs::read(path("tls.crt")).unwrap();
    let good = agency.issue(1, 24);
    let open = client(&root, Some((&good.0, &good.1)));
    assert_eq!(ask(&open, &address, "").await, Some(200));
    for (shown, why) in [
        (Some(agency.issue(2, 24)), "revoked"),
        (Some(agency.issue(3, -1)), "expired"),
        (Some(other.issue(4, 24)), "another authority's"),
        (None, "missing"),
    ] {
        let shown = shown.as_ref().map(|(certificate, key)| (certificate.as_str(), key.as_str()));
        assert_eq!(ask(&client(&root, shown), &address, "").await, None, "{why}");
    }
    // A newer list: the connection that is open is refused within a second, and so are new ones.
    std::fs::write(path("lists.pem"), agency.revoke(&[1, 2])).unwrap();
    eventually(Some(401), || ask(&open, &address, "")).await;
    assert_eq!(ask(&client(&root, Some((&good.0, &good.1))), &address, "").await, None);
    // What cannot be used changes nothing.
    let fresh = agency.issue(5, 24);
    std::fs::write(path("roots.pem"), "no certificate").unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(ask(&client(&root, Some((&fresh.0, &fresh.1))), &address, "").await, Some(200));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hubs_own_certificate_is_replaced_while_it_serves() {
    let node = Node::start(None, own(false)).await;
    let roots = ca::list(node.running.store(), &by()).await.unwrap().roots;
    let issued = node.issue("hub", "localhost").await;
    let root = client(roots[0].certificate.as_bytes(), None);
    assert_eq!(node.ask(&root, HEALTH, "").await, None, "the self-made one is another one's");
    std::fs::write(node.folder.path().join("tls.key"), issued.key.as_ref().unwrap()).unwrap();
    std::fs::write(node.folder.path().join("tls.crt"), &issued.certificate).unwrap();
    eventually(Some(200), || node.ask(&root, HEALTH, "")).await;
    node.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_issued_is_refused_with_a_reason() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let error = Hub::start(config(folder.path(), None, Some(own(false)))).await.map(|_| ()).unwrap_err();
    assert!(error.message.contains("yagura admin ca init"), "{error}");
    let node = Node::start(None, own(false)).await;
    let (store, folder) = (node.running.store(), node.folder.path());
    assert!(ca::init(store, folder, by(), 10).await.is_err(), "there is one");
    let new = NewCertificate {
        holder: "edge".to_owned(),
        subject: vec!["power-1".to_owned()],
        days: None,
        request: None,
    };
    let rsa = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n";
    for (wrong, why) in [
        (NewCertificate { holder: "person".to_owned(), ..new.clone() }, "holder: `person`"),
        (NewCertificate { subject: vec!["power-9".to_owned()], ..new.clone() }, "power-9"),
        (NewCertificate { subject: Vec::new(), ..new.clone() }, "subject: name whom"),
        (NewCertificate { days: Some(826), ..new.clone() }, "days: from 1 to 825"),
        (NewCertificate { request: Some(rsa.to_owned()), ..new.clone() }, "request: no certificate"),
        (NewCertificate { holder: "token".to_owned(), ..new.clone() }, "power-1"),
    ] {
        let error = ca::issue(store, folder, by(), &wrong).await.map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    // Whoever keeps the key asks with a request; the names in it do not count.
    let key = KeyPair::generate().unwrap();
    let request =
        CertificateParams::new(vec!["power-2".to_owned()]).unwrap().serialize_request(&key).unwrap();
    let asked = NewCertificate { request: Some(request.pem().unwrap()), ..new.clone() };
    let issued = ca::issue(store, folder, by(), &asked).await.unwrap();
    assert!(issued.key.is_none() && issued.info.subject == "power-1");
    let client = node.client(Some((&issued.certificate, &key.serialize_pem())));
    eventually(Some(200), || node.ask(&client, INTELLIGENCE, &node.edges[0])).await;
    assert_eq!(node.ask(&client, INTELLIGENCE, &node.edges[1]).await, Some(200), "that one is not bound");
    // One holder has few at once, so that none is forgotten.
    for _ in 0..3 {
        ca::issue(store, folder, by(), &new).await.unwrap();
    }
    let error = ca::issue(store, folder, by(), &new).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("one holder"), "{error}");
    // An edge that is removed and added again begins without.
    administration::remove_edge(store, by(), "power-1").await.unwrap();
    let again = NewEdge {
        id: "power-1".to_owned(),
        organisation: "coordinator".to_owned(),
        name: "power-1".to_owned(),
    };
    let (_, token) = administration::add_edge(store, by(), &again).await.unwrap();
    assert_eq!(node.ask(&node.client(None), INTELLIGENCE, &token).await, Some(200));
    node.running.stop().await;
}
