//! Every kind of step, carried out.

use cacao::run::{
    Answer, ApplyError, Effect, FailureCode, Limits, Outcome, Run, Start, StartError, Timer, Values, What,
};
use serde_json::json;

use crate::support::{Caller, Draft, World, at, codes, done, failed, id, map, person, values};

fn code(outcome: &Outcome) -> Option<FailureCode> {
    match outcome {
        Outcome::Success => None,
        Outcome::Failure(failure) => Some(failure.code),
    }
}

fn one_action() -> Draft {
    Draft::new(&id("action", 1)).action(1, &id("end", 1)).end(1)
}

#[test]
fn start_action_end() {
    let mut caller = Caller::start(&one_action().runnable(), &[], Values::default());
    let mut world = World::obliging();
    assert_eq!(caller.finish(&mut world), Outcome::Success);
    assert_eq!(caller.entered(), [id("start", 1), id("action", 1), id("end", 1)]);
    assert_eq!(world.orders.len(), 1);
    assert!(caller.run.is_settled());
}

#[test]
fn commands_come_in_order_on_every_target() {
    let mut draft = one_action().targets();
    let step = &mut draft.0["workflow"][id("action", 1)];
    step["commands"] =
        json!([{"type": "manual", "command": "first"}, {"type": "manual", "command": "second"}]);
    step["targets"] = json!([id("net-address", 1), id("net-address", 2)]);
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let mut world = World::obliging();
    caller.finish(&mut world);
    let order = |o: &cacao::run::Order| {
        (o.command.command.clone().unwrap(), o.target.as_ref().unwrap().agent.name.clone())
    };
    let expected = [("first", "host 1"), ("first", "host 2"), ("second", "host 1"), ("second", "host 2")];
    let expected = expected.map(|(command, target)| (command.to_owned(), target.to_owned()));
    assert_eq!(world.orders.iter().map(order).collect::<Vec<_>>(), expected);
    assert_eq!(world.effects.len(), 4, "each command on each target has a key of its own");
}

#[test]
fn both_targets_are_under_way_at_once_and_the_next_command_waits_for_both() {
    let mut draft = one_action().targets();
    let step = &mut draft.0["workflow"][id("action", 1)];
    step["commands"] =
        json!([{"type": "manual", "command": "first"}, {"type": "manual", "command": "second"}]);
    step["targets"] = json!([id("net-address", 1), id("net-address", 2)]);
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let mut keys = vec![];
    while keys.len() < 2 {
        match caller.next_effect().unwrap() {
            Effect::Record(what) => caller.happen(what),
            Effect::Dispatch(order) => {
                caller.happen(What::Dispatched { key: order.key.clone(), hash: order.hash });
                keys.push(order.key);
            }
            other => panic!("{other:?}"),
        }
    }
    caller.happen(What::Answered { key: keys[0].clone(), answer: done(&[]) });
    assert!(caller.run.next().iter().all(|effect| matches!(effect, Effect::Wait { .. })));
    caller.happen(What::Answered { key: keys[1].clone(), answer: done(&[]) });
    let dispatches = caller.run.next().into_iter().filter(|effect| matches!(effect, Effect::Dispatch(_)));
    assert_eq!(dispatches.count(), 2);
    assert_eq!(
        caller.try_happen(What::Answered { key: keys[0].clone(), answer: done(&[]) }),
        Err(ApplyError::AnsweredBefore)
    );
}

