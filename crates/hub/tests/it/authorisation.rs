//! Every operation, asked by every kind of principal, against a table that a person can review.
//!
//! The table is `tests/authorisation.txt`. An operation that is not in it fails the test, and so does an answer that is not what
//! the table says. `UPDATE=1` rewrites it; the difference is then a change of who may do what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use oversight::{OrganisationId, OrganisationRole, PersonRole, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;
use store::identity_providers::{self, Provider};
use store::people::Person;
use store::recoveries::{self, Recovery};
use store::sessions::{Origin, Session};
use store::{Act, peers, people, secrets, sessions};

use crate::rest::sighting;
use crate::support::{TAXII, TestHub, V1, id_of, indicator, marked};

/// Who asks.
#[derive(Clone)]
enum Asker {
    Stranger,
    Edge(String),
    /// A person, by account and organisation; each request gets a session of its own, since some end it.
    Person(String),
}

/// What an operation is asked with: the path filled in, and a body that would be taken.
struct Sample {
    path: String,
    media_type: &'static str,
    body: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_with_every_kind_of_principal() {
    let keys = crate::selections::Keys::new().await;
    let hub = TestHub::start_with(|config| {
        config.retention = Some(keys.config(730));
        config.transparency = Some(hub::TransparencyConfig::default());
    });
    let hub = hub.await;
    let walk = Walk::prepare(&hub).await;
    let mut found = String::from(HEAD);
    for operation in hub::all_operations("council") {
        walk.operation(&operation, &mut found).await;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authorisation.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let table = std::fs::read_to_string(&path).unwrap_or_default();
    let difference: Vec<String> = blocks(&found).difference(&blocks(&table)).cloned().collect();
    assert!(difference.is_empty(), "not as in tests/authorisation.txt:\n\n{}", difference.join("\n"));
    let gone: Vec<String> = blocks(&table).difference(&blocks(&found)).cloned().collect();
    assert!(gone.is_empty(), "in tests/authorisation.txt and not offered any more:\n\n{}", gone.join("\n"));
}

/// One operation each.
fn blocks(table: &str) -> BTreeSet<String> {
    table
        .split("\n\n")
        .skip(1)
        .map(|block| block.trim().to_owned())
        .filter(|block| !block.is_empty())
        .collect()
}

const HEAD: &str = "\
Who may do what. Rows: roles of organisations. Columns: what a person may do there:
analyst, duty_officer, approver, commissioner, planner, administrator, trainee.
yes: allowed. 401: sign in (otherwise). 403: not allowed. 404: not there, for this principal.
Objects asked for are TLP:AMBER+STRICT and the coordinator's; cases, edges and tokens are the coordinator's.
A test keeps this table (UPDATE=1 rewrites it): review every change of it as a change of who may do what.
";

struct Walk<'a> {
    hub: &'a TestHub,
    stranger_and_edge: [Asker; 2],
    /// By role of the organisation, in the order of the columns.
    people: Vec<(OrganisationRole, Vec<Asker>)>,
    misp: crate::misp_samples::Target,
    filed: tokio::sync::OnceCell<(String, String, String)>,
    begun: tokio::sync::OnceCell<(Value, String)>,
}

impl<'a> Walk<'a> {
    async fn prepare(hub: &'a TestHub) -> Self {
        let mut people = Vec::new();
        for role in OrganisationRole::ALL.iter().copied() {
            if role != OrganisationRole::Coordinator {
                hub.organisation(role.name(), role).await;
            }
            let mut row = Vec::new();
            for person in PersonRole::ALL.iter().copied() {
                row.push(Asker::Person(add_person(hub, role.name(), person).await));
            }
            people.push((role, row));
        }
        let edge = hub.edge("the-edge", "operator").await;
        let misp = crate::misp_samples::target(hub).await;
        let (filed, begun) = (tokio::sync::OnceCell::new(), tokio::sync::OnceCell::new());
        Self { hub, stranger_and_edge: [Asker::Stranger, Asker::Edge(edge)], people, misp, filed, begun }
    }

    /// Asks with everybody and writes the operation's block.
    async fn operation(&self, operation: &str, table: &mut String) {
        let [stranger, edge] = [&self.stranger_and_edge[0], &self.stranger_and_edge[1]];
        let outsiders = [self.ask(operation, stranger).await, self.ask(operation, edge).await];
        write!(table, "\n{operation}\n  stranger {}, edge {}\n", outsiders[0], outsiders[1]).unwrap();
        let mut rows: Vec<(&str, String)> = Vec::new();
        for (role, people) in &self.people {
            let mut answers = Vec::new();
            for person in people {
                answers.push(self.ask(operation, person).await);
            }
            let all_alike = answers.iter().all(|answer| *answer == answers[0]);
            rows.push((
                role.name(),
                if all_alike { format!("all {}", answers[0]) } else { answers.join(" ") },
            ));
        }
        if rows.iter().all(|(_, row)| *row == rows[0].1) {
            writeln!(table, "  everybody: {}", rows[0].1).unwrap();
        } else {
            for (role, row) in rows {
                writeln!(table, "  {role:<12} {row}").unwrap();
            }
        }
    }

