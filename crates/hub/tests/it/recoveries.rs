//! Who lost every means to sign in comes back by two administrators, and by no fewer.

use oversight::{Action, OrganisationRole, PersonRole, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use store::{Act, people};

use crate::authorisation::add_person;
use crate::rest::JSON;
use crate::signed::Signed;
use crate::support::TestHub;

const GOOD: &str = "correct horse battery staple";

/// Makes an account older than it is.
pub async fn age(hub: &TestHub, account: &str) {
    let account = account.to_owned();
    let changed = hub.running.store().write(move |tx| {
        let person = people::get(tx, &Realm::Live, &account)?.unwrap();
        // Nothing else changes when an account was made, so it is made anew under another name and id.
        let old = people::Person {
            id: format!("{account}-old"),
            login: format!("{}-old", person.login),
            created: tx.now() - jiff::SignedDuration::from_hours(48),
            ..person
        };
        people::add(tx, &Realm::Live, &old).map(Act::bookkeeping)
    });
    changed.await.unwrap();
}

/// An administrator of the coordinator whose account is two days old.
async fn administrator(hub: &TestHub) -> String {
    let account = add_person(hub, "coordinator", PersonRole::Administrator).await;
    age(hub, &account).await;
    format!("{account}-old")
}

async fn link(hub: &TestHub, sign_in: &Value) -> (u16, Value) {
    let (_, secret) = sign_in.as_str().unwrap().split_once("#link=").unwrap();
    let ask = hub.ask(Method::POST, "/api/v1/session/link").stranger().header("accept", JSON);
    let reply = ask.header("content-type", JSON).body(json!({ "link": secret }).to_string()).send().await;
    (reply.status, reply.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_recovered_by_two_administrators_of_whom_neither_is_the_person() {
    let hub = TestHub::start().await;
    hub.organisation("police", OrganisationRole::Agency).await;
    let (one, other) = (administrator(&hub).await, administrator(&hub).await);
    let (one, two) = (Signed::again(&hub, &one).await, Signed::again(&hub, &other).await);
    let person = add_person(&hub, "police", PersonRole::Analyst).await;
    let before = Signed::again(&hub, &person).await;
    let chosen = before.ask(Method::PUT, "/api/v1/me/password", Some(json!({ "password": GOOD }))).await;
    assert_eq!(chosen.status, 204);

    let ask = format!("/api/v1/people/{person}/recovery");
    assert_eq!(one.post(&ask, json!({ "reason": " " })).await.status, 422);
    let asked = one.done(&ask, json!({ "reason": "the phone was stolen" })).await;
    assert_eq!(asked["state"], "asked");
    assert_eq!(two.post(&ask, json!({ "reason": "again" })).await.status, 409, "one waits already");
    let told = before.good("/api/v1/notices").await;
    assert_eq!(told["notices"][0]["kind"], "recovery-asked", "the person's own organisation knows");
    let approve = format!("/api/v1/recoveries/{}/approve", asked["id"].as_str().unwrap());
    let alone = one.post(&approve, json!({})).await;
    assert!(
        alone.status == 422 && alone.json()["detail"].as_str().unwrap().contains("another administrator")
    );
    // An administrator who was just made is nobody's second.
    let young = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let young = young.post(&approve, json!({})).await;
    assert!(young.status == 422 && young.json()["detail"].as_str().unwrap().contains("younger"));
    // Nor is a program, nor an administrator who signed in an hour ago.
    assert_eq!(hub.send_json(&hub.token, Method::POST, &approve, json!({})).await.status, 403);
    let stale = Signed::long_ago(&hub).await;
    assert_eq!(stale.post(&approve, json!({})).await.json()["code"], "fresh-proof-needed");
    assert_eq!(
        before.good("/api/v1/session").await["person"]["id"],
        json!(person),
        "nothing has happened yet"
    );

    let approved = two.done(&approve, json!({})).await;
    assert_eq!(before.get("/api/v1/session").await.status, 401, "sessions have ended");
    let kept = person.clone();
    let kept = hub.running.store().read(move |reader| people::get(reader, &Realm::Live, &kept)).await;
    assert_eq!(kept.unwrap().unwrap().password_hash, None, "what was lost opens nothing");
    assert_eq!(two.post(&approve, json!({})).await.status, 404, "once");
    let (status, session) = link(&hub, &approved["sign_in"]).await;
    assert_eq!((status, &session["person"]["id"]), (200, &json!(person)));
    assert_eq!(session["credential_needed"], true);
    assert_eq!(link(&hub, &approved["sign_in"]).await.0, 401);
    let listed = one.good("/api/v1/recoveries").await;
    assert_eq!(listed["recoveries"][0]["state"], "used");
    let steps = hub.audit(Action::RecoveryChanged).await;
    let steps: Vec<String> = steps.iter().rev().map(|row| row.event.detail["step"].clone()).collect();
    assert_eq!(steps, ["asked", "approved", "used"], "a leaf for each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_is_refused_or_taken_back_and_nobody_asks_for_itself() {
    let hub = TestHub::start().await;
    hub.organisation("police", OrganisationRole::Agency).await;
    hub.organisation("commission", OrganisationRole::Oversight).await;
    let own = administrator(&hub).await;
    let administrator = Signed::again(&hub, &own).await;
    let itself =
        administrator.post(&format!("/api/v1/people/{own}/recovery"), json!({ "reason": "r" })).await;
    assert_eq!(itself.status, 422);
    let commissioner = add_person(&hub, "commission", PersonRole::Commissioner).await;
    for path in ["recovery", "sessions"] {
        let path = format!("/api/v1/people/{commissioner}/{path}");
        let method = if path.ends_with("recovery") { Method::POST } else { Method::DELETE };
        let reply = administrator.ask(method, &path, Some(json!({ "reason": "r" }))).await;
        assert_eq!(reply.status, 403, "who supervises does not depend on who is supervised: {path}");
    }
    let person = add_person(&hub, "police", PersonRole::Analyst).await;
    let ask = format!("/api/v1/people/{person}/recovery");
    let asked = administrator.done(&ask, json!({ "reason": "r" })).await;
    let id = asked["id"].as_str().unwrap();
    let refused = administrator.post(&format!("/api/v1/recoveries/{id}/refuse"), json!({})).await;
    assert_eq!(refused.status, 204);
    assert_eq!(administrator.good("/api/v1/recoveries").await["recoveries"][0]["state"], "refused");
    // Another one may be asked for then.
    assert_eq!(administrator.done(&ask, json!({ "reason": "r" })).await["state"], "asked");
}
