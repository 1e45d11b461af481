use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How often an authorisation was used at this edge, by day (UTC). A value: the edge writes it down before it acts, so that a crash
/// costs a query and never gives one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quota {
    /// Per authorisation: the day, counted from 1970, and the uses in it.
    used: BTreeMap<Uuid, (i64, u32)>,
    /// The latest day that anything was counted in: a clock that is set back does not bring uses back.
    latest: i64,
}

/// Days that a clock may be behind what was counted last before nothing is allowed any more: leap seconds and summer time are none
/// of these, a day that turns between two clocks is one.
const DAYS_BACK_MAX: i64 = 1;

impl Quota {
    /// Counts one use where there is room for it; the quota to be kept, and how many are left. `None` where it is used up, or where
    /// the clock stands before what was counted.
    #[must_use]
    pub fn spend(&self, authorisation: Uuid, per_day: u32, now: Timestamp) -> Option<(Self, u32)> {
        let day = now.as_second().div_euclid(86_400);
        if day + DAYS_BACK_MAX < self.latest {
            return None;
        }
        // On the day before, what was spent since counts as well: the later day is not over.
        let counted = day.max(self.latest);
        let before =
            self.used.get(&authorisation).filter(|(of, _)| *of == counted).map_or(0, |(_, uses)| *uses);
        let left = per_day.checked_sub(before + 1)?;
        let mut next = self.clone();
        next.latest = counted;
        next.used.insert(authorisation, (counted, before + 1));
        // What was used on another day counts for nothing any more.
        next.used.retain(|_, (of, _)| *of == counted);
        Some((next, left))
    }
}
