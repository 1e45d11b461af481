//! What one person approved alone, and what another organisation's person found of it. Who may do either is the caller's to check.

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};

use crate::sql::{Row, micros, organisation_id, params, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Approvals one list gives at most, of those that are open and of the others.
pub const LISTED_MAX: i64 = 200;

/// An approval by one person alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoneApproval {
    /// Its id.
    pub id: String,
    /// The run.
    pub run: String,
    /// The question's number in it.
    pub question: u32,
    /// The step.
    pub step: String,
    /// The account.
    pub person: String,
    /// Its organisation.
    pub organisation: OrganisationId,
    /// The organisation that asked for the run.
    pub requester: OrganisationId,
    /// Over what was agreed to.
    pub hash: String,
    /// Why, in the person's words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Until when it is to be reviewed.
    pub review_due: Timestamp,
    /// What the review found; none where nobody has reviewed it.
    pub review: Option<Review>,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The account.
    pub person: String,
    /// Its organisation.
    pub organisation: OrganisationId,
    /// When.
    pub at: Timestamp,
    /// Whether it was justified.
    pub justified: bool,
    /// In words.
    pub finding: String,
}

/// Writes one down.
///
/// # Errors
/// [`StoreError::Exists`] where it is there.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, new: &LoneApproval) -> Result<(), StoreError> {
    tx.insert(
        "INSERT INTO lone_approvals (realm, id, run, question, step, person, organisation, requester, hash, reason, at, review_due)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            tx.realm_for_writing(realm)?,
            new.id,
            new.run,
            i64::from(new.question),
            new.step,
            new.person,
            new.organisation.as_str(),
            new.requester.as_str(),
            new.hash,
            new.reason,
            micros(new.at),
            micros(new.review_due),
        ],
        &new.id,
    )
}

/// One by its id.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<LoneApproval>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM lone_approvals WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// Those that nobody has reviewed, what is due first; then the newest of the others.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<LoneApproval>, StoreError> {
    let key = reader.realm(realm)?;
    let open = format!(
        "SELECT {COLUMNS} FROM lone_approvals WHERE realm = ?1 AND reviewed IS NULL ORDER BY review_due, id LIMIT ?2"
    );
    let closed = format!(
        "SELECT {COLUMNS} FROM lone_approvals WHERE realm = ?1 AND reviewed IS NOT NULL ORDER BY at DESC, id LIMIT ?2"
    );
    let mut found = reader.rows(&open, (key, LISTED_MAX), read)?;
    found.extend(reader.rows(&closed, (key, LISTED_MAX), read)?);
    Ok(found)
}

/// Closes one with what was found.
///
/// # Errors
/// [`StoreError::NotFound`] where it is not there, or was reviewed.
pub fn review(tx: &mut Tx<'_>, realm: &Realm, id: &str, review: &Review) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE lone_approvals SET reviewed_by = ?3, reviewer = ?4, reviewed = ?5, justified = ?6, finding = ?7
         WHERE realm = ?1 AND id = ?2 AND reviewed IS NULL",
        params![
            tx.realm(realm)?,
            id,
            review.person,
            review.organisation.as_str(),
            micros(review.at),
            i64::from(review.justified),
            review.finding,
        ],
    )?;
    if changed == 0 { Err(StoreError::not_found(id)) } else { Ok(()) }
}

const COLUMNS: &str = "id, run, question, step, person, organisation, requester, hash, reason, at, review_due, reviewed_by, reviewer,
    reviewed, justified, finding";

fn read(row: &Row<'_>) -> Result<LoneApproval, StoreError> {
    let (person, reviewer): (Option<String>, Option<String>) = (row.get(11)?, row.get(12)?);
    let (at, justified): (Option<Timestamp>, Option<i64>) = (time_opt(row.get(13)?)?, row.get(14)?);
    let finding: Option<String> = row.get(15)?;
    let review = match (person, reviewer, at, finding) {
        (Some(person), Some(reviewer), Some(at), Some(finding)) => {
            let organisation = organisation_id(&reviewer)?;
            Some(Review {
                person,
                organisation,
                at,
                justified: justified.is_some_and(|yes| yes != 0),
                finding,
            })
        }
        _ => None,
    };
    Ok(LoneApproval {
        id: row.get(0)?,
        run: row.get(1)?,
        question: row.get(2)?,
        step: row.get(3)?,
        person: row.get(4)?,
        organisation: organisation_id(row.text(5)?)?,
        requester: organisation_id(row.text(6)?)?,
        hash: row.get(7)?,
        reason: row.get(8)?,
        at: time(row.get(9)?)?,
        review_due: time(row.get(10)?)?,
        review,
    })
}
