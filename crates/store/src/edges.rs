//! Edges: registration, what they last said, and the ledger of what left them.

use oversight::{OrganisationId, Realm};
use policy::{LabelKey, Visible};
use stix::Id;

use crate::objects::label_condition;
use crate::secrets::SecretHash;
use crate::sql::{Row, micros, organisation_id, params, stix_id, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// The longest hello kept, in bytes.
pub const HELLO_BYTES_MAX: usize = 256 * 1024;
/// Ledger rows one read gives at most.
pub const LEDGER_MAX: usize = 1000;

/// A registered edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Short name.
    pub id: String,
    /// Its operator.
    pub organisation: OrganisationId,
    /// For people.
    pub name: String,
    /// When it was registered.
    pub created: jiff::Timestamp,
    /// What it last said, as JSON.
    pub hello: Option<String>,
    /// When it was last heard.
    pub heard: Option<jiff::Timestamp>,
}

/// One thing that left an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// When the hub took it in.
    pub at: jiff::Timestamp,
    /// The STIX sighting it became.
    pub sighting: Id,
    /// The indicator that matched.
    pub indicator: Id,
    /// The sighting's label.
    pub label: LabelKey,
    /// What was in it, by kind, e.g. `addresses: 2`.
    pub contents: Vec<String>,
}

/// Registers an edge with the hash of its token ([`crate::secrets`]).
///
/// # Errors
/// [`StoreError::Exists`] when the short name is taken.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, edge: &Edge, token: &SecretHash) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO edges (realm, id, organisation, name, token_hash, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (realm, &edge.id, edge.organisation.as_str(), &edge.name, token, micros(edge.created)),
        &edge.id,
    )
}

/// The edge with this token.
///
/// # Errors
/// Those of the database.
pub fn by_token(reader: &Reader<'_>, realm: &Realm, token: &SecretHash) -> Result<Option<Edge>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM edges WHERE realm = ?1 AND token_hash = ?2");
    reader.first(&sql, (reader.realm(realm)?, token), read)
}

/// The hash of an edge's token: what the two share.
///
/// # Errors
/// Those of the database.
pub fn secret(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<SecretHash>, StoreError> {
    let sql = "SELECT token_hash FROM edges WHERE realm = ?1 AND id = ?2";
    reader.first(sql, (reader.realm(realm)?, id), |row| row.get(0))
}

/// An edge by its short name.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<Edge>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM edges WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// All edges, by organisation and short name.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Edge>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM edges WHERE realm = ?1 ORDER BY organisation, id");
    reader.rows(&sql, [reader.realm(realm)?], read)
}

/// Removes an edge; its token and the key that it signs with are void, its ledger stays. Whether there was one.
///
/// # Errors
/// Those of the database.
pub fn remove(tx: &mut Tx<'_>, realm: &Realm, id: &str) -> Result<bool, StoreError> {
    tx.execute("DELETE FROM edge_keys WHERE realm = ?1 AND edge = ?2", (tx.realm(realm)?, id))?;
    Ok(tx.execute("DELETE FROM edges WHERE realm = ?1 AND id = ?2", (tx.realm(realm)?, id))? > 0)
}

/// Notes what an edge says of itself, as JSON, and that it was heard now.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Limit`] over [`HELLO_BYTES_MAX`].
pub fn heard(tx: &mut Tx<'_>, realm: &Realm, id: &str, hello: &str) -> Result<(), StoreError> {
    if hello.len() > HELLO_BYTES_MAX {
        return Err(StoreError::Limit { what: "an edge's hello, in bytes,", limit: HELLO_BYTES_MAX });
    }
    let sql = "UPDATE edges SET hello = ?3, heard = ?4 WHERE realm = ?1 AND id = ?2";
    match tx.execute(sql, (tx.realm(realm)?, id, hello, micros(tx.now())))? {
        0 => Err(StoreError::not_found(id)),
        _ => Ok(()),
    }
}

/// Notes what left an edge; the same sighting is noted once.
///
/// # Errors
/// Those of the database.
pub fn note_left(tx: &mut Tx<'_>, realm: &Realm, edge: &str, row: &LedgerRow) -> Result<(), StoreError> {
    let realm = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO edge_ledger (realm, edge, sighting, at, indicator, label, contents)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (realm, edge, sighting) DO NOTHING",
        params![
            realm,
            edge,
            row.sighting.as_str(),
            micros(row.at),
            row.indicator.as_str(),
            row.label,
            row.contents.join("\n"),
        ],
    )?;
    Ok(())
}

/// The last things that left an edge and that the reader may see, newest first, at most [`LEDGER_MAX`].
///
/// # Errors
/// Those of the database.
pub fn ledger(
    reader: &Reader<'_>,
    realm: &Realm,
    visible: &Visible,
    edge: &str,
    limit: usize,
) -> Result<Vec<LedgerRow>, StoreError> {
    let sql = format!(
        "SELECT at, sighting, indicator, label, contents FROM edge_ledger
         WHERE realm = ?1 AND edge = ?2 AND {} ORDER BY at DESC, sighting LIMIT ?3",
        label_condition("label", visible)
    );
    let limit = i64::try_from(limit.min(LEDGER_MAX)).unwrap_or(0);
    reader.rows(&sql, (reader.realm(realm)?, edge, limit), |row| {
        Ok(LedgerRow {
            at: time(row.get(0)?)?,
            sighting: stix_id(&row.get::<String>(1)?)?,
            indicator: stix_id(&row.get::<String>(2)?)?,
            label: row.get(3)?,
            contents: row.get::<String>(4)?.lines().map(str::to_owned).collect(),
        })
    })
}

const COLUMNS: &str = "id, organisation, name, created, hello, heard";

fn read(row: &Row<'_>) -> Result<Edge, StoreError> {
    Ok(Edge {
        id: row.get(0)?,
        organisation: organisation_id(&row.get::<String>(1)?)?,
        name: row.get(2)?,
        created: time(row.get(3)?)?,
        hello: row.get(4)?,
        heard: time_opt(row.get(5)?)?,
    })
}
