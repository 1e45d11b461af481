//! Whether something may be done to a network: the gates that every order passes, in their order. Each denies where nothing allows.
//!
//! What is asked about was looked up by the caller; what is decided here is decided out of it alone. [`Permit`] is demanded by whoever
//! signs an order, and is made nowhere else.

use std::collections::BTreeSet;

use ipnet::IpNet;
use oversight::OrganisationId;
use oversight::reason::Reason;
use stix::marking::{Pap, Tlp};

/// One order may be given: this one, now. There is no other way to have one than through [`permit`] or [`permit_undoing`].
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    hash: String,
}

impl Permit {
    /// Over exactly what may be carried out.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// A gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Signature and validity of the playbook.
    Playbook,
    /// The legal authority.
    Authority,
    /// PAP and TLP of what it acts on.
    Marking,
    /// What is never acted against.
    Protected,
    /// How much is hit, how often and for how long.
    Radius,
    /// Who agreed.
    Approval,
}

impl Gate {
    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Playbook => "playbook",
            Self::Authority => "authority",
            Self::Marking => "marking",
            Self::Protected => "protected",
            Self::Radius => "radius",
            Self::Approval => "approval",
        }
    }
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("gate `{}`: {why}", gate.name())]
pub struct Denied {
    /// Which gate.
    pub gate: Gate,
    /// In words.
    pub why: String,
}

/// On which authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authority {
    /// The step names none.
    None,
    /// An operator acts in its own network, on a basis that the step names in words.
    Own,
    /// One that was looked up: it stands, and covers the operator whose network it is.
    Standing,
    /// One that was looked up, and does not hold: why.
    NotStanding(String),
}

/// Something that an order names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hit {
    /// An address or a network.
    Network(IpNet),
    /// A domain name, in lower case and without a dot at its end.
    Name(String),
    /// Something that nobody here can bound: in words.
    Other(String),
}

impl Hit {
    /// An address, network or domain name as people write it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(net) =
            text.parse::<IpNet>().ok().or_else(|| text.parse().ok().map(|ip: std::net::IpAddr| ip.into()))
        {
            return Some(Self::Network(net));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label =
            |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
        name.split('.').all(label).then_some(Self::Name(name))
    }

    /// Whether acting against this one acts against the other one: networks that overlap, a name and what is below or above it.
    #[must_use]
    pub fn touches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Network(one), Self::Network(two)) => one.contains(two) || two.contains(one),
            (Self::Name(one), Self::Name(two)) => {
                let below = |name: &str, above: &str| {
                    name == above
                        || name.strip_suffix(above).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                };
                below(one, two) || below(two, one)
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Hit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Network(net) => net.fmt(f),
            Self::Name(name) | Self::Other(name) => f.write_str(name),
        }
    }
}

/// How much a step itself says may be hit. What is absent, the node's bounds decide alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Radius {
    /// Addresses, networks and names of one order.
    pub addresses_max: Option<u64>,
    /// The shortest prefix of an IPv4 network.
    pub ipv4_prefix_min: Option<u8>,
    /// The shortest prefix of an IPv6 network.
    pub ipv6_prefix_min: Option<u8>,
    /// Orders of this step within an hour.
    pub actions_per_hour_max: Option<u64>,
}

/// Somebody who agreed to exactly this, may still do so, and did so in a session that nobody revoked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Approver {
    /// The account.
    pub person: String,
    /// Its organisation.
    pub organisation: OrganisationId,
}

/// What is to be ordered, with all that was looked up about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Over exactly what would be carried out.
    pub hash: String,
    /// Whether the playbook may run here now, or why not.
    pub playbook: Result<(), String>,
    /// The account that asked for it; none where a program did: then nobody of its organisation approves, for whoever made the program may
    /// be among them.
    pub person: Option<String>,
    /// Its organisation.
    pub requester: OrganisationId,
    /// The operator whose network it is.
    pub operator: OrganisationId,
    /// On which authority.
    pub authority: Authority,
    /// The strictest level of what is acted on; none where nothing bears one.
    pub tlp: Option<Tlp>,
    /// The strictest level of how far it may be acted on.
    pub pap: Option<Pap>,
    /// What it names.
    pub hits: Vec<Hit>,
    /// For how long, in milliseconds.
    pub stop_after_ms: Option<u64>,
    /// What the step says of it.
    pub radius: Radius,
    /// Orders within the last hour: of the requester's organisation, and of them those of this step.
    pub within_hour: (u64, u64),
    /// Who agreed.
    pub approvers: BTreeSet<Approver>,
}

