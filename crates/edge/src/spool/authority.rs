//! What the edge keeps of authorisations: the log as far as it was seen, how often each was used, what was signed for, and what was
//! found and waits to leave.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oversight::authorisation::{PseudonymKey, Quota, Receipt, Selected};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use uuid::Uuid;

use super::{Spool, SpoolError, add, put_ledger};
use crate::ledger::LedgerRow;

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS authority_entry (number INTEGER PRIMARY KEY, entry BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS authority_use (
        number INTEGER PRIMARY KEY, authorisation TEXT NOT NULL, receipt TEXT NOT NULL, state TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS authority_use_of ON authority_use (authorisation, number);
    CREATE INDEX IF NOT EXISTS authority_use_waiting ON authority_use (number) WHERE state = 'waiting';
    CREATE TABLE IF NOT EXISTS selection (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, authorisation TEXT NOT NULL, hour INTEGER NOT NULL,
        sealed BLOB NOT NULL, changed INTEGER NOT NULL, state TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS selection_waiting ON selection (number) WHERE state = 'waiting';
    CREATE INDEX IF NOT EXISTS selection_open ON selection (hour) WHERE state <> 'waiting';
    CREATE INDEX IF NOT EXISTS selection_of ON selection (authorisation) WHERE state = 'waiting';
";

/// Finds of one authorisation that may wait: what a list asks for can be chosen by a stranger's traffic.
pub(crate) const SELECTIONS_WAITING_MAX: u64 = 10_000;
/// How long finds are kept after the hub has taken them, so that late records of the same hour are counted to them.
const KEPT_HOURS: i64 = 48;
const HOUR_SECONDS: i64 = 3600;
/// Receipts that the hub answered for are kept so long that nobody asks any more.
const ANSWERED_RECEIPTS_MAX: i64 = 10_000;

/// What the spool knows of the log of authorisations.
#[derive(Debug, Default)]
pub(crate) struct SeenLog {
    /// The cosigned checkpoint that covers the entries; none before the first.
    pub(crate) checkpoint: Option<String>,
    pub(crate) entries: Vec<Vec<u8>>,
}

/// A receipt that waits: its number here, and what is sent.
pub(crate) type WaitingReceipt = (i64, serde_json::Value);

impl Spool {
    /// What was seen of the log of authorisations.
    pub(crate) fn seen_log(&self) -> Result<SeenLog, SpoolError> {
        let connection = self.connection();
        let checkpoint = setting(&connection, "authority-checkpoint")?;
        let entries = connection
            .prepare("SELECT entry FROM authority_entry ORDER BY number")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(SeenLog { checkpoint, entries })
    }

    /// Keeps a cosigned checkpoint and the entries that came with it, from `first` on. Whether they are those that were seen before,
    /// where any were: nothing is kept where not.
    pub(crate) fn see_log(
        &self,
        checkpoint: &str,
        first: u64,
        entries: &[Vec<u8>],
    ) -> Result<bool, SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            for (number, entry) in (first..).zip(entries) {
                let number = number.cast_signed();
                transaction
                    .prepare_cached("INSERT OR IGNORE INTO authority_entry (number, entry) VALUES (?1, ?2)")?
                    .execute(params![number, entry])?;
                let kept: Vec<u8> = transaction
                    .prepare_cached("SELECT entry FROM authority_entry WHERE number = ?1")?
                    .query_row([number], |row| row.get(0))?;
                if kept != *entry {
                    return Ok(false);
                }
            }
            set(&transaction, "authority-checkpoint", checkpoint)?;
            transaction.commit()?;
            Ok(true)
        })
    }

    /// How often authorisations were used.
    pub(crate) fn quota(&self) -> Result<Quota, SpoolError> {
        let kept: Option<String> = setting(&self.connection(), "authority-quota")?;
        let Some(kept) = kept else { return Ok(Quota::default()) };
        let unreadable =
            |e: serde_json::Error| SpoolError::Unusable(format!("how often authorisations were used: {e}"));
        serde_json::from_str(&kept).map_err(unreadable)
    }

    /// Counts a use, before it is made.
    pub(crate) fn spend(&self, quota: &Quota) -> Result<(), SpoolError> {
        let text = serde_json::to_string(quota).map_err(|e| SpoolError::Unusable(e.to_string()))?;
        self.durably(|connection| set(connection, "authority-quota", text))
    }

    /// Keeps what was signed for a use, before it is made.
    pub(crate) fn sign_for(&self, receipt: &Receipt, ledger: &[LedgerRow]) -> Result<(), SpoolError> {
        let text = serde_json::to_string(receipt).map_err(|e| SpoolError::Unusable(e.to_string()))?;
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            transaction
                .prepare_cached(
                    "INSERT INTO authority_use (authorisation, receipt, state) VALUES (?1, ?2, 'waiting')",
                )?
                .execute(params![receipt.used.authorisation.to_string(), text])?;
            put_ledger(&transaction, ledger)?;
            Ok(transaction.commit()?)
        })
    }

    /// The last use of an authorisation.
    pub(crate) fn last_use(&self, authorisation: Uuid) -> Result<Option<Receipt>, SpoolError> {
        let connection = self.connection();
        let text: Option<String> = connection
            .prepare_cached(
                "SELECT receipt FROM authority_use WHERE authorisation = ?1 ORDER BY number DESC LIMIT 1",
            )?
            .query_row([authorisation.to_string()], |row| row.get(0))
            .optional()?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// The oldest receipts that wait to be sent.
    pub(crate) fn waiting_receipts(&self, limit: usize) -> Result<Vec<WaitingReceipt>, SpoolError> {
        let connection = self.connection();
        let rows: Vec<(i64, String)> = connection
            .prepare_cached(
                "SELECT number, receipt FROM authority_use WHERE state = 'waiting' ORDER BY number LIMIT ?1",
            )?
            .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        Ok(rows
            .into_iter()
            .filter_map(|(number, text)| Some((number, serde_json::from_str(&text).ok()?)))
            .collect())
    }

    /// Ends the wait of receipts that the hub has answered for.
    pub(crate) fn acknowledge_receipts(
        &self,
        answered: &[(i64, &'static str)],
        ledger: &[LedgerRow],
    ) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            for (number, state) in answered {
                transaction
                    .prepare_cached("UPDATE authority_use SET state = ?2 WHERE number = ?1")?
                    .execute(params![number, state])?;
            }
            transaction.execute(
                "DELETE FROM authority_use WHERE state <> 'waiting' AND number <= (SELECT max(number) FROM authority_use) - ?1",
                [ANSWERED_RECEIPTS_MAX],
            )?;
            put_ledger(&transaction, ledger)?;
            Ok(transaction.commit()?)
        })
    }

    /// The oldest finds that wait to be sent. What does not bear our seal was not found by us: it is dropped, and counted as
    /// refused.
    pub(crate) fn waiting_selections(&self, limit: usize) -> Result<Vec<Selected>, SpoolError> {
        let connection = self.connection();
        let rows: Vec<(i64, Vec<u8>)> = connection
            .prepare_cached(
                "SELECT number, sealed FROM selection WHERE state = 'waiting' ORDER BY number LIMIT ?1",
            )?
            .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let mut waiting = Vec::with_capacity(rows.len());
        for (number, sealed) in rows {
            match Selected::unseal(&sealed, &self.key) {
                Some(selected) => waiting.push(selected),
                None => {
                    connection.execute("DELETE FROM selection WHERE number = ?1", [number])?;
                    add(&connection, "refused", 1)?;
                }
            }
        }
        drop(connection);
        // What leaves is on our own disk before.
        self.settle()?;
        Ok(waiting)
    }

    /// Ends the wait of finds that the hub has answered for, as they were when they were sent.
    pub(crate) fn acknowledge_selections(
        &self,
        answered: &[(Selected, &'static str)],
        ledger: &[LedgerRow],
    ) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            for (sent, state) in answered {
                // What was counted to it meanwhile is sent when its hour is over.
                transaction
                    .prepare_cached(
                        "UPDATE selection SET state = ?2, changed = (sealed <> ?3) WHERE id = ?1 AND state = 'waiting'",
                    )?
                    .execute(params![sent.id().to_string(), state, sent.seal(&self.key)])?;
                add(&transaction, "selected", 1)?;
            }
            put_ledger(&transaction, ledger)?;
            Ok(transaction.commit()?)
        })
    }

    /// Has finds sent again whose hour is over and to which more was counted, and forgets those that are old.
    pub(crate) fn close_hours(&self, now: Timestamp) -> Result<(), SpoolError> {
        let connection = self.connection();
        let ended = now.as_second() - HOUR_SECONDS;
        connection
            .prepare_cached(
                "UPDATE selection SET state = 'waiting', changed = 0 WHERE state = 'sent' AND changed = 1 AND hour <= ?1",
            )?
            .execute([ended])?;
        connection
            .prepare_cached("DELETE FROM selection WHERE state <> 'waiting' AND hour <= ?1")?
            .execute([ended - KEPT_HOURS * HOUR_SECONDS])?;
        self.settling.committed();
        Ok(())
    }

    /// Writes lines into the ledger.
    pub(crate) fn note(&self, ledger: &[LedgerRow]) -> Result<(), SpoolError> {
        if ledger.is_empty() {
            return Ok(());
        }
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            put_ledger(&transaction, ledger)?;
            Ok(transaction.commit()?)
        })
    }

    /// The edge's own key for signatures, drawn when it is asked for first.
    pub(crate) fn signing_seed(&self) -> Result<[u8; 32], SpoolError> {
        self.drawn("authority-seed")
    }

    /// The key for pseudonyms, likewise.
    pub(crate) fn pseudonym_key(&self) -> Result<PseudonymKey, SpoolError> {
        self.drawn("authority-pseudonyms").map(PseudonymKey::new)
    }

    /// The name by which this edge is known to a broker, drawn at its first use: letters and digits that say nothing.
    pub(crate) fn broker_name(&self) -> Result<String, SpoolError> {
        /// As many as every broker takes (MQTT 5 §3.1.3.1).
        const CHARACTERS: usize = 23;
        Ok(hex::encode(self.drawn("broker-name")?).chars().take(CHARACTERS).collect())
    }

    fn drawn(&self, name: &'static str) -> Result<[u8; 32], SpoolError> {
        if let Some(kept) = setting(&self.connection(), name)? {
            return Ok(kept);
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|e| SpoolError::Unusable(e.to_string()))?;
        self.durably(|connection| set(connection, name, key))?;
        Ok(key)
    }
}

