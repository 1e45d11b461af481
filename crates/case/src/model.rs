use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};
use stix::Id;

/// A case is known by its STIX incident's identifier.
pub type CaseId = Id;

/// Severity 0–5. What each level is called stands in `regimes/severity.toml`, for all of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Severity(u8);

impl From<Severity> for u8 {
    fn from(severity: Severity) -> Self {
        severity.0
    }
}

impl TryFrom<u8> for Severity {
    type Error = String;

    fn try_from(level: u8) -> Result<Self, Self::Error> {
        Self::new(level).ok_or_else(|| format!("severity {level} is not one of 0 to 5"))
    }
}

impl Severity {
    /// 0: nothing of concern.
    pub const NONE: Self = Self(0);
    /// 2: what an indicator is taken for that says nothing about itself.
    pub const MODERATE: Self = Self(2);
    /// 3: more than one member is concerned.
    pub const CONSIDERABLE: Self = Self(3);
    /// 4: severe.
    pub const SEVERE: Self = Self(4);

    /// 0 to 5; anything else is `None`.
    #[must_use]
    pub fn new(level: u8) -> Option<Self> {
        (level <= 5).then_some(Self(level))
    }

    /// The number.
    #[must_use]
    pub fn level(self) -> u8 {
        self.0
    }
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Work goes on.
    Open,
    /// Closed by a person; a new sighting opens a new case.
    Closed,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The STIX incident's identifier.
    pub id: CaseId,
    /// Which world.
    pub realm: Realm,
    /// A short running number for people, e.g. 12.
    pub number: i64,
    /// What it is about.
    pub title: String,
    /// How grave.
    pub severity: Severity,
    /// Open or closed.
    pub state: State,
    /// Account id of the person who works it.
    pub assignee: Option<String>,
    /// Organisations concerned.
    pub members: BTreeSet<OrganisationId>,
    /// STIX objects concerned: indicators, sightings, actors.
    pub objects: BTreeSet<Id>,
    /// When it was opened.
    pub opened: jiff::Timestamp,
    /// When it last changed.
    pub changed: jiff::Timestamp,
    /// The latest sighting in it.
    pub last_seen: jiff::Timestamp,
    /// The strictest label key of what it is made of is worked out by the store; the case itself bears this marking.
    pub marking: stix::marking::Tlp,
    /// What happened, oldest first.
    pub timeline: Vec<Entry>,
    /// Counts up with each change; the guard against two people writing at once.
    pub revision: i64,
}

/// One line of a case's timeline.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// When it was written.
    pub at: jiff::Timestamp,
    /// Who wrote it: account id, or `None` for the node itself.
    pub by: Option<String>,
    /// The writer's organisation.
    pub organisation: Option<OrganisationId>,
    /// What it says.
    pub kind: EntryKind,
}

/// What a timeline entry says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EntryKind {
    /// The case was opened, and by which rule: `several-members`, `high-severity`, `person`.
    Opened {
        /// The rule's name.
        rule: String,
    },
    /// A sighting joined.
    Sighting {
        /// The STIX sighting.
        id: Id,
        /// Whose network.
        organisation: OrganisationId,
        /// The indicator that matched.
        indicator: Id,
    },
    /// The title changed.
    Title {
        /// The new title.
        to: String,
    },
    /// A person changed the severity.
    Severity {
        /// Before.
        from: Severity,
        /// After.
        to: Severity,
    },
    /// The case was given to somebody, or to nobody.
    Assigned {
        /// Account id.
        to: Option<String>,
    },
    /// A person wrote a note.
    Note {
        /// The text, at most 20,000 characters.
        text: String,
    },
    /// A person closed it.
    Closed {
        /// Why.
        reason: String,
    },
    /// A person opened it again.
    Reopened,
    /// A person added objects.
    Objects {
        /// Their identifiers.
        ids: Vec<Id>,
    },
}

/// What a person asks of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another title.
    Title(String),
    /// Another severity.
    Severity(Severity),
    /// Give it to somebody, or to nobody.
    Assign(Option<String>),
    /// Add a note.
    Note(String),
    /// Close, with a reason.
    Close(String),
    /// Open again.
    Reopen,
    /// Add objects.
    Objects(Vec<Id>),
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The case is closed.
    #[error("the case is closed; reopen it first")]
    Closed,
    /// The text is empty or too long.
    #[error("the text is empty or longer than {limit} characters")]
    Text {
        /// Longest text in characters.
        limit: usize,
    },
    /// Nothing would change.
    #[error("nothing would change")]
    Nothing,
}
