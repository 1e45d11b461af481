//! Authorisations through the hub's doors: from the constitution of the commission to what edges sign for, and every way to get one
//! that one has not.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use oversight::authorisation::{
    Field, Gate, IndicatorList, Package, Quota, Receipt, Refused, Trusted, Witnessed,
};
use oversight::{Action, OrganisationId, PersonRole, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use store::{Act, authorisations, challenges};

use crate::commissioners::{
    Commissioner, adopt_frame, commission, constitution, decision, granted_behind, hub, path, resolution,
    wanted,
};
use crate::log::{checkpoint_of, database_files, put_back, root_of, start};
use crate::signed::Signed;
use crate::support::{Reply, TestHub};

const LOG: &str = "/log/authorisations";

fn code(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["code"].as_str().unwrap_or_default().to_owned())
}

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

/// An edge of an operator, as its program would be.
pub struct Edge<'a> {
    hub: &'a TestHub,
    pub id: String,
    token: String,
    pub key: Ed25519KeyPair,
}

fn new_key() -> Ed25519KeyPair {
    Ed25519KeyPair::generate().unwrap()
}

impl<'a> Edge<'a> {
    pub async fn new(hub: &'a TestHub, operator: &str) -> Self {
        let id = format!("{operator}-1");
        let token = hub.edge(&id, operator).await;
        Self { hub, id, token, key: new_key() }
    }

