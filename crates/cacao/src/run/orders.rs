//! Commands: dispatched once, answered once, and undone.

use jiff::Timestamp;

use super::Run;
use super::apply::{Applied, ApplyError};
use super::effect::{Effect, Order};
use super::event::{Answer, Failure, FailureCode, Found, Hash, Key, Outcome, Values};
use super::next::{later, may_stand, undo_of};
use super::state::{OrderState, OrderStatus, Phase, Position, State};
use crate::step::StepKind;

impl Run {
    pub(super) fn dispatched(&mut self, key: &Key, hash: &Hash, at: Timestamp) -> Applied {
        let wanted = self.next().into_iter().find_map(|effect| match effect {
            Effect::Dispatch(order) if order.key == *key => Some(order),
            _ => None,
        });
        let order = *wanted.ok_or(ApplyError::NotExpected)?;
        if order.hash != *hash {
            return Err(ApplyError::HashChanged);
        }
        // Of what is only rehearsed nothing stands, so nothing ends.
        let dry_run = self.state.dry_run;
        let stop_at = order.stop_after_ms.filter(|_| !dry_run).map(|after| later(at, after));
        let visit = match &order.undoes {
            Some(undone) => self.state.orders.get(undone).ok_or(ApplyError::Unknown)?.visit,
            None => self.visit_of(&order).ok_or(ApplyError::Unknown)?,
        };
        if order.undoes.is_none() {
            self.start_clock(visit, at);
            let target = self.target_index(visit, &order);
            self.visit_mut(visit)?.units.insert((order.command_index, target), key.clone());
        }
        let abandoned = order.undoes.is_some();
        let undo = undo_of(&order).filter(|_| !dry_run).map(Box::new);
        let state = OrderState {
            order,
            undo,
            visit,
            status: OrderStatus::Dispatched,
            stop_at,
            abandoned,
            undo_wanted: false,
        };
        self.state.orders.insert(key.clone(), state);
        Ok(())
    }

    /// The visit that wants the order: keys are of one visit alone.
    fn visit_of(&self, order: &Order) -> Option<usize> {
        self.state.active.iter().find_map(|frame| match self.state.frame(*frame)?.position {
            Position::In(visit) => {
                let target = self.target_index(visit, order);
                let rendered = self.state.order(visit, order.command_index, target)?.ok()?;
                (rendered.key == order.key).then_some(visit)
            }
            _ => None,
        })
    }

    fn target_index(&self, visit: usize, order: &Order) -> usize {
        let step = self.state.visit(visit).and_then(|visit| self.state.step_of(visit));
        let Some(StepKind::Action(action)) = step.map(|step| &step.kind) else { return 0 };
        let id = order.target.as_ref().map(|target| &target.id);
        action.targets.iter().position(|target| Some(target) == id).unwrap_or(0)
    }

    pub(super) fn answered(&mut self, key: &Key, answer: &Answer) -> Applied {
        let state = self.state.orders.get(key).ok_or(ApplyError::Unknown)?;
        // An answer that comes late is better than none.
        if !matches!(state.status, OrderStatus::Dispatched | OrderStatus::Unknown) {
            return Err(ApplyError::AnsweredBefore);
        }
        match answer {
            Answer::Done { outputs } => self.settle(key, OrderStatus::Done, Some(outputs), None),
            Answer::Failed { reason } => self.settle(key, OrderStatus::Failed, None, Some(reason)),
            Answer::Lost { reason } => self.settle(key, OrderStatus::Done, None, Some(reason)),
            Answer::Unknown { reason } => self.settle(key, OrderStatus::Unknown, None, Some(reason)),
        }
    }

