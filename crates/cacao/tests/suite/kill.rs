//! A run of thirty steps, killed between every pair of events: each effect happens once, or nobody knows and it is found out.

use std::collections::BTreeSet;

use cacao::run::{Effect, Event, Outcome, Run, Timer, Values, What};
use cacao::signature::Runnable;
use jiff::Timestamp;
use serde_json::json;

use crate::support::{Caller, Draft, World, at, done, id};

/// Thirty steps: a line of actions on two targets each, a fork, a loop of three turns, a decision, a switch, a called playbook, delays.
fn thirty() -> (Runnable, Vec<Runnable>) {
    let mut draft = Draft::new(&id("action", 1)).targets();
    draft = draft
        .variable("__n__", json!({"type": "integer", "value": "0"}))
        .variable("__kind__", json!({"type": "string", "value": "red"}));
    for number in 1..=8 {
        let next = if number == 8 { id("parallel", 1) } else { id("action", number + 1) };
        draft = draft.action(number, &next);
        draft.0["workflow"][id("action", number)]["targets"] =
            json!([id("net-address", 1), id("net-address", 2)]);
    }
    draft.0["workflow"][id("action", 3)]["delay"] = json!(1_000);
    draft = draft
        .step(&id("parallel", 1), json!({
            "type": "parallel", "name": "Fork", "next_steps": [id("action", 11), id("action", 12)], "on_completion": id("while-condition", 1)
        }))
        .action(11, &id("action", 13)).action(13, &id("end", 11)).action(12, &id("end", 12)).end(11).end(12)
        .step(&id("while-condition", 1), json!({
            "type": "while-condition", "name": "Loop", "condition": "__n__:value < 3", "on_true": id("action", 14),
            "on_completion": id("if-condition", 1)
        }))
        .action(14, &id("end", 13)).end(13)
        .step(&id("if-condition", 1), json!({
            "type": "if-condition", "name": "Whether", "condition": "__n__:value >= 3", "on_true": id("action", 15),
            "on_false": id("action", 16), "on_completion": id("switch-condition", 1)
        }))
        .action(15, &id("end", 14)).action(16, &id("end", 15)).end(14).end(15)
        .step(&id("switch-condition", 1), json!({
            "type": "switch-condition", "name": "Which", "switch": "__kind__:value",
            "cases": {"red": id("action", 17), "default": id("end", 16)}, "on_completion": id("playbook-action", 1)
        }))
        .action(17, &id("end", 17)).end(16).end(17)
        .step(&id("playbook-action", 1), json!({
            "type": "playbook-action", "name": "Call", "playbook_id": id("playbook", 2), "on_completion": id("action", 18)
        }))
        .action(18, &id("end", 1))
        .end(1);
    draft.0["workflow"][id("action", 14)]["out_args"] = json!(["__n__"]);
    let inner =
        Draft::new(&id("action", 1)).set("id", json!(id("playbook", 2))).action(1, &id("end", 1)).end(1);
    (draft.runnable(), vec![inner.runnable()])
}

/// A world that counts the turns of the loop, of which it has seen some.
fn counting_world(seen: u32) -> World {
    let mut n = seen;
    World::new(move |order| {
        n += u32::from(order.step == id("action", 14));
        done(&[("__n__", &n.to_string())])
    })
}

/// What a program that was killed left behind: its log, and a world that has what had left.
fn killed(caller: &Caller, world: &World, kill: Kill) -> (Caller, World) {
    let (Kill::After(length) | Kill::AfterLeaving(length)) = kill;
    let log = caller.log[..length].to_vec();
    let mut left: Vec<_> = log
        .iter()
        .filter_map(|event| match &event.what {
            What::Dispatched { key, .. } => Some(key.clone()),
            _ => None,
        })
        .collect();
    if matches!((kill, &log[length - 1].what), (Kill::After(_), What::Dispatched { .. })) {
        left.pop();
    }
    let of_loop =
        world.orders.iter().filter(|order| left.contains(&order.key) && order.step == id("action", 14));
    let mut world = counting_world(u32::try_from(of_loop.count()).unwrap());
    world.effects = left.into_iter().map(|key| (key, 1)).collect();
    let now = log.last().unwrap().at.as_millisecond() - at(0).as_millisecond();
    (Caller { run: caller.run.clone(), log, now, reconciled: 0 }, world)
}

