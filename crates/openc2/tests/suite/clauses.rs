//! The twenty-two conformance clauses of the packet filter profile, each in the test that bears its number.
//! `docs/conformance-openc2.md` lists them; `the_table_names_these_tests` looks for that.

use openc2::consumer::{Config, Deed, Rule};
use openc2::producer::{self, Order, Producer};
use openc2::slpf::{SlpfOption, Support, TRIAL};
use openc2::{
    Action, CommandId, Direction, DropProcess, Headers, Language, Message, Reading, RuleNumber, Status,
    TargetName, slpf,
};
use serde_json::{Value, json};

use crate::support::{NOW, World, command, config, later, message, request, said};

// ---- producers

fn order(mut value: Value) -> Order {
    value["command_id"] = json!("c-1");
    Order {
        command: command(value),
        to: ["edge-7".to_owned()].into(),
        request_id: "r-1".into(),
        deadline: later(60_000),
    }
}

fn producer() -> Producer {
    Producer::new(producer::Config::new("council"))
}

/// What a producer sends for a command; the command comes out as it was read.
#[track_caller]
fn sends(value: Value) -> Value {
    let order = order(value);
    let message = producer().message(&order, NOW).unwrap();
    let read = Message::parse(&message.to_bytes())
        .unwrap()
        .command(&Reading::with(Language::V1_0, &["slpf"]))
        .unwrap();
    assert_eq!(read, order.command);
    message.write()
}

#[track_caller]
fn does_not_send(value: Value, clause: &str) {
    let refusal = producer().message(&order(value), NOW).unwrap_err();
    assert_eq!(refusal.clause(), clause, "{refusal}");
}

fn rule_commands(target: Value) -> [Value; 2] {
    ["allow", "deny"]
        .map(|action| json!({"action": action, "target": target, "args": {"response_requested": "complete"}}))
}

#[test]
fn clause_01_baseline_producer() {
    let sent = sends(json!({"action": "query", "target": {"features": ["pairs"]}}));
    assert_eq!(
        sent["body"]["openc2"]["request"],
        json!({
            "action": "query", "target": {"features": ["pairs"]}, "command_id": "c-1"
        })
    );
    // A request's identifier and a sender, so that answers are told apart (LS 3.2).
    assert_eq!(sent["headers"]["request_id"], "r-1");
    assert_eq!(sent["headers"]["from"], "council");
    for wanted in ["none", "ack", "status", "complete"] {
        sends(
            json!({"action": "deny", "target": {"ipv4_net": "192.0.2.0/24"}, "args": {"response_requested": wanted}}),
        );
    }
    does_not_send(
        json!({"action": "query", "target": {"features": []}, "args": {"response_requested": "ack"}}),
        "LS 4.1",
    );
    does_not_send(json!({"action": "scan", "target": {"ipv4_net": "192.0.2.1"}}), "SLPF 2.3");
    // It takes the answer to what it asked.
    let mut producer = producer();
    let order = order(json!({"action": "query", "target": {"features": ["versions"]}}));
    let sent = producer.message(&order, NOW).unwrap();
    producer.order(&order, &sent, NOW).unwrap();
    let headers = Headers { request_id: Some("r-1".into()), ..Headers::default() }.answering("edge-7", NOW);
    let response = openc2::Response::read(
        &json!({"status": 200, "results": {"versions": ["1.0"]}}),
        &Reading::default(),
    )
    .unwrap();
    producer.heard(&Message::response(headers, &response, Language::V1_0), "edge-7", NOW).unwrap();
    assert!(producer.pending("r-1").unwrap().is_settled());
}

#[test]
fn clause_02_ipv4_connection_producer() {
    let target = json!({"ipv4_connection": {"src_addr": "192.0.2.0/24", "dst_port": 22, "protocol": "tcp"}});
    for command in rule_commands(target) {
        sends(command);
    }
    does_not_send(
        json!({"action": "deny", "target": {"ipv4_connection": {"protocol": "icmp", "dst_port": 8}}}),
        "SLPF 2.1.2.1",
    );
}

#[test]
fn clause_03_ipv6_connection_producer() {
    for command in rule_commands(
        json!({"ipv6_connection": {"dst_addr": "2001:db8::/32", "src_port": 53, "protocol": "udp"}}),
    ) {
        sends(command);
    }
}

#[test]
fn clause_04_ipv4_net_producer() {
    for command in rule_commands(json!({"ipv4_net": "192.0.2.0/24"})) {
        let sent = sends(command);
        assert_eq!(sent["body"]["openc2"]["request"]["target"]["ipv4_net"], "192.0.2.0/24");
    }
}