    async fn ask(&self, operation: &str, asker: &Asker) -> String {
        let (method, path) = operation.split_once(' ').unwrap();
        let sample = match self.response_sample(method, path).await {
            Some(sample) => sample,
            None => self.sample(method, path).await,
        };
        let mut ask = self.hub.ask(Method::from_bytes(method.as_bytes()).unwrap(), &sample.path).stranger();
        ask = ask.header("accept", "*/*").header("content-type", sample.media_type);
        ask = match asker {
            Asker::Stranger => ask,
            Asker::Edge(token) => ask.bearer(token),
            Asker::Person(account) => {
                let (secret, csrf) = sign_in(self.hub, account).await;
                ask.header("cookie", &format!("yagura_session={secret}")).header("x-yagura-csrf", &csrf)
            }
        };
        if let Some(body) = sample.body {
            ask = ask.body(body);
        }
        match ask.status().await {
            status @ (401 | 403 | 404) => status.to_string(),
            status if status >= 500 => panic!("{operation}: {status}"),
            _ => "yes".to_owned(),
        }
    }

    /// A request that would be carried out if it were allowed, with a target made for it alone.
    async fn sample(&self, method: &str, path: &str) -> Sample {
        let hub = self.hub;
        let json = |path: &str, body: Value| Sample {
            path: path.to_owned(),
            media_type: "application/json",
            body: Some(body.to_string()),
        };
        let empty = |path: String| Sample { path, media_type: "application/json", body: None };
        let name = format!("n{}", uuid::Uuid::new_v4().simple());
        match (method, path) {
            (_, path) if path.contains("/evidence") => {
                let (path, body) = crate::evidence::sample(hub, method, path).await;
                let media_type =
                    if method == "PUT" { "application/octet-stream" } else { "application/json" };
                Sample { path, media_type, body }
            }
            ("GET", "/api/v1/values") => empty("/api/v1/values?value=198.51.100.1".to_owned()),
            ("GET", "/api/v1/releases") => empty("/api/v1/releases?organisation=academy".to_owned()),
            ("GET", "/api/v1/graph") => empty(format!("/api/v1/graph?nodes={}", self.open_actor().await)),
            ("GET", "/api/v1/graph/path") => {
                let actor = self.open_actor().await;
                empty(format!("/api/v1/graph/path?one={actor}&other={actor}"))
            }
            ("GET", "/api/v1/graph/common") => {
                let (one, other) = (self.open_actor().await, self.open_actor().await);
                empty(format!("/api/v1/graph/common?nodes={one}%0A{other}"))
            }
            ("GET", "/api/v1/actors/compare") => {
                let (one, other) = (self.open_actor().await, self.open_actor().await);
                empty(format!("/api/v1/actors/compare?ids={one},{other}"))
            }
            ("GET", path) if path.starts_with("/api/v1/actors/{id}") => {
                empty(path.replace("{id}", &self.open_actor().await))
            }
            ("GET", "/api/v1/matrix/{kill_chain}") => {
                hub.publish(&hub.token, &[technique()]).await;
                empty("/api/v1/matrix/mitre-attack".to_owned())
            }
            ("POST", "/api/v1/searches") => json(path, json!({ "name": name, "terms": {} })),
            ("PUT", "/api/v1/grades/{source}") => {
                json("/api/v1/grades/coordinator", json!({ "reliability": "B" }))
            }
            ("PUT", "/api/v1/products") => json(path, json!({ "products": [] })),
            ("POST", "/api/v1/sameness") => {
                let (one, other) = (self.open_actor().await, self.open_actor().await);
                json(path, json!({ "one": one, "other": other, "same": true }))
            }
            ("GET", "/edge/v1/intelligence") => empty("/edge/v1/intelligence?after=0&wait=0".to_owned()),
            ("GET", "/log/tile/{*place}") => empty("/log/tile/0/000.p/1".to_owned()),
            ("GET", "/log/authorisations/tile/{*place}") => {
                crate::commissioners::granted_behind(hub, "agency", "operator").await;
                crate::log::checkpoint_of(hub, "/log/authorisations", 1).await;
                empty("/log/authorisations/tile/0/000.p/1".to_owned())
            }
            ("GET", "/log/statistics/tile/{*place}") => {
                crate::statistics::published_behind(hub, 1).await;
                crate::log::checkpoint_of(hub, "/log/statistics", 1).await;
                empty("/log/statistics/tile/0/000.p/1".to_owned())
            }
            ("GET", "/api/v1/transparency/statistics/{leaf}") => {
                crate::statistics::published_behind(hub, 1).await;
                empty(path.replace("{leaf}", "0"))
            }
            ("POST", "/api/v1/oversight/statistics") => json(path, json!({ "note": "none" })),
            ("GET", "/edge/v1/authorisation-log") => empty(format!("{path}?from=0")),
            ("PUT", "/edge/v1/key") => json(path, json!({ "key": "00", "signature": "00" })),
            ("POST", "/edge/v1/receipts") => json(path, json!({ "receipts": [] })),
            ("POST", "/edge/v1/selections") => json(path, json!({ "selections": [] })),
            ("POST", "/api/v1/policy-proposals") => json(path, json!({ "reason": "r", "files": [] })),
            ("GET", "/api/v1/policy-proposals/{id}") => {
                empty(path.replace("{id}", &crate::proposals::open_one(hub).await))
            }
            ("POST", "/api/v1/policy-proposals/{id}/decision") => json(
                &path.replace("{id}", &crate::proposals::open_one(hub).await),
                json!({ "decision": "withdraw", "set": "", "text": "t" }),
            ),
            ("POST", "/api/v1/oversight/holds") => json(path, json!({ "class": "r", "reason": "r" })),
            ("POST", "/api/v1/authorisations") => json(path, crate::commissioners::wanted(&["operator"])),
            ("POST", "/api/v1/oversight/commission") => {
                json(path, crate::commissioners::constitution(&[], 2))
            }
            ("POST", "/api/v1/oversight/resolutions/start") => {
                json(path, json!({ "subject": "frame", "digest": "00" }))
            }
            ("POST", "/api/v1/oversight/resolutions/finish") => {
                json(path, json!({ "challenge_id": uuid::Uuid::new_v4(), "credential": {} }))
            }
            ("POST", "/api/v1/objects") => json(path, json!([indicator(V1)])),
            ("POST", "/api/v1/cases") => json(path, json!({ "title": "t", "severity": 1, "objects": [] })),
            ("POST", "/api/v1/rooms/entries") => self.room_sample(method, path).await,
            ("POST", "/api/v1/edges") => {
                json(path, json!({ "id": name, "organisation": "operator", "name": "n" }))
            }
            ("POST", "/api/v1/peers") => json(path, json!({ "card": "none", "organisation": "partner" })),
            ("POST", "/api/v1/agreements") => {
                json(path, agreement(&name, &["coordinator", "agency", "operator", "partner", "academy"]))
            }
            ("POST", "/api/v1/sharing-groups") => json(path, json!({ "name_ja": "n", "name_en": "n" })),
            ("POST", "/api/v1/audience") => json(path, json!([indicator(V1)])),
            ("POST", "/api/v1/organisations") => {
                json(path, json!({ "id": name, "name_ja": "n", "name_en": "n", "role": "academy" }))
            }
            ("POST", "/api/v1/people") => json(
                path,
                json!({ "login": name, "name": "n", "organisation": "operator", "roles": ["analyst"] }),
            ),
            ("POST", "/api/v1/taxii-links") => json(
                path,
                json!({ "id": name, "organisation": "operator", "discovery": "http://127.0.0.1:9/", "pulls": true }),
            ),
            ("POST", "/api/v1/identity-providers") => json(
                path,
                json!({ "id": name, "organisation": "operator", "issuer": "http://127.0.0.1:9", "client": "c" }),
            ),
            ("POST", "/api/v1/tokens") => {
                json(path, json!({ "organisation": "operator", "roles": ["analyst"], "name": "n" }))
            }
            ("POST", "/edge/v1/sightings") => {
                let object = marked(indicator(V1), Tlp::Green);
                hub.post(std::slice::from_ref(&object)).await;
                json(path, json!({ "sightings": [sighting(&id_of(&object))] }))
            }
            ("POST", "/edge/v1/opinions") => json(path, json!({ "opinions": [] })),
            ("POST", "/api/v1/recalls") => {
                json(path, json!({ "object": self.object().await, "reason": "r", "deadline_hours": 1 }))
            }
            ("POST", "/api/v1/release-requests") => {
                json(path, json!({ "object": self.object().await, "purpose": "own-defence", "reason": "r" }))
            }
            ("POST", "/api/v1/questions") => json(path, json!({ "title": "t", "text": "t", "tlp": "amber" })),
            ("POST", "/api/v1/anonymous") => {
                json(path, json!({ "objects": [indicator(V1)], "dry_run": true }))
            }
            ("POST", "/api/v1/anonymous/follow") => json(path, json!({ "receipt": "yr_0" })),
            ("POST", "/api/v1/notices/seen") => json(path, json!({ "through": V1 })),
            ("POST", "/edge/v1/hello") => json(
                path,
                json!({ "version": "1", "generation": 0, "indicators": 0, "refused": 0, "sources": [], "records": 0, "matches": 0,
                    "sent": 0, "waiting": 0, "withheld": 0, "trouble": null }),
            ),
            (_, path) if crate::misp_samples::is_misp(path) => {
                let (path, body) = crate::misp_samples::sample(hub, &self.misp, method, path).await;
                Sample { path, media_type: "application/json", body }
            }
            (_, path) if path.contains("/collections/{collection}") => self.taxii_sample(method, path).await,
            ("GET", "/council/status/{status}/") => {
                let status = hub.post(&[indicator(V1)]).await;
                empty(path.replace("{status}", status["id"].as_str().unwrap()))
            }
            (_, path) if path.starts_with("/api/v1/people/{id}") => self.person_sample(method, path).await,
            ("POST", "/api/v1/emergencies") => {
                json(path, json!({ "class": "incident", "reason": "r", "minutes": 1 }))
            }
            (_, path) if path.starts_with("/api/v1/emergencies/{id}") => {
                let person = add_person(self.hub, "operator", PersonRole::DutyOfficer).await;
                let minutes = if path.ends_with("/end") { 120 } else { 30 };
                let id = crate::emergencies::raised(self.hub, &person, "operator", minutes).await;
                json(&path.replace("{id}", &id), json!({ "justified": true, "finding": "f" }))
            }
            (_, path) if path.starts_with("/api/v1/qualifications/{id}") => {
                self.qualification_sample(path).await
            }
            (_, path) if path.starts_with("/api/v1/recoveries/{id}") => self.recovery_sample(path).await,
            (_, path) if path.starts_with("/api/v1/identity-providers/") => {
                self.provider_sample(method, path).await
            }
            (_, path) if path.starts_with("/api/v1/report") => self.report_sample(method, path).await,
            (_, path) if path.contains("{id}") => self.target_sample(method, path).await,
            ("GET" | "DELETE", path) => empty(path.to_owned()),
            // What anybody may try: a body that is refused for what it is, and costs nothing.
            (_, path) => json(path, json!({})),
        }
    }

