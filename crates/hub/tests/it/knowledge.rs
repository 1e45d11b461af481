//! The graph, actors, matrices, tempo, sameness, scores and the feed: right in what they say, and silent about what one may not see.

use std::collections::BTreeSet;

use oversight::{Action, OrganisationRole, PersonRole, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;
use store::people::Person;
use store::sessions::{Origin, Session};
use store::{Act, people, secrets, sessions};

use crate::rest::{ids, named, relationship, sighting};
use crate::support::{TestHub, V1, id_of, indicator, marked};

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

fn node_ids(graph: &Value) -> BTreeSet<String> {
    ids(&graph["nodes"]).into_iter().collect()
}

fn on(domain: &str, level: Tlp) -> Value {
    let mut found = marked(indicator(V1), level);
    found["pattern"] = json!(format!("[domain-name:value = '{domain}']"));
    found["name"] = json!(domain);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graph_opens_node_by_node_and_hides_what_is_hidden() {
    let hub = TestHub::start().await;
    let police = police(&hub).await;
    let (actor, tool) = (named("intrusion-set", "APT X", Tlp::Green), named("tool", "T", Tlp::Green));
    let secret = named("campaign", "secret", Tlp::Red);
    let (first, second) = (on("shared.example", Tlp::Green), on("shared.example", Tlp::Green));
    let mut old = relationship(&actor, "uses", &tool, Tlp::Green);
    (old["start_time"], old["stop_time"]) = (json!("2020-01-01T00:00:00Z"), json!("2020-02-01T00:00:00Z"));
    let ties = [
        relationship(&first, "indicates", &actor, Tlp::Green),
        relationship(&actor, "related-to", &secret, Tlp::Green),
        // A loop, and a second one.
        relationship(&tool, "related-to", &actor, Tlp::Green),
        relationship(&actor, "related-to", &actor, Tlp::Green),
    ];
    hub.publish(&police, &[actor.clone(), tool.clone(), secret.clone(), first.clone(), second.clone(), old])
        .await;
    hub.publish(&police, &ties).await;
    let graph = async |query: &str| hub.good(&hub.token, &format!("/api/v1/graph?{query}")).await;
    let [a, f] = [&actor, &first].map(id_of);
    let around = graph(&format!("nodes={a}&expand={a}")).await;
    assert_eq!(node_ids(&around), BTreeSet::from([id_of(&actor), id_of(&tool), id_of(&first)]));
    assert!(!around.to_string().contains(&id_of(&secret)));
    let again = graph(&format!("nodes={a}&expand={a}")).await;
    assert_eq!(around["nodes"], again["nodes"], "the same question gives the same picture");
    let value = "value:domain-name:shared.example";
    let wide = graph(&format!("nodes={a}&expand={a}%0A{f}%0A{}", encode(value))).await;
    assert!(node_ids(&wide).contains(&id_of(&second)), "what shares the value is two steps away");
    // In 2020 the tool was used; what has been said since does not hold then.
    let then =
        graph(&format!("nodes={a}&expand={a}&from=2020-01-10T00:00:00Z&until=2020-01-20T00:00:00Z")).await;
    assert_eq!(node_ids(&then), BTreeSet::from([id_of(&actor), id_of(&tool)]));
    assert_eq!(then["edges"].as_array().unwrap().len(), 1);

    let path = async |token: &str, one: &str, other: &str| {
        let path = format!("/api/v1/graph/path?one={}&other={}", encode(one), encode(other));
        hub.rest(token, Method::GET, &path).send().await
    };
    let found = path(&hub.token, &id_of(&second), &id_of(&tool)).await.json();
    assert_eq!(found["outcome"], "found");
    let expected = [id_of(&second), value.to_owned(), id_of(&first), id_of(&actor), id_of(&tool)];
    assert_eq!(found["path"], json!(expected));
    assert_eq!(path(&hub.token, &id_of(&actor), &id_of(&secret)).await.status, 404);
    assert_eq!(path(&police, &id_of(&actor), &id_of(&secret)).await.json()["outcome"], "found");
    let common = format!("/api/v1/graph/common?nodes={}%0A{}", id_of(&first), id_of(&second));
    assert_eq!(hub.good(&hub.token, &common).await["common"], json!([value]));
    for (query, status) in
        [("nodes=x", 400), ("nodes=", 404), ("nodes=campaign--00000000-0000-4000-8000-000000000000", 404)]
    {
        let found = hub.rest(&hub.token, Method::GET, &format!("/api/v1/graph?{query}")).send().await.status;
        assert_eq!(found, status, "{query}");
    }
}

async fn police(hub: &TestHub) -> String {
    hub.organisation("police", OrganisationRole::Agency).await;
    hub.token("police", &[PersonRole::Analyst, PersonRole::DutyOfficer]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_of_the_graph_is_cut_says_so_and_is_read_on() {
    let hub = TestHub::start().await;
    let all: Vec<Value> = (0..130).map(|_| on("busy.example", Tlp::Green)).collect();
    hub.publish(&hub.token, &all).await;
    let node = encode("value:domain-name:busy.example");
    let path = format!("/api/v1/graph?nodes={node}&expand={node}&limit=100");
    let first = hub.good(&hub.token, &path).await;
    assert_eq!(first["nodes"].as_array().unwrap().len(), 101);
    let withheld = &first["withheld"][0];
    assert_eq!((withheld["reason"].as_str(), withheld["degree"].as_u64()), (Some("high-degree"), Some(130)));
    let next = withheld["next"].as_str().unwrap();
    let second = hub.good(&hub.token, &format!("{path}&next={next}")).await;
    assert_eq!(second["withheld"], json!([]));
    let both: BTreeSet<String> = node_ids(&first).union(&node_ids(&second)).cloned().collect();
    assert_eq!(both.len(), 131);
}

/// An actor with techniques, indicators of two stages, and sightings of them.
async fn intrusion(hub: &TestHub) -> (Value, Value) {
    let technique = |name: &str, phase: &str| {
        let mut technique = named("attack-pattern", name, Tlp::Green);
        technique["kill_chain_phases"] = json!([{ "kill_chain_name": "mitre-attack", "phase_name": phase }]);
        technique["external_references"] =
            json!([{ "source_name": "mitre-attack", "external_id": format!("T-{name}") }]);
        technique
    };
    let (phish, move_on) = (technique("1", "initial-access"), technique("2", "lateral-movement"));
    let (one, other) =
        (named("intrusion-set", "one", Tlp::Green), named("intrusion-set", "other", Tlp::Green));
    let (early, late) = (on("early.example", Tlp::Green), on("late.example", Tlp::Green));
    let hidden = named("tool", "hidden tool", Tlp::Red);
    let said = [
        relationship(&one, "uses", &phish, Tlp::Green),
        relationship(&other, "uses", &phish, Tlp::Green),
        relationship(&one, "uses", &move_on, Tlp::Green),
        relationship(&one, "uses", &hidden, Tlp::Green),
        relationship(&early, "indicates", &one, Tlp::Green),
        relationship(&late, "indicates", &one, Tlp::Green),
        relationship(&early, "indicates", &phish, Tlp::Green),
        relationship(&late, "indicates", &move_on, Tlp::Green),
    ];
    let police = police(hub).await;
    hub.publish(&police, &[phish, move_on, one.clone(), other.clone(), early.clone(), late.clone(), hidden])
        .await;
    hub.publish(&police, &said).await;
    for (number, member) in ["power-a", "power-b"].into_iter().enumerate() {
        hub.operator(member, member, "power").await;
        let edge = hub.register_edge(&format!("edge-{number}"), member).await;
        let start = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(10);
        for (indicator, after) in [(&early, 0), (&late, 9)] {
            let mut seen = sighting(&id_of(indicator));
            seen.first_seen = (start + jiff::SignedDuration::from_secs(after)).to_string();
            seen.last_seen.clone_from(&seen.first_seen);
            hub.report(&edge, &[seen]).await;
        }
    }
    (one, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn actors_have_pages_are_compared_and_their_tempo_is_judged() {
    let hub = TestHub::start().await;
    let (one, other) = intrusion(&hub).await;
    let actor = hub.good(&hub.token, &format!("/api/v1/actors/{}", id_of(&one))).await;
    assert_eq!(actor["techniques"].as_array().unwrap().len(), 2);
    assert_eq!(actor["software"], json!([]), "a tool that is hidden is not there");
    assert_eq!(actor["sectors"], json!([{ "kind": "power", "count": 4 }]));
    assert_eq!(actor["sightings"][0]["count"], 4);
    let compared =
        hub.good(&hub.token, &format!("/api/v1/actors/compare?ids={},{}", id_of(&one), id_of(&other))).await;
    let rows: Vec<(&str, &Value)> = compared["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["object"]["name"].as_str().unwrap(), &row["used_by"]))
        .collect();
    assert_eq!(rows, [("1", &json!([0, 1])), ("2", &json!([0]))]);
    let tempo = hub.good(&hub.token, &format!("/api/v1/actors/{}/tempo", id_of(&one))).await;
    assert_eq!(
        (&tempo["automated"], &tempo["fast"], &tempo["median_seconds"]),
        (&json!(true), &json!(2), &json!(9))
    );
    assert_eq!(tempo["sureness"], "low", "two leaps are a hint");
    let listed = hub.good(&hub.token, "/api/v1/actors").await;
    assert_eq!(listed["actors"].as_array().unwrap().len(), 2);
    let absent = format!("/api/v1/actors/intrusion-set--{}", uuid::Uuid::new_v4());
    assert_eq!(hub.rest(&hub.token, Method::GET, &absent).send().await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matrix_counts_what_one_may_see() {
    let hub = TestHub::start().await;
    let (one, _) = intrusion(&hub).await;
    let matrix = hub.good(&hub.token, "/api/v1/matrix/mitre-attack").await;
    let cells = |matrix: &Value| -> Vec<(String, u64, u64)> {
        let columns = matrix["columns"].as_array().unwrap();
        let cells = columns.iter().flat_map(|column| column["cells"].as_array().unwrap());
        cells
            .map(|cell| {
                let count = |name: &str| cell[name].as_u64().unwrap();
                (cell["number"].as_str().unwrap().to_owned(), count("actors"), count("sightings"))
            })
            .collect()
    };
    assert_eq!(cells(&matrix), [("T-1".to_owned(), 2, 2), ("T-2".to_owned(), 1, 2)]);
    assert_eq!(matrix["columns"][0]["tactic"], "initial-access");
    let of_one = hub.good(&hub.token, &format!("/api/v1/matrix/mitre-attack?of={}", id_of(&one))).await;
    assert_eq!(cells(&of_one), [("T-1".to_owned(), 1, 2), ("T-2".to_owned(), 1, 2)]);
    // A further user that only the police see.
    let police = hub.token("police", &[PersonRole::Analyst]).await;
    let hidden = named("intrusion-set", "hidden", Tlp::Red);
    let technique = matrix["columns"][0]["cells"][0]["id"].clone();
    let uses = relationship(&hidden, "uses", &json!({ "id": technique }), Tlp::Green);
    hub.publish(&police, &[hidden, uses]).await;
    assert_eq!(cells(&hub.good(&hub.token, "/api/v1/matrix/mitre-attack").await)[0].1, 2);
    assert_eq!(hub.good(&hub.token, "/api/v1/matrix").await["matrices"][0]["kill_chain"], "mitre-attack");
    assert_eq!(hub.rest(&hub.token, Method::GET, "/api/v1/matrix/nothing").send().await.status, 404);
}

/// A person's session: cookie and word against forged requests.
async fn session(hub: &TestHub) -> (String, String) {
    let (secret, csrf) = (secrets::generate("").unwrap(), secrets::generate("").unwrap());
    let (hash, word) = (secrets::hash(&secret), csrf.clone());
    let done = hub.running.store().write(move |tx| {
        let person = Person {
            id: "ana".to_owned(),
            login: "ana".to_owned(),
            name: "Ana".to_owned(),
            organisation: oversight::OrganisationId::parse("coordinator").unwrap(),
            roles: BTreeSet::from([PersonRole::Analyst]),
            password_hash: None,
            disabled: false,
            created: tx.now(),
        };
        people::add(tx, &Realm::Live, &person)?;
        let expires = tx.now() + jiff::SignedDuration::from_hours(1);
        let session = Session {
            hash,
            person: person.id,
            csrf: word,
            created: tx.now(),
            expires,
            seen: tx.now(),
            origin: Origin::default(),
        };
        sessions::add(tx, &Realm::Live, &session).map(Act::bookkeeping)
    });
    done.await.unwrap();
    (format!("yagura_session={secret}"), csrf)
}

#[tokio::test(flavor = "multi_thread")]
async fn sameness_is_proposed_decided_by_a_person_and_undone() {
    let hub = TestHub::start().await;
    let police = police(&hub).await;
    let mut bear = named("intrusion-set", "APT28", Tlp::Green);
    bear["aliases"] = json!(["Fancy Bear"]);
    let mut fancy = named("threat-actor", "Fancy-Bear", Tlp::Green);
    fancy["aliases"] = json!(["Sofacy"]);
    let hidden = named("threat-actor", "apt 28", Tlp::Red);
    hub.publish(&police, &[bear.clone(), fancy.clone(), hidden]).await;
    let proposals = async || hub.good(&hub.token, "/api/v1/sameness?family=actor").await;
    let found = proposals().await;
    assert_eq!(found["proposals"].as_array().unwrap().len(), 1, "{found}");
    assert!(found["proposals"][0]["reasons"][0]["ja"].as_str().unwrap().contains("Fancy"));
    let new = json!({ "one": bear["id"], "other": fancy["id"], "same": true, "reason": "same tools" });
    let by_program = hub.send_json(&hub.token, Method::POST, "/api/v1/sameness", new.clone()).await;
    assert_eq!(by_program.status, 403, "a person decides");
    let (cookie, csrf) = session(&hub).await;
    let as_person = |method: Method, path: &str, body: String| {
        let ask = hub
            .ask(method, path)
            .stranger()
            .header("accept", "*/*")
            .header("content-type", "application/json");
        ask.header("cookie", &cookie).header("x-yagura-csrf", &csrf).body(body)
    };
    let decided = as_person(Method::POST, "/api/v1/sameness", new.to_string()).send().await;
    assert_eq!(decided.status, 200, "{}", String::from_utf8_lossy(&decided.body));
    let decided = decided.json();
    assert_eq!(proposals().await["proposals"], json!([]));
    let actor = hub.good(&hub.token, &format!("/api/v1/actors/{}", id_of(&bear))).await;
    assert_eq!(actor["aliases"], json!(["Fancy Bear", "Fancy-Bear", "Sofacy"]));
    assert_eq!(ids(&actor["same_as"]), [id_of(&fancy)]);
    let same = format!("/api/v1/objects/{}/same", id_of(&fancy));
    assert_eq!(ids(&hub.good(&hub.token, &same).await), [id_of(&bear)]);
    assert_eq!(hub.good(&police, &same).await, json!([]), "it is the eyes of one organisation");
    let twice = as_person(Method::POST, "/api/v1/sameness", new.to_string()).send().await;
    assert_eq!(twice.status, 409);
    let path = format!("/api/v1/sameness/{}", decided["id"].as_str().unwrap());
    assert_eq!(as_person(Method::DELETE, &path, String::new()).send().await.status, 204);
    assert_eq!(as_person(Method::DELETE, &path, String::new()).send().await.status, 404);
    let after = proposals().await;
    assert_eq!(after["proposals"].as_array().unwrap().len(), 1, "what is undone is proposed again");
    assert!(after["decisions"][0]["undone"].is_string(), "and stays on record");
    assert_eq!(hub.good(&hub.token, &same).await, json!([]));
    assert_eq!(hub.audit(Action::SamenessDecided).await.len(), 2);
    for object in [&bear, &fancy] {
        let kept = hub.good(&hub.token, &format!("/api/v1/objects/{}", id_of(object))).await;
        assert_eq!(kept["object"], *object, "no object was touched");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scores_say_how_they_came_about() {
    let hub = TestHub::start().await;
    let police = police(&hub).await;
    let mut sure = on("evil.example", Tlp::Green);
    let now = jiff::Timestamp::now().to_string();
    (sure["confidence"], sure["valid_from"]) = (json!(80), json!(now));
    hub.publish(&police, std::slice::from_ref(&sure)).await;
    let path = format!("/api/v1/objects/{}/score", id_of(&sure));
    let value = async || hub.good(&hub.token, &path).await["value"].as_u64().unwrap();
    assert_eq!(value().await, 60, "80, of a source that nobody has graded");
    let grade = json!({ "reliability": "a", "reason": "よく当たる" });
    let graded = hub.send_json(&hub.token, Method::PUT, "/api/v1/grades/police", grade).await.json();
    assert_eq!(graded["misp_tag"], "admiralty-scale:source-reliability=\"a\"");
    assert_eq!(value().await, 80);
    let other = hub.good(&police, &path).await;
    assert_eq!(other["value"], 60, "another organisation grades for itself");
    // A second source on the same value, and one that is hidden.
    hub.organisation("ministry", OrganisationRole::Agency).await;
    let ministry = hub.token("ministry", &[PersonRole::Analyst]).await;
    hub.publish(&ministry, &[on("evil.example", Tlp::Red)]).await;
    assert_eq!(value().await, 80);
    hub.publish(&ministry, &[on("evil.example", Tlp::Green)]).await;
    assert_eq!(value().await, 85);
    let told = hub.good(&hub.token, &path).await;
    let steps: Vec<&str> =
        told["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(steps, ["confidence", "source", "others", "decay"]);
    assert!(told["steps"][3]["why"]["ja"].as_str().unwrap().contains("半減期"));
    assert_eq!(
        hub.send_json(&hub.token, Method::PUT, "/api/v1/grades/police", json!({ "reliability": "G" }))
            .await
            .status,
        422
    );
    assert_eq!(
        hub.send_json(&hub.token, Method::PUT, "/api/v1/grades/nobody", json!({ "reliability": "A" }))
            .await
            .status,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_cut_to_sectors_and_products() {
    let hub = TestHub::start().await;
    hub.operator("water-a", "水道", "water").await;
    let water = hub.token("water-a", &[PersonRole::Analyst]).await;
    let declared = json!({ "products": [{ "cpe": "cpe:2.3:o:fortinet:fortios:*:*:*:*:*:*:*:*" }, { "vendor": "Acme", "product": "PLC 9" }] });
    let kept = hub.send_json(&water, Method::PUT, "/api/v1/products", declared).await.json();
    assert_eq!(
        kept["products"][1],
        json!({ "vendor": "fortinet", "product": "fortios", "cpe": "cpe:2.3:o:fortinet:fortios:*:*:*:*:*:*:*:*" })
    );
    let mut flaw = named("vulnerability", "CVE-2026-0001", Tlp::Green);
    flaw["description"] = json!("A heap overflow in Fortinet FortiOS.");
    let mut other = named("vulnerability", "CVE-2026-0002", Tlp::Green);
    other["description"] = json!("A flaw in something else.");
    let mut hidden = flaw.clone();
    hidden["id"] = json!(format!("vulnerability--{}", uuid::Uuid::new_v4()));
    let campaign = named("campaign", "dry well", Tlp::Green);
    let mut works = named("identity", "water works", Tlp::Green);
    (works["identity_class"], works["sectors"]) = (json!("class"), json!(["water"]));
    let targets = relationship(&campaign, "targets", &works, Tlp::Green);
    hub.publish(
        &hub.token,
        &[flaw.clone(), other, marked(hidden, Tlp::Red), campaign.clone(), works, targets],
    )
    .await;
    let feed = hub.good(&water, "/api/v1/feed").await;
    let items: BTreeSet<String> = feed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["object"]["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(items, BTreeSet::from([id_of(&flaw), id_of(&campaign)]));
    assert!(
        feed["items"].as_array().unwrap().iter().all(|item| !item["because"].as_array().unwrap().is_empty())
    );
    assert_eq!(
        hub.good(&hub.token, "/api/v1/products").await["products"],
        json!([]),
        "declared to oneself alone"
    );
    let wrong = json!({ "products": [{ "cpe": "fortios" }] });
    assert_eq!(hub.send_json(&water, Method::PUT, "/api/v1/products", wrong).await.status, 422);
}
