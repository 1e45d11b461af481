//! Random playbooks, random answers in a random order: a replay ends in the same state, no effect happens twice, and every run ends.

use std::collections::BTreeSet;

use cacao::run::{Answer, Effect, Event, Found, Key, Run, Values, What};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{Caller, Draft, World, action, at, done, failed, id, person};

/// What a random playbook is made of; each list becomes a branch with an end of its own.
#[derive(Debug, Clone)]
enum Part {
    Action { targets: u8, delay: bool, caught: bool, undo: bool },
    Parallel(Vec<Vec<Part>>),
    If(Vec<Part>, Option<Vec<Part>>),
    While(Vec<Part>),
    Switch(Vec<Vec<Part>>),
}

fn parts(depth: u32) -> BoxedStrategy<Vec<Part>> {
    let action = (0u8..3, any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(targets, delay, caught, undo)| Part::Action { targets, delay, caught, undo });
    let one = if depth == 0 {
        action.boxed()
    } else {
        let inner = move || parts(depth - 1);
        prop_oneof![
            3 => action,
            1 => prop::collection::vec(inner(), 2..4).prop_map(Part::Parallel),
            1 => (inner(), prop::option::of(inner())).prop_map(|(yes, no)| Part::If(yes, no)),
            1 => inner().prop_map(Part::While),
            1 => prop::collection::vec(inner(), 1..3).prop_map(Part::Switch),
        ]
        .boxed()
    };
    prop::collection::vec(one, 1..4).boxed()
}

/// Writes parts as steps.
struct Writer {
    draft: Draft,
    next: u32,
}

impl Writer {
    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn put(&mut self, step: &str, value: serde_json::Value) {
        self.draft.0["workflow"][step] = value;
    }

    /// Writes a branch and gives its first step.
    fn branch(&mut self, parts: &[Part]) -> String {
        let end = id("end", self.number());
        self.put(&end, json!({"type": "end"}));
        let mut next = end;
        for part in parts.iter().rev() {
            next = self.part(part, &next);
        }
        next
    }

    fn part(&mut self, part: &Part, next: &str) -> String {
        let number = self.number();
        let (step, mut value) = match part {
            Part::Action { targets, delay, caught, undo } => {
                let step = id("action", number);
                let mut value = action(next);
                if *targets > 0 {
                    value["targets"] =
                        json!((1..=u32::from(*targets)).map(|n| id("net-address", n)).collect::<Vec<_>>());
                }
                if *delay {
                    value["delay"] = json!(10);
                }
                value["out_args"] = json!(["__n__"]);
                if *caught {
                    value.as_object_mut().unwrap().remove("on_completion");
                    value["on_success"] = json!(next);
                    value["on_failure"] = json!(next);
                }
                self.put(&step, value);
                if *undo {
                    let guards = json!({
                        "type": "safeguards", "stop_after": 1_000, "inverse": [{"type": "manual", "command": "undo it"}]
                    });
                    self.draft.0["workflow"][&step]["step_extensions"][cacao::SAFEGUARDS] = guards;
                }
                return step;
            }
            Part::Parallel(branches) => {
                let first: Vec<String> = branches.iter().map(|branch| self.branch(branch)).collect();
                (id("parallel", number), json!({"type": "parallel", "next_steps": first}))
            }
            Part::If(yes, no) => {
                let mut value = json!({"type": "if-condition", "condition": "__n__:value > 1", "on_true": self.branch(yes)});
                if let Some(no) = no {
                    value["on_false"] = json!(self.branch(no));
                }
                (id("if-condition", number), value)
            }
            Part::While(body) => {
                let first = self.branch(body);
                (
                    id("while-condition", number),
                    json!({"type": "while-condition", "condition": "__n__:value > 1", "on_true": first}),
                )
            }
            Part::Switch(branches) => {
                let mut cases = serde_json::Map::new();
                for (index, branch) in branches.iter().enumerate() {
                    let name = if index == 0 { "default".to_owned() } else { index.to_string() };
                    cases.insert(name, json!(self.branch(branch)));
                }
                (
                    id("switch-condition", number),
                    json!({"type": "switch-condition", "switch": "__n__:value", "cases": cases}),
                )
            }
        };
        value["on_completion"] = json!(next);
        self.put(&step, value);
        step
    }
}

fn write(parts: &[Part]) -> Draft {
    let draft = Draft::new("")
        .safeguards("unused", json!({}))
        .targets()
        .variable("__n__", json!({"type": "integer", "value": "0"}));
    let mut writer = Writer { draft, next: 100 };
    writer.draft.0["workflow"].as_object_mut().unwrap().remove("unused");
    let first = writer.branch(parts);
    let start = id("start", 1);
    writer.draft.step(&start, json!({"type": "start", "on_completion": first}))
}

/// Numbers out of a random list, used up one by one; then zeros.
struct Chance(Vec<u8>, usize);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        let byte = self.0.get(self.1).copied().unwrap_or_default();
        self.1 += 1;
        usize::from(byte) % n.max(1)
    }
}