#[test]
fn a_failure_goes_to_on_failure_and_says_what_failed() {
    let draft = one_action()
        .step(&id("action", 1), json!({
            "type": "action", "name": "Risky", "agent": id("group", 1), "on_success": id("end", 1), "on_failure": id("action", 2),
            "commands": [{"type": "manual", "command": "one"}, {"type": "manual", "command": "two"}]
        }))
        .action(2, &id("end", 1));
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let mut world = World::new(|order| if order.step == id("action", 1) { failed() } else { done(&[]) });
    assert_eq!(caller.finish(&mut world), Outcome::Success, "the failure was handled");
    assert_eq!(caller.entered(), [id("start", 1), id("action", 1), id("action", 2), id("end", 1)]);
    assert_eq!(world.orders.len(), 2, "the second command of a step that failed does not leave");
    let told = world.orders[1].called_with.clone().unwrap();
    assert_eq!((told.code, told.step), (FailureCode::CommandFailed, id("action", 1)));
}

#[test]
fn a_failure_that_nobody_handles_goes_to_workflow_exception() {
    let draft =
        one_action().set("workflow_exception", json!(id("action", 9))).action(9, &id("end", 9)).end(9);
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let mut world = World::new(|order| if order.step == id("action", 1) { failed() } else { done(&[]) });
    let outcome = caller.finish(&mut world);
    assert_eq!(
        code(&outcome),
        Some(FailureCode::CommandFailed),
        "the exception was handled, and the playbook did not succeed"
    );
    assert_eq!(caller.entered(), [id("start", 1), id("action", 1), id("action", 9), id("end", 9)]);
    // And one within the exception ends the run.
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let outcome = caller.finish(&mut World::new(|_| failed()));
    assert_eq!(code(&outcome), Some(FailureCode::CommandFailed));
    assert_eq!(caller.entered(), [id("start", 1), id("action", 1), id("action", 9)]);
}

#[test]
fn without_an_exception_a_failure_ends_the_run() {
    let mut caller = Caller::start(&one_action().runnable(), &[], Values::default());
    assert_eq!(code(&caller.finish(&mut World::new(|_| failed()))), Some(FailureCode::CommandFailed));
}

#[test]
fn a_delay_is_waited_for() {
    let mut draft = one_action();
    draft.0["workflow"][id("action", 1)]["delay"] = json!(5_000);
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let mut world = World::obliging();
    caller.settle(&mut world);
    assert!(world.orders.is_empty());
    let [Effect::Wait { timer: Timer::Delay { visit }, due }] = &caller.run.next()[..] else { panic!() };
    let (visit, due) = (*visit, *due);
    assert_eq!(
        caller.try_happen(What::TimerDue { timer: Timer::Delay { visit } }),
        Err(ApplyError::TooEarly(due))
    );
    assert!(caller.wait());
    assert_eq!(caller.finish(&mut world), Outcome::Success);
}

