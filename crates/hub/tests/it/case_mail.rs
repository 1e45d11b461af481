//! A mail about a case is handed in by an organisation's mail system, waits for a person, and is one entry however often it comes.

use oversight::Action;
use reqwest::Method;
use serde_json::{Value, json};

use crate::room::{Worker, council};
use crate::support::{Reply, TestHub};

fn mail(id: &str, text: &str) -> String {
    format!(
        "From: 山田 <yamada@port.example>\r\nSubject: 港の異常\r\nDate: Mon, 30 Nov 2026 09:00:00 +0900\r\nMessage-ID: <{id}@port.example>\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--b\r\n\
         Content-Type: text/html\r\n\r\n<script>planted()</script>\r\n--b--\r\n"
    )
}

/// A token of an organisation for a door.
async fn token(hub: &TestHub, organisation: &str, door: &str) -> String {
    let new = json!({ "organisation": organisation, "roles": ["analyst"], "name": "mail", "doors": [door] });
    let issued = hub.send_json(&hub.token, Method::POST, "/api/v1/tokens", new).await.json();
    issued["token"].as_str().unwrap().to_owned()
}

async fn hand_in(hub: &TestHub, token: &str, path: &str, body: String) -> Reply {
    let ask = hub.rest(token, Method::POST, &format!("/api/v1/cases/{path}"));
    ask.header("content-type", "message/rfc822").body(body).send().await
}

async fn taken(hub: &TestHub, token: &str, path: &str, body: String) -> Value {
    let reply = hand_in(hub, token, path, body).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    reply.json()
}

fn mails(room: &Value) -> Vec<Value> {
    let lines = room["timeline"].as_array().unwrap().iter();
    lines.filter(|line| line["says"]["says"] == "mailed").cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_waits_until_a_person_publishes_it() {
    let hub = TestHub::start().await;
    let [nco, police, _]: [Worker<'_>; 3] = council(&hub).await;
    let case = nco.opens("浄水場の異常").await;
    let mailer = token(&hub, "coordinator", "mail").await;
    let path = format!("{case}/mail");
    let first = taken(&hub, &mailer, &path, mail("1", "止まっています")).await;
    assert_eq!((&first["already"], &first["waits"]), (&json!(false), &json!(true)));
    let own = mails(&nco.room(&case).await);
    assert_eq!(own.len(), 1);
    let says = &own[0]["says"];
    assert_eq!((&says["from"], &says["subject"]), (&json!("山田 <yamada@port.example>"), &json!("港の異常")));
    assert_eq!((&says["text"], &says["sent"]), (&json!("止まっています"), &json!("2026-11-30T00:00:00Z")));
    assert_eq!(says["attachments"][0]["media_type"], "text/html");
    assert!(!own[0].to_string().contains("planted"), "nothing of HTML is kept: {}", own[0]);
    assert_eq!((&own[0]["label"]["tlp"], &own[0]["by"]), (&json!("amber"), &Value::Null), "the case's level");
    assert!(mails(&police.room(&case).await).is_empty(), "nobody else sees it yet");
    let told = nco.signed.good("/api/v1/notices").await;
    assert!(told["notices"].as_array().unwrap().iter().any(|notice| notice["kind"] == "room-mail"), "{told}");

    // The same mail by another way is the same entry, and another content under its identifier is another mail.
    let by_another_way = format!("Received: from x by y\r\n{}", mail("1", "止まっています"));
    let again = taken(&hub, &mailer, &path, by_another_way).await;
    assert_eq!((&again["already"], &again["entry"]), (&json!(true), &first["entry"]));
    let other = taken(&hub, &mailer, &path, mail("1", "動いています")).await;
    assert_eq!(other["already"], false);
    assert_eq!(mails(&nco.room(&case).await).len(), 2);

    let publish = format!("/api/v1/cases/{case}/room/{}/publish", first["entry"].as_str().unwrap());
    let body = json!({ "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" } });
    nco.signed.done(&publish, body).await;
    let seen = mails(&police.room(&case).await);
    assert_eq!((seen.len(), &seen[0]["says"]["text"]), (1, &json!("止まっています")));
    let after = taken(&hub, &mailer, &path, mail("1", "止まっています")).await;
    assert_eq!((&after["already"], &after["waits"]), (&json!(true), &json!(false)));
    // Or whoever hands it in says that it need not wait.
    let at_once = format!("{path}?room=whole");
    let third = taken(&hub, &mailer, &at_once, mail("3", "至急")).await;
    assert_eq!((&third["already"], &third["waits"]), (&json!(false), &json!(false)));
    assert_eq!(mails(&police.room(&case).await).len(), 2);
    assert!(
        hub.audit(Action::CaseChanged).await.iter().any(|row| row
            .event
            .detail
            .get("room")
            .is_some_and(|word| word == "mailed"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_mail_opens_nothing_else_and_what_is_no_mail_is_refused() {
    let hub = TestHub::start().await;
    let [nco, _, _]: [Worker<'_>; 3] = council(&hub).await;
    let case = nco.opens("浄水場の異常").await;
    let listed = nco.signed.good("/api/v1/cases").await;
    let number = listed["cases"][0]["number"].to_string();
    let mailer = token(&hub, "coordinator", "mail").await;
    for path in
        ["/api/v1/cases".to_owned(), format!("/api/v1/cases/{case}/room"), "/api/v1/objects".to_owned()]
    {
        assert_eq!(hub.rest(&mailer, Method::GET, &path).send().await.status, 403, "{path}");
    }
    let edges = token(&hub, "coordinator", "edges").await;
    let path = format!("{case}/mail");
    assert_eq!(hand_in(&hub, &edges, &path, mail("1", "x")).await.status, 403, "a token for another door");
    let rest = token(&hub, "coordinator", "rest").await;
    assert_eq!(hand_in(&hub, &rest, &path, mail("1", "x")).await.status, 200, "it is a part of the whole");
    // By its number, since it cannot look the case up.
    let by_number = taken(&hub, &mailer, &format!("{number}/mail"), mail("2", "x")).await;
    assert_eq!(by_number["case"], json!(case));
    for (path, status) in [("999/mail".to_owned(), 404), (format!("{case}/mail?room=x"), 422)] {
        assert_eq!(hand_in(&hub, &mailer, &path, mail("3", "x")).await.status, status, "{path}");
    }
    let refused = async |body: String| hand_in(&hub, &mailer, &path, body).await.status;
    assert_eq!(refused("no mail".to_owned()).await, 422);
    assert_eq!(refused(format!("From: a@b.jp\r\n\r\n{}", "x".repeat(11 << 20))).await, 413);
    let ask = hub.rest(&mailer, Method::POST, &format!("/api/v1/cases/{path}"));
    let reply = ask.header("content-type", "application/json").body("{}").send().await;
    assert_eq!(reply.status, 415);
    // Nobody says in person that a mail came.
    let said = json!({ "says": "mailed", "from": "a@b.jp", "sha256": "a".repeat(64) });
    let body = json!({ "key": uuid::Uuid::new_v4(), "label": { "tlp": "amber" }, "entry": said });
    assert!(nco.refused(&case, body).await.contains("handed in"));
    // An organisation that may not see the case finds none.
    hub.organisation("academy", oversight::OrganisationRole::Academy).await;
    let stranger = token(&hub, "academy", "mail").await;
    assert!(matches!(hand_in(&hub, &stranger, &path, mail("4", "x")).await.status, 403 | 404));
}
