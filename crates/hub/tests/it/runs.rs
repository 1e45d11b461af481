//! Playbooks run under human authority: two approvals of different organisations, orders that an edge verifies, and what must never be ordered.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub::{AuthorityConfig, HubConfig};
use openc2::signed::{Authority, TrustedKey, Verifier};
use openc2::{DateTime, Message};
use oversight::{Action, OrganisationRole, PersonRole, Realm};
use policy::permit::Hit;
use reqwest::Method;
use serde_json::{Value, json};
use store::sessions::Session;
use store::{Act, people, sessions};
use uuid::Uuid;

use crate::authorisation::add_person;
use crate::signed::Signed;
use crate::support::{Reply, TestHub};

const SAFEGUARDS: &str = "extension-definition--6cee69f3-60da-437f-91f8-8c918b75decb";

fn configured(config: &mut HubConfig) {
    config.response.authorities = vec![AuthorityConfig {
        reference: "2026-17".to_owned(),
        operators: vec!["kinki".to_owned()],
        from: "2020-01-01T00:00:00Z".parse().unwrap(),
        until: "2100-01-01T00:00:00Z".parse().unwrap(),
    }];
    config.response.bounds.protected = vec![Hit::parse("192.0.2.0/24").unwrap()];
}

/// A council: the police ask, an operator's edge enforces, a ministry and the operator approve.
pub struct Council {
    pub hub: TestHub,
    pub edge: String,
    pub asker: String,
    chief: String,
    pub ministry: String,
    pub kinki: String,
}

