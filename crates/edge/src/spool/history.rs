//! What the spool keeps for the history: how much of the history's journal counts, what was told already, which indicators are
//! still to be hunted.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use stix::Id;
use uuid::Uuid;

use super::{NewSpooled, Position, Spool, add, put_ledger};
use crate::SpoolError;
use crate::ledger::LedgerRow;

/// What was told is known again so often; the oldest is forgotten first.
const TOLD_MAX: i64 = 2_000_000;
/// Hunts that are remembered when they have ended.
const HUNTS_MAX: i64 = 1000;

/// `mark`: everything of a file before this place in the history's journal counts. `mark_before`: the same as of the end of each
/// run of the edge. `sought`: each indicator as it was last handed over to a hunt; `hunt` is empty while it waits for one.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS mark (
        source TEXT NOT NULL, file TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (source, file));
    CREATE TABLE IF NOT EXISTS mark_before (
        until INTEGER NOT NULL, source TEXT NOT NULL, file TEXT NOT NULL, place INTEGER NOT NULL,
        PRIMARY KEY (until, source, file));
    CREATE TABLE IF NOT EXISTS told (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS sought (id TEXT PRIMARY KEY, digest BLOB NOT NULL, hunt INTEGER);
    CREATE INDEX IF NOT EXISTS sought_hunt ON sought (hunt);
    CREATE TABLE IF NOT EXISTS hunt (
        number INTEGER PRIMARY KEY, began TEXT NOT NULL, ended TEXT, indicators INTEGER NOT NULL, hunted_from INTEGER,
        segments INTEGER NOT NULL DEFAULT 0, found INTEGER NOT NULL DEFAULT 0, let_out INTEGER NOT NULL DEFAULT 0,
        beyond INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0);
";

/// What of the history is kept together with a reading position.
#[derive(Debug, Default)]
pub(crate) struct HistoryKept<'k> {
    /// Everything of the file before this place in the journal counts from now on.
    pub(crate) place: Option<u64>,
    /// Lines that the journal did not take.
    pub(crate) lost: u64,
    /// What the matches are told apart by for hunts.
    pub(crate) told: &'k [Uuid],
}

/// A file of a source.
pub(crate) type FileOf = (String, Uuid);

/// How much of the journal counted at the end of each earlier run, by the place at which the run ended.
pub(crate) type MarksBefore = BTreeMap<u64, HashMap<FileOf, u64>>;

/// Something that a hunt found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) told: Uuid,
    /// What may leave.
    pub(crate) sighting: Option<NewSpooled>,
    pub(crate) ledger: Vec<LedgerRow>,
}

/// A hunt, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct HuntRow {
    pub(crate) number: i64,
    pub(crate) began: String,
    pub(crate) ended: Option<String>,
    /// Indicators that are hunted.
    pub(crate) indicators: u64,
    /// Records from this time on are done with; nanoseconds since 1970, the least there is where all are.
    #[serde(skip)]
    pub(crate) hunted_from: Option<i64>,
    /// Segments that were gone through.
    pub(crate) segments: u64,
    /// What was found and not known from live matching or an earlier hunt.
    pub(crate) found: u64,
    /// How much of it the consent let out.
    pub(crate) let_out: u64,
    /// What was found beyond the most that is told of one indicator.
    pub(crate) beyond: u64,
    /// Parts of the history that could not be read.
    pub(crate) failed: u64,
}

