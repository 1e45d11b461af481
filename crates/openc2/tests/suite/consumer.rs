//! A consumer beyond the clauses: the same command twice, commands for others, whose rules are whose, gates, bounds, and times.

use openc2::consumer::{Config, Deed, Denial, Failure, Limits, Reach, Request, Task};
use openc2::slpf::Support;
use openc2::{Action, Headers, Message, RuleNumber, Status, TargetName};
use serde_json::{Value, json};

use crate::support::{NOW, World, config, deny, later, message, request, said};

fn numbers(world: &World) -> Vec<i64> {
    world.consumer.rules().map(|rule| rule.number.0).collect()
}

fn delete(number: i64) -> Value {
    json!({"action": "delete", "target": {"slpf:rule_number": number}})
}

#[test]
fn the_same_command_twice_is_carried_out_once_and_answered_alike() {
    let mut world = World::new(config());
    let command = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "command_id": "c-1"});
    let first = world.consumer.take(&request("r-1", &command), NOW).unwrap();
    // While it is under way, the second waits for the same end.
    let again = world.consumer.take(&request("r-1", &command), later(1)).unwrap();
    assert_eq!((again.events.len(), again.effects.len(), again.replies.len()), (0, 0, 0));
    assert_eq!(again.awaits, first.awaits);
    let answer = world.carry(first, later(2));
    // In another spelling, under another request: it is the command that counts.
    let spelt = json!({"command_id": "c-1", "target": {"ipv4_net": "192.0.2.1/32"}, "action": "deny"});
    let again = world.consumer.take(&request("r-2", &spelt), later(3)).unwrap();
    assert_eq!((again.events.len(), again.effects.len()), (0, 0));
    assert_eq!(again.replies[0].response, answer[0]);
    assert_eq!(again.replies[0].request_id.as_deref(), Some("r-2"));
    assert_eq!(numbers(&world), [1]);
    // Another command under its identifier is refused, and another producer's identifiers are its own.
    let other = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.2"}, "command_id": "c-1"});
    assert_eq!(world.ask(other.clone(), later(4)).status, Status::BadRequest);
    let agency = Request::authenticated(message("r-1", &other), "agency", Reach::Direct);
    let decision = world.consumer.take(&agency, later(5)).unwrap();
    assert_eq!(world.carry(decision, later(5))[0].rule_number(), Some(RuleNumber(2)));
}

#[test]
fn what_was_refused_stays_refused_and_what_had_no_room_may_come_again() {
    let mut world = World::new(Config { limits: Limits { rules_max: 1, ..Limits::default() }, ..config() });
    let insert = |id: &str| json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"insert_rule": 5}}, "command_id": id});
    world.ask(insert("c-1"), NOW);
    let full = world.ask(insert("c-2"), NOW);
    assert_eq!(full.status, Status::ServiceUnavailable);
    world.ask(delete(5), NOW);
    assert_eq!(world.ask(insert("c-2"), NOW).status, Status::Ok);
    let mut world = World::new(config());
    world.ask(insert("c-1"), NOW);
    assert_eq!(world.ask(insert("c-2"), NOW).status, Status::NotImplemented);
    world.ask(delete(5), NOW);
    assert_eq!(world.ask(insert("c-2"), NOW).status, Status::NotImplemented, "its answer was given");
    assert_eq!(world.ask(insert("c-3"), NOW).status, Status::Ok);
}

#[test]
fn a_command_is_forgotten_after_its_time_and_a_signature_s() {
    let limits = Limits { remember_ms: 1_000, ..Limits::default() };
    let mut world = World::new(Config { limits, ..config() });
    let command = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "command_id": "c-1"});
    world.ask(command.clone(), NOW);
    world.ask(deny("192.0.2.2"), later(999));
    assert_eq!(world.ask(command.clone(), later(999)).rule_number(), Some(RuleNumber(1)));
    world.ask(deny("192.0.2.3"), later(1_000));
    assert_eq!(world.ask(command, later(1_001)).rule_number(), Some(RuleNumber(4)), "a new command by now");
}

