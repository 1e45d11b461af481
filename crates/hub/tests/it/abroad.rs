//! Orders at edges of another hub: asked for by one hub, agreed to and given by the other, and what must never come of a request.

use std::net::SocketAddr;

use ed25519_dalek::SigningKey;
use hub::AuthorityConfig;
use openc2::signed::{Statement, sign};
use openc2::{Content, DateTime, Headers, Message};
use oversight::{Action, OrganisationRole, PersonRole};
use policy::permit::Hit;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::authorisation::add_person;
use crate::federation::Cheat;
use crate::room_hubs::{knows, until};
use crate::runs::{block, hash, safeguards, verified};
use crate::signed::Signed;
use crate::support::TestHub;

/// What lets the other hub ask: denials in one operator's network, for two hours at most.
fn agreement(by: &str) -> String {
    format!(
        "id = \"orders\"\nparties = [\"{by}\", \"kinki\"]\nfrom = \"2020-01-01T00:00:00Z\"\nuntil = \"2100-01-01T00:00:00Z\"\n\
         title = {{ ja = \"措置\", en = \"Orders\" }}\n\
         [[orders]]\nby = [\"{by}\"]\nat = [\"kinki\"]\nactions = [\"deny\"]\nminutes_max = 120\n"
    )
}

/// A hub that others reach, where a reference stands for an operator or for another hub.
async fn hub(operator: &str, agreement: Option<String>) -> (TestHub, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in policy::Engine::built_in() {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    if let Some(text) = agreement {
        std::fs::create_dir(folder.path().join("agreements")).unwrap();
        std::fs::write(folder.path().join("agreements/orders.toml"), text).unwrap();
    }
    let (path, operator) = (folder.path().to_owned(), operator.to_owned());
    let hub = TestHub::start_with(|config| {
        config.federation.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        config.policies = Some(path);
        config.response.authorities = vec![AuthorityConfig {
            reference: "2026-17".to_owned(),
            operators: vec![operator],
            from: "2020-01-01T00:00:00Z".parse().unwrap(),
            until: "2100-01-01T00:00:00Z".parse().unwrap(),
        }];
        config.response.bounds.protected = vec![Hit::parse("192.0.2.0/24").unwrap()];
    });
    (hub.await, folder)
}

/// A hub with an operator and its edge; gives the edge's token and the operator's approver.
async fn operators(hub: &TestHub) -> (String, String) {
    for id in ["kinki", "kanto"] {
        hub.organisation(id, OrganisationRole::Operator).await;
    }
    (hub.edge("kinki-1", "kinki").await, add_person(hub, "kinki", PersonRole::Approver).await)
}

pub async fn orders(hub: &TestHub, edge: &str, after: i64) -> Value {
    let path = format!("/edge/v1/orders?after={after}&wait=0");
    let reply = hub.get(&path).bearer(edge).header("accept", "*/*").send().await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

pub async fn report(hub: &TestHub, edge: &str, command: &str, number: u32, state: &str) {
    let report = json!({ "command_id": command, "number": number, "at": jiff::Timestamp::now().to_string(), "state": state,
        "response": null, "why": null, "stopped": 7 });
    let ask = hub.ask(Method::POST, "/edge/v1/orders/reports").bearer(edge).header("accept", "*/*");
    let body = json!({ "reports": [report] }).to_string();
    let reply = ask.header("content-type", "application/json").body(body).send().await;
    assert_eq!(reply.json()["kept"], 1, "{}", String::from_utf8_lossy(&reply.body));
}

/// What is asked of a hub, as its administrator sees it.
async fn asked(hub: &TestHub) -> Vec<Value> {
    hub.good(&hub.token, "/api/v1/orders/asked").await["orders"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_hub_asks_the_other_agrees_and_orders_and_it_is_undone() {
    let (east, _one) = hub("west", None).await;
    let (west, _other) = hub("kinki", Some(agreement("east"))).await;
    knows(&east, &west, "west").await;
    knows(&west, &east, "east").await;
    let (edge, kinki) = operators(&west).await;
    for id in ["police", "ministry"] {
        east.organisation(id, OrganisationRole::Agency).await;
    }
    let asker = add_person(&east, "police", PersonRole::DutyOfficer).await;
    let chief = add_person(&east, "police", PersonRole::Approver).await;
    let ministry = add_person(&east, "ministry", PersonRole::Approver).await;
    let mut playbook = block("198.51.100.7", safeguards("198.51.100.7", 2));
    let target = playbook["target_definitions"].as_object_mut().unwrap().values_mut().next().unwrap();
    target["address"]["dname"] = json!(["kinki-1.west"]);
    let (asker, chief) = (Signed::again(&east, &asker).await, Signed::again(&east, &chief).await);
    chief.done("/api/v1/playbooks", json!({ "document": playbook.to_string() })).await;
    let run = asker.done("/api/v1/runs", json!({ "id": Uuid::new_v4(), "playbook": playbook["id"] })).await;
    let path = format!("/api/v1/runs/{}", run["summary"]["id"].as_str().unwrap());
    let answer = json!({ "hash": hash(&run), "reason": "seen" });
    chief.done(&format!("{path}/questions/0/approve"), answer.clone()).await;
    assert!(asked(&west).await.is_empty(), "one approval is not enough to ask");
    Signed::again(&east, &ministry).await.done(&format!("{path}/questions/0/approve"), answer).await;

    // It is asked there, and waits for people there; nothing is ordered yet.
    until("it is asked", async || !asked(&west).await.is_empty()).await;
    let kinki = Signed::again(&west, &kinki).await;
    let request = kinki.good("/api/v1/orders/asked").await["orders"][0].clone();
    assert_eq!((&request["state"], &request["may_answer"]), (&json!("waiting"), &json!(true)), "{request}");
    assert_eq!((&request["agreement"], &request["edge"]), (&json!("orders"), &json!("kinki-1")));
    assert_eq!(request["command"]["action"], "deny");
    assert_eq!(request["about"]["approved_by"].as_array().unwrap().len(), 2);
    assert!(orders(&west, &edge, 0).await["orders"].as_array().unwrap().is_empty());
    let other = Signed::person(&west, "kanto", PersonRole::Approver).await;
    assert_eq!(other.good("/api/v1/orders/asked").await["orders"], json!([]), "no other operator is told");
    let row = async || asker.good("/api/v1/orders").await["orders"][0].clone();
    until("who asked is told that it waits", async || row().await["state"] == "waiting").await;
    assert_eq!(row().await["edge"], "kinki-1.west");
    let approve = format!("/api/v1/orders/asked/{}/approve", request["id"].as_str().unwrap());
    assert_eq!(other.post(&approve, json!({ "hash": request["hash"] })).await.status, 404);
    assert_eq!(kinki.post(&approve, json!({ "hash": "0".repeat(64) })).await.status, 409);
    let answered = kinki.done(&approve, json!({ "hash": request["hash"], "reason": "ours" })).await;
    assert_eq!(answered["state"], "ordered");

    // The edge takes it from its own hub, and is told both, who asked and on which authority.
    let given = orders(&west, &edge, 0).await;
    let [order] = &given["orders"].as_array().unwrap()[..] else { panic!("{given}") };
    let board = west.good(&west.token, "/api/v1/orders").await;
    assert!(verified(&board["key"], &order["message"], "kinki-1").is_ok());
    let about = &order["about"];
    assert_eq!(
        (&about["requested_by"]["organisation"], &about["reference"]),
        (&json!("police"), &json!("2026-17"))
    );
    assert_eq!(about["approved_by"].as_array().unwrap().len(), 3, "two there and one here: {about}");
    assert!(about["hubs"]["asking"].is_string() && about["hubs"]["ordering"].is_string(), "{about}");
    assert!(about["requested_by"]["name"].is_null() && about["run"].is_null());
    let command = about["command_id"].as_str().unwrap();
    report(&west, &edge, command, 1, "enforced").await;
    until("the run has gone on", async || asker.good(&path).await["summary"]["state"] == "succeeded").await;
    until("it is in force", async || row().await["state"] == "enforced").await;
    assert_eq!(row().await["stopped"], 7);

    // Who asked takes it back; nobody has to agree.
    let undo = format!("/api/v1/orders/{}/undo", row().await["command_id"].as_str().unwrap());
    asker.done(&undo, json!({ "reason": "over" })).await;
    let sequence = given["sequence"].as_i64().unwrap();
    until("it is to be undone", async || orders(&west, &edge, sequence).await["orders"][0].is_object()).await;
    let undoing = orders(&west, &edge, sequence).await["orders"][0].clone();
    assert_eq!(
        (&undoing["about"]["undoes"], &undoing["message"]["body"]["openc2"]["request"]["action"]),
        (&json!(command), &json!("allow"))
    );
    report(&west, &edge, command, 2, "released").await;
    report(&west, &edge, undoing["about"]["command_id"].as_str().unwrap(), 1, "released").await;
    let states = async || {
        let all = asker.good("/api/v1/orders").await;
        all["orders"].as_array().unwrap().iter().filter(|order| order["state"] == "released").count()
    };
    until("both are released", async || states().await == 2).await;
    assert!(
        !west.audit(Action::OrderAsked).await.is_empty()
            && !east.audit(Action::OrderReported).await.is_empty()
    );
}

/// Requests that a test plays.
struct Asker<'h> {
    hub: &'h TestHub,
    cheat: Cheat,
    own: String,
    key: SigningKey,
}

impl<'h> Asker<'h> {
    async fn new(hub: &'h TestHub, seed: u8) -> Self {
        let cheat = Cheat::known(seed, hub).await;
        let own = hub.good(&hub.token, "/api/v1/peers").await["own"]["hub"].as_str().unwrap().to_owned();
        Self { hub, cheat, own, key: SigningKey::from_bytes(&[seed; 32]) }
    }

    /// A request's note: `command` without identifier and end, for so many minutes from then on.
    fn note(
        &self,
        id: &str,
        command: Value,
        (begun, minutes): (jiff::Timestamp, i64),
        undoes: Option<&str>,
    ) -> String {
        let mut command = command;
        command["command_id"] = json!(id);
        let ends = begun + jiff::SignedDuration::from_mins(minutes);
        if undoes.is_none() {
            command["args"] = json!({ "stop_time": ends.as_millisecond() });
        }
        let statement = Statement {
            issuer: "abroad".into(),
            audience: [format!("kinki-1@{}", self.own)].into(),
            command_id: id.to_owned(),
            not_before: DateTime::from(begun),
            expires: DateTime::from(begun + jiff::SignedDuration::from_mins(minutes.min(60))),
            authority: Some("ab".repeat(32)),
        };
        let message =
            Message { headers: Headers::default(), content: Content::Request(command), signature: None };
        let message = sign(message, &statement, &self.key).unwrap().write();
        let body = json!({
            "from": self.cheat.hub, "to": self.own, "edge": "kinki-1", "message": message, "tlp": null, "pap": null,
            "key": { "issuer": "abroad", "key": hex::encode(self.key.verifying_key().to_bytes()) },
            "about": { "command_id": id, "run": null, "playbook": "p", "step": "s", "case": null, "approved_by": [], "basis": "an order",
                "requested_by": { "organisation": "Police abroad", "name": null, "at": begun.to_string() }, "reference": "2026-17", "undoes": undoes },
        });
        self.cheat.signer.sign_statement("order-request/v1", &body.to_string())
    }

    fn deny(&self, id: &str, target: &str) -> String {
        let command = json!({ "action": "deny", "target": { "ipv4_net": target } });
        self.note(id, command, (jiff::Timestamp::now(), 30), None)
    }

    fn undo(&self, id: &str, undoes: &str, target: &str) -> String {
        let command = json!({ "action": "allow", "target": { "ipv4_net": target } });
        self.note(id, command, (jiff::Timestamp::now(), 30), Some(undoes))
    }

    /// Sends it as a letter of that name.
    async fn send(&self, letter: &str, note: &str) {
        let letter =
            json!({ "sequence": 0, "letter": { "id": letter, "kind": "order-asked", "note": note } });
        let (status, text) = self.cheat.send(&[self.cheat.hello(0), letter]).await;
        assert_eq!(status, 200, "{text}");
    }

    /// How a command stands here, and why.
    async fn stands(&self, command: &str) -> (String, String) {
        let all = asked(self.hub).await;
        let found = all.iter().find(|one| one["about"]["command_id"] == command);
        let text = |name: &str| found.and_then(|one| one[name].as_str()).unwrap_or_default().to_owned();
        (text("state"), text("why"))
    }

    /// The codes of what was refused to it, newest first.
    async fn refused(&self) -> Vec<String> {
        let rows = self.hub.audit(Action::Refused).await;
        let codes = rows.iter().map(|row| row.event.detail.get("code").cloned().unwrap_or_default());
        codes.filter(|code| code.starts_with("order-")).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_agreement_nothing_can_be_asked() {
    let (west, _folder) = hub("kinki", None).await;
    let asker = Asker::new(&west, 51).await;
    let (edge, _) = operators(&west).await;
    asker.send("1", &asker.deny("c-1", "198.51.100.7")).await;
    let (state, why) = asker.stands("c-1").await;
    assert_eq!(state, "refused");
    assert!(why.contains("no agreement that stands"), "{why}");
    assert!(orders(&west, &edge, 0).await["orders"].as_array().unwrap().is_empty());
    // What became of it is on its way back.
    let given = asker.cheat.everything().await;
    assert!(given.contains("order-told") && given.contains("no agreement that stands"), "{given}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_replayed_altered_late_or_too_much_is_never_ordered() {
    let (west, _folder) = hub("kinki", Some(agreement("abroad"))).await;
    let asker = Asker::new(&west, 52).await;
    let (edge, kinki) = operators(&west).await;
    let good = asker.deny("c-1", "198.51.100.7");
    asker.send("1", &good).await;
    assert_eq!(asker.stands("c-1").await.0, "waiting");
    // The same again, and under another letter's name: it stands once, as it did.
    asker.send("1", &good).await;
    asker.send("2", &good).await;
    assert_eq!(asked(&west).await.len(), 1);
    // Another command under its name does not take its place.
    asker.send("3", &asker.deny("c-1", "203.0.113.1")).await;
    assert_eq!(asked(&west).await[0]["command"]["target"]["ipv4_net"], "198.51.100.7");
    asker.send("4", &good.replace("198.51.100.7", "198.51.100.8")).await;
    let by_other = Cheat::new(99, &west).signer.sign_statement("order-request/v1", "{}");
    asker.send("5", &by_other).await;
    assert_eq!(asker.refused().await, ["order-not-signed", "order-not-signed", "order-changed"]);
    // The note holds, and the order in it was changed.
    let body = good.lines().nth(1).unwrap().replace("198.51.100.7", "198.51.100.9").replace("c-1", "c-2");
    asker.send("6", &asker.cheat.signer.sign_statement("order-request/v1", &body)).await;
    let now = jiff::Timestamp::now();
    let deny = |target: &str| json!({ "action": "deny", "target": { "ipv4_net": target } });
    let ago = now - jiff::SignedDuration::from_mins(90);
    asker.send("7", &asker.note("c-3", deny("198.51.100.7"), (ago, 100), None)).await;
    asker.send("8", &asker.note("c-4", deny("198.51.100.7"), (now, 300), None)).await;
    asker.send("9", &asker.deny("c-5", "192.0.2.9")).await;
    asker
        .send(
            "10",
            &asker.note(
                "c-6",
                json!({ "action": "contain", "target": { "ipv4_net": "198.51.100.7" } }),
                (now, 30),
                None,
            ),
        )
        .await;
    for (command, state, why) in [
        ("c-2", "refused", "the signature does not hold"),
        ("c-3", "over", "too late"),
        ("c-4", "refused", "the agreement allows 120 minutes"),
        ("c-5", "refused", "gate `protected`"),
        ("c-6", "refused", "no agreement that stands"),
    ] {
        let (found, said) = asker.stands(command).await;
        assert_eq!(found, state, "{command}: {said}");
        assert!(said.contains(why), "{command}: {said}");
    }
    assert!(orders(&west, &edge, 0).await["orders"].as_array().unwrap().is_empty());

    // What is taken back before it came, or before anybody agreed, is not carried out afterwards.
    asker.send("11", &asker.undo("u-7", "c-7", "198.51.100.7")).await;
    asker.send("12", &asker.deny("c-7", "198.51.100.7")).await;
    assert_eq!(asker.stands("c-7").await.0, "withdrawn");
    asker.send("13", &asker.undo("u-1", "c-1", "198.51.100.7")).await;
    assert_eq!(asker.stands("c-1").await.0, "withdrawn");
    let kinki = Signed::again(&west, &kinki).await;
    let request = asked(&west).await.into_iter().find(|one| one["about"]["command_id"] == "c-1").unwrap();
    let approve = format!("/api/v1/orders/asked/{}/approve", request["id"].as_str().unwrap());
    assert_eq!(kinki.post(&approve, json!({ "hash": request["hash"] })).await.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_agreement_stops_what_waits_is_refused_and_what_stands_is_taken_back() {
    let (west, _folder) = hub("kinki", Some(agreement("abroad"))).await;
    let asker = Asker::new(&west, 53).await;
    let (edge, kinki) = operators(&west).await;
    let kinki = Signed::again(&west, &kinki).await;
    let approve = async |command: &str| {
        let all = asked(&west).await;
        let request = all.iter().find(|one| one["about"]["command_id"] == command).unwrap();
        let path = format!("/api/v1/orders/asked/{}/approve", request["id"].as_str().unwrap());
        kinki.done(&path, json!({ "hash": request["hash"] })).await
    };
    asker.send("0", &asker.deny("c-0", "198.51.100.6")).await;
    assert_eq!(approve("c-0").await["state"], "ordered");
    // What takes back counts also where it comes late.
    let ago = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(90);
    let allow = json!({ "action": "allow", "target": { "ipv4_net": "198.51.100.6" } });
    asker.send("u", &asker.note("u-0", allow, (ago, 100), Some("c-0"))).await;
    let undoing = orders(&west, &edge, 1).await["orders"][0].clone();
    assert_eq!(undoing["message"]["body"]["openc2"]["request"]["action"], "allow", "{undoing}");

    asker.send("1", &asker.deny("c-1", "198.51.100.7")).await;
    asker.send("2", &asker.deny("c-2", "198.51.100.8")).await;
    assert_eq!(approve("c-1").await["state"], "ordered");
    let agreement = kinki.good("/api/v1/agreements/orders").await;
    assert_eq!(agreement["orders"][0]["actions"], json!(["deny"]));
    let step = json!({ "state": "suspended", "hash": agreement["hash"], "reason": "a test" });
    kinki.done("/api/v1/agreements/orders/side", step).await;
    let refused = approve("c-2").await;
    assert_eq!(refused["state"], "refused");
    assert!(refused["why"].as_str().unwrap().contains("no agreement"), "{refused}");
    until("what stands is taken back", async || orders(&west, &edge, 3).await["orders"][0].is_object()).await;
    let undoing = orders(&west, &edge, 3).await["orders"][0].clone();
    assert_eq!(undoing["message"]["body"]["openc2"]["request"]["action"], "allow");
    asker.send("3", &asker.deny("c-3", "198.51.100.9")).await;
    assert_eq!(asker.stands("c-3").await.0, "refused");
}
