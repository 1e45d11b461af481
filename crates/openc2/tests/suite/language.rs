//! Reading and writing: every type of target, every way to be wrong with its clause, and which packets a target means.

use openc2::{
    Action, Command, Extensions, Fault, Feature, Language, Message, Packet, Reading, Response, RuleNumber,
    Status, TARGETS, Target, TargetName, is_content_type, slpf,
};
use serde_json::{Value, json};

use crate::support::command;

const HASH: &str = "22FE72A34F006EA67D26BB7004E2B6941B5C3953D43AE7EC24D41B1A928A6973";

/// One of each type of target.
fn targets() -> Vec<(&'static str, Value)> {
    vec![
        (
            "artifact",
            json!({"mime_type": "text/plain", "payload": {"bin": "aGk_"}, "hashes": {"sha256": HASH}}),
        ),
        ("artifact", json!({"payload": {"url": "https://example.com/a"}})),
        ("command", json!("CB1BCDEE-C7B4-40B7-9128-64DB2B877C32")),
        ("device", json!({"hostname": "fw.example.net", "idn_hostname": "例え.テスト", "device_id": "a b"})),
        ("domain_name", json!("www.example.com")),
        ("email_addr", json!("a.b+c@example.com")),
        ("features", json!(["versions", "profiles", "pairs", "rate_limit", "args"])),
        (
            "file",
            json!({"name": "a", "path": "/b", "hashes": {"md5": "0313FD399B143FC40CD52A1679018305", "sha1": "F46ED7E88334A4D3DEBAA8CFA842727CB66E997F"}}),
        ),
        ("idn_domain_name", json!("例え.テスト")),
        ("idn_email_addr", json!("用户@例え.テスト")),
        ("ipv4_net", json!("192.0.2.0/24")),
        ("ipv6_net", json!("2001:db8::/32")),
        (
            "ipv4_connection",
            json!({"src_addr": "192.0.2.1", "src_port": 1, "dst_addr": "198.51.100.0/24", "dst_port": 65535, "protocol": "sctp"}),
        ),
        ("ipv6_connection", json!({"src_addr": "2001:db8::1", "dst_addr": "::/0", "protocol": "icmp"})),
        ("iri", json!("https://例え.テスト/パス?a=%E3%81%82")),
        ("mac_addr", json!("8c:85:90:72:31:af")),
        ("mac_addr", json!("8c:85:90:ff:fe:72:31:af")),
        (
            "process",
            json!({"pid": 1, "name": "a", "cwd": "/", "executable": {"path": "/b"}, "parent": {"pid": 0}, "command_line": "a -b"}),
        ),
        ("properties", json!(["battery", "firewall_status"])),
        ("uri", json!("https://example.com/a?b#c")),
        ("slpf:rule_number", json!(-7)),
        ("x-acme:container", json!({"container_id": "E57C0116"})),
    ]
}

#[test]
fn every_target_comes_back_as_it_was() {
    let mut seen: Vec<&str> = vec![];
    for (name, value) in targets() {
        let written = json!({"action": "investigate", "target": {name: value}});
        let read = Command::parse(written.to_string().as_bytes(), &Reading::default()).unwrap();
        assert_eq!(read.write(Language::V1_0), written);
        assert_eq!(read.target.name().spell(Language::V1_0), name);
        // Kept as JSON in a journal.
        let kept: Target = serde_json::from_str(&serde_json::to_string(&read.target).unwrap()).unwrap();
        assert_eq!(kept, read.target);
        seen.push(name);
    }
    assert!(TARGETS.iter().all(|name| seen.contains(name)), "a type of target has no case");
}

#[test]
fn every_action_is_read() {
    assert_eq!(Action::ALL.len(), 20);
    for action in Action::ALL {
        let read = command(json!({"action": action.as_str(), "target": {"command": "a"}}));
        assert_eq!(read.action, *action);
    }
}

