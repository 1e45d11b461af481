//! What is looked up about an order before `policy::permit` decides on it.

use std::collections::BTreeSet;

use cacao::run::{Order, Run};
use jiff::{SignedDuration, Timestamp};
use oversight::authorisation::State;
use oversight::reason::Reason;
use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose};
use policy::permit::{Approver, Authority, Denied, Gate, Hit, Proposed, Radius};
use policy::{Operation, Personal, Principal, PrincipalKind, TlpLabel};
use stix::marking::{Pap, Tlp};
use store::peers::Peer;
use store::runs::{Approval, NewRun};
use store::{Reader, StoreError, authorisations, labels, objects, orders, people, runs};
use uuid::Uuid;

use super::Response;
use super::orders::Draft;
use super::shelf::{Level, level};
use crate::REALM;
use crate::principal::{organisation_role, personal_of};

/// The time over which orders are counted.
const RATE_OVER: SignedDuration = SignedDuration::from_hours(1);

/// What a step's orders are counted by.
pub(super) fn step_of(order: &Order) -> String {
    format!("{} {}", order.playbook.id, order.step)
}

/// Everything about an order that the gates ask for.
///
/// # Errors
/// Those of the database.
pub(super) fn proposed(
    reader: &Reader<'_>,
    response: &Response,
    (begun, run, order): (&NewRun, &Run, &Order),
    (operator, draft): (&OrganisationId, Option<&Draft>),
) -> Result<Proposed, StoreError> {
    let now = reader.now();
    let (tlp, pap) = marking(reader, response, begun, order)?;
    let radius = order.safeguards.as_ref().and_then(|the| the.blast_radius.as_ref());
    let stop_after_ms = match draft {
        Some(draft) => draft.stops.map(|stops| until(now, stops)),
        None => order.stop_after_ms,
    };
    Ok(Proposed {
        hash: order.hash.0.clone(),
        playbook: playbook(reader, response, begun, order)?,
        person: (!super::is_program(&begun.person)).then(|| begun.person.clone()),
        requester: begun.organisation.clone(),
        operator: operator.clone(),
        authority: authority(reader, response, named_authority(order), (&begun.organisation, operator))?,
        tlp,
        pap,
        hits: draft.map_or_else(|| named(order), |draft| draft.hits.clone()),
        stop_after_ms,
        radius: Radius {
            addresses_max: radius.and_then(|the| the.addresses_max),
            ipv4_prefix_min: radius.and_then(|the| the.ipv4_prefix_min),
            ipv6_prefix_min: radius.and_then(|the| the.ipv6_prefix_min),
            actions_per_hour_max: radius.and_then(|the| the.actions_per_hour_max),
        },
        within_hour: within_hour(reader, (&begun.organisation, &step_of(order)))?,
        approvers: approvers(reader, response, begun, (run, order))?,
    })
}

/// Orders within the last hour: of an organisation, and of them those of one step.
///
/// # Errors
/// Those of the database.
pub(super) fn within_hour(
    reader: &Reader<'_>,
    whose: (&OrganisationId, &str),
) -> Result<(u64, u64), StoreError> {
    let since = reader.now().checked_sub(RATE_OVER).unwrap_or(Timestamp::MIN);
    orders::since(reader, &REALM, whose, since)
}

/// How many milliseconds are left.
pub(super) fn until(now: Timestamp, stops: Timestamp) -> u64 {
    u64::try_from(stops.duration_since(now).as_millis()).unwrap_or(0)
}

/// What a command to an agent names as far as it can be read: the addresses of its target.
fn named(order: &Order) -> Vec<Hit> {
    let addresses = order.target.iter().flat_map(|target| target.agent.address.values()).flatten();
    addresses.filter_map(|address| Hit::parse(address)).collect()
}

