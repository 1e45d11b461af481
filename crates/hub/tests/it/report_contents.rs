//! Attachments follow the copy of a report to another hub, byte for byte and for whom the copy is; and what comes of a hub that gives other bytes,
//! or none.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use oversight::{Action, OrganisationRole, Realm};
use reqwest::Method;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stix::Id;
use store::Place;
use store::reports::contents::is_here;
use uuid::Uuid;

use crate::database::Server;
use crate::federation::Cheat;
use crate::reports::attach;
use crate::reports_abroad::{DUTY, EAST, Note, Played, Two, agreement, begun, hash, hub, sent};
use crate::room_hubs::until;
use crate::support::{Reply, TestHub, V1};

/// A form that lists attachments, and to whom its copy goes.
fn filing(given_to: &str) -> Value {
    json!({ "send": Uuid::new_v4(), "regime": "jp.common.ransomware", "stage": "first", "recipient": "police", "given_to": given_to })
}

/// Longer than what is handed over at once, and nowhere the same.
fn content() -> Vec<u8> {
    (0..40_000_u32).flat_map(|number| Sha256::digest(number.to_be_bytes())[..8].to_vec()).collect()
}

async fn opened(hub: &TestHub, token: &str, path: &str) -> Reply {
    hub.rest(token, Method::GET, path).send().await
}

/// The files that somebody is shown; nothing while there is no report.
async fn files(hub: &TestHub, token: &str, report: &str) -> Vec<Value> {
    let reply = opened(hub, token, report).await;
    if reply.status != 200 {
        return Vec::new();
    }
    reply.json()["files"].as_array().unwrap().clone()
}

async fn keeps(hub: &TestHub, report: &str, sha256: &str) -> bool {
    let (id, sha256) = (Id::parse(report.rsplit('/').next().unwrap()).unwrap(), sha256.to_owned());
    hub.running.store().read(move |reader| is_here(reader, &Realm::Live, &id, &sha256)).await.unwrap()
}

/// A report of the operator's with a file, filed to the ministry of the other hub; the report, and the file's hash.
async fn given(two: &Two) -> (String, String) {
    let report = begun(&two.east, &two.kinki).await;
    let id = report.rsplit('/').next().unwrap();
    let taken = attach(&two.east, &two.kinki, id, "要求書.txt", &content()).await;
    let filed = sent(&two.east, &two.kinki, &format!("{report}/filings"), filing("ministry.west")).await;
    assert!(filed["object"].is_string(), "{filed}");
    (report, taken["file"]["sha256"].as_str().unwrap().to_owned())
}

