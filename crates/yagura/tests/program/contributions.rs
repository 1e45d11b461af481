//! What comes back to a contributor, over real hubs: counts from three others on, in steps, and of what is settled only.

use serde_json::{Value, json};

use crate::council::{id, indicator, objects};
use crate::person::Person;
use crate::running::{Hub, RUNTIME, admin, wait_until_or_tell};

/// An operator with an edge; gives the edge's token.
fn member(hub: &Hub, number: usize) -> String {
    let (name, edge) = (format!("operator-{number}"), format!("edge-{number}"));
    let names = ["--name-ja", &name, "--name-en", &name, "--role", "operator", "--sector", "power"];
    admin(hub, &[&["org", "add", &name], &names[..]].concat());
    admin(hub, &["edge", "add", &edge, "--org", &name, "--name", &edge])
}

/// An edge reports that it saw an indicator.
#[track_caller]
fn saw(hub: &Hub, edge: &str, object: &Value) {
    let now = jiff::Timestamp::now().to_string();
    let sighting = json!({
        "id": uuid::Uuid::new_v4(), "indicator": object["id"], "indicator_version": object["modified"], "first_seen": now,
        "last_seen": now, "count": 1, "purpose": "collective-defence", "marking": "amber", "addresses": ["198.51.100.7"],
        "domains": [], "hashes": [], "ports": [443], "protocol": "tcp", "bytes": 1200,
    });
    let (status, text) = RUNTIME.block_on(async {
        let request =
            reqwest::Client::new().post(format!("{}/edge/v1/sightings", hub.address)).bearer_auth(edge);
        let answer = request.json(&json!({ "sightings": [sighting] })).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    });
    assert_eq!(status, 200, "{text}");
}

/// What came in is as old as if the last full five minutes were over.
fn settle(hub: &Hub) {
    let database = rusqlite::Connection::open(hub.data().join("yagura.sqlite")).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    assert!(database.execute("UPDATE sightings SET added = added - 600000000", []).unwrap() > 0);
}

#[test]
fn others_are_counted_from_three_on_in_steps_and_late() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&folder.path().join("hub"));
    let edges: Vec<String> = (1..=6).map(|number| member(&hub, number)).collect();
    let name = ["--name-ja", "機関", "--name-en", "Agency", "--role", "agency"];
    admin(&hub, &[&["org", "add", "agency"], &name[..]].concat());
    let token = admin(&hub, &["token", "add", "--org", "agency", "--role", "analyst"]);
    let object = indicator(Some("green"));
    let published = RUNTIME.block_on(async {
        let request =
            reqwest::Client::new().post(format!("{}/api/v1/objects", hub.address)).bearer_auth(&token);
        request.json(&objects(std::slice::from_ref(&object))).send().await.unwrap().status().as_u16()
    });
    assert_eq!(published, 200);
    let contributor = Person::of(&hub, "agency", "analyst");
    let seen = || contributor.good("/api/v1/contributions")["contributions"][0]["seen_by_at_least"].clone();
    let mut told = Vec::new();
    for edge in &edges {
        saw(&hub, edge, &object);
        let before = seen();
        settle(&hub);
        wait_until_or_tell(
            "the page is there",
            || !contributor.good("/api/v1/contributions").is_null(),
            String::new,
        );
        told.push((before, seen()));
    }
    // A member that sees it again is one member all the same.
    saw(&hub, &edges[0], &object);
    settle(&hub);
    told.push((seen(), seen()));
    let [nothing, three, five] = [Value::Null, json!(3), json!(5)];
    let expected: Vec<(Value, Value)> = [
        (&nothing, &nothing),
        (&nothing, &nothing),
        (&nothing, &three),
        (&three, &three),
        (&three, &five),
        (&five, &five),
        (&five, &five),
    ]
    .map(|(before, after)| (before.clone(), after.clone()))
    .into();
    assert_eq!(told, expected, "nothing before the five minutes are over, and nothing of fewer than three");
    // Nowhere in the answer stands who it was.
    let answer = contributor.good("/api/v1/contributions").to_string();
    assert!((1..=6).all(|number| !answer.contains(&format!("operator-{number}"))), "{answer}");
    // Those who blocked because of it say so themselves.
    for number in [1, 2] {
        let member = Person::of(&hub, &format!("operator-{number}"), "analyst");
        let said = json!({ "judgement": "blocked", "explanation": "dropped at the border" });
        member.done(&format!("/api/v1/objects/{}/judgements", id(&object)), &said);
        member.done(&format!("/api/v1/objects/{}/judgements", id(&object)), &said);
    }
    let mine = contributor.good("/api/v1/contributions")["contributions"][0].clone();
    assert_eq!((&mine["blocked"], &mine["confirmed"]), (&json!(2), &json!(0)));
}
