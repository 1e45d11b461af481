//! The release ledger through the hub's doors.

use oversight::{Action, OrganisationRole, PersonRole};
use serde_json::Value;
use stix::marking::Tlp;

use crate::signed::Signed;
use crate::support::{TestHub, V1, id_of, indicator, marked};

async fn rows(hub: &TestHub, token: &str, path: &str) -> Vec<Value> {
    let reply = hub.get(path).bearer(token).header("accept", "*/*").send().await;
    assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
    reply.json()["rows"].as_array().unwrap().clone()
}

fn brief(row: &Value) -> String {
    let text = |name: &str| row[name].as_str().unwrap().to_owned();
    format!("{} {} ×{}", text("recipient"), text("door"), row["times"])
}

#[tokio::test(flavor = "multi_thread")]
async fn every_delivery_to_another_organisation_is_a_row_with_its_leaf() {
    let hub = TestHub::start().await;
    for (name, role) in [("agency-1", OrganisationRole::Agency), ("operator-1", OrganisationRole::Operator)] {
        hub.organisation(name, role).await;
    }
    let agency = hub.token("agency-1", &[PersonRole::Analyst]).await;
    let operator = hub.token("operator-1", &[PersonRole::Analyst]).await;
    let object = marked(indicator(V1), Tlp::Green);
    hub.post_as(&agency, std::slice::from_ref(&object)).await;
    let path = format!("/api/v1/objects/{}/releases", id_of(&object));
    assert!(rows(&hub, &agency, &path).await.is_empty(), "nobody was given it yet");
    for _ in 0..2 {
        hub.get(&hub.within("objects/")).bearer(&operator).send().await;
    }
    hub.get(&hub.within("objects/")).bearer(&agency).send().await;
    let given = rows(&hub, &agency, &path).await;
    assert_eq!(given.iter().map(brief).collect::<Vec<_>>(), ["operator-1 taxii-objects ×2"]);
    let leaves: Vec<u64> = hub.audit(Action::ObjectsReleased).await.iter().map(|row| row.leaf).collect();
    assert_eq!(
        (given[0]["last_leaf"].as_u64(), given[0]["first_leaf"].as_u64()),
        (leaves.first().copied(), leaves.last().copied())
    );
    // The coordinator sees the same, by organisation and by version.
    let sequence = given[0]["first_sequence"].as_i64().unwrap();
    for path in [
        "/api/v1/releases?organisation=operator-1".to_owned(),
        format!("/api/v1/releases?sequence={sequence}"),
        path.clone(),
    ] {
        let rows = rows(&hub, &hub.token, &path).await;
        assert!(rows.iter().any(|row| brief(row) == "operator-1 taxii-objects ×2"), "{path}: {rows:?}");
        assert_eq!(rows[0]["objects"][0]["id"].as_str().unwrap(), id_of(&object));
    }
    // What one was given oneself is no secret; what others were given is.
    assert_eq!(rows(&hub, &operator, "/api/v1/releases?organisation=operator-1").await.len(), 1);
    for (path, status) in [
        ("/api/v1/releases?organisation=agency-1".to_owned(), 403),
        (format!("/api/v1/releases?sequence={sequence}"), 403),
        ("/api/v1/releases".to_owned(), 400),
        ("/api/v1/releases?organisation=operator-1&after=x".to_owned(), 400),
        (path, 403),
        (format!("/api/v1/objects/indicator--{}/releases", uuid::Uuid::new_v4()), 404),
    ] {
        assert_eq!(
            hub.get(&path).bearer(&operator).header("accept", "*/*").send().await.status,
            status,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commissioner_sees_that_something_was_given_and_not_what() {
    let hub = TestHub::start().await;
    hub.organisation("operator-1", OrganisationRole::Operator).await;
    hub.organisation("inspectors", OrganisationRole::Oversight).await;
    let operator = hub.token("operator-1", &[PersonRole::Analyst]).await;
    hub.post(&[marked(indicator(V1), Tlp::Green)]).await;
    hub.get(&hub.within("objects/")).bearer(&operator).send().await;
    let commissioner = Signed::person(&hub, "inspectors", PersonRole::Commissioner).await;
    let list = commissioner.good("/api/v1/releases?organisation=operator-1").await;
    let rows = list["rows"].as_array().unwrap().clone();
    assert_eq!(rows.iter().map(brief).collect::<Vec<_>>(), ["operator-1 taxii-objects ×1"]);
    assert_eq!(rows[0]["objects"].as_array().unwrap().len(), 0);
}

/// A thousand streams are given the same object: each has its row and its leaf, and they share a few transactions.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_deliveries_share_their_transactions() {
    let hub = TestHub::start().await;
    hub.organisation("operator-1", OrganisationRole::Operator).await;
    let operator = hub.token("operator-1", &[PersonRole::Analyst]).await;
    let object = marked(indicator(V1), Tlp::Green);
    hub.post(std::slice::from_ref(&object)).await;
    let path = hub.within(&format!("objects/{}/", id_of(&object)));
    hub.get(&path).bearer(&operator).send().await;
    let asks = (0..200).map(|_| hub.get(&path).bearer(&operator).send());
    let replies = futures::future::join_all(asks).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    let given = rows(&hub, &operator, "/api/v1/releases?organisation=operator-1").await;
    assert_eq!(given.iter().filter(|row| row["times"] == 201).count(), 1, "{given:?}");
    assert_eq!(hub.audit(Action::ObjectsReleased).await.len(), 202, "and the list above was one more");
}