/// What holds for every order, whatever its playbook says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// What is never acted against.
    pub protected: Vec<Hit>,
    /// Addresses, networks and names of one order.
    pub addresses_max: u64,
    /// The shortest prefix of an IPv4 network.
    pub ipv4_prefix_min: u8,
    /// The shortest prefix of an IPv6 network.
    pub ipv6_prefix_min: u8,
    /// Orders of one organisation within an hour.
    pub actions_per_hour_max: u64,
    /// The longest effect, in milliseconds.
    pub stop_after_max_ms: u64,
    /// How many must agree to an order to an edge of the requester's own organisation; each but the first of another organisation.
    pub approvals_own: u32,
    /// How many must agree to one to another organisation's edge, each of another organisation.
    pub approvals_other: u32,
}

/// Whether something may be ordered now.
///
/// # Errors
/// The first gate that it does not pass.
pub fn permit(proposed: &Proposed, bounds: &Bounds) -> Result<Permit, Denied> {
    before_approval(proposed, bounds)?;
    approval(proposed, bounds).map_err(|why| Denied { gate: Gate::Approval, why })?;
    Ok(Permit { hash: proposed.hash.clone() })
}

/// Whether something may be ordered that one person agreed to alone, in an emergency: `longest_ms` is how long its effect may last at most, by the
/// node's operator; 0 where nobody may. All other gates are as ever.
///
/// # Errors
/// The first gate that it does not pass.
pub fn permit_alone(proposed: &Proposed, bounds: &Bounds, longest_ms: u64) -> Result<Permit, Denied> {
    before_approval(proposed, bounds)?;
    let denied = |reason: Reason| Err(Denied { gate: Gate::Approval, why: reason.say(&[]) });
    if proposed.stop_after_ms.is_none_or(|long| long > longest_ms) {
        return denied(Reason::NotAlone);
    }
    if agreed(proposed) == 0 {
        return denied(Reason::NobodyAgreed);
    }
    Ok(Permit { hash: proposed.hash.clone() })
}

/// Whether something may be ordered of an edge here that another hub asked for. Its agreement stands in the place of a playbook and was looked
/// up; all other gates are this node's own. `needed` organisations of this node agree, each another one; none where the node's operator
/// configured that who agreed at the other hub is enough.
///
/// # Errors
/// The first gate that it does not pass.
pub fn permit_foreign(proposed: &Proposed, bounds: &Bounds, needed: u32) -> Result<Permit, Denied> {
    before_approval(proposed, bounds)?;
    let given = agreed(proposed);
    if given < needed {
        let why = Reason::TooFewHere.say(&[("given", &given), ("needed", &needed)]);
        return Err(Denied { gate: Gate::Approval, why });
    }
    Ok(Permit { hash: proposed.hash.clone() })
}

/// Whether something could be ordered now if as many agreed as its step asks for: nobody is asked, and there is no permit for it.
///
/// # Errors
/// The first gate that it would not pass.
pub fn rehearse(proposed: &Proposed, bounds: &Bounds, asks: u32) -> Result<(), Denied> {
    before_approval(proposed, bounds)?;
    asked_for(proposed, bounds, asks)
}

fn asked_for(proposed: &Proposed, bounds: &Bounds, asks: u32) -> Result<(), Denied> {
    let needed = needed(proposed, bounds);
    if asks >= needed {
        return Ok(());
    }
    let reason = if is_own(proposed) { Reason::AsksTooFewOwn } else { Reason::AsksTooFewOther };
    let why = reason.say(&[("asks", &asks), ("needed", &needed)]);
    Err(Denied { gate: Gate::Approval, why })
}

