//! Variables in commands, agents and targets: values stay values.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cacao::run::{FailureCode, Order, Outcome, Values};
use serde_json::{Value, json};

use crate::support::{Caller, Draft, World, at, id, person, values};

fn one(command: Value, value: &str) -> Draft {
    let mut draft = Draft::new(&id("action", 1))
        .action(1, &id("end", 1))
        .end(1)
        .targets()
        .variable("__v__", json!({"type": "string", "value": value}));
    draft.0["workflow"][id("action", 1)]["commands"] = json!([command]);
    draft.0["workflow"][id("action", 1)]["targets"] = json!([id("net-address", 1)]);
    draft
}

fn carry(draft: &Draft) -> Result<Order, FailureCode> {
    let mut world = World::obliging();
    match Caller::start(&draft.runnable(), &[], Values::default()).finish(&mut world) {
        Outcome::Success => Ok(world.orders[0].clone()),
        Outcome::Failure(failure) => Err(failure.code),
    }
}

#[test]
fn words_for_people_take_any_value() {
    let order =
        carry(&one(json!({"type": "manual", "command": "look at __v__:value."}), "a; rm -rf 'b'")).unwrap();
    assert_eq!(order.command.text().unwrap(), "look at a; rm -rf 'b'.");
}

#[test]
fn base64_is_opened_only_for_variables() {
    let text = |text: &str| json!({"type": "manual", "command_b64": STANDARD.encode(text)});
    let order = carry(&one(text("ask __v__:value"), "日本")).unwrap();
    assert_eq!(order.command.text().unwrap(), "ask 日本");
    let order = carry(&one(text("plain"), "x")).unwrap();
    assert_eq!(order.command.command_b64.unwrap(), STANDARD.encode("plain"));
}

#[test]
fn what_an_interpreter_reads_takes_only_what_no_interpreter_takes_for_more() {
    for kind in ["bash", "powershell", "ssh"] {
        let command = || json!({"type": kind, "command": "block __v__:value"});
        assert_eq!(
            carry(&one(command(), "198.51.100.0/24")).unwrap().command.text().unwrap(),
            "block 198.51.100.0/24"
        );
        for value in
            ["x; reboot", "$(id)", "`id`", "a b", "a\nb", "--all", "a|b", "a'b", "a\\b", "a&b", "a>b"]
        {
            assert_eq!(carry(&one(command(), value)), Err(FailureCode::Rendering), "{kind} {value}");
        }
    }
}

#[test]
fn a_line_of_http_stays_one_line() {
    let command = || json!({"type": "http-api", "command": "GET /look/__v__:value HTTP/1.1", "headers": {"X-Case": ["__v__:value"]}});
    let order = carry(&one(command(), "case-1")).unwrap();
    assert_eq!(order.command.text().unwrap(), "GET /look/case-1 HTTP/1.1");
    assert_eq!(order.command.headers["X-Case"], ["case-1"]);
    for value in ["a b", "a\r\nHost: other", "a\tb"] {
        assert_eq!(carry(&one(command(), value)), Err(FailureCode::Rendering), "{value:?}");
    }
}

#[test]
fn a_value_in_json_stays_a_text() {
    let command = |target: Value| {
        let body = json!({"action": "deny", "target": target}).to_string();
        json!({"type": "openc2-http", "command": "POST /oc2 HTTP/1.1", "content_b64": STANDARD.encode(body)})
    };
    let evil = "x\"},\"target\":{\"ipv4_net\":\"0.0.0.0/0";
    let order = carry(&one(command(json!({"file": {"name": "__v__:value"}})), evil)).unwrap();
    let read: Value = serde_json::from_slice(&order.command.body().unwrap()).unwrap();
    assert_eq!(read["target"].as_object().unwrap().len(), 1);
    assert_eq!(read["target"]["file"]["name"], evil);
    // And where the language asks for a form, a value without it is not sent.
    for (target, good) in [("domain_name", "bad.example"), ("ipv4_net", "198.51.100.0/24")] {
        let target = json!({target: "__v__:value"});
        assert_eq!(carry(&one(command(target.clone()), evil)), Err(FailureCode::Rendering));
        assert!(carry(&one(command(target), good)).is_ok());
    }
    let api = json!({"type": "http-api", "command": "POST /x HTTP/1.1", "content": "plain __v__:value"});
    assert_eq!(carry(&one(api.clone(), "a b")), Err(FailureCode::Rendering), "not JSON: a single word");
    assert_eq!(carry(&one(api, "a")).unwrap().command.body().unwrap(), b"plain a");
}

