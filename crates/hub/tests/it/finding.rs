//! Near names, facets, saved searches and their alerts.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::{Value, json};
use stix::marking::Tlp;

use crate::rest::{ids, named};
use crate::support::{TestHub, V1, id_of, indicator, marked};

/// Asks until an answer is as wanted: what follows the log does so a moment later.
async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < end, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

async fn police(hub: &TestHub) -> String {
    hub.organisation("police", OrganisationRole::Agency).await;
    hub.token("police", &[PersonRole::Analyst]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_name_is_found_and_a_hidden_one_is_not() {
    let hub = TestHub::start().await;
    let police = police(&hub).await;
    let mut bear = named("intrusion-set", "APT28", Tlp::Green);
    bear["aliases"] = json!(["Fancy Bear"]);
    let emotet = named("intrusion-set", "エモテット", Tlp::Green);
    let hidden = named("intrusion-set", "Fancy Beat", Tlp::Red);
    hub.publish(&police, &[bear, emotet, hidden]).await;
    let similar = async |token: &str, typed: &str| {
        let page = hub.good(token, &format!("/api/v1/objects?query={typed}")).await;
        names(&page["similar"])
    };
    let found = eventually("a near name", async || {
        Some(similar(&hub.token, "fancy%20baer").await).filter(|found| !found.is_empty())
    })
    .await;
    assert_eq!(found, ["APT28"]);
    assert_eq!(similar(&hub.token, "%E3%82%A8%E3%83%A2%E3%83%86%E3%83%88").await, ["エモテット"]);
    assert_eq!(similar(&hub.token, "fancy%20beat").await, ["APT28"], "what is hidden is not near anything");
    assert_eq!(similar(&hub.token, "nothing-like-it").await, Vec::<String>::new());
    let page = hub.good(&hub.token, "/api/v1/objects?query=apt28").await;
    assert_eq!((names(&page["objects"]), page.get("similar")), (vec!["APT28".to_owned()], None));
}

#[tokio::test(flavor = "multi_thread")]
async fn facets_and_filters_count_what_one_may_see() {
    let hub = TestHub::start().await;
    let police = police(&hub).await;
    let mut sure = named("campaign", "storm one", Tlp::Green);
    sure["confidence"] = json!(90);
    let mut unsure = named("malware", "storm two", Tlp::Amber);
    (unsure["confidence"], unsure["is_family"]) = (json!(20), json!(false));
    let hidden = named("campaign", "storm three", Tlp::Red);
    hub.publish(&police, &[sure.clone(), unsure.clone(), hidden]).await;
    let own = named("campaign", "storm own", Tlp::Clear);
    hub.publish(&hub.token, std::slice::from_ref(&own)).await;
    let facets = hub.good(&hub.token, "/api/v1/objects/facets?query=storm").await;
    let check = |facet: &str, expected: &[(&str, u64)]| {
        let found: Vec<(&str, u64)> = facets[facet]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["value"].as_str().unwrap(), one["count"].as_u64().unwrap()))
            .collect();
        assert_eq!(found, expected, "{facet}");
    };
    check("types", &[("campaign", 2), ("malware", 1)]);
    check("originators", &[("police", 2), ("coordinator", 1)]);
    check("tlp", &[("amber", 1), ("clear", 1), ("green", 1)]);
    check("confidence", &[("high", 1), ("low", 1), ("none", 1)]);
    let listed = async |filter: &str| {
        let page = hub.good(&hub.token, &format!("/api/v1/objects?{filter}")).await;
        assert_eq!(
            page["count"].as_u64().unwrap(),
            page["objects"].as_array().unwrap().len() as u64,
            "{filter}"
        );
        let mut found = ids(&page["objects"]);
        found.sort();
        found
    };
    let mut police_brought = vec![id_of(&sure), id_of(&unsure)];
    police_brought.sort();
    for words in ["query=storm&", "type=campaign,malware&"] {
        assert_eq!(listed(&format!("{words}originator=police")).await, police_brought);
        assert_eq!(listed(&format!("{words}tlp=green")).await, [id_of(&sure)]);
        assert_eq!(listed(&format!("{words}tlp=red")).await, Vec::<String>::new());
        assert_eq!(listed(&format!("{words}confidence=50")).await, [id_of(&sure)]);
    }
    let all = hub.good(&hub.token, "/api/v1/objects/facets?type=campaign").await;
    assert_eq!(all["types"], json!([{ "value": "campaign", "count": 2 }]));
    for wrong in ["tlp=purple", "originator=%20!", "query=", "confidence=x"] {
        let status =
            hub.rest(&hub.token, Method::GET, &format!("/api/v1/objects?{wrong}")).send().await.status;
        assert_eq!(status, if wrong == "query=" { 200 } else { 400 }, "{wrong}");
    }
}

