//! Runs: a playbook being carried out, as a value that only its events change.
//!
//! ```text
//! let (run, started) = Run::start(…)?;           write `started` down
//! loop {
//!     for each effect of run.next():             do what it says, and for each event:
//!         run.apply(event)?; write it down;      one transaction; then what the effect asks for leaves
//! }
//! ```
//!
//! The order that makes a run durable: an event is applied and written down *before* what it announces leaves the program. After a
//! crash [`Replayed::resume`] takes the events and gives the same run; what had left and was not answered is then unknown, unless its
//! author declared it idempotent, and [`Effect::Reconcile`] asks for a person or a probe. No finished step is begun again.

mod apply;
mod approve;
mod effect;
mod event;
mod next;
mod orders;
mod radius;
mod render;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::check::values;
use crate::signature::Runnable;
use crate::{Playbook, Variable};

pub use apply::ApplyError;
pub use effect::{Addressee, Effect, Order, Question};
pub use event::{
    Answer, Event, Failure, FailureCode, Found, Hash, Key, Limits, Outcome, Person, PlaybookRef, Timer,
    Values, What,
};
pub use state::{OrderStatus, QuestionState};

use state::{Frame, Instance, Position, State};

/// A run.
#[derive(Debug, Clone)]
pub struct Run {
    state: State,
    /// Every playbook that the run may call, its own included.
    shelf: Vec<Runnable>,
}

impl PartialEq for Run {
    /// Whether two runs are at the same place, whatever playbooks are at hand besides.
    fn eq(&self, other: &Self) -> bool {
        self.state == other.state
    }
}

/// Why a run did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// An external variable has no value.
    #[error("the external variable `{0}` has no value")]
    ArgumentMissing(String),
    /// A value is for no external variable of the playbook.
    #[error("the playbook has no external variable `{0}`")]
    UnknownArgument(String),
    /// A value does not fit its variable.
    #[error("the value of `{name}` is no `{kind}`")]
    BadArgument {
        /// Which variable.
        name: String,
        /// Its type.
        kind: String,
    },
    /// The playbook has no first step.
    #[error("the playbook has no first step")]
    NoStart,
}

/// Why events do not make a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The first event is not the start.
    #[error("the events do not begin with the start of a run")]
    NoStart,
    /// The playbook is not at hand in the version that ran.
    #[error("version {modified} of the playbook `{id}` is not at hand")]
    PlaybookMissing {
        /// Which.
        id: String,
        /// Its `modified`.
        modified: String,
    },
    /// The start cannot have happened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// An event cannot have happened.
    #[error("event {index} cannot have happened: {error}")]
    Event {
        /// Which, the start being 0.
        index: usize,
        /// Why.
        error: ApplyError,
    },
}

/// Who starts what.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// The run's identifier. Idempotency keys are made from it, so no two runs may share one.
    pub run: String,
    /// Who asks for it.
    pub requester: Person,
    /// Values of external variables.
    pub arguments: Values,
    /// Bounds.
    pub limits: Limits,
    /// Whether it is only rehearsed: nobody is asked to agree, delays are passed over, and nothing is undone, for the caller carries nothing
    /// out.
    pub dry_run: bool,
}

impl Run {
    /// Starts a run of `playbook`; `others` are the playbooks that it may call. Write the event down before anything else.
    ///
    /// # Errors
    /// Arguments that do not fit.
    pub fn start(
        playbook: &Runnable,
        others: &[Runnable],
        start: Start,
        now: Timestamp,
    ) -> Result<(Self, Event), StartError> {
        let started = What::Started {
            run: start.run,
            playbook: reference_of(playbook.playbook()),
            requester: start.requester,
            arguments: start.arguments,
            limits: start.limits,
            dry_run: start.dry_run,
        };
        let mut shelf = vec![playbook.clone()];
        shelf.extend(others.iter().cloned());
        let state = State::started(playbook.playbook(), &started)?;
        Ok((Self { state, shelf }, Event { at: now, what: started }))
    }

    /// Makes a run out of its events. `shelf` are the playbooks at hand; those that the run opened must be among them.
    ///
    /// # Errors
    /// Events that no run can have had, or a playbook that is not at hand.
    pub fn replay(shelf: &[Runnable], events: &[Event]) -> Result<Replayed, ReplayError> {
        let first = events.first().map(|event| &event.what);
        let Some(started @ What::Started { playbook, .. }) = first else { return Err(ReplayError::NoStart) };
        let own = shelf.iter().find(|runnable| reference_of(runnable.playbook()) == *playbook);
        let own = own.ok_or_else(|| ReplayError::PlaybookMissing {
            id: playbook.id.clone(),
            modified: playbook.modified.clone(),
        })?;
        let mut run = Self { state: State::started(own.playbook(), started)?, shelf: shelf.to_vec() };
        for (index, event) in events.iter().enumerate().skip(1) {
            run.apply(event).map_err(|error| ReplayError::Event { index, error })?;
        }
        Ok(Replayed(run))
    }