/// Where a program is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kill {
    /// When so many events are written down, before anything that the last one announces has left.
    After(usize),
    /// The same, after what it announces has left and before its answer is written down.
    AfterLeaving(usize),
}

/// Carries the run out until it is killed or at its end. What was written down stays.
fn carry(caller: &mut Caller, world: &mut World, kill: Option<Kill>) -> bool {
    let killed = |caller: &Caller| kill == Some(Kill::After(caller.log.len()));
    while !killed(caller) {
        match caller.next_effect() {
            None => return false,
            Some(Effect::Wait { .. }) => {
                if caller.run.ended().is_some() || !caller.wait() {
                    return false;
                }
            }
            Some(Effect::Dispatch(order)) => {
                caller.happen(What::Dispatched { key: order.key.clone(), hash: order.hash.clone() });
                if killed(caller) {
                    return true;
                }
                let answer = world.receive(&order);
                if kill == Some(Kill::AfterLeaving(caller.log.len())) {
                    return true;
                }
                caller.happen(What::Answered { key: order.key, answer });
            }
            Some(_) => {
                caller.step(world);
            }
        }
    }
    true
}

fn restart(shelf: &[Runnable], caller: &mut Caller) {
    let (run, event) = Run::replay(shelf, &caller.log).unwrap().resume(at(caller.now)).unwrap();
    caller.run = run;
    caller.log.push(event);
}

/// A step is entered once in each visit, whatever happens between.
fn finished_steps_are_not_repeated(log: &[Event]) {
    let mut seen = BTreeSet::new();
    for event in log {
        if let What::StepEnded { visit, .. } = &event.what {
            assert!(seen.insert(*visit), "a step ended twice");
        }
    }
}

#[test]
fn killed_between_every_pair_of_events() {
    let (playbook, others) = thirty();
    let shelf: Vec<Runnable> = std::iter::once(playbook.clone()).chain(others.clone()).collect();
    let mut caller = Caller::start(&playbook, &others, Values::default());
    let mut world = counting_world(0);
    assert!(!carry(&mut caller, &mut world, None));
    assert_eq!(caller.run.ended(), Some(&Outcome::Success));
    let (whole, whole_world) = (caller, world);
    let (events, effects) = (whole.log.len(), whole_world.effects.clone());
    assert!(whole.entered().len() >= 30, "{} steps", whole.entered().len());

    let dispatches: Vec<usize> = (whole.log.iter().enumerate())
        .filter(|(_, event)| matches!(event.what, What::Dispatched { .. }))
        .map(|(index, _)| index + 1)
        .collect();
    let kills = (1..events).map(Kill::After).chain(dispatches.iter().map(|at| Kill::AfterLeaving(*at)));
    let (mut count, mut unknown) = (0, 0);
    for kill in kills {
        let (mut caller, mut world) = killed(&whole, &whole_world, kill);
        restart(&shelf, &mut caller);
        let in_flight =
            caller.run.next().iter().filter(|effect| matches!(effect, Effect::Reconcile(_))).count();
        carry(&mut caller, &mut world, None);
        assert_eq!(caller.run.ended(), Some(&Outcome::Success), "{kill:?}");
        // The loop's counter is the world's: an answer that was lost is found out without it, and the loop takes a turn more.
        for (key, times) in &world.effects {
            assert_eq!(*times, 1, "{kill:?}: {key:?} happened {times} times");
        }
        assert!(effects.keys().all(|key| world.effects.contains_key(key)), "{kill:?}: every effect happened");
        assert_eq!(
            caller.reconciled, in_flight,
            "{kill:?}: what was in flight was reported, and nothing else"
        );
        let was_dispatched = dispatches.contains(&match kill {
            Kill::After(at) | Kill::AfterLeaving(at) => at,
        });
        assert_eq!(in_flight, usize::from(was_dispatched), "{kill:?}");
        finished_steps_are_not_repeated(&caller.log);
        count += 1;
        unknown += in_flight;
    }
    eprintln!("{events} events, {count} kills, {unknown} of them with a command in flight");
    assert!(count >= 60);
}

