//! Clearances and oaths: two administrators enter them, who holds one reads what demands it, and at its end that is over at once.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use oversight::{Action, OrganisationRole, PersonRole, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;
use store::qualifications::{self, Held};
use store::{Act, sessions};

use crate::authorisation::{add_person, sign_in};
use crate::recoveries::age;
use crate::rest::JSON;
use crate::signed::Signed;
use crate::stream::Follow;
use crate::support::{TestHub, V1, id_of, indicator, marked};

/// What the built-in policies define.
const CLEARANCE: &str = "clearance:critical-economic-security";
/// Longer than a second, in which access has to be gone; machines that are tested on are busy.
const SOON: Duration = Duration::from_secs(3);

/// An administrator of an organisation whose account is two days old.
async fn administrator<'a>(hub: &'a TestHub, organisation: &str) -> Signed<'a> {
    let account = add_person(hub, organisation, PersonRole::Administrator).await;
    age(hub, &account).await;
    Signed::again(hub, &format!("{account}-old")).await
}

fn new() -> Value {
    json!({ "qualification": CLEARANCE, "since": "2026-01-01", "until": "2035-12-31", "evidence": "file 12" })
}

/// Long after every test.
pub fn far() -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(4 * 365 * 24)
}

/// Puts a confirmed clearance beside a person that holds until a time.
pub async fn hold(hub: &TestHub, person: &str, qualification: &str, until: Timestamp) -> String {
    enter(hub, person, qualification, until, false).await
}

/// The same, which waits for a confirmation.
pub async fn enter(
    hub: &TestHub,
    person: &str,
    qualification: &str,
    until: Timestamp,
    waits: bool,
) -> String {
    let (person, qualification) = (person.to_owned(), qualification.parse().unwrap());
    let done = hub.running.store().write(move |tx| {
        let held = Held {
            id: uuid::Uuid::new_v4().to_string(),
            person,
            qualification,
            since: tx.now() - SignedDuration::from_hours(1),
            until,
            evidence: "file 12".to_owned(),
            asked_by: "somebody".to_owned(),
            asked: tx.now(),
            expires: tx.now() + SignedDuration::from_hours(1),
            decided_by: None,
            decided: None,
            approved: None,
            ended_by: None,
            ended: None,
            reason: None,
        };
        qualifications::add(tx, &Realm::Live, &held)?;
        if !waits {
            qualifications::decide(tx, &Realm::Live, &held.id, "somebody-else", None)?;
        }
        Ok(Act::bookkeeping(held.id))
    });
    done.await.unwrap()
}

/// Publishes an indicator under TLP:GREEN that demands the clearance.
async fn publish(hub: &TestHub) -> String {
    let object = marked(indicator(V1), Tlp::Green);
    let body = json!([object]).to_string();
    let path = format!("/api/v1/objects?over=all&tlp=green&demand={CLEARANCE}");
    let reply =
        hub.rest(&hub.token, Method::POST, &path).header("content-type", JSON).body(body).send().await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    assert_eq!(reply.json()["refused"], json!([]));
    id_of(&object)
}