    /// The run's identifier.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.state.run
    }

    /// Who asked for it.
    #[must_use]
    pub fn requester(&self) -> &Person {
        &self.state.requester
    }

    /// How many events it had, the start included.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.state.events
    }

    /// How it ended, if it did. Effects may stand on, and end later: see [`Run::is_settled`].
    #[must_use]
    pub fn ended(&self) -> Option<&Outcome> {
        self.state.ended.as_ref()
    }

    /// Whether it ended and nothing is to be waited for, undone or found out.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let pending = self.state.orders.values().any(|state| state.status == OrderStatus::Dispatched);
        self.state.ended.is_some() && !pending && self.next().is_empty()
    }

    /// Whether it is only rehearsed.
    #[must_use]
    pub fn is_dry(&self) -> bool {
        self.state.dry_run
    }

    /// Whether a command is at the first of several targets and the others wait for it.
    #[must_use]
    pub fn is_canary(&self, order: &Order) -> bool {
        let step = self.state.orders.get(&order.key).and_then(|state| self.state.visit(state.visit));
        let step = step.and_then(|visit| self.state.step_of(visit));
        let Some(crate::StepKind::Action(action)) = step.map(|step| &step.kind) else { return false };
        let asks =
            order.safeguards.as_ref().and_then(|the| the.rollout.as_ref()).is_some_and(|the| the.canary);
        let first = order.target.as_ref().map(|target| &target.id);
        asks && order.undoes.is_none() && action.targets.len() > 1 && action.targets.first() == first
    }

    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.state.paused
    }

    /// The variables of its playbook, with their values now.
    #[must_use]
    pub fn variables(&self) -> Option<&BTreeMap<String, Variable>> {
        self.state.instances.first().map(|instance| &instance.variables)
    }

    /// Every command that was dispatched: the order, what is known of it, and when its effect ends.
    pub fn orders(&self) -> impl Iterator<Item = (&Order, &OrderStatus, Option<Timestamp>)> {
        self.state.orders.values().map(|state| (&state.order, &state.status, state.stop_at))
    }

    /// Every question for approval: its number, who agreed, how it stands, when it expires.
    pub fn questions(&self) -> impl Iterator<Item = (usize, &[Person], QuestionState, Timestamp)> {
        let all = self.state.questions.iter().enumerate();
        all.map(|(number, asked)| (number, asked.given.as_slice(), asked.answer, asked.expires))
    }

    /// The question as it would be asked now, with everything that is shown to an approver; none where nothing is open.
    #[must_use]
    pub fn question(&self, number: usize) -> Option<Question> {
        let asked = self.state.questions.get(number).filter(|asked| asked.answer == QuestionState::Open)?;
        let visit = self.state.visit(asked.visit)?;
        let step = self.state.step_of(visit)?;
        let crate::StepKind::Action(action) = &step.kind else { return None };
        let orders = self.to_approve(asked.visit, visit, action.commands.len());
        let approval = crate::Safeguards::of(step)?.approval?;
        Some(Question { visit: asked.visit, hash: next::question_hash(&orders), orders, approval })
    }

    /// Who agreed, in questions that were granted, to what has this hash, with the number of each question.
    pub fn agreed_to<'r>(&'r self, hash: &'r Hash) -> impl Iterator<Item = (usize, &'r Person)> {
        let granted = self.state.questions.iter().enumerate();
        let granted = granted
            .filter(move |(_, asked)| asked.answer == QuestionState::Granted && asked.orders.contains(hash));
        granted.flat_map(|(number, asked)| asked.given.iter().map(move |person| (number, person)))
    }

    /// Whether somebody agreed alone, in an emergency, to what has this hash: then how long its effect may last, in milliseconds.
    #[must_use]
    pub fn agreed_alone(&self, hash: &Hash) -> Option<u64> {
        let granted =
            |asked: &&state::Asked| asked.answer == QuestionState::Granted && asked.orders.contains(hash);
        let asked = self.state.questions.iter().rfind(granted).filter(|asked| asked.alone)?;
        let step = self.state.step_of(self.state.visit(asked.visit)?)?;
        crate::Safeguards::of(step)?.approval?.break_glass_ms
    }

    /// The step that a question is about, also of one that is not open any more.
    #[must_use]
    pub fn asked_at(&self, number: usize) -> Option<&str> {
        let asked = self.state.questions.get(number)?;
        self.state.visit(asked.visit).map(|visit| visit.step.as_str())
    }

    /// How many must agree to a question, also to one that is not open any more.
    #[must_use]
    pub fn needed(&self, number: usize) -> Option<u32> {
        let asked = self.state.questions.get(number)?;
        let step = self.state.step_of(self.state.visit(asked.visit)?)?;
        crate::Safeguards::of(step)?.approval.map(|approval| approval.required)
    }

    /// The step of a visit.
    #[must_use]
    pub fn visited(&self, visit: usize) -> Option<&str> {
        self.state.visit(visit).map(|visit| visit.step.as_str())
    }

    /// Every step that was entered, in the order of their entering: the playbook, the step, and how it stands.
    pub fn steps(&self) -> impl Iterator<Item = (&PlaybookRef, &str, StepState)> {
        self.state.visits.iter().filter_map(|visit| {
            let instance = self.state.instance_of(visit)?;
            let state = match &visit.phase {
                state::Phase::Delaying(_) => StepState::Delayed,
                state::Phase::Ready | state::Phase::Waiting | state::Phase::Done(_) => StepState::UnderWay,
                state::Phase::Over => StepState::Over,
            };
            Some((&instance.reference, visit.step.as_str(), state))
        })
    }
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// It waits for its delay.
    Delayed,
    /// It is being carried out.
    UnderWay,
    /// It ended, or was given up.
    Over,
}

