//! What the edge keeps of orders: the events of its consumer, each order with what was told of it, and the reports that wait for the hub.
//!
//! What an order changes is one transaction, on disk before anything is carried out or told.

use api::{OrderContext, OrderReport, OrderState};
use jiff::Timestamp;
use openc2::consumer::Event;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Value;

use super::authority::{set, setting};
use super::{Spool, SpoolError, put_ledger};
use crate::ledger::LedgerRow;
use crate::orders::trial::Trial;

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS order_event (number INTEGER PRIMARY KEY, event TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS taken_order (
        number INTEGER PRIMARY KEY, issuer TEXT NOT NULL, command TEXT NOT NULL, taken INTEGER NOT NULL, open INTEGER NOT NULL,
        body TEXT NOT NULL, UNIQUE (issuer, command));
    CREATE INDEX IF NOT EXISTS taken_order_open ON taken_order (number) WHERE open = 1;
    CREATE INDEX IF NOT EXISTS taken_order_issuer ON taken_order (issuer, taken);
    CREATE TABLE IF NOT EXISTS order_report (
        number INTEGER PRIMARY KEY, command TEXT NOT NULL, count INTEGER NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
        UNIQUE (command, count));
    CREATE INDEX IF NOT EXISTS order_report_waiting ON order_report (number) WHERE state = 'waiting';
    CREATE TABLE IF NOT EXISTS order_answer (number INTEGER PRIMARY KEY, body TEXT NOT NULL);
";

/// Orders that are over are kept so many, for the page; the ledger has the rest.
const OVER_MAX: i64 = 10_000;
/// Reports that the hub has taken are kept so many, to count on from; those of orders that are open always are.
const TOLD_MAX: i64 = 100_000;
/// Answers that wait for a broker; of more the oldest are not given.
const ANSWERS_MAX: i64 = 10_000;

/// An order as the edge has it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct OrderRow {
    /// Who signed it; empty where no signature holds.
    pub(crate) issuer: String,
    pub(crate) command_id: String,
    /// When it came.
    pub(crate) at: Timestamp,
    /// The message as it came.
    pub(crate) message: Value,
    pub(crate) about: OrderContext,
    /// `deny 198.51.100.7`, for people.
    pub(crate) words: String,
    pub(crate) state: OrderState,
    pub(crate) why: Option<String>,
    /// When it begins and ends, in milliseconds since 1970.
    pub(crate) starts: Option<u64>,
    pub(crate) ends: Option<u64>,
    /// Until when it only counts.
    pub(crate) shadow_until: Option<u64>,
    /// How the order itself asks to be tried.
    #[serde(default)]
    pub(crate) trial: Option<Trial>,
    /// What the device had counted of all that goes by when its shadow began.
    #[serde(default)]
    pub(crate) passed: Option<u64>,
    /// How it ends, once its end has begun and until the device has it no more.
    pub(crate) ending: Option<OrderState>,
    /// The answer to the command.
    pub(crate) response: Option<Value>,
    /// Whether it takes back what was ordered before, and the commands that still are to be.
    pub(crate) is_undo: bool,
    pub(crate) undoes: Vec<String>,
    /// What it is against, and the number of its rule.
    pub(crate) what: Option<String>,
    pub(crate) direction: Option<String>,
    pub(crate) rejects: bool,
    pub(crate) rule: Option<i64>,
    /// What it stopped, and what the device's counter said then.
    pub(crate) stopped: Option<u64>,
    pub(crate) counter: u64,
    /// What was told last of it, and when.
    pub(crate) told: Option<(u64, Timestamp)>,
    /// Who is answered by the broker; nobody where it came by the link.
    #[serde(default)]
    pub(crate) answers: Option<AnswerTo>,
    /// Whether the operator agreed.
    pub(crate) agreed: Option<Timestamp>,
    pub(crate) changed: Timestamp,
    pub(crate) open: bool,
}

/// Who asked by a broker, and under which identifier.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct AnswerTo {
    /// The producer, whose signature holds.
    pub(crate) producer: String,
    /// The request.
    pub(crate) request: Option<String>,
}

/// An answer that waits for a broker.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Answer {
    pub(crate) to: AnswerTo,
    /// How the order stands.
    pub(crate) report: OrderReport,
}

/// Something to tell the hub. Its number is given when it is written down.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewReport {
    pub(crate) command_id: String,
    pub(crate) at: Timestamp,
    pub(crate) state: OrderState,
    pub(crate) response: Option<Value>,
    pub(crate) why: Option<String>,
    pub(crate) stopped: Option<u64>,
    /// Who is told of it by the broker as well.
    pub(crate) answers: Option<AnswerTo>,
}

