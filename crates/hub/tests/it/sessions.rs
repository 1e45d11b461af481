//! Where somebody is signed in: seen and ended by its person, and by administrators.

use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};

use crate::authorisation::add_person;
use crate::rest::JSON;
use crate::signed::Signed;
use crate::support::TestHub;

async fn end(who: &Signed<'_>, path: &str) -> u16 {
    who.ask(Method::DELETE, path, None).await.status
}

async fn is_in(who: &Signed<'_>) -> bool {
    who.get("/api/v1/session").await.status == 200
}

fn id(sessions: &Value, current: bool) -> String {
    let found = sessions.as_array().unwrap().iter().find(|one| one["current"] == current).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_and_end_their_own_sessions() {
    let hub = TestHub::start().await;
    hub.organisation("police", OrganisationRole::Agency).await;
    let person = add_person(&hub, "police", PersonRole::Analyst).await;
    let (one, two) = (Signed::again(&hub, &person).await, Signed::again(&hub, &person).await);
    let sessions = one.good("/api/v1/me/sessions").await;
    assert_eq!(sessions.as_array().unwrap().len(), 2);
    let (own, other) = (id(&sessions, true), id(&sessions, false));
    let stranger = Signed::person(&hub, "police", PersonRole::Analyst).await;
    assert_eq!(end(&stranger, &format!("/api/v1/me/sessions/{own}")).await, 404, "another's");
    let path = format!("/api/v1/me/sessions/{other}");
    assert_eq!((end(&one, &path).await, end(&one, &path).await), (204, 404));
    assert!(is_in(&one).await && !is_in(&two).await);
    let (three, four) = (Signed::again(&hub, &person).await, Signed::again(&hub, &person).await);
    assert_eq!(end(&one, "/api/v1/me/sessions").await, 204);
    assert!(is_in(&one).await && !is_in(&three).await && !is_in(&four).await);
    assert!(is_in(&stranger).await);
    let ended: Vec<String> = hub
        .audit(Action::SignedOut)
        .await
        .iter()
        .map(|row| row.event.detail["sessions_ended"].clone())
        .collect();
    assert_eq!(ended, ["2", "1"]);
    // A program has none.
    assert_eq!(hub.rest(&hub.token, Method::GET, "/api/v1/me/sessions").send().await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_see_and_end_those_of_people() {
    let hub = TestHub::start().await;
    hub.organisation("police", OrganisationRole::Agency).await;
    let person = add_person(&hub, "police", PersonRole::Analyst).await;
    let (one, two) = (Signed::again(&hub, &person).await, Signed::again(&hub, &person).await);
    let administrator = Signed::person(&hub, "coordinator", PersonRole::Administrator).await;
    let path = format!("/api/v1/people/{person}/sessions");
    for (method, path) in [(Method::GET, path.clone()), (Method::DELETE, path.clone())] {
        assert_eq!(one.ask(method, &path, None).await.status, 403, "nobody else");
    }
    let own = id(&one.good("/api/v1/me/sessions").await, true);
    let seen = administrator.good(&path).await;
    assert!(seen.as_array().unwrap().iter().all(|one| one["current"] == false), "{seen}");
    assert_eq!(end(&administrator, &format!("{path}/{own}")).await, 204);
    assert!(!is_in(&one).await && is_in(&two).await);
    assert_eq!(end(&administrator, &path).await, 204);
    assert!(!is_in(&two).await);
    assert_eq!(end(&administrator, "/api/v1/people/nobody/sessions").await, 404);
    // Accounts are disabled, but nobody's own.
    let change = json!({ "disabled": true });
    let again = Signed::again(&hub, &person).await;
    let disabled =
        administrator.ask(Method::PATCH, &format!("/api/v1/people/{person}"), Some(change.clone())).await;
    assert_eq!(disabled.json()["disabled"], true);
    assert!(!is_in(&again).await);
    let own = administrator.good("/api/v1/session").await["person"]["id"].as_str().unwrap().to_owned();
    let own = administrator.ask(Method::PATCH, &format!("/api/v1/people/{own}"), Some(change)).await;
    assert_eq!(own.status, 422);
    assert!(is_in(&administrator).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_says_how_and_from_where_it_began() {
    let hub = TestHub::start().await;
    let link = hub.running.first_start.as_ref().unwrap().sign_in.split_once("#link=").unwrap().1.to_owned();
    let ask = hub.ask(Method::POST, "/api/v1/session/link").stranger().header("accept", JSON);
    let ask =
        ask.header("content-type", JSON).header("user-agent", &format!("a browser {}", "x".repeat(500)));
    let reply = ask.body(json!({ "link": link }).to_string()).send().await;
    let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
    let listed = hub.get("/api/v1/me/sessions").stranger().header("accept", JSON).header("cookie", &cookie);
    let listed = listed.send().await.json();
    assert_eq!((&listed[0]["means"], &listed[0]["address"]), (&json!("link"), &json!("127.0.0.1")));
    let agent = listed[0]["agent"].as_str().unwrap();
    assert!(agent.starts_with("a browser x") && agent.len() == 200, "{agent}");
    assert!(
        !cookie.contains(listed[0]["id"].as_str().unwrap()),
        "what it is called by is not what it is opened by"
    );
}
