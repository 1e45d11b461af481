//! One record's own part: numbers and values, and the whole put together again.

use std::borrow::Cow;
use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use stix::observable::ValueKind;
use telemetry::{Observation, Observed};

use super::shape::{INLINE, Shape, has};
use crate::columns::timestamp;
use crate::error::FileError;
use crate::frame::{put_varint, size, take, varint};

/// Where a record stands in time and in its log, and which bytes are its own.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Head {
    /// Nanoseconds since 1970; that of its reading where it bore none.
    pub(crate) time: i64,
    pub(crate) line: u64,
    pub(crate) position: u64,
    pub(super) shape: u32,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A record that can be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) head: Head,
    pub(super) shapes: &'a [Shape],
    pub(super) body: &'a [u8],
}

/// A record as it was pushed.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) observation: Observation<'a>,
    pub(crate) source: Cow<'a, str>,
    pub(crate) text: Option<&'a str>,
}

/// How a value is written: what is mostly seen in its shortest form, if that can be turned back into the same text.
mod form {
    pub(super) const V4: u64 = 0;
    pub(super) const V6: u64 = 1;
    pub(super) const HEX: u64 = 2;
    /// And all above: a text of so many bytes more.
    pub(super) const TEXT: u64 = 3;
}

/// Shorter hexadecimal texts gain nothing.
const HEX_DIGITS_MIN: usize = 16;

/// Writes what is a record's own.
pub(super) fn put(seen: &Observation<'_>, text: Option<&str>, out: &mut Vec<u8>) {
    for port in [seen.src_port, seen.dst_port].into_iter().flatten() {
        put_varint(u64::from(port), out);
    }
    for count in [seen.bytes, seen.src_bytes, seen.dst_bytes].into_iter().flatten() {
        put_varint(count, out);
    }
    seen.values.iter().for_each(|value| put_value(value.kind, &value.value, out));
    if let Some(text) = text {
        put_varint(text.len() as u64, out);
        out.extend_from_slice(text.as_bytes());
    }
}

/// Writes a row's own part as it is, behind its shape if that has no number where it comes to stand.
pub(super) fn put_again(number: u32, shape: Option<&[u8]>, body: &[u8], out: &mut Vec<u8>) {
    if let Some(shape) = shape.filter(|_| number == INLINE) {
        put_varint(shape.len() as u64, out);
        out.extend_from_slice(shape);
    }
    out.extend_from_slice(body);
}

fn put_value(kind: ValueKind, text: &str, out: &mut Vec<u8>) {
    match kind {
        ValueKind::Ipv4 => {
            if let Ok(address) = text.parse::<Ipv4Addr>() {
                put_varint(form::V4, out);
                return out.extend_from_slice(&address.octets());
            }
        }
        ValueKind::Ipv6 => {
            if let Some(address) = text.parse::<Ipv6Addr>().ok().filter(|it| is_written_so(*it, text)) {
                put_varint(form::V6, out);
                return out.extend_from_slice(&address.octets());
            }
        }
        _ => {
            if let Some(digits) = nibbles(text) {
                put_varint(form::HEX, out);
                put_varint(text.len() as u64 / 2, out);
                return out.extend(digits);
            }
        }
    }
    put_varint(form::TEXT + text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn is_written_so(address: Ipv6Addr, text: &str) -> bool {
    let mut shown = [0; 48];
    let mut rest = shown.as_mut_slice();
    let written = write!(rest, "{address}").is_ok();
    let left = rest.len();
    written && shown.get(..shown.len() - left) == Some(text.as_bytes())
}

/// The bytes that pairs of lower-case hexadecimal digits say.
fn nibbles(text: &str) -> Option<impl Iterator<Item = u8>> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit - b'a' + 10,
    };
    let digits = text.as_bytes();
    let is_hex = digits.len() >= HEX_DIGITS_MIN
        && digits.len().is_multiple_of(2)
        && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let pairs = digits.chunks_exact(2);
    is_hex.then(move || pairs.map(move |pair| pair.iter().fold(0, |byte, digit| byte << 4 | nibble(*digit))))
}

