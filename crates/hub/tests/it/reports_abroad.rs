//! A report's exact copy reaches an organisation of another hub and nobody else, and what is answered comes back; and what a hub that lies
//! about it comes to.

use std::net::SocketAddr;

use oversight::{Action, Actor, AuditEvent, FilingReceipt, OrganisationRole, PersonRole, Purpose, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stix::marking::Tlp;
use store::Place;
use tempfile::TempDir;
use tlog::{Checkpoint, Policy, SigningKey, TlogProof};
use uuid::Uuid;

use crate::database::Server;
use crate::federation::{Cheat, hub as listening};
use crate::reports::receipt;
use crate::room_hubs::{knows, until};
use crate::signed::Signed;
use crate::stream::Follow;
use crate::support::{Reply, TestHub, V1, id_of, indicator, marked};

const EXTENSION: &str = "extension-definition--55151e9b-5168-551f-b92b-44d862b679e6";
pub const COPY: &str = r#"{"recipient":"authority","regime":"eu.gdpr","schema":"urn:yagura:regime:form:1","stage":"notification"}"#;
/// Whose reports and notes go to the other hub, by hub.
pub const EAST: [&str; 2] = ["coordinator", "kinki"];
const WEST: [&str; 3] = ["coordinator", "ministry", "police"];
pub const DUTY: [PersonRole; 1] = [PersonRole::DutyOfficer];

/// An agreement by which reports and notes go both ways between some organisations of a hub and another hub's organisation. They are named one by
/// one: that of the other hub is a member of the council, too.
pub fn agreement(own: &[&str], other: &str) -> String {
    let own: Vec<String> = own.iter().map(|name| format!("\"{name}\"")).collect();
    let (own, other) = (own.join(", "), format!("\"{other}\""));
    let term = |from: &str, to: &str| {
        format!(
            "[[terms]]\nfrom = [{from}]\nto = [{to}]\nclasses = [\"report\"]\ntlp = \"amber+strict\"\npap = \"red\"\n\
             purposes = [\"collective-defence\", \"incident-response\"]\nonward = \"none\"\noriginator_control = false\n"
        )
    };
    format!(
        "id = \"reports\"\nparties = [{own}, {other}]\nfrom = \"2020-01-01T00:00:00Z\"\nuntil = \"2100-01-01T00:00:00Z\"\n\
         reciprocal = false\ntitle = {{ ja = \"報告\", en = \"Reports\" }}\n{}{}",
        term(&own, &other),
        term(&other, &own),
    )
}

/// A hub that others reach, with an agreement or none.
pub async fn hub(agreement: Option<String>, place: Option<Place>) -> (TestHub, TempDir) {
    hub_at(Some(SocketAddr::from(([127, 0, 0, 1], 0))), agreement, place).await
}

async fn hub_at(
    listen: Option<SocketAddr>,
    agreement: Option<String>,
    place: Option<Place>,
) -> (TestHub, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (file, text) in policy::Engine::built_in() {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    if let Some(text) = agreement {
        std::fs::create_dir(folder.path().join("agreements")).unwrap();
        std::fs::write(folder.path().join("agreements/reports.toml"), text).unwrap();
    }
    let path = folder.path().to_owned();
    let hub = TestHub::start_with(|config| {
        config.federation.listen = listen;
        config.policies = Some(path);
        config.store = place;
    });
    (hub.await, folder)
}

/// What a hub's card says.
async fn card(hub: &TestHub) -> Value {
    let card = hub.good(&hub.token, "/api/v1/peer-card").await;
    serde_json::from_str(card["card"].as_str().unwrap().lines().nth(1).unwrap()).unwrap()
}

/// What an organisation of a hub is called at all hubs.
pub async fn named(hub: &TestHub, short: &str) -> String {
    format!("{}-{short}", card(hub).await["hub"].as_str().unwrap().get(..16).unwrap())
}

async fn post(hub: &TestHub, token: &str, path: &str, body: Value) -> Reply {
    hub.send_json(token, Method::POST, path, body).await
}

pub async fn sent(hub: &TestHub, token: &str, path: &str, body: Value) -> Value {
    let reply = post(hub, token, path, body).await;
    assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

async fn listed(hub: &TestHub, token: &str) -> Vec<Value> {
    hub.good(token, "/api/v1/reports").await["reports"].as_array().unwrap().clone()
}

pub async fn begun(hub: &TestHub, token: &str) -> String {
    let new = json!({ "id": Uuid::new_v4(), "kind": "ransomware", "aware": jiff::Timestamp::now().to_string(),
        "fields": { "summary": "基幹系が暗号化された", "service_state": "stopped" } });
    let taken = sent(hub, token, "/api/v1/reports", new).await;
    format!("/api/v1/reports/{}", taken["id"].as_str().unwrap())
}

fn filing(given_to: &str) -> Value {
    json!({ "send": Uuid::new_v4(), "regime": "eu.gdpr", "stage": "notification", "recipient": "authority", "given_to": given_to })
}

fn answer(event: &Value, answer: &str, text: Option<&str>) -> Value {
    json!({ "send": Uuid::new_v4(), "filing": event, "answer": answer, "text": text })
}

/// The answers of a thread with their texts.
fn thread(report: &Value) -> Vec<(String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let reply = |reply: &Value| (text(&reply["answer"]).unwrap(), text(&reply["text"]));
    report["thread"].as_array().unwrap().iter().map(reply).collect()
}

/// That somebody finds an object by no door.
async fn finds_nothing(hub: &TestHub, token: &str, object: &str, report: &str) {
    let path = format!("/api/v1/objects/{object}");
    assert_eq!(hub.rest(token, Method::GET, &path).send().await.status, 404);
    assert_eq!(hub.get(&hub.within(&format!("objects/{object}/"))).bearer(token).send().await.status, 404);
    assert!(!hub.get(&hub.within("objects/")).bearer(token).send().await.ids().contains(&object.to_owned()));
    for query in ["type=note", "query=report", "tlp=amber%2Bstrict"] {
        let found = hub.good(token, &format!("/api/v1/objects?{query}")).await.to_string();
        assert!(!found.contains(object), "{query}");
    }
    for path in [report.to_owned(), format!("{report}/filings/{}/copy", "0".repeat(64))] {
        assert_eq!(hub.rest(token, Method::GET, &path).send().await.status, 404, "{path}");
    }
}

/// Two hubs that have an agreement: an operator at the one; a ministry, and the police, at the other.
pub struct Two {
    pub east: TestHub,
    pub west: TestHub,
    pub kinki: String,
    pub ministry: String,
    pub police: String,
    _folders: [TempDir; 2],
}

impl Two {
    pub async fn new(places: [Option<Place>; 2]) -> Self {
        Self::at(Some(SocketAddr::from(([127, 0, 0, 1], 0))), places).await
    }

    /// The same, where nobody can reach the operator's hub.
    pub async fn unreached() -> Self {
        Self::at(None, [None, None]).await
    }

    async fn at(listen: Option<SocketAddr>, [first, second]: [Option<Place>; 2]) -> Self {
        let (here, there) = (agreement(&EAST, "west"), agreement(&WEST, "east"));
        let (east, one) = hub_at(listen, Some(here), first).await;
        let (west, other) = hub(Some(there), second).await;
        east.organisation("kinki", OrganisationRole::Operator).await;
        west.organisation("ministry", OrganisationRole::Agency).await;
        west.organisation("police", OrganisationRole::Agency).await;
        knows(&east, &west, "west").await;
        if listen.is_some() {
            knows(&west, &east, "east").await;
        } else {
            west.organisation("east", OrganisationRole::Agency).await;
            let card = east.good(&east.token, "/api/v1/peer-card").await["card"].clone();
            sent(&west, &west.token, "/api/v1/peers", json!({ "card": card, "organisation": "east" })).await;
        }
        let kinki = east.token("kinki", &DUTY).await;
        let (ministry, police) = (west.token("ministry", &DUTY).await, west.token("police", &DUTY).await);
        let two = Self { east, west, kinki, ministry, police, _folders: [one, other] };
        until("the neighbour's organisations are told of", async || two.receivers().await.len() == 3).await;
        two
    }

    /// Whom of the other hub the operator can give a copy to.
    async fn receivers(&self) -> Vec<String> {
        let list = self.east.good(&self.kinki, "/api/v1/report-receivers").await;
        let hubs = list["hubs"].as_array().unwrap();
        assert_eq!(hubs[0]["hub"], Value::Null, "this council comes first");
        let west = hubs.iter().find(|hub| hub["hub"] == "west");
        let told = west.map_or(&Value::Null, |west| &west["organisations"]).as_array().into_iter().flatten();
        told.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    async fn filed(&self, report: &str, to: &str) -> Value {
        sent(&self.east, &self.kinki, &format!("{report}/filings"), filing(to)).await
    }
}

/// From the draft to the advice, over two hubs.
async fn a_copy_passes_and_answers_come_back(two: &Two) {
    let (east, west) = (&two.east, &two.west);
    let ministry = named(west, "ministry").await;
    assert!(two.receivers().await.contains(&ministry), "{:?}", two.receivers().await);
    let report = begun(east, &two.kinki).await;
    let filed = two.filed(&report, "ministry.west").await;
    assert_eq!(filed["given_to"], ministry);
    assert!(filed["given_to_name"]["en"].as_str().unwrap().starts_with("ministry ("), "{filed}");
    let (event, object) = (&filed["event"], filed["object"].as_str().unwrap());

    until("the ministry has the copy", async || listed(west, &two.ministry).await.len() == 1).await;
    let line = listed(west, &two.ministry).await.remove(0);
    assert_eq!((&line["own"], &line["title"]), (&json!(false), &Value::Null));
    assert_eq!(line["organisation"], named(east, "kinki").await);
    assert_eq!(line["organisation_name"]["en"], "kinki");
    assert_eq!(line["hub"]["en"], card(east).await["name_en"]);
    let seen = west.good(&two.ministry, &report).await;
    assert_eq!((&seen["filings"][0]["event"], &seen["filings"][0]["copy"]), (event, &filed["copy"]));
    for hidden in ["events", "fields", "moments", "duties", "files", "findings", "thread"] {
        assert_eq!(seen[hidden], json!([]), "{hidden}");
    }
    let path = format!("{report}/filings/{}", event.as_str().unwrap());
    let copy = west.rest(&two.ministry, Method::GET, &format!("{path}/copy")).send().await;
    assert_eq!(
        (copy.status, hex::encode(Sha256::digest(&copy.body)).as_str()),
        (200, filed["copy"].as_str().unwrap())
    );
    assert_eq!(west.audit(Action::ReportRead).await.len(), 1, "that it was read is on record");
    let notices = west.good(&two.ministry, "/api/v1/notices").await.to_string();
    assert!(notices.contains("report-filed"), "{notices}");

    // The log of the hub where it was filed proves it, to whoever has that hub's card.
    let proof = receipt(west, &two.ministry, &format!("{path}/receipt")).await;
    let policy = format!("log {}\nquorum none\n", card(east).await["key"].as_str().unwrap());
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    FilingReceipt::parse(&proof).unwrap().verify(&copy.body, &policy).unwrap();
    assert!(FilingReceipt::parse(&proof).unwrap().verify(b"another", &policy).is_err());
    // The hub here has looked at it by itself.
    let found = west.good(&two.ministry, &report).await["filings"][0]["receipt"].clone();
    assert_eq!((&found["state"], &found["why"]), (&json!("verified"), &Value::Null), "{found}");
    let refused = west.audit(Action::Refused).await;
    let is_wrong = |code: &String| code == "wrong-receipt";
    assert!(!refused.iter().any(|act| act.event.detail.get("code").is_some_and(is_wrong)));

    let answers = format!("{report}/answers");
    let acknowledged = answer(event, "acknowledged", None);
    sent(west, &two.ministry, &answers, acknowledged.clone()).await;
    assert_eq!(sent(west, &two.ministry, &answers, acknowledged).await["already"], true);
    sent(west, &two.ministry, &answers, answer(event, "advice", Some("VPNを止めてください"))).await;
    let empty = post(west, &two.ministry, &answers, answer(event, "requested", Some(" "))).await;
    assert_eq!(empty.status, 422, "it asks for nothing");
    let expected =
        [("acknowledged".to_owned(), None), ("advice".to_owned(), Some("VPNを止めてください".to_owned()))];
    assert_eq!(thread(&west.good(&two.ministry, &report).await), expected);
    until("both answers are in the giver's thread", async || {
        thread(&east.good(&two.kinki, &report).await).len() == 2
    })
    .await;
    let whole = east.good(&two.kinki, &report).await;
    assert_eq!(thread(&whole), expected);
    assert!(whole["thread"][0]["by"].as_str().unwrap().contains("ministry"), "{}", whole["thread"]);
    // Each is an event with the leaf of its act.
    let acts = east.audit(Action::ReportAnswered).await;
    let events = whole["events"].as_array().unwrap();
    let leaves: Vec<u64> = events
        .iter()
        .filter(|event| event["what"] == "answered")
        .map(|event| event["leaf"].as_u64().unwrap())
        .collect();
    assert_eq!(leaves, acts.iter().rev().map(|act| act.leaf).collect::<Vec<_>>());
    assert_eq!(acts[0].event.detail["peer"], "west");
    assert_eq!(
        post(east, &two.kinki, &answers, answer(event, "acknowledged", None)).await.status,
        422,
        "the ministry answers for itself"
    );

    // Nobody else at either hub sees anything of it, the people of the neighbour's organisation among them.
    let others = [east.token("west", &DUTY).await, east.token("coordinator", &DUTY).await];
    for token in others.iter().chain([&east.token]) {
        finds_nothing(east, token, object, &report).await;
    }
    let others = [two.police.clone(), west.token("coordinator", &DUTY).await, west.token.clone()];
    for token in &others {
        assert_eq!(listed(west, token).await, Vec::<Value>::new());
        finds_nothing(west, token, object, &report).await;
        assert_eq!(post(west, token, &answers, answer(event, "acknowledged", None)).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_reaches_a_ministry_of_another_hub_and_its_answers_the_operator() {
    let two = Two::new([None, None]).await;
    a_copy_passes_and_answers_come_back(&two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_so_on_postgresql_too() {
    let Some((one, other)) = Server::start().zip(Server::start()) else { return };
    let places = [&one, &other].map(|server| Some(Place::parse(&server.address())));
    let two = Two::new(places).await;
    a_copy_passes_and_answers_come_back(&two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_recalled_is_seen_no_more() {
    let two = Two::new([None, None]).await;
    let report = begun(&two.east, &two.kinki).await;
    let filed = two.filed(&report, &named(&two.west, "ministry").await).await;
    until("the ministry has it", async || listed(&two.west, &two.ministry).await.len() == 1).await;
    let owner = Signed::person(&two.east, "kinki", PersonRole::DutyOfficer).await;
    let recall = json!({ "object": filed["object"], "reason": "宛先を誤った", "deadline_hours": 24 });
    owner.done("/api/v1/recalls", recall).await;
    until("it is gone", async || listed(&two.west, &two.ministry).await.is_empty()).await;
    let path = format!("{report}/filings/{}", filed["event"].as_str().unwrap());
    for path in [report.clone(), format!("{path}/copy"), format!("{path}/receipt")] {
        assert_eq!(two.west.rest(&two.ministry, Method::GET, &path).send().await.status, 404, "{path}");
    }
    // Whose report it is has it as it was filed.
    let copy = two.east.rest(&two.kinki, Method::GET, &format!("{path}/copy")).send().await;
    assert_eq!(copy.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_agreement_nobody_of_another_hub_is_given_anything() {
    let ((east, _one), (west, _other)) =
        (hub(None, None).await, hub(Some(agreement(&WEST, "east")), None).await);
    east.organisation("kinki", OrganisationRole::Operator).await;
    west.organisation("ministry", OrganisationRole::Agency).await;
    knows(&east, &west, "west").await;
    knows(&west, &east, "east").await;
    let kinki = east.token("kinki", &DUTY).await;
    let report = begun(&east, &kinki).await;
    let ministry = named(&west, "ministry").await;
    for to in ["ministry.west", "ministry.nowhere", ministry.as_str(), "0123456789abcdef-ministry"] {
        let refused = post(&east, &kinki, &format!("{report}/filings"), filing(to)).await;
        assert_eq!(refused.status, 422, "{to}: {}", String::from_utf8_lossy(&refused.body));
    }
    assert_eq!(east.good(&kinki, &report).await["filings"], json!([]), "and nothing is filed");
    let hubs = east.good(&kinki, "/api/v1/report-receivers").await["hubs"].clone();
    assert_eq!(hubs.as_array().unwrap().len(), 1, "{hubs}");
}

/// What a hub brings that a test plays: made by hand, as the format says.
pub struct Note {
    pub report: Uuid,
    pub filing: String,
    pub from: String,
    pub to: String,
    pub says: String,
}

impl Note {
    pub fn given(from: &str, to: &str, copy: &str, sha256: &str) -> Self {
        let copy = Value::from(copy);
        let says = format!(
            r#"{{"kind":"given","copy":{copy},"sha256":"{sha256}","leaf":3,"name":{{"ja":"近畿","en":"Kinki"}}}}"#
        );
        Self {
            report: Uuid::from_u128(1),
            filing: hex::encode([7; 32]),
            from: from.to_owned(),
            to: to.to_owned(),
            says,
        }
    }

    pub fn object(&self) -> Value {
        let report = format!("incident--{}", self.report);
        let text = format!(
            r#"{{"report":"{report}","filing":"{}","from":"{}","to":"{}","at":"2026-01-01T00:00:00Z","says":{}}}"#,
            self.filing, self.from, self.to, self.says
        );
        let name = format!("urn:yagura:report-passed:{}", hex::encode(Sha256::digest(&text)));
        let between = [&self.from, &self.to].map(|name| oversight::OrganisationId::parse(name).unwrap());
        let passed: Value = serde_json::from_str(&text).unwrap();
        json!({
            "type": "note", "spec_version": "2.1", "id": format!("note--{}", Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())),
            "created_by_ref": format!("identity--{}", Uuid::from_u128(9)), "created": V1, "modified": V1,
            "content": "copy of a report", "object_refs": [report],
            "object_marking_refs": [Tlp::AmberStrict.id(), format!("marking-definition--{}", oversight::circle(&between.into()))],
            "extensions": { EXTENSION: { "extension_type": "property-extension", "passed": passed } },
        })
    }
}

pub fn hash(copy: &str) -> String {
    hex::encode(Sha256::digest(copy))
}

/// A hub with a ministry, the police and an operator, and another one that lies.
pub struct Played {
    pub hub: TestHub,
    pub cheat: Cheat,
    pub ministry: String,
    /// The beginnings of both hubs' names.
    pub own: String,
    pub theirs: String,
}

impl Played {
    pub async fn new(seed: u8) -> Self {
        let hub = listening().await;
        hub.organisation("ministry", OrganisationRole::Agency).await;
        hub.organisation("police", OrganisationRole::Agency).await;
        hub.organisation("kinki", OrganisationRole::Operator).await;
        let cheat = Cheat::known(seed, &hub).await;
        let ministry = hub.token("ministry", &DUTY).await;
        let own = named(&hub, "").await;
        let theirs = format!("{}-", cheat.hub.get(..16).unwrap());
        Self { hub, cheat, ministry, own, theirs }
    }

    pub fn given(&self, from: &str, to: &str) -> Note {
        Note::given(&format!("{}{from}", self.theirs), &format!("{}{to}", self.own), COPY, &hash(COPY))
    }

    /// A receipt of the copy that [`Self::given`] gives the ministry, which a key signs: over some copy, of some filing.
    fn receipt(&self, signer: &SigningKey, (copy, filing): (&str, &str)) -> Note {
        let given = self.given("kinki", "ministry");
        let event = AuditEvent::done(Action::ReportFiled, Actor::Node, Purpose::IncidentResponse)
            .on([format!("incident--{}", given.report)])
            .with("event", filing)
            .with("given_to", given.to.as_str())
            .with(oversight::COPY, hash(copy));
        // The filing is all that there is in that log.
        let (record, salt) = (event.record(&Realm::Live, jiff::Timestamp::UNIX_EPOCH), [5; 32]);
        let root = tlog::leaf_hash(&AuditEvent::commitment(&salt, &record));
        let checkpoint = Checkpoint { origin: "cheat.invalid/log".to_owned(), size: 1, root };
        let proof = TlogProof::of_path(0, Vec::new(), &signer.sign_checkpoint(&checkpoint)).unwrap();
        let proof = Value::from(FilingReceipt::make(proof, &record, &salt).unwrap().to_text());
        Note { says: format!(r#"{{"kind":"receipt","proof":{proof}}}"#), ..given }
    }

    /// What the ministry is told of the receipt, once it has the copy: whom a note is for is worked out after it came in.
    async fn told(&self) -> Value {
        until("the ministry has it", async || !listed(&self.hub, &self.ministry).await.is_empty()).await;
        let report = format!("/api/v1/reports/incident--{}", Uuid::from_u128(1));
        self.hub.good(&self.ministry, &report).await["filings"][0]["receipt"].clone()
    }

    pub async fn brings(&self, objects: &[Value]) {
        let frames = (1..).zip(objects).map(|(place, object)| self.cheat.object(place, object));
        let frames: Vec<Value> = std::iter::once(self.cheat.hello(0)).chain(frames).collect();
        let (status, text) = self.cheat.send(&frames).await;
        assert_eq!(status, 200, "{text}");
    }

    /// Whether what the other hub brings is kept out.
    pub async fn keeps_out(&self, note: &Note) -> bool {
        let refused = async || {
            let peer = self.hub.get("/api/v1/peers/abroad").header("accept", "*/*").send().await.json();
            peer["counts"]["refused"].as_u64().unwrap()
        };
        let before = refused().await;
        self.brings(&[note.object()]).await;
        refused().await > before
    }

    /// How often something was kept out for a reason.
    pub async fn kept_out(&self, code: &str) -> usize {
        let acts = self.hub.audit(Action::Refused).await;
        acts.iter().filter(|act| act.event.detail.get("code").is_some_and(|found| found == code)).count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hub_brings_is_for_whom_it_is_and_comes_once() {
    let played = Played::new(61).await;
    let hub = &played.hub;
    let police = hub.token("police", &DUTY).await;
    let mut stream = Follow::open(hub, &police, "").await;
    let note = played.given("kinki", "ministry").object();
    played.brings(std::slice::from_ref(&note)).await;
    played.brings(&[note.clone(), note.clone()]).await;
    until("the ministry has it", async || !listed(hub, &played.ministry).await.is_empty()).await;
    let list = listed(hub, &played.ministry).await;
    assert_eq!(
        (list.len(), list[0]["organisation"].as_str().unwrap()),
        (1, format!("{}kinki", played.theirs).as_str())
    );
    assert_eq!(list[0]["hub"]["en"], "Cheat");
    let report = format!("/api/v1/reports/{}", list[0]["id"].as_str().unwrap());
    let seen = hub.good(&played.ministry, &report).await;
    assert_eq!(seen["filings"].as_array().unwrap().len(), 1);
    let copy = format!("{report}/filings/{}/copy", seen["filings"][0]["event"].as_str().unwrap());
    assert_eq!(hub.rest(&played.ministry, Method::GET, &copy).send().await.body, COPY.as_bytes());
    assert_eq!(hub.rest(&police, Method::GET, &copy).send().await.status, 404);
    for token in [&police, &hub.token] {
        finds_nothing(hub, token, &id_of(&note), &report).await;
    }
    // The first thing that the police's stream tells of is what came after it.
    let marker = marked(indicator(V1), Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&marker)).await;
    assert_eq!(stream.next_object().await, id_of(&marker));
    // An answer cannot go where no agreement lets it through, and that is told.
    let answers = format!("{report}/answers");
    let refused =
        post(hub, &played.ministry, &answers, answer(&seen["filings"][0]["event"], "acknowledged", None))
            .await;
    assert_eq!(refused.status, 422);
    assert!(thread(&hub.good(&played.ministry, &report).await).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_about_a_copy_is_kept_out_and_the_link_goes_on() {
    let played = Played::new(62).await;
    let hub = &played.hub;
    let own = |name: &str| format!("{}{name}", played.own);
    let theirs = |name: &str| format!("{}{name}", played.theirs);
    let wrong_hash = Note::given(&theirs("kinki"), &own("ministry"), COPY, &hash("another"));
    let no_form = Note::given(&theirs("kinki"), &own("ministry"), "{}", &hash("{}"));
    let pretends = Note::given(&own("kinki"), &own("ministry"), COPY, &hash(COPY));
    let stranger = Note::given("0123456789abcdef-kinki", &own("ministry"), COPY, &hash(COPY));
    let to_operator = Note::given(&theirs("kinki"), &own("kinki"), COPY, &hash(COPY));
    let to_nobody = Note::given(&theirs("kinki"), &own("nobody"), COPY, &hash(COPY));
    let to_others = Note::given(&theirs("kinki"), "0123456789abcdef-ministry", COPY, &hash(COPY));
    let large = "x".repeat(5_000_000);
    let large = Note::given(&theirs("kinki"), &own("ministry"), &large, &hash(&large));
    let mut freer = played.given("kinki", "ministry").object();
    freer["object_marking_refs"] = json!([Tlp::Green.id()]);
    let lies = [&wrong_hash, &no_form, &pretends, &stranger, &to_operator, &to_nobody, &to_others];
    let mut lies: Vec<Value> = lies.into_iter().map(Note::object).collect();
    lies.extend([freer, large.object()]);
    played.brings(&lies).await;
    assert_eq!(listed(hub, &played.ministry).await, Vec::<Value>::new());
    let counted = hub.get("/api/v1/peers/abroad").header("accept", "*/*").send().await.json();
    assert_eq!(
        (&counted["counts"]["accepted"], &counted["counts"]["refused"]),
        (&json!(0), &json!(lies.len())),
        "{counted}"
    );
    assert_eq!(
        (played.kept_out("wrong-copy").await, played.kept_out("not-creator").await),
        (1, 1),
        "each run is one act"
    );

    // What is good comes in after all that; and nobody puts a copy into another one's thread.
    played.brings(&[played.given("kinki", "ministry").object()]).await;
    until("the ministry has it", async || listed(hub, &played.ministry).await.len() == 1).await;
    let mut other = played.given("kanto", "ministry");
    other.filing = hex::encode([8; 32]);
    played.brings(&[other.object()]).await;
    let report = format!("/api/v1/reports/incident--{}", Uuid::from_u128(1));
    assert_eq!(hub.good(&played.ministry, &report).await["filings"].as_array().unwrap().len(), 1);
    // Nor into one of a report that is kept here.
    let kinki = hub.token("kinki", &DUTY).await;
    let kept = begun(hub, &kinki).await;
    let mut onto = played.given("kinki", "ministry");
    onto.report = Uuid::parse_str(kept.rsplit("incident--").next().unwrap()).unwrap();
    played.brings(&[onto.object()]).await;
    assert_eq!(hub.rest(&played.ministry, Method::GET, &kept).send().await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_what_was_not_given_to_it_and_nobody_forges_a_copy_here() {
    let played = Played::new(63).await;
    let hub = &played.hub;
    let kinki = hub.token("kinki", &DUTY).await;
    let report = begun(hub, &kinki).await;
    // One that went another way, and one that the ministry here was given.
    let elsewhere = json!({ "send": Uuid::new_v4(), "regime": "eu.gdpr", "stage": "notification", "recipient": "authority" });
    sent(hub, &kinki, &format!("{report}/filings"), elsewhere).await;
    let filed = sent(hub, &kinki, &format!("{report}/filings"), filing("ministry")).await;
    let event = filed["event"].as_str().unwrap();
    let answered = |to: &str, event: &str| Note {
        report: Uuid::parse_str(report.rsplit("incident--").next().unwrap()).unwrap(),
        filing: event.to_owned(),
        from: format!("{}ministry", played.theirs),
        to: format!("{}{to}", played.own),
        says: r#"{"kind":"answered","answer":{"answer":"requested","text":"全記録を提出せよ"}}"#.to_owned(),
    };
    let unknown = hex::encode([7; 32]);
    let answers = [answered("kinki", event), answered("kinki", &unknown), answered("police", event)];
    played.brings(&answers.map(|answer| answer.object())).await;
    let whole = hub.good(&kinki, &report).await;
    assert!(thread(&whole).is_empty());
    assert_eq!(played.kept_out("not-given").await, 1);

    // By no door does a member put in what only filing makes.
    let forged = played.given("kinki", "ministry").object();
    let status = hub.post_as(&kinki, std::slice::from_ref(&forged)).await;
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(0), &json!(1)), "{status}");
    let bundle =
        json!({ "type": "bundle", "id": format!("bundle--{}", Uuid::new_v4()), "objects": [forged] });
    let taken = post(hub, &kinki, "/api/v1/objects", bundle).await;
    assert!(
        String::from_utf8_lossy(&taken.body).contains("reserved"),
        "{}",
        String::from_utf8_lossy(&taken.body)
    );
    assert_eq!(listed(hub, &played.ministry).await.len(), 1, "the one that was given to it here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_held_against_the_other_hubs_key_and_the_copy() {
    let played = Played::new(64).await;
    let (own, filing) = (&played.cheat.signer, hex::encode([7; 32]));
    let foreign = SigningKey::from_seed("cheat.invalid/log", [65; 32]).unwrap();
    played.brings(&[played.given("kinki", "ministry").object()]).await;
    assert_eq!(played.told().await, Value::Null, "none has come");
    let other = hex::encode([8; 32]);
    let wrong = [
        (played.receipt(&foreign, (COPY, &filing)), "not-signed"),
        (played.receipt(own, ("another copy", &filing)), "other-copy"),
        (played.receipt(own, (COPY, &other)), "other-filing"),
    ];
    for (receipt, why) in &wrong {
        played.brings(&[receipt.object()]).await;
        let found = played.told().await;
        assert_eq!(
            (&found["state"], &found["why_reason"]["code"]),
            (&json!("wrong"), &json!(why)),
            "{found}"
        );
    }
    // Each is told, and is an act.
    let acts = played.hub.audit(Action::Refused).await;
    let is_wrong = |code: &String| code == "wrong-receipt";
    let acts = acts.iter().filter(|act| act.event.detail.get("code").is_some_and(is_wrong));
    let told: Vec<&str> = acts.map(|act| act.event.detail["why"].as_str()).collect();
    assert_eq!(told.len(), wrong.len(), "{told:?}");
    assert!(wrong.iter().all(|(_, why)| told.contains(why)), "{told:?}");
    let notices = played.hub.good(&played.ministry, "/api/v1/notices").await;
    let notices = notices["notices"].as_array().unwrap().iter();
    let notices = notices.filter(|notice| notice["kind"] == "report-receipt-wrong");
    assert_eq!(notices.count(), wrong.len());
    // The right one counts, and what came before it does not.
    played.brings(&[played.receipt(own, (COPY, &filing)).object()]).await;
    let found = played.told().await;
    assert_eq!((&found["state"], &found["why"]), (&json!("verified"), &Value::Null), "{found}");
    assert_eq!(played.kept_out("wrong-receipt").await, wrong.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_comes_before_its_copy_is_held_against_it_as_well() {
    let filing = hex::encode([7; 32]);
    for (seed, copy, state, alarms) in [(66, COPY, "verified", 0), (67, "another copy", "wrong", 1)] {
        let played = Played::new(seed).await;
        let receipt = played.receipt(&played.cheat.signer, (copy, &filing)).object();
        played.brings(&[receipt]).await;
        assert_eq!(
            played.kept_out("wrong-receipt").await,
            0,
            "there is nothing yet that it could be wrong about"
        );
        played.brings(&[played.given("kinki", "ministry").object()]).await;
        assert_eq!(played.told().await["state"], state);
        assert_eq!(played.kept_out("wrong-receipt").await, alarms);
    }
}
