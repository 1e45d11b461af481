//! The tables, as numbered migrations that are never edited once released.

use crate::StoreError;
use crate::connection::Connection;
use crate::value::Value;

/// Each brings the schema one version further. Portable SQL but for full text, which is SQLite's.
const MIGRATIONS: &[&[&str]] = &[
    &[
        include_str!("schema/realms.sql"),
        include_str!("schema/log.sql"),
        include_str!("schema/words_sqlite.sql"),
        include_str!("schema/audit.sql"),
        include_str!("schema/accounts.sql"),
        include_str!("schema/work.sql"),
    ],
    &[include_str!("schema/releases.sql")],
];

/// Brings the database to the newest version, each step in a transaction of its own.
///
/// # Errors
/// [`StoreError::Newer`] when a newer program was here.
pub(crate) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    connection.run("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")?;
    let mut found: i64 = 0;
    connection.query("SELECT COALESCE(MAX(version), 0) FROM schema_version", &[], |row| {
        found = row.get(0)?;
        Ok(true)
    })?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (step, statements) in (1_i64..).zip(MIGRATIONS).filter(|(step, _)| *step > found) {
        connection.run("BEGIN IMMEDIATE")?;
        let done = statements.iter().try_for_each(|sql| connection.run(sql)).and_then(|()| {
            connection
                .execute("INSERT INTO schema_version (version) VALUES (?1)", &[Value::Integer(step)])?;
            connection.run("COMMIT")
        });
        if let Err(error) = done {
            let _ = connection.run("ROLLBACK");
            return Err(error);
        }
    }
    Ok(())
}