    /// Playbooks, a run of the coordinator's, and an order to its edge.
    async fn response_sample(&self, method: &str, path: &str) -> Option<Sample> {
        const RANSOMWARE: &str = "playbook--a1f4f247-51b8-4fc6-b10f-b50d8f012b2c";
        const NEAR_MISS: &str = "playbook--43ef49ea-17c8-453b-bae7-291d107c3c40";
        let body = match (method, path) {
            ("GET", "/api/v1/playbooks/{id}") => None,
            ("POST", "/api/v1/playbooks") => {
                Some(json!({ "document": crate::runs::to_be_brought().to_string() }))
            }
            ("POST", "/api/v1/runs") => Some(json!({ "id": uuid::Uuid::new_v4(), "playbook": NEAR_MISS,
                "variables": { "__case__": "c", "__what__": "w" } })),
            ("POST", "/edge/v1/orders/reports") => Some(json!({ "reports": [] })),
            ("POST", "/api/v1/outreach") => {
                Some(json!({ "id": uuid::Uuid::new_v4(), "kind": "abuse", "recipient": "r", "way": "w",
                "text": "t", "tlp": "amber" }))
            }
            (_, path) if path.starts_with("/api/v1/runs/") || path.starts_with("/api/v1/orders/") => {
                return Some(self.run_sample(path).await);
            }
            _ => return None,
        };
        let path = path.replace("{id}", RANSOMWARE);
        Some(Sample { path, media_type: "application/json", body: body.map(|body| body.to_string()) })
    }

