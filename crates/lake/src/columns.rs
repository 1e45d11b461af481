//! Records as rows of columns, for Parquet.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{
    BooleanBuilder, StringBuilder, TimestampNanosecondBuilder, UInt16Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, ListArray, RecordBatch, StructArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, TimeUnit};
use jiff::Timestamp;
use telemetry::Role;

use crate::error::FileError;
use crate::rows::{Head, HeldRows, Record, Shape};

static VALUE_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    Fields::from(vec![text("field"), text("kind"), text("value"), text("role")])
});

/// The columns of every Parquet file of a lake.
pub(crate) static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| {
    let time = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let value = Field::new("element", DataType::Struct(VALUE_FIELDS.clone()), false);
    let column = |name: &str, kind: DataType, nullable| Field::new(name, kind, nullable);
    Arc::new(Schema::new(vec![
        column("time", time, false),
        column("time_is_of_record", DataType::Boolean, false),
        column("source", DataType::Utf8, false),
        column("line", DataType::UInt64, false),
        column("position", DataType::UInt64, false),
        column("record", DataType::Utf8, false),
        column("protocol", DataType::Utf8, true),
        column("src_port", DataType::UInt16, true),
        column("dst_port", DataType::UInt16, true),
        column("bytes", DataType::UInt64, true),
        column("src_bytes", DataType::UInt64, true),
        column("dst_bytes", DataType::UInt64, true),
        column("http_method", DataType::Utf8, true),
        column("observed", DataType::List(Arc::new(value)), false),
        column("text", DataType::Utf8, true),
    ]))
});

/// Where a record came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whence<'a> {
    pub(crate) source: &'a str,
    pub(crate) line: u64,
    pub(crate) offset: u64,
    /// Nanoseconds since 1970; when it was read, for a record without a time.
    pub(crate) time: i64,
    pub(crate) text: Option<&'a str>,
}

/// The columns of some rows.
///
/// # Errors
/// The rows are none.
pub(crate) fn columns(
    held: &HeldRows,
    shapes: &[Shape],
    rows: Range<usize>,
) -> Result<RecordBatch, FileError> {
    let mut columns = Columns::default();
    for head in held.heads().get(rows).unwrap_or_default() {
        columns.push(head, &held.row(head, shapes).record()?);
    }
    columns.finish().map_err(|_| FileError::Damaged("has rows that are no columns"))
}

/// Rows that are being collected.
#[derive(Default)]
struct Columns {
    time: TimestampNanosecondBuilder,
    time_is_of_record: BooleanBuilder,
    source: StringBuilder,
    line: UInt64Builder,
    offset: UInt64Builder,
    record: StringBuilder,
    protocol: StringBuilder,
    ports: [UInt16Builder; 2],
    bytes: [UInt64Builder; 3],
    http_method: StringBuilder,
    ends: Vec<i32>,
    field: StringBuilder,
    kind: StringBuilder,
    value: StringBuilder,
    role: StringBuilder,
    text: StringBuilder,
}

impl Columns {
    fn push(&mut self, head: &Head, Record { observation: seen, source, text }: &Record<'_>) {
        self.time.append_value(head.time);
        self.time_is_of_record.append_value(seen.time.is_some());
        self.source.append_value(source);
        self.line.append_value(head.line);
        self.offset.append_value(head.position);
        self.record.append_value(&seen.kind);
        self.protocol.append_option(seen.protocol.as_deref());
        let [src_port, dst_port] = &mut self.ports;
        src_port.append_option(seen.src_port);
        dst_port.append_option(seen.dst_port);
        let [bytes, src_bytes, dst_bytes] = &mut self.bytes;
        bytes.append_option(seen.bytes);
        src_bytes.append_option(seen.src_bytes);
        dst_bytes.append_option(seen.dst_bytes);
        self.http_method.append_option(seen.http_method.as_deref());
        for value in &seen.values {
            self.field.append_value(&value.field);
            self.kind.append_value(value.kind.name());
            self.value.append_value(&value.value);
            self.role.append_value(role_name(value.role));
        }
        let end = self.ends.last().copied().unwrap_or(0);
        self.ends.push(end.saturating_add(i32::try_from(seen.values.len()).unwrap_or(i32::MAX)));
        self.text.append_option(*text);
    }

    fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let values: Vec<ArrayRef> = vec![
            Arc::new(self.field.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.value.finish()),
            Arc::new(self.role.finish()),
        ];
        let values = StructArray::try_new(VALUE_FIELDS.clone(), values, None)?;
        let offsets: ScalarBuffer<i32> = [0].into_iter().chain(self.ends).collect();
        let DataType::List(element) = SCHEMA.field_with_name("observed")?.data_type() else {
            return Err(ArrowError::SchemaError("`observed` is no list".to_owned()));
        };
        let values =
            ListArray::try_new(Arc::clone(element), OffsetBuffer::new(offsets), Arc::new(values), None)?;
        let [src_port, dst_port] = &mut self.ports;
        let [bytes, src_bytes, dst_bytes] = &mut self.bytes;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.time.finish().with_timezone("UTC")),
            Arc::new(self.time_is_of_record.finish()),
            Arc::new(self.source.finish()),
            Arc::new(self.line.finish()),
            Arc::new(self.offset.finish()),
            Arc::new(self.record.finish()),
            Arc::new(self.protocol.finish()),
            Arc::new(src_port.finish()),
            Arc::new(dst_port.finish()),
            Arc::new(bytes.finish()),
            Arc::new(src_bytes.finish()),
            Arc::new(dst_bytes.finish()),
            Arc::new(self.http_method.finish()),
            Arc::new(values),
            Arc::new(self.text.finish()),
        ];
        RecordBatch::try_new(Arc::clone(&SCHEMA), columns)
    }
}

/// Nanoseconds since 1970; saturated.
pub(crate) fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time.as_second() < 0 { i64::MIN } else { i64::MAX })
}

pub(crate) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default()
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Source => "source",
        Role::Destination => "destination",
        Role::Content => "content",
    }
}
