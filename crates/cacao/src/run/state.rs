//! What a run knows: everything of it comes from its events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::effect::Order;
use super::event::{Failure, Hash, Key, Limits, Outcome, Person, PlaybookRef};
use crate::{Playbook, Step, Variable};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    pub(super) run: String,
    pub(super) requester: Person,
    pub(super) limits: Limits,
    pub(super) instances: Vec<Instance>,
    pub(super) frames: Vec<Frame>,
    pub(super) visits: Vec<Visit>,
    pub(super) questions: Vec<Asked>,
    pub(super) orders: BTreeMap<Key, OrderState>,
    /// Frames that are not closed, not dropped, and do not wait for frames below them alone.
    pub(super) active: BTreeSet<usize>,
    pub(super) paused: bool,
    pub(super) dry_run: bool,
    pub(super) ended: Option<Outcome>,
    pub(super) events: u64,
}

/// A playbook being walked, with its variables.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) playbook: Arc<Playbook>,
    pub(super) reference: PlaybookRef,
    pub(super) variables: BTreeMap<String, Variable>,
    /// 0 for the run's own playbook.
    pub(super) depth: usize,
}

impl PartialEq for Instance {
    fn eq(&self, other: &Self) -> bool {
        self.reference == other.reference && self.variables == other.variables && self.depth == other.depth
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    /// Its place, the same in every replay: what keys are made of.
    pub(super) path: String,
    pub(super) instance: usize,
    /// The visit that opened it.
    pub(super) parent: Option<usize>,
    pub(super) position: Position,
    /// How many steps it entered.
    pub(super) steps_entered: usize,
    /// The failure that brought the frame to `workflow_exception`, or to the `on_failure` of the step before.
    pub(super) called_with: Option<Failure>,
    /// The failure that nobody handled but `workflow_exception`.
    pub(super) exception: Option<Failure>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Position {
    /// Before this step.
    Next(String),
    /// In this visit.
    In(usize),
    /// At its end.
    Closed(Outcome),
    /// Taken note of, or given up.
    Gone,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Visit {
    pub(super) frame: usize,
    pub(super) step: String,
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) phase: Phase,
    /// Turns of a loop that were begun.
    pub(super) turns: u32,
    pub(super) timeout: Option<Timestamp>,
    /// Frames that it opened and that did not join yet.
    pub(super) children: BTreeSet<usize>,
    /// What the first branch that failed failed by.
    pub(super) branch_failure: Option<Failure>,
    /// Which command is being carried out.
    pub(super) command: usize,
    /// Commands by index and target's index.
    pub(super) units: BTreeMap<(usize, usize), Key>,
    /// What may be dispatched.
    pub(super) approved: BTreeSet<Hash>,
    /// The question that is open or was answered last.
    pub(super) question: Option<usize>,
    pub(super) called_with: Option<Failure>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phase {
    Delaying(Timestamp),
    Ready,
    /// For the frames that it opened.
    Waiting,
    Done(Outcome),
    /// Ended, or given up.
    Over,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    pub(super) visit: usize,
    pub(super) hash: Hash,
    /// The hashes of the single orders.
    pub(super) orders: Vec<Hash>,
    pub(super) expires: Timestamp,
    pub(super) given: Vec<Person>,
    /// Whether the last one who agreed did so alone.
    pub(super) alone: bool,
    pub(super) answer: QuestionState,
}

/// How a question for approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionState {
    /// Too few have agreed yet.
    Open,
    /// Enough agreed.
    Granted,
    /// Refused, expired, or about something that would not be carried out any more.
    Closed,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct OrderState {
    pub(super) order: Order,
    pub(super) visit: usize,
    pub(super) status: OrderStatus,
    pub(super) stop_at: Option<Timestamp>,
    /// The order that undoes it.
    pub(super) undo: Option<Box<Order>>,
    /// Whether no step waits for it any more.
    pub(super) abandoned: bool,
    pub(super) undo_wanted: bool,
}

/// What is known of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderStatus {
    /// It left and was not answered.
    Dispatched,
    /// Nobody knows what became of it.
    Unknown,
    /// It was carried out.
    Done,
    /// It was not carried out.
    Failed,
    /// It never arrived, or may be sent twice: it goes out again under the same key.
    Again,
}

impl State {
    pub(super) fn frame(&self, index: usize) -> Option<&Frame> {
        self.frames.get(index)
    }

    pub(super) fn visit(&self, index: usize) -> Option<&Visit> {
        self.visits.get(index)
    }

    pub(super) fn instance_of(&self, visit: &Visit) -> Option<&Instance> {
        self.frames.get(visit.frame).and_then(|frame| self.instances.get(frame.instance))
    }

    pub(super) fn step_of(&self, visit: &Visit) -> Option<&Step> {
        self.instance_of(visit).and_then(|instance| instance.playbook.workflow.get(&visit.step))
    }

    /// The variable as the visit sees it: its own, those of the visits whose branches it is in, the playbook's (§10.18.1).
    pub(super) fn variable(&self, visit: usize, name: &str) -> Option<&Variable> {
        let mut at = self.visit(visit)?;
        let instance = self.frame(at.frame)?.instance;
        loop {
            if let Some(variable) = at.variables.get(name) {
                return Some(variable);
            }
            let parent = self.frame(at.frame)?.parent.and_then(|parent| self.visit(parent));
            let parent =
                parent.filter(|parent| self.frame(parent.frame).is_some_and(|f| f.instance == instance));
            match parent {
                Some(parent) => at = parent,
                None => return self.instances.get(instance)?.variables.get(name),
            }
        }
    }

    /// The same, to be changed.
    pub(super) fn variable_mut(&mut self, visit: usize, name: &str) -> Option<&mut Variable> {
        let mut index = visit;
        let instance = self.frame(self.visit(index)?.frame)?.instance;
        loop {
            let at = self.visit(index)?;
            if at.variables.contains_key(name) {
                return self.visits.get_mut(index)?.variables.get_mut(name);
            }
            let parent = self.frame(at.frame)?.parent;
            let of_instance = |visit: &usize| {
                self.visit(*visit)
                    .and_then(|visit| self.frame(visit.frame))
                    .is_some_and(|f| f.instance == instance)
            };
            match parent.filter(of_instance) {
                Some(parent) => index = parent,
                None => return self.instances.get_mut(instance)?.variables.get_mut(name),
            }
        }
    }
}
