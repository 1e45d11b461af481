//! Approval by k of n from different organisations, bound to what would be carried out.

use cacao::run::{ApplyError, Effect, FailureCode, Outcome, QuestionState, Run, Values, What};
use serde_json::json;

use crate::support::{Caller, Draft, World, at, done, id, person, values};

/// A block of `__ip__` that needs two approvals.
fn guarded(approval: serde_json::Value) -> Draft {
    let step = json!({
        "type": "action", "name": "Block", "agent": id("group", 1), "on_completion": id("end", 1),
        "commands": [{"type": "manual", "command": "block __ip__:value"}]
    });
    Draft::new(&id("action", 1))
        .variable("__ip__", json!({"type": "ipv4-addr", "value": "198.51.100.1"}))
        .step(&id("action", 1), step)
        .end(1)
        .safeguards(&id("action", 1), json!({"type": "safeguards", "approval": approval}))
}

fn two() -> serde_json::Value {
    json!({"required": 2, "expires_after": 600_000})
}

/// A run that waits for question 0.
fn waiting(draft: &Draft) -> (Caller, World) {
    let mut caller = Caller::start(&draft.runnable(), &[], Values::default());
    let mut world = World::obliging();
    caller.settle(&mut world);
    assert!(world.orders.is_empty(), "nothing leaves before approval");
    (caller, world)
}

#[test]
fn two_organisations_agree_and_the_command_leaves() {
    let (mut caller, mut world) = waiting(&guarded(two()));
    let question = caller.run.question(0).unwrap();
    assert_eq!(question.orders[0].command.command.as_deref(), Some("block 198.51.100.1"));
    caller.approve(0, person("a", 2)).unwrap();
    caller.settle(&mut world);
    assert!(world.orders.is_empty(), "one is not enough");
    caller.approve(0, person("b", 3)).unwrap();
    assert_eq!(caller.finish(&mut world), Outcome::Success);
    assert_eq!(world.orders.len(), 1);
}

#[test]
fn who_may_not_approve() {
    let (mut caller, _) = waiting(&guarded(two()));
    assert_eq!(
        caller.approve(0, person("requester", 2)),
        Err(ApplyError::NotAnApprover),
        "who asked never may"
    );
    caller.approve(0, person("a", 2)).unwrap();
    assert_eq!(
        caller.approve(0, person("a", 3)),
        Err(ApplyError::ApprovedBefore),
        "the same person elsewhere"
    );
    assert_eq!(caller.approve(0, person("c", 2)), Err(ApplyError::ApprovedBefore), "the same organisation");
    assert_eq!(caller.approve(7, person("c", 4)), Err(ApplyError::Unknown));
    caller.approve(0, person("b", 1)).unwrap();
    // Unless the playbook says so, the requester's organisation may.
    let strict = json!({"required": 1, "exclude_requester_organization": true});
    let (mut caller, _) = waiting(&guarded(strict));
    assert_eq!(caller.approve(0, person("b", 1)), Err(ApplyError::NotAnApprover));
    let listed = json!({"required": 1, "approvers": [id("identity", 5), id("identity", 6)]});
    let (mut caller, _) = waiting(&guarded(listed));
    assert_eq!(caller.approve(0, person("b", 4)), Err(ApplyError::NotAnApprover));
    caller.approve(0, person("b", 6)).unwrap();
}

#[test]
fn an_approval_is_of_what_was_shown() {
    let (mut caller, mut world) = waiting(&guarded(two()));
    let shown = caller.run.question(0).unwrap().hash;
    caller.approve(0, person("a", 2)).unwrap();
    caller.happen(What::VariablesSet { values: values(&[("__ip__", "198.51.100.2")]), by: person("x", 1) });
    let (by, reason) = (person("b", 3), None);
    let late = What::ApprovalGiven { question: 0, hash: shown.clone(), by, reason, alone: false };
    assert_eq!(caller.try_happen(late), Err(ApplyError::HashChanged), "the address is another one now");
    caller.settle(&mut world);
    let states: Vec<_> = caller.run.questions().map(|(_, given, state, _)| (given.len(), state)).collect();
    assert_eq!(states, [(1, QuestionState::Closed), (0, QuestionState::Open)], "all begin anew");
    caller.approve(1, person("a", 2)).unwrap();
    caller.approve(1, person("b", 3)).unwrap();
    caller.finish(&mut world);
    assert_eq!(world.orders[0].command.command.as_deref(), Some("block 198.51.100.2"));
}

