//! Parties with a TAXII server and no hub: what is read there, what is pushed there, and servers that misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::authorisation::agreement;
use crate::signed::Signed;
use crate::support::{Reply, TAXII, TestHub, V1, V2, id_of, indicator, indicator_with, marked};

async fn hub() -> TestHub {
    let hub = TestHub::start().await;
    hub.organisation("abroad", OrganisationRole::Partner).await;
    hub.organisation("operator-1", OrganisationRole::Operator).await;
    hub
}

async fn ask(hub: &TestHub, method: Method, path: &str, body: &Value) -> Reply {
    let ask = hub.ask(method, path).header("content-type", "application/json").header("accept", "*/*");
    ask.body(body.to_string()).send().await
}

async fn link(hub: &TestHub, discovery: &str, change: &Value) {
    let mut new = json!({
        "id": "abroad-taxii", "organisation": "abroad", "discovery": discovery, "every_seconds": 1, "pulls": true,
    });
    new.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let reply = ask(hub, Method::POST, "/api/v1/taxii-links", &new).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    assert!(!String::from_utf8_lossy(&reply.body).contains("secret"), "what is secret is not told");
}

async fn state(hub: &TestHub) -> Value {
    let list = hub.get("/api/v1/taxii-links").header("accept", "*/*").send().await.json();
    list["links"][0].clone()
}

