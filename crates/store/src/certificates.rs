//! The node's own certificate authority as it is kept: its roots with their sealed keys, and each certificate that was issued, with
//! whom it is for. What a certificate says is made and judged by the hub.

use oversight::Realm;

use crate::sql::{Row, micros, params, parsed, time, time_opt};
use crate::{Reader, StoreError, Tx, settings};

/// Most certificates that hold at once.
pub const LIVING_MAX: usize = 100_000;
/// Most certificates of one that hold at once: the one in use, the one that takes its place, and as many again for mishaps.
pub const LIVING_OF_ONE_MAX: usize = 4;
/// Roots that are trusted at once: one, and another one while it takes the first one's place.
pub const ROOTS_MAX: usize = 2;
/// The setting that counts changes, so that whoever keeps a copy knows when to read anew.
const CHANGES: &str = "ca.changes";

/// Whom a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// An edge, by its short name.
    Edge,
    /// A program, by the id of its token.
    Token,
    /// The hub itself, towards whoever connects to it, by its host name.
    Hub,
}

impl Holder {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Token => "token",
            Self::Hub => "hub",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Edge, Self::Token, Self::Hub].into_iter().find(|holder| holder.name() == name)
    }
}

/// A root of the authority.
#[derive(Clone, PartialEq, Eq)]
pub struct Root {
    /// Its serial number, hexadecimal.
    pub id: String,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Its key, sealed by the hub; `None` where the root is retired.
    pub sealed: Option<Vec<u8>>,
    /// When it was made.
    pub created: jiff::Timestamp,
    /// When it ends.
    pub ends: jiff::Timestamp,
    /// When it was retired: nothing under it counts from then on.
    pub retired: Option<jiff::Timestamp>,
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// The root that it is under.
    pub root: String,
    /// Whom it is for.
    pub holder: Holder,
    /// Which of them.
    pub subject: String,
    /// SHA-256 of the certificate (RFC 8705 §3.1, `x5t#S256`).
    pub thumbprint: [u8; 32],
    /// When it was issued.
    pub issued: jiff::Timestamp,
    /// When it ends.
    pub ends: jiff::Timestamp,
    /// When it was revoked.
    pub revoked: Option<jiff::Timestamp>,
    /// Why.
    pub reason: Option<String>,
}

/// What a certificate that is shown means for somebody who signs in by other means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// None was ever issued to it: it is bound to none.
    Unbound,
    /// The one that is shown is its own, and counts.
    Good,
    /// One was issued to it and another one is shown, or none, or one that was revoked or is over.
    Broken,
}

/// How often anything of this was changed; what is kept in memory is read anew when the number is another one.
///
/// # Errors
/// Those of the database.
pub fn changes(reader: &Reader<'_>, realm: &Realm) -> Result<u64, StoreError> {
    let value = settings::get(reader, realm, CHANGES)?;
    Ok(value.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes))
}

fn count_change(tx: &mut Tx<'_>, realm: &Realm) -> Result<(), StoreError> {
    let next = changes(tx, realm)?.wrapping_add(1);
    settings::put(tx, realm, CHANGES, &next.to_be_bytes())
}

/// Adds a root. From this commit on it is the one that signs.
///
/// # Errors
/// [`StoreError::Limit`] where [`ROOTS_MAX`] are trusted already.
pub fn add_root(tx: &mut Tx<'_>, realm: &Realm, root: &Root) -> Result<(), StoreError> {
    if trusted_roots(tx, realm)?.len() >= ROOTS_MAX {
        return Err(StoreError::Limit {
            what: "the number of roots that are trusted at once",
            limit: ROOTS_MAX,
        });
    }
    let key = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO ca_roots (realm, id, certificate, sealed, created, ends) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![key, root.id, root.certificate, root.sealed, micros(root.created), micros(root.ends)],
        &root.id,
    )?;
    count_change(tx, realm)
}

