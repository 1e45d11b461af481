//! Learns what other processes committed to the same database and what they say aside, and sees to it that the planner knows how large it has become.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use super::{Server, Session, aside};
use crate::StoreError;
use crate::connection::Connection;
use crate::objects::last_sequence;
use crate::{Clock, Reader, tellings};

/// How long a commit of another process may stay unnoticed when its notification is lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Below so many rows any plan is quick.
const ROWS_MIN: i64 = 1_000;
/// How long to wait for a server that is away.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// Announces the newest committed sequence and what was told last beside the log, whoever committed it, and gives on what is said aside, as
/// long as somebody wants to know.
pub(crate) fn start(
    server: Server,
    announce: Weak<watch::Sender<i64>>,
    tell: Weak<watch::Sender<i64>>,
    asides: broadcast::Sender<Arc<str>>,
) -> std::io::Result<()> {
    std::thread::Builder::new().name("store-listener".to_owned()).spawn(move || {
        while announce.strong_count() > 0 {
            // An error means that the server is away: the readers and the writer say so to whoever asks.
            let _ = follow(&server, &announce, &tell, &asides);
            std::thread::sleep(RETRY_EVERY);
        }
    })?;
    Ok(())
}

fn follow(
    server: &Server,
    announce: &Weak<watch::Sender<i64>>,
    tell: &Weak<watch::Sender<i64>>,
    asides: &broadcast::Sender<Arc<str>>,
) -> Result<(), StoreError> {
    let connection = Connection::Postgres(Box::new(Session::connect(server, false)?));
    // Named, so that whoever looks at the server's connections knows which one rests on purpose.
    connection.run("SET application_name = 'yagura listener'; LISTEN yagura; LISTEN yagura_aside")?;
    let schema = own_schema(&connection)?;
    let clock = Clock::system();
    let mut known_rows = 0;
    loop {
        let reader = Reader::new(&connection, &clock);
        let (newest, told) = (last_sequence(&reader)?, tellings::newest(&reader)?);
        let (Some(announce), Some(tell)) = (announce.upgrade(), tell.upgrade()) else { return Ok(()) };
        announce_newer(&announce, newest);
        announce_newer(&tell, told);
        drop((announce, tell));
        if newest >= ROWS_MIN && newest / 2 > known_rows {
            refresh_statistics(&connection, newest)?;
            known_rows = newest;
        }
        if let Connection::Postgres(session) = &connection {
            session.wait_for_notification(LOOK_EVERY, |said| {
                if let Some(text) = aside::within(said, &schema) {
                    // An error means that nobody listens.
                    let _ = asides.send(text.into());
                }
            })?;
        }
    }
}

/// The schema that this process works in: others may have theirs in the same database.
fn own_schema(connection: &Connection) -> Result<String, StoreError> {
    let mut schema = String::new();
    connection.query("SELECT current_schema()", &[], |row| {
        schema = row.get(0)?;
        Ok(false)
    })?;
    Ok(schema)
}

/// Without statistics, or with those of a log half as long, the planner takes the index by label for everything: a page of a large
/// log then takes seconds. The server finds out by itself a minute after an import; a council does not wait for that.
fn refresh_statistics(connection: &Connection, newest: i64) -> Result<(), StoreError> {
    const KNOWN: &str = "SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE oid = 'log'::regclass
        AND EXISTS (SELECT 1 FROM pg_stats WHERE schemaname = current_schema() AND tablename = 'log')";
    let mut known = 0;
    connection.query(KNOWN, &[], |row| {
        known = row.get(0)?;
        Ok(false)
    })?;
    // Another process may have done it.
    if newest / 2 > known { connection.run("ANALYZE log, words, tallies, audit, releases") } else { Ok(()) }
}

/// Sequences only grow: whoever looked earlier and tells later tells nothing.
pub(crate) fn announce_newer(sender: &watch::Sender<i64>, sequence: i64) {
    sender.send_if_modified(|known| {
        let is_newer = sequence > *known;
        *known = sequence.max(*known);
        is_newer
    });
}
