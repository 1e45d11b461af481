//! The ways in which logs write an instant.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Seconds since 1970 with a fraction (Zeek), RFC 3339, or RFC 3339 without the colon of the offset (Suricata).
/// A time without an offset is read as UTC: a sensor that leaves it out gives nothing better to go by.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    if text.as_bytes().get(4) != Some(&b'-') {
        return epoch_seconds(text);
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let (civil, offset) = match text.rfind(['+', '-']) {
        Some(at) if at > 10 => (text.get(..at)?, offset_seconds(text.get(at..)?)?),
        _ => (text, 0),
    };
    let instant = civil.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    instant.checked_sub(jiff::SignedDuration::from_secs(offset)).ok()
}

/// A whole number since 1970. Its size tells the unit: seconds until the year 5138, milliseconds until the end of time, then
/// microseconds and nanoseconds since 2001. A fraction of seconds is read as [`parse`] does.
pub(crate) fn parse_count(text: &str) -> Option<Timestamp> {
    let Ok(count) = text.parse::<i64>() else { return parse(text) };
    match count.unsigned_abs() {
        0..100_000_000_000 => Timestamp::from_second(count).ok(),
        100_000_000_000..1_000_000_000_000_000 => Timestamp::from_millisecond(count).ok(),
        1_000_000_000_000_000..1_000_000_000_000_000_000 => Timestamp::from_microsecond(count).ok(),
        _ => Timestamp::from_nanosecond(i128::from(count)).ok(),
    }
}

/// `15/Jan/2026:09:00:00 +0900`: web servers.
pub(crate) fn parse_access(text: &str) -> Option<Timestamp> {
    jiff::fmt::strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?.to_timestamp().ok()
}

/// `15-Jan-2026 09:00:00.000`: BIND. It writes no offset.
pub(crate) fn parse_bind(text: &str) -> Option<Timestamp> {
    let broken = jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S%.f", text).ok()?;
    Some(broken.to_datetime().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// `Oct 10 2018 12:34:56`: some firewalls. Without the year (RFC 3164) it is no instant.
pub(crate) fn parse_month_first(text: &str) -> Option<Timestamp> {
    let broken = jiff::fmt::strtime::parse("%b %d %Y %H:%M:%S", text).ok()?;
    Some(broken.to_datetime().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// `+0900` in seconds.
fn offset_seconds(text: &str) -> Option<i64> {
    let (sign, digits) = text.split_at_checked(1)?;
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..)?.trim_start_matches(':').parse().ok()?;
    let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
    Some(if sign == "-" { -seconds } else { seconds })
}

/// `1521911720.865716`, read digit by digit: a float would lose the microseconds.
fn epoch_seconds(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    let digits = fraction.get(..fraction.len().min(9))?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut nanoseconds: i32 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    for _ in digits.len()..9 {
        nanoseconds = nanoseconds.checked_mul(10)?;
    }
    Timestamp::new(seconds, if whole.starts_with('-') { -nanoseconds } else { nanoseconds }).ok()
}

#[cfg(test)]
mod tests {
    use super::{parse, parse_access, parse_bind, parse_count, parse_month_first};

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse(text).map(|instant| instant.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn every_spelling_in_the_logs() {
        check("2025-01-29T18:38:00.235737+0000", Some("2025-01-29T18:38:00.235737Z"));
        check("2017-03-25T16:49:58.856335-0600", Some("2017-03-25T22:49:58.856335Z"));
        check("2019-01-02T03:50:11.315110", Some("2019-01-02T03:50:11.31511Z"));
        check("2018-03-24T17:15:20.866586Z", Some("2018-03-24T17:15:20.866586Z"));
        check("2018-03-24T17:15:20+09:00", Some("2018-03-24T08:15:20Z"));
        check("1521911720.865716", Some("2018-03-24T17:15:20.865716Z"));
        check("1588205199.82437", Some("2020-04-30T00:06:39.82437Z"));
        check("0", Some("1970-01-01T00:00:00Z"));
    }

    #[test]
    fn spellings_of_single_formats() {
        let shown = |instant: Option<jiff::Timestamp>| instant.map(|instant| instant.to_string());
        for (count, expected) in [
            ("1723564700", "2024-08-13T15:58:20Z"),
            ("1723564700123", "2024-08-13T15:58:20.123Z"),
            ("1723564700123456", "2024-08-13T15:58:20.123456Z"),
            ("1723564700123456789", "2024-08-13T15:58:20.123456789Z"),
            ("1723564700.5", "2024-08-13T15:58:20.5Z"),
            ("253402207200000", "9999-12-30T22:00:00Z"),
            ("-1", "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(shown(parse_count(count)).as_deref(), Some(expected), "{count}");
        }
        assert_eq!(parse_count("99999999999999999999999"), None);
        let access = shown(parse_access("15/Jan/2026:09:00:00 +0900"));
        assert_eq!(access.as_deref(), Some("2026-01-15T00:00:00Z"));
        assert_eq!(
            shown(parse_bind("15-Jan-2026 09:00:00.125")).as_deref(),
            Some("2026-01-15T09:00:00.125Z")
        );
        assert_eq!(shown(parse_month_first("Oct 10 2018 12:34:56")).as_deref(), Some("2018-10-10T12:34:56Z"));
        assert_eq!(parse_access("32/Jan/2026:09:00:00 +0900"), None);
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "-",
            "yesterday",
            "2025-13-40T00:00:00Z",
            "1e9",
            "99999999999999999999",
            "1.5x",
            "2025-01-29T18:38:00+9",
        ] {
            check(text, None);
        }
    }
}
