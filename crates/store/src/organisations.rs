//! The organisations of a council.

use oversight::{OrganisationId, OrganisationRole, Realm, Sector};
use stix::Id;

use crate::sql::{Row, micros, organisation_id, params, parsed, stix_id, time};
use crate::{Reader, StoreError, Tx};

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Short name.
    pub id: OrganisationId,
    /// Name in Japanese.
    pub name_ja: String,
    /// Name in English.
    pub name_en: String,
    /// What it is in the council.
    pub role: OrganisationRole,
    /// Sectors, of operators.
    pub sectors: Vec<Sector>,
    /// Prefecture of its seat, JIS X 0401, 1–47.
    pub prefecture: Option<u8>,
    /// Its STIX identity.
    pub identity: Id,
    /// When it was added.
    pub created: jiff::Timestamp,
}

/// Adds an organisation.
///
/// # Errors
/// [`StoreError::Exists`] when the short name is taken.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, organisation: &Organisation) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO organisations (realm, id, name_ja, name_en, role, sectors, prefecture, identity, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            realm,
            organisation.id.as_str(),
            organisation.name_ja,
            organisation.name_en,
            organisation.role.name(),
            sector_text(&organisation.sectors),
            organisation.prefecture,
            organisation.identity.as_str(),
            micros(organisation.created),
        ],
        organisation.id.as_str(),
    )
}

/// Changes an organisation; short name and creation time stay.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn update(tx: &mut Tx<'_>, realm: &Realm, organisation: &Organisation) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    let changed = tx.execute(
        "UPDATE organisations SET name_ja = ?3, name_en = ?4, role = ?5, sectors = ?6, prefecture = ?7, identity = ?8
         WHERE realm = ?1 AND id = ?2",
        params![
            realm,
            organisation.id.as_str(),
            organisation.name_ja,
            organisation.name_en,
            organisation.role.name(),
            sector_text(&organisation.sectors),
            organisation.prefecture,
            organisation.identity.as_str(),
        ],
    )?;
    if changed == 0 { Err(StoreError::not_found(organisation.id.as_str())) } else { Ok(()) }
}

/// An organisation by its short name.
///
/// # Errors
/// Those of the database.
pub fn get(
    reader: &Reader<'_>,
    realm: &Realm,
    id: &OrganisationId,
) -> Result<Option<Organisation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM organisations WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id.as_str()), read)
}

/// All organisations, by short name.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Organisation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM organisations WHERE realm = ?1 ORDER BY id");
    reader.rows(&sql, [reader.realm(realm)?], read)
}

const COLUMNS: &str = "id, name_ja, name_en, role, sectors, prefecture, identity, created";

fn read(row: &Row<'_>) -> Result<Organisation, StoreError> {
    let sectors: String = row.get(4)?;
    let sectors = sectors.split_terminator(',').map(|name| parsed("sector", name, Sector::parse));
    Ok(Organisation {
        id: organisation_id(&row.get::<String>(0)?)?,
        name_ja: row.get(1)?,
        name_en: row.get(2)?,
        role: parsed("organisation's role", &row.get::<String>(3)?, OrganisationRole::parse)?,
        sectors: sectors.collect::<Result<_, _>>()?,
        prefecture: row.get(5)?,
        identity: stix_id(&row.get::<String>(6)?)?,
        created: time(row.get(7)?)?,
    })
}

fn sector_text(sectors: &[Sector]) -> String {
    sectors.iter().map(|sector| sector.name()).collect::<Vec<_>>().join(",")
}