    /// A run of the coordinator's, and an order to its edge.
    async fn run_sample(&self, path: &str) -> Sample {
        // One for all: whatever became of it is no refusal.
        let (run, command) = self.begun.get_or_init(|| crate::runs::begun(self.hub)).await;
        let key = run["tasks"][0]["key"].as_str().unwrap_or("none").to_owned();
        let body = match path.rsplit('/').next().unwrap_or_default() {
            // It is answered already: whoever may answer is told that.
            "approve" | "approve-alone" | "refuse" => Some(json!({ "hash": "0".repeat(64), "reason": "r" })),
            // A run that a reader before paused goes on and the other way round: that it cannot twice is no refusal.
            "cancel" | "undo" | "failed" | "pause" | "continue" => Some(json!({ "reason": "r" })),
            "done" => Some(json!({})),
            "reconcile" => Some(json!({ "found": "not_happened" })),
            _ => None,
        };
        let id = run["summary"]["id"].as_str().unwrap();
        let path = path.replace("{id}", id).replace("{number}", "0").replace("{key}", &key);
        let path = path.replace("{command}", command);
        Sample { path, media_type: "application/json", body: body.map(|body| body.to_string()) }
    }

    async fn taxii_sample(&self, method: &str, path: &str) -> Sample {
        let path = path.replace("{collection}", &self.hub.running.collection.to_string());
        let path =
            if path.contains("{object}") { path.replace("{object}", &self.object().await) } else { path };
        let body = (method == "POST").then(|| json!({ "objects": [indicator(V1)] }).to_string());
        Sample { path, media_type: TAXII, body }
    }

