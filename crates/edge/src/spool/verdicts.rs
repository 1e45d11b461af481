//! What was decided about indicators, what was held back of them, the operator's own history, and opinions that wait to leave.

use std::collections::{BTreeMap, HashMap};

use oversight::Opinion;
use rusqlite::{Connection, OptionalExtension, params};
use stix::Id;
use uuid::Uuid;

use super::{Spool, SpoolError, add, put_ledger};
use crate::ledger::LedgerRow;
use crate::tuning::history::{DAYS, History, HistoryNews, day};
use crate::tuning::{Held, Verdict};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS verdict (indicator TEXT PRIMARY KEY, verdict TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS held (
        indicator TEXT PRIMARY KEY, count INTEGER NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS own_host (host INTEGER PRIMARY KEY, day INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS met_host (
        indicator TEXT NOT NULL, host INTEGER NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (indicator, host)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS opinion (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL, sealed BLOB NOT NULL, state TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS opinion_waiting ON opinion (number) WHERE state = 'waiting';
";

/// Answered opinions are kept so long that nobody asks any more; their content is erased.
const ANSWERED_OPINIONS_MAX: i64 = 10_000;

/// What a person or the edge decided, to be kept at once.
#[derive(Debug, Default)]
pub(crate) struct Decision<'d> {
    /// The verdicts; `None`: there is none any more.
    pub(crate) verdicts: &'d [(Id, Option<Verdict>)],
    /// An opinion to be let out.
    pub(crate) opinion: Option<(Uuid, &'d Opinion)>,
    pub(crate) ledger: &'d [LedgerRow],
}

impl Spool {
    /// Everything that was decided.
    pub(crate) fn verdicts(&self) -> Result<HashMap<Id, Verdict>, SpoolError> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT indicator, verdict FROM verdict")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut verdicts = HashMap::new();
        for row in rows {
            let (indicator, verdict) = row?;
            let read = Id::parse(&indicator).ok().zip(serde_json::from_str(&verdict).ok());
            let (id, verdict) = read.ok_or_else(|| {
                SpoolError::Unusable(format!("the verdict on `{indicator}` is from a newer program"))
            })?;
            verdicts.insert(id, verdict);
        }
        Ok(verdicts)
    }

    /// Keeps a decision, in one durable transaction.
    pub(crate) fn decide(&self, decision: &Decision<'_>) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            put_verdicts(&transaction, decision.verdicts)?;
            if let Some((id, opinion)) = decision.opinion {
                transaction
                    .prepare_cached("INSERT INTO opinion (id, sealed, state) VALUES (?1, ?2, 'waiting')")?
                    .execute(params![id.to_string(), opinion.seal(&self.key)])?;
            }
            put_ledger(&transaction, decision.ledger)?;
            Ok(transaction.commit()?)
        })
    }

    /// What was held back, by indicator.
    pub(crate) fn held(&self) -> Result<BTreeMap<String, Held>, SpoolError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT indicator, count, first, last FROM held")?;
        let rows = statement.query_map([], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
            ))
        })?;
        let mut all = BTreeMap::new();
        for row in rows {
            let (indicator, count, first, last) = row?;
            if let (Ok(first), Ok(last)) = (first.parse(), last.parse()) {
                all.insert(indicator, Held { count: count.cast_unsigned(), first, last });
            }
        }
        Ok(all)
    }

    /// The operator's own history; what is older than it reaches is removed.
    pub(crate) fn history(&self, now: jiff::Timestamp) -> Result<History, SpoolError> {
        let connection = self.connection();
        let oldest = day(now) - DAYS;
        connection.execute("DELETE FROM own_host WHERE day < ?1", [oldest])?;
        connection.execute("DELETE FROM met_host WHERE day < ?1", [oldest])?;
        let hosts = connection
            .prepare("SELECT host, day FROM own_host")?
            .query_map([], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        let met = connection
            .prepare("SELECT indicator, host, day FROM met_host")?
            .query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.cast_unsigned(), row.get(2)?))
            })?
            .collect::<Result<Vec<_>, _>>()?;
        let met = met.into_iter().filter_map(|(id, host, day)| Some((Id::parse(&id).ok()?, host, day)));
        Ok(History::restored(hosts, met.collect()))
    }

    /// The oldest opinions that wait. What does not bear our seal is dropped, as with sightings.
    pub(crate) fn waiting_opinions(&self, limit: usize) -> Result<Vec<(i64, Uuid, Opinion)>, SpoolError> {
        let connection = self.connection();
        let rows: Vec<(i64, String, Vec<u8>)> = connection
            .prepare_cached(
                "SELECT number, id, CAST(sealed AS BLOB) FROM opinion WHERE state = 'waiting' ORDER BY number LIMIT ?1",
            )?
            .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        let mut waiting = Vec::with_capacity(rows.len());
        for (number, id, sealed) in rows {
            match (Uuid::try_parse(&id), Opinion::unseal(&sealed, &self.key)) {
                (Ok(id), Some(opinion)) => waiting.push((number, id, opinion)),
                _ => {
                    connection
                        .execute("UPDATE opinion SET state = 'broken-seal' WHERE number = ?1", [number])?;
                    add(&connection, "refused", 1)?;
                }
            }
        }
        drop(connection);
        // As with sightings: what leaves is on our own disk before.
        self.settle()?;
        Ok(waiting)
    }

    /// Ends the stay of opinions that the hub has answered for; their content is erased.
    pub(crate) fn acknowledge_opinions(
        &self,
        answered: &[(i64, &'static str)],
        ledger: &[LedgerRow],
    ) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            for (number, state) in answered {
                transaction
                    .prepare_cached("UPDATE opinion SET state = ?2, sealed = x'' WHERE number = ?1")?
                    .execute(params![number, state])?;
            }
            transaction.execute(
                "DELETE FROM opinion WHERE state <> 'waiting' AND number <= (SELECT max(number) FROM opinion) - ?1",
                [ANSWERED_OPINIONS_MAX],
            )?;
            put_ledger(&transaction, ledger)?;
            Ok(transaction.commit()?)
        })
    }
}

