//! Who of several processes on one database does what only one of them may do: reading from a peer, filling a bucket.
//!
//! A lease runs by the database's clock, so that hosts whose clocks differ agree on its end. It decides who *begins*; a process that
//! stood still while its lease ran out does not know that it ended, so what must not happen twice is checked once more in the
//! transaction that writes it.

use std::collections::BTreeSet;

use oversight::Realm;

use crate::sql::{Dialect, micros};
use crate::{Reader, StoreError, Tx};

/// Leases that one process asks for at most.
pub const LEASES_MAX: usize = 2_000;

/// The database's clock where it has one of its own.
const SERVER_CLOCK: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";

/// A lease that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is for.
    pub name: String,
    /// The process that holds it.
    pub holder: String,
    /// How long it still runs, in microseconds.
    pub left_us: i64,
}

/// The leases that run.
///
/// # Errors
/// Those of the database.
pub fn running(reader: &Reader<'_>, realm: &Realm) -> Result<Vec<Lease>, StoreError> {
    let now = now_us(reader)?;
    let sql = "SELECT name, holder, until FROM leases WHERE realm = ?1 AND until > ?2 ORDER BY name";
    reader.rows(sql, (reader.realm(realm)?, now), |row| {
        let until: i64 = row.get(2)?;
        Ok(Lease { name: row.get(0)?, holder: row.get(1)?, left_us: until.saturating_sub(now) })
    })
}

/// Takes each of the leases that is free, has run out or is this holder's already, for so long from now; gives those that it holds.
///
/// # Errors
/// [`StoreError::Limit`] over [`LEASES_MAX`].
pub fn take(
    tx: &mut Tx<'_>,
    realm: &Realm,
    names: &BTreeSet<String>,
    holder: &str,
    for_us: i64,
) -> Result<BTreeSet<String>, StoreError> {
    if names.len() > LEASES_MAX {
        return Err(StoreError::Limit { what: "the number of leases", limit: LEASES_MAX });
    }
    let (realm, now) = (tx.realm_for_writing(realm)?, now_us(tx)?);
    let until = now.saturating_add(for_us);
    let sql = "INSERT INTO leases (realm, name, holder, until) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (realm, name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE leases.holder = excluded.holder OR leases.until <= ?5";
    let mut held = BTreeSet::new();
    for name in names {
        if tx.execute(sql, (realm, name.as_str(), holder, until, now))? > 0 {
            held.insert(name.clone());
        }
    }
    Ok(held)
}

/// Gives back the leases of a holder that are not among those it still wants, so that others need not wait for their end.
///
/// # Errors
/// Those of the database.
pub fn keep_only(
    tx: &mut Tx<'_>,
    realm: &Realm,
    wanted: &BTreeSet<String>,
    holder: &str,
) -> Result<(), StoreError> {
    let realm = tx.realm(realm)?;
    let sql = "SELECT name FROM leases WHERE realm = ?1 AND holder = ?2";
    for name in tx.rows(sql, (realm, holder), |row| row.get::<String>(0))? {
        if !wanted.contains(&name) {
            let sql = "DELETE FROM leases WHERE realm = ?1 AND name = ?2 AND holder = ?3";
            tx.execute(sql, (realm, name.as_str(), holder))?;
        }
    }
    Ok(())
}

fn now_us(reader: &Reader<'_>) -> Result<i64, StoreError> {
    match reader.dialect() {
        // One process has the folder, and its clock is the only one.
        Dialect::Sqlite => Ok(micros(reader.now())),
        Dialect::Postgres => reader.number(SERVER_CLOCK, ()),
    }
}
