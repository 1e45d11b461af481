//! A person who is signed in at a hub, and what it asks.

use serde_json::{Value, json};

use crate::running::{Hub, RUNTIME, admin};

/// A person with a session, by a link that `yagura admin` printed.
pub(crate) struct Person {
    address: String,
    http: reqwest::Client,
    cookie: String,
    csrf: String,
}

impl Person {
    /// Adds a person and signs it in.
    #[track_caller]
    pub(crate) fn of(hub: &Hub, organisation: &str, role: &str) -> Self {
        let login = format!("{organisation}-{role}-{}", uuid::Uuid::new_v4().simple());
        let link =
            admin(hub, &["user", "add", &login, "--name", &login, "--org", organisation, "--role", role]);
        let secret = link.split_once("#link=").unwrap().1.lines().next().unwrap().to_owned();
        // With the runtime comes what speaks TLS.
        std::sync::LazyLock::force(&RUNTIME);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let (cookie, session) = RUNTIME.block_on(async {
            let url = format!("{}/api/v1/session/link", hub.address);
            let answer = http.post(url).json(&json!({ "link": secret })).send().await.unwrap();
            assert_eq!(answer.status(), 200);
            let cookie =
                answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
            (cookie, answer.json::<Value>().await.unwrap())
        });
        let csrf = session["csrf"].as_str().unwrap().to_owned();
        Self { address: hub.address.clone(), http, cookie, csrf }
    }

    /// The answer to a question that must be granted.
    #[track_caller]
    pub(crate) fn good(&self, path: &str) -> Value {
        let (status, answer) = self.ask(self.http.get(format!("{}{path}", self.address)));
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The answer to an act that must be granted.
    #[track_caller]
    pub(crate) fn done(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(self.http.post(format!("{}{path}", self.address)).json(body));
        assert!(status < 300, "{path}: {status} {answer}");
        answer
    }

    /// The status of an act that is refused.
    pub(crate) fn refused(&self, path: &str, body: &Value) -> u16 {
        let (status, answer) = self.ask(self.http.post(format!("{}{path}", self.address)).json(body));
        assert!(status >= 400, "{path}: {status} {answer}");
        status
    }

    fn ask(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let request = request.header("cookie", &self.cookie).header("x-yagura-csrf", &self.csrf);
        RUNTIME.block_on(async {
            let answer = request.header("accept", "application/json").send().await.unwrap();
            let status = answer.status().as_u16();
            (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
        })
    }
}
