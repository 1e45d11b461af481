//! How an event changes a run. What a run would not do by itself, it does not take as an event either.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::effect::Effect;
use super::event::{Event, Failure, FailureCode, Outcome, Person, PlaybookRef, Timer, Values, What};
use super::next::{fits, later, may_stand};
use super::state::{Frame, Instance, OrderStatus, Phase, Position, QuestionState, Visit};
use super::{Run, reference_of};
use crate::check::values;
use crate::step::StepKind;
use crate::variable::argument_name;

/// Why an event was not taken. The run is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The run did not ask for this.
    #[error("the run does not expect this event now")]
    NotExpected,
    /// There is no such visit, frame, question or command.
    #[error("the event is about something that the run does not have")]
    Unknown,
    /// The command was answered before; the first answer counts.
    #[error("the command was answered before")]
    AnsweredBefore,
    /// The time has not come.
    #[error("the time has not come: it is {0}")]
    TooEarly(Timestamp),
    /// The question is answered, expired or void.
    #[error("the question is not open")]
    QuestionClosed,
    /// What would be carried out is not what was shown.
    #[error("what was shown is not what would be carried out: look again")]
    HashChanged,
    /// The person asked for the run, or its organisation may not approve.
    #[error("this person may not approve")]
    NotAnApprover,
    /// The playbook lets nobody approve this alone.
    #[error("the playbook lets nobody approve this alone")]
    NotAlone,
    /// The person's organisation has approved.
    #[error("this organisation has approved already")]
    ApprovedBefore,
    /// The variable is constant, or the value does not fit it.
    #[error("the variable `{0}` cannot have this value")]
    BadVariable(String),
    /// The run has ended.
    #[error("the run has ended")]
    Ended,
    /// The playbook that the event names is not at hand.
    #[error("the playbook is not at hand in this version")]
    PlaybookMissing,
}

pub(super) type Applied = Result<(), ApplyError>;

impl Run {
    /// Takes an event.
    ///
    /// # Errors
    /// The event cannot happen now; the run is as it was.
    pub fn apply(&mut self, event: &Event) -> Applied {
        let at = event.at;
        match &event.what {
            What::Started { .. } => return Err(ApplyError::NotExpected),
            What::StepEntered { frame, step } => self.step_entered(*frame, step, at)?,
            What::Decided { visit, branch } => self.decided(*visit, branch.as_deref(), at)?,
            What::BranchesOpened { visit } => self.branches_opened(*visit, at)?,
            What::PlaybookOpened { visit, playbook } => self.playbook_opened(*visit, playbook, at)?,
            What::BranchJoined { frame } => self.branch_joined(*frame)?,
            What::StepEnded { visit, outcome } => self.step_ended(*visit, outcome)?,
            What::ApprovalAsked { visit, hash } => self.approval_asked(*visit, hash, at)?,
            What::ApprovalGiven { question, hash, by, alone, .. } => {
                self.approval_given(*question, hash, (by, *alone), at)?;
            }
            What::ApprovalRefused { question, by, .. } => self.approval_refused(*question, by)?,
            What::ApprovalWithdrawn { question, person } => self.approval_withdrawn(*question, person)?,
            What::ApprovalVoided { question } => self.approval_voided(*question)?,
            What::Dispatched { key, hash } => self.dispatched(key, hash, at)?,
            What::Answered { key, answer } => self.answered(key, answer)?,
            What::Reconciled { key, found, .. } => self.reconciled(key, found)?,
            What::TimerDue { timer } => self.timer_due(timer, at)?,
            What::VariablesSet { values, .. } => self.variables_set(values)?,
            What::UndoAsked { key, .. } => self.undo_asked(key)?,
            What::Paused { .. } => self.pause(true)?,
            What::Continued { .. } => self.pause(false)?,
            What::Cancelled { by, reason, undo } => self.cancelled(by, reason, *undo)?,
            What::Resumed => self.resumed(),
            What::Ended { outcome } => self.end(outcome)?,
        }
        self.state.events += 1;
        Ok(())
    }

    /// Refuses what the run does not want right now.
    fn expect(&self, what: &What, effects: &[Effect]) -> Applied {
        let wanted = effects.iter().any(|effect| matches!(effect, Effect::Record(wanted) if wanted == what));
        self.running()?;
        if wanted && !self.state.paused { Ok(()) } else { Err(ApplyError::NotExpected) }
    }

    pub(super) fn running(&self) -> Applied {
        if self.state.ended.is_some() { Err(ApplyError::Ended) } else { Ok(()) }
    }

