//! The policies, and things to ask them about.

use oversight::{OrganisationId, OrganisationRole, PersonRole, Purpose, Realm};
use policy::{Engine, Label, Personal, Principal, PrincipalKind, TlpLabel};
use stix::Id;

pub(crate) fn engine() -> Engine {
    Engine::compile(&Engine::built_in()).expect("the built-in policies compile")
}

pub(crate) fn organisation(name: &str) -> OrganisationId {
    OrganisationId::parse(name).expect("a short name")
}

pub(crate) fn person(organisation_role: OrganisationRole, of: &str, roles: &[PersonRole]) -> Principal {
    Principal {
        kind: PrincipalKind::Person("someone".into()),
        organisation: organisation(of),
        organisation_role,
        roles: roles.iter().copied().collect(),
        realm: Realm::Live,
        purpose: Purpose::CollectiveDefence,
        personal: Personal::default(),
    }
}

pub(crate) fn label(tlp: TlpLabel, originator: &str) -> Label {
    Label { tlp, ..Label::unmarked(&organisation(originator), &Realm::Live) }
}

pub(crate) fn marking(last: u8) -> Id {
    Id::parse(&format!("marking-definition--00000000-0000-4000-8000-0000000000{last:02x}")).expect("an id")
}
