//! Every door, every kind of principal: what one may not see is not there, whichever way one looks.

use std::collections::{BTreeMap, BTreeSet};

use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::rest::{ids, named, relationship};
use crate::support::{TestHub, V1, id_of, indicator, marked};

/// Who may read a level that an agency has given, by `policies/release.cedar`; the originator itself aside.
fn may_read(role: OrganisationRole, level: Tlp) -> bool {
    use OrganisationRole::{Academy, Agency, Coordinator, Operator, Oversight, Partner};
    match (role, level) {
        (Oversight, _) | (_, Tlp::Red) => false,
        (_, Tlp::Clear) => true,
        (Coordinator | Agency | Operator | Partner | Academy, Tlp::Green) => true,
        (Coordinator | Agency | Operator, Tlp::Amber) => true,
        (Coordinator, Tlp::AmberStrict) => true,
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marking_holds_at_every_door() {
    let hub = TestHub::start().await;
    let council = hub.council().await;
    hub.organisation("ministry", OrganisationRole::Agency).await;
    let ministry = hub.token("ministry", &[PersonRole::Analyst]).await;
    let hub_node = named("malware", "中心", Tlp::Clear);
    hub.publish(&ministry, std::slice::from_ref(&hub_node)).await;
    let mut objects = BTreeMap::new();
    for level in Tlp::ALL {
        let mut object = marked(indicator(V1), level);
        object["name"] = json!(format!("目印 {}", level.name()));
        object["pattern"] = json!("[domain-name:value = 'door.example.com']");
        let link = relationship(&object, "indicates", &hub_node, level);
        hub.publish(&ministry, &[object.clone(), link]).await;
        objects.insert(id_of(&object), level);
    }
    for (role, token) in &council {
        if *role == OrganisationRole::Oversight {
            continue;
        }
        let expected: BTreeSet<String> =
            objects.iter().filter(|(_, level)| may_read(*role, **level)).map(|(id, _)| id.clone()).collect();
        check_doors(&hub, token, *role, &hub_node, &objects, &expected).await;
    }
    // What was shown to others is on record, with recipient and door.
    let released = hub.audit(Action::ObjectsReleased).await;
    for door in ["object", "search", "values", "references"] {
        assert!(
            released
                .iter()
                .any(|row| row.event.detail["door"] == door && row.event.detail["recipient"] == "partner"),
            "{door}"
        );
    }
}

async fn check_doors(
    hub: &TestHub,
    token: &str,
    role: OrganisationRole,
    hub_node: &Value,
    objects: &BTreeMap<String, Tlp>,
    expected: &BTreeSet<String>,
) {
    let set = |list: &Value| ids(list).into_iter().collect::<BTreeSet<_>>();
    let listed = hub.good(token, "/api/v1/objects?type=indicator").await;
    assert_eq!(set(&listed["objects"]), *expected, "{role}: list");
    assert_eq!(listed["count"], expected.len(), "{role}: count");
    for query in ["%E7%9B%AE%E5%8D%B0", "door.example.com"] {
        let found = hub.good(token, &format!("/api/v1/objects?query={query}&type=indicator")).await;
        assert_eq!(
            (set(&found["objects"]), found["count"].as_u64()),
            (expected.clone(), Some(expected.len() as u64)),
            "{role}: {query}"
        );
    }
    let hits = hub.good(token, "/api/v1/values?value=door.example.com").await;
    assert_eq!(hits.as_array().unwrap().is_empty(), expected.is_empty());
    if let Some(hit) = hits.get(0) {
        assert_eq!(set(&hit["objects"]), *expected, "{role}: values");
    }
    let references = hub.good(token, &format!("/api/v1/objects/{}/references", id_of(hub_node))).await;
    let far: BTreeSet<String> = references["referred_by"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["far"]["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(far, *expected, "{role}: references");
    assert_eq!(hub.good(token, "/api/v1/board").await["indicators"], expected.len(), "{role}: board");
    let taxii = hub.get(&hub.within("objects/?match%5Btype%5D=indicator")).bearer(token).send().await;
    assert_eq!(taxii.ids().into_iter().collect::<BTreeSet<_>>(), *expected, "{role}: TAXII");
    let absent = format!("indicator--{}", uuid::Uuid::new_v4());
    let nothing = hub.rest(token, Method::GET, &format!("/api/v1/objects/{absent}")).send().await.json();
    for id in objects.keys() {
        for rest in ["", "/references"] {
            let reply = hub.rest(token, Method::GET, &format!("/api/v1/objects/{id}{rest}")).send().await;
            assert_eq!(reply.status, if expected.contains(id) { 200 } else { 404 }, "{role}: {id}{rest}");
            if reply.status == 404 {
                let problem = reply.json();
                assert_eq!(
                    (&problem["detail"], &problem["code"]),
                    (&nothing["detail"], &nothing["code"]),
                    "hidden and absent look alike"
                );
            }
        }
        if !expected.contains(id) {
            let gone = hub.rest(token, Method::DELETE, &format!("/api/v1/objects/{id}")).send().await;
            assert!(matches!(gone.status, 403 | 404), "{role}: {}", gone.status);
        }
    }
}

/// Whether some release by a door to an organisation names a sequence.
async fn is_on_record(hub: &TestHub, door: &str, recipient: &str, sequence: i64) -> bool {
    let names = |range: &String| {
        let bounds = range.trim_start_matches('#').split_once('-').unwrap();
        (bounds.0.parse::<i64>().unwrap()..=bounds.1.parse().unwrap()).contains(&sequence)
    };
    hub.audit(Action::ObjectsReleased).await.iter().any(|row| {
        row.event.detail["door"] == door
            && row.event.detail["recipient"] == recipient
            && row.event.objects.iter().any(names)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_beside_another_is_on_record() {
    let hub = TestHub::start().await;
    hub.operator("rail", "鉄道", "railways").await;
    let (edge, member) =
        (hub.register_edge("rail-1", "rail").await, hub.token("rail", &[PersonRole::Analyst]).await);
    let mut named = marked(indicator(V1), Tlp::Green);
    named["name"] = json!("赤い霧の目印");
    let sequence = hub.publish(&hub.token, std::slice::from_ref(&named)).await["sequence"].as_i64().unwrap();
    hub.report(&edge, &[crate::rest::sighting(&id_of(&named))]).await;
    // The member follows from after the indicator on: what is told of it is its name beside the sighting.
    let mut stream = hub
        .get("/api/v1/stream")
        .bearer(&member)
        .header("last-event-id", &sequence.to_string())
        .response()
        .await;
    let mut told = String::new();
    while !told.contains("event: sighting") || !told.ends_with("\n\n") {
        told.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    assert!(told.contains("赤い霧の目印"), "{told}");
    assert!(is_on_record(&hub, "stream", "rail", sequence).await);
    for (path, door) in [("/api/v1/board", "board"), ("/api/v1/edges", "edges")] {
        assert!(hub.good(&member, path).await.to_string().contains("赤い霧の目印"), "{path}");
        assert!(is_on_record(&hub, door, "rail", sequence).await, "{door}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terms_of_a_marking_are_on_record_as_its_definition() {
    let hub = TestHub::start().await;
    hub.operator("rail", "鉄道", "railways").await;
    let member = hub.token("rail", &[PersonRole::Analyst]).await;
    let definition = json!({
        "type": "marking-definition", "spec_version": "2.1", "id": format!("marking-definition--{}", uuid::Uuid::new_v4()),
        "created": V1, "definition_type": "statement", "definition": { "statement": "転載を禁じます" },
        "object_marking_refs": [Tlp::Clear.id()],
    });
    let mut object = named("campaign", "霧", Tlp::Green);
    object["object_marking_refs"].as_array_mut().unwrap().push(definition["id"].clone());
    let defined =
        hub.publish(&hub.token, std::slice::from_ref(&definition)).await["sequence"].as_i64().unwrap();
    hub.publish(&hub.token, std::slice::from_ref(&object)).await;
    let path = format!("/api/v1/objects/{}", id_of(&object));
    for (path, door) in [("/api/v1/objects?type=campaign", "search"), (path.as_str(), "object")] {
        assert!(!is_on_record(&hub, door, "rail", defined).await);
        assert!(hub.good(&member, path).await.to_string().contains("転載を禁じます"), "{path}");
        assert!(is_on_record(&hub, door, "rail", defined).await, "{door}");
    }
}

/// As CISA writes it: the access control specification as a property extension of a marking definition.
fn acs_marking() -> Value {
    json!({
        "type": "marking-definition", "spec_version": "2.1", "id": format!("marking-definition--{}", uuid::Uuid::new_v4()),
        "created": V1, "created_by_ref": "identity--b3bca3c2-1f3d-4b54-b44f-dac42c3a8f01",
        "extensions": { "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce": {
            "extension_type": "property-extension", "create_date_time": V1,
            "identifier": "isa:guide.19001.ACS3-b6dbd13c-62a7-4b1c-8a1c-9a2a7d0e3c4b",
            "name": "AMBER", "policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=deny",
            "responsible_entity_custodian": "USA.DHS", "responsible_entity_originator": "NONFED",
            "control_set": { "classification": "U", "formal_determination": ["INFORMATION-DIRECTLY-RELATED-TO-CYBERSECURITY-THREAT"] },
            "access_privilege": [{ "privilege_action": "CISAUSES", "privilege_scope": { "permitted_nationalities": ["ALL"] }, "rule_effect": "permit" }],
            "further_sharing": [{ "rule_effect": "deny", "sharing_scope": ["FOREIGNGOV"] }],
        } },
        "object_marking_refs": [Tlp::Clear.id()],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acs_marking_is_carried_and_denies() {
    let hub = TestHub::start().await;
    let council = hub.council().await;
    hub.organisation("ministry", OrganisationRole::Agency).await;
    let ministry = hub.token("ministry", &[PersonRole::Analyst]).await;
    let marking = acs_marking();
    let mut object = named("campaign", "霧", Tlp::Clear);
    object["object_marking_refs"].as_array_mut().unwrap().push(marking["id"].clone());
    let texts = [marking.to_string(), object.to_string()];
    let sent = hub.post_raw(format!("{{\"objects\":[{}]}}", texts.join(","))).bearer(&ministry).send().await;
    assert_eq!(sent.json()["success_count"], 2);
    // Whoever brought it in has it back, byte for byte.
    let back = hub.get(&hub.within("objects/")).bearer(&ministry).send().await.objects();
    assert_eq!(back, texts);
    // Its terms are understood by no policy here, so everybody else is refused, whatever TLP stands beside it.
    for (role, token) in &council {
        let path = hub.within(&format!("objects/{}/", id_of(&object)));
        let status = hub.get(&path).bearer(token).send().await.status;
        assert!(matches!(status, 403 | 404), "{role}: {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acs_marking_that_is_understood_gives_what_it_says_and_no_more() {
    let hub = TestHub::start().await;
    let council = hub.council().await;
    hub.organisation("ministry", OrganisationRole::Agency).await;
    let ministry = hub.token("ministry", &[PersonRole::Analyst]).await;
    let mut marking = acs_marking();
    marking["extensions"]["extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce"]["further_sharing"] =
        json!([{ "rule_effect": "permit", "sharing_scope": ["FOREIGNGOV", "SECTOR"] }]);
    let mut object = named("campaign", "霧", Tlp::Clear);
    object["object_marking_refs"].as_array_mut().unwrap().push(marking["id"].clone());
    object["created_by_ref"] = marking["created_by_ref"].clone();
    // The source must stay unknown, and this object's maker is not the one that stands in its place.
    let mut telling = named("campaign", "霧の源", Tlp::Clear);
    telling["object_marking_refs"] = object["object_marking_refs"].clone();
    let sent = hub.post_as(&ministry, &[marking, object.clone(), telling.clone()]).await;
    assert_eq!(sent["success_count"], 3, "{sent}");
    let mut readers = Vec::new();
    for (role, token) in &council {
        let reads = async |object: &Value| {
            let path = hub.within(&format!("objects/{}/", id_of(object)));
            hub.get(&path).bearer(token).send().await.status == 200
        };
        assert!(!reads(&telling).await, "{role}");
        if reads(&object).await {
            readers.push(role.to_string());
        }
    }
    // As TLP:AMBER, though TLP:CLEAR stands beside it.
    let others = ["partner", "academy", "oversight"];
    assert!(readers.len() >= 3 && !readers.iter().any(|role| others.contains(&role.as_str())), "{readers:?}");
}
