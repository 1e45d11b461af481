//! Random commands, times and crashes, held against a model that a reader can check: a list of rules with a beginning and an end.

use std::collections::BTreeMap;

use openc2::consumer::{Consumer, Decision, Deed, Event, Restart};
use openc2::{DateTime, Response, Status};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{NOW, config, request};

#[derive(Debug, Clone)]
enum Step {
    Rule {
        net: u8,
        start: Option<u16>,
        duration: Option<u16>,
        insert: Option<u8>,
        persistent: bool,
    },
    Delete {
        number: u8,
        start: Option<u16>,
    },
    /// Sends an earlier command again.
    Again(u8),
    Advance(u16),
    /// Kills the program when the next command was taken and nothing of it has left.
    Kill,
    /// Restarts the device and the program.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let time = || prop::option::of(0u16..2_000);
    prop_oneof![
        6 => (any::<u8>(), time(), prop::option::of(1u16..2_000), prop::option::of(1u8..20), any::<bool>())
            .prop_map(|(net, start, duration, insert, persistent)| Step::Rule { net, start, duration, insert, persistent }),
        3 => (1u8..20, time()).prop_map(|(number, start)| Step::Delete { number, start }),
        2 => any::<u8>().prop_map(Step::Again),
        4 => (0u16..1_500).prop_map(Step::Advance),
        2 => Just(Step::Kill),
        1 => Just(Step::Restart),
    ]
}

/// One rule of the model.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    net: String,
    start: u64,
    stop: u64,
    persistent: bool,
}

#[derive(Default)]
struct Model {
    rules: BTreeMap<i64, Line>,
    deletes: Vec<(u64, i64)>,
    highest: i64,
}

impl Model {
    /// What is in force: the rules that have begun.
    fn in_force(&self, now: u64) -> BTreeMap<i64, String> {
        let begun = self.rules.iter().filter(|(_, line)| line.start <= now);
        begun.map(|(number, line)| (*number, line.net.clone())).collect()
    }

    /// Lets time pass: ends come before deletes, and a delete finds its rule or does not.
    fn pass(&mut self, now: u64) {
        self.rules.retain(|_, line| line.stop > now);
        self.deletes.sort_unstable();
        let (due, rest): (Vec<_>, Vec<_>) = self.deletes.drain(..).partition(|(at, _)| *at <= now);
        self.deletes = rest;
        for (_, number) in due {
            self.rules.remove(&number);
        }
    }
}

/// The consumer, its journal, and a device that does what it is told.
struct Real {
    consumer: Consumer,
    journal: Vec<Event>,
    device: BTreeMap<i64, String>,
    now: u64,
}

impl Real {
    fn now(&self) -> DateTime {
        DateTime(self.now)
    }

    fn carry(&mut self, decision: Decision) -> Vec<Response> {
        self.journal.extend(decision.events);
        let mut answers: Vec<Response> = decision.replies.into_iter().map(|reply| reply.response).collect();
        for effect in decision.effects {
            match effect.action {
                Deed::Install(rule) => {
                    let net = json!(rule.target)["ipv4_net"].as_str().unwrap().to_owned();
                    self.device.insert(rule.number.0, net);
                }
                Deed::Remove(rule) => {
                    self.device.remove(&rule.number.0);
                }
                Deed::Update { .. } => {}
            }
            let decision = self.consumer.finished(&effect.task, Ok(()), self.now()).unwrap();
            answers.extend(self.carry(decision));
        }
        answers
    }

    /// Starts the program again from what lies on disk.
    fn revive(&mut self, restart: Restart) -> Vec<Response> {
        let disk: Vec<Event> = serde_json::from_str(&serde_json::to_string(&self.journal).unwrap()).unwrap();
        self.consumer = Consumer::replay(config(), &disk).unwrap();
        let decision = self.consumer.resume(restart, self.now()).unwrap();
        self.carry(decision)
    }
}

struct Test {
    model: Model,
    real: Real,
    /// What was sent, and its answer where it is known.
    sent: Vec<(String, Value, Option<Response>)>,
    kill: bool,
}

impl Test {
    /// Sends a command to the consumer, which may be killed on the way; then it is sent again.
    fn send(&mut self, id: &str, command: &Value) -> Option<Response> {
        let decision = self.real.consumer.take(&request(id, command), self.real.now()).unwrap();
        let answers = if std::mem::take(&mut self.kill) {
            self.real.journal.extend(decision.events);
            self.real.revive(Restart::Program);
            let again = self.real.consumer.take(&request(id, command), self.real.now()).unwrap();
            self.real.carry(again)
        } else {
            self.real.carry(decision)
        };
        assert!(answers.len() <= 1, "{answers:?}");
        answers.into_iter().next()
    }

    fn command(&mut self, command: Value, expected: Option<Status>) {
        let id = format!("r-{}", self.sent.len());
        let answer = self.send(&id, &command);
        assert_eq!(answer.as_ref().map(|answer| answer.status), expected, "{command}");
        self.sent.push((id, command, answer));
    }

