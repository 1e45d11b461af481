//! One JSON object a line.

use sonic_rs::{JsonValueTrait, LazyValue};

use crate::Unreadable;

/// The most bytes one record may have. Suricata's largest (alerts with payload and packet) stay under 1 MiB.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// The line as text, if it is short enough to be a record.
pub(crate) fn text(line: &[u8]) -> Result<&str, Unreadable> {
    if line.len() > LINE_BYTES_MAX {
        return Err(Unreadable::TooLong);
    }
    std::str::from_utf8(line).map_err(|_| Unreadable::NotUtf8)
}

/// The line as one whole object, checked to its end.
pub(crate) fn object(line: &[u8]) -> Result<LazyValue<'_>, Unreadable> {
    let text = text(line)?.trim_ascii();
    if !text.starts_with('{') {
        return Err(Unreadable::OtherFormat);
    }
    if !text.ends_with('}') {
        return Err(Unreadable::CutOff);
    }
    if nesting_exceeds(text.as_bytes(), NESTING_MAX) {
        return Err(Unreadable::TooDeep);
    }
    let value = sonic_rs::from_str::<LazyValue<'_>>(text).map_err(|_| Unreadable::NotJson)?;
    if value.is_object() { Ok(value) } else { Err(Unreadable::OtherFormat) }
}

/// No record of the formats is nested deeper than ten.
const NESTING_MAX: usize = 128;

/// Whether brackets open deeper than allowed.
fn nesting_exceeds(text: &[u8], most: usize) -> bool {
    // Short texts cannot nest deeply enough; nearly every record ends here.
    if memchr::memchr2_iter(b'{', b'[', text).nth(most).is_none() {
        return false;
    }
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut in_string = false;
    let mut escaped = false;
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest > most
}
