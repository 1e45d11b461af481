use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing that happened in a run. The events of a run, in their order, are all that is to be kept of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
///
/// Frames, visits and questions are numbered from 0 in the order in which the run opened them. A *frame* is one line of steps being
/// walked: the playbook's main flow, one branch, one turn of a loop, a playbook that was called. A *visit* is one step being carried
/// out in one frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// The run began.
    Started {
        /// The run's identifier, the caller's.
        run: String,
        /// Which playbook.
        playbook: PlaybookRef,
        /// Who asked for it.
        requester: Person,
        /// Values of external variables.
        arguments: Values,
        /// The bounds that hold for this run.
        limits: Limits,
        /// Whether it is only rehearsed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        dry_run: bool,
    },
    /// A frame entered its next step.
    StepEntered {
        /// Which frame.
        frame: usize,
        /// Which step.
        step: String,
    },
    /// An if, while or switch step chose a branch, or none.
    Decided {
        /// Whose choice.
        visit: usize,
        /// `true`, `false` or the case.
        branch: Option<String>,
    },
    /// A parallel step opened its branches.
    BranchesOpened {
        /// Whose.
        visit: usize,
    },
    /// A playbook-action step opened the playbook that it names.
    PlaybookOpened {
        /// Whose.
        visit: usize,
        /// Which version was taken.
        playbook: PlaybookRef,
    },
    /// A frame came to its end, and the step that opened it took note.
    BranchJoined {
        /// Which frame.
        frame: usize,
    },
    /// A step ended; its frame goes on.
    StepEnded {
        /// Which visit.
        visit: usize,
        /// How.
        outcome: Outcome,
    },
    /// Approval of a step's commands was asked for.
    ApprovalAsked {
        /// Of which visit.
        visit: usize,
        /// Over everything that would be carried out.
        hash: Hash,
    },
    /// Somebody agreed to what has this hash.
    ApprovalGiven {
        /// Which question.
        question: usize,
        /// What was shown.
        hash: Hash,
        /// Who.
        by: Person,
        /// In words.
        reason: Option<String>,
        /// Whether this one agrees alone, in an emergency, where the playbook lets one.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        alone: bool,
    },
    /// Somebody refused.
    ApprovalRefused {
        /// Which question.
        question: usize,
        /// Who.
        by: Person,
        /// In words.
        reason: Option<String>,
    },
    /// An approval does not count any more, e.g. because its giver's session was revoked; nothing was dispatched on it.
    ApprovalWithdrawn {
        /// Which question.
        question: usize,
        /// Whose approval.
        person: String,
    },
    /// What was asked about is not what would be carried out now.
    ApprovalVoided {
        /// Which question.
        question: usize,
    },
    /// A command is about to be handed to who carries it out. Written before it leaves.
    Dispatched {
        /// The command's idempotency key.
        key: Key,
        /// Over what is carried out.
        hash: Hash,
    },
    /// What became of a command.
    Answered {
        /// Which.
        key: Key,
        /// What.
        answer: Answer,
    },
    /// A person or a probe found out what became of a command of which it was unknown.
    Reconciled {
        /// Which.
        key: Key,
        /// What was found.
        found: Found,
        /// Who found out.
        by: Person,
    },
    /// A time that the run waited for has come.
    TimerDue {
        /// Which.
        timer: Timer,
    },
    /// Somebody set variables of the playbook.
    VariablesSet {
        /// Which, and their new values.
        values: Values,
        /// Who.
        by: Person,
    },
    /// Somebody wants a command's effect undone before its time.
    UndoAsked {
        /// Which command.
        key: Key,
        /// Who.
        by: Person,
    },
    /// Nothing new is begun until it continues.
    Paused {
        /// Who.
        by: Person,
    },
    /// A paused run goes on.
    Continued {
        /// Who.
        by: Person,
    },
    /// Nothing more is begun at all.
    Cancelled {
        /// Who.
        by: Person,
        /// In words.
        reason: String,
        /// Whether what was done is undone.
        undo: bool,
    },
    /// The program that carried the run had stopped and took it up again.
    Resumed,
    /// The run came to its end.
    Ended {
        /// How.
        outcome: Outcome,
    },
}

