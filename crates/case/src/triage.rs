use oversight::OrganisationId;
use stix::Id;

use crate::{Case, Severity};

/// When sightings make a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Sightings closer together than this belong together.
    pub window: jiff::SignedDuration,
    /// So many members must see related indicators.
    pub members_min: usize,
    /// An indicator of at least this severity opens a case alone.
    pub severity_alone: Severity,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            window: jiff::SignedDuration::from_hours(24),
            members_min: 2,
            severity_alone: Severity::HIGH,
        }
    }
}

/// What triage needs of one sighting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The STIX sighting.
    pub sighting: Id,
    /// The indicator that matched.
    pub indicator: Id,
    /// Its name, for the title.
    pub indicator_name: String,
    /// What the indicator is tied to: campaign, intrusion set, malware (their ids); sightings of one thread belong together.
    pub threads: Vec<Id>,
    /// The indicator's severity.
    pub severity: Severity,
    /// Whose network.
    pub organisation: OrganisationId,
    /// When.
    pub at: jiff::Timestamp,
}

/// What to do with a sighting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Triage {
    /// It stands alone.
    Nothing,
    /// It joins this open case.
    Join(Id),
    /// It opens a case, with these earlier sightings.
    Open {
        /// The rule: `several-members` or `high-severity`.
        rule: &'static str,
        /// A title in words.
        title: String,
        /// The severity to begin with.
        severity: Severity,
        /// Indices into `recent` that belong to it.
        with: Vec<usize>,
    },
}

/// Decides on one new sighting, given the open cases and the recent sightings that are in no case.
#[must_use]
pub fn triage(_new: &Seen, _open: &[Case], _recent: &[Seen], _rules: &Rules) -> Triage {
    Triage::Nothing
}
