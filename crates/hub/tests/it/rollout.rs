//! Runs that are rehearsed, tried at one edge first, paused, and approved by one person alone.

use oversight::PersonRole;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::abroad::{orders, report};
use crate::room_hubs::until;
use crate::runs::{Council, block, hash, safeguards};
use crate::signed::Signed;

fn path(run: &Value) -> String {
    format!("/api/v1/runs/{}", run["summary"]["id"].as_str().unwrap())
}

impl Council {
    async fn rehearsed(&self, playbook: &Value) -> Value {
        self.brought(playbook).await;
        let asker = self.as_person(&self.asker).await;
        let new = json!({ "id": Uuid::new_v4(), "playbook": playbook["id"], "dry_run": true });
        asker.done("/api/v1/runs", new).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_passes_the_gates_asks_nobody_and_orders_nothing() {
    let council = Council::new().await;
    let run = council.rehearsed(&block("198.51.100.7", safeguards("198.51.100.7", 2))).await;
    assert_eq!(
        (&run["summary"]["state"], &run["summary"]["dry_run"]),
        (&json!("succeeded"), &json!(true)),
        "{run}"
    );
    assert_eq!(run["questions"], json!([]));
    // What would have been carried out is shown as ever.
    assert!(run["commands"][0]["command"]["body"].as_str().unwrap().contains("198.51.100.7"));
    for (gate, playbook) in [
        ("protected", block("192.0.2.9", safeguards("192.0.2.9", 2))),
        ("approval", block("198.51.100.7", safeguards("198.51.100.7", 1))),
        ("authority", block("198.51.100.7", Value::Null)),
    ] {
        let run = council.rehearsed(&playbook).await;
        assert_eq!(run["summary"]["state"], "failed", "{gate}");
        assert!(run["summary"]["why"].as_str().unwrap().contains(&format!("gate `{gate}`")), "{run}");
    }
    assert!(council.orders(0).await["orders"].as_array().unwrap().is_empty());
    let listed = council.as_person(&council.asker).await.good("/api/v1/orders").await;
    assert_eq!(listed["orders"], json!([]));
}

/// A block at two edges, tried as said.
fn at_two(rollout: Value) -> Value {
    let mut safeguards = safeguards("198.51.100.7", 2);
    safeguards["rollout"] = rollout;
    safeguards["blast_radius"]["traffic_percent_max"] = json!(2.5);
    let mut playbook = block("198.51.100.7", safeguards);
    let second = format!("http-api--{}", Uuid::new_v4());
    playbook["target_definitions"][&second] =
        json!({ "type": "http-api", "name": "Other edge", "address": { "dname": ["kinki-2"] } });
    let steps = playbook["workflow"].as_object_mut().unwrap();
    let step = steps.values_mut().find(|step| step["type"] == "action").unwrap();
    step["targets"].as_array_mut().unwrap().push(json!(second));
    playbook
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_edge_is_watched_before_the_others_follow_and_a_failure_takes_it_back() {
    let council = Council::new().await;
    let (one, two) = (council.edge.clone(), council.hub.edge("kinki-2", "kinki").await);
    let rollout = json!({ "shadow": 60_000, "canary": true, "canary_watch": 1_000 });
    let run = council.started(&at_two(rollout)).await;
    assert_eq!(
        run["questions"][0]["commands"].as_array().unwrap().len(),
        2,
        "both edges are agreed to at once"
    );
    assert_eq!(run["questions"][0]["commands"][0]["rollout"]["canary_watch_ms"], 1_000);
    let run = council.approved(&council.ministry, &run).await;
    council.approved(&council.kinki, &run).await;
    let first = orders(&council.hub, &one, 0).await["orders"][0].clone();
    let args = &first["message"]["body"]["openc2"]["request"]["args"];
    assert_eq!(
        args["x-yagura"],
        json!({ "shadow": 60_000, "traffic_percent_max": 2.5 }),
        "what is tried is signed"
    );
    let command = first["about"]["command_id"].as_str().unwrap();
    let of_two = async || orders(&council.hub, &two, 0).await["orders"][0].clone();
    report(&council.hub, &one, command, 1, "shadow").await;
    assert!(of_two().await.is_null());
    let begun = std::time::Instant::now();
    report(&council.hub, &one, command, 2, "enforced").await;
    assert!(of_two().await.is_null(), "the first one has to hold it for a while");
    until("the other edge follows", async || of_two().await.is_object()).await;
    assert!(begun.elapsed() >= std::time::Duration::from_millis(900), "{:?}", begun.elapsed());
    // The other one gives it up in its shadow: the first one is told to let go.
    let second = of_two().await["about"]["command_id"].as_str().unwrap().to_owned();
    report(&council.hub, &two, &second, 1, "failed").await;
    let sequence = first["sequence"].as_i64().unwrap();
    let undoing = async || orders(&council.hub, &one, sequence).await["orders"][0].clone();
    until("the first edge lets go", async || undoing().await.is_object()).await;
    assert_eq!(undoing().await["about"]["undoes"], command);
    assert_eq!(council.settled(&run, &["failed"]).await["summary"]["state"], "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_first_edge_does_not_hold_it_the_others_are_never_ordered() {
    let council = Council::new().await;
    let two = council.hub.edge("kinki-2", "kinki").await;
    let run = council.started(&at_two(json!({ "canary": true, "canary_watch": 600_000 }))).await;
    let run = council.approved(&council.ministry, &run).await;
    council.approved(&council.kinki, &run).await;
    let first = council.orders(0).await["orders"][0].clone();
    let command = first["about"]["command_id"].as_str().unwrap();
    assert!(first["message"]["body"]["openc2"]["request"]["args"].get("x-yagura").is_none());
    report(&council.hub, &council.edge, command, 1, "enforced").await;
    report(&council.hub, &council.edge, command, 2, "drifted").await;
    let run = council.settled(&run, &["failed"]).await;
    assert!(run["summary"]["why"].as_str().unwrap().contains("does not hold it"), "{}", run["summary"]);
    assert_eq!(orders(&council.hub, &two, 0).await["orders"], json!([]));
    let undoing = council.orders(first["sequence"].as_i64().unwrap()).await["orders"][0].clone();
    assert_eq!(undoing["about"]["undoes"], command);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_orders_nothing_until_it_goes_on() {
    let council = Council::new().await;
    let run = council.started(&block("198.51.100.7", safeguards("198.51.100.7", 2))).await;
    let asker = council.as_person(&council.asker).await;
    let because = json!({ "reason": "shift change" });
    let other = council.as_person(&council.ministry).await;
    assert_eq!(other.post(&format!("{}/pause", path(&run)), because.clone()).await.status, 403);
    let paused = asker.done(&format!("{}/pause", path(&run)), because.clone()).await;
    assert_eq!(paused["summary"]["state"], "paused");
    assert_eq!(asker.post(&format!("{}/pause", path(&run)), because.clone()).await.status, 409);
    let run = council.approved(&council.ministry, &run).await;
    let run = council.approved(&council.kinki, &run).await;
    assert_eq!(run["summary"]["state"], "paused");
    assert!(council.orders(0).await["orders"].as_array().unwrap().is_empty());
    asker.done(&format!("{}/continue", path(&run)), because.clone()).await;
    until("it is ordered", async || council.orders(0).await["orders"][0].is_object()).await;
    assert_eq!(asker.post(&format!("{}/continue", path(&run)), because).await.status, 409);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_approves_alone_for_a_short_time_and_another_organisation_reviews_it() {
    let mut guarded = safeguards("198.51.100.7", 2);
    guarded["approval"]["break_glass"] = json!(300_000);
    let playbook = block("198.51.100.7", guarded);
    let alone = |run: &Value| format!("{}/questions/0/approve-alone", path(run));
    // Nobody may where the hub's operator lets nobody.
    let strict = Council::new().await;
    let run = strict.started(&playbook).await;
    let ministry = strict.as_person(&strict.ministry).await;
    let answer = json!({ "hash": hash(&run), "reason": "the bank is bleeding" });
    assert_eq!(ministry.post(&alone(&run), answer).await.status, 403);
    assert!(run["questions"][0].get("alone_ms").is_none());

    let council = Council::with(|config| config.response.break_glass_max_ms = 120_000).await;
    let unasked = council.started(&block("198.51.100.8", safeguards("198.51.100.8", 2))).await;
    let ministry = council.as_person(&council.ministry).await;
    let answer = |run: &Value| json!({ "hash": hash(run), "reason": "the bank is bleeding" });
    assert_eq!(
        ministry.post(&alone(&unasked), answer(&unasked)).await.status,
        403,
        "the playbook lets nobody"
    );
    let run = council.started(&playbook).await;
    assert_eq!(run["questions"][0]["alone_ms"], 120_000, "the shorter of both");
    assert_eq!(ministry.post(&alone(&run), json!({ "hash": hash(&run) })).await.status, 422, "it says why");
    ministry.done(&alone(&run), answer(&run)).await;
    let order = council.orders(0).await["orders"][0].clone();
    let stops = order["message"]["body"]["openc2"]["request"]["args"]["stop_time"].as_i64().unwrap();
    let left = stops - jiff::Timestamp::now().as_millisecond();
    assert!((1..=120_000).contains(&left), "{left}");

    // It stands open until somebody of another organisation than those two has said what it was.
    let own = Signed::person(&council.hub, "ministry", PersonRole::Administrator).await;
    let one = own.good("/api/v1/lone-approvals").await["approvals"][0].clone();
    assert_eq!((&one["state"], &one["may_review"]), (&json!("waits"), &json!(false)), "{one}");
    let review = format!("/api/v1/lone-approvals/{}/review", one["id"].as_str().unwrap());
    let found = json!({ "justified": true, "finding": "in time" });
    assert_eq!(own.post(&review, found.clone()).await.status, 403);
    let stranger = Signed::person(&council.hub, "kanto", PersonRole::Administrator).await;
    assert_eq!(stranger.post(&review, found.clone()).await.status, 404);
    let coordinator = Signed::person(&council.hub, "coordinator", PersonRole::Administrator).await;
    let told = coordinator.good("/api/v1/notices").await;
    assert!(told.to_string().contains("lone-approval"), "{told}");
    assert_eq!(coordinator.done(&review, found.clone()).await["state"], "justified");
    assert_eq!(coordinator.post(&review, found).await.status, 409);
}