    /// An operation on one object, case, edge, token or passkey, which it may use up.
    async fn target_sample(&self, method: &str, path: &str) -> Sample {
        let hub = self.hub;
        let id = if path.starts_with("/api/v1/objects/") {
            self.object().await
        } else if path.starts_with("/api/v1/cases/{id}/room") {
            return self.room_sample(method, path).await;
        } else if path.starts_with("/api/v1/cases/") {
            let body = json!({ "title": "t", "severity": 1, "objects": [] }).to_string();
            let case = self.made("/api/v1/cases", body).await;
            case["summary"]["id"].as_str().or(case["id"].as_str()).unwrap().to_owned()
        } else if path.starts_with("/api/v1/edges/") {
            let id = format!("e{}", uuid::Uuid::new_v4().simple());
            self.hub.edge(&id, "coordinator").await;
            id
        } else if path.contains("/rounds/{id}") || path.contains("/rounds/{round}") {
            return self.round_sample(method, path).await;
        } else if path.contains("/v1/authorisations/") || path.contains("/oversight/authorisations/") {
            crate::commissioners::granted_behind(hub, "agency", "operator").await.to_string()
        } else if path.starts_with("/api/v1/agreements/") {
            return self.agreement_sample(path).await;
        } else if path.starts_with("/api/v1/sharing-groups/") {
            return self.group_sample(path).await;
        } else if path.starts_with("/api/v1/peers/") {
            return self.peer_sample(method, path).await;
        } else if path.starts_with("/api/v1/taxii-links/") {
            return self.taxii_link_sample(method, path).await;
        } else if path.starts_with("/api/v1/tokens/") {
            let body =
                json!({ "organisation": "coordinator", "roles": ["trainee"], "name": "n" }).to_string();
            self.made("/api/v1/tokens", body).await["info"]["id"].as_str().unwrap().to_owned()
        } else {
            uuid::Uuid::new_v4().to_string()
        };
        let body = match method {
            "POST" if path.ends_with("/objects") => {
                Some(json!({ "objects": [self.object().await] }).to_string())
            }
            "PATCH" => Some(json!({ "revision": 0, "severity": 2 }).to_string()),
            "POST" => {
                let body = match path.rsplit('/').next().unwrap_or_default() {
                    "answer" => json!({ "answer": "refuse", "text": "t" }),
                    "answers" => json!({ "text": "t", "tlp": "amber" }),
                    "marking" => json!({ "tlp": "red", "reason": "r" }),
                    "judgements" => json!({ "judgement": "confirmed", "explanation": "e" }),
                    "decision" => json!({ "decision": "refuse", "text": "t" }),
                    "open" => json!({ "private": "00", "reason": "r" }),
                    "start" => json!({ "verdict": "refuse", "terms": "00", "reason": "r" }),
                    "rounds" => json!({ "operator": "operator" }),
                    "withdraw" => json!({ "reason": "r" }),
                    "review" => json!({ "justified": true, "finding": "f" }),
                    "steps" => json!({ "state": "sent" }),
                    "finish" => json!({ "challenge_id": uuid::Uuid::new_v4(), "credential": {} }),
                    _ => json!({ "text": "note" }),
                };
                Some(body.to_string())
            }
            _ => None,
        };
        let path = path.replace("{id}", &id);
        if path.ends_with("/mail") {
            let body = Some("From: a@port.example\r\n\r\nx".to_owned());
            return Sample { path, media_type: "message/rfc822", body };
        }
        let path = if path.ends_with("/why") { format!("{path}?organisation=coordinator") } else { path };
        Sample { path, media_type: "application/json", body }
    }

