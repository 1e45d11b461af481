//! How messages travel: topics and packets of MQTT 5, requests and answers of HTTP.

use openc2::consumer::{Consumer, Reach, Request};
use openc2::mqtt::{self, Connect, Publish, Topic};
use openc2::{DateTime, Headers, Language, Message, Reading, Response, Status, https};
use serde_json::json;

use crate::support::{NOW, command, config, deny, later};

fn order() -> Message {
    let headers = Headers {
        request_id: Some("r-1".into()),
        created: Some(NOW),
        from: Some("council".into()),
        to: vec![],
    };
    Message::request(headers, &command(deny("192.0.2.1")), Language::V1_0)
}

fn answer() -> Message {
    Message::response(order().headers.answering("edge-7", NOW), &Response::new(Status::Ok), Language::V1_0)
}

#[test]
fn topics_are_read_and_written() {
    for (name, topic) in [
        ("oc2/cmd/all", Topic::All),
        ("oc2/cmd/ap/slpf", Topic::profile("slpf").unwrap()),
        ("oc2/cmd/device/edge-7", Topic::device("edge-7").unwrap()),
        ("oc2/rsp", Topic::Responses),
        ("oc2/rsp/council", Topic::responses_to("council").unwrap()),
    ] {
        assert_eq!(Topic::parse(name), Some(topic.clone()));
        assert_eq!(topic.to_string(), name);
    }
    for name in [
        "",
        "oc2",
        "oc2/cmd",
        "oc2/cmd/all/x",
        "oc2/cmd/ap",
        "oc2/cmd/ap/+",
        "oc2/cmd/device/",
        "oc2/cmd/device/a#",
        "oc2/#",
        "OC2/cmd/all",
        "/oc2/cmd/all",
    ] {
        assert_eq!(Topic::parse(name), None, "{name}");
    }
    for id in ["", "a/b", "+", "#", "a\u{0}b", &"a".repeat(257)] {
        assert_eq!((Topic::device(id), Topic::responses_to(id)), (None, None));
    }
}

#[test]
fn a_producer_is_answered_where_its_name_can_stand() {
    for (from, topic) in [
        ("council", "oc2/rsp/council"),
        ("hub.example.jp/log", "oc2/rsp/hub.example.jp%2Flog"),
        ("a%2Fb", "oc2/rsp/a%252Fb"),
        ("+#\n", "oc2/rsp/%2B%23%0A"),
        ("", "oc2/rsp"),
        (&"a".repeat(257), "oc2/rsp"),
    ] {
        let answered = Topic::answering(from);
        assert_eq!(answered.to_string(), topic);
        assert_eq!(Topic::parse(topic), Some(answered), "{from}");
    }
    let producer = mqtt::subscriptions_of_producer(&mqtt::level("hub.example.jp/log")).unwrap();
    assert_eq!(producer[1].topic, Topic::answering("hub.example.jp/log"));
}

#[test]
fn who_subscribes_to_what() {
    let names =
        |list: Vec<mqtt::Subscription>| list.iter().map(|one| one.topic.to_string()).collect::<Vec<_>>();
    let consumer = mqtt::subscriptions_of_consumer("zulu", &["alpha", "iota"]).unwrap();
    assert!(
        consumer.iter().all(|one| one.qos_max == 2
            && one.no_local
            && one.retain_as_published
            && one.retain_handling == 0)
    );
    assert_eq!(
        names(consumer),
        ["oc2/cmd/all", "oc2/cmd/ap/alpha", "oc2/cmd/ap/iota", "oc2/cmd/device/zulu"]
    );
    assert_eq!(names(mqtt::subscriptions_of_producer("omega").unwrap()), ["oc2/rsp", "oc2/rsp/omega"]);
    assert!(mqtt::subscriptions_of_consumer("a/b", &[]).is_err());
    assert!(mqtt::subscriptions_of_consumer("a", &["#"]).is_err());
}

