use std::collections::BTreeSet;

use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose, Qualification, Realm};

use crate::Emergency;

/// Who asks, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// Person, program, edge or peer, with its id.
    pub kind: PrincipalKind,
    /// The organisation it belongs to.
    pub organisation: OrganisationId,
    /// What that organisation is in the council.
    pub organisation_role: OrganisationRole,
    /// What it may do there; an edge has none.
    pub roles: BTreeSet<PersonRole>,
    /// The world it acts in.
    pub realm: Realm,
    /// What it asks for: an agreement may give for some purposes only.
    pub purpose: Purpose,
    /// What holds for this person alone, at this time.
    pub personal: Personal,
}

/// What holds for one person alone, at one time: whoever makes it looks at the clock. Of what is no person nothing of it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Personal {
    /// The clearances and oaths that are valid.
    pub qualifications: BTreeSet<Qualification>,
    /// What it opened for itself, where an emergency is on.
    pub emergency: Option<Emergency>,
}

/// What kind of principal, with its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// A person's account.
    Person(String),
    /// A program's token.
    Program(String),
    /// An edge.
    Edge(String),
    /// A peer hub, acting for its organisation.
    Peer(String),
}
