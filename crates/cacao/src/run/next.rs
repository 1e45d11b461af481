//! What a run wants: a function of its state alone.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::effect::{Effect, Order, Question};
use super::event::{Failure, FailureCode, Key, Outcome, PlaybookRef, Timer, What};
use super::render;
use super::state::{OrderState, OrderStatus, Phase, Position, QuestionState, State, Visit};
use super::{Run, reference_of};
use crate::check::switch_variable;
use crate::condition::{Condition, Typed};
use crate::signature::Runnable;
use crate::step::{PlaybookAction, Step, StepKind};
use crate::variable::argument_name;
use crate::{Safeguards, Variable};

impl Run {
    /// What the run wants now. Effects do not depend on each other and are the same each time until an event is applied; after each
    /// event they are asked for anew.
    #[must_use]
    pub fn next(&self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.state.ended.is_none() {
            for frame in &self.state.active {
                effects.extend(self.of_frame(*frame));
            }
            effects.extend(self.timeouts());
            if self.state.paused {
                effects.retain(|effect| matches!(effect, Effect::Wait { .. }));
            }
        }
        effects.extend(self.of_orders());
        effects
    }

    /// The effects of one frame alone, which is what an event about it is held against.
    pub(super) fn of_frame(&self, index: usize) -> Vec<Effect> {
        let Some(frame) = self.state.frame(index) else { return Vec::new() };
        match &frame.position {
            Position::Next(step) if self.state.visits.len() < self.state.limits.steps_max => {
                vec![Effect::Record(What::StepEntered { frame: index, step: step.clone() })]
            }
            Position::Next(step) => {
                let failure = Failure {
                    code: FailureCode::StepLimit,
                    step: step.clone(),
                    detail: format!("more than {} steps", self.state.limits.steps_max),
                };
                vec![Effect::Record(What::Ended { outcome: Outcome::Failure(failure) })]
            }
            Position::In(visit) => self.of_visit(*visit),
            Position::Closed(outcome) if frame.parent.is_none() => {
                vec![Effect::Record(What::Ended { outcome: outcome.clone() })]
            }
            Position::Closed(_) => vec![Effect::Record(What::BranchJoined { frame: index })],
            Position::Gone => Vec::new(),
        }
    }

    pub(super) fn of_visit(&self, index: usize) -> Vec<Effect> {
        let Some(visit) = self.state.visit(index) else { return Vec::new() };
        let Some(step) = self.state.step_of(visit) else { return Vec::new() };
        let end = |outcome| vec![Effect::Record(What::StepEnded { visit: index, outcome })];
        match &visit.phase {
            Phase::Delaying(due) => vec![Effect::Wait { timer: Timer::Delay { visit: index }, due: *due }],
            Phase::Done(outcome) => end(outcome.clone()),
            Phase::Waiting | Phase::Over => Vec::new(),
            Phase::Ready => {
                let wanted = match &step.kind {
                    StepKind::Start | StepKind::End => return end(Outcome::Success),
                    StepKind::Action(action) => {
                        return self.of_action(index, visit, step, action.commands.len());
                    }
                    StepKind::Playbook(the) => self
                        .playbook_for(index, visit, the)
                        .map(|playbook| What::PlaybookOpened { visit: index, playbook }),
                    StepKind::Parallel(_) => Ok(What::BranchesOpened { visit: index }),
                    StepKind::If(the) => self.holds(index, &the.condition).map(|holds| {
                        let branch = (holds || the.on_false.is_some()).then(|| holds.to_string());
                        What::Decided { visit: index, branch }
                    }),
                    StepKind::While(the) => self.turn(index, visit, &the.condition),
                    StepKind::Switch(the) => {
                        self.case(index, the).map(|branch| What::Decided { visit: index, branch })
                    }
                    StepKind::Unknown(_) => {
                        Err(failure(FailureCode::Rendering, "the step's type is not known"))
                    }
                };
                match wanted {
                    Ok(what) => vec![Effect::Record(what)],
                    Err(failure) => end(Outcome::Failure(Failure { step: visit.step.clone(), ..failure })),
                }
            }
        }
    }

    fn holds(&self, visit: usize, condition: &str) -> Result<bool, Failure> {
        let lookup = |name: &str| {
            let variable = self.state.variable(visit, name)?;
            Some(Typed { kind: variable.kind.clone(), value: variable.value.clone() })
        };
        let condition = Condition::parse(condition).and_then(|condition| condition.holds(&lookup));
        condition.map_err(|error| failure(FailureCode::Condition, error.to_string()))
    }

    fn turn(&self, index: usize, visit: &Visit, condition: &str) -> Result<What, Failure> {
        let again = self.holds(index, condition)?;
        let max = self.state.limits.loop_turns_max;
        if again && visit.turns >= max {
            return Err(failure(FailureCode::LoopLimit, format!("the loop took {max} turns")));
        }
        Ok(What::Decided { visit: index, branch: again.then(|| "true".to_owned()) })
    }