#[test]
fn a_connection_has_no_will_and_keeps_its_session() {
    let connect = Connect::new("a1B2", 300).unwrap();
    assert_eq!(connect, Connect { client_id: "a1B2".into(), keep_alive_s: 300, clean_start: false });
    for (id, keep_alive) in [("", 60), ("a-b", 60), ("abcdefghijklmnopqrstuvwx", 60), ("a", 301), ("a", 0)] {
        assert!(Connect::new(id, keep_alive).is_err(), "{id} {keep_alive}");
    }
}

#[test]
fn a_packet_says_what_it_must_and_ends_with_its_message() {
    let packet = mqtt::publish(&order(), &Topic::device("edge-7").unwrap(), later(1_500), NOW).unwrap();
    let property = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        packet,
        Publish {
            topic: "oc2/cmd/device/edge-7".into(),
            qos: 1,
            retain: false,
            is_text: true,
            content_type: Some("application/openc2".into()),
            user_properties: vec![property("msgType", "req"), property("encoding", "json")],
            response_topic: None,
            message_expiry_s: Some(2),
            payload: order().to_bytes(),
        }
    );
    let (topic, message) = mqtt::read(&packet).unwrap();
    assert_eq!((topic.to_string(), message), ("oc2/cmd/device/edge-7".to_owned(), order()));
    let back = mqtt::publish(&answer(), &Topic::responses_to("council").unwrap(), later(1), NOW).unwrap();
    assert_eq!(back.user_properties[0].1, "rsp");
    assert_eq!(mqtt::read(&back).unwrap().1, answer());
    let refused = |message: &Message, topic: Topic, expires: DateTime| {
        mqtt::publish(message, &topic, expires, NOW).unwrap_err().clause()
    };
    assert_eq!(refused(&order(), Topic::Responses, later(1)), "MQTT 2.2");
    assert_eq!(refused(&answer(), Topic::All, later(1)), "MQTT 2.2");
    assert_eq!(refused(&order(), Topic::All, NOW), "MQTT 2.10");
    let nobody = Message { headers: Headers { from: None, ..order().headers }, ..order() };
    assert_eq!(refused(&nobody, Topic::All, later(1)), "MQTT 3.2");
}

#[test]
fn a_packet_that_contradicts_itself_is_refused() {
    let good = mqtt::publish(&order(), &Topic::All, later(1), NOW).unwrap();
    let property = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let cases: Vec<Publish> = vec![
        Publish { topic: "oc2/other".into(), ..good.clone() },
        Publish { topic: "oc2/rsp".into(), ..good.clone() },
        Publish { retain: true, ..good.clone() },
        Publish { response_topic: Some("evil".into()), ..good.clone() },
        Publish { content_type: None, ..good.clone() },
        Publish { content_type: Some("application/json".into()), ..good.clone() },
        Publish { user_properties: vec![property("msgType", "req")], ..good.clone() },
        Publish {
            user_properties: vec![property("msgType", "req"), property("encoding", "cbor")],
            ..good.clone()
        },
        Publish {
            user_properties: vec![property("msgType", "rsp"), property("encoding", "json")],
            ..good.clone()
        },
        Publish {
            user_properties: vec![
                property("msgType", "req"),
                property("msgType", "rsp"),
                property("encoding", "json"),
            ],
            ..good.clone()
        },
        Publish { payload: b"{}".to_vec(), ..good.clone() },
        Publish { payload: vec![b' '; 2 << 20], ..good.clone() },
        Publish {
            payload: Message { headers: Headers { from: None, ..order().headers }, ..order() }.to_bytes(),
            ..good.clone()
        },
    ];
    for packet in cases {
        assert!(mqtt::read(&packet).is_err(), "{packet:?}");
    }
    assert!(mqtt::read(&good).is_ok());
}

