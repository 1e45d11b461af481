//! What is PostgreSQL's alone: how a connection is made and made again, how values go in and out, and what its errors mean.

mod address;
mod aside;
mod bulk;
mod dialect;
pub(crate) mod listener;
mod turn;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::error::Error as _;
use std::time::{Duration, Instant};

use ::postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use ::postgres::{Client, Statement};
use bytes::BytesMut;

pub(crate) use address::{Server, shown};
use turn::Turn;

use crate::StoreError;
use crate::connection::Connection;
use crate::value::{Column, Kind, Row, Source, Value};

/// Prepared statements each connection keeps.
const STATEMENTS_KEPT: usize = 256;

/// Notifications that are taken along with one; those behind them are taken when somebody waits again.
const ALONG_MAX: usize = 1_000;

/// What every connection is told: to report a commit only when it is durable, to hold nobody up for ever, and not to start
/// helpers or compilers for queries that take less than those do.
const PREPARE: &str = "
    SET client_min_messages = warning;
    SET TimeZone = 'UTC';
    SET max_parallel_workers_per_gather = 0;
    SET jit = off;
    SET lock_timeout = '30s';
    SET idle_in_transaction_session_timeout = '60s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Opens a connection, to write or to read with.
pub(crate) fn open(server: &Server, is_writer: bool) -> Result<Connection, StoreError> {
    let connection = Connection::Postgres(Box::new(Session::connect(server, is_writer)?));
    let mut fits = false;
    let sql = "SELECT current_setting('server_encoding') = 'UTF8' AND current_setting('server_version_num')::int >= 130000";
    connection.query(sql, &[], |row| {
        fits = row.get(0)?;
        Ok(false)
    })?;
    if fits {
        Ok(connection)
    } else {
        Err(StoreError::Address("PostgreSQL 13 or newer with the encoding UTF8 is needed".to_owned()))
    }
}

/// A connection that is made anew when it is lost.
pub(crate) struct Session {
    server: Server,
    live: RefCell<Option<Live>>,
    /// Rows that go to their tables before anything else is asked.
    pending: RefCell<Vec<bulk::Rows>>,
    is_writer: bool,
    /// Whether a transaction stands open.
    in_transaction: Cell<bool>,
    /// The last turn that this connection had.
    turn: Cell<Option<Turn>>,
}

struct Live {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl Session {
    /// Connects.
    pub(crate) fn connect(server: &Server, is_writer: bool) -> Result<Self, StoreError> {
        let session = Self {
            server: server.clone(),
            live: RefCell::new(None),
            pending: RefCell::default(),
            is_writer,
            in_transaction: Cell::new(false),
            turn: Cell::new(None),
        };
        session.reconnect()?;
        Ok(session)
    }

    /// Whether this connection cannot write.
    pub(crate) fn is_readonly(&self) -> bool {
        !self.is_writer
    }

    /// Whether no transaction stands open; one ends with its connection.
    pub(crate) fn is_autocommit(&self) -> bool {
        !self.in_transaction.get()
    }

    /// Runs statements that take nothing and give nothing.
    pub(crate) fn run(&self, sql: &str) -> Result<(), StoreError> {
        if sql.starts_with("ROLLBACK") {
            self.pending.borrow_mut().iter_mut().for_each(bulk::Rows::clear);
        } else {
            self.flush()?;
        }
        let done = self.with(|live| live.client.batch_execute(sql));
        if sql.starts_with("BEGIN") && done.is_ok() {
            self.in_transaction.set(true);
        } else if matches!(sql, "ROLLBACK" | "COMMIT") {
            self.in_transaction.set(done.is_err() && self.is_connected());
        }
        done
    }

