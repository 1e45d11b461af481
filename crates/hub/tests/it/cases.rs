//! People work cases.

use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::rest::{ids, named};
use crate::support::{TestHub, V1, id_of, indicator, marked};

async fn open(hub: &TestHub, token: &str, objects: &[&Value]) -> Value {
    let objects: Vec<&Value> = objects.iter().map(|object| &object["id"]).collect();
    let reply = hub
        .send_json(
            token,
            Method::POST,
            "/api/v1/cases",
            json!({ "title": "浄水場の異常", "severity": 2, "objects": objects }),
        )
        .await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

fn path(case: &Value) -> String {
    format!("/api/v1/cases/{}", case["summary"]["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_opened_changed_closed_and_reopened() {
    let hub = TestHub::start().await;
    let found = marked(indicator(V1), Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&found)).await;
    let case = open(&hub, &hub.token, &[&found]).await;
    assert_eq!(ids(&case["objects"]), [id_of(&found)]);
    assert_eq!(
        (&case["summary"]["marking"]["tlp"], &case["summary"]["revision"]),
        (&json!("amber"), &json!(1))
    );
    let path = path(&case);
    let change = async |body: Value| hub.send_json(&hub.token, Method::PATCH, &path, body).await;

    let changed = change(json!({ "revision": 1, "severity": 4, "title": "浄水場への侵入" })).await.json();
    assert_eq!(
        (&changed["summary"]["severity"], &changed["summary"]["title"]),
        (&json!(4), &json!("浄水場への侵入"))
    );
    let stale = change(json!({ "revision": 1, "severity": 5 })).await;
    assert_eq!((stale.status, stale.json()["code"].as_str()), (409, Some("conflict")));
    let revision = &changed["summary"]["revision"];
    assert_eq!(
        change(json!({ "revision": revision, "severity": 4 })).await.status,
        422,
        "nothing would change"
    );
    assert_eq!(change(json!({ "revision": revision, "severity": 9 })).await.status, 422);
    assert_eq!(
        change(json!({ "revision": revision, "state": "closed" })).await.status,
        422,
        "a reason is needed"
    );

    let note = |text: &str| json!({ "text": text });
    let entries = format!("{path}/entries");
    let noted = hub.send_json(&hub.token, Method::POST, &entries, note("現地に連絡した")).await.json();
    assert_eq!(noted["timeline"].as_array().unwrap().last().unwrap()["text"], "現地に連絡した");
    assert_eq!(hub.send_json(&hub.token, Method::POST, &entries, note("  ")).await.status, 422);

    let closed =
        change(json!({ "revision": noted["summary"]["revision"], "state": "closed", "reason": "誤検知" }))
            .await
            .json();
    assert_eq!(closed["summary"]["state"], "closed");
    assert_eq!(
        hub.send_json(&hub.token, Method::POST, &entries, note("more")).await.status,
        422,
        "it is closed"
    );
    let counts = async |state: &str| {
        let list = hub.good(&hub.token, &format!("/api/v1/cases?state={state}")).await;
        (list["cases"].as_array().unwrap().len(), list["open"].as_u64().unwrap())
    };
    assert_eq!((counts("open").await, counts("closed").await, counts("all").await), ((0, 0), (1, 0), (1, 0)));
    let again = change(json!({ "revision": closed["summary"]["revision"], "state": "open" })).await.json();
    let kinds: Vec<&str> =
        again["timeline"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["opened", "title", "severity", "note", "closed", "reopened"]);
    assert_eq!(hub.audit(Action::CaseOpened).await.len(), 1);
    assert_eq!(hub.audit(Action::CaseChanged).await.len(), 4);
    let incident =
        hub.good(&hub.token, &format!("/api/v1/objects/{}", case["summary"]["id"].as_str().unwrap())).await;
    assert_eq!(incident["versions"].as_array().unwrap().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_given_to_who_may_work_and_see_it() {
    let hub = TestHub::start().await;
    hub.organisation("police", OrganisationRole::Agency).await;
    hub.organisation("partner", OrganisationRole::Partner).await;
    let mut accounts = Vec::new();
    for (login, organisation, role) in
        [("good", "police", "analyst"), ("trainee", "police", "trainee"), ("abroad", "partner", "analyst")]
    {
        let new = json!({ "login": login, "name": login, "organisation": organisation, "roles": [role] });
        let added = hub.send_json(&hub.token, Method::POST, "/api/v1/people", new).await.json();
        accounts.push(added["person"]["id"].clone());
    }
    let case = open(&hub, &hub.token, &[]).await;
    let give = async |to: &Value, revision: i64| {
        hub.send_json(
            &hub.token,
            Method::PATCH,
            &path(&case),
            json!({ "revision": revision, "assignee": to }),
        )
        .await
    };
    for wrong in [&accounts[1], &accounts[2], &json!("nobody")] {
        assert_eq!(give(wrong, 1).await.status, 422, "{wrong}");
    }
    let given = give(&accounts[0], 1).await.json();
    assert_eq!(
        (&given["summary"]["assignee_name"], &given["timeline"][1]["text"]),
        (&json!("good"), &json!("good"))
    );
    assert_eq!(give(&json!(""), 2).await.json()["summary"]["assignee"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_as_strict_as_what_it_is_made_of() {
    let hub = TestHub::start().await;
    hub.organisation("police", OrganisationRole::Agency).await;
    hub.operator("kinki-power", "近畿電力", "power").await;
    let police = hub.token("police", &[PersonRole::Analyst]).await;
    let power = hub.token("kinki-power", &[PersonRole::Analyst]).await;
    let strict = named("campaign", "strict", Tlp::AmberStrict);
    hub.publish(&police, std::slice::from_ref(&strict)).await;
    let amber = open(&hub, &police, &[]).await;
    let closed = open(&hub, &police, &[&strict]).await;
    assert_eq!(closed["summary"]["marking"]["tlp"], "amber+strict");
    for (token, sees) in [(&police, 2), (&hub.token, 2), (&power, 1)] {
        let list = hub.good(token, "/api/v1/cases").await;
        assert_eq!(
            (list["cases"].as_array().unwrap().len(), list["open"].as_u64()),
            (sees, Some(sees as u64))
        );
    }
    hub.good(&power, &path(&amber)).await;
    for method in [Method::GET, Method::PATCH] {
        let reply =
            hub.send_json(&power, method, &path(&closed), json!({ "revision": 1, "severity": 5 })).await;
        assert_eq!(reply.status, 404);
    }
    let hidden = json!({ "title": "x", "severity": 1, "objects": [strict["id"]] });
    assert_eq!(
        hub.send_json(&power, Method::POST, "/api/v1/cases", hidden).await.status,
        404,
        "what one may not see is not there"
    );
}
