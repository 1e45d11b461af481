//! People sign in: by the printed link, by password, by passkey; and what slows down who guesses.

use oversight::{Action, Actor};
use reqwest::Method;
use serde_json::{Value, json};

use crate::authenticator::Authenticator;
use crate::rest::JSON;
use crate::signed::left_open;
use crate::support::{Reply, TestHub};

/// A browser: it keeps the cookie and the session's word.
pub struct Browser<'a> {
    pub hub: &'a TestHub,
    pub cookie: String,
    pub csrf: String,
}

impl<'a> Browser<'a> {
    pub fn new(hub: &'a TestHub) -> Self {
        Self { hub, cookie: String::new(), csrf: String::new() }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Reply {
        let mut ask =
            self.hub.ask(method, path).stranger().header("accept", JSON).header("content-type", JSON);
        if !self.cookie.is_empty() {
            ask = ask.header("cookie", &self.cookie).header("x-yagura-csrf", &self.csrf);
        }
        ask.body(if body.is_null() { String::new() } else { body.to_string() }).send().await
    }

    /// Sends a sign-in, and keeps what it gives.
    pub async fn sign_in(&mut self, path: &str, body: Value) -> Reply {
        let reply = self.send(Method::POST, path, body).await;
        if reply.status == 200 {
            let cookie = reply.header("set-cookie");
            assert!(
                cookie.contains("; HttpOnly")
                    && cookie.contains("; SameSite=Strict")
                    && !cookie.contains("Secure"),
                "{cookie}"
            );
            self.cookie = cookie.split(';').next().unwrap().to_owned();
            self.csrf = reply.json()["csrf"].as_str().unwrap().to_owned();
        }
        reply
    }

    pub async fn by_first_link(hub: &'a TestHub) -> Self {
        let mut browser = Self::new(hub);
        let reply = browser.sign_in("/api/v1/session/link", json!({ "link": first_link(hub) })).await;
        assert_eq!(reply.status, 200);
        browser
    }
}

pub fn first_link(hub: &TestHub) -> String {
    let link = &hub.running.first_start.as_ref().unwrap().sign_in;
    let (address, secret) = link.split_once("/sign-in#link=").unwrap();
    assert!(address.starts_with("http://localhost:"), "a passkey needs a name: {address}");
    secret.to_owned()
}

pub const GOOD: &str = "correct horse battery staple";

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_link_signs_in_once() {
    let hub = TestHub::start().await;
    let mut browser = Browser::new(&hub);
    assert_eq!(
        browser.send(Method::GET, "/api/v1/session", Value::Null).await.json()["code"],
        "sign-in-needed"
    );
    let session = browser.sign_in("/api/v1/session/link", json!({ "link": first_link(&hub) })).await.json();
    assert_eq!(
        (&session["person"]["login"], &session["credential_needed"]),
        (&json!("administrator"), &json!(true))
    );
    assert_eq!(session["organisation"]["role"], "coordinator");
    for operation in ["read", "write", "delete", "work-cases", "see-edges", "administer"] {
        assert!(session["may"].as_array().unwrap().contains(&json!(operation)), "{operation}");
    }
    let again = Browser::new(&hub).sign_in("/api/v1/session/link", json!({ "link": first_link(&hub) })).await;
    assert_eq!((again.status, again.json()["code"].as_str()), (401, Some("sign-in-refused")));
    assert_eq!(
        browser.send(Method::GET, "/api/v1/session", Value::Null).await.json()["csrf"],
        session["csrf"]
    );

    let row = &hub.audit(Action::SignedIn).await[0];
    assert!(matches!(&row.event.actor, Actor::Person { .. }) && row.event.detail["means"] == "link");
    assert_eq!(
        hub.audit(Action::Refused).await.iter().filter(|row| row.event.detail.contains_key("means")).count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_need_the_sessions_word_and_end_with_it() {
    let hub = TestHub::start().await;
    let browser = Browser::by_first_link(&hub).await;
    let case = json!({ "title": "from elsewhere", "severity": 1 });
    let forged = Browser { hub: &hub, cookie: browser.cookie.clone(), csrf: "guess".to_owned() };
    assert_eq!(forged.send(Method::POST, "/api/v1/cases", case.clone()).await.status, 403);
    let refused = &hub.audit(Action::Refused).await[0].event;
    assert!(
        matches!(refused.actor, Actor::Person { .. }),
        "whose session it is, is known: {:?}",
        refused.actor
    );
    assert_eq!(browser.send(Method::POST, "/api/v1/cases", case).await.status, 200);
    let out = browser.send(Method::DELETE, "/api/v1/session", Value::Null).await;
    assert_eq!(out.status, 204);
    assert!(
        out.header("set-cookie").contains("yagura_session=;")
            && out.header("set-cookie").contains("Max-Age=0")
    );
    assert_eq!(browser.send(Method::GET, "/api/v1/session", Value::Null).await.status, 401);
    assert_eq!(hub.audit(Action::SignedOut).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_signs_in_and_ends_other_sessions() {
    let hub = TestHub::start().await;
    let first = Browser::by_first_link(&hub).await;
    for (weak, why) in
        [("short", "12 to 256"), ("aaaaaaaaaaaaaaaaa", "repeats"), ("I am the administrator", "sign-in name")]
    {
        let reply = first.send(Method::PUT, "/api/v1/me/password", json!({ "password": weak })).await;
        assert_eq!(reply.status, 422);
        assert!(reply.json()["detail"].as_str().unwrap().contains(why), "{weak}");
    }
    assert_eq!(first.send(Method::PUT, "/api/v1/me/password", json!({ "password": GOOD })).await.status, 204);
    let mut second = Browser::new(&hub);
    let session = second
        .sign_in("/api/v1/session/password", json!({ "login": "administrator", "password": GOOD }))
        .await;
    assert_eq!((session.status, &session.json()["credential_needed"]), (200, &json!(false)));
    let other = json!({ "password": format!("{GOOD}!") });
    assert_eq!(second.send(Method::PUT, "/api/v1/me/password", other).await.status, 204);
    assert_eq!(
        first.send(Method::GET, "/api/v1/session", Value::Null).await.status,
        401,
        "the other session has ended"
    );
    assert_eq!(second.send(Method::GET, "/api/v1/session", Value::Null).await.status, 200);
    assert_eq!(hub.audit(Action::CredentialChanged).await.len(), 2);
    // A program has no password.
    let program =
        hub.send_json(&hub.token, Method::PUT, "/api/v1/me/password", json!({ "password": GOOD })).await;
    assert_eq!(program.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_can_be_told_to_take_no_passwords() {
    let hub = TestHub::start().await;
    let browser = Browser::by_first_link(&hub).await;
    let chosen = browser.send(Method::PUT, "/api/v1/me/password", json!({ "password": GOOD })).await;
    assert_eq!(chosen.status, 204);
    let folder = hub.folder.path().to_owned();
    let TestHub { running, token, folder: kept, .. } = hub;
    running.stop().await;
    let mut config = hub::HubConfig::new(folder, std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
    config.passwords = false;
    let hub = TestHub::over_with(kept, &token, config).await;
    let node = hub.get("/api/v1/node").stranger().send().await.json();
    assert_eq!(node["passwords"], false);
    let by_password = json!({ "login": "administrator", "password": GOOD });
    let refused = Browser::new(&hub).sign_in("/api/v1/session/password", by_password).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (403, Some("not-allowed")));
    let again = old_session(&hub).await;
    let chosen = again.send(Method::PUT, "/api/v1/me/password", json!({ "password": GOOD })).await;
    assert_eq!(chosen.status, 403, "nor does anybody choose one");
}

/// A session of the administrator's that began an hour ago.
pub async fn old_session(hub: &TestHub) -> Browser<'_> {
    let (secret, csrf) = left_open(hub).await;
    Browser { hub, cookie: format!("yagura_session={secret}"), csrf }
}

#[tokio::test(flavor = "multi_thread")]
async fn means_to_sign_in_change_only_with_a_fresh_proof() {
    let hub = TestHub::start().await;
    let fresh = Browser::by_first_link(&hub).await;
    let password = json!({ "password": GOOD });
    assert_eq!(
        fresh.send(Method::PUT, "/api/v1/me/password", password.clone()).await.status,
        204,
        "a link is a proof"
    );
    let mut old = old_session(&hub).await;
    let session = old.send(Method::GET, "/api/v1/session", Value::Null).await;
    assert_eq!(session.status, 200, "it is good for everything else");
    let passkey = format!("/api/v1/me/passkeys/{}", uuid::Uuid::new_v4());
    for (method, path, body) in [
        (Method::PUT, "/api/v1/me/password", password.clone()),
        (Method::POST, "/api/v1/me/passkeys/start", Value::Null),
        (
            Method::POST,
            "/api/v1/me/passkeys/finish",
            json!({ "challenge_id": uuid::Uuid::new_v4(), "name": "n", "credential": {} }),
        ),
        (Method::DELETE, passkey.as_str(), Value::Null),
    ] {
        let reply = old.send(method, path, body).await;
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (403, Some("fresh-proof-needed")),
            "{path}"
        );
    }
    let refusals = hub.audit(Action::Refused).await;
    assert!(
        refusals.len() == 4 && refusals.iter().all(|row| matches!(row.event.actor, Actor::Person { .. }))
    );

    // Whoever is there signs in again; that replaces the session that was open.
    let before = old.cookie.clone();
    let again =
        old.sign_in("/api/v1/session/password", json!({ "login": "administrator", "password": GOOD })).await;
    assert_eq!(again.status, 200);
    let replaced = Browser { hub: &hub, cookie: before, csrf: "word".to_owned() };
    assert_eq!(replaced.send(Method::GET, "/api/v1/session", Value::Null).await.status, 401);
    assert_eq!(old.send(Method::PUT, "/api/v1/me/password", password).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_is_slowed_and_learns_nothing() {
    let hub = TestHub::start().await;
    let browser = Browser::by_first_link(&hub).await;
    browser.send(Method::PUT, "/api/v1/me/password", json!({ "password": GOOD })).await;
    let attempt = async |login: &str, password: &str| {
        let body = json!({ "login": login, "password": password });
        Browser::new(&hub).sign_in("/api/v1/session/password", body).await
    };
    let mut told = Vec::new();
    for login in ["administrator", "nobody", &"n".repeat(100_000)] {
        let reply = attempt(login, "wrong wrong wrong").await;
        assert_eq!(reply.status, 401);
        told.push(reply.json()["detail"].clone());
    }
    assert_eq!(told[0], told[1], "a known and an unknown name are answered alike");
    assert_eq!(told[1], told[2], "and so is one that can be nobody's");
    for _ in 0..4 {
        attempt("administrator", "wrong wrong wrong").await;
    }
    let locked = attempt("administrator", GOOD).await;
    assert_eq!(
        (locked.status, locked.json()["code"].as_str()),
        (429, Some("too-many")),
        "also with the right password"
    );
    let known =
        |row: &store::audit::AuditRow| row.event.detail.get("means").is_some_and(|means| means == "password");
    let refusals = hub.audit(Action::Refused).await;
    assert_eq!(refusals.iter().filter(|row| known(row)).count(), 7);
    assert_eq!(
        refusals.iter().filter(|row| known(row) && row.event.objects.is_empty()).count(),
        2,
        "only the known account is named"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_out_a_pause_is_let_in() {
    let hub = TestHub::start().await;
    let browser = Browser::by_first_link(&hub).await;
    browser.send(Method::PUT, "/api/v1/me/password", json!({ "password": GOOD })).await;
    let attempt = async |password: &str| {
        let body = json!({ "login": "administrator", "password": password });
        Browser::new(&hub).sign_in("/api/v1/session/password", body).await
    };
    let wait = loop {
        let reply = attempt("wrong wrong wrong").await;
        if reply.status == 429 {
            break reply.header("retry-after").parse::<u64>().unwrap();
        }
        assert_eq!(reply.status, 401);
    };
    assert_eq!(attempt(GOOD).await.status, 429, "while it lasts, for the right password as well");
    assert!((1..=4).contains(&wait), "the first pause is short: {wait}");
    tokio::time::sleep(std::time::Duration::from_secs(wait) + std::time::Duration::from_millis(200)).await;
    assert_eq!(attempt(GOOD).await.status, 200);
    assert_eq!(attempt("wrong wrong wrong").await.status, 401, "and begins anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_push_out_everybodys_passkey_sign_ins() {
    let hub = TestHub::start().await;
    let mut begun = 0;
    let last = loop {
        let reply = Browser::new(&hub).send(Method::POST, "/api/v1/session/passkey/start", Value::Null).await;
        if reply.status != 200 {
            break reply;
        }
        begun += 1;
        assert!(begun <= 400, "as many as one likes");
    };
    assert_eq!((last.status, last.json()["code"].as_str()), (429, Some("too-many")));
    assert!(begun >= 200, "{begun}");
    // Other ways in are as open as before.
    Browser::by_first_link(&hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_in_without_a_name() {
    let hub = TestHub::start().await;
    let browser = Browser::by_first_link(&hub).await;
    let origin = format!("http://localhost:{}", hub.running.listen.port());
    let begin = browser.send(Method::POST, "/api/v1/me/passkeys/start", Value::Null).await.json();
    assert_eq!(begin["options"]["rp"]["id"], "localhost");
    assert_eq!(begin["options"]["authenticatorSelection"]["residentKey"], "required");
    let (mut key, credential) = Authenticator::create(&begin["options"], &origin);
    let finish =
        json!({ "challenge_id": begin["challenge_id"], "name": "わたしの鍵", "credential": credential });
    let added = browser.send(Method::POST, "/api/v1/me/passkeys/finish", finish.clone()).await;
    assert_eq!(
        (added.status, &added.json()["name"]),
        (200, &json!("わたしの鍵")),
        "{}",
        String::from_utf8_lossy(&added.body)
    );
    assert_eq!(
        browser.send(Method::POST, "/api/v1/me/passkeys/finish", finish).await.status,
        422,
        "a challenge is good once"
    );

    let start = async || {
        Browser::new(&hub).send(Method::POST, "/api/v1/session/passkey/start", Value::Null).await.json()
    };
    let mut other = Browser::new(&hub);
    let begin = start().await;
    let answer = json!({ "challenge_id": begin["challenge_id"], "credential": key.get(&begin["options"]) });
    let session = other.sign_in("/api/v1/session/passkey/finish", answer.clone()).await;
    assert_eq!((session.status, &session.json()["person"]["login"]), (200, &json!("administrator")));
    assert_eq!(
        Browser::new(&hub).sign_in("/api/v1/session/passkey/finish", answer).await.status,
        401,
        "replayed"
    );

    // Asked by a page of another origin.
    key.origin = "http://localhost.evil.example".to_owned();
    let begin = start().await;
    let answer = json!({ "challenge_id": begin["challenge_id"], "credential": key.get(&begin["options"]) });
    assert_eq!(Browser::new(&hub).sign_in("/api/v1/session/passkey/finish", answer).await.status, 401);

    let own = other.send(Method::GET, "/api/v1/me/passkeys", Value::Null).await.json();
    let path = format!("/api/v1/me/passkeys/{}", own[0]["id"].as_str().unwrap());
    assert_eq!(
        other.send(Method::DELETE, &path, Value::Null).await.status,
        422,
        "the only means to sign in stays"
    );
    assert_eq!(other.send(Method::PUT, "/api/v1/me/password", json!({ "password": GOOD })).await.status, 204);
    assert_eq!(other.send(Method::DELETE, &path, Value::Null).await.status, 204);
    assert_eq!(other.send(Method::DELETE, &path, Value::Null).await.status, 404);
}