    /// Waits until some process tells of a commit, at most so long. What is said aside meanwhile goes to `hear` and ends no wait: however
    /// much of it there is, whoever waits looks as often as without it.
    pub(crate) fn wait_for_notification(
        &self,
        at_most: Duration,
        mut hear: impl FnMut(&str),
    ) -> Result<(), StoreError> {
        use fallible_iterator::FallibleIterator;
        let begun = Instant::now();
        self.with(|live| {
            loop {
                let left = at_most.saturating_sub(begun.elapsed());
                if left.is_zero() {
                    return Ok(());
                }
                let mut is_commit = false;
                let mut take = |told: ::postgres::Notification| match aside::said(&told) {
                    Some(said) => hear(said),
                    None => is_commit = true,
                };
                let Some(first) = live.client.notifications().timeout_iter(left).next()? else {
                    return Ok(());
                };
                take(first);
                live.client.notifications().iter().take(ALONG_MAX).for_each(|told| {
                    take(told);
                    Ok(())
                })?;
                // Those that came along say nothing more.
                if is_commit {
                    return Ok(());
                }
            }
        })
    }

    /// Makes tables.
    pub(crate) fn run_tables(&self, ddl: &str) -> Result<(), StoreError> {
        self.run(&dialect::tables(ddl))
    }

    /// Begins a snapshot; a connection that was lost while it rested is made anew.
    pub(crate) fn begin_reading(&self) -> Result<(), StoreError> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.ensure_connected()?;
        match self.run(BEGIN) {
            Err(_) if !self.is_connected() => {
                self.reconnect()?;
                self.run(BEGIN)
            }
            done => done,
        }
    }

    /// Gives every row of a query to `read`, until it has enough (`false`).
    pub(crate) fn query(
        &self,
        sql: &str,
        params: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        self.flush()?;
        // Read whole, so that what reads a row may ask for more.
        let rows = self.with(|live| {
            let statement = live.statement(sql, params)?;
            live.client.query(&statement, &references(params))
        })?;
        for row in &rows {
            if !read(&Row(Source::Postgres(row)))? {
                break;
            }
        }
        Ok(())
    }

