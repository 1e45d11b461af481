//! Commits on disk. SQLite syncs none of them by itself here: whoever needs to know that what was committed outlives a loss of power
//! waits for one synchronisation of the write-ahead log, which is that of everybody who waits by then.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::SpoolError;

/// The write-ahead log of the spool, and how much of it is on disk.
#[derive(Debug)]
pub(super) struct Settling {
    log: File,
    /// Commits so far.
    commits: AtomicU64,
    settled: Mutex<Settled>,
}

#[derive(Debug, Default)]
struct Settled {
    /// Commits that are on disk.
    through: u64,
    /// Why no more will be: what the system failed to write once it may have forgotten, and a later synchronisation that
    /// succeeds would say nothing of it.
    broken: Option<String>,
}

impl Settling {
    /// The log of a database that is in the mode that has one; it stays as long as the connection is there.
    pub(super) fn of(connection: &Connection, file: &Path) -> Result<Self, SpoolError> {
        // The log is there once something was read or written.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let mut name = file.as_os_str().to_owned();
        name.push("-wal");
        let unusable = |error: std::io::Error| SpoolError::Unusable(error.to_string());
        let log = File::open(&name).map_err(unusable)?;
        let settling = Self { log, commits: AtomicU64::new(1), settled: Mutex::default() };
        settling.settle()?;
        // Its name is on disk, too.
        if let Some(folder) = file.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(unusable)?;
        }
        Ok(settling)
    }

    /// Something was committed.
    pub(super) fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Release);
    }

    /// Waits until all that was committed before is on disk.
    pub(super) fn settle(&self) -> Result<(), SpoolError> {
        let wanted = self.commits.load(Ordering::Acquire);
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        if settled.broken.is_none() && settled.through < wanted {
            // Whoever waits for the lock is settled as well.
            let all = self.commits.load(Ordering::Acquire);
            match self.log.sync_data() {
                Ok(()) => settled.through = all,
                Err(error) => settled.broken = Some(error.to_string()),
            }
        }
        match &settled.broken {
            None => Ok(()),
            Some(why) => Err(SpoolError::Unusable(format!(
                "what was found could not be brought onto the disk ({why}); see to the disk and start the edge again: it goes on \
                 from what is there"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_synchronised_is_never_settled() {
        // A device that knows no synchronisation stands in for a disk that fails.
        let log = File::open("/dev/null").unwrap();
        let settling = Settling { log, commits: AtomicU64::new(1), settled: Mutex::default() };
        for _ in 0..2 {
            let error = settling.settle().unwrap_err().to_string();
            assert!(error.contains("start the edge again"), "{error}");
        }
    }

    #[test]
    fn one_synchronisation_settles_all_before_it() {
        let settling = Settling {
            log: tempfile::tempfile().unwrap(),
            commits: AtomicU64::new(1),
            settled: Mutex::default(),
        };
        settling.committed();
        settling.committed();
        settling.settle().unwrap();
        assert_eq!(settling.settled.lock().unwrap().through, 3);
    }
}
