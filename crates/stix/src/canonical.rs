//! The canonical text that is hashed: RFC 8785 (JSON Canonicalization Scheme), made exact for numbers.
//!
//! RFC 8785 prints numbers as doubles, so two objects that differ in the 20th digit of a number would hash alike. Here a number
//! that a double cannot hold is printed with all of its digits instead; every other text is that of RFC 8785.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The canonical text of an object, given its properties and the text they were read from. `has_float`: whether any number was
/// read as a double; then digits may be lost and the source text decides.
pub(crate) fn canonical_text(properties: &Map<String, Value>, has_float: bool, source: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(source.len());
    let source = if has_float { std::str::from_utf8(source).ok() } else { None };
    write_map(&mut out, properties, source);
    out
}

type RawMap<'a> = std::collections::HashMap<Cow<'a, str>, &'a RawValue>;

fn write_map(out: &mut Vec<u8>, map: &Map<String, Value>, source: Option<&str>) {
    let raw: Option<RawMap<'_>> =
        source.and_then(|text| serde_json::from_str::<RawKeys<'_>>(text).ok()).map(|keys| keys.0);
    let mut entries: Vec<(&str, &Value)> = map.iter().map(|(key, value)| (key.as_str(), value)).collect();
    entries.sort_unstable_by(|(a, _), (b, _)| utf16_order(a, b));
    out.push(b'{');
    for (position, (key, value)) in entries.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_text(out, key);
        out.push(b':');
        write_value(out, value, raw.as_ref().and_then(|raw| raw.get(key)).map(|raw| raw.get()));
    }
    out.push(b'}');
}

/// A dictionary whose keys are read and whose values are not.
struct RawKeys<'a>(RawMap<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for RawKeys<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawMap::deserialize(deserializer).map(Self)
    }
}

/// Keys are ordered by their UTF-16 code units (RFC 8785 §3.2.3). That is the order of bytes, but that characters beyond U+FFFF,
/// whose UTF-8 begins with 0xF0 and up, are written with surrogates and so come before U+E000 to U+FFFF (0xEE and 0xEF).
fn utf16_order(a: &str, b: &str) -> Ordering {
    let differing = a.bytes().zip(b.bytes()).find(|(a, b)| a != b);
    match differing {
        None => a.len().cmp(&b.len()),
        Some((a, b)) if a >= 0xEE && b >= 0xEE && (a >= 0xF0) != (b >= 0xF0) => b.cmp(&a),
        Some((a, b)) => a.cmp(&b),
    }
}

fn write_value(out: &mut Vec<u8>, value: &Value, source: Option<&str>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::String(text) => write_text(out, text),
        Value::Object(map) => write_map(out, map, source),
        Value::Array(list) => {
            let raw: Vec<&RawValue> =
                source.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            out.push(b'[');
            for (position, item) in list.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write_value(out, item, raw.get(position).map(|raw| raw.get()));
            }
            out.push(b']');
        }
        Value::Number(number) => {
            if let Some(double) = number.as_f64().filter(|_| number.is_f64()) {
                out.extend_from_slice(double_text(double, source).as_bytes());
            } else {
                // An integer that was read whole: its digits are canonical.
                out.extend_from_slice(number.to_string().as_bytes());
            }
        }
    }
}

/// Strings as RFC 8785 §3.2.2.2 asks; the library escapes the same characters in the same way.
fn write_text(out: &mut Vec<u8>, text: &str) {
    // Every byte is looked at, so that the compiler can look at many at a time.
    let plain = !text.bytes().fold(false, |found, b| found | (b < 0x20) | (b == b'"') | (b == b'\\'));
    if plain {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        // A string always serialises into memory.
        let _ = serde_json::to_writer(&mut *out, text);
    }
}

fn double_text(double: f64, source: Option<&str>) -> String {
    let canonical = serde_json_canonicalizer::to_string(&double).unwrap_or_else(|_| double.to_string());
    let Some(written) = source.and_then(Decimal::read) else {
        return canonical;
    };
    if Decimal::read(&canonical).is_none_or(|short| short == written) { canonical } else { written.text() }
}

