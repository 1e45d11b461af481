//! Finding objects: by words in two languages, by value, by time; and how they hang together.

use oversight::{OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::rest::{ids, named, relationship};
use crate::support::{TestHub, V1, V2, id_of, indicator, indicator_with, marked};

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

async fn found(hub: &TestHub, query: &str) -> Vec<String> {
    let page = hub.good(&hub.token, &format!("/api/v1/objects?query={}", encode(query))).await;
    assert_eq!(page["count"].as_u64().unwrap(), page["objects"].as_array().unwrap().len() as u64, "{query}");
    let name = |object: &Value| object["name"].as_str().unwrap().to_owned();
    page["objects"].as_array().unwrap().iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_found_in_japanese_and_english() {
    let hub = TestHub::start().await;
    let mut fog = named("campaign", "赤い霧 作戦", Tlp::Green);
    fog["description"] = json!("電力会社の配電制御を狙う標的型攻撃。Spear phishing against grid operators.");
    let mut mist = named("campaign", "Silent Mist", Tlp::Green);
    mist["description"] = json!("Credential theft at water utilities");
    let hidden = named("campaign", "赤い霧 極秘", Tlp::Red);
    hub.organisation("police", OrganisationRole::Agency).await;
    let police = hub.token("police", &[PersonRole::Analyst]).await;
    hub.publish(&police, &[fog, mist, hidden]).await;
    let check =
        async |query: &str, expected: &[&str]| assert_eq!(found(&hub, query).await, expected, "{query}");
    check("赤い霧", &["赤い霧 作戦"]).await;
    check("配電制御", &["赤い霧 作戦"]).await;
    check("標的型 配電", &["赤い霧 作戦"]).await;
    check("grid PHISHING", &["赤い霧 作戦"]).await;
    check("utilit", &["Silent Mist"]).await;
    check("極秘", &[]).await;
    check("存在しない", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_found_however_they_are_written() {
    let hub = TestHub::start().await;
    let mut evil = marked(indicator(V1), Tlp::Green);
    evil["pattern"] = json!("[domain-name:value = 'evil.example.com']");
    evil["name"] = json!("C2");
    let mut other = marked(indicator(V1), Tlp::Green);
    other["name"] = json!("address");
    let mut red = evil.clone();
    red["id"] = json!(format!("indicator--{}", uuid::Uuid::new_v4()));
    hub.organisation("police", OrganisationRole::Agency).await;
    let police = hub.token("police", &[PersonRole::Analyst]).await;
    hub.publish(&police, &[evil.clone(), other.clone(), marked(red, Tlp::Red)]).await;
    for query in ["evil.example.com", "evil[.]example[.]com", "EVIL.example.com"] {
        assert_eq!(found(&hub, query).await, ["C2"], "{query}");
        let hits = hub.good(&hub.token, &format!("/api/v1/values?value={}", encode(query))).await;
        assert_eq!(
            (&hits[0]["kind"], &hits[0]["value"]),
            (&json!("domain-name"), &json!("evil.example.com"))
        );
        assert_eq!(ids(&hits[0]["objects"]), [id_of(&evil)]);
    }
    assert_eq!(found(&hub, "198.51.100[.]1").await, ["address"]);
    assert_eq!(hub.good(&hub.token, "/api/v1/values?value=absent.example.com").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let hub = TestHub::start().await;
    let many: Vec<Value> =
        (0..25).map(|n| named("campaign", &format!("作戦 number {n}"), Tlp::Green)).collect();
    hub.publish(&hub.token, &many).await;
    hub.publish(&hub.token, &[marked(indicator(V1), Tlp::Green)]).await;
    for query in ["type=campaign", "type=campaign&query=number", "type=campaign&query=number&sort=added"] {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let page = hub.good(&hub.token, &format!("/api/v1/objects?{query}&limit=10&next={next}")).await;
            assert_eq!(page["count"], 25, "{query}");
            all.extend(ids(&page["objects"]));
            match page["next"].as_str() {
                Some(more) => next = more.to_owned(),
                None => break,
            }
        }
        let mut distinct = all.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!((all.len(), distinct.len()), (25, 25), "{query}");
        assert_eq!(all[0], id_of(&many[24]), "newest first");
    }
    for wrong in ["next=zz", "limit=x", "sort=oldest", "unknown=1"] {
        let reply = hub.rest(&hub.token, Method::GET, &format!("/api/v1/objects?{wrong}")).send().await;
        assert_eq!((reply.status, reply.json()["code"].as_str()), (400, Some("bad-request")), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_page_tells_all_that_may_be_known() {
    let hub = TestHub::start().await;
    let first = marked(indicator(V1), Tlp::Green);
    let mut second = marked(indicator_with(&id_of(&first), V2), Tlp::Green);
    second["name"] = json!("新しい名前");
    second["x_number"] = json!(1.50);
    hub.publish(&hub.token, std::slice::from_ref(&first)).await;
    hub.publish(&hub.token, std::slice::from_ref(&second)).await;
    let path = format!("/api/v1/objects/{}", id_of(&first));
    let detail = hub.good(&hub.token, &path).await;
    assert_eq!(detail["object"], second);
    assert_eq!(detail["summary"]["name"], "新しい名前");
    assert_eq!(detail["versions"].as_array().unwrap().len(), 2);
    assert_eq!(detail["audience"], json!(["coordinator", "agency", "operator", "partner", "academy"]));
    assert!(detail["because"].as_array().unwrap().contains(&json!("read-own")));
    let old = hub.good(&hub.token, &format!("{path}?version={V1}")).await;
    assert_eq!(old["object"], first);
    for absent in
        [format!("{path}?version=2020-01-01T00:00:00.000Z"), "/api/v1/objects/indicator--x".to_owned()]
    {
        assert_eq!(hub.rest(&hub.token, Method::GET, &absent).send().await.status, 404, "{absent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn references_lead_both_ways_and_hide_what_is_hidden() {
    let hub = TestHub::start().await;
    let council = hub.council().await;
    let partner = &council.iter().find(|(role, _)| role.name() == "partner").unwrap().1;
    let found = marked(indicator(V1), Tlp::Green);
    let (open, closed) = (named("campaign", "open", Tlp::Green), named("campaign", "closed", Tlp::Amber));
    let links = [
        relationship(&found, "indicates", &open, Tlp::Green),
        relationship(&found, "indicates", &closed, Tlp::Green),
        relationship(&found, "based-on", &open, Tlp::Amber),
    ];
    let mut report = named("report", "報告", Tlp::Green);
    report["published"] = json!(V1);
    report["object_refs"] = json!([found["id"], closed["id"]]);
    hub.publish(&hub.token, &[found.clone(), open.clone(), closed.clone()]).await;
    hub.publish(&hub.token, &links).await;
    hub.publish(&hub.token, std::slice::from_ref(&report)).await;

    let lines = |references: &Value| -> Vec<(String, String, String)> {
        let line = |reference: &Value| {
            let far = reference["far"]["name"].as_str().unwrap_or("-").to_owned();
            let object = reference["object"]["object_type"].as_str().unwrap().to_owned();
            (reference["property"].as_str().unwrap().to_owned(), object, far)
        };
        let mut lines: Vec<_> = references.as_array().unwrap().iter().map(line).collect();
        lines.sort();
        lines
    };
    let line = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    let path = format!("/api/v1/objects/{}/references", id_of(&found));
    let all = hub.good(&hub.token, &path).await;
    assert_eq!(
        lines(&all["referred_by"]),
        [
            line("based-on", "relationship", "open"),
            line("indicates", "relationship", "closed"),
            line("indicates", "relationship", "open"),
            line("object_refs[0]", "report", "-"),
        ]
    );
    let fewer = hub.good(partner, &path).await;
    assert_eq!(
        lines(&fewer["referred_by"]),
        [
            line("indicates", "relationship", "-"),
            line("indicates", "relationship", "open"),
            line("object_refs[0]", "report", "-")
        ],
        "the far end that is hidden is not named, the hidden relationship is not there"
    );
    let out = format!("/api/v1/objects/{}/references", id_of(&report));
    assert_eq!(hub.good(&hub.token, &out).await["refers_to"].as_array().unwrap().len(), 2);
    assert_eq!(
        ids(&Value::Array(
            hub.good(partner, &out).await["refers_to"]
                .as_array()
                .unwrap()
                .iter()
                .map(|r| r["object"].clone())
                .collect()
        )),
        [id_of(&found)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_with_bad_objects_says_which() {
    let hub = TestHub::start().await;
    let good = marked(indicator(V1), Tlp::Green);
    let mut bad = marked(indicator(V1), Tlp::Green);
    bad.as_object_mut().unwrap().remove("pattern");
    let bundle = json!({ "type": "bundle", "id": format!("bundle--{}", uuid::Uuid::new_v4()), "objects": [bad.clone(), good.clone(), good] });
    let reply = hub.send_json(&hub.token, Method::POST, "/api/v1/objects", bundle).await;
    let taken = reply.json();
    assert_eq!((reply.status, &taken["accepted"], &taken["duplicates"]), (200, &json!(1), &json!(1)));
    assert_eq!((&taken["refused"][0]["index"], &taken["refused"][0]["id"]), (&json!(0), &bad["id"]));
    assert!(taken["refused"][0]["message"].as_str().unwrap().contains("pattern"));
    let nonsense = hub.rest(&hub.token, Method::POST, "/api/v1/objects").body("{").send().await;
    assert_eq!((nonsense.status, nonsense.json()["code"].as_str()), (422, Some("unprocessable")));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_withdraws_ones_own_and_the_coordinator_everything() {
    let hub = TestHub::start().await;
    for id in ["police", "ministry"] {
        hub.organisation(id, OrganisationRole::Agency).await;
    }
    let police = hub.token("police", &[PersonRole::DutyOfficer]).await;
    let ministry = hub.token("ministry", &[PersonRole::DutyOfficer]).await;
    let objects = [
        named("campaign", "a", Tlp::Green),
        named("campaign", "b", Tlp::Green),
        named("campaign", "c", Tlp::Red),
    ];
    hub.publish(&police, &objects).await;
    let withdraw = async |token: &str, object: &Value| {
        hub.rest(token, Method::DELETE, &format!("/api/v1/objects/{}", id_of(object))).send().await.status
    };
    assert_eq!(withdraw(&ministry, &objects[0]).await, 403, "it is seen, and another's");
    assert_eq!(withdraw(&ministry, &objects[2]).await, 404, "it is not seen");
    assert_eq!(withdraw(&police, &objects[0]).await, 204);
    assert_eq!(withdraw(&police, &objects[0]).await, 404);
    assert_eq!(withdraw(&hub.token, &objects[1]).await, 204);
    assert_eq!(hub.good(&police, "/api/v1/objects?type=campaign").await["count"], 1);
    let definition = format!("/api/v1/objects/{}", Tlp::Red.id());
    assert_eq!(
        hub.rest(&hub.token, Method::DELETE, &definition).send().await.status,
        403,
        "the node's own stays"
    );
}