impl Spool {
    /// Makes the spool keep which indicators are still to be hunted. Those that are held already wait for a hunt when this
    /// is the first time.
    pub(crate) fn begin_history(&mut self) -> Result<(), SpoolError> {
        self.seeks = true;
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let is_new: bool = transaction.query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM setting WHERE name = 'seeks')",
            [],
            |row| row.get(0),
        )?;
        if is_new {
            let mut bodies = transaction.prepare("SELECT id, body FROM indicator")?;
            let mut rows = bodies.query([])?;
            while let Some(row) = rows.next()? {
                let body: Vec<u8> = row.get(1)?;
                let object = serde_json::from_slice(&body).unwrap_or_default();
                seek(&transaction, &row.get::<_, String>(0)?, &object)?;
            }
            transaction.execute("INSERT INTO setting (name, value) VALUES ('seeks', 1)", [])?;
        }
        Ok(transaction.commit()?)
    }

    /// What names the history's journal in the lake: offsets of another edge, or of another data folder, are none of it.
    pub(crate) fn journal_name(&self) -> Result<String, SpoolError> {
        let connection = self.connection();
        let kept: Option<String> = connection
            .query_row("SELECT value FROM setting WHERE name = 'journal'", [], |row| row.get(0))
            .optional()?;
        if let Some(name) = kept {
            return Ok(name);
        }
        let name = Uuid::new_v4().to_string();
        connection.execute("INSERT INTO setting (name, value) VALUES ('journal', ?1)", [&name])?;
        Ok(name)
    }

    /// The furthest place of the history's journal that is known.
    pub(crate) fn journal_end(&self) -> Result<u64, SpoolError> {
        let end: i64 = self.connection().query_row(
            "SELECT max((SELECT coalesce(max(place), 0) FROM mark), (SELECT coalesce(max(until), 0) FROM mark_before))",
            [],
            |row| row.get(0),
        )?;
        Ok(end.cast_unsigned())
    }

    /// A run of the edge begins with the journal ending here: what is there and does not count by now never will, for it is read
    /// from its source again.
    pub(crate) fn begin_run(&self, end: u64) -> Result<MarksBefore, SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT OR IGNORE INTO mark_before (until, source, file, place)
                 SELECT ?1, source, file, place FROM mark
                 WHERE place > (SELECT coalesce(max(until), 0) FROM mark_before WHERE until < ?1)",
                [end.cast_signed()],
            )?;
            // Also where nothing counts, what is there is of a run that has ended.
            transaction
                .execute("INSERT OR IGNORE INTO mark_before VALUES (?1, '', '', 0)", [end.cast_signed()])?;
            let mut before = MarksBefore::new();
            {
                let mut marks = transaction.prepare("SELECT until, source, file, place FROM mark_before")?;
                let mut rows = marks.query([])?;
                while let Some(row) = rows.next()? {
                    let file = Uuid::try_parse(&row.get::<_, String>(2)?).unwrap_or_default();
                    let run = before.entry(row.get::<_, i64>(0)?.cast_unsigned()).or_default();
                    run.insert((row.get(1)?, file), row.get::<_, i64>(3)?.cast_unsigned());
                }
            }
            transaction.commit()?;
            Ok(before)
        })
    }

    /// Forgets runs whose entries are all in the lake; the last stays, so that places are never used twice.
    pub(crate) fn forget_runs(&self, before: u64) -> Result<(), SpoolError> {
        self.connection().execute(
            "DELETE FROM mark_before WHERE until <= ?1 AND until < (SELECT max(until) FROM mark_before)",
            [before.cast_signed()],
        )?;
        Ok(())
    }

    /// Lines that the history lacks, since the spool was made.
    pub(crate) fn history_lost(&self) -> Result<u64, SpoolError> {
        let lost: Option<i64> = self
            .connection()
            .query_row("SELECT value FROM count WHERE name = 'history-lost'", [], |row| row.get(0))
            .optional()?;
        Ok(lost.unwrap_or(0).cast_unsigned())
    }

    /// What one record and indicator are told apart by, whether they are met live or in the lake; keyed as sightings' names are.
    pub(crate) fn told_id(&self, source: &str, offset: u64, indicator: &Id) -> Uuid {
        self.sighting_id(&[b"told", source.as_bytes(), &offset.to_be_bytes(), indicator.as_str().as_bytes()])
    }

    /// How many indicators wait to be hunted.
    pub(crate) fn seeking(&self) -> Result<u64, SpoolError> {
        let count: i64 =
            self.connection()
                .query_row("SELECT count(*) FROM sought WHERE hunt IS NULL", [], |row| row.get(0))?;
        Ok(count.cast_unsigned())
    }

    /// The hunt that a restart interrupted.
    pub(crate) fn hunt_left(&self) -> Result<Option<HuntRow>, SpoolError> {
        Ok(hunts(&self.connection(), "WHERE ended IS NULL ORDER BY number LIMIT ?1", 1)?.pop())
    }

    /// Begins a hunt for what waits, at most so many.
    pub(crate) fn begin_hunt(
        &self,
        indicators_max: u32,
        now: jiff::Timestamp,
    ) -> Result<Option<HuntRow>, SpoolError> {
        self.durably(|connection| {
            let waits: bool = connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM sought WHERE hunt IS NULL)")?
                .query_row([], |row| row.get(0))?;
            if !waits {
                return Ok(None);
            }
            let transaction = connection.transaction()?;
            transaction.execute("INSERT INTO hunt (began, indicators) VALUES (?1, 0)", [now.to_string()])?;
            let number = transaction.last_insert_rowid();
            let taken = transaction.execute(
                "UPDATE sought SET hunt = ?1 WHERE rowid IN (
                    SELECT rowid FROM sought WHERE hunt IS NULL ORDER BY rowid DESC LIMIT ?2)",
                params![number, indicators_max],
            )?;
            transaction.execute(
                "UPDATE hunt SET indicators = ?2 WHERE number = ?1",
                params![number, i64::try_from(taken).unwrap_or(i64::MAX)],
            )?;
            let begun = hunts(&transaction, "WHERE number = ?1", number)?.pop();
            transaction.commit()?;
            Ok(begun)
        })
    }

    /// The indicators of a hunt.
    pub(crate) fn sought_by(&self, hunt: i64) -> Result<Vec<Id>, SpoolError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT id FROM sought WHERE hunt = ?1")?;
        let ids = statement.query_map([hunt], |row| row.get::<_, String>(0))?;
        let ids = ids.collect::<Result<Vec<_>, _>>()?;
        Ok(ids.iter().filter_map(|id| Id::parse(id).ok()).collect())
    }

    /// Keeps what a hunt found, as far as it is not known; of each whether it was not.
    pub(crate) fn keep_found(&self, hunt: i64, found: &[Found]) -> Result<Vec<bool>, SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            let (mut fresh, mut let_out) = (Vec::with_capacity(found.len()), 0_u64);
            for one in found {
                let is_fresh = put_told(&transaction, &one.told)?;
                fresh.push(is_fresh);
                if !is_fresh {
                    continue;
                }
                if let Some(sighting) = &one.sighting {
                    let_out += transaction
                        .prepare_cached(
                            "INSERT INTO sighting (id, sealed, state) VALUES (?1, ?2, 'waiting') ON CONFLICT (id) DO NOTHING",
                        )?
                        .execute(params![sighting.id.to_string(), sighting.minimised.seal(&self.key)])?
                        as u64;
                }
                put_ledger(&transaction, &one.ledger)?;
            }
            forget_told(&transaction)?;
            add(&transaction, "spooled", let_out)?;
            let count = fresh.iter().filter(|is_fresh| **is_fresh).count() as u64;
            transaction.execute(
                "UPDATE hunt SET found = found + ?2, let_out = let_out + ?3 WHERE number = ?1",
                params![hunt, count.cast_signed(), let_out.cast_signed()],
            )?;
            transaction.commit()?;
            Ok(fresh)
        })
    }

    /// A part of the history is done with: all records from this time on.
    pub(crate) fn hunted(
        &self,
        hunt: i64,
        from: i64,
        segments: u64,
        beyond: u64,
        failed: bool,
    ) -> Result<(), SpoolError> {
        self.durably(|connection| {
            connection.execute(
                "UPDATE hunt SET hunted_from = ?2, segments = segments + ?3, beyond = beyond + ?4, failed = failed + ?5
                 WHERE number = ?1",
                params![hunt, from, segments.cast_signed(), beyond.cast_signed(), failed],
            )?;
            Ok(())
        })
    }

    /// Ends a hunt. Indicators that are not held any more are forgotten.
    pub(crate) fn end_hunt(&self, hunt: i64, now: jiff::Timestamp) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            transaction
                .execute("UPDATE hunt SET ended = ?2 WHERE number = ?1", params![hunt, now.to_string()])?;
            transaction.execute("DELETE FROM hunt WHERE number <= ?1 - ?2", params![hunt, HUNTS_MAX])?;
            transaction.execute(
                "DELETE FROM sought WHERE hunt IS NOT NULL AND id NOT IN (SELECT id FROM indicator)",
                [],
            )?;
            Ok(transaction.commit()?)
        })
    }

    /// The newest hunts that have ended, newest first.
    pub(crate) fn hunts_done(&self, most: u32) -> Result<Vec<HuntRow>, SpoolError> {
        hunts(&self.connection(), "WHERE ended IS NOT NULL ORDER BY number DESC LIMIT ?1", most.into())
    }
}

