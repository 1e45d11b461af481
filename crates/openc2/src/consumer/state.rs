//! What a consumer knows: the rules and the commands. Only events change it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::event::{Event, Failure, Key, Rule, Task, What, Work};
use crate::names::{Language, ResponseType};
use crate::response::{Results, SlpfResults};
use crate::{DateTime, Response, RuleNumber, Status, texts};

/// All that a consumer knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// By number. A number stands here as long as there is the rule.
    #[serde(with = "as_list")]
    pub(super) rules: BTreeMap<RuleNumber, Held>,
    #[serde(with = "as_list")]
    pub(super) commands: BTreeMap<Key, Known>,
    /// The commands that ended, by when they may be forgotten.
    pub(super) ended: BTreeSet<(DateTime, Key)>,
    /// Commands that have not begun or are being carried out; each is in `commands`.
    pub(super) open: BTreeSet<Key>,
    /// From here on numbers are given. It is above every number that was ever given, and above those asked for that were not far from it.
    pub(super) next: i64,
    /// How many commands were taken.
    pub(super) counted: u64,
    /// The latest moment up to which was forgotten: a clock that goes back brings nothing back.
    pub(super) forgotten: DateTime,
}

/// A rule and how far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) rule: Rule,
    pub(super) phase: Phase,
    /// Not before then its end is tried again.
    pub(super) retry: Option<DateTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    Waiting,
    Installing,
    Active,
    Removing,
}

/// A command that is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) digest: String,
    pub(super) wants: ResponseType,
    pub(super) language: Language,
    pub(super) request_id: Option<String>,
    keep_until: Option<DateTime>,
    pub(super) progress: Progress,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Progress {
    Waiting {
        start: DateTime,
        work: Work,
    },
    Running {
        work: Work,
    },
    /// It ended, and may be forgotten from then on.
    Ended {
        response: Response,
        until: DateTime,
    },
}

/// How far above the next number one may be asked for and be counted from.
const NEAR: i64 = 1_000_000;

