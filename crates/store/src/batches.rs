//! One-way peers: how far the series of numbered batches has come that is written for one, or taken from one.
//!
//! What is in a batch stands in the log and nowhere else. Kept of each is its hash, which the next one names, and where in the log it
//! began, so that what was lost on the way is decided anew and not kept.

use oversight::Realm;

use crate::sql::{Row, micros, params, time, time_opt};
use crate::{Reader, StoreError, Tx};

/// Batches of one peer that are remembered; older ones are forgotten.
pub const BATCHES_MAX: i64 = 100_000;

/// A place in a log, and the sight by which it was read up to there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Everything up to this sequence.
    pub sequence: i64,
    /// By this sight.
    pub sight: i64,
}

/// How far a series has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    /// Its name: 32 hexadecimal digits, drawn by the hub that writes it. Empty where nothing was taken yet.
    pub name: String,
    /// Files that may wait for the transfer agent.
    pub files_max: i64,
    /// Bytes that may wait for it.
    pub bytes_max: i64,
    /// The last batch that was written, or taken; 0 before the first.
    pub number: i64,
    /// The batch that the next one written follows: the last one, or an earlier one where some must be sent again.
    pub follows: i64,
    /// Where the next one written begins.
    pub place: Place,
    /// The missing number that was last told of; 0 for none.
    pub gap_told: i64,
    /// When the last one was written or taken.
    pub at: Option<jiff::Timestamp>,
}

/// What is remembered of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number, from 1.
    pub number: i64,
    /// SHA-256 of what is signed of it.
    pub hash: [u8; 32],
    /// Where it began in the writer's log.
    pub begun: Place,
    /// When it was written or taken.
    pub at: jiff::Timestamp,
}

/// How far a peer's series has come.
///
/// # Errors
/// Those of the database.
pub fn series(reader: &Reader<'_>, realm: &Realm, peer: &str) -> Result<Option<Series>, StoreError> {
    let sql = "SELECT series, files_max, bytes_max, number, follows, sequence, sight, gap_told, at
               FROM peer_series WHERE realm = ?1 AND peer = ?2";
    reader.first(sql, (reader.realm(realm)?, peer), |row| {
        Ok(Series {
            name: row.get(0)?,
            files_max: row.get(1)?,
            bytes_max: row.get(2)?,
            number: row.get(3)?,
            follows: row.get(4)?,
            place: Place { sequence: row.get(5)?, sight: row.get(6)? },
            gap_told: row.get(7)?,
            at: time_opt(row.get(8)?)?,
        })
    })
}

/// Writes down how far a peer's series has come.
///
/// # Errors
/// Those of the database.
pub fn put_series(tx: &mut Tx<'_>, realm: &Realm, peer: &str, series: &Series) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    tx.execute(
        "INSERT INTO peer_series (realm, peer, series, files_max, bytes_max, number, follows, sequence, sight, gap_told, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (realm, peer) DO UPDATE SET series = excluded.series, files_max = excluded.files_max,
             bytes_max = excluded.bytes_max, number = excluded.number, follows = excluded.follows,
             sequence = excluded.sequence, sight = excluded.sight, gap_told = excluded.gap_told, at = excluded.at",
        params![
            key,
            peer,
            series.name,
            series.files_max,
            series.bytes_max,
            series.number,
            series.follows,
            series.place.sequence,
            series.place.sight,
            series.gap_told,
            series.at.map(micros),
        ],
    )?;
    Ok(())
}

/// Remembers a batch; the oldest of very many is forgotten.
///
/// # Errors
/// [`StoreError::Exists`] where a batch of this number is known.
pub fn add(tx: &mut Tx<'_>, realm: &Realm, peer: &str, batch: &Batch) -> Result<(), StoreError> {
    let key = tx.realm_for_writing(realm)?;
    tx.insert(
        "INSERT INTO peer_batches (realm, peer, number, hash, sequence, sight, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            key,
            peer,
            batch.number,
            batch.hash,
            batch.begun.sequence,
            batch.begun.sight,
            micros(batch.at)
        ],
        "a batch of this number",
    )?;
    let sql = "DELETE FROM peer_batches WHERE realm = ?1 AND peer = ?2 AND number <= ?3";
    tx.execute(sql, (key, peer, batch.number.saturating_sub(BATCHES_MAX)))?;
    Ok(())
}

/// What is remembered of a batch.
///
/// # Errors
/// Those of the database.
pub fn get(reader: &Reader<'_>, realm: &Realm, peer: &str, number: i64) -> Result<Option<Batch>, StoreError> {
    let sql = "SELECT number, hash, sequence, sight, at FROM peer_batches
               WHERE realm = ?1 AND peer = ?2 AND number = ?3";
    reader.first(sql, (reader.realm(realm)?, peer, number), read)
}

fn read(row: &Row<'_>) -> Result<Batch, StoreError> {
    Ok(Batch {
        number: row.get(0)?,
        hash: row.get(1)?,
        begun: Place { sequence: row.get(2)?, sight: row.get(3)? },
        at: time(row.get(4)?)?,
    })
}
