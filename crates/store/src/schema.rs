//! The tables, as numbered migrations that are never edited once released.

use crate::connection::{Connection, Dialect};
use crate::value::Value;
use crate::{StoreError, objects};

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
    &[OBJECT_ROWS, include_str!("schema/object_rows_indexes.sql"), include_str!("schema/label_shares.sql")],
    &[include_str!("schema/agreements.sql")],
    &[include_str!("schema/agreement_steps.sql")],
    &[WORDS_AGAIN_SQLITE],
    &[include_str!("schema/copies.sql")],
    &[include_str!("schema/carried.sql"), include_str!("schema/widenings.sql")],
    &[include_str!("schema/taxii_links.sql")],
    &[include_str!("schema/openings.sql")],
    &[include_str!("schema/leases.sql")],
    &[NAME_WORDS_POSTGRES],
    &[
        include_str!("schema/sealed.sql"),
        include_str!("schema/tellings.sql"),
        include_str!("schema/saved_places.sql"),
        include_str!("schema/waiting.sql"),
    ],
    &[include_str!("schema/one_way.sql")],
    &[include_str!("schema/authorisations.sql")],
    &[include_str!("schema/selections.sql")],
    &[include_str!("schema/session_origins.sql")],
    &[include_str!("schema/identity_providers.sql")],
    &[include_str!("schema/token_doors.sql")],
    &[include_str!("schema/recoveries.sql")],
    &[include_str!("schema/rounds.sql")],
    &[include_str!("schema/proposals.sql")],
    &[include_str!("schema/statistics.sql")],
    &[include_str!("schema/reports.sql")],
    &[include_str!("schema/qualifications.sql")],
    &[include_str!("schema/emergencies.sql")],
    &[include_str!("schema/certificates.sql"), include_str!("schema/emergency_rings.sql")],
    &[include_str!("schema/runs.sql")],
    &[include_str!("schema/evidence.sql")],
    &[include_str!("schema/room_calls.sql")],
    &[
        include_str!("schema/foreign.sql"),
        include_str!("schema/lone_approvals.sql"),
        include_str!("schema/outreach.sql"),
    ],
    &[include_str!("schema/tile_levels.sql")],
    &[include_str!("schema/reports_abroad.sql")],
    &[include_str!("schema/mails.sql")],
    &[include_str!("schema/report_receipts.sql")],
    &[include_str!("schema/report_contents.sql")],
    &[include_str!("schema/evidence_abroad.sql")],
];

const WORDS_SQLITE: &str = include_str!("schema/words_sqlite.sql");
/// What stands in for [`WORDS_SQLITE`], and what only several processes need.
const WORDS_POSTGRES: &str = include_str!("schema/words_postgres.sql");

/// Only SQLite's words are cut anew; after this the program does it.
const WORDS_AGAIN_SQLITE: &str = include_str!("schema/words_again_sqlite.sql");

/// Only PostgreSQL's: the words of names had a weight there, and have a mark now as in SQLite.
const NAME_WORDS_POSTGRES: &str = include_str!("schema/name_words_postgres.sql");

/// After this the program moves the rows over: no SQL that all databases share can make the numbers of objects.
const OBJECT_ROWS: &str = include_str!("schema/object_rows.sql");

/// Brings the database to the newest version, each step in a transaction of its own.
///
/// # Errors
/// [`StoreError::Newer`] when a newer program was here.
pub(crate) fn migrate(connection: &Connection) -> Result<(), StoreError> {
    migrate_by(connection, MIGRATIONS)
}

