//! Questions about reading: all that policies may tell apart of a reader and a label, and nothing else.
//!
//! What Cedar is asked is made from a question alone, so an answer may be remembered by its question: ten thousands of labels
//! and thousands of classes of principals are few questions. Organisations look to policies as their names only where a
//! policy names them; all others are told apart by what they are to the object, and stand under one of two names that no
//! organisation can bear.

use std::collections::BTreeSet;

use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose, Qualification, Realm};
use stix::Id;
use stix::marking::Pap;

use crate::circumstances::{Facts, Received};
use crate::class::{Class, Kind};
use crate::compile::Compiled;
use crate::{GroupId, Label, ObjectClass, TlpLabel};

/// Whether somebody of a class may read, or withdraw, what bears a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) kind: Kind,
    pub(crate) role: OrganisationRole,
    pub(crate) roles: Roles,
    pub(crate) realm: Realm,
    pub(crate) purpose: Purpose,
    /// The clearances and oaths of the reader, those that others include among them.
    pub(crate) held: BTreeSet<Qualification>,
    pub(crate) organisation: Name,
    pub(crate) originator: Name,
    /// The object's realm, where it is another one.
    pub(crate) other_realm: Option<Realm>,
    pub(crate) tlp: TlpLabel,
    pub(crate) pap: Option<Pap>,
    pub(crate) class: ObjectClass,
    pub(crate) has_statement: bool,
    pub(crate) has_unknown: bool,
    /// Only where a policy asks which there are.
    pub(crate) markings: Option<BTreeSet<Id>>,
    pub(crate) originator_control: bool,
    pub(crate) limited: bool,
    pub(crate) in_every_group: bool,
    pub(crate) granted: bool,
    /// The clearances and oaths that the object demands.
    pub(crate) demands: BTreeSet<Qualification>,
    /// An emergency of the reader's covers the object. Policies are asked about it last, where nothing else gives it.
    pub(crate) emergency: bool,
    pub(crate) received: Option<Received>,
    /// Terms that give now, from the object's originator to the reader; by their number in the facts, and whether each gives no
    /// more than that under which the object came in.
    pub(crate) terms: Vec<(usize, bool)>,
}

/// How an organisation looks to policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Name {
    /// One that policies name, by its place among them.
    Named(usize),
    /// The reader's own.
    Reader,
    /// Any other.
    Another,
}

/// Roles as bits, in the order of [`PersonRole::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Roles(u16);

/// What of a class is worked out once for many labels.
pub(crate) struct Asker<'a> {
    class: &'a Class,
    compiled: &'a Compiled,
    facts: &'a Facts,
    name: Name,
    roles: Roles,
    held: BTreeSet<Qualification>,
    receives: &'a [usize],
}

impl<'a> Asker<'a> {
    pub(crate) fn new(class: &'a Class, compiled: &'a Compiled, facts: &'a Facts) -> Self {
        Self {
            class,
            compiled,
            facts,
            name: named(compiled, &class.organisation).unwrap_or(Name::Reader),
            roles: Roles::of(&class.roles),
            held: compiled.clearances.held(&class.personal.qualifications),
            receives: facts.receives(&class.organisation),
        }
    }

    pub(crate) fn question(&self, label: &Label) -> Question {
        let class = self.class;
        let is_own = label.originator == class.organisation;
        let originator =
            if is_own { self.name } else { named(self.compiled, &label.originator).unwrap_or(Name::Another) };
        let received = label
            .agreement
            .as_ref()
            .map(|agreement| self.facts.received(agreement, label, &class.organisation));
        let no_wider = |term| match &label.agreement {
            Some(agreement) => self.facts.is_no_wider(term, agreement, label),
            None => false,
        };
        Question {
            kind: class.kind,
            role: class.organisation_role,
            roles: self.roles,
            realm: class.realm.clone(),
            purpose: class.purpose,
            held: self.held.clone(),
            organisation: self.name,
            originator,
            other_realm: (label.realm != class.realm).then(|| label.realm.clone()),
            tlp: label.tlp,
            pap: label.pap,
            class: label.class,
            has_statement: !label.statements.is_empty(),
            has_unknown: !label.unknown.is_empty(),
            markings: self
                .compiled
                .names_markings
                .then(|| label.statements.union(&label.unknown).cloned().collect()),
            originator_control: label.originator_control
                || received.is_some_and(|received| received.originator_control),
            limited: !label.groups.is_empty(),
            in_every_group: !label.groups.is_empty() && self.is_in(label),
            granted: label.granted.contains(&class.organisation),
            demands: label.demands.clone(),
            emergency: class.personal.emergency.as_ref().is_some_and(|emergency| emergency.covers(label)),
            received,
            terms: self
                .facts
                .about(self.receives, &label.originator)
                .map(|term| (term, no_wider(term)))
                .collect(),
        }
    }

    fn is_in(&self, label: &Label) -> bool {
        let organisation = &self.class.organisation;
        let own = self.facts.groups_of(organisation);
        // A hub is in a group for the members of it that it speaks for; nobody else of its organisation is.
        let carried = match self.class.kind {
            Kind::Peer => self.facts.groups_carried_by(organisation),
            Kind::Person | Kind::Program | Kind::Edge => None,
        };
        let is_in = |group: &GroupId| own.into_iter().chain(carried).any(|groups| groups.contains(group));
        label.groups.iter().all(is_in)
    }
}

impl Question {
    /// Whether a question is asked by the same class of readers, for the same purpose.
    pub(crate) fn is_of_the_reader_of(&self, other: &Self) -> bool {
        let reader = |question: &Self| {
            (question.kind, question.role, question.roles, question.organisation, question.purpose)
        };
        reader(self) == reader(other) && self.realm == other.realm && self.held == other.held
    }
}

impl Name {
    /// The name in a request. The two that stand for all others are no organisation's short name.
    pub(crate) fn text(self, organisations: &[OrganisationId]) -> &str {
        match self {
            Self::Named(place) => {
                organisations.get(place).map_or("another organisation", OrganisationId::as_str)
            }
            Self::Reader => "the reader's organisation",
            Self::Another => "another organisation",
        }
    }
}

impl Roles {
    pub(crate) fn of(roles: &BTreeSet<PersonRole>) -> Self {
        let bits = (0..).zip(PersonRole::ALL).filter(|(_, role)| roles.contains(role));
        Self(bits.fold(0, |sum, (bit, _): (u32, _)| sum | (1 << bit)))
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = PersonRole> {
        (0_u32..).zip(PersonRole::ALL).filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, role)| *role)
    }
}

fn named(compiled: &Compiled, organisation: &OrganisationId) -> Option<Name> {
    compiled.organisations.binary_search(organisation).ok().map(Name::Named)
}
