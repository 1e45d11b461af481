//! TAXII servers of parties that run no hub of ours, and how far each was read and written.

use oversight::{OrganisationId, Realm};

use crate::peers::Counts;
use crate::sql::{Row, micros, organisation_id, params, parsed, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Links of one hub at most.
pub const LINKS_MAX: i64 = 200;

/// A TAXII server.
#[derive(Clone, PartialEq, Eq)]
pub struct TaxiiLink {
    /// Short name here.
    pub id: String,
    /// Whose it is: what is read there is this organisation's, what it may have is pushed there.
    pub organisation: OrganisationId,
    /// Where discovery is.
    pub discovery: String,
    /// Id or alias of the collection; `None`: the first that can be read, or written to.
    pub collection: Option<String>,
    /// The user name there.
    pub user: Option<String>,
    /// The password where there is a user, else a bearer token: sealed by the hub, with a key that the store does not know.
    pub sealed: Option<Vec<u8>>,
    /// Certificates (PEM) that the server's must lead back to, in place of those that the machine trusts.
    pub certificate: Option<String>,
    /// How long is waited between two rounds.
    pub every_seconds: i64,
    /// Whether it is read.
    pub pulls: bool,
    /// Whether it is written to.
    pub pushes: bool,
    /// Whether nothing is exchanged with it for now.
    pub suspended: bool,
    /// When it was added.
    pub created: jiff::Timestamp,
    /// When the row last changed.
    pub changed: jiff::Timestamp,
}

impl std::fmt::Debug for TaxiiLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Credentials stay out of every log, sealed or not.
        f.debug_struct("TaxiiLink").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How far a link has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The server's own cursor, as text; empty at the beginning.
    pub pulled: String,
    /// Everything up to this sequence of the log here was pushed, or is not for it.
    pub pushed: i64,
    /// When a round last ended well.
    pub at: Option<jiff::Timestamp>,
    /// What last went wrong, where the last round did.
    pub trouble: Option<String>,
    /// Rounds that failed in a row.
    pub failures: i64,
    /// What went where.
    pub counts: Counts,
}

/// Adds a link.
///
/// # Errors
/// [`StoreError::Exists`] where the short name is taken; [`StoreError::Limit`] over [`LINKS_MAX`].
pub fn add(tx: &mut Tx<'_>, realm: &Realm, link: &TaxiiLink) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    if tx.number("SELECT COUNT(*) FROM taxii_links WHERE realm = ?1", [key])? >= LINKS_MAX {
        let limit = usize::try_from(LINKS_MAX).unwrap_or(0);
        return Err(StoreError::Limit { what: "the number of TAXII links", limit });
    }
    tx.insert(
        "INSERT INTO taxii_links (realm, id, organisation, discovery, collection, user_name, sealed, certificate, every_seconds,
             pulls, pushes, suspended, created, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)",
        params![
            key,
            link.id,
            link.organisation.as_str(),
            link.discovery,
            link.collection,
            link.user,
            link.sealed,
            link.certificate,
            link.every_seconds,
            i64::from(link.pulls),
            i64::from(link.pushes),
            i64::from(link.suspended),
            micros(link.created),
        ],
        "a TAXII link with this short name",
    )
}

/// Suspends or resumes a link.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn suspend(tx: &mut Tx<'_>, realm: &Realm, id: &str, suspended: bool) -> Result<(), StoreError> {
    let (key, now) = (tx.realm(realm)?, micros(tx.now()));
    let sql = "UPDATE taxii_links SET suspended = ?3, changed = ?4 WHERE realm = ?1 AND id = ?2";
    let changed = tx.execute(sql, (key, id, i64::from(suspended), now))?;
    if changed == 0 { Err(StoreError::not_found(id)) } else { Ok(()) }
}

/// Removes a link. What it brought stays. Whether there was one.
///
/// # Errors
/// Those of the database.
pub fn remove(tx: &mut Tx<'_>, realm: &Realm, id: &str) -> Result<bool, StoreError> {
    let key = tx.realm(realm)?;
    tx.execute("DELETE FROM taxii_link_progress WHERE realm = ?1 AND link = ?2", (key, id))?;
    Ok(tx.execute("DELETE FROM taxii_links WHERE realm = ?1 AND id = ?2", (key, id))? > 0)
}

