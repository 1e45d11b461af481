//! A peer that cheats: everything that a hub with a certificate and a card of its own could try.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oversight::{Action, OrganisationRole};
use reqwest::Method;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{AlertDescription, ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stix::marking::Tlp;

use crate::support::{TestHub, V1, V2, id_of, indicator, indicator_with, marked};

/// A hub that a test plays.
pub struct Cheat {
    pub hub: String,
    pub card: String,
    pub signer: tlog::SigningKey,
    /// What it listens with, where it does.
    pub server: Arc<ServerConfig>,
    tls: ClientConfig,
    http: reqwest::Client,
    address: String,
}

/// Takes whatever certificate the hub shows: the cheat does not care.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn tls(identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(Anyone));
    match identity {
        Some((certificate, key)) => config.with_client_auth_cert(vec![certificate], key).unwrap(),
        None => config.with_no_client_auth(),
    }
}

fn server(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

fn client(tls: ClientConfig) -> reqwest::Client {
    reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap()
}

impl Cheat {
    /// A hub with a key and a certificate, which nobody knows yet.
    pub fn new(seed: u8, hub: &TestHub) -> Self {
        let made = rcgen::generate_simple_self_signed(["cheat.invalid".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let certificate = made.cert.der().clone();
        let signer = tlog::SigningKey::from_seed("cheat.invalid/log", [seed; 32]).unwrap();
        let public = signer.verifying_key();
        let mut id = hex::encode(
            Sha256::new().chain_update(b"yagura hub\n").chain_update(public.to_bytes()).finalize(),
        );
        id.truncate(32);
        let body = json!({
            "hub": id, "name_ja": "cheat", "name_en": "Cheat", "one_way": false, "certificate": STANDARD.encode(&certificate),
            "key": public.encode(), "issued": "2026-01-01T00:00:00Z",
        });
        let card = signer.sign_statement("peer-card/v1", &body.to_string());
        let address = hub.running.federation.as_ref().unwrap().to_string();
        let server = server(certificate.clone(), key.clone_key());
        let tls = tls(Some((certificate, key)));
        Self { hub: id, card, signer, server, http: client(tls.clone()), tls, address }
    }

    /// A peer that is known.
    pub async fn known(seed: u8, hub: &TestHub) -> Self {
        Self::known_as(seed, hub, ("abroad", OrganisationRole::Partner)).await
    }

    /// The same, bound to an organisation.
    pub async fn known_as(seed: u8, hub: &TestHub, (organisation, role): (&str, OrganisationRole)) -> Self {
        let cheat = Self::new(seed, hub);
        hub.organisation(organisation, role).await;
        let body = json!({ "card": cheat.card, "organisation": organisation }).to_string();
        let ask = hub.ask(Method::POST, "/api/v1/peers").header("content-type", "application/json");
        let reply = ask.header("accept", "*/*").body(body).send().await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        cheat
    }

    pub fn hello(&self, from: i64) -> Value {
        json!({ "sequence": 0, "hello": { "hub": self.hub, "version": 1, "from": from, "sight": 0, "now": "2026-01-01T00:00:00Z" } })
    }

    pub fn object(&self, sequence: i64, object: &Value) -> Value {
        let envelope = json!({ "origin": self.hub, "organisation": "Cheat", "hops": [self.hub] });
        json!({ "sequence": sequence, "envelope": envelope, "object": object })
    }

    /// Sends frames; status and text of the answer.
    pub async fn send(&self, frames: &[Value]) -> (u16, String) {
        let body: String = frames.iter().map(|frame| format!("{frame}\n")).collect();
        self.send_raw(body.into_bytes()).await
    }

    /// What the hub answers when it is asked for something on the peers' port.
    pub async fn asks(&self, path: &str) -> (u16, Vec<u8>) {
        let answer = self.http.get(format!("{}{path}", self.address)).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap().to_vec())
    }

    /// What the hub gives from the beginning on, up to the frame that names an object.
    pub async fn given_until(&self, id: &str) -> String {
        let url = format!("{}peer/v1/stream?after=0&sight=0", self.address);
        let mut response = self.http.get(url).send().await.unwrap();
        let mut text = String::new();
        while !text.contains(id) {
            let part = tokio::time::timeout(std::time::Duration::from_secs(30), response.chunk()).await;
            text.push_str(&String::from_utf8_lossy(&part.expect("the stream fell silent").unwrap().unwrap()));
        }
        text
    }

    /// Everything that a peer is given which begins: the frames, one a line.
    pub async fn everything(&self) -> String {
        let url = format!("{}peer/v1/stream?after=0&sight=0", self.address);
        let mut response = self.http.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\"end\":true}\n") {
            bytes.extend_from_slice(&response.chunk().await.unwrap().expect("the stream goes on"));
        }
        String::from_utf8(bytes).unwrap()
    }

    /// The alert with which the hub ends a connection of this one's.
    pub async fn turned_away(&self) -> AlertDescription {
        alert(&self.address, self.tls.clone()).await
    }

    async fn send_raw(&self, body: Vec<u8>) -> (u16, String) {
        let sent = self.http.post(format!("{}peer/v1/frames", self.address)).body(body).send().await.unwrap();
        (sent.status().as_u16(), sent.text().await.unwrap())
    }
}

pub async fn hub() -> TestHub {
    TestHub::start_with(|config| config.federation.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)))).await
}

