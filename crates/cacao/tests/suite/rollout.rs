//! What is tried first: the first target alone, and nothing left standing where it fails. And what is only rehearsed.

use cacao::run::{Answer, Effect, Limits, Order, Outcome, Run, Start, Values, What};
use serde_json::{Value, json};

use crate::support::{Caller, Draft, World, at, done, failed, id, person};

/// A block on two hosts that is tried as said.
fn tried(rollout: Value) -> Draft {
    let step = json!({
        "type": "action", "name": "Block", "agent": id("group", 1), "on_completion": id("end", 1), "delay": 60_000,
        "targets": [id("net-address", 1), id("net-address", 2)], "commands": [{"type": "manual", "command": "block"}]
    });
    Draft::new(&id("action", 1)).targets().step(&id("action", 1), step).end(1).safeguards(
        &id("action", 1),
        json!({
            "type": "safeguards", "inverse": [{"type": "manual", "command": "unblock"}], "stop_after": 3_600_000,
            "approval": {"required": 1}, "rollout": rollout
        }),
    )
}

fn told(order: &Order) -> (String, String) {
    (order.command.text().unwrap(), order.target.as_ref().unwrap().agent.name.clone())
}

fn expected(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(command, host)| ((*command).to_owned(), (*host).to_owned())).collect()
}

/// A run that was agreed to, as far as it goes without an answer of the first host.
fn agreed(draft: &Draft) -> (Caller, World) {
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let mut world = World::obliging();
    caller.settle(&mut world);
    assert!(caller.wait(), "the delay");
    caller.settle(&mut world);
    let question = caller.run.question(0).unwrap();
    assert_eq!(question.orders.len(), 2, "everything is agreed to at once");
    caller.approve(0, person("a", 2)).unwrap();
    (caller, world)
}

#[test]
fn the_first_target_goes_alone_and_the_others_follow_when_it_has_it() {
    let (mut caller, mut world) = agreed(&tried(json!({"canary": true})));
    let Some(Effect::Dispatch(first)) = caller.next_effect() else { panic!("{:?}", caller.run.next()) };
    assert_eq!(told(&first).1, "host 1");
    caller.happen(What::Dispatched { key: first.key.clone(), hash: first.hash.clone() });
    assert!(caller.run.is_canary(&first));
    assert!(
        !caller.run.next().iter().any(|effect| matches!(effect, Effect::Dispatch(_))),
        "the other one waits"
    );
    caller.happen(What::Answered { key: first.key, answer: done(&[]) });
    assert_eq!(caller.finish(&mut world), Outcome::Success);
    assert_eq!(world.orders.iter().map(told).collect::<Vec<_>>(), expected(&[("block", "host 2")]));
    assert!(!caller.run.is_canary(&world.orders[0]));
}

#[test]
fn where_the_first_one_fails_the_others_are_spared() {
    let (mut caller, _) = agreed(&tried(json!({"canary": true})));
    let mut world = World::new(|_| failed());
    assert!(matches!(caller.finish(&mut world), Outcome::Failure(_)));
    assert_eq!(world.orders.iter().map(told).collect::<Vec<_>>(), expected(&[("block", "host 1")]));
    // Where it has it and does not hold it, there is something to undo.
    let (mut caller, _) = agreed(&tried(json!({"canary": true})));
    let mut world = World::new(|order| match told(order).0.as_str() {
        "block" => Answer::Lost { reason: "it drifted".to_owned() },
        _ => done(&[]),
    });
    assert!(matches!(caller.finish(&mut world), Outcome::Failure(_)));
    caller.settle(&mut world);
    let undone = expected(&[("block", "host 1"), ("unblock", "host 1")]);
    assert_eq!(world.orders.iter().map(told).collect::<Vec<_>>(), undone);
}

#[test]
fn where_one_fails_what_the_step_did_is_taken_back() {
    let (mut caller, _) = agreed(&tried(json!({"canary": true, "canary_watch": 10_000})));
    let mut world = World::new(|order| match told(order) {
        (command, host) if command == "block" && host == "host 2" => failed(),
        _ => done(&[]),
    });
    assert!(matches!(caller.finish(&mut world), Outcome::Failure(_)));
    caller.settle(&mut world);
    let undone = expected(&[("block", "host 1"), ("block", "host 2"), ("unblock", "host 1")]);
    assert_eq!(world.orders.iter().map(told).collect::<Vec<_>>(), undone);
    assert!(caller.run.is_settled());
    // Without a trial what was done stands until its time, as ever.
    let mut draft = tried(json!({"canary": true}));
    let step = &mut draft.0["workflow"][id("action", 1)];
    step["step_extensions"][cacao::SAFEGUARDS].as_object_mut().unwrap().remove("rollout");
    let (mut caller, _) = agreed(&draft);
    let mut world = World::new(|order| if told(order).1 == "host 2" { failed() } else { done(&[]) });
    caller.finish(&mut world);
    caller.settle(&mut world);
    assert_eq!(world.orders.len(), 2);
}

#[test]
fn how_it_is_tried_is_part_of_what_is_agreed_to() {
    let hash = |rollout: Value| {
        let (caller, _) = agreed(&tried(rollout));
        let Some(Effect::Dispatch(order)) = caller.next_effect() else { panic!("{:?}", caller.run.next()) };
        order.hash
    };
    let counted = hash(json!({"shadow": 1_000}));
    assert_ne!(counted, hash(json!({"shadow": 2_000})));
    assert_ne!(counted, hash(json!({"shadow": 1_000, "canary": true})));
    assert_eq!(counted, hash(json!({"shadow": 1_000})));
}

#[test]
fn what_is_only_rehearsed_asks_nobody_waits_for_nothing_and_leaves_nothing_to_undo() {
    let start = Start {
        run: "run-1".to_owned(),
        requester: person("requester", 1),
        arguments: Values::default(),
        limits: Limits::default(),
        dry_run: true,
    };
    let (run, started) = Run::start(&tried(json!({"canary": true})).runnable(), &[], start, at(0)).unwrap();
    let mut caller = Caller { run, log: vec![started], now: 0, reconciled: 0 };
    let mut world = World::obliging();
    assert_eq!(caller.finish(&mut world), Outcome::Success);
    assert!(caller.run.is_dry() && caller.run.is_settled());
    assert!(
        !caller
            .log
            .iter()
            .any(|event| matches!(event.what, What::ApprovalAsked { .. } | What::TimerDue { .. }))
    );
    assert_eq!(
        world.orders.iter().map(told).collect::<Vec<_>>(),
        expected(&[("block", "host 1"), ("block", "host 2")])
    );
    // It says so for ever: what was only rehearsed is never gone on with as if it were real.
    let text = serde_json::to_string(&caller.log[0]).unwrap();
    assert!(text.contains("\"dry_run\":true"), "{text}");
    let again = Run::replay(&[tried(json!({"canary": true})).runnable()], &caller.log).unwrap();
    assert!(again.view().is_dry());
}