/// The same for a command to an agent: what bounds it is what that agent can do ([`permit_call`]).
///
/// # Errors
/// The first gate that it would not pass.
pub fn rehearse_call(proposed: &Proposed, bounds: &Bounds, asks: u32) -> Result<(), Denied> {
    let denied = |gate| move |why| Denied { gate, why };
    proposed.playbook.clone().map_err(denied(Gate::Playbook))?;
    authority(proposed).map_err(denied(Gate::Authority))?;
    marking(proposed).map_err(denied(Gate::Marking))?;
    protected(proposed, bounds).map_err(denied(Gate::Protected))?;
    asked_for(proposed, bounds, asks)
}

fn before_approval(proposed: &Proposed, bounds: &Bounds) -> Result<(), Denied> {
    let denied = |gate| move |why| Denied { gate, why };
    proposed.playbook.clone().map_err(denied(Gate::Playbook))?;
    authority(proposed).map_err(denied(Gate::Authority))?;
    marking(proposed).map_err(denied(Gate::Marking))?;
    protected(proposed, bounds).map_err(denied(Gate::Protected))?;
    radius(proposed, bounds).map_err(denied(Gate::Radius))
}

/// Whether a command may be given to an agent that the node's operator configured for it. What it hits and for how long, nobody can read out of
/// it, so what bounds it is what that agent can do: all gates but the radius's.
///
/// # Errors
/// The first gate that it does not pass.
pub fn permit_call(proposed: &Proposed, bounds: &Bounds) -> Result<Permit, Denied> {
    let denied = |gate| move |why| Denied { gate, why };
    proposed.playbook.clone().map_err(denied(Gate::Playbook))?;
    authority(proposed).map_err(denied(Gate::Authority))?;
    marking(proposed).map_err(denied(Gate::Marking))?;
    protected(proposed, bounds).map_err(denied(Gate::Protected))?;
    approval(proposed, bounds).map_err(denied(Gate::Approval))?;
    Ok(Permit { hash: proposed.hash.clone() })
}

/// Whether an order may be taken back: it was given, and this is what was to undo it from the beginning. Nothing else is asked, for to
/// undo is to do less.
///
/// # Errors
/// [`Gate::Authority`] where there is nothing to take back.
pub fn permit_undoing(hash: &str, was_ordered: bool, is_its_inverse: bool) -> Result<Permit, Denied> {
    if was_ordered && is_its_inverse {
        return Ok(Permit { hash: hash.to_owned() });
    }
    Err(Denied { gate: Gate::Authority, why: Reason::NotAnInverse.say(&[]) })
}

type Passed = Result<(), String>;

fn authority(proposed: &Proposed) -> Passed {
    match &proposed.authority {
        Authority::None => Err(Reason::NoBasis.say(&[])),
        Authority::NotStanding(why) => Err(why.clone()),
        Authority::Own if !is_own(proposed) => Err(Reason::BasisNotFound.say(&[])),
        Authority::Own | Authority::Standing => Ok(()),
    }
}

fn marking(proposed: &Proposed) -> Passed {
    // To block something is an active deed: others can notice it.
    match proposed.pap {
        Some(level @ (Pap::Amber | Pap::Red)) => {
            return Err(Reason::PapForbids.say(&[("level", &level.name().to_uppercase())]));
        }
        Some(Pap::Clear | Pap::Green) | None => {}
    }
    match proposed.tlp {
        Some(Tlp::Red) => Err(Reason::TlpRed.say(&[])),
        Some(Tlp::AmberStrict) if !is_own(proposed) => Err(Reason::TlpAmberStrict.say(&[])),
        _ => Ok(()),
    }
}

fn protected(proposed: &Proposed, bounds: &Bounds) -> Passed {
    for hit in &proposed.hits {
        if let Some(spared) = bounds.protected.iter().find(|spared| hit.touches(spared)) {
            return Err(Reason::Protected.say(&[("target", hit), ("protected", spared)]));
        }
    }
    Ok(())
}