#[test]
fn whoever_is_not_meant_keeps_still_or_says_so() {
    let to = |actuator: Value| json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "actuator": actuator});
    for (actuator, meant) in [
        (json!({"slpf": {}}), true),
        (json!({"slpf": {"hostname": "FW.example.net"}}), true),
        (json!({"slpf": {"hostname": "192.0.2.1", "named_group": "perimeter"}}), true),
        (json!({"slpf": {"asset_id": "30"}}), true),
        (json!({"slpf": {"asset_tuple": ["a", "b"]}}), true),
        (json!({"slpf": {}, "x-other": {}}), true),
        (json!({"slpf": {"hostname": "other.example.net"}}), false),
        (json!({"slpf": {"hostname": "fw.example.net", "named_group": "core"}}), false),
        (json!({"slpf": {"asset_tuple": ["b", "a"]}}), false),
        (json!({"x-other": {}}), false),
    ] {
        let mut world = World::new(config());
        let answer = world.ask(to(actuator.clone()), NOW);
        assert_eq!(answer.status, if meant { Status::Ok } else { Status::NotFound }, "{actuator}");
        let many = Request::authenticated(message("r", &to(actuator)), "council", Reach::Broadcast);
        let decision = World::new(config()).consumer.take(&many, NOW).unwrap();
        assert_eq!(decision.effects.len(), usize::from(meant));
        assert_eq!(decision.replies.len(), 0);
    }
    // A message's recipients count as well.
    let named = |to: &str, reach| {
        let headers = Headers { request_id: Some("r".into()), to: vec![to.into()], ..Headers::default() };
        let message = Message { headers, ..message("r", &deny("192.0.2.1")) };
        let decision = World::new(config())
            .consumer
            .take(&Request::authenticated(message, "council", reach), NOW)
            .unwrap();
        (decision.effects.len(), decision.replies.first().map(|reply| reply.response.status))
    };
    assert_eq!(named("edge-7", Reach::Broadcast), (1, None));
    assert_eq!(named("edge-8", Reach::Broadcast), (0, None));
    assert_eq!(named("edge-8", Reach::Direct), (0, Some(Status::NotFound)));
}

#[test]
fn a_sender_that_was_not_authenticated_is_refused() {
    let headers =
        Headers { request_id: Some("r".into()), from: Some("council".into()), ..Headers::default() };
    let claimed = Message { headers, ..message("r", &deny("192.0.2.1")) };
    let decision = World::new(config())
        .consumer
        .take(&Request::authenticated(claimed, "stranger", Reach::Direct), NOW)
        .unwrap();
    assert_eq!((decision.events.len(), decision.effects.len()), (0, 0));
    assert_eq!(decision.replies[0].response.status, Status::Unauthorized);
}

#[test]
fn nobody_deletes_what_another_ordered_unless_all_may() {
    for delete_others in [false, true] {
        let mut world = World::new(Config { delete_others, ..config() });
        world.ask(deny("192.0.2.1"), NOW);
        let agency = Request::authenticated(message("r", &delete(1)), "agency", Reach::Direct);
        let decision = world.consumer.take(&agency, NOW).unwrap();
        let answer = world.carry(decision, NOW);
        let missing = json!({"status": 500, "status_text": "firewall rule not removed or updated"});
        // Another's rule is answered as one that there is not.
        assert_eq!(said(&answer[0]), if delete_others { json!({"status": 200}) } else { missing.clone() });
        assert_eq!(numbers(&world).len(), usize::from(!delete_others));
        assert_eq!(said(&world.ask(delete(99), NOW)), missing);
    }
}

#[test]
fn a_gate_is_asked_about_what_would_be_carried_out() {
    let mut world = World::new(config());
    let mut asked = 0;
    let mut gate = |producer: &str, command: &openc2::Command| {
        asked += 1;
        assert_eq!((producer, command.action), ("council", Action::Deny));
        Err(Denial { status: Status::Forbidden, text: "protected".to_owned() })
    };
    let mut through =
        |command: &Value| world.consumer.take_through(&request("r", command), &mut gate, NOW).unwrap();
    let refused = through(&deny("192.0.2.1"));
    assert_eq!(said(&refused.replies[0].response), json!({"status": 403, "status_text": "protected"}));
    assert_eq!(refused.effects.len(), 0);
    // Not about questions, duplicates, or what is refused anyway.
    through(&deny("192.0.2.1"));
    through(&json!({"action": "query", "target": {"features": []}}));
    through(&json!({"action": "scan", "target": {"ipv4_net": "192.0.2.1"}, "command_id": "c"}));
    assert_eq!(asked, 1);
}

