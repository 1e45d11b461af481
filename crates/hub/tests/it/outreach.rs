//! What is asked of people outside: written down, noted step by step, and for nobody's eyes but the organisation's.

use oversight::{Action, OrganisationRole, PersonRole};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::room_hubs::until;
use crate::signed::Signed;
use crate::support::TestHub;

fn notice(case: Option<&str>, tlp: &str) -> Value {
    json!({ "id": Uuid::new_v4(), "kind": "take-down", "recipient": "A provider", "way": "abuse@provider.example",
        "about": ["evil.example"], "text": "Please take it down.", "basis": "terms of use", "tlp": tlp, "case": case })
}

async fn council() -> TestHub {
    let hub = TestHub::start().await;
    for id in ["police", "ministry"] {
        hub.organisation(id, OrganisationRole::Agency).await;
    }
    hub
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_written_sent_chased_and_closed_and_each_step_is_in_the_log() {
    let hub = council().await;
    let officer = Signed::person(&hub, "police", PersonRole::DutyOfficer).await;
    let new = notice(None, "green");
    let written = officer.done("/api/v1/outreach", new.clone()).await;
    assert_eq!(officer.done("/api/v1/outreach", new).await["id"], written["id"], "sent twice it is one");
    assert_eq!((&written["state"], &written["may_become"]), (&json!("draft"), &json!(["sent", "withdrawn"])));
    let steps = format!("/api/v1/outreach/{}/steps", written["id"].as_str().unwrap());
    assert_eq!(officer.post(&steps, json!({ "state": "done" })).await.status, 422, "nobody was asked yet");
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    let sent = officer.done(&steps, json!({ "state": "sent", "due": soon.to_string() })).await;
    assert_eq!((&sent["state"], &sent["is_overdue"]), (&json!("sent"), &json!(false)));
    let told = async || {
        let notices = officer.good("/api/v1/notices").await.to_string();
        notices.contains("outreach-overdue")
    };
    until("who asked is told that nothing has come", told).await;
    let one = format!("/api/v1/outreach/{}", written["id"].as_str().unwrap());
    assert_eq!(officer.good(&one).await["is_overdue"], true);
    let late = json!({ "state": "sent", "due": "2020-01-01T00:00:00Z" });
    assert_eq!(officer.post(&steps, late).await.status, 422);
    officer.done(&steps, json!({ "state": "acknowledged", "words": "ticket 17" })).await;
    assert_eq!(officer.post(&steps, json!({ "state": "refused" })).await.status, 422, "why?");
    let closed = officer.done(&steps, json!({ "state": "done", "words": "it is gone" })).await;
    assert_eq!((&closed["due"], &closed["may_become"]), (&Value::Null, &json!([])));
    let states: Vec<&str> =
        closed["steps"].as_array().unwrap().iter().filter_map(|step| step["state"].as_str()).collect();
    assert_eq!(states, ["draft", "sent", "acknowledged", "done"]);
    assert_eq!(officer.post(&steps, json!({ "state": "sent" })).await.status, 422);
    assert_eq!(hub.audit(Action::OutreachChanged).await.len(), 4);

    // Nobody else is told of it, whatever its role; and nobody without the duty writes one.
    for (organisation, role) in
        [("ministry", PersonRole::Approver), ("coordinator", PersonRole::Administrator)]
    {
        let other = Signed::person(&hub, organisation, role).await;
        let list = other.get("/api/v1/outreach").await;
        assert!(list.status == 403 || list.json()["outreach"] == json!([]));
        assert!([403, 404].contains(&other.get(&one).await.status));
    }
    let analyst = Signed::person(&hub, "police", PersonRole::Analyst).await;
    assert_eq!(analyst.post("/api/v1/outreach", notice(None, "green")).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_a_case_of_others_is_marked_as_it_is() {
    let hub = council().await;
    let coordinator = Signed::person(&hub, "coordinator", PersonRole::DutyOfficer).await;
    let new = json!({ "title": "A campaign", "severity": 3, "objects": [] });
    let case = coordinator.done("/api/v1/cases", new).await;
    let case = case["summary"]["id"].as_str().unwrap().to_owned();
    let officer = Signed::person(&hub, "police", PersonRole::DutyOfficer).await;
    let status =
        async |tlp: &str, case: &str| officer.post("/api/v1/outreach", notice(Some(case), tlp)).await.status;
    assert_eq!(status("red", &case).await, 422);
    assert_eq!(status("clear", &case).await, 422, "the case is marked more strictly");
    assert_eq!(status("amber", "incident--8b3a1b0e-1f0e-4b6e-9d57-1c8f2f0f7d11").await, 422);
    let written = officer.done("/api/v1/outreach", notice(Some(&case), "amber")).await;
    let of_case = officer.good(&format!("/api/v1/outreach?case={case}")).await;
    assert_eq!(of_case["outreach"][0]["id"], written["id"]);
    assert_eq!(
        coordinator.done("/api/v1/outreach", notice(Some(&case), "clear")).await["state"],
        "draft",
        "one's own goes where one says"
    );
}
