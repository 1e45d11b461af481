//! A hub of its own for each test, and how to talk to it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use hub::{Hub, HubConfig, RunningHub};
use oversight::{Action, Actor, AuditEvent, OrganisationId, OrganisationRole, PersonRole, Purpose, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use store::audit::{AuditFilter, AuditRow};
use store::edges::Edge;
use store::organisations::Organisation;
use store::tokens::Token;
use store::{Act, audit, edges, organisations, secrets, tokens};
use tempfile::TempDir;

pub const TAXII: &str = "application/taxii+json;version=2.1";

/// A running hub and its folder.
pub struct TestHub {
    pub running: RunningHub,
    pub token: String,
    pub folder: TempDir,
    http: reqwest::Client,
}

/// An answer.
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The texts of an envelope's objects, byte for byte.
    pub fn objects(&self) -> Vec<String> {
        #[derive(serde::Deserialize)]
        struct Envelope {
            #[serde(default)]
            objects: Vec<Box<serde_json::value::RawValue>>,
        }
        let envelope: Envelope = serde_json::from_slice(&self.body).unwrap();
        envelope.objects.iter().map(|raw| raw.get().to_owned()).collect()
    }

    pub fn ids(&self) -> Vec<String> {
        let id =
            |text: &String| serde_json::from_str::<Value>(text).unwrap()["id"].as_str().unwrap().to_owned();
        self.objects().iter().map(id).collect()
    }
}

/// A request in the making; signed in as the administrator's program unless it says otherwise.
pub struct Ask<'a> {
    hub: &'a TestHub,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl<'a> Ask<'a> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn stranger(self) -> Self {
        self.header("authorization", "")
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Only the status: for answers that do not end.
    pub async fn status(self) -> u16 {
        self.response().await.status().as_u16()
    }

    /// The answer as it comes.
    pub async fn response(self) -> reqwest::Response {
        let url = format!("http://{}{}", self.hub.running.listen, self.path);
        let mut request = self.hub.http.request(self.method, url);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.body(self.body).send().await.unwrap()
    }

    pub async fn send(self) -> Reply {
        let response = self.response().await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }
}