/// A decimal number without loss: `digits` × 10^`exponent`, no zero at either end of the digits; zero has no digits.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn read(text: &str) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent: i64 = exponent.parse().ok()?;
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let dropped = i64::try_from(all.len() - digits.len()).ok()?;
        let digits = digits.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let exponent = exponent.saturating_sub(i64::try_from(fraction.len()).ok()?).saturating_add(dropped);
        Some(Self { negative, digits, exponent })
    }

    /// Whole numbers of up to 20 digits in full, like the integers that are read whole; others with an exponent.
    fn text(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let digits = &self.digits;
        match usize::try_from(self.exponent) {
            Ok(zeros) if digits.len() + zeros <= 20 => format!("{sign}{digits}{}", "0".repeat(zeros)),
            _ => format!("{sign}{digits}e{}", self.exponent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::canonical_text;
    use crate::json::read_object;

    fn check(source: &str, expected: &str) {
        let read = read_object(source.as_bytes()).unwrap();
        let text = canonical_text(&read.properties, read.has_float, source.as_bytes());
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text, expected, "{source}");
    }

    #[test]
    fn keys_are_sorted_and_space_is_dropped() {
        check(r#"{ "b" : [1, {"d":2,"c":3}], "a":"\u0041" }"#, r#"{"a":"A","b":[1,{"c":3,"d":2}]}"#);
    }

    #[test]
    fn keys_are_ordered_by_utf16_units() {
        check(
            "{\"\u{fb33}\":1,\"\u{1f600}\":2,\"\u{20ac}\":3}",
            "{\"\u{20ac}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}",
        );
        check("{\"ab\":1,\"a\":2,\"\u{3042}\":3,\"b\":4}", "{\"a\":2,\"ab\":1,\"b\":4,\"\u{3042}\":3}");
    }

    #[test]
    fn the_quick_order_is_that_of_utf16() {
        let parts = [
            "",
            "a",
            "ab",
            "z",
            "\u{7f}",
            "\u{80}",
            "\u{7ff}",
            "\u{800}",
            "\u{d7ff}",
            "\u{e000}",
            "\u{ffff}",
            "\u{10000}",
            "\u{10ffff}",
        ];
        let texts: Vec<String> =
            parts.iter().flat_map(|a| parts.iter().map(move |b| format!("{a}{b}"))).collect();
        for a in &texts {
            for b in &texts {
                assert_eq!(super::utf16_order(a, b), a.encode_utf16().cmp(b.encode_utf16()), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn numbers_of_equal_value_have_one_text() {
        for written in ["1", "1.0", "1e0", "10E-1", "0.1e1", "1.000"] {
            check(&format!(r#"{{"n":{written}}}"#), r#"{"n":1}"#);
        }
        for written in ["0", "-0", "0.0", "-0e9"] {
            check(&format!(r#"{{"n":{written}}}"#), r#"{"n":0}"#);
        }
        check(r#"{"n":333333333.33333329}"#, r#"{"n":33333333333333329e-8}"#);
        check(r#"{"n":1E30}"#, r#"{"n":1e+30}"#);
        check(r#"{"n":4.50}"#, r#"{"n":4.5}"#);
        check(r#"{"n":2e-3}"#, r#"{"n":0.002}"#);
    }

    #[test]
    fn digits_beyond_a_double_do_not_collide() {
        check(r#"{"n":9007199254740993}"#, r#"{"n":9007199254740993}"#);
        check(r#"{"n":9007199254740993.0}"#, r#"{"n":9007199254740993}"#);
        check(r#"{"n":[0.1,{"m":0.10000000000000000555}]}"#, r#"{"n":[0.1,{"m":10000000000000000555e-20}]}"#);
        check(r#"{"n":36893488147419103233}"#, r#"{"n":36893488147419103233}"#);
    }

    #[test]
    fn control_characters_are_escaped_as_the_scheme_says() {
        check(
            "{\"s\":\"\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\\\/\u{7f}\"}",
            "{\"s\":\"\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\/\u{7f}\"}",
        );
    }
}
