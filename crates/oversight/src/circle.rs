//! Some organisations as a group that is known by who is in it.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::OrganisationId;

/// The UUID of the group of exactly these organisations: version 5 of their names, in the URL namespace. Whoever knows who is in a group
/// knows its name, and a group of that name can have no other members.
#[must_use]
pub fn circle(members: &BTreeSet<OrganisationId>) -> Uuid {
    let names: Vec<&str> = members.iter().map(OrganisationId::as_str).collect();
    let name = format!("urn:yagura:circle:{}", names.join(","));
    Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes())
}
