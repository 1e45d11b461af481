use jiff::Timestamp;
use oversight::OrganisationId;

use super::entry::{EntryId, Lane, Person};

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// It waits for an answer.
    Offered,
    /// It is being done.
    Accepted {
        /// Who accepted.
        by: Person,
        /// When.
        at: Timestamp,
        /// On what legal basis.
        legal_basis: String,
    },
    /// It was not taken.
    Declined {
        /// Why.
        reason: String,
        /// On what legal basis it may not.
        legal_basis: Option<String>,
    },
    /// It came back.
    HandedBack {
        /// When.
        at: Timestamp,
        /// Whether it is done.
        done: bool,
        /// What came of it.
        result: String,
    },
    /// It is no longer wanted.
    Withdrawn {
        /// Why.
        reason: String,
    },
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The entry that offered it.
    pub id: EntryId,
    /// Who offered it; nothing for the system.
    pub from: Option<Person>,
    /// Which organisation offered it.
    pub from_organisation: OrganisationId,
    /// To whom.
    pub to: OrganisationId,
    /// What is asked.
    pub title: String,
    /// In which lane.
    pub lane: Lane,
    /// Until when.
    pub due: Option<Timestamp>,
    /// On what legal basis it is asked.
    pub legal_basis: Option<String>,
    /// When it was offered.
    pub offered: Timestamp,
    /// Where it stands.
    pub state: TaskState,
}

impl Task {
    /// Whether somebody still has to do something.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, TaskState::Offered | TaskState::Accepted { .. })
    }

    /// Whether it should have been done by now, or was done too late.
    #[must_use]
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| match &self.state {
            TaskState::Offered | TaskState::Accepted { .. } => now >= due,
            TaskState::HandedBack { at, .. } => *at >= due,
            TaskState::Declined { .. } | TaskState::Withdrawn { .. } => false,
        })
    }
}
