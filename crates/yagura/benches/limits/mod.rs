//! What a database takes in by itself at most: one table with a primary key and three secondary indexes (one of them unique, by random
//! identifier and version), the same bytes, 10,000 rows to a durable transaction. It validates nothing, hashes nothing and finds no word.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::running::{cpu_seconds, ticks};
use crate::server::Server;
use crate::{CHUNK, Shape};

/// SQLite, with the store's own pragmas: write-ahead log, `synchronous=FULL`, 20,000 pages before it is folded in, 32 MiB of cache.
/// Objects per CPU-second.
pub(crate) fn inserts(shape: &Shape, objects: usize) -> f64 {
    let folder = std::env::var("BENCH_FOLDER").unwrap_or_else(|_| "/var/tmp".to_owned());
    let folder = tempfile::tempdir_in(folder).unwrap();
    let mut connection = rusqlite::Connection::open(folder.path().join("limit.sqlite")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.pragma_update(None, "wal_autocheckpoint", 20_000).unwrap();
    connection.pragma_update(None, "cache_size", -32 * 1024).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE o (seq INTEGER PRIMARY KEY, id TEXT, version TEXT, label INTEGER, added INTEGER, body BLOB);
             CREATE UNIQUE INDEX o_id ON o (id, version); CREATE INDEX o_added ON o (added); CREATE INDEX o_label ON o (label, added);",
        )
        .unwrap();
    let (mut cpu, mut done) = (0.0, 0);
    while done < objects {
        let chunk = shape.chunk(done, objects.min(done + CHUNK));
        let before = cpu_seconds(std::process::id());
        let transaction = connection.transaction().unwrap();
        {
            let mut insert = transaction
                .prepare_cached("INSERT INTO o (id, version, label, added, body) VALUES (?1, ?2, ?3, ?4, ?5)")
                .unwrap();
            for (place, (id, text)) in chunk.iter().enumerate() {
                let added = (done + place) as i64;
                insert.execute((id, "2026-01-01T00:00:00", added % 5, added, text.as_bytes())).unwrap();
            }
        }
        transaction.commit().unwrap();
        cpu += cpu_seconds(std::process::id()) - before;
        done += chunk.len();
    }
    objects as f64 / cpu
}

/// PostgreSQL, by `COPY`. Objects per CPU-second of client and server.
pub(crate) fn copies(server: &Server, shape: &Shape, objects: usize) -> f64 {
    let mut client = postgres::Client::connect(&server.address(), postgres::NoTls).unwrap();
    client
        .batch_execute(
            "CREATE TABLE o (seq BIGINT PRIMARY KEY, id TEXT COLLATE \"C\", version TEXT, label BIGINT, added BIGINT, body BYTEA);
             CREATE UNIQUE INDEX o_id ON o (id, version); CREATE INDEX o_added ON o (added); CREATE INDEX o_label ON o (label, added);",
        )
        .unwrap();
    let time = || cpu_seconds(std::process::id()) + cpu_seconds_of_server(server);
    let (mut cpu, mut done) = (0.0, 0);
    while done < objects {
        let chunk = shape.chunk(done, objects.min(done + CHUNK));
        let before = time();
        let mut rows = String::new();
        for (place, (id, text)) in chunk.iter().enumerate() {
            let added = done + place;
            write!(rows, "{added}\t{id}\t2026-01-01T00:00:00\t{}\t{added}\t\\\\x", added % 5).unwrap();
            for byte in text.bytes() {
                write!(rows, "{byte:02x}").unwrap();
            }
            rows.push('\n');
        }
        let mut copy = client.copy_in("COPY o FROM STDIN").unwrap();
        copy.write_all(rows.as_bytes()).unwrap();
        copy.finish().unwrap();
        cpu += time() - before;
        done += chunk.len();
    }
    client.batch_execute("DROP TABLE o").unwrap();
    objects as f64 / cpu
}

/// Processor time of the server so far, with that of its processes, also of those that have ended.
pub(crate) fn cpu_seconds_of_server(server: &Server) -> f64 {
    let file = std::fs::read_to_string(server.folder().join("data/postmaster.pid")).unwrap();
    let first: u32 = file.lines().next().unwrap().parse().unwrap();
    let children =
        std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).unwrap_or_default();
    let living = children.split_whitespace().filter_map(|child| child.parse().ok());
    // Those that have ended count among their parent's.
    (ticks(first, 4) + living.map(|child| ticks(child, 2)).sum::<f64>()) / 100.0
}