    /// Runs a statement and gives the number of rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<usize, StoreError> {
        self.flush()?;
        let changed = self.with(|live| {
            let statement = live.statement(sql, params)?;
            live.client.execute(&statement, &references(params))
        })?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// Runs an insertion; whether its key was free.
    pub(crate) fn insert(&self, sql: &str, params: &[Value<'_>]) -> Result<bool, StoreError> {
        Ok(self.execute(&dialect::insertion(sql), params)? > 0)
    }

    /// Keeps a row for a table; it is there before anything else is asked.
    pub(crate) fn push(&self, table: &str, columns: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
        let mut pending = self.pending.borrow_mut();
        let rows = bulk::Rows::new(table, columns);
        let place = pending.iter().position(|known| known.sql == rows.sql).unwrap_or_else(|| {
            pending.push(rows);
            pending.len() - 1
        });
        let Some(rows) = pending.get_mut(place) else { return Err(StoreError::Closed) };
        rows.push(values)?;
        let is_full = rows.is_full();
        drop(pending);
        if is_full { self.flush() } else { Ok(()) }
    }

    /// Sends what was kept.
    fn flush(&self) -> Result<(), StoreError> {
        let mut pending = self.pending.borrow_mut();
        for rows in pending.iter_mut().filter(|rows| !rows.is_empty()) {
            let bytes = rows.take();
            self.with(|live| {
                let statement = live.statement(&rows.sql, &[])?;
                let mut copy = live.client.copy_in(&statement)?;
                // A failed write is told in full by the end of the copy.
                let written = std::io::Write::write_all(&mut copy, &bytes);
                let finished = copy.finish();
                if finished.is_ok() && written.is_err() { Ok(0) } else { finished }
            })?;
        }
        Ok(())
    }

    fn is_connected(&self) -> bool {
        self.live.try_borrow().is_ok_and(|live| live.is_some())
    }

    fn ensure_connected(&self) -> Result<(), StoreError> {
        if self.is_connected() { Ok(()) } else { self.reconnect() }
    }

    fn reconnect(&self) -> Result<(), StoreError> {
        let connected = self.server.connect().and_then(|mut client| {
            client.batch_execute(PREPARE)?;
            Ok(client)
        });
        let client = connected.map_err(|error| match translate(&error) {
            StoreError::Database(why) => StoreError::Unreachable(why),
            other => other,
        })?;
        self.in_transaction.set(false);
        self.turn.set(None);
        self.pending.borrow_mut().clear();
        *self.live.borrow_mut() = Some(Live { client, statements: HashMap::new() });
        Ok(())
    }

    /// Asks the server; when it is gone, so is the transaction.
    fn with<T>(&self, ask: impl FnOnce(&mut Live) -> Result<T, ::postgres::Error>) -> Result<T, StoreError> {
        let mut live = self.live.borrow_mut();
        let Some(connected) = live.as_mut() else {
            return Err(StoreError::Unreachable("the connection was lost".to_owned()));
        };
        let asked = ask(connected);
        let is_closed = connected.client.is_closed();
        asked.map_err(|error| {
            if is_closed || ends_connection(&error) {
                drop_elsewhere(live.take());
                self.in_transaction.set(false);
                self.turn.set(None);
                return StoreError::Unreachable(told(&error));
            }
            translate(&error)
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop_elsewhere(self.live.get_mut().take());
    }
}

impl Live {
    /// A statement, prepared when it is first asked for.
    fn statement(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Statement, ::postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        if self.statements.len() >= STATEMENTS_KEPT {
            self.statements.clear();
        }
        // Told, not guessed: `?1 IS NULL` alone says nothing of what could stand there.
        let types: Vec<Type> = params.iter().map(type_of).collect();
        let statement = self.client.prepare_typed(&dialect::statement(sql), &types)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// The driver waits for its connection's end by a runtime of its own, which it may not do where another one is at work.
fn drop_elsewhere(live: Option<Live>) {
    if let Some(live) = live
        && tokio::runtime::Handle::try_current().is_ok()
    {
        std::thread::spawn(move || drop(live));
    }
}

fn references<'p>(params: &'p [Value<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn type_of(value: &Value<'_>) -> Type {
    match value {
        Value::Null(Kind::Integer) | Value::Integer(_) => Type::INT8,
        Value::Null(Kind::Text) | Value::Text(_) => Type::TEXT,
        Value::Null(Kind::Bytes) | Value::Bytes(_) => Type::BYTEA,
    }
}

/// What stands in a column.
pub(crate) fn column(row: &::postgres::Row, index: usize) -> Result<Column<'_>, StoreError> {
    row.try_get(index).map_err(|error| StoreError::corrupt(format!("column {index}: {error}")))
}

impl<'r> FromSql<'r> for Column<'r> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Self::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Integer(i32::from_sql(kind, raw)?.into()),
            Type::BOOL => Self::Integer(bool::from_sql(kind, raw)?.into()),
            Type::BYTEA => Self::Bytes(raw),
            _ => Self::Text(<&str>::from_sql(&Type::TEXT, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(
            *kind,
            Type::INT8 | Type::INT4 | Type::BOOL | Type::BYTEA | Type::TEXT | Type::VARCHAR | Type::NAME
        )
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null(_) => return Ok(IsNull::Yes),
            Self::Integer(number) => out.extend_from_slice(&number.to_be_bytes()),
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Bytes(bytes) => out.extend_from_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::BYTEA)
    }

    to_sql_checked!();
}

/// Whether the connection cannot be used after this: the server went away, stops, or is no longer the one that writes.
fn ends_connection(error: &::postgres::Error) -> bool {
    match error.code() {
        Some(code) => {
            code.code().starts_with("08")
                || matches!(code.code(), "57P01" | "57P02" | "57P03" | "57P05" | "25006" | "25P03")
        }
        None => {
            error.is_closed() || error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
        }
    }
}

/// What an answer of the server means for whoever asked.
fn translate(error: &::postgres::Error) -> StoreError {
    let told = told(error);
    match error.code().map(::postgres::error::SqlState::code) {
        Some("53100") => StoreError::Full,
        Some("XX001" | "XX002") => StoreError::Corrupt(told),
        // Too many connections, out of memory, a lock that somebody holds too long, a deadlock: all pass.
        Some(code) if code.starts_with("53") || matches!(code, "55P03" | "40P01" | "40001" | "57014") => {
            StoreError::Unreachable(told)
        }
        // A character that no text of PostgreSQL can hold.
        Some("22021") => {
            StoreError::Limit { what: "a text with the character U+0000; their number", limit: 0 }
        }
        _ => StoreError::Database(told),
    }
}

fn told(error: &::postgres::Error) -> String {
    match error.as_db_error() {
        Some(told) => format!("{} ({})", told.message(), told.code().code()),
        None => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}
