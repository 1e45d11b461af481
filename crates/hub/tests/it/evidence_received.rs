//! What is handed over at one hub is received at the other, byte for byte and with custody at both ends; who is given none of it; and what comes of
//! a hub that gives something else, half of it, or nothing.

use oversight::custody::package::verify;
use oversight::{Action, OrganisationRole, Realm};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::Place;
use store::evidence::abroad::origin;
use tlog::Policy;
use uuid::Uuid;

use crate::database::Server;
use crate::evidence::{at, found_in, large, opened};
use crate::evidence_abroad::{
    DUTY, Note, Played, Shared, Two, answers, asking, asks, brought, entry, good, listed, of_case, said,
    state, wants,
};
use crate::federation::Cheat;
use crate::report_contents::{Giving, listens, whole};
use crate::room::Worker;
use crate::room_hubs::until;
use crate::support::Reply;

async fn receives(worker: &Worker<'_>, request: &Value, item: &Value) -> Reply {
    let (request, item) = (request["id"].as_str().unwrap(), item.as_str().unwrap());
    worker.signed.post(&format!("/api/v1/evidence-requests/{request}/items/{item}/receive"), json!({})).await
}

fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

fn acts(found: &Value) -> Vec<&str> {
    found["custody"].as_array().unwrap().iter().map(|entry| entry["act"].as_str().unwrap()).collect()
}

/// An item of the operator's that was handed over to the police, and the request as the police see it.
async fn handed_over(two: &Two, shared: &Shared<'_>, content: &[u8]) -> (Value, Value) {
    let Shared { police, kinki, case, .. } = shared;
    let asked = shared.asked("hand-over").await;
    good(&answers(kinki, &asked, said("accept", &[])).await);
    let token = two.west.token("kinki", &DUTY).await;
    let item = brought(&two.west, &token, case, None, content).await;
    good(&answers(kinki, &asked, said("fulfil", &[&item])).await);
    until("it is fulfilled", async || state(police, case).await == "fulfilled").await;
    (item, listed(police, case).await.remove(0))
}