/// Takes one request and answers it.
pub fn receive(listener: &TcpListener, status: &str) -> String {
    let (mut connection, _) = listener.accept().unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut got = Vec::new();
    let mut buffer = [0; 65536];
    loop {
        let read = connection.read(&mut buffer).unwrap();
        got.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&got);
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length: ").and_then(|number| number.trim().parse::<usize>().ok())
            });
            length.is_some_and(|length| body.len() >= length)
        });
        if whole || read == 0 {
            break;
        }
    }
    write!(connection, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    String::from_utf8(got).unwrap()
}

pub fn header<'t>(request: &'t str, name: &str) -> &'t str {
    let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
    line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_search_tells_its_webhook_with_a_signature() {
    use hmac::{Hmac, KeyInit, Mac};
    let hub = TestHub::start_with(|config| config.webhooks_to_private_addresses = true).await;
    let police = police(&hub).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let new = json!({ "name": "嵐", "terms": { "query": "storm" }, "alerts": true, "webhook": address });
    let added = hub.send_json(&hub.token, Method::POST, "/api/v1/searches", new).await.json();
    let secret = added["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap().to_owned();
    let object = named("campaign", "storm one", Tlp::Green);
    let hidden = named("campaign", "storm hidden", Tlp::Red);
    let received = tokio::task::spawn_blocking(move || receive(&listener, "204 No Content"));
    hub.publish(&police, &[object.clone(), hidden, named("campaign", "calm", Tlp::Green)]).await;
    let request = received.await.unwrap();
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&STANDARD.decode(secret).unwrap()).unwrap();
    mac.update(
        format!("{}.{}.{body}", header(&request, "webhook-id"), header(&request, "webhook-timestamp"))
            .as_bytes(),
    );
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(header(&request, "webhook-signature"), expected);
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(ids(&body["data"]["objects"]), [id_of(&object)]);
    let kept = eventually("the alert is on record as sent", async || {
        let kept = hub.good(&hub.token, "/api/v1/searches").await;
        let sent = |way: &str| {
            let notices = kept[0]["notices"].as_array().unwrap();
            notices.iter().any(|one| one["way"] == way && one["state"] == "sent")
        };
        (sent("webhook") && sent("stream")).then_some(kept.clone())
    })
    .await;
    assert!(!kept.to_string().contains("whsec_"), "the secret is told once");
    assert!(!hub.audit(Action::SearchSaved).await.is_empty());
    let released = hub.audit(Action::ObjectsReleased).await;
    assert!(released.iter().any(|row| row.event.detail.get("door").map(String::as_str) == Some("webhook")));
    let id = added["search"]["id"].as_str().unwrap();
    let path = format!("/api/v1/searches/{id}");
    assert_eq!(hub.rest(&police, Method::DELETE, &path).send().await.status, 404, "it is another one's");
    assert_eq!(hub.rest(&hub.token, Method::DELETE, &path).send().await.status, 204);
    assert_eq!(hub.good(&hub.token, "/api/v1/searches").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_when_an_alert_is_sent_is_not_sent() {
    let hub = TestHub::start_with(|config| config.webhooks_to_private_addresses = true).await;
    let police = police(&hub).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let new = json!({ "name": "s", "terms": { "types": ["campaign"] }, "alerts": true, "webhook": address });
    hub.send_json(&hub.token, Method::POST, "/api/v1/searches", new).await;
    let object = named("campaign", "storm", Tlp::Green);
    // The receiver refuses first; before the second attempt the object is withdrawn.
    let refused = tokio::task::spawn_blocking(move || {
        receive(&listener, "503 Unavailable");
        listener
    });
    hub.publish(&police, std::slice::from_ref(&object)).await;
    let listener = refused.await.unwrap();
    let path = format!("/api/v1/objects/{}", id_of(&object));
    let officer = hub.token("police", &[PersonRole::DutyOfficer]).await;
    let withdrawn = hub.rest(&officer, Method::DELETE, &path).send().await.status;
    assert_eq!(withdrawn, 204);
    let state = async || {
        let kept = hub.good(&hub.token, "/api/v1/searches").await;
        let notices = kept[0]["notices"].as_array().unwrap().clone();
        let webhook = notices.into_iter().find(|one| one["way"] == "webhook").unwrap();
        (webhook["state"].as_str().unwrap().to_owned(), webhook["trouble"].clone())
    };
    assert_eq!(state().await, ("waiting".to_owned(), json!("webhook-refused")));
    eventually("it is withheld", async || (state().await.0 == "withheld").then_some(())).await;
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nothing was sent a second time");
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_that_would_do_harm_are_not_kept() {
    let hub = TestHub::start().await;
    let save =
        async |new: Value| hub.send_json(&hub.token, Method::POST, "/api/v1/searches", new).await.status;
    let with = |webhook: &str| json!({ "name": "n", "terms": {}, "alerts": true, "webhook": webhook });
    for inside in [
        "https://127.0.0.1/",
        "https://169.254.169.254/latest",
        "http://receiver.example.jp/",
        "https://[::1]/",
        "ftp://a.example/",
    ] {
        assert_eq!(save(with(inside)).await, 422, "{inside}");
    }
    assert_eq!(save(json!({ "name": "n", "terms": {}, "alerts": true, "mail": "a@b.example" })).await, 422);
    assert_eq!(save(json!({ "name": "", "terms": {} })).await, 422);
    assert_eq!(save(json!({ "name": "n", "terms": { "tlp": ["purple"] } })).await, 400);
    for _ in 0..100 {
        assert_eq!(save(json!({ "name": "n", "terms": {} })).await, 200);
    }
    assert_eq!(save(json!({ "name": "n", "terms": {} })).await, 422, "the list is bounded");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_for_its_owner_alone() {
    let hub = TestHub::start().await;
    let police = police(&hub).await;
    let new = json!({ "name": "mine", "terms": { "query": "198.51.100.1" }, "alerts": true });
    hub.send_json(&hub.token, Method::POST, "/api/v1/searches", new).await;
    let open = async |token: &str| {
        hub.rest(token, Method::GET, "/api/v1/stream").header("accept", "text/event-stream").response().await
    };
    let (mut mine, mut theirs) = (open(&hub.token).await, open(&police).await);
    hub.publish(&police, &[marked(indicator(V1), Tlp::Green)]).await;
    let read = async |stream: &mut reqwest::Response, until: &str| {
        let mut text = String::new();
        while !text.contains(until) {
            let next = tokio::time::timeout(Duration::from_secs(20), stream.chunk()).await;
            text.push_str(&String::from_utf8_lossy(&next.expect("an event").unwrap().expect("more")));
        }
        text
    };
    let told = read(&mut mine, "event: alert").await;
    assert!(told.contains("event: object"));
    // The other stream goes on after it, and has heard of no alert.
    hub.publish(&police, &[named("campaign", "the end", Tlp::Green)]).await;
    assert!(!read(&mut theirs, "the end").await.contains("alert"));
}
