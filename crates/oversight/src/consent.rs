use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use stix::marking::Tlp;

use crate::Withheld;
use crate::organisation::vocabulary;

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
    /// The strictest marking of an indicator whose sightings may leave; `None` lets out nothing. An indicator without a TLP
    /// marking counts as stricter than any level, so its sightings never leave.
    pub up_to: Option<Tlp>,
    /// The marking that the sightings bear; `None` is AMBER+STRICT. A sighting names its indicator, so it is never marked
    /// more freely than the indicator itself.
    pub mark_as: Option<Tlp>,
    /// Whether the operator's own addresses may be in a sighting. The other side's always may.
    pub own_addresses: bool,
    /// The operator's own public networks. Private, shared, link-local and loopback addresses always count as its own.
    pub own_networks: Vec<IpNet>,
    /// Whether the operator's opinions on indicators may leave, for the purposes and up to the marking above.
    pub opinions: bool,
}

impl Consent {
    /// Whether an address belongs to the operator.
    #[must_use]
    pub fn is_own(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        never_public(address) || self.own_networks.iter().any(|network| network.contains(&address))
    }

    /// Whether what tells of an indicator with this marking may leave for this purpose; its marking.
    pub(crate) fn covers(&self, purpose: Purpose, marking: Option<Tlp>) -> Result<Tlp, Withheld> {
        if !self.purposes.contains(&purpose) {
            return Err(Withheld::Purpose);
        }
        match (marking, self.up_to) {
            (Some(level), Some(limit)) if level <= limit => Ok(level),
            _ => Err(Withheld::Marking),
        }
    }

    /// Whether sightings of an indicator with this marking may leave for this purpose.
    #[must_use]
    pub fn lets_out(&self, purpose: Purpose, marking: Option<Tlp>) -> bool {
        self.covers(purpose, marking).is_ok()
    }

    /// The marking that a sighting bears: what the operator asks for, but never freer than its indicator.
    pub(crate) fn marking_for(&self, indicator: Tlp) -> Tlp {
        self.mark_as.unwrap_or(Tlp::AmberStrict).max(indicator)
    }
}

/// Whether an address means something inside of a network only: RFC 1918, 6598 (shared), 3927 and 4291 (link-local),
/// 4193 (unique local), loopback, unspecified, broadcast and multicast.
fn never_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}
