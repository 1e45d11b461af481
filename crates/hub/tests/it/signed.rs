//! A person who is signed in, and what it asks.

use oversight::{PersonRole, Realm};
use reqwest::Method;
use serde_json::Value;
use store::{Act, people, secrets, sessions};

use crate::authorisation::{add_person, sign_in};
use crate::support::{Ask, Reply, TestHub};

/// A person with a session.
pub struct Signed<'a> {
    hub: &'a TestHub,
    secret: String,
    csrf: String,
}

/// The secret and the word of a session of the administrator's that began an hour ago.
pub async fn left_open(hub: &TestHub) -> (String, String) {
    let added = hub.running.store().write(|tx| {
        let person = people::by_login(tx, &Realm::Live, "administrator")?.unwrap();
        let session = sessions::Session {
            hash: secrets::hash("left-open"),
            person: person.id,
            csrf: "word".to_owned(),
            created: tx.now() - jiff::SignedDuration::from_hours(1),
            expires: tx.now() + jiff::SignedDuration::from_hours(1),
            seen: tx.now(),
            origin: sessions::Origin::default(),
        };
        sessions::add(tx, &Realm::Live, &session).map(Act::bookkeeping)
    });
    added.await.unwrap();
    ("left-open".to_owned(), "word".to_owned())
}

impl<'a> Signed<'a> {
    /// The administrator, whose sign-in is an hour old.
    pub async fn long_ago(hub: &'a TestHub) -> Self {
        let (secret, csrf) = left_open(hub).await;
        Self { hub, secret, csrf }
    }

    pub async fn person(hub: &'a TestHub, organisation: &str, role: PersonRole) -> Self {
        let account = add_person(hub, organisation, role).await;
        Self::again(hub, &account).await
    }

    /// Somebody whose account is there.
    pub async fn again(hub: &'a TestHub, account: &str) -> Self {
        let (secret, csrf) = sign_in(hub, account).await;
        Self { hub, secret, csrf }
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.ask(Method::POST, path, Some(body)).await
    }

    /// The answer to a question that must be granted.
    pub async fn good(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    /// The answer to an act that must be granted.
    pub async fn done(&self, path: &str, body: Value) -> Value {
        let reply = self.post(path, body).await;
        assert!(reply.status < 300, "{path}: {} {}", reply.status, String::from_utf8_lossy(&reply.body));
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.request(method, path, "application/json").body(body).send().await
    }

    /// Posts a body of another kind.
    pub async fn ask_as(&self, media: &str, path: &str, body: String) -> Reply {
        self.request(Method::POST, path, media).body(body).send().await
    }

    fn request(&self, method: Method, path: &str, media: &str) -> Ask<'_> {
        self.hub
            .ask(method, path)
            .stranger()
            .header("accept", media)
            .header("content-type", media)
            .header("cookie", &format!("yagura_session={}", self.secret))
            .header("x-yagura-csrf", &self.csrf)
    }
}
