//! What besides the policies decides: who is in the council, who is in which sharing group, which agreements stand.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;
use jiff::Timestamp;
use oversight::{OrganisationId, OrganisationRole};

use crate::agreement::Side;
use crate::{AgreementId, GroupId, Label, ObjectClass, Onward, OrderAction, Standing, Term};

/// What stands at one instant, beside the policies. A change of it makes a new [`crate::Engine`].
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// Every organisation and what it is.
    pub organisations: BTreeMap<OrganisationId, OrganisationRole>,
    /// Every sharing group and its members. What is limited to a group that is not among them is withheld.
    pub groups: BTreeMap<GroupId, BTreeSet<OrganisationId>>,
    /// By group: the organisations whose hubs speak for a member of it that is at another hub. Their hubs may carry what is limited to the
    /// group to that member; their people here are no members by it.
    pub carriers: BTreeMap<GroupId, BTreeSet<OrganisationId>>,
    /// Every agreement that ever stood: what came in under one that has ended is still bound by it.
    pub agreements: Vec<Standing>,
    /// When a clearance or an oath of some person begins or ends next.
    pub personal_boundary: Option<Timestamp>,
    /// How often what holds for single persons was changed: whoever made something by what held before makes it anew.
    pub personal_changes: i64,
    /// The instant.
    pub now: Timestamp,
}

/// The same, made ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    terms: Vec<Clause>,
    /// Which of the terms belong to an agreement.
    by_agreement: HashMap<AgreementId, Vec<usize>, RandomState>,
    /// Which of the terms that give now name an organisation as their receiver.
    received_by: HashMap<OrganisationId, Vec<usize>, RandomState>,
    memberships: HashMap<OrganisationId, BTreeSet<GroupId>, RandomState>,
    /// The groups to whose members an organisation's hub carries.
    carried: HashMap<OrganisationId, BTreeSet<GroupId>, RandomState>,
}

/// One term with its sides resolved to organisations.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) agreement: AgreementId,
    /// From 1.
    pub(crate) number: usize,
    pub(crate) term: Term,
    gives: bool,
    /// Gives to some member of this council.
    inbound: bool,
    from: BTreeSet<OrganisationId>,
    to: BTreeSet<OrganisationId>,
}

/// What the agreement under which an object came in says about one reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Received {
    /// The agreement gives at this time.
    pub(crate) in_force: bool,
    /// The reader's organisation is among those that it gave the object to.
    pub(crate) is_recipient: bool,
    /// The reader's organisation is named as one to which it may be handed on.
    pub(crate) is_named: bool,
    /// It may be handed on under terms that give no more.
    pub(crate) same_terms: bool,
    /// Further releases need the originator's consent.
    pub(crate) originator_control: bool,
}

/// Roles of the organisations that are members of the council that the coordinator runs.
pub(crate) const MEMBER_ROLES: [OrganisationRole; 4] = [
    OrganisationRole::Coordinator,
    OrganisationRole::Agency,
    OrganisationRole::Operator,
    OrganisationRole::Academy,
];

impl Circumstances {
    /// When some agreement, or what holds for some person, begins or ends next.
    #[must_use]
    pub fn next_boundary(&self) -> Option<Timestamp> {
        let agreements = self.agreements.iter().filter_map(|standing| standing.next_boundary(self.now));
        agreements.chain(self.personal_boundary).min()
    }

    /// The agreement by which an organisation's hub may now ask for an action in an operator's network, with the longest effect that it allows,
    /// in minutes. Of several the one that allows most.
    #[must_use]
    pub fn lets_order(
        &self,
        (by, at): (&OrganisationId, &OrganisationId),
        action: OrderAction,
        now: Timestamp,
    ) -> Option<(&AgreementId, u64)> {
        let terms = self.agreements.iter().flat_map(|standing| {
            let orders = standing.agreement.orders.iter();
            orders.map(move |term| (standing, term))
        });
        let fit = terms.filter(|(standing, term)| {
            term.by.contains(by)
                && term.actions.contains(&action)
                && resolve(&term.at, &self.organisations).contains(at)
                && standing.lets_order(term, now)
        });
        fit.map(|(standing, term)| (&standing.agreement.id, term.minutes_max)).max_by_key(|(_, max)| *max)
    }

