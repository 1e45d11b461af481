//! The rows of a segment as a hunt reads them: here and there, whole.
//!
//! Parquet keeps the same records by column, for questions over very many of them; one record out of there is a page of each
//! column. Here it is one read and one block unpacked. Format 1, all numbers little-endian, varints and frames as in
//! [`index`](crate::index):
//!
//! ```text
//! magic "YAGURARW" · version u32
//! blocks, as frames
//! groups, as frames: for each of at most 1,024 blocks `rows varint · bytes varint`, the block's frame
//! shapes, a frame: of each `bytes varint · the shape`
//! root, a frame: for each group `first row varint · offset of its first block varint · blocks varint · offset varint · bytes
//!         varint`, the group's frame
//! footer: shapes offset u64 · shapes bytes u32 · root offset u64 · root bytes u32 · rows u32 · version u32 · CRC-32 of the
//!         footer so far u32 · magic "YAGURARW"
//! ```
//!
//! A block is a byte 0 and its rows, or a byte 1, how long they are (varint) and the rows packed as an LZ4 block. The rows
//! begin with a time i64, a line u64 and a position u64, the least of the block. Each row is `bytes varint` and then so many: `shape
//! varint · time varint · line varint · position varint`, the last three as what they are more than the least, and what is its
//! own: ports and counts as varints, the values, the text (`bytes varint`).
//!
//! A shape is what the numbers and values of a row are: `has varint` (bits: own time, source and destination port, bytes,
//! bytes of the source, of the destination, text, protocol, HTTP method), then texts: source, record's kind, protocol, method;
//! then a varint of how many values, and of each the field and the kind as texts and a byte for the role. Shapes are numbered
//! from 1 as they stand in the file; a row of shape 0 begins with `bytes varint` and its own.
//!
//! A value is a varint and bytes: 0 and four octets of an IPv4 address, 1 and sixteen of an IPv6 address, 2, `bytes varint` and what
//! pairs of lower-case hexadecimal digits say, or 3 more than the bytes of a text, which follows. The first three are for
//! texts that are again the same when they are written out.

mod held;
mod read;
mod row;
mod shape;
mod write;

pub(crate) use held::HeldRows;
pub(crate) use read::{RowCursor, RowsFile, Wanted};
pub(crate) use row::{Head, Record};
pub(crate) use shape::Shape;
pub(crate) use write::RowsWriter;

use crate::error::FileError;

const MAGIC: &[u8; 8] = b"YAGURARW";
const VERSION: u32 = 1;
const FOOTER_BYTES: usize = 8 + 4 + 8 + 4 + 4 + 4 + 4 + 8;

/// A block is closed when it has so many rows or bytes: it is read and unpacked for any row of it.
const BLOCK_ROWS: usize = 64;
const BLOCK_BYTES: usize = 16 << 10;

/// No block that is read has more rows.
const BLOCK_ROWS_MAX: u32 = 1024;

const GROUP_BLOCKS: usize = 1024;

/// No frame is longer: a row's text is of at most 16 MiB.
const FRAME_BYTES_MAX: usize = 64 << 20;

const PLAIN: u8 = 0;
const PACKED: u8 = 1;

fn read_shapes(encoded: &[Vec<u8>]) -> Result<Vec<Shape>, FileError> {
    let shapes: Option<Vec<Shape>> = encoded.iter().map(|shape| Shape::read(shape)).collect();
    shapes.ok_or(FileError::Damaged("has a shape that is none"))
}

