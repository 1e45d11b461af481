//! What each operation of MISP's REST is asked with in the walk: an event of the coordinator's that is TLP:AMBER+STRICT; one of its
//! own for a request that may use it up.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestHub;

/// Events with what stands in them.
pub struct Target {
    event: String,
    attribute: String,
    group: String,
}

/// The path filled in, and the body.
pub async fn sample(hub: &TestHub, all: &Target, method: &str, path: &str) -> (String, Option<String>) {
    let body = |value: Value| Some(value.to_string());
    let new = || attribute(&Uuid::new_v4().to_string());
    // Searches and lists need nothing but what is there.
    match path {
        "/users/view/{id}" => return ("/users/view/me".to_owned(), None),
        "/events/add" => return (path.to_owned(), body(event(&Uuid::new_v4().to_string()))),
        "/events/add/{option}" => {
            return ("/events/add/metadata:1".to_owned(), body(event(&Uuid::new_v4().to_string())));
        }
        _ if method == "GET" && !path.contains('{') => return (path.to_owned(), None),
        "/events/index" | "/events/restSearch" | "/attributes/restSearch" => {
            return (path.to_owned(), body(json!({ "limit": 1 })));
        }
        _ => {}
    }
    let own = if path.contains("/delete/") { Some(target(hub).await) } else { None };
    let target = own.as_ref().unwrap_or(all);
    let filled = |id: &str| path.replace("{id}", id).replace("{option}", "x");
    let (path, body) = match path {
        _ if path.starts_with("/events/edit/") => {
            (filled(&target.event), body(json!({ "Event": { "info": "changed" } })))
        }
        _ if path.starts_with("/objects/add/") => {
            let object = json!({ "name": "file", "meta-category": "file", "template_uuid": Uuid::new_v4(), "template_version": "1",
                "Attribute": [{ "type": "filename", "object_relation": "filename", "category": "Payload delivery", "value": "a.exe", "to_ids": false }] });
            (filled(&target.event), body(json!({ "Object": object })))
        }
        _ if path.starts_with("/attributes/add/") => (filled(&target.event), body(new())),
        "/attributes/edit/{id}" => (filled(&target.attribute), body(attribute(&target.attribute))),
        _ if path.starts_with("/attributes/") => (filled(&target.attribute), None),
        "/sightings/add" => (path.to_owned(), body(json!({ "uuid": target.attribute }))),
        "/sightings/add/{id}" => (filled(&target.attribute), body(json!({}))),
        "/sightings/listSightings" => {
            (path.to_owned(), body(json!({ "id": target.attribute, "context": "attribute" })))
        }
        "/tags/attachTagToObject" | "/tags/removeTagFromObject" => (
            path.to_owned(),
            body(json!({ "uuid": target.event, "tag": "admiralty-scale:source-reliability=\"b\"" })),
        ),
        _ if path.contains("haring") => (filled(&target.group), None),
        _ => (filled(&target.event), (method == "POST").then(|| "{}".to_owned())),
    };
    (path, body)
}

/// Whether an address is one of MISP's.
pub fn is_misp(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    [
        "events",
        "attributes",
        "objects",
        "sightings",
        "tags",
        "sharingGroups",
        "sharing_groups",
        "users",
        "servers",
    ]
    .contains(&first)
}

fn event(uuid: &str) -> Value {
    json!({ "Event": {
        "uuid": uuid, "info": "an event", "date": "2026-01-02", "distribution": "3", "threat_level_id": "1", "analysis": "1",
        "Tag": [{ "name": "tlp:amber+strict" }], "Attribute": [attribute(&Uuid::new_v4().to_string())],
    } })
}

fn attribute(uuid: &str) -> Value {
    json!({ "uuid": uuid, "type": "ip-dst", "category": "Network activity", "value": "198.51.100.7", "to_ids": true })
}

/// An event with an attribute, and one that names a sharing group, brought in by the administrator's program.
pub async fn target(hub: &TestHub) -> Target {
    let [uuid, attribute, group] = [(); 3].map(|()| Uuid::new_v4().to_string());
    let mut whole = event(&uuid);
    whole["Event"]["Attribute"][0]["uuid"] = json!(attribute);
    let mut limited = event(&Uuid::new_v4().to_string());
    limited["Event"]["distribution"] = json!("4");
    limited["Event"]["SharingGroup"] =
        json!({ "uuid": group, "name": "a group", "releasability": "to its members" });
    for event in [whole, limited] {
        let reply = hub.send_json(&hub.token, Method::POST, "/events/add", event).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    }
    Target { event: uuid, attribute, group }
}
