//! The police ask an operator of another hub for evidence, and it answers: both hubs come to the same, nobody else sees anything of it, and what a
//! hub that lies about it comes to.

use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stix::marking::Tlp;
use store::Place;
use tempfile::TempDir;
use uuid::Uuid;

use crate::database::Server;
use crate::evidence::{at, new_item};
use crate::federation::Cheat;
use crate::reports_abroad::{agreement, hub, named};
use crate::room::{Worker, note, open};
use crate::room_hubs::{knows, until};
use crate::support::{Reply, TestHub, V1};

const EXTENSION: &str = "extension-definition--8d463c21-2e36-5fa3-8093-ed1f1cf69d96";
/// Whose cases, reports and notes go to the other hub, by hub.
const EAST: [&str; 3] = ["coordinator", "police", "kinki"];
const WEST: [&str; 3] = ["coordinator", "kinki", "ministry"];
pub const DUTY: [PersonRole; 1] = [PersonRole::DutyOfficer];

/// An agreement by which cases go both ways, too.
fn with_cases(own: &[&str], other: &str) -> String {
    agreement(own, other).replace("[\"report\"]", "[\"incident\", \"report\"]")
}

pub fn of_case(case: &str) -> String {
    format!("/api/v1/cases/{case}/evidence-requests")
}

pub fn asking(case: &str, kind: &str, organisation: &str) -> Value {
    json!({ "id": Uuid::new_v4(), "case": case, "kind": kind, "organisation": organisation, "subject": "11月の通信記録",
        "legal_basis": "刑訴法197条3項", "reference": "第1号", "due": "2099-01-01T00:00:00Z" })
}

pub fn said(answer: &str, items: &[&Value]) -> Value {
    let items: Vec<&Value> = items.iter().map(|item| &item["id"]).collect();
    json!({ "answer": answer, "note": "回答", "items": items })
}

pub async fn asks(worker: &Worker<'_>, body: Value) -> Reply {
    worker.signed.post("/api/v1/evidence-requests", body).await
}

pub async fn answers(worker: &Worker<'_>, request: &Value, body: Value) -> Reply {
    let path = format!("/api/v1/evidence-requests/{}/answer", request["id"].as_str().unwrap());
    worker.signed.post(&path, body).await
}

pub fn good(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

/// The requests of a case that somebody is told of.
pub async fn listed(worker: &Worker<'_>, case: &str) -> Vec<Value> {
    worker.signed.good(&of_case(case)).await["requests"].as_array().unwrap().clone()
}

/// How the only request of a case stands.
pub async fn state(worker: &Worker<'_>, case: &str) -> String {
    listed(worker, case).await[0]["state"].as_str().unwrap().to_owned()
}

fn steps(request: &Value) -> Vec<&str> {
    request["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect()
}

/// An item of an operator that is here, brought by a program of it.
pub async fn brought(hub: &TestHub, token: &str, case: &str, only: Option<&[&str]>, content: &[u8]) -> Value {
    let new = new_item(only);
    let announced = hub.send_json(token, Method::POST, &format!("/api/v1/cases/{case}/evidence"), new).await;
    let item = good(&announced);
    let ask = hub.rest(token, Method::PUT, &at(&item, "/content"));
    let sent = ask.header("content-type", "application/octet-stream").body(content).send().await;
    good(&sent)["item"].clone()
}

/// Two hubs that have an agreement: the police at the one; an operator, and a ministry, at the other.
pub struct Two {
    pub east: TestHub,
    pub west: TestHub,
    _folders: [TempDir; 2],
}

/// The people of both, and the case that they share.
pub struct Shared<'a> {
    pub police: Worker<'a>,
    pub kinki: Worker<'a>,
    pub ministry: Worker<'a>,
    pub case: String,
    /// What the operator is called at all hubs, and the police.
    pub names: [String; 2],
}

impl Two {
    pub async fn new(places: [Option<Place>; 2]) -> Self {
        let [first, second] = places;
        let (here, there) = (with_cases(&EAST, "west"), with_cases(&WEST, "east"));
        let ((east, one), (west, other)) = (hub(Some(here), first).await, hub(Some(there), second).await);
        for (hub, id, role) in [
            (&east, "police", OrganisationRole::Agency),
            (&east, "kinki", OrganisationRole::Operator),
            (&west, "kinki", OrganisationRole::Operator),
            (&west, "ministry", OrganisationRole::Agency),
        ] {
            hub.organisation(id, role).await;
        }
        knows(&east, &west, "west").await;
        knows(&west, &east, "east").await;
        Self { east, west, _folders: [one, other] }
    }

    /// A case of the police in whose room the operator has said something, so that it is known there.
    pub async fn shared(&self) -> Shared<'_> {
        let police = Worker::new(&self.east, "police").await;
        let kinki = Worker::new(&self.west, "kinki").await;
        let ministry = Worker::new(&self.west, "ministry").await;
        let case = police.opens("港湾").await;
        until("the case is there", async || kinki.sees(&case).await).await;
        kinki.says(&case, open(note("保全できます"))).await;
        let names = [named(&self.west, "kinki").await, named(&self.east, "police").await];
        let shared = Shared { police, kinki, ministry, case, names };
        until("the operator can be asked", async || shared.askable().await.contains(&shared.names[0])).await;
        shared
    }
}

