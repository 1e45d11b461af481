//! The loop: intelligence to the edge, a sighting back, a case.

use api::{IntelligenceChange, SightingOutcome};
use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::rest::{ids, named, relationship, sighting};
use crate::support::{TestHub, V1, V2, id_of, indicator, indicator_with, marked};

fn put_ids(changes: &[IntelligenceChange]) -> Vec<String> {
    let id = |change: &IntelligenceChange| match change {
        IntelligenceChange::Put { object, .. } => id_of(object),
        IntelligenceChange::Drop { id } => format!("drop {id}"),
    };
    changes.iter().map(id).collect()
}

async fn two_operators(hub: &TestHub) -> (String, String) {
    hub.operator("kinki-power", "近畿電力", "power").await;
    hub.operator("kanto-water", "関東水道", "water").await;
    (hub.register_edge("power-1", "kinki-power").await, hub.register_edge("water-1", "kanto-water").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn sightings_on_two_members_open_a_case_and_later_ones_join_it() {
    let hub = TestHub::start().await;
    let (power, water) = two_operators(&hub).await;
    let (first, second) = (marked(indicator(V1), Tlp::Green), marked(indicator(V1), Tlp::Green));
    let campaign = named("campaign", "赤い霧 作戦", Tlp::Green);
    let links = [
        relationship(&first, "indicates", &campaign, Tlp::Green),
        relationship(&second, "indicates", &campaign, Tlp::Green),
    ];
    hub.publish(
        &hub.token,
        &[first.clone(), second.clone(), campaign.clone(), links[0].clone(), links[1].clone()],
    )
    .await;

    let one = sighting(&id_of(&first));
    assert_eq!(hub.report(&power, std::slice::from_ref(&one)).await, [SightingOutcome::Accepted]);
    assert_eq!(hub.good(&hub.token, "/api/v1/cases").await["cases"], json!([]));

    // Another indicator of the same campaign, in another network.
    let two = sighting(&id_of(&second));
    assert_eq!(hub.report(&water, std::slice::from_ref(&two)).await, [SightingOutcome::Accepted]);
    let cases = hub.good(&hub.token, "/api/v1/cases").await;
    let case = &cases["cases"][0];
    assert_eq!(case["members"], json!(["kanto-water", "kinki-power"]));
    assert_eq!(case["sectors"], json!(["power", "water"]));
    assert_eq!(
        (case["sightings"].as_u64(), case["marking"]["tlp"].as_str(), case["number"].as_i64()),
        (Some(2), Some("amber"), Some(1))
    );

    // The same again is a duplicate, also within one request; a new one joins.
    let three = sighting(&id_of(&first));
    let outcomes = hub.report(&power, &[one.clone(), three.clone(), three.clone()]).await;
    assert_eq!(outcomes, [SightingOutcome::Duplicate, SightingOutcome::Accepted, SightingOutcome::Duplicate]);
    let cases = hub.good(&hub.token, "/api/v1/cases").await;
    assert_eq!(cases["cases"].as_array().unwrap().len(), 1);
    assert_eq!(cases["cases"][0]["sightings"], 3);

    // The case tells its story, with names.
    let id = case["id"].as_str().unwrap();
    let whole = hub.good(&hub.token, &format!("/api/v1/cases/{id}")).await;
    let kinds: Vec<&str> =
        whole["timeline"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["opened", "sighting", "sighting", "sighting"]);
    assert_eq!(whole["timeline"][0]["text"], "several-members");
    assert!(ids(&whole["objects"]).contains(&id_of(&campaign)));

    // Everything is an object of the log: the sighting with what was let out, and the incident in each of its versions.
    let object =
        hub.good(&hub.token, &format!("/api/v1/objects/sighting--{}", one.id)).await["object"].clone();
    assert_eq!((&object["sighting_of_ref"], &object["count"]), (&first["id"], &json!(1)));
    let extension = object["extensions"].as_object().unwrap().values().next().unwrap();
    assert_eq!((&extension["domains"], &extension["edge"]), (&json!(["evil.example"]), &json!("power-1")));
    let incident = hub.good(&hub.token, &format!("/api/v1/objects/{id}")).await;
    assert_eq!(incident["versions"].as_array().unwrap().len(), 2);
    let definition = object["extensions"].as_object().unwrap().keys().next().unwrap();
    assert_eq!(
        hub.good(&hub.token, &format!("/api/v1/objects/{definition}")).await["object"]["type"],
        "extension-definition"
    );
    let who = object["created_by_ref"].as_str().unwrap();
    assert_eq!(
        hub.good(&hub.token, &format!("/api/v1/objects/{who}")).await["object"]["description"],
        "近畿電力"
    );

    // And each act is on record.
    assert_eq!(hub.audit(Action::SightingsReceived).await.len(), 3);
    assert_eq!(hub.audit(Action::CaseOpened).await.len(), 1);
    assert_eq!(hub.audit(Action::CaseChanged).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grave_indicator_opens_a_case_alone() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let mut grave = marked(indicator(V1), Tlp::Amber);
    grave["labels"] = json!(["severity:critical"]);
    grave["name"] = json!("配電制御への侵入");
    hub.publish(&hub.token, std::slice::from_ref(&grave)).await;
    hub.report(&power, &[sighting(&id_of(&grave))]).await;
    let cases = hub.good(&hub.token, "/api/v1/cases").await;
    assert_eq!(
        (&cases["cases"][0]["severity"], &cases["cases"][0]["members"]),
        (&json!(5), &json!(["kinki-power"]))
    );
    let board = hub.good(&hub.token, "/api/v1/board").await;
    let sector = |name: &str| {
        board["sectors"].as_array().unwrap().iter().find(|s| s["sector"] == name).unwrap().clone()
    };
    assert_eq!((&sector("power")["severity"], &sector("power")["sightings"]), (&json!(5), &json!(1)));
    assert_eq!(sector("water")["severity"], Value::Null);
    assert_eq!(board["sectors"].as_array().unwrap().len(), 15);
    assert_eq!(board["last_hour"].as_array().unwrap().len(), 60);
    assert_eq!(
        board["last_hour"].as_array().unwrap().iter().map(|m| m["count"].as_u64().unwrap()).sum::<u64>(),
        1
    );
    assert_eq!(board["sightings"][0]["indicator_name"], "配電制御への侵入");
    assert_eq!(board["sightings"][0]["values"], json!(["evil.example", "198.51.100.1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_edge_may_not_see_it_cannot_report_on() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let hidden = marked(indicator(V1), Tlp::AmberStrict);
    hub.publish(&hub.token, std::slice::from_ref(&hidden)).await;
    assert!(hub.intelligence(&power, 0).await.changes.is_empty());
    let outcomes = hub
        .report(
            &power,
            &[sighting(&id_of(&hidden)), sighting(&format!("indicator--{}", uuid::Uuid::new_v4()))],
        )
        .await;
    assert!(matches!(&outcomes[0], SightingOutcome::Refused { code, .. } if code == "not-found"));
    assert_eq!(outcomes[0], outcomes[1], "hidden and absent look alike");
    // Another operator's number for a sighting is not silently taken for one's own.
    let open = marked(indicator(V1), Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&open)).await;
    let first = sighting(&id_of(&open));
    let water = hub.register_edge("water-9", "kanto-water").await;
    assert_eq!(hub.report(&water, std::slice::from_ref(&first)).await, [SightingOutcome::Accepted]);
    let outcomes = hub.report(&power, &[first]).await;
    assert!(
        matches!(&outcomes[0], SightingOutcome::Refused { code, .. } if code == "id-taken"),
        "{outcomes:?}"
    );
    let mut talkative = sighting(&id_of(&hidden));
    talkative.domains = vec!["evil.example/secret?user=taro".to_owned()];
    let outcomes = hub.report(&power, &[talkative]).await;
    assert!(
        matches!(&outcomes[0], SightingOutcome::Refused { code, .. } if code == "not-mechanical"),
        "{outcomes:?}"
    );
    assert_eq!(hub.audit(Action::SightingsReceived).await.len(), 1);
    assert_eq!(hub.audit(Action::Refused).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sighting_is_never_freer_than_its_indicator() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let amber = marked(indicator(V1), Tlp::Amber);
    hub.publish(&hub.token, std::slice::from_ref(&amber)).await;
    let mut loose = sighting(&id_of(&amber));
    loose.marking = "clear".to_owned();
    hub.report(&power, std::slice::from_ref(&loose)).await;
    let object = hub.good(&hub.token, &format!("/api/v1/objects/sighting--{}", loose.id)).await;
    assert_eq!(object["summary"]["marking"]["tlp"], "amber");
    hub.organisation("partner", OrganisationRole::Partner).await;
    let partner = hub.token("partner", &[PersonRole::Analyst]).await;
    assert_eq!(
        hub.rest(&partner, Method::GET, &format!("/api/v1/objects/sighting--{}", loose.id))
            .send()
            .await
            .status,
        404
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marking_that_nobody_knows_keeps_a_sighting_at_home() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let own = hub.token("kinki-power", &[PersonRole::Analyst]).await;
    let mut odd = marked(indicator(V1), Tlp::Green);
    let unknown = json!(format!("marking-definition--{}", uuid::Uuid::new_v4()));
    odd["object_marking_refs"].as_array_mut().unwrap().push(unknown);
    hub.publish(&own, std::slice::from_ref(&odd)).await;
    let told = hub.intelligence(&power, 0).await;
    assert_eq!(put_ids(&told.changes), [id_of(&odd)]);
    assert!(matches!(&told.changes[0], IntelligenceChange::Put { tlp: None, .. }), "{told:?}");
    let mut loose = sighting(&id_of(&odd));
    loose.marking = "clear".to_owned();
    assert_eq!(hub.report(&power, std::slice::from_ref(&loose)).await, [SightingOutcome::Accepted]);
    let path = format!("/api/v1/objects/sighting--{}", loose.id);
    assert_eq!(hub.good(&own, &path).await["summary"]["marking"]["tlp"], "red");
    assert_eq!(hub.rest(&hub.token, Method::GET, &path).send().await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledger_and_the_board_name_is_written_down() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let mut grave = marked(indicator(V1), Tlp::Amber);
    grave["labels"] = json!(["severity:critical"]);
    hub.publish(&hub.token, std::slice::from_ref(&grave)).await;
    hub.report(&power, &[sighting(&id_of(&grave))]).await;
    let own = hub.token("kinki-power", &[PersonRole::DutyOfficer]).await;
    for (path, door) in
        [("/api/v1/edges", "edges"), ("/api/v1/edges/power-1", "edges"), ("/api/v1/board", "board")]
    {
        let before = hub.audit(Action::ObjectsReleased).await.len();
        hub.good(&own, path).await;
        let rows = hub.audit(Action::ObjectsReleased).await;
        assert_eq!(rows.len(), before + 1, "{path}");
        assert!(
            rows.iter().any(|row| row.event.detail["door"] == door
                && row.event.detail["recipient"] == "kinki-power"
                && !row.event.objects.is_empty()),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sighting_that_is_withdrawn_counts_no_more() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let green = marked(indicator(V1), Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&green)).await;
    let (gone, stays) = (sighting(&id_of(&green)), sighting(&id_of(&green)));
    hub.report(&power, &[gone.clone(), stays.clone()]).await;
    let path = format!("/api/v1/objects/sighting--{}", gone.id);
    assert_eq!(hub.rest(&hub.token, Method::DELETE, &path).send().await.status, 204);
    let board = hub.good(&hub.token, "/api/v1/board").await;
    assert_eq!(ids(&board["sightings"]), [format!("sighting--{}", stays.id)]);
    let sectors = board["sectors"].as_array().unwrap();
    assert_eq!(sectors.iter().find(|sector| sector["sector"] == "power").unwrap()["sightings"], 1);
    // Its edge may not have heard that it came in: it does not come back by being sent again.
    assert_eq!(hub.report(&power, &[gone]).await, [SightingOutcome::Duplicate]);
    assert_eq!(hub.rest(&hub.token, Method::GET, &path).send().await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_follows_what_changes() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let old = marked(indicator(V1), Tlp::Green);
    let red = marked(indicator(V1), Tlp::Red);
    let mut over = marked(indicator(V1), Tlp::Green);
    over["valid_until"] = json!("2024-06-01T00:00:00Z");
    hub.publish(&hub.token, &[old.clone(), red, over, named("campaign", "c", Tlp::Green)]).await;

    let start = hub.intelligence(&power, 0).await;
    assert!(start.reset && !start.more);
    assert_eq!(put_ids(&start.changes), [id_of(&old)]);
    assert!(
        matches!(&start.changes[0], IntelligenceChange::Put { tlp, .. } if tlp.as_deref() == Some("green"))
    );
    let quiet = hub.intelligence(&power, start.sequence).await;
    assert!(!quiet.reset && quiet.changes.is_empty());

    // A waiting question is answered as soon as something is published.
    let new = marked(indicator(V1), Tlp::Green);
    let wait = format!("/edge/v1/intelligence?after={}&wait=30", quiet.sequence);
    let asked = std::time::Instant::now();
    let (told, _) =
        tokio::join!(hub.good(&power, &wait), hub.publish(&hub.token, std::slice::from_ref(&new)));
    let told: api::Intelligence = serde_json::from_value(told).unwrap();
    assert_eq!(put_ids(&told.changes), [id_of(&new)]);
    assert!(asked.elapsed() < std::time::Duration::from_secs(20), "it did not wait to the end");

    // Revoked, and withdrawn: forget it.
    let mut revoked = marked(indicator_with(&id_of(&old), V2), Tlp::Green);
    revoked["revoked"] = json!(true);
    hub.publish(&hub.token, &[revoked]).await;
    let withdrawn =
        hub.rest(&hub.token, Method::DELETE, &format!("/api/v1/objects/{}", id_of(&new))).send().await;
    assert_eq!(withdrawn.status, 204);
    let told = hub.intelligence(&power, told.sequence).await;
    assert_eq!(put_ids(&told.changes), [format!("drop {}", id_of(&old)), format!("drop {}", id_of(&new))]);
    assert_eq!(put_ids(&hub.intelligence(&power, 0).await.changes), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_policies_make_an_edge_begin_anew() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let amber = marked(indicator(V1), Tlp::Amber);
    hub.publish(&hub.token, std::slice::from_ref(&amber)).await;
    let start = hub.intelligence(&power, 0).await;
    let known = hub.intelligence(&power, start.sequence).await;
    assert!(!known.reset);

    let closed: Vec<(String, String)> = policy::Engine::built_in()
        .into_iter()
        .map(|(file, text)| {
            let for_all = "@id(\"read-amber\")\npermit (principal,";
            (file, text.replace(for_all, "@id(\"read-amber\")\npermit (principal is Yagura::Person,"))
        })
        .collect();
    hub.running.replace_policies(&closed).await.unwrap();
    let anew = hub.intelligence(&power, known.sequence).await;
    assert!(anew.reset && anew.changes.is_empty(), "{anew:?}");
    // The answer was lost: the edge asks as before, and is told again.
    assert!(hub.intelligence(&power, known.sequence).await.reset || known.sequence == anew.sequence);
    assert!(!hub.intelligence(&power, anew.sequence).await.reset);
    // A sequence from another world.
    assert!(hub.intelligence(&power, 1_000_000).await.reset);
}

#[tokio::test(flavor = "multi_thread")]
async fn edges_are_seen_by_their_own_and_by_the_coordinator() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let hello = json!({
        "version": "0.1.0", "generation": 0, "indicators": 0, "refused": 0, "records": 5, "matches": 0, "sent": 0, "waiting": 0,
        "withheld": 0, "trouble": null,
        "sources": [{ "name": "ids", "format": "eve", "behind_bytes": 0, "lag_seconds": 0.5, "records": 5, "unreadable": 0 }],
    });
    assert_eq!(hub.send_json(&power, Method::POST, "/edge/v1/hello", hello).await.status, 204);
    let all = hub.good(&hub.token, "/api/v1/edges").await;
    assert_eq!(ids(&all["edges"]), ["water-1", "power-1"]);
    assert_eq!((&all["edges"][1]["health"], &all["edges"][0]["health"]), (&json!("well"), &json!("new")));
    assert_eq!(all["edges"][1]["hello"]["sources"][0]["name"], "ids");
    let own = hub.token("kanto-water", &[PersonRole::DutyOfficer]).await;
    assert_eq!(ids(&hub.good(&own, "/api/v1/edges").await["edges"]), ["water-1"]);
    assert_eq!(hub.rest(&own, Method::GET, "/api/v1/edges/power-1").send().await.status, 404);
    assert_eq!(hub.rest(&own, Method::DELETE, "/api/v1/edges/water-1").send().await.status, 403);
    assert_eq!(hub.rest(&hub.token, Method::DELETE, "/api/v1/edges/power-1").send().await.status, 204);
    assert_eq!(
        hub.rest(&power, Method::GET, "/edge/v1/intelligence").send().await.status,
        401,
        "its token has ended"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_is_for_edges_alone() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    assert_eq!(hub.rest(&hub.token, Method::GET, "/edge/v1/intelligence").send().await.status, 401);
    assert_eq!(hub.rest(&power, Method::GET, "/api/v1/board").send().await.status, 401);
    let client = api::client::Client::new(&api::client::Settings {
        address: format!("http://{}", hub.running.listen),
        token: Some(power),
        root_certificate: None,
        identity: None,
    })
    .unwrap();
    assert!(client.intelligence(0, 0).await.unwrap().reset);
    assert!(matches!(client.board().await, Err(api::client::Error::Refused(_))));
    let many =
        (0..1001).map(|_| sighting("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f")).collect::<Vec<_>>();
    let reply = hub
        .send_json(
            &hub.register_edge("power-2", "kinki-power").await,
            Method::POST,
            "/edge/v1/sightings",
            json!({ "sightings": many }),
        )
        .await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (422, Some("unprocessable")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_sightings_is_one_case_and_few_versions() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let mut grave = marked(indicator(V1), Tlp::Amber);
    grave["labels"] = json!(["severity:high"]);
    hub.publish(&hub.token, std::slice::from_ref(&grave)).await;
    for _ in 0..40 {
        let sent: Vec<_> = (0..3).map(|_| sighting(&id_of(&grave))).collect();
        assert!(hub.report(&power, &sent).await.iter().all(|outcome| *outcome == SightingOutcome::Accepted));
    }
    let case = hub.good(&hub.token, "/api/v1/cases").await["cases"][0].clone();
    assert_eq!(case["sightings"], 120);
    let versions = async || {
        let incident =
            hub.good(&hub.token, &format!("/api/v1/objects/{}", case["id"].as_str().unwrap())).await;
        let logged = incident["object"]["extensions"]
            .as_object()
            .unwrap()
            .values()
            .find_map(|e| e["object_refs"].as_array().cloned());
        (incident["versions"].as_array().unwrap().len(), logged.unwrap().len())
    };
    // The log follows within seconds.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while versions().await.1 < 121 && std::time::Instant::now() < deadline {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let (count, logged) = versions().await;
    assert_eq!(logged, 121, "120 sightings and the indicator");
    assert!(count < 30, "{count} versions");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_keeps_its_place_when_the_hub_restarts() {
    let mut hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    hub.publish(&hub.token, &[marked(indicator(V1), Tlp::Green)]).await;
    let start = hub.intelligence(&power, 0).await;
    let place = hub.intelligence(&power, start.sequence).await.sequence;
    hub = hub.restart().await;
    let new = marked(indicator(V1), Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&new)).await;
    let told = hub.intelligence(&power, place).await;
    assert!(!told.reset);
    assert_eq!(put_ids(&told.changes), [id_of(&new)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_is_removed_waits_in_vain() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let start = hub.intelligence(&power, 0).await;
    let path = format!("/edge/v1/intelligence?after={}&wait=60", start.sequence);
    let asked = std::time::Instant::now();
    let (waiting, removed) = tokio::join!(
        hub.rest(&power, Method::GET, &path).send(),
        hub.rest(&hub.token, Method::DELETE, "/api/v1/edges/power-1").send()
    );
    assert_eq!((waiting.status, removed.status), (401, 204));
    assert!(asked.elapsed() < std::time::Duration::from_secs(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opinion_counts_for_its_originator_and_is_taken_back_as_it_was_given() {
    let hub = TestHub::start().await;
    let (power, water) = two_operators(&hub).await;
    let object = marked(indicator(V1), Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&object)).await;
    let id = id_of(&object);
    let opinion = json!({
        "id": uuid::Uuid::new_v4(), "indicator": id, "opinion": "strongly-disagree", "explanation": "自社の監視装置",
        "created": "2026-04-02T00:00:00.123456Z", "modified": "2026-04-02T00:00:00.123456Z",
        "purpose": "collective-defence", "marking": "clear",
    });
    let give = async |edge: &str, opinion: &Value| {
        let body = json!({ "opinions": [opinion] });
        let reply = hub.send_json(edge, Method::POST, "/edge/v1/opinions", body).await;
        assert_eq!(reply.status, 200);
        let outcome = reply.json()["outcomes"][0].clone();
        outcome["code"].as_str().or(outcome["outcome"].as_str()).unwrap().to_owned()
    };
    let change = |name: &str, value: Value| {
        let mut changed = opinion.clone();
        changed[name] = value;
        changed
    };
    let unknown = id_of(&indicator(V1));
    for (name, value, code) in [
        ("indicator", json!(unknown), "not-found"),
        ("indicator", json!("malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"), "indicator"),
        ("opinion", json!("agree"), "opinion"),
        ("explanation", json!("x".repeat(1001)), "explanation"),
        ("explanation", json!("two\nlines"), "explanation"),
        ("modified", json!("2026-04-01T00:00:00Z"), "times"),
        ("created", json!("2026-04-02T00:00:00+09:00"), "times"),
        ("withdrawn", json!(true), "times"),
        ("purpose", json!("oversight"), "purpose"),
        ("marking", json!("TLP:RED"), "marking"),
    ] {
        assert_eq!(give(&power, &change(name, value.clone())).await, code, "{name} {value}");
    }
    assert_eq!(give(&power, &opinion).await, "accepted");
    assert_eq!(give(&power, &opinion).await, "duplicate");
    assert_eq!(give(&water, &opinion).await, "id-taken");

    let stix = format!("/api/v1/objects/opinion--{}", opinion["id"].as_str().unwrap());
    let kept = hub.good(&hub.token, &stix).await["object"].clone();
    assert_eq!((&kept["opinion"], &kept["explanation"]), (&opinion["opinion"], &opinion["explanation"]));
    assert_eq!((&kept["object_refs"], &kept["created"]), (&json!([id]), &json!("2026-04-02T00:00:00.123Z")));
    assert_eq!(kept["object_marking_refs"], json!([Tlp::Green.id()]), "never freer than its indicator");
    let contribution = async || {
        let list = hub.good(&hub.token, "/api/v1/contributions").await;
        list["contributions"][0]["false_alarm"].clone()
    };
    assert_eq!(contribution().await, 1);
    assert_eq!(hub.audit(Action::ContributionJudged).await.len(), 1);
    let left = hub.good(&hub.token, "/api/v1/edges/power-1").await["ledger"][0].clone();
    assert_eq!(
        (&left["indicator"], &left["contents"]),
        (&json!(id), &json!(["opinion: strongly-disagree", "explanation: 1"]))
    );

    let mut back = change("modified", json!("2026-04-02T00:00:01Z"));
    back["withdrawn"] = json!(true);
    assert_eq!(give(&power, &back).await, "accepted");
    assert_eq!(contribution().await, 0);
    assert_eq!(hub.good(&hub.token, &stix).await["object"]["revoked"], true);
    assert_eq!(hub.audit(Action::ContributionJudged).await.len(), 2);

    let many = json!({ "opinions": vec![opinion.clone(); 101] });
    assert_eq!(hub.send_json(&power, Method::POST, "/edge/v1/opinions", many).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opinion_is_for_the_indicators_originator_and_not_for_all_who_see_the_indicator() {
    let hub = TestHub::start().await;
    let (power, _) = two_operators(&hub).await;
    let object = marked(indicator(V1), Tlp::Green);
    hub.publish(&hub.token, std::slice::from_ref(&object)).await;
    let opinion = json!({
        "id": uuid::Uuid::new_v4(), "indicator": id_of(&object), "opinion": "disagree", "created": "2026-04-02T00:00:00Z",
        "modified": "2026-04-02T00:00:00Z", "purpose": "collective-defence", "marking": "amber+strict",
    });
    let reply =
        hub.send_json(&power, Method::POST, "/edge/v1/opinions", json!({ "opinions": [opinion] })).await;
    assert_eq!(reply.json()["outcomes"][0]["outcome"], "accepted");
    let stix = format!("/api/v1/objects/opinion--{}", opinion["id"].as_str().unwrap());
    let water = hub.token("kanto-water", &[PersonRole::Analyst]).await;
    assert_eq!(
        hub.rest(&water, Method::GET, &format!("/api/v1/objects/{}", id_of(&object))).send().await.status,
        200
    );
    assert_eq!(hub.rest(&water, Method::GET, &stix).send().await.status, 404);
    assert_eq!(hub.good(&hub.token, &stix).await["object"]["opinion"], "disagree");
}