async fn peer(hub: &TestHub) -> Value {
    hub.get("/api/v1/peers/abroad").header("accept", "*/*").send().await.json()
}

/// The alert with which the peers' port ends a handshake. Read from the connection itself: in TLS 1.3 the client learns of it
/// after its own part is done, and an HTTP client may by then tell of the broken connection only.
async fn alert(address: &str, tls: ClientConfig) -> AlertDescription {
    let port = reqwest::Url::parse(address).unwrap().port().unwrap();
    let read = move || {
        let name = ServerName::try_from("cheat.invalid").unwrap();
        let connection = rustls::ClientConnection::new(Arc::new(tls), name).unwrap();
        let socket = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, socket);
        let ended = std::io::Read::read(&mut stream, &mut [0; 1]).unwrap_err();
        match ended.get_ref().and_then(|cause| cause.downcast_ref()) {
            Some(rustls::Error::AlertReceived(alert)) => *alert,
            other => panic!("no alert but {other:?}: {ended}"),
        }
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_no_peer_does_not_get_through_the_handshake() {
    let hub = hub().await;
    let stranger = Cheat::new(1, &hub);
    assert_eq!(alert(&stranger.address, stranger.tls).await, AlertDescription::AccessDenied);
    assert_eq!(alert(&stranger.address, tls(None)).await, AlertDescription::CertificateRequired);
    let url = format!("{}peer/v1/place", stranger.address);
    assert!(
        reqwest::get(url.replace("https", "http")).await.is_err(),
        "no plain HTTP is spoken on this port"
    );
    let told = hub.get("/api/v1/peers").header("accept", "*/*").send().await.json();
    assert_eq!(told["strangers"][0]["times"], 1, "{told}");
    // Nothing of the peers' door is on the other one, and nothing of that one on the peers'.
    for path in ["/peer/v1/place", "/peer/v1/stream?after=0&sight=0"] {
        let reply = hub.get(path).header("accept", "*/*").send().await;
        assert!(
            reply.status == 404 || reply.header("content-type").contains("text/html"),
            "{path}: {}",
            reply.status
        );
    }
    let known = Cheat::known(2, &hub).await;
    let other = known.http.get(format!("{}api/v1/node", known.address)).send().await.unwrap();
    assert_eq!(other.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_card_is_of_no_use() {
    let hub = hub().await;
    let known = Cheat::known(3, &hub).await;
    // The same key and id, another certificate: only the card's own is let in.
    let thief = Cheat::new(3, &hub);
    assert_eq!(thief.hub, known.hub);
    assert!(thief.http.get(format!("{}peer/v1/place", thief.address)).send().await.is_err());
    assert_eq!(known.send(&[known.hello(0)]).await.0, 200);
}

/// A recall of the cheat's, with something else in it.
fn act(cheat: &Cheat, change: &Value) -> Value {
    let mut act = json!({
        "id": uuid::Uuid::new_v4(), "kind": "recall", "object": id_of(&indicator(V1)), "reason": "r", "name": "n",
        "at": "2026-01-01T00:00:00Z", "deadline": "2026-01-02T00:00:00Z", "hops": [cheat.hub],
    });
    act.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    json!({ "sequence": 0, "act": act })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peers_recall_takes_back_what_it_brought_and_is_done_once() {
    let hub = hub().await;
    let cheat = Cheat::known(9, &hub).await;
    hub.organisation("operator-1", OrganisationRole::Operator).await;
    let reader = hub.token("operator-1", &[oversight::PersonRole::Analyst]).await;
    let object = marked(indicator(V1), Tlp::Clear);
    assert_eq!(cheat.send(&[cheat.hello(0), cheat.object(1, &object)]).await.0, 200);
    let path = hub.within(&format!("objects/{}/", id_of(&object)));
    assert_eq!(hub.get(&path).bearer(&reader).send().await.status, 200);
    let recall = act(&cheat, &json!({ "object": object["id"] }));
    for _ in 0..2 {
        let (status, text) = cheat.send(&[cheat.hello(1), recall.clone()]).await;
        assert_eq!(status, 200, "{text}");
    }
    assert_eq!(hub.get(&path).bearer(&reader).send().await.status, 404);
    let list = hub.get("/api/v1/recalls").header("accept", "*/*").send().await.json();
    let recalls = list["recalls"].as_array().unwrap();
    assert_eq!((recalls.len(), &recalls[0]["id"]), (1, &recall["act"]["id"]), "{list}");
    assert_eq!(
        (&recalls[0]["originator"], &recalls[0]["holders"][0]["organisation"]),
        (&json!("abroad"), &json!("operator-1"))
    );
    // How far it has come is told to who asks, as numbers.
    let ask = |id: &Value| {
        let request = cheat.http.post(format!("{}peer/v1/receipts/asked", cheat.address));
        request.json(&json!({ "ids": [id] })).send()
    };
    let told: Value = ask(&recall["act"]["id"]).await.unwrap().json().await.unwrap();
    let receipt = json!({ "id": recall["act"]["id"], "holders": 1, "acknowledged": 0, "settled": false });
    assert_eq!(told["receipts"], json!([receipt]));
    let other: Value = ask(&json!(uuid::Uuid::new_v4())).await.unwrap().json().await.unwrap();
    assert_eq!(other["receipts"], json!([]));
    // It acknowledges nothing that was never on its way to it.
    let forged = json!({ "receipts": [{ "id": recall["act"]["id"], "holders": 0, "acknowledged": 0, "settled": true }] });
    let sent =
        cheat.http.post(format!("{}peer/v1/receipts", cheat.address)).json(&forged).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let list = hub.get("/api/v1/recalls").header("accept", "*/*").send().await.json();
    assert_eq!(list["recalls"][0]["waiting"], 1, "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_frames_are_refused_and_too_many_suspend() {
    let hub = hub().await;
    let cheat = Cheat::known(4, &hub).await;
    let object = |sequence| cheat.object(sequence, &indicator(V1));
    let mut foreign = object(1);
    foreign["envelope"]["hops"] = json!(["0".repeat(32)]);
    foreign["envelope"]["origin"] = json!("0".repeat(32));
    let mut other = cheat.hello(0);
    other["hello"]["hub"] = json!("0".repeat(32));
    let broken = [
        (vec![object(1)], "does not begin with a greeting"),
        (vec![other], "of another hub"),
        (vec![cheat.hello(99)], "would leave something out"),
        (vec![cheat.hello(0), object(1), object(1)], "does not rise"),
        (vec![cheat.hello(0), json!({ "sequence": 1 }), json!({ "sequence": 0 })], "goes back"),
        (vec![cheat.hello(0), foreign], "does not end with the hub that sent it"),
        (vec![cheat.hello(0), json!({ "sequence": 0, "settled": 0 })], "settles what was not begun"),
        (vec![cheat.hello(0), json!("x")], "no frame"),
        (
            vec![cheat.hello(0), act(&cheat, &json!({ "hops": ["0".repeat(32)] }))],
            "an act does not end with the hub",
        ),
        (vec![cheat.hello(0), act(&cheat, &json!({ "id": "x" }))], "an act on an object is broken"),
        (vec![cheat.hello(0), act(&cheat, &json!({ "version": "now" }))], "an act on an object is broken"),
        (
            vec![cheat.hello(0), act(&cheat, &json!({ "kind": "marking", "tlp": "free" }))],
            "an act on an object is broken",
        ),
        (vec![cheat.hello(0), act(&cheat, &json!({ "kind": "pardon" }))], "no frame"),
    ];
    let mut faults = 0;
    for (frames, expected) in &broken {
        let (status, text) = cheat.send(frames).await;
        assert!(status == 422 && text.contains(expected), "{expected}: {status} {text}");
        faults += 1;
    }
    let mut again = vec![cheat.hello(0), object(1)];
    again.extend(
        (0..1_100)
            .map(|_| json!({ "sequence": 1, "again": true, "withheld": { "id": id_of(&indicator(V1)) } })),
    );
    assert!(cheat.send(&again).await.1.contains("repeats itself without end"));
    let (status, text) = cheat.send_raw(vec![b'x'; 17 << 20]).await;
    assert!(status == 422 && text.contains("longer than"), "{status} {text}");
    faults += 2;
    assert_eq!(peer(&hub).await["counts"]["malformed"], faults);
    while faults <= 20 {
        cheat.send(&[object(1)]).await;
        faults += 1;
    }
    assert_eq!(cheat.send(&[cheat.hello(0)]).await.0, 403);
    let told = peer(&hub).await;
    assert_eq!(told["link"], "suspended");
    assert!(told["reason"].as_str().unwrap().contains("does not begin with a greeting"), "{told}");
    assert!(!hub.audit(Action::PeerChanged).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_peoples_objects_are_not_a_peers_to_change() {
    let hub = hub().await;
    let cheat = Cheat::known(5, &hub).await;
    let theirs = marked(indicator(V1), Tlp::Green);
    hub.post(std::slice::from_ref(&theirs)).await;
    let newer = marked(indicator_with(&id_of(&theirs), V2), Tlp::Clear);
    let mut other_content = theirs.clone();
    other_content["description"] = json!("forged");
    let gone = json!({ "sequence": 3, "removed": { "id": id_of(&theirs), "version": V1 } });
    let withheld =
        json!({ "sequence": 3, "again": true, "withheld": { "id": id_of(&theirs), "version": V1 } });
    let recall = act(&cheat, &json!({ "object": theirs["id"] }));
    let stricter = act(
        &cheat,
        &json!({ "object": theirs["id"], "kind": "marking", "tlp": "red", "id": uuid::Uuid::new_v4() }),
    );
    let mut echo = cheat.object(4, &indicator(V1));
    let own = hub.get("/api/v1/peers").header("accept", "*/*").send().await.json()["own"]["hub"].clone();
    echo["envelope"]["origin"] = own.clone();
    echo["envelope"]["hops"] = json!([own, cheat.hub]);
    let frames = [
        cheat.hello(0),
        cheat.object(1, &newer),
        cheat.object(2, &other_content),
        gone,
        withheld,
        recall,
        stricter,
        echo,
    ];
    let (status, text) = cheat.send(&frames).await;
    assert_eq!(status, 200, "{text}");
    let told = peer(&hub).await;
    let counts = &told["counts"];
    assert_eq!(
        [&counts["accepted"], &counts["refused"], &counts["conflicts"], &counts["withdrawn"]],
        [0, 3, 1, 0].map(|n| json!(n)).each_ref(),
        "{counts}"
    );
    assert_eq!(told["conflicts"][0]["id"], theirs["id"]);
    let path = format!("/api/v1/objects/{}", id_of(&theirs));
    let kept = hub.get(&path).header("accept", "*/*").send().await.json();
    assert_eq!(kept["object"], theirs);
    assert_eq!(kept["summary"]["marking"]["tlp"], "green", "{kept}");
    let recalls = hub.get("/api/v1/recalls").header("accept", "*/*").send().await.json();
    assert_eq!(recalls["recalls"], json!([]), "it recalls nothing that it did not bring");
    let conflict = &hub.audit(Action::ContentConflict).await[0];
    assert_eq!(conflict.event.detail["peer"], "abroad");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_is_there_once_and_hostile_objects_harm_no_others() {
    let hub = hub().await;
    let cheat = Cheat::known(6, &hub).await;
    let good = marked(indicator(V1), Tlp::Clear);
    let backdated = {
        let mut object = marked(indicator(V1), Tlp::Clear);
        object["modified"] = json!("1999-01-01T00:00:00Z");
        object
    };
    let frames = [
        cheat.hello(0),
        cheat.object(1, &good),
        cheat.object(2, &json!({ "type": "indicator" })),
        cheat.object(3, &json!([[[[]]]])),
        cheat.object(4, &backdated),
        cheat.object(5, &json!({ "id": 3 })),
    ];
    for _ in 0..2 {
        let (status, text) = cheat.send(&frames).await;
        assert_eq!((status, text.as_str()), (200, "{\"after\":5,\"sight\":0}"));
    }
    let counts = peer(&hub).await["counts"].clone();
    assert_eq!([&counts["accepted"], &counts["duplicates"]], [&json!(1), &json!(1)], "{counts}");
    let detail =
        hub.get(&format!("/api/v1/objects/{}", id_of(&good))).header("accept", "*/*").send().await.json();
    assert_eq!(detail["routes"][0]["hops"][0]["peer"], "abroad", "{detail}");
    // The clock of the greeting is months behind; it is told, and nothing else.
    assert!(peer(&hub).await["clock_ahead_seconds"].as_i64().unwrap() < -60);
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_that_cannot_be_used_are_refused() {
    let hub = hub().await;
    hub.organisation("abroad", OrganisationRole::Partner).await;
    hub.organisation("inspectors", OrganisationRole::Oversight).await;
    let add = async |card: &str, organisation: &str| {
        let body = json!({ "card": card, "organisation": organisation }).to_string();
        let ask = hub.ask(Method::POST, "/api/v1/peers").header("content-type", "application/json");
        let reply = ask.header("accept", "*/*").body(body).send().await;
        (reply.status, reply.json()["detail"].as_str().unwrap_or_default().to_owned())
    };
    let own = hub.get("/api/v1/peer-card").header("accept", "*/*").send().await.json()["card"].clone();
    let cheat = Cheat::new(7, &hub);
    for (card, organisation, status, expected) in [
        ("nonsense", "abroad", 422, "first line"),
        (&cheat.card.replace("Cheat", "Other"), "abroad", 422, "was changed after it was signed"),
        (own.as_str().unwrap(), "abroad", 422, "this hub's own"),
        (&cheat.card, "nobody", 404, ""),
        (&cheat.card, "inspectors", 422, "oversight"),
        (&cheat.card, "abroad", 200, ""),
        (&Cheat::new(8, &hub).card, "abroad", 409, ""),
    ] {
        let (found, detail) = add(card, organisation).await;
        assert!(
            found == status && detail.contains(expected),
            "{organisation}: {found} {detail}, not {expected}"
        );
    }
}