impl Shared<'_> {
    /// Whom of the other hub the police can ask.
    async fn askable(&self) -> Vec<String> {
        let list = self.police.signed.good(&of_case(&self.case)).await;
        let hubs = list["askable"].as_array().unwrap();
        assert!(hubs.iter().all(|hub| hub["hub"] == "west"), "{hubs:?}");
        let all = hubs.iter().flat_map(|hub| hub["organisations"].as_array().unwrap());
        all.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    /// A request that the operator has.
    pub async fn asked(&self, kind: &str) -> Value {
        let before = listed(&self.kinki, &self.case).await.len();
        let asked = good(&asks(&self.police, asking(&self.case, kind, &self.names[0])).await);
        assert_eq!((&asked["state"], &asked["to"]), (&json!("asked"), &json!(self.names[0])));
        until("it is asked", async || listed(&self.kinki, &self.case).await.len() > before).await;
        asked
    }
}

/// From the request to its end, over two hubs.
async fn a_request_passes_and_its_answers_come_back(two: &Two) {
    let shared = two.shared().await;
    let Shared { police, kinki, ministry, case, names } = &shared;
    let body = asking(case, "preserve", &names[0]);
    let asked = good(&asks(police, body.clone()).await);
    assert!(asked["to_name"]["en"].as_str().unwrap().starts_with("kinki ("), "{asked}");
    assert_eq!(asked["may"], json!(["withdraw"]));
    assert_eq!(good(&asks(police, body).await), asked, "sent twice it is one");

    until("it is asked", async || !listed(kinki, case).await.is_empty()).await;
    let came = listed(kinki, case).await.remove(0);
    for field in ["id", "case", "kind", "state", "subject", "legal_basis", "reference", "due"] {
        assert_eq!(came[field], asked[field], "{field}");
    }
    assert_eq!((&came["from"]["organisation"], &came["to"]), (&json!(names[1]), &json!("kinki")));
    assert!(came["from_name"]["en"].as_str().unwrap().starts_with("police ("), "{came}");
    assert_eq!((&came["from"]["name"], &came["from"]["account"]), (&json!("duty_officer"), &Value::Null));
    assert_eq!((&came["overdue"], &came["may"]), (&json!(false), &json!(["accept", "refuse"])));
    let notices = kinki.signed.good("/api/v1/notices").await.to_string();
    assert!(notices.contains("evidence-request"), "{notices}");

    good(&answers(kinki, &came, said("accept", &[])).await);
    until("the answer is there", async || state(police, case).await == "accepted").await;
    let token = two.west.token("kinki", &DUTY).await;
    let item = brought(&two.west, &token, case, None, b"what was on the disk").await;
    let done = good(&answers(kinki, &came, said("fulfil", &[&item])).await);
    assert_eq!(
        (&done["state"], &done["items"], &done["named"]),
        (&json!("fulfilled"), &json!([item["id"]]), &json!([]))
    );
    let held = kinki.signed.good(&at(&item, "")).await;
    assert_eq!(
        (&held["item"]["held"], &held["holds"][0]["legal_basis"]),
        (&json!(true), &asked["legal_basis"])
    );

    until("it is fulfilled", async || state(police, case).await == "fulfilled").await;
    let over = listed(police, case).await.remove(0);
    let file = &over["named"][0];
    for field in ["name", "size", "sha256"] {
        assert_eq!(file[field], held["item"][field], "{field}");
    }
    let last = held["custody"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&file["item"], &file["custody"], &file["entries"]),
        (&item["id"], &last["hash"], &last["number"])
    );
    assert_eq!(last["act"], "hold-set");

    good(&answers(police, &over, said("close", &[])).await);
    until("it is closed", async || state(kinki, case).await == "closed").await;
    let (there, here) = (listed(kinki, case).await.remove(0), listed(police, case).await.remove(0));
    assert_eq!(steps(&here), ["asked", "accepted", "fulfilled", "closed"]);
    assert_eq!(steps(&here), steps(&there));
    // Each step has a leaf at both hubs, and names that of the hub where it was made.
    for (place, (here, there)) in
        here["steps"].as_array().unwrap().iter().zip(there["steps"].as_array().unwrap()).enumerate()
    {
        let (made, came) = if place == 1 || place == 2 { (there, here) } else { (here, there) };
        assert_eq!((&came["their_leaf"], &made["their_leaf"]), (&made["leaf"], &Value::Null), "step {place}");
        assert_eq!(made["note"], came["note"]);
    }
    for hub in [&two.east, &two.west] {
        let acts = hub.audit(Action::EvidenceRequested).await;
        assert_eq!(acts.len(), 4);
        let request = if std::ptr::eq(hub, &two.east) { &here } else { &there };
        let leaves: Vec<u64> =
            request["steps"].as_array().unwrap().iter().map(|step| step["leaf"].as_u64().unwrap()).collect();
        assert_eq!(acts.iter().rev().map(|act| act.leaf).collect::<Vec<_>>(), leaves);
    }

    // Nobody else at either hub sees anything of it.
    assert_eq!(listed(ministry, case).await, Vec::<Value>::new());
    let path = format!("/api/v1/evidence-requests/{}", asked["id"].as_str().unwrap());
    assert_eq!(ministry.signed.get(&path).await.status, 404);
    let neighbour = two.east.token("west", &DUTY).await;
    assert_eq!(two.east.rest(&neighbour, Method::GET, &path).send().await.status, 404);
    for (hub, token) in [(&two.west, &two.west.token), (&two.east, &neighbour), (&two.east, &two.east.token)]
    {
        let found = hub.good(token, "/api/v1/objects?type=note&tlp=amber%2Bstrict").await.to_string();
        assert!(!found.contains("通信記録"), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_police_ask_an_operator_of_another_hub_and_it_answers() {
    let two = Two::new([None, None]).await;
    a_request_passes_and_its_answers_come_back(&two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_do_so_on_postgresql_too() {
    let Some((one, other)) = Server::start().zip(Server::start()) else { return };
    let places = [&one, &other].map(|server| Some(Place::parse(&server.address())));
    let two = Two::new(places).await;
    a_request_passes_and_its_answers_come_back(&two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_over_is_named_by_its_hashes_and_stays_where_it_is() {
    let two = Two::new([None, None]).await;
    let shared = two.shared().await;
    let Shared { police, kinki, case, names, .. } = &shared;
    let asked = shared.asked("hand-over").await;
    good(&answers(kinki, &asked, said("accept", &[])).await);
    let token = two.west.token("kinki", &DUTY).await;
    // What is for others than whoever asks is not named to it.
    let closed = brought(&two.west, &token, case, Some(&["ministry"]), b"closed").await;
    let refused = answers(kinki, &asked, said("fulfil", &[&closed])).await;
    assert_eq!(refused.status, 422, "{}", String::from_utf8_lossy(&refused.body));
    assert!(refused.json()["detail"].as_str().unwrap().contains("change who may see it"));
    // What is for the two alone is named to the one that asked.
    let item = brought(&two.west, &token, case, Some(&[&names[1]]), b"open").await;
    assert_eq!(item["label"]["only"], json!([names[1], "kinki"]));
    good(&answers(kinki, &asked, said("fulfil", &[&item])).await);
    let found = kinki.signed.good(&at(&item, "")).await;
    let last = found["custody"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["act"], &last["to"]["organisation"]), (&json!("offered"), &json!(names[1])));
    assert_eq!((&last["facts"]["request"], &last["legal_basis"]), (&asked["id"], &asked["legal_basis"]));
    assert_eq!(
        (&found["item"]["offer"], &found["item"]["custodian"]["organisation"]),
        (&Value::Null, &json!("kinki"))
    );
    until("it is fulfilled", async || state(police, case).await == "fulfilled").await;
    let over = listed(police, case).await.remove(0);
    assert_eq!(over["named"].as_array().unwrap().len(), 1);
    let file = &over["named"][0];
    assert_eq!((&file["sha256"], &file["custody"]), (&item["sha256"], &last["hash"]));
    // Nothing of the item is at the hub that asked.
    let path = at(&json!({ "id": file["item"] }), "");
    assert_eq!(police.signed.get(&path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_refuses_and_who_asks_withdraws() {
    let two = Two::new([None, None]).await;
    let shared = two.shared().await;
    let Shared { police, kinki, case, .. } = &shared;
    let first = shared.asked("preserve").await;
    let silent = json!({ "answer": "refuse", "note": " " });
    assert_eq!(answers(kinki, &first, silent).await.status, 422, "without a reason");
    assert_eq!(
        answers(police, &first, said("accept", &[])).await.status,
        403,
        "the operator answers for itself"
    );
    good(&answers(kinki, &first, said("refuse", &[])).await);
    let of = async |worker: &Worker<'_>, id: &Value| {
        let all = listed(worker, case).await;
        all.into_iter().find(|one| one["id"] == *id).unwrap()["state"].as_str().unwrap().to_owned()
    };
    until("it is refused", async || of(police, &first["id"]).await == "refused").await;
    let second = shared.asked("preserve").await;
    good(&answers(police, &second, said("withdraw", &[])).await);
    until("it is withdrawn", async || of(kinki, &second["id"]).await == "withdrawn").await;
    assert_eq!(answers(kinki, &second, said("accept", &[])).await.status, 409, "it is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_given_a_case_asks_at_the_hub_that_it_came_from() {
    let two = Two::new([None, None]).await;
    let shared = two.shared().await;
    let Shared { police, ministry, case, names, .. } = &shared;
    let can_be_asked = async || {
        ministry.sees(case).await
            && ministry.signed.good(&of_case(case)).await["askable"].to_string().contains(&names[1])
    };
    until("the police can be asked", can_be_asked).await;
    let asked = good(&asks(ministry, asking(case, "preserve", &names[1])).await);
    until("they are asked", async || !listed(police, case).await.is_empty()).await;
    good(&answers(police, &asked, said("accept", &[])).await);
    until("the answer is there", async || state(ministry, case).await == "accepted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_agreement_nobody_of_another_hub_is_asked() {
    let ((east, _one), (west, _other)) = (hub(None, None).await, hub(None, None).await);
    east.organisation("police", OrganisationRole::Agency).await;
    west.organisation("kinki", OrganisationRole::Operator).await;
    knows(&east, &west, "west").await;
    knows(&west, &east, "east").await;
    let police = Worker::new(&east, "police").await;
    let case = police.opens("港湾").await;
    let own = named(&east, "police").await;
    for to in [named(&west, "kinki").await, own, "0123456789abcdef-kinki".to_owned()] {
        let refused = asks(&police, asking(&case, "preserve", &to)).await;
        assert_eq!(refused.status, 422, "{to}: {}", String::from_utf8_lossy(&refused.body));
    }
    let list = police.signed.good(&of_case(&case)).await;
    assert_eq!((&list["requests"], &list["askable"]), (&json!([]), &json!([])), "and nothing is asked");
}

/// What a hub brings that a test plays: made by hand, as the format says.
#[derive(Clone)]
pub struct Note {
    pub request: Uuid,
    pub case: String,
    pub from: String,
    pub to: String,
    pub says: String,
}

impl Note {
    pub fn object(&self) -> Value {
        let text = format!(
            r#"{{"request":"{}","case":"{}","from":"{}","to":"{}","at":"2026-01-01T00:00:00Z","leaf":3,"says":{}}}"#,
            self.request, self.case, self.from, self.to, self.says
        );
        let name = format!("urn:yagura:evidence-request:{}", hex::encode(Sha256::digest(&text)));
        let between = [&self.from, &self.to].map(|name| oversight::OrganisationId::parse(name).unwrap());
        let passed: Value = serde_json::from_str(&text).unwrap();
        json!({
            "type": "note", "spec_version": "2.1", "id": format!("note--{}", Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())),
            "created_by_ref": format!("identity--{}", Uuid::from_u128(9)), "created": V1, "modified": V1,
            "content": "a request", "object_refs": [self.case],
            "object_marking_refs": [Tlp::AmberStrict.id(), format!("marking-definition--{}", oversight::circle(&between.into()))],
            "extensions": { EXTENSION: { "extension_type": "property-extension", "passed": passed } },
        })
    }

    pub fn answers(&self, answer: &str, note: &str) -> Self {
        let says = format!(r#"{{"kind":"answered","answer":"{answer}","note":"{note}"}}"#);
        Self { says, ..self.clone() }
    }
}

/// What is asked, on some legal basis.
pub fn wants(kind: &str, basis: &str) -> String {
    format!(
        r#"{{"kind":"asked","wanted":"{kind}","subject":"通信記録","legal_basis":"{basis}","reference":"","due":"2099-01-01T00:00:00Z"}}"#
    )
}

/// A hub with the police and an operator, and another one that lies, with an agreement.
pub struct Played {
    pub hub: TestHub,
    pub cheat: Cheat,
    pub case: String,
    /// The beginnings of both hubs' names.
    pub own: String,
    pub theirs: String,
    /// Its policies and agreements.
    pub folder: TempDir,
}

impl Played {
    pub async fn new(seed: u8) -> Self {
        let (hub, folder) = hub(Some(with_cases(&EAST, "abroad")), None).await;
        hub.organisation("police", OrganisationRole::Agency).await;
        hub.organisation("kinki", OrganisationRole::Operator).await;
        let cheat = Cheat::known(seed, &hub).await;
        let own = named(&hub, "").await;
        let theirs = format!("{}-", cheat.hub.get(..16).unwrap());
        let case = format!("incident--{}", Uuid::from_u128(u128::from(seed)));
        Self { hub, cheat, case, own, theirs, folder }
    }

    /// A case of the other hub's, which it is not given back.
    pub fn incident(&self) -> Value {
        json!({
            "type": "incident", "spec_version": "2.1", "id": self.case, "created": V1, "modified": V1, "name": "abroad",
            "object_marking_refs": [Tlp::Amber.id()],
        })
    }

    /// The police of the other hub ask the operator here.
    pub fn asked(&self, request: u128) -> Note {
        Note {
            request: Uuid::from_u128(request),
            case: self.case.clone(),
            from: format!("{}police", self.theirs),
            to: format!("{}kinki", self.own),
            says: wants("preserve", "刑訴法197条3項"),
        }
    }

    pub async fn brings(&self, objects: &[Value]) {
        let frames = (1..).zip(objects).map(|(place, object)| self.cheat.object(place, object));
        let frames: Vec<Value> = std::iter::once(self.cheat.hello(0)).chain(frames).collect();
        let (status, text) = self.cheat.send(&frames).await;
        assert_eq!(status, 200, "{text}");
    }

    async fn refused(&self) -> u64 {
        let peer = self.hub.get("/api/v1/peers/abroad").header("accept", "*/*").send().await.json();
        peer["counts"]["refused"].as_u64().unwrap()
    }

    /// That each of these is kept out.
    async fn keeps_out(&self, notes: &[Note]) {
        let before = self.refused().await;
        let objects: Vec<Value> = notes.iter().map(Note::object).collect();
        self.brings(&objects).await;
        assert_eq!(self.refused().await - before, u64::try_from(notes.len()).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_and_what_is_asked_about_it_may_come_at_once() {
    let played = Played::new(71).await;
    let kinki = Worker::new(&played.hub, "kinki").await;
    let (asked, overdue) = (played.asked(1), played.asked(2));
    let late = Note { says: overdue.says.replace("2099", "2020"), ..overdue };
    let withdrawn = asked.answers("withdraw", "足りた");
    played
        .brings(&[played.incident(), asked.object(), withdrawn.object(), late.object(), asked.object()])
        .await;
    let list = listed(&kinki, &played.case).await;
    let found: Vec<(&str, bool)> =
        list.iter().map(|one| (one["state"].as_str().unwrap(), one["overdue"].as_bool().unwrap())).collect();
    assert_eq!(found.len(), 2, "what comes twice is one");
    assert!(found.contains(&("withdrawn", false)) && found.contains(&("asked", true)), "{found:?}");
    assert_eq!(played.refused().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_about_a_request_is_kept_out_and_the_link_goes_on() {
    let played = Played::new(72).await;
    let kinki = Worker::new(&played.hub, "kinki").await;
    played.brings(&[played.incident()]).await;
    let asked = played.asked(1);
    let to = |to: String| Note { to, ..asked.clone() };
    let from = |from: String| Note { from, ..asked.clone() };
    let elsewhere = Note { case: format!("incident--{}", Uuid::new_v4()), ..asked.clone() };
    let lies = [
        from(format!("{}police", played.own)),
        from("0123456789abcdef-police".to_owned()),
        to(format!("{}nobody", played.own)),
        to("0123456789abcdef-kinki".to_owned()),
        Note { says: wants("destroy", "刑訴法"), ..asked.clone() },
        Note { says: wants("preserve", ""), ..asked.clone() },
        Note { says: wants("preserve", &"x".repeat(2_001)), ..asked.clone() },
        elsewhere,
        asked.answers("withdraw", "知らない"),
        asked.answers("accept", ""),
    ];
    played.keeps_out(&lies).await;
    assert_eq!(listed(&kinki, &played.case).await, Vec::<Value>::new());

    // What is good comes in after all that; and what was asked stays as it was.
    played.brings(&[asked.object(), asked.object()]).await;
    let other = Note { says: wants("preserve", "任意"), ..asked.clone() };
    let more = Note { says: wants("hand-over", "刑訴法197条3項"), ..asked.clone() };
    let as_another = Note { from: format!("{}coordinator", played.theirs), ..asked.clone() };
    let ministry = as_another.answers("withdraw", "代わって");
    let answers_itself = asked.answers("accept", "");
    let closes = asked.answers("close", "");
    played.keeps_out(&[other, more, as_another, ministry, answers_itself, closes]).await;
    let list = listed(&kinki, &played.case).await;
    assert_eq!((list.len(), steps(&list[0])), (1, vec!["asked"]));
    assert_eq!((&list[0]["legal_basis"], &list[0]["kind"]), (&json!("刑訴法197条3項"), &json!("preserve")));

    // By no door does a member put in what only asking makes.
    let token = played.hub.token("kinki", &DUTY).await;
    let status = played.hub.post_as(&token, &[played.asked(9).object()]).await;
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(0), &json!(1)), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_asks_no_more_than_anybody_may() {
    let played = Played::new(73).await;
    let kinki = Worker::new(&played.hub, "kinki").await;
    let asked: Vec<Value> = (1..=201).map(|request| played.asked(request).object()).collect();
    let all: Vec<Value> = std::iter::once(played.incident()).chain(asked).collect();
    played.brings(&all).await;
    assert_eq!((listed(&kinki, &played.case).await.len(), played.refused().await), (200, 1));
    // Another one of that hub may ask still.
    let other = Note { from: format!("{}ministry", played.theirs), ..played.asked(300) };
    played.brings(&[other.object()]).await;
    assert_eq!(listed(&kinki, &played.case).await.len(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_crosses_an_acceptance_goes_before_it_and_one_that_crosses_a_fulfilment_does_not() {
    let played = Played::new(74).await;
    let kinki = Worker::new(&played.hub, "kinki").await;
    let (first, second, third) = (played.asked(1), played.asked(2), played.asked(3));
    played.brings(&[played.incident(), first.object(), second.object(), third.object()]).await;
    let id = |note: &Note| json!({ "id": note.request });
    until("the case can be seen", async || kinki.sees(&played.case).await).await;
    // Once the agreement is known to be in force, answers pass.
    let accepts = async || answers(&kinki, &id(&first), said("accept", &[])).await.status == 200;
    until("an answer passes", accepts).await;
    good(&answers(&kinki, &id(&second), said("accept", &[])).await);
    good(&answers(&kinki, &id(&third), said("refuse", &[])).await);
    let token = played.hub.token("kinki", &DUTY).await;
    let item = brought(&played.hub, &token, &played.case, None, b"x").await;
    good(&answers(&kinki, &id(&second), said("fulfil", &[&item])).await);
    let withdrawn: Vec<Value> =
        [&first, &second, &third].map(|one| one.answers("withdraw", "足りた").object()).into();
    played.brings(&withdrawn).await;
    played.brings(&withdrawn).await;
    let list = listed(&kinki, &played.case).await;
    let of = |note: &Note| {
        let found = list.iter().find(|one| one["id"] == json!(note.request)).unwrap();
        (found["state"].as_str().unwrap(), steps(found))
    };
    assert_eq!(of(&first), ("withdrawn", vec!["asked", "accepted", "withdrawn"]));
    assert_eq!(of(&second), ("fulfilled", vec!["asked", "accepted", "fulfilled", "withdrawn"]));
    assert_eq!(of(&third), ("withdrawn", vec!["asked", "refused", "withdrawn"]));
    // What was fulfilled is closed all the same, and that is all.
    played.brings(&[second.answers("close", "").object()]).await;
    assert_eq!(listed(&kinki, &played.case).await.iter().filter(|one| one["state"] == "closed").count(), 1);
    played.keeps_out(&[second.answers("close", "再び"), first.answers("close", "")]).await;
}

/// An entry of a case room, which makes somebody of the other hub known there.
pub fn entry(case: &str, organisation: &str) -> Value {
    let entry = json!({
        "case": case, "at": "2026-01-01T00:00:00Z", "by": "x", "name": "X", "organisation": organisation,
        "label": { "tlp": "clear" }, "salt": format!("{:032x}", 7), "says": "note", "text": "保全できます", "lane": null,
    });
    let entry: case::room::RoomEntry = serde_json::from_value(entry).unwrap();
    case::room::entry_to_stix(&entry, &stix::Id::new("identity", Uuid::from_u128(1)))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_was_asked_answers_and_what_crosses_a_withdrawal_comes_to_the_same_here() {
    let played = Played::new(75).await;
    let police = Worker::new(&played.hub, "police").await;
    let asked = format!("{}kinki", played.theirs);
    played.brings(&[played.incident(), entry(&played.case, &asked)]).await;
    let can_be_asked =
        async || police.signed.good(&of_case(&played.case)).await["askable"].to_string().contains(&asked);
    until("the operator can be asked", async || police.sees(&played.case).await && can_be_asked().await)
        .await;
    let request = good(&asks(&police, asking(&played.case, "preserve", &asked)).await);
    let answer = Note {
        request: Uuid::parse_str(request["id"].as_str().unwrap()).unwrap(),
        case: played.case.clone(),
        from: asked.clone(),
        to: format!("{}police", played.own),
        says: String::new(),
    };
    let another = Note { from: format!("{}kanto", played.theirs), ..answer.answers("accept", "") };
    let to_another = Note { to: format!("{}kinki", played.own), ..answer.answers("accept", "") };
    let elsewhere = Note { case: format!("incident--{}", Uuid::new_v4()), ..answer.answers("accept", "") };
    let unknown = Note { request: Uuid::new_v4(), ..answer.answers("accept", "") };
    let too_early = answer.answers("fulfil", "");
    let not_its_own = answer.answers("withdraw", "代わって");
    played.keeps_out(&[another, to_another, elsewhere, unknown, too_early, not_its_own]).await;
    assert_eq!(state(&police, &played.case).await, "asked");

    // The acceptance comes after the withdrawal, and then so does the fulfilment.
    good(&answers(&police, &request, said("withdraw", &[])).await);
    let (accepted, fulfilled) = (answer.answers("accept", "承諾"), answer.answers("fulfil", ""));
    played.brings(&[accepted.object()]).await;
    assert_eq!(state(&police, &played.case).await, "withdrawn");
    played.brings(&[accepted.object(), fulfilled.object()]).await;
    let list = listed(&police, &played.case).await;
    assert_eq!(list[0]["state"], "fulfilled");
    assert_eq!(steps(&list[0]), ["asked", "withdrawn", "accepted", "fulfilled"]);
    assert_eq!(list[0]["may"], json!(["close"]));
    let again = answer.answers("accept", "また");
    played.keeps_out(&[again]).await;
}
