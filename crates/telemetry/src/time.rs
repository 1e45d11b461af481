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
    use super::parse;

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