#[test]
fn clause_05_ipv6_net_producer() {
    for command in rule_commands(json!({"ipv6_net": "2001:db8::1"})) {
        sends(command);
    }
}

#[test]
fn clause_06_update_file_producer() {
    sends(json!({"action": "update", "target": {"file": {"name": "rules.txt", "path": "/srv"}}}));
    for wanted in ["complete", "ack", "none"] {
        sends(
            json!({"action": "update", "target": {"file": {"name": "a"}}, "args": {"response_requested": wanted}}),
        );
    }
    does_not_send(json!({"action": "update", "target": {"file": {"path": "/srv"}}}), "SLPF 2.3.5.1");
    let file = json!({"file": {"name": "a"}});
    does_not_send(
        json!({"action": "update", "target": file, "args": {"response_requested": "status"}}),
        "SLPF 2.3.5.1",
    );
    does_not_send(json!({"action": "update", "target": file, "args": {"start_time": NOW.0}}), "SLPF 2.3.5.1");
    does_not_send(json!({"action": "update", "target": file, "args": {"duration": 5}}), "SLPF 2.3.5.1");
}

#[test]
fn clause_07_delete_rule_number_producer() {
    let sent = sends(
        json!({"action": "delete", "target": {"slpf:rule_number": 7}, "args": {"response_requested": "complete"}}),
    );
    assert_eq!(sent["body"]["openc2"]["request"]["target"], json!({"slpf:rule_number": 7}));
    // Version 1.1 spells it otherwise.
    let later =
        Producer::new(producer::Config { language: Language::V1_1, ..producer::Config::new("council") });
    let order = order(json!({"action": "delete", "target": {"slpf:rule_number": 7}}));
    let sent = later.message(&order, NOW).unwrap().write();
    assert_eq!(sent["body"]["openc2"]["request"]["target"], json!({"slpf/rule_number": 7}));
    does_not_send(
        json!({"action": "delete", "target": {"slpf:rule_number": 7}, "args": {"start_time": NOW.0}}),
        "SLPF 2.3.4.1",
    );
    // What may be deleted later says its number, so insert_rule asks for the answer that confirms it (SLPF 2.3.1).
    let insert = |args: Value| json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": args});
    sends(insert(json!({"response_requested": "complete", "slpf": {"insert_rule": 9}})));
    does_not_send(insert(json!({"slpf": {"insert_rule": 9}})), "SLPF 2.3.1");
    does_not_send(insert(json!({"response_requested": "ack", "slpf": {"insert_rule": 9}})), "SLPF 2.3.1");
}

#[test]
fn clause_08_persistent_producer() {
    for action in ["allow", "deny"] {
        for persistent in [true, false] {
            sends(
                json!({"action": action, "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"persistent": persistent}}}),
            );
        }
    }
}

#[test]
fn clause_09_direction_producer() {
    for action in ["allow", "deny"] {
        for direction in Direction::ALL {
            sends(
                json!({"action": action, "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"direction": direction.as_str()}}}),
            );
        }
    }
}

#[test]
fn clause_10_drop_process_producer() {
    for drop in DropProcess::ALL {
        sends(
            json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"drop_process": drop.as_str()}}}),
        );
    }
    does_not_send(
        json!({"action": "allow", "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"drop_process": "none"}}}),
        "SLPF 2.3.1",
    );
}

#[test]
fn clause_11_temporal_producer() {
    let (start, stop) = (later(1_000).0, later(2_000).0);
    for args in [
        json!({"start_time": start}),
        json!({"stop_time": stop}),
        json!({"duration": 500}),
        json!({"start_time": start, "stop_time": stop}),
        json!({"start_time": start, "duration": 500}),
        json!({"stop_time": stop, "duration": 500}),
    ] {
        for action in ["allow", "deny"] {
            sends(json!({"action": action, "target": {"ipv4_net": "192.0.2.1"}, "args": args}));
        }
    }
    does_not_send(
        json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"start_time": stop, "stop_time": start}}),
        "LS 3.3.1.4",
    );
    does_not_send(
        json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"stop_time": NOW.0}}),
        "LS 3.3.1.4",
    );
    does_not_send(
        json!({"action": "query", "target": {"features": []}, "args": {"start_time": start}}),
        "LS 4.1",
    );
}

// ---- consumers