fn value<'a>(rest: &mut &'a [u8]) -> Option<Cow<'a, str>> {
    Some(match varint(rest)? {
        form::V4 => Ipv4Addr::from(<[u8; 4]>::try_from(take(rest, 4)?).ok()?).to_string().into(),
        form::V6 => Ipv6Addr::from(<[u8; 16]>::try_from(take(rest, 16)?).ok()?).to_string().into(),
        form::HEX => {
            let bytes = size(rest)?;
            let digits = take(rest, bytes)?.iter().flat_map(|byte| [byte >> 4, byte & 15]);
            digits.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)).collect::<String>().into()
        }
        text => {
            let bytes = usize::try_from(text - form::TEXT).ok()?;
            std::str::from_utf8(take(rest, bytes)?).ok()?.into()
        }
    })
}

impl<'a> Row<'a> {
    /// The record. Of a row that has its shape with it, the shape is copied.
    ///
    /// # Errors
    /// The bytes are of no record.
    pub(crate) fn record(self) -> Result<Record<'a>, FileError> {
        self.read().ok_or(FileError::Damaged("has a row that is no record"))
    }

    fn read(self) -> Option<Record<'a>> {
        let mut rest = self.body;
        let shape;
        let (observation, source, text) = match (self.head.shape as usize).checked_sub(1) {
            Some(number) => {
                let shape = self.shapes.get(number)?;
                let observation = observation(shape, self.head.time, &mut rest)?;
                (observation, Cow::Borrowed(shape.source.as_str()), text(shape, &mut rest)?)
            }
            None => {
                let bytes = size(&mut rest)?;
                shape = Shape::read(take(&mut rest, bytes)?)?;
                let observation = owned(observation(&shape, self.head.time, &mut rest)?);
                let text = text(&shape, &mut rest)?;
                (observation, Cow::Owned(shape.source), text)
            }
        };
        rest.is_empty().then_some(Record { observation, source, text })
    }
}

fn observation<'s, 'a: 's>(shape: &'s Shape, time: i64, rest: &mut &'a [u8]) -> Option<Observation<'s>> {
    let mut number = |flag| if shape.has & flag == 0 { Some(None) } else { varint(rest).map(Some) };
    let port = |number: Option<u64>| number.map(u16::try_from).transpose().ok();
    let (src_port, dst_port) = (port(number(has::SRC_PORT)?)?, port(number(has::DST_PORT)?)?);
    let (bytes, src_bytes, dst_bytes) =
        (number(has::BYTES)?, number(has::SRC_BYTES)?, number(has::DST_BYTES)?);
    let mut values = Vec::with_capacity(shape.fields.len());
    for field in &shape.fields {
        let value = value(rest)?;
        if let Some(kind) = field.kind {
            values.push(Observed { field: field.name.as_str().into(), kind, value, role: field.role });
        }
    }
    Some(Observation {
        time: (shape.has & has::TIME != 0).then(|| timestamp(time)),
        kind: shape.record.as_str().into(),
        protocol: shape.protocol.as_deref().map(Cow::Borrowed),
        src_port,
        dst_port,
        bytes,
        src_bytes,
        dst_bytes,
        http_method: shape.http_method.as_deref().map(Cow::Borrowed),
        values,
    })
}

fn text<'a>(shape: &Shape, rest: &mut &'a [u8]) -> Option<Option<&'a str>> {
    if shape.has & has::TEXT == 0 {
        return Some(None);
    }
    let bytes = size(rest)?;
    std::str::from_utf8(take(rest, bytes)?).ok().map(Some)
}

pub(super) fn owned(seen: Observation<'_>) -> Observation<'static> {
    let text = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    let value = |value: Observed<'_>| Observed {
        field: text(value.field),
        kind: value.kind,
        value: text(value.value),
        role: value.role,
    };
    Observation {
        time: seen.time,
        kind: text(seen.kind),
        protocol: seen.protocol.map(text),
        src_port: seen.src_port,
        dst_port: seen.dst_port,
        bytes: seen.bytes,
        src_bytes: seen.src_bytes,
        dst_bytes: seen.dst_bytes,
        http_method: seen.http_method.map(text),
        values: seen.values.into_iter().map(value).collect(),
    }
}