    pub(super) fn visit_mut(&mut self, visit: usize) -> Result<&mut Visit, ApplyError> {
        self.state.visits.get_mut(visit).ok_or(ApplyError::Unknown)
    }

    // ---- steps

    fn step_entered(&mut self, frame: usize, step: &str, at: Timestamp) -> Applied {
        let what = What::StepEntered { frame, step: step.to_owned() };
        self.expect(&what, &self.of_frame(frame))?;
        let index = self.state.visits.len();
        let Some(entered) = self.state.frames.get_mut(frame) else { return Err(ApplyError::Unknown) };
        let instance = self.state.instances.get(entered.instance).ok_or(ApplyError::Unknown)?;
        let definition = instance.playbook.workflow.get(step).ok_or(ApplyError::Unknown)?;
        let phase = match definition.delay_ms {
            Some(delay) if delay > 0 && !self.state.dry_run => Phase::Delaying(later(at, delay)),
            _ => Phase::Ready,
        };
        let visit = Visit {
            frame,
            step: step.to_owned(),
            variables: definition.variables.clone(),
            phase,
            turns: 0,
            timeout: None,
            children: BTreeSet::new(),
            branch_failure: None,
            command: 0,
            units: BTreeMap::new(),
            approved: BTreeSet::new(),
            question: None,
            called_with: entered.called_with.take(),
        };
        entered.position = Position::In(index);
        entered.steps_entered += 1;
        self.state.visits.push(visit);
        Ok(())
    }

    fn step_ended(&mut self, visit: usize, outcome: &Outcome) -> Applied {
        let what = What::StepEnded { visit, outcome: outcome.clone() };
        self.expect(&what, &self.of_visit(visit))?;
        let ended = self.visit_mut(visit)?;
        ended.phase = Phase::Over;
        let frame = ended.frame;
        let step = self.state.visit(visit).and_then(|visit| self.state.step_of(visit));
        let Some(step) = step else { return Err(ApplyError::Unknown) };
        let next = match outcome {
            Outcome::Success if matches!(step.kind, StepKind::End) => None,
            Outcome::Success => step.on_completion.clone().or_else(|| step.on_success.clone()),
            Outcome::Failure(_) => step.on_failure.clone(),
        };
        self.go_on(frame, next, outcome);
        Ok(())
    }

    /// Moves a frame on: to the step that follows, to the exception, or to its end.
    fn go_on(&mut self, index: usize, next: Option<String>, outcome: &Outcome) {
        let parent_instance = self.state.frame(index).and_then(|frame| frame.parent).and_then(|parent| {
            self.state
                .visit(parent)
                .and_then(|visit| self.state.frame(visit.frame))
                .map(|frame| frame.instance)
        });
        let Some(frame) = self.state.frames.get_mut(index) else { return };
        // The main flow of a playbook is the frame that no frame of the same playbook opened.
        let is_main = parent_instance != Some(frame.instance);
        let exception = (self.state.instances.get(frame.instance))
            .and_then(|instance| instance.playbook.workflow_exception.clone())
            .filter(|_| is_main && frame.exception.is_none());
        frame.position = match (next, outcome, exception) {
            (Some(step), Outcome::Success, _) => Position::Next(step),
            (Some(step), Outcome::Failure(failure), _) => {
                frame.called_with = Some(failure.clone());
                Position::Next(step)
            }
            (None, Outcome::Failure(failure), Some(step)) => {
                frame.called_with = Some(failure.clone());
                frame.exception = Some(failure.clone());
                Position::Next(step)
            }
            (None, Outcome::Failure(failure), None) => Position::Closed(Outcome::Failure(failure.clone())),
            // A playbook that was ended by its exception did not do what it is for.
            (None, Outcome::Success, _) => match frame.exception.clone() {
                Some(failure) => Position::Closed(Outcome::Failure(failure)),
                None => Position::Closed(Outcome::Success),
            },
        };
    }

    fn decided(&mut self, visit: usize, branch: Option<&str>, at: Timestamp) -> Applied {
        let what = What::Decided { visit, branch: branch.map(str::to_owned) };
        self.expect(&what, &self.of_visit(visit))?;
        self.start_clock(visit, at);
        let decided = self.state.visit(visit).ok_or(ApplyError::Unknown)?;
        let step = self.state.step_of(decided).ok_or(ApplyError::Unknown)?;
        let is_loop = matches!(step.kind, StepKind::While(_));
        let Some(branch) = branch else {
            self.visit_mut(visit)?.phase = Phase::Done(Outcome::Success);
            return Ok(());
        };
        let first =
            step.branches().into_iter().find(|(name, _)| name == branch).map(|(_, first)| first.to_owned());
        let first = first.ok_or(ApplyError::Unknown)?;
        let turn = decided.turns;
        let decided = self.visit_mut(visit)?;
        decided.turns += u32::from(is_loop);
        decided.phase = Phase::Waiting;
        let name = if is_loop { format!("t{turn}") } else { branch.to_owned() };
        self.open(visit, &name, first)
    }

