use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use stix::marking::Tlp;

use crate::organisation::vocabulary;
use std::fmt;

vocabulary! {
    /// What something is looked at, let out or done for.
    Purpose {
        /// Defending one's own network.
        OwnDefence = "own-defence",
        /// Telling the council of an attack, so that others can defend themselves.
        CollectiveDefence = "collective-defence",
        /// Working a case.
        IncidentResponse = "incident-response",
        /// Inspection by the oversight organisation.
        Oversight = "oversight",
        /// Running the node.
        Administration = "administration",
        /// A drill.
        Exercise = "exercise",
    }
}

/// What an edge's own operator agrees to let out of its network, by purpose and marking. The default lets out nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Consent {
    /// Purposes for which a sighting may leave.
    pub purposes: BTreeSet<Purpose>,
    /// The strictest marking of an indicator whose sightings may leave; `None` lets out nothing.
    pub up_to: Option<Tlp>,
    /// The marking that the sightings bear.
    pub mark_as: Option<Tlp>,
    /// Whether the operator's own addresses may be in a sighting. The other side's always may.
    pub own_addresses: bool,
}