#[test]
fn killed_again_and_again() {
    let (playbook, others) = thirty();
    let shelf: Vec<Runnable> = std::iter::once(playbook.clone()).chain(others.clone()).collect();
    let mut caller = Caller::start(&playbook, &others, Values::default());
    let mut world = counting_world(0);
    // A program that never gets further than five events before it is killed.
    for _ in 0..2_000 {
        if caller.run.ended().is_some() {
            break;
        }
        let kill = Kill::After(caller.log.len() + 5);
        carry(&mut caller, &mut world, Some(kill));
        restart(&shelf, &mut caller);
    }
    assert_eq!(caller.run.ended(), Some(&Outcome::Success));
    assert!(world.effects.values().all(|times| *times == 1));
    finished_steps_are_not_repeated(&caller.log);
}

#[test]
fn what_may_be_sent_twice_is_sent_again_under_its_key() {
    let draft = Draft::new(&id("action", 1))
        .action(1, &id("end", 1))
        .end(1)
        .safeguards(&id("action", 1), json!({"type": "safeguards", "idempotent": true}));
    let playbook = draft.runnable();
    let mut caller = Caller::start(&playbook, &[], Values::default());
    let mut world = World::obliging();
    let dispatched = |caller: &Caller| matches!(caller.log.last().unwrap().what, What::Dispatched { .. });
    while !dispatched(&caller) {
        let until = caller.log.len() + 1;
        carry(&mut caller, &mut world, Some(Kill::After(until)));
    }
    restart(&[playbook], &mut caller);
    carry(&mut caller, &mut world, None);
    assert_eq!(caller.run.ended(), Some(&Outcome::Success));
    assert_eq!(caller.reconciled, 0, "nobody has to be asked");
    assert_eq!(world.orders[0].attempts_before, 1);
}

#[test]
fn a_stop_that_was_in_flight_is_found_out() {
    let draft = Draft::new(&id("action", 1)).action(1, &id("end", 1)).end(1).safeguards(
        &id("action", 1),
        json!({"type": "safeguards", "stop_after": 1_000, "inverse": [{"type": "manual", "command": "unblock"}]}),
    );
    let playbook = draft.runnable();
    let mut caller = Caller::start(&playbook, &[], Values::default());
    let mut world = World::obliging();
    caller.finish(&mut world);
    assert!(caller.wait(), "the stop time");
    let Some(Effect::Dispatch(undo)) = caller.next_effect() else { panic!() };
    caller.happen(What::Dispatched { key: undo.key.clone(), hash: undo.hash.clone() });
    restart(&[playbook], &mut caller);
    assert!(matches!(caller.next_effect(), Some(Effect::Reconcile(order)) if order.key == undo.key));
    caller.settle(&mut world);
    assert!(caller.run.is_settled());
    assert_eq!(world.effects.get(&undo.key), Some(&1));
}

#[test]
fn events_are_kept_as_json() {
    let (playbook, others) = thirty();
    let mut caller = Caller::start(&playbook, &others, Values::default());
    carry(&mut caller, &mut counting_world(0), None);
    let text = serde_json::to_string(&caller.log).unwrap();
    let log: Vec<Event> = serde_json::from_str(&text).unwrap();
    assert_eq!(log, caller.log);
    let shelf: Vec<Runnable> = std::iter::once(playbook).chain(others).collect();
    assert_eq!(*Run::replay(&shelf, &log).unwrap().view(), caller.run);
}

#[test]
fn events_that_cannot_have_happened_are_refused() {
    let (playbook, others) = thirty();
    let shelf: Vec<Runnable> = std::iter::once(playbook.clone()).chain(others.clone()).collect();
    let mut caller = Caller::start(&playbook, &others, Values::default());
    carry(&mut caller, &mut counting_world(0), None);
    for index in 0..caller.log.len() - 1 {
        let mut log = caller.log.clone();
        log.remove(index);
        // One that waited for nothing else can be missing only where later ones do not show it.
        assert!(Run::replay(&shelf, &log).is_err(), "without event {index}: {:?}", caller.log[index].what);
    }
    let first = |what| Event { at: Timestamp::UNIX_EPOCH, what };
    assert!(Run::replay(&shelf, &[first(What::Resumed)]).is_err());
    assert!(Run::replay(&others, &caller.log).is_err(), "the playbook is not at hand");
    let mut run = caller.run.clone();
    let timer = What::TimerDue { timer: Timer::Delay { visit: 99_999 } };
    assert!(run.apply(&first(timer)).is_err());
}