/// The rule that a command makes, and its answer.
fn made(world: &mut World, command: Value) -> (Rule, Value) {
    let id = world.next_id();
    let decision = world.consumer.take(&request(&id, &command), NOW).unwrap();
    let [effect] = &decision.effects[..] else { panic!("no effect: {:?}", decision.replies) };
    let Deed::Install(rule) = effect.action.clone() else { panic!("no rule") };
    let answers = world.carry(decision, NOW);
    (rule, said(&answers[0]))
}

/// Both commands with this target make a rule, and a consumer without the pair says so.
#[track_caller]
fn filters(target: Value) {
    let name = target.as_object().unwrap().keys().next().unwrap().clone();
    for action in [Action::Allow, Action::Deny] {
        let command = json!({"action": action.as_str(), "target": target});
        let mut world = World::new(config());
        let (rule, answer) = made(&mut world, command.clone());
        assert_eq!((rule.action, rule.number), (action, RuleNumber(1)));
        assert_eq!(rule.target, crate::support::command(command.clone()).target);
        assert_eq!(
            (rule.direction, rule.drop_process, rule.persistent),
            (Direction::Both, DropProcess::None, true)
        );
        assert_eq!(answer, json!({"status": 200, "results": {"slpf": {"rule_number": 1}}}));
        assert_eq!(world.consumer.rules().count(), 1);
        // Put into force, or not: never 200 for nothing (SLPF 2.3.1).
        world.fails = Some(openc2::consumer::Failure::NotSupported);
        assert_eq!(
            said(&world.ask(command.clone(), NOW)),
            json!({"status": 501, "status_text": "Rule not updated"})
        );
        assert_eq!(world.consumer.rules().count(), 1);
        let mut support = Support::default();
        support.pairs.0.get_mut(&action).unwrap().remove(&TargetName::common(&name).unwrap());
        let answer = World::new(Config { support, ..config() }).ask(command, NOW);
        assert_eq!(said(&answer), json!({"status": 501, "status_text": "Target type not supported"}));
    }
}

#[test]
fn clause_12_baseline_consumer() {
    let query = |features: Value| json!({"action": "query", "target": {"features": features}});
    let mut world = World::new(Config { rate_limit: Some(30), ..config() });
    assert_eq!(said(&world.ask(query(json!([])), NOW)), json!({"status": 200}));
    let all = json!({"status": 200, "results": {
        "versions": ["1.0"], "profiles": ["slpf"], "rate_limit": 30, "pairs": {
            "query": ["features"], "update": ["file"], "delete": ["slpf:rule_number"],
            "deny": ["ipv4_connection", "ipv4_net", "ipv6_connection", "ipv6_net"],
            "allow": ["ipv4_connection", "ipv4_net", "ipv6_connection", "ipv6_net"],
        }
    }});
    assert_eq!(said(&world.ask(query(json!(["versions", "profiles", "pairs", "rate_limit"])), NOW)), all);
    // Any other argument is 400 (LS 4.1).
    for args in [
        json!({"response_requested": "ack"}),
        json!({"start_time": 1}),
        json!({"x-other": {}}),
        json!({"other": 1}),
    ] {
        let mut command = query(json!([]));
        command["args"] = args;
        assert_eq!(world.ask(command, NOW).status, Status::BadRequest);
    }
    let mut command = query(json!(["versions"]));
    command["args"] = json!({"response_requested": "complete"});
    assert_eq!(world.ask(command, NOW).status, Status::Ok);
    // `none` is carried out and never answered, whatever comes of it (3.2.1.7.1).
    let mut quiet = World::new(config());
    let none =
        |target: Value| json!({"action": "deny", "target": target, "args": {"response_requested": "none"}});
    assert_eq!(quiet.send(none(json!({"ipv4_net": "192.0.2.1"})), NOW), []);
    assert_eq!(quiet.consumer.rules().count(), 1);
    assert_eq!(quiet.send(none(json!({"ipv4_net": "300.0.2.1"})), NOW), []);
    assert_eq!(quiet.send(none(json!({"uri": "https://example.com"})), NOW), []);
    // Absent is `complete` (3.2.1.7.2); the others each have their answers.
    let asked = |wanted: &str| {
        let args = json!({"response_requested": wanted});
        let command = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": args});
        World::new(config()).send(command, NOW).iter().map(|answer| answer.status.code()).collect::<Vec<_>>()
    };
    assert_eq!(World::new(config()).send(crate::support::deny("192.0.2.1"), NOW).len(), 1);
    assert_eq!([asked("complete"), asked("ack"), asked("status")], [vec![200], vec![102], vec![102, 200]]);
}