    fn step(&mut self, step: &Step) {
        let now = self.real.now;
        match step {
            Step::Rule { net, start, duration, insert, persistent } => {
                self.rule(*net, *start, *duration, *insert, *persistent);
            }
            Step::Delete { number, start } => {
                let number = i64::from(*number);
                let at = start.map(|offset| now + u64::from(offset));
                let mut command = json!({"action": "delete", "target": {"slpf:rule_number": number}});
                if let Some(at) = at {
                    command["args"] = json!({"start_time": at});
                }
                let exists = self.model.rules.contains_key(&number);
                let later = at.is_some_and(|at| at > now);
                if exists {
                    self.model.deletes.push((at.unwrap_or(now), number));
                    self.model.pass(now);
                }
                let expected = match (exists, later) {
                    (false, _) => Some(Status::InternalError),
                    (true, true) => None,
                    (true, false) => Some(Status::Ok),
                };
                // What takes back a rule that has not begun answers for both.
                let id = format!("r-{}", self.sent.len());
                let before = self.real.consumer.waiting().any(|rule| rule.number.0 == number);
                if before && expected == Some(Status::Ok) {
                    let decision = self.real.consumer.take(&request(&id, &command), self.real.now()).unwrap();
                    let answers = self.real.carry(decision);
                    assert_eq!(answers.iter().map(|a| a.status.code()).collect::<Vec<_>>(), [500, 200]);
                    self.sent.push((id, command, answers.last().cloned()));
                } else {
                    self.command(command, expected);
                }
            }
            Step::Again(index) => {
                if let Some((id, command, answer)) =
                    self.sent.get(usize::from(*index) % self.sent.len().max(1)).cloned()
                {
                    let before = self.real.journal.len();
                    let again = self.send(&id, &command);
                    assert_eq!(self.real.journal.len(), before, "nothing happens twice");
                    if answer.is_some() {
                        assert_eq!(again, answer);
                    }
                }
            }
            Step::Advance(by) => {
                self.real.now += u64::from(*by);
                self.model.pass(self.real.now);
                let decision = self.real.consumer.wake(self.real.now()).unwrap();
                self.real.carry(decision);
            }
            Step::Kill => self.kill = true,
            Step::Restart => {
                let gone: Vec<i64> = (self.model.rules.iter())
                    .filter(|(_, line)| !line.persistent && line.start <= now)
                    .map(|(number, _)| *number)
                    .collect();
                for number in gone {
                    self.model.rules.remove(&number);
                    self.real.device.remove(&number);
                }
                self.real.revive(Restart::Device);
            }
        }
        assert_eq!(self.real.device, self.model.in_force(self.real.now), "the device");
        let rules = self.real.consumer.rules().map(|rule| rule.number.0).collect::<Vec<_>>();
        assert_eq!(rules, self.real.device.keys().copied().collect::<Vec<_>>(), "what the consumer believes");
        assert!(
            self.real.consumer.next_wake().is_none_or(|wake| wake.0 > self.real.now),
            "nothing due is left"
        );
    }

    fn rule(
        &mut self,
        net: u8,
        start: Option<u16>,
        duration: Option<u16>,
        insert: Option<u8>,
        persistent: bool,
    ) {
        let now = self.real.now;
        let mut args = json!({"slpf": {"persistent": persistent}});
        let begin = start.map(|offset| now + u64::from(offset));
        if let Some(begin) = begin {
            args["start_time"] = json!(begin);
        }
        if let Some(duration) = duration {
            args["duration"] = json!(duration);
        }
        if let Some(insert) = insert {
            args["slpf"]["insert_rule"] = json!(insert);
        }
        let net = format!("192.0.2.{net}");
        let command = json!({"action": "deny", "target": {"ipv4_net": net}, "args": args});
        let number = insert.map_or(self.model.highest + 1, i64::from);
        let start = begin.unwrap_or(now);
        if self.model.rules.contains_key(&number) {
            return self.command(command, Some(Status::NotImplemented));
        }
        self.model.highest = self.model.highest.max(number);
        let stop = duration.map_or(u64::MAX, |duration| start + u64::from(duration));
        self.model.rules.insert(number, Line { net, start, stop, persistent });
        self.command(command, (start <= now).then_some(Status::Ok));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_device_has_what_the_model_has(steps in prop::collection::vec(step(), 1..60)) {
        let real = Real { consumer: Consumer::new(config()), journal: vec![], device: BTreeMap::new(), now: NOW.0 };
        let mut test = Test { model: Model::default(), real, sent: vec![], kill: false };
        for step in &steps {
            test.step(step);
        }
        // The journal as a whole, and a checkpoint in its place, are this consumer.
        let real = &test.real;
        let replayed = Consumer::replay(config(), &real.journal).unwrap();
        prop_assert_eq!(replayed.checkpoint(NOW), real.consumer.checkpoint(NOW));
    }
}
