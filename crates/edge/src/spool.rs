//! The edge's durable memory: how far each log was read, what waits to be sent, what was asked, matched and sent.
//!
//! A match and the position behind it are written in one transaction, so a crash repeats nothing and loses nothing; a
//! sighting leaves the spool only when the hub has acknowledged it.

pub(crate) mod authority;
pub(crate) mod history;
pub(crate) mod orders;
mod reach;
mod rounds;
mod settling;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use oversight::Minimised;
use oversight::authorisation::Selected;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::Sha256;
use stix::Id;
use uuid::Uuid;

use self::settling::Settling;
use crate::ledger::{Counts, LedgerKind, LedgerRow};
use crate::source::journal::Key;
use crate::source::taken::TAKEN_MAX;
use crate::tuning::history::HistoryNews;
use crate::tuning::{Held, Verdict};

pub(crate) mod verdicts;

pub(crate) use reach::Reach;

/// Namespace of sighting identifiers.
const SIGHTING_NAMESPACE: Uuid = Uuid::from_u128(0x5b0c_6c1e_6f0e_5f43_9a63_1d3b_7a6f_2c11);
/// Sightings that may wait; at this number the edge stops reading its logs until the hub takes some.
pub(crate) const WAITING_SIGHTINGS_MAX: u64 = 200_000;
/// Identifiers of answered sightings kept, so that reading a record again sends nothing.
pub(crate) const ANSWERED_IDS_MAX: u64 = 1_000_000;
/// Ledger rows kept; older ones are forgotten, their counts stay.
pub(crate) const LEDGER_ROWS_MAX: u64 = 100_000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS position (
        source TEXT NOT NULL, file TEXT NOT NULL, path TEXT NOT NULL, inode INTEGER NOT NULL,
        prefix_length INTEGER NOT NULL, prefix_hash BLOB NOT NULL, position INTEGER NOT NULL, line INTEGER NOT NULL,
        header BLOB NOT NULL, finished INTEGER NOT NULL, PRIMARY KEY (source, file));
    CREATE TABLE IF NOT EXISTS windows (
        source TEXT NOT NULL, file TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (source, file));
    CREATE TABLE IF NOT EXISTS taken (
        number INTEGER PRIMARY KEY, source TEXT NOT NULL, key BLOB NOT NULL, UNIQUE (source, key));
    CREATE TABLE IF NOT EXISTS sighting (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, sealed BLOB NOT NULL, state TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS sighting_waiting ON sighting (number) WHERE state = 'waiting';
    CREATE TABLE IF NOT EXISTS indicator (id TEXT PRIMARY KEY, body BLOB NOT NULL, tlp TEXT);
    CREATE TABLE IF NOT EXISTS ledger (
        number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, indicator TEXT NOT NULL, name TEXT NOT NULL,
        detail TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS count (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
";

/// The spool could not keep or give something.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The disk is full: nothing was kept, reading stops until there is room.
    #[error(
        "the disk that holds the edge's data folder is full; free some space and reading goes on by itself"
    )]
    Full,
    /// The file is damaged or from a newer program.
    #[error("the spool cannot be used: {0}")]
    Unusable(String),
}

impl From<rusqlite::Error> for SpoolError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::SystemIoFailure) => Self::Full,
            _ => Self::Unusable(error.to_string()),
        }
    }
}

/// How far one file of a source was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// The file's own identifier here, whatever it is called.
    pub(crate) file: Uuid,
    /// The path it was last seen under.
    pub(crate) path: PathBuf,
    /// Its inode then.
    pub(crate) inode: u64,
    /// So many first bytes tell it apart …
    pub(crate) prefix_length: u64,
    /// … by this SHA-256.
    pub(crate) prefix_hash: [u8; 32],
    /// Uncompressed bytes read and decided.
    pub(crate) position: u64,
    /// Lines read.
    pub(crate) line: u64,
    /// The format's header lines in force at the position (Zeek TSV), to read on with.
    pub(crate) header: Vec<u8>,
    /// Whether the file was read to its end and will not grow.
    pub(crate) finished: bool,
}

/// An indicator as the hub sent it: its JSON text, and the word of its marking.
pub(crate) type KeptIndicator = (Vec<u8>, Option<String>);

/// One sighting to keep: its identifier, the same at every reading of the same record, and its proof.
#[derive(Debug)]
pub(crate) struct NewSpooled {
    /// UUIDv5 over source, file identity, offset and indicator.
    pub(crate) id: Uuid,
    /// What may leave.
    pub(crate) minimised: Minimised,
}