#[test]
fn clause_13_ipv4_connection_consumer() {
    filters(json!({"ipv4_connection": {"src_addr": "192.0.2.0/24", "dst_port": 22, "protocol": "tcp"}}));
}

#[test]
fn clause_14_ipv6_connection_consumer() {
    filters(json!({"ipv6_connection": {"dst_addr": "2001:db8::/32"}}));
}

#[test]
fn clause_15_ipv4_net_consumer() {
    filters(json!({"ipv4_net": "192.0.2.0/24"}));
}

#[test]
fn clause_16_ipv6_net_consumer() {
    filters(json!({"ipv6_net": "2001:db8::1"}));
}

#[test]
fn clause_17_update_file_consumer() {
    let update = json!({"action": "update", "target": {"file": {"name": "rules.txt", "path": "/srv"}}});
    let mut world = World::new(config());
    let decision = world.consumer.take(&request("r", &update), NOW).unwrap();
    let wanted = Deed::Update { name: "rules.txt".into(), path: Some("/srv".into()), sha256: None };
    assert_eq!(decision.effects[0].action, wanted);
    assert_eq!(world.carry(decision, NOW).iter().map(said).collect::<Vec<_>>(), [json!({"status": 200})]);
    world.fails = Some(openc2::consumer::Failure::NoFile);
    assert_eq!(
        said(&world.ask(update.clone(), NOW)),
        json!({"status": 500, "status_text": "cannot access file"})
    );
    let nameless = json!({"action": "update", "target": {"file": {"path": "/srv"}}});
    assert_eq!(world.ask(nameless, NOW).status, Status::BadRequest);
    for args in [
        json!({"duration": 5}),
        json!({"stop_time": later(1).0}),
        json!({"slpf": {"persistent": true}}),
        json!({"response_requested": "status"}),
    ] {
        let command = json!({"action": "update", "target": {"file": {"name": "a"}}, "args": args});
        assert_eq!(
            said(&world.ask(command, NOW)),
            json!({"status": 501, "status_text": "Option not supported"})
        );
    }
    let mut support = Support::default();
    support.pairs.0.remove(&Action::Update);
    let answer = World::new(Config { support, ..config() }).ask(update, NOW);
    assert_eq!(said(&answer), json!({"status": 501, "status_text": "Command not supported"}));
}

#[test]
fn clause_18_delete_rule_number_consumer() {
    let delete = |number: i64| json!({"action": "delete", "target": {"slpf:rule_number": number}});
    let mut world = World::new(config());
    let (rule, _) = made(&mut world, crate::support::deny("192.0.2.1"));
    let not_removed = json!({"status": 500, "status_text": "firewall rule not removed or updated"});
    assert_eq!(said(&world.ask(delete(2), NOW)), not_removed);
    world.fails = Some(openc2::consumer::Failure::Failed);
    assert_eq!(said(&world.ask(delete(rule.number.0), NOW)), not_removed);
    assert_eq!(world.consumer.rules().count(), 1, "it is still there");
    world.fails = None;
    assert_eq!(said(&world.ask(delete(rule.number.0), NOW)), json!({"status": 200}));
    assert_eq!(world.consumer.rules().count(), 0);
    // Both other spellings mean the same.
    for target in [json!({"slpf/rule_number": 2}), json!({"slpf": {"rule_number": 3}})] {
        made(&mut world, crate::support::deny("192.0.2.1"));
        let command = json!({"action": "delete", "target": target});
        assert_eq!(world.ask(command, NOW).status, Status::Ok);
    }
    for args in
        [json!({"duration": 5}), json!({"stop_time": later(1).0}), json!({"slpf": {"direction": "both"}})]
    {
        let mut command = delete(1);
        command["args"] = args;
        assert_eq!(
            said(&world.ask(command, NOW)),
            json!({"status": 501, "status_text": "Option not supported"})
        );
    }
    assert_eq!(
        world.ask(json!({"action": "delete", "target": {"slpf:rule_number": "1"}}), NOW).status,
        Status::BadRequest
    );
    let mut support = Support::default();
    support.pairs.0.remove(&Action::Delete);
    let answer = World::new(Config { support, ..config() }).ask(delete(1), NOW);
    assert_eq!(said(&answer), json!({"status": 501, "status_text": "target not supported"}));
    // insert_rule gives a number, which no two rules have (SLPF 2.3.1).
    let insert =
        json!({"action": "deny", "target": {"ipv4_net": "192.0.2.9"}, "args": {"slpf": {"insert_rule": 40}}});
    assert_eq!(world.ask(insert.clone(), NOW).rule_number(), Some(RuleNumber(40)));
    assert_eq!(
        said(&world.ask(insert, NOW)),
        json!({"status": 501, "status_text": "Rule number currently in use"})
    );
    assert_eq!(world.ask(crate::support::deny("192.0.2.1"), NOW).rule_number(), Some(RuleNumber(41)));
}

