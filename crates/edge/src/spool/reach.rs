//! How far this edge read each partition of a group. The group's own offsets are behind that for a moment, and after a crash; what is
//! given again from there is known by this.

use rusqlite::{Connection, params};

use super::{Spool, SpoolError};
use crate::source::journal::Key;

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS reach (
        number INTEGER PRIMARY KEY, source TEXT NOT NULL, place BLOB NOT NULL, next INTEGER NOT NULL, epoch INTEGER NOT NULL,
        UNIQUE (source, place));
";

/// Partitions that are remembered; those that came first are forgotten first.
const REACHES_MAX: i64 = 100_000;

/// How far one partition was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The partition.
    pub(crate) place: Key,
    /// The offset behind the last message that was read.
    pub(crate) next: i64,
    /// That message's leader epoch.
    pub(crate) epoch: i32,
}

impl Reach {
    /// Nothing was read.
    pub(crate) fn none(place: Key) -> Self {
        Self { place, next: 0, epoch: -1 }
    }

    /// Remembers a message; whether it was not known. One of a later epoch is new even at an offset that was read: the log was cut
    /// off there, and written anew.
    pub(crate) fn is_new(&mut self, offset: i64, epoch: Option<i32>) -> bool {
        let epoch = epoch.unwrap_or(-1);
        if offset < self.next && epoch <= self.epoch {
            return false;
        }
        (self.next, self.epoch) = (offset.saturating_add(1), epoch.max(self.epoch));
        true
    }
}

impl Spool {
    /// How far each partition of a source was read.
    pub(crate) fn reaches(&self, source: &str) -> Result<Vec<Reach>, SpoolError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT place, next, epoch FROM reach WHERE source = ?1")?;
        let rows = statement.query_map([source], |row| {
            Ok(Reach { place: row.get(0)?, next: row.get(1)?, epoch: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

pub(super) fn put(connection: &Connection, source: &str, reaches: &[Reach]) -> Result<(), SpoolError> {
    for reach in reaches {
        connection
            .prepare_cached(
                "INSERT INTO reach (source, place, next, epoch) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (source, place) DO UPDATE SET next = excluded.next, epoch = excluded.epoch",
            )?
            .execute(params![source, reach.place, reach.next, reach.epoch])?;
    }
    if !reaches.is_empty() {
        connection
            .prepare_cached("DELETE FROM reach WHERE number <= (SELECT max(number) FROM reach) - ?1")?
            .execute([REACHES_MAX])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Reach;
    use crate::spool::{Kept, Spool};

    #[test]
    fn what_was_read_is_known_until_the_log_is_written_anew() {
        let mut reach = Reach::none([1; 16]);
        let messages = [
            (0, Some(0), true),
            (1, Some(0), true),
            (0, Some(0), false),
            (7, Some(0), true),
            (3, Some(0), false),
            (6, Some(1), true),
            (6, Some(1), false),
            (7, Some(0), true),
            (7, None, false),
            (8, None, true),
        ];
        for (number, (offset, epoch, is_new)) in messages.into_iter().enumerate() {
            assert_eq!(reach.is_new(offset, epoch), is_new, "message {number}");
        }
    }

    #[test]
    fn reaches_outlive_a_restart_with_what_they_gave() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let position = spool.position_of_row("bus").unwrap();
        let mut reach = Reach::none([7; 16]);
        for (offset, other) in [(4, [8; 16]), (9, [9; 16])] {
            assert!(reach.is_new(offset, Some(2)));
            let kept = Kept { reaches: &[reach, Reach::none(other)], ..Kept::default() };
            spool.keep("bus", &position, &kept).unwrap();
        }
        drop(spool);
        let spool = Spool::open(folder.path()).unwrap();
        let read = spool.reaches("bus").unwrap();
        assert_eq!(read.len(), 3);
        assert!(read.contains(&Reach { place: [7; 16], next: 10, epoch: 2 }));
        assert_eq!(spool.reaches("other").unwrap(), []);
    }
}