    fn case(&self, visit: usize, the: &crate::Switch) -> Result<Option<String>, Failure> {
        let name = switch_variable(&the.switch).unwrap_or(&the.switch);
        let variable = self.state.variable(visit, name);
        let variable =
            variable.ok_or_else(|| failure(FailureCode::Condition, format!("`{name}` is not defined")))?;
        let case = match &variable.value {
            Value::String(text) => Some(text.as_str()).filter(|text| the.cases.contains_key(*text)),
            _ => None,
        };
        let default = the.cases.contains_key("default").then_some("default");
        Ok(case.or(default).map(str::to_owned))
    }

    /// The version of the playbook that a step calls: the one that it names, or the newest that may run here.
    fn playbook_for(
        &self,
        index: usize,
        visit: &Visit,
        the: &PlaybookAction,
    ) -> Result<PlaybookRef, Failure> {
        let depth = self.state.instance_of(visit).map_or(0, |instance| instance.depth);
        if depth >= self.state.limits.playbook_depth_max {
            return Err(failure(
                FailureCode::PlaybookDepth,
                format!("playbooks call each other more than {depth} deep"),
            ));
        }
        let fitting = self.shelf.iter().filter(|runnable| fits(runnable, the));
        let newest = fitting.max_by(|a, b| a.playbook().modified.cmp(&b.playbook().modified));
        let chosen =
            newest.ok_or_else(|| failure(FailureCode::PlaybookMissing, "no version of it may run here"))?;
        self.arguments_for(index, the, chosen)?;
        Ok(reference_of(chosen.playbook()))
    }

    /// The variables of a playbook that is called: its own, with the values of those external ones that the step passes.
    pub(super) fn arguments_for(
        &self,
        visit: usize,
        the: &PlaybookAction,
        chosen: &Runnable,
    ) -> Result<BTreeMap<String, Variable>, Failure> {
        let mut variables = chosen.playbook().variables.clone();
        let given: Vec<&str> = the.in_args.iter().map(|raw| argument_name(raw)).collect();
        for (name, variable) in variables.iter_mut().filter(|(_, variable)| variable.external) {
            let passed = given.contains(&name.as_str()).then(|| self.state.variable(visit, name)).flatten();
            if let Some(passed) = passed.filter(|passed| !passed.value.is_null()) {
                if !crate::check::values::fits(&variable.kind, &passed.value) {
                    return Err(failure(
                        FailureCode::ArgumentMissing,
                        format!("`{name}` is no `{}`", variable.kind),
                    ));
                }
                variable.value = passed.value.clone();
            }
            if variable.value.is_null() {
                return Err(failure(FailureCode::ArgumentMissing, format!("`{name}` is not passed")));
            }
        }
        Ok(variables)
    }