    /// A room of the coordinator's, with an entry that its program wrote.
    async fn room_sample(&self, method: &str, path: &str) -> Sample {
        let body = json!({ "title": "t", "severity": 1, "objects": [] }).to_string();
        let case = self.made("/api/v1/cases", body).await["summary"]["id"].as_str().unwrap().to_owned();
        let (key, label) = (uuid::Uuid::new_v4(), json!({ "tlp": "amber" }));
        let note = json!({ "says": "note", "text": "n" });
        let said = json!({ "key": key, "label": label, "entry": note });
        let body = match path.rsplit('/').next().unwrap_or_default() {
            _ if method == "GET" => None,
            "publish" => Some(json!({ "key": key, "label": label })),
            "mail" => Some(json!({ "key": key, "organisations": ["coordinator"] })),
            "presence" => Some(json!({ "writes": true })),
            "values" => Some(json!({ "text": "evil[.]example" })),
            "indicators" => Some(json!({ "key": key, "label": label, "indicators": ["evil[.]example"] })),
            "severity" => Some(json!({ "key": key, "answers": { "functional-impact": "minimal" } })),
            "entries" => {
                Some(json!({ "entries": [{ "case": case, "key": key, "label": label, "entry": note }] }))
            }
            _ => Some(said.clone()),
        };
        let mut path = path.replace("{id}", &case);
        if path.contains("{entry}") {
            let taken = self.made(&format!("/api/v1/cases/{case}/room"), said.to_string()).await;
            path = path.replace("{entry}", taken["entry"].as_str().unwrap());
        }
        Sample { path, media_type: "application/json", body: body.map(|body| body.to_string()) }
    }

    /// A report of the coordinator's, filed with the agency.
    async fn report_sample(&self, method: &str, path: &str) -> Sample {
        let media_type =
            if path.ends_with("/files") { "application/octet-stream" } else { "application/json" };
        let new = || {
            let id = uuid::Uuid::new_v4();
            json!({ "id": id, "kind": "data-breach", "aware": V1, "fields": {} })
        };
        let body = |body: Value| Some(body.to_string());
        if !path.contains("{id}") {
            let body = match (method, path) {
                ("POST", _) => body(new()),
                ("PUT", _) => body(json!({ "fields": {} })),
                _ => None,
            };
            return Sample { path: path.to_owned(), media_type, body };
        }
        // One for all: nothing that is asked of it uses it up.
        let (id, event, sha256) = self.filed.get_or_init(|| self.file_a_report(new())).await;
        let path = path.replace("{id}", id).replace("{event}", event).replace("{sha256}", sha256);
        let path = path.replace("{regime}/{stage}/{recipient}", "eu.gdpr/notification/authority");
        let send = uuid::Uuid::new_v4();
        let body = match path.rsplit('/').next().unwrap_or_default() {
            _ if method != "POST" => None,
            "events" => body(json!({ "send": send, "events": [{ "what": "kind", "kind": "ransomware" }] })),
            "prefill" => body(json!({ "send": send })),
            "filings" => body(
                json!({ "send": send, "regime": "eu.gdpr", "stage": "notification", "recipient": "authority" }),
            ),
            "answers" => body(json!({ "send": send, "filing": event, "answer": "acknowledged" })),
            _ => Some("content".to_owned()),
        };
        let path = if path.ends_with("/files") { format!("{path}?name=b.txt") } else { path };
        Sample { path, media_type, body }
    }

    /// The report, its filing's event, and the hash of its attachment; the receipt is there.
    async fn file_a_report(&self, new: Value) -> (String, String, String) {
        let token = &self.hub.token;
        let id = self.made("/api/v1/reports", new.to_string()).await["id"].as_str().unwrap().to_owned();
        let file = crate::reports::attach(self.hub, token, &id, "a.txt", b"a").await;
        let send = uuid::Uuid::new_v4();
        let names = json!({ "send": send, "regime": "jp.common.ransomware", "stage": "first", "recipient": "police", "given_to": "agency" });
        let filed = self.made(&format!("/api/v1/reports/{id}/filings"), names.to_string()).await;
        let event = filed["event"].as_str().unwrap().to_owned();
        let receipt = format!("/api/v1/reports/{id}/filings/{event}/receipt");
        crate::reports::receipt(self.hub, token, &receipt).await;
        (id, event, file["file"]["sha256"].as_str().unwrap().to_owned())
    }

    /// An account of its own, with a session.
    async fn person_sample(&self, method: &str, path: &str) -> Sample {
        let account = add_person(self.hub, "operator", PersonRole::Analyst).await;
        let (secret, _) = sign_in(self.hub, &account).await;
        let found = self
            .hub
            .running
            .store()
            .read(move |reader| sessions::get(reader, &Realm::Live, &secrets::hash(&secret)));
        let session = found.await.unwrap().unwrap().id();
        let body = match method {
            "PATCH" => Some(json!({ "disabled": true }).to_string()),
            "POST" if path.ends_with("/qualifications") => Some(
                json!({ "qualification": "oath:council-secrecy", "since": "2026-01-01", "until": "2030-12-31", "evidence": "e" })
                    .to_string(),
            ),
            "POST" => Some(json!({ "reason": "r" }).to_string()),
            _ => None,
        };
        let path = path.replace("{id}", &account).replace("{session}", &session);
        Sample { path, media_type: "application/json", body }
    }

