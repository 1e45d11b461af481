//! One connection to the database, of whichever kind it is.

use rusqlite::CachedStatement;

use crate::value::{Params, Row, Value};
use crate::{StoreError, sqlite};

/// A connection.
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
}

/// A statement that a connection keeps ready.
pub(crate) enum Prepared<'c> {
    Sqlite(CachedStatement<'c>),
}

impl Connection {
    /// Runs statements that take nothing and give nothing.
    pub(crate) fn run(&self, sql: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
        }
    }

    /// Whether no transaction stands open.
    pub(crate) fn is_autocommit(&self) -> bool {
        match self {
            Self::Sqlite(connection) => connection.is_autocommit(),
        }
    }

    /// Whether this connection cannot write.
    pub(crate) fn is_readonly(&self) -> bool {
        match self {
            Self::Sqlite(connection) => connection.is_readonly("main").unwrap_or(false),
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
        }
    }

    /// Runs a statement and gives the number of rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<usize, StoreError> {
        match self {
            Self::Sqlite(connection) => Ok(sqlite::execute(&mut *connection.prepare_cached(sql)?, params)?),
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
        }
    }

    /// Keeps a statement ready.
    pub(crate) fn prepare(&self, sql: &str) -> Result<Prepared<'_>, StoreError> {
        match self {
            Self::Sqlite(connection) => Ok(Prepared::Sqlite(connection.prepare_cached(sql)?)),
        }
    }
}

impl Prepared<'_> {
    /// Runs the statement and gives the number of rows it changed.
    pub(crate) fn execute(&mut self, params: impl Params) -> Result<usize, StoreError> {
        match self {
            Self::Sqlite(statement) => params.with(|params| Ok(sqlite::execute(statement, params)?)),
        }
    }

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
        }
        Ok(first)
    }
}
