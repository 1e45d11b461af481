//! One organisation's programs cannot take what the others need: memory for bodies, open streams, room in the audit log.

use std::time::Duration;

use oversight::{Action, Actor, OrganisationRole, PersonRole};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestHub, V1, indicator};

/// A body that is begun and does not end.
async fn begin_body(hub: &TestHub, token: &str) -> TcpStream {
    let mut connection = TcpStream::connect(hub.running.listen).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\naccept: {taxii}\r\ncontent-type: {taxii}\r\n\
         transfer-encoding: chunked\r\n\r\n1\r\n{{\r\n",
        hub.within("objects/"),
        taxii = crate::support::TAXII,
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection
}

async fn two_members(hub: &TestHub) -> (String, String) {
    for id in ["rail", "power"] {
        hub.organisation(id, OrganisationRole::Operator).await;
    }
    (hub.token("rail", &[PersonRole::Analyst]).await, hub.token("power", &[PersonRole::Analyst]).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_one_organisation_leave_room_for_others() {
    let hub = TestHub::start_with(|config| config.body_bytes_max = 64 * 1024).await;
    let (rail, power) = two_members(&hub).await;
    // Of unknown length, so each may become as long as a body can be: two are the organisation's share.
    let open = [begin_body(&hub, &rail).await, begin_body(&hub, &rail).await];
    let refused = loop {
        // Until both are being read; before, this one is let through and answered.
        let reply = hub.post_raw("{\"objects\":[]}".to_owned()).bearer(&rail).send().await;
        if reply.status == 429 {
            break reply;
        }
    };
    assert_eq!(refused.json()["error_code"], "too-many");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    hub.post_as(&power, &[indicator(V1)]).await;
    drop(open);
    let again = async {
        while hub.post_raw("{\"objects\":[]}".to_owned()).bearer(&rail).send().await.status == 429 {}
    };
    tokio::time::timeout(Duration::from_secs(60), again)
        .await
        .expect("what is given back can be taken again");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_one_caller_leave_room_for_others() {
    let hub = TestHub::start_with(|config| config.streams_max = 8).await;
    let (rail, power) = two_members(&hub).await;
    let second = hub.token("rail", &[PersonRole::Analyst]).await;
    let third = hub.token("rail", &[PersonRole::Analyst]).await;
    let open = async |token: &str| hub.get("/api/v1/stream").bearer(token).response().await;
    let check = async |token: &str, expected: u16| {
        let response = open(token).await;
        assert_eq!(response.status(), expected);
        if expected == 429 {
            assert_eq!(response.headers()["retry-after"], "10");
        }
        response
    };
    // A program holds a quarter, an organisation half.
    let first = [check(&rail, 200).await, check(&rail, 200).await];
    check(&rail, 429).await;
    let more = [check(&second, 200).await, check(&second, 200).await];
    check(&third, 429).await;
    let others = [check(&power, 200).await, check(&power, 200).await];
    let own = [check(&hub.token, 200).await, check(&hub.token, 200).await];
    check(&hub.token, 429).await;
    drop((first, more, others, own));
    let again = async { while open(&rail).await.status() == 429 {} };
    tokio::time::timeout(Duration::from_secs(60), again)
        .await
        .expect("what is given back can be taken again");
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_of_strangers_is_counted_where_it_is_not_written_down() {
    let hub = TestHub::start().await;
    for _ in 0..25 {
        assert_eq!(hub.get("/api/v1/board").bearer("yg_junk").send().await.status, 401);
    }
    let body = serde_json::json!({ "login": "administrator", "password": "wrong wrong wrong" });
    let json = crate::rest::JSON;
    let sign_in = hub.ask(reqwest::Method::POST, "/api/v1/session/password").stranger();
    let sign_in = sign_in.header("content-type", json).body(body.to_string()).send().await;
    assert_eq!(sign_in.status, 401);
    let rows = hub.audit(Action::Refused).await;
    assert_eq!(rows.len(), 11, "ten of the junk, and the failed sign-in in spite of it");
    assert!(rows[0].event.detail["means"] == "password" && rows[0].event.objects.len() == 1);
    // What is too much is told at the end of the minute, or of the hub.
    let hub = hub.restart().await;
    let rows = hub.audit(Action::Refused).await;
    assert_eq!((rows.len(), &*rows[0].event.detail["code"]), (12, "suppressed"));
    assert_eq!((&*rows[0].event.detail["suppressed"], &rows[0].event.actor), ("15", &Actor::Stranger));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_only_begins_a_body_is_cut_in_time() {
    let hub = TestHub::start().await;
    let mut connection = begin_body(&hub, &hub.token).await;
    connection.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 12];
    connection.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 422", "a body that is no JSON");
}