/// Whether the playbook that the step is of may run now, or why not.
fn playbook(
    reader: &Reader<'_>,
    response: &Response,
    begun: &NewRun,
    order: &Order,
) -> Result<Result<(), String>, StoreError> {
    let now = reader.now();
    let shelved = if order.playbook.id == begun.playbook {
        vec![response.shelf.begun(reader, begun)?]
    } else {
        response.shelf.line(reader, &begun.organisation, &order.playbook.id)?
    };
    let found =
        shelved.into_iter().find(|shelved| hex::encode(shelved.playbook.digest()) == order.playbook.digest);
    let Some(found) = found else {
        return Ok(Err(Reason::PlaybookGone.say(&[("playbook", &order.playbook.id)])));
    };
    if let Some(newest) = response.shelf.line(reader, &begun.organisation, &order.playbook.id)?.first()
        && newest.playbook.revoked
        && newest.organisation() == found.organisation()
    {
        return Ok(Err(Reason::PlaybookWithdrawn.say(&[])));
    }
    let checked = found.runnable(&response.config, &begun.organisation, now);
    Ok(checked.map(|_| ()).map_err(|refused| refused.to_string()))
}

/// The strictest levels of the case that the run answers and of the playbook.
fn marking(
    reader: &Reader<'_>,
    response: &Response,
    begun: &NewRun,
    order: &Order,
) -> Result<(Option<Tlp>, Option<Pap>), StoreError> {
    let of_case = match &begun.case {
        Some(id) => match objects::standing_label(reader, &REALM, id)? {
            Some(key) => labels::get(reader, &REALM, key)?,
            None => None,
        },
        None => None,
    };
    // A case that is gone, or bears what nobody knows, allows nothing.
    let unreadable = begun.case.is_some() && of_case.as_ref().is_none_or(|label| !label.unknown.is_empty());
    let (mut tlp, pap) = match &of_case {
        Some(label) => {
            let level = match label.tlp {
                TlpLabel::Level(level) => Some(level),
                TlpLabel::Unmarked => None,
            };
            (level, label.pap)
        }
        None => (None, None),
    };
    if unreadable {
        tlp = Some(Tlp::Red);
    }
    if order.playbook.id == begun.playbook {
        match level(&response.shelf.begun(reader, begun)?.playbook) {
            Some(Level::Tlp(level)) => tlp = Some(tlp.map_or(level, |known| known.max(level))),
            Some(Level::Unknown) => tlp = Some(Tlp::Red),
            None => {}
        }
    }
    Ok((tlp, pap))
}

/// The legal basis that a step names, and what it refers to.
fn named_authority(order: &Order) -> Option<(&str, Option<&str>)> {
    let named = order.safeguards.as_ref()?.authority.as_ref()?;
    Some((named.basis.as_str(), named.reference.as_deref()))
}

/// The authority that is named, looked up.
///
/// # Errors
/// Those of the database.
pub(super) fn authority(
    reader: &Reader<'_>,
    response: &Response,
    named: Option<(&str, Option<&str>)>,
    (requester, operator): (&OrganisationId, &OrganisationId),
) -> Result<Authority, StoreError> {
    let Some((_, reference)) = named.filter(|(basis, _)| !basis.trim().is_empty()) else {
        return Ok(Authority::None);
    };
    let reference = reference.map(str::trim).unwrap_or_default();
    if let Ok(id) = Uuid::parse_str(reference) {
        return authorisation(reader, id, operator);
    }
    let now = reader.now();
    let mut known =
        response.config.authorities.iter().filter(|known| known.reference == reference).peekable();
    if known.peek().is_none() {
        return Ok(Authority::Own);
    }
    if known.any(|known| known.holds(operator, now)) {
        return Ok(Authority::Standing);
    }
    let why = Reason::ReferenceNotHere.say(&[("reference", &reference), ("operator", operator)]);
    Ok(if requester == operator { Authority::Own } else { Authority::NotStanding(why) })
}

/// One of the commission's.
fn authorisation(reader: &Reader<'_>, id: Uuid, operator: &OrganisationId) -> Result<Authority, StoreError> {
    let not = |reason: Reason| Authority::NotStanding(reason.say(&[("id", &id)]));
    let Some(found) = authorisations::get(reader, &REALM, id)? else {
        return Ok(not(Reason::AuthorisationUnknown));
    };
    let now = reader.now();
    Ok(if found.state != State::Granted {
        not(Reason::AuthorisationNotInForce)
    } else if now < found.terms.from || found.terms.until <= now {
        not(Reason::AuthorisationNotNow)
    } else if !found.terms.operators.contains(operator) {
        not(Reason::AuthorisationNotForOperator)
    } else {
        Authority::Standing
    })
}