    fn branches_opened(&mut self, visit: usize, at: Timestamp) -> Applied {
        self.expect(&What::BranchesOpened { visit }, &self.of_visit(visit))?;
        self.start_clock(visit, at);
        let opened = self.state.visit(visit).and_then(|visit| self.state.step_of(visit));
        let branches: Vec<(String, String)> = (opened.ok_or(ApplyError::Unknown)?.branches().into_iter())
            .map(|(name, first)| (name, first.to_owned()))
            .collect();
        self.visit_mut(visit)?.phase = Phase::Waiting;
        branches.into_iter().try_for_each(|(name, first)| self.open(visit, &name, first))
    }

    /// Opens a frame below a visit, in the same playbook.
    fn open(&mut self, visit: usize, name: &str, first: String) -> Applied {
        let instance = self
            .state
            .visit(visit)
            .and_then(|v| self.state.frame(v.frame))
            .ok_or(ApplyError::Unknown)?
            .instance;
        self.open_in(visit, name, instance, first)
    }

    fn open_in(&mut self, visit: usize, name: &str, instance: usize, first: String) -> Applied {
        let index = self.state.frames.len();
        let opener = self.state.visit(visit).ok_or(ApplyError::Unknown)?;
        let above = self.state.frame(opener.frame).ok_or(ApplyError::Unknown)?;
        let path = format!("{}.{}/{name}", above.path, above.steps_entered.saturating_sub(1));
        let (frame_above, position) = (opener.frame, Position::Next(first));
        self.state.frames.push(Frame {
            path,
            instance,
            parent: Some(visit),
            position,
            steps_entered: 0,
            called_with: None,
            exception: None,
        });
        self.visit_mut(visit)?.children.insert(index);
        self.state.active.insert(index);
        self.state.active.remove(&frame_above);
        Ok(())
    }

    fn playbook_opened(&mut self, visit: usize, reference: &PlaybookRef, at: Timestamp) -> Applied {
        // Which version is the newest may have changed since, so the choice itself is not held against that of today.
        self.running()?;
        let opened = self.state.visit(visit).ok_or(ApplyError::Unknown)?;
        let Some(StepKind::Playbook(the)) = self.state.step_of(opened).map(|step| step.kind.clone()) else {
            return Err(ApplyError::NotExpected);
        };
        if opened.phase != Phase::Ready || self.state.paused {
            return Err(ApplyError::NotExpected);
        }
        let depth = self.state.instance_of(opened).map_or(0, |instance| instance.depth) + 1;
        let chosen = self
            .shelf
            .iter()
            .find(|runnable| fits(runnable, &the) && reference_of(runnable.playbook()) == *reference);
        let chosen = chosen.ok_or(ApplyError::PlaybookMissing)?;
        let variables = self.arguments_for(visit, &the, chosen).map_err(|_| ApplyError::NotExpected)?;
        let playbook = chosen.playbook().clone();
        let first = playbook.workflow_start.clone().ok_or(ApplyError::NotExpected)?;
        if depth > self.state.limits.playbook_depth_max {
            return Err(ApplyError::NotExpected);
        }
        self.start_clock(visit, at);
        let instance = self.state.instances.len();
        self.state.instances.push(Instance { playbook, reference: reference.clone(), variables, depth });
        self.visit_mut(visit)?.phase = Phase::Waiting;
        self.open_in(visit, "p", instance, first)
    }

