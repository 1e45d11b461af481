//! What very many records have in common: all but their time, place, numbers and values.

use foldhash::HashMap;
use stix::observable::ValueKind;
use telemetry::{Observation, Role};

use crate::frame::{put_varint, size, take, varint};

/// Which numbers and texts a record has.
pub(super) mod has {
    pub(crate) const TIME: u64 = 1;
    pub(crate) const SRC_PORT: u64 = 1 << 1;
    pub(crate) const DST_PORT: u64 = 1 << 2;
    pub(crate) const BYTES: u64 = 1 << 3;
    pub(crate) const SRC_BYTES: u64 = 1 << 4;
    pub(crate) const DST_BYTES: u64 = 1 << 5;
    pub(crate) const TEXT: u64 = 1 << 6;
    pub(crate) const PROTOCOL: u64 = 1 << 7;
    pub(crate) const HTTP_METHOD: u64 = 1 << 8;
}

/// A record without what is its own.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(super) has: u64,
    pub(crate) source: String,
    pub(super) record: String,
    pub(super) protocol: Option<String>,
    pub(super) http_method: Option<String>,
    pub(super) fields: Vec<Field>,
}

/// Where a value stands.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// `None` for a kind that a later version wrote.
    pub(super) kind: Option<ValueKind>,
    pub(super) role: Role,
}

/// Writes the shape of a record.
pub(super) fn put(seen: &Observation<'_>, source: &str, has_text: bool, out: &mut Vec<u8>) {
    let flags = [
        (has::TIME, seen.time.is_some()),
        (has::SRC_PORT, seen.src_port.is_some()),
        (has::DST_PORT, seen.dst_port.is_some()),
        (has::BYTES, seen.bytes.is_some()),
        (has::SRC_BYTES, seen.src_bytes.is_some()),
        (has::DST_BYTES, seen.dst_bytes.is_some()),
        (has::TEXT, has_text),
        (has::PROTOCOL, seen.protocol.is_some()),
        (has::HTTP_METHOD, seen.http_method.is_some()),
    ];
    put_varint(flags.iter().filter(|(_, is)| *is).map(|(flag, _)| flag).sum(), out);
    put_text(source, out);
    put_text(&seen.kind, out);
    [&seen.protocol, &seen.http_method].into_iter().flatten().for_each(|text| put_text(text, out));
    put_varint(seen.values.len() as u64, out);
    for value in &seen.values {
        put_text(&value.field, out);
        put_text(value.kind.name(), out);
        out.push(match value.role {
            Role::Source => 0,
            Role::Destination => 1,
            Role::Content => 2,
        });
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_varint(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let bytes = size(rest)?;
    String::from_utf8(take(rest, bytes)?.to_vec()).ok()
}

impl Shape {
    /// What [`put`] wrote; `None` where it is anything else.
    pub(super) fn read(mut rest: &[u8]) -> Option<Self> {
        let rest = &mut rest;
        let has = varint(rest)?;
        let (source, record) = (text(rest)?, text(rest)?);
        let mut optional = |flag| if has & flag == 0 { Some(None) } else { text(rest).map(Some) };
        let (protocol, http_method) = (optional(has::PROTOCOL)?, optional(has::HTTP_METHOD)?);
        let count = size(rest)?;
        // Each field takes three bytes at least: what a torn count could ask for is bounded by what is there.
        let mut fields = Vec::with_capacity(count.min(rest.len() / 3));
        for _ in 0..count {
            let name = text(rest)?;
            let bytes = size(rest)?;
            let kind = std::str::from_utf8(take(rest, bytes)?).ok()?;
            let role = match take(rest, 1)? {
                [0] => Role::Source,
                [1] => Role::Destination,
                _ => Role::Content,
            };
            fields.push(Field { name, kind: ValueKind::from_name(kind), role });
        }
        rest.is_empty().then_some(Self { has, source, record, protocol, http_method, fields })
    }
}

/// Shapes by number, from 1. What is beyond the limits has none, and stands in its row.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    numbers: HashMap<Vec<u8>, u32>,
    encoded: Vec<Vec<u8>>,
    bytes: usize,
}

/// The number of a shape that stands in its row.
pub(super) const INLINE: u32 = 0;

const SHAPES_MAX: usize = 4096;
const SHAPES_BYTES_MAX: usize = 2 << 20;

impl Shapes {
    /// The number of a shape, given now if it has none; [`INLINE`] where there are too many.
    pub(super) fn number(&mut self, encoded: &[u8]) -> u32 {
        if let Some(known) = self.numbers.get(encoded) {
            return *known;
        }
        if self.encoded.len() >= SHAPES_MAX || self.bytes + encoded.len() > SHAPES_BYTES_MAX {
            return INLINE;
        }
        self.bytes += encoded.len();
        self.encoded.push(encoded.to_vec());
        let number = u32::try_from(self.encoded.len()).unwrap_or(INLINE);
        self.numbers.insert(encoded.to_vec(), number);
        number
    }

    pub(super) fn encoded(&self) -> &[Vec<u8>] {
        &self.encoded
    }
}