/// Keeps finds with the position behind them. Those beyond what may wait are counted and not kept: the traffic of a stranger must
/// not stop the operator's own defence.
pub(super) fn put_selected(
    transaction: &Transaction<'_>,
    selected: &BTreeMap<Uuid, Selected>,
    key: &[u8; 32],
) -> Result<(), SpoolError> {
    for (id, found) in selected {
        let known: Option<Vec<u8>> = transaction
            .prepare_cached("SELECT sealed FROM selection WHERE id = ?1")?
            .query_row([id.to_string()], |row| row.get(0))
            .optional()?;
        if let Some(known) = known.and_then(|sealed| Selected::unseal(&sealed, key)) {
            transaction
                .prepare_cached("UPDATE selection SET sealed = ?2, changed = 1 WHERE id = ?1")?
                .execute(params![id.to_string(), known.with(found).seal(key)])?;
            continue;
        }
        let selection = found.selection();
        let authorisation = selection.authorisation.to_string();
        let waiting: i64 = transaction
            .prepare_cached("SELECT count(*) FROM selection WHERE authorisation = ?1 AND state = 'waiting'")?
            .query_row([&authorisation], |row| row.get(0))?;
        if waiting.cast_unsigned() >= SELECTIONS_WAITING_MAX {
            add(transaction, "selected-lost", 1)?;
            continue;
        }
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO selection (id, authorisation, hour, sealed, changed, state)
                 VALUES (?1, ?2, ?3, ?4, 0, 'waiting')",
            )?
            .execute(params![id.to_string(), authorisation, selection.hour.as_second(), found.seal(key)])?;
    }
    Ok(())
}

pub(super) fn setting<T: rusqlite::types::FromSql>(
    connection: &Connection,
    name: &'static str,
) -> Result<Option<T>, SpoolError> {
    let mut statement = connection.prepare_cached("SELECT value FROM setting WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn set(
    connection: &Connection,
    name: &'static str,
    value: impl rusqlite::ToSql,
) -> Result<(), SpoolError> {
    connection
        .prepare_cached(
            "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )?
        .execute(params![name, value])?;
    Ok(())
}