#[test]
fn a_timeout_is_an_action_timeout_and_a_late_answer_changes_nothing_but_is_kept() {
    let draft = one_action().step(&id("action", 1), json!({
        "type": "action", "name": "Slow", "agent": id("group", 1), "on_success": id("end", 1), "on_failure": id("action", 2),
        "commands": [{"type": "manual", "command": "one"}], "timeout": 60_000
    })).action(2, &id("end", 1));
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let mut key = None;
    while key.is_none() {
        match caller.next_effect().unwrap() {
            Effect::Record(what) => caller.happen(what),
            Effect::Dispatch(order) => {
                caller.happen(What::Dispatched { key: order.key.clone(), hash: order.hash });
                key = Some(order.key);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(caller.wait(), "the timeout");
    let mut world = World::obliging();
    assert_eq!(caller.finish(&mut world), Outcome::Success);
    let told = world.orders[0].called_with.clone().unwrap();
    assert_eq!((told.code, told.step), (FailureCode::ActionTimeout, id("action", 1)));
    assert!(!caller.run.is_settled(), "what left is still not answered");
    caller.happen(What::Answered { key: key.unwrap(), answer: done(&[]) });
    assert!(caller.run.is_settled());
}

#[test]
fn a_step_without_timeout_has_one_all_the_same() {
    let mut caller = Caller::start(&one_action().runnable(), &[], Values::default());
    while caller.timers().is_empty() {
        match caller.next_effect().unwrap() {
            Effect::Record(what) => caller.happen(what),
            Effect::Dispatch(order) => caller.happen(What::Dispatched { key: order.key, hash: order.hash }),
            other => panic!("{other:?}"),
        }
    }
    assert!(caller.wait());
    assert_eq!(code(&caller.finish(&mut World::obliging())), Some(FailureCode::ActionTimeout));
}

fn parallel() -> Draft {
    Draft::new(&id("parallel", 1))
        .step(
            &id("parallel", 1),
            json!({
                "type": "parallel", "name": "Both", "next_steps": [id("action", 1), id("action", 2)],
                "on_success": id("action", 3), "on_failure": id("action", 4)
            }),
        )
        .action(1, &id("end", 1))
        .action(2, &id("end", 2))
        .action(3, &id("end", 3))
        .action(4, &id("end", 4))
        .end(1)
        .end(2)
        .end(3)
        .end(4)
}

#[test]
fn parallel_waits_for_all() {
    let mut caller = Caller::start(&parallel().runnable(), &[], Values::default());
    let mut keys = vec![];
    while keys.len() < 2 {
        match caller.next_effect().unwrap() {
            Effect::Record(what) => caller.happen(what),
            Effect::Dispatch(order) => {
                caller.happen(What::Dispatched { key: order.key.clone(), hash: order.hash });
                keys.push(order.key);
            }
            other => panic!("{other:?}"),
        }
    }
    caller.happen(What::Answered { key: keys[1].clone(), answer: done(&[]) });
    let mut world = World::obliging();
    caller.settle(&mut world);
    assert!(!caller.entered().contains(&id("action", 3)), "one branch is not at its end");
    caller.happen(What::Answered { key: keys[0].clone(), answer: done(&[]) });
    assert_eq!(caller.finish(&mut world), Outcome::Success);
    assert!(caller.entered().contains(&id("action", 3)));
}

#[test]
fn a_branch_that_fails_fails_the_parallel_step_when_the_others_are_done() {
    let mut caller = Caller::start(&parallel().runnable(), &[], Values::default());
    let mut world = World::new(|order| if order.step == id("action", 1) { failed() } else { done(&[]) });
    assert_eq!(caller.finish(&mut world), Outcome::Success);
    let entered = caller.entered();
    assert!(
        entered.contains(&id("action", 2))
            && entered.contains(&id("action", 4))
            && !entered.contains(&id("action", 3))
    );
}

fn decision(step: serde_json::Value) -> Draft {
    Draft::new(&id("if-condition", 1))
        .variable("__x__", json!({"type": "string", "value": null, "external": true}))
        .step(&id("if-condition", 1), step)
        .action(1, &id("end", 1))
        .action(2, &id("end", 2))
        .end(1)
        .end(2)
        .end(3)
}

#[test]
fn if_takes_one_branch_and_returns() {
    let both = json!({
        "type": "if-condition", "name": "Which", "condition": "__x__:value = 'yes'", "on_true": id("action", 1),
        "on_false": id("action", 2), "on_completion": id("end", 3)
    });
    for (value, step) in [("yes", 1), ("no", 2)] {
        let mut caller = Caller::start(&decision(both.clone()).runnable(), &[], values(&[("__x__", value)]));
        assert_eq!(caller.finish(&mut World::obliging()), Outcome::Success);
        let entered =
            [id("start", 1), id("if-condition", 1), id("action", step), id("end", step), id("end", 3)];
        assert_eq!(caller.entered(), entered);
    }
}

#[test]
fn if_without_else_goes_on() {
    let one = json!({
        "type": "if-condition", "name": "Which", "condition": "__x__:value = 'yes'", "on_true": id("action", 1),
        "on_completion": id("end", 3)
    });
    let mut caller = Caller::start(&decision(one).runnable(), &[], values(&[("__x__", "no")]));
    assert_eq!(caller.finish(&mut World::obliging()), Outcome::Success);
    assert_eq!(caller.entered(), [id("start", 1), id("if-condition", 1), id("end", 3)]);
}

#[test]
fn a_condition_that_cannot_be_evaluated_fails_the_step() {
    // The expression is right and too large for the engine.
    let condition = format!("__x__:value MATCHES '{}'", "(a{50}){50}".repeat(30));
    let one = json!({
        "type": "if-condition", "name": "Which", "condition": condition, "on_true": id("action", 1), "on_completion": id("end", 3)
    });
    let mut caller = Caller::start(&decision(one).runnable(), &[], values(&[("__x__", "no")]));
    assert_eq!(code(&caller.finish(&mut World::obliging())), Some(FailureCode::Condition));
}

fn counting(limit: &str) -> Draft {
    let mut draft = Draft::new(&id("while-condition", 1))
        .variable("__n__", json!({"type": "integer", "value": "0"}))
        .step(&id("while-condition", 1), json!({
            "type": "while-condition", "name": "Again", "condition": format!("__n__:value < {limit}"), "on_true": id("action", 1),
            "on_completion": id("end", 2)
        }))
        .action(1, &id("end", 1))
        .end(1)
        .end(2);
    draft.0["workflow"][id("action", 1)]["out_args"] = json!(["__n__"]);
    draft
}

#[test]
fn while_asks_again_each_turn() {
    let mut caller = Caller::start(&counting("3").runnable(), &[], Values::default());
    let mut n = 0;
    let mut world = World::new(move |_| {
        n += 1;
        done(&[("__n__", &n.to_string())])
    });
    assert_eq!(caller.finish(&mut world), Outcome::Success);
    assert_eq!(world.orders.len(), 3);
    assert_eq!(world.effects.len(), 3, "each turn has keys of its own");
}

#[test]
fn while_ends_at_its_bound() {
    let draft = counting("3");
    let limits = Limits { loop_turns_max: 10, ..Limits::default() };
    let start = Start {
        run: "r".into(),
        requester: person("r", 1),
        arguments: Values::default(),
        limits,
        dry_run: false,
    };
    let (run, started) = Run::start(&draft.runnable(), &[], start, at(0)).unwrap();
    let mut caller = Caller { run, log: vec![started], now: 0, reconciled: 0 };
    let mut world = World::obliging();
    assert_eq!(code(&caller.finish(&mut world)), Some(FailureCode::LoopLimit));
    assert_eq!(world.orders.len(), 10);
}

#[test]
fn a_run_ends_at_the_bound_of_its_steps() {
    let limits = Limits { steps_max: 20, ..Limits::default() };
    let start = Start {
        run: "r".into(),
        requester: person("r", 1),
        arguments: Values::default(),
        limits,
        dry_run: false,
    };
    let (run, started) = Run::start(&counting("3").runnable(), &[], start, at(0)).unwrap();
    let mut caller = Caller { run, log: vec![started], now: 0, reconciled: 0 };
    assert_eq!(code(&caller.finish(&mut World::obliging())), Some(FailureCode::StepLimit));
}

#[test]
fn switch_takes_its_case_or_the_default_or_nothing() {
    let draft = |with_default: bool| {
        let mut cases = json!({"red": id("action", 1)});
        if with_default {
            cases["default"] = json!(id("action", 2));
        }
        Draft::new(&id("switch-condition", 1))
            .variable("__x__", json!({"type": "string", "external": true}))
            .step(&id("switch-condition", 1), json!({
                "type": "switch-condition", "name": "Which", "switch": "__x__:value", "cases": cases, "on_completion": id("end", 3)
            }))
            .action(1, &id("end", 1))
            .action(2, &id("end", 2))
            .end(1).end(2).end(3)
    };
    for (with_default, value, step) in
        [(true, "red", Some(1)), (true, "blue", Some(2)), (false, "blue", None), (true, "default", Some(2))]
    {
        let mut caller = Caller::start(&draft(with_default).runnable(), &[], values(&[("__x__", value)]));
        assert_eq!(caller.finish(&mut World::obliging()), Outcome::Success);
        let entered = caller.entered();
        for number in [1, 2] {
            assert_eq!(entered.contains(&id("action", number)), step == Some(number), "{value}");
        }
    }
}

/// A playbook that takes `__in__` and gives `__out__`.
fn callee(modified: &str) -> Draft {
    let mut draft = one_action()
        .set("id", json!(id("playbook", 2)))
        .set("modified", json!(modified))
        .variable("__in__", json!({"type": "string", "external": true}))
        .variable("__out__", json!({"type": "string", "value": "nothing"}));
    draft.0["workflow"][id("action", 1)]["commands"][0]["command"] = json!("look at __in__:value");
    draft.0["workflow"][id("action", 1)]["out_args"] = json!(["__out__"]);
    draft
}

fn calling(extra: serde_json::Value) -> Draft {
    let mut step = json!({
        "type": "playbook-action", "name": "Call", "playbook_id": id("playbook", 2), "in_args": ["__in__"], "out_args": ["__out__"],
        "on_completion": id("end", 1)
    });
    step.as_object_mut().unwrap().extend(map(extra));
    Draft::new(&id("playbook-action", 1))
        .variable("__in__", json!({"type": "string", "value": "mail.example"}))
        .variable("__out__", json!({"type": "string", "value": ""}))
        .step(&id("playbook-action", 1), step)
        .end(1)
}

#[test]
fn a_playbook_is_called_with_arguments_and_gives_results_back() {
    let (old, new) =
        (callee("2026-01-01T00:00:00.000Z").runnable(), callee("2026-02-01T00:00:00.000Z").runnable());
    for (extra, version) in [
        (json!({}), "2026-02-01T00:00:00.000Z"),
        (json!({"playbook_version": "2026-01-01T00:00:00.000Z"}), "2026-01-01T00:00:00.000Z"),
    ] {
        let others = [new.clone(), old.clone()];
        let mut caller = Caller::start(&calling(extra).runnable(), &others, Values::default());
        let mut world = World::new(|_| done(&[("__out__", "found"), ("__in__", "changed")]));
        assert_eq!(caller.finish(&mut world), Outcome::Success);
        assert_eq!(world.orders[0].command.command.as_deref(), Some("look at mail.example"));
        assert_eq!(world.orders[0].playbook.modified, version);
        let variables = caller.run.variables().unwrap();
        assert_eq!(variables["__out__"].value, json!("found"));
        assert_eq!(variables["__in__"].value, json!("mail.example"), "only out_args come back");
    }
}

#[test]
fn a_playbook_that_is_not_here_or_lacks_an_argument_fails_the_step() {
    let missing = calling(json!({"playbook_version": "2026-03-01T00:00:00.000Z"}));
    let mut caller = Caller::start(
        &missing.runnable(),
        &[callee("2026-01-01T00:00:00.000Z").runnable()],
        Values::default(),
    );
    assert_eq!(code(&caller.finish(&mut World::obliging())), Some(FailureCode::PlaybookMissing));
    let silent = calling(json!({"in_args": ["__out__"]}));
    let mut caller = Caller::start(
        &silent.runnable(),
        &[callee("2026-01-01T00:00:00.000Z").runnable()],
        Values::default(),
    );
    assert_eq!(code(&caller.finish(&mut World::obliging())), Some(FailureCode::ArgumentMissing));
}

#[test]
fn a_playbook_that_calls_itself_ends_at_the_bound() {
    let draft = calling(json!({"playbook_id": id("playbook", 1), "in_args": ["__in__"]}));
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    assert_eq!(code(&caller.finish(&mut World::obliging())), Some(FailureCode::PlaybookDepth));
    let opened = caller.log.iter().filter(|event| matches!(event.what, What::PlaybookOpened { .. }));
    assert_eq!(opened.count(), Limits::default().playbook_depth_max);
}

#[test]
fn step_variables_are_seen_by_the_step_and_its_branches_and_by_nobody_else() {
    let mut draft = parallel();
    draft.0["workflow"][id("parallel", 1)]["step_variables"] =
        json!({"__local__": {"type": "string", "value": "L"}});
    draft.0["workflow"][id("action", 1)]["commands"][0]["command"] = json!("use __local__:value");
    draft.0["workflow"][id("action", 2)]["out_args"] = json!(["__local__"]);
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let mut world = World::new(|_| done(&[("__local__", "changed")]));
    caller.finish(&mut world);
    assert_eq!(world.orders[0].command.command.as_deref(), Some("use L"));
    // Outside of the step it is not defined, which the validator says beforehand.
    draft.0["workflow"][id("action", 3)]["commands"][0]["command"] = json!("use __local__:value");
    assert_eq!(codes(&draft.parse()), ["error undefined-variable"]);
}

#[test]
fn what_comes_back_must_fit_and_constants_stay() {
    for (variable, value) in [
        (json!({"type": "integer", "value": "1"}), "many"),
        (json!({"type": "ipv4-addr", "value": "192.0.2.1"}), "192.0.2.300"),
        (json!({"type": "bool", "value": "true"}), "yes"),
    ] {
        let mut draft = one_action().variable("__v__", variable);
        draft.0["workflow"][id("action", 1)]["out_args"] = json!(["__v__"]);
        let value = value.to_owned();
        let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
        let outcome = caller.finish(&mut World::new(move |_| done(&[("__v__", &value)])));
        assert_eq!(code(&outcome), Some(FailureCode::BadOutput));
    }
    let draft = one_action().variable("__c__", json!({"type": "string", "value": "fixed", "constant": true}));
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let set = What::VariablesSet { values: values(&[("__c__", "other")]), by: person("analyst", 1) };
    assert_eq!(caller.try_happen(set), Err(ApplyError::BadVariable("__c__".into())));
}

#[test]
fn external_variables_are_arguments() {
    let draft = one_action().variable("__e__", json!({"type": "ipv4-addr", "external": true}));
    let start = |arguments| {
        let start = Start {
            run: "r".into(),
            requester: person("r", 1),
            arguments,
            limits: Limits::default(),
            dry_run: false,
        };
        Run::start(&draft.runnable(), &[], start, at(0)).map(|_| ())
    };
    assert_eq!(start(values(&[("__e__", "192.0.2.1")])), Ok(()));
    assert_eq!(start(Values::default()), Err(StartError::ArgumentMissing("__e__".into())));
    assert_eq!(
        start(values(&[("__e__", "192.0.2.1"), ("__f__", "1")])),
        Err(StartError::UnknownArgument("__f__".into()))
    );
    let bad = StartError::BadArgument { name: "__e__".into(), kind: "ipv4-addr".into() };
    assert_eq!(start(values(&[("__e__", "example.com")])), Err(bad));
}

#[test]
fn a_paused_run_begins_nothing_and_takes_answers() {
    let draft = Draft::new(&id("action", 1)).action(1, &id("action", 2)).action(2, &id("end", 1)).end(1);
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let mut key = None;
    while key.is_none() {
        match caller.next_effect().unwrap() {
            Effect::Record(what) => caller.happen(what),
            Effect::Dispatch(order) => {
                caller.happen(What::Dispatched { key: order.key.clone(), hash: order.hash });
                key = Some(order.key);
            }
            other => panic!("{other:?}"),
        }
    }
    caller.happen(What::Paused { by: person("commander", 1) });
    caller.happen(What::Answered { key: key.unwrap(), answer: done(&[]) });
    assert!(caller.run.next().is_empty());
    assert_eq!(caller.try_happen(What::Paused { by: person("commander", 1) }), Err(ApplyError::NotExpected));
    caller.happen(What::Continued { by: person("commander", 1) });
    assert_eq!(caller.finish(&mut World::obliging()), Outcome::Success);
}

/// Two actions with inverse and stop time, then a manual one.
fn undoable() -> Draft {
    let step = |next: &str| {
        json!({
            "type": "action", "name": "Block", "agent": id("group", 1), "on_completion": next,
            "commands": [{"type": "manual", "command": "block"}]
        })
    };
    let guards = json!({
        "type": "safeguards", "inverse": [{"type": "manual", "command": "unblock"}], "stop_after": 3_600_000
    });
    Draft::new(&id("action", 1))
        .step(&id("action", 1), step(&id("action", 2)))
        .step(&id("action", 2), step(&id("action", 3)))
        .action(3, &id("end", 1))
        .end(1)
        .safeguards(&id("action", 1), guards.clone())
        .safeguards(&id("action", 2), guards)
}

#[test]
fn effects_end_at_their_stop_time_after_the_run_did() {
    let mut caller = Caller::start(&undoable().runnable(), &[], Values::default());
    let mut world = World::obliging();
    assert_eq!(caller.finish(&mut world), Outcome::Success);
    assert!(!caller.run.is_settled(), "two effects stand");
    assert_eq!(world.orders.len(), 3);
    while caller.wait() {
        caller.settle(&mut world);
    }
    let undone: Vec<_> = world.orders.iter().filter_map(|order| order.undoes.clone()).collect();
    assert_eq!(undone, [world.orders[0].key.clone(), world.orders[1].key.clone()]);
    assert_eq!(world.orders[3].command.command.as_deref(), Some("unblock"));
    assert!(caller.run.is_settled());
}

#[test]
fn a_cancelled_run_undoes_what_it_did_and_may_have_done() {
    let mut caller = Caller::start(&undoable().runnable(), &[], Values::default());
    // The first block is certain, of the second nobody knows.
    let mut count = 0;
    let mut world = World::new(move |order| {
        count += 1;
        match (count, &order.undoes) {
            (2, None) => Answer::Unknown { reason: "connection lost".into() },
            _ => done(&[]),
        }
    });
    while world.orders.len() < 2 {
        assert!(caller.step(&mut world));
    }
    caller.happen(What::Cancelled { by: person("commander", 1), reason: "false alarm".into(), undo: true });
    assert!(
        matches!(caller.run.ended(), Some(Outcome::Failure(failure)) if failure.code == FailureCode::Cancelled)
    );
    caller.settle(&mut world);
    assert_eq!(world.orders.iter().filter(|order| order.undoes.is_some()).count(), 2);
    assert!(!caller.entered().contains(&id("action", 3)));
    assert!(caller.run.is_settled());
    let again = What::Cancelled { by: person("commander", 1), reason: "again".into(), undo: true };
    assert_eq!(caller.try_happen(again), Err(ApplyError::Ended));
}

#[test]
fn an_effect_is_undone_when_somebody_asks_and_once_more_if_that_failed() {
    let mut caller = Caller::start(&undoable().runnable(), &[], Values::default());
    let mut tries = 0;
    let mut world = World::new(move |order| {
        tries += u32::from(order.undoes.is_some());
        if order.undoes.is_some() && tries == 1 { failed() } else { done(&[]) }
    });
    caller.finish(&mut world);
    let key = world.orders[0].key.clone();
    let ask = What::UndoAsked { key: key.clone(), by: person("operator", 2) };
    caller.happen(ask.clone());
    caller.settle(&mut world);
    caller.happen(ask.clone());
    caller.settle(&mut world);
    let tries = world.orders.iter().filter(|order| order.undoes.as_ref() == Some(&key));
    assert_eq!(tries.map(|order| order.attempts_before).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(caller.try_happen(ask), Err(ApplyError::NotExpected), "it is undone");
}