/// The roots that are trusted, the one that signs first.
///
/// # Errors
/// Those of the database.
pub fn trusted_roots(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Root>, StoreError> {
    let sql = "SELECT id, certificate, sealed, created, ends, retired FROM ca_roots
         WHERE realm = ?1 AND retired IS NULL ORDER BY created DESC, id DESC";
    reader.rows(sql, [reader.realm(realm)?], read_root)
}

/// Retires a root for good: its key is gone, and nothing under it counts any more. Whether it was trusted.
///
/// # Errors
/// Those of the database.
pub fn retire_root(tx: &mut Tx<'_>, realm: &Realm, id: &str) -> Result<bool, StoreError> {
    let sql =
        "UPDATE ca_roots SET retired = ?3, sealed = NULL WHERE realm = ?1 AND id = ?2 AND retired IS NULL";
    let was = tx.execute(sql, (tx.realm(realm)?, id, micros(tx.now())))? > 0;
    count_change(tx, realm)?;
    Ok(was)
}

/// Writes down that a certificate was issued.
///
/// # Errors
/// [`StoreError::Limit`] where as many hold as may, of all or of this one.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, new: &Certificate) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    let now = micros(tx.now());
    let all = "SELECT COUNT(*) FROM ca_certificates WHERE realm = ?1 AND ends > ?2 AND revoked IS NULL";
    let reached = |found: i64, limit: usize| usize::try_from(found).is_ok_and(|found| found >= limit);
    if reached(tx.number(all, (key, now))?, LIVING_MAX) {
        return Err(StoreError::Limit { what: "the number of certificates that hold", limit: LIVING_MAX });
    }
    let of_one = "SELECT COUNT(*) FROM ca_certificates
         WHERE realm = ?1 AND kind = ?2 AND subject = ?3 AND ends > ?4 AND revoked IS NULL";
    if reached(tx.number(of_one, (key, new.holder.name(), &new.subject, now))?, LIVING_OF_ONE_MAX) {
        let what = "the number of certificates of one holder that hold (revoke those that are not used)";
        return Err(StoreError::Limit { what, limit: LIVING_OF_ONE_MAX });
    }
    tx.insert(
        "INSERT INTO ca_certificates (realm, serial, root, kind, subject, thumbprint, issued, ends)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            key,
            new.serial,
            new.root,
            new.holder.name(),
            new.subject,
            new.thumbprint,
            micros(new.issued),
            micros(new.ends),
        ],
        &new.serial,
    )?;
    count_change(tx, realm)
}

/// Revokes a certificate for good; whether it was there and held.
///
/// # Errors
/// Those of the database.
pub fn revoke(tx: &mut Tx<'_>, realm: &Realm, serial: &str, reason: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE ca_certificates SET revoked = ?3, reason = ?4
         WHERE realm = ?1 AND serial = ?2 AND revoked IS NULL";
    let was = tx.execute(sql, (tx.realm(realm)?, serial, micros(tx.now()), reason))? > 0;
    count_change(tx, realm)?;
    Ok(was)
}

/// Forgets what was issued to one that is gone, so that another one of the same name begins without.
///
/// # Errors
/// Those of the database.
pub fn forget_holder(
    tx: &mut Tx<'_>,
    realm: &Realm,
    holder: Holder,
    subject: &str,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM ca_certificates WHERE realm = ?1 AND kind = ?2 AND subject = ?3";
    if tx.execute(sql, (tx.realm(realm)?, holder.name(), subject))? > 0 {
        count_change(tx, realm)?;
    }
    Ok(())
}

/// A certificate by its serial number.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, serial: &str) -> Result<Option<Certificate>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM ca_certificates WHERE realm = ?1 AND serial = ?2");
    reader.first(&sql, (reader.realm(realm)?, serial), read)
}

/// Certificates that are not over, revoked ones too, what ends first at the beginning, then what was issued first; at most so many.
///
/// # Errors
/// Those of the database.
pub fn list(reader: &Reader<'_>, realm: &Realm, limit: i64) -> Result<Vec<Certificate>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM ca_certificates WHERE realm = ?1 AND ends > ?2 ORDER BY ends, issued, serial LIMIT ?3"
    );
    reader.rows(&sql, (reader.realm(realm)?, micros(reader.now()), limit), read)
}