    fn branch_joined(&mut self, index: usize) -> Applied {
        self.expect(&What::BranchJoined { frame: index }, &self.of_frame(index))?;
        let frame = self.state.frames.get_mut(index).ok_or(ApplyError::Unknown)?;
        let (parent, instance) = (frame.parent.ok_or(ApplyError::NotExpected)?, frame.instance);
        let Position::Closed(outcome) = std::mem::replace(&mut frame.position, Position::Gone) else {
            return Err(ApplyError::NotExpected);
        };
        self.state.active.remove(&index);
        let visit = self.visit_mut(parent)?;
        visit.children.remove(&index);
        if let Outcome::Failure(failure) = &outcome {
            visit.branch_failure.get_or_insert_with(|| failure.clone());
        }
        if !visit.children.is_empty() {
            return Ok(());
        }
        let (failed, frame_above) = (visit.branch_failure.clone(), visit.frame);
        self.state.active.insert(frame_above);
        let kind = self
            .state
            .visit(parent)
            .and_then(|visit| self.state.step_of(visit))
            .map(|step| step.kind.clone());
        let mut outcome = failed.map_or(Outcome::Success, Outcome::Failure);
        if let (Some(StepKind::Playbook(the)), Outcome::Success) = (&kind, &outcome) {
            outcome = self.give_back(parent, instance, &the.out_args);
        }
        let again = matches!(kind, Some(StepKind::While(_))) && outcome == Outcome::Success;
        self.visit_mut(parent)?.phase = if again { Phase::Ready } else { Phase::Done(outcome) };
        Ok(())
    }

    /// Hands variables of a playbook that was called back to the step that called it (§4.6).
    fn give_back(&mut self, visit: usize, instance: usize, out_args: &[String]) -> Outcome {
        let values: BTreeMap<String, Value> = (out_args.iter().map(|raw| argument_name(raw)))
            .filter_map(|name| {
                let variable = self.state.instances.get(instance)?.variables.get(name)?;
                Some((name.to_owned(), variable.value.clone()))
            })
            .collect();
        self.set_outputs(visit, out_args, &Values(values))
            .map_or_else(Outcome::Failure, |()| Outcome::Success)
    }

    /// Sets what a step gives; what is not in its `out_args` is nobody's business.
    pub(super) fn set_outputs(
        &mut self,
        visit: usize,
        out_args: &[String],
        outputs: &Values,
    ) -> Result<(), Failure> {
        let step = self.state.visit(visit).map(|visit| visit.step.clone()).unwrap_or_default();
        let bad = |detail: String| Failure { code: FailureCode::BadOutput, step: step.clone(), detail };
        for name in out_args.iter().map(|raw| argument_name(raw)) {
            let Some(value) = outputs.0.get(name) else { continue };
            let variable =
                self.state.variable(visit, name).ok_or_else(|| bad(format!("`{name}` is not defined")))?;
            if variable.constant || !values::fits(&variable.kind, value) {
                return Err(bad(format!("`{name}` cannot have the value that came back")));
            }
        }
        for name in out_args.iter().map(|raw| argument_name(raw)) {
            if let (Some(value), Some(variable)) = (outputs.0.get(name), self.state.variable_mut(visit, name))
            {
                variable.value = value.clone();
            }
        }
        Ok(())
    }

    /// The timeout counts from when the step does something: after its delay, and after approval. Only actions have one where nothing
    /// is said: a loop that watches for a month blocks nobody.
    pub(super) fn start_clock(&mut self, visit: usize, at: Timestamp) {
        let step = self.state.visit(visit).and_then(|visit| self.state.step_of(visit));
        let default = step.filter(|step| matches!(step.kind, StepKind::Action(_)));
        let default = default.map(|_| self.state.limits.step_timeout_default_ms);
        let timeout = step.and_then(|step| step.timeout_ms).or(default);
        if let (Some(timeout), Some(visit)) = (timeout, self.state.visits.get_mut(visit)) {
            visit.timeout.get_or_insert(later(at, timeout));
        }
    }

    // ---- times

    fn timer_due(&mut self, timer: &Timer, at: Timestamp) -> Applied {
        let wanted = self.next().into_iter().find_map(|effect| match effect {
            Effect::Wait { timer: wanted, due } if wanted == *timer => Some(due),
            _ => None,
        });
        let due = wanted.ok_or(ApplyError::NotExpected)?;
        if at < due {
            return Err(ApplyError::TooEarly(due));
        }
        match timer {
            Timer::Delay { visit } => self.visit_mut(*visit)?.phase = Phase::Ready,
            Timer::Timeout { visit } => {
                let step = self.visit_mut(*visit)?.step.clone();
                let detail = format!("the step `{step}` took too long");
                let failure = Failure { code: FailureCode::ActionTimeout, step, detail };
                self.give_up(*visit, failure)?;
            }
            Timer::Approval { question } => {
                let visit = self.state.questions.get(*question).ok_or(ApplyError::Unknown)?.visit;
                let step = self.visit_mut(visit)?.step.clone();
                let detail = "too few agreed in time".to_owned();
                self.give_up(visit, Failure { code: FailureCode::ApprovalExpired, step, detail })?;
            }
            Timer::Stop { key } => {
                self.state.orders.get_mut(key).ok_or(ApplyError::Unknown)?.undo_wanted = true;
            }
        }
        Ok(())
    }