    /// Somebody who has its token, and not its key.
    pub fn stolen(&self) -> Self {
        Self { hub: self.hub, id: self.id.clone(), token: self.token.clone(), key: new_key() }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Reply {
        let ask = self.hub.ask(method, path).bearer(&self.token);
        let ask = ask.header("accept", "application/json").header("content-type", "application/json");
        ask.body(if body.is_null() { String::new() } else { body.to_string() }).send().await
    }

    pub async fn send_bytes(&self, path: &str, body: Vec<u8>) -> Reply {
        let ask = self.hub.ask(Method::POST, path).bearer(&self.token);
        let ask = ask.header("accept", "application/json").header("content-type", "application/octet-stream");
        ask.body(body).send().await
    }

    pub async fn good(&self, path: &str) -> Value {
        let reply = self.send(Method::GET, path, Value::Null).await;
        assert_eq!(reply.status, 200, "{path}: {}", text(&reply));
        reply.json()
    }

    pub async fn register(&self) -> Reply {
        let signed = [b"yagura edge key v1\0", self.id.as_bytes()].concat();
        let body = json!({
            "key": hex::encode(self.key.public_key().as_ref()), "signature": hex::encode(self.key.sign(&signed).as_ref()),
        });
        self.send(Method::PUT, "/edge/v1/key", body).await
    }

    pub async fn hand_in(&self, receipts: Vec<Value>) -> Vec<String> {
        let reply = self.send(Method::POST, "/edge/v1/receipts", json!({ "receipts": receipts })).await;
        assert_eq!(reply.status, 200, "{}", text(&reply));
        let outcomes = reply.json()["outcomes"].as_array().unwrap().clone();
        outcomes.iter().map(|outcome| outcome["outcome"].as_str().unwrap().to_owned()).collect()
    }

    pub fn sign(&self, used: oversight::authorisation::Use) -> Receipt {
        Receipt::sign(used, |bytes| self.key.sign(bytes).as_ref().try_into().unwrap())
    }

    /// A gate as the operator configures it: it pins what it compared.
    pub async fn gate(&self, operator: &str) -> Gate {
        let told = self.good("/edge/v1/authorisations").await;
        Gate::new(Trusted {
            operator: OrganisationId::parse(operator).unwrap(),
            edge: self.id.clone(),
            commission: serde_json::from_value(told["commission"].clone()).unwrap(),
            frame: serde_json::from_value(told["frame"].clone()).unwrap(),
        })
    }

    /// Follows the log to a checkpoint of at least this size, as if witnesses had cosigned it.
    pub async fn follow(&self, gate: &mut Gate, size: u64) {
        let head = checkpoint_of(self.hub, LOG, size).await;
        let told = self.good(&format!("/edge/v1/authorisation-log?from={}", gate.seen())).await;
        assert_eq!(told["more"], false);
        let entries = told["entries"].as_array().unwrap().iter();
        let entries: Vec<Vec<u8>> =
            entries.map(|entry| entry.as_str().unwrap().as_bytes().to_vec()).collect();
        let head = Witnessed { size: head.size, root: head.root, at: jiff::Timestamp::now() };
        gate.follow(&head, &entries).unwrap();
    }

    /// Follows the log by one entry at least.
    pub async fn follow_on(&self, gate: &mut Gate) {
        let more = gate.seen() + 1;
        self.follow(gate, more).await;
    }

    pub async fn packages(&self) -> Vec<Package> {
        let told = self.good("/edge/v1/authorisations").await;
        serde_json::from_value(told["packages"].clone()).unwrap()
    }

    pub async fn list(&self, id: &str) -> Option<IndicatorList> {
        let reply = self.send(Method::GET, &format!("/edge/v1/authorisations/{id}/list"), Value::Null).await;
        (reply.status == 200).then(|| serde_json::from_value(reply.json()).unwrap())
    }
}

pub async fn granted(members: &mut [Commissioner<'_>], asked: &Value) -> Value {
    members[0].decide(asked, "grant").await;
    members[1].decide(asked, "grant").await;
    members[2].decide(asked, "grant").await
}

/// Whether an entry commits to the record that came with it.
fn opens(row: &Value) -> bool {
    let mut salt = [0; 32];
    hex::decode_to_slice(row["salt"].as_str().unwrap(), &mut salt).unwrap();
    let entry = oversight::authorisation::Entry::read(row["entry"].as_str().unwrap().as_bytes()).unwrap();
    entry.commits_to(&salt, row["record"].as_str().unwrap().as_bytes())
}

fn id(authorisation: &Value) -> &str {
    authorisation["id"].as_str().unwrap()
}

pub async fn notices(person: &Signed<'_>) -> Vec<String> {
    let told = person.good("/api/v1/notices").await["notices"].clone();
    told.as_array().unwrap().iter().map(|notice| notice["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_life_of_an_authorisation() {
    let hub = hub().await;
    let mut members = commission(&hub).await;
    let told = adopt_frame(&mut members).await;
    assert_eq!((&told["is_on"], &told["proposals"]), (&json!(true), &json!([])));
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    let operator = Signed::person(&hub, "kinki-power", PersonRole::Approver).await;
    let edge = Edge::new(&hub, "kinki-power").await;

    let asked = requester.done("/api/v1/authorisations", wanted(&["kinki-power"])).await;
    assert_eq!(
        (&asked["state"], &asked["terms"]["article"]),
        (&json!("requested"), &json!("Act 42/2025 art. 32(1)"))
    );
    assert!(edge.packages().await.is_empty());
    // Three of five: the third one's answer carries it out.
    let first = members[0].decide(&asked, "grant").await;
    assert_eq!((&first["state"], &first["pending"]["needed"]), (&json!("requested"), &json!(3)));
    let second = members[1].decide(&asked, "grant").await;
    assert_eq!(second["pending"]["signed_by"].as_array().unwrap().len(), 2);
    let third = members[2].decide(&asked, "grant").await;
    assert_eq!(
        (&third["state"], &third["in_force"], &third["pending"]),
        (&json!("granted"), &json!(true), &Value::Null)
    );
    assert_eq!(third["may"], json!(["suspend", "revoke"]));

    // The edge checks all of it and believes nothing.
    let mut gate = edge.gate("kinki-power").await;
    let package = edge.packages().await.remove(0);
    let quota = Quota::default();
    let now = jiff::Timestamp::now;
    assert_eq!(gate.ask(&package, &quota, now()).unwrap_err(), Refused::NotLogged(package.index));
    edge.follow(&mut gate, package.index + 1).await;
    let list = edge.list(id(&asked)).await.unwrap();
    let authorised = gate.ask(&package, &quota, now()).unwrap().permit(&list).unwrap();
    assert!(authorised.lets_out(Field::Ports) && !authorised.lets_out(Field::Hashes));

    // It signs for the use.
    let receipt = edge.sign(authorised.used().clone());
    let posted = serde_json::to_value(&receipt).unwrap();
    assert_eq!(edge.hand_in(vec![posted.clone()]).await, ["refused"], "it has no key yet");
    assert_eq!(edge.register().await.status, 204);
    assert_eq!(edge.register().await.status, 204, "the same key again is no harm");
    assert_eq!(edge.hand_in(vec![posted.clone(), posted.clone()]).await, ["accepted", "duplicate"]);
    for viewer in [&members[3].signed, &operator] {
        let rows = viewer.good("/api/v1/receipts").await["receipts"].clone();
        assert_eq!(rows.as_array().unwrap().len(), 1);
        let row = &rows[0];
        assert_eq!(
            (&row["asked_by"], &row["operator"], &row["count"]),
            (&json!("npa"), &json!("kinki-power"), &json!(2))
        );
        let kept: Receipt = serde_json::from_value(row["receipt"].clone()).unwrap();
        assert_eq!(kept, receipt);
        assert!(opens(row));
        assert_eq!(serde_json::from_str::<Receipt>(row["record"].as_str().unwrap()).unwrap(), receipt);
    }

    // The commission looks at the list; that is written down.
    let looked = members[3].signed.good(&format!("/api/v1/authorisations/{}/list", id(&asked))).await;
    assert_eq!(looked["patterns"][1], "[domain-name:value = 'evil.example']");
    assert_eq!(hub.audit(Action::AuthorisationListInspected).await.len(), 2, "the edge and the commissioner");

    // One can stop it; three let it go on; one ends it.
    let stopped = members[4].decide(&asked, "suspend").await;
    assert_eq!(stopped["state"], "suspended");
    assert!(edge.packages().await.is_empty() && edge.list(id(&asked)).await.is_none());
    edge.follow_on(&mut gate).await;
    assert_eq!(gate.ask(&package, &quota, now()).unwrap_err(), Refused::Stopped);
    members[0].decide(&asked, "resume").await;
    members[3].decide(&asked, "resume").await;
    assert_eq!(members[4].decide(&asked, "resume").await["state"], "granted");
    edge.follow_on(&mut gate).await;
    // What it was given before shows no decision that ended the suspension.
    assert_eq!(gate.ask(&package, &quota, now()).unwrap_err(), Refused::Stopped);
    let package = edge.packages().await.remove(0);
    assert!(package.resumption.is_some() && gate.ask(&package, &quota, now()).is_ok());
    assert_eq!(members[1].decide(&asked, "revoke").await["may"], json!([]));
    edge.follow_on(&mut gate).await;
    assert_eq!(gate.ask(&package, &quota, now()).unwrap_err(), Refused::Stopped);

    // Each step is an entry whose record its parties can check, and an act.
    let whole = operator.good(&format!("/api/v1/authorisations/{}", id(&asked))).await;
    let history = whole["history"].as_array().unwrap();
    let kinds: Vec<&str> = history.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["request", "grant", "suspend", "resume", "revoke"]);
    assert!(history.iter().all(opens));
    for (action, count) in [
        (Action::CommissionChanged, 1),
        (Action::FrameChanged, 3),
        (Action::AuthorisationRequested, 1),
        (Action::AuthorisationAnswered, 4),
        (Action::AuthorisationGranted, 1),
        (Action::AuthorisationUsed, 1),
        (Action::AuthorisationSuspended, 1),
        (Action::AuthorisationResumed, 1),
        (Action::AuthorisationRevoked, 1),
    ] {
        assert_eq!(hub.audit(action).await.len(), count, "{action:?}");
    }
    let told = ["revoked", "resumed", "suspended", "granted"].map(|kind| format!("authorisation-{kind}"));
    assert_eq!(notices(&requester).await[..4], told);
    assert_eq!(notices(&operator).await[..4], told);
    assert!(notices(&members[0].signed).await.contains(&"authorisation-requested".to_owned()));
    let analyst = Signed::person(&hub, "kinki-power", PersonRole::Analyst).await;
    assert!(!notices(&analyst).await.iter().any(|kind| kind.starts_with("authorisation-")));

    // The published log is the one that the store has.
    let head = checkpoint_of(&hub, LOG, gate.seen()).await;
    assert!(head.origin.ends_with("/log/authorisations"));
    assert_eq!(root_of(&hub, LOG, head.size).await, head.root);
    let verified = hub.running.store().read(authorisations::log::verify).await.unwrap();
    assert_eq!(verified, (head.size, head.root));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_takes_a_request_back_until_it_is_decided() {
    let hub = hub().await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    let colleague = Signed::person(&hub, "npa", PersonRole::DutyOfficer).await;
    let asked = requester.done("/api/v1/authorisations", wanted(&["kinki-power"])).await;
    let path = format!("/api/v1/authorisations/{}/withdraw", id(&asked));
    let body = || json!({ "reason": "the server is gone" });
    // Others do not: to those who know of it that is not theirs to do, to all others there is nothing.
    for (organisation, role, status) in [
        ("npa", PersonRole::Administrator, 403),
        ("kinki-power", PersonRole::Approver, 403),
        ("commission", PersonRole::Administrator, 403),
        ("mod", PersonRole::Approver, 404),
        ("coordinator", PersonRole::Approver, 404),
    ] {
        let person = Signed::person(&hub, organisation, role).await;
        assert_eq!(person.post(&path, body()).await.status, status, "{organisation} {role:?}");
    }
    assert_eq!(members[0].signed.post(&path, body()).await.status, 403);
    assert_eq!(requester.post(&path, json!({ "reason": " " })).await.status, 422);
    // Two of three have signed; that is no decision, and the third one comes too late.
    members[0].decide(&asked, "grant").await;
    members[1].decide(&asked, "grant").await;
    let begun =
        members[2].signed.done(&format!("{}/start", self::path(&asked)), decision(&asked, "grant")).await;
    let withdrawn = colleague.done(&path, body()).await;
    assert_eq!((&withdrawn["state"], &withdrawn["pending"]), (&json!("withdrawn"), &Value::Null));
    let credential = members[2].answer(&begun["options"]);
    let late = json!({ "challenge_id": begun["challenge_id"], "credential": credential });
    let late = members[2].signed.post(&format!("{}/finish", self::path(&asked)), late).await;
    assert_eq!(code(&late), (409, "conflict".to_owned()), "{}", text(&late));
    let again = requester.post(&path, body()).await;
    assert!(again.status == 422 && text(&again).contains("`withdrawn`"), "{}", text(&again));
    // It stays in the log, and the commission is told.
    let whole = members[3].signed.good(&format!("/api/v1/authorisations/{}", id(&asked))).await;
    let history = whole["history"].as_array().unwrap();
    let kinds: Vec<&str> = history.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds, &whole["may"]), (vec!["request", "withdraw"], &json!([])));
    assert!(history.iter().all(opens));
    assert!(history[1]["record"].as_str().unwrap().contains("the server is gone"));
    assert!(notices(&members[3].signed).await.contains(&"authorisation-withdrawn".to_owned()));
    assert_eq!(hub.audit(Action::AuthorisationWithdrawn).await.len(), 1);
    let operator = Signed::person(&hub, "kinki-power", PersonRole::Approver).await;
    assert_eq!(operator.get(&format!("/api/v1/authorisations/{}", id(&asked))).await.status, 404);
    // What was granted ends by the commission's word alone; an edge goes on over both.
    let other = requester.done("/api/v1/authorisations", wanted(&["kinki-power"])).await;
    granted(&mut members, &other).await;
    let refused = requester.post(&format!("/api/v1/authorisations/{}/withdraw", id(&other)), body()).await;
    assert!(refused.status == 422 && text(&refused).contains("`granted`"), "{}", text(&refused));
    let edge = Edge::new(&hub, "kinki-power").await;
    let mut gate = edge.gate("kinki-power").await;
    let package = edge.packages().await.remove(0);
    edge.follow(&mut gate, package.index + 1).await;
    assert!(gate.ask(&package, &Quota::default(), jiff::Timestamp::now()).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_authorised_without_a_frame_or_a_commission() {
    let bare = TestHub::start().await;
    let administrator = Signed::person(&bare, "coordinator", PersonRole::Approver).await;
    let told = administrator.good("/api/v1/oversight/commission").await;
    assert_eq!((&told["is_on"], &told["off_because"]), (&json!(false), &json!("no-frame")));
    let refused = administrator.post("/api/v1/authorisations", wanted(&["coordinator"])).await;
    assert_eq!(refused.status, 422);
    assert!(text(&refused).contains("cannot be authorised"), "{}", text(&refused));

    let hub = hub().await;
    let requester = Signed::person(&hub, "npa", PersonRole::DutyOfficer).await;
    assert_eq!(requester.good("/api/v1/oversight/commission").await["off_because"], "no-commission");
    let mut members = commission(&hub).await;
    let refused = requester.post("/api/v1/authorisations", wanted(&["harbour"])).await;
    assert!(refused.status == 422 && text(&refused).contains("cannot be authorised"));
    // Two are not enough for a frame; the third one's word is the one that counts.
    for member in members.iter_mut().take(2) {
        let body = resolution(member, "frame").await;
        let told = member.sign("/api/v1/oversight/resolutions", body).await.json();
        assert_eq!(told["is_on"], false);
    }
    let body = resolution(&members[1], "frame").await;
    let twice = members[1].sign("/api/v1/oversight/resolutions", body).await;
    assert_eq!(code(&twice), (409, "conflict".to_owned()), "{}", text(&twice));
    let body = resolution(&members[4], "frame").await;
    let told = members[4].sign("/api/v1/oversight/resolutions", body).await.json();
    assert_eq!((&told["is_on"], told["frame"]["leaf"].as_u64()), (&json!(true), Some(1)));
    requester.done("/api/v1/authorisations", wanted(&["harbour"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_part_in_it_is_refused() {
    let hub = hub().await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    let asked = requester.done("/api/v1/authorisations", wanted(&["kinki-power"])).await;
    let start = format!("{}/start", path(&asked));
    let finish = format!("{}/finish", path(&asked));

    // The asker, operators, the node's administrator and the oversight organisation's do not decide.
    let own = Signed::person(&hub, "npa", PersonRole::Commissioner).await;
    let operator = Signed::person(&hub, "kinki-power", PersonRole::Approver).await;
    let node = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let administrator = Signed::person(&hub, "commission", PersonRole::Administrator).await;
    for person in [&requester, &own, &operator, &node, &administrator] {
        assert_eq!(person.post(&start, decision(&asked, "grant")).await.status, 403);
    }
    // Nor a commissioner who is no member, with a passkey or without.
    let mut stranger = Commissioner::new(&hub, 0).await;
    assert_eq!(code(&stranger.try_decide(&asked, "grant").await), (403, "not-allowed".to_owned()));
    assert_eq!(hub.audit(Action::Refused).await.len(), 6, "each refusal is written down");
    // Only agencies and the coordinator ask, and only people who answer for it.
    for (organisation, role) in [
        ("kinki-power", PersonRole::Approver),
        ("commission", PersonRole::Commissioner),
        ("npa", PersonRole::Analyst),
        ("npa", PersonRole::Administrator),
    ] {
        let person = Signed::person(&hub, organisation, role).await;
        let refused = person.post("/api/v1/authorisations", wanted(&["harbour"])).await;
        assert_eq!(refused.status, 403, "{organisation} {role:?}");
    }

    // The same person twice; another one's answer; a replayed one; an old challenge; other terms.
    members[0].decide(&asked, "grant").await;
    let twice = members[0].try_decide(&asked, "grant").await;
    assert_eq!(code(&twice), (409, "conflict".to_owned()), "{}", text(&twice));
    let begun = members[1].signed.done(&start, decision(&asked, "grant")).await;
    assert_eq!(begun["signed_by"].as_array().unwrap().len(), 1);
    let body = |begun: &Value, credential: &Value| json!({ "challenge_id": begun["challenge_id"], "credential": credential });
    let lent = members[2].answer(&begun["options"]);
    let refused = members[1].signed.post(&finish, body(&begun, &lent)).await;
    assert_eq!(code(&refused), (403, "not-allowed".to_owned()), "another member's passkey in its session");
    let credential = members[1].answer(&begun["options"]);
    let used_up = members[1].signed.post(&finish, body(&begun, &credential)).await;
    assert_eq!(used_up.status, 422, "an answer can be tried once");
    let begun = members[1].signed.done(&start, decision(&asked, "grant")).await;
    let credential = members[2].answer(&begun["options"]);
    let refused = members[2].signed.post(&finish, body(&begun, &credential)).await;
    assert_eq!(refused.status, 422, "a challenge is one account's");
    let begun = members[1].signed.done(&start, decision(&asked, "grant")).await;
    let mut forged = members[1].answer(&begun["options"]);
    forged["response"]["signature"] = json!("AAAA");
    assert_eq!(members[1].signed.post(&finish, body(&begun, &forged)).await.status, 403);
    let begun = members[1].signed.done(&start, decision(&asked, "grant")).await;
    let challenge: uuid::Uuid = begun["challenge_id"].as_str().unwrap().parse().unwrap();
    let aged = hub.running.store().write(move |tx| {
        let kept = challenges::take(tx, &Realm::Live, &challenge)?.unwrap();
        let expired = tx.now() - jiff::SignedDuration::from_secs(1);
        challenges::keep(tx, &Realm::Live, &challenge, expired, &kept).map(Act::bookkeeping)
    });
    aged.await.unwrap();
    let credential = members[1].answer(&begun["options"]);
    assert_eq!(members[1].signed.post(&finish, body(&begun, &credential)).await.status, 422);
    let mut other = asked.clone();
    other["terms_hash"] = json!("00".repeat(32));
    assert_eq!(members[1].try_decide(&other, "grant").await.status, 409);
    // An answer to the grant of another authorisation.
    let second = requester.done("/api/v1/authorisations", wanted(&["harbour"])).await;
    let begun = members[1].signed.done(&start, decision(&asked, "grant")).await;
    let credential = members[1].answer(&begun["options"]);
    let elsewhere =
        members[1].signed.post(&format!("{}/finish", path(&second)), body(&begun, &credential)).await;
    assert_eq!(elsewhere.status, 422);
    // A sign-in's question is none of the commission's: its answer decides nothing.
    let begun = members[1].signed.done(&start, decision(&asked, "grant")).await;
    let login = hub.ask(Method::POST, "/api/v1/session/passkey/start").stranger();
    let login = login.header("content-type", "application/json").send().await.json();
    let credential =
        members[1].answer(&json!({ "rpId": "localhost", "challenge": login["options"]["challenge"] }));
    assert_eq!(members[1].signed.post(&finish, body(&begun, &credential)).await.status, 403);
    // After all that, one signed.
    let now = members[4].signed.good(&format!("/api/v1/authorisations/{}", id(&asked))).await;
    assert_eq!(
        (&now["state"], now["pending"]["signed_by"].as_array().unwrap().len()),
        (&json!("requested"), 1)
    );
    assert_eq!(members[3].decide(&asked, "refuse").await["state"], "refused");
    assert_eq!(members[1].try_decide(&asked, "grant").await.status, 422, "what is refused stays refused");
    let silent = json!({ "verdict": "refuse", "terms": second["terms_hash"], "reason": " " });
    let silent = members[1].sign(&path(&second), silent).await;
    assert!(silent.status == 422 && text(&silent).contains("reason"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_ask_or_is_not_concerned_does_not_know_of_it() {
    let hub = hub().await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    let others = Signed::person(&hub, "mod", PersonRole::Approver).await;
    let operator = Signed::person(&hub, "kinki-power", PersonRole::Administrator).await;
    let neighbour = Signed::person(&hub, "harbour", PersonRole::Approver).await;
    let node = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let mut sealed = wanted(&["kinki-power"]);
    sealed["sealed"] = json!(true);
    let asked = requester.done("/api/v1/authorisations", wanted(&["kinki-power"])).await;
    let hidden = requester.done("/api/v1/authorisations", sealed).await;
    let one = format!("/api/v1/authorisations/{}", id(&asked));
    let of = async |person: &Signed<'_>| -> (u16, u16, usize) {
        let list = person.good("/api/v1/authorisations").await["authorisations"].as_array().unwrap().len();
        (person.get(&one).await.status, person.get(&format!("{one}/list")).await.status, list)
    };
    assert_eq!(of(&requester).await, (200, 200, 2));
    assert_eq!(of(&members[4].signed).await, (200, 200, 2));
    for person in [&others, &operator, &neighbour, &node] {
        assert_eq!(of(person).await, (404, 404, 0));
    }
    granted(&mut members, &asked).await;
    granted(&mut members, &hidden).await;
    assert_eq!(of(&operator).await, (200, 200, 2));
    for person in [&others, &neighbour, &node] {
        assert_eq!(of(person).await, (404, 404, 0));
    }
    let list = format!("/api/v1/authorisations/{}/list", id(&hidden));
    assert_eq!(operator.get(&list).await.status, 404, "it is sealed");
    assert_eq!(members[4].signed.get(&list).await.status, 200);
    for (viewer, sees) in [(&requester, false), (&operator, false), (&members[4].signed, true)] {
        let told = viewer.good(&one).await;
        assert_eq!(told["uses"].is_u64(), sees, "what the commission alone sees");
    }
    // Edges are given what concerns their own operator.
    let (edge, far) = (Edge::new(&hub, "kinki-power").await, Edge::new(&hub, "harbour").await);
    assert_eq!((edge.packages().await.len(), far.packages().await.len()), (2, 0));
    assert_eq!(edge.good("/edge/v1/authorisations").await["open"], json!([id(&asked)]));
    assert!(edge.list(id(&asked)).await.is_some() && edge.list(id(&hidden)).await.is_none());
    assert!(far.list(id(&asked)).await.is_none());
    // Programs have no part in it.
    let program = hub.token("npa", &[PersonRole::Approver]).await;
    assert_eq!(hub.get("/api/v1/authorisations").bearer(&program).send().await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_adds_a_commissioner_alone() {
    let hub = hub().await;
    let administrator = Signed::person(&hub, "commission", PersonRole::Administrator).await;
    let node = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    // A commission of people without a passkey, of one, of strangers: refused, saying who lacks what.
    let bare = Signed::person(&hub, "commission", PersonRole::Commissioner).await;
    let bare_id = bare.good("/api/v1/session").await["person"]["id"].clone();
    let mut some = vec![Commissioner::new(&hub, 0).await, Commissioner::new(&hub, 1).await];
    let with = |ids: Vec<Value>, threshold: u32| {
        let mut body = constitution(&[], threshold);
        body["members"] = json!(ids);
        body
    };
    let (one, two) = (json!(some[0].id), json!(some[1].id));
    for (body, because) in [
        (with(vec![one.clone(), bare_id.clone()], 2), "no passkey that can decide"),
        (with(vec![one.clone(), two.clone()], 1), "at least two"),
        (with(vec![one.clone(), two.clone()], 3), "at least two"),
        (with(vec![one.clone(), one.clone()], 2), "the same"),
        (with(vec![one.clone(), json!("nobody")], 2), "no commissioner"),
    ] {
        let refused = administrator.post("/api/v1/oversight/commission", body).await;
        assert!(refused.status == 422 && text(&refused).contains(because), "{because}: {}", text(&refused));
    }
    let told = administrator.good("/api/v1/oversight/commission").await;
    let bare_told =
        told["candidates"].as_array().unwrap().iter().find(|row| row["id"] == bare_id).unwrap().clone();
    assert_eq!((&bare_told["passkeys"], &bare_told["is_member"]), (&json!(0), &json!(false)));
    assert_eq!(node.post("/api/v1/oversight/commission", constitution(&some, 2)).await.status, 403);
    assert_eq!(some[0].signed.post("/api/v1/oversight/commission", constitution(&some, 2)).await.status, 403);

    let told = administrator.done("/api/v1/oversight/commission", constitution(&some, 2)).await;
    let digest = told["commission"]["digest"].clone();
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    for member in &mut some {
        let body = resolution(member, "frame").await;
        assert_eq!(member.sign("/api/v1/oversight/resolutions", body).await.status, 200);
    }
    let asked = requester.done("/api/v1/authorisations", wanted(&["harbour"])).await;

    // A third one is made by administrators; it is proposed, and nothing more.
    let mut third = Commissioner::new(&hub, 2).await;
    let both = [some.remove(0), some.remove(0)];
    let mut wider = constitution(&both, 2);
    wider["members"].as_array_mut().unwrap().push(json!(third.id));
    let told = administrator.done("/api/v1/oversight/commission", wider).await;
    assert_eq!(told["commission"]["digest"], digest);
    assert_eq!(
        (&told["proposals"][0]["subject"], &told["proposals"][0]["needed"]),
        (&json!("commission"), &json!(2))
    );
    assert_eq!(third.try_decide(&asked, "grant").await.status, 403);
    let body = resolution(&third, "commission").await;
    assert_eq!(third.sign("/api/v1/oversight/resolutions", body).await.status, 403);
    let mut both = both;
    for member in &mut both {
        let body = resolution(member, "commission").await;
        let reply = member.sign("/api/v1/oversight/resolutions", body).await;
        assert_eq!(reply.status, 200, "{}", text(&reply));
    }
    let told = administrator.good("/api/v1/oversight/commission").await;
    assert_ne!(told["commission"]["digest"], digest);
    assert_eq!(
        (&told["proposals"], told["commission"]["members"].as_array().unwrap().len()),
        (&json!([]), 3)
    );
    third.decide(&asked, "grant").await;
    assert_eq!(both[0].decide(&asked, "grant").await["state"], "granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_is_decided_by_two_short_and_told_to_all() {
    let hub = hub().await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = Signed::person(&hub, "npa", PersonRole::DutyOfficer).await;
    let mut long = wanted(&["harbour"]);
    long["kind"] = json!("emergency");
    let short = long.clone();
    long["until"] = json!((jiff::Timestamp::now() + jiff::SignedDuration::from_hours(30)).to_string());
    let refused = requester.post("/api/v1/authorisations", long).await;
    assert!(refused.status == 422 && text(&refused).contains("24 hours"), "{}", text(&refused));
    let asked = requester.done("/api/v1/authorisations", short).await;
    assert_eq!(notices(&members[4].signed).await[0], "authorisation-emergency");
    assert_eq!(members[0].decide(&asked, "grant").await["state"], "requested");
    assert_eq!(members[1].decide(&asked, "grant").await["state"], "granted");
    assert_eq!(
        notices(&members[4].signed).await[..2],
        ["authorisation-emergency", "authorisation-emergency"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_commission_can_grant_is_not_asked_of_it() {
    let hub = hub().await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    for (change, because) in [
        (json!({ "category": "neutralisation" }), "no measures"),
        (json!({ "category": "anything" }), "category"),
        (json!({ "operators": [] }), "operators"),
        (json!({ "operators": ["nobody"] }), "no operator"),
        (json!({ "operators": ["mod"] }), "no operator"),
        (json!({ "indicators": ["everything"] }), "indicators: number 1"),
        (json!({ "indicators": [] }), "list"),
        (json!({ "fields": ["payload"] }), "fields"),
        (json!({ "queries_per_day": 25 }), "24 queries"),
        (json!({ "until": "2020-01-01T00:00:00Z", "from": "2019-12-31T00:00:00Z" }), "past"),
        (json!({ "retention": "for ever" }), "retention"),
        (json!({ "reason": " " }), "reason"),
        (json!({ "narrows": uuid::Uuid::new_v4() }), "narrows"),
    ] {
        let mut body = wanted(&["harbour"]);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = requester.post("/api/v1/authorisations", body).await;
        assert!(refused.status == 422 && text(&refused).contains(because), "{because}: {}", text(&refused));
    }
    // A narrower form of one that counts, and of no other one's.
    let wide = requester.done("/api/v1/authorisations", wanted(&["harbour", "kinki-power"])).await;
    let mut narrow = wanted(&["harbour"]);
    narrow["narrows"] = wide["id"].clone();
    (narrow["from"], narrow["until"]) = (wide["terms"]["from"].clone(), wide["terms"]["until"].clone());
    assert_eq!(
        requester.post("/api/v1/authorisations", narrow.clone()).await.status,
        422,
        "it is not granted yet"
    );
    granted(&mut members, &wide).await;
    let other = Signed::person(&hub, "mod", PersonRole::Approver).await;
    assert_eq!(other.post("/api/v1/authorisations", narrow.clone()).await.status, 422);
    let mut wider = narrow.clone();
    wider["fields"] = json!(["addresses", "hashes"]);
    let refused = requester.post("/api/v1/authorisations", wider).await;
    assert!(text(&refused).contains("the fields that may leave"));
    let asked = requester.done("/api/v1/authorisations", narrow).await;
    // It is granted as long as the wider one counts.
    members[0].decide(&asked, "grant").await;
    members[3].decide(&wide, "revoke").await;
    assert_eq!(members[1].try_decide(&asked, "grant").await.status, 422);
    let old = Signed::long_ago(&hub).await;
    assert_eq!(old.post("/api/v1/authorisations", wanted(&["harbour"])).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_an_edge_may_not_hand_in() {
    let hub = hub().await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    let asked = requester.done("/api/v1/authorisations", wanted(&["kinki-power"])).await;
    granted(&mut members, &asked).await;
    let (edge, far) = (Edge::new(&hub, "kinki-power").await, Edge::new(&hub, "harbour").await);
    assert_eq!((edge.register().await.status, far.register().await.status), (204, 204));
    let stolen = edge.stolen();
    assert_eq!(stolen.register().await.status, 409, "a token does not replace a key");
    let package = edge.packages().await.remove(0);
    let mut gate = edge.gate("kinki-power").await;
    edge.follow(&mut gate, package.index + 1).await;
    let list = edge.list(id(&asked)).await.unwrap();
    let ask = gate.ask(&package, &Quota::default(), jiff::Timestamp::now()).unwrap();
    let used = ask.permit(&list).unwrap().used().clone();
    let json = |receipt: &Receipt| serde_json::to_value(receipt).unwrap();
    let good = edge.sign(used.clone());
    assert_eq!(far.hand_in(vec![json(&good), json(&far.sign(used.clone()))]).await, ["refused", "refused"]);
    assert_eq!(stolen.hand_in(vec![json(&stolen.sign(used.clone()))]).await, ["refused"]);
    let change = |change: &dyn Fn(&mut oversight::authorisation::Use)| {
        let mut used = used.clone();
        change(&mut used);
        json(&edge.sign(used))
    };
    let forged = vec![
        change(&|used| used.number = 3),
        change(&|used| used.number = 0),
        change(&|used| used.count = 3),
        change(&|used| used.grant += 1),
        change(&|used| used.edge = "kinki-power-2".to_owned()),
        change(&|used| used.asked = "00".repeat(32)),
        change(&|used| used.asked_by = OrganisationId::parse("mod").unwrap()),
        change(&|used| used.operator = OrganisationId::parse("harbour").unwrap()),
        change(&|used| used.authorisation = uuid::Uuid::new_v4()),
        change(&|used| used.at += jiff::SignedDuration::from_hours(24)),
        change(&|used| used.at -= jiff::SignedDuration::from_hours(24)),
        json!({ "used": 1 }),
    ];
    let refused = edge.hand_in(forged.clone()).await;
    assert!(refused.iter().all(|outcome| outcome == "refused"), "{refused:?}");
    // A use that was before the stop is evidence, whenever it comes.
    members[0].decide(&asked, "revoke").await;
    assert_eq!(edge.hand_in(vec![json(&good)]).await, ["accepted"]);
    let contradiction = change(&|used| used.count = 1);
    assert_eq!(edge.hand_in(vec![contradiction]).await, ["refused"], "another word about the same use");
    let many = vec![json(&good); 101];
    let reply = edge.send(Method::POST, "/edge/v1/receipts", json!({ "receipts": many })).await;
    assert_eq!(reply.status, 422);
    let neighbour = Signed::person(&hub, "harbour", PersonRole::Approver).await;
    for nobody in [&neighbour, &requester] {
        assert_eq!(nobody.good("/api/v1/receipts").await["receipts"], json!([]));
    }
    // A key is registered by whoever has it.
    let other = Edge::new(&hub, "harbour-x").await;
    let body = json!({ "key": hex::encode(edge.key.public_key().as_ref()), "signature": "00".repeat(64) });
    let reply = other.send(Method::PUT, "/edge/v1/key", body).await;
    assert!(reply.status == 422 || reply.status == 401, "{}", text(&reply));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_begin_at_once_sign_the_same_words() {
    let hub = hub().await;
    let mut members = commission(&hub).await;
    adopt_frame(&mut members).await;
    let requester = Signed::person(&hub, "npa", PersonRole::Approver).await;
    let asked = requester.done("/api/v1/authorisations", wanted(&["harbour"])).await;
    let (start, finish) = (format!("{}/start", path(&asked)), format!("{}/finish", path(&asked)));
    let mut begun = Vec::new();
    for member in members.iter().take(2) {
        begun.push(member.signed.done(&start, decision(&asked, "grant")).await);
    }
    assert_ne!(begun[0]["document"]["asked"], begun[1]["document"]["asked"]);
    let mut replies = Vec::new();
    for (member, begun) in members.iter_mut().zip(&begun) {
        let credential = member.answer(&begun["options"]);
        let body = json!({ "challenge_id": begun["challenge_id"], "credential": credential });
        replies.push(member.signed.post(&finish, body).await.status);
    }
    assert_eq!(replies, [200, 409], "the second one begins again");
    let again = members[1].signed.done(&start, decision(&asked, "grant")).await;
    assert_eq!(again["document"], begun[0]["document"]);
    assert_eq!(members[1].decide(&asked, "grant").await["pending"]["signed_by"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_log_of_authorisations_was_rolled_back_is_not_served() {
    let hub = TestHub::start().await;
    granted_behind(&hub, "npa", "harbour").await;
    let TestHub { running, folder, token, .. } = hub;
    running.stop().await;
    let before = database_files(folder.path());
    let hub = TestHub::over(folder, &token).await;
    granted_behind(&hub, "npa", "harbour").await;
    let TestHub { running, folder, .. } = hub;
    let folder = folder.path();
    running.stop().await;
    let after = database_files(folder);
    // The log of acts is put back with it, so that only this one tells.
    let acts = folder.join("log/checkpoint");
    std::fs::remove_file(&acts).unwrap();
    put_back(folder, &before);
    let refused = start(folder).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code, "log", "{refused}");
    let _ = std::fs::remove_file(&acts);
    put_back(folder, &after);
    start(folder).await.unwrap().stop().await;
    // Another history of the same length.
    let note = folder.join("log/authorisations/checkpoint");
    let kept = std::fs::read_to_string(&note).unwrap();
    let root = kept.lines().nth(2).unwrap();
    let other: String = root.chars().rev().collect();
    std::fs::write(&note, kept.replacen(root, &other, 1)).unwrap();
    assert_eq!(
        start(folder).await.map(|_| ()).unwrap_err().code,
        "log",
        "a checkpoint that is not of this node"
    );
}