/// Those that end between two times and are not revoked.
///
/// # Errors
/// Those of the database.
pub fn ending(
    reader: &Reader<'_>,
    realm: &Realm,
    (from, until): (jiff::Timestamp, jiff::Timestamp),
) -> Result<Vec<Certificate>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM ca_certificates
         WHERE realm = ?1 AND ends > ?2 AND ends <= ?3 AND revoked IS NULL ORDER BY ends, issued, serial LIMIT ?4"
    );
    let limit = i64::try_from(ENDING_MAX).unwrap_or(0);
    reader.rows(&sql, (reader.realm(realm)?, micros(from), micros(until), limit), read)
}

/// Certificates that one answer about what ends soon holds.
const ENDING_MAX: usize = 1000;

/// All that somebody who shows a certificate has: those of one holder, whatever became of them.
///
/// # Errors
/// Those of the database.
pub fn of_holder(
    reader: &Reader<'_>,
    realm: &Realm,
    holder: Holder,
    subject: &str,
) -> Result<Vec<Certificate>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM ca_certificates WHERE realm = ?1 AND kind = ?2 AND subject = ?3 ORDER BY issued, serial"
    );
    reader.rows(&sql, (reader.realm(realm)?, holder.name(), subject), read)
}

/// The thumbprints of all that clients may show now, each with its end.
///
/// # Errors
/// Those of the database.
pub fn living(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<([u8; 32], jiff::Timestamp)>, StoreError> {
    let sql = "SELECT c.thumbprint, c.ends FROM ca_certificates c
         JOIN ca_roots r ON r.realm = c.realm AND r.id = c.root AND r.retired IS NULL
         WHERE c.realm = ?1 AND c.kind <> ?2 AND c.ends > ?3 AND c.revoked IS NULL";
    let bounds = (reader.realm(realm)?, Holder::Hub.name(), micros(reader.now()));
    reader.rows(sql, bounds, |row| Ok((row.get(0)?, time(row.get(1)?)?)))
}

/// What a certificate that is shown means for one that signs in by a token.
///
/// # Errors
/// Those of the database.
pub fn binding(
    reader: &Reader<'_>,
    realm: &Realm,
    (holder, subject): (Holder, &str),
    shown: Option<&[u8; 32]>,
) -> Result<Binding, StoreError> {
    let key = reader.realm(realm)?;
    let any = "SELECT COUNT(*) FROM ca_certificates WHERE realm = ?1 AND kind = ?2 AND subject = ?3";
    if reader.number(any, (key, holder.name(), subject))? == 0 {
        return Ok(Binding::Unbound);
    }
    let Some(shown) = shown else { return Ok(Binding::Broken) };
    let good = "SELECT COUNT(*) FROM ca_certificates c
         JOIN ca_roots r ON r.realm = c.realm AND r.id = c.root AND r.retired IS NULL
         WHERE c.realm = ?1 AND c.kind = ?2 AND c.subject = ?3 AND c.thumbprint = ?4 AND c.ends > ?5 AND c.revoked IS NULL";
    let now = micros(reader.now());
    let found = reader.number(good, params![key, holder.name(), subject, *shown, now])?;
    Ok(if found > 0 { Binding::Good } else { Binding::Broken })
}

const COLUMNS: &str = "serial, root, kind, subject, thumbprint, issued, ends, revoked, reason";

fn read(row: &Row<'_>) -> Result<Certificate, StoreError> {
    Ok(Certificate {
        serial: row.get(0)?,
        root: row.get(1)?,
        holder: parsed("holder", row.text(2)?, Holder::parse)?,
        subject: row.get(3)?,
        thumbprint: row.get(4)?,
        issued: time(row.get(5)?)?,
        ends: time(row.get(6)?)?,
        revoked: time_opt(row.get(7)?)?,
        reason: row.get(8)?,
    })
}

fn read_root(row: &Row<'_>) -> Result<Root, StoreError> {
    Ok(Root {
        id: row.get(0)?,
        certificate: row.get(1)?,
        sealed: row.get(2)?,
        created: time(row.get(3)?)?,
        ends: time(row.get(4)?)?,
        retired: time_opt(row.get(5)?)?,
    })
}
