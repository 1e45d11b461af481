//! Drafts of playbooks, and a caller that carries runs out against a world made of counters.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use cacao::run::{
    Answer, Effect, Event, Found, Hash, Key, Limits, Order, Outcome, Person, Run, Start, Timer, Values, What,
};
use cacao::signature::{Runnable, Trust, Unsigned};
use cacao::{Playbook, Severity};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// `kind--UUID` with this number in it.
pub(crate) fn id(kind: &str, number: u32) -> String {
    // The same number gives objects of different types different UUIDs.
    let salt: u32 = kind.bytes().map(u32::from).sum();
    format!("{kind}--{number:08x}-{:04x}-4000-8000-{number:012x}", salt & 0xffff)
}

/// A sound playbook in the making: agent 1 is a group, target 1 and 2 are addresses.
#[derive(Clone)]
pub(crate) struct Draft(pub(crate) Value);

impl Draft {
    /// A start step that leads to `first`, and nothing else.
    pub(crate) fn new(first: &str) -> Self {
        let start = id("start", 1);
        Self(json!({
            "type": "playbook", "spec_version": "cacao-2.0", "id": id("playbook", 1), "name": "Draft",
            "description": "A draft", "created_by": id("identity", 1),
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
            "workflow_start": start,
            "workflow": {start: {"type": "start", "on_completion": first}},
            "agent_definitions": {id("group", 1): {"type": "group", "name": "Team"}},
        }))
    }

    pub(crate) fn set(mut self, name: &str, value: Value) -> Self {
        self.0[name] = value;
        self
    }

    pub(crate) fn step(mut self, step: &str, value: Value) -> Self {
        self.0["workflow"][step] = value;
        self
    }

    pub(crate) fn end(self, number: u32) -> Self {
        self.step(&id("end", number), json!({"type": "end"}))
    }

    /// A manual action that goes on with `next`.
    pub(crate) fn action(self, number: u32, next: &str) -> Self {
        self.step(&id("action", number), action(next))
    }

    pub(crate) fn variable(mut self, name: &str, value: Value) -> Self {
        self.0["playbook_variables"][name] = value;
        self
    }

    pub(crate) fn targets(mut self) -> Self {
        for number in [1, 2] {
            self.0["target_definitions"][id("net-address", number)] = json!({
                "type": "net-address", "name": format!("host {number}"), "address": {"ipv4": [format!("192.0.2.{number}")]}
            });
        }
        self
    }

    pub(crate) fn safeguards(mut self, step: &str, value: Value) -> Self {
        self.0["workflow"][step]["step_extensions"][cacao::SAFEGUARDS] = value;
        self.0["extension_definitions"][cacao::SAFEGUARDS] = json!({
            "type": "extension-definition", "name": "Safeguards", "created_by": id("identity", 1),
            "schema": "safeguards.schema.json", "version": "1.0.0"
        });
        self
    }

    pub(crate) fn parse(&self) -> Playbook {
        Playbook::parse(self.0.to_string().as_bytes()).unwrap()
    }

    pub(crate) fn runnable(&self) -> Runnable {
        runnable(self.parse())
    }
}

/// A manual action of agent 1 that goes on with `next`.
pub(crate) fn action(next: &str) -> Value {
    json!({
        "type": "action", "name": "Do it", "agent": id("group", 1), "on_completion": next,
        "commands": [{"type": "manual", "command": "Do it"}]
    })
}

pub(crate) fn runnable(playbook: Playbook) -> Runnable {
    let errors: Vec<String> = (playbook.findings().iter())
        .filter(|finding| finding.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let trust = Trust { unsigned: Unsigned::Allow, ..Trust::default() };
    Runnable::check(Arc::new(playbook), &trust, at(0)).unwrap()
}

/// So many milliseconds after the tests' beginning.
pub(crate) fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
}

pub(crate) fn person(name: &str, organization: u32) -> Person {
    Person { person: name.to_owned(), organization: id("identity", organization) }
}

pub(crate) fn values(list: &[(&str, &str)]) -> Values {
    Values(list.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect())
}

/// What the world does with commands: an answer for each order; each order that reaches it is counted.
pub(crate) struct World {
    /// How often each command had its effect.
    pub(crate) effects: BTreeMap<Key, u32>,
    /// Orders in the sequence in which they arrived.
    pub(crate) orders: Vec<Order>,
    pub(crate) answer: Box<dyn FnMut(&Order) -> Answer>,
}

impl World {
    pub(crate) fn new(answer: impl FnMut(&Order) -> Answer + 'static) -> Self {
        Self { effects: BTreeMap::new(), orders: Vec::new(), answer: Box::new(answer) }
    }

    pub(crate) fn obliging() -> Self {
        Self::new(|_| done(&[]))
    }

    pub(crate) fn receive(&mut self, order: &Order) -> Answer {
        let answer = (self.answer)(order);
        if !matches!(answer, Answer::Failed { .. }) {
            *self.effects.entry(order.key.clone()).or_default() += 1;
        }
        self.orders.push(order.clone());
        answer
    }
}

pub(crate) fn done(list: &[(&str, &str)]) -> Answer {
    Answer::Done { outputs: values(list) }
}

pub(crate) fn failed() -> Answer {
    Answer::Failed { reason: "it did not work".to_owned() }
}