    /// A clearance that somebody entered, and confirmed where it is to be ended.
    async fn qualification_sample(&self, path: &str) -> Sample {
        let person = add_person(self.hub, "operator", PersonRole::Analyst).await;
        let waits = !path.ends_with("/end");
        let id = crate::qualifications::enter(
            self.hub,
            &person,
            "oath:council-secrecy",
            crate::qualifications::far(),
            waits,
        );
        let body = Some(json!({ "reason": "r" }).to_string());
        Sample { path: path.replace("{id}", &id.await), media_type: "application/json", body }
    }

    /// A recovery that an administrator asked for who is nobody else here.
    async fn recovery_sample(&self, path: &str) -> Sample {
        let [person, asker] = [PersonRole::Analyst, PersonRole::Administrator];
        let person = add_person(self.hub, "operator", person).await;
        let asker = add_person(self.hub, "coordinator", asker).await;
        let id = uuid::Uuid::new_v4().to_string();
        let recovery = id.clone();
        let done = self.hub.running.store().write(move |tx| {
            let recovery = Recovery {
                id: recovery,
                person,
                reason: "r".to_owned(),
                asked_by: asker,
                asked: tx.now(),
                expires: tx.now() + jiff::SignedDuration::from_hours(1),
                decided_by: None,
                decided: None,
                approved: None,
                used: None,
            };
            recoveries::add(tx, &Realm::Live, &recovery).map(Act::bookkeeping)
        });
        done.await.unwrap();
        let body = Some(json!({}).to_string());
        Sample { path: path.replace("{id}", &id), media_type: "application/json", body }
    }

    /// An identity provider that nobody runs.
    async fn provider_sample(&self, method: &str, path: &str) -> Sample {
        let id = format!("i{}", uuid::Uuid::new_v4().simple());
        let name = id.clone();
        let done = self.hub.running.store().write(move |tx| {
            let provider = Provider {
                issuer: format!("https://{name}.example"),
                id: name,
                organisation: OrganisationId::parse("operator").unwrap(),
                client: "c".to_owned(),
                sealed: None,
                certificate: None,
                origins: Vec::new(),
                name_claim: "preferred_username".to_owned(),
                role_claim: None,
                role_map: BTreeMap::new(),
                suspended: false,
                created: tx.now(),
                changed: tx.now(),
            };
            identity_providers::add(tx, &Realm::Live, &provider).map(Act::bookkeeping)
        });
        done.await.unwrap();
        let body = (method == "PATCH").then(|| json!({ "suspended": true }).to_string());
        Sample { path: path.replace("{id}", &id), media_type: "application/json", body }
    }

    /// A round of private matching that the agency asked of the operator.
    async fn round_sample(&self, method: &str, path: &str) -> Sample {
        let hub = self.hub;
        let id = crate::commissioners::granted_behind(hub, "agency", "operator").await;
        let round = uuid::Uuid::new_v4();
        let done = hub.running.store().write(move |tx| {
            let operator = OrganisationId::parse("operator").unwrap();
            let asked = store::authorisations::rounds::ask(tx, &Realm::Live, (round, id), &operator, "p");
            asked.map(Act::bookkeeping)
        });
        done.await.unwrap();
        let of = if path.starts_with("/edge/") { round } else { id };
        let path = path.replace("{id}", &of.to_string()).replace("{round}", &round.to_string());
        let body = (method == "POST").then(|| "{}".to_owned());
        Sample { path: path.replace("{batch}", "0"), media_type: "application/json", body }
    }

    /// An agreement of all organisations but oversight, unsigned.
    async fn agreement_sample(&self, path: &str) -> Sample {
        let id = format!("a{}", uuid::Uuid::new_v4().simple());
        let text = agreement(&id, &["coordinator", "agency", "operator", "partner", "academy"]);
        let made = crate::signed::Signed::person(self.hub, "coordinator", PersonRole::Approver).await;
        let made = made.done("/api/v1/agreements", text).await;
        let hash = made["hash"].as_str().unwrap();
        let body = path.ends_with("/side").then(|| json!({ "state": "signed", "hash": hash }).to_string());
        Sample { path: path.replace("{id}", &id), media_type: "application/json", body }
    }

    /// A group of the coordinator with the agency in it.
    async fn group_sample(&self, path: &str) -> Sample {
        let text = json!({ "name_ja": "n", "name_en": "n", "members": ["agency"] });
        let made = crate::signed::Signed::person(self.hub, "coordinator", PersonRole::Approver).await;
        let made = made.done("/api/v1/sharing-groups", text).await;
        let path = path.replace("{id}", made["id"].as_str().unwrap()).replace("{organisation}", "agency");
        Sample { path, media_type: "application/json", body: None }
    }