#[test]
fn a_change_after_the_last_approval_and_before_dispatch_voids_it() {
    let (mut caller, mut world) = waiting(&guarded(two()));
    caller.approve(0, person("a", 2)).unwrap();
    caller.approve(0, person("b", 3)).unwrap();
    caller.happen(What::VariablesSet { values: values(&[("__ip__", "198.51.100.2")]), by: person("x", 1) });
    caller.settle(&mut world);
    assert!(world.orders.is_empty());
    assert!(caller.run.question(1).is_some(), "it is asked again");
}

#[test]
fn an_approval_can_be_withdrawn_until_something_left() {
    let (mut caller, mut world) = waiting(&guarded(two()));
    caller.approve(0, person("a", 2)).unwrap();
    caller.approve(0, person("b", 3)).unwrap();
    caller.happen(What::ApprovalWithdrawn { question: 0, person: "a".into() });
    caller.settle(&mut world);
    assert!(world.orders.is_empty(), "the session of one was revoked between click and dispatch");
    caller.approve(0, person("c", 4)).unwrap();
    caller.finish(&mut world);
    assert_eq!(world.orders.len(), 1);
    let late = What::ApprovalWithdrawn { question: 0, person: "b".into() };
    assert!(caller.try_happen(late).is_err());
}

#[test]
fn a_refusal_and_an_expiry_fail_the_step() {
    let (mut caller, mut world) = waiting(&guarded(two()));
    caller.happen(What::ApprovalRefused { question: 0, by: person("a", 2), reason: Some("too wide".into()) });
    assert!(
        matches!(caller.finish(&mut world), Outcome::Failure(f) if f.code == FailureCode::ApprovalRefused)
    );
    let (mut caller, mut world) = waiting(&guarded(two()));
    caller.approve(0, person("a", 2)).unwrap();
    assert!(caller.wait());
    assert_eq!(caller.approve(0, person("b", 3)), Err(ApplyError::QuestionClosed));
    assert!(
        matches!(caller.finish(&mut world), Outcome::Failure(f) if f.code == FailureCode::ApprovalExpired)
    );
    // An approval that comes when the time is over does not count, even where the timer was not told yet.
    let (mut caller, _) = waiting(&guarded(two()));
    caller.approve(0, person("a", 2)).unwrap();
    caller.now += 700_000;
    assert_eq!(caller.approve(0, person("b", 3)), Err(ApplyError::QuestionClosed));
}

#[test]
fn approvals_survive_a_crash() {
    let draft = guarded(two());
    let (mut caller, mut world) = waiting(&draft);
    caller.approve(0, person("a", 2)).unwrap();
    let (run, event) = Run::replay(&[draft.runnable()], &caller.log).unwrap().resume(at(caller.now)).unwrap();
    caller.run = run;
    caller.log.push(event);
    caller.approve(0, person("b", 3)).unwrap();
    assert_eq!(caller.finish(&mut world), Outcome::Success);
}