/// Values of variables by their names. They can be secrets, so only the names are printed.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(pub BTreeMap<String, Value>);

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// One version of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaybookRef {
    /// `id`
    pub id: String,
    /// `modified`, as the playbook writes it.
    pub modified: String,
    /// [`crate::Playbook::digest`], in hexadecimal.
    pub digest: String,
}

/// A person and the organisation for which it acts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Person {
    /// The caller's identifier of the person.
    pub person: String,
    /// The organisation's STIX identity.
    pub organization: String,
}

/// How a step or a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should.
    Success,
    /// Not; why.
    Failure(Failure),
}

/// Why something failed: what is told to the step that handles it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind.
    pub code: FailureCode,
    /// The step in which it began.
    pub step: String,
    /// In words, without values.
    pub detail: String,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureCode {
    /// The step took longer than its timeout (CACAO 2.0 §4.1).
    ActionTimeout,
    /// A command failed.
    CommandFailed,
    /// What a command gave back does not fit the variable.
    BadOutput,
    /// A variable is not defined, has no value, or has one that may not stand there.
    Rendering,
    /// A condition could not be evaluated.
    Condition,
    /// More would have been hit than the safeguards allow.
    BlastRadius,
    /// Somebody refused.
    ApprovalRefused,
    /// Too few agreed in time.
    ApprovalExpired,
    /// A loop came to the bound of its turns.
    LoopLimit,
    /// The run came to the bound of its steps.
    StepLimit,
    /// The playbook that is called is not here, or may not run.
    PlaybookMissing,
    /// Playbooks call each other too deep.
    PlaybookDepth,
    /// A playbook that is called lacks an argument.
    ArgumentMissing,
    /// Somebody stopped the run.
    Cancelled,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// It was carried out.
    Done {
        /// Values of variables in `out_args`; others are left out.
        #[serde(default)]
        outputs: Values,
    },
    /// It was not carried out, and that is certain.
    Failed {
        /// In words.
        reason: String,
    },
    /// It was carried out and does not hold as it should: the step fails, and there may be something to undo.
    Lost {
        /// In words.
        reason: String,
    },
    /// Nobody knows whether it was carried out.
    Unknown {
        /// In words.
        reason: String,
    },
}

/// What was found out about a command whose fate was unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "kebab-case")]
pub enum Found {
    /// It was carried out.
    Happened {
        /// Values of variables in `out_args`.
        #[serde(default)]
        outputs: Values,
    },
    /// It never arrived: it may be dispatched again.
    NotHappened,
    /// It failed, or nobody will ever know and the step is taken for failed.
    Failed {
        /// In words.
        reason: String,
    },
}

/// A time that a run waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "timer", rename_all = "kebab-case")]
pub enum Timer {
    /// A step's delay is over.
    Delay {
        /// Whose.
        visit: usize,
    },
    /// A step took too long.
    Timeout {
        /// Whose.
        visit: usize,
    },
    /// A question stood long enough.
    Approval {
        /// Which.
        question: usize,
    },
    /// A command's effect must end.
    Stop {
        /// Of which command.
        key: Key,
    },
}

/// The idempotency key of a command: 128 bits in hexadecimal, the same whenever the same run comes to the same command.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub String);

/// SHA-256 in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(pub String);

/// Bounds of a run. CACAO has none for loops and calls; ours keep a hostile playbook from running for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Steps entered, over all branches, turns and playbooks.
    pub steps_max: usize,
    /// Turns of one loop.
    pub loop_turns_max: u32,
    /// Playbooks that call each other.
    pub playbook_depth_max: usize,
    /// Timeout of action steps that have none, in milliseconds (§4.1: implementations SHOULD have one).
    pub step_timeout_default_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps_max: 10_000,
            loop_turns_max: 1_000,
            playbook_depth_max: 8,
            // People answer manual steps after a weekend.
            step_timeout_default_ms: 7 * 24 * 3_600_000,
        }
    }
}
