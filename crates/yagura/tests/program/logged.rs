//! What is secret stands in no log, however much is logged.

use std::io::{Read, Write};
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::running::{Hub, Poster, RUNTIME, admin, register_edge, wait_until};

const PASSWORD: &str = "correct horse battery staple 41";
const WRONG: &str = "wrong horse battery staple 41";

/// Somebody who asks the hub.
struct Asker<'a> {
    hub: &'a Hub,
    http: reqwest::Client,
}

impl Asker<'_> {
    /// Sends; gives status, cookie and body.
    fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> (u16, String, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.hub.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        RUNTIME.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let cookie = answer.headers().get("set-cookie").map_or("", |value| value.to_str().unwrap());
            let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
            let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
            (status, cookie, body)
        })
    }
}

#[test]
fn what_is_secret_stands_in_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("hub.toml");
    std::fs::write(&config, "webhooks_to_private_addresses = true\n").unwrap();
    let log = folder.path().join("log");
    let hub = Hub::start_logged(&folder.path().join("hub"), &config, &log);
    // It brings the cryptography that the client needs.
    std::sync::LazyLock::force(&RUNTIME);
    let asker = Asker { hub: &hub, http: reqwest::Client::builder().no_proxy().build().unwrap() };
    let mut secrets = vec![("the first token", hub.token.clone())];
    signs_in(&asker, &mut secrets);
    uses_tokens(&asker, &mut secrets);
    speaks_to_others(&asker, &mut secrets);
    for file in ["node.key", "peer.key"] {
        let text = std::fs::read_to_string(hub.data().join(file)).unwrap();
        let line = text.lines().find(|line| !line.starts_with("--")).unwrap();
        secrets.push(("a key of the node's", line.to_owned()));
    }
    hub.stop();
    let logged = std::fs::read_to_string(&log).unwrap();
    // It did log, as much as there is: its own events and those of the libraries below it.
    for kept in ["TRACE", "DEBUG", "answered", "/api/v1/session/password", "hyper"] {
        assert!(logged.contains(kept), "`{kept}` is not logged");
    }
    let told: Vec<&str> =
        secrets.iter().filter(|(_, secret)| logged.contains(secret)).map(|(what, _)| *what).collect();
    assert!(told.is_empty(), "logged: {told:?}");
    assert!(secrets.iter().all(|(_, secret)| secret.len() >= 16), "too short to look for: {secrets:?}");
}

/// A person signs in by a link and by a password, and mistypes it.
fn signs_in(asker: &Asker<'_>, secrets: &mut Vec<(&'static str, String)>) {
    let added = ["user", "add", "sato", "--name", "Sato", "--org", "coordinator", "--role", "analyst"];
    let link = admin(asker.hub, &added);
    let link = link.split_once("#link=").unwrap().1.lines().next().unwrap().to_owned();
    let (status, cookie, session) =
        asker.send(Method::POST, "/api/v1/session/link", &[], &json!({ "link": link }));
    assert_eq!(status, 200);
    let word = session["csrf"].as_str().unwrap().to_owned();
    let own = [("cookie", cookie.as_str()), ("x-yagura-csrf", word.as_str())];
    let chosen = asker.send(Method::PUT, "/api/v1/me/password", &own, &json!({ "password": PASSWORD }));
    assert_eq!(chosen.0, 204);
    let mut cookies = vec![cookie.clone()];
    for (password, status) in [(WRONG, 401), (PASSWORD, 200)] {
        let body = json!({ "login": "sato", "password": password });
        let answer = asker.send(Method::POST, "/api/v1/session/password", &[], &body);
        assert_eq!(answer.0, status);
        cookies.push(answer.1);
    }
    // A word that is not the session's is answered, and not repeated.
    let wrong = [("cookie", cookie.as_str()), ("x-yagura-csrf", "a-word-that-is-not-the-sessions")];
    let refused = asker.send(Method::POST, "/api/v1/cases", &wrong, &json!({ "title": "t", "severity": 1 }));
    assert_eq!(refused.0, 403);
    secrets.extend([
        ("a sign-in link", link),
        ("a session's word", word),
        ("a guessed word", "a-word-that-is-not-the-sessions".to_owned()),
        ("a password", PASSWORD.to_owned()),
        ("a mistyped password", WRONG.to_owned()),
    ]);
    let values =
        cookies.iter().filter_map(|cookie| cookie.split_once('=')).filter(|(_, value)| !value.is_empty());
    secrets.extend(values.map(|(_, value)| ("a session", value.to_owned())));
}

