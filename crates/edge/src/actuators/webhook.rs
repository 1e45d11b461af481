//! A device of somebody else's behind HTTP: it is put the whole of what it is to keep out, and is asked what it has.
//!
//! `PUT` bears the list, `GET` gives one of the same form back; both bear a time and an HMAC over method, time and body, so that nobody
//! else can order anything and an old list cannot be put again. What it is asked for counts, and not that it took the list.

use std::collections::BTreeSet;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use openc2::{DateTime, Direction};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tokio::runtime::Handle;

use super::{Actuator, Block, Change, Desired, Failed, Found, Manner, Reading, What};
use crate::orders::engine::parsed;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest list that is read, in bytes.
const LIST_BYTES_MAX: usize = 16 << 20;

/// A device behind HTTP.
pub(crate) struct Webhook {
    url: String,
    secret: Secret,
    names: bool,
    http: Option<reqwest::Client>,
    /// The runtime that requests run on; the engine's thread waits for them.
    runtime: Option<Handle>,
}

/// What is signed with; in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub(crate) [u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// What is kept out, as it goes over the wire.
#[derive(Serialize, Deserialize)]
struct Listed {
    blocks: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    /// An address, a network or a name.
    what: String,
    /// When it ends, in milliseconds since 1970; the receiver ends it by itself then.
    #[serde(default)]
    until: u64,
    /// The command.
    #[serde(default)]
    by: String,
}

impl Webhook {
    pub(crate) fn new(url: String, secret: Secret, names: bool) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            // A redirection could carry the list to somebody else.
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Self { url, secret, names, http: http.ok(), runtime: Handle::try_current().ok() }
    }

    fn ask(&self, method: Method, body: &str, now: DateTime) -> Result<Vec<u8>, Failed> {
        let (Some(http), Some(runtime)) = (&self.http, &self.runtime) else {
            return Err(Failed("no request can be made here".to_owned()));
        };
        let signature = sign(&self.secret, method.as_str(), now, body);
        let request = http
            .request(method, &self.url)
            .header("content-type", "application/json")
            .header("x-yagura-time", now.0.to_string())
            .header("x-yagura-signature", format!("sha256={signature}"))
            .body(body.to_owned());
        runtime.block_on(async {
            // An address may bear what signs in; it is in no reason.
            let away =
                |error: reqwest::Error| Failed(format!("it cannot be reached: {}", error.without_url()));
            let mut answer = request.send().await.map_err(away)?;
            if !answer.status().is_success() {
                return Err(Failed(format!("it answers {}", answer.status().as_u16())));
            }
            let mut bytes = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(away)? {
                bytes.extend_from_slice(&chunk);
                if bytes.len() > LIST_BYTES_MAX {
                    return Err(Failed("it answers too much".to_owned()));
                }
            }
            Ok(bytes)
        })
    }
}

/// HMAC-SHA-256 over `METHOD LF TIME LF BODY`, in hexadecimal.
fn sign(secret: &Secret, method: &str, now: DateTime, body: &str) -> String {
    let mut block = [0; 64];
    block.iter_mut().zip(secret.0).for_each(|(to, from)| *to = from);
    // HMAC pads a shorter key with zeros to one block (RFC 2104), so this is the same as with the key itself.
    let mut mac: Hmac<Sha256> = Hmac::new(&block.into());
    mac.update(format!("{method}\n{}\n{body}", now.0).as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn plainly(what: What) -> Block {
    Block { what, direction: Direction::Both, manner: Manner::Drop }
}

impl Actuator for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn carries(&self, what: &What) -> bool {
        matches!(what, What::Name(_)) == self.names
    }

    fn apply(&mut self, change: Change<'_>, now: DateTime) -> Result<(), Failed> {
        let entry = |(block, wanted): (&Block, &super::Wanted)| Entry {
            what: block.what.to_string(),
            until: wanted.until.0,
            by: wanted.by.clone(),
        };
        let listed = Listed { blocks: change.all.iter().map(entry).collect() };
        let body = serde_json::to_string(&listed).map_err(|error| Failed(error.to_string()))?;
        self.ask(Method::PUT, &body, now).map(drop)
    }

    fn read(&mut self, all: &Desired, now: DateTime) -> Result<Reading, Failed> {
        let bytes = self.ask(Method::GET, "", now)?;
        let listed: Listed = serde_json::from_slice(&bytes)
            .map_err(|_| Failed("what it says that it has cannot be read".to_owned()))?;
        let found: BTreeSet<What> = listed.blocks.iter().filter_map(|entry| parsed(&entry.what)).collect();
        let wanted: BTreeSet<&What> = all.keys().map(|block| &block.what).collect();
        let foreign = found.iter().filter(|what| !wanted.contains(what)).cloned().map(plainly).collect();
        let standing = found.iter().cloned().map(|what| (plainly(what), Found::default())).collect();
        Ok(Reading { standing, foreign })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::get;

    use super::*;
    use crate::actuators::Wanted;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn it_is_put_a_signed_list_and_asked_for_it() {
        let has = Arc::new(Mutex::new("{\"blocks\":[]}".to_owned()));
        let is_signed = |method: &'static str| {
            move |headers: &HeaderMap, body: &str| {
                let said = |name: &str| headers[name].to_str().unwrap().to_owned();
                let now = DateTime(said("x-yagura-time").parse().unwrap());
                said("x-yagura-signature") == format!("sha256={}", sign(&Secret([7; 32]), method, now, body))
            }
        };
        let (put, gave) = (Arc::clone(&has), Arc::clone(&has));
        let taking = move |headers: HeaderMap, body: String| async move {
            if !is_signed("PUT")(&headers, &body) {
                return StatusCode::FORBIDDEN;
            }
            *put.lock().unwrap() = body;
            StatusCode::NO_CONTENT
        };
        let giving = move |headers: HeaderMap| async move {
            assert!(is_signed("GET")(&headers, ""));
            gave.lock().unwrap().clone()
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/blocks", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/blocks", get(giving).put(taking));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut device = Webhook::new(url.clone(), Secret([7; 32]), false);
        let mut stranger = Webhook::new(url, Secret([8; 32]), false);
        let checked = tokio::task::spawn_blocking(move || {
            let now = DateTime(1_790_000_000_000);
            let block = plainly(What::Net("192.0.2.1/32".parse().unwrap()));
            let wanted = Wanted { until: DateTime(now.0 + 5), by: "c-1".into() };
            let all: Desired = [(block.clone(), wanted)].into();
            assert!(device.read(&all, now).unwrap().standing.is_empty());
            let failed = stranger.apply(Change { all: &all, put: &[], take: &[] }, now).unwrap_err();
            assert_eq!(failed.to_string(), "it answers 403");
            device.apply(Change { all: &all, put: &[], take: &[] }, now).unwrap();
            let reading = device.read(&all, now).unwrap();
            assert_eq!(reading.standing.keys().collect::<Vec<_>>(), [&block]);
            assert_eq!(device.read(&Desired::new(), now).unwrap().foreign, [block]);
        });
        checked.await.unwrap();
        assert!(has.lock().unwrap().contains("\"by\":\"c-1\""));
    }
}
