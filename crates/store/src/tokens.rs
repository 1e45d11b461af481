//! Tokens of programs; the secret is kept as its hash.

use std::collections::BTreeSet;

use oversight::{OrganisationId, PersonRole, Realm};

use crate::people::{role_text, roles};
use crate::secrets::SecretHash;
use crate::sql::{Row, micros, organisation_id, params, parsed, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// A way in for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// TAXII.
    Taxii,
    /// The REST interface.
    Rest,
    /// The stream of events.
    Stream,
    /// What MISP's clients know.
    Misp,
    /// Reading about edges in the REST interface, and nothing else of it: for what watches whether they are well.
    Edges,
    /// Handing mails in about cases, and nothing else of the REST interface: for an organisation's mail system.
    Mail,
}

impl Door {
    /// Every door.
    pub const ALL: [Self; 6] = [Self::Taxii, Self::Rest, Self::Stream, Self::Misp, Self::Edges, Self::Mail];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Taxii => "taxii",
            Self::Rest => "rest",
            Self::Stream => "stream",
            Self::Misp => "misp",
            Self::Edges => "edges",
            Self::Mail => "mail",
        }
    }

    /// The door of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|door| door.name() == name)
    }
}

/// About a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id, which is no secret.
    pub id: String,
    /// What it is for, for people.
    pub name: String,
    /// The organisation it speaks for.
    pub organisation: OrganisationId,
    /// What it may do.
    pub roles: BTreeSet<PersonRole>,
    /// When it was issued.
    pub created: jiff::Timestamp,
    /// When it ends.
    pub expires: jiff::Timestamp,
    /// When it was last used.
    pub last_used: Option<jiff::Timestamp>,
    /// When it was revoked.
    pub revoked: Option<jiff::Timestamp>,
    /// Through which doors it goes; none: through every one.
    pub doors: BTreeSet<Door>,
    /// The SHA-256 of the certificate that whoever brings it has to show.
    pub certificate: Option<[u8; 32]>,
}

impl Token {
    /// Whether it is good at a time.
    #[must_use]
    pub fn is_good(&self, at: jiff::Timestamp) -> bool {
        self.revoked.is_none() && at < self.expires
    }

    /// Whether it goes through a door. Reading about edges and handing mails in are parts of the REST interface.
    #[must_use]
    pub fn opens(&self, door: Door) -> bool {
        self.doors.is_empty()
            || self.doors.contains(&door)
            || (matches!(door, Door::Edges | Door::Mail) && self.doors.contains(&Door::Rest))
    }
}

/// Adds a token with the hash of its secret ([`crate::secrets`]).
///
/// # Errors
/// [`StoreError::Exists`] when the id is taken.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, token: &Token, hash: &SecretHash) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO tokens (realm, id, hash, name, organisation, roles, created, expires, doors, certificate)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            realm,
            token.id,
            hash,
            token.name,
            token.organisation.as_str(),
            role_text(&token.roles),
            micros(token.created),
            micros(token.expires),
            token.doors.iter().map(|door| door.name()).collect::<Vec<_>>().join(","),
            token.certificate,
        ],
        &token.id,
    )
}

/// The token with this secret, good or not: ask [`Token::is_good`].
///
/// # Errors
/// Those of the database.
pub fn by_hash(reader: &Reader<'_>, realm: &Realm, hash: &SecretHash) -> Result<Option<Token>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM tokens WHERE realm = ?1 AND hash = ?2");
    reader.first(&sql, (reader.realm(realm)?, hash), read)
}

/// A token by its id.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Token>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM tokens WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// All tokens that are not revoked, oldest first; expired ones too.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Token>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM tokens WHERE realm = ?1 AND revoked IS NULL ORDER BY created, id");
    reader.rows(&sql, [reader.realm(realm)?], read)
}

/// Revokes a token for good; whether it was in force.
///
/// # Errors
/// Those of the database.
pub fn revoke(tx: &mut Tx<'_>, realm: &Realm, id: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE tokens SET revoked = ?3 WHERE realm = ?1 AND id = ?2 AND revoked IS NULL";
    Ok(tx.execute(sql, (tx.realm(realm)?, id, micros(tx.now())))? > 0)
}

/// Notes that a token was used.
///
/// # Errors
/// Those of the database.
pub fn used(tx: &mut Tx<'_>, realm: &Realm, id: &str) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE tokens SET last_used = ?3 WHERE realm = ?1 AND id = ?2",
        (tx.realm(realm)?, id, micros(tx.now())),
    )?;
    Ok(())
}

const COLUMNS: &str =
    "id, name, organisation, roles, created, expires, last_used, revoked, doors, certificate";

fn read(row: &Row<'_>) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        organisation: organisation_id(&row.get::<String>(2)?)?,
        roles: roles(&row.get::<String>(3)?)?,
        created: time(row.get(4)?)?,
        expires: time(row.get(5)?)?,
        last_used: time_opt(row.get(6)?)?,
        revoked: time_opt(row.get(7)?)?,
        doors: row
            .text(8)?
            .split_terminator(',')
            .map(|name| parsed("door", name, Door::parse))
            .collect::<Result<_, _>>()?,
        certificate: row.get(9)?,
    })
}
