//! Searches that somebody keeps, and how far each one's alerts have come along the log.

use oversight::{OrganisationId, Realm};

use crate::objects::Place;
use crate::sql::{Row, micros, organisation_id, params, time};
use crate::{Reader, StoreError, Tx};

/// Saved searches of one owner at most.
pub const OWNED_MAX: usize = 100;
/// Saved searches with alerts of one realm at most: each is asked again when something comes in.
pub const ALERTING_MAX: usize = 2_000;

/// A saved search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedSearch {
    /// Its id.
    pub id: String,
    /// Who keeps it.
    pub owner: Owner,
    /// The owner's organisation when it was saved.
    pub organisation: OrganisationId,
    /// What its owner calls it.
    pub name: String,
    /// What is searched for, in the hub's own form.
    pub terms: String,
    /// Whether new hits are told.
    pub alerts: bool,
    /// Where mail goes.
    pub mail: Option<String>,
    /// Where the webhook is.
    pub webhook: Option<String>,
    /// What signs a webhook's messages; never told again.
    pub secret: Option<Vec<u8>>,
    /// Hits up to this place in its owner's view were told.
    pub place: Place,
    /// When it was saved.
    pub created: jiff::Timestamp,
}

/// A person's account or a program's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A person, by account.
    Person(String),
    /// A program, by the id of its token.
    Program(String),
}

impl Owner {
    /// `person` or `program`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Program(_) => "program",
        }
    }

    /// Account or token id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Person(id) | Self::Program(id) => id,
        }
    }
}

/// Keeps a search.
///
/// # Errors
/// [`StoreError::Limit`] beyond [`OWNED_MAX`] or [`ALERTING_MAX`].
pub fn add(tx: &mut Tx<'_>, realm: &Realm, search: &SavedSearch) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let sql = "SELECT COUNT(*) FROM saved_searches WHERE realm = ?1 AND owner_kind = ?2 AND owner = ?3";
    let owned = tx.number(sql, (realm, search.owner.kind(), search.owner.id()))?;
    if owned >= i64::try_from(OWNED_MAX).unwrap_or(i64::MAX) {
        return Err(StoreError::Limit { what: "saved searches of one owner", limit: OWNED_MAX });
    }
    let alerting =
        tx.number("SELECT COUNT(*) FROM saved_searches WHERE realm = ?1 AND alerts = 1", [realm])?;
    if search.alerts && alerting >= i64::try_from(ALERTING_MAX).unwrap_or(i64::MAX) {
        return Err(StoreError::Limit { what: "saved searches with alerts", limit: ALERTING_MAX });
    }
    tx.insert(
        "INSERT INTO saved_searches (realm, id, owner_kind, owner, organisation, name, terms, alerts, mail, webhook,
             secret, cursor, opening, opened, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        params![
            realm,
            search.id,
            search.owner.kind(),
            search.owner.id(),
            search.organisation.as_str(),
            search.name,
            search.terms,
            i64::from(search.alerts),
            search.mail,
            search.webhook,
            search.secret,
            search.place.sequence,
            search.place.opening.map(|(number, _)| number),
            search.place.opening.map(|(_, within)| within),
            micros(search.created),
        ],
        &search.id,
    )
}

/// One owner's, oldest first.
///
/// # Errors
/// Those of the database.
pub fn of_owner(reader: &Reader<'_>, realm: &Realm, owner: &Owner) -> Result<Vec<SavedSearch>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM saved_searches WHERE realm = ?1 AND owner_kind = ?2 AND owner = ?3 ORDER BY created, id"
    );
    reader.rows(&sql, (reader.realm(realm)?, owner.kind(), owner.id()), read)
}

/// One by its id, whoever keeps it: the caller compares the owner.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<SavedSearch>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM saved_searches WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// Those with alerts that have not come so far, whoever keeps them; the one furthest behind first.
///
/// # Errors
/// Those of the database.
pub fn behind(reader: &Reader<'_>, realm: &Realm, sequence: i64) -> Result<Vec<SavedSearch>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM saved_searches WHERE realm = ?1 AND alerts = 1 AND cursor < ?2
         ORDER BY cursor, id LIMIT {ALERTING_MAX}"
    );
    reader.rows(&sql, (reader.realm(realm)?, sequence), read)
}

/// All with alerts, whoever keeps them: what was opened may be behind any of them.
///
/// # Errors
/// Those of the database.
pub fn alerting(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<SavedSearch>, StoreError> {
    behind(reader, realm, i64::MAX)
}

/// Notes how far a search has come. The caller has read where it was in the same transaction.
///
/// # Errors
/// Those of the database.
pub fn advance(tx: &mut Tx<'_>, realm: &Realm, id: &str, place: Place) -> Result<(), StoreError> {
    let (opening, opened) =
        (place.opening.map(|(number, _)| number), place.opening.map(|(_, within)| within));
    tx.execute(
        "UPDATE saved_searches SET cursor = ?3, opening = ?4, opened = ?5 WHERE realm = ?1 AND id = ?2",
        params![tx.realm(realm)?, id, place.sequence, opening, opened],
    )?;
    Ok(())
}

/// Forgets a search and what waits of it; whether it was there.
///
/// # Errors
/// Those of the database.
pub fn remove(tx: &mut Tx<'_>, realm: &Realm, id: &str) -> Result<bool, StoreError> {
    let realm = tx.realm(realm)?;
    tx.execute("DELETE FROM alerts WHERE realm = ?1 AND search = ?2", (realm, id))?;
    Ok(tx.execute("DELETE FROM saved_searches WHERE realm = ?1 AND id = ?2", (realm, id))? > 0)
}

const COLUMNS: &str = "id, owner_kind, owner, organisation, name, terms, alerts, mail, webhook, secret, cursor, opening, opened, created";

fn read(row: &Row<'_>) -> Result<SavedSearch, StoreError> {
    let owner: String = row.get(2)?;
    Ok(SavedSearch {
        id: row.get(0)?,
        owner: if row.text(1)? == "person" { Owner::Person(owner) } else { Owner::Program(owner) },
        organisation: organisation_id(row.text(3)?)?,
        name: row.get(4)?,
        terms: row.get(5)?,
        alerts: row.get::<i64>(6)? == 1,
        mail: row.get(7)?,
        webhook: row.get(8)?,
        secret: row.get(9)?,
        place: Place {
            sequence: row.get(10)?,
            opening: row.get::<Option<i64>>(11)?.zip(row.get::<Option<i64>>(12)?),
        },
        created: time(row.get(13)?)?,
    })
}
