//! What TAXII 2.1 demands of a client, each in a test named after its section; the whole list is `docs/conformance-taxii-musts.md`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use serde_json::json;
use taxii::client::{Client, Credentials, Cursor, Error, Filters, Settings};
use taxii::{StatusState, media};

use crate::servers::{Server, answer, good};

/// Asks every endpoint once; what it asks for, and the headers of each request.
async fn ask_everything() -> Vec<(String, String)> {
    let heads: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let kept = Arc::clone(&heads);
    let server = Server::start(move |asked, headers| {
        kept.lock().unwrap().push((asked.to_owned(), headers.to_owned()));
        good(r#"{"title":"t"}"#)
    })
    .await;
    let (client, place) = (server.client(), server.place());
    let matches = BTreeMap::from([("type", "indicator".to_owned()), ("version", "all".to_owned())]);
    let filters = Filters { limit: NonZeroU32::new(7), matches };
    let cursor =
        Cursor { added_after: Some("2026-01-01T00:00:00.000000Z".to_owned()), next: Some("n".to_owned()) };
    // The answers say too little: only the requests are looked at.
    let _ = client.discovery().await;
    let _ = client.api_root(&place.root).await;
    let _ = client.status(&place.root, "7f5c6d9e-3c59-4f0b-8f0e-0d8a3c2d1b4a").await;
    let _ = client.collections(&place.root).await;
    let _ = client.collection(&place).await;
    let _ = client.manifest(&place, &filters, &cursor).await;
    let _ = client.objects(&place, &filters, &cursor).await;
    let _ = client.add(&place, &["{\"type\":\"tool\"}", "{\"type\":\"url\"}"]).await;
    let _ = client.versions(&place, "tool--1", Some("n")).await;
    let _ = client.delete(&place, "tool--1", Some("2026-01-01T00:00:00.000Z")).await;
    drop(server);
    let heads = heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 10);
    heads
}

#[tokio::test]
async fn section_3_1_requests_end_in_a_slash_and_say_what_they_accept() {
    let accept = format!("accept: {}\r\n", media::TAXII);
    for (asked, headers) in ask_everything().await {
        let path = asked.split_once('?').map_or(asked.as_str(), |(path, _)| path);
        assert!(path.ends_with('/'), "{asked}");
        assert!(format!("{headers}\r\n").contains(&accept), "{asked}: {headers}");
        if asked.starts_with("POST") {
            assert!(headers.contains(&format!("content-type: {}", media::TAXII)), "{headers}");
        }
    }
}

#[tokio::test]
async fn section_3_4_requests_name_each_parameter_once() {
    for (asked, _) in ask_everything().await {
        let Some((_, query)) = asked.split_once('?') else { continue };
        let mut names: Vec<&str> = query.split('&').map(|pair| pair.split_once('=').unwrap().0).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{asked}");
    }
}

