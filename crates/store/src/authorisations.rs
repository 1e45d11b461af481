//! Authorisations: what was asked of the commission, where it stands, and who has signed so far.
//!
//! Whatever changes something here appends to the log of authorisations ([`log`]) in the same transaction. Whether a decision was
//! taken by enough commissioners is checked by the caller, in that transaction; what may follow what is checked here.

pub mod log;
pub mod receipts;
pub mod rounds;
pub mod selections;

use oversight::authorisation::{Decided, EntryKind, IndicatorList, State, Terms, Verdict};
use oversight::{OrganisationId, Realm};
use uuid::Uuid;

use self::log::NewEntry;
use crate::sql::{Row, Value, count, micros, organisation_id, params, parsed, stored, time};
use crate::{Reader, StoreError, Tx};

/// Requests of one organisation that may wait for a decision.
pub const WAITING_MAX: usize = 50;
/// Bytes of one list of indicators at most, as JSON.
pub const LIST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Rows one page gives at most.
pub const PAGE_MAX: usize = 200;

/// An authorisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorisation {
    /// What was asked for.
    pub terms: Terms,
    /// The account that asked.
    pub person: String,
    /// Where it stands.
    pub state: State,
    /// Whether the list is for the commission and the asker only.
    pub sealed: bool,
    /// The request's place in the log of authorisations.
    pub request_leaf: u64,
    /// The grant's, where there is one.
    pub grant_leaf: Option<u64>,
    /// How many decisions were taken about it.
    pub decisions: u32,
    /// The decision that is being signed.
    pub pending: Option<Decided>,
    /// When it was asked for.
    pub created: jiff::Timestamp,
    /// When it last changed.
    pub changed: jiff::Timestamp,
}

/// A request.
#[derive(Debug, Clone)]
pub struct NewAuthorisation {
    /// What is asked for.
    pub terms: Terms,
    /// The account that asks.
    pub person: String,
    /// What is looked for.
    pub list: IndicatorList,
    /// Whether the list is for the commission and the asker only.
    pub sealed: bool,
}

/// Whose authorisations a page holds.
#[derive(Debug, Clone, Copy)]
pub enum Of<'o> {
    /// All of them: for the commission.
    All,
    /// Those that this organisation asked for, and those that were granted for its networks.
    Organisation(&'o OrganisationId),
    /// Those that were granted for this operator's networks and are not over.
    InForceAt(&'o OrganisationId),
}

/// Keeps a request; gives its place in the log.
///
/// # Errors
/// [`StoreError::Exists`]; [`StoreError::Limit`] beyond [`WAITING_MAX`] and [`LIST_BYTES_MAX`].
pub fn request(tx: &mut Tx<'_>, realm: &Realm, new: &NewAuthorisation) -> Result<u64, StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let terms = &new.terms;
    let by = terms.requested_by.as_str();
    let sql = "SELECT COUNT(*) FROM authorisations
        WHERE realm = ?1 AND requested_by = ?2 AND state = ?3 AND until > ?4";
    let waiting = tx.number(sql, params![key, by, State::Requested.name(), micros(tx.now())])?;
    if usize::try_from(waiting).unwrap_or(usize::MAX) >= WAITING_MAX {
        let what = "the number of an organisation's requests that wait for the commission";
        return Err(StoreError::Limit { what, limit: WAITING_MAX });
    }
    let list = to_text(&new.list)?;
    if list.len() > LIST_BYTES_MAX {
        return Err(StoreError::Limit { what: "a list of indicators, in bytes,", limit: LIST_BYTES_MAX });
    }
    let id = terms.id.to_string();
    let text = String::from_utf8(terms.canonical()).map_err(|_| StoreError::corrupt("terms"))?;
    let record = format!("{{\"terms\":{text},\"v\":1}}");
    let leaf = log::append(
        tx,
        &NewEntry {
            kind: EntryKind::Request,
            about: None,
            authorisation: Some(terms.id),
            record: record.as_bytes(),
        },
    )?;
    let now = micros(tx.now());
    tx.insert(
        "INSERT INTO authorisations (realm, id, requested_by, person, state, terms, list, sealed, request_leaf, grant_leaf,
             until, decisions, pending, created, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL, ?10, 0, NULL, ?11, ?11)",
        params![
            key,
            id,
            by,
            new.person,
            State::Requested.name(),
            text,
            list,
            new.sealed,
            stored(leaf),
            micros(terms.until),
            now
        ],
        &id,
    )?;
    for operator in &terms.operators {
        tx.execute(
            "INSERT INTO authorisation_operators (realm, operator, request_leaf, authorisation) VALUES (?1, ?2, ?3, ?4)",
            params![key, operator.as_str(), stored(leaf), id],
        )?;
    }
    Ok(leaf)
}

