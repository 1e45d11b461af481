//! The case room of one hub: who sees what of it, what counts, and what is refused.

use std::collections::BTreeSet;
use std::time::Instant;

use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::authorisation::add_person;
use crate::rest::named;
use crate::signed::Signed;
use crate::support::{Reply, TestHub, id_of};

/// A person with its account.
pub struct Worker<'a> {
    pub account: String,
    pub organisation: String,
    pub signed: Signed<'a>,
}

/// Says something for all who see the case.
#[expect(clippy::needless_pass_by_value, reason = "callers write it where they hand it in")]
pub fn open(entry: Value) -> Value {
    json!({ "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" }, "entry": entry })
}

/// Says something for some organisations.
#[expect(clippy::needless_pass_by_value, reason = "callers write it where they hand it in")]
pub fn only(organisations: &[&str], stub: bool, entry: Value) -> Value {
    let label = json!({ "tlp": "amber", "only": organisations, "stub": stub });
    json!({ "key": uuid::Uuid::new_v4(), "label": label, "entry": entry })
}

pub fn note(text: &str) -> Value {
    json!({ "says": "note", "text": text })
}

impl<'a> Worker<'a> {
    pub async fn new(hub: &'a TestHub, organisation: &str) -> Self {
        let account = add_person(hub, organisation, PersonRole::DutyOfficer).await;
        let signed = Signed::again(hub, &account).await;
        Self { account, organisation: organisation.to_owned(), signed }
    }

    pub fn person(&self) -> Value {
        json!({ "account": self.account, "organisation": self.organisation })
    }

    pub async fn opens(&self, title: &str) -> String {
        let case = self.signed.done("/api/v1/cases", json!({ "title": title, "severity": 2 })).await;
        case["summary"]["id"].as_str().unwrap().to_owned()
    }

    pub async fn sees(&self, case: &str) -> bool {
        self.signed.get(&format!("/api/v1/cases/{case}/room")).await.status == 200
    }

    pub async fn room(&self, case: &str) -> Value {
        self.signed.good(&format!("/api/v1/cases/{case}/room")).await
    }

    pub async fn post(&self, case: &str, body: Value) -> Reply {
        self.signed.post(&format!("/api/v1/cases/{case}/room"), body).await
    }

    /// Writes what must be taken; gives the entry's name.
    pub async fn says(&self, case: &str, body: Value) -> String {
        let taken = self.signed.done(&format!("/api/v1/cases/{case}/room"), body).await;
        taken["entry"].as_str().unwrap().to_owned()
    }

    /// Why it is refused.
    pub async fn refused(&self, case: &str, body: Value) -> String {
        let reply = self.post(case, body).await;
        assert_eq!(reply.status, 422, "{}", String::from_utf8_lossy(&reply.body));
        reply.json()["detail"].as_str().unwrap().to_owned()
    }