/// From the hand-over to the item at the other hub.
async fn an_item_arrives(two: &Two) {
    let shared = two.shared().await;
    let Shared { police, kinki, ministry, case, names } = &shared;
    let (item, over) = handed_over(two, &shared, &large()).await;
    let file = over["named"][0].clone();
    assert_eq!((&file["state"], &file["own"]), (&json!("there"), &Value::Null));
    assert_eq!(over["may"], json!(["close", "receive"]));

    let told = good(&receives(police, &over, &file["item"]).await);
    let here = &told["named"][0];
    assert_eq!((&here["state"], &here["trouble"]), (&json!("here"), &Value::Null));
    let own = json!({ "id": here["own"] });
    let found = police.signed.good(&at(&own, "")).await;
    for field in ["name", "size", "sha256", "sha3_256", "case"] {
        assert_eq!(found["item"][field], item[field], "{field}");
    }
    assert_eq!(found["item"]["label"], json!({ "tlp": "amber+strict", "only": ["police"] }));
    assert_eq!(found["item"]["custodian"]["organisation"], "police");
    let token = two.east.token("police", &DUTY).await;
    let why = json!({ "reason": "解析" });
    let reply = two.east.send_json(&token, Method::POST, &at(&own, "/download"), why).await;
    assert_eq!(opened(&reply.body, item["name"].as_str().unwrap(), "infected"), large());

    // Its custody begins where that of the other hub is to be followed on.
    assert_eq!(acts(&found), ["received", "sealed"]);
    let first = &found["custody"][0];
    assert_eq!(
        (&first["from"]["organisation"], &first["why_code"]),
        (&json!(names[0]), &json!("handed-over"))
    );
    assert_eq!((&first["facts"]["request"], &first["legal_basis"]), (&over["id"], &over["legal_basis"]));
    assert_eq!(
        (&first["facts"]["their_item"], &first["facts"]["their_custody"]),
        (&item["id"], &file["custody"])
    );
    assert_eq!(first["facts"]["their_entries"], json!(file["entries"].to_string()));
    let steps = over["steps"].as_array().unwrap();
    let leaf = &steps.iter().find(|step| step["step"] == "fulfilled").unwrap()["their_leaf"];
    assert_eq!(first["facts"]["their_leaf"], json!(leaf.to_string()));
    assert!(names[0].starts_with(first["facts"]["hub"].as_str().unwrap().get(..16).unwrap()));

    // And there it says that it was given, to whom, and behind which entry.
    let there = kinki.signed.good(&at(&item, "")).await;
    assert_eq!(acts(&there), ["collected", "received", "sealed", "offered", "downloaded"]);
    let (offered, last) = (&there["custody"][3], &there["custody"][4]);
    assert_eq!((&offered["hash"], &last["to"]["organisation"]), (&file["custody"], &json!(names[1])));
    assert_eq!(
        (&last["from"]["organisation"], &last["by"]["organisation"]),
        (&json!("kinki"), &json!("east"))
    );
    assert_eq!((&last["facts"]["request"], &last["legal_basis"]), (&over["id"], &over["legal_basis"]));
    let left = two.west.audit(Action::ObjectsReleased).await;
    assert!(
        left.iter().any(|act| act.event.detail["recipient"] == "east" && act.event.detail["door"] == "peer")
    );

    // Asked for again it is the same one, and nothing more is fetched; so it stays when the request is over.
    good(&answers(police, &over, said("close", &[])).await);
    let again = good(&receives(police, &over, &file["item"]).await);
    assert_eq!(again["named"], told["named"]);
    assert_eq!(acts(&kinki.signed.good(&at(&item, "")).await).len(), 5);
    assert_eq!(
        police.signed.good(&format!("/api/v1/cases/{case}/evidence")).await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // It is for who asked, and for nobody else there.
    assert_eq!(receives(ministry, &over, &file["item"]).await.status, 404);
    let watch = two.east.token("coordinator", &DUTY).await;
    assert_eq!(two.east.rest(&watch, Method::GET, &at(&own, "")).send().await.status, 404);

    let package = json!({ "reason": "公判提出", "password": "court-2026-12" });
    let path = format!("/api/v1/cases/{case}/evidence/export");
    let reply = two.east.send_json(&token, Method::POST, &path, package).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    let found = found_in(&reply.body, "court-2026-12");
    let policy = Policy::parse(&found.documents["log.policy"]).unwrap();
    let verified = verify(&found, &policy).unwrap();
    assert_eq!((verified.manifest.items.len(), verified.opened), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_over_is_received_at_the_hub_that_asked() {
    an_item_arrives(&Two::new([None, None]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_received_on_postgresql_too() {
    let Some((one, other)) = Server::start().zip(Server::start()) else { return };
    let places = [&one, &other].map(|server| Some(Place::parse(&server.address())));
    an_item_arrives(&Two::new(places).await).await;
}

/// Who asks for something on the peers' port, and what comes of it, but for the number of the asking.
async fn nothing(who: &Cheat, path: &str) -> (u16, Value) {
    let (status, body) = who.asks(path).await;
    let mut problem: Value = serde_json::from_slice(&body).unwrap();
    problem["request"].take();
    (status, problem)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_is_given_what_was_handed_over_to_its_organisation_and_nothing_else() {
    let played = Played::new(81).await;
    let other = Cheat::known_as(82, &played.hub, ("elsewhere", OrganisationRole::Agency)).await;
    let kinki = Worker::new(&played.hub, "kinki").await;
    let asked = |number, kind| Note { says: wants(kind, "刑訴法197条3項"), ..played.asked(number) };
    let [given, closed, accepted] = [1, 2, 3].map(|number| asked(number, "hand-over"));
    let held = asked(4, "preserve");
    let notes = [&given, &closed, &accepted, &held];
    let objects = std::iter::once(played.incident()).chain(notes.iter().map(|note| note.object()));
    played.brings(&objects.collect::<Vec<_>>()).await;
    let id = |note: &Note| json!({ "id": note.request });
    until("the case can be seen", async || kinki.sees(&played.case).await).await;
    let accepts = async || answers(&kinki, &id(&given), said("accept", &[])).await.status == 200;
    until("an answer passes", accepts).await;
    for note in [&closed, &accepted, &held] {
        good(&answers(&kinki, &id(note), said("accept", &[])).await);
    }
    let token = played.hub.token("kinki", &DUTY).await;
    let item = brought(&played.hub, &token, &played.case, None, &large()).await;
    let another = brought(&played.hub, &token, &played.case, None, b"not handed over").await;
    for note in [&given, &closed, &held] {
        good(&answers(&kinki, &id(note), said("fulfil", &[&item])).await);
    }
    played.brings(&[closed.answers("close", "").object()]).await;

    let path =
        |request: &str, item: &Value| format!("peer/v1/evidence/{request}/{}", item["id"].as_str().unwrap());
    let of = |note: &Note, item: &Value| path(&note.request.to_string(), item);
    for times in 1..=2 {
        let (status, bytes) = played.cheat.asks(&of(&given, &item)).await;
        assert_eq!((status, bytes == large()), (200, true));
        let found = kinki.signed.good(&at(&item, "")).await;
        assert_eq!(acts(&found).iter().filter(|act| **act == "downloaded").count(), times, "each time");
        let last = found["custody"].as_array().unwrap().last().unwrap();
        assert_eq!(last["to"]["organisation"], json!(given.from));
    }

    // All else is not there, and nothing tells one from the other.
    let missing = nothing(&played.cheat, &path(&Uuid::new_v4().to_string(), &item)).await;
    assert_eq!(missing.0, 404);
    assert_eq!(nothing(&other, &of(&given, &item)).await, missing, "another hub");
    assert_eq!(nothing(&played.cheat, &of(&given, &another)).await, missing, "another item");
    assert_eq!(nothing(&played.cheat, &path("no-id", &item)).await, missing, "no request");
    for (note, why) in [(&accepted, "not fulfilled"), (&closed, "over"), (&held, "to be preserved only")] {
        assert_eq!(nothing(&played.cheat, &of(note, &item)).await, missing, "{why}");
    }
    played.brings(&[accepted.answers("withdraw", "足りた").object()]).await;
    assert_eq!(nothing(&played.cheat, &of(&accepted, &item)).await, missing, "withdrawn");
    let found = kinki.signed.good(&at(&item, "")).await;
    assert_eq!(
        acts(&found).iter().filter(|act| **act == "downloaded").count(),
        2,
        "none of these is written down"
    );

    // Nor is it when the agreement has ended.
    std::fs::remove_file(played.folder.path().join("agreements/reports.toml")).unwrap();
    let has_ended = async || played.cheat.asks(&of(&given, &item)).await.0 == 404;
    until("the agreement has ended", has_ended).await;
    assert_eq!(nothing(&played.cheat, &of(&given, &item)).await, missing);
}

/// The police have asked the operator of a hub that a test plays, and it says that it hands over these bytes; the request, and the item.
async fn promised(played: &Played, police: &Worker<'_>, content: &[u8]) -> (Value, Value) {
    let asked = format!("{}kinki", played.theirs);
    played.brings(&[played.incident(), entry(&played.case, &asked)]).await;
    let is_askable =
        async || police.signed.good(&of_case(&played.case)).await["askable"].to_string().contains(&asked);
    until("the operator can be asked", async || police.sees(&played.case).await && is_askable().await).await;
    let request = good(&asks(police, asking(&played.case, "hand-over", &asked)).await);
    let accepted = Note {
        request: Uuid::parse_str(request["id"].as_str().unwrap()).unwrap(),
        case: played.case.clone(),
        from: asked,
        to: format!("{}police", played.own),
        says: String::new(),
    }
    .answers("accept", "承諾");
    let (item, custody, hash) = (Uuid::new_v4(), "b".repeat(64), sha256(content));
    let file = format!(
        r#"{{"id":"{item}","name":"disk.img","size":{},"sha256":"{hash}","custody":"{custody}","entries":4}}"#,
        content.len()
    );
    let says = format!(r#"{{"kind":"answered","answer":"fulfil","note":"","items":[{file}]}}"#);
    let fulfilled = Note { says, ..accepted.clone() };
    played.brings(&[accepted.object(), fulfilled.object()]).await;
    assert_eq!(state(police, &played.case).await, "fulfilled");
    (request, json!(item))
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_count_for_nothing_and_what_broke_off_is_received_again_as_one_item() {
    let played = Played::new(83).await;
    let police = Worker::new(&played.hub, "police").await;
    let (request, item) = promised(&played, &police, b"hello").await;
    let refused = async |status: u16, reason: &str| {
        let reply = receives(&police, &request, &item).await;
        assert_eq!(reply.status, status, "{}", String::from_utf8_lossy(&reply.body));
        assert_eq!(reply.json()["reason"], reason);
    };
    let told = async || listed(&police, &played.case).await[0]["named"][0].clone();
    let items = async || {
        let list = police.signed.good(&format!("/api/v1/cases/{}/evidence", played.case)).await;
        list["items"].as_array().unwrap().clone()
    };

    // Nobody reaches it: the package is brought, and nothing is begun.
    refused(422, "hand-over-by-package").await;
    assert_eq!(items().await, Vec::<Value>::new());

    let giving = Giving::default();
    let address = json!({ "address": listens(&played.cheat, &giving) });
    let reply = played.hub.send_json(&played.hub.token, Method::PATCH, "/api/v1/peers/abroad", address).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    refused(503, "hand-over-away").await;
    let after = told().await;
    assert_eq!((&after["state"], &after["trouble"]), (&json!("there"), &json!("hand-over-away")));
    let wrong = [&b"hullo"[..], b"hello and more", b"hell"];
    for content in wrong {
        *giving.lock().unwrap() = Some(whole(content));
        refused(422, "wrong-content").await;
    }
    let acts_of = played.hub.audit(Action::Refused).await;
    let refusals =
        acts_of.iter().filter(|act| act.event.detail.get("code").is_some_and(|code| code == "wrong-content"));
    assert_eq!(refusals.count(), wrong.len());
    *giving.lock().unwrap() = Some((b"hel".to_vec(), 5));
    refused(503, "hand-over-broke-off").await;
    let waiting = items().await;
    let [waiting] = waiting.as_slice() else { panic!("one item waits") };
    assert_eq!(
        (&waiting["state"], &waiting["entries"]),
        (&json!("announced"), &json!(0)),
        "nothing of it counts"
    );

    *giving.lock().unwrap() = Some(whole(b"hello"));
    let told = good(&receives(&police, &request, &item).await)["named"][0].clone();
    assert_eq!(
        (&told["state"], &told["trouble"], &told["own"]),
        (&json!("here"), &Value::Null, &waiting["id"])
    );
    *giving.lock().unwrap() = None;
    let again = good(&receives(&police, &request, &item).await)["named"][0].clone();
    assert_eq!(again, told);
    let here = items().await;
    let [one] = here.as_slice() else { panic!("one item is here") };
    assert_eq!(
        (&one["id"], &one["sha256"], &one["state"]),
        (&told["own"], &json!(sha256(b"hello")), &json!("kept"))
    );
    let own = Uuid::parse_str(told["own"].as_str().unwrap()).unwrap();
    let origin =
        played.hub.running.store().read(move |reader| origin(reader, &Realm::Live, own)).await.unwrap();
    assert_eq!(json!(origin.unwrap().1.item), item);
}