async fn wait_for(hub: &TestHub, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let state = state(hub).await;
        if is_so(&state) {
            return state;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}: {state}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn held(hub: &TestHub, token: &str) -> Vec<String> {
    let mut ids = hub.get(&hub.within("objects/")).bearer(token).send().await.ids();
    ids.retain(|id| id.starts_with("indicator--"));
    ids.sort();
    ids
}

fn sorted(objects: &[&Value]) -> Vec<String> {
    let mut ids: Vec<String> = objects.iter().map(|object| id_of(object)).collect();
    ids.sort();
    ids
}

fn discovery(hub: &TestHub) -> String {
    format!("http://{}/taxii2/", hub.running.listen)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_taxii_server_gives_is_its_organisations_and_is_read_on_from_where_it_stopped() {
    let (here, there) = (hub().await, TestHub::start().await);
    let first = [marked(indicator(V1), Tlp::Clear), marked(indicator(V1), Tlp::Green), indicator(V1)];
    there.post(&first).await;
    link(&here, &discovery(&there), &json!({ "secret": there.token })).await;
    wait_for(&here, "it is read", |state| state["counts"]["accepted"].as_u64() >= Some(3)).await;
    let detail =
        here.get(&format!("/api/v1/objects/{}", id_of(&first[0]))).header("accept", "*/*").send().await;
    assert_eq!(detail.json()["summary"]["originator"], "abroad");
    // What bears no marking is its organisation's alone.
    assert_eq!(held(&here, &here.token).await, sorted(&[&first[0], &first[1]]));
    let own = here.token("abroad", &[PersonRole::Analyst]).await;
    assert_eq!(held(&here, &own).await.len(), 3);
    let before = wait_for(&here, "a round ends", |state| state["at"].is_string()).await;
    // It goes on after a restart, and asks for nothing twice.
    let here = here.restart().await;
    let newer = marked(indicator_with(&id_of(&first[0]), V2), Tlp::Clear);
    there.post(std::slice::from_ref(&newer)).await;
    let after = wait_for(&here, "the newer version comes", |state| {
        state["counts"]["accepted"].as_u64() > before["counts"]["accepted"].as_u64()
    })
    .await;
    assert_eq!(after["counts"]["duplicates"], before["counts"]["duplicates"], "{after}");
    assert_eq!(after["counts"]["refused"], 0, "{after}");
    // Suspended, nothing more comes; removed, what came stays.
    let path = "/api/v1/taxii-links/abroad-taxii";
    assert_eq!(ask(&here, Method::PATCH, path, &json!({ "suspended": true })).await.status, 200);
    assert_eq!(here.ask(Method::DELETE, path).header("accept", "*/*").send().await.status, 204);
    assert_eq!(held(&here, &own).await.len(), 3);
    assert_eq!(here.audit(Action::PeerChanged).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pushed_is_what_an_agreement_gives_and_nothing_echoes() {
    let (here, there) = (hub().await, TestHub::start().await);
    let theirs = marked(indicator(V1), Tlp::Clear);
    there.post(std::slice::from_ref(&theirs)).await;
    let [clear, green, amber] =
        [Tlp::Clear, Tlp::Green, Tlp::Amber].map(|level| marked(indicator(V1), level));
    let operator = here.token("operator-1", &[PersonRole::Analyst]).await;
    here.post_as(&operator, &[clear.clone(), green.clone(), amber.clone()]).await;
    link(&here, &discovery(&there), &json!({ "secret": there.token, "pushes": true })).await;
    let is_level = |state: &Value| state["behind"] == 0 && state["counts"]["accepted"].as_u64() > Some(0);
    wait_for(&here, "both ways are at their ends", is_level).await;
    assert_eq!(held(&there, &there.token).await, sorted(&[&theirs, &clear]));
    // What an agreement gives is pushed from when it stands.
    let council = Signed::person(&here, "coordinator", PersonRole::Approver).await;
    let partner = Signed::person(&here, "abroad", PersonRole::Approver).await;
    let drafted =
        council.done("/api/v1/agreements", agreement("abroad-2026", &["coordinator", "abroad"])).await;
    for person in [&council, &partner] {
        let sign = json!({ "state": "signed", "hash": drafted["hash"] });
        person.done("/api/v1/agreements/abroad-2026/side", sign).await;
    }
    let later = marked(indicator(V1), Tlp::Amber);
    here.post_as(&operator, std::slice::from_ref(&later)).await;
    until(async || held(&there, &there.token).await.contains(&id_of(&later)), "the agreement's is pushed")
        .await;
    // Two rounds later nothing has come back, from either side.
    let counts = wait_for(&here, "a round more", is_level).await["counts"].clone();
    for _ in 0..2 {
        let at = state(&here).await["at"].clone();
        wait_for(&here, "another round", |state| state["at"] != at).await;
    }
    let now = state(&here).await;
    for count in ["accepted", "sent", "refused"] {
        assert_eq!(now["counts"][count], counts[count], "{count}: {now}");
    }
    // What is withdrawn here is deleted there.
    let gone =
        here.ask(Method::DELETE, &format!("/api/v1/objects/{}", id_of(&clear))).header("accept", "*/*");
    assert_eq!(gone.send().await.status, 204);
    wait_for(&here, "it is taken back", |state| state["counts"]["taken_back"] == 1).await;
    assert!(!held(&there, &there.token).await.contains(&id_of(&clear)));
    // The ledger says who was given it and under what.
    let owner = Signed::person(&here, "operator-1", PersonRole::Analyst).await;
    let rows = owner.good(&format!("/api/v1/objects/{}/releases", id_of(&later))).await;
    let row =
        rows["rows"].as_array().unwrap().iter().find(|row| row["door"] == "taxii-push").unwrap().clone();
    assert_eq!((&row["recipient"], &row["agreement"]), (&json!("abroad"), &json!("abroad-2026")), "{row}");
}

/// Waits for a state.
async fn until(is_so: impl AsyncFn() -> bool, what: &str) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A server that answers discovery, root and collections, and objects as its script says.
async fn scripted(script: impl Fn(usize) -> String + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (asked, base, script) = (Arc::new(AtomicUsize::new(0)), address.clone(), Arc::new(script));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (base, script, count) = (base.clone(), Arc::clone(&script), Arc::clone(&count));
            tokio::spawn(async move {
                let mut read = vec![0; 16 * 1024];
                let length = stream.read(&mut read).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&read[..length]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let body = match path.as_str() {
                    "/taxii2/" => json!({ "title": "s", "api_roots": [format!("{base}/base/")] }).to_string(),
                    "/base/" => json!({ "title": "r", "versions": [TAXII], "max_content_length": 1_000_000 }).to_string(),
                    "/base/collections/" => {
                        json!({ "collections": [{ "id": "c", "title": "c", "can_read": true, "can_write": true }] })
                            .to_string()
                    }
                    _ => script(count.fetch_add(1, Ordering::SeqCst)),
                };
                let (status, body) = match body.strip_prefix("503 ") {
                    Some(rest) => ("503 Service Unavailable", rest.to_owned()),
                    None => ("200 OK", body),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: {TAXII}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (format!("{address}/taxii2/"), asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_its_pages_is_left_and_what_was_good_stays() {
    let here = hub().await;
    let good = marked(indicator(V1), Tlp::Clear);
    let page = json!({ "more": true, "next": "again", "objects": [good] }).to_string();
    let (address, asked) = scripted(move |_| page.clone()).await;
    link(&here, &address, &json!({})).await;
    let state = wait_for(&here, "it is told", |state| state["failures"].as_u64() >= Some(2)).await;
    assert!(state["trouble"].as_str().unwrap().contains("a page again"), "{state}");
    assert_eq!(state["counts"]["accepted"], 1, "{state}");
    assert_eq!(held(&here, &here.token).await, sorted(&[&good]));
    // Two requests a round, and the rounds keep their distance.
    assert!(asked.load(Ordering::SeqCst) < 12, "{}", asked.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_is_tried_again_and_hostile_objects_harm_no_others() {
    let here = hub().await;
    let other = marked(indicator(V1), Tlp::Green);
    here.post(std::slice::from_ref(&other)).await;
    let good = marked(indicator(V1), Tlp::Clear);
    let mut forged = marked(indicator_with(&id_of(&other), V2), Tlp::Clear);
    forged["description"] = json!("forged");
    // Years ahead: what a date in it says counts for nothing here.
    let mut ahead = marked(indicator(V1), Tlp::Clear);
    ahead["valid_from"] = json!("2999-01-01T00:00:00Z");
    let page =
        json!({ "objects": [{ "type": "indicator" }, [[[]]], forged, { "id": 3 }, good, ahead] }).to_string();
    let (address, _) = scripted(move |asked| match asked {
        0 => format!("503 {}", json!({ "title": "busy" })),
        1 => "{\"objects\": [".to_owned(),
        _ => page.clone(),
    })
    .await;
    link(&here, &address, &json!({})).await;
    let state = wait_for(&here, "it is read at last", |state| state["counts"]["accepted"] == 2).await;
    assert!(state["counts"]["refused"].as_u64() >= Some(4), "{state}");
    let state = wait_for(&here, "the trouble is over", |state| state["failures"] == 0).await;
    assert_eq!(state["trouble"], Value::Null, "{state}");
    assert_eq!(held(&here, &here.token).await, sorted(&[&other, &good, &ahead]));
    let kept = here.get(&format!("/api/v1/objects/{}", id_of(&other))).header("accept", "*/*").send().await;
    assert_eq!(kept.json()["object"], other);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_cannot_be_used_are_refused_and_a_wrong_certificate_is_told() {
    let here = hub().await;
    here.organisation("inspectors", OrganisationRole::Oversight).await;
    let with = |change: Value| {
        let mut new = json!({ "id": "x", "organisation": "abroad", "discovery": "https://taxii.invalid/taxii2/", "pulls": true });
        new.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        new
    };
    for (change, status, because) in [
        (json!({ "discovery": "http://taxii.invalid/" }), 422, "https"),
        (json!({ "discovery": "https://a:b@taxii.invalid/" }), 422, "without a name"),
        (json!({ "pulls": false }), 422, "pulls"),
        (json!({ "every_seconds": 0 }), 422, "every_seconds"),
        (json!({ "certificate": "nonsense" }), 422, ""),
        (json!({ "organisation": "nobody" }), 404, ""),
        (json!({ "organisation": "inspectors" }), 422, "oversight"),
        (json!({ "unknown": 1 }), 400, ""),
    ] {
        let reply = ask(&here, Method::POST, "/api/v1/taxii-links", &with(change.clone())).await;
        let told = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(reply.status / 100 == 4 && told.contains(because), "{change}: {} {told}", reply.status);
        assert_eq!(reply.status, status, "{change}: {told}");
    }
    // A server whose certificate leads back to nobody that we trust.
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let config = Arc::new(config);
        while let Ok((stream, _)) = listener.accept() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let _ = std::io::Read::read(&mut stream, &mut [0; 1024]);
        }
    });
    link(&here, &format!("https://localhost:{port}/taxii2/"), &json!({})).await;
    let state = wait_for(&here, "it is told", |state| state["failures"].as_u64() > Some(0)).await;
    assert!(state["trouble"].as_str().unwrap().contains("certificate"), "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_signs_in_there_is_sealed_where_it_is_kept() {
    let (here, there) = (hub().await, TestHub::start().await);
    there.post(&[marked(indicator(V1), Tlp::Clear)]).await;
    link(&here, &discovery(&there), &json!({ "secret": there.token })).await;
    wait_for(&here, "it signs in there", |state| state["counts"]["accepted"].as_u64() >= Some(1)).await;
    let kept: Vec<u8> = std::fs::read_dir(here.folder.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file())
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect();
    let discovery = discovery(&there);
    for (text, is_there) in [(there.token.as_str(), false), (discovery.as_str(), true)] {
        assert_eq!(kept.windows(text.len()).any(|window| window == text.as_bytes()), is_there, "{text}");
    }
}

/// A node of hubs on one database: each opens what another one sealed, one that starts seals what an older program left in the open,
/// and a credential does not follow an address that somebody changed in the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_every_hubs_of_the_node_and_good_for_one_address() {
    let Some(server) = crate::database::Server::start() else { return };
    let place = store::Place::parse(&server.address());
    let here = TestHub::start_with(|config| config.store = Some(place.clone())).await;
    here.organisation("abroad", OrganisationRole::Partner).await;
    let there = TestHub::start().await;
    link(&here, &discovery(&there), &json!({ "secret": there.token })).await;
    wait_for(&here, "it is read", |state| state["at"].is_string()).await;
    server.alter(&format!(
        "UPDATE taxii_links SET secret = '{}', sealed = NULL, changed = changed + 1",
        there.token
    ));
    let beside = here.beside(&place).await;
    let is_sealed =
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM taxii_links WHERE sealed IS NULL OR secret IS NOT NULL)
        THEN RAISE EXCEPTION 'in the open'; END IF; END $$";
    assert!(server.is_so(is_sealed));
    // Whichever of the two has the duty now reads on.
    server.alter("UPDATE taxii_links SET changed = changed + 1");
    let before = state(&here).await["at"].clone();
    wait_for(&beside, "another round", |state| state["at"] != before && state["failures"] == 0).await;
    let (elsewhere, asked) = scripted(|_| json!({}).to_string()).await;
    server.alter(&format!("UPDATE taxii_links SET discovery = '{elsewhere}', changed = changed + 1"));
    let told = wait_for(&here, "it is told", |state| state["failures"].as_u64() > Some(0)).await;
    assert!(told["trouble"].as_str().unwrap().contains("cannot be opened with this node's key"), "{told}");
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nobody else is asked");
}
