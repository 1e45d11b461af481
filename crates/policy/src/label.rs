use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};
use serde::{Deserialize, Serialize};
use stix::marking::Tlp;
use stix::{Id, Object};

/// The Traffic Light Protocol part of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlpLabel {
    /// Marked with a level; of several, the strictest.
    Level(Tlp),
    /// No TLP marking at all.
    Unmarked,
}

/// The canonical form of an object's markings and of where it came from; what release is decided on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    /// Which world.
    pub realm: Realm,
    /// The strictest TLP level.
    pub tlp: TlpLabel,
    /// Markings that restrict nothing by machine: statements (STIX 2.1 §7.2.1.3), sorted.
    pub statements: BTreeSet<Id>,
    /// Markings that this node does not understand. Any of them denies.
    pub unknown: BTreeSet<Id>,
    /// The organisation that brought the object in.
    pub originator: OrganisationId,
}

/// A hash over a label's canonical form: 32 hexadecimal digits, stable over nodes and restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LabelId(pub [u8; 16]);

impl Label {
    /// The label of an object. `is_statement` tells whether a marking-definition id is known here to be a statement
    /// (the object's own batch included); every other unknown id denies.
    #[must_use]
    pub fn of(object: &Object, originator: &OrganisationId, realm: &Realm, is_statement: impl Fn(&Id) -> bool) -> Self {
        let mut label = Self {
            realm: realm.clone(),
            tlp: TlpLabel::Unmarked,
            statements: BTreeSet::new(),
            unknown: BTreeSet::new(),
            originator: originator.clone(),
        };
        for marking in stix::marking::marking_refs(object) {
            match stix::marking::tlp(&marking) {
                Some(level) => label.tlp = label.tlp.join(TlpLabel::Level(level)),
                None if is_statement(&marking) => drop(label.statements.insert(marking)),
                None => drop(label.unknown.insert(marking)),
            }
        }
        label
    }
}

impl TlpLabel {
    /// The stricter of two: a level beats none, a stricter level beats a freer one.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Level(a), Self::Level(b)) => Self::Level(a.max(b)),
            (Self::Level(a), Self::Unmarked) | (Self::Unmarked, Self::Level(a)) => Self::Level(a),
            (Self::Unmarked, Self::Unmarked) => Self::Unmarked,
        }
    }
}
