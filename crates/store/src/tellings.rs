//! What open streams are told of beside the log: a short queue that every process of a node reads from where it was.
//!
//! Whoever reads may be another process than the one whose act it was. So it is a row in the transaction of the act, numbered in the
//! order of the commits as the log is: who has seen one number has seen all before it. What is here is only said aloud; what it is
//! about is kept elsewhere (inboxes, alerts), so old rows are forgotten, and a stream that was not open misses nothing but the sound.

use std::collections::BTreeSet;

use oversight::{OrganisationId, Realm};

use crate::saved_searches::Owner;
use crate::sql::{organisation_id, params};
use crate::{Reader, StoreError, Tx};

/// Rows that are kept: more than are written while a process is away from its database for a moment.
pub const KEPT_MAX: i64 = 10_000;

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everybody of these organisations.
    Organisations(BTreeSet<OrganisationId>),
    /// One person or program.
    Owner(Owner),
}

/// Something that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// Rises with every one.
    pub number: i64,
    /// To whom.
    pub audience: Audience,
    /// What is told, in the hub's own form.
    pub event: String,
}

/// Tells something when this transaction is committed.
///
/// # Errors
/// Those of the database.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, audience: &Audience, event: &str) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    let number = newest(tx)?.saturating_add(1);
    let (kind, who) = match audience {
        Audience::Organisations(organisations) => {
            let names: Vec<&str> = organisations.iter().map(OrganisationId::as_str).collect();
            ("organisations", names.join("\n"))
        }
        Audience::Owner(owner) => (owner.kind(), owner.id().to_owned()),
    };
    tx.execute(
        "INSERT INTO tellings (number, realm, audience, who, event) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![number, realm, kind, who, event],
    )?;
    tx.execute("DELETE FROM tellings WHERE number <= ?1", [number.saturating_sub(KEPT_MAX)])?;
    tx.state.borrow_mut().tells = true;
    Ok(())
}

/// The newest number; 0 before the first.
///
/// # Errors
/// Those of the database.
pub fn newest(reader: &Reader<'_>) -> Result<i64, StoreError> {
    reader.number("SELECT MAX(number) FROM tellings", ())
}

/// What was told after a number, oldest first.
///
/// # Errors
/// Those of the database.
pub fn after(
    reader: &Reader<'_>,
    realm: &Realm,
    number: i64,
    limit: usize,
) -> Result<Vec<Telling>, StoreError> {
    let sql = "SELECT number, audience, who, event FROM tellings WHERE realm = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(KEPT_MAX);
    reader.rows(sql, (reader.realm(realm)?, number, limit), |row| {
        let who: String = row.get(2)?;
        let audience = match row.text(1)? {
            "person" => Audience::Owner(Owner::Person(who)),
            "program" => Audience::Owner(Owner::Program(who)),
            _ => Audience::Organisations(who.lines().map(organisation_id).collect::<Result<_, _>>()?),
        };
        Ok(Telling { number: row.get(0)?, audience, event: row.get(3)? })
    })
}