fn migrate_by(connection: &Connection, migrations: &[&[&str]]) -> Result<(), StoreError> {
    loop {
        connection.begin_migrating()?;
        let done = step(connection, migrations).and_then(|more| connection.run("COMMIT").map(|()| more));
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
fn step(connection: &Connection, migrations: &[&[&str]]) -> Result<bool, StoreError> {
    connection.run("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")?;
    let mut found: i64 = 0;
    connection.query("SELECT COALESCE(MAX(version), 0) FROM schema_version", &[], |row| {
        found = row.get(0)?;
        Ok(false)
    })?;
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    let next = usize::try_from(found).ok().and_then(|found| migrations.get(found));
    let Some(statements) = next else { return Ok(false) };
    for ddl in *statements {
        match (connection.dialect(), *ddl) {
            (Dialect::Postgres, WORDS_SQLITE) => connection.run_tables(WORDS_POSTGRES)?,
            (Dialect::Postgres, WORDS_AGAIN_SQLITE) | (Dialect::Sqlite, NAME_WORDS_POSTGRES) => {}
            (Dialect::Postgres, NAME_WORDS_POSTGRES) => connection.run(NAME_WORDS_POSTGRES)?,
            (_, ddl) => connection.run_tables(ddl)?,
        }
        match *ddl {
            OBJECT_ROWS => objects::migrate_places(connection)?,
            WORDS_AGAIN_SQLITE if connection.dialect() == Dialect::Sqlite => {
                objects::index_again(connection)?;
            }
            _ => {}
        }
    }
    connection.execute("INSERT INTO schema_version (version) VALUES (?1)", &[Value::Integer(found + 1)])?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use bytes::Bytes;
    use oversight::{OrganisationId, Realm};
    use stix::Object;

    use super::{MIGRATIONS, migrate, migrate_by};
    use crate::objects::{self, AddOutcome, NewObject, SearchFilter, test_visible};
    use crate::value::params;
    use crate::{Clock, Options, Reader, Tx, collections, labels, sqlite};

    const LIVE: Realm = Realm::Live;

    fn object(number: u32, day: u32) -> Object {
        let text = format!(
            r#"{{"type":"campaign","spec_version":"2.1","id":"campaign--00000000-0000-4000-8000-{number:012}","name":"c {day}",
            "created":"2026-01-01T00:00:00Z","modified":"2026-01-{day:02}T00:00:00Z"}}"#
        );
        Object::parse(Bytes::from(text)).unwrap()
    }

    fn write_old_rows(connection: &crate::connection::Connection, collection: i64, key: i64) {
        let rows = [
            (1, 0, 0, 1, object(1, 1)),
            (2, 0, 1, 0, object(1, 2)),
            (3, 1, 0, 0, object(2, 1)),
            (4, 2, 0, 0, object(2, 1)),
        ];
        for (sequence, kind, is_last, is_first, object) in rows {
            let sql = "INSERT INTO log (sequence, realm, collection, kind, label, date_added, is_last, is_first, revoked,
                    originator, type, id, version, version_key, spec_version, hash, body)
                VALUES (?1, 1, ?2, ?3, ?4, ?1, ?5, ?6, 0, 1, 'campaign', ?7, ?8, ?9, '2.1', ?10, ?11)";
            let body: &[u8] = if kind == 0 { object.bytes() } else { &[] };
            let version = object.version().unwrap();
            connection
                .execute(
                    sql,
                    &params![
                        sequence,
                        collection,
                        kind,
                        key,
                        is_last,
                        is_first,
                        object.id().as_str(),
                        version.as_str(),
                        version.sort_key(),
                        object.canonical_hash(),
                        body
                    ],
                )
                .unwrap();
            if is_last == 1 {
                let sql = "INSERT INTO words (rowid, name, rest, mentions) VALUES (?1, 'c 2', '', '')";
                connection.execute(sql, &params![sequence]).unwrap();
                let sql = "INSERT INTO tallies VALUES (1, ?1, 'campaign', ?2, 1, 1, 0)";
                connection.execute(sql, &params![collection, key]).unwrap();
            }
        }
    }

    /// What the first schema's program wrote: two versions of one object, one object that was removed, and its removal.
    #[test]
    fn a_log_of_the_first_schema_is_read_and_continued() {
        let folder = tempfile::tempdir().unwrap();
        let connection = sqlite::open_writer(&folder.path().join("old.sqlite"), &Options::default()).unwrap();
        migrate_by(&connection, &MIGRATIONS[..1]).unwrap();
        let (clock, state) = (Clock::system(), RefCell::default());
        let mut tx = Tx::new(&connection, &clock, &state);
        let collection = collections::add(&mut tx, &LIVE, uuid::Uuid::from_u128(1), "", "").unwrap().key;
        let coordinator = OrganisationId::parse("coordinator").unwrap();
        let key: i64 = 7;
        let text = r#"{"tlp":null,"statements":[],"unknown":[],"originator":"coordinator"}"#;
        connection
            .execute("INSERT INTO labels (label, realm, text) VALUES (?1, 1, ?2)", &params![key, text])
            .unwrap();
        connection
            .execute(
                "INSERT INTO originators (originator, realm, organisation) VALUES (1, 1, 'coordinator')",
                &[],
            )
            .unwrap();
        write_old_rows(&connection, collection, key);
        state.take();
        migrate(&connection).unwrap();

        let reader = Reader::new(&connection, &clock);
        let label = labels::get(&reader, &LIVE, key).unwrap().unwrap();
        let visible = test_visible(&[(key, label)]);
        let versions = objects::versions(&reader, &LIVE, &visible, object(1, 1).id()).unwrap();
        let bodies: Vec<&[u8]> = versions.iter().map(|row| &row.body[..]).collect();
        assert_eq!(bodies, [&object(1, 2).bytes()[..], &object(1, 1).bytes()[..]]);
        assert_eq!(objects::get(&reader, &LIVE, &visible, object(2, 1).id()).unwrap(), None);
        let mut tx = Tx::new(&connection, &clock, &state);
        let new = [(1, 1), (1, 3), (2, 1)]
            .map(|(number, day)| NewObject { object: object(number, day), label: key });
        let outcomes = objects::add(&mut tx, &LIVE, collection, &coordinator, &new).unwrap();
        let sequences: Vec<(bool, i64)> = outcomes
            .iter()
            .map(|outcome| match outcome {
                AddOutcome::Added { sequence, .. } => (true, *sequence),
                AddOutcome::Duplicate { sequence } => (false, *sequence),
                AddOutcome::Refused { code, .. } => panic!("{code}"),
            })
            .collect();
        assert_eq!(sequences, [(false, 1), (true, 5), (true, 6)]);
        assert_eq!(objects::count(&reader, &LIVE, &visible, &[]).unwrap(), 2);
        for (query, found) in [("c 3", 1), ("c 1", 1), ("c 2", 0)] {
            let filter =
                SearchFilter { visible: &visible, query, types: &[], revoked: false, after: None, limit: 10 };
            let hits = objects::search(&reader, &LIVE, &filter).unwrap();
            assert_eq!(hits.rows.len(), found, "{query}");
        }
    }
}