#[tokio::test]
async fn section_5_5_objects_are_sent_in_an_envelope() {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&bodies);
    let server = Server::start_reading(move |asked, body| {
        kept.lock().unwrap().push((asked.to_owned(), body.to_owned()));
        answer("202 Accepted", "", r#"{"id":"s","status":"pending","total_count":0,"success_count":0,"failure_count":0,"pending_count":0}"#)
    })
    .await;
    server.client().add(&server.place(), &[r#"{"type":"tool"}"#]).await.unwrap();
    let bodies = bodies.lock().unwrap().clone();
    let expected = r#"{"more":false,"objects":[{"type":"tool"}]}"#;
    assert_eq!(bodies, [("POST /trust/collections/c/objects/".to_owned(), expected.to_owned())]);
}

#[tokio::test]
async fn section_8_4_2_every_property_of_every_resource_is_read() {
    let custom = "\"x_example_com_more\":{\"deep\":[1]}";
    let server = Server::start(move |asked, _| match asked {
        "GET /taxii2/" => good(&format!(
            r#"{{"title":"t","description":"d","contact":"c","default":"/trust/","api_roots":["/trust/"],{custom}}}"#
        )),
        "GET /trust/" => good(&format!(
            r#"{{"title":"t","description":"d","versions":["{}"],"max_content_length":9007199254740991,{custom}}}"#,
            media::TAXII
        )),
        "GET /trust/collections/" | "GET /trust/collections/c/" => {
            let one = format!(
                r#"{{"id":"i","title":"t","description":"d","alias":"a","can_read":true,"can_write":false,"media_types":["m"],{custom}}}"#
            );
            good(&if asked.ends_with("/c/") { one } else { format!(r#"{{"collections":[{one}]}}"#) })
        }
        "GET /trust/status/s/" => good(&format!(
            r#"{{"id":"s","status":"pending","request_timestamp":"at","total_count":3,"success_count":1,"failure_count":1,"pending_count":1,
            "successes":[{{"id":"a","version":"1","message":"m"}}],"failures":[{{"id":"b","version":"2","message":"n"}}],
            "pendings":[{{"id":"c","version":"3"}}],{custom}}}"#
        )),
        "GET /trust/collections/c/manifest/" => good(&format!(
            r#"{{"more":true,"next":"n","objects":[{{"id":"a","date_added":"at","version":"1","media_type":"m"}}],{custom}}}"#
        )),
        "GET /trust/collections/c/objects/a/versions/" => good(r#"{"more":false,"versions":["1","2"]}"#),
        "GET /trust/collections/c/objects/" => answer(
            "200 OK",
            "x-taxii-date-added-first: d1\r\nx-taxii-date-added-last: d2\r\n",
            &format!(r#"{{"more":true,"next":"n","objects":[{{"id":"a"}}],{custom}}}"#),
        ),
        other => panic!("{other}"),
    })
    .await;
    let (client, place) = (server.client(), server.place());
    let found = json!([
        client.discovery().await.unwrap(),
        client.api_root(&place.root).await.unwrap(),
        client.collections(&place.root).await.unwrap(),
        client.status(&place.root, "s").await.unwrap(),
        client.manifest(&place, &Filters::default(), &Cursor::default()).await.unwrap().entries,
    ]);
    let collection = json!({ "id": "i", "title": "t", "description": "d", "alias": "a", "can_read": true, "can_write": false,
        "media_types": ["m"] });
    let expected = json!([
        { "title": "t", "description": "d", "contact": "c", "default": "/trust/", "api_roots": ["/trust/"] },
        { "title": "t", "description": "d", "versions": [media::TAXII], "max_content_length": 9_007_199_254_740_991_u64 },
        [collection],
        { "id": "s", "status": "pending", "request_timestamp": "at", "total_count": 3, "success_count": 1, "failure_count": 1,
            "pending_count": 1, "successes": [{ "id": "a", "version": "1", "message": "m" }],
            "failures": [{ "id": "b", "version": "2", "message": "n" }], "pendings": [{ "id": "c", "version": "3" }] },
        [{ "id": "a", "date_added": "at", "version": "1", "media_type": "m" }],
    ]);
    assert_eq!(found, expected);
    assert_eq!(client.status(&place.root, "s").await.unwrap().status, StatusState::Pending);
    assert_eq!(json!(client.collection(&place).await.unwrap()), collection);
    assert_eq!(client.versions(&place, "a", None).await.unwrap().entries, ["1", "2"]);
    let page = client.objects(&place, &Filters::default(), &Cursor::default()).await.unwrap();
    assert_eq!((page.more, page.next.as_deref(), page.objects.len()), (true, Some("n"), 1));
    assert_eq!((page.first_added.as_deref(), page.last_added.as_deref()), (Some("d1"), Some("d2")));
}

/// `details` may be any object (§3.6.1): what stands in it hides no other word of the server's.
#[tokio::test]
async fn section_3_6_1_errors_are_read_whatever_their_details_hold() {
    let server = Server::start(|_, _| {
        let body = r#"{"title":"No","description":"not so","error_id":"7","error_code":"c","http_status":"422","external_details":"https://x/",
            "details":{"deep":{"list":[1,null]},"text":"t"}}"#;
        answer("422 Unprocessable Content", "", body)
    })
    .await;
    let Error::Request { status: 422, message } = server.client().discovery().await.unwrap_err() else {
        panic!("a request that cannot be taken")
    };
    assert_eq!((message.title.as_str(), message.description.as_deref()), ("No", Some("not so")));
    assert_eq!((message.error_id.as_deref(), message.error_code.as_deref()), (Some("7"), Some("c")));
}

#[test]
fn section_8_5_1_plain_http_is_for_this_machine_alone() {
    let make = |address: &str| Client::new(&Settings::new(address));
    for refused in
        ["http://taxii.example/taxii2/", "http://192.0.2.1/taxii2/", "ftp://taxii.example/", "taxii.example"]
    {
        assert!(matches!(make(refused), Err(Error::Settings(_))), "{refused}");
    }
    for good in ["https://taxii.example/taxii2/", "http://127.0.0.1:1/taxii2/", "http://localhost/taxii2/"] {
        assert!(make(good).is_ok(), "{good}");
    }
}

/// RFC 7617: `user:password` in base64.
#[tokio::test]
async fn section_8_5_1_basic() {
    let server = Server::start(|_, headers| {
        assert!(headers.contains("authorization: basic qwxhzgrpbjpvcgvuihnlc2ftzq=="), "{headers}");
        good(r#"{"title":"t"}"#)
    })
    .await;
    let credentials = Credentials::Basic { user: "Aladdin".to_owned(), password: "open sesame".to_owned() };
    let client = Client::new(&Settings { credentials, ..server.settings() }).unwrap();
    assert_eq!(client.discovery().await.unwrap().title, "t");
}
