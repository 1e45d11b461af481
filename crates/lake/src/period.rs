use std::ops::Range;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::columns::{nanoseconds, timestamp};
use crate::rows::Head;

/// The span of time whose records a segment holds; UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// Year, month, day, hour.
    Hour(i16, i8, i8, i8),
    /// Year, month, day.
    Day(i16, i8, i8),
    /// Year, month.
    Month(i16, i8),
}

/// How wide a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Width {
    Hour,
    Day,
    Month,
}

impl Period {
    /// The period of that width that holds an instant.
    pub(crate) fn of(time: Timestamp, width: Width) -> Self {
        let at = TimeZone::UTC.to_datetime(time);
        match width {
            Width::Hour => Self::Hour(at.year(), at.month(), at.day(), at.hour()),
            Width::Day => Self::Day(at.year(), at.month(), at.day()),
            Width::Month => Self::Month(at.year(), at.month()),
        }
    }

    pub(crate) fn width(self) -> Width {
        match self {
            Self::Hour(..) => Width::Hour,
            Self::Day(..) => Width::Day,
            Self::Month(..) => Width::Month,
        }
    }

    /// The first instant.
    pub(crate) fn start(self) -> Timestamp {
        let start = match self {
            Self::Hour(year, month, day, hour) => {
                DateTime::new(year, month, day, hour, 0, 0, 0).unwrap_or(DateTime::MIN)
            }
            Self::Day(year, month, day) => {
                DateTime::new(year, month, day, 0, 0, 0, 0).unwrap_or(DateTime::MIN)
            }
            Self::Month(year, month) => DateTime::new(year, month, 1, 0, 0, 0, 0).unwrap_or(DateTime::MIN),
        };
        TimeZone::UTC.to_timestamp(start).unwrap_or(Timestamp::MIN)
    }

    /// The first instant after it.
    fn end(self) -> Timestamp {
        let start = TimeZone::UTC.to_datetime(self.start());
        let span = match self.width() {
            Width::Hour => 1.hour(),
            Width::Day => 1.day(),
            Width::Month => 1.month(),
        };
        let end = start.checked_add(span).unwrap_or(DateTime::MAX);
        TimeZone::UTC.to_timestamp(end).unwrap_or(Timestamp::MAX)
    }

    /// The wider period that this one is in.
    pub(crate) fn within(self, width: Width) -> Self {
        Self::of(self.start(), width.max(self.width()))
    }

    /// Whether it ended more than an hour ago: late records have come by then.
    pub(crate) fn is_over(self, now: Timestamp) -> bool {
        let an_hour_ago = now.as_second().saturating_sub(3600);
        let then = Timestamp::from_second(an_hour_ago).unwrap_or(now);
        Self::of(then, self.width()) > self
    }

    /// From `2026-11`, `2026-11-28` or `2026-11-28T10`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (day, hour) = text.split_once('T').map_or((text, None), |(day, hour)| (day, Some(hour)));
        let (year, rest) = day.split_at_checked(day.rfind('-').filter(|at| text.len() == 7 || *at > 4)?)?;
        let number = |text: &str| text.parse::<i8>().ok();
        let last = number(rest.strip_prefix('-')?)?;
        let period = match (year.rsplit_once('-').filter(|(year, _)| !year.is_empty()), hour) {
            (Some((year, month)), hour) => {
                let (year, month) = (year.parse().ok()?, number(month)?);
                date_is(year, month, last)?;
                match hour {
                    Some(hour) => {
                        Self::Hour(year, month, last, number(hour).filter(|h| (0..24).contains(h))?)
                    }
                    None => Self::Day(year, month, last),
                }
            }
            (None, None) => {
                let year = year.parse().ok()?;
                date_is(year, last, 1)?;
                Self::Month(year, last)
            }
            (None, Some(_)) => return None,
        };
        Some(period)
    }
}

/// A segment of less than this is worth merging later; no batch is cut to many of them.
const PART_ROWS: usize = 1 << 16;

/// So many small segments of one batch are no harm.
const PARTS_MIN: usize = 4;

/// Where rows in the order of time are cut into segments: by hour where that gives few or large ones, otherwise by day or by
/// month, and where a clock went wild not at all. Rows of no plausible time are filed with the hour in which they were read.
pub(crate) fn cut(heads: &[Head], plausible: &Range<i64>, read: Timestamp) -> Vec<(Period, Range<usize>)> {
    let before = heads.partition_point(|head| head.time < plausible.start);
    let after = heads.partition_point(|head| head.time < plausible.end).max(before);
    let within = before..after;
    let most = PARTS_MIN.max(within.len() / PART_ROWS);
    let mut parts = Vec::new();
    if !within.is_empty() {
        let widths = [Width::Hour, Width::Day, Width::Month];
        let cut = widths.into_iter().find_map(|width| cut_by(heads, within.clone(), width, most));
        let last = heads.get(after - 1).map_or(read, |head| timestamp(head.time));
        parts = cut.unwrap_or_else(|| vec![(Period::of(last, Width::Month), within)]);
    }
    let strange = [0..before, after..heads.len()].into_iter().filter(|rows| !rows.is_empty());
    parts.extend(strange.map(|rows| (Period::of(read, Width::Hour), rows)));
    parts
}

/// The rows by periods of that width; `None` where there are more than so many.
fn cut_by(
    heads: &[Head],
    within: Range<usize>,
    width: Width,
    most: usize,
) -> Option<Vec<(Period, Range<usize>)>> {
    let mut parts = Vec::new();
    let mut start = within.start;
    while start < within.end {
        if parts.len() >= most {
            return None;
        }
        let rest = heads.get(start..within.end)?;
        let period = Period::of(timestamp(rest.first()?.time), width);
        let end = nanoseconds(period.end());
        let count = rest.partition_point(|head| head.time < end).max(1);
        parts.push((period, start..start + count));
        start += count;
    }
    Some(parts)
}

fn date_is(year: i16, month: i8, day: i8) -> Option<()> {
    jiff::civil::Date::new(year, month, day).ok().map(|_| ())
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hour(year, month, day, hour) => write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}"),
            Self::Day(year, month, day) => write!(f, "{year:04}-{month:02}-{day:02}"),
            Self::Month(year, month) => write!(f, "{year:04}-{month:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_written_and_read() {
        for time in
            ["2026-11-28T10:59:59Z", "1970-01-01T00:00:00Z", "0001-02-03T04:05:06Z", "9999-12-30T21:59:59Z"]
        {
            let time: Timestamp = time.parse().unwrap();
            for width in [Width::Hour, Width::Day, Width::Month] {
                let period = Period::of(time, width);
                assert_eq!(Period::parse(&period.to_string()), Some(period), "{period}");
                assert!(period.start() <= time);
                assert_eq!(Period::of(period.start(), width), period);
            }
        }
        for wrong in
            ["", "2026", "2026-13", "2026-02-30", "2026-11-28T24", "2026-11T10", "x-11", "2026-11-28T"]
        {
            assert_eq!(Period::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_period_is_over_an_hour_after_its_end() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let day = Period::of(at("2026-11-28T10:00:00Z"), Width::Day);
        assert!(!day.is_over(at("2026-11-29T00:59:59Z")));
        assert!(day.is_over(at("2026-11-29T01:00:00Z")));
        assert_eq!(
            Period::of(at("2026-11-28T10:00:00Z"), Width::Hour).within(Width::Month).to_string(),
            "2026-11"
        );
    }
}