fn hunts(connection: &Connection, which: &str, bound: i64) -> Result<Vec<HuntRow>, SpoolError> {
    let columns = "number, began, ended, indicators, hunted_from, segments, found, let_out, beyond, failed";
    let mut statement = connection.prepare_cached(&format!("SELECT {columns} FROM hunt {which}"))?;
    let count = |row: &rusqlite::Row<'_>, at| row.get::<_, i64>(at).map(i64::cast_unsigned);
    let rows = statement.query_map([bound], |row| {
        Ok(HuntRow {
            number: row.get(0)?,
            began: row.get(1)?,
            ended: row.get(2)?,
            indicators: count(row, 3)?,
            hunted_from: row.get(4)?,
            segments: count(row, 5)?,
            found: count(row, 6)?,
            let_out: count(row, 7)?,
            beyond: count(row, 8)?,
            failed: count(row, 9)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Keeps what goes with a reading position.
pub(super) fn put(
    connection: &Connection,
    source: &str,
    position: &Position,
    kept: &HistoryKept<'_>,
) -> Result<(), SpoolError> {
    if let Some(place) = kept.place {
        connection
            .prepare_cached(
                "INSERT INTO mark (source, file, place) VALUES (?1, ?2, ?3)
                 ON CONFLICT (source, file) DO UPDATE SET place = excluded.place",
            )?
            .execute(params![source, position.file.to_string(), place.cast_signed()])?;
    }
    if kept.lost > 0 {
        add(connection, "history-lost", kept.lost)?;
    }
    for told in kept.told {
        put_told(connection, told)?;
    }
    if !kept.told.is_empty() {
        forget_told(connection)?;
    }
    Ok(())
}

/// Whether it was not known.
fn put_told(connection: &Connection, told: &Uuid) -> Result<bool, SpoolError> {
    let put = connection
        .prepare_cached("INSERT INTO told (id) VALUES (?1) ON CONFLICT (id) DO NOTHING")?
        .execute([told.as_bytes()])?;
    Ok(put > 0)
}

fn forget_told(connection: &Connection) -> Result<(), SpoolError> {
    connection
        .prepare_cached("DELETE FROM told WHERE number <= (SELECT max(number) FROM told) - ?1")?
        .execute([TOLD_MAX])?;
    Ok(())
}

/// Has an indicator hunted, unless it was handed over to a hunt as it is now.
pub(super) fn seek(connection: &Connection, id: &str, object: &serde_json::Value) -> Result<(), SpoolError> {
    connection
        .prepare_cached(
            "INSERT INTO sought (id, digest) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, hunt = NULL WHERE digest <> excluded.digest",
        )?
        .execute(params![id, digest(object)])?;
    Ok(())
}

/// The hub took an indicator back.
pub(super) fn seek_no_more(connection: &Connection, id: &str) -> Result<(), SpoolError> {
    connection.prepare_cached("DELETE FROM sought WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// What of an indicator can change what is found.
fn digest(object: &serde_json::Value) -> Vec<u8> {
    let mut digest = Sha256::new();
    for key in ["pattern_type", "pattern", "revoked", "confidence", "valid_from", "valid_until"] {
        digest.update(object.get(key).map(ToString::to_string).unwrap_or_default());
        digest.update([0]);
    }
    digest.finalize().get(..16).unwrap_or_default().to_vec()
}

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