/// What one step changed.
#[derive(Debug, Default)]
pub(crate) struct OrderNews<'n> {
    pub(crate) events: &'n [Event],
    /// All there is, in place of the events before.
    pub(crate) checkpoint: Option<&'n Event>,
    pub(crate) rows: &'n [OrderRow],
    pub(crate) reports: &'n [NewReport],
    pub(crate) ledger: &'n [LedgerRow],
    /// How far the hub's list was taken in.
    pub(crate) sequence: Option<i64>,
    /// The run of the machine that devices were told things in.
    pub(crate) boot: Option<&'n str>,
}

impl Spool {
    /// Keeps what a step changed, in one transaction. It is on disk when this returns.
    pub(crate) fn keep_orders(&self, news: &OrderNews<'_>) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            if let Some(checkpoint) = news.checkpoint {
                transaction.execute("DELETE FROM order_event", [])?;
                put_event(&transaction, checkpoint)?;
            }
            for event in news.events {
                put_event(&transaction, event)?;
            }
            for row in news.rows {
                put_row(&transaction, row)?;
            }
            for report in news.reports {
                put_report(&transaction, report)?;
            }
            put_ledger(&transaction, news.ledger)?;
            if let Some(sequence) = news.sequence {
                set(&transaction, "order-sequence", sequence.to_string())?;
            }
            if let Some(boot) = news.boot {
                set(&transaction, "order-boot", boot.to_owned())?;
            }
            Ok(transaction.commit()?)
        })
    }

    /// The events of the consumer, oldest first.
    pub(crate) fn order_events(&self) -> Result<Vec<Event>, SpoolError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT event FROM order_event ORDER BY number")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.map(|text| serde_json::from_str(&text?).map_err(|e| unusable(&e))).collect()
    }

    /// How far the hub's list was taken in.
    pub(crate) fn order_sequence(&self) -> Result<i64, SpoolError> {
        let text: Option<String> = setting(&self.connection(), "order-sequence")?;
        Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    /// The run of the machine that devices were last told things in.
    pub(crate) fn order_boot(&self) -> Result<Option<String>, SpoolError> {
        setting(&self.connection(), "order-boot")
    }

    /// The orders that are not over.
    pub(crate) fn open_orders(&self) -> Result<Vec<OrderRow>, SpoolError> {
        rows(&self.connection(), "SELECT body FROM taken_order WHERE open = 1 ORDER BY number", [])
    }

    /// The newest orders: those that are not over first.
    pub(crate) fn orders(&self, limit: u32) -> Result<Vec<OrderRow>, SpoolError> {
        let query = "SELECT body FROM taken_order ORDER BY open DESC, number DESC LIMIT ?1";
        rows(&self.connection(), query, [limit])
    }

    /// An order by who signed it and its identifier.
    pub(crate) fn order(&self, issuer: &str, command: &str) -> Result<Option<OrderRow>, SpoolError> {
        let query = "SELECT body FROM taken_order WHERE issuer = ?1 AND command = ?2";
        Ok(rows(&self.connection(), query, [issuer, command])?.pop())
    }

    /// How many orders of an issuer were taken since a moment, in milliseconds since 1970. What was refused does not count.
    pub(crate) fn orders_since(&self, issuer: &str, since: u64) -> Result<u64, SpoolError> {
        let connection = self.connection();
        let count: i64 = connection
            .prepare_cached("SELECT count(*) FROM taken_order WHERE issuer = ?1 AND taken > ?2")?
            .query_row(params![issuer, since.cast_signed()], |row| row.get(0))?;
        Ok(count.cast_unsigned())
    }

    /// Reports that the hub has not taken, oldest first, with their numbers here.
    pub(crate) fn waiting_order_reports(&self, limit: usize) -> Result<Vec<(i64, OrderReport)>, SpoolError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT number, body FROM order_report WHERE state = 'waiting' ORDER BY number LIMIT ?1",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map([limit], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| {
            let (number, body) = row?;
            Ok((number, serde_json::from_str(&body).map_err(|e| unusable(&e))?))
        })
        .collect()
    }

    /// Answers that a broker has not taken, oldest first, with their numbers here.
    pub(crate) fn waiting_answers(&self, limit: usize) -> Result<Vec<(i64, Answer)>, SpoolError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT number, body FROM order_answer ORDER BY number LIMIT ?1")?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map([limit], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| {
            let (number, body) = row?;
            Ok((number, serde_json::from_str(&body).map_err(|e| unusable(&e))?))
        })
        .collect()
    }

    /// Ends the wait of answers that a broker has taken, or never will.
    pub(crate) fn end_answers(&self, numbers: &[i64]) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            for number in numbers {
                transaction
                    .prepare_cached("DELETE FROM order_answer WHERE number = ?1")?
                    .execute([number])?;
            }
            Ok(transaction.commit()?)
        })
    }

    /// Writes rows into the ledger that belong to no order.
    pub(crate) fn note_of_orders(&self, ledger: &[LedgerRow]) -> Result<(), SpoolError> {
        self.keep_orders(&OrderNews { ledger, ..OrderNews::default() })
    }

    /// Ends the wait of reports that the hub has taken.
    pub(crate) fn acknowledge_order_reports(&self, numbers: &[i64]) -> Result<(), SpoolError> {
        self.durably(|connection| {
            let transaction = connection.transaction()?;
            for number in numbers {
                transaction
                    .prepare_cached("UPDATE order_report SET state = 'sent' WHERE number = ?1")?
                    .execute([number])?;
            }
            transaction.execute(
                "DELETE FROM order_report WHERE state = 'sent'
                     AND number <= (SELECT max(number) FROM order_report) - ?1
                     AND command NOT IN (SELECT command FROM taken_order WHERE open = 1)",
                [TOLD_MAX],
            )?;
            Ok(transaction.commit()?)
        })
    }
}

