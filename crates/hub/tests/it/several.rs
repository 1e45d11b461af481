//! Several hubs on one PostgreSQL: to whoever asks any of them, they are one node.

use std::time::{Duration, Instant};

use api::SightingOutcome;
use oversight::{Action, OrganisationRole, PersonRole};
use reqwest::Method;
use serde_json::json;
use stix::marking::Tlp;
use store::Place;

use crate::database::Server;
use crate::log::{checkpoint, root_from_tiles};
use crate::rest::sighting;
use crate::stream::Follow;
use crate::support::{TestHub, V1, id_of, indicator, marked};

/// A server and two hubs on it; `None`, said loudly, where there is no PostgreSQL.
pub(crate) async fn two_hubs() -> Option<(Server, TestHub, TestHub)> {
    let server = Server::start()?;
    let place = Place::parse(&server.address());
    let one = TestHub::start_with(|config| config.store = Some(place.clone())).await;
    let two = one.beside(&place).await;
    Some((server, one, two))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_hub_takes_in_the_other_one_gives() {
    let Some((_server, one, two)) = two_hubs().await else { return };
    assert_eq!(one.running.collection, two.running.collection);
    // A token of the one is good at the other, and a stream there hears of what comes in here.
    let token = one.token("coordinator", &[PersonRole::Analyst]).await;
    let mut stream = Follow::open(&two, &token, "").await;
    let (first, second) = (marked(indicator(V1), Tlp::Green), marked(indicator(V1), Tlp::Green));
    one.publish(&one.token, std::slice::from_ref(&first)).await;
    assert_eq!(stream.next().await.unwrap().object(), id_of(&first));
    two.publish(&two.token, std::slice::from_ref(&second)).await;
    assert_eq!(stream.next().await.unwrap().object(), id_of(&second));
    for hub in [&one, &two] {
        let given = hub.get(&hub.within("objects/")).send().await;
        assert_eq!(given.ids(), [id_of(&first), id_of(&second)], "in one order, whoever is asked");
    }
    // What is revoked at the one is refused by the other.
    let id = one.audit(Action::TokenIssued).await.len();
    assert_eq!(two.audit(Action::TokenIssued).await.len(), id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_may_ask_any_hub() {
    let Some((_server, one, two)) = two_hubs().await else { return };
    one.operator("kinki-power", "近畿電力", "power").await;
    let edge = one.register_edge("power-1", "kinki-power").await;
    let first = marked(indicator(V1), Tlp::Green);
    one.publish(&one.token, std::slice::from_ref(&first)).await;
    let begun = one.intelligence(&edge, 0).await;
    assert!(begun.reset && begun.changes.len() == 1);
    // It asks on elsewhere, and need not begin anew: neither there nor back here.
    for hub in [&two, &one, &two] {
        let next = hub.intelligence(&edge, begun.sequence).await;
        assert!(!next.reset && next.changes.is_empty());
    }
    let report = sighting(&id_of(&first));
    assert_eq!(one.report(&edge, std::slice::from_ref(&report)).await, [SightingOutcome::Accepted]);
    assert_eq!(two.report(&edge, std::slice::from_ref(&report)).await, [SightingOutcome::Duplicate]);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_log_that_never_goes_back() {
    let Some((_server, one, two)) = two_hubs().await else { return };
    let mut last = 0;
    for round in 0..20 {
        for hub in [&one, &two] {
            hub.publish(&hub.token, &[marked(indicator(V1), Tlp::Clear)]).await;
            let seen = checkpoint(hub, 0).await;
            assert!(seen.size >= last, "round {round}: {} after {last}", seen.size);
            last = seen.size;
        }
    }
    // Each hub serves the whole tree to the newest checkpoint, whoever signed it.
    two.publish(&two.token, &[marked(indicator(V1), Tlp::Clear)]).await;
    let seen = checkpoint(&one, last + 1).await;
    assert_eq!(root_from_tiles(&two, seen.size).await, seen.root);
    assert_eq!(root_from_tiles(&one, seen.size).await, seen.root);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_restarts_is_a_pause() {
    let Some((mut server, one, two)) = two_hubs().await else { return };
    let before = marked(indicator(V1), Tlp::Green);
    one.publish(&one.token, std::slice::from_ref(&before)).await;
    tokio::task::block_in_place(|| server.crash());
    for hub in [&one, &two] {
        let refused = hub.get(&hub.within("objects/")).send().await;
        assert_eq!(refused.status, 503, "{}", String::from_utf8_lossy(&refused.body));
        assert_eq!(hub.get("/readyz").stranger().status().await, 503);
    }
    tokio::task::block_in_place(|| server.resume());
    let after = marked(indicator(V1), Tlp::Green);
    one.publish(&one.token, std::slice::from_ref(&after)).await;
    for hub in [&one, &two] {
        let given = hub.get(&hub.within("objects/")).send().await;
        assert_eq!(given.ids(), [id_of(&before), id_of(&after)]);
    }
}

/// Peers pin the node's certificate, so a hub that would make one of its own does not start.
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_without_the_nodes_certificate_does_not_start() {
    let Some((_server, one, _two)) = two_hubs().await else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(one.folder.path().join("node.key"), folder.path().join("node.key")).unwrap();
    let mut config = hub::HubConfig::new(folder.path(), ([127, 0, 0, 1], 0).into());
    config.store = Some(one.running.place());
    let refused = hub::Hub::start(config).await.err().unwrap();
    assert_eq!(refused.code, "key");
    assert!(refused.message.contains("`peer.crt` and `peer.key`: copy both"), "{}", refused.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hubs_do_not_share_a_data_folder() {
    let Some((_server, one, _two)) = two_hubs().await else { return };
    let place = one.running.place();
    let mut config = hub::HubConfig::new(one.folder.path(), ([127, 0, 0, 1], 0).into());
    config.store = Some(place);
    assert_eq!(hub::Hub::start(config).await.err().map(|error| error.code), Some("store-in-use"));
}

/// A stream hears of what its reader is told, whichever hub it is open at and whichever one the act was asked of; and once.
#[tokio::test(flavor = "multi_thread")]
async fn notices_and_alerts_reach_the_streams_of_every_hub_once() {
    let Some((_server, one, two)) = two_hubs().await else { return };
    for name in ["operator-1", "operator-2"] {
        one.organisation(name, OrganisationRole::Operator).await;
    }
    let reader = one.token("operator-1", &[PersonRole::Analyst]).await;
    let other = one.token("operator-2", &[PersonRole::Analyst]).await;
    let new = json!({ "name": "mine", "terms": { "query": "198.51.100.1" }, "alerts": true });
    assert_eq!(one.send_json(&reader, Method::POST, "/api/v1/searches", new).await.status, 200);
    let (mut here, mut there) =
        (Follow::open(&one, &reader, "").await, Follow::open(&two, &reader, "").await);
    let mut strange = Follow::open(&two, &other, "").await;
    let object = marked(indicator(V1), Tlp::Green);
    one.publish(&one.token, std::slice::from_ref(&object)).await;
    let officer = one.token("coordinator", &[PersonRole::DutyOfficer]).await;
    // Whoever is told of the recall was given the object.
    let (heard_here, heard_there) = (until(&mut here, "alert").await, until(&mut there, "alert").await);
    assert_eq!(
        (heard_here.join(" "), heard_there.join(" ")),
        ("object alert".to_owned(), "object alert".to_owned())
    );
    let recall = json!({ "object": id_of(&object), "reason": "false data", "deadline_hours": 24 });
    let begun = Instant::now();
    assert_eq!(two.send_json(&officer, Method::POST, "/api/v1/recalls", recall).await.status, 200);
    let last = marked(indicator(V1), Tlp::Green);
    for stream in [&mut here, &mut there] {
        let heard = until(stream, "notice").await;
        assert!(heard.iter().all(|kind| matches!(kind.as_str(), "notice" | "removed")), "{heard:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // Nothing is said twice, and nobody else hears of the alert.
    one.publish(&one.token, std::slice::from_ref(&last)).await;
    for stream in [&mut here, &mut there] {
        let heard = until(stream, "alert").await;
        assert_eq!(heard.iter().filter(|kind| *kind == "notice").count(), 0, "{heard:?}");
        assert_eq!(heard.iter().filter(|kind| *kind == "alert").count(), 1, "{heard:?}");
    }
    let mut heard = Vec::new();
    while heard
        .last()
        .is_none_or(|event: &crate::stream::Event| event.kind != "object" || event.object() != id_of(&last))
    {
        heard.push(strange.next().await.unwrap());
    }
    assert!(heard.iter().all(|event| event.kind != "alert"), "{heard:?}");
}

/// The kinds of events up to the first of one kind.
async fn until(stream: &mut Follow, kind: &str) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| last != kind) {
        heard.push(stream.next().await.unwrap().kind);
    }
    heard
}
