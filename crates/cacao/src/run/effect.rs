use jiff::Timestamp;
use serde_json::Value;

use super::event::{Failure, Hash, Key, PlaybookRef, Timer, What};
use crate::{AgentTarget, Approval, AuthenticationInfo, Command, Safeguards};

/// What a run wants from its caller. Effects do not depend on each other; after each event they are asked for anew.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Write this down as an event and apply it; nothing else is to be done.
    Record(What),
    /// Ask for approval: write down [`What::ApprovalAsked`], apply it, then show the question to who may answer.
    AskApproval(Box<Question>),
    /// Carry out a command: write down [`What::Dispatched`] with its key and hash, apply it, make it durable, and only then hand
    /// it over. What comes back is [`What::Answered`].
    Dispatch(Box<Order>),
    /// At this time, write down [`What::TimerDue`].
    Wait {
        /// For what.
        timer: Timer,
        /// When.
        due: Timestamp,
    },
    /// Nobody knows what became of a command: have a person or a probe find out, and write down [`What::Reconciled`].
    Reconcile(Box<Order>),
}

/// A question for approval.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The visit that waits.
    pub visit: usize,
    /// Over all orders: what an approval is bound to.
    pub hash: Hash,
    /// What would be carried out, variables replaced.
    pub orders: Vec<Order>,
    /// Who must agree.
    pub approval: Approval,
}

/// A command as it is carried out: variables replaced by their values.
///
/// Who may carry it out is the caller's decision; [`crate::CommandKind::runs_code`] names the kinds that go only to agents that their
/// operator configured for it.
#[derive(Clone, PartialEq)]
pub struct Order {
    /// The run.
    pub run: String,
    /// The idempotency key. It is handed to who carries out the command, where the protocol has a place for it.
    pub key: Key,
    /// Over everything that decides what happens; approvals are bound to it.
    pub hash: Hash,
    /// Which playbook.
    pub playbook: PlaybookRef,
    /// Which step.
    pub step: String,
    /// The step's name.
    pub step_name: Option<String>,
    /// The step's owner, a STIX identity.
    pub owner: Option<String>,
    /// Which of the step's commands, from 0.
    pub command_index: usize,
    /// What to do.
    pub command: Command,
    /// Who does it.
    pub agent: Addressee,
    /// On what; the agent itself where there is none.
    pub target: Option<Addressee>,
    /// What must hold, as the step says. Authority, PAP, protected assets, traffic and rates are the caller's to check.
    pub safeguards: Option<Safeguards>,
    /// What undoes it, variables replaced, known before it is dispatched.
    pub inverse: Option<Command>,
    /// How long the effect may last, from the dispatch.
    pub stop_after_ms: Option<u64>,
    /// The names of the variables that it is to give back.
    pub out_args: Vec<String>,
    /// The command that this one undoes.
    pub undoes: Option<Key>,
    /// How often it was dispatched before.
    pub attempts_before: u32,
    /// What failed, where the step handles a failure.
    pub called_with: Option<Failure>,
}

impl std::fmt::Debug for Order {
    // Values of variables stand in it, and they can be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Order").field("key", &self.key).field("step", &self.step).finish_non_exhaustive()
    }
}

/// An agent or target of an order.
#[derive(Clone, PartialEq)]
pub struct Addressee {
    /// Its identifier in the playbook.
    pub id: String,
    /// What it is, variables replaced.
    pub agent: AgentTarget,
    /// How to authenticate, variables replaced. It can hold a secret.
    pub authentication: Option<AuthenticationInfo>,
}

impl std::fmt::Debug for Addressee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Addressee").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Addressee {
    /// The agent as values, for hashing and showing. Authentication stands in it by reference only.
    #[must_use]
    pub fn shown(&self) -> Value {
        serde_json::json!({"id": self.id, "agent": self.agent.raw})
    }
}