/// A consumer without the option does not answer 200 (SLPF 2.3.1) and makes no rule.
#[track_caller]
fn is_optional(option: SlpfOption, args: Value) {
    for action in ["allow", "deny"] {
        let command = json!({"action": action, "target": {"ipv4_net": "192.0.2.1"}, "args": args});
        let mut support = Support::default();
        support.options.remove(&option);
        let mut world = World::new(Config { support, ..config() });
        let answer = world.ask(command, NOW);
        assert_eq!(said(&answer), json!({"status": 501, "status_text": "Option not supported"}));
        assert_eq!(world.consumer.rules().count(), 0);
    }
}

fn with_args(args: Value) -> Rule {
    made(
        &mut World::new(config()),
        json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": args}),
    )
    .0
}

#[test]
fn clause_19_persistent_consumer() {
    for persistent in [true, false] {
        assert_eq!(with_args(json!({"slpf": {"persistent": persistent}})).persistent, persistent);
    }
    is_optional(SlpfOption::NotPersistent, json!({"slpf": {"persistent": false}}));
}

#[test]
fn clause_20_direction_consumer() {
    for direction in Direction::ALL {
        assert_eq!(with_args(json!({"slpf": {"direction": direction.as_str()}})).direction, *direction);
    }
    is_optional(SlpfOption::Direction, json!({"slpf": {"direction": "egress"}}));
}

