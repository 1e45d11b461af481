//! What an organisation is told of beside the log: recalls, changed markings, requests, questions.

use oversight::{OrganisationId, Realm};
use stix::Id;

use crate::sql::{Row, micros, params, stix_id, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Notices that are kept for one organisation; older ones are forgotten. What they are about is kept elsewhere.
pub const NOTICES_MAX: i64 = 1_000;

/// A notice to one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its own id.
    pub id: String,
    /// When.
    pub at: jiff::Timestamp,
    /// `recall`, `release-changed`, `release-request`, `release-answer`, `question`, `answer`.
    pub kind: String,
    /// The recall, request or question it is about.
    pub subject: String,
    /// The object concerned, which the organisation was given, brought in or asked for.
    pub object: Option<Id>,
    /// What is said of it: a reason, an answer.
    pub text: String,
    /// When somebody of the organisation looked at it.
    pub seen: Option<jiff::Timestamp>,
}

/// Tells organisations.
///
/// # Errors
/// Those of the database.
pub fn tell<'o>(
    tx: &mut Tx<'_>,
    realm: &Realm,
    organisations: impl IntoIterator<Item = &'o OrganisationId>,
    notice: &Notice,
) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    for organisation in organisations {
        tx.execute(
            "INSERT INTO notices (realm, organisation, at, id, kind, subject, object, text, seen)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL) ON CONFLICT (realm, organisation, at, id) DO NOTHING",
            params![
                realm,
                organisation.as_str(),
                micros(notice.at),
                notice.id,
                notice.kind,
                notice.subject,
                notice.object.as_ref().map(Id::as_str),
                notice.text,
            ],
        )?;
        tx.execute(
            "DELETE FROM notices WHERE realm = ?1 AND organisation = ?2 AND at < (
                 SELECT MIN(at) FROM (SELECT at FROM notices WHERE realm = ?1 AND organisation = ?2
                     ORDER BY at DESC LIMIT ?3) AS newest)",
            (realm, organisation.as_str(), NOTICES_MAX),
        )?;
    }
    Ok(())
}

/// The newest notices to an organisation.
///
/// # Errors
/// Those of the database.
pub fn list(
    reader: &Reader<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    limit: usize,
) -> Result<Vec<Notice>, StoreError> {
    let sql =
        "SELECT id, at, kind, subject, object, text, seen FROM notices WHERE realm = ?1 AND organisation = ?2
        ORDER BY at DESC, id LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(NOTICES_MAX).min(NOTICES_MAX);
    reader.rows(sql, (reader.realm(realm)?, organisation.as_str(), limit), read)
}

/// Notes that an organisation has looked at what it was told up to a time.
///
/// # Errors
/// Those of the database.
pub fn mark_seen(
    tx: &mut Tx<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    through: jiff::Timestamp,
) -> Result<(), StoreError> {
    let (realm, now) = (tx.realm(realm)?, micros(tx.now()));
    tx.execute(
        "UPDATE notices SET seen = ?4 WHERE realm = ?1 AND organisation = ?2 AND at <= ?3 AND seen IS NULL",
        (realm, organisation.as_str(), micros(through), now),
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Notice, StoreError> {
    let object: Option<String> = row.get(4)?;
    Ok(Notice {
        id: row.get(0)?,
        at: time(row.get(1)?)?,
        kind: row.get(2)?,
        subject: row.get(3)?,
        object: object.as_deref().map(stix_id).transpose()?,
        text: row.get(5)?,
        seen: time_opt(row.get(6)?)?,
    })
}
