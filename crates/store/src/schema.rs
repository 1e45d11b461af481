//! The tables, as numbered migrations that are never edited once released.

use crate::StoreError;
use crate::connection::{Connection, Dialect};
use crate::value::Value;

/// Each brings the schema one version further. Portable SQL but for full text, which each database has in its own way.
const MIGRATIONS: &[&[&str]] = &[
    &[
        include_str!("schema/realms.sql"),
        include_str!("schema/log.sql"),
        WORDS_SQLITE,
        include_str!("schema/audit.sql"),
        include_str!("schema/accounts.sql"),
        include_str!("schema/work.sql"),
    ],
    &[include_str!("schema/releases.sql")],
    &[include_str!("schema/peers.sql")],
    &[include_str!("schema/misp.sql")],
    &[include_str!("schema/challenges.sql")],
    &[include_str!("schema/sharing.sql")],
    &[include_str!("schema/finding.sql")],
];

const WORDS_SQLITE: &str = include_str!("schema/words_sqlite.sql");
/// What stands in for [`WORDS_SQLITE`], and what only several processes need.
const WORDS_POSTGRES: &str = include_str!("schema/words_postgres.sql");

/// Brings the database to the newest version, each step in a transaction of its own.
///
/// # Errors
/// [`StoreError::Newer`] when a newer program was here.
pub(crate) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    loop {
        connection.begin_migrating()?;
        let done = step(connection).and_then(|more| connection.run("COMMIT").map(|()| more));
        match done {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                let _ = connection.run("ROLLBACK");
                return Err(error);
            }
        }
    }
}

/// One version further; whether there may be more.
fn step(connection: &Connection) -> Result<bool, StoreError> {
    connection.run("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")?;
    let mut found: i64 = 0;
    connection.query("SELECT COALESCE(MAX(version), 0) FROM schema_version", &[], |row| {
        found = row.get(0)?;
        Ok(false)
    })?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    let next = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found));
    let Some(statements) = next else { return Ok(false) };
    for ddl in *statements {
        let is_own = *ddl == WORDS_SQLITE && connection.dialect() == Dialect::Postgres;
        connection.run_tables(if is_own { WORDS_POSTGRES } else { ddl })?;
    }
    connection.execute("INSERT INTO schema_version (version) VALUES (?1)", &[Value::Integer(found + 1)])?;
    Ok(true)
}
