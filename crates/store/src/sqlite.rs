//! What is SQLite's alone: how a connection is opened, how values go in and out, and what its errors mean.

mod folding;

use std::path::Path;

use rusqlite::types::{Null, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, ToSql};

use crate::value::{Column, Row, Source, Value};
use crate::{Options, StoreError};

pub(crate) use folding::Folding;

/// Bytes of one database page.
const PAGE_BYTES: u64 = 4096;
/// The writer keeps the upper levels of its indexes in memory.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// A reader keeps little: the operating system's cache serves it.
const READER_CACHE_KIB: i64 = 2 * 1024;
/// Pages of write-ahead log at which the writer folds into the database what [`Folding`] has left.
const CHECKPOINT_PAGES: i64 = 40_000;
/// Prepared statements each connection keeps.
const STATEMENTS_KEPT: usize = 256;
/// How long a connection waits for another one's lock. Only a checkpoint can hold one.
const BUSY_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// The one connection that writes.
pub(crate) fn open_writer(
    file: &Path,
    options: &Options,
) -> Result<crate::connection::Connection, StoreError> {
    let connection = Connection::open(file)?;
    prepare(&connection, WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update_and_check(None, "journal_size_limit", folding::KEPT_BYTES, |_| Ok(()))?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    if let Some(bytes) = options.database_bytes_max {
        let pages = i64::try_from(bytes / PAGE_BYTES).unwrap_or(i64::MAX);
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    Ok(crate::connection::Connection::Sqlite(connection))
}

/// A connection that cannot write.
pub(crate) fn open_reader(file: &Path) -> Result<crate::connection::Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    prepare(&connection, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(crate::connection::Connection::Sqlite(connection))
}

fn prepare(connection: &Connection, cache_kib: i64) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// Gives every row of a query to `read`, until it has enough (`false`).
pub(crate) fn query(
    statement: &mut Statement<'_>,
    params: &[Value<'_>],
    mut read: impl FnMut(&Row<'_>) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    bind(statement, params)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        if !read(&Row(Source::Sqlite(row)))? {
            break;
        }
    }
    Ok(())
}

/// Runs a statement and gives the number of rows it changed.
pub(crate) fn execute(statement: &mut Statement<'_>, params: &[Value<'_>]) -> rusqlite::Result<usize> {
    bind(statement, params)?;
    statement.raw_execute()
}

fn bind(statement: &mut Statement<'_>, params: &[Value<'_>]) -> rusqlite::Result<()> {
    let wanted = statement.parameter_count();
    if params.len() != wanted {
        return Err(rusqlite::Error::InvalidParameterCount(params.len(), wanted));
    }
    for (place, value) in (1..).zip(params) {
        statement.raw_bind_parameter(place, value)?;
    }
    Ok(())
}

/// What stands in a column.
pub(crate) fn column<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<Column<'r>, StoreError> {
    match row.get_ref(index)? {
        ValueRef::Null => Ok(Column::Null),
        ValueRef::Integer(number) => Ok(Column::Integer(number)),
        ValueRef::Text(text) => std::str::from_utf8(text)
            .map(Column::Text)
            .map_err(|_| StoreError::corrupt("text that is not UTF-8")),
        ValueRef::Blob(bytes) => Ok(Column::Bytes(bytes)),
        ValueRef::Real(_) => Err(StoreError::corrupt("a number with a fraction")),
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null(_) => Null.into(),
            Self::Integer(number) => (*number).into(),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// Whether a unique key was taken.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    matches!(error, rusqlite::Error::SqliteFailure(failure, _)
        if matches!(failure.extended_code, SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DiskFull => Self::Full,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt(error.to_string()),
                ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => {
                    Self::Io(std::io::Error::other(error.to_string()))
                }
                _ => Self::Database(error.to_string()),
            },
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
            | rusqlite::Error::InvalidColumnType(..) => Self::Corrupt(error.to_string()),
            _ => Self::Database(error.to_string()),
        }
    }
}