#[test]
fn the_three_spellings_of_a_rule_number_are_one() {
    for target in
        [json!({"slpf:rule_number": 5}), json!({"slpf/rule_number": 5}), json!({"slpf": {"rule_number": 5}})]
    {
        let read = command(json!({"action": "delete", "target": target}));
        assert_eq!(read.target, Target::RuleNumber(RuleNumber(5)));
        assert_eq!(
            read.digest(),
            command(json!({"action": "delete", "target": {"slpf:rule_number": 5}})).digest()
        );
    }
    let nested = json!({"action": "delete", "target": {"slpf": {"rule_number": 5}}});
    let strict = Reading::with(Language::V1_0, &["slpf"]);
    assert_eq!(Command::read(&nested, &strict).unwrap_err().clause(), "LS 3.3.1.2");
    // Who writes something of 1.1 is answered in 1.1.
    assert_eq!(openc2::language_of(&nested), Language::V1_1);
    assert_eq!(
        openc2::language_of(&json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}})),
        Language::V1_0
    );
}

#[test]
fn what_is_wrong_names_its_clause() {
    let deny = |name: &str, value: Value| json!({"action": "deny", "target": {name: value}});
    let args = |args: Value| json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": args});
    let to = |actuator: Value| json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "actuator": actuator});
    let cases: Vec<(Value, &str, &str)> = vec![
        (json!([]), "LS 3.3.1", ""),
        (json!({"action": "deny"}), "LS 5.1", "/target"),
        (json!({"target": {"uri": "a:b"}}), "LS 5.1", "/action"),
        (json!({"action": "dance", "target": {"uri": "a:b"}}), "LS 3.3.1.1", "/action"),
        (json!({"action": 6, "target": {"uri": "a:b"}}), "LS 3.3.1.1", "/action"),
        (json!({"action": "deny", "target": {"uri": "a:b"}, "note": 1}), "LS 3.3.1", "/note"),
        (json!({"action": "deny", "target": {}}), "LS 3.3.1.2", "/target"),
        (json!({"action": "deny", "target": {"uri": "a:b", "command": "a"}}), "LS 3.3.1.2", "/target"),
        (deny("planet", json!("mars")), "LS 3.3.1.2", "/target/planet"),
        (deny("X-acme:a", json!({})), "LS 3.3.1.2", "/target/X-acme:a"),
        (deny("slpf:rule", json!(1)), "SLPF 2.1.2.2", "/target/slpf:rule"),
        (deny("slpf:rule_number", json!(1.5)), "SLPF 2.1.2.2", "/target/slpf:rule_number"),
        (deny("slpf:rule_number", json!("1")), "SLPF 2.1.2.2", "/target/slpf:rule_number"),
        (deny("artifact", json!({})), "LS 3.4.1.1", "/target/artifact"),
        (
            deny("artifact", json!({"payload": {"bin": "a", "url": "a:b"}})),
            "LS 3.1.5",
            "/target/artifact/payload/bin",
        ),
        (
            deny("artifact", json!({"payload": {"bin": "aGk_", "url": "a:b"}})),
            "LS 3.4.2.13",
            "/target/artifact/payload",
        ),
        (deny("command", json!("a b")), "LS 3.4.2.16", "/target/command"),
        (deny("command", json!("a".repeat(37))), "LS 3.4.2.16", "/target/command"),
        (deny("device", json!({})), "LS 3.4.1.2", "/target/device"),
        (deny("device", json!({"hostname": "-a"})), "LS 3.4.1.3", "/target/device/hostname"),
        (deny("domain_name", json!("a..b")), "LS 3.4.1.3", "/target/domain_name"),
        (deny("domain_name", json!("a b")), "LS 3.4.1.3", "/target/domain_name"),
        (deny("domain_name", json!(format!("{}.com", "a".repeat(64)))), "LS 3.4.1.3", "/target/domain_name"),
        (deny("email_addr", json!("a@")), "LS 3.4.1.4", "/target/email_addr"),
        (deny("email_addr", json!("a@b@c d")), "LS 3.4.1.4", "/target/email_addr"),
        (deny("features", json!(["versions", "versions"])), "LS 3.4.1.5", "/target/features/1"),
        (deny("features", json!(["colours"])), "LS 3.4.2.4", "/target/features/0"),
        (deny("file", json!({})), "LS 3.4.1.6", "/target/file"),
        (deny("file", json!({"size": 1})), "LS 3.4.1.6", "/target/file/size"),
        (deny("file", json!({"hashes": {}})), "LS 3.4.2.5", "/target/file/hashes"),
        (deny("file", json!({"hashes": {"md5": "00"}})), "LS 3.4.2.5", "/target/file/hashes/md5"),
        (deny("idn_domain_name", json!("例 え")), "LS 3.4.1.7", "/target/idn_domain_name"),
        (deny("idn_email_addr", json!("例え")), "LS 3.4.1.8", "/target/idn_email_addr"),
        (deny("ipv4_net", json!("192.0.2.1/33")), "LS 3.4.1.9", "/target/ipv4_net"),
        (deny("ipv4_net", json!("192.0.2.01")), "LS 3.4.1.9", "/target/ipv4_net"),
        (deny("ipv4_net", json!("192.0.2.1/")), "LS 3.4.1.9", "/target/ipv4_net"),
        (deny("ipv4_net", json!("192.0.2.1/+8")), "LS 3.4.1.9", "/target/ipv4_net"),
        (deny("ipv4_net", json!("192.0.2.1/08")), "LS 3.4.1.9", "/target/ipv4_net"),
        (deny("ipv4_net", json!("example.com")), "LS 3.4.1.9", "/target/ipv4_net"),
        (deny("ipv4_net", json!("2001:db8::1")), "LS 3.4.1.9", "/target/ipv4_net"),
        (deny("ipv6_net", json!("fe80::1%eth0")), "LS 3.4.1.11", "/target/ipv6_net"),
        (deny("ipv6_net", json!("2001:db8::/129")), "LS 3.4.1.11", "/target/ipv6_net"),
        (deny("ipv4_connection", json!({})), "LS 3.4.1.10", "/target/ipv4_connection"),
        (
            deny("ipv4_connection", json!({"src_addr": "2001:db8::1"})),
            "LS 3.4.1.10",
            "/target/ipv4_connection/src_addr",
        ),
        (
            deny("ipv6_connection", json!({"dst_addr": "192.0.2.1"})),
            "LS 3.4.1.12",
            "/target/ipv6_connection/dst_addr",
        ),
        (
            deny("ipv4_connection", json!({"src_port": 65536})),
            "LS 3.4.2.14",
            "/target/ipv4_connection/src_port",
        ),
        (
            deny("ipv4_connection", json!({"src_port": "ssh"})),
            "LS 3.4.2.14",
            "/target/ipv4_connection/src_port",
        ),
        (
            deny("ipv4_connection", json!({"protocol": "TCP"})),
            "LS 3.4.2.10",
            "/target/ipv4_connection/protocol",
        ),
        (deny("ipv4_connection", json!({"port": 1})), "LS 3.4.1.10", "/target/ipv4_connection/port"),
        (deny("iri", json!("no scheme")), "LS 3.4.1.13", "/target/iri"),
        (deny("mac_addr", json!("8c-85-90-72-31-af")), "LS 3.4.1.14", "/target/mac_addr"),
        (deny("mac_addr", json!("8c:85:90:72:31")), "LS 3.4.1.14", "/target/mac_addr"),
        (deny("process", json!({})), "LS 3.4.1.15", "/target/process"),
        (deny("process", json!({"parent": {}})), "LS 3.4.1.15", "/target/process/parent"),
        (deny("process", json!({"pid": -1})), "LS 3.4.1.15", "/target/process/pid"),
        (deny("properties", json!([])), "LS 3.4.1.16", "/target/properties"),
        (deny("properties", json!(["a", "a"])), "LS 3.4.1.16", "/target/properties/1"),
        (deny("uri", json!("https://例え.テスト/")), "LS 3.4.1.17", "/target/uri"),
        (deny("uri", json!("https://example.com/%zz")), "LS 3.4.1.17", "/target/uri"),
        (args(json!({})), "LS 3.3.1", "/args"),
        (args(json!({"start_time": -1})), "LS 3.4.2.2", "/args/start_time"),
        (args(json!({"duration": 1.5})), "LS 3.4.2.3", "/args/duration"),
        (args(json!({"response_requested": "maybe"})), "LS 3.4.2.15", "/args/response_requested"),
        (args(json!({"start_time": 1, "stop_time": 3, "duration": 2})), "LS 3.3.1.4", "/args"),
        (args(json!({"colour": 1})), "LS 3.3.1.4", "/args/colour"),
        (args(json!({"slpf": {}})), "SLPF 2.1.3.2", "/args/slpf"),
        (args(json!({"slpf": {"direction": "up"}})), "SLPF 2.1.3.2", "/args/slpf/direction"),
        (args(json!({"slpf": {"persistent": "true"}})), "SLPF 2.1.3.2", "/args/slpf/persistent"),
        (args(json!({"slpf": {"drop_process": true}})), "SLPF 2.1.3.2", "/args/slpf/drop_process"),
        (args(json!({"slpf": {"insert_rule": "1"}})), "SLPF 2.1.2.2", "/args/slpf/insert_rule"),
        (args(json!({"slpf": {"logged": true}})), "SLPF 2.1.3.2", "/args/slpf/logged"),
        (to(json!({})), "LS 3.3.1.3", "/actuator"),
        (to(json!({"slpf": {"serial": "1"}})), "SLPF 2.1.4", "/actuator/slpf/serial"),
        (to(json!({"slpf": {"asset_tuple": vec!["a"; 11]}})), "SLPF 2.1.4", "/actuator/slpf/asset_tuple"),
        (to(json!({"Slpf": {}})), "LS 3.1.4", "/actuator/Slpf"),
        (json!({"action": "deny", "target": {"uri": "a:b"}, "command_id": 5}), "LS 3.4.2.16", "/command_id"),
    ];
    for (value, clause, pointer) in cases {
        let refusal =
            Command::parse(value.to_string().as_bytes(), &Reading::default()).expect_err(&value.to_string());
        assert_eq!((refusal.clause(), refusal.pointer()), (clause, pointer), "{value}: {refusal}");
        // A value that somebody sent does not come back in what is logged.
        assert!(!refusal.to_string().contains("192.0.2"), "{refusal}");
    }
}

