//! ACS markings that an originator asks for, on what it publishes and on what it marks anew.

use oversight::{Action, OrganisationRole, PersonRole};
use policy::{ACS_EXTENSION, AcsStatements, AcsTerms};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::{Pap, Tlp};

use crate::rest::named;
use crate::signed::Signed;
use crate::support::{Reply, TestHub, V1, id_of, indicator, marked};

/// The statement that an agency's label comes to.
fn statement(tlp: Tlp, pap: Option<Pap>) -> String {
    let agency = oversight::OrganisationId::parse("agency").unwrap();
    let terms = AcsTerms { tlp, pap, originator_control: false };
    AcsStatements::by(&agency).say(terms).unwrap().id.to_string()
}

async fn ask(hub: &TestHub, token: &str, path: &str, objects: &[Value]) -> Reply {
    let body = json!({ "objects": objects }).to_string();
    let ask = hub.ask(Method::POST, path).bearer(token).header("accept", "*/*");
    ask.header("content-type", "application/stix+json;version=2.1").body(body).send().await
}

/// An object as somebody finds it, in the versions that it may see, oldest first.
async fn versions(hub: &TestHub, token: &str, id: &str) -> Vec<Value> {
    let path = hub.within(&format!("objects/{id}/?match[version]=all"));
    let reply = hub.get(&path).bearer(token).send().await;
    if reply.status == 404 {
        return Vec::new();
    }
    reply.objects().iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

fn refs(object: &Value) -> Vec<&str> {
    object["object_marking_refs"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_publishes_asks_for_the_statement_and_readers_find_what_the_preview_told() {
    let hub = TestHub::start().await;
    let council = hub.council().await;
    let agency = council.iter().find(|(role, _)| *role == OrganisationRole::Agency).unwrap().1.clone();
    let mut unmarked = named("campaign", "霧", Tlp::Clear);
    unmarked.as_object_mut().unwrap().remove("object_marking_refs");
    let green = named("campaign", "雨", Tlp::Green);
    let objects = [unmarked.clone(), green.clone()];
    let query = "tlp=amber&pap=green&acs=true";
    let told = ask(&hub, &agency, &format!("/api/v1/audience?{query}"), &objects).await.json();
    let reply = ask(&hub, &agency, &format!("/api/v1/objects?{query}"), &objects).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    // The two definitions came in beside them.
    assert_eq!((&reply.json()["accepted"], &reply.json()["refused"]), (&json!(4), &json!([])));
    let (amber, level) = (statement(Tlp::Amber, Some(Pap::Green)), statement(Tlp::Green, None));
    for (object, expected) in [
        (&unmarked, vec![Tlp::Amber.id(), Pap::Green.id(), amber.clone()]),
        (&green, vec![Tlp::Green.id(), level.clone()]),
    ] {
        let found = versions(&hub, &agency, &id_of(object)).await;
        assert_eq!(refs(&found[0]), expected);
        // Nothing else of it is written anew.
        let mut rest = found[0].clone();
        rest.as_object_mut().unwrap().remove("object_marking_refs");
        let mut sent = object.clone();
        sent.as_object_mut().unwrap().remove("object_marking_refs");
        assert_eq!(rest, sent);
    }
    for (role, token) in &council {
        for (object, marking) in [(&unmarked, &amber), (&green, &level)] {
            let id = id_of(object);
            let reads = !versions(&hub, token, &id).await.is_empty();
            let audience = told["objects"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
            let mut readers = audience["readers"].as_array().unwrap().iter();
            let is_told = readers.any(|reader| reader["organisation"] == role.name());
            assert!(reads == is_told || *role == OrganisationRole::Agency, "{role} and {id}: {audience}");
            // Whoever reads the object can read what its marking says, and nobody else.
            let definition = versions(&hub, token, marking).await;
            assert_eq!(!definition.is_empty(), reads, "{role} and {marking}");
            assert!(
                definition
                    .iter()
                    .all(|one| one["extensions"][ACS_EXTENSION]["control_set"]["classification"] == "U")
            );
        }
    }
    // The same statement is one object, however often it is made.
    let again = ask(&hub, &agency, &format!("/api/v1/objects?{query}"), &objects).await.json();
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(4)));
    // What leaves for somebody else is published with the statement on it; asked for again, it is not doubled.
    let own = versions(&hub, &agency, &id_of(&green)).await;
    let as_it_was = ask(&hub, &agency, "/api/v1/objects?acs=true", &own).await.json();
    assert_eq!((&as_it_was["duplicates"], &as_it_was["accepted"]), (&json!(2), &json!(0)), "{as_it_was}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_acs_cannot_say_is_not_published_and_the_answer_says_what() {
    let hub = TestHub::start().await;
    hub.organisation("agency", OrganisationRole::Agency).await;
    let agency = hub.token("agency", &[PersonRole::Analyst]).await;
    let good = named("campaign", "霧", Tlp::Green);
    let mut worded = named("campaign", "雨", Tlp::Green);
    worded["object_marking_refs"]
        .as_array_mut()
        .unwrap()
        .push(json!(format!("marking-definition--{}", uuid::Uuid::new_v4())));
    let mut unmarked = good.clone();
    unmarked.as_object_mut().unwrap().remove("object_marking_refs");
    let mut other = named("campaign", "雪", Tlp::Green);
    other["object_marking_refs"].as_array_mut().unwrap().push(json!(statement(Tlp::Amber, None)));
    for (bad, why) in [
        (named("campaign", "雷", Tlp::Red), "has no words for TLP:RED"),
        (worded, "has no words for the marking"),
        (unmarked, "there is none; choose one"),
        (other, "says something else"),
    ] {
        for path in ["/api/v1/objects?acs=true", "/api/v1/audience?acs=true"] {
            let reply = ask(&hub, &agency, path, &[good.clone(), bad.clone()]).await;
            let detail = reply.json()["detail"].as_str().unwrap_or_default().to_owned();
            assert_eq!(reply.status, 422, "{detail}");
            assert!(
                detail.contains(why) && detail.contains(&id_of(&bad)) && detail.contains("acs-unsayable"),
                "{detail}"
            );
        }
    }
    assert!(versions(&hub, &agency, &id_of(&good)).await.is_empty(), "all of it or nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_marks_anew_asks_for_it_and_it_keeps_in_step_with_the_level() {
    let hub = TestHub::start().await;
    for (name, role) in [
        ("agency", OrganisationRole::Agency),
        ("operator", OrganisationRole::Operator),
        ("partner", OrganisationRole::Partner),
    ] {
        hub.organisation(name, role).await;
    }
    let agency = hub.token("agency", &[PersonRole::Analyst]).await;
    let partner = hub.token("partner", &[PersonRole::Analyst]).await;
    let operator = hub.token("operator", &[PersonRole::Analyst]).await;
    let object = marked(indicator(V1), Tlp::Green);
    let id = id_of(&object);
    hub.post_as(&agency, std::slice::from_ref(&object)).await;
    let owner = Signed::person(&hub, "agency", PersonRole::DutyOfficer).await;
    let second = Signed::person(&hub, "agency", PersonRole::Approver).await;
    let other = Signed::person(&hub, "operator", PersonRole::DutyOfficer).await;
    let path = format!("/api/v1/objects/{id}/marking");
    let change = |tlp: &str, acs: bool| json!({ "tlp": tlp, "reason": "for readers abroad", "acs": acs });
    assert_eq!(other.post(&path, change("green", true)).await.status, 403, "its originator alone");
    assert_eq!(owner.post(&path, change("red", true)).await.status, 422, "no words");
    let changed = owner.done(&path, change("green", true)).await;
    assert!(changed["version"].is_string(), "{changed}");
    let found = versions(&hub, &agency, &id).await;
    assert_eq!(found[0], object, "the version before is what it was");
    assert_eq!(refs(&found[1]), [Tlp::Green.id(), statement(Tlp::Green, None)]);
    assert_eq!(versions(&hub, &partner, &id).await.len(), 2);
    // Beside a freer level it is asked for once that stands.
    let freer = owner.post(&path, change("clear", true)).await;
    let why = freer.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(freer.status == 422 && why.contains("once it is confirmed"), "{}: {why}", freer.status);
    // A stricter level takes the statement along, and binds the older versions as it does.
    owner.done(&path, change("amber", false)).await;
    let found = versions(&hub, &operator, &id).await;
    assert_eq!(
        (found.len(), refs(&found[2])),
        (3, vec![Tlp::Amber.id().as_str(), &statement(Tlp::Amber, None)])
    );
    assert!(versions(&hub, &partner, &id).await.is_empty());
    // So does a freer one, by two persons.
    let proposed = owner.done(&path, change("green", false)).await;
    let decision = format!("/api/v1/widenings/{}/decision", proposed["proposal"]["id"].as_str().unwrap());
    second.done(&decision, json!({ "decision": "confirm", "text": "yes" })).await;
    let found = versions(&hub, &partner, &id).await;
    assert_eq!(refs(&found[0]), [Tlp::Green.id(), statement(Tlp::Green, None)]);
    // For a level without words there is none, rather than one that says something else.
    owner.done(&path, change("amber+strict", false)).await;
    let found = versions(&hub, &agency, &id).await;
    assert_eq!(refs(&found[4]), [Tlp::AmberStrict.id()]);
    assert_eq!(hub.audit(Action::ReleaseChanged).await.len(), 6);
}

/// The form that was made for STIX 2.0, in a marking definition of 2.1: understood on the way in, and carried byte for byte.
#[tokio::test(flavor = "multi_thread")]
async fn the_older_form_is_understood_on_the_way_in() {
    let hub = TestHub::start().await;
    let council = hub.council().await;
    let agency = council.iter().find(|(role, _)| *role == OrganisationRole::Agency).unwrap().1.clone();
    let all = json!({ "permitted_nationalities": ["ALL"], "permitted_organizations": ["ALL"], "shareability": ["ALL"], "entity": ["ALL"] });
    let permit =
        |action: &str| json!({ "privilege_action": action, "privilege_scope": all, "rule_effect": "permit" });
    let definition = |version: u64| {
        json!({ "type": "marking-definition", "spec_version": "2.1", "id": format!("marking-definition--{}", uuid::Uuid::new_v4()),
            "created": V1, "definition_type": "x-isa-acs-3-0", "definition": {
                "sep_version": version, "identifier": "isa:guide.19001.ACS3-bc9034f8-c732-4328-b9df-d9d72aae480b",
                "create_date_time": V1, "responsible_entity_custodian": "USA.DHS.US-CERT",
                "policy_reference": "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=permit",
                "access_privilege": [permit("CISAUSES"), permit("IDSRC")], "control_set": { "classification": "U" } } })
    };
    let (known, unknown) = (definition(1), definition(2));
    let bearing = |marking: &Value| {
        let mut object = named("campaign", "霧", Tlp::Clear);
        object["object_marking_refs"] = json!([marking["id"]]);
        object
    };
    let (open, closed) = (bearing(&known), bearing(&unknown));
    let sent = hub.post_as(&agency, &[known.clone(), unknown, open.clone(), closed.clone()]).await;
    assert_eq!(sent["success_count"], 4, "{sent}");
    let operator = &council.iter().find(|(role, _)| *role == OrganisationRole::Operator).unwrap().1;
    assert_eq!(versions(&hub, operator, &id_of(&open)).await, [open]);
    assert_eq!(versions(&hub, operator, &id_of(&known)).await, [known]);
    assert!(versions(&hub, operator, &id_of(&closed)).await.is_empty());
}
