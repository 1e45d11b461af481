//! Legal holds: what a court or an inspection needs is not destroyed meanwhile. Two persons decide, for a reason.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::class::{ClassKeyId, Name};

/// Two different persons who decided something together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "[String; 2]", into = "[String; 2]")]
pub struct TwoPersons([String; 2]);

/// What is held.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldScope {
    /// All that is kept under an authorisation.
    Authorisation(Name),
    /// All of a retention class.
    Class(Name),
    /// One class key.
    ClassKey(ClassKeyId),
}

/// A hold, as it was decided. Its serialised form is for the caller to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawHold", into = "RawHold")]
pub struct LegalHold {
    scope: HoldScope,
    /// Not empty.
    reason: String,
    placed_by: TwoPersons,
    placed_at: Timestamp,
    /// Who lifted it and when; after that it is history.
    lifted: Option<(TwoPersons, Timestamp)>,
}

/// All holds that were ever placed and are still known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    by_scope: BTreeMap<HoldScope, Vec<LegalHold>>,
    /// Class keys that are kept for a reason that stands elsewhere.
    kept: BTreeSet<ClassKeyId>,
}

/// Why a hold cannot be placed or lifted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// One person alone, or nobody.
    #[error("a hold is placed and lifted by two persons: name two different ones")]
    OnePerson,
    /// Nobody said why.
    #[error("a hold has a reason: say what asks for it")]
    NoReason,
    /// It is over already.
    #[error("this hold was lifted on {0}")]
    Lifted(Timestamp),
    /// Lifted before it was placed.
    #[error("this hold was placed on {0}, which is later")]
    NotYet(Timestamp),
}

impl TwoPersons {
    /// Two persons; names that differ only in case or in space around them are one person.
    ///
    /// # Errors
    /// [`HoldError::OnePerson`].
    pub fn new(first: &str, second: &str) -> Result<Self, HoldError> {
        let [first, second] = [first.trim(), second.trim()];
        let same = first.to_lowercase() == second.to_lowercase();
        if same || first.is_empty() || second.is_empty() {
            return Err(HoldError::OnePerson);
        }
        Ok(Self([first.to_owned(), second.to_owned()]))
    }

    /// Their names.
    pub fn names(&self) -> [&str; 2] {
        let [first, second] = &self.0;
        [first, second]
    }
}

impl HoldScope {
    /// Whether a class key is in it.
    pub fn covers(&self, id: &ClassKeyId) -> bool {
        match self {
            Self::Authorisation(name) => name == id.authorisation(),
            Self::Class(name) => name == id.class(),
            Self::ClassKey(held) => held == id,
        }
    }
}

impl LegalHold {
    /// Holds something from now on.
    ///
    /// # Errors
    /// [`HoldError::NoReason`].
    pub fn place(
        scope: HoldScope,
        reason: &str,
        placed_by: TwoPersons,
        placed_at: Timestamp,
    ) -> Result<Self, HoldError> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(HoldError::NoReason);
        }
        Ok(Self { scope, reason: reason.to_owned(), placed_by, placed_at, lifted: None })
    }

    /// Ends it. Any two persons with the right to may, not only those who placed it: that right is the caller's to check.
    ///
    /// # Errors
    /// [`HoldError::Lifted`] and [`HoldError::NotYet`].
    pub fn lift(mut self, lifted_by: TwoPersons, at: Timestamp) -> Result<Self, HoldError> {
        if let Some((_, since)) = self.lifted {
            return Err(HoldError::Lifted(since));
        }
        if at < self.placed_at {
            return Err(HoldError::NotYet(self.placed_at));
        }
        self.lifted = Some((lifted_by, at));
        Ok(self)
    }

    /// What is held.
    pub fn scope(&self) -> &HoldScope {
        &self.scope
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Who placed it.
    pub fn placed_by(&self) -> &TwoPersons {
        &self.placed_by
    }

    /// Since when.
    pub fn placed_at(&self) -> Timestamp {
        self.placed_at
    }

    /// Who lifted it, and when.
    pub fn lifted(&self) -> Option<&(TwoPersons, Timestamp)> {
        self.lifted.as_ref()
    }
}

impl Holds {
    /// These holds.
    pub fn new(holds: impl IntoIterator<Item = LegalHold>) -> Self {
        let mut by_scope: BTreeMap<HoldScope, Vec<LegalHold>> = BTreeMap::new();
        for hold in holds {
            by_scope.entry(hold.scope.clone()).or_default().push(hold);
        }
        Self { by_scope, kept: BTreeSet::new() }
    }

    /// The same, and class keys that must not be destroyed for a reason that their keeper has written down elsewhere: evidence of a case
    /// is held item by item.
    #[must_use]
    pub fn and_keys(self, kept: impl IntoIterator<Item = ClassKeyId>) -> Self {
        Self { kept: kept.into_iter().collect(), ..self }
    }

    /// Whether a class key must not be destroyed now.
    pub fn is_held(&self, id: &ClassKeyId) -> bool {
        self.kept.contains(id) || self.covering(id).is_some()
    }

    /// The hold that keeps a class key from being destroyed; one that was lifted does not.
    ///
    /// A hold counts from when it is known here, whatever time it bears: were that compared with a clock, one that is slow would destroy
    /// what a court has just asked for.
    pub fn covering(&self, id: &ClassKeyId) -> Option<&LegalHold> {
        let scopes = [
            HoldScope::Authorisation(id.authorisation().clone()),
            HoldScope::Class(id.class().clone()),
            HoldScope::ClassKey(id.clone()),
        ];
        let known = scopes.iter().filter_map(|scope| self.by_scope.get(scope)).flatten();
        known.into_iter().find(|hold| hold.lifted.is_none())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHold {
    scope: HoldScope,
    reason: String,
    placed_by: TwoPersons,
    placed_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lifted_by: Option<TwoPersons>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lifted_at: Option<Timestamp>,
}

impl TryFrom<RawHold> for LegalHold {
    type Error = HoldError;

    fn try_from(raw: RawHold) -> Result<Self, HoldError> {
        let hold = Self::place(raw.scope, &raw.reason, raw.placed_by, raw.placed_at)?;
        match (raw.lifted_by, raw.lifted_at) {
            (Some(by), Some(at)) => hold.lift(by, at),
            (None, None) => Ok(hold),
            _ => Err(HoldError::OnePerson),
        }
    }
}

impl From<LegalHold> for RawHold {
    fn from(hold: LegalHold) -> Self {
        let (lifted_by, lifted_at) = hold.lifted.unzip();
        let LegalHold { scope, reason, placed_by, placed_at, .. } = hold;
        Self { scope, reason, placed_by, placed_at, lifted_by, lifted_at }
    }
}

impl TryFrom<[String; 2]> for TwoPersons {
    type Error = HoldError;

    fn try_from([first, second]: [String; 2]) -> Result<Self, HoldError> {
        Self::new(&first, &second)
    }
}

impl From<TwoPersons> for [String; 2] {
    fn from(persons: TwoPersons) -> Self {
        persons.0
    }
}