    /// Ends a step by a failure, with everything below it: what left is not waited for any more.
    pub(super) fn give_up(&mut self, visit: usize, failure: Failure) -> Applied {
        let frame = self.visit_mut(visit)?.frame;
        self.take_back(visit);
        self.abandon(visit);
        self.visit_mut(visit)?.phase = Phase::Done(Outcome::Failure(failure));
        self.state.active.insert(frame);
        Ok(())
    }

    /// Wants undone what a step did that was to be tried first, and failed.
    pub(super) fn take_back(&mut self, visit: usize) {
        let Some(visit) = self.state.visits.get(visit) else { return };
        for key in visit.units.values() {
            let Some(state) = self.state.orders.get_mut(key) else { continue };
            let is_tried = state.order.safeguards.as_ref().is_some_and(|the| the.rollout.is_some());
            state.undo_wanted |= is_tried && may_stand(state);
        }
    }

    fn abandon(&mut self, visit: usize) {
        let mut open = vec![visit];
        while let Some(index) = open.pop() {
            let Some(visit) = self.state.visits.get_mut(index) else { continue };
            visit.phase = Phase::Over;
            let (children, keys) =
                (std::mem::take(&mut visit.children), visit.units.values().cloned().collect::<Vec<_>>());
            if let Some(asked) = visit.question.and_then(|number| self.state.questions.get_mut(number))
                && asked.answer == QuestionState::Open
            {
                asked.answer = QuestionState::Closed;
            }
            for key in keys {
                if let Some(state) = self.state.orders.get_mut(&key) {
                    state.abandoned = true;
                    // It did not arrive, and nobody will send it again.
                    if state.status == OrderStatus::Again {
                        state.status = OrderStatus::Failed;
                    }
                }
            }
            for child in children {
                self.state.active.remove(&child);
                if let Some(frame) = self.state.frames.get_mut(child) {
                    if let Position::In(visit) = frame.position {
                        open.push(visit);
                    }
                    frame.position = Position::Gone;
                }
            }
        }
    }

    // ---- people

    fn variables_set(&mut self, given: &Values) -> Applied {
        self.running()?;
        let instance = self.state.instances.first_mut().ok_or(ApplyError::Unknown)?;
        for (name, value) in &given.0 {
            let variable = instance.variables.get(name);
            if !variable.is_some_and(|variable| !variable.constant && values::fits(&variable.kind, value)) {
                return Err(ApplyError::BadVariable(name.clone()));
            }
        }
        for (name, value) in &given.0 {
            if let Some(variable) = instance.variables.get_mut(name) {
                variable.value = value.clone();
            }
        }
        Ok(())
    }

    fn pause(&mut self, paused: bool) -> Applied {
        self.running()?;
        if self.state.paused == paused {
            return Err(ApplyError::NotExpected);
        }
        self.state.paused = paused;
        Ok(())
    }

    fn cancelled(&mut self, by: &Person, reason: &str, undo: bool) -> Applied {
        self.running()?;
        let step = self.state.visits.last().map(|visit| visit.step.clone()).unwrap_or_default();
        let detail = format!("{} of {} cancelled the run: {reason}", by.person, by.organization);
        self.finish(&Outcome::Failure(Failure { code: FailureCode::Cancelled, step, detail }));
        if undo {
            for state in self.state.orders.values_mut().filter(|state| may_stand(state)) {
                state.undo_wanted = true;
            }
        }
        Ok(())
    }

    fn end(&mut self, outcome: &Outcome) -> Applied {
        let what = What::Ended { outcome: outcome.clone() };
        let effects = self.next();
        self.expect(&what, &effects)?;
        self.finish(outcome);
        Ok(())
    }

    fn finish(&mut self, outcome: &Outcome) {
        for index in 0..self.state.visits.len() {
            let open = self.state.visit(index).is_some_and(|visit| visit.phase != Phase::Over);
            if open {
                self.abandon(index);
            }
        }
        for frame in &mut self.state.frames {
            frame.position = Position::Gone;
        }
        self.state.active.clear();
        self.state.ended = Some(outcome.clone());
    }

    /// After a crash: what had left may have arrived or not.
    fn resumed(&mut self) {
        for state in self.state.orders.values_mut().filter(|state| state.status == OrderStatus::Dispatched) {
            let harmless = state.order.safeguards.as_ref().is_some_and(|the| the.idempotent);
            let waited_for = !state.abandoned || state.order.undoes.is_some();
            state.status = if harmless && waited_for { OrderStatus::Again } else { OrderStatus::Unknown };
        }
    }
}