/// What is kept together with a position.
#[derive(Debug, Default)]
pub(crate) struct Kept<'k> {
    pub(crate) sightings: &'k [NewSpooled],
    /// What was found under authorisations.
    pub(crate) selected: Option<&'k BTreeMap<Uuid, Selected>>,
    pub(crate) ledger: &'k [LedgerRow],
    /// What was taken in, to be known when it comes again.
    pub(crate) taken: &'k [Key],
    /// How far partitions of a group were read with it.
    pub(crate) reaches: &'k [Reach],
    /// What patterns over several records remember of the file; `None`: as before. Never of a later position than this one, or
    /// records that are read again would be counted twice.
    pub(crate) windows: Option<&'k [u8]>,
    /// Matches whose sightings were held back, by indicator.
    pub(crate) held: Option<&'k BTreeMap<Id, Held>>,
    /// What was decided because of the matches.
    pub(crate) verdicts: &'k [(Id, Option<Verdict>)],
    /// What is known of the operator's own history since it was last kept.
    pub(crate) prevalence: Option<&'k HistoryNews>,
    pub(crate) history: history::HistoryKept<'k>,
}

/// The spool.
#[derive(Debug)]
pub(crate) struct Spool {
    connection: Mutex<Connection>,
    settling: Settling,
    key: [u8; 32],
    /// Whether indicators are hunted in a history.
    seeks: bool,
}

