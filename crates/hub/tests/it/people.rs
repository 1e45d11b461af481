//! Organisations, people and tokens are added by administrators of the coordinator, and by nobody else.

use hub::administration::{self, By};
use oversight::{Action, Actor, PersonRole, Realm};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rest::JSON;
use crate::support::TestHub;

async fn add_person(hub: &TestHub, body: Value) -> (u16, Value) {
    let reply = hub.send_json(&hub.token, Method::POST, "/api/v1/people", body).await;
    (reply.status, reply.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_added_and_signs_in_by_the_link() {
    let hub = TestHub::start().await;
    hub.operator("kinki-power", "近畿電力", "power").await;
    let new =
        json!({ "login": "sato", "name": "佐藤", "organisation": "kinki-power", "roles": ["duty_officer"] });
    let (status, added) = add_person(&hub, new.clone()).await;
    assert_eq!((status, &added["person"]["name"]), (200, &json!("佐藤")));
    let (_, secret) = added["sign_in"].as_str().unwrap().split_once("#link=").unwrap();
    let session = hub.ask(Method::POST, "/api/v1/session/link").stranger().header("content-type", JSON);
    let session = session.body(json!({ "link": secret }).to_string()).send().await;
    assert_eq!((session.status, &session.json()["organisation"]["name_ja"]), (200, &json!("近畿電力")));
    assert_eq!(add_person(&hub, new).await.0, 409, "the name is taken");
    assert_eq!(hub.audit(Action::PersonChanged).await.len(), 2, "the first start's and this one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_rule_is_refused_with_the_rule() {
    let hub = TestHub::start().await;
    let person = |change: Value| {
        let mut body =
            json!({ "login": "sato", "name": "佐藤", "organisation": "coordinator", "roles": ["analyst"] });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        body
    };
    for (change, status, word) in [
        (json!({ "login": "Sato Taro" }), 422, "login"),
        (json!({ "name": "" }), 422, "name"),
        (json!({ "roles": [] }), 422, "roles"),
        (json!({ "roles": ["king"] }), 422, "roles"),
        (json!({ "roles": ["commissioner"] }), 422, "commissioner"),
        (json!({ "organisation": "absent" }), 404, ""),
        (json!({ "rank": 1 }), 400, "rank"),
    ] {
        let (found, problem) = add_person(&hub, person(change.clone())).await;
        assert_eq!(found, status, "{change}");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_until_it_is_revoked() {
    let hub = TestHub::start().await;
    let new = json!({ "organisation": "coordinator", "roles": ["analyst"], "name": "feed" });
    let issued = hub.send_json(&hub.token, Method::POST, "/api/v1/tokens", new).await.json();
    let token = issued["token"].as_str().unwrap();
    assert!(token.starts_with("yg_"));
    hub.good(token, "/api/v1/board").await;
    let listed = hub.good(&hub.token, "/api/v1/tokens").await;
    let row = listed.as_array().unwrap().iter().find(|row| row["name"] == "feed").unwrap().clone();
    assert!(row["last_used"].is_string());
    assert!(!listed.to_string().contains(token.trim_start_matches("yg_")), "no secret in a list");
    let path = format!("/api/v1/tokens/{}", row["id"].as_str().unwrap());
    assert_eq!(hub.rest(&hub.token, Method::DELETE, &path).send().await.status, 204);
    assert_eq!(hub.rest(token, Method::GET, "/api/v1/board").send().await.status, 401);
    assert_eq!(hub.rest(&hub.token, Method::DELETE, &path).send().await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_goes_through_the_doors_that_it_was_issued_for() {
    let hub = TestHub::start().await;
    let paths = [
        ("taxii", "/taxii2/"),
        ("taxii", "/council/"),
        ("rest", "/api/v1/board"),
        ("stream", "/api/v1/stream"),
        ("misp", "/servers/getVersion"),
        ("edges", "/api/v1/edges"),
    ];
    for door in ["taxii", "rest", "stream", "misp", "edges"] {
        let new = json!({ "organisation": "coordinator", "roles": ["analyst"], "doors": [door] });
        let issued = hub.send_json(&hub.token, Method::POST, "/api/v1/tokens", new).await.json();
        assert_eq!(issued["info"]["doors"], json!([door]));
        let token = issued["token"].as_str().unwrap();
        for (behind, path) in paths {
            let status = hub.ask(Method::GET, path).bearer(token).header("accept", "*/*").status().await;
            // Reading about edges is a part of the REST interface, and not the other way round.
            let is_open = behind == door || (behind, door) == ("edges", "rest");
            assert_eq!(status, if is_open { 200 } else { 403 }, "{door} at {path}");
        }
        if door == "edges" {
            let new = json!({ "id": "e", "organisation": "coordinator", "name": "e" });
            let refused = hub.send_json(token, Method::POST, "/api/v1/edges", new).await;
            assert_eq!(refused.status, 403, "it reads, and registers none");
        }
        let id = issued["info"]["id"].as_str().unwrap();
        let refused = hub.audit(Action::Refused).await;
        let named = |row: &&store::audit::AuditRow| matches!(&row.event.actor, Actor::Program { id: program, .. } if program == id);
        assert!(refused.iter().filter(named).count() >= 3, "the token that was misused is named");
    }
    let wrong = json!({ "organisation": "coordinator", "roles": ["analyst"], "doors": ["window"] });
    assert_eq!(hub.send_json(&hub.token, Method::POST, "/api/v1/tokens", wrong).await.status, 422);
    // A hub without TLS sees no certificates, so it binds no token to one.
    let bound =
        json!({ "organisation": "coordinator", "roles": ["analyst"], "certificate": "00".repeat(32) });
    assert_eq!(hub.send_json(&hub.token, Method::POST, "/api/v1/tokens", bound).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn others_see_their_own_people_only() {
    let hub = TestHub::start().await;
    hub.operator("kinki-power", "近畿電力", "power").await;
    let own = hub.token("kinki-power", &[PersonRole::Administrator]).await;
    assert_eq!(hub.good(&own, "/api/v1/people").await, json!([]));
    assert_eq!(hub.good(&hub.token, "/api/v1/people").await[0]["login"], "administrator");
    let new = json!({ "login": "sato", "name": "佐藤", "organisation": "kinki-power", "roles": ["analyst"] });
    assert_eq!(hub.send_json(&own, Method::POST, "/api/v1/people", new).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_works_over_the_data_folder() {
    let hub = TestHub::start().await;
    let by = || By::node(Realm::Live);
    let store = hub.running.store();
    let organisation = api::NewOrganisation {
        id: "police".to_owned(),
        name_ja: "警察庁".to_owned(),
        name_en: "Police".to_owned(),
        role: "agency".to_owned(),
        sectors: Vec::new(),
        prefecture: Some(13),
    };
    administration::add_organisation(store, by(), &organisation).await.unwrap();
    let person = api::NewPerson {
        login: "suzuki".to_owned(),
        name: "鈴木".to_owned(),
        organisation: "police".to_owned(),
        roles: vec!["analyst".to_owned()],
    };
    let (suzuki, _) = administration::add_person(store, by(), &person).await.unwrap();
    administration::new_link(store, by(), "suzuki").await.unwrap();
    administration::set_disabled(store, by(), &suzuki.login, true).await.unwrap();
    assert!(administration::new_link(store, by(), "absent").await.is_err());
    let edge =
        api::NewEdge { id: "police-1".to_owned(), organisation: "police".to_owned(), name: "x".to_owned() };
    let (_, token) = administration::add_edge(store, by(), &edge).await.unwrap();
    assert!(hub.intelligence(&token, 0).await.reset);
}