impl TestHub {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut HubConfig)) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let mut config = HubConfig::new(folder.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
        change(&mut config);
        let running = Hub::start(config).await.unwrap();
        let token = running.first_start.as_ref().unwrap().token.clone();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { running, token, folder, http }
    }

    /// Another hub of the same node, with a data folder of its own, on the same database.
    pub async fn beside(&self, place: &store::Place) -> Self {
        self.beside_with(place, |_| {}).await
    }

    pub async fn beside_with(&self, place: &store::Place, change: impl FnOnce(&mut HubConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["node.key", "peer.key", "peer.crt"] {
            std::fs::copy(self.folder.path().join(name), folder.path().join(name)).unwrap();
        }
        let mut config = HubConfig::new(folder.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
        config.store = Some(place.clone());
        change(&mut config);
        let running = Hub::start(config).await.unwrap();
        assert!(running.first_start.is_none());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { running, token: self.token.clone(), folder, http }
    }

    /// Stops the hub and starts it again over the same folder.
    pub async fn restart(self) -> Self {
        let Self { running, token, folder, .. } = self;
        running.stop().await;
        Self::over(folder, &token).await
    }

    /// Starts a hub over a folder that was one's before.
    pub async fn over(folder: TempDir, token: &str) -> Self {
        let config = HubConfig::new(folder.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
        Self::over_with(folder, token, config).await
    }

    /// The same with a configuration.
    pub async fn over_with(folder: TempDir, token: &str, config: HubConfig) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { running: Hub::start(config).await.unwrap(), token: token.to_owned(), folder, http }
    }

    pub fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let headers = vec![
            ("accept".to_owned(), TAXII.to_owned()),
            ("content-type".to_owned(), TAXII.to_owned()),
            ("authorization".to_owned(), format!("Bearer {}", self.token)),
        ];
        Ask { hub: self, method, path: path.to_owned(), headers, body: Vec::new() }
    }

    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    /// A path within the collection.
    pub fn within(&self, rest: &str) -> String {
        format!("/council/collections/{}/{rest}", self.running.collection)
    }

    /// Posts objects and gives the status resource.
    pub async fn post(&self, objects: &[Value]) -> Value {
        self.post_as(&self.token, objects).await
    }

    pub async fn post_as(&self, token: &str, objects: &[Value]) -> Value {
        let reply = self.post_raw(json!({ "objects": objects }).to_string()).bearer(token).send().await;
        assert_eq!(reply.status, 202, "{}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    pub fn post_raw(&self, body: impl Into<Vec<u8>>) -> Ask<'_> {
        self.ask(Method::POST, &self.within("objects/")).body(body)
    }

    /// Adds an organisation.
    pub async fn organisation(&self, id: &str, role: OrganisationRole) {
        let id = OrganisationId::parse(id).unwrap();
        let done = self.running.store().write(move |tx| {
            let organisation = Organisation {
                id: id.clone(),
                name_ja: id.to_string(),
                name_en: id.to_string(),
                role,
                sectors: Vec::new(),
                prefecture: None,
                identity: stix::Id::new("identity", uuid::Uuid::new_v4()),
                created: tx.now(),
            };
            organisations::add(tx, &Realm::Live, &organisation)?;
            Ok(Act::audited((), &Realm::Live, set_up(Action::OrganisationChanged)))
        });
        done.await.unwrap();
    }

    /// A token of an organisation's.
    pub async fn token(&self, organisation: &str, roles: &[PersonRole]) -> String {
        let secret = secrets::generate("yg_").unwrap();
        let hash = secrets::hash(&secret);
        let (organisation, roles) =
            (OrganisationId::parse(organisation).unwrap(), BTreeSet::from_iter(roles.iter().copied()));
        let done = self.running.store().write(move |tx| {
            let token = Token {
                id: uuid::Uuid::new_v4().to_string(),
                name: "test".to_owned(),
                organisation,
                roles,
                created: tx.now(),
                expires: tx.now() + jiff::SignedDuration::from_hours(1),
                last_used: None,
                revoked: None,
                doors: BTreeSet::new(),
                certificate: None,
            };
            tokens::add(tx, &Realm::Live, &token, &hash)?;
            Ok(Act::audited((), &Realm::Live, set_up(Action::TokenIssued)))
        });
        done.await.unwrap();
        secret
    }

    /// An edge's token.
    pub async fn edge(&self, id: &str, organisation: &str) -> String {
        let secret = secrets::generate("ye_").unwrap();
        let (hash, id, organisation) =
            (secrets::hash(&secret), id.to_owned(), OrganisationId::parse(organisation).unwrap());
        let done = self.running.store().write(move |tx| {
            let edge =
                Edge { name: id.clone(), id, organisation, created: tx.now(), hello: None, heard: None };
            edges::add(tx, &Realm::Live, &edge, &hash)?;
            Ok(Act::audited((), &Realm::Live, set_up(Action::EdgeChanged)))
        });
        done.await.unwrap();
        secret
    }

    /// The audit log, newest first.
    pub async fn audit(&self, action: Action) -> Vec<AuditRow> {
        let filter =
            AuditFilter { action: Some(action.name().to_owned()), limit: 1000, ..AuditFilter::default() };
        self.running.store().read(move |reader| audit::list(reader, &Realm::Live, &filter)).await.unwrap()
    }
}

fn set_up(action: Action) -> AuditEvent {
    AuditEvent::done(action, Actor::Node, Purpose::Administration)
}

/// A valid indicator.
pub fn indicator(modified: &str) -> Value {
    indicator_with(&format!("indicator--{}", uuid::Uuid::new_v4()), modified)
}

pub fn indicator_with(id: &str, modified: &str) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1", "id": id, "created": "2024-01-01T00:00:00.000Z", "modified": modified,
        "pattern": "[ipv4-addr:value = '198.51.100.1']", "pattern_type": "stix", "valid_from": "2024-01-01T00:00:00Z",
    })
}

/// The same, marked.
pub fn marked(mut object: Value, level: stix::marking::Tlp) -> Value {
    object["object_marking_refs"] = json!([level.id()]);
    object
}

pub fn id_of(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

pub const V1: &str = "2024-01-01T00:00:00.000Z";
pub const V2: &str = "2024-02-01T00:00:00.000Z";
pub const V3: &str = "2024-03-01T00:00:00.000001Z";