#[test]
fn more_commands_than_a_minute_may_have_are_put_off() {
    let mut world = World::new(Config { rate_limit: Some(3), ..config() });
    for at in 0..3 {
        assert_eq!(world.ask(deny("192.0.2.1"), later(at)).status, Status::Ok);
    }
    assert_eq!(world.ask(deny("192.0.2.1"), later(59_999)).status, Status::ServiceUnavailable);
    assert_eq!(world.ask(json!({"action": "no"}), later(59_999)).status, Status::ServiceUnavailable);
    assert_eq!(world.ask(deny("192.0.2.1"), later(60_000)).status, Status::Ok);
    // `none` holds for this answer, too.
    let quiet = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"response_requested": "none"}});
    assert_eq!(world.send(quiet, later(60_000)), []);
}

#[test]
fn numbers_are_never_given_twice_and_nobody_uses_them_up() {
    let insert = |number: i64| json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"slpf": {"insert_rule": number}}});
    let mut world = World::new(config());
    assert_eq!(world.ask(deny("192.0.2.1"), NOW).rule_number(), Some(RuleNumber(1)));
    world.ask(delete(1), NOW);
    assert_eq!(world.ask(deny("192.0.2.1"), NOW).rule_number(), Some(RuleNumber(2)), "not 1 again");
    assert_eq!(world.ask(insert(1), NOW).rule_number(), Some(RuleNumber(1)), "unless it is asked for");
    world.ask(insert(9_007_199_254_740_991), NOW);
    assert_eq!(world.ask(deny("192.0.2.1"), NOW).rule_number(), Some(RuleNumber(3)));
    world.ask(insert(-5), NOW);
    world.ask(insert(4), NOW);
    assert_eq!(world.ask(deny("192.0.2.1"), NOW).rule_number(), Some(RuleNumber(5)));
    // A rule that is still to come has its number already.
    let soon = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"start_time": later(5).0, "slpf": {"insert_rule": 8}}});
    world.send(soon, NOW);
    assert_eq!(said(&world.ask(insert(8), NOW))["status_text"], "Rule number currently in use");
}

#[test]
fn a_rule_is_deleted_before_it_begins() {
    let mut world = World::new(config());
    let soon = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"start_time": later(1_000).0}});
    assert_eq!(world.send(soon, NOW), []);
    let decision = world.consumer.take(&request("d", &delete(1)), NOW).unwrap();
    assert_eq!(decision.effects.len(), 0, "nothing is in force");
    let answers: Vec<Value> = decision.replies.iter().map(|reply| said(&reply.response)).collect();
    assert_eq!(answers, [json!({"status": 500, "status_text": "Rule not updated"}), json!({"status": 200})]);
    assert_eq!((world.consumer.next_wake(), world.consumer.waiting().count()), (None, 0));
}

#[test]
fn a_delete_waits_for_the_rule_to_be_in_force() {
    let mut world = World::new(config());
    let install = world.consumer.take(&request("i", &deny("192.0.2.1")), NOW).unwrap();
    let first = world.consumer.take(&request("d", &delete(1)), NOW).unwrap();
    assert_eq!((first.effects.len(), world.consumer.next_wake()), (0, None));
    let second = world.consumer.take(&request("e", &delete(1)), NOW).unwrap();
    assert_eq!(second.effects.len(), 0);
    let decision = world.consumer.finished(&install.effects[0].task, Ok(()), NOW).unwrap();
    assert_eq!(decision.replies.len(), 1);
    assert!(matches!(&decision.effects[..], [effect] if matches!(effect.action, Deed::Remove(_))));
    let decision = world.consumer.finished(&decision.effects[0].task, Ok(()), NOW).unwrap();
    let statuses: Vec<u16> = decision.replies.iter().map(|reply| reply.response.status.code()).collect();
    assert_eq!(statuses, [200, 500], "there is one rule to delete");
}

#[test]
fn an_end_that_fails_is_tried_again() {
    let mut world = World::new(config());
    let brief = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"duration": 1_000}});
    world.ask(brief, NOW);
    let stop = Task::Stop(RuleNumber(1));
    let decision = world.consumer.wake(later(1_000)).unwrap();
    assert_eq!(decision.effects[0].task, stop);
    world.consumer.finished(&stop, Err(Failure::Busy), later(1_001)).unwrap();
    assert_eq!(numbers(&world), [1], "it is still in force");
    assert_eq!(world.consumer.next_wake(), Some(later(6_001)));
    assert_eq!(world.consumer.wake(later(6_000)).unwrap().effects.len(), 0);
    let decision = world.consumer.wake(later(6_001)).unwrap();
    world.consumer.finished(&decision.effects[0].task, Ok(()), later(6_002)).unwrap();
    assert_eq!((numbers(&world).len(), world.consumer.next_wake()), (0, None));
    assert!(world.consumer.finished(&stop, Ok(()), later(6_003)).is_err(), "nothing is under way");
}