/// A caller: writes events down, and does what effects say, one at a time.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) run: Run,
    pub(crate) log: Vec<Event>,
    pub(crate) now: i64,
    pub(crate) reconciled: usize,
}

impl Caller {
    pub(crate) fn start(playbook: &Runnable, others: &[Runnable], arguments: Values) -> Self {
        let start = Start {
            run: "run-1".to_owned(),
            requester: person("requester", 1),
            arguments,
            limits: Limits::default(),
            dry_run: false,
        };
        let (run, started) = Run::start(playbook, others, start, at(0)).unwrap();
        Self { run, log: vec![started], now: 0, reconciled: 0 }
    }

    /// Applies an event and writes it down.
    pub(crate) fn happen(&mut self, what: What) {
        self.try_happen(what.clone()).unwrap_or_else(|error| panic!("{what:?}: {error}"));
    }

    pub(crate) fn try_happen(&mut self, what: What) -> Result<(), cacao::run::ApplyError> {
        self.now += 1;
        let event = Event { at: at(self.now), what };
        self.run.apply(&event)?;
        self.log.push(event);
        Ok(())
    }

    /// The effect that this caller deals with next: what needs no waiting comes first, then the earliest time.
    pub(crate) fn next_effect(&self) -> Option<Effect> {
        let effects = self.run.next();
        let urgent = effects.iter().find(|effect| !matches!(effect, Effect::Wait { .. }));
        let soonest = || {
            effects.iter().min_by_key(|effect| match effect {
                Effect::Wait { due, .. } => *due,
                _ => Timestamp::MIN,
            })
        };
        urgent.or_else(soonest).cloned()
    }

    /// Deals with one effect. False where there is nothing to do but to wait for a person or a time.
    pub(crate) fn step(&mut self, world: &mut World) -> bool {
        match self.next_effect() {
            None | Some(Effect::Wait { .. }) => return false,
            Some(Effect::Record(what)) => self.happen(what),
            Some(Effect::AskApproval(question)) => {
                self.happen(What::ApprovalAsked { visit: question.visit, hash: question.hash });
            }
            Some(Effect::Dispatch(order)) => {
                self.happen(What::Dispatched { key: order.key.clone(), hash: order.hash.clone() });
                let answer = world.receive(&order);
                self.happen(What::Answered { key: order.key, answer });
            }
            Some(Effect::Reconcile(order)) => {
                self.reconciled += 1;
                let found = match world.effects.contains_key(&order.key) {
                    true => Found::Happened { outputs: Values::default() },
                    false => Found::NotHappened,
                };
                self.happen(What::Reconciled { key: order.key, found, by: person("probe", 1) });
            }
        }
        true
    }

    /// Goes on until only people or times can help.
    pub(crate) fn settle(&mut self, world: &mut World) {
        for _ in 0..100_000 {
            if !self.step(world) {
                return;
            }
        }
        panic!("the run does not come to rest");
    }

    /// Goes on to the end; times pass by themselves.
    pub(crate) fn finish(&mut self, world: &mut World) -> Outcome {
        for _ in 0..1_000 {
            self.settle(world);
            if let Some(outcome) = self.run.ended() {
                return outcome.clone();
            }
            assert!(self.wait(), "nothing to wait for: {:#?}", self.run.next());
        }
        panic!("the run does not end");
    }

    /// Lets the soonest time come.
    pub(crate) fn wait(&mut self) -> bool {
        let Some(Effect::Wait { timer, due }) = self.next_effect() else { return false };
        self.now = self.now.max(due.as_millisecond() - at(0).as_millisecond());
        self.happen(What::TimerDue { timer });
        true
    }

    pub(crate) fn timers(&self) -> Vec<Timer> {
        let timer = |effect| match effect {
            Effect::Wait { timer, .. } => Some(timer),
            _ => None,
        };
        self.run.next().into_iter().filter_map(timer).collect()
    }

    pub(crate) fn approve(&mut self, question: usize, by: Person) -> Result<(), cacao::run::ApplyError> {
        let hash = self.run.question(question).map(|question| question.hash);
        let hash = hash.unwrap_or_else(|| Hash(String::new()));
        self.try_happen(What::ApprovalGiven { question, hash, by, reason: None, alone: false })
    }

    /// The identifiers of the steps that were entered, in order.
    pub(crate) fn entered(&self) -> Vec<String> {
        let step = |event: &Event| match &event.what {
            What::StepEntered { step, .. } => Some(step.clone()),
            _ => None,
        };
        self.log.iter().filter_map(step).collect()
    }
}

/// The codes of the playbook's findings, each once, `severity code`.
pub(crate) fn codes(playbook: &Playbook) -> Vec<String> {
    let mut codes: Vec<String> = (playbook.findings().iter())
        .map(|finding| format!("{} {}", finding.severity.as_str(), finding.code))
        .collect();
    codes.sort();
    codes.dedup();
    codes
}

/// A folder of the corpus, or nothing, said loudly, where there is no corpus.
pub(crate) fn corpus(relative: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("YAGURA_CORPUS") else {
        eprintln!("SKIPPED: `{relative}` needs YAGURA_CORPUS");
        return None;
    };
    let path = PathBuf::from(root).join(relative);
    assert!(path.exists(), "YAGURA_CORPUS is set and {} is not there", path.display());
    Some(path)
}

pub(crate) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("no object: {other}"),
    }
}
