//! Break-glass: what a duty officer opens in an emergency, what it never opens, who is told, and the review by another person.

use jiff::SignedDuration;
use oversight::{Action, OrganisationId, OrganisationRole, PersonRole, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;
use store::Act;
use store::emergencies::{self, Emergency};

use crate::authorisation::add_person;
use crate::finding::{header, receive};
use crate::rest::JSON;
use crate::signed::Signed;
use crate::stream::Follow;
use crate::support::{TestHub, V1, id_of, indicator, marked};

const EMERGENCIES: &str = "/api/v1/emergencies";
/// What the built-in policies define.
const CLEARANCE: &str = "clearance:critical-economic-security";

async fn council() -> TestHub {
    let hub = TestHub::start().await;
    hub.organisation("police", OrganisationRole::Agency).await;
    hub.organisation("rail", OrganisationRole::Operator).await;
    hub.organisation("commission", OrganisationRole::Oversight).await;
    hub
}

/// An indicator of the operator's under TLP:RED, which nobody else reads but persons of the coordinator.
async fn secret(hub: &TestHub, query: &str) -> String {
    let rail = hub.token("rail", &[PersonRole::Analyst]).await;
    let object = marked(indicator(V1), Tlp::Red);
    let path = format!("/api/v1/objects?over=all&tlp=red{query}");
    let body = json!([object]).to_string();
    let reply = hub.rest(&rail, Method::POST, &path).header("content-type", JSON).body(body).send().await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    assert_eq!(reply.json()["refused"], json!([]));
    id_of(&object)
}

fn page(object: &str) -> String {
    format!("/api/v1/objects/{object}")
}

fn of_rail() -> Value {
    json!({ "originator": "rail", "tlp": "red", "reason": "the interlocking is under attack", "minutes": 30 })
}

/// One of somebody's that was raised an hour ago for so many minutes.
pub async fn raised(hub: &TestHub, person: &str, organisation: &str, minutes: i64) -> String {
    let (person, organisation) = (person.to_owned(), OrganisationId::parse(organisation).unwrap());
    let done = hub.running.store().write(move |tx| {
        let raised = tx.now() - SignedDuration::from_mins(60);
        let emergency = Emergency {
            id: uuid::Uuid::new_v4().to_string(),
            person,
            organisation,
            scope: "class incident".to_owned(),
            reason: "r".to_owned(),
            raised,
            until: raised + SignedDuration::from_mins(minutes),
            ended_by: None,
            review_due: raised + SignedDuration::from_mins(minutes + 1),
            objects_read: 0,
            reviewed_by: None,
            reviewed: None,
            justified: None,
            finding: None,
        };
        emergencies::add(tx, &Realm::Live, &emergency)?;
        Ok(Act::bookkeeping(emergency.id))
    });
    done.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_opens_what_is_named_and_leaves_a_trace_of_each_object() {
    let hub = council().await;
    let (object, other) = (secret(&hub, "").await, secret(&hub, "").await);
    let officer = Signed::person(&hub, "police", PersonRole::DutyOfficer).await;
    let commissioner = Signed::person(&hub, "commission", PersonRole::Commissioner).await;
    let administrator = Signed::person(&hub, "police", PersonRole::Administrator).await;
    let originator = Signed::person(&hub, "rail", PersonRole::Administrator).await;
    let colleague = Signed::person(&hub, "police", PersonRole::DutyOfficer).await;
    assert_eq!(officer.get(&page(&object)).await.status, 404);

    let raised = officer.done(EMERGENCIES, of_rail()).await;
    assert_eq!((raised["state"].as_str(), raised["scope"].as_str()), (Some("on"), Some("level rail red")));
    assert_eq!(officer.get(&page(&object)).await.status, 200);
    assert_eq!(officer.get(&page(&other)).await.status, 200);
    assert_eq!(colleague.get(&page(&object)).await.status, 404, "it is one person's");
    assert_eq!(officer.post(EMERGENCIES, of_rail()).await.status, 409, "one thing at a time");
    for told in [&commissioner, &administrator, &originator] {
        let inbox = told.good("/api/v1/notices").await;
        assert_eq!(inbox["notices"][0]["kind"], "emergency-raised", "{inbox}");
    }
    let analyst = Signed::person(&hub, "police", PersonRole::Analyst).await;
    assert_eq!(analyst.good("/api/v1/notices").await["notices"], json!([]), "that is for who reviews");

    let id = raised["id"].as_str().unwrap();
    let given = hub.audit(Action::ObjectsReleased).await;
    let under: Vec<_> =
        given.iter().filter(|row| row.event.detail.get("emergency").is_some_and(|it| it == id)).collect();
    assert_eq!(under.len(), 2, "a leaf for each time that something was given under it");
    let listed = commissioner.good(EMERGENCIES).await;
    assert_eq!(listed["emergencies"][0]["objects_read"], 2);
    assert_eq!(listed["emergencies"][0]["own"], false);
    assert_eq!(
        colleague.good(EMERGENCIES).await["emergencies"],
        json!([]),
        "nor does a colleague know of it"
    );
    // It is for looking.
    let recall = json!({ "object": object, "reason": "r", "deadline_hours": 1 });
    assert!([403, 404].contains(&officer.post("/api/v1/recalls", recall).await.status));

    let ended = officer.done(&format!("{EMERGENCIES}/{id}/end"), json!({})).await;
    assert_eq!(ended["state"], "waits");
    assert_eq!(officer.get(&page(&object)).await.status, 404, "at once");
    assert_eq!(hub.audit(Action::EmergencyRaised).await.len(), 1);
    assert_eq!(hub.audit(Action::EmergencyEnded).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_never_opens_what_the_specification_keeps_closed() {
    let hub = council().await;
    let rail = hub.token("rail", &[PersonRole::Analyst]).await;
    let cleared = secret(&hub, &format!("&demand={CLEARANCE}")).await;
    let mut controlled = marked(indicator(V1), Tlp::Red);
    let control = "marking-definition--17f0bc7a-c87c-41d0-b7ed-faee5e4c4e9c";
    controlled["object_marking_refs"].as_array_mut().unwrap().push(json!(control));
    let mut strange = marked(indicator(V1), Tlp::Red);
    let unknown = format!("marking-definition--{}", uuid::Uuid::new_v4());
    strange["object_marking_refs"].as_array_mut().unwrap().push(json!(unknown));
    let unmarked = indicator(V1);
    let open = marked(indicator(V1), Tlp::Red);
    hub.publish(&rail, &[controlled.clone(), strange.clone(), unmarked.clone(), open.clone()]).await;

    let officer = Signed::person(&hub, "police", PersonRole::Approver).await;
    officer.done(EMERGENCIES, json!({ "class": "indicator", "reason": "r", "minutes": 10 })).await;
    assert_eq!(officer.get(&page(&id_of(&open))).await.status, 200, "else this test shows nothing");
    for (object, why) in [
        (cleared, "a clearance"),
        (id_of(&controlled), "its originator's control"),
        (id_of(&strange), "an unknown marking"),
        (id_of(&unmarked), "no marking"),
    ] {
        assert_eq!(officer.get(&page(&object)).await.status, 404, "{why}");
    }
    for path in ["/api/v1/audit", "/api/v1/policies", "/api/v1/people/x/qualifications"] {
        assert!([403, 404].contains(&officer.get(path).await.status), "{path} has a door of its own");
    }
    let session = officer.good("/api/v1/session").await;
    let may = session["may"].as_array().unwrap();
    assert!(!may.iter().any(|one| one == "inspect" || one == "decide-authorisation"), "{may:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_for_duty_officers_and_approvers_with_a_fresh_proof_and_for_minutes() {
    let hub = council().await;
    for (organisation, role, expected) in [
        ("police", PersonRole::Analyst, 403),
        ("police", PersonRole::Administrator, 403),
        ("commission", PersonRole::Commissioner, 403),
        ("coordinator", PersonRole::DutyOfficer, 200),
    ] {
        let person = Signed::person(&hub, organisation, role).await;
        assert_eq!(person.post(EMERGENCIES, of_rail()).await.status, expected, "{organisation} {role}");
    }
    let program = hub.token("police", &[PersonRole::DutyOfficer]).await;
    assert_eq!(hub.send_json(&program, Method::POST, EMERGENCIES, of_rail()).await.status, 403, "no program");
    let officer = Signed::person(&hub, "police", PersonRole::DutyOfficer).await;
    for wrong in [
        json!({ "originator": "rail", "tlp": "red", "reason": "r", "minutes": 241 }),
        json!({ "originator": "rail", "tlp": "red", "reason": "r", "minutes": 0 }),
        json!({ "originator": "rail", "tlp": "red", "reason": " ", "minutes": 10 }),
        json!({ "originator": "rail", "reason": "r", "minutes": 10 }),
        json!({ "class": "several", "reason": "r", "minutes": 10 }),
        json!({ "class": "incident", "object": "incident--0b7e3c1a-6f52-4d0b-9b43-3c1d2a5e7f88", "reason": "r", "minutes": 10 }),
        json!({ "reason": "r", "minutes": 10 }),
    ] {
        assert_eq!(officer.post(EMERGENCIES, wrong.clone()).await.status, 422, "{wrong}");
    }
    // What is named need not be there: nobody learns by this whether it is.
    let nothing =
        json!({ "object": format!("incident--{}", uuid::Uuid::new_v4()), "reason": "r", "minutes": 10 });
    assert_eq!(officer.done(EMERGENCIES, nothing).await["state"], "on");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_person_reviews_it_once_it_is_over() {
    let hub = council().await;
    let both = add_person(&hub, "police", PersonRole::DutyOfficer).await;
    let id = raised(&hub, &both, "police", 30).await;
    let review = format!("{EMERGENCIES}/{id}/review");
    let body = json!({ "justified": false, "finding": "a telephone call would have done" });
    let elsewhere = Signed::person(&hub, "rail", PersonRole::Administrator).await;
    assert_eq!(elsewhere.post(&review, body.clone()).await.status, 404);
    let officer = Signed::again(&hub, &both).await;
    assert_eq!(officer.post(&review, body.clone()).await.status, 403);
    let commissioner = Signed::person(&hub, "commission", PersonRole::Commissioner).await;
    let listed = commissioner.good(EMERGENCIES).await;
    assert_eq!(listed["emergencies"][0]["state"], "overdue", "what nobody reviewed in time is first");
    let ready = hub.get("/readyz").stranger().send().await;
    assert!(String::from_utf8_lossy(&ready.body).contains("emergency-reviews-overdue: 1 "));
    assert_eq!(commissioner.post(&review, json!({ "justified": true, "finding": "" })).await.status, 422);
    let reviewed = commissioner.done(&review, body.clone()).await;
    assert_eq!(reviewed["state"], "unjustified");
    assert_eq!(commissioner.post(&review, body).await.status, 404, "once");
    let leaves = hub.audit(Action::EmergencyReviewed).await;
    let leaf = &leaves[0].event.detail;
    assert_eq!((leaf["justified"].as_str(), leaf["emergency"].as_str()), ("false", id.as_str()));
    assert_eq!(
        officer.good(EMERGENCIES).await["emergencies"][0]["finding"],
        "a telephone call would have done"
    );

    // An administrator's own is for another one.
    let account = add_person(&hub, "police", PersonRole::Administrator).await;
    let own = raised(&hub, &account, "police", 30).await;
    let administrator = Signed::again(&hub, &account).await;
    let body = json!({ "justified": true, "finding": "f" });
    assert_eq!(administrator.post(&format!("{EMERGENCIES}/{own}/review"), body.clone()).await.status, 422);
    // And what is on still is ended first.
    let other = add_person(&hub, "police", PersonRole::DutyOfficer).await;
    let on = raised(&hub, &other, "police", 120).await;
    assert_eq!(administrator.post(&format!("{EMERGENCIES}/{on}/review"), body.clone()).await.status, 404);
    assert_eq!(administrator.done(&format!("{EMERGENCIES}/{on}/end"), json!({})).await["state"], "waits");
    assert_eq!(administrator.done(&format!("{EMERGENCIES}/{on}/review"), body).await["state"], "justified");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_follows_an_emergency_and_its_end() {
    let hub = council().await;
    let account = add_person(&hub, "police", PersonRole::DutyOfficer).await;
    let officer = Signed::again(&hub, &account).await;
    let (secret_of_stream, _) = crate::authorisation::sign_in(&hub, &account).await;
    let mut stream = Follow::of_session(&hub, &secret_of_stream).await;
    let raised = officer.done(EMERGENCIES, of_rail()).await;
    let during = secret(&hub, "").await;
    assert_eq!(stream.next_object().await, during);
    officer.done(&format!("{EMERGENCIES}/{}/end", raised["id"].as_str().unwrap()), json!({})).await;
    let hidden = secret(&hub, "").await;
    let open = marked(indicator(V1), Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&open)).await;
    assert_eq!(stream.next_object().await, id_of(&open), "{hidden} came after the end");
}

/// A program is told at once, signed, and again where it did not listen; it learns where to look and no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_at_once_and_learns_no_more_than_where_to_look() {
    use base64::Engine as _;
    use hmac::{Hmac, KeyInit, Mac};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let webhook = hub::SignedWebhook {
        address: format!("http://{}/hook", listener.local_addr().unwrap()),
        secret: vec![7; 32],
    };
    let secret_of_hook = webhook.secret.clone();
    let hub = TestHub::start_with(|config| {
        config.webhooks_to_private_addresses = true;
        config.emergency.webhook = Some(webhook);
    })
    .await;
    hub.organisation("police", OrganisationRole::Agency).await;
    hub.organisation("rail", OrganisationRole::Operator).await;
    let officer = Signed::person(&hub, "police", PersonRole::DutyOfficer).await;
    let received = tokio::task::spawn_blocking(move || {
        let refused = receive(&listener, "503 Service Unavailable");
        listener.set_nonblocking(true).unwrap();
        let at_once = listener.accept().is_ok();
        (refused, at_once)
    });
    let raised = officer.done(EMERGENCIES, of_rail()).await;
    let (request, at_once) = received.await.unwrap();
    assert!(!at_once, "what was refused is tried again later, and not in a loop");
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret_of_hook).unwrap();
    let (id, at) = (header(&request, "webhook-id"), header(&request, "webhook-timestamp"));
    assert_eq!(Some(id), raised["id"].as_str());
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(header(&request, "webhook-signature"), format!("v1,{signature}"));
    let told: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (told["type"].as_str(), told["data"]["organisation"].as_str()),
        (Some("emergency.raised"), Some("police"))
    );
    assert!(told["data"]["link"].as_str().unwrap().ends_with("/administration/emergencies"));
    assert!(!body.contains("interlocking") && !body.contains("rail"), "neither why nor what for: {body}");
    let waits = hub.running.store().read(|reader| {
        let due = emergencies::rings_due(reader, &Realm::Live, reader.now() - SignedDuration::from_hours(1))?;
        Ok(due.len())
    });
    assert_eq!(waits.await.unwrap(), 0, "it is put off for a while");
}

/// Whoever has the data folder in hand sees them and ends one.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_runs_the_node_lists_and_ends_them() {
    let hub = council().await;
    let person = add_person(&hub, "police", PersonRole::DutyOfficer).await;
    let id = raised(&hub, &person, "police", 120).await;
    let listed = hub::emergencies::all(hub.running.store()).await.unwrap();
    assert_eq!((listed.len(), listed[0].state.as_str(), listed[0].id.as_str()), (1, "on", id.as_str()));
    let by = || hub::administration::By::node(Realm::Live);
    hub::emergencies::end_by(hub.running.store(), by(), &id).await.unwrap();
    assert!(hub::emergencies::end_by(hub.running.store(), by(), &id).await.is_err(), "once");
    assert_eq!(hub::emergencies::all(hub.running.store()).await.unwrap()[0].state, "waits");
    assert_eq!(hub.audit(Action::EmergencyEnded).await.len(), 1);
}