    pub(super) fn reconciled(&mut self, key: &Key, found: &Found) -> Applied {
        let state = self.state.orders.get(key).ok_or(ApplyError::Unknown)?;
        if state.status != OrderStatus::Unknown {
            return Err(ApplyError::AnsweredBefore);
        }
        let dead = state.abandoned && state.order.undoes.is_none();
        match found {
            Found::Happened { outputs } => self.settle(key, OrderStatus::Done, Some(outputs), None),
            Found::Failed { reason } => self.settle(key, OrderStatus::Failed, None, Some(reason)),
            // Nobody waits for it any more, so it is not sent again.
            Found::NotHappened if dead => self.settle(key, OrderStatus::Failed, None, None),
            Found::NotHappened => self.settle(key, OrderStatus::Again, None, None),
        }
    }

    /// Writes down what became of a command, and moves its step on where that was the last one that it waited for.
    fn settle(
        &mut self,
        key: &Key,
        status: OrderStatus,
        outputs: Option<&Values>,
        reason: Option<&String>,
    ) -> Applied {
        let state = self.state.orders.get_mut(key).ok_or(ApplyError::Unknown)?;
        state.status = status;
        let (visit, abandoned, out_args) = (state.visit, state.abandoned, state.order.out_args.clone());
        if abandoned || self.state.ended.is_some() {
            return Ok(());
        }
        let step = self.state.visit(visit).map(|visit| visit.step.clone()).unwrap_or_default();
        let fails = status == OrderStatus::Failed || (status == OrderStatus::Done && reason.is_some());
        let mut failed = fails.then(|| {
            let detail = reason.cloned().unwrap_or_default();
            Failure { code: FailureCode::CommandFailed, step, detail }
        });
        if let Some(outputs) = outputs {
            failed = self.set_outputs(visit, &out_args, outputs).err().or(failed);
        }
        let visit_state = self.visit_mut(visit)?;
        if let Some(failure) = failed {
            visit_state.branch_failure.get_or_insert(failure);
            self.take_back(visit);
        }
        self.progress(visit)
    }

    /// All targets of a command come before the next command; one failure ends the step when all of them have answered.
    fn progress(&mut self, index: usize) -> Applied {
        let visit = self.state.visit(index).ok_or(ApplyError::Unknown)?;
        let Some(StepKind::Action(action)) = self.state.step_of(visit).map(|step| &step.kind) else {
            return Ok(());
        };
        let (targets, commands) = (State::targets_of(action), action.commands.len());
        let of_command = visit.units.iter().filter(|((command, _), _)| *command == visit.command);
        let statuses: Vec<Option<&OrderStatus>> =
            of_command.map(|(_, key)| self.state.orders.get(key).map(|state| &state.status)).collect();
        let failure = visit.branch_failure.clone();
        let settled = |status: &Option<&OrderStatus>| match status {
            Some(OrderStatus::Done | OrderStatus::Failed) => true,
            // It did not arrive, and a step that fails sends nothing more.
            Some(OrderStatus::Again) => failure.is_some(),
            _ => false,
        };
        let pending = !statuses.iter().all(settled);
        let complete = statuses.len() == targets;
        let visit = self.visit_mut(index)?;
        match failure {
            Some(failure) if !pending => visit.phase = Phase::Done(Outcome::Failure(failure)),
            None if !pending && complete => {
                visit.command += 1;
                if visit.command == commands {
                    visit.phase = Phase::Done(Outcome::Success);
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn undo_asked(&mut self, key: &Key) -> Applied {
        let state = self.state.orders.get_mut(key).ok_or(ApplyError::Unknown)?;
        let undo = state.undo.as_ref().filter(|_| may_stand(state)).map(|undo| undo.key.clone());
        let undo = undo.ok_or(ApplyError::NotExpected)?;
        let first = !state.undo_wanted;
        state.undo_wanted = true;
        match self.state.orders.get_mut(&undo) {
            // An undoing that failed is tried again when somebody asks.
            Some(undone) if undone.status == OrderStatus::Failed => undone.status = OrderStatus::Again,
            None if first => {}
            _ => return Err(ApplyError::NotExpected),
        }
        Ok(())
    }
}