impl Spool {
    /// Opens or makes the spool in a folder.
    pub(crate) fn open(folder: &Path) -> Result<Self, SpoolError> {
        let file = folder.join("edge.sqlite");
        make_private(folder, &file).map_err(|e| SpoolError::Unusable(e.to_string()))?;
        let connection = Connection::open(&file)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A commit is on disk when it is settled: one synchronisation settles all commits before it.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "cache_size", -2000)?;
        connection.execute_batch(SCHEMA)?;
        connection.execute_batch(reach::SCHEMA)?;
        connection.execute_batch(verdicts::SCHEMA)?;
        connection.execute_batch(history::SCHEMA)?;
        connection.execute_batch(authority::SCHEMA)?;
        connection.execute_batch(rounds::SCHEMA)?;
        connection.execute_batch(orders::SCHEMA)?;
        let key = sealing_key(&connection)?;
        let settling = Settling::of(&connection, &file)?;
        Ok(Self { connection: Mutex::new(connection), settling, key, seeks: false })
    }

    /// Does something that is on disk when this returns.
    fn durably<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, SpoolError>,
    ) -> Result<T, SpoolError> {
        let done = {
            let mut connection = self.connection();
            let done = work(&mut connection)?;
            // Before anybody can read it: what is read is settled.
            self.settling.committed();
            done
        };
        self.settle()?;
        Ok(done)
    }

    /// Waits until everything that was kept so far is on disk.
    pub(crate) fn settle(&self) -> Result<(), SpoolError> {
        self.settling.settle()
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The identifier of the sighting that one record gives with one indicator: the same at every reading, and of no use to
    /// somebody who guesses at records, since it is keyed.
    pub(crate) fn sighting_id(&self, parts: &[&[u8]]) -> Uuid {
        sighting_id(&self.key, parts)
    }

    /// A host as a number that tells nothing without the spool's key.
    pub(crate) fn host_number(&self, address: std::net::IpAddr) -> u64 {
        let mut name = keyed(&self.key);
        name.update(b"host");
        name.update(address.to_string().as_bytes());
        let digest = name.finalize().into_bytes();
        digest.iter().take(8).fold(0, |number, octet| number << 8 | u64::from(*octet))
    }

    /// Every position of a source.
    pub(crate) fn positions(&self, source: &str) -> Result<Vec<Position>, SpoolError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT file, path, inode, prefix_length, prefix_hash, position, line, header, finished
             FROM position WHERE source = ?1 ORDER BY rowid",
        )?;
        let rows = statement.query_map([source], |row| {
            Ok(Position {
                file: Uuid::try_parse(&row.get::<_, String>(0)?).unwrap_or_default(),
                path: PathBuf::from(row.get::<_, String>(1)?),
                inode: row.get::<_, i64>(2)?.cast_unsigned(),
                prefix_length: row.get::<_, i64>(3)?.cast_unsigned(),
                prefix_hash: row.get(4)?,
                position: row.get::<_, i64>(5)?.cast_unsigned(),
                line: row.get::<_, i64>(6)?.cast_unsigned(),
                header: row.get(7)?,
                finished: row.get(8)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The position of a source that is one endless row and has no files.
    pub(crate) fn position_of_row(&self, source: &str) -> Result<Position, SpoolError> {
        let row = Position {
            file: Uuid::new_v5(&SIGHTING_NAMESPACE, source.as_bytes()),
            path: PathBuf::new(),
            inode: 0,
            prefix_length: 0,
            prefix_hash: [0; 32],
            position: 0,
            line: 0,
            header: Vec::new(),
            finished: false,
        };
        Ok(self.positions(source)?.into_iter().find(|known| known.file == row.file).unwrap_or(row))
    }

    /// Keeps what one stretch of a file gave and the position behind it, in one transaction. It is on disk when it is
    /// [settled](Self::settle): until then a loss of power takes both back.
    pub(crate) fn keep(&self, source: &str, position: &Position, kept: &Kept<'_>) -> Result<(), SpoolError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        put_position(&transaction, source, position)?;
        put_taken(&transaction, source, kept.taken)?;
        reach::put(&transaction, source, kept.reaches)?;
        put_windows(&transaction, source, position, kept.windows)?;
        history::put(&transaction, source, position, &kept.history)?;
        let mut fresh = 0;
        for sighting in kept.sightings {
            fresh += transaction
                .prepare_cached(
                    "INSERT INTO sighting (id, sealed, state) VALUES (?1, ?2, 'waiting') ON CONFLICT (id) DO NOTHING",
                )?
                .execute(params![sighting.id.to_string(), sighting.minimised.seal(&self.key)])?;
        }
        if let Some(selected) = kept.selected {
            authority::put_selected(&transaction, selected, &self.key)?;
        }
        put_ledger(&transaction, kept.ledger)?;
        verdicts::put_verdicts(&transaction, kept.verdicts)?;
        if let Some(held) = kept.held {
            verdicts::put_held(&transaction, held)?;
            add(&transaction, "matched", held.values().map(|held| held.count).sum())?;
        }
        if let Some(news) = kept.prevalence {
            verdicts::put_history(&transaction, news)?;
        }
        add(&transaction, "spooled", fresh as u64)?;
        transaction.commit()?;
        self.settling.committed();
        Ok(())
    }

    /// What was taken in from a source lately, oldest first.
    pub(crate) fn taken(&self, source: &str) -> Result<Vec<Key>, SpoolError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT key FROM taken WHERE source = ?1 ORDER BY number")?;
        Ok(statement.query_map([source], |row| row.get(0))?.collect::<Result<_, _>>()?)
    }

    /// Forgets a file that is gone for good.
    pub(crate) fn forget(&self, source: &str, file: Uuid) -> Result<(), SpoolError> {
        let connection = self.connection();
        for forget in [
            "DELETE FROM position WHERE source = ?1 AND file = ?2",
            "DELETE FROM windows WHERE source = ?1 AND file = ?2",
            "DELETE FROM mark WHERE source = ?1 AND file = ?2",
        ] {
            connection.execute(forget, params![source, file.to_string()])?;
        }
        Ok(())
    }

    /// What patterns over several records remembered of a file.
    pub(crate) fn windows(&self, source: &str, file: Uuid) -> Result<Option<Vec<u8>>, SpoolError> {
        let connection = self.connection();
        let state = connection
            .prepare_cached("SELECT state FROM windows WHERE source = ?1 AND file = ?2")?
            .query_row(params![source, file.to_string()], |row| row.get(0))
            .optional()?;
        Ok(state)
    }

    /// The oldest waiting sightings. What does not bear our seal was not written by us: it is dropped, and counted as refused.
    pub(crate) fn waiting(&self, limit: usize) -> Result<Vec<(Uuid, Minimised)>, SpoolError> {
        let connection = self.connection();
        let rows: Vec<(i64, String, Vec<u8>)> = connection
            .prepare_cached(
                "SELECT number, id, CAST(sealed AS BLOB) FROM sighting WHERE state = 'waiting' ORDER BY number LIMIT ?1",
            )?
            .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        let mut waiting = Vec::with_capacity(rows.len());
        for (number, id, sealed) in rows {
            match (Uuid::try_parse(&id), Minimised::unseal(&sealed, &self.key)) {
                (Ok(id), Some(minimised)) => waiting.push((id, minimised)),
                _ => {
                    connection
                        .execute("UPDATE sighting SET state = 'broken-seal' WHERE number = ?1", [number])?;
                    add(&connection, "refused", 1)?;
                }
            }
        }
        drop(connection);
        // What leaves is on our own disk before. Not before it is read: more may have been kept meanwhile.
        self.settle()?;
        Ok(waiting)
    }

    /// How many sightings wait.
    pub(crate) fn waiting_count(&self) -> Result<u64, SpoolError> {
        let connection = self.connection();
        let count: i64 = connection
            .prepare_cached("SELECT count(*) FROM sighting WHERE state = 'waiting'")?
            .query_row([], |row| row.get(0))?;
        Ok(count.cast_unsigned())
    }

    /// Ends the stay of sightings that the hub has answered for; their sealed content is erased, their id stays so that
    /// reading the same record again sends nothing.
    pub(crate) fn acknowledge(
        &self,
        answered: &[(Uuid, &'static str)],
        ledger: &[LedgerRow],
    ) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            for (id, state) in answered {
                transaction
                    .prepare_cached(
                        "UPDATE sighting SET state = ?2, sealed = x'' WHERE id = ?1 AND state = 'waiting'",
                    )?
                    .execute(params![id.to_string(), state])?;
                add(&transaction, state, 1)?;
            }
            transaction
                .prepare_cached(
                    "DELETE FROM sighting WHERE state <> 'waiting' AND number <= (SELECT max(number) FROM sighting) - ?1",
                )?
                .execute([ANSWERED_IDS_MAX.cast_signed()])?;
            put_ledger(&transaction, ledger)?;
            Ok(transaction.commit()?)
        })
    }

    /// The hub's sequence that the kept indicators stand for, and all of them: JSON text and marking.
    pub(crate) fn intelligence(&self) -> Result<(i64, Vec<KeptIndicator>), SpoolError> {
        let connection = self.connection();
        let sequence: Option<i64> = connection
            .query_row("SELECT value FROM setting WHERE name = 'sequence'", [], |row| row.get(0))
            .optional()?;
        let indicators = connection
            .prepare("SELECT body, tlp FROM indicator")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok((sequence.unwrap_or(0), indicators))
    }

    /// Applies a change of the indicators.
    pub(crate) fn change_intelligence(
        &self,
        intelligence: &api::Intelligence,
        asked: &[LedgerRow],
    ) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            if intelligence.reset {
                transaction.execute("DELETE FROM indicator", [])?;
            }
            for change in &intelligence.changes {
                match change {
                    api::IntelligenceChange::Put { object, tlp } => {
                        let id = object.get("id").and_then(serde_json::Value::as_str).unwrap_or_default();
                        let body = object.to_string().into_bytes();
                        transaction
                            .prepare_cached(
                                "INSERT INTO indicator (id, body, tlp) VALUES (?1, ?2, ?3)
                                 ON CONFLICT (id) DO UPDATE SET body = excluded.body, tlp = excluded.tlp",
                            )?
                            .execute(params![id, body, tlp])?;
                        if self.seeks {
                            history::seek(&transaction, id, object)?;
                        }
                    }
                    api::IntelligenceChange::Drop { id } => {
                        transaction.prepare_cached("DELETE FROM indicator WHERE id = ?1")?.execute([id])?;
                        history::seek_no_more(&transaction, id)?;
                    }
                }
            }
            transaction.execute(
                "INSERT INTO setting (name, value) VALUES ('sequence', ?1) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                [intelligence.sequence],
            )?;
            put_ledger(&transaction, asked)?;
            Ok(transaction.commit()?)
        })
    }

    /// The newest ledger rows, newest first.
    pub(crate) fn ledger(&self, limit: u32) -> Result<Vec<LedgerRow>, SpoolError> {
        let connection = self.connection();
        let rows = connection
            .prepare_cached(
                "SELECT at, kind, indicator, name, detail FROM ledger ORDER BY number DESC LIMIT ?1",
            )?
            .query_map([limit], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, String>(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                ))
            })?
            .collect::<Result<Vec<(String, String, String, String, String)>, _>>()?;
        Ok(rows
            .into_iter()
            .filter_map(|(at, kind, indicator, name, detail)| {
                Some(LedgerRow {
                    at: at.parse().ok()?,
                    kind: LedgerKind::parse(&kind)?,
                    indicator,
                    name,
                    detail,
                })
            })
            .collect())
    }

    /// What was counted since the spool was made.
    pub(crate) fn counts(&self) -> Result<Counts, SpoolError> {
        let connection = self.connection();
        let read = |name: &str| -> Result<u64, SpoolError> {
            let value: Option<i64> = connection
                .prepare_cached("SELECT value FROM count WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()?;
            Ok(value.unwrap_or(0).cast_unsigned())
        };
        Ok(Counts {
            matched: read("matched")?,
            withheld: read("withheld")?,
            held: read("held")?,
            sent: read("sent")?,
            duplicate: read("duplicate")?,
            refused: read("refused")?,
            found: read("found")?,
            selected: read("selected")?,
            selected_lost: read("selected-lost")?,
        })
    }
}

