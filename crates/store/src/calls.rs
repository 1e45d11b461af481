//! Calls that wait for an answer: an organisation was called into a case room, or offered a task, and is told by mail until somebody of it
//! looks. What it is called to stands in a notice ([`crate::notices`]) and in the room.

use jiff::Timestamp;
use oversight::{OrganisationId, Realm};
use stix::Id;

use crate::sql::{Row, count, micros, organisation_id, params, stix_id, stored};
use crate::{Reader, StoreError, Tx};

/// A call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Who is called.
    pub organisation: OrganisationId,
    /// The notice that says so.
    pub notice: String,
    /// The kind of notice.
    pub kind: String,
    /// The case.
    pub case: Id,
    /// The TLP level that the case bears.
    pub tlp: String,
    /// Whether it does not wait for the morning.
    pub urgent: bool,
    /// How often mail went out.
    pub attempts: u64,
}

/// Writes a call down, to be told at once.
///
/// # Errors
/// Those of the database.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, call: &Call) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO room_calls (realm, organisation, notice, kind, case_id, tlp, urgent, attempts, due)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (realm, organisation, notice) DO NOTHING",
        params![
            realm,
            call.organisation.as_str(),
            call.notice,
            call.kind,
            call.case.as_str(),
            call.tlp,
            call.urgent,
            stored(call.attempts),
            micros(tx.now()),
        ],
    )?;
    Ok(())
}

/// The calls that are due, the oldest first; and of each whether somebody looked at its notice, or the notice is forgotten.
///
/// # Errors
/// Those of the database.
pub fn due(reader: &Reader<'_>, realm: &Realm, limit: usize) -> Result<Vec<(Call, bool)>, StoreError> {
    let sql = "SELECT c.organisation, c.notice, c.kind, c.case_id, c.tlp, c.urgent, c.attempts, CASE WHEN EXISTS (
            SELECT 1 FROM notices AS n WHERE n.realm = c.realm AND n.organisation = c.organisation AND n.id = c.notice
                AND n.seen IS NULL) THEN 0 ELSE 1 END
        FROM room_calls AS c WHERE c.realm = ?1 AND c.due <= ?2 ORDER BY c.due, c.notice LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let given = (reader.realm(realm)?, micros(reader.now()), limit);
    reader.rows(sql, given, |row| Ok((read(row)?, row.get::<bool>(7)?)))
}

/// Notes when a call is due again, and how often it was told by then; `None`: no more. Whether it was still as it was read.
///
/// # Errors
/// Those of the database.
pub fn put_off(
    tx: &mut Tx<'_>,
    realm: &Realm,
    call: &Call,
    next: Option<(u64, Timestamp)>,
) -> Result<bool, StoreError> {
    let realm = tx.realm(realm)?;
    let (organisation, notice, attempts) = (call.organisation.as_str(), &call.notice, stored(call.attempts));
    let changed = match next {
        Some((told, at)) => tx.execute(
            "UPDATE room_calls SET attempts = ?5, due = ?6
             WHERE realm = ?1 AND organisation = ?2 AND notice = ?3 AND attempts = ?4",
            params![realm, organisation, notice, attempts, stored(told), micros(at)],
        ),
        None => tx.execute(
            "DELETE FROM room_calls WHERE realm = ?1 AND organisation = ?2 AND notice = ?3 AND attempts = ?4",
            params![realm, organisation, notice, attempts],
        ),
    };
    Ok(changed? > 0)
}

/// An organisation answered what it was called to in a case: it is told no more.
///
/// # Errors
/// Those of the database.
pub fn answered(
    tx: &mut Tx<'_>,
    realm: &Realm,
    organisation: &OrganisationId,
    case: &Id,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM room_calls WHERE realm = ?1 AND organisation = ?2 AND case_id = ?3";
    tx.execute(sql, (tx.realm(realm)?, organisation.as_str(), case.as_str()))?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Call, StoreError> {
    Ok(Call {
        organisation: organisation_id(row.text(0)?)?,
        notice: row.get(1)?,
        kind: row.get(2)?,
        case: stix_id(row.text(3)?)?,
        tlp: row.get(4)?,
        urgent: row.get(5)?,
        attempts: count(row.get(6)?),
    })
}