fn page(object: &str) -> String {
    format!("/api/v1/objects/{object}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clearance_takes_two_administrators_of_whom_neither_is_the_person() {
    let hub = TestHub::start().await;
    hub.organisation("police", OrganisationRole::Agency).await;
    hub.organisation("rail", OrganisationRole::Operator).await;
    let own = administrator(&hub, "police").await;
    let coordinator = administrator(&hub, "coordinator").await;
    let elsewhere = administrator(&hub, "rail").await;
    let account = add_person(&hub, "police", PersonRole::Analyst).await;
    let person = Signed::again(&hub, &account).await;
    let object = publish(&hub).await;
    let enter = format!("/api/v1/people/{account}/qualifications");

    assert_eq!(person.post(&enter, new()).await.status, 403, "nobody but administrators");
    assert_eq!(elsewhere.post(&enter, new()).await.status, 404, "of the own organisation");
    let wrong = json!({ "qualification": "clearance:none", "since": "2026-01-01", "until": "2035-12-31", "evidence": "e" });
    assert_eq!(own.post(&enter, wrong).await.status, 422);
    let entered = own.done(&enter, new()).await;
    assert_eq!(entered["state"], "asked");
    assert_eq!(own.post(&enter, new()).await.status, 409, "the same waits already");
    assert_eq!(person.get(&page(&object)).await.status, 404, "what is not confirmed opens nothing");

    let act = |what: &str| format!("/api/v1/qualifications/{}/{what}", entered["id"].as_str().unwrap());
    let alone = own.post(&act("confirm"), json!({})).await;
    assert!(
        alone.status == 422 && alone.json()["detail"].as_str().unwrap().contains("another administrator")
    );
    let young = Signed::person(&hub, "police", PersonRole::Administrator).await;
    let young = young.post(&act("confirm"), json!({})).await;
    assert!(young.status == 422 && young.json()["detail"].as_str().unwrap().contains("younger"));
    assert_eq!(elsewhere.post(&act("confirm"), json!({})).await.status, 404);
    assert_eq!(hub.send_json(&hub.token, Method::POST, &act("confirm"), json!({})).await.status, 403);
    let stale = Signed::long_ago(&hub).await;
    assert_eq!(stale.post(&act("confirm"), json!({})).await.json()["code"], "fresh-proof-needed");

    assert_eq!(coordinator.done(&act("confirm"), json!({})).await["state"], "valid");
    assert_eq!(person.get(&page(&object)).await.status, 200);
    assert_eq!(own.get(&page(&object)).await.status, 404, "an administrator is not cleared by being one");
    let seen = person.good(&enter).await;
    assert_eq!(seen["qualifications"][0]["qualification"], CLEARANCE, "the person knows what it holds");
    assert_eq!(elsewhere.get(&enter).await.status, 404);
    assert_eq!(elsewhere.good("/api/v1/qualifications").await["qualifications"], json!([]));

    assert_eq!(own.done(&act("end"), json!({ "reason": "left the unit" })).await["state"], "ended");
    assert_eq!(person.get(&page(&object)).await.status, 404, "at once");
    assert_eq!(own.post(&act("end"), json!({ "reason": "again" })).await.status, 404, "once");
    let steps = hub.audit(Action::QualificationChanged).await;
    let steps: Vec<String> = steps.iter().rev().map(|row| row.event.detail["step"].clone()).collect();
    assert_eq!(steps, ["asked", "confirmed", "ended"], "a leaf for each");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_enters_for_itself_and_who_supervises_needs_none() {
    let hub = TestHub::start().await;
    hub.organisation("commission", OrganisationRole::Oversight).await;
    let account = add_person(&hub, "coordinator", PersonRole::Administrator).await;
    let own = Signed::again(&hub, &account).await;
    let itself = own.post(&format!("/api/v1/people/{account}/qualifications"), new()).await;
    assert_eq!(itself.status, 422);
    let commissioner = add_person(&hub, "commission", PersonRole::Commissioner).await;
    let path = format!("/api/v1/people/{commissioner}/qualifications");
    assert_eq!(own.post(&path, new()).await.status, 422);
    let supervisor = Signed::person(&hub, "commission", PersonRole::Administrator).await;
    assert_eq!(supervisor.post(&path, new()).await.status, 403);
    let person = add_person(&hub, "coordinator", PersonRole::Analyst).await;
    let entered = own.done(&format!("/api/v1/people/{person}/qualifications"), new()).await;
    let refuse = format!("/api/v1/qualifications/{}/refuse", entered["id"].as_str().unwrap());
    assert_eq!(own.post(&refuse, json!({ "reason": "" })).await.status, 422);
    let refused = own.done(&refuse, json!({ "reason": "entered for the wrong person" })).await;
    assert_eq!(
        (refused["state"].as_str(), refused["reason"].as_str()),
        (Some("refused"), Some("entered for the wrong person"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_demands_a_clearance_is_for_persons_who_hold_it_and_for_nothing_else() {
    let hub = TestHub::start().await;
    let account = add_person(&hub, "coordinator", PersonRole::Analyst).await;
    let person = Signed::again(&hub, &account).await;
    let object = publish(&hub).await;
    let program = hub.rest(&hub.token, Method::GET, &page(&object)).send().await;
    assert_eq!(program.status, 404, "not even the program that brought it in");
    assert_eq!(person.get(&page(&object)).await.status, 404, "nor anybody at the originator");
    hold(&hub, &account, "clearance:specially-designated-secrets", far()).await;
    assert_eq!(person.get(&page(&object)).await.status, 404, "another clearance is not this one");
    hold(&hub, &account, CLEARANCE, far()).await;
    assert_eq!(person.get(&page(&object)).await.status, 200);
    let body = json!([marked(indicator(V1), Tlp::Green)]);
    let told = person.done(&format!("/api/v1/audience?over=all&demand={CLEARANCE}"), body).await;
    let told = &told["objects"][0];
    assert_eq!(told["demands"], json!([CLEARANCE]));
    assert_eq!(told["readers"][0]["kinds"], json!(["person"]), "of the organisation's, only persons");
    let unknown = person.post("/api/v1/audience?demand=oath:none", json!([indicator(V1)])).await;
    assert_eq!(unknown.status, 422);
}

/// The token of a session opens nothing at the stream's address, so it is asked with the cookie.
async fn follow(hub: &TestHub, account: &str) -> Follow {
    let (secret, _) = sign_in(hub, account).await;
    Follow::of_session(hub, &secret).await
}

#[tokio::test(flavor = "multi_thread")]
async fn at_its_end_access_is_gone_at_once_from_pages_and_open_streams() {
    let hub = TestHub::start().await;
    let account = add_person(&hub, "coordinator", PersonRole::Analyst).await;
    let person = Signed::again(&hub, &account).await;
    let before = publish(&hub).await;
    let until = Timestamp::now() + SignedDuration::from_secs(4);
    hold(&hub, &account, CLEARANCE, until).await;
    let mut stream = follow(&hub, &account).await;
    let while_it_holds = publish(&hub).await;
    assert_eq!(stream.next_object().await, while_it_holds);
    assert_eq!(person.get(&page(&before)).await.status, 200);

    let left = until.duration_since(Timestamp::now());
    tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    assert_eq!(person.get(&page(&before)).await.status, 404, "to the microsecond, for who asks");
    let begun = Instant::now();
    let hidden = publish(&hub).await;
    let open = marked(indicator("2024-05-01T00:00:00.000Z"), Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&open)).await;
    assert_eq!(stream.next_object().await, id_of(&open), "{hidden} came after the end");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(person.get(&page(&hidden)).await.status, 404);
    // Whose session ended is shown nothing more either way: the clearance's end alone did not sign anybody out.
    let signed_in = account.clone();
    let count =
        hub.running.store().read(move |reader| sessions::of_person(reader, &Realm::Live, &signed_in)).await;
    assert_eq!(count.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_near_is_told_to_those_who_can_renew_it() {
    let hub = TestHub::start().await;
    hub.organisation("police", OrganisationRole::Agency).await;
    let account = add_person(&hub, "police", PersonRole::Analyst).await;
    let soon = Timestamp::now() + SignedDuration::from_hours(5 * 24);
    let id = hold(&hub, &account, CLEARANCE, soon).await;
    let own = administrator(&hub, "police").await;
    let told = own.good("/api/v1/endings").await;
    assert_eq!(told["endings"].as_array().unwrap().len(), 1, "{told}");
    assert_eq!(
        (told["endings"][0]["kind"].as_str(), told["endings"][0]["id"].as_str()),
        (Some("qualification"), Some(id.as_str()))
    );
    let coordinator = administrator(&hub, "coordinator").await;
    let all = coordinator.good("/api/v1/endings").await;
    assert!(all["endings"].as_array().unwrap().iter().any(|one| one["id"] == id.as_str()), "{all}");
    let analyst = Signed::person(&hub, "police", PersonRole::Analyst).await;
    assert_eq!(analyst.get("/api/v1/endings").await.status, 403);
    let ready = hub.get("/readyz").stranger().send().await;
    let ready = String::from_utf8_lossy(&ready.body).into_owned();
    assert!(ready.contains("qualifications-end: 1 ") && !ready.contains("analyst"), "{ready}");
    // One that follows it without a gap takes the warning away.
    hold(&hub, &account, CLEARANCE, far()).await;
    assert_eq!(own.good("/api/v1/endings").await["endings"], json!([]));
}