    /// A link to a server that nobody runs, bound to the coordinator.
    async fn taxii_link_sample(&self, method: &str, path: &str) -> Sample {
        let id = format!("t{}", uuid::Uuid::new_v4().simple());
        let new = json!({ "id": id, "organisation": "coordinator", "discovery": "http://127.0.0.1:9/", "pulls": true });
        self.made("/api/v1/taxii-links", new.to_string()).await;
        let body = (method == "PATCH").then(|| json!({ "suspended": true }).to_string());
        Sample { path: path.replace("{id}", &id), media_type: "application/json", body }
    }

    /// A peer that is bound to an organisation of its own, for there is one peer of each.
    async fn peer_sample(&self, method: &str, path: &str) -> Sample {
        let id = format!("p{}", uuid::Uuid::new_v4().simple());
        let (hub, name) = (self.hub, id.clone());
        hub.organisation(&name, OrganisationRole::Partner).await;
        let done = hub.running.store().write(move |tx| {
            let peer = peers::Peer {
                hub: name.clone(),
                organisation: OrganisationId::parse(&name).unwrap(),
                fingerprint: name.clone(),
                id: name,
                card: String::new(),
                address: None,
                way: peers::Way::Link,
                state: peers::State::Suspended,
                reason: None,
                created: tx.now(),
                changed: tx.now(),
            };
            peers::add(tx, &Realm::Live, &peer).map(Act::bookkeeping)
        });
        done.await.unwrap();
        let body = match method {
            "PATCH" => Some(json!({ "suspended": true }).to_string()),
            "POST" => Some(json!({ "from": 1 }).to_string()),
            _ => None,
        };
        Sample { path: path.replace("{id}", &id), media_type: "application/json", body }
    }

    async fn open_actor(&self) -> String {
        let actor = crate::rest::named("intrusion-set", "an actor", Tlp::AmberStrict);
        self.hub.publish(&self.hub.token, std::slice::from_ref(&actor)).await;
        id_of(&actor)
    }

    async fn object(&self) -> String {
        let object = marked(indicator(V1), Tlp::AmberStrict);
        self.hub.post(std::slice::from_ref(&object)).await;
        id_of(&object)
    }

    /// Made by the administrator.
    async fn made(&self, path: &str, body: String) -> Value {
        let ask = self
            .hub
            .ask(Method::POST, path)
            .header("content-type", "application/json")
            .header("accept", "*/*");
        let reply = ask.body(body).send().await;
        assert!(reply.status < 300, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }
}

fn technique() -> Value {
    let mut technique = crate::rest::named("attack-pattern", "a technique", Tlp::AmberStrict);
    technique["kill_chain_phases"] =
        json!([{ "kill_chain_name": "mitre-attack", "phase_name": "initial-access" }]);
    technique
}

pub async fn add_person(hub: &TestHub, organisation: &str, role: PersonRole) -> String {
    let id = uuid::Uuid::new_v4().to_string();
    let (account, organisation) = (id.clone(), OrganisationId::parse(organisation).unwrap());
    let done = hub.running.store().write(move |tx| {
        let person = Person {
            login: account.clone(),
            name: role.name().to_owned(),
            id: account,
            organisation,
            roles: BTreeSet::from([role]),
            password_hash: None,
            disabled: false,
            created: tx.now(),
        };
        people::add(tx, &Realm::Live, &person).map(Act::bookkeeping)
    });
    done.await.unwrap();
    id
}

/// A session, as signing in would make it: its secret and its word against forged requests.
pub async fn sign_in(hub: &TestHub, account: &str) -> (String, String) {
    let (secret, csrf) = (secrets::generate("").unwrap(), secrets::generate("").unwrap());
    let (hash, word, person) = (secrets::hash(&secret), csrf.clone(), account.to_owned());
    let done = hub.running.store().write(move |tx| {
        let now = tx.now();
        let expires = now + jiff::SignedDuration::from_hours(1);
        let session =
            Session { hash, person, csrf: word, created: now, expires, seen: now, origin: Origin::default() };
        sessions::add(tx, &Realm::Live, &session).map(Act::bookkeeping)
    });
    done.await.unwrap();
    (secret, csrf)
}

/// An agreement that gives indicators from the first party to all others.
pub fn agreement(id: &str, parties: &[&str]) -> Value {
    json!({
        "id": id, "title_ja": "合意", "title_en": "Agreement", "parties": parties,
        "from": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "reciprocal": true,
        "terms": [{
            "from": [format!("{}:members", parties[0])], "to": parties[1..].to_vec(), "classes": ["indicator"], "tlp": "amber",
            "pap": "amber", "purposes": ["collective-defence"], "onward": "none", "originator_control": false,
        }],
    })
}
