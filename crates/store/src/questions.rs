//! Questions to the council. What is asked and answered stands in the log as notes; here is where each question stands.

use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};
use stix::Id;

use crate::sql::{Row, count, micros, organisation_id, params, stix_id, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Questions one read gives at most.
pub const QUESTIONS_MAX: usize = 1_000;
/// Open questions of one organisation at most.
pub const OPEN_MAX: i64 = 200;
/// Answers to one question at most.
pub const ANSWERS_MAX: i64 = 1_000;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The note that asks.
    pub id: Id,
    /// Who asks.
    pub asker: OrganisationId,
    /// Who is asked in particular; empty: the whole council.
    pub addressed: BTreeSet<OrganisationId>,
    /// Whether it is closed.
    pub is_closed: bool,
    /// When it was asked.
    pub at: jiff::Timestamp,
    /// By when an answer is wanted.
    pub due: Option<jiff::Timestamp>,
    /// How many answers there are, whoever may see them.
    pub answers: u64,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The note that answers.
    pub id: Id,
    /// Who answered.
    pub organisation: OrganisationId,
    /// When.
    pub at: jiff::Timestamp,
}

/// Writes a question down; its note is added in the same transaction.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`OPEN_MAX`].
pub fn add(tx: &mut Tx<'_>, realm: &Realm, question: &Question) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let sql = "SELECT COUNT(*) FROM questions WHERE realm = ?1 AND asker = ?2 AND state = 'open'";
    if tx.number(sql, (realm, question.asker.as_str()))? >= OPEN_MAX {
        let limit = usize::try_from(OPEN_MAX).unwrap_or(usize::MAX);
        return Err(StoreError::Limit { what: "the number of your organisation's open questions", limit });
    }
    let addressed: Vec<&str> = question.addressed.iter().map(OrganisationId::as_str).collect();
    tx.insert(
        "INSERT INTO questions (realm, id, asker, addressed, state, at, due, answers)
         VALUES (?1, ?2, ?3, ?4, 'open', ?5, ?6, 0)",
        params![
            realm,
            question.id.as_str(),
            question.asker.as_str(),
            addressed.join(" "),
            micros(question.at),
            question.due.map(micros),
        ],
        question.id.as_str(),
    )
}

/// A question by its note.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &Id) -> Result<Option<Question>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM questions WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id.as_str()), read)
}

/// Questions, newest first. Whether somebody may see one is decided by its note.
///
/// # Errors
/// Those of the database.
pub fn list(
    reader: &Reader<'_>,
    realm: &Realm,
    is_closed: bool,
    limit: usize,
) -> Result<Vec<Question>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM questions WHERE realm = ?1 AND state = ?2 ORDER BY at DESC, id LIMIT ?3"
    );
    let state = if is_closed { "closed" } else { "open" };
    let limit = i64::try_from(limit.min(QUESTIONS_MAX)).unwrap_or(1);
    reader.rows(&sql, (reader.realm(realm)?, state, limit), read)
}

/// Adds an answer.
///
/// # Errors
/// [`StoreError::Stale`] where the question is closed; [`StoreError::Limit`].
pub fn answer(tx: &mut Tx<'_>, realm: &Realm, question: &Id, answer: &Answer) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    let changed = tx.execute(
        "UPDATE questions SET answers = answers + 1 WHERE realm = ?1 AND id = ?2 AND state = 'open' AND answers < ?3",
        (realm, question.as_str(), ANSWERS_MAX),
    )?;
    if changed == 0 {
        return Err(StoreError::Stale { what: question.to_string() });
    }
    tx.insert(
        "INSERT INTO answers (realm, question, id, organisation, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            realm,
            question.as_str(),
            answer.id.as_str(),
            answer.organisation.as_str(),
            micros(answer.at)
        ],
        answer.id.as_str(),
    )
}

/// The answers to a question, oldest first. Whether somebody may see one is decided by its note.
///
/// # Errors
/// Those of the database.
pub fn answers(reader: &Reader<'_>, realm: &Realm, question: &Id) -> Result<Vec<Answer>, StoreError> {
    let sql = "SELECT id, organisation, at FROM answers WHERE realm = ?1 AND question = ?2 ORDER BY at, id";
    reader.rows(sql, (reader.realm(realm)?, question.as_str()), |row| {
        Ok(Answer {
            id: stix_id(row.text(0)?)?,
            organisation: organisation_id(row.text(1)?)?,
            at: time(row.get(2)?)?,
        })
    })
}

/// Closes a question.
///
/// # Errors
/// [`StoreError::Stale`] where it is closed already.
pub fn close(tx: &mut Tx<'_>, realm: &Realm, question: &Id) -> Result<(), StoreError> {
    let (realm, now) = (tx.realm(realm)?, micros(tx.now()));
    let sql =
        "UPDATE questions SET state = 'closed', closed = ?3 WHERE realm = ?1 AND id = ?2 AND state = 'open'";
    match tx.execute(sql, (realm, question.as_str(), now))? {
        0 => Err(StoreError::Stale { what: question.to_string() }),
        _ => Ok(()),
    }
}

const COLUMNS: &str = "id, asker, addressed, state, at, due, answers";

fn read(row: &Row<'_>) -> Result<Question, StoreError> {
    let addressed: String = row.get(2)?;
    Ok(Question {
        id: stix_id(row.text(0)?)?,
        asker: organisation_id(row.text(1)?)?,
        addressed: addressed.split_whitespace().map(organisation_id).collect::<Result<_, _>>()?,
        is_closed: row.text(3)? == "closed",
        at: time(row.get(4)?)?,
        due: time_opt(row.get(5)?)?,
        answers: count(row.get(6)?),
    })
}
