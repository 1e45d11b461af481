//! Whose turn it is to write, over all processes that share a database.
//!
//! 1. A group of writes begins by taking the next number from the one row of `turn`. Whoever comes meanwhile waits for that row,
//!    and so for this transaction's end.
//! 2. Within it, sequences, `date_added` and leaves are given out. They rise in the order of the commits, for there is never a
//!    second transaction that gives any: a reader who sees one sees all before it.
//! 3. If nobody else had a turn since this process's last one, what it remembers of the log's end still holds.
//! 4. The turn's random token is committed with it. A process that lost its connection while it committed looks for its token
//!    when it is back, after it has waited for the row; then the commit has either happened or never will.

use std::time::{Duration, Instant};

use super::Session;
use crate::value::Value;
use crate::{StoreError, secrets};

/// How long a writer looks for what became of its commit.
const LOOK_WAIT: Duration = Duration::from_secs(30);
/// How long it waits between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A turn to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    number: i64,
    token: i64,
}

impl Session {
    /// Begins a group of writes when it is this process's turn. Whether nobody else wrote since its last one.
    pub(crate) fn begin_writing(&self) -> Result<bool, StoreError> {
        self.ensure_connected()?;
        let turn = match self.take_turn() {
            // It rested and the server went away meanwhile: nothing was asked of it yet.
            Err(_) if !self.is_connected() => {
                self.reconnect()?;
                self.take_turn()
            }
            taken => taken,
        };
        let turn = match turn {
            Ok(turn) => turn,
            Err(error) => {
                let _ = self.run("ROLLBACK");
                return Err(error);
            }
        };
        let last = self.turn.replace(Some(turn));
        Ok(last.is_some_and(|last| last.number + 1 == turn.number))
    }

    fn take_turn(&self) -> Result<Turn, StoreError> {
        const TAKE: &str = "
            WITH next AS (UPDATE turn SET turn = turn + 1 RETURNING turn),
                gone AS (DELETE FROM turns WHERE turn < (SELECT turn FROM next) - 1000),
                taken AS (INSERT INTO turns (turn, token) SELECT turn, ?1 FROM next)
            SELECT turn FROM next";
        let token = i64::from_le_bytes(*secrets::random()?.first_chunk().unwrap_or(&[0; 8]));
        self.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")?;
        let mut number = None;
        self.query(TAKE, &[Value::Integer(token)], |row| {
            number = Some(row.get(0)?);
            Ok(false)
        })?;
        let number = number.ok_or_else(|| StoreError::corrupt("the table of turns is empty"))?;
        Ok(Turn { number, token })
    }

    /// Commits a group, and wakes whoever follows the log where there is `news` in it.
    pub(crate) fn commit(&self, news: bool) -> Result<(), StoreError> {
        // The first statement fails where the transaction has failed: a bare COMMIT would then roll back and say nothing.
        let sql =
            if news { "SELECT pg_notify('yagura', current_schema()); COMMIT" } else { "SELECT 1; COMMIT" };
        let turn = self.turn.get();
        match (self.run(sql), turn) {
            (Ok(()), _) => {
                self.in_transaction.set(false);
                Ok(())
            }
            (Err(_), Some(turn)) if !self.is_connected() => self.look_for(turn),
            (Err(error), _) => {
                self.turn.set(None);
                Err(error)
            }
        }
    }

    /// What became of a commit whose answer never came.
    fn look_for(&self, turn: Turn) -> Result<(), StoreError> {
        let begun = Instant::now();
        loop {
            match self.ensure_connected().and_then(|()| self.was_committed(turn)) {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    return Err(StoreError::Unreachable(
                        "the connection was lost before the commit".to_owned(),
                    ));
                }
                Err(error) if begun.elapsed() > LOOK_WAIT => {
                    return Err(StoreError::Undecided(error.to_string()));
                }
                Err(_) => {
                    let _ = self.run("ROLLBACK");
                    std::thread::sleep(LOOK_EVERY);
                }
            }
        }
    }

    fn was_committed(&self, turn: Turn) -> Result<bool, StoreError> {
        self.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")?;
        // The old connection's process may still be at it.
        self.query("SELECT turn FROM turn FOR UPDATE", &[], |_| Ok(true))?;
        let mut found = None;
        self.query("SELECT token FROM turns WHERE turn = ?1", &[Value::Integer(turn.number)], |row| {
            found = Some(row.get::<i64>(0)?);
            Ok(false)
        })?;
        self.run("ROLLBACK")?;
        Ok(found == Some(turn.token))
    }
}