#[test]
fn a_request_is_a_post_to_one_path_and_its_identifier_comes_back() {
    let request = https::request(&order()).unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/.well-known/openc2"));
    assert_eq!(request.content_type.as_deref(), Some("application/openc2+json;version=1.0"));
    assert_eq!(request.accept, request.content_type);
    assert_eq!(request.request_id.as_deref(), Some("r-1"));
    let message = https::read(&request).unwrap();
    assert_eq!(message, order());
    let mut consumer = Consumer::new(config());
    let decision = consumer.take(&Request::authenticated(message, "council", Reach::Direct), NOW).unwrap();
    let decision = consumer.finished(&decision.effects[0].task, Ok(()), NOW).unwrap();
    let reply = https::answer(&decision.replies[0].message("edge-7", NOW));
    assert_eq!((reply.status, reply.request_id.as_deref()), (200, Some("r-1")));
    assert_eq!(
        (reply.content_type, reply.cache_control),
        (Some("application/openc2+json;version=1.0"), "no-cache")
    );
    let back = https::read_answer(reply.content_type, &reply.body, "r-1").unwrap().unwrap();
    assert_eq!(back.answer(&Reading::default()).unwrap().rule_number().unwrap().0, 1);
    assert!(https::read_answer(reply.content_type, &reply.body, "r-2").is_err());
    assert!(https::read_answer(Some("text/html"), &reply.body, "r-1").is_err());
    // The header's identifier becomes the message's where it has none.
    let bare = Message { headers: Headers { request_id: None, ..order().headers }, ..order() };
    let from_header = https::Request { body: bare.to_bytes(), ..request.clone() };
    assert_eq!(https::read(&from_header).unwrap().headers.request_id.as_deref(), Some("r-1"));
    assert!(https::request(&bare).is_err());
    assert!(https::request(&answer()).is_err());
}

#[test]
fn what_is_no_command_over_http_gets_a_status_of_the_language() {
    let good = https::request(&order()).unwrap();
    let refused = |request: https::Request| https::read(&request).unwrap_err();
    for method in ["GET", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "post"] {
        let reply = refused(https::Request { method: method.into(), ..good.clone() });
        assert_eq!((reply.status, reply.body.len()), (501, 0), "{method}");
    }
    assert_eq!(refused(https::Request { path: "/".into(), ..good.clone() }).status, 404);
    let no_type = refused(https::Request { content_type: Some("application/json".into()), ..good.clone() });
    assert_eq!((no_type.status, no_type.request_id.as_deref()), (400, Some("r-1")));
    let said = Message::parse(&no_type.body).unwrap();
    assert_eq!(said.headers.request_id.as_deref(), Some("r-1"));
    assert!(said.answer(&Reading::default()).unwrap().status_text.unwrap().contains("HTTPS 3.3.1"));
    for (body, id) in [
        (b"nonsense".to_vec(), Some("r-1")),
        (answer().to_bytes(), Some("r-1")),
        (order().to_bytes(), Some("r-2")),
        (Message { headers: Headers::default(), ..order() }.to_bytes(), None),
        (Message { headers: Headers::default(), ..order() }.to_bytes(), Some("a\r\nSet-Cookie: b")),
    ] {
        let request = https::Request { body, request_id: id.map(str::to_owned), ..good.clone() };
        let reply = refused(request);
        assert_eq!(reply.status, 400);
        assert!(reply.request_id.is_none_or(|id| !id.contains('\n')), "no header of a stranger's making");
    }
}

#[test]
fn statuses_are_those_of_http_but_for_the_one_that_cannot_end_an_exchange() {
    for status in Status::ALL {
        let message = Message::response(
            order().headers.answering("edge-7", NOW),
            &Response::new(status),
            Language::V1_1,
        );
        let expected = if status == Status::Processing { 200 } else { status.code() };
        assert_eq!(https::answer(&message).status, expected);
    }
    let quiet = https::no_answer(Some("r-1"));
    assert_eq!(
        (quiet.status, quiet.body.len(), quiet.content_type, quiet.request_id.as_deref()),
        (200, 0, None, Some("r-1"))
    );
    assert_eq!(https::read_answer(None, &quiet.body, "r-1"), Ok(None));
    assert_eq!(json!(https::PATH), "/.well-known/openc2");
}
