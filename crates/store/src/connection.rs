//! One connection to the database, of whichever kind it is.

use rusqlite::CachedStatement;

use crate::postgresql::Session;
use crate::value::{Params, Row, Value};
use crate::{StoreError, sqlite};

/// A connection.
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<Session>),
}

/// The languages in which the little is asked that is not asked alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// A statement that a connection keeps ready.
pub(crate) enum Prepared<'c> {
    Sqlite(CachedStatement<'c>),
    Postgres { session: &'c Session, sql: String },
}

/// Many rows on their way into one table. They are there before anything else is asked of the connection.
pub(crate) enum Bulk<'c> {
    Sqlite(CachedStatement<'c>),
    Postgres { session: &'c Session, table: &'static str, columns: &'static str },
}

impl Connection {
    /// Which language it understands.
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs statements that take nothing and give nothing.
    pub(crate) fn run(&self, sql: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Self::Postgres(session) => session.run(sql),
        }
    }

    /// Makes tables.
    pub(crate) fn run_tables(&self, ddl: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(ddl)?),
            Self::Postgres(session) => session.run_tables(ddl),
        }
    }

    /// Begins to change tables; nobody else does so meanwhile.
    pub(crate) fn begin_migrating(&self) -> Result<(), StoreError> {
        /// An arbitrary number that every program of ours takes for this.
        const MIGRATION: &str = "SELECT pg_advisory_xact_lock(7926335344172072)";
        match self {
            Self::Sqlite(_) => self.run("BEGIN IMMEDIATE"),
            Self::Postgres(_) => {
                self.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")?;
                self.run(MIGRATION)
            }
        }
    }

    /// Begins a group of writes. Whether nobody else wrote since the last one of this connection.
    pub(crate) fn begin_writing(&self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(_) => self.run("BEGIN IMMEDIATE").map(|()| true),
            Self::Postgres(session) => session.begin_writing(),
        }
    }

    /// Commits a group of writes; where there is `news` in it, other processes are told.
    pub(crate) fn commit_writing(&self, news: bool) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => self.run("COMMIT"),
            Self::Postgres(session) => session.commit(news),
        }
    }

    /// Says something to the other processes on the database; a folder has none.
    pub(crate) fn say_aside(&self, texts: &[String]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => session.say_aside(texts),
        }
    }

    /// Begins a snapshot.
    pub(crate) fn begin_reading(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => self.run("BEGIN"),
            Self::Postgres(session) => session.begin_reading(),
        }
    }

    /// Whether no transaction stands open.
    pub(crate) fn is_autocommit(&self) -> bool {
        match self {
            Self::Sqlite(connection) => connection.is_autocommit(),
            Self::Postgres(session) => session.is_autocommit(),
        }
    }

    /// Whether this connection cannot write.
    pub(crate) fn is_readonly(&self) -> bool {
        match self {
            Self::Sqlite(connection) => connection.is_readonly("main").unwrap_or(false),
            Self::Postgres(session) => session.is_readonly(),
        }
    }

    /// Gives every row of a query to `read`, until it has enough (`false`).
    pub(crate) fn query(
        &self,
        sql: &str,
        params: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => sqlite::query(&mut *connection.prepare_cached(sql)?, params, read),
            Self::Postgres(session) => session.query(sql, params, read),
        }
    }

    /// Runs a statement and gives the number of rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<usize, StoreError> {
        match self {
            Self::Sqlite(connection) => Ok(sqlite::execute(&mut *connection.prepare_cached(sql)?, params)?),
            Self::Postgres(session) => session.execute(sql, params),
        }
    }

    /// Runs an insertion; whether its key was free.
    pub(crate) fn insert(&self, sql: &str, params: &[Value<'_>]) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(connection) => {
                match sqlite::execute(&mut *connection.prepare_cached(sql)?, params) {
                    Ok(_) => Ok(true),
                    Err(error) if sqlite::is_taken(&error) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            }
            Self::Postgres(session) => session.insert(sql, params),
        }
    }

    /// Keeps a statement ready.
    pub(crate) fn prepare(&self, sql: &str) -> Result<Prepared<'_>, StoreError> {
        match self {
            Self::Sqlite(connection) => Ok(Prepared::Sqlite(connection.prepare_cached(sql)?)),
            Self::Postgres(session) => Ok(Prepared::Postgres { session, sql: sql.to_owned() }),
        }
    }

    /// Keeps a table ready for many rows. `columns` are parted by commas.
    pub(crate) fn bulk(&self, table: &'static str, columns: &'static str) -> Result<Bulk<'_>, StoreError> {
        match self {
            Self::Sqlite(connection) => {
                let places: Vec<String> =
                    (1..).zip(columns.split(',')).map(|(place, _): (usize, _)| format!("?{place}")).collect();
                let sql = format!("INSERT INTO {table} ({columns}) VALUES ({})", places.join(", "));
                Ok(Bulk::Sqlite(connection.prepare_cached(&sql)?))
            }
            Self::Postgres(session) => Ok(Bulk::Postgres { session, table, columns }),
        }
    }
}

impl Prepared<'_> {
    /// The first row that the query gives.
    pub(crate) fn first<T>(
        &mut self,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut first = None;
        let take = |row: &Row<'_>| {
            first = Some(read(row)?);
            Ok(false)
        };
        match self {
            Self::Sqlite(statement) => params.with(|params| sqlite::query(statement, params, take))?,
            Self::Postgres { session, sql } => params.with(|params| session.query(sql, params, take))?,
        }
        Ok(first)
    }
}

impl Bulk<'_> {
    /// Adds a row.
    pub(crate) fn push(&mut self, params: impl Params) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(statement) => {
                params.with(|params| sqlite::execute(statement, params))?;
                Ok(())
            }
            Self::Postgres { session, table, columns } => {
                params.with(|params| session.push(table, columns, params))
            }
        }
    }
}