/// The identifier of a sighting, made of what it is about with this key.
pub(crate) fn sighting_id(key: &[u8; 32], parts: &[&[u8]]) -> Uuid {
    let mut name = keyed(key);
    for part in parts {
        name.update(&(part.len() as u64).to_be_bytes());
        name.update(part);
    }
    Uuid::new_v5(&SIGHTING_NAMESPACE, &name.finalize().into_bytes())
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    // HMAC pads a shorter key with zeros to one block (RFC 2104), so this is the same as with the key itself.
    Hmac::new(&block.into())
}

/// The spool holds the sealing key and what waits to leave: a folder and file made here are readable by their owner alone.
fn make_private(folder: &Path, file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // SQLite gives its other files the permissions of this one.
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(file).map(drop)
}

fn sealing_key(connection: &Connection) -> Result<[u8; 32], SpoolError> {
    let kept: Option<[u8; 32]> = connection
        .query_row("SELECT value FROM setting WHERE name = 'key'", [], |row| row.get(0))
        .optional()?;
    if let Some(key) = kept {
        return Ok(key);
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|e| SpoolError::Unusable(e.to_string()))?;
    connection.execute("INSERT INTO setting (name, value) VALUES ('key', ?1)", [key])?;
    Ok(key)
}

fn put_position(connection: &Connection, source: &str, position: &Position) -> Result<(), SpoolError> {
    connection
        .prepare_cached(
            "INSERT INTO position (source, file, path, inode, prefix_length, prefix_hash, position, line, header, finished)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (source, file) DO UPDATE SET path = excluded.path, inode = excluded.inode,
                 prefix_length = excluded.prefix_length, prefix_hash = excluded.prefix_hash,
                 position = excluded.position, line = excluded.line, header = excluded.header,
                 finished = excluded.finished",
        )?
        .execute(params![
            source,
            position.file.to_string(),
            position.path.to_string_lossy(),
            position.inode.cast_signed(),
            position.prefix_length.cast_signed(),
            position.prefix_hash,
            position.position.cast_signed(),
            position.line.cast_signed(),
            position.header,
            position.finished,
        ])?;
    Ok(())
}