async fn a_file_follows_its_copy(two: &Two) {
    let (east, west) = (&two.east, &two.west);
    let (report, sha256) = given(two).await;
    until("the copy lists the file", async || files(west, &two.ministry, &report).await.len() == 1).await;
    let file = files(west, &two.ministry, &report).await.remove(0);
    assert_eq!((&file["name"], &file["size"]), (&json!("要求書.txt"), &json!(content().len())));
    assert_eq!(file["sha256"], sha256);
    // The hub fetches it by itself, sealed.
    until("it is here", async || keeps(west, &report, &sha256).await).await;
    let beginning = content()[..24].to_vec();
    for entry in std::fs::read_dir(west.folder.path()).unwrap().filter_map(Result::ok) {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        assert!(!bytes.windows(24).any(|window| window == beginning), "{:?}", entry.path());
    }
    let path = format!("{report}/files/{sha256}");
    let reply = opened(west, &two.ministry, &path).await;
    assert_eq!((reply.status, reply.body == content()), (200, true));
    assert!(reply.header("content-disposition").starts_with("attachment; filename*=UTF-8''"));

    // That it left is on record there, and that it was read here.
    let left = east.audit(Action::ReportRead).await;
    assert_eq!(left.len(), 1, "it is fetched once");
    assert_eq!((left[0].event.detail["peer"].as_str(), &left[0].event.detail["sha256"]), ("west", &sha256));
    let released = east.audit(Action::ObjectsReleased).await;
    assert!(released.iter().any(|act| act.event.detail["recipient"] == "west"));
    let read = west.audit(Action::ReportRead).await;
    assert_eq!((read.len(), &read[0].event.detail["sha256"]), (1, &sha256));

    let other = format!("{report}/files/{}", "0".repeat(64));
    assert_eq!(opened(west, &two.ministry, &other).await.status, 404);
    for token in [&two.police, &west.token] {
        assert_eq!(opened(west, token, &path).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_follows_its_copy_to_another_hub() {
    a_file_follows_its_copy(&Two::new([None, None]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_follows_its_copy_on_postgresql_too() {
    let Some((one, other)) = Server::start().zip(Server::start()) else { return };
    let places = [&one, &other].map(|server| Some(Place::parse(&server.address())));
    a_file_follows_its_copy(&Two::new(places).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_nobody_reaches_sends_the_file_after_the_copy() {
    let two = Two::unreached().await;
    let (report, sha256) = given(&two).await;
    let west = &two.west;
    until("the copy lists the file", async || files(west, &two.ministry, &report).await.len() == 1).await;
    let path = format!("{report}/files/{sha256}");
    let mut reply = opened(west, &two.ministry, &path).await;
    if reply.status != 200 {
        assert_eq!((reply.status, reply.json()["code"].as_str()), (503, Some("unavailable")));
        until("it is here", async || keeps(west, &report, &sha256).await).await;
        reply = opened(west, &two.ministry, &path).await;
    }
    assert_eq!((reply.status, reply.body == content()), (200, true));
    let left = two.east.audit(Action::ReportRead).await;
    assert!(left.iter().all(|act| act.event.detail["peer"] == "west") && !left.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_is_given_what_a_copy_lists_for_it_and_nothing_else() {
    let (east, folder) = hub(Some(agreement(&EAST, "abroad")), None).await;
    east.organisation("kinki", OrganisationRole::Operator).await;
    let kinki = east.token("kinki", &DUTY).await;
    let peer = Cheat::known_as(71, &east, ("abroad", OrganisationRole::Agency)).await;
    let other = Cheat::known_as(72, &east, ("elsewhere", OrganisationRole::Agency)).await;
    let offered = json!([{ "id": "ministry", "ja": "省", "en": "Ministry" }]);
    let told = [peer.hello(0), json!({ "sequence": 0, "receivers": offered })];
    assert_eq!(peer.send(&told).await.0, 200);

    let report = begun(&east, &kinki).await;
    let id = report.rsplit('/').next().unwrap();
    let listed = attach(&east, &kinki, id, "a.txt", &content()).await["file"]["sha256"].clone();
    sent(&east, &kinki, &format!("{report}/filings"), filing("ministry.abroad")).await;
    let later = attach(&east, &kinki, id, "b.txt", b"after the copy").await["file"]["sha256"].clone();
    let path =
        |report: &str, sha256: &Value| format!("peer/v1/contents/{report}/{}", sha256.as_str().unwrap());
    let (status, bytes) = peer.asks(&path(id, &listed)).await;
    assert_eq!((status, bytes == content()), (200, true));

    // All else is not there, and nothing tells one from the other.
    let unknown = format!("incident--{}", Uuid::new_v4());
    let nothing = async |who: &Cheat, path: &str| {
        let (status, body) = who.asks(path).await;
        let mut problem: Value = serde_json::from_slice(&body).unwrap();
        problem["request"].take();
        (status, problem)
    };
    let missing = nothing(&peer, &path(&unknown, &listed)).await;
    assert_eq!(missing.0, 404);
    assert_eq!(nothing(&peer, &path(id, &later)).await, missing);
    assert_eq!(nothing(&peer, &path(id, &json!("0".repeat(64)))).await, missing);
    assert_eq!(nothing(&peer, &path("no-id", &listed)).await, missing);
    assert_eq!(nothing(&other, &path(id, &listed)).await, missing);
    let read = east.audit(Action::ReportRead).await;
    assert_eq!((read.len(), read[0].event.detail["peer"].as_str()), (1, "abroad"));

    // Nor is it when the agreement has ended.
    std::fs::remove_file(folder.path().join("agreements/reports.toml")).unwrap();
    until("the agreement has ended", async || peer.asks(&path(id, &listed)).await.0 == 404).await;
    assert_eq!(nothing(&peer, &path(id, &listed)).await, missing);
}

/// What the other hub gives when it is asked for a file: some bytes and how many it says there are, or no answer at all.
pub type Giving = Arc<Mutex<Option<(Vec<u8>, usize)>>>;

/// Bytes that are all that there are.
pub fn whole(content: &[u8]) -> (Vec<u8>, usize) {
    (content.to_vec(), content.len())
}

/// Lets a hub that a test plays listen; gives its address.
pub fn listens(cheat: &Cheat, giving: &Giving) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let (tls, giving) = (Arc::clone(&cheat.server), Arc::clone(giving));
    std::thread::spawn(move || {
        for socket in listener.incoming().filter_map(Result::ok) {
            let (tls, giving) = (Arc::clone(&tls), Arc::clone(&giving));
            std::thread::spawn(move || answer(socket, tls, &giving));
        }
    });
    address
}

fn answer(socket: TcpStream, tls: Arc<ServerConfig>, giving: &Giving) -> std::io::Result<()> {
    let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), socket);
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        let mut byte = [0; 1];
        stream.read_exact(&mut byte)?;
        asked.extend(byte);
    }
    let is_file =
        [&b"GET /peer/v1/contents/"[..], b"GET /peer/v1/evidence/"].iter().any(|one| asked.starts_with(one));
    let Some((content, size)) = giving.lock().unwrap().clone().filter(|_| is_file) else { return Ok(()) };
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n")?;
    stream.write_all(&content)?;
    stream.conn.send_close_notify();
    stream.flush()
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_are_refused_and_what_is_kept_is_read_while_the_giver_is_away() {
    let played = Played::new(73).await;
    let (hub, giving) = (&played.hub, Giving::default());
    let address = json!({ "address": listens(&played.cheat, &giving) });
    let reply = hub.send_json(&hub.token, Method::PATCH, "/api/v1/peers/abroad", address).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    let sha256 = hash("hello");
    let file = format!(r#"{{"name":"a.txt","sha256":"{sha256}","size":5}}"#);
    let copy = format!(
        r#"{{"lines":[{{"field":"@attachments","value":[{file}]}}],"recipient":"authority","regime":"eu.gdpr","schema":"urn:yagura:regime:form:1","stage":"notification"}}"#
    );
    let good = played.given("kinki", "ministry");
    let note = Note::given(&good.from, &good.to, &copy, &hash(&copy)).object();
    played.brings(std::slice::from_ref(&note)).await;
    let report = format!("/api/v1/reports/incident--{}", Uuid::from_u128(1));
    let path = format!("{report}/files/{sha256}");
    until("the copy is here", async || files(hub, &played.ministry, &report).await.len() == 1).await;

    let away = opened(hub, &played.ministry, &path).await;
    assert_eq!((away.status, away.json()["code"].as_str()), (503, Some("unavailable")));
    assert_eq!(away.header("retry-after"), "30");
    for wrong in ["hullo", "hello and more", "hell"] {
        *giving.lock().unwrap() = Some(whole(wrong.as_bytes()));
        let refused = opened(hub, &played.ministry, &path).await;
        assert_eq!(
            (refused.status, refused.json()["code"].as_str()),
            (422, Some("unprocessable")),
            "{wrong}"
        );
        assert!(!keeps(hub, &report, &sha256).await, "{wrong}");
    }
    assert!(played.kept_out("wrong-content").await >= 3);
    let read = hub.audit(Action::ReportRead).await;
    assert!(read.is_empty(), "nothing was read");

    *giving.lock().unwrap() = Some(whole(b"hello"));
    assert_eq!(opened(hub, &played.ministry, &path).await.body, b"hello");
    *giving.lock().unwrap() = None;
    let again = opened(hub, &played.ministry, &path).await;
    assert_eq!((again.status, again.body.as_slice()), (200, &b"hello"[..]));
    assert_eq!(hub.audit(Action::ReportRead).await.len(), 2);

    // It goes with its copy.
    let gone = json!({ "sequence": 2, "removed": { "id": note["id"], "version": V1 } });
    assert_eq!(played.cheat.send(&[played.cheat.hello(0), gone]).await.0, 200);
    assert!(!keeps(hub, &report, &sha256).await);
    assert_eq!(opened(hub, &played.ministry, &path).await.status, 404);
}