fn radius(proposed: &Proposed, bounds: &Bounds) -> Passed {
    let step = &proposed.radius;
    let addresses_max = step.addresses_max.map_or(bounds.addresses_max, |max| max.min(bounds.addresses_max));
    let hits = u64::try_from(proposed.hits.len()).unwrap_or(u64::MAX);
    if hits == 0 {
        return Err(Reason::NamesNothing.say(&[]));
    }
    if hits > addresses_max {
        return Err(Reason::TooManyAddresses.say(&[("count", &hits), ("most", &addresses_max)]));
    }
    for hit in &proposed.hits {
        match hit {
            Hit::Network(IpNet::V4(net)) => {
                prefix(net.prefix_len(), step.ipv4_prefix_min, bounds.ipv4_prefix_min)?;
            }
            Hit::Network(IpNet::V6(net)) => {
                prefix(net.prefix_len(), step.ipv6_prefix_min, bounds.ipv6_prefix_min)?;
            }
            Hit::Name(name) if !name.contains('.') => {
                return Err(Reason::TopLevel.say(&[("name", name)]));
            }
            Hit::Name(_) => {}
            Hit::Other(what) => return Err(Reason::Unbounded.say(&[("what", what)])),
        }
    }
    let (all, of_step) = proposed.within_hour;
    let max = bounds.actions_per_hour_max;
    if all >= max {
        return Err(Reason::OrganisationRate.say(&[("count", &all), ("most", &max)]));
    }
    if let Some(max) = step.actions_per_hour_max.filter(|max| of_step >= *max) {
        return Err(Reason::StepRate.say(&[("count", &of_step), ("most", &max)]));
    }
    match proposed.stop_after_ms {
        None => Err(Reason::NoEnd.say(&[])),
        Some(0) => Err(Reason::EndsAtOnce.say(&[])),
        Some(long) if long > bounds.stop_after_max_ms => {
            Err(Reason::TooLong.say(&[("asked", &long), ("most", &bounds.stop_after_max_ms)]))
        }
        Some(_) => Ok(()),
    }
}

fn prefix(length: u8, step: Option<u8>, bound: u8) -> Passed {
    let min = step.unwrap_or(bound).max(bound);
    if length >= min {
        return Ok(());
    }
    Err(Reason::TooWide.say(&[("length", &length), ("least", &min)]))
}

fn approval(proposed: &Proposed, bounds: &Bounds) -> Passed {
    let needed = needed(proposed, bounds);
    let given = agreed(proposed);
    if given >= needed {
        return Ok(());
    }
    let reason = if is_own(proposed) { Reason::TooFewOwn } else { Reason::TooFewOther };
    Err(reason.say(&[("given", &given), ("needed", &needed)]))
}

/// How many organisations agreed, not counting who asked.
fn agreed(proposed: &Proposed) -> u32 {
    let others = proposed.approvers.iter().filter(|approver| match &proposed.person {
        Some(person) => approver.person != *person,
        None => approver.organisation != proposed.requester,
    });
    let organisations: BTreeSet<&OrganisationId> = others.map(|approver| &approver.organisation).collect();
    u32::try_from(organisations.len()).unwrap_or(u32::MAX)
}

/// How many must agree.
fn needed(proposed: &Proposed, bounds: &Bounds) -> u32 {
    let needed = if is_own(proposed) { bounds.approvals_own } else { bounds.approvals_other };
    // What nobody at all has to agree to is nowhere.
    needed.max(1)
}