/// A file that is finished needs its windows no more.
fn put_windows(
    connection: &Connection,
    source: &str,
    position: &Position,
    windows: Option<&[u8]>,
) -> Result<(), SpoolError> {
    let file = position.file.to_string();
    if position.finished {
        connection
            .prepare_cached("DELETE FROM windows WHERE source = ?1 AND file = ?2")?
            .execute(params![source, file])?;
    } else if let Some(state) = windows {
        connection
            .prepare_cached(
                "INSERT INTO windows (source, file, state) VALUES (?1, ?2, ?3)
                 ON CONFLICT (source, file) DO UPDATE SET state = excluded.state",
            )?
            .execute(params![source, file, state])?;
    }
    Ok(())
}

fn put_taken(connection: &Connection, source: &str, taken: &[Key]) -> Result<(), SpoolError> {
    for key in taken {
        connection
            .prepare_cached("INSERT OR IGNORE INTO taken (source, key) VALUES (?1, ?2)")?
            .execute(params![source, key])?;
    }
    if !taken.is_empty() {
        connection
            .prepare_cached("DELETE FROM taken WHERE number <= (SELECT max(number) FROM taken) - ?1")?
            .execute([TAKEN_MAX as i64])?;
    }
    Ok(())
}

fn put_ledger(connection: &Connection, rows: &[LedgerRow]) -> Result<(), SpoolError> {
    for row in rows {
        connection
            .prepare_cached(
                "INSERT INTO ledger (at, kind, indicator, name, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![row.at.to_string(), row.kind.name(), row.indicator, row.name, row.detail])?;
        if let Some(count) = row.kind.counted() {
            add(connection, count, 1)?;
        }
    }
    if !rows.is_empty() {
        connection
            .prepare_cached("DELETE FROM ledger WHERE number <= (SELECT max(number) FROM ledger) - ?1")?
            .execute([LEDGER_ROWS_MAX.cast_signed()])?;
    }
    Ok(())
}

fn add(connection: &Connection, name: &str, by: u64) -> Result<(), SpoolError> {
    connection
        .prepare_cached(
            "INSERT INTO count (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
        )?
        .execute(params![name, by.cast_signed()])?;
    Ok(())
}

#[cfg(test)]
#[path = "spool_tests.rs"]
mod tests;
