//! The rules once more, slow and obvious: plain comparisons, nothing remembered, no Cedar. Whoever asks what a principal must and
//! must not be able to read asks [`reads`].

use std::collections::BTreeSet;

use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose};
use policy::{
    Circumstances, Cover, GroupId, Label, ObjectClass, Onward, Principal, PrincipalKind, Side, SideState,
    Standing, Term, TlpLabel,
};
use stix::marking::Tlp;

/// Whether a principal may read what bears a label.
pub(crate) fn reads(circumstances: &Circumstances, principal: &Principal, label: &Label) -> bool {
    use OrganisationRole::{Academy, Agency, Coordinator, Operator, Oversight, Partner};
    let role = principal.organisation_role;
    let mine = &principal.organisation;
    let is_peer = matches!(principal.kind, PrincipalKind::Peer(_));
    let is_person = matches!(principal.kind, PrincipalKind::Person(_));
    let is_own = label.originator == *mine;
    let is_granted = label.granted.contains(mine);
    let is_inner = [Coordinator, Agency, Operator].contains(&role) && !is_peer;
    let in_all_groups = label.groups.iter().all(|group| is_member(circumstances, group, mine));

    // What is forbidden, whatever else holds.
    if principal.realm != label.realm || role == Oversight || mine.as_str() == "-" {
        return false;
    }
    if !label.unknown.is_empty() && !is_own {
        return false;
    }
    if !label.demands.iter().all(|demand| is_person && holds(principal, &demand.to_string())) {
        return false;
    }

    // What the agreement under which it came says.
    let bound: Vec<(&Standing, &Term)> = bound_by(circumstances, label);
    let came_under = label.agreement.is_some();
    let is_recipient =
        came_under && !bound.is_empty() && bound.iter().all(|(_, term)| names(circumstances, &term.to, mine));
    let in_force =
        !bound.is_empty() && bound.iter().all(|(standing, term)| gives(standing, term, circumstances.now));
    let is_named = !bound.is_empty()
        && bound.iter().all(|(_, term)| matches!(&term.onward, Onward::Named(named) if named.contains(mine)));
    let same_terms =
        !bound.is_empty() && bound.iter().all(|(_, term)| matches!(term.onward, Onward::SameTerms));
    let is_member_here = [Coordinator, Agency, Operator, Academy].contains(&role) && !is_peer;
    let is_free_to_go = !came_under
        || is_recipient
        || is_own
        || is_granted
        || (in_force && (is_named || (same_terms && is_member_here)));
    let control = label.originator_control
        || (came_under && (bound.is_empty() || bound.iter().any(|(_, term)| term.originator_control)));

    // In an emergency.
    let is_unmarked =
        label.tlp == TlpLabel::Unmarked && label.statements.is_empty() && label.groups.is_empty();
    let in_emergency = is_person
        && is_inner
        && [PersonRole::DutyOfficer, PersonRole::Approver].iter().any(|role| principal.roles.contains(role))
        && covered(principal, label)
        && !came_under
        && !control
        && !is_unmarked;
    if in_emergency {
        return true;
    }
    if !label.groups.is_empty() && !in_all_groups && !is_own && !is_granted {
        return false;
    }

    // What is permitted.
    let red = label.tlp == TlpLabel::Level(Tlp::Red);
    let by_level = match label.tlp {
        TlpLabel::Level(Tlp::Clear) => true,
        TlpLabel::Level(Tlp::Green) => {
            !is_peer && [Coordinator, Agency, Operator, Partner, Academy].contains(&role)
        }
        TlpLabel::Level(Tlp::Amber) => is_inner,
        TlpLabel::Level(Tlp::AmberStrict) => role == Coordinator && !is_peer,
        TlpLabel::Level(Tlp::Red) => role == Coordinator && is_person,
        TlpLabel::Unmarked => is_inner && !label.statements.is_empty(),
    };
    let by_group = !label.groups.is_empty() && in_all_groups && is_inner && (!red || is_person);
    let by_grant = is_granted && (!red || is_person);
    let by_own = is_own && !is_peer;
    if (by_level || by_group || by_grant || by_own) && is_free_to_go {
        return true;
    }

    // Under an agreement.
    circumstances.agreements.iter().any(|standing| {
        standing.agreement.terms.iter().any(|term| {
            let may_go = is_free_to_go
                || (in_force && same_terms && bound.iter().all(|(_, other)| is_no_wider(term, other)));
            gives(standing, term, circumstances.now)
                && names(circumstances, &term.from, &label.originator)
                && names(circumstances, &term.to, mine)
                && covers(term, label, principal.purpose)
                && (!red || is_person)
                && !control
                && may_go
        })
    })
}