/// An event that cannot have happened: the events are not this consumer's, or not all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event cannot have happened: {0}")]
pub struct Impossible(&'static str);

impl Impossible {
    pub(super) const NOT_BEGUN: Self = Self("the command has not begun");
}

impl State {
    /// Takes an event.
    pub(super) fn apply(&mut self, event: &Event, remember_ms: u64, retry_ms: u64) -> Result<(), Impossible> {
        self.forget(event.at);
        match &event.what {
            What::Taken { key, digest, wants, language, request_id, start, keep_until, work } => {
                self.make_room(key)?;
                self.announce(work)?;
                let known = Known {
                    digest: digest.clone(),
                    wants: *wants,
                    language: *language,
                    request_id: request_id.clone(),
                    keep_until: *keep_until,
                    progress: Progress::Waiting { start: *start, work: work.clone() },
                };
                self.commands.insert(key.clone(), known);
                self.open.insert(key.clone());
                self.counted += 1;
            }
            What::Refused { key, digest, keep_until, response } => {
                self.make_room(key)?;
                let known = Known {
                    digest: digest.clone(),
                    wants: ResponseType::Complete,
                    language: Language::V1_0,
                    request_id: None,
                    keep_until: *keep_until,
                    progress: Progress::Ended { response: response.clone(), until: event.at },
                };
                self.commands.insert(key.clone(), known);
                self.end(key, response.clone(), event.at, remember_ms);
            }
            What::Begun { task } => self.begin(task)?,
            What::Ended { task: Task::Command(key), failure } => {
                let response = self.conclude(key, *failure)?;
                self.open.remove(key);
                self.end(key, response, event.at, remember_ms);
            }
            What::Ended { task: Task::Stop(number), failure } => {
                let held = self.rules.get_mut(number).ok_or(Impossible("there is no such rule"))?;
                if held.phase != Phase::Removing {
                    return Err(Impossible("the rule's end was not begun"));
                }
                if failure.is_none() {
                    self.rules.remove(number);
                } else {
                    held.phase = Phase::Active;
                    held.retry = Some(event.at.after(retry_ms).unwrap_or(event.at));
                }
            }
            What::Lapsed { number } => {
                let held = self.rules.remove(number).ok_or(Impossible("there is no such rule"))?;
                if held.rule.persistent || held.phase != Phase::Active {
                    return Err(Impossible("the rule survives a restart"));
                }
            }
            What::Checkpoint { state } => *self = State::clone(state),
        }
        Ok(())
    }

    /// The number that the next rule gets that asks for none.
    pub(super) fn next_number(&self) -> RuleNumber {
        let mut number = self.next;
        for taken in self.rules.range(RuleNumber(number)..).map(|(taken, _)| taken.0) {
            if taken != number {
                break;
            }
            number = number.saturating_add(1);
        }
        RuleNumber(number)
    }

    /// A command comes in under a key that is free. One that has ended and is still remembered makes room: it was forgotten when this one came,
    /// under a configuration that remembered for less.
    fn make_room(&mut self, key: &Key) -> Result<(), Impossible> {
        match self.commands.get(key).map(|known| &known.progress) {
            None => Ok(()),
            Some(Progress::Ended { until, .. }) => {
                self.ended.remove(&(*until, key.clone()));
                self.commands.remove(key);
                Ok(())
            }
            Some(_) => Err(Impossible("the command is under way")),
        }
    }

    /// A rule has its number from the moment that its command is taken, so that no other can get it.
    fn announce(&mut self, work: &Work) -> Result<(), Impossible> {
        let Work::Install(rule) = work else { return Ok(()) };
        if self.rules.contains_key(&rule.number) {
            return Err(Impossible("the rule's number is in use"));
        }
        // Whoever asks for the highest number there is must not use up all that are below.
        if (0..NEAR).contains(&rule.number.0.saturating_sub(self.next)) {
            self.next = rule.number.0.saturating_add(1);
        }
        self.rules.insert(rule.number, Held { rule: rule.clone(), phase: Phase::Waiting, retry: None });
        Ok(())
    }

    fn begin(&mut self, task: &Task) -> Result<(), Impossible> {
        let number = match task {
            Task::Stop(number) => Some((*number, Phase::Active, Phase::Removing)),
            Task::Command(key) => {
                let known = self.commands.get_mut(key).ok_or(Impossible("the command is not known"))?;
                let Progress::Waiting { work, .. } = &known.progress else {
                    return Err(Impossible("the command has begun"));
                };
                let work = work.clone();
                known.progress = Progress::Running { work: work.clone() };
                match work {
                    Work::Install(rule) => Some((rule.number, Phase::Waiting, Phase::Installing)),
                    Work::Delete(number) => Some((number, Phase::Active, Phase::Removing)),
                    Work::Update { .. } => None,
                }
            }
        };
        let Some((number, from, to)) = number else { return Ok(()) };
        let held = self.rules.get_mut(&number).ok_or(Impossible("there is no such rule"))?;
        if held.phase != from {
            return Err(Impossible("the rule is not so far"));
        }
        held.phase = to;
        Ok(())
    }

    /// What the end of a command does to the rules, and its answer.
    fn conclude(&mut self, key: &Key, failure: Option<Failure>) -> Result<Response, Impossible> {
        let known = self.commands.get(key).ok_or(Impossible("the command is not known"))?;
        let (work, running) = match &known.progress {
            Progress::Waiting { work, .. } => (work.clone(), false),
            Progress::Running { work } => (work.clone(), true),
            Progress::Ended { .. } => return Err(Impossible("the command has ended")),
        };
        match (&work, failure) {
            (Work::Install(_) | Work::Update { .. }, None) if !running => {
                return Err(Impossible("the command has not begun"));
            }
            (Work::Install(rule), None) => {
                if let Some(held) = self.rules.get_mut(&rule.number) {
                    held.phase = Phase::Active;
                }
            }
            (Work::Install(rule), Some(_)) => {
                self.rules.remove(&rule.number);
            }
            // One that had not begun took back what had not begun either.
            (Work::Delete(number), None) => {
                let held = self.rules.remove(number);
                if held.is_some_and(|held| !running && held.phase != Phase::Waiting) {
                    return Err(Impossible("the rule was in force"));
                }
            }
            (Work::Delete(number), Some(_)) => {
                if let Some(held) = self.rules.get_mut(number).filter(|_| running) {
                    held.phase = Phase::Active;
                }
            }
            (Work::Update { .. }, _) => {}
        }
        Ok(answer(&work, failure))
    }

    fn end(&mut self, key: &Key, response: Response, at: DateTime, remember_ms: u64) {
        let Some(known) = self.commands.get_mut(key) else { return };
        let own = at.after(remember_ms).unwrap_or(DateTime(u64::MAX));
        let until = known.keep_until.map_or(own, |keep| keep.max(own));
        known.progress = Progress::Ended { response, until };
        self.ended.insert((until, key.clone()));
    }

    /// Forgets what ended long enough ago. It is a function of the events' times alone, so a replay forgets the same.
    fn forget(&mut self, now: DateTime) {
        self.forgotten = self.forgotten.max(now);
        while let Some((until, key)) = self.ended.first() {
            if *until > self.forgotten {
                break;
            }
            let key = key.clone();
            self.ended.pop_first();
            self.commands.remove(&key);
        }
    }
}

/// The answer to a command that ended (SLPF 2.3.1 to 2.3.5).
fn answer(work: &Work, failure: Option<Failure>) -> Response {
    let text = match (work, failure) {
        (Work::Install(rule), None) => {
            let slpf = Some(SlpfResults { rule_number: Some(rule.number) });
            let results = Results { slpf, ..Results::default() };
            return Response { results: Some(results), ..Response::new(Status::Ok) };
        }
        (_, None) => return Response::new(Status::Ok),
        (Work::Install(_), Some(_)) => texts::RULE_NOT_UPDATED,
        (Work::Delete(_), Some(_)) => texts::RULE_NOT_REMOVED,
        (Work::Update { .. }, Some(Failure::NoFile)) => texts::CANNOT_ACCESS_FILE,
        (Work::Update { .. }, Some(Failure::NotSupported)) => texts::COMMAND_NOT_SUPPORTED,
        (Work::Update { .. }, Some(_)) => "the file is not in use",
    };
    // A rule that could not be removed is 500 whatever the reason (SLPF 2.3.4.1).
    let status = match (work, failure) {
        (Work::Delete(_), _) => Status::InternalError,
        (_, Some(Failure::NotSupported)) => Status::NotImplemented,
        (_, Some(Failure::Busy)) => Status::ServiceUnavailable,
        _ => Status::InternalError,
    };
    Response::with_text(status, text)
}

/// A map whose keys are no texts, as a list.
mod as_list {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K, V, D>(reader: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::deserialize(reader)?.into_iter().collect())
    }
}