/// Reads bytes as rows, one after the other and one here and there: for fuzzing, since strangers' files may be torn.
#[doc(hidden)]
pub fn fuzz_rows(bytes: &[u8]) {
    for wanted in [Wanted::All, Wanted::Some(vec![0, 1, 70, 5000])] {
        let Ok(file) = RowsFile::open(bytes) else { return };
        let mut cursor = RowCursor::new(file, wanted);
        while let Ok(true) = cursor.next() {
            let _ = cursor.row().record();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;
    use stix::observable::ValueKind;
    use telemetry::{Observation, Observed, Role};

    use super::*;
    use crate::columns::Whence;

    /// A record with its log, line, position and text.
    type Made = (Observation<'static>, &'static str, u64, u64, Option<String>);

    fn value() -> impl Strategy<Value = (ValueKind, String)> {
        let kind = prop::sample::select(ValueKind::ALL.to_vec());
        let text = prop_oneof![
            any::<[u8; 4]>().prop_map(|octets| std::net::Ipv4Addr::from(octets).to_string()),
            any::<[u8; 16]>().prop_map(|octets| std::net::Ipv6Addr::from(octets).to_string()),
            Just("010.0.0.1".to_owned()),
            Just("2001:DB8::0:1".to_owned()),
            "[0-9a-f]{15,18}",
            "[0-9A-F]{16}",
            "\\PC{0,40}",
        ];
        (kind, text)
    }

    fn made() -> impl Strategy<Value = Made> {
        let role = prop::sample::select(vec![Role::Source, Role::Destination, Role::Content]);
        let field = prop::sample::select(vec!["src_ip", "dns.rrname", "x"]);
        let observed = (field, value(), role).prop_map(|(field, (kind, value), role)| Observed {
            field: field.into(),
            kind,
            value: value.into(),
            role,
        });
        let numbers =
            (any::<Option<u16>>(), any::<Option<u16>>(), any::<[Option<u64>; 3]>(), any::<Option<i32>>());
        let texts = prop::option::of(prop::sample::select(vec!["tcp", "GET"]));
        let kind = prop::sample::select(vec!["dns", "flow", ""]);
        let origin = (
            prop::sample::select(vec!["a.log", "b.log"]),
            any::<u64>(),
            any::<u64>(),
            any::<Option<String>>(),
        );
        (kind, numbers, (texts.clone(), texts), prop::collection::vec(observed, 0..4), origin).prop_map(
            |(kind, (src_port, dst_port, counts, time), (protocol, method), values, origin)| {
                let [bytes, src_bytes, dst_bytes] = counts;
                let time = time.map(|second| jiff::Timestamp::from_second(i64::from(second)).unwrap());
                let record = Observation {
                    time,
                    kind: kind.into(),
                    protocol: protocol.map(Into::into),
                    src_port,
                    dst_port,
                    bytes,
                    src_bytes,
                    dst_bytes,
                    http_method: method.map(Into::into),
                    values,
                };
                let (source, line, position, text) = origin;
                (record, source, line, position, text)
            },
        )
    }

    fn held(all: &[Made]) -> HeldRows {
        let mut held = HeldRows::default();
        for (record, source, line, offset, text) in all {
            let time = record.time.map_or(0, crate::columns::nanoseconds);
            let text = text.as_deref();
            held.push(record, &Whence { source, line: *line, offset: *offset, time, text });
        }
        held
    }

    fn written(held: &HeldRows, rows: Range<usize>) -> Vec<u8> {
        let mut writer = RowsWriter::new(Vec::new()).unwrap();
        writer.push(held, rows).unwrap();
        writer.finish().unwrap().0
    }

    fn read(bytes: &[u8], wanted: Wanted) -> Result<Vec<(u32, Made)>, FileError> {
        let mut cursor = RowCursor::new(RowsFile::open(bytes)?, wanted);
        let mut all = Vec::new();
        while cursor.next()? {
            let (row, number) = (cursor.row(), cursor.number());
            let record = row.record()?;
            let source = if record.source == "a.log" { "a.log" } else { "b.log" };
            let text = record.text.map(str::to_owned);
            all.push((
                number,
                (row::owned(record.observation), source, row.head.line, row.head.position, text),
            ));
        }
        Ok(all)
    }

    /// Written by another program, from the form that stands at the top of this file.
    #[test]
    fn the_form_is_as_described() {
        let read = read(include_bytes!("../../../../fuzz/seeds/lake_rows/few"), Wanted::All).unwrap();
        let value = |field: &'static str, kind, value: &str, role| Observed {
            field: field.into(),
            kind,
            value: value.to_owned().into(),
            role,
        };
        let record = |after: i64, port, address, name, digest: &str| Observation {
            time: Some(crate::columns::timestamp(1_764_547_200_000_000_000 + after)),
            kind: "dns".into(),
            protocol: Some("tcp".into()),
            dst_port: Some(port),
            values: vec![
                value("src_ip", ValueKind::Ipv4, address, Role::Source),
                value("dns.rrname", ValueKind::Domain, name, Role::Content),
                value("x", ValueKind::Sha256, digest, Role::Content),
            ],
            ..Observation::default()
        };
        let rising: String = (0..32).map(|byte| format!("{byte:02x}")).collect();
        let one = record(0, 53, "192.0.2.1", "a.evil.example", &rising);
        let two = record(1000, 443, "203.0.113.9", "www.example", &"ab".repeat(32));
        let three = Observation { kind: "flow".into(), ..Observation::default() };
        let text = |text: &str| Some(text.to_owned());
        let expected = [
            (0, (one, "a.log", 1, 0, text("one"))),
            (1, (two, "a.log", 2, 120, text("two"))),
            (2, (three, "b.log", 3, 240, None)),
        ];
        assert_eq!(read, expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_is_read(all in prop::collection::vec(made(), 0..300), some in prop::collection::btree_set(0_u32..320, 0..40)) {
            let bytes = written(&held(&all), 0..all.len());
            let everything: Vec<(u32, Made)> = (0..).zip(all).collect();
            prop_assert_eq!(&read(&bytes, Wanted::All).unwrap(), &everything);
            let expected: Vec<_> = everything.into_iter().filter(|(number, _)| some.contains(number)).collect();
            prop_assert_eq!(read(&bytes, Wanted::Some(some.into_iter().collect())).unwrap(), expected);
        }

        #[test]
        fn rows_are_taken_over_as_they_are(all in prop::collection::vec(made(), 1..100)) {
            let first = written(&held(&all), 0..all.len());
            let mut copied = HeldRows::default();
            let mut cursor = RowCursor::new(RowsFile::open(first.as_slice()).unwrap(), Wanted::All);
            while cursor.next().unwrap() {
                let row = cursor.row();
                copied.copy(row, cursor.file.encoded_shape(row));
            }
            let second = written(&copied, 0..copied.len());
            prop_assert_eq!(read(&second, Wanted::All).unwrap(), read(&first, Wanted::All).unwrap());
        }

        #[test]
        fn an_altered_file_is_an_error_or_the_same(all in prop::collection::vec(made(), 1..100), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let whole = written(&held(&all), 0..all.len());
            let mut altered = whole.clone();
            let at = at.index(altered.len());
            altered[at] ^= 1 << bit;
            if let Ok(rows) = read(&altered, Wanted::All) {
                // What stands before the first block is not read.
                prop_assert!(at < 12, "byte {} of {}", at, whole.len());
                prop_assert_eq!(rows, read(&whole, Wanted::All).unwrap());
            }
        }
    }

    /// More shapes than are numbered: the others stand in their rows.
    #[test]
    fn shapes_without_end_are_kept() {
        let all: Vec<Made> = (0..10_000)
            .map(|number| {
                let kind = format!("kind{number}").into();
                (Observation { kind, ..Observation::default() }, "a.log", number, 0, None)
            })
            .collect();
        let bytes = written(&held(&all), 0..all.len());
        let everything: Vec<(u32, Made)> = (0..).zip(all).collect();
        assert_eq!(read(&bytes, Wanted::All).unwrap(), everything);
    }
}