#[test]
fn clause_21_drop_process_consumer() {
    for drop in DropProcess::ALL {
        assert_eq!(with_args(json!({"slpf": {"drop_process": drop.as_str()}})).drop_process, *drop);
    }
    is_optional(SlpfOption::Reject, json!({"slpf": {"drop_process": "reject"}}));
    is_optional(SlpfOption::FalseAck, json!({"slpf": {"drop_process": "false_ack"}}));
    let allow = json!({"action": "allow", "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"drop_process": "none"}}});
    assert_eq!(World::new(config()).ask(allow, NOW).status, Status::NotImplemented);
}

#[test]
fn clause_22_temporal_consumer() {
    let deny = |args: Value| json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": args});
    let (start, stop) = (later(1_000), later(2_000));
    for args in [
        json!({"start_time": start.0, "stop_time": stop.0}),
        json!({"start_time": start.0, "duration": 1_000}),
        json!({"stop_time": stop.0, "duration": 1_000}),
    ] {
        let mut world = World::new(config());
        assert_eq!(world.send(deny(args), NOW), [], "its time has not come");
        assert_eq!((world.consumer.rules().count(), world.consumer.waiting().count()), (0, 1));
        assert_eq!(world.consumer.next_wake(), Some(start));
        assert_eq!(world.wake(later(999)), []);
        assert_eq!(world.wake(start)[0].rule_number(), Some(RuleNumber(1)));
        assert_eq!(world.consumer.next_wake(), Some(stop));
        assert_eq!(world.wake(stop), []);
        assert_eq!((world.consumer.rules().count(), world.consumer.next_wake()), (0, None));
    }
    assert_eq!(with_args(json!({"duration": 500})).stop, Some(later(500)));
    assert_eq!(with_args(json!({"stop_time": stop.0})).stop, Some(stop));
    assert_eq!(with_args(json!({"start_time": NOW.0 - 5})).stop, None);
    for args in [
        json!({"start_time": start.0, "stop_time": stop.0, "duration": 1_000}),
        json!({"start_time": stop.0, "stop_time": start.0}),
        json!({"stop_time": NOW.0}),
        json!({"start_time": 5, "duration": 5}),
        json!({"duration": 0}),
        json!({"duration": 9_007_199_254_740_991_u64}),
        json!({"stop_time": 5, "duration": 6}),
        json!({"duration": -1}),
        json!({"start_time": "soon"}),
    ] {
        assert_eq!(World::new(config()).ask(deny(args), NOW).status, Status::BadRequest);
    }
    is_optional(SlpfOption::StartTime, json!({"start_time": start.0}));
    is_optional(SlpfOption::StopTime, json!({"stop_time": stop.0}));
    is_optional(SlpfOption::StopTime, json!({"duration": 5}));
    // `delete` and `update` begin when they are told to.
    let mut world = World::new(config());
    made(&mut world, deny(json!({"response_requested": "complete"})));
    let delete =
        json!({"action": "delete", "target": {"slpf:rule_number": 1}, "args": {"start_time": start.0}});
    let update =
        json!({"action": "update", "target": {"file": {"name": "a"}}, "args": {"start_time": stop.0}});
    assert_eq!((world.send(delete, NOW), world.send(update, NOW)), (vec![], vec![]));
    assert_eq!(world.consumer.rules().count(), 1);
    assert_eq!(world.wake(start).len(), 1);
    assert_eq!(world.consumer.rules().count(), 0);
    assert_eq!(world.wake(stop).len(), 1);
}

#[test]
fn what_the_profile_does_not_have_is_not_done() {
    let answer = |command: Value| said(&World::new(config()).ask(command, NOW));
    for action in Action::ALL {
        for (name, value) in [("uri", json!("https://example.com")), ("device", json!({"device_id": "a"}))] {
            let command = json!({"action": action.as_str(), "target": {name: value}});
            let text = if matches!(action, Action::Allow | Action::Deny) {
                "Target type not supported"
            } else {
                "Command not supported"
            };
            assert_eq!(answer(command), json!({"status": 501, "status_text": text}));
        }
    }
    // Arguments of nobody here are never passed over.
    for args in [
        json!({"x-other": {"a": 1}}),
        json!({"slpf": {"logged": true}}),
        json!({"priority": 1}),
        json!({"START_TIME": 1}),
    ] {
        let command = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": args});
        assert_eq!(answer(command), json!({"status": 501, "status_text": "Option not supported"}));
    }
}

#[test]
fn a_trial_is_for_denials_and_for_who_can_count() {
    let trial = |action: &str| json!({"action": action, "target": {"ipv4_net": "192.0.2.1"}, "args": {TRIAL: {"shadow": 5}}});
    let no = json!({"status": 501, "status_text": "Option not supported"});
    assert_eq!(said(&World::new(config()).ask(trial("deny"), NOW)), no);
    let mut support = Support::default();
    support.options.insert(SlpfOption::Trial);
    let mut world = World::new(Config { support, ..config() });
    assert_eq!(said(&world.ask(trial("allow"), NOW)), no);
    let mut both = trial("deny");
    both["args"]["x-other"] = json!({"a": 1});
    assert_eq!(said(&world.ask(both, NOW)), no, "nothing is passed over beside it");
    assert_eq!(world.ask(trial("deny"), NOW).status, Status::Ok);
}

#[test]
fn the_table_names_these_tests() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("../../docs/conformance-openc2.md")).unwrap();
    let folders = ["tests/suite", "tests/broker"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap());
    let files = folders.into_iter().flatten();
    let sources: String = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let defined = |name: &str| sources.contains(&format!("fn {name}("));
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).collect();
    for number in 1..=22 {
        let row = rows.iter().find(|row| row.starts_with(&format!("| {number} |"))).unwrap();
        assert!(row.contains(&format!("`clause_{number:02}_")), "{row}");
    }
    // Every name of a test that the page says exists: they stand in the last cell of a row.
    let mut named = 0;
    for row in rows {
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap();
        for name in cell.split('`').skip(1).step_by(2) {
            assert!(defined(name), "there is no test `{name}`");
            named += 1;
        }
    }
    assert!(named >= 40, "{named}");
}

#[test]
fn a_command_has_its_message_s_identifier_where_it_has_none() {
    let mut world = World::new(config());
    let one = request("r-1", &crate::support::deny("192.0.2.1"));
    let key = world.consumer.take(&one, NOW).unwrap().awaits.unwrap();
    assert_eq!((key.producer.as_str(), key.id.as_str()), ("council", "r-1"));
    let mut named = crate::support::deny("192.0.2.2");
    named["command_id"] = json!("c-9");
    let key = world.consumer.take(&request("r-2", &named), NOW).unwrap().awaits.unwrap();
    assert_eq!(key.id, "c-9");
    assert!(CommandId::parse("c-9").is_some());
    assert_eq!(slpf::profiles(Language::V1_1), ["http://oasis-open.org/openc2/oc2slpf/v1.0"]);
    assert_eq!(message("r", &named).headers.request_id.as_deref(), Some("r"));
}
