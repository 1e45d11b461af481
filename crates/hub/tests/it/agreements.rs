//! Agreements, sharing groups, and who can see what and why, through the hub's doors.

use std::time::{Duration, Instant};

use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::authorisation::agreement;
use crate::signed::Signed;
use crate::support::{TestHub, V1, id_of, indicator, marked};

/// A council with an operator and a partner, whose programs read.
struct Council {
    hub: TestHub,
    operator: String,
    partner: String,
}

impl Council {
    async fn start() -> Self {
        let hub = TestHub::start().await;
        hub.organisation("operator-1", OrganisationRole::Operator).await;
        hub.organisation("operator-2", OrganisationRole::Operator).await;
        hub.organisation("aurora", OrganisationRole::Partner).await;
        let operator = hub.token("operator-1", &[PersonRole::Analyst]).await;
        let partner = hub.token("aurora", &[PersonRole::Analyst]).await;
        Self { hub, operator, partner }
    }

    async fn sees(&self, token: &str, object: &Value) -> bool {
        let path = self.hub.within(&format!("objects/{}/", id_of(object)));
        match self.hub.get(&path).bearer(token).send().await.status {
            200 => true,
            404 => false,
            status => panic!("{path}: {status}"),
        }
    }

    /// An agreement that both have signed.
    async fn agreed(&self, text: &Value) -> (Signed<'_>, Signed<'_>, Value) {
        let council = Signed::person(&self.hub, "coordinator", PersonRole::Approver).await;
        let partner = Signed::person(&self.hub, "aurora", PersonRole::Approver).await;
        let drafted = council.done("/api/v1/agreements", text.clone()).await;
        assert_eq!(drafted["in_force"], false);
        let side = format!("/api/v1/agreements/{}/side", text["id"].as_str().unwrap());
        let sign = json!({ "state": "signed", "hash": drafted["hash"] });
        assert_eq!(council.done(&side, sign.clone()).await["in_force"], false, "one of two has signed");
        let signed = partner.done(&side, sign).await;
        (council, partner, signed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_gets_what_an_agreement_gives_as_long_as_all_give() {
    let council = Council::start().await;
    let object = marked(indicator(V1), Tlp::Amber);
    council.hub.post_as(&council.operator, std::slice::from_ref(&object)).await;
    assert!(!council.sees(&council.partner, &object).await);
    let (coordinator, partner, signed) =
        council.agreed(&agreement("aurora-2026", &["coordinator", "aurora"])).await;
    assert_eq!(signed["in_force"], true);
    assert!(council.sees(&council.partner, &object).await, "at once");
    let step = |state: &str| json!({ "state": state, "hash": signed["hash"], "reason": "点検" });
    let side = "/api/v1/agreements/aurora-2026/side";
    // It is reciprocal: the partner's suspension stops what it is given.
    assert_eq!(partner.done(side, step("suspended")).await["in_force"], false);
    assert!(!council.sees(&council.partner, &object).await);
    partner.done(side, step("signed")).await;
    assert!(council.sees(&council.partner, &object).await);
    coordinator.done(side, step("ended")).await;
    assert!(!council.sees(&council.partner, &object).await);
    let again = coordinator.ask(Method::POST, side, Some(step("signed"))).await;
    assert_eq!(again.status / 100, 4, "what is ended stays ended");
    // Each step is an act.
    let steps = council.hub.audit(Action::AgreementChanged).await;
    let steps: Vec<&str> = steps.iter().rev().map(|row| row.event.detail["step"].as_str()).collect();
    assert_eq!(steps, ["draft", "signed", "signed", "suspended", "signed", "ended"]);
    // The history is read by the parties, with who said what and why; they were told.
    let told = partner.good("/api/v1/agreements/aurora-2026").await;
    let words =
        |entry: &Value| format!("{} {}", entry["party"].as_str().unwrap(), entry["state"].as_str().unwrap());
    let history: Vec<String> = told["history"].as_array().unwrap().iter().map(words).collect();
    let expected =
        ["coordinator ended", "aurora signed", "aurora suspended", "aurora signed", "coordinator signed"];
    assert_eq!(history, expected);
    assert_eq!(told["history"][0]["reason"], "点検");
    assert!(!told["history"][0]["person"].as_str().unwrap().is_empty());
    assert_eq!(told["drafted_by"], "coordinator");
    assert_eq!(partner.good("/api/v1/agreements").await["agreements"][0]["history"], json!([]));
    let notices = partner.good("/api/v1/notices").await;
    let kinds: Vec<&str> = notices["notices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|notice| notice["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["agreement-ended", "agreement-signed", "agreement-drafted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_is_signed_with_a_fresh_proof_and_stopped_with_a_reason() {
    let council = Council::start().await;
    let text = agreement("aurora-2026", &["coordinator", "aurora"]);
    let (coordinator, _, signed) = council.agreed(&text).await;
    let side = "/api/v1/agreements/aurora-2026/side";
    let step = |reason: Value| json!({ "state": "suspended", "hash": signed["hash"], "reason": reason });
    let old = Signed::long_ago(&council.hub).await;
    assert_eq!(old.get("/api/v1/agreements").await.status, 200, "it is good for reading");
    let refused = old.post(side, step(json!("点検"))).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (403, Some("fresh-proof-needed")));
    for reason in [Value::Null, json!("  "), json!("あ".repeat(2_001))] {
        let refused = coordinator.post(side, step(reason)).await;
        let told = String::from_utf8_lossy(&refused.body).into_owned();
        assert!(refused.status == 422 && told.contains("reason"), "{} {told}", refused.status);
    }
    assert_eq!(coordinator.done(side, step(json!("あ".repeat(2_000)))).await["in_force"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_somebody_else_read_cannot_be_signed_and_strangers_do_not_know_of_it() {
    let council = Council::start().await;
    let text = agreement("aurora-2026", &["coordinator", "aurora"]);
    let coordinator = Signed::person(&council.hub, "coordinator", PersonRole::Approver).await;
    coordinator.done("/api/v1/agreements", text.clone()).await;
    let side = "/api/v1/agreements/aurora-2026/side";
    let wrong = json!({ "state": "signed", "hash": "00" });
    assert_eq!(coordinator.ask(Method::POST, side, Some(wrong)).await.status, 409);
    let stranger = Signed::person(&council.hub, "operator-1", PersonRole::Approver).await;
    assert_eq!(stranger.get("/api/v1/agreements/aurora-2026").await.status, 404);
    assert_eq!(stranger.good("/api/v1/agreements").await["agreements"], json!([]));
    // No party of it, unknown party, no terms, taken id: refused with the reason.
    for (change, because) in [
        (json!({ "id": "x", "parties": ["aurora", "operator-1"] }), "is no party"),
        (json!({ "id": "x", "parties": ["coordinator", "aurora", "nobody"] }), "nobody"),
        (json!({ "id": "x", "terms": [] }), "terms"),
        (json!({ "id": "x", "until": "2019-01-01T00:00:00Z" }), "until"),
        (json!({ "id": "AURORA" }), "id"),
        (json!({}), "aurora-2026"),
    ] {
        let mut body = text.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let reply = coordinator.ask(Method::POST, "/api/v1/agreements", Some(body)).await;
        let told = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(reply.status / 100 == 4 && told.contains(because), "{because}: {} {told}", reply.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_ends_at_its_hour_without_anybody_doing_anything() {
    let council = Council::start().await;
    let object = marked(indicator(V1), Tlp::Amber);
    council.hub.post_as(&council.operator, std::slice::from_ref(&object)).await;
    let mut text = agreement("short", &["coordinator", "aurora"]);
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(6);
    text["until"] = json!(until.to_string());
    council.agreed(&text).await;
    assert!(council.sees(&council.partner, &object).await);
    let begun = Instant::now();
    while council.sees(&council.partner, &object).await {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is still given");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let late = jiff::Timestamp::now().duration_since(until);
    assert!(late >= jiff::SignedDuration::ZERO, "given until its hour: {late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_limits_and_an_empty_or_unknown_one_reaches_nobody() {
    let council = Council::start().await;
    let owner = Signed::person(&council.hub, "operator-1", PersonRole::Approver).await;
    let other = council.hub.token("operator-2", &[PersonRole::Analyst]).await;
    let group = json!({ "name_ja": "電力", "name_en": "Power", "members": ["coordinator"] });
    let group = owner.done("/api/v1/sharing-groups", group).await;
    let limited = |marking: &str| {
        let mut object = indicator(V1);
        object["id"] = json!(format!("indicator--{}", uuid::Uuid::new_v4()));
        object["object_marking_refs"] = json!([marking, Tlp::Green.id()]);
        object
    };
    let object = limited(group["marking"].as_str().unwrap());
    council.hub.post_as(&council.operator, std::slice::from_ref(&object)).await;
    assert!(council.sees(&council.hub.token, &object).await, "a member");
    assert!(!council.sees(&other, &object).await, "no member");
    // Who is in it is told to members only.
    let path = format!("/api/v1/sharing-groups/{}", group["id"].as_str().unwrap());
    let stranger = Signed::person(&council.hub, "operator-2", PersonRole::Approver).await;
    assert_eq!(stranger.get(&path).await.status, 404);
    assert_eq!(stranger.good("/api/v1/sharing-groups").await["groups"], json!([]));
    // Joining shows what was there before; leaving hides it.
    let member = |name: &str| format!("{path}/members/{name}");
    assert_eq!(owner.ask(Method::PUT, &member("operator-2"), None).await.status, 200);
    assert!(council.sees(&other, &object).await);
    assert_eq!(stranger.good(&path).await["members"], json!(["coordinator", "operator-1", "operator-2"]));
    for name in ["coordinator", "operator-1", "operator-2"] {
        assert_eq!(owner.ask(Method::DELETE, &member(name), None).await.status, 204, "{name}");
    }
    for token in [&council.hub.token, &other, &council.partner] {
        assert!(!council.sees(token, &object).await, "an empty group reaches nobody");
    }
    assert!(council.sees(&council.operator, &object).await, "but the originator");
    let unknown = limited(&format!("marking-definition--{}", uuid::Uuid::new_v4()));
    council.hub.post_as(&council.operator, std::slice::from_ref(&unknown)).await;
    assert!(!council.sees(&council.hub.token, &unknown).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_see_it_is_who_sees_it_and_the_reason_is_told_in_words() {
    let council = Council::start().await;
    council.agreed(&agreement("aurora-2026", &["coordinator", "aurora"])).await;
    let object = marked(indicator(V1), Tlp::Amber);
    let operator = Signed::person(&council.hub, "operator-1", PersonRole::Analyst).await;
    let preview = operator.done("/api/v1/audience", json!([object])).await;
    let before = &preview["objects"][0];
    let names: Vec<&str> = before["readers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reader| reader["organisation"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["aurora", "coordinator", "operator-1", "operator-2"]);
    let aurora = &before["readers"][0];
    assert_eq!(aurora["because"]["agreement"], "aurora-2026");
    assert_eq!(aurora["because"]["rules"][0]["id"], "read-under-agreement");
    let words = |language: &str| aurora["because"]["rules"][0][language].as_str().unwrap().to_owned();
    assert!(
        words("en").starts_with("An agreement in force gives") && words("ja").starts_with("発効中の合意は")
    );
    assert!(!council.sees(&council.hub.token, &object).await, "a preview stores nothing");
    council.hub.post_as(&council.operator, std::slice::from_ref(&object)).await;
    let path = format!("/api/v1/objects/{}/audience", id_of(&object));
    assert_eq!(operator.good(&path).await["readers"], before["readers"], "published as previewed");
    assert!(council.sees(&council.partner, &object).await);
    // Why, and why not; for the originator and the coordinator, and for nobody else.
    let why = |of: &str| format!("/api/v1/objects/{}/why?organisation={of}", id_of(&object));
    assert_eq!(operator.good(&why("aurora")).await["allowed"], true);
    council.hub.organisation("inspectors", OrganisationRole::Oversight).await;
    let refused = operator.good(&why("inspectors")).await;
    assert_eq!(
        (&refused["allowed"], &refused["because"]["rules"][0]["id"]),
        (&json!(false), &json!("forbid-oversight-content"))
    );
    let other = Signed::person(&council.hub, "operator-2", PersonRole::Approver).await;
    for path in [path, why("aurora")] {
        assert_eq!(other.get(&path).await.status, 404, "{path}: it sees the object, and not who else does");
    }
    assert_eq!(council.hub.audit(Action::AudienceAsked).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marking_chosen_at_publishing_is_what_the_preview_told() {
    let council = Council::start().await;
    let operator = Signed::person(&council.hub, "operator-1", PersonRole::Administrator).await;
    let group = json!({ "name_ja": "電力", "name_en": "Power", "members": ["operator-2"] });
    let group = operator.done("/api/v1/sharing-groups", group).await;
    let (bare, green) = (indicator(V1), marked(indicator(V1), Tlp::Green));
    let body = json!([bare, green]);
    let readers = |told: &Value, place: usize| -> Vec<String> {
        let readers = told["objects"][place]["readers"].as_array().unwrap().iter();
        readers.map(|reader| reader["organisation"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["coordinator", "operator-1", "operator-2"];
    // Unmarked: nobody else. A level for what bears none: the other keeps its own. Over all: both.
    let told = operator.done("/api/v1/audience", body.clone()).await;
    assert_eq!(readers(&told, 0), ["operator-1"]);
    let told = operator.done("/api/v1/audience?tlp=amber", body.clone()).await;
    assert_eq!(
        (readers(&told, 0), &told["objects"][1]["tlp"]),
        (all.map(str::to_owned).to_vec(), &json!("green"))
    );
    let query = format!("tlp=amber%2Bstrict&pap=amber&over=all&group={}", group["id"].as_str().unwrap());
    let told = operator.done(&format!("/api/v1/audience?{query}"), body.clone()).await;
    for place in 0..2 {
        assert_eq!(readers(&told, place), ["operator-1", "operator-2"]);
        assert_eq!(
            (&told["objects"][place]["tlp"], &told["objects"][place]["pap"]),
            (&json!("amber+strict"), &json!("amber"))
        );
    }
    // Told of together: one answer for both, for they are of one type and bear the same.
    let together = operator.done(&format!("/api/v1/audience?{query}&grouped=true"), body.clone()).await;
    assert_eq!(together["objects"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&together["objects"][0]["count"], &together["objects"][0]["further"]),
        (&json!(2), &json!([id_of(&green)]))
    );
    // More different ones than are told of at once are refused, and so is a list that is too long.
    let statement = |n: usize| {
        let id = format!("marking-definition--00000000-0000-4000-8000-{n:012}");
        json!({ "type": "marking-definition", "spec_version": "2.1", "id": id, "created": V1,
            "definition_type": "statement", "definition": { "statement": format!("s{n}") } })
    };
    let of = |n: usize| {
        let mut object = indicator(V1);
        object["object_marking_refs"] = json!([statement(n)["id"]]);
        object
    };
    let many: Vec<Value> = (0..101).flat_map(|n| [statement(n), of(n)]).collect();
    let refused = operator.post("/api/v1/audience?grouped=true", json!(many)).await;
    assert_eq!(refused.status, 422, "{}", String::from_utf8_lossy(&refused.body));
    let most = operator.done("/api/v1/audience?grouped=true", json!(many[..200])).await;
    assert_eq!(most["objects"].as_array().unwrap().len(), 200);
    let refused = operator.post("/api/v1/audience", json!(many[..201])).await;
    assert_eq!(refused.status, 422);
    // What would be refused is told beside the rest.
    let broken = json!({ "type": "indicator", "id": "indicator--x" });
    let beside = operator.done("/api/v1/audience", json!([broken, bare])).await;
    assert_eq!(
        (beside["refused"][0]["index"].as_u64(), beside["objects"].as_array().unwrap().len()),
        (Some(0), 1)
    );
    // What is published is what was told.
    let taken = operator.done(&format!("/api/v1/objects?{query}"), body.clone()).await;
    assert_eq!(taken["accepted"], 2);
    for object in [&bare, &green] {
        let path = format!("/api/v1/objects/{}/audience", id_of(object));
        assert_eq!(operator.good(&path).await["readers"], told["objects"][0]["readers"]);
        assert!(!council.sees(&council.hub.token, object).await, "the coordinator is not in the group");
    }
    // A group that one is not in is none, whether it is there or not.
    let stranger = Signed::person(&council.hub, "coordinator", PersonRole::Administrator).await;
    let absent = uuid::Uuid::new_v4().to_string();
    for (query, because) in [
        (format!("group={}", group["id"].as_str().unwrap()), "is in no sharing group"),
        (format!("group={absent}"), "is in no sharing group"),
        ("group=x".to_owned(), "is in no sharing group"),
        ("tlp=white".to_owned(), "tlp"),
        ("pap=strict".to_owned(), "pap"),
        ("over=some".to_owned(), "over"),
        (format!("group={}", [absent.as_str(); 9].join(",")), "at most 8"),
    ] {
        for path in ["/api/v1/objects", "/api/v1/audience"] {
            let refused = stranger.post(&format!("{path}?{query}"), body.clone()).await;
            let told = String::from_utf8_lossy(&refused.body).into_owned();
            assert!(
                refused.status == 422 && told.contains(because),
                "{path} {query}: {} {told}",
                refused.status
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agreement_gives_stands_in_the_ledger_under_its_term() {
    let council = Council::start().await;
    let mut text = agreement("aurora-2026", &["coordinator", "aurora"]);
    // The second term is the one that gives indicators.
    let mut other = text["terms"][0].clone();
    other["classes"] = json!(["report"]);
    let terms = json!([other, text["terms"][0]]);
    text["terms"] = terms;
    council.agreed(&text).await;
    let (amber, clear) = (marked(indicator(V1), Tlp::Amber), marked(indicator(V1), Tlp::Clear));
    council.hub.post_as(&council.operator, &[amber.clone(), clear.clone()]).await;
    // A program and a person of the partner's, and a member.
    council.hub.get(&council.hub.within("objects/")).bearer(&council.partner).send().await;
    council.hub.get(&council.hub.within("objects/")).bearer(&council.hub.token).send().await;
    let person = Signed::person(&council.hub, "aurora", PersonRole::Analyst).await;
    person.good(&format!("/api/v1/objects/{}", id_of(&amber))).await;
    let owner = Signed::person(&council.hub, "operator-1", PersonRole::Analyst).await;
    let brief = async |object: &Value| {
        let rows = owner.good(&format!("/api/v1/objects/{}/releases", id_of(object))).await;
        let brief = |row: &Value| {
            let text = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {} {}", text("recipient"), text("door"), text("agreement"), row["term"])
        };
        rows["rows"].as_array().unwrap().iter().map(brief).collect::<Vec<_>>()
    };
    assert_eq!(
        brief(&amber).await,
        [
            "aurora object aurora-2026 2",
            "aurora taxii-objects aurora-2026 2",
            "coordinator taxii-objects - null"
        ]
    );
    assert_eq!(brief(&clear).await, ["aurora taxii-objects - null", "coordinator taxii-objects - null"]);
    let released = council.hub.audit(Action::ObjectsReleased).await;
    let under = released.iter().filter_map(|row| row.event.detail.get("agreement"));
    assert_eq!(under.collect::<Vec<_>>(), ["aurora-2026#2", "aurora-2026#2"], "and in the leaf");
}