    /// Timers of steps that are under way.
    fn timeouts(&self) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut open: Vec<usize> = self.state.active.iter().copied().collect();
        // From the frames that move up to the steps that opened them.
        while let Some(frame) = open.pop() {
            if !seen.insert(frame) {
                continue;
            }
            let Some(frame) = self.state.frame(frame) else { continue };
            let visits = match frame.position {
                Position::In(visit) => [Some(visit), frame.parent],
                _ => [None, frame.parent],
            };
            for index in visits.into_iter().flatten() {
                let Some(visit) = self.state.visit(index) else { continue };
                open.push(visit.frame);
                let under_way = matches!(visit.phase, Phase::Ready | Phase::Waiting);
                let wait = visit
                    .timeout
                    .filter(|_| under_way)
                    .map(|due| Effect::Wait { timer: Timer::Timeout { visit: index }, due });
                effects.extend(wait.filter(|wait| !effects.contains(wait)));
            }
        }
        effects
    }

    // ---- commands

    fn of_action(&self, index: usize, visit: &Visit, step: &Step, commands: usize) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut held_back = false;
        if visit.branch_failure.is_some() {
            // It fails as soon as what left has answered; nothing more leaves.
            return effects;
        }
        for target in self.targets(visit) {
            if target > 0 && !self.may_follow(visit, step) {
                break;
            }
            let known = visit.units.get(&(visit.command, target)).and_then(|key| self.state.orders.get(key));
            let attempts_before = match known {
                None => 0,
                Some(state) if state.status == OrderStatus::Again => state.order.attempts_before + 1,
                Some(_) => continue,
            };
            let order = match self.state.order(index, visit.command, target) {
                None => continue,
                Some(Ok(order)) => order,
                Some(Err(failure)) => {
                    // What left already is waited for before the step fails.
                    let pending = visit.units.values().any(|key| self.is_pending(key));
                    let ended = What::StepEnded { visit: index, outcome: Outcome::Failure(failure) };
                    return if pending { Vec::new() } else { vec![Effect::Record(ended)] };
                }
            };
            let approval = order.safeguards.as_ref().is_some_and(|the| the.approval.is_some());
            let approval = approval && !self.state.dry_run;
            if approval && !visit.approved.contains(&order.hash) {
                held_back = true;
            } else {
                effects.push(Effect::Dispatch(Box::new(Order { attempts_before, ..order })));
            }
        }
        if held_back && let Some(approval) = Safeguards::of(step).and_then(|the| the.approval) {
            effects.extend(self.of_approval(index, visit, commands, approval));
        }
        effects
    }

    /// Whether the command that is being carried out may go to targets behind the first one.
    fn may_follow(&self, visit: &Visit, step: &Step) -> bool {
        let canary = Safeguards::of(step).and_then(|the| the.rollout).is_some_and(|the| the.canary);
        let first = visit.units.get(&(visit.command, 0)).and_then(|key| self.state.orders.get(key));
        !canary || first.is_some_and(|state| state.status == OrderStatus::Done)
    }

    /// The indices of the targets of a visit's commands.
    fn targets(&self, visit: &Visit) -> std::ops::Range<usize> {
        match self.state.step_of(visit).map(|step| &step.kind) {
            Some(StepKind::Action(action)) => 0..State::targets_of(action),
            _ => 0..0,
        }
    }

    fn of_approval(
        &self,
        index: usize,
        visit: &Visit,
        commands: usize,
        approval: crate::Approval,
    ) -> Option<Effect> {
        let orders = self.to_approve(index, visit, commands);
        let hash = question_hash(&orders);
        let open = visit.question.and_then(|number| Some((number, self.state.questions.get(number)?)));
        Some(match open.filter(|(_, asked)| asked.answer == QuestionState::Open) {
            Some((question, asked)) if asked.hash == hash => {
                Effect::Wait { timer: Timer::Approval { question }, due: asked.expires }
            }
            Some((question, _)) => Effect::Record(What::ApprovalVoided { question }),
            None => Effect::AskApproval(Box::new(Question { visit: index, hash, orders, approval })),
        })
    }

    /// Everything of the visit that did not leave yet and can be said already. What cannot, because an earlier command gives its
    /// values, is asked about when it can.
    pub(super) fn to_approve(&self, index: usize, visit: &Visit, commands: usize) -> Vec<Order> {
        let mut orders = Vec::new();
        for command in visit.command..commands {
            for target in self.targets(visit) {
                let known = visit.units.get(&(command, target)).and_then(|key| self.state.orders.get(key));
                if known.is_none_or(|state| state.status == OrderStatus::Again) {
                    orders.extend(self.state.order(index, command, target).and_then(Result::ok));
                }
            }
        }
        orders
    }

    pub(super) fn is_pending(&self, key: &Key) -> bool {
        let status = self.state.orders.get(key).map(|state| &state.status);
        matches!(status, Some(OrderStatus::Dispatched | OrderStatus::Unknown))
    }

    /// What belongs to commands and to no step any more: unknown ones, and effects that must end.
    fn of_orders(&self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (key, state) in &self.state.orders {
            if state.status == OrderStatus::Unknown {
                effects.push(Effect::Reconcile(Box::new(state.order.clone())));
            }
            if state.order.undoes.is_some() && state.status == OrderStatus::Again {
                let attempts_before = state.order.attempts_before + 1;
                effects.push(Effect::Dispatch(Box::new(Order { attempts_before, ..state.order.clone() })));
            }
            if !may_stand(state) {
                continue;
            }
            let Some(undo) = state.undo.as_ref().filter(|undo| !self.state.orders.contains_key(&undo.key))
            else {
                continue;
            };
            match state.stop_at {
                _ if state.undo_wanted => effects.push(Effect::Dispatch(undo.clone())),
                Some(due) => effects.push(Effect::Wait { timer: Timer::Stop { key: key.clone() }, due }),
                None => {}
            }
        }
        effects
    }
}

/// Whether the command may have had its effect. What left and was not answered may have.
pub(super) fn may_stand(state: &OrderState) -> bool {
    matches!(state.status, OrderStatus::Done | OrderStatus::Unknown | OrderStatus::Dispatched)
        && state.order.undoes.is_none()
}

/// The order that undoes another: to the same agent on the same target.
pub(super) fn undo_of(order: &Order) -> Option<Order> {
    let command = order.inverse.clone()?;
    let mut undo = Order {
        key: render::key(&["undo", &order.key.0]),
        command,
        inverse: None,
        stop_after_ms: None,
        out_args: Vec::new(),
        undoes: Some(order.key.clone()),
        attempts_before: 0,
        ..order.clone()
    };
    undo.hash = render::hash_of(&undo);
    Some(undo)
}

/// What an approval is bound to.
pub(super) fn question_hash(orders: &[Order]) -> super::event::Hash {
    render::hash(&json!(orders.iter().map(|order| &order.hash).collect::<Vec<_>>()))
}

pub(super) fn fits(runnable: &Runnable, the: &PlaybookAction) -> bool {
    let playbook = runnable.playbook();
    let version = the.playbook_version.as_ref();
    playbook.id == the.playbook_id
        && version.is_none_or(|version| Some(version) == playbook.modified.as_ref())
}

fn failure(code: FailureCode, detail: impl Into<String>) -> Failure {
    Failure { code, step: String::new(), detail: detail.into() }
}

/// The instant so many milliseconds later, or the last one there is.
pub(super) fn later(at: Timestamp, milliseconds: u64) -> Timestamp {
    let duration = SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or(i64::MAX));
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}
