//! Playbooks that organisations brought, byte for byte. What is in them, `cacao` says; who may see or run one is the caller's to decide.

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};

use crate::sql::{Row, micros, organisation_id, params, time};
use crate::{Reader, StoreError, Tx};

/// Versions of playbooks that one organisation has.
pub const PLAYBOOKS_MAX: i64 = 500;

/// One version of a playbook, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Who brought it.
    pub organisation: OrganisationId,
    /// `playbook--…`
    pub id: String,
    /// Its version, as the document writes it.
    pub modified: String,
    /// What the document says, hashed.
    pub digest: String,
    /// The account that brought it.
    pub person: String,
    /// Whether that was an approver then.
    pub by_approver: bool,
    /// When.
    pub added: Timestamp,
}

/// Keeps a version; whether it is new.
///
/// # Errors
/// [`StoreError::Exists`] where the organisation has this version with other content; [`StoreError::Limit`].
pub fn add(tx: &mut Tx<'_>, realm: &Realm, head: &Head, document: &[u8]) -> Result<bool, StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let key = (realm, head.organisation.as_str(), head.id.as_str(), head.modified.as_str());
    let sql =
        "SELECT document FROM playbooks WHERE realm = ?1 AND organisation = ?2 AND id = ?3 AND modified = ?4";
    match tx.first(sql, key, |row| row.get::<Vec<u8>>(0))? {
        Some(known) if known == document => return Ok(false),
        Some(_) => {
            let what = format!("version {} of {} with other content", head.modified, head.id);
            return Err(StoreError::Exists { what });
        }
        None => {}
    }
    let sql = "SELECT COUNT(*) FROM playbooks WHERE realm = ?1 AND organisation = ?2";
    if tx.number(sql, (realm, head.organisation.as_str()))? >= PLAYBOOKS_MAX {
        let limit = usize::try_from(PLAYBOOKS_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of your organisation's playbooks", limit });
    }
    tx.insert(
        "INSERT INTO playbooks (realm, organisation, id, modified, digest, document, person, by_approver, added)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            realm,
            head.organisation.as_str(),
            head.id,
            head.modified,
            head.digest,
            document,
            head.person,
            i64::from(head.by_approver),
            micros(head.added),
        ],
        &head.id,
    )?;
    Ok(true)
}

/// Every version that is here, by identifier, the newest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn all(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Head>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM playbooks WHERE realm = ?1 ORDER BY id, organisation, modified DESC");
    reader.rows(&sql, [reader.realm(realm)?], read)
}

/// Every version of one playbook that is here, those that came first first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one is not readable.
pub fn versions(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Vec<Head>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM playbooks WHERE realm = ?1 AND id = ?2 ORDER BY added, organisation, modified"
    );
    reader.rows(&sql, (reader.realm(realm)?, id), read)
}

/// The text of a version.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn document(
    reader: &Reader<'_>,
    realm: &Realm,
    (organisation, id, modified): (&OrganisationId, &str, &str),
) -> Result<Vec<u8>, StoreError> {
    let sql =
        "SELECT document FROM playbooks WHERE realm = ?1 AND organisation = ?2 AND id = ?3 AND modified = ?4";
    let key = (reader.realm(realm)?, organisation.as_str(), id, modified);
    reader.first(sql, key, |row| row.get(0))?.ok_or_else(|| StoreError::not_found(id))
}

const COLUMNS: &str = "organisation, id, modified, digest, person, by_approver, added";

fn read(row: &Row<'_>) -> Result<Head, StoreError> {
    Ok(Head {
        organisation: organisation_id(row.text(0)?)?,
        id: row.get(1)?,
        modified: row.get(2)?,
        digest: row.get(3)?,
        person: row.get(4)?,
        by_approver: row.get::<i64>(5)? != 0,
        added: time(row.get(6)?)?,
    })
}
