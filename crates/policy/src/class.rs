use std::collections::BTreeSet;

use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose, Realm};

use crate::{Personal, Principal, PrincipalKind};

/// All that policies may tell principals apart by; principals of one class are answered alike, from one cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Class {
    pub(crate) kind: Kind,
    pub(crate) organisation: OrganisationId,
    pub(crate) organisation_role: OrganisationRole,
    pub(crate) roles: BTreeSet<PersonRole>,
    pub(crate) realm: Realm,
    pub(crate) purpose: Purpose,
    pub(crate) personal: Personal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Person,
    Program,
    Edge,
    Peer,
}

impl Class {
    pub(crate) fn of(principal: &Principal) -> Self {
        Self {
            kind: match principal.kind {
                PrincipalKind::Person(_) => Kind::Person,
                PrincipalKind::Program(_) => Kind::Program,
                PrincipalKind::Edge(_) => Kind::Edge,
                PrincipalKind::Peer(_) => Kind::Peer,
            },
            organisation: principal.organisation.clone(),
            organisation_role: principal.organisation_role,
            roles: principal.roles.clone(),
            realm: principal.realm.clone(),
            purpose: principal.purpose,
            personal: match principal.kind {
                PrincipalKind::Person(_) => principal.personal.clone(),
                _ => Personal::default(),
            },
        }
    }
}

impl Kind {
    /// The entity type's name in the schema.
    pub(crate) fn entity_type(self) -> &'static str {
        match self {
            Self::Person => "Yagura::Person",
            Self::Program => "Yagura::Program",
            Self::Edge => "Yagura::Edge",
            Self::Peer => "Yagura::Peer",
        }
    }
}