    /// A number that stands for what of this decides: which terms give, who is in which group, and, where a term is about the
    /// members of a council, who they are.
    pub(crate) fn fingerprint(&self) -> u64 {
        use sha2::Digest;
        let mut hash = sha2::Sha256::new();
        let mut add = |part: &str| {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        };
        let mut is_about_members = false;
        for standing in &self.agreements {
            add(&standing.agreement.to_text());
            for term in &standing.agreement.terms {
                add(if standing.gives(term, self.now) { "gives" } else { "rests" });
                is_about_members |=
                    term.from.iter().chain(&term.to).any(|side| matches!(side, Side::Members(_)));
            }
            for term in &standing.agreement.orders {
                add(if standing.lets_order(term, self.now) { "lets" } else { "rests" });
                is_about_members |= term.at.iter().any(|side| matches!(side, Side::Members(_)));
            }
        }
        for (group, members) in &self.groups {
            add(&group.to_string());
            members.iter().for_each(|member| add(member.as_str()));
        }
        for (group, carriers) in &self.carriers {
            add("carried");
            add(&group.to_string());
            carriers.iter().for_each(|carrier| add(carrier.as_str()));
        }
        if is_about_members {
            for (organisation, role) in &self.organisations {
                add(organisation.as_str());
                add(role.name());
            }
        }
        if self.agreements.is_empty() && self.groups.is_empty() {
            return 0;
        }
        hash.finalize().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }
}

impl Facts {
    pub(crate) fn of(circumstances: &Circumstances) -> Self {
        let mut facts = Self::default();
        for standing in &circumstances.agreements {
            let agreement = &standing.agreement;
            for (number, term) in (1..).zip(&agreement.terms) {
                let index = facts.terms.len();
                let to = resolve(&term.to, &circumstances.organisations);
                let clause = Clause {
                    agreement: agreement.id.clone(),
                    number,
                    gives: standing.gives(term, circumstances.now),
                    from: resolve(&term.from, &circumstances.organisations),
                    inbound: to.iter().any(|to| {
                        circumstances.organisations.get(to).is_some_and(|role| MEMBER_ROLES.contains(role))
                    }),
                    to,
                    term: term.clone(),
                };
                facts.by_agreement.entry(agreement.id.clone()).or_default().push(index);
                if clause.gives {
                    for organisation in &clause.to {
                        facts.received_by.entry(organisation.clone()).or_default().push(index);
                    }
                }
                facts.terms.push(clause);
            }
        }
        for (group, members) in circumstances.groups.iter().filter(|(group, _)| **group != GroupId::NOBODY) {
            for member in members {
                facts.memberships.entry(member.clone()).or_default().insert(*group);
            }
        }
        for (group, carriers) in circumstances.carriers.iter().filter(|(group, _)| **group != GroupId::NOBODY)
        {
            for carrier in carriers {
                facts.carried.entry(carrier.clone()).or_default().insert(*group);
            }
        }
        facts
    }

    /// Whether the terms are the same, under the same numbers. Everything else but who is in which group follows from them.
    pub(crate) fn have_the_terms_of(&self, other: &Self) -> bool {
        self.terms == other.terms
    }

    pub(crate) fn clause(&self, index: usize) -> Option<&Clause> {
        self.terms.get(index)
    }

    /// The terms that give now and name an organisation as their receiver.
    pub(crate) fn receives(&self, organisation: &OrganisationId) -> &[usize] {
        self.received_by.get(organisation).map(Vec::as_slice).unwrap_or_default()
    }