#[test]
fn agents_targets_and_secrets_take_values_and_secrets_are_not_hashed_or_printed() {
    let carry = |secret: &str| {
        let mut draft = one(json!({"type": "ssh", "command": "uptime"}), "192.0.2.9")
            .variable("__secret__", json!({"type": "string", "external": true}));
        let info = id("user-auth", 1);
        draft.0["authentication_info_definitions"] =
            json!({&info: {"type": "user-auth", "username": "ops", "password": "__secret__:value"}});
        let target = &mut draft.0["target_definitions"][id("net-address", 1)];
        target["address"]["ipv4"] = json!(["__v__:value"]);
        target["authentication_info"] = json!(info);
        let mut world = World::obliging();
        let mut caller = Caller::start(&draft.runnable(), &[], values(&[("__secret__", secret)]));
        assert_eq!(caller.finish(&mut world), Outcome::Success);
        assert!(!format!("{:?} {:?}", caller.run, caller.log).contains("hunter2"));
        world.orders[0].clone()
    };
    let order = carry("hunter2");
    let target = order.target.clone().unwrap();
    assert_eq!(target.agent.address["ipv4"], ["192.0.2.9"]);
    assert_eq!(target.authentication.clone().unwrap().secret.as_deref(), Some("hunter2"));
    assert!(!target.shown().to_string().contains("hunter2"));
    assert!(!format!("{order:?} {target:?} {:?}", target.authentication).contains("hunter2"));
    assert_eq!(carry("another").hash, order.hash);
}

#[test]
fn a_variable_without_value_fails_the_step() {
    let mut draft = one(json!({"type": "manual", "command": "ask __v__:value"}), "");
    draft.0["playbook_variables"]["__v__"]["value"] = Value::Null;
    assert_eq!(carry(&draft), Err(FailureCode::Rendering));
    let order = carry(&one(json!({"type": "manual", "command": "ask __v__:value"}), "")).unwrap();
    assert_eq!(order.command.text().unwrap(), "ask ", "empty is not unknown");
}

#[test]
fn the_blast_radius_bounds_what_an_order_names() {
    let check = |target: Value, radius: Value| {
        let body = json!({"action": "deny", "target": target}).to_string();
        let command = json!({"type": "openc2-http", "command": "POST /oc2 HTTP/1.1", "content_b64": STANDARD.encode(body)});
        let draft = one(command, "x")
            .safeguards(&id("action", 1), json!({"type": "safeguards", "blast_radius": radius}));
        carry(&draft).map(|_| ())
    };
    let radius = || json!({"addresses_max": 1, "ipv4_prefix_min": 24, "ipv6_prefix_min": 56});
    assert_eq!(check(json!({"ipv4_net": "198.51.100.0/24"}), radius()), Ok(()));
    assert_eq!(check(json!({"ipv4_net": "198.51.0.0/16"}), radius()), Err(FailureCode::BlastRadius));
    assert_eq!(check(json!({"ipv6_net": "2001:db8::/56"}), radius()), Ok(()));
    assert_eq!(check(json!({"ipv6_net": "2001:db8::/32"}), radius()), Err(FailureCode::BlastRadius));
    let two = json!({"ipv4_connection": {"src_addr": "198.51.100.1", "dst_addr": "198.51.100.2", "protocol": "tcp"}});
    assert_eq!(check(two.clone(), radius()), Err(FailureCode::BlastRadius));
    assert_eq!(check(two, json!({"addresses_max": 2})), Ok(()));
    assert_eq!(
        check(json!({"domain_name": "evil.example"}), json!({"addresses_max": 0})),
        Err(FailureCode::BlastRadius)
    );
    // Where the command is no OpenC2, the step's target is what is hit.
    let ssh = one(json!({"type": "ssh", "command": "stop"}), "x")
        .safeguards(&id("action", 1), json!({"type": "safeguards", "blast_radius": {"addresses_max": 0}}));
    assert_eq!(carry(&ssh), Err(FailureCode::BlastRadius));
}

#[test]
fn keys_are_the_same_for_the_same_run_and_others_for_another() {
    let order = |run: &str| {
        let draft = one(json!({"type": "manual", "command": "x"}), "x");
        let start = cacao::run::Start {
            run: run.to_owned(),
            requester: person("r", 1),
            arguments: Values::default(),
            limits: cacao::run::Limits::default(),
            dry_run: false,
        };
        let (run, started) = cacao::run::Run::start(&draft.runnable(), &[], start, at(0)).unwrap();
        let mut world = World::obliging();
        Caller { run, log: vec![started], now: 0, reconciled: 0 }.finish(&mut world);
        world.orders[0].clone()
    };
    assert_eq!(order("a").key, order("a").key);
    assert_ne!(order("a").key, order("b").key);
    assert_eq!(order("a").key.0.len(), 32);
}