/// A link by its short name.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, id: &str) -> Result<Option<TaxiiLink>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM taxii_links WHERE realm = ?1 AND id = ?2");
    reader.first(&sql, (reader.realm(realm)?, id), read)
}

/// All links, by short name.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<TaxiiLink>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM taxii_links WHERE realm = ?1 ORDER BY id");
    reader.rows(&sql, [reader.realm(realm)?], read)
}

/// Links whose credential a program wrote that did not seal it yet, each with it.
///
/// # Errors
/// Those of the database.
pub fn unsealed(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<(TaxiiLink, String)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, secret FROM taxii_links WHERE realm = ?1 AND secret IS NOT NULL ORDER BY id"
    );
    reader.rows(&sql, [reader.realm(realm)?], |row| Ok((read(row)?, row.get(13)?)))
}

/// Puts the sealed credential of a link in the place of the one that was not.
///
/// # Errors
/// Those of the database.
pub fn seal(tx: &mut Tx<'_>, realm: &Realm, id: &str, sealed: &[u8]) -> Result<(), StoreError> {
    let sql = "UPDATE taxii_links SET sealed = ?3, secret = NULL WHERE realm = ?1 AND id = ?2";
    tx.execute(sql, (tx.realm(realm)?, id, sealed))?;
    Ok(())
}

/// How far a link has come.
///
/// # Errors
/// Those of the database.
pub fn progress(reader: &Reader<'_>, realm: &Realm, link: &str) -> Result<Progress, StoreError> {
    let sql = "SELECT pulled, pushed, at, trouble, failures, counts FROM taxii_link_progress
        WHERE realm = ?1 AND link = ?2";
    let found = reader.first(sql, (reader.realm(realm)?, link), |row| {
        Ok(Progress {
            pulled: row.get(0)?,
            pushed: row.get(1)?,
            at: time_opt(row.get(2)?)?,
            trouble: row.get(3)?,
            failures: row.get(4)?,
            counts: parsed("counts", row.text(5)?, |text| serde_json::from_str(text).ok())?,
        })
    })?;
    Ok(found.unwrap_or_default())
}

/// Writes down how far a link has come; nothing where it was removed meanwhile.
///
/// # Errors
/// Those of the database.
pub fn put_progress(
    tx: &mut Tx<'_>,
    realm: &Realm,
    link: &str,
    progress: &Progress,
) -> Result<(), StoreError> {
    if get(tx, realm, link)?.is_none() {
        return Ok(());
    }
    let counts = serde_json::to_string(&progress.counts).map_err(|e| StoreError::Database(e.to_string()))?;
    tx.execute(
        "INSERT INTO taxii_link_progress (realm, link, pulled, pushed, at, trouble, failures, counts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (realm, link) DO UPDATE SET pulled = excluded.pulled, pushed = excluded.pushed, at = excluded.at,
             trouble = excluded.trouble, failures = excluded.failures, counts = excluded.counts",
        params![
            tx.realm(realm)?,
            link,
            progress.pulled,
            progress.pushed,
            progress.at.map(micros),
            progress.trouble,
            progress.failures,
            counts,
        ],
    )?;
    Ok(())
}

const COLUMNS: &str =
    "id, organisation, discovery, collection, user_name, sealed, certificate, every_seconds, pulls, pushes,
    suspended, created, changed";

fn read(row: &Row<'_>) -> Result<TaxiiLink, StoreError> {
    Ok(TaxiiLink {
        id: row.get(0)?,
        organisation: organisation_id(row.text(1)?)?,
        discovery: row.get(2)?,
        collection: row.get(3)?,
        user: row.get(4)?,
        sealed: row.get(5)?,
        certificate: row.get(6)?,
        every_seconds: row.get(7)?,
        pulls: row.get::<i64>(8)? != 0,
        pushes: row.get::<i64>(9)? != 0,
        suspended: row.get::<i64>(10)? != 0,
        created: time(row.get(11)?)?,
        changed: time(row.get(12)?)?,
    })
}
