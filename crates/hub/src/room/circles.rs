//! Entries for some organisations only: a sharing group that is known by who is in it.
//!
//! The group has no owner and nobody can change who is in it. Where an organisation becomes known here later, as a member or as a hub, it
//! is taken in when the next entry for it is written or comes.

use std::collections::{BTreeMap, BTreeSet};

use oversight::{OrganisationId, Realm};
use policy::{GroupId, Label};
use store::collections::CollectionKey;
use store::peers::Peer;
use store::sharing_groups::{self, SharingGroup};
use store::{StoreError, Tx};

use super::Names;
use super::names::{beginning, parts};
use crate::ingest;

/// Circles of one hub at most, so that room is left for the groups that people make.
const CIRCLES_MAX: usize = 1_000;
/// Who owns a circle: nobody.
pub(crate) const NOBODY: &str = Label::SEVERAL;

/// The circle of some organisations, there and with everybody in it that is known here; and whether that changed anything.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`CIRCLES_MAX`].
pub(crate) fn draw(
    tx: &mut Tx<'_>,
    names: &Names,
    (realm, collection): (&Realm, CollectionKey),
    only: &BTreeSet<OrganisationId>,
) -> Result<(GroupId, bool), StoreError> {
    let id = GroupId::circle(only);
    let all = sharing_groups::members(tx, realm)?;
    let mut changed = false;
    if !all.contains_key(&id) {
        let circles = sharing_groups::list(tx, realm)?;
        if circles.iter().filter(|group| group.owner.as_str() == NOBODY).count() >= CIRCLES_MAX {
            let what = "the number of different circles that entries are limited to";
            return Err(StoreError::Limit { what, limit: CIRCLES_MAX });
        }
        let owner = OrganisationId::parse(NOBODY).ok_or_else(|| StoreError::Corrupt(NOBODY.to_owned()))?;
        let name = || "-".to_owned();
        let group =
            SharingGroup { id, name_ja: name(), name_en: name(), owner: owner.clone(), created: tx.now() };
        sharing_groups::add(tx, realm, &group)?;
        ingest::add_own(tx, realm, collection, &owner, [GroupId::circle_definition(only)])?;
        changed = true;
    }
    let known = all.get(&id).cloned().unwrap_or_default();
    let members: BTreeSet<&OrganisationId> = only.iter().filter_map(|name| names.here(name)).collect();
    for member in members.into_iter().filter(|member| !known.contains(member)) {
        changed |= sharing_groups::join(tx, realm, id, member)?;
    }
    Ok((id, changed))
}

/// The same, with those in it who are at other hubs: what is limited to the circle is carried to them by the hubs that speak for them.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`CIRCLES_MAX`].
pub(crate) fn draw_abroad(
    tx: &mut Tx<'_>,
    names: &Names,
    (realm, collection): (&Realm, CollectionKey),
    only: &BTreeSet<OrganisationId>,
) -> Result<(GroupId, bool), StoreError> {
    let (id, mut changed) = draw(tx, names, (realm, collection), only)?;
    let known = sharing_groups::members(tx, realm)?.remove(&id).unwrap_or_default();
    for member in only.iter().filter(|member| names.here(member).is_none() && !known.contains(*member)) {
        changed |= sharing_groups::join(tx, realm, id, member)?;
    }
    Ok((id, changed))
}

/// By group: the organisations here that hubs are bound to which speak for members of it.
pub(crate) fn carriers(
    groups: &BTreeMap<GroupId, BTreeSet<OrganisationId>>,
    hubs: &[Peer],
) -> BTreeMap<GroupId, BTreeSet<OrganisationId>> {
    let carrier = |member: &OrganisationId| {
        let (hub, _) = parts(member)?;
        let peer = hubs.iter().find(|peer| beginning(&peer.hub) == hub)?;
        Some(peer.organisation.clone())
    };
    let mut carriers = BTreeMap::new();
    for (group, members) in groups {
        let of_group: BTreeSet<OrganisationId> = members.iter().filter_map(carrier).collect();
        if !of_group.is_empty() {
            carriers.insert(*group, of_group);
        }
    }
    carriers
}
