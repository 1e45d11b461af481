//! What PostgreSQL itself takes in at most: COPY of the same bytes into one table with three indexes.

use std::fmt::Write as _;
use std::io::Write as _;

use bytes::Bytes;
use postgres::{Client, NoTls};

use super::server::Server;
use super::{LIMIT_BATCH, Outcome, id};

/// Copies batch by batch, each in a transaction that is on disk when it ends.
pub(super) fn raw_copies(server: &Server, texts: &[Bytes]) -> Outcome<()> {
    let mut client = Client::connect(&server.address(), NoTls)?;
    client.batch_execute(
        "CREATE TABLE objects (sequence BIGINT PRIMARY KEY, id TEXT COLLATE \"C\" NOT NULL, version TEXT NOT NULL,
             label BIGINT NOT NULL, type TEXT NOT NULL, added BIGINT NOT NULL, body BYTEA NOT NULL);
         CREATE UNIQUE INDEX by_id ON objects (id, version);
         CREATE INDEX by_label ON objects (label, added);
         CREATE INDEX by_type ON objects (type, added);",
    )?;
    for (batch, texts) in texts.chunks(LIMIT_BATCH).enumerate() {
        let mut rows = String::new();
        for (place, text) in texts.iter().enumerate() {
            let number = batch * LIMIT_BATCH + place;
            write!(
                rows,
                "{number}\t{}\t2026-01-01T00:00:00\t{}\tindicator\t{number}\t\\\\x",
                id(number),
                number % 8
            )?;
            for byte in text {
                write!(rows, "{byte:02x}")?;
            }
            rows.push('\n');
        }
        let mut copy = client.copy_in("COPY objects FROM STDIN")?;
        copy.write_all(rows.as_bytes())?;
        copy.finish()?;
    }
    client.batch_execute("DROP TABLE objects")?;
    Ok(())
}
