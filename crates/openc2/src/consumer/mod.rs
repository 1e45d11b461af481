//! A packet filter's side of OpenC2: takes commands, says what is to be carried out and what to answer, and goes on after it was killed.
//!
//! A consumer is its events. Every call gives a [`Decision`]: the caller writes its events down, in one transaction, and only then carries
//! the effects out and sends the replies. What was carried out, or was not, comes back through [`Consumer::finished`]. Time is an
//! argument; [`Consumer::next_wake`] says when to call [`Consumer::wake`].

mod config;
mod event;
mod state;
mod take;

use std::collections::VecDeque;

pub use config::{Config, Denial, Gate, Limits, Reach, Request};
pub use event::{Decision, Deed, Effect, Event, Failure, Key, Reply, Rule, Task, What, Work};
pub use state::{Impossible, State};

use crate::names::ResponseType;
use crate::{DateTime, RuleNumber};
use state::{Phase, Progress};

/// A consumer.
#[derive(Debug, Clone)]
pub struct Consumer {
    config: Config,
    state: State,
    /// The commands of the last minute, for the rate; lost with the process, which forgives a minute.
    recent: VecDeque<DateTime>,
}

/// What was started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// This program. The device went on with its rules.
    Program,
    /// The device: rules that are not persistent are gone (SLPF 2.1.3.2).
    Device,
}