fn covered(principal: &Principal, label: &Label) -> bool {
    match principal.personal.emergency.as_ref().map(|emergency| &emergency.covers) {
        Some(Cover::Class(class)) => label.class == *class,
        Some(Cover::Level(of, highest)) => {
            label.originator == *of
                && Tlp::ALL.iter().any(|level| level <= highest && label.tlp == TlpLabel::Level(*level))
        }
        Some(Cover::Label(id)) => label.alone().id() == *id,
        Some(Cover::Nothing) | None => false,
    }
}

/// As far as the model's own clearances go: a high one stands for a low one.
fn holds(principal: &Principal, demand: &str) -> bool {
    let is_entered = |name: &str| principal.personal.qualifications.iter().any(|one| one.to_string() == name);
    match demand {
        "clearance:low" => is_entered("clearance:low") || is_entered("clearance:high"),
        "clearance:high" | "oath:council" => is_entered(demand),
        _ => false,
    }
}

fn covers(term: &Term, label: &Label, purpose: Purpose) -> bool {
    let TlpLabel::Level(level) = label.tlp else { return false };
    term.classes.contains(&label.class)
        && level <= term.tlp
        && label.pap.is_none_or(|pap| pap <= term.pap)
        && term.purposes.contains(&purpose)
}

fn bound_by<'a>(circumstances: &'a Circumstances, label: &Label) -> Vec<(&'a Standing, &'a Term)> {
    let Some(id) = &label.agreement else { return Vec::new() };
    let member = |organisation: &OrganisationId| {
        circumstances
            .organisations
            .get(organisation)
            .is_some_and(|role| ![OrganisationRole::Partner, OrganisationRole::Oversight].contains(role))
    };
    let mut inbound = Vec::new();
    let mut about = Vec::new();
    for standing in circumstances.agreements.iter().filter(|standing| standing.agreement.id == *id) {
        for term in &standing.agreement.terms {
            if !circumstances.organisations.keys().any(|to| member(to) && names(circumstances, &term.to, to))
            {
                continue;
            }
            inbound.push((standing, term));
            if names(circumstances, &term.from, &label.originator) && term.classes.contains(&label.class) {
                about.push((standing, term));
            }
        }
    }
    let of_several = label.originator.as_str() == "-" || label.class == ObjectClass::Several;
    if of_several || about.is_empty() { inbound } else { about }
}

fn gives(standing: &Standing, term: &Term, now: jiff::Timestamp) -> bool {
    let state = |party: &OrganisationId| standing.sides.get(party).copied().unwrap_or(SideState::Unsigned);
    let agreement = &standing.agreement;
    let within = agreement.from <= now && now < agreement.until;
    let all_signed = agreement.parties.iter().all(|party| state(party) != SideState::Unsigned);
    let must_give: Vec<&OrganisationId> = if agreement.reciprocal {
        agreement.parties.iter().collect()
    } else {
        term.from.iter().map(Side::organisation).collect()
    };
    within && all_signed && must_give.into_iter().all(|party| state(party) == SideState::Signed)
}

fn names(circumstances: &Circumstances, sides: &BTreeSet<Side>, organisation: &OrganisationId) -> bool {
    sides.iter().any(|side| match side {
        Side::Organisation(named) => named == organisation,
        Side::Members(of) => {
            let role = |id| circumstances.organisations.get(id).copied();
            let is_member = role(organisation).is_some_and(|role| {
                ![OrganisationRole::Partner, OrganisationRole::Oversight].contains(&role)
            });
            of == organisation || (role(of) == Some(OrganisationRole::Coordinator) && is_member)
        }
    })
}

fn is_no_wider(term: &Term, other: &Term) -> bool {
    let onward = match (&term.onward, &other.onward) {
        (Onward::None, _) | (_, Onward::SameTerms) => true,
        (Onward::Named(a), Onward::Named(b)) => a.iter().all(|organisation| b.contains(organisation)),
        _ => false,
    };
    let control = term.originator_control || !other.originator_control;
    onward
        && control
        && term.tlp <= other.tlp
        && term.pap <= other.pap
        && term.classes.iter().all(|class| other.classes.contains(class))
        && term.purposes.iter().all(|purpose| other.purposes.contains(purpose))
}

fn is_member(circumstances: &Circumstances, group: &GroupId, organisation: &OrganisationId) -> bool {
    circumstances.groups.get(group).is_some_and(|members| members.contains(organisation))
}