/// Keeps a decision that too few have signed so far.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Stale`] where it is not the next one.
pub fn keep_pending(tx: &mut Tx<'_>, realm: &Realm, decided: &Decided) -> Result<(), StoreError> {
    let authorisation = next_for(tx, realm, decided)?;
    let sql = "UPDATE authorisations SET pending = ?3 WHERE realm = ?1 AND id = ?2";
    let id = authorisation.terms.id.to_string();
    tx.execute(sql, params![tx.realm(realm)?, id, to_text(decided)?])?;
    Ok(())
}

/// Carries a decision out that enough have signed; gives its place in the log.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Stale`] where it is not the next one, or nothing that can follow.
pub fn decide(tx: &mut Tx<'_>, realm: &Realm, decided: &Decided) -> Result<u64, StoreError> {
    let authorisation = next_for(tx, realm, decided)?;
    let id = authorisation.terms.id;
    let stale = || StoreError::Stale { what: id.to_string() };
    let verdict = decided.decision.verdict;
    let state = authorisation.state.after(verdict).ok_or_else(stale)?;
    let (kind, about) = match verdict {
        Verdict::Grant => (EntryKind::Grant, Some(authorisation.request_leaf)),
        Verdict::Refuse => (EntryKind::Refuse, Some(authorisation.request_leaf)),
        Verdict::Suspend => (EntryKind::Suspend, authorisation.grant_leaf),
        Verdict::Resume => (EntryKind::Resume, authorisation.grant_leaf),
        Verdict::Revoke => (EntryKind::Revoke, authorisation.grant_leaf),
    };
    // A stop that names no grant would stop nothing.
    let about =
        Some(about.ok_or_else(|| StoreError::corrupt(format!("authorisation {id} was granted nowhere")))?);
    let record = decided.record(&authorisation.terms);
    let leaf = log::append(tx, &NewEntry { kind, about, authorisation: Some(id), record: &record })?;
    let grant = if verdict == Verdict::Grant { Some(leaf) } else { authorisation.grant_leaf };
    tx.execute(
        "UPDATE authorisations SET state = ?3, grant_leaf = ?4, decisions = decisions + 1, pending = NULL, changed = ?5
         WHERE realm = ?1 AND id = ?2",
        params![tx.realm(realm)?, id.to_string(), state.name(), grant.map(stored), micros(tx.now())],
    )?;
    Ok(leaf)
}

/// Takes a request back that nobody decided on; gives the withdrawal's place in the log. What some commissioners have signed so far
/// is no decision, and falls away.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Stale`] where it was decided, or taken back before.
pub fn withdraw(tx: &mut Tx<'_>, realm: &Realm, id: Uuid, reason: &str) -> Result<u64, StoreError> {
    let found = get(tx, realm, id)?.ok_or_else(|| StoreError::not_found(id.to_string()))?;
    if !found.state.may_be_withdrawn() {
        return Err(StoreError::Stale { what: id.to_string() });
    }
    let record = serde_json::json!({ "v": 1, "terms": found.terms, "withdrawn": { "reason": reason } });
    let record = to_text(&record)?;
    let new = NewEntry {
        kind: EntryKind::Withdraw,
        about: Some(found.request_leaf),
        authorisation: Some(id),
        record: record.as_bytes(),
    };
    let leaf = log::append(tx, &new)?;
    tx.execute(
        "UPDATE authorisations SET state = ?3, pending = NULL, changed = ?4 WHERE realm = ?1 AND id = ?2",
        params![tx.realm(realm)?, id.to_string(), State::Withdrawn.name(), micros(tx.now())],
    )?;
    Ok(leaf)
}

