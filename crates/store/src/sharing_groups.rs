//! Sharing groups and their members.

use std::collections::{BTreeMap, BTreeSet};

use oversight::{OrganisationId, Realm};
use policy::GroupId;

use crate::sql::{micros, organisation_id, params, parsed, time};
use crate::{Reader, StoreError, Tx, agreements};

/// Groups of one realm at most.
pub const GROUPS_MAX: usize = 2_000;
/// Members of one group at most.
pub const MEMBERS_MAX: usize = 1_000;

/// A sharing group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharingGroup {
    /// Its UUID.
    pub id: GroupId,
    /// Name in Japanese.
    pub name_ja: String,
    /// Name in English.
    pub name_en: String,
    /// The organisation that made it, and says who is in it.
    pub owner: OrganisationId,
    /// When it was made.
    pub created: jiff::Timestamp,
}

/// Makes a group. It has no members yet, so it reaches nobody.
///
/// # Errors
/// [`StoreError::Exists`]; [`StoreError::Limit`] beyond [`GROUPS_MAX`].
pub fn add(tx: &mut Tx<'_>, realm: &Realm, group: &SharingGroup) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let count = tx.number("SELECT COUNT(*) FROM sharing_groups WHERE realm = ?1", [key])?;
    if usize::try_from(count).unwrap_or(usize::MAX) >= GROUPS_MAX {
        return Err(StoreError::Limit { what: "the number of sharing groups", limit: GROUPS_MAX });
    }
    let id = group.id.to_string();
    tx.insert(
        "INSERT INTO sharing_groups (realm, id, name_ja, name_en, owner, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![key, id, group.name_ja, group.name_en, group.owner.as_str(), micros(group.created)],
        &id,
    )?;
    agreements::count_change(tx, realm)
}

/// Takes an organisation in. Whether it was outside before.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`MEMBERS_MAX`].
pub fn join(
    tx: &mut Tx<'_>,
    realm: &Realm,
    group: GroupId,
    organisation: &OrganisationId,
) -> Result<bool, StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let id = group.to_string();
    let sql = "SELECT COUNT(*) FROM sharing_group_members WHERE realm = ?1 AND sharing_group = ?2";
    let count = tx.number(sql, (key, &id))?;
    if usize::try_from(count).unwrap_or(usize::MAX) >= MEMBERS_MAX {
        return Err(StoreError::Limit {
            what: "the number of members of a sharing group",
            limit: MEMBERS_MAX,
        });
    }
    let now = micros(tx.now());
    let joined = tx.execute(
        "INSERT INTO sharing_group_members (realm, sharing_group, organisation, joined) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (realm, sharing_group, organisation) DO NOTHING",
        params![key, id, organisation.as_str(), now],
    )?;
    agreements::count_change(tx, realm)?;
    Ok(joined > 0)
}

/// Lets an organisation go. Whether it was in.
///
/// # Errors
/// Those of the database.
pub fn leave(
    tx: &mut Tx<'_>,
    realm: &Realm,
    group: GroupId,
    organisation: &OrganisationId,
) -> Result<bool, StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let sql =
        "DELETE FROM sharing_group_members WHERE realm = ?1 AND sharing_group = ?2 AND organisation = ?3";
    let left = tx.execute(sql, params![key, group.to_string(), organisation.as_str()])?;
    agreements::count_change(tx, realm)?;
    Ok(left > 0)
}

/// A group.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: GroupId) -> Result<Option<SharingGroup>, StoreError> {
    Ok(list(reader, realm)?.into_iter().find(|group| group.id == id))
}

/// Every group, by name.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<SharingGroup>, StoreError> {
    let sql = "SELECT id, name_ja, name_en, owner, created FROM sharing_groups WHERE realm = ?1 ORDER BY name_en, id";
    reader.rows(sql, [reader.realm(realm)?], |row| {
        Ok(SharingGroup {
            id: parsed("sharing group", &row.get::<String>(0)?, |text| text.parse().ok())?,
            name_ja: row.get(1)?,
            name_en: row.get(2)?,
            owner: organisation_id(&row.get::<String>(3)?)?,
            created: time(row.get(4)?)?,
        })
    })
}

/// Every group with its members; one without members too.
///
/// # Errors
/// Those of the database.
pub fn members(
    reader: &Reader<'_>,
    realm: &Realm,
) -> Result<BTreeMap<GroupId, BTreeSet<OrganisationId>>, StoreError> {
    let mut all: BTreeMap<GroupId, BTreeSet<OrganisationId>> =
        list(reader, realm)?.into_iter().map(|group| (group.id, BTreeSet::new())).collect();
    let sql = "SELECT sharing_group, organisation FROM sharing_group_members WHERE realm = ?1";
    let rows = reader.rows(sql, [reader.realm(realm)?], |row| {
        let group: GroupId = parsed("sharing group", &row.get::<String>(0)?, |text| text.parse().ok())?;
        Ok((group, organisation_id(&row.get::<String>(1)?)?))
    })?;
    for (group, organisation) in rows {
        all.entry(group).or_default().insert(organisation);
    }
    Ok(all)
}