pub(super) fn put_verdicts(
    connection: &Connection,
    verdicts: &[(Id, Option<Verdict>)],
) -> Result<(), SpoolError> {
    for (indicator, verdict) in verdicts {
        match verdict {
            Some(verdict) => {
                let text = serde_json::to_string(verdict).map_err(|e| SpoolError::Unusable(e.to_string()))?;
                connection
                    .prepare_cached(
                        "INSERT INTO verdict (indicator, verdict) VALUES (?1, ?2)
                         ON CONFLICT (indicator) DO UPDATE SET verdict = excluded.verdict",
                    )?
                    .execute(params![indicator.as_str(), text])?;
            }
            None => {
                connection
                    .prepare_cached("DELETE FROM verdict WHERE indicator = ?1")?
                    .execute([indicator.as_str()])?;
                connection
                    .prepare_cached("DELETE FROM held WHERE indicator = ?1")?
                    .execute([indicator.as_str()])?;
            }
        }
    }
    Ok(())
}

pub(super) fn put_held(connection: &Connection, held: &BTreeMap<Id, Held>) -> Result<(), SpoolError> {
    for (indicator, new) in held {
        let known: Option<(i64, String, String)> = connection
            .prepare_cached("SELECT count, first, last FROM held WHERE indicator = ?1")?
            .query_row([indicator.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let known = known.and_then(|(count, first, last)| {
            Some(Held { count: count.cast_unsigned(), first: first.parse().ok()?, last: last.parse().ok()? })
        });
        let all = known.map_or(*new, |known| known.with(*new));
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO held (indicator, count, first, last) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                indicator.as_str(),
                all.count.cast_signed(),
                all.first.to_string(),
                all.last.to_string()
            ])?;
        add(connection, "held", new.count)?;
    }
    Ok(())
}

pub(super) fn put_history(connection: &Connection, news: &HistoryNews) -> Result<(), SpoolError> {
    for indicator in &news.forgotten {
        connection
            .prepare_cached("DELETE FROM met_host WHERE indicator = ?1")?
            .execute([indicator.as_str()])?;
    }
    for (host, day) in &news.hosts {
        connection
            .prepare_cached("INSERT OR REPLACE INTO own_host (host, day) VALUES (?1, ?2)")?
            .execute(params![host.cast_signed(), day])?;
    }
    for (indicator, host, day) in &news.met {
        connection
            .prepare_cached("INSERT OR REPLACE INTO met_host (indicator, host, day) VALUES (?1, ?2, ?3)")?
            .execute(params![indicator.as_str(), host.cast_signed(), day])?;
    }
    Ok(())
}
