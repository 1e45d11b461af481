//! Who sees what, and what is written down of it.

use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::Value;
use stix::marking::Tlp;

use crate::support::{TestHub, V1, V2, id_of, indicator, indicator_with, marked};

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_401_and_the_schemes() {
    let hub = TestHub::start().await;
    let edge = hub.edge("edge-1", "coordinator").await;
    for path in [
        "/taxii2/",
        "/council/",
        "/council/collections/",
        "/council/nowhere/",
        &hub.within("objects/"),
        "/metrics",
    ] {
        let attempts = [
            hub.get(path).stranger(),
            hub.get(path).bearer("yg_wrong"),
            hub.get(path).bearer(&edge),
            hub.get(path).header("authorization", "Basic !!"),
            hub.get(path).header("authorization", "Digest x"),
        ];
        for attempt in attempts {
            let reply = attempt.send().await;
            assert_eq!(reply.status, 401, "{path}");
            assert!(reply.header("www-authenticate").contains("Bearer"), "{path}");
        }
    }
    assert!(!hub.audit(Action::Refused).await.is_empty(), "refused sign-ins are written down");
}

#[tokio::test(flavor = "multi_thread")]
async fn basic_takes_the_token_as_password() {
    use base64::Engine;
    let hub = TestHub::start().await;
    let basic = |text: String| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    let good =
        hub.get("/taxii2/").header("authorization", &basic(format!("anyone:{}", hub.token))).send().await;
    assert_eq!(good.status, 200);
    let bad =
        hub.get("/taxii2/").header("authorization", &basic(format!("{}:wrong", hub.token))).send().await;
    assert_eq!(bad.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_purpose_is_refused_and_one_that_is_not_granted_too() {
    let hub = TestHub::start().await;
    hub.post(&[indicator(V1)]).await;
    let path = hub.within("objects/");
    assert_eq!(hub.get(&path).header("x-yagura-purpose", "curiosity").send().await.status, 400);
    assert_eq!(hub.get(&path).header("x-yagura-purpose", "oversight").send().await.status, 403);
    assert_eq!(hub.get(&path).header("x-yagura-purpose", "incident-response").send().await.status, 200);
}

/// One object of each marking, brought in by the coordinator, and who besides it sees which through every door of TAXII.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_may_not_see_is_not_there() {
    let hub = TestHub::start().await;
    let levels = Tlp::ALL.map(Some).into_iter().chain([None]);
    let objects: Vec<Value> = levels
        .map(|level| level.map_or_else(|| indicator(V1), |level| marked(indicator(V1), level)))
        .collect();
    hub.post(&objects).await;
    for (organisation, role, seen) in [
        ("operator-1", OrganisationRole::Operator, 3),
        ("agency-1", OrganisationRole::Agency, 3),
        ("partner-1", OrganisationRole::Partner, 2),
        ("academy-1", OrganisationRole::Academy, 2),
    ] {
        hub.organisation(organisation, role).await;
        let token = hub.token(organisation, &[PersonRole::Analyst]).await;
        check_reader(&hub, &token, &objects, seen).await;
    }
    hub.organisation("inspectors", OrganisationRole::Oversight).await;
    let token = hub.token("inspectors", &[PersonRole::Commissioner]).await;
    assert_eq!(hub.get(&hub.within("objects/")).bearer(&token).send().await.status, 404);
    assert_eq!(hub.get("/council/collections/").bearer(&token).send().await.body, b"{}");
}

/// The reader sees the first `seen` objects and nothing of the rest, in whatever way it asks.
async fn check_reader(hub: &TestHub, token: &str, objects: &[Value], seen: usize) {
    let expected: Vec<String> = objects.iter().take(seen).map(id_of).collect();
    let get = |path: &str| hub.get(&hub.within(path)).bearer(token).send();
    assert_eq!(get("objects/").await.ids(), expected);
    assert_eq!(get("objects/?match[version]=all").await.ids(), expected);
    let manifest = get("manifest/").await.json();
    assert_eq!(manifest["objects"].as_array().map(Vec::len), Some(seen));
    assert_eq!(manifest["more"], false, "nothing tells that there is more");
    let last = get(&format!("objects/?limit={seen}")).await;
    assert_eq!((last.ids().len(), &last.json()["more"]), (seen, &Value::Bool(false)));
    for (place, object) in objects.iter().enumerate() {
        let id = id_of(object);
        let status = if place < seen { 200 } else { 404 };
        for path in [
            format!("objects/{id}/"),
            format!("objects/{id}/versions/"),
            format!("objects/{id}/?match[version]=all"),
        ] {
            assert_eq!(get(&path).await.status, status, "{path}");
        }
        let filtered = get(&format!("objects/?match[id]={id}")).await;
        assert_eq!(filtered.ids().len(), usize::from(place < seen));
        let delete =
            hub.ask(Method::DELETE, &hub.within(&format!("objects/{id}/"))).bearer(token).send().await;
        assert_eq!(
            delete.status,
            if place < seen { 403 } else { 404 },
            "what one does not see is not there to be withdrawn"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trainee_reads_and_does_not_write() {
    let hub = TestHub::start().await;
    hub.organisation("operator-1", OrganisationRole::Operator).await;
    let token = hub.token("operator-1", &[PersonRole::Trainee]).await;
    assert_eq!(hub.post_raw("{}").bearer(&token).send().await.status, 403);
    assert_eq!(hub.get(&hub.within("objects/")).bearer(&token).send().await.status, 200);
    let collection = hub.get(&hub.within("")).bearer(&token).send().await.json();
    assert_eq!(
        (&collection["can_read"], &collection["can_write"]),
        (&Value::Bool(true), &Value::Bool(false))
    );
    let refused = hub.audit(Action::Refused).await;
    assert_eq!(refused[0].event.detail["code"], "not-allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organisation_cannot_version_or_withdraw() {
    let hub = TestHub::start().await;
    let object = marked(indicator(V1), Tlp::Green);
    hub.post(std::slice::from_ref(&object)).await;
    hub.organisation("operator-1", OrganisationRole::Operator).await;
    let token = hub.token("operator-1", &[PersonRole::DutyOfficer]).await;
    let newer = marked(indicator_with(&id_of(&object), V2), Tlp::Green);
    let status = hub.post_as(&token, &[newer]).await;
    assert!(status["failures"][0]["message"].as_str().unwrap().starts_with("not-creator"), "{status}");
    let path = hub.within(&format!("objects/{}/", id_of(&object)));
    assert_eq!(hub.ask(Method::DELETE, &path).bearer(&token).send().await.status, 403);
    assert_eq!(hub.get(&path).send().await.ids(), [id_of(&object)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_to_another_organisation_is_written_down_before() {
    let hub = TestHub::start().await;
    hub.post(&[marked(indicator(V1), Tlp::Green), indicator(V1), marked(indicator(V1), Tlp::Clear)]).await;
    hub.get(&hub.within("objects/")).send().await;
    assert!(
        hub.audit(Action::ObjectsReleased).await.is_empty(),
        "one's own objects are not disclosed to oneself"
    );
    hub.organisation("operator-1", OrganisationRole::Operator).await;
    let token = hub.token("operator-1", &[PersonRole::Analyst]).await;
    let page = hub
        .get(&hub.within("objects/"))
        .bearer(&token)
        .header("x-yagura-purpose", "own-defence")
        .send()
        .await;
    assert_eq!(page.ids().len(), 2);
    let released = hub.audit(Action::ObjectsReleased).await;
    let event = &released[0].event;
    assert_eq!(
        (event.detail["recipient"].as_str(), event.detail["door"].as_str()),
        ("operator-1", "taxii-objects")
    );
    assert_eq!(event.purpose, oversight::Purpose::OwnDefence);
    let added = hub.audit(Action::ObjectsAdded).await[0].event.objects[0].clone();
    let first: i64 = added.trim_start_matches('#').split_once('-').unwrap().0.parse().unwrap();
    assert_eq!(
        event.objects,
        [format!("#{first}-{first}"), format!("#{}-{}", first + 2, first + 2)],
        "of {added}"
    );
}

/// A marking definition that states terms in words, and an object under it.
fn under_statement() -> (Value, Value) {
    let id = format!("marking-definition--{}", uuid::Uuid::new_v4());
    let definition = serde_json::json!({
        "type": "marking-definition", "spec_version": "2.1", "id": id, "created": V1,
        "definition_type": "statement", "definition": { "statement": "for members" },
    });
    let mut object = indicator(V1);
    object["object_marking_refs"] = serde_json::json!([id]);
    (definition, object)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_may_come_after_what_it_marks() {
    let hub = TestHub::start().await;
    hub.organisation("operator-1", OrganisationRole::Operator).await;
    let operator = hub.token("operator-1", &[PersonRole::Analyst]).await;
    let (definition, object) = under_statement();
    hub.post(std::slice::from_ref(&object)).await;
    let seen = async || hub.get(&hub.within("objects/")).bearer(&operator).send().await.ids();
    assert!(seen().await.is_empty(), "a marking that nobody has defined denies");
    hub.post(&[definition.clone(), indicator(V1)]).await;
    assert_eq!(seen().await, [id_of(&object), id_of(&definition)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_loosens_what_another_one_has_marked() {
    let hub = TestHub::start().await;
    for (organisation, role) in
        [("agency-1", OrganisationRole::Agency), ("operator-1", OrganisationRole::Operator)]
    {
        hub.organisation(organisation, role).await;
    }
    let agency = hub.token("agency-1", &[PersonRole::Analyst]).await;
    let operator = hub.token("operator-1", &[PersonRole::Analyst]).await;
    let (definition, before) = under_statement();
    hub.post_as(&agency, std::slice::from_ref(&before)).await;
    // The operator says that the agency's marking is a statement.
    hub.post_as(&operator, std::slice::from_ref(&definition)).await;
    let mut after = indicator(V1);
    after["object_marking_refs"] = before["object_marking_refs"].clone();
    hub.post_as(&agency, std::slice::from_ref(&after)).await;
    let seen = hub.get(&hub.within("objects/")).bearer(&operator).send().await.ids();
    assert_eq!(seen, [id_of(&definition)]);
}
