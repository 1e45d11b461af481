//! How reliable organisations find the sources of what they are given: each organisation grades for itself.

use oversight::{OrganisationId, Realm};

use crate::sql::{Row, micros, organisation_id, params, time};
use crate::{Reader, StoreError, Tx};

/// A grade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grade {
    /// The organisation that brings things in.
    pub source: OrganisationId,
    /// The admiralty code's letter, `A`–`F`.
    pub reliability: String,
    /// Why, in the person's words.
    pub reason: String,
    /// Who graded: account.
    pub person: String,
    /// When.
    pub graded: jiff::Timestamp,
}

/// Grades a source, in place of an earlier grade.
///
/// # Errors
/// Those of the database.
pub fn put(
    tx: &mut Tx<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    grade: &Grade,
) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO source_grades (realm, organisation, source, reliability, reason, person, graded)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (realm, organisation, source) DO UPDATE SET reliability = excluded.reliability,
             reason = excluded.reason, person = excluded.person, graded = excluded.graded",
        params![
            realm,
            organisation.as_str(),
            grade.source.as_str(),
            grade.reliability,
            grade.reason,
            grade.person,
            micros(grade.graded),
        ],
    )?;
    Ok(())
}

/// An organisation's grades, by source.
///
/// # Errors
/// Those of the database.
pub fn list(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
) -> Result<Vec<Grade>, StoreError> {
    let sql = "SELECT source, reliability, reason, person, graded FROM source_grades
        WHERE realm = ?1 AND organisation = ?2 ORDER BY source";
    reader.rows(sql, (reader.realm(realm)?, organisation.as_str()), read)
}

/// An organisation's grade of one source.
///
/// # Errors
/// Those of the database.
pub fn get(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    source: &OrganisationId,
) -> Result<Option<Grade>, StoreError> {
    let sql = "SELECT source, reliability, reason, person, graded FROM source_grades
        WHERE realm = ?1 AND organisation = ?2 AND source = ?3";
    reader.first(sql, (reader.realm(realm)?, organisation.as_str(), source.as_str()), read)
}

fn read(row: &Row<'_>) -> Result<Grade, StoreError> {
    Ok(Grade {
        source: organisation_id(row.text(0)?)?,
        reliability: row.get(1)?,
        reason: row.get(2)?,
        person: row.get(3)?,
        graded: time(row.get(4)?)?,
    })
}
