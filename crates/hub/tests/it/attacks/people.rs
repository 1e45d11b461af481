//! Against people and programs that are signed in: what somebody does who has a token or a cookie that is not his, plants one, or makes
//! a browser ask for him.

use std::collections::BTreeSet;

use oversight::{OrganisationId, OrganisationRole, PersonRole, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use store::{Act, people, secrets, tokens};

use super::{Attack, answer, noticed};
use crate::authorisation::{add_person, sign_in};
use crate::commissioners::wanted;
use crate::rest::JSON;
use crate::sign_in::{Browser, GOOD, first_link, old_session};
use crate::support::{Reply, TestHub};

pub async fn all() -> Vec<Attack> {
    vec![stolen_token().await, stolen_session().await, fixation().await, forged_requests().await]
}

/// Asks at every kind of door with this in `Authorization`; the refusal where all refuse.
async fn everywhere(hub: &TestHub, authorization: &str) -> Option<String> {
    let mut told = None;
    for path in ["/api/v1/objects", "/taxii2/", "/council/collections/", "/events/index", "/api/v1/stream"] {
        let reply =
            hub.get(path).header("authorization", authorization).header("accept", "*/*").response().await;
        if reply.status().as_u16() != 401 {
            return None;
        }
        told = Some("401 at every door".to_owned());
    }
    told
}

async fn stolen_token() -> Attack {
    let mut attack = Attack::new("Stolen token", "hub");
    let hub = TestHub::start().await;
    hub.organisation("harbour", OrganisationRole::Operator).await;
    let good = hub.token("harbour", &[PersonRole::Analyst]).await;
    assert_eq!(hub.get("/api/v1/objects").bearer(&good).header("accept", JSON).send().await.status, 200);
    let hash = hex::encode(secrets::hash(&good));
    attack.refused("the hash that the database keeps", everywhere(&hub, &format!("Bearer {hash}")).await);
    attack.refused("the same with a token's beginning", everywhere(&hub, &format!("Bearer yg_{hash}")).await);
    let last = if good.ends_with('A') { "B" } else { "A" };
    let near = format!("{}{last}", good.split_at(good.len() - 1).0);
    attack.refused("all of it but the last letter", everywhere(&hub, &format!("Bearer {near}")).await);
    let edge = hub.edge("harbour-1", "harbour").await;
    attack.refused("an edge's token at a program's doors", everywhere(&hub, &format!("Bearer {edge}")).await);
    let link = hub.get("/edge/v1/authorisations").bearer(&good).header("accept", JSON).send().await;
    attack.refused("a program's token at the edges' link", answer(&link));
    for (what, method, path, body) in [
        ("signs in passkeys", Method::POST, "/api/v1/me/passkeys/start", Value::Null),
        ("chooses a password", Method::PUT, "/api/v1/me/password", json!({ "password": GOOD })),
        ("makes a token for itself", Method::POST, "/api/v1/tokens", new_token("harbour")),
        ("makes an account", Method::POST, "/api/v1/people", new_person("harbour")),
        ("reads the record of acts", Method::GET, "/api/v1/audit", Value::Null),
        ("asks for an authorisation", Method::POST, "/api/v1/authorisations", wanted(&["harbour"])),
    ] {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = hub.ask(method, path).bearer(&good).header("accept", JSON).header("content-type", JSON);
        attack.refused(format!("an analyst's program {what}"), answer(&reply.body(body).send().await));
    }
    let revoked = hub.token("harbour", &[PersonRole::Analyst]).await;
    let hash = secrets::hash(&revoked);
    let found = hub.running.store().read(move |reader| tokens::by_hash(reader, &Realm::Live, &hash));
    let path = format!("/api/v1/tokens/{}", found.await.unwrap().unwrap().id);
    let gone = hub.ask(Method::DELETE, &path).header("accept", JSON).send().await;
    assert!(gone.status < 300, "{}", gone.status);
    attack.refused("one that was revoked", everywhere(&hub, &format!("Bearer {revoked}")).await);
    let expired = expired_token(&hub).await;
    attack.refused("one that has expired", everywhere(&hub, &format!("Bearer {expired}")).await);
    attack
}

/// A token whose time is over.
async fn expired_token(hub: &TestHub) -> String {
    let secret = secrets::generate("yg_").unwrap();
    let hash = secrets::hash(&secret);
    let done = hub.running.store().write(move |tx| {
        let organisation = OrganisationId::parse("harbour").unwrap();
        let now = tx.now();
        let token = tokens::Token {
            id: uuid::Uuid::new_v4().to_string(),
            name: "old".to_owned(),
            organisation,
            roles: BTreeSet::from([PersonRole::Analyst]),
            created: now - jiff::SignedDuration::from_hours(1),
            expires: now,
            last_used: None,
            revoked: None,
            doors: BTreeSet::new(),
            certificate: None,
        };
        tokens::add(tx, &Realm::Live, &token, &hash).map(Act::bookkeeping)
    });
    done.await.unwrap();
    secret
}

fn new_token(organisation: &str) -> Value {
    json!({ "name": "n", "organisation": organisation, "roles": ["analyst"] })
}

fn new_person(organisation: &str) -> Value {
    json!({ "login": format!("m-{}", uuid::Uuid::new_v4().simple()), "name": "Mallory", "organisation": organisation, "roles": ["analyst"] })
}

async fn stolen_session() -> Attack {
    let mut attack = Attack::new("Stolen session", "hub");
    let hub = TestHub::start().await;
    let old = old_session(&hub).await;
    assert_eq!(old.send(Method::GET, "/api/v1/session", Value::Null).await.status, 200);
    let fresh = Browser::by_first_link(&hub).await;
    for (path, body) in
        [("/api/v1/tokens", new_token("coordinator")), ("/api/v1/people", new_person("coordinator"))]
    {
        let made = fresh.send(Method::POST, path, body).await;
        assert_eq!(made.status, 200, "{}", String::from_utf8_lossy(&made.body));
    }
    let passkey = format!("/api/v1/me/passkeys/{}", uuid::Uuid::new_v4());
    for (what, method, path, body) in [
        ("chooses a password", Method::PUT, "/api/v1/me/password", json!({ "password": GOOD })),
        ("registers a passkey", Method::POST, "/api/v1/me/passkeys/start", Value::Null),
        ("removes a passkey", Method::DELETE, passkey.as_str(), Value::Null),
        ("makes a token that outlives it", Method::POST, "/api/v1/tokens", new_token("coordinator")),
        ("makes an account that outlives it", Method::POST, "/api/v1/people", new_person("coordinator")),
        (
            "registers an edge",
            Method::POST,
            "/api/v1/edges",
            json!({ "id": "x-1", "organisation": "coordinator", "name": "x" }),
        ),
    ] {
        attack.refused(
            format!("left open for an hour, it {what}"),
            answer(&old.send(method, path, body).await),
        );
    }
    let bare = Browser { hub: &hub, cookie: old.cookie.clone(), csrf: String::new() };
    let reply = bare.send(Method::POST, "/api/v1/cases", json!({ "title": "t", "severity": 1 })).await;
    attack.refused("the cookie without the session's word", answer(&reply));
    for (what, end) in [
        ("signed out", End::SignedOut),
        ("was disabled", End::Disabled),
        ("chose a new password", End::Password),
    ] {
        attack.refused(format!("after its person {what}"), ended(&hub, end).await);
    }
    let hash = hex::encode(secrets::hash("left-open"));
    let reply = Browser { hub: &hub, cookie: format!("yagura_session={hash}"), csrf: "word".to_owned() };
    let reply = reply.send(Method::GET, "/api/v1/session", Value::Null).await;
    attack.refused("the hash that the database keeps", answer(&reply));
    attack
}

enum End {
    SignedOut,
    Disabled,
    Password,
}

/// A copied session after its person did something.
async fn ended(hub: &TestHub, end: End) -> Option<String> {
    let account = add_person(hub, "coordinator", PersonRole::Analyst).await;
    let (secret, csrf) = sign_in(hub, &account).await;
    let stolen = Browser { hub, cookie: format!("yagura_session={secret}"), csrf };
    assert_eq!(stolen.send(Method::GET, "/api/v1/session", Value::Null).await.status, 200);
    match end {
        End::SignedOut => {
            assert_eq!(stolen.send(Method::DELETE, "/api/v1/session", Value::Null).await.status, 204);
        }
        End::Disabled => {
            let done = hub.running.store().write(move |tx| {
                let person = people::get(tx, &Realm::Live, &account)?.unwrap();
                let person = people::Person { disabled: true, ..person };
                people::update(tx, &Realm::Live, &person).map(Act::bookkeeping)
            });
            done.await.unwrap();
        }
        End::Password => {
            let (secret, csrf) = sign_in(hub, &account).await;
            let own = Browser { hub, cookie: format!("yagura_session={secret}"), csrf };
            let chosen = own.send(Method::PUT, "/api/v1/me/password", json!({ "password": GOOD })).await;
            assert_eq!(chosen.status, 204);
        }
    }
    answer(&stolen.send(Method::GET, "/api/v1/session", Value::Null).await)
}

async fn fixation() -> Attack {
    let mut attack = Attack::new("Session fixation", "hub");
    let hub = TestHub::start().await;
    // The stranger has an account as well, and plants the cookie of its own session, or one that it made up.
    let stranger = add_person(&hub, "coordinator", PersonRole::Analyst).await;
    let (own, csrf) = sign_in(&hub, &stranger).await;
    let first = Browser::by_first_link(&hub).await;
    let password = json!({ "password": GOOD });
    assert_eq!(first.send(Method::PUT, "/api/v1/me/password", password).await.status, 204);
    let login = json!({ "login": "administrator", "password": GOOD });
    for (what, planted) in
        [("a secret that it made up", "planted".to_owned()), ("the cookie of its own session", own)]
    {
        let cookie = format!("yagura_session={planted}");
        let mut victim = Browser { hub: &hub, cookie: cookie.clone(), csrf: csrf.clone() };
        let signed = victim.sign_in("/api/v1/session/password", login.clone()).await;
        assert_eq!((signed.status, signed.json()["person"]["login"].as_str()), (200, Some("administrator")));
        attack.refused(
            format!("{what} becomes the session"),
            noticed(victim.cookie != cookie, "the sign-in draws another"),
        );
        let planted = Browser { hub: &hub, cookie, csrf: csrf.clone() };
        let reply = planted.send(Method::GET, "/api/v1/session", Value::Null).await;
        attack.refused(format!("{what} is good afterwards"), answer(&reply));
        let (other, _) = sign_in(&hub, &stranger).await;
        for cookies in [
            format!("yagura_session={other}; {}", victim.cookie),
            format!("{}; yagura_session={other}", victim.cookie),
        ] {
            let both = Browser { hub: &hub, cookie: cookies, csrf: victim.csrf.clone() };
            let reply = both.send(Method::GET, "/api/v1/session", Value::Null).await;
            attack.refused("a second cookie of the name beside the right one", answer(&reply));
        }
    }
    let mut link = Browser::new(&hub);
    let again = link.sign_in("/api/v1/session/link", json!({ "link": first_link(&hub) })).await;
    attack.refused("a sign-in link that was used", answer(&again));
    attack
}

async fn forged_requests() -> Attack {
    let mut attack = Attack::new("CSRF", "hub");
    let hub = TestHub::start().await;
    let browser = Browser::by_first_link(&hub).await;
    let case = json!({ "title": "from elsewhere", "severity": 1 });
    assert_eq!(browser.send(Method::POST, "/api/v1/cases", case.clone()).await.status, 200);
    let other = Browser { hub: &hub, cookie: old_session(&hub).await.cookie, csrf: browser.csrf.clone() };
    for (what, cookie, word) in [
        ("without the session's word", &browser.cookie, ""),
        ("with a guess", &browser.cookie, "guess"),
        ("with another session's word", &other.cookie, browser.csrf.as_str()),
    ] {
        let forged = Browser { hub: &hub, cookie: cookie.clone(), csrf: word.to_owned() };
        attack.refused(what, answer(&forged.send(Method::POST, "/api/v1/cases", case.clone()).await));
    }
    // What another site's page can send without asking first: forms, and their ways around methods and media types.
    let form = async |method: Method, path: &str, media: &str, extra: (&str, &str)| -> Reply {
        let ask = hub.ask(method, path).stranger().header("accept", "*/*").header("content-type", media);
        let ask = ask.header("cookie", &browser.cookie).header(extra.0, extra.1);
        ask.body(case.to_string()).send().await
    };
    let evil = ("origin", "https://evil.example");
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let reply = form(Method::POST, "/api/v1/cases", media, evil).await;
        attack.refused(format!("a form as {media}"), answer(&reply));
    }
    let word = format!("/api/v1/cases?x-yagura-csrf={}", browser.csrf);
    attack.refused("the word in the address", answer(&form(Method::POST, &word, JSON, evil).await));
    let reply = form(Method::POST, "/api/v1/cases", JSON, ("x-http-method-override", "GET")).await;
    attack.refused("a method that a header denies", answer(&reply));
    let count = hub.good(&hub.token, "/api/v1/cases").await["cases"].as_array().map_or(0, Vec::len);
    let reply = form(Method::GET, "/api/v1/cases", JSON, ("x-http-method-override", "POST")).await;
    let after = hub.good(&hub.token, "/api/v1/cases").await["cases"].as_array().map_or(0, Vec::len);
    let is_still = reply.status == 200 && count == after;
    attack.refused("a GET that says it is a POST", noticed(is_still, "answered as the GET that it is"));
    // A stranger's page signs the browser in as somebody else: its form is no JSON.
    let login =
        hub.ask(Method::POST, "/api/v1/session/password").stranger().header("content-type", "text/plain");
    let login = login.header("origin", "https://evil.example").header("accept", "*/*");
    let login = login.body(json!({ "login": "administrator", "password": GOOD }).to_string()).send().await;
    attack.refused("a form that signs in", answer(&login));
    for path in ["/api/v1/cases", "/council/collections/", "/api/v1/session/password"] {
        let ask = hub.ask(Method::OPTIONS, path).stranger().header("origin", "https://evil.example");
        let ask = ask.header("access-control-request-method", "POST");
        let reply = ask.header("access-control-request-headers", "content-type, x-yagura-csrf").send().await;
        let allowed = reply.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
        attack.refused(
            format!("another site asks whether it may ({path})"),
            noticed(!allowed, "no site is named"),
        );
    }
    for operation in changing() {
        let (method, path) = operation.split_once(' ').unwrap();
        let path = path.replace(['{', '}'], "");
        let ask = hub.ask(method.parse().unwrap(), &path).stranger().header("accept", "*/*");
        let ask = ask.header("cookie", &browser.cookie).header("content-type", JSON);
        let reply = ask.body("{}").send().await;
        let is_refused = reply.status == 403;
        attack.refused(format!("`{operation}` by the cookie alone"), answer(&reply).filter(|_| is_refused));
    }
    attack
}

/// The operations that change something and that a session may ask for.
fn changing() -> Vec<String> {
    let all = hub::all_operations("council").into_iter();
    let changing = all.filter(|operation| !operation.starts_with("GET ") && !operation.starts_with("HEAD "));
    // Signing in needs no session, and edges have none.
    changing
        .filter(|operation| {
            // Whoever holds a report's receipt follows it, signed in or not.
            !operation.contains("/edge/v1/")
                && !operation.starts_with("POST /api/v1/session/")
                && *operation != "POST /api/v1/anonymous/follow"
        })
        .collect()
}
