//! Event logs: their events are matched as lines, and known by their numbers.

use super::{Pipeline, Yield};
use crate::SpoolError;
use crate::source::event_logs::{EventLogs, Events};

/// Scanners that are kept for logs which may go on.
const SCANNERS_MAX: usize = 64;

impl Pipeline<'_> {
    pub(super) fn discover_event_logs(&mut self, logs: &mut EventLogs) -> Result<(), SpoolError> {
        logs.discover();
        if logs.lost() > 0 {
            self.shared.status.set_trouble_of(&self.source.name, "log-lost", true);
        }
        for file in logs.forgotten() {
            self.scanners.remove(&file);
            self.until_stored(|shared, source| shared.spool.forget(&source.name, file))?;
        }
        Ok(())
    }

    /// Matches the next events; whether there were any.
    pub(super) fn take_event_log(&mut self, logs: Option<&mut EventLogs>) -> Result<bool, SpoolError> {
        let Some(logs) = logs else { return Ok(false) };
        let events = match logs.next() {
            Ok(Some(events)) => events,
            Ok(None) => {
                self.let_scanners_go(logs);
                return Ok(false);
            }
            Err(error) => {
                self.shared.status.set_trouble("log-unreadable", true);
                tracing::warn!(source = self.source.name, %error, "an event log cannot be read");
                return Ok(false);
            }
        };
        let found = self.scan_events(&events);
        self.store(&events.position, &found)?;
        if !found.sightings.is_empty() {
            self.shared.spooled.notify_one();
        }
        self.note_lag(&found);
        Ok(true)
    }

    /// A folder may hold thousands of logs that will never change. What patterns over several records remember of them is in the
    /// spool.
    fn let_scanners_go(&mut self, logs: &EventLogs) {
        if self.scanners.len() > SCANNERS_MAX {
            for file in logs.files() {
                self.scanners.remove(&file);
            }
        }
    }

    fn scan_events(&mut self, events: &Events) -> Yield {
        for (why, by) in &events.decoded.refused {
            *self.report.unreadable.entry(why.code()).or_default() += by;
            self.report.health.unreadable += by;
        }
        self.scan(&events.stretch, &[])
    }
}
