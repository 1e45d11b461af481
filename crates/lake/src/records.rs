//! The records of a time, one segment after the other: for whoever needs all that was observed and not what a set looks for.

use jiff::Timestamp;
use telemetry::Observation;

use crate::columns::nanoseconds;
use crate::error::LakeError;
use crate::manifest::{Lake, ROWS};
use crate::rows::Wanted;
use crate::segment::BytesRead;

impl Lake {
    /// Gives every record from `since` until before `until`, in no order that counts, until `each` says that it has enough. Gives how
    /// many there were.
    ///
    /// # Errors
    /// A file cannot be read, or is damaged; what was read until then was given.
    pub fn records(
        &self,
        since: Timestamp,
        until: Timestamp,
        each: &mut dyn FnMut(&Observation<'_>) -> bool,
    ) -> Result<u64, LakeError> {
        let (since, until) = (nanoseconds(since), nanoseconds(until));
        let read = BytesRead::default();
        let mut given = 0;
        for segment in self.manifest.segments.iter().filter(|one| one.until >= since && one.from < until) {
            let damaged = |error| LakeError::file(&self.root.path(&segment.name(ROWS)), error);
            let mut rows = segment.open_rows(&self.root, Wanted::All, &read)?;
            while rows.next().map_err(damaged)? {
                let row = rows.row();
                if !(since..until).contains(&row.head.time) {
                    continue;
                }
                given += 1;
                if !each(&row.record().map_err(damaged)?.observation) {
                    return Ok(given);
                }
            }
        }
        Ok(given)
    }
}