#[test]
fn what_cannot_be_done_is_told_from_what_is_wrong() {
    let read = |args: Value| {
        let command = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": args});
        Command::read(&command, &Reading::default()).unwrap_err()
    };
    let unknown = read(json!({"colour": 1}));
    assert_eq!(unknown.fault(), Fault::Unsupported("Option not supported"));
    assert_eq!(
        (unknown.status(), unknown.status_text()),
        (Status::NotImplemented, "Option not supported".to_owned())
    );
    let wrong = read(json!({"duration": "long"}));
    assert_eq!((wrong.fault(), wrong.status()), (Fault::Malformed, Status::BadRequest));
    assert_eq!(
        wrong.status_text(),
        "a whole number from 0 to 2^53 - 1 belongs here at `/args/duration` (LS 3.4.2.3)"
    );
}

#[test]
fn one_text_is_one_command() {
    let refused = |text: &str, message: &str| {
        let refusal = Command::parse(text.as_bytes(), &Reading::default()).unwrap_err();
        assert_eq!((refusal.clause(), refusal.message()), ("I-JSON", message), "{text}");
    };
    let twice = "a name stands twice in one object";
    refused(r#"{"action":"allow","target":{"ipv4_net":"192.0.2.1"},"action":"deny"}"#, twice);
    refused(r#"{"action":"deny","target":{"ipv4_connection":{"src_port":1,"src_port":2}}}"#, twice);
    refused(r#"{"action":"deny","target":{"x-a:b":{"c":[{"d":1,"\u0064":2}]}}}"#, twice);
    let deep = format!(r#"{{"action":"deny","target":{{"x-a:b":{}1{}}}}}"#, "[".repeat(200), "]".repeat(200));
    refused(&deep, "values are nested too deep");
    refused(r#"{"action":"deny","target":{"ipv4_net":"192.0.2.1"}} {}"#, "the text is not JSON");
    refused("", "the text is not JSON");
    refused("{\"action\":\"\\ud800\"}", "the text is not JSON");
    refused(&format!("\"{}\"", "a".repeat(1 << 20)), "the text is longer than a mebibyte");
    assert!(Command::parse(b"{\"action\":\"deny\xff\"}", &Reading::default()).is_err());
    // Numbers are numbers, however they are written.
    let read = |number: &str| {
        let text = format!(r#"{{"action":"delete","target":{{"slpf:rule_number":{number}}}}}"#);
        Command::parse(text.as_bytes(), &Reading::default()).map(|command| command.target).ok()
    };
    assert_eq!(read("7.0"), Some(Target::RuleNumber(RuleNumber(7))));
    assert_eq!(read("7e0"), Some(Target::RuleNumber(RuleNumber(7))));
    assert_eq!([read("7.5"), read("9007199254740992"), read("1e300")], [None, None, None]);
}

#[test]
fn extensions_are_kept_and_names_have_a_form() {
    let written = json!({
        "action": "start", "target": {"x-acme:container": {"id": [1, {"a": null}]}},
        "args": {"x-example": {"async": true}}, "actuator": {"x-mycompany": {"asset_id": "d"}},
    });
    let read = command(written.clone());
    assert_eq!(read.write(Language::V1_0), written);
    assert_eq!(read.target.name(), TargetName::parse("x-acme/container").unwrap());
    let only = Reading::with(Language::V1_0, &["x-acme", "x-mycompany"]);
    assert_eq!(Command::read(&written, &only).unwrap_err().pointer(), "/args/x-example");
    let taken = |name: &str, language| {
        let reading = Reading { language, extensions: Extensions::Any };
        Command::read(&json!({"action": "deny", "target": {format!("{name}:a"): 1}}), &reading).is_ok()
    };
    for (name, in_1_0, in_1_1) in [
        ("x-acme", true, true),
        ("x-395", true, true),
        ("x_acme", false, true),
        ("acme", false, true),
        ("x-ACME", false, true),
        ("x-_a", false, false),
        ("x--a", false, false),
        ("-a", false, false),
        ("X-a", false, false),
        ("x-a.b", false, false),
        ("", false, false),
        ("x-abcdefghijklmnopqrstuvwxyz012345", false, false),
    ] {
        assert_eq!(taken(name, Some(Language::V1_0)), in_1_0, "{name}");
        assert_eq!(taken(name, Some(Language::V1_1)), in_1_1, "{name}");
    }
    // Several actuators are of 1.1.
    let both = json!({"action": "deny", "target": {"uri": "a:b"}, "actuator": {"slpf": {}, "x-acme": {}}});
    assert!(Command::read(&both, &Reading { language: Some(Language::V1_0), ..Reading::default() }).is_err());
    assert!(Command::read(&both, &Reading { language: Some(Language::V1_1), ..Reading::default() }).is_ok());
}

fn packet(source: &str, destination: &str, protocol: u8, ports: Option<(u16, u16)>) -> Packet {
    Packet {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        protocol,
        source_port: ports.map(|(source, _)| source),
        destination_port: ports.map(|(_, destination)| destination),
    }
}

#[test]
fn a_range_means_source_or_destination_and_no_mask_is_one_host() {
    let means = |target: Value, packet: &Packet| {
        command(json!({"action": "deny", "target": target})).target.matches(packet)
    };
    let (from, to, none) = (
        packet("192.0.2.7", "198.51.100.1", 6, Some((1, 2))),
        packet("198.51.100.1", "192.0.2.7", 1, None),
        packet("198.51.100.1", "198.51.100.2", 6, Some((1, 2))),
    );
    for (net, expected) in [
        ("192.0.2.7", true),
        ("192.0.2.0/24", true),
        ("192.0.2.99/24", true),
        ("192.0.2.8", false),
        ("0.0.0.0/0", true),
    ] {
        let target = json!({"ipv4_net": net});
        assert_eq!(means(target.clone(), &from), expected, "{net}");
        assert_eq!(means(target.clone(), &to), expected, "{net}");
        assert_eq!(means(target, &none), net == "0.0.0.0/0", "{net}");
    }
    let six = packet("2001:db8::1", "2001:db8:1::2", 17, Some((53, 4)));
    assert!(means(json!({"ipv6_net": "2001:db8:1::2"}), &six));
    assert!(!means(json!({"ipv6_net": "2001:db8:2::/48"}), &six));
    assert!(!means(json!({"ipv4_net": "0.0.0.0/0"}), &six), "another family");
    assert!(!means(json!({"domain_name": "example.com"}), &six));
}

#[test]
fn what_a_connection_does_not_say_is_any() {
    let means = |connection: Value, packet: &Packet| {
        command(json!({"action": "deny", "target": {"ipv4_connection": connection}})).target.matches(packet)
    };
    let tcp = packet("192.0.2.7", "198.51.100.1", 6, Some((50_000, 22)));
    let icmp = packet("192.0.2.7", "198.51.100.1", 1, None);
    for (connection, on_tcp, on_icmp) in [
        (json!({"src_addr": "192.0.2.0/24"}), true, true),
        (json!({"dst_addr": "192.0.2.0/24"}), false, false),
        (json!({"dst_port": 22}), true, false),
        (json!({"src_port": 22}), false, false),
        (json!({"protocol": "tcp"}), true, false),
        (json!({"protocol": "icmp"}), false, true),
        (
            json!({"src_addr": "192.0.2.7", "src_port": 50_000, "dst_addr": "198.51.100.1", "dst_port": 22, "protocol": "tcp"}),
            true,
            false,
        ),
        (json!({"src_addr": "192.0.2.7", "dst_port": 23}), false, false),
    ] {
        assert_eq!(
            (means(connection.clone(), &tcp), means(connection.clone(), &icmp)),
            (on_tcp, on_icmp),
            "{connection}"
        );
    }
    let six = packet("2001:db8::1", "2001:db8::2", 6, Some((1, 22)));
    assert!(!means(json!({"dst_port": 22}), &six), "another family");
}

#[test]
fn responses_come_back_as_they_were_and_what_is_wrong_names_its_clause() {
    let whole = json!({
        "status": 200, "status_text": "OK", "results": {
            "versions": ["1.0"], "profiles": ["slpf", "x-lock"], "pairs": {"query": ["features"], "delete": ["slpf:rule_number"]},
            "rate_limit": 30, "slpf": {"rule_number": 1234}, "x-acme": {"a": [1]},
        }
    });
    let read = Response::parse(whole.to_string().as_bytes(), &Reading::default()).unwrap();
    assert_eq!(read.write(Language::V1_0), whole);
    assert_eq!(read.write(Language::V1_1)["results"]["pairs"]["delete"], json!(["slpf/rule_number"]));
    assert_eq!(read.rule_number(), Some(RuleNumber(1234)));
    let kept: Response = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(kept, read);
    for status in Status::ALL {
        assert_eq!(Status::from_code(i64::from(status.code())), Some(status));
    }
    assert_eq!(Response::new(Status::Created).write(Language::V1_0), json!({"status": 200}));
    assert_eq!(Response::new(Status::Created).write(Language::V1_1), json!({"status": 201}));
    for (value, clause) in [
        (json!({}), "LS 3.3.2"),
        (json!({"status": "200"}), "LS 3.3.2.1"),
        (json!({"status": 299}), "LS 3.3.2.1"),
        (json!({"status": 200, "status_text": 1}), "LS 3.3.2"),
        (json!({"status": 200, "note": 1}), "LS 3.3.2"),
        (json!({"status": 200, "results": {}}), "LS 3.3.2.2"),
        (json!({"status": 200, "results": {"colour": 1}}), "LS 3.3.2.2"),
        (json!({"status": 200, "results": {"rate_limit": -1}}), "LS 3.3.2.2"),
        (json!({"status": 200, "results": {"versions": ["1.0", "1.0"]}}), "LS 3.3.2.2"),
        (json!({"status": 200, "results": {"profiles": [""]}}), "LS 3.4.2.12"),
        (json!({"status": 200, "results": {"pairs": {}}}), "LS 3.4.2.1"),
        (json!({"status": 200, "results": {"pairs": {"query": []}}}), "LS 3.4.2.1"),
        (json!({"status": 200, "results": {"pairs": {"dance": ["features"]}}}), "LS 3.4.2.1"),
        (json!({"status": 200, "results": {"pairs": {"query": ["planets"]}}}), "LS 3.4.2.1"),
        (json!({"status": 200, "results": {"slpf": {"number": 1}}}), "SLPF 2.2.2"),
    ] {
        assert_eq!(Response::read(&value, &Reading::default()).unwrap_err().clause(), clause, "{value}");
    }
    let old = Reading { language: Some(Language::V1_0), ..Reading::default() };
    assert!(Response::read(&json!({"status": 201}), &old).is_err());
    assert!(Response::read(&json!({"status": 200, "results": {"args": ["start_time"]}}), &old).is_err());
}

#[test]
fn messages_come_back_as_they_were_and_what_is_wrong_names_its_clause() {
    let contents = [
        json!({"request": {"action": "query", "target": {"features": []}}}),
        json!({"response": {"status": 200}}),
        json!({"notification": {"whatever": [1]}}),
    ];
    for content in contents {
        let whole = json!({
            "headers": {"request_id": "r", "created": 1, "from": "a", "to": ["b", "c"]},
            "body": {"openc2": content}, "signature": "s",
        });
        assert_eq!(Message::parse(whole.to_string().as_bytes()).unwrap().write(), whole);
        let bare = json!({"body": {"openc2": content}});
        assert_eq!(Message::parse(bare.to_string().as_bytes()).unwrap().write(), bare);
    }
    let body = json!({"openc2": {"response": {"status": 200}}});
    for (value, clause) in [
        (json!({}), "LS 3.2"),
        (json!({"headers": {"from": "a"}}), "HTTPS 3.3.2"),
        (json!({"body": {}}), "HTTPS 3.3.2"),
        (json!({"body": {"openc2": {}}}), "HTTPS 3.3.2"),
        (json!({"body": {"openc2": {"request": {}, "response": {}}}}), "HTTPS 3.3.2"),
        (json!({"body": {"openc2": {"order": {}}}}), "HTTPS 3.3.2"),
        (json!({"body": {"stix": {}}}), "HTTPS 3.3.2"),
        (json!({"body": body, "header": {}}), "LS 3.2"),
        (json!({"body": body, "headers": {}}), "LS 3.2"),
        (json!({"body": body, "headers": {"x": 1}}), "LS 3.2"),
        (json!({"body": body, "headers": {"from": ""}}), "LS 3.2"),
        (json!({"body": body, "headers": {"from": "a\nb"}}), "LS 3.2"),
        (json!({"body": body, "headers": {"to": "b"}}), "LS 3.2"),
        (json!({"body": body, "headers": {"created": "now"}}), "LS 3.2"),
        (json!({"body": body, "signature": {}}), "LS 3.2"),
    ] {
        assert_eq!(Message::parse(value.to_string().as_bytes()).unwrap_err().clause(), clause, "{value}");
    }
}

#[test]
fn content_types() {
    for (text, taken) in [
        ("application/openc2+json;version=1.0", true),
        ("application/openc2+json; version=1.0", true),
        ("Application/OpenC2+JSON ; Version=\"1.1\"; charset=utf-8", true),
        ("application/openc2+json", false),
        ("application/openc2+json;version=2.0", false),
        ("application/openc2+json;version=1.0;version=2.0", false),
        ("application/openc2+cbor;version=1.0", false),
        ("application/json", false),
        ("", false),
    ] {
        assert_eq!(is_content_type(text), taken, "{text}");
    }
    assert!(is_content_type(openc2::CONTENT_TYPE));
}

#[test]
fn the_profile_is_a_table() {
    let pairs = slpf::pairs();
    assert_eq!(pairs.0.values().map(std::collections::BTreeSet::len).sum::<usize>(), 11);
    assert!(pairs.has(Action::Delete, &TargetName::rule_number()));
    assert!(!pairs.has(Action::Query, &TargetName::rule_number()));
    assert_eq!(Feature::ALL.len(), 5);
}
