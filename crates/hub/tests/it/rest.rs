//! Talking REST to a test's hub.

use api::{NewSighting, SightingOutcome};
use oversight::{OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::support::{Ask, Reply, TestHub, V1, marked};

pub const JSON: &str = "application/json";

impl TestHub {
    /// A REST request of a program's.
    pub fn rest(&self, token: &str, method: Method, path: &str) -> Ask<'_> {
        self.ask(method, path).bearer(token).header("accept", JSON).header("content-type", "")
    }

    /// With a JSON body.
    pub async fn send_json(&self, token: &str, method: Method, path: &str, body: Value) -> Reply {
        self.rest(token, method, path).header("content-type", JSON).body(body.to_string()).send().await
    }

    /// A good answer's JSON.
    pub async fn good(&self, token: &str, path: &str) -> Value {
        let reply = self.rest(token, Method::GET, path).send().await;
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        reply.json()
    }

    /// Publishes a bundle; all of it must be taken.
    pub async fn publish(&self, token: &str, objects: &[Value]) -> Value {
        let bundle = json!({ "type": "bundle", "id": format!("bundle--{}", uuid::Uuid::new_v4()), "objects": objects });
        let reply = self.send_json(token, Method::POST, "/api/v1/objects", bundle).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let taken = reply.json();
        assert_eq!(taken["refused"], json!([]));
        taken
    }

    /// Adds an operator by REST, as an administrator does.
    pub async fn operator(&self, id: &str, name_ja: &str, sector: &str) {
        let new = json!({ "id": id, "name_ja": name_ja, "name_en": id, "role": "operator", "sectors": [sector], "prefecture": 27 });
        let reply = self.send_json(&self.token, Method::POST, "/api/v1/organisations", new).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    }

    /// Registers an edge by REST.
    pub async fn register_edge(&self, id: &str, organisation: &str) -> String {
        let new = json!({ "id": id, "organisation": organisation, "name": id });
        let reply = self.send_json(&self.token, Method::POST, "/api/v1/edges", new).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        reply.json()["token"].as_str().unwrap().to_owned()
    }

    /// What an edge is told after a sequence.
    pub async fn intelligence(&self, edge: &str, after: i64) -> api::Intelligence {
        let answer = self.good(edge, &format!("/edge/v1/intelligence?after={after}&wait=0")).await;
        serde_json::from_value(answer).unwrap()
    }

    /// Reports sightings.
    pub async fn report(&self, edge: &str, sightings: &[NewSighting]) -> Vec<SightingOutcome> {
        let reply =
            self.send_json(edge, Method::POST, "/edge/v1/sightings", json!({ "sightings": sightings })).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        serde_json::from_value::<api::SightingsAccepted>(reply.json()).unwrap().outcomes
    }

    /// One organisation and one token for each role in the council.
    pub async fn council(&self) -> Vec<(OrganisationRole, String)> {
        let mut tokens = vec![(OrganisationRole::Coordinator, self.token.clone())];
        for role in
            OrganisationRole::ALL.iter().copied().filter(|role| *role != OrganisationRole::Coordinator)
        {
            self.organisation(role.name(), role).await;
            tokens.push((role, self.token(role.name(), &[PersonRole::Analyst]).await));
        }
        tokens
    }
}

/// A minimised sighting of an indicator, just now.
pub fn sighting(indicator: &str) -> NewSighting {
    let now = jiff::Timestamp::now().to_string();
    NewSighting {
        id: uuid::Uuid::new_v4(),
        indicator: indicator.to_owned(),
        indicator_version: V1.to_owned(),
        first_seen: now.clone(),
        last_seen: now,
        count: 1,
        purpose: "collective-defence".to_owned(),
        marking: "amber".to_owned(),
        addresses: vec!["198.51.100.1".to_owned()],
        domains: vec!["evil.example".to_owned()],
        hashes: Vec::new(),
        ports: vec![443, 50123],
        protocol: Some("tcp".to_owned()),
        bytes: Some(1200),
    }
}

/// A named object of a type that needs nothing else.
pub fn named(object_type: &str, name: &str, level: Tlp) -> Value {
    let id = format!("{object_type}--{}", uuid::Uuid::new_v4());
    let mut object = json!({ "type": object_type, "spec_version": "2.1", "id": id, "created": V1, "modified": V1, "name": name });
    if object_type == "malware" {
        object["is_family"] = json!(true);
    }
    marked(object, level)
}

pub fn relationship(source: &Value, kind: &str, target: &Value, level: Tlp) -> Value {
    let id = format!("relationship--{}", uuid::Uuid::new_v4());
    let object = json!({
        "type": "relationship", "spec_version": "2.1", "id": id, "created": V1, "modified": V1,
        "relationship_type": kind, "source_ref": source["id"], "target_ref": target["id"],
    });
    marked(object, level)
}

/// The identifiers in a list of summaries.
pub fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
}
