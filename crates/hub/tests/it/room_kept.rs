//! What a hub keeps of a room between two reads never shows more, or less, than what is read anew.

use oversight::Action;
use policy::Engine;
use reqwest::Method;
use serde_json::json;

use crate::room::{Worker, council, note, only, open};
use crate::support::TestHub;

/// The object that a note is.
async fn object(worker: &Worker<'_>, case: &str, text: &str) -> String {
    let room = worker.room(case).await;
    let lines = room["timeline"].as_array().unwrap();
    let line = lines.iter().find(|line| line["says"]["text"] == text);
    line.unwrap_or_else(|| panic!("{text} is not in the room"))["object"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_kept_follows_whatever_changes_what_may_be_seen() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let case = nco.opens("侵入").await;
    for text in ["一", "二", "三", "四"] {
        nco.says(&case, open(note(text))).await;
    }
    let see = async |expected: [&[&str]; 3], when: &str| {
        for (worker, expected) in [&nco, &police, &power].into_iter().zip(expected) {
            assert_eq!(worker.notes(&case).await, expected, "{} {when}", worker.organisation);
        }
    };
    let all = ["一", "二", "三", "四"];
    see([&all, &all, &all], "at first").await;
    see([&all, &all, &all], "read again").await;
    // Restricted: another label, in another place of the log.
    let second = object(&nco, &case, "二").await;
    nco.signed
        .done(&format!("/api/v1/objects/{second}/marking"), json!({ "tlp": "red", "reason": "r" }))
        .await;
    let less = ["一", "三", "四"];
    assert_eq!(power.notes(&case).await, less, "restricted");
    assert_eq!(police.notes(&case).await, less, "restricted");
    // Recalled.
    let third = object(&nco, &case, "三").await;
    nco.signed
        .done("/api/v1/recalls", json!({ "object": third, "reason": "誤り", "deadline_hours": 1 }))
        .await;
    assert_eq!(power.notes(&case).await, ["一", "四"], "recalled");
    // Withdrawn.
    let fourth = object(&nco, &case, "四").await;
    let reply = nco.signed.ask(Method::DELETE, &format!("/api/v1/objects/{fourth}"), None).await;
    assert_eq!(reply.status, 204);
    assert_eq!(power.notes(&case).await, ["一"], "withdrawn");
    assert_eq!(police.notes(&case).await, ["一"], "withdrawn");
    // Other policies, at once; and the old ones again.
    let closed: Vec<(String, String)> = Engine::built_in();
    let forbid = "@id(\"no-reports\")\nforbid (principal, action == Yagura::Action::\"read\", resource) \
        when { resource.class == Yagura::ObjectClass::\"report\" && principal.organisation_role == Yagura::OrganisationRole::\"operator\" };";
    let narrowed = closed.iter().cloned().chain([("zz.cedar".to_owned(), forbid.to_owned())]);
    hub.running.replace_policies(&narrowed.collect::<Vec<_>>()).await.unwrap();
    assert_eq!(power.notes(&case).await, [""; 0], "forbidden");
    assert_eq!(police.notes(&case).await, ["一"]);
    hub.running.replace_policies(&closed).await.unwrap();
    police.says(&case, only(&["kinki-power"], false, note("二者で"))).await;
    assert_eq!(power.notes(&case).await, ["一", "二者で"], "a new circle");
    assert_eq!(
        nco.notes(&case).await,
        ["一", "三"],
        "what was recalled stays with its originator, and the circle's is not for it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_tells_once_what_an_open_room_shows_again_and_again() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let case = nco.opens("侵入").await;
    nco.says(&case, open(note("一"))).await;
    let released = async || {
        let events = hub.audit(Action::ObjectsReleased).await;
        events.iter().filter(|row| row.event.detail.get("door").is_some_and(|door| door == "room")).count()
    };
    power.room(&case).await;
    let first = released().await;
    for _ in 0..5 {
        power.room(&case).await;
    }
    assert_eq!(released().await, first, "what it was given already");
    nco.says(&case, open(note("二"))).await;
    power.room(&case).await;
    assert_eq!(released().await, first + 1, "what is new");
    police.room(&case).await;
    assert_eq!(released().await, first + 2, "and what another one is given");
    let again = Worker::new(&hub, "kinki-power").await;
    again.room(&case).await;
    assert_eq!(released().await, first + 3, "be it of the same organisation");
}

/// Reads and writes of a room by several at once leave every one of them with all of it.
#[tokio::test(flavor = "multi_thread")]
async fn many_who_write_and_read_at_once_see_all_of_it() {
    let hub = TestHub::start().await;
    let [nco, police, power] = council(&hub).await;
    let case = nco.opens("侵入").await;
    let write = async |worker: &Worker<'_>| {
        for number in 0..12 {
            let text = format!("{} {number}", worker.organisation);
            let body = if number % 3 == 0 {
                only(&[&worker.organisation], false, note(&text))
            } else {
                open(note(&text))
            };
            worker.says(&case, body).await;
            worker.room(&case).await;
        }
    };
    futures::future::join_all([write(&nco), write(&police), write(&power)]).await;
    for worker in [&nco, &police, &power] {
        let notes = worker.notes(&case).await;
        assert_eq!(notes.len(), 3 * 8 + 4, "{}: {notes:?}", worker.organisation);
    }
}