#[test]
fn what_slept_through_its_time_is_not_put_into_force() {
    let mut world = World::new(config());
    let soon = json!({"action": "deny", "target": {"ipv4_net": "192.0.2.1"}, "args": {"start_time": later(1_000).0, "duration": 1_000}});
    world.send(soon, NOW);
    let decision = world.consumer.wake(later(2_000)).unwrap();
    assert_eq!(decision.effects.len(), 0);
    assert_eq!(
        said(&decision.replies[0].response),
        json!({"status": 500, "status_text": "Rule not updated"})
    );
    assert_eq!(world.consumer.next_wake(), None);
}

#[test]
fn a_name_server_denies_names() {
    let mut support = Support::default();
    for action in [Action::Allow, Action::Deny] {
        support.pairs.add(action, TargetName::common("domain_name").unwrap());
    }
    let mut world = World::new(Config { support, ..config() });
    let deny =
        |args: Value| json!({"action": "deny", "target": {"domain_name": "bad.example"}, "args": args});
    let answer = world.ask(deny(json!({"duration": 1_000})), NOW);
    assert_eq!(answer.rule_number(), Some(RuleNumber(1)));
    for slpf in [json!({"direction": "egress"}), json!({"drop_process": "reject"})] {
        assert_eq!(world.ask(deny(json!({"slpf": slpf})), NOW).status, Status::NotImplemented);
    }
    let answer = World::new(config()).ask(deny(json!({"duration": 1_000})), NOW);
    assert_eq!(said(&answer), json!({"status": 501, "status_text": "Target type not supported"}));
}

#[test]
fn each_failure_has_its_answer() {
    let rule = deny("192.0.2.1");
    let update = json!({"action": "update", "target": {"file": {"name": "a"}}});
    let fails = |command: &Value, failure| {
        let mut world = World::new(config());
        world.fails = Some(failure);
        let answer = world.ask(command.clone(), NOW);
        (answer.status.code(), answer.status_text.unwrap())
    };
    let text = |code: u16, text: &str| (code, text.to_owned());
    assert_eq!(fails(&rule, Failure::NotSupported), text(501, "Rule not updated"));
    assert_eq!(fails(&rule, Failure::Failed), text(500, "Rule not updated"));
    assert_eq!(fails(&rule, Failure::Busy), text(503, "Rule not updated"));
    assert_eq!(fails(&update, Failure::NoFile), text(500, "cannot access file"));
    assert_eq!(fails(&update, Failure::NotSupported), text(501, "Command not supported"));
    assert_eq!(fails(&update, Failure::Failed), text(500, "the file is not in use"));
}

#[test]
fn what_is_no_command_is_passed_over() {
    let answer = Message::parse(br#"{"body": {"openc2": {"response": {"status": 200}}}}"#).unwrap();
    let decision = World::new(config())
        .consumer
        .take(&Request::authenticated(answer, "council", Reach::Direct), NOW)
        .unwrap();
    assert_eq!(decision, openc2::consumer::Decision::default());
}

#[test]
fn who_writes_in_1_1_is_answered_in_1_1() {
    let mut world = World::new(config());
    let features = json!({"action": "query", "target": {"features": ["args", "profiles", "pairs"]}});
    let decision = world.consumer.take(&request("r", &features), NOW).unwrap();
    let message = decision.replies[0].message("edge-7", NOW).write();
    assert_eq!(
        message["headers"],
        json!({"request_id": "r", "created": NOW.0, "from": "edge-7", "to": ["council"]})
    );
    let results = &message["body"]["openc2"]["response"]["results"];
    assert_eq!(results["profiles"], json!(["http://oasis-open.org/openc2/oc2slpf/v1.0"]));
    assert_eq!(results["pairs"]["delete"], json!(["slpf/rule_number"]));
    let args = [
        "response_requested",
        "slpf/persistent",
        "slpf/direction",
        "slpf/drop_process",
        "slpf/insert_rule",
        "start_time",
        "stop_time",
        "duration",
    ];
    assert_eq!(results["args"], json!(args));
}
