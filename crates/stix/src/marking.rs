//! Data markings (STIX 2.1 §7.2): which marking definitions apply to an object, and what the known ones mean.

use crate::{Id, Object};

/// Traffic Light Protocol 2.0 levels, from the freest to the strictest; TLP 1.0 `WHITE` reads as `Clear`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tlp {
    /// TLP:CLEAR, TLP:WHITE.
    Clear,
    /// TLP:GREEN.
    Green,
    /// TLP:AMBER.
    Amber,
    /// TLP:AMBER+STRICT.
    AmberStrict,
    /// TLP:RED.
    Red,
}

impl Tlp {
    /// Every level, from the freest to the strictest.
    pub const ALL: [Self; 5] = [Self::Clear, Self::Green, Self::Amber, Self::AmberStrict, Self::Red];

    /// The name used on the wire, in storage, in configuration and in policies: `clear`, `green`, `amber`, `amber+strict`, `red`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Green => "green",
            Self::Amber => "amber",
            Self::AmberStrict => "amber+strict",
            Self::Red => "red",
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// The level that a marking definition of the specification stands for, by its fixed identifier: the four of TLP 1.0
/// (STIX 2.1 §7.2.1.4) and the five of TLP 2.0 (OASIS extension `60a3c5c5-…`).
#[must_use]
pub fn tlp(_marking: &Id) -> Option<Tlp> {
    None
}

/// Every marking of an object: `object_marking_refs` and the `marking_ref`s of its granular markings, sorted, once each.
#[must_use]
pub fn marking_refs(_object: &Object) -> Vec<Id> {
    Vec::new()
}
