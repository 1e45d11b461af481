//! Random commands come back as they were, and random JSON ends nothing but itself.

use openc2::consumer::{Consumer, Reach, Request};
use openc2::{Action, Command, Language, Message, Reading, Response, Target, slpf};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{NOW, config, message};

fn v4() -> impl Strategy<Value = Value> {
    (any::<std::net::Ipv4Addr>(), prop::option::of(0u8..=32)).prop_map(|(address, prefix)| match prefix {
        Some(prefix) => json!(format!("{address}/{prefix}")),
        None => json!(address.to_string()),
    })
}

fn v6() -> impl Strategy<Value = Value> {
    (any::<std::net::Ipv6Addr>(), prop::option::of(0u8..=128)).prop_map(|(address, prefix)| match prefix {
        Some(prefix) => json!(format!("{address}/{prefix}")),
        None => json!(address.to_string()),
    })
}

fn connection(net: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    let protocol = prop::sample::select(vec!["icmp", "tcp", "udp", "sctp"]);
    let parts = (
        prop::option::of(net.clone()),
        prop::option::of(any::<u16>()),
        prop::option::of(net),
        prop::option::of(any::<u16>()),
    );
    (parts, prop::option::of(protocol)).prop_map(|((src, src_port, dst, dst_port), protocol)| {
        let mut map = serde_json::Map::new();
        let said = [
            ("src_addr", src),
            ("src_port", src_port.map(Value::from)),
            ("dst_addr", dst),
            ("dst_port", dst_port.map(Value::from)),
            ("protocol", protocol.map(Value::from)),
        ];
        map.extend(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Value::Object(map)
    })
}

fn target() -> impl Strategy<Value = Value> {
    prop_oneof![
        v4().prop_map(|net| json!({"ipv4_net": net})),
        v6().prop_map(|net| json!({"ipv6_net": net})),
        connection(v4().boxed()).prop_map(|one| json!({"ipv4_connection": one})),
        connection(v6().boxed()).prop_map(|one| json!({"ipv6_connection": one})),
        any::<i32>().prop_map(|number| json!({"slpf:rule_number": number})),
        any::<i32>().prop_map(|number| json!({"slpf": {"rule_number": number}})),
        "[a-z]{1,8}\\.[a-z]{2,5}".prop_map(|name| json!({"domain_name": name})),
        ".{0,12}".prop_map(|name| json!({"file": {"name": name}})),
        prop::sample::subsequence(vec!["versions", "profiles", "pairs", "rate_limit", "args"], 0..5)
            .prop_map(|f| json!({"features": f})),
        ".{0,40}".prop_map(|id| json!({"command": id})),
    ]
}

fn args() -> impl Strategy<Value = Value> {
    let slpf = (
        prop::option::of(prop::sample::select(vec!["none", "reject", "false_ack"])),
        prop::option::of(any::<bool>()),
        prop::option::of(prop::sample::select(vec!["both", "ingress", "egress"])),
        prop::option::of(any::<i32>()),
    );
    let times =
        (prop::option::of(any::<u32>()), prop::option::of(any::<u32>()), prop::option::of(any::<u32>()));
    let wanted = prop::option::of(prop::sample::select(vec!["none", "ack", "status", "complete"]));
    (times, wanted, slpf).prop_map(
        |((start, stop, duration), wanted, (drop, persistent, direction, insert))| {
            let put = |said: Vec<(&str, Option<Value>)>| {
                let there = said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
                Value::Object(there.collect())
            };
            let slpf = put(vec![
                ("drop_process", drop.map(Value::from)),
                ("persistent", persistent.map(Value::from)),
                ("direction", direction.map(Value::from)),
                ("insert_rule", insert.map(Value::from)),
            ]);
            put(vec![
                ("start_time", start.map(|time| Value::from(NOW.0 + u64::from(time)))),
                ("stop_time", stop.map(|time| Value::from(NOW.0 + u64::from(time)))),
                ("duration", duration.map(Value::from)),
                ("response_requested", wanted.map(Value::from)),
                ("slpf", slpf.as_object().filter(|map| !map.is_empty()).map(|_| slpf.clone())),
            ])
        },
    )
}

fn sound() -> impl Strategy<Value = Value> {
    let action = prop::sample::select(Action::ALL.to_vec());
    let likely = prop::sample::select(vec![
        Action::Deny,
        Action::Allow,
        Action::Delete,
        Action::Query,
        Action::Update,
    ]);
    (prop_oneof![1 => action, 5 => likely], target(), args(), prop::option::of("[!-~]{0,36}")).prop_map(
        |(action, target, args, id)| {
            let mut command = json!({"action": action.as_str(), "target": target});
            if args.as_object().is_some_and(|args| !args.is_empty()) {
                command["args"] = args;
            }
            if let Some(id) = id {
                command["command_id"] = json!(id);
            }
            command
        },
    )
}

/// JSON with the language's own names in wrong places.
fn wild() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "action",
        "target",
        "args",
        "actuator",
        "command_id",
        "slpf",
        "ipv4_net",
        "ipv4_connection",
        "features",
        "file",
        "hashes",
        "process",
        "parent",
        "start_time",
        "duration",
        "response_requested",
        "status",
        "results",
        "pairs",
        "headers",
        "body",
        "openc2",
        "request",
        "response",
        "signature",
        "from",
        "to",
        "slpf:rule_number",
        "x-a:b",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        prop::sample::select(vec![
            "deny",
            "none",
            "192.0.2.0/24",
            "::/0",
            "complete",
            "tcp",
            "%",
            "@",
            "a:",
            "::"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|entries| Value::Object(
                entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_command_comes_back_in_either_spelling(value in sound()) {
        let Ok(command) = Command::parse(value.to_string().as_bytes(), &Reading::default()) else { return Ok(()) };
        for language in [Language::V1_0, Language::V1_1] {
            let written = command.write(language);
            let again = Command::parse(written.to_string().as_bytes(), &Reading::default()).unwrap();
            prop_assert_eq!(&again, &command);
            prop_assert_eq!(again.write(language), written);
            prop_assert_eq!(again.digest(), command.digest());
        }
        let kept: Target = serde_json::from_str(&serde_json::to_string(&command.target).unwrap()).unwrap();
        prop_assert_eq!(kept, command.target);
    }

    #[test]
    fn a_consumer_answers_what_is_asked_and_only_that(values in prop::collection::vec(prop_oneof![3 => sound(), 1 => wild()], 1..12)) {
        let mut consumer = Consumer::new(config());
        for (index, value) in values.iter().enumerate() {
            let request = Request::authenticated(message(&format!("r-{index}"), value), "council", Reach::Direct);
            let decision = consumer.take(&request, NOW).unwrap();
            let quiet = value.pointer("/args/response_requested") == Some(&json!("none"));
            prop_assert!(!quiet || decision.replies.is_empty(), "{}", value);
            for reply in &decision.replies {
                let written = reply.message("edge-7", NOW).to_bytes();
                let read = Message::parse(&written).unwrap().answer(&Reading::default());
                prop_assert_eq!(read.as_ref().ok(), Some(&reply.response));
                // 200 is said only of what was done or told.
                prop_assert!(!reply.response.status.is_success() || value["action"] == "query" || value["action"] == "delete");
            }
            prop_assert!(decision.effects.is_empty() || Command::read(value, &Reading::default()).is_ok());
        }
    }

    #[test]
    fn a_producer_s_command_is_taken_by_a_consumer(value in sound()) {
        let Ok(command) = Command::read(&value, &Reading::default()) else { return Ok(()) };
        if slpf::check_as_producer(&command, NOW).is_err() || matches!(command.target, Target::DomainName(_)) {
            return Ok(());
        }
        prop_assert!(slpf::judge(&command, &slpf::Support::default()).is_ok());
    }

    #[test]
    fn no_json_ends_the_program(value in wild()) {
        let text = value.to_string();
        let _ = Command::parse(text.as_bytes(), &Reading::default());
        let _ = Response::parse(text.as_bytes(), &Reading::default());
        if let Ok(message) = Message::parse(text.as_bytes()) {
            prop_assert_eq!(Message::parse(&message.to_bytes()).unwrap(), message);
        }
    }

    #[test]
    fn no_bytes_end_the_program(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Command::parse(&bytes, &Reading::default());
        let _ = Message::parse(&bytes);
    }
}