#[test]
fn each_turn_of_a_loop_is_approved_by_itself() {
    let mut draft = Draft::new(&id("while-condition", 1))
        .variable("__again__", json!({"type": "bool", "value": "true"}))
        .step(&id("while-condition", 1), json!({
            "type": "while-condition", "name": "Again", "condition": "__again__:value = true", "on_true": id("action", 1),
            "on_completion": id("end", 2)
        }))
        .action(1, &id("end", 1))
        .end(1)
        .end(2)
        .safeguards(&id("action", 1), json!({"type": "safeguards", "approval": {"required": 1}}));
    draft.0["workflow"][id("action", 1)]["out_args"] = json!(["__again__"]);
    let (mut caller, mut world) = waiting(&draft);
    for turn in 0..3 {
        assert_eq!(world.orders.len(), turn);
        caller.approve(turn, person("a", 2)).unwrap();
        caller.settle(&mut world);
    }
    assert_eq!(world.orders.len(), 3);
}

#[test]
fn a_later_command_that_an_earlier_one_gives_is_asked_about_when_it_is_known() {
    let mut draft = guarded(json!({"required": 1}));
    let step = &mut draft.0["workflow"][id("action", 1)];
    step["commands"] = json!([
        {"type": "manual", "command": "look"}, {"type": "manual", "command": "block __found__:value"}
    ]);
    step["out_args"] = json!(["__found__"]);
    let draft = draft.variable("__found__", json!({"type": "ipv4-addr"}));
    let (mut caller, _) = waiting(&draft);
    let mut world = World::new(|_| done(&[("__found__", "203.0.113.9")]));
    assert_eq!(caller.run.question(0).unwrap().orders.len(), 1);
    caller.approve(0, person("a", 2)).unwrap();
    caller.settle(&mut world);
    let question = caller.run.question(1).unwrap();
    assert_eq!(question.orders[0].command.command.as_deref(), Some("block 203.0.113.9"));
    caller.approve(1, person("a", 2)).unwrap();
    assert_eq!(caller.finish(&mut world), Outcome::Success);
    assert_eq!(world.orders.len(), 2);
}

#[test]
fn an_order_cannot_be_dispatched_without_approval() {
    let (mut caller, _) = waiting(&guarded(two()));
    let order = caller.run.question(0).unwrap().orders[0].clone();
    assert_eq!(
        caller.try_happen(What::Dispatched { key: order.key, hash: order.hash }),
        Err(ApplyError::NotExpected)
    );
    assert!(!caller.run.next().iter().any(|effect| matches!(effect, Effect::Dispatch(_))));
}

#[test]
fn one_agrees_alone_where_the_playbook_lets_one_and_that_is_known_ever_after() {
    let alone = |caller: &mut Caller, by| {
        let hash = caller.run.question(0).unwrap().hash;
        caller.try_happen(What::ApprovalGiven {
            question: 0,
            hash,
            by,
            reason: Some("no time".into()),
            alone: true,
        })
    };
    let (mut caller, _) = waiting(&guarded(two()));
    assert_eq!(alone(&mut caller, person("a", 2)), Err(ApplyError::NotAlone));
    let mut draft = guarded(json!({"required": 2, "break_glass": 60_000}));
    draft.0["workflow"][id("action", 1)]["step_extensions"][cacao::SAFEGUARDS]["stop_after"] = json!(600_000);
    let (mut caller, mut world) = waiting(&draft);
    assert_eq!(alone(&mut caller, person("requester", 1)), Err(ApplyError::NotAnApprover));
    alone(&mut caller, person("a", 2)).unwrap();
    let Some(Effect::Dispatch(order)) = caller.next_effect() else { panic!("{:?}", caller.run.next()) };
    assert_eq!(caller.run.agreed_alone(&order.hash), Some(60_000));
    // Taken back, one is not enough any more.
    caller.happen(What::ApprovalWithdrawn { question: 0, person: "a".into() });
    caller.approve(0, person("a", 2)).unwrap();
    assert_eq!(caller.run.agreed_alone(&order.hash), None);
    caller.settle(&mut world);
    assert!(world.orders.is_empty());
    alone(&mut caller, person("b", 3)).unwrap();
    assert_eq!(caller.finish(&mut world), Outcome::Success);
    let again = Run::replay(&[draft.runnable()], &caller.log).unwrap();
    assert_eq!(again.view().agreed_alone(&order.hash), Some(60_000));
}