/// Who agreed to exactly this and still counts.
fn approvers(
    reader: &Reader<'_>,
    response: &Response,
    begun: &NewRun,
    (run, order): (&Run, &Order),
) -> Result<BTreeSet<Approver>, StoreError> {
    let given = runs::approvals(reader, &REALM, &begun.id)?;
    let mut counted = BTreeSet::new();
    for (question, person) in run.agreed_to(&order.hash) {
        let approval = of(&given, question, &person.person);
        if let Some(approval) = approval
            && counts(reader, response, approval)?
        {
            counted.insert(Approver {
                person: approval.person.clone(),
                organisation: approval.organisation.clone(),
            });
        }
    }
    Ok(counted)
}

/// The approval of a person to a question.
pub(super) fn of<'a>(given: &'a [Approval], question: usize, person: &str) -> Option<&'a Approval> {
    given.iter().find(|approval| {
        usize::try_from(approval.question).is_ok_and(|number| number == question) && approval.person == person
    })
}

/// Whether an approval still counts: its session was not revoked, and the person is there, in the same organisation, and may approve.
pub(super) fn counts(
    reader: &Reader<'_>,
    response: &Response,
    approval: &Approval,
) -> Result<bool, StoreError> {
    if approval.revoked {
        return Ok(false);
    }
    let person = people::get(reader, &REALM, &approval.person)?;
    let person = person.filter(|person| !person.disabled && person.organisation == approval.organisation);
    let Some(person) = person else { return Ok(false) };
    let Some(organisation_role) = organisation_role(reader, &person.organisation)? else { return Ok(false) };
    let principal = Principal {
        kind: PrincipalKind::Person(person.id.clone()),
        organisation: person.organisation,
        organisation_role,
        roles: person.roles,
        realm: REALM,
        purpose: Purpose::CollectiveDefence,
        personal: personal_of(reader, &approval.person)?,
    };
    Ok(response.engine.load().may(&principal, Operation::ApproveActions))
}

/// Whether people of an organisation may see the case that a run answers; where it answers none there is nothing to see.
///
/// # Errors
/// Those of the database.
pub(crate) fn may_see_case(
    reader: &Reader<'_>,
    response: &Response,
    (organisation, role): (&OrganisationId, OrganisationRole),
    begun: &NewRun,
) -> Result<bool, StoreError> {
    let Some(case) = &begun.case else { return Ok(true) };
    let label = match objects::standing_label(reader, &REALM, case)? {
        Some(key) => labels::get(reader, &REALM, key)?,
        None => None,
    };
    let principal = Principal {
        kind: PrincipalKind::Person(String::new()),
        organisation: organisation.clone(),
        organisation_role: role,
        roles: BTreeSet::from([PersonRole::Approver]),
        realm: REALM,
        purpose: Purpose::CollectiveDefence,
        personal: Personal::default(),
    };
    Ok(label.is_some_and(|label| response.engine.load().check(&principal, Operation::Read, &label)))
}

/// That it may not.
pub(super) fn not_for_hub(peer: &Peer) -> Denied {
    Denied { gate: Gate::Marking, why: Reason::CaseNotForHub.say(&[("peer", &peer.id)]) }
}

/// Whether a peer may be told of the case that a run answers; where it answers none there is nothing to tell.
///
/// # Errors
/// Those of the database.
pub(super) fn may_peer_see_case(
    reader: &Reader<'_>,
    response: &Response,
    peer: &Peer,
    begun: &NewRun,
) -> Result<bool, StoreError> {
    let Some(case) = &begun.case else { return Ok(true) };
    let label = match objects::standing_label(reader, &REALM, case)? {
        Some(key) => labels::get(reader, &REALM, key)?,
        None => None,
    };
    let Some(organisation_role) = organisation_role(reader, &peer.organisation)? else { return Ok(false) };
    let principal = Principal {
        kind: PrincipalKind::Peer(peer.id.clone()),
        organisation: peer.organisation.clone(),
        organisation_role,
        roles: BTreeSet::new(),
        realm: REALM,
        purpose: Purpose::CollectiveDefence,
        personal: Personal::default(),
    };
    Ok(label.is_some_and(|label| response.engine.load().check(&principal, Operation::Read, &label)))
}