/// A program and an edge use theirs in every way that there is.
fn uses_tokens(asker: &Asker<'_>, secrets: &mut Vec<(&'static str, String)>) {
    let token = &asker.hub.token;
    let basic = STANDARD.encode(format!("somebody:{token}"));
    let edge = register_edge(asker.hub);
    for (path, authorization, status) in [
        ("/api/v1/objects", format!("Bearer {token}"), 200),
        ("/events/index", token.clone(), 200),
        ("/api/v1/node", format!("Basic {basic}"), 200),
        ("/edge/v1/intelligence?after=0&wait=0", format!("Bearer {edge}"), 200),
        ("/api/v1/objects", format!("Bearer {edge}"), 401),
        ("/api/v1/objects", "Bearer yg_of-somebody-who-mistyped-it".to_owned(), 401),
    ] {
        let headers = [("authorization", authorization.as_str()), ("accept", "application/json")];
        assert_eq!(asker.send(Method::GET, path, &headers, &Value::Null).0, status, "{path}");
    }
    secrets.extend([
        ("a token as Basic", basic),
        ("an edge's token", edge),
        ("a mistyped token", "yg_of-somebody-who-mistyped-it".to_owned()),
    ]);
}

/// The hub signs in at somebody's TAXII server, and signs what it sends to a webhook.
fn speaks_to_others(asker: &Asker<'_>, secrets: &mut Vec<(&'static str, String)>) {
    let bearer = format!("Bearer {}", asker.hub.token);
    let own = [("authorization", bearer.as_str())];
    let taxii = serve();
    for (id, user, secret) in [
        ("with-token", None, "their-token-of-ours-41"),
        ("with-user", Some("us"), "their-password-of-ours-41"),
    ] {
        let link = json!({
            "id": id, "organisation": "harbour", "discovery": format!("http://{taxii}/taxii2/"), "user": user, "secret": secret,
            "every_seconds": 1, "pulls": true,
        });
        let made = asker.send(Method::POST, "/api/v1/taxii-links", &own, &link);
        assert_eq!(made.0, 200, "{}", made.2);
        secrets.push(("a credential for others", secret.to_owned()));
    }
    secrets.push(("a credential as Basic", STANDARD.encode("us:their-password-of-ours-41")));
    wait_until("both are tried", || {
        let links = asker.send(Method::GET, "/api/v1/taxii-links", &own, &Value::Null).2;
        links["links"].as_array().unwrap().iter().all(|link| link["failures"].as_u64() > Some(0))
    });
    let hook = format!("http://{}/hook/secret-path-of-a-hook-41", serve());
    let search = json!({ "name": "s", "terms": { "types": ["campaign"] }, "alerts": true, "webhook": hook });
    let made = asker.send(Method::POST, "/api/v1/searches", &own, &search);
    assert_eq!(made.0, 200, "{}", made.2);
    let secret = made.2["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap().to_owned();
    secrets.push(("a webhook's secret", secret));
    secrets.push(("a webhook's path", "secret-path-of-a-hook-41".to_owned()));
    // What another organisation brings and the search's owner may see.
    let token = admin(asker.hub, &["token", "add", "--org", "harbour", "--role", "analyst"]);
    let poster = Poster { token: token.clone(), ..asker.hub.poster() };
    secrets.push(("another member's token", token));
    let posted = poster.try_post(&json!({ "type": "bundle", "id": format!("bundle--{}", uuid::Uuid::new_v4()), "objects": [{
        "type": "campaign", "spec_version": "2.1", "id": format!("campaign--{}", uuid::Uuid::new_v4()), "name": "c",
        "created": "2024-01-01T00:00:00.000Z", "modified": "2024-01-01T00:00:00.000Z",
        "object_marking_refs": [stix::marking::Tlp::Green.id()],
    }] }));
    assert_eq!(posted.unwrap()["refused"], json!([]));
    wait_until("the webhook is tried", || {
        let searches = asker.send(Method::GET, "/api/v1/searches", &own, &Value::Null).2;
        let notices = searches[0]["notices"].as_array().cloned().unwrap_or_default();
        notices.iter().any(|one| one["way"] == "webhook" && !one["trouble"].is_null())
    });
}

/// Something that answers every request with an error.
fn serve() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    address
}
