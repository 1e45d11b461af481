//! Syslog by RFC 5424 and RFC 3164, with or without the priority that files leave out.
//!
//! The header is read here; the message is then read as what it is: JSON of any format, a DNS server's query, a web server's
//! request, `key=value`, or prose.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::reading::Draft;
use crate::{Observation, Unreadable, access, dns, keyed, sniff, time};

/// What stands before a message.
struct Header<'a> {
    time: Option<Timestamp>,
    /// The program that wrote it.
    program: &'a str,
    /// `[id name="value" …]` of RFC 5424.
    structured: &'a str,
    message: &'a str,
}

/// Reads one line. A line is a syslog record if it begins with a priority or with a time that a syslog daemon writes.
pub(crate) fn read(text: &str) -> Result<Observation<'_>, Unreadable> {
    let header = header(text).ok_or(Unreadable::OtherFormat)?;
    let message = header.message.trim_start_matches('\u{feff}').trim_ascii();
    let message = message.strip_prefix("@cee:").unwrap_or(message).trim_ascii();
    let inner = if message.starts_with('{') {
        sniff::read(message.as_bytes()).ok().map(|(_, observation)| observation)
    } else {
        dns::read(message).or_else(|_| access::read(message)).ok()
    };
    if let Some(mut observation) = inner {
        observation.time = observation.time.or(header.time);
        return Ok(observation);
    }
    let mut draft = Draft::new();
    draft.set_time(header.time);
    draft.set_kind(Cow::Borrowed(if header.program.is_empty() { "syslog" } else { header.program }));
    keyed::read("structured", header.structured, &mut draft);
    keyed::read("message", message, &mut draft);
    Ok(draft.finish())
}

fn header(text: &str) -> Option<Header<'_>> {
    let (prioritised, rest) = match text.strip_prefix('<') {
        Some(rest) => {
            let (digits, rest) = rest.split_once('>')?;
            let priority: u8 = digits.parse().ok().filter(|_| digits.len() <= 3)?;
            // RFC 5424 §6.2.1: 24 facilities of 8 severities.
            (priority < 192, rest)
        }
        None => (false, text),
    };
    if text.starts_with('<') && !prioritised {
        return None;
    }
    if let Some(rest) = rest.strip_prefix("1 ").filter(|_| prioritised) {
        return modern(rest);
    }
    let stamped = stamp(rest);
    if stamped.is_none() && !prioritised {
        return None;
    }
    match stamped {
        Some((time, rest)) => Some(old(time, rest)),
        // Without a time there is no host either; the text may begin with a tag.
        None => {
            let (program, message) = tagged(rest).unwrap_or(("", rest));
            Some(Header { time: None, program, structured: "", message })
        }
    }
}

/// RFC 5424: `TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`.
fn modern(rest: &str) -> Option<Header<'_>> {
    let mut parts = rest.splitn(6, ' ');
    let time = time::parse(parts.next()?);
    let (_host, program, _process, _id) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let rest = parts.next()?;
    let length = match rest.strip_prefix("- ") {
        Some(_) => 1,
        None if rest == "-" => 1,
        None => structured_length(rest),
    };
    let structured = rest.get(..length).unwrap_or_default();
    let message = rest.get(length..).unwrap_or_default();
    Some(Header { time, program: if program == "-" { "" } else { program }, structured, message })
}

/// How far the elements of structured data go, `]` behind each; in values `\"`, `\\` and `\]` are escaped.
fn structured_length(text: &str) -> usize {
    let (mut inside, mut quoted, mut escaped) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if inside => quoted = !quoted,
            b']' if inside && !quoted => inside = false,
            b'[' if !inside => inside = true,
            _ if !inside => return at,
            _ => {}
        }
    }
    text.len()
}

/// RFC 3164: `HOSTNAME TAG[PID]: MSG`; either may be absent.
fn old(time: Option<Timestamp>, rest: &str) -> Header<'_> {
    // A tag where the host's name should be: the host is absent.
    if let Some((program, message)) = tagged(rest) {
        return Header { time, program, structured: "", message };
    }
    let (_host, after) = rest.split_once(' ').unwrap_or(("", rest));
    let (program, message) = tagged(after).unwrap_or(("", after));
    Header { time, program, structured: "", message }
}

/// The program of `program[12]: text` or `program: text`, and the text.
fn tagged(text: &str) -> Option<(&str, &str)> {
    const TAG_BYTES_MAX: usize = 48;
    let (word, message) = text.split_once(' ').unwrap_or((text, ""));
    let end = word.find(['[', ':']).filter(|end| (1..=TAG_BYTES_MAX).contains(end))?;
    let is_tag = word.ends_with(':') || (word.contains('[') && word.ends_with(']'));
    is_tag.then(|| (word.get(..end).unwrap_or_default(), message))
}

/// A time at the beginning, and what comes after it: RFC 3339, or month and day with or without the year. Without the year it is
/// no instant; that there is one still tells a line of syslog.
fn stamp(text: &str) -> Option<(Option<Timestamp>, &str)> {
    if text.as_bytes().get(4) == Some(&b'-') {
        let (first, rest) = text.split_once(' ')?;
        let instant = first.contains('T').then(|| time::parse(first)).flatten()?;
        return Some((Some(instant), rest));
    }
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = text.get(..3).filter(|month| MONTHS.contains(month))?;
    let rest = text.get(3..)?.strip_prefix(' ')?.trim_start_matches(' ');
    let (day, rest) = rest.split_once(' ')?;
    day.parse::<u8>().ok().filter(|day| (1..=31).contains(day))?;
    let (next, after) = rest.split_once(' ').unwrap_or((rest, ""));
    if is_clock(next) {
        return Some((None, after));
    }
    let (clock, after) = after.split_once(' ').unwrap_or((after, ""));
    let clock = clock.trim_end_matches(':');
    (next.len() == 4 && is_clock(clock))
        .then(|| (time::parse_month_first(&format!("{month} {day} {next} {clock}")), after))
}

/// `12:34:56`, perhaps with a fraction.
fn is_clock(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or(text);
    let parts = || whole.split(':');
    parts().count() == 3
        && parts().all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
}