    /// The texts of the notes that it sees, oldest first.
    pub async fn notes(&self, case: &str) -> Vec<String> {
        let room = self.room(case).await;
        let mut notes: Vec<String> = room["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|line| Some(line["says"]["text"].as_str()?.to_owned()))
            .collect();
        notes.reverse();
        notes
    }
}

/// A council with an agency and an operator, and somebody of each.
pub async fn council(hub: &TestHub) -> [Worker<'_>; 3] {
    hub.organisation("police", OrganisationRole::Agency).await;
    hub.organisation("kinki-power", OrganisationRole::Operator).await;
    [
        Worker::new(hub, "coordinator").await,
        Worker::new(hub, "police").await,
        Worker::new(hub, "kinki-power").await,
    ]
}

fn named_here(room: &Value, name: &Value) -> String {
    room["organisations"][name.as_str().unwrap()]["here"].as_str().unwrap_or("?").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn command_is_taken_handed_over_and_refused_to_others() {
    let hub = TestHub::start().await;
    let [nco, police, _] = council(&hub).await;
    let case = nco.opens("浄水場の異常").await;
    let take = json!({ "says": "commands" });
    nco.says(&case, open(take.clone())).await;
    assert!(police.refused(&case, open(take)).await.contains("let command be handed over"));
    let period = |by: &str| json!({ "says": "period", "from": "2026-11-30T00:00:00Z", "until": "2100-01-01T00:00:00Z", "objectives": by });
    assert!(police.refused(&case, open(period("x"))).await.contains("only the one who commands"));
    nco.says(&case, open(period("遮断と保全"))).await;
    let lead = json!({ "says": "leads", "lane": "threat", "person": police.person() });
    nco.says(&case, open(lead)).await;
    let offer =
        nco.says(&case, open(json!({ "says": "hand-over", "to": police.person(), "brief": "要点" }))).await;
    let takes = |offer: &str| json!({ "says": "takes-over", "hand_over": offer });
    assert!(nco.refused(&case, open(takes(&offer))).await.contains("somebody else"));
    police.says(&case, open(takes(&offer))).await;
    let room = nco.room(&case).await;
    let situation = &room["situation"];
    assert_eq!(situation["commander"]["account"], police.account, "{situation}");
    assert_eq!(named_here(&room, &situation["commander"]["organisation"]), "police");
    assert_eq!((&situation["hand_over"], &situation["period"]["number"]), (&Value::Null, &json!(1)));
    assert_eq!(situation["leads"]["threat"]["account"], police.account);
    assert_eq!(room["people"][&police.account], "duty_officer");
    assert_eq!(room["you"]["account"], nco.account);
    // What a program cannot do in person it is refused, and it may write.
    let path = format!("/api/v1/cases/{case}/room");
    let by_program =
        hub.send_json(&hub.token, Method::POST, &path, open(json!({ "says": "commands" }))).await;
    assert_eq!(by_program.status, 422);
    assert_eq!(hub.send_json(&hub.token, Method::POST, &path, open(note("測定値"))).await.status, 200);
    let events = hub.audit(Action::CaseChanged).await;
    assert_eq!(events.len(), 6, "each entry is a leaf, and what was refused is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_offered_taken_handed_back_or_declined_with_its_basis() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let case = nco.opens("侵入").await;
    let offer = |to: &str| {
        open(json!({ "says": "task-offered", "to": to, "title": "通信記録の保全", "lane": "threat",
            "due": "2026-11-30T00:00:00Z", "legal_basis": "刑事訴訟法197条3項" }))
    };
    let [first, second, third] = [
        nco.says(&case, offer("police")).await,
        nco.says(&case, offer("kinki-power")).await,
        nco.says(&case, offer("kinki-power")).await,
    ];
    let accept = |task: &str| json!({ "says": "task-accepted", "task": task, "legal_basis": "警察法2条" });
    assert!(power.refused(&case, open(accept(&first))).await.contains("somebody else"));
    police.says(&case, open(accept(&first))).await;
    assert!(police.refused(&case, open(accept(&first))).await.contains("answered already"));
    let back = json!({ "says": "task-handed-back", "task": first, "done": true, "result": "保全した" });
    police.says(&case, open(back)).await;
    let declined = json!({ "says": "task-declined", "task": second, "reason": "通信の秘密", "legal_basis": "電気通信事業法4条" });
    power.says(&case, open(declined)).await;
    let withdraw = json!({ "says": "task-withdrawn", "task": third, "reason": "不要" });
    assert!(power.refused(&case, open(withdraw.clone())).await.contains("somebody else"));
    nco.says(&case, open(withdraw)).await;
    let room = power.room(&case).await;
    let tasks = room["situation"]["tasks"].as_array().unwrap();
    let state = |entry: &str| tasks.iter().find(|task| task["entry"] == entry).unwrap().clone();
    assert_eq!((&state(&first)["state"], &state(&first)["done"]), (&json!("handed-back"), &json!(true)));
    assert_eq!(state(&second)["answer_basis"], "電気通信事業法4条");
    assert_eq!(state(&third)["state"], "withdrawn");
    let told = power.signed.good("/api/v1/notices").await;
    let kinds: Vec<&str> =
        told["notices"].as_array().unwrap().iter().map(|notice| notice["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["room-task", "room-task"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_seen_by_whom_its_label_names_through_every_door() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let case = nco.opens("侵入").await;
    nco.says(&case, open(note("みなへ"))).await;
    let side = police.says(&case, only(&["police"], false, note("捜査の見立て"))).await;
    let both = police.says(&case, only(&["coordinator"], true, note("調整機関へ"))).await;
    assert_eq!(police.notes(&case).await, ["みなへ", "捜査の見立て", "調整機関へ"]);
    assert_eq!(nco.notes(&case).await, ["みなへ", "調整機関へ"], "not even the coordinator sees a side room");
    assert_eq!(power.notes(&case).await, ["みなへ"]);
    let kinds = |room: &Value| -> Vec<(String, String)> {
        let lines = room["timeline"].as_array().unwrap();
        let of = |line: &Value| {
            let whose = named_here(room, &line["organisation"]);
            (line["kind"].as_str().unwrap().to_owned(), whose)
        };
        lines.iter().map(of).collect()
    };
    let room = power.room(&case).await;
    let expected = [("stub", "police"), ("entry", "coordinator")];
    assert_eq!(kinds(&room), expected.map(|(kind, whose)| (kind.to_owned(), whose.to_owned())));
    assert!(!room.to_string().contains("見立て") && !room.to_string().contains(&side));
    assert_eq!(kinds(&nco.room(&case).await).len(), 2, "who sees the entry is not shown its stub");
    // The same through other doors: objects, their references, TAXII, search.
    for (worker, sees) in [(&police, true), (&nco, false), (&power, false)] {
        let room = police.room(&case).await;
        let line = room["timeline"].as_array().unwrap().iter().find(|line| line["entry"] == side).unwrap();
        let object = line["object"].as_str().unwrap();
        let reply = worker.signed.get(&format!("/api/v1/objects/{object}")).await;
        assert_eq!(reply.status, if sees { 200 } else { 404 });
        let found = worker.signed.good("/api/v1/objects?query=%E8%A6%8B%E7%AB%8B%E3%81%A6").await;
        assert!(sees || found["count"] == 0, "{found}");
    }
    let taxii = hub.get(&hub.within("objects/?match[type]=note&limit=100")).send().await;
    assert!(!String::from_utf8_lossy(&taxii.body).contains("見立て"), "nor does the administrator's program");
    // Publishing is an entry of its own; the side room keeps which.
    let publish = json!({ "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" } });
    let path = format!("/api/v1/cases/{case}/room/{side}/publish");
    let taken = police.signed.done(&path, publish.clone()).await;
    assert_eq!(police.signed.done(&path, publish).await["already"], true);
    assert_ne!(taken["entry"], json!(side));
    assert_eq!(power.notes(&case).await, ["みなへ", "捜査の見立て"]);
    assert!(!power.room(&case).await.to_string().contains(&side));
    let not_mine = format!("/api/v1/cases/{case}/room/{both}/publish");
    let body = json!({ "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" } });
    assert_eq!(
        nco.signed.post(&not_mine, body.clone()).await.status,
        422,
        "somebody else's is not published"
    );
    assert_eq!(
        power.signed.post(&not_mine, body).await.status,
        404,
        "and what one does not see is not there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_twice_is_one_entry_and_what_cannot_be_is_refused() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let case = nco.opens("侵入").await;
    let body = open(note("一度"));
    let (first, again) = (nco.says(&case, body.clone()).await, nco.says(&case, body.clone()).await);
    assert_eq!(first, again);
    let mut other = body.clone();
    other["entry"] = note("別のこと");
    assert!(nco.refused(&case, other).await.contains("another entry was sent under it"));
    // The same key of somebody else is somebody else's.
    police.says(&case, body).await;
    let mut freer = open(note("x"));
    freer["label"]["tlp"] = json!("green");
    assert!(nco.refused(&case, freer).await.contains("not marked more freely than its case"));
    let unknown = only(&["nobody-knows"], false, note("x"));
    assert!(nco.refused(&case, unknown).await.contains("no organisation that is known"));
    assert!(nco.refused(&case, open(note("  "))).await.contains("`text`"));
    let proposed = json!({ "says": "severity-proposed", "level": 5, "reasons": [] });
    assert!(nco.refused(&case, open(proposed)).await.contains("by the system alone"));
    let hidden = only(
        &["coordinator"],
        false,
        json!({ "says": "task-offered", "to": "police", "title": "x", "lane": "asset" }),
    );
    assert!(nco.refused(&case, hidden).await.contains("would not see the entry"));
    // Brought in as an object it would say of itself who wrote it.
    let room = nco.room(&case).await;
    let object = room["timeline"][0]["object"].as_str().unwrap();
    let stored = nco.signed.good(&format!("/api/v1/objects/{object}")).await["object"].clone();
    let mut forged = stored.clone();
    forged["id"] = json!(format!("note--{}", uuid::Uuid::new_v4()));
    let bundle =
        json!({ "type": "bundle", "id": format!("bundle--{}", uuid::Uuid::new_v4()), "objects": [forged] });
    let reply = hub.send_json(&hub.token, Method::POST, "/api/v1/objects", bundle).await.json();
    assert_eq!(reply["refused"][0]["code"], "reserved", "{reply}");
    // What is strict is not there for others.
    let strict = named("campaign", "strict", Tlp::AmberStrict);
    hub.publish(&hub.token, std::slice::from_ref(&strict)).await;
    let new = json!({ "title": "厳格", "severity": 2, "objects": [id_of(&strict)] });
    let closed = nco.signed.done("/api/v1/cases", new).await["summary"]["id"].as_str().unwrap().to_owned();
    assert_eq!(power.signed.get(&format!("/api/v1/cases/{closed}/room")).await.status, 404);
    assert_eq!(power.post(&closed, open(note("x"))).await.status, 404);
    let merge = json!({ "says": "merged", "other": closed, "reason": "同じ" });
    assert!(nco.refused(&case, open(merge.clone())).await.contains("marked more strictly"));
    assert_eq!(power.post(&case, open(merge)).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_significant_severity_calls_the_named_agencies_in() {
    let agency = || vec!["police".parse_name(), "ministry".parse_name(), "abroad".parse_name()];
    let hub = TestHub::start_with(|config| config.room_agencies = agency()).await;
    let [nco, police, power] = council(&hub).await;
    hub.organisation("ministry", OrganisationRole::Agency).await;
    hub.organisation("abroad", OrganisationRole::Partner).await;
    let case = nco.opens("侵入").await;
    let propose = json!({ "key": uuid::Uuid::new_v4(), "answers": { "functional-impact": "minimal" } });
    power.signed.done(&format!("/api/v1/cases/{case}/room/severity"), propose.clone()).await;
    assert_eq!(
        power.signed.done(&format!("/api/v1/cases/{case}/room/severity"), propose).await["already"],
        true
    );
    let declare = |level: u8| json!({ "says": "severity-declared", "level": level, "reason": "送電に影響" });
    let room = nco.room(&case).await;
    assert!(room["situation"]["proposed"]["reasons"][0].as_str().unwrap().contains("機能への影響"));
    assert_eq!(room["situation"]["declared"], Value::Null, "nobody has declared it");
    let low = nco.says(&case, open(declare(2))).await;
    let members = async || {
        let room = nco.room(&case).await;
        let names = room["situation"]["members"].as_array().unwrap().clone();
        names.iter().map(|name| named_here(&room, name)).collect::<BTreeSet<_>>()
    };
    assert!(!members().await.contains("police"));
    police.says(&case, open(note("こちらにも"))).await;
    let reply = nco.post(&case, open(declare(4))).await.json();
    assert_eq!(reply["not_called"].as_array().unwrap().len(), 1, "the partner may not see it: {reply}");
    assert!(members().await.contains("ministry"));
    let ministry = Worker::new(&hub, "ministry").await;
    let told = ministry.signed.good("/api/v1/notices").await;
    assert_eq!(
        (&told["notices"][0]["kind"], &told["notices"][0]["subject"]),
        (&json!("room-invited"), &json!(case))
    );
    assert_eq!(police.signed.good("/api/v1/notices").await["notices"], json!([]), "it was there already");
    // Taken back, it is what it was; an earlier one is not taken back any more.
    let undo = |entry: &Value| json!({ "entries": [{ "case": case, "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" }, "undo": entry, "reason": "誤り" }] });
    assert_eq!(nco.signed.post("/api/v1/rooms/entries", undo(&json!(low))).await.status, 422);
    nco.signed.done("/api/v1/rooms/entries", undo(&reply["entry"])).await;
    assert_eq!(nco.room(&case).await["situation"]["declared"]["level"], 2);
}

/// A short name.
trait ParseName {
    fn parse_name(&self) -> oversight::OrganisationId;
}

impl ParseName for str {
    fn parse_name(&self) -> oversight::OrganisationId {
        oversight::OrganisationId::parse(self).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_are_joined_side_by_side_and_parted_again_by_bulk_and_undo() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let mut cases = Vec::new();
    for title in ["一", "二", "三"] {
        cases.push(nco.opens(title).await);
    }
    let [one, two, three] = [&cases[0], &cases[1], &cases[2]];
    let seen = named("campaign", "fog", Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&seen)).await;
    for case in [one, three] {
        nco.says(case, open(json!({ "says": "objects", "ids": [id_of(&seen)] }))).await;
    }
    let merge = |case: &str, other: &str| {
        json!({ "case": case, "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" },
            "entry": { "says": "merged", "other": other, "reason": "同じ手口" } })
    };
    let all = json!({ "entries": [merge(one, two), merge(three, two)] });
    let taken = nco.signed.done("/api/v1/rooms/entries", all).await["taken"].clone();
    let campaign = async |worker: &Worker<'_>, case: &str| {
        worker.signed.good(&format!("/api/v1/cases/{case}/campaign")).await
    };
    for case in [one, two, three] {
        let found = campaign(&power, case).await;
        let ids: Vec<&str> = found["cases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["case"]["id"].as_str().unwrap())
            .collect();
        assert_eq!((ids.len(), ids[0]), (3, case.as_str()), "the one that was asked for comes first");
        assert_eq!(found["common"], json!([id_of(&seen)]));
    }
    assert_eq!(police.room(two).await["joined"].as_array().unwrap().len(), 2);
    // All of it or nothing.
    let half = json!({ "entries": [merge(two, one), merge(two, two)] });
    assert_eq!(nco.signed.post("/api/v1/rooms/entries", half).await.status, 422);
    let lines = nco.room(two).await["lines"].as_u64().unwrap();
    assert_eq!(lines, 0, "nothing of it was written");
    let undo: Vec<Value> = taken
        .as_array()
        .unwrap()
        .iter()
        .map(|taken| {
            json!({ "case": taken["case"], "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" },
                "undo": taken["entry"], "reason": "別の事案" })
        })
        .collect();
    nco.signed.done("/api/v1/rooms/entries", json!({ "entries": undo })).await;
    assert_eq!(campaign(&nco, one).await["cases"].as_array().unwrap().len(), 1);
    let list = power.signed.good("/api/v1/rooms").await;
    assert_eq!(list["cases"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_shift_is_told_what_it_may_see() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let case = nco.opens("侵入").await;
    let before = police.says(&case, open(note("前の当直"))).await;
    let room = nco.room(&case).await;
    let since = room["as_of"].as_str().unwrap().to_owned();
    nco.says(&case, open(json!({ "says": "decided", "question": "止めるか", "options": ["止める", "止めない"], "chosen": 0, "reason": "被害の拡大" }))).await;
    nco.says(&case, open(json!({ "says": "task-offered", "to": "police", "title": "保全", "lane": "threat", "due": "2026-01-01T00:00:00Z" }))).await;
    police.says(&case, only(&["police"], false, note("内部"))).await;
    let brief = async |worker: &Worker<'_>| {
        worker.signed.good(&format!("/api/v1/cases/{case}/room/brief?since={since}")).await
    };
    let told = brief(&power).await;
    assert_eq!((&told["late"], told["lines"].as_array().unwrap().len()), (&json!(1), 1), "{told}");
    assert_eq!(told["situation"]["decisions"][0]["chosen"], 0);
    assert_eq!(brief(&police).await["lines"].as_array().unwrap().len(), 2);
    assert!(!told.to_string().contains(&before));
    assert_eq!(power.signed.get(&format!("/api/v1/cases/{case}/room/brief?since=x")).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_is_told_of_an_entry_that_its_reader_may_see() {
    let hub = TestHub::start().await;
    let [nco, police, _] = council(&hub).await;
    let case = nco.opens("侵入").await;
    let power = hub.token("kinki-power", &[PersonRole::Analyst]).await;
    let mut response = hub.rest(&power, Method::GET, "/api/v1/stream").response().await;
    police.says(&case, only(&["police"], false, note("内部"))).await;
    police.says(&case, open(note("みなへ"))).await;
    let mut text = String::new();
    while !text.contains("\"note\"") {
        text.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
    }
    assert!(!text.contains("内部"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_with_many_entries_is_read_and_written_in_time() {
    let hub = TestHub::start().await;
    let [nco, police, _] = council(&hub).await;
    let case = nco.opens("侵入").await;
    let batch = |from: usize| -> Value {
        let entries = (from..from + 100).map(|number| {
            json!({ "case": case, "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" },
                "entry": note(&format!("記載 {number}")) })
        });
        json!({ "entries": entries.collect::<Vec<_>>() })
    };
    // Each of a batch reads the room anew: kept small here.
    for from in (0..300).step_by(100) {
        nco.signed.done("/api/v1/rooms/entries", batch(from)).await;
    }
    let begun = Instant::now();
    assert_eq!(police.room(&case).await["lines"], 300);
    let read = begun.elapsed();
    let begun = Instant::now();
    police.says(&case, open(note("最後"))).await;
    let written = begun.elapsed();
    println!("a room of 300 entries: read {read:?}, written to {written:?}");
    // A debug build on a busy machine; the figure itself is in the output.
    assert!(read.as_secs() < 5 && written.as_secs() < 5, "{read:?} {written:?}");
}
