//! Against what is ordered of edges: approvals that nobody gave, and orders that nobody agreed to.

use oversight::PersonRole;
use reqwest::Method;
use serde_json::json;

use super::{Attack, answer, error, noticed};
use crate::runs::{Council, aged, block, hash, safeguards, verified};
use crate::support::TestHub;

pub async fn all() -> Vec<Attack> {
    vec![forged_approval().await, forged_order().await]
}

/// A run that waits for two organisations.
async fn waiting(council: &Council) -> serde_json::Value {
    council.started(&block("198.51.100.7", safeguards("198.51.100.7", 2))).await
}

async fn forged_approval() -> Attack {
    let mut attack = Attack::new("Forged approval", "hub");
    let council = Council::new().await;
    let honest = waiting(&council).await;
    let honest = council.approved(&council.ministry, &honest).await;
    council.approved(&council.kinki, &honest).await;
    let ordered = council.orders(0).await["sequence"].as_i64().unwrap();
    assert_eq!(ordered, 1, "two organisations that agree are enough");

    let run = waiting(&council).await;
    let path = format!("/api/v1/runs/{}/questions/0/approve", run["summary"]["id"].as_str().unwrap());
    let body = json!({ "hash": hash(&run) });
    let other = "0".repeat(64);
    let shown = council.answer(&council.ministry, &run, &other, "approve").await;
    attack.refused("an approval of something else than was shown", answer(&shown));
    let asker = council.answer(&council.asker, &run, &hash(&run), "approve").await;
    attack.refused("who asked agrees to it", answer(&asker));
    for (what, token) in [
        ("an approver's program agrees", council.hub.token("ministry", &[PersonRole::Approver]).await),
        ("the edge agrees to its own order", council.edge.clone()),
    ] {
        let reply = council.hub.send_json(&token, Method::POST, &path, body.clone()).await;
        attack.refused(what, answer(&reply));
    }
    let left_open = council.as_person(&council.ministry).await;
    aged(&council.hub, &council.ministry).await;
    attack.refused("a session that was left open agrees", answer(&left_open.post(&path, body.clone()).await));
    council.approved(&council.ministry, &run).await;
    let twice = council.answer(&council.ministry, &run, &hash(&run), "approve").await;
    attack.refused("one organisation agrees twice", answer(&twice));
    let sessions = format!("/api/v1/people/{}/sessions", council.ministry);
    let ended = council.hub.ask(Method::DELETE, &sessions).header("accept", "*/*").send().await;
    assert!(ended.status < 300);
    let run = council.approved(&council.kinki, &run).await;
    let nothing = council.orders(ordered).await["orders"].as_array().unwrap().is_empty();
    let open = run["questions"][0]["state"] == "open";
    attack.refused(
        "one of two approvals was given in a session that was revoked before the order",
        noticed(nothing && open, "withdrawn, and asked anew"),
    );
    attack
}

async fn forged_order() -> Attack {
    let mut attack = Attack::new("Forged order", "edge");
    let council = Council::new().await;
    let run = waiting(&council).await;
    let run = council.approved(&council.ministry, &run).await;
    council.approved(&council.kinki, &run).await;
    let order = council.orders(0).await["orders"][0]["message"].clone();
    let key = council.hub.good(&council.hub.token, "/api/v1/orders").await["key"].clone();
    assert!(verified(&key, &order, "kinki-1").is_ok());
    let mut altered = order.clone();
    altered["body"]["openc2"]["request"]["target"] = json!({ "ipv4_net": "198.51.100.0/24" });
    attack.refused("a larger network is written into it", error(verified(&key, &altered, "kinki-1")));
    let mut longer = order.clone();
    longer["body"]["openc2"]["request"]["args"]["stop_time"] = json!(4_000_000_000_000_u64);
    attack.refused("a later end is written into it", error(verified(&key, &longer, "kinki-1")));
    attack.refused("it is given to another edge", error(verified(&key, &order, "kanto-1")));
    let mut unsigned = order.clone();
    unsigned.as_object_mut().unwrap().remove("signature");
    attack.refused("it comes without its signature", error(verified(&key, &unsigned, "kinki-1")));
    let other = TestHub::start().await;
    let foreign = other.good(&other.token, "/api/v1/orders").await["key"].clone();
    let foreign = json!({ "issuer": key["issuer"], "key": foreign["key"] });
    attack
        .refused("another hub's key signs in this one's name", error(verified(&foreign, &order, "kinki-1")));
    attack
}