impl Council {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut HubConfig)) -> Self {
        let hub = TestHub::start_with(|config| {
            configured(config);
            change(config);
        });
        let hub = hub.await;
        for (id, role) in [
            ("police", OrganisationRole::Agency),
            ("ministry", OrganisationRole::Agency),
            ("kinki", OrganisationRole::Operator),
            ("kanto", OrganisationRole::Operator),
        ] {
            hub.organisation(id, role).await;
        }
        let edge = hub.edge("kinki-1", "kinki").await;
        let asker = add_person(&hub, "police", PersonRole::DutyOfficer).await;
        let chief = add_person(&hub, "police", PersonRole::Approver).await;
        let ministry = add_person(&hub, "ministry", PersonRole::Approver).await;
        let kinki = add_person(&hub, "kinki", PersonRole::Approver).await;
        Self { hub, edge, asker, chief, ministry, kinki }
    }

    pub async fn as_person(&self, account: &str) -> Signed<'_> {
        Signed::again(&self.hub, account).await
    }

    /// Brings a playbook in as the police's approver.
    pub async fn brought(&self, playbook: &Value) -> Value {
        let chief = self.as_person(&self.chief).await;
        chief.done("/api/v1/playbooks", json!({ "document": playbook.to_string() })).await
    }

    pub async fn started(&self, playbook: &Value) -> Value {
        self.brought(playbook).await;
        let asker = self.as_person(&self.asker).await;
        asker.done("/api/v1/runs", json!({ "id": Uuid::new_v4(), "playbook": playbook["id"] })).await
    }

    /// The run as its requester sees it, as soon as it is in one of these states.
    pub async fn settled(&self, run: &Value, states: &[&str]) -> Value {
        let asker = self.as_person(&self.asker).await;
        let path = format!("/api/v1/runs/{}", run["summary"]["id"].as_str().unwrap());
        let begun = Instant::now();
        loop {
            let found = asker.good(&path).await;
            if states.contains(&found["summary"]["state"].as_str().unwrap()) {
                return found;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{}", found["summary"]);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn answer(&self, account: &str, run: &Value, hash: &str, word: &str) -> Reply {
        let person = self.as_person(account).await;
        let question = run["questions"][0]["number"].as_u64().unwrap();
        let path =
            format!("/api/v1/runs/{}/questions/{question}/{word}", run["summary"]["id"].as_str().unwrap());
        person.post(&path, json!({ "hash": hash, "reason": "seen" })).await
    }

    pub async fn approved(&self, account: &str, run: &Value) -> Value {
        let reply = self.answer(account, run, &hash(run), "approve").await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    pub async fn orders(&self, after: i64) -> Value {
        let path = format!("/edge/v1/orders?after={after}&wait=0");
        let reply = self.hub.get(&path).bearer(&self.edge).header("accept", "*/*").send().await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    async fn report(&self, command: &str, number: u32, state: &str) -> Value {
        let report = json!({ "command_id": command, "number": number, "at": jiff::Timestamp::now().to_string(), "state": state,
            "response": null, "why": null, "stopped": 7 });
        let body = json!({ "reports": [report] }).to_string();
        let ask = self.hub.ask(Method::POST, "/edge/v1/orders/reports").bearer(&self.edge);
        let reply =
            ask.header("accept", "*/*").header("content-type", "application/json").body(body).send().await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }
}

/// Lets an hour go by since a person signed in.
pub async fn aged(hub: &TestHub, account: &str) {
    let account = account.to_owned();
    let done = hub.running.store().write(move |tx| {
        for session in sessions::of_person(tx, &Realm::Live, &account)? {
            sessions::end(tx, &Realm::Live, &session.hash)?;
            let created = session.created - jiff::SignedDuration::from_hours(1);
            sessions::add(tx, &Realm::Live, &Session { created, ..session })?;
        }
        Ok(Act::bookkeeping(()))
    });
    done.await.unwrap();
}

pub fn hash(run: &Value) -> String {
    run["questions"][0]["hash"].as_str().unwrap().to_owned()
}

fn id(kind: &str, number: usize) -> String {
    // No two objects of a playbook share a UUID, whatever they are.
    let of_kind = kind.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    format!("{kind}--{of_kind:08x}-0000-4000-8000-{number:012}")
}

fn openc2(action: &str, target: &str) -> Value {
    let body = json!({ "action": action, "target": { "ipv4_net": target } }).to_string();
    json!({ "type": "openc2-http", "command": "POST /.well-known/openc2 HTTP/1.1", "content_b64": STANDARD.encode(body),
        "headers": { "Content-Type": ["application/openc2+json;version=1.0"] } })
}

pub fn safeguards(target: &str, approvals: u32) -> Value {
    json!({ "type": "safeguards", "approval": { "required": approvals, "expires_after": 1_800_000 },
        "authority": { "basis": "an order under the law", "reference": "2026-17" },
        "inverse": [openc2("allow", target)], "blast_radius": { "addresses_max": 1 }, "stop_after": 3_600_000, "idempotent": false })
}

/// A playbook of these steps; the first one is `action--…1`.
#[expect(clippy::needless_pass_by_value, reason = "callers write it where they hand it in")]
fn playbook(steps: Value) -> Value {
    json!({
        "type": "playbook", "spec_version": "cacao-2.0", "id": format!("playbook--{}", Uuid::new_v4()), "name": "Block",
        "created_by": id("identity", 4), "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
        "workflow_start": id("start", 0), "workflow": steps,
        "agent_definitions": {
            id("group", 1): { "type": "group", "name": "Team" },
            id("security-category", 2): { "type": "security-category", "name": "Hub", "category": ["firewall"] },
        },
        "target_definitions": {
            id("http-api", 3): { "type": "http-api", "name": "Edge", "address": { "dname": ["kinki-1"] } },
        },
        "extension_definitions": { SAFEGUARDS: {
            "type": "extension-definition", "name": "Safeguards", "created_by": id("identity", 4),
            "schema": "https://example.com/s.json", "version": "1.0.0",
        }},
    })
}

/// One that orders the edge to block an address.
#[expect(clippy::needless_pass_by_value, reason = "callers write it where they hand it in")]
pub fn block(target: &str, safeguards: Value) -> Value {
    let mut step = json!({ "type": "action", "name": "Block it", "agent": id("security-category", 2), "targets": [id("http-api", 3)],
        "commands": [openc2("deny", target)], "on_completion": id("end", 0) });
    if !safeguards.is_null() {
        step["step_extensions"] = json!({ SAFEGUARDS: safeguards });
    }
    playbook(json!({
        id("start", 0): { "type": "start", "on_completion": id("action", 1) },
        id("action", 1): step,
        id("end", 0): { "type": "end" },
    }))
}

/// A playbook that one's own approvers may bring.
pub(crate) fn to_be_brought() -> Value {
    block("198.51.100.9", safeguards("198.51.100.9", 2))
}

/// A run of the coordinator's that has ordered something of its own edge and waits for a task, and the order's command.
pub(crate) async fn begun(hub: &TestHub) -> (Value, String) {
    hub.edge("coordinator-1", "coordinator").await;
    let mut playbook = block("198.51.100.9", safeguards("198.51.100.9", 1));
    playbook["target_definitions"][id("http-api", 3)]["address"]["dname"] = json!(["coordinator-1"]);
    let steps = &mut playbook["workflow"];
    steps[id("start", 0)]["on_completion"] = json!(id("parallel", 1));
    steps[id("parallel", 1)] = json!({ "type": "parallel", "next_steps": [id("action", 1), id("action", 2)], "on_completion": id("end", 0) });
    steps[id("action", 1)]["on_completion"] = json!(id("end", 1));
    steps[id("action", 2)] = json!({ "type": "action", "name": "Look", "agent": id("group", 1),
        "commands": [{ "type": "manual", "command": "Look whether it holds" }], "on_completion": id("end", 2) });
    for number in [1, 2] {
        steps[id("end", number)] = json!({ "type": "end" });
    }
    let asker = add_person(hub, "coordinator", PersonRole::DutyOfficer).await;
    let chief = add_person(hub, "coordinator", PersonRole::Approver).await;
    let chief = Signed::again(hub, &chief).await;
    let asker = Signed::again(hub, &asker).await;
    chief.done("/api/v1/playbooks", json!({ "document": playbook.to_string() })).await;
    let run = asker.done("/api/v1/runs", json!({ "id": Uuid::new_v4(), "playbook": playbook["id"] })).await;
    let path = format!("/api/v1/runs/{}", run["summary"]["id"].as_str().unwrap());
    chief.done(&format!("{path}/questions/0/approve"), json!({ "hash": hash(&run), "reason": "seen" })).await;
    let begun = Instant::now();
    loop {
        let run = asker.good(&path).await;
        let orders = asker.good("/api/v1/orders").await;
        if let Some(command) = orders["orders"][0]["command_id"].as_str() {
            return (run, command.to_owned());
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{run}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) fn verified(
    key: &Value,
    message: &Value,
    edge: &str,
) -> Result<openc2::signed::Verified, openc2::signed::Untrusted> {
    let bytes = hex::decode(key["key"].as_str().unwrap()).unwrap();
    let verifier = Verifier {
        names: [edge.to_owned()].into(),
        keys: vec![TrustedKey {
            issuer: key["issuer"].as_str().unwrap().to_owned(),
            key: bytes.try_into().unwrap(),
            valid_from: None,
            valid_until: None,
        }],
        authority: Authority::Named,
        lifetime_max_ms: 2 * 3_600_000,
        skew_ms: 60_000,
    };
    let message = Message::parse(message.to_string().as_bytes()).unwrap();
    verifier.verify(&message, DateTime::from(jiff::Timestamp::now()))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_organisations_agree_then_an_edge_is_ordered_once_and_it_is_undone() {
    let council = Council::new().await;
    let run = council.started(&block("198.51.100.7", safeguards("198.51.100.7", 2))).await;
    assert_eq!(run["summary"]["state"], "waiting");
    let question = &run["questions"][0];
    // Exactly what would be carried out is shown.
    assert!(question["commands"][0]["body"].as_str().unwrap().contains("198.51.100.7"));
    assert_eq!(question["commands"][0]["reference"], "2026-17");
    assert_eq!((&question["required"], &question["may_answer"]), (&json!(2), &json!(false)));
    assert!(council.orders(0).await["orders"].as_array().unwrap().is_empty(), "nothing without approval");

    let run = council.approved(&council.ministry, &run).await;
    assert!(council.orders(0).await["orders"].as_array().unwrap().is_empty(), "one is not enough");
    // The same organisation does not count twice.
    let again = council.answer(&council.ministry, &run, &hash(&run), "approve").await;
    assert_eq!(again.status, 403);
    council.approved(&council.kinki, &run).await;

    let given = council.orders(0).await;
    let [order] = &given["orders"].as_array().unwrap()[..] else { panic!("{given}") };
    let board = council.hub.good(&council.hub.token, "/api/v1/orders").await;
    let key = &board["key"];
    assert!(verified(key, &order["message"], "kinki-1").is_ok());
    assert!(verified(key, &order["message"], "another").is_err());
    let command = &order["message"]["body"]["openc2"]["request"];
    assert!(command["args"]["stop_time"].as_u64().is_some(), "{command}");
    let about = &order["about"];
    assert_eq!(about["approved_by"].as_array().unwrap().len(), 2);
    assert_eq!((&about["reference"], &about["basis"]), (&json!("2026-17"), &json!("an order under the law")));
    assert!(about["requested_by"]["name"].is_null(), "another organisation's people are not named");

    // Told once, in order.
    let command = about["command_id"].as_str().unwrap();
    let sequence = given["sequence"].as_i64().unwrap();
    assert!(council.orders(sequence).await["orders"].as_array().unwrap().is_empty());
    assert_eq!(council.report(command, 1, "taken").await["kept"], 1);
    assert_eq!(council.report(command, 2, "enforced").await["kept"], 1);
    assert_eq!(council.report(command, 2, "enforced").await["kept"], 1, "sent twice, taken once");
    assert_eq!(council.report("never-ordered", 1, "enforced").await["kept"], 0);
    council.settled(&run, &["succeeded"]).await;
    let shown = &council.hub.good(&council.hub.token, "/api/v1/orders").await["orders"][0];
    assert_eq!((&shown["state"], &shown["stopped"]), (&json!("enforced"), &json!(7)));
    assert_eq!(shown["reports"].as_array().unwrap().len(), 2);

    // The operator has it undone; nobody has to agree, and the requester need not ask.
    let operator = council.as_person(&council.kinki).await;
    let path = format!("/api/v1/orders/{command}/undo");
    let undone = operator.done(&path, json!({ "reason": "our shop is behind it" })).await;
    let given = council.orders(sequence).await;
    let [undoing] = &given["orders"].as_array().unwrap()[..] else { panic!("{given}") };
    assert_eq!(undoing["about"]["undoes"], command);
    assert_eq!(undone["undone_by"], undoing["about"]["command_id"]);
    assert_eq!(undoing["message"]["body"]["openc2"]["request"]["action"], "allow");
    assert!(verified(key, &undoing["message"], "kinki-1").is_ok());
    let twice = operator.post(&path, json!({ "reason": "again" })).await;
    assert_eq!(twice.status, 409, "undone once");
    assert!(!council.hub.audit(Action::RunChanged).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_bound_to_what_was_shown_and_the_requester_never_gives_one() {
    let council = Council::new().await;
    let run = council.started(&block("198.51.100.7", safeguards("198.51.100.7", 2))).await;
    let wrong = "0".repeat(64);
    assert_eq!(council.answer(&council.ministry, &run, &wrong, "approve").await.status, 409);
    // A duty officer is no approver, and an approver who asked does not approve.
    assert_eq!(council.answer(&council.asker, &run, &hash(&run), "approve").await.status, 403);
    let own = block("198.51.100.8", safeguards("198.51.100.8", 2));
    council.brought(&own).await;
    let chief = council.as_person(&council.chief).await;
    let run = chief.done("/api/v1/runs", json!({ "id": Uuid::new_v4(), "playbook": own["id"] })).await;
    assert_eq!(council.answer(&council.chief, &run, &hash(&run), "approve").await.status, 403);
    // Programs approve nothing, and an old sign-in is not enough.
    let program = council.hub.token("ministry", &[PersonRole::Approver]).await;
    let path = format!("/api/v1/runs/{}/questions/0/approve", run["summary"]["id"].as_str().unwrap());
    let reply = council.hub.send_json(&program, Method::POST, &path, json!({ "hash": hash(&run) })).await;
    assert_eq!(reply.status, 403);
    let person = council.as_person(&council.ministry).await;
    aged(&council.hub, &council.ministry).await;
    let reply = person.post(&path, json!({ "hash": hash(&run) })).await;
    assert_eq!((reply.status, &reply.json()["code"]), (403, &json!("fresh-proof-needed")));
    // Whoever refuses ends it.
    assert_eq!(council.answer(&council.kinki, &run, &hash(&run), "refuse").await.status, 200);
    let asker = council.as_person(&council.chief).await;
    let ended = asker.good(&format!("/api/v1/runs/{}", run["summary"]["id"].as_str().unwrap())).await;
    assert_eq!(ended["summary"]["state"], "failed");
    assert!(council.orders(0).await["orders"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_whose_session_was_revoked_or_whose_person_lost_the_role_does_not_count() {
    let council = Council::new().await;
    let run = council.started(&block("198.51.100.7", safeguards("198.51.100.7", 2))).await;
    let run = council.approved(&council.ministry, &run).await;
    let path = format!("/api/v1/people/{}/sessions", council.ministry);
    let ended = council.hub.ask(Method::DELETE, &path).header("accept", "*/*").send().await;
    assert!(ended.status < 300, "{}", ended.status);
    let run = council.approved(&council.kinki, &run).await;
    assert!(council.orders(0).await["orders"].as_array().unwrap().is_empty(), "ordered on a revoked session");
    assert_eq!(run["questions"][0]["state"], "open");
    assert_eq!(run["questions"][0]["given"].as_array().unwrap().len(), 1);
    let withdrawn =
        run["events"].as_array().unwrap().iter().filter(|event| event["event"] == "approval-withdrawn");
    assert_eq!(withdrawn.count(), 1);
    // Somebody of the operator loses the role before the ministry agrees anew.
    let account = council.kinki.clone();
    let demoted = council.hub.running.store().write(move |tx| {
        let mut person = people::get(tx, &Realm::Live, &account)?.unwrap();
        person.roles = [PersonRole::Analyst].into();
        people::update(tx, &Realm::Live, &person).map(Act::bookkeeping)
    });
    demoted.await.unwrap();
    let run = council.approved(&council.ministry, &run).await;
    assert!(council.orders(0).await["orders"].as_array().unwrap().is_empty(), "ordered without the role");
    let other = add_person(&council.hub, "kinki", PersonRole::Approver).await;
    council.approved(&other, &run).await;
    assert_eq!(council.orders(0).await["orders"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gate_refuses_is_never_ordered_and_says_why() {
    let council = Council::new().await;
    let mut no_authority = safeguards("198.51.100.7", 2);
    no_authority.as_object_mut().unwrap().remove("authority");
    let mut unknown = safeguards("198.51.100.7", 2);
    unknown["authority"]["reference"] = json!(Uuid::new_v4().to_string());
    let mut other_order = safeguards("198.51.100.7", 2);
    other_order["authority"]["reference"] = json!("2025-1");
    let mut endless = safeguards("198.51.100.7", 2);
    endless.as_object_mut().unwrap().remove("stop_after");
    let mut too_long = safeguards("198.51.100.7", 2);
    too_long["stop_after"] = json!(3_u64 * 86_400_000);
    for (gate, target, safeguards) in [
        ("authority", "198.51.100.7", no_authority),
        ("authority", "198.51.100.7", unknown),
        ("authority", "198.51.100.7", other_order),
        ("protected", "192.0.2.9", safeguards("192.0.2.9", 2)),
        ("radius", "198.51.0.0/16", safeguards("198.51.0.0/16", 2)),
        ("radius", "198.51.100.7", endless),
        ("radius", "198.51.100.7", too_long),
        ("approval", "198.51.100.7", safeguards("198.51.100.7", 1)),
    ] {
        let run = council.started(&block(target, safeguards)).await;
        let run = council.approved(&council.ministry, &run).await;
        let needs_two = run["questions"][0]["state"] == "open";
        let run = if needs_two { council.approved(&council.kinki, &run).await } else { run };
        let run = council.settled(&run, &["failed", "succeeded"]).await;
        assert_eq!(run["summary"]["state"], "failed", "{gate}");
        let events = run["events"].as_array().unwrap();
        let said = events.iter().find(|event| event["event"] == "answered").unwrap();
        let why = said["detail"].as_str().unwrap();
        assert!(why.contains(&format!("gate `{gate}`")), "{gate}: {why}");
        // The same by its code, for who says it in another language.
        let reason = &said["detail_reason"];
        assert_eq!(reason["gate"], gate, "{why}");
        assert!(reason["code"].is_string(), "{reason}: {why}");
    }
    // Nobody has to be asked where the playbook asks nobody: then nothing is ordered.
    let run = council.started(&block("198.51.100.7", Value::Null)).await;
    let run = council.settled(&run, &["failed", "succeeded"]).await;
    assert_eq!(run["summary"]["state"], "failed");
    assert!(council.orders(0).await["orders"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malicious_playbook_comes_to_its_end_and_nowhere_else() {
    let council = Council::new().await;
    // Missing steps: kept, shown, and does not run.
    let broken = playbook(json!({
        id("start", 0): { "type": "start", "on_completion": id("action", 404) },
        id("end", 0): { "type": "end" },
    }));
    let kept = council.brought(&broken).await;
    assert_eq!(kept["playbook"]["runnable"], false);
    assert!(kept["playbook"]["errors"].as_u64().unwrap() > 0);
    let asker = council.as_person(&council.asker).await;
    let refused = asker.post("/api/v1/runs", json!({ "id": Uuid::new_v4(), "playbook": broken["id"] })).await;
    assert_eq!(refused.status, 422);
    // Ten thousand branches.
    let many: Vec<String> = (1..=10_000).map(|number| id("end", number)).collect();
    let bomb = playbook(json!({
        id("start", 0): { "type": "start", "on_completion": id("parallel", 1) },
        id("parallel", 1): { "type": "parallel", "next_steps": many, "on_completion": id("end", 0) },
        id("end", 0): { "type": "end" },
    }));
    let chief = council.as_person(&council.chief).await;
    let refused = chief.post("/api/v1/playbooks", json!({ "document": bomb.to_string() })).await;
    assert_eq!(refused.status, 422);
    // A loop that never ends.
    let mut endless = playbook(json!({
        id("start", 0): { "type": "start", "on_completion": id("while-condition", 1) },
        id("while-condition", 1): { "type": "while-condition", "condition": "__go__:value = true", "on_true": id("end", 1), "on_completion": id("action", 1) },
        id("action", 1): { "type": "action", "agent": id("group", 1), "commands": [{ "type": "manual", "command": "never come to this" }], "on_completion": id("end", 0) },
        id("end", 1): { "type": "end" },
        id("end", 0): { "type": "end" },
    }));
    endless["playbook_variables"] = json!({ "__go__": { "type": "bool", "value": "true" } });
    let run = council.started(&endless).await;
    let run = council.settled(&run, &["failed", "succeeded"]).await;
    assert_eq!(run["summary"]["state"], "failed");
    assert!(run["summary"]["why"].as_str().unwrap().contains("200 turns"), "{}", run["summary"]);
    // Code runs nowhere that nobody configured.
    let shell = playbook(json!({
        id("start", 0): { "type": "start", "on_completion": id("action", 1) },
        id("action", 1): { "type": "action", "agent": id("group", 1), "commands": [{ "type": "bash", "command": "rm -rf /" }], "on_completion": id("end", 0) },
        id("end", 0): { "type": "end" },
    }));
    let run = council.started(&shell).await;
    let run = council.settled(&run, &["failed", "succeeded"]).await;
    assert_eq!(run["summary"]["state"], "failed");
    assert!(run["summary"]["why"].as_str().unwrap().contains("configured"), "{}", run["summary"]);
    // A constant stays what it is, whatever a task gives back.
    let mut constant = playbook(json!({
        id("start", 0): { "type": "start", "on_completion": id("action", 1) },
        id("action", 1): { "type": "action", "name": "Judge", "agent": id("group", 1), "commands": [{ "type": "manual", "command": "judge __who__:value" }],
            "out_args": ["__who__"], "on_completion": id("end", 0) },
        id("end", 0): { "type": "end" },
    }));
    constant["playbook_variables"] =
        json!({ "__who__": { "type": "string", "value": "me", "constant": true } });
    let added = council.brought(&constant).await;
    if added["playbook"]["runnable"] == true {
        let run = council.started(&constant).await;
        let (path, key) = (run["summary"]["id"].as_str().unwrap(), run["tasks"][0]["key"].as_str().unwrap());
        let path = format!("/api/v1/runs/{path}/tasks/{key}/done");
        let run = asker.done(&path, json!({ "values": { "__who__": "you" } })).await;
        assert_eq!(run["summary"]["state"], "failed");
        assert_eq!(run["variables"][0]["value"], "me");
    }
    // No way into the run of an edge or another organisation's person.
    let stranger = Signed::person(&council.hub, "kanto", PersonRole::Approver).await;
    let path = format!("/api/v1/runs/{}", run["summary"]["id"].as_str().unwrap());
    assert_eq!(stranger.get(&path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_are_done_by_people_and_a_run_goes_on_after_a_restart() {
    let mut council = Council::new().await;
    let mut steps =
        BTreeMap::from([(id("start", 0), json!({ "type": "start", "on_completion": id("action", 1) }))]);
    for number in 1..=4 {
        let next = if number == 4 { id("end", 0) } else { id("action", number + 1) };
        steps.insert(
            id("action", number),
            json!({ "type": "action", "name": format!("Step {number}"), "agent": id("group", 1),
                "commands": [{ "type": "manual", "command": format!("do {number}") }], "on_completion": next }),
        );
    }
    steps.insert(id("end", 0), json!({ "type": "end" }));
    let mut run = council.started(&playbook(json!(steps))).await;
    for number in 1..=4 {
        let Council { hub, edge, asker, chief, ministry, kinki } = council;
        council = Council { hub: hub.restart().await, edge, asker, chief, ministry, kinki };
        run = council.settled(&run, &["waiting"]).await;
        let open: Vec<&Value> =
            run["tasks"].as_array().unwrap().iter().filter(|task| task["state"] == "open").collect();
        let [task] = open[..] else { panic!("{run}") };
        assert_eq!(task["text"]["en"], format!("do {number}"));
        let path = format!(
            "/api/v1/runs/{}/tasks/{}/done",
            run["summary"]["id"].as_str().unwrap(),
            task["key"].as_str().unwrap()
        );
        let asker = council.as_person(&council.asker).await;
        run = asker.done(&path, json!({})).await;
        assert_eq!(asker.post(&path, json!({})).await.status, 409, "a step is done once");
    }
    assert_eq!(run["summary"]["state"], "succeeded");
    assert_eq!(run["tasks"].as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_is_there_from_the_start_with_its_graph_in_both_languages() {
    let council = Council::new().await;
    let asker = council.as_person(&council.asker).await;
    let list = asker.good("/api/v1/playbooks").await;
    let library: Vec<&Value> =
        list["playbooks"].as_array().unwrap().iter().filter(|one| one["library"] == true).collect();
    assert_eq!(library.len(), 12);
    assert!(library.iter().all(|one| one["runnable"] == true && one["errors"] == 0));
    for one in library {
        assert_ne!(one["name"]["ja"], one["name"]["en"]);
        let whole = asker.good(&format!("/api/v1/playbooks/{}", one["id"].as_str().unwrap())).await;
        let steps = whole["graph"]["steps"].as_array().unwrap();
        let ids: Vec<&str> = steps.iter().map(|step| step["id"].as_str().unwrap()).collect();
        assert!(whole["graph"]["edges"].as_array().unwrap().iter().all(|edge| {
            ids.contains(&edge["from"].as_str().unwrap()) && ids.contains(&edge["to"].as_str().unwrap())
        }));
    }
    // What another organisation brought without a marking is its own.
    let own = block("198.51.100.7", safeguards("198.51.100.7", 2));
    council.brought(&own).await;
    let other = council.as_person(&council.kinki).await;
    assert_eq!(other.get(&format!("/api/v1/playbooks/{}", own["id"].as_str().unwrap())).await.status, 404);
    let again = council.brought(&own).await;
    assert_eq!(again["already"], true);
    let mut changed = own.clone();
    changed["name"] = json!("Another");
    let chief = council.as_person(&council.chief).await;
    let conflict = chief.post("/api/v1/playbooks", json!({ "document": changed.to_string() })).await;
    assert_eq!(conflict.status, 409, "one version has one content");
}