    /// Those of them that are about the objects of an originator.
    pub(crate) fn about<'a>(
        &'a self,
        receives: &'a [usize],
        originator: &'a OrganisationId,
    ) -> impl Iterator<Item = usize> + 'a {
        receives
            .iter()
            .copied()
            .filter(move |index| self.clause(*index).is_some_and(|clause| clause.from.contains(originator)))
    }

    /// The groups that an organisation is in.
    pub(crate) fn groups_of(&self, organisation: &OrganisationId) -> Option<&BTreeSet<GroupId>> {
        self.memberships.get(organisation)
    }

    /// The groups to members of which an organisation's hub carries what is limited to them.
    pub(crate) fn groups_carried_by(&self, organisation: &OrganisationId) -> Option<&BTreeSet<GroupId>> {
        self.carried.get(organisation)
    }

    /// What the agreement under which an object came in says about a reader's organisation. Of several terms about it the
    /// strictest counts; of one that is not known here, everything is denied.
    pub(crate) fn received(
        &self,
        agreement: &AgreementId,
        label: &Label,
        reader: &OrganisationId,
    ) -> Received {
        let mut received = Received {
            in_force: true,
            is_recipient: true,
            is_named: true,
            same_terms: true,
            originator_control: false,
        };
        let mut is_known = false;
        for clause in self.bound_by(agreement, label) {
            is_known = true;
            received.in_force &= clause.gives;
            received.is_recipient &= clause.to.contains(reader);
            received.is_named &=
                matches!(&clause.term.onward, Onward::Named(named) if named.contains(reader));
            received.same_terms &= clause.term.onward == Onward::SameTerms;
            received.originator_control |= clause.term.originator_control;
        }
        if is_known { received } else { Received::NOTHING }
    }

    /// Whether a term gives no more than all those under which an object came in.
    pub(crate) fn is_no_wider(&self, index: usize, agreement: &AgreementId, label: &Label) -> bool {
        self.clause(index).is_some_and(|clause| {
            self.bound_by(agreement, label).iter().all(|other| clause.term.is_no_wider_than(&other.term))
        })
    }

    /// The terms of an agreement that bind an object: of those that give to somebody in this council, the ones about its
    /// originator and class; where there are none, or where it was made of several, all.
    fn bound_by<'a>(&'a self, agreement: &AgreementId, label: &Label) -> Vec<&'a Clause> {
        let indices = self.by_agreement.get(agreement).map(Vec::as_slice).unwrap_or_default();
        let inbound: Vec<&Clause> =
            indices.iter().filter_map(|index| self.clause(*index)).filter(|clause| clause.inbound).collect();
        if label.originator.as_str() == Label::SEVERAL || label.class == ObjectClass::Several {
            return inbound;
        }
        let is_about = |clause: &&&Clause| {
            clause.from.contains(&label.originator) && clause.term.classes.contains(&label.class)
        };
        let about: Vec<&Clause> = inbound.iter().filter(is_about).copied().collect();
        if about.is_empty() { inbound } else { about }
    }
}

impl Received {
    const NOTHING: Self = Self {
        in_force: false,
        is_recipient: false,
        is_named: false,
        same_terms: false,
        originator_control: true,
    };
}

fn resolve(
    sides: &BTreeSet<Side>,
    organisations: &BTreeMap<OrganisationId, OrganisationRole>,
) -> BTreeSet<OrganisationId> {
    let mut resolved = BTreeSet::new();
    for side in sides {
        resolved.insert(side.organisation().clone());
        let coordinates = organisations.get(side.organisation()) == Some(&OrganisationRole::Coordinator);
        if matches!(side, Side::Members(_)) && coordinates {
            let members = organisations.iter().filter(|(_, role)| MEMBER_ROLES.contains(role));
            resolved.extend(members.map(|(organisation, _)| organisation.clone()));
        }
    }
    resolved
}
