use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::terms::Category;

/// What the law and the commission's rules allow, as configuration: periods, articles, limits. The commission signs it as it signs a
/// grant, and an edge uses none that it did not sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// Its number; a later one has a higher one.
    pub version: u32,
    /// The law and the rules it is drawn from, for people.
    pub source: String,
    /// The measures that there are.
    pub categories: BTreeMap<Category, CategoryRule>,
    /// What an emergency shortens.
    pub emergency: EmergencyRule,
    /// The most indicators of one authorisation.
    pub list_max: u32,
    /// The most queries a day of one authorisation at one operator.
    pub queries_per_day_max: u32,
    /// How old the newest cosigned checkpoint of the log of authorisations may be, in hours, before an edge stops state-tasked work.
    pub checkpoint_hours_max: u32,
    /// For how many hours no quorum of witnesses may cosign before the hub stops state-tasked work and release to others.
    pub unwitnessed_hours_max: u32,
    /// The retention classes that there are.
    pub retention_classes: BTreeSet<String>,
}

/// What holds for a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryRule {
    /// The article that permits it, e.g. `Act 42/2025 art. 17(1)`.
    pub article: String,
    /// The longest that it may be granted for, in hours.
    pub hours_max: u32,
}

/// What holds in an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmergencyRule {
    /// How many commissioners are enough; never fewer than two.
    pub persons: u32,
    /// The longest that it may be granted for, in hours.
    pub hours_max: u32,
}

/// A frame that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No measure is named, or a limit is nought.
    #[error("the frame needs `{0}` above nought")]
    Empty(&'static str),
    /// One person alone never decides.
    #[error("in an emergency at least two persons decide")]
    OnePerson,
}

impl Frame {
    /// Whether the frame says all that it must.
    ///
    /// # Errors
    /// The first thing that is missing.
    pub fn check(&self) -> Result<(), FrameError> {
        let numbers = [
            (self.categories.len(), "categories"),
            (self.categories.values().map(|rule| rule.hours_max as usize).min().unwrap_or(0), "hours_max"),
            (self.emergency.hours_max as usize, "emergency.hours_max"),
            (self.list_max as usize, "list_max"),
            (self.queries_per_day_max as usize, "queries_per_day_max"),
            (self.checkpoint_hours_max as usize, "checkpoint_hours_max"),
            (self.unwitnessed_hours_max as usize, "unwitnessed_hours_max"),
            (self.retention_classes.len(), "retention_classes"),
        ];
        if let Some((_, name)) = numbers.into_iter().find(|(number, _)| *number == 0) {
            return Err(FrameError::Empty(name));
        }
        if self.emergency.persons < 2 {
            return Err(FrameError::OnePerson);
        }
        Ok(())
    }

    /// SHA-256 of the canonical text (RFC 8785).
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(serde_json_canonicalizer::to_vec(self).unwrap_or_default()).into()
    }
}
