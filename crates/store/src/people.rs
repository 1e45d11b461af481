//! People's accounts.

use std::collections::BTreeSet;

use oversight::{OrganisationId, PersonRole, Realm};

use crate::sql::{Row, micros, organisation_id, params, parsed, time};
use crate::{Reader, StoreError, Tx};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Account id.
    pub id: String,
    /// Sign-in name, unique in the realm.
    pub login: String,
    /// For people.
    pub name: String,
    /// The organisation.
    pub organisation: OrganisationId,
    /// Roles.
    pub roles: BTreeSet<PersonRole>,
    /// The argon2id text of the password, if one was chosen.
    pub password_hash: Option<String>,
    /// A disabled account cannot sign in, and its sessions are ended.
    pub disabled: bool,
    /// When it was added.
    pub created: jiff::Timestamp,
}

/// Adds an account.
///
/// # Errors
/// [`StoreError::Exists`] when id or sign-in name is taken.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, person: &Person) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO people (realm, id, login, name, organisation, roles, password_hash, disabled, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            realm,
            person.id,
            person.login,
            person.name,
            person.organisation.as_str(),
            role_text(&person.roles),
            person.password_hash,
            person.disabled,
            micros(person.created),
        ],
        &person.login,
    )
}

/// Changes name, organisation, roles, password and whether it is disabled; sign-in name and creation time stay.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn update(tx: &mut Tx<'_>, realm: &Realm, person: &Person) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE people SET name = ?3, organisation = ?4, roles = ?5, password_hash = ?6, disabled = ?7
         WHERE realm = ?1 AND id = ?2",
        params![
            tx.realm(realm)?,
            person.id,
            person.name,
            person.organisation.as_str(),
            role_text(&person.roles),
            person.password_hash,
            person.disabled,
        ],
    )?;
    if changed == 0 { Err(StoreError::not_found(&person.id)) } else { Ok(()) }
}

/// Sets or removes the password, given as its argon2id text.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn set_password(tx: &mut Tx<'_>, realm: &Realm, id: &str, hash: Option<&str>) -> Result<(), StoreError> {
    let sql = "UPDATE people SET password_hash = ?3 WHERE realm = ?1 AND id = ?2";
    match tx.execute(sql, (tx.realm(realm)?, id, hash))? {
        0 => Err(StoreError::not_found(id)),
        _ => Ok(()),
    }
}

/// An account by its id.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Person>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM people WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// An account by its sign-in name.
///
/// # Errors
/// Those of the database.
pub fn by_login(reader: &Reader<'_>, realm: &Realm, login: &str) -> Result<Option<Person>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM people WHERE realm = ?1 AND login = ?2");
    reader.first(&sql, (reader.realm(realm)?, login), read)
}

/// All accounts, by sign-in name.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Person>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM people WHERE realm = ?1 ORDER BY login");
    reader.rows(&sql, [reader.realm(realm)?], read)
}

const COLUMNS: &str = "id, login, name, organisation, roles, password_hash, disabled, created";

fn read(row: &Row<'_>) -> Result<Person, StoreError> {
    Ok(Person {
        id: row.get(0)?,
        login: row.get(1)?,
        name: row.get(2)?,
        organisation: organisation_id(&row.get::<String>(3)?)?,
        roles: roles(&row.get::<String>(4)?)?,
        password_hash: row.get(5)?,
        disabled: row.get(6)?,
        created: time(row.get(7)?)?,
    })
}

/// Roles as they are stored, for accounts and tokens alike.
pub(crate) fn role_text(roles: &BTreeSet<PersonRole>) -> String {
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(",")
}

/// Stored roles.
pub(crate) fn roles(text: &str) -> Result<BTreeSet<PersonRole>, StoreError> {
    text.split_terminator(',').map(|name| parsed("role", name, PersonRole::parse)).collect()
}
