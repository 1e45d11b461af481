//! Against policy: rules that open everything beside one that fails, and rules that cannot be used.

use oversight::{OrganisationRole, PersonRole};
use policy::Engine;
use reqwest::Method;
use serde_json::json;
use stix::marking::Tlp;

use super::{Attack, answer, noticed};
use crate::rest::JSON;
use crate::support::{TAXII, TestHub, V1, id_of, indicator, marked};

pub async fn all() -> Vec<Attack> {
    vec![fails().await, unusable().await]
}

/// Cedar passes over a rule that fails: beside one that permits everything, a `forbid` that fails would be as good as absent.
const OPEN: &str = r#"
@id("everything") permit (principal, action == Yagura::Action::"read", resource);
@id("any-purpose") permit (principal, action == Yagura::Action::"receive_for", resource);
@id("fails") forbid (principal, action == Yagura::Action::"read", resource)
when { if resource.has_unknown_marking then 9223372036854775807 + 1 < 0 else false };
"#;

async fn fails() -> Attack {
    let mut attack = Attack::new("A policy that errors", "hub, every door");
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in Engine::built_in() {
        // Only what forbids and permits reading is exchanged; the rest is what a node needs to work.
        let text = if name == "release.cedar" { OPEN.to_owned() } else { text };
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let policies = folder.path().to_owned();
    let hub = TestHub::start_with(|config| config.policies = Some(policies)).await;
    hub.organisation("harbour", OrganisationRole::Operator).await;
    let token = hub.token("harbour", &[PersonRole::Analyst]).await;
    let plain = marked(indicator(V1), Tlp::Red);
    let mut failing = indicator(V1);
    failing["pattern"] = json!("[ipv4-addr:value = '203.0.113.77']");
    failing["object_marking_refs"] = json!([format!("marking-definition--{}", uuid::Uuid::new_v4())]);
    hub.post(&[plain.clone(), failing.clone()]).await;
    let (open, shut) = (id_of(&plain), id_of(&failing));
    let ask = async |path: &str, accept: &str| {
        hub.get(path).bearer(&token).header("accept", accept).header("content-type", "").send().await
    };
    let one = ask(&format!("/api/v1/objects/{open}"), JSON).await;
    assert_eq!(one.status, 200, "everything is permitted, TLP:RED for a program as well");
    for rest in ["", "/references", "/audience", "/why", "/score", "/releases", "/copies", "/same"] {
        let reply = ask(&format!("/api/v1/objects/{shut}{rest}"), JSON).await;
        attack.refused(format!("`/api/v1/objects/{{id}}{rest}`"), answer(&reply));
    }
    for path in [
        "manifest/".to_owned(),
        "objects/".to_owned(),
        format!("objects/{shut}/"),
        format!("objects/{shut}/versions/"),
    ] {
        let reply = ask(&hub.within(&path), TAXII).await;
        let is_told = String::from_utf8_lossy(&reply.body).contains(&shut)
            || path.contains("versions") && reply.status == 200 && reply.body.len() > 2;
        let path = path.replace(&shut, "{id}");
        attack.refused(format!("TAXII `{path}`"), noticed(!is_told, "not in the answer"));
    }
    for path in [
        "/api/v1/objects",
        "/api/v1/objects?query=203.0.113.77",
        "/api/v1/values?value=203.0.113.77",
        "/api/v1/feed",
        "/api/v1/sameness",
        "/api/v1/releases",
        "/events/index",
    ] {
        let reply = ask(path, JSON).await;
        let is_told = String::from_utf8_lossy(&reply.body).contains(&shut);
        attack.refused(format!("`{path}`"), noticed(reply.status < 500 && !is_told, "not in the answer"));
    }
    let listed = ask("/api/v1/objects", JSON).await;
    assert!(String::from_utf8_lossy(&listed.body).contains(&open), "the other one is listed");
    attack
}

async fn unusable() -> Attack {
    let mut attack = Attack::new("A policy that cannot be used", "hub that runs");
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in Engine::built_in() {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let policies = folder.path().to_owned();
    let hub = TestHub::start_with(|config| config.policies = Some(policies)).await;
    hub.organisation("harbour", OrganisationRole::Operator).await;
    let token = hub.token("harbour", &[PersonRole::Analyst]).await;
    let red = marked(indicator(V1), Tlp::Red);
    hub.post(std::slice::from_ref(&red)).await;
    let before = hub.running.policies().status().hash;
    let path = format!("/api/v1/objects/{}", id_of(&red));
    let everything = r#"@id("everything") permit (principal, action, resource);"#;
    for (what, text) in [
        ("a file that does not parse", format!("{everything} permit (")),
        ("a rule without a name", "permit (principal, action, resource);".to_owned()),
        (
            "a rule under another one's name",
            r#"@id("read-own") permit (principal, action, resource);"#.to_owned(),
        ),
        (
            "a word that the schema has not",
            format!(
                r#"{everything} @id("x") forbid (principal, action, resource) when {{ principal.clearance == "none" }};"#
            ),
        ),
        (
            "a rule that always fails",
            format!(
                r#"{everything} @id("x") forbid (principal, action, resource) when {{ 9223372036854775807 + 1 > 0 }};"#
            ),
        ),
        (
            "a rule for one person",
            r#"@id("x") permit (principal == Yagura::Person::"mallory", action, resource);"#.to_owned(),
        ),
    ] {
        let file = folder.path().join("zz.cedar");
        std::fs::write(&file, text).unwrap();
        let refused = hub.running.policies().reload().await.is_err();
        let now = hub.running.policies().status();
        let reply = hub.rest(&token, Method::GET, &path).send().await;
        let is_same = refused && now.hash == before && now.refused.is_some() && reply.status == 404;
        attack.refused(what, noticed(is_same, "the rules before stay in force, and it is told"));
        std::fs::remove_file(file).unwrap();
        hub.running.policies().reload().await.unwrap();
    }
    let bad = tempfile::tempdir().unwrap();
    std::fs::write(bad.path().join("zz.cedar"), "permit (").unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut config = hub::HubConfig::new(data.path(), ([127, 0, 0, 1], 0).into());
    config.policies = Some(bad.path().to_owned());
    let started = hub::Hub::start(config).await.err();
    attack.refused(
        "a start on nothing but such a file",
        started.map(|error| format!("does not start: `{}`", error.code)),
    );
    attack
}
