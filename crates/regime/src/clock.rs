//! From when until when: the arithmetic of deadlines.
//!
//! Hours are hours, whatever the clocks on the wall do in between. Days, business days and months end with a day of the authority's
//! calendar. Where a law leaves two readings, files here say the stricter one: a clock of ours may run out early and never late.

use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// The longest length in days; longer than any duty to report that is known.
pub(crate) const DAYS_MAX: u16 = 3_660;

/// How long a clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Length {
    /// So many hours from the instant.
    Hours(u16),
    /// To the end of the day that is so many days on.
    Days {
        /// How many.
        days: u16,
        /// Whether the day on which it starts is the first of them.
        counts_first_day: bool,
    },
    /// To the end of a day, counting only days on which the authority is open.
    BusinessDays {
        /// How many.
        days: u16,
        /// Whether the day on which it starts is the first of them, if it is open.
        counts_first_day: bool,
    },
    /// To the end of the day with the same number so many months on; of the month's last day where there is none.
    Months(u16),
}

/// The days on which an authority is closed, beside Saturdays and Sundays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    /// Holidays.
    pub holidays: BTreeSet<Date>,
    /// The last day for which holidays are known; nothing where none are.
    pub known_until: Option<Date>,
}

impl Calendar {
    /// Whether the authority works on that day.
    #[must_use]
    pub fn is_open(&self, date: Date) -> bool {
        !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) && !self.holidays.contains(&date)
    }
}

/// When a clock runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// The first instant at which it is too late: where a day ends, the midnight after it.
    pub at: Timestamp,
    /// Whether all holidays on the way are known.
    pub certain: bool,
}

impl Length {
    /// When a clock that starts at an instant runs out. Nothing where that lies beyond the calendar.
    #[must_use]
    pub fn end(self, start: Timestamp, zone: &TimeZone, calendar: &Calendar) -> Option<Ending> {
        let first = start.to_zoned(zone.clone()).date();
        let certain = |at| Some(Ending { at, certain: true });
        match self {
            Self::Hours(hours) => certain(start.checked_add(SignedDuration::from_hours(hours.into())).ok()?),
            Self::Days { days, counts_first_day } => {
                let days = i64::from(days) - i64::from(counts_first_day);
                certain(end_of(first.checked_add(Span::new().try_days(days).ok()?).ok()?, zone)?)
            }
            Self::BusinessDays { days, counts_first_day } => {
                let last = business_day(first, days, counts_first_day, calendar)?;
                let certain = calendar.known_until.is_some_and(|until| last <= until);
                Some(Ending { at: end_of(last, zone)?, certain })
            }
            Self::Months(months) => certain(end_of(
                first.checked_add(Span::new().try_months(i64::from(months)).ok()?).ok()?,
                zone,
            )?),
        }
    }
}

/// The instant after the last one of a day.
fn end_of(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    Some(date.tomorrow().ok()?.to_zoned(zone.clone()).ok()?.timestamp())
}

/// The day that is the so-manieth open one.
fn business_day(first: Date, days: u16, counts_first_day: bool, calendar: &Calendar) -> Option<Date> {
    let mut date = if counts_first_day { first } else { first.tomorrow().ok()? };
    let mut left = days.min(DAYS_MAX);
    // A calendar cannot close more days than it has holidays, so the walk ends.
    loop {
        if calendar.is_open(date) {
            left = left.saturating_sub(1);
            if left == 0 {
                return Some(date);
            }
        }
        date = date.tomorrow().ok()?;
    }
}

/// The middle of two instants.
pub(crate) fn middle(start: Timestamp, end: Timestamp) -> Timestamp {
    start.checked_add(end.duration_since(start) / 2).unwrap_or(start)
}
