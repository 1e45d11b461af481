//! Who is in a room, and the situation report that several write at once.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use oversight::{Action, OrganisationRole};
use serde_json::{Value, json};

use crate::room::{Worker, council, note, only, open};
use crate::support::TestHub;

/// What a console sends when somebody types a text into an empty report: an update of Yjs, version 1, in base64.
pub fn update(writer: u8, text: &str) -> String {
    let length = u8::try_from(text.len()).unwrap();
    let bytes = [&[1, 1, writer, 0, 4, 1, 6], &b"report"[..], &[length], text.as_bytes(), &[0]].concat();
    BASE64_STANDARD.encode(bytes)
}

pub fn typed(report: u16, writer: u8, text: &str) -> Value {
    json!({ "says": "typed", "report": report, "update": update(writer, text) })
}

async fn report(worker: &Worker<'_>, case: &str, query: &str) -> Value {
    worker.signed.good(&format!("/api/v1/cases/{case}/room/report{query}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_situation_report_is_written_by_several_and_given_out() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let case = nco.opens("侵入").await;
    let empty = report(&power, &case, "").await;
    assert_eq!((&empty["report"], &empty["reports"], &empty["text"]), (&json!(1), &json!(0), &json!("")));
    nco.says(&case, open(typed(1, 1, "abc"))).await;
    police.says(&case, open(typed(1, 2, "xyz"))).await;
    let whole = report(&power, &case, "").await;
    let text = whole["text"].as_str().unwrap().to_owned();
    assert!(text.contains("abc") && text.contains("xyz") && text.len() == 6, "{whole}");
    assert_eq!((&whole["changes"], &whole["left_out"]), (&json!(2), &json!(0)));
    // Who knows all is told next to nothing; a state vector says so: two writers with three letters each.
    let known = BASE64_STANDARD.encode([2, 1, 3, 2, 3]).replace('=', "%3D").replace('+', "%2B");
    let rest = report(&power, &case, &format!("?known={known}")).await;
    assert!(rest["update"].as_str().unwrap().len() < whole["update"].as_str().unwrap().len());
    for bad in ["?known=!", "?report=3", "?report=0"] {
        let reply = power.signed.get(&format!("/api/v1/cases/{case}/room/report{bad}")).await;
        assert_eq!(reply.status, 422, "{bad}");
    }
    // It stands in no timeline, and is no note.
    assert_eq!(nco.room(&case).await["lines"], 0);
    let told = nco.signed.good(&format!("/api/v1/cases/{case}/room/brief")).await;
    assert_eq!((&told["report"], &told["lines"]), (&json!(text), &json!([])));
    let out = json!({ "says": "reported", "report": 1, "text": text });
    police.says(&case, open(out)).await;
    let room = power.room(&case).await;
    assert_eq!(room["situation"]["reported"]["text"], json!(text));
    assert_eq!((&room["situation"]["reports"], &room["lines"]), (&json!(1), &json!(1)));
    // The next one begins empty.
    nco.says(&case, open(typed(2, 1, "next"))).await;
    assert_eq!(report(&power, &case, "").await["text"], "next");
    assert_eq!(report(&power, &case, "?report=1").await["text"], json!(text));
    assert_eq!(hub.audit(Action::CaseChanged).await.len(), 4, "each change is a leaf");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_change_of_the_report_is_refused() {
    let hub = TestHub::start().await;
    let [nco, police, _] = council(&hub).await;
    let case = nco.opens("侵入").await;
    let side = police.refused(&case, only(&["police"], false, typed(1, 1, "x"))).await;
    assert!(side.contains("for all in the room"), "{side}");
    let mut strict = open(typed(1, 1, "x"));
    strict["label"]["tlp"] = json!("red");
    assert!(police.refused(&case, strict).await.contains("for all in the room"));
    assert!(police.refused(&case, open(typed(3, 1, "x"))).await.contains("was not begun"));
    assert!(police.refused(&case, open(typed(0, 1, "x"))).await.contains("`report`"));
    let out = json!({ "says": "reported", "report": 1, "text": "x" });
    assert!(police.refused(&case, open(out)).await.contains("was not begun"));
    let with = |update: String| open(json!({ "says": "typed", "report": 1, "update": update }));
    let long = BASE64_STANDARD.encode(vec![0; 20_000]);
    for update in ["", "!", "AAA", "AQEBAAgBBnJlcG9ydAEA"].map(str::to_owned).into_iter().chain([long]) {
        assert!(police.refused(&case, with(update.clone())).await.contains("`update`"), "{update:.20}");
    }
    assert_eq!(nco.room(&case).await["situation"]["reports"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_who_is_in_the_room_as_far_as_they_see_it() {
    let hub = TestHub::start().await;
    hub.organisation("ministry", OrganisationRole::Agency).await;
    let [nco, police, power] = council(&hub).await;
    let silent = Worker::new(&hub, "ministry").await;
    let case = nco.opens("侵入").await;
    nco.says(&case, open(note("はじめ"))).await;
    power.says(&case, only(&["coordinator"], false, note("調整機関だけへ"))).await;
    let here = async |worker: &Worker<'_>, body: Value| {
        let told = worker.signed.done(&format!("/api/v1/cases/{case}/room/presence"), body).await;
        let people = told["here"].as_array().unwrap().iter();
        let people =
            people.map(|one| (one["person"]["account"].as_str().unwrap().to_owned(), one["writes"] == true));
        people.collect::<std::collections::BTreeMap<String, bool>>()
    };
    for worker in [&nco, &police, &power, &silent] {
        here(worker, json!({ "writes": worker.account == power.account })).await;
    }
    let quiet = || json!({});
    let seen = here(&nco, quiet()).await;
    assert_eq!(seen.get(&power.account), Some(&true), "the coordinator sees that the operator takes part");
    assert!(
        seen.contains_key(&nco.account) && !seen.contains_key(&silent.account),
        "who says nothing is not told of"
    );
    let seen = here(&police, quiet()).await;
    assert!(!seen.contains_key(&power.account), "what it wrote is for others, and so is that it is there");
    assert!(seen.contains_key(&nco.account) && seen.contains_key(&police.account));
    here(&nco, json!({ "leaves": true })).await;
    assert!(!here(&police, quiet()).await.contains_key(&nco.account));
    let nowhere = format!("/api/v1/cases/incident--{}/room/presence", uuid::Uuid::new_v4());
    assert_eq!(police.signed.post(&nowhere, quiet()).await.status, 404);
    assert_eq!(hub.audit(Action::CaseChanged).await.len(), 2, "nothing of it is written down");
}