impl Consumer {
    /// A consumer that knows nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, state: State { next: 1, ..State::default() }, recent: VecDeque::new() }
    }

    /// The consumer that these events made.
    ///
    /// # Errors
    /// The events are not those of a consumer, or not all of them.
    pub fn replay<'e>(
        config: Config,
        events: impl IntoIterator<Item = &'e Event>,
    ) -> Result<Self, Impossible> {
        let mut consumer = Self::new(config);
        events.into_iter().try_for_each(|event| consumer.apply(event))?;
        Ok(consumer)
    }

    /// What it is.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The rules that are in force or being put into force, by number. Whoever carries out compares the device with these: what is
    /// missing there is put in again, what is there beyond them is taken out.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        let in_force = [Phase::Installing, Phase::Active];
        self.state.rules.values().filter(move |held| in_force.contains(&held.phase)).map(|held| &held.rule)
    }

    /// The rules whose time has not come.
    pub fn waiting(&self) -> impl Iterator<Item = &Rule> {
        self.state.rules.values().filter(|held| held.phase == Phase::Waiting).map(|held| &held.rule)
    }

    /// All there is, as one event in place of all before it.
    #[must_use]
    pub fn checkpoint(&self, now: DateTime) -> Event {
        Event { at: now, what: What::Checkpoint { state: Box::new(self.state.clone()) } }
    }

    /// Goes on after a restart: what had begun and has no known end is carried out again, which is the same as once. Call it before
    /// anything else.
    ///
    /// # Errors
    /// Never for a consumer that was made here.
    pub fn resume(&mut self, restart: Restart, now: DateTime) -> Result<Decision, Impossible> {
        let mut decision = Decision::default();
        if restart == Restart::Device {
            let lapsed: Vec<RuleNumber> = (self.state.rules.values())
                .filter(|held| held.phase == Phase::Active && !held.rule.persistent)
                .map(|held| held.rule.number)
                .collect();
            for number in lapsed {
                self.record(What::Lapsed { number }, now, &mut decision)?;
            }
        }
        let running: Vec<Task> = self
            .state
            .open
            .iter()
            .filter(|key| matches!(self.progress(key), Some(Progress::Running { .. })))
            .map(|key| Task::Command(key.clone()))
            .collect();
        let by_command = |number: RuleNumber| {
            running.iter().any(|task| match task {
                Task::Command(key) => {
                    matches!(self.progress(key), Some(Progress::Running { work: Work::Delete(n) }) if *n == number)
                }
                Task::Stop(_) => false,
            })
        };
        let stopping: Vec<Task> = (self.state.rules.values())
            .filter(|held| held.phase == Phase::Removing && !by_command(held.rule.number))
            .map(|held| Task::Stop(held.rule.number))
            .collect();
        for task in running.into_iter().chain(stopping) {
            decision.effects.extend(self.effect(task, true));
        }
        self.due(now, &mut decision)?;
        Ok(decision)
    }

    /// Begins and ends what is due.
    ///
    /// # Errors
    /// Never for a consumer that was made here.
    pub fn wake(&mut self, now: DateTime) -> Result<Decision, Impossible> {
        let mut decision = Decision::default();
        self.due(now, &mut decision)?;
        Ok(decision)
    }

    /// When [`Self::wake`] has something to do. A command that waits for another on the same rule is not asked for: it goes on when that
    /// one has ended.
    #[must_use]
    pub fn next_wake(&self) -> Option<DateTime> {
        let starts = self.state.open.iter().filter_map(|key| match self.progress(key)? {
            Progress::Waiting { start, work } => (!self.is_blocked(work)).then_some(*start),
            _ => None,
        });
        let stops = self.state.rules.values().filter(|held| held.phase == Phase::Active).filter_map(|held| {
            let stop = held.rule.stop?;
            Some(held.retry.map_or(stop, |retry| retry.max(stop)))
        });
        starts.chain(stops).min()
    }

    /// What was asked for by an effect was carried out, or was not.
    ///
    /// # Errors
    /// Nothing of the kind is under way. After a restart the same end may be reported twice; the second can be passed over.
    pub fn finished(
        &mut self,
        task: &Task,
        outcome: Result<(), Failure>,
        now: DateTime,
    ) -> Result<Decision, Impossible> {
        if let Task::Command(key) = task
            && matches!(self.progress(key), Some(Progress::Waiting { .. }))
        {
            return Err(Impossible::NOT_BEGUN);
        }
        let mut decision = Decision::default();
        self.end(task, outcome.err(), now, &mut decision)?;
        self.due(now, &mut decision)?;
        Ok(decision)
    }

    fn due(&mut self, now: DateTime, decision: &mut Decision) -> Result<(), Impossible> {
        let over = |held: &&state::Held| {
            let due = held.rule.stop.is_some_and(|stop| stop <= now);
            held.phase == Phase::Active && due && held.retry.is_none_or(|retry| retry <= now)
        };
        let stops: Vec<RuleNumber> =
            self.state.rules.values().filter(over).map(|held| held.rule.number).collect();
        for number in stops {
            self.begin(Task::Stop(number), now, decision)?;
        }
        // One command may free another, so look again until nothing is due.
        while let Some((key, work)) = self.due_command(now) {
            self.begin_command(key, &work, now, decision)?;
        }
        Ok(())
    }

    fn due_command(&self, now: DateTime) -> Option<(Key, Work)> {
        // By time and then by number of its rule or its name, so that the order does not depend on who sent it.
        let due = self.state.open.iter().filter_map(|key| match self.progress(key)? {
            Progress::Waiting { start, work } if *start <= now && !self.is_blocked(work) => {
                Some((*start, key, work))
            }
            _ => None,
        });
        due.min_by_key(|(start, key, _)| (*start, *key)).map(|(_, key, work)| (key.clone(), work.clone()))
    }

    fn begin_command(
        &mut self,
        key: Key,
        work: &Work,
        now: DateTime,
        decision: &mut Decision,
    ) -> Result<(), Impossible> {
        match work {
            Work::Install(rule) if rule.stop.is_some_and(|stop| stop <= now) => {
                self.end(&Task::Command(key), Some(Failure::TooLate), now, decision)
            }
            Work::Delete(number) => match self.state.rules.get(number).map(|held| held.phase) {
                Some(Phase::Active) => self.begin(Task::Command(key), now, decision),
                // What has not begun is taken back without anything to carry out.
                Some(Phase::Waiting) => {
                    let by = self.state.rules.get(number).map(|held| held.rule.by.clone());
                    if let Some(by) = by {
                        self.end(&Task::Command(by), Some(Failure::Withdrawn), now, decision)?;
                    }
                    self.end(&Task::Command(key), None, now, decision)
                }
                _ => self.end(&Task::Command(key), Some(Failure::Failed), now, decision),
            },
            Work::Install(_) | Work::Update { .. } => self.begin(Task::Command(key), now, decision),
        }
    }

    /// Whether something else is under way with the rule that is to be deleted.
    fn is_blocked(&self, work: &Work) -> bool {
        let Work::Delete(number) = work else { return false };
        let phase = self.state.rules.get(number).map(|held| held.phase);
        matches!(phase, Some(Phase::Installing | Phase::Removing))
    }

    fn progress(&self, key: &Key) -> Option<&Progress> {
        self.state.commands.get(key).map(|known| &known.progress)
    }

    fn begin(&mut self, task: Task, now: DateTime, decision: &mut Decision) -> Result<(), Impossible> {
        self.record(What::Begun { task: task.clone() }, now, decision)?;
        decision.effects.extend(self.effect(task, false));
        Ok(())
    }

    fn end(
        &mut self,
        task: &Task,
        failure: Option<Failure>,
        now: DateTime,
        decision: &mut Decision,
    ) -> Result<(), Impossible> {
        self.record(What::Ended { task: task.clone(), failure }, now, decision)?;
        if let Task::Command(key) = task
            && let Some(known) = self.state.commands.get(key)
            && matches!(known.wants, ResponseType::Complete | ResponseType::Status)
            && let Progress::Ended { response, .. } = &known.progress
        {
            decision.replies.push(Reply {
                to: key.producer.clone(),
                request_id: known.request_id.clone(),
                language: known.language,
                response: response.clone(),
            });
        }
        Ok(())
    }

    fn effect(&self, task: Task, again: bool) -> Option<Effect> {
        let rule = |number: &RuleNumber| self.state.rules.get(number).map(|held| held.rule.clone());
        let action = match &task {
            Task::Stop(number) => Deed::Remove(rule(number)?),
            Task::Command(key) => match self.progress(key)? {
                Progress::Running { work: Work::Install(rule) } => Deed::Install(rule.clone()),
                Progress::Running { work: Work::Delete(number) } => Deed::Remove(rule(number)?),
                Progress::Running { work: Work::Update { name, path, sha256 } } => {
                    Deed::Update { name: name.clone(), path: path.clone(), sha256: sha256.clone() }
                }
                _ => return None,
            },
        };
        Some(Effect { task, action, again })
    }

    fn record(&mut self, what: What, now: DateTime, decision: &mut Decision) -> Result<(), Impossible> {
        let event = Event { at: now, what };
        self.apply(&event)?;
        decision.events.push(event);
        Ok(())
    }

    fn apply(&mut self, event: &Event) -> Result<(), Impossible> {
        let Limits { remember_ms, retry_ms, .. } = self.config.limits;
        self.state.apply(event, remember_ms, retry_ms)
    }
}