fn next_for(reader: &Reader<'_>, realm: &Realm, decided: &Decided) -> Result<Authorisation, StoreError> {
    let id = decided.decision.authorisation;
    let found = get(reader, realm, id)?.ok_or_else(|| StoreError::not_found(id.to_string()))?;
    let is_next = found.state.after(decided.decision.verdict).is_some()
        && decided.decision.number == found.decisions.saturating_add(1)
        && decided.decision.request == found.request_leaf
        && decided.decision.terms == hex::encode(found.terms.digest());
    if is_next { Ok(found) } else { Err(StoreError::Stale { what: id.to_string() }) }
}

/// An authorisation by its id.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: Uuid) -> Result<Option<Authorisation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM authorisations WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, params![reader.realm(realm)?, id.to_string()], read)
}

/// What is looked for under an authorisation.
///
/// # Errors
/// [`StoreError::Corrupt`] when the row is not readable.
pub fn list_of(reader: &Reader<'_>, realm: &Realm, id: Uuid) -> Result<Option<IndicatorList>, StoreError> {
    let sql = "SELECT list FROM authorisations WHERE realm = ?1 AND id = ?2";
    reader.first(sql, params![reader.realm(realm)?, id.to_string()], |row| {
        parsed("list", row.text(0)?, |text| serde_json::from_str(text).ok())
    })
}

/// Authorisations, those asked for last first: before a request's place in the log, at most [`PAGE_MAX`].
///
/// # Errors
/// [`StoreError::Corrupt`] when a row is not readable.
pub fn page(
    reader: &Reader<'_>,
    realm: &Realm,
    of: Of<'_>,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<Authorisation>, StoreError> {
    let limit = i64::try_from(limit.min(PAGE_MAX)).unwrap_or(0);
    let now = micros(reader.now());
    let mut params = vec![
        Value::Integer(reader.realm(realm)?),
        Value::Integer(before.map_or(i64::MAX, stored)),
        Value::Integer(limit),
    ];
    let at_operator = "request_leaf IN (SELECT request_leaf FROM authorisation_operators
        WHERE realm = ?1 AND operator = ?4 AND request_leaf < ?2)";
    let condition = match of {
        Of::All => String::new(),
        Of::Organisation(organisation) => {
            params.push(Value::Text(organisation.as_str()));
            format!("AND (requested_by = ?4 OR grant_leaf IS NOT NULL AND {at_operator})")
        }
        Of::InForceAt(operator) => {
            params.push(Value::Text(operator.as_str()));
            params.push(Value::Text(State::Granted.name()));
            params.push(Value::Integer(now));
            format!("AND state = ?5 AND until > ?6 AND {at_operator}")
        }
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM authorisations WHERE realm = ?1 AND request_leaf < ?2 {condition}
         ORDER BY request_leaf DESC LIMIT ?3"
    );
    reader.rows(&sql, params, read)
}

const COLUMNS: &str = "terms, person, state, sealed, request_leaf, grant_leaf, decisions, pending, created, changed, requested_by";

fn read(row: &Row<'_>) -> Result<Authorisation, StoreError> {
    let terms: Terms = parsed("terms", row.text(0)?, |text| serde_json::from_str(text).ok())?;
    if terms.requested_by != organisation_id(row.text(10)?)? {
        return Err(StoreError::corrupt(format!("who asked for authorisation {}", terms.id)));
    }
    let pending: Option<String> = row.get(7)?;
    Ok(Authorisation {
        person: row.get(1)?,
        state: parsed("state of an authorisation", row.text(2)?, State::parse)?,
        sealed: row.get(3)?,
        request_leaf: count(row.get(4)?),
        grant_leaf: row.get::<Option<i64>>(5)?.map(count),
        decisions: row.get(6)?,
        pending: pending
            .as_deref()
            .map(|text| parsed("pending decision", text, |text| serde_json::from_str(text).ok()))
            .transpose()?,
        created: time(row.get(8)?)?,
        changed: time(row.get(9)?)?,
        terms,
    })
}

pub(crate) fn id(text: &str) -> Result<Uuid, StoreError> {
    parsed("authorisation", text, |text| Uuid::parse_str(text).ok())
}

fn to_text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(error.to_string()))
}