/// Whether the edge is of the organisation that asked.
fn is_own(proposed: &Proposed) -> bool {
    proposed.requester == proposed.operator
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organisation(name: &str) -> OrganisationId {
        OrganisationId::parse(name).unwrap()
    }

    fn approver(person: &str, of: &str) -> Approver {
        Approver { person: person.to_owned(), organisation: organisation(of) }
    }

    fn good() -> Proposed {
        Proposed {
            hash: "h".to_owned(),
            playbook: Ok(()),
            person: Some("asker".to_owned()),
            requester: organisation("police"),
            operator: organisation("kinki"),
            authority: Authority::Standing,
            tlp: Some(Tlp::Amber),
            pap: Some(Pap::Green),
            hits: vec![Hit::parse("198.51.100.7").unwrap()],
            stop_after_ms: Some(3_600_000),
            radius: Radius::default(),
            within_hour: (0, 0),
            approvers: [approver("a", "kinki"), approver("b", "ministry")].into(),
        }
    }

    fn bounds() -> Bounds {
        Bounds {
            protected: vec![Hit::parse("192.0.2.0/24").unwrap(), Hit::parse("bank.example").unwrap()],
            addresses_max: 4,
            ipv4_prefix_min: 24,
            ipv6_prefix_min: 48,
            actions_per_hour_max: 10,
            stop_after_max_ms: 86_400_000,
            approvals_own: 1,
            approvals_other: 2,
        }
    }

    #[test]
    fn what_passes_every_gate_is_permitted_and_is_that_one() {
        assert_eq!(permit(&good(), &bounds()).unwrap().hash(), "h");
    }

    #[test]
    fn what_another_hub_asks_passes_the_gates_of_this_one() {
        let asked = Proposed { person: None, approvers: BTreeSet::new(), ..good() };
        assert_eq!(permit_foreign(&asked, &bounds(), 0).unwrap().hash(), "h");
        let gate = |asked: &Proposed, needed| permit_foreign(asked, &bounds(), needed).unwrap_err().gate;
        assert_eq!(gate(&asked, 1), Gate::Approval);
        // Whoever asked does not agree for this hub as well.
        let own = Proposed { approvers: [approver("a", "police")].into(), ..asked.clone() };
        assert_eq!(gate(&own, 1), Gate::Approval);
        let one = Proposed { approvers: [approver("a", "kinki")].into(), ..asked.clone() };
        assert!(permit_foreign(&one, &bounds(), 1).is_ok());
        assert_eq!(gate(&one, 2), Gate::Approval);
        let spared = Proposed { hits: vec![Hit::parse("192.0.2.9").unwrap()], ..one.clone() };
        assert_eq!(gate(&spared, 1), Gate::Protected);
        assert_eq!(gate(&Proposed { authority: Authority::Own, ..one }, 1), Gate::Authority);
    }

    #[test]
    fn one_who_agrees_alone_opens_the_last_gate_for_a_short_time_and_no_other() {
        let alone =
            Proposed { approvers: [approver("a", "ministry")].into(), stop_after_ms: Some(60_000), ..good() };
        assert!(permit(&alone, &bounds()).is_err());
        assert!(permit_alone(&alone, &bounds(), 60_000).is_ok());
        let gate =
            |proposed: &Proposed, longest| permit_alone(proposed, &bounds(), longest).unwrap_err().gate;
        assert_eq!(gate(&alone, 0), Gate::Approval);
        assert_eq!(gate(&alone, 59_999), Gate::Approval);
        assert_eq!(
            gate(&Proposed { approvers: [approver("asker", "police")].into(), ..alone.clone() }, 60_000),
            Gate::Approval
        );
        assert_eq!(gate(&Proposed { authority: Authority::None, ..alone }, 60_000), Gate::Authority);
    }

    #[test]
    fn a_rehearsal_asks_nobody_and_finds_what_would_be_closed() {
        let nobody = Proposed { approvers: BTreeSet::new(), ..good() };
        assert_eq!(rehearse(&nobody, &bounds(), 2), Ok(()));
        assert_eq!(rehearse(&nobody, &bounds(), 1).unwrap_err().gate, Gate::Approval);
        let endless = Proposed { stop_after_ms: None, ..nobody };
        assert_eq!(rehearse(&endless, &bounds(), 2).unwrap_err().gate, Gate::Radius);
    }

    /// Each change alone closes one gate, and every gate before it is still open.
    #[test]
    fn each_gate_closes_by_itself() {
        type Change = fn(&mut Proposed);
        let hit = |text: &'static str| vec![Hit::parse(text).unwrap()];
        let cases: [(Gate, Change); 15] = [
            (Gate::Playbook, |p| p.playbook = Err("revoked".to_owned())),
            (Gate::Authority, |p| p.authority = Authority::None),
            (Gate::Authority, |p| p.authority = Authority::Own),
            (Gate::Authority, |p| p.authority = Authority::NotStanding("over".to_owned())),
            (Gate::Marking, |p| p.pap = Some(Pap::Amber)),
            (Gate::Marking, |p| p.tlp = Some(Tlp::Red)),
            (Gate::Marking, |p| p.tlp = Some(Tlp::AmberStrict)),
            (Gate::Radius, |p| p.hits = Vec::new()),
            (Gate::Radius, |p| p.hits = vec![Hit::Other("a file".to_owned())]),
            (Gate::Radius, |p| p.stop_after_ms = None),
            (Gate::Radius, |p| p.stop_after_ms = Some(86_400_001)),
            (Gate::Radius, |p| p.within_hour = (10, 0)),
            (Gate::Approval, |p| p.approvers = [approver("a", "kinki")].into()),
            (Gate::Approval, |p| p.approvers = [approver("a", "kinki"), approver("b", "kinki")].into()),
            (Gate::Approval, |p| p.approvers = [approver("a", "kinki"), approver("asker", "police")].into()),
        ];
        for (number, (gate, change)) in cases.into_iter().enumerate() {
            let mut proposed = good();
            change(&mut proposed);
            let denied = permit(&proposed, &bounds()).map(|_| ()).unwrap_err();
            assert_eq!(denied.gate, gate, "case {number}: {denied}");
        }
        for (gate, text) in [
            (Gate::Protected, "192.0.2.9"),
            (Gate::Protected, "192.0.0.0/16"),
            (Gate::Protected, "www.bank.example"),
            (Gate::Protected, "example"),
            (Gate::Radius, "198.51.0.0/16"),
            (Gate::Radius, "2001:db8::/32"),
            (Gate::Radius, "com"),
        ] {
            let proposed = Proposed { hits: hit(text), ..good() };
            assert_eq!(permit(&proposed, &bounds()).map(|_| ()).unwrap_err().gate, gate, "{text}");
        }
    }

    #[test]
    fn the_first_closed_gate_says_why() {
        let all_wrong = Proposed {
            playbook: Err("p".to_owned()),
            authority: Authority::None,
            pap: Some(Pap::Red),
            approvers: BTreeSet::new(),
            ..good()
        };
        assert_eq!(permit(&all_wrong, &bounds()).map(|_| ()).unwrap_err().gate, Gate::Playbook);
    }

    #[test]
    fn the_step_can_only_be_stricter_than_the_node() {
        let loose = Radius { addresses_max: Some(1_000), ipv4_prefix_min: Some(0), ..Radius::default() };
        let proposed = Proposed { hits: vec![Hit::parse("198.51.0.0/16").unwrap()], radius: loose, ..good() };
        assert!(permit(&proposed, &bounds()).is_err());
        let strict = Radius { actions_per_hour_max: Some(1), ..Radius::default() };
        let proposed = Proposed { radius: strict, within_hour: (1, 1), ..good() };
        assert_eq!(permit(&proposed, &bounds()).map(|_| ()).unwrap_err().gate, Gate::Radius);
    }

    #[test]
    fn in_its_own_network_an_operator_needs_one_other_person() {
        let own = Proposed {
            requester: organisation("kinki"),
            authority: Authority::Own,
            approvers: [approver("a", "kinki")].into(),
            ..good()
        };
        assert!(permit(&own, &bounds()).is_ok());
        let alone = Proposed { approvers: [approver("asker", "kinki")].into(), ..own };
        assert_eq!(permit(&alone, &bounds()).map(|_| ()).unwrap_err().gate, Gate::Approval);
        let by_program = Proposed { person: None, approvers: [approver("a", "kinki")].into(), ..alone };
        assert_eq!(permit(&by_program, &bounds()).map(|_| ()).unwrap_err().gate, Gate::Approval);
    }

    #[test]
    fn only_the_inverse_of_what_was_ordered_is_undone() {
        assert!(permit_undoing("h", true, true).is_ok());
        assert!(permit_undoing("h", false, true).is_err() && permit_undoing("h", true, false).is_err());
    }
}
