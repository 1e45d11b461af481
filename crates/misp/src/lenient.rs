//! MISP values as they are written in the wild: numbers as text, truth as `1`, `"1"`, `true` or `"True"`, times in four forms.

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

/// A dictionary of MISP's JSON.
pub(crate) type Fields = Map<String, Value>;

/// A text, or a number or truth value written out; nothing for what is empty or is no scalar.
pub(crate) fn text(fields: &Fields, name: &str) -> Option<String> {
    let text = match fields.get(name)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A truth value; what cannot be read as one is `None`.
pub(crate) fn truth(fields: &Fields, name: &str) -> Option<bool> {
    match fields.get(name)? {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => Some(number.as_f64() != Some(0.0)),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Some(true),
            "0" | "false" | "no" => Some(false),
            _ => None,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A whole number, also when it is written as text.
pub(crate) fn number(fields: &Fields, name: &str) -> Option<i64> {
    match fields.get(name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A UUID in its usual form.
pub(crate) fn uuid(fields: &Fields, name: &str) -> Option<Uuid> {
    let text = fields.get(name)?.as_str()?;
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// A moment: seconds since 1970 (`"1603642920"`, also with a fraction), or a date with a time. Moments outside of the years 1970
/// to 9999 are none: STIX could not hold them.
pub(crate) fn time(fields: &Fields, name: &str) -> Option<Timestamp> {
    parse_time(&text(fields, name)?)
}

/// The same for a bare text.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let moment = if let Ok(seconds) = text.parse::<i64>() {
        Timestamp::from_second(seconds).ok()?
    } else if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        let (seconds, fraction) = text.split_once('.')?;
        let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
        let millis =
            seconds.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(digits.parse::<i64>().ok()?)?;
        Timestamp::from_millisecond(millis).ok()?
    } else {
        dated(text)?
    };
    (moment >= Timestamp::UNIX_EPOCH && moment.to_string().len() < 40).then_some(moment)
}

/// `2020-10-25`, `2020-10-25T16:22:00…` with `Z`, `+00:00`, `+0000` or nothing, also with a blank in place of the `T`.
fn dated(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let written = text.replacen(' ', "T", 1);
    let written = written
        .strip_suffix("+0000")
        .or_else(|| written.strip_suffix("+00:00"))
        .unwrap_or(&written)
        .trim_end_matches('Z');
    let civil = written.parse::<jiff::civil::DateTime>().ok().or_else(|| {
        Some(written.parse::<jiff::civil::Date>().ok()?.to_datetime(jiff::civil::Time::midnight()))
    })?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The members of a list that are dictionaries.
pub(crate) fn list<'a>(fields: &'a Fields, name: &str) -> impl Iterator<Item = &'a Fields> {
    fields.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn truth_in_all_its_spellings() {
        for (json, expected) in [
            (r#"{"a":1}"#, Some(true)),
            (r#"{"a":"1"}"#, Some(true)),
            (r#"{"a":"True"}"#, Some(true)),
            (r#"{"a":false}"#, Some(false)),
            (r#"{"a":"0"}"#, Some(false)),
            (r#"{"a":null}"#, None),
            (r#"{"a":[1]}"#, None),
            (r#"{}"#, None),
        ] {
            assert_eq!(truth(&fields(json), "a"), expected, "{json}");
        }
    }

    #[test]
    fn moments_in_all_their_spellings() {
        for text in [
            "1603642920",
            "1603642920.000",
            "2020-10-25T16:22:00Z",
            "2020-10-25T16:22:00+0000",
            "2020-10-25T16:22:00.000000+00:00",
            "2020-10-25 16:22:00",
        ] {
            assert_eq!(parse_time(text).map(Timestamp::as_second), Some(1_603_642_920), "{text}");
        }
        for text in ["", "x", "-5", "99999999999999999999", "1.2.3", "2020-13-01", "9999999999999"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