fn unusable(error: &serde_json::Error) -> SpoolError {
    SpoolError::Unusable(format!("what was kept of orders cannot be read: {error}"))
}

fn rows(
    connection: &Connection,
    query: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<OrderRow>, SpoolError> {
    let mut statement = connection.prepare_cached(query)?;
    let bodies = statement.query_map(values, |row: &Row<'_>| row.get::<_, String>(0))?;
    bodies.map(|body| serde_json::from_str(&body?).map_err(|e| unusable(&e))).collect()
}

fn put_event(connection: &Connection, event: &Event) -> Result<(), SpoolError> {
    let text = serde_json::to_string(event).map_err(|e| unusable(&e))?;
    connection.prepare_cached("INSERT INTO order_event (event) VALUES (?1)")?.execute([text])?;
    Ok(())
}

fn put_row(connection: &Connection, row: &OrderRow) -> Result<(), SpoolError> {
    let body = serde_json::to_string(row).map_err(|e| unusable(&e))?;
    // What was refused at once does not count against its issuer, and neither does what takes something back.
    let counts = row.state != OrderState::Refused && !row.is_undo;
    let taken = if counts { row.at.as_millisecond() } else { 0 };
    connection
        .prepare_cached(
            "INSERT INTO taken_order (issuer, command, taken, open, body) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (issuer, command) DO UPDATE SET taken = max(taken, excluded.taken), open = excluded.open,
                 body = excluded.body",
        )?
        .execute(params![row.issuer, row.command_id, taken, row.open, body])?;
    if !row.open {
        connection
            .prepare_cached(
                "DELETE FROM taken_order WHERE open = 0 AND number <= (SELECT max(number) FROM taken_order) - ?1",
            )?
            .execute([OVER_MAX])?;
    }
    Ok(())
}

fn put_report(connection: &Connection, new: &NewReport) -> Result<(), SpoolError> {
    let last: Option<u32> = connection
        .prepare_cached("SELECT max(count) FROM order_report WHERE command = ?1")?
        .query_row([&new.command_id], |row| row.get(0))
        .optional()?
        .flatten();
    let number = last.unwrap_or(0).saturating_add(1);
    let report = OrderReport {
        command_id: new.command_id.clone(),
        number,
        at: new.at.to_string(),
        state: new.state,
        response: new.response.clone(),
        why: new.why.clone(),
        stopped: new.stopped,
        why_reason: None,
    };
    let body = serde_json::to_string(&report).map_err(|e| unusable(&e))?;
    connection
        .prepare_cached(
            "INSERT INTO order_report (command, count, body, state) VALUES (?1, ?2, ?3, 'waiting')",
        )?
        .execute(params![new.command_id, number, body])?;
    let Some(to) = &new.answers else { return Ok(()) };
    let body = serde_json::to_string(&Answer { to: to.clone(), report }).map_err(|e| unusable(&e))?;
    connection.prepare_cached("INSERT INTO order_answer (body) VALUES (?1)")?.execute([body])?;
    connection
        .prepare_cached(
            "DELETE FROM order_answer WHERE number <= (SELECT max(number) FROM order_answer) - ?1",
        )?
        .execute([ANSWERS_MAX])?;
    Ok(())
}