/// A run made of events, which may be looked at. To go on it has to be resumed, so that nobody forgets that a crash lay between.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed(Run);

impl Replayed {
    /// The run as its events left it.
    #[must_use]
    pub fn view(&self) -> &Run {
        &self.0
    }

    /// Takes the run up where it is. For callers to whom no crash can lie between an event and what it announces, because both are
    /// written in one transaction; of what left by another way they say themselves that it is unknown ([`Answer::Unknown`]).
    #[must_use]
    pub fn go_on(self) -> Run {
        self.0
    }

    /// Takes the run up again: what had left and was not answered becomes unknown, or is sent again where its author said that this
    /// does no harm. Write the event down.
    ///
    /// # Errors
    /// None that events of a run could cause.
    pub fn resume(self, now: Timestamp) -> Result<(Run, Event), ApplyError> {
        let mut run = self.0;
        let event = Event { at: now, what: What::Resumed };
        run.apply(&event)?;
        Ok((run, event))
    }
}

/// Which version of which playbook it is.
pub(crate) fn reference_of(playbook: &Playbook) -> PlaybookRef {
    PlaybookRef {
        id: playbook.id.clone(),
        modified: playbook.modified.as_ref().map(|at| at.as_str().to_owned()).unwrap_or_default(),
        digest: hex::encode(playbook.digest()),
    }
}

impl State {
    fn started(playbook: &Arc<Playbook>, started: &What) -> Result<Self, StartError> {
        let What::Started { run, playbook: reference, requester, arguments, limits, dry_run } = started
        else {
            return Err(StartError::NoStart);
        };
        let first = playbook.workflow_start.clone().ok_or(StartError::NoStart)?;
        let mut variables = playbook.variables.clone();
        for (name, value) in &arguments.0 {
            let variable = variables.get_mut(name).filter(|variable| variable.external);
            let variable = variable.ok_or_else(|| StartError::UnknownArgument(name.clone()))?;
            if !values::fits(&variable.kind, value) {
                return Err(StartError::BadArgument { name: name.clone(), kind: variable.kind.clone() });
            }
            variable.value = value.clone();
        }
        if let Some((name, _)) =
            variables.iter().find(|(_, variable)| variable.external && variable.value.is_null())
        {
            return Err(StartError::ArgumentMissing(name.clone()));
        }
        let instance =
            Instance { playbook: playbook.clone(), reference: reference.clone(), variables, depth: 0 };
        let frame = Frame {
            path: "0".to_owned(),
            instance: 0,
            parent: None,
            position: Position::Next(first),
            steps_entered: 0,
            called_with: None,
            exception: None,
        };
        Ok(Self {
            run: run.clone(),
            requester: requester.clone(),
            limits: limits.clone(),
            instances: vec![instance],
            frames: vec![frame],
            visits: Vec::new(),
            questions: Vec::new(),
            orders: BTreeMap::new(),
            active: BTreeSet::from([0]),
            paused: false,
            dry_run: *dry_run,
            ended: None,
            events: 1,
        })
    }
}