/// Carries a run out with chance: any effect first, answers when they come, crashes in between.
fn carry(playbook: &cacao::signature::Runnable, chance: &mut Chance) -> (Run, Vec<Event>) {
    let mut caller = Caller::start(playbook, &[], Values::default());
    let mut in_flight: Vec<Key> = vec![];
    let mut left: BTreeSet<Key> = BTreeSet::new();
    for _ in 0..1_000 {
        if caller.run.is_settled() {
            break;
        }
        let effects = caller.run.next();
        let choice = chance.below(effects.len() + in_flight.len() + 1);
        if let Some(effect) = effects.get(choice) {
            match effect.clone() {
                Effect::Record(what) => caller.happen(what),
                Effect::Dispatch(order) => {
                    caller.happen(What::Dispatched { key: order.key.clone(), hash: order.hash });
                    assert!(
                        left.insert(order.key.clone()) || order.attempts_before > 0,
                        "a command left twice"
                    );
                    in_flight.push(order.key);
                }
                Effect::Wait { timer, due } => {
                    caller.now = caller.now.max(due.as_millisecond() - at(0).as_millisecond());
                    caller.happen(What::TimerDue { timer });
                }
                Effect::Reconcile(order) => {
                    let found = match chance.below(3) {
                        0 => Found::Happened { outputs: Values::default() },
                        1 => Found::Failed { reason: "never".into() },
                        _ => Found::NotHappened,
                    };
                    caller.happen(What::Reconciled { key: order.key, found, by: person("probe", 1) });
                }
                Effect::AskApproval(_) => unreachable!("no step asks"),
            }
        } else if let Some(position) = choice.checked_sub(effects.len()).filter(|at| *at < in_flight.len()) {
            let key = in_flight.remove(position);
            let answer = match chance.below(6) {
                0 => failed(),
                1 => Answer::Unknown { reason: "lost".into() },
                n => done(&[("__n__", &n.to_string())]),
            };
            caller.happen(What::Answered { key, answer });
        } else if chance.below(8) == 0 {
            // The program is killed: what was in flight is not answered any more.
            let (run, event) = Run::replay(std::slice::from_ref(playbook), &caller.log)
                .unwrap()
                .resume(at(caller.now))
                .unwrap();
            caller.run = run;
            caller.log.push(event);
            in_flight.clear();
        }
    }
    (caller.run, caller.log)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_replay_ends_in_the_same_state(parts in parts(2), chance in prop::collection::vec(any::<u8>(), 0..1_200)) {
        let playbook = write(&parts).runnable();
        let (run, log) = carry(&playbook, &mut Chance(chance, 0));
        let replayed = Run::replay(std::slice::from_ref(&playbook), &log).unwrap();
        prop_assert_eq!(replayed.view(), &run);
        // And at every place in between.
        for cut in (1..log.len()).step_by(41) {
            let once = Run::replay(std::slice::from_ref(&playbook), &log[..cut]).unwrap();
            let again = Run::replay(std::slice::from_ref(&playbook), &log[..cut]).unwrap();
            prop_assert_eq!(once.view(), again.view());
            prop_assert_eq!(once.view().next(), again.view().next());
        }
    }

    #[test]
    fn every_run_ends(parts in parts(2)) {
        let playbook = write(&parts).runnable();
        let mut caller = Caller::start(&playbook, &[], Values::default());
        caller.finish(&mut World::obliging());
        while caller.wait() {
            caller.settle(&mut World::obliging());
        }
        prop_assert!(caller.run.is_settled());
    }

    #[test]
    fn no_text_is_too_much_for_the_parser(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = cacao::Playbook::parse(&bytes);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = cacao::Condition::parse(text);
        }
    }

    /// A playbook of which one place holds something else is read and judged, and keeps its bytes.
    #[test]
    fn any_value_at_any_place_is_judged(parts in parts(2), place in any::<prop::sample::Index>(), value in 0usize..8) {
        let mut document = write(&parts).0;
        let mut places = vec![];
        pointers(&document, String::new(), &mut places);
        let strange = [json!(null), json!(true), json!(-1), json!([]), json!({}), json!("x"), json!({"type": "action"}), json!([[1]])];
        *document.pointer_mut(place.get(places.as_slice()).as_str()).unwrap() = strange[value].clone();
        let text = document.to_string();
        if let Ok(playbook) = cacao::Playbook::parse(text.as_bytes()) {
            prop_assert_eq!(playbook.bytes(), text.as_bytes());
        }
    }
}

fn pointers(value: &serde_json::Value, at: String, out: &mut Vec<String>) {
    out.push(at.clone());
    match value {
        serde_json::Value::Array(list) => {
            for (index, member) in list.iter().enumerate() {
                pointers(member, format!("{at}/{index}"), out);
            }
        }
        serde_json::Value::Object(map) => {
            for (name, member) in map {
                pointers(member, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        _ => {}
    }
}
